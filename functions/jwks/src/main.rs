//! `GET /.well-known/jwks.json`, `GET /.well-known/oauth-authorization-server`, `GET /.well-known/openid-configuration`

use std::process::ExitCode;

use nova_auth::{
    app::{self, PublicKeys},
    domain::{metadata::server_metadata, refusal::Refusal},
    flows::FlowError,
    http::{self, Answer, Endpoint, Request},
    keys::PUBLIC_SET_MAX_AGE,
};

/// RFC 7517, section 8.5.2.
const JWK_SET: &str = "application/jwk-set+json";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = PublicKeys::start().await?;
        http::serve(Endpoint::Jwks, &service.edge, async |request| Ok(answer(&service, request).await?)).await
    })
    .await
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
