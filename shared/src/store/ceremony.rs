//! `CEREMONY#<sha256(challenge)>` / `STATE`: a challenge that was given out to a browser, what for and to whom. It is answered once,
//! within five minutes.

use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp, fmt::serde::timestamp::millisecond::required as millis};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, change::conditional, item};
use crate::{
    domain::{
        ids::{SessionId, UserId},
        moment::Moment,
    },
    webauthn::Challenge,
};

/// How long a challenge may be answered, as browsers are told.
pub const CEREMONY_LASTS: SignedDuration = SignedDuration::from_mins(5);

/// The row is of no use after its end.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(1);

crate::domain::named! {
    /// What a challenge is for. One for something else is none.
    pub enum CeremonyKind {
        /// A user who is logged in makes a passkey.
        Register = "register",
        /// Somebody logs in with a passkey alone, or with one after their password.
        Login = "login",
        /// A user who is logged in shows who they are once more.
        StepUp = "step-up",
    }
}

/// A challenge's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ceremony {
    pub kind: CeremonyKind,
    /// Who may answer it; without one, whoever has a passkey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// When it is over. Milliseconds.
    #[serde(with = "millis")]
    pub ends: Timestamp,
}

fn key(challenge: &Challenge) -> item::Item {
    item::key(format!("CEREMONY#{}", challenge.digest()), "STATE")
}

impl Store {
    /// Remembers a challenge before it is given out. What is there of it already is this very write, made twice: nobody draws
    /// the same 32 bytes. So an answered one does not come back.
    ///
    /// # Errors
    /// [`StoreError`]; then it must not be given out.
    pub async fn begin_ceremony(&self, challenge: &Challenge, ceremony: &Ceremony) -> Result<(), StoreError> {
        const OPERATION: &str = "begin a ceremony";
        let row = item::write(OPERATION, key(challenge), ceremony, Some(ceremony.ends + KEPT_AFTER_END))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.sessions)
            .set_item(Some(row))
            .condition_expression("attribute_not_exists(pk)");
        conditional(OPERATION, || put.clone().send()).await.map(drop)
    }

    /// Uses a challenge up, before anything of its answer is believed. `None`: it is not ours, is for something else, is over,
    /// or was answered before; by this very request it may have been.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be used up, and the same request may still take it.
    pub async fn take_ceremony(
        &self,
        challenge: &Challenge,
        kind: CeremonyKind,
        moment: &Moment,
    ) -> Result<Option<Ceremony>, StoreError> {
        const OPERATION: &str = "take a ceremony";
        let take = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key(challenge)))
            .update_expression("SET usedBy = :request")
            .condition_expression(
                "attribute_exists(pk) AND kind = :kind AND ends > :now \
                 AND (attribute_not_exists(usedBy) OR usedBy = :request)",
            )
            .expression_attribute_values(":kind", item::text(kind.name()))
            .expression_attribute_values(":now", item::millis(moment.now))
            .expression_attribute_values(":request", item::text(moment.request.as_str()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::None);
        let taken = conditional(OPERATION, || take.clone().send()).await?;
        taken.and_then(|taken| taken.attributes).map(|row| item::read(OPERATION, row)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_ceremony_that_was_begun_before_an_update_ends_after_it() {
        let names = ["register", "login", "step-up"];
        assert_eq!(CeremonyKind::ALL.map(CeremonyKind::name), names);
        assert_eq!(json!(CeremonyKind::ALL), json!(names));
    }
}
