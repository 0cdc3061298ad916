//! Limits how many refused requests may be written (spec §8.7): a burst, then one a minute.

use core::time::Duration;

use crate::limits::{KEPT_PAUSE, KEPT_SHARES};

/// The number of requests that may still be written. Time counts from the creation of the allowance.
#[derive(Debug)]
pub struct Allowance {
    left: usize,
    most: usize,
    /// The time up to which minutes have been turned into requests.
    counted: Duration,
}

impl Allowance {
    /// Returns an allowance with a whole burst.
    pub fn new(places: usize) -> Allowance {
        let most = share(places);
        Allowance {
            left: most,
            most,
            counted: Duration::ZERO,
        }
    }

    /// Whether one more request may be written now.
    pub fn is_left(&mut self, now: Duration) -> bool {
        while self.left < self.most && now.saturating_sub(self.counted) >= KEPT_PAUSE {
            self.left = self.left.saturating_add(1);
            self.counted = self.counted.saturating_add(KEPT_PAUSE);
        }
        if self.left == self.most {
            self.counted = now;
        }
        self.left > 0
    }

    /// Records that a request was written.
    pub fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}

/// Returns a quarter of the places, at least one: the share of one address, and the size of a burst.
pub(super) fn share(places: usize) -> usize {
    places.checked_div(KEPT_SHARES).unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks how many of the requests that come at these seconds are written.
    fn check(places: usize, come: &[u64], expected: usize) {
        let mut allowance = Allowance::new(places);
        let mut written = 0_usize;
        for second in come {
            if allowance.is_left(Duration::from_secs(*second)) {
                allowance.spend();
                written = written.saturating_add(1);
            }
        }
        assert_eq!(written, expected, "{places} {come:?}");
    }

    #[test]
    fn a_burst_is_a_quarter_of_the_places() {
        check(32, &[0; 7], 7);
        check(32, &[0; 8], 8);
        check(32, &[0; 20], 8);
        check(1000, &[0; 300], 250);
        check(35, &[0; 20], 8);
        check(36, &[0; 20], 9);
        check(3, &[0; 20], 1);
        check(1, &[0; 20], 1);
        // A late time gives no more than a burst.
        check(32, &[1_000_000; 20], 8);
    }

    #[test]
    fn then_one_a_minute() {
        check(4, &[0, 59], 1);
        check(4, &[0, 60], 2);
        check(4, &[0, 30, 60, 90, 119], 2);
        check(4, &[0, 30, 60, 90, 120], 3);
        check(8, &[0, 0, 0, 59, 60, 60, 61], 3);
        // The rest of a minute counts towards the next one.
        check(8, &[0, 0, 90, 90, 119, 120, 120], 4);
        let all: Vec<u64> = (0..3600).collect();
        check(32, &all, 8 + 59);
    }

    #[test]
    fn silence_gives_a_whole_burst_again_and_no_more() {
        let come = |second: u64| [[0; 20], [second; 20]].concat();
        check(32, &come(7 * 60), 15);
        check(32, &come(8 * 60), 16);
        check(32, &come(86_400), 16);
    }
}
