//! Encodes parameters as PHP does.

use alloc::string::String;
use alloc::vec::Vec;

use super::array::Pair;

/// Encodes `k=v` joined by `&`, both sides with [`urlencode`] (`http_build_query` of a flat array).
pub fn encode_pairs(pairs: &[Pair]) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, value) in pairs {
        if !out.is_empty() {
            out.push(b'&');
        }
        out.extend_from_slice(urlencode(key).as_bytes());
        out.push(b'=');
        out.extend_from_slice(urlencode(value).as_bytes());
    }
    out
}

/// Encodes like PHP's `urlencode`: a space becomes `+`, and of the other bytes only letters, digits and
/// `-_.` stay unchanged.
pub fn urlencode(bytes: &[u8]) -> String {
    escape(bytes, |b| match b {
        b' ' => Some('+'),
        b'-' | b'_' | b'.' => Some(char::from(b)),
        _ => None,
    })
}

/// Encodes like PHP's `rawurlencode` (RFC 3986): letters, digits and `-_.~` stay unchanged.
pub fn rawurlencode(bytes: &[u8]) -> String {
    escape(bytes, |b| match b {
        b'-' | b'_' | b'.' | b'~' => Some(char::from(b)),
        _ => None,
    })
}

fn escape(bytes: &[u8], plain: fn(u8) -> Option<char>) -> String {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or('0');
    let mut out = String::with_capacity(bytes.len());
    for b in bytes.iter().copied() {
        if b.is_ascii_alphanumeric() {
            out.push(char::from(b));
        } else if let Some(c) = plain(b) {
            out.push(c);
        } else {
            out.push('%');
            out.push(digit(b >> 4));
            out.push(digit(b & 0x0f));
        }
    }
    out
}

/// Decodes `%HH`. A `%` without two hexadecimal digits stays, and so does `+` (PHP's `rawurldecode`).
pub fn percent_decode(bytes: &[u8]) -> Vec<u8> {
    unescape(bytes, b'+')
}

/// Decodes `%HH`, and replaces `+` with `plus`.
pub(super) fn unescape(bytes: &[u8], plus: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        out.push(match (first, tail) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            (b'+', _) => plus,
            (other, _) => *other,
        });
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
