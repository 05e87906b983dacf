//! The functions: their binaries, their environment, and the processes that run them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nova_template::{ApiKind, Function, Template};

use super::load::absolute_parent;
use super::ports::Listener;
use crate::binaries::{self, BinariesError};
use crate::options::Options;
use crate::pool::Pool;
use crate::process::{Credentials, Launch};
use crate::upstream::Upstream;

/// A pool of processes for each function, by its logical id.
pub(super) fn pools(
    templates: &[Template],
    listeners: &[Listener],
    options: &Options,
    programs: &BTreeMap<String, PathBuf>,
    environment: &BTreeMap<String, String>,
) -> BTreeMap<String, Arc<Pool>> {
    let mut management = management_urls(templates, listeners);
    let identity = options.engine.as_ref().map(|engine| engine.identity.clone()).unwrap_or_default();
    let mut pools = BTreeMap::new();
    for function in templates.iter().flat_map(|template| &template.functions) {
        let mut environment = environment.clone();
        if let Some(url) = management.remove(&function.logical_id) {
            environment.insert("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI".to_owned(), url);
        }
        let launch = Launch {
            function: function.clone(),
            program: programs.get(&function.binary).cloned().unwrap_or_default(),
            environment,
            identity: Credentials(identity.clone()),
            logs: options.logs.clone(),
        };
        let upstream = options.upstreams.get(&function.logical_id).cloned().map(Upstream::new);
        let pool = Pool::new(launch, options.clock.clone(), options.concurrency)
            .behind(upstream)
            .in_process(options.in_process.get(&function.binary).cloned());
        pools.insert(function.logical_id.clone(), Arc::new(pool));
    }
    pools
}

/// The binary of every function that no development server stands for.
pub(super) async fn programs(
    templates: &[Template],
    options: &Options,
) -> Result<BTreeMap<String, PathBuf>, BinariesError> {
    let workspace = absolute_parent(&options.template);
    let functions = templates.iter().flat_map(|template| &template.functions);
    let run = functions.filter(|function| {
        !options.upstreams.contains_key(&function.logical_id)
            && !options.in_process.contains_key(&function.binary)
    });
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

/// Where the links of mails lead, if nothing else is said: to the page here.
pub(super) fn own_app(templates: &[Template], listeners: &[Listener]) -> Option<(String, String)> {
    const NAME: &str = "APP_URL";
    let mut functions = templates.iter().flat_map(|template| &template.functions);
    let is_open = functions.any(|function| function.environment.get(NAME).is_some_and(String::is_empty));
    let (_, address) = listeners.first().filter(|_| is_open)?;
    Some((NAME.to_owned(), format!("http://{address}")))
}

/// What stands in the place of the authentication API's address, in an issuer's name: nobody knows its port before it listens.
const OWN_ADDRESS: &str = "<ApiUrl>";

/// Puts the address of the authentication API where its placeholder stands, as an issuer.
pub(super) fn name_own_address(templates: &mut [Template], listeners: &[Listener]) {
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
pub(super) fn variable(templates: &[Template], name: &str) -> String {
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
