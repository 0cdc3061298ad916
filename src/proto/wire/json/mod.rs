//! Reads JSON of bounded size, with a search by key or path, and encodes members as a JSON object.
//!
//! A [`Value`] is a piece of the text itself, so nothing is copied and no tree is built: a body of 64 KiB
//! costs 64 KiB. [`parse`] reads the whole text once, without recursion, and counts values and depth on the
//! way; it stores one bit per level. Code that walks over a `Value` afterwards may rely on its text being
//! well formed.
//!
//! Strings are bytes: a provider that sends JSON in a charset other than UTF-8 is read like one that sends
//! a form in it. A lone half of a surrogate pair, from a text that a provider cut, becomes U+FFFD. If a key
//! occurs twice, the last one counts. A control character may stand unescaped in a string, because
//! providers that write JSON by hand send texts of several lines that way, which would be lost otherwise.
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
