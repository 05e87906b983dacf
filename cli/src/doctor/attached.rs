//! The APIs that attached the authorizer: whether what API Gateway keeps of its answers fits the rules of each.

use nova_auth::domain::rules::Rules;
use nova_auth::domain::rules::attachment::{Attachment, Kind, Settings, Source};
use nova_auth::store::Store;
use serde_json::Value;

use super::checklist::ATTACHED;
use super::deployed::Deployed;
use super::finding::Finding;
use crate::place::call::{Calls, Failed, Service};

/// An API that asks the authorizer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Attached {
    api: String,
    /// The authorizer's id, by which routes name it.
    id: String,
    /// The API's name, for people.
    name: String,
    /// Its routes are only looked up where they matter.
    asks: Attachment,
}

/// Looks at every API of the account and region that names the authorizer.
pub(super) async fn look(calls: &Calls, stack: &Deployed, store: &Store) -> Vec<Finding> {
    let Some(authorizer) = stack.outputs.get("AuthorizerArn") else {
        return vec![Finding::fail(ATTACHED, "the stack has no authorizer", "is it a stack of Nova Auth?")];
    };
    let parameter = |name: &str| stack.parameters.get(name).map(String::as_str);
    let settings = Settings {
        rate_limited: parameter("AuthorizerRateLimit").is_some_and(|limit| limit != "0"),
        simple: parameter("HttpResponses") == Some("simple"),
    };
    let mut findings = Vec::new();
    let found = match attachments(calls, authorizer).await {
        Ok(found) => found,
        Err(failed) => {
            return vec![Finding::unseen(ATTACHED, &failed, "apigateway:GET on /restapis and /apis")];
        }
    };
    for attached in &found {
        let finding = match store.rules(&attached.api).await {
            Ok(rules) => judge(attached, rules.map(|stored| stored.rules).as_ref(), settings),
            Err(error) => {
                Finding::unknown(ATTACHED, error.to_string(), "allow dynamodb:BatchGetItem on the table")
            }
        };
        findings.push(finding.of(format!("{} ({})", attached.api, attached.name)));
    }
    if findings.is_empty() {
        findings
            .push(Finding::pass(ATTACHED, "no API of this account and region has attached the authorizer"));
    }
    findings
}

async fn attachments(calls: &Calls, authorizer: &str) -> Result<Vec<Attached>, Failed> {
    let mut found = Vec::new();
    for api in pages(calls, "/restapis?limit=500", "item", "position").await? {
        let id = text(&api, "id");
        for asked in
            pages(calls, &format!("/restapis/{id}/authorizers?limit=500"), "item", "position").await?
        {
            found.extend(rest(&api, &asked, authorizer));
        }
    }
    for api in pages(calls, "/v2/apis?maxResults=500", "items", "nextToken").await? {
        let id = text(&api, "apiId");
        let path = format!("/v2/apis/{id}/authorizers?maxResults=500");
        for asked in pages(calls, &path, "items", "nextToken").await? {
            let Some(mut attached) = newer(&api, &asked, authorizer) else { continue };
            if attached.asks.kind == (Kind::Http2 { simple: true }) && attached.asks.kept_for().is_some() {
                let path = format!("/v2/apis/{id}/routes?maxResults=500");
                attached.asks.routes =
                    routes(&pages(calls, &path, "items", "nextToken").await?, &attached.id);
            }
            found.push(attached);
        }
    }
    Ok(found)
}

/// The keys of the routes that an authorizer is asked about.
fn routes(all: &[Value], authorizer: &str) -> Vec<String> {
    let asked = all.iter().filter(|route| text(route, "authorizerId") == authorizer);
    asked.map(|route| text(route, "routeKey").to_owned()).collect()
}

/// All members of a list that comes in pages.
async fn pages(calls: &Calls, path: &str, list: &str, token: &str) -> Result<Vec<Value>, Failed> {
    let mut all = Vec::new();
    let mut page = calls.get(Service::ApiGateway, path).await?;
    loop {
        if let Some(Value::Array(members)) = page.get_mut(list).map(Value::take) {
            all.extend(members);
        }
        let Some(next) = page.get(token).and_then(Value::as_str).filter(|next| !next.is_empty()) else {
            return Ok(all);
        };
        let next = percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC);
        page = calls.get(Service::ApiGateway, &format!("{path}&{token}={next}")).await?;
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The authorizer of a REST API, if it is ours.
fn rest(api: &Value, asked: &Value, authorizer: &str) -> Option<Attached> {
    let kind = match text(asked, "type") {
        "TOKEN" => Kind::RestToken,
        "REQUEST" => Kind::RestRequest,
        _ => return None,
    };
    let sources = text(asked, "identitySource").split(',').map(str::trim);
    is_ours(asked, authorizer).then(|| Attached {
        api: text(api, "id").to_owned(),
        id: text(asked, "id").to_owned(),
        name: text(api, "name").to_owned(),
        // API Gateway's default is 300 s.
        asks: asks(kind, asked, 300, sources),
    })
}

/// The authorizer of an HTTP or WebSocket API, if it is ours.
fn newer(api: &Value, asked: &Value, authorizer: &str) -> Option<Attached> {
    let simple = asked.get("enableSimpleResponses").and_then(Value::as_bool).unwrap_or(false);
    let kind = match (text(api, "protocolType"), text(asked, "authorizerPayloadFormatVersion")) {
        ("WEBSOCKET", _) => Kind::WebSocket,
        (_, "1.0") => Kind::Http1,
        _ => Kind::Http2 { simple },
    };
    let sources = asked.get("identitySource").and_then(Value::as_array).into_iter().flatten();
    is_ours(asked, authorizer).then(|| Attached {
        api: text(api, "apiId").to_owned(),
        id: text(asked, "authorizerId").to_owned(),
        name: text(api, "name").to_owned(),
        asks: asks(kind, asked, 0, sources.filter_map(Value::as_str)),
    })
}

fn asks<'a>(kind: Kind, asked: &Value, ttl: u64, sources: impl Iterator<Item = &'a str>) -> Attachment {
    Attachment {
        kind,
        ttl_seconds: asked.get("authorizerResultTtlInSeconds").and_then(Value::as_u64).unwrap_or(ttl),
        sources: sources.filter_map(Source::of_expression).collect(),
        routes: Vec::new(),
    }
}

/// `…/functions/arn:aws:lambda:…:function:NAME/invocations`, also with an alias or a version.
fn is_ours(asked: &Value, authorizer: &str) -> bool {
    let uri = text(asked, "authorizerUri");
    let called = uri.split_once("/functions/").map_or("", |(_, rest)| rest);
    let rest = called.strip_prefix(authorizer);
    rest.is_some_and(|rest| rest.starts_with('/') || rest.starts_with(':'))
}

/// Whether the rules hold on every answer, also on those that API Gateway keeps.
fn judge(attached: &Attached, rules: Option<&Rules>, settings: Settings) -> Finding {
    if let Some(fault) = attached.asks.faults(rules, settings).first() {
        return Finding::fail(ATTACHED, fault.to_string(), fault.remedy(&attached.api));
    }
    let number = rules.map_or(0, |rules| rules.rules.len());
    match attached.asks.kept_for() {
        Some(ttl) => {
            Finding::pass(ATTACHED, format!("{number} rules; a revoked session lives on for {ttl} s"))
        }
        None => Finding::pass(ATTACHED, format!("{number} rules; no answer is cached")),
    }
}

#[cfg(test)]
mod tests {
    use nova_auth::domain::rules::{Caching, file};
    use serde_json::json;

    use super::super::finding::Outcome;
    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-central-1:123456789012:function:nova-authorizer";

    fn uri(arn: &str) -> String {
        format!("arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{arn}/invocations")
    }

    fn attached(kind: Kind, ttl_seconds: u64, sources: &[Source]) -> Attached {
        let asks = Attachment { kind, ttl_seconds, sources: sources.to_vec(), routes: Vec::new() };
        Attached { api: "a1".to_owned(), id: "x".to_owned(), name: "notes".to_owned(), asks }
    }

    #[test]
    fn what_does_not_fit_is_said_with_its_remedy_at_this_api() {
        let rules = |caching| Rules { rules: file::read("- route: GET /notes\n").unwrap(), caching };
        let kept = attached(Kind::RestRequest, 300, &[Source::Token]);
        let judged = |rules: Option<&Rules>| judge(&kept, rules, Settings::default());
        assert_eq!(judged(Some(&rules(Caching::Allowed))).outcome, Outcome::Pass);
        assert_eq!(judged(Some(&rules(Caching::Never))).outcome, Outcome::Fail);
        let said = format!("{:?}", judged(None));
        assert!(said.contains("nova rules put --api a1 rules.yaml"), "{said}");
    }

    #[test]
    fn only_the_routes_of_our_authorizer_count() {
        let all = [
            json!({"routeKey": "ANY /notes", "authorizerId": "y"}),
            json!({"routeKey": "$default", "authorizerId": "z"}),
            json!({"routeKey": "GET /health"}),
        ];
        assert_eq!(routes(&all, "y"), ["ANY /notes"]);
    }

    /// The answers are of the form of API Gateway's API references.
    #[test]
    fn our_authorizer_is_known_by_its_function_whoever_calls_it_what() {
        let api = json!({"id": "a1", "name": "notes", "createdDate": 1_600_000_000});
        let asked = json!({
            "id": "x", "name": "Whatever", "type": "REQUEST", "authType": "custom", "authorizerUri": uri(ARN),
            "identitySource": "method.request.header.Authorization, context.identity.sourceIp",
            "authorizerResultTtlInSeconds": 0,
        });
        let wanted = attached(Kind::RestRequest, 0, &[Source::Token, Source::Address]);
        assert_eq!(rest(&api, &asked, ARN), Some(wanted));
        let mut other = asked.clone();
        other["authorizerUri"] = json!(uri(&format!("{ARN}-of-another-team")));
        assert_eq!(rest(&api, &other, ARN), None);
        // A default that is not told is not 0.
        other["authorizerUri"] = json!(uri(&format!("{ARN}:live")));
        other.as_object_mut().unwrap().remove("authorizerResultTtlInSeconds");
        assert_eq!(rest(&api, &other, ARN).unwrap().asks.ttl_seconds, 300);

        let api = json!({"apiId": "b2", "name": "chat", "protocolType": "HTTP"});
        let asked = json!({
            "authorizerId": "y", "authorizerType": "REQUEST", "authorizerUri": uri(ARN),
            "identitySource": ["$request.header.Authorization"], "authorizerResultTtlInSeconds": 60,
            "enableSimpleResponses": true, "authorizerPayloadFormatVersion": "2.0",
        });
        let read = newer(&api, &asked, ARN).unwrap();
        assert_eq!((read.api.as_str(), read.id.as_str()), ("b2", "y"));
        let asks = Attachment {
            kind: Kind::Http2 { simple: true },
            ttl_seconds: 60,
            sources: vec![Source::Token],
            routes: Vec::new(),
        };
        assert_eq!(read.asks, asks);
        let mut one = asked.clone();
        one["authorizerPayloadFormatVersion"] = json!("1.0");
        assert_eq!(newer(&api, &one, ARN).unwrap().asks.kind, Kind::Http1);
    }
}
