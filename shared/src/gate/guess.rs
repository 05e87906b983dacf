//! What a wrong password leaves behind: an entry in the security log, and, after a long run of them, an alarm.

use super::{PasswordGate, Place, nobody};
use crate::{
    domain::{
        attempts::Quota, email::Email, ids::UserId, moment::Moment, security_event::SecurityEvent,
        session::Device,
    },
    journal::announce,
    settings::RunAction,
    store::{EpochChange, EventRow, StoreError},
    telemetry,
};

/// Holds a wrong password against account and address, whose entries stay where they are and were counted when they were made; and
/// says what is left. That the rest could not be written is logged, and makes the answer no other.
pub(super) async fn record(
    gate: PasswordGate<'_>,
    account: &Place,
    whose: (&Email, Option<UserId>),
    device: &Device,
) -> Quota {
    let moment = &account.moment;
    let quota = Quota::of(account.policy, &account.taken.window, gate.limits.account, moment.now);
    let kind =
        if quota.remaining == 0 { SecurityEvent::AuthnLoginLock } else { SecurityEvent::AuthnLoginFail };
    let written = gate.gate.store.put_event(&entry(gate, kind, moment, whose, device)).await;
    telemetry::security_event(kind, moment.request.as_str(), whose.1, None);
    let alarmed = match account.taken.run.is_alarming(moment.now) {
        true => alarm(gate, account, whose, device).await,
        false => Ok(()),
    };
    for error in [written.err(), alarmed.err()].into_iter().flatten() {
        tracing::error!(error = %error, request.id = moment.request.as_str(), "a failure was not recorded");
    }
    quota
}

/// What the security log is to say, of somebody or of nobody: a row of the same size.
fn entry(
    gate: PasswordGate<'_>,
    kind: SecurityEvent,
    moment: &Moment,
    (email, user): (&Email, Option<UserId>),
    device: &Device,
) -> EventRow {
    match user {
        Some(user) => gate.journal.entry(kind, moment, user, device),
        None => gate.journal.entry_of_nobody(kind, moment, nobody(email), device),
    }
}

/// A run of failures has become so long that somebody should look, and, where that is switched on, that the account is
/// disabled. Of all who find it so, one does it; when both are written the next run begins, at whose end it happens again.
async fn alarm(
    gate: PasswordGate<'_>,
    account: &Place,
    whose: (&Email, Option<UserId>),
    device: &Device,
) -> Result<(), StoreError> {
    let (store, moment, run) = (gate.gate.store, &account.moment, &account.taken.run);
    if !store.claim_alarm(&account.key, &account.entry, run).await? {
        return Ok(());
    }
    let kind = SecurityEvent::AuthnLoginFailMax;
    telemetry::security_event(kind, moment.request.as_str(), whose.1, None);
    store.put_event(&entry(gate, kind, moment, whose, device)).await?;
    if let Some(user) = whose.1.filter(|_| gate.run_action == RunAction::Disable) {
        let updated = gate.journal.entry(SecurityEvent::UserUpdated, moment, user, device);
        store.change_epoch(user, EpochChange::Disable, &updated).await?;
        announce(&updated);
    }
    store.end_alarm(&account.key, &account.entry).await
}
