//! Passwords: what is accepted counts to its last byte, and is one password however a keyboard writes it.

use nova_auth_domain::{
    email::Email,
    password::{MAX_BYTES, Password, PasswordHash, PasswordProfile},
};
use proptest::{prelude::*, sample::select};
use unicode_normalization::UnicodeNormalization as _;

use crate::cases;

fn typed() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        // What satisfies the CRM's rules, in the length that matters.
        "[A-Z][a-z][0-9][!@#$%]\\PC{3,40}",
        "[A-Z][a-z][0-9][!@#$%][ -~]{60,72}",
        "[A-Z][a-z][0-9][!@#$%]é{30,36}",
        "[A-Z][a-z][0-9][ -](e\u{301}|\u{627}\u{653}|\u{958}|[\u{1100}-\u{1112}]\u{1161}|\u{323}|\u{301}){3,30}",
    ]
}

/// The form that is hashed, by another library than the product's.
fn normal(typed: &str) -> String {
    typed.nfc().collect()
}

fn profile() -> impl Strategy<Value = PasswordProfile> {
    select(vec![PasswordProfile::Crm, PasswordProfile::Nist])
}

fn email() -> Email {
    Email::parse("Amal.Haddad1!@example.com").unwrap()
}

// Each of them unpacks the list of common passwords.
proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_new_password_counts_to_its_last_byte(typed in typed(), profile in profile()) {
        let password = Password::new(typed.clone());
        let is_accepted = profile.check(&password, &email()).is_ok();
        let is_whole = password.verifiable_bytes() == normal(&typed).as_bytes() && !typed.contains('\0');
        prop_assert!(is_whole || !is_accepted, "{} bytes, {} count", typed.len(), password.verifiable_bytes().len());
    }

    #[test]
    fn what_is_verified_is_the_normal_form_and_what_was_typed_where_that_is_another(typed in typed()) {
        let cut = |text: &str| text.as_bytes()[..text.len().min(MAX_BYTES)].to_vec();
        let password = Password::new(typed.clone());
        let (normal, typed) = (cut(&normal(&typed)), cut(&typed));
        prop_assert_eq!(password.verifiable_bytes(), &normal);
        prop_assert_eq!(password.typed_bytes(), (typed != normal).then_some(&*typed));
    }

    #[test]
    fn canonically_equal_passwords_are_one_and_are_judged_alike(typed in typed(), profile in profile()) {
        let forms = [typed.clone(), typed.nfc().collect(), typed.nfd().collect()].map(Password::new);
        for form in &forms {
            prop_assert_eq!(form.verifiable_bytes(), forms[0].verifiable_bytes());
            prop_assert_eq!(profile.faults(form, None), profile.faults(&forms[0], None));
        }
    }

    #[test]
    fn whatever_is_neither_letter_nor_digit_is_symbol_enough(symbol in any::<char>()) {
        prop_assume!(symbol != '\0' && !symbol.is_alphabetic() && !symbol.is_numeric());
        let typed = format!("Xk1{symbol}qwzjX");
        prop_assert_eq!(PasswordProfile::Crm.faults(&Password::new(typed), None), []);
    }

    #[test]
    fn a_password_that_is_accepted_keeps_every_rule_of_its_profile(typed in typed(), profile in profile()) {
        let is_accepted = profile.check(&Password::new(typed.clone()), &email()).is_ok();
        if !is_accepted {
            return Ok(());
        }
        let typed = normal(&typed);
        let characters = typed.chars().count();
        let has = |kind: fn(char) -> bool| typed.chars().any(kind);
        match profile {
            PasswordProfile::Crm => prop_assert!(
                characters >= 8 && has(char::is_uppercase) && has(char::is_lowercase) && has(char::is_numeric)
            ),
            PasswordProfile::Nist => prop_assert!(characters >= 15),
        }
        prop_assert!(typed.len() <= MAX_BYTES);
    }

    #[test]
    fn the_own_address_is_no_password_in_any_case(capitals in any::<u64>(), profile in profile()) {
        let spelled: String = (0..)
            .zip(email().as_str().chars())
            .map(|(at, c)| if capitals >> at & 1 == 1 { c.to_ascii_uppercase() } else { c })
            .collect();
        prop_assert!(profile.check(&Password::new(spelled), &email()).is_err());
    }

    #[test]
    fn a_hash_is_read_if_and_only_if_bcrypt_would_take_it_and_a_login_would_not_hang(
        version in "2[abxy]|2[abxy]|2[abxy]|2|1",
        cost in "0[3-9]|1[0-6]|[0-9]{1,3}|[+ -][4-9]",
        rest in "[./A-Za-z0-9]{53}|[./A-Za-z0-9]{52,54}|[./A-Za-z0-9]{52}[$ =é]",
    ) {
        let text = format!("${version}${cost}${rest}");
        let costs: Vec<String> = (4..=15).map(|cost| format!("{cost:02}")).collect();
        let is_hash = ["2a", "2b", "2y"].contains(&&*version)
            && costs.contains(&cost)
            && rest.chars().count() == 53
            && rest.chars().all(|c| c.is_ascii_alphanumeric() || "./".contains(c));
        let read = PasswordHash::parse(&text);
        prop_assert_eq!(read.is_ok(), is_hash, "{}", text);
        if let Ok(hash) = read {
            // Bits that say nothing may be cleared, and nothing else may change.
            let differing: Vec<_> =
                hash.as_str().bytes().zip(text.bytes()).enumerate().filter(|(_, (a, b))| a != b).collect();
            prop_assert_eq!(hash.as_str().len(), text.len());
            prop_assert!(differing.iter().all(|(at, _)| [28, 59].contains(at)), "{}", text);
            prop_assert_eq!(PasswordHash::parse(hash.as_str()), Ok(hash));
        }
    }
}
