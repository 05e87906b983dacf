//! The rings: whether they can be used, and go on being renewed.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use jiff::Timestamp;
use nova_auth::app::start_time;
use nova_auth::keys::{KeyDocument, Ring, TokenKind, VersionedSecret};
use secrecy::ExposeSecret as _;

use super::finding::Finding;
use super::tables::unknown;

/// How long after its day a rotation may still be late: Secrets Manager has a day's window, and tries again.
const LATE: jiff::SignedDuration = jiff::SignedDuration::from_hours(48);

/// A secret, and what should rotate it.
pub(super) struct Keys<'a> {
    pub(super) client: &'a Client,
    pub(super) id: &'a str,
    pub(super) kind: TokenKind,
    /// The ARN of the stack's `rotate-keys`, where it is known.
    pub(super) rotator: Option<String>,
    pub(super) is_local: bool,
}

const fn checks(kind: TokenKind) -> [&'static str; 2] {
    match kind {
        TokenKind::Access => ["access-keys", "access-keys.rotation"],
        TokenKind::Refresh => ["refresh-keys", "refresh-keys.rotation"],
        TokenKind::Link => ["link-keys", "link-keys.rotation"],
        TokenKind::Factor => ["factor-keys", "factor-keys.rotation"],
    }
}

/// The checks of a ring that a system does not have.
pub(super) fn not_there(kind: TokenKind, made_by: &str) -> [Finding; 2] {
    checks(kind).map(|check| Finding::not_here(check, &format!("only a stack with {made_by} has this ring")))
}

impl Keys<'_> {
    /// Looks at the ring, and at its rotation.
    pub(super) async fn look(&self) -> Vec<Finding> {
        let [ring, rotation] = checks(self.kind);
        vec![self.ring(ring).await, self.rotation(rotation).await]
    }

    async fn ring(&self, check: &'static str) -> Finding {
        match self.read().await {
            Ok(ring) => {
                let now = start_time();
                let Some(signer) = ring.signer(now) else {
                    return Finding::fail(check, "no key may sign now", "nova keys rotate; docs/runbook.md");
                };
                let others = ring.keys().count().saturating_sub(1);
                let algorithm = signer.algorithm.name();
                Finding::pass(check, format!("{} ({algorithm}) signs, {others} more in the ring", signer.kid))
            }
            Err(Unread::Broken(problem)) => Finding::fail(
                check,
                problem,
                "docs/runbook.md, \"A secret is spoilt\": running functions keep the good ring for 45 minutes",
            ),
            Err(Unread::Unknown(problem)) => Finding::unknown(
                check,
                problem,
                "allow secretsmanager:DescribeSecret and GetSecretValue to these credentials",
            ),
        }
    }

    async fn read(&self) -> Result<Ring, Unread> {
        let secret = VersionedSecret::new(self.client.clone(), self.id.to_owned());
        let versions = secret.versions().await.map_err(|error| Unread::Unknown(error.to_string()))?;
        let current = versions.current().ok_or(Unread::Broken("no version is in force".to_owned()))?;
        let value = secret.value(current).await.map_err(|error| Unread::Unknown(error.to_string()))?;
        let value = value.ok_or(Unread::Broken("the version in force has no value".to_owned()))?;
        KeyDocument::parse(value.expose_secret(), self.kind)
            .and_then(|document| document.ring())
            .map_err(|bad| Unread::Broken(bad.to_string()))
    }

    async fn rotation(&self, check: &'static str) -> Finding {
        if self.kind == TokenKind::Factor {
            return Finding::not_here(
                check,
                "no schedule rotates them: what they seal lives as long as its factor; `nova keys rotate factor` adds one",
            );
        }
        if self.is_local {
            return Finding::not_here(check, "no schedule runs on this machine");
        }
        match self.client.describe_secret().secret_id(self.id).send().await {
            Ok(secret) => self.judge(check, &secret, start_time()),
            Err(error) => unknown(check, "secretsmanager:DescribeSecret", &error),
        }
    }

    fn judge(&self, check: &'static str, secret: &DescribeSecretOutput, now: Timestamp) -> Finding {
        if secret.deleted_date().is_some() {
            let undo = format!("aws secretsmanager restore-secret --secret-id {}", self.id);
            return Finding::fail(check, "the secret is scheduled for deletion", undo);
        }
        if secret.rotation_enabled() != Some(true) {
            return Finding::fail(
                check,
                "nothing rotates these keys",
                "deploy again, or aws secretsmanager rotate-secret with --rotation-lambda-arn and --rotation-rules, and \
                 --no-rotate-immediately",
            );
        }
        if let (Some(wanted), Some(by)) = (&self.rotator, secret.rotation_lambda_arn())
            && by != wanted
        {
            return Finding::fail(check, format!("another function rotates them: {by}"), "deploy again");
        }
        let stages = secret.version_ids_to_stages().into_iter().flatten();
        let pending = stages.filter(|(_, stages)| {
            stages.iter().any(|stage| stage == "AWSPENDING")
                && stages.iter().all(|stage| stage != "AWSCURRENT")
        });
        if pending.count() > 0 {
            return Finding::fail(
                check,
                "a rotation is under way",
                "run this again in a minute; if it stays, see the log of rotate-keys, and docs/runbook.md, \
                 \"RotationFailed\"",
            );
        }
        when(check, secret, now)
    }
}

/// When the keys were rotated, and when they will be.
fn when(check: &'static str, secret: &DescribeSecretOutput, now: Timestamp) -> Finding {
    let time = |time: Option<&aws_sdk_secretsmanager::primitives::DateTime>| {
        time.and_then(|time| Timestamp::from_second(time.secs()).ok())
    };
    match time(secret.next_rotation_date()) {
        Some(next) if next + LATE < now => Finding::fail(
            check,
            format!("the rotation due {next} did not happen"),
            "the log of rotate-keys says why; nova keys rotate",
        ),
        next => {
            let last = time(secret.last_rotated_date());
            let last = last.map_or_else(|| "never yet".to_owned(), |time| format!("last at {time}"));
            let next = next.map_or_else(String::new, |time| format!(", next by {time}"));
            Finding::pass(check, format!("{last}{next}"))
        }
    }
}

enum Unread {
    Broken(String),
    Unknown(String),
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::config::{BehaviorVersion, Config};
    use aws_sdk_secretsmanager::primitives::DateTime;

    use super::super::finding::Outcome;
    use super::*;

    const NOW: i64 = 1_790_000_000;

    fn judged(secret: DescribeSecretOutput) -> Outcome {
        let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
        let client = Client::from_conf(config);
        let rotator = Some("arn:aws:lambda:eu-central-1:1:function:rotate".to_owned());
        let keys = Keys { client: &client, id: "access", kind: TokenKind::Access, rotator, is_local: false };
        keys.judge("access-keys.rotation", &secret, Timestamp::from_second(NOW).unwrap()).outcome
    }

    #[test]
    fn a_rotation_that_is_off_stuck_late_or_somebody_elses_is_told() {
        let on = || {
            DescribeSecretOutput::builder()
                .rotation_enabled(true)
                .rotation_lambda_arn("arn:aws:lambda:eu-central-1:1:function:rotate")
                .next_rotation_date(DateTime::from_secs(NOW + 60))
                .version_ids_to_stages("a", vec!["AWSCURRENT".to_owned(), "AWSPENDING".to_owned()])
        };
        assert_eq!(judged(on().build()), Outcome::Pass);
        assert_eq!(judged(on().rotation_enabled(false).build()), Outcome::Fail);
        assert_eq!(
            judged(on().rotation_lambda_arn("arn:aws:lambda:eu-central-1:1:function:other").build()),
            Outcome::Fail
        );
        assert_eq!(
            judged(on().version_ids_to_stages("b", vec!["AWSPENDING".to_owned()]).build()),
            Outcome::Fail
        );
        assert_eq!(
            judged(on().next_rotation_date(DateTime::from_secs(NOW - 3 * 86_400)).build()),
            Outcome::Fail
        );
        assert_eq!(judged(on().deleted_date(DateTime::from_secs(NOW)).build()), Outcome::Fail);
    }
}
