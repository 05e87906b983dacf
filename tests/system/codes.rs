//! Every code that login, refresh, logout and the authorizer give: how it comes about, its status, its words in both
//! languages, and the headers that go with it.

use nova_auth::app::start_time;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::rows::{IDENTITY, SESSIONS};
use crate::support::stack::{PASSWORD, System};
use crate::support::tokens;

/// How a refusal comes about, and what it says.
struct Case {
    request: RequestBuilder,
    status: u16,
    code: &'static str,
    arabic: &'static str,
    english: &'static str,
}

fn case(
    request: RequestBuilder,
    status: u16,
    code: &'static str,
    arabic: &'static str,
    english: &'static str,
) -> Case {
    Case { request, status, code, arabic, english }
}

impl Case {
    /// Provokes it in the default language, in English, and in the Arabic of a country.
    async fn check(&self, client: &Client) {
        for (wish, language, message) in [
            (None, "ar", self.arabic),
            (Some("en-GB,ar;q=0.5"), "en", self.english),
            (Some("ar-EG,en;q=0.9"), "ar", self.arabic),
            (Some("fr"), "ar", self.arabic),
        ] {
            let request = self.request.try_clone().unwrap();
            let request = wish.iter().fold(request, |request, wish| request.header("accept-language", *wish));
            let answer = client.send(request).await;
            answer.expect(self.status, self.code);
            assert_eq!(answer.text("/message"), message, "{}", self.code);
            assert_eq!(answer.header("content-language"), language, "{}", self.code);
            self.check_headers(&answer);
        }
    }

    fn check_headers(&self, answer: &Answer) {
        let code = self.code;
        let policy = match code {
            "INVALID_CREDENTIALS" | "LOGIN_LOCKED" => "\"account\"",
            "AUTH_RATE_LIMITED" => "\"address\"",
            _ => "",
        };
        let told = if policy.is_empty() { String::new() } else { format!("{policy};q=5;w=900") };
        assert_eq!(answer.header("ratelimit-policy"), told, "{code}");
        assert!(answer.header("ratelimit").starts_with(policy), "{code}");
        match self.status {
            // The windows of this file end in ten minutes.
            429 => {
                assert_eq!(answer.seconds("ratelimit"), answer.seconds("retry-after"), "{code}");
                assert!((541..=600).contains(&answer.seconds("retry-after")), "{code}");
                assert!(answer.header("ratelimit").contains(";r=0;"), "{code}");
            }
            503 => assert_eq!(answer.seconds("retry-after"), 1, "{code}"),
            _ => assert_eq!(answer.header("retry-after"), "", "{code}"),
        }
    }
}

/// A window of attempts that was filled some time ago and ends in ten minutes.
async fn fill(system: &System, whose: &str) {
    let now = start_time().as_millisecond();
    let hits: Vec<String> = (0..5).map(|hit| format!("{}#hit-{hit}", now - 300_000)).collect();
    let row = json!({
        "pk": {"S": format!("ATTEMPTS#{whose}")},
        "sk": {"S": "WINDOW"},
        "hits": {"SS": hits},
        "windowEnd": {"N": (now + 600_000).to_string()},
        "expiresAt": {"N": (now / 1000 + 4200).to_string()},
    });
    system.rows.put(SESSIONS, &row).await;
}

/// The window that counts an account's failures, found by failing once.
async fn fill_account(system: &System, client: &Client, email: &str) {
    system.try_login(client, email, "wrong").await.expect(401, "INVALID_CREDENTIALS");
    let window = system.rows.one(SESSIONS, "ATTEMPTS#ACCOUNT#", "WINDOW").await;
    let whose = window["pk"]["S"].as_str().unwrap().trim_start_matches("ATTEMPTS#").to_owned();
    fill(system, &whose).await;
}

#[tokio::test]
async fn every_refusal_has_its_code_its_status_and_its_words_in_both_languages() {
    let system = System::start().await;
    let post =
        |last, endpoint, body: Value| Client::at(last).request("POST", &system.auth(endpoint)).json(&body);
    let login = |last, email: &str, password: &str| {
        post(last, "login", json!({"email": email, "password": password}))
    };
    let (sara, dina) = (system.user("sara").await, system.user("dina").await);
    let locked = system.user("locked").await;
    fill_account(&system, &Client::at(9), &locked.email).await;
    fill(&system, "ADDRESS#127.0.0.8").await;
    let dinas = system.login(&Client::at(2), &dina).await;
    let profile = format!("USER#{}", dina.id);
    system.rows.set(IDENTITY, &profile, "PROFILE", "status", json!({"S": "disabled"})).await;

    let cases = [
        case(
            post(2, "login", json!({})),
            400,
            "VALIDATION_FAILED",
            "البيانات المرسلة غير صالحة",
            "The request is not valid.",
        ),
        case(
            post(2, "refresh", json!({})),
            400,
            "REFRESH_TOKEN_REQUIRED",
            "رمز التجديد مطلوب",
            "A refresh token is required.",
        ),
        case(
            post(2, "logout", json!({})),
            401,
            "AUTH_TOKEN_MISSING",
            "لم يتم توفير رمز المصادقة",
            "No authentication token was provided.",
        ),
        case(
            post(2, "logout", json!({})).bearer_auth("x"),
            401,
            "TOKEN_INVALID",
            "رمز مصادقة غير صالح",
            "The authentication token is not valid.",
        ),
        case(
            post(2, "logout", json!({"refreshToken": "x"})),
            401,
            "REFRESH_TOKEN_INVALID",
            "رمز تجديد غير صالح",
            "The refresh token is not valid.",
        ),
        case(
            post(2, "refresh", json!({"refreshToken": "x"})),
            401,
            "REFRESH_TOKEN_INVALID",
            "رمز تجديد غير صالح",
            "The refresh token is not valid.",
        ),
        case(
            post(2, "refresh", json!({"refreshToken": dinas.refresh})),
            401,
            "USER_INACTIVE",
            "المستخدم غير موجود أو غير نشط",
            "The user does not exist or is not active.",
        ),
        case(
            login(3, "nobody@example.com", "wrong"),
            401,
            "INVALID_CREDENTIALS",
            "البريد الإلكتروني أو كلمة المرور غير صحيحة",
            "The email or the password is wrong.",
        ),
        case(
            login(4, &sara.email, "wrong"),
            401,
            "INVALID_CREDENTIALS",
            "البريد الإلكتروني أو كلمة المرور غير صحيحة",
            "The email or the password is wrong.",
        ),
        case(
            login(5, &dina.email, PASSWORD),
            403,
            "ACCOUNT_INACTIVE",
            "الحساب غير نشط. تواصل مع الدعم",
            "The account is not active. Contact support.",
        ),
        case(
            post(2, "login", json!({"email": "x".repeat(17_000)})),
            413,
            "PAYLOAD_TOO_LARGE",
            "حجم الطلب أكبر من المسموح به",
            "The request is too large.",
        ),
        case(
            post(2, "login", json!({})).header("content-type", "text/plain"),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "نوع المحتوى غير مدعوم",
            "The request must be application/json.",
        ),
        case(
            login(6, &locked.email, PASSWORD),
            429,
            "LOGIN_LOCKED",
            "تم تجاوز عدد المحاولات. حاول بعد 10 دقائق",
            "Too many attempts. Try again in 10 minutes.",
        ),
        case(
            login(8, &sara.email, PASSWORD),
            429,
            "AUTH_RATE_LIMITED",
            "تم تجاوز عدد المحاولات. حاول مرة أخرى بعد 10 دقائق",
            "Too many attempts. Try again in 10 minutes.",
        ),
    ];
    for case in &cases {
        case.check(&Client::at(2)).await;
    }
}

#[tokio::test]
async fn a_failure_that_is_ours_has_its_own_code_and_tells_nothing_of_its_cause() {
    // A table that is not there is nothing that a retry would cure.
    let system = System::start_in(&[("SESSIONS_TABLE", "NoSuchTable")]).await;
    let (sara, keys) = (system.user("sara").await, system.keys().await);
    let session = "0190163d-8694-739b-aea5-966c26f8ad90";
    let refresh = tokens::new_refresh(&keys, &sara.id, session);
    let post = |endpoint, body: Value| Client::at(2).request("POST", &system.auth(endpoint)).json(&body);
    let cases = [
        case(
            post("login", json!({"email": sara.email, "password": PASSWORD})),
            500,
            "LOGIN_FAILED",
            "حدث خطأ أثناء تسجيل الدخول",
            "Something went wrong while logging in.",
        ),
        case(
            post("refresh", json!({"refreshToken": refresh})),
            500,
            "INTERNAL_ERROR",
            "حدث خطأ غير متوقع",
            "Something went wrong.",
        ),
        case(
            post("logout", json!({"refreshToken": refresh})),
            500,
            "LOGOUT_FAILED",
            "حدث خطأ أثناء تسجيل الخروج",
            "Something went wrong while logging out.",
        ),
    ];
    for case in &cases {
        case.check(&Client::at(2)).await;
    }
    let access = tokens::new_access(&keys, &sara.id, session);
    for url in [system.notes("/whoami"), system.token_notes("/whoami")] {
        Client::at(2).get(&url, Some(&access)).await.expect(500, "INTERNAL_ERROR");
    }
}
