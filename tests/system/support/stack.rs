//! The whole system, in memory, on free ports; one for each test, so that none sees what another did.

use nova_auth::app::start_time;
use nova_auth::aws::Clients;
use nova_auth::config::AwsConfig;
use nova_auth::domain::email::Email;
use nova_auth::domain::moment::{Moment, RequestId};
use nova_auth::domain::name::PersonName;
use nova_auth::domain::password::{Password, PasswordProfile};
use nova_auth::domain::rules::{Caching, Rules, file};
use nova_auth::domain::session::Device;
use nova_auth::flows::create_user::{Registration, create_user};
use nova_auth::flows::journal::Journal;
use nova_auth::passwords::Hasher;
use nova_auth::patience::Patience;
use nova_auth::store::{Store, StoredRules, Tables};
use nova_local::{Binaries, LogSink, Options, Stack};
pub(crate) use nova_test_support::routes::routes;
use nova_test_support::routes::{MAIL, PASSKEYS, every_route};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::binaries;
use super::client::{Answer, Client};
use super::engine;
use super::functions;
use super::rows::Rows;
use super::tokens::Keys;

/// The password of every user who needs no other.
pub(crate) const PASSWORD: &str = "Str0ng-enough!";

/// A running system.
pub(crate) struct System {
    pub(crate) stack: Stack,
    pub(crate) rows: Rows,
    logs: LogSink,
    /// What makes the hashes of the users that an operator makes.
    pub(crate) hasher: Hasher,
}

/// Somebody with an account.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) email: String,
}

/// What a login or a refresh gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Pair {
    pub(crate) fn of(answer: &Answer) -> Pair {
        assert_eq!(answer.status, 200, "{}", answer.body);
        Pair { access: answer.text("/data/accessToken"), refresh: answer.text("/data/refreshToken") }
    }
}

/// What every stack of the tests is started with: the sample API beside it, open to any active user, functions in this process, and
/// hashes as cheap as they may be where a function is a process.
pub(crate) fn options() -> Options {
    let parameters = [("NoRules", "authenticated"), ("BcryptCost", "10")];
    Options {
        attach: vec![binaries::workspace().join("tests/consumer/template.yaml")],
        binaries: Binaries::Explicit(binaries::all().clone()),
        in_process: functions::in_process(),
        parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        logs: LogSink::memory(),
        ..Options::in_memory(binaries::workspace().join("template.yaml"))
    }
}

/// What a stack that sends mail is told.
pub(crate) fn with_mail(options: &mut Options) {
    told(options, MAIL.iter().copied());
}

/// Has every route that there can be.
pub(crate) fn with_every_route(options: &mut Options) {
    told(options, every_route());
}

/// Takes the passkeys of `example.org`.
pub(crate) fn with_passkeys(options: &mut Options) {
    told(options, PASSKEYS.iter().copied());
}

fn in_environment(options: &mut Options, variables: &[(&str, &str)]) {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    options.environment.extend(variables);
}

fn told(options: &mut Options, parameters: impl Iterator<Item = (&'static str, &'static str)>) {
    options.parameters.extend(parameters.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

impl System {
    pub(crate) async fn start() -> System {
        System::start_with(|_| ()).await
    }

    /// Starts a system that differs in something.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Options)) -> System {
        let mut options = tokio::task::spawn_blocking(options).await.unwrap();
        change(&mut options);
        // The streams that tell of changes are read from the database in this process.
        let has_uploads = options.attach.iter().any(|template| template.ends_with("uploads/template.yaml"));
        let enabled = |name: &str| options.parameters.get(name).is_some_and(|value| value == "enabled");
        if options.engine.is_none() && !enabled("Mail") && !enabled("Events") && !has_uploads {
            options.engine = engine::of_one_test().await;
        }
        let logs = options.logs.clone();
        let hasher = Hasher::new(if options.in_process.is_empty() { 10 } else { functions::CHEAP });
        let stack = Stack::start(options).await.unwrap();
        let rows = Rows::at(stack.dynamodb_url());
        System { stack, rows, logs, hasher }
    }

    /// Starts a system whose functions are the binaries, each a process as on Lambda, with these variables over the template's.
    pub(crate) async fn of_processes(environment: &[(&str, &str)]) -> System {
        System::start_with(|options| {
            options.in_process.clear();
            in_environment(options, environment);
        })
        .await
    }

    /// Starts a system that sends mail.
    pub(crate) async fn start_with_mail() -> System {
        System::start_with(with_mail).await
    }

    /// Starts a system whose functions have another environment.
    pub(crate) async fn start_in(environment: &[(&str, &str)]) -> System {
        System::start_with(|options| in_environment(options, environment)).await
    }

    /// Stops the system, and gives everything that its functions wrote.
    pub(crate) async fn stop(self) -> String {
        let logs = self.logs.clone();
        self.stack.stop().await;
        logs.text()
    }

    /// The URL of an endpoint of the authentication API.
    pub(crate) fn auth(&self, endpoint: &str) -> String {
        format!("{}/api/auth/{endpoint}", self.stack.url())
    }

    /// A URL of the sample API whose authorizer sees requests.
    pub(crate) fn notes(&self, path: &str) -> String {
        format!("{}{path}", self.stack.api("NotesApi").unwrap())
    }

    /// A URL of the sample API whose authorizer sees tokens only.
    pub(crate) fn token_notes(&self, path: &str) -> String {
        format!("{}{path}", self.stack.api("TokenNotesApi").unwrap())
    }

    /// The keys that this system's tokens are signed with.
    pub(crate) async fn keys(&self) -> Keys {
        let (access, refresh) = ("AccessKeysSecret", "RefreshKeysSecret");
        Keys::of(&self.secret(access).await, &self.secret(refresh).await)
    }

    async fn secret(&self, name: &str) -> String {
        let request = reqwest::Client::new()
            .post(self.stack.secretsmanager_url())
            .header("x-amz-target", "secretsmanager.GetSecretValue")
            .body(json!({"SecretId": name}).to_string());
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["SecretString"].as_str().unwrap().to_owned()
    }

    /// Makes a user named after an address, with [`PASSWORD`].
    pub(crate) async fn user(&self, name: &str) -> User {
        self.user_with(&format!("{name}@example.com"), PASSWORD).await
    }

    /// Makes a user.
    pub(crate) async fn user_with(&self, email: &str, password: &str) -> User {
        self.make(email, password, &[]).await
    }

    /// Makes a user named after an address, with permissions.
    pub(crate) async fn user_who_may(&self, name: &str, permissions: &[&str]) -> User {
        self.make(&format!("{name}@example.com"), PASSWORD, permissions).await
    }

    async fn make(&self, email: &str, password: &str, permissions: &[&str]) -> User {
        let now = start_time();
        let request = RequestId::new(nova_auth::entropy::uuid(now).unwrap().to_string());
        let new = Registration {
            email: Email::parse(email).unwrap(),
            name: PersonName::parse("Somebody").unwrap(),
            password: Password::new(password.to_owned()),
            role: "user".parse().unwrap(),
            permissions: permissions.iter().map(|permission| (*permission).to_owned()).collect(),
            device: Device { user_agent: "tests".to_owned(), ip: "operator".to_owned() },
            journal: Journal::keeping(jiff::SignedDuration::from_hours(24)),
        };
        let moment = Moment { now, request };
        let made = create_user(&self.store(), self.hasher, &PasswordProfile::Crm.into(), &moment, new).await;
        User { id: made.unwrap().id.to_string(), email: email.to_owned() }
    }

    /// The tables, as an operator reaches them.
    pub(crate) fn store(&self) -> Store {
        let aws = AwsConfig {
            service_urls: Default::default(),
            region: "us-east-1".to_owned(),
            access_key_id: "local".to_owned(),
            secret_access_key: SecretString::from("local"),
            session_token: None,
            dynamodb_url: Some(self.stack.dynamodb_url().to_owned()),
            secrets_manager_url: None,
            ca_bundle: None,
            patience: Patience::DEPLOYED,
        };
        let tables = Tables { identity: "IdentityTable".to_owned(), sessions: "SessionsTable".to_owned() };
        Store::new(Clients::new(&aws).unwrap().dynamodb, tables)
    }

    /// Stores rules for an API that keeps no results.
    pub(crate) async fn store_rules(&self, api: &str, source: &str) {
        self.put_rules(api, source, Caching::Never).await;
    }

    /// Stores rules for an API that keeps results.
    pub(crate) async fn store_kept_rules(&self, api: &str, source: &str) {
        self.put_rules(api, source, Caching::Allowed).await;
    }

    async fn put_rules(&self, api: &str, source: &str, caching: Caching) {
        let rules = Rules { rules: file::read(source).unwrap(), caching };
        assert!(rules.unfit().is_empty(), "{source}");
        let stored = StoredRules { rules, source: source.to_owned(), stored_at: start_time() };
        self.store().put_rules(api, &stored).await.unwrap();
    }

    /// Tries to log in.
    pub(crate) async fn try_login(&self, client: &Client, email: &str, password: &str) -> Answer {
        client.post(&self.auth("login"), &json!({"email": email, "password": password})).await
    }

    /// Logs in.
    pub(crate) async fn login(&self, client: &Client, user: &User) -> Pair {
        Pair::of(&self.try_login(client, &user.email, PASSWORD).await)
    }

    /// Tries to refresh.
    pub(crate) async fn refresh(&self, client: &Client, token: &str) -> Answer {
        client.post(&self.auth("refresh"), &json!({"refreshToken": token})).await
    }

    /// Tries to log out with an access token and the members of a body.
    pub(crate) async fn logout(&self, client: &Client, access: Option<&str>, body: &Value) -> Answer {
        let request = client.request("POST", &self.auth("logout")).json(body);
        client.send(access.iter().fold(request, |request, token| request.bearer_auth(token))).await
    }

    /// Asks the sample API who is calling.
    pub(crate) async fn whoami(&self, client: &Client, access: &str) -> Answer {
        client.get(&self.notes("/whoami"), Some(access)).await
    }

    /// Asserts that neither token of a pair is worth anything any more.
    pub(crate) async fn assert_dead(&self, client: &Client, pair: &Pair) {
        self.whoami(client, &pair.access).await.expect(401, "UNAUTHORIZED");
        self.refresh(client, &pair.refresh).await.expect(401, "REFRESH_TOKEN_INVALID");
    }

    /// Asserts that the access token is good, and whose it is.
    pub(crate) async fn assert_lets_in(&self, client: &Client, access: &str, user: &User) {
        let answer = self.whoami(client, access).await;
        assert_eq!((answer.status, answer.text("/data/userId")), (200, user.id.clone()), "{}", answer.body);
    }
}
