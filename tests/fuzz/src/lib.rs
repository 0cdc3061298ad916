//! Checks the properties of every core for any bytes from outside.
//!
//! There is one function for each target. Each takes any bytes and panics if the program breaks a promise;
//! of course the program must not panic itself.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a panic here is a finding"
)]

mod inbound;
mod json;
mod parsers;
mod queue;
mod sms;

pub use inbound::inbound;
pub use json::json;
pub use parsers::{access, form, ini, request};
pub use queue::{envelope, schedule, state};
pub use sms::{agi, callfile, reply, verify, webhook};

/// Cuts `bytes` behind the first `\n`: a line of settings, and the rest.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|b| *b == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, b""),
    }
}

/// Cuts `bytes` into pieces whose lengths follow from `seed`, so that every cut is possible.
fn pieces(bytes: &[u8], seed: u8) -> Vec<&[u8]> {
    let mut state = u32::from(seed).wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let most = 1 << (state >> 29);
        let length = (1 + (state >> 8) as usize % most).min(rest.len());
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        rest = after;
    }
    pieces
}
