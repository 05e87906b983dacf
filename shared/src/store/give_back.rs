//! Places that are given back, and failures that are forgotten.

use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::ReturnValue};

use super::{AttemptsKey, Store, StoreError, attempts::one, change::conditional, item, rate};
use crate::domain::attempts::Entry;

const GIVE_BACK: &str = "give an attempt back";

impl Store {
    /// Takes an entry back out of a window, and the failure that it would have been. One that is not there any more is as good as
    /// returned. Counts of calls that are `over` go with it.
    ///
    /// # Errors
    /// [`StoreError`]; then the entry stays until the window ends.
    pub async fn give_back_attempt(
        &self,
        key: &AttemptsKey,
        entry: &Entry,
        over: &[String],
    ) -> Result<(), StoreError> {
        if key.counts_failures() && self.give_back_the_only_failure(key, entry).await? {
            return Ok(());
        }
        let less = if key.counts_failures() { " ADD failures :less" } else { "" };
        // Alone in the window, as mostly: the window goes with it.
        let mut gone = vec!["hits".to_owned(), "windowEnd".to_owned()];
        gone.extend(rate::placeholders(over.len()));
        let alone = self
            .change(key)
            .update_expression(format!("REMOVE {}{less}", gone.join(", ")))
            .condition_expression("hits = :me")
            .set_expression_attribute_names(rate::names(None, over));
        if self.give_back(key, entry, alone).await?.is_some() {
            return Ok(());
        }
        let among_others = self
            .change(key)
            .update_expression(format!("DELETE hits :me{less}"))
            .condition_expression("contains(hits, :mine)")
            .expression_attribute_values(":mine", item::text(entry.as_str()))
            .return_values(ReturnValue::AllNew);
        match self.give_back(key, entry, among_others).await? {
            // Somebody else left in the same moment, and nobody is in it any more.
            Some(left) if !left.contains_key("hits") => self.close_window(key).await,
            _ => Ok(()),
        }
    }

    /// An account's only failure leaves nothing behind that is of use. `false`: there is more in the item.
    async fn give_back_the_only_failure(&self, key: &AttemptsKey, entry: &Entry) -> Result<bool, StoreError> {
        let only = self
            .client
            .delete_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key.item()))
            .condition_expression("hits = :me AND failures = :one")
            .expression_attribute_values(":me", one(entry))
            .expression_attribute_values(":one", item::number(1));
        Ok(conditional(GIVE_BACK, || only.clone().send()).await?.is_some())
    }

    /// One way of giving a place back. The item as it is then, if it was asked for; `None`: its condition failed.
    async fn give_back(
        &self,
        key: &AttemptsKey,
        entry: &Entry,
        change: UpdateItemFluentBuilder,
    ) -> Result<Option<item::Item>, StoreError> {
        let change = change.expression_attribute_values(":me", one(entry));
        let change = match key.counts_failures() {
            true => change.expression_attribute_values(":less", item::number(-1)),
            false => change,
        };
        let given_back = conditional(GIVE_BACK, || change.clone().send()).await?;
        Ok(given_back.map(|answer| answer.attributes.unwrap_or_default()))
    }

    /// A window without entries goes, unless somebody entered it: the next one is to begin with its own first entry.
    async fn close_window(&self, key: &AttemptsKey) -> Result<(), StoreError> {
        let close = self
            .change(key)
            .update_expression("REMOVE windowEnd")
            .condition_expression("attribute_exists(windowEnd) AND attribute_not_exists(hits)");
        conditional(GIVE_BACK, || close.clone().send()).await.map(drop)
    }

    fn change(&self, key: &AttemptsKey) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.tables.sessions).set_key(Some(key.item()))
    }

    /// Forgets the failures in the window of whose owner this is: window, run and alarm.
    ///
    /// The condition makes a repeated or late delete harmless: a window that others have filled since is not ours. Where one has
    /// begun since ours ended, the run before it is forgotten and its guesses stay.
    ///
    /// # Errors
    /// [`StoreError`]; then they stay, the window's at worst until it ends.
    pub async fn forgive_attempts(&self, key: &AttemptsKey, mine: &Entry) -> Result<(), StoreError> {
        const OPERATION: &str = "clear an account's attempts";
        let clear = self
            .client
            .delete_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key.item()))
            .condition_expression("contains(hits, :mine)")
            .expression_attribute_values(":mine", item::text(mine.as_str()));
        if conditional(OPERATION, || clear.clone().send()).await?.is_some() {
            return Ok(());
        }
        let end_run = self
            .change(key)
            .update_expression("SET failures = :none REMOVE alarmed")
            .condition_expression("attribute_exists(failures)")
            .expression_attribute_values(":none", item::number(0));
        conditional(OPERATION, || end_run.clone().send()).await.map(drop)
    }
}
