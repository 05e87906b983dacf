//! A figure says whether it was measured here or computed.

use serde::Serialize;

/// A figure, and where it comes from.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figure<T> {
    /// `measured` or `computed`.
    pub(super) how: &'static str,
    pub(super) value: T,
}

pub(super) const MEASURED: &str = "measured";
pub(super) const COMPUTED: &str = "computed";

pub(super) fn measured<T>(value: T) -> Figure<T> {
    Figure { how: MEASURED, value }
}

pub(super) fn computed<T>(value: T) -> Figure<T> {
    Figure { how: COMPUTED, value }
}
