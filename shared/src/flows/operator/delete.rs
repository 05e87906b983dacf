use super::{Operator, ROUNDS, edit::contention};
use crate::{
    domain::{ids::UserId, refusal::Refusal, security_event::SecurityEvent, user::Profile},
    flows::{FlowError, journal::announce},
    store::UserDeleted,
};

/// What went with a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// Rows of sessions.
    pub sessions: usize,
    /// Entries of the security log; `None` where it stays.
    pub log: Option<usize>,
}

impl Operator<'_> {
    /// Deletes a user: first credential and profile, by which every session of theirs ends, then what counts for
    /// nothing without them. The security log stays until its time is over, unless it is to go too. A profile whose address
    /// is another user's goes alone.
    ///
    /// # Errors
    /// `NotFound`, or that storage failed. What is left then can be removed with [`Operator::clear_up`].
    pub async fn delete(&self, user: &Profile, with_log: bool) -> Result<Deleted, FlowError> {
        let mut user = user.clone();
        for _ in 0..ROUNDS {
            let entry = self.event(SecurityEvent::UserDeleted, user.id);
            let deleted = self.store.delete_user(&user, &entry).await?;
            match deleted {
                UserDeleted::Gone => return Err(Refusal::NotFound.into()),
                UserDeleted::Changed => {
                    user = self.store.profile(user.id).await?.ok_or(Refusal::NotFound)?;
                    continue;
                }
                UserDeleted::Done | UserDeleted::Orphan => {}
            }
            announce(&entry);
            // Those at another user's address are theirs.
            if deleted == UserDeleted::Done {
                self.store.forget_attempts(&user.email, None).await?;
            }
            return self.clear_up(user.id, with_log).await;
        }
        Err(contention("delete a user"))
    }

    /// Removes what is left of a user who is gone.
    ///
    /// # Errors
    /// That storage failed; then it can be repeated.
    pub async fn clear_up(&self, user: UserId, with_log: bool) -> Result<Deleted, FlowError> {
        let sessions = self.store.remove_sessions(user).await?;
        self.store.remove_factors(user).await?;
        let log = if with_log { Some(self.store.remove_log(user).await?) } else { None };
        Ok(Deleted { sessions, log })
    }
}
