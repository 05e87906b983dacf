//! A function that runs on threads of this process, in the place of its binary: for tests, which start many stacks and look at what
//! is answered, not at processes.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::instance::InvokeError;
use crate::logs::LogSink;
use crate::process::Launch;
use crate::random;
use crate::runtime::FunctionError;

/// What runs one instance of a function on the thread that calls it, until there are no more events.
#[derive(Clone)]
pub struct Guest(Arc<dyn Fn(Visit) + Send + Sync>);

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guest")
    }
}

impl Guest {
    /// A function that `run` runs.
    pub fn new(run: impl Fn(Visit) + Send + Sync + 'static) -> Guest {
        Guest(Arc::new(run))
    }
}

/// What one instance is given.
#[derive(Debug)]
pub struct Visit {
    /// What a process would have for its environment.
    pub environment: BTreeMap<String, String>,
    /// What it is asked, one at a time. At their end nobody will ask any more.
    pub events: mpsc::Receiver<Errand>,
    /// In the place of its standard output.
    pub log: GuestLog,
}

/// One event.
#[derive(Debug)]
pub struct Errand {
    pub request_id: String,
    pub event: Bytes,
    /// Closed once nobody waits any more: Lambda would end the process then.
    pub answer: oneshot::Sender<Result<Vec<u8>, Failed>>,
}

/// An error that a function reports.
#[derive(Debug)]
pub struct Failed {
    /// The error's kind, as the function calls it.
    pub kind: String,
    pub message: String,
}

/// Where an instance writes its lines. Each is written whole.
#[derive(Clone, Debug)]
pub struct GuestLog {
    name: String,
    sink: LogSink,
}

impl Write for GuestLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        String::from_utf8_lossy(bytes).lines().for_each(|line| self.sink.line(&self.name, line));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The instances of one function.
#[derive(Debug)]
pub(crate) struct Guests {
    guest: Guest,
    /// The one that was used last is used next.
    idle: Mutex<Vec<mpsc::Sender<Errand>>>,
    /// Each ends with its thread.
    threads: Mutex<Vec<oneshot::Receiver<()>>>,
}

impl Guests {
    pub(crate) fn new(guest: Guest) -> Guests {
        Guests { guest, idle: Mutex::default(), threads: Mutex::default() }
    }

    /// Gives an instance an event. One that fails to answer is not asked again.
    pub(crate) async fn attend(&self, launch: &Launch, event: Bytes) -> Result<Bytes, InvokeError> {
        let crashed = || InvokeError::Crash("its thread ended".to_owned());
        let idle = locked(&self.idle).pop();
        let instance = idle.map_or_else(|| self.start(launch), Ok)?;
        let (answer, answered) = oneshot::channel();
        instance.send(Errand { request_id: random::uuid(), event, answer }).await.map_err(|_| crashed())?;
        let limit = launch.function.timeout_seconds;
        let answered = tokio::time::timeout(Duration::from_secs(limit), answered).await;
        let answered = answered.map_err(|_| InvokeError::Timeout(limit))?.map_err(|_| crashed())?;
        locked(&self.idle).push(instance);
        answered
            .map(Bytes::from)
            .map_err(|Failed { kind, message }| InvokeError::Function(FunctionError { kind, message }))
    }

    fn start(&self, launch: &Launch) -> Result<mpsc::Sender<Errand>, InvokeError> {
        let name = launch.function.binary.clone();
        let (sender, events) = mpsc::channel(1);
        let log = GuestLog { name: name.clone(), sink: launch.logs.clone() };
        let (guest, environment) = (self.guest.clone(), launch.variables());
        let (running, ended) = oneshot::channel();
        let run = move || {
            guest.0(Visit { environment, events, log });
            drop(running);
        };
        let started = std::thread::Builder::new().name(name).spawn(run);
        started.map_err(|error| InvokeError::Init(error.to_string()))?;
        locked(&self.threads).push(ended);
        Ok(sender)
    }

    /// Ends those that are idle, and waits for them and for those whom nobody waits for any more.
    pub(crate) async fn stop(&self) {
        locked(&self.idle).clear();
        let threads = std::mem::take(&mut *locked(&self.threads));
        for ended in threads {
            drop(ended.await);
        }
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
