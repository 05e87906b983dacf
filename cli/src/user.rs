//! `nova user …`: the accounts.

use std::error::Error;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

use nova_auth::app::start_time;
use nova_auth::domain::email::Email;
use nova_auth::domain::moment::{Moment, RequestId};
use nova_auth::domain::name::PersonName;
use nova_auth::domain::password::{Password, Profile as PasswordProfile};
use nova_auth::domain::refusal::{Fault, Refusal};
use nova_auth::domain::session::Device;
use nova_auth::domain::user::{Role, check_permission};
use nova_auth::flows::FlowError;
use nova_auth::flows::create_user::{Registration, create_user};
use nova_auth::http::error::{Problem, fault_arguments, fault_code};
use nova_auth::messages::{Language, message};
use nova_auth::passwords::Hasher;

use crate::tables::TableArgs;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Create a user. The password is read from standard input, and asked for on a terminal.
    #[command(
        after_help = "Example:\n  printf '%s' \"$PASSWORD\" | nova user create --local --email sara@example.com --name Sara --role admin"
    )]
    Create(CreateArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    tables: TableArgs,
    /// The address to log in with.
    #[arg(long)]
    email: String,
    /// The name that others see.
    #[arg(long)]
    name: String,
    /// The role.
    #[arg(long, default_value = Role::USER)]
    role: Role,
    /// What the user may do. May be given several times.
    #[arg(long, value_name = "FEATURE:ACTION", value_parser = permission)]
    permission: Vec<String>,
    /// Which passwords are accepted: the CRM's rules, or NIST SP 800-63B's.
    #[arg(long, value_enum, default_value_t, env = "PASSWORD_PROFILE")]
    password_profile: PasswordRules,
    /// bcrypt's work factor.
    #[arg(long, default_value_t = BCRYPT_COST, env = "BCRYPT_COST", value_parser = clap::value_parser!(u32).range(10..=15))]
    bcrypt_cost: u32,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum PasswordRules {
    #[default]
    Crm,
    Nist,
}

/// The functions' default.
const BCRYPT_COST: u32 = 12;

/// How long the security log keeps that the user was created, in days: the functions' default.
const SECURITY_LOG_DAYS: i32 = 365;

/// Does what the verb says.
///
/// # Errors
/// The one line that says why not.
pub(crate) async fn run(verb: Verb) -> Result<(), Box<dyn Error>> {
    match verb {
        Verb::Create(args) => create(args).await,
    }
}

async fn create(args: CreateArgs) -> Result<(), Box<dyn Error>> {
    let registration = registration(&args, read_password()?)?;
    let policy = match args.password_profile {
        PasswordRules::Crm => PasswordProfile::Crm,
        PasswordRules::Nist => PasswordProfile::Nist,
    };
    let store = args.tables.open()?;
    let user = create_user(&store, Hasher::new(args.bcrypt_cost), policy, &moment()?, registration).await;
    let user = user.map_err(refused)?;
    writeln!(std::io::stdout(), "created {}", user.id)?;
    Ok(())
}

fn registration(args: &CreateArgs, password: Password) -> Result<Registration, Box<dyn Error>> {
    Ok(Registration {
        email: Email::parse(&args.email).map_err(|fault| explain("email", fault))?,
        name: PersonName::parse(&args.name).map_err(|fault| explain("name", fault))?,
        role: args.role.clone(),
        permissions: args.permission.iter().cloned().collect(),
        device: Device { user_agent: "nova".to_owned(), ip: "operator".to_owned() },
        security_log: jiff::SignedDuration::from_hours(24) * SECURITY_LOG_DAYS,
        password,
    })
}

/// The user of the demonstration, unless a file that is kept has them already.
///
/// # Errors
/// The one line that says why not.
#[cfg(feature = "local")]
pub(crate) async fn create_for_demo(
    dynamodb_url: &str,
    email: &str,
    password: &str,
) -> Result<(), Box<dyn Error>> {
    let args = CreateArgs {
        tables: TableArgs::local(dynamodb_url),
        email: email.to_owned(),
        name: "Demo".to_owned(),
        role: Role::default(),
        permission: vec!["notes:read".to_owned()],
        password_profile: PasswordRules::Crm,
        bcrypt_cost: BCRYPT_COST,
    };
    let registration = registration(&args, Password::new(password.to_owned()))?;
    let hasher = Hasher::new(args.bcrypt_cost);
    match create_user(&args.tables.open()?, hasher, PasswordProfile::Crm, &moment()?, registration).await {
        Ok(_) | Err(FlowError::Refused(Refusal::EmailTaken)) => Ok(()),
        Err(error) => Err(refused(error)),
    }
}

fn moment() -> Result<Moment, Box<dyn Error>> {
    let now = start_time();
    Ok(Moment { now, request: RequestId::new(nova_auth::entropy::uuid(now)?.to_string()) })
}

/// One line of standard input; on a terminal it is asked for and not shown.
fn read_password() -> Result<Password, Box<dyn Error>> {
    let stdin = std::io::stdin();
    let typed = if stdin.is_terminal() {
        rpassword::prompt_password("Password: ")?
    } else {
        let mut line = String::new();
        stdin.lock().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if typed.is_empty() { Err("no password on standard input".into()) } else { Ok(Password::new(typed)) }
}

fn permission(text: &str) -> Result<String, nova_auth::domain::user::NotAPermission> {
    check_permission(text).map(|()| text.to_owned())
}

/// Every reason of a refusal, in one line.
fn refused(error: FlowError) -> Box<dyn Error> {
    match error {
        FlowError::Refused(Refusal::Invalid(faults)) => {
            let lines: Vec<_> = faults.iter().map(|fault| explain(fault.field, fault.fault)).collect();
            lines.join(" ").into()
        }
        FlowError::Refused(refusal) => Problem::Refused(refusal).message(Language::English).into(),
        other => other.into(),
    }
}

fn explain(field: &str, fault: Fault) -> String {
    let reason = message(fault_code(fault), Language::English, &fault_arguments(fault));
    format!("{field}: {reason}")
}
