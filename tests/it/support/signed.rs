//! Requests that are signed with keys of AWS, as servers sign them.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use nova_auth::app::start_time;
use reqwest::RequestBuilder;

/// The same request, signed with this secret. On this machine every access key has the secret `local`.
pub(crate) fn signed_with(secret: &str, request: RequestBuilder) -> RequestBuilder {
    let built = request.try_clone().unwrap().build().unwrap();
    let now = u64::try_from(start_time().as_millisecond()).unwrap();
    let identity = Credentials::new("orders", secret, None, None, "a test").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("execute-api")
        .time(SystemTime::UNIX_EPOCH + Duration::from_millis(now))
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let headers = built.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let body = built.body().and_then(|body| body.as_bytes()).unwrap_or_default();
    let signable = SignableRequest::new(
        built.method().as_str(),
        built.url().as_str(),
        headers,
        SignableBody::Bytes(body),
    );
    let (instructions, _) = sign(signable.unwrap(), &parameters).unwrap().into_parts();
    let (added, _) = instructions.into_parts();
    added.iter().fold(request, |request, header| request.header(header.name(), header.value()))
}

/// The same request, signed.
pub(crate) fn signed(request: RequestBuilder) -> RequestBuilder {
    signed_with("local", request)
}
