//! The whole system: storage, secrets, functions, gateways, started in that order and stopped in the other.

mod functions;
mod load;
mod ports;
mod served;
mod stand_ins;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use nova_template::{Template, TemplateError};

use self::ports::Listener;
use self::served::Served;
use self::stand_ins::StandIns;
use crate::binaries::BinariesError;
use crate::gateway::Issuers;
use crate::options::Options;
use crate::pool::Pool;
use crate::secrets::SecretsError;
use crate::server::{BindError, bind};
use crate::storage::Storage;
use crate::tables::StorageError;
use crate::upstream;

pub(crate) use self::load::{absolute_parent, load_first};

/// The name of the stack that the first template describes. Exports carry it, and those who import know it.
const STACK: &str = "nova-auth";

/// Why a stack does not start; each is the one line that a person reads.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A template can't be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The first template serves nothing.
    #[error("{} has no API", .0.display())]
    NoApi(PathBuf),
    /// Two templates use one name: an id on this machine is the name alone.
    #[error("{} and another template both have {logical_id}", path.display())]
    TwoOf {
        /// The later template.
        path: PathBuf,
        /// The name.
        logical_id: String,
    },
    /// An API names something that no template has.
    #[error("{api}: {problem}")]
    Api {
        /// The API's logical id.
        api: String,
        /// What is wrong.
        problem: String,
    },
    /// A development server is to stand where none can.
    #[error("{0}")]
    Upstream(String),
    /// There is no database.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// There are no buckets.
    #[error("{0}")]
    Objects(#[from] nova_objects::Problem),
    /// There are no secrets.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A function has no binary.
    #[error(transparent)]
    Binaries(#[from] BinariesError),
    /// A port can't be taken.
    #[error(transparent)]
    Bind(#[from] BindError),
}

/// The document that says where the authentication API listens.
const API: &str = "api-url";

/// The system, running.
#[derive(Debug)]
pub struct Stack {
    options: Options,
    storage: Storage,
    stand_ins: StandIns,
    pools: BTreeMap<String, Arc<Pool>>,
    served: Served,
    notes: Vec<String>,
}

impl Stack {
    /// Starts everything that the templates describe.
    ///
    /// # Errors
    /// When a template can't be read, a function has no binary and none can be built, or a port is taken.
    pub async fn start(options: Options) -> Result<Stack, StartError> {
        let mut templates = load::templates(&options)?;
        upstream::check(&options.upstreams, &templates).map_err(StartError::Upstream)?;
        // Ports come first: nobody should wait for a build to hear that one is taken.
        let database = match options.engine {
            None => Some(bind(options.dynamodb_port, "--dynamodb-port").await?),
            Some(_) => None,
        };
        let listeners = ports::listen(&templates, options.port).await?;
        functions::name_own_address(&mut templates, &listeners);
        let programs = functions::programs(&templates, &options).await?;
        let storage = storage(&templates, &options, database).await?;
        let mut stand_ins = StandIns::start(&templates, &options, &storage).await?;

        let mut environment = stand_ins.environment();
        environment.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), storage.url().to_owned());
        environment.extend(functions::own_app(&templates, &listeners));
        environment.extend(options.environment.clone());
        let pools = functions::pools(&templates, &listeners, &options, &programs, &environment);
        stand_ins.begin(&templates, &pools, &options, &storage);

        let issuers = Issuers::of(templates.iter().flat_map(|template| &template.apis));
        let page = (storage.documents(), stand_ins.objects());
        let served = Served::start(templates, listeners, &options, (&pools, &issuers), page)?;
        if let Some((_, url)) = served.apis.first() {
            storage.documents().put(API, url)?;
            storage.note(API, url).await?;
        }
        // The first of them may be the API that was just started.
        let notes = issuers.discover().await;
        Ok(Stack { options, storage, stand_ins, pools, served, notes })
    }

    /// What does not work, though the stack runs: a line for each issuer of a JWT authorizer that does not say where its keys
    /// are. No token of such an issuer is taken.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The authentication API's URL: the first API of the first template, without a stage.
    pub fn url(&self) -> &str {
        self.served.apis.first().map(|(_, url)| url.as_str()).unwrap_or_default()
    }

    /// The URL of an API by its logical id: `ws://…` for a WebSocket API.
    pub fn api(&self, logical_id: &str) -> Option<&str> {
        self.served.apis.iter().find(|(name, _)| name == logical_id).map(|(_, url)| url.as_str())
    }

    /// Every API with its URL, the authentication API first.
    pub fn apis(&self) -> impl Iterator<Item = (&str, &str)> {
        self.served.apis.iter().map(|(name, url)| (name.as_str(), url.as_str()))
    }

    /// Where a DynamoDB client finds the tables.
    pub fn dynamodb_url(&self) -> &str {
        self.storage.url()
    }

    /// Where a Secrets Manager client finds the secrets.
    pub fn secretsmanager_url(&self) -> &str {
        self.stand_ins.secrets_url()
    }

    /// The names of the tables.
    pub fn tables(&self) -> &[String] {
        self.storage.tables()
    }

    /// Where SQS, EventBridge, SES and Lambda are found.
    pub fn services_url(&self) -> String {
        self.stand_ins.services_url()
    }

    /// Where S3 is found, if a template has a bucket.
    pub fn objects_url(&self) -> Option<String> {
        self.stand_ins.objects_url()
    }

    /// The messages and events of the last while, as texts: for who looks for what must not be in one.
    pub fn told(&self) -> Vec<String> {
        self.stand_ins.passed()
    }

    /// What the functions wrote so far, where [`Options::logs`] keeps it.
    pub fn logs(&self) -> String {
        self.options.logs.text()
    }

    /// Stops everything. Calls that are under way end with it.
    pub async fn stop(mut self) {
        self.stand_ins.call_nobody();
        self.served.close();
        for pool in self.pools.values() {
            pool.stop().await;
        }
        self.served.stop().await;
        self.stand_ins.stop().await;
        self.storage.stop().await;
    }
}

async fn storage(
    templates: &[Template],
    options: &Options,
    database: Option<Listener>,
) -> Result<Storage, StartError> {
    let tables: Vec<_> = templates.iter().flat_map(|template| template.tables.clone()).collect();
    let data = options.data.as_deref();
    Ok(match (database, &options.engine) {
        (_, Some(engine)) => Storage::in_front_of(engine.clone(), &tables, data).await?,
        (Some(database), None) => Storage::start_on(database, &tables, data)?,
        (None, None) => Storage::start(&tables, data, options.dynamodb_port).await?,
    })
}
