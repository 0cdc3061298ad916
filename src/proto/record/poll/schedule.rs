//! Decides when an interface's list is asked for: at intervals, at once if there is another page, and less
//! and less often while it fails.
//!
//! Times are those of a clock that never jumps, with any starting point.

use core::time::Duration;

use crate::limits::{POLL_PAUSE_MAX, POLL_RETRY_AFTER_MAX};

/// The time at which the next request of an interface is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The interval, `poll`, in whole seconds.
    pub every: Duration,
    due: Duration,
    /// The beginning of the present poll.
    began: Duration,
    failures: u32,
}

impl Schedule {
    /// Returns a schedule whose first request is due at once.
    pub fn new(every: Duration, now: Duration) -> Schedule {
        Schedule {
            every,
            due: now,
            began: now,
            failures: 0,
        }
    }

    /// Returns the time at which the next request is due.
    pub fn due(&self) -> Duration {
        self.due
    }

    /// Whether the last poll failed.
    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// Records that a poll begins.
    pub fn begin(&mut self, now: Duration) {
        self.began = now;
    }

    /// Records that there is another page. Interfaces that were due before go first.
    pub fn go_on(&mut self, now: Duration) {
        self.due = now;
    }

    /// Records that the poll is over. Returns whether the polls before it had failed.
    pub fn succeed(&mut self, now: Duration) -> bool {
        let failed = self.is_failing();
        self.failures = 0;
        self.due = self.began.saturating_add(self.every).max(now);
        failed
    }

    /// Records that the poll failed; the provider may have asked for a pause. Returns whether it is the
    /// first to fail.
    pub fn fail(&mut self, now: Duration, asked_s: u64) -> bool {
        let mut pause_s = self.every.as_secs();
        let most_s = POLL_PAUSE_MAX.as_secs().max(pause_s);
        for _ in 0..self.failures {
            pause_s = pause_s.saturating_mul(2).min(most_s);
        }
        self.failures = self.failures.saturating_add(1);
        let asked_s = asked_s.min(POLL_RETRY_AFTER_MAX.as_secs());
        self.due = now.saturating_add(Duration::from_secs(pause_s.max(asked_s)));
        self.failures == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn pauses_double_up_to_a_quarter_of_an_hour() {
        let mut schedule = Schedule::new(s(60), s(5));
        assert_eq!(schedule.due(), s(5));
        for (nth, pause) in [60, 120, 240, 480, 900, 900, 900].into_iter().enumerate() {
            let is_first = schedule.fail(s(1000), 0);
            assert_eq!((is_first, schedule.due()), (nth == 0, s(1000 + pause)));
        }
        for _ in 0..100 {
            schedule.fail(s(1000), 0);
        }
        assert_eq!(schedule.due(), s(1900));
        schedule.begin(s(2000));
        assert!(schedule.succeed(s(2007)) && !schedule.is_failing());
        assert_eq!(schedule.due(), s(2060));
        assert!(!schedule.succeed(s(2500)));
        assert_eq!(schedule.due(), s(2500));
    }

    #[test]
    fn a_provider_may_ask_for_a_pause() {
        fn check(every: u64, asked: u64, expected: u64) {
            let mut schedule = Schedule::new(s(every), s(0));
            schedule.fail(s(100), asked);
            assert_eq!(schedule.due(), s(100 + expected), "{every} {asked}");
        }
        check(60, 0, 60);
        check(60, 30, 60);
        check(60, 300, 300);
        check(60, 3600, 3600);
        check(60, 86_400, 3600);
        check(60, u64::MAX, 3600);
        check(3600, 0, 3600);
    }

    #[test]
    fn another_page_is_due_at_once() {
        let mut schedule = Schedule::new(s(60), s(0));
        schedule.begin(s(10));
        schedule.go_on(s(12));
        assert_eq!(schedule.due(), s(12));
        schedule.succeed(s(14));
        assert_eq!(schedule.due(), s(70));
    }
}
