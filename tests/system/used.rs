//! Every call that the functions make to DynamoDB is one that their roles allow. IAM is not here to say so: the calls are seen on their
//! way, and held against the statements of the template as IAM does.
//!
//! A right that is missing is a function that fails on AWS and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use nova_auth::domain::mail::MailKind;
use nova_auth::passwords::Hasher;
use nova_local::Options;
use nova_test_support::iam::{self, Request, arn};
use nova_test_support::needs::NEEDS;
use serde_json::{Value, json};

use crate::introspection::introspect;
use crate::support::app::App;
use crate::support::binaries::workspace;
use crate::support::client::Client;
use crate::support::functions;
use crate::support::mail::read;
use crate::support::passkey::Phone;
use crate::support::proxy::{Call, Proxy};
use crate::support::stack::{PASSWORD, Pair, System, with_mail, with_passkeys};
use crate::websocket::{Socket, attached, connect, dropped, ends, listening};

/// The requests of one call: a transaction is authorized action by action, and a batch table by table.
fn requests(call: &Call) -> Vec<Request> {
    let body = &call.body;
    let one = |operation: &str, part: &Value| {
        let key = ["Key", "Item"].iter().find_map(|name| part[*name]["pk"]["S"].as_str());
        // The only condition on a partition key in this house is `pk = :name`.
        let queried = || {
            let condition = part["KeyConditionExpression"].as_str()?;
            let name = condition.strip_prefix("pk = ")?.split(' ').next()?;
            part["ExpressionAttributeValues"][name]["S"].as_str()
        };
        let key = key.or_else(queried).unwrap_or_else(|| panic!("no partition key in {operation} {part}"));
        let wants = |name: &str| part[name].as_str().filter(|values| *values != "NONE").map(str::to_owned);
        let returns = wants("ReturnValues").or_else(|| wants("ReturnValuesOnConditionCheckFailure"));
        let table = part["TableName"].as_str().unwrap_or_default();
        Request { returns, ..request(call, operation, table, vec![key.to_owned()]) }
    };
    match call.operation.as_str() {
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().expect("a batch is of tables");
            let keys = |asked: &Value| {
                let keys = asked["Keys"].as_array().expect("a batch has keys").iter();
                keys.filter_map(|key| key["pk"]["S"].as_str().map(str::to_owned)).collect()
            };
            tables.iter().map(|(table, asked)| request(call, "BatchGetItem", table, keys(asked))).collect()
        }
        "TransactWriteItems" | "TransactGetItems" => {
            let parts = body["TransactItems"].as_array().expect("a transaction has parts").iter();
            parts
                .flat_map(|part| part.as_object().expect("a part is an action"))
                .map(|(action, part)| {
                    let suffix = if action == "ConditionCheck" {
                        "ConditionCheckItem"
                    } else {
                        &format!("{action}Item")
                    };
                    one(suffix, part)
                })
                .collect()
        }
        operation => vec![one(operation, body)],
    }
}

fn request(call: &Call, operation: &str, table: &str, keys: Vec<String>) -> Request {
    let mut roles = NEEDS.iter().map(|(function, ..)| *function);
    let function = roles
        .find(|function| call.caller == format!("{function}Function").to_lowercase())
        .unwrap_or_else(|| panic!("{} calls DynamoDB and needs nothing of it", call.caller));
    Request {
        role: format!("{function}Role"),
        action: format!("dynamodb:{operation}"),
        resource: arn(&format!("{table}.Arn")),
        keys,
        returns: None,
    }
}

/// AWS does not say whether each part of a transaction is authorized with its own key, or all parts of one action on one table with
/// all their keys. Both have to be allowed, so these are the second way.
fn together(parts: &[Request]) -> Vec<Request> {
    let mut all = BTreeMap::<_, Request>::new();
    for part in parts {
        let place = (part.action.clone(), part.resource.clone());
        all.entry(place)
            .and_modify(|whole| {
                whole.keys.extend(part.keys.iter().cloned());
                whole.returns = whole.returns.take().or_else(|| part.returns.clone());
            })
            .or_insert_with(|| part.clone());
    }
    all.into_values().collect()
}

/// What is needed only where a read falls between the writes of somebody else's transaction: session and profile, which disagree,
/// are read once more, in a transaction. (`assert_dead` brings that about for the authorizer.)
const ELSEWHERE: &[&str] = &[
    "Email GetItem Identity USER",
    // What a run of a hundred failures needs.
    "Email UpdateItem Identity USER",
    "Factors GetItem Identity USER",
    "Introspect GetItem Identity USER",
    "LoginFactor UpdateItem Identity USER",
    "Password GetItem Identity USER",
    "Sessions GetItem Identity USER",
    "Ticket GetItem Identity USER",
];

#[tokio::test]
async fn every_call_of_a_function_to_the_tables_is_one_that_its_role_allows() {
    let lives: [BoxFuture<'_, Vec<Call>>; 5] = [
        the_life_of_a_user().boxed(),
        the_life_of_a_confirmed_user().boxed(),
        the_life_of_a_user_with_an_app().boxed(),
        the_life_of_a_user_with_a_passkey().boxed(),
        the_life_of_a_ticket().boxed(),
    ];
    let seen = join_all(lives).await.concat();
    let alone: BTreeSet<Request> = seen.iter().flat_map(requests).collect();
    let whole = seen.iter().flat_map(|call| together(&requests(call)));
    let made: BTreeSet<Request> = alone.iter().cloned().chain(whole).collect();
    let policies = iam::policies();
    for request in &made {
        assert!(iam::allows(&policies[&request.role], request), "IAM would refuse {request:?}");
    }
    iam::keep_seen(&policies, &made);
    // And every right is used, or it is one too many.
    let mut unused = Vec::new();
    for (function, table, action, kinds) in NEEDS {
        for kind in *kinds {
            let used = alone.iter().any(|request| {
                request.role == format!("{function}Role")
                    && request.action == format!("dynamodb:{action}")
                    && request.resource == arn(&format!("{table}Table.Arn"))
                    && request.keys.iter().any(|key| key.starts_with(&format!("{kind}#")))
            });
            if !used {
                unused.push(format!("{function} {action} {table} {kind}"));
            }
        }
    }
    assert_eq!(unused, ELSEWHERE, "not seen to be used: are they needed?");
}

/// What a user does by mail.
async fn mail(system: &System, email: &str) {
    let client = Client::at(3);
    for number in 0..2 {
        assert_eq!(client.post(&system.auth("recovery"), &json!({"email": email})).await.status, 202);
        let mail = read(system, email, MailKind::Reset).await;
        let new = format!("Phrase-number-{number}!");
        let body = match number {
            0 => json!({"token": mail.token, "newPassword": new}),
            _ => json!({"email": email, "code": mail.code, "newPassword": new}),
        };
        assert_eq!(client.post(&system.auth("recovery/confirm"), &body).await.status, 200);
    }
}

/// A system whose functions ask their tables through a proxy, which sees their calls.
async fn watched(change: impl FnOnce(&mut Options)) -> (Proxy, System) {
    let proxy = Proxy::start().await;
    let url = proxy.url().to_owned();
    let system = System::start_with(|options| {
        change(options);
        options.environment.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), url);
    })
    .await;
    proxy.forward_to(system.stack.dynamodb_url());
    (proxy, system)
}

/// What a user does where addresses are confirmed.
async fn the_life_of_a_confirmed_user() -> Vec<Call> {
    let (proxy, system) = watched(|options| {
        with_mail(options);
        let words = [
            "BreachedPasswords=best-effort",
            "Registration=open",
            "EmailVerification=required",
            "DeviceCookies=enabled",
            "NewDeviceMail=enabled",
        ];
        for (name, value) in words.into_iter().filter_map(|word| word.split_once('=')) {
            options.parameters.insert(name.to_owned(), value.to_owned());
        }
    })
    .await;
    let (client, email) = (Client::at(2), "dina@example.com");
    let new = json!({"name": "Dina", "email": email, "password": PASSWORD});
    client.post(&system.auth("register"), &new).await.expect_status(202);
    let token = read(&system, email, MailKind::Verify).await.token;
    client.post(&system.auth("verify"), &json!({"token": token})).await.expect_status(200);
    let dina = Pair::of(&system.try_login(&client, email, PASSWORD).await);
    let resend = client.request("POST", &system.auth("verify/resend")).bearer_auth(&dina.access);
    client.send(resend).await.expect_status(202);
    let token = read(&system, email, MailKind::Verify).await.token;
    client.post(&system.auth("verify"), &json!({"token": token})).await.expect_status(200);
    let other = "dina.haddad@example.com";
    let change = |password: &str| {
        let body = json!({"newEmail": other, "currentPassword": password});
        client.request("POST", &system.auth("email")).bearer_auth(&dina.access).json(&body)
    };
    client.send(change("Wr0ng-enough!")).await.expect(400, "CURRENT_PASSWORD_INVALID");
    client.send(change(PASSWORD)).await.expect_status(202);
    let token = read(&system, other, MailKind::Change).await.token;
    client.post(&system.auth("email/confirm"), &json!({"token": token})).await.expect_status(200);
    let token = read(&system, email, MailKind::Revert).await.token;
    client.post(&system.auth("email/revert"), &json!({"token": token})).await.expect_status(200);
    let token = read(&system, email, MailKind::Reset).await.token;
    let body = json!({"token": token, "newPassword": PASSWORD});
    client.post(&system.auth("recovery/confirm"), &body).await.expect_status(200);
    // The first login told of no new device.
    system.try_login(&client, email, PASSWORD).await.expect_status(200);
    let token = read(&system, email, MailKind::Deny).await.token;
    client.post(&system.auth("login/deny"), &json!({"token": token})).await.expect_status(200);
    proxy.seen()
}

/// What the functions do for somebody who has no more than a password.
async fn the_life_of_a_user() -> Vec<Call> {
    let (proxy, mut system) = watched(|options| {
        with_mail(options);
        let more = [("AuthorizerRateLimit", "1000"), ("MaxSessionsPerUser", "3")];
        for (name, value) in
            more.into_iter().chain([("Registration", "open"), ("BreachedPasswords", "best-effort")])
        {
            options.parameters.insert(name.to_owned(), value.to_owned());
        }
    })
    .await;
    // The operator makes hashes at another cost than the functions, so that a login upgrades one.
    system.hasher = Hasher::new(functions::CHEAP + 1);
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let with = |method: &str, path: &str, access: &str| {
        client.request(method, &system.auth(path)).bearer_auth(access)
    };

    system.try_login(&client, &sara.email, "Wr0ng-enough!").await.expect(401, "INVALID_CREDENTIALS");
    let first = system.login(&client, &sara).await;
    system.assert_lets_in(&client, &first.access, &sara).await;
    let second = Pair::of(&system.refresh(&client, &first.refresh).await);
    // Its answer was lost: it is counted by itself.
    Pair::of(&system.refresh(&client, &first.refresh).await);
    Pair::of(&system.refresh(&client, &second.refresh).await);
    // Stolen: the session ends.
    system.refresh(&client, &first.refresh).await.expect(401, "REFRESH_TOKEN_INVALID");

    // More than there may be: the oldest one ends.
    for _ in 0..3 {
        system.login(&client, &sara).await;
    }
    let third = system.login(&client, &sara).await;
    let fourth = system.login(&client, &sara).await;
    let body = json!({"currentPassword": PASSWORD, "newPassword": "An0ther-phrase?"});
    let wrong = json!({"currentPassword": "Wr0ng-enough!", "newPassword": "An0ther-phrase?"});
    let answer = client.send(with("POST", "password", &third.access).json(&wrong)).await;
    answer.expect(400, "CURRENT_PASSWORD_INVALID");
    assert_eq!(client.send(with("POST", "password", &third.access).json(&body)).await.status, 200);
    system.assert_dead(&client, &fourth).await;
    let listed = client.send(with("GET", "sessions", &third.access)).await;
    let session = listed.text("/data/sessions/0/id");
    let ended = client.send(with("DELETE", &format!("sessions/{session}"), &third.access)).await;
    assert_eq!(ended.status, 200, "{}", ended.body);

    let new = json!({"name": "Omar", "email": "omar@example.com", "password": PASSWORD});
    assert_eq!(client.post(&system.auth("register"), &new).await.status, 201);
    client.post(&system.auth("register"), &new).await.expect(409, "EMAIL_TAKEN");
    let omar = Pair::of(&system.try_login(&client, "omar@example.com", PASSWORD).await);
    let out = system.logout(&client, Some(&omar.access), &json!({"refreshToken": omar.refresh})).await;
    assert_eq!(out.status, 200, "{}", out.body);
    let omar = Pair::of(&system.try_login(&client, "omar@example.com", PASSWORD).await);
    assert_eq!(client.send(with("DELETE", "sessions", &omar.access)).await.status, 200);
    mail(&system, "omar@example.com").await;
    // The relay works when nobody waits for it: what it reads last is a profile.
    let is_last = |call: &Call| call.caller == "relayfunction" && call.body["TableName"] == "IdentityTable";
    let relayed = async {
        while !proxy.seen().iter().any(is_last) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), relayed)
        .await
        .expect("the relay was not called");
    proxy.seen()
}

/// What a user does who has a second factor.
async fn the_life_of_a_user_with_an_app() -> Vec<Call> {
    let (proxy, system) = watched(|options| {
        with_mail(options);
        for (name, value) in
            [("MfaPolicy", "optional"), ("MaxSessionsPerUser", "1"), ("LoginMaxAttempts", "100")]
        {
            options.parameters.insert(name.to_owned(), value.to_owned());
        }
    })
    .await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let app = App::enrol(&system, &client, &pair.access).await;
    let challenge = system.try_login(&client, &sara.email, PASSWORD).await.text("/data/challenge/token");
    let second = system.auth("login/factor");
    let wrong = json!({"token": challenge, "code": "000000"});
    // So many that the user is told.
    for _ in 0..20 {
        client.post(&second, &wrong).await.expect(401, "MFA_CODE_INVALID");
    }
    let right = json!({"token": challenge, "code": app.next_code()});
    let pair = Pair::of(&client.post(&second, &right).await);
    let with =
        |method: &str, path: &str| client.request(method, &system.auth(path)).bearer_auth(&pair.access);
    let wrong = with("POST", "step-up").json(&json!({"password": "Wr0ng-enough!"}));
    client.send(wrong).await.expect(400, "CURRENT_PASSWORD_INVALID");
    client.send(with("POST", "step-up").json(&json!({"password": PASSWORD}))).await.expect_status(200);
    let code = json!({"recoveryCode": app.recovery_codes[0]});
    client.send(with("POST", "step-up").json(&code)).await.expect_status(200);
    assert_eq!(client.send(with("GET", "factors")).await.body["data"]["recoveryCodesLeft"], 9);
    client.send(with("POST", "factors/recovery")).await.expect_status(200);
    client.send(with("DELETE", &format!("factors/{}", app.id))).await.expect_status(200);
    proxy.seen()
}

/// What a user does who has a passkey.
async fn the_life_of_a_user_with_a_passkey() -> Vec<Call> {
    let (proxy, system) = watched(|options| {
        with_mail(options);
        with_passkeys(options);
        options.parameters.insert("MaxSessionsPerUser".to_owned(), "1".to_owned());
    })
    .await;
    let (sara, client, mut phone) = (system.user("sara").await, Client::at(2), Phone::new(1));
    let mut pair = system.login(&client, &sara).await;
    let ask = async |pair: &Pair, path: &str, body: &Value| {
        let request = client.request("POST", &system.auth(path)).bearer_auth(&pair.access).json(body);
        let answer = client.send(request).await;
        answer.expect_status(200);
        answer
    };
    let options = ask(&pair, "factors/passkeys/options", &json!({})).await.body["data"].take();
    ask(&pair, "factors/passkeys", &json!({"passkey": phone.make(&options)})).await;
    let token = system.try_login(&client, &sara.email, PASSWORD).await.text("/data/challenge/token");
    let options = ask(&pair, "login/factor/options", &json!({"token": token})).await.body["data"].take();
    let second = json!({"token": token, "passkey": phone.show(&options)});
    pair = Pair::of(&ask(&pair, "login/factor", &second).await);
    let options = ask(&pair, "passkey/options", &json!({})).await.body["data"].take();
    pair = Pair::of(&ask(&pair, "passkey", &json!({"passkey": phone.show(&options)})).await);
    let options = ask(&pair, "step-up/options", &json!({})).await.body["data"].take();
    ask(&pair, "step-up", &json!({"passkey": phone.show(&options)})).await;
    let listed = client.get(&system.auth("factors"), Some(&pair.access)).await;
    let remove =
        client.request("DELETE", &system.auth(&format!("factors/{}", listed.text("/data/factors/0/id"))));
    client.send(remove.bearer_auth(&pair.access)).await.expect_status(200);
    proxy.seen()
}

/// What a user does who opens a WebSocket; and what a server asks about them.
async fn the_life_of_a_ticket() -> Vec<Call> {
    let (proxy, system) = watched(|options| {
        attached(options);
        options.parameters.insert("Introspection".to_owned(), "enabled".to_owned());
    })
    .await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let ask = client.request("POST", &system.auth("tickets")).bearer_auth(&pair.access);
    let ticket = client.send(ask.json(&json!({"api": "ChatApi"}))).await.text("/data/ticket");
    let _socket: Socket = connect(&system, Some(&format!("nova, nova.ticket.{ticket}"))).await.unwrap();
    let told = introspect(
        &system,
        &client,
        &json!({"token": pair.access, "api": "ChatApi", "call": "CONNECT $connect"}),
    )
    .await;
    assert_eq!(told.body["allowed"], true, "{told:?}");
    // The sample works in a table of its own.
    proxy.seen().into_iter().filter(|call| call.caller != "chatfunction").collect()
}

/// The sample's own functions, which other teams take as they are: what they do with their table, and what they may.
#[tokio::test]
async fn the_websocket_sample_may_do_what_it_does_and_nothing_else() {
    let (proxy, system) = watched(listening).await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let mut socket = connect(&system, Some(&format!("nova, nova.bearer.{}", pair.access))).await.unwrap();
    dropped(&mut socket).await;
    let mut socket = connect(&system, Some(&format!("nova, nova.bearer.{}", pair.access))).await.unwrap();
    system.logout(&client, Some(&pair.access), &json!({})).await;
    ends(&mut socket, "a logout").await;
    drop(socket);
    let text = std::fs::read_to_string(workspace().join("tests/consumer/websocket/template.yaml")).unwrap();
    let template = nova_template::as_written(&text).unwrap();
    let own = &template["Resources"]["ChatFunction"]["Properties"]["Policies"][0];
    let ended = &template["Resources"]["EndedRole"]["Properties"]["Policies"][0]["PolicyDocument"];
    for (function, policy) in [("ChatFunction", own), ("EndedFunction", ended)] {
        let statements = policy["Statement"].as_array().unwrap().iter();
        let actions = statements.flat_map(|statement| statement["Action"].as_array().into_iter().flatten());
        let allowed: BTreeSet<String> = actions
            .filter_map(|action| Some(action.as_str().unwrap().strip_prefix("dynamodb:")?.to_owned()))
            .collect();
        let done = async {
            loop {
                let calls = proxy.seen().into_iter().filter(|call| call.caller == function.to_lowercase());
                let done: BTreeSet<String> = calls.map(|call| call.operation).collect();
                assert!(done.is_subset(&allowed), "{function} does {done:?}, and may {allowed:?}");
                // The last of it is done after the connection has ended.
                if done == allowed {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        let done = tokio::time::timeout(std::time::Duration::from_secs(60), done).await;
        assert!(done.is_ok(), "{function} may do what it never does: {allowed:?}");
    }
}
