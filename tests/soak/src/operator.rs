//! The operator: users disabled and enabled, permissions taken and given, keys rotated and dropped, by `nova` and as planned.

use std::sync::Arc;

use serde_json::{Value, json};

use super::caller;
use super::device::all_decide;
use super::history::{Act, Answer, At, Event, SECOND};
use super::killer::Killer;
use super::plan::{Change, KeyChange};
use super::system::Failure;
use super::world::World;

/// No client has this one.
const OWN_ADDRESS: u64 = 5_000;

/// A change of a user that should have been made this long ago is not made any more.
const TOO_LATE: At = 5 * SECOND;

/// A ring is kept for half a minute, and for half a minute more if it could not be read then.
const ALL_HAVE_HEARD: At = 75 * SECOND;

/// A rotation whose function was killed waits for somebody to try it again. On a machine with much else to do one that goes on may need
/// a minute.
const ATTEMPTS: usize = 60;
const ONE_ATTEMPT: std::time::Duration = std::time::Duration::from_secs(20);

/// After a key was dropped, instances that run sign with it for half a minute, and others refuse that.
const AFTER_A_DROP: At = 36 * SECOND;

/// Disables and enables, takes and gives; with a decision about every session of the user right before and right after.
///
/// # Errors
/// There is no client to ask with.
pub(crate) async fn change_users(world: Arc<World>, changes: Vec<(At, u64, Change)>) -> Result<(), Failure> {
    let http = caller::client(OWN_ADDRESS)?;
    for (at, user, change) in changes {
        // On a busy machine a command takes longer than the plan gives it: what is late is left out, or the run would have no end.
        if world.recorder.clock.now() > at + TOO_LATE {
            continue;
        }
        world.recorder.clock.until(at).await;
        let index = usize::try_from(user).unwrap_or_default();
        let Some(user) = world.users.get(index) else { continue };
        let (number, email) = (user.number, user.email.as_str());
        let disable = |verb, act| (vec!["user", verb, email], Act::Active(act));
        let revoke = |verb, act| (vec!["user", verb, email, "notes:read"], Act::Permission(act));
        let (pause, off, on) = match change {
            Change::Disable(pause) => (pause, disable("disable", false), disable("enable", true)),
            Change::Permission(pause) => (pause, revoke("revoke", false), revoke("grant", true)),
        };
        let sessions = user.sessions();
        all_decide(&world, &http, user, &sessions, at).await;
        operate(&world, number, off).await;
        all_decide(&world, &http, user, &sessions, at).await;
        tokio::time::sleep(std::time::Duration::from_micros(pause)).await;
        operate(&world, number, on).await;
    }
    Ok(())
}

async fn operate(world: &World, user: u32, (arguments, act): (Vec<&str>, Act)) {
    let begin = world.recorder.clock.now();
    let answer = match world.system.operate(&arguments, "").await {
        Ok(_) => Answer::Yes,
        Err(error) => Answer::Broken(error.to_string()),
    };
    note(world, begin, user, act, answer);
}

fn note(world: &World, begin: At, user: u32, act: Act, answer: Answer) {
    let end = world.recorder.clock.now();
    let (session, expires, keys) = (None, None, Vec::new());
    world.recorder.note(Event { begin, end, user, session, keys, expires, act, answer });
}

/// What became of the keys.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub(crate) struct Rotations {
    /// Rings that were rotated to the end, their hour included.
    pub(crate) rotated: u64,
    /// Attempts that came to nothing, since the function was killed or its keys were out of reach.
    pub(crate) repeated: u64,
    pub(crate) dropped: u64,
}

/// Rotates and drops keys.
///
/// # Errors
/// A rotation could not be brought to its end at all, or a key not be dropped.
pub(crate) async fn change_keys(
    world: Arc<World>,
    killer: Arc<Killer>,
    changes: Vec<(At, KeyChange)>,
) -> Result<Rotations, String> {
    let mut done = Rotations::default();
    for (at, change) in changes {
        world.recorder.clock.until(at).await;
        let outcome = match change {
            KeyChange::RotateAndWait | KeyChange::RotateAndReplace => {
                rotate(&world, &killer, change, &mut done).await
            }
            KeyChange::DropAccess => drop_key(&world, "access", &mut done).await,
            KeyChange::DropRefresh => drop_key(&world, "refresh", &mut done).await,
        };
        outcome.map_err(|error| format!("{change:?}: {error}"))?;
    }
    Ok(done)
}

const RINGS: [(&str, &str); 2] = [("access", "AccessKeysSecret"), ("refresh", "RefreshKeysSecret")];

async fn rotate(
    world: &World,
    killer: &Killer,
    change: KeyChange,
    done: &mut Rotations,
) -> Result<(), Failure> {
    for (ring, _) in RINGS {
        rotate_one(world, ring, done).await?;
    }
    let announced = [announced(world, "access").await?, announced(world, "refresh").await?];
    if change == KeyChange::RotateAndWait {
        world.recorder.clock.until(world.recorder.clock.now() + ALL_HAVE_HEARD).await;
    } else {
        // Whoever starts from here on reads the announced ring.
        killer.kill_all("replaced");
    }
    for ((_, secret), names) in RINGS.iter().zip(announced) {
        an_hour_passes(world, secret, &names).await?;
        done.rotated += 1;
    }
    Ok(())
}

async fn rotate_one(world: &World, ring: &str, done: &mut Rotations) -> Result<(), Failure> {
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let arguments = ["keys", "rotate", ring];
        let rotation = world.system.operate(&arguments, "");
        match tokio::time::timeout(ONE_ATTEMPT, rotation).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => "it did not come to its end".clone_into(&mut last),
        }
        done.repeated += 1;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    Err(last.into())
}

/// The names of the keys that do not sign yet.
async fn announced(world: &World, ring: &str) -> Result<Vec<String>, Failure> {
    let keys = keys_of(world, ring).await?;
    let future = keys.into_iter().filter(|(_, does)| does.starts_with("signs from"));
    Ok(future.map(|(kid, _)| kid).collect())
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The keys of these names sign from now on. The others' times stay: an old key leaves when its time has really come.
async fn an_hour_passes(world: &World, secret: &str, names: &[String]) -> Result<(), Failure> {
    let mut ring = world.system.ring(secret).await?;
    for key in ring.get_mut("keys").and_then(Value::as_array_mut).ok_or("the ring has no keys")? {
        let is_announced = names.iter().any(|name| text_of(key, "kid") == name);
        let begins = key.get("nbf").and_then(Value::as_i64).filter(|_| is_announced);
        if let (Some(begins), Some(key)) = (begins, key.as_object_mut()) {
            key.insert("nbf".to_owned(), json!(begins - 3601));
        }
    }
    world.system.put_ring(secret, &ring).await
}

/// Drops a key, again if need be: a rotation that comes to its end at the same moment wins, and the drop says so.
async fn drop_key(world: &World, ring: &str, done: &mut Rotations) -> Result<(), Failure> {
    let before = keys_of(world, ring).await?;
    // Of the access keys the one that signs; of the others the oldest, which fewer people still need.
    let signer = before.iter().find(|(_, does)| does == "signs");
    let key = if ring == "access" { signer } else { before.first() };
    let kid = key.map(|(kid, _)| kid.clone()).ok_or("there is no such key")?;
    let begin = world.recorder.clock.now();
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let dropped = world.system.operate(&["keys", "rotate", "--drop", &kid], "").await;
        let after = keys_of(world, ring).await?;
        // It may be done also where the command failed in its last call, which tidies up.
        if after.iter().all(|(other, _)| *other != kid) {
            let is_new = |kid: &String| before.iter().all(|(other, _)| other != kid);
            let new = after.into_iter().find(|(kid, does)| does == "signs" && is_new(kid));
            let new = new.map(|(kid, _)| kid);
            note(world, begin, 0, Act::DropKeys { out: vec![kid], new }, Answer::Yes);
            world.recorder.disturb(begin, world.recorder.clock.now() + AFTER_A_DROP, "a dropped key");
            done.dropped += 1;
            return Ok(());
        }
        if let Err(error) = dropped {
            last = error.to_string();
        }
        done.repeated += 1;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    Err(last.into())
}

/// The keys of a ring, and what each does.
async fn keys_of(world: &World, ring: &str) -> Result<Vec<(String, String)>, Failure> {
    let text = world.system.operate(&["keys", "list", "--json"], "").await?;
    let keys: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let own = keys.iter().filter(|key| text_of(key, "ring") == ring);
    Ok(own.map(|key| (text_of(key, "kid").to_owned(), text_of(key, "does").to_owned())).collect())
}
