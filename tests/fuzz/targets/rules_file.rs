//! Bytes as a rules file: read or refused with lines that exist, and what is read and fit to be cached answers from the
//! cache as it answers afresh.
//!
//! The input's first line is the path that is asked for; the rest is the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_auth_domain::{
    policy::MethodArn,
    rules::{Asking, Caching, Rules, file},
    user::Profile,
};

fuzz_target!(|input: &str| {
    let (path, text) = input.split_once('\n').unwrap_or(("", input));
    let rules = match file::read(text) {
        Ok(rules) => rules,
        Err(faults) => {
            assert!(!faults.is_empty(), "refused, and nobody knows why");
            // To YAML a carriage return by itself ends a line, too.
            let lines = text.replace("\r\n", "\n").split(['\n', '\r']).count();
            for fault in &faults {
                assert!(fault.line <= lines + 1, "line {} of {lines}", fault.line);
                let _ = fault.to_string();
            }
            return;
        }
    };
    let stored_as_it_is = |rules: &Rules| {
        let stored: Rules = serde_json::from_str(&serde_json::to_string(rules).unwrap()).unwrap();
        assert_eq!(stored, *rules, "what is stored is what was read");
    };
    stored_as_it_is(&Rules { rules: rules.clone(), caching: Caching::Never });
    let cached = Rules { rules, caching: Caching::Allowed };
    if !cached.unfit().is_empty() {
        return;
    }
    stored_as_it_is(&cached);
    let users = [user("user"), user("admin")];
    for who in [None, Some(&users[0]), Some(&users[1])] {
        let asking = Asking { user: who, address: None, shown: None };
        let arn = |path: &str| format!("arn:aws:execute-api:us-east-1:123456789012:a1b2c3/v1/GET{path}");
        let (plain, other) = (arn("/"), arn(path));
        let (Some(first), Some(second)) = (MethodArn::parse(&plain), MethodArn::parse(&other)) else {
            continue;
        };
        if !path.starts_with('/') {
            continue;
        }
        // Whichever comes first, its answer is kept for the other one.
        for (asked, later) in [(first, second), (second, first), (second, second)] {
            let (_, kept) = cached.answer(asked, None, asking);
            let fresh = cached.decide("GET", Some("/{id}"), later.path, asking).is_allowed();
            assert_eq!(kept.allows(later.text), fresh, "the cache says otherwise");
        }
    }
});

fn user(role: &str) -> Profile {
    serde_json::from_value(serde_json::json!({
        "userId": "0190163d-8694-739b-aea5-966c26f8ad90", "email": "a@example.com", "name": "A", "role": role,
        "status": "active", "permissions": ["notes:read"], "epoch": 1, "createdAt": "2026-01-01T00:00:00Z",
        "passwordChangedAt": "2026-01-01T00:00:00Z",
    }))
    .unwrap()
}
