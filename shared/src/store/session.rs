//! `USER#<uid>` / `SESSION#<sid>`.

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, Update},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    EventRow, Store, StoreError,
    change::{Updated, updated},
    item,
    pages::{Pages, following},
    rate::window_end,
    transaction::Transacted,
};
use crate::domain::{
    attempts::Limit,
    factors::Amr,
    ids::{AccessId, RefreshHash, SessionId, UserId},
    moment::Moment,
    security_event::SecurityEvent,
    session::{EndReason, Presented, Session, whole_seconds},
};

/// A session's row stays a day longer than the session, so that late tokens of it find out that it has ended.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn key(user: UserId, session: SessionId) -> item::Item {
    item::key(format!("USER#{user}"), format!("SESSION#{session}"))
}

pub(super) fn row(operation: &'static str, session: &Session) -> Result<item::Item, StoreError> {
    let key = key(session.user_id, session.session_id);
    item::write(operation, key, session, Some(session.absolute_end + KEPT_AFTER_END))
}

/// How a user showed who they are, as the row keeps it.
pub(super) fn amr(shown: &[Amr]) -> AttributeValue {
    AttributeValue::L(shown.iter().map(|shown| item::text(shown.name())).collect())
}

/// The change that consumes a refresh token.
#[derive(Debug)]
pub struct Rotation<'a> {
    /// Whose session.
    pub user: UserId,
    pub session: SessionId,
    /// The token that was presented.
    pub presented: &'a Presented,
    /// Hash of its successor's id.
    pub next: RefreshHash,
    /// The key that made the successor's id and signs it.
    pub kid: &'a str,
    /// The idle end from now on.
    pub idle_end: Timestamp,
    /// When and in which request.
    pub moment: &'a Moment,
    /// How many refreshes a session has in a window, if there is a limit.
    pub limit: Option<Limit>,
}

/// What became of it.
#[derive(Debug)]
pub enum Rotated {
    /// It took. The row as it is now.
    Took(Box<Session>),
    /// The condition failed. The row that it failed on, if there is one.
    Lost(Option<Box<Session>>),
    /// The session was refreshed as often as it may be until then. The token is as good as before.
    TooMany(Timestamp),
}

/// How a rotation counts itself: in the write that it is anyway, so that the count costs nothing.
#[derive(Debug, Clone, Copy)]
enum Counting {
    Not,
    /// As the first of the window that ends then.
    First(i64),
    /// As one more of that window, if there may be so many.
    More(i64, u32),
}

/// Some of the rows of a user's sessions.
#[derive(Debug)]
pub struct SessionRows {
    /// The sessions, the newest first.
    pub found: Vec<Session>,
    /// Where the next ones begin, if there may be more.
    pub next: Option<SessionId>,
}

impl Store {
    /// *Active, current = presented, generation = g, delivered this way, before its ends* → the successor, in one conditional write.
    ///
    /// Where refreshes are counted it is a second one only for a session that was refreshed before in the same window.
    ///
    /// # Errors
    /// [`StoreError`]; then it may or may not have taken. The next try with the same token finds out.
    pub async fn rotate(&self, rotation: &Rotation<'_>) -> Result<Rotated, StoreError> {
        let Some(limit) = rotation.limit else { return self.try_rotate(rotation, Counting::Not).await };
        let ends = window_end(limit, rotation.moment.now);
        // In the way is only a count of this very window: of any other, it would be the first.
        let counts = |row: &Session| row.awaits(rotation.presented) && row.refreshes_end == Some(ends);
        let first = self.try_rotate(rotation, Counting::First(ends)).await?;
        if !matches!(&first, Rotated::Lost(Some(row)) if counts(row)) {
            return Ok(first);
        }
        let more = self.try_rotate(rotation, Counting::More(ends, limit.max)).await?;
        let is_over = |row: &Session| counts(row) && row.refreshes.is_some_and(|count| count >= limit.max);
        match more {
            Rotated::Lost(Some(row)) if is_over(&row) => Timestamp::from_second(ends)
                .map(Rotated::TooMany)
                .map_err(|_| StoreError::Malformed { operation: "rotate a refresh token" }),
            answered => Ok(answered),
        }
    }

    async fn try_rotate(&self, rotation: &Rotation<'_>, counting: Counting) -> Result<Rotated, StoreError> {
        const OPERATION: &str = "rotate a refresh token";
        let Rotation { presented, moment, .. } = rotation;
        let mut set =
            "SET #current = :next, previous = :presented, generation = :next_generation, rotatedAt = :now, \
                       rotationKid = :kid, idleEnd = :idle, rotationRequest = :request"
                .to_owned();
        let mut condition = "#state = :active AND #current = :presented AND generation = :generation \
                             AND #delivery = :delivery AND idleEnd >= :second AND absoluteEnd >= :second"
            .to_owned();
        let mut update = self.client.update_item();
        match counting {
            Counting::Not => {}
            Counting::First(ends) => {
                set.push_str(", refreshesEnd = :window, refreshes = :one");
                condition.push_str(" AND (attribute_not_exists(refreshesEnd) OR refreshesEnd <> :window)");
                update = update.expression_attribute_values(":window", item::number(ends));
            }
            Counting::More(ends, max) => {
                set.push_str(", refreshes = refreshes + :one");
                condition.push_str(" AND refreshesEnd = :window AND refreshes < :max");
                update = update
                    .expression_attribute_values(":window", item::number(ends))
                    .expression_attribute_values(":max", item::number(max));
            }
        }
        if !matches!(counting, Counting::Not) {
            update = update.expression_attribute_values(":one", item::number(1));
        }
        if let Some(fingerprint) = &presented.fingerprint {
            set.push_str(", fingerprint = :fingerprint");
            update = update.expression_attribute_values(":fingerprint", item::text(fingerprint.as_str()));
        }
        let update = update
            .table_name(&self.tables.sessions)
            .set_key(Some(key(rotation.user, rotation.session)))
            .update_expression(set)
            .condition_expression(condition)
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#current", "current")
            .expression_attribute_names("#delivery", "delivery")
            .expression_attribute_values(":active", item::text("active"))
            .expression_attribute_values(":presented", item::text(presented.hash.as_str()))
            .expression_attribute_values(":generation", item::number(presented.generation))
            .expression_attribute_values(":delivery", item::text(presented.delivery.name()))
            .expression_attribute_values(":next", item::text(rotation.next.as_str()))
            .expression_attribute_values(
                ":next_generation",
                item::number(presented.generation.saturating_add(1)),
            )
            .expression_attribute_values(":now", item::millis(moment.now))
            // Ends count to the whole second, as `Session::is_live` has it: those that come with this second have come.
            .expression_attribute_values(
                ":second",
                item::millis(whole_seconds(moment.now) + SignedDuration::from_secs(1)),
            )
            .expression_attribute_values(":kid", item::text(rotation.kid))
            .expression_attribute_values(":idle", item::millis(rotation.idle_end))
            .expression_attribute_values(":request", item::text(moment.request.as_str()));
        let read = |found| item::read(OPERATION, found).map(Box::new);
        match updated(OPERATION, update).await? {
            Updated::Took(found) => read(found).map(Rotated::Took),
            Updated::Lost(found) => found.map(read).transpose().map(Rotated::Lost),
        }
    }

    /// A session of a user, as it is now.
    pub async fn session(&self, user: UserId, session: SessionId) -> Result<Option<Session>, StoreError> {
        const OPERATION: &str = "read a session";
        let read = self.client.get_item().table_name(&self.tables.sessions);
        let answer = read.set_key(Some(key(user, session))).consistent_read(true).send().await;
        let answer = answer.map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        answer.item.map(|found| item::read(OPERATION, found)).transpose()
    }

    /// Every session of a user that there is a row of, ended ones too: page by page, as they are now.
    ///
    /// # Errors
    /// [`StoreError`]; half a list is none.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        const OPERATION: &str = "list sessions";
        let (mut pages, mut sessions) = (Pages::of(OPERATION, self.sessions_of(user)), Vec::new());
        while let Some(page) = pages.next().await? {
            for found in page {
                sessions.push(item::read(OPERATION, found)?);
            }
        }
        Ok(sessions)
    }

    fn sessions_of(&self, user: UserId) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.tables.sessions)
            .key_condition_expression("pk = :user AND begins_with(sk, :sessions)")
            .expression_attribute_values(":user", item::text(format!("USER#{user}")))
            .expression_attribute_values(":sessions", item::text("SESSION#"))
            .consistent_read(true)
    }

    /// The rows of a user's sessions, ended ones too, as they are now: the newest that began before `before`, and no more
    /// than `rows` of them.
    pub async fn sessions_before(
        &self,
        user: UserId,
        before: Option<SessionId>,
        rows: i32,
    ) -> Result<SessionRows, StoreError> {
        const OPERATION: &str = "list sessions";
        let page = self
            .sessions_of(user)
            // Ids are UUIDv7: their order is that of the logins.
            .scan_index_forward(false)
            .limit(rows)
            .set_exclusive_start_key(before.map(|session| key(user, session)))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        let read = |found| item::read(OPERATION, found);
        let found = page.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
        let next = match following(page.last_evaluated_key) {
            None => None,
            Some(key) => {
                let id = key.get("sk").and_then(|sk| sk.as_s().ok()?.strip_prefix("SESSION#")?.parse().ok());
                Some(id.ok_or(StoreError::Malformed { operation: OPERATION })?)
            }
        };
        Ok(SessionRows { found, next })
    }

    /// When a user logged in last: the newest session, or where none is left, the newest login of the security log.
    pub async fn last_login(&self, user: UserId, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let newest = self.sessions_before(user, None, 1).await?.found.into_iter().next();
        match newest {
            Some(session) => Ok(Some(session.created_at)),
            None => self.last_logged(user, SecurityEvent::AuthnLoginSuccess, now).await,
        }
    }

    /// Ends a session and writes it into its user's security log, both or neither; the access token that was shown, if one was,
    /// goes on the session's blacklist in the same write. `false`: it is gone or had ended before, which is no error and no
    /// second entry.
    ///
    /// # Errors
    /// [`StoreError`]; then it may not have ended.
    pub async fn revoke_session(
        &self,
        user: UserId,
        session: SessionId,
        shown: Option<AccessId>,
        reason: EndReason,
        event: &EventRow,
    ) -> Result<bool, StoreError> {
        const OPERATION: &str = "revoke a session";
        let mut end = Update::builder();
        let mut change = "SET #state = :revoked, revokedAt = :now, endedBy = :reason".to_owned();
        if let Some(token) = shown {
            change.push_str(" ADD revokedTokens :token");
            end = end.expression_attribute_values(":token", AttributeValue::Ss(vec![token.to_string()]));
        }
        let end = end
            .table_name(&self.tables.sessions)
            .set_key(Some(key(user, session)))
            .update_expression(change)
            // Whatever it was: also one that only enrols, or that a later version knows.
            .condition_expression("attribute_exists(#state) AND #state <> :revoked")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":revoked", item::text("revoked"))
            .expression_attribute_values(":now", item::millis(event.at))
            .expression_attribute_values(":reason", item::text(reason.name()));
        let writes = vec![end.into(), self.event_put(OPERATION, event)?];
        // The only condition is the session's.
        Ok(matches!(self.transact(OPERATION, writes).await?, Transacted::Done))
    }

    /// Remembers that the user of a session has shown who they are once more: how and when, and by a second factor if `factor`.
    /// `None`: the session has ended, or every session of before has.
    ///
    /// # Errors
    /// [`StoreError`]; then it may have taken effect.
    pub async fn step_up(
        &self,
        session: &Session,
        shown: &[Amr],
        factor: bool,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        const OPERATION: &str = "step a session up";
        let set = if factor { ", factorTime = :now" } else { "" };
        let known = session.amr.iter().copied().chain(shown.iter().copied());
        let known: Vec<Amr> = known.collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key(session.user_id, session.session_id)))
            .update_expression(format!("SET authTime = :now, amr = :amr{set}"))
            .condition_expression("#state = :active AND epoch = :epoch")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":active", item::text("active"))
            .expression_attribute_values(":epoch", item::number(session.epoch))
            .expression_attribute_values(":amr", amr(&known))
            .expression_attribute_values(":now", item::millis(now));
        match updated(OPERATION, update).await? {
            Updated::Took(found) => item::read(OPERATION, found).map(Some),
            Updated::Lost(_) => Ok(None),
        }
    }

    /// Whether this request can reach the table at all: a read of nothing, made during init so that the first
    /// request finds the connection open.
    pub async fn warm_up(&self) -> Result<(), StoreError> {
        let nothing = item::key("USER#warm-up", "SESSION#warm-up");
        let read = self.client.get_item().table_name(&self.tables.sessions).set_key(Some(nothing));
        read.send().await.map_err(|error| StoreError::from_sdk("warm up", &error))?;
        Ok(())
    }
}
