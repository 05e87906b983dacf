//! What a run does, drawn from its seed before it begins: the same seed gives the same steps of every client, the same bursts
//! of faults, kills and rotations, at the same moments. What meets what then is up to the scheduler.

use serde::Serialize;

use super::history::{At, SECOND};

/// Numbers that look random and are the same for a seed (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The numbers of one part of a run.
    pub(crate) fn of(seed: u64, part: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ part.wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From `from` to `to`, the latter left out.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % to.saturating_sub(from).max(1)
    }

    /// One of a list, which must not be empty for there to be one.
    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let length = u64::try_from(all.len()).ok().filter(|length| *length > 0)?;
        all.get(usize::try_from(self.next() % length).ok()?).copied()
    }
}

/// What stands behind a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Service {
    DynamoDb,
    SecretsManager,
    Objects,
}

/// What happens to a call of such a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Fault {
    /// 400, and nothing was done.
    Throttled,
    /// 500, and nothing was done.
    Failed,
    /// 500, and it was done.
    FailedAfter,
    /// The connection ends, and nothing was done.
    Dropped,
    /// The connection ends, and it was done.
    DroppedAfter,
    /// It is done, later: perhaps after its caller has gone on.
    Slow,
    /// It is done, and the answer comes later.
    SlowAfter,
    /// A batch that was not processed. (What is no batch is throttled.)
    Unprocessed,
    /// A transaction that met another one. (What is none is throttled.)
    Conflict,
    /// The function that asks is killed, and nothing was done.
    Killed,
    /// The function that asks is killed, and it was done.
    KilledAfter,
}

/// Faults of a service, for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Burst {
    pub(crate) begin: At,
    pub(crate) end: At,
    pub(crate) service: Service,
    pub(crate) fault: Fault,
    /// Of the calls.
    pub(crate) percent: u64,
}

/// What an operator does to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Change {
    /// Disables them, and enables them again after so long.
    Disable(At),
    /// Takes the permission, and gives it back.
    Permission(At),
}

/// What an operator does to the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum KeyChange {
    /// Rotates both rings, waits until every cache has heard of it, and then the hour is over.
    RotateAndWait,
    /// Rotates both rings, has every process replaced, and then the hour is over.
    RotateAndReplace,
    /// Drops the access key that signs.
    DropAccess,
    /// Drops the oldest refresh key.
    DropRefresh,
}

/// What a client does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Deed {
    Decide,
    /// Asks with a token that the client had before.
    DecideWithOld,
    /// Refreshes from one tab, or several at once.
    Refresh,
    /// Refreshes, loses the answer, and does it again.
    RefreshAgain,
    List,
    Logout,
    EndOne,
    EndAll,
    Password,
    /// Presents a token that was used twice ago.
    Theft,
    /// Tries a wrong password.
    Guess,
    /// Tries what it still has of a session that has ended.
    Ghost,
}

const DEEDS: [(Deed, u64); 12] = [
    (Deed::Decide, 110),
    (Deed::DecideWithOld, 10),
    (Deed::Refresh, 26),
    (Deed::RefreshAgain, 14),
    (Deed::List, 8),
    (Deed::Logout, 6),
    (Deed::EndOne, 4),
    (Deed::EndAll, 1),
    (Deed::Password, 3),
    (Deed::Theft, 3),
    (Deed::Guess, 2),
    (Deed::Ghost, 14),
];

/// One step of a client. All of it is drawn, needed or not, so that what came of one step does not change the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    pub(crate) think: At,
    pub(crate) deed: Deed,
    pub(crate) tabs: u64,
    pub(crate) by_cookie: bool,
    pub(crate) pick: u64,
}

/// The steps of a client, without end.
pub(crate) fn steps(seed: u64, client: u64) -> impl Iterator<Item = Step> {
    let mut dice = Dice::of(seed, 1_000 + client);
    let all = DEEDS.iter().map(|(_, weight)| weight).sum();
    std::iter::repeat_with(move || {
        let mut left = dice.between(0, all);
        let mut deed = Deed::Decide;
        for (one, weight) in DEEDS {
            if left < weight {
                deed = one;
                break;
            }
            left -= weight;
        }
        Step {
            think: dice.between(20_000, 400_000),
            deed,
            tabs: dice.between(1, 5),
            by_cookie: dice.between(0, 2) == 0,
            pick: dice.next(),
        }
    })
}

/// All of a run but the clients' steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) length: At,
    /// Until then nothing is done to the system.
    pub(crate) calm_until: At,
    pub(crate) clients: u64,
    pub(crate) users: u64,
    /// How many register, look around and are deleted, one after another each.
    pub(crate) visitors: u32,
    /// How many have second factors.
    pub(crate) owners: u32,
    /// How many are invited and change their address, one after another each, where mail is sent.
    pub(crate) movers: u32,
    /// How many upload files, where a stream says that they were judged.
    pub(crate) uploaders: u32,
    pub(crate) bursts: Vec<Burst>,
    /// When a function is killed, and which, as a number to be divided by how many there are.
    pub(crate) kills: Vec<(At, u64)>,
    pub(crate) changes: Vec<(At, u64, Change)>,
    pub(crate) keys: Vec<(At, KeyChange)>,
}

const STORAGE_FAULTS: [Fault; 11] = [
    Fault::Throttled,
    Fault::Failed,
    Fault::FailedAfter,
    Fault::Dropped,
    Fault::DroppedAfter,
    Fault::Slow,
    Fault::SlowAfter,
    Fault::Unprocessed,
    Fault::Conflict,
    Fault::Killed,
    Fault::KilledAfter,
];
const SECRETS_FAULTS: [Fault; 4] = [Fault::Throttled, Fault::Failed, Fault::Dropped, Fault::Slow];
const OBJECTS_FAULTS: [Fault; 9] = [
    Fault::Throttled,
    Fault::Failed,
    Fault::FailedAfter,
    Fault::Dropped,
    Fault::DroppedAfter,
    Fault::Slow,
    Fault::SlowAfter,
    Fault::Killed,
    Fault::KilledAfter,
];

impl Plan {
    /// Those for whom somebody has to read the tables' streams: movers and uploaders.
    pub(crate) fn by_streams(&self, has_streams: bool) -> (u32, u32) {
        if has_streams { (self.movers, self.uploaders) } else { (0, 0) }
    }

    /// The same without those who have what older versions don't know.
    pub(crate) fn plain(self) -> Plan {
        Plan { owners: 0, movers: 0, uploaders: 0, ..self }
    }

    pub(crate) fn new(seed: u64, length: At, clients: u64) -> Plan {
        let calm_until = (length / 10).clamp(3 * SECOND, 60 * SECOND);
        let rough_until = length - length / 10;
        Plan {
            seed,
            length,
            calm_until,
            clients,
            users: clients.div_ceil(3).max(1),
            visitors: 2,
            owners: 2,
            // Under faults, each waits for ten minutes in all for the mails of one life.
            movers: if length < 300 * SECOND { 1 } else { 3 },
            uploaders: 2,
            bursts: bursts(&mut Dice::of(seed, 1), calm_until, rough_until),
            kills: kills(&mut Dice::of(seed, 2), calm_until, rough_until),
            changes: changes(&mut Dice::of(seed, 3), calm_until, rough_until, clients.div_ceil(3).max(1)),
            keys: keys(length),
        }
    }
}

/// Calm and bursts in turn; one in six is of the keys, and one of the objects.
fn bursts(dice: &mut Dice, from: At, to: At) -> Vec<Burst> {
    let (mut bursts, mut at, mut kinds) = (Vec::new(), from, Vec::new());
    loop {
        let begin = at + dice.between(SECOND, 5 * SECOND);
        let end = begin + dice.between(SECOND, 5 * SECOND);
        if end > to {
            return bursts;
        }
        let service = match dice.between(0, 6) {
            0 => Service::SecretsManager,
            1 => Service::Objects,
            _ => Service::DynamoDb,
        };
        let fault = match service {
            Service::SecretsManager => dice.one_of(&SECRETS_FAULTS),
            Service::Objects => dice.one_of(&OBJECTS_FAULTS),
            // Each kind once, in another order, before any comes again.
            Service::DynamoDb => {
                if kinds.is_empty() {
                    kinds = STORAGE_FAULTS.to_vec();
                }
                let index = usize::try_from(dice.next()).unwrap_or(usize::MAX) % kinds.len();
                Some(kinds.swap_remove(index))
            }
        };
        let fault = fault.unwrap_or(Fault::Failed);
        let percent = match fault {
            Fault::Killed | Fault::KilledAfter => dice.between(2, 10),
            _ => dice.between(10, 80),
        };
        bursts.push(Burst { begin, end, service, fault, percent });
        at = end;
    }
}

fn kills(dice: &mut Dice, from: At, to: At) -> Vec<(At, u64)> {
    let (mut kills, mut at) = (Vec::new(), from);
    loop {
        at += dice.between(SECOND / 2, 5 * SECOND);
        if at > to {
            return kills;
        }
        kills.push((at, dice.next()));
    }
}

fn changes(dice: &mut Dice, from: At, to: At, users: u64) -> Vec<(At, u64, Change)> {
    let (mut changes, mut at) = (Vec::new(), from);
    loop {
        at += dice.between(SECOND, 4 * SECOND);
        if at > to {
            return changes;
        }
        let pause = dice.between(SECOND / 5, 2 * SECOND);
        let disable = dice.between(0, 2) == 0;
        let change = if disable { Change::Disable(pause) } else { Change::Permission(pause) };
        changes.push((at, dice.between(0, users), change));
    }
}

/// A run that is long enough lets the caches hear of a new key in their own time, which takes them over a minute.
fn keys(length: At) -> Vec<(At, KeyChange)> {
    let part = |percent: u64| length / 100 * percent;
    let mut keys = Vec::new();
    if length >= 540 * SECOND {
        keys.push((part(11), KeyChange::RotateAndWait));
        keys.push((part(80), KeyChange::RotateAndReplace));
    } else {
        keys.push((part(40), KeyChange::RotateAndReplace));
    }
    keys.push((part(86), KeyChange::DropAccess));
    keys.push((part(90), KeyChange::DropRefresh));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_is_the_same_plan_and_another_seed_is_another() {
        let plan = |seed| (Plan::new(seed, 600 * SECOND, 24), steps(seed, 3).take(500).collect::<Vec<_>>());
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7).0.bursts, plan(8).0.bursts);
        assert_ne!(plan(7).1, plan(8).1);
        assert_ne!(steps(7, 1).take(50).collect::<Vec<_>>(), steps(7, 2).take(50).collect::<Vec<_>>());
    }

    #[test]
    fn a_long_run_has_every_fault_every_deed_and_every_change_of_keys() {
        let plan = Plan::new(1, 600 * SECOND, 24);
        let storage: Vec<_> = plan.bursts.iter().filter(|burst| burst.service == Service::DynamoDb).collect();
        for fault in STORAGE_FAULTS {
            assert!(storage.iter().any(|burst| burst.fault == fault), "{fault:?}");
        }
        for service in [Service::SecretsManager, Service::Objects] {
            assert!(plan.bursts.iter().any(|burst| burst.service == service), "{service:?} never fails");
        }
        assert!(plan.bursts.iter().all(|burst| burst.begin >= plan.calm_until && burst.end < plan.length));
        let steps: Vec<_> = (0..24).flat_map(|client| steps(1, client).take(200)).collect();
        for (deed, _) in DEEDS {
            assert!(steps.iter().any(|step| step.deed == deed), "{deed:?}");
        }
        assert_eq!(plan.keys.len(), 4);
    }
}
