//! What S3, the malware scanner and the table's stream tell. Each is read leniently, and believed only as far as it goes.

use serde_json::Value;

use crate::{
    reason::Reason,
    upload::{Verdict, VersionId},
    wanted::UploadId,
};

/// A version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub bucket: String,
    pub key: String,
    pub version: VersionId,
}

/// What a malware scanner says of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    pub place: Place,
    pub verdict: Verdict,
}

fn text<'e>(event: &'e Value, pointer: &str) -> Option<&'e str> {
    event.pointer(pointer).and_then(Value::as_str)
}

fn place(event: &Value, bucket: &str, key: &str, version: &str) -> Option<Place> {
    Some(Place {
        bucket: text(event, bucket)?.to_owned(),
        key: text(event, key)?.to_owned(),
        version: VersionId::try_from(text(event, version)?.to_owned()).ok()?,
    })
}

/// EventBridge's *Object Created* of S3. Nothing, for any other event, and for an object without a version: it could be
/// replaced between a verdict and the copy.
#[must_use]
pub fn created(event: &Value) -> Option<Place> {
    let is_this =
        text(event, "/source") == Some("aws.s3") && text(event, "/detail-type") == Some("Object Created");
    is_this
        .then(|| place(event, "/detail/bucket/name", "/detail/object/key", "/detail/object/version-id"))
        .flatten()
}

/// GuardDuty's result of a scan. A yes is `NO_THREATS_FOUND` of a scan that was completed, and nothing else.
#[must_use]
pub fn guardduty(event: &Value) -> Option<Scanned> {
    let is_this = text(event, "/source") == Some("aws.guardduty")
        && text(event, "/detail-type") == Some("GuardDuty Malware Protection Object Scan Result");
    if !is_this {
        return None;
    }
    let of = "/detail/s3ObjectDetails";
    let place =
        place(event, &format!("{of}/bucketName"), &format!("{of}/objectKey"), &format!("{of}/versionId"))?;
    let is_completed = text(event, "/detail/scanStatus") == Some("COMPLETED");
    let verdict = match text(event, "/detail/scanResultDetails/scanResultStatus") {
        Some("NO_THREATS_FOUND") if is_completed => Verdict::Yes,
        Some("THREATS_FOUND") => Verdict::No(Reason::Malware),
        _ => Verdict::No(Reason::NotScanned),
    };
    Some(Scanned { place, verdict })
}

/// A scanner of one's own, over the queue of verdicts: `{"bucket","key","versionId","verdict"}`, with `clean`, `infected` or
/// `unscannable`.
#[must_use]
pub fn own_scanner(message: &Value) -> Option<Scanned> {
    let place = place(message, "/bucket", "/key", "/versionId")?;
    let verdict = match text(message, "/verdict")? {
        "clean" => Verdict::Yes,
        "infected" => Verdict::No(Reason::Malware),
        _ => Verdict::No(Reason::NotScanned),
    };
    Some(Scanned { place, verdict })
}

/// The upload that a record of the table's stream is about, if it may be ready to be copied. Whether it is, the item says.
#[must_use]
pub fn judged(record: &Value) -> Option<UploadId> {
    let key = text(record, "/dynamodb/Keys/pk/S")?.strip_prefix("UPLOAD#")?;
    let is_change = text(record, "/eventName") == Some("MODIFY");
    is_change.then(|| key.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scan(status: &str, result: &str, version: Value) -> Value {
        json!({"source": "aws.guardduty", "detail-type": "GuardDuty Malware Protection Object Scan Result", "detail": {
            "scanStatus": status, "resourceType": "S3_OBJECT",
            "s3ObjectDetails": {"bucketName": "q", "objectKey": "in/a/b", "eTag": "e", "versionId": version, "s3Throttled": false},
            "scanResultDetails": {"scanResultStatus": result, "threats": null},
        }})
    }

    /// <https://docs.aws.amazon.com/guardduty/latest/ug/monitor-with-eventbridge-s3-malware-protection.html>
    #[test]
    fn only_a_completed_scan_without_threats_is_a_yes() {
        for (status, result, verdict) in [
            ("COMPLETED", "NO_THREATS_FOUND", Verdict::Yes),
            ("COMPLETED", "THREATS_FOUND", Verdict::No(Reason::Malware)),
            ("SKIPPED", "NO_THREATS_FOUND", Verdict::No(Reason::NotScanned)),
            ("SKIPPED", "UNSUPPORTED", Verdict::No(Reason::NotScanned)),
            ("COMPLETED", "ACCESS_DENIED", Verdict::No(Reason::NotScanned)),
            ("FAILED", "FAILED", Verdict::No(Reason::NotScanned)),
            ("COMPLETED", "", Verdict::No(Reason::NotScanned)),
            ("COMPLETED", "no_threats_found", Verdict::No(Reason::NotScanned)),
        ] {
            let read = guardduty(&scan(status, result, json!("v1"))).unwrap();
            assert_eq!(read.verdict, verdict, "{status} {result}");
            assert_eq!((read.place.bucket.as_str(), read.place.key.as_str()), ("q", "in/a/b"));
        }
    }

    #[test]
    fn what_is_said_of_no_version_or_by_somebody_else_is_nothing() {
        for version in [json!(null), json!("null"), json!(""), json!(7)] {
            assert_eq!(guardduty(&scan("COMPLETED", "NO_THREATS_FOUND", version)), None);
        }
        let mut other = scan("COMPLETED", "NO_THREATS_FOUND", json!("v1"));
        other["source"] = json!("app");
        assert_eq!(guardduty(&other), None);
        let message =
            |verdict: &str| json!({"bucket": "q", "key": "k", "versionId": "v", "verdict": verdict});
        assert_eq!(own_scanner(&message("clean")).unwrap().verdict, Verdict::Yes);
        assert_eq!(own_scanner(&message("infected")).unwrap().verdict, Verdict::No(Reason::Malware));
        for other in ["CLEAN", "ok", ""] {
            assert_eq!(own_scanner(&message(other)).unwrap().verdict, Verdict::No(Reason::NotScanned));
        }
        assert_eq!(own_scanner(&json!({"verdict": "clean"})), None);
        assert_eq!(
            created(&json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {
            "bucket": {"name": "q"}, "object": {"key": "k", "size": 1, "etag": "e"}}})),
            None
        );
    }
}
