//! What API Gateway keeps, held against rules.

use super::attachment::{Attachment, Fault, Kind, Settings, Source};
use super::{Access, Caching, Route, Rule, Rules};

const TOKEN: &str = "$request.header.Authorization";
const ADDRESS: &str = "$context.identity.sourceIp";
const ROUTE: &str = "$context.routeKey";
const METHOD: &str = "$context.httpMethod";
const PATH: &str = "$context.path";
const SIMPLE: Kind = Kind::Http2 { simple: true };
const POLICY: Kind = Kind::Http2 { simple: false };

/// An attachment, the rules of its API, and what does not fit.
#[derive(Debug)]
struct Case {
    kind: Kind,
    ttl: u64,
    sources: &'static [&'static str],
    route: &'static str,
    /// Whether a rule is for some addresses alone.
    by_address: bool,
    /// Whether a rule is about the session.
    by_session: bool,
    caching: Caching,
    rate_limited: bool,
    /// Whether the stack answers in the other form than the API takes.
    other_form: bool,
    faults: &'static [&'static str],
}

const CASE: Case = Case {
    kind: Kind::RestRequest,
    ttl: 300,
    sources: &[TOKEN],
    route: "GET /notes",
    by_address: false,
    by_session: false,
    caching: Caching::Allowed,
    rate_limited: false,
    other_form: false,
    faults: &[],
};

fn found(case: &Case) -> Vec<String> {
    let addresses = if case.by_address { vec!["10.0.0.0/8".parse().unwrap()] } else { Vec::new() };
    let route = Route::parse("GET /notes").unwrap();
    let rule =
        Rule { line: 1, route, access: Access { addresses, mfa: case.by_session, ..Access::default() } };
    let rules = Rules { rules: vec![rule], caching: case.caching };
    let attachment = Attachment {
        kind: case.kind,
        ttl_seconds: case.ttl,
        sources: case.sources.iter().filter_map(|source| Source::of_expression(source)).collect(),
        routes: vec![case.route.to_owned()],
    };
    let simple = (case.kind == SIMPLE) != case.other_form;
    let faults = attachment.faults(Some(&rules), Settings { rate_limited: case.rate_limited, simple });
    let named = |fault| format!("{fault:?}").split(' ').next().unwrap_or_default().to_owned();
    faults.into_iter().map(named).collect()
}

fn hold(cases: impl IntoIterator<Item = Case>) {
    for case in cases {
        assert_eq!(found(&case), case.faults, "{case:?}");
        assert_eq!(found(&Case { ttl: 0, caching: Caching::Never, ..case }), never_kept(&case), "{case:?}");
    }
}

/// What of a case's faults does not come from an answer that is kept.
fn never_kept(case: &Case) -> Vec<&'static str> {
    case.faults.iter().copied().filter(|fault| ["NoAddress", "OtherForm"].contains(fault)).collect()
}

#[test]
fn rules_that_were_made_for_fresh_answers_are_not_kept() {
    hold([CASE, Case { caching: Caching::Never, faults: &["KeptAgainstRules"], ..CASE }]);
}

#[test]
fn an_answer_that_depends_on_the_address_is_kept_by_address_or_not_at_all() {
    let case = Case { by_address: true, ..CASE };
    hold([
        Case { faults: &["SharedByAddresses"], ..case },
        Case { sources: &[TOKEN, ADDRESS], ..case },
        Case {
            sources: &[TOKEN, "$request.header.identity.sourceIp"],
            faults: &["SharedByAddresses"],
            ..case
        },
        Case { kind: Kind::RestToken, faults: &["NoAddress"], ..case },
        Case { kind: POLICY, route: "GET /{proxy+}", faults: &["SharedByAddresses"], ..case },
        Case { kind: Kind::WebSocket, ..case },
        Case { sources: &[], faults: &["SharedByUsers", "SharedByAddresses"], ..case },
    ]);
}

/// It would outlive the age that the rule allows, and go on saying no after a step-up.
#[test]
fn an_answer_that_depends_on_the_session_is_not_kept_whatever_tells_calls_apart() {
    let case = Case { by_session: true, caching: Caching::Never, faults: &["KeptPastSession"], ..CASE };
    hold([
        Case { ..case },
        Case { sources: &[TOKEN, ADDRESS, ROUTE, METHOD, PATH], ..case },
        Case { kind: Kind::RestToken, ..case },
        Case { kind: POLICY, ..case },
        Case { kind: SIMPLE, sources: &[TOKEN, ROUTE], ..case },
        Case { by_address: true, ..case },
        Case { by_address: true, kind: Kind::RestToken, faults: &["NoAddress"], ..case },
        Case { kind: Kind::WebSocket, faults: &[], ..case },
        // Rules of no version of ours: they could not have been stored.
        Case { caching: Caching::Allowed, ..case },
    ]);
}

/// One user's yes would serve everybody at the same address.
#[test]
fn an_answer_is_kept_by_token_or_not_at_all() {
    for sources in [
        &[ADDRESS][..],
        &[],
        &["method.request.header.X-Authorization"],
        &["method.request.querystring.authorization"],
    ] {
        hold([
            Case { kind: Kind::RestRequest, sources, faults: &["SharedByUsers"], ..CASE },
            Case { kind: Kind::Http1, sources, faults: &["SharedByUsers"], ..CASE },
            Case { kind: POLICY, sources, faults: &["SharedByUsers"], ..CASE },
            // What is asked of it is the token; what opens a socket is not kept.
            Case { kind: Kind::RestToken, sources, ..CASE },
            Case { kind: Kind::WebSocket, sources, ..CASE },
        ]);
    }
    hold([
        Case { kind: Kind::Http1, sources: &[ADDRESS, "$request.header.authorization"], ..CASE },
        Case { sources: &["method.request.header.Authorization"], ..CASE },
        Case { kind: SIMPLE, sources: &[ADDRESS, ROUTE], faults: &["SharedByUsers"], ..CASE },
    ]);
}

/// One yes to `GET` would be given to `DELETE`.
#[test]
fn a_simple_answer_is_kept_by_method_and_path_where_a_route_takes_several() {
    for (route, needed) in [
        ("GET /notes", &[ROUTE][..]),
        ("GET /notes/{id}", &[ROUTE, PATH]),
        ("GET /{any}/1", &[ROUTE, PATH]),
        ("ANY /notes", &[ROUTE, METHOD]),
        ("GET /{proxy+}", &[ROUTE, PATH]),
        ("ANY /{proxy+}", &[ROUTE, METHOD, PATH]),
        ("$default", &[ROUTE, METHOD, PATH]),
    ] {
        for sources in [
            &[TOKEN][..],
            &[TOKEN, ROUTE],
            &[TOKEN, ROUTE, METHOD],
            &[TOKEN, ROUTE, PATH],
            &[TOKEN, METHOD, PATH],
            &[TOKEN, ROUTE, METHOD, PATH],
        ] {
            let is_enough = needed.iter().all(|source| sources.contains(source));
            let faults: &[&str] = if is_enough { &[] } else { &["SharedByCalls"] };
            hold([
                Case { kind: SIMPLE, sources, route, faults, ..CASE },
                Case { kind: POLICY, sources, route, ..CASE },
            ]);
        }
    }
}

/// API Gateway answers 500 to every call of an API that is answered in the other form.
#[test]
fn an_api_takes_the_form_of_answer_that_the_stack_gives() {
    let case = Case { sources: &[TOKEN, ROUTE], ..CASE };
    hold([
        Case { kind: SIMPLE, other_form: true, faults: &["OtherForm"], ..case },
        Case { kind: POLICY, other_form: true, faults: &["OtherForm"], ..case },
        Case { kind: Kind::Http1, other_form: true, ..case },
        Case { kind: Kind::RestRequest, other_form: true, ..case },
    ]);
}

#[test]
fn calls_that_are_counted_are_not_kept() {
    hold([Case { rate_limited: true, faults: &["NotCounted"], ..CASE }]);
}

#[test]
fn a_simple_answer_is_kept_by_route_also_where_no_route_was_seen() {
    let kept = Attachment { kind: SIMPLE, ttl_seconds: 60, sources: vec![Source::Token], routes: Vec::new() };
    let settings = Settings { simple: true, ..Settings::default() };
    let faults = kept.faults(None, settings);
    assert_eq!(faults, [Fault::NoRules, Fault::SharedByCalls { seconds: 60, missing: vec![Source::Route] }]);
    let remedies: Vec<String> = faults.iter().map(|fault| fault.remedy("a1")).collect();
    let add = "add $context.routeKey to the identity sources, or set ReauthorizeEvery (AuthorizerResultTtlInSeconds) to 0";
    assert_eq!(remedies, ["nova rules put --api a1 rules.yaml", add]);
}

#[test]
fn what_several_routes_need_is_said_together() {
    let routes = vec!["ANY /notes".to_owned(), "GET /notes/{id}".to_owned(), "ANY /tags".to_owned()];
    let kept = Attachment { kind: SIMPLE, ttl_seconds: 60, sources: vec![Source::Route], routes };
    let missing = vec![Source::Method, Source::Path];
    assert_eq!(kept.shared_by_calls(), Some(Fault::SharedByCalls { seconds: 60, missing }));
}
