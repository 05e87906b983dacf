//! `nova user password`, and how passwords come in: never as an argument, which every user of the machine can read.

use std::error::Error;
use std::io::{BufRead, IsTerminal as _, Write as _};

use nova_auth::domain::password::{Password, PasswordProfile};
use nova_auth::flows::operator::Operator;
use nova_auth::password_policy::{Breached, PasswordPolicy};
use nova_auth::passwords::Hasher;
use serde_json::json;

use super::language::LanguageArgs;
use super::{Common, find, moment, operator};
use crate::failure::refused;
use crate::place::Target;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    language: LanguageArgs,
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

    /// The rules, with the list of breached passwords, if one was put. An operator is at hand when it can't be read, and does it again.
    pub(super) async fn policy_at(self, target: &Target) -> Result<PasswordPolicy, Box<dyn Error>> {
        let breached = match target.breached_list().await? {
            Some(list) if list.loaded().await?.is_some() => Some(Breached { list, required: true }),
            Some(_) => {
                let mut stderr = std::io::stderr();
                writeln!(
                    stderr,
                    "note: there is no list of breached passwords in the table; the password was not \
                     looked up"
                )?;
                None
            }
            None => None,
        };
        Ok(PasswordPolicy { profile: self.policy(), breached })
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
    let tells = args.language.tells(&args.common.target).await;
    let operator = Operator { tells, ..operator(&store, &moment, args.common.log) };
    let policy = args.password.policy_at(&args.common.target).await?;
    let set = operator.set_password(&user, &password, &policy, args.password.hasher()).await;
    set.map_err(refused)?;
    let done = json!({"id": user.id.to_string(), "passwordSet": true, "sessionsEnded": true});
    args.common.output.print(
        &done,
        &format!("password set for {}; every session has ended, and the account is unlocked", user.id),
    )
}

/// One line of standard input; on a terminal it is asked for twice, and not shown.
pub(super) fn read() -> Result<Password, Box<dyn Error>> {
    let stdin = std::io::stdin();
    let typed = if stdin.is_terminal() { asked(rpassword::prompt_password)? } else { piped(stdin.lock())? };
    Ok(Password::new(typed))
}

/// A password that nothing is going to be set to: at a prompt it is asked for once.
pub(crate) fn read_known() -> Result<Password, Box<dyn Error>> {
    let stdin = std::io::stdin();
    let typed =
        if stdin.is_terminal() { rpassword::prompt_password("Password: ")? } else { piped(stdin.lock())? };
    if typed.is_empty() {
        return Err("no password entered".into());
    }
    Ok(Password::new(typed))
}

/// What is typed and not seen is typed wrongly now and then, and then nobody knows the password.
fn asked(ask: impl Fn(&'static str) -> std::io::Result<String>) -> Result<String, Box<dyn Error>> {
    let typed = ask("Password: ")?;
    if typed.is_empty() {
        return Err("no password entered; nothing was changed".into());
    }
    if ask("Repeat it: ")? != typed {
        return Err("the passwords don't match; nothing was changed".into());
    }
    Ok(typed)
}

/// Without the end of the line, and without the mark that Windows PowerShell 5.1 puts before what it pipes.
fn piped(input: impl BufRead) -> Result<String, Box<dyn Error>> {
    let mut line = Vec::new();
    input.take(MOST).read_until(b'\n', &mut line)?;
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
    let text = std::str::from_utf8(line).map_err(|_| "the password on standard input is not UTF-8")?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err("no password on standard input".into()),
        typed => Ok(typed.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn said<T>(result: Result<T, Box<dyn Error>>) -> String {
        result.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_password_at_a_prompt_is_typed_twice_and_counts_when_both_are_the_same() {
        let typing = |lines: &[&str]| {
            let lines: RefCell<Vec<_>> =
                RefCell::new(lines.iter().rev().map(|line| (*line).to_owned()).collect());
            let typed = asked(|_| Ok(lines.borrow_mut().pop().unwrap()));
            assert!(lines.borrow().is_empty(), "not asked for");
            typed
        };
        assert_eq!(typing(&["Canary-1!", "Canary-1!"]).unwrap(), "Canary-1!");
        for other in ["canary-1!", "Canary-1! ", ""] {
            let differing = said(typing(&["Canary-1!", other]));
            assert_eq!(differing, "the passwords don't match; nothing was changed");
        }
        assert_eq!(said(typing(&[""])), "no password entered; nothing was changed");
    }

    #[test]
    fn the_byte_order_mark_of_a_pipe_is_no_part_of_the_password() {
        for line in ["\u{feff}Canary-1!\r\n", "Canary-1!\n", "Canary-1!", "\u{feff}Canary-1!\nmore"] {
            assert_eq!(piped(line.as_bytes()).unwrap(), "Canary-1!", "{line:?}");
        }
        // Anywhere else it was typed, as blanks are.
        for line in ["\u{feff}\u{feff}a", " \u{feff}a", "a\u{feff}"] {
            assert_eq!(piped(line.as_bytes()).unwrap(), line.strip_prefix('\u{feff}').unwrap_or(line));
        }
        for nothing in ["", "\n", "\r\n", "\u{feff}", "\u{feff}\r\n"] {
            assert_eq!(said(piped(nothing.as_bytes())), "no password on standard input", "{nothing:?}");
        }
    }

    #[test]
    fn a_password_in_utf_16_is_refused() {
        for mark in [[0xff, 0xfe], [0xfe, 0xff]] {
            let wide = [&mark[..], b"C\0a\0n\0\r\0\n\0"].concat();
            assert_eq!(said(piped(&wide[..])), "the password on standard input is not UTF-8");
        }
    }
}
