//! Rotation after rotation under traffic, over weeks, with the time moved: nobody is refused, nobody is logged out.

use std::collections::BTreeSet;

use nova_auth::app::AuthService;
use nova_auth::aws::Clients;
use nova_auth::config::Config;
use nova_auth::domain::address::ClientAddress;
use nova_auth::domain::email::Email;
use nova_auth::domain::moment::{Moment, RequestId};
use nova_auth::domain::name::PersonName;
use nova_auth::domain::password::{Password, PasswordProfile};
use nova_auth::domain::session::Device;
use nova_auth::flows::authenticate::authenticate;
use nova_auth::flows::create_user::{Registration, create_user};
use nova_auth::flows::csrf::Carrier;
use nova_auth::flows::journal::Journal;
use nova_auth::flows::login::{LoginAttempt, login};
use nova_auth::flows::refresh::{RefreshAttempt, refresh};
use nova_auth::flows::rotate_keys::{Step, StepRequest, rotate_keys};
use nova_auth::flows::{FlowError, Requester};
use nova_auth::keys::{KeyAlgorithm, KeysError, Token};
use nova_auth::passwords::Hasher;
use nova_local::Storage;

use super::vault::{ACCESS, Fault, REFRESH, Vault, at};
use nova_test_support::engine;
use nova_test_support::tokens::part;

const PASSWORD: &str = "Str0ng-enough!";
const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// Several instances of the functions, each with a ring that it read at another time.
struct World {
    vault: Vault,
    instances: Vec<AuthService>,
    requests: u64,
    _storage: Storage,
}

struct Client {
    email: Email,
    access: Token,
    issued: i64,
    refresh: Token,
    /// Nothing is heard of it until then.
    sleeps_until: i64,
}

impl World {
    async fn new() -> World {
        let template = nova_test_support::workspace().join("template.yaml");
        let (storage, vault) = (engine::storage(&template).await, Vault::new());
        let variables = [
            ("IDENTITY_TABLE", "IdentityTable"),
            ("SESSIONS_TABLE", "SessionsTable"),
            ("ACCESS_KEYS_SECRET", ACCESS),
            ("REFRESH_KEYS_SECRET", REFRESH),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL_DYNAMODB", storage.url()),
        ];
        let config: Config = variables.into_iter().collect();
        let clients =
            Clients { secrets_manager: vault.client(), ..Clients::new(&config.aws().unwrap()).unwrap() };
        let instance =
            |_| AuthService { hasher: Hasher::new(4), ..AuthService::new(&config, &clients).unwrap() };
        World { vault, instances: (0..4).map(instance).collect(), requests: 0, _storage: storage }
    }

    fn moment(&mut self, second: i64) -> Moment {
        self.requests += 1;
        Moment { now: at(second), request: RequestId::new(format!("request-{}", self.requests)) }
    }

    async fn client(&mut self, index: usize) -> Client {
        let email = Email::parse(&format!("user-{index}@example.com")).unwrap();
        let registration = Registration {
            email: email.clone(),
            name: PersonName::parse("Somebody").unwrap(),
            password: Password::new(PASSWORD.to_owned()),
            role: "user".parse().unwrap(),
            permissions: Default::default(),
            device: device(),
            journal: Journal::keeping(jiff::SignedDuration::from_hours(24)),
        };
        let moment = self.moment(0);
        create_user(
            &self.instances[0].store,
            Hasher::new(4),
            &PasswordProfile::Crm.into(),
            &moment,
            registration,
        )
        .await
        .unwrap();
        let token = Token::new("");
        let mut client = Client { email, access: token.clone(), issued: 0, refresh: token, sleeps_until: 0 };
        self.log_in(&mut client, 0, 0).await.unwrap();
        client
    }

    async fn log_in(&mut self, client: &mut Client, instance: usize, second: i64) -> Result<(), FlowError> {
        let attempt = LoginAttempt {
            email: client.email.clone(),
            password: Password::new(PASSWORD.to_owned()),
            caller: Requester {
                address: ClientAddress::parse("203.0.113.7"),
                device: device(),
                language: "en",
            },
            claimed: None,
            fingerprint: None,
            carrier: Carrier::Body,
            known: None,
        };
        let moment = self.moment(second);
        let answer =
            login(&self.instances[instance], &moment, &attempt).await?.begun().expect("no second step");
        (client.access, client.refresh, client.issued) =
            (answer.access.token, answer.refresh.token().clone(), second);
        Ok(())
    }

    /// Refreshes, and once more with the same token at another instance, as a client whose answer was lost.
    async fn refresh(&mut self, client: &mut Client, dice: &mut Dice, second: i64) -> Result<(), FlowError> {
        let presented = client.refresh.clone();
        let attempt = || RefreshAttempt {
            token: presented.clone(),
            carrier: Carrier::Body,
            fingerprint: None,
            device: device(),
        };
        let (one, other) = (dice.below(self.instances.len()), dice.below(self.instances.len()));
        let moment = self.moment(second);
        let answer = refresh(&self.instances[one], &moment, &attempt()).await?;
        (client.access, client.refresh, client.issued) =
            (answer.access.token, answer.refresh.token().clone(), second);
        let moment = self.moment(second + 20);
        let again = refresh(&self.instances[other], &moment, &attempt()).await?;
        assert_eq!(again.refresh.token().expose(), client.refresh.expose(), "a retry got another successor");
        Ok(())
    }

    async fn call(&mut self, client: &Client, instance: usize, second: i64) -> Result<(), FlowError> {
        let moment = self.moment(second);
        let AuthService { store, access, .. } = &self.instances[instance];
        authenticate(store, access, &moment, &client.access).await.map(drop)
    }
}

fn device() -> Device {
    Device { user_agent: "tests".to_owned(), ip: "203.0.113.7".to_owned() }
}

/// A rotation every two days of both rings, each step up to twenty minutes after the one before, the algorithm another
/// each time; Secrets Manager out of reach for forty minutes now and then; clients that sleep for almost a week.
#[tokio::test]
async fn weeks_of_rotations_refuse_nobody_and_log_nobody_out() {
    let (mut world, mut dice) = (World::new().await, Dice(7));
    let mut clients = Vec::new();
    for index in 0..6 {
        clients.push(world.client(index).await);
    }
    let (mut kids, mut algorithms) = ([BTreeSet::new(), BTreeSet::new()], BTreeSet::new());
    let (mut rotations, mut steps, mut down_until) = (0, Vec::new(), 0);
    let mut second = 0;
    while second < 29 * DAY {
        second += 4 * MINUTE + i64::try_from(dice.below(400)).unwrap();
        if second / (2 * DAY) > rotations {
            rotations = second / (2 * DAY);
            steps = vec![Step::Finish, Step::Test, Step::Set, Step::Create];
            for secret in [ACCESS, REFRESH] {
                world.vault.begin_rotation(secret, &format!("rotation-{rotations}"));
            }
        }
        if second >= down_until && dice.below(200) == 0 {
            down_until = second + 40 * MINUTE;
        }
        let down = second < down_until;
        world.vault.set(if down { Fault::Refuse } else { Fault::None });
        if !down && let Some(step) = steps.pop() {
            let algorithm = KeyAlgorithm::ALL[usize::try_from(rotations).unwrap() % 4];
            let rotation = world.vault.rotation(algorithm);
            for secret in [ACCESS, REFRESH] {
                let version = format!("rotation-{rotations}");
                let request = StepRequest { secret: secret.to_owned(), version, step };
                // An outage may have made it too late: then it is given up, and the next one comes in two days.
                drop(Box::pin(rotate_keys(&rotation, at(second), &request)).await);
            }
        }
        let index = dice.below(clients.len());
        let client = &mut clients[index];
        if client.sleeps_until > second {
            continue;
        }
        let instance = dice.below(world.instances.len());
        let done = if second - client.issued < 15 * MINUTE {
            world.call(client, instance, second).await
        } else {
            Box::pin(world.refresh(client, &mut dice, second)).await
        };
        match done {
            Ok(()) => {
                for (kids, token) in kids.iter_mut().zip([&client.access, &client.refresh]) {
                    kids.insert(part(token.expose(), 0)["kid"].as_str().unwrap().to_owned());
                }
                algorithms.insert(part(client.access.expose(), 0)["alg"].as_str().unwrap().to_owned());
            }
            // Nobody can tell while the keys are out of reach; and that is all that may ever be said.
            Err(FlowError::Keys(KeysError::Unavailable(_))) if down => {}
            Err(error) => panic!("at {second}, client {index}: {error:?}"),
        }
        if dice.below(60) == 0 {
            client.sleeps_until = second + 6 * DAY + 20 * 3600;
        }
    }
    assert!(kids.iter().all(|kids| kids.len() > 8), "too few rotations came to their end: {kids:?}");
    assert_eq!(algorithms.len(), 4, "{algorithms:?}");
    // Old keys have left: what is needed stays, and no more.
    assert!(world.vault.kids(ACCESS).len() <= 3, "{:?}", world.vault.kids(ACCESS));
    assert!((3..=7).contains(&world.vault.kids(REFRESH).len()), "{:?}", world.vault.kids(REFRESH));
}
