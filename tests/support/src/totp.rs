//! Codes of authenticator apps.

use jiff::Timestamp;
use nova_auth::domain::factors::totp::TotpSecret;

/// The code that an app shows now.
pub fn code_now(secret: &TotpSecret) -> String {
    secret.code_at(now())
}

/// The secret that an app is shown, in base32.
pub fn read(base32: &str) -> TotpSecret {
    let (mut bits, mut count, mut bytes) = (0_u64, 0, Vec::new());
    for letter in base32.bytes() {
        let value = if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 };
        (bits, count) = ((bits << 5) | u64::from(value), count + 5);
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap());
        }
    }
    TotpSecret::from_bytes(bytes.try_into().unwrap())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the functions on the other side of the gateway read the clock"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}
