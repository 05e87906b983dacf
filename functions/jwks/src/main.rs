//! `GET /.well-known/jwks.json`

use std::process::ExitCode;

use nova_auth::{
    app::{self, PublicKeys},
    http::{self, Answer, Endpoint},
    keys::PUBLIC_SET_MAX_AGE,
};

/// RFC 7517, section 8.5.2.
const JWK_SET: &str = "application/jwk-set+json";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = PublicKeys::start().await?;
        http::serve(Endpoint::Jwks, &service.edge, async |request| {
            let keys = service.access.public_set(request.moment.now).await?;
            Ok(Answer::published(keys, JWK_SET, PUBLIC_SET_MAX_AGE))
        })
        .await
    })
    .await
}
