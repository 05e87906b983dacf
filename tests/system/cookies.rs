//! Browsers: the refresh token in a cookie, and what keeps other sites from using it.

use serde_json::json;

use crate::support::browser::{Browser, CSRF, REFRESH};
use crate::support::client::{Answer, Client};
use crate::support::rows::SESSIONS;
use crate::support::stack::{PASSWORD, Pair, System, User};
use crate::support::tokens;

/// The session of a browser, as the table has it.
async fn state(system: &System, browser: &Browser) -> String {
    let sid = tokens::claims(browser.cookie(REFRESH).unwrap())["sid"].as_str().unwrap().to_owned();
    let row = system.rows.one(SESSIONS, "USER#", &format!("SESSION#{sid}")).await;
    row["state"]["S"].as_str().unwrap().to_owned()
}

/// The request was refused as one of another site, and nothing came of it: no cookie is touched, the session lives.
async fn assert_refused(system: &System, browser: &Browser, answer: &Answer) {
    answer.expect(403, "CSRF_INVALID");
    assert!(answer.headers.get("set-cookie").is_none());
    assert_eq!(state(system, browser).await, "active");
    let refreshed = browser.clone().refresh().await;
    assert_eq!(refreshed.status, 200, "the honest page is locked out: {}", refreshed.body);
}

#[tokio::test]
async fn a_browser_logs_in_refreshes_and_logs_out_and_no_body_or_log_ever_has_its_refresh_token() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let mut browser = Browser::new(&system, 2);
    browser.csrf().await;
    let mut secrets = vec![browser.csrf_token.clone(), browser.cookie(CSRF).unwrap().to_owned()];
    for step in ["login", "refresh", "refresh"] {
        let answer = if step == "login" { browser.log_in(&sara).await } else { browser.refresh().await };
        assert_eq!(answer.status, 200, "{step}: {}", answer.body);
        answer.expect_envelope();
        let refresh = browser.cookie(REFRESH).unwrap().to_owned();
        assert!(answer.body["data"]["refreshToken"].is_null(), "{step}");
        assert!(!answer.body.to_string().contains(&refresh), "{step}");
        assert!(!answer.text("/data/csrfToken").is_empty(), "{step}");
        assert!((604_790..=604_800).contains(&max_age(&answer)), "{step}: {:?}", answer.headers);
        system.assert_lets_in(&Client::at(2), &browser.access, &sara).await;
        secrets.extend([refresh, browser.csrf_token.clone()]);
    }
    let last = browser.clone();
    let out = browser.log_out().await;
    assert_eq!((out.status, out.body["success"].as_bool()), (200, Some(true)));
    assert!(browser.cookies.is_empty(), "both cookies are cleared");
    system.whoami(&Client::at(2), &browser.access).await.expect(401, "UNAUTHORIZED");
    last.clone().refresh().await.expect(401, "REFRESH_TOKEN_INVALID");
    let logs = system.stop().await;
    for secret in secrets {
        let secret = secret.rsplit('.').next().unwrap();
        assert!(!logs.contains(secret), "{secret} in {logs}");
    }
}

fn max_age(answer: &Answer) -> i64 {
    let set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let set = set.filter(|set| set.starts_with(REFRESH)).collect::<Vec<_>>();
    assert_eq!(set.len(), 1, "{set:?}");
    set[0].split("Max-Age=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_pair_of_another_session_is_refused_even_of_the_same_user() {
    let system = System::start().await;
    let (sara, omar) = (system.user("sara").await, system.user("omar").await);
    let browser = system.browser(2, &sara).await;
    for other in [system.browser(3, &omar).await, system.browser(4, &sara).await] {
        // The token that is good over there, with the cookies of here; and with the cookie that it came with.
        let mut mixed = browser.with_csrf(&other.csrf_token);
        let answer = mixed.refresh().await;
        assert_refused(&system, &browser, &answer).await;
        mixed.cookies.insert(CSRF.to_owned(), other.cookie(CSRF).unwrap().to_owned());
        let answer = mixed.log_out().await;
        assert_refused(&system, &browser, &answer).await;
    }
    assert_eq!(system.stop().await.matches("\"event\":\"malicious_csrf\"").count(), 4);
}

#[tokio::test]
async fn a_pair_from_before_the_login_is_refused_after_it() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let mut browser = Browser::new(&system, 2);
    let before = browser.csrf().await;
    browser.log_in(&sara).await.expect_envelope();
    assert_ne!(browser.csrf_token, before);
    let mut old = browser.with_csrf(&before);
    let answer = old.refresh().await;
    assert_refused(&system, &browser, &answer).await;
    let answer = old.log_out().await;
    assert_refused(&system, &browser, &answer).await;
}

#[tokio::test]
async fn a_cookie_that_a_client_chose_proves_nothing_whatever_token_is_sent_with_it() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let mut honest = Browser::new(&system, 2);
    let token = honest.csrf().await;
    let cookie = honest.cookie(CSRF).unwrap().to_owned();
    let random = cookie.rsplit('.').nth(1).unwrap();
    let mac = token.rsplit('.').next().unwrap();
    for (chosen, token) in [
        ("chosen", "chosen"),
        ("", ""),
        (token.as_str(), token.as_str()),
        (cookie.as_str(), cookie.as_str()),
        // The cookie's parts under the token's MAC, and the reverse.
        (&format!("refresh-1.{random}.{mac}"), token.as_str()),
        (cookie.as_str(), &format!("refresh-1.{}", cookie.rsplit('.').next().unwrap())),
        (cookie.as_str(), &format!("refresh-2.{mac}")),
        (&format!("refresh-2.{random}.{mac}"), token.as_str()),
        (cookie.as_str(), &format!("{token}A")),
        (cookie.as_str(), ""),
    ] {
        let mut browser = Browser::new(&system, 3);
        browser.cookies.insert(CSRF.to_owned(), chosen.to_owned());
        browser.csrf_token = token.to_owned();
        browser.log_in(&sara).await.expect(403, "CSRF_INVALID");
        // And it is not adopted: what the browser gets instead is minted here.
        browser.csrf().await;
        let kept = browser.cookie(CSRF).unwrap();
        assert_eq!(kept == chosen, chosen == cookie, "{chosen}");
    }
    assert!(system.rows.like(SESSIONS, "USER#", "").await.is_empty());
    assert_eq!(honest.log_in(&sara).await.status, 200);
}

/// Somebody is logged in to the attacker's account without noticing, and fills it with what is theirs.
#[tokio::test]
async fn another_site_logs_nobody_in_and_is_not_counted_as_a_guess() {
    let system = System::start().await;
    let attacker = system.user("attacker").await;
    let mut victim = Browser::new(&system, 2);
    victim.csrf().await;
    let body = json!({"email": attacker.email, "password": PASSWORD, "tokenDelivery": "cookie"});
    let post = || victim.bare("POST", "/api/auth/login").json(&body);
    let own = victim.own_origin();
    for request in [
        post(),
        post().header("origin", "https://evil.example"),
        post().header("origin", &own),
        post().header("origin", "https://evil.example").header("x-csrf-token", &victim.csrf_token),
        post().header("sec-fetch-site", "cross-site").header("x-csrf-token", &victim.csrf_token),
        post().header("x-csrf-token", &victim.csrf_token),
    ] {
        let answer = victim.clone().send(request).await;
        answer.expect(403, "CSRF_INVALID");
        assert!(answer.headers.get("set-cookie").is_none());
    }
    assert!(system.rows.like(SESSIONS, "", "").await.is_empty());
    // What a page of the attacker gets for itself is of no use in the victim's browser.
    let mut foreign = Browser::new(&system, 3);
    let theirs = foreign.csrf().await;
    let mut planted = victim.with_csrf(&theirs);
    planted.log_in(&attacker).await.expect(403, "CSRF_INVALID");
    assert_eq!(victim.log_in(&attacker).await.status, 200);
}

#[tokio::test]
async fn a_request_by_cookie_comes_from_a_page_of_ours_or_not_at_all() {
    let allowed = "https://app.example.com";
    let system = System::start_in(&[("ALLOWED_ORIGINS", allowed)]).await;
    let sara = system.user("sara").await;
    let browser = system.browser(2, &sara).await;
    let own = browser.own_origin();
    let port = own.rsplit(':').next().unwrap();
    let (localhost, https) = (format!("http://localhost:{port}"), own.replace("http:", "https:"));
    let cases: [(&[(&str, &str)], bool); 14] = [
        (&[("origin", &own)], true),
        (&[("origin", allowed)], true),
        (&[("origin", allowed), ("sec-fetch-site", "cross-site")], true),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "same-site")], true),
        (&[], false),
        (&[("origin", "null")], false),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "https://app.example.com.evil.example")], false),
        (&[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")], false),
        (&[("origin", &localhost)], false),
        (&[("origin", &https)], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "none")], false),
    ];
    for (headers, good) in cases {
        for endpoint in ["refresh", "logout"] {
            if endpoint == "logout" && good {
                continue;
            }
            let request = browser.bare("POST", &format!("/api/auth/{endpoint}"));
            let request = request.header("x-csrf-token", &browser.csrf_token);
            let request =
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let answer = browser.clone().send(request).await;
            if good {
                assert_eq!(answer.status, 200, "{headers:?} {}", answer.body);
            } else {
                assert_refused(&system, &browser, &answer).await;
            }
        }
    }
}

#[tokio::test]
async fn a_get_a_form_and_a_body_without_its_type_do_nothing() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let browser = system.browser(2, &sara).await;
    for path in ["/api/auth/refresh", "/api/auth/logout"] {
        // No route has this method: API Gateway says so.
        let answer = browser.clone().send(browser.request("GET", path)).await;
        answer.expect(404, "NOT_FOUND");
        for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"] {
            // What a form of another site can send: its body is not read; with none there is no token.
            let form = browser.bare("POST", path).header("origin", "https://evil.example");
            let form = form.header("content-type", kind);
            let answer = browser.clone().send(form.try_clone().unwrap().body("a=b")).await;
            answer.expect(415, "UNSUPPORTED_MEDIA_TYPE");
            assert!(answer.headers.get("set-cookie").is_none());
            let answer = browser.clone().send(form).await;
            assert_refused(&system, &browser, &answer).await;
        }
        let answer = browser.clone().send(browser.request("POST", path).body("{}")).await;
        answer.expect(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let form = browser.bare("POST", "/api/auth/login").body("email=a&password=b&tokenDelivery=cookie");
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    browser.clone().send(form).await.expect(415, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(state(&system, &browser).await, "active");
}

#[tokio::test]
async fn a_token_taken_out_of_its_cookie_is_stolen_and_ends_the_session() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let mut browser = system.browser(2, &sara).await;
    let stolen = browser.cookie(REFRESH).unwrap().to_owned();
    system.refresh(&Client::at(3), &stolen).await.expect(401, "REFRESH_TOKEN_INVALID");
    assert_eq!(state(&system, &browser).await, "revoked");
    system.whoami(&Client::at(2), &browser.access).await.expect(401, "UNAUTHORIZED");
    let refused = browser.refresh().await;
    refused.expect(401, "REFRESH_TOKEN_INVALID");
    assert_eq!(browser.cookie(REFRESH), Some(stolen.as_str()), "a refresh clears no cookie");
    assert_eq!(system.stop().await.matches("\"event\":\"authn_token_reuse\"").count(), 1);
}

#[tokio::test]
async fn a_token_of_a_body_put_into_a_cookie_is_stolen_and_ends_the_session() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let pair = system.login(&Client::at(2), &sara).await;
    let mut browser = Browser::new(&system, 3);
    browser.cookies.insert(REFRESH.to_owned(), pair.refresh.clone());
    browser.csrf().await;
    browser.refresh().await.expect(401, "REFRESH_TOKEN_INVALID");
    assert_eq!(state(&system, &browser).await, "revoked");
    system.assert_dead(&Client::at(2), &pair).await;
}

#[tokio::test]
async fn a_refresh_token_in_the_body_means_body_mode_and_the_cookie_is_ignored() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let mut browser = system.browser(2, &sara).await;
    let pair = system.login(&Client::at(2), &sara).await;
    let kept = browser.cookies.clone();
    // No CSRF token, no page: the credential is the token in the body.
    let body = json!({"refreshToken": pair.refresh});
    let answer = browser.send(browser.bare("POST", "/api/auth/refresh").json(&body)).await;
    let next = Pair::of(&answer);
    assert!(answer.body["data"]["csrfToken"].is_null());
    let body = json!({"refreshToken": next.refresh});
    let answer = browser.send(browser.bare("POST", "/api/auth/logout").json(&body)).await;
    assert_eq!(answer.status, 200);
    system.assert_dead(&Client::at(2), &next).await;
    assert_eq!(browser.cookies, kept);
    assert_eq!(state(&system, &browser).await, "active");
    assert_eq!(browser.refresh().await.status, 200);
}

#[tokio::test]
async fn a_page_that_was_reloaded_gets_the_token_of_its_session_and_goes_on() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let mut browser = system.browser(2, &sara).await;
    let token = browser.csrf_token.clone();
    browser.csrf_token.clear();
    assert_eq!(browser.csrf().await, token);
    assert_eq!(browser.refresh().await.status, 200);
    assert_eq!(browser.csrf_token, token, "two tabs do not take each other's token away");
}

/// The cookie of a session that has ended stays until a logout or a login: it must not lock its owner out of the login.
#[tokio::test]
async fn whoever_still_has_the_cookie_of_a_dead_session_logs_in_again() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let mut browser = system.browser(2, &sara).await;
    let dead = browser.cookie(REFRESH).unwrap().to_owned();
    let out = system.logout(&Client::at(3), Some(&browser.access), &json!({})).await;
    assert_eq!(out.status, 200);
    browser.refresh().await.expect(401, "REFRESH_TOKEN_INVALID");
    browser.csrf().await;
    assert_eq!(browser.log_in(&sara).await.status, 200);
    assert_ne!(browser.cookie(REFRESH), Some(dead.as_str()));
    assert_eq!(browser.refresh().await.status, 200);
}

#[tokio::test]
async fn two_tabs_that_ask_before_the_login_hold_one_pair() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let mut browser = Browser::new(&system, 2);
    let (first, cookie) = (browser.csrf().await, browser.cookies.clone());
    let second = browser.csrf().await;
    assert_eq!((first, cookie), (second, browser.cookies.clone()));
    assert_eq!(browser.log_in(&sara).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_tabs_that_refresh_by_cookie_at_once_all_go_on_with_one_chain() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let browser = system.browser(2, &sara).await;
    let tabs: Vec<_> = (0..10)
        .map(|_| {
            let mut tab = browser.clone();
            tokio::spawn(async move {
                let answer = tab.refresh().await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                tab
            })
        })
        .collect();
    let mut kept = std::collections::BTreeSet::new();
    for tab in tabs {
        let tab = tab.await.unwrap();
        kept.insert((tab.cookie(REFRESH).unwrap().to_owned(), tab.csrf_token.clone()));
        system.assert_lets_in(&Client::at(2), &tab.access, &sara).await;
    }
    assert_eq!(kept.len(), 1, "a second chain");
}

/// Two answers that carry the same cookie name would be read differently by two readers.
#[tokio::test]
async fn a_cookie_that_is_there_twice_is_none() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let browser = system.browser(2, &sara).await;
    let (refresh, own) = (browser.cookie(REFRESH).unwrap(), browser.own_origin());
    for second in [refresh, "x"] {
        let request = Client::at(2).request("POST", &system.auth("refresh"));
        let request = request.header("cookie", format!("{REFRESH}={refresh}; {REFRESH}={second}"));
        let request = request.header("origin", &own).header("x-csrf-token", &browser.csrf_token);
        Client::at(2).send(request).await.expect(401, "REFRESH_TOKEN_INVALID");
    }
    assert_eq!(state(&system, &browser).await, "active");
}

#[tokio::test]
async fn a_logout_clears_a_cookie_that_is_good_for_nothing_and_no_other() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    // An invalid one.
    let mut junk = Browser::new(&system, 2);
    junk.cookies.insert(REFRESH.to_owned(), "a.b.c".to_owned());
    junk.log_out().await.expect(401, "REFRESH_TOKEN_INVALID");
    assert!(junk.cookies.is_empty());
    // An invalid one beside an access token, good or not.
    for (access, status) in [(system.login(&Client::at(2), &sara).await.access, 200), ("x".to_owned(), 401)] {
        let mut junk = Browser::new(&system, 2);
        junk.cookies.insert(REFRESH.to_owned(), "a.b.c".to_owned());
        let answer = junk.send(junk.request("POST", "/api/auth/logout").bearer_auth(&access)).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(junk.cookies.is_empty());
    }
    // One of a session that has ended.
    let mut ended = system.browser(3, &sara).await;
    assert_eq!(ended.clone().log_out().await.status, 200);
    assert_eq!(ended.log_out().await.status, 200);
    assert!(ended.cookies.is_empty());
}

#[tokio::test]
async fn a_logout_by_access_token_alone_needs_no_csrf_token_and_leaves_other_sessions_cookies_alone() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let mut browser = system.browser(2, &sara).await;
    let other = system.login(&Client::at(2), &sara).await;
    let bearer =
        |browser: &Browser, access: &str| browser.bare("POST", "/api/auth/logout").bearer_auth(access);
    // Another session's: that one ends, and this browser's cookie is not lost while its session lives.
    let answer = browser.send(bearer(&browser, &other.access)).await;
    assert_eq!(answer.status, 200);
    assert!(browser.cookie(REFRESH).is_some());
    system.assert_dead(&Client::at(2), &other).await;
    assert_eq!(browser.refresh().await.status, 200);
    // A bad one: nothing is cleared, though a cookie came along.
    browser.send(bearer(&browser, "x")).await.expect(401, "TOKEN_INVALID");
    assert!(browser.cookie(REFRESH).is_some());
    // Its own.
    let (access, session) = (browser.access.clone(), browser.clone());
    assert_eq!(browser.send(bearer(&browser, &access)).await.status, 200);
    assert!(browser.cookies.is_empty());
    assert_eq!(state(&system, &session).await, "revoked");
    // With a token that is wrong, the cookie is meant as a credential, and refused as one.
    let mut again = system.browser(3, &sara).await;
    again.csrf_token = "wrong".to_owned();
    let access = again.access.clone();
    let answer = again.send(again.request("POST", "/api/auth/logout").bearer_auth(access)).await;
    answer.expect(403, "CSRF_INVALID");
    assert_eq!(state(&system, &again).await, "active");
}

/// An outage is nobody's end: the cookies are there when it is over.
#[tokio::test]
async fn no_cookie_is_lost_to_an_outage() {
    let proxy = crate::support::proxy::Proxy::start().await;
    let system = System::start_in(&[("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())]).await;
    proxy.forward_to(system.stack.dynamodb_url());
    let sara: User = system.user("sara").await;
    let mut browser = system.browser(2, &sara).await;
    let kept = browser.cookies.clone();
    proxy.fail(&["UpdateItem", "GetItem", "TransactWriteItems"]);
    browser.refresh().await.expect(503, "SERVICE_UNAVAILABLE");
    browser.log_out().await.expect(500, "LOGOUT_FAILED");
    proxy.fail(&[]);
    assert_eq!(browser.cookies, kept);
    assert_eq!(browser.refresh().await.status, 200);
    assert_eq!(browser.log_out().await.status, 200);
}
