//! What people read: the Fluent files in `shared/messages`, one for each language, with the plural forms that each
//! language has (Arabic has six).

pub mod language;

use std::{borrow::Cow, sync::LazyLock};

/// What can stand in a message: a number, whose plural form the language chooses, or a text.
pub use fluent_bundle::FluentValue as Argument;
use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use unic_langid::langid;

pub use language::Language;

type Bundle = FluentBundle<FluentResource>;

static ARABIC: LazyLock<Bundle> =
    LazyLock::new(|| bundle(langid!("ar"), include_str!("../../messages/ar.ftl")));
static ENGLISH: LazyLock<Bundle> =
    LazyLock::new(|| bundle(langid!("en"), include_str!("../../messages/en.ftl")));

fn bundle(language: unic_langid::LanguageIdentifier, messages: &str) -> Bundle {
    // INVARIANT: a test reads both files and finds no error, so nothing is lost by going on with what was read.
    let resource = FluentResource::try_new(messages.to_owned()).unwrap_or_else(|(partial, _)| partial);
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // Isolation marks keep mixed directions apart on a screen; in JSON they would be invisible surprises.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

/// The message of this code, with the minutes or whatever else stands in it.
#[must_use]
pub fn message(code: &str, language: Language, arguments: &[(&'static str, Argument<'_>)]) -> String {
    let bundle: &Bundle = match language {
        Language::Arabic => &ARABIC,
        Language::English => &ENGLISH,
    };
    let id = code.to_ascii_lowercase().replace('_', "-");
    let mut values = FluentArgs::new();
    for (name, value) in arguments {
        values.set(*name, value.clone());
    }
    let pattern = bundle.get_message(&id).and_then(|message| message.value());
    let formatted = pattern.map(|pattern| bundle.format_pattern(pattern, Some(&values), &mut Vec::new()));
    // INVARIANT: a test finds every code of the table in both files.
    formatted.unwrap_or(Cow::Borrowed(code)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_without_errors() {
        for messages in [include_str!("../../messages/ar.ftl"), include_str!("../../messages/en.ftl")] {
            assert!(FluentResource::try_new(messages.to_owned()).is_ok());
        }
    }

    #[test]
    fn arabic_minutes_take_their_six_plural_forms() {
        let said = |minutes: i64| message("LOGIN_LOCKED", Language::Arabic, &[("minutes", minutes.into())]);
        let forms = [
            (0, "أقل من دقيقة"),
            (1, "دقيقة واحدة"),
            (2, "دقيقتين"),
            (5, "5 دقائق"),
            (15, "15 دقيقة"),
            (100, "100 دقيقة"),
        ];
        for (minutes, form) in forms {
            assert_eq!(said(minutes), format!("تم تجاوز عدد المحاولات. حاول بعد {form}"));
        }
    }

    #[test]
    fn english_minutes_take_their_two() {
        let said = |minutes: i64| message("LOGIN_LOCKED", Language::English, &[("minutes", minutes.into())]);
        assert_eq!(said(1), "Too many attempts. Try again in 1 minute.");
        assert_eq!(said(15), "Too many attempts. Try again in 15 minutes.");
    }
}
