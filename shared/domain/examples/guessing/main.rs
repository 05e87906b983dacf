//! How many passwords get through the limits in a day, by attack; what that costs those who log in honestly; and what the documented
//! defaults of other products let through. It prints the tables of `docs/guessing.md`, and its tests hold the document to them.
//!
//! ```sh
//! cargo run -p nova-auth-domain --example guessing
//! ```
//!
//! The windows, limits, runs and the password policy are the domain's own. Chance comes from a seed, so that every run prints the same.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a tool of the tests, which may fail where it stands"
)]

mod attack;
mod nova;
mod office;
mod others;
mod policy;
mod tables;

fn main() {
    for table in tables::ALL {
        println!("{}", table());
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn read(file: &str) -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap();
        fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    #[track_caller]
    fn is_in_the_document(table: fn() -> String) {
        let table = table();
        assert!(read("docs/guessing.md").contains(&table), "docs/guessing.md has to say:\n\n{table}");
    }

    #[test]
    fn the_document_says_what_each_attack_gets_through() {
        is_in_the_document(tables::attacks);
    }

    #[test]
    fn the_document_says_what_each_setting_changes() {
        is_in_the_document(tables::settings);
    }

    #[test]
    fn the_document_says_which_sprayed_passwords_a_user_may_have() {
        is_in_the_document(tables::sprayed);
    }

    #[test]
    fn the_document_says_how_an_office_fares() {
        is_in_the_document(tables::offices);
    }

    #[test]
    fn the_document_says_what_other_products_let_through() {
        is_in_the_document(tables::products);
    }

    /// Or the tables would be of a stack that nobody has.
    #[test]
    fn the_simulated_stack_has_the_templates_defaults() {
        let template = read("template.yaml");
        let default = |parameter: &str| -> u32 {
            let (_, own) = template.split_once(&format!("\n  {parameter}:\n")).unwrap();
            let (_, value) = own.split_once("Default: ").unwrap();
            value.lines().next().unwrap().parse().unwrap()
        };
        let limits = nova::DEFAULTS.limits;
        assert_eq!(limits.account.max, default("LoginMaxAttempts"));
        assert_eq!(limits.address.max, default("LoginMaxAttemptsPerAddress"));
        for limit in [limits.account, limits.address] {
            assert_eq!(limit.window.as_secs(), i64::from(default("LoginWindowSeconds")));
        }
        assert_eq!(nova::DEFAULTS.calls_per_second, i64::from(default("HashingCallsPerSecond")));
        assert_eq!(nova::DEFAULTS.locks_threshold, default("LoginLocksThreshold") as usize);
        assert_eq!(nova::DEFAULTS.failures_threshold, default("LoginFailuresThreshold") as usize);
    }
}
