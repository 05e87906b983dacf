//! Passkeys over HTTP: made, and used without a password, after one, and for a step-up.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::passkey::Phone;
use crate::support::stack::{PASSWORD, Pair, System, User, with_passkeys};

/// A user with a passkey.
struct Owner {
    system: System,
    client: Client,
    sara: User,
    pair: Pair,
    phone: Phone,
}

impl Owner {
    async fn new() -> Owner {
        let system = System::start_with(with_passkeys).await;
        let (client, sara) = (Client::at(2), system.user("sara").await);
        let pair = system.login(&client, &sara).await;
        let mut owner = Owner { system, client, sara, pair, phone: Phone::new(1) };
        let made = owner.makes(json!({"name": "Phone"})).await;
        made.expect_status(200);
        assert_eq!(made.body["data"]["recoveryCodes"].as_array().map(Vec::len), Some(10));
        owner
    }

    async fn as_user(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = self.client.request(method, &self.system.auth(path)).bearer_auth(&self.pair.access);
        self.client.send(request.json(body)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.client.post(&self.system.auth(path), body).await
    }

    /// The answer of a browser to what it is asked, beside what else is said.
    async fn makes(&mut self, mut body: Value) -> Answer {
        let options = self.as_user("POST", "factors/passkeys/options", &json!({})).await;
        options.expect_status(200);
        body["passkey"] = self.phone.make(&options.body["data"]);
        self.as_user("POST", "factors/passkeys", &body).await
    }

    async fn shows(&mut self) -> Value {
        let options = self.post("passkey/options", &json!({})).await;
        options.expect_status(200);
        assert_eq!(
            options.body["data"]["allowCredentials"],
            json!([]),
            "whoever asks is told whose there are"
        );
        self.phone.show(&options.body["data"])
    }
}

#[tokio::test]
async fn a_passkey_logs_its_user_in_without_an_address_and_a_password() {
    let mut owner = Owner::new().await;
    let passkey = owner.shows().await;
    let begun = owner.post("passkey", &json!({"passkey": passkey})).await;
    begun.expect_status(200);
    assert_eq!(begun.text("/data/user/email"), owner.sara.email);
    assert_eq!(begun.header("ratelimit"), "", "no password was shown, and a window of passwords is told of");
    let pair = Pair::of(&begun);
    owner.system.assert_lets_in(&owner.client, &pair.access, &owner.sara).await;
    // Used once, and never again.
    owner.post("passkey", &json!({"passkey": passkey})).await.expect(401, "PASSKEY_INVALID");
    owner.system.logout(&owner.client, Some(&pair.access), &json!({})).await.expect_status(200);
    owner.system.assert_dead(&owner.client, &pair).await;
}

#[tokio::test]
async fn a_passkey_is_a_second_factor_and_steps_up() {
    let mut owner = Owner::new().await;
    let first = owner.system.try_login(&owner.client, &owner.sara.email, PASSWORD).await;
    assert_eq!(first.body["data"]["challenge"]["methods"], json!(["passkey", "recovery"]));
    let token = first.text("/data/challenge/token");
    let options = owner.post("login/factor/options", &json!({"token": token})).await;
    assert_eq!(options.body["data"]["allowCredentials"].as_array().map(Vec::len), Some(1));
    let passkey = owner.phone.show(&options.body["data"]);
    let begun = owner.post("login/factor", &json!({"token": token, "passkey": passkey})).await;
    owner.pair = Pair::of(&begun);

    let options = owner.as_user("POST", "step-up/options", &json!({})).await;
    let passkey = owner.phone.show(&options.body["data"]);
    let stepped = owner.as_user("POST", "step-up", &json!({"passkey": passkey})).await;
    assert_eq!(stepped.text("/data/acr"), "urn:nova:2");
    let again = owner.as_user("POST", "step-up", &json!({"passkey": passkey})).await;
    again.expect(401, "MFA_CODE_INVALID");
    owner.post("login/factor/options", &json!({"token": "x"})).await.expect(401, "MFA_TOKEN_INVALID");
}

#[tokio::test]
async fn a_passkey_is_listed_made_once_and_removed() {
    let mut owner = Owner::new().await;
    let listed = owner.as_user("GET", "factors", &json!({})).await;
    let [factor] = listed.body["data"]["factors"].as_array().unwrap().as_slice() else {
        panic!("{listed:?}")
    };
    assert_eq!((&factor["kind"], &factor["name"]), (&json!("passkey"), &json!("Phone")));
    owner.makes(json!({})).await.expect(409, "PASSKEY_EXISTS");
    let id = factor["id"].as_str().unwrap();
    owner.as_user("DELETE", &format!("factors/{id}"), &json!({})).await.expect_status(200);
    let passkey = owner.shows().await;
    owner.post("passkey", &json!({"passkey": passkey})).await.expect(401, "PASSKEY_INVALID");
    owner.system.login(&owner.client, &owner.sara).await;
}

#[tokio::test]
async fn what_is_no_answer_of_a_browser_is_a_fault_by_its_name() {
    let owner = Owner::new().await;
    for (passkey, code) in [
        (json!(null), "REQUIRED"),
        (json!("x"), "WRONG_TYPE"),
        (json!({}), "INVALID"),
        (json!({"id": "!", "rawId": "!", "type": "public-key", "response": {}}), "INVALID"),
    ] {
        for answer in [
            owner.post("passkey", &json!({"passkey": passkey})).await,
            owner.as_user("POST", "factors/passkeys", &json!({"passkey": passkey})).await,
        ] {
            answer.expect(400, "VALIDATION_FAILED");
            assert_eq!(answer.body["errors"][0]["field"], "passkey");
            assert_eq!(answer.body["errors"][0]["code"], code, "{passkey}");
        }
    }
}

#[tokio::test]
async fn a_stack_without_a_domain_for_passkeys_has_none_of_it() {
    let system = System::start_with(|options| {
        options.parameters.insert("MfaPolicy".to_owned(), "optional".to_owned());
    })
    .await;
    let (client, sara) = (Client::at(2), system.user("sara").await);
    let pair = system.login(&client, &sara).await;
    for path in ["passkey/options", "passkey", "login/factor/options", "step-up/options"] {
        client.post(&system.auth(path), &json!({})).await.expect(404, "NOT_FOUND");
    }
    let ask = client.request("POST", &system.auth("factors/passkeys/options")).bearer_auth(&pair.access);
    client.send(ask).await.expect(404, "NOT_FOUND");
}
