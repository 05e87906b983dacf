//! `nova local --demo`: the main job, on the sample API, every exchange shown.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use nova_local::{DemoUser, Options, Stack};
use serde_json::{Value, json};

use crate::user;

/// The sample API, beside the template.
const SAMPLE: &str = "tests/consumer/template.yaml";

/// The language that the walk asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    Ar,
    #[default]
    En,
}

impl Language {
    /// As `Accept-Language` and the templates have it.
    const fn tag(self) -> &'static str {
        match self {
            Language::Ar => "ar",
            Language::En => "en",
        }
    }
}

const EMAIL: &str = "demo@example.com";
/// It protects nothing but a stack on this machine, and has to be typed by whoever goes on from here.
const PASSWORD: &str = "Demo-2026!";

/// The user of the walk, for the page.
pub(crate) const USER: DemoUser = DemoUser { email: EMAIL, password: PASSWORD };

/// Adds what the walk needs: the sample API, whose gateway refuses in the language that is asked for.
pub(crate) fn prepare(options: &mut Options, language: Language) {
    let sample = options.template.parent().unwrap_or(Path::new("")).join(SAMPLE);
    if !options.attach.iter().any(|attached| same_file(attached, &sample)) {
        options.attach.push(sample);
    }
    options.attached_parameters.insert("Language".to_owned(), language.tag().to_owned());
    // A database of one's own need not have the streams that mail is sent by.
    if options.engine.is_none() {
        options.defaults.insert("Mail".to_owned(), "enabled".to_owned());
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// Makes a user and walks login → call → refresh → logout → reset, showing each exchange.
///
/// # Errors
/// An exchange that did not end as it should.
pub(crate) async fn run(stack: &Stack, language: Language) -> Result<(), Box<dyn Error>> {
    let auth = stack.url();
    let notes = stack.api("NotesApi").ok_or("the sample API is not served")?;
    say(&format!("\n# A user: {EMAIL}, password {PASSWORD}"))?;
    if user::prepare_for_demo(stack.dynamodb_url(), EMAIL, PASSWORD).await? {
        say("(The file already had this user, with changes; the demo has undone them.)")?;
    }

    // Everything is on this machine, whatever proxy there is.
    let client = reqwest::Client::builder().no_proxy().build()?;
    let walk = Walk { client, language };
    walk.main_job(auth, notes).await?;
    let config: Value = walk.client.get(format!("{auth}/_local/config.json")).send().await?.json().await?;
    if config.get("mail") == Some(&Value::Bool(true)) {
        a_forgotten_password(&walk, auth, notes).await?;
    }
    say(&format!(
        "\n# Demo done. Still serving; press Ctrl-C to stop. To try it yourself:\n\
         In a browser: {auth}/\n\
         curl -s {auth}/api/auth/login -H 'Content-Type: application/json' -d '{}'",
        json!({"email": EMAIL, "password": PASSWORD})
    ))
}

/// A reset, by the mail that it is asked for with.
async fn a_forgotten_password(walk: &Walk, auth: &str, notes: &str) -> Result<(), Box<dyn Error>> {
    say("\n# 5. A forgotten password: somebody is still logged in when the owner requests a mail")?;
    let login = json!({"email": EMAIL, "password": PASSWORD});
    let pair = walk.post(&format!("{auth}/api/auth/login"), None, login, 200).await?;
    let before = walk.mails(auth).await?;
    let url = format!("{auth}/api/auth/recovery");
    let (status, _) = walk.send("POST", &url, None, Some(json!({"email": EMAIL}))).await?;
    if status == 429 {
        return say("(A mailbox gets at most three mails an hour, and this one has had them.)");
    }
    if status != 202 {
        return Err(format!("expected 202, got {status}").into());
    }
    let mail = walk.next_mail(auth, &before).await?;
    let token = text(&mail, "/link")?.split_once("#t=").ok_or("the mail has no token")?.1;
    let subject = text(&mail, "/subject")?;
    say(&format!("# The mailbox, {auth}/_local/mail: \"{subject}\", with a link; its page sends the token"))?;
    // The same password, for whoever goes on from here: its sessions end all the same.
    let confirmation = json!({"token": token, "newPassword": PASSWORD});
    walk.post(&format!("{auth}/api/auth/recovery/confirm"), None, confirmation, 200).await?;
    say("# ... and every earlier session has ended")?;
    walk.get(&format!("{notes}/whoami"), Some(text(&pair, "/data/accessToken")?), 401).await?;
    let refresh = json!({"refreshToken": text(&pair, "/data/refreshToken")?});
    walk.post(&format!("{auth}/api/auth/refresh"), None, refresh, 401).await?;
    Ok(())
}

/// How long a mail is waited for: its functions start first.
const MAIL: (Duration, u32) = (Duration::from_millis(100), 600);

/// Exchanges, shown as they happen.
struct Walk {
    client: reqwest::Client,
    language: Language,
}

impl Walk {
    /// Login, calls, refresh, logout.
    async fn main_job(&self, auth: &str, notes: &str) -> Result<(), Box<dyn Error>> {
        say("\n# 1. Log in")?;
        let pair = self
            .post(&format!("{auth}/api/auth/login"), None, json!({"email": EMAIL, "password": PASSWORD}), 200)
            .await?;
        let (access, refresh) = (text(&pair, "/data/accessToken")?, text(&pair, "/data/refreshToken")?);

        say("\n# 2. Call an API that knows nothing about passwords: the authorizer tells it who is calling")?;
        self.get(&format!("{notes}/whoami"), None, 401).await?;
        self.get(&format!("{notes}/whoami"), Some(access), 200).await?;

        say(
            "\n# ... and whether they may: the API's rules ask for permissions, and this user has only notes:read",
        )?;
        self.get(&format!("{notes}/notes"), Some(access), 200).await?;
        self.get(&format!("{notes}/admin/report"), Some(access), 403).await?;

        say(
            "\n# 3. Refresh, then repeat it with the same token, as if the response had been lost: the same \
         successor",
        )?;
        let url = format!("{auth}/api/auth/refresh");
        let next = self.post(&url, None, json!({"refreshToken": refresh}), 200).await?;
        let again = self.post(&url, None, json!({"refreshToken": refresh}), 200).await?;
        if text(&next, "/data/refreshToken")? != text(&again, "/data/refreshToken")? {
            return Err("the retry got another successor".into());
        }
        let access = text(&next, "/data/accessToken")?;
        self.get(&format!("{notes}/notes"), Some(access), 200).await?;

        say(
            "\n# 4. Log out: the very next call is refused, although the token is good for another 15 minutes",
        )?;
        self.post(&format!("{auth}/api/auth/logout"), Some(access), json!({}), 200).await?;
        self.get(&format!("{notes}/notes"), Some(access), 401).await?;
        self.post(&url, None, json!({"refreshToken": text(&next, "/data/refreshToken")?}), 401).await?;
        Ok(())
    }

    async fn get(&self, url: &str, token: Option<&str>, expected: u16) -> Result<Value, Box<dyn Error>> {
        self.exchange("GET", url, token, None, expected).await
    }

    async fn post(
        &self,
        url: &str,
        token: Option<&str>,
        body: Value,
        expected: u16,
    ) -> Result<Value, Box<dyn Error>> {
        self.exchange("POST", url, token, Some(body), expected).await
    }

    /// The mails that were sent so far, the newest first.
    async fn mails(&self, auth: &str) -> Result<Vec<Value>, Box<dyn Error>> {
        let mut found: Value =
            self.client.get(format!("{auth}/_local/mail.json")).send().await?.json().await?;
        let mails = found.get_mut("mails").map(Value::take);
        Ok(mails.and_then(|mails| mails.as_array().cloned()).unwrap_or_default())
    }

    /// The mail with the link to a new password that comes after those.
    async fn next_mail(&self, auth: &str, before: &[Value]) -> Result<Value, Box<dyn Error>> {
        for _ in 0..MAIL.1 {
            let mails = self.mails(auth).await?;
            // A login of the demo may be told by mail, too.
            let is_new = |mail: &&Value| {
                mail.get("link").and_then(Value::as_str).is_some_and(|link| link.contains("/reset#"))
                    && before.iter().all(|old| old.get("id") != mail.get("id"))
            };
            if let Some(mail) = mails.iter().find(is_new) {
                return Ok(mail.clone());
            }
            tokio::time::sleep(MAIL.0).await;
        }
        Err("no mail came within a minute; --logs shows why".into())
    }

    async fn exchange(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        body: Option<Value>,
        expected: u16,
    ) -> Result<Value, Box<dyn Error>> {
        let (status, answer) = self.send(method, url, token, body).await?;
        if status == expected { Ok(answer) } else { Err(format!("expected {expected}, got {status}").into()) }
    }

    async fn send(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Result<(u16, Value), Box<dyn Error>> {
        let request = match &body {
            Some(body) => self.client.post(url).json(body),
            None => self.client.get(url),
        };
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.header("accept-language", self.language.tag()).send().await?;
        let status = answer.status().as_u16();
        let answer: Value = answer.json().await?;
        let authorization = if token.is_some() { "  Authorization: Bearer …" } else { "" };
        let body = body.map(|body| format!("  {}", shortened(&body))).unwrap_or_default();
        say(&format!("> {method} {url}{authorization}{body}\n< {status}  {}", shortened(&answer)))?;
        Ok((status, answer))
    }
}

/// Tokens fill a screen; their beginnings are enough to tell them apart.
fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > 60 && !text.contains(' ') => {
            let head: String = text.chars().take(3).collect();
            let tail: String = text.chars().skip(text.chars().count().saturating_sub(8)).collect();
            format!("{head}…{tail}").into()
        }
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), shortened(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str, Box<dyn Error>> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("the answer has no {pointer}").into())
}

fn say(line: &str) -> Result<(), Box<dyn Error>> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
