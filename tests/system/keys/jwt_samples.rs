//! A system beside a sample API whose own JWT authorizer takes our tokens, and the rings that its tests put.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use jiff::SignedDuration;
use nova_auth::app::start_time;
use nova_auth::keys::{KeyAlgorithm, KeyDocument, TokenKind};
use nova_local::{Clock, Options};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::published::put;
use super::vault::symmetric;
use crate::support::binaries;
use crate::support::client::{Answer, Client};
use crate::support::stack::{Pair, System, User};
use crate::support::tokens::part;

/// A sample: its template, and the API in it.
#[derive(Clone, Copy)]
pub(super) struct Sample(pub(super) &'static str, pub(super) &'static str);

pub(super) const HTTP: Sample = Sample("tests/consumer/jwt/template.yaml", "JwtNotesApi");
pub(super) const REST: Sample = Sample("tests/consumer/jwt-rest/template.yaml", "JwtRestApi");

/// The gateway's clock is ahead by this: no token is from its future, however long a test takes.
const AHEAD_MS: u64 = 60_000;

/// A system whose sample API has a JWT authorizer.
pub(super) struct Attached {
    pub(super) system: System,
    api: &'static str,
    /// The gateway's time.
    pub(super) time: Arc<AtomicU64>,
    pub(super) client: Client,
    pub(super) sara: User,
    /// Has the tables, and goes after the system.
    _data: TempDir,
}

impl Attached {
    /// Starts where this ring is in force already: what API Gateway looks up, it looks up when it is attached.
    pub(super) async fn start(
        sample: Sample,
        ring: Option<&KeyDocument>,
        change: impl FnOnce(&mut Options),
    ) -> Attached {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("nova.db");
        let before = System::start_with(|options| options.data = Some(file.clone())).await;
        if let Some(ring) = ring {
            put_ring(&before, ring.text().expose_secret()).await;
        }
        before.stop().await;
        let now = u64::try_from(start_time().as_millisecond()).unwrap();
        let time = Arc::new(AtomicU64::new(now + AHEAD_MS));
        let clock = Clock::Manual(time.clone());
        let system = System::start_with(|options| {
            options.data = Some(file);
            options.clock = clock;
            options.attach.push(binaries::workspace().join(sample.0));
            options.attached_parameters.insert("AuthIssuer".to_owned(), "<ApiUrl>".to_owned());
            for (name, value) in
                [("TokenIssuer", "<ApiUrl>"), ("KeyAlgorithm", "RS256"), ("Tickets", "enabled")]
            {
                options.parameters.insert(name.to_owned(), value.to_owned());
            }
            change(options);
        })
        .await;
        let sara = system.user("sara").await;
        Attached { system, api: sample.1, time, client: Client::at(2), sara, _data: data }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.system.stack.api(self.api).unwrap())
    }

    pub(super) async fn login(&self) -> Pair {
        self.system.login(&self.client, &self.sara).await
    }

    pub(super) async fn whoami(&self, token: Option<&str>) -> Answer {
        self.client.get(&self.url("/whoami"), token).await
    }

    #[track_caller]
    pub(super) fn passed(&self, answer: &Answer) {
        let user = answer.text("/data/token/claims/sub");
        assert_eq!((answer.status, &user), (200, &self.sara.id), "{}", answer.body);
    }

    pub(super) async fn takes(&self, token: &str) {
        self.passed(&self.whoami(Some(token)).await);
    }
}

pub(super) async fn put_ring(system: &System, ring: &str) {
    put(system.stack.secretsmanager_url(), "AccessKeysSecret", ring).await;
}

/// The ring of a stack before its first rotation.
pub(super) fn first() -> KeyDocument {
    KeyDocument::parse(&symmetric("access-1", 'a', ""), TokenKind::Access).unwrap()
}

pub(super) fn with(ring: KeyDocument, algorithm: KeyAlgorithm, signs_in: SignedDuration) -> KeyDocument {
    let now = start_time();
    ring.with_new_key(algorithm, now, now + signs_in).unwrap()
}

/// A ring with an RS256 key that signs.
pub(super) fn rs256() -> KeyDocument {
    with(first(), KeyAlgorithm::Rs256, SignedDuration::from_hours(-2))
}

/// The ring once its newest key signs.
pub(super) fn later(ring: &KeyDocument) -> String {
    let mut ring: Value = serde_json::from_str(ring.text().expose_secret()).unwrap();
    let newest = ring["keys"].as_array_mut().unwrap().last_mut().unwrap();
    newest["nbf"] = json!(start_time().as_second() - 10);
    ring.to_string()
}

pub(super) fn kid(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}
