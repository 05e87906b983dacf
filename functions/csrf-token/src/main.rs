//! `GET /api/csrf-token`

use std::process::ExitCode;

use lambda_http::http::Method;
use nova_auth::{
    app::{self, CsrfService},
    flows::csrf::{Offer, offer},
    http::{self, Answer, Endpoint, SetCookie},
};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = CsrfService::start().await?;
        http::serve(Endpoint::CsrfToken, &service.edge, async |request| {
            request.require(&Method::GET)?;
            // Of several cookies none counts: a refresh says so, this is no place for it.
            let session = request.refresh_cookie().unwrap_or_default();
            let anonymous = request.csrf_cookie();
            let offer =
                offer(&service.refresh, &request.moment, session.as_ref(), anonymous.as_ref()).await?;
            Ok(render(offer))
        })
        .await
    })
    .await
}

fn render(offer: Offer) -> Answer {
    Answer::data(json!({"csrfToken": offer.token.expose()})).with_cookies([SetCookie::csrf(offer.anonymous)])
}
