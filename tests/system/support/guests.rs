//! The functions on threads of this process, in the place of their binaries: a start costs next to nothing then, and neither does a
//! hash. What is asked and answered is the same, event for event; that the binaries are these functions, the tests know that run them
//! (`System::of_processes`).

use std::collections::BTreeMap;
use std::io::Write as _;

use jiff::Timestamp;
use nova_auth::app::StartError;
use nova_auth::config::Config;
use nova_auth::domain::moment::{Moment, RequestId};
use nova_auth::runtime::{Diagnostic, Function};
use nova_auth::telemetry;
use nova_local::guest::{Errand, Failed, Guest, Visit};

/// The work of a hash where none is a process's.
pub(crate) const CHEAP: u32 = 4;

/// Each by its package's name.
macro_rules! guests {
    ($($function:ident)*) => { [$((stringify!($function).replace('_', "-"), guest($function::start))),*] };
}

/// Every function that needs no process of its own, and the sample API's.
pub(crate) fn all() -> BTreeMap<String, Guest> {
    let ours = guests! {
        csrf_token email factors introspect jwks login login_factor logout passkey password recover redeem refresh register relay
        rotate_keys send_mail sessions ticket token_authorizer upload_grant upload_verdict
    };
    let samples = ("notes".to_owned(), Guest::new(|visit| on_this_thread(sample(visit))));
    ours.into_iter().chain([samples]).collect()
}

fn guest<F: Function>(
    start: impl AsyncFn(Config) -> Result<F, StartError> + Copy + Send + Sync + 'static,
) -> Guest {
    Guest::new(move |visit| on_this_thread(serve(start, visit)))
}

/// As a function's `main` does it.
fn on_this_thread(function: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(function);
    // A hash that nobody waits for any more holds nobody up.
    runtime.shutdown_background();
}

/// The sample API, which is another team's and no function of ours.
async fn sample(visit: Visit) {
    let Visit { environment, mut events, .. } = visit;
    let api = notes::Api::of(|name| environment.get(name).cloned()).unwrap();
    while let Some(Errand { event, mut answer, .. }) = events.recv().await {
        let event = serde_json::from_slice(&event).unwrap();
        let now = u64::try_from(now().as_millisecond()).unwrap();
        let answered = tokio::select! {
            answered = api.answer(&event, now) => answered,
            () = answer.closed() => return,
        };
        let answered = answered.map(|answer| serde_json::to_vec(&answer).unwrap());
        drop(
            answer.send(
                answered.map_err(|error| Failed { kind: "Error".to_owned(), message: error.to_string() }),
            ),
        );
    }
}

async fn serve<F: Function>(start: impl AsyncFn(Config) -> Result<F, StartError>, visit: Visit) {
    let Visit { environment, mut events, mut log } = visit;
    let config = Config::new(move |name| environment.get(name).cloned()).with_bcrypt_cost(CHEAP);
    let lines = log.clone();
    let subscriber = telemetry::subscriber(config.stack_name(), move || lines.clone());
    let _lines = tracing::subscriber::set_default(subscriber);
    // It is started for its first event, and by nobody who has gone since.
    let Some(mut first) = events.recv().await else { return };
    let function = tokio::select! {
        function = start(config) => function,
        () = first.answer.closed() => return,
    };
    let function = match function {
        Ok(function) => function,
        Err(error) => return log.write_all(error.to_string().as_bytes()).unwrap(),
    };
    let mut next = Some(first);
    while let Some(Errand { request_id, event, mut answer }) = next.take() {
        let moment = Moment { now: now(), request: RequestId::new(request_id) };
        let event = std::str::from_utf8(&event).unwrap();
        let answered = tokio::select! {
            answered = function.answer(event, moment) => answered,
            () = answer.closed() => return,
        };
        let answered = answered.map(|answer| serde_json::to_vec(&answer).unwrap()).map_err(|error| {
            let Diagnostic { error_type: kind, error_message: message } = error.into();
            Failed { kind, message }
        });
        drop(answer.send(answered));
        next = events.recv().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where a request gets its time")]
fn now() -> Timestamp {
    Timestamp::now()
}
