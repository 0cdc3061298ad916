//! What is wrong with a JSON text.

/// Why bytes are no JSON that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadJson {
    /// No JSON text (RFC 8259).
    Malformed {
        /// The first byte that fits nowhere, counted from 1; one more than there are where the text
        /// breaks off.
        at: usize,
    },
    /// More values than `JSON_VALUES_MAX`.
    TooManyValues,
    /// Deeper than `JSON_DEPTH_MAX`.
    TooDeep,
}
