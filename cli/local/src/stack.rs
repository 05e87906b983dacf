//! The whole system: storage, secrets, functions, gateways, started in that order and stopped in the other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

use crate::binaries::{self, BinariesError};
use crate::documents::Documents;
use crate::gateway::{self, Connections, Setup};
use crate::options::Options;
use crate::pool::Pool;
use crate::process::Launch;
use crate::secrets::{self, Rotators, SecretsError};
use crate::server::{BindError, Server, bind};
use crate::storage::{Storage, StorageError};
use crate::template::{Api, ApiKind, Inputs, Template, TemplateError};
use crate::web::{Facts, Page};

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
    /// There is no database.
    #[error(transparent)]
    Storage(#[from] StorageError),
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

/// The system, running.
#[derive(Debug)]
pub struct Stack {
    options: Options,
    storage: Storage,
    secrets: Server,
    secrets_url: String,
    pools: BTreeMap<String, Arc<Pool>>,
    gateways: Vec<Server>,
    connections: Vec<Arc<Connections>>,
    apis: Vec<(String, String)>,
}

impl Stack {
    /// Starts everything that the templates describe.
    ///
    /// # Errors
    /// When a template can't be read, a function has no binary and none can be built, or a port is taken.
    pub async fn start(options: Options) -> Result<Stack, StartError> {
        let templates = load(&options)?;
        let packages: BTreeSet<String> = templates
            .iter()
            .flat_map(|template| &template.functions)
            .map(|function| function.binary.clone())
            .collect();
        // Ports come first: nobody should wait for a build to hear that one is taken.
        let database = bind(options.dynamodb_port, "--dynamodb-port").await?;
        let listeners = listen(&templates, options.port).await?;
        let workspace = absolute_parent(&options.template);
        let programs = binaries::find(&options.binaries, options.no_build, &packages, &workspace).await?;

        let tables: Vec<_> = templates.iter().flat_map(|template| template.tables.clone()).collect();
        let storage = Storage::start_on(database, &tables, options.data.as_deref())?;
        let kept: Vec<_> = templates.iter().flat_map(|template| template.secrets.clone()).collect();
        let rotators = Rotators::default();
        let secrets =
            secrets::start(&kept, storage.documents(), options.clock.clone(), rotators.clone()).await?;
        let secrets_url = secrets.url();

        let mut environment = BTreeMap::from([
            ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), storage.url().to_owned()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER".to_owned(), secrets_url.clone()),
        ]);
        environment.extend(options.environment.clone());
        let mut pools = BTreeMap::new();
        let mut management = management_urls(&templates, &listeners);
        for function in templates.iter().flat_map(|template| &template.functions) {
            let program = programs.get(&function.binary).cloned().unwrap_or_default();
            let (mut environment, logs) = (environment.clone(), options.logs.clone());
            if let Some(url) = management.remove(&function.logical_id) {
                environment.insert("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI".to_owned(), url);
            }
            let launch = Launch { function: function.clone(), program, environment, logs };
            let pool = Pool::new(launch, options.clock.clone(), options.concurrency);
            pools.insert(function.logical_id.clone(), Arc::new(pool));
        }
        let rotated = kept.iter().filter_map(|secret| {
            let function = pools.get(secret.rotation.as_ref()?)?;
            Some((secret.arn.clone(), Arc::clone(function)))
        });
        rotators.set(rotated.collect());
        let (mut gateways, mut apis, mut connections) = (Vec::new(), Vec::new(), Vec::new());
        let facts = facts(&templates, &options);
        let mut served = Vec::new();
        for (api, listener) in templates.into_iter().flat_map(|template| template.apis).zip(listeners) {
            let open = Arc::new(Connections::default());
            served.push((router(&api, &listener, &options, &pools, open.clone())?, api, listener));
            connections.push(open);
        }
        if options.page {
            add_page(&mut served, storage.documents(), facts);
        }
        for (router, api, (listener, address)) in served {
            let is_websocket = matches!(api.kind, ApiKind::WebSocket { .. });
            let server = Server::serve(listener, address, router);
            let url = server.url();
            apis.push((api.logical_id, if is_websocket { url.replacen("http", "ws", 1) } else { url }));
            gateways.push(server);
        }
        Ok(Stack { options, storage, secrets, secrets_url, pools, gateways, connections, apis })
    }

    /// The authentication API's URL: the first API of the first template, without a stage.
    pub fn url(&self) -> &str {
        self.apis.first().map(|(_, url)| url.as_str()).unwrap_or_default()
    }

    /// The URL of an API by its logical id: `ws://…` for a WebSocket API.
    pub fn api(&self, logical_id: &str) -> Option<&str> {
        self.apis.iter().find(|(name, _)| name == logical_id).map(|(_, url)| url.as_str())
    }

    /// Every API with its URL, the authentication API first.
    pub fn apis(&self) -> impl Iterator<Item = (&str, &str)> {
        self.apis.iter().map(|(name, url)| (name.as_str(), url.as_str()))
    }

    /// Where a DynamoDB client finds the tables.
    pub fn dynamodb_url(&self) -> &str {
        self.storage.url()
    }

    /// Where a Secrets Manager client finds the secrets.
    pub fn secretsmanager_url(&self) -> &str {
        &self.secrets_url
    }

    /// The names of the tables.
    pub fn tables(&self) -> &[String] {
        self.storage.tables()
    }

    /// What the functions wrote so far, where [`Options::logs`] keeps it.
    pub fn logs(&self) -> String {
        self.options.logs.text()
    }

    /// Stops everything. Calls that are under way end with it.
    pub async fn stop(self) {
        for gateway in &self.gateways {
            gateway.close();
        }
        // A server does not wait for connections that were upgraded.
        for connections in &self.connections {
            connections.close_all();
        }
        for pool in self.pools.values() {
            pool.stop().await;
        }
        for gateway in self.gateways {
            gateway.stop().await;
        }
        self.secrets.stop().await;
        self.storage.stop().await;
    }
}

type Listener = (TcpListener, SocketAddr);

/// A port for each API: the one that was asked for, and those after it.
async fn listen(templates: &[Template], first: u16) -> Result<Vec<Listener>, BindError> {
    let mut listeners = Vec::new();
    for (offset, _) in (0_u16..).zip(templates.iter().flat_map(|template| &template.apis)) {
        let port = if first == 0 { 0 } else { first.saturating_add(offset) };
        listeners.push(bind(port, "--port").await?);
    }
    Ok(listeners)
}

fn router(
    api: &Api,
    (_, address): &Listener,
    options: &Options,
    pools: &BTreeMap<String, Arc<Pool>>,
    connections: Arc<Connections>,
) -> Result<Router, StartError> {
    let name = api.logical_id.clone();
    let setup = Setup { pools, port: address.port(), clock: options.clock.clone(), connections };
    gateway::router(api.clone(), &setup).map_err(|problem| StartError::Api { api: name, problem })
}

/// Puts the page in front of the first API.
fn add_page(served: &mut [(Router, Api, Listener)], documents: Documents, facts: Facts) {
    let Some(((main, _, _), attached)) = served.split_first_mut() else { return };
    let attached = attached.iter().map(|(router, api, _)| (api.clone(), router.clone())).collect();
    *main = Page::new(main.clone(), attached, documents, facts).router();
}

/// What the page says of the functions is what they are told themselves.
fn facts(templates: &[Template], options: &Options) -> Facts {
    let told = |name| options.environment.get(name).cloned().unwrap_or_else(|| variable(templates, name));
    Facts {
        log_table: variable(templates, "IDENTITY_TABLE"),
        registration: told("REGISTRATION"),
        password_profile: told("PASSWORD_PROFILE"),
        demo: options.demo,
    }
}

/// A variable of the functions that have it.
fn variable(templates: &[Template], name: &str) -> String {
    let mut functions = templates.iter().flat_map(|template| &template.functions);
    functions.find_map(|function| function.environment.get(name).cloned()).unwrap_or_default()
}

/// Where a function finds `@connections`, by its logical id: those of the WebSocket API that it is behind, else those
/// of the only one of its template.
fn management_urls(templates: &[Template], listeners: &[Listener]) -> BTreeMap<String, String> {
    let mut addresses = listeners.iter().map(|(_, address)| address);
    let mut urls = BTreeMap::new();
    for template in templates {
        let apis: Vec<_> = template.apis.iter().zip(addresses.by_ref()).collect();
        let sockets = || apis.iter().filter(|(api, _)| matches!(api.kind, ApiKind::WebSocket { .. }));
        for (api, address) in sockets() {
            let url = format!("http://{address}/{}", api.stage);
            for route in &api.routes {
                urls.insert(route.function.clone(), url.clone());
            }
            if sockets().count() == 1 {
                for function in &template.functions {
                    urls.entry(function.logical_id.clone()).or_insert_with(|| url.clone());
                }
            }
        }
    }
    urls
}

/// The first template, with the parameters that were given.
pub(crate) fn load_first(options: &Options) -> Result<Template, TemplateError> {
    let inputs =
        Inputs { parameters: options.parameters.clone(), stack: STACK.to_owned(), ..Inputs::default() };
    Template::load_with(&options.template, &inputs)
}

/// The first template, and the attached ones with what it exports.
fn load(options: &Options) -> Result<Vec<Template>, StartError> {
    let main = load_first(options)?;
    if main.apis.is_empty() {
        return Err(StartError::NoApi(options.template.clone()));
    }
    let imports = main.exports.clone();
    let mut templates = vec![main];
    for path in &options.attach {
        let stack = absolute_parent(path);
        let stack = stack.file_name().and_then(|name| name.to_str()).unwrap_or("attached").to_owned();
        let inputs = Inputs { imports: imports.clone(), stack, ..Inputs::default() };
        templates.push(Template::load_with(path, &inputs)?);
    }
    let mut seen = BTreeSet::new();
    for template in &templates {
        let functions = template.functions.iter().map(|function| &function.logical_id);
        let apis = template.apis.iter().map(|api| &api.logical_id);
        let tables = template.tables.iter().map(|table| &table.name);
        let secrets = template.secrets.iter().map(|secret| &secret.name);
        for logical_id in functions.chain(apis).chain(tables).chain(secrets) {
            if !seen.insert(logical_id.clone()) {
                let (path, logical_id) = (template.path.clone(), logical_id.clone());
                return Err(StartError::TwoOf { path, logical_id });
            }
        }
    }
    Ok(templates)
}

pub(crate) fn absolute_parent(path: &Path) -> PathBuf {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    path.parent().unwrap_or(Path::new(".")).to_owned()
}
