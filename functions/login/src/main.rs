//! `POST /api/auth/login`

use std::process::ExitCode;

use lambda_http::http::Method;
use nova_auth::{
    app::{self, LoginService},
    domain::{email::Email, password::Password, refusal::Refusal, session::ClaimedDevice},
    flows::login::{LoginAttempt, login},
    http::{self, Endpoint, Request},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = LoginService::start().await?;
        http::serve(Endpoint::Login, &service.edge, async |request| {
            let attempt = parse(request)?;
            Ok(http::session::login(&login(&service, &request.moment, &attempt).await?))
        })
        .await
    })
    .await
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
