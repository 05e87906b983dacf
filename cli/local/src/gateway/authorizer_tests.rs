//! The order of things around an authorizer; its process is `examples/puppet.rs`, which answers what its token says.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::logs::LogSink;
use crate::process::{Credentials, Launch};
use nova_template::Function;

pub(super) struct Bench {
    pub(super) guard: Guard,
    time: Arc<AtomicU64>,
    api: Api,
}

pub(super) fn bench(kind: AuthorizerKind, ttl_seconds: u64) -> Bench {
    let time = Arc::new(AtomicU64::new(1_000));
    let clock = Clock::Manual(time.clone());
    let exe = std::env::current_exe().unwrap();
    let function = Function {
        logical_id: "Puppet".to_owned(),
        binary: "puppet".to_owned(),
        code: None,
        timeout_seconds: 2,
        memory_megabytes: 128,
        environment: BTreeMap::new(),
    };
    let program = exe.parent().unwrap().parent().unwrap().join("examples/puppet");
    let (environment, identity, logs) = (BTreeMap::new(), Credentials::default(), LogSink::memory());
    let launch = Launch { function, program, environment, identity, logs };
    let pool = Arc::new(Pool::new(launch, clock.clone(), 1));
    let authorizer =
        Authorizer { function: "Puppet".to_owned(), kind, ttl_seconds, payload: Payload::One, simple: false };
    let api = Api {
        logical_id: "Api".to_owned(),
        kind: ApiKind::Rest,
        stage: "v1".to_owned(),
        routes: Vec::new(),
        authorizers: BTreeMap::new(),
        jwt_authorizers: BTreeMap::new(),
        responses: BTreeMap::new(),
    };
    Bench { guard: Guard::new(authorizer, pool, clock), time, api }
}

pub(super) fn token() -> AuthorizerKind {
    AuthorizerKind::Token { header: "Authorization".to_owned(), validation: None }
}

impl Bench {
    async fn decide(&self, path: &str, token: Option<&Value>) -> Result<Value, Refused> {
        let headers = token.map(|token| ("Authorization".to_owned(), token.to_string()));
        let call = Call {
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: headers.into_iter().collect(),
            ..Call::default()
        };
        let parameters = BTreeMap::new();
        let target =
            Target { api: &self.api, call: &call, resource: Some("/{proxy+}"), parameters: &parameters };
        self.guard.decide(&target).await
    }

    async fn refusal(&self, token: Option<&Value>) -> Refusal {
        self.decide("/a", token).await.unwrap_err().refusal
    }
}

fn allow(resource: &str) -> Value {
    let statement = json!({ "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource });
    json!({ "do": "say", "answer": {
        "principalId": "u", "policyDocument": { "Statement": [statement] }, "context": { "n": 1, "role": "admin" }
    } })
}

#[tokio::test]
async fn an_allow_passes_with_its_context_as_strings() {
    let context = bench(token(), 0).decide("/a", Some(&allow("*"))).await.unwrap();
    assert_eq!(context, json!({ "principalId": "u", "integrationLatency": 0, "n": "1", "role": "admin" }));
}

#[tokio::test]
async fn a_policy_that_does_not_cover_the_call_is_a_403_that_knows_the_context() {
    let refused = bench(token(), 0).decide("/a", Some(&allow("*/GET/b"))).await.unwrap_err();
    assert_eq!(refused.refusal, Refusal::AccessDenied { explicit: false });
    assert_eq!(refused.authorizer.unwrap()["role"], "admin");
}

#[tokio::test]
async fn exactly_unauthorized_is_a_401_and_any_other_failure_a_500() {
    let bench = bench(token(), 300);
    let fail = |message: &str| json!({ "do": "fail", "message": message });
    for (order, refusal) in [
        (fail("Unauthorized"), Refusal::Unauthorized),
        (fail("unauthorized"), Refusal::AuthorizerFailure),
        (fail("Unauthorized."), Refusal::AuthorizerFailure),
        (json!({ "do": "crash" }), Refusal::AuthorizerFailure),
        (json!({ "do": "hang" }), Refusal::AuthorizerFailure),
        (json!({ "do": "say", "answer": { "principalId": "u" } }), Refusal::AuthorizerConfigurationError),
    ] {
        assert_eq!(bench.refusal(Some(&order)).await, refusal, "{order}");
    }
}

#[tokio::test]
async fn without_its_identity_a_request_is_refused_and_nobody_is_asked() {
    let crash = json!({ "do": "crash" });
    let validation = Some(regex_lite::Regex::new("^(?:Bearer .+)$").unwrap());
    let token = AuthorizerKind::Token { header: "Authorization".to_owned(), validation };
    let bench_token = bench(token, 0);
    assert_eq!(bench_token.refusal(None).await, Refusal::Unauthorized);
    assert_eq!(bench_token.refusal(Some(&crash)).await, Refusal::Unauthorized);
    for source in [Identity::Header("X-Key".to_owned()), Identity::Query("k".to_owned())] {
        let bench = bench(AuthorizerKind::Request(vec![source]), 0);
        assert_eq!(bench.refusal(Some(&crash)).await, Refusal::Unauthorized);
    }
}

#[tokio::test]
async fn a_request_authorizer_without_sources_is_asked_about_everything() {
    let refused = bench(AuthorizerKind::Request(Vec::new()), 0).refusal(None).await;
    // The puppet takes the event for an HTTP request: that is no policy.
    assert_eq!(refused, Refusal::AuthorizerConfigurationError);
}

#[tokio::test]
async fn a_kept_result_is_used_until_its_time_is_over_and_judged_on_each_call() {
    let bench = bench(token(), 300);
    let order = allow("*/GET/a");
    bench.decide("/a", Some(&order)).await.unwrap();
    // From now on, asking again would fail.
    bench.guard.pool.stop().await;
    bench.decide("/a", Some(&order)).await.unwrap();
    let other = bench.decide("/b", Some(&order)).await.unwrap_err();
    assert_eq!(other.refusal, Refusal::AccessDenied { explicit: false });
    bench.time.store(300_999, Ordering::SeqCst);
    bench.decide("/a", Some(&order)).await.unwrap();
    bench.time.store(301_000, Ordering::SeqCst);
    assert_eq!(bench.refusal(Some(&order)).await, Refusal::AuthorizerFailure);
}

#[tokio::test]
async fn without_a_time_to_live_every_call_is_asked_about() {
    let bench = bench(token(), 0);
    let order = allow("*");
    bench.decide("/a", Some(&order)).await.unwrap();
    bench.guard.pool.stop().await;
    assert_eq!(bench.refusal(Some(&order)).await, Refusal::AuthorizerFailure);
}
