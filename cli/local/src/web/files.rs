//! The files of the page, which lie in `cli/local/web` as they are served: no step builds them. Its client of the service is the one
//! that other front ends use, too.

use axum::body::Body;
use axum::http::Response;

use super::file;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const MODULE: &str = "text/javascript; charset=utf-8";
const ICON: &str = "image/svg+xml";

macro_rules! web {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/", $name))
    };
}

/// `clients/web`.
const CLIENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../clients/web/nova-auth.js"));

/// Everything that the page loads.
const ASSETS: &[(&str, &str, &str)] = &[
    ("style.css", CSS, web!("style.css")),
    ("parts.css", CSS, web!("parts.css")),
    ("icon.svg", ICON, web!("icon.svg")),
    ("app.js", MODULE, web!("app.js")),
    ("elements.js", MODULE, web!("elements.js")),
    ("entrance.js", MODULE, web!("entrance.js")),
    ("exchange.js", MODULE, web!("exchange.js")),
    ("factors.js", MODULE, web!("factors.js")),
    ("lists.js", MODULE, web!("lists.js")),
    ("mailed.js", MODULE, web!("mailed.js")),
    ("passkeys.js", MODULE, web!("passkeys.js")),
    ("nova-auth.js", MODULE, CLIENT),
    ("password.js", MODULE, web!("password.js")),
    ("session.js", MODULE, web!("session.js")),
    ("status.js", MODULE, web!("status.js")),
    ("text.js", MODULE, web!("text.js")),
    ("uploads.js", MODULE, web!("uploads.js")),
    ("views.js", MODULE, web!("views.js")),
];

/// The page itself.
pub(super) fn page() -> Response<Body> {
    file(HTML, web!("index.html"))
}

/// What it loads by that name.
pub(super) fn asset(name: &str) -> Option<Response<Body>> {
    let (_, media_type, body) = ASSETS.iter().find(|(own, _, _)| *own == name)?;
    Some(file(media_type, *body))
}
