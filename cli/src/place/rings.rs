//! The rings of keys that a system has, a row for each: where a secret is found, and what it is called.

use nova_auth::keys::TokenKind;

/// Where the secret of a ring is.
#[derive(Debug)]
pub(crate) struct RingPlace {
    pub(crate) kind: TokenKind,
    /// Its name in the template, and in a `nova local`.
    pub(crate) logical: &'static str,
    /// The output of the stack that has its ARN.
    pub(crate) output: &'static str,
    /// The flag that names it.
    pub(super) flag: &'static str,
    /// The parameter that makes it; without one, every stack has it.
    pub(crate) made_by: Option<&'static str>,
}

/// In the order in which they are shown.
pub(crate) const RINGS: [RingPlace; 4] = [
    RingPlace {
        kind: TokenKind::Access,
        logical: "AccessKeysSecret",
        output: "AccessKeysSecretArn",
        flag: "--access-keys-secret",
        made_by: None,
    },
    RingPlace {
        kind: TokenKind::Refresh,
        logical: "RefreshKeysSecret",
        output: "RefreshKeysSecretArn",
        flag: "--refresh-keys-secret",
        made_by: None,
    },
    RingPlace {
        kind: TokenKind::Link,
        logical: "LinkKeysSecret",
        output: "LinkKeysSecretArn",
        flag: "--link-keys-secret",
        made_by: Some("Mail=enabled"),
    },
    RingPlace {
        kind: TokenKind::Factor,
        logical: "FactorKeysSecret",
        output: "FactorKeysSecretArn",
        flag: "--factor-keys-secret",
        made_by: Some("MfaPolicy"),
    },
];
