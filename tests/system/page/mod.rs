//! The page that `nova local` serves. What needs a browser is in the other files, and is skipped, aloud, where there is none.

mod attacks;
mod browser;
mod entrance;
mod factors;
mod feedback;
mod mail;
mod passkeys;
mod tabs;
mod websocket;

use serde_json::Value;

use crate::support::chromium::Chromium;
use crate::support::client::Client;
use crate::support::stack::{PASSWORD, System, User};

/// A system that serves the page.
async fn system() -> System {
    System::start_with(|options| options.page = true).await
}

/// Fills in the form.
async fn sign_in(chromium: &Chromium, user: &User, mode: &str) {
    chromium.type_into("#email", &user.email).await;
    chromium.type_into("#password", PASSWORD).await;
    chromium.click(&format!("#mode-{mode}")).await;
    chromium.click("#sign-in [type=submit]").await;
    chromium.see("#me").await;
    // What the page reads then has come, too.
    chromium.see("#session-list .session").await;
    chromium.see("#log-rows tr").await;
}

#[tokio::test]
async fn only_its_own_paths_are_the_pages_and_everything_else_stays_the_apis() {
    let (system, client) = (system().await, Client::at(2));
    let url = system.stack.url();
    let page = client.get(&format!("{url}/"), None).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    let html = page.body.as_str().unwrap();
    let loaded: Vec<_> = html.split(['"']).filter(|part| part.starts_with("/_local/")).collect();
    assert!(loaded.len() >= 3, "{loaded:?}");
    for asset in loaded {
        assert_eq!(client.get(&format!("{url}{asset}"), None).await.status, 200, "{asset}");
    }
    // Where links in mail lead.
    for path in ["reset", "verify", "email", "email/revert", "login/deny", "invitation"] {
        assert_eq!(client.get(&format!("{url}/{path}"), None).await.body.as_str(), Some(html), "{path}");
    }
    client.get(&format!("{url}/other"), None).await.expect(404, "NOT_FOUND");
    client.send(client.request("POST", &format!("{url}/"))).await.expect(404, "NOT_FOUND");
    client.get(&system.auth("sessions"), None).await.expect(401, "AUTH_TOKEN_MISSING");
    assert_eq!(client.get(&format!("{url}/_local/../template.yaml"), None).await.status, 404);
    assert_eq!(client.get(&format!("{url}/_local/nothing"), None).await.status, 404);
}

#[tokio::test]
async fn without_the_page_the_root_is_no_route() {
    let (system, client) = (System::start().await, Client::at(2));
    for path in ["/", "/_local/config.json", "/_local/security-log"] {
        client.get(&format!("{}{path}", system.stack.url()), None).await.expect(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn the_security_log_is_shown_to_its_owner_alone_and_never_by_a_token_that_is_over() {
    let (system, client) = (system().await, Client::at(2));
    let (sara, omar) = (system.user("sara").await, system.user("omar").await);
    let (saras, omars) = (system.login(&client, &sara).await, system.login(&client, &omar).await);
    let url = format!("{}/_local/security-log", system.stack.url());
    let events = |answer: &Value| -> Vec<String> {
        let events = answer["data"]["events"].as_array().unwrap().iter();
        events.map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    };
    system.logout(&client, Some(&omars.access), &serde_json::json!({})).await;
    let shown = client.get(&url, Some(&saras.access)).await;
    assert_eq!(shown.status, 200);
    assert_eq!(events(&shown.body), ["authn_login_success", "user_created"], "the newest first");

    client.get(&url, None).await.expect(401, "AUTH_TOKEN_MISSING");
    client.get(&url, Some("x")).await.expect(401, "TOKEN_INVALID");
    client.get(&url, Some(&omars.access)).await.expect(401, "TOKEN_REVOKED");
    // Whose log it is stands in the token that was verified, and nowhere else.
    let forged = format!("{}.{}", saras.access.rsplit_once('.').unwrap().0, "c2lnbmF0dXJl");
    client.get(&url, Some(&forged)).await.expect(401, "TOKEN_INVALID");
}

#[tokio::test]
async fn an_attached_api_is_reached_through_the_page_and_decides_as_it_always_does() {
    let (system, client) = (system().await, Client::at(2));
    let sara = system.user("sara").await;
    let pair = system.login(&client, &sara).await;
    let url = format!("{}/_local/apis/NotesApi/whoami", system.stack.url());
    let answer = client.get(&url, Some(&pair.access)).await;
    assert_eq!((answer.status, answer.text("/data/userId")), (200, sara.id.clone()));
    client.get(&url, None).await.expect(401, "UNAUTHORIZED");
    client.get(&url.replace("whoami", "nothing"), Some(&pair.access)).await.expect(404, "NOT_FOUND");
    assert_eq!(client.get(&url.replace("NotesApi", "OtherApi"), Some(&pair.access)).await.status, 404);
    let config = client.get(&format!("{}/_local/config.json", system.stack.url()), None).await;
    assert_eq!(config.body["apis"][0]["name"], "NotesApi");
}

#[test]
fn the_page_says_everything_in_both_languages() {
    let texts = include_str!("../../../cli/local/web/text.js");
    let (english, arabic) = texts.split_once("  ar: {").unwrap();
    let keys = |texts: &str| -> Vec<String> {
        let entries = texts.lines().filter_map(|line| line.strip_prefix("    \"")?.split_once("\": \""));
        entries.map(|(key, _)| key.to_owned()).collect()
    };
    assert!(keys(english).len() > 80, "{}", keys(english).len());
    assert_eq!(keys(english), keys(arabic));
}
