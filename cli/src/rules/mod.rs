//! `nova rules …`: who may call what of an attached API.

mod expectations;
mod explain;
mod session;
mod template;
mod test;

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use nova_auth::app::start_time;
use nova_auth::domain::factors::Acr;
use nova_auth::domain::rules::{Caching, Rules, file};
use nova_auth::rules_cache::RULES_KEPT;
use nova_auth::store::{Store, StoredRules};
use serde_json::json;

use crate::failure::NotFound;
use crate::output::Output;
use crate::place::Target;
use crate::user::UserName;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Check a rules file and store it for an API.
    #[command(after_help = "Example:\n  nova rules put --local --api NotesApi rules.yaml")]
    Put(PutArgs),
    /// Print the rules that an API has.
    #[command(after_help = "Example:\n  nova rules show --stack nova-auth --api a1b2c3d4e5")]
    Show(ShowArgs),
    /// Check a rules file, compare it with a template, or explain a decision.
    #[command(after_help = "Examples:\n  nova rules check --file rules.yaml\n  \
                            nova rules check --template template.yaml\n  \
                            nova rules check --local --as sara@example.com 'GET /notes' --from 10.1.2.3\n  \
                            nova rules check --local --as sara@example.com 'DELETE /notes' --acr 2 --auth-age 5m\n  \
                            nova rules check 'GET /notes' --expect deny\n  \
                            nova rules check --local --as sara@example.com 'PUBLISH /chat/1'")]
    Check(CheckArgs),
    /// Test a rules file against a table of expectations (who calls what, from where, and the expected result). Works offline.
    #[command(after_help = TEST_HELP)]
    Test(TestArgs),
}

const TEST_HELP: &str = "\
Examples:
  nova rules test rules.test.yaml
  nova rules test rules.test.yaml --rules other/rules.yaml --json

The table:
  users:                                   # optional
    reader: {role: user, permissions: [notes:read]}
  tests:
    - call: GET /notes/7
      who: reader                          # a name of users, anonymous, or {role: ..., permissions: [...]}
      from: 10.1.2.3                       # optional; without it the address is unknown
      acr: 2                               # optional; 1: the user showed a password, 2: a second factor, too
      auth-age: 5m                         # optional; how long ago. Without both, no rule with mfa or fresh lets it in
      expect: allow                        # allow, deny, or the code of the refusal
    - {call: GET /notes/7, who: anonymous, expect: UNAUTHORIZED}

Exits with 0 if every expectation holds, with 5 if one does not, and with 1 if a file can't be used.";

/// What `--expect` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Wanted {
    Allow,
    Deny,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TestArgs {
    /// The table of expectations.
    file: PathBuf,
    /// The rules file [default: rules.yaml next to the table].
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The API caches no answers (ReauthorizeEvery 0), so the rules need not be expressible as a policy.
    #[arg(long)]
    uncached: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PutArgs {
    /// The API's id, as in its ARNs.
    #[arg(long, value_name = "ID")]
    api: String,
    /// Assert that API Gateway caches no answers of this API (ReauthorizeEvery 0). Otherwise the rules must be expressible as one cacheable IAM policy.
    #[arg(long)]
    uncached: bool,
    /// The rules file.
    file: PathBuf,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// The API's id, as in its ARNs.
    #[arg(long, value_name = "ID")]
    api: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The rules file.
    #[arg(long, default_value = "rules.yaml")]
    file: PathBuf,
    /// Check for an API whose answers API Gateway does not cache (ReauthorizeEvery 0).
    #[arg(long)]
    uncached: bool,
    /// Compare with this template's routes and authorizers.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Explain the decision for this user (e-mail address or id).
    #[arg(long = "as", value_name = "USER", requires = "call")]
    user: Option<UserName>,
    /// Source address of the call.
    #[arg(long, value_name = "ADDRESS", requires = "call")]
    from: Option<std::net::IpAddr>,
    /// How the user logged in: 1 (password) or 2 (also a second factor). Without --acr or --auth-age, no rule with mfa or
    /// fresh lets the call in.
    #[arg(long, requires = "user", value_parser = session::acr)]
    acr: Option<Acr>,
    /// How long ago the user did so, for example 5m [default: just now, if --acr is given].
    #[arg(long, value_name = "AGE", requires = "user", value_parser = session::age)]
    auth_age: Option<u32>,
    /// Exit with 5 unless this is the decision.
    #[arg(long, value_enum, requires = "call")]
    expect: Option<Wanted>,
    /// The call to explain, for example 'GET /notes', or 'SUBSCRIBE /chat/1' for AppSync Events. Without --as, the caller
    /// is anonymous.
    call: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: Target,
}

/// Does what the verb says.
///
/// # Errors
/// The lines that say why not.
pub(crate) async fn run(verb: Verb) -> Result<(), Box<dyn Error>> {
    match &verb {
        Verb::Put(args) => put(args).await.map_err(|error| args.target.explain(error)),
        Verb::Show(args) => show(args).await.map_err(|error| args.target.explain(error)),
        Verb::Check(args) => check(args).await.map_err(|error| args.target.explain(error)),
        Verb::Test(args) => test(args),
    }
}

/// Reads a file and stores it, if it is fit.
pub(crate) async fn store(
    store: &Store,
    api: &str,
    path: &Path,
    caching: Caching,
) -> Result<usize, Box<dyn Error>> {
    let source = text(path)?;
    let rules = read(path, &source, caching)?;
    let number = rules.rules.len();
    match store.put_rules(api, &StoredRules { rules, source, stored_at: start_time() }).await? {
        true => Ok(number),
        false => {
            Err("others stored rules at the same time: `nova rules show` says which; then run this again"
                .into())
        }
    }
}

async fn put(args: &PutArgs) -> Result<(), Box<dyn Error>> {
    let tables = args.target.store().await?;
    let number = store(&tables, &args.api, &args.file, caching(args.uncached)).await?;
    let seconds = RULES_KEPT.as_secs();
    args.output.print(
        &json!({"api": args.api, "rules": number, "inForceWithinSeconds": seconds}),
        &format!(
            "stored {number} rules for {}; in force within {seconds} s, plus the result TTL if API Gateway caches \
             answers",
            args.api,
        ),
    )
}

async fn show(args: &ShowArgs) -> Result<(), Box<dyn Error>> {
    let Some(stored) = args.target.store().await?.rules(&args.api).await? else {
        return Err(Box::new(NotFound(format!("{} has no rules (NoRules decides what happens)", args.api))));
    };
    let is_kept = stored.rules.caching == Caching::Allowed;
    let kept = if is_kept { "" } else { ", uncached" };
    args.output.print(
        &json!({
            "api": args.api,
            "storedAt": stored.stored_at,
            "uncached": !is_kept,
            "rules": stored.rules.rules.len(),
            "source": stored.source,
        }),
        &format!("# {} stored {}{kept}\n{}", args.api, stored.stored_at, stored.source.trim_end()),
    )
}

async fn check(args: &CheckArgs) -> Result<(), Box<dyn Error>> {
    let source = text(&args.file)?;
    if let Some(template) = &args.template {
        let rules = file::read(&source).map_err(|faults| broken(&args.file, &faults))?;
        return template::compare(&args.file, rules, template, args.output);
    }
    let rules = read(&args.file, &source, caching(args.uncached))?;
    match &args.call {
        Some(call) => {
            let session = session::SessionSpec { acr: args.acr, age: args.auth_age };
            let asked = explain::Asked { call, from: args.from, session, expected: args.expect };
            explain::explain(&rules, asked, args.user.as_ref(), &args.target, args.output).await
        }
        None => args.output.print(
            &json!({"file": args.file.display().to_string(), "rules": rules.rules.len(), "fit": true}),
            &format!("{}: OK: {} rules", args.file.display(), rules.rules.len()),
        ),
    }
}

fn test(args: &TestArgs) -> Result<(), Box<dyn Error>> {
    let rules_file = args.rules.clone().unwrap_or_else(|| args.file.with_file_name("rules.yaml"));
    let expectations =
        expectations::read(&text(&args.file)?).map_err(|faults| broken(&args.file, &faults))?;
    let rules = read(&rules_file, &text(&rules_file)?, caching(args.uncached))?;
    test::run(&rules, &rules_file, &expectations, &args.file, args.output)
}

fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The rules of a file, if they are fit to be stored.
fn read(path: &Path, source: &str, caching: Caching) -> Result<Rules, Box<dyn Error>> {
    let rules = file::read(source).map_err(|faults| broken(path, &faults))?;
    let rules = Rules { rules, caching };
    let unfit: Vec<String> =
        rules.unfit().iter().map(|unfit| format!("{}: {unfit}", path.display())).collect();
    if unfit.is_empty() { Ok(rules) } else { Err(unfit.join("\n").into()) }
}

fn broken(path: &Path, faults: &[file::FileFault]) -> String {
    let mut lines = String::new();
    for fault in faults {
        // Writing into a String can't fail.
        let _ = writeln!(lines, "{}: {fault}", path.display());
    }
    lines.trim_end().to_owned()
}

const fn caching(uncached: bool) -> Caching {
    if uncached { Caching::Never } else { Caching::Allowed }
}
