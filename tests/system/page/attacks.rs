//! What other pages, and other scripts on the same page, try against somebody who is signed in by cookie.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{sign_in, system};
use crate::support::chromium::Chromium;
use crate::support::client::Client;

/// Serves one page on a port of its own, whatever is asked for; the port.
async fn serve(html: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let html = html.clone();
            tokio::spawn(async move {
                drop(socket.read(&mut [0; 8192]).await);
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{html}",
                    html.len()
                );
                drop(socket.write_all(answer.as_bytes()).await);
            });
        }
    });
    port
}

/// The same machine by two names: `localhost` is another site than `127.0.0.1`, and another port of `127.0.0.1` is the
/// same site and another origin, whose forms take the cookies along.
#[tokio::test]
async fn a_form_of_another_page_ends_no_session_and_refreshes_none() {
    let Some(chromium) = Chromium::start_alone().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    let api = system.stack.url();
    let form = |endpoint: &str| {
        format!(
            "<form method=post action='{api}/api/auth/{endpoint}'><button id={endpoint}>{endpoint}</button></form>"
        )
    };
    let port = serve(format!("<!doctype html>{}{}", form("logout"), form("refresh"))).await;
    let own = chromium.tab().await;
    chromium.load(api).await;
    sign_in(&chromium, &sara, "cookie").await;

    let other = chromium.open_tab().await;
    for (host, endpoint, code) in [
        // The browser leaves SameSite=Strict cookies at home.
        ("localhost", "logout", "AUTH_TOKEN_MISSING"),
        ("localhost", "refresh", "REFRESH_TOKEN_REQUIRED"),
        // The cookies come along, and what fails is the CSRF token that no other page has.
        ("127.0.0.1", "logout", "CSRF_INVALID"),
        ("127.0.0.1", "refresh", "CSRF_INVALID"),
    ] {
        chromium.load(&format!("http://{host}:{port}/")).await;
        chromium.click(&format!("#{endpoint}")).await;
        let answer = chromium.text("pre").await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["code"], code, "{endpoint} from {host}");
    }
    assert_ne!(own, other);
    chromium.switch_to(&own).await;
    chromium.click("#refresh").await;
    chromium.see_text("notice", "The cookie was replaced").await;
    chromium.assert_quiet(&[400, 401, 403, 404]).await;
    chromium.close().await;
}

#[tokio::test]
async fn a_script_of_another_origin_neither_reads_a_csrf_token_nor_sends_one() {
    let Some(chromium) = Chromium::start_alone().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    let api = system.stack.url();
    chromium.load(api).await;
    sign_in(&chromium, &sara, "cookie").await;
    let port = serve("<!doctype html><title>Another origin</title>".to_owned()).await;
    chromium.load(&format!("http://127.0.0.1:{port}/")).await;
    let tried = chromium
        .run(&format!(
            "const told = (promise) => promise.then(() => 'answered', (error) => error.name);
             const own = {{credentials: 'include'}};
             return Promise.all([
                 told(fetch('{api}/api/csrf-token', own)),
                 told(fetch('{api}/api/auth/logout', {{...own, method: 'POST', headers: {{'X-CSRF-Token': 'x'}}}})),
             ]);"
        ))
        .await;
    assert_eq!(tried, json!(["TypeError", "TypeError"]));
    chromium.load(api).await;
    chromium.see("#me").await;
    chromium.close().await;
}

/// An attached API is another team's, and answers on the origin of the page. What it would do with a cookie is tried in
/// `cli/local/src/web`, on an API that tries.
#[tokio::test]
async fn what_an_attached_api_answers_beneath_the_page_is_no_document_of_the_page() {
    let (system, client) = (system().await, Client::at(2));
    let sara = system.user("sara").await;
    let pair = system.login(&client, &sara).await;
    for token in [None, Some(pair.access.as_str())] {
        let answer = client.get(&format!("{}/_local/apis/NotesApi/whoami", system.stack.url()), token).await;
        assert_eq!(answer.status, if token.is_some() { 200 } else { 401 });
        assert_eq!(answer.header("content-security-policy"), "sandbox");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

/// As a script would that was injected before anybody signed in: it sees every answer, all storage, the whole document.
#[tokio::test]
async fn no_script_of_the_page_gets_at_the_refresh_token_in_cookie_mode() {
    let Some(chromium) = Chromium::start_alone().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    chromium.load(system.stack.url()).await;
    chromium.see("#sign-in").await;
    chromium
        .run(
            "const own = window.fetch;
             window.seen = [];
             window.fetch = async (...all) => {
                 const answer = await own(...all);
                 window.seen.push(JSON.stringify([...answer.headers]), await answer.clone().text());
                 return answer;
             };",
        )
        .await;
    sign_in(&chromium, &sara, "cookie").await;
    chromium.click("#refresh").await;
    chromium.see_text("notice", "The cookie was replaced").await;

    let cookies = chromium.cookies().await;
    let cookie = cookies.iter().find(|cookie| cookie["name"] == "__Host-nova-refresh").unwrap();
    for (property, value) in [
        ("httpOnly", json!(true)),
        ("secure", json!(true)),
        ("sameSite", json!("Strict")),
        ("path", json!("/")),
    ] {
        assert_eq!(cookie[property], value, "{property}");
    }
    let token = cookie["value"].as_str().unwrap();
    assert!(token.starts_with("eyJ"), "no token in the cookie");
    let reached = chromium
        .run(
            "return indexedDB.databases().then((databases) => ({
                 cookie: document.cookie,
                 storage: [JSON.stringify({...localStorage}), JSON.stringify({...sessionStorage})],
                 databases: databases.length,
                 document: document.documentElement.outerHTML,
                 answers: window.seen.join(),
             }));",
        )
        .await;
    let text = reached.to_string();
    assert!(text.contains("accessToken"), "the script saw no answer at all");
    assert!(!text.contains(token) && !text.contains("refreshToken"), "a script got the refresh token");
    assert_eq!((&reached["cookie"], &reached["databases"]), (&json!(""), &json!(0)));
    // The access token is in the page's memory, and nowhere that outlives it or is shown.
    for place in ["storage", "document"] {
        assert!(!reached[place].to_string().contains("eyJ0"), "a token in {place}");
    }
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}
