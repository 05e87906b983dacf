//! Memory and file descriptors of `nova local` and of its functions, looked at again and again: do they grow?
//!
//! Two things are compared. `nova local` at rest, with no client connected and no function running, before the traffic and after
//! it: it has to have the very same descriptors. And each process that lives long, early in its life and late.

use std::collections::BTreeMap;

use serde::Serialize;

use super::history::{At, SECOND};
use super::proc::{Holds, Process};

/// The name of the one process that is no function.
pub(crate) const NOVA_LOCAL: &str = "nova local";

/// A look at a process.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) at: At,
    pub(crate) process: Process,
    pub(crate) holds: Holds,
}

/// What may be more late than early: allocators and pools of connections fill up for a while, and then no more.
const MEMORY_PERCENT: u64 = 30;
const MEMORY_BYTES: u64 = 8 << 20;
const DESCRIPTORS: u64 = 6;

/// What lived for less than these seconds has hardly warmed up: a second thing that it does, which it did not do early, may bring memory
/// and a pool of connections of its own.
const WARM_AFTER: u64 = 90;
const MEMORY_BYTES_OF_THE_YOUNG: u64 = 24 << 20;
const DESCRIPTORS_OF_THE_YOUNG: u64 = 20;

/// What a process held early and late.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Growth {
    pub(crate) seconds: u64,
    pub(crate) looks: usize,
    pub(crate) memory_early: u64,
    pub(crate) memory_late: u64,
    /// Bytes a minute, by least squares over the second half of its life.
    pub(crate) memory_slope: f64,
    pub(crate) descriptors_early: u64,
    pub(crate) descriptors_late: u64,
    pub(crate) threads_late: u64,
}

/// The one process of each program that was seen for the longest time.
pub(crate) fn longest_lives(looks: &[Look]) -> BTreeMap<String, Growth> {
    let mut lives = BTreeMap::<&Process, Vec<&Look>>::new();
    for look in looks {
        lives.entry(&look.process).or_default().push(look);
    }
    let mut longest = BTreeMap::<String, Growth>::new();
    for (process, looks) in lives {
        let Some(growth) = growth(&looks) else { continue };
        let known = longest.get(&process.name);
        if known.is_none_or(|known| known.seconds < growth.seconds) {
            longest.insert(process.name.clone(), growth);
        }
    }
    longest
}

/// Nothing is said of a process that was seen less than 10 times.
fn growth(looks: &[&Look]) -> Option<Growth> {
    let count = looks.len();
    let (first, last) = (looks.first()?, looks.last()?);
    // Early is after the first tenth, in which a process warms up.
    let early =
        looks.get(count / 10..(count * 3).div_ceil(10)).filter(|early| count >= 10 && !early.is_empty())?;
    let late = looks.get(count - count / 5..)?;
    Some(Growth {
        seconds: (last.at - first.at) / SECOND,
        looks: count,
        memory_early: median(early, |holds| holds.memory),
        memory_late: median(late, |holds| holds.memory),
        memory_slope: slope(looks.get(count / 2..)?),
        descriptors_early: median(early, |holds| holds.descriptors),
        descriptors_late: median(late, |holds| holds.descriptors),
        threads_late: median(late, |holds| holds.threads),
    })
}

fn median(looks: &[&Look], of: impl Fn(&Holds) -> u64) -> u64 {
    let mut values: Vec<_> = looks.iter().map(|look| of(&look.holds)).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Bytes a minute.
#[expect(clippy::cast_precision_loss, reason = "bytes and microseconds of a run are far below 2^53")]
fn slope(looks: &[&Look]) -> f64 {
    let points: Vec<(f64, f64)> =
        looks.iter().map(|look| (look.at as f64 / (60 * SECOND) as f64, look.holds.memory as f64)).collect();
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let over: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let under: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    if under > 0.0 { over / under } else { 0.0 }
}

impl Growth {
    /// What grew more than anything warms up by. The descriptors of `nova local` follow its processes and its callers: they
    /// are compared at rest, and not here.
    pub(crate) fn leaks(&self, is_nova_local: bool) -> Option<&'static str> {
        let (bytes, descriptors) = match self.seconds {
            ..WARM_AFTER => (MEMORY_BYTES_OF_THE_YOUNG, DESCRIPTORS_OF_THE_YOUNG),
            _ => (MEMORY_BYTES, DESCRIPTORS),
        };
        let allowed = self.memory_early + (self.memory_early / 100 * MEMORY_PERCENT).max(bytes);
        (self.memory_late > allowed)
            .then_some("its memory grew")
            .or((!is_nova_local && self.descriptors_late > self.descriptors_early + descriptors)
                .then_some("its file descriptors grew"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(at: At, memory: u64, descriptors: u64) -> Look {
        let process = Process { id: 1, born: 1, name: "refresh".to_owned() };
        Look { at: at * SECOND, process, holds: Holds { memory, descriptors, threads: 2 } }
    }

    fn life(of: impl Fn(u64) -> (u64, u64)) -> Growth {
        let looks: Vec<_> = (0..100)
            .map(|at| {
                let (memory, descriptors) = of(at);
                look(at, memory, descriptors)
            })
            .collect();
        longest_lives(&looks).remove("refresh").unwrap()
    }

    #[test]
    fn what_stays_or_only_warms_up_does_not_leak() {
        let steady = life(|at| (if at < 8 { 1 << 20 } else { 30 << 20 }, 12 + at % 4));
        assert_eq!((steady.leaks(false), steady.seconds), (None, 99));
        assert!(steady.memory_slope.abs() < 1.0);
    }

    #[test]
    fn what_lived_for_half_a_minute_may_warm_up_for_longer_and_leaks_all_the_same() {
        let short = |memory, descriptors| {
            let grows = |at| if at < 30 { (20 << 20, 12) } else { (memory, descriptors) };
            let looks: Vec<_> = (0..80).map(|at| look(at, grows(at).0, grows(at).1)).collect();
            longest_lives(&looks).remove("refresh").unwrap().leaks(false)
        };
        assert_eq!(short(40 << 20, 25), None);
        assert_eq!(short(50 << 20, 25), Some("its memory grew"));
        assert_eq!(short(40 << 20, 35), Some("its file descriptors grew"));
    }

    #[test]
    fn memory_and_descriptors_that_grow_without_end_are_leaks() {
        let memory = life(|at| ((20 << 20) + (at << 18), 12));
        assert_eq!(memory.leaks(false), Some("its memory grew"));
        // A quarter of a mebibyte a second.
        assert!((memory.memory_slope - f64::from(60 << 18)).abs() < 1.0, "{}", memory.memory_slope);
        assert_eq!(life(|at| (20 << 20, 12 + at / 8)).leaks(false), Some("its file descriptors grew"));
    }
}
