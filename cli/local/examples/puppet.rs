//! A function for the tests: it does what its event says, or answers as a proxy integration.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var_os("PUPPET_START").is_some() {
        eprintln!("IDENTITY_TABLE is not set");
        std::process::exit(3);
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let event = event.payload;
    // What streams, queues and buses send has nobody to answer: it is seen in the log.
    if event.get("Records").or_else(|| event.get("detail-type")).is_some() {
        eprintln!("{event}");
    }
    // An HTTP request carries the order in its body; an authorizer's event in its token.
    let order = event.get("body").or_else(|| event.get("authorizationToken")).and_then(Value::as_str);
    let order: Value = match order {
        Some(text) => serde_json::from_str(text).unwrap_or_default(),
        None => event.clone(),
    };
    match order.get("do").and_then(Value::as_str).unwrap_or_default() {
        "fail" => Err(order.get("message").and_then(Value::as_str).unwrap_or_default().to_owned().into()),
        "crash" => std::process::exit(7),
        "hang" => std::future::pending().await,
        "echo" => Ok(json!({ "pid": std::process::id(), "event": event })),
        "say" => Ok(order.get("answer").cloned().unwrap_or_default()),
        "env" => {
            let variables: serde_json::Map<String, Value> =
                std::env::vars().map(|(name, value)| (name, value.into())).collect();
            Ok(json!({ "body": Value::Object(variables).to_string() }))
        }
        _ => Ok(
            json!({ "statusCode": 200, "body": json!({ "pid": std::process::id(), "event": event }).to_string() }),
        ),
    }
}
