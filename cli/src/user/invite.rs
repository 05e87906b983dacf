//! `nova user invite` and `nova user reset-mail`: the user sets the password, by a link in a mail, and no operator knows it.

use std::error::Error;

use nova_auth::domain::email::Email;
use nova_auth::domain::name::PersonName;
use nova_auth::domain::refusal::{FieldFault, Refusal};
use nova_auth::domain::user::{Permission, Profile, Role};
use nova_auth::flows::operator::Guest;
use nova_auth::store::Store;
use serde_json::json;

use super::language::LanguageArgs;
use super::password::PasswordArgs;
use super::{Common, LogArgs, UserName, find, moment, operator};
use crate::failure::refused;
use crate::output::Output;
use crate::place::Target;

#[derive(Debug, clap::Args)]
pub(crate) struct InviteArgs {
    /// E-mail address to invite.
    #[arg(long)]
    email: String,
    /// Display name.
    #[arg(long, required_unless_present = "resend")]
    name: Option<String>,
    /// The role.
    #[arg(long, default_value = Role::USER)]
    role: Role,
    /// A permission. Can be repeated.
    #[arg(long, value_name = "FEATURE:ACTION")]
    permission: Vec<Permission>,
    /// Send another mail to a user who has not accepted the invitation yet.
    #[arg(long, conflicts_with_all = ["name", "role", "permission"])]
    resend: bool,
    #[command(flatten)]
    language: LanguageArgs,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    pub(super) target: Target,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ResetMailArgs {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    language: LanguageArgs,
}

pub(super) async fn invite(args: &InviteArgs) -> Result<(), Box<dyn Error>> {
    let wrong = |field| move |fault| refused(Refusal::Invalid(vec![FieldFault { field, fault }]).into());
    let email = Email::parse(&args.email).map_err(wrong("email"))?;
    let name = args.name.as_deref().map(PersonName::parse).transpose().map_err(wrong("name"))?;
    insist_on_mail(&args.target).await?;
    let store = args.target.store().await?;
    let user = match name {
        Some(name) => {
            let permissions = args.permission.iter().cloned().map(Permission::into).collect();
            let guest = Guest { email, name, role: args.role.clone(), permissions };
            let moment = moment()?;
            let tag = args.language.language.name();
            let invited =
                operator(&store, &moment, args.log).invite(guest, args.password.hasher(), tag).await;
            invited.map_err(refused)?
        }
        None => again(args, &store, email).await?,
    };
    let done = json!({"id": user.id.to_string(), "status": "invited"});
    args.output.print(&done, &format!("invited {}; the link in the mail works for 7 days", user.id))
}

async fn again(args: &InviteArgs, store: &Store, email: Email) -> Result<Profile, Box<dyn Error>> {
    let user = find(store, &UserName::Email(email)).await?;
    let moment = moment()?;
    let sent = operator(store, &moment, args.log).invite_again(&user, args.language.language.name()).await;
    match sent.map_err(refused)? {
        true => Ok(user),
        false => Err(format!("{} is not invited (any more)", user.id).into()),
    }
}

pub(super) async fn reset_mail(args: &ResetMailArgs) -> Result<(), Box<dyn Error>> {
    let ResetMailArgs { common, language } = args;
    insist_on_mail(&common.target).await?;
    let store = common.target.store().await?;
    let user = find(&store, &common.user).await?;
    let moment = moment()?;
    let sent = operator(&store, &moment, common.log).send_reset(&user, language.language.name()).await;
    if !sent.map_err(refused)? {
        return Err(format!("{} is not active: nothing was sent", user.id).into());
    }
    let done = json!({"id": user.id.to_string(), "mail": "reset"});
    common.output.print(&done, &format!("requested a mail to {}; its link works for 30 minutes", user.id))
}

/// A mail that nobody sends would be asked for without a word.
async fn insist_on_mail(target: &Target) -> Result<(), Box<dyn Error>> {
    match target.sends_mail().await? {
        Some(false) => Err("this system sends no mail: start or deploy it with Mail=enabled".into()),
        Some(true) | None => Ok(()),
    }
}
