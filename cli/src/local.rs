//! `nova local`: the system on one machine, until Ctrl-C or SIGTERM.

mod attached;
mod engine;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use nova_local::{Binaries, LogSink, Options, Origin, Stack};

use crate::demo;

/// The template that is looked for when none is named.
const TEMPLATE: &str = "template.yaml";

/// Where `--local` looks when it is told no other place.
const DEFAULT_DYNAMODB: &str = "http://127.0.0.1:8000";

/// For the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  nova local --demo
  nova local --data nova.db --attach tests/consumer/template.yaml
  nova local --parameter-overrides Registration=open DefaultLanguage=en
  nova local --attach my-api/template.yaml --upstream NotesFunction=http://127.0.0.1:8080";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Port of the authentication API; further APIs get the ports after it. 0 picks free ones.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of DynamoDB. 0 picks a free one.
    #[arg(long, default_value_t = 8000)]
    dynamodb_port: u16,
    /// Use this DynamoDB instead of the built-in one: http://HOST:PORT (for example DynamoDB Local), where missing tables
    /// of the
    /// templates are created; or `https://dynamodb.REGION.amazonaws.com`, with your AWS credentials, where nothing is
    /// created (name
    /// the tables with --env IDENTITY_TABLE=NAME --env SESSIONS_TABLE=NAME).
    #[arg(long, value_name = "URL", conflicts_with = "dynamodb_port")]
    dynamodb: Option<String>,
    /// Keep tables and secrets in this file [default: in memory].
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// The template to run [default: template.yaml, here or in a parent directory].
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Serve the APIs of this template too. Can be repeated.
    #[arg(long, value_name = "TEMPLATE")]
    attach: Vec<PathBuf>,
    /// Serve the routes of this function from your own HTTP server, behind the authorizer. NAME is the function's name in
    /// its
    /// template. Can be repeated.
    #[arg(long, value_name = "NAME=URL", value_parser = upstream)]
    upstream: Vec<(String, Origin)>,
    /// Maximum processes per function.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,
    /// Fail instead of building missing function binaries.
    #[arg(long)]
    no_build: bool,
    /// Directory of the functions' binaries [default: this program's own].
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// Set a parameter of the template, as in `sam deploy --parameter-overrides`. By default, 100 failed logins per
    /// window are allowed here; pass LoginMaxAttempts=5 LoginMaxAttemptsPerAddress=5 for the template's own limits.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter, num_args = 1..)]
    parameter_overrides: Vec<(String, String)>,
    /// Set a parameter of the attached templates that have it.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter, num_args = 1.., requires = "attach")]
    attach_parameter_overrides: Vec<(String, String)>,
    /// Set an environment variable of every function, overriding the template's and this program's. For example,
    /// AWS_ENDPOINT_URL_DYNAMODB=URL lets you watch (or disturb) their calls to the tables.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    env: Vec<(String, String)>,
    /// Show a login, a call, a refresh, a logout and a password reset by mail on the sample API, then keep serving.
    #[arg(long)]
    demo: bool,
    /// Language of the messages in --demo.
    #[arg(long, value_enum, default_value_t, requires = "demo")]
    language: demo::Language,
    /// Show the functions' logs, even with --demo.
    #[arg(long)]
    logs: bool,
}

fn upstream(text: &str) -> Result<(String, Origin), String> {
    let (name, url) =
        text.split_once('=').ok_or("expected NAME=URL, such as NotesFunction=http://127.0.0.1:8080")?;
    Ok((name.to_owned(), url.parse().map_err(|error| format!("{error}"))?))
}

fn parameter(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Starts the stack, says where everything is, and waits for the end.
///
/// # Errors
/// When the stack does not start, or the demonstration fails.
pub(crate) async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let walk = args.demo.then_some(args.language);
    let is_lenient =
        !args.parameter_overrides.iter().any(|(name, _)| LENIENT.iter().any(|(own, _)| own == name));
    let engine = match &args.dynamodb {
        Some(url) => Some(engine::at(url).await?),
        None => None,
    };
    // An account's tables are not this command's to write into.
    let is_an_accounts = engine.as_ref().is_some_and(|engine| engine.own.is_none());
    if is_an_accounts && walk.is_some() {
        return Err("--demo creates its own user, and can't be used with the tables of an AWS account".into());
    }
    let options = Options { engine, ..options(args)? };
    let (attached, lets_in) = (options.attach.clone(), lets_in_without_rules(&options));
    let mut interrupted = Interrupted::listen()?;
    let stack = tokio::select! {
        stack = Stack::start(options) => stack?,
        // Whatever was started so far ends with its owner.
        () = interrupted.wait() => return Ok(()),
    };
    store_rules(&stack, &attached, lets_in, is_an_accounts).await?;
    for line in stack.notes() {
        say(&format!("note: {line}. JWT authorizers refuse its tokens"));
    }
    announce(&stack);
    if is_lenient {
        let allowed = LENIENT.map(|(_, value)| value)[0];
        say(&format!("note: {allowed} failed logins per window are allowed here; deployed, the limit is 5"));
    }
    say(&what_next(&stack, walk.is_some(), is_an_accounts));
    let served = tokio::select! {
        served = serve(&stack, walk) => served,
        () = interrupted.wait() => Ok(()),
    };
    stack.stop().await;
    served
}

/// Whether the authorizer lets active users into an API that has no rules.
fn lets_in_without_rules(options: &Options) -> bool {
    let said = options.environment.get("NO_RULES").or_else(|| options.parameters.get("NoRules"));
    said.is_some_and(|said| said == "authenticated")
}

async fn store_rules(
    stack: &Stack,
    attached: &[PathBuf],
    lets_in: bool,
    is_an_accounts: bool,
) -> Result<(), Box<dyn Error>> {
    if is_an_accounts && !attached.is_empty() {
        say("note: rules are not written into the table of an AWS account: store them with `nova rules put`");
        return Ok(());
    }
    for template in attached {
        attached::rules(stack, template, lets_in).await?;
    }
    Ok(())
}

/// What a person does now. It is no part of what scripts read.
fn what_next(stack: &Stack, with_demo: bool, is_an_accounts: bool) -> String {
    let mut lines = format!("Open {}/ in a browser to see all of it.\n", stack.url());
    if !with_demo && !is_an_accounts {
        lines.push_str(&format!(
            "Create a user: printf '%s' 'Str0ng-enough!' | nova user create {} --email sara@example.com \
             --name Sara\n",
            flag(stack.dynamodb_url())
        ));
    }
    lines + "Press Ctrl-C to stop."
}

/// How another command says which `nova local` it means.
fn flag(dynamodb_url: &str) -> String {
    if dynamodb_url == DEFAULT_DYNAMODB { "--local".to_owned() } else { format!("--local={dynamodb_url}") }
}

/// A line for the person at the terminal, beside the logs.
fn say(line: &str) {
    // Nobody has to read it for the stack to serve.
    drop(writeln!(std::io::stderr(), "{line}"));
}

async fn serve(stack: &Stack, walk: Option<demo::Language>) -> Result<(), Box<dyn Error>> {
    if let Some(language) = walk {
        demo::run(stack, language).await?;
    }
    std::future::pending().await
}

fn options(args: Args) -> Result<Options, Box<dyn Error>> {
    check_attached(&args)?;
    let template = find_template(args.template)?;
    let is_hidden = args.demo && !args.logs;
    let mut options = Options {
        attach: args.attach,
        upstreams: args.upstream.into_iter().collect(),
        logs: if is_hidden { LogSink::Hidden } else { LogSink::Stderr },
        parameters: args.parameter_overrides.into_iter().collect(),
        defaults: defaults(),
        attached_parameters: args.attach_parameter_overrides.into_iter().collect(),
        environment: args.env.into_iter().collect(),
        port: args.port,
        dynamodb_port: args.dynamodb_port,
        data: args.data,
        concurrency: args.concurrency.into(),
        binaries: args.bin_dir.map_or(Binaries::Beside, Binaries::Dir),
        no_build: args.no_build,
        page: true,
        demo: args.demo.then_some(demo::USER),
        ..Options::in_memory(template)
    };
    if args.demo {
        demo::prepare(&mut options, args.language);
    }
    Ok(options)
}

/// A parameter that no attached template has is mistyped.
fn check_attached(args: &Args) -> Result<(), Box<dyn Error>> {
    let mut known = BTreeSet::new();
    for template in &args.attach {
        known.extend(nova_template::Template::parameters(template)?);
    }
    match args.attach_parameter_overrides.iter().find(|(name, _)| !known.contains(name)) {
        Some((name, _)) => Err(format!("no attached template has a parameter {name}").into()),
        None => Ok(()),
    }
}

/// Whoever tries things out mistypes more than a user of a service does.
const LENIENT: [(&str, &str); 2] = [("LoginMaxAttempts", "100"), ("LoginMaxAttemptsPerAddress", "100")];

/// Whom mails are from: none of them leaves this machine.
const MAIL_FROM: (&str, &str) = ("MailFrom", "no-reply@example.com");

/// What passkeys are for, where the stack takes second factors: a browser makes none for an address like 127.0.0.1.
const PASSKEYS: (&str, &str) = ("PasskeyRpId", "localhost");

fn defaults() -> BTreeMap<String, String> {
    let defaults = LENIENT.into_iter().chain([MAIL_FROM, PASSKEYS]);
    defaults.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The template that was named, or else the one here or in a directory above.
///
/// # Errors
/// There is none.
pub(crate) fn find_template(named: Option<PathBuf>) -> Result<PathBuf, Box<dyn Error>> {
    let found = match named {
        Some(template) => Some(template),
        None => find_upward(&std::env::current_dir()?),
    };
    found.ok_or_else(|| "no template.yaml here or in a parent directory; pass one with --template".into())
}

fn find_upward(from: &Path) -> Option<PathBuf> {
    from.ancestors().map(|dir| dir.join(TEMPLATE)).find(|path| path.is_file())
}

/// The lines that scripts read; their form is a contract.
fn announce(stack: &Stack) {
    let mut lines = format!(
        "dynamodb {}\nsecretsmanager {}\nservices {}\n",
        stack.dynamodb_url(),
        stack.secretsmanager_url(),
        stack.services_url()
    );
    if let Some(url) = stack.objects_url() {
        lines.push_str(&format!("objects {url}\n"));
    }
    for (name, url) in stack.apis() {
        lines.push_str(&format!("api {name} {url}\n"));
    }
    lines.push_str(&format!("ready {}\n", stack.url()));
    let mut out = std::io::stdout().lock();
    // Nobody has to read them for the stack to serve.
    drop(out.write_all(lines.as_bytes()).and_then(|()| out.flush()));
}

/// Ctrl-C and SIGTERM.
struct Interrupted {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Interrupted {
    fn listen() -> std::io::Result<Interrupted> {
        Ok(Interrupted {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        drop(tokio::signal::ctrl_c().await);
    }
}
