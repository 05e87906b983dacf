//! What a person sees and hears of what they did, and in which words.

use super::{sign_in, system};
use crate::support::chromium::Chromium;

/// Whether what an element shows is in the window, and under nothing else.
fn in_sight(id: &str) -> String {
    format!(
        "const element = document.getElementById('{id}');
         const {{x, y, width, height}} = element.getBoundingClientRect();
         return element.contains(document.elementFromPoint(x + width / 2, y + height / 2));"
    )
}

#[tokio::test]
async fn an_error_and_a_success_are_in_sight_wherever_the_person_is_and_are_announced() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    chromium.load(system.stack.url()).await;
    sign_in(&chromium, &sara, "body").await;
    chromium.become_a_phone().await;
    chromium.see("#notice[role=status][aria-live=polite]").await;
    chromium.type_into("#currentPassword", "wrong").await;
    chromium.type_into("#newPassword", "An0ther-g00d-one!\u{e007}").await;
    chromium.see_text("notice", "The current password is wrong.").await;
    assert_eq!(chromium.run("return scrollY > 400").await, true, "the form is at the top");
    assert_eq!(chromium.run(&in_sight("notice")).await, true);

    chromium.click("#dismiss").await;
    assert_eq!(chromium.text("#notice").await, "");
    chromium.run("document.getElementById('currentPassword').value = ''").await;
    chromium.type_into("#currentPassword", &format!("{}\u{e007}", crate::support::stack::PASSWORD)).await;
    chromium.see_text("notice", "The password was changed.").await;
    assert_eq!(chromium.run(&in_sight("notice")).await, true);
    // The ticks go with the password.
    assert_eq!(chromium.run("return document.querySelectorAll('.rules .met').length").await, 0);
    chromium.assert_quiet(&[400]).await;
    chromium.close().await;
}

#[tokio::test]
async fn an_answer_names_its_call_and_stands_by_its_button() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    system.store_rules("NotesApi", "- route: GET /whoami\n- route: GET /notes\n  roles: [admin]\n").await;
    chromium.load(system.stack.url()).await;
    sign_in(&chromium, &sara, "body").await;
    for (api, path, verdict) in [
        ("NotesApi", "/whoami", "200 · Allowed"),
        ("TokenNotesApi", "/whoami", "200 · Allowed"),
        ("NotesApi", "/notes", "403 · Denied"),
    ] {
        let button = format!("[data-api={api}][data-path='{path}']");
        chromium.click(&button).await;
        chromium.see_text(&format!("answer-{api}"), &format!("GET {path}")).await;
        chromium.see_text(&format!("answer-{api}"), verdict).await;
        chromium.see(&format!(".api:has({button}) #answer-{api} > [role=status]")).await;
    }
    chromium.see_text("answer-TokenNotesApi", "GET /whoami").await;
    chromium.assert_quiet(&[403]).await;
    chromium.close().await;
}

#[tokio::test]
async fn a_button_is_busy_until_its_answer_has_come_and_keeps_the_focus() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    chromium.load(system.stack.url()).await;
    sign_in(&chromium, &sara, "body").await;
    chromium
        .run(
            "const own = window.fetch;
             window.sent = 0;
             const held = new Promise((resolve) => { window.release = resolve; });
             window.fetch = async (...all) => { window.sent += 1; await held; return own(...all); };",
        )
        .await;
    chromium.click("#refresh").await;
    chromium.see("#refresh:disabled[aria-busy=true]").await;
    chromium.run("document.getElementById('refresh').click()").await;
    assert_eq!(chromium.run("return window.sent").await, 1);
    chromium.run("window.release()").await;
    chromium.see_text("notice", "pair of tokens").await;
    chromium.see("#refresh:enabled:not([aria-busy]):focus").await;
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}

#[tokio::test]
async fn on_a_phone_the_last_exchange_is_always_in_sight_and_one_tap_opens_it() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    chromium.load(system.stack.url()).await;
    sign_in(&chromium, &sara, "body").await;
    assert_eq!(chromium.run(&in_sight("exchange-body")).await, true, "on a wide page all of it is there");
    chromium.become_a_phone().await;
    for place in ["0", "document.body.scrollHeight"] {
        chromium.run(&format!("scrollTo(0, {place})")).await;
        assert_eq!(chromium.run(&in_sight("exchange-last")).await, true, "{place}");
    }
    assert_eq!(chromium.text("#exchange-last").await.replace('\n', " "), "POST /api/auth/login 200");
    let is_open = "return document.getElementById('exchange-body').checkVisibility()";
    assert_eq!(chromium.run(is_open).await, false);
    chromium.click("#exchange-toggle").await;
    chromium.see("#exchange-toggle[aria-expanded=true]").await;
    assert_eq!(chromium.run(is_open).await, true);
    // WebDriver's Escape.
    chromium.type_into("#exchange-toggle", "\u{e00c}").await;
    chromium.see("#exchange-toggle[aria-expanded=false]:focus").await;
    assert_eq!(chromium.run(is_open).await, false);
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}

#[tokio::test]
async fn it_says_what_people_say_in_both_languages_and_fits_a_phone() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    let overflows = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
    for (language, before, after) in [
        (
            "en",
            ["Store the refresh token", "in memory", "in an HttpOnly cookie"],
            ["Logged in as", "Expires", "Change password"],
        ),
        (
            "ar",
            ["تخزين رمز التجديد", "في الذاكرة", "في ملف تعريف ارتباط"],
            ["تم تسجيل الدخول باسم", "تنتهي صلاحيتها", "تغيير كلمة المرور"],
        ),
    ] {
        chromium.load(system.stack.url()).await;
        chromium.click(&format!("[data-language={language}]")).await;
        for words in before {
            chromium.see_text("view", words).await;
        }
        sign_in(&chromium, &sara, "body").await;
        for words in after {
            chromium.see_text("view", words).await;
        }
        assert_eq!(chromium.run(overflows).await, false, "{language}");
    }
    chromium.become_a_phone().await;
    assert_eq!(chromium.run(overflows).await, false);
    chromium.close().await;
}
