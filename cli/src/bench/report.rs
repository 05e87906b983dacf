//! What a run found, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::calls::Calls;
use super::dollars::{Million, Prices, Size};
use super::growth::Growth;
use super::measure::{Cold, LoginOverHash, Warm};
use super::proc;
use super::sample::Spread;

/// All of it. Its names are a contract: scripts read them.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) machine: Machine,
    pub(super) cold: BTreeMap<&'static str, Cold>,
    /// What happens before the first event, in milliseconds.
    pub(super) parts: BTreeMap<String, Spread>,
    pub(super) warm: BTreeMap<&'static str, Warm>,
    pub(super) login_over_hash: LoginOverHash,
    pub(super) memory: BTreeMap<&'static str, Memory>,
    pub(super) sizes: BTreeMap<&'static str, u64>,
    pub(super) calls: BTreeMap<&'static str, Calls>,
    pub(super) million: BTreeMap<&'static str, Million>,
    pub(super) growth: Growth,
    pub(super) prices: Prices,
}

/// What it was measured on.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    processor: Option<String>,
    cores: Option<usize>,
    load_before: Option<f64>,
    load_after: Option<f64>,
    profile: &'static str,
    storage: &'static str,
    version: &'static str,
}

/// The memory of a function.
#[derive(Debug, Serialize)]
pub(super) struct Memory {
    /// The most of it in use, after the first answer and after all of the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) peak_bytes_after_first_answer: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) peak_bytes: Option<u64>,
    /// What the template gives to it.
    pub(super) template_megabytes: u64,
    /// What it would take and cost with other sizes.
    pub(super) sizes: Vec<Size>,
}

impl Machine {
    pub(super) fn now() -> Machine {
        Machine {
            processor: proc::processor(),
            cores: std::thread::available_parallelism().ok().map(usize::from),
            load_before: proc::load(),
            load_after: None,
            profile: if cfg!(debug_assertions) { "debug" } else { "release" },
            storage: "in memory, on loopback",
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    pub(super) fn note_end(&mut self) {
        self.load_after = proc::load();
    }

    pub(super) fn line(&self) -> String {
        let load = |load: Option<f64>| load.map_or("?".to_owned(), |load| format!("{load:.1}"));
        format!(
            "nova {} bench, {} build; {}, {} cores, load {} to {}; storage {}",
            self.version,
            self.profile,
            self.processor.as_deref().unwrap_or("unknown processor"),
            self.cores.map_or("?".to_owned(), |cores| cores.to_string()),
            load(self.load_before),
            load(self.load_after),
            self.storage,
        )
    }
}

impl Report {
    /// The tables that people read.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.machine.line());
        let spread = |spread: Option<Spread>| {
            spread.map_or("-".to_owned(), |spread| format!("{:.3} / {:.3}", spread.median, spread.p99))
        };
        let mut section = |title: &str, columns: [&str; 4], rows: Vec<[String; 5]>| {
            let [a, b, c, d] = columns;
            // Writing into a String can't fail.
            let _ = writeln!(text, "\n{title:<28}{a:>21}{b:>21}{c:>21}{d:>21}");
            for [name, a, b, c, d] in rows {
                let _ = writeln!(text, "  {name:<26}{a:>21}{b:>21}{c:>21}{d:>21}");
            }
        };
        let rows = self.cold.iter().map(|(name, cold)| {
            let all = [cold.init_ms, cold.init_cpu_ms, cold.first_answer_ms, cold.first_answer_cpu_ms];
            let [a, b, c, d] = all.map(spread);
            [(*name).to_owned(), a, b, c, d]
        });
        let columns = ["to first next", "its CPU", "first answer", "its CPU"];
        section("Cold, ms (median / p99)", columns, rows.collect());
        let rows = self.parts.iter().map(|(part, took)| {
            [part.clone(), spread(Some(*took)), String::new(), String::new(), String::new()]
        });
        section("Before the first next, ms", ["took", "", "", ""], rows.collect());
        let rows = self.warm.iter().map(|(name, warm)| {
            let runs = warm.ms.map_or("-".to_owned(), |ms| ms.runs.to_string());
            [(*name).to_owned(), spread(warm.ms), spread(warm.cpu_ms), runs, String::new()]
        });
        section("Warm, ms (median / p99)", ["answer", "CPU", "runs", ""], rows.collect());
        let over = &self.login_over_hash;
        let ratio = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.4}"));
        let row = [
            "login".to_owned(),
            ratio(over.ms),
            ratio(over.cpu_ms),
            ratio(over.beside_the_hash_ms),
            String::new(),
        ];
        section("Login over its hash", ["by the clock", "by CPU", "beside it, ms", ""], vec![row]);
        let megabytes = |bytes: Option<u64>| {
            bytes.map_or("-".to_owned(), |bytes| {
                format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
            })
        };
        let rows = self.memory.iter().map(|(name, memory)| {
            let peaks = [memory.peak_bytes_after_first_answer, memory.peak_bytes].map(megabytes);
            let [first, all] = peaks;
            let size = megabytes(self.sizes.get(name).copied());
            [(*name).to_owned(), first, all, size, format!("{} MB", memory.template_megabytes)]
        });
        section("Memory, binary", ["peak, first answer", "peak, all", "binary", "template"], rows.collect());
        let rows = self.calls.iter().map(|(name, calls)| {
            let number: u32 = calls.calls.values().sum();
            [
                (*name).to_owned(),
                number.to_string(),
                calls.rounds.to_string(),
                calls.read_units.to_string(),
                calls.write_units.to_string(),
            ]
        });
        section("DynamoDB", ["calls", "one after another", "read units", "write units"], rows.collect());
        let rows = self.million.iter().map(|(name, million)| {
            let [lambda, tables, logs, total] = million.parts().map(|dollars| format!("{dollars:.2}"));
            [(*name).to_owned(), lambda, tables, logs, total]
        });
        section("Dollars a million", ["Lambda", "DynamoDB", "logs", "all (computed)"], rows.collect());
        let rows = self.growth.requests.iter().map(|rate| {
            [
                format!("{}/s", rate.per_second),
                spread(Some(rate.ms.value)),
                rate.ms.how.to_owned(),
                format!("{:.1}", rate.concurrency.value),
                format!("{:.2}", rate.dollars_a_month.value),
            ]
        });
        let columns = ["decision, ms", "which is", "busy (computed)", "$ a month (computed)"];
        section("Rate", columns, rows.collect());
        let rows = self.growth.users.iter().map(|users| {
            [
                users.users.to_string(),
                spread(Some(users.decision_ms.value)),
                users.decision_ms.how.to_owned(),
                format!("{:.3}", users.stored_gb.value),
                format!("{:.2}", users.dollars_a_month.value),
            ]
        });
        let columns = ["decision, ms", "which is", "GB (computed)", "$ a month (computed)"];
        section("Users", columns, rows.collect());
        let _ = writeln!(
            text,
            "\nDollars: {}, as of {}. {}",
            self.prices.region, self.prices.as_of, self.prices.source
        );
        text
    }
}
