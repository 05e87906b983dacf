use std::collections::BTreeSet;

use super::{Operator, ROUNDS, edit::contention};
use crate::{
    domain::{
        ids::UserId,
        refusal::{Fault, Refusal},
        security_event::SecurityEvent,
        user::check_permissions,
    },
    flows::{FlowError, journal::announce},
    store::{AccessChange, EventRow},
};

impl Operator<'_> {
    /// Changes what a user may do, in force on the next decision. Sessions go on, unless they are to end in the same write:
    /// an access token that others verify by themselves says the old role until its end.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` where the user would have permissions that nobody may have, or more than that; or that storage
    /// failed; then it can be repeated.
    pub async fn change_access(
        &self,
        user: UserId,
        change: &AccessChange,
        end_sessions: bool,
    ) -> Result<(), FlowError> {
        let event = self.event(SecurityEvent::UserUpdated, user);
        let changed = match change {
            AccessChange::Grant(more) => self.grant(user, more, end_sessions, &event).await?,
            _ => self.store.change_access(user, change, None, end_sessions, &event).await?,
        };
        if !changed {
            return Err(Refusal::NotFound.into());
        }
        announce(&event);
        Ok(())
    }

    /// `false`: there is no such user.
    async fn grant(
        &self,
        user: UserId,
        more: &BTreeSet<String>,
        end_sessions: bool,
        event: &EventRow,
    ) -> Result<bool, FlowError> {
        let refused = |fault: Fault| Refusal::field("permissions", fault);
        check_permissions(more).map_err(refused)?;
        let change = AccessChange::Grant(more.clone());
        // Nearly always there is room, whatever is held.
        if self.store.change_access(user, &change, None, end_sessions, event).await? {
            return Ok(true);
        }
        for _ in 0..ROUNDS {
            let Some(profile) = self.store.profile(user).await? else { return Ok(false) };
            let held = profile.permissions;
            check_permissions(&held.union(more).cloned().collect()).map_err(refused)?;
            if self.store.change_access(user, &change, Some(&held), end_sessions, event).await? {
                return Ok(true);
            }
        }
        Err(contention("change what a user may do"))
    }
}
