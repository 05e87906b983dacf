//! Keys of the three algorithms that we ask for.

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    rand::SystemRandom,
    rsa::{KeySize, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};

use crate::random::Random;

pub enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

impl Key {
    /// One of each. That of RSA is another one in each run: it can't be made of a seed.
    pub fn all(random: &mut Random) -> [Self; 3] {
        [
            Self::es256(random),
            Self::EdDsa(Ed25519KeyPair::from_seed_unchecked(&random.bytes(32)).unwrap()),
            Self::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        ]
    }

    pub fn es256(random: &mut Random) -> Self {
        let private = random.bytes(32);
        let public =
            PrivateKey::from_private_key(&ECDH_P256, &private).unwrap().compute_public_key().unwrap();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            &private,
            public.as_ref(),
        );
        Self::Es256(pair.unwrap())
    }

    pub const fn algorithm(&self) -> i16 {
        match self {
            Self::Es256(_) => -7,
            Self::EdDsa(_) => -8,
            Self::Rs256(_) => -257,
        }
    }

    /// The members of the COSE key, each as CBOR, in the order of CTAP.
    pub fn cose(&self) -> Vec<[Vec<u8>; 2]> {
        let member = |label: u8, value: &[u8]| [vec![label], value.to_vec()];
        match self {
            Self::Es256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                vec![
                    member(1, &[2]),
                    member(3, &[0x26]),
                    member(0x20, &[1]),
                    member(0x21, &bytes(x)),
                    member(0x22, &bytes(y)),
                ]
            }
            Self::EdDsa(pair) => vec![
                member(1, &[1]),
                member(3, &[0x27]),
                member(0x20, &[6]),
                member(0x21, &bytes(pair.public_key().as_ref())),
            ],
            Self::Rs256(pair) => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                vec![
                    member(1, &[3]),
                    member(3, &[0x39, 1, 0]),
                    member(0x20, &bytes(&n)),
                    member(0x21, &bytes(&e)),
                ]
            }
        }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// A string of bytes in CBOR.
pub fn bytes(bytes: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    let head = match (high, low) {
        (0, 0..=23) => vec![0x40 | low],
        (0, _) => vec![0x58, low],
        _ => vec![0x59, high, low],
    };
    [head, bytes.to_vec()].concat()
}
