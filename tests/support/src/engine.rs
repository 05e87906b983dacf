//! The DynamoDB that the tests run on: the one in this process, or Amazon's own where `NOVA_TEST_DYNAMODB` says where it listens
//! (`tests/amazon`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use nova_local::{Engine, Storage};
use nova_template::{Table, Template};

use crate::proxy::Proxy;

/// Whether the tests run on Amazon's engine. It counts capacity in its own way, and has nothing of `nova local`'s own.
pub fn is_amazons() -> bool {
    url().is_some()
}

#[expect(clippy::disallowed_methods, reason = "it is a setting of the tests, and of no function")]
fn url() -> Option<String> {
    std::env::var("NOVA_TEST_DYNAMODB").ok().filter(|url| !url.is_empty())
}

/// Amazon's engine, with tables that no other test sees: started without `-sharedDb` it keeps those of each access key apart.
/// Everybody in a test, functions and commands alike, reaches it through one address, which calls with that test's key.
pub async fn of_one_test() -> Option<Engine> {
    static TESTS: AtomicU32 = AtomicU32::new(0);
    let url = url()?;
    // Letters and digits alone, or it refuses the call.
    let key = format!("test{}x{}", std::process::id(), TESTS.fetch_add(1, Ordering::Relaxed));
    let proxy = Proxy::with_key(&key).await;
    proxy.forward_to(&url);
    let engine = Engine::on_this_machine(proxy.url().parse().unwrap());
    // The functions keep the keys that they have without an engine, by which a test can tell who called.
    Some(Engine { identity: BTreeMap::new(), ..engine })
}

/// The tables of one test that needs nothing else. What has expired stays: such a test brings its own time.
pub async fn storage(template: &Path) -> Storage {
    let tables = tables(template);
    match of_one_test().await {
        Some(engine) => Storage::in_engine(engine, &tables).await,
        None => Storage::in_memory(&tables).await,
    }
    .unwrap()
}

/// The tables of a template, which is read once: that takes longer than most tests.
fn tables(template: &Path) -> Vec<Table> {
    static READ: Mutex<BTreeMap<PathBuf, Vec<Table>>> = Mutex::new(BTreeMap::new());
    let mut read = READ.lock().unwrap();
    let tables = read.entry(template.to_owned());
    tables.or_insert_with(|| Template::load_alone(template).unwrap().tables).clone()
}
