//! Many measurements of one thing, and what they come to.

use std::time::Duration;

use serde::Serialize;

/// Measurements of one thing, in milliseconds.
#[derive(Debug, Default, Clone)]
pub(super) struct Sample(Vec<f64>);

/// What measurements come to.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Spread {
    /// How many there were.
    pub(super) runs: usize,
    /// Half of them were no larger.
    pub(super) median: f64,
    /// 99 of 100 were no larger; with fewer than 100 of them, the largest.
    pub(super) p99: f64,
}

impl Sample {
    pub(super) fn add(&mut self, took: Duration) {
        self.add_ms(took.as_secs_f64() * 1000.0);
    }

    pub(super) fn add_ms(&mut self, ms: f64) {
        self.0.push(ms);
    }

    /// `None`, where nothing was measured.
    pub(super) fn spread(&self) -> Option<Spread> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        // The nearest rank.
        let rank = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1));
        Some(Spread { runs: sorted.len(), median: rounded(*rank(50)?), p99: rounded(*rank(99)?) })
    }

    pub(super) fn median(&self) -> Option<f64> {
        self.spread().map(|spread| spread.median)
    }
}

/// To a tenth of a microsecond: nothing here is more exact than that.
pub(super) fn rounded(ms: f64) -> f64 {
    (ms * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: impl IntoIterator<Item = u32>) -> Sample {
        Sample(values.into_iter().map(f64::from).collect())
    }

    #[test]
    fn the_median_and_the_worst_of_a_hundred_are_found_whatever_the_order() {
        let spread = sample((1..=100).rev()).spread().unwrap();
        assert_eq!((spread.runs, spread.median, spread.p99), (100, 50.0, 99.0));
        let few = sample([3, 1, 2]).spread().unwrap();
        assert_eq!((few.median, few.p99), (2.0, 3.0));
    }

    #[test]
    fn nothing_measured_is_no_zero() {
        assert!(sample([]).spread().is_none());
    }
}
