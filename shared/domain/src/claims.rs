//! What the claims of a token must say (RFC 7519, RFC 9068), read after its signature was found good.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{AccessId, SessionId, TicketId, UserId},
    strict_json,
};

/// How far two clocks may differ.
pub const LEEWAY: SignedDuration = SignedDuration::from_secs(5);

/// The claims of an access token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    pub sub: UserId,
    /// When it was issued, seconds.
    pub iat: i64,
    /// When it ends, seconds.
    pub exp: i64,
    /// Its own id, for the blacklist.
    pub jti: AccessId,
    /// The session that it belongs to.
    pub sid: SessionId,
    /// The client that it was issued to (RFC 9068, section 2.2). All front ends of a stack are one. Older tokens have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// When the user last showed who they are, seconds. A step-up moves it; what counts is the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// What the user showed then. What counts is the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// How (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The user's address, for the client's convenience. No decision trusts it.
    pub email: String,
    /// The user's role at the time, for the client's convenience. No decision trusts it.
    pub role: String,
    /// Not before, seconds. We write none, and honour it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
}

impl std::fmt::Debug for AccessClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessClaims").field("jti", &self.jti).field("sid", &self.sid).finish_non_exhaustive()
    }
}

/// The claims of a ticket: one connection to one API, within half a minute.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketClaims {
    /// Who issued it.
    pub iss: String,
    /// The API that it opens.
    pub aud: String,
    pub sub: UserId,
    /// When it was issued, seconds.
    pub iat: i64,
    /// When it ends, seconds.
    pub exp: i64,
    /// Its own id: it is used once.
    pub jti: TicketId,
    /// The session that it belongs to.
    pub sid: SessionId,
    /// Not before, seconds. We write none, and honour it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
}

impl std::fmt::Debug for TicketClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TicketClaims").field("jti", &self.jti).field("sid", &self.sid).finish_non_exhaustive()
    }
}

/// The claims of a refresh token. Their order is part of the protocol: a successor is made again byte for byte.
#[derive(Clone, Serialize, Deserialize)]
pub struct RefreshClaims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is for: its issuer.
    pub aud: String,
    pub sub: UserId,
    /// When it was issued, seconds.
    pub iat: i64,
    /// When it ends, seconds.
    pub exp: i64,
    /// Its own secret id.
    pub jti: String,
    /// The session that it belongs to.
    pub sid: SessionId,
    /// Its generation.
    pub r#gen: u64,
    /// Not before, seconds. We write none, and honour it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
}

impl std::fmt::Debug for RefreshClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshClaims")
            .field("sid", &self.sid)
            .field("gen", &self.r#gen)
            .finish_non_exhaustive()
    }
}

/// Who issued a token, and for whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parties {
    /// The exact `iss`.
    pub issuer: String,
    /// The exact `aud`.
    pub audience: String,
}

/// Who must have issued a token, and for whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// The names in tokens that are made.
    pub own: Parties,
    /// Other names in tokens that are taken, so that a change of the issuer logs nobody out.
    pub also: Option<Parties>,
}

impl Expected {
    /// One issuer for one audience, and no other.
    #[must_use]
    pub fn only(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self { own: Parties { issuer: issuer.into(), audience: audience.into() }, also: None }
    }

    /// The same issuers, for other audiences.
    #[must_use]
    pub fn for_audience(&self, audience: impl Fn(&str) -> String) -> Self {
        let of = |parties: &Parties| Parties {
            audience: audience(&parties.issuer),
            issuer: parties.issuer.clone(),
        };
        Self { own: of(&self.own), also: self.also.as_ref().map(of) }
    }

    /// Both names have to be those of one issuer.
    fn takes(&self, issuer: &str, audience: &str) -> bool {
        let mut taken = [Some(&self.own), self.also.as_ref()].into_iter().flatten();
        taken.any(|parties| parties.issuer == issuer && parties.audience == audience)
    }
}

/// What is wrong with the claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsFault {
    /// All is well but the time: `exp` has passed.
    #[error("expired token")]
    Expired,
    /// Missing, of the wrong type, from or for somebody else, or not valid yet.
    #[error("invalid claims")]
    Invalid,
}

/// Claims whose common part can be checked.
pub trait Claims: for<'de> Deserialize<'de> {
    /// `iss`, `aud`, `iat`, `exp`, `nbf`.
    fn registered(&self) -> (&str, &str, i64, i64, Option<i64>);
}

impl Claims for AccessClaims {
    fn registered(&self) -> (&str, &str, i64, i64, Option<i64>) {
        (&self.iss, &self.aud, self.iat, self.exp, self.nbf)
    }
}

impl Claims for TicketClaims {
    fn registered(&self) -> (&str, &str, i64, i64, Option<i64>) {
        (&self.iss, &self.aud, self.iat, self.exp, self.nbf)
    }
}

impl Claims for RefreshClaims {
    fn registered(&self) -> (&str, &str, i64, i64, Option<i64>) {
        (&self.iss, &self.aud, self.iat, self.exp, self.nbf)
    }
}

/// Reads claims and checks everything but the end of their time, so that logging out works after it.
///
/// # Errors
/// [`ClaimsFault::Invalid`].
pub fn read<C: Claims>(payload: &[u8], expected: &Expected, now: Timestamp) -> Result<C, ClaimsFault> {
    let members = strict_json::object(payload).map_err(|_| ClaimsFault::Invalid)?;
    let claims: C = serde_json::from_value(members.into()).map_err(|_| ClaimsFault::Invalid)?;
    let (issuer, audience, issued, _, not_before) = claims.registered();
    let latest = (now + LEEWAY).as_second();
    let in_time = issued <= latest && not_before.is_none_or(|begin| begin <= latest);
    if in_time && expected.takes(issuer, audience) { Ok(claims) } else { Err(ClaimsFault::Invalid) }
}

/// Checks the end of the claims' time.
///
/// # Errors
/// [`ClaimsFault::Expired`].
pub fn check_expiry(claims: &impl Claims, now: Timestamp) -> Result<(), ClaimsFault> {
    let (_, _, _, expires, _) = claims.registered();
    if expires.saturating_add(LEEWAY.as_secs()) > now.as_second() {
        Ok(())
    } else {
        Err(ClaimsFault::Expired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";

    fn now() -> Timestamp {
        Timestamp::from_second(1_000_000).unwrap()
    }

    fn good() -> Value {
        json!({"iss": "nova-crm", "aud": "nova-api", "sub": ID, "iat": 1_000_000, "exp": 1_000_900, "jti": ID, "sid": ID,
               "email": "a@example.com", "role": "user"})
    }

    fn check(claims: &Value) -> Result<(), ClaimsFault> {
        let expected = Expected::only("nova-crm", "nova-api");
        let claims: AccessClaims = read(claims.to_string().as_bytes(), &expected, now())?;
        check_expiry(&claims, now())
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = good();
        claims[name] = value;
        claims
    }

    #[test]
    fn claims_of_ours_are_accepted() {
        assert_eq!(check(&good()), Ok(()));
        assert_eq!(check(&with("later-version", json!(1))), Ok(()));
    }

    #[test]
    fn every_claim_is_required_and_of_its_type() {
        for name in ["iss", "aud", "sub", "iat", "exp", "jti", "sid"] {
            let mut missing = good();
            missing.as_object_mut().unwrap().remove(name);
            assert_eq!(check(&missing), Err(ClaimsFault::Invalid), "without {name}");
            for value in [json!(null), json!(["nova-api"]), json!({}), json!(1.5), json!("x"), json!(true)] {
                assert_eq!(check(&with(name, value.clone())), Err(ClaimsFault::Invalid), "{name} = {value}");
            }
        }
    }

    /// A change of the issuer logs nobody out, and opens nothing to who mixes the names of two.
    #[test]
    fn another_issuers_tokens_are_taken_while_it_is_named_and_for_its_own_audience_alone() {
        let old = Parties { issuer: "nova-crm".into(), audience: "nova-crm/refresh".into() };
        let new =
            Parties { issuer: "https://a.example".into(), audience: "https://a.example/refresh".into() };
        let said = |issuer: &str, audience: &str| {
            with("iss", json!(issuer)).to_string().replace("nova-api", audience)
        };
        let taken = |claims: String, expected: &Expected| {
            read::<AccessClaims>(claims.as_bytes(), expected, now()).is_ok()
        };
        let both = Expected { own: new.clone(), also: Some(old.clone()) };
        let one = Expected { own: new.clone(), also: None };
        for (parties, before, after) in [(&old, true, false), (&new, true, true)] {
            let claims = || said(&parties.issuer, &parties.audience);
            assert_eq!((taken(claims(), &both), taken(claims(), &one)), (before, after), "{parties:?}");
        }
        assert!(!taken(said(&old.issuer, &new.audience), &both));
        assert!(!taken(said(&new.issuer, &old.audience), &both));
        assert!(!taken(said("nova", &old.audience), &both));
    }

    #[test]
    fn a_token_ends_with_its_time_and_five_seconds() {
        assert_eq!(check(&with("exp", json!(999_996))), Ok(()));
        assert_eq!(check(&with("exp", json!(999_995))), Err(ClaimsFault::Expired));
        assert_eq!(check(&with("exp", json!(i64::MAX))), Ok(()));
        assert_eq!(check(&with("exp", json!(i64::MIN))), Err(ClaimsFault::Expired));
    }

    #[test]
    fn a_token_of_the_future_is_refused() {
        for name in ["iat", "nbf"] {
            assert_eq!(check(&with(name, json!(1_000_005))), Ok(()), "{name}");
            assert_eq!(check(&with(name, json!(1_000_006))), Err(ClaimsFault::Invalid), "{name}");
        }
    }

    #[test]
    fn a_refresh_token_is_held_to_the_same_claims() {
        let good = json!({"iss": "nova-crm", "aud": "nova-crm", "sub": ID, "iat": 1_000_000, "exp": 1_000_900,
            "jti": "secret", "sid": ID, "gen": 7});
        let check = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            let expected = Expected::only("nova-crm", "nova-crm");
            let claims: RefreshClaims = read(claims.to_string().as_bytes(), &expected, now())?;
            check_expiry(&claims, now())
        };
        assert_eq!(check("gen", json!(8)), Ok(()));
        assert_eq!(check("exp", json!(999_995)), Err(ClaimsFault::Expired));
        for (name, value) in [
            ("iss", json!("nova-api")),
            ("aud", json!("nova-api")),
            ("iat", json!(1_000_006)),
            ("nbf", json!(1_000_006)),
        ] {
            assert_eq!(check(name, value), Err(ClaimsFault::Invalid), "{name}");
        }
    }

    #[test]
    fn claims_in_a_log_name_their_session_and_neither_their_user_nor_a_secret() {
        let access: AccessClaims = serde_json::from_value(good()).unwrap();
        let expected = format!("AccessClaims {{ jti: AccessId({ID}), sid: SessionId({ID}), .. }}");
        assert_eq!(format!("{access:?}"), expected);
        let refresh = json!({"iss": "i", "aud": "a", "sub": ID, "iat": 0, "exp": 1, "jti": "secret", "sid": ID, "gen": 7});
        let refresh: RefreshClaims = serde_json::from_value(refresh).unwrap();
        assert_eq!(format!("{refresh:?}"), format!("RefreshClaims {{ sid: SessionId({ID}), gen: 7, .. }}"));
    }
}
