//! `POST /api/auth/login`

use std::process::ExitCode;

use lambda_http::http::Method;
use nova_auth::{
    app::{self, AuthService, Rings, Setting},
    domain::{
        email::Email,
        password::Password,
        refusal::{Fault, Refusal},
        session::ClaimedDevice,
    },
    flows::{
        csrf::Carrier,
        login::{LoggedIn, LoginAttempt, login},
    },
    http::{self, Answer, Endpoint, Request},
};
use serde_json::json;

const SETTINGS: [Setting; 6] = [
    Setting::Lifetimes,
    Setting::BcryptCost,
    Setting::Attempts,
    Setting::MaxSessions,
    Setting::RunAction,
    Setting::ApiRate,
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = AuthService::start(Rings::Both, &SETTINGS).await?;
        http::serve(Endpoint::Login, &service.edge, async |request| {
            let attempt = parse(request)?;
            let logged_in = login(&service, &request.moment, &attempt).await?;
            Ok(render(&logged_in))
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
    let carrier = match fields.optional_text("tokenDelivery").as_deref() {
        None | Some("body") => Carrier::Body,
        Some("cookie") => Carrier::Cookie(request.proof()),
        Some(_) => {
            fields.refuse("tokenDelivery", Fault::Invalid);
            Carrier::Body
        }
    };
    let claimed = ClaimedDevice { user_agent: device.user_agent, ip: device.ip };
    let (email, password) = fields.finish(email.zip(password))?;
    Ok(LoginAttempt {
        email,
        password,
        caller: request.caller.clone(),
        claimed: (claimed != ClaimedDevice::default()).then_some(claimed),
        fingerprint: device.fingerprint,
        carrier,
    })
}

fn render(logged_in: &LoggedIn) -> Answer {
    let LoggedIn { access, refresh, profile, quota } = logged_in;
    Answer::data(json!({
        "accessToken": access.token.expose(),
        "expiresIn": access.expires_in.as_secs(),
        "user": {"id": profile.id, "name": profile.name, "email": profile.email, "role": profile.role},
    }))
    .delivering(refresh)
    .with_quota(*quota)
}
