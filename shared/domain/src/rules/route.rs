//! `GET /notes/{id}`: a method and a path; or `CONNECT $connect`, which opens a WebSocket; or what is done at an event API of
//! AppSync: `CONNECT $events`, `SUBSCRIBE /chat/{room}`, `PUBLISH /chat/*`.

use std::fmt;

use serde::{Deserialize, Serialize};

crate::named! {
    /// A method of HTTP that API Gateway routes, or our name for something else that is asked about.
    pub enum Method {
        Get = "GET",
        Post = "POST",
        Put = "PUT",
        Patch = "PATCH",
        Delete = "DELETE",
        Head = "HEAD",
        Options = "OPTIONS",
        /// Our name for what opens a WebSocket: API Gateway's route `$connect`, or `$events` of an event API.
        Connect = "CONNECT",
        /// To a channel of an event API.
        Subscribe = "SUBSCRIBE",
        /// To a channel of an event API.
        Publish = "PUBLISH",
    }
}

/// The route of a WebSocket API that is asked about.
const CONNECT: &str = "$connect";

/// Our name for what connects to an event API.
pub(super) const EVENTS: &str = "$events";

impl Method {
    /// Those of REST and HTTP APIs: what `ANY` means.
    pub const ANY: [Self; 7] =
        [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Head, Self::Options];

    /// Whether it is done to a channel of an event API. HTTP knows a `SUBSCRIBE` too, of UPnP: that one is another matter.
    #[must_use]
    pub const fn is_of_channels(self) -> bool {
        matches!(self, Self::Subscribe | Self::Publish)
    }
}

/// What a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Route {
    /// `None` is `ANY`.
    method: Option<Method>,
    segments: Vec<Segment>,
    /// Whether `/*` ends it.
    any_depth: bool,
    /// Its path as IAM writes it. A policy needs it for every route of the rules, at every decision.
    iam_path: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Literal(String),
    /// `{id}`
    One(String),
}

/// Why a text is no route, with what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; {remedy}")]
pub struct NotARoute {
    /// What is wrong.
    pub problem: String,
    /// What to write.
    pub remedy: String,
}

fn wrong(problem: impl Into<String>, remedy: impl Into<String>) -> NotARoute {
    NotARoute { problem: problem.into(), remedy: remedy.into() }
}

impl Route {
    /// Reads `METHOD /path`, `CONNECT $connect` or `CONNECT $events`.
    pub fn parse(text: &str) -> Result<Self, NotARoute> {
        let Some((method, path)) = text.split_once(' ') else {
            return Err(wrong("a route is a method and a path", "write for example `GET /notes`"));
        };
        let method = match method {
            "ANY" => None,
            name => Some(Method::named(name).ok_or_else(|| unknown_method(name))?),
        };
        if method == Some(Method::Connect) {
            let segments = vec![Segment::Literal(path.to_owned())];
            let iam_path = iam_path(&segments, false);
            return match path {
                CONNECT | EVENTS => Ok(Self { method, segments, any_depth: false, iam_path }),
                _ => Err(wrong(
                    "`CONNECT` has only these routes",
                    "write `CONNECT $connect`, or `CONNECT $events` for AppSync Events",
                )),
            };
        }
        let Some(path) = path.strip_prefix('/') else {
            return Err(wrong("a path begins with /", format!("write `/{}`", path.trim())));
        };
        let mut segments = Vec::new();
        let mut any_depth = false;
        // The root has no segment.
        for segment in path.split('/').take_while(|_| !path.is_empty()) {
            if any_depth {
                return Err(wrong("`*` matches any depth, so nothing can follow it", "end the path with it"));
            }
            match segment {
                "*" => any_depth = true,
                _ => segments.push(parse_segment(segment, more_characters(method))?),
            }
        }
        let iam_path = iam_path(&segments, any_depth);
        Ok(Self { method, segments, any_depth, iam_path })
    }

    /// Whether it is about this method and path.
    #[must_use]
    pub fn matches(&self, method: Method, path: &str) -> bool {
        if !self.methods().contains(&method) {
            return false;
        }
        let Some(path) = path.strip_prefix('/') else { return false };
        let mut rest = Some(path).filter(|path| !path.is_empty() || !self.segments.is_empty());
        for segment in &self.segments {
            let Some(text) = rest else { return false };
            let (first, others) = match text.split_once('/') {
                Some((first, others)) => (first, Some(others)),
                None => (text, None),
            };
            let fits = match segment {
                Segment::Literal(literal) => literal == first,
                // `{proxy+}` is how a resource says "any depth": that is more than one segment.
                Segment::One(_) => !first.is_empty() && !first.ends_with("+}"),
            };
            if !fits {
                return false;
            }
            rest = others;
        }
        match rest {
            None => !self.any_depth || self.segments.is_empty(),
            Some(_) => self.any_depth,
        }
    }

    /// The methods that it is about.
    #[must_use]
    pub fn methods(&self) -> &[Method] {
        self.method.as_ref().map_or(&Method::ANY, std::slice::from_ref)
    }

    /// Whether it is about an event API of AppSync: no policy has it.
    #[must_use]
    pub fn is_of_events(&self) -> bool {
        let is_connect = matches!(self.segments.as_slice(), [Segment::Literal(name)] if name == EVENTS);
        self.method.is_some_and(|method| method.is_of_channels() || method == Method::Connect && is_connect)
    }

    /// The path as IAM writes it: `*` in the place of `{id}`, and at the end of any depth.
    pub(super) fn iam_path(&self) -> &str {
        &self.iam_path
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    pub(super) const fn any_depth(&self) -> bool {
        self.any_depth
    }

    /// `/a` of `/a/*`.
    pub(super) fn base(&self) -> Option<Self> {
        let segments = self.segments.clone();
        let is_wild = self.any_depth && !segments.is_empty();
        is_wild.then(|| Self {
            method: self.method,
            iam_path: iam_path(&segments, false),
            segments,
            any_depth: false,
        })
    }

    /// The path, without the method.
    #[must_use]
    pub fn path(&self) -> String {
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Literal(literal) => format!("/{literal}"),
            Segment::One(name) => format!("/{{{name}}}"),
        });
        let path: String = segments.chain(self.any_depth.then(|| "/*".to_owned())).collect();
        if path.is_empty() { "/".to_owned() } else { path }
    }
}

fn iam_path(segments: &[Segment], any_depth: bool) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        path.push_str(match segment {
            Segment::Literal(literal) => literal,
            Segment::One(_) => "*",
        });
    }
    if any_depth {
        path.push_str("/*");
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

fn unknown_method(name: &str) -> NotARoute {
    let upper = name.to_ascii_uppercase();
    if upper != name && (upper == "ANY" || Method::named(&upper).is_some()) {
        return wrong(format!("unknown method `{name}`"), format!("methods are upper-case: `{upper}`"));
    }
    let names: Vec<_> = Method::ANY.iter().map(|method| method.name()).collect();
    wrong(format!("unknown method `{name}`"), format!("write one of {} or ANY", names.join(", ")))
}

/// What a segment may have beside letters and digits. AppSync takes no more in a channel's
/// (<https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html>).
const fn more_characters(method: Option<Method>) -> &'static str {
    match method {
        Some(Method::Subscribe | Method::Publish) => "-",
        _ => "-._~:@",
    }
}

fn parse_segment(segment: &str, more: &str) -> Result<Segment, NotARoute> {
    let is_word = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    if segment.is_empty() {
        return Err(wrong("a segment of the path is empty", "write one slash, and none at the end"));
    }
    if let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        if name.ends_with('+') {
            return Err(wrong(
                format!("`{segment}` would match any depth"),
                "write `/*` at the end of the path",
            ));
        }
        if is_word(name, "_-") {
            return Ok(Segment::One(name.to_owned()));
        }
    }
    if segment.contains('*') {
        return Err(wrong(
            "`*` must be the whole last segment",
            "write `/*` at the end, or `{id}` for one segment",
        ));
    }
    if segment == "." || segment == ".." {
        return Err(wrong(
            format!("`{segment}` is not a segment of a route"),
            "write the path that it leads to",
        ));
    }
    if is_word(segment, more) {
        return Ok(Segment::Literal(segment.to_owned()));
    }
    let allowed: Vec<String> = more.chars().map(String::from).collect();
    let remedy = format!("use letters, digits and {}, or `{{id}}` for any one segment", allowed.join(" "));
    Err(wrong(format!("`{segment}` has characters that a route can't have"), remedy))
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.method {
            Some(Method::Connect) => write!(f, "CONNECT {}", self.path().trim_start_matches('/')),
            method => write!(f, "{} {}", method.map_or("ANY", Method::name), self.path()),
        }
    }
}

impl TryFrom<String> for Route {
    type Error = NotARoute;

    fn try_from(text: String) -> Result<Self, NotARoute> {
        Self::parse(&text)
    }
}

impl From<Route> for String {
    fn from(route: Route) -> Self {
        route.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(route: &str, path: &str) -> bool {
        Route::parse(route).unwrap().matches(Method::Get, path)
    }

    #[test]
    fn a_route_is_about_exactly_its_paths() {
        for (route, yes, no) in [
            (
                "GET /notes",
                vec!["/notes"],
                vec!["/notes/", "/Notes", "/notes/1", "/", "", "notes", "/notesx"],
            ),
            ("GET /", vec!["/"], vec!["", "/x"]),
            (
                "GET /notes/{id}",
                vec!["/notes/1", "/notes/{id}", "/notes/%2F"],
                vec!["/notes/", "/notes", "/notes/1/", "/notes/1/2", "/notes/{proxy+}"],
            ),
            (
                "GET /notes/{id}/tags",
                vec!["/notes/1/tags"],
                vec!["/notes//tags", "/notes/1/2/tags", "/notes/1/tags/"],
            ),
            (
                "GET /admin/*",
                vec!["/admin/", "/admin/x", "/admin/x/y", "/admin/{proxy+}", "/admin//"],
                vec!["/admin", "/administer", "/x/admin/y"],
            ),
            ("GET /*", vec!["/", "/x", "/x/y"], vec![""]),
            ("ANY /{a}/*", vec!["/x/", "/x/y/z"], vec!["/x", "//x", "/"]),
        ] {
            for path in yes {
                assert!(matches(route, path), "{route} should be about {path}");
            }
            for path in no {
                assert!(!matches(route, path), "{route} should not be about {path}");
            }
        }
    }

    #[test]
    fn any_is_what_http_has_and_nothing_that_only_we_call_a_method() {
        assert_eq!(
            Method::ANY.map(Method::name),
            ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
        );
        assert_eq!(Method::ALL[7..], [Method::Connect, Method::Subscribe, Method::Publish]);
        assert_eq!(Method::ALL.map(Method::name)[7..], ["CONNECT", "SUBSCRIBE", "PUBLISH"]);
    }

    #[test]
    fn a_method_is_exactly_one_and_any_is_all() {
        let any = Route::parse("ANY /x").unwrap();
        assert!(Method::ANY.into_iter().all(|method| any.matches(method, "/x")));
        let get = Route::parse("GET /x").unwrap();
        assert!(!get.matches(Method::Head, "/x"));
    }

    #[test]
    fn opening_a_websocket_is_no_call_of_any_method() {
        let connect = Route::parse("CONNECT $connect").unwrap();
        assert!(connect.matches(Method::Connect, "/$connect"));
        assert!(Method::ANY.into_iter().all(|method| !connect.matches(method, "/$connect")));
        assert!(!Route::parse("ANY /*").unwrap().matches(Method::Connect, "/$connect"));
    }

    #[test]
    fn what_is_done_at_an_event_api_is_no_call_of_any_method_and_no_other_connection() {
        for (text, method, path) in [
            ("CONNECT $events", Method::Connect, "/$events"),
            ("SUBSCRIBE /chat/{room}", Method::Subscribe, "/chat/1"),
            ("PUBLISH /chat/*", Method::Publish, "/chat/1"),
        ] {
            let route = Route::parse(text).unwrap();
            assert!(route.matches(method, path) && route.is_of_events(), "{text}");
            for other in Method::ALL.into_iter().filter(|other| *other != method) {
                assert!(!route.matches(other, path), "{text} {other:?}");
            }
            assert!(!Route::parse("ANY /*").unwrap().matches(method, path), "{text}");
        }
        let connect = |text: &str, path: &str| Route::parse(text).unwrap().matches(Method::Connect, path);
        assert!(!connect("CONNECT $connect", "/$events") && !connect("CONNECT $events", "/$connect"));
        for other in ["ANY /*", "GET /chat/{room}", "CONNECT $connect"] {
            assert!(!Route::parse(other).unwrap().is_of_events(), "{other}");
        }
    }

    #[test]
    fn routes_overlap_where_one_call_is_both() {
        let overlaps =
            |one: &str, other: &str| Route::parse(one).unwrap().overlaps(&Route::parse(other).unwrap());
        assert!(overlaps("GET /a/{id}", "ANY /a/*"));
        assert!(overlaps("GET /{x}/b", "GET /a/{y}"));
        assert!(!overlaps("GET /a/{id}", "POST /a/*"));
        assert!(!overlaps("GET /a/{id}", "GET /a/b/c"));
        assert!(!overlaps("ANY /*", "CONNECT $connect"));
    }

    #[test]
    fn a_route_is_written_as_it_was_read() {
        for text in [
            "GET /",
            "ANY /*",
            "POST /a-b/{id}/c.d",
            "DELETE /v1/users/{user_id}/*",
            "CONNECT $connect",
            "CONNECT $events",
            "SUBSCRIBE /chat/{room}",
            "PUBLISH /chat/*",
        ] {
            assert_eq!(Route::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_route_comes_back_with_what_to_write() {
        for (text, remedy) in [
            ("/notes", "write for example `GET /notes`"),
            ("get /notes", "methods are upper-case: `GET`"),
            ("any /notes", "methods are upper-case: `ANY`"),
            ("fetch /notes", "write one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS or ANY"),
            ("FETCH /notes", "write one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS or ANY"),
            ("GET notes", "write `/notes`"),
            ("GET /notes/", "write one slash, and none at the end"),
            ("GET /a//b", "write one slash, and none at the end"),
            ("GET /*/b", "end the path with it"),
            ("GET /a*", "write `/*` at the end, or `{id}` for one segment"),
            ("GET /{proxy+}", "write `/*` at the end of the path"),
            ("GET /a/../b", "write the path that it leads to"),
            ("GET /a?b", "use letters, digits and - . _ ~ : @, or `{id}` for any one segment"),
            ("GET $connect", "write `/$connect`"),
            ("connect $connect", "methods are upper-case: `CONNECT`"),
            ("CONNECT /", "write `CONNECT $connect`, or `CONNECT $events` for AppSync Events"),
            ("CONNECT $disconnect", "write `CONNECT $connect`, or `CONNECT $events` for AppSync Events"),
            ("publish /chat", "methods are upper-case: `PUBLISH`"),
            ("SUBSCRIBE chat", "write `/chat`"),
            ("SUBSCRIBE /*/chat", "end the path with it"),
            ("SUBSCRIBE /chat/**", "write `/*` at the end, or `{id}` for one segment"),
            ("PUBLISH /chat.room", "use letters, digits and -, or `{id}` for any one segment"),
            ("PUBLISH $events", "write `/$events`"),
            ("GET /a$b", "use letters, digits and - . _ ~ : @, or `{id}` for any one segment"),
        ] {
            assert_eq!(Route::parse(text).unwrap_err().remedy, remedy, "{text}");
        }
    }
}
