//! The routes of the authentication API.

use nova_template::{Route, Template};

use crate::template::AUTH;
use crate::workspace;

/// What a stack that sends mail is told.
pub const MAIL: &[(&str, &str)] =
    &[("Mail", "enabled"), ("AppUrl", "https://app.example.com"), ("MailFrom", "no-reply@example.com")];

/// Takes the passkeys of `example.org`.
pub const PASSKEYS: &[(&str, &str)] = &[("MfaPolicy", "optional"), ("PasskeyRpId", "example.org")];

/// What else a stack is told that has every route that there can be.
const OTHERS: &[(&str, &str)] = &[
    ("Tickets", "enabled"),
    ("Introspection", "enabled"),
    ("DeviceCookies", "enabled"),
    ("NewDeviceMail", "enabled"),
    ("BreachedPasswords", "best-effort"),
];

/// The parameters of a stack that has every route that there can be.
pub fn every_route() -> impl Iterator<Item = (&'static str, &'static str)> {
    [MAIL, PASSKEYS, OTHERS].into_iter().flatten().copied()
}

/// Every route of the authentication API that a stack can have.
pub fn routes() -> Vec<Route> {
    let template = Template::load_alone_with(&workspace().join(AUTH), every_route()).unwrap();
    let api = template.apis.into_iter().find(|api| api.logical_id == "AuthApi").unwrap();
    assert!(api.routes.len() > 5, "the routes were not found");
    api.routes
}
