//! Confirmed registrations and invitations, over HTTP and from the command line.

use nova_auth::domain::mail::MailKind;
use serde_json::json;

use crate::support::client::Client;
use crate::support::mail::read;
use crate::support::program::{Ended, command, run};
use crate::support::stack::{PASSWORD, Pair, System, with_mail};

async fn nova(system: &System, arguments: &[&str]) -> Ended {
    let local = format!("--local={}", system.stack.dynamodb_url());
    run(command("nova", &[arguments, &[local.as_str()]].concat()), "").await
}

#[tokio::test]
async fn a_registration_says_the_same_of_a_taken_address_and_the_link_makes_the_user() {
    let system = System::start_with(|options| {
        with_mail(options);
        for (name, value) in [("Registration", "open"), ("EmailVerification", "required")] {
            options.parameters.insert(name.to_owned(), value.to_owned());
        }
    })
    .await;
    let (client, sara) = (Client::at(2), system.user("sara").await);
    let mut told = Vec::new();
    for email in [sara.email.as_str(), "dina@example.com"] {
        let body = json!({"name": "Dina", "email": email, "password": PASSWORD});
        let answer = client.post(&system.auth("register"), &body).await;
        answer.expect_status(202);
        told.push(answer.body.clone());
    }
    assert_eq!(told[0], told[1]);
    system.try_login(&client, "dina@example.com", PASSWORD).await.expect(401, "INVALID_CREDENTIALS");
    let mail = read(&system, "dina@example.com", MailKind::Verify).await;
    let made = client.post(&system.auth("verify"), &json!({"token": mail.token})).await;
    made.expect_status(200);
    assert_eq!(made.text("/data/user/email"), "dina@example.com");
    let pair = Pair::of(&system.try_login(&client, "dina@example.com", PASSWORD).await);
    let resend = client.request("POST", &system.auth("verify/resend")).bearer_auth(&pair.access);
    client.send(resend).await.expect_status(202);
    client.post(&system.auth("verify/resend"), &json!({})).await.expect(401, "AUTH_TOKEN_MISSING");
}

#[tokio::test]
async fn an_operator_invites_a_user_who_sets_the_password_and_sends_another_mail() {
    let system = System::start_with_mail().await;
    let invite = ["user", "invite", "--email", "sara@example.com"];
    let first =
        nova(&system, &[&invite[..], &["--name", "Sara", "--role", "admin", "--bcrypt-cost", "10"]].concat())
            .await;
    assert!(first.success && first.stdout.contains("invited"), "{first:?}");
    let again = nova(&system, &[&invite[..], &["--resend"]].concat()).await;
    assert!(again.success, "{again:?}");
    let listed = nova(&system, &["user", "list", "--status", "invited", "--json"]).await;
    assert_eq!(listed.stdout.lines().count(), 1, "{listed:?}");
    let client = Client::at(2);
    let token = read(&system, "sara@example.com", MailKind::Invite).await.token;
    let body = json!({"token": token, "password": PASSWORD, "name": "Sara Haddad"});
    let accepted = client.post(&system.auth("invitation/accept"), &body).await;
    accepted.expect_status(200);
    assert_eq!(
        (accepted.text("/data/user/name"), accepted.text("/data/user/role")),
        ("Sara Haddad".to_owned(), "admin".to_owned())
    );
    assert_eq!(system.try_login(&client, "sara@example.com", PASSWORD).await.status, 200);
    let late = nova(&system, &[&invite[..], &["--resend"]].concat()).await;
    assert!(!late.success && late.stderr.contains("is not invited"), "{late:?}");
    let reset = nova(&system, &["user", "reset-mail", "sara@example.com"]).await;
    assert!(reset.success, "{reset:?}");
    let token = read(&system, "sara@example.com", MailKind::Reset).await.token;
    let body = json!({"token": token, "newPassword": "An0ther-phrase?"});
    client.post(&system.auth("recovery/confirm"), &body).await.expect_status(200);
}

#[tokio::test]
async fn a_system_that_sends_no_mail_invites_nobody_and_says_why() {
    let system = System::start().await;
    let refused = nova(&system, &["user", "invite", "--email", "sara@example.com", "--name", "Sara"]).await;
    assert!(!refused.success && refused.stderr.contains("Mail=enabled"), "{refused:?}");
    assert_eq!(nova(&system, &["user", "list", "--json"]).await.stdout, "");
}
