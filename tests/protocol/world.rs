//! The flows on a database in memory, and what their users do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::config::retry::RetryPartition;
use jiff::{SignedDuration, Timestamp};
use nova_auth::{
    app::{
        AuthService, Authorizer, FactorService, Introspector, PasskeyService, RecoverService, RedeemService,
        mail_links,
    },
    aws::{Clients, dynamodb_config, http_client},
    config::{AwsConfig, Config},
    domain::{
        address::ClientAddress,
        email::Email,
        ids::UserId,
        moment::{Moment, RequestId},
        name::PersonName,
        password::{Password, PasswordProfile},
        session::Device,
        user::{Role, Status},
    },
    flows::{
        FlowError, Requester,
        authenticate::authenticate,
        begin::LoggedIn,
        change_password::{PasswordChange, change_password},
        create_user::{Registration, create_user},
        csrf::Carrier,
        journal::Journal,
        login::{Login, LoginAttempt, login},
        logout::{LogoutAttempt, logout},
        mail::{recover::Recovery, redeem::Redemption},
        refresh::{RefreshAttempt, Refreshed, refresh},
        revoke_all::revoke_all,
        set_status::set_status,
    },
    keys::{MailLinks, Token},
    passwords::Hasher,
    patience::Patience,
};
use nova_local::Storage;

use nova_test_support::engine;

use super::{
    rows::{IDENTITY, Rows, SESSIONS},
    vault::{ACCESS, FACTORS, LINKS, REFRESH, Vault},
    wire::Wire,
};

pub(super) const PASSWORD: &str = "Correct-horse-9!";
pub(super) const OTHER_PASSWORD: &str = "Battery-staple-4?";
pub(super) const ADDRESS: &str = "203.0.113.7";

/// The work of a hash where the hash is not the subject.
pub(super) const CHEAP: u32 = 4;

/// No machine is so busy that a call takes this long, and no test has a call that is never answered.
const PATIENCE: Patience = Patience {
    connection: Duration::from_secs(60),
    attempt: Duration::from_secs(60),
    call: Duration::from_secs(60),
    turn: Duration::from_secs(60),
};

/// How long is waited for what never comes. Six pauses that double are longer, from ten milliseconds on.
const SOON: Duration = Duration::from_millis(600);

/// One deployment, with one instance of each function.
pub(super) struct World {
    pub(super) service: AuthService,
    pub(super) authorizer: Authorizer,
    pub(super) recovery: Recovery,
    pub(super) redemption: Redemption,
    /// Between both and DynamoDB.
    pub(super) wire: Wire,
    pub(super) vault: Vault,
    pub(super) rows: Rows,
    config: Config,
    clients: Clients,
    patience: Patience,
    requests: AtomicU64,
    _storage: Storage,
}

/// Somebody who can log in.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: UserId,
    pub(super) email: Email,
}

/// What a client holds.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) access: Token,
    pub(super) refresh: Token,
}

impl From<Login> for Pair {
    fn from(answer: Login) -> Self {
        answer.begun().expect("no second step").into()
    }
}

impl From<LoggedIn> for Pair {
    fn from(answer: LoggedIn) -> Self {
        Self { access: answer.access.token, refresh: answer.refresh.token().clone() }
    }
}

impl From<Refreshed> for Pair {
    fn from(answer: Refreshed) -> Self {
        Self { access: answer.access.token, refresh: answer.refresh.token().clone() }
    }
}

impl World {
    pub(super) async fn new() -> Arc<World> {
        World::with(&[]).await
    }

    /// One whose functions are told this too.
    pub(super) async fn with(variables: &[(&str, &str)]) -> Arc<World> {
        World::patient(PATIENCE, variables).await
    }

    /// One in which no login waits for a place that others hold: where a window is full of what stays.
    pub(super) async fn impatient(variables: &[(&str, &str)]) -> Arc<World> {
        World::patient(Patience { turn: Duration::ZERO, ..PATIENCE }, variables).await
    }

    async fn patient(patience: Patience, variables: &[(&str, &str)]) -> Arc<World> {
        insist_on_a_stack();
        let template = nova_test_support::workspace().join("template.yaml");
        let storage = engine::storage(&template).await;
        let fixed = [
            ("IDENTITY_TABLE", IDENTITY),
            ("SESSIONS_TABLE", SESSIONS),
            ("ACCESS_KEYS_SECRET", ACCESS),
            ("REFRESH_KEYS_SECRET", REFRESH),
            ("LINK_KEYS_SECRET", LINKS),
            ("FACTOR_KEYS_SECRET", FACTORS),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL_DYNAMODB", storage.url()),
            // Counting calls is one more call, and the subject of few tests.
            ("API_RATE_LIMIT", "0"),
        ];
        let config: Config = fixed.into_iter().chain(variables.iter().copied()).collect();
        let aws = AwsConfig { patience, ..config.aws().unwrap() };
        let http = http_client(&aws).unwrap();
        let (wire, vault) = (Wire::new(http.clone()), Vault::of_named_keys());
        // A budget of retries of its own: the tests of one process would use up each other's.
        let partition = RetryPartition::new(storage.url().to_owned());
        let through = dynamodb_config(&aws, wire.clone().shared()).retry_partition(partition);
        let clients = Clients {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(through.build()),
            secrets_manager: vault.client(),
        };
        let direct = aws_sdk_dynamodb::Client::from_conf(dynamodb_config(&aws, http).build());
        let service = instance(&config, &clients, patience);
        let mut redemption = RedeemService::new(&config, &clients).unwrap().redemption;
        redemption.hasher = Hasher::new(CHEAP);
        redemption.store = redemption.store.with_patience(patience);
        let mut recovery = RecoverService::new(&config, &clients).unwrap().recovery;
        recovery.store = recovery.store.with_patience(patience);
        Arc::new(World {
            service,
            authorizer: Authorizer::new(&config, &clients).unwrap(),
            recovery,
            redemption,
            wire,
            vault,
            rows: Rows::new(direct),
            config,
            clients,
            patience,
            requests: AtomicU64::new(0),
            _storage: storage,
        })
    }

    /// Another instance of the authentication functions, which has read no keys yet.
    pub(super) fn instance(&self) -> AuthService {
        instance(&self.config, &self.clients, self.patience)
    }

    /// One that soon gives up what it asks for again and again. Each of its calls has as much time as ever.
    pub(super) fn that_gives_up(&self) -> AuthService {
        instance(&self.config, &self.clients, Patience { call: SOON, ..self.patience })
    }

    /// What works with second factors.
    pub(super) fn factors(&self) -> FactorService {
        let mut service = FactorService::new(&self.config, &self.clients).unwrap();
        service.auth.hasher = Hasher::new(CHEAP);
        service.auth.store = service.auth.store.with_patience(self.patience);
        service
    }

    /// What works with passkeys alone.
    pub(super) fn passkeys(&self) -> PasskeyService {
        PasskeyService::new(&self.config, &self.clients).unwrap()
    }

    /// The links of mails, with keys of their own reading.
    pub(super) fn mail_links(&self) -> MailLinks {
        mail_links(&self.config, &self.clients).unwrap()
    }

    /// A request at that second of the test.
    pub(super) fn at(&self, second: i64) -> Moment {
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        Moment { now: time(second), request: RequestId::new(format!("request-{request}")) }
    }

    /// A user who is there from the beginning, with [`PASSWORD`].
    pub(super) async fn person(&self, name: &str) -> Person {
        let email = Email::parse(&format!("{name}@example.com")).unwrap();
        let registration = Registration {
            email: email.clone(),
            name: PersonName::parse(name).unwrap(),
            password: Password::new(PASSWORD.to_owned()),
            role: Role::default(),
            permissions: ["notes:read".to_owned()].into(),
            device: device(),
            journal: Journal::keeping(SignedDuration::from_hours(24 * 365)),
        };
        let policy = PasswordProfile::Crm;
        let moment = self.at(-3600);
        let hasher = Hasher::new(CHEAP);
        let made =
            create_user(&self.service.store, hasher, &policy.into(), &moment, registration).await.unwrap();
        Person { id: made.id, email }
    }

    /// A user who has logged in at second 0.
    pub(super) async fn logged_in(&self) -> (Person, Pair) {
        let person = self.person("amal").await;
        let pair = self.login(&self.at(0), &person).await.unwrap();
        (person, pair)
    }

    pub(super) async fn login(&self, moment: &Moment, person: &Person) -> Result<Pair, FlowError> {
        self.login_with(moment, person, PASSWORD).await
    }

    pub(super) async fn login_with(
        &self,
        moment: &Moment,
        person: &Person,
        password: &str,
    ) -> Result<Pair, FlowError> {
        login(&self.service, moment, &attempt(&person.email, password, ADDRESS)).await.map(Pair::from)
    }

    pub(super) async fn refresh(&self, moment: &Moment, token: &Token) -> Result<Pair, FlowError> {
        refresh(&self.service, moment, &presenting(token)).await.map(Pair::from)
    }

    /// Logs out with all that the client holds.
    pub(super) async fn logout(&self, moment: &Moment, pair: &Pair) -> Result<(), FlowError> {
        let attempt = LogoutAttempt {
            access: Some(pair.access.clone()),
            refresh: Some((pair.refresh.clone(), Carrier::Body)),
            device: device(),
        };
        logout(&self.service, moment, &attempt).await.map(drop)
    }

    pub(super) async fn revoke_all(&self, moment: &Moment, person: &Person) -> Result<(), FlowError> {
        let AuthService { store, journal, .. } = &self.service;
        revoke_all(store, moment, person.id, &device(), *journal).await
    }

    pub(super) async fn set_status(
        &self,
        moment: &Moment,
        person: &Person,
        status: Status,
    ) -> Result<(), FlowError> {
        let AuthService { store, journal, .. } = &self.service;
        set_status(store, moment, person.id, &person.email, status, &device(), *journal).await
    }

    /// Changes [`PASSWORD`] to [`OTHER_PASSWORD`].
    pub(super) async fn change_password(&self, moment: &Moment, access: &Token) -> Result<(), FlowError> {
        self.change_password_to(moment, access, PASSWORD, OTHER_PASSWORD).await
    }

    pub(super) async fn change_password_to(
        &self,
        moment: &Moment,
        access: &Token,
        current: &str,
        new: &str,
    ) -> Result<(), FlowError> {
        let change = PasswordChange {
            access: access.clone(),
            current: Password::new(current.to_owned()),
            new: Password::new(new.to_owned()),
            caller: Requester { address: ClientAddress::parse(ADDRESS), device: device(), language: "en" },
        };
        change_password(&self.service, moment, &change).await
    }

    /// One instance of the function that servers ask.
    pub(super) fn introspector(&self) -> Introspector {
        Introspector::new(&self.config, &self.clients).unwrap()
    }

    /// What the authorizer thinks of an access token.
    pub(super) async fn authenticate(&self, second: i64, access: &Token) -> Result<(), FlowError> {
        let Authorizer { store, access: tokens, .. } = &self.authorizer;
        authenticate(store, tokens, &self.at(second), access).await.map(drop)
    }

    /// Nothing that the client holds is accepted, and none of it ever will be again.
    pub(super) async fn assert_dead(&self, second: i64, pair: &Pair) {
        let decision = self.authenticate(second, &pair.access).await;
        assert!(matches!(decision, Err(FlowError::Refused(_))), "an access token is accepted: {decision:?}");
        let refreshed = self.refresh(&self.at(second), &pair.refresh).await;
        assert!(matches!(refreshed, Err(FlowError::Refused(_))), "a refresh token is accepted");
        let decision = self.authenticate(second, &pair.access).await;
        assert!(matches!(decision, Err(FlowError::Refused(_))), "an access token revived: {decision:?}");
    }

    /// The client is logged in.
    pub(super) async fn assert_alive(&self, second: i64, pair: &Pair) {
        let decision = self.authenticate(second, &pair.access).await;
        assert!(decision.is_ok(), "an access token is refused: {decision:?}");
    }
}

/// Unoptimised futures are larger than the stack of a test's thread. Started by cargo they have more; by hand, or by a debugger, one
/// would hear of an overflow, and not of what to do.
fn insist_on_a_stack() {
    assert!(
        std::env::var_os("RUST_MIN_STACK").is_some(),
        "set RUST_MIN_STACK=8388608, as .cargo/config.toml does for cargo"
    );
}

fn instance(config: &Config, clients: &Clients, patience: Patience) -> AuthService {
    let mut service = AuthService::new(config, clients).unwrap();
    service.hasher = Hasher::new(CHEAP);
    service.store = service.store.with_patience(patience);
    service
}

/// Not a whole second: what is rounded has to be rounded the same way each time.
pub(super) fn time(second: i64) -> Timestamp {
    Timestamp::from_millisecond(1_780_000_000_250 + second * 1000).unwrap()
}

pub(super) fn device() -> Device {
    Device { user_agent: "test".to_owned(), ip: ADDRESS.to_owned() }
}

pub(super) fn attempt(email: &Email, password: &str, address: &str) -> LoginAttempt {
    LoginAttempt {
        email: email.clone(),
        password: Password::new(password.to_owned()),
        caller: Requester { address: ClientAddress::parse(address), device: device(), language: "en" },
        claimed: None,
        fingerprint: None,
        carrier: Carrier::Body,
        known: None,
    }
}

pub(super) fn presenting(token: &Token) -> RefreshAttempt {
    RefreshAttempt { token: token.clone(), carrier: Carrier::Body, fingerprint: None, device: device() }
}
