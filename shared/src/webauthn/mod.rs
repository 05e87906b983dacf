//! Passkeys: the relying party's part of WebAuthn (W3C, Level 3), from a browser's JSON to a row and back.
//!
//! One ceremony is one call: [`RelyingParty::verify_registration`] or [`RelyingParty::verify_assertion`]. They hold no state;
//! that a challenge is ours, fresh and used once is its row's to say (`store::ceremony`). No attestation is asked for, and what
//! comes as one is not judged. Why this is no library: `docs/decisions/0022-passkeys-on-our-own-crypto.md`.

mod authenticator_data;
mod cbor;
mod client_data;
mod ids;
mod key;
mod options;
mod passkey;
mod response;
#[cfg(test)]
mod tests;

pub use ids::{Challenge, CredentialId, NotACredentialId};
pub use key::{Algorithm, NotAKey, PublicKey};
pub use options::UserEntity;
pub use passkey::{NewPasskey, StoredPasskey};
pub use response::{AssertionResponse, RegistrationResponse};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use self::{
    authenticator_data::{AuthenticatorData, of_attestation},
    client_data::{Ceremony, ClientData},
};
use crate::domain::{ids::UserId, origin::AllowedOrigins};

/// Why a passkey is not taken. Clients are told none of it; logs may be, since nothing of the answer is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyRefused {
    /// It is no public key credential, or has two names.
    #[error("not a credential")]
    NotACredential,
    /// The client data is not what a browser says in this ceremony.
    #[error("client data malformed")]
    ClientData,
    /// Another challenge is answered.
    #[error("another challenge")]
    Challenge,
    /// It was made on a page that is not ours.
    #[error("another origin")]
    Origin,
    /// It was made on our page inside somebody else's.
    #[error("inside another page")]
    CrossOrigin,
    /// The attestation object is not one.
    #[error("attestation object malformed")]
    AttestationObject,
    /// The authenticator's data is not what its flags say it is.
    #[error("authenticator data malformed")]
    AuthenticatorData,
    /// It is for another relying party.
    #[error("another relying party")]
    RelyingParty,
    /// Nobody was there.
    #[error("user not present")]
    UserNotPresent,
    /// Whoever was there was not asked who they are.
    #[error("user not verified")]
    UserNotVerified,
    /// It has left its device and may not, or it may since a while.
    #[error("backup flags inconsistent")]
    Backup,
    /// The key is not of a kind that was asked for, or is none.
    #[error("not a key that was asked for")]
    Key,
    /// It is another passkey than the one it is held against.
    #[error("another passkey")]
    AnotherPasskey,
    /// It is somebody else's.
    #[error("another user")]
    AnotherUser,
    /// The key did not sign this.
    #[error("signature wrong")]
    Signature,
    /// Rightly signed, but its counter has not risen: there may be two of it.
    #[error("counter has not risen")]
    Cloned,
}

/// The domain of a machine's own pages, the one that needs no encryption.
const LOCALHOST: &str = "localhost";

/// Who asks for passkeys: a domain, and the pages on it that may.
#[derive(Debug, Clone)]
pub struct RelyingParty {
    id: String,
    id_hash: [u8; 32],
    origins: AllowedOrigins,
    name: String,
}

/// The settings make no relying party. It says which and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotARelyingParty {
    /// A name of a host is wanted, as browsers write it.
    #[error("{0:?} is not a domain in lower case")]
    Id(String),
    /// An origin that is none, is not encrypted, or is on another domain.
    #[error("{origin:?} is not a page of {id}")]
    Origin {
        /// The entry.
        origin: String,
        /// The domain.
        id: String,
    },
}

/// Whose passkey is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// This user's, who is known by other means. An authenticator need not say whose it is.
    Of(UserId),
    /// That of whom the passkey's row names. The authenticator has to say the same.
    Discovered(UserId),
}

/// What a passkey showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asserted {
    /// Its counter from now on: risen, or 0 for ever.
    pub sign_count: u32,
    /// Whether it has left its device.
    pub backed_up: bool,
}

impl RelyingParty {
    /// The relying party of this domain. `origins`: a list with commas; where it is empty, the one page `https://` that domain.
    ///
    /// # Errors
    /// [`NotARelyingParty`]. A browser would refuse it too, but only once somebody tries.
    pub fn new(id: &str, origins: &str, name: &str) -> Result<Self, NotARelyingParty> {
        let own = format!("https://{id}");
        let is_domain = id.parse::<std::net::IpAddr>().is_err() && !id.contains(':');
        if !is_domain || !AllowedOrigins::parse(&own).is_ok_and(|read| read.contains(&own)) {
            return Err(NotARelyingParty::Id(id.to_owned()));
        }
        let list = if origins.trim().is_empty() { own.as_str() } else { origins };
        let refused =
            |origin: &str| NotARelyingParty::Origin { origin: origin.to_owned(), id: id.to_owned() };
        let origins = AllowedOrigins::parse(list).map_err(|origin| refused(&origin))?;
        if let Some(other) = origins.iter().find(|origin| !is_page_of(id, origin)) {
            return Err(refused(other));
        }
        let id_hash = Sha256::digest(id).into();
        Ok(Self { id: id.to_owned(), id_hash, origins, name: name.to_owned() })
    }

    /// The relying party of this domain: its own page, and those of a list that are on it. Who may call with cookies from a page
    /// of this domain may ask for its passkeys, too.
    pub fn with_pages_of(id: &str, list: &AllowedOrigins, name: &str) -> Result<Self, NotARelyingParty> {
        let own = format!("https://{id}");
        let pages: Vec<_> = list.iter().filter(|origin| is_page_of(id, origin)).collect();
        Self::new(id, &[&[own.as_str()][..], &pages].concat().join(","), name)
    }

    /// Whether a passkey may be used on this page.
    fn has_page(&self, origin: &str) -> bool {
        // Nobody else is `localhost`: whatever runs there belongs to whoever develops it, whichever port it has today.
        let is_local = || {
            let read = AllowedOrigins::parse(origin).is_ok_and(|read| read.contains(origin));
            read && is_page_of(LOCALHOST, origin)
        };
        self.origins.contains(origin) || (self.id == LOCALHOST && is_local())
    }

    /// Verifies the answer to `creation_options` of this challenge (section 7.1).
    pub fn verify_registration(
        &self,
        challenge: &Challenge,
        answer: &RegistrationResponse,
    ) -> Result<NewPasskey, PasskeyRefused> {
        let (passkey, verified) = self.registration(challenge, answer)?;
        if verified { Ok(passkey) } else { Err(PasskeyRefused::UserNotVerified) }
    }

    /// All of it but that the user was verified, and whether they were.
    fn registration(
        &self,
        challenge: &Challenge,
        answer: &RegistrationResponse,
    ) -> Result<(NewPasskey, bool), PasskeyRefused> {
        if answer.kind != "public-key" || answer.id != answer.raw_id {
            return Err(PasskeyRefused::NotACredential);
        }
        let client_data = ClientData::read(&answer.response.client_data.0)?;
        client_data.check(Ceremony::Create, challenge, |origin| self.has_page(origin))?;
        let data = of_attestation(&answer.response.attestation_object.0)
            .map_err(|_| PasskeyRefused::AttestationObject)?;
        let data = AuthenticatorData::read(data)?;
        data.check(&self.id_hash)?;
        let attested = data.attested.ok_or(PasskeyRefused::AuthenticatorData)?;
        if attested.credential != answer.id {
            return Err(PasskeyRefused::AnotherPasskey);
        }
        let passkey = NewPasskey {
            credential_id: attested.credential,
            public_key: attested.key,
            sign_count: data.sign_count,
            backup_eligible: data.flags.backup_eligible(),
            backed_up: data.flags.backed_up(),
            transports: passkey::transports(&answer.response.transports),
            aaguid: Uuid::from_bytes(attested.aaguid).to_string(),
        };
        Ok((passkey, data.flags.user_verified()))
    }

    /// Verifies the answer to `request_options` of this challenge, of this passkey (section 7.2).
    pub fn verify_assertion(
        &self,
        challenge: &Challenge,
        expected: Expected,
        stored: &StoredPasskey,
        answer: &AssertionResponse,
    ) -> Result<Asserted, PasskeyRefused> {
        let (asserted, verified) = self.assertion(challenge, expected, stored, answer)?;
        if verified { Ok(asserted) } else { Err(PasskeyRefused::UserNotVerified) }
    }

    /// All of it but that the user was verified, and whether they were.
    fn assertion(
        &self,
        challenge: &Challenge,
        expected: Expected,
        stored: &StoredPasskey,
        answer: &AssertionResponse,
    ) -> Result<(Asserted, bool), PasskeyRefused> {
        if answer.kind != "public-key" || answer.id != answer.raw_id {
            return Err(PasskeyRefused::NotACredential);
        }
        if answer.id != stored.credential_id {
            return Err(PasskeyRefused::AnotherPasskey);
        }
        let said = &answer.response;
        expected.check(said.user_handle.as_ref().map(|handle| handle.0.as_slice()))?;
        ClientData::read(&said.client_data.0)?
            .check(Ceremony::Get, challenge, |origin| self.has_page(origin))?;
        let data = AuthenticatorData::read(&said.authenticator_data.0)?;
        data.check(&self.id_hash)?;
        if data.attested.is_some() {
            return Err(PasskeyRefused::AuthenticatorData);
        }
        if data.flags.backup_eligible() != stored.backup_eligible {
            return Err(PasskeyRefused::Backup);
        }
        let mut message = said.authenticator_data.0.clone();
        message.extend_from_slice(&Sha256::digest(&said.client_data.0));
        if !stored.public_key.signed(&message, &said.signature.0) {
            return Err(PasskeyRefused::Signature);
        }
        // Only what is rightly signed says anything about copies. Passkeys that are shared between devices do not count: 0.
        let counts = data.sign_count != 0 || stored.sign_count != 0;
        if counts && data.sign_count <= stored.sign_count {
            return Err(PasskeyRefused::Cloned);
        }
        let asserted = Asserted { sign_count: data.sign_count, backed_up: data.flags.backed_up() };
        Ok((asserted, data.flags.user_verified()))
    }
}

impl Expected {
    fn check(self, handle: Option<&[u8]>) -> Result<(), PasskeyRefused> {
        let is_right = match (self, handle) {
            (Self::Of(user) | Self::Discovered(user), Some(handle)) => handle == user.as_bytes(),
            (Self::Of(_), None) => true,
            (Self::Discovered(_), None) => false,
        };
        if is_right { Ok(()) } else { Err(PasskeyRefused::AnotherUser) }
    }
}

/// Whether a browser would use passkeys of this domain on that page: it is on it or below, and encrypted or local.
fn is_page_of(id: &str, origin: &str) -> bool {
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    let host = rest.rsplit_once(':').map_or(rest, |(host, _)| host);
    let is_inside = host == id || host.strip_suffix(id).is_some_and(|above| above.ends_with('.'));
    is_inside && (scheme == "https" || (scheme == "http" && id == LOCALHOST))
}
