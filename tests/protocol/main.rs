//! The protocols over a real DynamoDB: races, retries, lost answers, throttles, and what is left when they are through.
//!
//! One claim is held against all of it: a revoked session is refused on its next decision, nothing ever turns a no into a
//! yes, and an honest client that retries within the grace window is not logged out. Time is an argument, so nothing here
//! waits for a clock; faults are scripted at the wire, under the SDK, where its own retries meet them.
//!
//! | | |
//! |---|---|
//! | `world`, `rows`, `answers` | the flows on a database in memory, what their users do, the rows as they are, and what comes back |
//! | `wire`, `sent`, `faults` | the HTTP client under the SDK: it records every call, and does to it what a test says |
//! | `log` | the lines that our code writes while a test looks |
//! | `vault` | the keys, as Secrets Manager would give them |
//! | `breached` | passwords that were leaked elsewhere |
//! | `device_cookies` | devices that logged in before |
//! | `new_device` | the mail about a login on another device, and its link |
//! | `login_*`, `refresh_*`, `logout`, `cookies`, `password_change`, `register`, `sessions`, `session_limit`, `decisions` | the protocols, one subject a file |
//! | `operator`, `security_log` | what an operator does, and what is written down of everybody |
//! | `recovery`, `invitation`, `change_of_address`, `mailbox` | links in mail, and who reads them |
//! | `passkeys` | passkeys made, used and removed |
//! | `ceremonies` | challenges of passkeys, and their counters |
//! | `second_factors`, `factor_guesses` | codes, recovery codes, and the two steps of a login; wrong ones |
//! | `factor_changes` | second factors enrolled, removed and reset; sessions that are stepped up |
//! | `factor_faults` | second factors when something is in the way |
//! | `late` | writes that arrive long after their caller has gone on |
//! | `throttled`, `conflicts` | every call of every flow failing in turn, or meeting another write |
//! | `event_kinds`, `broken_events` | the authorizer, asked in every form, and in none |
//! | `appsync` | the authorizer, asked by an event API of AppSync |
//! | `assurance` | second factors and recent authentication in rules; sessions that may only enrol |
//! | `failures`, `failure_runs` | which failures of storage are worth trying again; a hundred wrong passwords in a row |
//! | `address_calls`, `refresh_limit` | how often an address may call, and a session be refreshed |
//! | `version_before` | what the version before this one writes, beside this one |
//! | `counters` | windows of attempts and counts of calls at random, against what they are meant to be |
//! | `uploads` | guarded uploads: cost, quotas, verdicts in any order |
//! | `cost`, `golden` | round trips and capacity; every call of every flow, word by word |
//! | `keys` | rings of keys: read, cached, rotated |
//! | `interleavings`, `steps`, `model` | everything at random, against the protocol in its simplest form |

// The futures of flows, of tests and of the fault layer stand in each other: deeper than the compiler looks by default.
#![recursion_limit = "256"]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this is test code, and a test may fail"
)]

mod answers;
mod faults;
mod log;
mod mailbox;
mod model;
mod rows;
mod sent;
mod steps;
mod wire;
mod world;

mod address_calls;
mod appsync;
mod assurance;
mod breached;
mod broken_events;
mod ceremonies;
mod change_of_address;
mod conflicts;
mod cookies;
mod cost;
mod counters;
mod decisions;
mod device_cookies;
mod epochs;
mod event_kinds;
mod factor_changes;
mod factor_faults;
mod factor_guesses;
mod factor_late;
mod failure_runs;
mod failures;
mod golden;
mod interleavings;
mod introspection;
mod invitation;
mod keys;
mod late;
mod login_attempts;
mod login_hashes;
mod login_races;
mod login_secrecy;
mod logout;
mod new_device;
mod operator;
mod passkeys;
mod password_change;
mod recovery;
mod refresh_ends;
mod refresh_keys;
mod refresh_limit;
mod refresh_races;
mod refresh_retries;
mod refresh_theft;
mod register;
mod relay;
mod rules;
mod second_factors;
mod security_log;
mod sending;
mod session_limit;
mod sessions;
mod throttled;
mod tickets;
mod uploads;
mod version_before;

use nova_test_support::secrets as vault;
