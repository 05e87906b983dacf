//! The keys of tokens: how they are read, kept for a while, and used.
//!
//! | module | what is in it |
//! |---|---|
//! | `jwk` | a secret's text → keys, with every reason for which a key is refused |
//! | `ring` | several keys: which signs now, which verify still |
//! | `cache` | the ring of a secret, read from Secrets Manager and kept for five minutes |
//! | `derive` | the key of refresh ids: no JWT key is used raw for anything but JWS |
//! | `access`, `refresh` | the two kinds of token: made and verified |

mod access;
mod cache;
mod derive;
mod jwk;
mod refresh;
mod ring;
mod verify;

pub use access::{AccessTokens, IssuedAccess, VerifiedAccess};
pub use cache::{KeyCache, KeysError, MAX_STALENESS};
pub use jwk::BadKeys;
pub use refresh::{First, Next, RefreshTokens, VerifiedRefresh};
pub use ring::{Key, Ring};
pub use verify::{Rejected, Token};
