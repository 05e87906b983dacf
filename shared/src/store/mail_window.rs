//! `MAILS#ACCOUNT#<sha256>` / `WINDOW`: the mails to one mailbox, in an hour and in a day. (Those from one address: `attempts`.)
//!
//! Both windows stand in one item, so that a mail costs one write for the two of them. As in `attempts`, an entry is named
//! by its request: a write that the SDK repeats counts once, and of racing requests exactly as many take as there are places.

use jiff::{SignedDuration, Timestamp};

use super::{
    Store, StoreError,
    attempts::{entries, one},
    change::{Updated, updated},
    item,
};
use crate::domain::{
    attempts::{Entry, Limit, Window},
    mail::{MailDigest, PER_DAY, PER_HOUR},
};

/// Whether a mailbox takes another mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailWindow {
    /// It does, and this one is counted.
    Taken,
    /// It has had as many as this limit allows, and takes the next one when the window ends.
    Full(Window, Limit),
}

const RESERVE: &str = "count a mail";

/// An item is of no use after its longer window.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(1);

/// How an entry gets into the item, by what was found there.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Into the windows as they are, or into new ones where there is no item.
    Enter,
    /// Into a new hour, in the place of the one with this end.
    NewHour(Timestamp),
    /// Into a new day and hour, in the place of the day with this end.
    NewDay(Timestamp),
}

impl Store {
    /// Counts a mail to a mailbox, before it is asked for.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be counted.
    pub async fn count_mail(
        &self,
        mailbox: &MailDigest,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<MailWindow, StoreError> {
        let mut way = Way::Enter;
        // A window that ends while we look at it sends us around again; so may others that reopen it first.
        for _ in 0..5 {
            let Some(found) = self.enter_mail_windows(mailbox, entry, way, now).await? else {
                return Ok(MailWindow::Taken);
            };
            let (hour, day) = (window(&found, "windowEnd", "hits")?, window(&found, "dayEnd", "dayHits")?);
            way = if day.is_over(now) {
                Way::NewDay(day.ends)
            } else if day.remaining(PER_DAY) == 0 {
                return Ok(MailWindow::Full(day, PER_DAY));
            } else if hour.is_over(now) {
                Way::NewHour(hour.ends)
            } else if hour.remaining(PER_HOUR) == 0 {
                return Ok(MailWindow::Full(hour, PER_HOUR));
            } else {
                Way::Enter
            };
        }
        Err(StoreError::Unavailable { operation: RESERVE, reason: "contention".into() })
    }

    /// Tries one way. `None`: the entry is in.
    async fn enter_mail_windows(
        &self,
        mailbox: &MailDigest,
        entry: &Entry,
        way: Way,
        now: Timestamp,
    ) -> Result<Option<item::Item>, StoreError> {
        let (hour_ends, day_ends) = (now + PER_HOUR.window, now + PER_DAY.window);
        let mut values =
            item::Item::from([(":me".to_owned(), one(entry)), (":hour".to_owned(), item::millis(hour_ends))]);
        let mut add = |name: &str, value| values.insert(name.to_owned(), value);
        if !matches!(way, Way::NewHour(_)) {
            add(":day", item::millis(day_ends));
            add(":ttl", item::ttl(day_ends + KEPT_AFTER_END));
        }
        if !matches!(way, Way::NewDay(_)) {
            add(":me_once", item::text(entry.as_str()));
            add(":day_max", item::number(PER_DAY.max));
            add(":now", item::millis(now));
        }
        match way {
            Way::Enter => drop(add(":hour_max", item::number(PER_HOUR.max))),
            Way::NewHour(over) | Way::NewDay(over) => drop(add(":over", item::millis(over))),
        }
        let (update, condition) = expressions(way);
        let enter = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(item::key(format!("MAILS#ACCOUNT#{mailbox}"), "WINDOW")))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values));
        match updated(RESERVE, enter).await? {
            Updated::Took(_) => Ok(None),
            // It vanished between the condition and its answer: the next try makes it anew.
            Updated::Lost(found) => Ok(Some(
                found.ok_or(StoreError::Unavailable { operation: RESERVE, reason: "contention".into() })?,
            )),
        }
    }
}

const fn expressions(way: Way) -> (&'static str, &'static str) {
    match way {
        Way::Enter => (
            "SET windowEnd = if_not_exists(windowEnd, :hour), dayEnd = if_not_exists(dayEnd, :day), \
             expiresAt = if_not_exists(expiresAt, :ttl) ADD hits :me, dayHits :me",
            "attribute_not_exists(pk) OR (windowEnd > :now AND dayEnd > :now \
             AND (size(hits) < :hour_max OR contains(hits, :me_once)) \
             AND (size(dayHits) < :day_max OR contains(dayHits, :me_once)))",
        ),
        Way::NewHour(_) => (
            "SET windowEnd = :hour, hits = :me ADD dayHits :me",
            "windowEnd = :over AND dayEnd > :now AND (size(dayHits) < :day_max OR contains(dayHits, :me_once))",
        ),
        Way::NewDay(_) => (
            "SET windowEnd = :hour, hits = :me, dayEnd = :day, dayHits = :me, expiresAt = :ttl",
            "dayEnd = :over",
        ),
    }
}

fn window(found: &item::Item, end: &str, hits: &str) -> Result<Window, StoreError> {
    let ends = found.get(end).and_then(|end| end.as_n().ok()).and_then(|end| end.parse().ok());
    let ends = ends.and_then(|end| Timestamp::from_millisecond(end).ok());
    let ends = ends.ok_or(StoreError::Malformed { operation: RESERVE })?;
    Ok(Window { entries: entries(found, hits), ends })
}
