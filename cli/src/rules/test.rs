//! `nova rules test`: a rules file against what its team expects of it. It asks nobody: no tables, no network.

use std::error::Error;
use std::path::Path;

use nova_auth::app::start_time;
use nova_auth::domain::address::ClientAddress;
use nova_auth::domain::email::Email;
use nova_auth::domain::ids::UserId;
use nova_auth::domain::name::PersonName;
use nova_auth::domain::rules::{Asking, Rules};
use nova_auth::domain::user::{Profile, Status};
use serde_json::{Value, json};

use super::expectations::{Expectation, UserSpec};
use super::explain::code_of;
use crate::failure::Unwell;
use crate::output::Output;

/// Asks the rules about every expectation, and names those that do not hold.
///
/// # Errors
/// [`Unwell`] if one does not.
pub(super) fn run(
    rules: &Rules,
    rules_file: &Path,
    expectations: &[Expectation],
    file: &Path,
    output: Output,
) -> Result<(), Box<dyn Error>> {
    let (mut failed, now) = (0, start_time());
    for expectation in expectations {
        let user = expectation.user.as_ref().map(profile).transpose()?;
        let address = expectation.from.map(|ip| ClientAddress::Known(ip.to_canonical()));
        let asking = Asking { user: user.as_ref(), address, shown: expectation.session.shown(now) };
        let verdict = rules.decide_call(&expectation.method, &expectation.path, asking);
        let code = verdict.answer.as_ref().err().map(code_of);
        let holds = expectation.expected.is(code);
        failed += usize::from(!holds);
        if output.json {
            output.print(&document(expectation, code, verdict.line, holds), "")?;
        } else if !holds {
            let rule = verdict.line.and_then(|line| rules.rules.iter().find(|rule| rule.line == line));
            let by = rule.map_or_else(
                || format!("no rule of {} is about it", rules_file.display()),
                |rule| format!("{} line {}: {}", rules_file.display(), rule.line, rule.route),
            );
            output.print(&(), &format!("{} {}\n    {by}", file.display(), failure(expectation, code)))?;
        }
    }
    let all = match expectations.len() {
        1 => "1 expectation".to_owned(),
        number => format!("{number} expectations"),
    };
    match failed {
        0 if output.json => Ok(()),
        0 => output.print(&(), &format!("OK: {all}")),
        _ => Err(Box::new(Unwell(format!("{failed} of {all} failed")))),
    }
}

fn document(expectation: &Expectation, code: Option<&str>, rules_line: Option<u32>, holds: bool) -> Value {
    json!({
        "line": expectation.line, "call": call(expectation), "who": expectation.who, "from": expectation.from,
        "acr": expectation.session.acr_name(), "authAge": expectation.session.age,
        "expected": expectation.expected.name(), "decision": code.unwrap_or("allow"),
        "rulesLine": rules_line, "holds": holds,
    })
}

/// The line about an expectation that does not hold.
fn failure(expectation: &Expectation, code: Option<&str>) -> String {
    let from = expectation.from.map(|from| format!(" from {from}")).unwrap_or_default();
    format!(
        "line {}: {} by {}{}{from}: expected {}, got {}",
        expectation.line,
        call(expectation),
        expectation.who,
        expectation.session.words(),
        expectation.expected.name(),
        code.unwrap_or("allow"),
    )
}

fn call(expectation: &Expectation) -> String {
    format!("{} {}", expectation.method, expectation.path)
}

/// A user of whom only role and permissions are known. Rules look at nothing else.
fn profile(user: &UserSpec) -> Result<Profile, Box<dyn Error>> {
    let now = start_time();
    Ok(Profile {
        id: UserId::new(nova_auth::entropy::uuid(now)?),
        email: Email::parse("somebody@example.com").map_err(|_| "no address")?,
        name: PersonName::parse("Somebody").map_err(|_| "no name")?,
        role: user.role.clone(),
        status: Status::Active,
        permissions: user.permissions.clone(),
        epoch: 0,
        created_at: now,
        last_login_at: None,
        password_changed_at: now,
        email_verified_at: None,
        factors: Default::default(),
        kept: None,
    })
}
