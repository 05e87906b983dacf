//! Rules as the table has them.
//!
//! A version that does not know `mfa` and `fresh` would overlook them, and let in whom they keep out: while a new version is
//! rolled out, or after it was taken back. So rules that have them are marked in a place that it reads and can't overlook;
//! it answers 500 then. Rules without them look as they always did.

use serde::{Deserialize, Serialize, Serializer, ser::Error as _};

use super::{Caching, Rule, Rules};

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mark {
    Allowed,
    Never,
    /// Never, and a rule is about the session.
    NeverBySession,
}

#[derive(Deserialize)]
pub(super) struct Stored {
    rules: Vec<Rule>,
    caching: Mark,
}

#[derive(Serialize)]
struct Storing<'a> {
    rules: &'a [Rule],
    caching: Mark,
}

/// Rules whose mark is not theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("rules with mfa or fresh need answers that are not cached")]
pub(super) struct WrongMark;

/// The mark of these rules, if they can be stored at all.
fn mark(rules: &[Rule], caching: Caching) -> Result<Mark, WrongMark> {
    let by_session = rules.iter().any(|rule| !rule.access.demand().is_nothing());
    match (caching, by_session) {
        (Caching::Allowed, false) => Ok(Mark::Allowed),
        (Caching::Never, false) => Ok(Mark::Never),
        (Caching::Never, true) => Ok(Mark::NeverBySession),
        (Caching::Allowed, true) => Err(WrongMark),
    }
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let caching = mark(&self.rules, self.caching).map_err(S::Error::custom)?;
        Storing { rules: &self.rules, caching }.serialize(serializer)
    }
}

impl TryFrom<Stored> for Rules {
    type Error = WrongMark;

    fn try_from(Stored { rules, caching: found }: Stored) -> Result<Self, WrongMark> {
        let caching = if found == Mark::Allowed { Caching::Allowed } else { Caching::Never };
        if mark(&rules, caching)? == found { Ok(Self { rules, caching }) } else { Err(WrongMark) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Access, Route};
    use super::*;

    fn rules(caching: Caching, conditions: &str) -> Rules {
        let access: Access = serde_json::from_str(conditions).unwrap();
        Rules { rules: vec![Rule { line: 1, route: Route::parse("GET /notes").unwrap(), access }], caching }
    }

    fn stored(caching: Caching, conditions: &str) -> String {
        serde_json::to_string(&rules(caching, conditions)).unwrap()
    }

    const OF_SESSIONS: [&str; 3] = [r#"{"mfa":true}"#, r#"{"fresh":600}"#, r#"{"mfa":true,"fresh":600}"#];

    /// The structs of the versions before `mfa` and `fresh`, as they were.
    mod before {
        use ipnet::IpNet;
        use serde::Deserialize;

        use super::super::super::{Permission, Role, Route};

        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "read, and looked at by nobody")]
        pub(super) struct Rules {
            rules: Vec<Rule>,
            caching: Caching,
        }

        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Caching {
            Allowed,
            Never,
        }

        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "read, and looked at by nobody")]
        struct Rule {
            line: u32,
            route: Route,
            #[serde(flatten)]
            access: Access,
        }

        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        struct Access {
            public: bool,
            roles: Vec<Role>,
            permission: Option<Permission>,
            addresses: Vec<IpNet>,
        }
    }

    #[test]
    fn a_version_that_would_overlook_a_condition_can_not_read_the_rules_that_have_it() {
        for conditions in OF_SESSIONS {
            let text = stored(Caching::Never, conditions);
            assert!(serde_json::from_str::<before::Rules>(&text).is_err(), "{text}");
            assert_eq!(
                serde_json::from_str::<Rules>(&text).unwrap(),
                rules(Caching::Never, conditions),
                "{text}"
            );
            // Without the mark it would: that is what the mark is for.
            let unmarked = text.replace("never-by-session", "never");
            assert!(serde_json::from_str::<before::Rules>(&unmarked).is_ok(), "{unmarked}");
        }
    }

    #[test]
    fn rules_without_the_conditions_are_stored_as_they_always_were() {
        let all = r#"{"roles":["admin"],"permission":"notes:read","addresses":["10.0.0.0/8"]}"#;
        for (caching, name) in [(Caching::Allowed, "allowed"), (Caching::Never, "never")] {
            for (conditions, form) in [
                (all, r#","roles":["admin"],"permission":"notes:read","addresses":["10.0.0.0/8"]"#),
                (r#"{"public":true}"#, r#","public":true"#),
                ("{}", ""),
            ] {
                let text = stored(caching, conditions);
                let whole =
                    format!(r#"{{"rules":[{{"line":1,"route":"GET /notes"{form}}}],"caching":"{name}"}}"#);
                assert_eq!(text, whole);
                assert!(serde_json::from_str::<before::Rules>(&text).is_ok(), "{text}");
                assert_eq!(serde_json::from_str::<Rules>(&text).unwrap(), rules(caching, conditions));
            }
        }
    }

    #[test]
    fn rules_whose_mark_is_not_theirs_are_neither_stored_nor_read() {
        for conditions in OF_SESSIONS {
            assert!(serde_json::to_string(&rules(Caching::Allowed, conditions)).is_err());
            for other in ["allowed", "never"] {
                let text = stored(Caching::Never, conditions).replace("never-by-session", other);
                assert!(serde_json::from_str::<Rules>(&text).is_err(), "{text}");
            }
        }
        let unearned = stored(Caching::Never, "{}").replace("never", "never-by-session");
        assert!(serde_json::from_str::<Rules>(&unearned).is_err());
    }

    /// The same of the next condition: this version must not overlook it, either.
    #[test]
    fn a_condition_that_nobody_knows_here_is_an_error() {
        let text = stored(Caching::Never, "{}").replace(r#""GET /notes""#, r#""GET /notes","weekdays":[1]"#);
        let error = serde_json::from_str::<Rules>(&text).unwrap_err();
        assert!(error.to_string().contains("weekdays"), "{error}");
        for (good, bad) in [("600", "59"), ("600", "86401"), ("600", "\"10m\"")] {
            let text = stored(Caching::Never, OF_SESSIONS[1]).replace(good, bad);
            assert!(serde_json::from_str::<Rules>(&text).is_err(), "{text}");
        }
    }
}
