//! Users, as people name them: by address or id.

use std::error::Error;

use nova_auth::domain::email::Email;
use nova_auth::domain::ids::UserId;
use nova_auth::domain::user::Profile;
use nova_auth::store::Store;

use crate::failure::NotFound;

/// A user's name on the command line.
#[derive(Debug, Clone)]
pub(crate) enum UserName {
    Id(UserId),
    Email(Email),
}

impl std::str::FromStr for UserName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(id) => Ok(UserName::Id(id)),
            Err(_) => {
                Email::parse(text).map(UserName::Email).map_err(|_| "expected an e-mail address or a user id")
            }
        }
    }
}

impl std::fmt::Display for UserName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            UserName::Id(id) => id.fmt(f),
            UserName::Email(email) => f.write_str(email.as_str()),
        }
    }
}

/// The user of this name, as they are now.
///
/// # Errors
/// [`NotFound`], or that the tables did not answer.
pub(crate) async fn find(store: &Store, name: &UserName) -> Result<Profile, Box<dyn Error>> {
    let id = match name {
        UserName::Id(id) => Some(*id),
        UserName::Email(email) => store.credential(email).await?.map(|credential| credential.user_id),
    };
    let profile = match id {
        Some(id) => store.profile(id).await?,
        None => None,
    };
    Ok(profile.ok_or_else(|| NotFound(format!("no user {name}")))?)
}
