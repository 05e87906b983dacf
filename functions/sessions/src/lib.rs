//! `GET /api/auth/sessions`, `DELETE /api/auth/sessions`, `DELETE /api/auth/sessions/{id}`

use lambda_http::http::Method;
use nova_auth::{
    app::{SessionsService, StartError},
    config::Config,
    domain::{refusal::Refusal, session::Session},
    flows::{
        FlowError,
        sessions::{Sessions, list, revoke_every, revoke_one},
    },
    http::{self, Answer, Endpoint, Request, page::cursor},
    runtime::Function,
};
use serde_json::{Value, json};

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let service = SessionsService::start(config).await?;
    let edge = service.edge.clone();
    Ok(http::function(Endpoint::Sessions, edge, async move |request: &Request| {
        Ok(answer(&service, request).await?)
    }))
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
