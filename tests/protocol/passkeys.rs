//! Passkeys: made, used alone, after a password and for a step-up, and removed.

use std::sync::Arc;

use futures_util::future::join_all;
use nova_auth::{
    app::{FactorService, PasskeyService},
    domain::{
        address::ClientAddress,
        factors::{Acr, FactorKind},
        refusal::{Fault as Wrong, FieldFault, Refusal},
        user::Status,
    },
    flows::{
        FlowError, Requester,
        csrf::{Carrier, Proof},
        factors::{
            FactorRequest,
            list::list_factors,
            passkey::{MOST_PASSKEYS, passkey_options, register_passkey},
            prove::FactorProof,
            recovery::NewCodes,
            remove::remove_factor,
        },
        login::{Login, SecondStep, login},
        passkey::{PasskeyAttempt, login_options, passkey_login, second_step_options, step_up_options},
        second_step::{SecondStepAttempt, second_step},
        step_up::{StepUp, StepUpProof, step_up},
    },
    keys::Token,
    webauthn::AssertionResponse,
};
use serde_json::{Value, json};

use nova_test_support::passkey::Phone;

use super::{
    answers::refusal,
    faults::{Fault, Gate, on},
    rows::IDENTITY,
    second_factors::enrol,
    world::{ADDRESS, PASSWORD, Pair, Person, World, attempt, device},
};

/// A user with a passkey, made at second 30 of the test.
struct Owner {
    world: Arc<World>,
    service: FactorService,
    /// What lets users in by it.
    passkeys: PasskeyService,
    person: Person,
    /// The session that made it.
    pair: Pair,
    phone: Phone,
    codes: usize,
}

fn caller() -> Requester {
    Requester { address: ClientAddress::parse(ADDRESS), device: device(), language: "en" }
}

fn request(access: &Token) -> FactorRequest {
    FactorRequest { access: access.clone(), caller: caller() }
}

/// A stack that takes passkeys.
async fn world() -> Arc<World> {
    World::with(&[("MFA_POLICY", "optional"), ("PASSKEY_RP_ID", "example.org")]).await
}

async fn makes(
    world: &World,
    service: &FactorService,
    second: i64,
    pair: &Pair,
    phone: &mut Phone,
) -> Result<Option<NewCodes>, FlowError> {
    let by = request(&pair.access);
    let options = passkey_options(service, &world.at(second), &by).await?;
    let answer = phone.create(&options);
    register_passkey(service, &world.at(second + 1), &by, Some("Phone".to_owned()), &answer).await
}

impl Owner {
    async fn new() -> Self {
        let world = world().await;
        let (person, pair) = world.logged_in().await;
        let (service, passkeys, mut phone) = (world.factors(), world.passkeys(), Phone::new(1));
        let codes = makes(&world, &service, 30, &pair, &mut phone).await.unwrap().expect("recovery codes");
        Self { world, service, passkeys, person, pair, phone, codes: codes.shown().len() }
    }

    async fn options(&self, second: i64) -> Value {
        login_options(&self.passkeys, &self.world.at(second), &caller()).await.unwrap()
    }

    async fn answers(&self, second: i64, answer: AssertionResponse) -> Option<Pair> {
        match self.tries(second, answer).await {
            Err(FlowError::Refused(Refusal::PasskeyInvalid)) => None,
            tried => Some(tried.unwrap()),
        }
    }

    async fn tries(&self, second: i64, answer: AssertionResponse) -> Result<Pair, FlowError> {
        let attempt = PasskeyAttempt {
            answer,
            caller: caller(),
            claimed: None,
            fingerprint: None,
            carrier: Carrier::Body,
            known: None,
        };
        passkey_login(&self.passkeys, &self.world.at(second), &attempt).await.map(Pair::from)
    }

    /// A passkey alone.
    async fn logs_in(&mut self, second: i64) -> Option<Pair> {
        let options = self.options(second).await;
        let answer = self.phone.get(&options);
        self.answers(second, answer).await
    }

    async fn password(&self, second: i64) -> SecondStep {
        let attempt = attempt(&self.person.email, PASSWORD, ADDRESS);
        match login(&self.world.service, &self.world.at(second), &attempt).await.unwrap() {
            Login::SecondStep(step) => step,
            Login::Begun(_) => panic!("a session for a password alone"),
        }
    }

    async fn second(&self, second: i64, token: &Token, answer: AssertionResponse) -> Result<Pair, FlowError> {
        let proof = FactorProof::Passkey(Box::new(answer));
        let attempt = SecondStepAttempt {
            token: token.clone(),
            proof,
            caller: caller(),
            carrier: Carrier::Body,
            known: None,
        };
        second_step(&self.service, &self.world.at(second), &attempt).await.map(Pair::from)
    }

    async fn events(&self, name: &str) -> usize {
        self.world.rows.count_events(self.person.id, name).await
    }
}

#[tokio::test]
async fn whoever_makes_a_passkey_is_let_in_by_it_and_no_longer_by_the_password_alone() {
    let mut owner = Owner::new().await;
    assert_eq!(owner.codes, 10);
    assert_eq!(owner.events("authn_mfa_added").await, 1);
    owner.password(40).await;
    let pair = owner.logs_in(50).await.unwrap();
    owner.world.assert_alive(51, &pair).await;
    let store = &owner.world.service.store;
    let rows = store.sessions(owner.person.id).await.unwrap();
    assert!(rows.iter().all(|session| session.acr() == Acr::SecondFactor), "{rows:?}");
    let by = request(&pair.access);
    let listed = list_factors(&owner.service, &owner.world.at(52), &by).await.unwrap();
    let kinds: Vec<_> = listed.factors.iter().map(|factor| (factor.kind, factor.name.as_deref())).collect();
    assert_eq!(kinds, [(FactorKind::Passkey, Some("Phone"))]);
}

#[tokio::test]
async fn a_new_passkey_ends_every_other_session() {
    let world = world().await;
    let (person, first) = world.logged_in().await;
    let other = world.login(&world.at(10), &person).await.unwrap();
    let made = makes(&world, &world.factors(), 30, &first, &mut Phone::new(1)).await.unwrap();
    assert!(made.is_some());
    world.assert_dead(32, &other).await;
    world.assert_alive(32, &first).await;
}

#[tokio::test]
async fn of_fifty_uses_of_an_answer_one_begins_a_session() {
    let mut owner = Owner::new().await;
    let options = owner.options(40).await;
    let answer = owner.phone.get(&options);
    let pairs = join_all((0..50).map(|_| owner.answers(41, answer.clone()))).await;
    assert_eq!(pairs.iter().flatten().count(), 1);
}

#[tokio::test]
async fn a_copy_of_a_passkey_is_refused_and_stands_in_the_log() {
    let mut owner = Owner::new().await;
    assert!(owner.logs_in(40).await.is_some());
    let options = owner.options(50).await;
    let copied = owner.phone.get_again(&options);
    assert!(owner.answers(51, copied).await.is_none());
    assert_eq!(owner.events("authn_passkey_clone").await, 1);
    // The one that counts on is as good as before.
    assert!(owner.logs_in(60).await.is_some());
    assert_eq!(owner.events("authn_passkey_clone").await, 1);
}

#[tokio::test]
async fn an_answer_is_to_one_challenge_in_its_time() {
    let mut owner = Owner::new().await;
    let options = owner.options(40).await;
    let late = owner.phone.get(&options);
    assert!(owner.answers(340, late).await.is_none());
    let mut foreign = owner.options(341).await;
    foreign["challenge"] = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc".into();
    let answer = owner.phone.get(&foreign);
    assert!(owner.answers(342, answer).await.is_none());
    let stranger = Phone::new(9).get(&owner.options(343).await);
    assert!(owner.answers(344, stranger).await.is_none());
}

#[tokio::test]
async fn a_passkey_is_the_second_step_of_a_password_and_only_of_its_own() {
    let mut owner = Owner::new().await;
    let step = owner.password(40).await;
    let of_a_login = owner.phone.get(&owner.options(41).await);
    let refused = owner.second(42, &step.token, of_a_login).await;
    assert!(matches!(refusal(refused), Refusal::SecondFactorInvalid(_)));

    let (service, moment) = (&owner.passkeys, owner.world.at(43));
    let options = second_step_options(service, &moment, &step.token, &caller()).await.unwrap();
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
    let answer = owner.phone.get(&options);
    // What was given out for a second step begins no session alone.
    assert!(owner.answers(44, answer).await.is_none());

    let (service, moment) = (&owner.passkeys, owner.world.at(45));
    let options = second_step_options(service, &moment, &step.token, &caller()).await.unwrap();
    let answer = owner.phone.get(&options);
    let pair = owner.second(46, &step.token, answer.clone()).await.unwrap();
    owner.world.assert_alive(47, &pair).await;
    assert_eq!(refusal(owner.second(48, &step.token, answer).await), Refusal::SecondStepInvalid);
}

#[tokio::test]
async fn a_passkey_steps_a_session_up() {
    let mut owner = Owner::new().await;
    let access = owner.pair.access.clone();
    let options = step_up_options(&owner.passkeys, &owner.world.at(700), &access).await.unwrap();
    let proof = StepUpProof::Factor(FactorProof::Passkey(Box::new(owner.phone.get(&options))));
    let step = StepUp { access, proof, caller: caller() };
    let stepped = step_up(&owner.service, &owner.world.at(701), &step).await.unwrap();
    assert_eq!(stepped.session.authenticated_at(), super::world::time(701));
    // For another purpose it is none.
    let options = owner.options(702).await;
    let proof = StepUpProof::Factor(FactorProof::Passkey(Box::new(owner.phone.get(&options))));
    let step = StepUp { access: owner.pair.access.clone(), proof, caller: caller() };
    let refused = step_up(&owner.service, &owner.world.at(703), &step).await;
    assert!(matches!(refusal(refused), Refusal::SecondFactorInvalid(_)));
}

#[tokio::test]
async fn what_one_session_was_asked_for_steps_up_no_other() {
    let mut owner = Owner::new().await;
    let other = owner.logs_in(40).await.unwrap();
    let options = step_up_options(&owner.passkeys, &owner.world.at(41), &owner.pair.access).await.unwrap();
    let proof = StepUpProof::Factor(FactorProof::Passkey(Box::new(owner.phone.get(&options))));
    let step = StepUp { access: other.access, proof, caller: caller() };
    let refused = step_up(&owner.service, &owner.world.at(42), &step).await;
    assert!(matches!(refusal(refused), Refusal::SecondFactorInvalid(_)));
}

/// A browser that is given an empty list offers the passkeys of everybody.
#[tokio::test]
async fn who_has_no_passkey_is_told_so_before_a_browser_asks_for_one() {
    let world = world().await;
    let (_, pair) = world.logged_in().await;
    let refused = step_up_options(&world.passkeys(), &world.at(30), &pair.access).await;
    assert_eq!(refusal(refused), Refusal::FactorNotFound);
}

#[tokio::test]
async fn a_passkey_is_one_users() {
    let owner = Owner::new().await;
    let other = owner.world.person("badr").await;
    let pair = owner.world.login(&owner.world.at(40), &other).await.unwrap();
    let made = makes(&owner.world, &owner.service, 41, &pair, &mut Phone::new(1)).await;
    assert_eq!(refusal(made), Refusal::PasskeyExists);
    owner.world.assert_alive(43, &pair).await;
    assert!(owner.world.service.store.factors(other.id).await.unwrap().passkeys.is_empty());
}

#[tokio::test]
async fn whoever_makes_their_own_passkey_again_hears_that_it_is_there_and_keeps_the_session() {
    let owner = Owner::new().await;
    let made = makes(&owner.world, &owner.service, 40, &owner.pair, &mut Phone::new(1)).await;
    assert_eq!(refusal(made), Refusal::PasskeyExists);
    owner.world.assert_alive(43, &owner.pair).await;
    assert_eq!(owner.world.service.store.factors(owner.person.id).await.unwrap().passkeys.len(), 1);
}

#[tokio::test]
async fn an_answer_that_another_session_was_asked_for_makes_no_passkey() {
    let world = world().await;
    let (person, first) = world.logged_in().await;
    let second = world.login(&world.at(10), &person).await.unwrap();
    let service = world.factors();
    let options = passkey_options(&service, &world.at(30), &request(&first.access)).await.unwrap();
    let answer = Phone::new(1).create(&options);
    let by = request(&second.access);
    let made = register_passkey(&service, &world.at(31), &by, None, &answer).await;
    let wrong = FieldFault { field: "passkey", fault: Wrong::Invalid };
    assert_eq!(refusal(made), Refusal::Invalid(vec![wrong]));
}

#[tokio::test]
async fn a_session_that_is_not_fresh_makes_no_passkey_and_removes_none() {
    let owner = Owner::new().await;
    let late = passkey_options(&owner.service, &owner.world.at(700), &request(&owner.pair.access)).await;
    assert!(matches!(refusal(late), Refusal::StepUpRequired { second_factor: true, .. }));
}

#[tokio::test]
async fn a_passkey_that_was_removed_lets_nobody_in_and_the_password_does_again() {
    let mut owner = Owner::new().await;
    let by = request(&owner.pair.access);
    let listed = list_factors(&owner.service, &owner.world.at(40), &by).await.unwrap();
    remove_factor(&owner.service, &owner.world.at(41), &by, listed.factors[0].id).await.unwrap();
    assert!(owner.logs_in(50).await.is_none());
    let pair = owner.world.login(&owner.world.at(60), &owner.person).await.unwrap();
    owner.world.assert_alive(61, &pair).await;
    let left = owner.world.service.store.factors(owner.person.id).await.unwrap();
    assert!(left.passkeys.is_empty() && left.recovery.is_none());
    // It may be made again, by anybody.
    let other = owner.world.person("badr").await;
    let pair = owner.world.login(&owner.world.at(70), &other).await.unwrap();
    assert!(makes(&owner.world, &owner.service, 71, &pair, &mut Phone::new(1)).await.unwrap().is_some());
}

/// It is verified already, and its user removes it before its counter is raised.
#[tokio::test]
async fn a_passkey_that_is_removed_while_it_is_used_begins_nothing() {
    let mut owner = Owner::new().await;
    let by = request(&owner.pair.access);
    let id = list_factors(&owner.service, &owner.world.at(40), &by).await.unwrap().factors[0].id;
    let options = owner.options(41).await;
    let answer = owner.phone.get(&options);
    let gate = Gate::default();
    owner.world.wire.script(on("UpdateItem").with("signCount"), Fault::Hold(gate.clone()));
    let (answered, ()) = tokio::join!(owner.answers(42, answer), async {
        gate.arrival().await;
        remove_factor(&owner.service, &owner.world.at(43), &by, id).await.unwrap();
        gate.open();
    });
    assert!(answered.is_none());
}

#[tokio::test]
async fn a_user_has_twenty_passkeys_at_most() {
    let world = world().await;
    let (person, pair) = world.logged_in().await;
    for byte in 0..u8::try_from(MOST_PASSKEYS).unwrap() {
        let members = json!({
            "credentialId": "zp-EDtlllZWAzRQPvHuzIwY_UPYQQa_zMwiuccqoor0",
            "publicKey": "pAEBAycgBiFYIETgbd0zHDao3GZ7q1K8rmNIbJFqpeM55qzrqoSTS_gy",
            "alg": "EdDSA", "signCount": 0, "backupEligible": true, "backedUp": true,
            "aaguid": "00000000-0000-0000-0000-000000000000", "name": "Phone", "createdAt": "2026-11-28T20:00:00Z",
        });
        world
            .rows
            .put(IDENTITY, &format!("FACTOR#{}", person.id), &format!("PASSKEY#{byte}"), &members)
            .await;
    }
    let more = passkey_options(&world.factors(), &world.at(30), &request(&pair.access)).await;
    assert_eq!(refusal(more), Refusal::FactorLimit);
}

#[tokio::test]
async fn a_stack_that_takes_no_passkeys_says_so() {
    let world = World::with(&[("MFA_POLICY", "optional")]).await;
    let (_, pair) = world.logged_in().await;
    let service = world.factors();
    assert_eq!(
        refusal(passkey_options(&service, &world.at(30), &request(&pair.access)).await),
        Refusal::NotFound
    );
}

#[tokio::test]
async fn a_passkey_that_our_page_did_not_ask_for_sets_no_cookie() {
    let mut owner = Owner::new().await;
    let options = owner.options(40).await;
    let answer = owner.phone.get(&options);
    let nothing = Proof { from_our_pages: true, token: None, session: None, anonymous: None };
    let attempt = PasskeyAttempt {
        answer: answer.clone(),
        caller: caller(),
        claimed: None,
        fingerprint: None,
        carrier: Carrier::Cookie(nothing),
        known: None,
    };
    let refused = passkey_login(&owner.passkeys, &owner.world.at(41), &attempt).await;
    assert_eq!(refusal(refused), Refusal::CsrfInvalid);
    // Nothing was used up by that.
    assert!(owner.answers(42, answer).await.is_some());
}

#[tokio::test]
async fn a_passkey_of_a_disabled_user_begins_nothing() {
    let mut owner = Owner::new().await;
    owner.world.set_status(&owner.world.at(40), &owner.person, Status::Disabled).await.unwrap();
    let before = owner.world.rows.sessions(owner.person.id).await.len();
    let options = owner.options(41).await;
    let answer = owner.phone.get(&options);
    assert_eq!(refusal(owner.tries(42, answer).await), Refusal::AccountInactive);
    assert_eq!(owner.world.rows.sessions(owner.person.id).await.len(), before);
}

/// The session is written, and its user is disabled before the profile is read for the answer: nobody is given dead tokens.
#[tokio::test]
async fn what_happens_to_a_user_while_their_passkey_logs_in_leaves_no_session_alive() {
    for disabled in [true, false] {
        let mut owner = Owner::new().await;
        let options = owner.options(40).await;
        let answer = owner.phone.get(&options);
        let gate = Gate::default();
        // The second time that it is read.
        owner.world.wire.script(on("GetItem").with("PROFILE").after(1), Fault::Hold(gate.clone()));
        let (tried, ()) = tokio::join!(owner.tries(41, answer), async {
            gate.arrival().await;
            match disabled {
                true => owner
                    .world
                    .set_status(&owner.world.at(42), &owner.person, Status::Disabled)
                    .await
                    .unwrap(),
                false => owner.world.revoke_all(&owner.world.at(42), &owner.person).await.unwrap(),
            }
            gate.open();
        });
        assert_eq!(refusal(tried), Refusal::PasskeyInvalid, "disabled: {disabled}");
    }
}

#[tokio::test]
async fn with_the_last_app_the_recovery_codes_stay_where_there_is_a_passkey() {
    let owner = Owner::new().await;
    let (app, _, codes) = enrol(&owner.world, &owner.service, 40, &owner.pair.access).await.unwrap();
    assert!(codes.is_empty(), "new codes beside those that there are");
    let by = request(&owner.pair.access);
    remove_factor(&owner.service, &owner.world.at(41), &by, app).await.unwrap();
    let left = owner.world.service.store.factors(owner.person.id).await.unwrap();
    assert_eq!(left.recovery.map(|codes| codes.codes.len()), Some(10));
    owner.password(42).await;
}
