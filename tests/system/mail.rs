//! The whole way of a mail: asked for, relayed, sent, read in the mailbox, clicked.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::program::{command, run};
use crate::support::stack::{PASSWORD, Pair, System, with_mail};

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

/// Amazon SES takes no domain of another script, and the mail would be given up after an hour.
#[tokio::test]
async fn a_mailbox_whose_domain_is_of_another_script_is_written_to_as_dns_has_it() {
    let system = system(&[]).await;
    let local = format!("--local={}", system.stack.dynamodb_url());
    let words = ["user", "invite", &local, "--email", "sara@bücher.example", "--name", "Sara"];
    let invited = run(command("nova", &words), "").await;
    assert!(invited.success, "{invited:?}");
    assert_eq!(mails_once(&system, 1).await[0]["to"], json!(["sara@xn--bcher-kva.example"]));
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

/// The records of a table's stream, as they are read at its own address.
async fn stream(system: &System, table: &str) -> Vec<Value> {
    let call = async |operation: &str, input: Value| -> Value {
        let call = reqwest::Client::new()
            .post(system.stack.dynamodb_url())
            .header("x-amz-target", format!("DynamoDBStreams_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, \
                 Signature=0",
            )
            .header("x-amz-date", "20260101T000000Z")
            .body(input.to_string());
        call.send().await.unwrap().json().await.unwrap()
    };
    let streams = call("ListStreams", json!({"TableName": table})).await;
    let arn = streams["Streams"][0]["StreamArn"].clone();
    let described = call("DescribeStream", json!({"StreamArn": arn})).await;
    let mut records = Vec::new();
    for shard in described["StreamDescription"]["Shards"].as_array().unwrap_or_else(|| panic!("{described}"))
    {
        let from =
            json!({"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"});
        let mut iterator = call("GetShardIterator", from).await["ShardIterator"].clone();
        while iterator.is_string() {
            let page = call("GetRecords", json!({"ShardIterator": iterator})).await;
            let found = page["Records"].as_array().unwrap_or_else(|| panic!("{page}"));
            if found.is_empty() {
                break;
            }
            records.extend(found.iter().cloned());
            iterator = page["NextShardIterator"].clone();
        }
    }
    records
}

/// The code of a mail: eight digits in two groups, on a line of their own.
fn code(mail: &Value) -> Option<String> {
    let digits = mail["text"].as_str()?.lines().map(|line| line.replace(' ', ""));
    digits.into_iter().find(|line| line.len() == 8 && line.bytes().all(|byte| byte.is_ascii_digit()))
}

fn token(mail: &Value) -> String {
    mail["link"].as_str().unwrap_or_else(|| panic!("{mail}")).rsplit('=').next().unwrap().to_owned()
}

/// The whole way: a thief has the password, and the owner reads the mail.
#[tokio::test]
async fn a_login_on_another_device_is_told_by_mail_and_a_click_ends_it_and_every_other() {
    let system = System::start_with(|options| {
        with_mail(options);
        options.page = true;
        for name in ["DeviceCookies", "NewDeviceMail"] {
            options.parameters.insert(name.to_owned(), "enabled".to_owned());
        }
    })
    .await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let owner = system.login(&client, &sara).await;
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let login = Client::at(3).request("POST", &system.auth("login")).header("user-agent", agent);
    let login =
        login.header("accept-language", "en").json(&json!({"email": sara.email, "password": PASSWORD}));
    let thief = Pair::of(&client.send(login).await);
    let mail = mails_once(&system, 1).await.remove(0);
    let text = mail["text"].as_str().unwrap();
    assert!(mail["link"].as_str().unwrap().contains("/login/deny#t="), "{mail}");
    for said in ["Firefox, Linux", "127.0.0.0/24", "UTC"] {
        assert!(text.contains(said), "{said} in {text}");
    }
    client.post(&system.auth("login/deny"), &json!({"token": token(&mail)})).await.expect_status(200);
    for pair in [&owner, &thief] {
        let refresh = json!({"refreshToken": pair.refresh});
        client.post(&system.auth("refresh"), &refresh).await.expect_status(401);
    }
    system.try_login(&client, &sara.email, PASSWORD).await.expect(401, "INVALID_CREDENTIALS");
    let reset = mails_once(&system, 2).await.remove(0);
    let body = json!({"token": token(&reset), "newPassword": OTHER});
    client.post(&system.auth("recovery/confirm"), &body).await.expect_status(200);
    system.try_login(&client, &sara.email, OTHER).await.expect_status(200);
}

/// Every kind of mail, and then everything that passed on its way is searched: what the relay reads of the Identity table, the queue, the
/// bus, the logs.
#[tokio::test]
async fn no_hash_link_code_or_address_is_in_a_record_a_message_an_event_or_a_log() {
    let system = System::start_with(|options| {
        with_mail(options);
        options.page = true;
        for (name, value) in [("Registration", "open"), ("EmailVerification", "required")] {
            options.parameters.insert(name.to_owned(), value.to_owned());
        }
    })
    .await;
    let client = Client::at(113);
    let post = async |endpoint: &str, body: Value, status: u16| {
        client.post(&system.auth(endpoint), &body).await.expect_status(status);
    };
    let local = format!("--local={}", system.stack.dynamodb_url());
    let nova = async |arguments: &[&str], input: &str| {
        let ended = run(command("nova", &[arguments, &[local.as_str()]].concat()), input).await;
        assert!(ended.success, "{ended:?}");
    };
    let (new, moved) = ("canary.new@example.com", "canary.moved@example.com");
    let registration = json!({"name": "CanaryName", "email": new, "password": "Canary-Passw0rd!"});
    post("register", registration, 202).await;
    let verify = mails_once(&system, 1).await.remove(0);
    post("verify", json!({"token": token(&verify)}), 200).await;
    post("recovery", json!({"email": new}), 202).await;
    let reset = mails_once(&system, 2).await.remove(0);
    let wrong = json!({"email": new, "code": "00000000", "newPassword": "Canary-0ther!"});
    client.post(&system.auth("recovery/confirm"), &wrong).await.expect(400, "MAIL_TOKEN_INVALID");
    let right = json!({"email": new, "code": code(&reset).unwrap(), "newPassword": "Canary-0ther!"});
    post("recovery/confirm", right, 200).await;
    mails_once(&system, 3).await;
    let pair = Pair::of(&system.try_login(&client, new, "Canary-0ther!").await);
    let wish = json!({"newEmail": moved, "currentPassword": "Canary-0ther!"});
    let asked = client.request("POST", &system.auth("email")).bearer_auth(&pair.access).json(&wish);
    client.send(asked).await.expect_status(202);
    let change = mails_once(&system, 4).await.remove(0);
    post("email/confirm", json!({"token": token(&change)}), 200).await;
    let revert = mails_once(&system, 5).await.remove(0);
    post("email/revert", json!({"token": token(&revert)}), 200).await;
    let again = mails_once(&system, 6).await.remove(0);
    nova(&["user", "password", new, "--bcrypt-cost", "10"], "Canary-Th1rd!").await;
    nova(&["user", "reset-mail", new], "").await;
    // A mail to an address that is nobody's any more would not be sent.
    mails_once(&system, 8).await;
    nova(&["user", "edit", new, "--email", "canary.edited@example.com"], "").await;
    let invite = ["user", "invite", "--email", "canary.guest@example.com", "--name", "CanaryGuest"];
    nova(&[&invite[..], &["--bcrypt-cost", "10"]].concat(), "").await;
    let all = mails_once(&system, 10).await;
    logged(&system, "mail_sent").await;

    let mut secrets: Vec<String> = ["canary", "$2b$"].map(str::to_owned).into();
    secrets.extend(all.iter().filter(|mail| mail["link"].is_string()).map(token));
    secrets.extend(all.iter().filter_map(code));
    assert!(secrets.contains(&token(&again)) && secrets.len() > 9, "{}", secrets.len());
    let records = stream(&system, "IdentityTable").await;
    let is_read = |record: &&Value| {
        let key = |name: &str| record["dynamodb"]["Keys"][name]["S"].as_str().unwrap_or_default();
        key("pk").starts_with("USER#") && key("sk") == "PROFILE"
    };
    assert!(records.iter().filter(is_read).count() > 3, "{records:?}");
    for record in &records {
        assert!(
            record["dynamodb"]["NewImage"].is_null() && record["dynamodb"]["OldImage"].is_null(),
            "{record}"
        );
    }
    let read = records.iter().filter(is_read).map(Value::to_string).collect::<Vec<_>>().join("\n");
    let told = system.stack.told().join("\n");
    assert!(told.contains("mail:") && told.contains("user:"), "{told}");
    for text in [read, told, system.stop().await] {
        let text = text.to_lowercase();
        for secret in &secrets {
            assert!(!text.contains(&secret.to_lowercase()), "{secret} in {text}");
        }
    }
}
