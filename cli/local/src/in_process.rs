//! A function that runs in this process, in place of its binary: each of its execution environments is a thread. For tests, which start
//! many stacks and look at what is answered, not at processes.

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
pub use crate::runtime::FunctionError;

/// Such a function.
#[derive(Clone)]
pub struct InProcess(Arc<dyn Fn(ExecutionEnvironment) + Send + Sync>);

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl InProcess {
    /// A function that `run` runs, on a thread for each environment, until there are no more invocations.
    pub fn new(run: impl Fn(ExecutionEnvironment) + Send + Sync + 'static) -> InProcess {
        InProcess(Arc::new(run))
    }
}

/// What one thread is given.
#[derive(Debug)]
pub struct ExecutionEnvironment {
    /// The variables that a process would have.
    pub variables: BTreeMap<String, String>,
    /// One at a time. After the last one, nobody will ask again.
    pub invocations: mpsc::Receiver<Invocation>,
    /// In place of its standard output.
    pub log: FunctionLog,
}

/// One event, and who waits for the answer.
#[derive(Debug)]
pub struct Invocation {
    pub request_id: String,
    pub event: Bytes,
    /// Closed once nobody waits any more: Lambda would end the process then.
    pub answer: oneshot::Sender<Result<Vec<u8>, FunctionError>>,
}

/// Where a function writes its lines. Each is written whole.
#[derive(Clone, Debug)]
pub struct FunctionLog {
    name: String,
    sink: LogSink,
}

impl Write for FunctionLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        String::from_utf8_lossy(bytes).lines().for_each(|line| self.sink.line(&self.name, line));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The execution environments of one function.
#[derive(Debug)]
pub(crate) struct Threads {
    function: InProcess,
    /// The one that was used last is used next.
    idle: Mutex<Vec<mpsc::Sender<Invocation>>>,
    /// Each ends with its thread.
    all: Mutex<Vec<oneshot::Receiver<()>>>,
}

impl Threads {
    pub(crate) fn new(function: InProcess) -> Threads {
        Threads { function, idle: Mutex::default(), all: Mutex::default() }
    }

    /// Gives one of them an event. One that fails to answer is not asked again.
    pub(crate) async fn attend(&self, launch: &Launch, event: Bytes) -> Result<Bytes, InvokeError> {
        let crashed = || InvokeError::Crash("its thread ended".to_owned());
        let idle = locked(&self.idle).pop();
        let thread = idle.map_or_else(|| self.start(launch), Ok)?;
        let (answer, answered) = oneshot::channel();
        thread.send(Invocation { request_id: random::uuid(), event, answer }).await.map_err(|_| crashed())?;
        let limit = launch.function.timeout_seconds;
        let answered = tokio::time::timeout(Duration::from_secs(limit), answered).await;
        let answered = answered.map_err(|_| InvokeError::Timeout(limit))?.map_err(|_| crashed())?;
        locked(&self.idle).push(thread);
        answered.map(Bytes::from).map_err(InvokeError::Function)
    }

    fn start(&self, launch: &Launch) -> Result<mpsc::Sender<Invocation>, InvokeError> {
        let name = launch.function.binary.clone();
        let (sender, invocations) = mpsc::channel(1);
        let log = FunctionLog { name: name.clone(), sink: launch.logs.clone() };
        let (function, variables) = (self.function.clone(), launch.variables());
        let (running, ended) = oneshot::channel();
        let run = move || {
            function.0(ExecutionEnvironment { variables, invocations, log });
            drop(running);
        };
        let started = std::thread::Builder::new().name(name).spawn(run);
        started.map_err(|error| InvokeError::Init(error.to_string()))?;
        locked(&self.all).push(ended);
        Ok(sender)
    }

    /// Ends those that are idle, and waits for them and for those whom nobody waits for any more.
    pub(crate) async fn stop(&self) {
        locked(&self.idle).clear();
        let all = std::mem::take(&mut *locked(&self.all));
        for ended in all {
            drop(ended.await);
        }
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
