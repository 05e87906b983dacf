//! Windows of attempts: how many places are left, and how long to wait.

use jiff::{SignedDuration, Timestamp};
use nova_auth_domain::{
    attempts::{Entry, IN_FLIGHT, Limit, Quota, Window},
    moment::{Moment, RequestId},
};
use proptest::{collection::vec, prelude::*};

use crate::cases;

/// 2026, in milliseconds.
const BEGUN: i64 = 1_780_000_000_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(BEGUN + ms).unwrap()
}

fn entry(made: i64) -> String {
    let moment = Moment { now: at(made), request: RequestId::new(format!("r#{made}")) };
    Entry::new(&moment).as_str().to_owned()
}

fn limit() -> impl Strategy<Value = Limit> {
    (1_u32..=100, 60_i64..=86_400)
        .prop_map(|(max, seconds)| Limit { max, window: SignedDuration::from_secs(seconds) })
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn whoever_waits_as_long_as_told_is_let_in_and_nobody_waits_a_second_longer(ends in -10_000_i64..100_000_000, now in 0_i64..100_000_000) {
        let window = Window { entries: Vec::new(), ends: at(ends) };
        let wait = window.retry_after(at(now));
        prop_assert!(wait >= SignedDuration::from_secs(1), "told to come back at once");
        prop_assert!(window.is_over(at(now) + wait), "told {} s, and still locked", wait.as_secs());
        let a_second_earlier = at(now) + wait - SignedDuration::from_secs(1);
        prop_assert!(!window.is_over(a_second_earlier) || wait.as_secs() == 1, "told {} s for nothing", wait.as_secs());
        prop_assert_eq!(wait.subsec_nanos(), 0, "a header has whole seconds");
    }

    #[test]
    fn a_place_that_is_taken_is_one_place_less_and_never_less_than_none(limit in limit(), taken in 0_usize..150) {
        let entries: Vec<String> = (0..150).map(entry).take(taken).collect();
        let window = Window { entries, ends: at(0) + limit.window };
        let remaining = window.remaining(limit);
        let max = usize::try_from(limit.max).unwrap();
        prop_assert_eq!(usize::try_from(remaining).unwrap() + taken.min(max), max);
        prop_assert_eq!(Quota::of("account", &window, limit, at(0)).remaining, remaining);
    }

    #[test]
    fn nobody_is_told_a_longer_time_than_a_window_has(limit in limit(), opened in -5_000_i64..5_000, now in prop_oneof![0_i64..5_000, 0_i64..90_000_000]) {
        // Another request's clock may be ahead of this one's.
        let window = Window { entries: Vec::new(), ends: at(opened) + limit.window };
        let told = Quota::of("address", &window, limit, at(now)).resets_in;
        prop_assert!(told >= SignedDuration::from_secs(1) && told <= limit.window, "{} s", told.as_secs());
    }

    #[test]
    fn an_entry_is_in_flight_for_ten_seconds_and_not_for_a_millisecond_longer(made in vec(0_i64..60_000, 1..6), later in 9_990_i64..10_010) {
        let now = made[0] + later;
        let in_flight = i64::try_from(IN_FLIGHT.as_millis()).unwrap();
        let young = made.iter().any(|made| now - made < in_flight);
        let window = Window { entries: made.into_iter().map(entry).collect(), ends: at(900_000) };
        prop_assert_eq!(window.has_entries_in_flight(at(now)), young);
    }

    #[test]
    fn an_entry_that_is_not_ours_is_never_in_flight(text in "[^0-9]\\PC{0,20}", now in 0_i64..90_000) {
        let window = Window { entries: vec![text], ends: at(900_000) };
        prop_assert!(!window.has_entries_in_flight(at(now)));
    }
}
