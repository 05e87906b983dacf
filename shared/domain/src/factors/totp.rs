//! Codes of authenticator apps: RFC 6238 with SHA-1, six digits and 30 seconds, which every app can.
//!
//! A code counts for its step, the one before and the one after, and each step once: who remembers the last step that was used
//! passes it in, and writes down the one that comes out.

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretBox};
use totp_rs::{Builder, Token, Totp};

use crate::fault::Fault;

/// The seconds of a step.
const STEP: i64 = 30;

/// A secret is 160 bits long, as RFC 4226, section 4, recommends. A shorter one of another system is refused.
pub const SECRET_BYTES: usize = 20;

/// What an authenticator app and we share.
pub struct TotpSecret(SecretBox<[u8; SECRET_BYTES]>);

/// It shows nothing.
impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret")
    }
}

/// A code as somebody typed it.
pub struct TotpCode(String);

/// It shows nothing.
impl std::fmt::Debug for TotpCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpCode")
    }
}

impl TotpCode {
    /// Takes six digits of ASCII, Arabic or Persian, however they are spaced: as an Arabic keyboard types what an app shows.
    ///
    /// # Errors
    /// [`Fault::Required`] or [`Fault::Invalid`].
    pub fn parse(typed: &str) -> Result<Self, Fault> {
        let mut code = String::with_capacity(6);
        for typed in typed.chars().filter(|c| !c.is_whitespace()) {
            let digit = match typed {
                '0'..='9' => u32::from(typed) - u32::from('0'),
                '\u{660}'..='\u{669}' => u32::from(typed) - 0x660,
                '\u{6f0}'..='\u{6f9}' => u32::from(typed) - 0x6f0,
                _ => return Err(Fault::Invalid),
            };
            code.extend(char::from_digit(digit, 10));
        }
        match code.len() {
            0 => Err(Fault::Required),
            6 => Ok(Self(code)),
            _ => Err(Fault::Invalid),
        }
    }
}

impl TotpSecret {
    /// The secret of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    #[must_use]
    pub fn expose(&self) -> &[u8; SECRET_BYTES] {
        self.0.expose_secret()
    }

    /// What people type who can't scan: base32.
    #[must_use]
    pub fn base32(&self) -> String {
        self.totp("", "").secret().to_base32()
    }

    /// What the QR code says: the key URI that authenticator apps read.
    #[must_use]
    pub fn uri(&self, service: &str, account: &str) -> Option<String> {
        // A colon would end the service's name.
        let (service, account) = (service.replace(':', " "), account.replace(':', " "));
        self.totp(&service, &account).to_url().ok()
    }

    /// The code of a step.
    #[must_use]
    pub fn code_at(&self, time: Timestamp) -> String {
        self.totp("", "").generate(seconds(time)).to_string()
    }

    /// The step that a code is of, if it is a new one: the first after `last` of the three that it may be of. All three are
    /// computed and compared, whichever it is.
    #[must_use]
    pub fn step_of(&self, code: &TotpCode, now: Timestamp, last: Option<i64>) -> Option<i64> {
        let totp = self.totp("", "");
        let now = now.as_second().div_euclid(STEP);
        let matches = [now - 1, now, now + 1].map(|step| {
            let made: Token = totp.generate(u64::try_from(step * STEP).unwrap_or(0));
            let same: bool =
                subtle::ConstantTimeEq::ct_eq(made.to_string().as_bytes(), code.0.as_bytes()).into();
            (step, same)
        });
        matches
            .into_iter()
            .find(|(step, same)| *same && last.is_none_or(|last| last < *step))
            .map(|(step, _)| step)
    }

    fn totp(&self, service: &str, account: &str) -> Totp {
        Builder::new()
            .with_secret(self.expose().to_vec())
            .with_issuer((!service.is_empty()).then_some(service))
            .with_account_name(account)
            // INVARIANT: 160 bits, six digits and 30 seconds, the defaults, are what the library checks for.
            .build_noncompliant()
    }
}

fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_second()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The seed of RFC 6238, appendix B, for SHA-1.
    fn secret() -> TotpSecret {
        TotpSecret::from_bytes(*b"12345678901234567890")
    }

    fn code(text: &str) -> TotpCode {
        TotpCode::parse(text).unwrap()
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B has eight digits; six are its last six.
        for (second, expected) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(secret().code_at(at(second)), expected[2..], "{second}");
        }
    }

    #[test]
    fn codes_are_those_of_rfc_4226() {
        let hotp = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (counter, expected) in (0..).zip(hotp) {
            assert_eq!(secret().code_at(at(counter * 30)), expected);
        }
    }

    #[test]
    fn a_code_counts_a_step_early_and_a_step_late_and_no_longer() {
        let code = code(&secret().code_at(at(3000)));
        for (second, step) in
            [(2969, None), (2970, Some(100)), (3000, Some(100)), (3059, Some(100)), (3060, None)]
        {
            assert_eq!(secret().step_of(&code, at(second), None), step, "{second}");
        }
    }

    #[test]
    fn a_step_counts_once_and_no_step_before_it_afterwards() {
        let code = code(&secret().code_at(at(3000)));
        assert_eq!(secret().step_of(&code, at(3000), Some(99)), Some(100));
        assert_eq!(secret().step_of(&code, at(3000), Some(100)), None);
        assert_eq!(secret().step_of(&code, at(3000), Some(101)), None);
    }

    #[test]
    fn another_code_or_another_secret_opens_nothing() {
        let wrong = code("000000");
        assert_eq!(secret().step_of(&wrong, at(3000), None), None);
        let other = TotpSecret::from_bytes([7; 20]);
        assert_eq!(other.step_of(&code(&secret().code_at(at(3000))), at(3000), None), None);
    }

    #[test]
    fn a_code_may_be_typed_on_an_arabic_keyboard_and_in_two_groups() {
        let code = secret().code_at(at(3000));
        for (zero, name) in [(0x660, "Arabic"), (0x6f0, "Persian")] {
            let typed: String =
                code.bytes().filter_map(|b| char::from_u32(zero + u32::from(b - b'0'))).collect();
            let (first, last) = typed.split_at(typed.len() / 2);
            let typed = TotpCode::parse(&format!(" {first} {last}")).unwrap();
            assert_eq!(secret().step_of(&typed, at(3000), None), Some(100), "{name}");
        }
        for wrong in ["12345", "1234567", "12345a", "١٢٣٤٥", "+12345"] {
            assert_eq!(TotpCode::parse(wrong).err(), Some(Fault::Invalid), "{wrong}");
        }
        assert_eq!(TotpCode::parse(" ").err(), Some(Fault::Required));
    }

    #[test]
    fn the_uri_is_what_authenticator_apps_read() {
        assert_eq!(secret().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            secret().uri("Nova CRM", "sara@example.com").unwrap(),
            "otpauth://totp/Nova%20CRM:sara%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Nova%20CRM"
        );
        assert!(secret().uri("Nova: CRM", "sara@example.com").is_some());
    }

    #[test]
    fn neither_a_secret_nor_a_code_is_shown() {
        let code = code("123456");
        assert_eq!(format!("{:?} {code:?}", secret()), "TotpSecret TotpCode");
    }
}
