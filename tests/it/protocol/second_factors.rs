//! Second factors: whoever has one is let in by nothing less, a code opens one session, and a change of factors ends every session
//! but the one that made it.

use std::sync::Arc;

use nova_auth::{
    app::FactorService,
    domain::{
        address::ClientAddress,
        factors::{
            Acr, FactorKind, MfaPolicy,
            recovery::RecoveryCode,
            totp::{TotpCode, TotpSecret},
        },
        ids::FactorId,
        refusal::Refusal,
        user::Status,
    },
    flows::{
        Caller, FlowError,
        csrf::Carrier,
        factors::{
            FactorRequest,
            enrol::{PendingTotp, confirm_totp, enrol_totp},
            list::list_factors,
            prove::FactorProof,
            recovery::renew_recovery_codes,
            remove::remove_factor,
        },
        login::{Login, SecondStep, login},
        operator::Operator,
        second_step::{SecondStepAttempt, second_step},
        step_up::{StepUp, StepUpProof, step_up},
    },
    keys::Token,
};
use tokio::task::JoinSet;

use super::{
    super::support::app::read as read_secret,
    answers::refusal,
    faults::{Fault, Gate, on},
    mailbox::{forgets, reads, reset},
    rows::{IDENTITY, SESSIONS, text},
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
    secret: TotpSecret,
    codes: Vec<String>,
}

const OPTIONAL: [(&str, &str); 1] = [("MFA_POLICY", "optional")];

impl Enrolled {
    pub(super) async fn new() -> Self {
        let world = World::with(&OPTIONAL).await;
        let (person, pair) = world.logged_in().await;
        let service = Arc::new(world.factors());
        let (factor, secret, codes) = enrol(&world, &service, 30, &pair.access).await.unwrap();
        Self { world, service, person, pair, factor, secret, codes }
    }

    /// The code that the app shows at that second.
    fn code(&self, second: i64) -> FactorProof {
        shown(&self.secret, second)
    }

    /// The password, which gets a second step.
    pub(super) async fn password(&self, second: i64) -> SecondStep {
        match self.first_step(second).await.unwrap() {
            Login::SecondStep(step) => step,
            Login::Begun(_) => panic!("a session for a password alone"),
        }
    }

    async fn first_step(&self, second: i64) -> Result<Login, FlowError> {
        let attempt = attempt(&self.person.email, PASSWORD, ADDRESS);
        login(&self.world.service, &self.world.at(second), &attempt).await
    }

    async fn second_step(&self, second: i64, token: &Token, proof: FactorProof) -> Result<Pair, FlowError> {
        let moment = self.world.at(second);
        second_step(&self.service, &moment, &attempting(token, proof)).await.map(Pair::from)
    }

    /// Both steps.
    pub(super) async fn logs_in(&self, second: i64) -> Result<Pair, FlowError> {
        let step = self.password(second).await;
        self.second_step(second, &step.token, self.code(second)).await
    }

    async fn steps_up(&self, second: i64, pair: &Pair, proof: StepUpProof) -> Result<(), FlowError> {
        let step = StepUp { access: pair.access.clone(), proof, caller: caller() };
        step_up(&self.service, &self.world.at(second), &step).await.map(drop)
    }

    async fn removes(&self, second: i64, pair: &Pair, factor: FactorId) -> Result<(), FlowError> {
        remove_factor(&self.service, &self.world.at(second), &request(&pair.access), factor).await
    }
}

fn caller() -> Caller {
    Caller { address: ClientAddress::parse(ADDRESS), device: device() }
}

pub(super) fn request(access: &Token) -> FactorRequest {
    FactorRequest { access: access.clone(), language: "en", caller: caller() }
}

fn attempting(token: &Token, proof: FactorProof) -> SecondStepAttempt {
    SecondStepAttempt { token: token.clone(), proof, caller: caller(), carrier: Carrier::Body }
}

fn shown(secret: &TotpSecret, second: i64) -> FactorProof {
    FactorProof::Code(TotpCode::parse(&secret.code_at(time(second))).unwrap())
}

fn wrong() -> FactorProof {
    FactorProof::Code(TotpCode::parse("000000").unwrap())
}

fn recovery(code: &str) -> FactorProof {
    FactorProof::Recovery(RecoveryCode::parse(code).unwrap())
}

/// What the app reads from the secret that it is shown.
fn scanned(pending: &PendingTotp) -> TotpSecret {
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
async fn whoever_enrols_needs_the_app_from_then_on_and_every_other_session_ends() {
    let world = World::with(&OPTIONAL).await;
    let (person, pair) = world.logged_in().await;
    let elsewhere = world.login(&world.at(1), &person).await.unwrap();
    let service = Arc::new(world.factors());
    let (factor, secret, codes) = enrol(&world, &service, 30, &pair.access).await.unwrap();
    assert_eq!(codes.len(), 10);
    world.assert_alive(31, &pair).await;
    world.assert_dead(31, &elsewhere).await;
    let enrolled = Enrolled { world, service, person, pair, factor, secret, codes };
    let step = enrolled.password(60).await;
    assert_eq!(step.factors, [FactorKind::Totp].into());
    let pair = enrolled.second_step(61, &step.token, enrolled.code(61)).await.unwrap();
    enrolled.world.assert_alive(62, &pair).await;
    let user = enrolled.person.id;
    assert_eq!(enrolled.world.rows.count_events(user, "authn_mfa_added").await, 1);
    let sessions = enrolled.service.auth.store.sessions(user).await.unwrap();
    assert_eq!(sessions.last().unwrap().acr(), Acr::SecondFactor);
    let listed =
        list_factors(&enrolled.service, &enrolled.world.at(63), &request(&pair.access)).await.unwrap();
    assert_eq!((listed.factors[0].id, listed.recovery_codes), (factor, 10));
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

#[tokio::test]
async fn guesses_at_the_second_factor_are_stopped_at_five_and_lock_nobody_out_of_the_password() {
    let enrolled = Enrolled::new().await;
    for left in (0..5).rev() {
        let step = enrolled.password(60).await;
        match refusal(enrolled.second_step(60, &step.token, wrong()).await) {
            Refusal::SecondFactorInvalid(quota) => assert_eq!(quota.remaining, left),
            other => panic!("{other:?}"),
        }
    }
    let step = enrolled.password(61).await;
    let locked = enrolled.second_step(61, &step.token, enrolled.code(61)).await;
    assert!(matches!(refusal(locked), Refusal::SecondFactorLocked(_)));
    assert_eq!(enrolled.world.rows.count_events(enrolled.person.id, "authn_mfa_fail").await, 5);
    // A quarter of an hour after the first guess it goes on.
    enrolled.logs_in(60 + 900).await.unwrap();
}

/// Who guesses there knows the password: of many in a row, whatever the windows, somebody hears.
#[tokio::test]
async fn the_twentieth_wrong_code_in_a_row_has_an_entry_of_its_own_and_a_right_one_ends_the_run() {
    let enrolled = Enrolled::new().await;
    let maxed = async || enrolled.world.rows.count_events(enrolled.person.id, "authn_mfa_fail_max").await;
    for number in 1..=25 {
        let second = 60 + 1000 * ((number - 1) / 5);
        let step = enrolled.password(second).await;
        assert!(enrolled.second_step(second, &step.token, wrong()).await.is_err());
        assert_eq!(maxed().await, usize::from(number >= 20), "{number}");
    }
    enrolled.logs_in(6000).await.unwrap();
    for second in [7000, 8000, 9000] {
        for _ in 0..5 {
            let step = enrolled.password(second).await;
            assert!(enrolled.second_step(second, &step.token, wrong()).await.is_err());
        }
    }
    assert_eq!(maxed().await, 1);
}

#[tokio::test]
async fn fifty_guesses_at_once_are_five() {
    let enrolled = Arc::new(Enrolled::new().await);
    let step = enrolled.password(60).await;
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let (enrolled, token) = (enrolled.clone(), step.token.clone());
        tasks.spawn(async move { refusal(enrolled.second_step(60, &token, wrong()).await) });
    }
    let guessed = tasks.join_all().await.into_iter();
    assert_eq!(guessed.filter(|refused| matches!(refused, Refusal::SecondFactorInvalid(_))).count(), 5);
}

#[tokio::test]
async fn a_right_code_forgives_the_wrong_ones_before_it() {
    let enrolled = Enrolled::new().await;
    for second in [60, 120, 180] {
        for _ in 0..3 {
            let step = enrolled.password(second).await;
            assert!(enrolled.second_step(second, &step.token, wrong()).await.is_err());
        }
        enrolled.logs_in(second).await.unwrap();
    }
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
async fn the_second_step_goes_the_way_that_the_first_one_asked_for() {
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

#[tokio::test]
async fn a_step_up_by_password_is_fresh_and_no_second_factor_and_one_by_code_is_both() {
    let enrolled = Enrolled::new().await;
    let pair = enrolled.logs_in(60).await.unwrap();
    let session =
        async || enrolled.service.auth.store.sessions(enrolled.person.id).await.unwrap().pop().unwrap();
    let password = || StepUpProof::Password(nova_auth::domain::password::Password::new(PASSWORD.to_owned()));
    enrolled.steps_up(700, &pair, password()).await.unwrap();
    let stepped = session().await;
    assert_eq!(stepped.auth_time.unwrap().as_millisecond(), time(700).as_millisecond());
    assert_eq!(stepped.factor_time.unwrap().as_millisecond(), time(60).as_millisecond());
    enrolled.steps_up(720, &pair, StepUpProof::Factor(enrolled.code(720))).await.unwrap();
    assert_eq!(session().await.factor_time.unwrap().as_millisecond(), time(720).as_millisecond());
    assert_eq!(enrolled.world.rows.count_events(enrolled.person.id, "authn_step_up").await, 2);
    // It is the same session, and its tokens go on.
    enrolled.world.refresh(&enrolled.world.at(721), &pair.refresh).await.unwrap();
    let again = enrolled.steps_up(722, &pair, StepUpProof::Factor(enrolled.code(720))).await;
    assert!(matches!(refusal(again), Refusal::SecondFactorInvalid(_)));
}

#[tokio::test]
async fn a_session_that_was_ended_is_not_stepped_up() {
    let enrolled = Enrolled::new().await;
    let pair = enrolled.logs_in(60).await.unwrap();
    let gate = Gate::default();
    enrolled.world.wire.reset();
    enrolled.world.wire.script(on("UpdateItem").with("authTime"), Fault::Hold(gate.clone()));
    let (stepped, ()) =
        tokio::join!(enrolled.steps_up(90, &pair, StepUpProof::Factor(enrolled.code(90))), async {
            gate.arrival().await;
            enrolled.world.logout(&enrolled.world.at(90), &pair).await.unwrap();
            gate.open();
        });
    assert_eq!(refusal(stepped), Refusal::TokenRevoked);
    enrolled.world.assert_dead(91, &pair).await;
}

#[tokio::test]
async fn a_stolen_session_and_the_password_add_no_factor_to_a_user_who_has_one() {
    let enrolled = Enrolled::new().await;
    let pair = enrolled.logs_in(60).await.unwrap();
    let password = StepUpProof::Password(nova_auth::domain::password::Password::new(PASSWORD.to_owned()));
    enrolled.steps_up(800, &pair, password).await.unwrap();
    for refused in [
        enrol(&enrolled.world, &enrolled.service, 801, &pair.access).await.map(drop),
        enrolled.removes(801, &pair, enrolled.factor).await,
        renew_recovery_codes(&enrolled.service, &enrolled.world.at(801), &request(&pair.access))
            .await
            .map(drop),
    ] {
        assert!(matches!(refusal(refused), Refusal::StepUpRequired { second_factor: true, .. }));
    }
    enrolled.steps_up(810, &pair, StepUpProof::Factor(enrolled.code(810))).await.unwrap();
    enrol(&enrolled.world, &enrolled.service, 840, &pair.access).await.unwrap();
}

#[tokio::test]
async fn whoever_has_no_factor_yet_enrols_one_within_ten_minutes_of_the_password() {
    let world = World::with(&OPTIONAL).await;
    let (_, pair) = world.logged_in().await;
    let service = world.factors();
    let stale = enrol(&world, &service, 601, &pair.access).await;
    assert!(matches!(refusal(stale), Refusal::StepUpRequired { second_factor: false, .. }));
    enrol(&world, &service, 599, &pair.access).await.unwrap();
}

#[tokio::test]
async fn with_the_last_factor_the_recovery_codes_go_and_the_password_is_enough_again() {
    let enrolled = Enrolled::new().await;
    let (second, ..) = enrol(&enrolled.world, &enrolled.service, 60, &enrolled.pair.access).await.unwrap();
    enrolled.removes(61, &enrolled.pair, enrolled.factor).await.unwrap();
    let rows = enrolled.service.auth.store.factors(enrolled.person.id).await.unwrap();
    assert!(rows.recovery.is_some());
    assert_eq!(enrolled.password(62).await.factors, [FactorKind::Totp].into());
    enrolled.removes(63, &enrolled.pair, second).await.unwrap();
    let rows = enrolled.service.auth.store.factors(enrolled.person.id).await.unwrap();
    assert!(rows.totp.is_empty() && rows.recovery.is_none());
    assert!(matches!(enrolled.first_step(64).await.unwrap(), Login::Begun(_)));
    let gone = enrolled.removes(65, &enrolled.pair, second).await;
    assert_eq!(refusal(gone), Refusal::FactorNotFound);
}

/// Two sessions can't remove one factor each and leave a profile that claims one, or none and a factor.
#[tokio::test]
async fn of_two_changes_at_once_one_sees_what_the_other_left() {
    let enrolled = Enrolled::new().await;
    let (second, ..) = enrol(&enrolled.world, &enrolled.service, 60, &enrolled.pair.access).await.unwrap();
    let (one, other) = tokio::join!(
        enrolled.removes(61, &enrolled.pair, enrolled.factor),
        enrolled.removes(61, &enrolled.pair, second)
    );
    one.unwrap();
    other.unwrap();
    let profile = enrolled.service.auth.store.profile(enrolled.person.id).await.unwrap().unwrap();
    let rows = enrolled.service.auth.store.factors(enrolled.person.id).await.unwrap();
    assert!(profile.factors.is_empty() && rows.totp.is_empty());
    assert!(rows.recovery.is_none());
}

#[tokio::test]
async fn a_user_has_five_apps_at_most() {
    let enrolled = Enrolled::new().await;
    for second in 31..35 {
        enrol(&enrolled.world, &enrolled.service, second, &enrolled.pair.access).await.unwrap();
    }
    let sixth = enrol(&enrolled.world, &enrolled.service, 36, &enrolled.pair.access).await;
    assert_eq!(refusal(sixth), Refusal::FactorLimit);
}

#[tokio::test]
async fn new_recovery_codes_are_the_only_ones() {
    let enrolled = Enrolled::new().await;
    let renewed =
        renew_recovery_codes(&enrolled.service, &enrolled.world.at(40), &request(&enrolled.pair.access))
            .await
            .unwrap();
    let step = enrolled.password(60).await;
    let old = enrolled.second_step(60, &step.token, recovery(&enrolled.codes[0])).await;
    assert!(matches!(refusal(old), Refusal::SecondFactorInvalid(_)));
    enrolled.second_step(61, &step.token, recovery(&renewed.shown()[0])).await.unwrap();
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

/// A row that nobody removed yet is no factor: TTL is a broom.
#[tokio::test]
async fn an_enrolment_that_was_not_confirmed_in_time_is_over_though_its_row_is_there() {
    let world = World::with(&OPTIONAL).await;
    let (person, pair) = world.logged_in().await;
    let service = world.factors();
    let pending = enrol_totp(&service, &world.at(10), &request(&pair.access), None).await.unwrap();
    let code = TotpCode::parse(&scanned(&pending).code_at(time(310))).unwrap();
    let late = confirm_totp(&service, &world.at(311), &request(&pair.access), pending.id, &code).await;
    assert_eq!(refusal(late), Refusal::FactorNotFound);
    let row = world.rows.all(IDENTITY, &format!("FACTOR#{}", person.id), "TOTP#").await.remove(0);
    assert_eq!(text(&row, "state"), "pending");
    assert!(matches!(
        login(&world.service, &world.at(312), &attempt(&person.email, PASSWORD, ADDRESS)).await.unwrap(),
        Login::Begun(_)
    ));
}

/// Who reads the tables can make no code.
#[tokio::test]
async fn neither_the_secret_nor_a_recovery_code_is_in_any_row() {
    let enrolled = Enrolled::new().await;
    let rows = enrolled.world.rows.all(IDENTITY, &format!("FACTOR#{}", enrolled.person.id), "").await;
    let rows = format!("{rows:?}").to_lowercase();
    for code in &enrolled.codes {
        assert!(!rows.contains(code.as_str()) && !rows.contains(&code.replace('-', "")));
    }
    let bytes = format!("{:?}", enrolled.secret.expose());
    assert!(!rows.contains(&enrolled.secret.base32().to_lowercase()) && !rows.contains(&bytes));
}

/// A lost phone: an operator takes the factors away, and an enrolment afterwards revives none of them.
#[tokio::test]
async fn an_operator_resets_the_factors_of_a_user_and_every_session_ends() {
    let enrolled = Enrolled::new().await;
    let (world, user) = (&enrolled.world, enrolled.person.id);
    let moment = world.at(60);
    let operator = Operator {
        store: &world.service.store,
        moment: &moment,
        journal: world.service.journal,
        tells: None,
    };
    assert_eq!(operator.reset_factors(user).await.unwrap(), 2);
    world.assert_dead(61, &enrolled.pair).await;
    let pair: Pair = enrolled.first_step(62).await.unwrap().into();
    let rows = enrolled.service.auth.store.factors(user).await.unwrap();
    assert!(rows.totp.is_empty() && rows.recovery.is_none());
    let (_, _, codes) = enrol(world, &enrolled.service, 63, &pair.access).await.unwrap();
    assert_eq!(codes.len(), 10);
    let step = enrolled.password(90).await;
    let old = enrolled.second_step(90, &step.token, enrolled.code(90)).await;
    assert!(matches!(refusal(old), Refusal::SecondFactorInvalid(_)));
    assert_eq!(world.rows.count_events(user, "authn_mfa_removed").await, 1);
}

/// Where a factor is required, the password opens the enrolment and nothing else; the first code makes the session whole.
#[tokio::test]
async fn where_a_factor_is_required_the_password_opens_the_enrolment_alone() {
    let world = World::with(&[("MFA_POLICY", "required")]).await;
    let person = world.person("amal").await;
    let service = world.factors();
    let attempt = attempt(&person.email, PASSWORD, ADDRESS);
    let begun = login(&world.service, &world.at(0), &attempt).await.unwrap().begun().unwrap();
    assert!(begun.enrolling);
    let pair = Pair::from(begun);
    let refused = world.authenticate(1, &pair.access).await;
    assert_eq!(refusal(refused), Refusal::MfaEnrolmentRequired);
    let refused = world.change_password(&world.at(2), &pair.access).await;
    assert_eq!(refusal(refused), Refusal::MfaEnrolmentRequired);
    assert!(world.refresh(&world.at(3), &pair.refresh).await.is_err());
    enrol(&world, &service, 4, &pair.access).await.unwrap();
    world.assert_alive(5, &pair).await;
    let pair = world.refresh(&world.at(6), &pair.refresh).await.unwrap();
    world.assert_alive(7, &pair).await;
}
