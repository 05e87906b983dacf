//! An authenticator app.

use jiff::SignedDuration;
use nova_auth::domain::factors::totp::TotpSecret;
use nova_test_support::totp::now;
pub(crate) use nova_test_support::totp::{code_now, read};
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
