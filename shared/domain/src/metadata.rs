//! What others need to know to verify our tokens by themselves: RFC 8414, and the same at the place where OpenID Connect
//! Discovery 1.0 has it. We are no OpenID provider: nobody logs in by an endpoint that stands in it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// Where the public keys are, below the issuer.
const KEYS: &str = "/.well-known/jwks.json";

/// The metadata of an issuer whose tokens are signed like this.
///
/// `None`: nobody could look it up there, since its name is no address, or verify a token, since no key is public.
#[must_use]
pub fn server_metadata(issuer: &str, algorithms: &BTreeSet<String>) -> Option<Value> {
    if !is_address(issuer) || algorithms.is_empty() {
        return None;
    }
    Some(json!({
        "issuer": issuer,
        "jwks_uri": format!("{}{KEYS}", issuer.trim_end_matches('/')),
        "response_types_supported": [],
        "grant_types_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
    }))
}

/// `https`, without a query and a fragment (RFC 8414, section 2); or this machine, for who tries it there.
fn is_address(issuer: &str) -> bool {
    let here = ["http://127.0.0.1:", "http://localhost:"];
    let host =
        issuer.strip_prefix("https://").or_else(|| here.iter().find_map(|here| issuer.strip_prefix(here)));
    let begins_well = |rest: &str| rest.starts_with(|first: char| first.is_ascii_alphanumeric());
    host.is_some_and(begins_well) && !issuer.contains(['?', '#', '@'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn algorithms(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_keys_are_below_the_issuer_whose_name_is_as_in_the_tokens() {
        for (issuer, keys) in [
            ("https://auth.example.com", "https://auth.example.com/.well-known/jwks.json"),
            ("https://auth.example.com/", "https://auth.example.com/.well-known/jwks.json"),
            ("https://api.example.com/v1", "https://api.example.com/v1/.well-known/jwks.json"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000/.well-known/jwks.json"),
        ] {
            let metadata = server_metadata(issuer, &algorithms(&["ES256"])).unwrap();
            assert_eq!((&metadata["issuer"], &metadata["jwks_uri"]), (&json!(issuer), &json!(keys)));
            assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["ES256"]));
        }
    }

    #[test]
    fn nothing_is_said_of_an_issuer_that_nobody_can_look_up_and_of_keys_that_nobody_may_know() {
        for issuer in [
            "nova-crm",
            "http://auth.example.com",
            "https://",
            "https:///v1",
            "https://auth.example.com?x",
            "https://auth.example.com#x",
            "https://user@auth.example.com",
            "http://localhost.example.com",
        ] {
            assert_eq!(server_metadata(issuer, &algorithms(&["ES256"])), None, "{issuer}");
        }
        assert_eq!(server_metadata("https://auth.example.com", &algorithms(&[])), None);
    }
}
