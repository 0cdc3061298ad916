//! Reads the clock as seconds since 1970, decides whether it is sane, and keeps monotonic deadlines.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Returns the seconds since 1970 by the system's clock; 0 if it is before that. Routers start there: see
/// [`is_sane`].
pub fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Returns microseconds since 1970. They serve as an order only, so the clock need not be right.
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(0))
}

/// Returns [`now_s`] for use in a file: 0 if the clock is not sane.
pub fn stamp_s() -> u64 {
    Some(now_s()).filter(|now_s| is_sane(*now_s)).unwrap_or(0)
}

/// Whether a time of [`now_s`] can be true: it is not before this release's own date (spec §5).
pub fn is_sane(now_s: u64) -> bool {
    now_s >= RELEASE_S
}

/// The release's own date, in seconds since 1970: that of the newest entry of `packaging/changelog`, which
/// is read during compilation, so that one source gives the same binary on any day.
pub const RELEASE_S: u64 = release_s(include_bytes!("../../packaging/changelog"));

/// A time at which something must be over. The system's clock may jump, but this does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The time; `None` if it is further off than the clock can express, so never.
    at: Option<Instant>,
}

impl Deadline {
    /// Returns the deadline after `wait` from now.
    pub fn after(wait: Duration) -> Deadline {
        Deadline {
            at: Instant::now().checked_add(wait),
        }
    }

    /// Returns the end of the first of `shares` equal parts of the remaining time.
    pub fn share(&self, shares: usize) -> Deadline {
        let shares = u32::try_from(shares.max(1)).unwrap_or(u32::MAX);
        match self.left() {
            Some(left) if self.at.is_some() => {
                Deadline::after(left.checked_div(shares).unwrap_or_default())
            }
            _ => *self,
        }
    }

    /// Whether the time has come.
    pub fn is_over(&self) -> bool {
        self.left().is_none()
    }

    /// Returns the remaining time, never zero; `None` when it is over.
    pub fn left(&self) -> Option<Duration> {
        let Some(at) = self.at else {
            return Some(Duration::MAX);
        };
        at.checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
    }
}

/// Reads ` -- NAME <MAIL>  Mon, 23 Nov 2026 00:00:00 +0000`, the first such line of a Debian
/// changelog. A changelog that has none does not compile.
#[expect(
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "run by the compiler alone, where a fault is a build that stops"
)]
const fn release_s(changelog: &[u8]) -> u64 {
    let mut at = 0;
    while !starts_with(changelog, at, b"\n -- ") {
        at += 1;
    }
    while !starts_with(changelog, at, b">  ") {
        at += 1;
    }
    // The ">  Mon, " has 8 bytes.
    at += 8;
    let day = digits(changelog, at, 2);
    let month = month(changelog, at + 3);
    let year = digits(changelog, at + 7, 4);
    let hour = digits(changelog, at + 12, 2);
    let minute = digits(changelog, at + 15, 2);
    let second = digits(changelog, at + 18, 2);
    if !starts_with(changelog, at + 20, b" +0000\n") {
        panic!("the changelog's date is not in UTC");
    }

    let mut days = day - 1;
    let mut passed = 1970;
    while passed < year {
        days += if is_leap(passed) { 366 } else { 365 };
        passed += 1;
    }
    let mut before = 1;
    while before < month {
        days += match before {
            2 if is_leap(year) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        before += 1;
    }
    ((days * 24 + hour) * 60 + minute) * 60 + second
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "run by the compiler alone"
)]
const fn starts_with(bytes: &[u8], from: usize, start: &[u8]) -> bool {
    let mut at = 0;
    while at < start.len() {
        if bytes[from + at] != start[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::as_conversions,
    reason = "run by the compiler alone; a byte always fits"
)]
const fn digits(bytes: &[u8], from: usize, count: usize) -> u64 {
    let mut value = 0;
    let mut at = from;
    while at < from + count {
        if !bytes[at].is_ascii_digit() {
            panic!("no digit where the changelog's date has one");
        }
        value = value * 10 + (bytes[at] - b'0') as u64;
        at += 1;
    }
    value
}

#[expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "run by the compiler alone"
)]
const fn month(bytes: &[u8], from: usize) -> u64 {
    match [bytes[from], bytes[from + 1], bytes[from + 2]] {
        [b'J', b'a', b'n'] => 1,
        [b'F', b'e', b'b'] => 2,
        [b'M', b'a', b'r'] => 3,
        [b'A', b'p', b'r'] => 4,
        [b'M', b'a', b'y'] => 5,
        [b'J', b'u', b'n'] => 6,
        [b'J', b'u', b'l'] => 7,
        [b'A', b'u', b'g'] => 8,
        [b'S', b'e', b'p'] => 9,
        [b'O', b'c', b't'] => 10,
        [b'N', b'o', b'v'] => 11,
        [b'D', b'e', b'c'] => 12,
        _ => panic!("no month where the changelog's date has one"),
    }
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    use super::*;

    #[test]
    fn a_release_date_is_read_from_a_changelog() {
        fn check(date: &str, expected: u64) {
            let changelog = format!(
                "websms (1.0.0) stable; urgency=medium\n\n  * A.\n\n -- N <m@e.x>  {date}\n"
            );
            assert_eq!(release_s(changelog.as_bytes()), expected, "{date}");
        }
        // The expected values come from `date -ud DATE +%s`.
        check("Thu, 01 Jan 1970 00:00:00 +0000", 0);
        check("Mon, 23 Nov 2026 00:00:00 +0000", 1_795_392_000);
        check("Thu, 29 Feb 2024 23:59:59 +0000", 1_709_251_199);
        check("Fri, 01 Mar 2024 00:00:00 +0000", 1_709_251_200);
        check("Tue, 31 Dec 2030 12:34:56 +0000", 1_924_950_896);
        check("Mon, 01 Mar 2100 00:00:00 +0000", 4_107_542_400);
    }

    #[test]
    fn the_newest_entry_counts_and_is_this_release() {
        let two = "a\n\n -- N <m@e.x>  Thu, 01 Jan 1970 00:00:09 +0000\n\n\
                   b\n\n -- N <m@e.x>  Thu, 01 Jan 1970 00:00:01 +0000\n";
        assert_eq!(release_s(two.as_bytes()), 9);
        let changelog = include_str!("../../packaging/changelog");
        let head = concat!("websms (", env!("CARGO_PKG_VERSION"), ") ");
        assert!(changelog.starts_with(head), "no newest entry {head}");
    }

    #[test]
    fn a_clock_is_sane_from_the_release_on() {
        fn check(now_s: u64, expected: bool) {
            assert_eq!(is_sane(now_s), expected, "{now_s}");
        }
        check(0, false);
        check(RELEASE_S - 1, false);
        check(RELEASE_S, true);
        check(RELEASE_S + 1, true);
        check(u64::MAX, true);
    }

    #[test]
    fn a_deadline_ends() {
        assert_eq!(Deadline::after(Duration::ZERO).left(), None);
        let hour = Duration::from_secs(3600);
        let left = Deadline::after(hour).left().unwrap();
        assert!(left <= hour && left > Duration::from_secs(3500), "{left:?}");
        assert!(Deadline::after(Duration::MAX).left().is_some());
    }
}
