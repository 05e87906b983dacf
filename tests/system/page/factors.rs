//! Second factors on the page: enrolled by what is shown there, asked for at the next login, in both languages.

use crate::support::app::read;
use crate::support::chromium::Chromium;
use crate::support::stack::{PASSWORD, System};

/// WebDriver's Enter.
const ENTER: char = '\u{e007}';

async fn system(policy: &str) -> System {
    System::start_with(|options| {
        options.page = true;
        options.parameters.insert("MfaPolicy".to_owned(), policy.to_owned());
    })
    .await
}

async fn password(chromium: &Chromium, email: &str) {
    chromium.type_into("#email", email).await;
    chromium.type_into("#password", &format!("{PASSWORD}{ENTER}")).await;
}

#[tokio::test]
async fn an_app_is_enrolled_on_the_page_and_asked_for_at_the_next_login() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system("optional").await;
    let sara = system.user("sara").await;
    chromium.load(system.stack.url()).await;
    password(&chromium, &sara.email).await;
    chromium.see("#factors").await;
    chromium.click("#add-app").await;
    chromium.see("#qr path").await;
    let secret = chromium.run("return document.getElementById('secret').textContent").await;
    let app = read(secret.as_str().unwrap());
    chromium.type_into("#code", &format!("{}{ENTER}", crate::support::app::code_now(&app))).await;
    chromium.see("#recovery-codes").await;
    let codes = chromium.run("return document.querySelector('#recovery-codes pre').textContent").await;
    let codes: Vec<String> = codes.as_str().unwrap().lines().map(str::to_owned).collect();
    assert_eq!(codes.len(), 10);
    chromium.see("#factor-list li").await;
    // What was said on the wire is shown without what opens something.
    let shown = chromium.run("return document.getElementById('exchanges').textContent").await;
    assert!(!shown.as_str().unwrap().contains(secret.as_str().unwrap()), "the secret is shown");
    assert!(codes.iter().all(|code| !shown.as_str().unwrap().contains(code.as_str())), "codes are shown");
    chromium.click("#sign-out").await;
    chromium.see("#sign-in").await;
    // The address is there still.
    chromium.type_into("#password", &format!("{PASSWORD}{ENTER}")).await;
    chromium.see("#second-step").await;
    chromium.type_into("#code", &format!("000000{ENTER}")).await;
    chromium.see_text("notice", "The code is wrong or has already been used.").await;
    chromium.click("[data-language=ar]").await;
    chromium.click("#to-recovery").await;
    chromium.type_into("#recoveryCode", &format!("{}{ENTER}", codes[0])).await;
    chromium.see_text("me", &sara.email).await;
    chromium.close().await;
}

#[tokio::test]
async fn where_a_factor_is_required_the_page_enrols_first_and_opens_everything_afterwards() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system("required").await;
    let sara = system.user("sara").await;
    chromium.load(system.stack.url()).await;
    password(&chromium, &sara.email).await;
    chromium.see("#factors").await;
    assert_eq!(chromium.run("return document.getElementById('password-form') === null").await, true);
    chromium.click("#add-app").await;
    chromium.see("#qr path").await;
    let secret = chromium.run("return document.getElementById('secret').textContent").await;
    let app = read(secret.as_str().unwrap());
    chromium.type_into("#code", &format!("{}{ENTER}", crate::support::app::code_now(&app))).await;
    chromium.see("#password-form").await;
    chromium.see("#recovery-codes").await;
    chromium.close().await;
}
