//! Lists that are longer than a page.
//!
//! The SDK has a paginator too, but it takes a key that comes twice for the end of a list. Here half a list is none.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

use super::{StoreError, item::Item};

/// A query that is asked page by page.
pub(super) struct Pages {
    operation: &'static str,
    /// What to ask next, if there is more.
    query: Option<QueryFluentBuilder>,
}

impl Pages {
    pub(super) const fn of(operation: &'static str, query: QueryFluentBuilder) -> Self {
        Self { operation, query: Some(query) }
    }

    /// The next page, which may be empty. `None`: that was all.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Item>>, StoreError> {
        let Some(query) = self.query.take() else { return Ok(None) };
        let page =
            query.clone().send().await.map_err(|error| StoreError::from_sdk(self.operation, &error))?;
        self.query = following(page.last_evaluated_key).map(|key| query.set_exclusive_start_key(Some(key)));
        Ok(Some(page.items.unwrap_or_default()))
    }

    /// The next page, of no more rows than this.
    pub(super) async fn next_of(&mut self, rows: usize) -> Result<Option<Vec<Item>>, StoreError> {
        let rows = i32::try_from(rows).unwrap_or(i32::MAX);
        self.query = self.query.take().map(|query| query.limit(rows));
        self.next().await
    }
}

/// Where the following page begins. DynamoDB may say by an empty key that there is none.
pub(super) fn following(last: Option<Item>) -> Option<Item> {
    last.filter(|key| !key.is_empty())
}
