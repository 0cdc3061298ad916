//! Defines the file of a queued SMS, and its name.
//!
//! The file is readable with `cat`: version, one field per line, an empty line, the text. Its name holds
//! everything that must be known without reading every file: the order, the id, and digests of destination
//! and interface.
//!
//! [`super::schedule`] holds the time of the next try; only data that must outlive the process is here.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::limits::{INDEX_BYTES_MAX, QUEUE_REASON_BYTES_MAX};
use crate::message::{Message, Number, Sender, Text};
use crate::proto::record::fields::{self, BadRecord, Fields};
use crate::proto::record::seen::digest;

/// A waiting message, and its tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its id in the log, 16 hexadecimal digits.
    pub id: String,
    /// The interface to try first; empty if there are no indices.
    pub interface: String,
    /// The message to be sent.
    pub message: Message,
    /// The time at which it was queued, seconds since 1970; 0 until the clock is sane.
    pub queued_s: u64,
    /// The number of tries so far that were written down.
    pub tries: u32,
    /// The number of these tries that may have sent it.
    pub unsure: u32,
    /// The number of these tries that the provider forbade for this message alone (403).
    pub forbidden: u32,
    /// The time before which it is not tried, seconds since 1970; 0 for no such limit.
    pub due_s: u64,
    /// The time before which it is not tried over the interfaces after the first, seconds since 1970; 0 for
    /// no such limit.
    pub spare_due_s: u64,
    /// The reason why the last try failed, or why it waits: one line of our own words.
    pub reason: String,
}

/// The first line for a message that no provider forbade and that may go over any interface when it is due.
const VERSION_1: &[u8] = b"websms queue 1\n";
/// The first line for a file that has the lines `forbidden` and `spare`, too.
const VERSION_2: &[u8] = b"websms queue 2\n";

impl Item {
    /// Returns a message that was queued at `queued_s` and never tried.
    pub fn new(id: String, interface: String, message: Message, queued_s: u64) -> Item {
        Item {
            id,
            interface,
            message,
            queued_s,
            tries: 0,
            unsure: 0,
            forbidden: 0,
            due_s: 0,
            spare_due_s: 0,
            reason: String::new(),
        }
    }

    /// Encodes the file. A reason or interface that fits no line is left out; both are our own.
    pub fn encode(&self) -> Vec<u8> {
        let numbers = [
            self.queued_s,
            self.tries.into(),
            self.unsure.into(),
            self.forbidden.into(),
            self.due_s,
            self.spare_due_s,
        ];
        let numbers = numbers.map(|number| number.to_string());
        let [queued_s, tries, unsure, forbidden, due_s, spare_due_s] = numbers;
        let text = self.message.text.as_bytes();
        let lines: [(&str, &str); 12] = [
            ("id", &self.id),
            ("interface", &self.interface),
            ("to", self.message.to.as_str()),
            ("from", self.message.from.as_str()),
            ("queued", &queued_s),
            ("tries", &tries),
            ("unsure", &unsure),
            ("forbidden", &forbidden),
            ("due", &due_s),
            ("spare", &spare_due_s),
            ("reason", &self.reason),
            ("text", &text.len().to_string()),
        ];
        // An older program reads the first version only, so that is written unless it says too little.
        let is_first = self.forbidden == 0 && self.spare_due_s == 0;
        let mut file = if is_first { VERSION_1 } else { VERSION_2 }.to_vec();
        let is_written =
            |line: &&(&str, &str)| !is_first || !matches!(line.0, "forbidden" | "spare");
        for line in lines.iter().filter(is_written) {
            fields::push_all(&mut file, &[*line]);
        }
        file.push(b'\n');
        file.extend_from_slice(text);
        file
    }

    /// Reads a file. Every byte of it must be valid.
    pub fn parse(file: &[u8]) -> Result<Item, BadRecord> {
        let (rest, is_first) = match (file.strip_prefix(VERSION_1), file.strip_prefix(VERSION_2)) {
            (Some(rest), _) => (rest, true),
            (_, Some(rest)) => (rest, false),
            _ => return Err(BadRecord::Version),
        };
        let mut fields = Fields::new(rest);
        let id = fields.text("id");
        if fields::hex(id).is_none() {
            fields.refuse("id");
        }
        let interface = fields.text("interface");
        if interface.len() > INDEX_BYTES_MAX {
            fields.refuse("interface");
        }
        let to = Number::parse_outbound(fields.value("to"));
        let from = Sender::parse_outbound(fields.value("from"));
        let queued_s = fields.number("queued");
        let tries = fields.number("tries");
        let unsure = fields.number("unsure");
        let forbidden = match is_first {
            true => 0,
            false => fields.number("forbidden"),
        };
        let due_s = fields.number("due");
        let spare_due_s = match is_first {
            true => 0,
            false => fields.number("spare"),
        };
        let reason = fields.text("reason");
        if reason.len() > QUEUE_REASON_BYTES_MAX || !reason.is_ascii() {
            fields.refuse("reason");
        }
        let text = text(&mut fields)?;
        Ok(Item {
            id: id.to_owned(),
            interface: interface.to_owned(),
            message: Message {
                to: to.map_err(|_| BadRecord::Field("to"))?,
                from: from.map_err(|_| BadRecord::Field("from"))?,
                text: Text::parse_outbound(text).map_err(|_| BadRecord::Field("text"))?,
            },
            queued_s,
            tries,
            unsure,
            forbidden,
            due_s,
            spare_due_s,
            reason: reason.to_owned(),
        })
    }

    /// Sets the reason why it waits. The reason is cut to the length that the file takes; characters
    /// outside ASCII become `?`.
    pub fn set_reason(&mut self, reason: &str) {
        let shown = |c: char| {
            if c.is_ascii() && !c.is_ascii_control() {
                c
            } else {
                '?'
            }
        };
        self.reason = reason
            .chars()
            .take(QUEUE_REASON_BYTES_MAX)
            .map(shown)
            .collect();
    }

    /// Returns its name with this place in the order.
    pub fn name(&self, order: u64) -> QueueName {
        QueueName {
            order,
            id: self.id.clone(),
            destination: destination(self.message.to.as_str()),
            interface: interface(&self.interface),
        }
    }
}

/// The fields of a queued SMS's name, sorted as its text is: first come, first sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueueName {
    /// The microseconds since 1970 at which it came; more than those of every SMS that was there.
    pub order: u64,
    /// The id of the SMS.
    pub id: String,
    /// The [`destination`] digest of its number.
    pub destination: u64,
    /// The [`interface`] digest of the interface to try first.
    pub interface: u64,
}

impl QueueName {
    /// Returns the name of the file.
    pub fn text(&self) -> String {
        format!(
            "{:016x}-{}-{:016x}-{:016x}",
            self.order, self.id, self.destination, self.interface
        )
    }

    /// Reads a file's name. Returns `None` if the file is not ours.
    pub fn parse(name: &str) -> Option<QueueName> {
        let mut parts = name.split('-');
        let (order, id) = (parts.next()?, parts.next()?);
        let (destination, interface) = (parts.next()?, parts.next()?);
        fields::hex(id)?;
        let name = QueueName {
            order: fields::hex(order)?,
            id: id.to_owned(),
            destination: fields::hex(destination)?,
            interface: fields::hex(interface)?,
        };
        parts.next().is_none().then_some(name)
    }
}

/// Returns the digest of a destination for a name.
pub fn destination(to: &str) -> u64 {
    digest(&[b"to", to.as_bytes()])
}

/// Returns the digest of an interface for a name.
pub fn interface(index: &str) -> u64 {
    digest(&[b"interface", index.as_bytes()])
}

/// Takes the line `text` and returns as many bytes as it says, which must be the rest of the file.
pub fn text<'a>(fields: &mut Fields<'a>) -> Result<&'a [u8], BadRecord> {
    let text_bytes: usize = fields.number("text");
    fields.end()?;
    let rest = fields.rest.strip_prefix(b"\n").ok_or(BadRecord::Cut)?;
    let (text, rest) = rest.split_at_checked(text_bytes).ok_or(BadRecord::Cut)?;
    match rest.is_empty() {
        true => Ok(text),
        false => Err(BadRecord::Leftover("the text")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn item() -> Item {
        Item {
            id: "0123456789abcdef".to_owned(),
            interface: "main".to_owned(),
            message: Message {
                to: Number::parse_outbound(b"+12025550160").unwrap(),
                from: Sender::parse_outbound(b"alice").unwrap(),
                text: Text::parse_outbound(b"a\nb\0\xff \xe2\x82\xac").unwrap(),
            },
            queued_s: 1_795_392_000,
            tries: 2,
            unsure: 1,
            forbidden: 0,
            due_s: 0,
            spare_due_s: 0,
            reason: "provider answered 503".to_owned(),
        }
    }

    const FILE: &[u8] = b"websms queue 1\nid: 0123456789abcdef\ninterface: main\n\
        to: +12025550160\nfrom: alice\nqueued: 1795392000\ntries: 2\nunsure: 1\ndue: 0\n\
        reason: provider answered 503\ntext: 9\n\na\nb\0\xff \xe2\x82\xac";

    #[test]
    fn a_file_says_all_of_an_item() {
        assert_eq!(item().encode(), FILE);
        assert_eq!(Item::parse(FILE), Ok(item()));
        let empty = Item {
            interface: String::new(),
            reason: String::new(),
            ..item()
        };
        assert_eq!(Item::parse(&empty.encode()), Ok(empty));
        let forbidden = Item {
            forbidden: 3,
            spare_due_s: 1_795_392_060,
            ..item()
        };
        let file = forbidden.encode();
        assert!(file.starts_with(b"websms queue 2\nid: "));
        assert!(
            String::from_utf8_lossy(&file)
                .contains("\nunsure: 1\nforbidden: 3\ndue: 0\nspare: 1795392060\n")
        );
        for end in 0..file.len() {
            assert!(Item::parse(file.get(..end).unwrap()).is_err(), "{end}");
        }
        assert_eq!(Item::parse(&file), Ok(forbidden));
    }

    #[test]
    fn every_strict_prefix_and_every_addition_is_refused() {
        for end in 0..FILE.len() {
            assert!(Item::parse(FILE.get(..end).unwrap()).is_err(), "{end}");
        }
        assert_eq!(
            Item::parse(&[FILE, b"x"].concat()),
            Err(BadRecord::Leftover("the text"))
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let file = String::from_utf8_lossy(FILE).replace('\u{fffd}', "?");
        let check = |from: &str, to: &str, expected: BadRecord| {
            assert!(file.contains(from), "{from}");
            let changed = file.replacen(from, to, 1);
            assert_eq!(Item::parse(changed.as_bytes()), Err(expected), "{to}");
        };
        check("queue 1", "queue 2", BadRecord::Field("forbidden"));
        check("queue 1", "queue 3", BadRecord::Version);
        check("websms", "", BadRecord::Version);
        check("id: 0123", "id: 012", BadRecord::Field("id"));
        check(
            "id: 0123456789abcdef",
            "id: 0123456789ABCDEF",
            BadRecord::Field("id"),
        );
        check("to: +1", "to: +1,+2", BadRecord::Field("to"));
        check("to: +12025550160", "to: ", BadRecord::Field("to"));
        check("from: alice", "from: a\x01", BadRecord::Field("from"));
        check("tries: 2", "tries: -2", BadRecord::Field("tries"));
        check("tries: 2", "tries: 4294967296", BadRecord::Field("tries"));
        check(
            "queued: 1795392000",
            "queued: soon",
            BadRecord::Field("queued"),
        );
        check("due: 0\n", "", BadRecord::Field("due"));
        check("text: 9", "text: 10", BadRecord::Cut);
        check("text: 9", "text: 8", BadRecord::Leftover("the text"));
        check("reason: p", "reason: \u{e9}", BadRecord::Field("reason"));
        let long = format!("interface: {}", "x".repeat(INDEX_BYTES_MAX + 1));
        check("interface: main", &long, BadRecord::Field("interface"));
        let none = [FILE.strip_suffix(b"a\nb\0\xff \xe2\x82\xac").unwrap()].concat();
        let none = String::from_utf8(none)
            .unwrap()
            .replace("text: 9", "text: 0");
        assert_eq!(Item::parse(none.as_bytes()), Err(BadRecord::Field("text")));
    }

    #[test]
    fn a_reason_fits_its_line() {
        let check = |reason: &str, expected: &str| {
            let mut item = item();
            item.set_reason(reason);
            assert_eq!(item.reason, expected);
            assert_eq!(Item::parse(&item.encode()), Ok(item));
        };
        check("a\nb \u{e9}", "a?b ?");
        check(
            &"x".repeat(QUEUE_REASON_BYTES_MAX + 1),
            &"x".repeat(QUEUE_REASON_BYTES_MAX),
        );
    }

    #[test]
    fn a_name_says_where_it_goes() {
        let name = item().name(255);
        assert_eq!(QueueName::parse(&name.text()), Some(name.clone()));
        assert!(
            name.text()
                .starts_with("00000000000000ff-0123456789abcdef-")
        );
        assert_eq!(name.destination, destination("+12025550160"));
        assert_ne!(name.destination, interface("+12025550160"));
        let text = name.text();
        for bad in [
            "",
            "x",
            text.get(1..).unwrap(),
            &format!("{text}-"),
            &format!("{text}.bad"),
            &text.to_uppercase(),
            &text.replacen("00", "+0", 1),
        ] {
            assert_eq!(QueueName::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_sort_by_their_order() {
        let mut names: Vec<String> = [3, 256, 1, 16].map(|n| item().name(n).text()).to_vec();
        names.sort();
        let orders: Vec<u64> = names
            .iter()
            .map(|n| QueueName::parse(n).unwrap().order)
            .collect();
        assert_eq!(orders, [1, 3, 16, 256]);
    }
}
