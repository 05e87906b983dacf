//! `POST /api/auth/email`, `POST /api/auth/verify/resend`

use lambda_http::http::Method;
use nova_auth::{
    app::{EmailService, StartError},
    config::Config,
    domain::{email::Email, password::Password, refusal::Refusal},
    flows::{
        FlowError,
        mail::{
            change::{Wish, wish},
            resend::resend,
        },
    },
    http::{self, Answer, Endpoint, Request},
    runtime::Function,
};

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = EmailService::start(config).await?;
    let edge = service.edge.clone();
    Ok(http::function(Endpoint::Email, edge, async move |request: &Request| {
        // Boxed: the calls are nested deeper than the compiler follows by itself.
        Ok(Box::pin(answer(&service, request)).await?)
    }))
}

async fn answer(service: &EmailService, request: &Request) -> Result<Answer, FlowError> {
    request.require(&Method::POST)?;
    let moment = &request.moment;
    match request.route() {
        "/api/auth/email" => {
            wish(service, moment, &parse(request)?).await?;
            Ok(Answer::accepted("CHANGE_SENT"))
        }
        "/api/auth/verify/resend" => {
            resend(service, moment, &request.required_bearer()?, request.language.name()).await?;
            Ok(Answer::accepted("VERIFICATION_SENT"))
        }
        _ => Err(Refusal::NotFound.into()),
    }
}

fn parse(request: &Request) -> Result<Wish, Refusal> {
    let access = request.required_bearer()?;
    let mut fields = request.json()?;
    let email = fields.parsed("newEmail", Email::parse);
    let password = fields.text("currentPassword").map(Password::new);
    let (email, password) = fields.finish(email.zip(password))?;
    Ok(Wish { access, email, password, caller: request.caller.clone() })
}
