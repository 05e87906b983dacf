//! Writes our codes, the steps that we find and our key URIs, for other libraries to judge (`tests/totp`): totp SEED.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a tool of the tests, which may fail where it stands"
)]

use jiff::Timestamp;
use nova_auth_domain::factors::totp::{SECRET_BYTES, TotpCode, TotpSecret};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// So many secrets.
const SECRETS: u64 = 200;

/// Names that a URI has to be careful with.
const SERVICES: [&str; 7] =
    ["Nova CRM", "A+B", "100% & more", "نوفا", "a/b?c=d#e", "\"quoted\" 'name'", "Straße 🔐"];
const ACCOUNTS: [&str; 4] =
    ["sara@example.com", "sara+totp@example.com", "سارة@مثال.com", "o'neill%40@example.com"];

fn main() {
    let seed: u64 = std::env::args().nth(1).map_or(1, |seed| seed.parse().expect("a number"));
    for number in 0..SECRETS {
        println!("{}", line(Sha256::digest([seed, number].map(u64::to_be_bytes).concat()).into()));
    }
}

fn line(random: [u8; 32]) -> Value {
    let (secret, rest) = random.split_at(SECRET_BYTES);
    let secret = TotpSecret::from_bytes(secret.try_into().expect("the bytes of a secret"));
    let service = SERVICES[usize::from(rest[0]) % SERVICES.len()];
    let account = ACCOUNTS[usize::from(rest[1]) % ACCOUNTS.len()];
    // From 1970 beyond 2106, where 32 bits are not enough. The first step has none before it.
    let now =
        30 + i64::from(u32::from_be_bytes([rest[2], rest[3], rest[4], rest[5]])) * i64::from(1 + rest[6] % 2);
    let at = |second: i64| Timestamp::from_second(second).expect("a time");
    // Codes of a while ago and of soon, each shown now.
    let tries: Vec<Value> = (-100..=100)
        .step_by(5)
        .filter(|offset| now + offset >= 0)
        .map(|offset| {
            let code = secret.code_at(at(now + offset));
            let typed = TotpCode::parse(&code).expect("six digits");
            json!({ "at": now + offset, "code": code, "step": secret.step_of(&typed, at(now), None) })
        })
        .collect();
    json!({
        "secret": secret.base32(), "uri": secret.uri(service, account), "service": service, "account": account,
        "now": now, "tries": tries,
    })
}
