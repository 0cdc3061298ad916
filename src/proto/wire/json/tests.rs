//! Tests the values that keys have in JSON texts, with one row per case.

use super::*;
use crate::limits::{JSON_DEPTH_MAX, JSON_VALUES_MAX};

#[test]
fn well_formed() {
    let check = |text: &[u8], expected: Result<&[u8], BadJson>| {
        let got = parse(text).map(|value| value.text());
        assert_eq!(got, expected, "{}", text.escape_ascii());
    };
    let same: &[&[u8]] = &[
        b"{}",
        b"[]",
        b"0",
        b"-0",
        b"10.50",
        b"1e5",
        b"-1.5E+10",
        b"true",
        b"false",
        b"null",
        b"\"\"",
        b"[1,2]",
        b"[[],{}]",
        b"{\"a\":{\"b\":[null]}}",
        b"{\"\":1,\"\":2}",
        b"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        b"\"\\ud800\"",
        b"\"\xff\xe4\"",
        b"\"\x7f\"",
        b"\"a\nb\tc\"",
        b"\"\x00\x1f\"",
        b"{\"\n\":1}",
        b"[ 1 , { \"a\" : \t2 }\r\n]",
    ];
    for text in same {
        check(text, Ok(text));
        let around = [b" \t\r\n", *text, b"\r\n \t"].concat();
        check(&around, Ok(text));
        let marked = [b"\xef\xbb\xbf", *text].concat();
        check(&marked, Ok(text));
    }
    let malformed: &[&[u8]] = &[
        b"",
        b" ",
        b"{",
        b"[",
        b"}",
        b"]",
        b"[}",
        b"{]",
        b"[1",
        b"[1,",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"{\"a\"}",
        b"{\"a\":}",
        b"{\"a\":1,}",
        b"{a:1}",
        b"{1:1}",
        b"{\"a\" 1}",
        b"{\"a\":1 \"b\":2}",
        b"{,}",
        b"01",
        b"-",
        b"+1",
        b"1.",
        b".5",
        b"1e",
        b"1e+",
        b"0x1",
        b"1a",
        b"True",
        b"nul",
        b"nulll",
        b"NaN",
        b"'a'",
        b"\"",
        b"\"a",
        b"\"\\\"",
        b"\"\\x\"",
        b"\"\\u12\"",
        b"\"\\u12g4\"",
        b"\"\\",
        b"\"\\\n\"",
        b"\"\n",
        b"{\"a\"\x00:1}",
        b"{} {}",
        b"[]]",
        b"[]\0",
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        b"\x0c[]",
        b"[]\x0c",
        b"[1]x",
        b"\"a\" b",
        b"{\"a\":1}}",
    ];
    for text in malformed {
        let got = parse(text);
        let is_malformed = matches!(got, Err(BadJson::Malformed { .. }));
        assert!(is_malformed, "{} {got:?}", text.escape_ascii());
    }
    // No prefix of a container is a container, and the fault is at the first missing byte.
    let whole = b"{\"a\":[1,\"\\u00e9\",{\"b\":-1.5e3}],\"c\":null}";
    for length in 0..whole.len() {
        let at = length + 1;
        check(&whole[..length], Err(BadJson::Malformed { at }));
    }
}

#[test]
fn the_byte_at_fault() {
    let check = |text: &[u8], at: usize| {
        let expected = Err(BadJson::Malformed { at });
        assert_eq!(parse(text), expected, "{}", text.escape_ascii());
    };
    check(b"", 1);
    check(b"To=1", 1);
    check(b"{To:1}", 2);
    check(b"{\"a\":1 \"b\":2}", 8);
    check(b"{\"a\":1,}", 8);
    check(b"{\"a\":\"x\ny\"z\"}", 11);
    check(b"[1] x", 5);
    check(b"\xef\xbb\xbf [1,]", 8);
    check(b"[01]", 3);
    check(b"\"\\x\"", 3);
    check(b"\"\\u12g4\"", 6);
    check(b"[trve]", 4);
    check(b"{\"a\":\"x", 8);
}

#[test]
fn limits() {
    let check = |text: String, expected: Result<(), BadJson>| {
        assert_eq!(parse(text.as_bytes()).map(|_| ()), expected, "{text:.60}");
    };
    let flat = |values: usize| format!("[{}]", vec!["0"; values - 1].join(","));
    check(flat(JSON_VALUES_MAX - 1), Ok(()));
    check(flat(JSON_VALUES_MAX), Ok(()));
    check(flat(JSON_VALUES_MAX + 1), Err(BadJson::TooManyValues));
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    check(deep(JSON_DEPTH_MAX - 1), Ok(()));
    check(deep(JSON_DEPTH_MAX), Ok(()));
    check(deep(JSON_DEPTH_MAX + 1), Err(BadJson::TooDeep));
    let deep = |levels: usize| format!("{}0{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    check(deep(JSON_DEPTH_MAX), Ok(()));
    check(deep(JSON_DEPTH_MAX + 1), Err(BadJson::TooDeep));
    check("[".repeat(60_000), Err(BadJson::TooDeep));
    check("[[0],".repeat(13_000), Err(BadJson::TooDeep));
    let wide = format!("[{}0]", "[0],".repeat(16_000));
    check(wide, Err(BadJson::TooManyValues));
}

#[test]
fn scalars() {
    let check = |text: &str, expected: Option<&[u8]>| {
        let got = parse(text.as_bytes()).unwrap().scalar();
        assert_eq!(got.as_deref(), expected, "{text}");
    };
    check("null", Some(b""));
    check("true", Some(b"true"));
    check("false", Some(b"false"));
    check("0", Some(b"0"));
    check("1e5", Some(b"1e5"));
    check("-0.50", Some(b"-0.50"));
    check("12025550160123456789012", Some(b"12025550160123456789012"));
    check("{}", None);
    check("[]", None);
    check(r#""""#, Some(b""));
    check(r#""a\"b\\c\/d""#, Some(b"a\"b\\c/d"));
    check(r#""\b\f\n\r\t""#, Some(b"\x08\x0c\n\r\t"));
    check(r#""\u0041\u00e9\u20AC\u0000""#, Some("Aé€\0".as_bytes()));
    check(r#""\ud83d\ude00!""#, Some("😀!".as_bytes()));
    check(r#""\ud83d""#, Some("\u{fffd}".as_bytes()));
    check(r#""\ud83dx\ude00""#, Some("\u{fffd}x\u{fffd}".as_bytes()));
    check(r#""\ud83d\u0041""#, Some("\u{fffd}A".as_bytes()));
    check(r#""\ud83d\ud83d\ude00""#, Some("\u{fffd}😀".as_bytes()));
    check(r#""\\u0041""#, Some(b"\\u0041"));
    check("\"é😀\"", Some("é😀".as_bytes()));
    check("\"a\nb\0\u{1f}\"", Some(b"a\nb\0\x1f"));
}

#[test]
fn search() {
    let check = |text: &str, key: &str, expected: Option<&str>| {
        let got = parse(text.as_bytes()).unwrap().find(key.as_bytes());
        let got = got.and_then(|value| String::from_utf8(value.first()?.scalar()?).ok());
        assert_eq!(got.as_deref(), expected, "{key} in {text}");
    };
    let text =
        r#"{"a":1,"b":{"a":2,"c":[{"a":3},{"d":"a"}]},"e":[5,6],"f":[[7]],"g":[],"h":[8,{}]}"#;
    check(text, "a", Some("3"));
    check(text, "d", Some("a"));
    check(text, "e", Some("5"));
    check(text, "f", None);
    check(text, "g", None);
    check(text, "h", None);
    check(text, "b", None);
    check(text, "A", None);
    check(text, "", None);
    check(text, "b.a", Some("2"));
    check(text, "b.c[0].a", Some("3"));
    check(text, "b.c.0.a", Some("3"));
    check(text, "b.c[1].d", Some("a"));
    check(text, "b.c[2].d", None);
    check(text, "b.c", None);
    check(text, "b.c[0]", None);
    check(text, "e[]", Some("5"));
    check(text, "e[1]", Some("6"));
    check(text, "f[0]", Some("7"));
    check(text, "f[0][0]", Some("7"));
    check(text, "a.b", None);
    check(text, "b.", None);
    check(text, ".a", None);
    check(text, "b..a", None);
    check(text, "e[", None);
    check(text, "e[-1]", None);
    check(text, "e[+1]", None);
    check(text, "e[1]x", None);
    check(text, "e[99999999999999999999]", None);
    check(r#"[{"to":"x"}]"#, "[0].to", Some("x"));
    check(r#"[{"to":"x"}]"#, "to", Some("x"));
    check(r#"["x"]"#, "[0]", Some("x"));
    check(r#"{"a":1,"a":2}"#, "a", Some("2"));
    check(r#"{"x":{"a":1},"x":{"a":2}}"#, "x.a", Some("2"));
    check(r#"{"a":"x","b":{"a":null}}"#, "a", Some(""));
    check(r#"{"a":"x","b":{"a":{}}}"#, "a", None);
    check(r#"{"\u0061":"x"}"#, "a", Some("x"));
    check(r#"{"a\"b":"x"}"#, "a\"b", Some("x"));
    check(r#"{"x":"a","y":"\"a\":1"}"#, "a", None);
    check(r#"{"x":"{\"a\":1}"}"#, "a", None);
    check(r#"{ "a" : [ "x" , 1 ] , "b" : 2 }"#, "a", Some("x"));
    check(r#"{ "a" : [ "x" , 1 ] , "b" : 2 }"#, "a[1]", Some("1"));
    check(r#""a""#, "a", None);
}

#[test]
fn entries() {
    let check = |text: &str, expected: &[&str]| {
        let value = parse(text.as_bytes()).unwrap();
        let texts: Vec<&[u8]> = value.entries().map(|entry| entry.text()).collect();
        let expected: Vec<&[u8]> = expected.iter().map(|text| text.as_bytes()).collect();
        assert_eq!(texts, expected, "{text}");
    };
    check("[]", &[]);
    check("[ ]", &[]);
    check("{ }", &[]);
    check("5", &[]);
    check("\"a\"", &[]);
    check("[1, \"a,]\" ,[2,[]],{}]", &["1", "\"a,]\"", "[2,[]]", "{}"]);
    check(
        "{\"a\" : 1 , \"}\":[ {} ] ,\"c\":null }",
        &["1", "[ {} ]", "null"],
    );
}

#[test]
fn objects() {
    let check = |members: &[(&str, &[u8])], expected: Result<&str, BadPath>| {
        let members: Vec<_> = members
            .iter()
            .map(|(key, value)| (key.as_bytes().to_vec(), value.to_vec()))
            .collect();
        let got = encode(&members).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(got.as_deref(), expected.as_ref().copied(), "{members:?}");
        if let Ok(text) = &got {
            assert!(parse(text.as_bytes()).is_ok(), "{text}");
        }
    };
    check(&[], Ok("{}"));
    check(&[("a", b"1"), ("b", b"")], Ok(r#"{"a":"1","b":""}"#));
    check(&[("a", b"1"), ("a", b"2")], Ok(r#"{"a":"2"}"#));
    check(
        &[("a", b"\"\\/\n\r\t\x01\x7f")],
        Ok(r#"{"a":"\"\\/\n\r\t\u0001\u007f"}"#),
    );
    check(&[("a", "é😀".as_bytes())], Ok(r#"{"a":"é😀"}"#));
    check(&[("a", b"\xe9\"")], Ok(r#"{"a":"é\""}"#));
    check(&[("to[]", b"1")], Ok(r#"{"to":["1"]}"#));
    check(&[("to[]", b"1"), ("to[]", b"2")], Ok(r#"{"to":["1","2"]}"#));
    check(
        &[("m[0].d[0].to", b"1"), ("m[0].text", b"x"), ("y", b"z")],
        Ok(r#"{"m":[{"d":[{"to":"1"}],"text":"x"}],"y":"z"}"#),
    );
    check(
        &[("data.type", b"message"), ("data.attributes.to", b"1")],
        Ok(r#"{"data":{"type":"message","attributes":{"to":"1"}}}"#),
    );
    check(
        &[("r[0].msisdn:json", b"4512345678"), ("n:json", b"-0.5e1")],
        Ok(r#"{"r":[{"msisdn":4512345678}],"n":-0.5e1}"#),
    );
    check(
        &[("a:json", b"true"), ("b:json", b"null"), ("c:json", b"tru")],
        Ok(r#"{"a":true,"b":null,"c":"tru"}"#),
    );
    // A value that is no number stays a string, and nothing can be smuggled in.
    check(
        &[
            ("a:json", b"0045"),
            ("b:json", b"+45"),
            ("c:json", b"1,\"x\":2"),
        ],
        Ok(r#"{"a":"0045","b":"+45","c":"1,\"x\":2"}"#),
    );
    check(
        &[
            ("a:json", b" 1"),
            ("b:json", b"{}"),
            ("c:json", b"[1]"),
            ("d:json", b""),
        ],
        Ok(r#"{"a":" 1","b":"{}","c":"[1]","d":""}"#),
    );
    check(&[("a:jsonx", b"1")], Ok(r#"{"a:jsonx":"1"}"#));
    check(&[("a:json", b"1"), ("a.b", b"2")], Err(BadPath));
    check(&[("a[1]", b"1")], Err(BadPath));
    check(&[("a", b"1"), ("a.b", b"2")], Err(BadPath));
    check(&[("a.b", b"1"), ("a", b"2")], Err(BadPath));
    check(&[("a[0]", b"1"), ("a.b", b"2")], Err(BadPath));
    check(&[("a[", b"1")], Err(BadPath));
    check(&[("a..b", b"1")], Err(BadPath));
    check(&[("a.", b"1")], Err(BadPath));
}
