//! The functions of the sample API.

use std::time::{SystemTime, UNIX_EPOCH};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use notes::Api;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let api = Api::from_env()?;
    let api = &api;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        api.answer(&event.payload, now_ms()?).await
    }))
    .await
}

#[expect(clippy::disallowed_methods, reason = "the one place of this sample that reads the clock")]
fn now_ms() -> Result<u64, Error> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}
