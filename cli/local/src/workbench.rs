//! Tables and secrets of a template, and processes of its functions one at a time, by hand: no gateway, no pool. What is
//! measured here is a function and what it talks to, and nothing of this machine's gateway.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use axum::body::Bytes;
use tokio::task::JoinHandle;

use crate::binaries;
use crate::clock::Clock;
use crate::instance::{Instance, InvokeError};
use crate::options::Options;
use crate::process::{Credentials, Launch};
use crate::runtime::Outcome;
use crate::secrets::{self, Rotators};
use crate::server::{Server, bind};
use crate::stack::{StartError, absolute_parent, load_first};
use crate::storage::Storage;

/// Tables, secrets, and functions that are started by hand.
#[derive(Debug)]
pub struct Workbench {
    storage: Storage,
    secrets: Server,
    launches: BTreeMap<String, Launch>,
    clock: Clock,
}

/// A process of a function.
#[derive(Debug)]
pub struct Worker {
    instance: Instance,
    launch: Launch,
    clock: Clock,
    ended: JoinHandle<()>,
}

/// A function did not answer as it should.
#[derive(Debug, thiserror::Error)]
#[error("{function}: {problem}")]
pub struct WorkerError {
    function: String,
    problem: String,
}

impl WorkerError {
    fn of(function: &str, problem: &InvokeError) -> Self {
        Self { function: function.to_owned(), problem: problem.to_string() }
    }
}

/// What a function answered, and how long it took.
#[derive(Debug)]
pub struct Reply {
    /// The answer as it was sent.
    pub answer: Bytes,
    /// From the moment at which the function was given the event to the one at which its answer had come.
    pub took: Duration,
}

impl Workbench {
    /// Starts the tables and secrets of the first template; these of its functions can be started then.
    ///
    /// # Errors
    /// When the template can't be read, a function has no binary, or a port is taken.
    pub async fn start(options: Options, functions: &[&str]) -> Result<Workbench, StartError> {
        let template = load_first(&options)?;
        let packages: BTreeSet<String> = functions.iter().map(|name| (*name).to_owned()).collect();
        let workspace = absolute_parent(&options.template);
        let programs =
            binaries::find(&options.binaries, options.no_build, &packages, &BTreeMap::new(), &workspace)
                .await?;
        let database = bind(options.dynamodb_port, "--dynamodb-port").await?;
        let storage = Storage::start_on(database, &template.tables, options.data.as_deref())?;
        let clock = options.clock.clone();
        let documents = storage.documents();
        let secrets =
            secrets::start(&template.secrets, documents, clock.clone(), Rotators::default()).await?;
        let mut environment = BTreeMap::from([
            ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), storage.url().to_owned()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER".to_owned(), secrets.url()),
        ]);
        environment.extend(options.environment);
        let launches = template.functions.into_iter().filter_map(|function| {
            let program = programs.get(&function.binary)?.clone();
            let (environment, logs) = (environment.clone(), options.logs.clone());
            let identity = Credentials::default();
            let launch = Launch { function, program, environment, identity, logs };
            Some((launch.function.binary.clone(), launch))
        });
        Ok(Workbench { launches: launches.collect(), storage, secrets, clock })
    }

    /// Where a DynamoDB client finds the tables.
    pub fn dynamodb_url(&self) -> &str {
        self.storage.url()
    }

    /// The variables of a function: the template's, and where its tables and secrets are.
    pub fn environment(&self, function: &str) -> BTreeMap<String, String> {
        let Some(launch) = self.launches.get(function) else { return BTreeMap::new() };
        let mut variables = launch.function.environment.clone();
        variables.extend(launch.environment.clone());
        variables
    }

    /// The binary of a function.
    pub fn program(&self, function: &str) -> Option<&Path> {
        self.launches.get(function).map(|launch| launch.program.as_path())
    }

    /// The memory that the template gives to a function, in megabytes.
    pub fn memory_megabytes(&self, function: &str) -> Option<u64> {
        self.launches.get(function).map(|launch| launch.function.memory_megabytes)
    }

    /// Starts a process of a function, with these variables over the others.
    ///
    /// # Errors
    /// When there is no such function, or it does not start.
    pub async fn worker(&self, function: &str, variables: &[(&str, &str)]) -> Result<Worker, WorkerError> {
        let failed = |problem: InvokeError| WorkerError::of(function, &problem);
        let launch = self.launches.get(function).cloned();
        let mut launch =
            launch.ok_or_else(|| failed(InvokeError::Init("there is no such one".to_owned())))?;
        launch.environment.extend(variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let mut ended = None;
        let instance = Instance::start(&launch, |watcher| ended = Some(watcher)).await.map_err(failed)?;
        // It was started, so there is one.
        let ended = ended.unwrap_or_else(|| tokio::spawn(async {}));
        Ok(Worker { instance, launch, clock: self.clock.clone(), ended })
    }

    /// Stops tables and secrets.
    pub async fn stop(self) {
        self.secrets.stop().await;
        self.storage.stop().await;
    }
}

impl Worker {
    /// From the start of the process to its first question for an event.
    pub fn init(&self) -> Duration {
        let ready = self.instance.times().ready;
        ready.map_or(Duration::ZERO, |ready| ready.duration_since(self.instance.begun()))
    }

    /// The operating system's number for the process; none once it has ended.
    pub fn process_id(&self) -> Option<u32> {
        self.instance.process_id()
    }

    /// Gives it an event, and takes its answer.
    ///
    /// # Errors
    /// When it reports an error, ends, or takes longer than its template lets it.
    pub async fn invoke(&self, event: &str) -> Result<Reply, WorkerError> {
        let failed = |problem: InvokeError| WorkerError::of(&self.launch.function.binary, &problem);
        let event = Bytes::copy_from_slice(event.as_bytes());
        let outcome = self.instance.attend(&self.launch, &self.clock, event).await.map_err(failed)?;
        let times = self.instance.times();
        let took = match (times.given, times.answered) {
            (Some(given), Some(answered)) => answered.saturating_duration_since(given),
            _ => Duration::ZERO,
        };
        match outcome {
            Outcome::Response(answer) => Ok(Reply { answer, took }),
            Outcome::Error(error) => Err(failed(InvokeError::Function(error))),
        }
    }

    /// Waits until the process has ended by itself, or was ended by somebody else.
    pub async fn gone(&self) {
        self.instance.gone().await;
    }

    /// Ends the process, and waits until it has ended.
    pub async fn stop(self) {
        let Worker { instance, ended, .. } = self;
        drop(instance);
        drop(ended.await);
    }
}
