//! One process of a function with its Runtime API: started, given events one at a time, ended.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::process::{Launch, Process};
use crate::random;
use crate::runtime::{Delivery, Endpoint, FunctionError, Outcome, Start, Times};
use nova_template::function_arn;

/// Lambda gives a function ten seconds to ask for its first event.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvokeError {
    /// The function reported an error.
    #[error("it reported an error: {}", .0.message)]
    Function(FunctionError),
    /// It took longer than the template allows.
    #[error("no answer within {0} s; its process was ended")]
    Timeout(u64),
    /// Its process ended under way.
    #[error("its process ended before it answered: {0}")]
    Crash(String),
    /// Its process never came to ask for an event.
    #[error("it did not start: {0}")]
    Init(String),
    /// The development server in its place gave no answer.
    #[error("no answer from {origin}: {problem}; is the development server running?")]
    Upstream {
        /// Where it was asked.
        origin: String,
        /// What went wrong.
        problem: String,
    },
    /// The development server in its place took longer than the template allows.
    #[error("no answer within {0} s, which is the function's Timeout in the template")]
    Slow(u64),
    /// The stack stops.
    #[error("the stack is stopping")]
    Stopping,
}

/// A process that has asked for its first event. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Instance {
    endpoint: Endpoint,
    process: Process,
    begun: Instant,
}

impl Instance {
    /// Starts a process and waits until it asks for its first event. `watch` gets the handle that ends with the process,
    /// as soon as there is one.
    pub(crate) async fn start(
        launch: &Launch,
        watch: impl FnOnce(JoinHandle<()>),
    ) -> Result<Instance, InvokeError> {
        let endpoint = Endpoint::open().await.map_err(|error| InvokeError::Init(error.to_string()))?;
        let begun = Instant::now();
        let (process, watcher) = launch
            .start(&endpoint.address())
            .map_err(|error| InvokeError::Init(format!("{}: {error}", launch.program.display())))?;
        watch(watcher);
        tokio::select! {
            biased;
            start = endpoint.started() => match start {
                Start::Failed(error) => return Err(InvokeError::Init(error.message)),
                Start::Ready | Start::Initializing => {}
            },
            end = process.wait() => return Err(InvokeError::Init(end)),
            () = tokio::time::sleep(INIT_LIMIT) => {
                return Err(InvokeError::Init(format!("no event asked for within {} s", INIT_LIMIT.as_secs())));
            }
        }
        Ok(Instance { endpoint, process, begun })
    }

    /// Gives it an event, and waits for what it makes of it, as long as its template lets it take. After an error of any
    /// kind but the function's own it is not to be used again.
    pub(crate) async fn attend(
        &self,
        launch: &Launch,
        clock: &Clock,
        event: Bytes,
    ) -> Result<Outcome, InvokeError> {
        let limit = launch.function.timeout_seconds;
        let now = clock.now_ms();
        let delivery = Delivery {
            request_id: random::uuid(),
            event,
            deadline_ms: now.saturating_add(limit.saturating_mul(1000)),
            function_arn: function_arn(&launch.function.logical_id),
            trace_id: random::trace_id(now),
        };
        let outcome = self.endpoint.deliver(delivery).await;
        tokio::select! {
            // An answer that came before the end counts.
            biased;
            outcome = outcome => outcome.map_err(|_| InvokeError::Crash("it is gone".to_owned())),
            end = self.process.wait() => Err(InvokeError::Crash(end)),
            () = tokio::time::sleep(Duration::from_secs(limit)) => Err(InvokeError::Timeout(limit)),
        }
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&self) -> Option<String> {
        self.process.ended()
    }

    /// Waits for its end.
    pub(crate) async fn gone(&self) {
        drop(self.process.wait().await);
    }

    /// When it was started.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// When it asked and answered.
    pub(crate) fn times(&self) -> Times {
        self.endpoint.times()
    }

    /// The operating system's number for it; none once it has ended.
    pub(crate) fn process_id(&self) -> Option<u32> {
        self.process.id()
    }
}
