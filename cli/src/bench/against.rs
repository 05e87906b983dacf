//! The same figures of other binaries, of an older commit for example. Both kinds take turns, round by round, so that whatever
//! else the machine does meets both alike; what is left is a ratio of medians.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use nova_local::Binaries;
use serde::Serialize;
use tempfile::TempDir;

use super::measure::{Effort, Measured, Running};
use super::sample::{Spread, rounded};
use super::scene::{Operation, Scene};

/// Medians of both, and how often the others go into ours.
#[derive(Debug, Serialize)]
struct Compared {
    ours: f64,
    theirs: f64,
    ratio: f64,
}

/// By operation and figure.
type Table = BTreeMap<&'static str, BTreeMap<&'static str, Compared>>;

/// Measures both, and says the ratios.
///
/// # Errors
/// A binary is missing, or a function did not answer with yes.
pub(super) async fn run(
    template: PathBuf,
    bin_dir: Option<PathBuf>,
    others: &Path,
    effort: Effort,
    json: bool,
) -> Result<(), Box<dyn Error>> {
    let is_there = |operation: &Operation| others.join(operation.function()).is_file();
    let operations: Vec<_> = Operation::ALL.into_iter().filter(is_there).collect();
    if operations.is_empty() {
        return Err(format!("{} has none of the functions' binaries", others.display()).into());
    }
    let found = Scene::start(template.clone(), bin_dir.map_or(Binaries::Beside, Binaries::Dir)).await?;
    let programs = programs(&found);
    found.bench.stop().await;
    let copies = Copies::new(&programs, others)?;
    let ours = Scene::start(template.clone(), Binaries::Explicit(copies.ours.clone())).await?;
    let theirs = Scene::start(template, Binaries::Explicit(copies.theirs.clone())).await?;
    let mut both = (Running::start(&ours, &operations).await?, Running::start(&theirs, &operations).await?);
    for _ in 0..effort.rounds {
        both.0.round(effort).await?;
        both.1.round(effort).await?;
    }
    let figures = |scene: &Scene, measured: &Measured| figures(scene, measured, &operations);
    let (measured, other) = (both.0.end().await, both.1.end().await);
    let table = compared(&figures(&ours, &measured), &figures(&theirs, &other));
    ours.bench.stop().await;
    theirs.bench.stop().await;
    let text = if json { serde_json::to_string_pretty(&table)? + "\n" } else { text(&table) };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

type Programs = BTreeMap<String, PathBuf>;

fn programs(scene: &Scene) -> Programs {
    let functions = Operation::ALL.map(Operation::function).into_iter();
    functions.filter_map(|name| Some((name.to_owned(), scene.bench.program(name)?.to_owned()))).collect()
}

/// Both kinds of programs, copied one after the other. Most of a function's memory is its own file, and how much of a file
/// counts depends on how the page cache holds it: a file that was just written costs up to a tenth less or more than an older one.
struct Copies {
    dir: TempDir,
    ours: Programs,
    theirs: Programs,
}

impl Copies {
    /// Where the others lack a program, ours stands in, and is not started.
    fn new(programs: &Programs, others: &Path) -> std::io::Result<Copies> {
        let mut copies = Copies { dir: tempfile::tempdir()?, ours: Programs::new(), theirs: Programs::new() };
        for (function, ours) in programs {
            let other = others.join(function);
            let other = if other.is_file() { &other } else { ours };
            let (mine, theirs) =
                (copies.copy(ours, "ours", function)?, copies.copy(other, "theirs", function)?);
            copies.ours.insert(function.clone(), mine);
            copies.theirs.insert(function.clone(), theirs);
        }
        Ok(copies)
    }

    fn copy(&self, program: &Path, whose: &str, function: &str) -> std::io::Result<PathBuf> {
        let dir = self.dir.path().join(whose);
        std::fs::create_dir_all(&dir)?;
        let copy = dir.join(function);
        std::fs::copy(program, &copy)?;
        Ok(copy)
    }
}

type Figures = BTreeMap<&'static str, BTreeMap<&'static str, f64>>;

fn figures(scene: &Scene, measured: &Measured, operations: &[Operation]) -> Figures {
    let (cold, warm, peaks) = (measured.cold(), measured.warm(), measured.peaks());
    let median = |spread: Option<Spread>| spread.map(|spread| spread.median);
    let of = |operation: &Operation| {
        let (cold, warm) = (cold.get(operation.function()), warm.get(operation.name()));
        let size = scene.bench.program(operation.function()).and_then(|file| std::fs::metadata(file).ok());
        let bytes =
            |bytes: u64| u32::try_from(bytes / 1000).map(|kilobytes| f64::from(kilobytes) / 1000.0).ok();
        let all = [
            ("start to first next, ms", cold.and_then(|cold| median(cold.init_ms))),
            ("its CPU, ms", cold.and_then(|cold| median(cold.init_cpu_ms))),
            ("first answer, ms", cold.and_then(|cold| median(cold.first_answer_ms))),
            ("warm answer, ms", warm.and_then(|warm| median(warm.ms))),
            ("warm answer, CPU, ms", warm.and_then(|warm| median(warm.cpu_ms))),
            ("peak memory, MB", peaks.get(operation).and_then(|(_, all)| bytes(*all))),
            ("binary, MB", size.and_then(|size| bytes(size.len()))),
            (
                "log of a call, bytes",
                measured.log_bytes.get(operation).and_then(|bytes| u32::try_from(*bytes).ok()).map(f64::from),
            ),
        ];
        all.into_iter().filter_map(|(name, figure)| Some((name, figure?))).collect()
    };
    operations.iter().map(|operation| (operation.name(), of(operation))).collect()
}

fn compared(ours: &Figures, theirs: &Figures) -> Table {
    let mut table = Table::new();
    for (operation, figures) in ours {
        for (name, ours) in figures {
            let theirs = theirs.get(operation).and_then(|figures| figures.get(name));
            if let Some(theirs) = theirs.filter(|theirs| **theirs > 0.0) {
                let compared = Compared { ours: *ours, theirs: *theirs, ratio: rounded(ours / theirs) };
                table.entry(operation).or_default().insert(name, compared);
            }
        }
    }
    table
}

fn text(table: &Table) -> String {
    let mut text = String::new();
    for (operation, figures) in table {
        // Writing into a String can't fail.
        let _ = writeln!(text, "{operation:<28}{:>12}{:>12}{:>12}", "ours", "theirs", "ratio");
        for (name, Compared { ours, theirs, ratio }) in figures {
            let _ = writeln!(text, "  {name:<26}{ours:>12.3}{theirs:>12.3}{ratio:>12.3}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_copied_and_the_copies_go_with_the_measurement() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path();
        for (name, text) in [("mine", "ours"), ("login", "theirs")] {
            std::fs::write(source.join(name), text).unwrap();
        }
        let mine = source.join("mine");
        let programs = ["login", "logout"].map(|function| (function.to_owned(), mine.clone())).into();
        let copies = Copies::new(&programs, source).unwrap();
        let read =
            |programs: &Programs, function: &str| std::fs::read_to_string(&programs[function]).unwrap();
        assert_eq!(read(&copies.ours, "login"), "ours");
        assert_eq!(read(&copies.theirs, "login"), "theirs");
        assert_eq!(read(&copies.theirs, "logout"), "ours", "where there is no other, ours stands in");
        let dir = copies.dir.path().to_owned();
        drop(copies);
        assert!(!dir.exists() && mine.exists());
    }

    #[test]
    fn a_ratio_is_ours_by_theirs_and_what_only_one_of_them_has_is_left_out() {
        let of = |figures: &[(&'static str, f64)]| {
            Figures::from([("decision", figures.iter().copied().collect())])
        };
        let table = compared(&of(&[("ms", 1.0), ("MB", 3.0)]), &of(&[("ms", 4.0), ("bytes", 0.0)]));
        assert_eq!(table["decision"].len(), 1);
        assert_eq!(table["decision"]["ms"].ratio, 0.25);
        assert!(text(&table).contains("0.250"));
    }
}
