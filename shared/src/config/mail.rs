//! What the sender of mails is told.

use super::{Config, ConfigError};
use crate::domain::email::Email;

/// The longest name of a service: it stands in subjects, and before the address that a mail is from.
const LONGEST_NAME: usize = 40;

/// What mails say of their sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailConfig {
    /// The address that they are from.
    pub from: Email,
    /// The service's name, as its users know it.
    pub name: String,
    /// SES's configuration set, if there is one.
    pub configuration_set: Option<String>,
    /// Where the front end is, without a slash at its end.
    pub app: String,
}

impl Config {
    /// What the sender of mails is told.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn mail_sender(&self) -> Result<MailConfig, ConfigError> {
        let from = Email::parse(&self.required("MAIL_FROM")?).ok().filter(|from| from.as_str().is_ascii());
        Ok(MailConfig {
            from: from.ok_or_else(|| ConfigError::new("MAIL_FROM", "must be an e-mail address in ASCII"))?,
            name: self.service_name()?,
            configuration_set: self.text("MAIL_CONFIGURATION_SET"),
            app: self.app_url()?,
        })
    }

    /// The service's name, as its users know it.
    ///
    /// # Errors
    /// It is too long, or would break a header.
    pub fn service_name(&self) -> Result<String, ConfigError> {
        let name = self.text("MAIL_NAME").unwrap_or_else(|| "Nova CRM".to_owned());
        let fits = name.chars().count() <= LONGEST_NAME
            && !name.chars().any(|c| c.is_control() || "\"\\".contains(c));
        let problem = || format!("must be up to {LONGEST_NAME} characters without quotes and backslashes");
        if fits { Ok(name) } else { Err(ConfigError::new("MAIL_NAME", problem())) }
    }

    /// Where the front end is. A link to a page without TLS would show its token to whoever is on the way.
    fn app_url(&self) -> Result<String, ConfigError> {
        let url = self.required("APP_URL")?;
        let is_local = ["http://localhost", "http://127.0.0.1"].iter().any(|own| {
            url.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        });
        let fits = (url.starts_with("https://") || is_local)
            && !url.ends_with('/')
            && url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte));
        let problem =
            "must be an https URL without query, fragment or trailing slash (http only for localhost)";
        if fits { Ok(url) } else { Err(ConfigError::new("APP_URL", problem)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<MailConfig, String> {
        let given = [("MAIL_FROM", "no-reply@example.com"), ("APP_URL", "https://app.example.com")];
        let config: Config = given.iter().chain(changes).copied().collect();
        config.mail_sender().map_err(|error| error.to_string())
    }

    #[test]
    fn a_sender_is_told_who_it_is_and_where_its_links_lead() {
        let read = read(&[]).unwrap();
        assert_eq!((read.name.as_str(), read.app.as_str()), ("Nova CRM", "https://app.example.com"));
        assert_eq!(read.configuration_set, None);
    }

    #[test]
    fn what_would_send_a_link_astray_or_break_a_header_is_refused_by_its_name() {
        for (variable, value) in [
            ("APP_URL", "http://app.example.com"),
            ("APP_URL", "http://localhost.evil.example"),
            ("APP_URL", "https://app.example.com/"),
            ("APP_URL", "https://app.example.com/#t="),
            ("APP_URL", "https://app.example.com/?a=b"),
            ("APP_URL", ""),
            ("MAIL_FROM", "Nova <no-reply@example.com>"),
            ("MAIL_FROM", "no-reply"),
            ("MAIL_FROM", ""),
            ("MAIL_NAME", "No\"va"),
            ("MAIL_NAME", "Nova\r\nBcc: all@example.com"),
            ("MAIL_NAME", "A name that is longer than forty characters is"),
        ] {
            let error = read(&[(variable, value)]).unwrap_err();
            assert!(error.starts_with(&format!("{variable}: ")), "{variable}={value}: {error}");
        }
        for url in ["http://localhost:5173", "http://127.0.0.1:3000/app", "https://a.example/x/y"] {
            assert!(read(&[("APP_URL", url)]).is_ok(), "{url}");
        }
    }
}
