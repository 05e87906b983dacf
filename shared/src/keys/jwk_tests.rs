use super::super::generate;
use super::*;

/// What `GenerateSecretString` writes: the template with 64 letters and digits put in.
const GENERATED: &str = r#"{"kty":"oct","alg":"HS256","use":"sig","kid":"access-1","k":"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9nO2qR5tU8wX1zA4cD7fG0iJ3l"}"#;

/// RFC 7517, appendix A.2.
const RFC_P256: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","use":"sig","alg":"ES256","kid":"ec"}"#;

/// RFC 8037, appendix A.1.
const RFC_ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"EdDSA","kid":"ed"}"#;

fn read(secret: &str) -> Result<Ring, BadKeys> {
    parse(secret, TokenKind::Access)
}

fn problem(secret: &str) -> String {
    read(secret).err().map(|bad| bad.to_string()).unwrap_or_default()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_795_512_600).unwrap()
}

fn new_key(algorithm: KeyAlgorithm) -> Map<String, Value> {
    generate::key(TokenKind::Access, algorithm, now(), now()).unwrap()
}

/// Why this key is refused once a member of it is another.
fn changed(key: &Map<String, Value>, member: &str, value: impl Into<Value>) -> String {
    let mut key = key.clone();
    key.insert("kid".to_owned(), "k".into());
    key.insert(member.to_owned(), value.into());
    problem(&Value::Object(key).to_string())
}

#[test]
fn the_key_that_cloudformation_generates_is_used_as_it_is() {
    assert_eq!(read(GENERATED).unwrap().signer(Timestamp::UNIX_EPOCH).unwrap().kid, "access-1");
    assert!(parse(GENERATED, TokenKind::Refresh).is_ok());
}

#[test]
fn keys_of_every_algorithm_stand_in_one_set() {
    let other = GENERATED.replace("access-1", "access-2").replace("aB3d", "bB3d");
    let rsa = Value::Object(new_key(KeyAlgorithm::Rs256));
    let ring = read(&format!(r#"{{"keys":[{GENERATED},{other},{RFC_P256},{RFC_ED25519},{rsa}]}}"#)).unwrap();
    assert_eq!(ring.keys().count(), 5);
    assert!(ring.keys().all(Key::proves_itself));
}

#[test]
fn a_key_that_is_not_fit_is_named_and_not_shown() {
    let twice = GENERATED.replace("access-1", "access-2");
    for (secret, line) in [
        (
            GENERATED.replace("HS256", "none"),
            "key access-1: has an alg other than HS256, ES256, EdDSA and RS256",
        ),
        (
            GENERATED.replace("HS256", "HS512"),
            "key access-1: has an alg other than HS256, ES256, EdDSA and RS256",
        ),
        (
            GENERATED.replace("\"oct\"", "\"RSA\""),
            "key access-1: has an alg that takes kty oct, and another kty",
        ),
        (GENERATED.replace("HS256", "RS256"), "key access-1: has an alg that takes kty RSA, and another kty"),
        (GENERATED.replace("\"sig\"", "\"enc\""), "key access-1: has a use other than sig"),
        (
            GENERATED.replace("6kL9nO2qR5tU8wX1zA4cD7fG0iJ3l", ""),
            "key access-1: is shorter than the 32 bytes that HS256 needs",
        ),
        (GENERATED.replace("aB3d", "+B3d"), "key access-1: has a k that is not base64url"),
        (GENERATED.replace("\"k\":", "\"x\":"), "key access-1: needs k, as text"),
        (
            GENERATED.replace("\"kid\":", "\"nbf\":1.5,\"kid\":"),
            "key access-1: has an nbf that is not a time in whole seconds",
        ),
        (
            GENERATED.replace("\"kid\":", "\"exp\":\"1\",\"kid\":"),
            "key access-1: has an exp that is not a time in whole seconds",
        ),
        (
            GENERATED.replace("\"kid\":", "\"nbf\":2,\"exp\":2,\"kid\":"),
            "key access-1: ends before it begins",
        ),
        (format!(r#"{{"keys":[{GENERATED},{GENERATED}]}}"#), "key access-1: stands twice"),
        (
            format!(r#"{{"keys":[{GENERATED},{twice}]}}"#),
            "key access-2: is the key access-1 under another name",
        ),
        (r#"{"keys":[]}"#.to_owned(), "the secret: has no key"),
        (r#"{"keys":{}}"#.to_owned(), "the secret: has `keys` that are not a list"),
        (r#"{"keys":[1]}"#.to_owned(), "key 1: needs kty, kid and alg, each as text"),
        (
            GENERATED.replace("access-1", "a b"),
            "key 1: has a kid that is not 1 to 64 letters, digits, `.`, `_` and `-`",
        ),
        (
            "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF".to_owned(),
            "the secret: is not a JWK or JWK Set with distinct members",
        ),
        (
            GENERATED.replace("\"kid\"", "\"alg\":\"HS256\",\"kid\""),
            "the secret: is not a JWK or JWK Set with distinct members",
        ),
    ] {
        assert_eq!(problem(&secret), line);
    }
    let uniform = format!(r#"{{"kty":"oct","alg":"HS256","kid":"a","k":"{}"}}"#, "A".repeat(64));
    assert_eq!(problem(&uniform), "key a: is too uniform to be random");
}

#[test]
fn a_private_part_that_is_not_of_its_public_part_is_refused() {
    let (p256, other) = (new_key(KeyAlgorithm::Es256), new_key(KeyAlgorithm::Es256));
    for member in ["x", "y", "d"] {
        assert_eq!(
            changed(&p256, member, other[member].clone()),
            "key k: has x, y and d that do not belong together"
        );
        assert_eq!(changed(&p256, member, "AQAB"), format!("key k: has a {member} that is not of 32 bytes"));
        assert_eq!(changed(&p256, member, 1), format!("key k: needs {member}, as text"));
    }
    let zero = "A".repeat(43);
    assert_eq!(changed(&p256, "d", zero.as_str()), "key k: has x, y and d that do not belong together");
    assert_eq!(
        changed(&p256, "crv", "P-384"),
        "key k: has an alg that takes crv P-256, and another crv or none"
    );

    let (ed, other) = (new_key(KeyAlgorithm::EdDsa), new_key(KeyAlgorithm::EdDsa));
    for member in ["x", "d"] {
        assert_eq!(
            changed(&ed, member, other[member].clone()),
            "key k: has x and d that do not belong together"
        );
        assert_eq!(changed(&ed, member, "AQAB"), format!("key k: has a {member} that is not of 32 bytes"));
    }
    assert_eq!(
        changed(&ed, "crv", "Ed448"),
        "key k: has an alg that takes crv Ed25519, and another crv or none"
    );
}

#[test]
fn an_rsa_key_is_long_enough_and_all_of_its_parts_belong_together() {
    let (rsa, other) = (new_key(KeyAlgorithm::Rs256), new_key(KeyAlgorithm::Rs256));
    for member in ["n", "d", "p", "q", "dp", "dq", "qi"] {
        assert_eq!(
            changed(&rsa, member, other[member].clone()),
            "key k: has n, e, d, p, q, dp, dq and qi that do not belong together",
            "{member}"
        );
    }
    assert_eq!(changed(&rsa, "e", "Aw"), "key k: has an exponent other than 65537");
    for length in [1, 255, 513] {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let modulus = URL_SAFE_NO_PAD.encode(vec![0xff; length]);
        assert_eq!(
            changed(&rsa, "n", modulus),
            "key k: has a modulus that is not of 2048 to 4096 bits",
            "{length}"
        );
    }
    let padded = {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let n = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap();
        URL_SAFE_NO_PAD.encode([vec![0], n].concat())
    };
    assert_eq!(changed(&rsa, "n", padded), "key k: has a modulus that is not of 2048 to 4096 bits");
    assert_eq!(changed(&rsa, "dp", 1), "key k: needs dp, as text");
}

#[test]
fn a_ring_for_refresh_tokens_takes_hs256_alone() {
    let problem = parse(RFC_P256, TokenKind::Refresh).err().unwrap().to_string();
    assert_eq!(problem, "key ec: has an alg other than HS256, which refresh tokens take alone");
}

#[test]
fn the_public_set_has_no_private_member_and_no_symmetric_key() {
    let rsa = Value::Object(new_key(KeyAlgorithm::Rs256));
    let expired = Value::Object(new_key(KeyAlgorithm::EdDsa))
        .to_string()
        .replace("\"kid\":", "\"exp\":1795512601,\"kid\":");
    let future = Value::Object(new_key(KeyAlgorithm::Es256)).to_string().replace("1795512600", "1795599999");
    let ring =
        read(&format!(r#"{{"keys":[{GENERATED},{RFC_P256},{RFC_ED25519},{rsa},{expired},{future}]}}"#))
            .unwrap();
    let set = ring.public_set(now() + jiff::SignedDuration::from_secs(1));
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 4, "{set}");
    for key in keys {
        for (member, _) in key.as_object().unwrap() {
            assert!(
                ["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"].contains(&member.as_str()),
                "{key}"
            );
        }
    }
    assert_eq!(
        keys[1],
        serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "alg": "EdDSA", "kid": "ed", "use": "sig"})
    );
    assert_eq!(read(GENERATED).unwrap().public_set(now()), serde_json::json!({"keys": []}));
}
