//! `nova local`: the system on one machine, until Ctrl-C or SIGTERM.

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use nova_auth::domain::rules::Caching;
use nova_local::template::Template;
use nova_local::{Binaries, Options, Stack};

use crate::target::Target;
use crate::{demo, rules};

/// The template that is looked for when none is named.
const TEMPLATE: &str = "template.yaml";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Port of the authentication API; further APIs get the ports after it. 0 picks free ones.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of DynamoDB. 0 picks a free one.
    #[arg(long, default_value_t = 8000)]
    dynamodb_port: u16,
    /// Keep tables and secrets in this file. Without it, everything is in memory.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// The template to run. By default template.yaml, here or in a directory above.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Serve the APIs of this template too. May be given several times.
    #[arg(long, value_name = "TEMPLATE")]
    attach: Vec<PathBuf>,
    /// How many processes each function may have.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,
    /// Do not build functions that have no binary yet.
    #[arg(long)]
    no_build: bool,
    /// Take the functions' binaries from this directory instead of this program's own.
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// Set a parameter of the template, as in `sam deploy --parameter-overrides`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter, num_args = 1..)]
    parameter_overrides: Vec<(String, String)>,
    /// Set a variable of every function, over the template's and this program's own: AWS_ENDPOINT_URL_DYNAMODB=URL, say,
    /// to see (or to disturb) what they ask of the tables.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    env: Vec<(String, String)>,
    /// Show a login, a call, a refresh and a logout on the sample API, and go on serving.
    #[arg(long)]
    demo: bool,
}

fn parameter(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is what it takes")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Starts the stack, says where everything is, and waits for the end.
///
/// # Errors
/// When the stack does not start, or the demonstration fails.
pub(crate) async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let with_demo = args.demo;
    let options = options(args)?;
    let attached = options.attach.clone();
    let mut interrupted = Interrupted::listen()?;
    let stack = tokio::select! {
        stack = Stack::start(options) => stack?,
        // Whatever was started so far ends with its owner.
        () = interrupted.wait() => return Ok(()),
    };
    for template in &attached {
        store_rules(&stack, template).await?;
    }
    announce(&stack);
    let served = tokio::select! {
        served = serve(&stack, with_demo) => served,
        () = interrupted.wait() => Ok(()),
    };
    stack.stop().await;
    served
}

/// Stores the rules.yaml beside an attached template for each of its APIs: as rules that are kept where one of the API's
/// authorizers keeps its results.
async fn store_rules(stack: &Stack, template: &Path) -> Result<(), Box<dyn Error>> {
    let file = template.with_file_name("rules.yaml");
    if !file.is_file() {
        return Ok(());
    }
    let store = Target::local(stack.dynamodb_url()).store().await?;
    for api in Template::load_alone(template)?.apis {
        let is_kept = api.authorizers.values().any(|authorizer| authorizer.ttl_seconds > 0);
        let caching = if is_kept { Caching::Allowed } else { Caching::Never };
        rules::store(&store, &api.logical_id, &file, caching).await?;
    }
    Ok(())
}

async fn serve(stack: &Stack, with_demo: bool) -> Result<(), Box<dyn Error>> {
    if with_demo {
        demo::run(stack).await?;
    }
    std::future::pending().await
}

fn options(args: Args) -> Result<Options, Box<dyn Error>> {
    let template = find_template(args.template)?;
    let mut attach = args.attach;
    if args.demo {
        demo::prepare(&template, &mut attach);
    }
    Ok(Options {
        attach,
        parameters: args.parameter_overrides.into_iter().collect(),
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
    })
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
    found.ok_or_else(|| {
        "there is no template.yaml here or in a directory above: name one with --template".into()
    })
}

fn find_upward(from: &Path) -> Option<PathBuf> {
    from.ancestors().map(|dir| dir.join(TEMPLATE)).find(|path| path.is_file())
}

/// The lines that scripts read; their form is a contract.
fn announce(stack: &Stack) {
    let mut lines =
        format!("dynamodb {}\nsecretsmanager {}\n", stack.dynamodb_url(), stack.secretsmanager_url());
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
