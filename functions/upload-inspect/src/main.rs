//! The inspection: an object of the quarantine bucket, read once, in a process of its own.

use std::{path::PathBuf, process::ExitCode};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use nova_auth::{
    app::{self, StartError},
    aws::{http_client, service_config},
    http::moment_of,
    runtime::RuntimeEnded,
};
use nova_auth_uploads::{
    events::{Place, created},
    inspect::contained::{Contained, Limits, hide_environment, inside},
    reason::Reason,
    service::{Uploads, dynamodb, started, store::Row},
    upload::{Judge, State, Verdict},
    wanted::Sha256,
};
use serde_json::{Value, json, value::RawValue};
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

fn main() -> ExitCode {
    // Nothing else happens in the process that reads a stranger's file.
    if let Some(ended) = inside(std::env::args()) {
        return ended;
    }
    serve()
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> ExitCode {
    app::run(async {
        let config = started();
        let failed = |error: std::io::Error| RuntimeEnded(error.to_string());
        hide_environment().map_err(failed)?;
        let aws = config.aws()?;
        let s3 = service_config(&aws, http_client(&aws)?, aws.service_urls.s3.as_ref());
        let s3 =
            aws_sdk_s3::config::Builder::from(&s3).force_path_style(aws.service_urls.s3.is_some()).build();
        let service = Service {
            uploads: Uploads::new(&config, dynamodb(&aws)?)?,
            s3: aws_sdk_s3::Client::from_conf(s3),
            program: std::env::current_exe().map_err(failed)?,
        };
        run(&service).await
    })
    .await
}

async fn run(service: &Service) -> Result<(), StartError> {
    let answer = service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let now = moment_of(&event.context).now;
        let event: Value = serde_json::from_str(event.payload.get()).unwrap_or_default();
        let Some(place) = created(&event) else {
            return Err(failed("the event is not an Object Created of S3"));
        };
        let Some(id) = service.uploads.upload_at(&place) else {
            return Err(failed("the object is none that a form could have made"));
        };
        let row = service.uploads.store.get(id).await.map_err(failed)?;
        // What is over, or was inspected before, stays what it is.
        let open = row.filter(|row| {
            matches!(row.state(now), State::Granted | State::Received) && row.upload.inspection.is_none()
        });
        if let Some(row) = open {
            let verdict = inspect(service, &place, &row).await?;
            service.uploads.note(id, &place, Judge::Inspection, verdict, now).await.map_err(failed)?;
        }
        Ok::<_, NotInspected>(json!({}))
    });
    // Boxed: the calls are nested deeper than the compiler follows by itself.
    Box::pin(lambda_runtime::run(answer)).await.map_err(|error| RuntimeEnded(error.to_string()).into())
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
