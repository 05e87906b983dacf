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

/// One table: its title, the names of its columns, and its rows, each with its name first.
struct Section {
    title: &'static str,
    columns: [&'static str; 4],
    rows: Vec<[String; 5]>,
}

impl Section {
    fn write(&self, text: &mut String) {
        let (title, [a, b, c, d]) = (self.title, self.columns);
        // Writing into a String can't fail.
        let _ = writeln!(text, "\n{title:<28}{a:>21}{b:>21}{c:>21}{d:>21}");
        for [name, a, b, c, d] in &self.rows {
            let _ = writeln!(text, "  {name:<26}{a:>21}{b:>21}{c:>21}{d:>21}");
        }
    }
}

fn spread(spread: Option<Spread>) -> String {
    spread.map_or("-".to_owned(), |spread| format!("{:.3} / {:.3}", spread.median, spread.p99))
}

fn megabytes(bytes: Option<u64>) -> String {
    let text = |bytes| format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000);
    bytes.map_or("-".to_owned(), text)
}

impl Report {
    /// The tables that people read.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.machine.line());
        let sections = [
            self.cold_starts(),
            self.before_the_first_next(),
            self.warm_answers(),
            self.login_over_hash.section(),
            self.memory_and_binaries(),
            self.dynamodb(),
            self.dollars_a_million(),
            self.growth.by_rate(),
            self.growth.by_users(),
        ];
        for section in sections {
            section.write(&mut text);
        }
        let _ = writeln!(
            text,
            "\nDollars: {}, as of {}. {}",
            self.prices.region, self.prices.as_of, self.prices.source
        );
        text
    }

    fn cold_starts(&self) -> Section {
        let rows = self.cold.iter().map(|(name, cold)| {
            let all = [cold.init_ms, cold.init_cpu_ms, cold.first_answer_ms, cold.first_answer_cpu_ms];
            let [a, b, c, d] = all.map(spread);
            [(*name).to_owned(), a, b, c, d]
        });
        let columns = ["to first next", "its CPU", "first answer", "its CPU"];
        Section { title: "Cold, ms (median / p99)", columns, rows: rows.collect() }
    }

    fn before_the_first_next(&self) -> Section {
        let rows = self.parts.iter().map(|(part, took)| {
            [part.clone(), spread(Some(*took)), String::new(), String::new(), String::new()]
        });
        let columns = ["took", "", "", ""];
        Section { title: "Before the first next, ms", columns, rows: rows.collect() }
    }

    fn warm_answers(&self) -> Section {
        let rows = self.warm.iter().map(|(name, warm)| {
            let runs = warm.ms.map_or("-".to_owned(), |ms| ms.runs.to_string());
            [(*name).to_owned(), spread(warm.ms), spread(warm.cpu_ms), runs, String::new()]
        });
        let columns = ["answer", "CPU", "runs", ""];
        Section { title: "Warm, ms (median / p99)", columns, rows: rows.collect() }
    }

    fn memory_and_binaries(&self) -> Section {
        let rows = self.memory.iter().map(|(name, memory)| {
            let [first, all] = [memory.peak_bytes_after_first_answer, memory.peak_bytes].map(megabytes);
            let size = megabytes(self.sizes.get(name).copied());
            [(*name).to_owned(), first, all, size, format!("{} MB", memory.template_megabytes)]
        });
        let columns = ["peak, first answer", "peak, all", "binary", "template"];
        Section { title: "Memory, binary", columns, rows: rows.collect() }
    }

    fn dynamodb(&self) -> Section {
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
        let columns = ["calls", "one after another", "read units", "write units"];
        Section { title: "DynamoDB", columns, rows: rows.collect() }
    }

    fn dollars_a_million(&self) -> Section {
        let rows = self.million.iter().map(|(name, million)| {
            let [lambda, tables, logs, total] = million.parts().map(|dollars| format!("{dollars:.2}"));
            [(*name).to_owned(), lambda, tables, logs, total]
        });
        let columns = ["Lambda", "DynamoDB", "logs", "all (computed)"];
        Section { title: "Dollars a million", columns, rows: rows.collect() }
    }
}

impl LoginOverHash {
    fn section(&self) -> Section {
        let ratio = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.4}"));
        let [a, b, c] = [self.ms, self.cpu_ms, self.beside_the_hash_ms].map(ratio);
        let rows = vec![["login".to_owned(), a, b, c, String::new()]];
        let columns = ["by the clock", "by CPU", "beside it, ms", ""];
        Section { title: "Login over its hash", columns, rows }
    }
}

impl Growth {
    fn by_rate(&self) -> Section {
        let rows = self.requests.iter().map(|rate| {
            [
                format!("{}/s", rate.per_second),
                spread(Some(rate.ms.value)),
                rate.ms.how.to_owned(),
                format!("{:.1}", rate.concurrency.value),
                format!("{:.2}", rate.dollars_a_month.value),
            ]
        });
        let columns = ["decision, ms", "which is", "busy (computed)", "$ a month (computed)"];
        Section { title: "Rate", columns, rows: rows.collect() }
    }

    fn by_users(&self) -> Section {
        let rows = self.users.iter().map(|users| {
            [
                users.users.to_string(),
                spread(Some(users.decision_ms.value)),
                users.decision_ms.how.to_owned(),
                format!("{:.3}", users.stored_gb.value),
                format!("{:.2}", users.dollars_a_month.value),
            ]
        });
        let columns = ["decision, ms", "which is", "GB (computed)", "$ a month (computed)"];
        Section { title: "Users", columns, rows: rows.collect() }
    }
}
