//! The keys of tokens: how they are read, kept for a while, and used.
//!
//! | module | what is in it |
//! |---|---|
//! | `jwk` | a secret's text → keys, with every reason for which a key is refused |
//! | `algorithm`, `material`, `der` | the algorithms, and the members that each one's keys have |
//! | `ring` | several keys: which signs now, which verify still |
//! | `cache` | the ring of a secret, read from Secrets Manager and kept for half a minute |
//! | `document`, `generate` | the secret's text, changed: a new key joins, dead keys leave |
//! | `secret` | the versions of a secret in Secrets Manager, and the stages that point to them |
//! | `derive` | the keys of refresh ids, CSRF tokens and mailed links: no JWT key is used raw for anything but JWS |
//! | `csrf` | CSRF tokens, and the cookie that they go with before a login |
//! | `device` | what a browser keeps of a login |
//! | `links` | the links and codes in mail |
//! | `factors` | what is kept of second factors: sealed secrets, and MACs of recovery codes |
//! | `access`, `refresh` | the two kinds of token: made and verified |

mod access;
mod algorithm;
mod cache;
mod csrf;
mod derive;
mod device;
mod document;
mod factors;
mod generate;
mod jwk;
mod links;
mod material;
mod refresh;
mod ring;
mod secret;
mod verify;

pub use access::{AccessTokens, IssuedAccess, Issuers, TokenNames, VerifiedAccess};
pub use algorithm::{KeyAlgorithm, TokenKind};
pub use cache::{FRESH, KeyCache, KeysError, MAX_STALENESS, PUBLIC_SET_MAX_AGE};
pub use csrf::{Anonymous, CsrfTokens};
pub use device::{DeviceTokens, KNOWN_FOR};
pub use document::{KeyDocument, MIN_NOTICE, NOTICE, NotASuccessor};
pub use factors::{FactorKeys, Sealed};
pub use jwk::BadKeys;
pub use links::MailLinks;
pub use refresh::{First, Next, RefreshTokens, VerifiedRefresh};
pub use ring::{Key, Ring};
pub use secret::{SecretError, VersionedSecret, Versions};
pub use verify::{Rejected, Token};
