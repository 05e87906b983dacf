//! `POST /api/auth/introspect`

use lambda_http::http::Method;
use nova_auth::{
    app::{Introspector, StartError},
    config::Config,
    flows::{FlowError, introspect::introspect},
    http::{self, Answer, Endpoint, Request, introspection},
    runtime::Function,
};

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = Introspector::start(config).await?;
    let edge = service.edge.clone();
    Ok(http::function(Endpoint::Introspect, edge, async move |request: &Request| {
        Ok(answer(&service, request).await?)
    }))
}

async fn answer(service: &Introspector, request: &Request) -> Result<Answer, FlowError> {
    request.require(&Method::POST)?;
    let (token, question) = introspection::asked(request)?;
    let active = introspect(service, &request.moment, &token, question.as_ref()).await?;
    Ok(Answer::plain(introspection::told(active.as_ref(), question.is_some(), request.language)))
}
