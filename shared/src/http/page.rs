//! Lists in pages: `limit` and `cursor` of the query.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::Request;
use crate::{
    domain::{
        ids::SessionId,
        refusal::{Fault, FieldFault, Refusal},
    },
    flows::sessions::Page,
};

/// How many sessions a page has at most, and where nobody asks for fewer: with devices of the longest kind, 200 KB.
pub const MAX_PAGE: usize = 100;

impl Request {
    /// Which sessions are asked for.
    ///
    /// # Errors
    /// `Invalid`, with every fault.
    pub fn sessions_page(&self) -> Result<Page, Refusal> {
        let mut faults = Vec::new();
        let limit = self.read("limit", limit, &mut faults);
        let before = self.read("cursor", session, &mut faults);
        if faults.is_empty() {
            Ok(Page { limit: limit.unwrap_or(MAX_PAGE), before })
        } else {
            Err(Refusal::Invalid(faults))
        }
    }

    fn read<T>(
        &self,
        field: &'static str,
        parse: fn(&str) -> Option<T>,
        faults: &mut Vec<FieldFault>,
    ) -> Option<T> {
        let read = match self.query(field) {
            Ok(None) => return None,
            Ok(Some(text)) => parse(text),
            Err(_) => None,
        };
        if read.is_none() {
            faults.push(FieldFault { field, fault: Fault::Invalid });
        }
        read
    }
}

fn limit(text: &str) -> Option<usize> {
    // `parse` takes a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|limit| digits && (1..=MAX_PAGE).contains(limit))
}

/// What a client sends back to get the page after this one.
#[must_use]
pub fn cursor(next: SessionId) -> String {
    URL_SAFE_NO_PAD.encode(next.as_bytes())
}

fn session(cursor: &str) -> Option<SessionId> {
    let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(cursor).ok()?.try_into().ok()?;
    Some(SessionId::new(uuid::Uuid::from_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is_one() {
        let id: SessionId = "0190163d-8694-739b-aea5-966c26f8ad92".parse().unwrap();
        let text = cursor(id);
        assert_eq!(session(&text), Some(id));
        for wrong in [
            "0190163d-8694-739b-aea5-966c26f8ad92",
            &text[1..],
            &format!("{text}="),
            &format!("{text}AA"),
            "USER#x",
        ] {
            assert_eq!(session(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_limit_is_a_number_from_1_to_100() {
        assert_eq!((limit("1"), limit("100")), (Some(1), Some(100)));
        for wrong in ["0", "101", "-1", "+1", "1.0", "1e2", " 1", "x", "99999999999999999999999"] {
            assert_eq!(limit(wrong), None, "{wrong}");
        }
    }
}
