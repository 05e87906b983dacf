use std::{future::Future, time::Duration};

use super::Operator;
use crate::{
    domain::{ids::UserId, security_event::SecurityEvent, user::Profile, user_record::UserRecord},
    entropy,
    flows::FlowError,
    retry::Retry,
    store::{Credential, NewUser, StoreError, UserCreated},
};

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// The user is there now; or would be, where it was only tried.
    Created,
    /// Somebody has the address already, and stays as they are.
    Existing,
}

/// How often what was throttled is tried again.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Tries after the first.
    pub retries: u32,
    /// The first pause; each one is twice as long, up to `LONGEST`.
    pub pause: Duration,
}

const LONGEST: Duration = Duration::from_secs(5);

impl Default for Patience {
    fn default() -> Self {
        Self { retries: 10, pause: Duration::from_millis(50) }
    }
}

impl Operator<'_> {
    /// Makes the users of up to [`crate::store::USERS_AT_ONCE`] records of different addresses. Who has an address keeps
    /// it, whatever the record says: it may be a user who registered a moment ago.
    ///
    /// # Errors
    /// That storage failed for longer than the patience lasts; then some may be there, and it can be repeated.
    pub async fn import(
        &self,
        records: &[UserRecord],
        dry_run: bool,
        patience: Patience,
    ) -> Result<Vec<Imported>, FlowError> {
        let emails: Vec<_> = records.iter().map(|record| &record.email).collect();
        // Reading is half as dear as failing to write, and a second run only reads.
        let known = patient(patience, || self.store.credentials(&emails)).await?;
        let is_known = |record: &UserRecord| known.contains_key(record.email.as_str());
        let new: Vec<_> = records.iter().filter(|record| !is_known(record)).collect();
        let mut made =
            if dry_run { vec![UserCreated::Done; new.len()] } else { self.make(&new, patience).await? }
                .into_iter();
        Ok(records
            .iter()
            .map(|record| match (!is_known(record)).then(|| made.next()).flatten() {
                Some(UserCreated::Done) => Imported::Created,
                Some(UserCreated::EmailTaken) | None => Imported::Existing,
            })
            .collect())
    }

    async fn make(&self, new: &[&UserRecord], patience: Patience) -> Result<Vec<UserCreated>, FlowError> {
        let mut rows = Vec::with_capacity(new.len());
        for record in new {
            let profile = self.profile(record)?;
            let credential = Credential::new(profile.id, record.password_hash.clone());
            let event = self.event(SecurityEvent::UserCreated, profile.id);
            rows.push((profile, credential, event));
        }
        let users: Vec<_> =
            rows.iter().map(|(profile, credential, event)| NewUser { profile, credential, event }).collect();
        // The ids are made once: a repetition knows by them what it wrote itself.
        Ok(patient(patience, || self.store.create_users(&users)).await?)
    }

    fn profile(&self, record: &UserRecord) -> Result<Profile, FlowError> {
        let now = self.moment.now;
        Ok(Profile {
            id: UserId::new(entropy::uuid(now)?),
            email: record.email.clone(),
            name: record.name.clone(),
            role: record.role.clone(),
            status: record.status,
            permissions: record.permissions.clone(),
            epoch: 1,
            created_at: now,
            last_login_at: None,
            password_changed_at: now,
            email_verified_at: None,
            factors: Default::default(),
            kept: None,
        })
    }
}

/// Tries again what may pass, longer and longer apart.
async fn patient<T, F: Future<Output = Result<T, StoreError>>>(
    patience: Patience,
    call: impl Fn() -> F,
) -> Result<T, StoreError> {
    let Patience { retries: times, pause } = patience;
    // `pause` is the most that is waited, and the least is half of it.
    let retry = Retry { times, first: pause / 2, longest: LONGEST / 2, spread: 2 };
    retry.past(StoreError::is_passing, call).await
}
