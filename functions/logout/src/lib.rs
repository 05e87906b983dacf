//! `POST /api/auth/logout`

use lambda_http::http::Method;
use nova_auth::{
    app::{LogoutService, StartError},
    config::Config,
    domain::refusal::Refusal,
    flows::{
        FlowError,
        csrf::Carrier,
        logout::{LoggedOut, LogoutAttempt, logout},
    },
    http::{self, Answer, Endpoint, Failure, Request, SetCookie},
    runtime::Function,
};

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = LogoutService::start(config).await?;
    let edge = service.edge.clone();
    Ok(http::function(Endpoint::Logout, edge, async move |request: &Request| {
        let (attempt, forget) = parse(request)?;
        let answer = render(logout(&service, &request.moment, &attempt).await, &attempt)?;
        Ok(if forget { answer.with_cookies([SetCookie::forgotten()]) } else { answer })
    }))
}

/// The tokens, and whether this browser is to be forgotten, too: by a logout alone it stays known.
fn parse(request: &Request) -> Result<(LogoutAttempt, bool), Refusal> {
    request.require(&Method::POST)?;
    let mut fields = request.json()?;
    let (refresh, forget) = (fields.optional_text("refreshToken"), fields.optional_flag("forgetDevice"));
    let refresh = request.refresh_token(fields.finish(Some(refresh))?)?;
    let device = request.caller.device.clone();
    Ok((LogoutAttempt { access: request.bearer()?, refresh, device }, forget))
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
