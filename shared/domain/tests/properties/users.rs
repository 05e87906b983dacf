//! Whole users: whoever can be made can be exported, and whoever is exported can be imported as the same.

use std::collections::BTreeSet;

use nova_auth_domain::{
    email::Email,
    name::PersonName,
    password::PasswordHash,
    user::{MAX_PERMISSIONS, Profile, Role, Status, check_permissions},
    user_record::UserRecord,
};
use proptest::{prelude::*, sample::select};
use serde_json::json;

use crate::cases;

fn name() -> impl Strategy<Value = PersonName> {
    let typed = prop_oneof![
        "\\PC{1,200}",
        // The most bytes that a name has, and the most that JSON makes of one.
        "\u{10000}{200}",
        "[\"\\\\/]{200}",
        "[\u{2028}\u{2029}\u{200d}a]{1,200}",
    ];
    typed.prop_filter_map("no name", |typed| PersonName::parse(&typed).ok())
}

fn email() -> impl Strategy<Value = Email> {
    let typed = prop_oneof!["[a-z0-9.+_-]{1,64}@[a-z0-9]{1,20}\\.[a-z]{2,20}", "\\PC{1,40}@example\\.com"];
    typed.prop_filter_map("no address", |typed| Email::parse(&typed).ok())
}

fn permissions() -> impl Strategy<Value = BTreeSet<String>> {
    prop_oneof![
        prop::collection::btree_set("[a-z0-9_-]{1,64}:[a-z0-9_-]{1,64}", 0..10),
        // As many of the longest as there may be.
        (0..=MAX_PERMISSIONS)
            .prop_map(|count| { (0..count).map(|number| format!("{number:0>64}:{number:a>64}")).collect() }),
    ]
}

fn hash() -> impl Strategy<Value = PasswordHash> {
    ("2[aby]", "0[4-9]|1[0-5]", "[./A-Za-z0-9]{53}")
        .prop_map(|(version, cost, rest)| PasswordHash::parse(&format!("${version}${cost}${rest}")).unwrap())
}

fn profile(
    email: &Email,
    name: &PersonName,
    role: &str,
    status: Status,
    permissions: &BTreeSet<String>,
) -> Profile {
    let row = json!({
        "userId": "0190163d-8694-739b-aea5-966c26f8ad90", "email": email.as_str(), "name": name.as_str(),
        "role": role, "status": status, "permissions": permissions, "epoch": 1,
        "createdAt": "2026-01-01T00:00:00Z", "passwordChangedAt": "2026-01-01T00:00:00Z",
    });
    serde_json::from_value(row).unwrap()
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn whoever_can_be_made_is_exported_and_imported_as_the_same(
        email in email(),
        name in name(),
        role in "[a-z0-9_-]{1,32}",
        status in select(vec![Status::Active, Status::Disabled]),
        permissions in permissions(),
        hash in hash(),
    ) {
        prop_assert!(role.parse::<Role>().is_ok() && check_permissions(&permissions).is_ok());
        let user = profile(&email, &name, &role, status, &permissions);
        let exported = UserRecord::of(&user, hash.clone());
        let imported = exported.map(|record| UserRecord::parse(record.to_line().as_bytes()));
        prop_assert!(matches!(imported, Ok(Ok(_))), "{:?}", imported.map(|record| record.map(|_| ())));
        let record = imported.unwrap().unwrap();
        prop_assert_eq!(record.password_hash, hash);
        prop_assert_eq!(profile(&record.email, &record.name, record.role.as_str(), record.status, &record.permissions), user);
    }
}
