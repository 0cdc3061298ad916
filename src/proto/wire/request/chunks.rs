//! Decodes a chunked body in place (RFC 9112 §7.1).
//!
//! Framing is strict: only CRLF ends a line, without a blank before it. Extensions and trailers are
//! dropped; they share the limit of the head.

use super::bad::BadRequest;
use crate::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX};

/// The state of decoding a chunked body piece by piece. Each request has its own.
#[derive(Debug, Clone)]
pub struct Chunks {
    state: Chunk,
    /// The bytes of the body so far, including those that are announced.
    body_bytes: usize,
    /// The bytes of head, chunk extensions and trailers so far, which share the head's limit.
    head_bytes: usize,
}

/// The next element in a chunked body (RFC 9112 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunk {
    Size { digits: u8, bytes: usize },
    Extension { bytes: usize },
    SizeLf { bytes: usize },
    Data { left: usize },
    DataCr,
    DataLf,
    Trailer,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    Done,
}

/// The result for a piece of a chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// The number of bytes of the body, which are now at the piece's front.
    pub body: usize,
    /// The number of bytes of the piece that belonged to this request: all of it unless `done`.
    pub used: usize,
    /// Whether the body has ended.
    pub done: bool,
}

impl Chunks {
    /// Begins a body behind a head of this length.
    pub fn new(head_bytes: usize) -> Chunks {
        Chunks {
            state: Chunk::Size {
                digits: 0,
                bytes: 0,
            },
            body_bytes: 0,
            head_bytes,
        }
    }

    /// Decodes the next piece, and moves the bytes of the body to its front.
    pub fn decode(&mut self, piece: &mut [u8]) -> Result<Decoded, BadRequest> {
        let (mut body, mut used) = (0_usize, 0_usize);
        while self.state != Chunk::Done {
            if let Chunk::Data { left } = self.state {
                let run = left.min(piece.len().saturating_sub(used));
                let end = used.saturating_add(run);
                piece.copy_within(used..end, body);
                body = body.saturating_add(run);
                used = end;
                self.state = match left.saturating_sub(run) {
                    0 => Chunk::DataCr,
                    left => Chunk::Data { left },
                };
            }
            let Some(&byte) = piece.get(used) else {
                break;
            };
            self.state = self.next(byte)?;
            used = used.saturating_add(1);
        }
        Ok(Decoded {
            body,
            used,
            done: self.state == Chunk::Done,
        })
    }

    /// Returns the state after one byte of framing.
    fn next(&mut self, byte: u8) -> Result<Chunk, BadRequest> {
        use Chunk::*;
        let next = match (self.state, byte) {
            (Size { digits, bytes }, _) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                let digit = usize::try_from(digit).unwrap_or_default();
                let digits = digits.saturating_add(1);
                if digits > CHUNK_DIGITS_MAX {
                    return Err(BadRequest::Malformed("chunk size"));
                }
                let bytes = bytes.saturating_mul(16).saturating_add(digit);
                Size { digits, bytes }
            }
            (Size { digits: 1.., bytes }, b';') => Extension { bytes },
            (Size { digits: 1.., bytes } | Extension { bytes }, b'\r') => SizeLf { bytes },
            (Extension { bytes }, b'\t' | 0x20..=0x7e | 0x80..) => Extension { bytes },
            (SizeLf { bytes: 0 }, b'\n') => Trailer,
            (SizeLf { bytes }, b'\n') => {
                self.body_bytes = self.body_bytes.saturating_add(bytes);
                if self.body_bytes > BODY_BYTES_MAX {
                    return Err(BadRequest::BodyTooLong);
                }
                Data { left: bytes }
            }
            (DataCr, b'\r') => DataLf,
            (DataLf, b'\n') => Size {
                digits: 0,
                bytes: 0,
            },
            (Trailer, b'\r') => LastLf,
            (Trailer | TrailerName, _) if is_token(byte) => TrailerName,
            (TrailerName, b':') => TrailerValue,
            (TrailerValue, b'\r') => TrailerLf,
            (TrailerValue, b'\t' | 0x20..=0x7e | 0x80..) => TrailerValue,
            (TrailerLf, b'\n') => Trailer,
            (LastLf, b'\n') => Done,
            _ => return Err(BadRequest::Malformed("chunk framing")),
        };
        if matches!(
            next,
            Extension { .. } | TrailerName | TrailerValue | TrailerLf
        ) {
            self.head_bytes = self.head_bytes.saturating_add(1);
            if self.head_bytes > HEAD_BYTES_MAX {
                return Err(BadRequest::HeadTooLong);
            }
        }
        Ok(next)
    }
}

/// The greatest number of digits of a chunk size, leading zeros included: that of 64 bits.
const CHUNK_DIGITS_MAX: u8 = 16;

/// Whether a byte may stand in a field name (RFC 9110 §5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
mod tests {
    use super::*;

    /// Decodes pieces that end at these places, and returns the body, the bytes used, and whether it ended.
    fn fed(
        raw: &[u8],
        ends: impl Iterator<Item = usize>,
        head_bytes: usize,
    ) -> Result<(Vec<u8>, usize, bool), BadRequest> {
        let mut chunks = Chunks::new(head_bytes);
        let (mut body, mut used, mut start) = (Vec::new(), 0, 0);
        for end in ends {
            let mut piece = raw[start..end].to_vec();
            let decoded = chunks.decode(&mut piece)?;
            body.extend_from_slice(&piece[..decoded.body]);
            used += decoded.used;
            if decoded.done {
                return Ok((body, used, true));
            }
            assert_eq!(decoded.used, piece.len());
            start = end;
        }
        Ok((body, used, false))
    }

    type Expected<'a> = Result<(&'a [u8], usize, bool), BadRequest>;

    /// Checks a body whole, cut in two at every place, and byte by byte.
    fn check_behind(head_bytes: usize, raw: &[u8], expected: Expected) {
        let expected = expected.map(|(body, used, done)| (body.to_vec(), used, done));
        let shown = String::from_utf8_lossy(&raw[..raw.len().min(60)]);
        let all = raw.len();
        assert_eq!(
            fed(raw, [all].into_iter(), head_bytes),
            expected,
            "{shown:?}"
        );
        for cut in (0..all).step_by(all / 200 + 1) {
            let found = fed(raw, [cut, all].into_iter(), head_bytes);
            assert_eq!(found, expected, "{shown:?} cut at {cut}");
        }
        assert_eq!(
            fed(raw, 1..=all, head_bytes),
            expected,
            "{shown:?} byte by byte"
        );
    }

    fn check(raw: &[u8], expected: Expected) {
        check_behind(0, raw, expected);
    }

    #[test]
    fn bodies() {
        check(b"", Ok((b"", 0, false)));
        check(b"0\r\n\r\n", Ok((b"", 5, true)));
        check(b"0\r\n\r\nGET /", Ok((b"", 5, true)));
        check(b"000\r\n\r\n", Ok((b"", 7, true)));
        check(b"3\r\nabc\r\n0\r\n\r\n", Ok((b"abc", 13, true)));
        check(b"3\r\n\r\n0\r\n0\r\n\r\nX", Ok((b"\r\n0", 13, true)));
        check(
            b"1\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n",
            Ok((b"a0123456789", 26, true)),
        );
        check(b"a\r\n0123456789\r\n", Ok((b"0123456789", 15, false)));
        check(b"3;a=\"b\";c\r\nabc\r\n0;d\r\n\r\n", Ok((b"abc", 23, true)));
        check(b"0\r\na: b\r\nc:\r\n\r\nX", Ok((b"", 15, true)));
        check(b"0\r\na: b\r\n", Ok((b"", 9, false)));
    }

    #[test]
    fn faults() {
        let malformed = || Err(BadRequest::Malformed("chunk framing"));
        check(b"\r\n", malformed());
        check(b";a\r\n", malformed());
        check(b"x\r\n", malformed());
        check(b"+3\r\n", malformed());
        check(b"0x3\r\n", malformed());
        check(b" 3\r\n", malformed());
        check(b"3 \r\n", malformed());
        check(b"3\nabc", malformed());
        check(b"3\r\rabc", malformed());
        check(b"3;a\nabc", malformed());
        check(b"3;\0\r\n", malformed());
        check(b"3;\x7f\r\n", malformed());
        check(b"3\r\nabc\n0\r\n\r\n", malformed());
        check(b"3\r\nabcd\r\n0\r\n\r\n", malformed());
        check(b"3\r\nab\r\n0\r\n\r\n", malformed());
        check(b"3\r\nabc0\r\n\r\n", malformed());
        check(b"0\n\n", malformed());
        check(b"0\r\n\n", malformed());
        check(b"0\r\n\rX", malformed());
        check(b"0\r\n a: b\r\n\r\n", malformed());
        check(b"0\r\n: b\r\n\r\n", malformed());
        check(b"0\r\na\r\n\r\n", malformed());
        check(b"0\r\na b: c\r\n\r\n", malformed());
        check(b"0\r\na: b\n\r\n", malformed());
        check(b"0\r\na: \0\r\n\r\n", malformed());
    }

    #[test]
    fn limits() {
        let digits = |count: usize| format!("{}3\r\nabc\r\n", "0".repeat(count - 1));
        check(digits(15).as_bytes(), Ok((b"abc", 22, false)));
        check(digits(16).as_bytes(), Ok((b"abc", 23, false)));
        check(
            digits(17).as_bytes(),
            Err(BadRequest::Malformed("chunk size")),
        );
        check(b"ffffffffffffffff\r\n", Err(BadRequest::BodyTooLong));

        let two = |bytes: usize| {
            let (first, second) = (vec![b'x'; 1000], vec![b'x'; bytes - 1000]);
            let mut raw = b"3e8\r\n".to_vec();
            raw.extend_from_slice(&first);
            raw.extend_from_slice(format!("\r\n{:x}\r\n", second.len()).as_bytes());
            raw.extend_from_slice(&second);
            raw.extend_from_slice(b"\r\n0\r\n\r\n");
            raw
        };
        let max = BODY_BYTES_MAX;
        let body = vec![b'x'; max];
        check(
            &two(max - 1),
            Ok((&body[..max - 1], two(max - 1).len(), true)),
        );
        check(&two(max), Ok((&body, two(max).len(), true)));
        check(&two(max + 1), Err(BadRequest::BodyTooLong));

        // Trailers and extensions fill the room that the head left.
        let trailer = b"0\r\na: b\r\n\r\n";
        check_behind(HEAD_BYTES_MAX - 6, trailer, Ok((b"", 11, true)));
        check_behind(HEAD_BYTES_MAX - 5, trailer, Ok((b"", 11, true)));
        check_behind(HEAD_BYTES_MAX - 4, trailer, Err(BadRequest::HeadTooLong));
        let extension = b"0;abc\r\n\r\n";
        check_behind(HEAD_BYTES_MAX - 5, extension, Ok((b"", 9, true)));
        check_behind(HEAD_BYTES_MAX - 4, extension, Ok((b"", 9, true)));
        check_behind(HEAD_BYTES_MAX - 3, extension, Err(BadRequest::HeadTooLong));
    }
}
