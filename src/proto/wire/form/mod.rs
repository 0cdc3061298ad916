//! Bytes ⇄ parameters, with PHP's names: urlencoded, multipart, query; `http_build_query`,
//! `rawurlencode`, `ksort`.
//!
//! What PHP 8.2 makes of the same bytes in `$_POST` and `$_GET`, byte for byte
//! (`tests/oracle/form.rs` compares), but for these differences, all on purpose:
//!
//! * PHP drops what lies beyond `max_input_vars`; here it is an error, since a dropped parameter
//!   is a lost or a changed SMS. All that PHP accepts up to 1000 is accepted; empty pieces of a
//!   body (`&&`), which PHP counts, are not counted. Body and query are counted each for itself.
//! * Parts beyond 1020 are an error as well, and so are more than
//!   [`PARAMETER_NODES_MAX`](crate::limits::PARAMETER_NODES_MAX) values and arrays.
//! * A blank at the end of the `Content-Type` field is no part of the boundary.
//! * `MAX_FILE_SIZE`, a parameter that makes PHP stop reading a file early, means nothing.

mod array;
mod double;
mod encode;
mod multipart;
mod name;
mod sort;

pub use array::{Array, Key, Pair, TooMuch, Value};
pub use encode::{encode_pairs, percent_decode, rawurlencode, urlencode};
pub use sort::ksort;

use alloc::vec::Vec;

use array::Filling;

/// The parameters of a body: what its `Content-Type` field says decides, and nothing but the two
/// form types has any.
pub fn parse_body(content_type: Option<&[u8]>, body: &[u8]) -> Result<Array, TooMuch> {
    let content_type = content_type.unwrap_or_default();
    let media_type = media_type(content_type);
    if media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        parse_urlencoded(body)
    } else if media_type.eq_ignore_ascii_case(b"multipart/form-data") {
        multipart::parse(body, content_type)
    } else {
        Ok(Array::default())
    }
}

/// A `Content-Type` up to its parameters, in the peer's case; PHP takes a comma and a space for
/// their beginning too.
pub fn media_type(content_type: &[u8]) -> &[u8] {
    let mut parts = content_type.split(|b| matches!(b, b';' | b',' | b' '));
    parts.next().unwrap_or_default()
}

/// The parameters of an urlencoded body or of a query.
pub fn parse_urlencoded(bytes: &[u8]) -> Result<Array, TooMuch> {
    let mut filling = Filling::default();
    for piece in bytes
        .split(|b| *b == b'&')
        .filter(|piece| !piece.is_empty())
    {
        filling.count_parameter()?;
        let mut sides = piece.splitn(2, |b| *b == b'=');
        let name = sides.next().unwrap_or_default();
        let value = sides.next().unwrap_or_default();
        filling.set(&urldecode(name), urldecode(value))?;
    }
    Ok(filling.root)
}

/// Names and values of an urlencoded body or query as they stand there, decoded, in order: for
/// signatures, which know nothing of PHP's names.
pub fn pairs(bytes: &[u8]) -> Vec<Pair> {
    bytes
        .split(|b| *b == b'&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| {
            let mut sides = piece.splitn(2, |b| *b == b'=');
            let mut side = || urldecode(sides.next().unwrap_or_default());
            (side(), side())
        })
        .collect()
}

/// `+` → space, `%HH` → byte.
fn urldecode(bytes: &[u8]) -> Vec<u8> {
    encode::unescape(bytes, b' ')
}

#[cfg(test)]
mod tests;
