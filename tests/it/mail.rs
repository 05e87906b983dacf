//! The whole way of a mail: asked for, relayed, sent, read in the mailbox, clicked.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::stack::{PASSWORD, System, with_mail};

const OTHER: &str = "An0ther-phrase?";

async fn system(change: &[(&str, &str)]) -> System {
    System::start_with(|options| {
        with_mail(options);
        options.page = true;
        let change = change.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        options.environment.extend(change);
    })
    .await
}

async fn mails(system: &System) -> Vec<Value> {
    let url = format!("{}/_local/mail.json", system.stack.url());
    let answer = Client::at(2).get(&url, None).await;
    answer.body["mails"].as_array().unwrap().clone()
}

/// Waits until there are so many.
async fn mails_once(system: &System, count: usize) -> Vec<Value> {
    let sent = async {
        loop {
            let mails = mails(system).await;
            if mails.len() >= count {
                return mails;
            }
            tokio::task::yield_now().await;
        }
    };
    let sent = tokio::time::timeout(Duration::from_secs(60), sent).await;
    sent.unwrap_or_else(|_| panic!("no mail: {}", system.stack.logs()))
}

/// Waits until the functions' log says this.
async fn logged(system: &System, part: &str) {
    let logged = async {
        while !system.stack.logs().contains(part) {
            tokio::task::yield_now().await;
        }
    };
    let logged = tokio::time::timeout(Duration::from_secs(60), logged).await;
    assert!(logged.is_ok(), "{part} in {}", system.stack.logs());
}

async fn forgets(system: &System, email: &str, language: &str) {
    let request = Client::at(2).request("POST", &system.auth("recovery")).header("accept-language", language);
    let answer = Client::at(2).send(request.json(&json!({"email": email}))).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
}

#[tokio::test]
async fn who_forgot_a_password_finds_a_mail_clicks_its_link_and_is_told_that_it_worked() {
    let system = system(&[]).await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    forgets(&system, &sara.email, "ar").await;
    let mail = mails_once(&system, 1).await.remove(0);
    assert_eq!(mail["to"], json!([sara.email]));
    assert_eq!(mail["from"], "\"Nova CRM\" <no-reply@example.com>");
    assert!(mail["html"].as_str().unwrap().contains(r#"lang="ar" dir="rtl""#), "{mail}");
    let link = mail["link"].as_str().unwrap();
    let token = link.strip_prefix("https://app.example.com/reset#t=").unwrap();
    let body = json!({"token": token, "newPassword": OTHER});
    let confirmed = client.post(&system.auth("recovery/confirm"), &body).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    system.assert_dead(&client, &pair).await;
    system.try_login(&client, &sara.email, PASSWORD).await.expect(401, "INVALID_CREDENTIALS");
    assert_eq!(system.try_login(&client, &sara.email, OTHER).await.status, 200);
    // And the mailbox is told: by a mail that has nothing to click.
    let told = mails_once(&system, 2).await.remove(0);
    assert_eq!((&told["to"], &told["link"]), (&json!([sara.email]), &Value::Null));
    // By hand: the list, the mail, its HTML.
    let id = mail["id"].as_str().unwrap();
    for path in ["mail".to_owned(), format!("mail/{id}"), format!("mail/{id}/html")] {
        let page = Client::at(2).get(&format!("{}/_local/{path}", system.stack.url()), None).await;
        assert_eq!(page.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_stranger_gets_no_mail_and_nothing_of_a_mail_is_in_a_log_or_on_the_way() {
    let system = system(&[]).await;
    let canary = system.user("canary.address").await;
    forgets(&system, "canary.stranger@example.com", "en").await;
    logged(&system, r#""outcome":"Nobody""#).await;
    forgets(&system, &canary.email, "en").await;
    let all = mails_once(&system, 1).await;
    logged(&system, "mail_sent").await;
    let [mail] = &all[..] else { panic!("{} mails", all.len()) };
    let token = mail["link"].as_str().unwrap().rsplit('=').next().unwrap().to_owned();
    let told = system.stack.told().join("\n");
    for text in [told, system.stop().await] {
        let text = text.to_lowercase();
        for secret in ["canary", "$2b$", &token] {
            assert!(!text.contains(&secret.to_lowercase()), "{secret} in {text}");
        }
    }
}

/// Nothing is lost: the message stays in the queue, and the row says that nothing was sent.
#[tokio::test]
async fn while_ses_is_down_the_mail_waits_in_the_queue() {
    let system = system(&[("AWS_ENDPOINT_URL_SESV2", "http://127.0.0.1:1")]).await;
    let canary = system.user("canary.address").await;
    forgets(&system, &canary.email, "en").await;
    logged(&system, "mail_not_sent").await;
    let request = json!({"QueueUrl": "MailQueue", "AttributeNames": ["All"]});
    let depth = reqwest::Client::new()
        .post(system.stack.services_url())
        .header("x-amz-target", "AmazonSQS.GetQueueAttributes")
        .body(request.to_string());
    let depth: Value = depth.send().await.unwrap().json().await.unwrap();
    assert_eq!(depth["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "1", "{depth}");
    let row = system.rows.like("SessionsTable", "MAIL#", "RESET#").await;
    assert!(row.iter().all(|row| row["sentAt"].is_null()), "{row:?}");
    assert!(mails(&system).await.is_empty());
    assert!(!system.stop().await.to_lowercase().contains("canary"));
}
