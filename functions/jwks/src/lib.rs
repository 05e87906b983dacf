//! `GET /.well-known/jwks.json`, `GET /.well-known/oauth-authorization-server`, `GET /.well-known/openid-configuration`

use nova_auth::{
    app::{PublicKeys, StartError},
    config::Config,
    domain::{metadata::server_metadata, refusal::Refusal},
    flows::FlowError,
    http::{self, Answer, Endpoint, Request},
    keys::PUBLIC_SET_MAX_AGE,
    runtime::Function,
};

/// RFC 7517, section 8.5.2.
const JWK_SET: &str = "application/jwk-set+json";

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = PublicKeys::start(config).await?;
    let edge = service.edge.clone();
    Ok(http::function(Endpoint::Jwks, edge, async move |request: &Request| {
        Ok(answer(&service, request).await?)
    }))
}

async fn answer(service: &PublicKeys, request: &Request) -> Result<Answer, FlowError> {
    let now = request.moment.now;
    if request.route().ends_with("/jwks.json") {
        let keys = service.keys.ring(now).await?.public_set(now);
        return Ok(Answer::published(keys, JWK_SET, PUBLIC_SET_MAX_AGE));
    }
    let algorithms = service.keys.ring(now).await?.public_algorithms(now);
    let metadata = server_metadata(&service.issuer, &algorithms).ok_or(Refusal::NotFound)?;
    Ok(Answer::published(metadata, "application/json", PUBLIC_SET_MAX_AGE))
}
