//! Access tokens: 15 minutes, for any API. Tickets: half a minute, for one connection to one API, by the same keys.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::Header;
use serde::Serialize;

use super::{KeyCache, KeysError, Rejected, Token, verify::verify};
use crate::{
    domain::{
        claims::{AccessClaims, ClaimsFault, Expected, Parties, TicketClaims, check_expiry},
        ids::{AccessId, TicketId},
        jws::{ACCESS_TYP, TICKET_TYP},
        session::{Lifetimes, Session, whole_seconds},
        user::Profile,
    },
    entropy,
};

/// Who makes tokens.
#[derive(Debug, Clone)]
pub struct Issuers {
    /// `iss` of every token.
    pub own: String,
    /// Another issuer whose tokens are taken, too: the one before, or the next.
    pub also: Option<String>,
}

/// The names in access tokens.
#[derive(Debug, Clone)]
pub struct TokenNames {
    /// `iss` of every token.
    pub issuer: String,
    /// Another issuer whose tokens are taken, too: the one before, or the next.
    pub also: Option<String>,
    /// `aud` of access tokens.
    pub audience: String,
}

impl Issuers {
    /// These, for what has to be said of tokens for this audience of each.
    pub(super) fn expected(self, audience: impl Fn(&str) -> String) -> Expected {
        let of = |issuer: String| Parties { audience: audience(&issuer), issuer };
        Expected { own: of(self.own), also: self.also.map(of) }
    }
}

impl TokenNames {
    /// These, for what has to be said of access tokens.
    fn expected(self) -> Expected {
        let Self { issuer, also, audience } = self;
        Issuers { own: issuer, also }.expected(|_| audience.clone())
    }
}

/// All front ends of a stack are one client: its own.
const CLIENT: &str = "nova-auth";

/// A ticket is asked for when it is needed.
const TICKET_LASTS: SignedDuration = SignedDuration::from_secs(30);

/// Makes and verifies access tokens.
#[derive(Debug)]
pub struct AccessTokens {
    keys: KeyCache,
    expected: Expected,
}

/// A new access token.
#[derive(Debug)]
pub struct IssuedAccess {
    pub token: Token,
    /// How long it is valid.
    pub expires_in: SignedDuration,
}

/// What an access token says, and whether its time is over.
#[derive(Debug)]
pub struct VerifiedAccess {
    pub claims: AccessClaims,
    /// Whether its time is over.
    pub expired: bool,
}

/// What a ticket says, and whether its time is over.
#[derive(Debug)]
pub struct VerifiedTicket {
    pub claims: TicketClaims,
    /// Whether its time is over.
    pub expired: bool,
}

impl AccessTokens {
    /// Tokens signed with these keys.
    #[must_use]
    pub fn new(keys: KeyCache, names: TokenNames) -> Self {
        Self { keys, expected: names.expected() }
    }

    /// Makes sure that there are keys, before anything is changed that needs them.
    pub async fn ready(&self, now: Timestamp) -> Result<(), KeysError> {
        self.keys.ready(now).await
    }

    /// A token of this session, for its user as they are now, which lives so long.
    pub async fn issue(
        &self,
        profile: &Profile,
        session: &Session,
        lifetimes: &Lifetimes,
        now: Timestamp,
    ) -> Result<IssuedAccess, KeysError> {
        let expires = session.access_expires(now, lifetimes);
        let jti = entropy::uuid(now).map_err(|error| KeysError::Unavailable(error.to_string().into()))?;
        let claims = AccessClaims {
            iss: self.expected.own.issuer.clone(),
            aud: self.expected.own.audience.clone(),
            sub: session.user_id,
            iat: now.as_second(),
            exp: expires.as_second(),
            jti: AccessId::new(jti),
            sid: session.session_id,
            client_id: Some(CLIENT.to_owned()),
            auth_time: Some(session.authenticated_at().as_second()),
            acr: Some(session.acr().name().to_owned()),
            amr: session.methods().into_iter().map(str::to_owned).collect(),
            email: profile.email.as_str().to_owned(),
            role: profile.role.as_str().to_owned(),
            nbf: None,
        };
        let token = self.sign(ACCESS_TYP, &claims, now).await?;
        Ok(IssuedAccess { token, expires_in: expires.duration_since(whole_seconds(now)) })
    }

    /// A ticket of this session, for one connection to this API.
    pub async fn issue_ticket(
        &self,
        api: &str,
        session: &Session,
        now: Timestamp,
    ) -> Result<IssuedAccess, KeysError> {
        let expires = whole_seconds((now + TICKET_LASTS).min(session.refresh_expires()));
        let jti = entropy::uuid(now).map_err(|error| KeysError::Unavailable(error.to_string().into()))?;
        let claims = TicketClaims {
            iss: self.expected.own.issuer.clone(),
            aud: api.to_owned(),
            sub: session.user_id,
            iat: now.as_second(),
            exp: expires.as_second(),
            jti: TicketId::new(jti),
            sid: session.session_id,
            nbf: None,
        };
        let token = self.sign(TICKET_TYP, &claims, now).await?;
        Ok(IssuedAccess { token, expires_in: expires.duration_since(whole_seconds(now)) })
    }

    async fn sign(&self, typ: &str, claims: &impl Serialize, now: Timestamp) -> Result<Token, KeysError> {
        let ring = self.keys.ring(now).await?;
        let key = ring.signer(now).ok_or(KeysError::NoSigner)?;
        let header = Header {
            typ: Some(typ.to_owned()),
            kid: Some(key.kid.clone()),
            ..Header::new(key.algorithm.jws())
        };
        let token = jsonwebtoken::encode(&header, claims, &key.signing)
            .map_err(|_| KeysError::Unavailable("signing failed".into()))?;
        Ok(Token::new(token))
    }

    /// What a token of ours says; whether its time is over is told, not judged.
    pub async fn verify(&self, token: &Token, now: Timestamp) -> Result<VerifiedAccess, Rejected> {
        let claims: AccessClaims = verify(&self.keys, &self.expected, ACCESS_TYP, token, now).await?;
        let expired = check_expiry(&claims, now) == Err(ClaimsFault::Expired);
        Ok(VerifiedAccess { claims, expired })
    }

    /// What a ticket of ours for this API says; whether its time is over is told, not judged, and neither is whether it was used.
    pub async fn verify_ticket(
        &self,
        ticket: &Token,
        api: &str,
        now: Timestamp,
    ) -> Result<VerifiedTicket, Rejected> {
        let expected = self.expected.for_audience(|_| api.to_owned());
        let claims: TicketClaims = verify(&self.keys, &expected, TICKET_TYP, ticket, now).await?;
        let expired = check_expiry(&claims, now) == Err(ClaimsFault::Expired);
        Ok(VerifiedTicket { claims, expired })
    }
}
