//! A rules file against the template of the API that it is for.

use std::error::Error;
use std::path::Path;

use nova_auth::domain::rules::{Caching, Method, Rule, Rules};
use nova_local::template::{Api, Authorizer, AuthorizerKind, Identity, Route, Template};

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
        // What may be kept of an API is what the laxest of its authorizers keeps.
        let ttl = api.authorizers.values().map(|authorizer| authorizer.ttl_seconds).max().unwrap_or(0);
        let caching = if ttl > 0 { Caching::Allowed } else { Caching::Never };
        let rules = Rules { rules: rules.clone(), caching };
        let findings = Findings::of(api, &rules);
        let mut page = String::new();
        for line in &findings.wrong {
            page.push_str(&format!("{}: {}: {line}\n", file.display(), api.logical_id));
        }
        for line in &findings.notes {
            page.push_str(&format!("{}: {}: note: {line}\n", file.display(), api.logical_id));
        }
        let stored = if ttl > 0 { "" } else { " --uncached" };
        page.push_str(&format!(
            "{}: result TTL {ttl} s: nova rules put --api <its id>{stored} {}",
            api.logical_id,
            file.display()
        ));
        let document = json!({
            "api": api.logical_id, "ttlSeconds": ttl, "wrong": findings.wrong, "notes": findings.notes,
        });
        output.print(&document, &page)?;
        wrong += findings.wrong.len();
    }
    match wrong {
        0 => Ok(()),
        _ => Err(format!("{wrong} things do not fit").into()),
    }
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
        for route in &api.routes {
            findings.of_route(api, route, rules);
        }
        for rule in &rules.rules {
            if !api.routes.iter().any(|route| deciding(rules, route).any(|decides| decides.line == rule.line))
            {
                findings.notes.push(format!("line {}: the API has no route {}", rule.line, rule.route));
            }
        }
        findings
    }

    fn of_route(&mut self, api: &Api, route: &Route, rules: &Rules) {
        let name = format!("{} {}", route.method, route.path);
        let mut decided = false;
        for rule in deciding(rules, route) {
            decided = true;
            let authorizer = route.authorizer.as_ref().and_then(|name| api.authorizers.get(name));
            let line = rule.line;
            match authorizer {
                Some(authorizer) if rule.access.public && asks_for_something(authorizer) => self.wrong.push(format!(
                    "line {line}: {name} is public, and its authorizer is not called without an identity source; leave the \
                     route without an authorizer, or the authorizer without identity sources"
                )),
                Some(authorizer) if !rule.access.addresses.is_empty() => self.wrong.extend(address_fault(line, &name, authorizer)),
                None if !rule.access.public => {
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

/// The rules that decide about a route, one for each of its methods.
fn deciding<'r>(rules: &'r Rules, route: &Route) -> impl Iterator<Item = &'r Rule> {
    let methods: Vec<Method> = match Method::parse(&route.method) {
        Some(method) => vec![method],
        None => Method::ALL.to_vec(),
    };
    let path = route.path.clone();
    let mut found: Vec<&Rule> = methods
        .into_iter()
        .filter_map(|method| rules.rules.iter().find(|rule| rule.route.matches(method, &path)))
        .collect();
    found.dedup_by_key(|rule| rule.line);
    found.into_iter()
}

fn asks_for_something(authorizer: &Authorizer) -> bool {
    match &authorizer.kind {
        AuthorizerKind::Token { .. } => true,
        AuthorizerKind::Request(sources) => !sources.is_empty(),
    }
}

fn address_fault(line: u32, route: &str, authorizer: &Authorizer) -> Option<String> {
    let knows_address =
        |sources: &[Identity]| sources.contains(&Identity::Context("identity.sourceIp".to_owned()));
    match &authorizer.kind {
        AuthorizerKind::Token { .. } => Some(format!(
            "line {line}: {route} has a TOKEN authorizer, which is told no address: it is denied to everybody; write \
             FunctionPayloadType: REQUEST"
        )),
        AuthorizerKind::Request(sources) if authorizer.ttl_seconds > 0 && !knows_address(sources) => {
            Some(format!(
                "line {line}: answers about {route} are kept and would be given to other addresses; add identity.sourceIp to \
             the identity sources (Context), or write ReauthorizeEvery: 0"
            ))
        }
        AuthorizerKind::Request(_) => None,
    }
}
