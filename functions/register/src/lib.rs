//! `POST /api/auth/register`

use lambda_http::http::Method;
use nova_auth::{
    app::{RegisterService, StartError},
    config::Config,
    domain::{
        email::Email,
        name::PersonName,
        password::{Password, PasswordProfile},
        refusal::Refusal,
        user::Profile,
    },
    flows::register::{Applicant, Registered, admit, register},
    http::{self, Answer, Endpoint, Request},
    runtime::Function,
};
use serde_json::json;

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = RegisterService::start(config).await?;
    let edge = service.edge.clone();
    Ok(http::function(Endpoint::Register, edge, async move |request: &Request| {
        admit(&service)?;
        let applicant = parse(request, service.password_policy.profile)?;
        // Boxed: the calls are nested deeper than the compiler follows by itself.
        Ok(render(Box::pin(register(&service, &request.moment, applicant)).await?))
    }))
}

fn parse(request: &Request, policy: PasswordProfile) -> Result<Applicant, Refusal> {
    request.require(&Method::POST)?;
    let mut fields = request.json()?;
    let name = fields.parsed("name", PersonName::parse);
    let email = fields.parsed("email", Email::parse);
    let password = fields.text("password").map(Password::new);
    let faults = password.iter().flat_map(|password| policy.faults(password, email.as_ref()));
    faults.for_each(|fault| fields.refuse("password", fault));
    let ((name, email), password) = fields.finish(name.zip(email).zip(password))?;
    Ok(Applicant { name, email, password, caller: request.caller.clone() })
}

fn render(registered: Registered) -> Answer {
    let Registered::Made(profile) = registered else { return Answer::accepted("VERIFICATION_SENT") };
    let Profile { id, name, email, role, .. } = *profile;
    Answer::created(json!({"user": {"id": id, "name": name, "email": email, "role": role}}))
}
