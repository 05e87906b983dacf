//! `RotateSecret`: the four steps of a rotation, by the function that the template names, as Secrets Manager calls it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use serde_json::json;

use crate::pool::Pool;
use crate::random;

/// The order in which Secrets Manager asks.
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// The rotation function of each secret, by its ARN. Functions need the address of the secrets, so that they come last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rotators(Arc<OnceLock<BTreeMap<String, Arc<Pool>>>>);

impl Rotators {
    /// Says which function rotates which secret, once.
    pub(crate) fn set(&self, functions: BTreeMap<String, Arc<Pool>>) {
        // A second time there is none: a stack starts once.
        drop(self.0.set(functions));
    }

    pub(super) fn of(&self, arn: &str) -> Option<Arc<Pool>> {
        self.0.get()?.get(arn).cloned()
    }
}

/// Calls the function for each step; a step that fails ends it, and stands in the function's log.
pub(super) async fn steps(function: &Arc<Pool>, arn: &str, version: &str) {
    for step in STEPS {
        let event = json!({
            "Step": step,
            "SecretId": arn,
            "ClientRequestToken": version,
            "RotationToken": random::uuid(),
        });
        if let Err(error) = function.invoke(Bytes::from(event.to_string())).await {
            function.note(&format!("{step} of {arn}: {error}"));
            return;
        }
    }
}
