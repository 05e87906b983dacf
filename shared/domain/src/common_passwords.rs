//! Passwords that everybody tries first: zxcvbn's list, which is under the MIT licence (`common_passwords/LICENSE.txt`).
//!
//! None of its plain words satisfies a policy with symbols in it, so a password is held against it as its owner thought
//! of it: in lower case, and without the digits and symbols that were put behind the word to please the policy. The words that
//! are tried at everybody's account, many of which are too short for the list, are `stems`.

mod stems;

/// Sorted, a line each: a letter that says how much the word shares with the one before (`A` is nothing), and the rest.
const PACKED: &str = include_str!("common_passwords/packed.txt");

/// The shortest word that is on the list, in characters.
const SHORTEST: usize = 8;

/// Whether a password is on the list, is a word of it with digits and symbols behind, or is one of `stems` with a few around it.
#[must_use]
pub fn contains(password: &str) -> bool {
    let folded = password.to_lowercase();
    let mut forms = vec![folded.as_str()];
    let mut rest = folded.as_str();
    while let Some(last) = rest.chars().next_back().filter(|last| !last.is_alphabetic()) {
        rest = rest.strip_suffix(last).unwrap_or_default();
        forms.push(rest);
    }
    forms.retain(|form| form.is_ascii() && form.len() >= SHORTEST);
    stems::is_one(&folded) || !forms.is_empty() && words(|word| forms.contains(&word))
}

/// Whether a word of the list satisfies this. All of it is unpacked on the way: it is nothing beside a hash.
fn words(mut satisfies: impl FnMut(&str) -> bool) -> bool {
    let mut word = String::new();
    PACKED.lines().any(|line| {
        let mut characters = line.chars();
        let shared = characters.next().map_or(0, |letter| u32::from(letter).saturating_sub(u32::from('A')));
        word.truncate(usize::try_from(shared).unwrap_or(0));
        word.push_str(characters.as_str());
        satisfies(&word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole() {
        let mut all = Vec::new();
        words(|word| {
            all.push(word.to_owned());
            false
        });
        assert_eq!(all.len(), 11_611);
        assert!(all.is_sorted_by(|one, next| one < next));
        assert!(all.iter().all(|word| word.is_ascii() && word.len() >= SHORTEST));
        // Each look-up reads the list to its word: a sample that reaches its end, not all of them squared.
        let sample = all.iter().step_by(97).chain(all.last());
        assert!(sample.into_iter().all(|word| contains(word) && contains(&word.to_uppercase())));
    }

    #[test]
    fn a_word_of_the_list_is_found_behind_what_was_done_to_please_the_policy() {
        for common in
            ["password", "PassWord", "Password1!", "Sunshine2026!", "Qwerty123!", "12345678", "TRUSTNO1???"]
        {
            assert!(contains(common), "{common}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_not_on_it() {
        for other in [
            "",
            "!!!!!!!!!",
            "Str0ng-enough!",
            "passwor",
            "Pässword1!",
            "1!sunshine",
            "passwordly",
            "كلمة-الشمس1",
        ] {
            assert!(!contains(other), "{other}");
        }
    }
}
