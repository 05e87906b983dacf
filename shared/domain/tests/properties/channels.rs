//! Wildcard subscriptions: nobody hears by one what they could not hear channel by channel.

use nova_auth_domain::rules::{Access, Asking, Caching, Operation, Route, Rule, Rules};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::cases;

/// Rules for few channels, so that they meet: public, or for nobody who shows no token.
fn rules() -> impl Strategy<Value = Rules> {
    let path =
        (vec(select(vec!["a", "b", "{id}"]), 0..4), any::<bool>()).prop_map(|(segments, any_depth)| {
            let mut path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
            if any_depth || path.is_empty() {
                path.push_str("/*");
            }
            path
        });
    let operation = select(vec!["SUBSCRIBE", "SUBSCRIBE", "SUBSCRIBE", "PUBLISH", "ANY"]);
    vec((operation, path, any::<bool>()), 1..6).prop_map(|rules| {
        let rule = |(line, (operation, path, public)): (u32, (&str, String, bool))| Rule {
            line,
            route: Route::parse(&format!("{operation} {path}")).unwrap(),
            access: Access { public, ..Access::default() },
        };
        Rules { rules: (1..).zip(rules).map(rule).collect(), caching: Caching::Never }
    })
}

fn channel(segments: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = String> {
    vec(select(vec!["a", "b", "c"]), segments)
        .prop_map(|segments| segments.iter().map(|segment| format!("/{segment}")).collect())
}

fn hears(rules: &Rules, channel: &str) -> bool {
    let nobody = Asking { user: None, address: None, shown: None };
    rules.decide_operation(Operation::Subscribe(channel), nobody).is_allowed()
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn a_wildcard_subscription_opens_no_channel_that_is_closed_alone(
        rules in rules(),
        above in channel(0..3),
        below in vec(channel(1..4), 1..8),
    ) {
        let wildcard = format!("{above}/*");
        if hears(&rules, &wildcard) {
            for channel in below.iter().map(|below| format!("{above}{below}")) {
                prop_assert!(hears(&rules, &channel), "{} lets in to {}", wildcard, channel);
            }
        }
    }

    /// One rule about all of them is enough: without it nobody could subscribe so.
    #[test]
    fn whoever_may_hear_everything_may_say_so(mut rules in rules(), above in channel(0..3)) {
        for rule in &mut rules.rules {
            rule.access.public = true;
        }
        rules.rules.push(Rule {
            line: 9,
            route: Route::parse("SUBSCRIBE /*").unwrap(),
            access: Access { public: true, ..Access::default() },
        });
        let wildcard = format!("{}/*", above);
        prop_assert!(hears(&rules, &wildcard), "{}", wildcard);
    }

    #[test]
    fn what_is_no_channel_is_denied_and_nothing_panics(rules in rules(), channel in "[a-c/*%.{} ]{0,12}") {
        let odd = channel.contains(['%', '.', '{', '}', ' ']) || channel.contains("//");
        prop_assert!(!odd || !hears(&rules, &channel), "{:?}", channel);
    }
}
