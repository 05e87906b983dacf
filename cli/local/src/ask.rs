//! One request to a server that is not ours, and its answer: no pool, no retry, no redirect, no second reading of the path.

use std::fmt;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::response::Parts;
use axum::http::{Request, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Lambda takes answers of up to 6 MB; nothing that is asked here has a larger one.
const MAX_ANSWER: usize = 6 * 1024 * 1024;

/// Where a server listens: `http://host:port`, and nothing after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    host: String,
    port: u16,
}

/// The text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected http://HOST:PORT, such as http://127.0.0.1:8080")]
pub struct NotAnOrigin;

impl std::str::FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Origin, NotAnOrigin> {
        let uri: Uri = text.parse().map_err(|_| NotAnOrigin)?;
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        match (uri.scheme_str(), authority) {
            (Some("http"), Some(authority)) if is_bare && !authority.host().is_empty() => {
                let port = authority.port_u16().unwrap_or(80);
                Ok(Origin { host: authority.host().to_owned(), port })
            }
            _ => Err(NotAnOrigin),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

impl Origin {
    /// Sends a request, whose URI is a path alone, and reads the whole answer. The error says in a few words what went wrong.
    pub(crate) async fn ask(&self, request: Request<Body>) -> Result<(Parts, Bytes), String> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, self.port)).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        // Ends with this call, however this call ends.
        let mut under_way = JoinSet::new();
        under_way.spawn(connection);
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = answer.into_parts();
        let body = to_bytes(Body::new(body), MAX_ANSWER).await;
        Ok((parts, body.map_err(|_| "its answer is incomplete, or larger than 6 MB".to_owned())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        let origin = |text: &str| text.parse::<Origin>().map(|origin| origin.to_string());
        assert_eq!(origin("http://127.0.0.1:8080").as_deref(), Ok("http://127.0.0.1:8080"));
        assert_eq!(origin("http://localhost:8080/").as_deref(), Ok("http://localhost:8080"));
        assert_eq!(origin("http://[::1]:8080").as_deref(), Ok("http://[::1]:8080"));
        assert_eq!(origin("http://server").as_deref(), Ok("http://server:80"));
        for text in [
            "",
            "8080",
            "127.0.0.1:8080",
            "https://127.0.0.1:8080",
            "http://user:word@127.0.0.1:8080",
            "http://127.0.0.1:8080/api",
            "http://127.0.0.1:8080/?a=b",
            "http://",
        ] {
            assert_eq!(origin(text), Err(NotAnOrigin), "{text}");
        }
    }
}
