//! Whether somebody can log in: a user who is made for it goes through the API, and is deleted again.
//!
//! It is the one check that writes, so it is asked for. It is also the only one in which DynamoDB itself takes the functions' transactions
//! and batches under their roles. The other checks of permissions ask IAM's simulation.

use std::error::Error;

use nova_auth::domain::email::Email;
use nova_auth::domain::name::PersonName;
use nova_auth::domain::password::{Password, PasswordProfile};
use nova_auth::domain::user::{Profile, Role};
use nova_auth::entropy;
use nova_auth::flows::create_user::{Registration, create_user};
use nova_auth::flows::operator::Operator;
use nova_auth::passwords::Hasher;
use nova_auth::store::Store;
use serde_json::{Value, json};

use super::answers::{authorizer_event, is_unauthorized};
use super::checklist::LOGIN;
use super::finding::Finding;
use crate::failure::refused;
use crate::place::call::{Calls, Failed};
use crate::user::{LogArgs, moment, operator};

/// What the doctor says where nobody asked for the check.
pub(super) fn not_asked_for() -> Finding {
    Finding::unknown(LOGIN, "it creates a user and deletes them again", "--try-login")
}

/// Where the check is made.
pub(super) struct Place<'a> {
    pub(super) calls: &'a Calls,
    pub(super) store: &'a Store,
    /// The API's address.
    pub(super) api: &'a str,
    /// The authorizer's name, and where its events are from.
    pub(super) authorizer: &'a str,
    pub(super) arns: &'a str,
}

/// Makes the user, tries, and deletes the user, however it went.
pub(super) async fn look(place: &Place<'_>) -> Finding {
    let (user, password) = match someone(place.store).await {
        Ok(made) => made,
        Err(error) => {
            let why = format!("could not create a temporary user: {error}");
            return Finding::unknown(LOGIN, why, "the permissions that `nova user create` needs");
        }
    };
    let tried = Trial { place, user: &user, password: &password }.run().await;
    let removed = removed(place.store, &user).await;
    match (tried, removed) {
        (Ok(()), Ok(())) => {
            let done = "a login, a decision, a refresh, a new password and a logout went through";
            Finding::pass(LOGIN, format!("{done}, and nothing after it"))
        }
        (Err(Broken::Busy(step)), Ok(())) => {
            Finding::unknown(LOGIN, format!("{step}: too many calls from here (429)"), "look again later")
        }
        (Err(Broken::Unreached(failed)), Ok(())) => {
            let why = format!("{}: {failed}", place.api);
            Finding::unknown(
                LOGIN,
                why,
                "can this machine reach it? --try-login=URL names another address of it",
            )
        }
        (Err(Broken::At(what)), Ok(())) => Finding::fail(LOGIN, what, REMEDY),
        (_, Err(error)) => {
            let left = format!("the temporary user could not be deleted: {error}");
            Finding::fail(LOGIN, left, format!("nova user delete {} --yes", user.id))
        }
    }
}

/// A function that may not do what it has to logs DynamoDB's words; the page says which statement to split.
const REMEDY: &str = "the log of that function; with AccessDeniedException in it docs/production-checklist.md, \"If your account denies a transaction\"";

/// Why a trial ended early.
#[derive(Debug, PartialEq, Eq)]
enum Broken {
    /// Nobody answered the first call.
    Unreached(Failed),
    /// A limit on calls, which says nothing about the system.
    Busy(&'static str),
    /// The step, and what came of it.
    At(String),
}

struct Trial<'a> {
    place: &'a Place<'a>,
    user: &'a Profile,
    password: &'a str,
}

impl Trial<'_> {
    async fn run(&self) -> Result<(), Broken> {
        let login = json!({"email": self.user.email.as_str(), "password": self.password});
        let answer = self.ask("login", None, &login).await.map_err(Broken::Unreached)?;
        let pair = answered("a login", answer)?.ok_or_else(closed)?;
        let access = text(&pair, "accessToken");
        self.decision(&access, true).await?;
        // A policy of second factors may keep a user without one from all of these but the first login and the logout.
        let refreshed = json!({"refreshToken": text(&pair, "refreshToken")});
        let pair = self.post("a refresh", "refresh", None, refreshed).await?.unwrap_or(pair);
        let change = json!({"currentPassword": self.password, "newPassword": format!("{}b", self.password)});
        self.post("a new password", "password", Some(&access), change).await?;
        let logout = json!({"refreshToken": text(&pair, "refreshToken")});
        self.post("a logout", "logout", Some(&access), logout.clone()).await?;
        self.decision(&access, false).await?;
        match self.ask("refresh", None, &logout).await {
            Ok((401, _)) => Ok(()),
            Ok((status, _)) => {
                Err(Broken::At(format!("a refresh after the logout: {status} instead of 401")))
            }
            Err(failed) => Err(Broken::At(format!("a refresh after the logout: {failed}"))),
        }
    }

    /// What the API answers; nothing where the user would need a second factor first.
    async fn post(
        &self,
        step: &'static str,
        path: &str,
        access: Option<&str>,
        body: Value,
    ) -> Result<Option<Value>, Broken> {
        let answer = self.ask(path, access, &body).await;
        answered(step, answer.map_err(|failed| Broken::At(format!("{step}: {failed}")))?)
    }

    async fn ask(&self, path: &str, access: Option<&str>, body: &Value) -> Result<(u16, Value), Failed> {
        let url = format!("{}/api/auth/{path}", self.place.api.trim_end_matches('/'));
        let (status, text) = self.place.calls.post(&url, access, body).await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Asks the authorizer about the session. Which of its rules lets somebody in is not looked at, only that it can decide.
    async fn decision(&self, access: &str, alive: bool) -> Result<(), Broken> {
        let event = authorizer_event(self.place.arns, Some(access));
        match self.place.calls.invoke(self.place.authorizer, &event).await {
            Ok(reply) if alive && !reply.function_failed => Ok(()),
            Ok(reply) if !alive && is_unauthorized(&reply) => Ok(()),
            Ok(_) if alive => Err(Broken::At("the authorizer can't decide about a session".to_owned())),
            Ok(_) => Err(Broken::At("the authorizer did not refuse a session after its logout".to_owned())),
            Err(failed) => Err(Broken::At(format!("the authorizer: {failed}"))),
        }
    }
}

fn closed() -> Broken {
    Broken::At("a login: refused, because a second factor is required".to_owned())
}

/// What an answer says, without anything that it may tell about the user.
fn answered(step: &'static str, (status, body): (u16, Value)) -> Result<Option<Value>, Broken> {
    let code = body.get("code").and_then(Value::as_str).unwrap_or("no code");
    match status {
        200 => Ok(Some(body.get("data").cloned().unwrap_or_default())),
        403 if code == "MFA_ENROLMENT_REQUIRED" => Ok(None),
        429 => Err(Broken::Busy(step)),
        _ => Err(Broken::At(format!("{step}: {status} {code}"))),
    }
}

fn text(data: &Value, name: &str) -> String {
    data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A user whom nobody knows the password of but this call. Mail to them goes to the simulator of Amazon SES, which takes it and
/// tells nobody, so that no bounce is held against the account.
async fn someone(store: &Store) -> Result<(Profile, String), Box<dyn Error>> {
    let password = format!("aA1!{}", hex(&entropy::bytes::<24>()?));
    let label = hex(&entropy::bytes::<8>()?);
    let email = Email::parse(&format!("success+nova-doctor-{label}@simulator.amazonses.com"));
    let new = Registration {
        email: email.map_err(|_| "no address")?,
        name: PersonName::parse("nova doctor").map_err(|_| "no name")?,
        password: Password::new(password.clone()),
        role: Role::default(),
        permissions: Default::default(),
        device: Operator::device(),
        journal: LogArgs::default().journal(),
    };
    // The least work: its password lives for seconds.
    let made = create_user(store, Hasher::new(10), &PasswordProfile::Nist.into(), &moment()?, new).await;
    Ok((made.map_err(refused)?, password))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn removed(store: &Store, user: &Profile) -> Result<(), Box<dyn Error>> {
    let moment = moment()?;
    operator(store, &moment, LogArgs::default()).delete(user, false).await.map(drop).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_by_step_status_and_code_and_a_limit_is_no_fault() {
        let body = |code: &str| json!({"success": false, "code": code, "message": "…"});
        let broken = |status, code: &str| answered("a login", (status, body(code))).unwrap_err();
        assert_eq!(
            broken(503, "STORAGE_UNAVAILABLE"),
            Broken::At("a login: 503 STORAGE_UNAVAILABLE".to_owned())
        );
        assert_eq!(broken(429, "API_RATE_LIMITED"), Broken::Busy("a login"));
        assert_eq!(
            answered("a login", (502, Value::Null)),
            Err(Broken::At("a login: 502 no code".to_owned()))
        );
        assert_eq!(answered("a refresh", (403, body("MFA_ENROLMENT_REQUIRED"))), Ok(None));
        assert!(answered("a login", (200, json!({"success": true, "data": {"a": 1}}))).unwrap().is_some());
    }
}
