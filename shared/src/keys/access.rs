//! Access tokens: 15 minutes, for any API.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::Header;

use super::{KeyCache, KeysError, Rejected, Token, verify::verify};
use crate::{
    domain::{
        claims::{AccessClaims, ClaimsFault, Expected, check_expiry},
        ids::AccessId,
        jws::ACCESS_TYP,
        session::{Lifetimes, Session, whole_seconds},
        user::Profile,
    },
    entropy,
};

/// The names in tokens. By default there are none, and no token that is verified has those.
#[derive(Debug, Clone, Default)]
pub struct TokenNames {
    /// `iss` of every token.
    pub issuer: String,
    /// `aud` of access tokens.
    pub audience: String,
}

/// Makes and verifies access tokens.
#[derive(Debug)]
pub struct AccessTokens {
    keys: KeyCache,
    expected: Expected,
    lifetimes: Lifetimes,
}

/// A new access token.
#[derive(Debug)]
pub struct IssuedAccess {
    /// The token.
    pub token: Token,
    /// How long it is valid.
    pub expires_in: SignedDuration,
}

/// What an access token says, and whether its time is over.
#[derive(Debug)]
pub struct VerifiedAccess {
    /// Its claims.
    pub claims: AccessClaims,
    /// Whether its time is over.
    pub expired: bool,
}

impl AccessTokens {
    /// Tokens signed with these keys. With [`Lifetimes::NONE`] they can be verified, and none can be made.
    #[must_use]
    pub fn new(keys: KeyCache, names: TokenNames, lifetimes: Lifetimes) -> Self {
        let expected = Expected { issuer: names.issuer, audience: names.audience };
        Self { keys, expected, lifetimes }
    }

    /// Makes sure that there are keys, before anything is changed that needs them.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn ready(&self, now: Timestamp) -> Result<(), KeysError> {
        self.keys.ring(now).await?.signer(now).map(|_| ()).ok_or(KeysError::NoSigner)
    }

    /// A token of this session, for its user as they are now.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn issue(
        &self,
        profile: &Profile,
        session: &Session,
        now: Timestamp,
    ) -> Result<IssuedAccess, KeysError> {
        let ring = self.keys.ring(now).await?;
        let key = ring.signer(now).ok_or(KeysError::NoSigner)?;
        let expires = session.access_expires(now, &self.lifetimes);
        let jti = entropy::uuid(now).map_err(|error| KeysError::Unavailable(error.to_string()))?;
        let claims = AccessClaims {
            iss: self.expected.issuer.clone(),
            aud: self.expected.audience.clone(),
            sub: session.user_id,
            iat: now.as_second(),
            exp: expires.as_second(),
            jti: AccessId::new(jti),
            sid: session.session_id,
            email: profile.email.as_str().to_owned(),
            role: profile.role.as_str().to_owned(),
            nbf: None,
        };
        let header = Header {
            typ: Some(ACCESS_TYP.to_owned()),
            kid: Some(key.kid.clone()),
            ..Header::new(key.algorithm.jws())
        };
        let token = jsonwebtoken::encode(&header, &claims, &key.signing)
            .map_err(|_| KeysError::Unavailable("signing failed".to_owned()))?;
        Ok(IssuedAccess { token: Token::new(token), expires_in: expires.duration_since(whole_seconds(now)) })
    }

    /// The public keys of these tokens, for whoever verifies them without asking us: a JWK Set, empty where keys are
    /// symmetric.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn public_set(&self, now: Timestamp) -> Result<serde_json::Value, KeysError> {
        Ok(self.keys.ring(now).await?.public_set(now))
    }

    /// What a token of ours says; whether its time is over is told, not judged.
    ///
    /// # Errors
    /// [`Rejected`].
    pub async fn verify(&self, token: &Token, now: Timestamp) -> Result<VerifiedAccess, Rejected> {
        let claims: AccessClaims = verify(&self.keys, &self.expected, ACCESS_TYP, token, now).await?;
        let expired = check_expiry(&claims, now) == Err(ClaimsFault::Expired);
        Ok(VerifiedAccess { claims, expired })
    }
}
