//! A development server in a function's place: it is asked over HTTP, as the AWS Lambda Web Adapter asks the server that
//! stands in a function.
//!
//! <https://awslabs.github.io/aws-lambda-web-adapter/features/request-context.html>

mod answer;
mod request;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::ask::Origin;
use crate::clock::Clock;
use crate::instance::InvokeError;
use crate::random;
use nova_template::{Api, ApiKind, Function, Template, function_arn};

/// The server behind a function's routes.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    origin: Origin,
}

impl Upstream {
    pub(crate) fn new(origin: Origin) -> Upstream {
        Upstream { origin }
    }

    /// What the function would have answered to the event, had the server stood in it.
    pub(crate) async fn attend(
        &self,
        function: &Function,
        clock: &Clock,
        event: &[u8],
    ) -> Result<Bytes, InvokeError> {
        let failed = |problem: String| InvokeError::Upstream { origin: self.origin.to_string(), problem };
        let event: Value = serde_json::from_slice(event).map_err(|error| failed(error.to_string()))?;
        let context = lambda_context(function, clock.now_ms());
        let request = request::request(&event, &context).map_err(failed)?;
        let limit = function.timeout_seconds;
        let asked = tokio::time::timeout(Duration::from_secs(limit), self.origin.ask(request)).await;
        let (parts, body) = asked.map_err(|_| InvokeError::Slow(limit))?.map_err(failed)?;
        Ok(Bytes::from(answer::answer(&event, &parts, &body).to_string()))
    }
}

/// What Lambda says of a call, in the words of the runtime that the adapter is built on.
fn lambda_context(function: &Function, now_ms: u64) -> Value {
    let name = &function.logical_id;
    json!({
        "request_id": random::uuid(),
        "deadline": now_ms.saturating_add(function.timeout_seconds.saturating_mul(1000)),
        "invoked_function_arn": function_arn(name),
        "xray_trace_id": random::trace_id(now_ms),
        "client_context": null,
        "identity": null,
        "tenant_id": null,
        "env_config": {
            "function_name": name,
            "memory": function.memory_megabytes,
            "version": "$LATEST",
            "log_stream": "local",
            "log_group": format!("/aws/lambda/{name}"),
        },
    })
}

/// Whether a server can stand in the place of each of these functions.
///
/// # Errors
/// The line that says of the first one why not.
pub(crate) fn check(upstreams: &BTreeMap<String, Origin>, templates: &[Template]) -> Result<(), String> {
    let apis: Vec<&Api> = templates.iter().flat_map(|template| &template.apis).collect();
    let is_behind = |function: &str, is_socket: bool| {
        let mut apis = apis.iter().filter(|api| matches!(api.kind, ApiKind::WebSocket { .. }) == is_socket);
        apis.any(|api| api.routes.iter().any(|route| route.function == function))
    };
    let authorizes = |function: &str| {
        let mut authorizers = apis.iter().flat_map(|api| api.authorizers.values());
        authorizers.any(|authorizer| authorizer.function == function)
    };
    for name in upstreams.keys() {
        if authorizes(name) {
            return Err(format!("--upstream {name}: it is an authorizer, and a server can't take its place"));
        }
        if is_behind(name, true) {
            return Err(format!(
                "--upstream {name}: routes of a WebSocket API can't be served by an HTTP server"
            ));
        }
        if !is_behind(name, false) {
            let mut all: Vec<&str> =
                apis.iter().flat_map(|api| &api.routes).map(|route| route.function.as_str()).collect();
            all.retain(|function| is_behind(function, false) && !is_behind(function, true));
            all.sort_unstable();
            all.dedup();
            return Err(format!(
                "--upstream {name}: no route of a REST or HTTP API leads to a function of that name; those that have one: {}",
                all.join(", ")
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
