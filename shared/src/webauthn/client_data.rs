//! What the browser says of a ceremony (`CollectedClientData`, section 5.8.1), and signs nothing of: the authenticator signs its hash.

use serde_json::{Map, Value};

use super::{Challenge, PasskeyRefused};
use crate::domain::strict_json;

/// Which of the two ceremonies it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceremony {
    Create,
    Get,
}

impl Ceremony {
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

/// One object whose members are distinct: two readers can't disagree about it. Members that nobody knows are welcome, since
/// browsers add some on purpose.
pub(super) struct ClientData(Map<String, Value>);

impl ClientData {
    pub(super) fn read(json: &[u8]) -> Result<Self, PasskeyRefused> {
        strict_json::object(json).map(Self).map_err(|_| PasskeyRefused::ClientData)
    }

    fn text(&self, name: &str) -> Result<&str, PasskeyRefused> {
        self.0.get(name).and_then(Value::as_str).ok_or(PasskeyRefused::ClientData)
    }

    /// The challenge that was answered, before anybody knows whether it is ours.
    pub(super) fn challenge(&self) -> Result<Challenge, PasskeyRefused> {
        Challenge::parse(self.text("challenge")?).ok_or(PasskeyRefused::Challenge)
    }

    /// # Errors
    /// What is wrong, where anything is.
    pub(super) fn check(
        &self,
        ceremony: Ceremony,
        challenge: &Challenge,
        is_ours: impl FnOnce(&str) -> bool,
    ) -> Result<(), PasskeyRefused> {
        if self.text("type")? != ceremony.name() {
            return Err(PasskeyRefused::ClientData);
        }
        if self.text("challenge")? != challenge.text() {
            return Err(PasskeyRefused::Challenge);
        }
        if !is_ours(self.text("origin")?) {
            return Err(PasskeyRefused::Origin);
        }
        // In a frame of another origin, or said to be there: our page is never in one.
        let is_same = matches!(self.0.get("crossOrigin"), None | Some(Value::Bool(false)));
        if !is_same || self.0.contains_key("topOrigin") {
            return Err(PasskeyRefused::CrossOrigin);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::origin::AllowedOrigins;

    const ORIGIN: &str = "https://example.org";

    fn checked(json: &str) -> Result<(), PasskeyRefused> {
        let origins = AllowedOrigins::parse("https://example.org,http://localhost:8080").unwrap();
        let ours = |origin: &str| origins.contains(origin);
        ClientData::read(json.as_bytes())?.check(Ceremony::Get, &Challenge::from_bytes([7; 32]), ours)
    }

    fn json(kind: &str, challenge: &str, origin: &str, more: &str) -> String {
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}"{more}}}"#)
    }

    const OURS: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";

    #[test]
    fn what_a_browser_says_of_our_page_is_taken_with_members_that_nobody_knows() {
        for more in [
            "",
            r#","crossOrigin":false"#,
            r#","extraData":"clientDataJSON may be extended","tokenBinding":{}"#,
        ] {
            assert_eq!(checked(&json("webauthn.get", OURS, ORIGIN, more)), Ok(()), "{more}");
        }
        assert_eq!(checked(&json("webauthn.get", OURS, "http://localhost:8080", "")), Ok(()));
    }

    #[test]
    fn a_registration_is_no_login_and_the_other_way_round() {
        for kind in ["webauthn.create", "payment.get", "webauthn.getx", ""] {
            assert_eq!(checked(&json(kind, OURS, ORIGIN, "")), Err(PasskeyRefused::ClientData), "{kind}");
        }
    }

    #[test]
    fn an_answer_to_another_challenge_is_refused_and_so_is_another_spelling_of_ours() {
        let padded = format!("{OURS}=");
        for challenge in [
            &padded,
            "",
            "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwd",
            "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg",
        ] {
            assert_eq!(
                checked(&json("webauthn.get", challenge, ORIGIN, "")),
                Err(PasskeyRefused::Challenge),
                "{challenge}"
            );
        }
    }

    #[test]
    fn an_origin_is_ours_as_a_whole_or_not_at_all() {
        for origin in [
            "https://example.org.evil.example",
            "https://sub.example.org",
            "https://example.org:8443",
            "https://example.org/",
            "http://example.org",
            "http://localhost",
            "http://localhost:8081",
            "https://EXAMPLE.org",
            "null",
            "",
        ] {
            assert_eq!(
                checked(&json("webauthn.get", OURS, origin, "")),
                Err(PasskeyRefused::Origin),
                "{origin}"
            );
        }
    }

    #[test]
    fn a_page_that_is_framed_by_another_gets_nothing() {
        for more in [
            r#","crossOrigin":true"#,
            r#","crossOrigin":null"#,
            r#","crossOrigin":"false""#,
            r#","crossOrigin":false,"topOrigin":"https://example.org""#,
            r#","topOrigin":null"#,
        ] {
            assert_eq!(
                checked(&json("webauthn.get", OURS, ORIGIN, more)),
                Err(PasskeyRefused::CrossOrigin),
                "{more}"
            );
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_read_by_nobody() {
        let twice = json("webauthn.get", OURS, ORIGIN, r#","origin":"https://evil.example""#);
        for json in [&twice, "[]", "", "null", r#"{"type":"webauthn.get"}"#, "{} {}", "\u{feff}{}"] {
            assert_eq!(checked(json), Err(PasskeyRefused::ClientData), "{json}");
        }
    }
}
