//! Lambda's `Invoke`, for programs beside the functions: `POST /2015-03-31/functions/NAME/invocations`, answered once the function
//! has (`RequestResponse`). Any signature will do on this machine, but there must be one.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

use crate::guard;
use crate::pool::{InvokeError, Pool};
use crate::random;
use nova_template::function_arn;

/// Lambda takes events of up to 6 MB.
const LARGEST: usize = 6 * 1024 * 1024;

/// What an answer is an error by: its body alone doesn't say.
const ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");

/// The functions, by their logical ids. They need the address where they are called, so that they come last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Functions(Arc<OnceLock<BTreeMap<String, Arc<Pool>>>>);

impl Functions {
    /// Says which there are, once.
    pub(crate) fn set(&self, pools: BTreeMap<String, Arc<Pool>>) {
        // A second time there is none: a stack starts once.
        drop(self.0.set(pools));
    }

    fn of(&self, name: &str) -> Option<Arc<Pool>> {
        self.0.get()?.get(logical_id(name)?).cloned()
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .layer(DefaultBodyLimit::max(LARGEST))
            .layer(axum::middleware::from_fn(guard::by_programs))
            .with_state(self.clone())
    }
}

/// The function that is meant by its name, its ARN or a part of that, as it is or by the only version that there is here.
fn logical_id(name: &str) -> Option<&str> {
    let name = name.strip_suffix(":$LATEST").unwrap_or(name);
    let id = name.rsplit(':').next()?;
    let arn = function_arn(id);
    (name == id || arn == name || arn.ends_with(&format!(":{name}"))).then_some(id)
}

async fn invoke(
    State(functions): State<Functions>,
    Path(name): Path<String>,
    headers: HeaderMap,
    event: Bytes,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if !text("authorization").is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256 ")) {
        return refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
    }
    if let Some(kind) = text("x-amz-invocation-type").filter(|kind| *kind != "RequestResponse") {
        let problem = format!("nova local does not support the invocation type {kind}");
        return refused(400, "InvalidParameterValueException", &problem);
    }
    let Some(pool) = functions.of(&name) else {
        let id = name.rsplit(':').next().unwrap_or_default();
        let problem = format!("Function not found: {}", function_arn(id));
        return refused(404, "ResourceNotFoundException", &problem);
    };
    // No body at all is the event `{}`.
    let event = if event.is_empty() { Bytes::from_static(b"{}") } else { event };
    if serde_json::from_slice::<Value>(&event).is_err() {
        let problem = "Could not parse request body into json";
        return refused(400, "InvalidRequestContentException", problem);
    }
    answered(pool.invoke(event).await, &random::uuid())
}

/// An error of the function is a 200, too; only a header tells it from an answer.
fn answered(outcome: Result<Bytes, InvokeError>, request_id: &str) -> Response {
    let error = match outcome {
        Ok(answer) => return response(StatusCode::OK, answer),
        Err(InvokeError::Stopping) => return refused(500, "ServiceException", "nova local is stopping"),
        Err(InvokeError::Function(error)) => {
            json!({ "errorMessage": error.message, "errorType": error.kind })
        }
        Err(error @ (InvokeError::Timeout(seconds) | InvokeError::Slow(seconds))) => json!({
            "errorType": "Sandbox.Timedout",
            "errorMessage": format!("RequestId: {request_id} Error: Task timed out after {seconds}.00 seconds ({error})"),
        }),
        Err(error) => json!({
            "errorType": "Runtime.ExitError",
            "errorMessage": format!("RequestId: {request_id} Error: {error}"),
        }),
    };
    let mut response = response(StatusCode::OK, error.to_string().into());
    response.headers_mut().insert(ERROR, HeaderValue::from_static("Unhandled"));
    response
}

fn response(status: StatusCode, body: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (HeaderName::from_static("x-amzn-requestid"), random::uuid()),
        (HeaderName::from_static("x-amz-executed-version"), "$LATEST".to_owned()),
    ];
    (status, headers, body).into_response()
}

/// No function was called.
fn refused(status: u16, kind: &'static str, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({ "Type": if status.is_server_error() { "Service" } else { "User" }, "message": message, "Message": message });
    let headers =
        [(header::CONTENT_TYPE, "application/json"), (HeaderName::from_static("x-amzn-errortype"), kind)];
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::FunctionError;

    #[test]
    fn a_function_is_found_by_every_name_that_lambda_takes_and_by_no_other() {
        for name in [
            "Guard",
            "Guard:$LATEST",
            "123456789012:function:Guard",
            "function:Guard",
            "arn:aws:lambda:us-east-1:123456789012:function:Guard",
            "arn:aws:lambda:us-east-1:123456789012:function:Guard:$LATEST",
        ] {
            assert_eq!(logical_id(name), Some("Guard"), "{name}");
        }
        for name in [
            "Guard:live",
            "arn:aws:lambda:us-east-1:999999999999:function:Guard",
            "arn:aws:lambda:eu-central-1:123456789012:function:Guard",
            "arn:aws:lambda:us-east-1:123456789012:function:Guard:live",
            "other:Guard",
        ] {
            assert_ne!(logical_id(name), Some("Guard"), "{name}");
        }
    }

    #[test]
    fn whatever_went_wrong_is_told_from_an_answer_by_the_header() {
        let failed = || FunctionError { kind: "Error".to_owned(), message: "Unauthorized".to_owned() };
        for (outcome, status, is_error) in [
            (Ok(Bytes::from_static(b"{}")), 200, None),
            (Err(InvokeError::Function(failed())), 200, Some("Unhandled")),
            (Err(InvokeError::Timeout(3)), 200, Some("Unhandled")),
            (Err(InvokeError::Crash(String::new())), 200, Some("Unhandled")),
            (Err(InvokeError::Init(String::new())), 200, Some("Unhandled")),
            (Err(InvokeError::Stopping), 500, None),
        ] {
            let response = answered(outcome, "1");
            assert_eq!(response.status(), status);
            assert_eq!(response.headers().get(ERROR).and_then(|value| value.to_str().ok()), is_error);
        }
    }
}
