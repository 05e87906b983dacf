//! One mailbox is one account, however it is typed; a name is what is seen of it.

use nova_auth_domain::{email::Email, name::PersonName, refusal::Fault};
use proptest::{prelude::*, sample::select};
use unicode_normalization::UnicodeNormalization as _;

use crate::cases;

/// Texts like addresses, of letters that change under normalisation too.
fn typed() -> impl Strategy<Value = String> {
    let odd = select(vec![
        "İ", "ǅ", "ſ", "ﬁ", "Å", "Å", "e\u{301}", "ＡＢ", "ß", "Σ", "ς", "K", "ͅ", "ﷺ", "①", "\u{345}",
    ]);
    let piece = prop_oneof![3 => "[a-zA-Z0-9.+_-]{1,8}".boxed(), 2 => odd.prop_map(str::to_owned).boxed(), 1 => "\\PC{1,4}".boxed()];
    let local = prop::collection::vec(piece.clone(), 1..4).prop_map(|pieces| pieces.concat());
    let host = piece.prop_map(|host| format!("{host}.example"));
    prop_oneof![8 => (local, host).prop_map(|(local, host)| format!("{local}@{host}")), 1 => any::<String>()]
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn an_address_in_its_normal_form_stays_as_it_is(typed in typed()) {
        let Ok(email) = Email::parse(&typed) else { return Ok(()) };
        let again = Email::parse(email.as_str());
        prop_assert!(again.as_ref() == Ok(&email), "{:?} became {:?} and then {:?}", typed, email.as_str(), again.map(|e| e.as_str().to_owned()));
    }

    #[test]
    fn an_address_that_is_accepted_is_one_that_can_be_written_to(typed in typed()) {
        let Ok(email) = Email::parse(&typed) else { return Ok(()) };
        let text = email.as_str();
        prop_assert!(text.len() <= 254 && text.matches('@').count() == 1, "{:?}", text);
        prop_assert!(!text.contains(|c: char| c.is_whitespace() || c.is_control() || "\"\\<>(),;:[]".contains(c)), "{:?}", text);
        prop_assert!(unicode_normalization::is_nfkc(text), "{:?} is not normal", text);
    }

    #[test]
    fn blanks_around_capitals_and_wide_letters_make_no_other_mailbox(
        local in "[a-z][a-z0-9._+-]{0,20}",
        host in "[a-z]{1,10}\\.[a-z]{2,6}",
        before in "[ \t\r\n\u{a0}]{0,3}",
        after in "[ \t\r\n\u{3000}]{0,3}",
        changed in prop::collection::vec(0_u8..3, 60),
    ) {
        let plain = format!("{local}@{host}");
        let spelled: String = plain
            .chars()
            .zip(changed)
            .map(|(c, how)| match how {
                1 => c.to_ascii_uppercase(),
                // The full-width forms stand in the order of ASCII.
                2 if c.is_ascii_graphic() => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
                _ => c,
            })
            .collect();
        let read = Email::parse(&format!("{before}{spelled}{after}")).map(|email| email.as_str().to_owned());
        prop_assert_eq!(read, Ok(plain));
    }

    #[test]
    fn canonically_equal_texts_are_one_mailbox(typed in typed()) {
        let parse = |text: String| Email::parse(&text).map(|email| email.as_str().to_owned());
        let (composed, decomposed): (String, String) = (typed.nfc().collect(), typed.nfd().collect());
        prop_assume!(composed.len() <= 254 && decomposed.len() <= 254);
        prop_assert_eq!(parse(composed), parse(decomposed));
    }

    #[test]
    fn a_name_is_kept_as_it_was_typed_without_the_blanks_around_it(typed in "\\PC{0,210}", before in "[ \t\n]{0,2}", after in "[ \t\n]{0,2}") {
        let expected = match typed.trim() {
            "" => Err(Fault::Required),
            text if text.chars().count() > 200 => Err(Fault::TooLong),
            text => Ok(text.to_owned()),
        };
        let read = PersonName::parse(&format!("{before}{typed}{after}"));
        prop_assert_eq!(read.map(|name| name.as_str().to_owned()), expected);
    }

    #[test]
    fn a_name_with_a_control_character_in_it_is_none(before in "\\PC{1,10}", control in "[\u{0}-\u{1f}\u{7f}-\u{9f}]", after in "\\PC{1,10}") {
        prop_assume!(!before.trim().is_empty() && !after.trim().is_empty());
        prop_assert_eq!(PersonName::parse(&format!("{before}{control}{after}")), Err(Fault::Invalid));
    }
}
