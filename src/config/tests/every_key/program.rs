//! The rows of `[astqueue]` and `[queue]`.

use super::Section::{Astqueue, Queue as QueueSection};
use super::{Row, row};

pub(super) const ROWS: &[Row] = &[
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
