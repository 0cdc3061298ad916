//! The rows of `[websms]`.

use super::Section::Websms;
use super::{Row, row};

pub(super) const ROWS: &[Row] = &[
    Row {
        default: "http://localhost",
        values: &[
            ("https://api.example.com", "https://api.example.com"),
            ("HTTPS://api.example.com", "https://api.example.com"),
            ("api.example.com", "https://api.example.com"),
            ("api.example.com:8443", "https://api.example.com:8443"),
            ("https://api.example.com/v1", "https://api.example.com/v1"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ],
        empty: None,
        bad: &[
            "ftp://api.example.com",
            "\"https://api example.com\"",
            "\"https://api.example.com\tx\"",
            "https://äpi.example.com",
            "https://user:pass@api.example.com",
            "https://api.example.com:99999",
            "https://api.example.com:x",
            "https://[::x]",
            "https:///x",
        ],
        ..row(Websms, "host")
    },
    Row {
        default: "/",
        values: &[("/sms/send/", "/sms/send/"), ("\"/a?b=c\"", "/a?b=c")],
        bad: &["\"/a b\"", "\"/a\nHost: x\"", "/ä"],
        ..row(Websms, "path")
    },
    Row {
        default: "To",
        values: &[
            ("number", "number"),
            ("\"a b[0].c\"", "a b[0].c"),
            ("' a|b|'", " a|b|"),
        ],
        empty: None,
        ..row(Websms, "key_to")
    },
    Row {
        default: "From",
        values: &[("sender", "sender"), ("'a|b|'", "a|b|")],
        ..row(Websms, "key_from")
    },
    Row {
        default: "Body",
        values: &[("text", "text"), ("'a|b|'", "a|b|")],
        empty: None,
        ..row(Websms, "key_body")
    },
    Row {
        with: "auth_user = u\nauth_passwd = p\nauth_extra = x\nkey_user = ku\nkey_secret = ks",
        default: "basic u p",
        values: &[
            ("none", "none"),
            ("\"none\"", "none"),
            ("plain", "plain ku=u ks=p"),
            ("basic", "basic u p"),
            ("bearer", "bearer p"),
            ("header", "header u: p"),
            ("zadarma", "zadarma u p"),
            ("ovh", "ovh u p x"),
            ("vonage", "vonage u p Sha256"),
        ],
        empty: Some("none"),
        bad: &["Basic", "digest", "yes"],
        ..row(Websms, "auth_method")
    },
    Row {
        with: "auth_passwd = p\nauth_method = plain\nkey_secret = ks",
        default: "plain = ks=p",
        empty: Some("plain = ks=p"),
        ..row(Websms, "auth_user")
    },
    Row {
        with: "auth_user = u",
        default: "fault",
        values: &[("p", "basic u p"), ("\"p'=;\"", "basic u p'=;")],
        empty: None,
        ..row(Websms, "auth_passwd")
    },
    Row {
        with: "headers = 'X-Key: {auth_extra}'",
        default: "fault",
        values: &[("x", "x"), ("'a b'", "a b")],
        empty: None,
        bad: &["\"a\nB: c\""],
        ..row(Websms, "auth_extra")
    },
    Row {
        with: "auth_method = vonage\nauth_user = u\nauth_passwd = p",
        default: "vonage u p Sha256",
        values: &[
            ("md5hash", "vonage u p Md5Hash"),
            ("sha512", "vonage u p Sha512"),
        ],
        empty: None,
        bad: &["sha384", "SHA256"],
        ..row(Websms, "auth_hash")
    },
    Row {
        with: "host = 'https://{account}.example.com'\npath = '/{account}'",
        default: "fault",
        values: &[("space-1", "space-1 https://space-1.example.com")],
        empty: None,
        bad: &["'a/b'", "'a@b'", "'a b'", "\"a\nb\"", "ä"],
        ..row(Websms, "account")
    },
    Row {
        with: "auth_user = u\nauth_passwd = p\nauth_method = plain\nkey_secret = ks",
        default: "fault",
        values: &[("login", "plain login=u ks=p")],
        empty: None,
        ..row(Websms, "key_user")
    },
    Row {
        with: "auth_passwd = p\nauth_method = plain",
        default: "fault",
        values: &[("api_key", "plain = api_key=p")],
        empty: None,
        ..row(Websms, "key_secret")
    },
    Row {
        default: "none",
        values: &[
            ("\"status=success\"", "status=success"),
            ("\"a=b=c\"", "a=b=c"),
            ("\"a=\"", "a="),
            ("\"/^ok$/\"", "regex ^ok(?:\\n?\\z)"),
        ],
        empty: Some("none"),
        bad: &[
            "success",
            "\"=x\"",
            "\"/ok\"",
            "\"//\"",
            "\"/ok/g\"",
            "\"/(?=ok)/\"",
            "\"/a\\1/\"",
        ],
        ..row(Websms, "response_check")
    },
    Row {
        default: "none",
        values: &[
            ("\"status=busy\"", "status=busy"),
            ("/slow/i", "regex slow"),
        ],
        empty: Some("none"),
        bad: &["busy", "\"/(/\""],
        ..row(Websms, "later_check")
    },
    Row {
        default: "[]",
        values: &[("202", "[202]"), ("'200, 204'", "[200, 204]")],
        empty: Some("[]"),
        bad: &["2xx", "99", "600", "'200 204'"],
        ..row(Websms, "status_check")
    },
    Row {
        default: "usual",
        values: &[
            ("sid", "sid"),
            ("'data.ids[0]'", "data.ids[0]"),
            ("'/id=([0-9]+)/i'", "regex id=([0-9]+)"),
            ("'/a|b/'", "regex a|b"),
            ("'sms | mms'", "sms|mms"),
        ],
        empty: Some(""),
        bad: &["'/id=('", "'/id'", "'sms|'", "'sms|/id=([0-9]+)/'"],
        ..row(Websms, "key_message_id")
    },
    Row {
        default: "usual",
        values: &[
            ("detail", "detail"),
            ("'errors[0].title'", "errors[0].title"),
            ("'/error=([^^]+)/'", "regex error=([^^]+)"),
            ("'detail|errors[0].title'", "detail|errors[0].title"),
        ],
        empty: Some(""),
        bad: &["'/error=('", "'/error'", "'a||b'"],
        ..row(Websms, "key_reason")
    },
    Row {
        default: "",
        values: &[("/v2/balance", "/v2/balance"), ("'/a?b=c'", "/a?b=c")],
        empty: Some(""),
        bad: &["balance", "'/a b'", "https://h/"],
        ..row(Websms, "check_path")
    },
    Row {
        default: "AsIs",
        values: &[
            ("omit+", "OmitPlus"),
            ("no+", "Digits"),
            ("E164", "Digits"),
            ("E.164", "Digits"),
            ("+E164", "Plus"),
            ("NANP", "Nanp"),
            ("e164", "AsIs"),
        ],
        empty: Some("AsIs"),
        ..row(Websms, "number_format")
    },
    Row {
        with: "number_format = NANP",
        default: "Nanp",
        values: &[
            ("E164", "Digits"),
            ("'+NANP'", "PlusNanp"),
            ("what", "Nanp"),
        ],
        empty: Some("AsIs"),
        ..row(Websms, "number_format_from")
    },
    Row {
        default: "AsIs",
        values: &[
            ("UCS-2", "Ucs2"),
            (
                "\"type=unicode\"",
                "Parameter([116, 121, 112, 101], [117, 110, 105, 99, 111, 100, 101])",
            ),
            ("utf8", "AsIs"),
            ("\"=x\"", "AsIs"),
        ],
        empty: Some("AsIs"),
        ..row(Websms, "charset")
    },
    Row {
        values: &[
            ("\"a=1\"", "a=1"),
            ("\"a=1, b=2=3 ,,c=\"", "a=1|b=2=3|c="),
            ("'a=1\\,2,b=\\\\,c=\\d'", "a=1,2|b=\\|c=\\d"),
            ("'a=\\\\\\,b'", "a=\\,b"),
        ],
        bad: &["a", "\"a=1,b\"", "\"=1\""],
        ..row(Websms, "val_static")
    },
    Row {
        values: &[
            ("'type=unicode'", "type=unicode"),
            ("'a=1,b={to}'", "a=1|b={to}"),
        ],
        bad: &["type", "'=unicode'"],
        ..row(Websms, "unicode_static")
    },
    Row {
        default: "none",
        values: &[("1", "1"), ("131072", "131072")],
        empty: Some("none"),
        bad: &["0", "131073", "-1", "160.0"],
        ..row(Websms, "long_bytes")
    },
    Row {
        with: "long_bytes = 160",
        values: &[("'method=sendMMS,to2={to}'", "method=sendMMS|to2={to}")],
        bad: &["method", "'=sendMMS'"],
        ..row(Websms, "long_static")
    },
    Row {
        with: "long_bytes = 160",
        default: "as key_message_id",
        values: &[("mms", "mms"), ("'/id=(.)/'", "regex id=(.)")],
        bad: &["\"/(/\""],
        ..row(Websms, "long_key_message_id")
    },
    Row {
        default: "none",
        values: &[("1", "1"), ("131072", "131072")],
        empty: Some("none"),
        bad: &["0", "131073", "many"],
        ..row(Websms, "text_chars_max")
    },
    Row {
        with: "[queue]\nreports = yes\n[websms]\nhost = http://localhost",
        values: &[
            ("'a=b,c.d[0]=e=f'", "a=b|c.d[0]=e=f"),
            ("'a=b\\,c'", "a=b,c"),
        ],
        bad: &["a", "'=b'", "'a={hook}'"],
        ..row(Websms, "dlr_static")
    },
    Row {
        default: "http://localhost To",
        with: "host = http://localhost",
        values: &[("plum", "http://localhost To")],
        empty: Some("http://localhost To"),
        bad: &["cherry", "plums"],
        ..row(Websms, "provider")
    },
    Row {
        default: "Form",
        values: &[
            ("form", "Form"),
            ("json", "Json"),
            ("query", "Query"),
            ("multipart", "Multipart"),
        ],
        empty: None,
        bad: &["xml", "JSON"],
        ..row(Websms, "format")
    },
    Row {
        default: "Plus",
        values: &[("+", "Plus"), ("%20", "Percent20")],
        empty: None,
        bad: &["_", "%2B", "20"],
        ..row(Websms, "space")
    },
    Row {
        values: &[
            ("\"X-A: 1\"", "X-A:1"),
            ("\"X-A:1 | X-B: a: b |\"", "X-A:1|X-B:a: b"),
            ("\"X-A:\"", "X-A:"),
        ],
        bad: &[
            "X-A",
            "\"X A: 1\"",
            "\": 1\"",
            "\"X-A: 1\nX-B: 2\"",
            "\"X-A: ä\"",
            "\"Host: x\"",
            "\"content-length: 1\"",
            "\"Accept-Encoding: gzip\"",
        ],
        ..row(Websms, "headers")
    },
    Row {
        default: "10s",
        values: &[("1", "1s"), ("600", "600s")],
        empty: None,
        bad: &["0", "601", "-1", "+5", "10s", "1.5", "99999999999999999999"],
        ..row(Websms, "timeout")
    },
    Row {
        default: "None",
        values: &[
            ("http://proxy:3128", "Some(\"http://proxy:3128\")"),
            ("proxy:3128", "Some(\"http://proxy:3128\")"),
            ("https://proxy:3128/", "Some(\"https://proxy:3128\")"),
            ("http://u:p@proxy:3128", "Some(\"http://u:p@proxy:3128\")"),
        ],
        empty: Some("None"),
        bad: &[
            "socks5://proxy:1080",
            "http://proxy:3128/path",
            "http://",
            "\"pro xy\"",
            "http://proxy:0",
        ],
        ..row(Websms, "proxy")
    },
    Row {
        default: "Roots { ca_file: None }",
        values: &[
            ("yes", "Roots { ca_file: None }"),
            ("\"on\"", "Roots { ca_file: None }"),
            ("no", "Anybody"),
            ("\"False\"", "Anybody"),
            ("0", "Anybody"),
        ],
        empty: Some("Anybody"),
        bad: &["maybe", "2", "\"none\""],
        ..row(Websms, "tls_verify")
    },
    Row {
        default: "Roots { ca_file: None }",
        values: &[("/etc/ca.pem", "Roots { ca_file: Some(\"/etc/ca.pem\") }")],
        empty: Some("Roots { ca_file: None }"),
        bad: &["\"/etc/\nca.pem\""],
        ..row(Websms, "ca_file")
    },
    Row {
        with: "path [a] = /\npath [b] = /\nhost = https://h",
        default: "None",
        values: &[("b", "Some(\"b\")")],
        empty: Some("None"),
        bad: &["c"],
        ..row(Websms, "fallback")
    },
    Row {
        default: "-",
        values: &[
            ("20/min", "20/min"),
            ("1/s", "1/s"),
            ("1000000/h", "1000000/h"),
        ],
        empty: Some("-"),
        bad: &[
            "20",
            "0/min",
            "1000001/h",
            "+5/min",
            "/min",
            "20/day",
            "\"20 / min\"",
            "x/s",
        ],
        ..row(Websms, "rate")
    },
    Row {
        default: "None",
        values: &[("500/day", "Some(500)"), ("1/day", "Some(1)")],
        empty: Some("None"),
        bad: &["500", "0/day", "1000001/day", "5/h", "/day"],
        ..row(Websms, "limit")
    },
    Row {
        default: "Whole",
        values: &[("whole", "Whole"), ("masked", "Masked")],
        empty: None,
        bad: &["yes", "no"],
        ..row(Websms, "log_numbers")
    },
];
