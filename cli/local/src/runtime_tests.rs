use super::*;

fn delivery(id: &str) -> Delivery {
    Delivery {
        request_id: id.to_owned(),
        event: Bytes::from_static(b"{\"a\":1}"),
        deadline_ms: 42,
        function_arn: "arn:f".to_owned(),
        trace_id: "Root=1-2-3".to_owned(),
    }
}

fn url(endpoint: &Endpoint, path: &str) -> String {
    format!("http://{}/2018-06-01/runtime/{path}", endpoint.address())
}

async fn post(endpoint: &Endpoint, path: &str, body: &str) -> u16 {
    let request = reqwest::Client::new().post(url(endpoint, path)).body(body.to_owned());
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn an_event_comes_with_its_headers_and_the_answer_goes_back() {
    let endpoint = Endpoint::open().await.unwrap();
    let outcome = endpoint.deliver(delivery("id-1")).await;
    let got = reqwest::get(url(&endpoint, "invocation/next")).await.unwrap();
    for (name, value) in [
        ("lambda-runtime-aws-request-id", "id-1"),
        ("lambda-runtime-deadline-ms", "42"),
        ("lambda-runtime-invoked-function-arn", "arn:f"),
        ("lambda-runtime-trace-id", "Root=1-2-3"),
    ] {
        assert_eq!(got.headers()[name], value);
    }
    assert_eq!(got.text().await.unwrap(), "{\"a\":1}");
    assert_eq!(endpoint.started().await, Start::Ready);
    assert_eq!(post(&endpoint, "invocation/id-1/response", "yes").await, 202);
    assert_eq!(outcome.await.unwrap(), Outcome::Response(Bytes::from_static(b"yes")));
}

#[tokio::test]
async fn an_answer_to_another_event_is_refused_and_does_no_harm() {
    let endpoint = Endpoint::open().await.unwrap();
    let outcome = endpoint.deliver(delivery("id-1")).await;
    assert_eq!(post(&endpoint, "invocation/id-0/response", "old").await, 400);
    let error = r#"{"errorType":"E","errorMessage":"Unauthorized"}"#;
    assert_eq!(post(&endpoint, "invocation/id-1/error", error).await, 202);
    let expected = FunctionError { kind: "E".to_owned(), message: "Unauthorized".to_owned() };
    assert_eq!(outcome.await.unwrap(), Outcome::Error(expected));
    assert_eq!(post(&endpoint, "invocation/id-1/response", "again").await, 400);
}

#[tokio::test]
async fn a_failed_start_is_reported_with_its_reason() {
    let endpoint = Endpoint::open().await.unwrap();
    let error = r#"{"errorType":"Config","errorMessage":"IDENTITY_TABLE is not set"}"#;
    assert_eq!(post(&endpoint, "init/error", error).await, 202);
    let Start::Failed(error) = endpoint.started().await else { panic!("it failed") };
    assert_eq!(error.message, "IDENTITY_TABLE is not set");
}

#[tokio::test]
async fn an_answer_beyond_the_limit_of_lambda_is_an_error_of_the_function() {
    let endpoint = Endpoint::open().await.unwrap();
    let outcome = endpoint.deliver(delivery("id-1")).await;
    let large = "x".repeat(MAX_ANSWER + 1);
    assert_eq!(post(&endpoint, "invocation/id-1/response", &large).await, 413);
    let Outcome::Error(error) = outcome.await.unwrap() else { panic!("it is an error") };
    assert_eq!(error.kind, "Function.ResponseSizeTooLarge");
}

/// Events have tokens and passwords in them.
#[tokio::test]
async fn no_page_of_a_browser_takes_an_event_of_a_function() {
    let endpoint = Endpoint::open().await.unwrap();
    let _outcome = endpoint.deliver(delivery("id-1")).await;
    let client = reqwest::Client::new();
    for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("host", "evil.example")] {
        let answer = client.get(url(&endpoint, "invocation/next")).header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{name}: {value}");
    }
    let own = client.get(url(&endpoint, "invocation/next")).send().await.unwrap();
    assert_eq!(own.headers()["lambda-runtime-aws-request-id"], "id-1");
}
