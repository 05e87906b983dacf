//! A value that calls change while others look at it: what it may have been between two moments, and so what it was for
//! certain.

use std::collections::BTreeSet;

use super::history::{At, SECOND};

/// A write whose caller was not told that it was done may still take effect this long after its answer: a function has 10 to
/// 15 s, its last attempt may be on its way after that, and a proxy holds it for up to 3.
pub(crate) const LATE: At = 40 * SECOND;

/// A change of the value, done at some moment between its begin and its end.
#[derive(Debug, Clone)]
struct Write<V> {
    begin: At,
    /// With [`LATE`] in it where nobody said that it was done.
    end: At,
    /// Whether somebody said so: without that it may never be done.
    sure: bool,
    value: V,
}

/// The value.
#[derive(Debug, Clone)]
pub(crate) struct Register<V> {
    first: V,
    writes: Vec<Write<V>>,
}

impl<V: Ord + Clone> Register<V> {
    pub(crate) fn new(first: V) -> Register<V> {
        Register { first, writes: Vec::new() }
    }

    /// A change whose caller was told that it is done (`sure`), or was not.
    pub(crate) fn write(&mut self, begin: At, end: At, sure: bool, value: V) {
        let end = if sure { end } else { end.saturating_add(LATE) };
        self.writes.push(Write { begin, end, sure, value });
    }

    /// Every value that it may have had at some moment between these.
    ///
    /// The last change that was over before counts; of the others those that may have come after it and before the end.
    pub(crate) fn possible(&self, begin: At, end: At) -> BTreeSet<V> {
        let done = self.writes.iter().filter(|write| write.sure && write.end <= begin);
        let last = done.max_by_key(|write| write.end);
        let since = last.map(|last| last.begin);
        let later = self
            .writes
            .iter()
            .filter(|write| write.begin < end && since.is_none_or(|since| write.end > since))
            .map(|write| write.value.clone());
        let base = last.map_or_else(|| self.first.clone(), |last| last.value.clone());
        later.chain([base]).collect()
    }

    /// The value, if it was the same throughout.
    pub(crate) fn certain(&self, begin: At, end: At) -> Option<V> {
        let mut possible = self.possible(begin, end).into_iter();
        possible.next().filter(|_| possible.next().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_for_certain_only_from_its_answer_on() {
        let mut alive = Register::new(true);
        alive.write(10, 20, true, false);
        assert_eq!(alive.certain(0, 10), Some(true));
        assert_eq!(alive.certain(5, 15), None);
        assert_eq!(alive.certain(15, 30), None, "it began before the answer");
        assert_eq!(alive.certain(20, 30), Some(false));
    }

    #[test]
    fn a_change_that_nobody_confirmed_may_be_done_late_and_may_never_be() {
        let mut alive = Register::new(true);
        alive.write(10, 20, false, false);
        assert_eq!(alive.certain(30, 31), None);
        assert_eq!(alive.certain(20 + 2 * LATE, 21 + 2 * LATE), None);
        // What is confirmed after all that counts alone.
        alive.write(3 * LATE, 3 * LATE + 1, true, true);
        assert_eq!(alive.certain(4 * LATE, 5 * LATE), Some(true));
    }

    #[test]
    fn of_changes_at_the_same_time_either_may_be_the_last() {
        let mut password = Register::new(0);
        password.write(10, 20, true, 1);
        password.write(15, 25, true, 2);
        assert_eq!(password.possible(30, 40), BTreeSet::from([1, 2]));
        password.write(50, 60, true, 3);
        assert_eq!(password.possible(60, 70), BTreeSet::from([3]));
    }
}
