//! Remembers SMS that were delivered, as lines of a file (spec §8.6).
//!
//! The file is text: `websms seen 2`, then one line per record: the interface, the provider's id, the
//! contents (destination, sender and text) and the request's signature, each as a digest in hexadecimal
//! digits, with `-` if there is no id or no signature. A digest does not reveal a text, a number or a
//! secret. A file of version 1 has no interface and no signature, and can be read as well.
//!
//! Invariant: never more than [`SEEN_MAX`] records of one interface are held, and the oldest goes first;
//! never more than [`SEEN_INTERFACES_MAX`] interfaces have records, and the one that has been silent for
//! longest goes first.

mod print;
mod signature;

use alloc::borrow::ToOwned;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;
use core::num::NonZeroU64;

use crate::limits::{SEEN_INTERFACES_MAX, SEEN_MAX};
pub use print::{Places, Print, digest, digits, interface, parse_digest, proof};
use print::{UNKNOWN, not_zero, number};
pub use signature::{Signature, remembers};

/// The first line of files that are written.
const VERSION: &[u8] = b"websms seen 2\n";

/// The first line of a file whose records are an id and the contents.
const VERSION_1: &[u8] = b"websms seen 1\n";

/// The length of the longest line: four numbers, three blanks and a newline.
const LINE_BYTES_MAX: usize = 60;

/// The length of the longest file that is read.
pub const FILE_BYTES_MAX: usize =
    VERSION.len() + 2 * SEEN_INTERFACES_MAX * SEEN_MAX * LINE_BYTES_MAX;

/// The result of looking up an SMS that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Neither its id nor its signature was seen.
    New,
    /// Its id was seen with other contents.
    OtherContent,
    /// It was delivered before.
    Same,
    /// It was delivered before, and has a new signature now, so it is the provider's own repetition.
    Resigned,
    /// Its signature was seen with other contents, so somebody has recorded a request and moved the borders
    /// of its parameters.
    Recut,
}

/// All records of delivered SMS.
#[derive(Debug, Default)]
pub struct Seen {
    /// The interfaces; the one with the newest record is the last.
    interfaces: Vec<Interface>,
}

#[derive(Debug)]
struct Interface {
    name: u32,
    /// The records, oldest first.
    records: VecDeque<Record>,
}

/// A [`Print`] without its interface, which is stored once for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    id: Option<NonZeroU64>,
    content: u64,
    proof: Option<NonZeroU64>,
}

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The format that is written, so that lines can be added.
    Current,
    /// An older format, so that the file must be written anew.
    Old,
}

/// A fault of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSeen {
    /// The first line differs.
    Version,
    /// This line is no record; lines count from 1.
    Line(usize),
    /// The file ends within a line.
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

impl Record {
    fn of(print: &Print) -> Record {
        Record {
            id: print.id,
            content: print.content,
            proof: print.proof,
        }
    }

    fn push_line(&self, interface: u32, file: &mut Vec<u8>) {
        let optional = |number: Option<NonZeroU64>| number.map_or("-".to_owned(), digits);
        let (id, proof) = (optional(self.id), optional(self.proof));
        let line = format!("{interface:08x} {id} {:016x} {proof}\n", self.content);
        file.extend_from_slice(line.as_bytes());
    }

    /// Reads a line of the current format without its newline: interface and record.
    fn parse(line: &str) -> Option<(u32, Record)> {
        let (interface, line) = line.split_once(' ')?;
        let (id, line) = line.split_once(' ')?;
        let (content, proof) = line.split_once(' ')?;
        let optional = |digits: &str| match digits {
            "-" => Some(None),
            digits => parse_digest(digits).map(Some),
        };
        let record = Record {
            id: optional(id)?,
            content: number(content, 16)?,
            proof: optional(proof)?,
        };
        let interface = number(interface, 8)?;
        Some((u32::try_from(interface).ok()?, record))
    }

    /// Reads a line of version 1.
    fn parse_version_1(line: &str) -> Option<(u32, Record)> {
        let (id, content) = line.split_once(' ')?;
        let record = Record {
            id: Some(not_zero(number(id, 16)?)),
            content: number(content, 16)?,
            proof: None,
        };
        Some((UNKNOWN, record))
    }
}

impl Seen {
    /// Reads a file. All intact records count, whatever is wrong with the file, but none of an unknown
    /// version.
    pub fn parse(file: &[u8]) -> (Seen, Result<Format, BadSeen>) {
        let mut seen = Seen::default();
        let (rest, format) = match (file.strip_prefix(VERSION), file.strip_prefix(VERSION_1)) {
            (Some(rest), _) => (rest, Format::Current),
            (None, Some(rest)) => (rest, Format::Old),
            (None, None) => return (seen, Err(BadSeen::Version)),
        };
        let parse = match format {
            Format::Current => Record::parse,
            Format::Old => Record::parse_version_1,
        };
        let mut result = Ok(format);
        for (line, number) in rest.split_inclusive(|b| *b == b'\n').zip(2..) {
            let Some(line) = line.strip_suffix(b"\n") else {
                result = result.and(Err(BadSeen::Cut));
                break;
            };
            match core::str::from_utf8(line).ok().and_then(parse) {
                Some((interface, record)) => seen.put(interface, record),
                None => result = result.and(Err(BadSeen::Line(number))),
            }
        }
        (seen, result)
    }

    /// Encodes the whole file.
    pub fn encode(&self) -> Vec<u8> {
        let mut file = VERSION.to_vec();
        for interface in &self.interfaces {
            for record in &interface.records {
                record.push_line(interface.name, &mut file);
            }
        }
        file
    }

    /// Returns the length at which the file is written anew, because half of it is forgotten.
    pub fn file_bytes_max(&self) -> usize {
        let lines = self.len().max(SEEN_MAX).saturating_mul(2);
        lines
            .saturating_mul(LINE_BYTES_MAX)
            .saturating_add(VERSION.len())
    }

    /// Returns what is known about an SMS. Its signature counts at `places`.
    pub fn find(&self, print: &Print, places: Places<'_>) -> Known {
        let (mut by_id, mut by_proof) = (Known::New, Known::New);
        let mut is_signed_anew = print.proof.is_some();
        for interface in &self.interfaces {
            let counts = places.hold(interface.name);
            for record in &interface.records {
                let same = record.content == print.content;
                if record.id.is_some() && record.id == print.id && by_id != Known::Same {
                    by_id = if same {
                        Known::Same
                    } else {
                        Known::OtherContent
                    };
                }
                if record.proof.is_some() && record.proof == print.proof {
                    is_signed_anew = false;
                    if counts && by_proof != Known::Same {
                        by_proof = if same { Known::Same } else { Known::Recut };
                    }
                }
            }
        }
        match (by_id, by_proof) {
            (_, Known::Same) => Known::Same,
            (Known::Same, _) if is_signed_anew => Known::Resigned,
            (Known::Same, _) => Known::Same,
            (_, Known::Recut) => Known::Recut,
            (by_id, _) => by_id,
        }
    }

    /// Records an SMS as the newest.
    pub fn push(&mut self, print: &Print) {
        self.put(print.interface, Record::of(print));
    }

    fn put(&mut self, name: u32, record: Record) {
        let at = self.interfaces.iter().position(|it| it.name == name);
        let mut interface = match at {
            Some(at) => self.interfaces.remove(at),
            None => Interface {
                name,
                records: VecDeque::new(),
            },
        };
        if interface.records.len() >= SEEN_MAX {
            interface.records.pop_front();
        }
        interface.records.push_back(record);
        if self.interfaces.len() >= SEEN_INTERFACES_MAX {
            self.interfaces.remove(0);
        }
        self.interfaces.push(interface);
        self.forget_unknown();
    }

    /// Limits the records of version 1 to the places of [`SEEN_MAX`] that all others together leave free,
    /// so that each newer record replaces one of them.
    fn forget_unknown(&mut self) {
        let all = self.len();
        let Some(at) = self.interfaces.iter().position(|it| it.name == UNKNOWN) else {
            return;
        };
        if all <= SEEN_MAX {
            return;
        }
        if let Some(unknown) = self.interfaces.get_mut(at) {
            unknown.records.pop_front();
            if unknown.records.is_empty() {
                self.interfaces.remove(at);
            }
        }
    }

    /// Adds records that are not here yet.
    pub fn merge(&mut self, other: &Seen) {
        for interface in &other.interfaces {
            for record in &interface.records {
                let mut here = self.interfaces.iter();
                let here = here.find(|it| it.name == interface.name);
                if !here.is_some_and(|here| here.records.iter().any(|it| it == record)) {
                    self.put(interface.name, *record);
                }
            }
        }
    }

    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.interfaces.iter().map(|it| it.records.len()).sum()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.interfaces.is_empty()
    }
}

/// Encodes the lines that are added to a file.
pub fn encode_lines(prints: &[Print]) -> Vec<u8> {
    let mut lines = Vec::new();
    for print in prints {
        Record::of(print).push_line(print.interface, &mut lines);
    }
    lines
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
mod tests;
