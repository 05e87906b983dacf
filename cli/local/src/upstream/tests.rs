use super::*;

fn function(timeout_seconds: u64) -> Function {
    Function {
        logical_id: "App".to_owned(),
        binary: "app".to_owned(),
        code: None,
        timeout_seconds,
        memory_megabytes: 128,
        environment: BTreeMap::new(),
    }
}

/// A server that never says anything.
#[tokio::test]
async fn a_server_that_is_silent_is_given_up_after_the_functions_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::new(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
    let event = json!({ "httpMethod": "GET", "path": "/" }).to_string();
    let answer = upstream.attend(&function(0), &Clock::System, event.as_bytes()).await;
    assert!(matches!(answer, Err(InvokeError::Slow(0))), "{answer:?}");
}
