//! A user gets a second factor or loses one: the factor, the profile that says so, and the epoch change together, so that every
//! session but the one that did it ends, and a login that began before ends in nothing.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, Update, builders::UpdateBuilder};
use jiff::Timestamp;

use super::{
    EventRow, RecoveryCodes, Store, StoreError, epoch, factor, item, passkey, profile, session,
    transaction::{Transacted, Write},
};
use crate::{
    domain::{
        factors::{Amr, FactorKind},
        ids::{FactorId, UserId},
        mail::{Mail, MailKey},
        session::Session,
    },
    webauthn::StoredPasskey,
};

/// What changes.
#[derive(Debug)]
pub enum FactorChange<'a> {
    /// An authenticator app has shown its first code, which was of this step.
    ConfirmTotp {
        factor: FactorId,
        /// The step, which counts no more.
        step: i64,
    },
    /// An authenticator app goes; `last`: the user has no other.
    RemoveTotp {
        factor: FactorId,
        /// Whether it is the last one of its kind.
        last: bool,
    },
    /// A passkey was made, which is nobody's yet.
    AddPasskey(&'a StoredPasskey),
    /// A passkey goes; `last`: the user has no other.
    RemovePasskey {
        passkey: &'a StoredPasskey,
        /// Whether it is the last one.
        last: bool,
    },
    /// New recovery codes take the place of those before.
    Recovery(&'a RecoveryCodes),
}

/// A change of a user's second factors by a session of theirs, which goes on.
#[derive(Debug)]
pub struct FactorCommit<'a> {
    /// The session, at the epoch that was read.
    pub session: &'a Session,
    /// What changes.
    pub change: FactorChange<'a>,
    /// The user's first recovery codes, or `None` where they have some.
    pub recovery: Option<&'a RecoveryCodes>,
    /// Whether the recovery codes go, with the last factor.
    pub without_recovery: bool,
    /// The entry of the security log.
    pub event: &'a EventRow,
    /// The mail that tells the user of it, where the stack sends mail.
    pub notice: Option<(&'a MailKey, &'a Mail)>,
    /// The time of the change.
    pub now: Timestamp,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorCommitted {
    /// It is done; no other session counts any more.
    Done,
    /// Factor, user or session is another by now: all of it has to be read again.
    Changed,
    /// The passkey is somebody's already, and that is all that is in the way.
    Taken,
}

impl Store {
    /// FACTOR changes, PROFILE says so and goes with this SESSION from epoch e to e+1, EVENT is put: all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; then it may or may not have taken effect.
    pub async fn commit_factor(&self, commit: &FactorCommit<'_>) -> Result<FactorCommitted, StoreError> {
        const OPERATION: &str = "change second factors";
        let user = commit.session.user_id;
        let mut writes = vec![
            self.factor_write(OPERATION, user, commit)?,
            self.profile_with_factors(commit).into(),
            self.session_after(commit).into(),
            self.event_put(OPERATION, commit.event)?,
        ];
        if let Some(codes) = commit.recovery {
            writes.push(self.recovery_put(OPERATION, user, codes)?);
        }
        if commit.without_recovery {
            let delete = Delete::builder().table_name(&self.tables.identity);
            writes.push(delete.set_key(Some(factor::recovery_key(user))).into());
        }
        if let Some(notice) = commit.notice {
            writes.push(self.mail_put(OPERATION, notice)?);
        }
        // The last of them.
        writes.extend(self.owner_write(OPERATION, user, &commit.change)?);
        Ok(match self.transact(OPERATION, writes).await? {
            Transacted::Done => FactorCommitted::Done,
            Transacted::ConditionsFailed(mut reasons) => {
                let owner = reasons.pop().flatten().is_some();
                let is_new = matches!(commit.change, FactorChange::AddPasskey(_));
                let is_alone = reasons.iter().all(Option::is_none);
                if is_new && owner && is_alone { FactorCommitted::Taken } else { FactorCommitted::Changed }
            }
        })
    }

    /// Whose a passkey is: nobody's before, and this user's until it goes.
    fn owner_write(
        &self,
        operation: &'static str,
        user: UserId,
        change: &FactorChange<'_>,
    ) -> Result<Option<Write>, StoreError> {
        Ok(match change {
            FactorChange::AddPasskey(passkey) => {
                Some(self.put_new(passkey::owner_row(operation, user, &passkey.credential_id)?))
            }
            FactorChange::RemovePasskey { passkey, .. } => {
                let delete = Delete::builder()
                    .table_name(&self.tables.identity)
                    .set_key(Some(passkey::owner_key(&passkey.credential_id)))
                    .condition_expression("userId = :user")
                    .expression_attribute_values(":user", item::text(user.to_string()));
                Some(delete.into())
            }
            FactorChange::ConfirmTotp { .. }
            | FactorChange::RemoveTotp { .. }
            | FactorChange::Recovery(_) => None,
        })
    }

    fn factor_write(
        &self,
        operation: &'static str,
        user: UserId,
        commit: &FactorCommit<'_>,
    ) -> Result<Write, StoreError> {
        let delete = |key| {
            let delete = Delete::builder().table_name(&self.tables.identity);
            delete.set_key(Some(key)).condition_expression("attribute_exists(pk)").into()
        };
        Ok(match commit.change {
            FactorChange::ConfirmTotp { factor, step } => Update::builder()
                .table_name(&self.tables.identity)
                .set_key(Some(factor::totp_key(user, factor)))
                .update_expression(
                    "SET #state = :active, lastStep = :step, lastUsedAt = :now REMOVE ends, expiresAt",
                )
                .condition_expression("#state = :pending AND ends > :now")
                .expression_attribute_names("#state", "state")
                .expression_attribute_values(":active", item::text("active"))
                .expression_attribute_values(":pending", item::text("pending"))
                .expression_attribute_values(":step", item::number(step))
                .expression_attribute_values(":now", item::millis(commit.now))
                .into(),
            FactorChange::RemoveTotp { factor, .. } => delete(factor::totp_key(user, factor)),
            FactorChange::AddPasskey(passkey) => self.put_new(passkey::row(operation, user, passkey)?),
            FactorChange::RemovePasskey { passkey, .. } => delete(passkey::key(user, &passkey.credential_id)),
            FactorChange::Recovery(codes) => self.recovery_put(operation, user, codes)?,
        })
    }

    fn put_new(&self, row: item::Item) -> Write {
        let put = Put::builder().table_name(&self.tables.identity);
        put.set_item(Some(row)).condition_expression("attribute_not_exists(pk)").into()
    }

    fn recovery_put(
        &self,
        operation: &'static str,
        user: UserId,
        codes: &RecoveryCodes,
    ) -> Result<Write, StoreError> {
        let put = Put::builder().table_name(&self.tables.identity);
        Ok(put.set_item(Some(factor::recovery_row(operation, user, codes)?)).into())
    }

    /// The epoch is the one that was read: of two changes at once, one reads again what the other left.
    fn profile_with_factors(&self, commit: &FactorCommit<'_>) -> UpdateBuilder {
        let (more, kind) = match commit.change {
            FactorChange::ConfirmTotp { .. } => (" ADD factors :kind", Some(FactorKind::Totp)),
            FactorChange::RemoveTotp { last: true, .. } => (" DELETE factors :kind", Some(FactorKind::Totp)),
            FactorChange::AddPasskey(_) => (" ADD factors :kind", Some(FactorKind::Passkey)),
            FactorChange::RemovePasskey { last: true, .. } => {
                (" DELETE factors :kind", Some(FactorKind::Passkey))
            }
            FactorChange::RemoveTotp { .. }
            | FactorChange::RemovePasskey { .. }
            | FactorChange::Recovery(_) => ("", None),
        };
        let update = raised(commit.session)
            .table_name(&self.tables.identity)
            .set_key(Some(profile::key(commit.session.user_id)))
            .update_expression(format!("SET epoch = :next, kept = :kept{more}"))
            .expression_attribute_values(
                ":kept",
                epoch::kept(commit.session.epoch.saturating_add(1), commit.session.session_id),
            )
            .condition_expression("#status = :active AND epoch = :epoch")
            .expression_attribute_names("#status", "status");
        match kind {
            Some(kind) => {
                update.expression_attribute_values(":kind", AttributeValue::Ss(vec![kind.name().to_owned()]))
            }
            None => update,
        }
    }

    /// Whoever confirms a factor has just shown it: a session that could do nothing else is a whole one now.
    fn session_after(&self, commit: &FactorCommit<'_>) -> UpdateBuilder {
        let update = raised(commit.session)
            .table_name(&self.tables.sessions)
            .set_key(Some(session::key(commit.session.user_id, commit.session.session_id)))
            .expression_attribute_names("#state", "state");
        let shown = match commit.change {
            FactorChange::ConfirmTotp { .. } => vec![Amr::Pwd, Amr::Otp],
            FactorChange::AddPasskey(passkey) => {
                let mut shown = commit.session.amr.clone();
                // A row of before: by password.
                if shown.is_empty() {
                    shown.insert(Amr::Pwd);
                }
                shown.extend(passkey.amr());
                shown.into_iter().collect()
            }
            FactorChange::RemoveTotp { .. }
            | FactorChange::RemovePasskey { .. }
            | FactorChange::Recovery(_) => vec![],
        };
        match commit.change {
            FactorChange::ConfirmTotp { .. } | FactorChange::AddPasskey(_) => update
                .update_expression(
                    "SET epoch = :next, #state = :active, authTime = :now, factorTime = :now, amr = :amr",
                )
                .condition_expression("#state IN (:active, :enrolling) AND epoch = :epoch")
                .expression_attribute_values(":enrolling", item::text("enrolling"))
                .expression_attribute_values(":now", item::millis(commit.now))
                .expression_attribute_values(":amr", session::amr(&shown)),
            FactorChange::RemoveTotp { .. }
            | FactorChange::RemovePasskey { .. }
            | FactorChange::Recovery(_) => update
                .update_expression("SET epoch = :next")
                .condition_expression("#state = :active AND epoch = :epoch"),
        }
    }
}

fn raised(session: &Session) -> UpdateBuilder {
    Update::builder()
        .expression_attribute_values(":active", item::text("active"))
        .expression_attribute_values(":epoch", item::number(session.epoch))
        .expression_attribute_values(":next", item::number(session.epoch.saturating_add(1)))
}
