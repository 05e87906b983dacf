//! An authenticator app.

use jiff::{SignedDuration, Timestamp};
use nova_auth::domain::factors::totp::TotpSecret;
use serde_json::json;

use super::client::Client;
use super::stack::System;

/// One that was enrolled.
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) recovery_codes: Vec<String>,
    secret: TotpSecret,
}

impl App {
    /// Enrols one as the user of this token.
    pub(crate) async fn enrol(system: &System, client: &Client, access: &str) -> App {
        let post = |path: &str| client.request("POST", &system.auth(path)).bearer_auth(access);
        let pending = client.send(post("factors/totp").json(&json!({"name": "Phone"}))).await;
        pending.expect_status(201);
        let (id, secret) = (pending.text("/data/id"), read(&pending.text("/data/secret")));
        let code = secret.code_at(now());
        let confirmed =
            client.send(post(&format!("factors/totp/{id}/confirm")).json(&json!({"code": code}))).await;
        confirmed.expect_status(200);
        let codes = confirmed.body["data"]["recoveryCodes"].as_array().cloned().unwrap_or_default();
        let recovery_codes = codes.iter().filter_map(|code| code.as_str().map(str::to_owned)).collect();
        App { id, recovery_codes, secret }
    }

    /// What the app shows next: the code before it was used for the enrolment.
    pub(crate) fn next_code(&self) -> String {
        self.secret.code_at(now() + SignedDuration::from_secs(30))
    }
}

/// The code that an app shows now.
pub(crate) fn code_now(secret: &TotpSecret) -> String {
    secret.code_at(now())
}

/// The secret that an app is shown, in base32.
pub(crate) fn read(base32: &str) -> TotpSecret {
    let (mut bits, mut count, mut bytes) = (0_u64, 0, Vec::new());
    for letter in base32.bytes() {
        let value = if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 };
        (bits, count) = ((bits << 5) | u64::from(value), count + 5);
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap());
        }
    }
    TotpSecret::from_bytes(bytes.try_into().unwrap())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the functions on the other side of the gateway read the clock"
)]
fn now() -> Timestamp {
    Timestamp::now()
}
