//! Defines the faults of a request's head or body.

/// The reason why bytes are no request that can be served. This is always the peer's fault, and the
/// connection closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRequest {
    /// This is not HTTP/1.0 or 1.1, or two readers may understand its framing differently; the answer is
    /// 400. The text is our own, for the log.
    Malformed(&'static str),
    /// The target exceeds [`TARGET_BYTES_MAX`](crate::limits::TARGET_BYTES_MAX); the answer is 414.
    TargetTooLong,
    /// Head and trailers exceed [`HEAD_BYTES_MAX`](crate::limits::HEAD_BYTES_MAX) or
    /// [`HEADER_FIELDS_MAX`](crate::limits::HEADER_FIELDS_MAX); the answer is 431.
    HeadTooLong,
    /// The body exceeds [`BODY_BYTES_MAX`](crate::limits::BODY_BYTES_MAX); the answer is 413.
    BodyTooLong,
    /// `Content-Encoding` is not identity; the answer is 415.
    ContentEncoding,
}
