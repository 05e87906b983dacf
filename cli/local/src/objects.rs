//! The buckets of the templates, what the bus hears of their objects, and a scanner in GuardDuty's place.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use nova_objects::{Created, Files, Problem};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clock::Clock;
use crate::logs::LogSink;
use crate::random;
use crate::sources::Buses;
use nova_template::{Bucket, Template};

/// Objects, in a directory of their own. One that was made for this stack alone ends with it.
#[derive(Debug)]
pub(crate) struct Objects {
    files: Files,
    buckets: Vec<Bucket>,
    _passing: Option<TempDir>,
}

impl Objects {
    /// The buckets of the templates, if there are any: beside the file that keeps the tables, or for as long as the stack runs.
    pub(crate) fn open(
        templates: &[Template],
        data: Option<&Path>,
        clock: &Clock,
    ) -> Result<Option<Objects>, Problem> {
        let buckets: Vec<_> = templates.iter().flat_map(|template| template.buckets.clone()).collect();
        if buckets.is_empty() {
            return Ok(None);
        }
        let (directory, passing) = if let Some(data) = data {
            let mut name = data.file_name().unwrap_or_default().to_owned();
            name.push(".objects");
            (data.with_file_name(name), None)
        } else {
            let passing = tempfile::Builder::new().prefix("nova-local-").tempdir()?;
            (passing.path().to_owned(), Some(passing))
        };
        let own = buckets.iter().map(|bucket| nova_objects::Bucket {
            name: bucket.name.clone(),
            is_versioned: bucket.is_versioned,
            tells: bucket.tells || bucket.is_scanned,
        });
        let clock = clock.clone();
        let files = nova_objects::open(directory, own.collect(), Arc::new(move || clock.now_ms()))?;
        Ok(Some(Objects { files, buckets, _passing: passing }))
    }

    /// S3, telling the bus.
    pub(crate) fn router(&self, buses: Buses, clock: &Clock, logs: &LogSink) -> Router {
        let (files, buckets) = (self.files.clone(), self.buckets.clone());
        let (clock, logs) = (clock.clone(), logs.clone());
        let listener = move |created: &Created| {
            let Some(bucket) = buckets.iter().find(|bucket| bucket.name == created.bucket) else { return };
            let now_ms = clock.now_ms();
            if bucket.tells {
                buses.tell_of_aws("aws.s3", "Object Created", object_created(created), now_ms);
            }
            if bucket.is_scanned {
                let result = scan(&files, created);
                let detail = scan_result(created, result);
                logs.line("malware scan", &format!("{result} (nova local knows only EICAR)"));
                buses.tell_of_aws(
                    "aws.guardduty",
                    "GuardDuty Malware Protection Object Scan Result",
                    detail,
                    now_ms,
                );
            }
        };
        nova_objects::router(self.files.clone(), Arc::new(listener))
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>
fn object_created(created: &Created) -> Value {
    json!({
        "version": "0",
        "bucket": { "name": created.bucket },
        "object": {
            "key": created.key,
            "size": created.size,
            "etag": created.etag,
            "version-id": created.version,
            "sequencer": random::hex::<8>(),
        },
        "request-id": random::hex::<8>(),
        "requester": "local",
        "source-ip-address": "127.0.0.1",
        "reason": created.reason,
    })
}

/// <https://docs.aws.amazon.com/guardduty/latest/ug/monitor-with-eventbridge-s3-malware-protection.html>
fn scan_result(created: &Created, result: &str) -> Value {
    let threats = (result == FOUND).then(|| json!([{ "name": "EICAR-Test-File (not a virus)" }]));
    json!({
        "schemaVersion": "1.0",
        "scanStatus": if result == UNREADABLE { "FAILED" } else { "COMPLETED" },
        "resourceType": "S3_OBJECT",
        "s3ObjectDetails": {
            "bucketName": created.bucket,
            "objectKey": created.key,
            "eTag": created.etag,
            "versionId": created.version,
            "s3Throttled": false,
        },
        "scanResultDetails": { "scanResultStatus": result, "threats": threats },
    })
}

const FOUND: &str = "THREATS_FOUND";
const UNREADABLE: &str = "FAILED";

/// The EICAR test file, in two parts: in one, scanners would take this program for it. <https://www.eicar.org>
const EICAR: [&str; 2] = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!$H+H*"];

/// What GuardDuty would say, if EICAR were all that it knows.
fn scan(files: &Files, created: &Created) -> &'static str {
    let Ok(body) = files.read(&created.bucket, &created.key, created.version.as_deref()) else {
        return UNREADABLE;
    };
    let eicar = EICAR.concat();
    let found = body.windows(eicar.len()).any(|part| part == eicar.as_bytes());
    if found { FOUND } else { "NO_THREATS_FOUND" }
}
