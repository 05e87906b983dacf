//! Lists of passwords, as they come: none of what is in them is ever shown.

use std::error::Error;
use std::io::{BufRead, Read as _};

use nova_auth::domain::breached::Fingerprint;
use nova_auth::domain::password::Password;

/// No line of the public list is longer.
const LONGEST_ENTRY: u64 = 80;

/// No password is.
const LONGEST_PASSWORD: u64 = 4096;

/// The public list: lines `HASH:COUNT`, in the order of the hashes.
pub(super) struct Hashes<R> {
    input: R,
    at_least: u64,
    line: Vec<u8>,
    last: Option<[u8; 20]>,
    /// How many lines were read.
    pub(super) lines: u64,
    /// How many bytes.
    pub(super) bytes: u64,
    /// How many entries were not seen often enough.
    pub(super) left_out: u64,
}

impl<R: BufRead> Hashes<R> {
    pub(super) fn new(input: R, at_least: u64) -> Self {
        Self { input, at_least, line: Vec::new(), last: None, lines: 0, bytes: 0, left_out: 0 }
    }

    /// The next one that was seen often enough.
    ///
    /// # Errors
    /// When a line is no entry, or comes after one that it belongs before.
    pub(super) fn next(&mut self) -> Result<Option<Fingerprint>, Box<dyn Error>> {
        while next_line(&mut self.input, &mut self.line, LONGEST_ENTRY)? {
            self.lines += 1;
            self.bytes += u64::try_from(self.line.len())?;
            let Some(line) = content(&self.line, self.lines) else { continue };
            let (hash, count) = entry(line).map_err(|fault| format!("line {}: {fault}", self.lines))?;
            if self.last.is_some_and(|last| hash < last) {
                return Err(format!(
                    "line {}: its hash sorts before the one on the line above. Sort the list: LC_ALL=C \
                     sort -o FILE FILE",
                    self.lines
                )
                .into());
            }
            self.last = Some(hash);
            // The public list is padded with entries that were seen 0 times, where its maker was asked for that.
            if count < self.at_least {
                self.left_out += 1;
                continue;
            }
            return Ok(Some(Fingerprint::of_sha1(hash)));
        }
        Ok(None)
    }
}

/// A list of passwords, one a line, in any order: what is to be looked up of all of them, in order.
///
/// # Errors
/// When a line is no text, or longer than any password.
pub(super) fn plain(mut input: impl BufRead) -> Result<Vec<Fingerprint>, Box<dyn Error>> {
    let (mut all, mut line, mut number) = (Vec::new(), Vec::new(), 0);
    while next_line(&mut input, &mut line, LONGEST_PASSWORD)? {
        number += 1;
        let Some(line) = content(&line, number) else { continue };
        let text = std::str::from_utf8(line).map_err(|_| format!("line {number}: not UTF-8"))?;
        // In both forms, so that it is found however a keyboard writes it.
        all.extend(Password::new(text.to_owned()).fingerprints());
        if u64::try_from(line.len())? >= LONGEST_PASSWORD {
            return Err(format!("line {number}: longer than any password").into());
        }
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// Reads a line, or as much of it as there may be; `false` at the end.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>, longest: u64) -> std::io::Result<bool> {
    line.clear();
    Ok(input.by_ref().take(longest + 3).read_until(b'\n', line)? > 0)
}

/// A line without its end, and the first one without the mark that some programs for Windows begin a file with.
fn content(line: &[u8], number: u64) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| number == 1).unwrap_or(line);
    (!line.is_empty()).then_some(line)
}

/// A hash, and how often its password was seen.
fn entry(line: &[u8]) -> Result<([u8; 20], u64), &'static str> {
    const FORM: &str = "not HASH:COUNT with the 40 hexadecimal digits of a SHA-1";
    let colon = line.iter().position(|byte| *byte == b':').ok_or(FORM)?;
    let (digits, count) = line.split_at_checked(colon).ok_or(FORM)?;
    if digits.len() == 32 && digits.iter().all(u8::is_ascii_hexdigit) {
        return Err("the 32 digits of an NTLM hash. Download the list of SHA-1 hashes");
    }
    let (pairs, []) = digits.as_chunks::<2>() else { return Err(FORM) };
    let mut hash = [0; 20];
    if pairs.len() != hash.len() {
        return Err(FORM);
    }
    for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
        *byte = digit(*high).ok_or(FORM)? << 4 | digit(*low).ok_or(FORM)?;
    }
    let count = count.strip_prefix(b":").filter(|count| count.iter().all(u8::is_ascii_digit)).ok_or(FORM)?;
    let count = std::str::from_utf8(count).ok().and_then(|count| count.parse().ok()).ok_or(FORM)?;
    Ok((hash, count))
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8";
    const BREAD: &str = "21BD12DC183F740EE76F27B78EB39C8AD972A757";

    fn read(list: &[u8], at_least: u64) -> Result<(Vec<Fingerprint>, u64), String> {
        let (mut hashes, mut all) = (Hashes::new(list, at_least), Vec::new());
        while let Some(one) = hashes.next().map_err(|error| error.to_string())? {
            all.push(one);
        }
        Ok((all, hashes.left_out))
    }

    fn of(passwords: &[&str]) -> Vec<Fingerprint> {
        passwords.iter().map(|password| Fingerprint::of(password)).collect()
    }

    #[test]
    fn the_public_list_is_read_with_either_end_of_line() {
        for end in ["\n", "\r\n"] {
            for last in ["", end] {
                let list = format!("{BREAD}:1{end}{PASSWORD}:9545824{last}");
                assert_eq!(read(list.as_bytes(), 1), Ok((of(&["P@ssw0rd", "password"]), 0)), "{list:?}");
            }
        }
        let list = format!("\u{feff}{}:1\n\n{PASSWORD}:2\n", BREAD.to_lowercase());
        assert_eq!(read(list.as_bytes(), 1), Ok((of(&["P@ssw0rd", "password"]), 0)));
        assert_eq!(read(b"", 1), Ok((vec![], 0)));
    }

    #[test]
    fn a_password_that_was_seen_too_seldom_is_left_out() {
        let list = format!("{BREAD}:4\n{PASSWORD}:5\n");
        assert_eq!(read(list.as_bytes(), 5), Ok((of(&["password"]), 1)));
        assert_eq!(read(list.as_bytes(), 6), Ok((vec![], 2)));
        let padded = format!("{BREAD}:0\n{PASSWORD}:1\n");
        assert_eq!(read(padded.as_bytes(), 1), Ok((of(&["password"]), 1)));
    }

    #[test]
    fn a_list_that_is_out_of_order_is_refused_and_the_line_named() {
        let list = format!("{BREAD}:1\n\n{PASSWORD}:1\n{BREAD}:1\n");
        let refused = read(list.as_bytes(), 1).unwrap_err();
        assert!(refused.starts_with("line 4: ") && refused.contains("sort"), "{refused}");
        // Also where the line would be left out.
        assert!(read(list.replace("75", "76").as_bytes(), 2).unwrap_err().starts_with("line 4: "));
        let twice = format!("{BREAD}:1\n{BREAD}:1\n");
        assert_eq!(read(twice.as_bytes(), 1), Ok((of(&["P@ssw0rd", "P@ssw0rd"]), 0)));
    }

    #[test]
    fn a_line_that_is_no_entry_is_named_without_what_stands_in_it() {
        let long = "CANARY".repeat(1000);
        for wrong in [
            "canary".to_owned(),
            PASSWORD.to_owned(),
            format!("{PASSWORD}:"),
            format!("{PASSWORD}:-1"),
            format!("{PASSWORD}:+1"),
            format!("{PASSWORD}: 1"),
            format!("{PASSWORD}:1:2"),
            format!("{PASSWORD}:18446744073709551616"),
            format!("{PASSWORD}0:1"),
            format!("{PASSWORD}00:1"),
            format!(" {PASSWORD}:1"),
            PASSWORD.replace('5', "G") + ":1",
            PASSWORD[1..].to_owned() + ":1",
            PASSWORD[5..].to_owned() + ":1",
            long,
        ] {
            let refused = read(format!("{BREAD}:1\n{wrong}\n").as_bytes(), 1).unwrap_err();
            assert_eq!(
                refused, "line 2: not HASH:COUNT with the 40 hexadecimal digits of a SHA-1",
                "{wrong}"
            );
        }
        let ntlm = read(b"8846F7EAEE8FB117AD06BDD830B7586C:1", 1).unwrap_err();
        assert!(ntlm.contains("NTLM") && !ntlm.contains("8846"), "{ntlm}");
    }

    #[test]
    fn a_list_of_plain_passwords_is_taken_in_any_order_and_in_both_forms() {
        let sorted = |passwords: &[&str]| {
            let mut all = of(passwords);
            all.sort_unstable();
            all
        };
        let list = "zebra \r\nabc\n\nabc\ncafe\u{301}";
        let found = plain(list.as_bytes()).unwrap();
        assert_eq!(found, sorted(&["zebra ", "abc", "cafe\u{301}", "caf\u{e9}"]));
        assert_eq!(plain("\u{feff}abc\n".as_bytes()).unwrap(), of(&["abc"]));
        assert_eq!(plain(&b"abc\n\xff\xfe\n"[..]).unwrap_err().to_string(), "line 2: not UTF-8");
        let long = format!("abc\n{}\n", "x".repeat(5000));
        assert_eq!(plain(long.as_bytes()).unwrap_err().to_string(), "line 2: longer than any password");
    }
}
