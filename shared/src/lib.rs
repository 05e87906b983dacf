//! Nova Auth: the library that every function shares. This page is its map.
//!
//! Arrows run one way: functions and the `nova` command → [`app`] → [`http`] / [`authorizer`] → [`flows`] → [`store`], [`keys`],
//! and the pure rules of [`domain`], which know none of the others. A test holds every import to that (`arrows`).
//!
//! | module | what is in it |
//! |---|---|
//! | [`domain`] | the rules: tokens, sessions, attempts, addresses, policies; a package of its own |
//! | [`config`] | every environment variable, read once |
//! | [`app`] | the composition root: the one place that builds clients, stores and keys |
//! | [`service`] | what the flows work with, by what it can do |
//! | [`settings`] | what an operator decides, as values |
//! | [`flows`] | one story a file: login, refresh, logout, authenticate, authorize, change_password, … |
//! | [`journal`] | the security log: an entry of it, and the line and the metric that go with it |
//! | [`store`] | DynamoDB, one file per kind of item |
//! | [`keys`] | Secrets Manager, the ring of JWT keys, and the tokens signed with it |
//! | [`webauthn`] | passkeys: from a browser's answer to a row |
//! | [`patience`] | how long AWS is waited for |
//! | [`passwords`] | bcrypt, on a blocking thread |
//! | [`rules_cache`] | the rules of attached APIs, kept for a minute |
//! | [`gate`] | calls counted, and places taken, given back and forgiven |
//! | [`flow_error`] | why a flow did not come to its good end |
//! | [`http`] | the edge of the endpoints: events in, answers out, and the one table of codes |
//! | [`authorizer`] | the edge of the authorizer: its events in, its answers out |
//! | [`rotation`] | the edge of the rotation function: Secrets Manager's events in |
//! | [`relay`] | the edge of the relay: records of the tables' streams in |
//! | [`send_mail`] | the edge of the sender of mails: messages of the queue in |
//! | [`mails`] | rows that ask for a mail |
//! | [`letters`] | what a mail says: subject, text, HTML |
//! | [`messages`] | what people read, in Arabic and English |
//! | [`telemetry`] | logs, and the metrics that ride on their lines |
//! | [`aws`], [`runtime`] | the clients; the loop that takes events from Lambda |
//! | [`entropy`] | randomness |

pub use nova_auth_domain as domain;

pub mod app;
#[cfg(test)]
mod arrows;
pub mod authorizer;
pub mod aws;
pub mod config;
pub mod entropy;
pub mod flow_error;
pub mod flows;
pub mod gate;
pub mod http;
pub mod journal;
pub mod keys;
pub mod letters;
pub mod mails;
pub mod messages;
pub mod password_policy;
pub mod passwords;
pub mod patience;
pub mod relay;
pub mod retry;
pub mod rotation;
pub mod rules_cache;
pub mod runtime;
pub mod send_mail;
pub mod service;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod webauthn;
