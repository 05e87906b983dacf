//! What a warm function computes by itself. `cargo bench -p nova-auth` measures it as it ships, in the release profile.
//!
//! DynamoDB and Secrets Manager answer from memory, with no socket between: `decision/all` is the whole answer of the
//! authorizer with the SDK's part (signing, writing, reading) in it, `decision/the call alone` is that part, and
//! `decision/own` is what the authorizer does beside it, step by step.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a measurement of something that does not work is none"
)]

use std::collections::BTreeMap;
use std::hint::black_box;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use nova_auth::app::Authorizer;
use nova_auth::authorizer::{AuthorizerEvent, Called, answer};
use nova_auth::aws::{Clients, dynamodb_config};
use nova_auth::config::Config;
use nova_auth::domain::context::Context;
use nova_auth::domain::moment::{Moment, RequestId};
use nova_auth::domain::policy::MethodArn;
use nova_auth::domain::refusal::{Fault, FieldFault, Refusal};
use nova_auth::domain::rules::{Asking, Caching, Route, Rule, Rules};
use nova_auth::domain::session::Session;
use nova_auth::domain::user::Profile;
use nova_auth::flows::authorize::Credential;
use nova_auth::http::Answer;
use nova_auth::http::error::Problem;
use nova_auth::keys::{AccessTokens, KeyAlgorithm, KeyCache, KeyDocument, Token, TokenKind};
use nova_auth::messages::Language;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";
const EVENT: &str = include_str!("../../events/token-authorizer.rest.request.json");

fn now() -> Timestamp {
    Timestamp::from_second(1_795_512_600).unwrap()
}

fn moment() -> Moment {
    Moment { now: now(), request: RequestId::new(ID) }
}

/// Answers every call with the same text.
#[derive(Debug, Clone)]
struct Always(String);

impl HttpClient for Always {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Always {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let answer = SdkBody::from(self.0.clone().into_bytes());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(200.try_into().unwrap(), answer)))
    }
}

fn profile() -> Profile {
    serde_json::from_value(json!({
        "userId": ID, "email": "sara@example.com", "name": "Sara", "role": "user", "status": "active",
        "permissions": ["notes:read", "notes:write"], "epoch": 1, "createdAt": now(), "passwordChangedAt": now(),
    }))
    .unwrap()
}

fn session() -> Session {
    let (start, end) = (now().as_millisecond(), now().as_millisecond() + 86_400_000);
    serde_json::from_value(json!({
        "userId": ID, "sessionId": ID, "state": "active", "epoch": 1, "delivery": "body", "generation": 3,
        "current": "A".repeat(43), "rotatedAt": start, "rotationKid": "refresh-1", "idleEnd": end,
        "rotationRequest": ID, "device": {"userAgent": "Mozilla/5.0", "ip": "192.0.2.10"}, "createdAt": start,
        "absoluteEnd": end,
    }))
    .unwrap()
}

/// Ten rules, as an API of some size has; the last one is the one that is called.
fn rules() -> Rules {
    let texts = [
        ("GET /health", json!({})),
        ("GET /notes", json!({"permission": "notes:read"})),
        ("POST /notes", json!({"permission": "notes:write"})),
        ("GET /notes/*", json!({"permission": "notes:read"})),
        ("GET /reports", json!({"roles": ["admin", "editor"]})),
        ("POST /reports", json!({"roles": ["admin"]})),
        ("ANY /admin/*", json!({"roles": ["admin"]})),
        ("GET /search", json!({})),
        ("GET /profile", json!({})),
        ("GET /whoami", json!({})),
    ];
    let rule = |(line, (route, access)): (u32, (&str, Value))| Rule {
        line,
        route: Route::parse(route).unwrap(),
        access: serde_json::from_value(access).unwrap(),
    };
    Rules { rules: (1..).zip(texts).map(rule).collect(), caching: Caching::Allowed }
}

fn attribute(value: AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::Ss(set) => json!({"SS": set}),
        AttributeValue::Bool(is_so) => json!({"BOOL": is_so}),
        AttributeValue::L(items) => json!({"L": items.into_iter().map(attribute).collect::<Vec<_>>()}),
        AttributeValue::M(members) => {
            json!({"M": members.into_iter().map(|(name, value)| (name, attribute(value))).collect::<BTreeMap<_, _>>()})
        }
        other => panic!("no row of ours has {other:?}"),
    }
}

fn row(sk: &str, value: &impl serde::Serialize) -> Value {
    let item: std::collections::HashMap<String, AttributeValue> = serde_dynamo::to_item(value).unwrap();
    let mut row: BTreeMap<String, Value> =
        item.into_iter().map(|(name, value)| (name, attribute(value))).collect();
    row.insert("pk".to_owned(), json!({"S": format!("USER#{ID}")}));
    row.insert("sk".to_owned(), json!({"S": sk}));
    json!(row)
}

/// An authorizer whose keys are of this algorithm, and a token of it.
struct Warm {
    authorizer: Authorizer,
    token: Token,
}

fn secret(algorithm: KeyAlgorithm) -> String {
    let first = r#"{"kty":"oct","alg":"HS256","kid":"access-1","k":"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9nO2qR5tU8wX1zA4cD7fG0iJ3l"}"#;
    let document = KeyDocument::parse(first, TokenKind::Access).unwrap();
    if algorithm == KeyAlgorithm::Hs256 {
        return document.text().expose_secret().to_owned();
    }
    let document = document.with_new_key(algorithm, now(), now()).unwrap().without(&["access-1".to_owned()]);
    document.text().expose_secret().to_owned()
}

fn warm(runtime: &tokio::runtime::Runtime, algorithm: KeyAlgorithm) -> Warm {
    let variables = BTreeMap::from([
        ("IDENTITY_TABLE", "identity"),
        ("SESSIONS_TABLE", "sessions"),
        ("ACCESS_KEYS_SECRET", "access"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
    ]);
    let config = variables.into_iter().collect::<Config>();
    let rows = json!({"Responses": {
        "identity": [row("PROFILE", &profile())],
        "sessions": [row(&format!("SESSION#{ID}"), &session())],
    }});
    let tables = SharedHttpClient::new(Always(rows.to_string()));
    let keys = json!({"Name": "access", "SecretString": secret(algorithm)}).to_string();
    let secrets = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(aws_sdk_secretsmanager::config::BehaviorVersion::latest())
        .region(aws_sdk_secretsmanager::config::Region::new("eu-central-1"))
        .credentials_provider(aws_sdk_secretsmanager::config::Credentials::new("a", "b", None, None, "bench"))
        .http_client(SharedHttpClient::new(Always(keys)));
    let clients = Clients {
        dynamodb: aws_sdk_dynamodb::Client::from_conf(
            dynamodb_config(&config.aws().unwrap(), tables).build(),
        ),
        secrets_manager: aws_sdk_secretsmanager::Client::from_conf(secrets.build()),
    };
    let authorizer = Authorizer::new(&config, &clients).unwrap();
    let keys = KeyCache::new(clients.secrets_manager.clone(), "access", TokenKind::Access);
    let issuer = AccessTokens::new(keys, config.token_names().unwrap());
    let lifetimes = config.lifetimes().unwrap();
    let issued = runtime.block_on(issuer.issue(&profile(), &session(), &lifetimes, now())).unwrap();
    Warm { authorizer, token: issued.token }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn verify(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("verify");
    for algorithm in KeyAlgorithm::ALL {
        let Warm { authorizer, token } = warm(&runtime, algorithm);
        group.bench_function(BenchmarkId::from_parameter(algorithm.name()), |b| {
            b.iter(|| runtime.block_on(authorizer.access.verify(black_box(&token), now())).unwrap());
        });
    }
    group.finish();
}

/// What the authorizer does beside its call: the event is read, the token verified, the rules asked, the policy made and
/// held against the call, the answer written.
async fn own(event: &str, authorizer: &Authorizer, rules: &Rules, profile: &Profile) -> String {
    let event = AuthorizerEvent::read(event, &authorizer.edge).unwrap();
    let Called::Method { arn, resource } = &event.called else { panic!("no method") };
    let method = MethodArn::parse(arn).unwrap();
    let Ok(Some(Credential::Access(token))) = &event.credential else { panic!("no token") };
    let verified = authorizer.access.verify(token, now()).await.unwrap();
    assert!(!verified.expired);
    let asking = Asking { user: Some(profile), address: event.address, shown: None };
    let verdict = rules.decide(method.method, resource.as_deref(), method.path, asking);
    let policy = rules.grant(method, asking, verdict.is_allowed());
    assert!(verdict.is_allowed() && policy.allows(method.text));
    let context = Context {
        user_id: Some(profile.id.to_string()),
        email: Some(profile.email.as_str().to_owned()),
        role: Some(profile.role.as_str().to_owned()),
        session_id: Some(verified.claims.sid.to_string()),
        ..Context::default()
    };
    let policy = serde_json::to_string(&policy).unwrap();
    format!("{policy}{}", serde_json::to_string(&context).unwrap())
}

fn decision(c: &mut Criterion) {
    let runtime = runtime();
    let Warm { authorizer, token } = warm(&runtime, KeyAlgorithm::Hs256);
    let event = EVENT.replace("REPLACE_WITH_ACCESS_TOKEN", token.expose());
    let rules = authorizer.rules.keep("EXAMPLEAPI", rules(), now());
    let (profile, session) = (profile(), session().session_id);
    let mut group = c.benchmark_group("decision");
    group.bench_function("own", |b| {
        b.iter(|| runtime.block_on(own(black_box(&event), &authorizer, &rules, &profile)));
    });
    group.bench_function("the event", |b| {
        b.iter(|| AuthorizerEvent::read(black_box(&event), &authorizer.edge).unwrap());
    });
    group.bench_function("the call alone", |b| {
        b.iter(|| runtime.block_on(authorizer.store.facts(profile.id, session, None)).unwrap());
    });
    group.bench_function("all", |b| {
        b.iter(|| {
            let answer = runtime.block_on(answer(&authorizer, black_box(&event), &moment())).unwrap();
            serde_json::to_string(&answer).unwrap()
        });
    });
    group.finish();
}

fn envelope(c: &mut Criterion) {
    let mut group = c.benchmark_group("envelope");
    group.bench_function("data", |b| {
        b.iter(|| Answer::data(json!({"accessToken": ID, "expiresIn": 900})).render(Language::English, ID));
    });
    group.bench_function("message", |b| {
        b.iter(|| Answer::message("LOGGED_OUT").render(black_box(Language::Arabic), ID));
    });
    group.bench_function("refusal", |b| {
        let faults = vec![
            FieldFault { field: "email", fault: Fault::Required },
            FieldFault { field: "password", fault: Fault::PasswordTooShort(8) },
        ];
        let problem = Problem::Refused(Refusal::Invalid(faults));
        b.iter(|| problem.render(black_box(Language::Arabic), ID));
    });
    group.finish();
}

criterion_group!(benches, verify, decision, envelope);
criterion_main!(benches);
