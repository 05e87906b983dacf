//! Lines of a file, one after the other, none longer than it may be: what is in memory is bounded, whatever the file is.

use std::io::{BufRead, Result};

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It, without its end.
    Whole(Vec<u8>),
    /// It was longer than it may be, and is gone.
    TooLong,
}

/// Reads the next line, and says how many bytes that took. `None` at the end.
pub(super) fn next(reader: &mut impl BufRead, most: usize) -> Result<Option<(Line, u64)>> {
    let (mut line, mut bytes, mut is_too_long) = (Vec::new(), 0_u64, false);
    loop {
        let some = reader.fill_buf()?;
        if some.is_empty() {
            break;
        }
        let end = some.iter().position(|byte| *byte == b'\n');
        let part = some.get(..end.unwrap_or(some.len())).unwrap_or_default();
        is_too_long = is_too_long || line.len() + part.len() > most;
        if is_too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(part);
        }
        let used = end.map_or(some.len(), |end| end + 1);
        bytes += used as u64;
        reader.consume(used);
        if end.is_some() {
            break;
        }
    }
    Ok(match (bytes, is_too_long) {
        (0, _) => None,
        (_, true) => Some((Line::TooLong, bytes)),
        (_, false) => Some((Line::Whole(line), bytes)),
    })
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn a_line_that_is_too_long_takes_no_other_with_it() {
        let text = b"one\n\nfar too long\nfits!\nend";
        // A buffer smaller than a line: lines come in parts.
        let mut reader = BufReader::with_capacity(4, &text[..]);
        let mut lines = Vec::new();
        let mut bytes = 0;
        while let Some((line, used)) = next(&mut reader, 5).unwrap() {
            lines.push(line);
            bytes += used;
        }
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        assert_eq!(lines, [whole("one"), whole(""), Line::TooLong, whole("fits!"), whole("end")]);
        assert_eq!(bytes, text.len() as u64);
    }
}
