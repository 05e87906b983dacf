//! Logs: JSON lines on standard output, one for each request and one for each security event. A line that names a metric
//! counts it.
//!
//! What may be secret redacts itself where it is defined; the libraries below us are heard from only when they fail.

mod line;
mod metric;

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    filter::Targets,
    fmt::{MakeWriter, format::JsonFields},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::domain::{
    ids::{SessionId, UserId},
    security_event::SecurityEvent,
};

pub use line::BRIEF;
use line::Lines;
pub use metric::{DIMENSION, Metric, NAMESPACE};

/// The release profile leaves out what is below these levels when it compiles: half a megabyte of each function. It must not leave
/// out what `start` lets through.
#[cfg(not(debug_assertions))]
const _: () = {
    assert!(matches!(tracing::level_filters::STATIC_MAX_LEVEL.into_level(), Some(tracing::Level::INFO)));
    assert!(matches!(log::STATIC_MAX_LEVEL, log::LevelFilter::Off));
};

/// Starts logging, and counting where there is a name of the stack. A second call does nothing.
pub fn start(stack: Option<String>) {
    let _ = subscriber(stack, std::io::stdout).try_init();
}

/// What writes the lines of a function.
#[must_use]
pub fn subscriber<W>(stack: Option<String>, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .event_format(Lines::new(stack))
        .fmt_fields(JsonFields::new())
        .with_writer(writer);
    let levels = Targets::new()
        .with_default(LevelFilter::ERROR)
        .with_target("nova_auth", LevelFilter::INFO)
        // It repeats every error that a handler returns, and `Unauthorized` is none to look at.
        .with_target("lambda_runtime", LevelFilter::OFF);
    tracing_subscriber::registry().with(lines).with(levels)
}

/// Logs and counts a security event, by its OWASP name. Users are ids here, never addresses.
pub fn security_event(event: SecurityEvent, request: &str, user: Option<UserId>, session: Option<SessionId>) {
    tracing::info!(
        metric = event.name(),
        event = event.name(),
        request.id = request,
        user.id = user.map(tracing::field::display),
        session.id = session.map(tracing::field::display),
        "security event"
    );
}
