//! Alarms, dashboard and saved queries: they watch what the functions count and say.

use std::collections::BTreeSet;
use std::fs;

use nova_auth::telemetry::{DIMENSION, Metric, NAMESPACE};
use nova_auth_domain::security_event::SecurityEvent;
use serde_json::{Value, json};

use super::{AUTH, entries, of_type, read, root};

/// Every name under which the functions count something.
fn counted() -> BTreeSet<&'static str> {
    let events = SecurityEvent::ALL.map(SecurityEvent::name);
    events.into_iter().chain(Metric::ALL.map(Metric::name)).collect()
}

/// Every metric of ours in a part of the template: its name, and the dimensions as they are written.
fn ours(part: &Value, found: &mut Vec<(Value, Value)>) {
    if part["Namespace"] == NAMESPACE {
        found.push((part["MetricName"].clone(), part["Dimensions"].clone()));
    }
    match part {
        Value::Array(parts) => parts.iter().for_each(|part| ours(part, found)),
        Value::Object(parts) => parts.values().for_each(|part| ours(part, found)),
        _ => {}
    }
}

/// An alarm on a name that nobody counts is silent for ever, and looks healthy.
#[test]
fn an_alarm_of_ours_watches_a_metric_that_is_counted_of_this_stack() {
    let template = read(AUTH);
    let filters = of_type(&template, "AWS::Logs::MetricFilter");
    let filtered: Vec<_> = filters
        .values()
        .map(|filter| &filter["Properties"]["MetricTransformations"][0])
        .map(|made| {
            assert_eq!(made["MetricNamespace"], NAMESPACE);
            made["MetricName"].clone()
        })
        .collect();
    let mut metrics = Vec::new();
    for (name, alarm) in of_type(&template, "AWS::CloudWatch::Alarm") {
        let before = metrics.len();
        ours(&alarm, &mut metrics);
        for (metric, dimensions) in metrics.iter().skip(before) {
            if filtered.contains(metric) {
                assert!(dimensions.is_null(), "{name}: a metric filter gives no dimensions");
            } else {
                let text = metric.as_str().unwrap_or_default();
                assert!(counted().contains(text), "{name}: nothing counts {metric}");
                assert_eq!(
                    *dimensions,
                    json!([{"Name": DIMENSION, "Value": {"Ref": "AWS::StackName"}}]),
                    "{name}"
                );
            }
        }
    }
    let watched: BTreeSet<_> = metrics.iter().filter_map(|(metric, _)| metric.as_str()).collect();
    for metric in [
        "authn_token_reuse",
        "authn_login_lock",
        "authn_login_fail",
        "authn_login_fail_max",
        "authorizer_error",
    ] {
        assert!(watched.contains(metric), "no alarm watches {metric}");
    }
}

#[test]
fn every_alarm_tells_somebody_and_says_what_it_means() {
    for (name, alarm) in of_type(&read(AUTH), "AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        assert_eq!(properties["AlarmActions"], json!([{"Ref": "AlarmTopic"}]), "{name}");
        assert_eq!(properties["TreatMissingData"], "notBreaching", "{name}: nobody logging in is no alarm");
        assert!(properties["AlarmDescription"].is_string(), "{name}");
        let page = fs::read_to_string(root().join("docs/runbook.md")).expect("docs/runbook.md can be read");
        let title = name.strip_suffix("Alarm").expect("alarms are named <Name>Alarm");
        assert!(
            page.contains(&format!("### {title}\n")),
            "docs/runbook.md does not say what to do about {title}"
        );
    }
}

/// The body is a text to CloudFormation: what is wrong in it is found by whoever opens the dashboard.
#[test]
fn the_dashboard_is_json_and_shows_metrics_that_are_counted() {
    let template = read(AUTH);
    let body = template["Resources"]["MonitoringDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"].clone();
    let body: Value = serde_json::from_str(body.as_str().expect("a text")).expect("JSON");
    let widgets = body["widgets"].as_array().expect("widgets");
    let metrics =
        widgets.iter().flat_map(|widget| widget["properties"]["metrics"].as_array().expect("metrics"));
    let mut shown = 0;
    for metric in metrics.filter(|metric| metric[0] == NAMESPACE) {
        assert!(metric[1].as_str().is_some_and(|name| counted().contains(name)), "{metric}");
        assert_eq!((&metric[2], &metric[3]), (&json!(DIMENSION), &json!("${AWS::StackName}")), "{metric}");
        shown += 1;
    }
    assert!(shown > 5, "the metrics were not found");
}

/// The runbook sends whoever is woken by an alarm to these queries: a function that they pass over is one whose trouble isn't found.
#[test]
fn the_saved_queries_that_the_runbook_relies_on_leave_no_function_out() {
    let template = read(AUTH);
    let queried = |query: &str| -> BTreeSet<String> {
        let groups =
            template["Resources"][query]["Properties"]["LogGroupNames"].as_array().expect("log groups");
        // One that is there on a condition counts whether or not it holds.
        let groups = groups.iter().map(|group| group["Fn::If"].get(1).unwrap_or(group));
        groups.filter_map(|group| group["Ref"].as_str().map(str::to_owned)).collect()
    };
    let groups = |is: fn(&Value) -> bool| -> BTreeSet<String> {
        let functions =
            entries(&template["Resources"]).filter(|(_, one)| one["Type"] == "AWS::Serverless::Function");
        functions.filter(|(_, one)| is(one)).map(|(name, _)| name.replace("Function", "LogGroup")).collect()
    };
    assert_eq!(queried("ErrorsQuery"), groups(|_| true));
    // What answers people has routes of the authentication API.
    let answers = |function: &Value| {
        entries(&function["Properties"]["Events"]).any(|(_, event)| event["Type"] == "Api")
    };
    assert_eq!(queried("AnswersQuery"), groups(answers));
}
