//! A page that shows the system to a person, on the authentication API's own origin: at `/`, with what it needs under
//! `/_local/`.
//!
//! None of it is a part of the deployment, and every other path is the API's. What the page needs and no API offers is here:
//!
//! | | |
//! |---|---|
//! | `GET /_local/config.json` | the attached APIs and their plain `GET` routes |
//! | `/_local/apis/NAME/…` | an attached API, for a page that has another origin: the request goes through unchanged |
//! | `GET /_local/security-log` | the security log of the user whose access token it is |

mod files;
mod security_log;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde_json::{Value, json};
use tower_service::Service as _;

use crate::documents::Documents;
use crate::template::Api;

/// Where everything is but the page itself.
const LOCAL: &str = "/_local/";

/// What a page may do: load from here, and talk to here. No markup of ours, and none that slips in, runs a script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The page, and all that it reaches.
#[derive(Debug)]
pub(crate) struct Page {
    main: Router,
    attached: BTreeMap<String, Router>,
    config: Value,
    log: security_log::SecurityLog,
}

impl Page {
    /// The page over the authentication API and the attached ones, each as it is served. `table` is where the security
    /// log is kept.
    pub(crate) fn new(
        main: Router,
        attached: Vec<(Api, Router)>,
        documents: Documents,
        table: String,
    ) -> Page {
        let routes = |api: &Api| -> Vec<String> {
            let plain = api.routes.iter().filter(|route| route.method == "GET" && !route.path.contains('{'));
            plain.map(|route| route.path.clone()).collect()
        };
        // What has no such route (one for WebSockets, say) has nothing to show here.
        let shown =
            attached.iter().map(|(api, _)| (api, routes(api))).filter(|(_, routes)| !routes.is_empty());
        let apis: Vec<_> =
            shown.map(|(api, routes)| json!({ "name": api.logical_id, "routes": routes })).collect();
        let log = security_log::SecurityLog::new(main.clone(), documents, table);
        let attached = attached.into_iter().map(|(api, router)| (api.logical_id, router)).collect();
        Page { main, attached, config: json!({ "apis": apis }), log }
    }

    /// What is served on the port of the authentication API.
    pub(crate) fn router(self) -> Router {
        Router::new().fallback(handle).with_state(Arc::new(self))
    }

    async fn answer(&self, peer: SocketAddr, request: Request) -> Response<Body> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let path = request.uri().path().to_owned();
        match path.strip_prefix(LOCAL) {
            None if path == "/" && is_read => files::page(),
            None => pass_on(&self.main, request).await,
            Some("config.json") if is_read => json_answer(StatusCode::OK, &self.config),
            Some("security-log") if is_read => self.log.answer(peer, request.headers()).await,
            Some(rest) => match rest.strip_prefix("apis/").and_then(|rest| rest.split_once('/')) {
                Some((name, _)) => match self.attached.get(name) {
                    Some(api) => pass_on(api, beneath(request, name)).await,
                    None => not_found(),
                },
                None if is_read => files::asset(rest).unwrap_or_else(not_found),
                None => not_found(),
            },
        }
    }
}

async fn handle(
    State(page): State<Arc<Page>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    page.answer(peer, request).await
}

/// Routers are always ready, and never fail.
async fn pass_on(api: &Router, request: Request) -> Response<Body> {
    let Ok(answer) = api.clone().call(request).await;
    answer
}

/// The same request, as its API sees it.
fn beneath(mut request: Request, name: &str) -> Request {
    let whole = request.uri().path_and_query().map(PathAndQuery::as_str).unwrap_or_default();
    let own = whole.get(LOCAL.len() + "apis/".len() + name.len()..).unwrap_or("/");
    if let Ok(own) = own.parse::<Uri>() {
        *request.uri_mut() = own;
    }
    request
}

fn json_answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = file("application/json", body.to_string());
    *response.status_mut() = status;
    response
}

fn not_found() -> Response<Body> {
    json_answer(
        StatusCode::NOT_FOUND,
        &json!({ "success": false, "code": "NOT_FOUND", "message": "Not found" }),
    )
}

/// Nothing here is kept by a browser: the next `nova local` may be another version.
fn file(media_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
