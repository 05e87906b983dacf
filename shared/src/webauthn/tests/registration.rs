use super::{
    forge::{AT, Authenticator, BE, BS, Change, ED, Parts, UP, UV, attestation_object, bytes, text},
    *,
};

fn register(authenticator: &Authenticator, parts: &Parts) -> Result<NewPasskey, PasskeyRefused> {
    us().verify_registration(&challenge(), &authenticator.registration(parts))
}

#[test]
fn a_passkey_of_each_algorithm_is_registered_as_it_says_it_is() {
    for (authenticator, algorithm) in Authenticator::all().into_iter().zip(Algorithm::ALL) {
        let passkey = register(&authenticator, &Parts::registration()).unwrap();
        assert_eq!(passkey.public_key.algorithm(), algorithm);
        assert_eq!(passkey.credential_id, CredentialId::new(&authenticator.id).unwrap());
        assert_eq!((passkey.sign_count, passkey.backup_eligible, passkey.backed_up), (1, true, true));
        let device_bound = Parts::registration().with(|parts| parts.flags = UP | UV | AT);
        let passkey = register(&authenticator, &device_bound).unwrap();
        assert!(!passkey.backup_eligible && !passkey.backed_up);
    }
}

#[test]
fn a_registration_that_is_wrong_in_one_way_is_refused_for_that() {
    use PasskeyRefused as Refused;
    let phone = Authenticator::es256();
    let cases: [(Change, Refused); 18] = [
        (|parts| parts.kind = "password", Refused::NotACredential),
        (|parts| parts.id = Some(vec![5; 32]), Refused::NotACredential),
        (|parts| parts.attested_id = Some(vec![5; 32]), Refused::AnotherPasskey),
        (|parts| parts.client_data["type"] = "webauthn.get".into(), Refused::ClientData),
        (|parts| parts.client_data["challenge"] = "AAAA".into(), Refused::Challenge),
        (|parts| parts.client_data["origin"] = "https://evil.example".into(), Refused::Origin),
        (|parts| parts.client_data["crossOrigin"] = true.into(), Refused::CrossOrigin),
        (|parts| parts.client_data["topOrigin"] = "https://evil.example".into(), Refused::CrossOrigin),
        (|parts| parts.rp_id = "evil.example", Refused::RelyingParty),
        (|parts| parts.flags &= !UP, Refused::UserNotPresent),
        (|parts| parts.flags &= !UV, Refused::UserNotVerified),
        (|parts| parts.flags &= !BE, Refused::Backup),
        (|parts| parts.flags &= !AT, Refused::AuthenticatorData),
        (|parts| parts.flags |= ED, Refused::AuthenticatorData),
        (|parts| parts.extensions = vec![0], Refused::AuthenticatorData),
        (|parts| parts.trailing = vec![0], Refused::AttestationObject),
        (|parts| parts.attested_id = Some(vec![6; 15]), Refused::AuthenticatorData),
        (|parts| parts.attested_id = Some(vec![6; 1024]), Refused::AuthenticatorData),
    ];
    for (number, (change, refused)) in cases.into_iter().enumerate() {
        assert_eq!(register(&phone, &Parts::registration().with(change)), Err(refused), "case {number}");
    }
}

#[test]
fn what_an_authenticator_adds_on_its_own_is_no_reason_to_turn_its_owner_away() {
    // credProtect, which Chrome asks for by itself, and a value that nobody knows.
    let extensions =
        [&[0xa2][..], &text("credProtect"), &[3], &text("x"), &[0x82, 0xf6, 0xfa, 0, 0, 0, 0]].concat();
    let parts = Parts::registration().with(|parts| {
        parts.flags |= ED;
        parts.extensions = extensions.clone();
    });
    let phone = Authenticator::es256();
    assert!(register(&phone, &parts).is_ok());
    for broken in [[&extensions[..], &[0]].concat(), extensions[..4].to_vec(), vec![0xa1, 1, 1], vec![0x80]] {
        let parts = parts.clone().with(|parts| parts.extensions = broken);
        assert_eq!(register(&phone, &parts), Err(PasskeyRefused::AuthenticatorData));
    }
}

/// An attestation that came though none was asked for: no client is turned away for what stands in it.
#[test]
fn an_attestation_is_read_over_and_has_to_be_one() {
    let phone = Authenticator::es256();
    let data = bytes(&phone.authenticator_data(&Parts::registration()));
    let taken = |object: Vec<u8>| {
        let mut json = phone.registration_json(&Parts::registration());
        json["response"]["attestationObject"] =
            base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, object).into();
        let answer: RegistrationResponse = serde_json::from_value(json).unwrap();
        us().verify_registration(&challenge(), &answer).map(drop)
    };
    let fmt = |name: &str| [text("fmt"), text(name)].concat();
    let statement = [text("attStmt"), vec![0xa1], text("sig"), vec![0x41, 0]].concat();
    let auth_data = [text("authData"), data].concat();
    let object = |count: u8, parts: &[&[u8]]| [&[0xa0 | count][..], &parts.concat()].concat();
    let more = [text("epAtt"), vec![0xf4]].concat();
    assert_eq!(taken(object(3, &[&fmt("packed"), &statement, &auth_data])), Ok(()));
    assert_eq!(taken(object(3, &[&auth_data, &statement, &fmt("of tomorrow")])), Ok(()));
    assert_eq!(taken(object(4, &[&fmt("none"), &more, &statement, &auth_data])), Ok(()));
    for broken in [
        object(2, &[&fmt("none"), &auth_data]),
        object(2, &[&statement, &auth_data]),
        object(2, &[&fmt("none"), &statement]),
        object(4, &[&fmt("none"), &fmt("none"), &statement, &auth_data]),
        object(4, &[&fmt("none"), &statement, &auth_data, &auth_data]),
        object(3, &[&fmt("none"), &[&text("attStmt")[..], &[0x80]].concat(), &auth_data]),
        object(3, &[&fmt("none"), &statement, &[&text("authData")[..], &text("text")].concat()]),
        vec![0x80],
        vec![],
    ] {
        assert_eq!(taken(broken), Err(PasskeyRefused::AttestationObject));
    }
    assert_eq!(taken(attestation_object(&[0; 36])), Err(PasskeyRefused::AuthenticatorData));
}

/// Nobody signs a registration without attestation. What a changed byte makes of it is refused, or is a passkey of another model or
/// with another count, which its owner could say anyway.
#[test]
fn a_byte_that_changes_in_a_registration_is_noticed_unless_it_is_one_that_anybody_may_choose() {
    let phone = Authenticator::es256();
    let parts = Parts::registration();
    let right = register(&phone, &parts).unwrap();
    let data = phone.authenticator_data(&parts);
    let mut taken = Vec::new();
    for at in 0..data.len() {
        for bit in 0..8 {
            let mut changed = data.clone();
            changed[at] ^= 1 << bit;
            let mut json = phone.registration_json(&parts);
            json["response"]["attestationObject"] = base64::Engine::encode(
                &base64::engine::general_purpose::URL_SAFE_NO_PAD,
                attestation_object(&changed),
            )
            .into();
            let answer: RegistrationResponse = serde_json::from_value(json).unwrap();
            if let Ok(passkey) = us().verify_registration(&challenge(), &answer) {
                assert_eq!(
                    (&passkey.credential_id, &passkey.public_key),
                    (&right.credential_id, &right.public_key)
                );
                taken.push((at, bit));
            }
        }
    }
    // Flags: the two reserved ones, and whether it is backed up. Then the count and the model.
    let free = |(at, bit): &(usize, u8)| match at {
        32 => [1 << 1, BS, 1 << 5].contains(&(1 << bit)),
        33..=52 => true,
        _ => false,
    };
    let all: Vec<_> = (0..data.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))).filter(free).collect();
    assert_eq!(taken, all);
}
