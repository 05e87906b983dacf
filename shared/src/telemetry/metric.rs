//! Metrics, in CloudWatch's embedded metric format: the log line that tells of a thing also counts it.
//!
//! CloudWatch makes the metric of the line when it takes the line in. No call is made, nothing is kept between two
//! requests, and a function that dies has counted what it has said (docs/decisions/0014-metrics-ride-on-log-lines.md).

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Json, Writer},
    },
    registry::LookupSpan,
};

/// Where CloudWatch keeps the metrics.
pub const NAMESPACE: &str = "NovaAuth";

/// Their only dimension; its value is the stack's name. Each further one would make, and cost, another metric.
pub const DIMENSION: &str = "Stack";

/// The field of a log line that names the metric to count, by one.
const FIELD: &str = "metric";

crate::domain::named! {
    /// What is counted beside the security events, which all are, by their names.
    pub enum Metric {
        /// The authorizer said no to somebody it knows.
        AuthzFail = "authz_fail",
        /// The authorizer said no to a token.
        AuthorizerUnauthorized = "authorizer_unauthorized",
        /// The authorizer could not decide. Lambda's own `Errors` can't tell that from a refused token.
        AuthorizerError = "authorizer_error",
        /// A mail was handed over.
        MailSent = "mail_sent",
        /// A mail could not be sent; it is tried again.
        MailNotSent = "mail_not_sent",
        /// The list of breached passwords could not be read, and what asked went on without it.
        BreachedUnread = "breached_list_unread",
    }
}

/// Writes events as JSON lines, and turns the lines that name a metric into metrics of this stack.
pub(super) struct Counting {
    lines: Format<Json>,
    stack: Option<String>,
}

impl Counting {
    pub(super) fn new(lines: Format<Json>, stack: Option<String>) -> Self {
        Self { lines, stack }
    }
}

impl<S, N> FormatEvent<S, N> for Counting
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let stack = self.stack.as_deref().filter(|_| event.metadata().fields().field(FIELD).is_some());
        let Some(stack) = stack else { return self.lines.format_event(context, writer, event) };
        let mut line = String::new();
        self.lines.format_event(context, Writer::new(&mut line), event)?;
        match counted(&line, stack) {
            Some(counted) => writeln!(writer, "{counted}"),
            // The line names none after all, or can't be read: what it says is said in any case.
            None => writer.write_str(&line),
        }
    }
}

/// The line with its metric, as the embedded metric format has it.
fn counted(line: &str, stack: &str) -> Option<Value> {
    let mut line: Map<String, Value> = serde_json::from_str(line).ok()?;
    let name = line.remove(FIELD)?.as_str()?.to_owned();
    let at: Timestamp = line.get("timestamp")?.as_str()?.parse().ok()?;
    let directive = json!({
        "Namespace": NAMESPACE,
        "Dimensions": [[DIMENSION]],
        "Metrics": [{"Name": name, "Unit": "Count"}],
    });
    line.insert(
        "_aws".to_owned(),
        json!({"Timestamp": at.as_millisecond(), "CloudWatchMetrics": [directive]}),
    );
    line.insert(DIMENSION.to_owned(), stack.into());
    line.insert(name, 1.into());
    Some(line.into())
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::{fmt::format::JsonFields, layer::SubscriberExt as _};

    use super::super::line::Lines;
    use super::*;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written while somebody speaks.
    pub(in super::super) fn written(stack: Option<&str>, speak: impl FnOnce()) -> String {
        let output = Output::default();
        let writer = output.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Lines::new(stack.map(str::to_owned)))
            .fmt_fields(JsonFields::new())
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), speak);
        String::from_utf8(output.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(stack: Option<&str>, speak: impl FnOnce()) -> Vec<Value> {
        written(stack, speak).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn alarms_of_before_still_find_their_metrics() {
        let names = [
            "authz_fail",
            "authorizer_unauthorized",
            "authorizer_error",
            "mail_sent",
            "mail_not_sent",
            "breached_list_unread",
        ];
        assert_eq!(Metric::ALL.map(Metric::name), names);
    }

    #[test]
    fn a_line_that_names_a_metric_counts_it_once_for_its_stack_and_says_what_it_said() {
        let [line] = &lines(Some("nova-auth"), || {
            tracing::info!(metric = "authn_token_reuse", event = "authn_token_reuse", user.id = "u", "seen");
        })[..] else {
            panic!("one line was said")
        };
        let at: Timestamp = line["timestamp"].as_str().unwrap().parse().unwrap();
        assert_eq!(
            line["_aws"],
            json!({
                "Timestamp": at.as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": "NovaAuth",
                    "Dimensions": [["Stack"]],
                    "Metrics": [{"Name": "authn_token_reuse", "Unit": "Count"}],
                }],
            })
        );
        assert_eq!((&line["Stack"], &line["authn_token_reuse"]), (&json!("nova-auth"), &json!(1)));
        assert_eq!((&line["user.id"], &line["message"]), (&json!("u"), &json!("seen")));
        assert!(line["metric"].is_null());
    }

    #[test]
    fn nothing_is_counted_by_other_lines_nor_where_no_stack_is_named() {
        let speak = || {
            tracing::info!(event = "authn_token_reuse", "no metric");
            tracing::info!(metric = None::<&str>, "none this time");
        };
        for (stack, speak) in [
            (Some("nova-auth"), &speak as &dyn Fn()),
            (None, &|| {
                speak();
                tracing::info!(metric = "authn_token_reuse", "a command of an operator, say");
            }),
        ] {
            for line in lines(stack, speak) {
                assert!(line["_aws"].is_null() && line["message"].is_string(), "{line}");
            }
        }
    }
}
