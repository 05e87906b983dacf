//! A WebSocket API from a page of a browser, as docs/attach.md says.

use serde_json::{Value, json};

use crate::support::binaries;
use crate::support::chromium::Chromium;
use crate::support::stack::System;

async fn system() -> System {
    System::start_with(|options| {
        options.page = true;
        options.attach.push(binaries::workspace().join("tests/consumer/websocket/template.yaml"));
    })
    .await
}

/// What docs/attach.md has a person type into the console.
fn step() -> String {
    let readme = std::fs::read_to_string(binaries::workspace().join("docs/attach.md")).unwrap();
    let blocks = readme.split("```js\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.into_iter().find(|block| block.contains("new WebSocket")).unwrap().to_owned()
}

#[tokio::test]
async fn the_websocket_of_the_readme_opens_in_the_console_of_the_page() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    let sara = system.user("sara").await;
    chromium.load(system.stack.url()).await;
    chromium.see("#sign-in").await;
    let answer = chromium
        .run(&format!(
            "return (async () => {{
                 const logged = new Promise((resolve) => {{ console.log = resolve; }});
                 {}
                 return logged;
             }})();",
            step()
        ))
        .await;
    let answer: Value = serde_json::from_str(answer.as_str().unwrap()).unwrap();
    assert_eq!(answer["data"]["userId"], sara.id, "{answer}");
    chromium.assert_quiet(&[]).await;
    chromium.close().await;
}

/// The page's own origin is all that a script on it talks to. Beneath it, an API gets no cookie of the page.
#[tokio::test]
async fn no_script_of_the_page_opens_a_websocket_on_another_port() {
    let Some(chromium) = Chromium::start().await else { return };
    let system = system().await;
    chromium.load(system.stack.url()).await;
    chromium.see("#sign-in").await;
    let api = system.stack.api("ChatApi").unwrap();
    let refused = chromium
        .run(&format!(
            "return new Promise((resolve) => {{
                 addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
                 new WebSocket('{api}', ['nova']).onopen = () => resolve('open');
             }});"
        ))
        .await;
    assert_eq!(refused, json!("connect-src"));
    chromium.close().await;
}
