//! Second factors when something is in the way: a proof is missing, an address calls too often, storage fails, a session ends at that
//! very moment.

use nova_auth::{
    domain::{factors::totp::TotpCode, refusal::Refusal},
    flows::{
        FlowError,
        csrf::{Carrier, Delivered, Proof, offer},
        factors::{
            enrol::{PendingTotp, confirm_totp, enrol_totp},
            passkey::{passkey_options, register_passkey},
            recovery::renew_recovery_codes,
        },
        login::{Login, LoginAttempt, SecondStep, login},
        passkey::{PasskeyAttempt, login_options, passkey_login},
        second_step::{SecondStepAttempt, second_step},
        step_up::StepUpProof,
    },
    keys::Token,
};

use nova_test_support::passkey::Phone;

use super::{
    answers::refusal,
    faults::{Fault, Gate, on},
    rows::IDENTITY,
    second_factors::{Enrolled, OPTIONAL, attempting, caller, enrol, recovery, request, scanned, wrong},
    world::{ADDRESS, PASSWORD, World, attempt, time},
};

/// A page of ours in a browser that has no session.
struct Page {
    token: Token,
    cookie: Token,
}

impl Page {
    async fn open(enrolled: &Enrolled, second: i64) -> Self {
        let (keys, moment) = (&enrolled.world.service.refresh, enrolled.world.at(second));
        let offered = offer(keys, &moment, None, None).await.unwrap();
        Self { token: offered.token, cookie: offered.anonymous }
    }

    fn proof(&self) -> Proof {
        let (token, anonymous) = (Some(self.token.clone()), Some(self.cookie.clone()));
        Proof { from_our_pages: true, token, session: None, anonymous }
    }

    fn carrier(&self) -> Carrier {
        Carrier::Cookie(self.proof())
    }
}

async fn password_by(enrolled: &Enrolled, second: i64, carrier: Carrier) -> SecondStep {
    let attempt = LoginAttempt { carrier, ..attempt(&enrolled.person.email, PASSWORD, ADDRESS) };
    match login(&enrolled.world.service, &enrolled.world.at(second), &attempt).await.unwrap() {
        Login::SecondStep(step) => step,
        Login::Begun(_) => panic!("a session for a password alone"),
    }
}

async fn second_by(
    enrolled: &Enrolled,
    second: i64,
    token: &Token,
    carrier: Carrier,
) -> Result<Delivered, FlowError> {
    let attempt = SecondStepAttempt { carrier, ..attempting(token, enrolled.code(second)) };
    let begun = second_step(&enrolled.service, &enrolled.world.at(second), &attempt).await?;
    Ok(begun.refresh)
}

#[tokio::test]
async fn a_second_step_by_cookie_is_made_by_our_page_and_by_nobody_elses() {
    let enrolled = Enrolled::new().await;
    let page = Page::open(&enrolled, 60).await;
    let step = password_by(&enrolled, 60, page.carrier()).await;
    for foreign in [
        Proof { from_our_pages: false, ..page.proof() },
        Proof { token: None, ..page.proof() },
        Proof { anonymous: None, ..page.proof() },
    ] {
        let refused = second_by(&enrolled, 60, &step.token, Carrier::Cookie(foreign)).await;
        assert_eq!(refusal(refused), Refusal::CsrfInvalid);
    }
    let begun = second_by(&enrolled, 60, &step.token, page.carrier()).await.unwrap();
    assert!(matches!(begun, Delivered::Cookie { .. }));
}

/// Whoever reads the token of a login that a page began gets no refresh token that a script can read, and the other way round.
#[tokio::test]
async fn a_login_that_began_by_cookie_does_not_end_in_a_body_nor_the_other_way_round() {
    let enrolled = Enrolled::new().await;
    let page = Page::open(&enrolled, 60).await;
    let of_a_page = password_by(&enrolled, 60, page.carrier()).await;
    let refused = second_by(&enrolled, 60, &of_a_page.token, Carrier::Body).await;
    assert_eq!(refusal(refused), Refusal::SecondStepInvalid);
    let of_an_app = password_by(&enrolled, 60, Carrier::Body).await;
    let refused = second_by(&enrolled, 60, &of_an_app.token, page.carrier()).await;
    assert_eq!(refusal(refused), Refusal::SecondStepInvalid);
    // The code is as good as before.
    second_by(&enrolled, 60, &of_an_app.token, Carrier::Body).await.unwrap();
}

#[tokio::test]
async fn an_address_tries_tokens_and_asks_for_challenges_as_often_as_it_may_call() {
    let variables = [OPTIONAL[0], ("PASSKEY_RP_ID", "example.org"), ("API_RATE_LIMIT", "3")];
    let world = World::with(&variables).await;
    let (factors, passkeys) = (world.factors(), world.passkeys());
    let unknown = attempting(&Token::new("A".repeat(43)), wrong());
    for _ in 0..3 {
        let refused = second_step(&factors, &world.at(10), &unknown).await;
        assert_eq!(refusal(refused), Refusal::SecondStepInvalid);
    }
    let refused = second_step(&factors, &world.at(10), &unknown).await;
    assert!(matches!(refusal(refused), Refusal::ApiRateLimited(_)));
    for _ in 0..3 {
        login_options(&passkeys, &world.at(7200), &caller()).await.unwrap();
    }
    let refused = login_options(&passkeys, &world.at(7200), &caller()).await;
    assert!(matches!(refusal(refused), Refusal::ApiRateLimited(_)));
}

#[tokio::test]
async fn factors_that_storage_does_not_give_hold_nothing_against_the_user() {
    let enrolled = Enrolled::new().await;
    let fails = || {
        let fault = Fault::error(400, "AccessDeniedException");
        enrolled.world.wire.script(on("Query").with("FACTOR#"), fault);
    };
    for _ in 0..6 {
        let step = enrolled.password(60).await;
        fails();
        let failed = enrolled.second_step(60, &step.token, enrolled.code(60)).await.map(drop);
        assert!(!matches!(failed, Ok(()) | Err(FlowError::Refused(_))), "{failed:?}");
    }
    let pair = enrolled.logs_in(90).await.unwrap();
    for _ in 0..6 {
        fails();
        let failed = enrolled.steps_up(120, &pair, StepUpProof::Factor(enrolled.code(120))).await;
        assert!(!matches!(failed, Ok(()) | Err(FlowError::Refused(_))), "{failed:?}");
    }
    enrolled.steps_up(120, &pair, StepUpProof::Factor(enrolled.code(120))).await.unwrap();
}

#[tokio::test]
async fn guesses_at_a_step_up_are_stopped_at_five_and_a_right_code_forgives_those_before_it() {
    let enrolled = Enrolled::new().await;
    let guesses = async |second, count| {
        for _ in 0..count {
            let guessed = enrolled.steps_up(second, &enrolled.pair, StepUpProof::Factor(wrong())).await;
            assert!(matches!(refusal(guessed), Refusal::SecondFactorInvalid(_)));
        }
    };
    guesses(60, 4).await;
    enrolled.steps_up(60, &enrolled.pair, StepUpProof::Factor(enrolled.code(60))).await.unwrap();
    guesses(90, 5).await;
    let locked = enrolled.steps_up(90, &enrolled.pair, StepUpProof::Factor(enrolled.code(90))).await;
    assert!(matches!(refusal(locked), Refusal::SecondFactorLocked(_)));
}

#[tokio::test]
async fn a_login_from_before_a_change_uses_up_no_recovery_code() {
    let enrolled = Enrolled::new().await;
    let step = enrolled.password(60).await;
    enrolled.world.revoke_all(&enrolled.world.at(61), &enrolled.person).await.unwrap();
    let late = enrolled.second_step(62, &step.token, recovery(&enrolled.codes[0])).await;
    assert_eq!(refusal(late), Refusal::SecondStepInvalid);
    let step = enrolled.password(63).await;
    enrolled.second_step(63, &step.token, recovery(&enrolled.codes[0])).await.unwrap();
    assert_eq!(enrolled.world.rows.count_events(enrolled.person.id, "authn_mfa_recovery").await, 1);
}

#[tokio::test]
async fn enrolments_that_nobody_confirms_are_five_at_most_at_a_time() {
    let world = World::with(&OPTIONAL).await;
    let (_, pair) = world.logged_in().await;
    let service = world.factors();
    for _ in 0..5 {
        enrol_totp(&service, &world.at(30), &request(&pair.access), None).await.unwrap();
    }
    let sixth = enrol_totp(&service, &world.at(30), &request(&pair.access), None).await;
    assert_eq!(refusal(sixth), Refusal::FactorLimit);
    enrol_totp(&service, &world.at(331), &request(&pair.access), None).await.unwrap();
}

/// Before it was confirmed it had an end, by which DynamoDB removes rows.
#[tokio::test]
async fn an_app_that_was_confirmed_has_no_end() {
    let enrolled = Enrolled::new().await;
    let partition = format!("FACTOR#{}", enrolled.person.id);
    let rows = enrolled.world.rows.all(IDENTITY, &partition, "").await;
    assert_eq!(rows.len(), 2, "an app and recovery codes");
    assert!(rows.iter().all(|row| !row.contains_key("expiresAt") && !row.contains_key("ends")), "{rows:?}");
}

#[tokio::test]
async fn another_factor_leaves_the_recovery_codes_as_they_are() {
    let enrolled = Enrolled::with(&[("PASSKEY_RP_ID", "example.org")]).await;
    let (world, by) = (&enrolled.world, request(&enrolled.pair.access));
    let (_, _, codes) = enrol(world, &enrolled.service, 31, &enrolled.pair.access).await.unwrap();
    assert!(codes.is_empty());
    let options = passkey_options(&enrolled.service, &world.at(32), &by).await.unwrap();
    let answer = Phone::new(1).create(&options);
    let codes = register_passkey(&enrolled.service, &world.at(33), &by, None, &answer).await.unwrap();
    assert!(codes.is_none());
    let step = enrolled.password(60).await;
    enrolled.second_step(60, &step.token, recovery(&enrolled.codes[0])).await.unwrap();
}

#[tokio::test]
async fn recovery_codes_stand_in_for_a_factor_and_are_none_themselves() {
    let world = World::with(&OPTIONAL).await;
    let (_, pair) = world.logged_in().await;
    let made = renew_recovery_codes(&world.factors(), &world.at(30), &request(&pair.access)).await;
    assert_eq!(refusal(made), Refusal::FactorNotFound);
    // A row that was left behind.
    let enrolled = Enrolled::new().await;
    let step = enrolled.password(60).await;
    let partition = format!("FACTOR#{}", enrolled.person.id);
    enrolled.world.rows.delete(IDENTITY, &partition, &format!("TOTP#{}", enrolled.factor)).await;
    let refused = enrolled.second_step(60, &step.token, recovery(&enrolled.codes[0])).await;
    assert!(matches!(refusal(refused), Refusal::SecondFactorInvalid(_)));
}

/// Its user logs out while the change is on its way: a session that has ended changes nothing.
#[tokio::test]
async fn a_session_that_ends_while_it_changes_a_factor_has_changed_none() {
    let enrolled = Enrolled::new().await;
    let factors = async || enrolled.service.auth.store.factors(enrolled.person.id).await.unwrap();
    let gate = Gate::default();
    enrolled.world.wire.script(on("TransactWriteItems").with("FACTOR#"), Fault::Hold(gate.clone()));
    let (removed, ()) = tokio::join!(enrolled.removes(60, &enrolled.pair, enrolled.factor), async {
        gate.arrival().await;
        enrolled.world.logout(&enrolled.world.at(61), &enrolled.pair).await.unwrap();
        gate.open();
    });
    assert_eq!(refusal(removed), Refusal::TokenRevoked);
    assert!(factors().await.has_factor());

    let pair = enrolled.logs_in(90).await.unwrap();
    let gate = Gate::default();
    enrolled.world.wire.script(on("TransactWriteItems").with("FACTOR#"), Fault::Hold(gate.clone()));
    let (added, ()) = tokio::join!(enrol(&enrolled.world, &enrolled.service, 91, &pair.access), async {
        gate.arrival().await;
        enrolled.world.logout(&enrolled.world.at(92), &pair).await.unwrap();
        gate.open();
    });
    assert_eq!(refusal(added.map(drop)), Refusal::TokenRevoked);
    assert_eq!(factors().await.totp.iter().filter(|factor| factor.is_active()).count(), 1);
}

/// Whoever finds a session open a quarter of an hour after its login adds nothing to it, wherever its owner left off.
#[tokio::test]
async fn a_session_that_is_no_longer_fresh_is_shown_no_secret_and_confirms_no_factor() {
    let world = World::with(&[OPTIONAL[0], ("PASSKEY_RP_ID", "example.org")]).await;
    let (_, pair) = world.logged_in().await;
    let (service, by) = (world.factors(), request(&pair.access));
    let pending = enrol_totp(&service, &world.at(590), &by, None).await.unwrap();
    let options = passkey_options(&service, &world.at(590), &by).await.unwrap();
    let answer = Phone::new(1).create(&options);

    let late = world.at(610);
    let refused = enrol_totp(&service, &late, &by, None).await;
    assert!(matches!(refusal(refused), Refusal::StepUpRequired { .. }));
    let code = TotpCode::parse(&scanned(&pending).code_at(late.now)).unwrap();
    let refused = confirm_totp(&service, &late, &by, pending.id, &code).await;
    assert!(matches!(refusal(refused), Refusal::StepUpRequired { .. }));
    let refused = register_passkey(&service, &late, &by, None, &answer).await;
    assert!(matches!(refusal(refused), Refusal::StepUpRequired { .. }));
}

#[tokio::test]
async fn of_two_enrolments_that_began_with_four_apps_one_is_the_fifth() {
    let enrolled = Enrolled::new().await;
    let (world, service, by) = (&enrolled.world, &enrolled.service, request(&enrolled.pair.access));
    for second in 31..34 {
        enrol(world, service, second, &enrolled.pair.access).await.unwrap();
    }
    let fifth = enrol_totp(service, &world.at(40), &by, None).await.unwrap();
    let sixth = enrol_totp(service, &world.at(40), &by, None).await.unwrap();
    let confirm = async |pending: PendingTotp| {
        let code = TotpCode::parse(&scanned(&pending).code_at(time(41))).unwrap();
        confirm_totp(service, &world.at(41), &by, pending.id, &code).await.map(drop)
    };
    confirm(fifth).await.unwrap();
    assert_eq!(refusal(confirm(sixth).await), Refusal::FactorLimit);
    let more = enrol_totp(service, &world.at(42), &by, None).await;
    assert_eq!(refusal(more), Refusal::FactorLimit);
}

/// Each answers a challenge of its own, so that nothing but the counter tells them apart.
#[tokio::test]
async fn of_a_passkey_and_its_copy_that_are_used_at_the_same_moment_one_begins_a_session() {
    let enrolled = Enrolled::with(&[("PASSKEY_RP_ID", "example.org")]).await;
    let (world, by, mut phone) = (&enrolled.world, request(&enrolled.pair.access), Phone::new(1));
    let options = passkey_options(&enrolled.service, &world.at(31), &by).await.unwrap();
    let made = phone.create(&options);
    register_passkey(&enrolled.service, &world.at(32), &by, None, &made).await.unwrap();

    let passkeys = world.passkeys();
    let uses = async |answer| {
        let (caller, carrier) = (caller(), Carrier::Body);
        let attempt =
            PasskeyAttempt { answer, caller, claimed: None, fingerprint: None, carrier, known: None };
        passkey_login(&passkeys, &world.at(41), &attempt).await.map(drop)
    };
    let first = phone.get(&login_options(&passkeys, &world.at(40), &caller()).await.unwrap());
    let copied = phone.get_again(&login_options(&passkeys, &world.at(40), &caller()).await.unwrap());
    let gate = Gate::default();
    world.wire.script(on("UpdateItem").with("signCount"), Fault::Hold(gate.clone()));
    let (held, other) = tokio::join!(uses(first), async {
        gate.arrival().await;
        let other = uses(copied).await;
        gate.open();
        other
    });
    other.unwrap();
    assert_eq!(refusal(held), Refusal::PasskeyInvalid);
}
