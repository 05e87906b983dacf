//! What these tests stand on, beside what all of them share (`tests/support`).
//!
//! | module | what is in it |
//! |---|---|
//! | [`binaries`] | the functions and `nova`, built once |
//! | [`stack`] | the whole system, one for each test |
//! | [`chromium`] | a real browser, where there is one |
//! | [`client`] | somebody who calls it, from an address of their own |
//! | [`browser`] | the same with cookies, and a page that asks |
//! | [`functions`] | the functions in this process |
//! | [`line`] | the line between a browser and the service, which loses answers when it is told to |
//! | [`mail`] | the links and codes of mails |
//! | [`program`] | binaries run as programs |
//! | [`rows`] | the tables, read and rewritten: time passes by changing what is stored |
//! | [`signed`] | requests signed with keys of AWS |
//! | [`written`] | files that go with their test |

pub(crate) mod app;
pub(crate) mod binaries;
pub(crate) mod browser;
pub(crate) mod chromium;
pub(crate) mod client;
pub(crate) mod functions;
pub(crate) mod line;
pub(crate) mod mail;
pub(crate) mod program;
pub(crate) mod rows;
#[path = "../../soak/src/signed.rs"]
pub(crate) mod signed;
pub(crate) mod stack;
pub(crate) mod written;

pub(crate) use nova_test_support::{engine, passkey, proxy, tokens};
