//! APIs of another team that attach the authorizer without SAM: in plain CloudFormation, and with the AWS CDK, whose template
//! tests/consumer/cdk/run compares with what the CDK makes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures_util::{SinkExt as _, StreamExt as _};
use nova_template::{AuthorizerKind, GatewayResponse, Identity, Template};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::binaries;
use crate::support::client::Client;
use crate::support::program::{command, run};
use crate::support::stack::System;
use crate::support::written::Written;

const PLAIN: &str = "tests/consumer/cloudformation/template.yaml";
const CDK: &str = "tests/consumer/cdk/template.json";

fn sample(path: &str) -> PathBuf {
    binaries::workspace().join(path)
}

async fn attached(path: &str) -> System {
    System::start_with(|options| options.attach.push(sample(path))).await
}

/// The API whose name begins so: the CDK puts a hash behind it.
fn url(system: &System, api: &str, path: &str) -> String {
    let found = system.stack.apis().find(|(name, _)| name.starts_with(api));
    format!("{}{path}", found.unwrap().1)
}

/// Whoever is let in by a REST API of SAM's is let in, and is told the same.
async fn a_rest_api_decides(system: &System, api: &str) {
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let (live, over) = (system.login(&client, &sara).await, system.login(&client, &sara).await);
    let whoami = url(system, api, "/whoami");
    let answer = client.get(&whoami, Some(&live.access)).await;
    assert_eq!((answer.status, answer.text("/data/userId")), (200, sara.id.clone()), "{}", answer.body);
    let refused = client.get(&whoami, None).await;
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    refused.expect(401, "UNAUTHORIZED");
    client.get(&whoami, Some("x.y.z")).await.expect(401, "UNAUTHORIZED");
    client.get(&url(system, api, "/nowhere"), Some(&live.access)).await.expect(404, "NOT_FOUND");
    assert_eq!(client.get(&whoami, Some(&over.access)).await.status, 200);
    assert_eq!(system.logout(&client, Some(&over.access), &json!({})).await.status, 200);
    // Nothing was kept of the answer before.
    client.get(&whoami, Some(&over.access)).await.expect(401, "UNAUTHORIZED");
    let name = system.stack.apis().find(|(name, _)| name.starts_with(api)).unwrap().0.to_owned();
    let rules = "- route: GET /whoami\n- route: GET /notes\n  permission: notes:read\n- route: POST /notes\n  fresh: 10m\n  mfa: required\n";
    system.store_rules(&name, rules).await;
    let denied = client.get(&url(system, api, "/notes"), Some(&live.access)).await;
    denied.expect(403, "FORBIDDEN_PERMISSION");
    let request =
        client.request("POST", &url(system, api, "/notes")).bearer_auth(&live.access).json(&json!({}));
    let step_up = client.send(request).await;
    assert!(step_up.header("www-authenticate").contains("insufficient_user_authentication"), "{step_up:?}");
    step_up.expect(403, "STEP_UP_REQUIRED");
}

async fn an_http_api_decides(system: &System, api: &str) {
    let (omar, client) = (system.user("omar").await, Client::at(3));
    let (live, over) = (system.login(&client, &omar).await, system.login(&client, &omar).await);
    let whoami = url(system, api, "/whoami");
    let said = |message: &str| json!({ "message": message });
    let answer = client.get(&whoami, Some(&live.access)).await;
    assert_eq!((answer.status, answer.text("/data/userId")), (200, omar.id.clone()), "{}", answer.body);
    for token in [None, Some("x.y.z")] {
        let answer = client.get(&whoami, token).await;
        assert_eq!((answer.status, answer.body), (401, said("Unauthorized")));
    }
    assert_eq!(client.get(&whoami, Some(&over.access)).await.status, 200);
    assert_eq!(system.logout(&client, Some(&over.access), &json!({})).await.status, 200);
    assert_eq!(client.get(&whoami, Some(&over.access)).await.status, 401);
    assert_eq!(client.get(&url(system, api, "/health"), None).await.status, 200);
    let name = system.stack.apis().find(|(name, _)| name.starts_with(api)).unwrap().0.to_owned();
    system.store_rules(&name, "- route: GET /whoami\n").await;
    let answer = client.get(&url(system, api, "/notes"), Some(&live.access)).await;
    assert_eq!((answer.status, answer.body), (403, said("Forbidden")));
}

#[tokio::test]
async fn plain_cloudformation_lets_in_whoever_sam_would_and_nobody_else() {
    let system = attached(PLAIN).await;
    a_rest_api_decides(&system, "PlainRestApi").await;
    an_http_api_decides(&system, "PlainHttpApi").await;
}

#[tokio::test]
async fn the_cdk_lets_in_whoever_sam_would_and_nobody_else() {
    let system = attached(CDK).await;
    a_rest_api_decides(&system, "RestNotes").await;
    an_http_api_decides(&system, "HttpNotes").await;
    a_websocket_api_decides(&system, "Chat").await;
}

async fn a_websocket_api_decides(system: &System, api: &str) {
    let (layla, client) = (system.user("layla").await, Client::at(4));
    let pair = system.login(&client, &layla).await;
    let connect = async |protocols: Option<String>| {
        let mut request = url(system, api, "").into_client_request().unwrap();
        if let Some(protocols) = protocols {
            request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    };
    let with = |token: &str| Some(format!("nova, nova.bearer.{token}"));
    assert_eq!(connect(None).await.err(), Some(401));
    assert_eq!(connect(with("x.y.z")).await.err(), Some(401));
    let mut socket = connect(with(&pair.access)).await.unwrap();
    socket.send(Message::text(json!({"action": "whoami"}).to_string())).await.unwrap();
    let said = socket.next().await.unwrap().unwrap();
    let said: Value = serde_json::from_str(said.to_text().unwrap()).unwrap();
    assert!(said.to_string().contains(&layla.id), "{said}");
}

#[tokio::test]
async fn the_rules_of_the_samples_fit_their_templates() {
    for path in [PLAIN, CDK] {
        let (rules, template) = (sample(path).with_file_name("rules.yaml"), sample(path));
        let (rules, template) = (rules.display().to_string(), template.display().to_string());
        let checked =
            run(command("nova", &["rules", "check", "--file", &rules, "--template", &template]), "").await;
        assert!(checked.success && !checked.stdout.contains("it is denied to everybody"), "{checked:?}");
    }
}

/// Whoever attaches the authorizer wrongly hears it before anything is deployed.
#[tokio::test]
async fn a_wrong_attachment_in_plain_cloudformation_is_told() {
    let text = std::fs::read_to_string(sample(PLAIN)).unwrap();
    let rules = sample(PLAIN).with_file_name("rules.yaml").display().to_string();
    let source = "IdentitySource: method.request.header.Authorization\n";
    let kept = "      AuthorizerResultTtlInSeconds: 60\n";
    let never = "      AuthorizerResultTtlInSeconds: 0\n";
    for (name, from, to, said) in [
        ("others", source, "IdentitySource: method.request.header.X-Tenant\n", "served to other users"),
        (
            "nobody",
            source,
            "Description: nobody\n",
            "without identity sources needs AuthorizerResultTtlInSeconds: 0",
        ),
        (
            "open",
            "AuthorizationType: CUSTOM",
            "AuthorizationType: NONE",
            "has no authorizer, so anybody may call it",
        ),
        ("uncalled", "AuthorizerCredentials: ", "Comment: ", "it could not be called"),
    ] {
        assert!(text.contains(from) && text.contains(never));
        let changed = text.replacen(from, to, 1).replacen(never, kept, 1);
        let template = Written::new("template.yaml", &changed);
        let arguments = ["rules", "check", "--file", &rules, "--template", template.to_str().unwrap()];
        let checked = run(command("nova", &arguments), "").await;
        assert!(!checked.success, "{name}: {checked:?}");
        assert!(format!("{}{}", checked.stdout, checked.stderr).contains(said), "{name}: {checked:?}");
    }
}

fn responses(path: &str, api: &str, language: &str) -> BTreeMap<String, GatewayResponse> {
    let known = Template::parameters(&sample(path)).unwrap();
    let parameters = [("Language", language)].into_iter().filter(|(name, _)| known.contains(*name));
    let template = Template::load_alone_with(&sample(path), parameters).unwrap();
    let mut apis = template.apis.into_iter();
    apis.find(|one| one.logical_id.starts_with(api)).unwrap().responses
}

/// Two lists of words drift apart: the CDK's are SAM's, to the letter.
#[test]
fn a_front_end_reads_the_same_refusals_from_an_api_of_the_cdk() {
    let sam = responses("tests/consumer/template.yaml", "NotesApi", "ar");
    assert!(sam.len() > 5);
    assert_eq!(responses(CDK, "RestNotes", "ar"), sam);
}

/// English is nowhere synthesised: the package's own words are looked for.
#[test]
fn the_package_has_the_samples_words_in_english_too() {
    let words = std::fs::read_to_string(sample("clients/cdk/responses.ts")).unwrap();
    for (kind, response) in responses("tests/consumer/template.yaml", "NotesApi", "en") {
        let body: Value = serde_json::from_str(&response.body.unwrap()).unwrap();
        let message = body["message"].as_str().unwrap();
        assert!(words.contains(message), "{kind}: {message}");
    }
}

/// Each is asked about every call, with the token, by a role.
#[test]
fn what_the_package_attaches_keeps_nothing() {
    let template = Template::load_alone(&sample(CDK)).unwrap();
    assert_eq!(template.apis.len(), 3);
    for api in template.apis {
        assert_eq!(api.authorizers.len(), 1, "{}", api.logical_id);
        for (name, authorizer) in api.authorizers {
            assert_eq!(authorizer.ttl_seconds, 0, "{name}");
            let AuthorizerKind::Request(sources) = authorizer.kind else {
                panic!("{name} is asked with the token alone")
            };
            assert!(matches!(sources.as_slice(), [Identity::Header(_)]), "{name}: {sources:?}");
        }
    }
    // A permission on a function of another account or stack is what the invoke role is there instead of.
    let text = std::fs::read_to_string(sample(CDK)).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    for (name, resource) in document["Resources"].as_object().unwrap() {
        let is_permission =
            ["AWS::Lambda::Permission", "AWS::IAM::Policy"].contains(&resource["Type"].as_str().unwrap());
        assert!(!is_permission || !resource.to_string().contains("ImportValue"), "{name}");
    }
}
