//! Reads and writes the `name: value` lines of the program's own files.
//!
//! The version stands first and is handled elsewhere. The fields follow in a fixed order, one per line, so
//! that a file can be read with `cat` and nothing in it can be taken for something else.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// The reason why a file is no record of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRecord {
    /// The first line differs: it is of a later version, or not our file.
    Version,
    /// This line is missing, misplaced or has an invalid value.
    Field(&'static str),
    /// The text behind the lines is shorter than its length.
    Cut,
    /// The text is not escaped as the program escapes it.
    Escape,
    /// There are bytes behind this.
    Leftover(&'static str),
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadRecord::Version => f.write_str("its first line is not of this version"),
            BadRecord::Field(name) => write!(f, "its line {name} is missing or wrong"),
            BadRecord::Cut => f.write_str("it is cut"),
            BadRecord::Escape => f.write_str("its body is not escaped as it was written"),
            BadRecord::Leftover(behind) => write!(f, "something stands behind {behind}"),
        }
    }
}

/// The lines of a file, taken one by one. The first line that is wrong is remembered until [`Fields::end`];
/// its value is empty or 0.
pub struct Fields<'a> {
    /// The bytes that were not taken yet.
    pub rest: &'a [u8],
    /// The name of the first line that is wrong.
    wrong: Option<&'static str>,
}

impl<'a> Fields<'a> {
    /// Returns the lines behind the version.
    pub fn new(rest: &'a [u8]) -> Fields<'a> {
        Fields { rest, wrong: None }
    }

    /// Remembers that a line is wrong.
    pub fn refuse(&mut self, name: &'static str) {
        self.wrong.get_or_insert(name);
    }

    /// Returns a line's value; `None` means that the line is wrong.
    pub fn known<T: Default>(&mut self, name: &'static str, value: Option<T>) -> T {
        value.unwrap_or_else(|| {
            self.refuse(name);
            T::default()
        })
    }

    /// Takes the next line, which must have this name, and returns its value.
    pub fn value(&mut self, name: &'static str) -> &'a [u8] {
        let end = self.rest.iter().position(|b| *b == b'\n');
        let found = end.and_then(|end| {
            let (line, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest.strip_prefix(b"\n").unwrap_or_default();
            let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b": ")?;
            fits(value).then_some(value)
        });
        self.known(name, found)
    }

    /// Takes the next line and returns its value as UTF-8.
    pub fn text(&mut self, name: &'static str) -> &'a str {
        let text = core::str::from_utf8(self.value(name));
        self.known(name, text.ok())
    }

    /// Takes the next line and returns its value, which must be digits only, as a number.
    pub fn number<N: FromStr + Default>(&mut self, name: &'static str) -> N {
        let number = number(self.text(name));
        self.known(name, number)
    }

    /// Takes the next line. A value of `-` is none; any other is parsed.
    pub fn optional<T>(&mut self, name: &'static str, parse: fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name);
        if text == "-" {
            return None;
        }
        let value = parse(text);
        if value.is_none() {
            self.refuse(name);
        }
        value
    }

    /// Returns an error if one of the lines that were read is wrong.
    pub fn end(&self) -> Result<(), BadRecord> {
        match self.wrong {
            None => Ok(()),
            Some(name) => Err(BadRecord::Field(name)),
        }
    }
}

/// Adds a line. Returns `false` if the value holds a control byte and so fits no line.
#[must_use]
pub fn push(file: &mut Vec<u8>, name: &str, value: &[u8]) -> bool {
    file.extend_from_slice(name.as_bytes());
    file.extend_from_slice(b": ");
    file.extend_from_slice(value);
    file.push(b'\n');
    fits(value)
}

/// Adds lines. A value that fits no line is left out; all these values are our own.
pub fn push_all(file: &mut Vec<u8>, lines: &[(&str, &str)]) {
    for (name, value) in lines {
        let start = file.len();
        if !push(file, name, value.as_bytes()) {
            file.truncate(start);
            let _ = push(file, name, b"");
        }
    }
}

/// Reads 16 lower-case hexadecimal digits.
pub fn hex(text: &str) -> Option<u64> {
    let digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let digits = text.len() == 16 && text.bytes().all(digit);
    u64::from_str_radix(text, 16).ok().filter(|_| digits)
}

/// Reads a number that consists of digits only; Rust's parser takes more.
pub fn number<N: FromStr>(text: &str) -> Option<N> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn fits(value: &[u8]) -> bool {
    value.iter().all(|b| !b.is_ascii_control() || *b == b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_in_order() {
        let mut fields = Fields::new(b"a: 1\nb: x\ty\nc: \n\nrest");
        assert_eq!(fields.number::<u32>("a"), 1);
        assert_eq!(fields.value("b"), b"x\ty");
        assert_eq!(fields.text("c"), "");
        assert_eq!(fields.end(), Ok(()));
        assert_eq!(fields.value("d"), b"");
        assert_eq!(fields.value("e"), b"");
        assert_eq!(fields.end(), Err(BadRecord::Field("d")));
        for bad in [
            "", "a: 1", "b: 1\n", "a:1\n", "a: +1\n", "a: \n", "a: 256\n", "a: 1\r\n",
        ] {
            let mut fields = Fields::new(bad.as_bytes());
            assert_eq!(fields.number::<u8>("a"), 0, "{bad:?}");
            assert_eq!(fields.end(), Err(BadRecord::Field("a")), "{bad:?}");
        }
    }

    #[test]
    fn a_value_that_fits_no_line_is_left_out() {
        let mut file = Vec::new();
        push_all(&mut file, &[("a", "1"), ("b", "x\ny"), ("c", "2")]);
        assert_eq!(file, b"a: 1\nb: \nc: 2\n");
    }

    #[test]
    fn sixteen_digits_are_a_number() {
        assert_eq!(hex("00000000000000ff"), Some(255));
        for bad in [
            "",
            "ff",
            "00000000000000fF",
            "+0000000000000ff",
            "000000000000000ff",
        ] {
            assert_eq!(hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_value_with_a_control_byte_fits_no_line() {
        let check = |value: &[u8], expected| {
            assert_eq!(push(&mut Vec::new(), "a", value), expected, "{value:?}");
        };
        check(b"x y", true);
        check(b"x\ty", true);
        check(b"x\ny", false);
        check(b"x\0", false);
        check(b"\x7f", false);
    }
}
