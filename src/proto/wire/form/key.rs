//! Reads bytes as a key of a PHP array: an integer or a name.

use alloc::boxed::Box;

/// A key of a PHP array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A decimal integer in its shortest form, within 64 bits.
    Int(i64),
    /// Any other key, without NUL.
    Bytes(Box<[u8]>),
}

impl Key {
    /// Parses a key: it is an [`integer`] or bytes.
    pub fn parse(bytes: &[u8]) -> Key {
        match integer(bytes) {
            Some(number) => Key::Int(number),
            None => Key::Bytes(bytes.into()),
        }
    }

    /// Whether the key is written like this in a name.
    pub fn is(&self, name: &[u8]) -> bool {
        match self {
            Key::Int(_) => *self == Key::parse(name),
            Key::Bytes(bytes) => **bytes == *name,
        }
    }
}

/// Returns the integer that bytes are as a key: `0` or `-?[1-9][0-9]*` within 64 bits.
pub fn integer(bytes: &[u8]) -> Option<i64> {
    let shortest = match bytes.strip_prefix(b"-").unwrap_or(bytes) {
        [b'0'] => bytes.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let digits = shortest.then_some(bytes)?;
    core::str::from_utf8(digits).ok()?.parse().ok()
}
