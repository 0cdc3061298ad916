//! Bytes → a JSON value of bounded size; search by key or path.

/// Why bytes are no JSON that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadJson {
    /// No JSON text (RFC 8259).
    Malformed,
    /// More values than `JSON_VALUES_MAX`.
    TooManyValues,
    /// Deeper than `JSON_DEPTH_MAX`.
    TooDeep,
}

/// One JSON value: its text, known to be well formed and within the limits. Nothing is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    text: &'a [u8],
}

/// Checks a whole JSON text. Bytes of strings need not be UTF-8.
pub fn parse(text: &[u8]) -> Result<Value<'_>, BadJson> {
    Ok(Value { text })
}

impl<'a> Value<'a> {
    /// A string's bytes unescaped, a number's digits as they stand, `true`, `false`; nothing for
    /// `null`. `None` for an object or an array.
    pub fn scalar(&self) -> Option<Vec<u8>> {
        unimplemented!()
    }

    /// The value of a key at any depth, the last in the text's order; with `.` or `[` in `key`
    /// (`a.b[0].c`) an exact path.
    pub fn find(&self, _key: &[u8]) -> Option<Value<'a>> {
        unimplemented!()
    }

    /// The JSON text itself.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }
}

/// Why a set of keys makes no JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPath;

/// A JSON object of these members, in their order. A key may be a path: `a.b[0].c`, `to[]`
/// (append). Values are strings; bytes that are no UTF-8 are read as ISO-8859-1.
pub fn encode(_members: &[(Vec<u8>, Vec<u8>)]) -> Result<Vec<u8>, BadPath> {
    unimplemented!()
}
