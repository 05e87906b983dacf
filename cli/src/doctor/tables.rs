//! The tables: whether they are as the template makes them, and still are.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    BillingMode, KeyType, PointInTimeRecoveryStatus, SseStatus, TableDescription, TableStatus,
    TimeToLiveStatus,
};
use nova_auth::aws::{Code, Meaning};

use super::finding::Finding;

/// A table, and the names of its checks.
pub(super) struct Table<'a> {
    pub(super) client: &'a Client,
    pub(super) name: &'a str,
    pub(super) checks: Checks,
    /// A table of `nova local` has neither backups nor keys.
    pub(super) is_local: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Checks {
    table: &'static str,
    expiry: &'static str,
    encryption: &'static str,
    /// Those of a table that must not be lost.
    lasting: Option<[&'static str; 2]>,
}

pub(super) const IDENTITY: Checks = Checks {
    table: "identity-table",
    expiry: "identity-table.expiry",
    encryption: "identity-table.encryption",
    lasting: Some(["identity-table.recovery", "identity-table.protection"]),
};

pub(super) const SESSIONS: Checks = Checks {
    table: "sessions-table",
    expiry: "sessions-table.expiry",
    encryption: "sessions-table.encryption",
    lasting: None,
};

/// The attribute that the code writes the end of a row into.
const EXPIRES: &str = "expiresAt";

impl Table<'_> {
    /// Looks at all of it.
    pub(super) async fn look(&self) -> Vec<Finding> {
        let Checks { table, expiry, encryption, lasting } = self.checks;
        let described = self.client.describe_table().table_name(self.name).send().await;
        let description = match described {
            Ok(answer) => answer.table.unwrap_or_else(|| TableDescription::builder().build()),
            Err(error) => {
                let others = [expiry, encryption].into_iter().chain(lasting.into_iter().flatten());
                let missing = Code::of(&error).meaning() == Meaning::NotThere;
                let first = match missing {
                    true => Finding::fail(
                        table,
                        format!("there is no table {}", self.name),
                        "docs/runbook.md, \"Restoring the Identity table\" and \"The Sessions table is lost\"",
                    ),
                    false => unknown(table, "dynamodb:DescribeTable", &error),
                };
                let rest = others.map(|check| Finding::unknown(check, "the table was not seen", "see above"));
                return std::iter::once(first).chain(rest).collect();
            }
        };
        let mut findings = vec![self.shape(&description), self.expiry().await];
        if self.is_local {
            findings.push(Finding::not_here(encryption, "AWS encrypts its tables; `nova local` does not"));
            for check in lasting.into_iter().flatten() {
                findings.push(Finding::not_here(check, "this machine keeps the data"));
            }
            return findings;
        }
        findings.push(self.encryption(&description));
        if let Some([recovery, protection]) = lasting {
            findings.push(self.recovery(recovery).await);
            findings.push(self.protection(protection, &description));
        }
        findings
    }

    fn shape(&self, table: &TableDescription) -> Finding {
        let check = self.checks.table;
        let keys: Vec<_> =
            table.key_schema().iter().map(|key| (key.attribute_name(), key.key_type().clone())).collect();
        if keys != [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
            return Finding::fail(
                check,
                format!("{} is keyed otherwise", self.name),
                "is it the right table?",
            );
        }
        let on_demand = table.billing_mode_summary().and_then(|billing| billing.billing_mode())
            == Some(&BillingMode::PayPerRequest);
        if !on_demand && !self.is_local {
            let capped =
                format!("{} has provisioned capacity, which throttles beyond a fixed rate", self.name);
            return Finding::fail(
                check,
                capped,
                format!(
                    "aws dynamodb update-table --table-name {} --billing-mode PAY_PER_REQUEST",
                    self.name
                ),
            );
        }
        match table.table_status() {
            Some(TableStatus::Active | TableStatus::Updating) => Finding::pass(check, self.name),
            status => {
                let status = status.map_or("unknown", TableStatus::as_str);
                Finding::fail(check, format!("{} is {status}", self.name), "wait until it is ACTIVE")
            }
        }
    }

    async fn expiry(&self) -> Finding {
        let check = self.checks.expiry;
        let answer = match self.client.describe_time_to_live().table_name(self.name).send().await {
            Ok(answer) => answer,
            Err(error) => return unknown(check, "dynamodb:DescribeTimeToLive", &error),
        };
        let said = answer.time_to_live_description;
        let is_on = said.as_ref().is_some_and(|said| {
            matches!(said.time_to_live_status(), Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling))
                && said.attribute_name() == Some(EXPIRES)
        });
        match is_on {
            true => Finding::pass(check, format!("by {EXPIRES}")),
            false => Finding::fail(
                check,
                "expired rows are never deleted, and the table keeps growing",
                format!(
                    "aws dynamodb update-time-to-live --table-name {} --time-to-live-specification \
                     Enabled=true,AttributeName={EXPIRES}",
                    self.name
                ),
            ),
        }
    }

    fn encryption(&self, table: &TableDescription) -> Finding {
        let check = self.checks.encryption;
        let said = table.sse_description();
        match said.and_then(|said| said.status()) {
            Some(SseStatus::Enabled | SseStatus::Updating) => {
                Finding::pass(check, "with an AWS KMS key, whose use CloudTrail records")
            }
            _ => Finding::fail(
                check,
                "with a key that DynamoDB owns, whose use is not logged",
                "deploy again, or aws dynamodb update-table --sse-specification Enabled=true",
            ),
        }
    }

    async fn recovery(&self, check: &'static str) -> Finding {
        let answer = match self.client.describe_continuous_backups().table_name(self.name).send().await {
            Ok(answer) => answer,
            Err(error) => return unknown(check, "dynamodb:DescribeContinuousBackups", &error),
        };
        let said = answer.continuous_backups_description;
        let said = said.as_ref().and_then(|said| said.point_in_time_recovery_description());
        match said.and_then(|said| said.point_in_time_recovery_status()) {
            Some(PointInTimeRecoveryStatus::Enabled) => {
                let since = said.and_then(|said| said.earliest_restorable_date_time());
                let since = since.and_then(|time| jiff::Timestamp::from_second(time.secs()).ok());
                let since = since.map_or_else(String::new, |time| format!(" to any time since {time}"));
                Finding::pass(check, format!("on{since}"))
            }
            _ => Finding::fail(
                check,
                "point-in-time recovery is off: lost users can't be recovered",
                format!(
                    "aws dynamodb update-continuous-backups --table-name {} --point-in-time-recovery-specification \
                     PointInTimeRecoveryEnabled=true",
                    self.name
                ),
            ),
        }
    }

    fn protection(&self, check: &'static str, table: &TableDescription) -> Finding {
        match table.deletion_protection_enabled() {
            Some(true) => Finding::pass(check, "on"),
            _ => Finding::fail(
                check,
                "deletion protection is off",
                format!("aws dynamodb update-table --table-name {} --deletion-protection-enabled", self.name),
            ),
        }
    }
}

/// That nobody could look, and what it takes.
pub(super) fn unknown(check: &'static str, action: &str, error: &impl ProvideErrorMetadata) -> Finding {
    let code = error.code().unwrap_or("connection");
    Finding::unknown(
        check,
        format!("{action} failed ({code})"),
        format!("allow {action} to these credentials"),
    )
}
