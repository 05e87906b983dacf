//! `nova user create`.

use std::error::Error;

use nova_auth::domain::email::Email;
use nova_auth::domain::name::PersonName;
use nova_auth::domain::password::Password;
use nova_auth::domain::refusal::{FieldFault, Refusal};
use nova_auth::domain::user::{Permission, Role};
use nova_auth::flows::create_user::{Registration, create_user};
use nova_auth::flows::operator::Operator;
use serde_json::json;

use super::password::{self, PasswordArgs};
use super::{LogArgs, moment};
use crate::failure::refused;
use crate::output::Output;
use crate::place::Target;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// E-mail address to log in with.
    #[arg(long)]
    email: String,
    /// Display name.
    #[arg(long)]
    name: String,
    /// The role.
    #[arg(long, default_value = Role::USER)]
    role: Role,
    /// A permission. Can be repeated.
    #[arg(long, value_name = "FEATURE:ACTION")]
    permission: Vec<Permission>,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    pub(super) target: Target,
}

pub(super) async fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let new = registration(args, password::read()?)?;
    let (store, policy) = (args.target.store().await?, args.password.policy_at(&args.target).await?);
    let made = create_user(&store, args.password.hasher(), &policy, &moment()?, new).await;
    let user = made.map_err(refused)?;
    args.output.print(&json!({"id": user.id.to_string()}), &format!("created {}", user.id))
}

fn registration(args: &Args, password: Password) -> Result<Registration, Box<dyn Error>> {
    let wrong = |field| move |fault| refused(Refusal::Invalid(vec![FieldFault { field, fault }]).into());
    Ok(Registration {
        email: Email::parse(&args.email).map_err(wrong("email"))?,
        name: PersonName::parse(&args.name).map_err(wrong("name"))?,
        role: args.role.clone(),
        permissions: args.permission.iter().cloned().map(Permission::into).collect(),
        device: Operator::device(),
        journal: args.log.journal(),
        password,
    })
}

/// What the user of the demonstration may do.
#[cfg(feature = "local")]
pub(super) const DEMO_PERMISSION: &str = "notes:read";

/// Makes the user of the demonstration, and says whether they are new.
///
/// # Errors
/// The one line that says why not.
#[cfg(feature = "local")]
pub(super) async fn create_for_demo(
    dynamodb_url: &str,
    email: &str,
    password: &str,
) -> Result<bool, Box<dyn Error>> {
    let args = Args {
        email: email.to_owned(),
        name: "Demo".to_owned(),
        role: Role::default(),
        permission: vec![DEMO_PERMISSION.parse()?],
        password: PasswordArgs::default(),
        log: LogArgs::default(),
        output: Output::default(),
        target: Target::local(dynamodb_url),
    };
    let new = registration(&args, Password::new(password.to_owned()))?;
    let store = args.target.store().await?;
    match create_user(&store, args.password.hasher(), &args.password.policy().into(), &moment()?, new).await {
        Ok(_) => Ok(true),
        Err(nova_auth::flows::FlowError::Refused(Refusal::EmailTaken)) => Ok(false),
        Err(error) => Err(refused(error)),
    }
}
