//! The rows of `[websmsd]`.

use super::Section::Websmsd;
use super::{Row, row};

pub(super) const ROWS: &[Row] = &[
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
];
