//! Randomness, from the operating system.

use jiff::Timestamp;
use uuid::Uuid;

/// The operating system gave no randomness. Nothing can be made safely then.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the operating system gives no randomness")]
pub struct NoEntropy;

/// Random bytes.
pub fn bytes<const N: usize>() -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoEntropy)?;
    Ok(bytes)
}

/// A UUIDv7 (RFC 9562, section 5.7) of this time.
pub fn uuid(now: Timestamp) -> Result<Uuid, NoEntropy> {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &bytes()?).into_uuid())
}

/// A random time between two, for retries that should not meet again.
#[must_use]
pub fn jitter(least: std::time::Duration, most: std::time::Duration) -> std::time::Duration {
    // Without randomness the longest wait serves as well.
    let share = bytes::<4>().map_or(1.0, |bytes| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX));
    least + most.saturating_sub(least).mul_f64(share)
}
