//! Origins of web pages (RFC 6454): which of them may call from a browser, and what with.
//!
//! The patterns of the template's parameters say the same, and `tests/contract/template/patterns.rs` holds the two together.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The origins of other front ends that may call. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// Reads a comma-separated list of origins. Case, blanks, one slash at the end and the scheme's own port change
    /// nothing of what is meant, so they are taken, and kept as a browser sends them. Any scheme will do: pages of hybrid
    /// apps come from `capacitor://localhost`, `ionic://localhost` or an `app://` of their own.
    ///
    /// # Errors
    /// The entry that is no origin. `*`, `null` and patterns of hosts are among them: whoever may call may call with
    /// cookies, so each is named.
    pub fn parse(list: &str) -> Result<Self, String> {
        let checked = |entry: &str| origin(entry).ok_or_else(|| entry.to_owned());
        Ok(Self(entries(list).map(checked).collect::<Result<_, _>>()?))
    }

    /// Each, as a browser sends it.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether this one, as a browser sent it, is among them.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == origin)
    }
}

/// Further request headers that the pages of those origins may send. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHeaders(Vec<String>);

impl AllowedHeaders {
    /// Reads a comma-separated list of names.
    ///
    /// # Errors
    /// The entry that is no name. `*` is among them: beside cookies it is no wildcard (Fetch Standard, section 4.9).
    pub fn parse(list: &str) -> Result<Self, String> {
        let is_name =
            |entry: &str| entry.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let checked = |entry: &str| if is_name(entry) { Ok(entry.to_owned()) } else { Err(entry.to_owned()) };
        Ok(Self(entries(list).map(checked).collect::<Result<_, _>>()?))
    }

    /// The names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// An origin as a browser writes it.
fn origin(entry: &str) -> Option<String> {
    let (scheme, rest) = entry.split_once("://")?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
    let scheme = scheme.to_ascii_lowercase();
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.rsplit_once(':') {
        // The last colon of a bare IPv6 address is inside its brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let host = host_name(host).or_else(|| ipv6(host))?;
    let port = match port {
        Some(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse::<u16>().ok().map(Some)?
        }
        Some(_) => return None,
        None => None,
    };
    let own_port = match scheme.as_str() {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    };
    let port = port.filter(|port| Some(*port) != own_port).map(|port| format!(":{port}"));
    is_scheme.then(|| format!("{scheme}://{host}{}", port.unwrap_or_default()))
}

fn host_name(host: &str) -> Option<String> {
    let labels = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        !label.is_empty() && label.bytes().all(fits)
    };
    // What ends in a number is an IPv4 address to a browser, and has to be written like one.
    let ends_in_number =
        labels.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    let is_host = labels.split('.').all(is_label) && (!ends_in_number || host.parse::<Ipv4Addr>().is_ok());
    is_host.then(|| host.to_ascii_lowercase())
}

/// RFC 5952, but without its dots: browsers write `[::ffff:102:304]`.
fn ipv6(host: &str) -> Option<String> {
    let address: Ipv6Addr = host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
    let [.., high, low] = address.segments();
    Some(match address.to_ipv4_mapped() {
        Some(_) => format!("[::ffff:{high:x}:{low:x}]"),
        None => format!("[{address}]"),
    })
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
            "https://app.example.com/",
            "http://localhost",
            "null",
            "",
        ] {
            assert!(!allowed.contains(other), "{other}");
        }
        assert!(!AllowedOrigins::default().contains(""));
    }

    #[test]
    fn what_has_one_meaning_is_taken_as_a_browser_sends_it() {
        for (written, sent) in [
            ("https://app.example.com/", "https://app.example.com"),
            ("HTTPS://App.Example.COM", "https://app.example.com"),
            (" https://a.example ,\thttps://app.example.com , ", "https://app.example.com"),
            ("https://app.example.com:443/", "https://app.example.com"),
            ("http://app.example.com:80", "http://app.example.com"),
            ("http://app.example.com:443", "http://app.example.com:443"),
            ("https://app.example.com:08443", "https://app.example.com:8443"),
            ("https://my_app.example.com", "https://my_app.example.com"),
            ("https://app.example.com.", "https://app.example.com."),
            ("http://192.0.2.7:3000", "http://192.0.2.7:3000"),
            ("https://[2001:0DB8::0007]", "https://[2001:db8::7]"),
            ("https://[::ffff:1.2.3.4]", "https://[::ffff:102:304]"),
        ] {
            assert!(AllowedOrigins::parse(written).unwrap().contains(sent), "{written}");
        }
    }

    #[test]
    fn the_schemes_of_hybrid_apps_are_origins() {
        for origin in [
            "capacitor://localhost",
            "ionic://localhost",
            "app://localhost",
            "app://com.example.crm",
            "tauri://localhost",
            "com.example.crm://localhost",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        ] {
            assert!(AllowedOrigins::parse(origin).unwrap().contains(origin), "{origin}");
        }
    }

    #[test]
    fn what_has_no_single_meaning_is_named() {
        for entry in [
            "*",
            "null",
            "app.example.com",
            "https://",
            "https:///",
            "file://",
            "https://*.example.com",
            "https://*",
            "*://app.example.com",
            "https://app.example.com//",
            "https://app.example.com/path",
            "https://app.example.com?query",
            "https://app.example.com:",
            "https://app.example.com:+443",
            "https://app.example.com:99999",
            "https://user@app.example.com",
            "https://app..example.com",
            "https://.example.com",
            "https://1.2.3",
            "https://1.2.3.256",
            "https://1.2.3.4.",
            "https://münchen.example",
            "https://[::1",
            "https://[::1]x",
            "https://::1",
            "https://a b.example.com",
            "1ttps://app.example.com",
            "://app.example.com",
            "https://a.example;https://b.example",
        ] {
            let list = format!("https://ok.example.com,{entry}");
            assert_eq!(AllowedOrigins::parse(&list), Err(entry.to_owned()));
        }
    }

    #[test]
    fn headers_are_named_one_by_one() {
        let headers = AllowedHeaders::parse(" X-Tenant ,x_trace.id,, ").unwrap();
        assert_eq!(headers.iter().collect::<Vec<_>>(), ["X-Tenant", "x_trace.id"]);
        for entry in ["*", "X-*", "X Tenant", "X-Tenant: 1", "X-Tenant;X-Other", "é"] {
            assert_eq!(AllowedHeaders::parse(entry), Err(entry.to_owned()));
        }
    }
}
