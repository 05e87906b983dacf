//! The way of a mail: from the tables' streams by the relay and the queue to Amazon SES, and whether SES sends it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::StreamSpecification;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::checklist::{ACCOUNT, BUS, DKIM, LOST, QUEUE, SENDER, SOURCES, STREAMS, SUPPRESSION};
use super::deployed::Deployed;
use super::finding::Finding;
use super::tables::unknown;
use crate::place::call::{Calls, Failed, Service};

/// More than that wait only if mails are asked for faster than they can be sent, or SES takes none.
const MANY: u64 = 100;

/// What a stack without mail has none of.
pub(super) fn not_there(why: &str) -> Vec<Finding> {
    [SENDER, DKIM, ACCOUNT, SUPPRESSION, STREAMS, SOURCES, QUEUE, LOST, BUS]
        .map(|check| Finding::not_here(check, why))
        .into()
}

/// Looks at all of it, in an account.
pub(super) async fn look(calls: &Calls, stack: &Deployed, dynamodb: &Client) -> Vec<Finding> {
    let from = stack.parameters.get("MailFrom").map(String::as_str).unwrap_or_default();
    let mut findings = identity(calls, from).await;
    let set = stack.parameters.get("MailConfigurationSet").map(String::as_str).unwrap_or_default();
    findings.extend(account(calls, set).await);
    findings.push(queue(calls, stack).await);
    // Both tables, and the queue.
    findings.extend(told(calls, stack, dynamodb, (3, &[MAILS_LOST, CHANGES_LOST])).await);
    findings
}

/// Looks at what a stack has of it that tells of changes, and sends no mail.
pub(super) async fn look_at_events(calls: &Calls, stack: &Deployed, dynamodb: &Client) -> Vec<Finding> {
    let mut findings: Vec<_> = [SENDER, DKIM, ACCOUNT, SUPPRESSION, QUEUE]
        .map(|check| Finding::not_here(check, "the stack sends no mail"))
        .into();
    findings.extend(told(calls, stack, dynamodb, (2, &[CHANGES_LOST])).await);
    findings
}

/// What tells of changes: the streams, so many that read them, the queues of what was given up, and the bus.
async fn told(
    calls: &Calls,
    stack: &Deployed,
    dynamodb: &Client,
    (wanted, queues): (usize, &[(&str, &str)]),
) -> Vec<Finding> {
    let mut findings = streams(dynamodb, stack).await;
    findings.extend(sources(calls, stack, wanted).await);
    findings.extend(lost(calls, stack, queues).await);
    findings.push(bus(calls, stack).await);
    findings
}

/// What can be seen of it on one machine: the streams.
pub(super) async fn look_here(dynamodb: &Client, tables: [&str; 2], why_no_mail: &str) -> Vec<Finding> {
    let here = [SENDER, DKIM, ACCOUNT, SUPPRESSION].map(|check| Finding::not_here(check, why_no_mail));
    let mut findings: Vec<_> = here.into();
    findings.extend(streams_of(dynamodb, tables).await);
    findings.push(Finding::not_here(SOURCES, "`nova local` reads the streams itself"));
    findings.extend([QUEUE, LOST].map(|check| Finding::not_here(check, "its queue is a part of it")));
    findings.push(Finding::not_here(BUS, "its bus is a part of it"));
    findings
}

// ---- Amazon SES

async fn identity(calls: &Calls, from: &str) -> Vec<Finding> {
    let domain = from.split_once('@').map_or(from, |(_, domain)| domain);
    let (address, domain) = (of_identity(calls, from).await, of_identity(calls, domain).await);
    let found = [address, domain].into_iter().collect::<Result<Vec<_>, _>>();
    match found.as_deref() {
        Ok([address, domain]) => judge_identity(from, address.as_ref(), domain.as_ref()).into(),
        Ok(_) => Vec::new(),
        Err(failed) => {
            [SENDER, DKIM].map(|check| Finding::unseen(check, failed, "ses:GetEmailIdentity").of(from)).into()
        }
    }
}

async fn of_identity(calls: &Calls, name: &str) -> Result<Option<Value>, Failed> {
    let path = format!("/v2/email/identities/{}", utf8_percent_encode(name, NON_ALPHANUMERIC));
    match calls.get(Service::Ses, &path).await {
        Ok(found) => Ok(Some(found)),
        Err(Failed::NotThere) => Ok(None),
        Err(failed) => Err(failed),
    }
}

fn judge_identity(from: &str, address: Option<&Value>, domain: Option<&Value>) -> [Finding; 2] {
    let is_true = |of: &Value, pointer| of.pointer(pointer).and_then(Value::as_bool) == Some(true);
    let verified = |of: &&Value| is_true(of, "/VerifiedForSendingStatus");
    let create = "verify the domain in Amazon SES, in the stack's region: aws sesv2 create-email-identity \
                  --email-identity DOMAIN, and publish the DNS records that it returns";
    // The address's own settings go before its domain's.
    let Some(in_force) = address.filter(verified).or(domain.filter(verified)) else {
        let said = match address.or(domain) {
            Some(_) => "Amazon SES has not verified it yet",
            None => "Amazon SES does not know it",
        };
        return [
            Finding::fail(SENDER, format!("{said}, nor its domain: no mail is sent"), create).of(from),
            Finding::unknown(DKIM, "the identity is not verified", "see above").of(from),
        ];
    };
    let is_signed = |of: &Value| of.pointer("/DkimAttributes/Status") == Some(&json!("SUCCESS"));
    let dkim = match is_true(in_force, "/DkimAttributes/SigningEnabled") {
        // An address may take over what its domain has.
        true if [address, domain].into_iter().flatten().any(is_signed) => Finding::pass(DKIM, "on"),
        true => Finding::fail(
            DKIM,
            "the keys of the signature are not found in DNS",
            "publish the three CNAME records that aws sesv2 get-email-identity lists",
        ),
        false => Finding::fail(
            DKIM,
            "mails are not signed, and many mailboxes refuse them",
            "aws sesv2 put-email-identity-dkim-attributes --signing-enabled --email-identity DOMAIN",
        ),
    };
    let is_the_address = address.is_some_and(|address| std::ptr::eq(address, in_force));
    let by = if is_the_address { "the address" } else { "its domain" };
    [Finding::pass(SENDER, format!("{by} is verified")).of(from), dkim.of(from)]
}

async fn account(calls: &Calls, set: &str) -> Vec<Finding> {
    match calls.get(Service::Ses, "/v2/email/account").await {
        Ok(found) => vec![judge_account(&found), suppression(calls, &found, set).await],
        Err(failed) => {
            [ACCOUNT, SUPPRESSION].map(|check| Finding::unseen(check, &failed, "ses:GetAccount")).into()
        }
    }
}

/// What the configuration set says goes before what the account does.
async fn suppression(calls: &Calls, account: &Value, set: &str) -> Finding {
    let of_account = account.pointer("/SuppressionAttributes/SuppressedReasons");
    if set.is_empty() {
        return judge_suppression(of_account, None);
    }
    match calls.get(Service::Ses, &format!("/v2/email/configuration-sets/{set}")).await {
        Ok(found) => {
            let of_set = found.pointer("/SuppressionOptions/SuppressedReasons");
            judge_suppression(of_set.or(of_account), of_set.map(|_| set))
        }
        Err(Failed::NotThere) => Finding::fail(
            SUPPRESSION,
            "the configuration set does not exist: no mail is sent",
            "create it, or deploy without MailConfigurationSet",
        ),
        Err(failed) => Finding::unseen(SUPPRESSION, &failed, "ses:GetConfigurationSet"),
    }
}

fn judge_suppression(reasons: Option<&Value>, set: Option<&str>) -> Finding {
    let Some(reasons) = reasons.and_then(Value::as_array) else {
        return Finding::unknown(SUPPRESSION, "Amazon SES does not say", "look again");
    };
    let missing: Vec<_> =
        ["BOUNCE", "COMPLAINT"].into_iter().filter(|reason| !reasons.contains(&json!(reason))).collect();
    if missing.is_empty() {
        return Finding::pass(SUPPRESSION, "after hard bounces and complaints");
    }
    let call = match set {
        Some(set) => format!("put-configuration-set-suppression-options --configuration-set-name {set}"),
        None => "put-account-suppression-attributes".to_owned(),
    };
    Finding::fail(
        SUPPRESSION,
        format!("addresses are not suppressed after {}", missing.join(" and ")),
        format!("aws sesv2 {call} --suppressed-reasons BOUNCE COMPLAINT"),
    )
}

fn judge_account(account: &Value) -> Finding {
    let is_true = |name: &str| account.get(name).and_then(Value::as_bool) == Some(true);
    let status = account.get("EnforcementStatus").and_then(Value::as_str).unwrap_or("HEALTHY");
    if !is_true("SendingEnabled") || status == "SHUTDOWN" {
        return Finding::fail(
            ACCOUNT,
            format!("Amazon SES sends nothing for this account ({status})"),
            "the console of Amazon SES, \"Account dashboard\", says why",
        );
    }
    if !is_true("ProductionAccessEnabled") {
        return Finding::fail(
            ACCOUNT,
            "it is in the sandbox: mails reach verified addresses only",
            "ask for production access in the console of Amazon SES, \"Account dashboard\"",
        );
    }
    match status {
        "HEALTHY" => Finding::pass(ACCOUNT, "out of the sandbox, and healthy"),
        status => Finding::fail(
            ACCOUNT,
            format!("Amazon SES has put it on watch ({status}): too many bounces or complaints"),
            "the console of Amazon SES, \"Reputation metrics\", says which",
        ),
    }
}

// ---- The streams, and what reads them

/// Whether any table has a stream: one machine's stack says its parameters to nobody.
pub(super) async fn tells_of_changes(dynamodb: &Client, tables: [&str; 2]) -> bool {
    for table in tables {
        let answer = dynamodb.describe_table().table_name(table).send().await;
        let stream = answer.ok().and_then(|answer| answer.table?.stream_specification);
        if stream.is_some_and(|stream| stream.stream_enabled()) {
            return true;
        }
    }
    false
}

async fn streams(dynamodb: &Client, stack: &Deployed) -> Vec<Finding> {
    let output = |name: &str| stack.outputs.get(name).map(String::as_str).unwrap_or_default();
    streams_of(dynamodb, [output("IdentityTableName"), output("SessionsTableName")]).await
}

async fn streams_of(dynamodb: &Client, tables: [&str; 2]) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Images of the Identity table would put hashes of passwords into a stream.
    for (table, wanted) in tables.into_iter().zip(["KEYS_ONLY", "NEW_IMAGE"]) {
        let finding = match dynamodb.describe_table().table_name(table).send().await {
            Ok(answer) => {
                let stream = answer.table.and_then(|table| table.stream_specification);
                judge_stream(stream.as_ref(), wanted)
            }
            Err(error) => unknown(STREAMS, "dynamodb:DescribeTable", &error),
        };
        findings.push(finding.of(table));
    }
    findings
}

fn judge_stream(stream: Option<&StreamSpecification>, wanted: &str) -> Finding {
    let view =
        stream.filter(|stream| stream.stream_enabled()).and_then(StreamSpecification::stream_view_type);
    match view.map(|view| view.as_str()) {
        Some(view) if view == wanted => Finding::pass(STREAMS, view),
        Some(view) => Finding::fail(
            STREAMS,
            format!("its stream has {view} instead of {wanted}"),
            "switch the stream off by hand, and deploy again; detect drift of the stack",
        ),
        None => Finding::fail(
            STREAMS,
            "it has no stream: no mail is sent, and nobody is told of changes",
            "deploy again",
        ),
    }
}

async fn sources(calls: &Calls, stack: &Deployed, wanted: usize) -> Vec<Finding> {
    let (mut findings, mut seen) = (Vec::new(), 0);
    for (logical, id) in stack.of_type("AWS::Lambda::EventSourceMapping") {
        seen += 1;
        let path = format!("/2015-03-31/event-source-mappings/{id}");
        let finding = match calls.get(Service::Lambda, &path).await {
            Ok(mapping) => judge_source(&mapping, id),
            Err(Failed::NotThere) => Some(Finding::fail(SOURCES, "it is gone", "deploy again")),
            Err(failed) => Some(Finding::unseen(SOURCES, &failed, "lambda:GetEventSourceMapping")),
        };
        findings.extend(finding.map(|finding| finding.of(logical)));
    }
    if seen < wanted {
        findings.push(Finding::fail(SOURCES, format!("{seen} of them instead of {wanted}"), "deploy again"));
    } else if findings.is_empty() {
        findings.push(Finding::pass(SOURCES, format!("{seen} of them")));
    }
    findings
}

fn judge_source(mapping: &Value, id: &str) -> Option<Finding> {
    let text = |name: &str| mapping.get(name).and_then(Value::as_str);
    let state = text("State").unwrap_or("in no state");
    if !["Enabled", "Updating", "Enabling", "Creating"].contains(&state) {
        let remedy = format!("aws lambda update-event-source-mapping --enabled --uuid {id}");
        return Some(Finding::fail(SOURCES, format!("it is {state}: nothing reads from it"), remedy));
    }
    let last = text("LastProcessingResult").filter(|last| last.to_ascii_lowercase().contains("problem"))?;
    let remedy = "the log of the function says why";
    Some(Finding::fail(SOURCES, format!("its last call failed: {last}"), remedy))
}

// ---- The queues

async fn queue(calls: &Calls, stack: &Deployed) -> Finding {
    match depth(calls, stack, "MailQueue").await {
        Ok(waiting) if waiting > MANY => Finding::fail(
            QUEUE,
            format!("{waiting} mails wait"),
            "Amazon SES throttles or refuses: the log of send-mail says why; docs/runbook.md, \"MailLost\"",
        ),
        Ok(waiting) => Finding::pass(QUEUE, format!("{waiting} wait")),
        Err(failed) => unseen_queue(QUEUE, &failed),
    }
}

/// Where what was given up is, and what the runbook calls it.
const MAILS_LOST: (&str, &str) = ("MailDeadLetters", "MailLost");
const CHANGES_LOST: (&str, &str) = ("RelayFailures", "ChangesLost");

async fn lost(calls: &Calls, stack: &Deployed, queues: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, title) in queues {
        let finding = match depth(calls, stack, name).await {
            Ok(0) => Finding::pass(LOST, "nothing"),
            Ok(given_up) => Finding::fail(
                LOST,
                format!("{given_up} were given up"),
                format!("docs/runbook.md, \"{title}\""),
            ),
            Err(failed) => unseen_queue(LOST, &failed),
        };
        findings.push(finding.of(*name));
    }
    findings
}

fn unseen_queue(check: &'static str, failed: &Failed) -> Finding {
    match failed {
        Failed::NotThere => Finding::fail(check, "the queue is gone", "deploy again"),
        failed => Finding::unseen(check, failed, "sqs:GetQueueAttributes"),
    }
}

/// How many messages a queue has, those that are being tried among them.
async fn depth(calls: &Calls, stack: &Deployed, logical: &str) -> Result<u64, Failed> {
    let url = stack.physical(logical).ok_or(Failed::NotThere)?;
    let input = json!({"QueueUrl": url, "AttributeNames": COUNTS});
    depth_of(&calls.action(Service::Sqs, "AmazonSQS.GetQueueAttributes", &input).await?)
}

const COUNTS: [&str; 2] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];

fn depth_of(answer: &Value) -> Result<u64, Failed> {
    let count = |name: &str| answer.pointer(&format!("/Attributes/{name}"))?.as_str()?.parse::<u64>().ok();
    let counts: Option<Vec<_>> = COUNTS.iter().map(|name| count(name)).collect();
    let counts = counts.ok_or_else(|| Failed::Other("an answer that is not understood".into()))?;
    Ok(counts.into_iter().sum())
}

// ---- The event bus

async fn bus(calls: &Calls, stack: &Deployed) -> Finding {
    let asked = match stack.physical("EventBus") {
        None => Err(Failed::NotThere),
        Some(name) => {
            let input = json!({"EventBusName": name});
            calls.action(Service::EventBridge, "AWSEvents.ListRules", &input).await
        }
    };
    match asked {
        Ok(rules) => judge_rules(&rules),
        Err(Failed::NotThere) => {
            Finding::fail(BUS, "it does not exist: nobody is told of changes", "deploy again")
        }
        Err(failed) => Finding::unseen(BUS, &failed, "events:ListRules"),
    }
}

/// A rule of another team that is switched off leaves open what should end with its session, and raises no alarm.
fn judge_rules(answer: &Value) -> Finding {
    let rules = answer.get("Rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text =
        |rule: &Value, name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match rules.iter().find(|rule| text(rule, "State") == "DISABLED") {
        Some(off) => Finding::fail(
            BUS,
            format!("the rule {} is disabled: its owner gets no events", text(off, "Name")),
            "ask its team; it may be the rule that closes the connections of ended sessions (docs/attach.md)",
        ),
        None if rules.is_empty() => Finding::pass(BUS, "nobody listens"),
        None => Finding::pass(BUS, format!("{} rules", rules.len())),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::StreamViewType;

    use super::super::finding::Outcome::{self, Fail, NotChecked, Pass};
    use super::*;

    fn identity(verified: bool, signing: bool, status: &str) -> Value {
        json!({
            "VerifiedForSendingStatus": verified,
            "DkimAttributes": {"SigningEnabled": signing, "Status": status},
        })
    }

    fn judged(address: Option<&Value>, domain: Option<&Value>) -> [Outcome; 2] {
        judge_identity("no-reply@example.com", address, domain).map(|finding| finding.outcome)
    }

    #[test]
    fn a_sender_that_ses_does_not_take_or_sign_is_told() {
        let good = identity(true, true, "SUCCESS");
        let pending = identity(false, true, "PENDING");
        assert_eq!(judged(None, Some(&good)), [Pass, Pass]);
        assert_eq!(judged(Some(&good), None), [Pass, Pass]);
        assert_eq!(judged(Some(&pending), Some(&good)), [Pass, Pass]);
        assert_eq!(judged(None, None), [Fail, NotChecked]);
        assert_eq!(judged(Some(&pending), Some(&pending)), [Fail, NotChecked]);
        assert_eq!(judged(None, Some(&identity(true, false, "SUCCESS"))), [Pass, Fail]);
        assert_eq!(judged(None, Some(&identity(true, true, "PENDING"))), [Pass, Fail]);
        // The address is signed as its domain is, unless it says otherwise.
        assert_eq!(judged(Some(&identity(true, true, "NOT_STARTED")), Some(&good)), [Pass, Pass]);
        assert_eq!(judged(Some(&identity(true, false, "NOT_STARTED")), Some(&good)), [Pass, Fail]);
        assert_eq!(judged(Some(&identity(true, true, "NOT_STARTED")), None), [Pass, Fail]);
    }

    #[test]
    fn an_account_that_reaches_nobody_is_told() {
        let account = |sending: bool, production: bool, status: &str| {
            let account = json!({
                "SendingEnabled": sending, "ProductionAccessEnabled": production, "EnforcementStatus": status,
            });
            judge_account(&account).outcome
        };
        assert_eq!(account(true, true, "HEALTHY"), Pass);
        assert_eq!(account(true, false, "HEALTHY"), Fail);
        assert_eq!(account(false, true, "HEALTHY"), Fail);
        assert_eq!(account(true, true, "PROBATION"), Fail);
        assert_eq!(account(true, true, "SHUTDOWN"), Fail);
        assert_eq!(judge_account(&json!({})).outcome, Fail);
    }

    #[test]
    fn an_account_that_goes_on_writing_to_dead_addresses_is_told() {
        let judged = |reasons: &Value| judge_suppression(Some(reasons), None).outcome;
        assert_eq!(judged(&json!(["COMPLAINT", "BOUNCE"])), Pass);
        assert_eq!(judged(&json!(["COMPLAINT"])), Fail);
        assert_eq!(judged(&json!([])), Fail);
        assert_eq!(judged(&json!(null)), NotChecked);
        assert_eq!(judge_suppression(None, None).outcome, NotChecked);
    }

    #[test]
    fn a_stream_that_is_off_or_has_more_in_it_is_told() {
        let stream = |on, view| {
            StreamSpecification::builder().stream_enabled(on).stream_view_type(view).build().unwrap()
        };
        let judged = |stream: Option<&StreamSpecification>| judge_stream(stream, "KEYS_ONLY").outcome;
        assert_eq!(judged(Some(&stream(true, StreamViewType::KeysOnly))), Pass);
        assert_eq!(judged(Some(&stream(false, StreamViewType::KeysOnly))), Fail);
        assert_eq!(judged(Some(&stream(true, StreamViewType::NewAndOldImages))), Fail);
        assert_eq!(judged(None), Fail);
    }

    #[test]
    fn a_source_that_nobody_reads_or_that_failed_is_told() {
        let judged = |state: &str, last: Option<&str>| {
            judge_source(&json!({"State": state, "LastProcessingResult": last}), "id").map(|it| it.outcome)
        };
        assert_eq!(judged("Enabled", Some("OK")), None);
        assert_eq!(judged("Enabled", Some("No records processed")), None);
        assert_eq!(judged("Enabled", None), None);
        assert_eq!(judged("Disabled", Some("OK")), Some(Fail));
        assert_eq!(judged("Disabling", None), Some(Fail));
        assert_eq!(judged("Enabled", Some("PROBLEM: Function call failed")), Some(Fail));
        assert_eq!(judge_source(&json!({}), "id").map(|it| it.outcome), Some(Fail));
    }

    #[test]
    fn a_rule_that_is_switched_off_is_told_and_a_bus_to_which_nobody_listens_is_well() {
        let rule = |state: &str| json!({"Name": "nova-chat-Ended", "State": state});
        for (rules, outcome) in [
            (json!([]), Pass),
            (json!([rule("ENABLED")]), Pass),
            (json!([rule("ENABLED"), rule("DISABLED")]), Fail),
        ] {
            let finding = judge_rules(&json!({"Rules": rules}));
            assert_eq!(finding.outcome, outcome, "{rules}");
        }
    }

    #[test]
    fn messages_that_are_being_tried_count_as_waiting() {
        let answer =
            |visible: &str, tried: &str| json!({"Attributes": {COUNTS[0]: visible, COUNTS[1]: tried}});
        assert_eq!(depth_of(&answer("2", "5")), Ok(7));
        assert!(depth_of(&answer("x", "5")).is_err());
        assert!(depth_of(&json!({})).is_err(), "a queue that says nothing is not an empty one");
    }
}
