//! What a browser holds that is logged in by cookie, or is about to.

use nova_auth::{app::AuthService, flows::csrf::offer};

use crate::{moment, now, run, tokens::session};

/// Two cookies, and the CSRF token that goes with each.
#[derive(Clone)]
pub struct Browser {
    /// The cookie of a session.
    pub session_cookie: String,
    /// What a page shows beside it.
    pub session_proof: String,
    /// The cookie of a browser without a session.
    pub browser_cookie: String,
    /// What a page shows beside that one.
    pub browser_proof: String,
}

impl Browser {
    /// One that holds a session of this id.
    #[must_use]
    pub fn with_session(service: &AuthService, id: &str) -> Self {
        let session = session(id);
        let minted = run(offer(&service.refresh, &moment(), None, None)).unwrap();
        let first = run(service.refresh.begin(now())).unwrap();
        let cookie = run(service.refresh.first_token(&session, &first.id, now())).unwrap();
        let csrf = service.refresh.csrf();
        let proof = run(csrf.of_session(session.user_id, session.session_id, now())).unwrap();
        Self {
            session_cookie: cookie.expose().to_owned(),
            session_proof: proof.expose().to_owned(),
            browser_cookie: minted.anonymous.expose().to_owned(),
            browser_proof: minted.token.expose().to_owned(),
        }
    }
}
