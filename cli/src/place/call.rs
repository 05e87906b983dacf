//! The few calls of AWS that no client of the SDK makes here: signed requests, answered in JSON or XML.
//!
//! The SDK has a crate for each of these services, and each is compiled as a whole; five of them would double what `nova`
//! takes to build, for eight calls that only read (docs/decisions/0017-the-doctor-signs-its-own-requests.md). The signature is the
//! SDK's own.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::Request as HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use jiff::Timestamp;
use nova_auth::app::start_time;
use nova_auth::aws::{Code, Meaning};
use nova_auth::retry::Retry;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::partition::Partition;
pub(crate) use super::service::Service;

/// How often a call is tried again that was throttled, or that nobody answered.
const RETRY: Retry =
    Retry { times: 3, first: Duration::from_millis(500), longest: Duration::from_secs(2), spread: 2 };

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why a call gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failed {
    /// These credentials may not.
    Denied,
    /// There is no such thing.
    NotThere,
    /// Something else, by its code.
    Other(Code),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Denied => f.write_str("AWS denies it to these credentials"),
            Self::NotThere => f.write_str("there is no such thing"),
            Self::Other(code) => write!(f, "the call failed ({code})"),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) text: String,
    /// That a function ended with an error (`X-Amz-Function-Error`).
    pub(crate) function_failed: bool,
}

/// Where and as whom.
pub(crate) struct Calls {
    connector: Connector,
    credentials: Credentials,
    partition: Partition,
    /// `AWS_ENDPOINT_URL`, for every service.
    endpoint: Option<String>,
}

/// The time of an answer, and the local time around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clocks {
    pub(crate) before: Timestamp,
    pub(crate) theirs: Timestamp,
    pub(crate) after: Timestamp,
}

struct Asked<'a> {
    service: Service,
    method: &'static str,
    path: &'a str,
    body: &'a str,
    content_type: &'static str,
    /// The action, for services that take all of them at one path.
    target: Option<&'a str>,
}

impl Calls {
    pub(crate) fn new(
        connector: Connector,
        credentials: Credentials,
        partition: Partition,
        endpoint: Option<String>,
    ) -> Self {
        Self { connector, credentials, partition, endpoint }
    }

    /// A call of a service that takes forms and answers XML.
    pub(crate) async fn form(
        &self,
        service: Service,
        action: &str,
        parameters: &[(String, String)],
    ) -> Result<String, Failed> {
        let mut form = format!("Action={action}&Version={}", service.version());
        for (name, value) in parameters {
            form.push_str(&format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        }
        let content_type = "application/x-www-form-urlencoded; charset=utf-8";
        let asked = Asked { service, method: "POST", path: "/", body: &form, content_type, target: None };
        Ok(self.send(&asked).await?.text)
    }

    /// A `GET` of a service that answers JSON.
    pub(crate) async fn get(&self, service: Service, path: &str) -> Result<Value, Failed> {
        let content_type = "application/json";
        let asked = Asked { service, method: "GET", path, body: "", content_type, target: None };
        json(&self.send(&asked).await?)
    }

    /// A call of a service that takes JSON at one path, and is told the action in a header.
    pub(crate) async fn action(
        &self,
        service: Service,
        target: &str,
        input: &Value,
    ) -> Result<Value, Failed> {
        let content_type = match service {
            Service::EventBridge => "application/x-amz-json-1.1",
            _ => "application/x-amz-json-1.0",
        };
        let body = input.to_string();
        let asked =
            Asked { service, method: "POST", path: "/", body: &body, content_type, target: Some(target) };
        json(&self.send(&asked).await?)
    }

    /// Calls a function.
    pub(crate) async fn invoke(&self, function: &str, event: &Value) -> Result<Reply, Failed> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let body = event.to_string();
        let content_type = "application/json";
        let service = Service::Lambda;
        let asked = Asked { service, method: "POST", path: &path, body: &body, content_type, target: None };
        self.send(&asked).await
    }

    /// What AWS's clock says, by the answer to a request that needs no right.
    pub(crate) async fn clocks(&self) -> Option<Clocks> {
        let before = start_time();
        let url = self.url(Service::Sns, "/");
        let answer = self.answer(HttpRequest::get(url).ok()?).await.ok()?;
        let after = start_time();
        let theirs = jiff::fmt::rfc2822::parse(answer.headers().get("date")?).ok()?.timestamp();
        Some(Clocks { before, theirs, after })
    }

    /// An unsigned `GET` of a public address: the status, and the body.
    pub(crate) async fn fetch(&self, url: &str) -> Result<(u16, String), Failed> {
        let request = HttpRequest::get(url).map_err(|_| Failed::Other("no address".into()))?;
        let answer = self.answer(request).await?;
        let status = answer.status().as_u16();
        Ok((status, read(answer.into_body()).await?))
    }

    /// An unsigned `POST` of JSON to a public address: the status, and the body. It is tried once.
    pub(crate) async fn post(
        &self,
        url: &str,
        bearer: Option<&str>,
        body: &Value,
    ) -> Result<(u16, String), Failed> {
        let no_address = |_| Failed::Other("no address".into());
        let mut request = HttpRequest::new(SdkBody::from(body.to_string()));
        request.set_uri(url).map_err(no_address)?;
        request.set_method("POST").map_err(no_address)?;
        request.headers_mut().insert("content-type", "application/json");
        if let Some(token) = bearer {
            request.headers_mut().insert("authorization", format!("Bearer {token}"));
        }
        let answer = self.answer(request).await?;
        let status = answer.status().as_u16();
        Ok((status, read(answer.into_body()).await?))
    }

    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, Failed> {
        let answer = tokio::time::timeout(PATIENCE, self.connector.call(request)).await;
        answer.ok().and_then(Result::ok).ok_or_else(|| Failed::Other("connection".into()))
    }

    async fn send(&self, asked: &Asked<'_>) -> Result<Reply, Failed> {
        RETRY.past(passes, || self.send_once(asked)).await
    }

    async fn send_once(&self, asked: &Asked<'_>) -> Result<Reply, Failed> {
        let request = self.signed(asked).map_err(|_| Failed::Other("signature".into()))?;
        let answer = self.answer(request).await?;
        let status = answer.status().as_u16();
        let function_failed = answer.headers().contains_key("x-amz-function-error");
        let kind = answer.headers().get("x-amzn-errortype").map(str::to_owned);
        let text = read(answer.into_body()).await?;
        match status {
            200..300 => Ok(Reply { text, function_failed }),
            _ => Err(failure(status, kind.as_deref(), &text)),
        }
    }

    fn signed(&self, asked: &Asked<'_>) -> Result<HttpRequest, Box<dyn Error>> {
        let url = self.url(asked.service, asked.path);
        let now = u64::try_from(start_time().as_millisecond())?;
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.partition.signing_region(asked.service))
            .name(asked.service.name())
            .time(SystemTime::UNIX_EPOCH + Duration::from_millis(now))
            .settings(SigningSettings::default())
            .build()?
            .into();
        // API Gateway answers another JSON to whoever does not say which; the services that take forms answer XML.
        let accept = if asked.body.starts_with("Action=") { "text/xml" } else { "application/json" };
        let target = asked.target.map(|target| ("x-amz-target", target));
        let headers = [("content-type", asked.content_type), ("accept", accept)].into_iter().chain(target);
        let body = SignableBody::Bytes(asked.body.as_bytes());
        let signable = SignableRequest::new(asked.method, &url, headers.clone(), body)?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        let (added, _) = instructions.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(asked.body));
        request.set_uri(url.as_str())?;
        request.set_method(asked.method)?;
        for (name, value) in headers {
            request.headers_mut().insert(name, value.to_owned());
        }
        for header in added {
            request.headers_mut().insert(header.name(), header.value().to_owned());
        }
        Ok(request)
    }

    fn url(&self, service: Service, path: &str) -> String {
        match &self.endpoint {
            Some(url) => format!("{}{path}", url.trim_end_matches('/')),
            None => format!("https://{}{path}", self.partition.host(service)),
        }
    }
}

fn json(reply: &Reply) -> Result<Value, Failed> {
    serde_json::from_str(&reply.text).map_err(|_| Failed::Other("an answer that is not understood".into()))
}

async fn read(body: SdkBody) -> Result<String, Failed> {
    let bytes = ByteStream::new(body).collect().await.map_err(|_| Failed::Other("connection".into()))?;
    Ok(String::from_utf8_lossy(&bytes.into_bytes()).into_owned())
}

fn passes(failed: &Failed) -> bool {
    let Failed::Other(code) = failed else { return false };
    matches!(code.meaning(), Meaning::Throttled | Meaning::Connection | Meaning::Fault)
}

/// What an error answer says, by its code alone.
fn failure(status: u16, kind: Option<&str>, text: &str) -> Failed {
    let in_xml = || Some(text.split_once("<Code>")?.1.split_once("</Code>")?.0.to_owned());
    let in_json = || {
        let answer: Value = serde_json::from_str(text).ok()?;
        Some(answer.get("__type").or_else(|| answer.get("code"))?.as_str()?.to_owned())
    };
    let kind = kind.map(str::to_owned).or_else(in_xml).or_else(in_json).unwrap_or_default();
    // `com.amazonaws.lambda#ResourceNotFoundException`, `AccessDeniedException:http://…`.
    let code = kind.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
    let code = match (code.as_str(), status) {
        ("", 404) => return Failed::NotThere,
        ("", _) => Code::from(status.to_string()),
        _ => Code::from(code),
    };
    match code.meaning() {
        Meaning::Denied => Failed::Denied,
        Meaning::NotThere => Failed::NotThere,
        _ => Failed::Other(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_known_by_its_code_however_the_service_says_it() {
        let denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/x \
                      is not authorized</Message></Error></ErrorResponse>";
        assert_eq!(failure(403, None, denied), Failed::Denied);
        let lambda = r#"{"Type":"User","Message":"Function not found: arn:…"}"#;
        assert_eq!(failure(404, Some("ResourceNotFoundException"), lambda), Failed::NotThere);
        let gateway = r#"{"message":"Invalid API identifier specified"}"#;
        assert_eq!(
            failure(404, Some("NotFoundException:http://internal.amazon.com/"), gateway),
            Failed::NotThere
        );
        let namespaced = r#"{"__type":"com.amazonaws.lambda#TooManyRequestsException"}"#;
        assert_eq!(failure(429, None, namespaced), Failed::Other("TooManyRequestsException".into()));
        let queue = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#;
        assert_eq!(failure(400, None, queue), Failed::NotThere);
        assert_eq!(failure(502, None, "<html>"), Failed::Other("502".into()));
    }
}
