//! What happens before a function's first question for an event, part by part. Each is timed in processes of their own that do
//! nothing else, one part after the other, since most of it happens once in a process and never again. (A function reads keys
//! and table at the same time.)

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use nova_auth::app::{Authorizer, start_time};
use nova_auth::aws::Clients;
use nova_auth::config::Config;
use nova_auth::messages::{Language, message};
use nova_auth::telemetry;
use serde_json::{Value, json};

use super::sample::{Sample, Spread};
use super::scene::Scene;

/// Does the parts once, in this process, and says what each took, in milliseconds.
///
/// # Errors
/// One of them did not work.
pub(super) async fn once() -> Result<Value, Box<dyn Error>> {
    let mut took = serde_json::Map::new();
    let mut begun = Instant::now();
    let mut note = |part: &str| {
        took.insert(part.to_owned(), json!(begun.elapsed().as_secs_f64() * 1000.0));
        begun = Instant::now();
    };
    let config = Config::from_env();
    telemetry::start(config.stack_name());
    note("logging");
    let aws = config.aws()?;
    note("configuration");
    let clients = Clients::new(&aws)?;
    note("clients and TLS");
    let service = Authorizer::new(&config, &clients)?;
    service.access.ready(start_time()).await?;
    note("keys, read and checked");
    service.store.warm_up().await?;
    note("connection to the tables");
    for language in [Language::Arabic, Language::English] {
        drop(message("FORBIDDEN", language, &[]));
    }
    note("messages, both languages");
    Ok(took.into())
}

/// Has so many processes do it.
///
/// # Errors
/// One of them failed.
pub(super) async fn measure(scene: &Scene, runs: usize) -> Result<BTreeMap<String, Spread>, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let mut samples = BTreeMap::<String, Sample>::new();
    for _ in 0..runs {
        let child = tokio::process::Command::new(&program)
            .args(["bench", "--init-parts"])
            .env_clear()
            .envs(scene.bench.environment("token-authorizer"))
            .envs([
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "local"),
                ("AWS_SECRET_ACCESS_KEY", "local"),
            ])
            .kill_on_drop(true)
            .output()
            .await?;
        let took: BTreeMap<String, f64> = serde_json::from_slice(&child.stdout)?;
        for (part, ms) in took {
            samples.entry(part).or_default().add_ms(ms);
        }
    }
    Ok(samples.into_iter().filter_map(|(part, sample)| Some((part, sample.spread()?))).collect())
}
