//! `ATTEMPTS#ACCOUNT#<sha256>` and `ATTEMPTS#ADDRESS#<address>`: `WINDOW`. (`RUN` of an account: `run`.)
//!
//! A window is a set of entries, each named by its request, and an end. Adding an entry is one conditional write:
//! fifty racing guesses get exactly as many places as there are, and a write that the SDK repeats takes one place.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};

use super::{
    Store, StoreError,
    error::{Updated, unless_condition_failed, updated},
    item,
    retry::past_conflicts,
};
use crate::domain::{
    address::ClientAddress,
    attempts::{Entry, Limit, Window},
    email::Email,
    ids::UserId,
};

/// Whose attempts are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptsKey(String);

impl AttemptsKey {
    /// Those on an account, whether or not it exists.
    #[must_use]
    pub fn account(email: &Email) -> Self {
        Self(format!("ATTEMPTS#ACCOUNT#{}", email.digest()))
    }

    /// Those from an address.
    #[must_use]
    pub fn address(address: ClientAddress) -> Self {
        Self(format!("ATTEMPTS#ADDRESS#{}", address.window_name()))
    }

    /// The mails that were asked for from an address.
    #[must_use]
    pub fn mails_from(address: ClientAddress) -> Self {
        Self(format!("MAILS#ADDRESS#{}", address.window_name()))
    }

    /// The second factors that were shown for a user.
    #[must_use]
    pub fn factor(user: UserId) -> Self {
        Self(format!("ATTEMPTS#FACTOR#{user}"))
    }

    pub(super) fn item(&self, sk: &str) -> item::Item {
        item::key(&self.0, sk)
    }
}

/// Whether an entry was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// It was; the window with it.
    Taken(Window),
    /// The window is full.
    Full(Window),
}

const RESERVE: &str = "reserve an attempt";

/// A window item is of no use after its end.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(1);

impl Store {
    /// Puts an entry into a window, opening the window where there is none or its end has come.
    ///
    /// # Errors
    /// [`StoreError`]; then the entry may or may not be there, and counts if it is.
    pub async fn reserve_attempt(
        &self,
        key: &AttemptsKey,
        entry: &Entry,
        limit: Limit,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        // A window that ends while we look at it sends us around again; so may others that reopen it first.
        for _ in 0..5 {
            let Some(full_or_over) = self.enter_window(key, entry, limit, now).await? else { continue };
            match full_or_over {
                Reservation::Full(window) if window.is_over(now) => {
                    if let Some(window) = self.reopen_window(key, entry, &window, limit, now).await? {
                        return Ok(Reservation::Taken(window));
                    }
                }
                decided => return Ok(decided),
            }
        }
        Err(StoreError::Unavailable { operation: RESERVE, reason: "contention".to_owned() })
    }

    /// Tries the window as it stands. `None`: it vanished between the condition and its answer.
    async fn enter_window(
        &self,
        key: &AttemptsKey,
        entry: &Entry,
        limit: Limit,
        now: Timestamp,
    ) -> Result<Option<Reservation>, StoreError> {
        let ends = now + limit.window;
        let enter = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key.item("WINDOW")))
            .update_expression(
                "SET windowEnd = if_not_exists(windowEnd, :end), expiresAt = if_not_exists(expiresAt, :ttl) ADD hits :me",
            )
            // size() of an absent set fails the condition, and an emptied set is absent: both are asked.
            .condition_expression(
                "attribute_not_exists(windowEnd) OR (windowEnd > :now AND \
                 (attribute_not_exists(hits) OR size(hits) < :max OR contains(hits, :me_once)))",
            )
            .expression_attribute_values(":end", item::millis(ends))
            .expression_attribute_values(":ttl", item::ttl(ends + KEPT_AFTER_END))
            .expression_attribute_values(":me", one(entry))
            .expression_attribute_values(":me_once", item::text(entry.as_str()))
            .expression_attribute_values(":now", item::millis(now))
            .expression_attribute_values(":max", item::number(limit.max))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let entered = past_conflicts(|| async { updated(RESERVE, enter.clone().send().await) }).await?;
        Ok(match entered {
            Updated::Took(found) => Some(Reservation::Taken(window(&found)?)),
            Updated::Lost(Some(found)) => Some(Reservation::Full(window(&found)?)),
            Updated::Lost(None) => None,
        })
    }

    /// Starts a new window in the place of one that is over, unless somebody else just did.
    async fn reopen_window(
        &self,
        key: &AttemptsKey,
        entry: &Entry,
        over: &Window,
        limit: Limit,
        now: Timestamp,
    ) -> Result<Option<Window>, StoreError> {
        let ends = now + limit.window;
        let reopen = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key.item("WINDOW")))
            .update_expression("SET hits = :me, windowEnd = :end, expiresAt = :ttl")
            .condition_expression("windowEnd = :over")
            .expression_attribute_values(":me", one(entry))
            .expression_attribute_values(":end", item::millis(ends))
            .expression_attribute_values(":ttl", item::ttl(ends + KEPT_AFTER_END))
            .expression_attribute_values(":over", item::millis(over.ends))
            .return_values(ReturnValue::AllNew);
        let sent = || async { unless_condition_failed(RESERVE, reopen.clone().send().await) };
        let reopened = past_conflicts(sent).await?;
        reopened.and_then(|answer| answer.attributes).as_ref().map(window).transpose()
    }

    /// Takes an entry back out of a window. One that is not there any more is as good as returned.
    ///
    /// # Errors
    /// [`StoreError`]; then the entry stays until the window ends.
    pub async fn give_back_attempt(&self, key: &AttemptsKey, entry: &Entry) -> Result<(), StoreError> {
        const OPERATION: &str = "give an attempt back";
        // Alone in the window, as mostly: the window goes with it, and nobody's address stays behind.
        let alone = self
            .client
            .delete_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key.item("WINDOW")))
            .condition_expression("hits = :me")
            .expression_attribute_values(":me", one(entry));
        let alone = || async { unless_condition_failed(OPERATION, alone.clone().send().await) };
        if past_conflicts(alone).await?.is_some() {
            return Ok(());
        }
        let among_others = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key.item("WINDOW")))
            .update_expression("DELETE hits :me")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":me", one(entry));
        past_conflicts(|| async { unless_condition_failed(OPERATION, among_others.clone().send().await) })
            .await
            .map(drop)
    }

    /// Forgets the failures of an account: its window, if this entry is in it, and its run.
    ///
    /// The condition makes a repeated or late delete harmless: a window that others have filled since is not ours.
    ///
    /// # Errors
    /// [`StoreError`]; then they stay, at worst until the window ends.
    pub async fn clear_account_attempts(&self, email: &Email, mine: &Entry) -> Result<(), StoreError> {
        const OPERATION: &str = "clear an account's attempts";
        let key = AttemptsKey::account(email);
        let delete =
            |sk| self.client.delete_item().table_name(&self.tables.sessions).set_key(Some(key.item(sk)));
        let window = delete("WINDOW")
            .condition_expression("contains(hits, :me_once)")
            .expression_attribute_values(":me_once", item::text(mine.as_str()));
        let run = delete("RUN");
        let (window, run) = tokio::join!(
            past_conflicts(|| async { unless_condition_failed(OPERATION, window.clone().send().await) }),
            past_conflicts(|| async { unless_condition_failed(OPERATION, run.clone().send().await) }),
        );
        window.and(run).map(drop)
    }
}

/// A set of this entry.
pub(super) fn one(entry: &Entry) -> AttributeValue {
    AttributeValue::Ss(vec![entry.as_str().to_owned()])
}

pub(super) fn entries(found: &item::Item, name: &str) -> Vec<String> {
    found.get(name).and_then(|set| set.as_ss().ok()).cloned().unwrap_or_default()
}

pub(super) fn window(found: &item::Item) -> Result<Window, StoreError> {
    let ends = found.get("windowEnd").and_then(|end| end.as_n().ok()).and_then(|end| end.parse().ok());
    let ends = ends.and_then(|end| Timestamp::from_millisecond(end).ok());
    let ends = ends.ok_or(StoreError::Malformed { operation: RESERVE })?;
    Ok(Window { entries: entries(found, "hits"), ends })
}
