//! Who may not ask: pages of other sites, in the browser of whoever runs this.
//!
//! Listening on 127.0.0.1 keeps other machines out, and no page: a browser on this machine sends a page's requests here. Such a
//! request says where its page is from (`Origin`), or, where the site's name was made to lead here (DNS rebinding), has that
//! name in `Host`. No program that is meant to use a database or a secret has either.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// The names of this machine: its own, and those by which a container reaches it.
const NAMES: [&str; 5] = ["127.0.0.1", "localhost", "[::1]", "host.docker.internal", "172.17.0.1"];

/// Refuses what was sent to another name than this machine's.
pub(crate) async fn by_own_name(request: Request, next: Next) -> Response {
    if is_own_name(&request) { next.run(request).await } else { refused() }
}

/// Refuses that too, and whatever a page sent, wherever the page is from.
pub(crate) async fn by_programs(request: Request, next: Next) -> Response {
    let is_of_a_page = request.headers().contains_key(header::ORIGIN);
    if is_own_name(&request) && !is_of_a_page { next.run(request).await } else { refused() }
}

/// One name, with any port. HTTP/2 has it in the address.
fn is_own_name(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter().map(|host| host.to_str().ok());
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host,
        (None, _) => request.uri().authority().map(|authority| authority.as_str()),
        (Some(_), Some(_)) => None,
    };
    let name = host.map(|host| match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    });
    name.is_some_and(|name| NAMES.iter().any(|own| own.eq_ignore_ascii_case(name)))
}

fn refused() -> Response {
    (StatusCode::FORBIDDEN, "This is for programs on this machine.\n").into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn own(hosts: &[&str]) -> bool {
        let mut request = Request::builder().uri("/");
        for host in hosts {
            request = request.header("host", *host);
        }
        is_own_name(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn this_machine_is_known_by_its_own_names_and_no_site_has_one_of_them() {
        for host in
            ["127.0.0.1", "127.0.0.1:8000", "LocalHost:3000", "[::1]:1", "[::1]", "host.docker.internal:8000"]
        {
            assert!(own(&[host]), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8000",
            "127.0.0.1.evil.example",
            "localhost.evil.example:8000",
            "localhost:evil",
            "127.0.0.1:8000:80",
            "::1",
            "",
        ] {
            assert!(!own(&[host]), "{host}");
        }
        assert!(!own(&[]));
        assert!(!own(&["localhost", "evil.example"]) && !own(&["localhost", "localhost"]));
    }
}
