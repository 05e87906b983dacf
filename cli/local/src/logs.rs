//! Where the functions' own output goes.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

/// Takes every line that functions and servers of the stack write.
#[derive(Clone, Debug, Default)]
pub enum LogSink {
    /// The standard error of this process; the standard output is kept for the URLs.
    #[default]
    Stderr,
    /// Nowhere.
    Hidden,
    /// A text in memory, for tests that look for what must never be logged.
    Memory(Arc<Mutex<String>>),
}

impl LogSink {
    /// A sink that keeps everything in memory, empty so far.
    pub fn memory() -> LogSink {
        LogSink::Memory(Arc::default())
    }

    /// Everything that was written so far; only [`LogSink::Memory`] keeps anything.
    pub fn text(&self) -> String {
        match self {
            LogSink::Stderr | LogSink::Hidden => String::new(),
            LogSink::Memory(text) => text.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Writes one line of `who` (a function's name, or a part of the stack).
    pub(crate) fn line(&self, who: &str, line: &str) {
        match self {
            // A standard error that nobody reads any more must not stop the stack.
            LogSink::Stderr => drop(writeln!(std::io::stderr().lock(), "{who}: {line}")),
            LogSink::Hidden => {}
            LogSink::Memory(text) => {
                let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(who);
                text.push_str(": ");
                text.push_str(line);
                text.push('\n');
            }
        }
    }
}
