//! `GET /api/csrf-token`

use lambda_http::http::Method;
use nova_auth::{
    app::{CsrfService, StartError},
    config::Config,
    flows::csrf::{Offer, offer},
    http::{self, Answer, Endpoint, Request, SetCookie},
    runtime::Function,
};
use serde_json::json;

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = CsrfService::start(config).await?;
    let edge = service.edge.clone();
    Ok(http::function(Endpoint::CsrfToken, edge, async move |request: &Request| {
        request.require(&Method::GET)?;
        // Of several cookies none counts: a refresh says so, this is no place for it.
        let session = request.refresh_cookie().unwrap_or_default();
        let anonymous = request.csrf_cookie();
        let offer = offer(&service.refresh, &request.moment, session.as_ref(), anonymous.as_ref()).await?;
        Ok(render(offer))
    }))
}

fn render(offer: Offer) -> Answer {
    Answer::data(json!({"csrfToken": offer.token.expose()})).with_cookies([SetCookie::csrf(offer.anonymous)])
}
