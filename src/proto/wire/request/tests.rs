//! Tests how heads and bodies are measured and parsed, whole and cut anywhere.

use super::*;

/// Checks a head's length, found at once, from every strict prefix on, and byte by byte.
fn check_measure(bytes: &[u8], expected: Result<Option<usize>, BadRequest>) {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
    assert_eq!(Measure::default().head(bytes), expected, "{shown:?}");
    let step = bytes.len() / 200 + 1;
    for first in (0..bytes.len()).step_by(step) {
        let mut measure = Measure::default();
        let early = measure.head(&bytes[..first]);
        let late = early.and_then(|early| match early {
            Some(end) => Ok(Some(end)),
            None => measure.head(bytes),
        });
        assert_eq!(late, expected, "{shown:?} cut at {first}");
    }
    let mut measure = Measure::default();
    let mut found = Ok(None);
    for end in 0..=bytes.len() {
        found = measure.head(&bytes[..end]);
        if found != Ok(None) {
            break;
        }
    }
    assert_eq!(found, expected, "{shown:?} byte by byte");
}

#[test]
fn head_ends_at_its_empty_line() {
    let check = check_measure;
    let malformed = |why| Err(BadRequest::Malformed(why));
    check(b"", Ok(None));
    check(b"GET / HTTP/1.1\r\n\r\n", Ok(Some(18)));
    check(b"GET / HTTP/1.1\r\n\r\nGET /", Ok(Some(18)));
    check(b"GET / HTTP/1.1\r\na: b\r\n\r\n", Ok(Some(24)));
    check(b"GET / HTTP/1.1\r\na: b\r\n\r", Ok(None));
    check(b"GET / HTTP/1.1\r\na: \x80\xff\t~\r\n\r\n", Ok(Some(27)));
    // Some clients leave one empty line before the request line; more are refused.
    check(b"\r\nGET / HTTP/1.1\r\n\r\n", Ok(Some(20)));
    check(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", malformed("empty lines"));
    check(b"\nGET / HTTP/1.1\r\n\r\n", malformed("bare LF"));
    check(b"GET / HTTP/1.1\n\r\n", malformed("bare LF"));
    check(b"GET / HTTP/1.1\r\na: b\n\r\n", malformed("bare LF"));
    check(b"GET / HTTP/1.1\r\na: b\n\n", malformed("bare LF"));
    check(b"GET / HTTP/1.1\r\na: b\r\n\n", malformed("bare LF"));
    check(b"GET / HTTP/1.1\ra: b\r\n\r\n", malformed("bare CR"));
    check(b"GET / HTTP/1.1\r\r\n\r\n", malformed("bare CR"));
    check(
        b"GET / HTTP/1.1\r\na: b\0\r\n\r\n",
        malformed("control byte"),
    );
    check(
        b"GET / HTTP/1.1\r\na: \x7f\r\n\r\n",
        malformed("control byte"),
    );
    check(b"\x16\x03\x01\x02\x00\x01", malformed("control byte"));
}

#[test]
fn fuzzing_1_a_line_without_blanks_is_the_same_wherever_it_is_cut() {
    for bytes in 1..=METHOD_BYTES_MAX {
        let head = ["v".repeat(bytes), "\r\n\r\n".to_owned()].concat();
        check_measure(head.as_bytes(), Ok(Some(head.len())));
    }
    // The target has the longest length, but no version behind it.
    let head = format!("GET /{}\r\n\r\n", "a".repeat(TARGET_BYTES_MAX - 1));
    check_measure(head.as_bytes(), Ok(Some(head.len())));
}

#[test]
fn head_limits() {
    let filled = |total: usize| {
        let (start, end) = ("POST / HTTP/1.1\r\na: ", "\r\n\r\n");
        let fill = "x".repeat(total - start.len() - end.len());
        [start, &fill, end].concat().into_bytes()
    };
    check_measure(&filled(HEAD_BYTES_MAX - 1), Ok(Some(HEAD_BYTES_MAX - 1)));
    check_measure(&filled(HEAD_BYTES_MAX), Ok(Some(HEAD_BYTES_MAX)));
    check_measure(&filled(HEAD_BYTES_MAX + 1), Err(BadRequest::HeadTooLong));

    let target = |bytes: usize, method: &str| {
        let target = "/".repeat(bytes);
        format!("{method} {target} HTTP/1.1\r\n\r\n").into_bytes()
    };
    for method in ["GET", "X".repeat(METHOD_BYTES_MAX).as_str()] {
        let whole = |bytes: usize| Ok(Some(target(bytes, method).len()));
        let max = TARGET_BYTES_MAX;
        check_measure(&target(max - 1, method), whole(max - 1));
        check_measure(&target(max, method), whole(max));
        check_measure(&target(max + 1, method), Err(BadRequest::TargetTooLong));
    }
    // This is refused before the line has ended, and before the head's own limit.
    let endless = [b"GET /".as_slice(), &[b'x'; HEAD_BYTES_MAX]].concat();
    check_measure(&endless, Err(BadRequest::TargetTooLong));

    let method = |bytes: usize| format!("{} / HTTP/1.1\r\n\r\n", "X".repeat(bytes));
    check_measure(method(31).as_bytes(), Ok(Some(46)));
    check_measure(method(32).as_bytes(), Ok(Some(47)));
    check_measure(method(33).as_bytes(), Err(BadRequest::Malformed("method")));
    let version = format!(
        "GET /{} {}",
        "x".repeat(TARGET_BYTES_MAX - 1),
        "H".repeat(10)
    );
    check_measure(version.as_bytes(), Err(BadRequest::Malformed("version")));
}

fn parsed(head: &str) -> Result<Request<'_>, BadRequest> {
    Request::parse(head.as_bytes())
}

/// Checks method, target, version and number of fields of a head with these lines.
fn check_parse(head: &str, expected: Result<(&str, &str, Version, usize), BadRequest>) {
    let found = parsed(head);
    let found = found.as_ref().map(|request| {
        let target = std::str::from_utf8(request.target).unwrap();
        (
            request.method,
            target,
            request.version,
            request.fields.len(),
        )
    });
    assert_eq!(found, expected.as_ref().copied(), "{head:?}");
}

#[test]
fn heads() {
    use Version::*;
    let check = check_parse;
    let malformed = |why| Err(BadRequest::Malformed(why));
    check("GET / HTTP/1.1\r\n\r\n", Ok(("GET", "/", Http11, 0)));
    check("GET / HTTP/1.0\r\n\r\n", Ok(("GET", "/", Http10, 0)));
    check("\r\nGET / HTTP/1.1\r\n\r\n", Ok(("GET", "/", Http11, 0)));
    check(
        "post /a?b HTTP/1.1\r\na: b\r\n\r\n",
        Ok(("post", "/a?b", Http11, 1)),
    );
    check(
        "OPTIONS * HTTP/1.1\r\n\r\n",
        Ok(("OPTIONS", "*", Http11, 0)),
    );
    check(
        "GET http://h/a?b HTTP/1.1\r\n\r\n",
        Ok(("GET", "/a?b", Http11, 0)),
    );
    check(
        "GET HTTPS://h:1/a HTTP/1.1\r\n\r\n",
        Ok(("GET", "/a", Http11, 0)),
    );
    check("GET http://h HTTP/1.1\r\n\r\n", Ok(("GET", "/", Http11, 0)));
    check("GET http://h?a HTTP/1.1\r\n\r\n", malformed("target"));
    check("GET ftp://h/ HTTP/1.1\r\n\r\n", malformed("target"));
    check("GET a HTTP/1.1\r\n\r\n", malformed("target"));
    check("CONNECT h:443 HTTP/1.1\r\n\r\n", malformed("target"));
    check("GET / HTTP/2.0\r\n\r\n", malformed("version"));
    check("GET / HTTP/1.2\r\n\r\n", malformed("version"));
    check("GET / http/1.1\r\n\r\n", malformed("version"));
    check("GET / \r\n\r\n", malformed("version"));
    check("GET /\r\n\r\n", malformed("request line"));
    check("GET  / HTTP/1.1\r\n\r\n", malformed("request line"));
    check("GET /\t HTTP/1.1\r\n\r\n", malformed("request line"));
    check("G(T / HTTP/1.1\r\n\r\n", malformed("request line"));
    check("GET / HTTP/1.1 \r\n\r\n", malformed("header field"));
    check("GET / HTTP/1.1\r\na\r\n\r\n", malformed("header field"));
    check("GET / HTTP/1.1\r\n: b\r\n\r\n", malformed("header field"));
    check("GET / HTTP/1.1\r\na : b\r\n\r\n", malformed("header field"));
    check("GET / HTTP/1.1\r\n a: b\r\n\r\n", malformed("header field"));
    check(
        "GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n",
        malformed("header field"),
    );
    check(
        "GET / HTTP/1.1\r\na: b\r\n\tc\r\n\r\n",
        malformed("header field"),
    );
    check(
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        Ok(("GET", "/", Http11, 1)),
    );
    check(
        "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
        malformed("two Host fields"),
    );
    let fields = |count: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count));
    check(&fields(63), Ok(("GET", "/", Http11, 63)));
    check(&fields(64), Ok(("GET", "/", Http11, 64)));
    check(&fields(65), Err(BadRequest::HeadTooLong));
}

#[test]
fn fields_and_target() {
    let request =
        parsed("GET /p/q?a=b?c#d?e HTTP/1.1\r\nA-B: \t1 2\t \r\nc:\r\nA_B: 3\r\na-b: 4\r\n\r\n")
            .unwrap();
    let all: Vec<&[u8]> = request.headers("a-B").collect();
    assert_eq!(all, [b"1 2".as_slice(), b"4"]);
    assert_eq!(request.header("a-b"), Some(b"1 2".as_slice()));
    assert_eq!(request.header("c"), Some(b"".as_slice()));
    assert_eq!(request.header("d"), None);
    assert_eq!(request.path(), b"/p/q");
    assert_eq!(request.query(), b"a=b?c");
    let target = |target: &'static str| Request {
        target: target.as_bytes(),
        ..request.clone()
    };
    assert_eq!(target("/a").path(), b"/a");
    assert_eq!(target("/a").query(), b"");
    assert_eq!(target("/a#b?c").path(), b"/a");
    assert_eq!(target("/a#b?c").query(), b"");
}

#[test]
fn framing() {
    let check = |version: &str, fields: &str, expected: Result<Framing, BadRequest>| {
        let head = format!("POST / HTTP/{version}\r\n{fields}\r\n");
        assert_eq!(parsed(&head).unwrap().framing(), expected, "{head:?}");
    };
    let malformed = |why| Err(BadRequest::Malformed(why));
    let length = |value: &str| format!("Content-Length: {value}\r\n");
    let coding = |value: &str| format!("Transfer-Encoding: {value}\r\n");
    check("1.1", "", Ok(Framing::Length(0)));
    check("1.0", "", Ok(Framing::Length(0)));
    check("1.1", &length("0"), Ok(Framing::Length(0)));
    check("1.0", &length("007"), Ok(Framing::Length(7)));
    check("1.1", &length("65535"), Ok(Framing::Length(65535)));
    check("1.1", &length("65536"), Ok(Framing::Length(65536)));
    check("1.1", &length("65537"), Err(BadRequest::BodyTooLong));
    check(
        "1.1",
        &length("18446744073709551621"),
        Err(BadRequest::BodyTooLong),
    );
    for value in [
        "", "+5", "-5", "0x5", "5 5", "5,5", "5, 5", "5.0", "\"5\"", "٣",
    ] {
        check("1.1", &length(value), malformed("length"));
    }
    check(
        "1.1",
        &(length("5") + &length("5")),
        malformed("two lengths"),
    );
    check(
        "1.1",
        &(length("5") + &length("6")),
        malformed("two lengths"),
    );
    for value in ["chunked", "Chunked", "CHUNKED"] {
        check("1.1", &coding(value), Ok(Framing::Chunked));
        check("1.0", &coding(value), malformed("coding in HTTP/1.0"));
        for both in [length("5") + &coding(value), coding(value) + &length("5")] {
            check("1.1", &both, malformed("length and coding"));
        }
        let twice = coding(value) + &coding("chunked");
        check("1.1", &twice, malformed("coding"));
    }
    for value in [
        "",
        "identity",
        "gzip, chunked",
        "chunked, gzip",
        "Chunked, chunked",
        "chunked;a",
        "chunke",
        "xchunked",
    ] {
        check("1.1", &coding(value), malformed("coding"));
    }
}

#[test]
fn wishes() {
    let check = |head: &str, keeps_alive: bool, expects_continue: bool, plain: bool| {
        let head = format!("POST / HTTP/{head}\r\n\r\n");
        let request = parsed(&head).unwrap();
        assert_eq!(request.keeps_alive(), keeps_alive, "{head:?}");
        assert_eq!(request.expects_continue(), expects_continue, "{head:?}");
        assert_eq!(request.encoding().is_ok(), plain, "{head:?}");
    };
    check("1.1", true, false, true);
    check("1.0", false, false, true);
    check("1.1\r\nConnection: close", false, false, true);
    check("1.1\r\nConnection: a, CLOSE ,b", false, false, true);
    check(
        "1.1\r\nConnection: a\r\nConnection: close",
        false,
        false,
        true,
    );
    check("1.1\r\nConnection: closed", true, false, true);
    check("1.0\r\nConnection: Keep-Alive", true, false, true);
    check("1.1\r\nExpect: 100-Continue", true, true, true);
    check("1.0\r\nExpect: 100-continue", false, false, true);
    check("1.1\r\nExpect: 200", true, false, true);
    check("1.1\r\nContent-Encoding: Identity", true, false, true);
    check("1.1\r\nContent-Encoding:", true, false, true);
    check("1.1\r\nContent-Encoding: gzip", true, false, false);
    check(
        "1.1\r\nContent-Encoding: identity, gzip",
        true,
        false,
        false,
    );
    check(
        "1.1\r\nContent-Encoding: identity\r\nContent-Encoding: br",
        true,
        false,
        false,
    );
}
