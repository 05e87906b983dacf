//! `GET /notes/7`: one call, as people and servers write it.

use std::fmt;

use super::{Asking, Operation, Rules, Verdict};

/// One call: a method and a path, `CONNECT $connect`, or what is done at an event API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method, in capitals.
    pub method: String,
    /// The path as the client sent it, without the query.
    pub path: String,
}

/// What opens a WebSocket, as rules name it; an ARN has a slash before it.
const CONNECT: (&str, &str) = ("$connect", "/$connect");

impl Call {
    /// Reads `METHOD PATH`. A path with a query is none: it would be matched as if the query were part of its last segment.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (method, path) = text.split_once(' ')?;
        let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_path = path.starts_with(['/', '$']) && !path.contains(['?', '#', ' ']);
        (is_method && is_path).then(|| Self { method: method.to_owned(), path: path.to_owned() })
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Rules {
    /// What the rules say of a call that nobody's API has routed.
    #[must_use]
    pub fn decide_call(&self, method: &str, path: &str, asking: Asking<'_>) -> Verdict {
        match Operation::parse(method, path) {
            Some(operation) => self.decide_operation(operation, asking),
            None if path == CONNECT.0 => self.decide(method, None, CONNECT.1, asking),
            None => self.decide(method, None, path, asking),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_method_and_a_path_without_a_query() {
        for text in ["GET /notes/7", "DELETE /", "CONNECT $connect", "PUBLISH /chat/1", "GET /50%25.pdf"] {
            assert_eq!(Call::parse(text).map(|call| call.to_string()).as_deref(), Some(text));
        }
        for text in [
            "",
            "GET",
            "GET ",
            " /notes",
            "get /notes",
            "GET notes",
            "GET /notes?all=1",
            "GET /a#b",
            "GET /a b",
        ] {
            assert_eq!(Call::parse(text), None, "{text}");
        }
    }
}
