//! The parameters that open a door to everybody.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::checklist::SETTINGS;
use super::finding::Finding;

/// Looks at the parameters of a stack.
pub(super) fn look(parameters: &BTreeMap<String, String>) -> Vec<Finding> {
    let value = |name: &str| parameters.get(name).map(String::as_str).unwrap_or_default();
    let mut open = Vec::new();
    if value("NoRules") == "authenticated" {
        open.push(open_by(
            "NoRules",
            "any active user may call every route of an attached API that has no rules yet",
            "deploy with NoRules=deny, and store rules for each API with `nova rules put`",
        ));
    }
    for wide in value("TrustedProxies").split(',').map(str::trim).filter(|network| is_wide(network)) {
        open.push(open_by(
            "TrustedProxies",
            format!(
                "{wide} is trusted to name its clients: anyone who calls from there can claim any address"
            ),
            "list only your own proxies that set X-Forwarded-For themselves",
        ));
    }
    if value("LoginRunAction") == "disable" {
        open.push(open_by(
            "LoginRunAction",
            "a hundred wrong passwords disable an account: anyone who knows an address can lock its owner out",
            "deploy with LoginRunAction=alarm, unless that is what you want",
        ));
    }
    if open.is_empty() {
        let registration = match value("Registration") {
            "open" => "; registration is open, and reveals whether an address is taken",
            _ => "",
        };
        open.push(Finding::pass(SETTINGS, format!("{} parameters{registration}", parameters.len())));
    }
    open
}

fn open_by(parameter: &str, what: impl Into<String>, remedy: &str) -> Finding {
    Finding::fail(SETTINGS, what, remedy).of(parameter)
}

/// Networks of more addresses than anybody has proxies.
fn is_wide(network: &str) -> bool {
    match network.parse() {
        Ok(IpNet::V4(network)) => network.prefix_len() < 16 && !network.network().is_private(),
        Ok(IpNet::V6(network)) => network.prefix_len() < 32,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Outcome;
    use super::*;

    fn outcomes(parameters: &[(&str, &str)]) -> Vec<Outcome> {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        look(&parameters.collect()).iter().map(|finding| finding.outcome).collect()
    }

    #[test]
    fn a_setting_that_opens_a_door_is_named() {
        assert_eq!(outcomes(&[("NoRules", "deny"), ("TrustedProxies", "")]), [Outcome::Pass]);
        assert_eq!(outcomes(&[("NoRules", "authenticated")]), [Outcome::Fail]);
        assert_eq!(outcomes(&[("LoginRunAction", "disable")]), [Outcome::Fail]);
        assert_eq!(outcomes(&[("TrustedProxies", "10.0.0.0/8, 203.0.113.0/24, fd00::/48")]), [Outcome::Pass]);
        assert_eq!(outcomes(&[("TrustedProxies", "0.0.0.0/0,::/0")]), [Outcome::Fail; 2]);
    }
}
