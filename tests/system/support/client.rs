//! Somebody who calls the system. Each address of 127.0.0.0/8 is another client, as the service sees it.

use std::net::{IpAddr, Ipv4Addr};

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// A client at an address of its own.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
}

impl Client {
    /// The client at 127.0.0.`last`.
    pub(crate) fn at(last: u8) -> Client {
        let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        Client { http: reqwest::Client::builder().local_address(address).build().unwrap() }
    }

    /// A request that is still to be completed.
    pub(crate) fn request(&self, method: &str, url: &str) -> RequestBuilder {
        self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), url)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, headers, body }
    }

    /// Sends a request that another client of HTTP made.
    pub(crate) async fn send_by(&self, http: &reqwest::Client, request: RequestBuilder) -> Answer {
        Client { http: http.clone() }.send(request).await
    }

    /// Posts JSON.
    pub(crate) async fn post(&self, url: &str, body: &Value) -> Answer {
        self.send(self.request("POST", url).json(body)).await
    }

    /// Posts JSON, and wants an answer in English.
    pub(crate) async fn post_in_english(&self, url: &str, body: &Value) -> Answer {
        self.send(self.request("POST", url).header("accept-language", "en").json(body)).await
    }

    /// Gets something, with a token or without.
    pub(crate) async fn get(&self, url: &str, token: Option<&str>) -> Answer {
        let request = self.request("GET", url);
        self.send(token.iter().fold(request, |request, token| request.bearer_auth(token))).await
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The text at a place of the body; empty where there is none.
    pub(crate) fn text(&self, pointer: &str) -> String {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The code of a refusal.
    pub(crate) fn code(&self) -> String {
        self.text("/code")
    }

    /// The one value of a header; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap()).unwrap_or_default();
        assert!(values.next().is_none(), "{name} stands twice");
        value
    }

    /// The number at the end of a header's value.
    pub(crate) fn seconds(&self, name: &str) -> u64 {
        let value = self.header(name);
        value.rsplit(['=', ' ']).next().unwrap().parse().unwrap_or_else(|_| panic!("{name}: {value}"))
    }

    /// Asserts status and code, and that the envelope is one.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}", self.body);
        self.expect_envelope();
    }

    /// Asserts the status of an answer that has no code.
    #[track_caller]
    pub(crate) fn expect_status(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.body);
        self.expect_envelope();
    }

    /// Asserts that the answer is in the envelope, with the headers that every answer has.
    #[track_caller]
    pub(crate) fn expect_envelope(&self) {
        let members = self.body.as_object().unwrap_or_else(|| panic!("no envelope: {:?}", self.body));
        let success = self.status < 400;
        assert_eq!(members.get("success"), Some(&Value::Bool(success)), "{}", self.body);
        let allowed: &[&str] =
            if success { &["success", "data", "message"] } else { &["success", "code", "message", "errors"] };
        assert!(members.keys().all(|name| allowed.contains(&name.as_str())), "{}", self.body);
        assert!(success || !self.text("/message").is_empty(), "{}", self.body);
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        assert_eq!(self.header("strict-transport-security"), "max-age=31536000; includeSubDomains");
        assert!(!self.header("x-request-id").is_empty());
        assert!(self.header("content-type").starts_with("application/json"));
    }
}
