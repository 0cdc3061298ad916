//! Reads JSON text token by token.

use alloc::vec::Vec;

use super::bad::BadJson;

/// The part of a text that has not been read yet.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    /// The number of bytes of the whole text.
    bytes: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8]) -> Cursor<'a> {
        Cursor {
            rest: text,
            bytes: text.len(),
        }
    }

    /// Returns the fault when no permitted token follows.
    pub(super) fn malformed(&self) -> BadJson {
        let read = self.bytes.saturating_sub(self.rest.len());
        BadJson::Malformed {
            at: read.saturating_add(1),
        }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// Skips a byte order mark, if there is one.
    pub(super) fn mark(&mut self) {
        self.take(b"\xef\xbb\xbf").unwrap_or_default();
    }

    pub(super) fn blanks(&mut self) {
        self.skip_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn skip_while(&mut self, holds: impl Fn(u8) -> bool) -> usize {
        let count = self.rest.iter().take_while(|b| holds(**b)).count();
        self.skip(count);
        count
    }

    fn take(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    /// Reads this word. If another one stands here, reads up to its first wrong byte.
    fn word(&mut self, word: &[u8]) -> Option<()> {
        word.iter().try_for_each(|byte| self.take(&[*byte]))
    }

    /// Reads and checks a string, a number or a word.
    pub(super) fn scalar(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    /// Reads and checks a member's key and its colon.
    pub(super) fn key(&mut self) -> Option<()> {
        self.string()?;
        self.blanks();
        self.take(b":")
    }

    fn string(&mut self) -> Option<()> {
        self.take(b"\"")?;
        loop {
            self.skip_while(|b| b != b'"' && b != b'\\');
            match self.peek()? {
                b'"' => return self.take(b"\""),
                _ => self.escape()?,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        self.take(b"\\")?;
        match self.peek()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.skip(1),
            b'u' => {
                self.skip(1);
                for _ in 0..4 {
                    self.peek()?.is_ascii_hexdigit().then_some(())?;
                    self.skip(1);
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        self.take(b"-").unwrap_or_default();
        if self.take(b"0").is_none() {
            self.digits()?;
        }
        if self.take(b".").is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.skip(1);
            if matches!(self.peek(), Some(b'-' | b'+')) {
                self.skip(1);
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        (self.skip_while(|b| b.is_ascii_digit()) > 0).then_some(())
    }

    // ---- Text that is known to be well formed -------------------------------------------

    /// Returns the next string, quotes included, and goes behind it.
    pub(super) fn next_string(&mut self) -> Option<&'a [u8]> {
        self.skip_while(|b| b != b'"');
        let text = self.rest;
        self.string()?;
        text.get(..text.len().checked_sub(self.rest.len())?)
    }

    /// Returns the value that begins here, and goes behind it.
    pub(super) fn value(&mut self) -> &'a [u8] {
        let text = self.rest;
        let mut depth = 0_usize;
        while let Some(b) = self.peek() {
            match b {
                b'"' => {
                    self.next_string();
                }
                b'{' | b'[' => {
                    depth = depth.saturating_add(1);
                    self.skip(1);
                }
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    self.skip(1);
                }
                b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => self.skip(1),
                _ => {
                    self.skip_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
                }
            }
            if depth == 0 {
                break;
            }
        }
        let length = text.len().saturating_sub(self.rest.len());
        text.get(..length).unwrap_or_default()
    }
}

/// The members or elements of a container, each with its key, quotes included.
pub(super) struct Entries<'a> {
    cursor: Cursor<'a>,
    keys: bool,
}

impl<'a> Entries<'a> {
    pub(super) fn new(container: &'a [u8]) -> Entries<'a> {
        let mut cursor = Cursor::new(container);
        match cursor.peek() {
            Some(b'{' | b'[') => cursor.skip(1),
            _ => cursor = Cursor::new(b""),
        }
        Entries {
            cursor,
            keys: container.first() == Some(&b'{'),
        }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Option<&'a [u8]>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.cursor.blanks();
        if self.cursor.peek() == Some(b',') {
            self.cursor.skip(1);
            self.cursor.blanks();
        }
        if matches!(self.cursor.peek()?, b'}' | b']') {
            return None;
        }
        let mut key = None;
        if self.keys {
            key = Some(self.cursor.next_string()?);
            self.cursor.blanks();
            self.cursor.skip(1);
            self.cursor.blanks();
        }
        Some((key, self.cursor.value()))
    }
}

/// Whether the contents of a string in quotes equal `plain`.
pub(super) fn is(string: &[u8], plain: &[u8]) -> bool {
    if string.contains(&b'\\') {
        return unescaped(string) == plain;
    }
    let inner = string.strip_prefix(b"\"");
    inner.and_then(|inner| inner.strip_suffix(b"\"")) == Some(plain)
}

/// Returns the unescaped bytes of a string in quotes.
pub(super) fn unescaped(string: &[u8]) -> Vec<u8> {
    let inner = string.strip_prefix(b"\"").unwrap_or(string);
    let mut rest = inner.strip_suffix(b"\"").unwrap_or(inner);
    let mut out = Vec::with_capacity(rest.len());
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let Some((letter, tail)) = rest.split_first() else {
            break;
        };
        rest = tail;
        match letter {
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let mut bytes = [0; 4];
                out.extend_from_slice(character(&mut rest).encode_utf8(&mut bytes).as_bytes());
            }
            other => out.push(*other),
        }
    }
    out
}

/// Returns the character of `\uXXXX`, or of two of them that are a surrogate pair; `rest` begins behind the
/// first `u`.
fn character(rest: &mut &[u8]) -> char {
    let Some(high) = unit(rest) else {
        return char::REPLACEMENT_CHARACTER;
    };
    *rest = rest.get(4..).unwrap_or_default();
    let low = (0xd800..0xdc00)
        .contains(&high)
        .then(|| rest.strip_prefix(b"\\u").and_then(unit))
        .flatten();
    let pair = low.and_then(|low| char::decode_utf16([high, low]).next()?.ok());
    if pair.is_some() {
        *rest = rest.get(6..).unwrap_or_default();
    }
    pair.or_else(|| char::from_u32(u32::from(high)))
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Reads four hexadecimal digits.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = core::str::from_utf8(text.get(..4)?).ok()?;
    u16::from_str_radix(digits, 16).ok()
}
