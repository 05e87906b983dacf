//! The lines that our code writes to the log, read by the test that makes it write them.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing::{Dispatch, subscriber::DefaultGuard};
use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _};

/// Everything that this thread logs from now on.
pub(super) struct Log {
    written: Written,
    _listening: DefaultGuard,
    _second: Dispatch,
}

impl Log {
    pub(super) fn of_this_thread() -> Self {
        let written = Written::default();
        let writer = written.clone();
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
        let of_ours = Targets::new().with_target("nova_auth", tracing::Level::INFO);
        // While there is one listener alone, a line that another test comes to first is left out for all: it asks its own thread.
        let second = Dispatch::new(tracing_subscriber::registry());
        let listener = tracing_subscriber::registry().with(layer.with_filter(of_ours));
        let listening = tracing::subscriber::set_default(listener);
        Self { written, _listening: listening, _second: second }
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.written.0.lock().unwrap().clone()).unwrap()
    }
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
