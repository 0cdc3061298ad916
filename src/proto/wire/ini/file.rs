//! Holds the contents of an INI file: its tree, or the reason why it has none, and remarks.

use alloc::string::String;
use alloc::vec::Vec;

/// A key as PHP's arrays hold it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `0` or `-?[1-9][0-9]*` within an int64.
    Int(i64),
    /// Any other name.
    Name(Vec<u8>),
}

/// A value: a scalar, always text, or an ordered map (a section or an array).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Scalar(Vec<u8>),
    /// A section or an array.
    Map(Map),
}

/// One entry of a [`Map`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key of the entry.
    pub key: Key,
    /// The value of the entry.
    pub value: Value,
    /// The line of the file, from 1, that set it last; for an array, the line of its latest entry.
    pub line: u32,
}

/// An ordered map with PHP's integer keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Map {
    /// The entries in file order. A key that is set again keeps its first place.
    pub entries: Vec<Entry>,
}

impl Entry {
    /// Returns the entries of a section or an array; none of a scalar.
    pub fn inside(&self) -> &[Entry] {
        match &self.value {
            Value::Scalar(_) => &[],
            Value::Map(map) => &map.entries,
        }
    }
}

/// The contents of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ini {
    /// Sections and top-level entries.
    pub root: Map,
    /// What stands in a section and does not count, each in a section of its own: all entries of a section that
    /// a later one of the same name replaced; an entry with an index that one without replaced, or the
    /// reverse; the first of some words without `=`, as a name.
    pub lost: Vec<Entry>,
    /// The losses and changes that PHP's rules cause silently, in file order.
    pub surprises: Vec<Surprise>,
    /// The lines, in order, whose value is a bare word like `yes` or `none`. Its value is `1` or empty,
    /// which surprises an operator who meant the word.
    pub words: Vec<u32>,
    /// The lines, in order, whose value PHP's arithmetic computed: it is a number, whatever was written.
    pub computed: Vec<u32>,
    /// The lines, in order, in whose value a variable's text replaced a `${name}`.
    pub expanded: Vec<u32>,
    /// The text that a quotation contains from the lines below its first one, or an apostrophe that is never
    /// closed from the rest of the file, with the line in which its statement began. The text begins with a
    /// line end.
    pub swallowed: Vec<(u32, Vec<u8>)>,
}

/// A part of an operator's file that PHP's rules silently drop or change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surprise {
    /// The line of the file, from 1.
    pub line: u32,
    /// The effect, and the quoting that would avoid it. It holds no value of the file.
    pub text: String,
}

/// The fault for which PHP returns `false`: nothing of the file counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadIni {
    /// The line of the file, from 1.
    pub line: u32,
    /// The fault and the remedy. It holds no value of the file.
    pub text: String,
}
