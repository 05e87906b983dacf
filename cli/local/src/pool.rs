//! One function: its processes, started on demand, each with one event at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::process::{Launch, Process};
use crate::random;
use crate::runtime::{Delivery, Endpoint, FunctionError, Outcome, Start};
use crate::template::function_arn;

/// Lambda gives a function ten seconds to ask for its first event.
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// The ends of processes are waited for this long when the stack stops.
const LAST_EXITS: Duration = Duration::from_secs(2);

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
    /// The stack stops.
    #[error("the stack is stopping")]
    Stopping,
}

/// The processes of one function.
#[derive(Debug)]
pub(crate) struct Pool {
    launch: Launch,
    clock: Clock,
    free: Semaphore,
    /// The one that was used last is used next, as Lambda does: the others stay cold as long as they can.
    idle: Mutex<Vec<Instance>>,
    watchers: Mutex<Vec<JoinHandle<()>>>,
    stopping: watch::Sender<bool>,
}

#[derive(Debug)]
struct Instance {
    endpoint: Endpoint,
    process: Process,
}

impl Pool {
    pub(crate) fn new(launch: Launch, clock: Clock, concurrency: usize) -> Pool {
        Pool {
            launch,
            clock,
            free: Semaphore::new(concurrency.clamp(1, 1000)),
            idle: Mutex::default(),
            watchers: Mutex::default(),
            stopping: watch::Sender::new(false),
        }
    }

    /// Calls the function. The call goes on when the caller does not wait for it, as it does on Lambda.
    pub(crate) async fn invoke(self: &Arc<Self>, event: Bytes) -> Result<Bytes, InvokeError> {
        let pool = self.clone();
        let call = tokio::spawn(async move { pool.call(event).await });
        call.await.unwrap_or_else(|error| Err(InvokeError::Crash(error.to_string())))
    }

    /// Writes a line about the function to where its own lines go.
    pub(crate) fn note(&self, line: &str) {
        self.launch.logs.line(&self.launch.function.binary, line);
    }

    async fn call(&self, event: Bytes) -> Result<Bytes, InvokeError> {
        let mut stopping = self.stopping.subscribe();
        let result = tokio::select! {
            result = self.attend(event) => result,
            _ = stopping.wait_for(|stopping| *stopping) => Err(InvokeError::Stopping),
        };
        if let Err(error) = &result
            && !matches!(error, InvokeError::Function(_) | InvokeError::Stopping)
        {
            self.note(&error.to_string());
        }
        result
    }

    async fn attend(&self, event: Bytes) -> Result<Bytes, InvokeError> {
        let _place = self.free.acquire().await.map_err(|_| InvokeError::Stopping)?;
        let idle = self.take_idle();
        let instance = match idle {
            Some(instance) => instance,
            None => self.start().await?,
        };
        let limit = self.launch.function.timeout_seconds;
        let now = self.clock.now_ms();
        let delivery = Delivery {
            request_id: random::uuid(),
            event,
            deadline_ms: now.saturating_add(limit.saturating_mul(1000)),
            function_arn: function_arn(&self.launch.function.logical_id),
            trace_id: random::trace_id(now),
        };
        let outcome = instance.endpoint.deliver(delivery).await;
        let outcome = tokio::select! {
            // An answer that came before the end counts.
            biased;
            outcome = outcome => outcome.map_err(|_| InvokeError::Crash("it is gone".to_owned()))?,
            end = instance.process.wait() => return Err(InvokeError::Crash(end)),
            () = tokio::time::sleep(Duration::from_secs(limit)) => return Err(InvokeError::Timeout(limit)),
        };
        if !*self.stopping.borrow() {
            self.idle().push(instance);
        }
        match outcome {
            Outcome::Response(answer) => Ok(answer),
            Outcome::Error(error) => Err(InvokeError::Function(error)),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Instance>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self) -> Option<Instance> {
        let mut idle = self.idle();
        idle.retain(|instance| instance.process.ended().is_none());
        idle.pop()
    }

    async fn start(&self) -> Result<Instance, InvokeError> {
        let endpoint = Endpoint::open().await.map_err(|error| InvokeError::Init(error.to_string()))?;
        let (process, watcher) = self
            .launch
            .start(&endpoint.address())
            .map_err(|error| InvokeError::Init(format!("{}: {error}", self.launch.program.display())))?;
        self.watch(watcher);
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
        Ok(Instance { endpoint, process })
    }

    fn watch(&self, watcher: JoinHandle<()>) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| !watcher.is_finished());
        watchers.push(watcher);
    }

    /// Ends all processes, busy ones too.
    pub(crate) async fn stop(&self) {
        self.stopping.send_replace(true);
        self.free.close();
        self.idle().clear();
        let watchers = std::mem::take(&mut *self.watchers.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async {
            for watcher in watchers {
                drop(watcher.await);
            }
        };
        // Those that take longer are ended all the same: dropping their task kills them.
        drop(tokio::time::timeout(LAST_EXITS, all).await);
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
