//! bcrypt, on a blocking thread, and for the same time whoever asks.

use crate::domain::password::{Password, PasswordHash};

/// Hashes and verifies passwords.
#[derive(Debug, Clone, Copy)]
pub struct Hasher {
    cost: u32,
}

/// The thread that hashed is gone, or bcrypt refused what was checked before: a defect, never a wrong password.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a password could not be hashed")]
pub struct HashingFailed;

impl Hasher {
    /// A hasher that makes hashes of this cost.
    #[must_use]
    pub const fn new(cost: u32) -> Self {
        Self { cost }
    }

    /// Whether a hash was made with other work than new ones are. More is as telling as less: verifying it takes
    /// another time than hashing for nobody.
    #[must_use]
    pub const fn is_outdated(self, hash: &PasswordHash) -> bool {
        hash.cost() != self.cost
    }

    /// Makes a hash for a password that the policy accepted.
    pub async fn hash(self, password: &Password) -> Result<PasswordHash, HashingFailed> {
        let bytes = Secret::new(password.verifiable_bytes().to_vec());
        let hash =
            blocking(move || bcrypt::hash(bytes.expose(), self.cost)).await?.map_err(|_| HashingFailed)?;
        PasswordHash::parse(&hash).map_err(|_| HashingFailed)
    }

    /// Whether a password is the one that was hashed. A no takes the work of a full-cost hash however cheap this one
    /// was, and so does a `None` (nobody there): how long it takes tells nothing.
    pub async fn verify(
        self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, HashingFailed> {
        Ok(self.examine(password, hash).await? != Examined::Wrong)
    }

    /// As [`Self::verify`], and which form of the password it was that was hashed. A password that was typed in another form
    /// than the normal one takes the work twice, once for each; that depends on what was typed, and on nothing that is
    /// stored.
    pub async fn examine(
        self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Examined, HashingFailed> {
        let hash = hash.cloned();
        let normal = Secret::new(password.verifiable_bytes().to_vec());
        let typed = password.typed_bytes().map(|bytes| Secret::new(bytes.to_vec()));
        blocking(move || {
            let forms = (normal.expose(), typed.as_ref().map(Secret::expose));
            judge(forms, hash.as_ref(), self.cost, |bytes, hash| {
                bcrypt::verify(bytes, hash.as_str()).map_err(|_| HashingFailed)
            })
        })
        .await?
    }
}

/// What came of holding a password against a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Examined {
    /// It is another password, or nobody is there.
    Wrong,
    /// It is the one, in its normal form.
    Right,
    /// It is the one, as it was typed: the hash is older than the normal form, and is due for another one.
    RightAsTyped,
}

/// Holds each form against a hash, or against nobody's, and gives each no the work of `full`.
fn judge(
    (normal, typed): (&[u8], Option<&[u8]>),
    hash: Option<&PasswordHash>,
    full: u32,
    mut verify: impl FnMut(&[u8], &PasswordHash) -> Result<bool, HashingFailed>,
) -> Result<Examined, HashingFailed> {
    let (nobody, somebody) = (PasswordHash::decoy(full), hash.is_some());
    let hash = hash.unwrap_or(&nobody);
    for (bytes, verdict) in [(Some(normal), Examined::Right), (typed, Examined::RightAsTyped)] {
        let Some(bytes) = bytes else { continue };
        if verify(bytes, hash)? && somebody {
            return Ok(verdict);
        }
        // 2^c + 2^c + 2^(c+1) + … + 2^(full-1) = 2^full.
        for cost in hash.cost()..full {
            verify(bytes, &PasswordHash::decoy(cost))?;
        }
    }
    Ok(Examined::Wrong)
}

/// Whether a password is the one that was hashed, on the thread that asks: for measurements, and for nothing that anybody
/// waits for. It does not hide how long it takes.
#[must_use]
pub fn verify_now(password: &Password, hash: &PasswordHash) -> bool {
    let forms = [Some(password.verifiable_bytes()), password.typed_bytes()];
    forms.into_iter().flatten().any(|bytes| bcrypt::verify(bytes, hash.as_str()).unwrap_or(false))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashingFailed> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await.map_err(|_| HashingFailed)
}

/// Bytes of a password on their way to another thread; wiped when that is through.
struct Secret(secrecy::SecretBox<Vec<u8>>);

impl Secret {
    fn new(bytes: Vec<u8>) -> Self {
        Self(secrecy::SecretBox::new(Box::new(bytes)))
    }

    fn expose(&self) -> &[u8] {
        secrecy::ExposeSecret::expose_secret(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let hasher = Hasher::new(4);
        let hash = hasher.hash(&password("Aa1!aaaa")).await.unwrap();
        assert!(hasher.verify(&password("Aa1!aaaa"), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&password("Aa1!aaab"), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&password("Aa1!aaaa"), None).await.unwrap());
    }

    #[tokio::test]
    async fn hashes_of_the_old_crm_verify_whatever_their_version() {
        // Made by bcryptjs's and crypt_blowfish's published test vectors, password "U*U".
        let digest = "$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        for version in ["2a", "2b", "2y"] {
            let hash = PasswordHash::parse(&format!("${version}{digest}")).unwrap();
            assert!(Hasher::new(5).verify(&password("U*U"), Some(&hash)).await.unwrap(), "{version}");
        }
    }

    /// A hash that parsing takes and bcrypt refuses would be a 500 for each login with it.
    #[tokio::test]
    async fn bcrypt_takes_whatever_is_read_as_a_hash_and_bits_that_say_nothing_change_no_password() {
        let made = bcrypt::hash("Aa1!aaaa", 4).unwrap();
        let alphabet = ('.'..='9').chain('A'..='Z').chain('a'..='z');
        for c in alphabet {
            for at in [28, 59] {
                let mut text = made.clone();
                text.replace_range(at..=at, &c.to_string());
                let hash = PasswordHash::parse(&text).unwrap();
                let verified = Hasher::new(4).verify(&password("Aa1!aaaa"), Some(&hash)).await.unwrap();
                assert_eq!(verified, hash.as_str() == made, "{at} {c}");
            }
        }
        for (at, bits) in [(28, 16), (59, 4)] {
            let same = ('.'..='9').chain('A'..='Z').chain('a'..='z').filter(|c| {
                let mut text = made.clone();
                text.replace_range(at..=at, &c.to_string());
                PasswordHash::parse(&text).unwrap().as_str() == made
            });
            assert_eq!(same.count(), bits, "{at}");
        }
    }

    #[tokio::test]
    async fn a_password_that_the_old_crm_cut_at_72_bytes_still_verifies() {
        let hasher = Hasher::new(4);
        let hash = hasher.hash(&password(&"x".repeat(72))).await.unwrap();
        assert!(hasher.verify(&password(&"x".repeat(100)), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&password(&"x".repeat(71)), Some(&hash)).await.unwrap());
    }

    #[test]
    fn a_decoy_is_hashed_against_and_not_refused() {
        for cost in 4..=15 {
            if cost < 6 {
                assert!(!bcrypt::verify("anything", PasswordHash::decoy(cost).as_str()).unwrap());
            }
            assert!(Hasher::new(cost + 1).is_outdated(&PasswordHash::decoy(cost)));
        }
    }

    #[tokio::test]
    async fn a_password_is_one_however_a_keyboard_writes_it() {
        let hasher = Hasher::new(4);
        for (composed, decomposed) in [("Aa1!é", "Aa1!e\u{301}"), ("Aa1!آمنة", "Aa1!ا\u{653}منة")] {
            let hash = hasher.hash(&password(decomposed)).await.unwrap();
            assert!(bcrypt::verify(composed, hash.as_str()).unwrap());
            for typed in [composed, decomposed] {
                assert_eq!(hasher.examine(&password(typed), Some(&hash)).await.unwrap(), Examined::Right);
            }
            // What was made before there was a normal form.
            let old = PasswordHash::parse(&bcrypt::hash(decomposed, 4).unwrap()).unwrap();
            let verdict = hasher.examine(&password(decomposed), Some(&old)).await.unwrap();
            assert_eq!(verdict, Examined::RightAsTyped);
            assert!(verify_now(&password(decomposed), &old));
            assert_eq!(hasher.examine(&password(decomposed), None).await.unwrap(), Examined::Wrong);
            let other = format!("{decomposed}x");
            assert_eq!(hasher.examine(&password(&other), Some(&old)).await.unwrap(), Examined::Wrong);
        }
    }

    #[tokio::test]
    async fn a_long_password_in_another_form_that_the_old_crm_cut_at_72_bytes_still_verifies() {
        let typed = "e\u{301}".repeat(40);
        let old = bcrypt::hash(typed.as_bytes().get(..72).unwrap(), 4).unwrap();
        let old = PasswordHash::parse(&old).unwrap();
        let verdict = Hasher::new(4).examine(&password(&typed), Some(&old)).await.unwrap();
        assert_eq!(verdict, Examined::RightAsTyped);
    }

    /// What came of it, how often bcrypt was asked, and for how many rounds, where it answers always the same.
    fn judged(typed: &str, hash: Option<&PasswordHash>, answer: bool) -> (Examined, usize, u32) {
        let (mut calls, mut rounds) = (0, 0);
        let password = password(typed);
        let forms = (password.verifiable_bytes(), password.typed_bytes());
        let verdict = judge(forms, hash, 12, |_, hash| {
            calls += 1;
            rounds += 1 << hash.cost();
            Ok(answer)
        });
        (verdict.unwrap(), calls, rounds)
    }

    #[test]
    fn a_no_costs_one_hash_where_the_normal_form_was_typed_and_two_where_not_for_nobody_and_somebody() {
        let somebody = PasswordHash::parse(&format!("$2a$12${}", "a".repeat(53))).unwrap();
        let cheap = PasswordHash::decoy(4);
        for (typed, forms) in [("Aa1!aaaa", 1), ("Aa1!é", 1), ("Aa1!e\u{301}", 2)] {
            let rounds = forms << 12;
            let calls = usize::try_from(forms).unwrap();
            for hash in [None, Some(&somebody)] {
                assert_eq!(judged(typed, hash, false), (Examined::Wrong, calls, rounds), "{typed:?}");
            }
            assert_eq!(judged(typed, Some(&cheap), false).2, rounds, "{typed:?}");
            // Whatever is held against nobody's hash.
            assert_eq!(judged(typed, None, true), (Examined::Wrong, calls, rounds), "{typed:?}");
        }
    }

    #[test]
    fn a_yes_in_the_normal_form_costs_one_hash_whatever_was_typed() {
        let hash = PasswordHash::decoy(12);
        for typed in ["Aa1!é", "Aa1!e\u{301}"] {
            assert_eq!(judged(typed, Some(&hash), true), (Examined::Right, 1, 1 << 12));
        }
    }
}
