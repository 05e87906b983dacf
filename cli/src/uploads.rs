//! `nova uploads …`: what may be uploaded.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use nova_auth_uploads::rules::{Rules, file};
use nova_auth_uploads::service::UploadStore;
use serde_json::json;

use crate::failure::NotFound;
use crate::output::Output;
use crate::place::Target;

/// The name that rules have where none is said, here and in the stack's parameter.
pub(crate) const DEFAULT: &str = "default";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Check a file of rules. Works offline.
    #[command(after_help = "Example:\n  nova uploads check uploads.yaml")]
    Check(CheckArgs),
    /// Check a file of rules and store it.
    #[command(after_help = "Examples:\n  nova uploads put --local uploads.yaml\n  \
                            nova uploads put --stack nova-uploads uploads.yaml")]
    Put(PutArgs),
    /// Print the stored rules.
    #[command(after_help = "Example:\n  nova uploads show --stack nova-uploads")]
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The file of rules.
    #[arg(default_value = "uploads.yaml")]
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// Where the rules are stored.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// Name of the rules: UploadRules of the stack.
    #[arg(long, default_value = DEFAULT, value_name = "NAME")]
    name: String,
    /// Table of uploads, if not the stack's.
    #[arg(long, value_name = "NAME", env = "UPLOADS_TABLE", hide_env_values = true)]
    table: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PutArgs {
    #[command(flatten)]
    place: Place,
    /// The file of rules.
    file: PathBuf,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: Target,
}

/// Does what the verb says.
///
/// # Errors
/// The lines that say why not.
pub(crate) async fn run(verb: &Verb) -> Result<(), Box<dyn Error>> {
    match verb {
        Verb::Check(args) => check(args),
        Verb::Put(args) => put(args).await.map_err(|error| args.target.explain(error)),
        Verb::Show(args) => show(args).await.map_err(|error| args.target.explain(error)),
    }
}

fn check(args: &CheckArgs) -> Result<(), Box<dyn Error>> {
    let (rules, _) = read(&args.file)?;
    let file = args.file.display();
    args.output.print(
        &json!({"file": file.to_string(), "purposes": rules.0.len(), "fit": true}),
        &format!("{file}: OK: {} purposes", rules.0.len()),
    )
}

async fn put(args: &PutArgs) -> Result<(), Box<dyn Error>> {
    let store = args.target.uploads(args.place.table.as_deref()).await?;
    let purposes = self::store(&store, &args.place.name, &args.file).await?;
    args.output.print(
        &json!({"name": args.place.name, "purposes": purposes, "inForceWithinSeconds": 60}),
        &format!("stored {purposes} purposes as {}; in force within 60 s", args.place.name),
    )
}

async fn show(args: &ShowArgs) -> Result<(), Box<dyn Error>> {
    let store = args.target.uploads(args.place.table.as_deref()).await?;
    let Some((rules, source)) = store.rules(&args.place.name).await? else {
        let name = &args.place.name;
        return Err(Box::new(NotFound(format!(
            "there are no rules named {name}, so no file may be uploaded"
        ))));
    };
    args.output.print(
        &json!({"name": args.place.name, "purposes": rules.0.len(), "source": source}),
        source.trim_end(),
    )
}

/// Reads a file and stores it, if it is fit.
///
/// # Errors
/// Every fault of the file, or why it is not stored.
pub(crate) async fn store(store: &UploadStore, name: &str, file: &Path) -> Result<usize, Box<dyn Error>> {
    let (rules, source) = read(file)?;
    match store.put_rules(name, &rules, &source).await? {
        true => Ok(rules.0.len()),
        false => {
            Err("others stored rules at the same time: `nova uploads show` says which; then run this again"
                .into())
        }
    }
}

fn read(path: &Path) -> Result<(Rules, String), Box<dyn Error>> {
    let source = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let rules = file::read(&source).map_err(|faults| {
        let mut lines = String::new();
        for fault in faults {
            // Writing into a String can't fail.
            let _ = writeln!(lines, "{}: {fault}", path.display());
        }
        lines.trim_end().to_owned()
    })?;
    Ok((rules, source))
}
