//! The security log: an entry of it, and the line and the metric that go with the entry.
//!
//! A flow makes an [`Journal::entry`], hands it to the write that it belongs to, and [`announce`]s it when that took. So what an entry
//! says and what the line says is one thing, and how long entries are kept is known here alone.

use jiff::SignedDuration;

use crate::{
    domain::{ids::UserId, moment::Moment, security_event::SecurityEvent, session::Device},
    store::EventRow,
    telemetry,
};

/// Where entries of the security log are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journal {
    kept: SignedDuration,
}

impl Journal {
    /// One whose entries are kept for so long.
    #[must_use]
    pub const fn keeping(kept: SignedDuration) -> Self {
        Self { kept }
    }

    /// What happened to this user now, from this device.
    #[must_use]
    pub fn entry(self, event: SecurityEvent, moment: &Moment, user: UserId, device: &Device) -> EventRow {
        EventRow::new(event, moment, user, device, moment.now + self.kept)
    }

    /// Where nobody has an address, an entry that nobody reads and that expires at once is written for the same effort.
    #[must_use]
    pub fn entry_of_nobody(
        self,
        event: SecurityEvent,
        moment: &Moment,
        nobody: UserId,
        device: &Device,
    ) -> EventRow {
        EventRow::new(event, moment, nobody, device, moment.now)
    }
}

/// Logs and counts what an entry says, once it is written.
pub fn announce(entry: &EventRow) {
    telemetry::security_event(entry.event, &entry.request_id, Some(entry.user_id), entry.session_id);
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::moment::RequestId;

    #[test]
    fn an_entry_is_kept_as_long_as_the_log_is_and_one_of_nobody_is_over_at_once() {
        let journal = Journal::keeping(SignedDuration::from_hours(24));
        let now = Timestamp::from_second(1_780_000_000).unwrap();
        let moment = Moment { now, request: RequestId::new("request") };
        let user: UserId = "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap();
        let device = Device { user_agent: "test".to_owned(), ip: "203.0.113.7".to_owned() };
        let event = SecurityEvent::AuthnLoginFail;
        assert_eq!(
            journal.entry(event, &moment, user, &device).expires,
            now + SignedDuration::from_hours(24)
        );
        assert_eq!(journal.entry_of_nobody(event, &moment, user, &device).expires, now);
    }
}
