//! What rules demand of the session (`mfa`, `fresh`), and the session that may only enrol a second factor.

use std::sync::Arc;

use nova_auth::{
    authorizer::AuthorizerError,
    domain::{refusal::Refusal, rules::Caching, user::Status},
    flows::{
        authenticate::{authenticate_call, authenticate_enrolling},
        sessions::{Page, list, revoke_every, revoke_one},
    },
};
use serde_json::json;

use super::{
    answers::{claims, refusal},
    event_kinds::{KINDS, Kind, arn, ask, put, scene},
    rows::{IDENTITY, SESSIONS, n, s, text},
    world::{Pair, Person, World, device, time},
};

const REST: Kind = KINDS[1];

/// Marks the user's one session as shown a second factor at that second.
async fn show_factor(world: &World, person: &Person, second: i64) {
    world.rows.set_session(person.id, "factorTime", n(time(second).as_millisecond())).await;
}

async fn show_password(world: &World, person: &Person, second: i64) {
    world.rows.set_session(person.id, "authTime", n(time(second).as_millisecond())).await;
}

/// A world with somebody logged in, whose session may only enrol.
async fn enrolling(variables: &[(&str, &str)]) -> (Arc<World>, Person, Pair) {
    let world = World::with(variables).await;
    let (person, pair) = world.logged_in().await;
    world.rows.set_session(person.id, "state", s("enrolling")).await;
    (world, person, pair)
}

async fn state(world: &World, person: &Person) -> String {
    text(&world.rows.session(person.id).await, "state")
}

#[tokio::test]
async fn a_fresh_rule_lets_in_to_its_last_second_and_then_asks_for_a_step_up() {
    for kind in KINDS {
        let (world, pair) = scene(kind, "  fresh: 10m\n").await;
        let event = kind.event(Some(pair.access.expose()));
        kind.assert_allows(&ask(&world, 600, &event).await, &arn(&event));
        let late = ask(&world, 601, &event).await;
        kind.assert_denies_with(&late, "STEP_UP_REQUIRED", &["challenge", "code", "maxAge", "message"]);
        let context = &late.unwrap()["context"];
        assert_eq!(context["maxAge"], "600");
        assert_eq!(context["challenge"], r#"Bearer error="insufficient_user_authentication", max_age="600""#);
    }
}

#[tokio::test]
async fn a_second_factor_is_asked_for_with_its_class_and_its_age_and_nobody_is_let_in_by_a_password_again() {
    let world = REST.world().await;
    let (person, pair) = world.logged_in().await;
    put(&world, Caching::Never, "- route: GET /whoami\n  mfa: required\n  fresh: 10m\n").await;
    let event = REST.event(Some(pair.access.expose()));
    let refused = async |second| {
        let answer = ask(&world, second, &event).await;
        let names = ["acr", "challenge", "code", "maxAge", "message"];
        REST.assert_denies_with(&answer, "STEP_UP_REQUIRED", &names);
        answer.unwrap()["context"].clone()
    };
    let context = refused(1).await;
    assert_eq!((&context["acr"], &context["maxAge"]), (&json!("urn:nova:2"), &json!("600")));
    assert_eq!(
        context["challenge"],
        r#"Bearer error="insufficient_user_authentication", acr_values="urn:nova:2", max_age="600""#
    );
    show_factor(&world, &person, 10).await;
    REST.assert_allows(&ask(&world, 610, &event).await, &arn(&event));
    refused(611).await;
    // The password again, now: the second factor is no younger for it.
    show_password(&world, &person, 611).await;
    refused(611).await;
    show_factor(&world, &person, 611).await;
    let answer = ask(&world, 611, &event).await;
    REST.assert_allows(&answer, &arn(&event));
    let context = &answer.unwrap()["context"];
    let seconds = time(611).as_second().to_string();
    assert_eq!((&context["acr"], &context["authTime"]), (&json!("urn:nova:2"), &json!(seconds)));
}

#[tokio::test]
async fn without_an_age_a_second_factor_counts_for_the_whole_session_and_a_password_never() {
    for kind in KINDS {
        let world = kind.world().await;
        let (person, pair) = world.logged_in().await;
        put(&world, Caching::Never, &format!("- route: {}\n  mfa: required\n", kind.route)).await;
        let event = kind.event(Some(pair.access.expose()));
        let names = ["acr", "challenge", "code", "message"];
        kind.assert_denies_with(&ask(&world, 0, &event).await, "STEP_UP_REQUIRED", &names);
        show_factor(&world, &person, -100_000).await;
        kind.assert_allows(&ask(&world, 800, &event).await, &arn(&event));
    }
}

/// Sessions of before this version know no time but that of their login.
#[tokio::test]
async fn a_session_without_a_time_was_shown_the_password_at_its_login() {
    let (world, pair) = scene(REST, "  fresh: 10m\n").await;
    let event = REST.event(Some(pair.access.expose()));
    let answer = ask(&world, 600, &event).await.unwrap();
    assert_eq!(answer["context"]["authTime"], json!(time(0).as_second().to_string()));
    assert_eq!(answer["context"]["acr"], "urn:nova:1");
}

#[tokio::test]
async fn what_a_rule_demands_of_the_session_is_decided_without_another_call() {
    let (world, pair) = scene(REST, "  mfa: required\n  fresh: 10m\n").await;
    let event = REST.event(Some(pair.access.expose()));
    world.wire.reset();
    for second in [1, 2] {
        ask(&world, second, &event).await.unwrap();
    }
    let calls: Vec<_> = world.wire.sent().iter().map(|sent| sent.operation.clone()).collect();
    assert_eq!(calls, ["BatchGetItem", "BatchGetItem"]);
}

/// It would outlive the age, and the step-up: no command stores it, and if it got into the table, nobody is let in.
#[tokio::test]
async fn rules_about_sessions_whose_answers_may_be_kept_are_no_rules_and_no_answer() {
    let (world, pair) = scene(REST, "  fresh: 10m\n").await;
    let api = "API#EXAMPLEAPI";
    let row = world.rows.get(IDENTITY, api, "RULES").await.unwrap();
    let kept = text(&row, "rules").replace("never-by-session", "allowed");
    world.rows.set(IDENTITY, api, "RULES", "rules", s(&kept)).await;
    let answer = ask(&world, 1, &REST.event(Some(pair.access.expose()))).await;
    assert_eq!(answer, Err(AuthorizerError::Failed));
}

#[tokio::test]
async fn a_session_that_may_only_enrol_opens_no_api_whatever_its_rules() {
    for (caching, yaml) in [
        (Caching::Never, "- route: ANY /*\n- route: CONNECT $connect\n"),
        (Caching::Allowed, "- route: ANY /*\n- route: CONNECT $connect\n"),
        (Caching::Never, "- route: ANY /*\n  public: true\n- route: CONNECT $connect\n  public: true\n"),
    ] {
        for kind in KINDS {
            let world = kind.world().await;
            let (person, pair) = world.logged_in().await;
            put(&world, caching, yaml).await;
            let event = kind.event(Some(pair.access.expose()));
            world.rows.set_session(person.id, "state", s("enrolling")).await;
            kind.assert_denies(&ask(&world, 1, &event).await, "MFA_ENROLMENT_REQUIRED");
        }
    }
    let (world, _, pair) = enrolling(&[("NO_RULES", "authenticated")]).await;
    let event = REST.event(Some(pair.access.expose()));
    REST.assert_denies(&ask(&world, 1, &event).await, "MFA_ENROLMENT_REQUIRED");
}

#[tokio::test]
async fn an_endpoint_of_ours_refuses_a_session_that_may_only_enrol_unless_it_says_otherwise() {
    let (world, person, pair) = enrolling(&[]).await;
    let service = &world.service;
    let refused = refusal(authenticate_call(service, &world.at(1), &pair.access).await);
    assert_eq!(refused, Refusal::MfaEnrolmentRequired);
    assert_eq!(refusal(world.authenticate(1, &pair.access).await), Refusal::MfaEnrolmentRequired);
    let changed = world.change_password(&world.at(1), &pair.access).await;
    assert_eq!(refusal(changed), Refusal::MfaEnrolmentRequired);
    let who = authenticate_enrolling(service, &world.at(1), &pair.access).await.unwrap();
    assert_eq!(who.profile.id, person.id);
    // Its end is an end: for both.
    world.logout(&world.at(2), &pair).await.unwrap();
    for refused in [
        refusal(authenticate_call(service, &world.at(3), &pair.access).await),
        refusal(authenticate_enrolling(service, &world.at(3), &pair.access).await),
    ] {
        assert_eq!(refused, Refusal::TokenRevoked);
    }
}

#[tokio::test]
async fn a_session_that_may_only_enrol_is_listed_and_ended_like_any_other() {
    const ALL: Page = Page { limit: 100, before: None };
    let (world, person, pair) = enrolling(&[]).await;
    let service = &world.service;
    let listed = list(service, &world.at(1), &pair.access, ALL).await.unwrap();
    assert_eq!(listed.live.len(), 1);
    let sid = listed.current;
    revoke_one(service, &world.at(2), &pair.access, Some(sid), &device()).await.unwrap();
    assert_eq!(state(&world, &person).await, "revoked");
    let again = revoke_one(service, &world.at(3), &pair.access, Some(sid), &device()).await;
    assert_eq!(refusal(again), Refusal::TokenRevoked);
    assert_eq!(world.rows.count_events(person.id, "authn_token_revoked").await, 1);

    let (world, person, pair) = enrolling(&[]).await;
    revoke_every(&world.service, &world.at(1), &pair.access, &device()).await.unwrap();
    let over = authenticate_enrolling(&world.service, &world.at(2), &pair.access).await;
    assert_eq!(refusal(over), Refusal::TokenRevoked);
    assert_eq!(state(&world, &person).await, "enrolling", "it ended by its epoch");
    let refreshed = world.refresh(&world.at(3), &pair.refresh).await;
    assert_eq!(refusal(refreshed), Refusal::RefreshTokenInvalid);
}

#[tokio::test]
async fn a_logout_of_a_session_that_may_only_enrol_blacklists_its_token_and_no_session_rises_from_it() {
    let (world, person, pair) = enrolling(&[]).await;
    world.logout(&world.at(1), &pair).await.unwrap();
    assert_eq!(state(&world, &person).await, "revoked");
    let row = world.rows.session(person.id).await;
    let jti = claims(&pair.access)["jti"].as_str().unwrap().to_owned();
    assert_eq!(row["revokedTokens"].as_ss().unwrap(), &[jti]);
    // A logout of what is gone makes no row.
    let sk = text(&row, "sk");
    let pk = format!("USER#{}", person.id);
    world.rows.delete(SESSIONS, &pk, &sk).await;
    world.logout(&world.at(2), &pair).await.unwrap();
    assert!(world.rows.sessions(person.id).await.is_empty());
}

#[tokio::test]
async fn a_refresh_before_the_enrolment_is_refused_and_nothing_is_taken_for_a_theft() {
    let (world, person, pair) = enrolling(&[]).await;
    for second in [1, 2] {
        let refused = refusal(world.refresh(&world.at(second), &pair.refresh).await);
        assert_eq!(refused, Refusal::MfaEnrolmentRequired);
    }
    assert_eq!(state(&world, &person).await, "enrolling");
    assert_eq!(world.rows.count_events(person.id, "authn_token_reuse").await, 0);
    // Once there is a second factor, the same token is the session's.
    world.rows.set_session(person.id, "state", s("active")).await;
    let next = world.refresh(&world.at(3), &pair.refresh).await.unwrap();
    world.assert_alive(4, &next).await;
}

#[tokio::test]
async fn of_a_user_who_is_gone_a_session_that_may_only_enrol_is_not_asked_to() {
    let (world, person, pair) = enrolling(&[]).await;
    world.set_status(&world.at(1), &person, Status::Disabled).await.unwrap();
    let refused = refusal(world.refresh(&world.at(2), &pair.refresh).await);
    assert_eq!(refused, Refusal::UserInactive);
    let answer = ask(&world, 2, &REST.event(Some(pair.access.expose()))).await;
    assert_eq!(answer, Err(AuthorizerError::Unauthorized));
}

#[tokio::test]
async fn sessions_that_may_only_enrol_count_towards_the_limit() {
    let world = World::with(&[("MAX_SESSIONS_PER_USER", "1")]).await;
    let (person, first) = world.logged_in().await;
    world.rows.set_session(person.id, "state", s("enrolling")).await;
    world.login(&world.at(1), &person).await.unwrap();
    let over = authenticate_enrolling(&world.service, &world.at(2), &first.access).await;
    assert_eq!(refusal(over), Refusal::TokenRevoked);
}
