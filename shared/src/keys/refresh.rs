//! Refresh tokens: used once, for us alone, HS256 always.
//!
//! A successor is a function of its predecessor and of its session's row, so that two requests with one token get one
//! and the same successor.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::Header;

use super::{CsrfTokens, DeviceTokens, Issuers, Key, KeyCache, KeysError, Rejected, Token, verify::verify};
use crate::{
    domain::{
        claims::{ClaimsFault, Expected, RefreshClaims, check_expiry},
        ids::{RefreshHash, RefreshId, SessionId, UserId},
        jws::REFRESH_TYP,
        session::Session,
    },
    entropy,
};

/// Makes and verifies refresh tokens.
#[derive(Debug)]
pub struct RefreshTokens {
    keys: KeyCache,
    expected: Expected,
    grace: SignedDuration,
}

/// What a refresh token says.
#[derive(Debug)]
pub struct VerifiedRefresh {
    /// Whose.
    pub user: UserId,
    pub session: SessionId,
    pub generation: u64,
    /// Its own id.
    pub id: RefreshId,
    /// Whether its time is over, and the grace window after it.
    pub expired: bool,
}

/// The first token of a session that is about to begin.
#[derive(Debug)]
pub struct First {
    pub id: RefreshId,
    /// The key that will sign it.
    pub kid: String,
}

/// The successor of a token, before it is written down.
#[derive(Debug)]
pub struct Next {
    /// Hash of its id.
    pub hash: RefreshHash,
    /// The key that made the id and will sign the token.
    pub kid: String,
}

impl RefreshTokens {
    /// Tokens signed with these keys. Their audience is their issuer: nobody else is to take them.
    #[must_use]
    pub fn new(keys: KeyCache, issuers: Issuers, grace: SignedDuration) -> Self {
        let expected = issuers.expected(|issuer| format!("{issuer}/refresh"));
        Self { keys, expected, grace }
    }

    /// Device tokens, with keys derived from the same ring.
    #[must_use]
    pub const fn devices(&self) -> DeviceTokens<'_> {
        DeviceTokens { keys: &self.keys }
    }

    /// CSRF tokens, with keys derived from the same ring.
    #[must_use]
    pub const fn csrf(&self) -> CsrfTokens<'_> {
        CsrfTokens { keys: &self.keys }
    }

    /// Makes sure that there are keys.
    pub async fn ready(&self, now: Timestamp) -> Result<(), KeysError> {
        self.keys.ready(now).await
    }

    /// What a token of ours says; whether its time is over is told, not judged.
    pub async fn verify(&self, token: &Token, now: Timestamp) -> Result<VerifiedRefresh, Rejected> {
        let claims: RefreshClaims = verify(&self.keys, &self.expected, REFRESH_TYP, token, now).await?;
        Ok(VerifiedRefresh {
            // A retry may come when the time of its token is over, though it was not when the first try took. Until the
            // window has passed the row decides: a current token ends with its row, so only a retry gains by this.
            expired: check_expiry(&claims, now - self.grace) == Err(ClaimsFault::Expired),
            user: claims.sub,
            session: claims.sid,
            generation: claims.r#gen,
            id: RefreshId::from_claim(claims.jti),
        })
    }

    /// A fresh chain of tokens.
    pub async fn begin(&self, now: Timestamp) -> Result<First, KeysError> {
        let ring = self.keys.ring(now).await?;
        let kid = ring.signer(now).ok_or(KeysError::NoSigner)?.kid.clone();
        let random = entropy::bytes().map_err(|error| KeysError::Unavailable(error.to_string().into()))?;
        Ok(First { id: RefreshId::from_bytes(&random), kid })
    }

    /// The successor that the row is to take.
    pub async fn next(&self, presented: &VerifiedRefresh, now: Timestamp) -> Result<Next, KeysError> {
        let ring = self.keys.ring(now).await?;
        let key = ring.signer(now).ok_or(KeysError::NoSigner)?;
        Ok(Next { hash: successor(key, presented)?.hash(), kid: key.kid.clone() })
    }

    /// The first token, from the row that began.
    pub async fn first_token(
        &self,
        session: &Session,
        id: &RefreshId,
        now: Timestamp,
    ) -> Result<Token, KeysError> {
        let ring = self.keys.ring(now).await?;
        let key = ring.verifier(&session.rotation_kid, now).ok_or(KeysError::NoSigner)?;
        self.sign(key, session, id)
    }

    /// The successor of a token, made (again) from the token and the row alone, with the key of the rotation and not
    /// today's signer.
    ///
    /// `None`: the row's current token is not this one's successor.
    ///
    /// # Errors
    /// [`KeysError`], also when the key of the rotation is not known here (yet).
    pub async fn successor_token(
        &self,
        session: &Session,
        presented: &VerifiedRefresh,
        now: Timestamp,
    ) -> Result<Option<Token>, KeysError> {
        // The name is from our own row: where it is not known, another instance has read the secret later than this one.
        let ring = self.keys.ring_with(&session.rotation_kid, session.rotated_at, now).await?;
        let key = ring.as_ref().and_then(|ring| ring.verifier(&session.rotation_kid, now));
        let key =
            key.ok_or_else(|| KeysError::Unavailable("the key of a rotation is not in the ring".into()))?;
        let id = successor(key, presented)?;
        if id.hash() != session.current {
            return Ok(None);
        }
        self.sign(key, session, &id).map(Some)
    }

    fn sign(&self, key: &Key, session: &Session, id: &RefreshId) -> Result<Token, KeysError> {
        let claims = RefreshClaims {
            iss: self.expected.own.issuer.clone(),
            aud: self.expected.own.audience.clone(),
            sub: session.user_id,
            iat: session.rotated_at.as_second(),
            exp: session.refresh_expires().as_second(),
            jti: id.expose().to_owned(),
            sid: session.session_id,
            r#gen: session.generation,
            nbf: None,
        };
        let header = Header {
            typ: Some(REFRESH_TYP.to_owned()),
            kid: Some(key.kid.clone()),
            ..Header::new(key.algorithm.jws())
        };
        let token = jsonwebtoken::encode(&header, &claims, &key.signing);
        token.map(Token::new).map_err(|_| KeysError::Unavailable("signing failed".into()))
    }
}

fn successor(key: &Key, presented: &VerifiedRefresh) -> Result<RefreshId, KeysError> {
    // INVARIANT: a ring for refresh tokens has HS256 keys alone, and those derive.
    let deriving = key.deriving.as_ref().ok_or(KeysError::NoSigner)?;
    Ok(deriving.refresh_id(presented.session, presented.generation.saturating_add(1), &presented.id))
}
