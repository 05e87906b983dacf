//! `nova-soak`: load on a `nova local` of its own, with everything that can go wrong going wrong, and a judge who looks on.
//!
//! | module | what is in it |
//! |---|---|
//! | `plan` | what a run does, drawn from its seed |
//! | `system` | the `nova local` under test, and `nova` as its operator |
//! | `world`, `device`, `visitor`, `agent`, `caller`, `mailbox`, `socket` | the clients |
//! | `owner`, `phone` | clients with second factors: authenticator apps, recovery codes, passkeys |
//! | `mover` | clients who are invited, and change their address |
//! | `uploader` | clients who upload files |
//! | `operator` | users disabled, permissions taken, keys rotated and dropped |
//! | `proxy` | DynamoDB and Secrets Manager, failing in bursts |
//! | `killer`, `proc` | functions' processes, killed; what Linux says of them |
//! | `history`, `register`, `oracle` | what happened, what that makes certain, and which answers were wrong |
//! | `closing` | how long an open WebSocket outlives its session |
//! | `leaks`, `report` | memory and file descriptors; what came of it all |

mod agent;
mod caller;
mod closing;
mod device;
mod files;
mod history;
mod killer;
mod leaks;
mod mailbox;
mod mover;
mod operator;
mod oracle;
mod owner;
mod phone;
mod plan;
mod proc;
mod proxy;
mod register;
mod report;
mod run;
mod signed;
mod socket;
mod system;
mod uploader;
mod visitor;
mod world;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use files::Files;
use history::{At, History, SECOND};
use plan::Plan;
use system::Failure;

/// Load and faults on a `nova local` of its own, judged.
///
/// The same seed gives the same steps and the same faults at the same times; what meets what is up to the scheduler.
#[derive(Debug, Parser)]
#[command(
    name = "nova-soak",
    after_help = "\
`nova`, the functions and the sample have to lie beside this program (or in --bin-dir):
  cargo build --release --workspace --bins
  target/release/nova-soak --minutes 10"
)]
struct Args {
    /// How long there is traffic.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many devices there are; three belong to one user.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=2000))]
    clients: u64,
    /// Leave out second factors, invitations, changes of address and uploads.
    #[arg(long)]
    plain: bool,
    /// Write JSON instead of text.
    #[arg(long)]
    json: bool,
    /// Report what would be done, without doing it.
    #[arg(long)]
    plan: bool,
    /// Measure how long so many open WebSockets outlive their sessions, and do nothing else.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    sockets: Option<u32>,
    /// Judge this history again, and run nothing.
    #[arg(long, value_name = "FILE")]
    judge: Option<PathBuf>,
    /// Use this DynamoDB instead of the one of `nova local`, whose streams nobody reads: without mail, events and WebSockets.
    #[arg(long, value_name = "URL", conflicts_with = "sockets")]
    dynamodb: Option<String>,
    /// Keep all that happened in this file. It holds no token and no password.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Keep what `nova local` and the functions log in this file.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Where `nova`, the functions and the sample are. By default beside this program.
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// The template of the system; the samples are in tests/consumer beside it.
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    template: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match act(Args::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            drop(writeln!(std::io::stderr(), "nova-soak: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Whether all was well.
async fn act(args: Args) -> Result<bool, Failure> {
    if let Some(file) = &args.judge {
        return judge_again(file);
    }
    let plan = Plan::new(args.seed, length(args.minutes)?, args.clients);
    let plan = if args.plain { plan.plain() } else { plan };
    if args.plan {
        return say(&(serde_json::to_string_pretty(&plan)? + "\n")).map(|()| true);
    }
    let beside = std::env::current_exe()?.parent().map(PathBuf::from);
    let files = Files {
        bin_dir: args.bin_dir.or(beside).ok_or("this program has no place")?.canonicalize()?,
        template: args
            .template
            .canonicalize()
            .map_err(|error| format!("{}: {error}", args.template.display()))?,
        log: args.log,
        dynamodb: args.dynamodb,
    };
    if let Some(sockets) = args.sockets {
        let closing = closing::measure(&files, sockets).await?;
        say(&if args.json { serde_json::to_string_pretty(&closing)? + "\n" } else { closing.text() })?;
        return Ok(closing.left == 0);
    }
    let (history, measured) = run::run(&plan, &files).await?;
    if let Some(file) = args.history {
        std::fs::write(file, serde_json::to_vec(&history)?)?;
    }
    let wrong = oracle::judge(&history);
    let report = report::Report::new(&plan, &history, &wrong, measured);
    say(&if args.json { serde_json::to_string_pretty(&report)? + "\n" } else { report.text() })?;
    Ok(report.wrong.is_empty())
}

fn judge_again(file: &PathBuf) -> Result<bool, Failure> {
    let history: History = serde_json::from_slice(&std::fs::read(file)?)?;
    let wrong = oracle::judge(&history);
    for wrong in &wrong {
        say(&format!("{}: {}\n", wrong.why, serde_json::to_string(&wrong.event)?))?;
    }
    say(&format!("{} calls, {} wrong answers\n", history.events.len(), wrong.len()))?;
    Ok(wrong.is_empty())
}

fn say(text: &str) -> Result<(), Failure> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

fn length(minutes: f64) -> Result<At, Failure> {
    let seconds = std::time::Duration::try_from_secs_f64(minutes * 60.0)?.as_secs();
    if !(20..=24 * 3600).contains(&seconds) {
        return Err("--minutes: from 0.34 to 1440".into());
    }
    Ok(seconds * SECOND)
}
