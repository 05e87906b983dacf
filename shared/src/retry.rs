//! Trying again, within bounds.
//!
//! `backon` would be a crate for it, and these lines are fewer than what it would take to fit it in: its jitter is as long as the pause at
//! most and comes from a generator of its own, and it repeats errors alone, where DynamoDB also answers that a part was left undone.

use std::{future::Future, time::Duration};

use crate::entropy;

/// How often something is tried again, and how long it is waited for before.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Tries after the first.
    pub times: u32,
    /// The first pause, at least. Each one is twice as long.
    pub first: Duration,
    /// The longest pause, at least.
    pub longest: Duration,
    /// A pause is so many times as long at most, so that two that met do not meet again.
    pub spread: u32,
}

/// The tries of one call.
#[derive(Debug)]
pub struct Tries {
    retry: Retry,
    paused: u32,
}

impl Retry {
    /// For whoever decides by more than an error whether to try again.
    #[must_use]
    pub const fn tries(self) -> Tries {
        Tries { retry: self, paused: 0 }
    }

    /// Calls until it goes well, fails for good, or was tried often enough.
    ///
    /// # Errors
    /// The last one.
    pub async fn past<T, E, F>(self, passes: impl Fn(&E) -> bool, call: impl Fn() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut tries = self.tries();
        loop {
            match call().await {
                Err(error) if passes(&error) => {
                    if !tries.again().await {
                        return Err(error);
                    }
                }
                answered => return answered,
            }
        }
    }

    /// The bounds of the pause after so many others.
    fn pause(self, paused: u32) -> (Duration, Duration) {
        let doubled = 1_u32.checked_shl(paused).unwrap_or(u32::MAX);
        let least = self.first.saturating_mul(doubled).min(self.longest);
        (least, least.saturating_mul(self.spread))
    }
}

impl Tries {
    /// Waits a little while, longer each time. `false`: it was tried often enough.
    pub async fn again(&mut self) -> bool {
        if self.paused >= self.retry.times {
            return false;
        }
        let (least, most) = self.retry.pause(self.paused);
        self.paused += 1;
        tokio::time::sleep(entropy::jitter(least, most)).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const AT_ONCE: Retry = Retry { times: 3, first: Duration::ZERO, longest: Duration::ZERO, spread: 1 };

    async fn failing(passes: bool) -> (Result<(), &'static str>, u32) {
        let calls = Cell::new(0);
        let call = || async {
            calls.set(calls.get() + 1);
            Err("busy")
        };
        (AT_ONCE.past(|_| passes, call).await, calls.get())
    }

    #[tokio::test]
    async fn what_does_not_pass_is_called_once_and_what_goes_on_failing_as_often_as_it_may() {
        assert_eq!(failing(false).await, (Err("busy"), 1));
        assert_eq!(failing(true).await, (Err("busy"), 4));
    }

    #[tokio::test]
    async fn what_goes_well_is_not_called_again() {
        let left = Cell::new(2);
        let call = || async {
            left.set(left.get() - 1);
            if left.get() == 0 { Ok("done") } else { Err("busy") }
        };
        assert_eq!(AT_ONCE.past(|_| true, call).await, Ok("done"));
    }

    #[test]
    fn pauses_double_up_to_the_longest_however_often_it_is_tried() {
        let millis = Duration::from_millis;
        let retry = Retry { times: u32::MAX, first: millis(10), longest: millis(640), spread: 3 };
        assert_eq!(retry.pause(0), (millis(10), millis(30)));
        assert_eq!(retry.pause(5), (millis(320), millis(960)));
        for paused in [6, 7, 31, 32, u32::MAX] {
            assert_eq!(retry.pause(paused), (millis(640), millis(1920)), "{paused}");
        }
    }
}
