//! Against real processes: `examples/puppet.rs`, a function that does what its event says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use serde_json::{Value, json};

use super::{InvokeError, Pool};
use crate::clock::Clock;
use crate::logs::LogSink;
use crate::process::{Credentials, Launch};
use nova_template::Function;

fn pool(concurrency: usize, environment: &[(&str, &str)]) -> Arc<Pool> {
    let exe = std::env::current_exe().unwrap();
    let function = Function {
        logical_id: "Puppet".to_owned(),
        binary: "puppet".to_owned(),
        code: None,
        timeout_seconds: 2,
        memory_megabytes: 128,
        environment: environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    };
    let launch = Launch {
        function,
        program: exe.parent().unwrap().parent().unwrap().join("examples/puppet"),
        environment: BTreeMap::new(),
        identity: Credentials::default(),
        logs: LogSink::memory(),
    };
    Arc::new(Pool::new(launch, Clock::System, concurrency))
}

async fn call(pool: &Arc<Pool>, event: Value) -> Result<Value, InvokeError> {
    let answer = pool.invoke(Bytes::from(event.to_string())).await?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

#[tokio::test]
async fn a_process_is_used_again() {
    let pool = pool(10, &[]);
    let first = call(&pool, json!({ "do": "echo", "x": 1 })).await.unwrap();
    assert_eq!(first["event"]["x"], 1);
    let second = call(&pool, json!({ "do": "echo" })).await.unwrap();
    assert_eq!(first["pid"], second["pid"]);
    pool.stop().await;
}

#[tokio::test]
async fn a_process_that_ends_while_nobody_calls_takes_its_port_with_it() {
    let pool = pool(10, &[]);
    let pid = call(&pool, json!({ "do": "echo" })).await.unwrap()["pid"].clone();
    assert_eq!(pool.idle().len(), 1);
    let killed = tokio::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().await;
    assert!(killed.unwrap().success());
    let is_let_go = async {
        while !pool.idle().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    // A bound and no wait: without it a process that is kept would be a test that hangs.
    let in_time = tokio::time::timeout(Duration::from_secs(60), is_let_go).await;
    assert!(in_time.is_ok(), "the process is kept, and its port with it");
    pool.stop().await;
}

#[tokio::test]
async fn calls_beyond_the_concurrency_wait_for_a_free_process() {
    let pool = pool(1, &[]);
    let pid = async || call(&pool, json!({ "do": "echo" })).await.unwrap()["pid"].clone();
    let (a, b, c) = tokio::join!(pid(), pid(), pid());
    assert!(a == b && b == c, "{a} {b} {c}");
    pool.stop().await;
}

#[tokio::test]
async fn a_busy_process_gets_a_second_one_beside_it() {
    let pool = pool(2, &[]);
    let first = call(&pool, json!({ "do": "echo" })).await.unwrap()["pid"].clone();
    let (busy, second) = tokio::join!(call(&pool, json!({ "do": "hang" })), async {
        while !pool.idle().is_empty() {
            tokio::task::yield_now().await;
        }
        call(&pool, json!({ "do": "echo" })).await.unwrap()["pid"].clone()
    });
    assert!(matches!(busy, Err(InvokeError::Timeout(2))));
    assert_ne!(first, second);
    pool.stop().await;
}

#[tokio::test]
async fn an_error_of_the_function_comes_with_its_message_and_the_process_stays() {
    let pool = pool(1, &[]);
    let before = call(&pool, json!({ "do": "echo" })).await.unwrap();
    let error = call(&pool, json!({ "do": "fail", "message": "Unauthorized" })).await.unwrap_err();
    assert!(matches!(error, InvokeError::Function(error) if error.message == "Unauthorized"));
    assert_eq!(call(&pool, json!({ "do": "echo" })).await.unwrap()["pid"], before["pid"]);
    pool.stop().await;
}

#[tokio::test]
async fn after_a_crash_and_after_a_timeout_there_is_a_fresh_process() {
    let pool = pool(1, &[]);
    let mut seen = vec![call(&pool, json!({ "do": "echo" })).await.unwrap()["pid"].clone()];
    let error = call(&pool, json!({ "do": "crash" })).await.unwrap_err();
    assert!(matches!(&error, InvokeError::Crash(end) if end.contains("exit status: 7")), "{error}");
    seen.push(call(&pool, json!({ "do": "echo" })).await.unwrap()["pid"].clone());
    let error = call(&pool, json!({ "do": "hang" })).await.unwrap_err();
    assert!(matches!(error, InvokeError::Timeout(2)));
    seen.push(call(&pool, json!({ "do": "echo" })).await.unwrap()["pid"].clone());
    assert!(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2], "{seen:?}");
    assert!(pool.launch.logs.text().contains("puppet: no answer within 2 s; its process was ended"));
    pool.stop().await;
}

#[tokio::test]
async fn a_process_that_ends_before_its_first_event_says_why_in_the_log() {
    let pool = pool(1, &[("PUPPET_START", "fail")]);
    let error = call(&pool, json!({ "do": "echo" })).await.unwrap_err();
    assert!(matches!(error, InvokeError::Init(_)), "{error}");
    let text = pool.launch.logs.text();
    assert!(text.contains("puppet: it did not start: exit status: 3: IDENTITY_TABLE is not set"), "{text}");
    pool.stop().await;
}

#[tokio::test]
async fn stopping_ends_a_call_that_is_under_way() {
    let pool = pool(1, &[]);
    call(&pool, json!({ "do": "echo" })).await.unwrap();
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { call(&pool, json!({ "do": "hang" })).await }
    });
    while !pool.idle().is_empty() {
        tokio::task::yield_now().await;
    }
    pool.stop().await;
    assert!(matches!(waiting.await.unwrap(), Err(InvokeError::Stopping | InvokeError::Crash(_))));
    assert!(pool.watchers.lock().unwrap().is_empty());
}
