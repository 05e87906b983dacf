use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

#[test]
fn a_path_that_everybody_reads_alike_is_decoded() {
    for (path, text) in [
        ("/", "/"),
        ("/notes/1/", "/notes/1/"),
        ("/notes/a%20b", "/notes/a b"),
        ("/%6Eotes", "/notes"),
        ("/%D9%85", "/م"),
        ("/%E0%A4%A8/%F0%9F%99%82", "/न/🙂"),
        ("/a..b/...", "/a..b/..."),
        ("/a;b=1/c", "/a;b=1/c"),
    ] {
        assert!(!is_odd(path) && is_plain(path), "{path}");
        assert_eq!(decoded(path).as_deref(), Some(text), "{path}");
    }
}

#[test]
fn a_path_that_can_be_read_in_two_ways_is_odd() {
    for path in [
        "/a%2Fb",
        "/a%2fb",
        "/a//b",
        "//a",
        "/a/../b",
        "/a/./b",
        "/a/.",
        "/a/..",
        "/a/%2e%2e/b",
        "/a/.%2E/b",
        "/a%5Cb",
        "/a%5cb",
        "/a\\b",
        "/a%00",
        "/a%0d%0ab",
        "/a%1F",
        "/a%2525",
        "/a/%252e%252e/b",
        "/a%252Fb",
        "/a%255cb",
        "/a/%25%32e%25%32e/b",
        "/a/%252%65%252%65/b",
        "/a/%%32e/b",
        "/a/%2%65/b",
        "/a/..;/b",
        "/a/..%3b/b",
        "/a/%c0%ae%C0%AE/b",
        "/a/%e0%80%ae/b",
        "/a/%u002e%u002e/b",
    ] {
        assert!(is_odd(path), "{path}");
    }
}

#[test]
fn a_path_that_no_pattern_can_say_is_not_plain() {
    for path in [
        "notes", "/a%2", "/a%zz", "/a%+1", "/%ff", "/a%7f", "/a\u{1}", "/a%C2%85", "/a%2541", "/.;/a",
        "/;x/a",
    ] {
        assert!(!is_odd(path), "{path}");
        assert!(!is_plain(path) || path == "notes", "{path}");
    }
}

/// `50%.pdf`, and what else people write with a percent sign.
#[test]
fn only_what_could_be_decoded_twice_is_too_much_encoded() {
    for path in [
        "/50%25.pdf",
        "/50%25",
        "/50%25%20off",
        "/100%25sure",
        "/50%25discount",
        "/50%25%3F",
        "/5%25-2",
        "/%25%D9%85",
    ] {
        assert!(!is_odd(path) && is_plain(path), "{path}");
    }
    for path in ["/%2541dmin", "/%252541", "/%252e", "/a%25%34%31"] {
        assert!(is_odd(path) || !is_plain(path), "{path}");
    }
}

#[test]
fn the_parameters_of_a_segment_are_no_part_of_its_name() {
    for (path, bare) in [("/a;b=1/c;d", "/a/c"), ("/;a", "/"), ("/a/b/", "/a/b/")] {
        assert_eq!(without_parameters(path), bare);
    }
}

/// Every policy that may be kept has them all.
#[test]
fn the_patterns_leave_most_of_a_policy_to_the_rules() {
    let bytes = |partition| serde_json::to_string(&odd_arns(partition)).unwrap().len();
    assert_eq!((bytes("aws"), bytes("aws-us-gov")), (1_274, 1_547));
    let longest = odd_arns("aws-us-gov").texts().map(str::len).max();
    assert!(longest < Some(super::super::grant::MAX_RESOURCE_CHARACTERS));
}

/// IAM's wildcards, by trying everything.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            glob(rest, text) || text.split_first().is_some_and(|(_, tail)| glob(pattern, tail))
        }
        (Some((b'?', rest)), Some((_, tail))) => glob(rest, tail),
        (Some((one, rest)), Some((other, tail))) => one == other && glob(rest, tail),
        _ => false,
    }
}

const PIECES: [&str; 46] = [
    "/",
    "/",
    "/",
    ".",
    ".",
    "..",
    "a",
    "b",
    "%",
    "2",
    "5",
    "e",
    "E",
    "f",
    "F",
    "c",
    "0",
    "u",
    "u002e",
    "u002f",
    ";",
    "%3b",
    "%3B",
    "%2e",
    "%2E",
    "%2f",
    "%2F",
    "%5c",
    "%5C",
    "\\",
    "%25",
    "%25",
    "%32",
    "%65",
    "%45",
    "%35",
    "%66",
    "%43",
    "%c0%ae",
    "%C0%AF",
    "%e0%80%ae",
    "%E0%80%AF",
    "%61",
    "%20",
    "%00",
    "*",
];

fn path(pieces: core::ops::Range<usize>) -> impl Strategy<Value = String> {
    vec(select(PIECES.as_slice()), pieces).prop_map(|pieces| pieces.concat())
}

/// One decoding, as lenient as any: what is no escape stays, and so do bytes that are no character. The first one may be by
/// an old decoder, which knows `%u002e` and takes too many bytes for a character.
fn decode(text: &str, is_old: bool) -> String {
    let mut left = text;
    let mut out = String::new();
    while let Some(first) = left.chars().next() {
        let is_hex = |digits: &&str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let digits = left.get(1..3).filter(|_| first == '%').filter(is_hex);
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let unicode = left
            .strip_prefix("%u")
            .filter(|_| is_old)
            .and_then(|rest| u32::from_str_radix(rest.get(..4)?, 16).ok());
        let (character, length) = match (byte, unicode.and_then(char::from_u32)) {
            (Some(byte), _) if byte < 0x80 => (char::from(byte), 3),
            (_, Some(unicode)) => (unicode, 6),
            _ => (first, first.len_utf8()),
        };
        let overlong = [("%c0%ae", '.'), ("%c0%af", '/'), ("%e0%80%ae", '.'), ("%e0%80%af", '/')];
        let lower = left.to_ascii_lowercase();
        match overlong.iter().find(|(spelling, _)| is_old && lower.starts_with(spelling)) {
            Some((spelling, character)) => {
                out.push(*character);
                left = &left[spelling.len()..];
            }
            None => {
                out.push(character);
                left = &left[length..];
            }
        }
    }
    out
}

/// Where a server that tidies paths finds this one: no backslashes, no parameters, no dots, no empty segments.
fn resolved(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    for segment in path.replace('\\', "/").split('/') {
        match segment.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name.to_owned()),
        }
    }
    segments
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, max_global_rejects: 1_000_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_patterns_of_a_policy_are_about_exactly_the_odd_paths(path in path(0..9), method in select(vec!["GET", "DELETE"])) {
        let path = format!("/{path}");
        for stage in ["arn:aws:execute-api:eu-central-1:123456789012:a1b2c3/v1", "arn:aws:execute-api:eu-central-1:123456789012:x/$default"] {
            let arn = format!("{stage}/{method}{path}");
            let denied = odd_arns("aws").texts().any(|pattern| glob(pattern.as_bytes(), arn.as_bytes()));
            prop_assert_eq!(denied, is_odd(&path), "{}", arn);
        }
    }

    /// Else a rule would let nobody in.
    #[test]
    fn no_route_that_can_be_written_is_odd(path in "(/([a-zA-Z0-9._~:@-]{1,4}|\\.{1,3}|\\{id\\})){1,4}") {
        let route = super::super::Route::parse(&format!("GET {path}"));
        prop_assert!(route.is_err() || (!is_odd(&path) && is_plain(&path)), "{}", path);
    }

    /// What a kept answer is safe by: its patterns end with a star behind a prefix, and nobody finds a path that is not odd
    /// outside of its prefix, however often they decode it.
    #[test]
    fn no_reading_of_a_path_that_is_not_odd_leads_out_of_its_prefix(rest in path(1..9)) {
        let path = format!("/files/{rest}");
        prop_assume!(!is_odd(&path));
        for reading in [path.clone(), decode(&path, true), decode(&decode(&path, true), false), decode(&decode(&path, false), false)] {
            prop_assert!(resolved(&reading).first().is_some_and(|first| first == "files"), "{} as {}", path, reading);
        }
    }

    #[test]
    fn a_path_that_everybody_reads_alike_has_one_reading(rest in path(1..9)) {
        let path = format!("/{rest}");
        prop_assume!(!is_odd(&path) && is_plain(&path));
        let once = decode(&path, true);
        prop_assert_eq!(Some(once.clone()), decoded(&path));
        prop_assert_eq!(decode(&once, false), once.clone(), "{} could be decoded twice", path);
        let bare = without_parameters(&once);
        let segments: Vec<_> = bare.split('/').filter(|segment| !segment.is_empty()).collect();
        prop_assert_eq!(resolved(&once), segments, "{}", once);
    }
}
