//! Lines as the headers of a request by cookie: nothing is refreshed and nobody logged in without the whole proof.
//!
//! `SESSION_COOKIE`, `SESSION_PROOF`, `BROWSER_COOKIE` and `BROWSER_PROOF` in the input stand for good ones, which no fuzzer
//! could make. What passes is asked for again with a part of the proof that is another browser's, sent twice or gone, and
//! from a page of another site: each of these has to be refused.

#![no_main]

use std::{collections::BTreeMap, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use nova_auth::{
    app::AuthService,
    config::EdgeConfig,
    domain::{email::Email, password::Password},
    flows::{
        FlowError,
        csrf::{Carrier, offer},
        login::{LoginAttempt, login},
        refresh::{RefreshAttempt, refresh},
    },
    http::{Request, read},
};
use nova_auth_fuzz::{Browser, Tokens, config, moment, run};
use serde_json::json;

struct World {
    edge: EdgeConfig,
    service: AuthService,
    own: Browser,
    other: Browser,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let config = config(&[("ALLOWED_ORIGINS", "https://app.example.com")]);
    let service = nova_auth_fuzz::service(&Tokens::new(), &config);
    let own = Browser::with_session(&service, "0190163d-8694-739b-aea5-966c26f8ad91");
    let other = Browser::with_session(&service, "0190163d-8694-739b-aea5-966c26f8ad92");
    let world = World { edge: config.edge().unwrap(), service, own, other };
    // What follows proves something only if the whole proof does pass.
    for good in
        [include_str!("../seeds/cookies/refresh"), include_str!("../seeds/cookies/refresh-from-a-front-end")]
    {
        assert!(world.refreshes(&world.filled(good)), "a good refresh is refused");
    }
    for good in
        [include_str!("../seeds/cookies/login"), include_str!("../seeds/cookies/login-with-a-session")]
    {
        assert!(world.logs_in(&world.filled(good)), "a good login is refused");
    }
    world
});

fuzz_target!(|lines: &str| {
    let world = &*WORLD;
    let request = world.filled(lines);
    world.assert_offers_no_cookie_of_others(&request);
    if world.refreshes(&request) {
        for (what, spoiled) in world.spoiled(lines) {
            assert!(!world.refreshes(&spoiled), "refreshed with {what}");
        }
        let twice = format!("{request}\ncookie: __Host-nova-refresh=x");
        assert!(!world.refreshes(&twice), "refreshed with two cookies");
    }
    if world.logs_in(&request) {
        for (what, spoiled) in world.spoiled(lines) {
            assert!(!world.logs_in(&spoiled), "logged in with {what}");
        }
    }
});

impl World {
    /// The request with all that its own browser holds.
    fn filled(&self, lines: &str) -> String {
        fill(lines, &self.own)
    }

    /// The request with its proof spoiled, in every way.
    fn spoiled(&self, lines: &str) -> Vec<(&'static str, String)> {
        let (own, other) = (self.own.clone(), self.other.clone());
        let proofs_of_other = Browser {
            session_proof: other.session_proof.clone(),
            browser_proof: other.browser_proof.clone(),
            ..own.clone()
        };
        let cookies_of_other =
            Browser { session_proof: own.session_proof, browser_proof: own.browser_proof, ..other };
        let request = self.filled(lines);
        let mut all = vec![
            ("the proofs of another browser", fill(lines, &proofs_of_other)),
            ("the cookies of another browser", fill(lines, &cookies_of_other)),
            ("two proofs", format!("{request}\nx-csrf-token: x")),
        ];
        // There it would be a page of its own.
        if !lines.contains("evil.example") {
            all.push(("a page of another site", format!("{request}\norigin: https://evil.example")));
        }
        all
    }

    fn read(&self, lines: &str) -> Request {
        let mut headers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in lines.lines().filter_map(|line| line.split_once(':')) {
            headers.entry(name.trim()).or_default().push(value.trim());
        }
        let event = json!({ "httpMethod": "POST", "multiValueHeaders": headers });
        read(&event.to_string(), moment(), &self.edge)
    }

    /// Whether a refresh gets past its checks.
    fn refreshes(&self, lines: &str) -> bool {
        let request = self.read(lines);
        let Ok(Some((token, carrier @ Carrier::Cookie(_)))) = request.refresh_token(None) else {
            return false;
        };
        let device = request.caller.device.clone();
        let attempt = RefreshAttempt { token, carrier, fingerprint: None, device };
        passes(&run(refresh(&self.service, &request.moment, &attempt)))
    }

    /// Whether a login by cookie gets past its checks.
    fn logs_in(&self, lines: &str) -> bool {
        let request = self.read(lines);
        let attempt = LoginAttempt {
            email: Email::parse("amal@example.com").unwrap(),
            password: Password::new("Correct-horse-9!".to_owned()),
            caller: request.caller.clone(),
            claimed: None,
            fingerprint: None,
            carrier: Carrier::Cookie(request.proof()),
            known: None,
        };
        passes(&run(login(&self.service, &request.moment, &attempt)))
    }

    /// A cookie that a request brings along is kept only if it is ours: no other site fixes what a browser proves itself with.
    fn assert_offers_no_cookie_of_others(&self, lines: &str) {
        let request = self.read(lines);
        let (session, browser) = (request.refresh_cookie().ok().flatten(), request.csrf_cookie());
        let offered = run(offer(&self.service.refresh, &request.moment, session.as_ref(), browser.as_ref()));
        let kept = offered.unwrap().anonymous;
        if browser.is_some_and(|sent| sent.expose() == kept.expose()) {
            assert_eq!(kept.expose(), self.own.browser_cookie, "a cookie is kept that is not ours");
        }
    }
}

/// Storage takes no write, so that what passes ends with its error.
fn passes<T>(outcome: &Result<T, FlowError>) -> bool {
    match outcome {
        Err(FlowError::Refused(_)) => false,
        Err(FlowError::Store(_)) => true,
        Err(other) => panic!("neither refused nor passed: {other}"),
        Ok(_) => panic!("a session without a row"),
    }
}

fn fill(lines: &str, browser: &Browser) -> String {
    lines
        .replace("SESSION_COOKIE", &browser.session_cookie)
        .replace("SESSION_PROOF", &browser.session_proof)
        .replace("BROWSER_COOKIE", &browser.browser_cookie)
        .replace("BROWSER_PROOF", &browser.browser_proof)
}
