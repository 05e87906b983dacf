//! CSRF tokens: what a page must show that a browser does not send by itself.
//!
//! - of a session: `<kid>.<MAC("session", user, session)>`. Nothing is stored, and every tab computes to the same token,
//!   until another key signs; then the old token counts for as long as its key does.
//! - of a browser without one: `<kid>.<MAC("anonymous", random)>` beside the cookie `<kid>.<random>.<MAC("cookie", random)>`.
//!   The cookie is ours or it counts for nothing: a string that a client chose gets no MAC that leaves this file.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use super::{Key, KeyCache, KeysError, Token};
use crate::{
    domain::ids::{SessionId, UserId},
    entropy,
};

const SESSION: &[u8] = b"session";
const ANONYMOUS: &[u8] = b"anonymous";
const COOKIE: &[u8] = b"cookie";

/// Makes and verifies CSRF tokens, with keys derived from those of the refresh tokens.
#[derive(Debug, Clone, Copy)]
pub struct CsrfTokens<'k> {
    pub(super) keys: &'k KeyCache,
}

/// A cookie for a browser without a session, and the token that goes with it.
#[derive(Debug)]
pub struct Anonymous {
    /// The cookie's value.
    pub cookie: Token,
    pub token: Token,
}

impl CsrfTokens<'_> {
    /// The token of a session.
    pub async fn of_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Token, KeysError> {
        let ring = self.keys.ring(now).await?;
        let key = ring.signer(now).ok_or(KeysError::NoSigner)?;
        Ok(written(key, &session_mac(key, user, session)?))
    }

    /// Whether a token is the one of this session, under any key that still counts.
    ///
    /// # Errors
    /// [`KeysError`]: nobody can tell.
    pub async fn is_of_session(
        &self,
        token: &Token,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<bool, KeysError> {
        let Some((kid, mac)) = named(token.expose()) else { return Ok(false) };
        self.with_key(kid, now, |key| Ok(same(&session_mac(key, user, session)?, &mac))).await
    }

    /// A cookie that nobody else has, and its token.
    pub async fn mint(&self, now: Timestamp) -> Result<Anonymous, KeysError> {
        let ring = self.keys.ring(now).await?;
        let key = ring.signer(now).ok_or(KeysError::NoSigner)?;
        let random: [u8; 32] =
            entropy::bytes().map_err(|error| KeysError::Unavailable(error.to_string().into()))?;
        let mac = derived_mac(key, &[COOKIE, &random])?;
        let cookie = format!("{}.{}.{}", key.kid, encoded(&random), encoded(&mac));
        let token = written(key, &derived_mac(key, &[ANONYMOUS, &random])?);
        Ok(Anonymous { cookie: Token::new(cookie), token })
    }

    /// The token of a cookie of ours; `None` for any other.
    ///
    /// # Errors
    /// [`KeysError`]: nobody can tell.
    pub async fn of_cookie(&self, cookie: &Token, now: Timestamp) -> Result<Option<Token>, KeysError> {
        let Some((rest, mac)) = cookie.expose().rsplit_once('.') else { return Ok(None) };
        let (Some((kid, random)), Some(mac)) = (named(rest), decoded(mac)) else { return Ok(None) };
        self.with_key(kid, now, |key| {
            let ours = same(&derived_mac(key, &[COOKIE, &random])?, &mac);
            Ok(if ours { Some(written(key, &derived_mac(key, &[ANONYMOUS, &random])?)) } else { None })
        })
        .await
    }

    /// Whether a token is the one of this cookie, and the cookie ours.
    ///
    /// # Errors
    /// [`KeysError`]: nobody can tell.
    pub async fn is_of_cookie(
        &self,
        token: &Token,
        cookie: &Token,
        now: Timestamp,
    ) -> Result<bool, KeysError> {
        let own = self.of_cookie(cookie, now).await?;
        Ok(own.is_some_and(|own| same(own.expose().as_bytes(), token.expose().as_bytes())))
    }

    /// What the key of this name says; the default where there is no such key for certain.
    async fn with_key<T: Default>(
        &self,
        kid: &str,
        now: Timestamp,
        ask: impl FnOnce(&Key) -> Result<T, KeysError>,
    ) -> Result<T, KeysError> {
        // The token does not say when it was made: it may be new.
        let ring = self.keys.ring_with(kid, now, now).await?;
        let key = ring.as_ref().and_then(|ring| ring.verifier(kid, now));
        key.map_or_else(|| Ok(T::default()), ask)
    }
}

/// `<kid>.<32 bytes>`: the form of a token, and of the first half of a cookie. A kid may have dots in it, base64url has none.
fn named(text: &str) -> Option<(&str, [u8; 32])> {
    let (kid, bytes) = text.rsplit_once('.')?;
    Some((kid, decoded(bytes)?))
}

fn session_mac(key: &Key, user: UserId, session: SessionId) -> Result<[u8; 32], KeysError> {
    derived_mac(key, &[SESSION, user.to_string().as_bytes(), session.to_string().as_bytes()])
}

fn derived_mac(key: &Key, parts: &[&[u8]]) -> Result<[u8; 32], KeysError> {
    // INVARIANT: a ring for refresh tokens has HS256 keys alone, and those derive.
    Ok(key.deriving.as_ref().ok_or(KeysError::NoSigner)?.csrf(parts))
}

fn written(key: &Key, mac: &[u8; 32]) -> Token {
    Token::new(format!("{}.{}", key.kid, encoded(mac)))
}

fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

fn encoded(bytes: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decoded(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
