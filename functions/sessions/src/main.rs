//! `GET /api/auth/sessions`, `DELETE /api/auth/sessions`, `DELETE /api/auth/sessions/{id}`

use std::process::ExitCode;

use lambda_http::http::Method;
use nova_auth::{
    app::{self, SessionsService},
    domain::{refusal::Refusal, session::Session},
    flows::{
        FlowError,
        sessions::{Sessions, list, revoke_every, revoke_one},
    },
    http::{self, Answer, Endpoint, Request, page::cursor},
};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = SessionsService::start().await?;
        http::serve(Endpoint::Sessions, &service.edge, async |request| Ok(answer(&service, request).await?))
            .await
    })
    .await
}

async fn answer(service: &SessionsService, request: &Request) -> Result<Answer, FlowError> {
    let (moment, device) = (&request.moment, &request.caller.device);
    match (request.method(), request.parameter("id")) {
        (&Method::GET, None) => {
            let (access, page) = (request.required_bearer()?, request.sessions_page()?);
            Ok(render(&list(service, moment, &access, page).await?))
        }
        (&Method::DELETE, None) => {
            revoke_every(service, moment, &request.required_bearer()?, device).await?;
            Ok(Answer::message("SESSIONS_REVOKED"))
        }
        (&Method::DELETE, Some(id)) => {
            let access = request.required_bearer()?;
            // What is no id is the id of no session.
            revoke_one(service, moment, &access, id.parse().ok(), device).await?;
            Ok(Answer::message("SESSION_REVOKED"))
        }
        _ => Err(Refusal::MethodNotAllowed.into()),
    }
}

fn render(sessions: &Sessions) -> Answer {
    let session = |session: &Session| -> Value {
        json!({
            "id": session.session_id,
            "current": session.session_id == sessions.current,
            "device": session.device,
            "createdAt": session.created_at,
            "lastSeenAt": session.rotated_at,
            "expiresAt": session.refresh_expires(),
        })
    };
    let live: Vec<_> = sessions.live.iter().map(session).collect();
    Answer::data(match sessions.next {
        Some(next) => json!({"sessions": live, "nextCursor": cursor(next)}),
        None => json!({"sessions": live}),
    })
}
