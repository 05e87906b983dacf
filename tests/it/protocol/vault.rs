//! Secrets Manager, as far as the functions know it: `GetSecretValue`, from memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) const ACCESS: &str = "access-keys";
pub(super) const REFRESH: &str = "refresh-keys";
pub(super) const LINKS: &str = "link-keys";
pub(super) const FACTORS: &str = "factor-keys";

/// The secrets, which a test can change, make fail, and count the reads of.
#[derive(Debug, Clone, Default)]
pub(super) struct Vault(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    secrets: BTreeMap<String, String>,
    failing: bool,
    reads: usize,
}

impl Vault {
    /// One key a secret, as a fresh stack has it.
    pub(super) fn new() -> Self {
        let vault = Self::default();
        vault.put(ACCESS, &[key("access-1", None)]);
        vault.put(REFRESH, &[key("refresh-1", None)]);
        vault.put(LINKS, &[key("link-1", None)]);
        vault.put(FACTORS, &[key("factor-1", None)]);
        vault
    }

    /// Puts other keys into a secret.
    pub(super) fn put(&self, secret: &str, keys: &[Value]) {
        self.state().secrets.insert(secret.to_owned(), json!({ "keys": keys }).to_string());
    }

    pub(super) fn set_failing(&self, failing: bool) {
        self.state().failing = failing;
    }

    pub(super) fn reads(&self) -> usize {
        self.state().reads
    }

    pub(super) fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn answer(&self, request: &HttpRequest) -> (u16, Value) {
        let body: Value =
            serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let mut state = self.state();
        state.reads += 1;
        // Not one of the errors that the SDK repeats: what it does with those is not the subject here.
        let refused = (400, json!({ "__type": "DecryptionFailure", "Message": "scripted" }));
        if state.failing {
            return refused;
        }
        body["SecretId"]
            .as_str()
            .and_then(|name| state.secrets.get(name))
            .map_or(refused, |secret| (200, json!({ "Name": body["SecretId"], "SecretString": secret })))
    }
}

/// A key of this name, made of it, that signs from a moment on.
pub(super) fn key(kid: &str, not_before: Option<Timestamp>) -> Value {
    let bytes: Vec<u8> =
        (0..48).map(|byte| (byte * 5) ^ kid.bytes().fold(7, |sum, c| sum ^ c.rotate_left(3))).collect();
    let mut key = json!({
        "kty": "oct", "alg": "HS256", "use": "sig", "kid": kid, "k": URL_SAFE_NO_PAD.encode(bytes),
    });
    if let Some(begin) = not_before {
        key["nbf"] = json!(begin.as_second());
    }
    key
}

impl HttpClient for Vault {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Vault {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = self.answer(&request);
        let body = SdkBody::from(body.to_string().into_bytes());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), body)))
    }
}
