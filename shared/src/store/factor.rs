//! `FACTOR#<uid>` / `TOTP#<fid>`, `PASSKEY#<digest>`, `RECOVERY`: the second factors of a user.
//!
//! A partition of its own, which `login` and the authorizer have no right on. What a login needs to know of it, that there are
//! some, stands in the profile and is written in the same transaction (`factor_change`).

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{Timestamp, fmt::serde::timestamp::millisecond};
use serde::{Deserialize, Serialize};

use super::{
    AttemptsKey, Store, StoreError,
    change::{Updated, conditional, updated},
    item,
    pages::Pages,
    retry::past_conflicts,
};
use crate::{
    domain::{
        attempts::Entry,
        ids::{FactorId, UserId},
        moment::{Moment, RequestId},
    },
    keys::Sealed,
    webauthn::StoredPasskey,
};

/// An authenticator app of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TotpFactor {
    pub factor_id: FactorId,
    /// Whether its first code was shown.
    pub state: FactorState,
    /// What its user calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the app and we share.
    #[serde(flatten)]
    pub secret: Sealed,
    /// The last step that a code was used of. It and those before it count no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_step: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<RequestId>,
    /// When it was made.
    #[serde(with = "millisecond::required")]
    pub created_at: Timestamp,
    /// When it was last used.
    #[serde(default, with = "millisecond::optional", skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// A pending one has to be confirmed before.
    #[serde(default, with = "millisecond::optional", skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
}

crate::domain::named! {
    /// Whether a factor counts.
    pub enum FactorState {
        /// It does.
        Active = "active",
        /// Its user has not shown a code yet. So is one in a state that this version does not know.
        #[serde(other)]
        Pending = "pending",
    }
}

impl TotpFactor {
    /// Whether its codes count.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == FactorState::Active
    }

    /// Whether its first code may still be shown.
    #[must_use]
    pub fn is_pending(&self, now: Timestamp) -> bool {
        self.state == FactorState::Pending && self.ends.is_some_and(|ends| now < ends)
    }
}

/// The recovery codes of a user that are left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodes {
    /// The key that their MACs are made with.
    pub kid: String,
    /// Their MACs.
    #[serde(default)]
    pub codes: BTreeSet<String>,
    /// When they were made.
    #[serde(with = "millisecond::required")]
    pub created_at: Timestamp,
    /// The last one that was used, and by which request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<RequestId>,
}

/// The second factors of a user, pending ones too.
#[derive(Debug, Clone, Default)]
pub struct FactorRows {
    /// Authenticator apps, the oldest first.
    pub totp: Vec<TotpFactor>,
    pub passkeys: Vec<StoredPasskey>,
    /// The recovery codes that are left.
    pub recovery: Option<RecoveryCodes>,
}

impl FactorRows {
    /// Whether the user has a factor that recovery codes could stand in for.
    #[must_use]
    pub fn has_factor(&self) -> bool {
        !self.passkeys.is_empty() || self.totp.iter().any(TotpFactor::is_active)
    }
}

pub(super) fn partition(user: UserId) -> String {
    format!("FACTOR#{user}")
}

pub(super) fn totp_key(user: UserId, factor: FactorId) -> item::Item {
    item::key(partition(user), format!("TOTP#{factor}"))
}

pub(super) fn recovery_key(user: UserId) -> item::Item {
    item::key(partition(user), "RECOVERY")
}

pub(super) fn recovery_row(
    operation: &'static str,
    user: UserId,
    codes: &RecoveryCodes,
) -> Result<item::Item, StoreError> {
    let mut row = item::write(operation, recovery_key(user), codes, None)?;
    // A DynamoDB set, so that using one up is a single, repeatable write.
    row.insert("codes".to_owned(), AttributeValue::Ss(codes.codes.iter().cloned().collect()));
    Ok(row)
}

impl Store {
    /// The second factors of a user, as they are now.
    ///
    /// # Errors
    /// [`StoreError`]; half a list is none.
    pub async fn factors(&self, user: UserId) -> Result<FactorRows, StoreError> {
        const OPERATION: &str = "read second factors";
        let query = self
            .client
            .query()
            .table_name(&self.tables.identity)
            .key_condition_expression("pk = :user")
            .expression_attribute_values(":user", item::text(partition(user)))
            .consistent_read(true);
        let (mut pages, mut rows) = (Pages::of(OPERATION, query), FactorRows::default());
        while let Some(page) = pages.next().await? {
            for found in page {
                let sk =
                    found.get("sk").and_then(|sk| sk.as_s().ok()).map(String::as_str).unwrap_or_default();
                match sk.split('#').next() {
                    Some("TOTP") => rows.totp.push(item::read(OPERATION, found)?),
                    Some("PASSKEY") => rows.passkeys.push(item::read(OPERATION, found)?),
                    Some("RECOVERY") => rows.recovery = Some(item::read(OPERATION, found)?),
                    // Of a later version.
                    _ => {}
                }
            }
        }
        Ok(rows)
    }

    /// Remembers an authenticator app whose first code is still to be shown.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be there, and nobody knows its secret.
    pub async fn put_pending_totp(&self, user: UserId, factor: &TotpFactor) -> Result<(), StoreError> {
        const OPERATION: &str = "begin an enrolment";
        let row = item::write(OPERATION, totp_key(user, factor.factor_id), factor, factor.ends)?;
        self.put_once(OPERATION, &self.tables.identity, row).await
    }

    /// Uses a step of an authenticator app up, and every step before it. `false`: it was used, by whomever, or the factor is gone.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be used up.
    pub async fn use_totp_step(
        &self,
        user: UserId,
        factor: FactorId,
        step: i64,
        resealed: Option<&Sealed>,
        moment: &Moment,
    ) -> Result<bool, StoreError> {
        const OPERATION: &str = "use a code";
        let mut set = "SET lastStep = :step, usedBy = :me, lastUsedAt = :now".to_owned();
        let mut update = self.client.update_item();
        if let Some(sealed) = resealed {
            let row: item::Item =
                serde_dynamo::to_item(sealed).map_err(|_| StoreError::Malformed { operation: OPERATION })?;
            for (name, value) in row {
                set.push_str(&format!(", {name} = :{name}"));
                update = update.expression_attribute_values(format!(":{name}"), value);
            }
        }
        let update = update
            .table_name(&self.tables.identity)
            .set_key(Some(totp_key(user, factor)))
            .update_expression(set)
            .condition_expression("#state = :active AND (attribute_not_exists(lastStep) OR lastStep < :step)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":active", item::text("active"))
            .expression_attribute_values(":step", item::number(step))
            .expression_attribute_values(":me", item::text(moment.request.as_str()))
            .expression_attribute_values(":now", item::millis(moment.now));
        let used = updated(OPERATION, update).await?;
        Ok(match used {
            Updated::Took(_) => true,
            // An earlier try of this very request took, and its answer was lost.
            Updated::Lost(Some(found)) => {
                let found: TotpFactor = item::read(OPERATION, found)?;
                found.last_step == Some(step) && found.used_by.as_ref() == Some(&moment.request)
            }
            Updated::Lost(None) => false,
        })
    }

    /// Forgets the failures in a window, if this entry is in it: a window that others have filled since is not ours.
    ///
    /// # Errors
    /// [`StoreError`]; then they stay, at worst until the window ends.
    pub async fn clear_attempts(&self, key: &AttemptsKey, mine: &Entry) -> Result<(), StoreError> {
        const OPERATION: &str = "clear attempts";
        let delete = self
            .client
            .delete_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key.item()))
            .condition_expression("contains(hits, :me)")
            .expression_attribute_values(":me", item::text(mine.as_str()));
        conditional(OPERATION, || delete.clone().send()).await.map(drop)
    }

    /// Forgets the wrong second factors of a user, whoever showed them.
    ///
    /// # Errors
    /// [`StoreError`]; then it can be repeated.
    pub async fn forget_factor_attempts(&self, user: UserId) -> Result<(), StoreError> {
        const OPERATION: &str = "forget wrong second factors";
        let key = AttemptsKey::factor(user).item();
        let delete = self.client.delete_item().table_name(&self.tables.sessions).set_key(Some(key));
        past_conflicts(|| async {
            delete.clone().send().await.map_err(|error| StoreError::from_sdk(OPERATION, &error))
        })
        .await
        .map(drop)
    }

    /// Uses a recovery code up. `false`: there is none of this MAC any more.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be used up.
    pub async fn use_recovery_code(
        &self,
        user: UserId,
        mac: &str,
        moment: &Moment,
    ) -> Result<bool, StoreError> {
        const OPERATION: &str = "use a recovery code";
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.identity)
            .set_key(Some(recovery_key(user)))
            .update_expression("SET lastUsed = :mac, usedBy = :me DELETE codes :one")
            .condition_expression("contains(codes, :mac)")
            .expression_attribute_values(":mac", item::text(mac))
            .expression_attribute_values(":one", AttributeValue::Ss(vec![mac.to_owned()]))
            .expression_attribute_values(":me", item::text(moment.request.as_str()));
        let used = updated(OPERATION, update).await?;
        Ok(match used {
            Updated::Took(_) => true,
            Updated::Lost(Some(found)) => {
                let found: RecoveryCodes = item::read(OPERATION, found)?;
                found.last_used.as_deref() == Some(mac) && found.used_by.as_ref() == Some(&moment.request)
            }
            Updated::Lost(None) => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_factor_of_a_row_of_before_counts_as_it_did_and_one_of_a_later_version_does_not() {
        assert_eq!(json!(FactorState::ALL), json!(["active", "pending"]));
        assert_eq!(serde_json::from_value::<FactorState>(json!("paused")).unwrap(), FactorState::Pending);
    }
}
