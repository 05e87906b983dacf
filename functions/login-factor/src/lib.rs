//! `POST /api/auth/login/factor`, `POST /api/auth/step-up`

use lambda_http::http::Method;
use nova_auth::{
    app::{FactorService, SecondStepPart, StartError},
    config::Config,
    domain::{
        password::Password,
        refusal::{Fault, Refusal},
    },
    flows::{
        FlowError,
        second_step::{SecondStepAttempt, second_step},
        step_up::{StepUp, StepUpProof, SteppedUp, step_up},
    },
    http::{self, Answer, Endpoint, Request},
    keys::Token,
    runtime::Function,
};
use serde_json::json;

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = FactorService::<SecondStepPart>::start(config).await?;
    let edge = service.auth.edge.clone();
    Ok(http::function(Endpoint::LoginFactor, edge, async move |request: &Request| {
        Ok(Box::pin(answer(&service, request)).await?)
    }))
}

async fn answer(service: &FactorService<SecondStepPart>, request: &Request) -> Result<Answer, FlowError> {
    request.require(&Method::POST)?;
    if request.route() == "/api/auth/step-up" {
        let step = parse_step_up(request)?;
        return Ok(stepped_up(&step_up(service, &request.moment, &step).await?));
    }
    let attempt = parse_second_step(request)?;
    Ok(http::session::logged_in(&second_step(service, &request.moment, &attempt).await?))
}

fn parse_second_step(request: &Request) -> Result<SecondStepAttempt, Refusal> {
    let mut fields = request.json()?;
    let token = fields.text("token").map(Token::new);
    let proof = fields.factor_proof();
    let carrier = request.carrier(&mut fields);
    let known = request.device_token(&mut fields, &carrier);
    if proof.is_none() {
        fields.refuse("code", Fault::Required);
    }
    let (token, proof) = fields.finish(token.zip(proof))?;
    Ok(SecondStepAttempt { token, proof, caller: request.caller.clone(), carrier, known })
}

fn parse_step_up(request: &Request) -> Result<StepUp, Refusal> {
    let access = request.required_bearer()?;
    let mut fields = request.json()?;
    let password = fields.optional_text("password").map(Password::new);
    let proof = match (password, fields.factor_proof()) {
        (Some(password), None) => Some(StepUpProof::Password(password)),
        (None, Some(proof)) => Some(StepUpProof::Factor(proof)),
        (None, None) => {
            fields.refuse("code", Fault::Required);
            None
        }
        (Some(_), Some(_)) => {
            fields.refuse("password", Fault::Invalid);
            None
        }
    };
    let proof = fields.finish(proof)?;
    Ok(StepUp { access, proof, caller: request.caller.clone() })
}

fn stepped_up(stepped: &SteppedUp) -> Answer {
    Answer::data(json!({
        "accessToken": stepped.access.token.expose(),
        "expiresIn": stepped.access.expires_in.as_secs(),
        "acr": stepped.session.acr().name(),
        "authTime": stepped.session.authenticated_at().as_second(),
    }))
}
