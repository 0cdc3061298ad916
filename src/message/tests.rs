//! Tests the rules for numbers, senders and texts, with one row per case.

use super::*;

fn bad(field: &'static str, byte: u8) -> Option<BadMessage> {
    Some(BadMessage::Alphabet { field, byte })
}

fn empty(field: &'static str) -> Option<BadMessage> {
    Some(BadMessage::Empty { field })
}

fn long(field: &'static str) -> Option<BadMessage> {
    Some(BadMessage::TooLong {
        field,
        bytes: 65,
        bytes_max: 64,
    })
}

#[test]
fn a_masked_number_shows_its_end() {
    fn check(number: &str, expected: &str) {
        let masked = LogNumbers::Masked.show(number.as_bytes());
        assert_eq!(masked.as_ref(), expected.as_bytes(), "{number}");
        let whole = LogNumbers::Whole.show(number.as_bytes());
        assert_eq!(whole.as_ref(), number.as_bytes());
    }
    check("+12025550160", "...160");
    check("123456", "...456");
    check("12345", "...45");
    check("101", "...1");
    check("7", "...");
    check("", "...");
}

#[test]
fn inbound_to() {
    let check = |raw: &[u8], expected: Result<&str, Option<BadMessage>>| {
        let got = Number::parse_inbound(raw);
        let got = got
            .as_ref()
            .map(Number::as_str)
            .map_err(|e| Some(e.clone()));
        assert_eq!(got, expected, "{raw:?}");
    };
    check(b"+12025550160", Ok("+12025550160"));
    check(b" 12025550160\r\n", Ok("12025550160"));
    check(b"\0+1\x0b\t", Ok("+1"));
    check(b"a.b_c-D", Ok("a.b_c-D"));
    check(b"ss", Ok("ss"));
    check(b"S", Ok("S"));
    check(b"1", Ok("1"));
    check(b"..", Ok(".."));
    check(&[b'1'; 63], Ok(&"1".repeat(63)));
    check(&[b'1'; 64], Ok(&"1".repeat(64)));
    check(&[b'1'; 65], Err(long("to")));
    check(
        &[&[b' '; 40][..], &[b'1'; 64]].concat(),
        Ok(&"1".repeat(64)),
    );
    check(b"", Err(empty("to")));
    check(b" \t\r\n\0", Err(empty("to")));
    for special in [b"s", b"h", b"i", b"t", b"T", b"e", b"o", b"a"] {
        check(special, Err(Some(BadMessage::SpecialExtension)));
    }
    check(b" s ", Err(Some(BadMessage::SpecialExtension)));
    // Asterisk ignores `-` in any place.
    for special in [
        b"-s".as_slice(),
        b"h-",
        b"-i-",
        b"--T--",
        b"failed",
        b"-fai-led-",
    ] {
        check(special, Err(Some(BadMessage::SpecialExtension)));
    }
    for pattern in [b"_X.".as_slice(), b"_", b"__", b"-_X.", b"_-", b"_alice"] {
        check(pattern, Err(Some(BadMessage::Pattern)));
    }
    for nothing in [b"-".as_slice(), b"---", b" - "] {
        check(nothing, Err(Some(BadMessage::NoExtension)));
    }
    check(b"-1-202-555-", Ok("-1-202-555-"));
    check(b"s-s", Ok("s-s"));
    check(b"a_", Ok("a_"));
    check(b"FAILED", Ok("FAILED"));
    check(b"failed2", Ok("failed2"));
    for byte in *b" /\\:;,<>()[]{}*#&@'\"%$\n\r\0\x7f\x80\xff|=~`!?^" {
        check(&[b'1', byte, b'2'], Err(bad("to", byte)));
    }
    check("1é".as_bytes(), Err(bad("to", 0xc3)));
}

#[test]
fn inbound_from() {
    let check = |raw: &[u8], expected: Result<&str, Option<BadMessage>>| {
        let got = Sender::parse_inbound(raw);
        let got = got
            .as_ref()
            .map(Sender::as_str)
            .map_err(|e| Some(e.clone()));
        assert_eq!(got, expected, "{raw:?}");
    };
    check(b"+15017122661", Ok("+15017122661"));
    check(b"  AT&T Info \n", Ok("AT&T Info"));
    check(b"O'Hara@home", Ok("O'Hara@home"));
    check("Zürich".as_bytes(), Ok("Z_rich"));
    check("😀".as_bytes(), Ok("_"));
    check(b"Z\xfcrich", Ok("Z_rich"));
    check(b"\xc3\xbc\xff", Ok("___"));
    check(b"a\nSet: x=1", Ok("a_Set_ x_1"));
    check(b"a\r\n\0b", Ok("a___b"));
    check(b"<b>\"x\"", Ok("_b__x_"));
    check(&[b'1'; 64], Ok(&"1".repeat(64)));
    check(&[b'1'; 65], Err(long("from")));
    // This is a hidden number.
    check(b"", Ok("anonymous"));
    check(b" \n", Ok("anonymous"));
}

#[test]
fn outbound() {
    let to = |raw: &[u8], expected: Option<BadMessage>| {
        let got = Number::parse_outbound(raw);
        assert_eq!(got.clone().err(), expected, "{raw:?}");
        assert!(got.is_err() || got.is_ok_and(|n| n.as_str().as_bytes() == raw));
    };
    to(b"+12025550160", None);
    to(b"*99#", None);
    to(b"s", None);
    to(&[b'1'; 64], None);
    to(&[b'1'; 65], long("to"));
    to(b"", empty("to"));
    to(b" 1", bad("to", b' '));
    to(b"1,2", bad("to", b','));
    to(b"1<2", bad("to", b'<'));
    to(b"1\n", bad("to", b'\n'));

    let from = |raw: &[u8], expected: Option<BadMessage>| {
        let got = Sender::parse_outbound(raw);
        assert_eq!(got.clone().err(), expected, "{raw:?}");
        assert!(got.is_err() || got.is_ok_and(|n| n.as_str().as_bytes() == raw));
    };
    from(b"+12025550160", None);
    from(b"AT&T @ 'x'", None);
    from(&[b'1'; 65], long("from"));
    from(b"", empty("from"));
    from(b"a*", bad("from", b'*'));
    from("é".as_bytes(), bad("from", 0xc3));
}

#[test]
fn inbound_text() {
    let check = |raw: &[u8], charset: Option<&str>, expected: &str| {
        let got = Text::parse_inbound(raw, charset);
        assert_eq!(got.as_bytes(), expected.as_bytes(), "{raw:?} {charset:?}");
    };
    check(b"", None, "");
    check(b"plain", None, "plain");
    check("äöü 😀".as_bytes(), None, "äöü 😀");
    check("äöü".as_bytes(), Some("ISO-8859-1"), "äöü");
    check(b" kept \r\n", None, " kept \r\n");
    check(b"a\0b\0", None, "ab");
    check(b"\xe4\0", None, "ä");
    check(b"\xe4\x80", None, "ä\u{80}");
    check(b"\xe4\x80", Some("iso-8859-1"), "ä\u{80}");
    check(b"\xe4\x80", Some("us-ascii"), "ä\u{80}");
    check(b"\xe4\x80", Some("koi8-r"), "ä\u{80}");
    check(b"\xe4\x80", Some("utf-8"), "ä\u{80}");
    check(
        b"\x80\x81\x9f\xa0\xff",
        Some("Windows-1252"),
        "€\u{81}Ÿ\u{a0}ÿ",
    );
    check(b"\x93x\x94", Some("cp1252"), "“x”");
    // UTF-8 is cut by bytes at its end, at its beginning and in between; a charset makes no difference.
    let start = "สวัสด\u{e35}"
        .as_bytes()
        .strip_suffix(b"\xb5")
        .unwrap_or_default();
    let end = "สวัสดี".as_bytes().strip_prefix(b"\xe0").unwrap_or_default();
    for charset in [None, Some("UTF-8"), Some("koi8-r"), Some("")] {
        check(start, charset, "สวัสด\u{fffd}");
        check(end, charset, "\u{fffd}\u{fffd}วัสดี");
        check("Прив\0ет".as_bytes(), charset, "Привет");
        check(b"\xd0\x9f\xd1\x80\xd0", charset, "Пр\u{fffd}");
        check(
            b"a\xffb\xd0\x9f\xfe\xfe",
            charset,
            "a\u{fffd}bП\u{fffd}\u{fffd}",
        );
        check(b"\xf0\x9f\x98\xc3\xa4", charset, "\u{fffd}ä");
        check(b"\xf0\x9f\x98", charset, "ð\u{9f}\u{98}");
        check(b"caf\xe9 \xe0 la", charset, "café à la");
    }
    // If the request names the charset, that one counts.
    for charset in ["ISO-8859-1", "latin1", "US-ASCII", "ascii", "iso8859-1"] {
        check(b"\xc3\xa4\xe4", Some(charset), "Ã¤ä");
    }
    check(b"\xc3\x80\xe4", Some("windows-1252"), "Ã€ä");
    // Overlong and surrogate forms are not UTF-8.
    check(b"\xc0\x80", None, "À\u{80}");
    check(b"\xed\xa0\x80", None, "í\u{a0}\u{80}");
}

#[test]
fn outbound_text() {
    assert_eq!(
        Text::parse_outbound(b""),
        Err(BadMessage::Empty { field: "text" })
    );
    let check = |raw: &[u8], expected: &str| {
        let text = Text::parse_outbound(raw).map(|t| (t.as_bytes().to_vec(), t.to_utf8().into()));
        assert_eq!(text, Ok((raw.to_vec(), String::from(expected))));
    };
    check(b"a", "a");
    check("é".as_bytes(), "é");
    check(b"\xe9\0", "é\0");
}

#[test]
fn errors_name_the_field_and_not_the_value() {
    let check = |error: BadMessage, field: &str, text: &str| {
        assert_eq!((error.field(), error.to_string().as_str()), (field, text));
    };
    check(BadMessage::Missing { field: "from" }, "from", "no from");
    check(BadMessage::Empty { field: "to" }, "to", "to is empty");
    let long = BadMessage::TooLong {
        field: "to",
        bytes: 70,
        bytes_max: 64,
    };
    check(long, "to", "to is 70 bytes, limit 64");
    let byte = BadMessage::Alphabet {
        field: "to",
        byte: 10,
    };
    check(byte, "to", "to holds byte 0x0a");
    check(
        BadMessage::SpecialExtension,
        "to",
        "to is a special extension of Asterisk",
    );
    check(
        BadMessage::Several,
        "to",
        "several messages, and neither each nor a path tells them apart",
    );
    check(
        BadMessage::Pattern,
        "to",
        "to begins with _, like a pattern of Asterisk",
    );
    check(BadMessage::NoExtension, "to", "to has no character but -");
    check(
        BadMessage::NotWhole { field: "from" },
        "from",
        "from is no whole number, as this auth_method demands",
    );
}
