use super::*;
use crate::domain::{
    email::Email,
    mail::{MailDigest, MailKey, MailMac},
    user_agent::Client,
};

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'& \u{202e}evil\u{2069}";

fn token(kind: MailKind) -> MailToken {
    let id = "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap();
    let mailbox = MailDigest::of(&Email::parse("sara@example.com").unwrap());
    MailToken { key: MailKey { mailbox, kind, id }, mac: MailMac([7; 16]) }
}

fn letter(kind: MailKind, language: Language, service: &str, name: Option<&PersonName>) -> Letter {
    let (token, code) = (token(kind), MailCode::from_bytes([1; 8]));
    let at = Timestamp::from_second(1_795_512_600).unwrap();
    let client = Client::of("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0");
    let login = NewLogin { client, network: Some("203.0.113.0/24".to_owned()) };
    let about = match kind {
        MailKind::Notice => About::Notice(Notice::PasswordChanged),
        kind => {
            let code = kind.has_code().then_some(&code);
            let login = (kind == MailKind::Deny).then_some((at, &login));
            About::Link { kind, token: &token, code, login, app: "https://app.example.com" }
        }
    };
    write(&Contents { service, about, name, language })
}

#[test]
fn every_mail_has_its_words_in_every_language() {
    for language in Language::ALL {
        let all = MailKind::ALL.map(|kind| letter(kind, language, "Nova CRM", None));
        let notices =
            [Notice::AddressTaken, Notice::AddressChanged, Notice::FactorsChanged, Notice::FactorsGuessed];
        let told = notices.map(|notice| {
            write(&Contents { service: "Nova CRM", about: About::Notice(notice), name: None, language })
        });
        for letter in all.iter().chain(&told) {
            assert!(!letter.text.contains("mail-") && !letter.subject.contains("mail-"), "{}", letter.text);
            // A variable that a message misses is shown as its name.
            assert!(!letter.text.contains(['{', '$']), "{}", letter.text);
            let is_arabic = letter.text.chars().any(|c| ('\u{600}'..='\u{6ff}').contains(&c));
            assert_eq!(is_arabic, language == Language::Arabic, "{}", letter.text);
        }
    }
}

#[test]
fn the_link_and_the_code_are_in_both_forms_and_the_token_is_in_the_fragment() {
    let letter = letter(MailKind::Reset, Language::Arabic, "Nova CRM", None);
    let link = format!("https://app.example.com/reset#t={}", token(MailKind::Reset).expose());
    let digits = MailCode::from_bytes([1; 8]);
    let code = format!("{} {}", &digits.expose()[..4], &digits.expose()[4..]);
    for text in [&letter.text, &letter.html] {
        assert!(text.contains(&link) && text.contains(&code), "{text}");
    }
    assert!(letter.html.contains(r#"<html lang="ar" dir="rtl">"#));
    assert!(letter.text.contains("خلال 10 دقائق"), "{}", letter.text);
}

/// Who reads it has to know whether it was them; in Arabic, too, the Latin names turn nothing around.
#[test]
fn a_login_is_told_with_its_time_its_device_and_its_network_and_without_what_is_not_known() {
    let english = letter(MailKind::Deny, Language::English, "Nova CRM", None);
    for line in ["2026-11-24 09:30 UTC", "Firefox, Linux", "203.0.113.0/24"] {
        assert!(english.text.contains(&isolated(line)) && english.html.contains(line), "{}", english.text);
    }
    assert!(
        letter(MailKind::Deny, Language::Arabic, "Nova CRM", None).text.contains(&isolated("Firefox, Linux"))
    );
    let unknown = NewLogin { client: Client::default(), network: None };
    let lines: Vec<_> = lines_of(Timestamp::UNIX_EPOCH, &unknown, Language::English).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn no_text_of_anybody_becomes_markup_and_no_direction_gets_out() {
    let name = PersonName::parse("<b>Sara</b> & co").unwrap();
    for language in Language::ALL {
        for kind in MailKind::ALL {
            let letter = letter(kind, language, HOSTILE, Some(&name));
            assert!(!letter.html.contains("<img") && !letter.html.contains("<b>"), "{}", letter.html);
            assert!(letter.html.contains("&lt;b&gt;Sara&lt;/b&gt; &amp; co"), "{}", letter.html);
            for text in [&letter.text, &letter.html] {
                assert!(!text.contains('\u{202e}'));
                assert_eq!(text.matches('\u{2068}').count(), text.matches('\u{2069}').count(), "{text}");
            }
        }
    }
}

/// Who opens a mail is nobody's business.
#[test]
fn nothing_is_loaded_from_anywhere() {
    for kind in MailKind::ALL {
        let letter = letter(kind, Language::English, "Nova CRM", None);
        for loads in ["src=", "<link", "@import", "url(", "<script", "<iframe", "background="] {
            assert!(!letter.html.contains(loads), "{loads} in {}", letter.html);
        }
        let links = letter.html.matches("href=").count();
        assert_eq!(links, usize::from(kind != MailKind::Notice));
    }
}

#[test]
fn how_long_a_link_works_is_said_as_people_say_it() {
    let said = |kind, language| letter(kind, language, "Nova CRM", None).text;
    for (kind, english, arabic) in [
        (MailKind::Reset, "30 minutes", "30 دقيقة"),
        (MailKind::Change, "60 minutes", "60 دقيقة"),
        (MailKind::Verify, "24 hours", "24 ساعة"),
        (MailKind::Revert, "72 hours", "72 ساعة"),
        (MailKind::Invite, "7 days", "7 أيام"),
    ] {
        assert!(said(kind, Language::English).contains(english), "{kind:?}");
        assert!(said(kind, Language::Arabic).contains(arabic), "{kind:?}");
    }
}

/// Read by a parser that is not ours, and that forgives nothing.
#[test]
fn a_strict_parser_reads_the_letter_as_it_was_meant() {
    let name = PersonName::parse("<b>Sara</b> & co").unwrap();
    for (language, tag, direction) in [(Language::Arabic, "ar", "rtl"), (Language::English, "en", "ltr")] {
        for kind in MailKind::ALL {
            let letter = letter(kind, language, HOSTILE, Some(&name));
            let body = letter.html.trim_start_matches("<!doctype html>\n");
            let read = roxmltree::Document::parse(body).unwrap_or_else(|error| panic!("{error}: {body}"));
            let root = read.root_element();
            assert_eq!((root.attribute("lang"), root.attribute("dir")), (Some(tag), Some(direction)));
            let named =
                |wanted: &'static str| read.descendants().filter(move |node| node.has_tag_name(wanted));
            let text: String = read.descendants().filter_map(|node| node.text()).collect();
            assert!(text.contains("<b>Sara</b> & co") && named("b").count() == 0);
            let links: Vec<_> = named("a").filter_map(|link| link.attribute("href")).collect();
            let wanted = letter.text.split_whitespace().filter(|word| word.starts_with("https://"));
            assert_eq!(links, wanted.collect::<Vec<_>>(), "{kind:?}");
            let titles: Vec<_> = named("title").filter_map(|title| title.text()).collect();
            assert_eq!(titles, [letter.subject.as_str()]);
        }
    }
}
