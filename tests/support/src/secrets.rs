//! A Secrets Manager in memory, with the rules that a rotation relies on, which fails when it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Config, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use nova_auth::app::KeyRotation;
use nova_auth::domain::session::Lifetimes;
use nova_auth::keys::{KeyAlgorithm, KeyDocument, Ring, TokenKind, VersionedSecret};
use serde_json::{Value, json};

pub const ACCESS: &str = "arn:access";
pub const REFRESH: &str = "arn:refresh";
pub const LINKS: &str = "arn:links";
pub const FACTORS: &str = "arn:factors";

/// What befalls calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    #[default]
    None,
    /// Every call is refused.
    Refuse,
    /// No call is ever answered.
    Hang,
    /// This call of those to come, counted from 0, is refused and all after it: a function that ended there.
    DieAt(usize),
    /// The same, and that call took: its answer was lost.
    DieAfter(usize),
    /// This call took, but its answer was lost.
    LoseAnswer(usize),
    /// So often, just before a version is written, another one comes into force: the pending one, if it has a value.
    Overtaken(usize),
}

#[derive(Debug, Clone, Default)]
pub struct Vault(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    secrets: BTreeMap<String, BTreeMap<String, Version>>,
    fault: Fault,
    calls: Vec<String>,
    since_fault: usize,
}

#[derive(Debug, Default, Clone)]
struct Version {
    value: Option<String>,
    stages: BTreeSet<String>,
}

impl Vault {
    /// The secrets as CloudFormation makes them.
    pub fn new() -> Vault {
        let vault = Vault::default();
        for (secret, kid, letter) in [
            (ACCESS, "access-1", 'a'),
            (REFRESH, "refresh-1", 'r'),
            (LINKS, "link-1", 'l'),
            (FACTORS, "factor-1", 'f'),
        ] {
            vault.put(secret, &symmetric(kid, letter, ""));
        }
        vault
    }

    /// The same with keys that are made of their names ([`key`]), so that a test can put them in force again beside others.
    pub fn of_named_keys() -> Vault {
        let vault = Vault::default();
        for (secret, kid) in
            [(ACCESS, "access-1"), (REFRESH, "refresh-1"), (LINKS, "link-1"), (FACTORS, "factor-1")]
        {
            vault.put_keys(secret, &[key(kid, None)]);
        }
        vault
    }

    /// Puts this text in force.
    pub fn put(&self, secret: &str, text: &str) {
        let mut state = self.state();
        let versions = state.secrets.entry(secret.to_owned()).or_default();
        let id = format!("put-{}", versions.len());
        versions.insert(id.clone(), Version { value: Some(text.to_owned()), ..Version::default() });
        attach(versions, "AWSCURRENT", &id);
    }

    /// Puts these keys in force.
    pub fn put_keys(&self, secret: &str, keys: &[Value]) {
        self.put(secret, &json!({ "keys": keys }).to_string());
    }

    /// What `RotateSecret` does before the first step.
    pub fn begin_rotation(&self, secret: &str, version: &str) {
        let mut state = self.state();
        let versions = state.secrets.get_mut(secret).unwrap();
        versions.entry(version.to_owned()).or_default();
        attach(versions, "AWSPENDING", version);
    }

    pub fn set(&self, fault: Fault) {
        let mut state = self.state();
        (state.fault, state.since_fault) = (fault, 0);
    }

    /// Whether every call is refused.
    pub fn set_failing(&self, failing: bool) {
        self.set(if failing { Fault::Refuse } else { Fault::None });
    }

    /// How often values were read.
    pub fn reads(&self) -> usize {
        self.state().calls.iter().filter(|call| *call == "GetSecretValue").count()
    }

    /// The text of the version with this stage.
    pub fn staged(&self, secret: &str, stage: &str) -> Option<(String, String)> {
        let state = self.state();
        let found = state.secrets[secret].iter().find(|(_, version)| version.stages.contains(stage));
        found.map(|(id, version)| (id.clone(), version.value.clone().unwrap_or_default()))
    }

    /// The version and the ring in force.
    pub fn in_force(&self, secret: &str) -> (String, Ring) {
        let (id, text) = self.staged(secret, "AWSCURRENT").unwrap();
        let kind = match secret {
            ACCESS => TokenKind::Access,
            REFRESH => TokenKind::Refresh,
            FACTORS => TokenKind::Factor,
            _ => TokenKind::Link,
        };
        (id, KeyDocument::parse(&text, kind).unwrap().ring().unwrap())
    }

    /// The names of the keys in force.
    pub fn kids(&self, secret: &str) -> Vec<String> {
        self.in_force(secret).1.keys().map(|key| key.kid.clone()).collect()
    }

    pub fn client(&self) -> Client {
        self.client_with(TimeoutConfig::builder().operation_timeout(Duration::from_secs(5)).build())
    }

    /// One that waits for so long: where nothing comes.
    pub fn client_with(&self, timeouts: TimeoutConfig) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .timeout_config(timeouts)
            .http_client(self.clone());
        Client::from_conf(config.build())
    }

    pub fn secret(&self, secret: &str) -> VersionedSecret {
        VersionedSecret::new(self.client(), secret.to_owned())
    }

    /// The rotation function on these secrets.
    pub fn rotation(&self, algorithm: KeyAlgorithm) -> KeyRotation {
        let lifetimes = lifetimes();
        KeyRotation {
            access: self.secret(ACCESS),
            refresh: self.secret(REFRESH),
            links: Some(self.secret(LINKS)),
            algorithm,
            lifetimes,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn answer(&self, operation: &str, input: &Value) -> Option<(u16, Value)> {
        let mut state = self.state();
        state.calls.push(operation.to_owned());
        let index = state.since_fault;
        state.since_fault += 1;
        // Not one of the errors that the SDK repeats.
        let refused = Some((400, json!({"__type": "DecryptionFailure"})));
        match state.fault {
            Fault::Refuse => return refused,
            Fault::Hang => return None,
            Fault::DieAt(at) if index >= at => return refused,
            Fault::DieAfter(at) if index > at => return refused,
            _ => {}
        }
        let fault = state.fault;
        let overtaken = matches!(fault, Fault::Overtaken(1..)) && operation == "PutSecretValue";
        if let Fault::Overtaken(times) = &mut state.fault {
            *times -= usize::from(overtaken);
        }
        let Some(versions) = state.secrets.get_mut(input["SecretId"].as_str().unwrap()) else {
            return refused;
        };
        if overtaken {
            overtake(versions);
        }
        let answer = apply(versions, operation, input);
        let lost = [Fault::DieAfter(index), Fault::LoseAnswer(index)].contains(&fault);
        if lost { refused } else { Some(answer) }
    }
}

fn apply(versions: &mut BTreeMap<String, Version>, operation: &str, input: &Value) -> (u16, Value) {
    let text = |name: &str| input[name].as_str().map(str::to_owned);
    let error = |kind: &str| (400, json!({"__type": kind}));
    match operation {
        "GetSecretValue" => {
            let found = versions.iter().find(|(id, version)| match text("VersionId") {
                Some(wanted) => **id == wanted,
                None => version.stages.contains("AWSCURRENT"),
            });
            match found.and_then(|(id, version)| Some((id, version.value.as_ref()?))) {
                Some((id, value)) => (200, json!({"VersionId": id, "SecretString": value})),
                None => error("ResourceNotFoundException"),
            }
        }
        "DescribeSecret" => {
            let stages: serde_json::Map<_, _> = versions
                .iter()
                .filter(|(_, version)| !version.stages.is_empty())
                .map(|(id, version)| (id.clone(), json!(version.stages)))
                .collect();
            (200, json!({"VersionIdsToStages": stages}))
        }
        "PutSecretValue" => {
            let (id, value) = (text("ClientRequestToken").unwrap(), text("SecretString"));
            let version = versions.entry(id.clone()).or_default();
            if version.value.is_some() && version.value != value {
                return error("ResourceExistsException");
            }
            version.value = value;
            for stage in input["VersionStages"].as_array().unwrap() {
                attach(versions, stage.as_str().unwrap(), &id);
            }
            (200, json!({"VersionId": id}))
        }
        "UpdateSecretVersionStage" => {
            let stage = text("VersionStage").unwrap();
            let holder = versions
                .iter()
                .find(|(_, version)| version.stages.contains(&stage))
                .map(|(id, _)| id.clone());
            let to = text("MoveToVersionId");
            if holder != to && holder != text("RemoveFromVersionId") {
                return error("InvalidParameterException");
            }
            match to {
                Some(to) => attach(versions, &stage, &to),
                None => detach(versions, &stage),
            }
            (200, json!({}))
        }
        other => panic!("{other}"),
    }
}

fn overtake(versions: &mut BTreeMap<String, Version>) {
    let staged = |stage: &str| {
        let found = versions.iter().find(|(_, version)| version.stages.contains(stage));
        found.map(|(id, version)| (id.clone(), version.value.clone()))
    };
    let id = match staged("AWSPENDING") {
        Some((id, Some(_))) => id,
        _ => {
            let (_, value) = staged("AWSCURRENT").unwrap();
            let id = format!("overtaking-{}", versions.len());
            versions.insert(id.clone(), Version { value, ..Version::default() });
            id
        }
    };
    attach(versions, "AWSCURRENT", &id);
    detach(versions, "AWSPENDING");
}

fn attach(versions: &mut BTreeMap<String, Version>, stage: &str, to: &str) {
    detach(versions, stage);
    versions.get_mut(to).unwrap().stages.insert(stage.to_owned());
}

fn detach(versions: &mut BTreeMap<String, Version>, stage: &str) {
    for version in versions.values_mut() {
        version.stages.remove(stage);
    }
}

impl HttpClient for Vault {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Vault {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = operation.rsplit('.').next().unwrap_or_default();
        let input = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap();
        match self.answer(operation, &input) {
            Some((status, body)) => {
                let body = SdkBody::from(body.to_string().into_bytes());
                HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), body)))
            }
            None => HttpConnectorFuture::new(std::future::pending::<Result<HttpResponse, ConnectorError>>()),
        }
    }
}

/// A JWK for HS256 of this name; the letter makes it another key than others.
pub fn symmetric(kid: &str, letter: char, more: &str) -> String {
    format!(
        r#"{{"kty":"oct","alg":"HS256","use":"sig","kid":"{kid}"{more},"k":"{letter}B3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9nO2qR5tU8wX1zA4cD7fG0iJ3l"}}"#
    )
}

/// A key of this name, made of it, that signs from a moment on.
pub fn key(kid: &str, not_before: Option<Timestamp>) -> Value {
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

/// The defaults of the configuration.
pub fn lifetimes() -> Lifetimes {
    Lifetimes {
        access: SignedDuration::from_mins(15),
        refresh: SignedDuration::from_hours(7 * 24),
        session: SignedDuration::from_hours(30 * 24),
        grace: SignedDuration::from_secs(30),
    }
}

/// So many seconds after the beginning of a test.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}
