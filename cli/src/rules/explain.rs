//! Why somebody may or may not make a call.

use std::error::Error;
use std::net::IpAddr;

use nova_auth::domain::address::ClientAddress;
use nova_auth::domain::email::Email;
use nova_auth::domain::ids::UserId;
use nova_auth::domain::refusal::Refusal;
use nova_auth::domain::rules::{Asking, Rules};
use nova_auth::domain::user::Profile;
use nova_auth::http::error::Problem;
use nova_auth::messages::Language;
use nova_auth::store::Store;

use super::say;
use crate::tables::TableArgs;

/// Prints the decision about one call, and the rule that made it.
pub(super) async fn explain(
    rules: &Rules,
    call: &str,
    user: Option<&str>,
    from: Option<IpAddr>,
    tables: TableArgs,
) -> Result<(), Box<dyn Error>> {
    let (method, path) =
        call.split_once(' ').ok_or("a call is a method and a path, for example 'GET /notes'")?;
    let user = match user {
        Some(name) => Some(find(&tables.open()?, name).await?),
        None => None,
    };
    let address = from.map(|ip| ClientAddress::Known(ip.to_canonical()));
    let verdict = rules.decide(method, None, path, Asking { user: user.as_ref(), address });
    let who = user.as_ref().map_or("somebody without a token".to_owned(), |user| {
        let permissions: Vec<&str> = user.permissions.iter().map(String::as_str).collect();
        format!(
            "{} (role {}, permissions: {})",
            user.email.as_str(),
            user.role.as_str(),
            permissions.join(" ")
        )
    });
    let place = from.map_or("an unknown address".to_owned(), |ip| ip.to_string());
    say(&format!("{call} by {who} from {place}"))?;
    let rule = verdict.line.and_then(|line| rules.rules.iter().find(|rule| rule.line == line));
    match rule {
        Some(rule) => say(&format!("line {}: {}", rule.line, rule.route))?,
        None => say("no rule is about it")?,
    }
    match (verdict.answer, user) {
        (_, Some(user)) if !user.is_active() => say("refused: USER_INACTIVE: the user is not active"),
        (Ok(()), _) => say("allowed"),
        (Err(Refusal::TokenMissing), _) => say("refused: UNAUTHORIZED: a token is needed"),
        (Err(refusal), _) => {
            let problem = Problem::Refused(refusal);
            say(&format!("denied: {}: {}", problem.row().1, problem.message(Language::English)))
        }
    }
}

/// A user by address or id.
async fn find(store: &Store, name: &str) -> Result<Profile, Box<dyn Error>> {
    let id = match name.parse::<UserId>() {
        Ok(id) => Some(id),
        Err(_) => {
            let email =
                Email::parse(name).map_err(|_| format!("{name} is neither an address nor a user's id"))?;
            store.credential(&email).await?.map(|credential| credential.user_id)
        }
    };
    let profile = match id {
        Some(id) => store.profile(id).await?,
        None => None,
    };
    profile.ok_or_else(|| format!("there is no user {name}").into())
}
