//! `POST /api/auth/introspect`

use std::process::ExitCode;

use lambda_http::http::Method;
use nova_auth::{
    app::{self, Introspector},
    flows::{FlowError, introspect::introspect},
    http::{self, Answer, Endpoint, Request, introspection},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = Introspector::start().await?;
        http::serve(Endpoint::Introspect, &service.edge, async |request| Ok(answer(&service, request).await?))
            .await
    })
    .await
}

async fn answer(service: &Introspector, request: &Request) -> Result<Answer, FlowError> {
    request.require(&Method::POST)?;
    let (token, question) = introspection::asked(request)?;
    let active = introspect(service, &request.moment, &token, question.as_ref()).await?;
    Ok(Answer::plain(introspection::told(active.as_ref(), question.is_some(), request.language)))
}
