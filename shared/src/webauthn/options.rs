//! What a browser is asked for: the forms that `PublicKeyCredential.parseCreationOptionsFromJSON` and
//! `parseRequestOptionsFromJSON` take (sections 5.1.9 and 5.1.10).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Algorithm, Challenge, RelyingParty, StoredPasskey};
use crate::domain::ids::UserId;

/// How long a ceremony may take: five minutes, in milliseconds. Its row ends with it.
const TIMEOUT_MS: u32 = 300_000;

/// Whom a passkey is made for.
#[derive(Debug, Clone, Copy)]
pub struct UserEntity<'a> {
    /// Their id: the user handle that the authenticator keeps, and that says nothing to who reads it there.
    pub id: UserId,
    /// What tells accounts apart in a list: the address.
    pub name: &'a str,
    /// What people are called.
    pub display_name: &'a str,
}

impl RelyingParty {
    /// What `navigator.credentials.create` is called with. Authenticators that have one of those passkeys make no second.
    #[must_use]
    pub fn creation_options(
        &self,
        user: &UserEntity<'_>,
        exclude: &[StoredPasskey],
        challenge: &Challenge,
    ) -> Value {
        json!({
            "rp": { "id": self.id, "name": self.name },
            "user": {
                "id": URL_SAFE_NO_PAD.encode(user.id.as_bytes()),
                "name": user.name,
                "displayName": user.display_name,
            },
            "challenge": challenge.text(),
            "pubKeyCredParams": Algorithm::ALL.map(|alg| json!({ "type": "public-key", "alg": alg.cose() })),
            "timeout": TIMEOUT_MS,
            "excludeCredentials": descriptors(exclude),
            "authenticatorSelection": {
                "residentKey": "required",
                // What Level 1 calls it.
                "requireResidentKey": true,
                "userVerification": "required",
            },
            "attestation": "none",
        })
    }

    /// What `navigator.credentials.get` is called with: for one of those passkeys, or where there are none, for any that the
    /// authenticator knows the owner of.
    #[must_use]
    pub fn request_options(&self, allow: &[StoredPasskey], challenge: &Challenge) -> Value {
        json!({
            "challenge": challenge.text(),
            "timeout": TIMEOUT_MS,
            "rpId": self.id,
            "allowCredentials": descriptors(allow),
            "userVerification": "required",
        })
    }
}

fn descriptors(passkeys: &[StoredPasskey]) -> Vec<Value> {
    let descriptor = |passkey: &StoredPasskey| {
        let mut descriptor = json!({ "type": "public-key", "id": passkey.credential_id });
        // An empty list would say that there is no way to it.
        if let (Some(members), false) = (descriptor.as_object_mut(), passkey.transports.is_empty()) {
            members.insert("transports".to_owned(), json!(passkey.transports));
        }
        descriptor
    };
    passkeys.iter().map(descriptor).collect()
}
