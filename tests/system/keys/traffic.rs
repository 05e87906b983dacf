//! Rotation under traffic in the whole system: the real functions, the real gateway, `nova keys rotate`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::published::{in_force, nova_keys, put};
use crate::support::client::Client;
use crate::support::stack::{PASSWORD, Pair, System, User};
use crate::support::tokens::part;

/// The kids of all tokens that somebody got.
type Kids = [BTreeSet<String>; 2];

/// Logs in, calls and refreshes until it is told to end. Any answer but a good one fails the test.
async fn traffic(system: Arc<System>, client: Client, user: User, end: Arc<AtomicBool>) -> (Kids, usize) {
    let (mut kids, mut calls) = (Kids::default(), 0);
    let mut note = |pair: &Pair| {
        for (kids, token) in kids.iter_mut().zip([&pair.access, &pair.refresh]) {
            kids.insert(part(token, 0)["kid"].as_str().unwrap().to_owned());
        }
    };
    // The one that began before everything else has to last to the end.
    let mut first = system.login(&client, &user).await;
    while !end.load(Ordering::Relaxed) {
        let mut other = Pair::of(&system.try_login(&client, &user.email, PASSWORD).await);
        for pair in [&mut first, &mut other] {
            note(pair);
            system.assert_lets_in(&client, &pair.access, &user).await;
            *pair = Pair::of(&system.refresh(&client, &pair.refresh).await);
            note(pair);
            system.assert_lets_in(&client, &pair.access, &user).await;
        }
        let out = system.logout(&client, Some(&other.access), &json!({"refreshToken": other.refresh})).await;
        assert_eq!(out.status, 200, "{}", out.body);
        calls += 8;
    }
    (kids, calls)
}

/// An hour passes for the keys in force: those that were to sign in an hour sign now.
async fn an_hour_passes(system: &System) {
    let url = system.stack.secretsmanager_url();
    for secret in ["AccessKeysSecret", "RefreshKeysSecret"] {
        let mut ring = in_force(url, secret).await;
        for key in ring["keys"].as_array_mut().unwrap() {
            if let Some(begins) = key["nbf"].as_i64() {
                key["nbf"] = json!(begins - 3601);
            }
        }
        put(url, secret, &ring.to_string()).await;
    }
}

fn spawn(
    system: &Arc<System>,
    users: &[User],
    clients: std::ops::Range<u8>,
    end: &Arc<AtomicBool>,
    set: &mut JoinSet<(Kids, usize)>,
) {
    for last in clients {
        let user = users[usize::from(last) % users.len()].clone();
        set.spawn(traffic(system.clone(), Client::at(last), user, end.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_both_rings_from_hs256_to_es256_under_traffic_fails_no_request_and_logs_nobody_out() {
    let system = System::start_with(|options| {
        options.parameters.insert("KeyAlgorithm".to_owned(), "ES256".to_owned());
    })
    .await;
    let mut users = Vec::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        users.push(system.user(name).await);
    }
    let (system, end) = (Arc::new(system), Arc::new(AtomicBool::new(false)));
    // Announced before the first function reads its ring, as it is an hour before the key signs.
    assert!(nova_keys(&system, &["rotate"]).await.success);
    let mut under_way = JoinSet::new();
    spawn(&system, &users, 2..4, &end, &mut under_way);
    // The functions that run have the announced ring now; those that start from here on see that its hour is over, and
    // sign with the new keys what the others verify.
    assert!(system.login(&Client::at(100), &users[0]).await.access.contains('.'));
    an_hour_passes(&system).await;
    spawn(&system, &users, 4..10, &end, &mut under_way);
    // And the next rotation, in the middle of all that.
    for _ in 0..3 {
        let rotated = nova_keys(&system, &["rotate"]).await;
        assert!(rotated.success, "{rotated:?}");
    }
    end.store(true, Ordering::Relaxed);

    let (mut kids, mut calls) = (Kids::default(), 0);
    while let Some(ended) = under_way.join_next().await {
        let (seen, made) = ended.unwrap();
        kids.iter_mut().zip(seen).for_each(|(all, more)| all.extend(more));
        calls += made;
    }
    assert!(calls >= 64, "{calls}");
    for (kids, first) in kids.iter().zip(["access-1", "refresh-1"]) {
        assert!(kids.contains(first) && kids.len() == 2, "old and new keys signed side by side: {kids:?}");
    }
    let ring: Value = in_force(system.stack.secretsmanager_url(), "AccessKeysSecret").await;
    let algorithms: Vec<_> =
        ring["keys"].as_array().unwrap().iter().map(|key| key["alg"].as_str().unwrap()).collect();
    assert_eq!(algorithms, ["HS256", "ES256", "ES256", "ES256", "ES256"]);
}
