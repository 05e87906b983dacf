//! Whether an IAM policy can say what the rules say, on every path.
//!
//! An answer that API Gateway keeps is asked about other paths than the one it was made for. What it denies belongs to no
//! user (paths that can be read in more than one way, see `path`), so on all others its Allow statements must let through
//! exactly what the rules let through, whoever the user is: where IAM's wildcard for a rule reaches paths that another
//! rule decides, or none, everybody whom the rule lets in must be let in there too.

use super::{
    Caching, Rule, Rules,
    grant::{self, MAX_POLICY_BYTES, MAX_RESOURCE_CHARACTERS},
    overlap::{covers, hides, meets, overlap},
};

/// Why rules are not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A rule is never asked.
    #[error(
        "line {later} never applies: line {earlier} already covers all of it; move it before line \
         {earlier}, or remove it"
    )]
    Hidden {
        /// The rule that is never asked.
        later: u32,
        /// The rule in front of it.
        earlier: u32,
    },
    /// A stricter rule lies inside a laxer one's wildcard.
    #[error(
        "lines {line} and {other}: IAM's `*` crosses `/`, so a cached answer that allows `{route}` also \
         allows paths of line {other}, which does not let in everybody that line {line} lets in; store \
         the rules with --uncached \
         (and ReauthorizeEvery 0), or let line {other} let them in too"
    )]
    Stricter {
        /// The laxer rule.
        line: u32,
        route: String,
        /// The stricter rule.
        other: u32,
    },
    /// A rule's wildcard reaches paths that no rule is about.
    #[error(
        "line {line}: IAM's `*` crosses `/`, so a cached answer that allows `{route}` also allows deeper \
         paths, which no rule covers; write `{remedy}`, or store the rules with --uncached (and \
         ReauthorizeEvery 0)"
    )]
    Deeper {
        /// The rule.
        line: u32,
        route: String,
        /// A route that IAM can say.
        remedy: String,
    },
    /// A stricter rule is about what a laxer one's wildcard begins with.
    #[error(
        "lines {line} and {other}: a REST API serves `{base}/` as `{base}`, and a cached answer that \
         allows `{base}/*` allows the first, while line {other} does not let in everybody that line \
         {line} lets in; store the rules with --uncached (and \
         ReauthorizeEvery 0), or let line {other} let them in too"
    )]
    Slash {
        /// The laxer rule.
        line: u32,
        /// Its path up to the star.
        base: String,
        /// The stricter rule.
        other: u32,
    },
    /// A rule is about the session, which changes while an answer is kept.
    #[error(
        "line {line}: a cached answer outlives an age limit and a step-up; store rules with mfa or fresh \
         with --uncached (and ReauthorizeEvery 0)"
    )]
    BySession {
        /// The rule.
        line: u32,
    },
    /// A route is too long for a policy.
    #[error("line {line}: the route is longer than the 512 characters that API Gateway accepts in a policy")]
    LongRoute {
        /// The rule.
        line: u32,
    },
    /// All of it is too long for a policy.
    #[error(
        "a policy of all these routes has {bytes} bytes, more than the {MAX_POLICY_BYTES} that are \
         allowed; write fewer routes, with `/*`, or store the rules with --uncached"
    )]
    LongPolicy {
        /// How long it would be.
        bytes: usize,
    },
}

impl Rules {
    /// Everything for which these rules should not be stored.
    #[must_use]
    pub fn unfit(&self) -> Vec<Unfit> {
        let mut found: Vec<Unfit> =
            self.rules.iter().enumerate().filter_map(|(at, rule)| self.hidden(at, rule)).collect();
        if self.caching == Caching::Allowed {
            let by_session = |rule: &&Rule| !rule.access.demand().is_nothing();
            let about_sessions = self.rules.iter().filter(by_session);
            found.extend(about_sessions.map(|rule| Unfit::BySession { line: rule.line }));
            let wrong = |rule| self.inexpressible(rule).or_else(|| self.stricter_without_slash(rule));
            // No answer to an event API is kept, and no policy has its rules.
            let in_policies = self.rules.iter().filter(|rule| !rule.route.is_of_events());
            found.extend(in_policies.filter_map(wrong));
            found.extend(self.too_long());
        }
        found
    }

    fn hidden(&self, at: usize, later: &Rule) -> Option<Unfit> {
        let earlier = self.rules.iter().take(at).find(|earlier| {
            let methods = earlier.route.methods();
            later.route.methods().iter().all(|method| methods.contains(method))
                && hides(&earlier.route, &later.route)
        })?;
        Some(Unfit::Hidden { later: later.line, earlier: earlier.line })
    }

    /// What a kept answer would get wrong about one rule, by the first method for which it would.
    fn inexpressible(&self, rule: &Rule) -> Option<Unfit> {
        rule.route.methods().iter().find_map(|method| {
            let about = self.rules.iter().filter(|other| other.route.methods().contains(method));
            for other in about {
                if meets(&rule.route, &other.route) && !rule.access.implies(&other.access) {
                    let route = rule.route.to_string();
                    return Some(Unfit::Stricter { line: rule.line, route, other: other.line });
                }
                if covers(&other.route, &rule.route) {
                    return None;
                }
            }
            let path = rule.route.path();
            let remedy = format!("{}*", path.split_once('{').map_or(path.as_str(), |(before, _)| before));
            Some(Unfit::Deeper { line: rule.line, route: rule.route.to_string(), remedy })
        })
    }

    /// A rule about `/a` that is stricter than this one about `/a/*`.
    fn stricter_without_slash(&self, rule: &Rule) -> Option<Unfit> {
        let base = rule.route.base()?;
        rule.route.methods().iter().find_map(|method| {
            let about = self.rules.iter().filter(|other| other.route.methods().contains(method));
            for other in about.filter(|other| overlap(&other.route, &base)) {
                if !rule.access.implies(&other.access) {
                    return Some(Unfit::Slash { line: rule.line, base: base.path(), other: other.line });
                }
                if hides(&other.route, &base) {
                    break;
                }
            }
            None
        })
    }

    fn too_long(&self) -> Vec<Unfit> {
        let mut found = Vec::new();
        let mut resources = Vec::new();
        for rule in &self.rules {
            let of_rule: Vec<String> = grant::resources(LONG_ARN, &rule.route).collect();
            if of_rule.iter().any(|resource| resource.chars().count() > MAX_RESOURCE_CHARACTERS) {
                found.push(Unfit::LongRoute { line: rule.line });
            }
            resources.extend(of_rule);
        }
        let bytes = grant::kept(resources, LONG_PARTITION).bytes();
        if bytes > MAX_POLICY_BYTES {
            found.push(Unfit::LongPolicy { bytes });
        }
        found
    }
}

const LONG_PARTITION: &str = "aws-us-gov";

/// As long as the beginning of an ARN gets in practice: the longest partition and region, and a stage of 20 letters.
const LONG_ARN: &str =
    "arn:aws-us-gov:execute-api:ap-southeast-1:123456789012:a1b2c3d4e5/production-stage-nr1";

#[cfg(test)]
mod tests {
    use super::super::{Access, Route};
    use super::*;

    /// Rules of `(route, conditions)`, a line each.
    fn rules(caching: Caching, rules: &[(&str, &str)]) -> Vec<String> {
        let rule = |(line, (route, access)): (u32, &(&str, &str))| Rule {
            line,
            route: Route::parse(route).unwrap(),
            access: serde_json::from_str::<Access>(access).unwrap(),
        };
        let rules = Rules { rules: (1..).zip(rules).map(rule).collect(), caching };
        rules
            .unfit()
            .iter()
            .map(|unfit| unfit.to_string().split(':').next().unwrap_or_default().to_owned())
            .collect()
    }

    const READ: &str = r#"{"permission":"notes:read"}"#;
    const ADMIN: &str = r#"{"roles":["admin"]}"#;
    const OFFICE: &str = r#"{"permission":"notes:read","addresses":["10.1.0.0/16"]}"#;
    const NEAR: &str = r#"{"permission":"notes:read","addresses":["10.0.0.0/8"]}"#;
    const ANYONE: &str = "{}";
    const PUBLIC: &str = r#"{"public":true}"#;

    #[test]
    fn literal_routes_and_prefixes_can_be_kept() {
        assert_eq!(
            rules(Caching::Allowed, &[("GET /a", READ), ("ANY /b/*", ADMIN), ("GET /", ANYONE)]),
            [""; 0]
        );
    }

    #[test]
    fn a_stricter_rule_inside_a_laxer_wildcard_is_refused_with_both_lines() {
        assert_eq!(
            rules(Caching::Allowed, &[("GET /a/secret", ADMIN), ("GET /a/*", READ)]),
            ["lines 2 and 1"]
        );
        assert_eq!(
            rules(Caching::Allowed, &[("GET /a/near", OFFICE), ("GET /a/*", READ)]),
            ["lines 2 and 1"]
        );
        assert_eq!(
            rules(Caching::Allowed, &[("GET /a/open", READ), ("GET /a/*", PUBLIC)]),
            ["lines 2 and 1"]
        );
    }

    #[test]
    fn a_laxer_rule_inside_a_stricter_wildcard_can_be_kept() {
        for (inner, outer) in
            [(ANYONE, READ), (READ, ADMIN), (PUBLIC, PUBLIC), (NEAR, OFFICE), (READ, OFFICE)]
        {
            let found = rules(Caching::Allowed, &[("GET /a/x", inner), ("GET /a/*", outer)]);
            assert_eq!(found, [""; 0], "{inner} in {outer}");
        }
    }

    #[test]
    fn one_segment_cannot_be_kept_unless_all_below_it_is_allowed_too() {
        assert_eq!(rules(Caching::Allowed, &[("GET /a/{id}", READ)]), ["line 1"]);
        assert_eq!(rules(Caching::Allowed, &[("GET /a/{id}", READ), ("GET /a/*", READ)]), [""; 0]);
        assert_eq!(rules(Caching::Allowed, &[("GET /a/{id}", READ), ("GET /a/*", ADMIN)]), ["lines 1 and 2"]);
        assert_eq!(rules(Caching::Never, &[("GET /a/{id}", READ)]), [""; 0]);
    }

    /// A REST API takes `/a/`, which `/a/*` allows, for `/a`.
    #[test]
    fn a_stricter_rule_for_what_a_wildcard_begins_with_is_refused() {
        assert_eq!(rules(Caching::Allowed, &[("GET /a", ADMIN), ("GET /a/*", READ)]), ["lines 2 and 1"]);
        assert_eq!(
            rules(Caching::Allowed, &[("GET /a/*", READ), ("ANY /{x}", ADMIN), ("ANY /*", ADMIN)]),
            ["lines 1 and 2"]
        );
        assert_eq!(rules(Caching::Allowed, &[("GET /a", READ), ("GET /a/*", ADMIN)]), [""; 0]);
        assert_eq!(rules(Caching::Allowed, &[("POST /a", ADMIN), ("GET /a/*", READ)]), [""; 0]);
        assert_eq!(rules(Caching::Never, &[("GET /a", ADMIN), ("GET /a/*", READ)]), [""; 0]);
    }

    #[test]
    fn a_rule_about_the_session_is_for_answers_that_are_not_kept() {
        for conditions in [r#"{"mfa":true}"#, r#"{"fresh":600}"#, r#"{"permission":"a:b","mfa":true}"#] {
            let of = |caching| rules(caching, &[("GET /a", READ), ("GET /b", conditions)]);
            assert_eq!(of(Caching::Allowed), ["line 2"], "{conditions}");
            assert_eq!(of(Caching::Never), [""; 0], "{conditions}");
        }
    }

    #[test]
    fn another_method_is_another_matter() {
        assert_eq!(rules(Caching::Allowed, &[("POST /a/secret", ADMIN), ("GET /a/*", READ)]), [""; 0]);
        assert_eq!(
            rules(Caching::Allowed, &[("POST /a/secret", ADMIN), ("ANY /a/*", READ)]),
            ["lines 2 and 1"]
        );
    }

    #[test]
    fn a_rule_that_is_never_asked_is_a_mistake_cached_or_not() {
        for caching in [Caching::Allowed, Caching::Never] {
            let found = rules(caching, &[("ANY /a/*", READ), ("GET /a/b", READ)]);
            assert_eq!(found, ["line 2 never applies"]);
        }
    }

    #[test]
    fn what_api_gateway_would_not_take_is_refused_when_it_is_stored() {
        let room = MAX_RESOURCE_CHARACTERS - LONG_ARN.len() - "/GET/".len();
        let longest = format!("GET /{}", "a".repeat(room));
        assert_eq!(rules(Caching::Allowed, &[(longest.as_str(), READ)]), [""; 0]);
        let long = format!("{longest}a");
        assert_eq!(rules(Caching::Allowed, &[(long.as_str(), READ)]), ["line 1"]);
        let many: Vec<String> = (0..20).map(|n| format!("ANY /resource-{n}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|route| (route.as_str(), READ)).collect();
        assert!(
            rules(Caching::Allowed, &many)
                .iter()
                .any(|line| line.starts_with("a policy of all these routes"))
        );
    }

    #[test]
    fn rules_whose_policy_just_fits_are_stored() {
        let of = |last: usize| {
            let long =
                (b'a'..b'm').map(|letter| format!("GET /{}", char::from(letter).to_string().repeat(400)));
            let long = long.chain(["GET /x".to_owned()]);
            let texts: Vec<_> =
                long.chain(["y", "z"].map(|name| format!("GET /{}", name.repeat(last)))).collect();
            let rule = |(line, text): (u32, &String)| Rule {
                line,
                route: Route::parse(text).unwrap(),
                access: Access::default(),
            };
            let rules = Rules { rules: (1..).zip(&texts).map(rule).collect(), caching: Caching::Allowed };
            let resources = rules.rules.iter().flat_map(|rule| grant::resources(LONG_ARN, &rule.route));
            (grant::kept(resources.collect(), LONG_PARTITION).bytes(), rules)
        };
        // Two routes grow together; the policy's length has to be one that they reach.
        let (shortest, _) = of(1);
        let (bytes, rules) = of(1 + (MAX_POLICY_BYTES - shortest) / 2);
        assert_eq!((bytes, rules.unfit()), (MAX_POLICY_BYTES, vec![]));
        let (bytes, rules) = of(2 + (MAX_POLICY_BYTES - shortest) / 2);
        assert_eq!(rules.unfit(), [Unfit::LongPolicy { bytes }]);
    }
}
