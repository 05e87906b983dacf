//! Which resource a path is of, as REST APIs decide it.

use std::collections::BTreeMap;

use nova_template::Route;

/// The resources of an API, the most specific first.
#[derive(Debug)]
pub(super) struct Routes(Vec<Resource>);

#[derive(Debug)]
struct Resource {
    segments: Vec<Segment>,
    methods: BTreeMap<String, Route>,
}

/// One part of a resource's path; the order is the order of precedence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter(String),
    Greedy(String),
}

/// A route and the parts of the path that its parameters stand for.
#[derive(Debug)]
pub(super) struct Matched<'r> {
    pub(super) route: &'r Route,
    pub(super) parameters: BTreeMap<String, String>,
}

impl Routes {
    pub(super) fn new(routes: &[Route]) -> Routes {
        let mut resources: Vec<Resource> = Vec::new();
        for route in routes {
            let segments: Vec<Segment> = parts(&route.path).map(segment).collect();
            let held = resources.iter_mut().find(|resource| resource.segments == segments);
            let methods = match held {
                Some(resource) => &mut resource.methods,
                None => {
                    resources.push(Resource { segments, methods: BTreeMap::new() });
                    match resources.last_mut() {
                        Some(resource) => &mut resource.methods,
                        None => continue,
                    }
                }
            };
            methods.insert(route.method.clone(), route.clone());
        }
        resources.sort_by(|one, other| one.segments.cmp(&other.segments));
        Routes(resources)
    }

    /// The route of a request. API Gateway settles on the most specific resource first, and looks for the method
    /// only there: a less specific resource with that method does not step in.
    pub(super) fn find(&self, method: &str, path: &str) -> Option<Matched<'_>> {
        let parts: Vec<&str> = parts(path).collect();
        let (resource, parameters) =
            self.0.iter().find_map(|resource| Some((resource, bind(&resource.segments, &parts)?)))?;
        let route = resource.methods.get(method).or_else(|| resource.methods.get("ANY"))?;
        Some(Matched { route, parameters })
    }

    /// The route of a request to an HTTP API: the most specific one that has the method. A slash at the end counts, and
    /// `$default` takes what no other route does.
    ///
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>
    pub(super) fn find_http(&self, method: &str, path: &str) -> Option<Matched<'_>> {
        let is_whole = path == "/" || !path.ends_with('/');
        let parts: Vec<&str> = parts(path).collect();
        let routed = self.0.iter().find_map(|resource| {
            let greedy = matches!(resource.segments.last(), Some(Segment::Greedy(_)));
            let route = resource.methods.get(method).or_else(|| resource.methods.get("ANY"))?;
            let parameters = bind(&resource.segments, &parts).filter(|_| is_whole || greedy)?;
            Some(Matched { route, parameters })
        });
        routed.or_else(|| {
            let default = self.0.iter().find(|resource| resource.segments == [segment("$default")])?;
            Some(Matched { route: default.methods.get("ANY")?, parameters: BTreeMap::new() })
        })
    }
}

/// A slash at the end makes no other resource.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').filter(move |_| !path.is_empty())
}

fn segment(part: &str) -> Segment {
    match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(name) => match name.strip_suffix('+') {
            Some(name) => Segment::Greedy(name.to_owned()),
            None => Segment::Parameter(name.to_owned()),
        },
        None => Segment::Literal(part.to_owned()),
    }
}

fn bind(segments: &[Segment], parts: &[&str]) -> Option<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    let mut parts = parts.iter();
    for segment in segments {
        let part = *parts.next()?;
        match segment {
            Segment::Literal(literal) if literal == part => {}
            Segment::Literal(_) => return None,
            Segment::Parameter(_) | Segment::Greedy(_) if part.is_empty() => return None,
            Segment::Parameter(name) => drop(parameters.insert(name.clone(), part.to_owned())),
            Segment::Greedy(name) => {
                let rest: Vec<&str> = std::iter::once(part).chain(parts.copied()).collect();
                parameters.insert(name.clone(), rest.join("/"));
                return Some(parameters);
            }
        }
    }
    parts.next().is_none().then_some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nova_template::Payload;

    fn routes(given: &[&str]) -> Routes {
        let route = |text: &&str| {
            let (method, path) = text.split_once(' ').unwrap();
            Route {
                method: method.to_owned(),
                path: path.to_owned(),
                function: (*text).to_owned(),
                authorizer: None,
                payload: Payload::Two,
                scopes: Vec::new(),
                responds: false,
            }
        };
        Routes::new(&given.iter().map(route).collect::<Vec<_>>())
    }

    fn found(routes: &Routes, method: &str, path: &str) -> Option<String> {
        routes.find(method, path).map(|matched| matched.route.function.clone())
    }

    #[test]
    fn a_word_wins_over_a_parameter_and_a_parameter_over_the_rest() {
        let routes = routes(&["ANY /{proxy+}", "GET /a/{id}", "GET /a/b", "GET /"]);
        assert_eq!(found(&routes, "GET", "/a/b").as_deref(), Some("GET /a/b"));
        assert_eq!(found(&routes, "GET", "/a/c").as_deref(), Some("GET /a/{id}"));
        assert_eq!(found(&routes, "GET", "/a/c/d").as_deref(), Some("ANY /{proxy+}"));
        assert_eq!(found(&routes, "PUT", "/x").as_deref(), Some("ANY /{proxy+}"));
        assert_eq!(found(&routes, "GET", "/").as_deref(), Some("GET /"));
    }

    #[test]
    fn a_less_specific_resource_does_not_step_in_for_a_method() {
        let routes = routes(&["ANY /{proxy+}", "GET /a"]);
        assert_eq!(found(&routes, "POST", "/a"), None);
    }

    #[test]
    fn a_method_of_its_own_wins_over_any() {
        let routes = routes(&["ANY /a", "GET /a"]);
        assert_eq!(found(&routes, "GET", "/a").as_deref(), Some("GET /a"));
        assert_eq!(found(&routes, "DELETE", "/a").as_deref(), Some("ANY /a"));
    }

    /// The table of the documentation.
    #[test]
    fn http_apis_take_the_most_specific_route_that_has_the_method() {
        let routes = routes(&[
            "GET /pets/dog/1",
            "GET /pets/dog/{id}",
            "GET /pets/{proxy+}",
            "ANY /{proxy+}",
            "ANY $default",
        ]);
        for (method, path, route) in [
            ("GET", "/pets/dog/1", "GET /pets/dog/1"),
            ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
            ("GET", "/pets/cat/1", "GET /pets/{proxy+}"),
            ("POST", "/test/5", "ANY /{proxy+}"),
            // A method that the more specific route lacks is looked for further on, unlike in a REST API.
            ("POST", "/pets/dog/1", "ANY /{proxy+}"),
            ("GET", "/", "ANY $default"),
            ("GET", "/pets/dog/1/", "GET /pets/{proxy+}"),
        ] {
            let found = routes.find_http(method, path).map(|matched| matched.route.function.clone());
            assert_eq!(found.as_deref(), Some(route), "{method} {path}");
        }
    }

    #[test]
    fn http_apis_without_a_default_route_know_only_their_routes() {
        let routes = routes(&["GET /a"]);
        assert!(routes.find_http("GET", "/a").is_some());
        for (method, path) in [("GET", "/a/"), ("POST", "/a"), ("GET", "/$default"), ("GET", "/b")] {
            assert!(routes.find_http(method, path).is_none(), "{method} {path}");
        }
    }

    #[test]
    fn a_slash_at_the_end_is_passed_over_and_empty_parts_match_nothing() {
        let routes = routes(&["GET /a/{id}", "GET /a"]);
        assert_eq!(found(&routes, "GET", "/a/").as_deref(), Some("GET /a"));
        assert_eq!(found(&routes, "GET", "/a/1/").as_deref(), Some("GET /a/{id}"));
        assert_eq!(found(&routes, "GET", "/a//"), None);
        assert_eq!(found(&routes, "GET", "/A"), None);
    }

    #[test]
    fn parameters_take_their_part_and_greedy_ones_the_rest() {
        let routes = routes(&["GET /u/{id}/f/{path+}"]);
        let matched = routes.find("GET", "/u/7/f/a/b%20c").unwrap();
        assert_eq!(matched.parameters["id"], "7");
        assert_eq!(matched.parameters["path"], "a/b%20c");
        assert!(routes.find("GET", "/u/7/f").is_none());
    }
}
