//! `Authorization: Bearer …` (RFC 6750, section 2.1).

use crate::{domain::refusal::Refusal, keys::Token};

/// The one bearer token among the values of `Authorization`; `None` where there is none.
///
/// # Errors
/// `TokenInvalid` for several values (two readers could pick different ones) and for a token with a space in it.
pub fn bearer<'v>(values: impl IntoIterator<Item = &'v str>) -> Result<Option<Token>, Refusal> {
    let mut values = values.into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::TokenInvalid);
    }
    let value = value.trim();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Ok(None);
    }
    if token.contains(|c: char| c.is_whitespace() || c == ',') {
        return Err(Refusal::TokenInvalid);
    }
    Ok(Some(Token::new(token)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, Refusal> {
        bearer(values.iter().copied()).map(|token| token.map(|token| token.expose().to_owned()))
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for value in ["Bearer abc", "bearer  abc", " BEARER abc "] {
            assert_eq!(read(&[value]), Ok(Some("abc".to_owned())), "{value}");
        }
    }

    #[test]
    fn no_bearer_token_is_none() {
        for value in ["", "Bearer", "Bearer ", "Basic abc", "abc"] {
            assert_eq!(read(&[value]), Ok(None), "{value}");
        }
        assert_eq!(read(&[]), Ok(None));
    }

    #[test]
    fn two_tokens_are_refused_however_they_are_sent() {
        assert_eq!(read(&["Bearer a", "Bearer a"]), Err(Refusal::TokenInvalid));
        assert_eq!(read(&["Bearer a, Bearer b"]), Err(Refusal::TokenInvalid));
        assert_eq!(read(&["Bearer a b"]), Err(Refusal::TokenInvalid));
    }
}
