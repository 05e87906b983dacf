//! The edge of the rotation function: Secrets Manager's events in, and a line in the log for each step.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    domain::moment::Moment,
    flows::rotate_keys::{Done, RotationError, Step, StepRequest, rotate_keys},
    runtime::{Diagnostic, Function},
    service::KeyRotation,
};

/// A step failed, or was no step. Secrets Manager takes any error of the function as that.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The event is none of a rotation.
    #[error(
        "the event is not one of a rotation: it needs SecretId, ClientRequestToken and a Step of the four"
    )]
    Unreadable,
    /// The step was not done.
    #[error(transparent)]
    Failed(#[from] RotationError),
}

impl From<StepError> for Diagnostic {
    fn from(error: StepError) -> Self {
        Self { error_type: "RotationFailed".to_owned(), error_message: error.to_string() }
    }
}

impl Function for KeyRotation {
    type Answer = ();
    type Error = StepError;

    async fn answer(&self, event: &str, moment: Moment) -> Result<(), StepError> {
        answer(self, event, moment.now).await
    }
}

/// Does what one event asks for.
pub async fn answer(service: &KeyRotation, event: &str, now: Timestamp) -> Result<(), StepError> {
    let request = read(event).ok_or(StepError::Unreadable).inspect_err(|error| failed(error, None))?;
    // Boxed: the calls to Secrets Manager are nested deeper than the compiler follows by itself.
    let done = Box::pin(rotate_keys(service, now, &request)).await;
    let done = done.map_err(StepError::from).inspect_err(|error| failed(error, Some(&request)))?;
    let (key, signs_in) = match &done {
        Done::InForce(key, notice) => (Some(key), Some(notice.as_secs())),
        Done::Tested(key) => (Some(key), None),
        Done::Nothing | Done::Prepared => (None, None),
    };
    let (secret, version) = (&request.secret, &request.version);
    tracing::info!(secret, version, step = ?request.step, key, signs_in_seconds = signs_in, "key rotation step done");
    Ok(())
}

fn failed(error: &StepError, request: Option<&StepRequest>) {
    let (secret, version) = request.map(|request| (&request.secret, &request.version)).unzip();
    let step = request.map(|request| tracing::field::debug(request.step));
    tracing::error!(error = %error, secret, version, step, "key rotation step failed");
}

fn read(event: &str) -> Option<StepRequest> {
    let event: Value = serde_json::from_str(event).ok()?;
    let text = |name: &str| event.get(name)?.as_str().map(str::to_owned);
    let step = match event.get("Step")?.as_str()? {
        "createSecret" => Step::Create,
        "setSecret" => Step::Set,
        "testSecret" => Step::Test,
        "finishSecret" => Step::Finish,
        _ => return None,
    };
    Some(StepRequest { secret: text("SecretId")?, version: text("ClientRequestToken")?, step })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_steps_are_read_and_nothing_else() {
        let event = |step: &str| {
            format!(r#"{{"SecretId":"arn","ClientRequestToken":"v2","Step":"{step}","RotationToken":"x"}}"#)
        };
        for (name, step) in [
            ("createSecret", Step::Create),
            ("setSecret", Step::Set),
            ("testSecret", Step::Test),
            ("finishSecret", Step::Finish),
        ] {
            let read = read(&event(name)).unwrap();
            assert_eq!((read.secret.as_str(), read.version.as_str(), read.step), ("arn", "v2", step));
        }
        for other in
            [event("dropSecret"), "{}".to_owned(), "[".to_owned(), r#"{"Step":"setSecret"}"#.to_owned()]
        {
            assert!(read(&other).is_none(), "{other}");
        }
    }
}
