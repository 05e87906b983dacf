//! A JWT authorizer of a REST API: `AWS::ApiGateway::Authorizer` with the type `JWT`.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-jwt-authorizer-create.html>
//! <https://docs.aws.amazon.com/apigateway/latest/api/API_JwtConfiguration.html>

use std::collections::BTreeSet;

use serde_json::Value;

use super::api::identity;
use super::parts::ttl;
use super::resource::{Reader, Resource};
use super::scalar::scalar_text;
use super::{Identity, JwtAuthorizer, JwtClaim, JwtIssuer};

/// What API Gateway knows besides is `ES512`, for which the library that verifies tokens here has no code.
const ALGORITHMS: [&str; 5] = ["RS256", "RS384", "RS512", "ES256", "ES384"];

/// What other kinds of authorizers have. AWS does not say what a JWT authorizer would do with it.
const OF_OTHERS: [&str; 4] =
    ["AuthorizerUri", "AuthorizerCredentials", "IdentityValidationExpression", "ProviderARNs"];

/// Claims that API Gateway looks at anyway.
const ALWAYS_CHECKED: [&str; 7] = ["iss", "aud", "exp", "nbf", "iat", "scope", "scp"];

pub(super) fn jwt_authorizer(reader: &Reader<'_>, part: &Resource<'_>) -> Result<JwtAuthorizer, String> {
    if let Some(other) = OF_OTHERS.iter().find(|name| part.properties.contains_key(**name)) {
        return Err(format!("a JWT authorizer has no {other}"));
    }
    // Nothing is kept of a token that was taken, so that it ends when it says: but the number has its limits all the same.
    ttl(reader, part)?;
    let source = reader.text(part, "IdentitySource")?.ok_or("it has no IdentitySource")?;
    let source = identity(&source)
        .filter(|source| matches!(source, Identity::Header(name) if !name.contains(',')))
        .ok_or_else(|| format!("the IdentitySource of a JWT authorizer is one header: {source}"))?;
    let configuration = reader.property(part, "JwtConfiguration")?.unwrap_or_default();
    let algorithms = texts(&configuration, "DefaultAlgorithms")?;
    if let Some(other) = algorithms.iter().find(|name| !ALGORITHMS.contains(&name.as_str())) {
        return Err(format!("DefaultAlgorithms has {other}: only {} run here", ALGORITHMS.join(", ")));
    }
    Ok(JwtAuthorizer { source, issuers: issuers(&configuration)?, algorithms, scopes: Vec::new() })
}

fn issuers(configuration: &Value) -> Result<Vec<JwtIssuer>, String> {
    let given = configuration.get("Issuers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let issuers = given.iter().map(issuer).collect::<Result<Vec<_>, _>>()?;
    let names: BTreeSet<&str> = issuers.iter().map(|issuer| issuer.name.as_str()).collect();
    if names.is_empty() || names.len() < issuers.len() {
        return Err("Issuers of its JwtConfiguration is a list of different issuers".to_owned());
    }
    Ok(issuers)
}

fn issuer(given: &Value) -> Result<JwtIssuer, String> {
    let name = given.get("Issuer").and_then(scalar_text).filter(|name| !name.is_empty());
    let name = name.ok_or("an issuer has no Issuer")?;
    if name.contains(['?', '#']) {
        return Err(format!("an issuer has neither a query nor a fragment: {name}"));
    }
    let claims = given.get("AdditionalClaims").and_then(Value::as_array).into_iter().flatten();
    Ok(JwtIssuer {
        name,
        audience: texts(given, "Audiences")?,
        claims: claims.map(claim).collect::<Result<_, _>>()?,
    })
}

fn claim(given: &Value) -> Result<JwtClaim, String> {
    let text = |name: &str| given.get(name).and_then(scalar_text).unwrap_or_default();
    let name = text("ClaimName");
    if name.is_empty() || ALWAYS_CHECKED.contains(&name.as_str()) {
        return Err(format!("ClaimName can't be {name:?}"));
    }
    if text("Format") != "SINGLE_STRING" {
        return Err(format!("the Format of the claim {name} is not SINGLE_STRING"));
    }
    let value = match given.get("ExpectedValues") {
        None => None,
        Some(_) => match texts(given, "ExpectedValues")?.as_slice() {
            [value] => Some(value.clone()),
            // AWS does not say whether any of them will do.
            _ => return Err(format!("ExpectedValues of the claim {name} is a list of one")),
        },
    };
    // Without a value the claim only has to be there, says AWS. So it has to be, whatever `Required` is.
    let required = value.is_none() || text("Required") == "true";
    Ok(JwtClaim { name, value, required })
}

/// A list of texts, of which none is empty and at least one is there.
fn texts(given: &Value, name: &str) -> Result<Vec<String>, String> {
    let all = given.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| scalar_text(value).filter(|text| !text.is_empty());
    let texts: Option<Vec<String>> = all.iter().map(text).collect();
    texts.filter(|texts| !texts.is_empty()).ok_or_else(|| format!("{name} is a list of texts, and not empty"))
}

#[cfg(test)]
#[path = "rest_jwt_tests.rs"]
mod tests;
