//! S3 over files, for `nova local`: as much of it as guarded uploads need.
//!
//! The protocol is s3s's: signatures, presigned links, and forms whose every field a policy has to allow. What is kept, and how,
//! is ours: versions, checksums, and a word to whoever listens when an object was created.
//!
//! s3s reads `x-amz-checksum-sha256` of a form and leaves it to the implementation, so that it is checked here.

mod files;
mod service;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::error_handling::HandleError;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use s3s::HttpError;
use s3s::service::S3ServiceBuilder;

pub use files::{Created, Files, Problem};

/// The secret of every access key. Nobody on this machine is kept out by it, and a form that was changed is refused all the same.
pub const SECRET: &str = "local";

/// The largest object.
const LARGEST: u64 = 64 * 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub name: String,
    /// Whether it keeps every version of an object.
    pub is_versioned: bool,
    /// Whether the bus is told of its objects.
    pub tells: bool,
}

/// Who is told that an object was created, in buckets that tell.
pub type Listener = Arc<dyn Fn(&Created) + Send + Sync>;

/// The time, in milliseconds since the Unix epoch.
pub type Now = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The buckets, behind a router.
pub fn router(files: Files, listener: Listener) -> Router {
    let mut service = S3ServiceBuilder::new(service::Objects::new(files, listener));
    service.set_auth(service::OneSecret);
    let mut config = s3s::config::S3Config::default();
    config.post_object_max_file_size = LARGEST;
    service.set_config(Arc::new(s3s::config::StaticConfigProvider::new(Arc::new(config))));
    let service = HandleError::new(service.build(), failed);
    Router::new().fallback_service(service).layer(from_fn(for_pages))
}

async fn failed(error: HttpError) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}\n")).into_response()
}

/// What the bucket's `CorsConfiguration` says on AWS: a page may send a form, and read the answer. What a form is allowed to do
/// its policy says, not the page that it is on.
async fn for_pages(request: Request<axum::body::Body>, next: Next) -> Response {
    let may = matches!(*request.method(), Method::POST | Method::GET);
    let origin = request.headers().get(header::ORIGIN).cloned().filter(|_| may);
    let mut answer = as_s3_says_it(next.run(request).await).await;
    if origin.is_some() {
        answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    answer
}

/// S3 answers 403 `AccessDenied` to a form that its policy does not allow. Its list of error codes has 400 `InvalidPolicyDocument` for
/// that, and s3s keeps to the list.
async fn as_s3_says_it(answer: Response) -> Response {
    const OTHER: &str = "<Code>InvalidPolicyDocument</Code><Message>";
    if answer.status() != StatusCode::BAD_REQUEST {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 64 * 1024).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let text = String::from_utf8_lossy(&body).into_owned();
    if !text.contains(OTHER) || text.contains("failed to parse") {
        return Response::from_parts(parts, body.into());
    }
    parts.status = StatusCode::FORBIDDEN;
    parts.headers.remove(header::CONTENT_LENGTH);
    let said = "<Code>AccessDenied</Code><Message>Invalid according to Policy: ";
    Response::from_parts(parts, text.replacen(OTHER, said, 1).into())
}

/// Where buckets are kept: in this directory.
///
/// # Errors
/// It can't be made.
pub fn open(directory: PathBuf, buckets: Vec<Bucket>, now: Now) -> Result<Files, Problem> {
    Files::open(directory, buckets, now)
}
