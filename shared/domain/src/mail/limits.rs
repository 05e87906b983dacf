//! How many mails anybody may ask for: a mailbox is not to be flooded, whoever asks and from wherever.

use jiff::SignedDuration;

use crate::attempts::Limit;

/// To one mailbox, in an hour.
pub const PER_HOUR: Limit = Limit { max: 3, window: SignedDuration::from_hours(1) };

/// To one mailbox, in a day.
pub const PER_DAY: Limit = Limit { max: 10, window: SignedDuration::from_hours(24) };

/// About new devices, to one user: what a link in one of them ends, it ends for all.
pub const PER_NEW_DEVICE: Limit = Limit { max: 1, window: SignedDuration::from_mins(10) };

/// From one address, in an hour.
pub const PER_ADDRESS: Limit = Limit { max: 10, window: SignedDuration::from_hours(1) };
