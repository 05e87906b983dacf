//! A file's name. It is kept for people, and never becomes part of a key, a policy or a path.

use serde::{Deserialize, Serialize};

/// What a person calls a file: shown again when it is downloaded, and looked at for nothing else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

/// A name often says who somebody is.
impl std::fmt::Debug for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileName(…)")
    }
}

/// The text is not a file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a file name")]
pub struct NotAName;

/// The most bytes that common file systems take.
const MAX_BYTES: usize = 255;

impl TryFrom<String> for FileName {
    type Error = NotAName;

    fn try_from(name: String) -> Result<Self, NotAName> {
        let is_long = name.is_empty() || name.len() > MAX_BYTES;
        let is_path = name.contains(['/', '\\']) || name == "." || name == "..";
        // What turns the order of letters round shows a name that is another one.
        let is_hidden = |c: char| {
            c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        };
        if is_long || is_path || name.contains(is_hidden) { Err(NotAName) } else { Ok(Self(name)) }
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

impl FileName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `Content-Disposition` of a download: never shown in the browser, under this name (RFC 6266, RFC 8187).
    #[must_use]
    pub fn attachment(&self) -> String {
        // Of RFC 8187's attr-char, those that no reader of headers takes for something else.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let write =
            |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        let name: String = self.0.bytes().map(write).collect();
        format!("attachment; filename*=UTF-8''{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<FileName, NotAName> {
        FileName::try_from(text.to_owned())
    }

    #[test]
    fn a_name_in_any_script_is_kept_and_written_in_ascii() {
        let name = name("تقرير \"2026\"; x.pdf").unwrap();
        let header = name.attachment();
        assert!(header.is_ascii() && !header.contains('"'), "{header}");
        assert!(header.starts_with("attachment; filename*=UTF-8''%D8%AA%D9%82"), "{header}");
        assert!(header.ends_with("%20%222026%22%3B%20x.pdf"), "{header}");
        assert_eq!(format!("{name:?}"), "FileName(…)");
    }

    #[test]
    fn a_name_that_is_a_path_or_hides_its_end_is_refused() {
        for text in ["", ".", "..", "a/b", "a\\b", "a\0b", "a\r\nb", "invoice\u{202e}fdp.exe", "a\u{200b}b"] {
            assert!(name(text).is_err(), "{text:?}");
        }
        assert!(name(&"a".repeat(255)).is_ok() && name(&"a".repeat(256)).is_err());
    }
}
