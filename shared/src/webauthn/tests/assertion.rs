use super::{
    forge::{AT, Authenticator, BE, BS, Change, ED, Parts, UP, UV, text},
    *,
};

fn log_in(
    authenticator: &Authenticator,
    row: &StoredPasskey,
    parts: &Parts,
) -> Result<Asserted, PasskeyRefused> {
    let expected = Expected::Discovered(user());
    us().verify_assertion(&challenge(), expected, row, &authenticator.assertion(parts))
}

#[test]
fn a_passkey_of_each_algorithm_lets_its_owner_in() {
    for authenticator in Authenticator::all() {
        let row = stored(&authenticator);
        let asserted = log_in(&authenticator, &row, &Parts::assertion()).unwrap();
        assert_eq!(asserted, Asserted { sign_count: 2, backed_up: true });
        let elsewhere = Parts::assertion().with(|parts| parts.flags &= !BS);
        assert!(!log_in(&authenticator, &row, &elsewhere).unwrap().backed_up);
    }
}

#[test]
fn a_login_that_is_wrong_in_one_way_and_rightly_signed_is_refused_for_that() {
    use PasskeyRefused as Refused;
    let cases: [(Change, Refused); 20] = [
        (|parts| parts.kind = "password", Refused::NotACredential),
        (|parts| parts.raw_id = Some(vec![5; 32]), Refused::NotACredential),
        (
            |parts| {
                parts.id = Some(vec![5; 32]);
                parts.raw_id = Some(vec![5; 32]);
            },
            Refused::AnotherPasskey,
        ),
        (|parts| parts.handle = None, Refused::AnotherUser),
        (|parts| parts.handle = Some(vec![1; 16]), Refused::AnotherUser),
        (|parts| parts.handle = Some(vec![]), Refused::AnotherUser),
        (|parts| parts.client_data["type"] = "webauthn.create".into(), Refused::ClientData),
        (|parts| parts.client_data["challenge"] = "AAAA".into(), Refused::Challenge),
        (|parts| parts.client_data["origin"] = "https://evil.example".into(), Refused::Origin),
        (|parts| parts.client_data["crossOrigin"] = true.into(), Refused::CrossOrigin),
        (|parts| parts.client_data["topOrigin"] = "https://evil.example".into(), Refused::CrossOrigin),
        (|parts| parts.rp_id = "evil.example", Refused::RelyingParty),
        (|parts| parts.flags &= !UP, Refused::UserNotPresent),
        (|parts| parts.flags &= !UV, Refused::UserNotVerified),
        (|parts| parts.flags &= !BE, Refused::Backup),
        (|parts| parts.flags &= !(BE | BS), Refused::Backup),
        (|parts| parts.flags |= AT, Refused::AuthenticatorData),
        (|parts| parts.flags |= ED, Refused::AuthenticatorData),
        (|parts| parts.extensions = vec![0], Refused::AuthenticatorData),
        (|parts| parts.signature = Some(vec![0; 70]), Refused::Signature),
    ];
    for authenticator in Authenticator::all() {
        let row = stored(&authenticator);
        for (number, (change, refused)) in cases.iter().enumerate() {
            let parts = Parts::assertion().with(change);
            assert_eq!(log_in(&authenticator, &row, &parts), Err(*refused), "case {number}");
        }
    }
}

#[test]
fn a_passkey_that_may_leave_its_device_since_a_while_is_another() {
    let key = Authenticator::es256();
    let row = StoredPasskey { backup_eligible: false, backed_up: false, ..stored(&key) };
    assert_eq!(log_in(&key, &row, &Parts::assertion()), Err(PasskeyRefused::Backup));
    assert!(log_in(&key, &row, &Parts::assertion().with(|parts| parts.flags = UP | UV)).is_ok());
}

#[test]
fn what_an_authenticator_adds_on_its_own_is_read_over() {
    let key = Authenticator::ed_dsa();
    let parts = Parts::assertion().with(|parts| {
        parts.flags |= ED;
        parts.extensions = [&[0xa1][..], &text("uvm"), &[0x81, 0x83, 2, 4, 2]].concat();
    });
    assert!(log_in(&key, &stored(&key), &parts).is_ok());
}

/// A second factor: who it is is known by the password.
#[test]
fn an_authenticator_need_not_name_a_user_who_is_known_and_may_name_no_other() {
    let key = Authenticator::es256();
    let log_in = |handle: Option<&[u8]>| {
        let parts = Parts::assertion().with(|parts| parts.handle = handle.map(<[u8]>::to_vec));
        us().verify_assertion(&challenge(), Expected::Of(user()), &stored(&key), &key.assertion(&parts))
            .map(drop)
    };
    assert_eq!(log_in(None), Ok(()));
    assert_eq!(log_in(Some(user().as_bytes())), Ok(()));
    assert_eq!(log_in(Some(&[1; 16])), Err(PasskeyRefused::AnotherUser));
}

#[test]
fn a_counter_that_does_not_rise_tells_of_a_copy_and_zero_for_ever_does_not() {
    let key = Authenticator::es256();
    for (before, now, refused) in [
        (0, 0, false),
        (0, 1, false),
        (1, 2, false),
        (1, 900, false),
        (u32::MAX - 1, u32::MAX, false),
        (1, 1, true),
        (7, 6, true),
        (7, 0, true),
        (u32::MAX, 1, true),
    ] {
        let row = StoredPasskey { sign_count: before, ..stored(&key) };
        let said = log_in(&key, &row, &Parts::assertion().with(|parts| parts.count = now));
        let wanted = if refused {
            Err(PasskeyRefused::Cloned)
        } else {
            Ok(Asserted { sign_count: now, backed_up: true })
        };
        assert_eq!(said, wanted, "{before} {now}");
    }
}

/// Whoever can't sign raises no alarm about copies.
#[test]
fn a_wrong_signature_says_nothing_about_copies() {
    let key = Authenticator::es256();
    let parts = Parts::assertion().with(|parts| {
        parts.count = 0;
        parts.signature = Some(vec![0; 70]);
    });
    assert_eq!(log_in(&key, &stored(&key), &parts), Err(PasskeyRefused::Signature));
}

#[test]
fn another_key_does_not_open_whatever_it_signs_with() {
    for owner in Authenticator::all() {
        for mut thief in Authenticator::all() {
            thief.id.clone_from(&owner.id);
            assert_eq!(log_in(&thief, &stored(&owner), &Parts::assertion()), Err(PasskeyRefused::Signature));
        }
    }
}

#[test]
fn not_one_bit_of_what_is_signed_or_of_the_signature_may_change() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    for key in [Authenticator::es256(), Authenticator::ed_dsa()] {
        let row = stored(&key);
        let right = key.assertion_json(&Parts::assertion());
        for member in ["clientDataJSON", "authenticatorData", "signature", "userHandle"] {
            let bytes = URL_SAFE_NO_PAD.decode(right["response"][member].as_str().unwrap()).unwrap();
            for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let (mut changed, mut bytes) = (right.clone(), bytes.clone());
                bytes[at] ^= 1 << bit;
                changed["response"][member] = URL_SAFE_NO_PAD.encode(&bytes).into();
                let answer: AssertionResponse = serde_json::from_value(changed).unwrap();
                let said = us().verify_assertion(&challenge(), Expected::Discovered(user()), &row, &answer);
                assert!(said.is_err(), "{member}: byte {at}, bit {bit}");
            }
            for length in 0..bytes.len() {
                let mut changed = right.clone();
                changed["response"][member] = URL_SAFE_NO_PAD.encode(&bytes[..length]).into();
                let answer: AssertionResponse = serde_json::from_value(changed).unwrap();
                let said = us().verify_assertion(&challenge(), Expected::Discovered(user()), &row, &answer);
                assert!(said.is_err(), "{member}: {length} bytes");
            }
        }
    }
}
