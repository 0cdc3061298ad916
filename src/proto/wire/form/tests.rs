//! Pins the results of PHP 8.2 without running it; `tests/oracle/form.rs` compares with PHP itself.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use super::*;

/// Returns `{a:x,0:{…}}`, with bytes escaped as in Rust, integer keys bare and others in quotes.
fn shown(parsed: Result<Array, TooMuch>) -> String {
    fn array(tree: &Array) -> String {
        let entry = |(key, value): &(Key, Value)| {
            let key = match key {
                Key::Int(number) => number.to_string(),
                Key::Bytes(bytes) => format!("'{}'", bytes.escape_ascii()),
            };
            match value {
                Value::Scalar(bytes) => format!("{key}:{}", bytes.escape_ascii()),
                Value::Array(inner) => format!("{key}:{}", array(inner)),
            }
        };
        let entries: Vec<String> = tree.entries().iter().map(entry).collect();
        format!("{{{}}}", entries.join(","))
    }
    match parsed {
        Ok(parsed) => array(&parsed),
        Err(TooMuch(what)) => format!("too much: {what}"),
    }
}

#[test]
fn urlencoded() {
    let check = |bytes: &[u8], expected: &str| {
        let got = shown(parse_urlencoded(bytes));
        assert_eq!(got, expected, "{}", bytes.escape_ascii());
    };
    check(b"", "{}");
    check(b"&&", "{}");
    check(b"a=1&b=2", "{'a':1,'b':2}");
    check(b"a=1;b=2", "{'a':1;b=2}");
    check(b"a&b=&=c", "{'a':,'b':}");
    check(b"a=b=c", "{'a':b=c}");
    check(b"a=+%2B%zz%4\r\n", "{'a': +%zz%4\\r\\n}");
    check(b"a=\x00\xff", "{'a':\\x00\\xff}");
    check(b"a=1&b=2&a=3", "{'a':3,'b':2}");
    check(b"%00=1&a%00b=2", "{'a':2}");
    check(b"++a.b+c=1", "{'a_b_c':1}");
    check(b"%09a=1", "{'\\ta':1}");
    check(b"[a]=1&[=2&+[b]=3", "{}");
    check(
        b"0=a&-5=b&05=c&+5=d&9223372036854775808=e",
        "{0:a,-5:b,'05':c,5:d,'9223372036854775808':e}",
    );
    check(b"a[]=1&a[]=2", "{'a':{0:1,1:2}}");
    check(b"a[x]=1&a[5]=2&a[]=3&a[x]=4", "{'a':{'x':4,5:2,6:3}}");
    check(b"a[-5]=1&a[]=2", "{'a':{-5:1,-4:2}}");
    check(
        b"a[9223372036854775807]=1&a[]=2&a[][x]=3",
        "{'a':{9223372036854775807:1}}",
    );
    check(b"a[x.y][+z][%20]=1", "{'a':{'x.y':{' z':{0:1}}}}");
    check(b"a[%20%20]=1", "{'a':{'  ':1}}");
    check(b"a[x]b[y]=1&c[x[y]=2", "{'a':{'x':1},'c':{'x[y':2}}");
    check(b"a[b.c+d[e=1", "{'a_b_c_d_e':1}");
    check(b"a[x][y=1", "{'a':{'x':1}}");
    check(b"a=1&a[b]=2&c[b]=3&c=4", "{'a':{'b':2},'c':4}");
    check(
        b"_.Host-a=1&__Host-a=2&a[__Secure-x]=3&b[__Host-x][y]=4",
        "{'__Host-a':2,'a':{},'b':{}}",
    );
    let deep = |levels: usize| format!("a=0&b=1&a{}=x", "[0]".repeat(levels));
    let nested = format!("{{'a':{}x{},'b':1}}", "{0:".repeat(64), "}".repeat(64));
    check(deep(64).as_bytes(), &nested);
    check(deep(65).as_bytes(), "{'b':1}");
}

#[test]
fn content_types() {
    let check = |content_type: Option<&str>, expected: &str| {
        let got = shown(parse_body(content_type.map(str::as_bytes), b"a=1"));
        assert_eq!(got, expected, "{content_type:?}");
    };
    let form = "application/x-www-form-urlencoded";
    check(Some(form), "{'a':1}");
    check(Some(&form.to_uppercase()), "{'a':1}");
    for end in [";", "; charset=x", " x", ",x"] {
        check(Some(&format!("{form}{end}")), "{'a':1}");
    }
    for other in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded\tx",
        "application/x-www-form",
    ] {
        check(Some(other), "{}");
    }
    check(None, "{}");
}

#[test]
fn multipart_bodies() {
    let check = |content_type: &str, body: &str, expected: &str| {
        let content_type = format!("multipart/form-data; {content_type}");
        let got = shown(parse_body(Some(content_type.as_bytes()), body.as_bytes()));
        assert_eq!(got, expected, "{content_type}: {body}");
    };
    let one = |boundary: &str| {
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n--{boundary}--\r\n"
        )
    };
    for (field, boundary) in [
        ("boundary=b", "b"),
        ("boundary=\"b;,\"", "b;,"),
        ("boundary=b;c", "b"),
        ("boundary=b,c", "b"),
        ("BOUNDARY =b", "b"),
        ("Boundary=x;boundary=b", "b"),
        ("boundary=", ""),
        ("boundary=b c", "b c"),
    ] {
        check(field, &one(boundary), "{'a':v}");
    }
    for (field, boundary) in [
        ("boundary=\"b", "b"),
        ("boundary=B", "b"),
        ("boundary", "b"),
        ("x=b", "b"),
    ] {
        check(field, &one(boundary), "{}");
    }
    let longest = "b".repeat(5116);
    check(&format!("boundary={longest}"), &one(&longest), "{'a':v}");
    check(
        &format!("boundary={longest}b"),
        &one(&format!("{longest}b")),
        "{}",
    );

    let part = |head: &str, expected: &str| {
        let body = format!(
            "--b\r\n{head}\r\n\r\nv\r\n--b\r\nContent-Disposition: x; name=z\r\n\r\nw\r\n--b--"
        );
        check("boundary=b", &body, expected);
    };
    part(
        "Content-Disposition: form-data; name=\"a\"",
        "{'a':v,'z':w}",
    );
    part("content-disposition:form-data;NAME=a", "{'a':v,'z':w}");
    part(
        "Content-Disposition: form-data; name=\"a\\\"\\\\;b\"",
        "{'a\\\"\\\\;b':v,'z':w}",
    );
    part(
        "Content-Disposition: form-data; name='a b'",
        "{'a_b':v,'z':w}",
    );
    part("Content-Disposition: form-data; name=a b", "{'a':v,'z':w}");
    part(
        "Content-Disposition: form-data; name=a; name=b",
        "{'b':v,'z':w}",
    );
    part(
        "Content-Disposition: form-data;\r\n name=a[x]",
        "{'a':{'x':v},'z':w}",
    );
    part(
        "X: y\r\nContent-Disposition: x; name=a\r\nContent-Disposition: x; name=b",
        "{'a':v,'z':w}",
    );
    part("Content-Disposition: x; name=a; filename=f", "{'z':w}");
    part(
        "Content-Disposition: x; name=a; filename*=f",
        "{'a':v,'z':w}",
    );
    part("Content-Disposition: x; name =a", "{}");
    part("Content-Disposition : x; name=a", "{'z':w}");
    part("X: y", "{'z':w}");

    let framed = |body: &str, expected: &str| {
        check(
            "boundary=b",
            &body.replace('~', "Content-Disposition: x; name=a[]"),
            expected,
        );
    };
    framed("--b\n~\n\nv\n--b--", "{'a':{0:v}}");
    framed(
        "x\r\n--b\r\n~\r\n\r\nv\r\n\r\n--bx\r\n--b\r\n~\r\n\r\nw",
        "{'a':{0:v\\r\\n,1:w}}",
    );
    framed(
        "--b\r\n~\r\n\r\nv--b\r\r\n--b--\r\n--b\r\n~\r\n\r\nw\r\n",
        "{'a':{0:v--b\\r,1:w}}",
    );
    framed("--b\r\n~\r\n\r\nv\r\n--", "{'a':{0:v}}");
    framed("--b\r\n~\r\n\r\nv\r\n--c", "{'a':{0:v\\r\\n--c}}");
    framed("--b\r\n~\r\n\r\n", "{'a':{0:}}");
    framed("--b \r\n~\r\n\r\nv\r\n--b--", "{}");
}

#[test]
fn encodings() {
    let check = |bytes: &[u8], raw: &str, form: &str| {
        assert_eq!(rawurlencode(bytes), raw);
        assert_eq!(urlencode(bytes), form);
        assert_eq!(percent_decode(raw.as_bytes()), bytes);
    };
    check(b"", "", "");
    check(b"aZ09-_.", "aZ09-_.", "aZ09-_.");
    check(
        b" ~*+%&=/",
        "%20~%2A%2B%25%26%3D%2F",
        "+%7E%2A%2B%25%26%3D%2F",
    );
    check(b"\0\n\x7f\x80\xff", "%00%0A%7F%80%FF", "%00%0A%7F%80%FF");
    check("é".as_bytes(), "%C3%A9", "%C3%A9");

    let pairs = |pairs: &[(&str, &str)]| -> Vec<(Vec<u8>, Vec<u8>)> {
        pairs
            .iter()
            .map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec()))
            .collect()
    };
    assert_eq!(encode_pairs(&pairs(&[])), b"");
    assert_eq!(
        encode_pairs(&pairs(&[("a b", "c&d"), ("e", "")])),
        b"a+b=c%26d&e="
    );

    let check = |text: &[u8], expected: &[u8]| assert_eq!(percent_decode(text), expected);
    check(b"%4a%4B+%", b"JK+%");
    check(b"%4", b"%4");
    check(b"%g0%0g%%41", b"%g0%0g%A");
}

#[test]
fn sorts() {
    let check = |keys: &[&str], expected: &[&str]| {
        let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = keys
            .iter()
            .map(|key| (key.as_bytes().to_vec(), Vec::new()))
            .collect();
        ksort(&mut pairs);
        let got: Vec<&[u8]> = pairs.iter().map(|(key, _)| key.as_slice()).collect();
        let expected: Vec<&[u8]> = expected.iter().map(|key| key.as_bytes()).collect();
        assert_eq!(got, expected, "{keys:?}");
    };
    check(&[], &[]);
    check(&["to"], &["to"]);
    check(&["to", "from", "Body"], &["Body", "from", "to"]);
    check(
        &["number", "message", "caller_id", "format"],
        &["caller_id", "format", "message", "number"],
    );
    check(&["b10", "b9", "a", "B", "_"], &["B", "_", "a", "b10", "b9"]);
    check(&["10", "9", "-1", "0"], &["-1", "0", "9", "10"]);
    check(
        &["10", "9", "07", "+8", "-10"],
        &["-10", "07", "+8", "9", "10"],
    );
    check(&["01", "1", "+1"], &["01", "1", "+1"]);
    check(&["1", "01"], &["1", "01"]);
    check(&["a", "5", "1x"], &["1x", "5", "a"]);
    check(&["a", "10", "_", "$", "9"], &["$", "9", "10", "_", "a"]);
    check(
        &["9223372036854775807", "-9223372036854775808", "0"],
        &["-9223372036854775808", "0", "9223372036854775807"],
    );
    check(&["a[10]", "a[9]", "a[]"], &["a[10]", "a[9]", "a[]"]);
    // Bytes decide on these, and value in PHP.
    check(&["9", "10.0"], &["10.0", "9"]);
    check(
        &["9223372036854775808", "92233720368547758080", "9"],
        &["9", "9223372036854775808", "92233720368547758080"],
    );
    // These are a circle: 1a < 9 < 10 < 1a.
    check(&["1a", "9", "10"], &["1a", "9", "10"]);
    check(&["10", "1a", "9"], &["10", "1a", "9"]);
    let letters: Vec<String> = ('a'..='z').map(String::from).collect();
    let up: Vec<&str> = letters.iter().map(String::as_str).collect();
    let down: Vec<&str> = up.iter().rev().copied().collect();
    for count in 0..=26 {
        check(&down[26 - count..], &up[..count]);
    }
}
