//! What the pure rules cost. `cargo bench -p nova-auth-domain` measures them as they ship, in the release profile.

#![allow(clippy::unwrap_used, reason = "a measurement of something that does not work is none")]

use std::hint::black_box;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use nova_auth_domain::attempts::{Entry, Limit, Quota, Window};
use nova_auth_domain::claims::{self, AccessClaims, Expected};
use nova_auth_domain::jws::{ACCESS_TYP, Unverified};
use nova_auth_domain::moment::{Moment, RequestId};
use nova_auth_domain::policy::MethodArn;
use nova_auth_domain::rules::{Access, Asking, Caching, Route, Rule, Rules};
use nova_auth_domain::user::Profile;
use serde_json::json;

const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";

fn now() -> Timestamp {
    Timestamp::from_second(1_795_512_600).unwrap()
}

fn profile() -> Profile {
    let permissions: Vec<String> = (0..20).map(|n| format!("feature-{n}:read")).collect();
    serde_json::from_value(json!({
        "userId": ID, "email": "sara@example.com", "name": "Sara", "role": "user", "status": "active",
        "permissions": permissions, "epoch": 1, "createdAt": now(), "passwordChangedAt": now(),
    }))
    .unwrap()
}

/// A file of that many rules, of the kinds that such files have; this user may call a fifth of it.
fn rules(number: u32, caching: Caching) -> Rules {
    let rule = |n: u32| {
        let (path, access) = match n % 5 {
            0 => ("", json!({"permission": format!("feature-{}:read", n % 20)})),
            1 => ("/{id}", json!({"permission": format!("feature-{n}:write")})),
            2 => ("/{id}/parts", json!({"roles": ["admin", "editor"]})),
            3 => ("/search", json!({"permission": "feature-x:read", "addresses": ["10.0.0.0/8"]})),
            _ => ("/admin/*", json!({"roles": ["admin"]})),
        };
        Rule {
            line: n,
            route: Route::parse(&format!("GET /resource-{n}{path}")).unwrap(),
            access: serde_json::from_value::<Access>(access).unwrap(),
        }
    };
    // The last one is the one that is called.
    let last = Rule { line: number, route: Route::parse("GET /notes").unwrap(), access: Access::default() };
    Rules { rules: (1..number).map(rule).chain([last]).collect(), caching }
}

fn tokens(c: &mut Criterion) {
    let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = encode(json!({"typ": ACCESS_TYP, "alg": "HS256", "kid": "access-1"}));
    let payload = json!({
        "iss": "nova-crm", "aud": "nova-api", "sub": ID, "iat": now().as_second(), "exp": now().as_second() + 900,
        "jti": ID, "sid": ID, "email": "sara@example.com", "role": "user",
    });
    let token = format!("{header}.{}.{}", encode(payload.clone()), URL_SAFE_NO_PAD.encode([7; 32]));
    let expected = Expected::only("nova-crm", "nova-api");
    let payload = payload.to_string();
    let mut group = c.benchmark_group("token");
    group.bench_function("take apart", |b| {
        b.iter(|| Unverified::parse(black_box(&token), ACCESS_TYP).unwrap());
    });
    group.bench_function("claims", |b| {
        b.iter(|| claims::read::<AccessClaims>(black_box(payload.as_bytes()), &expected, now()).unwrap());
    });
    group.finish();
}

fn policies(c: &mut Criterion) {
    const ARN: &str = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/v1/GET/notes";
    let method = MethodArn::parse(ARN).unwrap();
    let profile = profile();
    let asking = Asking { user: Some(&profile), address: None, shown: None };
    for number in [10, 100, 1000] {
        let rules = rules(number, Caching::Allowed);
        let mut group = c.benchmark_group("rules");
        group.bench_function(BenchmarkId::new("verdict", number), |b| {
            b.iter(|| rules.decide(black_box(method.method), Some("/notes"), black_box(method.path), asking));
        });
        group.bench_function(BenchmarkId::new("policy", number), |b| {
            b.iter(|| black_box(&rules).grant(method, asking, true));
        });
        let policy = rules.grant(method, asking, true);
        group.bench_function(BenchmarkId::new("policy held against the call", number), |b| {
            b.iter(|| black_box(&policy).allows(black_box(ARN)));
        });
        group.finish();
    }
    let uncached = rules(100, Caching::Never);
    c.bench_function("rules/policy of one call", |b| {
        b.iter(|| black_box(&uncached).grant(method, asking, true));
    });
}

fn counters(c: &mut Criterion) {
    let limit = Limit { max: 5, window: SignedDuration::from_mins(15) };
    let moment = Moment { now: now(), request: RequestId::new(ID) };
    let entries = (0..5).map(|_| Entry::new(&moment).as_str().to_owned()).collect();
    let window = Window { entries, ends: now() + limit.window };
    c.bench_function("counters/entry of an attempt", |b| b.iter(|| Entry::new(black_box(&moment))));
    c.bench_function("counters/what a window says", |b| {
        b.iter(|| {
            let window = black_box(&window);
            (Quota::of("account", window, limit, now()), window.has_entries_in_flight(now()))
        });
    });
}

criterion_group!(benches, tokens, policies, counters);
criterion_main!(benches);
