//! Ends processes of functions, and of functions only: children of the `nova local` that this run has started.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::history::{Recorder, SECOND};
use super::proc::{self, Process};

/// A call may meet a process that was killed this long ago: `nova local` learns of it a moment later, and the next process has
/// to start.
const AFTERMATH: u64 = 3 * SECOND;

#[derive(Debug)]
pub(crate) struct Killer {
    recorder: Arc<Recorder>,
    parent: OnceLock<u32>,
    /// These are let live, so that there is somebody to watch for leaks.
    spared: Mutex<BTreeSet<Process>>,
    killed: Mutex<BTreeMap<(&'static str, String), u64>>,
}

impl Killer {
    pub(crate) fn new(recorder: Arc<Recorder>) -> Killer {
        Killer { recorder, parent: OnceLock::new(), spared: Mutex::default(), killed: Mutex::default() }
    }

    pub(crate) fn recorder(&self) -> Arc<Recorder> {
        self.recorder.clone()
    }

    /// Says whose children may be killed, once.
    pub(crate) fn may_kill_children_of(&self, parent: u32) {
        self.parent.set(parent).unwrap_or_default();
    }

    /// The functions' processes.
    pub(crate) fn processes(&self) -> Vec<Process> {
        self.parent.get().map(|parent| proc::children(*parent)).unwrap_or_default()
    }

    /// One process of each function is spared from now on: the oldest.
    pub(crate) fn spare_the_oldest(&self, processes: &[Process]) {
        let mut spared = locked(&self.spared);
        spared.retain(|process| processes.contains(process));
        for process in processes {
            let has_one = spared.iter().any(|other| other.name == process.name);
            let is_oldest =
                processes.iter().all(|other| other.name != process.name || other.born >= process.born);
            if is_oldest && !has_one {
                spared.insert(process.clone());
            }
        }
    }

    /// The one that has the connection with this port, in the middle of its call.
    pub(crate) fn kill_owner(&self, port: u16) {
        let processes = self.processes();
        if let Some(process) = proc::owner_of(port, &processes).filter(|process| !self.is_spared(process)) {
            self.kill("in the middle of a call", &process);
        }
    }

    /// One of them, by a number that was drawn.
    pub(crate) fn kill_one(&self, drawn: u64) {
        let all: Vec<_> = self.processes().into_iter().filter(|process| !self.is_spared(process)).collect();
        let count = u64::try_from(all.len()).unwrap_or(u64::MAX).max(1);
        let chosen = usize::try_from(drawn % count).ok().and_then(|index| all.get(index));
        if let Some(process) = chosen {
            self.kill("at any moment", process);
        }
    }

    /// All that there are now, as when their configuration changes, and less gently.
    pub(crate) fn kill_all(&self, why: &'static str) {
        for process in self.processes() {
            self.kill(why, &process);
        }
    }

    /// How many were killed, by reason and function.
    pub(crate) fn killed(&self) -> BTreeMap<(&'static str, String), u64> {
        locked(&self.killed).clone()
    }

    fn is_spared(&self, process: &Process) -> bool {
        locked(&self.spared).contains(process)
    }

    fn kill(&self, why: &'static str, process: &Process) {
        let Some(parent) = self.parent.get() else { return };
        let now = self.recorder.clock.now();
        if process.kill(*parent) {
            self.recorder.disturb(now, now + AFTERMATH, format!("killed {}", process.name));
            *locked(&self.killed).entry((why, process.name.clone())).or_default() += 1;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
