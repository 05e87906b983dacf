//! `API#<apiId>` / `RULES`: the rules of an attached API.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, batch::consistent, change::conditional, item};
use crate::domain::rules::Rules;

/// Rules as they are stored, with the file that they were read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredRules {
    /// The rules, JSON: one text, so that its form is ours and not a table's.
    #[serde(with = "as_json")]
    pub rules: Rules,
    /// The file as people wrote it.
    pub source: String,
    /// When they were stored.
    pub stored_at: Timestamp,
}

pub(super) fn key(api: &str) -> item::Item {
    item::key(format!("API#{api}"), "RULES")
}

impl Store {
    /// The rules of an API, read by themselves.
    pub async fn rules(&self, api: &str) -> Result<Option<StoredRules>, StoreError> {
        let found = self.rules_row(api).await?;
        found.map(|found| item::read("read rules", found)).transpose()
    }

    async fn rules_row(&self, api: &str) -> Result<Option<item::Item>, StoreError> {
        let wanted = HashMap::from([(self.tables.identity.clone(), consistent(vec![key(api)])?)]);
        Ok(self.read_all(wanted).await?.pop())
    }

    /// Stores the rules of an API, in the place of those that it has now. `false`: others were stored at the same time. So a try that
    /// arrives late brings no older rules back. Rules that this version can't read are replaced like any others.
    ///
    /// # Errors
    /// [`StoreError`]; then they may be stored.
    pub async fn put_rules(&self, api: &str, rules: &StoredRules) -> Result<bool, StoreError> {
        const OPERATION: &str = "store rules";
        let row = item::write(OPERATION, key(api), rules, None)?;
        let put = self.client.put_item().table_name(&self.tables.identity).set_item(Some(row.clone()));
        let before = self.rules_row(api).await?.and_then(|mut before| before.remove("storedAt"));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(storedAt)"),
            Some(before) => {
                put.condition_expression("storedAt = :before").expression_attribute_values(":before", before)
            }
        };
        match conditional(OPERATION, || put.clone().send()).await? {
            Some(_) => Ok(true),
            // An earlier try of this very call may have taken, and its answer was lost.
            None => Ok(self.rules_row(api).await? == Some(row)),
        }
    }
}

mod as_json {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _, ser::Error as _};

    use super::Rules;

    pub(super) fn serialize<S: Serializer>(rules: &Rules, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&serde_json::to_string(rules).map_err(S::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rules, D::Error> {
        serde_json::from_str(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
