//! Bytes → an HTTP/1.1 request: first how long it is, then what it says.
//!
//! "Incomplete" never reaches a [`Request`].
//!
//! Invariant: what a proxy in front might understand differently is refused, not guessed: a bare
//! LF, a folded line, two lengths, a length beside `Transfer-Encoding` (RFC 9112 §6.3, §11.2).

use heapless::Vec as Bounded;

use crate::limits::HEADER_FIELDS_MAX;

/// Why bytes are no request that can be served. The peer's fault, always; it closes the
/// connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRequest {
    /// Not HTTP/1.0 or 1.1, or framing that two readers may understand differently: 400.
    Malformed(&'static str),
    /// Target over its limit: 414.
    TargetTooLong,
    /// Head and trailers over their limits: 431.
    HeadTooLong,
    /// Body over its limit: 413.
    BodyTooLong,
    /// `Content-Encoding` other than identity: 415.
    ContentEncoding,
}

/// The protocol's two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// No chunks, no 100, closes unless asked otherwise.
    Http10,
    /// Stays open unless asked otherwise.
    Http11,
}

/// How the body's end is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// No body.
    None,
    /// So many bytes, not yet compared with any limit.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// One header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// As the peer wrote it; compare without case.
    pub name: &'a str,
    /// Without blanks around it; bytes, since only its syntax is known.
    pub value: &'a [u8],
}

/// A request whose head is whole. `body` is empty until the caller has read it.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// A token, in the peer's case.
    pub method: &'a str,
    /// Origin form, undecoded (`/sms?To=…`); an absolute form has lost scheme and authority.
    pub target: &'a [u8],
    /// 1.0 or 1.1.
    pub version: Version,
    /// Header fields in their order.
    pub fields: Bounded<Field<'a>, HEADER_FIELDS_MAX>,
    /// The body, chunk framing already taken off.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The first field of this name, compared without case.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers(name).next()
    }

    /// Every field of this name, in order.
    pub fn headers<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'r> {
        self.fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value)
    }

    /// The target up to `?` or `#`, undecoded.
    pub fn path(&self) -> &'a [u8] {
        let end = self.target.iter().position(|b| matches!(b, b'?' | b'#'));
        end.and_then(|end| self.target.get(..end))
            .unwrap_or(self.target)
    }

    /// Between `?` and `#`, undecoded, as PHP's `$_GET` has it; empty where there is none.
    pub fn query(&self) -> &'a [u8] {
        let mut parts = self.target.splitn(2, |b| *b == b'#');
        let before = parts.next().unwrap_or_default();
        let mut parts = before.splitn(2, |b| *b == b'?');
        parts.next();
        parts.next().unwrap_or_default()
    }
}
