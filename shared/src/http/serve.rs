//! What an endpoint's function makes of an event: parse → flow → render, and a line in the log.

use std::{collections::BTreeMap, convert::Infallible, time::Instant};

use lambda_http::{
    Body,
    http::{Method, Response, StatusCode, header},
};
use serde::Serialize;

use super::{
    Answer, Endpoint, Failure, Request,
    answer::{bare, put},
    cookies,
    error::Problem,
    event,
};
use crate::{domain::moment::Moment, flows::FlowError, runtime::Function, settings::EdgeConfig};

/// An endpoint's function: how its requests are read, and what answers them.
#[derive(Debug)]
pub struct Served<H> {
    endpoint: Endpoint,
    edge: EdgeConfig,
    handler: H,
}

/// What answers the requests of an endpoint.
pub const fn function<H>(endpoint: Endpoint, edge: EdgeConfig, handler: H) -> Served<H>
where
    H: AsyncFn(&Request) -> Result<Answer, Failure>,
{
    Served { endpoint, edge, handler }
}

impl<H: AsyncFn(&Request) -> Result<Answer, Failure>> Function for Served<H> {
    type Answer = Proxied;
    type Error = Infallible;

    async fn answer(&self, event: &str, moment: Moment) -> Result<Proxied, Infallible> {
        let request = event::read(event, moment, &self.edge);
        Ok(Proxied::from(answer(self.endpoint, &request, &self.edge, &self.handler).await))
    }
}

async fn answer(
    endpoint: Endpoint,
    request: &Request,
    edge: &EdgeConfig,
    handler: impl AsyncFn(&Request) -> Result<Answer, Failure>,
) -> Response<Body> {
    let begun = Instant::now();
    if request.method() == Method::OPTIONS {
        return preflight(endpoint, request, edge);
    }
    let (mut response, code) = match handler(request).await {
        Ok(answer) => (answer.render(request.language, &request.public_id), "OK"),
        Err(Failure { error, cookies }) => {
            let cause = (!matches!(error, FlowError::Refused(_))).then(|| error.to_string());
            let problem = endpoint.problem(error);
            if let Some(cause) = cause {
                tracing::error!(error = cause, request.id = request.moment.request.as_str(), "a flow failed");
            }
            let mut response = problem.render(request.language, &request.public_id);
            cookies::set(&mut response, &cookies);
            (response, Problem::row(&problem).1)
        }
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        put(&mut response, header::ALLOW, allowed(endpoint, request));
    }
    request.page.share(&mut response);
    tracing::info!(
        endpoint = endpoint.name(),
        http.status = response.status().as_u16(),
        code,
        request.id = request.moment.request.as_str(),
        gateway.id = request.public_id,
        duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}

/// The methods of the path that the request is for.
fn allowed(endpoint: Endpoint, request: &Request) -> &'static str {
    endpoint.methods(request.route())
}

/// What browsers ask before a request from another origin. It is no request itself: nothing is looked at but the page.
fn preflight(endpoint: Endpoint, request: &Request, edge: &EdgeConfig) -> Response<Body> {
    let mut response = bare(StatusCode::NO_CONTENT, Body::Empty, &request.public_id);
    put(&mut response, header::ALLOW, allowed(endpoint, request));
    request.page.permit(&mut response, allowed(endpoint, request), &edge.allowed_headers);
    tracing::info!(
        endpoint = endpoint.name(),
        http.status = response.status().as_u16(),
        code = "PREFLIGHT",
        request.id = request.moment.request.as_str(),
        gateway.id = request.public_id,
        "answered"
    );
    response
}

/// A response as API Gateway takes it from a proxy integration, payload 1.0.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proxied {
    status_code: u16,
    multi_value_headers: BTreeMap<String, Vec<String>>,
    body: String,
    is_base64_encoded: bool,
}

impl From<Response<Body>> for Proxied {
    fn from(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let mut headers = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in &parts.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.entry(name.as_str().to_owned()).or_default().push(value);
        }
        let body = match body {
            Body::Text(text) => text,
            // Answers are JSON texts; there is nothing else to send.
            _ => String::new(),
        };
        Self {
            status_code: parts.status.as_u16(),
            multi_value_headers: headers,
            body,
            is_base64_encoded: false,
        }
    }
}
