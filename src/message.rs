//! Bytes from outside → an SMS. The only way to hold one.
//!
//! Invariant: a [`Number`], [`Sender`] or [`Text`] was checked where it was made and is not
//! checked again.

/// A destination: spec §8.4 (inbound) or §6.1 (outbound).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(String);

/// An originator: digits, or an alphanumeric sender name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(String);

/// The text of an SMS. Inbound it is UTF-8 without NUL; outbound it is the caller's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(Vec<u8>);

/// One SMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who gets it.
    pub to: Number,
    /// Who sent it.
    pub from: Sender,
    /// What it says.
    pub text: Text,
}

/// Why a field is no part of an SMS. The peer's or the caller's fault, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadMessage {
    /// Nothing left after trimming.
    Empty {
        /// Which field: `to`, `from`, `text`.
        field: &'static str,
    },
    /// Longer than its limit; refused, never cut.
    TooLong {
        /// Which field.
        field: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A byte outside the field's alphabet.
    Alphabet {
        /// Which field.
        field: &'static str,
        /// The first such byte.
        byte: u8,
    },
    /// One of Asterisk's special extensions (`s h i t T e o a` alone).
    SpecialExtension,
}

impl Number {
    /// Inbound `to`: trimmed, 1 to 64 bytes of ASCII letters, digits, `+._-`, and no special
    /// extension of Asterisk (spec §8.4).
    pub fn parse_inbound(_raw: &[u8]) -> Result<Number, BadMessage> {
        unimplemented!()
    }

    /// Outbound TO, already reduced to the user part: 1 to 64 of ASCII letters, digits,
    /// `+._-*#` (spec §6.1).
    pub fn parse_outbound(_raw: &[u8]) -> Result<Number, BadMessage> {
        unimplemented!()
    }

    /// The number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Sender {
    /// Inbound `from`: trimmed, 1 to 64 bytes; a character outside letters, digits, `+._-`,
    /// space and `&'@` becomes `_` (spec §8.4).
    pub fn parse_inbound(_raw: &[u8]) -> Result<Sender, BadMessage> {
        unimplemented!()
    }

    /// Outbound FROM: the same alphabet, unchanged; anything else is refused (spec §6.1).
    pub fn parse_outbound(_raw: &[u8]) -> Result<Sender, BadMessage> {
        unimplemented!()
    }

    /// The sender as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Text {
    /// An inbound text: UTF-8 as it is, else read as `charset` (US-ASCII, ISO-8859-1,
    /// windows-1252 known), else as ISO-8859-1; NUL dropped. May be empty.
    pub fn parse_inbound(_raw: &[u8], _charset: Option<&str>) -> Text {
        unimplemented!()
    }

    /// An outbound text: the caller's bytes, not empty.
    pub fn parse_outbound(_raw: &[u8]) -> Result<Text, BadMessage> {
        unimplemented!()
    }

    /// The bytes as given.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
