//! HTTP, as a client at an address of its own: a call, its answer, and what tokens say of themselves.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::RequestBuilder;
use serde_json::Value;

use super::history::Answer;

/// Longer than any function may take, queueing included: who goes away before the answer is another kind of client.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    cookies: Vec<String>,
}

/// A client of that number: each has an address of its own.
pub(crate) fn client(number: u64) -> Result<reqwest::Client, reqwest::Error> {
    let octet = |value: u64| u8::try_from(value % 250).unwrap_or_default();
    let address = Ipv4Addr::new(127, octet(number / 62_500) + 1, octet(number / 250) + 1, octet(number) + 2);
    reqwest::Client::builder().local_address(IpAddr::V4(address)).timeout(PATIENCE).build()
}

/// Sends a request; no answer is status 0.
pub(crate) async fn send(request: RequestBuilder) -> Reply {
    match exchange(request).await {
        Ok(reply) => reply,
        Err(error) => {
            let what = if error.is_timeout() { "timeout" } else { "no answer" };
            Reply { status: 0, body: Value::String(what.to_owned()), cookies: Vec::new() }
        }
    }
}

async fn exchange(request: RequestBuilder) -> Result<Reply, reqwest::Error> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let set = response.headers().get_all("set-cookie").iter();
    let cookies = set.filter_map(|value| value.to_str().ok().map(str::to_owned)).collect();
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(Reply { status, body, cookies })
}

impl Reply {
    /// The text at a place of the body; empty where there is none.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// What it sets a cookie to; `None` where it leaves it alone or clears it.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let set = self.cookies.iter().find_map(|set| {
            set.split(';').next()?.split_once('=').filter(|(own, _)| *own == name).map(|(_, value)| value)
        });
        set.filter(|value| !value.is_empty())
    }

    /// What a judge has to know of it.
    pub(crate) fn answer(&self) -> Answer {
        let code = self.text("/code").to_owned();
        match self.status {
            200..=299 => Answer::Yes,
            429 => Answer::Limited(code),
            400..=499 => Answer::No(if code.is_empty() { self.status.to_string() } else { code }),
            0 => Answer::Broken(self.body.as_str().unwrap_or_default().to_owned()),
            status => Answer::Broken(format!("{status} {code}")),
        }
    }
}

/// A part of a token: 0 is the header, 1 the claims.
fn part(token: &str, index: usize) -> Option<Value> {
    let part = token.split('.').nth(index)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The name of the key that signed a token.
pub(crate) fn key_of(token: &str) -> Option<String> {
    part(token, 0)?.get("kid")?.as_str().map(str::to_owned)
}

pub(crate) fn session_of(token: &str) -> Option<String> {
    part(token, 1)?.get("sid")?.as_str().map(str::to_owned)
}
