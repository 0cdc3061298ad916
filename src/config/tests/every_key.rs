//! Tests every key of the table: not given, given, empty and bad, in both spellings and per index.

use super::*;
use crate::message::Number;
use crate::proto::grammar::{Alternatives, Condition, Conditions};
use crate::proto::provider::poll::lister::Paging;
use crate::proto::provider::{AnswerPlace, NO_LENGTH};

/// One key: its values when it is not given, given or given empty, and values that are faults.
struct Row {
    section: Section,
    name: &'static str,
    /// Lines that the key needs beside it.
    with: &'static str,
    default: &'static str,
    /// The texts behind the `=`, and their values.
    values: &'static [(&'static str, &'static str)],
    /// The value of an empty text; `None` if that is a fault.
    empty: Option<&'static str>,
    /// The texts that are faults.
    bad: &'static [&'static str],
}

const fn row(section: Section, name: &'static str) -> Row {
    Row {
        section,
        name,
        with: "",
        default: "",
        values: &[],
        empty: Some(""),
        bad: &[],
    }
}

use Section::{Astqueue, Queue as QueueSection, Websms, Websmsd};

const ROWS: &[Row] = &[
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
    Row {
        default: "To",
        values: &[("did", "did"), ("'did|data.to[0]'", "did|data.to[0]")],
        empty: None,
        bad: &["'did|'", "'|'"],
        ..row(Websmsd, "key_to")
    },
    Row {
        default: "From",
        values: &[("caller", "caller"), ("'a|b'", "a|b")],
        empty: None,
        bad: &["'a||b'"],
        ..row(Websmsd, "key_from")
    },
    Row {
        default: "Body",
        values: &[("\"data.text\"", "data.text"), ("'a|b'", "a|b")],
        empty: None,
        bad: &["'a|'"],
        ..row(Websmsd, "key_body")
    },
    Row {
        values: &[("zd_echo", "zd_echo"), ("'a|b'", "a|b")],
        bad: &["'a|'"],
        ..row(Websmsd, "key_echo")
    },
    Row {
        values: &[("account", "")],
        ..row(Websmsd, "key_account")
    },
    Row {
        values: &[("MessageSid", "MessageSid"), ("'id | sid'", "id|sid")],
        bad: &["'id|'", "'|id'", "'a||b'"],
        ..row(Websmsd, "key_id")
    },
    Row {
        values: &[("concat-ref", "concat-ref"), ("'a|b'", "a|b")],
        bad: &["'a|'"],
        ..row(Websmsd, "key_part_ref")
    },
    Row {
        values: &[("concat-part", "concat-part"), ("'a|b'", "a|b")],
        bad: &["'a|'"],
        ..row(Websmsd, "key_part_number")
    },
    Row {
        values: &[("concat-total", "concat-total"), ("'a|b'", "a|b")],
        bad: &["'a|'"],
        ..row(Websmsd, "key_part_total")
    },
    Row {
        default: "120s",
        values: &[("10s", "10s"), ("1h", "3600s")],
        empty: None,
        bad: &["0", "2h", "soon"],
        ..row(Websmsd, "part_wait")
    },
    Row {
        values: &[
            ("\"event=SMS\"", "event=SMS"),
            ("\"a.b=c=d\"", "a.b=c=d"),
            ("\"type=sms|mms|\"", "type=sms|mms|"),
            ("\"a=b, c=d|e\"", "a=b and c=d|e"),
            ("'a=b\\,c'", "a=b,c"),
        ],
        bad: &["event", "\"=SMS\"", "\"a=b,c\"", "\"a=b,a=c\"", "\"a|b=c\""],
        ..row(Websmsd, "accept_if")
    },
    Row {
        values: &[("results", "results")],
        ..row(Websmsd, "each")
    },
    Row {
        values: &[
            ("+12025550160", "+12025550160"),
            (
                "\"(202) 555-0160, 46700000000,, 911\"",
                "2025550160 46700000000 911",
            ),
        ],
        bad: &["\"1,a b\"", "\"1,_X.\"", "s"],
        ..row(Websmsd, "own_numbers")
    },
    Row {
        values: &[
            ("\"type=dlr|receipt\"", "type=dlr|receipt"),
            ("'a=b,c='", "a=b and c="),
        ],
        bad: &["dlr", "\"=dlr\""],
        ..row(Websmsd, "dlr_if")
    },
    Row {
        values: &[("id", "id"), ("'a.id | id'", "a.id|id")],
        bad: &["'id|'"],
        ..row(Websmsd, "dlr_id")
    },
    Row {
        values: &[("status", "status"), ("'a.b|c'", "a.b|c")],
        bad: &["'|c'"],
        ..row(Websmsd, "dlr_status")
    },
    Row {
        values: &[
            ("code", "code"),
            ("'errors[0].code|code'", "errors[0].code|code"),
        ],
        bad: &["'a||b'"],
        ..row(Websmsd, "dlr_reason")
    },
    Row {
        values: &[
            ("failed", "failed"),
            ("'failed, Routing error,'", "failed, Routing error,"),
        ],
        ..row(Websmsd, "dlr_failed")
    },
    Row {
        values: &[("delivered", "delivered"), ("'a,b'", "a,b")],
        ..row(Websmsd, "dlr_delivered")
    },
    Row {
        values: &[("\"level=2\"", "level=2"), ("'a=b|c,d=e'", "a=b|c and d=e")],
        bad: &["level"],
        ..row(Websmsd, "dlr_final")
    },
    Row {
        values: &[(
            "'30034=not registered,30007=spam'",
            "30034=not registered|30007=spam",
        )],
        bad: &["30034"],
        ..row(Websmsd, "dlr_reasons")
    },
    Row {
        default: "AsIs",
        values: &[
            ("'+E164'", "Plus"),
            ("'+NANP'", "PlusNanp"),
            ("what", "AsIs"),
        ],
        empty: Some("AsIs"),
        ..row(Websmsd, "number_format")
    },
    Row {
        default: "None",
        values: &[
            ("none", "None"),
            ("percent", "Percent"),
            ("base64", "Base64"),
        ],
        empty: Some("None"),
        bad: &["hex", "yes"],
        ..row(Websmsd, "text_decode")
    },
    Row {
        values: &[
            ("Caption", "Caption"),
            ("'mms.text'", "mms.text"),
            ("'a|b'", "a|b"),
        ],
        bad: &["'a|'"],
        ..row(Websmsd, "key_caption")
    },
    Row {
        values: &[
            ("'media[].url'", "media[].url"),
            ("'MediaUrl*'", "MediaUrl*"),
            ("'MediaUrl*|media[]'", "MediaUrl*|media[]"),
        ],
        bad: &["'a|'"],
        ..row(Websmsd, "key_media")
    },
    Row {
        default: "Link",
        values: &[("link", "Link"), ("drop", "Drop")],
        empty: None,
        bad: &["no", "both"],
        ..row(Websmsd, "media")
    },
    Row {
        values: &[
            ("\"<Response></Response>\"", "<Response></Response>"),
            ("ok", "ok"),
        ],
        ..row(Websmsd, "report_success")
    },
    Row {
        with: "report_success = \"<Response/>\"",
        default: "text/xml",
        values: &[
            ("application/xml", "application/xml"),
            ("\"text/xml; charset=UTF-8\"", "text/xml; charset=UTF-8"),
        ],
        empty: Some("text/xml"),
        bad: &["xml", "\"text/xml\nX: y\"", "text/ä"],
        ..row(Websmsd, "report_type")
    },
    Row {
        default: "422",
        values: &[
            ("200", "200"),
            ("299", "299"),
            ("400", "400"),
            ("599", "599"),
        ],
        empty: None,
        bad: &["199", "300", "399", "600", "+422", "ok"],
        ..row(Websmsd, "reject_status")
    },
    Row {
        default: "all",
        values: &[
            ("1.2.3.4", "1.2.3.4/128"),
            (
                "185.45.152.42,3.104.90.0/24 , 2001:db8::/32,",
                "185.45.152.42/128 3.104.90.0/120 2001:db8::/32",
            ),
        ],
        empty: Some("nobody"),
        bad: &[
            "localhost",
            "1.2.3.4/33",
            "1.2.3.4 5.6.7.8",
            "\"1.2.3.4;5.6.7.8\"",
            "::/129",
        ],
        ..row(Websmsd, "permit_addr")
    },
    Row {
        default: "172.16.0.0/108",
        values: &[("10.0.0.0/8,::1", "10.0.0.0/104 ::1/128")],
        empty: Some("nobody"),
        bad: &["proxy", "10.0.0.0/8,x"],
        ..row(Websmsd, "proxy_addr")
    },
    Row {
        default: "HTTP_X_FORWARDED_FOR",
        values: &[("HTTP_X_REAL_IP", "HTTP_X_REAL_IP")],
        bad: &[
            "X-Forwarded-For",
            "HTTP_",
            "http_x_forwarded_for",
            "REMOTE_ADDR",
            "HTTP_X-REAL",
        ],
        ..row(Websmsd, "proxy_header")
    },
    Row {
        default: "all",
        values: &[("/sms", "/sms"), ("\"/a, /b?c=d ,\"", "/a /b?c=d")],
        empty: Some("none"),
        bad: &["sms", "\"/a b\"", "https://example.com/sms", "/ä"],
        ..row(Websmsd, "url_path")
    },
    Row {
        with: "auth_user = u\nauth_passwd = p",
        default: "none",
        values: &[
            ("none", "none"),
            ("basic", "basic u p"),
            ("bearer", "bearer p"),
        ],
        empty: Some("none"),
        bad: &["digest", "plain"],
        ..row(Websmsd, "auth_method")
    },
    Row {
        with: "auth_method = basic\nauth_passwd = p",
        default: "fault",
        values: &[("u", "basic u p")],
        empty: None,
        ..row(Websmsd, "auth_user")
    },
    Row {
        with: "auth_method = bearer",
        default: "fault",
        values: &[("p", "bearer p")],
        empty: None,
        ..row(Websmsd, "auth_passwd")
    },
    Row {
        with: "auth_method = vonage\nauth_passwd = p",
        default: "Sha256",
        values: &[("md5hash", "Md5Hash"), ("sha512", "Sha512")],
        empty: None,
        bad: &["sha384", "SHA256", "none", "md4"],
        ..row(Websmsd, "auth_hash")
    },
    Row {
        with: "auth_method = sinch\nauth_passwd = p",
        default: "Some(300)",
        values: &[
            ("60", "Some(60)"),
            ("5m", "Some(300)"),
            ("7d", "Some(604800)"),
            ("none", "None"),
            ("'none'", "None"),
        ],
        empty: Some("None"),
        bad: &["0", "8d", "old", "-1s"],
        ..row(Websmsd, "auth_age")
    },
    Row {
        values: &[
            ("https://pbx.example.com/sms", "https://pbx.example.com/sms"),
            (
                "https://pbx.example.com:8443/",
                "https://pbx.example.com:8443",
            ),
            (
                "https://user:pass@pbx.example.com/a",
                "https://pbx.example.com/a",
            ),
        ],
        bad: &[
            "pbx.example.com",
            "https://user:pass@",
            "ftp://pbx.example.com",
            "https://",
            "\"https://pbx.example.com/sms?a\"",
            "https://pbx.example.com#a",
        ],
        ..row(Websmsd, "public_url")
    },
    Row {
        default: "To",
        values: &[("plum", "plum_in")],
        empty: Some("To"),
        bad: &["cherry"],
        ..row(Websmsd, "provider")
    },
    Row {
        with: "poll_path = /m\npoll_id = id",
        default: "none",
        values: &[("60s", "60s"), ("10s", "10s"), ("1h", "3600s")],
        empty: Some("none"),
        bad: &["9s", "61m", "x", "0"],
        ..row(Websmsd, "poll")
    },
    Row {
        with: "poll = 60s\npoll_path = /m\npoll_id = id",
        default: "30s",
        values: &[("5s", "5s")],
        empty: None,
        bad: &["0", "601s"],
        ..row(Websmsd, "poll_timeout")
    },
    Row {
        with: "poll = 60s\npoll_id = id",
        default: "fault",
        values: &[("/m", "/m"), ("'/a?b={since}'", "/a?b={since}")],
        empty: None,
        bad: &[
            "m",
            "/a b",
            "'/{account}'",
            "'/{auth_user}'",
            "'/m?a={next}'",
        ],
        ..row(Websmsd, "poll_path")
    },
    Row {
        with: "poll = 60s\npoll_path = /m\npoll_id = id",
        default: "",
        values: &[("'a=b,c={number}'", "a=b|c={number}")],
        empty: Some(""),
        bad: &["a"],
        ..row(Websmsd, "poll_static")
    },
    Row {
        with: "poll = 60s\npoll_path = /m\npoll_id = id",
        default: "",
        values: &[("[]", "[]"), ("data.data", "data.data")],
        empty: Some(""),
        ..row(Websmsd, "poll_each")
    },
    Row {
        with: "poll = 60s\npoll_path = /m\npoll_id = id",
        default: "",
        values: &[(
            "'direction=inbound,type=1|2'",
            "direction=inbound and type=1|2",
        )],
        empty: Some(""),
        bad: &["x"],
        ..row(Websmsd, "poll_if")
    },
    Row {
        with: "poll = 60s\npoll_path = /m\npoll_id = id",
        default: "To",
        values: &[("'a.b|c'", "a.b|c")],
        empty: None,
        bad: &["'a||b'"],
        ..row(Websmsd, "poll_to")
    },
    Row {
        with: "poll = 60s\npoll_path = /m\npoll_id = id",
        default: "From",
        values: &[("'a.b|c'", "a.b|c")],
        empty: None,
        bad: &["'a||b'"],
        ..row(Websmsd, "poll_from")
    },
    Row {
        with: "poll = 60s\npoll_path = /m\npoll_id = id",
        default: "Body",
        values: &[("'a.b|c'", "a.b|c")],
        empty: None,
        bad: &["'a||b'"],
        ..row(Websmsd, "poll_body")
    },
    Row {
        with: "poll = 60s\npoll_path = /m",
        default: "fault",
        values: &[("sid", "sid")],
        empty: None,
        bad: &["'a||b'"],
        ..row(Websmsd, "poll_id")
    },
    Row {
        with: "poll = 60s\npoll_path = /m\npoll_id = id",
        default: "",
        values: &[("m[].u", "m[].u")],
        empty: Some(""),
        ..row(Websmsd, "poll_media")
    },
    Row {
        with: "poll = 60s\npoll_path = /m\npoll_id = id",
        default: "",
        values: &[("'status=no_sms|no_mms'", "status=no_sms|no_mms")],
        empty: Some(""),
        bad: &["x"],
        ..row(Websmsd, "poll_empty")
    },
    Row {
        with: "poll = 60s\npoll_path = /m\npoll_id = id",
        default: "Newest",
        values: &[("newest", "Newest"), ("oldest", "Oldest")],
        empty: None,
        bad: &["up"],
        ..row(Websmsd, "poll_order")
    },
    Row {
        with: "poll = 60s\npoll_path = /m\npoll_id = id",
        default: "None",
        values: &[("'links.next|n'", "Url(links.next|n)")],
        empty: Some("None"),
        bad: &["'a||b'"],
        ..row(Websmsd, "poll_next")
    },
    Row {
        with: "poll = 60s\npoll_path = '/m?p={page}'\npoll_id = id",
        default: "Page(1)",
        values: &[("0", "Page(0)"), ("1", "Page(1)")],
        empty: None,
        bad: &["2", "-1", "next"],
        ..row(Websmsd, "poll_page")
    },
    Row {
        with: "poll = 60s\npoll_path = /m\npoll_id = id",
        default: "none",
        values: &[
            ("'PUT /r/{id}'", "PUT /r/{id}"),
            ("/r", "POST /r"),
            ("GET /r", "GET /r"),
        ],
        empty: Some("none"),
        bad: &["r", "DELETE /r", "PUT r"],
        ..row(Websmsd, "poll_done")
    },
    Row {
        with: "poll = 60s\npoll_path = /m\npoll_id = id",
        default: "false",
        values: &[("yes", "true"), ("no", "false")],
        empty: Some("false"),
        bad: &["x"],
        ..row(Websmsd, "poll_consumes")
    },
    Row {
        default: "[]",
        values: &[
            ("127.0.0.1:8080", "[127.0.0.1:8080]"),
            ("\"0.0.0.0:80, [::]:80\"", "[0.0.0.0:80, [::]:80]"),
        ],
        empty: Some("[]"),
        bad: &["80", "127.0.0.1", "localhost:80", "::1", "127.0.0.1:65536"],
        ..row(Websmsd, "listen")
    },
    Row {
        with: "tls_key = /k",
        default: "fault",
        values: &[("/c", "/c /k")],
        empty: None,
        ..row(Websmsd, "tls_cert")
    },
    Row {
        with: "tls_cert = /c",
        default: "fault",
        values: &[("/k", "/c /k")],
        empty: None,
        ..row(Websmsd, "tls_key")
    },
    Row {
        default: "64",
        values: &[("1", "1"), ("4096", "4096")],
        empty: None,
        bad: &["0", "4097", "many"],
        ..row(Websmsd, "max_connections")
    },
    Row {
        default: "32",
        values: &[("0", "0"), ("1000", "1000")],
        empty: None,
        bad: &["1001", "-1"],
        ..row(Websmsd, "keep_rejected")
    },
    Row {
        default: "None",
        values: &[("/usr/bin/x", "Some(\"/usr/bin/x\")")],
        empty: Some("None"),
        bad: &["x", "./x", "x/y"],
        ..row(Websmsd, "on_message")
    },
    Row {
        default: "none",
        values: &[("/status", "/status"), ("/a/b.c", "/a/b.c")],
        empty: Some("none"),
        bad: &[
            "status",
            "\"/a b\"",
            "\"/a?b\"",
            "\"/a#b\"",
            "\"/a,/b\"",
            "/ä",
        ],
        ..row(Websmsd, "status_path")
    },
    Row {
        with: "status_path = /status",
        default: "127.0.0.0/104 ::1/128",
        values: &[("10.0.0.0/8,::1", "10.0.0.0/104 ::1/128")],
        empty: Some("nobody"),
        bad: &["monitor", "10.0.0.0/8,x"],
        ..row(Websmsd, "status_addr")
    },
    Row {
        with: "status_path = /status",
        default: "",
        values: &[("me:se:cret", "me:se:cret"), ("\"ä:ö\"", "ä:ö")],
        empty: Some(""),
        bad: &["me", ":", ":secret", "me:", "\"me:a\nb\"", "\"a\tb:c\""],
        ..row(Websmsd, "status_auth")
    },
    Row {
        default: "/var/spool/asterisk/outgoing",
        values: &[("/tmp/out", "/tmp/out")],
        empty: None,
        bad: &["/var/spool/asterisk/staging", "\"/a\nb\""],
        ..row(Astqueue, "outgoingdir")
    },
    Row {
        default: "/var/spool/asterisk/staging",
        values: &[("/tmp/stage", "/tmp/stage")],
        empty: None,
        bad: &[
            "/var/spool/asterisk/outgoing",
            "/var/spool/asterisk/outgoing/",
        ],
        ..row(Astqueue, "stagingdir")
    },
    Row {
        default: "45",
        values: &[("0", "0"), ("2147483647", "2147483647"), ("060", "60")],
        bad: &["-1", "2147483648", "1.5", "45s", "\"45\nContext: x\""],
        ..row(Astqueue, "waittime")
    },
    Row {
        default: "0",
        values: &[("3", "3")],
        bad: &["-1", "x"],
        ..row(Astqueue, "maxretries")
    },
    Row {
        default: "300",
        values: &[("60", "60")],
        bad: &["-1", "5m"],
        ..row(Astqueue, "retrytime")
    },
    Row {
        default: "No",
        values: &[
            ("yes", "Yes"),
            ("\"yes\"", "Yes"),
            ("no", "No"),
            ("\"no\"", "No"),
            ("1", "Yes"),
        ],
        empty: Some("No"),
        bad: &["keep"],
        ..row(Astqueue, "archive")
    },
    Row {
        default: "default",
        values: &[
            ("dp_entry_channel_open", "dp_entry_channel_open"),
            ("sms/n", "sms/n"),
        ],
        empty: None,
        bad: &[
            "\"a\nb\"", "\"a b\"", "\"a;b\"", "\"a#b\"", "a@b", "\"a\tb\"",
        ],
        ..row(Astqueue, "channel_context")
    },
    Row {
        default: "default",
        values: &[("dp_entry_trunk_texting", "dp_entry_trunk_texting")],
        empty: None,
        bad: &["\"a\nSet: x=y\"", "\"a\rb\""],
        ..row(Astqueue, "context")
    },
    Row {
        default: "1",
        values: &[("2", "2")],
        bad: &["0", "n", "2147483648"],
        ..row(Astqueue, "priority")
    },
    Row {
        values: &[("sales", "sales")],
        bad: &["\"a\nApplication: System\""],
        ..row(Astqueue, "account")
    },
    Row {
        values: &[("NoOp", "NoOp")],
        bad: &["\"a\nb\""],
        ..row(Astqueue, "application")
    },
    Row {
        values: &[("\"a,b c\"", "a,b c"), ("'a\\;b'", "a\\;b")],
        bad: &["\"a\nb\"", "\"a\x7fb\"", "'a;b'"],
        ..row(Astqueue, "data")
    },
    Row {
        default: "Rfc3986",
        values: &[
            ("rfc3986", "Rfc3986"),
            ("none", "None"),
            ("\"none\"", "None"),
        ],
        empty: Some("None"),
        bad: &["base64"],
        ..row(Astqueue, "message_encode")
    },
    Row {
        default: "644",
        values: &[
            ("0600", "600"),
            ("640", "640"),
            ("0777", "777"),
            ("0400", "400"),
        ],
        empty: None,
        bad: &["0o644", "0888", "01777", "77777", "0044", "44", "rw-r--r--"],
        ..row(Astqueue, "filemode")
    },
    Row {
        default: "None",
        values: &[
            ("asterisk", "Some((\"asterisk\", None))"),
            (
                "asterisk:dialout",
                "Some((\"asterisk\", Some(\"dialout\")))",
            ),
            ("1000:1000", "Some((\"1000\", Some(\"1000\")))"),
        ],
        empty: Some("None"),
        bad: &[
            "a:b:c",
            "asterisk:",
            ":asterisk",
            "\"a b\"",
            "-a",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ],
        ..row(Astqueue, "fileowner")
    },
    Row {
        default: "Before",
        values: &[("yes", "Before"), ("no", "Never")],
        empty: Some("Never"),
        bad: &["sometimes"],
        ..row(Astqueue, "sync")
    },
    Row {
        default: "1000",
        values: &[("1", "1"), ("1000000", "1000000")],
        empty: None,
        bad: &["0", "1000001"],
        ..row(Astqueue, "max")
    },
    Row {
        default: "Auto",
        values: &[("auto", "Auto"), ("yes", "Yes"), ("no", "No")],
        empty: Some("No"),
        bad: &["always"],
        ..row(Astqueue, "inbox")
    },
    Row {
        default: "Some(Rate { count: 20, per: Second })",
        values: &[("5/min", "Some(Rate { count: 5, per: Minute })")],
        empty: Some("None"),
        bad: &["20", "0/s", "1000001/s", "20/day"],
        ..row(Astqueue, "inbox_rate")
    },
    Row {
        default: "Some(\"/var/spool/websms\")",
        values: &[("/mnt/websms", "Some(\"/mnt/websms\")")],
        empty: Some("None"),
        bad: &["\"/a\nb\""],
        ..row(QueueSection, "dir")
    },
    Row {
        default: "[10s, 30s, 120s, 600s, 1800s, 3600s]",
        values: &[("5", "[5s]"), ("\"1s, 2m,7d\"", "[1s, 120s, 604800s]")],
        empty: None,
        bad: &[
            "\",\"",
            "0s",
            "8d",
            "10x",
            "s",
            "+1s",
            "\"10s 30s\"",
            "99999999999999999999d",
        ],
        ..row(QueueSection, "retry")
    },
    Row {
        default: "172800s",
        values: &[("1s", "1s"), ("30d", "2592000s")],
        empty: None,
        bad: &["0", "31d", "2w", "d"],
        ..row(QueueSection, "expire")
    },
    Row {
        default: "1000",
        values: &[("1", "1"), ("100000", "100000")],
        empty: None,
        bad: &["0", "100001"],
        ..row(QueueSection, "max")
    },
    Row {
        default: "Send",
        values: &[("yes", "Queue"), ("no", "Send")],
        empty: Some("Send"),
        bad: &["never"],
        ..row(QueueSection, "first")
    },
    Row {
        default: "Nobody",
        values: &[("yes", "Sender"), ("no", "Nobody")],
        empty: Some("Nobody"),
        bad: &["never"],
        ..row(QueueSection, "notify")
    },
    Row {
        default: "None",
        values: &[("/usr/bin/x", "Some(\"/usr/bin/x\")")],
        empty: Some("None"),
        bad: &["x", "./x", "x/y"],
        ..row(QueueSection, "on_failure")
    },
    Row {
        default: "false",
        values: &[("yes", "true"), ("no", "false")],
        empty: Some("false"),
        bad: &["always"],
        ..row(QueueSection, "reports")
    },
];

fn length(length: usize) -> String {
    match length {
        NO_LENGTH => "none".into(),
        length => length.to_string(),
    }
}

fn show_pairs(pairs: &[(Vec<u8>, Vec<u8>)]) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let pairs = pairs.iter();
    let pairs: Vec<String> = pairs
        .map(|(k, v)| format!("{}={}", text(k), text(v)))
        .collect();
    pairs.join("|")
}

fn show_conditions(conditions: &Conditions) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let show = |condition: &Condition| {
        let values = condition.values().collect::<Vec<_>>().join(&b'|');
        format!("{}={}", text(&condition.key), text(&values))
    };
    let shown: Vec<String> = conditions.iter().map(show).collect();
    shown.join(" and ")
}

/// Returns the value of a key as text; with several interfaces, that of the first.
fn look(config: &Config, section: Section, name: &str) -> String {
    let outgoing = &config.outgoing[0];
    let account = &outgoing.account;
    let Interface { gate, webhook, .. } = &config.rules.interfaces[0];
    let (route, spool, queue) = (&config.route, &config.spool, &config.queue);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match (section, name) {
        (Websms, "host") => account.host.clone(),
        (Websms, "path") => account.path.clone(),
        (Websms, "key_to") => text(&account.key_to),
        (Websms, "key_from") => text(&account.key_from),
        (Websms, "key_body") => text(&account.key_body),
        (
            Websms,
            "auth_method" | "auth_user" | "auth_passwd" | "auth_hash" | "key_user" | "key_secret",
        ) => show_auth(&account.auth),
        (Websms, "response_check") => show_check(account.response_check.as_ref()),
        (Websms, "later_check") => show_check(account.later_check.as_ref()),
        (Websms, "number_format") => format!("{:?}", account.number_format),
        (Websms, "auth_extra") => text(&account.values.auth_extra),
        (Websms, "account") => format!("{} {}", text(&account.values.account), account.host),
        (Websms, "status_check") => format!("{:?}", account.status_check),
        (Websms, "key_message_id") => show_place(&account.message_id),
        (Websms, "key_reason") => show_place(&account.reason),
        (Websms, "check_path") => account.check_path.clone(),
        (Websms, "number_format_from") => format!("{:?}", account.number_format_from),
        (Websms, "long_bytes") => length(account.long_bytes),
        (Websms, "long_key_message_id") => match &account.long_message_id {
            Some(place) => show_place(place),
            None => "as key_message_id".into(),
        },
        (Websms, "text_chars_max") => length(account.text_chars_max),
        (Websms, "unicode_static") => show_pairs(&account.unicode_statics),
        (Websms, "long_static") => show_pairs(&account.long_statics),
        (Websms, "charset") => format!("{:?}", account.charset),
        (Websms, "val_static") => show_pairs(&account.statics),
        (Websms, "dlr_static") => show_pairs(&account.dlr_statics),
        (Websms, "provider") => format!("{} {}", account.host, text(&account.key_to)),
        (Websms, "format") => format!("{:?}", account.format),
        (Websms, "space") => format!("{:?}", account.space),
        (Websms, "headers") => {
            let headers = account.headers.iter();
            let headers: Vec<String> = headers.map(|(n, v)| format!("{n}:{v}")).collect();
            headers.join("|")
        }
        (Websms, "timeout") => format!("{:?}", outgoing.client.timeout),
        (Websms, "proxy") => format!("{:?}", outgoing.client.proxy),
        (Websms, "tls_verify" | "ca_file") => format!("{:?}", outgoing.client.trust),
        (Websms, "fallback") => format!("{:?}", outgoing.fallback),
        (Websms, "rate") => match outgoing.quota.rate {
            Some(rate) => rate.to_string(),
            None => "-".into(),
        },
        (Websms, "limit") => format!("{:?}", outgoing.quota.limit),
        (Websmsd, "key_to" | "provider") => text(webhook.key_to.as_bytes()),
        (Websmsd, "key_from") => text(webhook.key_from.as_bytes()),
        (Websmsd, "key_body") => text(webhook.key_body.as_bytes()),
        (Websmsd, "key_echo") => text(gate.key_echo.as_bytes()),
        (Websmsd, "key_account") => String::new(),
        (Websmsd, "public_url") => {
            let url = gate.public_url.as_ref();
            url.map_or(String::new(), |url| url.text())
        }
        (Websmsd, "auth_hash") => format!("{:?}", gate.credentials.hash),
        (Websmsd, "auth_age") => format!("{:?}", gate.auth_age_s),
        (Websmsd, "key_id") => text(webhook.key_id.as_bytes()),
        (Websmsd, "key_part_ref") => text(webhook.key_part_ref.as_bytes()),
        (Websmsd, "key_part_number") => text(webhook.key_part_number.as_bytes()),
        (Websmsd, "key_part_total") => text(webhook.key_part_total.as_bytes()),
        (Websmsd, "part_wait") => format!("{:?}", webhook.part_wait),
        (Websmsd, "accept_if") => show_conditions(&webhook.accept_if),
        (Websmsd, "dlr_if") => show_conditions(&webhook.dlr.only_if),
        (Websmsd, "dlr_id") => text(webhook.dlr.id.as_bytes()),
        (Websmsd, "dlr_status") => text(webhook.dlr.status.as_bytes()),
        (Websmsd, "dlr_reason") => text(webhook.dlr.reason.as_bytes()),
        (Websmsd, "dlr_failed") => text(&webhook.dlr.failed),
        (Websmsd, "dlr_delivered") => text(&webhook.dlr.delivered),
        (Websmsd, "dlr_final") => show_conditions(&webhook.dlr.last),
        (Websmsd, "dlr_reasons") => show_pairs(&webhook.dlr.words),
        (Websmsd, "number_format") => format!("{:?}", webhook.number_format),
        (Websmsd, "text_decode") => format!("{:?}", webhook.text_decode),
        (Websmsd, "key_caption") => text(webhook.key_caption.as_bytes()),
        (Websmsd, "key_media") => text(webhook.key_media.as_bytes()),
        (Websmsd, "media") => format!("{:?}", webhook.media),
        (Websmsd, "own_numbers") => {
            let own: Vec<&str> = webhook.own_numbers.iter().map(Number::as_str).collect();
            own.join(" ")
        }
        (Websmsd, "each") => text(&webhook.each),
        (Websmsd, "report_success") => text(&webhook.report_success),
        (Websmsd, "report_type") => webhook.report_type.clone(),
        (Websmsd, "reject_status") => webhook.reject_status.to_string(),
        (Websmsd, "permit_addr") => gate.permit.as_deref().map_or("all".into(), show_cidrs),
        (Websmsd, "proxy_addr") => show_cidrs(&config.rules.proxies),
        (Websmsd, "proxy_header") => config.rules.proxy_header.clone(),
        (Websmsd, "url_path") => match gate.paths.as_deref() {
            None => "all".into(),
            Some([]) => "none".into(),
            Some(paths) => text(&paths.join(&b' ')),
        },
        (Websmsd, "auth_method" | "auth_user" | "auth_passwd") => {
            let credentials = &gate.credentials;
            let words = [&credentials.user, &credentials.secret].map(|word| text(word));
            let words = words.iter().filter(|word| !word.is_empty());
            let words = words.map(String::as_str);
            let words: Vec<&str> = [credentials.scheme.name].into_iter().chain(words).collect();
            words.join(" ")
        }
        (Websmsd, "poll") => match config.polls.first() {
            None => "none".into(),
            Some(poll) => format!("{:?}", poll.every),
        },
        (Websmsd, name) if name.starts_with("poll_") => look_at_poll(config, name),
        (Websmsd, "listen") => format!("{:?}", config.listening.addresses),
        (Websmsd, "tls_cert" | "tls_key") => {
            let tls = config.listening.tls.as_ref().unwrap();
            format!("{} {}", tls.cert.display(), tls.key.display())
        }
        (Websmsd, "max_connections") => config.listening.connections_max.to_string(),
        (Websmsd, "keep_rejected") => config.listening.rejected_max.to_string(),
        (Astqueue, "outgoingdir") => spool.outgoing.display().to_string(),
        (Astqueue, "stagingdir") => spool.staging.display().to_string(),
        (Astqueue, "waittime") => route.waittime.clone(),
        (Astqueue, "maxretries") => route.maxretries.clone(),
        (Astqueue, "retrytime") => route.retrytime.clone(),
        (Astqueue, "archive") => format!("{:?}", route.archive),
        (Astqueue, "channel_context") => route.channel_context.clone(),
        (Astqueue, "context") => route.context.clone(),
        (Astqueue, "priority") => route.priority.clone(),
        (Astqueue, "account") => route.account.clone(),
        (Astqueue, "application") => route.application.clone(),
        (Astqueue, "data") => route.data.clone(),
        (Astqueue, "message_encode") => format!("{:?}", route.encoding),
        (Astqueue, "filemode") => format!("{:o}", spool.mode),
        (Astqueue, "fileowner") => format!("{:?}", spool.owner),
        (Astqueue, "sync") => format!("{:?}", spool.sync),
        (Astqueue, "max") => spool.files_max.to_string(),
        (Astqueue, "inbox") => format!("{:?}", spool.inbox),
        (Astqueue, "inbox_rate") => format!("{:?}", spool.inbox_rate),
        (QueueSection, "dir") => format!("{:?}", queue.dir),
        (QueueSection, "retry") => format!("{:?}", queue.retry),
        (QueueSection, "expire") => format!("{:?}", queue.expire),
        (QueueSection, "max") => queue.messages_max.to_string(),
        (QueueSection, "first") => format!("{:?}", queue.first),
        (Websmsd, "on_message") => format!("{:?}", config.listening.on_message),
        (Websmsd, "status_path") => match &config.rules.status {
            Some(status) => text(&status.path),
            None => "none".into(),
        },
        (Websmsd, "status_addr") => show_cidrs(&config.rules.status.as_ref().unwrap().permit),
        (Websmsd, "status_auth") => text(&config.rules.status.as_ref().unwrap().login),
        (QueueSection, "on_failure") => format!("{:?}", queue.on_failure),
        (QueueSection, "reports") => queue.reports.to_string(),
        (Websms, "log_numbers") => format!("{:?}", config.log_numbers),
        (QueueSection, "notify") => format!("{:?}", queue.notify),
        _ => panic!("no look at {name}"),
    }
}

fn look_at_poll(config: &Config, name: &str) -> String {
    let poll = &config.polls[0];
    let lister = &poll.lister;
    let polled = config.rules.interfaces[0].polled.as_ref().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let places = |places: &Alternatives| text(places.as_bytes());
    match name {
        "poll_timeout" => format!("{:?}", poll.timeout),
        "poll_path" => lister.path.clone(),
        "poll_static" => {
            let pairs = lister.statics.iter();
            let pairs = pairs.map(|(k, v)| format!("{}={}", text(k), text(v)));
            pairs.collect::<Vec<String>>().join("|")
        }
        "poll_each" => text(&lister.each),
        "poll_if" => show_conditions(&polled.accept_if),
        "poll_to" => places(&polled.key_to),
        "poll_from" => places(&polled.key_from),
        "poll_body" => places(&polled.key_body),
        "poll_id" => places(&polled.key_id),
        "poll_media" => places(&polled.key_media),
        "poll_empty" => show_conditions(&lister.empty),
        "poll_order" => format!("{:?}", lister.order),
        "poll_next" | "poll_page" => match &lister.paging {
            Paging::Url(next) => format!("Url({})", places(next)),
            Paging::Value(next) => format!("Value({})", places(next)),
            other => format!("{other:?}"),
        },
        "poll_done" => match &lister.done {
            None => "none".into(),
            Some(done) => format!("{} {}", done.method, done.path),
        },
        "poll_consumes" => lister.consumes.to_string(),
        _ => panic!("no look at {name}"),
    }
}

fn show_place(place: &AnswerPlace) -> String {
    match place {
        AnswerPlace::Usual => "usual".into(),
        AnswerPlace::Keys(keys) => String::from_utf8_lossy(keys.as_bytes()).into_owned(),
        AnswerPlace::Regex(regex) => format!("regex {regex}"),
    }
}

#[test]
fn every_key_has_a_row_and_every_row_a_key() {
    let rows: Vec<_> = ROWS.iter().map(|row| (row.section, row.name)).collect();
    let keys: Vec<_> = KEYS.iter().map(|key| (key.section, key.name)).collect();
    assert_eq!(rows, keys);
}

#[test]
fn every_key_by_default_given_empty_and_bad() {
    for row in ROWS {
        let key = keys::find(row.section, row.name.as_bytes()).unwrap();
        let head = format!("[{}]\n{}\n", row.section.name(), row.with);
        let check = |line: &str, expected: Option<&str>| {
            let text = format!("{head}{line}\n");
            let reading = read_text(&text);
            let became = reading
                .config
                .as_ref()
                .map(|c| look(c, row.section, row.name));
            assert_eq!(became.as_deref(), expected, "{text}\n{:?}", reading.notes);
        };
        check("", Some(row.default).filter(|text| *text != "fault"));
        check(&format!("{} =", row.name), row.empty);
        for name in std::iter::once(key.name).chain(key.also) {
            for (value, became) in row.values {
                check(&format!("{name} = {value}"), Some(became));
            }
            for value in row.bad {
                check(&format!("{name} = {value}"), None);
            }
        }
        if key.scope == Scope::Program {
            check(&format!("{} [a] = 1", row.name), None);
            continue;
        }
        // For interfaces, the index must be one that exists for `[websmsd]`.
        let gates = ["permit_addr", "url_path"].contains(&row.name) || row.section == Websms;
        let door = if gates { "" } else { "permit_addr [a] =\n" };
        for (value, became) in row.values {
            // An interface with an index needs a host.
            let line = format!("{door}{} [a] = {value}", row.name);
            check(&line, Some(became));
        }
        for value in row.bad {
            check(&format!("{door}{} [a] = {value}", row.name), None);
        }
    }
}

#[test]
fn defaults_are_values() {
    for key in KEYS {
        if let Absent::Value(default) = key.default {
            let row = ROWS
                .iter()
                .find(|row| (row.section, row.name) == (key.section, key.name));
            let row = row.unwrap();
            let text = format!(
                "[{}]\n{}\n{} = \"{default}\"\n",
                key.section.name(),
                row.with,
                key.name
            );
            let became = read_text(&text)
                .config
                .map(|c| look(&c, key.section, key.name));
            let expected = Some(row.default.to_string()).filter(|text| text != "fault");
            assert_eq!(became, expected, "{text}");
        }
    }
}

#[test]
fn defaults_as_documentation_writes_them() {
    let shown = |section, name: &str| {
        keys::find(section, name.as_bytes())
            .unwrap()
            .default_shown()
    };
    assert_eq!(shown(Websms, "host"), "http://localhost");
    assert_eq!(shown(Websms, "auth_user"), "-");
    assert_eq!(shown(Websmsd, "permit_addr"), "all");
    assert_eq!(shown(Websmsd, "report_type"), "by its look");
}

#[test]
fn nothing_given() {
    for text in [
        "",
        "[websms]\n[websmsd]\n[astqueue]\n[queue]\n",
        "; a comment\n",
    ] {
        let config = config(text);
        assert_eq!(config.outgoing.len(), 1, "{text}");
        assert_eq!(config.rules.interfaces.len(), 1, "{text}");
    }
}
