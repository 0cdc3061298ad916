//! Compares our JSON reader with another one.

use serde_json::Value as Theirs;
use websms::limits::{JSON_DEPTH_MAX, JSON_VALUES_MAX};
use websms::proto::wire::json::{self, BadJson, Value};

/// Both accept the same texts as JSON, with equal strings and numbers. Ours differs where its documentation
/// says so: a byte order mark, half surrogate pairs, control characters in strings, strings that are not
/// UTF-8, and its limits.
pub fn json(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let theirs = serde_json::from_str::<Theirs>(&without_controls(&whole_pairs(&text)));
    match json::parse(bytes) {
        Ok(value) => {
            let theirs = theirs.expect("they refuse what we take");
            if std::str::from_utf8(bytes).is_ok() {
                compare(value, &theirs);
            }
            for key in [b"to".as_slice(), b"a.b[0]", b"[0]", b"a[]", b"\"", b""] {
                value.find(key);
            }
        }
        Err(BadJson::Malformed { at }) => {
            assert!(theirs.is_err(), "we refuse what they take");
            assert!((1..=bytes.len() + 1).contains(&at));
        }
        Err(BadJson::TooDeep) => assert!(count(bytes, b"[{") > JSON_DEPTH_MAX),
        Err(BadJson::TooManyValues) => assert!(count(bytes, b"[{,") >= JSON_VALUES_MAX),
    }
    // Both read what ours writes.
    let mut written = Vec::new();
    json::write_string(bytes, &mut written);
    let back: String = serde_json::from_slice(&written).expect("a string that we wrote");
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert_eq!(back, text);
    }
    let ours = json::parse(&written).expect("a string of ours").scalar();
    assert_eq!(ours, Some(back.into_bytes()));
}

fn count(bytes: &[u8], of: &[u8]) -> usize {
    bytes.iter().filter(|b| of.contains(b)).count()
}

fn compare(ours: Value<'_>, theirs: &Theirs) {
    match theirs {
        Theirs::Object(members) => {
            assert!(ours.is_object());
            for (key, theirs) in members {
                compare(ours.child(key.as_bytes()).expect("the member"), theirs);
            }
            assert!(ours.entries().count() >= members.len());
        }
        Theirs::Array(elements) => {
            assert!(ours.is_array());
            assert_eq!(ours.entries().count(), elements.len());
            for (ours, theirs) in ours.entries().zip(elements) {
                compare(ours, theirs);
            }
        }
        Theirs::String(text) => assert_eq!(ours.scalar().unwrap(), text.as_bytes()),
        Theirs::Null => assert_eq!(ours.scalar().unwrap(), b""),
        Theirs::Bool(flag) => assert_eq!(ours.scalar().unwrap(), flag.to_string().as_bytes()),
        Theirs::Number(number) => {
            let plain = |text: &str| text.to_ascii_lowercase().replace('+', "");
            let ours = String::from_utf8(ours.scalar().unwrap()).unwrap();
            assert_eq!(plain(&ours), plain(&number.to_string()));
        }
    }
}

/// Escapes control characters in strings.
fn without_controls(text: &str) -> String {
    let mut out = String::new();
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            '\0'..' ' if in_string && !escaped => out += &format!("\\u{:04x}", u32::from(c)),
            _ => out.push(c),
        }
        in_string ^= c == '"' && !escaped;
        escaped = in_string && c == '\\' && !escaped;
    }
    out
}

/// Replaces `\uD800` and the like without their partner with `\uFFFD`.
fn whole_pairs(text: &str) -> String {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        u16::from_str_radix(digits, 16).ok().filter(|_| hex)
    };
    let mut whole = String::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let (length, shown) = match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, &text[at..at + 12]),
            (Some(0xd800..=0xdfff), _) => (6, "\\ufffd"),
            _ if c == '\\' => {
                let next = text[at + 1..].chars().next().map_or(0, char::len_utf8);
                (1 + next, &text[at..at + 1 + next])
            }
            _ => (c.len_utf8(), &text[at..at + c.len_utf8()]),
        };
        whole.push_str(shown);
        at += length;
    }
    whole
}
