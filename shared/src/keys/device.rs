//! Device tokens: what a browser keeps of a login, so that its user can log in from it while somebody else guesses at the account
//! (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
//!
//! `<kid>.<end>.<id>.<MAC(address, id, end)>`. Nothing is stored. It says that somebody logged in with this address on this device, and
//! opens nothing: whoever steals one gains as many guesses as one device has.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq as _;

use super::{Key, KeyCache, KeysError, Token};
use crate::{
    domain::{email::Email, ids::DeviceId},
    entropy,
};

/// How long a device is known after its last login. The key of its token may be gone sooner; then it is a new device.
pub const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(180 * 24);

/// Makes and verifies device tokens, with keys derived from those of the refresh tokens.
#[derive(Debug, Clone, Copy)]
pub struct DeviceTokens<'k> {
    pub(super) keys: &'k KeyCache,
}

/// What a token says, before anybody knows whether it is ours.
struct Said<'t> {
    kid: &'t str,
    end: i64,
    id: [u8; 16],
    mac: [u8; 32],
}

impl DeviceTokens<'_> {
    /// A token for a device that logged in to this account: the device that it showed to be, or a new one.
    pub async fn issue(
        &self,
        email: &Email,
        known: Option<DeviceId>,
        now: Timestamp,
    ) -> Result<Token, KeysError> {
        let ring = self.keys.ring(now).await?;
        let key = ring.signer(now).ok_or(KeysError::NoSigner)?;
        let new = || entropy::bytes().map(DeviceId::from_bytes);
        let id =
            known.map_or_else(new, Ok).map_err(|error| KeysError::Unavailable(error.to_string().into()))?;
        let end = (now + KNOWN_FOR).as_second();
        let mac = URL_SAFE_NO_PAD.encode(mac(key, email, id.bytes(), end)?);
        Ok(Token::new(format!("{}.{end}.{}.{mac}", key.kid, URL_SAFE_NO_PAD.encode(id.bytes()))))
    }

    /// The device of a token of ours for this very address; none for any other, and none when its time or its key is over.
    ///
    /// # Errors
    /// [`KeysError`]: nobody can tell.
    pub async fn device(
        &self,
        token: &Token,
        email: &Email,
        now: Timestamp,
    ) -> Result<Option<DeviceId>, KeysError> {
        Ok(self.verified(token, email, now).await?.map(|(device, _)| device))
    }

    /// When a token of ours for this very address was made.
    ///
    /// # Errors
    /// [`KeysError`]: nobody can tell.
    pub async fn made(
        &self,
        token: &Token,
        email: &Email,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, KeysError> {
        Ok(self.verified(token, email, now).await?.map(|(_, made)| made))
    }

    async fn verified(
        &self,
        token: &Token,
        email: &Email,
        now: Timestamp,
    ) -> Result<Option<(DeviceId, Timestamp)>, KeysError> {
        let Some(said) = read(token.expose()) else { return Ok(None) };
        let Ok(end) = Timestamp::from_second(said.end) else { return Ok(None) };
        let made = end.checked_sub(KNOWN_FOR).unwrap_or(end);
        if end <= now || made > now + SignedDuration::from_secs(5) {
            return Ok(None);
        }
        let ring = self.keys.ring_with(said.kid, made, now).await?;
        let Some(key) = ring.as_ref().and_then(|ring| ring.verifier(said.kid, now)) else { return Ok(None) };
        let is_ours = mac(key, email, &said.id, said.end)?.ct_eq(&said.mac);
        Ok(bool::from(is_ours).then(|| (DeviceId::from_bytes(said.id), made)))
    }
}

fn read(text: &str) -> Option<Said<'_>> {
    let mut parts = text.rsplitn(4, '.');
    let (mac, id, end, kid) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(Said { kid, end: end.parse().ok()?, id: decoded(id)?, mac: decoded(mac)? })
}

fn mac(key: &Key, email: &Email, id: &[u8], end: i64) -> Result<[u8; 32], KeysError> {
    // INVARIANT: a ring for refresh tokens has HS256 keys alone, and those derive.
    let deriving = key.deriving.as_ref().ok_or(KeysError::NoSigner)?;
    Ok(deriving.device(&[email.as_str().as_bytes(), id, &end.to_be_bytes()]))
}

fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
