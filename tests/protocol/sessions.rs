//! Where somebody is logged in: what it costs to ask, long lists, and what comes in between.

use std::time::Duration;

use nova_auth::{
    domain::{ids::SessionId, refusal::Refusal, user::Status},
    flows::{
        operator::Operator,
        sessions::{Page, list, revoke_every, revoke_one},
    },
};
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    answers::{assert_passing, claims, refusal},
    faults::{Fault, Gate, on},
    rows::{SESSIONS, text},
    world::{World, device},
};

const ALL: Page = Page { limit: 100, before: None };

#[tokio::test]
async fn a_list_is_read_beside_the_decision_who_asks_and_never_from_an_old_copy() {
    let world = World::with(&[("API_RATE_LIMIT", "100")]).await;
    let (_, pair) = world.logged_in().await;
    world.wire.set_latency(Duration::from_millis(20));
    world.wire.reset();
    list(&world.service, &world.at(1), &pair.access, ALL).await.unwrap();
    let sent = world.wire.sent();
    let mut calls: Vec<_> = sent.iter().map(|sent| (sent.operation.as_str(), sent.round)).collect();
    calls.sort_unstable();
    assert_eq!(calls, [("BatchGetItem", 1), ("Query", 1), ("UpdateItem", 1)]);
    let query = sent.iter().find(|sent| sent.operation == "Query").unwrap();
    assert_eq!(query.body["ConsistentRead"], true);
}

/// DynamoDB ends a page where it likes; a list that stops there would hide a thief's session.
#[tokio::test]
async fn a_list_goes_on_over_every_page() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    for second in 1..5 {
        world.login(&world.at(second), &person).await.unwrap();
    }
    for _ in 0..2 {
        let cut = Fault::alter(|answer| {
            let items = answer["Items"].as_array_mut().unwrap();
            items.truncate(2);
            let last = items.last().unwrap().clone();
            answer["LastEvaluatedKey"] = json!({"pk": last["pk"], "sk": last["sk"]});
        });
        world.wire.script(on("Query"), cut);
    }
    let listed = list(&world.service, &world.at(6), &pair.access, ALL).await.unwrap();
    assert_eq!(listed.live.len(), 5);
    assert!(listed.live.is_sorted_by(|one, next| one.created_at > next.created_at), "the newest first");
    assert_eq!(world.wire.count("Query"), 3);
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap_or_a_repetition_whatever_has_ended_between() {
    let world = World::new().await;
    let (person, mut pair) = world.logged_in().await;
    let mut expected = vec![claims(&pair.access)["sid"].clone()];
    for second in 1..9 {
        let next = world.login(&world.at(second), &person).await.unwrap();
        if second % 3 == 0 {
            world.logout(&world.at(second), &next).await.unwrap();
        } else {
            expected.push(claims(&next.access)["sid"].clone());
            pair = next;
        }
    }
    expected.reverse();
    for limit in 1..=8 {
        let (mut found, mut page) = (Vec::new(), Page { limit, before: None });
        loop {
            let listed = list(&world.service, &world.at(10), &pair.access, page).await.unwrap();
            assert!(listed.live.len() <= limit);
            found.extend(listed.live.iter().map(|session| json!(session.session_id)));
            let Some(next) = listed.next else { break };
            page.before = Some(next);
        }
        assert_eq!(found, expected, "{limit}");
    }
}

/// Or a client would ask for one page more, and show an empty one.
#[tokio::test]
async fn a_page_that_is_full_with_the_last_session_says_that_nothing_follows() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    world.login(&world.at(1), &person).await.unwrap();
    let page = Page { limit: 2, before: None };
    let listed = list(&world.service, &world.at(2), &pair.access, page).await.unwrap();
    assert_eq!((listed.live.len(), listed.next), (2, None));
}

/// Somebody who has logged in and out all month has thousands of rows; one answer does not read them all.
#[tokio::test]
async fn a_page_is_made_of_few_reads_however_many_rows_there_are() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    world.wire.reset();
    let last = json!({
        "pk": {"S": format!("USER#{}", person.id)}, "sk": {"S": "SESSION#0190163d-8694-739b-aea5-966c26f8ad92"},
    });
    for _ in 0..20 {
        let last = last.clone();
        let endless = Fault::alter(move |answer| {
            answer["Items"] = json!([]);
            answer["LastEvaluatedKey"] = last.clone();
        });
        world.wire.script(on("Query"), endless);
    }
    let listed = list(&world.service, &world.at(1), &pair.access, ALL).await.unwrap();
    assert!(listed.live.is_empty() && listed.next.is_some(), "{listed:?}");
    let sent = world.wire.sent();
    let queries: Vec<_> = sent.iter().filter(|sent| sent.operation == "Query").collect();
    assert!(queries.len() == 8 && queries.iter().all(|query| query.body["Limit"] == 128), "{queries:?}");
}

/// Whoever holds a token could otherwise ask as often as they like.
#[tokio::test]
async fn calls_of_our_own_endpoints_beyond_the_limit_are_refused() {
    let world = World::with(&[("API_RATE_LIMIT", "2")]).await;
    let (_, pair) = world.logged_in().await;
    for second in [121, 122] {
        list(&world.service, &world.at(second), &pair.access, ALL).await.unwrap();
    }
    let refused = refusal(list(&world.service, &world.at(123), &pair.access, ALL).await);
    assert!(matches!(refused, Refusal::ApiRateLimited(_)), "{refused:?}");
}

#[tokio::test]
async fn half_a_list_is_none() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    world.wire.script(on("Query").every_try(), Fault::server_error());
    assert_passing(list(&world.service, &world.at(1), &pair.access, ALL).await);
}

#[tokio::test]
async fn of_two_who_end_one_session_at_once_one_is_told_and_its_end_is_written_once() {
    let world = World::new().await;
    let (person, one) = world.logged_in().await;
    let two = world.login(&world.at(1), &person).await.unwrap();
    let target = claims(&two.access)["sid"].as_str().unwrap().parse().ok();
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems").with("revokedAt"), Fault::Hold(gate.clone()));
    let (first, second, device) = (world.at(2), world.at(2), device());
    let (late, early) =
        tokio::join!(revoke_one(&world.service, &first, &one.access, target, &device), async {
            gate.arrival().await;
            let early = revoke_one(&world.service, &second, &one.access, target, &device).await;
            gate.open();
            early
        });
    early.unwrap();
    assert_eq!(refusal(late), Refusal::SessionNotFound);
    assert_eq!(world.rows.count_events(person.id, "authn_token_revoked").await, 1);
    world.assert_dead(3, &two).await;
    world.assert_alive(3, &one).await;
}

/// The asking session ends between the decision and the write: what was decided is done, and nothing else is.
#[tokio::test]
async fn the_current_session_can_end_itself_while_it_is_refreshed() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    let current = claims(&pair.access)["sid"].as_str().unwrap().parse().ok();
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems").with("revokedAt"), Fault::Hold(gate.clone()));
    let (ending, refreshing, device) = (world.at(2), world.at(2), device());
    let (ended, next) =
        tokio::join!(revoke_one(&world.service, &ending, &pair.access, current, &device), async {
            gate.arrival().await;
            let next = world.refresh(&refreshing, &pair.refresh).await.unwrap();
            gate.open();
            next
        });
    ended.unwrap();
    world.assert_dead(3, &next).await;
    world.assert_dead(3, &pair).await;
}

#[tokio::test]
async fn ending_all_while_ten_clients_refresh_leaves_nobody_logged_in() {
    let world = World::new().await;
    let (person, asking) = world.logged_in().await;
    let (mut pairs, mut refreshes) = (Vec::new(), JoinSet::new());
    for second in 1..=10 {
        pairs.push(world.login(&world.at(second), &person).await.unwrap());
    }
    for pair in pairs.clone() {
        let world = world.clone();
        refreshes.spawn(async move { world.refresh(&world.at(20), &pair.refresh).await });
    }
    revoke_every(&world.service, &world.at(20), &asking.access, &device()).await.unwrap();
    for next in refreshes.join_all().await.into_iter().flatten() {
        world.assert_dead(21, &next).await;
    }
    for pair in pairs.iter().chain([&asking]) {
        world.assert_dead(21, pair).await;
    }
}

/// A session that ended by its time, by a logout or by an epoch is nowhere to be seen, and is not there to be ended.
#[tokio::test]
async fn only_what_counts_is_listed_and_only_that_can_be_ended() {
    let world = World::new().await;
    let (person, idle) = world.logged_in().await;
    let late = 604_700;
    let ended = world.login(&world.at(late), &person).await.unwrap();
    world.logout(&world.at(late), &ended).await.unwrap();
    let mine = world.login(&world.at(late), &person).await.unwrap();
    let listed = list(&world.service, &world.at(late + 200), &mine.access, ALL).await.unwrap();
    assert_eq!(listed.live.iter().map(|session| session.session_id).collect::<Vec<_>>(), [listed.current]);
    for gone in [&idle, &ended] {
        let session = claims(&gone.access)["sid"].as_str().unwrap().parse().ok();
        let moment = world.at(late + 200);
        let refused = revoke_one(&world.service, &moment, &mine.access, session, &device()).await;
        assert_eq!(refusal(refused), Refusal::SessionNotFound);
    }

    world.revoke_all(&world.at(late + 300), &person).await.unwrap();
    let next = world.login(&world.at(late + 301), &person).await.unwrap();
    let listed = list(&world.service, &world.at(late + 302), &next.access, ALL).await.unwrap();
    assert_eq!(listed.live.len(), 1);
    let session = claims(&mine.access)["sid"].as_str().unwrap().parse().ok();
    let moment = world.at(late + 303);
    let refused = revoke_one(&world.service, &moment, &next.access, session, &device()).await;
    assert_eq!(refusal(refused), Refusal::SessionNotFound);
}

/// What the event bus tells other teams, who show it to people.
#[tokio::test]
async fn a_sessions_row_says_why_it_ended() {
    let world = World::with(&[("MAX_SESSIONS_PER_USER", "1")]).await;
    let person = world.person("amal").await;
    let moment = world.at(500);
    for (second, reason) in [(0, "logout"), (100, "operator"), (200, "theft"), (300, "limit"), (400, "user")]
    {
        let pair = world.login(&world.at(second), &person).await.unwrap();
        let session: SessionId = claims(&pair.access)["sid"].as_str().unwrap().parse().unwrap();
        let row = async || {
            world
                .rows
                .get(SESSIONS, &format!("USER#{}", person.id), &format!("SESSION#{session}"))
                .await
                .unwrap()
        };
        match reason {
            "logout" => world.logout(&moment, &pair).await.unwrap(),
            "operator" => {
                let store = &world.service.store;
                let operator =
                    Operator { store, moment: &moment, journal: world.service.journal, tells: None };
                operator.end_session(person.id, session).await.unwrap();
            }
            "theft" => {
                world.refresh(&world.at(second + 1), &pair.refresh).await.unwrap();
                world.refresh(&world.at(second + 90), &pair.refresh).await.unwrap_err();
            }
            "limit" => drop(world.login(&world.at(second + 1), &person).await.unwrap()),
            _ => revoke_one(&world.service, &moment, &pair.access, Some(session), &device()).await.unwrap(),
        }
        assert_eq!(text(&row().await, "endedBy"), reason);
    }
    // An end that is made for what had ended before, so that nothing of it can come back.
    let pair = world.login(&world.at(600), &person).await.unwrap();
    world.set_status(&world.at(601), &person, Status::Disabled).await.unwrap();
    world.refresh(&world.at(602), &pair.refresh).await.unwrap_err();
    let key = format!("SESSION#{}", claims(&pair.access)["sid"].as_str().unwrap());
    let row = world.rows.get(SESSIONS, &format!("USER#{}", person.id), &key).await.unwrap();
    assert_eq!(text(&row, "endedBy"), "epoch");
}
