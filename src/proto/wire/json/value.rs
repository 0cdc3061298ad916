//! Reads a JSON text: checks it as a whole, and then walks over its values in place.

use alloc::vec::Vec;

use super::bad::BadJson;
use super::path::{is_path, steps};
use super::scan::{self, Cursor, Entries};
use crate::limits::{JSON_DEPTH_MAX, JSON_VALUES_MAX};

/// One JSON value: its text, which is known to be well formed and within the limits. Nothing is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    /// The text from its first byte to its last, without blanks around it.
    text: &'a [u8],
}

/// Checks a whole JSON text. A byte order mark and blanks may stand around it.
pub fn parse(text: &[u8]) -> Result<Value<'_>, BadJson> {
    let mut cursor = Cursor::new(text);
    cursor.mark();
    cursor.blanks();
    let whole = cursor.rest();
    let mut open = Open::default();
    let mut values = 0_usize;
    loop {
        values = values.saturating_add(1);
        if values > JSON_VALUES_MAX {
            return Err(BadJson::TooManyValues);
        }
        cursor.blanks();
        let container = match cursor.peek() {
            Some(b'{') => Some(Container::Object),
            Some(b'[') => Some(Container::Array),
            _ => None,
        };
        if let Some(container) = container {
            open.push(container)?;
            cursor.skip(1);
            cursor.blanks();
            if cursor.peek() != Some(container.end()) {
                if container == Container::Object {
                    cursor.key().ok_or_else(|| cursor.malformed())?;
                }
                continue;
            }
        } else {
            cursor.scalar().ok_or_else(|| cursor.malformed())?;
        }
        // A value ends here, or an empty container is about to.
        if !close(&mut cursor, &mut open)? {
            let length = whole.len().saturating_sub(cursor.rest().len());
            let text = whole.get(..length).unwrap_or_default().trim_ascii_end();
            return Ok(Value { text });
        }
    }
}

/// Returns the byte at which a text is no JSON, counted from 1; `None` if it is JSON.
pub fn malformed(text: &[u8]) -> Option<usize> {
    match parse(text) {
        Err(BadJson::Malformed { at }) => Some(at),
        _ => None,
    }
}

/// Closes the containers that end here and goes to the next value. Returns `false` at the end of the text.
fn close(cursor: &mut Cursor, open: &mut Open) -> Result<bool, BadJson> {
    loop {
        cursor.blanks();
        let Some(container) = open.last() else {
            return match cursor.peek() {
                None => Ok(false),
                Some(_) => Err(cursor.malformed()),
            };
        };
        match cursor.peek() {
            Some(b',') => {
                cursor.skip(1);
                if container == Container::Object {
                    cursor.blanks();
                    cursor.key().ok_or_else(|| cursor.malformed())?;
                }
                return Ok(true);
            }
            Some(end) if end == container.end() => {
                cursor.skip(1);
                open.pop();
            }
            _ => return Err(cursor.malformed()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Object,
    Array,
}

impl Container {
    fn end(self) -> u8 {
        match self {
            Container::Object => b'}',
            Container::Array => b']',
        }
    }
}

/// The open containers, with a bit for each.
#[derive(Default)]
struct Open {
    objects: u64,
    depth: usize,
}

const _: () = assert!(JSON_DEPTH_MAX <= 64);

impl Open {
    fn push(&mut self, container: Container) -> Result<(), BadJson> {
        if self.depth >= JSON_DEPTH_MAX {
            return Err(BadJson::TooDeep);
        }
        self.depth = self.depth.saturating_add(1);
        self.objects = self.objects << 1 | u64::from(container == Container::Object);
        Ok(())
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
    }

    fn last(&self) -> Option<Container> {
        match (self.depth, self.objects & 1) {
            (0, _) => None,
            (_, 1) => Some(Container::Object),
            _ => Some(Container::Array),
        }
    }
}

impl<'a> Value<'a> {
    /// Returns the JSON text itself.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        self.text.first() == Some(&b'{')
    }

    /// Whether it is an array.
    pub fn is_array(&self) -> bool {
        self.text.first() == Some(&b'[')
    }

    /// Returns the members or elements in order; none for a scalar.
    pub fn entries(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        Entries::new(self.text).map(|(_, text)| Value { text })
    }

    /// Returns the members in order with unescaped keys; none for a value that is no object.
    pub fn members_of(&self) -> impl Iterator<Item = (Vec<u8>, Value<'a>)> + use<'a> {
        let entries = Entries::new(self.text);
        entries.filter_map(|(key, text)| Some((scan::unescaped(key?), Value { text })))
    }

    /// Returns a string's bytes unescaped, a number's digits as they stand, `true`, `false`, or nothing for
    /// `null`. Returns `None` for an object or an array.
    pub fn scalar(&self) -> Option<Vec<u8>> {
        match self.text.first()? {
            b'{' | b'[' => None,
            b'"' => Some(scan::unescaped(self.text)),
            b'n' => Some(Vec::new()),
            _ => Some(self.text.to_vec()),
        }
    }

    /// Returns the value itself if it is a scalar, or its first element if it is a list of nothing but
    /// scalars.
    pub fn first(&self) -> Option<Value<'a>> {
        let is_scalar = |value: &Value| !value.is_object() && !value.is_array();
        match self.is_array() {
            true if self.entries().all(|value| is_scalar(&value)) => self.entries().next(),
            true => None,
            false => Some(*self).filter(is_scalar),
        }
    }

    /// Returns a member by its key, the last of that key, or an element by its number.
    pub fn child(&self, step: &[u8]) -> Option<Value<'a>> {
        let text = if self.is_array() {
            let number = core::str::from_utf8(step).ok()?;
            let number = Some(number).filter(|n| n.bytes().all(|b| b.is_ascii_digit()))?;
            Entries::new(self.text).nth(number.parse().ok()?)?.1
        } else {
            let named = |entry: &(Option<&[u8]>, &[u8])| entry.0.is_some_and(|k| scan::is(k, step));
            Entries::new(self.text).filter(named).last()?.1
        };
        Some(Value { text })
    }

    /// Returns the value at the end of a path of [`steps`].
    pub fn at(&self, path: &[&[u8]]) -> Option<Value<'a>> {
        path.iter().try_fold(*self, |value, step| value.child(step))
    }

    /// Returns the last value, in the text's order, of a key at any depth, whatever the value is. If `key`
    /// contains `.` or `[` (`a.b[0].c`), returns the value at this exact path.
    pub fn find(&self, key: &[u8]) -> Option<Value<'a>> {
        match is_path(key) {
            true => self.at(&steps(key)?),
            false => self.members(key).last(),
        }
    }

    /// Returns the values of a key at any depth, in the text's order; `key` is no path.
    pub fn members<'k>(&self, key: &'k [u8]) -> impl Iterator<Item = Value<'a>> + use<'a, 'k> {
        let mut cursor = Cursor::new(self.text);
        core::iter::from_fn(move || {
            loop {
                let string = cursor.next_string()?;
                cursor.blanks();
                // A string before a colon is a key, and nothing else is.
                if cursor.peek() == Some(b':') && scan::is(string, key) {
                    cursor.skip(1);
                    cursor.blanks();
                    let text = cursor.clone().value();
                    return Some(Value { text });
                }
            }
        })
    }
}
