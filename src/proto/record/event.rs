//! Encodes one event, such as an SMS that was sent, as bytes for memory and for other processes.
//!
//! Invariant: an event holds no text of an SMS, and encoded it is at most [`EVENT_BYTES_MAX`] long.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::limits::{EVENT_BYTES_MAX, EVENT_FIELD_BYTES_MAX};

/// An event of one SMS or one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Event<'a> {
    /// The time, seconds since 1970.
    pub time_s: u64,
    /// The direction, `in` or `out`.
    pub way: &'a [u8],
    /// The result in one word.
    pub verdict: &'a [u8],
    /// The sender's number, unmasked.
    pub from: &'a [u8],
    /// The receiver's number, unmasked.
    pub to: &'a [u8],
    /// The interface; empty if there are no indices.
    pub interface: &'a [u8],
    /// The id in the log.
    pub id: &'a [u8],
    /// The reason; empty if it needs no words.
    pub reason: &'a [u8],
}

/// The number of fields of an encoded event: the time and seven others.
const FIELDS: usize = 8;

impl<'a> Event<'a> {
    /// Returns the event with one field per line. A field that is too long is cut, and a control byte in it
    /// becomes a question mark.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        push_decimal(self.time_s, &mut bytes);
        let fields = [
            self.way,
            self.verdict,
            self.from,
            self.to,
            self.interface,
            self.id,
        ];
        for field in fields {
            push(field, EVENT_FIELD_BYTES_MAX, &mut bytes);
        }
        let reason_bytes_max = EVENT_FIELD_BYTES_MAX.saturating_mul(2);
        push(self.reason, reason_bytes_max, &mut bytes);
        bytes
    }

    /// Reads an event; `None` if the bytes are no event.
    pub fn parse(bytes: &'a [u8]) -> Option<Event<'a>> {
        if bytes.len() > EVENT_BYTES_MAX || bytes.split(|b| *b == b'\n').count() != FIELDS {
            return None;
        }
        let mut fields = bytes.split(|b| *b == b'\n');
        let time = core::str::from_utf8(fields.next()?).ok()?;
        Some(Event {
            time_s: time.parse().ok()?,
            way: fields.next()?,
            verdict: fields.next()?,
            from: fields.next()?,
            to: fields.next()?,
            interface: fields.next()?,
            id: fields.next()?,
            reason: fields.next()?,
        })
    }
}

/// Appends a line end and as much of a field as fits. UTF-8 is cut between two characters.
fn push(field: &[u8], bytes_max: usize, bytes: &mut Vec<u8>) {
    let mut end = field.len().min(bytes_max);
    while end > 0 && field.get(end).is_some_and(|b| b & 0xc0 == 0x80) {
        end = end.saturating_sub(1);
    }
    bytes.push(b'\n');
    let shown = field.get(..end).unwrap_or_default().iter();
    bytes.extend(shown.map(|b| if b.is_ascii_control() { b'?' } else { *b }));
}

/// Appends a number in decimal digits.
pub(super) fn push_decimal(number: u64, bytes: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let (mut rest, mut count) = (number, 0_usize);
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or_default());
        (rest, count) = (rest / 10, count.saturating_add(1));
        if rest == 0 {
            break;
        }
    }
    let start = digits.len().saturating_sub(count);
    bytes.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// Returns the two largest units of a length of time: `2d3h`, `5m12s`, `12s`.
pub fn span(span_s: u64) -> String {
    let (days, hours) = (span_s / 86_400, span_s / 3600 % 24);
    let (minutes, seconds) = (span_s / 60 % 60, span_s % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{seconds}s"),
        (0, _, _) => format!("{hours}h{minutes}m"),
        _ => format!("{days}d{hours}h"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_event_comes_back_as_it_was() {
        let event = Event {
            time_s: 1_700_000_000,
            way: b"out",
            verdict: b"SENT",
            from: b"+15550001",
            to: b"+15550002",
            interface: b"kiwi",
            id: b"00000000000000ff",
            reason: b"200",
        };
        assert_eq!(Event::parse(&event.encode()), Some(event));
        let empty = Event::default();
        assert_eq!(empty.encode(), b"0\n\n\n\n\n\n\n");
        assert_eq!(Event::parse(&empty.encode()), Some(empty));
    }

    #[test]
    fn a_field_is_cut_and_begins_no_other() {
        let check = |from: &[u8], expected: &[u8]| {
            let event = Event {
                from,
                ..Event::default()
            };
            let bytes = event.encode();
            assert_eq!(Event::parse(&bytes).unwrap().from, expected);
        };
        check(b"a\nb\0c\x7f", b"a?b?c?");
        let long = "ä".repeat(EVENT_FIELD_BYTES_MAX);
        check(
            long.as_bytes(),
            "ä".repeat(EVENT_FIELD_BYTES_MAX / 2).as_bytes(),
        );
        let odd = ["x", &long].concat();
        let expected = ["x", &"ä".repeat(EVENT_FIELD_BYTES_MAX / 2 - 1)].concat();
        check(odd.as_bytes(), expected.as_bytes());
    }

    #[test]
    fn the_longest_event_fits() {
        let field = [b'x'; 1000].as_slice();
        let longest = Event {
            time_s: u64::MAX,
            way: b"out",
            verdict: b"UNDELIVERED",
            from: field,
            to: field,
            interface: field,
            id: field,
            reason: field,
        };
        let bytes = longest.encode();
        assert!(bytes.len() <= EVENT_BYTES_MAX, "{}", bytes.len());
        assert!(Event::parse(&bytes).is_some());
    }

    #[test]
    fn what_is_no_event_says_nothing() {
        let long = [b"0\n\n\n\n\n\n\n".as_slice(), &[b'x'; EVENT_BYTES_MAX]].concat();
        for bad in [
            b"".as_slice(),
            b"0",
            b"x\n\n\n\n\n\n\n",
            b"0\n\n\n\n\n\n\n\n",
            &long,
        ] {
            assert_eq!(Event::parse(bad), None);
        }
    }

    #[test]
    fn spans() {
        let check = |s: u64, expected: &str| assert_eq!(span(s), expected, "{s}");
        check(0, "0s");
        check(59, "59s");
        check(60, "1m0s");
        check(3_599, "59m59s");
        check(3_600, "1h0m");
        check(86_399, "23h59m");
        check(86_400, "1d0h");
        check(180_000, "2d2h");
    }

    #[test]
    fn decimals() {
        for number in [0, 9, 10, 65_535, u64::MAX] {
            let mut bytes = Vec::new();
            push_decimal(number, &mut bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), number.to_string());
        }
    }
}
