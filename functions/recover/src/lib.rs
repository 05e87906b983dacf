//! `POST /api/auth/recovery`

use lambda_http::http::Method;
use nova_auth::{
    app::{RecoverService, StartError},
    config::Config,
    domain::{email::Email, refusal::Refusal},
    flows::mail::recover::{Forgotten, recover},
    http::{self, Answer, Endpoint, Request},
    runtime::Function,
};

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = RecoverService::start(&config)?;
    let edge = service.edge.clone();
    Ok(http::function(Endpoint::Recover, edge, async move |request: &Request| {
        // Boxed: the calls are nested deeper than the compiler follows by itself.
        Box::pin(recover(&service.recovery, &request.moment, parse(request)?)).await?;
        Ok(Answer::accepted("RECOVERY_SENT"))
    }))
}

fn parse(request: &Request) -> Result<Forgotten, Refusal> {
    request.require(&Method::POST)?;
    let mut fields = request.json()?;
    let email = fields.parsed("email", Email::parse);
    let email = fields.finish(email)?;
    Ok(Forgotten { email, caller: request.caller.clone() })
}
