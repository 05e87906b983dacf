//! Passwords: what people type, the policy for new ones, and the hashes that are kept.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    breached::Fingerprint, characters::other_than_nfc, common_passwords, email::Email, refusal::Fault,
};

/// bcrypt reads no further than this.
pub const MAX_BYTES: usize = 72;

/// A password: the bytes that somebody typed, and their one normal form. It redacts itself.
#[derive(Debug, Clone)]
pub struct Password {
    normal: SecretString,
    /// What was typed, where that is another text.
    typed: Option<SecretString>,
}

impl Password {
    /// Takes what was typed, and its Normalization Form C, which SP 800-63B-4, section 3.1.1.2, wants hashed: keyboards
    /// write `é` and `آ` as one character or as two. It is not trimmed.
    #[must_use]
    pub fn new(typed: String) -> Self {
        let normal = other_than_nfc(&typed).map(SecretString::from);
        let typed = SecretString::from(typed);
        match normal {
            Some(normal) => Self { normal, typed: Some(typed) },
            None => Self { normal: typed, typed: None },
        }
    }

    /// The bytes of the normal form that bcrypt sees: a new hash is made of them. The old CRM cut at 72 bytes silently, so
    /// a longer password that was set there must go on verifying; a new one that long is refused by [`PasswordProfile::check`].
    #[must_use]
    pub fn verifiable_bytes(&self) -> &[u8] {
        cut(&self.normal)
    }

    /// The bytes as they were typed, where bcrypt sees others than of the normal form: an older hash may be of them.
    #[must_use]
    pub fn typed_bytes(&self) -> Option<&[u8]> {
        self.typed.as_ref().map(cut).filter(|typed| *typed != self.verifiable_bytes())
    }

    /// What a list of breached passwords is asked for: the normal form, and what was typed where that is another text. It
    /// is breached if either is in the list. Whole, and not as far as bcrypt reads: nobody cut those of the list.
    pub fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> + use<> {
        let of = |text: &SecretString| Fingerprint::of(text.expose_secret());
        [Some(of(&self.normal)), self.typed.as_ref().map(of)].into_iter().flatten()
    }
}

fn cut(text: &SecretString) -> &[u8] {
    let bytes = text.expose_secret().as_bytes();
    bytes.get(..MAX_BYTES).unwrap_or(bytes)
}

/// Which passwords may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PasswordProfile {
    /// The CRM's: 8 characters, mixed case, a digit and a symbol.
    #[default]
    Crm,
    /// NIST SP 800-63B-4, section 3.1.1.2: 15 characters, and no composition rules, which it forbids.
    Nist,
}

impl PasswordProfile {
    /// Checks a new password and reports every fault at once.
    ///
    /// # Errors
    /// Every rule that the password breaks.
    pub fn check(self, password: &Password, email: &Email) -> Result<(), Vec<Fault>> {
        let faults = self.faults(password, Some(email));
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Every rule that a new password breaks; `email` is the address that it must not be, where it is known.
    #[must_use]
    pub fn faults(self, password: &Password, email: Option<&Email>) -> Vec<Fault> {
        let text = password.normal.expose_secret();
        let mut faults = Vec::new();
        let mut rule = |kept: bool, fault: Fault| {
            if !kept {
                faults.push(fault);
            }
        };
        let least = self.min_characters();
        rule(text.chars().count() >= least.into(), Fault::PasswordTooShort(least));
        if self == Self::Crm {
            rule(
                text.chars().any(char::is_uppercase) && text.chars().any(char::is_lowercase),
                Fault::PasswordNeedsMixedCase,
            );
            rule(text.chars().any(char::is_numeric), Fault::PasswordNeedsDigit);
            // Whatever a keyboard or a password manager puts between letters and digits: a hyphen, a blank, an emoji.
            rule(text.chars().any(|c| !c.is_alphabetic() && !c.is_numeric()), Fault::PasswordNeedsSymbol);
        }
        rule(text.len() <= MAX_BYTES, Fault::PasswordTooLong);
        // bcrypt ends at the first NUL in many implementations, so the rest of the password would count for nothing.
        rule(!text.contains('\0'), Fault::Invalid);
        let is_address = email.is_some_and(|email| {
            text.trim().to_lowercase() == email.as_str() || Email::parse(text).as_ref() == Ok(email)
        });
        rule(!is_address && !common_passwords::contains(text), Fault::PasswordTooCommon);
        faults
    }

    fn min_characters(self) -> u8 {
        match self {
            Self::Crm => 8,
            Self::Nist => 15,
        }
    }
}

/// The costs that a hash may have been made with. A costlier one would hang a login.
const COSTS: std::ops::RangeInclusive<u32> = 4..=15;

/// A bcrypt hash as it is stored. It redacts itself.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PasswordHash {
    text: String,
    cost: u32,
}

impl PasswordHash {
    /// Takes `$2a$`, `$2b$` and `$2y$` hashes: `$2?$CC$` and 53 characters of salt and digest.
    ///
    /// The last characters of salt and digest hold more bits than there are to say. Some libraries have set them (passlib
    /// before 1.5.3 did), and ours refuses them: they are cleared, as passlib's `normhash` does.
    ///
    /// # Errors
    /// [`Fault::Invalid`] for everything else.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut parts = text.split('$');
        let shape = (parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
        let (Some(""), Some(version @ ("2a" | "2b" | "2y")), Some(cost), Some(rest), None) = shape else {
            return Err(Fault::Invalid);
        };
        let [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = cost.as_bytes() else { return Err(Fault::Invalid) };
        let number = u32::from(tens - b'0') * 10 + u32::from(ones - b'0');
        let rest = normal_salt_and_digest(rest).filter(|_| COSTS.contains(&number)).ok_or(Fault::Invalid)?;
        Ok(Self { text: format!("${version}${cost}${rest}"), cost: number })
    }

    /// A well-formed hash of this cost that no password verifies against in practice: hashing for people who do not
    /// exist takes as long as for those who do.
    #[must_use]
    pub fn decoy(cost: u32) -> Self {
        Self { text: format!("$2b${cost:02}$abcdefghijklmnopqrstuu{}", "u".repeat(31)), cost }
    }

    /// The hash, for bcrypt and for the row.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The work factor: bcrypt runs 2^cost rounds.
    #[must_use]
    pub const fn cost(&self) -> u32 {
        self.cost
    }
}

/// bcrypt's own order of the characters of base64.
const ALPHABET: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// 16 bytes of salt in 22 characters leave four bits over; 23 of the digest in 31 leave two.
fn normal_salt_and_digest(text: &str) -> Option<String> {
    let (salt, digest) = text.split_at_checked(22)?;
    let is_whole = digest.len() == 31 && text.bytes().all(|c| ALPHABET.contains(&c));
    is_whole.then(|| cleared(salt, 4) + &cleared(digest, 2))
}

/// The text with so many of the lowest bits of its last character cleared.
fn cleared(text: &str, bits: u32) -> String {
    let mut text = text.to_owned();
    let last = text.pop().and_then(|last| ALPHABET.iter().position(|known| char::from(*known) == last));
    let last = last.and_then(|index| ALPHABET.get(index >> bits << bits));
    text.extend(last.map(|c| char::from(*c)));
    text
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash(cost {})", self.cost)
    }
}

impl TryFrom<String> for PasswordHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).map_err(|_| "not a bcrypt hash")
    }
}

impl From<PasswordHash> for String {
    fn from(hash: PasswordHash) -> Self {
        hash.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(profile: PasswordProfile, typed: &str) -> Vec<Fault> {
        let email = Email::parse("Sara1!@example.com").unwrap();
        profile.check(&Password::new(typed.to_owned()), &email).err().unwrap_or_default()
    }

    #[test]
    fn every_broken_rule_is_reported_at_once() {
        assert_eq!(faults(PasswordProfile::Crm, "Aa1!aaaa"), []);
        assert_eq!(
            faults(PasswordProfile::Crm, "abc"),
            [
                Fault::PasswordTooShort(8),
                Fault::PasswordNeedsMixedCase,
                Fault::PasswordNeedsDigit,
                Fault::PasswordNeedsSymbol
            ]
        );
        assert_eq!(faults(PasswordProfile::Nist, "abc"), [Fault::PasswordTooShort(15)]);
        assert_eq!(faults(PasswordProfile::Nist, "only small letters"), []);
    }

    #[test]
    fn a_common_password_is_refused_in_both_profiles_beside_everything_else_that_is_wrong() {
        assert_eq!(faults(PasswordProfile::Crm, "Password123!"), [Fault::PasswordTooCommon]);
        assert_eq!(
            faults(PasswordProfile::Crm, "sunshine"),
            [
                Fault::PasswordNeedsMixedCase,
                Fault::PasswordNeedsDigit,
                Fault::PasswordNeedsSymbol,
                Fault::PasswordTooCommon
            ]
        );
        assert_eq!(faults(PasswordProfile::Nist, "passwordpassword"), []);
        assert_eq!(faults(PasswordProfile::Nist, "Basketball12345"), [Fault::PasswordTooCommon]);
    }

    #[test]
    fn what_guessers_try_at_every_account_is_refused_in_both_profiles_and_a_passphrase_with_such_a_word_in_neither()
     {
        assert_eq!(faults(PasswordProfile::Crm, "Winter2026!"), [Fault::PasswordTooCommon]);
        assert_eq!(faults(PasswordProfile::Crm, "2026-W1nter"), [Fault::PasswordTooCommon]);
        assert_eq!(faults(PasswordProfile::Nist, "September2026!!"), [Fault::PasswordTooCommon]);
        assert_eq!(faults(PasswordProfile::Nist, "الشتاء ٢٠٢٦!!!!"), [Fault::PasswordTooCommon]);
        for profile in [PasswordProfile::Crm, PasswordProfile::Nist] {
            assert_eq!(faults(profile, "Winter-garden-9 chairs"), []);
            assert_eq!(faults(profile, "Septembrist2026!x"), []);
        }
    }

    #[test]
    fn characters_are_counted_and_bytes_are_limited() {
        assert_eq!(faults(PasswordProfile::Crm, "Aa1!كلمةس"), []);
        assert_eq!(faults(PasswordProfile::Crm, &format!("Aa1!{}", "x".repeat(68))), []);
        assert_eq!(
            faults(PasswordProfile::Crm, &format!("Aa1!{}", "x".repeat(69))),
            [Fault::PasswordTooLong]
        );
    }

    #[test]
    fn a_nul_and_the_address_itself_are_refused() {
        assert_eq!(faults(PasswordProfile::Crm, "Aa1!aa\0aa"), [Fault::Invalid]);
        assert_eq!(faults(PasswordProfile::Crm, "SARA1!@example.com"), [Fault::PasswordTooCommon]);
    }

    #[test]
    fn the_address_in_its_other_spelling_is_the_address() {
        let email = Email::parse("sara1!a@münchen.de").unwrap();
        for typed in ["Sara1!a@xn--mnchen-3ya.de", "Sara1!a@Mu\u{308}nchen.de"] {
            let faults = PasswordProfile::Crm.faults(&Password::new(typed.to_owned()), Some(&email));
            assert!(faults.contains(&Fault::PasswordTooCommon), "{typed}");
        }
    }

    #[test]
    fn every_character_that_is_neither_letter_nor_digit_is_a_symbol() {
        for typed in [
            "xukqe1-gyhhyV-cyfpyd",
            "Aa1 aaaa",
            "Aa1_aaaa",
            "Aa1؟aaaa",
            "Aa1\u{a0}aaaa",
            "Aa1€aaaa",
            "Aa1😀aaaa",
        ] {
            assert_eq!(faults(PasswordProfile::Crm, typed), [], "{typed}");
        }
        for symbol in (' '..='~').filter(|c| !c.is_ascii_alphanumeric()) {
            assert_eq!(faults(PasswordProfile::Crm, &format!("Xk1{symbol}qwzj")), [], "{symbol}");
        }
        for typed in ["Aa1aaaaa", "Aa١كلمةس", "Aa1ａａａａａ", "Aa1éééée\u{301}"] {
            assert!(faults(PasswordProfile::Crm, typed).contains(&Fault::PasswordNeedsSymbol), "{typed}");
        }
    }

    #[test]
    fn a_password_has_one_normal_form_and_is_judged_in_it() {
        for (composed, decomposed) in
            [("é", "e\u{301}"), ("آمنة", "ا\u{653}منة"), ("한", "\u{1112}\u{1161}\u{11ab}")]
        {
            let (composed, decomposed) =
                (Password::new(composed.to_owned()), Password::new(decomposed.to_owned()));
            assert_eq!(composed.verifiable_bytes(), decomposed.verifiable_bytes());
            assert_eq!(composed.typed_bytes(), None);
            assert_ne!(decomposed.typed_bytes(), None);
        }
        // Six characters that are typed as nine, 72 bytes as 106, and 76 bytes as 40.
        assert!(
            faults(PasswordProfile::Crm, "A1!e\u{301}e\u{301}e\u{301}").contains(&Fault::PasswordTooShort(8))
        );
        assert_eq!(faults(PasswordProfile::Crm, &format!("Aa1!{}", "e\u{301}".repeat(34))), []);
        let grows = format!("Aa1!{}", "\u{958}".repeat(23));
        assert_eq!((grows.len(), faults(PasswordProfile::Crm, &grows)), (73, vec![Fault::PasswordTooLong]));
        let grows = format!("Aa1!{}", "\u{958}".repeat(12));
        assert_eq!((grows.len(), faults(PasswordProfile::Crm, &grows)), (40, vec![Fault::PasswordTooLong]));
        // Not the form that would make a ligature or a wide letter another password's spelling.
        assert_eq!(Password::new("ﬁＡ²".to_owned()).verifiable_bytes(), "ﬁＡ²".as_bytes());
    }

    #[test]
    fn what_bcrypt_reads_of_it_decides_whether_two_forms_are_two() {
        let same = format!("{}e\u{301}", "x".repeat(72));
        assert_eq!(Password::new(same).typed_bytes(), None);
        let typed = format!("{}e\u{301}", "x".repeat(71));
        let password = Password::new(typed.clone());
        assert_eq!(password.typed_bytes(), typed.as_bytes().get(..MAX_BYTES));
        assert_eq!(password.verifiable_bytes().len(), MAX_BYTES);
    }

    #[test]
    fn a_long_password_of_the_old_crm_still_verifies_by_its_first_72_bytes() {
        assert_eq!(Password::new("é".repeat(50)).verifiable_bytes().len(), MAX_BYTES);
    }

    #[test]
    fn hashes_of_the_old_crm_are_read_and_others_are_not() {
        let digest = "a".repeat(21) + "u" + &"a".repeat(30) + "u";
        for version in ["2a", "2b", "2y"] {
            assert_eq!(PasswordHash::parse(&format!("${version}$10${digest}")).unwrap().cost(), 10);
        }
        for text in [
            "",
            "$2b$10$short",
            "$2x$10$aaaaa",
            "$1$10$aaa",
            &format!("$2b$+1${digest}"),
            &format!("$2b$+4${digest}"),
            &format!("$2b$-4${digest}"),
            &format!("$2b$ 4${digest}"),
            &format!("$2b$4 ${digest}"),
            &format!("$2b$٤${digest}"),
            &format!("$2b$16${digest}"),
        ] {
            assert!(PasswordHash::parse(text).is_err(), "{text}");
        }
        assert_eq!(PasswordHash::parse(PasswordHash::decoy(12).as_str()), Ok(PasswordHash::decoy(12)));
    }

    /// passlib's `bcrypt.normhash` gives the same: `$2a$12$oaQbBqq8JnSM1NHRPQGXORm4…` is `$2a$12$oaQbBqq8JnSM1NHRPQGXOOm4…`.
    #[test]
    fn bits_that_say_nothing_are_cleared() {
        let bad = "$2a$12$oaQbBqq8JnSM1NHRPQGXORm4GCUMqp7meTnkft4zgSnrbhoKdDV0C";
        let good = "$2a$12$oaQbBqq8JnSM1NHRPQGXOOm4GCUMqp7meTnkft4zgSnrbhoKdDV0C";
        assert_eq!(PasswordHash::parse(bad).unwrap().as_str(), good);
        let of = |salt: char, digest: char| {
            let text = format!("$2b$04${}{salt}{}{digest}", "a".repeat(21), "a".repeat(30));
            let hash = PasswordHash::parse(&text).unwrap();
            assert_eq!(PasswordHash::parse(hash.as_str()).unwrap(), hash);
            let mut ends = hash.as_str().chars().rev();
            (ends.nth(31).unwrap(), hash.as_str().chars().last().unwrap())
        };
        let (mut salts, mut digests) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
        for c in ALPHABET.iter().map(|c| char::from(*c)) {
            salts.insert(of(c, '.').0);
            digests.insert(of('.', c).1);
        }
        assert_eq!(salts, ".Oeu".chars().collect());
        assert_eq!(digests, ".CGKOSWaeimquy26".chars().collect());
    }

    #[test]
    fn neither_passwords_nor_hashes_show_in_debug_output() {
        assert!(!format!("{:?}", Password::new("Canary1!".into())).contains("Canary"));
        assert_eq!(format!("{:?}", PasswordHash::decoy(12)), "PasswordHash(cost 12)");
    }

    /// As the table keeps it: a hash that came back another one would let nobody in any more.
    #[test]
    fn a_stored_hash_comes_back_as_it_was() {
        let text = format!(
            "$2b$12${}O{}y",
            "./azAZ09".repeat(3).get(..21).unwrap(),
            "./azAZ09".repeat(4).get(..30).unwrap()
        );
        let hash = PasswordHash::parse(&text).unwrap();
        assert_eq!(hash.as_str(), text);
        let stored = serde_json::to_value(&hash).unwrap();
        assert_eq!(stored, text);
        assert_eq!(serde_json::from_value::<PasswordHash>(stored).unwrap(), hash);
    }
}
