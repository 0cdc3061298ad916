//! Reads an HTTP date as seconds since 1970 (RFC 9110 §5.6.7, all three forms).

use alloc::format;
use alloc::string::String;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const MONTH_DAYS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAY_S: u64 = 86_400;
const YEAR_10000_S: u64 = 253_402_300_800;

/// Returns the seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or
/// `Sun Nov  6 08:49:37 1994`, for the years 1970 to 9999. The name of the day is not checked.
pub fn parse(text: &str) -> Option<u64> {
    let (day, month, year, time) = match text.split_once(", ") {
        Some((_, rest)) => {
            let mut parts = rest.split([' ', '-']);
            let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
            let time = parts.next()?;
            if parts.next() != Some("GMT") || parts.next().is_some() {
                return None;
            }
            (day, month, year, time)
        }
        None => {
            let mut parts = text.split(' ').filter(|part| !part.is_empty());
            let (_, month, day) = (parts.next()?, parts.next()?, parts.next()?);
            let (time, year) = (parts.next()?, parts.next()?);
            if parts.next().is_some() {
                return None;
            }
            (day, month, year, time)
        }
    };
    let month = MONTHS.iter().position(|known| *known == month)?;
    let year = match (number(year)?, year.len()) {
        // The year has two digits: one that seems over fifty years ahead is in the past (RFC 9110). Without
        // a clock here, 70 is the border.
        (short, 2) if short < 70 => short.checked_add(2000)?,
        (short, 2) => short.checked_add(1900)?,
        (year, 4) if year >= 1970 => year,
        _ => return None,
    };
    let mut parts = time.split(':').map(number);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    seconds(year, month, number(day)?, [hour, minute, second])
}

/// Returns the seconds since 1970 of `19941106084937`, which is UTC, for the years 1970 to 9999.
pub fn parse_compact(text: &str) -> Option<u64> {
    if text.len() != 14 {
        return None;
    }
    let two = |at: usize| number(text.get(at..at.saturating_add(2))?);
    let year = number(text.get(..4)?)?;
    let month = usize::try_from(two(4)?.checked_sub(1)?).ok()?;
    if year < 1970 {
        return None;
    }
    seconds(year, month, two(6)?, [two(8)?, two(10)?, two(12)?])
}

/// Returns the date in UTC of a time in seconds since 1970, as `1994-11-06`. Beyond the year 9999 it
/// returns that of 1970.
pub fn day(now_s: u64) -> String {
    let mut left = match now_s {
        YEAR_10000_S.. => 0,
        _ => u32::try_from(now_s / DAY_S).unwrap_or(0),
    };
    let mut year = 1970;
    let mut month = 0;
    loop {
        let days = if is_leap(year) { 366 } else { 365 };
        match left.checked_sub(days) {
            Some(rest) => left = rest,
            None => break,
        }
        year = year.saturating_add(1);
    }
    while let Some(rest) = days_of(month, year).and_then(|days| left.checked_sub(days)) {
        left = rest;
        month = month.saturating_add(1);
    }
    let (month, day) = (month.saturating_add(1), left.saturating_add(1));
    format!("{year:04}-{month:02}-{day:02}")
}

/// Returns the date and the time of seconds since 1970, as `1994-11-06T08:49:37Z` (RFC 3339).
pub fn rfc3339(now_s: u64) -> String {
    let second = u32::try_from(now_s % DAY_S).unwrap_or(0);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{}T{hour:02}:{minute:02}:{:02}Z", day(now_s), second % 60)
}

/// Returns the seconds between 1970 and a time of a day; `month` counts from 0.
fn seconds(year: u32, month: usize, day: u32, [hour, minute, second]: [u32; 3]) -> Option<u64> {
    // Second 60 is a leap second.
    if !(1..=days_of(month, year)?).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut days = day.checked_sub(1)?;
    for past in 1970..year {
        days = days.checked_add(if is_leap(past) { 366 } else { 365 })?;
    }
    for past in 0..month {
        days = days.checked_add(days_of(past, year)?)?;
    }
    let minutes = hour.checked_mul(60)?.checked_add(minute)?;
    let of_day = minutes.checked_mul(60)?.checked_add(second)?;
    u64::from(days)
        .checked_mul(DAY_S)?
        .checked_add(u64::from(of_day))
}

fn days_of(month: usize, year: u32) -> Option<u32> {
    match (month, is_leap(year)) {
        (1, true) => Some(29),
        _ => MONTH_DAYS.get(month).copied(),
    }
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Reads a number of at most four digits and nothing else.
fn number(text: &str) -> Option<u32> {
    let fits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_are_read() {
        fn check(text: &str, expected: Option<u64>) {
            assert_eq!(parse(text), expected, "{text}");
        }
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777));
        check("Sun Nov  6 08:49:37 1994", Some(784_111_777));
        check("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
        check("Tue, 29 Feb 2000 23:59:59 GMT", Some(951_868_799));
        check("Wed, 01 Mar 2000 00:00:00 GMT", Some(951_868_800));
        check("Mon, 23 Nov 2026 12:00:00 GMT", Some(1_795_435_200));
        check("Monday, 23-Nov-26 12:00:00 GMT", Some(1_795_435_200));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799));
        check("Thu, 29 Feb 2001 00:00:00 GMT", None);
        check("Wed, 31 Dec 1969 23:59:59 GMT", None);
        check("Sun, 00 Nov 1994 08:49:37 GMT", None);
        check("Sun, 06 Nov 1994 24:49:37 GMT", None);
        check("Sun, 06 Nov 1994 08:60:37 GMT", None);
        check("Sun, 06 Nov 1994 08:49:61 GMT", None);
        check("Sun, 06 Nov 1994 08:49:37 UTC", None);
        check("Sun, 06 Nov 1994 08:49:37", None);
        check("Sun, 06 nov 1994 08:49:37 GMT", None);
        check("Sun, +6 Nov 1994 08:49:37 GMT", None);
        check("", None);
        check("tomorrow", None);
    }

    #[test]
    fn times_are_written() {
        fn check(now_s: u64, expected: &str) {
            assert_eq!(rfc3339(now_s), expected);
            assert_eq!(day(now_s), expected.get(..10).unwrap_or_default());
        }
        check(0, "1970-01-01T00:00:00Z");
        check(784_111_777, "1994-11-06T08:49:37Z");
        check(951_782_400, "2000-02-29T00:00:00Z");
        check(1_709_164_799, "2024-02-28T23:59:59Z");
        check(1_709_164_800, "2024-02-29T00:00:00Z");
        check(1_735_689_599, "2024-12-31T23:59:59Z");
        check(253_402_300_799, "9999-12-31T23:59:59Z");
        check(253_402_300_800, "1970-01-01T00:00:00Z");
    }
}
