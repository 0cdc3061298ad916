//! Bytes → a JSON value of bounded size; search by key or path. And back: members → a JSON object.
//!
//! A [`Value`] is a piece of the text itself, so nothing is copied and no tree is built: a body
//! of 64 KiB costs 64 KiB. [`parse`] reads the whole text once, without recursion, and counts
//! values and depth as it goes; it knows one bit a level. What walks over a `Value` afterwards
//! may lean on its text being well formed.
//!
//! Strings are bytes: a provider that sends JSON in another charset than UTF-8 is read like one
//! that sends a form in it. A lone half of a surrogate pair, where a provider cut a text, is
//! U+FFFD. Of a key given twice the last one holds. A control character may stand in a string as it
//! is: providers that write JSON by hand send texts of several lines so, which would be lost otherwise.
//! Everything else is RFC 8259 to the letter.

mod bad;
mod encode;
mod path;
mod scan;
mod value;

pub use bad::BadJson;
pub use encode::{BadPath, encode, write_string};
pub use path::{is_path, steps};
pub use value::{Value, malformed, parse};

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
mod tests;
