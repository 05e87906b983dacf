//! Origins of web pages (RFC 6454): which of them may call from a browser.

/// The origins of other front ends that may call. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// Reads a comma-separated list of origins, each exactly as browsers send it: scheme, host, and a port that is not the
    /// scheme's own.
    ///
    /// # Errors
    /// The entry that no browser sends. `*` and `null` are among them: whoever may call may call with cookies.
    pub fn parse(list: &str) -> Result<Self, String> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let checked =
            |entry: &str| if is_origin(entry) { Ok(entry.to_owned()) } else { Err(entry.to_owned()) };
        Ok(Self(entries.map(checked).collect::<Result<_, _>>()?))
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == origin)
    }
}

fn is_origin(text: &str) -> bool {
    let (host, own_port) = match text.split_once("://") {
        Some(("https", host)) => (host, "443"),
        Some(("http", host)) => (host, "80"),
        _ => return false,
    };
    let (host, port) = match host.rsplit_once(':') {
        // The last colon of a bare IPv6 address is inside its brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (host, None),
    };
    let is_name = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
    let is_ipv6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).is_some_and(|address| {
        address.parse::<std::net::Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address)
    });
    let is_port = |port: &str| port != own_port && port.parse::<u16>().is_ok_and(|n| n.to_string() == port);
    (is_name || is_ipv6) && port.is_none_or(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_compared_as_a_whole() {
        let allowed = AllowedOrigins::parse(
            "https://app.example.com, http://localhost:5173,http://[::1]:8080,https://[2001:db8::7]",
        )
        .unwrap();
        for origin in
            ["https://app.example.com", "http://localhost:5173", "http://[::1]:8080", "https://[2001:db8::7]"]
        {
            assert!(allowed.contains(origin), "{origin}");
        }
        for other in [
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.example",
            "https://evil-app.example.com",
            "https://example.com",
            "https://APP.example.com",
            "http://localhost",
            "null",
            "",
        ] {
            assert!(!allowed.contains(other), "{other}");
        }
        assert!(!AllowedOrigins::default().contains(""));
    }

    #[test]
    fn an_entry_that_no_browser_would_send_is_named() {
        for entry in [
            "*",
            "null",
            "app.example.com",
            "https://",
            "https://*.example.com",
            "https://app.example.com/",
            "https://app.example.com/path",
            "https://App.example.com",
            "https://app.example.com:443",
            "http://app.example.com:80",
            "https://app.example.com:08443",
            "https://app.example.com:99999",
            "https://user@app.example.com",
            "ftp://app.example.com",
            "https://[::0001]",
            "https://a b.example.com",
        ] {
            let list = format!("https://ok.example.com,{entry}");
            assert_eq!(AllowedOrigins::parse(&list), Err(entry.to_owned()));
        }
    }
}
