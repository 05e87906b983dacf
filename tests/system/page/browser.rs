//! What a person does on the page, in a real browser.

use super::{sign_in, system};
use crate::support::chromium::Chromium;
use crate::support::stack::PASSWORD;

#[tokio::test]
async fn a_person_signs_in_in_either_mode_is_somebody_to_another_api_and_signs_out() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    for mode in ["body", "cookie"] {
        chromium.load(system.stack.url()).await;
        sign_in(&chromium, &sara, mode).await;
        chromium.see_text("me", &sara.email).await;
        chromium.click("[data-api=NotesApi][data-path='/whoami']").await;
        chromium.see("#answer-NotesApi .chip.good").await;
        chromium.see_text("answer-NotesApi", &sara.id).await;
        chromium.click("#refresh").await;
        chromium
            .see_text("notice", if mode == "body" { "pair of tokens" } else { "The cookie was replaced" })
            .await;

        // A reload forgets what is in memory, and nothing else.
        chromium.reload().await;
        if mode == "body" {
            chromium.see("#sign-in").await;
            sign_in(&chromium, &sara, mode).await;
        }
        chromium.see("#me").await;
        chromium.click("#sign-out").await;
        chromium.see("#sign-in").await;
        chromium.see_text("notice", "You are logged out.").await;
        chromium.reload().await;
        chromium.see("#sign-in").await;
    }
    assert!(chromium.cookies().await.iter().all(|cookie| cookie["name"] != "__Host-nova-refresh"));
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}

/// A browser keeps one cookie for all its tabs. Whichever answer comes last, both go on.
#[tokio::test]
async fn two_tabs_that_refresh_in_the_same_moment_both_stay_signed_in() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    let first = chromium.tab().await;
    chromium.load(system.stack.url()).await;
    sign_in(&chromium, &sara, "cookie").await;
    let second = chromium.open_tab().await;
    chromium.load(system.stack.url()).await;
    chromium.see("#me").await;

    for round in 0..5 {
        // The second tab clicks when the first one tells it to, in the turn in which it clicks itself.
        chromium
            .run(
                "document.getElementById('notice').textContent = '';
                 const go = new BroadcastChannel('go');
                 go.onmessage = () => { go.close(); document.getElementById('refresh').click(); };",
            )
            .await;
        chromium.switch_to(&first).await;
        chromium
            .run(
                "document.getElementById('notice').textContent = '';
                 new BroadcastChannel('go').postMessage('');
                 document.getElementById('refresh').click();",
            )
            .await;
        chromium.see_text("notice", "The cookie was replaced").await;
        chromium.switch_to(&second).await;
        chromium.see_text("notice", "The cookie was replaced").await;
        for tab in [&first, &second] {
            chromium.switch_to(tab).await;
            chromium.run("document.querySelector('#answer-NotesApi p').replaceChildren()").await;
            chromium.click("[data-api=NotesApi][data-path='/whoami']").await;
            chromium.see("#answer-NotesApi .chip.good").await;
        }
        assert_eq!(chromium.run("return document.querySelectorAll('.session').length").await, 1, "{round}");
    }
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}

#[tokio::test]
async fn signing_out_everywhere_ends_the_other_tab_on_its_next_call() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    let first = chromium.tab().await;
    chromium.load(system.stack.url()).await;
    sign_in(&chromium, &sara, "body").await;
    let second = chromium.open_tab().await;
    chromium.load(system.stack.url()).await;
    sign_in(&chromium, &sara, "cookie").await;
    chromium.see(".session:nth-child(2)").await;

    chromium.switch_to(&first).await;
    chromium.click("#sign-out-everywhere").await;
    chromium.click("#everywhere-yes").await;
    chromium.see("#sign-in").await;
    chromium.see_text("notice", "All sessions were ended.").await;

    chromium.switch_to(&second).await;
    chromium.see("#me").await;
    chromium.click("[data-api=NotesApi][data-path='/whoami']").await;
    chromium.see("#sign-in").await;
    chromium.see_text("notice", "This session has ended.").await;
    chromium.assert_quiet(&[401]).await;
    chromium.close().await;
}

#[tokio::test]
async fn another_session_is_ended_by_name_and_a_new_password_ends_the_rest() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    let client = crate::support::client::Client::at(3);
    let elsewhere = system.login(&client, &sara).await;
    chromium.load(system.stack.url()).await;
    sign_in(&chromium, &sara, "body").await;
    chromium.click(".session:nth-child(2) button").await;
    chromium.see_text("notice", "The session was ended.").await;
    system.assert_dead(&client, &elsewhere).await;

    let elsewhere = system.login(&client, &sara).await;
    chromium.type_into("#currentPassword", PASSWORD).await;
    chromium.type_into("#newPassword", "short").await;
    chromium.click("#password-form [type=submit]").await;
    chromium.see_text("newPassword-error", "at least 8 characters").await;
    chromium.see("#newPassword[aria-invalid=true]:focus").await;
    chromium.type_into("#newPassword", "-But-L0nger-now!").await;
    chromium.click("#password-form [type=submit]").await;
    chromium.see_text("notice", "The password was changed.").await;
    chromium.see_text("log-rows", "Password changed").await;
    system.assert_dead(&client, &elsewhere).await;
    chromium.click("#refresh").await;
    chromium.see_text("notice", "pair of tokens").await;
    chromium.assert_quiet(&[400]).await;
    chromium.close().await;
}

#[tokio::test]
async fn it_speaks_both_languages_from_either_side_and_needs_no_mouse() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    chromium.load(system.stack.url()).await;
    chromium.see("html[lang=en][dir=ltr] #sign-in").await;
    chromium.click("[data-language=ar]").await;
    chromium.see("html[lang=ar][dir=rtl] #sign-in").await;
    // WebDriver's Tab and Enter.
    chromium.type_into("#email", &format!("{}\u{e004}wrong\u{e007}", sara.email)).await;
    chromium.see_text("notice", "البريد الإلكتروني أو كلمة المرور غير صحيحة").await;
    chromium.run("document.getElementById('password').value = ''").await;
    chromium.type_into("#password", &format!("{PASSWORD}\u{e007}")).await;
    chromium.see("#me h1:focus").await;
    chromium.see_text("me", "تم تسجيل الدخول باسم").await;
    chromium.see_text("log-rows", "كلمة مرور خاطئة").await;
    // The choice stays, the session in memory does not.
    chromium.reload().await;
    chromium.see("html[lang=ar][dir=rtl] #sign-in").await;
    let overflows = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert_eq!(chromium.run(overflows).await, false);
    chromium.assert_quiet(&[401]).await;
    chromium.close().await;
}
