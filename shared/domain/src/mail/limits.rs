//! How many mails anybody may ask for: a mailbox is not to be flooded, whoever asks and from wherever.

use jiff::SignedDuration;

use crate::attempts::Limit;

/// To one mailbox, in an hour.
pub const PER_HOUR: Limit = Limit { max: 3, window: SignedDuration::from_hours(1) };

/// To one mailbox, in a day.
pub const PER_DAY: Limit = Limit { max: 10, window: SignedDuration::from_hours(24) };

/// About new devices in one network, to one user: who logs in there again and again need not be told each time.
pub const PER_NETWORK: Limit = Limit { max: 1, window: SignedDuration::from_mins(10) };

/// About new devices, to one user, from wherever.
pub const PER_USER: Limit = Limit { max: 5, window: SignedDuration::from_mins(10) };

pub const PER_ADDRESS: Limit = Limit { max: 10, window: SignedDuration::from_hours(1) };
