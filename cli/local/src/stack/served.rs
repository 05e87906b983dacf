//! The APIs: a port for each, the routes behind it, and the page in front of the first.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use nova_template::{Api, ApiKind, Template};

use super::StartError;
use super::functions::variable;
use super::ports::Listener;
use crate::documents::Documents;
use crate::gateway::{self, Connections, Issuers, Setup};
use crate::options::Options;
use crate::pool::Pool;
use crate::server::Server;
use crate::web::{Facts, Page};

/// The APIs, answering.
#[derive(Debug, Default)]
pub(super) struct Served {
    gateways: Vec<Server>,
    connections: Vec<Arc<Connections>>,
    /// The URL of each, by its logical id.
    pub(super) apis: Vec<(String, String)>,
}

impl Served {
    /// Serves every API of the templates at its port, in their order.
    pub(super) fn start(
        templates: Vec<Template>,
        listeners: Vec<Listener>,
        options: &Options,
        (pools, issuers): (&BTreeMap<String, Arc<Pool>>, &Issuers),
        (documents, objects): (Documents, Option<Router>),
    ) -> Result<Served, StartError> {
        let facts = facts(&templates, options);
        let (mut routed, mut served) = (Vec::new(), Served::default());
        for (api, listener) in templates.into_iter().flat_map(|template| template.apis).zip(listeners) {
            let open = Arc::new(Connections::default());
            routed.push((router(&api, &listener, options, pools, (open.clone(), issuers))?, api, listener));
            served.connections.push(open);
        }
        if options.page {
            add_page(&mut routed, documents, (facts, objects));
        }
        for (router, api, (listener, address)) in routed {
            let is_websocket = matches!(api.kind, ApiKind::WebSocket { .. });
            let server = Server::serve(listener, address, router);
            let url = server.url();
            let url = if is_websocket { url.replacen("http", "ws", 1) } else { url };
            served.apis.push((api.logical_id, url));
            served.gateways.push(server);
        }
        Ok(served)
    }

    /// Takes no new call.
    pub(super) fn close(&self) {
        for gateway in &self.gateways {
            gateway.close();
        }
        // A server does not wait for connections that were upgraded.
        for connections in &self.connections {
            connections.close_all();
        }
    }

    pub(super) async fn stop(self) {
        for gateway in self.gateways {
            gateway.stop().await;
        }
    }
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
