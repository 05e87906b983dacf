//! How somebody gets in: the demo's user, a registration, and a password that may be set.

use nova_local::DemoUser;
use serde_json::{Value, json};

use super::system;
use crate::support::chromium::Chromium;
use crate::support::client::Client;
use crate::support::stack::{PASSWORD, System};

#[tokio::test]
async fn the_demos_user_is_one_click_away_in_either_mode() {
    let Some(chromium) = Chromium::start().await else { return };
    let demo = DemoUser { email: "demo@example.com", password: PASSWORD };
    let system = System::start_with(|options| {
        options.page = true;
        options.demo = Some(demo);
    })
    .await;
    system.user("demo").await;
    for mode in ["body", "cookie"] {
        chromium.load(system.stack.url()).await;
        chromium.click(&format!("#mode-{mode}")).await;
        chromium.click("#demo").await;
        chromium.see_text("me", demo.email).await;
        chromium.reload().await;
        chromium.see(if mode == "body" { "#sign-in" } else { "#me" }).await;
    }
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}

#[tokio::test]
async fn without_a_demo_nobodys_password_is_told() {
    let (system, client) = (system().await, Client::at(2));
    let config = client.get(&format!("{}/_local/config.json", system.stack.url()), None).await;
    assert_eq!(config.body["demo"], Value::Null);
    let Some(chromium) = Chromium::start().await else { return };
    chromium.load(system.stack.url()).await;
    chromium.see("#sign-in").await;
    assert_eq!(chromium.run("return document.getElementById('demo')").await, Value::Null);
    chromium.close().await;
}

#[tokio::test]
async fn a_stranger_registers_where_that_is_open_and_signs_in() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = System::start_with(|options| {
        options.page = true;
        options.parameters.insert("Registration".to_owned(), "open".to_owned());
    })
    .await;
    system.user("omar").await;
    chromium.load(system.stack.url()).await;
    chromium.type_into("#email", "omar@example.com").await;
    chromium.click("#to-register").await;
    chromium.see("#register-title:focus").await;
    chromium.type_into("#name", "Dina").await;
    chromium.type_into("#password", &format!("short{ENTER}")).await;
    chromium.see("#password[aria-invalid=true]:focus").await;
    // The address came along, and is somebody else's.
    chromium.type_into("#password", &format!("-But-L0nger-now!{ENTER}")).await;
    chromium.see("#email[aria-invalid=true]:focus").await;
    chromium.see_text("email-error", "already in use").await;
    chromium.run("document.getElementById('email').value = ''").await;
    chromium.type_into("#email", &format!("dina@example.com{ENTER}")).await;
    chromium.see_text("notice", "Your account was created").await;
    chromium.see("#sign-in #password:focus").await;
    chromium.type_into("#password", &format!("short-But-L0nger-now!{ENTER}")).await;
    chromium.see_text("me-title", "Dina").await;
    chromium.assert_quiet(&[400, 409]).await;
    chromium.close().await;
}

#[tokio::test]
async fn where_registration_is_closed_there_is_no_form_for_it() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    chromium.load(system.stack.url()).await;
    chromium.see("#sign-in").await;
    assert_eq!(chromium.run("return document.getElementById('to-register')").await, Value::Null);
    chromium.close().await;
}

/// WebDriver's Enter.
const ENTER: char = '\u{e007}';

#[tokio::test]
async fn the_requirements_of_a_password_tick_off_while_it_is_typed() {
    let Some(chromium) = Chromium::start().await else { return };
    let met =
        "return [...document.querySelectorAll('#password-rules .met')].map((rule) => rule.dataset.rule)";
    for (profile, steps) in [
        (
            "crm",
            [
                ("a", json!([])),
                ("B", json!(["mixedCase"])),
                ("\u{664}", json!(["mixedCase", "digit"])),
                // A blank, and whatever else is neither letter nor digit.
                (" ", json!(["mixedCase", "digit", "symbol"])),
                ("cdef", json!(["length8", "mixedCase", "digit", "symbol"])),
            ]
            .to_vec(),
        ),
        ("nist", [("Aa1-Aa1-Aa1-Aa", json!([])), ("a", json!(["length15"]))].to_vec()),
    ] {
        let system = System::start_with(|options| {
            options.page = true;
            options.parameters.insert("Registration".to_owned(), "open".to_owned());
            options.parameters.insert("PasswordProfile".to_owned(), profile.to_owned());
        })
        .await;
        chromium.load(system.stack.url()).await;
        chromium.click("#to-register").await;
        for (typed, expected) in steps {
            chromium.type_into("#password", typed).await;
            assert_eq!(chromium.run(met).await, expected, "{profile}, {typed}");
        }
        // A reader hears them with the field.
        let described = "return document.getElementById('password').getAttribute('aria-describedby')";
        assert_eq!(chromium.run(described).await, "password-error password-rules");
        chromium.see_text("password-rules", "(met)").await;
    }
    chromium.close().await;
}
