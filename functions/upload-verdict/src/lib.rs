//! The verdicts: what the malware scanner says is noted, and what both judges said yes about is copied to the clean bucket.

use aws_sdk_s3::{
    error::ProvideErrorMetadata as _,
    types::{MetadataDirective, ServerSideEncryption},
};
use jiff::Timestamp;
use nova_auth::{
    app::StartError,
    aws::{http_client, service_config},
    config::Config,
    domain::moment::Moment,
    runtime::{Diagnostic, Function},
};
use nova_auth_uploads::{
    events::{Scanned, guardduty, judged, own_scanner},
    key::{clean_key, quarantine_key},
    service::{Uploads, dynamodb, store::Row},
    upload::{Judge, VersionId},
    wanted::UploadId,
};
use serde_json::{Value, json};

/// Something is not done, and comes again.
#[derive(Debug)]
struct NotDone(String);

impl From<NotDone> for Diagnostic {
    fn from(error: NotDone) -> Self {
        Self { error_type: "NotDone".to_owned(), error_message: error.0 }
    }
}

fn failed(error: impl std::fmt::Display) -> NotDone {
    tracing::error!(error = %error, "not done");
    NotDone(error.to_string())
}

struct Service {
    uploads: Uploads,
    s3: aws_sdk_s3::Client,
}

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let aws = config.aws()?;
    let s3 = service_config(&aws, http_client(&aws)?, aws.service_urls.s3.as_ref());
    let s3 = aws_sdk_s3::config::Builder::from(&s3).force_path_style(aws.service_urls.s3.is_some()).build();
    let uploads = Uploads::new(&config, dynamodb(&aws)?)?;
    Ok(Service { uploads, s3: aws_sdk_s3::Client::from_conf(s3) })
}

impl Function for Service {
    type Answer = Value;
    type Error = NotDone;

    async fn answer(&self, event: &str, moment: Moment) -> Result<Value, NotDone> {
        let event: Value = serde_json::from_str(event).unwrap_or_default();
        answer(self, &event, moment.now).await
    }
}

async fn answer(service: &Service, event: &Value, now: Timestamp) -> Result<Value, NotDone> {
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        // A scan of something that is no upload of ours is nobody's business here.
        if let Some(scanned) = guardduty(event) {
            note(service, &scanned, now).await?;
        }
        return Ok(json!({}));
    };
    let mut again = Vec::new();
    for record in records {
        let id = ["/dynamodb/SequenceNumber", "/messageId"].iter().find_map(|at| record.pointer(at));
        if one(service, record, now).await.is_err() {
            again.push(json!({ "itemIdentifier": id }));
        }
    }
    Ok(json!({ "batchItemFailures": again }))
}

/// A record of the table's stream, or a message of the queue of verdicts.
async fn one(service: &Service, record: &Value, now: Timestamp) -> Result<(), NotDone> {
    let Some(body) = record.get("body").and_then(Value::as_str) else {
        return match judged(record) {
            Some(id) => finish(service, id, now).await,
            None => Ok(()),
        };
    };
    let message: Value = serde_json::from_str(body).unwrap_or_default();
    let scanned = own_scanner(&message).ok_or_else(|| failed("a message of the queue is no verdict"))?;
    note(service, &scanned, now).await
}

async fn note(service: &Service, scanned: &Scanned, now: Timestamp) -> Result<(), NotDone> {
    let Some(id) = service.uploads.upload_at(&scanned.place) else { return Ok(()) };
    let noted = service.uploads.note(id, &scanned.place, Judge::Malware, scanned.verdict, now).await;
    noted.map_err(failed)
}

/// Copies what both judges said yes about. What happened before happens again without harm.
async fn finish(service: &Service, id: UploadId, now: Timestamp) -> Result<(), NotDone> {
    let Some(row) = service.uploads.store.get(id).await.map_err(failed)? else { return Ok(()) };
    let Some(version) = row.upload.copyable(row.passed(now)) else { return Ok(()) };
    copy(service, &row, version).await?;
    let noted = service.uploads.store.copied(id, version, now).await.map_err(failed)?;
    tracing::info!(target: "nova_auth::uploads", metric = noted.then_some("upload_clean"), upload.id = %id, noted, "copied");
    Ok(())
}

/// The metadata is ours: the type from the rules, and a header by which no browser shows a file in its window.
async fn copy(service: &Service, row: &Row, version: &VersionId) -> Result<(), NotDone> {
    // Keys and versions are of letters that need no encoding.
    let from = quarantine_key(row.user, row.id);
    let source = format!("{}/{from}?versionId={}", service.uploads.quarantine, version.as_str());
    let copied = service
        .s3
        .copy_object()
        .copy_source(source)
        .bucket(&service.uploads.clean)
        .key(clean_key(row.user, row.id))
        .metadata_directive(MetadataDirective::Replace)
        .content_type(row.file.kind.name())
        .content_disposition(row.file.name.attachment())
        .cache_control("private, max-age=60")
        .server_side_encryption(ServerSideEncryption::Aes256);
    copied.send().await.map(drop).map_err(|error| {
        failed(format!("the file can't be copied ({})", error.code().unwrap_or("no answer")))
    })
}
