//! `POST /api/auth/recovery/confirm`

use std::process::ExitCode;

use lambda_http::http::Method;
use nova_auth::{
    app::{self, RedeemService},
    domain::{
        password::{Password, Profile},
        refusal::Refusal,
    },
    flows::mail::reset::{Reset, reset},
    http::{self, Answer, Endpoint, Request},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = RedeemService::start().await?;
        http::serve(Endpoint::Redeem, &service.edge, async |request| {
            let wanted = parse(request, service.redemption.policy)?;
            // Boxed: the calls are nested deeper than the compiler follows by itself.
            Box::pin(reset(&service.redemption, &request.moment, &wanted)).await?;
            Ok(Answer::message("PASSWORD_CHANGED"))
        })
        .await
    })
    .await
}

fn parse(request: &Request, policy: Profile) -> Result<Reset, Refusal> {
    request.require(&Method::POST)?;
    let mut fields = request.json()?;
    let proof = fields.mail_proof();
    let new = fields.text("newPassword").map(Password::new);
    // Whose address it must not be is not known yet: the flow checks that.
    let faults = new.iter().flat_map(|new| policy.faults(new, None));
    faults.for_each(|fault| fields.refuse("newPassword", fault));
    let (proof, new) = fields.finish(proof.zip(new))?;
    Ok(Reset { proof: proof?, new, language: request.language.tag(), caller: request.caller.clone() })
}
