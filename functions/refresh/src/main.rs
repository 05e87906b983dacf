//! `POST /api/auth/refresh`

use std::process::ExitCode;

use lambda_http::http::Method;
use nova_auth::{
    app::{self, RefreshService},
    domain::refusal::Refusal,
    flows::refresh::{RefreshAttempt, Refreshed, refresh},
    http::{self, Answer, Endpoint, Request},
};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = RefreshService::start().await?;
        http::serve(Endpoint::Refresh, &service.edge, async |request| {
            let attempt = parse(request)?;
            let refreshed = refresh(&service, &request.moment, &attempt).await?;
            Ok(render(&refreshed))
        })
        .await
    })
    .await
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
