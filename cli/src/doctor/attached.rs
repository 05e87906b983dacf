//! The APIs that attached the authorizer: whether what API Gateway keeps of its answers fits the rules of each.

use nova_auth::domain::rules::{Caching, Rules};
use nova_auth::store::Store;
use serde_json::Value;

use super::call::{Calls, Failed, Service};
use super::checklist::ATTACHED;
use super::deployed::Deployed;
use super::finding::Finding;

/// How an API asks the authorizer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Attachment {
    api: String,
    /// The authorizer's id, by which routes name it.
    id: String,
    /// The API's name, for people.
    name: String,
    kind: Kind,
    /// How long API Gateway keeps an answer, in seconds.
    ttl: u64,
    /// Which parts of a request tell one kept answer from another.
    sources: Vec<String>,
    /// The keys of the routes that it is asked about, as `ANY /notes/{proxy+}`. Only looked up where they matter.
    routes: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    /// A REST API that sends the token alone.
    RestToken,
    #[default]
    RestRequest,
    /// An HTTP API, payload 1.0: policies alone.
    HttpOne,
    /// An HTTP API, payload 2.0.
    Http {
        /// It takes "yes" or "no" for an answer, which can't name routes.
        simple: bool,
    },
    WebSocket,
}

/// How the stack's authorizer is set.
#[derive(Debug, Clone, Copy)]
struct Settings {
    rate_limited: bool,
    /// What it answers HTTP APIs of payload 2.0: "yes" or "no", or a policy.
    simple: bool,
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
    for attachment in &found {
        let finding = match store.rules(&attachment.api).await {
            Ok(rules) => judge(attachment, rules.map(|stored| stored.rules).as_ref(), settings),
            Err(error) => {
                Finding::unknown(ATTACHED, error.to_string(), "allow dynamodb:BatchGetItem on the table")
            }
        };
        findings.push(finding.of(format!("{} ({})", attachment.api, attachment.name)));
    }
    if findings.is_empty() {
        findings
            .push(Finding::pass(ATTACHED, "no API of this account and region has attached the authorizer"));
    }
    findings
}

async fn attachments(calls: &Calls, authorizer: &str) -> Result<Vec<Attachment>, Failed> {
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
            let Some(mut attachment) = newer(&api, &asked, authorizer) else { continue };
            if attachment.kind == (Kind::Http { simple: true }) && attachment.ttl > 0 {
                let path = format!("/v2/apis/{id}/routes?maxResults=500");
                attachment.routes = routes(&pages(calls, &path, "items", "nextToken").await?, &attachment.id);
            }
            found.push(attachment);
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
fn rest(api: &Value, asked: &Value, authorizer: &str) -> Option<Attachment> {
    let kind = match text(asked, "type") {
        "TOKEN" => Kind::RestToken,
        "REQUEST" => Kind::RestRequest,
        _ => return None,
    };
    is_ours(asked, authorizer).then(|| Attachment {
        api: text(api, "id").to_owned(),
        id: text(asked, "id").to_owned(),
        name: text(api, "name").to_owned(),
        kind,
        // API Gateway's default.
        ttl: asked.get("authorizerResultTtlInSeconds").and_then(Value::as_u64).unwrap_or(300),
        sources: text(asked, "identitySource").split(',').map(|source| source.trim().to_owned()).collect(),
        routes: Vec::new(),
    })
}

/// The authorizer of an HTTP or WebSocket API, if it is ours.
fn newer(api: &Value, asked: &Value, authorizer: &str) -> Option<Attachment> {
    let simple = asked.get("enableSimpleResponses").and_then(Value::as_bool).unwrap_or(false);
    let kind = match (text(api, "protocolType"), text(asked, "authorizerPayloadFormatVersion")) {
        ("WEBSOCKET", _) => Kind::WebSocket,
        (_, "1.0") => Kind::HttpOne,
        _ => Kind::Http { simple },
    };
    let sources = asked.get("identitySource").and_then(Value::as_array);
    is_ours(asked, authorizer).then(|| Attachment {
        api: text(api, "apiId").to_owned(),
        id: text(asked, "authorizerId").to_owned(),
        name: text(api, "name").to_owned(),
        kind,
        ttl: asked.get("authorizerResultTtlInSeconds").and_then(Value::as_u64).unwrap_or(0),
        sources: sources
            .into_iter()
            .flatten()
            .filter_map(|source| source.as_str().map(str::to_owned))
            .collect(),
        routes: Vec::new(),
    })
}

/// `…/functions/arn:aws:lambda:…:function:NAME/invocations`, also with an alias or a version.
fn is_ours(asked: &Value, authorizer: &str) -> bool {
    let uri = text(asked, "authorizerUri");
    let called = uri.split_once("/functions/").map_or("", |(_, rest)| rest);
    let rest = called.strip_prefix(authorizer);
    rest.is_some_and(|rest| rest.starts_with('/') || rest.starts_with(':'))
}

/// Which identity sources tell one call from another, where a simple answer is kept.
fn lacking(attachment: &Attachment) -> Vec<&'static str> {
    let any = |is: fn(&str) -> bool| attachment.routes.iter().any(|key| key == "$default" || is(key));
    let needed = [
        ("$context.routeKey", true),
        ("$context.httpMethod", any(|key| key.starts_with("ANY "))),
        ("$context.path", any(|key| key.contains('{'))),
    ];
    let lacking = needed
        .into_iter()
        .filter(|(source, needed)| *needed && !attachment.sources.iter().any(|known| known == source));
    lacking.map(|(source, _)| source).collect()
}

/// Whether an answer to one client may be given to another: what a `TOKEN` authorizer is asked with is the token itself.
fn is_kept_for_all(attachment: &Attachment) -> bool {
    let is_token = |source: &String| source.to_lowercase().ends_with("request.header.authorization");
    attachment.kind != Kind::RestToken && !attachment.sources.iter().any(is_token)
}

/// Whether the rules hold on every answer, also on those that API Gateway keeps.
fn judge(attachment: &Attachment, rules: Option<&Rules>, settings: Settings) -> Finding {
    let Attachment { api, kind, ttl, sources, .. } = attachment;
    let is_kept = *ttl > 0 && *kind != Kind::WebSocket;
    if is_kept && is_kept_for_all(attachment) {
        return Finding::fail(
            ATTACHED,
            format!(
                "an answer to one user is kept for {ttl} s, and given to others: no identity source is the token"
            ),
            "add the header Authorization to the identity sources, or set ReauthorizeEvery to 0",
        );
    }
    if *kind == (Kind::Http { simple: !settings.simple }) {
        return Finding::fail(
            ATTACHED,
            "it takes another form of answer than the stack's HttpResponses gives: every call is a 500",
            "set EnableSimpleResponses of the API, or HttpResponses of the stack; there is one form for all APIs",
        );
    }
    let Some(rules) = rules else {
        return Finding::fail(
            ATTACHED,
            "it has no rules: NoRules decides for all of it",
            format!("nova rules put --api {api} rules.yaml"),
        );
    };
    if is_kept && rules.caching == Caching::Never {
        return Finding::fail(
            ATTACHED,
            format!("answers are kept for {ttl} s, and its rules were stored as for an API that keeps none"),
            format!("set ReauthorizeEvery to 0, or nova rules put --api {api} without --uncached"),
        );
    }
    let by_address = rules.rules.iter().any(|rule| !rule.access.addresses.is_empty());
    if by_address && *kind == Kind::RestToken {
        return Finding::fail(
            ATTACHED,
            "its rules with addresses let nobody in: a TOKEN authorizer is told none",
            "use FunctionPayloadType: REQUEST",
        );
    }
    let tells_address = |source: &String| source.to_lowercase().ends_with("identity.sourceip");
    if by_address && is_kept && !sources.iter().any(tells_address) {
        return Finding::fail(
            ATTACHED,
            format!("answers are kept for {ttl} s for every address, and rules depend on the address"),
            "add the source address to the identity sources, or set ReauthorizeEvery to 0",
        );
    }
    let lacking = if *kind == (Kind::Http { simple: true }) { lacking(attachment) } else { Vec::new() };
    if is_kept && !lacking.is_empty() {
        return Finding::fail(
            ATTACHED,
            format!("a simple answer about one call is kept for {ttl} s, and counts for others"),
            format!("add {} to the identity sources, or set the TTL to 0", lacking.join(" and ")),
        );
    }
    if is_kept && settings.rate_limited {
        return Finding::fail(
            ATTACHED,
            format!("calls are not counted while an answer is kept ({ttl} s), and a refusal lasts as long"),
            "set ReauthorizeEvery to 0, or AuthorizerRateLimit to 0",
        );
    }
    let number = rules.rules.len();
    match is_kept {
        true => Finding::pass(ATTACHED, format!("{number} rules; a revoked session lives on for {ttl} s")),
        false => Finding::pass(ATTACHED, format!("{number} rules; no answer is kept")),
    }
}

#[cfg(test)]
mod tests {
    use nova_auth::domain::rules::file;
    use serde_json::json;

    use super::super::finding::Outcome;
    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-central-1:123456789012:function:nova-authorizer";

    fn uri(arn: &str) -> String {
        format!("arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{arn}/invocations")
    }

    fn attachment(kind: Kind, ttl: u64, sources: &[&str]) -> Attachment {
        let sources = sources.iter().map(|source| (*source).to_owned()).collect();
        let (api, name) = ("a1".to_owned(), "notes".to_owned());
        Attachment { api, name, kind, ttl, sources, ..Attachment::default() }
    }

    fn rules(yaml: &str, caching: Caching) -> Rules {
        Rules { rules: file::read(yaml).unwrap(), caching }
    }

    fn outcome(attachment: &Attachment, rules: &Rules) -> Outcome {
        // The stack answers in the form that the API takes.
        let simple = attachment.kind == Kind::Http { simple: true };
        judge(attachment, Some(rules), Settings { rate_limited: false, simple }).outcome
    }

    const SETTINGS: Settings = Settings { rate_limited: false, simple: false };
    const OPEN: &str = "- route: GET /notes\n";
    const OFFICE: &str = "- route: GET /notes\n  addresses: [10.0.0.0/8]\n";
    const HEADER: &str = "method.request.header.Authorization";

    #[test]
    fn rules_that_were_made_for_fresh_answers_are_not_kept() {
        let kept = attachment(Kind::RestRequest, 300, &[HEADER]);
        let fresh = attachment(Kind::RestRequest, 0, &[HEADER]);
        assert_eq!(outcome(&kept, &rules(OPEN, Caching::Never)), Outcome::Fail);
        assert_eq!(outcome(&kept, &rules(OPEN, Caching::Allowed)), Outcome::Pass);
        assert_eq!(outcome(&fresh, &rules(OPEN, Caching::Never)), Outcome::Pass);
        assert_eq!(judge(&fresh, None, SETTINGS).outcome, Outcome::Fail);
    }

    #[test]
    fn an_answer_that_depends_on_the_address_is_kept_by_address_or_not_at_all() {
        let by_address = rules(OFFICE, Caching::Allowed);
        let source = "context.identity.sourceIp";
        assert_eq!(outcome(&attachment(Kind::RestRequest, 300, &[HEADER]), &by_address), Outcome::Fail);
        assert_eq!(
            outcome(&attachment(Kind::RestRequest, 300, &[HEADER, source]), &by_address),
            Outcome::Pass
        );
        assert_eq!(outcome(&attachment(Kind::RestRequest, 0, &[HEADER]), &by_address), Outcome::Pass);
        assert_eq!(outcome(&attachment(Kind::RestToken, 0, &[HEADER]), &by_address), Outcome::Fail);
    }

    #[test]
    fn a_simple_answer_is_kept_by_route_or_not_at_all() {
        let header = "$request.header.Authorization";
        let simple = Kind::Http { simple: true };
        let open = rules(OPEN, Caching::Allowed);
        assert_eq!(outcome(&attachment(simple, 60, &[header]), &open), Outcome::Fail);
        assert_eq!(outcome(&attachment(simple, 60, &[header, "$context.routeKey"]), &open), Outcome::Pass);
        assert_eq!(outcome(&attachment(simple, 0, &[header]), &open), Outcome::Pass);
        assert_eq!(outcome(&attachment(Kind::Http { simple: false }, 60, &[header]), &open), Outcome::Pass);
    }

    /// One yes to `GET` would be given to `DELETE`.
    #[test]
    fn a_simple_answer_is_kept_by_method_and_path_where_a_route_takes_several() {
        let (route, method, path) = ("$context.routeKey", "$context.httpMethod", "$context.path");
        let sources = |more: &[&str]| {
            attachment(
                Kind::Http { simple: true },
                60,
                &[&["$request.header.Authorization", route], more].concat(),
            )
        };
        let open = rules(OPEN, Caching::Allowed);
        for (key, needed) in [
            ("GET /notes", &[][..]),
            ("GET /notes/{id}", &[path]),
            ("ANY /notes", &[method]),
            ("GET /{proxy+}", &[path]),
            ("ANY /{proxy+}", &[method, path]),
            ("$default", &[method, path]),
        ] {
            for given in [&[][..], &[method], &[path], &[method, path]] {
                let routes = vec![key.to_owned()];
                let attached = Attachment { routes, ..sources(given) };
                let is_enough = needed.iter().all(|source| given.contains(source));
                let wanted = if is_enough { Outcome::Pass } else { Outcome::Fail };
                assert_eq!(outcome(&attached, &open), wanted, "{key} {given:?}");
            }
        }
        let all = [
            json!({"routeKey": "ANY /notes", "authorizerId": "y"}),
            json!({"routeKey": "$default", "authorizerId": "z"}),
            json!({"routeKey": "GET /health"}),
        ];
        assert_eq!(routes(&all, "y"), ["ANY /notes"]);
    }

    /// One user's yes would serve everybody at the same address.
    #[test]
    fn an_answer_is_kept_by_token_or_not_at_all() {
        let open = rules(OPEN, Caching::Allowed);
        let address = "context.identity.sourceIp";
        for sources in [
            &[address][..],
            &[],
            &["method.request.header.X-Authorization"],
            &["method.request.querystring.authorization"],
        ] {
            let kept = |kind| outcome(&attachment(kind, 300, sources), &open);
            assert_eq!(kept(Kind::RestRequest), Outcome::Fail, "{sources:?}");
            assert_eq!(kept(Kind::HttpOne), Outcome::Fail, "{sources:?}");
            assert_eq!(kept(Kind::Http { simple: false }), Outcome::Fail, "{sources:?}");
            // What is asked of it is the token; what opens a socket is not kept.
            assert_eq!(kept(Kind::RestToken), Outcome::Pass, "{sources:?}");
            assert_eq!(kept(Kind::WebSocket), Outcome::Pass, "{sources:?}");
            assert_eq!(outcome(&attachment(Kind::RestRequest, 0, sources), &open), Outcome::Pass);
        }
        let lower = "$request.header.authorization";
        assert_eq!(outcome(&attachment(Kind::HttpOne, 300, &[address, lower]), &open), Outcome::Pass);
    }

    /// API Gateway answers 500 to every call of an API that is answered in the other form.
    #[test]
    fn an_api_takes_the_form_of_answer_that_the_stack_gives() {
        let open = rules(OPEN, Caching::Never);
        for (kind, simple, wanted) in [
            (Kind::Http { simple: true }, true, Outcome::Pass),
            (Kind::Http { simple: true }, false, Outcome::Fail),
            (Kind::Http { simple: false }, true, Outcome::Fail),
            (Kind::Http { simple: false }, false, Outcome::Pass),
            (Kind::HttpOne, true, Outcome::Pass),
            (Kind::RestRequest, true, Outcome::Pass),
        ] {
            let settings = Settings { simple, ..SETTINGS };
            assert_eq!(
                judge(&attachment(kind, 0, &[]), Some(&open), settings).outcome,
                wanted,
                "{kind:?} {simple}"
            );
        }
    }

    #[test]
    fn calls_that_are_counted_are_not_kept() {
        let open = rules(OPEN, Caching::Allowed);
        let limited = Settings { rate_limited: true, ..SETTINGS };
        let judged =
            |ttl| judge(&attachment(Kind::RestRequest, ttl, &[HEADER]), Some(&open), limited).outcome;
        assert_eq!(judged(60), Outcome::Fail);
        assert_eq!(judged(0), Outcome::Pass);
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
        let read = attachment(Kind::RestRequest, 0, &[HEADER, "context.identity.sourceIp"]);
        let wanted = Attachment { id: "x".to_owned(), ..read };
        assert_eq!(rest(&api, &asked, ARN), Some(wanted));
        let mut other = asked.clone();
        other["authorizerUri"] = json!(uri(&format!("{ARN}-of-another-team")));
        assert_eq!(rest(&api, &other, ARN), None);
        // A default that is not told is not 0.
        other["authorizerUri"] = json!(uri(&format!("{ARN}:live")));
        other.as_object_mut().unwrap().remove("authorizerResultTtlInSeconds");
        assert_eq!(rest(&api, &other, ARN).unwrap().ttl, 300);

        let api = json!({"apiId": "b2", "name": "chat", "protocolType": "HTTP"});
        let asked = json!({
            "authorizerId": "y", "authorizerType": "REQUEST", "authorizerUri": uri(ARN),
            "identitySource": ["$request.header.Authorization"], "authorizerResultTtlInSeconds": 60,
            "enableSimpleResponses": true, "authorizerPayloadFormatVersion": "2.0",
        });
        let read = newer(&api, &asked, ARN).unwrap();
        assert_eq!((read.api.as_str(), read.kind, read.ttl), ("b2", Kind::Http { simple: true }, 60));
        assert_eq!(read.id, "y");
        let mut one = asked.clone();
        one["authorizerPayloadFormatVersion"] = json!("1.0");
        assert_eq!(newer(&api, &one, ARN).unwrap().kind, Kind::HttpOne);
    }
}
