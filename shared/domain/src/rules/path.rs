//! Paths that can be read in more than one way.
//!
//! A server behind API Gateway may resolve another path than the rules were asked about. Such a path is denied, whoever
//! asks. API Gateway keeps answers and evaluates them on other paths, so every policy that it may keep has to deny the same
//! paths: [`ODD`] is said once, in IAM's own patterns, and [`is_odd`] and [`odd_arns`] both come from it.
//!
//! IAM has `*` and `?` and no class of characters, and a Deny can't be taken back by an Allow. So the table holds what
//! patterns can say. `%25` itself is in many honest names (`50%25.pdf`), so it is odd only before what a second decoding
//! would make a slash, a dot, a backslash or a percent sign of. "Before any two digits" would be 484 patterns.

use std::sync::LazyLock;

use serde_json::value::{RawValue, to_raw_value};

use crate::policy::{Resources, Subject};

/// Segments and characters that servers tidy away, each in its own way: on the decoded path they say the same.
const UNTIDY: [&str; 7] = ["*//*", "*/./*", "*/../*", "*/.", "*/..", "*/..;*", r"*\*"];

/// The same, and control characters, as somebody may have encoded them.
const ENCODED: [&str; 32] = [
    // Once: a slash, a dot, a backslash, a control character; and what follows two dots at the beginning of a segment.
    "*%2F*", "*%2f*", "*%2E*", "*%2e*", "*%5C*", "*%5c*", "*%0*", "*%1*", "*/..%*",
    // Twice, with digits that are encoded themselves, too.
    "*%252F*", "*%252f*", "*%252E*", "*%252e*", "*%255C*", "*%255c*", "*%2525*", "*%25%32*", "*%25%35*",
    "*%252%*", "*%255%*",
    // A percent sign that is none, before one that is: what decodes leniently makes an escape of the two.
    "*%%*", "*%?%*", // The escapes of JavaScript's `unescape` and of classic ASP.
    "*%u*", "*%U*",
    // Never UTF-8 (RFC 3629): too many bytes for a character, by which old decoders read a dot or a slash.
    "*%C0*", "*%c0*", "*%C1*", "*%c1*", "*%E0%8*", "*%e0%8*", "*%F0%8*", "*%f0%8*",
];

fn odd() -> impl Iterator<Item = &'static str> {
    UNTIDY.into_iter().chain(ENCODED)
}

/// Whether servers may read several paths in this one, as far as a policy can say it.
pub(super) fn is_odd(path: &str) -> bool {
    let path = Subject::new(path);
    odd().any(|pattern| path.matches(pattern))
}

/// The same paths as resources of a policy, of any API: nothing in front of a path (a region, a stage, a method) has what
/// makes one odd.
pub(super) fn odd_arns(partition: &str) -> Resources {
    // Nearly every policy has these, and is measured and written: a kilobyte, which is escaped once for all of them.
    static AWS: LazyLock<(Vec<String>, Option<Box<RawValue>>)> = LazyLock::new(|| {
        let arns = arns_of("aws");
        let json = to_raw_value(&arns).ok();
        (arns, json)
    });
    match &*AWS {
        (arns, Some(json)) if partition == "aws" => Resources::written(arns, json),
        _ => arns_of(partition).into(),
    }
}

fn arns_of(partition: &str) -> Vec<String> {
    odd().map(|pattern| ["arn:", partition, ":execute-api:*:*:", pattern].concat()).collect()
}

/// Whether a path that is not odd is one text in one way only, by what no policy can say: it decodes to text, without a
/// control character and without a second encoding inside, and stays tidy without the parameters of its segments.
pub(super) fn is_plain(path: &str) -> bool {
    let Some(decoded) = decoded(path) else { return false };
    let bare = without_parameters(&decoded);
    let bare = Subject::new(&bare);
    let is_untidy = UNTIDY.iter().any(|pattern| bare.matches(pattern));
    !is_untidy && !decoded.contains(|c: char| c.is_control()) && !has_escape(&decoded)
}

/// `;a=b` at the end of a segment, which servers of Java take off before they route (RFC 3986, section 3.3).
pub(super) fn without_parameters(path: &str) -> String {
    let bare = path.split('/').map(|segment| segment.split_once(';').map_or(segment, |(name, _)| name));
    bare.collect::<Vec<_>>().join("/")
}

fn has_escape(text: &str) -> bool {
    text.as_bytes().windows(3).any(
        |three| matches!(three, [b'%', first, second] if first.is_ascii_hexdigit() && second.is_ascii_hexdigit()),
    )
}

/// The path as it reads decoded (RFC 3986, section 2.1), if it is text.
pub(super) fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, others) = rest.split_at_checked(2)?;
        let digits =
            std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = others;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
