//! The end-to-end tests: the real functions, over HTTP, in the system that `nova local` runs.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this is test code, and a test may fail"
)]

mod access_tokens;
mod attach;
mod attempts;
mod bad_input;
mod breached;
mod browser_client;
mod codes;
mod cookies;
mod cors;
mod device_cookies;
mod engines;
mod enumeration;
mod events;
mod hostile_headers;
mod introspection;
mod invitation;
mod kept;
mod keys;
mod languages;
mod logout;
mod mail;
mod main_job;
mod nova_bench;
mod nova_doctor;
mod nova_local;
mod nova_user;
mod operators;
mod outage;
mod page;
mod passkeys;
mod password;
mod racing;
mod random_input;
mod recovery;
mod refresh;
mod register;
mod relay;
mod resources;
mod revocation;
mod rules;
mod secrecy;
mod sessions;
mod soak;
mod sockets;
mod startup;
mod support;
mod uploads;
mod used;
mod websocket;
