//! Defines the faults of a JSON text.

/// The reason why bytes are no JSON that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadJson {
    /// The bytes are no JSON text (RFC 8259).
    Malformed {
        /// The first byte that is wrong, counted from 1. If the text breaks off, this is one more than its
        /// length.
        at: usize,
    },
    /// There are more values than `JSON_VALUES_MAX`.
    TooManyValues,
    /// The text is nested deeper than `JSON_DEPTH_MAX`.
    TooDeep,
}
