//! The rings of keys: read, cached, rotated, published.
//!
//! | module | what is in it |
//! |---|---|
//! | `vault` | a Secrets Manager in memory, which fails when it is told to |
//! | `cache` | Secrets Manager down, slow, and asked about made-up names |
//! | `steps` | the four steps of a rotation: repeated, interrupted, out of order, too late |
//! | `links` | a rotation, seen from a link that is out |
//! | `emergency` | a key that is dropped |
//! | `factors` | a key that joins those of second factors |
//! | `years` | rotation after rotation under traffic, with the time moved |
//! | `traffic` | rotation under traffic in the whole system |
//! | `tampering` | tokens of every algorithm, changed in every part |
//! | `issuer` | the metadata, and a change of the issuer |
//! | `jwt_authorizer` | an API that verifies tokens by the public set, and asks nobody |
//! | `published` | the public set, and `nova keys` |
//! | `validators` | tokens, key sets and metadata for the libraries of others |

mod cache;
mod emergency;
mod factors;
mod issuer;
mod jwt_authorizer;
mod jwt_samples;
mod links;
mod published;
mod rest_jwt_authorizer;
mod steps;
mod tampering;
mod traffic;
mod validators;
mod vault;
mod years;
