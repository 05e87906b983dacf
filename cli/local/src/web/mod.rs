//! A page that shows the system to a person, on the authentication API's own origin: at `/`, with what it needs under
//! `/_local/`.
//!
//! None of it is a part of the deployment, and every other path is the API's. What the page needs and no API offers is here:
//!
//! | | |
//! |---|---|
//! | `GET /_local/config.json` | the attached APIs and their plain `GET` routes, whether strangers may register, which passwords may be set, and the demo's user |
//! | `/_local/apis/NAME/…` | an attached API, WebSockets too, for a page that may talk to its own origin alone: without cookies in either direction, and answered in a sandbox |
//! | `POST /_local/objects/BUCKET` | a form with a file, for a page that may talk to its own origin alone |
//! | `GET /_local/mail`, `/_local/mail.json` | the mails that were sent |
//! | `POST /_local/qr` | a text as the dark squares of a QR code |
//! | `GET /_local/security-log` | the security log of the user whose access token it is |

mod files;
mod qr;
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
use crate::guard;
use crate::mail::{self, Mailbox};
use crate::options::DemoUser;
use nova_template::Api;

/// Where everything is but the page itself.
const LOCAL: &str = "/_local/";

/// Where forms with files go.
const OBJECTS: &str = "objects/";

/// Where the page is: at the root, and where the links of mails lead (`AppUrl` is this system's own).
const PAGES: [&str; 7] = ["/", "/reset", "/verify", "/email", "/email/revert", "/login/deny", "/invitation"];

/// What a page may do: load from here, and talk to here. No markup of ours, and none that slips in, runs a script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// What the page knows of the system besides its APIs.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The table of the security log.
    pub(crate) log_table: String,
    /// `REGISTRATION`: `open`, or something else.
    pub(crate) registration: String,
    /// Whether the system sends mail.
    pub(crate) mail: bool,
    /// Whether it takes second factors.
    pub(crate) second_factors: bool,
    /// `PASSKEY_RP_ID`: the name that the page has to be opened by for passkeys; empty where none are taken.
    pub(crate) passkey_domain: String,
    /// `PASSWORD_PROFILE`.
    pub(crate) password_profile: String,
    /// Somebody whom the page offers to sign in as.
    pub(crate) demo: Option<DemoUser>,
}

/// The page, and all that it reaches.
#[derive(Debug)]
pub(crate) struct Page {
    main: Router,
    attached: BTreeMap<String, Router>,
    config: Value,
    log: security_log::SecurityLog,
    mailbox: Mailbox,
    /// The buckets, where there are any.
    objects: Option<Router>,
}

impl Page {
    /// The page over the authentication API and the attached ones, each as it is served.
    pub(crate) fn new(
        main: Router,
        attached: Vec<(Api, Router)>,
        documents: Documents,
        (facts, objects): (Facts, Option<Router>),
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
        let takes_files =
            |api: &Api| api.routes.iter().any(|route| route.method == "POST" && route.path == "/uploads");
        let uploads = attached.iter().find(|(api, _)| objects.is_some() && takes_files(api));
        let uploads = uploads.map(|(api, _)| api.logical_id.clone());
        let demo = facts.demo.map(|demo| json!({ "email": demo.email, "password": demo.password }));
        let config = json!({
            "apis": apis,
            "registration": facts.registration,
            "mail": facts.mail,
            "secondFactors": facts.second_factors,
            "passkeyDomain": facts.passkey_domain,
            "passwordProfile": facts.password_profile,
            "demo": demo,
            "uploads": uploads.unwrap_or_default(),
        });
        let mailbox = Mailbox::new(documents.clone());
        let log = security_log::SecurityLog::new(main.clone(), documents, facts.log_table);
        let attached = attached.into_iter().map(|(api, router)| (api.logical_id, router)).collect();
        Page { main, attached, config, log, mailbox, objects }
    }

    /// What is served on the port of the authentication API.
    pub(crate) fn router(self) -> Router {
        let guard = axum::middleware::from_fn(guard::by_own_name);
        Router::new().fallback(handle).layer(guard).with_state(Arc::new(self))
    }

    async fn answer(&self, peer: SocketAddr, request: Request) -> Response<Body> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let path = request.uri().path().to_owned();
        match path.strip_prefix(LOCAL) {
            None if PAGES.contains(&path.as_str()) && is_read => files::page(),
            None => pass_on(&self.main, request).await,
            Some("config.json") if is_read => json_answer(StatusCode::OK, &self.config),
            Some("qr") if request.method() == Method::POST => qr::answer(request.into_body()).await,
            Some("security-log") if is_read => self.log.answer(peer, request.headers()).await,
            Some(rest) if is_read && is_of_the_mailbox(rest) => {
                mail::answer(&self.mailbox, rest.trim_start_matches("mail")).unwrap_or_else(not_found)
            }
            Some(rest) if rest.starts_with(OBJECTS) && request.method() == Method::POST => {
                match &self.objects {
                    Some(objects) => apart(pass_on(objects, below(request, OBJECTS.len() - 1)).await),
                    None => not_found(),
                }
            }
            Some(rest) => match rest.strip_prefix("apis/").and_then(|rest| rest.split_once('/')) {
                Some((name, _)) => match self.attached.get(name) {
                    Some(api) => apart(pass_on(api, beneath(request, name)).await),
                    None => not_found(),
                },
                None if is_read => files::asset(rest).unwrap_or_else(not_found),
                None => not_found(),
            },
        }
    }
}

/// `mail`, `mail.json` and what is beneath; `mailed.js` is a file of the page.
fn is_of_the_mailbox(rest: &str) -> bool {
    rest.strip_prefix("mail").is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
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

/// An answer of an API that is not ours, on our origin: it sets no cookie here, and no document of it is one of ours.
fn apart(mut answer: Response<Body>) -> Response<Body> {
    let headers = answer.headers_mut();
    for name in [header::SET_COOKIE, header::HeaderName::from_static("clear-site-data")] {
        headers.remove(name);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// The same request, as its API sees it.
fn beneath(request: Request, name: &str) -> Request {
    below(request, "apis/".len() + name.len())
}

/// The same request, as it is so far below [`LOCAL`]: where it really is, a browser would send it none of our cookies.
fn below(mut request: Request, at: usize) -> Request {
    let whole = request.uri().path_and_query().map(PathAndQuery::as_str).unwrap_or_default();
    let own = whole.get(LOCAL.len() + at..).unwrap_or("/");
    if let Ok(own) = own.parse::<Uri>() {
        *request.uri_mut() = own;
    }
    request.headers_mut().remove(header::COOKIE);
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

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use dynoxide::Database;

    use super::*;
    use nova_template::ApiKind;

    /// An API that says what cookies it was sent, and answers as its author likes.
    async fn hostile(request: Request) -> Response<Body> {
        let cookies: Vec<_> = request.headers().get_all(header::COOKIE).iter().collect();
        let seen = format!("<script>alert(1)</script>{} {cookies:?}", request.uri());
        let mut answer = Response::new(Body::from(seen));
        for (name, value) in [
            ("content-type", "text/html"),
            ("set-cookie", "__Host-nova-refresh=theirs; Path=/; Secure"),
            ("set-cookie", "a=b"),
            ("clear-site-data", "\"cookies\""),
            ("content-security-policy", "default-src *"),
        ] {
            answer.headers_mut().append(name, HeaderValue::from_static(value));
        }
        answer
    }

    async fn ask(uri: &str, host: &str) -> (StatusCode, HeaderMap, String) {
        let api = Api {
            logical_id: "Evil".to_owned(),
            kind: ApiKind::Rest,
            stage: "v1".to_owned(),
            routes: Vec::new(),
            authorizers: BTreeMap::new(),
            jwt_authorizers: BTreeMap::new(),
            responses: BTreeMap::new(),
        };
        let attached = vec![(api, Router::new().fallback(hostile))];
        let documents = Documents::new(Database::memory().unwrap());
        let page = Page::new(Router::new(), attached, documents, (Facts::default(), None));
        let request = Request::get(uri).header("host", host);
        let request = request.header("cookie", "__Host-nova-refresh=ours; other=1").header("cookie", "b=2");
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let request = request.extension(ConnectInfo(peer)).body(Body::empty()).unwrap();
        let answer = pass_on(&page.router(), request).await;
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    /// The API is another team's, and answers on the origin that the refresh cookie is for.
    #[tokio::test]
    async fn an_attached_api_gets_no_cookie_of_the_page_sets_none_and_runs_no_script_there() {
        let (status, headers, body) = ask("/_local/apis/Evil/x?y=1", "127.0.0.1:3000").await;
        assert_eq!(status, 200);
        assert!(body.ends_with("/x?y=1 []"), "{body}");
        for gone in ["set-cookie", "clear-site-data"] {
            assert!(!headers.contains_key(gone), "{headers:?}");
        }
        let policies: Vec<_> = headers.get_all("content-security-policy").iter().collect();
        assert_eq!(policies, ["sandbox"]);
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }

    /// A site whose name was made to lead here is no origin of ours.
    #[tokio::test]
    async fn nothing_on_the_port_of_the_page_answers_to_another_name() {
        for uri in ["/", "/_local/config.json", "/_local/apis/Evil/x", "/api/auth/login"] {
            let (status, _, body) = ask(uri, "evil.example:3000").await;
            assert_eq!(status, 403, "{uri}");
            assert!(!body.contains("alert") && !body.contains("<html"), "{uri}");
        }
        assert_eq!(ask("/_local/config.json", "localhost:3000").await.0, 200);
        // The mailbox is at `mail`, and this is a file of the page.
        assert_eq!(ask("/_local/mailed.js", "localhost:3000").await.0, 200);
    }
}
