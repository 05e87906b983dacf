//! `nova user edit`.

use std::error::Error;

use nova_auth::domain::email::Email;
use nova_auth::domain::ids::UserId;
use nova_auth::domain::moment::Moment;
use nova_auth::domain::name::PersonName;
use nova_auth::domain::refusal::Refusal;
use nova_auth::flows::operator::{Edit, Edited, Operator, moved_before};
use nova_auth::store::Store;
use serde_json::json;

use super::language::LanguageArgs;
use super::{Common, UserName, find, moment, operator};
use crate::failure::{NotFound, refused};
use crate::output::shown;

#[derive(Debug, clap::Args)]
#[command(override_usage = "nova user edit [OPTIONS] <USER> <--email <EMAIL>|--name <NAME>>",
          group(clap::ArgGroup::new("what").required(true).multiple(true).args(["email", "name"])))]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) common: Common,
    /// New e-mail address. Every session ends; the password stays.
    #[arg(long)]
    email: Option<String>,
    /// New display name.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    language: LanguageArgs,
}

impl Args {
    fn edit(&self) -> Result<Edit, Box<dyn Error>> {
        let wrong = |field| move |fault| refused(Refusal::field(field, fault).into());
        Ok(Edit {
            email: self.email.as_deref().map(Email::parse).transpose().map_err(wrong("email"))?,
            name: self.name.as_deref().map(PersonName::parse).transpose().map_err(wrong("name"))?,
        })
    }
}

pub(super) async fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let common = &args.common;
    let edit = args.edit()?;
    let store = common.target.store().await?;
    let moment = moment()?;
    let id = match find(&store, &common.user).await {
        Err(error) if error.is::<NotFound>() => {
            done_before(&store, &moment, &common.user, &edit).await?.ok_or(error)?
        }
        found => found?.id,
    };
    let tells = args.language.tells(&common.target).await;
    let operator = Operator { tells, ..operator(&store, &moment, common.log) };
    let edited = operator.edit(id, &edit).await.map_err(refused)?;
    // Others may be at it too: what is said is what is there now.
    let now = find(&store, &UserName::Id(id)).await?;
    let (email, name) = (now.email.as_str(), now.name.as_str());
    let document = json!({
        "id": id.to_string(), "email": email, "name": name,
        "changed": edited != Edited::Unchanged, "sessionsEnded": edited == Edited::Moved,
    });
    let end = match edited {
        Edited::Moved => "; every session has ended",
        Edited::Renamed => "",
        Edited::Unchanged => ", as before",
    };
    common.output.print(&document, &format!("{id}: email {}, name {}{end}", shown(email), shown(name)))
}

/// Who had the address that was typed until this very change, which is said again: its answer was lost.
async fn done_before(
    store: &Store,
    moment: &Moment,
    user: &UserName,
    edit: &Edit,
) -> Result<Option<UserId>, Box<dyn Error>> {
    match (user, &edit.email) {
        (UserName::Email(old), Some(new)) => Ok(moved_before(store, moment, old, new).await?),
        _ => Ok(None),
    }
}
