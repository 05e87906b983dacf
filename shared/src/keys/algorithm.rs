//! The algorithms that a key may be of (RFC 7518, RFC 8037).

use jsonwebtoken::Algorithm;

crate::domain::named! {
    /// One algorithm, by its name in JWK and JWS. A key has exactly one, and no token's header chooses another. The first is the default.
    pub enum KeyAlgorithm {
        /// HMAC with SHA-256: whoever verifies can also sign.
        Hs256 = "HS256",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        EdDsa = "EdDSA",
        /// RSA, PKCS #1 v1.5, with SHA-256.
        Rs256 = "RS256",
    }
}

impl KeyAlgorithm {
    pub(super) const fn jws(self) -> Algorithm {
        match self {
            Self::Hs256 => Algorithm::HS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
            Self::Rs256 => Algorithm::RS256,
        }
    }
}

crate::domain::named! {
    /// Which tokens a ring of keys is for. With its name the names of its keys begin.
    pub enum TokenKind {
        /// Access tokens: of any algorithm.
        Access = "access",
        /// Refresh tokens: HS256 alone. Nobody else verifies them, and the ids of their successors are derived from their keys.
        Refresh = "refresh",
        /// Links and codes in mail: HS256 alone, since they are MACs. Not the keys of refresh tokens: who can make links must not be
        /// able to make sessions.
        Link = "link",
        /// What is kept of second factors: HS256 alone, since keys are derived from it. No token is made with it.
        Factor = "factor",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_algorithm_has_one_name_in_a_jwk_and_in_a_token() {
        assert_eq!(KeyAlgorithm::ALL.map(KeyAlgorithm::name), ["HS256", "ES256", "EdDSA", "RS256"]);
        for algorithm in KeyAlgorithm::ALL {
            assert_eq!(format!("{:?}", algorithm.jws()), algorithm.name());
        }
        assert_eq!(KeyAlgorithm::named("none"), None);
        assert_eq!(KeyAlgorithm::named("hs256"), None);
    }

    #[test]
    fn the_keys_of_a_ring_are_called_as_ever() {
        assert_eq!(TokenKind::ALL.map(TokenKind::name), ["access", "refresh", "link", "factor"]);
    }
}
