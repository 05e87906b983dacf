//! The YAML that people write, with its lines.
//!
//! ```yaml
//! # first match wins; what nothing matches is denied
//! - route: GET /notes
//!   permission: notes:read
//! - route: ANY /admin/*
//!   roles: [admin]
//!   addresses: [10.0.0.0/8, 2001:db8::/32]
//! - route: POST /payments
//!   permission: payments:write
//!   mfa: required
//!   fresh: 10m
//! - route: GET /health
//!   public: true
//! ```

use std::fmt;

use ipnet::IpNet;
use saphyr::{LoadableYamlNode as _, MarkedYaml, Scalar, YamlData};

use super::{Access, Route, Rule};
use crate::assurance::{MaxAge, parse_seconds};
use crate::network::{NetworkFault, parse_network};
use crate::user::{Permission, Role};

/// A place in a rules file where something is wrong, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    pub line: usize,
    /// The line as it stands there.
    pub text: String,
    /// What is wrong.
    pub problem: String,
    /// What to write.
    pub remedy: String,
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, text, problem, remedy } = self;
        write!(f, "line {line}: {problem}\n{line:>5} | {text}\n      | {remedy}")
    }
}

/// The most rules of one API: as many as API Gateway has resources.
const MAX_RULES: usize = 300;

/// Reads a rules file.
///
/// # Errors
/// Every fault of every rule.
pub fn read(text: &str) -> Result<Vec<Rule>, Vec<FileFault>> {
    let mut reader = Reader { lines: text.lines().collect(), faults: Vec::new() };
    let documents = match MarkedYaml::load_from_str(text) {
        Ok(documents) => documents,
        Err(error) => {
            reader.fault(error.marker().line(), error.info().to_owned(), "invalid YAML");
            return Err(reader.faults);
        }
    };
    let rules = match documents.as_slice() {
        [document] => reader.rules(document),
        _ => {
            reader.fault(1, "the file is empty, or has several documents", "write one list of rules");
            Vec::new()
        }
    };
    if reader.faults.is_empty() { Ok(rules) } else { Err(reader.faults) }
}

struct Reader<'t> {
    lines: Vec<&'t str>,
    faults: Vec<FileFault>,
}

impl Reader<'_> {
    fn fault(&mut self, line: usize, problem: impl Into<String>, remedy: impl Into<String>) {
        let text =
            line.checked_sub(1).and_then(|at| self.lines.get(at)).copied().unwrap_or_default().to_owned();
        self.faults.push(FileFault { line, text, problem: problem.into(), remedy: remedy.into() });
    }

    fn rules(&mut self, document: &MarkedYaml<'_>) -> Vec<Rule> {
        let YamlData::Sequence(entries) = &document.data else {
            self.fault(line(document), "the file is not a list", "begin each rule with `- route: GET /path`");
            return Vec::new();
        };
        if entries.len() > MAX_RULES {
            self.fault(
                line(document),
                format!("there are more than {MAX_RULES} rules"),
                "join some with `/*`",
            );
        }
        entries.iter().filter_map(|entry| self.rule(entry)).collect()
    }

    fn rule(&mut self, entry: &MarkedYaml<'_>) -> Option<Rule> {
        let YamlData::Mapping(members) = &entry.data else {
            self.fault(
                line(entry),
                "a rule is a mapping",
                "write `- route: GET /path`, and conditions below it",
            );
            return None;
        };
        let (mut route, mut access) = (None, Access::default());
        for (key, value) in members {
            match text(key).as_deref() {
                Some("route") => route = self.route(value),
                Some("permission") => access.permission = self.permission(value),
                Some("roles") => access.roles = self.list(value, Self::role),
                Some("addresses") => access.addresses = self.list(value, Self::network),
                Some("public") => access.public = self.flag(value),
                Some("mfa") => access.mfa = self.required(value),
                Some("fresh") => access.fresh = self.age(value),
                other => self.unknown_key(line(key), other.unwrap_or("?")),
            }
        }
        if access.public && access != (Access { public: true, ..Access::default() }) {
            self.fault(
                line(entry),
                "a public rule lets everybody in",
                "remove `public`, or the other conditions",
            );
        }
        if !members.iter().any(|(key, _)| text(key).as_deref() == Some("route")) {
            self.fault(line(entry), "the rule has no route", "add `route: GET /path`");
        }
        Some(Rule { line: u32::try_from(line(entry)).unwrap_or(u32::MAX), route: route?, access })
    }

    fn unknown_key(&mut self, line: usize, key: &str) {
        let remedy = match key {
            "role" => "write `roles: [admin]`".to_owned(),
            "permissions" => "a rule has one `permission: feature:action`".to_owned(),
            "address" | "ip" | "ips" => "write `addresses: [10.0.0.0/8]`".to_owned(),
            "path" | "method" => "write both in one: `route: GET /path`".to_owned(),
            "acr" | "factor" | "factors" | "second_factor" | "step_up" => "write `mfa: required`".to_owned(),
            "max_age" | "maxAge" | "age" => "write `fresh: 10m`".to_owned(),
            _ => "a rule has route, permission, roles, addresses, mfa, fresh, public".to_owned(),
        };
        self.fault(line, format!("unknown key `{key}`"), remedy);
    }

    fn route(&mut self, value: &MarkedYaml<'_>) -> Option<Route> {
        match Route::parse(&text(value).unwrap_or_default()) {
            Ok(route) => Some(route),
            Err(wrong) => {
                self.fault(line(value), wrong.problem, wrong.remedy);
                None
            }
        }
    }

    fn permission(&mut self, value: &MarkedYaml<'_>) -> Option<Permission> {
        let permission = Permission::try_from(text(value).unwrap_or_default());
        if permission.is_err() {
            let problem = "a permission is feature:action, each of lower-case letters, digits, - and _";
            self.fault(line(value), problem, "write for example `permission: notes:read`");
        }
        permission.ok()
    }

    fn flag(&mut self, value: &MarkedYaml<'_>) -> bool {
        match &value.data {
            YamlData::Value(Scalar::Boolean(flag)) => *flag,
            _ => {
                self.fault(line(value), "`public` is true or false", "write `public: true`");
                false
            }
        }
    }

    /// What is demanded, or not there: no other word could be taken for less.
    fn required(&mut self, value: &MarkedYaml<'_>) -> bool {
        let is_required = text(value).as_deref() == Some("required");
        if !is_required {
            self.fault(line(value), "`mfa` can only be `required`", "write `mfa: required`, or remove it");
        }
        is_required
    }

    fn age(&mut self, value: &MarkedYaml<'_>) -> Option<MaxAge> {
        let written = text(value).unwrap_or_default();
        match parse_seconds(&written).map(MaxAge::try_from) {
            Some(Ok(age)) => return Some(age),
            Some(Err(wrong)) => {
                self.fault(line(value), wrong.to_string(), "write `fresh: 1m` to `fresh: 24h`")
            }
            None => {
                let remedy = "write a number and s, m or h: `fresh: 10m`";
                self.fault(line(value), format!("`{written}` is not an age"), remedy);
            }
        }
        None
    }

    /// A list with something in it: an empty one would look like a condition and be none.
    fn list<T>(
        &mut self,
        value: &MarkedYaml<'_>,
        mut read: impl FnMut(&mut Self, &MarkedYaml<'_>) -> Option<T>,
    ) -> Vec<T> {
        match &value.data {
            YamlData::Sequence(entries) if !entries.is_empty() => {
                entries.iter().filter_map(|entry| read(self, entry)).collect()
            }
            _ => {
                self.fault(
                    line(value),
                    "expected a list with at least one entry",
                    "write it in brackets: `[a, b]`",
                );
                Vec::new()
            }
        }
    }

    fn role(&mut self, value: &MarkedYaml<'_>) -> Option<Role> {
        let role = text(value).unwrap_or_default().parse::<Role>();
        if let Err(wrong) = &role {
            self.fault(line(value), wrong.to_string(), "write for example `roles: [admin]`");
        }
        role.ok()
    }

    fn network(&mut self, value: &MarkedYaml<'_>) -> Option<IpNet> {
        let written = text(value).unwrap_or_default();
        match parse_network(&written) {
            Ok(network) => Some(network),
            Err(NetworkFault::HostBits(network)) => {
                let problem = format!("`{written}` has host bits set");
                self.fault(line(value), problem, format!("write `{network}`"));
                None
            }
            Err(NetworkFault::Unreadable) => {
                let remedy = "write a network like 10.0.0.0/8 or 2001:db8::/32, or one address";
                self.fault(line(value), format!("`{written}` is not a network"), remedy);
                None
            }
        }
    }
}

fn line(node: &MarkedYaml<'_>) -> usize {
    node.span.start.line()
}

/// A scalar as it was written, whatever YAML takes it for.
fn text(node: &MarkedYaml<'_>) -> Option<String> {
    match &node.data {
        YamlData::Value(Scalar::String(text)) => Some(text.to_string()),
        YamlData::Value(Scalar::Integer(number)) => Some(number.to_string()),
        YamlData::Value(Scalar::Boolean(flag)) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Caching, Rules};
    use super::*;

    const SAMPLE: &str = "\
# first match wins
- route: GET /whoami
- route: GET /notes
  permission: notes:read
- route: ANY /admin/*
  roles: [admin]
  addresses: [10.0.0.0/8, 2001:db8::/32, '::ffff:192.0.2.0/120', 203.0.113.7]
- route: GET /health
  public: true
- route: POST /payments
  mfa: required
  fresh: 90s
";

    #[test]
    fn a_rules_file_is_read_with_its_lines() {
        let rules = read(SAMPLE).unwrap();
        let lines: Vec<_> = rules.iter().map(|rule| (rule.line, rule.route.to_string())).collect();
        let expected = [
            (2, "GET /whoami"),
            (3, "GET /notes"),
            (5, "ANY /admin/*"),
            (8, "GET /health"),
            (10, "POST /payments"),
        ];
        assert_eq!(lines, expected.map(|(line, route)| (line, route.to_owned())));
        let networks: Vec<_> = rules[2].access.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.0.0.0/8", "2001:db8::/32", "192.0.2.0/24", "203.0.113.7/32"]);
        assert!(rules[3].access.public);
        let (mfa, fresh) = (rules[4].access.mfa, rules[4].access.fresh);
        assert_eq!((mfa, fresh), (true, Some(90.try_into().unwrap())));
    }

    #[test]
    fn what_is_stored_is_what_was_read() {
        let rules = read(SAMPLE).unwrap();
        let stored = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Rule>>(&stored).unwrap(), rules);
        let rules = Rules { rules, caching: Caching::Never };
        let stored = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<Rules>(&stored).unwrap(), rules);
    }

    #[test]
    fn a_fault_shows_its_line_and_what_to_write() {
        let fault = read("- route: GET /a\n  role: admin\n").unwrap_err().remove(0);
        assert_eq!(
            fault.to_string(),
            "line 2: unknown key `role`\n    2 |   role: admin\n      | write `roles: [admin]`"
        );
    }

    #[test]
    fn every_fault_is_found_at_once() {
        let file = "- route: get /a\n- route: GET /b\n  roles: []\n  permission: all\n- addresses: [10.0.0.1/8, x]\n";
        let lines: Vec<_> = read(file).unwrap_err().iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [1, 3, 4, 5, 5, 5]);
    }

    #[test]
    fn what_looks_like_a_condition_and_is_none_is_refused() {
        for (rule, remedy) in [
            ("roles: []", "write it in brackets: `[a, b]`"),
            ("roles: admin", "write it in brackets: `[a, b]`"),
            ("addresses: [10.0.0.1/8]", "write `10.0.0.0/8`"),
            ("public: yes please", "write `public: true`"),
            ("public: true\n  roles: [a]", "remove `public`, or the other conditions"),
            ("permissions: [a:b]", "a rule has one `permission: feature:action`"),
            ("address: 10.0.0.0/8", "write `addresses: [10.0.0.0/8]`"),
            ("ips: [10.0.0.0/8]", "write `addresses: [10.0.0.0/8]`"),
            ("method: GET", "write both in one: `route: GET /path`"),
            ("mfa: true", "write `mfa: required`, or remove it"),
            ("mfa: false", "write `mfa: required`, or remove it"),
            ("mfa: optional", "write `mfa: required`, or remove it"),
            ("mfa: [required]", "write `mfa: required`, or remove it"),
            ("mfa:", "write `mfa: required`, or remove it"),
            ("second_factor: true", "write `mfa: required`"),
            ("max_age: 600", "write `fresh: 10m`"),
            ("fresh: 10", "write a number and s, m or h: `fresh: 10m`"),
            ("fresh: 10 minutes", "write a number and s, m or h: `fresh: 10m`"),
            ("fresh: true", "write a number and s, m or h: `fresh: 10m`"),
            ("fresh:", "write a number and s, m or h: `fresh: 10m`"),
            ("fresh: -10m", "write a number and s, m or h: `fresh: 10m`"),
            ("fresh: 59s", "write `fresh: 1m` to `fresh: 24h`"),
            ("fresh: 0h", "write `fresh: 1m` to `fresh: 24h`"),
            ("fresh: 25h", "write `fresh: 1m` to `fresh: 24h`"),
            ("public: true\n  fresh: 10m", "remove `public`, or the other conditions"),
            ("public: true\n  mfa: required", "remove `public`, or the other conditions"),
            ("note: none", "a rule has route, permission, roles, addresses, mfa, fresh, public"),
        ] {
            let faults = read(&format!("- route: GET /a\n  {rule}\n")).unwrap_err();
            assert_eq!(faults[0].remedy, remedy, "{rule}");
        }
    }

    #[test]
    fn what_is_no_rules_file_is_said_to_be_none() {
        for file in ["", "a: b", "- 1", "- [", "---\n- route: GET /a\n---\n- route: GET /b\n", "- route:\n"] {
            assert!(read(file).is_err(), "{file}");
        }
    }

    /// YAML takes `007` or `true` for something else; a role is what was written.
    #[test]
    fn the_roles_of_a_rule_are_those_that_were_written() {
        let rules = read("- route: GET /a\n  roles: [editor, 7, true]\n").unwrap();
        let roles: Vec<_> = rules[0].access.roles.iter().map(Role::as_str).collect();
        assert_eq!(roles, ["editor", "7", "true"]);
    }

    #[test]
    fn a_file_has_up_to_300_rules() {
        let file = |count: usize| (0..count).map(|n| format!("- route: GET /{n}\n")).collect::<String>();
        assert_eq!(read(&file(300)).unwrap().len(), 300);
        for too_many in [301, 400] {
            assert_eq!(read(&file(too_many)).unwrap_err()[0].problem, "there are more than 300 rules");
        }
    }
}
