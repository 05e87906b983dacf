//! `POST /api/auth/refresh`

use lambda_http::http::Method;
use nova_auth::{
    app::{RefreshService, StartError},
    config::Config,
    domain::refusal::Refusal,
    flows::refresh::{RefreshAttempt, Refreshed, refresh},
    http::{self, Answer, Endpoint, Request},
    runtime::Function,
};
use serde_json::json;

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = RefreshService::start(config).await?;
    let edge = service.edge.clone();
    Ok(http::function(Endpoint::Refresh, edge, async move |request: &Request| {
        let attempt = parse(request)?;
        let refreshed = refresh(&service, &request.moment, &attempt).await?;
        Ok(render(&refreshed))
    }))
}

fn parse(request: &Request) -> Result<RefreshAttempt, Refusal> {
    request.require(&Method::POST)?;
    let mut fields = request.json()?;
    let token = fields.optional_text("refreshToken");
    let device = fields.device_info();
    let token = request.refresh_token(fields.finish(Some(token))?)?;
    let (token, carrier) = token.ok_or(Refusal::RefreshTokenRequired)?;
    Ok(RefreshAttempt {
        token,
        carrier,
        fingerprint: device.fingerprint,
        device: request.caller.device.clone(),
    })
}

fn render(refreshed: &Refreshed) -> Answer {
    Answer::data(json!({
        "accessToken": refreshed.access.token.expose(),
        "expiresIn": refreshed.access.expires_in.as_secs(),
    }))
    .delivering(&refreshed.refresh)
}
