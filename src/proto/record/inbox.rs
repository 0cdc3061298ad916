//! Defines the file of an SMS that came in and waits for Asterisk, its name, and the next step for it.
//!
//! The file is readable with `cat`: version, one field per line, an empty line, the text. Its name holds
//! what changes while the SMS waits: `ORDER-ID-DESTINATION`, then `.PART` if the parts before this one are
//! delivered, then `.MARKER` if the part's call file was moved into Asterisk's spool.
//!
//! MARKER is the random number in a file beside the spool. It changes if a restart empties the spool, or if
//! the spool becomes another folder. So it distinguishes a call file that Asterisk has taken from one that
//! is lost.
//!
//! | state | name | call file | marker | meaning | what is done: [`step`] |
//! |---|---|---|---|---|---|
//! | I1 | in `tmp/` | − | | being written, the provider has no answer | swept when old |
//! | I2 | `ID` | − | | **safe**: fsync file, rename, fsync folder was the instant; 200 | delivered in its turn |
//! | I3 | `ID` | + | | moved, and a death came before the record | recorded |
//! | I4 | `ID.M` | + | M | in the spool, and recorded: a phone may be away | waits |
//! | I5 | `ID.M` | − | M | Asterisk has taken it | its next part is delivered, or it is forgotten |
//! | I6 | `ID.M` | − | another | the spool was emptied | delivered once more |
//! | I7 | `ID.M` | + | another | in a spool whose marker was made anew | recorded anew |
//! | I8 | in `failed/` | | | older than `expire`, or no SMS | the operator's, bounded, oldest dropped |
//!
//! If the spool could not be read whole, nothing is known about a call file, and nothing is done.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::limits::{CALL_FILE_PARTS_MAX, INDEX_BYTES_MAX, QUEUE_REASON_BYTES_MAX};
use crate::message::{Message, Number, Sender, Text};
use crate::proto::record::envelope;
use crate::proto::record::fields::{self, BadRecord, Fields};

/// An SMS that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its id in the log and in the names of its call files.
    pub id: u64,
    /// The interface by which it came.
    pub interface: String,
    /// The message to be delivered.
    pub message: Message,
    /// The time at which it came, seconds since 1970; 0 until the clock is sane.
    pub arrived_s: u64,
    /// The author of its text.
    pub kind: Kind,
    /// The reason why it was given up; empty while it waits.
    pub reason: String,
}

/// The author of an SMS's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody outside wrote it.
    Sms,
    /// The program did: it is a notice that an SMS was not sent.
    Notice,
}

const VERSION: &[u8] = b"websms inbox 1\n";

impl Item {
    /// Encodes the file.
    pub fn encode(&self) -> Vec<u8> {
        let text = self.message.text.as_bytes();
        let notice = match self.kind {
            Kind::Sms => "0",
            Kind::Notice => "1",
        };
        let lines: [(&str, &str); 8] = [
            ("id", &id_text(self.id)),
            ("interface", &self.interface),
            ("to", self.message.to.as_str()),
            ("from", self.message.from.as_str()),
            ("arrived", &self.arrived_s.to_string()),
            ("notice", notice),
            ("reason", &self.reason),
            ("text", &text.len().to_string()),
        ];
        let mut file = VERSION.to_vec();
        fields::push_all(&mut file, &lines);
        file.push(b'\n');
        file.extend_from_slice(text);
        file
    }

    /// Reads a file. Every byte of it must be valid.
    pub fn parse(file: &[u8]) -> Result<Item, BadRecord> {
        let rest = file.strip_prefix(VERSION).ok_or(BadRecord::Version)?;
        let mut fields = Fields::new(rest);
        let id = fields::hex(fields.text("id"));
        let id = fields.known("id", id);
        let interface = fields.text("interface");
        if interface.len() > INDEX_BYTES_MAX {
            fields.refuse("interface");
        }
        let to = Number::parse_inbound(fields.value("to"));
        let from = Sender::parse_inbound(fields.value("from"));
        let arrived_s = fields.number("arrived");
        let notice = fields.value("notice");
        if !matches!(notice, b"0" | b"1") {
            fields.refuse("notice");
        }
        let reason = fields.text("reason");
        if reason.len() > QUEUE_REASON_BYTES_MAX {
            fields.refuse("reason");
        }
        let text = envelope::text(&mut fields)?;
        Ok(Item {
            id,
            interface: interface.to_owned(),
            message: Message {
                to: to.map_err(|_| BadRecord::Field("to"))?,
                from: from.map_err(|_| BadRecord::Field("from"))?,
                text: Text::parse_inbound(text, None),
            },
            arrived_s,
            kind: match notice {
                b"1" => Kind::Notice,
                _ => Kind::Sms,
            },
            reason: reason.to_owned(),
        })
    }

    /// Returns its name with this place in the order, before any of it is delivered.
    pub fn name(&self, order: u64) -> InboxName {
        InboxName {
            order,
            id: self.id,
            destination: destination(&self.message.to),
            part: 1,
            marker: None,
        }
    }
}

/// Returns an id as it is written in the log and in the names of files.
pub fn id_text(id: u64) -> String {
    let mut digits = [0; 16];
    let mut left = id;
    for digit in digits.iter_mut().rev() {
        let value = usize::try_from(left & 0x0f).unwrap_or(0);
        *digit = b"0123456789abcdef".get(value).copied().unwrap_or(b'0');
        left >>= 4;
    }
    core::str::from_utf8(&digits).unwrap_or_default().to_owned()
}

/// Returns the digest of a destination for a name. Destinations that are equal for Asterisk have the same
/// one.
pub fn destination(to: &Number) -> u64 {
    envelope::destination(&to.as_str().replace('-', ""))
}

/// The fields of a file's name, sorted as its text is: first come, first delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InboxName {
    /// The microseconds since 1970 at which it came; more than those of every SMS that was there.
    pub order: u64,
    /// The id of the SMS.
    pub id: u64,
    /// The [`destination`] digest of its number.
    pub destination: u64,
    /// The number, from 1, of the call file that is next, or was moved last.
    pub part: usize,
    /// The marker at the time when that call file was moved; `None` if it was not moved.
    pub marker: Option<u64>,
}

impl InboxName {
    /// Returns the name of the file.
    pub fn text(&self) -> String {
        let InboxName {
            order,
            id,
            destination,
            ..
        } = self;
        let mut text = format!("{order:016x}-{id:016x}-{destination:016x}");
        if self.part > 1 {
            text.push('.');
            text.push_str(&self.part.to_string());
        }
        if let Some(marker) = self.marker {
            text.push('.');
            text.push_str(&id_text(marker));
        }
        text
    }

    /// Reads a file's name. Returns `None` if the file is not ours.
    pub fn parse(name: &str) -> Option<InboxName> {
        let mut pieces = name.split('.');
        let mut stem = pieces.next()?.split('-').map(fields::hex);
        let (order, id, destination) = (stem.next()??, stem.next()??, stem.next()??);
        let (part, marker) = match (pieces.next(), pieces.next()) {
            (None, _) => (1, None),
            (Some(marker), None) if marker.len() > 2 => (1, Some(fields::hex(marker)?)),
            (Some(part), None) => (part_number(part)?, None),
            (Some(part), Some(marker)) => (part_number(part)?, Some(fields::hex(marker)?)),
        };
        let name = InboxName {
            order,
            id,
            destination,
            part,
            marker,
        };
        (stem.next().is_none() && pieces.next().is_none()).then_some(name)
    }
}

/// Reads the number of a part, which the name of a first part does not have.
fn part_number(text: &str) -> Option<usize> {
    let number = fields::number(text)?;
    ((2..=CALL_FILE_PARTS_MAX).contains(&number) && !text.starts_with('0')).then_some(number)
}

/// The next step for an SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Make its call file and move it into the spool when its turn comes.
    Deliver,
    /// Record the marker in the name: its call file is in the spool, and the name has none or another.
    Record,
    /// Wait, because Asterisk has its call file and has not taken it yet.
    Wait,
    /// Go on to the next part, because Asterisk has taken its call file.
    Taken,
}

/// Returns the next step for an SMS. The spool was read whole, `marker` was read after that, and the SMS
/// has a call file in the spool or not.
pub fn step(name: &InboxName, has_call_file: bool, marker: u64) -> Step {
    let is_recorded = name.marker == Some(marker);
    match (has_call_file, is_recorded) {
        (true, true) => Step::Wait,
        (true, false) => Step::Record,
        (false, true) => Step::Taken,
        (false, false) => Step::Deliver,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn item() -> Item {
        Item {
            id: 0x0123_4567_89ab_cdef,
            interface: "main".to_owned(),
            message: Message {
                to: Number::parse_inbound(b"+1202-555").unwrap(),
                from: Sender::parse_inbound(b"Bank & Co").unwrap(),
                text: Text::parse_inbound("a\nb \u{20ac}".as_bytes(), None),
            },
            arrived_s: 1_795_392_000,
            kind: Kind::Sms,
            reason: String::new(),
        }
    }

    const FILE: &str = "websms inbox 1\nid: 0123456789abcdef\ninterface: main\nto: +1202-555\n\
        from: Bank & Co\narrived: 1795392000\nnotice: 0\nreason: \ntext: 7\n\na\nb \u{20ac}";

    #[test]
    fn a_file_says_all_of_an_item() {
        assert_eq!(String::from_utf8_lossy(&item().encode()), FILE);
        assert_eq!(Item::parse(FILE.as_bytes()), Ok(item()));
        let other = Item {
            interface: String::new(),
            message: Message {
                text: Text::parse_inbound(b"", None),
                ..item().message
            },
            arrived_s: 0,
            kind: Kind::Notice,
            reason: "older than expire".to_owned(),
            ..item()
        };
        assert_eq!(Item::parse(&other.encode()), Ok(other));
    }

    #[test]
    fn every_strict_prefix_and_every_addition_is_refused() {
        let file = FILE.as_bytes();
        for end in 0..file.len() {
            assert!(Item::parse(file.get(..end).unwrap()).is_err(), "{end}");
        }
        assert_eq!(
            Item::parse(&[file, b"x"].concat()),
            Err(BadRecord::Leftover("the text"))
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |from: &str, to: &str, expected: BadRecord| {
            assert!(FILE.contains(from), "{from}");
            let changed = FILE.replacen(from, to, 1);
            assert_eq!(Item::parse(changed.as_bytes()), Err(expected), "{to}");
        };
        check("inbox 1", "inbox 2", BadRecord::Version);
        check("websms", "", BadRecord::Version);
        check("id: 0123", "id: 012", BadRecord::Field("id"));
        check("id: 01234567", "id: 0123456G", BadRecord::Field("id"));
        check("to: +1", "to: +1,", BadRecord::Field("to"));
        check("to: +1202-555", "to: failed", BadRecord::Field("to"));
        check("from: B", "from: \x01", BadRecord::Field("from"));
        check("arrived: 1", "arrived: -", BadRecord::Field("arrived"));
        check("notice: 0", "notice: 2", BadRecord::Field("notice"));
        check("reason: \n", "", BadRecord::Field("reason"));
        check("text: 7", "text: 8", BadRecord::Cut);
        check("text: 7", "text: 6", BadRecord::Leftover("the text"));
        let long = format!("interface: {}", "x".repeat(INDEX_BYTES_MAX + 1));
        check("interface: main", &long, BadRecord::Field("interface"));
        let long = format!("reason: {}\n", "x".repeat(QUEUE_REASON_BYTES_MAX + 1));
        check("reason: \n", &long, BadRecord::Field("reason"));
    }

    #[test]
    fn a_name_says_what_was_delivered() {
        const STEM: &str = "00000000000000ff-0123456789abcdef-";
        let name = item().name(255);
        let stem = name.text();
        assert_eq!(stem.strip_prefix(STEM).unwrap().len(), 16);
        let number = |to: &[u8]| Number::parse_inbound(to).unwrap();
        assert_eq!(name.destination, destination(&number(b"+1202555")));
        assert_ne!(name.destination, destination(&number(b"+1202556")));
        let check = |part: usize, marker: Option<u64>, tail: &str| {
            let name = InboxName {
                part,
                marker,
                ..name
            };
            assert_eq!(name.text(), [&stem, tail].concat());
            assert_eq!(InboxName::parse(&name.text()), Some(name));
        };
        check(1, None, "");
        check(1, Some(0xab), ".00000000000000ab");
        check(2, None, ".2");
        check(16, Some(1), ".16.0000000000000001");
        for tail in [
            ".",
            ".1",
            ".17",
            ".02",
            ".+2",
            ".bad",
            ".ab",
            ".2.",
            ".2.3",
            "-",
            "-1",
            ".00000000000000ab.2",
            ".1.00000000000000ab",
            ".00000000000000AB",
        ] {
            assert_eq!(InboxName::parse(&[&stem, tail].concat()), None, "{tail}");
        }
        assert_eq!(InboxName::parse(stem.get(1..).unwrap()), None);
        assert_eq!(InboxName::parse(""), None);
    }

    #[test]
    fn names_sort_by_their_order() {
        let mut names: Vec<String> = [3, 256, 1, 16].map(|n| item().name(n).text()).to_vec();
        names.sort();
        let orders = names.iter().map(|n| InboxName::parse(n).unwrap().order);
        assert_eq!(orders.collect::<Vec<u64>>(), [1, 3, 16, 256]);
    }

    /// Checks the rows I2 to I7 of the table.
    #[test]
    fn each_state_has_its_step() {
        let check = |recorded: Option<u64>, has_call_file: bool, expected: Step| {
            let name = InboxName {
                marker: recorded,
                ..item().name(1)
            };
            assert_eq!(step(&name, has_call_file, 7), expected, "{recorded:?}");
        };
        check(None, false, Step::Deliver);
        check(None, true, Step::Record);
        check(Some(7), true, Step::Wait);
        check(Some(7), false, Step::Taken);
        check(Some(8), false, Step::Deliver);
        check(Some(8), true, Step::Record);
    }
}
