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
    ///
    /// # Errors
    /// [`HashingFailed`].
    pub async fn hash(self, password: &Password) -> Result<PasswordHash, HashingFailed> {
        let bytes = Secret::new(password.verifiable_bytes().to_vec());
        let hash =
            blocking(move || bcrypt::hash(bytes.expose(), self.cost)).await?.map_err(|_| HashingFailed)?;
        PasswordHash::parse(&hash).map_err(|_| HashingFailed)
    }

    /// Whether a password is the one that was hashed. A no takes the work of a full-cost hash however cheap this one
    /// was, and so does a `None` (nobody there): how long it takes tells nothing.
    ///
    /// # Errors
    /// [`HashingFailed`].
    pub async fn verify(
        self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, HashingFailed> {
        let somebody = hash.is_some();
        let hash = hash.cloned().unwrap_or_else(|| PasswordHash::decoy(self.cost));
        let bytes = Secret::new(password.verifiable_bytes().to_vec());
        blocking(move || {
            let verified = bcrypt::verify(bytes.expose(), hash.as_str()).map_err(|_| HashingFailed)?;
            if !verified {
                // 2^c + 2^c + 2^(c+1) + … + 2^(full-1) = 2^full.
                for cost in hash.cost()..self.cost {
                    bcrypt::verify(bytes.expose(), PasswordHash::decoy(cost).as_str())
                        .map_err(|_| HashingFailed)?;
                }
            }
            Ok(verified && somebody)
        })
        .await?
    }
}

/// Whether a password is the one that was hashed, on the thread that asks: for measurements, and for nothing that anybody
/// waits for. It does not hide how long it takes.
#[must_use]
pub fn verify_now(password: &Password, hash: &PasswordHash) -> bool {
    bcrypt::verify(password.verifiable_bytes(), hash.as_str()).unwrap_or(false)
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
}
