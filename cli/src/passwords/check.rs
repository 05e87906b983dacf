//! `nova passwords check`: a password, looked up as the functions do it.

use std::error::Error;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use nova_auth::domain::breached::{FILTER, MANIFEST, Manifest};
use serde_json::json;

use super::of;
use crate::failure::Unwell;
use crate::output::Output;
use crate::place::Target;
use crate::user::read_known_password;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that `nova passwords build` made.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let (is_breached, entries) = match &args.folder {
        Some(folder) => in_folder(folder)?,
        None => {
            let list = super::list_of(&args.target).await?;
            let loaded =
                list.loaded().await?.ok_or("the table has no list: store one with nova passwords put")?;
            (list.holds(&read_known_password()?).await?, loaded.entries)
        }
    };
    if args.output.json {
        args.output.print(&json!({ "breached": is_breached }), "")?;
    }
    if is_breached {
        return Err(Box::new(Unwell("this password is in the list of breached passwords".to_owned())));
    }
    if args.output.json {
        return Ok(());
    }
    args.output.print(&(), &format!("not among {entries} breached passwords"))
}

/// Whether a password is in a filter, and how many are.
fn in_folder(folder: &Path) -> Result<(bool, u64), Box<dyn Error>> {
    let path = folder.join(MANIFEST);
    let manifest = std::fs::read(&path).map_err(of(&path))?;
    let manifest = Manifest::parse(&manifest).map_err(of(&path))?;
    let path = folder.join(FILTER);
    let mut file = File::open(&path).map_err(of(&path))?;
    let mut bytes = vec![0; usize::try_from(manifest.shard_bytes())?];
    let mut is_breached = false;
    for fingerprint in read_known_password()?.fingerprints() {
        let start = SeekFrom::Start(manifest.range(&fingerprint).start);
        file.seek(start).and_then(|_| file.read_exact(&mut bytes)).map_err(of(&path))?;
        is_breached |= manifest.contains(&fingerprint, &bytes).map_err(of(&path))?;
    }
    Ok((is_breached, manifest.entries()))
}
