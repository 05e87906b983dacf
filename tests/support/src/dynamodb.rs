//! Calls in DynamoDB's protocol.

/// The headers of a call that is made with this access key. Nobody here checks a signature, but there has to be one.
pub fn headers(access_key: &str, operation: &str) -> [(&'static str, String); 4] {
    let credential = format!("{access_key}/20260101/us-east-1/dynamodb/aws4_request");
    [
        ("x-amz-target", format!("DynamoDB_20120810.{operation}")),
        ("x-amz-date", "20260101T000000Z".to_owned()),
        (
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
        ),
        ("content-type", "application/x-amz-json-1.0".to_owned()),
    ]
}
