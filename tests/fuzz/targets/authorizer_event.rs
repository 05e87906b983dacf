//! Bytes as an authorizer's event: an answer whatever they are, and an Allow only for a good token.
//!
//! `REPLACE_WITH_ACCESS_TOKEN` in the input stands for a good token, which no fuzzer could make. Each answer is asked for again with a bad
//! token in its place: what was allowed before has to be refused now.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nova_auth::{app::Authorizer, authorizer};
use nova_auth_fuzz::{Tokens, config, moment, run};
use serde_json::Value;

const PLACE: &str = "REPLACE_WITH_ACCESS_TOKEN";

static TOKENS: LazyLock<Tokens> = LazyLock::new(Tokens::new);

/// One that answers policies, and one that answers HTTP APIs simply and reads tokens in queries.
static AUTHORIZERS: LazyLock<[Authorizer; 2]> = LazyLock::new(|| {
    let more = [("HTTP_RESPONSES", "simple"), ("WEBSOCKET_TOKEN_QUERY", "on")];
    let all = [config(&[]), config(&more)].map(|config| nova_auth_fuzz::authorizer(&TOKENS, &config));
    // What follows proves something only if a good token does open the door.
    let good = include_str!("../../../events/token-authorizer.rest.request.json");
    assert!(all.iter().all(|one| allows(one, good, &TOKENS.good()[0])), "a good token is refused");
    all
});

fuzz_target!(|event: &str| {
    for authorizer in AUTHORIZERS.iter() {
        for token in TOKENS.good() {
            if allows(authorizer, event, token) {
                let bad = [String::new(), "a.b.c".to_owned(), changed(token)];
                assert!(
                    event.contains(PLACE) && bad.iter().all(|bad| !allows(authorizer, event, bad)),
                    "allowed without a good token"
                );
            }
        }
    }
});

fn changed(token: &str) -> String {
    let (rest, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{rest}.{first}{}", &signature[1..])
}

fn allows(authorizer: &Authorizer, event: &str, token: &str) -> bool {
    let answer = run(authorizer::answer(authorizer, &event.replace(PLACE, token), &moment()));
    let Ok(answer) = answer else { return false };
    let answer = serde_json::to_value(&answer).unwrap();
    let effects = answer.pointer("/policyDocument/Statement").and_then(Value::as_array).into_iter().flatten();
    let policy_allows = effects.into_iter().any(|statement| statement["Effect"] == "Allow");
    policy_allows || answer["isAuthorized"] == true
}
