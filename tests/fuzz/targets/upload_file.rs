//! Bytes as an uploaded file: it is of one type at most, and what is taken for a picture or a PDF ends as one.
//!
//! A panic of a library is a refusal in the process that inspects, so that it is one here; a loop or an overflow of the stack is not.

#![no_main]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use libfuzzer_sys::fuzz_target;
use nova_auth_uploads::{inspect::inspect, kind::Kind};

static QUIET: Once = Once::new();

fuzz_target!(|file: &[u8]| {
    // libFuzzer's own hook would end the process.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| ())));
    let is_taken = |kind: &Kind| {
        catch_unwind(AssertUnwindSafe(|| inspect(file, *kind))).is_ok_and(|verdict| verdict.is_ok())
    };
    let taken: Vec<_> = Kind::ALL.into_iter().filter(|kind| is_taken(kind)).collect();
    let end: &[u8] = match taken.as_slice() {
        [] => return,
        [Kind::Png] => b"IEND\xaeB`\x82",
        [Kind::Jpeg] => b"\xff\xd9",
        [Kind::Pdf] => b"%%EOF",
        [Kind::Webp] => b"",
        [_] => b"\0\0",
        _ => std::process::abort(),
    };
    if !file.trim_ascii_end().ends_with(end) && !file.ends_with(end) {
        eprintln!("taken as {taken:?}");
        std::process::abort();
    }
});
