//! Paths that can be read in one way only.

/// The path as it reads decoded, if everybody reads the same in it.
///
/// `None` where a server behind API Gateway may resolve another path than the rules were asked about: an encoded slash, a
/// segment of dots, an empty segment in the middle, a backslash, a control character, bytes that are no text, or a second
/// encoding inside the first.
pub(super) fn plain(path: &str) -> Option<String> {
    let decoded = decode(path)?;
    let encoded_slashes = decoded.matches('/').count() != path.matches('/').count();
    let odd_character = |c: char| c.is_control() || c == '\\' || c == '%';
    let (_, segments) = decoded.split_once('/')?;
    let mut segments = segments.split('/').peekable();
    let mut odd_segment = false;
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        odd_segment |= segment == "." || segment == ".." || (segment.is_empty() && !is_last);
    }
    (!encoded_slashes && !odd_segment && !decoded.contains(odd_character)).then_some(decoded)
}

/// RFC 3986, section 2.1.
fn decode(path: &str) -> Option<String> {
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
mod tests {
    use super::*;

    #[test]
    fn a_path_that_everybody_reads_alike_is_decoded() {
        for (path, decoded) in [
            ("/", "/"),
            ("/notes/1/", "/notes/1/"),
            ("/notes/a%20b", "/notes/a b"),
            ("/%6Eotes", "/notes"),
            ("/%D9%85", "/م"),
            ("/a..b/...", "/a..b/..."),
        ] {
            assert_eq!(plain(path).as_deref(), Some(decoded), "{path}");
        }
    }

    #[test]
    fn a_path_that_can_be_read_in_two_ways_is_none() {
        for path in [
            "",
            "notes",
            "/a%2Fb",
            "/a//b",
            "//a",
            "/a/../b",
            "/a/%2e%2e/b",
            "/a/.",
            "/a%5Cb",
            "/a%00",
            "/a%2525",
            "/a%2",
            "/a%zz",
            "/a%+1",
            "/%ff",
            "/a\\b",
        ] {
            assert_eq!(plain(path), None, "{path}");
        }
    }
}
