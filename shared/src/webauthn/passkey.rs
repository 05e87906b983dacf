//! A passkey: as it was registered, and as its row holds it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Algorithm, CredentialId, PublicKey};
use crate::domain::{factors::Amr, ids::FactorId};

/// A passkey that was just made and has no row yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPasskey {
    /// Its name among all passkeys.
    pub credential_id: CredentialId,
    /// What it is verified with.
    pub public_key: PublicKey,
    /// How often it was used so far, as it says.
    pub sign_count: u32,
    /// Whether it may leave its device.
    pub backup_eligible: bool,
    /// Whether it has.
    pub backed_up: bool,
    /// How browsers reach it: hints for the next time, no more.
    pub transports: Vec<String>,
    /// The model of the authenticator; zeros where it says none. Nobody vouches for it.
    pub aaguid: String,
}

/// A passkey's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredPasskey {
    /// Its name among all passkeys.
    pub credential_id: CredentialId,
    /// What it is verified with, as a COSE key in the one form that CTAP has for it.
    pub public_key: PublicKey,
    /// What it signs with. The key says the same; this is for people who read the row.
    pub alg: Algorithm,
    /// The count of its last use.
    pub sign_count: u32,
    /// Whether it may leave its device. That never changes.
    pub backup_eligible: bool,
    /// Whether it had, at its last use.
    pub backed_up: bool,
    /// How browsers reach it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transports: Vec<String>,
    /// The model of the authenticator.
    pub aaguid: String,
    /// What its owner calls it.
    pub name: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last let its owner in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

impl NewPasskey {
    /// Its row, under the name that its owner gave it.
    #[must_use]
    pub fn stored(self, name: String, now: Timestamp) -> StoredPasskey {
        StoredPasskey {
            alg: self.public_key.algorithm(),
            credential_id: self.credential_id,
            public_key: self.public_key,
            sign_count: self.sign_count,
            backup_eligible: self.backup_eligible,
            backed_up: self.backed_up,
            transports: self.transports,
            aaguid: self.aaguid,
            name,
            created_at: now,
            last_used_at: None,
        }
    }
}

impl StoredPasskey {
    /// What it is called among its user's factors: made of its name among all passkeys, which is longer than a part of a path.
    #[must_use]
    pub fn factor_id(&self) -> FactorId {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = self.credential_id.hash();
        let bytes = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p];
        FactorId::new(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// What its use shows (RFC 8176): a key that stays in hardware, or one that its owner's devices share; and its owner, whom
    /// the device asked for a PIN, a finger or a face.
    #[must_use]
    pub const fn amr(&self) -> [Amr; 2] {
        [if self.backup_eligible { Amr::Swk } else { Amr::Hwk }, Amr::User]
    }
}

/// Of what a browser says about transports, what could be one: short names, few of them. What they mean is the browser's affair.
pub(super) fn transports(said: &[String]) -> Vec<String> {
    let is_name = |name: &&String| {
        (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    let mut names: Vec<String> = said.iter().filter(is_name).take(8).cloned().collect();
    names.sort_unstable();
    names.dedup();
    names
}
