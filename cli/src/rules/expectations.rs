//! The table that `nova rules test` reads:
//!
//! ```yaml
//! users:
//!   reader: {role: user, permissions: [notes:read]}
//! tests:
//!   - call: GET /notes/7
//!     who: reader
//!     from: 10.1.2.3
//!     expect: allow
//!   - call: GET /notes/7
//!     who: anonymous
//!     expect: UNAUTHORIZED
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::session::{self, SessionSpec};
use nova_auth::domain::rules::Method;
use nova_auth::domain::rules::file::FileFault;
use nova_auth::domain::user::{Permission, Role};
use saphyr::{LoadableYamlNode as _, MarkedYaml, Scalar, YamlData};

/// Nobody's name: who has no token.
pub(super) const ANONYMOUS: &str = "anonymous";

/// The codes by which a decision says no.
pub(super) const CODES: [&str; 6] = [
    "UNAUTHORIZED",
    "FORBIDDEN",
    "FORBIDDEN_ROLE",
    "FORBIDDEN_PERMISSION",
    "FORBIDDEN_ADDRESS",
    "STEP_UP_REQUIRED",
];

/// What is expected of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expectation {
    /// Where it stands.
    pub(super) line: usize,
    pub(super) method: String,
    pub(super) path: String,
    /// Who is calling, in the words of the file.
    pub(super) who: String,
    /// The user; nobody for a call without a token.
    pub(super) user: Option<UserSpec>,
    pub(super) from: Option<IpAddr>,
    /// What the session was shown.
    pub(super) session: SessionSpec,
    pub(super) expected: Expected,
}

/// As much of a user as rules look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct UserSpec {
    pub(super) role: Role,
    pub(super) permissions: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Allow,
    /// A no, for whatever reason.
    Deny,
    /// A no with this code.
    Code(&'static str),
}

impl Expected {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Expected::Allow => "allow",
            Expected::Deny => "deny",
            Expected::Code(code) => code,
        }
    }

    /// Whether a decision is this one: its code, or none for a yes.
    pub(super) fn is(self, code: Option<&str>) -> bool {
        match self {
            Expected::Allow => code.is_none(),
            Expected::Deny => code.is_some(),
            Expected::Code(expected) => code == Some(expected),
        }
    }
}

/// Reads a table.
///
/// # Errors
/// Every fault of it.
pub(super) fn read(text: &str) -> Result<Vec<Expectation>, Vec<FileFault>> {
    let mut reader = Reader { lines: text.lines().collect(), faults: Vec::new() };
    let expectations = match MarkedYaml::load_from_str(text) {
        Ok(documents) => match documents.as_slice() {
            [document] => reader.table(document),
            _ => {
                reader.fault(
                    1,
                    "the file is empty, or has several documents",
                    "write `tests:`, and a list below it",
                );
                Vec::new()
            }
        },
        Err(error) => {
            reader.fault(error.marker().line(), error.info().to_owned(), "invalid YAML");
            Vec::new()
        }
    };
    if reader.faults.is_empty() { Ok(expectations) } else { Err(reader.faults) }
}

struct Reader<'t> {
    lines: Vec<&'t str>,
    faults: Vec<FileFault>,
}

type Users = BTreeMap<String, UserSpec>;

impl Reader<'_> {
    fn fault(&mut self, line: usize, problem: impl Into<String>, remedy: impl Into<String>) {
        let text = line.checked_sub(1).and_then(|at| self.lines.get(at)).copied().unwrap_or_default();
        self.faults.push(FileFault {
            line,
            text: text.to_owned(),
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }

    fn table(&mut self, document: &MarkedYaml<'_>) -> Vec<Expectation> {
        const REMEDY: &str = "a table has `tests`, and optionally `users`";
        let Some(members) = self.members(document, REMEDY) else { return Vec::new() };
        let mut users = Users::new();
        if let Some((_, value)) = members.iter().find(|(key, _)| key == "users") {
            users = self.users(value);
        }
        let mut found = Vec::new();
        for (key, value) in &members {
            match (key.as_str(), &value.data) {
                ("users", _) => {}
                ("tests", YamlData::Sequence(entries)) => {
                    found.extend(entries.iter().filter_map(|entry| self.expectation(entry, &users)));
                }
                ("tests", _) => {
                    self.fault(line(value), "`tests` is not a list", "begin each with `- call: GET /path`")
                }
                (other, _) => self.fault(line(value), format!("unknown key `{other}`"), REMEDY),
            }
        }
        // A table that expects nothing would pass whatever the rules say.
        if found.is_empty() && self.faults.is_empty() {
            self.fault(
                1,
                "the table has no expectations",
                "write `tests:`, and `- call: GET /path` below it",
            );
        }
        found
    }

    fn users(&mut self, value: &MarkedYaml<'_>) -> Users {
        const REMEDY: &str = "write `users:`, and `name: {role: user, permissions: [notes:read]}` below it";
        let mut users = Users::new();
        for (name, value) in self.members(value, REMEDY).unwrap_or_default() {
            if name == ANONYMOUS {
                self.fault(line(&value), "`anonymous` is nobody's name", "give the user another one");
            }
            let user = self.user(&value);
            users.insert(name, user);
        }
        users
    }

    fn user(&mut self, value: &MarkedYaml<'_>) -> UserSpec {
        const REMEDY: &str = "a user is {role: user, permissions: [notes:read]}";
        let mut user = UserSpec::default();
        for (key, value) in self.members(value, REMEDY).unwrap_or_default() {
            match (key.as_str(), &value.data) {
                ("role", _) => match text(&value).unwrap_or_default().parse() {
                    Ok(role) => user.role = role,
                    Err(wrong) => {
                        self.fault(line(&value), format!("{wrong}"), "write for example `role: admin`")
                    }
                },
                ("permissions", YamlData::Sequence(entries)) => {
                    for entry in entries {
                        let permission = text(entry).unwrap_or_default();
                        match permission.parse::<Permission>() {
                            Ok(permission) => drop(user.permissions.insert(permission.into())),
                            Err(wrong) => {
                                self.fault(
                                    line(entry),
                                    wrong.to_string(),
                                    "write for example `[notes:read]`",
                                );
                            }
                        }
                    }
                }
                ("permissions", _) => {
                    self.fault(
                        line(&value),
                        "`permissions` is not a list",
                        "write it in brackets: `[notes:read]`",
                    );
                }
                (other, _) => {
                    self.fault(line(&value), format!("unknown key `{other}`"), REMEDY);
                }
            }
        }
        user
    }

    fn expectation(&mut self, entry: &MarkedYaml<'_>, users: &Users) -> Option<Expectation> {
        const REMEDY: &str = "an expectation has call, who and expect, and optionally from, acr and auth-age";
        let members = self.members(entry, REMEDY)?;
        let (mut call, mut who, mut from, mut expected) = (None, None, None, None);
        let mut session = SessionSpec::default();
        for (key, value) in &members {
            match key.as_str() {
                "call" => call = self.call(value),
                "who" => who = self.who(value, users),
                "from" => from = self.address(value),
                "acr" => session.acr = self.of_session(value, session::acr),
                "auth-age" => session.age = self.of_session(value, session::age),
                "expect" => expected = self.expected(value),
                other => self.fault(line(value), format!("unknown key `{other}`"), REMEDY),
            }
        }
        for (name, remedy) in [
            ("call", "add `call: GET /path`"),
            ("who", "add `who: anonymous`, a name of `users`, or {role: user, permissions: [notes:read]}"),
            ("expect", "add `expect: allow`, or the code of the refusal"),
        ] {
            if !members.iter().any(|(key, _)| key == name) {
                self.fault(line(entry), format!("the expectation has no {name}"), remedy);
            }
        }
        let ((method, path), (who, user)) = (call?, who?);
        Some(Expectation { line: line(entry), method, path, who, user, from, session, expected: expected? })
    }

    fn call(&mut self, value: &MarkedYaml<'_>) -> Option<(String, String)> {
        let written = text(value).unwrap_or_default();
        let call = written.split_once(' ').map(|(method, path)| (method, path.trim()));
        match call {
            Some((method, path))
                if Method::named(method).is_some()
                    && (path.starts_with('/') || ["$connect", "$events"].contains(&path)) =>
            {
                Some((method.to_owned(), path.to_owned()))
            }
            _ => {
                self.fault(
                    line(value),
                    format!("`{written}` is not a call"),
                    "write for example `call: GET /notes/7`",
                );
                None
            }
        }
    }

    fn who(&mut self, value: &MarkedYaml<'_>, users: &Users) -> Option<(String, Option<UserSpec>)> {
        if matches!(value.data, YamlData::Mapping(_)) {
            let user = self.user(value);
            let permissions: Vec<&str> = user.permissions.iter().map(String::as_str).collect();
            let who = match permissions.as_slice() {
                [] => format!("role {}", user.role.as_str()),
                some => format!("role {} with {}", user.role.as_str(), some.join(" ")),
            };
            return Some((who, Some(user)));
        }
        let name = text(value).unwrap_or_default();
        match users.get(&name) {
            _ if name == ANONYMOUS => Some((name, None)),
            Some(user) => Some((name, Some(user.clone()))),
            None => {
                let remedy = "write anonymous, a name of `users`, or {role: user, permissions: [notes:read]}";
                self.fault(line(value), format!("`{name}` is nobody"), remedy);
                None
            }
        }
    }

    fn address(&mut self, value: &MarkedYaml<'_>) -> Option<IpAddr> {
        let written = text(value).unwrap_or_default();
        let address = written.parse().ok();
        if address.is_none() {
            self.fault(
                line(value),
                format!("`{written}` is not an address"),
                "write for example `from: 10.1.2.3`",
            );
        }
        address
    }

    fn of_session<T>(&mut self, value: &MarkedYaml<'_>, read: fn(&str) -> Result<T, String>) -> Option<T> {
        let written = text(value).unwrap_or_default();
        let found = read(&written);
        if let Err(remedy) = &found {
            self.fault(line(value), format!("`{written}` does not describe a session"), remedy.clone());
        }
        found.ok()
    }

    fn expected(&mut self, value: &MarkedYaml<'_>) -> Option<Expected> {
        let written = text(value).unwrap_or_default();
        let code = CODES.into_iter().find(|code| *code == written);
        match (written.as_str(), code) {
            ("allow", _) => Some(Expected::Allow),
            ("deny", _) => Some(Expected::Deny),
            (_, Some(code)) => Some(Expected::Code(code)),
            _ => {
                let remedy = format!("write allow, deny, or a code: {}", CODES.join(", "));
                self.fault(line(value), format!("`{written}` is not a decision"), remedy);
                None
            }
        }
    }

    /// The members of a mapping.
    fn members<'y>(
        &mut self,
        node: &'y MarkedYaml<'y>,
        remedy: &str,
    ) -> Option<Vec<(String, MarkedYaml<'y>)>> {
        let YamlData::Mapping(members) = &node.data else {
            self.fault(line(node), "expected a mapping", remedy);
            return None;
        };
        let members = members.iter();
        Some(members.map(|(key, value)| (text(key).unwrap_or_default(), value.clone())).collect())
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
    use nova_auth::domain::factors::Acr;

    use super::*;

    #[test]
    fn a_table_is_read_with_its_lines() {
        let table = "\
users:
  reader: {role: user, permissions: [notes:read]}
tests:
  - call: GET /notes/7
    who: reader
    from: 10.1.2.3
    expect: allow
  - {call: GET /notes/7, who: anonymous, expect: UNAUTHORIZED}
  - {call: DELETE /notes/7, who: {role: guest}, expect: deny}
  - {call: DELETE /notes, who: reader, acr: 2, auth-age: 5m, expect: STEP_UP_REQUIRED}
";
        let read = read(table).unwrap();
        let reader =
            UserSpec { role: Role::default(), permissions: BTreeSet::from(["notes:read".to_owned()]) };
        assert_eq!(
            read[0],
            Expectation {
                line: 4,
                method: "GET".to_owned(),
                path: "/notes/7".to_owned(),
                who: "reader".to_owned(),
                user: Some(reader),
                from: Some("10.1.2.3".parse().unwrap()),
                session: SessionSpec::default(),
                expected: Expected::Allow,
            }
        );
        assert_eq!((read[1].line, &read[1].user), (8, &None));
        assert_eq!(read[1].expected, Expected::Code("UNAUTHORIZED"));
        assert_eq!((read[2].who.as_str(), read[2].expected), ("role guest", Expected::Deny));
        let session = SessionSpec { acr: Some(Acr::SecondFactor), age: Some(300) };
        assert_eq!((read[3].session, read[3].expected), (session, Expected::Code("STEP_UP_REQUIRED")));
    }

    #[test]
    fn every_mistake_of_a_table_is_named_with_its_line_and_a_table_of_nothing_is_one() {
        let wrong = |table: &str, line: usize, problem: &str| {
            let faults = read(table).unwrap_err();
            let found = faults.iter().any(|fault| fault.line == line && fault.problem.contains(problem));
            assert!(found, "{problem}: {faults:?}");
        };
        wrong("", 1, "the file is empty");
        wrong("tests: []\n", 1, "the table has no expectations");
        wrong("- call: GET /a\n", 1, "expected a mapping");
        wrong("test: []\n", 1, "unknown key `test`");
        let test = |members: &str| format!("tests:\n  - {{{members}}}\n");
        wrong(&test("who: anonymous, expect: deny"), 2, "has no call");
        wrong(&test("call: GET /a, expect: deny"), 2, "has no who");
        wrong(&test("call: GET /a, who: anonymous"), 2, "has no expect");
        wrong(&test("call: /a, who: anonymous, expect: deny"), 2, "`/a` is not a call");
        wrong(&test("call: FOO /a, who: anonymous, expect: deny"), 2, "`FOO /a` is not a call");
        wrong(&test("call: GET /a, who: sara, expect: deny"), 2, "`sara` is nobody");
        wrong(&test("call: GET /a, who: anonymous, expect: allowed"), 2, "`allowed` is not a decision");
        wrong(&test("call: GET /a, who: anonymous, expect: deny, from: here"), 2, "`here` is not an address");
        for session in ["acr: 3", "acr: mfa", "auth-age: 5", "auth-age: soon"] {
            let table = test(&format!("call: GET /a, who: anonymous, expect: deny, {session}"));
            wrong(&table, 2, "does not describe a session");
        }
        wrong(&test("call: GET /a, who: {roles: [a]}, expect: deny"), 2, "unknown key `roles`");
        wrong(&test("call: GET /a, who: {permissions: [notes]}, expect: deny"), 2, "a permission is");
    }
}
