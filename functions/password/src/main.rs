//! `POST /api/auth/password`

use std::process::ExitCode;

use lambda_http::http::Method;
use nova_auth::{
    app::{self, PasswordService},
    domain::{
        password::{Password, PasswordProfile},
        refusal::Refusal,
    },
    flows::change_password::{PasswordChange, change_password},
    http::{self, Answer, Endpoint, Request},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = PasswordService::start().await?;
        http::serve(Endpoint::Password, &service.edge, async |request| {
            let change = parse(request, service.password_policy.profile)?;
            change_password(&service, &request.moment, &change).await?;
            Ok(Answer::message("PASSWORD_CHANGED"))
        })
        .await
    })
    .await
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
