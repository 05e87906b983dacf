//! What flows answer, taken apart.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nova_auth::{domain::refusal::Refusal, flows::FlowError, keys::Token};
use serde_json::Value;

pub(super) fn claims(token: &Token) -> Value {
    let payload = token.expose().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// The key that a token names.
pub(super) fn kid(token: &Token) -> String {
    let header = token.expose().split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// Why it was refused; anything else fails the test.
#[track_caller]
pub(super) fn refusal<T>(result: Result<T, FlowError>) -> Refusal {
    match result {
        Err(FlowError::Refused(refusal)) => refusal,
        Err(other) => panic!("neither a yes nor a no: {other:?}"),
        Ok(_) => panic!("it was not refused"),
    }
}

/// It came to no answer, and the client is told to try again.
#[track_caller]
pub(super) fn assert_passing<T>(result: Result<T, FlowError>) {
    match result {
        Err(error) => assert!(error.is_passing(), "not worth trying again: {error:?}"),
        Ok(_) => panic!("an answer where there could be none"),
    }
}
