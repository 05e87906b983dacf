//! Whose tokens are taken beside the stack's own, and until when there are any.

use jiff::{SignedDuration, Timestamp, fmt::strtime};
use serde_json::Value;

use super::checklist::ISSUER;
use super::deployed::Deployed;
use super::finding::Finding;
use crate::place::call::{Calls, Service};

/// The functions that issue tokens in every stack. An update of the issuer updates both.
const ISSUING: [&str; 2] = ["LoginFunction", "RefreshFunction"];

/// Looks at the second issuer of a stack, if it has one.
pub(super) async fn look(calls: &Calls, stack: &Deployed, now: Timestamp) -> Finding {
    let parameter = |name: &str| stack.parameters.get(name).map(String::as_str).unwrap_or_default();
    let (own, also) = (parameter("TokenIssuer"), parameter("TokenIssuerAlso"));
    if also.is_empty() {
        return Finding::pass(ISSUER, format!("only tokens of {own} are accepted"));
    }
    let mut changed = Vec::new();
    for logical in ISSUING {
        let Some(physical) = stack.physical(logical) else { continue };
        let path = format!("/2015-03-31/functions/{physical}/configuration");
        match calls.get(Service::Lambda, &path).await {
            Ok(function) => changed.extend(last_change(&function)),
            Err(failed) => return Finding::unseen(ISSUER, &failed, "lambda:GetFunctionConfiguration"),
        }
    }
    let life = parameter("RefreshTokenSeconds").parse().map(SignedDuration::from_secs);
    match (changed.into_iter().max(), life) {
        (Some(changed), Ok(life)) => judged(also, changed + life, now),
        _ => Finding::unknown(ISSUER, format!("tokens of {also} are accepted, too"), "look again"),
    }
}

/// When a function was last changed: `2026-11-29T15:00:00.000+0000`.
fn last_change(configuration: &Value) -> Option<Timestamp> {
    let text = configuration.get("LastModified")?.as_str()?;
    strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).ok()?.to_timestamp().ok()
}

fn judged(also: &str, last: Timestamp, now: Timestamp) -> Finding {
    let day = last.strftime("%Y-%m-%d %H:%M UTC");
    if now < last {
        let until = format!(
            "tokens of {also} are accepted, too; if it is the former issuer, its last token expires by {day}"
        );
        return Finding::pass(ISSUER, until);
    }
    Finding::fail(
        ISSUER,
        format!(
            "tokens of {also} are still accepted; if it is the former issuer, its last token expired by {day}"
        ),
        "deploy with TokenIssuerAlso= (or go on to step 2 of docs/deploy.md, \"Changing the issuer\")",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Outcome;
    use super::*;

    #[test]
    fn the_former_issuer_is_taken_until_its_last_refresh_token_is_over_and_then_it_is_told() {
        let changed = last_change(&json!({"LastModified": "2026-11-29T15:00:00.000+0000"})).unwrap();
        assert_eq!(changed.to_string(), "2026-11-29T15:00:00Z");
        let last = changed + SignedDuration::from_hours(7 * 24);
        let before = judged("nova-crm", last, last - SignedDuration::from_secs(1));
        assert_eq!(before.outcome, Outcome::Pass);
        assert!(format!("{before:?}").contains("2026-12-06 15:00 UTC"), "{before:?}");
        assert_eq!(judged("nova-crm", last, last).outcome, Outcome::Fail);
    }

    #[test]
    fn a_time_that_is_none_is_no_time() {
        for configuration in [json!({}), json!({"LastModified": "yesterday"}), json!({"LastModified": 1})] {
            assert_eq!(last_change(&configuration), None);
        }
    }
}
