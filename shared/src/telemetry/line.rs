//! How an event becomes a line.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Json, Writer},
    },
    registry::LookupSpan,
};

use super::metric::Counting;

/// The target of events whose lines say their fields and nothing else: no time, which CloudWatch notes by itself, no level,
/// no message. Each byte of a line that is written for every call costs half a dollar for a billion calls.
pub const BRIEF: &str = "nova_auth::brief";

/// Writes every event as a JSON line, in its own form.
pub(super) struct Lines {
    brief: Format<Json, ()>,
    full: Counting,
}

impl Lines {
    pub(super) fn new(stack: Option<String>) -> Self {
        Self { brief: json().without_time().with_level(false), full: Counting::new(json(), stack) }
    }
}

fn json() -> Format<Json> {
    Format::default()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() == BRIEF {
            self.brief.format_event(context, writer, event)
        } else {
            self.full.format_event(context, writer, event)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::metric::tests::written;
    use super::*;

    /// A line of a yes was twice as long, and a third of what a decision cost.
    #[test]
    fn a_brief_line_says_its_fields_in_half_the_bytes_and_counts_nothing() {
        let id = "0190163d-8694-739b-aea5-966c26f8ad90";
        let brief = written(Some("nova-auth"), || {
            let user = Some(tracing::field::display(id));
            tracing::info!(target: BRIEF, decision = "allow", rule = Some(10), user.id = user, request.id = id);
        });
        let wanted =
            format!("{{\"decision\":\"allow\",\"rule\":10,\"user.id\":\"{id}\",\"request.id\":\"{id}\"}}\n");
        assert_eq!(brief, wanted);
        let before = written(None, || {
            let user = Some(tracing::field::display(id));
            tracing::info!(
                decision = "allow",
                code = "OK",
                event.kind = "Rest",
                rule.line = Some(10),
                user.id = user,
                request.id = id,
                duration_us = 512,
                "decided"
            );
        });
        assert!(2 * brief.len() <= before.len(), "{} of {}", brief.len(), before.len());
    }
}
