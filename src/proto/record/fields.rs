//! Reads and writes the `name: value` lines of the program's own files.
//!
//! The version stands first and is handled elsewhere. The fields follow in a fixed order, one per line, so
//! that a file can be read with `cat` and nothing in it can be taken for something else.

use alloc::vec::Vec;
use core::str::FromStr;

/// This line is missing, misplaced or has an invalid value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadField(pub &'static str);

/// The lines of a file, taken one by one.
pub struct Fields<'a> {
    /// The bytes that were not taken yet.
    pub rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Takes the next line, which must have this name, and returns its value.
    pub fn value(&mut self, name: &'static str) -> Result<&'a [u8], BadField> {
        let end = self.rest.iter().position(|b| *b == b'\n');
        let (line, rest) = end
            .and_then(|end| self.rest.split_at_checked(end))
            .ok_or(BadField(name))?;
        self.rest = rest.strip_prefix(b"\n").unwrap_or_default();
        line.strip_prefix(name.as_bytes())
            .and_then(|rest| rest.strip_prefix(b": "))
            .filter(|value| fits(value))
            .ok_or(BadField(name))
    }

    /// Takes the next line and returns its value as UTF-8.
    pub fn text(&mut self, name: &'static str) -> Result<&'a str, BadField> {
        core::str::from_utf8(self.value(name)?).map_err(|_| BadField(name))
    }

    /// Takes the next line and returns its value, which must be digits only, as a number.
    pub fn number<N: FromStr>(&mut self, name: &'static str) -> Result<N, BadField> {
        number(self.text(name)?).ok_or(BadField(name))
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
        let mut fields = Fields {
            rest: b"a: 1\nb: x\ty\nc: \n\nrest",
        };
        assert_eq!(fields.number("a"), Ok(1_u32));
        assert_eq!(fields.value("b"), Ok(b"x\ty".as_slice()));
        assert_eq!(fields.text("c"), Ok(""));
        assert_eq!(fields.value("d"), Err(BadField("d")));
        let check = |file: &[u8]| Fields { rest: file }.number::<u8>("a");
        for bad in [
            "", "a: 1", "b: 1\n", "a:1\n", "a: +1\n", "a: \n", "a: 256\n", "a: 1\r\n",
        ] {
            assert_eq!(check(bad.as_bytes()), Err(BadField("a")), "{bad:?}");
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
