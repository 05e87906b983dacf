//! What is sprayed, and which of it a user could have set here.

use nova_auth_domain::{
    email::Email,
    password::{Password, PasswordProfile},
    refusal::Fault,
};

/// What a sprayer tries first, in shapes that a policy with symbols lets pass. Our own choice, after what reports of such attacks name:
/// words for "password", and the season, the year, the company. The policy let users have the first two when this was chosen.
pub(crate) const SPRAYED: [&str; 10] = [
    "Winter2026!",
    "Company2026!",
    "Password1!",
    "P@ssw0rd1",
    "Welcome1!",
    "Welcome2026!",
    "Summer2026!",
    "Qwerty123!",
    "Admin123!",
    "Changeme1!",
];

/// And what somebody goes on with who has read what the policy refuses: the company's own name, a town, a third name, two words, a
/// letter more, two symbols and a date.
pub(crate) const NEXT: [&str; 6] =
    ["Acme2026!", "Riyadh2026!", "Khalid2026!", "WinterSummer1!", "Winter2026!a", "Winter!29112026!"];

/// Why a user cannot set it, if that is so.
pub(crate) fn faults(profile: PasswordProfile, typed: &str) -> Vec<Fault> {
    let email = Email::parse("sara@example.com").expect("an address");
    profile.check(&Password::new(typed.to_owned()), &email).err().unwrap_or_default()
}

/// Whether a user can set it.
pub(crate) fn is_settable(profile: PasswordProfile, typed: &str) -> bool {
    faults(profile, typed).is_empty()
}
