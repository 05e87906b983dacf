//! Which paths a rule is about, and that no spelling of a path is a way around it.

use nova_auth_domain::rules::{Access, Asking, Caching, Method, Route, Rule, Rules};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

use crate::cases;

/// A route's path, by its segments. Few words, so that routes and paths meet.
fn route_path() -> impl Strategy<Value = String> {
    let segment = select(vec!["a", "b", "ab", "{id}"]);
    (vec(segment, 0..4), any::<bool>()).prop_map(|(segments, any_depth)| {
        let mut path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        if any_depth {
            path.push_str("/*");
        }
        if path.is_empty() { "/".to_owned() } else { path }
    })
}

fn path() -> impl Strategy<Value = String> {
    vec(select(vec!["a", "b", "ab", "c", ""]), 1..5)
        .prop_map(|segments| segments.iter().map(|segment| format!("/{segment}")).collect())
}

fn route(path: &str) -> Route {
    Route::parse(&format!("GET {path}")).unwrap()
}

/// What a route is about, from its description: segment by segment, `{id}` is one that is not empty, a star is whatever
/// follows the slash before it.
fn is_about(route: &str, path: &str) -> bool {
    match (route.split_once('/'), path.split_once('/')) {
        (Some(("", "*")), Some(("", _))) => true,
        (Some(("", route)), Some(("", path))) => {
            let head = |text: &str| text.find('/').map_or(text.len(), |end| end);
            let (wanted, found) = (&route[..head(route)], &path[..head(path)]);
            let fits = if wanted.starts_with('{') { !found.is_empty() } else { wanted == found };
            let (route, path) = (&route[wanted.len()..], &path[found.len()..]);
            fits && (is_about(route, path) || (route.is_empty() && path.is_empty()))
        }
        _ => false,
    }
}

/// `ANY` of the paths, in their order: public, or for nobody.
fn rules() -> impl Strategy<Value = Rules> {
    vec((route_path(), any::<bool>()), 1..5).prop_map(|rules| {
        let access = |public| if public { Access { public, ..Access::default() } } else { Access::default() };
        let rule = |(line, (path, public)): (u32, (String, bool))| Rule {
            line,
            route: Route::parse(&format!("ANY {path}")).unwrap(),
            access: access(public),
        };
        Rules { rules: (1..).zip(rules).map(rule).collect(), caching: Caching::Never }
    })
}

const NOBODY: Asking<'static> = Asking { user: None, address: None, shown: None };

fn lets_in(rules: &Rules, path: &str) -> bool {
    rules.decide("GET", None, path, NOBODY).is_allowed()
}

/// The same path, with some of its characters written by their codes.
fn encoded(path: &str, which: &[bool], capitals: bool) -> String {
    path.chars()
        .zip(which.iter().cycle())
        .map(|(c, encode)| match (encode, capitals) {
            (true, true) if c != '/' => format!("%{:02X}", u32::from(c)),
            (true, false) if c != '/' => format!("%{:02x}", u32::from(c)),
            _ => c.to_string(),
        })
        .collect()
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn a_route_is_about_the_paths_that_its_description_says(wanted in route_path(), path in path()) {
        prop_assert_eq!(route(&wanted).matches(Method::Get, &path), is_about(&wanted, &path), "{} {}", wanted, path);
    }

    #[test]
    fn routes_that_a_path_belongs_to_overlap(one in route_path(), other in route_path(), path in path()) {
        let both = is_about(&one, &path) && is_about(&other, &path);
        prop_assert!(!both || route(&one).overlaps(&route(&other)), "{} and {} meet at {}", one, other, path);
        prop_assert_eq!(route(&one).overlaps(&route(&other)), route(&other).overlaps(&route(&one)));
    }

    #[test]
    fn a_route_that_was_read_is_written_and_read_as_the_same(text in "(GET|ANY|HEAD) (/([a-c]{1,2}|\\{[a-c]\\}|\\*|[.~:@-]{1,3})){0,4}/?") {
        let Ok(read) = Route::parse(&text) else { return Ok(()) };
        prop_assert_eq!(Route::parse(&read.to_string()), Ok(read));
    }

    #[test]
    fn a_path_written_by_its_codes_opens_nothing_that_it_does_not_open_plainly(
        rules in rules(),
        path in path(),
        which in vec(any::<bool>(), 1..8),
        capitals in any::<bool>(),
    ) {
        let spelled = encoded(&path, &which, capitals);
        prop_assert!(!lets_in(&rules, &spelled) || lets_in(&rules, &path), "{} lets in what {} does not", spelled, path);
    }

    #[test]
    fn a_path_that_a_server_may_read_otherwise_opens_nothing(
        rules in rules(),
        segments in vec(select(vec!["a", "b", "ab"]), 1..4),
        odd in select(vec!["", ".", "..", "%2e%2E", ".%2e", "a%2Fb", "a%2fb", "a\\b", "a%5cb", "%252e%252e", "a%00", "%ff", "%", "%2", "a%0d"]),
        place in any::<Index>(),
    ) {
        let mut segments = segments;
        // An empty last segment is a slash at the end, which everybody reads alike.
        segments.insert(place.index(segments.len()), odd);
        let path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        prop_assert!(!lets_in(&rules, &path), "{}", path);
    }

    #[test]
    fn no_resource_of_the_api_lets_in_what_the_path_does_not(rules in rules(), path in path(), resource in route_path()) {
        let by_both = rules.decide("GET", Some(&resource), &path, NOBODY).is_allowed();
        prop_assert!(!by_both || lets_in(&rules, &path), "{} as {}", path, resource);
    }
}
