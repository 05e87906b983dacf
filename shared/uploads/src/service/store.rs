//! `UPLOAD#<id>` / `STATE`, `QUOTA#<user>#<day>` / `<purpose>` and `RULES#<name>` / `RULES`.
//!
//! Each step of an upload's life is one conditional write, with the condition of [`crate::upload`]. TTL is a broom and not a clock:
//! what is over is over by its own time.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::update_item::UpdateItemError,
    primitives::Blob,
    types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure},
};
use jiff::{SignedDuration, Timestamp};
use nova_auth::aws::{Code, Meaning};
use nova_auth_domain::ids::{SessionId, UserId};

use crate::{
    kind::Kind,
    name::FileName,
    rules::{Metadata, Purpose, Rules},
    upload::{Judge, LATE, State, UNDECIDED, Upload, Verdict, VersionId},
    wanted::{FORM_LASTS, Sha256, UploadId},
};

type Item = HashMap<String, AttributeValue>;

/// How long an upload is known that came to nothing.
const KEPT: SignedDuration = SignedDuration::from_hours(48);

/// A call to the table failed. Neither an item nor a message of AWS is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: the table of uploads does not answer ({reason})")]
pub struct Failed {
    operation: &'static str,
    #[source]
    reason: Code,
}

impl Failed {
    fn of<E: ProvideErrorMetadata, R>(operation: &'static str, error: &SdkError<E, R>) -> Self {
        Self { operation, reason: Code::of(error) }
    }

    fn malformed(operation: &'static str) -> Self {
        Self { operation, reason: "an item is malformed".into() }
    }
}

/// An upload, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub id: UploadId,
    /// Whose it is.
    pub user: UserId,
    pub file: Declared,
    /// When its form ends.
    pub ends: Timestamp,
    /// What verdicts have made of it.
    pub upload: Upload,
}

impl Row {
    /// How long ago its form ended: below zero while it may be used.
    #[must_use]
    pub fn passed(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.ends)
    }

    /// Where it is now. What came to nothing is over, also before anybody wrote that down.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        self.upload.state.after(self.passed(now))
    }
}

/// A file as it was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub purpose: String,
    /// What a person calls it.
    pub name: FileName,
    /// Its type.
    pub kind: Kind,
    /// Its bytes.
    pub size: u64,
    /// Its checksum.
    pub sha256: Sha256,
    /// What may be in it beside what is shown.
    pub metadata: Metadata,
}

/// How a place in a quota was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    Taken,
    /// There is none. These uploads have them, and so many bytes.
    Full(Vec<UploadId>, u64),
}

/// The table.
#[derive(Debug, Clone)]
pub struct UploadStore {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn key(pk: String, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

fn upload_key(id: UploadId) -> Item {
    key(format!("UPLOAD#{id}"), "STATE")
}

/// The day of a quota, in UTC.
fn quota_key(user: UserId, purpose: &str, now: Timestamp) -> Item {
    key(format!("QUOTA#{user}#{}", now.strftime("%Y-%m-%d")), purpose)
}

fn blob(id: UploadId) -> Blob {
    Blob::new(id.as_bytes().to_vec())
}

/// The uploads that have a place in a quota, and the bytes of all of them.
fn places(quota: &HashMap<String, AttributeValue>) -> (Vec<UploadId>, u64) {
    let places = match quota.get("uploads") {
        Some(AttributeValue::Bs(places)) => places.as_slice(),
        _ => &[],
    };
    let uploads = places.iter().filter_map(|place| UploadId::of_bytes(place.as_ref()));
    let bytes = quota.get("bytes").and_then(|bytes| bytes.as_n().ok()?.parse().ok());
    (uploads.collect(), bytes.unwrap_or(0))
}

impl UploadStore {
    /// The table of this name.
    #[must_use]
    pub const fn new(client: aws_sdk_dynamodb::Client, table: String) -> Self {
        Self { client, table }
    }

    /// Takes a place in a user's quota of the day. The place has the upload's id, so that a call that is repeated takes no second
    /// one.
    pub async fn reserve(
        &self,
        user: UserId,
        rule: &Purpose,
        id: UploadId,
        size: u64,
        now: Timestamp,
    ) -> Result<Reserved, Failed> {
        const OPERATION: &str = "take a place in a quota";
        // `bytes` and the set stand in one item, and are changed in one write.
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(quota_key(user, &rule.purpose, now)))
            .update_expression("ADD uploads :one, #bytes :size SET expiresAt = :expires")
            .condition_expression(
                // A set that was emptied is not there any more.
                "attribute_not_exists(uploads) OR \
                 (size(uploads) < :files AND #bytes <= :rest AND NOT contains(uploads, :id))",
            )
            .expression_attribute_names("#bytes", "bytes")
            .expression_attribute_values(":one", AttributeValue::Bs(vec![blob(id)]))
            .expression_attribute_values(":id", AttributeValue::B(blob(id)))
            .expression_attribute_values(":size", number(size))
            .expression_attribute_values(":files", number(rule.files_a_day))
            .expression_attribute_values(":rest", number(rule.bytes_a_day.saturating_sub(size)))
            .expression_attribute_values(":expires", number((now + KEPT).as_second()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = update.send().await else { return Ok(Reserved::Taken) };
        let failed = Failed::of(OPERATION, &error);
        let Some(UpdateItemError::ConditionalCheckFailedException(lost)) = error.into_service_error_if_any()
        else {
            return Err(failed);
        };
        let (taken, bytes) = places(&lost.item.unwrap_or_default());
        Ok(if taken.contains(&id) { Reserved::Taken } else { Reserved::Full(taken, bytes) })
    }

    /// Gives places back whose forms ran out unused. Each upload is ended first, so that a file that comes after all is too late;
    /// and one that was ended before may have its place still, where somebody stopped halfway.
    pub async fn reclaim(
        &self,
        user: UserId,
        purpose: &str,
        taken: &[UploadId],
        now: Timestamp,
    ) -> Result<usize, Failed> {
        let mut given = 0;
        for row in self.several(taken).await? {
            let is_over = match row.upload.state {
                State::Granted => row.state(now) == State::Expired && self.expire(row.id).await?,
                State::Expired => true,
                State::Received | State::Clean | State::Refused => false,
            };
            if row.user == user && is_over {
                self.give_back(user, purpose, (row.id, row.file.size), now).await?;
                given += 1;
            }
        }
        Ok(given)
    }

    async fn expire(&self, id: UploadId) -> Result<bool, Failed> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(upload_key(id)))
            .update_expression("SET #state = :expired")
            .condition_expression("#state = :granted")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":expired", text(State::Expired.name()))
            .expression_attribute_values(":granted", text(State::Granted.name()));
        took("end an upload that never came", update.send().await)
    }

    /// Gives a place back, once, however often it is called.
    pub async fn give_back(
        &self,
        user: UserId,
        purpose: &str,
        (id, size): (UploadId, u64),
        now: Timestamp,
    ) -> Result<bool, Failed> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(quota_key(user, purpose, now)))
            .update_expression("DELETE uploads :one ADD #bytes :size")
            .condition_expression("contains(uploads, :id)")
            .expression_attribute_names("#bytes", "bytes")
            .expression_attribute_values(":one", AttributeValue::Bs(vec![blob(id)]))
            .expression_attribute_values(":id", AttributeValue::B(blob(id)))
            .expression_attribute_values(":size", number(format!("-{size}")));
        took("give a place in a quota back", update.send().await)
    }

    /// Writes down that a form is given out.
    pub async fn grant(
        &self,
        id: UploadId,
        user: UserId,
        session: SessionId,
        file: &Declared,
        now: Timestamp,
    ) -> Result<(), Failed> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(upload_key(id)))
            .item("uid", text(user.to_string()))
            .item("sid", text(session.to_string()))
            .item("purpose", text(&file.purpose))
            .item("name", text(file.name.as_str()))
            .item("type", text(file.kind.name()))
            .item("size", number(file.size))
            .item("sha256", text(file.sha256.as_str()))
            .item("state", text(State::Granted.name()))
            .item("metadata", text(file.metadata.name()))
            .item("ends", number((now + FORM_LASTS).as_millisecond()))
            .item("expiresAt", number((now + KEPT).as_second()))
            .condition_expression("attribute_not_exists(pk)");
        // An id is made for one upload: what is there already is what an earlier try wrote.
        took("grant an upload", put.send().await).map(drop)
    }

    /// An upload, as it is now.
    pub async fn get(&self, id: UploadId) -> Result<Option<Row>, Failed> {
        const OPERATION: &str = "read an upload";
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(upload_key(id)))
            .consistent_read(true);
        let found = get.send().await.map_err(|error| Failed::of(OPERATION, &error))?;
        found.item.map(|item| row(&item).ok_or(Failed::malformed(OPERATION))).transpose()
    }

    async fn several(&self, ids: &[UploadId]) -> Result<Vec<Row>, Failed> {
        const OPERATION: &str = "read uploads";
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let keys = ids.iter().map(|id| upload_key(*id)).collect();
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let wanted = wanted.map_err(|_| Failed::malformed(OPERATION))?;
        let answer = self.client.batch_get_item().request_items(&self.table, wanted).send().await;
        let answer = answer.map_err(|error| Failed::of(OPERATION, &error))?;
        // What was not read counts as still in use.
        let found = answer.responses.and_then(|mut tables| tables.remove(&self.table)).unwrap_or_default();
        Ok(found.iter().filter_map(row).collect())
    }

    /// Notes a verdict, under the condition of [`Upload::judge`]. `false`: it counts for nothing.
    ///
    /// # Errors
    /// [`Failed`]. It may be noted then, and may be noted again.
    pub async fn judge(
        &self,
        id: UploadId,
        judge: Judge,
        version: &VersionId,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<bool, Failed> {
        let state = if verdict == Verdict::Yes { State::Received } else { State::Refused };
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(upload_key(id)))
            .update_expression(
                "SET #verdict = :verdict, versionId = :version, #state = :state, expiresAt = :expires",
            )
            .condition_expression(
                "attribute_exists(pk) AND attribute_not_exists(#verdict) \
                 AND (#state = :granted AND ends >= :late OR #state = :received AND ends >= :undecided) \
                 AND (attribute_not_exists(versionId) OR versionId = :version)",
            )
            .expression_attribute_names("#verdict", judge.attribute())
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":verdict", text(verdict.as_str()))
            .expression_attribute_values(":version", text(version.as_str()))
            .expression_attribute_values(":state", text(state.name()))
            .expression_attribute_values(":expires", number((now + KEPT).as_second()))
            .expression_attribute_values(":granted", text(State::Granted.name()))
            .expression_attribute_values(":late", number((now - LATE).as_millisecond()))
            .expression_attribute_values(":received", text(State::Received.name()))
            .expression_attribute_values(":undecided", number((now - UNDECIDED).as_millisecond()));
        took("note a verdict", update.send().await)
    }

    /// Notes that a version was copied, under the condition of [`Upload::copied`]. From now on it is kept.
    ///
    /// # Errors
    /// [`Failed`]. It may be noted then, and may be noted again.
    pub async fn copied(&self, id: UploadId, version: &VersionId, now: Timestamp) -> Result<bool, Failed> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(upload_key(id)))
            .update_expression("SET #state = :clean REMOVE expiresAt")
            .condition_expression(
                "#state = :received AND ends >= :undecided AND versionId = :version AND inspection = :yes \
                 AND malware = :yes",
            )
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":clean", text(State::Clean.name()))
            .expression_attribute_values(":received", text(State::Received.name()))
            .expression_attribute_values(":undecided", number((now - UNDECIDED).as_millisecond()))
            .expression_attribute_values(":version", text(version.as_str()))
            .expression_attribute_values(":yes", text(Verdict::Yes.as_str()));
        took("note a copy", update.send().await)
    }

    /// The rules of this name, and the file that they were read from.
    pub async fn rules(&self, name: &str) -> Result<Option<(Rules, String)>, Failed> {
        const OPERATION: &str = "read the rules of uploads";
        let Some(item) = self.rules_row(OPERATION, name).await? else { return Ok(None) };
        let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
        let rules = part("rules").and_then(|rules| serde_json::from_str(rules).ok());
        let rules = rules.ok_or(Failed::malformed(OPERATION))?;
        Ok(Some((rules, part("source").cloned().unwrap_or_default())))
    }

    /// Stores rules, in the place of those that have this name now. `false`: others were stored at the same time. So a try that arrives
    /// late brings no older rules back. Rules that this version can't read are replaced like any others.
    ///
    /// # Errors
    /// [`Failed`]; then they may be stored.
    pub async fn put_rules(&self, name: &str, rules: &Rules, source: &str) -> Result<bool, Failed> {
        const OPERATION: &str = "store the rules of uploads";
        let stored = serde_json::to_string(rules).map_err(|_| Failed::malformed(OPERATION))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(key(format!("RULES#{name}"), "RULES")))
            .item("rules", text(stored))
            .item("source", text(source));
        let stored_source = async || {
            Ok::<_, Failed>(self.rules_row(OPERATION, name).await?.and_then(|mut row| row.remove("source")))
        };
        let put = put.expression_attribute_names("#source", "source");
        let put = match stored_source().await? {
            None => put.condition_expression("attribute_not_exists(#source)"),
            Some(before) => {
                put.condition_expression("#source = :before").expression_attribute_values(":before", before)
            }
        };
        // An earlier try of this very call may have taken, and its answer was lost.
        Ok(took(OPERATION, put.send().await)? || stored_source().await? == Some(text(source)))
    }

    async fn rules_row(
        &self,
        operation: &'static str,
        name: &str,
    ) -> Result<Option<HashMap<String, AttributeValue>>, Failed> {
        let key = key(format!("RULES#{name}"), "RULES");
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        Ok(get.send().await.map_err(|error| Failed::of(operation, &error))?.item)
    }
}

/// Whether a conditional write took.
fn took<T, E: ProvideErrorMetadata, R>(
    operation: &'static str,
    sent: Result<T, SdkError<E, R>>,
) -> Result<bool, Failed> {
    match sent {
        Ok(_) => Ok(true),
        Err(error) if Code::of(&error).meaning() == Meaning::ConditionFailed => Ok(false),
        Err(error) => Err(Failed::of(operation, &error)),
    }
}

trait IntoServiceErrorIfAny<E> {
    fn into_service_error_if_any(self) -> Option<E>;
}

impl<E, R> IntoServiceErrorIfAny<E> for SdkError<E, R> {
    fn into_service_error_if_any(self) -> Option<E> {
        match self {
            Self::ServiceError(answer) => Some(answer.into_err()),
            _ => None,
        }
    }
}

/// An upload out of its item. A part that can't be read makes all of it unreadable.
fn row(item: &Item) -> Option<Row> {
    let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let whole = |name: &str| item.get(name).and_then(|value| value.as_n().ok());
    let verdict = |judge: Judge| part(judge.attribute()).map(|stored| Verdict::of_str(stored));
    Some(Row {
        id: part("pk")?.strip_prefix("UPLOAD#")?.parse().ok()?,
        user: part("uid")?.parse().ok()?,
        file: Declared {
            purpose: part("purpose")?.clone(),
            name: FileName::try_from(part("name")?.clone()).ok()?,
            kind: Kind::named(part("type")?)?,
            size: whole("size")?.parse().ok()?,
            sha256: Sha256::try_from(part("sha256")?.clone()).ok()?,
            // One of before there was a choice.
            metadata: part("metadata").map_or(Some(Metadata::Keep), |name| Metadata::named(name))?,
        },
        ends: Timestamp::from_millisecond(whole("ends")?.parse().ok()?).ok()?,
        upload: Upload {
            state: State::named(part("state")?)?,
            version: part("versionId").and_then(|version| VersionId::try_from(version.clone()).ok()),
            inspection: verdict(Judge::Inspection),
            malware: verdict(Judge::Malware),
        },
    })
}
