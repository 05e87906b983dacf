//! What stands in for AWS's services: secrets, queues and buses, mail, Lambda's own API, and buckets where a template has some.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use nova_template::{Secret, Template};

use super::StartError;
use crate::guard::by_own_name;
use crate::invoke::Functions;
use crate::mail::Mailbox;
use crate::objects::Objects;
use crate::options::Options;
use crate::pool::Pool;
use crate::secrets::{self, Rotators};
use crate::server::{Server, bind};
use crate::sources::Sources;
use crate::storage::Storage;

/// The document that says where the stand-ins for SQS, EventBridge, SES and Lambda listen.
const SERVICES: &str = "services-url";
/// The one that says where the buckets are.
const OBJECTS: &str = "objects-url";

/// All of them, listening. They know no function yet: whoever they call has to be told first where they are.
#[derive(Debug)]
pub(super) struct StandIns {
    secrets: Server,
    secrets_url: String,
    kept: Vec<Secret>,
    rotators: Rotators,
    sources: Sources,
    functions: Functions,
    services: Server,
    buckets: Option<Buckets>,
}

/// The buckets. They end after whoever serves them.
#[derive(Debug)]
struct Buckets {
    server: Server,
    router: Router,
    _objects: Objects,
}

impl StandIns {
    pub(super) async fn start(
        templates: &[Template],
        options: &Options,
        storage: &Storage,
    ) -> Result<StandIns, StartError> {
        let (documents, clock) = (storage.documents(), &options.clock);
        let kept: Vec<_> = templates.iter().flat_map(|template| template.secrets.clone()).collect();
        let rotators = Rotators::default();
        let secrets = secrets::start(&kept, documents.clone(), clock.clone(), rotators.clone()).await?;
        let secrets_url = secrets.url();
        storage.note(secrets::ADDRESS, &secrets_url).await?;

        let (sources, functions) = (Sources::new(templates), Functions::default());
        let mailbox = Mailbox::new(documents.clone());
        let calls = sources.router(clock).merge(mailbox.router(clock)).merge(functions.router());
        let (listener, address) = bind(0, "--port").await?;
        let services = Server::serve(listener, address, calls);
        documents.put(SERVICES, &services.url())?;
        storage.note(SERVICES, &services.url()).await?;

        let buckets = buckets(templates, options, &sources).await?;
        if let Some(buckets) = &buckets {
            storage.note(OBJECTS, &buckets.server.url()).await?;
        }
        Ok(StandIns { secrets, secrets_url, kept, rotators, sources, functions, services, buckets })
    }

    /// The variables by which the SDK finds them.
    pub(super) fn environment(&self) -> BTreeMap<String, String> {
        let services =
            ["SQS", "EVENTBRIDGE", "SESV2", "LAMBDA"].map(|service| (service, self.services.url()));
        let secrets = ("SECRETS_MANAGER", self.secrets_url.clone());
        let objects = self.objects_url().map(|url| ("S3", url));
        let all = services.into_iter().chain([secrets]).chain(objects);
        all.map(|(service, url)| (format!("AWS_ENDPOINT_URL_{service}"), url)).collect()
    }

    /// Tells them which functions there are: those that rotate secrets, those that may be invoked by name, and those that queues,
    /// streams and buses call from now on.
    pub(super) fn begin(
        &mut self,
        templates: &[Template],
        pools: &BTreeMap<String, Arc<Pool>>,
        options: &Options,
        storage: &Storage,
    ) {
        let rotated = self.kept.iter().filter_map(|secret| {
            let function = pools.get(secret.rotation.as_ref()?)?;
            Some((secret.arn.clone(), Arc::clone(function)))
        });
        self.rotators.set(rotated.collect());
        self.functions.set(pools.clone());
        self.sources.begin(templates, pools, &storage.documents(), &options.clock, &options.logs);
    }

    pub(super) fn secrets_url(&self) -> &str {
        &self.secrets_url
    }

    pub(super) fn services_url(&self) -> String {
        self.services.url()
    }

    pub(super) fn objects_url(&self) -> Option<String> {
        self.buckets.as_ref().map(|buckets| buckets.server.url())
    }

    /// The buckets' routes, for the page.
    pub(super) fn objects(&self) -> Option<Router> {
        self.buckets.as_ref().map(|buckets| buckets.router.clone())
    }

    /// What went over queues and buses lately.
    pub(super) fn passed(&self) -> Vec<String> {
        self.sources.passed()
    }

    /// No function is called any more, though what functions call still answers.
    pub(super) fn call_nobody(&mut self) {
        self.sources.stop();
    }

    pub(super) async fn stop(self) {
        self.services.stop().await;
        if let Some(buckets) = self.buckets {
            buckets.server.stop().await;
        }
        self.secrets.stop().await;
    }
}

async fn buckets(
    templates: &[Template],
    options: &Options,
    sources: &Sources,
) -> Result<Option<Buckets>, StartError> {
    let Some(objects) = Objects::open(templates, options.data.as_deref(), &options.clock)? else {
        return Ok(None);
    };
    let (listener, address) = bind(0, "--port").await?;
    let router = objects.router(sources.buses(), &options.clock, &options.logs);
    let guarded = router.clone().layer(axum::middleware::from_fn(by_own_name));
    let server = Server::serve(listener, address, guarded);
    Ok(Some(Buckets { server, router, _objects: objects }))
}
