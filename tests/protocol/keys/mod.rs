//! The rings of keys: read, cached, rotated.
//!
//! | module | what is in it |
//! |---|---|
//! | `cache` | Secrets Manager down, slow, and asked about made-up names |
//! | `steps` | the four steps of a rotation: repeated, interrupted, out of order, too late |
//! | `links` | a rotation, seen from a link that is out |
//! | `emergency` | a key that is dropped |
//! | `factors` | a key that joins those of second factors |
//! | `years` | rotation after rotation under traffic, with the time moved |
//! | `validators` | tokens, key sets and metadata for the libraries of others |

mod cache;
mod emergency;
mod factors;
mod links;
mod steps;
mod validators;
mod years;

use nova_test_support::secrets as vault;
