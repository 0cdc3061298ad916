//! Escapes bytes from outside as text that does nothing to a terminal, and reverses this.
//!
//! A backslash becomes `\\`. A control character of US-ASCII or of C1 (U+0080 to U+009F), and every byte
//! that is not UTF-8, becomes `\x` and two lower-case hexadecimal digits for each of its bytes. The result
//! is UTF-8, and each sequence of bytes has exactly one escaped form.

use alloc::vec::Vec;

/// The treatment of a line feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineFeed {
    /// It is escaped like any control character, so that the value stands in one line.
    Escaped,
    /// It stays unchanged.
    Kept,
}

/// Escapes bytes so that a terminal shows them and obeys none of them.
pub(super) fn escape(bytes: &[u8], line_feed: LineFeed) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            let mut buffer = [0; 4];
            let encoded = c.encode_utf8(&mut buffer).as_bytes();
            match c {
                '\\' => out.extend_from_slice(b"\\\\"),
                '\n' if line_feed == LineFeed::Kept => out.push(b'\n'),
                c if c.is_control() => push_hex(&mut out, encoded),
                _ => out.extend_from_slice(encoded),
            }
        }
        push_hex(&mut out, chunk.invalid());
    }
    out
}

/// Reads text that [`escape`] has written. Returns `None` for any other text.
pub(super) fn unescape(text: &[u8], line_feed: LineFeed) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'\\' => match rest.next()? {
                b'\\' => b'\\',
                b'x' => digit(*rest.next()?)? << 4 | digit(*rest.next()?)?,
                _ => return None,
            },
            byte => *byte,
        });
    }
    (escape(&out, line_feed) == text).then_some(out)
}

fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
    for byte in bytes {
        out.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte & 0x0f)]);
    }
}

fn digit(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written() {
        let check = |bytes: &[u8], expected: &str| {
            let text = escape(bytes, LineFeed::Kept);
            assert_eq!(String::from_utf8(text.clone()).unwrap(), expected);
            assert_eq!(unescape(&text, LineFeed::Kept).unwrap(), bytes);
        };
        check(b"", "");
        check("Hello & é 😀\n".as_bytes(), "Hello & é 😀\n");
        check(b"a\\b\\x1b", r"a\\b\\x1b");
        check(b"\x1b[2J\r\x07\x7f\t\0", r"\x1b[2J\x0d\x07\x7f\x09\x00");
        // This is CSI: as a character, as a byte of ISO-8859-1, and as a part of another character.
        check("\u{9b}31m".as_bytes(), r"\xc2\x9b31m");
        check(b"\x9b31m \xe9", r"\x9b31m \xe9");
        check("雛".as_bytes(), "雛");
        // These are incomplete characters, surrogates and numbers beyond Unicode.
        check(b"\xe2\x82a\xf0\x9f\x98", r"\xe2\x82a\xf0\x9f\x98");
        check(
            b"\xed\xa0\x80\xf4\x90\x80\x80",
            r"\xed\xa0\x80\xf4\x90\x80\x80",
        );
        assert_eq!(escape(b"a\nb", LineFeed::Escaped), br"a\x0ab");
        assert_eq!(unescape(br"a\x0ab", LineFeed::Escaped).unwrap(), b"a\nb");
    }

    #[test]
    fn every_byte_comes_back_and_none_is_obeyed() {
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                for bytes in [vec![first, second], vec![0xc2, first, second]] {
                    let text = escape(&bytes, LineFeed::Escaped);
                    assert_eq!(unescape(&text, LineFeed::Escaped), Some(bytes));
                    let text = String::from_utf8(text).unwrap();
                    assert!(!text.chars().any(char::is_control), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_else_is_read() {
        let check = |text: &[u8]| {
            for line_feed in [LineFeed::Kept, LineFeed::Escaped] {
                let shown = String::from_utf8_lossy(text);
                assert_eq!(unescape(text, line_feed), None, "{shown:?}");
            }
        };
        for text in [
            r"\",
            r"\\\",
            r"\x",
            r"\x1",
            r"\x1g",
            r"\x1B",
            r"\xg1",
            r"\n",
            r"\X1b",
            r"\x+1",
            // This is escaped although it need not be.
            r"\x41",
            r"\xc3\xa9",
            r"\x5c",
        ] {
            check(text.as_bytes());
        }
        for raw in [
            b"\x1b".as_slice(),
            b"\r",
            b"\t",
            b"\0",
            b"\x7f",
            b"\x9b",
            b"\xc2\x9b",
            b"\xe9",
        ] {
            check(raw);
        }
        assert_eq!(unescape(b"\n", LineFeed::Escaped), None);
        assert_eq!(unescape(br"\x0a", LineFeed::Kept), None);
    }
}
