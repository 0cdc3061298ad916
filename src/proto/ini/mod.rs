//! Bytes → an INI tree, as PHP's `parse_ini_file(FILE, true)` reads it (PHP 8.2).
//!
//! `scan` divides the bytes into tokens, `read` makes statements of them, `value` computes the
//! right-hand sides, `tree` keeps entries as PHP's arrays would, `json` prints the tree.
//!
//! Every rule of the original is kept, the odd ones too, because a file that works with PHP has to
//! mean the same here. Where such a rule loses or changes what was written, a [`Surprise`] says so.
//! The one difference: PHP's constants (`E_ALL`, `PHP_VERSION`) stay the text they are.
//!
//! Invariant: no text of a [`Surprise`] or a [`BadIni`] holds a byte of the file.

mod constants;
mod json;
mod read;
mod scan;
mod tree;
mod value;

pub use json::encode_json;

/// A key as PHP's arrays hold it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `0` or `-?[1-9][0-9]*` within an int64.
    Int(i64),
    /// Any other name.
    Name(Vec<u8>),
}

/// A value: a scalar, always text, or an ordered map (a section, or an array).
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
    /// Its key.
    pub key: Key,
    /// Its value.
    pub value: Value,
    /// Line of the file (from 1) that set it last; of an array, the line of its latest entry.
    pub line: u32,
}

/// An ordered map with PHP's integer keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Map {
    /// In file order; a key that is set again keeps its first place.
    pub entries: Vec<Entry>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ini {
    /// Sections and top-level entries.
    pub root: Map,
    /// What PHP's rules dropped or changed without a word, in file order.
    pub surprises: Vec<Surprise>,
}

/// Something an operator wrote that PHP's rules silently drop or change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surprise {
    /// Line of the file, from 1.
    pub line: u32,
    /// What happened and the quoting that would keep it; no value of the file in it.
    pub text: String,
}

/// Where PHP returns `false`: nothing of the file counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadIni {
    /// Line of the file, from 1.
    pub line: u32,
    /// What is wrong and the remedy; no value of the file in it.
    pub text: String,
}

/// Reads a whole file. `variable` looks up `${name}`: PHP's directive or an environment
/// variable; none is "". Time and memory grow with the length of the file alone; nothing recurses.
pub fn parse(file: &[u8], variable: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Result<Ini, BadIni> {
    read::parse(file, variable)
}
