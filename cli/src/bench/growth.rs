//! Growth: requests a second, and users. Measured as far as this machine goes, computed beyond; each figure says which.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nova_auth::domain::ids::{SessionId, UserId};
use nova_auth::keys::Token;
use nova_local::workbench::Worker;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::dollars::{Million, Prices, cents};
use super::figure::{Figure, computed, measured};
use super::sample::{Sample, Spread, rounded};
use super::scene::{Operation, Scene, decision, expect_yes, moment};

/// How much is tried.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    /// Decisions a second that are tried here.
    pub(super) rates: Vec<u32>,
    /// For how long.
    pub(super) seconds: f64,
    /// Processes of the authorizer.
    pub(super) processes: usize,
    /// How many users are really put into the tables.
    pub(super) users: Vec<u64>,
    /// Decisions about users of those.
    pub(super) decisions: usize,
}

const RATES: [u32; 4] = [1, 10, 100, 1000];
const USERS: [u64; 5] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// Decisions at a rate.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Rate {
    pub(super) per_second: u32,
    /// From the arrival of a call to its answer, queueing for a process included. Beyond this machine: as with one call
    /// at a time, since on Lambda every call has a process to itself.
    pub(super) ms: Figure<Spread>,
    /// Decisions a second that were really answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reached: Option<f64>,
    /// Processes of the authorizer that are busy at once on Lambda.
    pub(super) concurrency: Figure<f64>,
    pub(super) dynamodb_read_units_a_second: Figure<f64>,
    pub(super) dollars_a_month: Figure<f64>,
}

/// Users, with what they leave in the tables.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Users {
    pub(super) users: u64,
    /// A decision about one of them, picked from all. Beyond this machine: as measured last, since every item is read by its
    /// whole key, whose cost does not depend on how many there are.
    pub(super) decision_ms: Figure<Spread>,
    pub(super) stored_gb: Figure<f64>,
    pub(super) dollars_a_month: Figure<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Growth {
    pub(super) requests: Vec<Rate>,
    pub(super) users: Vec<Users>,
}

/// Measures and reckons all of it. `million` are the dollars by operation, `units` the read units of a decision, and `alone`
/// what a decision takes when nothing else is asked.
///
/// # Errors
/// A function did not answer, or the tables took no users.
pub(super) async fn run(
    scene: &Scene,
    reach: &Reach,
    prices: &Prices,
    million: &BTreeMap<&'static str, Million>,
    units: f64,
    alone: Spread,
) -> Result<Growth, Box<dyn Error>> {
    let decision = million.get(Operation::Decision.name()).ok_or("no decision was reckoned")?;
    let workers = Processes::start(scene, reach.processes).await?;
    let mut requests = Vec::new();
    for per_second in RATES {
        let tried = match reach.rates.contains(&per_second) {
            true => at_rate(scene, &workers, per_second, reach.seconds).await?,
            false => None,
        };
        let rate = f64::from(per_second);
        let a_month = rate * prices.assumptions.days_a_month * 86_400.0;
        requests.push(Rate {
            per_second,
            reached: tried.as_ref().map(|(reached, _)| *reached),
            ms: tried.map_or(computed(alone), |(_, spread)| measured(spread)),
            concurrency: computed(rounded(rate * decision.billed_ms / 1000.0)),
            dynamodb_read_units_a_second: computed(rate * units),
            dollars_a_month: computed(cents(a_month / 1e6 * decision.total)),
        });
    }
    workers.stop().await;
    Ok(Growth { requests, users: users(scene, reach, prices, million).await? })
}

/// Processes of the authorizer, each free or with a call.
struct Processes(Arc<Mutex<Vec<Worker>>>, Arc<tokio::sync::Semaphore>);

impl Processes {
    async fn start(scene: &Scene, number: usize) -> Result<Processes, Box<dyn Error>> {
        let mut workers = Vec::new();
        for _ in 0..number.max(1) {
            let worker = scene.bench.worker(Operation::Decision.function(), &[]).await?;
            super::measure::ask(scene, &worker, Operation::Decision).await?;
            workers.push(worker);
        }
        let free = Arc::new(tokio::sync::Semaphore::new(workers.len()));
        Ok(Processes(Arc::new(Mutex::new(workers)), free))
    }

    async fn stop(self) {
        for worker in std::mem::take(&mut *self.0.lock().await) {
            worker.stop().await;
        }
    }
}

/// Calls that arrive at a rate, whether or not the ones before were answered. `None`: this machine does not reach it.
async fn at_rate(
    scene: &Scene,
    workers: &Processes,
    per_second: u32,
    seconds: f64,
) -> Result<Option<(f64, Spread)>, Box<dyn Error>> {
    let event: Arc<str> = scene.event(Operation::Decision).await?.into();
    let calls = (f64::from(per_second) * seconds).ceil().max(3.0);
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / f64::from(per_second)));
    let mut under_way = JoinSet::new();
    let begun = Instant::now();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand")]
    for _ in 0..calls as u64 {
        ticks.tick().await;
        let (pool, free, event) = (workers.0.clone(), workers.1.clone(), event.clone());
        let arrived = Instant::now();
        under_way.spawn(async move {
            let _place = free.acquire_owned().await.map_err(|error| error.to_string())?;
            let worker = pool.lock().await.pop().ok_or("no process is free")?;
            let reply = worker.invoke(&event).await.map_err(|error| error.to_string());
            let took = arrived.elapsed();
            pool.lock().await.push(worker);
            Ok::<_, String>((reply?.answer, took))
        });
    }
    let mut sample = Sample::default();
    while let Some(call) = under_way.join_next().await {
        let (answer, took) = call??;
        expect_yes(Operation::Decision, &answer)?;
        sample.add(took);
    }
    // The first call comes at once, and so do as many as a rate has intervals.
    let asked = (calls - 1.0) / f64::from(per_second);
    let took = begun.elapsed().as_secs_f64();
    let reached = (calls - 1.0) / took.max(asked);
    let keeps_up = took <= asked * 1.05 + 0.1;
    Ok(sample.spread().filter(|_| keeps_up).map(|spread| (rounded(reached), spread)))
}

async fn decisions_about(known: &[String], worker: &Worker) -> Result<Option<Spread>, Box<dyn Error>> {
    let mut sample = Sample::default();
    for access in known {
        let reply = worker.invoke(&decision(access)).await?;
        expect_yes(Operation::Decision, &reply.answer)?;
        sample.add(reply.took);
    }
    Ok(sample.spread())
}

async fn users(
    scene: &Scene,
    reach: &Reach,
    prices: &Prices,
    million: &BTreeMap<&'static str, Million>,
) -> Result<Vec<Users>, Box<dyn Error>> {
    let pattern = Pattern::read(scene).await?;
    let worker = scene.bench.worker(Operation::Decision.function(), &[]).await?;
    let (mut there, mut last) = (0, None);
    let mut found = Vec::new();
    let all = USERS.into_iter().chain(reach.users.iter().copied());
    let all: std::collections::BTreeSet<u64> = all.collect();
    for users in all {
        let mut figure = last.map(computed);
        if reach.users.contains(&users) {
            let known = pattern.fill(scene, there, users, reach.decisions).await?;
            there = users;
            last = decisions_about(&known, &worker).await?;
            figure = last.map(measured);
        }
        let Some(decision_ms) = figure else { continue };
        #[expect(clippy::cast_precision_loss, reason = "ten millions")]
        let number = users as f64;
        let stored_gb = number * pattern.bytes_a_user(prices) / 1e9;
        let dollars = a_month(number, stored_gb, prices, million);
        found.push(Users {
            users,
            decision_ms,
            stored_gb: computed(rounded(stored_gb)),
            dollars_a_month: computed(cents(dollars)),
        });
    }
    worker.stop().await;
    Ok(found)
}

/// What so many users cost a month, by the assumptions of the prices' file.
fn a_month(users: f64, stored_gb: f64, prices: &Prices, million: &BTreeMap<&'static str, Million>) -> f64 {
    let Prices { assumptions, dollars, .. } = prices;
    let active_days = users * assumptions.active_users_a_day * assumptions.days_a_month;
    let of = |operation: Operation, a_day: f64| {
        let each = million.get(operation.name()).map_or(0.0, |million| million.total);
        active_days * a_day / 1e6 * each
    };
    of(Operation::Login, assumptions.logins_per_active_user_day)
        + of(Operation::Refresh, assumptions.refreshes_per_active_user_day)
        + of(Operation::Decision, assumptions.decisions_per_active_user_day)
        + stored_gb * dollars.dynamodb_gb_month
        + assumptions.secrets * dollars.secret_month
}

/// The items of one user, of which others are made.
struct Pattern {
    profile: Value,
    session: Value,
    credential_bytes: usize,
    event_bytes: usize,
    user: String,
    session_id: String,
}

impl Pattern {
    async fn read(scene: &Scene) -> Result<Pattern, Box<dyn Error>> {
        let one = async |table: &str, begins: &str| {
            let scan = json!({"TableName": table});
            let found = call(scene, "Scan", &scan).await?;
            let items = found.get("Items").and_then(Value::as_array).cloned().unwrap_or_default();
            let is_wanted = |item: &Value| text(item, "sk").starts_with(begins);
            items
                .into_iter()
                .find(is_wanted)
                .ok_or_else(|| Box::<dyn Error>::from(format!("there is no {begins}")))
        };
        let session = one("SessionsTable", "SESSION#").await?;
        let user = text(&session, "pk").trim_start_matches("USER#").to_owned();
        let session_id = text(&session, "sk").trim_start_matches("SESSION#").to_owned();
        let key = json!({"pk": {"S": format!("USER#{user}")}, "sk": {"S": "PROFILE"}});
        let found = call(scene, "GetItem", &json!({"TableName": "IdentityTable", "Key": key})).await?;
        Ok(Pattern {
            profile: found.get("Item").cloned().ok_or("there is no profile")?,
            credential_bytes: bytes(&one("IdentityTable", "CREDENTIAL").await?),
            event_bytes: bytes(&one("IdentityTable", "EVENT#").await?),
            session,
            user,
            session_id,
        })
    }

    /// Items of one user, as DynamoDB counts bytes, 100 for each item's place in the index included.
    #[expect(clippy::cast_precision_loss, reason = "a few hundred bytes")]
    fn bytes_a_user(&self, prices: &Prices) -> f64 {
        let item = |bytes: usize| bytes as f64 + 100.0;
        item(bytes(&self.profile))
            + item(self.credential_bytes)
            + item(bytes(&self.session)) * prices.assumptions.sessions_kept_per_user
            + item(self.event_bytes) * prices.assumptions.events_kept_per_user
    }

    /// Puts users with a session each into the tables, up to `to`; the access tokens of some of the new ones.
    async fn fill(
        &self,
        scene: &Scene,
        from: u64,
        to: u64,
        some: usize,
    ) -> Result<Vec<String>, Box<dyn Error>> {
        let [profile, session] = [&self.profile, &self.session].map(Value::to_string);
        let every = ((to - from) / u64::try_from(some.max(1))?).max(1);
        let mut batch = Vec::new();
        let mut picked = Vec::new();
        for number in from..to {
            let now = moment()?.now;
            let user = nova_auth::entropy::uuid(now)?.to_string();
            let id = nova_auth::entropy::uuid(now)?.to_string();
            let of = |item: &str| {
                serde_json::from_str::<Value>(&item.replace(&self.user, &user).replace(&self.session_id, &id))
            };
            batch.push((of(&profile)?, of(&session)?));
            if batch.len() == 12 || number + 1 == to {
                put(scene, std::mem::take(&mut batch)).await?;
            }
            if (number - from).is_multiple_of(every) {
                picked.push((user, id));
            }
        }
        let mut tokens = Vec::new();
        for (user, id) in picked {
            tokens.push(token(scene, user.parse()?, id.parse()?).await?);
        }
        Ok(tokens)
    }
}

async fn put(scene: &Scene, users: Vec<(Value, Value)>) -> Result<(), Box<dyn Error>> {
    let puts = |items: Vec<Value>| -> Vec<Value> {
        items.into_iter().map(|item| json!({"PutRequest": {"Item": item}})).collect()
    };
    let (profiles, sessions) = users.into_iter().unzip();
    let request = json!({"RequestItems": {"IdentityTable": puts(profiles), "SessionsTable": puts(sessions)}});
    call(scene, "BatchWriteItem", &request).await.map(drop)
}

/// An access token of a session that was put into the tables.
async fn token(scene: &Scene, user: UserId, session: SessionId) -> Result<String, Box<dyn Error>> {
    let moment = moment()?;
    let facts = scene.service.store.facts(user, session, None).await?;
    let (profile, session) = facts.profile.zip(facts.session).ok_or("a user was not stored")?;
    let issued = scene.service.access.issue(&profile, &session, &scene.service.lifetimes, moment.now).await?;
    Ok(Token::expose(&issued.token).to_owned())
}

async fn call(scene: &Scene, operation: &str, body: &Value) -> Result<Value, Box<dyn Error>> {
    let request = scene
        .client
        .post(scene.bench.dynamodb_url())
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
        .header("x-amz-date", "20260101T000000Z")
        .body(body.to_string());
    let answer = request.send().await?.error_for_status()?;
    Ok(serde_json::from_slice(&answer.bytes().await?)?)
}

fn text<'v>(item: &'v Value, name: &str) -> &'v str {
    item.get(name).and_then(|value| value.get("S")).and_then(Value::as_str).unwrap_or_default()
}

/// The size of an item, as DynamoDB documents it: names and texts by their bytes, numbers by half of their digits, 3 more for
/// a list or map and 1 for each of its members.
fn bytes(item: &Value) -> usize {
    item.as_object().into_iter().flatten().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return 0 };
    match (kind.as_str(), value) {
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("M", map) => 3 + bytes(map) + map.as_object().map_or(0, |map| map.len()),
        ("L", Value::Array(items)) => 3 + items.iter().map(|item| value_bytes(item) + 1).sum::<usize>(),
        (_, Value::Array(set)) => set.iter().filter_map(Value::as_str).map(str::len).sum(),
        (_, Value::String(text)) => text.len(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_has_the_bytes_that_dynamodb_counts() {
        let item = json!({"pk": {"S": "USER#1"}, "n": {"N": "1234"}, "set": {"SS": ["ab", "c"]}, "b": {"BOOL": true},
            "m": {"M": {"x": {"S": "yz"}}}});
        assert_eq!(bytes(&item), (2 + 6) + (1 + 3) + (3 + 3) + (1 + 1) + (1 + 3 + 3 + 1));
    }
}
