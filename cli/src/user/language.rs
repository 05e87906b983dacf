//! The language of the mails that a command asks for.

use nova_auth::messages::Language;

use crate::place::Target;

/// Which language a mail is in.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LanguageArgs {
    /// Language of the mail.
    #[arg(long, value_name = "LANGUAGE", default_value = "ar", env = "DEFAULT_LANGUAGE", hide_env_values = true,
          value_parser = language)]
    pub(super) language: Language,
}

impl LanguageArgs {
    /// The language in which a user is told by mail of what is changed. `None`: the system sends no mail. Where that can't be told, the
    /// mail is asked for: a row that nobody reads is gone in a day.
    pub(super) async fn tells(&self, target: &Target) -> Option<&'static str> {
        let sends = target.sends_mail().await.unwrap_or(None);
        (sends != Some(false)).then(|| self.language.name())
    }
}

fn language(text: &str) -> Result<Language, &'static str> {
    Language::named(text).ok_or("one of ar, en")
}
