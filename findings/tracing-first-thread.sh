#!/bin/sh
# A test that looks for something in a log, and gives its thread a subscriber of its own (`tracing::subscriber::set_default`), can lose a line for
# good: if it is the only subscriber, and another thread, which has none, reaches the line first. The line's interest is then asked of that thread
# alone, and kept: "never". A test that asserts that a log does *not* hold a password passes for the wrong reason then, and which tests ran
# before decides. With a second subscriber anywhere in the process, even an idle one, every subscriber is asked, and the line is seen.
#
# Needs cargo; builds pinned public crates in a temporary folder. Exits with 1 if it behaves otherwise than written here.
#
# Seen on 2026-11-29 with tracing 0.1.44, tracing-core 0.1.36 and tracing-subscriber 0.3.23:
#   alone: seen
#   after another thread: lost
#   after another thread, beside an idle subscriber: seen
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cargo new -q --vcs none first-thread
cd first-thread
cargo add -q tracing@=0.1.44 tracing-core@=0.1.36
cargo add -q tracing-subscriber@=0.3.23 --no-default-features --features fmt
cat >src/main.rs <<'END'
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// What is logged, in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn log_in() {
    tracing::info!("logged in");
}

fn main() {
    let (mode, log) = (std::env::args().nth(1).unwrap(), Log::default());
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _idle = mode
        .contains("idle")
        .then(|| tracing::Dispatch::new(tracing_subscriber::fmt().with_writer(io::sink).finish()));
    let _guard = tracing::subscriber::set_default(subscriber);
    if mode.contains("another") {
        std::thread::spawn(log_in).join().unwrap();
    }
    log_in();
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    println!("{mode}: {}", if log.contains("logged in") { "seen" } else { "lost" });
}
END
cargo build -q
for mode in "alone" "after another thread" "after another thread, beside an idle subscriber"; do
    target/debug/first-thread "$mode"
done | tee seen
diff seen - <<'END'
alone: seen
after another thread: lost
after another thread, beside an idle subscriber: seen
END
