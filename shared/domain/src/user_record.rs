//! A user as a line of a file: what an import reads and an export writes.
//!
//! One JSON object a line (<https://jsonlines.org>). Reading is strict where a mistake would be silent: a member that is
//! spelled wrongly, stands twice or has another type refuses the line. No reason repeats a value: the line holds an
//! address and a hash.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{
    email::Email,
    name::PersonName,
    password::PasswordHash,
    refusal::Fault,
    strict_json,
    user::{Profile, Role, Status, check_permissions},
};

/// A line that is longer is no user: every member at its longest, and as many permissions as a user may have, have room.
pub const MAX_LINE_BYTES: usize = 32 * 1024;

/// What a file says of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// The address.
    pub email: Email,
    pub name: PersonName,
    /// The role; `user` where the line has none.
    pub role: Role,
    /// Whether the user may log in; they may where the line does not say.
    pub status: Status,
    /// `feature:action`, each; none where the line has none.
    pub permissions: BTreeSet<String>,
    /// The password's bcrypt hash.
    pub password_hash: PasswordHash,
}

/// Why a line is no user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// It is not JSON, not an object, or has a member twice.
    #[error("not a JSON object of distinct members")]
    NotAnObject,
    /// It is longer than [`MAX_LINE_BYTES`].
    #[error("longer than 32 KiB")]
    TooLong,
    /// A member that there has to be is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A member has another type than it should.
    #[error("{0} is not {1}")]
    WrongType(&'static str, &'static str),
    /// A member's text is not what it should be.
    #[error("{0} {1}")]
    Invalid(&'static str, &'static str),
    /// It carries a second factor. Its secret may be shorter than ours, and an operator's command has no key to seal one with.
    #[error(
        "a member is a second factor, which is not imported, whatever its length: take it out; the user enrols an app after \
         the first login"
    )]
    SecondFactor,
    /// A member that nothing reads: probably one that is spelled wrongly.
    #[error("there is a member other than email, name, role, status, permissions, passwordHash")]
    Unknown,
}

const MEMBERS: [&str; 6] = ["email", "name", "role", "status", "permissions", "passwordHash"];

impl UserRecord {
    /// Reads a line.
    ///
    /// # Errors
    /// The first [`RecordFault`].
    pub fn parse(line: &[u8]) -> Result<Self, RecordFault> {
        if line.len() > MAX_LINE_BYTES {
            return Err(RecordFault::TooLong);
        }
        let members = strict_json::object(line).map_err(|_| RecordFault::NotAnObject)?;
        if members.iter().any(|(name, value)| is_second_factor(name, value)) {
            return Err(RecordFault::SecondFactor);
        }
        if members.keys().any(|name| !MEMBERS.contains(&name.as_str())) {
            return Err(RecordFault::Unknown);
        }
        let needed = |name| text(&members, name)?.ok_or(RecordFault::Missing(name));
        Ok(Self {
            email: Email::parse(needed("email")?).map_err(|fault| fault_of("email", fault))?,
            name: PersonName::parse(needed("name")?).map_err(|fault| fault_of("name", fault))?,
            role: match text(&members, "role")? {
                None => Role::default(),
                Some(role) => role.parse().map_err(|_| {
                    RecordFault::Invalid("role", "is not 1 to 32 lower-case letters, digits, - and _")
                })?,
            },
            status: match text(&members, "status")? {
                None => Status::Active,
                Some(name) => Status::named(name)
                    .ok_or(RecordFault::Invalid("status", "is none of active, disabled and invited"))?,
            },
            permissions: permissions(&members)?,
            password_hash: PasswordHash::parse(needed("passwordHash")?).map_err(|_| {
                RecordFault::Invalid(
                    "passwordHash",
                    "is not a bcrypt hash ($2a$, $2b$ or $2y$, cost 4 to 15)",
                )
            })?,
        })
    }

    /// The record of a user. One that could not be read again is none.
    ///
    /// # Errors
    /// The [`RecordFault`] by which an import would refuse it: a row that an older version wrote, or another hand.
    pub fn of(profile: &Profile, password_hash: PasswordHash) -> Result<Self, RecordFault> {
        let record = Self {
            email: profile.email.clone(),
            name: profile.name.clone(),
            role: profile.role.clone(),
            status: profile.status,
            permissions: profile.permissions.clone(),
            password_hash,
        };
        Self::parse(record.to_line().as_bytes())?;
        Ok(record)
    }

    /// The line, without its end. Reading it again gives the same record.
    #[must_use]
    pub fn to_line(&self) -> String {
        json!({
            "email": self.email.as_str(),
            "name": self.name.as_str(),
            "role": self.role.as_str(),
            "status": self.status.name(),
            "permissions": self.permissions,
            "passwordHash": self.password_hash.as_str(),
        })
        .to_string()
    }
}

/// Whether a member is what another system exports of a second factor: by its name, or as the address that apps read from QR codes.
fn is_second_factor(name: &str, value: &Value) -> bool {
    const WORDS: [&str; 9] =
        ["otp", "mfa", "2fa", "tfa", "factor", "authenticator", "recoverycode", "backupcode", "passkey"];
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let is_key_uri = value.as_str().is_some_and(|text| text.trim_start().starts_with("otpauth:"));
    is_key_uri || (!value.is_null() && WORDS.iter().any(|word| name.contains(word)))
}

/// A text; `null` is as good as nothing.
fn text<'m>(members: &'m Map<String, Value>, name: &'static str) -> Result<Option<&'m str>, RecordFault> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(RecordFault::WrongType(name, "a text")),
    }
}

fn permissions(members: &Map<String, Value>) -> Result<BTreeSet<String>, RecordFault> {
    const NAME: &str = "permissions";
    let list = match members.get(NAME) {
        None | Some(Value::Null) => return Ok(BTreeSet::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(RecordFault::WrongType(NAME, "a list of texts")),
    };
    let texts = list.iter().map(|entry| entry.as_str().map(str::to_owned)).collect::<Option<BTreeSet<_>>>();
    let permissions = texts.ok_or(RecordFault::WrongType(NAME, "a list of texts"))?;
    match check_permissions(&permissions) {
        Ok(()) => Ok(permissions),
        Err(Fault::TooLong) => Err(RecordFault::Invalid(NAME, "has more than 200 entries")),
        Err(_) => Err(RecordFault::Invalid(NAME, "has an entry that is not feature:action")),
    }
}

const fn fault_of(name: &'static str, fault: Fault) -> RecordFault {
    RecordFault::Invalid(
        name,
        match fault {
            Fault::Required => "is empty",
            Fault::TooLong => "is too long",
            _ => "is not valid",
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2a$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    fn line(change: impl FnOnce(&mut Map<String, Value>)) -> Result<UserRecord, RecordFault> {
        let mut members = json!({
            "email": "Sara@Example.com", "name": "Sara", "role": "admin", "status": "disabled",
            "permissions": ["notes:write", "notes:read"], "passwordHash": HASH,
        });
        change(members.as_object_mut().unwrap());
        UserRecord::parse(members.to_string().as_bytes())
    }

    /// Taken without it, a user who had a second factor would be let in by the password alone, and nobody would have said so.
    #[test]
    fn a_secret_of_another_system_is_refused_as_what_it_is_whatever_its_length() {
        // 80, 128 and 160 bits.
        let secrets = ["JBSWY3DPEHPK3PXP", "JBSWY3DPEHPK3PXPJBSWY3DPEI", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"];
        for name in ["totpSecret", "otp_secret", "mfa", "twoFactorSecret", "google2fa-secret", "backup_codes"]
        {
            for secret in secrets {
                let refused = line(|m| drop(m.insert(name.to_owned(), json!(secret)))).unwrap_err();
                assert_eq!(refused, RecordFault::SecondFactor, "{name}");
                assert!(
                    refused.to_string().contains("second factor") && !refused.to_string().contains(secret)
                );
            }
        }
        let uri = "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP";
        assert_eq!(line(|m| drop(m.insert("seed".to_owned(), json!(uri)))), Err(RecordFault::SecondFactor));
        // A system that says of everybody whether they have one, and of this user that they do not.
        assert_eq!(line(|m| drop(m.insert("totp".to_owned(), json!(null)))), Err(RecordFault::Unknown));
    }

    #[test]
    fn a_line_written_is_the_line_read() {
        for record in [line(|_| ()).unwrap(), line(|m| m.retain(|name, _| name.len() != 11)).unwrap()] {
            assert_eq!(UserRecord::parse(record.to_line().as_bytes()), Ok(record));
        }
    }

    #[test]
    fn what_a_line_does_not_say_is_the_least() {
        let record = line(|members| {
            members.remove("role");
            members.remove("permissions");
            members.insert("status".to_owned(), Value::Null);
        })
        .unwrap();
        assert_eq!((record.role.as_str(), record.status), ("user", Status::Active));
        assert!(record.permissions.is_empty());
    }

    #[test]
    fn a_mistake_refuses_the_line_and_no_reason_repeats_a_value() {
        let set = |name: &str, value: Value| line(|members| drop(members.insert(name.to_owned(), value)));
        for (refused, reason) in [
            (line(|members| drop(members.remove("email"))), "email is missing"),
            (line(|members| drop(members.remove("passwordHash"))), "passwordHash is missing"),
            (set("email", json!("canary")), "email is not valid"),
            (set("name", json!(" ")), "name is empty"),
            (set("name", json!(7)), "name is not a text"),
            (set("role", json!("Canary Boss")), "role is not 1 to 32 lower-case letters, digits, - and _"),
            (set("status", json!("canary")), "status is none of active, disabled and invited"),
            (set("permissions", json!("canary:read")), "permissions is not a list of texts"),
            (set("permissions", json!(["canary"])), "permissions has an entry that is not feature:action"),
            (
                set("passwordHash", json!("canary")),
                "passwordHash is not a bcrypt hash ($2a$, $2b$ or $2y$, cost 4 to 15)",
            ),
            (
                set("canary", json!(1)),
                "there is a member other than email, name, role, status, permissions, passwordHash",
            ),
            (UserRecord::parse(b"canary"), "not a JSON object of distinct members"),
            (
                UserRecord::parse(br#"{"email":"a@b.c","email":"canary@b.c"}"#),
                "not a JSON object of distinct members",
            ),
            (set("name", json!("x".repeat(MAX_LINE_BYTES))), "longer than 32 KiB"),
        ] {
            let refused = refused.unwrap_err().to_string();
            assert_eq!(refused, reason);
            assert!(!refused.contains("canary"));
        }
    }

    #[test]
    fn a_user_whom_an_import_would_refuse_is_no_record() {
        let user = |change: fn(&mut Value)| {
            let mut row = json!({
                "userId": "0190163d-8694-739b-aea5-966c26f8ad90", "email": "a@example.com", "name": "A",
                "role": "user", "status": "active", "epoch": 1, "createdAt": "2026-01-01T00:00:00Z",
                "passwordChangedAt": "2026-01-01T00:00:00Z",
            });
            change(&mut row);
            UserRecord::of(&serde_json::from_value(row).unwrap(), PasswordHash::parse(HASH).unwrap())
        };
        assert_eq!(user(|_| ()).unwrap().email.as_str(), "a@example.com");
        let refused = |change| user(change).unwrap_err().to_string();
        assert_eq!(refused(|row| row["email"] = json!("nobody")), "email is not valid");
        assert_eq!(refused(|row| row["name"] = json!("x".repeat(201))), "name is too long");
        let permissions: fn(&mut Value) =
            |row| row["permissions"] = (0..201).map(|number| json!(format!("a:{number}"))).collect();
        assert_eq!(refused(permissions), "permissions has more than 200 entries");
    }

    #[test]
    fn every_version_of_bcrypt_that_the_old_crm_wrote_is_taken_as_it_is() {
        for version in ["$2a$", "$2b$", "$2y$"] {
            let hash = HASH.replace("$2a$", version);
            let record =
                line(|members| drop(members.insert("passwordHash".to_owned(), json!(hash)))).unwrap();
            assert_eq!(record.password_hash.as_str(), hash);
        }
    }

    #[test]
    fn a_line_and_its_permissions_have_room_up_to_their_limits_and_not_beyond() {
        let of_length = |length: usize| {
            let line = line(|_| ()).unwrap().to_line();
            UserRecord::parse(format!("{line:>length$}").as_bytes())
        };
        assert!(of_length(32_768).is_ok());
        assert_eq!(of_length(32_769), Err(RecordFault::TooLong));

        let with = |count: usize| {
            let permissions: Vec<_> = (0..count).map(|n| format!("feature-{n}:read")).collect();
            line(|members| drop(members.insert("permissions".to_owned(), json!(permissions))))
        };
        assert_eq!(with(200).unwrap().permissions.len(), 200);
        for too_many in [201, 250] {
            assert_eq!(with(too_many).unwrap_err().to_string(), "permissions has more than 200 entries");
        }
        let named = line(|members| drop(members.insert("name".to_owned(), json!("x".repeat(201)))));
        assert_eq!(named.unwrap_err().to_string(), "name is too long");
    }
}
