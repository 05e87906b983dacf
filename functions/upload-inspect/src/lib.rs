//! The inspection: an object of the quarantine bucket, read once, in a process of its own.

use std::path::PathBuf;

use nova_auth::{
    app::StartError,
    aws::{http_client, service_config},
    config::Config,
    domain::moment::Moment,
    runtime::{Diagnostic, Function, RuntimeEnded},
};
use nova_auth_uploads::{
    events::{Place, created},
    inspect::contained::{Contained, Limits, hide_environment},
    reason::Reason,
    service::{Uploads, dynamodb, store::Row},
    upload::{Judge, State, Verdict},
    wanted::Sha256,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256 as Hash};

/// An inspection that came to no verdict. Lambda tries again, and then somebody is told.
#[derive(Debug)]
struct NotInspected(String);

impl From<NotInspected> for Diagnostic {
    fn from(error: NotInspected) -> Self {
        Self { error_type: "NotInspected".to_owned(), error_message: error.0 }
    }
}

fn failed(error: impl std::fmt::Display) -> NotInspected {
    tracing::error!(error = %error, "not inspected");
    NotInspected(error.to_string())
}

struct Service {
    uploads: Uploads,
    s3: aws_sdk_s3::Client,
    program: PathBuf,
}

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong, or the process can't be closed to the one that reads a stranger's file.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let failed = |error: std::io::Error| RuntimeEnded(error.to_string());
    hide_environment().map_err(failed)?;
    let aws = config.aws()?;
    let s3 = service_config(&aws, http_client(&aws)?, aws.service_urls.s3.as_ref());
    let s3 = aws_sdk_s3::config::Builder::from(&s3).force_path_style(aws.service_urls.s3.is_some()).build();
    Ok(Service {
        uploads: Uploads::new(&config, dynamodb(&aws)?)?,
        s3: aws_sdk_s3::Client::from_conf(s3),
        program: std::env::current_exe().map_err(failed)?,
    })
}

impl Function for Service {
    type Answer = Value;
    type Error = NotInspected;

    async fn answer(&self, event: &str, moment: Moment) -> Result<Value, NotInspected> {
        let now = moment.now;
        let event: Value = serde_json::from_str(event).unwrap_or_default();
        let place = created(&event).ok_or_else(|| failed("the event is not an Object Created of S3"))?;
        let Some(id) = self.uploads.upload_at(&place) else {
            return Err(failed("the object is none that a form could have made"));
        };
        let row = self.uploads.store.get(id).await.map_err(failed)?;
        // What is over, or was inspected before, stays what it is.
        let open = row.filter(|row| {
            matches!(row.state(now), State::Granted | State::Received) && row.upload.inspection.is_none()
        });
        if let Some(row) = open {
            let verdict = inspect(self, &place, &row).await?;
            self.uploads.note(id, &place, Judge::Inspection, verdict, now).await.map_err(failed)?;
        }
        Ok(json!({}))
    }
}

/// Reads this very version. What is handed on to the inspection is hashed on the way.
async fn inspect(service: &Service, place: &Place, row: &Row) -> Result<Verdict, NotInspected> {
    let get =
        service.s3.get_object().bucket(&place.bucket).key(&place.key).version_id(place.version.as_str());
    let mut object = get.send().await.map_err(|error| {
        let code = aws_sdk_s3::error::ProvideErrorMetadata::code(&error).unwrap_or("no answer");
        failed(format!("the object can't be read ({code})"))
    })?;
    if object.content_length().and_then(|length| u64::try_from(length).ok()) != Some(row.file.size) {
        return Ok(Verdict::No(Reason::Changed));
    }
    let file = &row.file;
    let started = Contained::start(&service.program, file.kind, file.metadata, Limits::default());
    let mut contained = started.map_err(failed)?;
    let mut hash = Hash::new();
    while let Some(part) = object.body.next().await {
        let part = part.map_err(|_| failed("the object ended early"))?;
        hash.update(&part);
        contained.take(&part).await;
    }
    let verdict = contained.verdict().await;
    let is_same = Sha256::of_digest(&hash.finalize().into()) == row.file.sha256;
    Ok(if is_same { verdict } else { Verdict::No(Reason::Changed) })
}
