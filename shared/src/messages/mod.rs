//! What people read: the Fluent files in `shared/messages`, one for each language, with the plural forms that each
//! language has (Arabic has six).
//!
//! A message chooses by `PLURAL($number)`, which is ICU4X's rules, and not by the number itself: Fluent's own crate for
//! them, `intl_pluralrules` 7.0.2, drops the modulus of CLDR's rules for Arabic, so that 103 to 110 would read as 100 does
//! (`findings/arabic-plurals.sh`).

pub mod language;

use std::{borrow::Cow, sync::LazyLock};

/// What can stand in a message: a number, whose plural form the language chooses, or a text.
pub use fluent_bundle::FluentValue as Argument;
use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use icu_locale_core::{Locale, locale};
use icu_plurals::{PluralCategory, PluralRules, PluralRulesPreferences};
use unic_langid::langid;

pub use language::Language;

type Bundle = FluentBundle<FluentResource>;

static ARABIC: LazyLock<Bundle> =
    LazyLock::new(|| bundle(langid!("ar"), &locale!("ar"), include_str!("../../messages/ar.ftl")));
static ENGLISH: LazyLock<Bundle> =
    LazyLock::new(|| bundle(langid!("en"), &locale!("en"), include_str!("../../messages/en.ftl")));

fn bundle(language: unic_langid::LanguageIdentifier, locale: &Locale, messages: &str) -> Bundle {
    // INVARIANT: a test reads both files and finds no error, so nothing is lost by going on with what was read.
    let resource = FluentResource::try_new(messages.to_owned()).unwrap_or_else(|(partial, _)| partial);
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // Isolation marks keep mixed directions apart on a screen; in JSON they would be invisible surprises.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    let plurals = PluralRulesPreferences::from(locale);
    let added = bundle.add_function("PLURAL", move |arguments, _| plural(plurals, arguments));
    debug_assert!(added.is_ok(), "the one function of its name");
    bundle
}

/// The plural form that a number takes. The rules are compiled in: to find them is to look them up.
fn plural(language: PluralRulesPreferences, arguments: &[Argument<'_>]) -> Argument<'static> {
    let [Argument::Number(number)] = arguments else { return Argument::Error };
    // INVARIANT: every number that a message is given is an integer, and a test finds every form.
    let Ok(rules) = PluralRules::try_new_cardinal(language) else { return Argument::Error };
    let form = match rules.category_for(number.value as i64) {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    };
    form.into()
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

    /// CLDR's rules for Arabic, from its chart of plural rules.
    fn arabic(number: i64, [zero, one, two, few, many, other]: [&str; 6]) -> &str {
        match (number, number % 100) {
            (0, _) => zero,
            (1, _) => one,
            (2, _) => two,
            (_, 3..=10) => few,
            (_, 11..=99) => many,
            _ => other,
        }
    }

    #[test]
    fn every_number_takes_the_plural_form_that_cldr_gives_it_in_every_message_that_has_one() {
        let minutes = ["أقل من دقيقة", "دقيقة واحدة", "دقيقتين", "# دقائق", "# دقيقة", "# دقيقة"];
        let letters = ["# حرف", "# حرف", "# حرف", "# أحرف", "# حرفًا", "# حرف"];
        for number in (0..=1000).chain([1_440, 10_103, 525_600]) {
            let said = |code, name| message(code, Language::Arabic, &[(name, number.into())]);
            let form = |forms| arabic(number, forms).replace('#', &number.to_string());
            let wait = form(minutes);
            assert_eq!(said("LOGIN_LOCKED", "minutes"), format!("تم تجاوز عدد المحاولات. حاول بعد {wait}"));
            assert_eq!(
                said("AUTH_RATE_LIMITED", "minutes"),
                format!("تم تجاوز عدد المحاولات. حاول مرة أخرى بعد {wait}")
            );
            let least = form(letters);
            assert_eq!(
                said("PASSWORD_TOO_SHORT", "minimum"),
                format!("كلمة المرور يجب أن تكون {least} على الأقل")
            );
            let said = message("LOGIN_LOCKED", Language::English, &[("minutes", number.into())]);
            let s = if number == 1 { "" } else { "s" };
            assert_eq!(said, format!("Too many attempts. Try again in {number} minute{s}."));
        }
    }

    /// Which would ask the crate whose rules are wrong.
    #[test]
    fn no_message_chooses_by_a_bare_number() {
        for messages in [include_str!("../../messages/ar.ftl"), include_str!("../../messages/en.ftl")] {
            let choices: Vec<_> = messages.lines().filter(|line| line.contains("->")).collect();
            assert!(
                choices.len() > 1 && choices.iter().all(|line| line.contains("{ PLURAL($")),
                "{choices:?}"
            );
        }
    }

    #[test]
    fn english_minutes_take_their_two() {
        let said = |minutes: i64| message("LOGIN_LOCKED", Language::English, &[("minutes", minutes.into())]);
        assert_eq!(said(1), "Too many attempts. Try again in 1 minute.");
        assert_eq!(said(15), "Too many attempts. Try again in 15 minutes.");
    }
}
