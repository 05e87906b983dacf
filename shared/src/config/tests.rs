use super::*;
use crate::{domain::session::Lifetimes, messages::Language};

fn config(changes: &[(&str, &str)]) -> Config {
    let defaults = [
        ("IDENTITY_TABLE", "identity"),
        ("SESSIONS_TABLE", "sessions"),
        ("ACCESS_KEYS_SECRET", "access"),
        ("REFRESH_KEYS_SECRET", "refresh"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "Canary"),
    ];
    defaults.iter().chain(changes).copied().collect()
}

/// Asks for everything, and gives the complaints.
fn complaints(changes: &[(&str, &str)]) -> Vec<String> {
    let config = config(changes);
    let asked: [Result<(), ConfigError>; 27] = [
        config.aws().map(drop),
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
        config.decision_log().map(drop),
        config.http_responses().map(drop),
        config.key_algorithm().map(drop),
        config.edge().map(drop).and(config.authorizer_edge().map(drop)),
    ];
    asked.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect()
}

#[test]
fn the_defaults_are_the_crms() {
    let config = config(&[]);
    assert_eq!(complaints(&[]), Vec::<String>::new());
    assert_eq!(config.token_names().unwrap().issuer, "nova-crm");
    assert_eq!(config.lifetimes().unwrap().access, SignedDuration::from_mins(15));
    let limit = Limit { max: 5, window: SignedDuration::from_mins(15) };
    assert_eq!(config.attempts(), Ok(Limits { account: limit, address: limit }));
    assert_eq!(config.max_sessions(), Ok(None));
    assert_eq!(config.bcrypt_cost(), Ok(12));
    assert_eq!(config.no_rules(), Ok(NoRules::Deny));
    assert_eq!(config.registration(), Ok(false));
    assert_eq!(config.edge().unwrap().default_language, Language::Arabic);
}

#[test]
fn a_wrong_variable_is_named_and_its_value_is_not() {
    for change in [
        &[("IDENTITY_TABLE", " ")],
        &[("AWS_REGION", "")],
        &[("AWS_ENDPOINT_URL_DYNAMODB", "localhost:8000")],
        &[("SESSIONS_TABLE", "identity")],
        &[("REFRESH_KEYS_SECRET", "access")],
        &[("ACCESS_TOKEN_SECONDS", "15m")],
        &[("ACCESS_TOKEN_SECONDS", "59")],
        &[("REFRESH_GRACE_SECONDS", "14")],
        &[("LOGIN_MAX_ATTEMPTS", "0")],
        &[("LOGIN_MAX_ATTEMPTS_PER_ADDRESS", "101")],
        &[("DEVICE_COOKIES", "yes")],
        &[("NEW_DEVICE_MAIL", "on")],
        &[("BREACHED_PASSWORDS", "sometimes")],
        &[("MAX_SESSIONS_PER_USER", "1001")],
        &[("LOGIN_WINDOW_SECONDS", "-1")],
        &[("LOGIN_RUN_ACTION", "ban")],
        &[("BCRYPT_COST", "9")],
        &[("PASSWORD_PROFILE", "CRM")],
        &[("DEFAULT_LANGUAGE", "fr")],
        &[("TRUSTED_PROXIES", "10.0.0.0/99")],
        &[("ALLOWED_ORIGINS", "*")],
        &[("SECURITY_LOG_DAYS", "0")],
        &[("API_RATE_LIMIT", "-1")],
        &[("API_RATE_SECONDS", "0")],
        &[("NO_RULES", "allow")],
        &[("HTTP_RESPONSES", "both")],
        &[("DECISION_LOG", "none")],
        &[("WEBSOCKET_TOKEN_QUERY", "true")],
        &[("KEY_ALGORITHM", "none")],
        &[("KEY_ALGORITHM", "HS512")],
        &[("REGISTRATION", "on")],
        &[("EMAIL_VERIFICATION", "on")],
        &[("MAIL", "on")],
        &[("PASSKEY_RP_ID", "https://example.com")],
        &[("PASSKEY_RP_ID", "127.0.0.1")],
        &[("LINK_KEYS_SECRET", "refresh")],
        &[("REFRESH_TOKEN_SECONDS", "59")],
        &[("SESSION_MAX_SECONDS", "31536001")],
        &[("ALLOWED_ORIGINS", "https://*.example.org")],
        &[("ALLOWED_HEADERS", "*")],
        &[("TRUSTED_PROXIES", "10.1.2.3/8")],
        &[("TRUSTED_PROXIES", "10.0.0.0/8;192.168.0.0/16")],
        &[("TOKEN_ISSUER", "nova crm")],
        &[("TOKEN_ISSUER_ALSO", "nova crm")],
        &[("TOKEN_AUDIENCE", "nova\"api")],
    ] {
        let [(variable, value)] = change;
        let lines = complaints(change);
        let [line] = lines.as_slice() else { panic!("{variable}: {lines:?}") };
        assert!(line.starts_with(&format!("{variable}: ")), "{line}");
        assert!(value.trim().is_empty() || value.len() < 3 || !line.contains(value), "{line}");
    }
}

#[test]
fn grace_can_be_switched_off() {
    assert!(config(&[("REFRESH_GRACE_SECONDS", "0")]).lifetimes().unwrap().grace.is_zero());
}

/// `SessionMaxSeconds=3600` by itself is no contradiction: a session that ends after an hour has no week of idle time.
#[test]
fn a_part_lives_no_longer_than_the_whole_whatever_is_set() {
    let hour = SignedDuration::from_hours(1);
    let lives = |changes| {
        let Lifetimes { access, refresh, session, .. } = config(changes).lifetimes().unwrap();
        (access, refresh, session)
    };
    assert_eq!(lives(&[("SESSION_MAX_SECONDS", "3600")]), (hour / 4, hour, hour));
    let minute = hour / 60;
    assert_eq!(lives(&[("REFRESH_TOKEN_SECONDS", "60")]), (minute, minute, hour * 24 * 30));
    let short = &[("SESSION_MAX_SECONDS", "60"), ("ACCESS_TOKEN_SECONDS", "3600")];
    assert_eq!(lives(short), (minute, minute, minute));
}

#[test]
fn a_wrong_variable_is_no_matter_to_who_does_not_ask_for_it() {
    let config = config(&[("ALLOWED_ORIGINS", "*"), ("SESSION_MAX_SECONDS", "1"), ("IDENTITY_TABLE", "")]);
    assert!(config.authorizer_edge().is_ok() && config.token_names().is_ok() && config.grace().is_ok());
    assert!(config.edge().is_err() && config.lifetimes().is_err() && config.tables().is_err());
}

#[test]
fn a_function_that_needs_the_refresh_keys_says_so_by_name() {
    let line = config(&[("REFRESH_KEYS_SECRET", "")]).refresh_keys_secret().unwrap_err().to_string();
    assert_eq!(line, "REFRESH_KEYS_SECRET: is not set");
}

#[test]
fn no_secret_shows_in_debug_output() {
    let config = config(&[]);
    assert!(!format!("{config:?}{:?}", config.aws().unwrap()).contains("Canary"));
}
