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
        b' ' => Some(b'+'),
        b'-' | b'_' | b'.' => Some(b),
        _ => None,
    })
}

/// Encodes like PHP's `rawurlencode` (RFC 3986): letters, digits and `-_.~` stay unchanged.
pub fn rawurlencode(bytes: &[u8]) -> String {
    escape(bytes, |b| match b {
        b'-' | b'_' | b'.' | b'~' => Some(b),
        _ => None,
    })
}

fn escape(bytes: &[u8], plain: fn(u8) -> Option<u8>) -> String {
    let digit = |nibble: u8| b"0123456789ABCDEF".get(usize::from(nibble)).copied();
    let mut out = Vec::with_capacity(bytes.len());
    for b in bytes.iter().copied() {
        match b {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => out.push(b),
            _ => match plain(b) {
                Some(b) => out.push(b),
                None => {
                    out.push(b'%');
                    out.extend(digit(b >> 4));
                    out.extend(digit(b & 0x0f));
                }
            },
        }
    }
    // All of it is ASCII.
    String::from_utf8(out).unwrap_or_default()
}

/// Decodes `%HH`. A `%` without two hexadecimal digits stays, and so does `+` (PHP's `rawurldecode`).
pub fn percent_decode(bytes: &[u8]) -> Vec<u8> {
    unescape(bytes, b'+')
}

/// Decodes `%HH`, and replaces `+` with `plus`.
pub(super) fn unescape(bytes: &[u8], plus: u8) -> Vec<u8> {
    // The result is never longer than the text.
    let mut out = bytes.to_vec();
    let mut rest = bytes;
    let mut left = out.iter_mut();
    while let Some((first, tail)) = rest.split_first() {
        let Some(slot) = left.next() else {
            break;
        };
        rest = tail;
        *slot = match (first, tail) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            (b'+', _) => plus,
            (other, _) => *other,
        };
    }
    let unused = left.len();
    out.truncate(out.len().saturating_sub(unused));
    out
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit & 0x0f),
        b'A'..=b'F' | b'a'..=b'f' => Some((digit & 0x0f).saturating_add(9)),
        _ => None,
    }
}
