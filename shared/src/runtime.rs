//! The Lambda runtime, as every function meets it: the one loop that takes events and gives answers.

use std::fmt::Debug;

use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::value::RawValue;

pub use lambda_runtime::Diagnostic;

use crate::domain::moment::{Moment, RequestId};

/// What is made of events, one at a time, whoever brings them: Lambda, or a test.
pub trait Function {
    type Answer: Serialize;
    /// Lambda tells whoever called that the function failed, and with what.
    type Error: Into<Diagnostic> + Debug;

    /// Answers one event, whatever is in it.
    fn answer(&self, event: &str, moment: Moment) -> impl Future<Output = Result<Self::Answer, Self::Error>>;
}

/// It gave up.
#[derive(Debug, thiserror::Error)]
#[error("the Lambda runtime ended: {0}")]
pub struct RuntimeEnded(pub String);

/// Answers events until Lambda ends the process.
///
/// # Errors
/// The Lambda runtime can't be reached any more.
pub async fn serve(function: &impl Function) -> Result<(), RuntimeEnded> {
    let answer = service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        // Boxed, as below: the calls are nested deeper than the compiler follows by itself.
        Box::pin(function.answer(event.payload.get(), moment(&event.context))).await
    });
    Box::pin(lambda_runtime::run(answer)).await.map_err(|error| RuntimeEnded(error.to_string()))
}

/// When this invocation was received, and which one it is.
fn moment(context: &Context) -> Moment {
    #[expect(clippy::disallowed_methods, reason = "this is where a request gets its time")]
    Moment { now: Timestamp::now(), request: RequestId::new(context.request_id.clone()) }
}
