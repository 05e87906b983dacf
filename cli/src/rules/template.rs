//! A rules file against the template of the API that it is for.

use std::error::Error;
use std::path::Path;

use nova_auth::domain::rules::attachment::{Attachment, Fault, Kind, Source};
use nova_auth::domain::rules::{self, Caching, Method, Rule, Rules};
use nova_template::{Api, ApiKind, Authorizer, AuthorizerKind, Identity, Payload, Route, Template};

use serde_json::json;

use crate::output::Output;

/// Compares the rules with every API of the template that has an authorizer.
///
/// # Errors
/// When something would not work as the two files say together.
pub(super) fn compare(
    file: &Path,
    rules: Vec<Rule>,
    template: &Path,
    output: Output,
) -> Result<(), Box<dyn Error>> {
    let template = Template::load_alone(template)?;
    let mut wrong = 0;
    for api in template.apis.iter().filter(|api| !api.authorizers.is_empty()) {
        wrong += compare_api(file, rules.clone(), api, output)?;
    }
    // No event says which answer its API takes, so the authorizer has one for all.
    let mut answers: Vec<bool> = template.apis.iter().flat_map(simple_responses).collect();
    answers.sort_unstable();
    answers.dedup();
    match answers.as_slice() {
        [false, true] => {
            let line = "EnableSimpleResponses is on for one HTTP API and off for another: the authorizer answers all of them in one form (HttpResponses)";
            output.print(&json!({"wrong": [line]}), line)?;
            wrong += 1;
        }
        [true] => {
            let line = "the Nova Auth stack must have HttpResponses=simple";
            output.print(&json!({"notes": [line]}), line)?;
        }
        _ => {}
    }
    match wrong {
        0 => Ok(()),
        _ => Err(format!("{wrong} problems").into()),
    }
}

/// Says what of an API would not work with the rules, and how to store them; how much that is.
fn compare_api(file: &Path, rules: Vec<Rule>, api: &Api, output: Output) -> Result<usize, Box<dyn Error>> {
    // What may be kept of an API is what the laxest of its authorizers keeps.
    let ttl = api.authorizers.values().map(|authorizer| authorizer.ttl_seconds).max().unwrap_or(0);
    let (caching, stored) = if ttl > 0 { (Caching::Allowed, "") } else { (Caching::Never, " --uncached") };
    let findings = Findings::of(api, &Rules { rules, caching });
    let (file, name) = (file.display(), &api.logical_id);
    let wrong = findings.wrong.iter().map(|line| format!("{file}: {name}: {line}\n"));
    let notes = findings.notes.iter().map(|line| format!("{file}: {name}: note: {line}\n"));
    let stored = format!("{name}: result TTL {ttl} s: nova rules put --api <its id>{stored} {file}");
    let page: String = wrong.chain(notes).chain([stored]).collect();
    let document = json!({
        "api": name, "ttlSeconds": ttl, "wrong": findings.wrong, "notes": findings.notes,
    });
    output.print(&document, &page)?;
    Ok(findings.wrong.len())
}

/// What does not fit, and what is worth knowing.
#[derive(Debug, Default)]
struct Findings {
    wrong: Vec<String>,
    notes: Vec<String>,
}

impl Findings {
    fn of(api: &Api, rules: &Rules) -> Self {
        let mut findings = Self::default();
        findings.wrong.extend(rules.unfit().iter().map(ToString::to_string));
        for (name, authorizer) in &api.authorizers {
            let fault = attachment(api, authorizer, None).shared_by_users();
            findings.wrong.extend(fault.map(|fault| said(api, &format!("the authorizer {name}"), &fault)));
        }
        for route in asked(api) {
            findings.of_route(api, route, rules);
        }
        // No template is looked at for an event API of AppSync.
        for rule in rules.rules.iter().filter(|rule| !rule.route.is_of_events()) {
            let decides = |route| deciding(api, rules, route).iter().any(|decides| decides.line == rule.line);
            if !asked(api).any(decides) {
                findings.notes.push(format!("line {}: the API has no route {}", rule.line, rule.route));
            }
        }
        findings
    }

    fn of_route(&mut self, api: &Api, route: &Route, rules: &Rules) {
        let name = format!("{} {}", route.method, route.path);
        let mut decided = false;
        let authorizer = route.authorizer.as_ref().and_then(|name| api.authorizers.get(name));
        let attachment = authorizer.map(|authorizer| attachment(api, authorizer, Some(route)));
        let shared = attachment.as_ref().and_then(Attachment::shared_by_calls);
        self.wrong.extend(shared.map(|fault| said(api, &name, &fault)));
        for rule in deciding(api, rules, route) {
            decided = true;
            let line = rule.line;
            match (authorizer, &attachment) {
                (Some(authorizer), _) if rule.access.public && asks_for_something(authorizer) => self.wrong.push(format!(
                    "line {line}: {name} is public, and its authorizer is not called without an identity source; leave the \
                     route without an authorizer, or the authorizer without identity sources"
                )),
                (_, Some(attachment)) => {
                    let fault = attachment.unable_to_hold(&rule.access);
                    self.wrong.extend(fault.map(|fault| said(api, &format!("line {line}: {name}"), &fault)));
                }
                (_, None) if !rule.access.public => {
                    self.wrong.push(format!("line {line}: {name} has no authorizer, so anybody may call it"));
                }
                _ => {}
            }
        }
        if !decided && route.authorizer.is_some() {
            self.notes.push(format!("{name} has no rule: it is denied to everybody"));
        }
    }
}

/// The routes that an authorizer can be asked about: of a WebSocket API, the one that opens it.
fn asked(api: &Api) -> impl Iterator<Item = &Route> {
    let is_websocket = matches!(api.kind, ApiKind::WebSocket { .. });
    let asks_nobody =
        |route: &Route| route.authorizer.as_ref().is_some_and(|name| api.jwt_authorizers.contains_key(name));
    let routes = api.routes.iter().filter(move |route| !asks_nobody(route));
    routes.filter(move |route| !is_websocket || route.method == "CONNECT")
}

/// Whether it takes paths that its own name does not say: `{proxy+}`, `$default`.
fn is_open(route: &Route) -> bool {
    route.path == "$default" || route.path.contains("+}")
}

/// The rules that decide about a route: the first one for each of its methods; and for a route of many paths, every rule
/// that is about some of them and that no route of its own leads to.
fn deciding<'r>(api: &Api, rules: &'r Rules, route: &Route) -> Vec<&'r Rule> {
    let mut found = first_matches(rules, route);
    if let Some(open) = open_route(route) {
        let own: Vec<u32> = asked(api)
            .filter(|other| !is_open(other))
            .flat_map(|other| first_matches(rules, other))
            .map(|rule| rule.line)
            .collect();
        let about = rules.rules.iter().filter(|rule| rule.route.overlaps(&open));
        found.extend(about.filter(|rule| !own.contains(&rule.line)));
    }
    found.sort_by_key(|rule| rule.line);
    found.dedup_by_key(|rule| rule.line);
    found
}

fn first_matches<'r>(rules: &'r Rules, route: &Route) -> Vec<&'r Rule> {
    let methods: Vec<Method> = match Method::named(&route.method) {
        Some(method) => vec![method],
        None => Method::ANY.to_vec(),
    };
    let path = format!("/{}", route.path.trim_start_matches('/'));
    let first = |method| rules.rules.iter().find(|rule| rule.route.matches(method, &path));
    methods.into_iter().filter_map(first).collect()
}

/// `/a/{proxy+}` as a rule has it: `/a/*`.
fn open_route(route: &Route) -> Option<rules::Route> {
    let before = match route.path.split_once('{') {
        _ if !is_open(route) => return None,
        Some((before, rest)) if rest.ends_with("+}") => before.trim_end_matches('/'),
        _ => "",
    };
    let parsed = rules::Route::parse(&format!("{} {before}/*", route.method));
    parsed.or_else(|_| rules::Route::parse(&format!("{} /*", route.method))).ok()
}

/// Whether each authorizer of an HTTP API with payload 2.0 takes simple responses.
fn simple_responses(api: &Api) -> impl Iterator<Item = bool> {
    let is_http = matches!(api.kind, ApiKind::Http { .. });
    let two = api.authorizers.values().filter(|authorizer| authorizer.payload == Payload::Two);
    two.filter(move |_| is_http).map(|authorizer| authorizer.simple)
}

/// How the API asks an authorizer, about one of its routes.
fn attachment(api: &Api, authorizer: &Authorizer, route: Option<&Route>) -> Attachment {
    let (is_token, sources) = match &authorizer.kind {
        AuthorizerKind::Token { .. } => (true, Vec::new()),
        AuthorizerKind::Request(sources) => (false, sources.iter().filter_map(source).collect()),
    };
    let kind = match (&api.kind, authorizer.payload) {
        (ApiKind::Rest, _) if is_token => Kind::RestToken,
        (ApiKind::Rest, _) => Kind::RestRequest,
        (ApiKind::Http { .. }, Payload::One) => Kind::Http1,
        (ApiKind::Http { .. }, Payload::Two) => Kind::Http2 { simple: authorizer.simple },
        (ApiKind::WebSocket { .. }, _) => Kind::WebSocket,
    };
    let key = |route: &Route| match route.path.as_str() {
        "$default" => "$default".to_owned(),
        path => format!("{} {path}", route.method),
    };
    Attachment {
        kind,
        ttl_seconds: authorizer.ttl_seconds,
        sources,
        routes: route.map(key).into_iter().collect(),
    }
}

fn source(identity: &Identity) -> Option<Source> {
    match identity {
        Identity::Header(name) => Source::of_header(name),
        Identity::Context(name) => Source::of_context(name),
        Identity::Query(_) | Identity::StageVariable(_) => None,
    }
}

fn said(api: &Api, subject: &str, fault: &Fault) -> String {
    format!("{subject}: {fault}; {}", fault.remedy(&api.logical_id))
}

fn asks_for_something(authorizer: &Authorizer) -> bool {
    match &authorizer.kind {
        AuthorizerKind::Token { .. } => true,
        AuthorizerKind::Request(sources) => !sources.is_empty(),
    }
}
