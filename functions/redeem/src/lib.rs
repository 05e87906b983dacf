//! `POST /api/auth/recovery/confirm`, `/api/auth/verify`, `/api/auth/email/confirm`, `/api/auth/email/revert`,
//! `/api/auth/login/deny`, `/api/auth/invitation/accept`

use lambda_http::http::Method;
use nova_auth::{
    app::{RedeemService, StartError},
    config::Config,
    domain::{
        name::PersonName,
        password::{Password, PasswordProfile},
        refusal::{Fault, Refusal},
        user::Profile,
    },
    flows::{
        FlowError,
        mail::{
            accept::{Acceptance, accept},
            change::{confirm, revert},
            new_device::deny,
            redeem::{Proof, Redemption},
            reset::{Reset, reset},
            verify::verify,
        },
    },
    http::{self, Answer, Endpoint, Request, body::Fields},
    runtime::Function,
};
use serde_json::json;

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = RedeemService::start(&config).await?;
    let edge = service.edge.clone();
    Ok(http::function(Endpoint::Redeem, edge, async move |request: &Request| {
        // Boxed: the calls are nested deeper than the compiler follows by itself.
        Ok(Box::pin(answer(&service.redemption, request)).await?)
    }))
}

async fn answer(service: &Redemption, request: &Request) -> Result<Answer, FlowError> {
    request.require(&Method::POST)?;
    let moment = &request.moment;
    match request.route() {
        "/api/auth/recovery/confirm" => {
            reset(service, moment, &to_reset(request, service.password_policy.profile)?).await?;
            Ok(Answer::message("PASSWORD_CHANGED"))
        }
        "/api/auth/verify" => {
            Ok(user(&verify(service, moment, &request.caller, &to_verify(request)?).await?))
        }
        "/api/auth/email/confirm" => {
            confirm(service, moment, &request.caller, &to_confirm(request)?).await?;
            Ok(Answer::message("EMAIL_CHANGED"))
        }
        "/api/auth/email/revert" => {
            revert(service, moment, &request.caller, &to_confirm(request)?).await?;
            Ok(Answer::message("EMAIL_REVERTED"))
        }
        "/api/auth/login/deny" => {
            deny(service, moment, &request.caller, &to_confirm(request)?).await?;
            Ok(Answer::message("LOGIN_DENIED"))
        }
        "/api/auth/invitation/accept" => {
            Ok(user(&accept(service, moment, &to_accept(request, service.password_policy.profile)?).await?))
        }
        _ => Err(Refusal::NotFound.into()),
    }
}

fn to_reset(request: &Request, policy: PasswordProfile) -> Result<Reset, Refusal> {
    let mut fields = request.json()?;
    let proof = fields.mail_proof();
    let new = new_password(&mut fields, "newPassword", policy);
    let (proof, new) = fields.finish(proof.zip(new))?;
    Ok(Reset { proof: proof?, new, caller: request.caller.clone() })
}

fn to_verify(request: &Request) -> Result<Proof, Refusal> {
    let mut fields = request.json()?;
    let proof = fields.mail_proof();
    fields.finish(proof)?
}

fn to_confirm(request: &Request) -> Result<Proof, Refusal> {
    let mut fields = request.json()?;
    let proof = fields.mail_link();
    fields.finish(proof)?
}

fn to_accept(request: &Request, policy: PasswordProfile) -> Result<Acceptance, Refusal> {
    let mut fields = request.json()?;
    let proof = fields.mail_link();
    let password = new_password(&mut fields, "password", policy);
    let name = fields.optional_text("name").map(|name| PersonName::parse(&name));
    if let Some(Err(fault)) = name {
        fields.refuse("name", fault);
    }
    let (proof, password) = fields.finish(proof.zip(password))?;
    Ok(Acceptance {
        proof: proof?,
        password,
        name: name.and_then(Result::ok),
        caller: request.caller.clone(),
    })
}

/// Whose address it must not be is not known yet: the flow checks that.
fn new_password(fields: &mut Fields, name: &'static str, policy: PasswordProfile) -> Option<Password> {
    let new = fields.text(name).map(Password::new);
    let faults: Vec<Fault> = new.iter().flat_map(|new| policy.faults(new, None)).collect();
    faults.into_iter().for_each(|fault| fields.refuse(name, fault));
    new
}

fn user(profile: &Profile) -> Answer {
    let Profile { id, name, email, role, .. } = profile;
    Answer::data(json!({"user": {"id": id, "name": name, "email": email, "role": role}}))
}
