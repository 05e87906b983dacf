//! The version before this one counted an account's failures in an item of their own (`RUN`, a set of names) and an address's calls in
//! another (`RATE#ADDRESS`), and deleted a window with its last entry. While an update goes on, and after one is taken back, both
//! versions write the same windows. Here are the old one's writes, word by word, beside the new one.

use std::sync::Arc;

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use nova_auth::{
    domain::{
        address::ClientAddress,
        attempts::{Entry, Limit},
        refusal::Refusal,
    },
    flows::login::login,
    gate::{enter_address, leave},
    store::{AttemptsKey, Reservation, Wanted},
};
use tokio::task::JoinSet;

use super::{
    answers::refusal,
    login_attempts::guess,
    rows::{Row, SESSIONS, n, number, s},
    world::{ADDRESS, PASSWORD, Person, World, attempt, time},
};

/// A window, as the old version writes it.
struct Before<'a> {
    world: &'a World,
    pk: String,
}

impl<'a> Before<'a> {
    fn account(world: &'a World, person: &Person) -> Self {
        Self { world, pk: format!("ATTEMPTS#ACCOUNT#{}", person.email.digest()) }
    }

    fn address(world: &'a World) -> Self {
        Self { world, pk: format!("ATTEMPTS#ADDRESS#{ADDRESS}") }
    }

    fn update(&self, sk: &str) -> UpdateItemFluentBuilder {
        let update = self.world.rows.client().update_item().table_name(SESSIONS);
        update.key("pk", s(&self.pk)).key("sk", s(sk))
    }

    fn entry(&self, second: i64) -> String {
        Entry::new(&self.world.at(second)).as_str().to_owned()
    }

    /// Enters the window, or opens the next one. `None`: it is full.
    async fn enter(&self, second: i64) -> Option<String> {
        let (me, limit) = (self.entry(second), self.world.service.attempts.account);
        let ends = time(second) + limit.window;
        let (end, ttl) = (n(ends.as_millisecond()), n(ends.as_second() + 3600));
        let enter = self
            .update("WINDOW")
            .update_expression(
                "SET windowEnd = if_not_exists(windowEnd, :end), expiresAt = if_not_exists(expiresAt, :ttl) ADD hits :me",
            )
            .condition_expression(
                "attribute_not_exists(windowEnd) OR (windowEnd > :now AND \
                 (attribute_not_exists(hits) OR size(hits) < :max OR contains(hits, :me_once)))",
            )
            .expression_attribute_values(":end", end.clone())
            .expression_attribute_values(":ttl", ttl.clone())
            .expression_attribute_values(":me", one(&me))
            .expression_attribute_values(":me_once", s(&me))
            .expression_attribute_values(":now", n(time(second).as_millisecond()))
            .expression_attribute_values(":max", n(limit.max))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if enter.send().await.is_ok() {
            return Some(me);
        }
        let found = self.row().await.expect("it was there when it was refused");
        let over = number(&found, "windowEnd");
        let reopen = self
            .update("WINDOW")
            .update_expression("SET hits = :me, windowEnd = :end, expiresAt = :ttl")
            .condition_expression("windowEnd = :over")
            .expression_attribute_values(":me", one(&me))
            .expression_attribute_values(":end", end)
            .expression_attribute_values(":ttl", ttl)
            .expression_attribute_values(":over", n(over));
        (over <= time(second).as_millisecond() && reopen.send().await.is_ok()).then_some(me)
    }

    /// Gives a place back: the window goes with the last one.
    async fn leave(&self, me: &str) {
        let alone = self.delete("WINDOW").condition_expression("hits = :me");
        if alone.expression_attribute_values(":me", one(me)).send().await.is_ok() {
            return;
        }
        let among_others = self
            .update("WINDOW")
            .update_expression("DELETE hits :me")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":me", one(me));
        drop(among_others.send().await);
    }

    fn delete(
        &self,
        sk: &str,
    ) -> aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder {
        let delete = self.world.rows.client().delete_item().table_name(SESSIONS);
        delete.key("pk", s(&self.pk)).key("sk", s(sk))
    }

    /// A right password.
    async fn clear(&self, me: &str) {
        let window = self.delete("WINDOW").condition_expression("contains(hits, :me_once)");
        drop(window.expression_attribute_values(":me_once", s(me)).send().await);
        self.delete("RUN").send().await.unwrap();
    }

    /// A wrong one.
    async fn count_failure(&self, me: &str, second: i64) {
        let count = self
            .update("RUN")
            .update_expression("SET expiresAt = :ttl ADD failures :me")
            .condition_expression(
                "attribute_not_exists(failures) OR size(failures) < :max OR contains(failures, :me_once)",
            )
            .expression_attribute_values(":ttl", n(time(second).as_second() + 90 * 86_400))
            .expression_attribute_values(":me", one(me))
            .expression_attribute_values(":me_once", s(me))
            .expression_attribute_values(":max", n(100));
        count.send().await.unwrap();
    }

    async fn row(&self) -> Option<Row> {
        self.world.rows.get(SESSIONS, &self.pk, "WINDOW").await
    }
}

fn one(entry: &str) -> AttributeValue {
    AttributeValue::Ss(vec![entry.to_owned()])
}

/// Whether the new version takes a place of the account.
async fn enters(world: &World, person: &Person, second: i64) -> bool {
    let (key, moment) = (AttemptsKey::account(&person.email), world.at(second));
    let entry = Entry::new(&moment);
    let limit = world.service.attempts.account;
    let wanted = Wanted { key: &key, entry: &entry, limit, calls: None, now: moment.now };
    matches!(world.service.store.reserve_attempt(wanted).await.unwrap(), Reservation::Taken(_))
}

/// Every order of both, of as many guesses as there are places and one more.
#[tokio::test]
async fn whichever_version_takes_a_guess_there_are_five_of_them() {
    let world = World::new().await;
    for order in 0..64_u32 {
        let person = world.person(&format!("victim-{order}")).await;
        let before = Before::account(&world, &person);
        let mut taken = Vec::new();
        for guess in 0..6 {
            taken.push(match order >> guess & 1 {
                0 => before.enter(0).await.is_some(),
                _ => enters(&world, &person, 0).await,
            });
        }
        assert_eq!(taken, [true, true, true, true, true, false], "{order:06b}");
    }
}

#[tokio::test]
async fn of_racing_guesses_of_both_versions_five_take_and_as_many_in_the_next_window() {
    let world = World::new().await;
    let person = world.person("amal").await;
    for second in [0, 1000] {
        let mut tasks = JoinSet::new();
        for guess in 0..50 {
            let (world, person) = (Arc::clone(&world), person.clone());
            tasks.spawn(async move {
                match guess % 2 {
                    0 => Before::account(&world, &person).enter(second).await.is_some(),
                    _ => enters(&world, &person, second).await,
                }
            });
        }
        let taken = tasks.join_all().await.into_iter().filter(|taken| *taken).count();
        assert_eq!(taken, 5, "at {second}");
    }
}

/// A lock that either of them made holds against both.
#[tokio::test]
async fn a_lock_of_one_version_is_one_of_the_other_until_its_window_ends() {
    let world = World::new().await;
    let (amal, badr) = (world.person("amal").await, world.person("badr").await);
    let before = Before::account(&world, &amal);
    for _ in 0..5 {
        let me = before.enter(0).await.unwrap();
        before.count_failure(&me, 0).await;
    }
    assert!(matches!(refusal(world.login(&world.at(899), &amal).await), Refusal::LoginLocked(_)));
    world.login(&world.at(900), &amal).await.unwrap();

    guess(&world, &badr, 0, 5).await;
    let before = Before::account(&world, &badr);
    assert_eq!(before.enter(899).await, None);
    let me = before.enter(900).await.unwrap();
    before.clear(&me).await;
    assert_eq!(before.row().await, None);
}

/// What one leaves behind opens a whole window for the other's next failure.
#[tokio::test]
async fn a_place_of_an_address_that_is_given_back_by_either_opens_a_whole_window_for_the_next() {
    let world = World::with(&[("API_RATE_LIMIT", "100")]).await;
    let (store, limits) = (&world.service.store, world.service.attempts.address);
    let (here, before) = (ClientAddress::parse(ADDRESS), Before::address(&world));
    let calls = Some(&world.service.rate_limit);
    leave(store, &enter_address(store, limits, calls, &world.at(0), here).await.unwrap()).await;
    let me = before.enter(500).await.unwrap();
    assert_eq!(number(&before.row().await.unwrap(), "windowEnd"), time(1400).as_millisecond());

    // Side by side: neither takes the other's place with its own.
    let place = enter_address(store, limits, calls, &world.at(501), here).await.unwrap();
    before.leave(&me).await;
    assert_eq!(world.rows.address_entries(ADDRESS).await.len(), 1);
    let me = before.enter(502).await.unwrap();
    leave(store, &place).await;
    assert_eq!(world.rows.address_entries(ADDRESS).await, std::slice::from_ref(&me));
    before.leave(&me).await;
    assert_eq!(before.row().await, None, "and the count of calls with it: it begins anew");
    let _stays = enter_address(store, limits, calls, &world.at(503), here).await.unwrap();
}

/// An office whose logins meet either version.
#[tokio::test]
async fn failures_of_an_address_count_in_one_window_whichever_version_saw_them() {
    let world = World::with(&[("API_RATE_LIMIT", "100")]).await;
    let before = Before::address(&world);
    for name in ["a", "b", "c"] {
        let person = world.person(name).await;
        assert!(world.login_with(&world.at(0), &person, "Wrong-horse-9!").await.is_err());
    }
    for _ in 0..2 {
        before.enter(0).await.unwrap();
    }
    assert_eq!(before.enter(60).await, None);
    let person = world.person("amal").await;
    assert!(matches!(refusal(world.login(&world.at(60), &person).await), Refusal::AddressLimited(_)));
    login(&world.service, &world.at(60), &attempt(&person.email, PASSWORD, "198.51.100.9")).await.unwrap();
}

/// The rows that are there when the update comes. What the old version counted in a row is not read; it only delays an alarm.
#[tokio::test]
async fn a_window_without_a_count_of_failures_begins_with_none_and_a_run_of_the_old_version_is_ignored() {
    let world = World::with(&[("LOGIN_RUN_ACTION", "disable")]).await;
    let person = world.person("amal").await;
    let before = Before::account(&world, &person);
    for failure in 0..99 {
        before.count_failure(&format!("{failure}#old"), 0).await;
    }
    let me = before.enter(0).await.unwrap();
    before.count_failure(&me, 0).await;
    guess(&world, &person, 1, 1).await;
    assert_eq!(number(&before.row().await.unwrap(), "failures"), 1);
    assert_eq!(world.rows.count_events(person.id, "authn_login_fail_max").await, 0);
    world.login(&world.at(2), &person).await.unwrap();
    assert_eq!(before.row().await, None);

    // A window that the old version reopens keeps the new one's count.
    guess(&world, &person, 3, 3).await;
    before.enter(1000).await.unwrap();
    guess(&world, &person, 1001, 1).await;
    assert_eq!(number(&before.row().await.unwrap(), "failures"), 4);
    let limit: Limit = world.service.attempts.account;
    assert_eq!(world.rows.account_entries(&person.email).await.len(), 2, "of {}", limit.max);
}
