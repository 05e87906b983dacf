//! `POST /api/auth/logout`

use std::process::ExitCode;

use lambda_http::http::Method;
use nova_auth::{
    app::{self, AuthService, Rings},
    domain::refusal::Refusal,
    flows::logout::{LogoutAttempt, logout},
    http::{self, Answer, Endpoint, Request},
    keys::Token,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = AuthService::start(Rings::Both).await?;
        http::serve(Endpoint::Logout, &service.edge, async |request| {
            let attempt = parse(request)?;
            logout(&service, &request.moment, &attempt).await?;
            Ok(Answer::message("LOGGED_OUT"))
        })
        .await
    })
    .await
}

fn parse(request: &Request) -> Result<LogoutAttempt, Refusal> {
    request.require(&Method::POST)?;
    let mut fields = request.json()?;
    let refresh = fields.optional_text("refreshToken");
    let refresh = fields.finish(Some(refresh))?.map(Token::new);
    Ok(LogoutAttempt { access: request.bearer()?, refresh, device: request.caller.device.clone() })
}
