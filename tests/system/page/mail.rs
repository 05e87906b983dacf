//! What the page does by mail: a forgotten password, an invitation, another address.

use nova_auth::domain::mail::MailKind;
use serde_json::json;

use crate::support::chromium::Chromium;
use crate::support::client::Client;
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
    system.login(&Client::at(9), &sara).await;
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

/// One whose links lead to its own page.
async fn own() -> System {
    System::start_with(|options| {
        options.page = true;
        with_mail(options);
        options.parameters.remove("AppUrl");
    })
    .await
}

/// Waits until the mailbox has a mail, and gives its id.
async fn arrived(system: &System) -> String {
    let url = format!("{}/_local/mail.json", system.stack.url());
    let arrived = async {
        loop {
            let mails = Client::at(2).get(&url, None).await.body;
            if let Some(id) = mails["mails"][0]["id"].as_str() {
                return id.to_owned();
            }
            tokio::task::yield_now().await;
        }
    };
    let arrived = tokio::time::timeout(std::time::Duration::from_secs(60), arrived).await;
    arrived.unwrap_or_else(|_| panic!("no mail: {}", system.stack.logs()))
}

/// All of it by hand: nothing here is read that a person does not see.
#[tokio::test]
async fn a_person_asks_opens_the_mailbox_clicks_the_link_and_whoever_was_logged_in_before_is_out() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = own().await;
    let (sara, client) = (system.user("sara").await, Client::at(9));
    let before = system.login(&client, &sara).await;
    chromium.load(system.stack.url()).await;
    chromium.click("#to-forgot").await;
    chromium.type_into("#email", &format!("{}{ENTER}", sara.email)).await;
    chromium.see("#code-form").await;
    arrived(&system).await;
    chromium.load(&format!("{}/_local/mail", system.stack.url())).await;
    chromium.click("main li a").await;
    chromium.see("iframe").await;
    chromium.click("main a[rel=noreferrer]").await;
    chromium.see("#reset-form").await;
    system.assert_lets_in(&client, &before.access, &sara).await;
    chromium.type_into("#newPassword", &format!("An0ther-phrase?{ENTER}")).await;
    chromium.see("#sign-in").await;
    system.assert_dead(&client, &before).await;
    assert_eq!(system.try_login(&client, &sara.email, "An0ther-phrase?").await.status, 200);
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}

#[tokio::test]
async fn an_arabic_mail_is_read_from_right_to_left_and_its_link_and_code_from_left_to_right() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = own().await;
    let sara = system.user("sara").await;
    chromium.load(system.stack.url()).await;
    chromium.click("[data-language=ar]").await;
    chromium.click("#to-forgot").await;
    chromium.type_into("#email", &format!("{}{ENTER}", sara.email)).await;
    chromium.see("#code-form").await;
    let id = arrived(&system).await;
    chromium.load(&format!("{}/_local/mail/{id}/html", system.stack.url())).await;
    // Where the text of each stands in its box: a line of Arabic begins at the right edge.
    let seen = chromium
        .run(
            "const at = (node) => { const range = document.createRange(); range.selectNodeContents(node); \
             const [text, box] = [range.getBoundingClientRect(), node.getBoundingClientRect()]; \
             return { direction: getComputedStyle(node).direction, right: Math.round(box.right - text.right), \
             left: Math.round(text.left - box.left) }; }; \
             return { title: at(document.querySelector('h1')), others: [...document.querySelectorAll('p[dir=ltr]')].map(at) };",
        )
        .await;
    let title = &seen["title"];
    assert_eq!((&title["direction"], &title["right"]), (&json!("rtl"), &json!(0)), "{seen}");
    assert!(title["left"].as_i64().unwrap() > 20, "{seen}");
    let others = seen["others"].as_array().unwrap();
    assert_eq!(others.len(), 2, "the link, and the code: {seen}");
    for other in others {
        assert_eq!((&other["direction"], &other["left"]), (&json!("ltr"), &json!(0)), "{seen}");
    }
    chromium.close().await;
}

/// Programs that look mail over open its links.
#[tokio::test]
async fn a_login_that_was_somebody_elses_is_ended_by_a_click_and_by_nothing_less() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = System::start_with(|options| {
        options.page = true;
        with_mail(options);
        for name in ["DeviceCookies", "NewDeviceMail"] {
            options.parameters.insert(name.to_owned(), "enabled".to_owned());
        }
    })
    .await;
    let sara = system.user("sara").await;
    system.login(&Client::at(8), &sara).await;
    let thief = system.login(&Client::at(9), &sara).await;
    let mail = read(&system, &sara.email, MailKind::Deny).await;
    chromium.load(&format!("{}/login/deny#t={}", system.stack.url(), mail.token)).await;
    chromium.see("#deny-form").await;
    let location = chromium.run("return location.href").await;
    assert!(!location.to_string().contains(&mail.token), "{location}");
    assert_eq!(system.whoami(&Client::at(9), &thief.access).await.status, 200);
    chromium.click("#deny-form [type=submit]").await;
    chromium.see_text("notice", "All sessions were ended").await;
    assert_eq!(system.whoami(&Client::at(9), &thief.access).await.status, 401);
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}
