//! The whole system: storage, secrets, functions, gateways, started in that order and stopped in the other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

use crate::binaries::{self, BinariesError};
use crate::documents::Documents;
use crate::gateway::{self, Connections, Issuers, Setup};
use crate::guard::by_own_name;
use crate::invoke::Functions;
use crate::mail::Mailbox;
use crate::objects::Objects;
use crate::options::Options;
use crate::pool::Pool;
use crate::process::{Credentials, Launch};
use crate::secrets::{self, Rotators, SecretsError};
use crate::server::{BindError, Server, bind};
use crate::sources::Sources;
use crate::storage::{Storage, StorageError};
use crate::upstream::{self, Upstream};
use crate::web::{Facts, Page};
use nova_template::{Api, ApiKind, Function, Inputs, Template, TemplateError};

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

/// The document that says where the stand-ins for SQS, EventBridge, SES and Lambda listen.
const SERVICES: &str = "services-url";
/// The one that says where the buckets are.
const OBJECTS: &str = "objects-url";
/// The one that says where the authentication API listens.
const API: &str = "api-url";

/// The system, running.
#[derive(Debug)]
pub struct Stack {
    options: Options,
    storage: Storage,
    secrets: Server,
    secrets_url: String,
    sources: Sources,
    services: Server,
    /// Where the buckets are, if there are any. They end after whoever serves them.
    buckets: Option<(Server, Objects)>,
    pools: BTreeMap<String, Arc<Pool>>,
    gateways: Vec<Server>,
    connections: Vec<Arc<Connections>>,
    apis: Vec<(String, String)>,
    notes: Vec<String>,
}

impl Stack {
    /// Starts everything that the templates describe.
    ///
    /// # Errors
    /// When a template can't be read, a function has no binary and none can be built, or a port is taken.
    pub async fn start(options: Options) -> Result<Stack, StartError> {
        let mut templates = load(&options)?;
        upstream::check(&options.upstreams, &templates).map_err(StartError::Upstream)?;
        // Ports come first: nobody should wait for a build to hear that one is taken.
        let database = match options.engine {
            None => Some(bind(options.dynamodb_port, "--dynamodb-port").await?),
            Some(_) => None,
        };
        let listeners = listen(&templates, options.port).await?;
        name_own_address(&mut templates, &listeners);
        let programs = programs(&templates, &options).await?;
        let storage = storage(&templates, &options, database).await?;
        let kept: Vec<_> = templates.iter().flat_map(|template| template.secrets.clone()).collect();
        let rotators = Rotators::default();
        let secrets =
            secrets::start(&kept, storage.documents(), options.clock.clone(), rotators.clone()).await?;
        let secrets_url = secrets.url();
        storage.note(secrets::ADDRESS, &secrets_url).await?;
        let mailbox = Mailbox::new(storage.documents());
        let mut sources = Sources::new(&templates);
        let (listener, address) = bind(0, "--port").await?;
        let functions = Functions::default();
        let calls = sources.router(&options.clock).merge(mailbox.router(&options.clock));
        let services = Server::serve(listener, address, calls.merge(functions.router()));

        storage.documents().put(SERVICES, &services.url())?;
        storage.note(SERVICES, &services.url()).await?;

        let mut page_objects = None;
        let buckets = match Objects::open(&templates, options.data.as_deref(), &options.clock)? {
            None => None,
            Some(objects) => {
                let (listener, address) = bind(0, "--port").await?;
                let router = objects.router(sources.buses(), &options.clock, &options.logs);
                page_objects = Some(router.clone());
                let server =
                    Server::serve(listener, address, router.layer(axum::middleware::from_fn(by_own_name)));
                storage.note(OBJECTS, &server.url()).await?;
                Some((server, objects))
            }
        };

        let mut environment = BTreeMap::from([
            ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), storage.url().to_owned()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER".to_owned(), secrets_url.clone()),
            ("AWS_ENDPOINT_URL_SQS".to_owned(), services.url()),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE".to_owned(), services.url()),
            ("AWS_ENDPOINT_URL_SESV2".to_owned(), services.url()),
            ("AWS_ENDPOINT_URL_LAMBDA".to_owned(), services.url()),
        ]);
        environment
            .extend(buckets.iter().map(|(server, _)| ("AWS_ENDPOINT_URL_S3".to_owned(), server.url())));
        environment.extend(own_app(&templates, &listeners));
        environment.extend(options.environment.clone());
        let mut pools = BTreeMap::new();
        let mut management = management_urls(&templates, &listeners);
        for function in templates.iter().flat_map(|template| &template.functions) {
            let program = programs.get(&function.binary).cloned().unwrap_or_default();
            let (mut environment, logs) = (environment.clone(), options.logs.clone());
            if let Some(url) = management.remove(&function.logical_id) {
                environment.insert("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI".to_owned(), url);
            }
            let identity = options.engine.as_ref().map(|engine| Credentials(engine.identity.clone()));
            let identity = identity.unwrap_or_default();
            let launch = Launch { function: function.clone(), program, environment, identity, logs };
            let upstream = options.upstreams.get(&function.logical_id).cloned().map(Upstream::new);
            let pool = Pool::new(launch, options.clock.clone(), options.concurrency).behind(upstream);
            pools.insert(function.logical_id.clone(), Arc::new(pool));
        }
        let rotated = kept.iter().filter_map(|secret| {
            let function = pools.get(secret.rotation.as_ref()?)?;
            Some((secret.arn.clone(), Arc::clone(function)))
        });
        rotators.set(rotated.collect());
        functions.set(pools.clone());
        sources.begin(&templates, &pools, &storage.documents(), &options.clock, &options.logs);
        let (mut gateways, mut apis, mut connections) = (Vec::new(), Vec::new(), Vec::new());
        let facts = facts(&templates, &options);
        let mut served = Vec::new();
        let issuers = Issuers::of(templates.iter().flat_map(|template| &template.apis));
        for (api, listener) in templates.into_iter().flat_map(|template| template.apis).zip(listeners) {
            let open = Arc::new(Connections::default());
            served.push((
                router(&api, &listener, &options, &pools, (open.clone(), &issuers))?,
                api,
                listener,
            ));
            connections.push(open);
        }
        if options.page {
            add_page(&mut served, storage.documents(), (facts, page_objects));
        }
        for (router, api, (listener, address)) in served {
            let is_websocket = matches!(api.kind, ApiKind::WebSocket { .. });
            let server = Server::serve(listener, address, router);
            let url = server.url();
            apis.push((api.logical_id, if is_websocket { url.replacen("http", "ws", 1) } else { url }));
            gateways.push(server);
        }
        if let Some((_, url)) = apis.first() {
            storage.documents().put(API, url)?;
            storage.note(API, url).await?;
        }
        // The first of them may be the API that was just started.
        let notes = issuers.discover().await;
        Ok(Stack {
            options,
            storage,
            secrets,
            secrets_url,
            sources,
            services,
            buckets,
            pools,
            gateways,
            connections,
            apis,
            notes,
        })
    }

    /// What does not work, though the stack runs: a line for each issuer of a JWT authorizer that does not say where its keys
    /// are. No token of such an issuer is taken.
    pub fn notes(&self) -> &[String] {
        &self.notes
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

    /// Where SQS, EventBridge, SES and Lambda are found.
    pub fn services_url(&self) -> String {
        self.services.url()
    }

    /// Where S3 is found, if a template has a bucket.
    pub fn objects_url(&self) -> Option<String> {
        self.buckets.as_ref().map(|(server, _)| server.url())
    }

    /// The messages and events of the last while, as texts: for who looks for what must not be in one.
    pub fn told(&self) -> Vec<String> {
        self.sources.passed()
    }

    /// What the functions wrote so far, where [`Options::logs`] keeps it.
    pub fn logs(&self) -> String {
        self.options.logs.text()
    }

    /// Stops everything. Calls that are under way end with it.
    pub async fn stop(mut self) {
        self.sources.stop();
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
        self.services.stop().await;
        if let Some((server, _objects)) = self.buckets {
            server.stop().await;
        }
        self.secrets.stop().await;
        self.storage.stop().await;
    }
}

/// The binary of every function that no development server stands for.
async fn programs(
    templates: &[Template],
    options: &Options,
) -> Result<BTreeMap<String, PathBuf>, BinariesError> {
    let workspace = absolute_parent(&options.template);
    let functions = templates.iter().flat_map(|template| &template.functions);
    let run = functions.filter(|function| !options.upstreams.contains_key(&function.logical_id));
    let (mut packages, mut foreign) = (BTreeSet::new(), BTreeMap::new());
    for function in run {
        packages.insert(function.binary.clone());
        if !is_package(function, &workspace) {
            foreign.insert(function.binary.clone(), function.logical_id.clone());
        }
    }
    binaries::find(&options.binaries, options.no_build, &packages, &foreign, &workspace).await
}

/// Whether its code is a package beneath the workspace that is built here.
fn is_package(function: &Function, workspace: &Path) -> bool {
    let code = function.code.as_ref().and_then(|code| code.canonicalize().ok());
    code.is_some_and(|code| code.starts_with(workspace) && code.join("Cargo.toml").is_file())
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
    (connections, issuers): (Arc<Connections>, &Issuers),
) -> Result<Router, StartError> {
    let name = api.logical_id.clone();
    let setup = Setup { pools, port: address.port(), clock: options.clock.clone(), connections, issuers };
    gateway::router(api.clone(), &setup).map_err(|problem| StartError::Api { api: name, problem })
}

/// Puts the page in front of the first API.
fn add_page(served: &mut [(Router, Api, Listener)], documents: Documents, facts: (Facts, Option<Router>)) {
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
        mail: templates
            .iter()
            .flat_map(|template| &template.secrets)
            .any(|secret| secret.name == "LinkKeysSecret"),
        second_factors: templates
            .iter()
            .flat_map(|template| &template.secrets)
            .any(|secret| secret.name == "FactorKeysSecret"),
        passkey_domain: told("PASSKEY_RP_ID"),
        password_profile: told("PASSWORD_PROFILE"),
        demo: options.demo,
    }
}

/// Where the links of mails lead, if nothing else is said: to the page here.
fn own_app(templates: &[Template], listeners: &[Listener]) -> Option<(String, String)> {
    const NAME: &str = "APP_URL";
    let mut functions = templates.iter().flat_map(|template| &template.functions);
    let is_open = functions.any(|function| function.environment.get(NAME).is_some_and(String::is_empty));
    let (_, address) = listeners.first().filter(|_| is_open)?;
    Some((NAME.to_owned(), format!("http://{address}")))
}

/// What stands in the place of the authentication API's address, in an issuer's name: nobody knows its port before it listens.
const OWN_ADDRESS: &str = "<ApiUrl>";

/// Puts the address of the authentication API where its placeholder stands, as an issuer.
fn name_own_address(templates: &mut [Template], listeners: &[Listener]) {
    let Some((_, address)) = listeners.first() else { return };
    let url = format!("http://{address}");
    let named = |value: &mut String| *value = value.replace(OWN_ADDRESS, &url);
    for template in templates {
        for function in &mut template.functions {
            let variables = function.environment.iter_mut();
            variables
                .filter(|(name, _)| name.starts_with("TOKEN_ISSUER"))
                .for_each(|(_, value)| named(value));
        }
        let authorizers = template.apis.iter_mut().flat_map(|api| api.jwt_authorizers.values_mut());
        let issuers = authorizers.flat_map(|authorizer| &mut authorizer.issuers);
        issuers.for_each(|issuer| named(&mut issuer.name));
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
    let inputs = Inputs {
        parameters: options.parameters.clone(),
        defaults: options.defaults.clone(),
        stack: STACK.to_owned(),
        ..Inputs::default()
    };
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
        templates.push(attached(path, inputs, &options.attached_parameters)?);
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

/// An attached template, with the values of those parameters that it has.
fn attached(
    path: &Path,
    inputs: Inputs,
    parameters: &BTreeMap<String, String>,
) -> Result<Template, TemplateError> {
    let known = Template::parameters(path)?;
    let parameters = parameters.iter().filter(|(name, _)| known.contains(*name));
    let parameters = parameters.map(|(name, value)| (name.clone(), value.clone())).collect();
    Template::load_with(path, &Inputs { parameters, ..inputs })
}

pub(crate) fn absolute_parent(path: &Path) -> PathBuf {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    path.parent().unwrap_or(Path::new(".")).to_owned()
}
