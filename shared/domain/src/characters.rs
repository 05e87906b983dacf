//! Characters that people can't see, and the normal forms of what they can.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, Script},
};

/// Unicode's Normalization Form KC: one spelling for what reads alike to a machine.
pub(crate) fn nfkc(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text)
}

/// Unicode's Normalization Form C, one spelling for what is the same text, where the text is in another one. It leaves no
/// copy of the text behind.
pub(crate) fn other_than_nfc(text: &str) -> Option<String> {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    if nfc.is_normalized(text) {
        return None;
    }
    // No text becomes longer than this (UAX 15, section 6), so that nothing has to move.
    let mut normal = String::with_capacity(text.len().saturating_mul(3));
    // INVARIANT: writing to a String does not fail.
    nfc.normalize_to(text, &mut normal).ok()?;
    Some(normal)
}

/// U+200C ZERO WIDTH NON-JOINER and U+200D ZERO WIDTH JOINER.
pub(crate) const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Whether a text with this character in it can look like the one without it: Unicode's default-ignorables, and those that
/// have a glyph with nothing in it.
pub(crate) fn is_invisible(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{2800}' | '\u{fff9}'..='\u{fffc}')
        || matches!(c, '\u{13441}' | '\u{13442}' | '\u{16fe4}' | '\u{1d159}')
}

/// Whether a character is there to be read: assigned, of public use, and neither a blank nor a control nor a format.
pub(crate) fn is_readable(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    !GeneralCategoryGroup::Other.union(GeneralCategoryGroup::Separator).contains(category) && !is_invisible(c)
}

/// Whether a character is written on the one before it.
pub(crate) fn is_mark(c: char) -> bool {
    GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}

/// The scripts whose letters change their shapes beside others, so that a joiner between two of them is seen.
const JOINING: [Script; 37] = [
    Script::Adlam,
    Script::Arabic,
    Script::Balinese,
    Script::Bengali,
    Script::Brahmi,
    Script::Chakma,
    Script::Cham,
    Script::Devanagari,
    Script::Grantha,
    Script::Gujarati,
    Script::Gurmukhi,
    Script::HanifiRohingya,
    Script::Javanese,
    Script::Kaithi,
    Script::Kannada,
    Script::Khmer,
    Script::Malayalam,
    Script::Mandaic,
    Script::Manichaean,
    Script::MeeteiMayek,
    Script::Modi,
    Script::Mongolian,
    Script::Myanmar,
    Script::Newa,
    Script::Nko,
    Script::Oriya,
    Script::PhagsPa,
    Script::Saurashtra,
    Script::Sharada,
    Script::Sinhala,
    Script::Sundanese,
    Script::Syriac,
    Script::TaiTham,
    Script::Tamil,
    Script::Telugu,
    Script::Tibetan,
    Script::Tirhuta,
];

/// The characters of a text, each with whether it is a joiner with work to do: one between two letters of one script that
/// joins them, as in `علی‌رضا`. Marks count with their letters.
pub fn with_joiners(text: &str) -> impl Iterator<Item = (char, bool)> {
    let script_of = |c| CodePointMapData::<Script>::new().get(c);
    let mut before = None;
    let mut rest = text.chars().peekable();
    std::iter::from_fn(move || {
        let c = rest.next()?;
        let after = rest.peek().copied().filter(|c| c.is_alphabetic() || is_mark(*c)).map(script_of);
        let joins = is_joiner(c) && before.is_some_and(|script| JOINING.contains(&script)) && before == after;
        if c.is_alphabetic() || is_mark(c) {
            // Many marks, Arabic's vowels among them, belong to the letter that they stand on and to no script.
            before = Some(script_of(c)).filter(|script| *script != Script::Inherited).or(before);
        } else {
            before = None;
        }
        Some((c, joins))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joiner_has_work_to_do_between_letters_that_join() {
        let all_work = |text: &str| with_joiners(text).filter(|(c, _)| is_joiner(*c)).all(|(_, joins)| joins);
        for name in ["علی‌رضا", "عَلِیِ‌رضا", "ක්‍රිශාන්", "শ্রী‌মতী", "क्‍ष", "ന്‍റെ", "র‍্যাব"]
        {
            assert!(name.contains(is_joiner) && all_work(name), "{name}");
        }
        for other in [
            "Sa\u{200d}ra",
            "\u{200c}علی",
            "علی\u{200c}",
            "علی\u{200c} رضا",
            "علی\u{200c}\u{200c}رضا",
            "علی\u{200c}a",
            "a\u{200c}علی",
            "علی1\u{200c}رضا",
            "佐\u{200d}藤",
            "👩\u{200d}👧",
        ] {
            assert!(!all_work(other), "{other:?}");
        }
    }
}
