//! One function: its processes, started on demand, each with one event at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::in_process::{InProcess, Threads};
use crate::instance::Instance;
pub(crate) use crate::instance::InvokeError;
use crate::process::Launch;
use crate::runtime::Outcome;
use crate::upstream::Upstream;

/// The ends of processes are waited for this long when the stack stops.
const LAST_EXITS: Duration = Duration::from_secs(2);

/// The processes of one function.
#[derive(Debug)]
pub(crate) struct Pool {
    launch: Launch,
    /// The server that answers in the place of processes.
    upstream: Option<Upstream>,
    /// The threads in place of processes.
    threads: Option<Threads>,
    clock: Clock,
    free: Semaphore,
    /// The one that was used last is used next, as Lambda does: the others stay cold as long as they can.
    idle: Mutex<Vec<Instance>>,
    watchers: Mutex<Vec<JoinHandle<()>>>,
    stopping: watch::Sender<bool>,
}

impl Pool {
    pub(crate) fn new(launch: Launch, clock: Clock, concurrency: usize) -> Pool {
        Pool {
            launch,
            upstream: None,
            threads: None,
            clock,
            free: Semaphore::new(concurrency.clamp(1, 1000)),
            idle: Mutex::default(),
            watchers: Mutex::default(),
            stopping: watch::Sender::new(false),
        }
    }

    /// A function in whose place a development server answers: no process of it is ever started.
    pub(crate) fn behind(self, upstream: Option<Upstream>) -> Pool {
        Pool { upstream, ..self }
    }

    /// A function that runs in this process.
    pub(crate) fn in_process(self, function: Option<InProcess>) -> Pool {
        Pool { threads: function.map(Threads::new), ..self }
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

    async fn call(self: &Arc<Self>, event: Bytes) -> Result<Bytes, InvokeError> {
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

    async fn attend(self: &Arc<Self>, event: Bytes) -> Result<Bytes, InvokeError> {
        let _place = self.free.acquire().await.map_err(|_| InvokeError::Stopping)?;
        if let Some(upstream) = &self.upstream {
            return upstream.attend(&self.launch.function, &self.clock, &event).await;
        }
        if let Some(threads) = &self.threads {
            return threads.attend(&self.launch, event).await;
        }
        let idle = self.take_idle();
        let instance = match idle {
            Some(instance) => instance,
            None => Instance::start(&self.launch, |watcher| self.watch(watcher)).await?,
        };
        let outcome = instance.attend(&self.launch, &self.clock, event).await?;
        if !*self.stopping.borrow() {
            let mut idle = self.idle();
            // It may have ended since it answered; whoever looks after that has been here then.
            if instance.ended().is_none() {
                idle.push(instance);
            }
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
        idle.retain(|instance| instance.ended().is_none());
        idle.pop()
    }

    /// A process that ends while nobody calls takes its port with it: the next call may never come.
    fn watch(self: &Arc<Self>, watcher: JoinHandle<()>) {
        let pool = Arc::downgrade(self);
        let watcher = tokio::spawn(async move {
            drop(watcher.await);
            if let Some(pool) = pool.upgrade() {
                pool.idle().retain(|instance| instance.ended().is_none());
            }
        });
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
            if let Some(threads) = &self.threads {
                threads.stop().await;
            }
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
