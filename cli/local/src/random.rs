//! Random bytes from the operating system, and the ids made of them.

/// The operating system gave no random bytes; nothing that needs them can go on.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct NoRandomness(getrandom::Error);

/// Random bytes from the operating system.
///
/// # Errors
/// When the operating system has none to give.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

/// `count` random bytes in hexadecimal. These ids only tell requests apart, so that a machine without
/// randomness (which [`bytes`] reports where secrets are made) gets zeros here.
pub(crate) fn hex<const N: usize>() -> String {
    bytes::<N>().unwrap_or([0; N]).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A random UUID (version 4), as AWS uses for request ids and secret versions.
pub(crate) fn uuid() -> String {
    let mut n = u128::from_be_bytes(bytes::<16>().unwrap_or([0; 16]));
    n = (n & !(0xf << 76)) | (0x4 << 76);
    n = (n & !(0x3 << 62)) | (0x2 << 62);
    let hex = format!("{n:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// An X-Ray trace id, whose first part is the time in seconds.
pub(crate) fn trace_id(now_ms: u64) -> String {
    format!("Root=1-{:08x}-{}", now_ms / 1000, hex::<12>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_version_and_variant_bits() {
        let id = uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]), "{id}");
        assert_ne!(id, uuid());
    }
}
