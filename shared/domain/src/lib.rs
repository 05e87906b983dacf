//! The rules of Nova Auth, pure: no AWS, no HTTP, no clock and no randomness of their own.
//!
//! | module | what it decides |
//! |---|---|
//! | [`refusal`] | every reason for which a request is refused |
//! | [`moment`] | the time and the request that a decision is made for |
//! | [`ids`] | users, sessions, and the identifiers of refresh tokens |
//! | [`email`], [`password`], [`name`] | what people type, parsed once |
//! | [`characters`] | which characters nobody sees |
//! | [`common_passwords`] | the passwords that everybody tries first |
//! | [`breached`] | a filter of the passwords that were breached elsewhere |
//! | [`address`] | who is calling, behind which proxies, and which address window that fills |
//! | [`network`] | networks as people write them |
//! | [`origin`] | which pages may call from a browser, and with which headers |
//! | [`attempts`] | how many passwords may be tried |
//! | [`user`] | profiles: role, status, permissions, epoch |
//! | [`user_record`] | a user as a line of an import or export |
//! | [`factors`] | second factors, and how much a session was shown |
//! | [`mfa`] | who has to have a second factor |
//! | [`assurance`] | how recently, and by what, a user has to have shown who they are |
//! | [`session`] | the life of a session and the refresh protocol's decisions |
//! | [`jws`], [`claims`] | tokens: strict parsing, and what their claims must say |
//! | [`mail`] | mail to users: its kinds, the row that asks for it, the token in its link |
//! | [`rules`] | who may call what of an attached API |
//! | [`policy`], [`context`] | what an authorizer answers to API Gateway |
//! | [`security_event`] | the vocabulary of the security log |
//! | [`mod@named`] | enums whose variants say their names once |

pub mod address;
pub mod assurance;
pub mod attempts;
pub mod breached;
pub mod characters;
pub mod claims;
pub mod common_passwords;
pub mod context;
pub mod email;
pub mod factors;
mod fault;
pub mod ids;
pub mod jws;
pub mod mail;
pub mod metadata;
pub mod mfa;
pub mod moment;
pub mod name;
pub mod named;
pub mod network;
pub mod origin;
pub mod password;
pub mod policy;
pub mod refusal;
pub mod rules;
pub mod security_event;
pub mod session;
pub mod strict_json;
pub mod user;
pub mod user_agent;
pub mod user_record;
