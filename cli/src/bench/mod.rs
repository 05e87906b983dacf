//! `nova bench`: what the functions take, measured, and what that costs, computed.
//!
//! | module | what is in it |
//! |---|---|
//! | `scene` | the functions on a workbench, a user, and the events |
//! | `measure` | cold starts and warm calls, side by side |
//! | `parts` | what happens before the first event, part by part |
//! | `calls` | DynamoDB's calls and capacity, counted |
//! | `growth` | requests a second, and users |
//! | `against` | the same figures of other binaries, in turns |
//! | `instructions`, `callgrind` | what a decision executes, counted |
//! | `dollars`, `prices.json` | what it costs |
//! | `proc`, `sample` | what Linux says of a process; medians |
//! | `report`, `plot` | for people, for programs, as a picture |

mod against;
mod callgrind;
mod calls;
mod dollars;
mod figure;
mod growth;
mod instructions;
mod measure;
mod parts;
mod plot;
mod proc;
mod report;
mod sample;
mod scene;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;

use nova_local::Binaries;

use calls::Calls;
use dollars::{PlatformLog, Prices, Work};
use growth::Reach;
use measure::{Effort, Measured};
use report::{Machine, Memory, Report};
use scene::{Operation, Scene};

use crate::local::find_template;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
To measure what ships, first build the functions as they ship, each with only its own features:
  cargo build --release -p token-authorizer -p refresh -p logout -p login
  cargo run --release -p nova -- bench")]
pub(crate) struct Args {
    /// Write JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Measure less, just enough to see that it works.
    #[arg(long)]
    quick: bool,
    /// Count the instructions of a warm decision instead, with valgrind, for each kind of key.
    #[arg(long, conflicts_with = "plot")]
    instructions: bool,
    /// Also measure the binaries in this directory, alternating with the others, and print the ratios. Missing functions
    /// are left out.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["plot", "instructions"])]
    against: Option<PathBuf>,
    /// Draw the results into this file, as SVG.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// The template whose functions are measured [default: template.yaml, here or in a parent directory].
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Directory of the functions' binaries [default: this program's own].
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// Do what happens before the first event once, in this process, and say what each part took.
    #[arg(long, hide = true)]
    init_parts: bool,
}

/// A yes of an authorizer that logs refusals alone.
const UNSAID: &str = "decision, not logged";

/// Measures, and says what it found.
///
/// # Errors
/// A binary is missing, a function did not answer, or answered with a refusal.
pub(crate) async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    if args.init_parts {
        return Ok(writeln!(std::io::stdout(), "{}", parts::once().await?)?);
    }
    let template = find_template(args.template)?;
    if args.instructions {
        return instructions::run(template, args.bin_dir, args.quick, args.json).await;
    }
    if let Some(others) = args.against {
        let (effort, _) = if args.quick { quickly() } else { thoroughly() };
        return against::run(template, args.bin_dir, &others, effort, args.json).await;
    }
    let scene = Scene::start(template, args.bin_dir.map_or(Binaries::Beside, Binaries::Dir)).await?;
    let report = measure_all(&scene, args.quick).await?;
    scene.bench.stop().await;
    if let Some(file) = args.plot {
        std::fs::write(&file, plot::draw(&report)).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let text = if args.json { serde_json::to_string_pretty(&report)? + "\n" } else { report.text() };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// What one call of each operation uses.
fn works(measured: &Measured, calls: &BTreeMap<&'static str, Calls>) -> BTreeMap<Operation, Work> {
    let work = |operation: Operation| {
        let calls = calls.get(operation.name()).cloned().unwrap_or_default();
        let bytes = measured.log_bytes.get(&operation).copied().unwrap_or_default();
        let log_bytes = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX));
        let platform_log = match operation {
            Operation::Decision => PlatformLog::BriefLine,
            _ => PlatformLog::Reports,
        };
        (operation, Work { cpu_ms: measured.work_ms(operation), log_bytes, platform_log, calls })
    };
    Operation::ALL.into_iter().map(work).collect()
}

async fn measure_all(scene: &Scene, quick: bool) -> Result<Report, Box<dyn Error>> {
    let mut machine = Machine::now();
    let (effort, reach) = if quick { quickly() } else { thoroughly() };
    let measured = measure::run(scene, effort).await?;
    let parts = parts::measure(scene, effort.rounds).await?;
    let calls = calls::count(scene).await?;
    let prices = Prices::read()?;
    let works = works(&measured, &calls);
    let megabytes = |operation: Operation| {
        scene.bench.memory_megabytes(operation.function()).ok_or("the template gives no memory")
    };
    let mut million = BTreeMap::new();
    for (operation, work) in &works {
        million.insert(operation.name(), prices.million(work, megabytes(*operation)?));
        if *operation == Operation::Decision {
            let unsaid = Work { log_bytes: 0.0, platform_log: PlatformLog::Nothing, ..work.clone() };
            million.insert(UNSAID, prices.million(&unsaid, megabytes(*operation)?));
        }
    }
    let warm = measured.warm();
    let alone =
        warm.get(Operation::Decision.name()).and_then(|warm| warm.ms).ok_or("no decision was made")?;
    let units = calls.get(Operation::Decision.name()).map_or(0.0, |calls| calls.read_units);
    let growth = growth::run(scene, &reach, &prices, &million, units, alone).await?;
    machine.note_end();
    Ok(Report {
        machine,
        cold: measured.cold(),
        parts,
        warm,
        login_over_hash: measured.login_over_hash(),
        memory: memory(&measured, &works, &prices, megabytes)?,
        sizes: sizes(scene)?,
        calls,
        million,
        growth,
        prices,
    })
}

fn memory(
    measured: &Measured,
    works: &BTreeMap<Operation, Work>,
    prices: &Prices,
    megabytes: impl Fn(Operation) -> Result<u64, &'static str>,
) -> Result<BTreeMap<&'static str, Memory>, Box<dyn Error>> {
    let peaks = measured.peaks();
    let mut memory = BTreeMap::new();
    for (operation, work) in works {
        let peak = peaks.get(operation);
        let of = Memory {
            peak_bytes_after_first_answer: peak.map(|(first, _)| *first),
            peak_bytes: peak.map(|(_, all)| *all),
            template_megabytes: megabytes(*operation)?,
            sizes: prices.sizes(work),
        };
        memory.insert(operation.function(), of);
    }
    Ok(memory)
}

fn sizes(scene: &Scene) -> Result<BTreeMap<&'static str, u64>, Box<dyn Error>> {
    let mut sizes = BTreeMap::new();
    for function in Operation::ALL.map(Operation::function) {
        let program = scene.bench.program(function).ok_or("a function has no binary")?;
        sizes.insert(function, std::fs::metadata(program)?.len());
    }
    Ok(sizes)
}

fn thoroughly() -> (Effort, Reach) {
    let effort = Effort { rounds: 40, decisions: 25, others: 5 };
    let reach = Reach {
        rates: vec![1, 10, 100, 1000],
        seconds: 5.0,
        processes: 4,
        users: vec![1_000, 10_000, 100_000],
        decisions: 200,
    };
    (effort, reach)
}

fn quickly() -> (Effort, Reach) {
    let effort = Effort { rounds: 2, decisions: 3, others: 2 };
    let reach = Reach { rates: vec![1, 10], seconds: 0.5, processes: 2, users: vec![100], decisions: 5 };
    (effort, reach)
}
