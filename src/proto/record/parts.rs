//! Recognises the parts of one long text, each of which came as a request of its own, and joins them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::limits::{PART_BYTES_MAX, PARTS_MAX};
use crate::message::Message;
use crate::proto::record::fields;
use crate::proto::record::seen::digest;

/// The provider's description of a part: the text that it belongs to, and its place there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The provider's reference of the text.
    pub reference: Vec<u8>,
    /// The number of the part, from 1.
    pub number: usize,
    /// The number of parts of the text.
    pub total: usize,
}

impl Part {
    /// Parses the provider's description. Returns `None` if the request is an SMS of its own.
    pub fn parse(reference: &[u8], number: &[u8], total: &[u8], text: &[u8]) -> Option<Part> {
        let count = |digits| fields::number(core::str::from_utf8(digits).ok()?);
        let (number, total) = (count(number)?, count(total)?);
        let is_part = (1..=total).contains(&number)
            && (2..=PARTS_MAX).contains(&total)
            && text.len() <= PART_BYTES_MAX
            && !reference.is_empty();
        is_part.then(|| Part {
            reference: reference.to_vec(),
            number,
            total,
        })
    }

    /// Returns a digest that identifies the text to which the part belongs.
    pub fn text(&self, interface: &str, message: &Message) -> u64 {
        digest(&[
            interface.as_bytes(),
            message.to.as_str().as_bytes(),
            message.from.as_str().as_bytes(),
            &self.reference,
            format!("{}", self.total).as_bytes(),
        ])
    }
}

/// Behind the name of a part whose text has gone.
const GONE: &str = ".gone";

/// The fields of the name of a part's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartName {
    /// The digest of the text, [`Part::text`].
    pub text: u64,
    /// The id of the request by which the part came.
    pub id: u64,
    /// The digest of the part's contents, [`content`].
    pub content: u64,
    /// The number of the part, from 1.
    pub number: usize,
    /// The number of parts of the text.
    pub total: usize,
}

impl PartName {
    /// Returns the name of the file.
    pub fn file(&self) -> String {
        let PartName {
            text,
            id,
            content,
            number,
            total,
        } = self;
        format!("{text:016x}-{id:016x}-{content:016x}-{number}-{total}")
    }

    /// Returns the name of the file that says that the text of this part, its last one, has gone. A part of the
    /// text gets this name before any is removed.
    pub fn gone_file(&self) -> String {
        self.file() + GONE
    }

    /// Reads such a file's name.
    pub fn parse_gone(file: &str) -> Option<PartName> {
        PartName::parse(file.strip_suffix(GONE)?)
    }

    /// Reads a file's name. Returns `None` if the file is not ours.
    pub fn parse(file: &str) -> Option<PartName> {
        let mut pieces = file.split('-');
        let mut next = || pieces.next();
        let name = PartName {
            text: fields::hex(next()?)?,
            id: fields::hex(next()?)?,
            content: fields::hex(next()?)?,
            number: fields::number(next()?)?,
            total: fields::number(next()?)?,
        };
        let fits = (1..=name.total).contains(&name.number) && name.total <= PARTS_MAX;
        (fits && name.file() == file).then_some(name)
    }
}

/// Returns a digest of a part's contents.
pub fn content(text: &[u8]) -> u64 {
    digest(&[text])
}

/// Joins the parts of a text, which are sorted by their numbers. `[…]` replaces a missing part.
pub fn join(parts: &[(usize, String)], total: usize) -> String {
    let mut text = String::new();
    for number in 1..=total {
        let found = parts.iter().find(|(other, _)| *other == number);
        text.push_str(found.map_or("[…]", |(_, part)| part));
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::message::{Number, Sender, Text};
    use alloc::borrow::ToOwned;

    #[test]
    fn what_is_no_part_is_an_sms_of_its_own() {
        let check = |number: &[u8], total: &[u8], bytes: usize, expected: bool| {
            let text = [b'x'; 2000];
            let text = text.get(..bytes).unwrap();
            let part = Part::parse(b"r", number, total, text);
            assert_eq!(part.is_some(), expected, "{number:?} {total:?} {bytes}");
        };
        check(b"1", b"2", 0, true);
        check(b"16", b"16", 1600, true);
        check(b"16", b"16", 1601, false);
        for (number, total) in [
            ("0", "2"),
            ("3", "2"),
            ("1", "17"),
            ("1", "1"),
            ("", "2"),
            ("1", ""),
            ("+1", "2"),
        ] {
            check(number.as_bytes(), total.as_bytes(), 1, false);
        }
        assert_eq!(Part::parse(b"", b"1", b"2", b"x"), None);
    }

    #[test]
    fn parts_belong_together_by_all_that_names_their_text() {
        let message = |to: &[u8], from: &[u8]| Message {
            to: Number::parse_inbound(to).unwrap(),
            from: Sender::parse_inbound(from).unwrap(),
            text: Text::parse_inbound(b"x", None),
        };
        let part = |reference: &[u8], number: &[u8], total: &[u8]| {
            Part::parse(reference, number, total, b"x").unwrap()
        };
        let text = part(b"r", b"1", b"3").text("i", &message(b"1", b"2"));
        assert_eq!(part(b"r", b"2", b"3").text("i", &message(b"1", b"2")), text);
        for other in [
            part(b"s", b"1", b"3").text("i", &message(b"1", b"2")),
            part(b"r", b"1", b"4").text("i", &message(b"1", b"2")),
            part(b"r", b"1", b"3").text("j", &message(b"1", b"2")),
            part(b"r", b"1", b"3").text("i", &message(b"3", b"2")),
            part(b"r", b"1", b"3").text("i", &message(b"1", b"3")),
        ] {
            assert_ne!(other, text);
        }
    }

    #[test]
    fn a_missing_part_is_shown() {
        let parts = [(1, "a".to_owned()), (3, "c".to_owned())];
        assert_eq!(join(&parts, 3), "a[…]c");
        assert_eq!(join(&parts, 4), "a[…]c[…]");
    }

    #[test]
    fn a_name_comes_back() {
        let name = PartName {
            text: 1,
            id: 2,
            content: 3,
            number: 4,
            total: 16,
        };
        let file = name.file();
        assert_eq!(PartName::parse(&file), Some(name));
        assert_eq!(PartName::parse_gone(&file), None);
        assert_eq!(PartName::parse_gone(&name.gone_file()), Some(name));
        assert_eq!(PartName::parse(&name.gone_file()), None);
        for bad in [
            file.replace("-4-", "-17-"),
            file.replace("-4-", "-04-"),
            format!("{file}-1"),
            String::new(),
        ] {
            assert_eq!(PartName::parse(&bad), None, "{bad}");
        }
    }
}
