//! An SMS and its provider's id → what is remembered of them, ⇄ a line of a file (spec §8.6).
//!
//! The file is text: `websms seen 1`, then a line a record, oldest first: two numbers of 16 hex
//! digits, one for interface and id, one for destination, sender and text. Nobody can read a text
//! or a number back out of it.
//!
//! Invariant: never more than [`SEEN_MAX`] records are held; the oldest goes first.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::limits::SEEN_MAX;
use crate::message::Message;

/// The file's first line.
const VERSION: &[u8] = b"websms seen 1\n";

/// A record's line: two numbers, a blank, a newline.
const LINE_BYTES: usize = 34;

/// Longest file that is read: twice as many records as are held, which is when it is written anew.
pub const FILE_BYTES_MAX: usize = VERSION.len() + 2 * SEEN_MAX * LINE_BYTES;

/// What is remembered of one SMS: 64 bits of a digest each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// Interface and provider's id.
    pub id: u64,
    /// Destination, sender and text.
    pub content: u64,
}

/// What is known of an SMS that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Its id was never seen.
    New,
    /// Its id was seen with other contents.
    OtherContent,
    /// Its id was seen with the same contents.
    Same,
}

/// What was seen, oldest first.
#[derive(Debug, Default)]
pub struct Seen {
    prints: VecDeque<Print>,
}

/// What a file says.
#[derive(Debug, PartialEq, Eq)]
pub struct Lines {
    /// The records that could be read, oldest first.
    pub prints: Vec<Print>,
    /// What else stands there, the first of it.
    pub fault: Option<BadSeen>,
}

/// Why a file is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSeen {
    /// Its first line is another.
    Version,
    /// A line is no record; lines count from 1.
    Line(usize),
    /// It ends within a line.
    Cut,
}

impl core::fmt::Display for BadSeen {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            BadSeen::Version => f.write_str("its first line is not of this version"),
            BadSeen::Line(number) => write!(f, "line {number} is no record"),
            BadSeen::Cut => f.write_str("its last line is cut"),
        }
    }
}

impl Print {
    /// Of a message with an id.
    pub fn of(interface: &str, id: &[u8], message: &Message) -> Print {
        let (to, from) = (message.to.as_str(), message.from.as_str());
        Print {
            id: digest(&[interface.as_bytes(), id]),
            content: digest(&[to.as_bytes(), from.as_bytes(), message.text.as_bytes()]),
        }
    }

    fn line(self) -> String {
        format!("{:016x} {:016x}\n", self.id, self.content)
    }

    fn parse(line: &[u8]) -> Option<Print> {
        let line = core::str::from_utf8(line).ok()?;
        let (id, content) = line.split_once(' ')?;
        Some(Print {
            id: number(id)?,
            content: number(content)?,
        })
    }
}

/// 16 lower-case hex digits.
fn number(digits: &str) -> Option<u64> {
    let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let whole = digits.len() == 16 && digits.bytes().all(hex);
    u64::from_str_radix(digits, 16).ok().filter(|_| whole)
}

/// 64 bits over fields of which none can reach into the next.
pub(crate) fn digest(fields: &[&[u8]]) -> u64 {
    let mut sha1 = sha1_smol::Sha1::new();
    for field in fields {
        let bytes = u64::try_from(field.len()).unwrap_or(u64::MAX);
        sha1.update(&bytes.to_be_bytes());
        sha1.update(field);
    }
    let digest = sha1.digest().bytes();
    let start = digest.first_chunk::<8>();
    start.map_or(0, |start| u64::from_be_bytes(*start))
}

impl Seen {
    /// What is known of it.
    pub fn find(&self, print: Print) -> Known {
        let mut known = Known::New;
        for seen in self.prints.iter().filter(|seen| seen.id == print.id) {
            if seen.content == print.content {
                return Known::Same;
            }
            known = Known::OtherContent;
        }
        known
    }

    /// Remembers it as the newest; the oldest goes where there are too many.
    pub fn push(&mut self, print: Print) {
        if self.prints.len() >= SEEN_MAX {
            self.prints.pop_front();
        }
        self.prints.push_back(print);
    }

    /// Takes in what another process may have seen: records that are not here yet.
    pub fn merge(&mut self, prints: &[Print]) {
        let newest = prints.len().saturating_sub(SEEN_MAX);
        let alone = self.prints.is_empty();
        for print in prints.get(newest..).unwrap_or_default() {
            if alone || self.find(*print) != Known::Same {
                self.push(*print);
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.prints.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.prints.is_empty()
    }

    /// The whole file.
    pub fn encode(&self) -> Vec<u8> {
        let mut file = VERSION.to_vec();
        for print in &self.prints {
            file.extend_from_slice(print.line().as_bytes());
        }
        file
    }
}

/// What is added to a file.
pub fn encode_lines(prints: &[Print]) -> Vec<u8> {
    let lines = prints.iter().flat_map(|print| print.line().into_bytes());
    lines.collect()
}

/// Reads a file. Whatever is wrong with it, the records that are there count; of another version
/// none does.
pub fn parse(file: &[u8]) -> Lines {
    let mut lines = Lines {
        prints: Vec::new(),
        fault: None,
    };
    let Some(rest) = file.strip_prefix(VERSION) else {
        lines.fault = Some(BadSeen::Version);
        return lines;
    };
    for (line, number) in rest.split_inclusive(|b| *b == b'\n').zip(2..) {
        let Some(record) = line.strip_suffix(b"\n") else {
            lines.fault.get_or_insert(BadSeen::Cut);
            break;
        };
        match Print::parse(record) {
            Some(print) => lines.prints.push(print),
            None => {
                lines.fault.get_or_insert(BadSeen::Line(number));
            }
        }
    }
    lines
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::message::{Number, Sender, Text};

    fn print(id: u64, content: u64) -> Print {
        Print { id, content }
    }

    #[test]
    fn every_field_counts_and_none_reaches_into_the_next() {
        let of = |interface: &str, id: &str, to: &str, from: &str, text: &str| {
            let message = Message {
                to: Number::parse_inbound(to.as_bytes()).unwrap(),
                from: Sender::parse_inbound(from.as_bytes()).unwrap(),
                text: Text::parse_inbound(text.as_bytes(), None),
            };
            Print::of(interface, id.as_bytes(), &message)
        };
        let first = of("a", "bc", "1", "23", "4");
        assert_eq!(of("a", "bc", "1", "23", "4"), first);
        for (other, id_differs) in [
            (of("ab", "c", "1", "23", "4"), true),
            (of("", "abc", "1", "23", "4"), true),
            (of("a", "bd", "1", "23", "4"), true),
            (of("a", "bc", "12", "3", "4"), false),
            (of("a", "bc", "1", "2", "34"), false),
            (of("a", "bc", "1", "23", ""), false),
            (of("a", "bc", "2", "23", "4"), false),
        ] {
            assert_eq!(other.id != first.id, id_differs);
            assert_eq!(other.content != first.content, !id_differs);
        }
    }

    #[test]
    fn the_id_counts_with_its_contents() {
        let mut seen = Seen::default();
        assert_eq!(seen.find(print(1, 1)), Known::New);
        seen.push(print(1, 1));
        seen.push(print(2, 1));
        seen.push(print(1, 2));
        assert_eq!(seen.find(print(1, 1)), Known::Same);
        assert_eq!(seen.find(print(1, 2)), Known::Same);
        assert_eq!(seen.find(print(1, 3)), Known::OtherContent);
        assert_eq!(seen.find(print(2, 2)), Known::OtherContent);
        assert_eq!(seen.find(print(3, 1)), Known::New);
    }

    #[test]
    fn the_oldest_goes_first() {
        let check = |records: u64, first: Known, second: Known| {
            let prints: Vec<Print> = (0..records).map(|n| print(n, n)).collect();
            let (mut pushed, mut merged) = (Seen::default(), Seen::default());
            merged.merge(&prints);
            for print in prints {
                pushed.push(print);
            }
            for seen in [pushed, merged] {
                assert_eq!(seen.find(print(0, 0)), first, "{records}");
                assert_eq!(seen.find(print(1, 1)), second, "{records}");
                assert_eq!(seen.find(print(records - 1, records - 1)), Known::Same);
                assert!(seen.len() <= SEEN_MAX);
            }
        };
        let limit = u64::try_from(SEEN_MAX).unwrap();
        check(limit - 1, Known::Same, Known::Same);
        check(limit, Known::Same, Known::Same);
        check(limit + 1, Known::New, Known::Same);
        check(2 * limit, Known::New, Known::New);
    }

    #[test]
    fn merging_adds_what_is_missing() {
        let mut seen = Seen::default();
        seen.push(print(1, 1));
        seen.merge(&[print(2, 2), print(1, 1), print(3, 3)]);
        assert_eq!(seen.len(), 3);
        assert_eq!(parse(&seen.encode()).prints[0], print(1, 1));
    }

    #[test]
    fn a_file_is_read_as_far_as_it_is_one() {
        let check = |file: &[u8], records: &[Print], fault: Option<BadSeen>| {
            let prints = records.to_vec();
            let shown = String::from_utf8_lossy(file);
            assert_eq!(parse(file), Lines { prints, fault }, "{shown}");
        };
        let (one, two) = (print(1, 0xabc), print(u64::MAX, 0));
        let good = b"websms seen 1\n0000000000000001 0000000000000abc\n\
                     ffffffffffffffff 0000000000000000\n";
        check(good, &[one, two], None);
        check(b"websms seen 1\n", &[], None);
        check(b"", &[], Some(BadSeen::Version));
        check(b"websms seen 1", &[], Some(BadSeen::Version));
        check(b"websms seen 2\n", &[], Some(BadSeen::Version));
        check(b"websms seen 10\n", &[], Some(BadSeen::Version));
        let with = |line: &str| {
            let line = format!("{line}\n0000000000000001 0000000000000abc\n");
            [VERSION, line.as_bytes()].concat()
        };
        for line in [
            "",
            "nonsense",
            "0000000000000001",
            "0000000000000001  0000000000000abc",
            "0000000000000001 0000000000000ABC",
            "0000000000000001 0000000000000abc ",
            "0000000000000001 0000000000000abc\r",
            "+000000000000001 0000000000000abc",
            "1 0000000000000abc",
            "00000000000000001 000000000000abc",
            "\0\0\0\0",
        ] {
            check(&with(line), &[one], Some(BadSeen::Line(2)));
        }
        check(&with("x\ny"), &[one], Some(BadSeen::Line(2)));
        for cut in VERSION.len()..good.len() {
            let whole = (cut - VERSION.len()) / LINE_BYTES;
            let fault = (!(cut - VERSION.len()).is_multiple_of(LINE_BYTES)).then_some(BadSeen::Cut);
            check(&good[..cut], &[one, two][..whole], fault);
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut seen = Seen::default();
        for n in 0..5 {
            seen.push(print(n, !n));
        }
        let mut file = seen.encode();
        file.extend(encode_lines(&[print(7, 8), print(9, 10)]));
        let lines = parse(&file);
        assert_eq!(lines.fault, None);
        assert_eq!(lines.prints.len(), 7);
        assert_eq!(lines.prints[6], print(9, 10));
    }
}
