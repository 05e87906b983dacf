//! The users of a file, read in batches beside the work that is done with them.

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use nova_auth::domain::email::Email;
use nova_auth::domain::user_record::{MAX_LINE_BYTES, RecordFault, UserRecord};
use nova_auth::store::USERS_AT_ONCE;
use tokio::sync::mpsc;

use super::lines::{self, Line};

/// What the reader hands on.
pub(super) enum Found {
    /// Users of addresses that no other batch has, and how far in the file the last one ends.
    Batch(Vec<UserRecord>, u64),
    /// A line that is left out, and why.
    Refused(u64, String),
    /// The file can't be read on.
    Broken(std::io::Error),
}

/// A file, or standard input.
type Source = Box<dyn Read + Send>;

/// What is read, and how long it is, where that is known.
pub(super) fn open(path: &Path) -> Result<(Source, Option<u64>), Box<dyn Error>> {
    if path == Path::new("-") {
        return Ok((Box::new(std::io::stdin()), None));
    }
    let named = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(named)?;
    let size = file.metadata().map_err(named)?.len();
    Ok((Box::new(file), Some(size)))
}

/// Reads to the end, or until nobody listens any more.
pub(super) fn read(source: Source, send: &mpsc::Sender<Found>) {
    let mut reader = BufReader::with_capacity(64 * 1024, source);
    let (mut number, mut place) = (0, 0);
    let (mut batch, mut seen) = (Vec::new(), Seen::default());
    let hand_on = |batch: &mut Vec<UserRecord>, place| {
        let records = std::mem::take(batch);
        records.is_empty() || send.blocking_send(Found::Batch(records, place)).is_ok()
    };
    loop {
        let (line, bytes) = match next_line(&mut reader) {
            Ok(Some(found)) => found,
            Ok(None) => break,
            Err(error) => {
                drop(send.blocking_send(Found::Broken(error)));
                return;
            }
        };
        number += 1;
        place += bytes;
        let is_heard = match seen.record(&line, number) {
            None => true,
            Some(Err(reason)) => send.blocking_send(Found::Refused(number, reason)).is_ok(),
            Some(Ok(record)) => {
                batch.push(record);
                batch.len() < USERS_AT_ONCE || hand_on(&mut batch, place)
            }
        };
        if !is_heard {
            return;
        }
    }
    hand_on(&mut batch, place);
}

fn next_line(reader: &mut impl BufRead) -> std::io::Result<Option<(Line, u64)>> {
    lines::next(reader, MAX_LINE_BYTES)
}

/// Without the blanks around it, and without the mark that some editors put before the first line.
fn trimmed(line: &[u8], is_first: bool) -> &[u8] {
    let line = if is_first { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
    line.trim_ascii()
}

/// The addresses so far, by half of their SHA-256, each with the line that it stood in first. Batches are on their way side
/// by side: of two with one address neither would be the first for certain.
#[derive(Default)]
struct Seen(HashMap<u128, u64>);

impl Seen {
    /// The user of a line, or why it is none; nothing for an empty line.
    fn record(&mut self, line: &Line, number: u64) -> Option<Result<UserRecord, String>> {
        let parsed = match line {
            Line::Whole(text) => match trimmed(text, number == 1) {
                [] => return None,
                text => UserRecord::parse(text),
            },
            Line::TooLong => Err(RecordFault::TooLong),
        };
        Some(parsed.map_err(|fault| fault.to_string()).and_then(|record| {
            match self.before(&record.email, number) {
                None => Ok(record),
                Some(first) => Err(format!("duplicate of line {first}, which is used")),
            }
        }))
    }

    /// The line in which the address stood before this one.
    fn before(&mut self, email: &Email, number: u64) -> Option<u64> {
        let digest = email.digest();
        // A digest is hexadecimal. If it were not, addresses would be taken for one, and named.
        let half = digest.get(..32).and_then(|half| u128::from_str_radix(half, 16).ok()).unwrap_or_default();
        let first = *self.0.entry(half).or_insert(number);
        (first != number).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2b$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    fn line(email: &str, name: &str) -> Line {
        let hash = HASH;
        Line::Whole(format!(r#"{{"email":"{email}","name":"{name}","passwordHash":"{hash}"}}"#).into_bytes())
    }

    #[test]
    fn of_two_lines_with_one_address_in_any_spelling_the_first_that_is_a_user_counts() {
        let mut seen = Seen::default();
        let mut read = |number, email: &str, name: &str| seen.record(&line(email, name), number).unwrap();
        assert_eq!(read(1, "sara@example.com", ""), Err("name is empty".to_owned()));
        assert_eq!(read(2, "Sara@Example.com", "Sara").unwrap().name.as_str(), "Sara");
        assert!(read(3, "omar@example.com", "Omar").is_ok());
        for number in [4, 5] {
            let again = read(number, " ｓａｒａ@example.com", "Sarah");
            assert_eq!(again, Err("duplicate of line 2, which is used".to_owned()));
        }
    }
}
