//! The functions in this process, in place of their binaries: a start costs next to nothing then, and neither does a hash. What is asked
//! and answered is the same, event for event. Some tests run the binaries (`System::of_processes`), and one holds that a binary is its
//! library and nothing else.

use std::collections::BTreeMap;
use std::io::Write as _;

use jiff::Timestamp;
use nova_auth::app::StartError;
use nova_auth::config::Config;
use nova_auth::domain::moment::{Moment, RequestId};
use nova_auth::runtime::{Diagnostic, Function};
use nova_auth::telemetry;
use nova_local::in_process::{ExecutionEnvironment, FunctionError, InProcess, Invocation};

/// The work of a hash in this process.
pub(crate) const CHEAP: u32 = 4;

/// Each by its package's name.
macro_rules! functions {
    ($($function:ident)*) => { [$((stringify!($function).replace('_', "-"), function($function::start))),*] };
}

/// Every function that needs no process of its own, and the sample API's.
pub(crate) fn in_process() -> BTreeMap<String, InProcess> {
    let ours = functions! {
        csrf_token email factors introspect jwks login login_factor logout passkey password recover redeem refresh register relay
        rotate_keys send_mail sessions ticket token_authorizer upload_grant upload_verdict
    };
    let samples = ("notes".to_owned(), InProcess::new(|environment| on_this_thread(sample(environment))));
    ours.into_iter().chain([samples]).collect()
}

fn function<F: Function>(
    start: impl AsyncFn(Config) -> Result<F, StartError> + Copy + Send + Sync + 'static,
) -> InProcess {
    InProcess::new(move |environment| on_this_thread(serve(start, environment)))
}

/// As a function's `main` does it.
fn on_this_thread(function: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(function);
    // A hash that nobody waits for any more holds nobody up.
    runtime.shutdown_background();
}

/// The sample API, which is another team's and no function of ours.
async fn sample(environment: ExecutionEnvironment) {
    let ExecutionEnvironment { variables, mut invocations, .. } = environment;
    let api = notes::Api::of(|name| variables.get(name).cloned()).unwrap();
    while let Some(Invocation { event, mut answer, .. }) = invocations.recv().await {
        let event = serde_json::from_slice(&event).unwrap();
        let now = u64::try_from(now().as_millisecond()).unwrap();
        let answered = tokio::select! {
            answered = api.answer(&event, now) => answered,
            () = answer.closed() => return,
        };
        let answered = answered.map(|answer| serde_json::to_vec(&answer).unwrap());
        drop(answer.send(
            answered.map_err(|error| FunctionError { kind: "Error".to_owned(), message: error.to_string() }),
        ));
    }
}

async fn serve<F: Function>(
    start: impl AsyncFn(Config) -> Result<F, StartError>,
    environment: ExecutionEnvironment,
) {
    let ExecutionEnvironment { variables, mut invocations, mut log } = environment;
    let config = Config::new(move |name| variables.get(name).cloned()).with_bcrypt_cost(CHEAP);
    let lines = log.clone();
    let subscriber = telemetry::subscriber(config.stack_name(), move || lines.clone());
    let _lines = tracing::subscriber::set_default(subscriber);
    // It starts for its first invocation, while somebody waits for that.
    let Some(mut first) = invocations.recv().await else { return };
    let function = tokio::select! {
        function = start(config) => function,
        () = first.answer.closed() => return,
    };
    let function = match function {
        Ok(function) => function,
        Err(error) => return log.write_all(error.to_string().as_bytes()).unwrap(),
    };
    let mut next = Some(first);
    while let Some(Invocation { request_id, event, mut answer }) = next.take() {
        let moment = Moment { now: now(), request: RequestId::new(request_id) };
        let event = std::str::from_utf8(&event).unwrap();
        let answered = tokio::select! {
            answered = function.answer(event, moment) => answered,
            () = answer.closed() => return,
        };
        let answered = answered.map(|answer| serde_json::to_vec(&answer).unwrap()).map_err(|error| {
            let Diagnostic { error_type: kind, error_message: message } = error.into();
            FunctionError { kind, message }
        });
        drop(answer.send(answered));
        next = invocations.recv().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where a request gets its time")]
fn now() -> Timestamp {
    Timestamp::now()
}
