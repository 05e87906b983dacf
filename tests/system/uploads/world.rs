//! A system with the stack of uploads beside it, and somebody who may upload.

use std::time::Duration;

use nova_auth::aws::Clients;
use nova_auth::config::Config;
use nova_auth_uploads::rules::file;
use nova_auth_uploads::service::UploadStore;
use nova_auth_uploads::service::store::Row;
use nova_auth_uploads::upload::Verdict;
use nova_local::Options;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::files::declared;
use crate::support::binaries;
use crate::support::client::{Answer, Client};
use crate::support::stack::{Pair, System, User};

pub(crate) const PNG: &str = "image/png";
pub(crate) const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

pub(crate) struct World {
    pub(crate) system: System,
    pub(crate) client: Client,
    pub(crate) sara: User,
    pub(crate) pair: Pair,
}

pub(crate) fn beside(name: &str) -> String {
    let path = binaries::workspace().join("uploads").join(name);
    std::fs::read_to_string(path).unwrap()
}

impl World {
    /// With the rules that come with the stack.
    pub(crate) async fn new() -> World {
        World::start(|_| ()).await
    }

    /// The same, with the page.
    pub(crate) async fn with_page() -> World {
        World::start(|options| options.page = true).await
    }

    /// With queues for a scanner of one's own, which nobody is yet.
    pub(crate) async fn with_queues() -> World {
        World::start(|options| {
            let scanner = "arn:aws:iam::123456789012:role/scanner";
            let set = [("MalwareScan", "queue"), ("ScannerRoleArn", scanner)];
            options.attached_parameters.extend(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
        })
        .await
    }

    async fn start(change: impl FnOnce(&mut Options)) -> World {
        let template = binaries::workspace().join("uploads/template.yaml");
        let system = System::start_with(|options| {
            options.attach.push(template);
            change(options);
        })
        .await;
        system.store_rules("UploadsApi", &beside("rules.yaml")).await;
        let sara = system.user_who_may("sara", &["uploads:write"]).await;
        let client = Client::at(2);
        let pair = system.login(&client, &sara).await;
        let world = World { system, client, sara, pair };
        let source = beside("uploads.yaml");
        world.store().put_rules("default", &file::read(&source).unwrap(), &source).await.unwrap();
        world
    }

    pub(crate) fn store(&self) -> UploadStore {
        let settings = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.system.stack.dynamodb_url()),
        ];
        let config: Config = settings.into_iter().collect();
        let client = Clients::new(&config.aws().unwrap()).unwrap().dynamodb;
        UploadStore::new(client, "UploadsTable".to_owned())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.system.stack.api("UploadsApi").unwrap())
    }

    /// Asks for a form.
    pub(crate) async fn ask(&self, body: &Value) -> Answer {
        let request = self.client.request("POST", &self.url("/uploads")).bearer_auth(&self.pair.access);
        self.client.send(request.header("accept-language", "en").json(body)).await
    }

    /// Gets a form, and sends a file with it.
    pub(crate) async fn send(&self, purpose: &str, kind: &str, file: &[u8]) -> String {
        let granted = self.ask(&declared(purpose, kind, file)).await;
        granted.expect_status(201);
        assert_eq!(post(&granted, file, "a.bin").await, 201);
        granted.text("/data/uploadId")
    }

    pub(crate) async fn show(&self, id: &str, language: &str) -> Answer {
        let request = self.client.request("GET", &self.url(&format!("/uploads/{id}")));
        let request = request.bearer_auth(&self.pair.access).header("accept-language", language);
        self.client.send(request).await
    }

    /// The upload as it is stored.
    pub(crate) async fn row(&self, id: &str) -> Row {
        self.store().get(id.parse().unwrap()).await.unwrap().unwrap()
    }

    /// Waits until the inspection accepted an upload.
    pub(crate) async fn received(&self, id: &str) {
        let received = async {
            while self.row(id).await.upload.inspection != Some(Verdict::Yes) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), received).await.expect("it is inspected");
    }

    /// What becomes of an upload. The judges are functions that are called by events.
    pub(crate) async fn judged(&self, id: &str) -> Answer {
        let judged = async {
            loop {
                let shown = self.show(id, "en").await;
                if !["granted", "received"].contains(&shown.text("/data/state").as_str()) {
                    return shown;
                }
                tokio::task::yield_now().await;
            }
        };
        let judged = tokio::time::timeout(Duration::from_secs(120), judged).await;
        judged.unwrap_or_else(|_| panic!("{id} is not judged: {:?}", self.system.stack.told()))
    }

    /// Asks for a file, and does not follow where the answer leads.
    pub(crate) async fn content(&self, id: &str, token: &str) -> Answer {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let request = http.get(self.url(&format!("/uploads/{id}/content"))).bearer_auth(token);
        self.client.send_by(&http, request).await
    }
}

/// Sends a file with a form, as a browser does.
pub(crate) async fn post(granted: &Answer, file: &[u8], name: &str) -> u16 {
    let fields = granted.body["data"]["fields"].as_object().unwrap();
    let form = fields
        .iter()
        .fold(Form::new(), |form, (name, value)| form.text(name.clone(), value.as_str().unwrap().to_owned()));
    let form = form.part("file", Part::bytes(file.to_vec()).file_name(name.to_owned()));
    let sent = reqwest::Client::new().post(granted.text("/data/url")).multipart(form).send().await.unwrap();
    sent.status().as_u16()
}
