//! One mailbox is one account, however it is typed; a name is what is seen of it.

use std::ops::RangeInclusive;

use nova_auth_domain::{characters::with_joiners, email::Email, name::PersonName, refusal::Fault};
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

/// Unicode's Default_Ignorable_Code_Point, from DerivedCoreProperties.txt, and blanks that it leaves out.
const UNSEEN: [RangeInclusive<char>; 18] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffc}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

fn unseen() -> impl Strategy<Value = char> {
    select(UNSEEN.to_vec()).prop_flat_map(|range| proptest::char::range(*range.start(), *range.end()))
}

fn is_unseen(c: char) -> bool {
    UNSEEN.iter().any(|range| range.contains(&c))
        || "\u{2028}\u{2029}\u{13441}\u{13442}\u{16fe4}\u{1d159}".contains(c)
}

/// A label of a host as people write it, in scripts that are written in one direction each.
fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zäöüßéA-ZÄÖÜ]{1,12}",
        "[а-яА-Я]{1,12}",
        "[α-ωΑ-Ρ]{1,12}",
        "[ء-غف-ي]{1,12}",
        "[あ-お日本語]{1,8}"
    ]
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn a_domain_in_unicode_and_as_a_browser_sends_it_is_one_mailbox(labels in prop::collection::vec(label(), 2..4)) {
        let host = labels.join(".");
        let Ok(sent) = idna::domain_to_ascii(&host) else { return Ok(()) };
        let parse = |host: &str| Email::parse(&format!("sara@{host}")).map(|email| email.as_str().to_owned());
        let (one, other) = (parse(&host), parse(&sent));
        prop_assert!(one.is_ok(), "{}", host);
        prop_assert_eq!(&one, &other, "{} {}", host, sent);
        prop_assert_eq!(&one, &parse(&sent.to_ascii_uppercase()));
        prop_assert!(!one.unwrap().contains("xn--"), "people read it");
    }

    #[test]
    fn what_nobody_sees_makes_no_second_address(local in "[a-z]{1,8}", at in any::<prop::sample::Index>(), unseen in unseen()) {
        let mut typed = format!("{local}@example.com");
        let at = at.index(typed.len() + 1);
        typed.insert(at, unseen);
        prop_assert_eq!(Email::parse(&typed), Err(Fault::Invalid), "{:?}", typed);
    }

    #[test]
    fn neither_private_use_nor_unassigned_nor_a_second_sign_is_in_an_address(
        local in "[a-z]{1,8}",
        at in any::<prop::sample::Index>(),
        odd in prop_oneof!["\\p{Co}", "\\p{Cc}", "\\p{Cf}", "@", "[\u{fdd0}-\u{fdef}\u{ffff}\u{10ffff}\u{ae000}-\u{aefff}]"],
    ) {
        let mut typed = format!("{local}@example.com");
        typed.insert_str(at.index(typed.len() + 1), &odd);
        // Controls among the blanks around it are cut off.
        prop_assume!(typed.trim() == typed);
        prop_assert_eq!(Email::parse(&typed), Err(Fault::Invalid), "{:?}", typed);
    }

    /// The HTML Standard's "valid email address", less what no mail server delivers to: dots that follow another or stand
    /// at an end, hosts of one label, and hosts that end in a number.
    #[test]
    fn what_a_browsers_field_takes_and_a_mail_server_delivers_to_is_taken(
        local in "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,20}){0,2}",
        host in "([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\\.){1,2}[a-zA-Z]{2,20}",
    ) {
        prop_assume!(!host.to_ascii_lowercase().split('.').any(|label| label.starts_with("xn--")));
        let typed = format!("{local}@{host}");
        let read = Email::parse(&typed).map(|email| email.as_str().to_owned());
        prop_assert_eq!(read, Ok(typed.to_ascii_lowercase()));
    }

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
        let (local, host) = text.split_once('@').unwrap();
        prop_assert!(local.len() <= 64 && !local.split('.').any(str::is_empty), "{:?}", text);
        let ascii = idna::domain_to_ascii(host).unwrap();
        prop_assert!(ascii.contains('.') && ascii.split('.').all(|label| (1..=63).contains(&label.len())), "{:?}", text);
        prop_assert!(!text.contains(|c: char| c.is_whitespace() || c.is_control() || "\"\\<>(),;:[]".contains(c)), "{:?}", text);
        prop_assert!(unicode_normalization::is_nfkc(text), "{:?} is not normal", text);
    }

    #[test]
    fn blanks_around_capitals_and_wide_letters_make_no_other_mailbox(
        local in "[a-z][a-z0-9_+-]{0,10}(\\.[a-z0-9_+-]{1,9})?",
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
        prop_assume!(!typed.contains(is_unseen));
        let read = PersonName::parse(&format!("{before}{typed}{after}"));
        prop_assert_eq!(read.map(|name| name.as_str().to_owned()), expected);
    }

    #[test]
    fn what_nobody_sees_is_in_no_name_but_where_it_joins_letters(
        before in "[a-zA-Z ]{0,5}[ء-ي]{0,2}",
        unseen in unseen(),
        after in "[ء-ي]{0,2}[a-zA-Z ]{0,5}",
    ) {
        let name = format!("{before}{unseen}{after}");
        let joins = |c: Option<char>| c.is_some_and(|c| ('ء'..='ي').contains(&c) && c.is_alphabetic() && c != 'ـ');
        let is_seen = "\u{200c}\u{200d}".contains(unseen)
            && joins(before.chars().next_back())
            && joins(after.chars().next());
        prop_assert_eq!(PersonName::parse(&name).is_ok(), is_seen, "{:?}", name);
        prop_assert_eq!(with_joiners(&name).any(|(_, joins)| joins), is_seen);
    }

    #[test]
    fn a_name_with_a_control_character_in_it_is_none(before in "\\PC{1,10}", control in "[\u{0}-\u{1f}\u{7f}-\u{9f}]", after in "\\PC{1,10}") {
        prop_assume!(!before.trim().is_empty() && !after.trim().is_empty());
        prop_assert_eq!(PersonName::parse(&format!("{before}{control}{after}")), Err(Fault::Invalid));
    }
}
