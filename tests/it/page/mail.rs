//! What the page does by mail: a forgotten password, an invitation, another address.

use nova_auth::domain::mail::MailKind;

use crate::support::chromium::Chromium;
use crate::support::mail::read;
use crate::support::stack::{PASSWORD, System, with_mail};

/// WebDriver's Enter.
const ENTER: char = '\u{e007}';

async fn system() -> System {
    System::start_with(|options| {
        options.page = true;
        with_mail(options);
    })
    .await
}

#[tokio::test]
async fn a_forgotten_password_is_set_by_the_link_which_leaves_the_address_bar_at_once() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    chromium.load(system.stack.url()).await;
    chromium.type_into("#email", &sara.email).await;
    chromium.click("#to-forgot").await;
    chromium.see("#forgot-title:focus").await;
    chromium.click("#forgot [type=submit]").await;
    chromium.see_text("notice", "we have sent it a message").await;
    let mail = read(&system, &sara.email, MailKind::Reset).await;
    chromium.load(&format!("{}/reset#t={}", system.stack.url(), mail.token)).await;
    chromium.see("#reset-form").await;
    let location = chromium.run("return location.href").await;
    assert!(!location.to_string().contains(&mail.token), "{location}");
    // Opening it did nothing.
    system.login(&crate::support::client::Client::at(9), &sara).await;
    chromium.type_into("#newPassword", &format!("An0ther-phrase?{ENTER}")).await;
    chromium.see_text("notice", "The password was changed").await;
    chromium.type_into("#email", &sara.email).await;
    chromium.type_into("#password", &format!("An0ther-phrase?{ENTER}")).await;
    chromium.see_text("me", &sara.email).await;
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}

#[tokio::test]
async fn the_code_does_the_same_and_the_page_speaks_arabic() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    chromium.load(system.stack.url()).await;
    chromium.click("[data-language=ar]").await;
    chromium.click("#to-forgot").await;
    chromium.type_into("#email", &format!("{}{ENTER}", sara.email)).await;
    chromium.see("#code-form").await;
    let mail = read(&system, &sara.email, MailKind::Reset).await;
    chromium.type_into("#code", &mail.code).await;
    chromium.type_into("#newPassword", &format!("An0ther-phrase?{ENTER}")).await;
    chromium.see("#sign-in").await;
    chromium.see_text("notice", "تم تغيير كلمة المرور").await;
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}

#[tokio::test]
async fn another_address_is_asked_for_on_the_page_and_confirmed_by_its_link() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    chromium.load(system.stack.url()).await;
    chromium.type_into("#email", &sara.email).await;
    chromium.type_into("#password", &format!("{PASSWORD}{ENTER}")).await;
    chromium.see("#email-form").await;
    chromium.type_into("#newEmail", "sara.haddad@example.com").await;
    chromium.type_into("#emailPassword", &format!("{PASSWORD}{ENTER}")).await;
    chromium.see_text("notice", "We have sent a message to the new address").await;
    let mail = read(&system, "sara.haddad@example.com", MailKind::Change).await;
    chromium.load(&format!("{}/email#t={}", system.stack.url(), mail.token)).await;
    chromium.click("#change-form [type=submit]").await;
    chromium.see_text("notice", "The email was changed").await;
    chromium.close().await;
}
