use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::Operator;
use crate::{
    domain::{
        email::Email,
        ids::UserId,
        mail::{Mail, MailKind},
        name::PersonName,
        password::Password,
        refusal::Refusal,
        security_event::SecurityEvent,
        user::{Profile, Role, Status, check_permissions},
    },
    entropy,
    flows::{FlowError, journal::announce, mail::new_key},
    passwords::Hasher,
    store::{Credential, NewUser, UserCreated},
};

/// Somebody whom an operator wants to have as a user.
#[derive(Debug)]
pub struct Guest {
    /// The address that nobody has yet.
    pub email: Email,
    pub name: PersonName,
    pub role: Role,
    /// `feature:action`, each.
    pub permissions: BTreeSet<String>,
}

impl Operator<'_> {
    /// Makes a user who sets their password by a link in the mail that is asked for with it. Until then no password is theirs: the hash is
    /// of 32 random bytes that nobody keeps.
    ///
    /// # Errors
    /// Of the refusals: `Invalid` with permissions that nobody may have, `EmailTaken`.
    pub async fn invite(&self, guest: Guest, hasher: Hasher, language: &str) -> Result<Profile, FlowError> {
        check_permissions(&guest.permissions).map_err(|fault| Refusal::field("permissions", fault))?;
        let nobodys = Password::new(STANDARD.encode(entropy::bytes::<32>()?));
        let now = self.moment.now;
        let profile = Profile {
            id: UserId::new(entropy::uuid(now)?),
            email: guest.email,
            name: guest.name,
            role: guest.role,
            status: Status::Invited,
            permissions: guest.permissions,
            epoch: 1,
            created_at: now,
            last_login_at: None,
            password_changed_at: now,
            email_verified_at: None,
            factors: BTreeSet::new(),
            kept: None,
        };
        let credential = Credential::new(profile.id, hasher.hash(&nobodys).await?);
        let event = self.event(SecurityEvent::UserCreated, profile.id);
        let user = NewUser { profile: &profile, credential: &credential, event: &event };
        let (key, mail) = self.mail(MailKind::Invite, &profile, language)?;
        match self.store.create_invited(&user, (&key, &mail)).await? {
            UserCreated::Done => Ok(profile),
            UserCreated::EmailTaken => Err(Refusal::EmailTaken.into()),
        }
    }

    /// Asks for another mail to a user who was invited and has not come yet. `false`: the user is another by now.
    ///
    /// # Errors
    /// That storage failed; then it may be sent.
    pub async fn invite_again(&self, user: &Profile, language: &str) -> Result<bool, FlowError> {
        if user.status != Status::Invited {
            return Ok(false);
        }
        self.ask(MailKind::Invite, user, language).await
    }

    /// Asks for the mail by which an active user sets another password. No limit counts it, since the user asked a person. `false`:
    /// the user is not active.
    ///
    /// # Errors
    /// That storage failed; then it may be sent.
    pub async fn send_reset(&self, user: &Profile, language: &str) -> Result<bool, FlowError> {
        if !user.is_active() {
            return Ok(false);
        }
        self.ask(MailKind::Reset, user, language).await
    }

    /// Who can have a link sent can have it read by whoever has the mailbox: it stands in the security log.
    async fn ask(&self, kind: MailKind, user: &Profile, language: &str) -> Result<bool, FlowError> {
        let (key, mail) = self.mail(kind, user, language)?;
        let entry = self.event(SecurityEvent::UserMailed, user.id);
        self.store.ask_for_mail(&key, &mail, &entry).await?;
        announce(&entry);
        Ok(true)
    }

    fn mail(
        &self,
        kind: MailKind,
        user: &Profile,
        language: &str,
    ) -> Result<(crate::domain::mail::MailKey, Mail), FlowError> {
        let mail = Mail::new(kind, user.email.clone(), language, self.moment);
        Ok((new_key(kind, &user.email, self.moment)?, Mail { user_id: Some(user.id), ..mail }))
    }
}
