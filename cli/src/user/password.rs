//! `nova user password`, and how passwords come in: never as an argument, which every user of the machine can read.

use std::error::Error;
use std::io::{BufRead as _, IsTerminal as _, Read as _};

use nova_auth::domain::password::{Password, Profile as PasswordProfile};
use nova_auth::passwords::Hasher;
use serde_json::json;

use super::{Common, find, moment, operator};
use crate::failure::refused;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    password: PasswordArgs,
}

/// What a new password has to be, and how it is kept.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct PasswordArgs {
    /// Which passwords are accepted: the CRM's rules, or NIST SP 800-63B's.
    #[arg(long, value_enum, default_value_t, env = "PASSWORD_PROFILE", hide_env_values = true)]
    password_profile: PasswordRules,
    /// bcrypt's work factor.
    #[arg(long, default_value_t = BCRYPT_COST, env = "BCRYPT_COST", hide_env_values = true,
          value_parser = clap::value_parser!(u32).range(10..=15))]
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

/// No password is that long; who pipes a file into it by mistake is told so.
const MOST: u64 = 4096;

impl Default for PasswordArgs {
    fn default() -> Self {
        PasswordArgs { password_profile: PasswordRules::Crm, bcrypt_cost: BCRYPT_COST }
    }
}

impl PasswordArgs {
    pub(super) fn hasher(self) -> Hasher {
        Hasher::new(self.bcrypt_cost)
    }

    pub(super) fn policy(self) -> PasswordProfile {
        match self.password_profile {
            PasswordRules::Crm => PasswordProfile::Crm,
            PasswordRules::Nist => PasswordProfile::Nist,
        }
    }
}

pub(super) async fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let password = read()?;
    let store = args.common.target.store().await?;
    let user = find(&store, &args.common.user).await?;
    let moment = moment()?;
    let set = operator(&store, &moment, args.common.log)
        .set_password(&user, &password, args.password.policy(), args.password.hasher())
        .await;
    set.map_err(refused)?;
    let done = json!({"id": user.id.to_string(), "passwordSet": true, "sessionsEnded": true});
    args.common.output.print(&done, &format!("password of {} set; every session has ended", user.id))
}

/// One line of standard input; on a terminal it is asked for and not shown.
pub(super) fn read() -> Result<Password, Box<dyn Error>> {
    let stdin = std::io::stdin();
    let typed = if stdin.is_terminal() {
        rpassword::prompt_password("Password: ")?
    } else {
        let mut line = String::new();
        stdin.lock().take(MOST).read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if typed.is_empty() { Err("no password on standard input".into()) } else { Ok(Password::new(typed)) }
}
