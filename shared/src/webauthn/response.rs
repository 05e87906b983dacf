//! What a browser answers: `RegistrationResponseJSON` and `AuthenticationResponseJSON` (section 5.1.8), as `toJSON()` makes them.
//!
//! Members that are not used may be there: browsers add some with every version. Those that are used have a form and a length.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::{Challenge, CredentialId, PasskeyRefused, client_data::ClientData};

/// Bytes as base64url without padding, no more than so many.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Bytes<const MOST: usize>(pub(super) Vec<u8>);

impl<const MOST: usize> TryFrom<String> for Bytes<MOST> {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // Four letters are three bytes.
        if text.len() > MOST.div_ceil(3) * 4 {
            return Err("too long");
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| "not base64url")?;
        if bytes.len() > MOST { Err("too long") } else { Ok(Self(bytes)) }
    }
}

/// A browser says it in a few hundred bytes.
type ClientDataJson = Bytes<4096>;

/// The answer to [`creation_options`](super::RelyingParty::creation_options).
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationResponse {
    pub(super) id: CredentialId,
    pub(super) raw_id: CredentialId,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) response: Attestation,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attestation {
    #[serde(rename = "clientDataJSON")]
    pub(super) client_data: ClientDataJson,
    /// With the certificates of an attestation that nobody asked for.
    pub(super) attestation_object: Bytes<16_384>,
    #[serde(default)]
    pub(super) transports: Vec<String>,
}

/// The answer to [`request_options`](super::RelyingParty::request_options).
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssertionResponse {
    pub(super) id: CredentialId,
    pub(super) raw_id: CredentialId,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) response: Assertion,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Assertion {
    #[serde(rename = "clientDataJSON")]
    pub(super) client_data: ClientDataJson,
    pub(super) authenticator_data: Bytes<4096>,
    pub(super) signature: Bytes<1024>,
    #[serde(default)]
    pub(super) user_handle: Option<Bytes<64>>,
}

impl RegistrationResponse {
    /// The challenge that this claims to answer: what the row of the ceremony is found by.
    ///
    /// # Errors
    /// There is none to be found.
    pub fn challenge(&self) -> Result<Challenge, PasskeyRefused> {
        ClientData::read(&self.response.client_data.0)?.challenge()
    }
}

impl AssertionResponse {
    /// The challenge that this claims to answer: what the row of the ceremony is found by.
    ///
    /// # Errors
    /// There is none to be found.
    pub fn challenge(&self) -> Result<Challenge, PasskeyRefused> {
        ClientData::read(&self.response.client_data.0)?.challenge()
    }

    /// The passkey that this claims to be of.
    #[must_use]
    pub const fn credential(&self) -> &CredentialId {
        &self.id
    }
}

impl std::fmt::Debug for RegistrationResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistrationResponse").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for AssertionResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AssertionResponse").finish_non_exhaustive()
    }
}
