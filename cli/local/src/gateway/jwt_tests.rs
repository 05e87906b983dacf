use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

const NOW: u64 = 1_800_000_000;

fn guard() -> JwtGuard {
    JwtGuard {
        authorizer: JwtAuthorizer {
            source: Identity::Header("Authorization".to_owned()),
            issuers: vec![JwtIssuer {
                name: "https://auth.example.com".to_owned(),
                audience: vec!["nova-api".to_owned(), "other-api".to_owned()],
                claims: Vec::new(),
            }],
            algorithms: vec!["RS256".to_owned()],
            scopes: Vec::new(),
        },
        algorithms: vec![Algorithm::RS256],
        keys: vec![Arc::default()],
        clock: Clock::manual(NOW * 1000),
        is_rest: false,
    }
}

fn rest_guard() -> JwtGuard {
    JwtGuard { is_rest: true, ..guard() }
}

fn found(guard: &JwtGuard, change: &Value) -> Option<Denied> {
    guard.fits(&guard.authorizer.issuers[0], &claims(change), NOW * 1000).err()
}

fn claims(change: &Value) -> Claims {
    let mut claims = json!({
        "iss": "https://auth.example.com", "aud": "nova-api", "client_id": "nova-auth", "iat": NOW, "exp": NOW + 1,
    });
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims.as_object().unwrap().clone()
}

#[test]
fn a_token_is_taken_from_its_issuer_for_its_audience_and_in_its_time() {
    let (issuer, audience) =
        ("the token does not have a valid issuer", "the token does not have a valid audience");
    let (over, early) = ("the token has expired", "the token is not valid yet");
    for (change, said) in [
        (json!({}), None),
        (json!({ "aud": ["x", "other-api"] }), None),
        (json!({ "aud": null, "client_id": "nova-api" }), None),
        (json!({ "nbf": NOW }), None),
        (json!({ "iat": null }), None),
        (json!({ "iss": "https://auth.example.com/" }), Some(issuer)),
        (json!({ "iss": null }), Some(issuer)),
        (json!({ "aud": "nova-crm" }), Some(audience)),
        (json!({ "aud": [] }), Some(audience)),
        (json!({ "aud": null }), Some(audience)),
        // Where there is an `aud`, it alone counts.
        (json!({ "aud": "nova-crm", "client_id": "nova-api" }), Some(audience)),
        (json!({ "exp": NOW }), Some(over)),
        (json!({ "exp": null }), Some(over)),
        (json!({ "exp": "1900000000" }), Some(over)),
        (json!({ "iat": NOW + 1 }), Some(early)),
        (json!({ "nbf": NOW + 1 }), Some(early)),
        (json!({ "nbf": "soon" }), Some(early)),
    ] {
        assert_eq!(found(&guard(), &change), said.map(Denied::Invalid), "{change}");
        // A REST API goes by `aud` alone: AWS says of no other claim that it does.
        let by_client = change == json!({ "aud": null, "client_id": "nova-api" });
        let said = if by_client { Some(audience) } else { said };
        assert_eq!(found(&rest_guard(), &change), said.map(Denied::Invalid), "REST: {change}");
    }
}

#[test]
fn a_rest_api_asks_for_the_other_claims_that_its_template_names() {
    let mut guard = rest_guard();
    let asked = |name: &str, value: Option<&str>, required| JwtClaim {
        name: name.to_owned(),
        value: value.map(str::to_owned),
        required,
    };
    guard.authorizer.issuers[0].claims = vec![
        asked("client_id", Some("nova-auth"), true),
        asked("tenant", Some("north"), false),
        asked("sid", None, true),
    ];
    for (change, fits) in [
        (json!({ "sid": "s" }), true),
        (json!({ "sid": "s", "tenant": "north" }), true),
        (json!({ "sid": "s", "tenant": "North" }), false),
        (json!({ "sid": "s", "tenant": ["north"] }), false),
        (json!({ "sid": "s", "client_id": null }), false),
        (json!({ "sid": "s", "client_id": "another" }), false),
        (json!({ "sid": 7 }), false),
        (json!({}), false),
    ] {
        let denied = Denied::Invalid("the token does not have a required claim");
        assert_eq!(found(&guard, &change), (!fits).then_some(denied), "{change}");
    }
}

/// A token of these claims that nobody signed.
fn unsigned(claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.AA", part(r#"{"alg":"RS256","kid":"k"}"#), part(claims))
}

#[test]
fn of_several_issuers_only_the_one_that_the_token_names_to_the_letter_vouches_for_it() {
    let mut guard = rest_guard();
    let other = JwtIssuer {
        name: "https://other.example.com".to_owned(),
        audience: vec!["theirs".to_owned()],
        claims: Vec::new(),
    };
    guard.authorizer.issuers.push(other);
    guard.keys.push(Arc::default());
    for (said, named) in [
        (r#"{"iss":"https://auth.example.com"}"#, Ok("https://auth.example.com")),
        (r#"{"iss":"https://other.example.com"}"#, Ok("https://other.example.com")),
        (r#"{"iss":"https://other.example.com/"}"#, Err("the token does not have a valid issuer")),
        (r#"{"iss":["https://other.example.com"]}"#, Err("the token does not have a valid issuer")),
        ("{}", Err("the token does not have a valid issuer")),
        ("[]", Err("the token can not be read")),
    ] {
        let found = guard.issuer(&unsigned(said)).map(|(issuer, _)| issuer.name.as_str());
        assert_eq!(found, named.map_err(Denied::Invalid), "{said}");
    }
    // The audience of one issuer is not another's.
    let theirs = claims(&json!({ "iss": "https://other.example.com" }));
    let denied = guard.fits(&guard.authorizer.issuers[1], &theirs, NOW * 1000);
    assert_eq!(denied, Err(Denied::Invalid("the token does not have a valid audience")));
}

#[tokio::test]
async fn a_rest_api_takes_no_token_by_another_algorithm_than_its_template_lists() {
    let sent = |token: String| Call {
        headers: vec![("Authorization".to_owned(), format!("Bearer {token}"))],
        ..Call::default()
    };
    let call = sent(unsigned(r#"{"iss":"https://auth.example.com"}"#));
    let mut guard = rest_guard();
    // It gets as far as the keys, and there are none.
    let listed = guard.check(&call, &[]).await;
    assert_eq!(listed, Err(Denied::Invalid("the issuer's keys can not be fetched")));
    guard.algorithms = vec![Algorithm::ES256];
    let unlisted = guard.check(&call, &[]).await;
    assert_eq!(unlisted, Err(Denied::Invalid("the token's signing method is not supported")));
}

#[test]
fn a_token_is_found_alone_or_behind_bearer_and_only_where_the_authorizer_looks() {
    let call = |value: &str| Call {
        headers: vec![("authorization".to_owned(), value.to_owned())],
        ..Call::default()
    };
    for (value, found) in
        [("a.b.c", Some("a.b.c")), ("Bearer a.b.c", Some("a.b.c")), ("Bearer ", None), ("", None)]
    {
        assert_eq!(guard().token(&call(value)).as_deref(), found, "{value}");
    }
    for (value, found) in
        [("a.b.c", None), ("Bearer a.b.c", Some("a.b.c")), ("bearer a.b.c", None), ("Bearer ", None)]
    {
        assert_eq!(rest_guard().token(&call(value)).as_deref(), found, "REST: {value}");
    }
    let mut by_query = guard();
    by_query.authorizer.source = Identity::Query("token".to_owned());
    assert_eq!(by_query.token(&call("a.b.c")), None);
}

#[test]
fn scopes_are_one_text_or_a_list() {
    for (given, has) in [
        (json!({ "scope": "notes:read notes:write" }), true),
        (json!({ "scp": ["notes:write"] }), true),
        (json!({ "scope": "notes", "scp": ["notes:write"] }), false),
        (json!({ "scope": "xnotes:write" }), false),
        (json!({}), false),
    ] {
        assert_eq!(own_scopes(&claims(&given)).contains("notes:write"), has, "{given}");
    }
}

/// The first is AWS's own example.
#[test]
fn a_client_reads_in_one_header_why_its_token_was_not_taken() {
    let scopes = ["notes:read".to_owned(), "notes:write".to_owned()];
    let denied = Denied::Invalid("the token does not have a valid audience");
    assert_eq!(
        (denied.status(), denied.challenge(&[]).as_str()),
        (
            401,
            r#"Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience""#
        )
    );
    let challenge = Denied::OutOfScope.challenge(&scopes);
    assert_eq!(Denied::OutOfScope.status(), 403);
    assert!(
        challenge.starts_with(r#"Bearer scope="notes:read notes:write" error="insufficient_scope""#),
        "{challenge}"
    );
    assert_eq!(denied.refusal(), Refusal::Unauthorized);
    assert_eq!(Denied::NoToken.refusal(), Refusal::Unauthorized);
    assert_eq!(Denied::OutOfScope.refusal(), Refusal::AccessDenied { explicit: false });
    assert_eq!((Denied::NoToken.status(), Denied::NoToken.challenge(&scopes).as_str()), (401, "Bearer"));
}

#[test]
fn the_function_gets_every_claim_as_a_text() {
    let given = json!({ "exp": 1_800_000_001_u64, "sub": "s", "is": true, "aud": ["a", "b"] });
    assert_eq!(
        as_texts(given.as_object().unwrap()),
        json!({ "exp": "1800000001", "sub": "s", "is": "true", "aud": "[a b]" })
    );
}
