use super::{Operator, ROUNDS};
use crate::{
    domain::{
        email::Email, ids::UserId, mail::Notice, moment::Moment, name::PersonName, refusal::Refusal,
        security_event::SecurityEvent, user::Profile,
    },
    flows::{FlowError, journal::announce},
    store::{Store, StoreError, UserMoved},
};

/// What a user is to be from now on; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// The address to log in with.
    pub email: Option<Email>,
    pub name: Option<PersonName>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// The user has another address, with another name or not, and every session has ended.
    Moved,
    /// The user has another name, and nothing else has changed.
    Renamed,
    /// The user was like that already.
    Unchanged,
}

/// How far back it is looked for an address that a user had: a change is repeated soon.
const ENTRIES: usize = 1000;

impl Operator<'_> {
    /// Gives a user another address, by which every session of theirs ends as by another password, or another name, or both
    /// in one write. The old address is told of another one. Said again, it finds that there is nothing to do.
    ///
    /// # Errors
    /// `NotFound` (also of a user who has no password, so that no address is theirs), `EmailTaken`, or that storage failed;
    /// then it can be repeated.
    pub async fn edit(&self, user: UserId, edit: &Edit) -> Result<Edited, FlowError> {
        let mut orphaned = None;
        for _ in 0..ROUNDS {
            let profile = self.store.profile(user).await?.ok_or(Refusal::NotFound)?;
            let name = edit.name.as_ref().unwrap_or(&profile.name);
            let Some(email) = edit.email.as_ref().filter(|email| **email != profile.email) else {
                return self.rename(&profile, name).await;
            };
            let event = self.event(SecurityEvent::UserUpdated, user).moved_from(&profile.email);
            let notice = self.told(Notice::AddressChanged, user, &profile.email)?;
            match self.store.move_user(&profile, (email, name), &event, notice.as_ref()).await? {
                UserMoved::Done => {
                    announce(&event);
                    return Ok(Edited::Moved);
                }
                UserMoved::EmailTaken => return Err(Refusal::EmailTaken.into()),
                // Somebody else may have changed the address between the reading of the one and of the other.
                UserMoved::NoCredential if orphaned.as_ref() == Some(&profile.email) => {
                    return Err(Refusal::NotFound.into());
                }
                UserMoved::NoCredential => orphaned = Some(profile.email),
                UserMoved::Changed => {}
            }
        }
        Err(contention("change an address"))
    }

    async fn rename(&self, profile: &Profile, name: &PersonName) -> Result<Edited, FlowError> {
        if *name == profile.name {
            return Ok(Edited::Unchanged);
        }
        let event = self.event(SecurityEvent::UserUpdated, profile.id);
        if !self.store.rename_user(profile.id, name, &event).await? {
            return Err(Refusal::NotFound.into());
        }
        announce(&event);
        Ok(Edited::Renamed)
    }
}

/// Who has `new` now and had `old` before, by their security log: a change whose answer was lost, said again.
pub async fn moved_before(
    store: &Store,
    moment: &Moment,
    old: &Email,
    new: &Email,
) -> Result<Option<UserId>, StoreError> {
    let Some(credential) = store.credential(new).await? else { return Ok(None) };
    let log = store.security_log(credential.user_id, ENTRIES, moment.now).await?;
    let was = Some(old.digest());
    Ok(log.iter().any(|entry| entry.email_was == was).then_some(credential.user_id))
}

/// Others were faster each time.
pub(super) fn contention(operation: &'static str) -> FlowError {
    StoreError::Unavailable { operation, reason: "contention".into() }.into()
}
