//! `POST /api/auth/passkey/options`, `POST /api/auth/passkey`, and the options of a second step and of a step-up:
//! `POST /api/auth/login/factor/options`, `POST /api/auth/step-up/options`

use lambda_http::http::Method;
use nova_auth::{
    app::{PasskeyPart, PasskeyService, StartError},
    config::Config,
    domain::{refusal::Refusal, session::ClaimedDevice},
    flows::{
        FlowError,
        passkey::{PasskeyAttempt, login_options, passkey_login, second_step_options, step_up_options},
    },
    http::{self, Answer, Endpoint, Request},
    keys::Token,
    runtime::Function,
};

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = PasskeyService::<PasskeyPart>::start(config).await?;
    let edge = service.auth.edge.clone();
    Ok(http::function(Endpoint::Passkey, edge, async move |request: &Request| {
        Ok(Box::pin(answer(&service, request)).await?)
    }))
}

async fn answer(service: &PasskeyService<PasskeyPart>, request: &Request) -> Result<Answer, FlowError> {
    request.require(&Method::POST)?;
    let (moment, caller) = (&request.moment, &request.caller);
    let options = match request.route() {
        "/api/auth/passkey/options" => login_options(service, moment, caller).await?,
        "/api/auth/login/factor/options" => {
            second_step_options(service, moment, &token(request)?, caller).await?
        }
        "/api/auth/step-up/options" => step_up_options(service, moment, &request.required_bearer()?).await?,
        _ => {
            let begun = passkey_login(service, moment, &attempt(request)?).await?;
            return Ok(http::session::logged_in(&begun));
        }
    };
    Ok(Answer::data(options))
}

/// Of the login that waits for its second step.
fn token(request: &Request) -> Result<Token, Refusal> {
    let mut fields = request.json()?;
    let token = fields.text("token").map(Token::new);
    fields.finish(token)
}

fn attempt(request: &Request) -> Result<PasskeyAttempt, Refusal> {
    let mut fields = request.json()?;
    let answer = fields.passkey();
    let device = fields.device_info();
    let carrier = request.carrier(&mut fields);
    let known = request.device_token(&mut fields, &carrier);
    let claimed = ClaimedDevice { user_agent: device.user_agent, ip: device.ip };
    Ok(PasskeyAttempt {
        answer: fields.finish(answer)?,
        caller: request.caller.clone(),
        claimed: (claimed != ClaimedDevice::default()).then_some(claimed),
        fingerprint: device.fingerprint,
        carrier,
        known,
    })
}
