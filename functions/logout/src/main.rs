//! `POST /api/auth/logout`

use std::process::ExitCode;

use lambda_http::http::Method;
use nova_auth::{
    app::{self, AuthService, Rings},
    domain::refusal::Refusal,
    flows::{
        FlowError,
        csrf::Carrier,
        logout::{LoggedOut, LogoutAttempt, logout},
    },
    http::{self, Answer, Endpoint, Failure, Request, SetCookie},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = AuthService::start(Rings::Both, &[]).await?;
        http::serve(Endpoint::Logout, &service.edge, async |request| {
            let attempt = parse(request)?;
            render(logout(&service, &request.moment, &attempt).await, &attempt)
        })
        .await
    })
    .await
}

fn parse(request: &Request) -> Result<LogoutAttempt, Refusal> {
    request.require(&Method::POST)?;
    let mut fields = request.json()?;
    let refresh = fields.optional_text("refreshToken");
    let refresh = request.refresh_token(fields.finish(Some(refresh))?)?;
    Ok(LogoutAttempt { access: request.bearer()?, refresh, device: request.caller.device.clone() })
}

/// A cookie that is good for nothing any more is cleared; one that may be is left alone.
fn render(outcome: Result<LoggedOut, FlowError>, attempt: &LogoutAttempt) -> Result<Answer, Failure> {
    let by_cookie = matches!(attempt.refresh, Some((_, Carrier::Cookie(_))));
    match outcome {
        Ok(LoggedOut { cookie_is_over }) => {
            let cookies = if cookie_is_over { SetCookie::cleared() } else { Vec::new() };
            Ok(Answer::message("LOGGED_OUT").with_cookies(cookies))
        }
        Err(refused @ FlowError::Refused(Refusal::RefreshTokenInvalid)) if by_cookie => {
            Err(Failure::from(refused).with_cookies(SetCookie::cleared()))
        }
        Err(error) => Err(error.into()),
    }
}
