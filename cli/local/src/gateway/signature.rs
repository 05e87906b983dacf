//! Requests that are signed with keys of AWS (SigV4), as routes with the authorizer `AWS_IAM` take them.
//!
//! A signature is made again by the SDK's own signer and compared. On this machine there are no users and no policies: every
//! access key is taken, if its secret is [`SECRET`], and it may call every route.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use axum::http::{HeaderMap, HeaderValue};
use jiff::{civil::DateTime, tz::TimeZone};
use nova_template::{ACCOUNT, REGION};
use serde_json::{Value, json};

use super::call::Call;
use super::refusal::Refusal;

/// The secret of every access key on this machine; functions have it, too.
const SECRET: &str = "local";

/// The service that a request to an API is signed for.
const SERVICE: &str = "execute-api";

/// How old a signature may be, or how far ahead of our clock.
const LEEWAY: Duration = Duration::from_mins(5);

/// Who signed a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signer {
    access_key: String,
}

impl Signer {
    /// Whoever signed this request, as it came in.
    ///
    /// # Errors
    /// API Gateway's refusals: nothing is signed, or not like this.
    pub(super) fn of(call: &Call, headers: &HeaderMap, body: &[u8]) -> Result<Signer, Refusal> {
        let Some(authorization) = headers.get("authorization") else {
            return Err(Refusal::MissingAuthenticationToken);
        };
        let claim = authorization.to_str().ok().and_then(Claim::parse).ok_or(Refusal::InvalidSignature)?;
        let time = headers
            .get("x-amz-date")
            .and_then(|date| time_of(date, &claim))
            .ok_or(Refusal::InvalidSignature)?;
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(call.now_ms);
        let apart = now.duration_since(time).or_else(|_| time.duration_since(now)).unwrap_or(Duration::MAX);
        let expected = claim.signature_of(call, headers, body, time);
        if apart <= LEEWAY && expected.as_deref() == Some(claim.signature) {
            Ok(Signer { access_key: claim.access_key.to_owned() })
        } else {
            Err(Refusal::InvalidSignature)
        }
    }

    /// What the function behind the route finds of it in `requestContext.identity`.
    pub(super) fn identity(&self) -> Value {
        json!({
            "accessKey": self.access_key,
            "accountId": ACCOUNT,
            "caller": self.access_key,
            "user": self.access_key,
            "userArn": format!("arn:aws:iam::{ACCOUNT}:user/{}", self.access_key),
        })
    }
}

/// What `Authorization` says.
struct Claim<'a> {
    access_key: &'a str,
    date: &'a str,
    signed: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Claim<'a> {
    fn parse(text: &'a str) -> Option<Claim<'a>> {
        let parts = text.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let part =
            |name: &str| parts.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        let mut scope = part("Credential")?.split('/');
        let (access_key, date) = (scope.next()?, scope.next()?);
        let is_for_us = scope.eq([REGION, SERVICE, "aws4_request"]);
        let signed: Vec<&str> = part("SignedHeaders")?.split(';').collect();
        // What is not signed may be anybody's: AWS insists on these two.
        let is_whole = ["host", "x-amz-date"].iter().all(|name| signed.contains(name));
        (is_for_us && is_whole).then_some(Claim { access_key, date, signed, signature: part("Signature")? })
    }

    /// The signature that this request has if its signer knew the secret.
    fn signature_of(
        &self,
        call: &Call,
        headers: &HeaderMap,
        body: &[u8],
        time: SystemTime,
    ) -> Option<String> {
        let mut signed = Vec::new();
        // The signer adds the date itself.
        for name in self.signed.iter().filter(|name| **name != "x-amz-date") {
            for value in headers.get_all(*name) {
                signed.push((*name, value.to_str().ok()?));
            }
        }
        let host = headers.get("host")?.to_str().ok()?;
        let query = if call.raw_query.is_empty() { String::new() } else { format!("?{}", call.raw_query) };
        let url = format!("http://{host}{}{query}", call.path);
        let identity = Credentials::new(self.access_key, SECRET, None, None, "this machine").into();
        let mut settings = SigningSettings::default();
        settings.excluded_headers = None;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(SERVICE)
            .time(time)
            .settings(settings)
            .build()
            .ok()?
            .into();
        let request =
            SignableRequest::new(call.method.as_str(), &url, signed.into_iter(), SignableBody::Bytes(body));
        Some(sign(request.ok()?, &parameters).ok()?.signature().to_owned())
    }
}

/// `20261129T150000Z`, of the day in the scope.
fn time_of(date: &HeaderValue, claim: &Claim<'_>) -> Option<SystemTime> {
    let date = date.to_str().ok().filter(|date| date.starts_with(claim.date))?;
    let time = TimeZone::UTC.to_timestamp(DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(time.as_millisecond()).ok()?))
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
