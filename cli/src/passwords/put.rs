//! `nova passwords put`: a filter into the table that the functions read.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::PathBuf;

use nova_auth::domain::breached::{FILTER, MANIFEST, Manifest, SHARDS, Shard, Unreadable};
use nova_auth::store::{BreachedList, SHARDS_AT_ONCE};
use serde_json::json;
use tokio::task::{JoinError, JoinSet};

use super::of;
use crate::output::Output;
use crate::place::Target;
use crate::user::{moment, progress};

pub(super) const HELP: &str = "\
Examples:
  nova passwords put pwned-2026-11 --stack nova-auth
  nova passwords put words-1 --local

Rows are replaced one by one, and look-ups keep working meanwhile. If a run is interrupted, run it again.";

/// So many calls at once, of 25 rows each.
const CALLS: usize = 4;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that `nova passwords build` made.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let path = args.folder.join(MANIFEST);
    let manifest = Manifest::parse(&std::fs::read(&path).map_err(of(&path))?).map_err(of(&path))?;
    let path = args.folder.join(FILTER);
    let mut file = BufReader::with_capacity(1 << 20, File::open(&path).map_err(of(&path))?);
    let list = super::list_of(&args.target).await?;
    let bar = progress(Some(manifest.filter_bytes()));
    let mut calls = JoinSet::new();
    let mut bytes = vec![0; usize::try_from(manifest.shard_bytes())?];
    let mut left = SHARDS;
    while left > 0 {
        let mut part = Vec::new();
        while left > 0 && part.len() < SHARDS_AT_ONCE {
            file.read_exact(&mut bytes).map_err(of(&path))?;
            Shard::parse(&bytes).map_err(of(&path))?;
            part.push(bytes.clone());
            left -= 1;
        }
        while calls.len() >= CALLS {
            bar.inc(ended(calls.join_next().await)?);
        }
        calls.spawn(put(list.clone(), part));
    }
    while !calls.is_empty() {
        bar.inc(ended(calls.join_next().await)?);
    }
    list.finish(&manifest, moment()?.now).await?;
    bar.finish_and_clear();
    let entries = manifest.entries();
    args.output
        .print(&json!({ "entries": entries }), &format!("{entries} breached passwords are in the table"))
}

/// Puts some shards, and counts their bytes.
async fn put(list: BreachedList, shards: Vec<Vec<u8>>) -> Result<usize, String> {
    let read = shards.iter().map(|bytes| Shard::parse(bytes)).collect::<Result<Vec<_>, Unreadable>>();
    let read = read.map_err(|error| error.to_string())?;
    list.put(&read).await.map_err(|error| error.to_string())?;
    Ok(shards.iter().map(Vec::len).sum())
}

/// How many bytes a call has put.
fn ended(ended: Option<Result<Result<usize, String>, JoinError>>) -> Result<u64, Box<dyn Error>> {
    Ok(match ended {
        Some(ended) => u64::try_from(ended??)?,
        None => 0,
    })
}
