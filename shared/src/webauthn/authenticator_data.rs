//! What the authenticator says (section 6.1): for whom, how, how often, and at a registration with which key.

use super::{
    CredentialId, PasskeyRefused,
    cbor::{Malformed, Reader},
    key::PublicKey,
};

/// The flags, as one byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flags(u8);

impl Flags {
    const USER_PRESENT: u8 = 1;
    const USER_VERIFIED: u8 = 1 << 2;
    const BACKUP_ELIGIBLE: u8 = 1 << 3;
    const BACKED_UP: u8 = 1 << 4;
    const ATTESTED: u8 = 1 << 6;
    const EXTENSIONS: u8 = 1 << 7;

    const fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    pub(super) const fn user_verified(self) -> bool {
        self.has(Self::USER_VERIFIED)
    }

    pub(super) const fn backup_eligible(self) -> bool {
        self.has(Self::BACKUP_ELIGIBLE)
    }

    pub(super) const fn backed_up(self) -> bool {
        self.has(Self::BACKED_UP)
    }
}

pub(super) struct AuthenticatorData<'a> {
    id_hash: &'a [u8],
    pub(super) flags: Flags,
    pub(super) sign_count: u32,
    pub(super) attested: Option<Attested>,
}

/// The key that was made.
pub(super) struct Attested {
    pub(super) aaguid: [u8; 16],
    pub(super) credential: CredentialId,
    pub(super) key: PublicKey,
}

impl<'a> AuthenticatorData<'a> {
    /// Reads all of it: what its flags don't announce is not there.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, PasskeyRefused> {
        let mut reader = Reader::new(bytes);
        let malformed = |_: Malformed| PasskeyRefused::AuthenticatorData;
        let id_hash = reader.take(32).map_err(malformed)?;
        let [flags] = reader.array().map_err(malformed)?;
        let (flags, sign_count) = (Flags(flags), u32::from_be_bytes(reader.array().map_err(malformed)?));
        let attested = flags.has(Flags::ATTESTED).then(|| Attested::read(&mut reader)).transpose()?;
        if flags.has(Flags::EXTENSIONS) {
            extensions(&mut reader).map_err(malformed)?;
        }
        reader.end().map_err(malformed)?;
        Ok(Self { id_hash, flags, sign_count, attested })
    }

    /// Whether it is for us, of a user who was there.
    ///
    /// # Errors
    /// What it is not.
    pub(super) fn check(&self, id_hash: &[u8; 32]) -> Result<(), PasskeyRefused> {
        if self.id_hash != id_hash {
            return Err(PasskeyRefused::RelyingParty);
        }
        if !self.flags.has(Flags::USER_PRESENT) {
            return Err(PasskeyRefused::UserNotPresent);
        }
        if self.flags.backed_up() && !self.flags.backup_eligible() {
            return Err(PasskeyRefused::Backup);
        }
        Ok(())
    }
}

impl Attested {
    fn read(reader: &mut Reader<'_>) -> Result<Self, PasskeyRefused> {
        let malformed = |_: Malformed| PasskeyRefused::AuthenticatorData;
        let aaguid = reader.array().map_err(malformed)?;
        let length = u16::from_be_bytes(reader.array().map_err(malformed)?);
        let credential = reader.take(usize::from(length)).map_err(malformed)?;
        let credential = CredentialId::new(credential).ok_or(PasskeyRefused::AuthenticatorData)?;
        let key = PublicKey::read(reader).map_err(|_| PasskeyRefused::Key)?;
        Ok(Self { aaguid, credential, key })
    }
}

/// One map from names to anything. We ask for no extension; some authenticators answer nevertheless, and browsers ask for some
/// on their own.
fn extensions(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    for _ in 0..reader.map()? {
        reader.text()?;
        reader.skip()?;
    }
    Ok(())
}

/// The authenticator's data in an attestation object (section 6.5.4). What is said beside it is an attestation, which nobody
/// asked for: it has to be CBOR, and is not judged.
pub(super) fn of_attestation(object: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(object);
    let (mut format, mut statement, mut data) = (None, None, None);
    for _ in 0..reader.map()? {
        let is_first = match reader.text()? {
            "fmt" => format.replace(reader.text()?).is_none(),
            "attStmt" => {
                // A map, whatever is in it.
                let mut ahead = reader;
                ahead.map()?;
                statement.replace(reader.skip()?).is_none()
            }
            "authData" => data.replace(reader.bytes()?).is_none(),
            // Members of CTAP that a client may leave in it (`epAtt`, `largeBlobKey`).
            _ => reader.skip().map(|()| true)?,
        };
        if !is_first {
            return Err(Malformed);
        }
    }
    reader.end()?;
    match (format, statement, data) {
        (Some(_), Some(()), Some(data)) => Ok(data),
        _ => Err(Malformed),
    }
}
