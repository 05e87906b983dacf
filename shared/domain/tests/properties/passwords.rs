//! Passwords: what is accepted counts to its last byte, and is never changed on the way.

use nova_auth_domain::{
    email::Email,
    password::{MAX_BYTES, Password, PasswordHash, Profile},
};
use proptest::{prelude::*, sample::select};

use crate::cases;

fn typed() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        // What satisfies the CRM's rules, in the length that matters.
        "[A-Z][a-z][0-9][!@#$%]\\PC{3,40}",
        "[A-Z][a-z][0-9][!@#$%][ -~]{60,72}",
        "[A-Z][a-z][0-9][!@#$%]é{30,36}",
    ]
}

fn profile() -> impl Strategy<Value = Profile> {
    select(vec![Profile::Crm, Profile::Nist])
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
        let is_whole = password.verifiable_bytes() == typed.as_bytes() && !typed.contains('\0');
        prop_assert!(is_whole || !is_accepted, "{} bytes, {} count", typed.len(), password.verifiable_bytes().len());
    }

    #[test]
    fn what_is_verified_is_what_was_typed(typed in typed()) {
        let password = Password::new(typed.clone());
        prop_assert_eq!(password.verifiable_bytes(), &typed.as_bytes()[..typed.len().min(MAX_BYTES)]);
    }

    #[test]
    fn a_password_that_is_accepted_keeps_every_rule_of_its_profile(typed in typed(), profile in profile()) {
        let is_accepted = profile.check(&Password::new(typed.clone()), &email()).is_ok();
        if !is_accepted {
            return Ok(());
        }
        let characters = typed.chars().count();
        let has = |kind: fn(char) -> bool| typed.chars().any(kind);
        match profile {
            Profile::Crm => prop_assert!(
                characters >= 8 && has(char::is_uppercase) && has(char::is_lowercase) && has(char::is_numeric)
            ),
            Profile::Nist => prop_assert!(characters >= 15),
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
