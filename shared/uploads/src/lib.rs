//! Guarded uploads: a file reaches the clean bucket only if two independent checks said yes about one version of it.
//!
//! | module | what is in it |
//! |---|---|
//! | [`rules`] | what may be uploaded: types, sizes, quotas; and the file that people write |
//! | [`wanted`] | what a client declares about a file before it sends it |
//! | [`mod@form`] | the grant: an S3 POST policy in which every field is exact |
//! | [`upload`] | the life of an upload: granted, received, clean or refused |
//! | [`inspect`] | whether a file is what it claims to be, and nothing else |
//! | [`reason`] | why a file is refused, and what people read of it |
//! | [`key`] | where files are |
//! | [`kind`] | the types of file that can be told apart |
//! | [`events`] | what S3, the malware scanner and the table's stream tell |
//! | [`service`] | the table, the flows and the edge of the functions |
//! | [`name`] | a file's name, which is never part of a key |

pub mod events;
#[cfg(feature = "sign")]
pub mod form;
#[cfg(feature = "inspect")]
pub mod inspect;
pub mod key;
pub mod kind;
pub mod name;
pub mod reason;
pub mod rules;
#[cfg(feature = "service")]
pub mod service;
pub mod upload;
pub mod wanted;
