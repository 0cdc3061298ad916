//! What is wrong with a request's head or body.

/// Why bytes are no request that can be served. The peer's fault, always; it closes the
/// connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRequest {
    /// Not HTTP/1.0 or 1.1, or framing that two readers may understand differently: 400. The text
    /// is ours, for the log.
    Malformed(&'static str),
    /// Target over [`TARGET_BYTES_MAX`](crate::limits::TARGET_BYTES_MAX): 414.
    TargetTooLong,
    /// Head and trailers over [`HEAD_BYTES_MAX`](crate::limits::HEAD_BYTES_MAX) or
    /// [`HEADER_FIELDS_MAX`](crate::limits::HEADER_FIELDS_MAX): 431.
    HeadTooLong,
    /// Body over [`BODY_BYTES_MAX`](crate::limits::BODY_BYTES_MAX): 413.
    BodyTooLong,
    /// `Content-Encoding` other than identity: 415.
    ContentEncoding,
}
