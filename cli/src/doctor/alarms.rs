//! The alarms: whether they are there, and whether anybody hears them.

use std::collections::BTreeMap;

use super::checklist::{ALARMS, SUBSCRIBED};
use super::deployed::Deployed;
use super::finding::Finding;
use super::xml;
use crate::place::call::{Calls, Service};

/// Looks at every alarm of a stack, and at its topic.
pub(super) async fn look(calls: &Calls, stack: &Deployed) -> Vec<Finding> {
    let mut findings = alarms(calls, stack).await;
    findings.push(subscribed(calls, stack).await);
    findings
}

/// What CloudWatch says of an alarm.
#[derive(Debug)]
struct Alarm {
    name: String,
    state: String,
    is_on: bool,
    actions: usize,
}

async fn alarms(calls: &Calls, stack: &Deployed) -> Vec<Finding> {
    let wanted: BTreeMap<_, _> =
        stack.of_type("AWS::CloudWatch::Alarm").map(|(logical, physical)| (physical, logical)).collect();
    if wanted.is_empty() {
        return vec![Finding::fail(ALARMS, "the stack has no alarms", "deploy a version that has")];
    }
    let names = (1..).zip(wanted.keys());
    let mut parameters: Vec<_> =
        names.map(|(n, name)| (format!("AlarmNames.member.{n}"), (*name).to_owned())).collect();
    parameters.push(("MaxRecords".to_owned(), "100".to_owned()));
    let answer = calls.form(Service::CloudWatch, "DescribeAlarms", &parameters).await;
    match answer.and_then(|text| read(&text)) {
        Ok(found) => judge(&wanted, &found),
        Err(failed) => vec![Finding::unseen(ALARMS, &failed, "cloudwatch:DescribeAlarms")],
    }
}

fn read(text: &str) -> Result<Vec<Alarm>, crate::place::call::Failed> {
    xml::members(text, "MetricAlarms", |alarm| {
        Some(Alarm {
            name: alarm.text("AlarmName")?,
            state: alarm.text("StateValue")?,
            is_on: alarm.text("ActionsEnabled")? == "true",
            actions: alarm.count("AlarmActions"),
        })
    })
}

fn judge(wanted: &BTreeMap<&str, &str>, found: &[Alarm]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, logical) in wanted {
        let finding = match found.iter().find(|alarm| alarm.name == *name) {
            None => Finding::fail(ALARMS, "it is gone", "deploy again"),
            Some(alarm) if !alarm.is_on || alarm.actions == 0 => Finding::fail(
                ALARMS,
                "it tells nobody",
                format!("aws cloudwatch enable-alarm-actions --alarm-names {name}, or deploy again"),
            ),
            Some(alarm) if alarm.state == "ALARM" => {
                let title = logical.trim_end_matches("Alarm");
                Finding::fail(ALARMS, "it rings", format!("docs/runbook.md, \"{title}\""))
            }
            Some(_) => continue,
        };
        findings.push(finding.of(*logical));
    }
    if findings.is_empty() {
        findings.push(Finding::pass(ALARMS, format!("{} alarms", wanted.len())));
    }
    findings
}

async fn subscribed(calls: &Calls, stack: &Deployed) -> Finding {
    let topics: Vec<_> = stack.of_type("AWS::SNS::Topic").map(|(_, arn)| arn).collect();
    let Some(topic) = topics.first() else {
        return Finding::fail(SUBSCRIBED, "the stack has no topic", "deploy a version that has");
    };
    let subscribe = format!(
        "aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint …, or deploy with AlarmEmail"
    );
    let parameters = [("TopicArn".to_owned(), (*topic).to_owned())];
    let answer = calls.form(Service::Sns, "ListSubscriptionsByTopic", &parameters).await;
    let arns = answer.and_then(|text| {
        xml::members(&text, "Subscriptions", |subscription| subscription.text("SubscriptionArn"))
    });
    match arns {
        Err(failed) => Finding::unseen(SUBSCRIBED, &failed, "sns:ListSubscriptionsByTopic"),
        Ok(arns) => match arns.iter().filter(|arn| arn.starts_with("arn:")).count() {
            0 if arns.iter().any(|arn| arn == "PendingConfirmation") => Finding::fail(
                SUBSCRIBED,
                "the only subscription is not confirmed",
                "open the link in the mail that AWS sent, or have it sent again by subscribing again",
            ),
            0 => Finding::fail(SUBSCRIBED, "nobody is subscribed", subscribe),
            heard => Finding::pass(SUBSCRIBED, format!("{heard} confirmed")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Outcome;
    use super::*;

    /// After the example in CloudWatch's API reference.
    fn answer(alarms: &[(&str, &str, &str, &str)]) -> String {
        let members: String = alarms
            .iter()
            .map(|(name, state, on, actions)| {
                format!(
                    "<member><AlarmName>{name}</AlarmName><ActionsEnabled>{on}</ActionsEnabled><AlarmActions>{actions}\
                     </AlarmActions><StateValue>{state}</StateValue><Dimensions><member><Name>Stack</Name></member>\
                     </Dimensions></member>"
                )
            })
            .collect();
        format!(
            "<DescribeAlarmsResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><DescribeAlarmsResult>\
             <MetricAlarms>{members}</MetricAlarms></DescribeAlarmsResult></DescribeAlarmsResponse>"
        )
    }

    #[test]
    fn an_alarm_that_is_gone_silenced_or_ringing_is_told() {
        let wanted = BTreeMap::from([("a-1", "TokenTheftAlarm"), ("b-1", "ThrottlesAlarm")]);
        let topic = "<member>arn:aws:sns:eu-central-1:1:t</member>";
        let judged = |alarms: &[(&str, &str, &str, &str)]| -> Vec<Outcome> {
            judge(&wanted, &read(&answer(alarms)).unwrap()).iter().map(|finding| finding.outcome).collect()
        };
        let b = ("b-1", "INSUFFICIENT_DATA", "true", topic);
        assert_eq!(judged(&[("a-1", "OK", "true", topic), b]), [Outcome::Pass]);
        assert_eq!(judged(&[b]), [Outcome::Fail]);
        assert_eq!(judged(&[("a-1", "ALARM", "true", topic), b]), [Outcome::Fail]);
        assert_eq!(judged(&[("a-1", "OK", "false", topic), b]), [Outcome::Fail]);
        assert_eq!(judged(&[("a-1", "OK", "true", ""), b]), [Outcome::Fail]);
        assert!(read("no xml").is_err());
    }
}
