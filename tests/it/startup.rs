//! A function that is configured wrongly says so in one line, and takes no request.

use crate::support::client::Client;
use crate::support::program::{Ended, command, run};
use crate::support::stack::System;

/// What every function needs; nobody listens at either end.
const ENVIRONMENT: [(&str, &str); 9] = [
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "local"),
    ("AWS_SECRET_ACCESS_KEY", "local"),
    ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
    ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"),
    ("IDENTITY_TABLE", "identity"),
    ("SESSIONS_TABLE", "sessions"),
    ("ACCESS_KEYS_SECRET", "access"),
    ("REFRESH_KEYS_SECRET", "refresh"),
];

const FUNCTIONS: [&str; 10] = [
    "login",
    "refresh",
    "logout",
    "password",
    "register",
    "sessions",
    "token-authorizer",
    "csrf-token",
    "jwks",
    "rotate-keys",
];

async fn start(function: &str, changes: &[(&str, &str)]) -> Ended {
    let mut command = command::<&str>(function, &[]);
    command.envs(ENVIRONMENT).envs(changes.iter().copied());
    run(command, "").await
}

#[tokio::test]
async fn a_function_that_lacks_a_variable_names_it_in_one_line_and_does_not_start() {
    for function in FUNCTIONS {
        for variable in ["IDENTITY_TABLE", "SESSIONS_TABLE", "ACCESS_KEYS_SECRET", "AWS_REGION"] {
            let ended = start(function, &[(variable, "")]).await;
            assert_eq!(ended.complaint(), format!("{variable}: is not set"), "{function}");
        }
    }
    for function in ["login", "refresh", "logout", "csrf-token", "rotate-keys"] {
        let ended = start(function, &[("REFRESH_KEYS_SECRET", " ")]).await;
        assert_eq!(ended.complaint(), "REFRESH_KEYS_SECRET: is not set", "{function}");
    }
}

#[tokio::test]
async fn a_function_with_a_variable_that_makes_no_sense_names_it_and_does_not_repeat_its_value() {
    for (variable, value) in [
        ("ACCESS_TOKEN_SECONDS", "forever"),
        ("REFRESH_TOKEN_SECONDS", "1"),
        ("SESSION_MAX_SECONDS", "1"),
        ("REFRESH_GRACE_SECONDS", "2"),
        ("LOGIN_MAX_ATTEMPTS", "-77"),
        ("LOGIN_MAX_ATTEMPTS_PER_ADDRESS", "-78"),
        ("LOGIN_WINDOW_SECONDS", "0"),
        ("BCRYPT_COST", "99"),
        ("PASSWORD_PROFILE", "weak"),
        ("DEFAULT_LANGUAGE", "klingon"),
        ("TRUSTED_PROXIES", "everybody"),
        ("ALLOWED_ORIGINS", "everywhere"),
        ("SECURITY_LOG_DAYS", "1e9"),
        ("NO_RULES", "allow"),
        ("KEY_ALGORITHM", "none-of-all"),
        ("REGISTRATION", "sometimes"),
        ("AWS_CA_BUNDLE", "/no/such/bundle.pem"),
    ] {
        for function in ["login", "token-authorizer"] {
            let ended = start(function, &[(variable, value)]).await;
            let line = ended.complaint();
            assert!(line.starts_with(&format!("{variable}: ")), "{function} {line}");
            assert!(value.len() < 4 || !line.contains(value), "{function} {line}");
        }
    }
}

#[tokio::test]
async fn behind_a_gateway_a_function_that_cannot_start_is_an_error_that_tells_nothing() {
    let system = System::start_in(&[("BCRYPT_COST", "99")]).await;
    let client = Client::at(2);
    let login = system.try_login(&client, "sara@example.com", "x").await;
    login.expect(502, "INTERNAL_ERROR");
    assert!(!login.body.to_string().contains("BCRYPT"), "{}", login.body);
    client.get(&system.notes("/whoami"), Some("a.b.c")).await.expect(500, "INTERNAL_ERROR");
    assert!(system.stop().await.contains("BCRYPT_COST: must be a whole number from 10 to 15"));
}
