//! Reads and writes parameters with PHP's names: urlencoded, multipart, query; `http_build_query`,
//! `rawurlencode`, `ksort`.
//!
//! The result equals, byte for byte, the one that PHP 8.2 gives in `$_POST` and `$_GET`
//! (`tests/oracle/form.rs` compares them), except for these deliberate differences:
//!
//! * PHP drops parameters beyond `max_input_vars`. Here they are an error, because a dropped parameter is a
//!   lost or a changed SMS. All that PHP accepts up to 1000 is accepted; empty pieces of a body (`&&`),
//!   which PHP counts, are not counted. Body and query are counted separately.
//! * Parts beyond 1020 are an error as well, and so are more than
//!   [`PARAMETER_NODES_MAX`](crate::limits::PARAMETER_NODES_MAX) values and arrays.
//! * A blank at the end of the `Content-Type` field is no part of the boundary.
//! * `MAX_FILE_SIZE`, a parameter that makes PHP stop reading a file early, has no meaning.
//! * [`ksort`] knows words and integers, and no other numbers.

mod array;
mod encode;
mod key;
mod multipart;
mod name;
mod sort;

pub use array::{Array, Pair, TooMuch, Value};
pub use encode::{encode_pairs, percent_decode, rawurlencode, urlencode};
pub use key::{Key, integer};
pub use sort::ksort;

use alloc::borrow::Cow;
use alloc::vec::Vec;

use array::Filling;

/// Parses the parameters of a body. Its `Content-Type` field decides how; only the two types of forms have
/// parameters.
pub fn parse_body(content_type: Option<&[u8]>, body: &[u8]) -> Result<Array, TooMuch> {
    let content_type = content_type.unwrap_or_default();
    let media_type = media_type(content_type);
    if is_same(media_type, b"application/x-www-form-urlencoded") {
        parse_urlencoded(body)
    } else if is_same(media_type, b"multipart/form-data") {
        multipart::parse(body, content_type)
    } else {
        Ok(Array::default())
    }
}

/// Returns a `Content-Type` up to its parameters, in the peer's case. For PHP a comma or a space begins the
/// parameters, too.
pub fn media_type(content_type: &[u8]) -> &[u8] {
    let mut parts = content_type.split(|b| matches!(b, b';' | b',' | b' '));
    parts.next().unwrap_or_default()
}

/// Whether names of a protocol are the same but for their case. Mostly they are spelled alike, which is found
/// out faster.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    one == other || one.eq_ignore_ascii_case(other)
}

/// Parses the parameters of an urlencoded body or of a query.
pub fn parse_urlencoded(bytes: &[u8]) -> Result<Array, TooMuch> {
    let mut filling = Filling::default();
    for piece in bytes
        .split(|b| *b == b'&')
        .filter(|piece| !piece.is_empty())
    {
        filling.count_parameter()?;
        let (name, value) = pair(piece);
        filling.set(&name, value.into_owned())?;
    }
    Ok(filling.root)
}

/// Returns names and values of an urlencoded body or query as they stand there, decoded, in order. This is
/// for signatures, which do not follow PHP's rules for names.
pub fn pairs(bytes: &[u8]) -> Vec<Pair> {
    bytes
        .split(|b| *b == b'&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| {
            let (name, value) = pair(piece);
            (name.into_owned(), value.into_owned())
        })
        .collect()
}

/// Returns the decoded name and value of a piece. Without `=` the value is empty.
fn pair(piece: &[u8]) -> (Cow<'_, [u8]>, Cow<'_, [u8]>) {
    let equals = piece.iter().position(|b| *b == b'=');
    let (name, value) = piece
        .split_at_checked(equals.unwrap_or(piece.len()))
        .unwrap_or_default();
    (
        urldecode(name),
        urldecode(value.get(1..).unwrap_or_default()),
    )
}

/// Decodes `+` as a space and `%HH` as a byte.
fn urldecode(bytes: &[u8]) -> Cow<'_, [u8]> {
    match bytes.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        true => Cow::Owned(encode::unescape(bytes, b' ')),
        false => Cow::Borrowed(bytes),
    }
}

#[cfg(test)]
mod tests;
