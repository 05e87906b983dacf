//! Every user, page by page: an operator's list and export; and whom a key of second factors may not be taken from. No function does this, and no function's role allows it.

use std::collections::BTreeSet;

use serde_dynamo::from_item;

use super::{Store, StoreError, item, pages::following};
use crate::domain::user::Profile;

/// A part of the table, read beside the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
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
        Ok(UserPage { profiles, unreadable, next: following(page.last_evaluated_key).map(PageKey) })
    }

    /// Whose apps and recovery codes need one of these keys, of a page of the table.
    pub async fn users_of_factor_keys(
        &self,
        kids: &[String],
        from: Option<PageKey>,
    ) -> Result<(BTreeSet<String>, Option<PageKey>), StoreError> {
        const OPERATION: &str = "look for what keys seal";
        let names: Vec<_> = (0..kids.len()).map(|at| format!(":kid{at}")).collect();
        // An enrolment that was never completed needs no key, and neither do recovery codes of which none is left.
        let filter = format!(
            "begins_with(pk, :factors) AND kid IN ({}) AND (#state = :active OR attribute_exists(codes))",
            names.join(", ")
        );
        let mut scan = self.client.scan().table_name(&self.tables.identity);
        for (name, kid) in names.iter().zip(kids) {
            scan = scan.expression_attribute_values(name, item::text(kid));
        }
        let page = scan
            .filter_expression(filter)
            .projection_expression("pk")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":factors", item::text("FACTOR#"))
            .expression_attribute_values(":active", item::text("active"))
            .consistent_read(true)
            .set_exclusive_start_key(from.map(|key| key.0))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        let user = |row: &item::Item| Some(row.get("pk")?.as_s().ok()?.strip_prefix("FACTOR#")?.to_owned());
        let users = page.items.unwrap_or_default().iter().filter_map(user).collect();
        Ok((users, following(page.last_evaluated_key).map(PageKey)))
    }
}
