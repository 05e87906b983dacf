//! The root certificates that AWS's services chain to, out of Mozilla's list.
//!
//! Compiled in: reading the system's 140 certificates costs every cold start milliseconds, and a function talks to
//! nobody but AWS. They are renewed as every dependency is, by `cargo update`.

use std::io::{Error as IoError, Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Which of them are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roots {
    /// Amazon's own: <https://www.amazontrust.com/repository/>, Amazon Root CA 1 to 4 and Starfield Services Root - G2.
    Amazon,
    /// All of the list.
    Public,
}

impl Roots {
    /// What the services of a region chain to. In China that is a public authority (DigiCert, as far as we know), and AWS
    /// does not promise which; everywhere else it is Amazon.
    #[must_use]
    pub fn of(region: &str) -> Self {
        if region.starts_with("cn-") { Self::Public } else { Self::Amazon }
    }

    pub(super) fn pem(self) -> Result<Vec<u8>, IoError> {
        let mut pem = Vec::new();
        let trusted = |der: &[u8]| self == Self::Public || is_amazons(der);
        for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter(|der| trusted(der)) {
            writeln!(pem, "-----BEGIN CERTIFICATE-----")?;
            for line in STANDARD.encode(certificate).as_bytes().chunks(64) {
                pem.write_all(line)?;
                pem.push(b'\n');
            }
            writeln!(pem, "-----END CERTIFICATE-----")?;
        }
        Ok(pem)
    }
}

/// A root is its own issuer, and a certificate's issuer stands at its beginning. Looking for the names in all of 140
/// certificates would be a fifth of a cold start.
fn is_amazons(der: &[u8]) -> bool {
    const ISSUER_ENDS: usize = 320;
    let beginning = der.get(..ISSUER_ENDS).unwrap_or(der);
    [&b"Amazon Root CA "[..], b"Starfield Services Root Certificate Authority - G2"].into_iter().any(|name| {
        let is_here = |window: &[u8]| window.first() == name.first() && window == name;
        beginning.windows(name.len()).any(is_here)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted_in(region: &str) -> usize {
        let pem = String::from_utf8(Roots::of(region).pem().unwrap()).unwrap();
        pem.matches("BEGIN CERTIFICATE").count()
    }

    #[test]
    fn all_five_roots_of_amazons_services_are_compiled_in() {
        for region in ["eu-central-1", "us-gov-west-1", "eusc-de-east-1"] {
            assert_eq!(trusted_in(region), 5, "{region}");
        }
    }

    /// A function there that trusts nobody but Amazon can call no service at all.
    #[test]
    fn a_function_in_china_trusts_every_public_authority() {
        let all = webpki_root_certs::TLS_SERVER_ROOT_CERTS.len();
        assert!(all > 100, "{all}");
        for region in ["cn-north-1", "cn-northwest-1"] {
            assert_eq!(trusted_in(region), all, "{region}");
        }
        crate::aws::tls_trusting(None, Roots::Public).unwrap();
    }
}
