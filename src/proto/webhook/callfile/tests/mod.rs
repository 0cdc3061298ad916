//! Tests call files against goldens, for each encoding, and with a reader modelled on Asterisk's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod arrival;

use arrival::{asterisk_reads, variable};

use super::*;
use crate::message::{Number, Sender, Text};

const UNIQUE: &str = "0123456789abcdef";
const NOW_S: u64 = 1_795_392_000;

fn route() -> Route {
    Route {
        channel_context: "dp_entry_channel_open".to_owned(),
        context: "dp_entry_trunk_texting".to_owned(),
        priority: "1".to_owned(),
        waittime: "45".to_owned(),
        maxretries: "0".to_owned(),
        retrytime: "300".to_owned(),
        archive: Switch::No,
        account: String::new(),
        application: String::new(),
        data: String::new(),
        encoding: Encoding::Rfc3986,
    }
}

fn message(to: &str, from: &str, text: &str) -> Message {
    Message {
        to: Number::parse_inbound(to.as_bytes()).unwrap(),
        from: Sender::parse_inbound(from.as_bytes()).unwrap(),
        text: Text::parse_inbound(text.as_bytes(), None),
    }
}

fn files(text: &str, route: &Route) -> Result<Vec<CallFile>, Unfit> {
    encode(
        &message("+12025550160", "+15017122661", text),
        route,
        NOW_S,
        UNIQUE,
    )
}

// ---- Goldens --------------------------------------------------------------------------------

#[test]
fn a_message_is_this_file() {
    let files = files("Incoming message!", &route()).unwrap();
    let expected = "\
Channel: Local/+12025550160@dp_entry_channel_open
CallerID: \"\" <+15017122661>
WaitTime: 45
MaxRetries: 0
RetryTime: 300
Context: dp_entry_trunk_texting
Extension: +12025550160
Priority: 1
Archive: no
setvar: MESSAGE(to)=+12025550160
setvar: MESSAGE(from)=+15017122661
setvar: MESSAGE(body)=Incoming%20message%21
setvar: MESSAGE_ENCODE=rfc3986
";
    assert_eq!(
        files,
        [CallFile {
            name: format!("+12025550160.{NOW_S}.{UNIQUE}.call"),
            bytes: expected.as_bytes().to_vec(),
            delay_s: 0,
        }]
    );
}

#[test]
fn given_values_have_lines_and_empty_ones_none() {
    let full = Route {
        account: "sms".to_owned(),
        application: "Verbose".to_owned(),
        data: "1,a\\;b#c".to_owned(),
        archive: Switch::Yes,
        encoding: Encoding::None,
        ..route()
    };
    let empty = Route {
        waittime: String::new(),
        maxretries: String::new(),
        retrytime: String::new(),
        priority: String::new(),
        context: String::new(),
        channel_context: String::new(),
        ..route()
    };
    fn check(route: &Route, expected: &str) {
        let files = files("a b", route).unwrap();
        assert_eq!(String::from_utf8_lossy(&files[0].bytes), expected);
    }
    check(
        &full,
        "\
Channel: Local/+12025550160@dp_entry_channel_open
CallerID: \"\" <+15017122661>
WaitTime: 45
MaxRetries: 0
RetryTime: 300
Account: sms
Application: Verbose
Data: 1,a\\;b#c
Context: dp_entry_trunk_texting
Extension: +12025550160
Priority: 1
Archive: yes
setvar: MESSAGE(to)=+12025550160
setvar: MESSAGE(from)=+15017122661
setvar: MESSAGE(body)=a b
setvar: MESSAGE_ENCODE=none
",
    );
    check(
        &empty,
        "\
Channel: Local/+12025550160@
CallerID: \"\" <+15017122661>
Context: 
Extension: +12025550160
Archive: no
setvar: MESSAGE(to)=+12025550160
setvar: MESSAGE(from)=+15017122661
setvar: MESSAGE(body)=a%20b
setvar: MESSAGE_ENCODE=rfc3986
",
    );
}

// ---- The ladder -----------------------------------------------------------------------------

/// Returns the value and the encoding of each file.
fn bodies_of(text: &str, encoding: Encoding) -> Result<Vec<(String, String)>, Unfit> {
    let route = Route {
        encoding,
        ..route()
    };
    let files = files(text, &route)?;
    Ok(files
        .iter()
        .map(|file| {
            let read = asterisk_reads(&file.bytes);
            (
                String::from_utf8(variable(&read, "MESSAGE(body)")).unwrap(),
                String::from_utf8(variable(&read, "MESSAGE_ENCODE")).unwrap(),
            )
        })
        .collect())
}

#[test]
fn a_text_is_encoded_whole_then_less_then_split() {
    fn check(text: &str, expected: &[&str]) {
        let bodies = bodies_of(text, Encoding::Rfc3986).unwrap();
        let values: Vec<&str> = bodies.iter().map(|(value, _)| value.as_str()).collect();
        assert_eq!(values, expected);
        assert!(bodies.iter().all(|(_, encoding)| encoding == "rfc3986"));
    }
    let a = |count: usize| "a".repeat(count);
    check("", &[""]);
    check("0", &["0"]);
    check("+1 2~3", &["%2B1%202~3"]);
    check("é\n", &["%C3%A9%0A"]);
    check(" #;%", &["%20%23%3B%25"]);

    // These are plain letters: 999, 1000, 1001.
    check(&a(999), &[&a(999)]);
    check(&a(1000), &[&a(1000)]);
    check(&a(1001), &[&a(1000), "a"]);
    check(&a(2000), &[&a(1000), &a(1000)]);
    check(&a(2001), &[&a(1000), &a(1000), "a"]);
    // The full encoding is used while it fits in 1000 bytes, the short one after that.
    check(&(a(994) + "é"), &[&(a(994) + "%C3%A9")]);
    check(&(a(995) + "é"), &[&(a(995) + "é")]);
    check(&(a(997) + "é"), &[&(a(997) + "é")]);
    check(&(a(998) + "é"), &[&(a(998) + "é")]);
    check(&(a(999) + "é"), &[&a(999), "%C3%A9"]);
    check(&"漢".repeat(111), &[&"%E6%BC%A2".repeat(111)]);
    check(&"漢".repeat(112), &[&"漢".repeat(112)]);
    check(&"漢".repeat(333), &[&"漢".repeat(333)]);
    check(&"漢".repeat(334), &[&"漢".repeat(333), "%E6%BC%A2"]);
    check(&"😀".repeat(250), &[&"😀".repeat(250)]);
    check(&"😀".repeat(251), &[&"😀".repeat(250), "%F0%9F%98%80"]);
    // These rows show what the short encoding encodes.
    let kanji = "漢".repeat(300);
    check(
        &format!(" \t{kanji}\"\\,$(){{}}=:'<>& +~! %;#\r\n\x01\x7f#;b "),
        &[&format!(
            "%20%09{kanji}\"\\,$(){{}}=:'<>& +~! %25%3B%23%0D%0A%01%7F%23%3Bb%20"
        )],
    );
    // Blanks at the ends cost three bytes, inside one.
    check(&format!("{}b ", a(996)), &[&format!("{}b%20", a(996))]);
    check(&format!("{}b ", a(997)), &[&format!("{}b", a(997)), "%20"]);
    check(&format!("{}b c", a(997)), &[&format!("{}b c", a(997))]);
    check(
        &format!("{}b cd", a(997)),
        &[&format!("{}b c", a(997)), "d"],
    );
    check(&format!("{}b ", a(999)), &[&format!("{}b", a(999)), "%20"]);
    check(&format!(" {}", a(997)), &[&format!("%20{}", a(997))]);
    check(&format!(" {}", a(998)), &[&format!("%20{}", a(997)), "a"]);
    // The format's own characters are never torn.
    check(&";".repeat(333), &[&"%3B".repeat(333)]);
    check(&";".repeat(334), &[&"%3B".repeat(333), "%3B"]);
}

#[test]
fn a_text_as_it_stands_where_the_format_carries_it() {
    fn check(text: &str, expected: &[(&str, &str)]) {
        let bodies = bodies_of(text, Encoding::None).unwrap();
        let bodies: Vec<(&str, &str)> = bodies
            .iter()
            .map(|(value, encoding)| (value.as_str(), encoding.as_str()))
            .collect();
        assert_eq!(bodies, expected);
    }
    for text in [
        "",
        "0",
        "a b",
        "a\tb",
        "100%",
        "é漢😀",
        "a#b",
        "#b",
        "a\\b\\",
        "\"'$(){}=:,<>&+~!",
        "setvar: A=1",
    ] {
        check(text, &[(text, "none")]);
    }
    check(" a", &[("%20a", "rfc3986")]);
    check("a ", &[("a%20", "rfc3986")]);
    check("a\t", &[("a%09", "rfc3986")]);
    check("\ta", &[("%09a", "rfc3986")]);
    check(" ", &[("%20", "rfc3986")]);
    check("a #b", &[("a%20%23b", "rfc3986")]);
    check("a\t#b", &[("a%09%23b", "rfc3986")]);
    check("a;b", &[("a%3Bb", "rfc3986")]);
    check("a\\;b", &[("a%5C%3Bb", "rfc3986")]);
    check("a\nb", &[("a%0Ab", "rfc3986")]);
    check("a\rb", &[("a%0Db", "rfc3986")]);
    check("a\x01b", &[("a%01b", "rfc3986")]);
    check("a\x7fb", &[("a%7Fb", "rfc3986")]);
    // Each file gets its own encoding.
    let a = "a".repeat(1000);
    check(&a, &[(&a, "none")]);
    check(&format!("{a}b c"), &[(&a, "none"), ("b c", "none")]);
    check(&format!("{a}b;c"), &[(&a, "none"), ("b%3Bc", "rfc3986")]);
}

#[test]
fn a_text_of_more_than_16_parts_is_refused() {
    fn check(text: &str, expected: Result<usize, usize>) {
        let parts = files(text, &route()).map(|files| files.len());
        assert_eq!(parts, expected.map_err(|parts| Unfit::TooLong { parts }));
    }
    check(&"a".repeat(15_999), Ok(16));
    check(&"a".repeat(16_000), Ok(16));
    check(&"a".repeat(16_001), Err(17));
    check(&"\n".repeat(16 * 333), Ok(16));
    check(&"\n".repeat(16 * 333 + 1), Err(17));
    check(&"a".repeat(65_536), Err(66));
    // The text needs 26 parts if cut at graphemes of 601 bytes, 16 if cut at characters.
    let marks = format!("e{}", "\u{301}".repeat(300));
    check(&marks.repeat(26), Ok(16));
    check(&marks.repeat(27), Err(17));
}

#[test]
fn parts_have_names_and_delays_of_their_own() {
    let files = files(&"a".repeat(16_000), &route()).unwrap();
    for (at, file) in files.iter().enumerate() {
        let tail = match at {
            0 => String::new(),
            _ => format!("-{}", at + 1),
        };
        assert_eq!(
            file.name,
            format!("+12025550160.{NOW_S}.{UNIQUE}{tail}.call")
        );
        assert_eq!(file.delay_s, u64::try_from(at).unwrap());
    }
}

#[test]
fn what_is_seen_as_one_character_is_not_torn() {
    /// Checks that `torn`, of which only a part would fit, goes whole into the next file.
    fn check(torn: &str) {
        for room in 1..torn.len() {
            let start = "a".repeat(BODY_BYTES_MAX - room);
            let text = format!("{start}{torn}b");
            let pieces = split(&text, Cut::Graphemes);
            assert_eq!(
                pieces,
                [start.as_str(), &format!("{torn}b")],
                "{torn} {room}"
            );
        }
    }
    check("é");
    check("e\u{301}");
    check("漢");
    check("👍🏽");
    check("❤\u{fe0f}");
    check("1\u{fe0f}\u{20e3}");
    check("👨\u{200d}👩\u{200d}👧\u{200d}👦");
    check("🇩🇪");
    check("🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}");
    check("नि");

    fn check_pieces(text: &str, expected: &[usize]) {
        let lengths: Vec<usize> = split(text, Cut::Graphemes)
            .iter()
            .map(|piece| piece.len())
            .collect();
        assert_eq!(lengths, expected);
    }
    // Flags are pairs of characters, counted from the first.
    check_pieces(&("a".repeat(996) + "🇩🇪🇫🇷"), &[996, 16]);
    check_pieces(&("a".repeat(988) + "🇩🇪🇫🇷"), &[996, 8]);
    check_pieces(&"🇩🇪".repeat(126), &[1000, 8]);
    // A line end stays whole: CR and LF take three bytes each.
    check_pieces(&("a".repeat(994) + "\r\n"), &[996]);
    check_pieces(&("a".repeat(995) + "\r\nb"), &[995, 3]);
    check_pieces(&("a".repeat(997) + "\r\nb"), &[997, 3]);
    // A grapheme that is too long for one file is cut all the same.
    check_pieces(&format!("e{}", "\u{301}".repeat(700)), &[999, 402]);
}

// ---- Lines of the configuration -------------------------------------------------------------

#[test]
fn a_value_that_asterisk_would_not_read_is_refused() {
    fn check_value(value: &str, expected: bool) {
        for (key, set) in [
            (
                "channel_context",
                (|r, v| r.channel_context = v) as fn(&mut Route, String),
            ),
            ("context", |r, v| r.context = v),
            ("priority", |r, v| r.priority = v),
            ("waittime", |r, v| r.waittime = v),
            ("maxretries", |r, v| r.maxretries = v),
            ("retrytime", |r, v| r.retrytime = v),
            ("account", |r, v| r.account = v),
            ("application", |r, v| r.application = v),
            ("data", |r, v| r.data = v),
        ] {
            let mut route = route();
            set(&mut route, value.to_owned());
            let wanted = if expected { Ok(()) } else { Err(key) };
            assert_eq!(check(&route), wanted, "{key} {value:?}");
            let encoded = files("text", &route).map(|_| ());
            assert_eq!(encoded, wanted.map_err(|key| Unfit::Line { key }));
        }
    }
    check_value("", true);
    check_value("plain", true);
    check_value("a b\tc#d\\;e:=\"'é", true);
    check_value("a\nApplication: System", false);
    check_value("a\rb", false);
    check_value("a\0b", false);
    check_value("a;b", false);
    check_value("a #b", false);
    check_value("a\t#b", false);
    check_value(&"a".repeat(1023), false);
}

#[test]
fn the_line_limit_counts_the_longest_number() {
    fn check_length(line_bytes: usize, expected: Result<(), &'static str>) {
        let rest = "Channel: Local/@".len() + NUMBER_BYTES_MAX;
        let route = Route {
            channel_context: "c".repeat(line_bytes - rest),
            ..route()
        };
        assert_eq!(check(&route), expected, "{line_bytes}");
    }
    check_length(1021, Ok(()));
    check_length(1022, Ok(()));
    check_length(1023, Err("channel_context"));
}

#[test]
fn a_number_that_would_begin_a_comment_is_refused() {
    let outbound = Message {
        to: Number::parse_outbound(b"#31").unwrap(),
        ..message("1", "2", "text")
    };
    let refused = Unfit::Line { key: "to" };
    assert_eq!(encode(&outbound, &route(), NOW_S, UNIQUE), Err(refused));
}
