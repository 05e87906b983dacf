//! The keys of a secret as they stand in it, for those who change it: a key joins, keys leave, and nothing else is touched.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::{
    BadKeys, Ring,
    algorithm::{KeyAlgorithm, TokenKind},
    cache::{FRESH, MAX_STALENESS},
    generate, jwk,
};
use crate::{
    domain::{claims::LEEWAY, mail::LONGEST_LIFE, session::Lifetimes},
    entropy::NoEntropy,
};

/// A new key is known this long before it signs, and longer if others keep its public part (`kept_by_others`).
pub const NOTICE: SignedDuration = SignedDuration::from_hours(1);

/// With less than this left of its notice, a new key comes too late: some would meet its tokens before they know it.
pub const MIN_NOTICE: SignedDuration = SignedDuration::from_mins(15);

/// How long others may keep the public keys of an algorithm without looking again, beyond what we ask for.
///
/// An HTTP API of API Gateway with a JWT authorizer takes RSA keys alone and may keep them for two hours, whatever
/// `Cache-Control` says; for a key that it does not know it need not look again.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>
const fn kept_by_others(algorithm: KeyAlgorithm) -> SignedDuration {
    match algorithm {
        KeyAlgorithm::Rs256 => SignedDuration::from_hours(2),
        KeyAlgorithm::Hs256 | KeyAlgorithm::Es256 | KeyAlgorithm::EdDsa => SignedDuration::ZERO,
    }
}

/// No access token can be configured to live longer. Taken instead of the present setting, so that lowering that one
/// makes no key leave before its tokens.
const LONGEST_ACCESS: SignedDuration = SignedDuration::from_hours(1);

/// The keys of a secret, private parts and all. It shows nothing.
#[derive(Clone)]
pub struct KeyDocument {
    kind: TokenKind,
    jwks: Vec<Map<String, Value>>,
}

/// A ring that was prepared does not follow from the one that is in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotASuccessor {
    /// Somebody changed the ring that is in force; this one would undo that.
    #[error("it has the key {0}, which the ring in force does not have (any more)")]
    Outdated(String),
    /// It would take a key away whose tokens are alive.
    #[error("it lacks the key {0}, whose tokens may be alive")]
    Missing(String),
    #[error("it has no new key")]
    NothingNew,
    /// The new key does not verify what it signs.
    #[error("its new key {0} does not verify what it signs")]
    Broken(String),
}

impl std::fmt::Debug for KeyDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyDocument").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl KeyDocument {
    /// Reads a secret; every key of it must be fit for use.
    pub fn parse(secret: &str, kind: TokenKind) -> Result<Self, BadKeys> {
        jwk::parse(secret, kind)?;
        let jwks = jwk::members(secret)?.into_iter();
        // INVARIANT: the parser has refused what is no object.
        let jwks = jwks.filter_map(|mut jwk| jwk.as_object_mut().map(std::mem::take)).collect();
        Ok(Self { kind, jwks })
    }

    /// The text of the secret: always a JWK Set.
    #[must_use]
    pub fn text(&self) -> SecretString {
        SecretString::from(json!({"keys": self.jwks}).to_string())
    }

    #[must_use]
    pub const fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The ring of these keys.
    pub fn ring(&self) -> Result<Ring, BadKeys> {
        jwk::parse(secrecy::ExposeSecret::expose_secret(&self.text()), self.kind)
    }

    /// With a key more that signs once everybody had time to learn of it.
    pub fn with_announced_key(self, algorithm: KeyAlgorithm, now: Timestamp) -> Result<Self, NoEntropy> {
        let notice = NOTICE + kept_by_others(self.algorithm_of_new(algorithm));
        self.with_new_key(algorithm, now, now + notice)
    }

    /// With a key more that signs from `not_before` on.
    pub fn with_new_key(
        mut self,
        algorithm: KeyAlgorithm,
        now: Timestamp,
        not_before: Timestamp,
    ) -> Result<Self, NoEntropy> {
        let algorithm = self.algorithm_of_new(algorithm);
        self.jwks.push(generate::key(self.kind, algorithm, now, not_before)?);
        Ok(self)
    }

    /// Access tokens alone are for others, and signed as the settings say.
    const fn algorithm_of_new(&self, algorithm: KeyAlgorithm) -> KeyAlgorithm {
        match self.kind {
            TokenKind::Access => algorithm,
            TokenKind::Refresh | TokenKind::Link | TokenKind::Factor => KeyAlgorithm::Hs256,
        }
    }

    /// Without the keys whose last token is dead.
    #[must_use]
    pub fn without_dead_keys(mut self, now: Timestamp, lifetimes: &Lifetimes) -> Self {
        let dead: Vec<String> = self
            .jwks
            .iter()
            .enumerate()
            .filter(|(rank, jwk)| self.is_dead(*rank, jwk, now, lifetimes))
            .map(|(_, jwk)| kid(jwk))
            .collect();
        self.jwks.retain(|jwk| !dead.contains(&kid(jwk)));
        self
    }

    /// Without the keys of these names.
    #[must_use]
    pub fn without(mut self, kids: &[String]) -> Self {
        self.jwks.retain(|jwk| !kids.contains(&kid(jwk)));
        self
    }

    /// Whether there is a key of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.jwks.iter().any(|jwk| kid(jwk) == name)
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jwks.is_empty()
    }

    /// When the last token that this key signed is dead; `None` while no other key takes over from it.
    #[must_use]
    pub fn leaves_at(&self, name: &str, lifetimes: &Lifetimes) -> Option<Timestamp> {
        let rank = self.jwks.iter().position(|jwk| kid(jwk) == name)?;
        Some(self.succeeded_at(rank)? + outlives(self.kind, lifetimes)?)
    }

    /// Whether nobody seals or signs with this key any more, however stale their ring.
    #[must_use]
    pub fn is_idle(&self, name: &str, now: Timestamp) -> bool {
        let rank = self.jwks.iter().position(|jwk| kid(jwk) == name);
        let taken_over = rank.and_then(|rank| self.succeeded_at(rank));
        taken_over.is_some_and(|taken_over| taken_over + MAX_STALENESS + FRESH <= now)
    }

    /// With less than this left of its notice, the key of this name comes too late.
    #[must_use]
    pub fn least_notice(&self, name: &str) -> SignedDuration {
        let jwk = self.jwks.iter().find(|jwk| kid(jwk) == name);
        let algorithm = jwk.and_then(|jwk| KeyAlgorithm::named(jwk.get("alg")?.as_str()?));
        MIN_NOTICE + algorithm.map_or(SignedDuration::ZERO, kept_by_others)
    }

    /// Whether the same keys stand in both.
    #[must_use]
    pub fn has_the_keys_of(&self, other: &Self) -> bool {
        self.jwks == other.jwks
    }

    /// Checks that this follows from `current` by one new key that works, and maybe by dead keys that left. The name of
    /// the new key, and when it begins to sign.
    pub fn follows(
        &self,
        current: &Self,
        now: Timestamp,
        lifetimes: &Lifetimes,
    ) -> Result<(String, Timestamp), NotASuccessor> {
        let (kept, new): (Vec<_>, Vec<_>) = self.jwks.iter().partition(|jwk| current.jwks.contains(jwk));
        let newest = new.iter().max_by_key(|jwk| begins(jwk)).ok_or(NotASuccessor::NothingNew)?;
        if let Some(other) = new.iter().find(|jwk| kid(jwk) != kid(newest)) {
            return Err(NotASuccessor::Outdated(kid(other)));
        }
        let mut gone = current.jwks.iter().enumerate().filter(|(_, jwk)| !kept.contains(jwk));
        if let Some((_, alive)) = gone.find(|(rank, jwk)| !current.is_dead(*rank, jwk, now, lifetimes)) {
            return Err(NotASuccessor::Missing(kid(alive)));
        }
        let ring = self.ring().map_err(|_| NotASuccessor::Broken(kid(newest)))?;
        let proved = ring.keys().any(|key| key.kid == kid(newest) && key.proves_itself());
        if !proved {
            return Err(NotASuccessor::Broken(kid(newest)));
        }
        Ok((kid(newest), begins(newest)))
    }

    fn is_dead(&self, rank: usize, jwk: &Map<String, Value>, now: Timestamp, lifetimes: &Lifetimes) -> bool {
        // Expired: it verifies nothing any more.
        if time(jwk, "exp").is_some_and(|end| end <= now) {
            return true;
        }
        let (Some(taken_over), Some(outlives)) = (self.succeeded_at(rank), outlives(self.kind, lifetimes))
        else {
            return false;
        };
        taken_over + outlives <= now
    }

    /// When another key begins to sign in its place, for good: one that ends itself might hand back.
    fn succeeded_at(&self, rank: usize) -> Option<Timestamp> {
        let own = self.jwks.get(rank).map(|jwk| (begins(jwk), rank))?;
        let later = self.jwks.iter().enumerate().filter(|(rank, jwk)| (begins(jwk), *rank) > own);
        // One without a begin was put there by hand: nobody can tell since when.
        later.filter(|(_, jwk)| time(jwk, "exp").is_none()).filter_map(|(_, jwk)| time(jwk, "nbf")).min()
    }
}

/// How long after its successor's begin a key is needed. `None`: nobody can tell.
///
/// Until [`MAX_STALENESS`] after that begin somebody with a stale ring may still sign with it; the token lives its time
/// and the leeway; and whoever checks may have a ring that is [`FRESH`] no longer. Within the grace of a refresh the
/// successor is made again with the key that made it: that is later by the grace.
fn outlives(kind: TokenKind, lifetimes: &Lifetimes) -> Option<SignedDuration> {
    let token = match kind {
        TokenKind::Access => LONGEST_ACCESS,
        TokenKind::Refresh => lifetimes.refresh + lifetimes.grace,
        TokenKind::Link => LONGEST_LIFE,
        // What is sealed with it lives as long as its factor, which no key knows.
        TokenKind::Factor => return None,
    };
    Some(MAX_STALENESS + token + LEEWAY + FRESH)
}

fn kid(jwk: &Map<String, Value>) -> String {
    jwk.get("kid").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn begins(jwk: &Map<String, Value>) -> Timestamp {
    time(jwk, "nbf").unwrap_or(Timestamp::MIN)
}

fn time(jwk: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    jwk::time(jwk, name).ok().flatten()
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
