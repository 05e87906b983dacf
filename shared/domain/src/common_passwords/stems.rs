//! Words that guessers put a year, some digits and a symbol to, until the policy is pleased: `Winter2026!`, `P@ssw0rd1`.

/// Seasons, holidays, months and weekdays, then what people and administrators put in where they are asked for any password.
///
/// Those of Arabic speakers are our own choice: the English ones as they say them, greetings, and names that many men have.
/// In Arabic letters only those of six letters and more: no profile takes a shorter one with so little around it.
const STEMS: [&str; 59] = [
    "spring",
    "summer",
    "autumn",
    "fall",
    "winter",
    "christmas",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "password",
    "pass",
    "welcome",
    "company",
    "admin",
    "qwerty",
    "login",
    "changeme",
    "change me",
    "letmein",
    "let me in",
    "marhaba",
    "habibi",
    "bismillah",
    "ramadan",
    "mohamed",
    "mohammed",
    "muhammad",
    "ahmed",
    "كلمة السر",
    "كلمةالسر",
    "كلمة المرور",
    "كلمةالمرور",
    "باسورد",
    "الشركة",
    "المدير",
    "الشتاء",
    "الربيع",
    "الخريف",
    "سبتمبر",
    "اكتوبر",
    "نوفمبر",
    "ديسمبر",
    "بسم الله",
];

/// How many characters around the word are too few to make it another password: a date and a symbol.
const AROUND: usize = 9;

/// Whether a password in lower case is one of these words, with a few digits and symbols before and behind it, and nothing else.
pub(super) fn is_one(folded: &str) -> bool {
    let typed: Vec<char> = folded.chars().collect();
    STEMS.iter().any(|stem| is(&typed, &stem.chars().collect::<Vec<_>>()))
}

fn is(typed: &[char], stem: &[char]) -> bool {
    let is_word = |word: &[char]| word.iter().zip(stem).all(|(typed, letter)| stands_for(*typed, *letter));
    typed.len() <= stem.len() + AROUND
        && typed.windows(stem.len()).enumerate().any(|(begin, word)| {
            let mut around = typed.iter().take(begin).chain(typed.iter().skip(begin + stem.len()));
            is_word(word) && around.all(|c| !c.is_alphabetic())
        })
}

/// Whether a guesser tries this for a letter: what looks like it, how Arabic letters are often typed, and anything between
/// two words.
fn stands_for(typed: char, letter: char) -> bool {
    typed == letter
        || match letter {
            'a' => matches!(typed, '@' | '4'),
            'e' => typed == '3',
            'i' => matches!(typed, '1' | '!'),
            'l' => typed == '1',
            'o' => typed == '0',
            's' => matches!(typed, '$' | '5'),
            'ا' => matches!(typed, 'أ' | 'إ' | 'آ'),
            'ة' => typed == 'ه',
            ' ' => !typed.is_alphabetic(),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::{Password, PasswordProfile};
    use crate::refusal::Fault;

    #[track_caller]
    fn all(typed: &[&str], refused: bool) {
        for typed in typed {
            assert_eq!(is_one(&typed.to_lowercase()), refused, "{typed}");
        }
    }

    #[test]
    fn a_word_that_guessers_use_is_refused_with_what_was_put_around_it_to_please_the_policy() {
        all(
            &[
                "Winter2026!",
                "Company2026!",
                "Company!",
                "2026Winter!",
                "01-May-2026!",
                "  Monday 1 ",
                "Fall-2026",
                "Login@123456",
                "WELCOME12345678!",
                "Christmas٢٠٢٦!",
                "Ramadan@2026",
                "Mohammed123!",
                "الشتاء-٢٠٢٦-!!!",
            ],
            true,
        );
    }

    #[test]
    fn a_letter_that_was_replaced_by_what_looks_like_it_is_the_letter() {
        all(
            &[
                "P@ssw0rd1",
                "P4$5w0rd2026!",
                "5umm3r2026!",
                "$ept3mber1!",
                "W1nter#1",
                "W!nter#1",
                "Apr1l2026!",
                "Apri12026!",
                "Changem3!1",
                "Qw3rty!!",
                "@dm1n123",
                "أكتوبر ٢٠٢٦!!!!",
                "كلمه السر 12345",
            ],
            true,
        );
    }

    #[test]
    fn two_words_are_the_same_two_whatever_is_between_them() {
        all(&["Let me in 1!", "Let-me-in-2026!", "Change_me1!", "كلمة-المرور1"], true);
        all(&["Letxmexin1!", "Let memein1!", "Let--me--in1!", "كلمة، المرور1"], false);
    }

    /// Or a passphrase would be refused for a word that happens to be in it.
    #[test]
    fn a_password_that_has_more_letters_than_such_a_word_is_free() {
        all(
            &[
                "Winter-garden-9 chairs",
                "In winter, 9 chairs",
                "Winter2026!x",
                "x-Winter2026!",
                "WinterSummer2026!",
                "Winter2026Winter!",
                "Septembrist2026!x",
                "Midsummer2026!",
                "Mayor2026!",
                "Marches2026!",
                "Passage-2026!",
                "Administer2026!",
                "Ahmediyya2026!",
                "Wintér2026!",
                "W-i-n-t-e-r-2026!",
                "Wnter2026!",
                "",
                "!!!!!!!!!",
                "20261129",
            ],
            false,
        );
    }

    #[test]
    fn a_password_with_more_around_the_word_than_a_date_and_a_symbol_is_free() {
        all(&["Winter29112026!", "29112026Winter!", "4839May2217!"], true);
        all(&["Winter 29112026!", "29112026-Winter!", "4839May22179!", "Winter 4839 2217 90"], false);
    }

    /// One that every profile refuses for another reason, however it is used, only takes time.
    #[test]
    fn each_of_the_words_keeps_somebody_from_a_password_that_a_profile_would_let_them_have() {
        let around = "-29112026";
        assert_eq!(around.chars().count(), AROUND);
        for stem in STEMS {
            let mut letters = stem.chars();
            let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
            let typed = Password::new(format!("{capital}{}{around}", letters.as_str()));
            let refused =
                [PasswordProfile::Crm, PasswordProfile::Nist].map(|profile| profile.faults(&typed, None));
            assert!(refused.contains(&vec![Fault::PasswordTooCommon]), "{stem}: {refused:?}");
        }
    }
}
