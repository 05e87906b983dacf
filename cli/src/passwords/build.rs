//! `nova passwords build`: from a list to a folder that is whole, or is not there.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use nova_auth::domain::breached::{FILTER, MANIFEST};
use serde_json::json;

use super::list::{Hashes, plain};
use super::of;
use super::shards::{Built, Shards};
use crate::failure::Usage;
use crate::output::Output;
use crate::user::progress;

pub(super) const HELP: &str = "\
Examples:
  nova passwords build --from pwnedpasswords.txt --out pwned-2026-11
  nova passwords build --from pwnedpasswords.txt --at-least 10 --out pwned-2026-11
  nova passwords build --from our-words.txt --plain --out words-1

The list has one line per password, HASH:COUNT, sorted by hash, as the Pwned Passwords downloader writes it (SHA-1). One
shard of 65,536 is in memory at a time. The folder gets two files, `filter` and `manifest.json`; `nova passwords put` puts
them into the table of a stack.";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The list, or - for standard input.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The folder to create.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Leave out passwords that were seen fewer than this many times.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    at_least: u64,
    /// The list has the passwords themselves, one per line, in any order. All of it is held in memory.
    #[arg(long, conflicts_with = "at_least")]
    plain: bool,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    // Without a slash at its end, which would put the other name into the folder.
    let out: PathBuf = args.out.components().collect();
    let Some(name) = out.file_name() else {
        return Err(Box::new(Usage(format!("{}: not the name of a folder to create", args.out.display()))));
    };
    if out.exists() {
        return Err(format!("{} exists; not overwritten", out.display()).into());
    }
    // Under another name until it is whole, so that nobody puts half of it.
    let mut partial = name.to_owned();
    partial.push(".partial");
    let partial = out.with_file_name(partial);
    std::fs::create_dir(&partial).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => format!(
            "{} exists: of a build that is running or was interrupted. If none is running, delete it",
            partial.display()
        ),
        _ => format!("{}: {error}", partial.display()),
    })?;
    let built = write_all(args, &partial)
        .and_then(|built| std::fs::rename(&partial, &out).map_err(of(&out)).map(|()| built));
    if built.is_err() {
        drop(std::fs::remove_dir_all(&partial));
    }
    let (built, left_out) = built?;
    say(args, &out, &built, left_out)
}

/// Both files, and how many entries of the list are not in them.
fn write_all(args: &Args, folder: &Path) -> Result<(Built, u64), Box<dyn Error>> {
    let path = folder.join(FILTER);
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).map_err(of(&path))?;
    let mut shards = Shards::new(file);
    let left_out = read_all(args, &mut shards)?;
    if shards.is_empty() {
        return Err(match left_out {
            0 => "the list is empty".into(),
            _ => "no password of the list was seen that often".into(),
        });
    }
    let bar = progress(None);
    let built = shards.finish(args.at_least, &bar)?;
    bar.finish_and_clear();
    let path = folder.join(MANIFEST);
    let mut file = File::create_new(&path).map_err(of(&path))?;
    file.write_all(built.manifest.to_json().as_bytes()).and_then(|()| file.sync_all()).map_err(of(&path))?;
    Ok((built, left_out))
}

fn read_all(args: &Args, shards: &mut Shards) -> Result<u64, Box<dyn Error>> {
    if args.from == Path::new("-") {
        return read(args, std::io::stdin().lock(), shards, &progress(None))
            .map_err(of(Path::new("standard input")));
    }
    let file = File::open(&args.from).map_err(of(&args.from))?;
    let bar = progress(file.metadata().ok().map(|about| about.len()));
    read(args, BufReader::with_capacity(1 << 20, file), shards, &bar).map_err(of(&args.from))
}

fn read(
    args: &Args,
    input: impl BufRead,
    shards: &mut Shards,
    bar: &ProgressBar,
) -> Result<u64, Box<dyn Error>> {
    /// Often enough for a bar, and seldom enough to cost nothing.
    const EVERY: u64 = 1 << 16;
    if args.plain {
        plain(input)?.into_iter().try_for_each(|fingerprint| shards.add(fingerprint))?;
        return Ok(0);
    }
    let mut hashes = Hashes::new(input, args.at_least);
    while let Some(fingerprint) = hashes.next()? {
        shards.add(fingerprint)?;
        if hashes.lines.is_multiple_of(EVERY) {
            bar.set_position(hashes.bytes);
        }
    }
    bar.finish_and_clear();
    Ok(hashes.left_out)
}

fn say(args: &Args, folder: &Path, built: &Built, left_out: u64) -> Result<(), Box<dyn Error>> {
    let Built { manifest, probes, seem } = built;
    let bytes = manifest.filter_bytes();
    let document = json!({
        "folder": folder.display().to_string(), "passwords": manifest.entries(), "leftOut": left_out,
        "shardBytes": manifest.shard_bytes(), "bytes": bytes, "probes": probes, "seemBreached": seem,
    });
    let left_out = match left_out {
        0 => String::new(),
        left_out => format!("; {left_out} were seen fewer than {} times and left out", args.at_least),
    };
    let lines = format!(
        "{}: {} passwords{left_out}\n  {bytes} bytes, {} for each check\n  \
         every password is found; {seem} of {probes} other passwords are refused by mistake\n  \
         put it into a stack: nova passwords put {} --stack NAME",
        folder.display(),
        manifest.entries(),
        manifest.shard_bytes(),
        quoted(&folder.display().to_string()),
    );
    args.output.print(&document, &lines)
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:\\".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
