use super::*;

const NOW: u64 = 1_800_000_000;

fn guard() -> JwtGuard {
    JwtGuard {
        authorizer: JwtAuthorizer {
            source: Identity::Header("Authorization".to_owned()),
            issuer: "https://auth.example.com".to_owned(),
            audience: vec!["nova-api".to_owned(), "other-api".to_owned()],
            scopes: Vec::new(),
        },
        issuer: Arc::default(),
        clock: Clock::manual(NOW * 1000),
    }
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
        let found = guard().fits(&claims(&change), NOW * 1000).err();
        assert_eq!(found, said.map(Denied::Invalid), "{change}");
    }
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
