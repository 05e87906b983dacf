//! Second factors: whoever has one is let in by nothing less, a code opens one session, and a change of factors ends every session
//! but the one that made it.

use std::sync::Arc;

use nova_auth::{
    app::FactorService,
    domain::{
        address::ClientAddress,
        factors::{
            recovery::RecoveryCode,
            totp::{TotpCode, TotpSecret},
        },
        ids::FactorId,
        mfa::MfaPolicy,
        refusal::Refusal,
        user::Status,
    },
    flows::{
        FlowError, Requester,
        csrf::Carrier,
        factors::{
            FactorRequest,
            enrol::{PendingTotp, confirm_totp, enrol_totp},
            prove::FactorProof,
            remove::remove_factor,
        },
        login::{Login, SecondStep, login},
        second_step::{SecondStepAttempt, second_step},
        step_up::{StepUp, StepUpProof, step_up},
    },
    keys::Token,
};
use tokio::task::JoinSet;

use nova_test_support::totp::read as read_secret;

use super::{
    answers::refusal,
    faults::{Fault, Gate, on},
    mailbox::{forgets, reads, reset},
    rows::SESSIONS,
    world::{ADDRESS, OTHER_PASSWORD, PASSWORD, Pair, Person, World, attempt, device, time},
};

/// A user with an authenticator app, enrolled at second 30 of the test.
pub(super) struct Enrolled {
    pub(super) world: Arc<World>,
    pub(super) service: Arc<FactorService>,
    pub(super) person: Person,
    /// The session that enrolled.
    pub(super) pair: Pair,
    pub(super) factor: FactorId,
    pub(super) secret: TotpSecret,
    pub(super) codes: Vec<String>,
}

pub(super) const OPTIONAL: [(&str, &str); 1] = [("MFA_POLICY", "optional")];

impl Enrolled {
    pub(super) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// In a world that differs in something.
    pub(super) async fn with(variables: &[(&str, &str)]) -> Self {
        let world = World::with(&[&OPTIONAL, variables].concat()).await;
        let (person, pair) = world.logged_in().await;
        let service = Arc::new(world.factors());
        let (factor, secret, codes) = enrol(&world, &service, 30, &pair.access).await.unwrap();
        Self { world, service, person, pair, factor, secret, codes }
    }

    /// The code that the app shows at that second.
    pub(super) fn code(&self, second: i64) -> FactorProof {
        shown(&self.secret, second)
    }

    /// The password, which gets a second step.
    pub(super) async fn password(&self, second: i64) -> SecondStep {
        match self.first_step(second).await.unwrap() {
            Login::SecondStep(step) => step,
            Login::Begun(_) => panic!("a session for a password alone"),
        }
    }

    pub(super) async fn first_step(&self, second: i64) -> Result<Login, FlowError> {
        let attempt = attempt(&self.person.email, PASSWORD, ADDRESS);
        login(&self.world.service, &self.world.at(second), &attempt).await
    }

    pub(super) async fn second_step(
        &self,
        second: i64,
        token: &Token,
        proof: FactorProof,
    ) -> Result<Pair, FlowError> {
        let moment = self.world.at(second);
        second_step(&self.service, &moment, &attempting(token, proof)).await.map(Pair::from)
    }

    /// Both steps.
    pub(super) async fn logs_in(&self, second: i64) -> Result<Pair, FlowError> {
        let step = self.password(second).await;
        self.second_step(second, &step.token, self.code(second)).await
    }

    pub(super) async fn steps_up(
        &self,
        second: i64,
        pair: &Pair,
        proof: StepUpProof,
    ) -> Result<(), FlowError> {
        let step = StepUp { access: pair.access.clone(), proof, caller: caller() };
        step_up(&self.service, &self.world.at(second), &step).await.map(drop)
    }

    pub(super) async fn removes(&self, second: i64, pair: &Pair, factor: FactorId) -> Result<(), FlowError> {
        remove_factor(&self.service, &self.world.at(second), &request(&pair.access), factor).await
    }
}

pub(super) fn caller() -> Requester {
    Requester { address: ClientAddress::parse(ADDRESS), device: device(), language: "en" }
}

pub(super) fn request(access: &Token) -> FactorRequest {
    FactorRequest { access: access.clone(), caller: caller() }
}

pub(super) fn attempting(token: &Token, proof: FactorProof) -> SecondStepAttempt {
    SecondStepAttempt { token: token.clone(), proof, caller: caller(), carrier: Carrier::Body, known: None }
}

pub(super) fn shown(secret: &TotpSecret, second: i64) -> FactorProof {
    FactorProof::Code(TotpCode::parse(&secret.code_at(time(second))).unwrap())
}

pub(super) fn wrong() -> FactorProof {
    FactorProof::Code(TotpCode::parse("000000").unwrap())
}

pub(super) fn recovery(code: &str) -> FactorProof {
    FactorProof::Recovery(RecoveryCode::parse(code).unwrap())
}

/// What the app reads from the secret that it is shown.
pub(super) fn scanned(pending: &PendingTotp) -> TotpSecret {
    read_secret(&pending.secret)
}

/// Enrols an app at that second, and gives the recovery codes, if these are the first.
pub(super) async fn enrol(
    world: &World,
    service: &FactorService,
    second: i64,
    access: &Token,
) -> Result<(FactorId, TotpSecret, Vec<String>), FlowError> {
    let pending = enrol_totp(service, &world.at(second), &request(access), Some("Phone".to_owned())).await?;
    let secret = scanned(&pending);
    let code = TotpCode::parse(&secret.code_at(time(second))).unwrap();
    let codes = confirm_totp(service, &world.at(second), &request(access), pending.id, &code).await?;
    Ok((pending.id, secret, codes.map(|codes| codes.shown()).unwrap_or_default()))
}

#[tokio::test]
async fn of_fifty_who_show_one_code_at_once_one_gets_a_session() {
    let enrolled = Arc::new(Enrolled::new().await);
    let mut steps = Vec::new();
    for _ in 0..10 {
        steps.push(enrolled.password(60).await);
    }
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let (enrolled, token) = (enrolled.clone(), steps[number % 10].token.clone());
        tasks.spawn(async move { enrolled.second_step(60, &token, enrolled.code(60)).await.is_ok() });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|took| *took).count(), 1);
    let sessions = enrolled.service.auth.store.sessions(enrolled.person.id).await.unwrap();
    assert_eq!(sessions.len(), 2);
}

#[tokio::test]
async fn a_code_counts_once_and_no_code_before_it_afterwards() {
    let enrolled = Enrolled::new().await;
    let step = enrolled.password(90).await;
    // The app of somebody whose clock is ahead: the code of the next step.
    enrolled.second_step(90, &step.token, enrolled.code(120)).await.unwrap();
    for (second, of) in [(91, 120), (92, 90), (93, 60)] {
        let step = enrolled.password(second).await;
        let again = enrolled.second_step(second, &step.token, enrolled.code(of)).await;
        assert!(matches!(refusal(again), Refusal::SecondFactorInvalid(_)), "{of}");
    }
    let step = enrolled.password(150).await;
    enrolled.second_step(150, &step.token, enrolled.code(150)).await.unwrap();
}

#[tokio::test]
async fn the_code_that_enrols_is_not_the_first_login() {
    let enrolled = Enrolled::new().await;
    let step = enrolled.password(31).await;
    let again = enrolled.second_step(31, &step.token, enrolled.code(30)).await;
    assert!(matches!(refusal(again), Refusal::SecondFactorInvalid(_)));
}

#[tokio::test]
async fn a_login_is_completed_once_and_within_five_minutes() {
    let enrolled = Enrolled::new().await;
    let step = enrolled.password(60).await;
    enrolled.second_step(60, &step.token, enrolled.code(60)).await.unwrap();
    let again = enrolled.second_step(90, &step.token, enrolled.code(90)).await;
    assert_eq!(refusal(again), Refusal::SecondStepInvalid);
    let step = enrolled.password(120).await;
    let late = enrolled.second_step(120 + 301, &step.token, enrolled.code(420)).await;
    assert_eq!(refusal(late), Refusal::SecondStepInvalid);
    let unknown = enrolled.second_step(121, &Token::new("nobody's"), enrolled.code(121)).await;
    assert_eq!(refusal(unknown), Refusal::SecondStepInvalid);
}

/// A code and a recovery code for one login, each right, and the first one just before it uses the login up: it is one login.
#[tokio::test]
async fn two_right_factors_for_one_login_are_one_session() {
    let enrolled = Enrolled::new().await;
    let step = enrolled.password(90).await;
    let gate = Gate::default();
    enrolled.world.wire.reset();
    enrolled.world.wire.script(on("UpdateItem").with("LOGIN#"), Fault::Hold(gate.clone()));
    let (first, second) = tokio::join!(enrolled.second_step(90, &step.token, enrolled.code(90)), async {
        gate.arrival().await;
        let code = recovery(&enrolled.codes[0]);
        let second = enrolled.second_step(90, &step.token, code).await;
        gate.open();
        second
    });
    enrolled.world.assert_alive(91, &second.unwrap()).await;
    assert_eq!(refusal(first), Refusal::SecondStepInvalid);
    let sessions = enrolled.service.auth.store.sessions(enrolled.person.id).await.unwrap();
    assert_eq!(sessions.len(), 2);
}

#[tokio::test]
async fn a_recovery_code_is_good_for_one_login_however_often_it_is_shown_at_once() {
    let enrolled = Arc::new(Enrolled::new().await);
    let mut tasks = JoinSet::new();
    for _ in 0..5 {
        let step = enrolled.password(60).await;
        let enrolled = enrolled.clone();
        tasks.spawn(async move {
            let code = recovery(&enrolled.codes[3].to_uppercase());
            enrolled.second_step(60, &step.token, code).await.is_ok()
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|took| *took).count(), 1);
    assert_eq!(enrolled.world.rows.count_events(enrolled.person.id, "authn_mfa_recovery").await, 1);
    let rows = enrolled.service.auth.store.factors(enrolled.person.id).await.unwrap();
    assert_eq!(rows.recovery.unwrap().codes.len(), 9);
}

/// Whatever happens to the user between the two steps, no session comes of them that should not.
#[tokio::test]
async fn what_changes_between_the_steps_leaves_no_session_alive() {
    for what in ["password", "disabled", "ended", "another factor", "factor removed", "forgotten password"] {
        let enrolled = Enrolled::new().await;
        let (world, person) = (&enrolled.world, &enrolled.person);
        let step = enrolled.password(60).await;
        match what {
            "password" => world.change_password(&world.at(61), &enrolled.pair.access).await.unwrap(),
            "disabled" => world.set_status(&world.at(61), person, Status::Disabled).await.unwrap(),
            "ended" => world.revoke_all(&world.at(61), person).await.unwrap(),
            "another factor" => {
                enrol(world, &enrolled.service, 61, &enrolled.pair.access).await.unwrap();
            }
            "factor removed" => enrolled.removes(61, &enrolled.pair, enrolled.factor).await.unwrap(),
            _ => {
                forgets(world, 61, &person.email).await.unwrap();
                let read = reads(world, 61, &person.email).await;
                reset(world, 61, read.link(), OTHER_PASSWORD).await.unwrap();
            }
        }
        let refused = refusal(enrolled.second_step(62, &step.token, enrolled.code(62)).await);
        assert_eq!(refused, Refusal::SecondStepInvalid, "{what}");
        let sessions = enrolled.service.auth.store.sessions(person.id).await.unwrap();
        assert_eq!(sessions.len(), 1, "{what}");
    }
}

/// The same, in the middle of the second step: at each of its calls, before it is sent and after it took.
#[tokio::test]
async fn what_happens_during_the_second_step_leaves_no_session_alive() {
    let calls = {
        let enrolled = Enrolled::new().await;
        let step = enrolled.password(60).await;
        enrolled.world.wire.reset();
        enrolled.second_step(60, &step.token, enrolled.code(60)).await.unwrap();
        enrolled.world.wire.sent().len()
    };
    assert!(calls > 5);
    for call in 0..calls {
        for before in [true, false] {
            let enrolled = Enrolled::new().await;
            let step = enrolled.password(60).await;
            enrolled.world.wire.reset();
            let gate = Gate::default();
            let hold = if before { Fault::Hold(gate.clone()) } else { Fault::HoldAnswer(gate.clone()) };
            enrolled.world.wire.script(super::faults::any().after(call), hold);
            let (begun, ()) = tokio::join!(enrolled.second_step(60, &step.token, enrolled.code(60)), async {
                gate.arrival().await;
                enrolled.world.revoke_all(&enrolled.world.at(60), &enrolled.person).await.unwrap();
                gate.open();
            });
            if let Ok(pair) = begun {
                enrolled.world.assert_dead(61, &pair).await;
            }
        }
    }
}

#[tokio::test]
async fn a_password_that_is_reset_by_mail_does_not_stand_in_for_a_second_factor() {
    let enrolled = Enrolled::new().await;
    let world = &enrolled.world;
    forgets(world, 60, &enrolled.person.email).await.unwrap();
    let read = reads(world, 61, &enrolled.person.email).await;
    reset(world, 62, read.link(), OTHER_PASSWORD).await.unwrap();
    let attempt = attempt(&enrolled.person.email, OTHER_PASSWORD, ADDRESS);
    let answer = login(&world.service, &world.at(63), &attempt).await.unwrap();
    assert!(matches!(answer, Login::SecondStep(_)));
}

#[tokio::test]
async fn a_stack_that_takes_no_second_factors_lets_nobody_in_who_has_one() {
    let enrolled = Enrolled::new().await;
    let mut service = enrolled.world.instance();
    service.mfa = MfaPolicy::Off;
    let attempt = attempt(&enrolled.person.email, PASSWORD, ADDRESS);
    let answer = login(&service, &enrolled.world.at(60), &attempt).await;
    assert_eq!(refusal(answer), Refusal::SecondFactorUnavailable);
}

#[tokio::test]
async fn nothing_that_goes_on_with_a_login_is_in_any_table() {
    let enrolled = Enrolled::new().await;
    let row = enrolled.world.rows.all(SESSIONS, "LOGIN#", "").await;
    assert!(row.is_empty());
    let step = enrolled.password(60).await;
    // Nothing that goes on with the login is in the table.
    let tables = format!(
        "{:?}",
        enrolled.world.wire.sent().iter().map(|sent| sent.body.to_string()).collect::<Vec<_>>()
    );
    assert!(!tables.contains(step.token.expose()));
}

/// The SDK sends a write again whose answer was lost: it finds itself, and the login goes on.
#[tokio::test]
async fn a_login_goes_on_whichever_answer_of_its_second_step_is_lost() {
    for (operation, with) in [
        ("UpdateItem", "ATTEMPTS#FACTOR"),
        ("UpdateItem", "TOTP#"),
        ("UpdateItem", "LOGIN#"),
        ("PutItem", "SESSION#"),
    ] {
        let enrolled = Enrolled::new().await;
        let step = enrolled.password(60).await;
        enrolled.world.wire.reset();
        enrolled.world.wire.script(on(operation).with(with), Fault::LoseAnswer);
        let pair = enrolled.second_step(60, &step.token, enrolled.code(60)).await.unwrap_or_else(|error| {
            panic!("{with}: {error:?}");
        });
        enrolled.world.assert_alive(61, &pair).await;
    }
    let enrolled = Enrolled::new().await;
    let step = enrolled.password(60).await;
    enrolled.world.wire.script(on("UpdateItem").with("RECOVERY"), Fault::LoseAnswer);
    enrolled.second_step(60, &step.token, recovery(&enrolled.codes[0])).await.unwrap();
}

/// A client shows how many tries are left; after the second step it must not go on showing those of before.
#[tokio::test]
async fn whoever_gets_in_by_two_steps_hears_that_the_window_of_their_account_is_empty_again() {
    let enrolled = Enrolled::new().await;
    let step = enrolled.password(60).await;
    let attempt = attempting(&step.token, enrolled.code(60));
    let begun = second_step(&enrolled.service, &enrolled.world.at(60), &attempt).await.unwrap();
    let quota = begun.quota.unwrap();
    assert_eq!((quota.policy, quota.remaining), ("account", quota.limit.max));
}
