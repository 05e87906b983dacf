//! What came of a run, for people and for programs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::history::{Act, Answer, Event, History};
use super::leaks::{Growth, NOVA_LOCAL};
use super::operator::Rotations;
use super::oracle::Wrong;
use super::plan::Plan;
use super::proc::Holds;
use super::proxy::Met;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) seconds: u64,
    pub(crate) clients: u64,
    pub(crate) users: u64,
    /// How often each call got each answer.
    pub(crate) calls: BTreeMap<&'static str, BTreeMap<String, u64>>,
    pub(crate) latency: BTreeMap<&'static str, Latency>,
    pub(crate) sessions: u64,
    /// Calls of DynamoDB and Secrets Manager that passed, and the faults that they met.
    pub(crate) storage_calls: u64,
    pub(crate) secrets_calls: u64,
    pub(crate) objects_calls: u64,
    pub(crate) faults: BTreeMap<String, u64>,
    pub(crate) bursts: usize,
    pub(crate) kills: BTreeMap<String, u64>,
    pub(crate) rotations: Rotations,
    pub(crate) rest: [Rest; 2],
    pub(crate) growth: BTreeMap<String, Growth>,
    /// Processes of functions that were seen, and those that were still there after the end.
    pub(crate) processes: usize,
    pub(crate) left: usize,
    pub(crate) ended_well: bool,
    /// What was wrong, and how often.
    pub(crate) wrong: BTreeMap<String, u64>,
    /// The first of each.
    pub(crate) examples: Vec<Event>,
}

/// How long calls took. Of machines only the ratio says something.
#[derive(Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) median_ms: f64,
    pub(crate) p99_to_median: f64,
}

/// `nova local` with nobody connected and no function running.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Rest {
    pub(crate) memory: u64,
    pub(crate) descriptors: u64,
    pub(crate) threads: u64,
    /// What the descriptors are, and how many of each.
    pub(crate) open: BTreeMap<String, u64>,
}

impl Rest {
    pub(crate) fn new(holds: Holds, open: BTreeMap<String, u64>) -> Rest {
        Rest { memory: holds.memory, descriptors: holds.descriptors, threads: holds.threads, open }
    }
}

/// What was measured beside the history.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) storage: (u64, Met),
    pub(crate) secrets: (u64, Met),
    pub(crate) objects: (u64, Met),
    pub(crate) kills: BTreeMap<(&'static str, String), u64>,
    pub(crate) rotations: Rotations,
    /// What the operator gave up.
    pub(crate) undone: Option<String>,
    pub(crate) rest: [Rest; 2],
    pub(crate) growth: BTreeMap<String, Growth>,
    pub(crate) processes: usize,
    pub(crate) left: usize,
    pub(crate) ended_well: bool,
}

impl Report {
    pub(crate) fn new(plan: &Plan, history: &History, wrong: &[Wrong], measured: Measured) -> Report {
        let mut faults = BTreeMap::new();
        let services = [
            ("DynamoDB", &measured.storage.1),
            ("Secrets Manager", &measured.secrets.1),
            ("S3", &measured.objects.1),
        ];
        for (service, met) in services {
            for ((fault, _), count) in met {
                *faults.entry(format!("{service}: {fault:?}")).or_default() += count;
            }
        }
        let mut kills = BTreeMap::new();
        for ((why, _), count) in &measured.kills {
            *kills.entry((*why).to_owned()).or_default() += count;
        }
        let mut report = Report {
            seed: plan.seed,
            seconds: plan.length / super::history::SECOND,
            clients: plan.clients,
            users: plan.users,
            calls: calls(history),
            latency: latency(history),
            sessions: sessions(history),
            storage_calls: measured.storage.0,
            secrets_calls: measured.secrets.0,
            objects_calls: measured.objects.0,
            faults,
            bursts: plan.bursts.len(),
            kills,
            rotations: measured.rotations,
            rest: measured.rest,
            growth: measured.growth,
            processes: measured.processes,
            left: measured.left,
            ended_well: measured.ended_well,
            wrong: BTreeMap::new(),
            examples: Vec::new(),
        };
        report.note_wrong(wrong, measured.undone);
        report
    }

    fn note_wrong(&mut self, wrong: &[Wrong], undone: Option<String>) {
        let mut known = BTreeSet::new();
        for wrong in wrong {
            *self.wrong.entry(wrong.why.to_owned()).or_default() += 1;
            if known.insert(wrong.why) {
                self.examples.push(wrong.event.clone());
            }
        }
        let mut more: Vec<_> =
            undone.map(|what| format!("the operator gave up: {what}")).into_iter().collect();
        let [before, after] = &self.rest;
        if after.descriptors > before.descriptors {
            let new = after.open.iter().filter(|(kind, count)| before.open.get(*kind) < Some(count));
            more.push(format!(
                "nova local holds {} more file descriptors at rest; more than before: {:?}",
                after.descriptors - before.descriptors,
                new.collect::<Vec<_>>()
            ));
        }
        if self.left > 0 {
            more.push(format!("{} processes of functions are left", self.left));
        }
        if !self.ended_well {
            more.push("nova local did not end well when it was asked to".to_owned());
        }
        let grown = self
            .growth
            .iter()
            .filter_map(|(name, growth)| Some(format!("{name}: {}", growth.leaks(name == NOVA_LOCAL)?)));
        more.extend(grown);
        for what in more {
            *self.wrong.entry(what).or_default() += 1;
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string can't fail.
        self.write(&mut text).unwrap_or_default();
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let Report { seed, seconds, clients, users, .. } = self;
        writeln!(
            out,
            "seed {seed}, {seconds} s, {clients} clients of {users} users, {} sessions\n",
            self.sessions
        )?;
        self.write_calls(out)?;
        writeln!(
            out,
            "\n{} calls of DynamoDB, {} of Secrets Manager and {} of S3; in {} bursts of faults:",
            self.storage_calls, self.secrets_calls, self.objects_calls, self.bursts
        )?;
        for (fault, count) in &self.faults {
            writeln!(out, "    {fault}: {count}")?;
        }
        writeln!(out, "{} processes of functions; killed:", self.processes)?;
        for (why, count) in &self.kills {
            writeln!(out, "    {why}: {count}")?;
        }
        let Rotations { rotated, repeated, dropped } = &self.rotations;
        writeln!(out, "rings rotated: {rotated} (attempts repeated: {repeated}), keys dropped: {dropped}\n")?;
        self.write_what_was_held(out)?;
        if self.wrong.is_empty() {
            return writeln!(out, "\nno wrong decision, nobody logged out, no leak, nothing left");
        }
        writeln!(out, "\nWRONG:")?;
        for (why, count) in &self.wrong {
            writeln!(out, "    {why}: {count}")?;
        }
        for event in &self.examples {
            writeln!(out, "    {}", serde_json::to_string(event).unwrap_or_default())?;
        }
        Ok(())
    }

    fn write_calls(&self, out: &mut String) -> std::fmt::Result {
        for (call, answers) in &self.calls {
            let all: u64 = answers.values().sum();
            writeln!(out, "{call}: {all}")?;
            if let Some(Latency { median_ms, p99_to_median }) = self.latency.get(call) {
                writeln!(out, "    median {median_ms:.1} ms, p99 {p99_to_median:.1} times that")?;
            }
            for (answer, count) in answers {
                writeln!(out, "    {answer}: {count}")?;
            }
        }
        Ok(())
    }

    /// Memory, descriptors and threads: of `nova local` at rest, and of each function that lived long.
    fn write_what_was_held(&self, out: &mut String) -> std::fmt::Result {
        let [before, after] = &self.rest;
        let kib = |bytes: u64| bytes / (1 << 10);
        writeln!(
            out,
            "nova local at rest, before and after: {} and {} file descriptors, {} and {} KiB, {} and {} threads",
            before.descriptors,
            after.descriptors,
            kib(before.memory),
            kib(after.memory),
            before.threads,
            after.threads
        )?;
        for (name, growth) in &self.growth {
            writeln!(
                out,
                "{name}, {} s of one life, early and late: {} and {} file descriptors, {} and {} KiB ({:+.0} KiB a minute)",
                growth.seconds,
                growth.descriptors_early,
                growth.descriptors_late,
                kib(growth.memory_early),
                kib(growth.memory_late),
                growth.memory_slope / 1024.0
            )?;
        }
        Ok(())
    }
}

fn calls(history: &History) -> BTreeMap<&'static str, BTreeMap<String, u64>> {
    let mut calls = BTreeMap::<_, BTreeMap<String, u64>>::new();
    for event in &history.events {
        let answer = match &event.answer {
            Answer::Yes => "yes".to_owned(),
            Answer::No(code) => format!("no: {code}"),
            Answer::Limited(code) => format!("limited: {code}"),
            Answer::Broken(what) => format!("broken: {what}"),
        };
        *calls.entry(event.act.name()).or_default().entry(answer).or_default() += 1;
    }
    calls
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a call are far below 2^53")]
fn latency(history: &History) -> BTreeMap<&'static str, Latency> {
    let mut took = BTreeMap::<_, Vec<u64>>::new();
    for event in history.events.iter().filter(|event| !matches!(event.answer, Answer::Broken(_))) {
        took.entry(event.act.name()).or_default().push(event.end - event.begin);
    }
    let of = |mut took: Vec<u64>| {
        took.sort_unstable();
        let at = |part: usize| took.get(part.min(took.len() - 1)).copied().unwrap_or_default() as f64;
        let (median, p99) = (at(took.len() / 2), at(took.len() * 99 / 100));
        let rounded = |value: f64| (value * 10.0).round() / 10.0;
        Latency { median_ms: rounded(median / 1000.0), p99_to_median: rounded(p99 / median.max(1.0)) }
    };
    took.into_iter().map(|(name, took)| (name, of(took))).collect()
}

fn sessions(history: &History) -> u64 {
    let began = history.events.iter().filter(|event| match &event.act {
        Act::Login { gave, .. }
        | Act::LoginAt { gave, .. }
        | Act::SecondStep { gave, .. }
        | Act::PasskeyLogin { gave, .. } => gave.is_some(),
        _ => false,
    });
    u64::try_from(began.count()).unwrap_or(u64::MAX)
}
