//! Refresh and time: what has ended has ended, whether or not its row was removed, and no token outlives its session.

use jiff::SignedDuration;
use nova_auth::{domain::refusal::Refusal, flows::refresh::refresh};

use super::{
    answers::{claims, refusal},
    faults::{Fault, on},
    rows::{SESSIONS, n, number, text},
    world::{World, presenting, time},
};

const DAY: i64 = 86_400;

#[tokio::test]
async fn an_idle_session_has_ended_though_its_row_is_there() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    // The token itself is still within its leeway.
    let moment = world.at(7 * DAY + 2);
    assert_eq!(refusal(world.refresh(&moment, &pair.refresh).await), Refusal::RefreshTokenInvalid);
    let row = world.rows.session(person.id).await;
    assert_eq!((text(&row, "state").as_str(), number(&row, "generation")), ("active", 0));
    assert_eq!(world.rows.count_events(person.id, "authn_token_reuse").await, 0, "an end is no theft");
    let moment = world.at(7 * DAY + 3600);
    assert_eq!(refusal(world.refresh(&moment, &pair.refresh).await), Refusal::RefreshTokenInvalid);
}

#[tokio::test]
async fn a_session_that_is_used_lives_on_until_its_absolute_end() {
    let world = World::new().await;
    let (_, mut pair) = world.logged_in().await;
    for day in [6, 12, 18, 24, 29] {
        pair = world.refresh(&world.at(day * DAY), &pair.refresh).await.unwrap();
        world.assert_alive(day * DAY, &pair).await;
    }
    let end = time(30 * DAY).as_second();
    assert_eq!(claims(&pair.refresh)["exp"], end, "seven days more would be too many");
    let last = refresh(&world.service, &world.at(30 * DAY - 100), &presenting(&pair.refresh)).await.unwrap();
    assert_eq!(last.access.expires_in, SignedDuration::from_secs(100));
    assert_eq!(claims(&last.access.token)["exp"], end);
    assert_eq!(claims(last.refresh.token())["exp"], end);
    let last = last.into();
    world.assert_alive(30 * DAY - 1, &last).await;
    assert_eq!(refusal(world.authenticate(30 * DAY, &last.access).await), Refusal::TokenRevoked);
    world.assert_dead(30 * DAY + 1, &last).await;
}

#[tokio::test]
async fn an_access_token_never_outlives_its_session() {
    let world = World::with(&[
        ("ACCESS_TOKEN_SECONDS", "900"),
        ("REFRESH_TOKEN_SECONDS", "1200"),
        ("SESSION_MAX_SECONDS", "2000"),
    ])
    .await;
    let (person, mut pair) = world.logged_in().await;
    for second in [0, 1, 700, 1150, 1500, 1999] {
        if second > 0 {
            pair = world.refresh(&world.at(second), &pair.refresh).await.unwrap();
        }
        let row = world.rows.session(person.id).await;
        let end = number(&row, "idleEnd").min(number(&row, "absoluteEnd")) / 1000;
        let exp = claims(&pair.access)["exp"].as_i64().unwrap();
        assert!(exp <= end, "at {second}: {exp} and {end}");
        assert_eq!(claims(&pair.refresh)["exp"], end, "at {second}");
    }
    assert!(world.authenticate(2000, &pair.access).await.is_err());
}

/// DynamoDB removes rows when it likes, also before a late token comes: an update that recreated the row would bring an
/// ended session back to life.
#[tokio::test]
async fn a_token_whose_session_row_was_removed_creates_nothing() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    let sk = text(&world.rows.session(person.id).await, "sk");
    world.rows.delete(SESSIONS, &format!("USER#{}", person.id), &sk).await;
    assert_eq!(refusal(world.refresh(&world.at(60), &pair.refresh).await), Refusal::RefreshTokenInvalid);
    assert_eq!(refusal(world.authenticate(60, &pair.access).await), Refusal::TokenRevoked);
    world.logout(&world.at(60), &pair).await.unwrap();
    assert!(world.rows.sessions(person.id).await.is_empty(), "nothing was created");
}

#[tokio::test]
async fn a_state_that_a_later_version_writes_is_an_end() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    world.rows.set_session(person.id, "state", super::rows::s("suspended")).await;
    world.assert_dead(60, &pair).await;
}

#[tokio::test]
async fn whoever_is_disabled_hears_so_though_their_session_ended_before() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    world.logout(&world.at(1), &pair).await.unwrap();
    assert_eq!(refusal(world.refresh(&world.at(2), &pair.refresh).await), Refusal::RefreshTokenInvalid);
    world.set_status(&world.at(3), &person, nova_auth::domain::user::Status::Disabled).await.unwrap();
    assert_eq!(refusal(world.refresh(&world.at(4), &pair.refresh).await), Refusal::UserInactive);
}

/// A retry is judged by the row as it is: an idle end that came between the two tries is an end.
#[tokio::test]
async fn a_retry_in_the_grace_window_of_a_session_that_ended_meanwhile_is_refused() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    world.wire.script(on("UpdateItem").every_try(), Fault::LoseAnswer);
    assert!(world.refresh(&world.at(60), &first.refresh).await.is_err());
    world.rows.set_session(person.id, "absoluteEnd", n(time(65).as_millisecond())).await;
    assert_eq!(refusal(world.refresh(&world.at(66), &first.refresh).await), Refusal::RefreshTokenInvalid);
}

/// Times in tokens are whole seconds and those in rows are not: in the second between, a rotation that takes would hand
/// out a pair that is dead on arrival.
#[tokio::test]
async fn what_is_given_out_at_the_very_end_is_alive_or_is_not_given_out() {
    let world = World::with(&[("REFRESH_TOKEN_SECONDS", "900"), ("SESSION_MAX_SECONDS", "900")]).await;
    let begin = time(0);
    for millisecond in [899_000, 899_749, 899_750, 899_900, 899_999, 900_000] {
        let person = world.person(&format!("amal-{millisecond}")).await;
        let pair = world.login(&world.at(0), &person).await.unwrap();
        let moment = world.at(0).at(begin + SignedDuration::from_millis(millisecond));
        if let Ok(last) = refresh(&world.service, &moment, &presenting(&pair.refresh)).await {
            assert!(
                last.access.expires_in.is_positive(),
                "dead on arrival, {millisecond} ms after the login"
            );
        }
    }
}

/// Instances on different machines: one is behind by as much as tokens allow, and takes what the other made.
#[tokio::test]
async fn instances_whose_clocks_differ_take_each_others_tokens() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    let second = world.refresh(&world.at(60), &first.refresh).await.unwrap();
    world.assert_alive(56, &second).await;
    let again = world.refresh(&world.at(56), &first.refresh).await.unwrap();
    assert_eq!(again.refresh.expose(), second.refresh.expose(), "a retry at the instance that is behind");
    let third = world.refresh(&world.at(56), &second.refresh).await.unwrap();
    world.assert_alive(61, &third).await;
    assert_eq!(text(&world.rows.session(person.id).await, "state"), "active");
}

/// The last refresh before an idle end: its write took and moved the end, its answer was lost, and when the client asks
/// again the time of its token is over.
#[tokio::test]
async fn a_retry_is_answered_though_the_time_of_its_token_ended_meanwhile() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    world.wire.script(on("UpdateItem").every_try(), Fault::LoseAnswer);
    assert!(world.refresh(&world.at(7 * DAY - 1), &first.refresh).await.is_err());
    assert_eq!(number(&world.rows.session(person.id).await, "generation"), 1, "the write took");
    let second = world.refresh(&world.at(7 * DAY + 20), &first.refresh).await.unwrap();
    world.assert_alive(7 * DAY + 20, &second).await;
    // Long after, a token that was used up is worth nothing, not even a revocation.
    let late = world.refresh(&world.at(7 * DAY + 3600), &first.refresh).await;
    assert_eq!(refusal(late), Refusal::RefreshTokenInvalid);
    let third = world.refresh(&world.at(7 * DAY + 3601), &second.refresh).await.unwrap();
    world.assert_alive(7 * DAY + 3601, &third).await;
}
