//! Second factors as they come and go: enrolled, renewed, removed, reset, and what each does to the sessions; and sessions that are
//! stepped up.

use std::sync::Arc;

use nova_auth::{
    domain::{
        factors::{Acr, FactorKind, totp::TotpCode},
        refusal::Refusal,
    },
    flows::{
        factors::{
            enrol::{confirm_totp, enrol_totp},
            list::list_factors,
            recovery::renew_recovery_codes,
        },
        login::{Login, login},
        operator::Operator,
        step_up::StepUpProof,
    },
};

use serde_json::Value;

use super::{
    answers::refusal,
    faults::{Fault, Gate, on},
    rows::{IDENTITY, text},
    second_factors::{Enrolled, OPTIONAL, enrol, recovery, request, scanned},
    vault::{FACTORS, key},
    world::{ADDRESS, PASSWORD, Pair, World, attempt, time},
};

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

/// Nobody notices: an app is sealed anew by whoever uses it, and recovery codes need the key that they were made with.
#[tokio::test]
async fn a_new_key_seals_what_is_used_and_the_key_before_it_goes_on_opening_the_rest() {
    let enrolled = Enrolled::new().await;
    let user = enrolled.person.id;
    let kids = async || {
        let rows = enrolled.service.auth.store.factors(user).await.unwrap();
        (rows.totp[0].secret.kid.clone(), rows.recovery.unwrap().kid)
    };
    let with = |kids: &[Value]| enrolled.world.vault.put_keys(FACTORS, kids);
    with(&[key("factor-1", None), key("factor-2", Some(time(1_000)))]);
    enrolled.logs_in(900).await.unwrap();
    assert_eq!(kids().await, ("factor-1".to_owned(), "factor-1".to_owned()));
    enrolled.logs_in(2_000).await.unwrap();
    assert_eq!(kids().await, ("factor-2".to_owned(), "factor-1".to_owned()));
    enrolled.logs_in(3_000).await.unwrap();
    let step = enrolled.password(4_000).await;
    let code = recovery(&enrolled.codes[0]);
    let pair = enrolled.second_step(4_000, &step.token, code).await.unwrap();
    // New ones are made with the new key, and then nothing needs the old one.
    let (moment, asked) = (enrolled.world.at(4_001), request(&pair.access));
    let codes = renew_recovery_codes(&enrolled.service, &moment, &asked).await.unwrap().shown();
    assert_eq!(kids().await, ("factor-2".to_owned(), "factor-2".to_owned()));
    with(&[key("factor-2", Some(time(1_000)))]);
    enrolled.logs_in(90_000).await.unwrap();
    let step = enrolled.password(91_000).await;
    enrolled.second_step(91_000, &step.token, recovery(&codes[0])).await.unwrap();
}
