//! Why somebody may or may not make a call.

use std::error::Error;
use std::net::IpAddr;

use nova_auth::app::start_time;
use nova_auth::domain::address::ClientAddress;
use nova_auth::domain::assurance::Demand;
use nova_auth::domain::refusal::Refusal;
use nova_auth::domain::rules::{Asking, Rules};
use nova_auth::domain::user::Profile;
use nova_auth::http::error::Problem;
use nova_auth::messages::Language;
use serde_json::json;

use super::Wanted;
use super::session::SessionSpec;
use crate::failure::{Unwell, Usage};
use crate::output::Output;
use crate::place::Target;
use crate::user::{UserName, find};

/// The code by which the rules say no.
pub(super) fn code_of(refusal: &Refusal) -> &'static str {
    match refusal {
        // What an API says of it, where the client hears no detail.
        Refusal::TokenMissing => "UNAUTHORIZED",
        refusal => Problem::Refused(refusal.clone()).row().1,
    }
}

/// A call, and what is expected of it.
pub(super) struct Asked<'a> {
    pub(super) call: &'a str,
    pub(super) from: Option<IpAddr>,
    pub(super) session: SessionSpec,
    pub(super) expected: Option<Wanted>,
}

/// Prints the decision about one call, and the rule that made it.
///
/// # Errors
/// [`Unwell`] if another decision was expected; also when the user can't be looked up.
pub(super) async fn explain(
    rules: &Rules,
    Asked { call, from, session, expected }: Asked<'_>,
    user: Option<&UserName>,
    target: &Target,
    output: Output,
) -> Result<(), Box<dyn Error>> {
    let no_call = || Usage("expected a method and a path, for example 'GET /notes'".to_owned());
    let (method, path) = call.split_once(' ').ok_or_else(no_call)?;
    let user = match user {
        Some(name) => Some(find(&target.store().await?, name).await?),
        None => None,
    };
    let address = from.map(|ip| ClientAddress::Known(ip.to_canonical()));
    let asking = Asking { user: user.as_ref(), address, shown: session.shown(start_time()) };
    let verdict = rules.decide_call(method, path, asking);
    let who = who(user.as_ref(), session);
    let place = from.map_or("unknown address".to_owned(), |ip| ip.to_string());
    let rule = verdict.line.and_then(|line| rules.rules.iter().find(|rule| rule.line == line));
    let by_rule = match rule {
        Some(rule) => format!("line {}: {}", rule.line, rule.route),
        None => "no rule matches".to_owned(),
    };
    let (code, answer) = said(verdict.answer, user.as_ref());
    let document = json!({
        "call": call,
        "user": user.as_ref().map(|user| user.id.to_string()),
        "from": from,
        "acr": session.acr_name(),
        "authAge": session.age,
        "line": rule.map(|rule| rule.line),
        "allowed": code.is_none(),
        "code": code,
    });
    output.print(&document, &format!("{call} by {who} from {place}\n{by_rule}\n{answer}"))?;
    match expected {
        Some(Wanted::Allow) if code.is_some() => unexpected("allow", code),
        Some(Wanted::Deny) if code.is_none() => unexpected("deny", code),
        _ => Ok(()),
    }
}

fn who(user: Option<&Profile>, session: SessionSpec) -> String {
    let Some(user) = user else { return "anonymous".to_owned() };
    let permissions: Vec<&str> = user.permissions.iter().map(String::as_str).collect();
    let (email, role) = (user.email.as_str(), user.role.as_str());
    format!("{email} (role {role}, permissions: {}){}", permissions.join(" "), session.words())
}

/// The code of a no, and the line about either answer.
fn said(answer: Result<(), Refusal>, user: Option<&Profile>) -> (Option<&'static str>, String) {
    match answer {
        _ if user.is_some_and(|user| !user.is_active()) => {
            (Some("USER_INACTIVE"), "refused: USER_INACTIVE: the user is not active".to_owned())
        }
        Ok(()) => (None, "allowed".to_owned()),
        Err(Refusal::TokenMissing) => {
            (Some("UNAUTHORIZED"), "refused: UNAUTHORIZED: a token is needed".to_owned())
        }
        Err(refusal) => {
            let problem = Problem::Refused(refusal);
            let code = problem.row().1;
            let demand = problem.demand().map(words_of).unwrap_or_default();
            (Some(code), format!("denied: {code}: {}{demand}", problem.message(Language::English)))
        }
    }
}

/// What a step-up has to show.
fn words_of(demand: Demand) -> String {
    let what = if demand.second_factor { "a second factor" } else { "the password or a second factor" };
    match demand.max_age {
        Some(age) => format!(" It takes {what}, shown at most {age} ago."),
        None => format!(" It takes {what}."),
    }
}

fn unexpected(wanted: &str, code: Option<&str>) -> Result<(), Box<dyn Error>> {
    Err(Box::new(Unwell(format!("expected {wanted}, got {}", code.unwrap_or("allow")))))
}
