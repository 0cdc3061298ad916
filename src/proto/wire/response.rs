//! Encodes answers.
//!
//! Invariant: an answer holds nothing from the request but the value of `key_echo`, and that as plain text
//! that no browser may take for anything else.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The reason why a request is not served. Only [`Refusal::status`] turns it into a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The bytes are no HTTP, or their framing is uncertain. The text is our own, for the log.
    Malformed(&'static str),
    /// The value of `key_echo` exceeds its limit.
    EchoTooLong,
    /// The credentials or the signature are wrong; the answer asks for `Basic` credentials.
    Credentials,
    /// The signature or the token is wrong. The text is our own, for the log.
    Signature(&'static str),
    /// The address is not permitted.
    Address,
    /// No interface serves the path.
    Path,
    /// The method carries no message.
    Method,
    /// The method does not read the status page.
    PageMethod,
    /// The request took too long.
    Slow,
    /// The body, or the number of messages, parts or parameters, exceeds its limit.
    TooLong,
    /// The target exceeds its limit.
    TargetTooLong,
    /// The head exceeds its limit.
    HeadTooLong,
    /// The body is compressed.
    Encoding,
    /// The request is no acceptable message; this is the interface's `reject_status`.
    Rejected(u16),
    /// All slots are taken, or there is no thread or no memory.
    Busy,
    /// The spool cannot take the SMS.
    Spool,
    /// The signature depends on the time, and the clock is not sane.
    Clock,
}

impl Refusal {
    /// Returns the status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Refusal::Malformed(_) | Refusal::EchoTooLong => 400,
            Refusal::Credentials | Refusal::Signature(_) => 401,
            Refusal::Address => 403,
            Refusal::Path => 404,
            Refusal::Method | Refusal::PageMethod => 405,
            Refusal::Slow => 408,
            Refusal::TooLong => 413,
            Refusal::TargetTooLong => 414,
            Refusal::Encoding => 415,
            Refusal::Rejected(status) => status,
            Refusal::HeadTooLong => 431,
            Refusal::Busy | Refusal::Spool | Refusal::Clock => 503,
        }
    }

    /// Whether the connection must close here, whatever has been read, because the bytes that follow may
    /// not be a request.
    pub fn closes(self) -> bool {
        matches!(
            self,
            Refusal::Malformed(_)
                | Refusal::EchoTooLong
                | Refusal::Slow
                | Refusal::TooLong
                | Refusal::TargetTooLong
                | Refusal::HeadTooLong
                | Refusal::Encoding
                | Refusal::Busy
        )
    }

    /// Returns a phrase for the log.
    pub fn phrase(self) -> &'static str {
        match self {
            Refusal::Malformed(what) | Refusal::Signature(what) => what,
            Refusal::EchoTooLong => "echo value too long",
            Refusal::Credentials => "credentials",
            Refusal::Address => "address not permitted",
            Refusal::Path => "no such path",
            Refusal::Method | Refusal::PageMethod => "method",
            Refusal::Slow => "too slow",
            Refusal::TooLong => "too long",
            Refusal::TargetTooLong => "target too long",
            Refusal::HeadTooLong => "head too long",
            Refusal::Encoding => "content encoding",
            Refusal::Rejected(_) => "no acceptable message",
            Refusal::Busy => "no slot, thread or memory left",
            Refusal::Spool => "spool",
            Refusal::Clock => "clock not set",
        }
    }

    /// Returns a word of [`REASONS`], for the counts.
    pub fn reason(self) -> &'static str {
        match self {
            Refusal::Malformed(_) => "malformed",
            Refusal::Credentials | Refusal::Signature(_) => "credentials",
            Refusal::Address => "address",
            Refusal::Path => "path",
            Refusal::Method | Refusal::PageMethod => "method",
            Refusal::Slow => "slow",
            Refusal::EchoTooLong
            | Refusal::TooLong
            | Refusal::TargetTooLong
            | Refusal::HeadTooLong => "length",
            Refusal::Encoding => "encoding",
            Refusal::Rejected(_) => "message",
            Refusal::Busy => "busy",
            Refusal::Spool => "spool",
            Refusal::Clock => "clock",
        }
    }

    /// Returns the answer for the peer.
    pub fn answer(self) -> Answer<'static> {
        let status = self.status();
        let field = match self {
            Refusal::Credentials => CHALLENGE,
            Refusal::Method => "Allow: GET, HEAD, POST\r\n",
            Refusal::PageMethod => "Allow: GET, HEAD\r\n",
            Refusal::Busy | Refusal::Spool | Refusal::Clock => RETRY_AFTER,
            _ => "",
        };
        Answer {
            status,
            body: reason(status).as_bytes(),
            content_type: PLAIN,
            fields: [field, "", ""],
            id: "",
        }
    }
}

/// The words for why something is refused: those of [`Refusal::reason`], and [`HANDSHAKE`].
pub const REASONS: [&str; 13] = [
    "malformed",
    "length",
    "slow",
    "address",
    "path",
    "method",
    "credentials",
    "encoding",
    "message",
    "busy",
    "spool",
    "clock",
    HANDSHAKE,
];

/// The word for a failed TLS handshake, after which nobody can be answered.
pub const HANDSHAKE: &str = "handshake";

/// Asks for user and password.
pub const CHALLENGE: &str = "WWW-Authenticate: Basic realm=\"websmsd\"\r\n";

/// The seconds that a provider is asked to wait after a 503: long enough for a slot to become free or for
/// somebody to make room on the disk, short enough for an SMS.
const RETRY_AFTER: &str = "Retry-After: 30\r\n";

const PLAIN: &str = "text/plain";

/// One answer, without the parts that the connection adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The status, 200 to 599.
    pub status: u16,
    /// The body, which may be empty.
    pub body: &'a [u8],
    /// The content type of the body; it is not sent if the body is empty.
    pub content_type: &'a str,
    /// More header lines, each with its CRLF; empty ones add nothing.
    fields: [&'static str; 3],
    /// The value of `X-WebSMS-Id`, the request's id in the log; empty if there is none.
    id: &'a str,
}

impl<'a> Answer<'a> {
    /// Returns a 200 without a body, for the check of reachability.
    pub fn empty() -> Answer<'a> {
        Answer::accepted(b"", PLAIN)
    }

    /// Returns a 200 with `report_success`.
    pub fn accepted(body: &'a [u8], content_type: &'a str) -> Answer<'a> {
        Answer {
            status: 200,
            body,
            content_type,
            fields: [""; 3],
            id: "",
        }
    }

    /// Returns the answer with another status.
    pub fn with_status(self, status: u16) -> Answer<'a> {
        Answer { status, ..self }
    }

    /// Returns the answer with the request's id, 16 characters that may stand in a header.
    pub fn with_id(self, id: &'a str) -> Answer<'a> {
        Answer { id, ..self }
    }

    /// The status page with header lines of its own.
    pub fn page(
        status: u16,
        body: &'a [u8],
        content_type: &'a str,
        fields: [&'static str; 3],
    ) -> Answer<'a> {
        Answer {
            status,
            fields,
            ..Answer::accepted(body, content_type)
        }
    }

    /// Returns a 200 with the value that the provider wants to see again.
    pub fn echo(value: &'a [u8]) -> Answer<'a> {
        Answer {
            fields: ["X-Content-Type-Options: nosniff\r\n", "", ""],
            ..Answer::accepted(value, PLAIN)
        }
    }
}

/// The treatment of the connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It stays open, as usual in HTTP/1.1.
    Open,
    /// It stays open, and the HTTP/1.0 peer must be told.
    OpenHttp10,
    /// It closes.
    Close,
}

/// The room for an answer's head, and for the short bodies of nearly all answers.
pub const ANSWER_BYTES_MAX: usize = 1024;

/// The length of the longest content type that is sent, in bytes. A longer one, or one with control bytes,
/// is left out: it comes from the operator, and the answer matters more.
const CONTENT_TYPE_BYTES_MAX: usize = 256;

/// Encodes an answer. Returns its bytes, and the rest of its body if that did not fit, which must be
/// written next. An answer to HEAD has the length of its body and no body.
pub fn encode<'a>(answer: &Answer<'a>, after: After, method: &str) -> (Vec<u8>, &'a [u8]) {
    let bodiless = answer.status == 204;
    let mut head = String::with_capacity(ANSWER_BYTES_MAX);
    let mut add = |pieces: &[&str]| pieces.iter().for_each(|piece| head.push_str(piece));
    let status = usize::from(answer.status).to_string();
    add(&["HTTP/1.1 ", &status, " ", reason(answer.status), "\r\n"]);
    add(&answer.fields);
    if !answer.id.is_empty() {
        add(&["X-WebSMS-Id: ", answer.id, "\r\n"]);
    }
    let content_type = answer.content_type;
    if !answer.body.is_empty()
        && !bodiless
        && content_type.len() <= CONTENT_TYPE_BYTES_MAX
        && content_type
            .bytes()
            .all(|b| b.is_ascii_graphic() || b == b' ')
    {
        add(&["Content-Type: ", content_type, "\r\n"]);
    }
    if !bodiless {
        let length = answer.body.len().to_string();
        add(&["Content-Length: ", &length, "\r\n"]);
    }
    add(&[match after {
        After::Open => "\r\n",
        After::OpenHttp10 => "Connection: keep-alive\r\n\r\n",
        After::Close => "Connection: close\r\n\r\n",
    }]);
    let mut bytes = head.into_bytes();
    if bodiless || method == "HEAD" {
        return (bytes, b"");
    }
    if bytes.len().saturating_add(answer.body.len()) > ANSWER_BYTES_MAX {
        return (bytes, answer.body);
    }
    bytes.extend_from_slice(answer.body);
    (bytes, b"")
}

/// The interim answer to `Expect: 100-continue`.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Returns the reason phrase of a status, which is the body of a refusal as well.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Refused",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(answer: &Answer, after: After, method: &str, expected: &str) {
        let (start, rest) = encode(answer, after, method);
        let all = [start.as_slice(), rest].concat();
        assert_eq!(String::from_utf8(all).unwrap(), expected);
    }

    #[test]
    fn answers() {
        use After::*;
        let empty = Answer::empty();
        check(
            &empty,
            Open,
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        );
        check(
            &empty,
            OpenHttp10,
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
        );
        let xml = Answer::accepted(b"<Response/>", "text/xml");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 11\r\n";
        check(
            &xml,
            Close,
            "HEAD",
            &format!("{head}Connection: close\r\n\r\n"),
        );
        check(
            &xml,
            Close,
            "POST",
            &format!("{head}Connection: close\r\n\r\n<Response/>"),
        );
        check(
            &empty.with_id("00000000000000ab"),
            Open,
            "GET",
            "HTTP/1.1 200 OK\r\nX-WebSMS-Id: 00000000000000ab\r\nContent-Length: 0\r\n\r\n",
        );
        check(
            &Answer::echo(b"<b>"),
            Open,
            "GET",
            "HTTP/1.1 200 OK\r\nX-Content-Type-Options: nosniff\r\nContent-Type: text/plain\r\n\
             Content-Length: 3\r\n\r\n<b>",
        );
    }

    #[test]
    fn refusals() {
        let check = |refusal: Refusal, expected: &str| {
            check(&refusal.answer(), After::Close, "POST", expected);
        };
        let end = |reason: &str| {
            let length = reason.len();
            format!(
                "Content-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{reason}"
            )
        };
        check(
            Refusal::Credentials,
            &format!(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"websmsd\"\r\n{}",
                end("Unauthorized")
            ),
        );
        check(
            Refusal::Signature("signature wrong"),
            &format!("HTTP/1.1 401 Unauthorized\r\n{}", end("Unauthorized")),
        );
        check(
            Refusal::Method,
            &format!(
                "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD, POST\r\n{}",
                end("Method Not Allowed")
            ),
        );
        check(
            Refusal::PageMethod,
            &format!(
                "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n{}",
                end("Method Not Allowed")
            ),
        );
        for refusal in [Refusal::Busy, Refusal::Spool, Refusal::Clock] {
            check(
                refusal,
                &format!(
                    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\n{}",
                    end("Service Unavailable")
                ),
            );
        }
        check(
            Refusal::Rejected(204),
            "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        );
        check(
            Refusal::Rejected(499),
            &format!("HTTP/1.1 499 Refused\r\n{}", end("Refused")),
        );
        // No answer holds anything that a peer sent or the program knows.
        check(
            Refusal::Malformed("bare LF"),
            &format!("HTTP/1.1 400 Bad Request\r\n{}", end("Bad Request")),
        );
    }

    #[test]
    fn every_reason_is_known() {
        for refusal in [
            Refusal::Malformed("x"),
            Refusal::EchoTooLong,
            Refusal::Credentials,
            Refusal::Signature("x"),
            Refusal::Address,
            Refusal::Path,
            Refusal::Method,
            Refusal::PageMethod,
            Refusal::Slow,
            Refusal::TooLong,
            Refusal::TargetTooLong,
            Refusal::HeadTooLong,
            Refusal::Encoding,
            Refusal::Rejected(422),
            Refusal::Busy,
            Refusal::Spool,
            Refusal::Clock,
        ] {
            assert!(REASONS.contains(&refusal.reason()), "{refusal:?}");
        }
    }

    /// Somewhat longer than those of the status page.
    const PAGE_FIELDS: &str = concat!(
        "Policy: ",
        "a123456789b123456789c123456789d123456789e123456789",
        "a123456789b123456789c123456789",
        "d123456789e123456789a123456789b123456789c123456789d123456789e123456789a123456789b123456789",
        "c123456789d123456789e123456789a123456789b123456789c123456789d123456789e123456789a123456789",
        "c123456789d123456789e123456789a123456789b123456789c123456789d123456789e123456789a123456789",
        "c123456789d123456789e123456789a123456789b123456789c123456789d123456789e123456789a12345\r\n",
    );

    #[test]
    fn longest_head_fits() {
        let body = vec![b'x'; 70_000];
        for (type_bytes, sent) in [(255, true), (256, true), (257, false)] {
            let content_type = "t".repeat(type_bytes);
            let mut answer = Refusal::Rejected(431).answer();
            answer.body = &body;
            answer.content_type = &content_type;
            answer.id = "00000000000000ab";
            answer.fields = [CHALLENGE, PAGE_FIELDS, ""];
            let (start, rest) = encode(&answer, After::OpenHttp10, "POST");
            let start = core::str::from_utf8(&start).unwrap();
            assert!(start.ends_with("Content-Length: 70000\r\nConnection: keep-alive\r\n\r\n"));
            assert_eq!(start.contains("Content-Type: "), sent);
            assert_eq!(rest, body);
        }
        let odd = Answer::accepted(b"x", "text/plain\r\nX: y");
        check(
            &odd,
            After::Open,
            "POST",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        );
    }
}
