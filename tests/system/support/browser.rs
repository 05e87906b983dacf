//! Somebody with a browser: it keeps cookies, sends them unasked, and says which page asked for a request.

use std::collections::BTreeMap;

use reqwest::RequestBuilder;
use serde_json::json;

use super::client::{Answer, Client};
use super::stack::{PASSWORD, System, User};

pub(crate) const REFRESH: &str = "__Host-nova-refresh";
pub(crate) const CSRF: &str = "__Host-nova-csrf";

/// A browser with a page of ours in it.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    client: Client,
    url: String,
    /// What it keeps, by name.
    pub(crate) cookies: BTreeMap<String, String>,
    /// The last CSRF token that the page was given.
    pub(crate) csrf_token: String,
    /// The last access token that the page was given.
    pub(crate) access: String,
}

impl Browser {
    /// A fresh one at 127.0.0.`last`.
    pub(crate) fn new(system: &System, last: u8) -> Browser {
        Browser {
            client: Client::at(last),
            url: system.stack.url().to_owned(),
            cookies: BTreeMap::new(),
            csrf_token: String::new(),
            access: String::new(),
        }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// The same browser with another CSRF token in its page.
    pub(crate) fn with_csrf(&self, token: &str) -> Browser {
        Browser { csrf_token: token.to_owned(), ..self.clone() }
    }

    /// The origin that the API itself has.
    pub(crate) fn own_origin(&self) -> String {
        self.url.clone()
    }

    /// A request with the cookies, and nothing that the page adds.
    pub(crate) fn bare(&self, method: &str, path: &str) -> RequestBuilder {
        let request = self.client.request(method, &format!("{}{path}", self.url));
        if self.cookies.is_empty() {
            return request;
        }
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.header("cookie", pairs.join("; "))
    }

    /// A request of a page of ours, with its CSRF token.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.bare(method, path).header("origin", self.own_origin()).header("x-csrf-token", &self.csrf_token)
    }

    /// Sends a request, and keeps what the answer says to keep.
    pub(crate) async fn send(&mut self, request: RequestBuilder) -> Answer {
        let answer = self.client.send(request).await;
        for set in answer.headers.get_all("set-cookie") {
            let set = set.to_str().unwrap();
            assert!(set.contains("; Path=/;"), "{set}");
            assert!(set.ends_with("; Secure; HttpOnly; SameSite=Strict"), "{set}");
            assert!(!set.contains("Domain"), "{set}");
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if set.contains("; Max-Age=0;") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        for (pointer, keep) in
            [("/data/csrfToken", &mut self.csrf_token), ("/data/accessToken", &mut self.access)]
        {
            let told = answer.text(pointer);
            if !told.is_empty() {
                *keep = told;
            }
        }
        answer
    }

    /// Asks for a CSRF token.
    pub(crate) async fn csrf(&mut self) -> String {
        let request = self.bare("GET", "/api/csrf-token").header("sec-fetch-site", "same-origin");
        let answer = self.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.expect_envelope();
        answer.text("/data/csrfToken")
    }

    /// Logs in by cookie, with the token that the page has.
    pub(crate) async fn log_in(&mut self, user: &User) -> Answer {
        let body = json!({"email": user.email, "password": PASSWORD, "tokenDelivery": "cookie"});
        self.send(self.request("POST", "/api/auth/login").json(&body)).await
    }

    /// Refreshes by cookie.
    pub(crate) async fn refresh(&mut self) -> Answer {
        self.send(self.request("POST", "/api/auth/refresh")).await
    }

    /// Logs out by cookie alone.
    pub(crate) async fn log_out(&mut self) -> Answer {
        self.send(self.request("POST", "/api/auth/logout")).await
    }
}

impl System {
    /// A browser at 127.0.0.`last` in which somebody has logged in.
    pub(crate) async fn browser(&self, last: u8, user: &User) -> Browser {
        let mut browser = Browser::new(self, last);
        browser.csrf().await;
        let answer = browser.log_in(user).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        browser
    }
}
