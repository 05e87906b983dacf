//! Mail to users: what it is about, the row that asks for it, and the token in its link.
//!
//! The row is the job: who wants a mail sent writes one, and nobody tells the sender anything else. Nothing in it makes a
//! link: the link and the code are computed from the row with a key that the row's readers do not have.

mod kind;
mod limits;
mod row;
mod token;

pub use kind::{CODE_LIFE, LONGEST_LIFE, MailKind, Notice};
pub use limits::{PER_ADDRESS, PER_DAY, PER_HOUR, PER_NETWORK, PER_USER};
pub use row::{Mail, MailKey, NewLogin, NotAMailKey, Prepared};
pub use token::{Bound, MailCode, MailDigest, MailMac, MailToken, NotAMailToken};
