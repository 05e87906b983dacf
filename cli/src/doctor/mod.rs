//! `nova doctor`: whether a system is as it should be in production. A line for each check, with its remedy.
//!
//! It only reads, but for two calls of the authorizer that must be refused, and for `--try-login`. What it may not look at is "not checked", and
//! never passes. docs/production-checklist.md is the list, with what no program can see.

mod alarms;
mod answers;
mod attached;
mod breached;
mod checklist;
mod clock;
mod deployed;
mod finding;
mod functions;
mod issuer;
mod keys;
mod login;
mod mail;
mod needs;
mod permissions;
mod settings;
mod tables;
mod xml;

use std::error::Error;

use nova_auth::app::start_time;
use nova_auth::aws::Clients;
use nova_auth::keys::VersionedSecret;
use nova_auth::store::{BreachedList, Store, Tables};
use serde_json::json;

use crate::failure::Unwell;
use crate::output::Output;
use crate::place::aws::Aws;
use crate::place::call::Calls;
use crate::place::partition::Partition;
use crate::place::rings::{RINGS, RingPlace};
use crate::place::{Target, Whole, local, proxy};

use deployed::Deployed;
use finding::{Finding, Report};
use keys::Keys;
use tables::Table;

/// The authorizer, by its name in the template.
const AUTHORIZER: &str = "TokenAuthorizerFunction";

/// For the help of the verb.
pub(crate) const HELP: &str = "\
Examples:
  nova doctor --local                      a running `nova local`
  nova doctor --stack nova-auth            a deployed stack; docs/production-checklist.md lists the permissions it needs
  nova doctor --stack nova-auth --json     one document, for programs
  nova doctor --stack nova-auth --try-login
                                           also log in, as a temporary user

Exits with 0 if no check failed, and with 5 if one did.";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    output: Output,
    /// List the checks without running them.
    #[arg(long)]
    list: bool,
    /// Also create a temporary user, log in, and delete the user [default URL: the system's own].
    #[arg(long, value_name = "API_URL", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    try_login: Option<String>,
}

/// Looks at a system.
///
/// # Errors
/// When it can't begin, and when a check failed.
pub(crate) async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    if args.list {
        return list(args.output);
    }
    let mut report = Report::new(args.output.json);
    match args.target.whole().await? {
        Whole::Local { url, clients } => {
            let list = args.target.breached_list().await?;
            on_this_machine(&mut report, &url, &clients, list).await?;
            report.add([match &args.try_login {
                Some(api) => try_here(&args.target, &url, api).await?,
                None => login::not_asked_for(),
            }])?;
            report.add([Finding::not_here(checklist::ATTACHED, "use `nova rules check --template`")])?;
        }
        Whole::Deployed { stack, aws } => {
            let stack = Deployed::read(&aws.cloudformation(), &stack).await;
            let stack = stack.map_err(|error| args.target.explain(error))?;
            in_an_account(&mut report, &aws, &stack, args.try_login.as_deref()).await?;
        }
    }
    match report.end()? {
        0 => Ok(()),
        1 => Err(Box::new(Unwell("a check failed".to_owned()))),
        failed => Err(Box::new(Unwell(format!("{failed} checks failed")))),
    }
}

fn list(output: Output) -> Result<(), Box<dyn Error>> {
    let all: Vec<_> = checklist::CHECKS.into_iter().chain([checklist::OF_EACH_API]).collect();
    let lines: String = all.iter().map(|(check, meaning)| format!("{check:<26}  {meaning}\n")).collect();
    let checks: Vec<_> =
        all.iter().map(|(check, meaning)| json!({"check": check, "meaning": meaning})).collect();
    let needs = needs::of_the_template()?;
    output.print(&json!({"checks": checks, "needs": needs}), &lines)
}

async fn on_this_machine(
    report: &mut Report,
    url: &str,
    clients: &Clients,
    list: Option<BreachedList>,
) -> Result<(), Box<dyn Error>> {
    report.add([
        Finding::pass(checklist::STACK, format!("a nova local at {url}")),
        Finding::not_here(checklist::CLOCK, "functions and client share this machine's clock"),
        Finding::not_here(checklist::SETTINGS, "they are options of `nova local`"),
        Finding::not_here(checklist::ISSUER, "it is an option of `nova local`"),
        Finding::not_here(checklist::FUNCTIONS, "they are started when they are called"),
    ])?;
    for (name, checks) in local::TABLES.into_iter().zip([tables::IDENTITY, tables::SESSIONS]) {
        let table = Table { client: &clients.dynamodb, name, checks, is_local: true };
        report.add(table.look().await)?;
    }
    report.add([breached::look(list).await])?;
    let sends_mail = local::sends_mail(clients).await?;
    rings_of_this_machine(report, clients).await?;
    report.add(match sends_mail {
        true => mail::look_here(&clients.dynamodb, local::TABLES, "no mail leaves this machine").await,
        false if mail::tells_of_changes(&clients.dynamodb, local::TABLES).await => {
            mail::look_here(&clients.dynamodb, local::TABLES, "it sends no mail").await
        }
        false => mail::not_there("it sends no mail"),
    })?;
    report.add([
        Finding::not_here(checklist::ALARMS, "there are none"),
        Finding::not_here(checklist::SUBSCRIBED, "there is no topic"),
        Finding::not_here(checklist::NEEDED, "there is no IAM"),
        Finding::not_here(checklist::DENIED, "there is no IAM"),
        Finding::not_here(checklist::API, "nova local prints its address"),
        Finding::not_here(checklist::AUTHORIZER, "only its gateway calls it"),
    ])
}

async fn try_here(target: &Target, url: &str, api: &str) -> Result<Finding, Box<dyn Error>> {
    let (calls, own) = (local::services(url).await?, local::api(url).await?);
    let api = if api.is_empty() { &own } else { api };
    let (store, arns) = (target.store().await?, "arn:aws:execute-api:us-east-1:000000000000");
    let place = login::Place { calls: &calls, store: &store, api, authorizer: AUTHORIZER, arns };
    Ok(login::look(&place).await)
}

async fn try_there(calls: &Calls, stack: &Deployed, store: &Store, api: &str) -> Finding {
    let own = stack.outputs.get("ApiUrl").map(String::as_str);
    match (Some(api).filter(|api| !api.is_empty()).or(own), stack.physical(AUTHORIZER)) {
        (Some(api), Some(authorizer)) => {
            let arns = &stack.api_arns();
            login::look(&login::Place { calls, store, api, authorizer, arns }).await
        }
        _ => Finding::fail(
            checklist::LOGIN,
            "the stack has no API or no authorizer",
            "is it a stack of Nova Auth?",
        ),
    }
}

async fn in_an_account(
    report: &mut Report,
    aws: &Aws,
    stack: &Deployed,
    try_login: Option<&str>,
) -> Result<(), Box<dyn Error>> {
    let connector = proxy::connector(aws.ca_bundle())?;
    let partition = Partition::new(&stack.partition, &stack.region).await?;
    let calls = Calls::new(connector, aws.credentials(), partition, aws.endpoint());
    report.add([stack.finding(), clock::look(&calls).await])?;
    report.add(settings::look(&stack.parameters))?;
    report.add([issuer::look(&calls, stack, start_time()).await])?;
    report.add(functions::look(&calls, stack).await)?;

    let output = |name: &str| stack.outputs.get(name).cloned().unwrap_or_default();
    let tables = Tables { identity: output("IdentityTableName"), sessions: output("SessionsTableName") };
    let dynamodb = aws.dynamodb();
    for (name, checks) in [(&tables.identity, tables::IDENTITY), (&tables.sessions, tables::SESSIONS)] {
        let table = Table { client: &dynamodb, name, checks, is_local: false };
        report.add(table.look().await)?;
    }
    let list = stack.outputs.get("BreachedTableName").cloned();
    report.add([breached::look(list.map(|table| BreachedList::new(dynamodb.clone(), table))).await])?;
    rings_of_a_stack(report, aws, stack).await?;
    let is_on = |parameter: &str| stack.parameters.get(parameter).is_some_and(|value| value == "enabled");
    report.add(match (is_on("Mail"), is_on("Events")) {
        (true, _) => mail::look(&calls, stack, &dynamodb).await,
        (false, true) => mail::look_at_events(&calls, stack, &dynamodb).await,
        (false, false) => mail::not_there("the stack sends no mail"),
    })?;
    report.add(alarms::look(&calls, stack).await)?;
    report.add(permissions::look(&calls, stack).await)?;
    report.add([answers::api(&calls, stack).await, answers::authorizer(&calls, stack).await])?;
    let store = Store::new(dynamodb, tables);
    report.add([match try_login {
        Some(api) => try_there(&calls, stack, &store, api).await,
        None => login::not_asked_for(),
    }])?;
    report.add(attached::look(&calls, stack, &store).await)
}

/// The rings of keys of a deployed stack. Not each stack has each of them.
async fn rings_of_a_stack(report: &mut Report, aws: &Aws, stack: &Deployed) -> Result<(), Box<dyn Error>> {
    let secrets = aws.secrets_manager();
    let rotator = stack.physical("RotateKeysFunction").map(|name| {
        format!("arn:{}:lambda:{}:{}:function:{name}", stack.partition, stack.region, stack.account)
    });
    for RingPlace { kind, output: name, made_by, .. } in &RINGS {
        match (stack.outputs.get(*name), made_by) {
            (None, Some(made_by)) => report.add(keys::not_there(*kind, made_by))?,
            (id, _) => {
                let (id, rotator) = (id.cloned().unwrap_or_default(), rotator.clone());
                let keys = Keys { client: &secrets, id: &id, kind: *kind, rotator, is_local: false };
                report.add(keys.look().await)?;
            }
        }
    }
    Ok(())
}

async fn rings_of_this_machine(report: &mut Report, clients: &Clients) -> Result<(), Box<dyn Error>> {
    let client = &clients.secrets_manager;
    for RingPlace { kind, logical: id, made_by, .. } in &RINGS {
        let secret = VersionedSecret::new(client.clone(), (*id).to_owned());
        match made_by {
            Some(made_by) if !secret.is_there().await? => report.add(keys::not_there(*kind, made_by))?,
            _ => {
                let keys = Keys { client, id, kind: *kind, rotator: None, is_local: true };
                report.add(keys.look().await)?;
            }
        }
    }
    Ok(())
}
