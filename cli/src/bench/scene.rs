//! What is measured: the functions on a workbench, somebody who logs in, and the events that they are given.

use std::error::Error;
use std::path::PathBuf;

use nova_auth::app::{AuthService, start_time};
use nova_auth::aws::Clients;
use nova_auth::config::Config;
use nova_auth::domain::address::ClientAddress;
use nova_auth::domain::email::Email;
use nova_auth::domain::moment::{Moment, RequestId};
use nova_auth::domain::name::PersonName;
use nova_auth::domain::password::{Password, PasswordProfile};
use nova_auth::domain::rules::{Caching, Rules, file};
use nova_auth::domain::session::Device;
use nova_auth::domain::user::Role;
use nova_auth::flows::Requester;
use nova_auth::flows::create_user::{Registration, create_user};
use nova_auth::flows::csrf::{Carrier, Delivered};
use nova_auth::flows::login::{LoginAttempt, login};
use nova_auth::keys::{KeyAlgorithm, KeyDocument, NOTICE, TokenKind};
use nova_auth::passwords::Hasher;
use nova_auth::store::StoredRules;
use nova_local::workbench::Workbench;
use nova_local::{Binaries, LogSink, Options, StartError};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

nova_auth::domain::named! {
    /// What a function is asked to do.
    #[derive(PartialOrd, Ord)]
    pub(super) enum Operation {
        Decision = "decision",
        Refresh = "refresh",
        Logout = "logout",
        Login = "login",
    }
}

impl Operation {
    pub(super) const fn function(self) -> &'static str {
        match self {
            Self::Decision => "token-authorizer",
            Self::Refresh => "refresh",
            Self::Logout => "logout",
            Self::Login => "login",
        }
    }

    /// DynamoDB's round trips one after the other. The end-to-end tests assert them (`protocol/cost.rs`).
    pub(super) const fn rounds(self) -> u32 {
        match self {
            Self::Login => 3,
            _ => 1,
        }
    }
}

/// What a client holds after a login.
pub(super) struct Pair {
    access: String,
    refresh: String,
}

pub(super) struct Scene {
    pub(super) bench: Workbench,
    pub(super) logs: LogSink,
    /// The same flows in this process, to prepare what functions are asked about.
    pub(super) service: AuthService,
    pub(super) client: reqwest::Client,
    /// Whose sessions are opened beforehand, with a hash that costs nothing.
    quick: Email,
    /// Who logs in.
    careful: Email,
    standing: Option<Pair>,
}

/// Calls of the endpoints are counted as always, and never too many.
pub(super) const UNLIMITED: [(&str, &str); 1] = [("API_RATE_LIMIT", "1000000")];

const PASSWORD: &str = "Measured-2026!";
const API: &str = "EXAMPLEAPI";
const DECISION: &str = include_str!("../../../events/token-authorizer.rest.request.json");
const REFRESH: &str = include_str!("../../../events/refresh.rest.json");
const LOGOUT: &str = include_str!("../../../events/logout.rest.json");
const LOGIN: &str = include_str!("../../../events/login.rest.json");

/// Ten rules, as an API of some size has.
const RULES: &str = "\
- route: GET /health
- route: GET /notes
  permission: notes:read
- route: POST /notes
  permission: notes:write
- route: GET /notes/*
  permission: notes:read
- route: GET /reports
  roles: [admin, editor]
- route: POST /reports
  roles: [admin]
- route: ANY /admin/*
  roles: [admin]
- route: GET /search
- route: GET /profile
- route: GET /whoami
";

impl Scene {
    /// Starts it. Nothing is built for it: what is measured has to be what somebody built on purpose.
    ///
    /// # Errors
    /// A binary is missing, or the template can't be used.
    pub(super) async fn start(template: PathBuf, binaries: Binaries) -> Result<Scene, Box<dyn Error>> {
        let logs = LogSink::memory();
        let options =
            Options { binaries, no_build: true, logs: logs.clone(), ..Options::in_memory(template) };
        let functions = Operation::ALL.map(Operation::function);
        let bench = Workbench::start(options, &functions).await.map_err(|error| match error {
            StartError::Binaries(missing) => format!("{missing}; `nova bench --help` says how to build it"),
            other => other.to_string(),
        })?;
        let service = service(&bench)?;
        let parse = |address: &str| Email::parse(address).map_err(|_| "no address");
        let scene = Scene {
            quick: parse("quick@example.com")?,
            careful: parse("careful@example.com")?,
            bench,
            logs,
            service,
            client: reqwest::Client::builder().build()?,
            standing: None,
        };
        scene.make_user(&scene.quick, CHEAP).await?;
        let cost = scene.bench.environment("login").get("BCRYPT_COST").and_then(|cost| cost.parse().ok());
        scene
            .make_user(&scene.careful, Hasher::new(cost.ok_or("the template gives no BCRYPT_COST")?))
            .await?;
        scene.put_rules().await?;
        let standing = Some(scene.pair().await?);
        Ok(Scene { standing, ..scene })
    }

    async fn make_user(&self, email: &Email, hasher: Hasher) -> Result<(), Box<dyn Error>> {
        let registration = Registration {
            email: email.clone(),
            name: PersonName::parse("Somebody").map_err(|_| "no name")?,
            password: Password::new(PASSWORD.to_owned()),
            role: Role::default(),
            permissions: ["notes:read", "notes:write"].map(str::to_owned).into(),
            device: device(),
            journal: self.service.journal,
        };
        create_user(&self.service.store, hasher, &PasswordProfile::Crm.into(), &moment()?, registration)
            .await?;
        Ok(())
    }

    async fn put_rules(&self) -> Result<(), Box<dyn Error>> {
        let rules = file::read(RULES).map_err(|_| "the rules of the measurement are none")?;
        let rules = Rules { rules, caching: Caching::Allowed };
        let stored = StoredRules { rules, source: RULES.to_owned(), stored_at: start_time() };
        self.service.store.put_rules(API, &stored).await?;
        Ok(())
    }

    /// A new session.
    pub(super) async fn pair(&self) -> Result<Pair, Box<dyn Error>> {
        let attempt = LoginAttempt {
            email: self.quick.clone(),
            password: Password::new(PASSWORD.to_owned()),
            caller: Requester {
                address: ClientAddress::parse("192.0.2.99"),
                device: device(),
                language: "en",
            },
            claimed: None,
            fingerprint: None,
            carrier: Carrier::Body,
            known: None,
        };
        let opened = login(&self.service, &moment()?, &attempt).await?;
        let opened = opened.begun().ok_or("the user has a second factor")?;
        let Delivered::Body(refresh) = opened.refresh else {
            return Err("the session is one by cookie".into());
        };
        Ok(Pair { access: opened.access.token.expose().to_owned(), refresh: refresh.expose().to_owned() })
    }

    /// An event that asks for this, and is answered with yes. Each may be used once.
    pub(super) async fn event(&self, operation: Operation) -> Result<String, Box<dyn Error>> {
        match operation {
            Operation::Decision => {
                let standing = self.standing.as_ref().ok_or("nobody is logged in")?;
                Ok(decision(&standing.access))
            }
            Operation::Refresh => with_body(REFRESH, &json!({"refreshToken": self.pair().await?.refresh})),
            Operation::Logout => {
                let pair = self.pair().await?;
                let event = LOGOUT.replace("REPLACE_WITH_ACCESS_TOKEN", &pair.access);
                with_body(&event, &json!({"refreshToken": pair.refresh}))
            }
            Operation::Login => {
                with_body(LOGIN, &json!({"email": self.careful.as_str(), "password": PASSWORD}))
            }
        }
    }

    /// Access tokens are signed with a key of this algorithm from now on; those that were signed before count no more.
    pub(super) async fn sign_with(&mut self, algorithm: KeyAlgorithm) -> Result<(), Box<dyn Error>> {
        let config = config(&self.bench);
        let secrets = Clients::new(&config.aws()?)?.secrets_manager;
        let secret = config.access_keys_secret()?;
        let current = secrets.get_secret_value().secret_id(&secret).send().await?;
        let keys =
            KeyDocument::parse(current.secret_string().ok_or("there are no keys")?, TokenKind::Access)?;
        let older: Vec<_> = keys.ring()?.keys().map(|key| key.kid.clone()).collect();
        let now = start_time();
        let text = keys.with_new_key(algorithm, now, now - NOTICE)?.without(&older).text();
        secrets.put_secret_value().secret_id(secret).secret_string(text.expose_secret()).send().await?;
        self.service = service(&self.bench)?;
        self.standing = Some(self.pair().await?);
        Ok(())
    }

    /// What a function wrote about each of its calls, in bytes, all of its lines together.
    pub(super) fn log_bytes_a_call(&self, operation: Operation) -> usize {
        let text = self.logs.text();
        let prefix = format!("{}: ", operation.function());
        let lines = text.lines().filter_map(|line| line.strip_prefix(&prefix));
        // Each call ends with one of these lines.
        let ends =
            |line: &str| [r#""decision":""#, r#""message":"answered""#].iter().any(|end| line.contains(end));
        let (calls, bytes) = lines
            .fold((0, 0), |(calls, bytes), line| (calls + usize::from(ends(line)), bytes + line.len() + 1));
        bytes.checked_div(calls).unwrap_or_default()
    }
}

/// The event of a call with this access token.
pub(super) fn decision(access: &str) -> String {
    DECISION.replace("REPLACE_WITH_ACCESS_TOKEN", access)
}

/// Whether the answer is the good one.
///
/// # Errors
/// It is not: what was measured would be a refusal.
pub(super) fn expect_yes(operation: Operation, answer: &[u8]) -> Result<(), Box<dyn Error>> {
    let answer: Value = serde_json::from_slice(answer)?;
    let good = match operation {
        Operation::Decision => {
            answer.pointer("/policyDocument/Statement/0/Effect").and_then(Value::as_str) == Some("Allow")
        }
        _ => answer.get("statusCode").and_then(Value::as_u64) == Some(200),
    };
    // The answer itself may hold tokens.
    if good { Ok(()) } else { Err(format!("{}: it was refused", operation.name()).into()) }
}

fn with_body(event: &str, body: &Value) -> Result<String, Box<dyn Error>> {
    let mut event: Value = serde_json::from_str(event)?;
    let members = event.as_object_mut().ok_or("the event is not an object")?;
    members.insert("body".to_owned(), body.to_string().into());
    Ok(event.to_string())
}

/// The lowest cost that there is.
const CHEAP: Hasher = Hasher::new(4);

fn config(bench: &Workbench) -> Config {
    let mut variables = bench.environment("login");
    variables.extend(
        [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("API_RATE_LIMIT", "0"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    variables.into_iter().collect()
}

fn service(bench: &Workbench) -> Result<AuthService, Box<dyn Error>> {
    let config = config(bench);
    let mut service = AuthService::new(&config, &Clients::new(&config.aws()?)?)?;
    service.hasher = CHEAP;
    Ok(service)
}

fn device() -> Device {
    Device { user_agent: "nova bench".to_owned(), ip: "192.0.2.99".to_owned() }
}

pub(super) fn moment() -> Result<Moment, Box<dyn Error>> {
    let now = start_time();
    Ok(Moment { now, request: RequestId::new(nova_auth::entropy::uuid(now)?.to_string()) })
}

/// The password of the one who logs in, for the hash by itself.
pub(super) fn password() -> Password {
    Password::new(PASSWORD.to_owned())
}
