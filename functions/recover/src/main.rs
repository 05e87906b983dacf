//! `POST /api/auth/recovery`

use std::process::ExitCode;

use lambda_http::http::Method;
use nova_auth::{
    app::{self, RecoverService},
    domain::{email::Email, refusal::Refusal},
    flows::mail::recover::{Forgotten, recover},
    http::{self, Answer, Endpoint, Request},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = RecoverService::start()?;
        http::serve(Endpoint::Recover, &service.edge, async |request| {
            // Boxed: the calls are nested deeper than the compiler follows by itself.
            Box::pin(recover(&service.recovery, &request.moment, parse(request)?)).await?;
            Ok(Answer::accepted("RECOVERY_SENT"))
        })
        .await
    })
    .await
}

fn parse(request: &Request) -> Result<Forgotten, Refusal> {
    request.require(&Method::POST)?;
    let mut fields = request.json()?;
    let email = fields.parsed("email", Email::parse);
    let email = fields.finish(email)?;
    Ok(Forgotten { email, caller: request.caller.clone() })
}
