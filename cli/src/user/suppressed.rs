//! Whether Amazon SES still sends mail to a user. After a hard bounce or a complaint it takes mails to that address and drops them, so that
//! neither the sender nor the user hears of it.

use jiff::Timestamp;
use nova_auth::domain::email::Email;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::view::time;
use crate::place::Target;
use crate::place::call::{Failed, Service};

/// What SES says of an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It is not on the list.
    Open,
    /// Mail to it is dropped.
    Suppressed { since: Option<Timestamp>, reason: String, command: String },
    /// It could not be asked, and why.
    Unknown(String),
}

/// Asks SES. `None`: the system sends no mail, or does not tell. Nothing that goes wrong here keeps a user from being shown.
pub(super) async fn delivery(target: &Target, email: &Email) -> Option<Delivery> {
    let calls = match target.mail_calls().await {
        Ok(calls) => calls?,
        Err(problem) => return Some(Delivery::Unknown(problem.to_string())),
    };
    let Some(address) = email.in_ascii() else {
        return Some(Delivery::Unknown("it takes addresses in ASCII only".to_owned()));
    };
    let encoded = utf8_percent_encode(&address, NON_ALPHANUMERIC);
    let answer = calls.get(Service::Ses, &format!("/v2/email/suppression/addresses/{encoded}")).await;
    Some(judge(&address, answer))
}

fn judge(address: &str, answer: Result<Value, Failed>) -> Delivery {
    match answer {
        Ok(answer) => match answer.get("SuppressedDestination") {
            Some(found) => suppressed(address, found),
            None => Delivery::Unknown("its answer is not understood".to_owned()),
        },
        Err(Failed::NotThere) => Delivery::Open,
        Err(Failed::Denied) => {
            Delivery::Unknown("these credentials lack ses:GetSuppressedDestination".to_owned())
        }
        Err(failed) => Delivery::Unknown(failed.to_string()),
    }
}

fn suppressed(address: &str, found: &Value) -> Delivery {
    // Seconds, with a fraction; what is written in another way is still suppressed.
    #[expect(clippy::cast_possible_truncation, reason = "a time of this century, to the second")]
    let seconds = found.get("LastUpdateTime").and_then(Value::as_f64).map(|seconds| seconds as i64);
    let reason = found.get("Reason").and_then(Value::as_str).unwrap_or("UNKNOWN");
    Delivery::Suppressed {
        since: seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()),
        reason: reason.to_ascii_lowercase(),
        command: format!("aws sesv2 delete-suppressed-destination --email-address {}", quoted(address)),
    }
}

/// For a shell: some of what an address may have in it means something there.
fn quoted(address: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@.-_+".contains(c);
    if address.chars().all(is_plain) {
        address.to_owned()
    } else {
        format!("'{}'", address.replace('\'', r"'\''"))
    }
}

impl Delivery {
    pub(super) fn line(&self) -> String {
        match self {
            Self::Open => "not suppressed by Amazon SES".to_owned(),
            Self::Suppressed { since, reason, .. } => {
                let since = since.map(|since| format!(" since {}", time(since))).unwrap_or_default();
                format!("suppressed by Amazon SES{since} ({reason}): none arrives")
            }
            Self::Unknown(why) => format!("Amazon SES could not be asked: {why}"),
        }
    }

    /// What takes the address off the list.
    pub(super) fn remedy(&self) -> Option<&str> {
        match self {
            Self::Suppressed { command, .. } => Some(command),
            Self::Open | Self::Unknown(_) => None,
        }
    }

    pub(super) fn document(&self) -> Value {
        match self {
            Self::Open => json!({ "suppressed": false }),
            Self::Suppressed { since, reason, command } => {
                json!({ "suppressed": true, "since": since.map(time), "reason": reason, "remedy": command })
            }
            Self::Unknown(why) => json!({ "suppressed": null, "problem": why }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_says_nothing_is_not_taken_for_an_open_address() {
        assert_eq!(judge("a@example.com", Err(Failed::NotThere)), Delivery::Open);
        for answer in [Ok(json!({})), Err(Failed::Denied), Err(Failed::Other("500".into()))] {
            assert!(matches!(judge("a@example.com", answer), Delivery::Unknown(_)));
        }
        let Delivery::Suppressed { since, reason, .. } =
            judge("a@example.com", Ok(json!({ "SuppressedDestination": {} })))
        else {
            panic!("it is on the list")
        };
        assert_eq!((since, reason.as_str()), (None, "unknown"));
    }

    #[test]
    fn an_address_is_one_word_of_the_command_whatever_is_in_it() {
        assert_eq!(quoted("sara+x@example.com"), "sara+x@example.com");
        assert_eq!(quoted("a`id`'$(id)@example.com"), r"'a`id`'\''$(id)@example.com'");
    }
}
