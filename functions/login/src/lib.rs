//! `POST /api/auth/login`

use lambda_http::http::Method;
use nova_auth::{
    app::{LoginService, StartError},
    config::Config,
    domain::{email::Email, password::Password, refusal::Refusal, session::ClaimedDevice},
    flows::login::{LoginAttempt, login},
    http::{self, Endpoint, Request},
    runtime::Function,
};

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = LoginService::start(config).await?;
    let edge = service.edge.clone();
    Ok(http::function(Endpoint::Login, edge, async move |request: &Request| {
        let attempt = parse(request)?;
        Ok(http::session::login(&login(&service, &request.moment, &attempt).await?))
    }))
}

fn parse(request: &Request) -> Result<LoginAttempt, Refusal> {
    request.require(&Method::POST)?;
    let mut fields = request.json()?;
    let email = fields.parsed("email", Email::parse);
    let password = fields.text("password").map(Password::new);
    let device = fields.device_info();
    let carrier = request.carrier(&mut fields);
    let known = request.device_token(&mut fields, &carrier);
    let claimed = ClaimedDevice { user_agent: device.user_agent, ip: device.ip };
    let (email, password) = fields.finish(email.zip(password))?;
    Ok(LoginAttempt {
        email,
        password,
        caller: request.caller.clone(),
        claimed: (claimed != ClaimedDevice::default()).then_some(claimed),
        fingerprint: device.fingerprint,
        carrier,
        known,
    })
}
