//! Every user, page by page: an operator's list and export. No function does this, and no function's role allows it.

use serde_dynamo::from_item;

use super::{Store, StoreError, item};
use crate::domain::user::Profile;

/// A part of the table, read beside the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Which, from 0.
    pub number: i32,
    /// Of how many.
    pub of: i32,
}

impl Segment {
    /// The whole table.
    pub const WHOLE: Self = Self { number: 0, of: 1 };
}

/// Where a page ended.
#[derive(Debug, Clone)]
pub struct PageKey(item::Item);

/// Some users.
#[derive(Debug)]
pub struct UserPage {
    /// The users.
    pub profiles: Vec<Profile>,
    /// The ids of rows that could not be read, which are no users of this version's.
    pub unreadable: Vec<String>,
    /// Where the next page begins, if there is one.
    pub next: Option<PageKey>,
}

impl Store {
    /// The users of a page, as they are now; in no order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn users(&self, segment: Segment, from: Option<PageKey>) -> Result<UserPage, StoreError> {
        const OPERATION: &str = "list users";
        let page = self
            .client
            .scan()
            .table_name(&self.tables.identity)
            .segment(segment.number)
            .total_segments(segment.of)
            .filter_expression("sk = :profile")
            .expression_attribute_values(":profile", item::text("PROFILE"))
            .consistent_read(true)
            .set_exclusive_start_key(from.map(|key| key.0))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        let (mut profiles, mut unreadable) = (Vec::new(), Vec::new());
        for row in page.items.unwrap_or_default() {
            let id = row.get("pk").and_then(|pk| pk.as_s().ok()?.strip_prefix("USER#").map(str::to_owned));
            match from_item(row) {
                Ok(profile) => profiles.push(profile),
                Err(_) => unreadable.push(id.unwrap_or_default()),
            }
        }
        Ok(UserPage {
            profiles,
            unreadable,
            next: page.last_evaluated_key.filter(|key| !key.is_empty()).map(PageKey),
        })
    }
}
