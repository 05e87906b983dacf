//! The way to AWS where a proxy stands in between: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in capitals or not, as the AWS
//! CLI has them. A `nova local` is never asked through one.

use std::error::Error;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use nova_auth::aws::{Roots, tls_trusting};

/// In the order in which they are looked at.
const VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// The SDK's HTTP client.
///
/// # Errors
/// When the certificates can't be read, or a variable names no proxy.
pub(crate) fn client(ca_bundle: Option<&str>) -> Result<SharedHttpClient, Box<dyn Error>> {
    let tls = tls(ca_bundle)?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(tls.clone()).build()
    }))
}

/// The same, for requests that no client of the SDK makes.
///
/// # Errors
/// As [`client`].
pub(crate) fn connector(ca_bundle: Option<&str>) -> Result<Connector, Box<dyn Error>> {
    let builder = Connector::builder().proxy_config(ProxyConfig::from_env());
    Ok(builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(tls(ca_bundle)?).build())
}

/// The same, around every proxy: to this machine.
///
/// # Errors
/// As [`client`].
pub(super) fn around() -> Result<Connector, Box<dyn Error>> {
    let trusted = tls_trusting(None, Roots::Amazon)?;
    Ok(Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(trusted).build())
}

/// The first variable that names a proxy, for complaints.
pub(super) fn named() -> Option<&'static str> {
    VARIABLES.into_iter().find(|name| value(name).is_some())
}

fn tls(ca_bundle: Option<&str>) -> Result<TlsContext, Box<dyn Error>> {
    // One that is not understood would be passed over, and AWS asked without it.
    for name in VARIABLES {
        if value(name).is_some_and(|value| !is_proxy(&value)) {
            // Its value may hold a password.
            return Err(format!("{name} names no proxy: expected http://HOST:PORT").into());
        }
    }
    // Which partition it will be is in a profile that has not been read, and here nobody counts milliseconds.
    tls_trusting(ca_bundle, Roots::Public).map_err(|error| format!("AWS_CA_BUNDLE: {error}").into())
}

fn value(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?.to_string_lossy().into_owned();
    (!value.is_empty()).then_some(value)
}

/// `http://`, `https://` or neither, perhaps a user, a host, perhaps a port.
fn is_proxy(value: &str) -> bool {
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let is_http = ["http", "https"].iter().any(|own| own.eq_ignore_ascii_case(scheme));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    let is_clean = |text: &str| !text.contains(|c: char| c.is_whitespace() || c.is_control());
    is_http && !name.is_empty() && is_clean(value) && (port.is_empty() || port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_host_with_or_without_the_rest() {
        for value in [
            "http://proxy.example:3128",
            "https://proxy.example",
            "proxy.example:3128",
            "http://user:w%40rd@proxy.example:3128/",
            "http://[::1]:3128",
            "HTTP://10.0.0.1:3128",
        ] {
            assert!(is_proxy(value), "{value}");
        }
        for value in [
            "socks5://proxy.example:1080",
            "http://",
            "http://:3128",
            "http://proxy:port",
            "http://a b:1",
            "@",
        ] {
            assert!(!is_proxy(value), "{value}");
        }
    }
}
