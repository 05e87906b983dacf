//! `nova user import`.

use std::error::Error;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nova_auth::domain::moment::Moment;
use nova_auth::domain::user_record::UserRecord;
use nova_auth::flows::FlowError;
use nova_auth::flows::operator::{Imported, Patience};
use nova_auth::store::Store;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::records::{Found, open, read};
use super::{LogArgs, moment, operator};
use crate::failure::{InPart, told};
use crate::output::{Output, stdout};
use crate::place::Target;

pub(super) const HELP: &str = r#"A line is a user:
  {"email":"sara@example.com","name":"Sara","role":"user","status":"active",
   "permissions":["notes:read"],"passwordHash":"$2b$10$..."}
role, status and permissions are optional. A line that is not a valid user, or that repeats an earlier address, is skipped and
reported by its number, with the reason. Existing users stay as they are, so the same file can be imported again.

Examples:
  nova user import --stack nova-auth --dry-run users.jsonl
  nova user import --stack nova-auth users.jsonl
  zcat users.jsonl.gz | nova user import --local -"#;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, or - for standard input.
    file: PathBuf,
    /// Report what would be done, without doing it.
    #[arg(long)]
    dry_run: bool,
    /// Batches of 25 users in flight at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    parallel: u16,
    /// Retries of a throttled batch, with growing pauses.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=30))]
    retries: u32,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    pub(super) target: Target,
}

#[derive(Debug, Default)]
struct Counts {
    created: u64,
    existing: u64,
    refused: u64,
}

pub(super) async fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let (reader, size) = open(&args.file)?;
    let work = Arc::new(Work {
        store: args.target.store().await?,
        moment: moment()?,
        log: args.log,
        dry_run: args.dry_run,
        patience: Patience { retries: args.retries, ..Patience::default() },
    });
    let bar = progress(size);
    let (send, found) = mpsc::channel(usize::from(args.parallel));
    let reading = tokio::task::spawn_blocking(move || read(reader, &send));
    let (counts, ended) = go(args, &work, found, &bar).await;
    bar.finish_and_clear();
    // The reader ends when nobody listens any more, except on a terminal that nobody types into.
    drop(reading);
    let done = say(args, &counts);
    ended.map_err(|error| {
        let line = format!(
            "import stopped early: created {}, unchanged {}. Run it again: existing users stay as they are. {error}",
            counts.created, counts.existing
        );
        told(line, error)
    })?;
    done?;
    match counts.refused {
        0 => Ok(()),
        1 => Err(Box::new(InPart("1 line skipped".to_owned()))),
        lines => Err(Box::new(InPart(format!("{lines} lines skipped")))),
    }
}

/// What the tasks share.
struct Work {
    store: Store,
    moment: Moment,
    log: LogArgs,
    dry_run: bool,
    patience: Patience,
}

impl Work {
    async fn import(&self, records: &[UserRecord]) -> Result<Vec<Imported>, FlowError> {
        operator(&self.store, &self.moment, self.log).import(records, self.dry_run, self.patience).await
    }
}

type Done = (Result<Vec<Imported>, FlowError>, u64);

/// Takes what the reader finds, a few batches at a time; the first failure of the tables ends it.
async fn go(
    args: &Args,
    work: &Arc<Work>,
    mut found: mpsc::Receiver<Found>,
    bar: &ProgressBar,
) -> (Counts, Result<(), Box<dyn Error>>) {
    let mut counts = Counts::default();
    let mut tasks: JoinSet<Done> = JoinSet::new();
    let mut ended = Ok(());
    loop {
        let has_room = tasks.len() < usize::from(args.parallel);
        tokio::select! {
            Some(done) = tasks.join_next(), if !tasks.is_empty() => ended = count(&mut counts, done, bar),
            next = found.recv(), if has_room => match next {
                Some(Found::Batch(records, place)) => {
                    let work = Arc::clone(work);
                    tasks.spawn(async move { (work.import(&records).await, place) });
                }
                Some(Found::Refused(line, reason)) => {
                    counts.refused += 1;
                    ended = refuse(args.output, line, &reason, bar);
                }
                Some(Found::Broken(error)) => {
                    ended = Err(format!("{}: {error}", args.file.display()).into());
                }
                None => break,
            },
        }
        if ended.is_err() {
            break;
        }
    }
    // What is on its way comes to its end, so that the counts are true.
    while let Some(done) = tasks.join_next().await {
        let counted = count(&mut counts, done, bar);
        ended = ended.and(counted);
    }
    (counts, ended)
}

fn count(
    counts: &mut Counts,
    done: Result<Done, tokio::task::JoinError>,
    bar: &ProgressBar,
) -> Result<(), Box<dyn Error>> {
    let (imported, place) = done?;
    for one in imported? {
        match one {
            Imported::Created => counts.created += 1,
            Imported::Existing => counts.existing += 1,
        }
    }
    if place > bar.position() {
        bar.set_position(place);
    }
    Ok(())
}

fn refuse(output: Output, line: u64, reason: &str, bar: &ProgressBar) -> Result<(), Box<dyn Error>> {
    if output.json {
        return bar.suspend(|| output.print(&json!({"line": line, "reason": reason}), ""));
    }
    bar.suspend(|| Ok(writeln!(std::io::stderr(), "line {line}: {reason}")?))
}

fn say(args: &Args, counts: &Counts) -> Result<(), Box<dyn Error>> {
    let Counts { created, existing, refused } = counts;
    if args.output.json {
        let document = json!({
            "created": created, "existing": existing, "refused": refused, "dryRun": args.dry_run,
        });
        return args.output.print(&document, "");
    }
    let verb = if args.dry_run { "would create" } else { "created" };
    let mut out = stdout();
    writeln!(out, "{verb} {created}, unchanged {existing}, rejected {refused}")?;
    Ok(out.flush()?)
}

/// A bar on a terminal, and nothing anywhere else.
pub(crate) fn progress(size: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = match size {
        Some(size) => ProgressBar::new(size),
        None => ProgressBar::no_length(),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    let style = "{elapsed_precise} [{bar:40}] {bytes}/{total_bytes}, {eta} to go";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}
