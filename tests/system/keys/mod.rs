//! The rings of keys in the whole system: rotated, published, and verified by others.
//!
//! | module | what is in it |
//! |---|---|
//! | `traffic` | rotation under traffic in the whole system |
//! | `tampering` | tokens of every algorithm, changed in every part |
//! | `issuer` | the metadata, and a change of the issuer |
//! | `jwt_authorizer` | an API that verifies tokens by the public set, and asks nobody |
//! | `published` | the public set, and `nova keys` |

mod issuer;
mod jwt_authorizer;
mod jwt_samples;
mod published;
mod rest_jwt_authorizer;
mod tampering;
mod traffic;

use nova_test_support::secrets as vault;
