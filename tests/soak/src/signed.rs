//! Requests that are signed with keys of AWS, as servers sign them that ask what a token is worth. (The end-to-end tests use it too.)

use std::error::Error;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::RequestBuilder;

/// The same request, signed with the secret that every access key has here.
pub(crate) fn signed(request: RequestBuilder) -> RequestBuilder {
    signed_with("local", request)
}

/// The same request, signed with this secret. One that can't be signed is sent as it is, and refused.
pub(crate) fn signed_with(secret: &str, request: RequestBuilder) -> RequestBuilder {
    let signature = signature(secret, &request).unwrap_or_default();
    signature.iter().fold(request, |request, (name, value)| request.header(name, value))
}

fn signature(secret: &str, request: &RequestBuilder) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let built = request.try_clone().ok_or("its body is a stream")?.build()?;
    #[expect(clippy::disallowed_methods, reason = "a signature is of the moment in which it is sent")]
    let now = SystemTime::now();
    let identity = Credentials::from_keys("orders", secret, None).into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("execute-api")
        .time(now)
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers =
        built.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let body = built.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    let body = SignableBody::Bytes(body);
    let signable = SignableRequest::new(built.method().as_str(), built.url().as_str(), headers, body)?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let (added, _) = instructions.into_parts();
    Ok(added.iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect())
}
