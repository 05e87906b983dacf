//! A login on a new device: the sender, whom the relay tells of it, asks for a mail about it, and a link in that says that it was
//! somebody else.
//!
//! The mail has the session's own id, so that a change that is told twice asks for one mail.

use jiff::SignedDuration;
use uuid::Uuid;

use super::redeem::{Proof, Proven, Redemption, with_proof};
use crate::{
    domain::{
        address::ClientAddress,
        attempts::Entry,
        ids::{MailId, SessionId, UserId},
        mail::{Mail, MailDigest, MailKey, MailKind, NewLogin, PER_NETWORK, PER_USER},
        moment::{Moment, RequestId},
        refusal::Refusal,
        security_event::SecurityEvent,
        session::{Device, Session, State},
        user::Profile,
        user_agent::Client,
    },
    flows::{FlowError, Requester, journal::announce},
    store::{AttemptsKey, PasswordOf, Redeemed, Reservation, ResetCommit, Store, StoreError, Wanted},
};

/// Whoever made an account a moment ago knows that they logged in. But only once.
const FIRST: SignedDuration = SignedDuration::from_hours(1);

/// Asks for the mail, unless the user is new or heard of another new device a moment ago.
///
/// # Errors
/// [`StoreError`]; asked again, it asks for the same mail.
pub async fn ask(store: &Store, user: UserId, session: SessionId) -> Result<(), StoreError> {
    let (session, profile) = tokio::try_join!(store.session(user, session), store.profile(user))?;
    // One that was withdrawn is nobody's. One that was ended is told: a thief would end it at once, and keep a device that is known.
    let session = session.filter(|session| session.state != State::Revoked || session.ended_by.is_some());
    let (Some(session), Some(user)) = (session, profile.filter(Profile::is_active)) else { return Ok(()) };
    if !session.new_device || is_first(store, &user, &session).await? || !has_room(store, &session).await? {
        return Ok(());
    }
    let id = MailId::new(Uuid::from_bytes(*session.session_id.as_bytes()));
    let key = MailKey { mailbox: MailDigest::of(&user.email), kind: MailKind::Deny, id };
    let Device { user_agent, ip } = &session.device;
    let login = NewLogin { client: Client::of(user_agent), network: ClientAddress::parse(ip).network() };
    let mail = Mail {
        user_id: Some(user.id),
        session_id: Some(session.session_id),
        login: Some(login),
        // In the service's own language: the request may be a thief's.
        ..Mail::new(MailKind::Deny, user.email, "", &moment_of(&session))
    };
    store.put_mail(&key, &mail).await.map(drop)
}

/// The login. Told late, or again, it is counted in the same window.
fn moment_of(session: &Session) -> Moment {
    Moment { now: session.created_at, request: session.rotation_request.clone() }
}

async fn is_first(store: &Store, user: &Profile, session: &Session) -> Result<bool, StoreError> {
    if session.created_at.duration_since(user.created_at) > FIRST {
        return Ok(false);
    }
    // One of those before it, however many there are.
    Ok(store.sessions_before(user.id, Some(session.session_id), 1).await?.found.is_empty())
}

/// Whether the user has heard neither of this network a moment ago nor of many others.
async fn has_room(store: &Store, session: &Session) -> Result<bool, StoreError> {
    let now = session.created_at;
    // Named by the session: of one that is told twice there is one entry.
    let entry = Entry::new(&Moment { now, request: RequestId::new(session.session_id.to_string()) });
    let network = ClientAddress::parse(&session.device.ip).network().unwrap_or_default();
    for (network, limit) in [(network.as_str(), PER_NETWORK), ("", PER_USER)] {
        let key = AttemptsKey::mails_of_devices(session.user_id, network);
        let wanted = Wanted { key: &key, entry: &entry, limit, calls: None, now };
        if !matches!(store.reserve_attempt(wanted).await?, Reservation::Taken(_)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How often it starts again because what it read was changed meanwhile.
const ROUNDS: u32 = 3;

/// The user says that the login was somebody else's: every session ends, the password that somebody else knows opens nothing any more,
/// and a mail lets the user set another.
///
/// # Errors
/// Of the refusals: those of [`with_proof`].
pub async fn deny(
    service: &Redemption,
    moment: &Moment,
    caller: &Requester,
    proof: &Proof,
) -> Result<(), FlowError> {
    with_proof(service, moment, caller, (MailKind::Deny, proof), None, async |moment, proven| {
        let used_by = proven.used_by(service, moment).await?;
        if proven.was_used_by(&used_by, moment)? {
            return Ok(());
        }
        let hash = service.nobodys_hash().await?;
        for _ in 0..ROUNDS {
            let Some(user) = user(service, &proven).await? else { break };
            let credential = service.store.credential(&user.email).await?;
            // Moved between the two reads: both are read again.
            let Some(bound) = credential.filter(|credential| credential.user_id == user.id) else { continue };
            let kind = SecurityEvent::AuthnLoginDenied;
            let event = service.journal.entry(kind, moment, user.id, &caller.device);
            let event = match proven.mail.session_id {
                Some(session) => event.of_session(session),
                None => event,
            };
            let key = super::new_key(MailKind::Reset, &user.email, moment)?;
            let reset = Mail::new(MailKind::Reset, user.email.clone(), &proven.mail.language, moment);
            let commit = ResetCommit {
                key: &proven.key,
                used_by: &used_by,
                email: &user.email,
                bound: &bound,
                hash: &hash,
                of: PasswordOf::Active,
                event: &event,
                notice: Some((&key, &reset)),
                now: moment.now,
            };
            if service.store.commit_reset(&commit).await? == Redeemed::Done {
                announce(&event);
                return Ok(());
            }
        }
        proven.is_used_by(service, &used_by, moment).await
    })
    .await
}

/// The user, if the mail came to the address that they have now: another mailbox takes its address back first
/// ([`super::change::revert`]).
async fn user(service: &Redemption, proven: &Proven) -> Result<Option<Profile>, FlowError> {
    let user = proven.prepared.user_id.ok_or(Refusal::MailTokenInvalid)?;
    let profile = service.store.profile(user).await?;
    Ok(profile.filter(|profile| profile.is_active() && profile.email == proven.mail.email))
}
