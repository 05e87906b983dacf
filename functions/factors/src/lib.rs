//! `GET /api/auth/factors`, `POST /api/auth/factors/totp`, `…/totp/{id}/confirm`, `…/passkeys/options`, `…/passkeys`, `…/recovery`,
//! `DELETE /api/auth/factors/{id}`

use lambda_http::http::Method;
use nova_auth::{
    app::{EnrolmentPart, FactorService, StartError},
    config::Config,
    domain::{factors::totp::TotpCode, ids::FactorId, refusal::Refusal},
    flows::{
        FlowError,
        factors::{
            FactorRequest,
            enrol::{PendingTotp, confirm_totp, enrol_totp},
            list::{ListedFactors, list_factors},
            passkey::{passkey_options, register_passkey},
            recovery::{NewCodes, renew_recovery_codes},
            remove::remove_factor,
        },
    },
    http::{self, Answer, Endpoint, Request},
    runtime::Function,
    webauthn::RegistrationResponse,
};
use serde_json::{Value, json};

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = FactorService::<EnrolmentPart>::start(config).await?;
    let edge = service.auth.edge.clone();
    Ok(http::function(Endpoint::Factors, edge, async move |request: &Request| {
        Ok(Box::pin(answer(&service, request)).await?)
    }))
}

async fn answer(service: &FactorService<EnrolmentPart>, request: &Request) -> Result<Answer, FlowError> {
    let moment = &request.moment;
    let by = FactorRequest { access: request.required_bearer()?, caller: request.caller.clone() };
    match (request.method(), request.route()) {
        (&Method::GET, "/api/auth/factors") => Ok(listed(&list_factors(service, moment, &by).await?)),
        (&Method::POST, "/api/auth/factors/totp") => {
            Ok(pending(&enrol_totp(service, moment, &by, name(request)?).await?))
        }
        (&Method::POST, "/api/auth/factors/totp/{id}/confirm") => {
            let code = code(request)?;
            let codes = confirm_totp(service, moment, &by, id(request)?, &code).await?;
            Ok(enrolled(codes.as_ref()))
        }
        (&Method::POST, "/api/auth/factors/passkeys/options") => {
            Ok(Answer::data(passkey_options(service, moment, &by).await?))
        }
        (&Method::POST, "/api/auth/factors/passkeys") => {
            let (name, answer) = passkey(request)?;
            Ok(enrolled(register_passkey(service, moment, &by, name, &answer).await?.as_ref()))
        }
        (&Method::POST, "/api/auth/factors/recovery") => {
            Ok(shown(&renew_recovery_codes(service, moment, &by).await?))
        }
        (&Method::DELETE, "/api/auth/factors/{id}") => {
            remove_factor(service, moment, &by, id(request)?).await?;
            Ok(Answer::message("FACTOR_REMOVED"))
        }
        _ => Err(Refusal::MethodNotAllowed.into()),
    }
}

/// What is no id is the id of no factor.
fn id(request: &Request) -> Result<FactorId, Refusal> {
    request.parameter("id").and_then(|id| id.parse().ok()).ok_or(Refusal::FactorNotFound)
}

/// What the user calls it.
fn name(request: &Request) -> Result<Option<String>, Refusal> {
    let mut fields = request.json()?;
    let name = fields.factor_name();
    fields.finish(Some(name))
}

/// The passkey that a browser made, and what its user calls it.
fn passkey(request: &Request) -> Result<(Option<String>, RegistrationResponse), Refusal> {
    let mut fields = request.json()?;
    let (name, answer) = (fields.factor_name(), fields.passkey());
    fields.finish(answer.map(|answer| (name, answer)))
}

fn code(request: &Request) -> Result<TotpCode, Refusal> {
    let mut fields = request.json()?;
    let code = fields.parsed("code", TotpCode::parse);
    fields.finish(code)
}

fn listed(listed: &ListedFactors) -> Answer {
    let factor = |factor: &nova_auth::flows::factors::list::ListedFactor| -> Value {
        json!({
            "id": factor.id,
            "kind": factor.kind.name(),
            "name": factor.name,
            "createdAt": factor.created_at,
            "lastUsedAt": factor.last_used_at,
        })
    };
    let factors: Vec<_> = listed.factors.iter().map(factor).collect();
    Answer::data(json!({"factors": factors, "recoveryCodesLeft": listed.recovery_codes}))
}

fn pending(pending: &PendingTotp) -> Answer {
    Answer::created(json!({"id": pending.id, "secret": pending.secret, "otpauthUri": pending.uri}))
}

/// The first factor of a user comes with recovery codes.
fn enrolled(codes: Option<&NewCodes>) -> Answer {
    codes.map_or_else(|| Answer::data(json!({})), shown)
}

fn shown(codes: &NewCodes) -> Answer {
    Answer::data(json!({"recoveryCodes": codes.shown()}))
}
