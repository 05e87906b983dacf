//! What a parameter may be, held against what the functions make of it: a value that the template lets through and no function
//! can start with stops everything once it is in force.

use std::collections::BTreeMap;

use nova_auth::config::{Config, ConfigError};
use nova_auth::domain::address::TrustedProxies;
use nova_auth::domain::origin::{AllowedHeaders, AllowedOrigins};
use proptest::{collection::vec, prelude::*, sample::select};
use regex_lite::Regex;
use serde_json::Value;

use super::{AUTH, entries, of_type, read};

/// The pattern of a parameter, for whole values.
fn pattern(parameter: &str) -> Regex {
    let pattern =
        read(AUTH)["Parameters"][parameter]["AllowedPattern"].as_str().expect("a pattern").to_owned();
    Regex::new(&format!("^(?:{pattern})$")).expect("regex-lite can read it")
}

/// Asks for every setting, with these variables and nothing else wrong.
fn complaint(variables: &[(&str, &str)]) -> Option<String> {
    let needed =
        ["IDENTITY_TABLE", "SESSIONS_TABLE", "BREACHED_TABLE", "ACCESS_KEYS_SECRET", "REFRESH_KEYS_SECRET"];
    let config: Config = needed.map(|name| (name, name)).iter().chain(variables).copied().collect();
    let asked: [Result<(), ConfigError>; 26] = [
        config.tables().map(drop),
        config.access_keys_secret().map(drop),
        config.refresh_keys_secret().map(drop),
        config.link_keys_secret_if_any().map(drop),
        config.token_names().map(drop),
        config.lifetimes().map(drop),
        config.attempts().map(drop),
        config.device_cookies().map(drop),
        config.new_device_mail().map(drop),
        config.breached_passwords().map(drop),
        config.max_sessions().map(drop),
        config.run_action().map(drop),
        config.bcrypt_cost().map(drop),
        config.password_profile().map(drop),
        config.registration().map(drop),
        config.email_verification().map(drop),
        config.mail().map(drop),
        config.mfa_policy().map(drop),
        config.relying_party_if_any().map(drop),
        config.security_log().map(drop),
        config.api_rate(1).map(drop),
        config.no_rules().map(drop),
        config.http_responses().map(drop),
        config.decision_log().map(drop),
        config.key_algorithm().map(drop),
        config.edge().map(drop).and(config.authorizer_edge().map(drop)),
    ];
    // Without mail these are empty, and nobody looks at them.
    let is_without_mail = variables.iter().any(|(_, value)| value.is_empty());
    let sent = [("APP_URL", "https://app.example.com"), ("MAIL_FROM", "no-reply@example.com")];
    let sent: Config = sent.iter().chain(variables).copied().collect();
    let sent = if is_without_mail { Ok(()) } else { sent.mail_sender().map(drop) };
    asked.into_iter().chain([sent]).find_map(Result::err).map(|error| error.to_string())
}

/// The variables that are a parameter's value, each with that parameter.
fn variables() -> BTreeMap<String, (String, Value)> {
    let template = read(AUTH);
    let functions = of_type(&template, "AWS::Serverless::Function");
    let own = functions.values().map(|function| &function["Properties"]);
    let environments = own.chain([&template["Globals"]["Function"]]);
    let mut variables = BTreeMap::new();
    for (variable, value) in environments.flat_map(|of| entries(&of["Environment"]["Variables"])) {
        let name = value["Ref"].as_str().unwrap_or_default();
        let parameter = &template["Parameters"][name];
        if !parameter.is_null() {
            variables.insert(variable.to_owned(), (name.to_owned(), parameter.clone()));
        }
    }
    assert!(variables.len() > 20, "the variables were not found");
    variables
}

#[test]
fn every_textual_parameter_says_what_it_may_be_and_tells_it_in_words() {
    for (name, parameter) in entries(&read(AUTH)["Parameters"]) {
        let is_text = ["String", "CommaDelimitedList"].iter().any(|kind| parameter["Type"] == *kind);
        if !is_text || !parameter["AllowedValues"].is_null() {
            continue;
        }
        let pattern = parameter["AllowedPattern"].as_str().unwrap_or_else(|| panic!("{name} has no pattern"));
        // Look-around is in no engine but Java's own; a nested set means different things in each.
        assert!(!pattern.contains("(?") && !pattern.contains("[["), "{name}");
        Regex::new(pattern).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(parameter["ConstraintDescription"].is_string(), "{name} does not say what it may be");
    }
}

/// The ends of every range, and every word, start; what lies beyond does not, so the ranges are the same.
#[test]
fn the_template_lets_through_what_the_functions_take_and_nothing_else() {
    for (variable, (name, parameter)) in variables() {
        let takes = |value: &str| complaint(&[(&variable, value)]).is_none();
        for value in parameter["AllowedValues"].as_array().into_iter().flatten() {
            assert!(takes(value.as_str().expect("a word")), "{name}={value}");
        }
        if parameter["Type"] == "Number" {
            let bound = |key: &str| parameter[key].as_i64().unwrap_or_else(|| panic!("{name} has no {key}"));
            for (bound, beyond) in [(bound("MinValue"), -1), (bound("MaxValue"), 1)] {
                assert!(takes(&bound.to_string()), "{name}={bound}");
                assert!(!takes(&(bound + beyond).to_string()), "{name}={}", bound + beyond);
            }
        } else if parameter["AllowedValues"].is_null() {
            assert!(takes(parameter["Default"].as_str().expect("a default")), "{name}");
        } else {
            assert!(!takes("another-word"), "{name}");
        }
    }
    // Whatever the ranges let through, they let through together.
    let shortest = [
        ("SESSION_MAX_SECONDS", "60"),
        ("REFRESH_TOKEN_SECONDS", "31536000"),
        ("ACCESS_TOKEN_SECONDS", "3600"),
    ];
    assert_eq!(complaint(&shortest), None);
}

#[test]
fn the_pattern_of_the_grace_is_what_the_functions_take() {
    let pattern = pattern("RefreshGraceSeconds");
    for seconds in 0..1_000 {
        let text = seconds.to_string();
        let taken = complaint(&[("REFRESH_GRACE_SECONDS", &text)]).is_none();
        assert_eq!(pattern.is_match(&text), taken, "{text}");
    }
    for other in ["", "-1", "30s", "3e1", "15.5", "030"] {
        assert!(!pattern.is_match(other), "{other}");
    }
}

/// Each of these stopped every function, and was taken by the template.
#[test]
fn what_has_no_single_meaning_is_refused_before_it_is_in_force() {
    for (parameter, value) in [
        ("AllowedOrigins", "https://*.example.com"),
        ("AllowedOrigins", "*"),
        ("AllowedOrigins", "https://app.example.com/path"),
        ("AllowedOrigins", "https://a.example;https://b.example"),
        ("AllowedHeaders", "*"),
        ("TrustedProxies", "10.0.0.0/8;192.168.0.0/16"),
        ("TrustedProxies", "10.1.2.3/8"),
        ("TrustedProxies", "010.0.0.0/8"),
        ("TrustedProxies", "10.0.0.0/08"),
        ("TrustedProxies", "0.0.0.0/0"),
        ("TokenIssuer", "nova crm"),
        ("TokenIssuerAlso", "nova crm"),
        ("MailFrom", "Nova <no-reply@example.com>"),
        ("MailFrom", "no-reply@example"),
        ("PasskeyRpId", "https://example.com"),
        ("PasskeyRpId", "Example.com"),
        ("PasskeyRpId", "127.0.0.1"),
        ("PasskeyRpId", "example.com:443"),
        ("PasskeyRpId", "-a.example.com"),
        ("MailName", "No\"va"),
        ("MailName", "Nova\r\nBcc: all@example.com"),
        ("MailName", " Nova"),
    ] {
        assert!(!pattern(parameter).is_match(value), "{parameter}={value}");
    }
    for (parameter, value) in [
        ("AllowedOrigins", ""),
        ("AllowedOrigins", "https://app.example.com/, HTTPS://Other.example.com ,capacitor://localhost"),
        ("AllowedOrigins", "ionic://localhost,app://com.example.crm,http://[::1]:5173"),
        ("AllowedHeaders", "X-Tenant, x-datadog-trace-id"),
        ("TrustedProxies", "10.0.0.0/8, 192.168.0.0/16,172.16.0.0/12,100.64.0.0/10"),
        ("TrustedProxies", "203.0.113.7,2001:db8::7,::ffff:10.0.0.1,fc00::/7"),
        // As CDNs publish theirs.
        ("TrustedProxies", "173.245.48.0/20,131.0.72.0/22,2400:cb00::/32,2a06:98c0::/29,2600:9000:f600::/39"),
        ("TokenIssuer", "https://auth.example.com/v1"),
        ("TokenIssuerAlso", ""),
        ("MailFrom", "no-reply@mail.example.co.uk"),
        ("MailName", "نوفا"),
        ("MailName", "Nova & Sons, Ltd."),
    ] {
        assert!(pattern(parameter).is_match(value), "{parameter}={value}");
    }
}

fn entries_of(entry: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let between = select(vec![",", ",", ",", ", ", ", ", " ,", ",,", ";", " "]);
    (vec((entry, between), 0..4), select(vec!["", "", " "])).prop_map(|(entries, end)| {
        let list: String =
            entries.into_iter().flat_map(|(entry, between)| [entry, between.to_owned()]).collect();
        list.trim_end_matches([',', ';']).to_owned() + end
    })
}

/// Networks with and without host bits, in several spellings, and slips of them.
fn network() -> impl Strategy<Value = String> {
    let v4 = (any::<u32>(), 0_u32..=34, prop::bool::weighted(0.8)).prop_map(|(bits, length, clean)| {
        let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length)).unwrap_or(0);
        format!("{}/{length}", std::net::Ipv4Addr::from_bits(if clean { bits & mask } else { bits }))
    });
    let v6 = (any::<u128>(), 0_u32..=66, prop::bool::weighted(0.8), any::<bool>()).prop_map(
        |(bits, length, clean, upper)| {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length)).unwrap_or(0);
            let network = std::net::Ipv6Addr::from_bits(if clean { bits & mask } else { bits });
            let text = format!("{network}/{length}");
            if upper { text.to_uppercase() } else { text }
        },
    );
    let address = (any::<u128>(), 0_u32..128).prop_map(|(bits, zeros)| {
        let address = std::net::Ipv6Addr::from_bits(bits >> zeros << (zeros / 2));
        if zeros % 2 == 0 { address.to_string() } else { format!("{address}/128") }
    });
    let groups = "([0-9a-fA-F]{0,5}:){0,8}[0-9a-fA-F]{0,4}(/[0-9]{1,3})?";
    let dotted =
        "([0-9]{1,3}[.]){3}[0-9]{1,3}(/[0-9]{0,2})?|::[fF]{4}:([0-9]{1,3}[.]){3}[0-9]{1,3}(/128|/104)?";
    prop_oneof![v4, v6, address, groups, dotted, "[ -~]{0,6}"]
}

/// Origins of every form, and slips of them.
fn origin() -> impl Strategy<Value = String> {
    let scheme = select(vec!["https", "https", "HTTP", "capacitor", "app", "com.example.crm", "1x", "h*"]);
    let host = prop_oneof![
        "([a-z0-9-]{1,6}[.]){0,2}[A-Za-z]{2,6}",
        "([a-zA-Z0-9_-]{0,6}[.]){0,3}[a-zA-Z0-9_-]{0,6}[.]?",
        "([0-9]{1,3}[.]){2,3}[0-9]{1,3}[.]?",
        "\\[([0-9a-fA-F]{0,4}:){2,8}[0-9a-fA-F]{0,4}\\]",
        "[!-~]{0,6}",
    ];
    let tail = prop_oneof![Just(String::new()), ":[0-9]{0,5}", "/{0,2}", ":[0-9]{1,5}/", "[!-~]{0,3}"];
    (scheme, select(vec!["://", "://", "://", "://", "://", ":/"]), host, tail)
        .prop_map(|(scheme, colon, host, tail)| format!("{scheme}{colon}{host}{tail}"))
}

/// Whether every network is written as this pattern can tell: IPv4 from /8, and IPv6 from /16 to /64 or one address, as
/// canonical text that does not begin with zeros.
fn is_plain(networks: &str) -> bool {
    networks.split(',').map(str::trim).filter(|entry| !entry.is_empty()).all(|entry| {
        let (address, length) = entry.split_once('/').unwrap_or((entry, ""));
        let length = length.parse::<u8>().ok();
        match address.parse() {
            Ok(std::net::IpAddr::V4(_)) => length.is_none_or(|length| length >= 8),
            Ok(std::net::IpAddr::V6(ip)) => {
                ip.to_string() == address
                    && length.is_none_or(|length| {
                        length == 128 || ((16..=64).contains(&length) && !address.starts_with("::"))
                    })
                    && ip.to_ipv4_mapped().is_none()
            }
            Err(_) => false,
        }
    })
}

#[test]
fn each_pattern_and_its_parser_say_the_same_of_any_value() {
    let (proxies, origins) = (pattern("TrustedProxies"), pattern("AllowedOrigins"));
    let (headers, issuer, audience) =
        (pattern("AllowedHeaders"), pattern("TokenIssuer"), pattern("TokenAudience"));
    let mut runner = prop::test_runner::TestRunner::new(ProptestConfig {
        // Few origins are good by chance; of so many cases enough are, whatever the seed.
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let accepted = std::cell::RefCell::new(BTreeMap::<&str, u32>::new());
    let count = |parameter, is_accepted: bool| {
        *accepted.borrow_mut().entry(parameter).or_default() += u32::from(is_accepted);
    };
    runner
        .run(
            &(
                entries_of(network()),
                entries_of(origin()),
                entries_of("[!-~]{0,5}".boxed()),
                "[ -~]{1,8}|[A-Za-z]{1,8}",
            ),
            |(networks, pages, names, name)| {
                let (told, taken) = (proxies.is_match(&networks), TrustedProxies::parse(&networks).is_ok());
                prop_assert!(taken || !told, "no function takes TrustedProxies={}", networks);
                prop_assert!(told || !taken || !is_plain(&networks), "the template refuses {}", networks);
                let (told_origins, taken) = (origins.is_match(&pages), AllowedOrigins::parse(&pages).is_ok());
                prop_assert_eq!(told_origins, taken, "AllowedOrigins={}", pages);
                let (told_headers, taken) = (headers.is_match(&names), AllowedHeaders::parse(&names).is_ok());
                prop_assert_eq!(told_headers, taken, "AllowedHeaders={}", names);
                for (pattern, variable) in [(&issuer, "TOKEN_ISSUER"), (&audience, "TOKEN_AUDIENCE")] {
                    let taken = complaint(&[(variable, &name)]).is_none();
                    prop_assert!(
                        pattern.is_match(&name) == taken || name.trim().is_empty(),
                        "{}={}",
                        variable,
                        name
                    );
                }
                let is_some = |list: &str| list.contains(|character: char| character.is_ascii_alphanumeric());
                count("TrustedProxies", told && is_some(&networks));
                count("AllowedOrigins", told_origins && is_some(&pages));
                count("AllowedHeaders", told_headers && is_some(&names));
                Ok(())
            },
        )
        .unwrap_or_else(|error| panic!("{error}"));
    // It would prove little if hardly a value were good.
    let accepted = accepted.into_inner();
    assert!(accepted.values().all(|count| *count > 20) && accepted.len() == 3, "{accepted:?}");
}
