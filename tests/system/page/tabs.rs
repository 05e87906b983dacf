//! The client of browsers (`clients/web`) on the page: several tabs, no network, answers that are lost, and clocks that are wrong.

use crate::support::chromium::{Chromium, Tab};
use crate::support::line::Line;
use crate::support::stack::{PASSWORD, System, User};

use super::{sign_in, system};

const REFRESH: &str = "POST /api/auth/refresh";

/// Lets a test say how much later it is for a page: `ahead`, in milliseconds.
const LATER: &str = "const own = performance.now.bind(performance);
    window.ahead = 0;
    performance.now = () => own() + window.ahead;";

/// Two tabs of somebody who is signed in by cookie, both as new as the first one's access token.
async fn two_tabs(chromium: &Chromium, line: &Line, user: &User) -> [Tab; 2] {
    let first = chromium.tab().await;
    chromium.run_first(LATER).await;
    chromium.load(line.url()).await;
    sign_in(chromium, user, "cookie").await;
    let second = chromium.open_tab().await;
    chromium.run_first(LATER).await;
    chromium.load(line.url()).await;
    chromium.see("#log-rows tr").await;
    [first, second]
}

async fn start() -> (System, User, Line) {
    let system = system().await;
    let sara = system.user("sara").await;
    let line = Line::to(system.stack.url()).await;
    (system, sara, line)
}

async fn call(chromium: &Chromium) {
    chromium.run("document.querySelector('#answer-NotesApi p').replaceChildren()").await;
    chromium.click("[data-api=NotesApi][data-path='/whoami']").await;
    chromium.see("#answer-NotesApi .chip.good").await;
}

#[tokio::test]
async fn two_tabs_whose_access_token_ends_refresh_once_for_both() {
    let Some(chromium) = Chromium::start().await else { return };
    let (_system, sara, line) = start().await;
    let [first, second] = two_tabs(&chromium, &line, &sara).await;
    for round in 1..4 {
        let before = line.cookies(REFRESH).len();
        // Both call in the same moment, when the token has ended for both.
        let press = "window.ahead += 900_000;
             document.querySelector('#answer-NotesApi p').replaceChildren();
             const press = () => document.querySelector(\"[data-api=NotesApi][data-path='/whoami']\").click();";
        chromium
            .run(&format!("{press} const go = new BroadcastChannel('go'); go.onmessage = () => {{ go.close(); press(); }};"))
            .await;
        chromium.switch_to(&first).await;
        chromium.run(&format!("{press} new BroadcastChannel('go').postMessage(''); press();")).await;
        chromium.see("#answer-NotesApi .chip.good").await;
        chromium.switch_to(&second).await;
        chromium.see("#answer-NotesApi .chip.good").await;
        assert_eq!(line.cookies(REFRESH).len(), before + 1, "round {round}");
    }
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}

#[tokio::test]
async fn a_tab_says_that_another_one_signed_out_without_asking_the_service() {
    let Some(chromium) = Chromium::start().await else { return };
    let (_system, sara, line) = start().await;
    let [first, second] = two_tabs(&chromium, &line, &sara).await;
    chromium.switch_to(&first).await;
    chromium.click("#sign-out").await;
    chromium.see_text("notice", "You are logged out.").await;
    let before = line.cookies(REFRESH).len();
    chromium.switch_to(&second).await;
    chromium.see("#sign-in").await;
    chromium.see_text("notice", "This session has ended.").await;
    assert_eq!(line.cookies(REFRESH).len(), before);
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}

#[tokio::test]
async fn a_tab_shows_who_it_is_after_another_one_signed_in_as_somebody_else() {
    let Some(chromium) = Chromium::start().await else { return };
    let (system, sara, line) = start().await;
    let omar = system.user("omar").await;
    let [first, _second] = two_tabs(&chromium, &line, &sara).await;
    // As another page of the same origin would.
    let login = chromium
        .run(&format!(
            "return import('/_local/nova-auth.js').then(({{ NovaAuth }}) =>
                 new NovaAuth().login({{ email: '{}', password: '{PASSWORD}' }})).then(({{ ok }}) => ok);",
            omar.email
        ))
        .await;
    assert_eq!(login, true);
    chromium.switch_to(&first).await;
    chromium.see_text("me", &omar.email).await;
    call(&chromium).await;
    chromium.see_text("answer-NotesApi", &omar.id).await;
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}

#[tokio::test]
async fn without_a_network_nobody_is_signed_out_and_with_it_the_session_goes_on() {
    let Some(chromium) = Chromium::start().await else { return };
    let (_system, sara, line) = start().await;
    chromium.load(line.url()).await;
    sign_in(&chromium, &sara, "cookie").await;
    chromium.be_offline(true).await;
    chromium.click("[data-api=NotesApi][data-path='/whoami']").await;
    chromium.see_text("notice", "The service did not answer.").await;
    // The outcome is unknown, so the page stays.
    chromium.click("#sign-out").await;
    chromium.see_text("notice", "The service did not answer.").await;
    chromium.see("#me").await;
    chromium.be_offline(false).await;
    call(&chromium).await;
    chromium.click("#refresh").await;
    chromium.see_text("notice", "The cookie was replaced").await;
    chromium.close().await;
}

/// The cookie of the answer is lost with it, so the same one is sent again.
#[tokio::test]
async fn a_refresh_whose_answer_is_lost_is_repeated_with_the_same_cookie_and_the_session_goes_on() {
    let Some(chromium) = Chromium::start().await else { return };
    let (_system, sara, line) = start().await;
    chromium.load(line.url()).await;
    sign_in(&chromium, &sara, "cookie").await;
    line.lose_answer(REFRESH);
    chromium.click("#refresh").await;
    chromium.see_text("notice", "The cookie was replaced").await;
    let cookies = line.cookies(REFRESH);
    assert_eq!(cookies.len(), 2);
    assert!(cookies[0].contains("__Host-nova-refresh=") && cookies[0] == cookies[1], "another cookie");
    chromium.run("document.getElementById('notice').textContent = ''").await;
    chromium.click("#refresh").await;
    chromium.see_text("notice", "The cookie was replaced").await;
    assert_ne!(line.cookies(REFRESH)[2], cookies[1]);
    call(&chromium).await;
    chromium.close().await;
}

#[tokio::test]
async fn a_clock_that_is_years_wrong_neither_signs_out_nor_refreshes_without_need() {
    let Some(chromium) = Chromium::start().await else { return };
    let (_system, sara, line) = start().await;
    for years in [-10, 10] {
        let wrong = format!(
            "const off = {years} * 31_536_000_000;
             const Own = Date;
             window.Date = class extends Own {{
                 constructor(...all) {{ super(...(all.length ? all : [Own.now() + off])); }}
                 static now() {{ return Own.now() + off; }}
             }};"
        );
        chromium.open_tab().await;
        chromium.run_first(&wrong).await;
        chromium.load(line.url()).await;
        let year = chromium.run("return new Date().getFullYear()").await.as_i64().unwrap();
        assert!(!(2020..2032).contains(&year), "the clock is right: {year}");
        let before = line.cookies(REFRESH).len();
        sign_in(&chromium, &sara, "cookie").await;
        call(&chromium).await;
        call(&chromium).await;
        assert_eq!(line.cookies(REFRESH).len(), before, "{years}");
        chromium.click("#sign-out").await;
        chromium.see("#sign-in").await;
    }
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}
