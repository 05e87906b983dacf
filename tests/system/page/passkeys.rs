//! Passkeys on the page, by a browser's own device: made, used without a password, after one, and for a step-up.

use crate::support::chromium::Chromium;
use crate::support::stack::{PASSWORD, System, User};

/// WebDriver's Enter.
const ENTER: char = '\u{e007}';

async fn system(policy: &str) -> (System, User, String) {
    let system = System::start_with(|options| {
        options.page = true;
        for (name, value) in [("MfaPolicy", policy), ("PasskeyRpId", "localhost")] {
            options.parameters.insert(name.to_owned(), value.to_owned());
        }
    })
    .await;
    let sara = system.user("sara").await;
    // Browsers make no passkey for an address.
    let page = system.stack.url().replace("127.0.0.1", "localhost");
    (system, sara, page)
}

async fn password(chromium: &Chromium, email: &str) {
    chromium.type_into("#email", email).await;
    chromium.type_into("#password", &format!("{PASSWORD}{ENTER}")).await;
}

/// The passkey of somebody who signs in by their password, added on the page.
async fn add(chromium: &Chromium, sara: &User) {
    password(chromium, &sara.email).await;
    chromium.see("#factors").await;
    chromium.click("#add-passkey").await;
    chromium.see("#recovery-codes").await;
    chromium.see("#factor-list li").await;
}

/// As in a browser that offers passkeys where a button asks for one, and not beside the address: a device without a screen takes every
/// offer at once.
async fn offer_nothing(chromium: &Chromium) {
    chromium
        .run("PublicKeyCredential.isConditionalMediationAvailable = async () => false; return true")
        .await;
}

#[tokio::test]
async fn a_passkey_that_was_made_on_the_page_signs_in_there_without_a_password() {
    let Some(chromium) = Chromium::start().await else { return };
    let (_system, sara, page) = system("optional").await;
    chromium.add_authenticator(true).await;
    chromium.load(&page).await;
    add(&chromium, &sara).await;
    offer_nothing(&chromium).await;
    chromium.click("#sign-out").await;
    chromium.click("#passkey").await;
    chromium.see_text("me", &sara.email).await;
    chromium.close().await;
}

#[tokio::test]
async fn a_passkey_is_the_second_step_on_the_page_and_steps_up() {
    let Some(chromium) = Chromium::start().await else { return };
    let (_system, sara, page) = system("required").await;
    chromium.add_authenticator(true).await;
    chromium.load(&page).await;
    add(&chromium, &sara).await;
    offer_nothing(&chromium).await;
    chromium.click("#sign-out").await;
    chromium.see("#sign-in").await;
    chromium.type_into("#password", &format!("{PASSWORD}{ENTER}")).await;
    chromium.see("#use-passkey").await;
    assert_eq!(
        chromium.run("return document.getElementById('code') === null").await,
        true,
        "a code is asked for"
    );
    chromium.click("#use-passkey").await;
    chromium.see_text("me", &sara.email).await;
    chromium.click("#factor-list button").await;
    chromium.see_text("notice", "The second factor was removed.").await;
    chromium.close().await;
}

#[tokio::test]
async fn the_browser_offers_the_passkey_beside_the_address_and_signs_in_by_it() {
    let Some(chromium) = Chromium::start().await else { return };
    let (_system, sara, page) = system("optional").await;
    chromium.add_authenticator(true).await;
    chromium.load(&page).await;
    add(&chromium, &sara).await;
    // A device without a screen takes the offer at once.
    chromium.click("#sign-out").await;
    chromium.see_text("me", &sara.email).await;
    chromium.close().await;
}

#[tokio::test]
async fn a_user_who_does_not_show_who_they_are_is_told_so_and_goes_on_by_password() {
    let Some(chromium) = Chromium::start().await else { return };
    let (_system, sara, page) = system("optional").await;
    chromium.add_authenticator(false).await;
    chromium.load(&page).await;
    chromium.click("#passkey").await;
    chromium.see_text("notice", "No passkey was used. Try again, or log in another way.").await;
    password(&chromium, &sara.email).await;
    chromium.see("#factors").await;
    chromium.close().await;
}

/// What it made could not log anybody in without a password: it does not know whose it is.
#[tokio::test]
async fn a_device_that_keeps_no_passkeys_makes_none_here() {
    let Some(chromium) = Chromium::start().await else { return };
    let (_system, sara, page) = system("optional").await;
    chromium.add_device_without_memory().await;
    chromium.load(&page).await;
    password(&chromium, &sara.email).await;
    chromium.see("#factors").await;
    chromium.click("#add-passkey").await;
    chromium.see_text("notice", "No passkey was used. Try again, or log in another way.").await;
    assert_eq!(chromium.run("return document.querySelectorAll('#factor-list li').length").await, 0);
    chromium.close().await;
}

#[tokio::test]
async fn a_page_that_was_opened_by_an_address_says_where_passkeys_work() {
    let Some(chromium) = Chromium::start().await else { return };
    let (system, _, page) = system("optional").await;
    chromium.load(system.stack.url()).await;
    chromium.see("#sign-in").await;
    let there = chromium.run("return document.querySelector('#sign-in a').href").await;
    assert_eq!(there, format!("{page}/"));
    chromium.close().await;
}
