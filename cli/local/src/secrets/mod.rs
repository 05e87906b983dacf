//! A stand-in for Secrets Manager: the calls that the functions and `nova keys` make, in its own protocol (JSON 1.1),
//! over versions and stages as the service keeps them. Nothing in here writes a secret to a log.

mod generate;
mod rotation;
mod vault;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

pub use generate::GenerateError;
pub(crate) use rotation::Rotators;
use vault::{CURRENT, Refusal, Vault, Version};

use crate::clock::Clock;
use crate::documents::Documents;
use crate::guard;
use crate::random;
use crate::server::{BindError, Server, bind};
use crate::tables::StorageError;
use nova_template::Secret;

/// Why there are no secrets.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// No port could be taken.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A first value could not be made.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// The secrets can't be read or kept.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What the data file holds is no secret of ours.
    #[error("the data file holds a secret that can't be read: {0}")]
    Unreadable(String),
}

#[derive(Clone)]
struct Secrets {
    vaults: Arc<Mutex<Vec<Vault>>>,
    documents: Documents,
    clock: Clock,
    rotators: Rotators,
}

/// The document that says where the stand-in listens: whoever has the DynamoDB URL finds the secrets too.
pub(crate) const ADDRESS: &str = "secretsmanager-url";

/// Starts the stand-in on a free port. A secret that `documents` holds already keeps its value; the others get
/// their first one.
pub(crate) async fn start(
    secrets: &[Secret],
    documents: Documents,
    clock: Clock,
    rotators: Rotators,
) -> Result<Server, SecretsError> {
    let mut vaults = Vec::new();
    for secret in secrets {
        vaults.push(open(secret, &documents, &clock)?);
    }
    let (listener, address) = bind(0, "--port").await?;
    documents.put(ADDRESS, &format!("http://{address}"))?;
    let state = Secrets { vaults: Arc::new(Mutex::new(vaults)), documents, clock, rotators };
    let router = Router::new().fallback(call).with_state(state);
    Ok(Server::serve(listener, address, router.layer(axum::middleware::from_fn(guard::by_programs))))
}

fn open(secret: &Secret, documents: &Documents, clock: &Clock) -> Result<Vault, SecretsError> {
    if let Some(kept) = documents.get(&secret.name)? {
        return serde_json::from_str(&kept).map_err(|_| SecretsError::Unreadable(secret.name.clone()));
    }
    let created = seconds(clock);
    let mut vault = Vault { name: secret.name.clone(), arn: secret.arn.clone(), created, ..Vault::default() };
    if let Some(value) = generate::first_value(secret)? {
        let stages = BTreeSet::from([CURRENT.to_owned()]);
        let version = Version { string: Some(value), binary: None, stages, created };
        vault.versions.insert(random::uuid(), version);
    }
    keep(documents, &vault)?;
    Ok(vault)
}

fn keep(documents: &Documents, vault: &Vault) -> Result<(), StorageError> {
    let text = serde_json::to_string(vault).unwrap_or_default();
    documents.put(&vault.name, &text)
}

fn seconds(clock: &Clock) -> f64 {
    // Milliseconds of this century fit a double exactly.
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    let milliseconds = clock.now_ms() as f64;
    milliseconds / 1000.0
}

async fn call(State(secrets): State<Secrets>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("secretsmanager.").unwrap_or_default();
    let (status, answer) = match serde_json::from_slice(&body) {
        Ok(Value::Object(input)) => match secrets.answer(operation, &input) {
            Ok(answer) => (StatusCode::OK, answer),
            Err(Problem::Refused(kind, message)) => {
                (StatusCode::BAD_REQUEST, json!({ "__type": kind, "Message": message }))
            }
            Err(Problem::Broken) => {
                let message = "An error occurred on the server side.";
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    json!({ "__type": "InternalServiceError", "Message": message }),
                )
            }
        },
        _ => (StatusCode::BAD_REQUEST, json!({ "__type": "SerializationException" })),
    };
    let headers = [
        (header::CONTENT_TYPE, "application/x-amz-json-1.1".to_owned()),
        (header::HeaderName::from_static("x-amzn-requestid"), random::uuid()),
    ];
    (status, headers, answer.to_string()).into_response()
}

enum Problem {
    Refused(&'static str, String),
    Broken,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        match refusal {
            Refusal::NotFound(message) => Problem::Refused("ResourceNotFoundException", message),
            Refusal::Exists(message) => Problem::Refused("ResourceExistsException", message),
            Refusal::Parameter(message) => Problem::Refused("InvalidParameterException", message),
            Refusal::Request(message) => Problem::Refused("InvalidRequestException", message),
        }
    }
}

impl Secrets {
    fn answer(&self, operation: &str, input: &Map<String, Value>) -> Result<Value, Problem> {
        let text = |name: &str| input.get(name).and_then(Value::as_str);
        let id = text("SecretId").unwrap_or_default();
        let mut vaults = self.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        let held = vaults.iter_mut().find(|vault| vault.arn == id || vault.name == id).ok_or_else(|| {
            Problem::from(Refusal::NotFound("Secrets Manager can't find the specified secret.".to_owned()))
        })?;
        // Changes are made to a copy, so that what can't be kept was never said.
        let mut vault = held.clone();
        let answer = match operation {
            "GetSecretValue" => return get(&vault, text("VersionId"), text("VersionStage")),
            "DescribeSecret" => return Ok(describe(&vault, self.rotators.of(&vault.arn).is_some())),
            "RotateSecret" => self.begin_rotation(&mut vault, text("ClientRequestToken"))?,
            "PutSecretValue" => self.put(&mut vault, input)?,
            "UpdateSecretVersionStage" => {
                let stage = text("VersionStage").unwrap_or_default();
                vault.move_stage(stage, text("RemoveFromVersionId"), text("MoveToVersionId"))?;
                json!({ "ARN": vault.arn, "Name": vault.name })
            }
            other => {
                let message = format!("nova local does not support {other}");
                return Err(Problem::Refused("UnknownOperationException", message));
            }
        };
        keep(&self.documents, &vault).map_err(|_| Problem::Broken)?;
        *held = vault;
        Ok(answer)
    }

    /// Makes an empty pending version, and lets the function fill it: the answer does not wait for that.
    fn begin_rotation(&self, vault: &mut Vault, token: Option<&str>) -> Result<Value, Problem> {
        let request = |message: &str| Problem::from(Refusal::Request(message.to_owned()));
        let function = self
            .rotators
            .of(&vault.arn)
            .ok_or_else(|| request("No Lambda rotation function ARN is associated with this secret."))?;
        let unfinished = vault.unfinished_rotation().map(str::to_owned);
        let version = token.map_or_else(random::uuid, str::to_owned);
        let (arn, attempt) = (vault.arn.clone(), unfinished.clone().unwrap_or_else(|| version.clone()));
        // The steps begin once this call has let go of the secrets.
        tokio::spawn(async move { rotation::steps(&function, &arn, &attempt).await });
        if unfinished.is_some_and(|unfinished| unfinished != version) {
            return Err(request("A previous rotation isn't complete. That rotation will be reattempted."));
        }
        vault.announce(&version, seconds(&self.clock));
        Ok(json!({ "ARN": vault.arn, "Name": vault.name, "VersionId": version }))
    }

    fn put(&self, vault: &mut Vault, input: &Map<String, Value>) -> Result<Value, Problem> {
        let text = |name: &str| input.get(name).and_then(Value::as_str).map(str::to_owned);
        let id = text("ClientRequestToken").unwrap_or_else(random::uuid);
        let stages: BTreeSet<String> = match input.get("VersionStages").and_then(Value::as_array) {
            Some(given) => given.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            None => BTreeSet::from([CURRENT.to_owned()]),
        };
        let (string, binary) = (text("SecretString"), text("SecretBinary"));
        vault.put(&id, Version { string, binary, stages, created: seconds(&self.clock) })?;
        let stages = vault.versions.get(&id).map(|version| version.stages.clone()).unwrap_or_default();
        Ok(json!({ "ARN": vault.arn, "Name": vault.name, "VersionId": id, "VersionStages": stages }))
    }
}

fn get(vault: &Vault, id: Option<&str>, stage: Option<&str>) -> Result<Value, Problem> {
    let (id, version) = vault.find(id, stage)?;
    let mut answer = json!({
        "ARN": vault.arn,
        "Name": vault.name,
        "VersionId": id,
        "VersionStages": version.stages,
        "CreatedDate": version.created,
    });
    for (name, value) in [("SecretString", &version.string), ("SecretBinary", &version.binary)] {
        if let (Some(value), Some(answer)) = (value, answer.as_object_mut()) {
            answer.insert(name.to_owned(), json!(value));
        }
    }
    Ok(answer)
}

fn describe(vault: &Vault, rotates: bool) -> Value {
    let staged = vault.versions.iter().filter(|(_, version)| !version.stages.is_empty());
    let stages: Map<String, Value> =
        staged.map(|(id, version)| (id.clone(), json!(version.stages))).collect();
    json!({
        "ARN": vault.arn,
        "Name": vault.name,
        "CreatedDate": vault.created,
        "RotationEnabled": rotates,
        "VersionIdsToStages": stages,
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
