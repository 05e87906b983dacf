//! `nova user export`.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nova_auth::domain::user::Profile;
use nova_auth::domain::user_record::UserRecord;
use nova_auth::store::{Credential, Segment, Store, StoreError};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::list::NOT_KNOWN;
use crate::failure::InPart;
use crate::output::{Output, stdout};
use crate::place::Target;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file to create, readable only by its owner; or - for standard output.
    file: PathBuf,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    pub(super) target: Target,
}

/// The table is read in so many parts at once.
const SEGMENTS: i32 = 4;

/// DynamoDB reads so many items at once.
const AT_ONCE: usize = 100;

/// A part of the users as lines, and the rows that gave none.
#[derive(Default)]
struct Part {
    lines: Vec<String>,
    left_out: Vec<LeftOut>,
}

/// A row that is not exported: its id, and why.
struct LeftOut(String, String);

pub(super) async fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let store = Arc::new(args.target.store().await?);
    if args.file == Path::new("-") {
        let (_, left_out) = write_all(&store, &mut stdout()).await?;
        return in_part(left_out);
    }
    if args.file.exists() {
        return Err(format!("{} exists; not overwritten", args.file.display()).into());
    }
    // Under another name until it is whole, so that nobody takes half of it for all.
    let mut partial = args.file.clone().into_os_string();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let named = |error: std::io::Error| format!("{}: {error}", partial.display());
    let mut file = BufWriter::new(private(&partial).map_err(named)?);
    let written = write_all(&store, &mut file).await;
    let written = match written {
        Ok(written) => file
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .and_then(|()| std::fs::rename(&partial, &args.file))
            .map_err(|error| named(error).into())
            .map(|()| written),
        Err(error) => Err(error),
    };
    if written.is_err() {
        drop(std::fs::remove_file(&partial));
    }
    let (users, left_out) = written?;
    let document = json!({"users": users, "leftOut": left_out, "file": args.file.display().to_string()});
    args.output.print(
        &document,
        &format!(
            "{}: exported {users} users. The file contains password hashes: store it securely",
            args.file.display()
        ),
    )?;
    in_part(left_out)
}

fn in_part(left_out: usize) -> Result<(), Box<dyn Error>> {
    match left_out {
        0 => Ok(()),
        1 => Err(Box::new(InPart("1 user skipped".to_owned()))),
        users => Err(Box::new(InPart(format!("{users} users skipped")))),
    }
}

/// A new file that nobody else can read.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes every user that is found, a batch at a time.
async fn write_all(store: &Arc<Store>, out: &mut impl Write) -> Result<(usize, usize), Box<dyn Error>> {
    let (send, mut found) = mpsc::channel(2);
    let mut segments = JoinSet::new();
    for number in 0..SEGMENTS {
        let (store, send) = (Arc::clone(store), send.clone());
        segments.spawn(async move { read(&store, Segment { number, of: SEGMENTS }, &send).await });
    }
    drop(send);
    let (mut users, mut left_out) = (0, 0);
    while let Some(some) = found.recv().await {
        let Part { lines, left_out: more } = some;
        users += lines.len();
        left_out += more.len();
        for LeftOut(id, reason) in more {
            writeln!(std::io::stderr(), "user {id}: {reason}")?;
        }
        for line in lines {
            writeln!(out, "{line}")?;
        }
    }
    while let Some(ended) = segments.join_next().await {
        ended??;
    }
    out.flush()?;
    Ok((users, left_out))
}

async fn read(store: &Store, segment: Segment, send: &mpsc::Sender<Part>) -> Result<(), StoreError> {
    let mut from = None;
    loop {
        let page = store.users(segment, from).await?;
        let unreadable = page.unreadable.into_iter().map(|id| LeftOut(id, NOT_KNOWN.to_owned())).collect();
        let mut parts = vec![Part { left_out: unreadable, ..Part::default() }];
        for profiles in page.profiles.chunks(AT_ONCE) {
            parts.push(lines(store, profiles).await?);
        }
        for part in parts {
            // Nobody listens any more: the file could not be written.
            if send.send(part).await.is_err() {
                return Ok(());
            }
        }
        from = page.next;
        if from.is_none() {
            return Ok(());
        }
    }
}

async fn lines(store: &Store, profiles: &[Profile]) -> Result<Part, StoreError> {
    let emails: Vec<_> = profiles.iter().map(|profile| &profile.email).collect();
    let credentials = store.credentials(&emails).await?;
    let mut part = Part::default();
    for profile in profiles {
        match record(profile, credentials.get(profile.email.as_str())) {
            Ok(record) => part.lines.push(record.to_line()),
            Err(reason) => part.left_out.push(LeftOut(profile.id.to_string(), reason)),
        }
    }
    Ok(part)
}

/// The line of a user, or why an import could make nothing of it.
fn record(profile: &Profile, credential: Option<&Option<Credential>>) -> Result<UserRecord, String> {
    let id = profile.id;
    let hash = match credential {
        // Deleted a moment ago, or the half of somebody.
        None => return Err("no credential for their address".to_owned()),
        Some(None) => return Err("the credential of their address is not readable".to_owned()),
        Some(Some(other)) if other.user_id != id => {
            return Err(format!(
                "their address belongs to user {}; `nova user delete {id}` removes this row only",
                other.user_id
            ));
        }
        Some(Some(own)) => own.password_hash.clone(),
    };
    let hash = hash.ok_or("password hash not readable; set a new one with `nova user password`")?;
    UserRecord::of(profile, hash).map_err(|fault| format!("an import would refuse them: {fault}"))
}
