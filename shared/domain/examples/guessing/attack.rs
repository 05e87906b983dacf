//! A day of an attack: who guesses what, from where, as fast as the limits let it.

use std::collections::VecDeque;

use fastrand::Rng;
use jiff::Timestamp;
use nova_auth_domain::{
    attempts::{ALARMING_RUN, Entry},
    password::PasswordProfile,
};

use crate::{
    nova::{ALARM_PERIOD, DAY, Kept, Settings, at},
    policy::{SPRAYED, is_settable},
};

/// What the attacker tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passwords {
    /// [`SPRAYED`] and then rarer ones, which open nothing.
    Sprayed,
    /// Of each account the one that leaked elsewhere.
    Leaked,
    /// Wrong ones: to lock somebody out, or because nothing is known of the account.
    Wrong,
}

/// One account in so many has a password of [`SPRAYED`]: 1 %.
const ONE_SPRAYED_IN: u32 = 100;
/// So many of a thousand leaked pairs are right: 1.5 %.
const LEAKED_RIGHT_OF_1000: u32 = 15;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attack {
    /// Addresses, each with a window of its own.
    pub(crate) addresses: usize,
    pub(crate) accounts: usize,
    /// Of each account, the tokens of devices (`DeviceCookies`) that were stolen.
    pub(crate) stolen_tokens: usize,
    /// What is tried.
    pub(crate) passwords: Passwords,
    /// Guesses at one account before the next one's turn.
    pub(crate) at_once: usize,
    /// Guesses from one address in one window, where the attacker keeps below what it takes.
    pub(crate) below: usize,
    /// Whether the attacker waits for the next window of the alarm on failures before it would ring.
    pub(crate) silent: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Passwords that were hashed and compared.
    pub(crate) guesses: u32,
    /// When the last one was.
    pub(crate) last: i64,
    /// Accounts whose password was found.
    pub(crate) opened: u32,
    /// Those of them whose password the policy `crm` would let their owner set.
    pub(crate) opened_with_policy: u32,
    /// For how long the owner of an account could not log in, in milliseconds, on the average: without a device cookie.
    pub(crate) locked: i64,
    /// And on a device with a cookie (the one whose token was stolen, if one was).
    pub(crate) locked_device: i64,
    /// The most `authn_login_fail` in five minutes.
    pub(crate) most_failures: usize,
    /// The most accounts that were locked in five minutes.
    pub(crate) most_locks: usize,
    /// Runs of a hundred failures.
    pub(crate) runs: u32,
}

/// Who waits for a turn: what comes next, and not before when. It only ever grows at its end, where the latest are.
#[derive(Debug)]
struct Queue(VecDeque<(i64, usize)>);

impl Queue {
    fn of(many: usize) -> Self {
        Self((0..many).map(|index| (0, index)).collect())
    }

    fn push(&mut self, ready: i64, index: usize) {
        let last = self.0.back().map_or(0, |(ready, _)| *ready);
        assert!(ready >= last, "an attacker would have chosen another order");
        self.0.push_back((ready, index));
    }
}

/// One account, and in its turn what is known of it.
#[derive(Debug, Clone, Default)]
struct Account {
    guesses: usize,
    /// Which of the guesses is right.
    right: Option<usize>,
}

struct Day {
    settings: Settings,
    attack: Attack,
    /// Of each address.
    addresses: Vec<Kept>,
    /// Of each account, and after it those of its stolen tokens.
    targets: Vec<Kept>,
    accounts: Vec<Account>,
    /// Which of [`SPRAYED`] the policy lets users set.
    settable: [bool; SPRAYED.len()],
    /// For each target, from when until when it was full.
    full: Vec<Vec<(i64, i64)>>,
    failures: Vec<usize>,
    locks: Vec<usize>,
    outcome: Outcome,
}

/// Plays the day.
pub(crate) fn play(settings: Settings, attack: Attack, seed: u64) -> Outcome {
    let mut day = Day::new(settings, attack, seed);
    let mut addresses = Queue::of(attack.addresses);
    let mut targets = Queue::of(day.targets.len());
    let mut used = 0;
    let mut slot = 0;
    while let (Some(&(rested, address)), Some(&(unlocked, target))) = (addresses.0.front(), targets.0.front())
    {
        // The next call that API Gateway lets through when both are ready.
        let ready = rested.max(unlocked);
        slot = slot.max((ready * settings.calls_per_second + 999) / 1000);
        let now = slot * 1000 / settings.calls_per_second;
        if now >= DAY {
            break;
        }
        if attack.silent && day.failures[period(now)] + 1 >= settings.failures_threshold {
            slot = (now / ALARM_PERIOD + 1) * ALARM_PERIOD / 1000 * settings.calls_per_second;
            continue;
        }
        slot += 1;
        used += 1;
        let is_open = day.guess(now, address, target);
        let from = &day.addresses[address];
        if from.window.entries.len() >= attack.below || from.is_full(settings.limits.address) {
            addresses.0.pop_front();
            addresses.push(from.ends(), address);
        }
        let is_full = day.targets[target].is_full(settings.limits.account);
        if is_open || is_full || used >= attack.at_once {
            targets.0.pop_front();
            used = 0;
            if !is_open {
                targets.push(if is_full { day.targets[target].ends() } else { now }, target);
            }
        }
    }
    day.end()
}

impl Day {
    fn new(settings: Settings, attack: Attack, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let accounts = (0..attack.accounts).map(|_| account(&mut rng, attack.passwords)).collect();
        let targets = attack.accounts * (1 + attack.stolen_tokens);
        let periods = period(DAY);
        Self {
            settings,
            attack,
            addresses: vec![Kept::empty(); attack.addresses],
            targets: vec![Kept::empty(); targets],
            accounts,
            settable: SPRAYED.map(|typed| is_settable(PasswordProfile::Crm, typed)),
            full: vec![Vec::new(); targets],
            failures: vec![0; periods],
            locks: vec![0; periods],
            outcome: Outcome::default(),
        }
    }

    /// One login, as `flows/login.rs` goes about it. Whether the account needs no more guesses: it is open, or its pair was tried.
    fn guess(&mut self, now: i64, address: usize, target: usize) -> bool {
        let entry = Entry::stored(format!("{now}#{address}"));
        let moment = at(now);
        let entered = self.addresses[address].enter(self.settings.limits.address, moment, &entry)
            && self.targets[target].enter(self.settings.limits.account, moment, &entry);
        assert!(entered, "the attacker knows when there is a place");
        let whose = target / (1 + self.attack.stolen_tokens);
        let account = &mut self.accounts[whose];
        let is_right = account.right == Some(account.guesses);
        account.guesses += 1;
        self.outcome.guesses += 1;
        self.outcome.last = now;
        if is_right {
            self.open(address, target, &entry, self.accounts[whose].guesses - 1);
        } else {
            self.count_failure(now, moment, target);
        }
        is_right || self.attack.passwords == Passwords::Leaked
    }

    fn open(&mut self, address: usize, target: usize, entry: &Entry, password: usize) {
        self.addresses[address].leave(entry);
        self.targets[target].forgive();
        self.outcome.opened += 1;
        // What leaked elsewhere may be any password.
        let is_settable = self.attack.passwords == Passwords::Leaked || self.settable[password];
        self.outcome.opened_with_policy += u32::from(is_settable);
    }

    /// The last place of an account is `authn_login_lock`, every other one `authn_login_fail`.
    fn count_failure(&mut self, now: i64, moment: Timestamp, target: usize) {
        let period = period(now);
        let kept = &mut self.targets[target];
        if kept.is_full(self.settings.limits.account) {
            self.locks[period] += 1;
            self.full[target].push((now, kept.ends().min(DAY)));
        } else {
            self.failures[period] += 1;
        }
        if kept.run.is_alarming(moment) {
            kept.run.failures -= ALARMING_RUN;
            self.outcome.runs += 1;
        }
    }

    fn end(mut self) -> Outcome {
        let per_account = 1 + self.attack.stolen_tokens;
        let many = i64::try_from(self.attack.accounts).expect("a count");
        let strangers = self.full.iter().step_by(per_account).flatten().map(|(from, to)| to - from);
        self.outcome.locked = strangers.sum::<i64>() / many;
        if self.attack.stolen_tokens > 0 {
            // Who has a cookie is a stranger where its window is full.
            let both = |of: &[Vec<(i64, i64)>]| -> i64 { of[0].iter().map(|one| shared(*one, &of[1])).sum() };
            self.outcome.locked_device = self.full.chunks(per_account).map(both).sum::<i64>() / many;
        }
        self.outcome.most_failures = self.failures.iter().copied().max().unwrap_or(0);
        self.outcome.most_locks = self.locks.iter().copied().max().unwrap_or(0);
        self.outcome
    }
}

/// Which of the alarms' windows a time is in.
fn period(now: i64) -> usize {
    usize::try_from(now / ALARM_PERIOD).expect("a time of the day")
}

/// How much of a stretch of time others cover.
fn shared(one: (i64, i64), others: &[(i64, i64)]) -> i64 {
    others.iter().map(|other| (one.1.min(other.1) - one.0.max(other.0)).max(0)).sum()
}

fn account(rng: &mut Rng, passwords: Passwords) -> Account {
    let right = match passwords {
        Passwords::Sprayed => (rng.u32(0..ONE_SPRAYED_IN) == 0).then(|| rng.usize(0..SPRAYED.len())),
        Passwords::Leaked => (rng.u32(0..1000) < LEAKED_RIGHT_OF_1000).then_some(0),
        Passwords::Wrong => None,
    };
    Account { guesses: 0, right }
}
