//! The grant: a form that sends exactly one file to exactly one place, and the link by which a clean file is read.
//!
//! The policy of an S3 POST says of every field what it has to be. None says how it begins: another key, type, length,
//! checksum or encryption is a 403 of S3. The signature is aws-sigv4's; what is ours is the document that is signed.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SessionTokenMode, SignableBody, SignableRequest,
        SignatureLocation, SigningSettings, UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use aws_smithy_runtime_api::client::identity::Identity;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use nova_auth_domain::ids::UserId;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::{
    key::quarantine_key,
    kind::Kind,
    wanted::{FORM_LASTS, Sha256, UploadId},
};

/// How long a link to a clean file may be used.
pub const LINK_LASTS: Duration = Duration::from_secs(60);

/// Who signs: the role of the function that grants.
#[derive(Clone)]
pub struct Signer {
    /// The region of the buckets.
    pub region: String,
    /// The role's access key.
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    pub session_token: Option<SecretString>,
}

/// It holds secrets.
impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("region", &self.region).finish_non_exhaustive()
    }
}

/// The file that a form is for.
#[derive(Debug, Clone)]
pub struct Granted<'g> {
    /// The quarantine bucket.
    pub bucket: &'g str,
    /// Who sends it.
    pub user: UserId,
    pub id: UploadId,
    /// Its type.
    pub kind: Kind,
    /// Its bytes, exactly.
    pub size: u64,
    /// Its checksum.
    pub sha256: &'g Sha256,
}

/// Nothing could be signed.
#[derive(Debug, thiserror::Error)]
#[error("no signature: {0}")]
pub struct NotSigned(String);

impl Signer {
    /// The fields of the form, in the order in which they are to be sent, before the file.
    ///
    /// # Errors
    /// The time can't be written.
    pub fn form(
        &self,
        granted: &Granted<'_>,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, String)>, NotSigned> {
        let date = basic(now);
        let day = date.get(..8).unwrap_or_default();
        let mut fields = vec![
            ("key", quarantine_key(granted.user, granted.id)),
            ("Content-Type", granted.kind.name().to_owned()),
            ("success_action_status", "201".to_owned()),
            ("x-amz-checksum-algorithm", "SHA256".to_owned()),
            ("x-amz-checksum-sha256", granted.sha256.as_str().to_owned()),
            ("x-amz-server-side-encryption", "AES256".to_owned()),
            ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
            ("x-amz-credential", format!("{}/{day}/{}/s3/aws4_request", self.access_key_id, self.region)),
            ("x-amz-date", date),
        ];
        fields.extend(
            self.session_token.iter().map(|token| ("x-amz-security-token", token.expose_secret().to_owned())),
        );
        let document = policy(granted, &fields, now);
        let policy = STANDARD.encode(document.to_string());
        let signature = self.signature(&policy, now)?;
        fields.extend([("policy", policy), ("x-amz-signature", signature)]);
        Ok(fields)
    }

    /// The signature of a policy in base64, which is the string to sign.
    fn signature(&self, policy: &str, now: Timestamp) -> Result<String, NotSigned> {
        let time = system_time(now)?;
        let secret = self.secret_access_key.expose_secret();
        let key = v4::generate_signing_key(secret, time, &self.region, "s3");
        Ok(v4::calculate_signature(key, policy.as_bytes()))
    }

    /// A link to an object, good for [`LINK_LASTS`]. `url` is the object's address, without a query.
    ///
    /// # Errors
    /// The address can't be signed.
    pub fn link(&self, url: &str, now: Timestamp) -> Result<String, NotSigned> {
        let refused = |error: &dyn std::fmt::Display| NotSigned(error.to_string());
        let token = self.session_token.as_ref().map(|token| token.expose_secret().to_owned());
        let secret = self.secret_access_key.expose_secret();
        let identity: Identity =
            Credentials::new(&self.access_key_id, secret, token, None, "environment").into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(LINK_LASTS);
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
        settings.session_token_mode = SessionTokenMode::Include;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(system_time(now)?)
            .settings(settings)
            .build()
            .map_err(|error| refused(&error))?;
        let request = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::UnsignedPayload)
            .map_err(|error| refused(&error))?;
        let (instructions, _) =
            sign(request, &parameters.into()).map_err(|error| refused(&error))?.into_parts();
        let (_, query) = instructions.into_parts();
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        Ok(format!("{url}?{}", query.join("&")))
    }
}

/// The document that is signed: each field of the form, exactly; the bucket; and the length of the file.
fn policy(granted: &Granted<'_>, fields: &[(&'static str, String)], now: Timestamp) -> Value {
    let mut conditions =
        vec![json!({"bucket": granted.bucket}), json!(["content-length-range", granted.size, granted.size])];
    conditions.extend(fields.iter().map(|(name, value)| json!({*name: value})));
    let ends = (now + FORM_LASTS).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    json!({"expiration": ends, "conditions": conditions})
}

/// `20151229T000000Z`
fn basic(now: Timestamp) -> String {
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn system_time(now: Timestamp) -> Result<SystemTime, NotSigned> {
    let seconds = u64::try_from(now.as_second()).map_err(|_| NotSigned("a time before 1970".to_owned()))?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Percent-encoding of a query (RFC 3986, unreserved characters stay).
fn encoded(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let write = |byte: u8| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AWS's published example: policy, credentials and signature.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html>
    const AWS_POLICY: &str = concat!(
        "{ \"expiration\": \"2015-12-30T12:00:00.000Z\",\r\n",
        "  \"conditions\": [\r\n",
        "    {\"bucket\": \"sigv4examplebucket\"},\r\n",
        "    [\"starts-with\", \"$key\", \"user/user1/\"],\r\n",
        "    {\"acl\": \"public-read\"},\r\n",
        "    {\"success_action_redirect\": \"http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html\"},\r\n",
        "    [\"starts-with\", \"$Content-Type\", \"image/\"],\r\n",
        "    {\"x-amz-meta-uuid\": \"14365123651274\"},\r\n",
        "    {\"x-amz-server-side-encryption\": \"AES256\"},\r\n",
        "    [\"starts-with\", \"$x-amz-meta-tag\", \"\"],\r\n",
        "\r\n",
        "    {\"x-amz-credential\": \"AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request\"},\r\n",
        "    {\"x-amz-algorithm\": \"AWS4-HMAC-SHA256\"},\r\n",
        "    {\"x-amz-date\": \"20151229T000000Z\" }\r\n",
        "  ]\r\n}",
    );
    const AWS_SIGNATURE: &str = "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e";

    fn signer() -> Signer {
        Signer {
            region: "us-east-1".to_owned(),
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            session_token: None,
        }
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_signature_of_a_policy_is_the_one_that_aws_published() {
        let policy = STANDARD.encode(AWS_POLICY);
        let signature = signer().signature(&policy, time("2015-12-29T00:00:00Z")).unwrap();
        assert_eq!(signature, AWS_SIGNATURE);
    }

    fn form(signer: &Signer) -> Vec<(&'static str, String)> {
        let sum = Sha256::of_digest(&[0; 32]);
        let granted = Granted {
            bucket: "quarantine",
            user: "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap(),
            id: UploadId::new(Timestamp::UNIX_EPOCH, &[0; 10]),
            kind: Kind::Png,
            size: 7,
            sha256: &sum,
        };
        signer.form(&granted, time("2026-01-02T03:04:05.678Z")).unwrap()
    }

    #[test]
    fn every_field_of_the_form_is_exact_and_none_only_begins_like_something() {
        let signer = Signer { session_token: Some("token".into()), ..signer() };
        let fields = form(&signer);
        let find = |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).unwrap().1.clone();
        let policy: Value = serde_json::from_slice(&STANDARD.decode(find("policy")).unwrap()).unwrap();
        assert_eq!(policy["expiration"], "2026-01-02T03:06:05.000Z");
        let conditions = policy["conditions"].as_array().unwrap();
        for (name, value) in fields.iter().filter(|(name, _)| !["policy", "x-amz-signature"].contains(name)) {
            assert!(conditions.contains(&json!({*name: value})), "{name} is not exact");
        }
        assert!(conditions.contains(&json!({"bucket": "quarantine"})));
        assert!(conditions.contains(&json!(["content-length-range", 7, 7])));
        assert_eq!(conditions.len(), fields.len() - 2 + 2);
        assert!(!policy.to_string().contains("starts-with"));
        assert_eq!(find("x-amz-date"), "20260102T030405Z");
        assert_eq!(
            find("key"),
            "in/0190163d-8694-739b-aea5-966c26f8ad90/00000000-0000-7000-8000-000000000000"
        );
        assert_eq!(
            find("x-amz-signature"),
            signer.signature(&find("policy"), time("2026-01-02T00:00:00Z")).unwrap()
        );
    }

    /// AWS's published example of a presigned GET.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
    #[test]
    fn a_link_is_signed_for_a_minute_and_carries_the_session() {
        let signer = Signer { session_token: Some("a token".into()), ..signer() };
        let url = "https://examplebucket.s3.amazonaws.com/test.txt";
        let link = signer.link(url, time("2013-05-24T00:00:00Z")).unwrap();
        for part in [
            "https://examplebucket.s3.amazonaws.com/test.txt?",
            "X-Amz-Expires=60",
            "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request",
            "X-Amz-Security-Token=a%20token",
            "X-Amz-SignedHeaders=host",
            "X-Amz-Signature=",
        ] {
            assert!(link.contains(part), "{part} in {link}");
        }
    }
}
