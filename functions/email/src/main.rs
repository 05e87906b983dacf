//! `POST /api/auth/verify/resend`

use std::process::ExitCode;

use lambda_http::http::Method;
use nova_auth::{
    app::{self, AuthService, Rings, Setting},
    flows::mail::resend::resend,
    http::{self, Answer, Endpoint},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = AuthService::start(Rings::Access, &[Setting::ApiRate]).await?;
        http::serve(Endpoint::Email, &service.edge, async |request| {
            request.require(&Method::POST)?;
            let access = request.required_bearer()?;
            // Boxed: the calls are nested deeper than the compiler follows by itself.
            Box::pin(resend(&service, &request.moment, &access, request.language.tag())).await?;
            Ok(Answer::accepted("VERIFICATION_SENT"))
        })
        .await
    })
    .await
}
