//! Cold starts and warm calls, one after the other in rounds, so that whatever else the machine does meets all alike.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use nova_auth::domain::password::PasswordHash;
use nova_auth::passwords::Hasher;
use nova_local::workbench::Worker;
use serde::Serialize;

use super::proc;
use super::sample::{Sample, Spread, rounded};
use super::scene::{Operation, Scene, UNLIMITED, expect_yes, password};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    pub(super) rounds: usize,
    pub(super) decisions: usize,
    pub(super) others: usize,
}

/// The start of a process.
#[derive(Debug, Serialize)]
pub(super) struct Cold {
    /// From the start of the process to its first question for an event, with everything warmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) init_ms: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) init_cpu_ms: Option<Spread>,
    /// From its first event to its first answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_answer_ms: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_answer_cpu_ms: Option<Spread>,
}

/// A call of a process that has answered before.
#[derive(Debug, Serialize)]
pub(super) struct Warm {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ms: Option<Spread>,
    /// All of the process's threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpu_ms: Option<Spread>,
}

/// A login held against the hash in it, each pair measured one after the other.
#[derive(Debug, Serialize)]
pub(super) struct LoginOverHash {
    /// The median of the pairs' ratios.
    pub(super) ms: Option<f64>,
    pub(super) cpu_ms: Option<f64>,
    /// What a login takes beside its hash: the median of the pairs' differences.
    pub(super) beside_the_hash_ms: Option<f64>,
    pub(super) beside_the_hash_cpu_ms: Option<f64>,
}

/// What was measured of the functions.
#[derive(Debug, Default)]
pub(super) struct Measured {
    cold: BTreeMap<Operation, [Sample; 4]>,
    warm: BTreeMap<Operation, [Sample; 2]>,
    hash: [Sample; 2],
    ratio: [Sample; 2],
    beside: [Sample; 2],
    /// The most memory that any process of a function had, after its first answer and after all of its work.
    peaks: BTreeMap<Operation, (u64, u64)>,
    /// Bytes that one call writes to the log.
    pub(super) log_bytes: BTreeMap<Operation, usize>,
}

impl Measured {
    pub(super) fn cold(&self) -> BTreeMap<&'static str, Cold> {
        let one = |(operation, samples): (&Operation, &[Sample; 4])| {
            let [init, init_cpu, first, first_cpu] = samples.each_ref().map(Sample::spread);
            let cold = Cold {
                init_ms: init,
                init_cpu_ms: init_cpu,
                first_answer_ms: first,
                first_answer_cpu_ms: first_cpu,
            };
            (operation.function(), cold)
        };
        self.cold.iter().map(one).collect()
    }

    pub(super) fn warm(&self) -> BTreeMap<&'static str, Warm> {
        let spread = |samples: &[Sample; 2]| {
            let [ms, cpu_ms] = samples.each_ref().map(Sample::spread);
            Warm { ms, cpu_ms }
        };
        let operations = self.warm.iter().map(|(operation, samples)| (operation.name(), spread(samples)));
        operations.chain([("hash", spread(&self.hash))]).collect()
    }

    pub(super) fn login_over_hash(&self) -> LoginOverHash {
        let [ms, cpu_ms] = self.ratio.each_ref().map(Sample::median);
        let [beside_the_hash_ms, beside_the_hash_cpu_ms] = self.beside.each_ref().map(Sample::median);
        LoginOverHash { ms, cpu_ms, beside_the_hash_ms, beside_the_hash_cpu_ms }
    }

    /// By function: the peak after the first answer, and the one after all of the work, in bytes.
    pub(super) fn peaks(&self) -> BTreeMap<Operation, (u64, u64)> {
        self.peaks.clone()
    }

    /// What a warm call takes of a CPU, or, where nobody says, all the time that it took.
    pub(super) fn work_ms(&self, operation: Operation) -> f64 {
        let samples = self.warm.get(&operation);
        let [ms, cpu] = samples.map_or([None, None], |samples| samples.each_ref().map(Sample::median));
        cpu.or(ms).unwrap_or_default()
    }
}

/// Measures everything about the functions themselves.
///
/// # Errors
/// A function did not answer, or answered with a refusal.
pub(super) async fn run(scene: &Scene, effort: Effort) -> Result<Measured, Box<dyn Error>> {
    let mut running = Running::start(scene, &Operation::ALL).await?;
    for _ in 0..effort.rounds {
        running.round(effort).await?;
    }
    Ok(running.end().await)
}

/// A measurement under way, with a warm process of each function.
pub(super) struct Running<'a> {
    scene: &'a Scene,
    workers: BTreeMap<Operation, Worker>,
    hash: PasswordHash,
    measured: Measured,
}

impl<'a> Running<'a> {
    /// Starts and warms the processes.
    ///
    /// # Errors
    /// As [`run`].
    pub(super) async fn start(scene: &'a Scene, operations: &[Operation]) -> Result<Self, Box<dyn Error>> {
        let mut workers = BTreeMap::new();
        for operation in operations.iter().copied() {
            let worker = scene.bench.worker(operation.function(), variables(operation)).await?;
            // What is still cold after the first answer is warm after a few.
            for _ in 0..3 {
                ask(scene, &worker, operation).await?;
            }
            workers.insert(operation, worker);
        }
        let hash = Hasher::new(cost(scene)).hash(&password()).await?;
        Ok(Self { scene, workers, hash, measured: Measured::default() })
    }

    /// A cold start and some warm calls of each function.
    ///
    /// # Errors
    /// As [`run`].
    pub(super) async fn round(&mut self, effort: Effort) -> Result<(), Box<dyn Error>> {
        let Self { scene, workers, hash, measured } = self;
        for (operation, worker) in workers {
            measured.start_one(scene, *operation).await?;
            match operation {
                Operation::Decision => measured.call(scene, worker, *operation, effort.decisions).await?,
                Operation::Login => measured.log_in(scene, worker, hash).await?,
                _ => measured.call(scene, worker, *operation, effort.others).await?,
            }
        }
        Ok(())
    }

    /// Ends the processes.
    pub(super) async fn end(self) -> Measured {
        let Self { scene, workers, mut measured, .. } = self;
        for (operation, worker) in workers {
            measured.note_peak(&worker, operation);
            measured.log_bytes.insert(operation, scene.log_bytes_a_call(operation));
            worker.stop().await;
        }
        measured
    }
}

/// Calls of endpoints are counted, as they are by default, and those of attached APIs are not.
pub(super) const fn variables(operation: Operation) -> &'static [(&'static str, &'static str)] {
    match operation {
        Operation::Decision => &[],
        _ => &UNLIMITED,
    }
}

fn cost(scene: &Scene) -> u32 {
    // The template's value, which was read when its user was made.
    scene.bench.environment("login").get("BCRYPT_COST").and_then(|cost| cost.parse().ok()).unwrap_or(12)
}

/// How long one answer took.
pub(super) async fn ask(
    scene: &Scene,
    worker: &Worker,
    operation: Operation,
) -> Result<Duration, Box<dyn Error>> {
    let event = scene.event(operation).await?;
    let reply = worker.invoke(&event).await?;
    expect_yes(operation, &reply.answer)?;
    Ok(reply.took)
}

impl Measured {
    /// A process that starts, answers once, and ends.
    async fn start_one(&mut self, scene: &Scene, operation: Operation) -> Result<(), Box<dyn Error>> {
        let event = scene.event(operation).await?;
        let worker = scene.bench.worker(operation.function(), variables(operation)).await?;
        let after_init = cpu(&worker);
        let reply = worker.invoke(&event).await?;
        expect_yes(operation, &reply.answer)?;
        let [init, init_cpu, first, first_cpu] = self.cold.entry(operation).or_default();
        init.add(worker.init());
        first.add(reply.took);
        if let (Some(before), Some(after)) = (after_init, cpu(&worker)) {
            init_cpu.add(before);
            first_cpu.add(after.saturating_sub(before));
        }
        if let Some(peak) = worker.process_id().and_then(proc::peak_bytes) {
            let (first, all) = self.peaks.entry(operation).or_default();
            (*first, *all) = ((*first).max(peak), (*all).max(peak));
        }
        worker.stop().await;
        Ok(())
    }

    fn note_peak(&mut self, worker: &Worker, operation: Operation) {
        if let Some(peak) = worker.process_id().and_then(proc::peak_bytes) {
            let (_, all) = self.peaks.entry(operation).or_default();
            *all = (*all).max(peak);
        }
    }

    /// So many calls, each by itself. CPU time is taken over all of them: what a process does between two answers
    /// belongs to one of them.
    async fn call(
        &mut self,
        scene: &Scene,
        worker: &Worker,
        operation: Operation,
        times: usize,
    ) -> Result<(), Box<dyn Error>> {
        let mut events = Vec::new();
        for _ in 0..times {
            events.push(scene.event(operation).await?);
        }
        let before = cpu(worker);
        let [took, work] = self.warm.entry(operation).or_default();
        for event in &events {
            let reply = worker.invoke(event).await?;
            expect_yes(operation, &reply.answer)?;
            took.add(reply.took);
        }
        if let (Some(before), Some(after)) = (before, cpu(worker)) {
            let calls = u32::try_from(times.max(1)).unwrap_or(u32::MAX);
            work.add(after.saturating_sub(before) / calls);
        }
        Ok(())
    }

    /// A login, and the same hash by itself.
    async fn log_in(
        &mut self,
        scene: &Scene,
        worker: &Worker,
        hash: &PasswordHash,
    ) -> Result<(), Box<dyn Error>> {
        let event = scene.event(Operation::Login).await?;
        let before = cpu(worker);
        let reply = worker.invoke(&event).await?;
        expect_yes(Operation::Login, &reply.answer)?;
        let work = before.zip(cpu(worker)).map(|(before, after)| after.saturating_sub(before));
        let alone = hash_alone(hash.clone()).await?;
        let [took, cpu] = self.warm.entry(Operation::Login).or_default();
        let pairs = [(took, Some(reply.took), Some(alone.0)), (cpu, work, alone.1)];
        for (index, (sample, login, hash)) in pairs.into_iter().enumerate() {
            let (Some(login), Some(alone)) = (login, hash) else { continue };
            sample.add(login);
            let at = |samples: &'_ mut [Sample; 2], ms: f64| {
                samples.get_mut(index).into_iter().for_each(|sample| sample.add_ms(ms));
            };
            let (login, alone) = (login.as_secs_f64() * 1000.0, alone.as_secs_f64() * 1000.0);
            at(&mut self.hash, alone);
            at(&mut self.ratio, rounded(login / alone));
            at(&mut self.beside, login - alone);
        }
        Ok(())
    }
}

fn cpu(worker: &Worker) -> Option<Duration> {
    worker.process_id().and_then(proc::cpu)
}

/// What one hash takes in this process, which was built as the functions are: by the clock, and of a CPU.
async fn hash_alone(hash: PasswordHash) -> Result<(Duration, Option<Duration>), Box<dyn Error>> {
    let hashed = tokio::task::spawn_blocking(move || {
        let (before, begun) = (proc::own_cpu(), Instant::now());
        let is_right = nova_auth::passwords::verify_now(&password(), &hash);
        let took = begun.elapsed();
        let cpu = before.zip(proc::own_cpu()).map(|(before, after)| after.saturating_sub(before));
        (is_right, took, cpu)
    });
    let (is_right, took, cpu) = hashed.await?;
    if is_right { Ok((took, cpu)) } else { Err("the hash by itself does not verify".into()) }
}
