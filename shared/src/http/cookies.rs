//! The three cookies, read and set. All are `__Host-` ones (RFC 6265bis, section 4.1.3): no other host of our domain can set
//! them, nor plain HTTP; no script reads them, and no other site has them sent.

use jiff::SignedDuration;
use lambda_http::{
    Body,
    http::{HeaderMap, HeaderValue, Response, header},
};
use serde_json::Value;

use super::{Answer, Request};
use crate::{
    domain::refusal::Refusal,
    flows::csrf::{Carrier, Delivered, Proof},
    keys::{KNOWN_FOR, Token},
};

/// Holds a session's refresh token.
const REFRESH: &str = "__Host-nova-refresh";
/// Holds what a device keeps of a login. A logout leaves it: that is its point.
const DEVICE: &str = "__Host-nova-device";
/// Holds what CSRF tokens are bound to before a login.
const CSRF: &str = "__Host-nova-csrf";
/// Carries the CSRF token. Only a script can set it, and only one of an origin that may.
const CSRF_HEADER: &str = "x-csrf-token";

/// A cookie to set. Its value is a token, which redacts itself.
#[derive(Debug)]
pub struct SetCookie {
    name: &'static str,
    value: Token,
    /// `None`: until the browser ends.
    lives: Option<SignedDuration>,
}

impl SetCookie {
    /// The cookie that CSRF tokens are bound to before a login.
    #[must_use]
    pub const fn csrf(value: Token) -> Self {
        Self { name: CSRF, value, lives: None }
    }

    /// Both cookies, cleared.
    #[must_use]
    pub fn cleared() -> Vec<Self> {
        let cleared = |name| Self { name, value: Token::new(""), lives: Some(SignedDuration::ZERO) };
        vec![cleared(REFRESH), cleared(CSRF)]
    }

    /// The cookie by which a device is known, cleared.
    #[must_use]
    pub fn forgotten() -> Self {
        Self { name: DEVICE, value: Token::new(""), lives: Some(SignedDuration::ZERO) }
    }

    fn text(&self) -> String {
        let life = self.lives.map(|lives| format!("; Max-Age={}", lives.as_secs())).unwrap_or_default();
        format!("{}={}; Path=/{life}; Secure; HttpOnly; SameSite=Strict", self.name, self.value.expose())
    }
}

/// Sets cookies by an answer. Tokens are ASCII, so that none is ever left out.
pub(super) fn set(response: &mut Response<Body>, cookies: &[SetCookie]) {
    for value in cookies.iter().filter_map(|cookie| HeaderValue::from_str(&cookie.text()).ok()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

impl Answer {
    /// The same answer with a refresh token, the way that its session delivers.
    #[must_use]
    pub fn delivering(self, refresh: &Delivered) -> Self {
        match refresh {
            Delivered::Body(token) => self.with_member("refreshToken", token.expose()),
            Delivered::Cookie { token, lives, csrf } => self
                .with_member("csrfToken", csrf.expose())
                .with_cookies([SetCookie { name: REFRESH, value: token.clone(), lives: Some(*lives) }]),
        }
    }

    /// The same answer with what the device is to keep of this login, on the same way as the refresh token.
    #[must_use]
    pub fn keeping(self, device: Option<&Token>, refresh: &Delivered) -> Self {
        match (device, refresh) {
            (None, _) => self,
            (Some(token), Delivered::Body(_)) => self.with_member("deviceToken", token.expose()),
            (Some(token), Delivered::Cookie { .. }) => {
                self.with_cookies([SetCookie { name: DEVICE, value: token.clone(), lives: Some(KNOWN_FOR) }])
            }
        }
    }

    fn with_member(mut self, name: &str, value: &str) -> Self {
        if let Some(members) = self.data.as_mut().and_then(Value::as_object_mut) {
            members.insert(name.to_owned(), value.into());
        }
        self
    }
}

impl Request {
    /// The refresh token of this request and how it came: in the body, or, where there is none, in the cookie.
    ///
    /// # Errors
    /// `RefreshTokenInvalid` for several cookies: two readers could pick different ones.
    pub fn refresh_token(&self, in_body: Option<String>) -> Result<Option<(Token, Carrier)>, Refusal> {
        if let Some(token) = in_body {
            return Ok(Some((Token::new(token), Carrier::Body)));
        }
        let cookie = self.refresh_cookie()?;
        Ok(cookie.map(|token| (token, Carrier::Cookie(self.proof()))))
    }

    /// The cookie of a session.
    ///
    /// # Errors
    /// `RefreshTokenInvalid` for several.
    pub fn refresh_cookie(&self) -> Result<Option<Token>, Refusal> {
        let found = cookies(&self.headers, REFRESH);
        if found.len() > 1 {
            return Err(Refusal::RefreshTokenInvalid);
        }
        Ok(found.into_iter().next())
    }

    /// The cookie by which a device is known. Several are none.
    #[must_use]
    pub fn device_cookie(&self) -> Option<Token> {
        let found = cookies(&self.headers, DEVICE);
        if found.len() > 1 { None } else { found.into_iter().next() }
    }

    /// The cookie that CSRF tokens are bound to before a login. Several are none.
    #[must_use]
    pub fn csrf_cookie(&self) -> Option<Token> {
        let found = cookies(&self.headers, CSRF);
        if found.len() > 1 { None } else { found.into_iter().next() }
    }

    /// What the browser sent along with its cookies.
    #[must_use]
    pub fn proof(&self) -> Proof {
        let mut tokens = self.headers.get_all(CSRF_HEADER).iter();
        let token = match (tokens.next(), tokens.next()) {
            (None, _) => None,
            // Sent, and so meant as a proof: several of them, or one that is no text, prove nothing.
            (Some(token), None) => Some(token.to_str().unwrap_or_default()),
            _ => Some(""),
        };
        Proof {
            from_our_pages: self.page.ours,
            token: token.map(Token::new),
            session: self.refresh_cookie().ok().flatten(),
            anonymous: self.csrf_cookie(),
        }
    }
}

/// The values of every cookie of this name (RFC 6265, section 5.4). Those of others may hold bytes that are no text.
fn cookies(headers: &HeaderMap, name: &str) -> Vec<Token> {
    let pairs =
        headers.get_all(header::COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let values = pairs.filter_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        // An empty one is what is left of a cookie that was cleared.
        (!value.is_empty()).then(|| Token::new(String::from_utf8_lossy(value)))
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&[u8]]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::COOKIE, HeaderValue::from_bytes(value).unwrap());
        }
        cookies(&headers, REFRESH).iter().map(|token| token.expose().to_owned()).collect()
    }

    #[test]
    fn the_cookie_is_found_among_those_of_others() {
        for value in [
            &b"__Host-nova-refresh=a.b.c"[..],
            b"theme=dark; __Host-nova-refresh=a.b.c; x=y",
            b"name=\xd8\xba\xff;__Host-nova-refresh=a.b.c",
            b"; ;=;  __Host-nova-refresh=a.b.c  ;",
        ] {
            assert_eq!(read(&[value]), ["a.b.c"]);
        }
        assert_eq!(read(&[b"a=b", b"__Host-nova-refresh=a.b.c"]), ["a.b.c"]);
    }

    #[test]
    fn a_cookie_of_a_name_like_it_is_another() {
        for value in [
            &b"nova-refresh=x"[..],
            b"__host-nova-refresh=x",
            b"__Host-nova-refresh2=x",
            b"x__Host-nova-refresh=x",
            b"a=__Host-nova-refresh=x",
            b"__Host-nova-refresh",
            b"__Host-nova-refresh=",
            b"",
        ] {
            assert!(read(&[value]).is_empty(), "{}", String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn two_of_them_are_two() {
        assert_eq!(read(&[b"__Host-nova-refresh=a; __Host-nova-refresh=b"]).len(), 2);
        assert_eq!(read(&[b"__Host-nova-refresh=a", b"__Host-nova-refresh=a"]).len(), 2);
    }

    #[test]
    fn a_cookie_has_every_attribute_that_keeps_it_ours() {
        let lives = Some(SignedDuration::from_hours(1));
        let refresh = SetCookie { name: REFRESH, value: Token::new("a.b.c"), lives };
        assert_eq!(
            refresh.text(),
            "__Host-nova-refresh=a.b.c; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Strict"
        );
        let csrf = SetCookie::csrf(Token::new("a.b"));
        assert_eq!(csrf.text(), "__Host-nova-csrf=a.b; Path=/; Secure; HttpOnly; SameSite=Strict");
        let cleared: Vec<_> = SetCookie::cleared().iter().map(SetCookie::text).collect();
        assert_eq!(cleared.len(), 2);
        assert!(cleared.iter().all(|text| text.contains("=; Path=/; Max-Age=0; Secure; ")), "{cleared:?}");
        assert!(!format!("{refresh:?}").contains("a.b.c"));
    }
}
