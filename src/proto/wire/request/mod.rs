//! Reads an HTTP/1.1 request: first its length, then its contents.
//!
//! [`Measure`] finds the end of a head in bytes that arrive in any pieces, and looks at each byte once.
//! [`Request::parse`] reads a complete head, and [`Chunks`] decodes a chunked body in place. A [`Request`]
//! is never incomplete.
//!
//! Invariant: input that a proxy in front might understand differently is refused, not guessed: a bare LF,
//! a folded line, two lengths, a length beside `Transfer-Encoding` (RFC 9112 §6.3, §11.2).
//!
//! `Host` is not required: nothing here depends on it, and a message is worth more than a field.

mod bad;
mod chunks;

use alloc::vec::Vec;
use core::mem::MaybeUninit;

use crate::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX, HEADER_FIELDS_MAX, TARGET_BYTES_MAX};

use crate::proto::wire::form;
pub use bad::BadRequest;
pub use chunks::{Chunks, Decoded};

/// The protocol's two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0: no chunks, no 100, and the connection closes unless the peer asks otherwise.
    Http10,
    /// HTTP/1.1: the connection stays open unless the peer asks otherwise.
    Http11,
}

/// The way in which the body's end is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// The body has so many bytes, at most [`BODY_BYTES_MAX`]; 0 if there is none.
    Length(usize),
    /// `Transfer-Encoding: chunked`, in any case.
    Chunked,
}

/// One header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name as the peer wrote it; compare it without regard to case.
    pub name: &'a str,
    /// The value without blanks around it. It is bytes, because only its syntax is known.
    pub value: &'a [u8],
}

/// A request with a complete head. `body` is empty until the caller has read it.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The method, a token in the peer's case.
    pub method: &'a str,
    /// The target in origin form, undecoded (`/sms?To=…`). Scheme and authority of an absolute form are
    /// removed.
    pub target: &'a [u8],
    /// The version, 1.0 or 1.1.
    pub version: Version,
    /// The header fields in their order, at most [`HEADER_FIELDS_MAX`].
    pub fields: Vec<Field<'a>>,
    /// The body, without chunk framing.
    pub body: &'a [u8],
}

/// The search for a head's end, which can be resumed. Each request has its own.
#[derive(Debug, Clone, Default)]
pub struct Measure {
    /// The number of bytes that were looked at.
    scanned: usize,
    /// The offset at which the current line begins.
    line: usize,
    stage: Stage,
}

/// The kind of a head's next line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// The request line, or one empty line left over from the request before (RFC 9112 §2.2).
    #[default]
    First,
    /// The request line.
    RequestLine,
    /// A field or the empty line.
    Field,
}

impl Measure {
    /// Returns the length of the head that `bytes` begins with, or `None` while it is not complete. Called
    /// again with the same bytes and more behind them, it goes on where it stopped.
    pub fn head(&mut self, bytes: &[u8]) -> Result<Option<usize>, BadRequest> {
        let bytes = bytes.get(..HEAD_BYTES_MAX).unwrap_or(bytes);
        let mut before = match self.scanned.checked_sub(1) {
            Some(last) => bytes.get(last).copied().unwrap_or(0),
            None => 0,
        };
        let mut position = self.scanned;
        while let Some(&byte) = bytes.get(position) {
            let mut next = position.saturating_add(1);
            match byte {
                b'\n' if before != b'\r' => return Err(BadRequest::Malformed("bare LF")),
                b'\n' => {
                    let line = bytes.get(self.line..position.saturating_sub(1));
                    let end = self.line_end(line.unwrap_or_default())?;
                    self.line = next;
                    if end {
                        self.scanned = next;
                        return Ok(Some(next));
                    }
                }
                _ if before == b'\r' => return Err(BadRequest::Malformed("bare CR")),
                b'\r' | b'\t' => {}
                byte if is_text(byte) => {
                    // Nearly all bytes are text, which ends at the end of a line.
                    let rest = bytes.get(next..).unwrap_or_default();
                    let end = rest.iter().position(|byte| !is_text(*byte));
                    next = next.saturating_add(end.unwrap_or(rest.len()));
                }
                _ => return Err(BadRequest::Malformed("control byte")),
            }
            before = byte;
            position = next;
        }
        self.scanned = bytes.len();
        if self.stage != Stage::Field {
            // The CR at the end of a line is no part of it, wherever the piece was cut.
            let line = bytes.get(self.line..).unwrap_or_default();
            request_line(line.strip_suffix(b"\r").unwrap_or(line))?;
        }
        match bytes.len() {
            HEAD_BYTES_MAX.. => Err(BadRequest::HeadTooLong),
            _ => Ok(None),
        }
    }

    /// Takes one line without its CRLF. Returns true if it ends the head.
    fn line_end(&mut self, line: &[u8]) -> Result<bool, BadRequest> {
        match (self.stage, line.is_empty()) {
            (Stage::First, true) => self.stage = Stage::RequestLine,
            (Stage::RequestLine, true) => return Err(BadRequest::Malformed("empty lines")),
            (Stage::First | Stage::RequestLine, false) => {
                request_line(line)?;
                self.stage = Stage::Field;
            }
            (Stage::Field, empty) => return Ok(empty),
        }
        Ok(false)
    }
}

/// Whether a byte of a head is no control byte.
fn is_text(byte: u8) -> bool {
    !byte.is_ascii_control()
}

/// Checks that the target of a request line, which may be incomplete, is within its limit. Only here can a
/// target that is too long be told from a head that is too long. Since this is called for every piece, it
/// looks at few bytes until the line is long.
fn request_line(line: &[u8]) -> Result<(), BadRequest> {
    let start = line.get(..=METHOD_BYTES_MAX).unwrap_or_default();
    if !start.is_empty() && !start.contains(&b' ') {
        return Err(BadRequest::Malformed("method"));
    }
    if line.len() <= TARGET_BYTES_MAX {
        return Ok(());
    }
    let mut words = line.splitn(3, |b| *b == b' ').skip(1);
    if words.next().unwrap_or_default().len() > TARGET_BYTES_MAX {
        return Err(BadRequest::TargetTooLong);
    }
    match words.next().unwrap_or_default().len() > b"HTTP/1.1\r".len() {
        true => Err(BadRequest::Malformed("version")),
        false => Ok(()),
    }
}

/// The greatest length of a method in bytes: twice that of the longest registered one. Without this limit,
/// a first line without a blank would be read up to the head's limit.
const METHOD_BYTES_MAX: usize = 32;

impl<'a> Request<'a> {
    /// Parses a head of exactly the length that [`Measure`] found. The body is empty.
    pub fn parse(head: &'a [u8]) -> Result<Request<'a>, BadRequest> {
        let mut storage = [const { MaybeUninit::uninit() }; HEADER_FIELDS_MAX];
        let mut parsed = httparse::Request::new(&mut []);
        match parsed.parse_with_uninit_headers(head, &mut storage) {
            Ok(httparse::Status::Complete(end)) if end == head.len() => {}
            Ok(_) => return Err(BadRequest::Malformed("head")),
            Err(httparse::Error::TooManyHeaders) => return Err(BadRequest::HeadTooLong),
            Err(httparse::Error::Version) => return Err(BadRequest::Malformed("version")),
            Err(httparse::Error::Token) => return Err(BadRequest::Malformed("request line")),
            Err(_) => return Err(BadRequest::Malformed("header field")),
        }
        let (Some(method), Some(target)) = (parsed.method, parsed.path) else {
            return Err(BadRequest::Malformed("head"));
        };
        let request = Request {
            method,
            target: origin(target)?.as_bytes(),
            version: match parsed.version {
                Some(0) => Version::Http10,
                _ => Version::Http11,
            },
            fields: parsed
                .headers
                .iter()
                .map(|header| Field {
                    name: header.name,
                    value: header.value.trim_ascii(),
                })
                .collect(),
            body: b"",
        };
        match request.headers("Host").count() {
            0 | 1 => Ok(request),
            _ => Err(BadRequest::Malformed("two Host fields")),
        }
    }

    /// Returns how the body's end is found (RFC 9112 §6), or why the body cannot be read at all.
    pub fn framing(&self) -> Result<Framing, BadRequest> {
        let mut lengths = self.headers("Content-Length");
        let mut codings = self.headers("Transfer-Encoding");
        let framing = match (lengths.next(), codings.next()) {
            (None, None) => Framing::Length(0),
            (Some(length), None) if lengths.next().is_none() => length_of(length)?,
            (Some(_), None) => return Err(BadRequest::Malformed("two lengths")),
            (Some(_), Some(_)) => return Err(BadRequest::Malformed("length and coding")),
            (None, Some(_)) if self.version == Version::Http10 => {
                return Err(BadRequest::Malformed("coding in HTTP/1.0"));
            }
            // Names of codings have no case (RFC 9112 §7); Apple's client writes `Chunked`.
            (None, Some(coding))
                if coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none() =>
            {
                Framing::Chunked
            }
            (None, Some(_)) => return Err(BadRequest::Malformed("coding")),
        };
        Ok(framing)
    }

    /// Checks that the body is not compressed.
    pub fn encoding(&self) -> Result<(), BadRequest> {
        let plain = |value: &[u8]| value.is_empty() || value.eq_ignore_ascii_case(b"identity");
        match self.headers("content-encoding").all(plain) {
            true => Ok(()),
            false => Err(BadRequest::ContentEncoding),
        }
    }

    /// Whether the peer wants the connection to stay open.
    pub fn keeps_alive(&self) -> bool {
        match self.version {
            Version::Http10 => self.has_token("connection", b"keep-alive"),
            Version::Http11 => !self.has_token("connection", b"close"),
        }
    }

    /// Whether the peer waits for a 100 before it sends the body.
    pub fn expects_continue(&self) -> bool {
        self.version == Version::Http11 && self.has_token("expect", b"100-continue")
    }

    /// Whether a field with a comma-separated list has this token.
    fn has_token(&self, name: &str, token: &[u8]) -> bool {
        self.headers(name)
            .flat_map(|value| value.split(|b| *b == b','))
            .any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
    }

    /// Returns the first field of this name, compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers(name).next()
    }

    /// Returns every field of this name, in order.
    pub fn headers<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'r> {
        self.fields
            .iter()
            .filter(move |field| form::is_same(field.name.as_bytes(), name.as_bytes()))
            .map(|field| field.value)
    }

    /// Returns the target up to `?` or `#`, undecoded.
    pub fn path(&self) -> &'a [u8] {
        let end = self.target.iter().position(|b| matches!(b, b'?' | b'#'));
        end.and_then(|end| self.target.get(..end))
            .unwrap_or(self.target)
    }

    /// Returns the part between `?` and `#`, undecoded, as PHP's `$_GET` has it; empty if there is none.
    pub fn query(&self) -> &'a [u8] {
        let mut parts = self.target.splitn(2, |b| *b == b'#');
        let before = parts.next().unwrap_or_default();
        let mut parts = before.splitn(2, |b| *b == b'?');
        parts.next();
        parts.next().unwrap_or_default()
    }
}

/// Returns the target as a path with its query. Scheme and authority of a proxy's absolute form
/// (RFC 9112 §3.2.2) are removed; `*` is for OPTIONS and names no path.
fn origin(target: &str) -> Result<&str, BadRequest> {
    if target.starts_with('/') || target == "*" {
        return Ok(target);
    }
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    let rest = rest.ok_or(BadRequest::Malformed("target"))?;
    match rest.find(['/', '?', '#']) {
        None => Ok("/"),
        Some(path) => match rest.get(path..) {
            Some(path) if path.starts_with('/') => Ok(path),
            _ => Err(BadRequest::Malformed("target")),
        },
    }
}

/// Reads a length of digits only. The parser of numbers takes `+5` as well.
fn length_of(value: &[u8]) -> Result<Framing, BadRequest> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(BadRequest::Malformed("length"));
    }
    let length = value.iter().fold(0_usize, |sum, digit| {
        let digit = usize::from(digit.saturating_sub(b'0'));
        sum.saturating_mul(10).saturating_add(digit)
    });
    match length {
        0..=BODY_BYTES_MAX => Ok(Framing::Length(length)),
        _ => Err(BadRequest::BodyTooLong),
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
mod tests;
