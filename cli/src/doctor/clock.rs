//! The clock of this machine: `nova` writes times with it, into rows, and into keys as the moment from which they sign.

use jiff::SignedDuration;

use super::checklist::CLOCK;
use super::finding::Finding;
use crate::place::call::{Calls, Clocks};

/// What tokens are given when clocks differ.
const LEEWAY: SignedDuration = SignedDuration::from_secs(5);

pub(super) async fn look(calls: &Calls) -> Finding {
    match calls.clocks().await {
        Some(clocks) => judge(clocks),
        None => Finding::unknown(CLOCK, "AWS's response has no time", "is there a network?"),
    }
}

/// AWS tells whole seconds, at some moment between question and answer: only what lies outside of all that is a difference.
fn judge(clocks: Clocks) -> Finding {
    let Clocks { before, theirs, after } = clocks;
    let (earliest, latest) = (theirs, theirs + SignedDuration::from_secs(1));
    let ahead = before.duration_since(latest);
    let behind = earliest.duration_since(after);
    let (off, how) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    if off > LEEWAY {
        let seconds = off.as_secs();
        return Finding::fail(
            CLOCK,
            format!("this machine is {seconds} s {how} AWS"),
            "set the clock (NTP) before you create users or drop keys from here",
        );
    }
    Finding::pass(CLOCK, "no relevant difference")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::finding::Outcome;
    use super::*;

    fn outcome(before: i64, theirs: i64, after: i64) -> Outcome {
        let [before, theirs, after] =
            [before, theirs, after].map(|time| Timestamp::from_second(time).unwrap());
        judge(Clocks { before, theirs, after }).outcome
    }

    #[test]
    fn a_clock_is_wrong_only_if_no_moment_in_between_would_be_right() {
        assert_eq!(outcome(1_000, 1_000, 1_000), Outcome::Pass);
        assert_eq!(outcome(1_000, 1_009, 1_010), Outcome::Pass);
        assert_eq!(outcome(1_000, 994, 1_010), Outcome::Pass);
        assert_eq!(outcome(1_000, 993, 1_010), Outcome::Fail);
        assert_eq!(outcome(1_000, 1_016, 1_010), Outcome::Fail);
    }
}
