//! Makes an SMS from outside bytes. There is no other way to make one.
//!
//! Invariant: a [`Number`], [`Sender`] or [`Text`] was checked when it was made and is not checked again.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::limits::NUMBER_BYTES_MAX;

/// A destination, as spec §8.4 (inbound) or §6.1 (outbound) defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(String);

/// An originator: digits, or an alphanumeric sender name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(String);

/// The text of an SMS. An inbound text is UTF-8 without NUL; an outbound one is the caller's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(Vec<u8>);

/// One SMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The destination.
    pub to: Number,
    /// The sender.
    pub from: Sender,
    /// The text.
    pub text: Text,
}

/// The form of numbers in the log (`[websms] log_numbers`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogNumbers {
    /// Numbers are shown whole.
    Whole,
    /// Only the last characters of numbers are shown.
    Masked,
}

impl LogNumbers {
    /// Returns a number or sender as the log may show it. If masked, at most half of it and three bytes
    /// remain: `...160`.
    pub fn show(self, number: &[u8]) -> Cow<'_, [u8]> {
        match self {
            LogNumbers::Whole => Cow::Borrowed(number),
            LogNumbers::Masked => {
                let shown = (number.len() / 2).min(3);
                let hidden = number.len().saturating_sub(shown);
                let shown = number.get(hidden..).unwrap_or_default();
                Cow::Owned([b"...".as_slice(), shown].concat())
            }
        }
    }
}

/// The reason why a field is no part of an SMS. This is always the peer's or the caller's fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadMessage {
    /// The request has no such parameter.
    Missing {
        /// The name of the field: `to`, `from`, `text`.
        field: &'static str,
    },
    /// Nothing is left after trimming.
    Empty {
        /// The name of the field.
        field: &'static str,
    },
    /// The field exceeds its limit; it is refused, never cut.
    TooLong {
        /// The name of the field.
        field: &'static str,
        /// The length of the field.
        bytes: usize,
        /// The limit of the field.
        bytes_max: usize,
    },
    /// A byte is outside the field's alphabet.
    Alphabet {
        /// The name of the field.
        field: &'static str,
        /// The first such byte.
        byte: u8,
    },
    /// The number is an extension that Asterisk runs by itself (`s h i t T e o a failed`).
    SpecialExtension,
    /// There are several messages where one is read, so that the text of one could go to the destination of
    /// another.
    Several,
    /// The request has several destinations, and `own_numbers` holds none of them.
    NotOurs,
    /// It begins with `_`, as a pattern of Asterisk's does.
    Pattern,
    /// It has no character but `-`, which Asterisk ignores.
    NoExtension,
    /// It is not a whole number, and no signature shows where it ends.
    NotWhole {
        /// The name of the field: `to`, `from`.
        field: &'static str,
    },
}

impl BadMessage {
    /// Returns the name of the field at fault: `to`, `from` or `text`.
    pub fn field(&self) -> &'static str {
        match self {
            BadMessage::Missing { field }
            | BadMessage::Empty { field }
            | BadMessage::TooLong { field, .. }
            | BadMessage::Alphabet { field, .. }
            | BadMessage::NotWhole { field } => field,
            BadMessage::SpecialExtension
            | BadMessage::Pattern
            | BadMessage::NoExtension
            | BadMessage::NotOurs
            | BadMessage::Several => "to",
        }
    }
}

/// Shows the fact and the limit, never the value.
impl fmt::Display for BadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadMessage::Missing { field } => write!(f, "no {field}"),
            BadMessage::Empty { field: "text" } => f.write_str(
                "text is empty (Asterisk hands over an empty one above 1023 bytes of SIP)",
            ),
            BadMessage::Empty { field } => write!(f, "{field} is empty"),
            BadMessage::TooLong {
                field,
                bytes,
                bytes_max,
            } => write!(f, "{field} is {bytes} bytes, limit {bytes_max}"),
            BadMessage::Alphabet { field, byte } => {
                write!(f, "{field} holds byte 0x{byte:02x}")
            }
            BadMessage::SpecialExtension => f.write_str("to is a special extension of Asterisk"),
            BadMessage::Several => {
                f.write_str("several messages, and neither each nor a path tells them apart")
            }
            BadMessage::NotOurs => f.write_str("none of its destinations is in own_numbers"),
            BadMessage::Pattern => f.write_str("to begins with _, like a pattern of Asterisk"),
            BadMessage::NoExtension => f.write_str("to has no character but -"),
            BadMessage::NotWhole { field } => {
                write!(f, "{field} is no whole number, as this auth_method demands")
            }
        }
    }
}

impl core::error::Error for BadMessage {}

impl Number {
    /// Parses an inbound `to`: trimmed, 1 to 64 bytes of ASCII letters, digits and `+._-`, and an extension
    /// that may be dialled (spec §8.4).
    ///
    /// `failed` is refused: Asterisk runs it by itself after each try that failed, in the very context that
    /// our call files name, and operators use it to handle such an SMS.
    pub fn parse_inbound(raw: &[u8]) -> Result<Number, BadMessage> {
        let bytes = measured("to", trim(raw))?;
        let number = Number(alphabet("to", bytes, |b| {
            b.is_ascii_alphanumeric() || b"+._-".contains(&b)
        })?);
        // Neither an extension that Asterisk runs by itself nor a pattern begins like most numbers.
        if matches!(bytes, [b'+' | b'0'..=b'9', ..]) {
            return Ok(number);
        }
        let special = ["s", "h", "i", "t", "T", "e", "o", "a", "failed"];
        if special.iter().any(|special| number.is_extension(special)) {
            return Err(BadMessage::SpecialExtension);
        }
        match number.as_str().trim_start_matches('-').as_bytes() {
            [] => Err(BadMessage::NoExtension),
            // Asterisk compares the number with the text of each pattern before it interprets the patterns.
            [b'_', ..] => Err(BadMessage::Pattern),
            _ => Ok(number),
        }
    }

    /// Whether Asterisk takes the number for this extension: it ignores each `-` in both (`ext_cmp_exten`
    /// in `pbx.c`).
    pub fn is_extension(&self, other: &str) -> bool {
        fn compared(text: &str) -> impl Iterator<Item = u8> {
            text.bytes().filter(|byte| *byte != b'-')
        }
        compared(&self.0).eq(compared(other))
    }

    /// Parses an outbound TO that was reduced to the user part: 1 to 64 ASCII letters, digits and `+._-*#`
    /// (spec §6.1).
    pub fn parse_outbound(raw: &[u8]) -> Result<Number, BadMessage> {
        let bytes = measured("to", raw)?;
        let known = |b: u8| b.is_ascii_alphanumeric() || b"+._-*#".contains(&b);
        alphabet("to", bytes, known).map(Number)
    }

    /// Returns the number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Sender {
    /// Parses an inbound `from`: trimmed, at most 64 bytes. A character outside letters, digits, `+._-`,
    /// space and `&'@` becomes `_`, and an empty sender, a hidden number, becomes `anonymous` (spec §8.4).
    ///
    /// A character is one of UTF-8 if all of it is UTF-8, otherwise a byte.
    pub fn parse_inbound(raw: &[u8]) -> Result<Sender, BadMessage> {
        let bytes = match trim(raw) {
            [] => b"anonymous",
            given => measured("from", given)?,
        };
        if let Ok(sender) = alphabet("from", bytes, is_sender_byte) {
            return Ok(Sender(sender));
        }
        let kept = |c: char| u8::try_from(c).ok().filter(|b| is_sender_byte(*b));
        let replaced = |c: char| kept(c).map_or('_', char::from);
        Ok(Sender(match core::str::from_utf8(bytes) {
            Ok(text) => text.chars().map(replaced).collect(),
            Err(_) => bytes.iter().map(|b| replaced(char::from(*b))).collect(),
        }))
    }

    /// Parses an outbound FROM of the same alphabet, unchanged; anything else is refused (spec §6.1).
    pub fn parse_outbound(raw: &[u8]) -> Result<Sender, BadMessage> {
        let bytes = measured("from", raw)?;
        alphabet("from", bytes, is_sender_byte).map(Sender)
    }

    /// Returns the sender as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_sender_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"+._- &'@".contains(&b)
}

impl Text {
    /// Parses an inbound text. UTF-8 is taken unchanged. Other bytes are read as `charset` if that is
    /// US-ASCII, ISO-8859-1 or windows-1252. Otherwise they are UTF-8 that was cut or damaged if at least
    /// one of their characters is a well-formed sequence of several bytes: U+FFFD replaces each ill-formed
    /// part. Otherwise they are read as ISO-8859-1. NUL is dropped. The text may be empty.
    pub fn parse_inbound(raw: &[u8], charset: Option<&str>) -> Text {
        let mut bytes = match core::str::from_utf8(raw) {
            Ok(_) => raw.to_vec(),
            Err(_) => decode(raw, charset.unwrap_or_default()).into_bytes(),
        };
        bytes.retain(|b| *b != 0);
        Text(bytes)
    }

    /// Parses an outbound text: the caller's bytes, not empty.
    pub fn parse_outbound(raw: &[u8]) -> Result<Text, BadMessage> {
        if raw.is_empty() {
            return Err(BadMessage::Empty { field: "text" });
        }
        Ok(Text(raw.to_vec()))
    }

    /// Returns the bytes as given.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the number of characters.
    pub fn chars(&self) -> usize {
        self.to_utf8().chars().count()
    }

    /// Returns the text as characters: bytes that are not UTF-8 are read as ISO-8859-1 (spec §6.4).
    pub fn to_utf8(&self) -> Cow<'_, str> {
        match core::str::from_utf8(&self.0) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(self.0.iter().map(|b| char::from(*b)).collect()),
        }
    }
}

/// Decodes bytes that are not UTF-8. US-ASCII with its high bit set is no US-ASCII, so it is read as
/// ISO-8859-1.
fn decode(raw: &[u8], charset: &str) -> String {
    let is_one_of = |names: &[&str]| names.iter().any(|name| charset.eq_ignore_ascii_case(name));
    let windows = is_one_of(&["windows-1252", "cp1252", "x-cp1252"]);
    let latin = is_one_of(&["iso-8859-1", "iso8859-1", "latin1", "us-ascii", "ascii"]);
    // A byte over 127 in a well-formed part belongs to a sequence of several bytes.
    let is_cut_utf8 = || raw.utf8_chunks().any(|part| !part.valid().is_ascii());
    if !windows && !latin && is_cut_utf8() {
        return String::from_utf8_lossy(raw).into_owned();
    }
    let character = |b: &u8| match b {
        0x80..=0x9f if windows => WINDOWS_1252
            .get(usize::from(b & 0x1f))
            .copied()
            .unwrap_or('\u{fffd}'),
        _ => char::from(*b),
    };
    raw.iter().map(character).collect()
}

/// The characters of windows-1252 from 0x80 to 0x9f. Its five gaps are filled with the control characters
/// of the same numbers, as in the WHATWG Encoding Standard.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Removes blanks, line ends and NUL around the bytes (PHP's `trim`).
pub(crate) fn trim(raw: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0);
    let Some(start) = raw.iter().position(|b| !blank(b)) else {
        return &[];
    };
    let end = raw.iter().rposition(|b| !blank(b)).unwrap_or(start);
    raw.get(start..=end).unwrap_or_default()
}

fn measured<'a>(field: &'static str, raw: &'a [u8]) -> Result<&'a [u8], BadMessage> {
    match raw.len() {
        0 => Err(BadMessage::Empty { field }),
        1..=NUMBER_BYTES_MAX => Ok(raw),
        bytes => Err(BadMessage::TooLong {
            field,
            bytes,
            bytes_max: NUMBER_BYTES_MAX,
        }),
    }
}

/// Returns the bytes as text if each is `known`; `known` must accept ASCII only.
fn alphabet(
    field: &'static str,
    bytes: &[u8],
    known: fn(u8) -> bool,
) -> Result<String, BadMessage> {
    match bytes.iter().find(|b| !known(**b)) {
        Some(byte) => Err(BadMessage::Alphabet { field, byte: *byte }),
        None => Ok(core::str::from_utf8(bytes).unwrap_or_default().into()),
    }
}

#[cfg(test)]
mod tests;
