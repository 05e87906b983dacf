//! A function that is configured wrongly says so in one line, and takes no request.

use std::fs;

use crate::support::binaries::workspace;
use crate::support::client::Client;
use crate::support::functions;
use crate::support::program::{Ended, command, run};
use crate::support::stack::System;

/// What every function needs; nobody listens at either end.
const ENVIRONMENT: [(&str, &str); 16] = [
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "local"),
    ("AWS_SECRET_ACCESS_KEY", "local"),
    ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
    ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"),
    ("IDENTITY_TABLE", "identity"),
    ("SESSIONS_TABLE", "sessions"),
    ("ACCESS_KEYS_SECRET", "access"),
    ("REFRESH_KEYS_SECRET", "refresh"),
    ("LINK_KEYS_SECRET", "links"),
    ("FACTOR_KEYS_SECRET", "factors"),
    ("MAIL_QUEUE_URL", "queue"),
    ("EVENT_BUS", "bus"),
    ("APP_URL", "https://app.example.com"),
    ("MAIL_FROM", "no-reply@example.com"),
    ("PASSKEY_RP_ID", "example.com"),
];

const FUNCTIONS: [&str; 20] = [
    "login",
    "login-factor",
    "passkey",
    "factors",
    "refresh",
    "logout",
    "password",
    "register",
    "sessions",
    "ticket",
    "introspect",
    "token-authorizer",
    "csrf-token",
    "jwks",
    "recover",
    "redeem",
    "email",
    "rotate-keys",
    "relay",
    "send-mail",
];

async fn start(function: &str, changes: &[(&str, &str)]) -> Ended {
    let mut command = command::<&str>(function, &[]);
    command.envs(ENVIRONMENT).envs(changes.iter().copied());
    run(command, "").await
}

/// What each function cannot do without, beside how AWS is reached.
const NEEDED: [(&str, &[&str]); 10] = [
    ("IDENTITY_TABLE", ON_TABLES),
    ("SESSIONS_TABLE", ON_TABLES),
    (
        "ACCESS_KEYS_SECRET",
        &[
            "login",
            "refresh",
            "logout",
            "password",
            "sessions",
            "ticket",
            "introspect",
            "token-authorizer",
            "jwks",
            "rotate-keys",
            "email",
            "login-factor",
            "passkey",
            "factors",
        ],
    ),
    (
        "REFRESH_KEYS_SECRET",
        &["login", "login-factor", "passkey", "refresh", "logout", "csrf-token", "rotate-keys"],
    ),
    ("LINK_KEYS_SECRET", &["redeem", "send-mail"]),
    ("FACTOR_KEYS_SECRET", &["login-factor", "factors"]),
    ("PASSKEY_RP_ID", &["passkey"]),
    ("EVENT_BUS", &["relay"]),
    ("APP_URL", &["send-mail"]),
    ("MAIL_FROM", &["send-mail"]),
];

const ON_TABLES: &[&str] = &[
    "login",
    "refresh",
    "logout",
    "password",
    "register",
    "sessions",
    "ticket",
    "introspect",
    "token-authorizer",
    "recover",
    "redeem",
    "relay",
    "email",
    "login-factor",
    "passkey",
    "factors",
    "send-mail",
];
const ENDPOINTS: &[&str] = &[
    "login",
    "refresh",
    "logout",
    "password",
    "register",
    "sessions",
    "ticket",
    "introspect",
    "csrf-token",
    "jwks",
    "recover",
    "redeem",
    "email",
    "login-factor",
    "passkey",
    "factors",
];
/// All but the rotation, the relay and the sender of mails, which answer no client.
const ANSWERING: &[&str] = &[
    "login",
    "refresh",
    "logout",
    "password",
    "register",
    "sessions",
    "ticket",
    "introspect",
    "csrf-token",
    "jwks",
    "token-authorizer",
    "recover",
    "redeem",
    "email",
    "login-factor",
    "passkey",
    "factors",
];
/// Those, and the sender of mails.
const SPEAKING: &[&str] = &[
    "login",
    "refresh",
    "logout",
    "password",
    "register",
    "sessions",
    "ticket",
    "introspect",
    "csrf-token",
    "jwks",
    "token-authorizer",
    "recover",
    "redeem",
    "email",
    "login-factor",
    "passkey",
    "factors",
    "send-mail",
];
const HASHING: &[&str] = &["login", "login-factor", "password", "register", "redeem", "email"];
/// Those, and the one that counts second factors alone.
const GUARDING: &[&str] = &["login", "login-factor", "factors", "password", "register", "redeem", "email"];
const COUNTING: &[&str] = &[
    "login",
    "refresh",
    "password",
    "register",
    "sessions",
    "ticket",
    "token-authorizer",
    "recover",
    "redeem",
    "email",
    "login-factor",
    "passkey",
    "factors",
];

/// A value of each setting that makes no sense, and the functions that use it.
const SENSELESS: [(&str, &str, &[&str]); 39] = [
    (
        "TOKEN_ISSUER",
        "no name",
        &[
            "login",
            "login-factor",
            "passkey",
            "factors",
            "refresh",
            "logout",
            "password",
            "sessions",
            "ticket",
            "introspect",
            "token-authorizer",
            "csrf-token",
            "email",
            "jwks",
        ],
    ),
    (
        "TOKEN_ISSUER_ALSO",
        "no name",
        &[
            "login",
            "login-factor",
            "passkey",
            "factors",
            "refresh",
            "logout",
            "password",
            "sessions",
            "ticket",
            "introspect",
            "token-authorizer",
            "csrf-token",
            "email",
        ],
    ),
    (
        "TOKEN_AUDIENCE",
        "no name",
        &[
            "login",
            "login-factor",
            "passkey",
            "factors",
            "refresh",
            "logout",
            "password",
            "sessions",
            "ticket",
            "introspect",
            "token-authorizer",
            "email",
        ],
    ),
    ("ACCESS_TOKEN_SECONDS", "forever", &["login", "login-factor", "passkey", "refresh", "rotate-keys"]),
    ("REFRESH_TOKEN_SECONDS", "never", &["login", "login-factor", "passkey", "refresh", "rotate-keys"]),
    ("SESSION_MAX_SECONDS", "31536001", &["login", "login-factor", "passkey", "refresh", "rotate-keys"]),
    (
        "REFRESH_GRACE_SECONDS",
        "2",
        &["login", "login-factor", "passkey", "refresh", "logout", "csrf-token", "rotate-keys"],
    ),
    ("LOGIN_MAX_ATTEMPTS", "-77", GUARDING),
    ("LOGIN_MAX_ATTEMPTS_PER_ADDRESS", "-78", GUARDING),
    ("DEVICE_COOKIES", "on", &["login", "login-factor", "passkey"]),
    ("NEW_DEVICE_MAIL", "on", &["login", "login-factor", "passkey"]),
    ("BREACHED_PASSWORDS", "sometimes", &["login", "password", "register", "redeem"]),
    ("MAX_SESSIONS_PER_USER", "1001", &["login", "login-factor", "passkey"]),
    ("LOGIN_WINDOW_SECONDS", "0", GUARDING),
    ("LOGIN_RUN_ACTION", "shout", &["login", "login-factor", "password", "email"]),
    ("BCRYPT_COST", "99", HASHING),
    ("PASSWORD_PROFILE", "weak", &["password", "register", "redeem"]),
    ("DEFAULT_LANGUAGE", "klingon", SPEAKING),
    ("APP_URL", "http://app.example.com", &["send-mail"]),
    ("MAIL_FROM", "nobody-at-all", &["send-mail"]),
    ("MAIL_NAME", "No\"va", &["send-mail", "login-factor", "factors", "passkey"]),
    ("PASSKEY_RP_ID", "127.0.0.1", &["login-factor", "factors", "passkey"]),
    ("TRUSTED_PROXIES", "10.1.2.3/8", ANSWERING),
    ("ALLOWED_ORIGINS", "https://*.example.com", ENDPOINTS),
    ("ALLOWED_HEADERS", "*", ENDPOINTS),
    (
        "SECURITY_LOG_DAYS",
        "1e9",
        &[
            "login",
            "login-factor",
            "passkey",
            "factors",
            "refresh",
            "logout",
            "password",
            "register",
            "sessions",
            "ticket",
            "redeem",
            "email",
        ],
    ),
    ("REGISTRATION", "sometimes", &["register"]),
    ("EMAIL_VERIFICATION", "perhaps", &["register"]),
    ("MAIL", "sometimes", &["password", "factors", "login-factor"]),
    ("MFA_POLICY", "perhaps", &["login"]),
    ("API_RATE_LIMIT", "many", COUNTING),
    ("API_RATE_SECONDS", "few-of-them", COUNTING),
    ("NO_RULES", "allow", &["token-authorizer", "introspect"]),
    ("HTTP_RESPONSES", "perhaps", &["token-authorizer"]),
    ("DECISION_LOG", "some", &["token-authorizer"]),
    ("WEBSOCKET_TOKEN_QUERY", "maybe", &["token-authorizer"]),
    ("TICKETS", "on", &["token-authorizer"]),
    ("KEY_ALGORITHM", "none-of-all", &["rotate-keys"]),
    ("AWS_CA_BUNDLE", "/no/such/bundle.pem", &FUNCTIONS),
];

#[tokio::test]
async fn a_function_that_lacks_a_variable_names_it_in_one_line_and_does_not_start() {
    for function in FUNCTIONS {
        let ended = start(function, &[("AWS_REGION", "")]).await;
        assert_eq!(ended.complaint(), "AWS_REGION: is not set", "{function}");
    }
    for (variable, functions) in NEEDED {
        for function in functions {
            let ended = start(function, &[(variable, " ")]).await;
            assert_eq!(ended.complaint(), format!("{variable}: is not set"), "{function}");
        }
    }
}

#[tokio::test]
async fn a_function_with_a_variable_that_makes_no_sense_names_it_and_does_not_repeat_its_value() {
    for (variable, value, functions) in SENSELESS {
        for function in functions {
            let ended = start(function, &[(variable, value)]).await;
            let line = ended.complaint();
            assert!(line.starts_with(&format!("{variable}: ")), "{function} {line}");
            assert!(value.len() < 4 || !line.contains(value), "{function} {line}");
        }
    }
}

/// A wrong list of origins used to stop the authorizer, which has no CORS, and with it every attached API.
#[tokio::test]
async fn a_function_never_looks_at_a_setting_that_it_does_not_use() {
    let starts = FUNCTIONS.map(|function| async move {
        let unused = SENSELESS.iter().filter(|(_, _, users)| !users.contains(&function));
        let mut changes: Vec<_> = unused.map(|(variable, value, _)| (*variable, *value)).collect();
        let needless = NEEDED.iter().filter(|(_, users)| !users.contains(&function));
        changes.extend(needless.map(|(variable, _)| (*variable, "")));
        let ended = start(function, &changes).await;
        assert!(!changes.is_empty(), "{function}");
        // It goes on until it looks for Lambda, which is not there.
        assert!(ended.stderr.contains("AWS_LAMBDA_FUNCTION_NAME"), "{function}: {ended:?}");
    });
    futures_util::future::join_all(starts).await;
}

#[tokio::test]
async fn behind_a_gateway_a_function_that_cannot_start_is_an_error_that_tells_nothing() {
    let system = System::of_processes(&[("BCRYPT_COST", "99"), ("NO_RULES", "allow")]).await;
    let client = Client::at(2);
    let login = system.try_login(&client, "sara@example.com", "x").await;
    login.expect(502, "INTERNAL_ERROR");
    assert!(!login.body.to_string().contains("BCRYPT"), "{}", login.body);
    client.get(&system.notes("/whoami"), Some("a.b.c")).await.expect(500, "INTERNAL_ERROR");
    let logs = system.stop().await;
    assert!(logs.contains("BCRYPT_COST: must be a whole number from 10 to 15"), "{logs}");
    assert!(logs.contains("NO_RULES: must be one of: deny, authenticated"), "{logs}");
}

#[tokio::test]
async fn a_wrong_list_of_origins_stops_no_attached_api() {
    let system = System::start_in(&[("ALLOWED_ORIGINS", "https://*.example.com")]).await;
    let client = Client::at(2);
    system.try_login(&client, "sara@example.com", "x").await.expect(502, "INTERNAL_ERROR");
    client.get(&system.notes("/whoami"), Some("a.b.c")).await.expect(401, "UNAUTHORIZED");
}

/// What other tests meet on threads of their own process is all that a binary runs: what it did beside would be tested by nobody.
#[test]
fn a_binary_is_its_library_and_nothing_else() {
    let in_process = functions::in_process();
    let mut found = 0;
    for folder in fs::read_dir(workspace().join("functions")).unwrap() {
        let folder = folder.unwrap();
        let name = folder.file_name().into_string().unwrap();
        let main = fs::read_to_string(folder.path().join("src/main.rs")).unwrap();
        let start = format!("app::run({}::start).await", name.replace('-', "_"));
        assert!(main.contains(&start), "{name}");
        // One is a process in a process, too.
        let is_process = name == "upload-inspect";
        assert!(is_process || main.lines().count() == 4, "{name}");
        assert_ne!(in_process.contains_key(&name), is_process, "{name}");
        found += 1;
    }
    assert_eq!(in_process.len(), found, "one is none, and the sample API is one more");
}
