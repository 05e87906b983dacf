//! Where routes meet, and the patterns that IAM makes of them.
//!
//! IAM knows one wildcard for text, `*`, and it crosses `/`. So a policy can say a literal path and `/admin/*` exactly,
//! and for `{id}` only more than is meant.

use std::collections::BTreeSet;

use super::route::{Route, Segment};

impl Route {
    /// Whether there is a call that both are about.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let others = other.methods();
        self.methods().iter().any(|method| others.contains(method)) && overlap(self, other)
    }
}

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    /// One character that is no slash.
    NoSlash,
    /// Any number of them.
    NoSlashes,
    /// Any text.
    Any,
}

/// The paths that a route is about.
fn of_route(route: &Route) -> Vec<Token> {
    tokens(route, &[Token::NoSlash, Token::NoSlashes])
}

/// The paths that IAM lets through for it.
fn of_iam(route: &Route) -> Vec<Token> {
    tokens(route, &[Token::Any])
}

fn tokens(route: &Route, one_segment: &[Token]) -> Vec<Token> {
    let mut tokens = Vec::new();
    for segment in route.segments() {
        tokens.push(Token::Char('/'));
        match segment {
            Segment::Literal(literal) => tokens.extend(literal.chars().map(Token::Char)),
            Segment::One(_) => tokens.extend(one_segment),
        }
    }
    if route.any_depth() {
        tokens.extend([Token::Char('/'), Token::Any]);
    } else if route.segments().is_empty() {
        tokens.push(Token::Char('/'));
    }
    tokens
}

/// Whether there is a path that IAM lets through for `granted` and that `other` is about.
pub(super) fn meets(granted: &Route, other: &Route) -> bool {
    intersect(&of_iam(granted), &of_route(other))
}

/// Whether there is a path that both are about.
pub(super) fn overlap(one: &Route, other: &Route) -> bool {
    intersect(&of_route(one), &of_route(other))
}

/// Whether `other` is about every path that IAM lets through for `granted`.
pub(super) fn covers(other: &Route, granted: &Route) -> bool {
    let (inner, outer) = (of_iam(granted), of_route(other));
    match outer.split_last() {
        // Only what ends with `/*` and has no `{id}` before it is about every text that begins in some way.
        Some((Token::Any, prefix)) if prefix.iter().all(|token| matches!(token, Token::Char(_))) => {
            inner.starts_with(prefix)
        }
        _ => inner == outer && inner.iter().all(|token| matches!(token, Token::Char(_))),
    }
}

/// Whether `earlier` is about every path that `later` is about, so that `later` is never asked.
pub(super) fn hides(earlier: &Route, later: &Route) -> bool {
    let mut wanted = later.segments().iter();
    for segment in earlier.segments() {
        match (segment, wanted.next()) {
            (Segment::Literal(one), Some(Segment::Literal(other))) if one == other => {}
            (Segment::One(_), Some(_)) => {}
            _ => return false,
        }
    }
    match (earlier.any_depth(), wanted.next()) {
        (true, Some(_)) => true,
        (true, None) => later.any_depth() || later.segments().is_empty(),
        (false, rest) => rest.is_none() && !later.any_depth(),
    }
}

/// Whether two patterns have a text in common: a walk through both at once.
fn intersect(one: &[Token], other: &[Token]) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![(0, 0)];
    while let Some((i, j)) = open.pop() {
        if !seen.insert((i, j)) {
            continue;
        }
        let (left, right) = (one.get(i).copied(), other.get(j).copied());
        if left.is_none() && right.is_none() {
            return true;
        }
        if matches!(left, Some(Token::Any | Token::NoSlashes)) {
            open.push((i + 1, j));
        }
        if matches!(right, Some(Token::Any | Token::NoSlashes)) {
            open.push((i, j + 1));
        }
        if let (Some(left), Some(right)) = (left, right)
            && share_a_character(left, right)
        {
            let after = |token, at| if matches!(token, Token::Any | Token::NoSlashes) { at } else { at + 1 };
            open.push((after(left, i), after(right, j)));
        }
    }
    false
}

fn share_a_character(left: Token, right: Token) -> bool {
    match (left, right) {
        (Token::Char(left), Token::Char(right)) => left == right,
        (Token::Char(c), Token::NoSlash | Token::NoSlashes)
        | (Token::NoSlash | Token::NoSlashes, Token::Char(c)) => c != '/',
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str) -> Route {
        Route::parse(&format!("GET {path}")).unwrap()
    }

    #[test]
    fn what_is_reckoned_with_here_is_what_stands_in_policies() {
        for path in ["/", "/*", "/notes", "/notes/{id}", "/{a}/b/{c}/*"] {
            let write = |token| match token {
                Token::Char(c) => c,
                _ => '*',
            };
            let reckoned: String = of_iam(&route(path)).into_iter().map(write).collect();
            assert_eq!(reckoned, route(path).iam_path(), "{path}");
        }
    }

    #[test]
    fn iam_crosses_slashes_where_a_route_does_not() {
        for (granted, other, verdict) in [
            ("/notes/{id}", "/notes/{id}/tags", true),
            ("/notes/{id}", "/notes", false),
            ("/notes/{id}/tags", "/notes/a/b/tags", true),
            ("/notes/{id}/tags", "/notes/a/b", false),
            ("/notes", "/{any}", true),
            ("/notes", "/{any}/{other}", false),
            ("/admin/*", "/{any}/users", true),
            ("/*", "/", true),
        ] {
            assert_eq!(meets(&route(granted), &route(other)), verdict, "{granted} {other}");
        }
    }

    #[test]
    fn only_a_prefix_is_about_all_that_iam_lets_through() {
        for (other, granted, verdict) in [
            ("/notes/*", "/notes/{id}", true),
            ("/notes/*", "/notes/{id}/tags", true),
            ("/notes/*", "/notes", false),
            ("/notes/{id}", "/notes/{id}", false),
            ("/{a}/*", "/notes/*", false),
            ("/notes", "/notes", true),
            ("/*", "/notes/*", true),
            ("/notes", "/other", false),
            ("/{any}", "/notes", false),
        ] {
            assert_eq!(covers(&route(other), &route(granted)), verdict, "{other} {granted}");
        }
    }

    #[test]
    fn a_rule_behind_one_about_the_same_paths_is_never_asked() {
        for (earlier, later, verdict) in [
            ("/notes", "/notes", true),
            ("/{a}", "/notes", true),
            ("/notes", "/other", false),
            ("/notes", "/notes/a", false),
            ("/notes", "/notes/*", false),
            ("/notes", "/{a}", false),
            ("/notes/*", "/notes/{id}", true),
            ("/notes/*", "/notes", false),
            ("/notes/*", "/notes/a/*", true),
            ("/notes/{id}", "/notes/*", false),
            ("/*", "/", true),
        ] {
            assert_eq!(hides(&route(earlier), &route(later)), verdict, "{earlier} {later}");
        }
    }
}
