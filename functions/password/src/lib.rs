//! `POST /api/auth/password`

use lambda_http::http::Method;
use nova_auth::{
    app::{PasswordService, StartError},
    config::Config,
    domain::{
        password::{Password, PasswordProfile},
        refusal::Refusal,
    },
    flows::change_password::{PasswordChange, change_password},
    http::{self, Answer, Endpoint, Request},
    runtime::Function,
};

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = PasswordService::start(config).await?;
    let edge = service.edge.clone();
    Ok(http::function(Endpoint::Password, edge, async move |request: &Request| {
        let change = parse(request, service.password_policy.profile)?;
        change_password(&service, &request.moment, &change).await?;
        Ok(Answer::message("PASSWORD_CHANGED"))
    }))
}

fn parse(request: &Request, policy: PasswordProfile) -> Result<PasswordChange, Refusal> {
    request.require(&Method::POST)?;
    let access = request.required_bearer()?;
    let mut fields = request.json()?;
    let current = fields.text("currentPassword").map(Password::new);
    let new = fields.text("newPassword").map(Password::new);
    // Whose address it must not be is not known yet: the flow checks that.
    let faults = new.iter().flat_map(|new| policy.faults(new, None));
    faults.for_each(|fault| fields.refuse("newPassword", fault));
    let (current, new) = fields.finish(current.zip(new))?;
    Ok(PasswordChange { access, current, new, caller: request.caller.clone() })
}
