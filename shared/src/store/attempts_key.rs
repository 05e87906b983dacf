//! Whose attempts a window counts: where their item stands.

use super::item;
use crate::domain::{
    address::ClientAddress,
    email::Email,
    ids::{DeviceId, UserId},
};

/// Whose attempts are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptsKey {
    pk: String,
    counts_failures: bool,
}

impl AttemptsKey {
    /// Those on an account, whether or not it exists.
    #[must_use]
    pub fn account(email: &Email) -> Self {
        Self { pk: format!("ATTEMPTS#ACCOUNT#{}", email.digest()), counts_failures: true }
    }

    /// Those on an account, from a device that logged in to it before.
    #[must_use]
    pub fn device(device: &DeviceId) -> Self {
        Self { pk: format!("ATTEMPTS#DEVICE#{}", device.digest()), counts_failures: true }
    }

    /// Those from an address.
    #[must_use]
    pub fn address(address: ClientAddress) -> Self {
        Self { pk: format!("ATTEMPTS#ADDRESS#{}", address.window_name()), counts_failures: false }
    }

    /// The mails that were asked for from an address.
    #[must_use]
    pub fn mails_from(address: ClientAddress) -> Self {
        Self { pk: format!("MAILS#ADDRESS#{}", address.window_name()), counts_failures: false }
    }

    /// The mails to a user about new devices in a network, or in any.
    #[must_use]
    pub fn mails_of_devices(user: UserId, network: &str) -> Self {
        Self { pk: format!("MAILS#DEVICE#{user}#{network}"), counts_failures: false }
    }

    /// The second factors that were shown for a user.
    #[must_use]
    pub fn factor(user: UserId) -> Self {
        Self { pk: format!("ATTEMPTS#FACTOR#{user}"), counts_failures: true }
    }

    /// Whether a place that is taken is one failure more in a row, until it is given back.
    pub(super) const fn counts_failures(&self) -> bool {
        self.counts_failures
    }

    pub(super) fn item(&self) -> item::Item {
        item::key(&self.pk, "WINDOW")
    }
}
