//! Tokens as text: the strict parsing of a JWS in compact form (RFC 7515, section 7.1).
//!
//! Nothing here believes a token. The signature is checked next, with the key that `kid` names and **that key's**
//! algorithm (RFC 8725, section 3.1); only then are the claims read.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::strict_json;

/// The longest token that is looked at.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// The `typ` of an access token (RFC 9068, section 2.1).
pub const ACCESS_TYP: &str = "at+jwt";
/// The `typ` of a ticket to connect.
pub const TICKET_TYP: &str = "ticket+jwt";
/// The `typ` of a refresh token.
pub const REFRESH_TYP: &str = "rt+jwt";

/// A token that is well formed, and nothing more than that.
pub struct Unverified<'t> {
    /// The key that signed it, as it says.
    pub kid: String,
    /// The algorithm that signed it, as it says; it must be the key's.
    pub alg: String,
    /// What the signature covers.
    pub signing_input: &'t str,
    /// The signature, base64url.
    pub signature: &'t str,
    payload: Vec<u8>,
}

/// Its parts are the token.
impl std::fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unverified").finish_non_exhaustive()
    }
}

/// The text is not a token of the kind that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed token")]
pub struct Malformed;

impl<'t> Unverified<'t> {
    /// Takes a token apart.
    ///
    /// The header must be exactly `alg`, `kid` and `typ`, as we write it: `crit`, `jku`, `jwk`, `x5u`, `x5c`, `zip`,
    /// `b64` and all that is unknown are refused with that. base64url must be canonical, so that one token has one
    /// spelling (a blacklist by text could otherwise be slipped past).
    ///
    /// # Errors
    /// [`Malformed`] for every other text.
    pub fn parse(token: &'t str, typ: &str) -> Result<Self, Malformed> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Malformed);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(Malformed)?;
        if payload.contains('.') || signature.is_empty() {
            return Err(Malformed);
        }
        let header = strict_json::object(&decode(header)?).map_err(|_| Malformed)?;
        let payload = decode(payload)?;
        decode(signature)?;
        let text = |name: &str| header.get(name).and_then(serde_json::Value::as_str).ok_or(Malformed);
        if header.len() != 3 || text("typ")? != typ {
            return Err(Malformed);
        }
        Ok(Self {
            kid: text("kid")?.to_owned(),
            alg: text("alg")?.to_owned(),
            signing_input,
            signature,
            payload,
        })
    }

    /// The claims, to be believed once the signature is known to be good.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// Canonical base64url without padding (the engine refuses padding and stray trailing bits).
fn decode(part: &str) -> Result<Vec<u8>, Malformed> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode("{}"))
    }

    const HEADER: &str = r#"{"typ":"at+jwt","alg":"HS256","kid":"access-1"}"#;

    #[test]
    fn a_token_of_ours_is_taken_apart() {
        let token = token(HEADER);
        let parsed = Unverified::parse(&token, ACCESS_TYP).unwrap();
        assert_eq!(
            (parsed.kid.as_str(), parsed.alg.as_str(), parsed.signature),
            ("access-1", "HS256", "c2ln")
        );
        assert_eq!(parsed.payload(), b"{}");
    }

    #[test]
    fn a_token_of_one_kind_is_refused_where_the_other_is_expected() {
        assert!(Unverified::parse(&token(HEADER), REFRESH_TYP).is_err());
    }

    #[test]
    fn a_header_that_says_anything_else_is_refused() {
        for member in
            [r#""crit":[]"#, r#""jku":"x""#, r#""jwk":{}"#, r#""x5u":"x""#, r#""zip":"DEF""#, r#""kid":"b""#]
        {
            let header = HEADER.replace('}', &format!(",{member}}}"));
            assert!(Unverified::parse(&token(&header), ACCESS_TYP).is_err(), "{header}");
        }
        for header in
            [r#"{"typ":"at+jwt","alg":"HS256","kid":1}"#, r#"{"typ":"at+jwt","alg":"HS256"}"#, "[]", ""]
        {
            assert!(Unverified::parse(&token(header), ACCESS_TYP).is_err(), "{header}");
        }
    }

    #[test]
    fn one_token_has_one_spelling() {
        let good = token(HEADER);
        let padded = format!("{good}==");
        let spaced = format!(" {good}");
        // "c2ln" is "sig"; "c2lo" ends alike only with other bits, "c2l" leaves bits over.
        let loose = good.replace("c2ln", "c2l");
        let four = format!("{good}.c2ln");
        for text in
            [padded, spaced, loose, four, good.replace("c2ln", ""), good.replace("c2ln", "c2l+"), "..".into()]
        {
            assert!(Unverified::parse(&text, ACCESS_TYP).is_err(), "{text}");
        }
    }

    #[test]
    fn a_token_of_more_than_4_kib_is_not_looked_at() {
        let long = token(&HEADER.replace("access-1", &"k".repeat(MAX_TOKEN_BYTES)));
        assert!(Unverified::parse(&long, ACCESS_TYP).is_err());
    }

    #[test]
    fn a_token_of_4_kib_is_read() {
        let of_length = |length: usize| {
            let payload = URL_SAFE_NO_PAD.encode("{}");
            let header = URL_SAFE_NO_PAD.encode(HEADER);
            let room = length - header.len() - payload.len() - 2;
            format!("{header}.{payload}.{}", "A".repeat(room))
        };
        assert!(Unverified::parse(&of_length(MAX_TOKEN_BYTES), ACCESS_TYP).is_ok());
        assert!(Unverified::parse(&of_length(MAX_TOKEN_BYTES + 1), ACCESS_TYP).is_err());
    }

    #[test]
    fn no_part_of_a_token_shows_in_debug_output() {
        let token = token(HEADER);
        let parsed = Unverified::parse(&token, ACCESS_TYP).unwrap();
        assert_eq!(format!("{parsed:?}"), "Unverified { .. }");
    }
}
