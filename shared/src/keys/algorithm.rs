//! The algorithms that a key may be of (RFC 7518, RFC 8037).

use jsonwebtoken::Algorithm;

/// One algorithm. A key has exactly one, and no token's header chooses another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// HMAC with SHA-256: whoever verifies can also sign.
    Hs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    EdDsa,
    /// RSA, PKCS #1 v1.5, with SHA-256.
    Rs256,
}

impl KeyAlgorithm {
    /// All of them, the default first, by the names that JWK and JWS give them.
    pub const ALL: [(&'static str, Self); 4] =
        [("HS256", Self::Hs256), ("ES256", Self::Es256), ("EdDSA", Self::EdDsa), ("RS256", Self::Rs256)];

    /// The algorithm of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }

    /// Its name, in JWK and JWS.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }

    pub(super) const fn jws(self) -> Algorithm {
        match self {
            Self::Hs256 => Algorithm::HS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
            Self::Rs256 => Algorithm::RS256,
        }
    }
}

/// Which tokens a ring of keys is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Access tokens: of any algorithm.
    Access,
    /// Refresh tokens: HS256 alone. Nobody else verifies them, and the ids of their successors are derived from their keys.
    Refresh,
    /// Links and codes in mail: HS256 alone, since they are MACs. Not the keys of refresh tokens: who can make links must not be
    /// able to make sessions.
    Link,
    /// What is kept of second factors: HS256 alone, since keys are derived from it. No token is made with it.
    Factor,
}

impl TokenKind {
    /// The first part of the names of its keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Link => "link",
            Self::Factor => "factor",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_algorithm_has_one_name_in_a_jwk_and_in_a_token() {
        for (name, algorithm) in KeyAlgorithm::ALL {
            assert_eq!((algorithm.name(), KeyAlgorithm::named(name)), (name, Some(algorithm)));
            assert_eq!(format!("{:?}", algorithm.jws()), name);
        }
        assert_eq!(KeyAlgorithm::named("none"), None);
        assert_eq!(KeyAlgorithm::named("hs256"), None);
    }
}
