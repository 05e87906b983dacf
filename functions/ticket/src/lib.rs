//! `POST /api/auth/tickets`

use lambda_http::http::Method;
use nova_auth::{
    app::{SessionsService, StartError},
    config::Config,
    domain::refusal::{Fault, Refusal},
    flows::{FlowError, ticket::ticket},
    http::{self, Answer, Endpoint, Request},
    runtime::Function,
};
use serde_json::json;

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = SessionsService::start(config).await?;
    let edge = service.edge.clone();
    Ok(http::function(Endpoint::Ticket, edge, async move |request: &Request| {
        Ok(answer(&service, request).await?)
    }))
}

async fn answer(service: &SessionsService, request: &Request) -> Result<Answer, FlowError> {
    request.require(&Method::POST)?;
    let access = request.required_bearer()?;
    let api = api(request)?;
    let issued = ticket(service, &request.moment, &access, &api).await?;
    Ok(Answer::data(json!({"ticket": issued.token.expose(), "expiresIn": issued.expires_in.as_secs()})))
}

/// The id of an API of API Gateway, as its address begins with it.
fn api(request: &Request) -> Result<String, Refusal> {
    let mut fields = request.json()?;
    let api = fields.parsed("api", |api| {
        let is_id = api.len() <= 32 && api.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_id.then(|| api.to_owned()).ok_or(Fault::Invalid)
    });
    fields.finish(api)
}
