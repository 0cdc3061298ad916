//! Tests the encoding of a message in every format, with one row per case.

use super::*;
use crate::message::{Number, Sender};
use crate::proto::provider::account::tests::account;
use crate::proto::provider::fill::Values;
use crate::proto::wire::number::NumberFormat;

const NOW_S: u64 = 1_700_000_000;

fn message(to: &str, from: &str, text: &[u8]) -> Message {
    Message {
        to: Number::parse_outbound(to.as_bytes()).unwrap(),
        from: Sender::parse_outbound(from.as_bytes()).unwrap(),
        text: Text::parse_outbound(text).unwrap(),
    }
}

fn hello() -> Message {
    message("+12025550183", "+12025550160", b"Hello & bye")
}

fn body(message: &Message, account: &Account) -> String {
    String::from_utf8(encode(message, account, NOW_S).unwrap().body).unwrap()
}

#[test]
fn a_form_is_what_the_php_sends() {
    let call = encode(&hello(), &account(), NOW_S).unwrap();
    assert_eq!(call.method, "POST");
    assert_eq!(call.url, "https://api.example.com/sms/send/");
    assert_eq!(
        String::from_utf8(call.body).unwrap(),
        "Body=Hello+%26+bye&From=%2B12025550160&To=%2B12025550183"
    );
    let agent = concat!("websms/", env!("CARGO_PKG_VERSION"));
    let expected = [
        ("Authorization", "Basic aWQ6c2VjcmV0"),
        ("User-Agent", agent),
        ("Accept", "*/*"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(call.headers, expected);
}

#[test]
fn a_form_passes_the_bytes_as_they_are() {
    let text = message("1", "2", b"caf\xe9 \xff");
    assert_eq!(body(&text, &account()), "Body=caf%E9+%FF&From=2&To=1");
}

#[test]
fn charset_settles_what_ucs2_cannot_say() {
    fn check(charset: Charset, text: &[u8], expected: &str) {
        let account = Account {
            charset,
            ..account()
        };
        let body = body(&message("1", "2", text), &account);
        assert_eq!(body, expected);
    }
    let emoji = "a\u{ffff}\u{1f600}".as_bytes();
    check(Charset::Ucs2, emoji, "Body=a%EF%BF%BF%EF%BF%BD&From=2&To=1");
    check(Charset::Ucs2, b"\xe9", "Body=%C3%A9&From=2&To=1");
    let parameter = || Charset::Parameter(b"type".to_vec(), b"unicode".to_vec());
    check(
        parameter(),
        emoji,
        "Body=a%EF%BF%BF%F0%9F%98%80&From=2&To=1&type=unicode",
    );
    check(
        parameter(),
        "\u{ffff}".as_bytes(),
        "Body=%EF%BF%BF&From=2&To=1",
    );
}

#[test]
fn statics_and_credentials_come_after_and_win() {
    let account = Account {
        statics: vec![
            (b"From".to_vec(), b"ACME".to_vec()),
            (b"a".to_vec(), b"1,=".to_vec()),
            (b"user".to_vec(), b"lost".to_vec()),
        ],
        auth: Auth::Plain {
            key_user: b"user".to_vec(),
            key_secret: Vec::new(),
            user: b"me".to_vec(),
            passwd: b"unused".to_vec(),
        },
        ..account()
    };
    assert_eq!(
        body(&message("1", "2", b"x"), &account),
        "Body=x&From=ACME&To=1&a=1%2C%3D&user=me"
    );
}

fn values() -> Values {
    Values {
        account: b"AC 1/2".to_vec(),
        auth_user: b"u".to_vec(),
        auth_passwd: b"p&=,\xe9".to_vec(),
        auth_extra: b"x".to_vec(),
    }
}

#[test]
fn placeholders_are_filled_and_divide_nothing() {
    let account = Account {
        path: "/{account}/s?from={from}&to={to}".to_owned(),
        values: values(),
        number_format: NumberFormat::Digits,
        statics: vec![(b"key".to_vec(), b"{auth_passwd}".to_vec())],
        headers: vec![(
            "X-Key".to_owned(),
            "{auth_user}|{auth_extra}: {to}".to_owned(),
        )],
        auth: Auth::None,
        ..account()
    };
    let call = encode(&message("+12025550183", "A&B @1", b"x"), &account, NOW_S).unwrap();
    assert_eq!(
        call.url,
        "https://api.example.com/AC%201%2F2/s?from=A%26B%20%401&to=12025550183"
    );
    assert_eq!(
        String::from_utf8(call.body).unwrap(),
        "Body=x&From=A%26B+%401&To=12025550183&key=p%26%3D%2C%E9"
    );
    let header = ("X-Key".to_owned(), "u|x: 12025550183".to_owned());
    assert!(call.headers.contains(&header), "{:?}", call.headers);
}

#[test]
fn a_value_that_no_header_can_carry_is_a_fault() {
    fn check(value: &[u8], expected: bool) {
        let account = Account {
            values: Values {
                auth_extra: value.to_vec(),
                ..values()
            },
            headers: vec![("X-Key".to_owned(), "a{auth_extra}".to_owned())],
            ..account()
        };
        let made = encode(&hello(), &account, NOW_S).is_ok();
        assert_eq!(made, expected, "{value:?}");
    }
    check(b"k", true);
    check(b"", true);
    check(b"k\r\nB: c", false);
    check(b"k\n", false);
    check(b"k\0", false);
    check(b"k\x7f", false);
    check(b"\xff", false);
}

#[test]
fn each_number_has_its_format() {
    let account = Account {
        number_format: NumberFormat::Digits,
        number_format_from: NumberFormat::Nanp,
        ..account()
    };
    assert_eq!(
        body(&hello(), &account),
        "Body=Hello+%26+bye&From=2025550160&To=12025550183"
    );
}

#[test]
fn a_text_outside_gsm_has_parameters_of_its_own() {
    fn check(text: &str, expected: &str) {
        let account = Account {
            statics: vec![(b"type".to_vec(), b"text".to_vec())],
            unicode_statics: vec![(b"type".to_vec(), b"unicode".to_vec())],
            ..account()
        };
        let body = body(&message("1", "2", text.as_bytes()), &account);
        let (_, kind) = body.rsplit_once('&').unwrap();
        assert_eq!(kind, expected, "{text}");
    }
    check("plain", "type=text");
    check("\u{e4}\u{20ac}[]", "type=text");
    check("\u{e7}", "type=unicode");
    check("\u{2014}", "type=unicode");
    check("\u{1f600}", "type=unicode");
}

#[test]
fn a_long_text_has_other_parameters() {
    fn check(text: &str, expected: &str) {
        let pair = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        let account = Account {
            statics: vec![pair("kind", "sms"), pair("list[]", "a"), pair("x", "1")],
            long_bytes: 160,
            long_statics: vec![pair("kind", "mms"), pair("list[]", "b"), pair("y", "{to}")],
            unicode_statics: vec![pair("x", "2")],
            format: Format::Json,
            ..account()
        };
        let message = message("1", "2", text.as_bytes());
        let call = encode(&message, &account, NOW_S).unwrap();
        let body = String::from_utf8(call.body).unwrap();
        let (_, added) = body
            .rsplit_once(&format!("{}\",", text.chars().last().unwrap()))
            .unwrap();
        assert_eq!(added, expected, "{text}");
    }
    let short = r#""kind":"sms","list":["a"],"x":"1"}"#;
    let long = r#""x":"1","kind":"mms","list":["b"],"y":"1"}"#;
    check(&"a".repeat(159), short);
    check(&"a".repeat(160), short);
    check(&"a".repeat(161), long);
    // The limit counts bytes, not characters, and ignores the JSON escapes of the text.
    check(&"\u{e9}".repeat(80), short);
    check(&"\u{e9}".repeat(81), long);
}

#[test]
fn a_query_goes_into_the_url() {
    fn check(path: &str, expected: &str) {
        let account = Account {
            format: Format::Query,
            path: path.to_owned(),
            key_to: b"to[]".to_vec(),
            ..account()
        };
        let call = encode(&message("1", "2", b"a b"), &account, NOW_S).unwrap();
        assert_eq!((call.method, call.url.as_str()), ("GET", expected));
        assert!(call.body.is_empty());
        assert!(call.headers.iter().all(|(name, _)| name != "Content-Type"));
    }
    let base = "https://api.example.com";
    check("/s", &format!("{base}/s?Body=a+b&From=2&to%5B%5D=1"));
    check(
        "/s?k=1",
        &format!("{base}/s?k=1&Body=a+b&From=2&to%5B%5D=1"),
    );
    check("/s#f", &format!("{base}/s?Body=a+b&From=2&to%5B%5D=1"));
}

#[test]
fn multipart_has_a_boundary_of_its_own() {
    let account = Account {
        format: Format::Multipart,
        key_from: Vec::new(),
        key_to: b"t\"o".to_vec(),
        ..account()
    };
    let text = b"--websms-0000000000000000--\r\nx";
    let call = encode(&message("1", "2", text), &account, NOW_S).unwrap();
    let content_type = "multipart/form-data; boundary=websms-0000000000000001";
    assert!(call.headers.iter().any(|(_, value)| value == content_type));
    assert_eq!(
        String::from_utf8(call.body).unwrap(),
        "--websms-0000000000000001\r\n\
         Content-Disposition: form-data; name=\"Body\"\r\n\r\n\
         --websms-0000000000000000--\r\nx\r\n\
         --websms-0000000000000001\r\n\
         Content-Disposition: form-data; name=\"t%22o\"\r\n\r\n1\r\n\
         --websms-0000000000000001--\r\n"
    );
}

#[test]
fn a_signature_needs_a_form() {
    fn check(format: Format, expected: bool) {
        let account = Account {
            format,
            auth: Auth::Zadarma {
                user: "user_key".to_owned(),
                secret: b"secret_key".to_vec(),
            },
            ..account()
        };
        assert_eq!(
            encode(&hello(), &account, NOW_S).is_ok(),
            expected,
            "{format:?}"
        );
    }
    check(Format::Form, true);
    check(Format::Query, true);
    check(Format::Json, false);
    check(Format::Multipart, false);
}

#[test]
fn headers_of_the_configuration_replace_ours_but_not_the_framing() {
    fn check(name: &str, value: &str, expected: Option<&[(&str, &str)]>) {
        let account = Account {
            headers: vec![(name.to_owned(), value.to_owned())],
            ..account()
        };
        let call = encode(&hello(), &account, NOW_S).ok();
        let of_that_name = call.as_ref().map(|call| {
            let same = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
            let list = call.headers.iter().filter(same);
            let list = list.map(|(name, value)| (name.as_str(), value.as_str()));
            list.collect::<Vec<_>>()
        });
        assert_eq!(of_that_name.as_deref(), expected, "{name}");
    }
    check("accept", "text/xml", Some(&[("accept", "text/xml")]));
    check("USER-AGENT", "x", Some(&[("USER-AGENT", "x")]));
    check("X-Key", "k v", Some(&[("X-Key", "k v")]));
    check(
        "authorization",
        "x",
        Some(&[("Authorization", "Basic aWQ6c2VjcmV0")]),
    );
    for name in OURS {
        check(name, "x", None);
    }
    check("X Key", "x", None);
    check("", "x", None);
    check("X-Key", "a\r\nB: c", None);
    check("X-Key", "a\0", None);
    check("X-Key", "a\tb", Some(&[("X-Key", "a\tb")]));
}

#[test]
fn urls_are_checked() {
    fn check(host: &str, path: &str, expected: Result<&str, BadAccount>) {
        let account = Account {
            host: host.to_owned(),
            path: path.to_owned(),
            ..account()
        };
        let url = encode(&hello(), &account, NOW_S).map(|call| call.url);
        assert_eq!(url, expected.map(str::to_owned), "{host} {path}");
    }
    check("https://a", "/", Ok("https://a/"));
    check("HTTP://a:8080", "", Ok("HTTP://a:8080"));
    check("https://[::1]:80", "/x?y", Ok("https://[::1]:80/x?y"));
    check("https://a", "/x#y", Ok("https://a/x"));
    check("ftp://a", "/", Err(BadAccount::Url));
    check("a", "/", Err(BadAccount::Url));
    check("https://", "/x", Err(BadAccount::Url));
    check("https://a", "/x y", Err(BadAccount::Url));
    check("https://a", "/\r\nX: y", Err(BadAccount::Url));
    check("https://\u{e5}.se", "/", Err(BadAccount::Url));
    check("https://u:p@a", "/", Err(BadAccount::UserInUrl));
    check("https://a", "/x@y", Ok("https://a/x@y"));
}

#[test]
fn an_empty_key_sends_nothing() {
    let account = Account {
        key_from: Vec::new(),
        ..account()
    };
    assert_eq!(body(&message("1", "2", b"x"), &account), "Body=x&To=1");
}
