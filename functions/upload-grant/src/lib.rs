//! `POST /uploads`, `GET /uploads/{id}`, `GET /uploads/{id}/content`

use std::convert::Infallible;

use lambda_http::{
    Body,
    http::{Method, Response, StatusCode},
};
use nova_auth::{
    app::StartError,
    config::{AwsConfig, Config, EdgeConfig},
    http::{self, Answer, Proxied, Request, bare},
    runtime::Function,
};
use nova_auth_domain::{
    context::Caller,
    moment::Moment,
    refusal::{Fault, Refusal},
};
use nova_auth_uploads::{
    form::{LINK_LASTS, Signer},
    key::clean_key,
    name::FileName,
    service::{
        Uploads, dynamodb,
        edge::{Problem, redirect, shown},
        grant::{Granting, Wanted},
        store::Row,
    },
    upload::State,
    wanted::{FORM_LASTS, Sha256},
};
use serde_json::{Value, json};

/// What answers: the flows, and where files are sent and read.
struct Service {
    granting: Granting,
    edge: EdgeConfig,
    form_url: String,
    clean_url: String,
}

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let aws = config.aws()?;
    let uploads = Uploads::new(&config, dynamodb(&aws)?)?;
    Ok(Service {
        form_url: bucket_url(&aws, &uploads.quarantine),
        clean_url: bucket_url(&aws, &uploads.clean),
        granting: Granting::new(uploads, signer(&aws)),
        edge: config.edge()?,
    })
}

impl Function for Service {
    type Answer = Proxied;
    type Error = Infallible;

    async fn answer(&self, event: &str, moment: Moment) -> Result<Proxied, Infallible> {
        Ok(answer(self, event, moment).await.into())
    }
}

fn signer(aws: &AwsConfig) -> Signer {
    Signer {
        region: aws.region.clone(),
        access_key_id: aws.access_key_id.clone(),
        secret_access_key: aws.secret_access_key.clone(),
        session_token: aws.session_token.clone(),
    }
}

/// Where a bucket is. Its own name in front makes each bucket an origin of its own: no file is on the application's.
fn bucket_url(aws: &AwsConfig, bucket: &str) -> String {
    let partition = if aws.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    match &aws.service_urls.s3 {
        Some(url) => format!("{}/{bucket}", url.trim_end_matches('/')),
        None => format!("https://{bucket}.s3.{}.{partition}", aws.region),
    }
}

async fn answer(service: &Service, event: &str, moment: Moment) -> Response<Body> {
    let request = http::read(event, moment, &service.edge);
    let methods = if request.route() == "/uploads" { "POST" } else { "GET" };
    if request.method() == Method::OPTIONS {
        let mut response = bare(StatusCode::NO_CONTENT, Body::Empty, request.public_id());
        request.permit(&mut response, methods, &service.edge);
        return response;
    }
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let answered = routed(service, &request, &event).await;
    let code = answered.as_ref().map_or_else(Problem::code, |_| "OK");
    let mut response =
        answered.unwrap_or_else(|problem| problem.render(request.language, request.public_id()));
    request.share(&mut response);
    tracing::info!(
        target: "nova_auth::uploads",
        endpoint = "upload-grant",
        http.status = response.status().as_u16(),
        code,
        request.id = request.moment.request.as_str(),
        gateway.id = request.public_id(),
        "answered"
    );
    response
}

async fn routed(service: &Service, request: &Request, event: &Value) -> Result<Response<Body>, Problem> {
    // Without a caller the function is attached wrongly: nobody gets in.
    let caller = Caller::of_event(event).map_err(Problem::unavailable)?;
    match (request.method(), request.route()) {
        (&Method::POST, "/uploads") => grant(service, request, &caller).await,
        (&Method::GET, "/uploads/{id}") => {
            let row = owned(service, request, &caller).await?;
            let shown = shown(&row, request.moment.now, request.language);
            Ok(Answer::data(shown).render(request.language, request.public_id()))
        }
        (&Method::GET, "/uploads/{id}/content") => content(service, request, &caller).await,
        _ => Err(Refusal::MethodNotAllowed.into()),
    }
}

async fn grant(service: &Service, request: &Request, caller: &Caller) -> Result<Response<Body>, Problem> {
    let wanted = wanted(request)?;
    let grant = service.granting.grant(caller, wanted, request.moment.now).await?;
    let fields: serde_json::Map<_, _> =
        grant.fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let data = json!({
        "uploadId": grant.id.to_string(),
        "url": service.form_url,
        "fields": fields,
        "expiresIn": FORM_LASTS.as_secs(),
    });
    Ok(Answer::created(data).render(request.language, request.public_id()))
}

fn wanted(request: &Request) -> Result<Wanted, Refusal> {
    let mut fields = request.json()?;
    let purpose = fields.text("purpose");
    let name =
        fields.parsed("fileName", |name| FileName::try_from(name.to_owned()).map_err(|_| Fault::Invalid));
    let media_type = fields.text("contentType");
    let size = fields.number("size");
    let sha256 = fields.parsed("sha256", |sum| Sha256::try_from(sum.to_owned()).map_err(|_| Fault::Invalid));
    let wanted = || {
        Some(Wanted { purpose: purpose?, name: name?, media_type: media_type?, size: size?, sha256: sha256? })
    };
    fields.finish(wanted())
}

/// The upload of the path, if it is the caller's. Another user's is one that is not there.
async fn owned(service: &Service, request: &Request, caller: &Caller) -> Result<Row, Problem> {
    let id = request.parameter("id").and_then(|id| id.parse().ok()).ok_or(Problem::NotFound)?;
    let row = service.granting.uploads.store.get(id).await?;
    row.filter(|row| row.user == caller.user_id).ok_or(Problem::NotFound)
}

async fn content(service: &Service, request: &Request, caller: &Caller) -> Result<Response<Body>, Problem> {
    let row = owned(service, request, caller).await?;
    match row.state(request.moment.now) {
        State::Clean => {
            let url = format!("{}/{}", service.clean_url, clean_key(row.user, row.id));
            let link = service.granting.signer.link(&url, request.moment.now)?;
            // A script that sends a bearer token can't see where it is led to: it asks for the link instead.
            if request.query("redirect")? == Some("no") {
                let data = json!({"url": link, "expiresIn": LINK_LASTS.as_secs()});
                return Ok(Answer::data(data).render(request.language, request.public_id()));
            }
            Ok(redirect(&link, request))
        }
        State::Granted | State::Received => Err(Problem::NotReady),
        State::Refused => Err(Problem::FileRefused(row.upload.reasons().into_iter().collect())),
        State::Expired => Err(Problem::NotFound),
    }
}
