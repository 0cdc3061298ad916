//! Reads call files as Asterisk does, and compares what arrives with texts that are made at random.

use super::*;
use crate::proto::wire::form::percent_decode;

/// Reads a call file as Asterisk does and returns keys and values in order. Panics where Asterisk would
/// skip a line or complain.
pub(super) fn asterisk_reads(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let lines = file.strip_suffix(b"\n").unwrap().split(|b| *b == b'\n');
    lines
        .map(|line| {
            assert!(line.len() <= 1022, "a line of {} bytes", line.len());
            assert!(!line.contains(&0), "a line ends at a NUL");
            let mut line = line.to_vec();
            let starts_comment = |at: usize| at == 0 || matches!(line[at - 1], b' ' | b'\t');
            if let Some(at) = (0..line.len()).find(|at| line[*at] == b'#' && starts_comment(*at)) {
                line.truncate(at);
            }
            let mut at = 0;
            while at < line.len() {
                if line[at] == b';' {
                    if at == 0 || line[at - 1] != b'\\' {
                        line.truncate(at);
                        break;
                    }
                    line.remove(at - 1);
                } else {
                    at += 1;
                }
            }
            while line.last().is_some_and(|b| *b <= b' ') {
                line.pop();
            }
            let colon = line.iter().position(|b| *b == b':').expect("a colon");
            let value = &line[colon + 1..];
            let skipped = value.iter().take_while(|b| **b <= b' ').count();
            let key = String::from_utf8(line[..colon].to_vec()).unwrap();
            (key, value[skipped..].to_vec())
        })
        .collect()
}

/// Returns the value of a channel variable that must occur once.
pub(super) fn variable(read: &[(String, Vec<u8>)], name: &str) -> Vec<u8> {
    let start = format!("{name}=");
    let mut found = read
        .iter()
        .filter(|(key, _)| key == "setvar")
        .filter_map(|(_, value)| value.strip_prefix(start.as_bytes()));
    let value = found.next().unwrap().to_vec();
    assert_eq!(found.next(), None);
    value
}

/// Marsaglia's xorshift, which gives the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn character(&mut self) -> char {
        loop {
            let bound = [0x80, 0x800, 0x1_0000, 0x11_0000][self.below(4)];
            let number = u32::try_from(self.below(bound)).unwrap();
            match char::from_u32(number) {
                Some('\0') | None => {}
                Some(c) => return c,
            }
        }
    }

    fn text(&mut self) -> String {
        const HARD: [&str; 40] = [
            " ",
            "  ",
            "\t",
            "\n",
            "\r",
            "\r\n",
            "#",
            " #",
            ";",
            "\\",
            "\\;",
            "%",
            "%0A",
            "%00",
            "\"",
            "'",
            ",",
            "=",
            ":",
            "$",
            "${A}",
            "(",
            ")",
            "<",
            ">",
            "+",
            "\x01",
            "\x1f",
            "\x7f",
            "\u{85}",
            "\u{a0}",
            "\u{2028}",
            "\u{feff}",
            "\u{301}",
            "\u{200d}",
            "🇩",
            "👍🏽",
            "\nApplication: System\nData: x",
            "\nsetvar: MESSAGE(body)=x",
            "setvar: ",
        ];
        let length = [3, 40, 400, 1100, 4000, 17_000][self.below(6)];
        let bytes = self.below(length);
        let kind = self.below(4);
        let mut text = String::new();
        while text.len() < bytes {
            match if kind == 3 { self.below(3) } else { kind } {
                0 => text.push_str(self.pick(&HARD)),
                1 => text.push(self.character()),
                _ => text.push_str(self.pick(&["a", "b", " ", "ö", "漢", "."])),
            }
        }
        text
    }
}

#[test]
fn whatever_the_text_it_arrives_and_adds_no_line() {
    const KEYS: [&str; 16] = [
        "Channel",
        "CallerID",
        "WaitTime",
        "MaxRetries",
        "RetryTime",
        "Account",
        "Application",
        "Data",
        "Context",
        "Extension",
        "Priority",
        "Archive",
        "setvar",
        "setvar",
        "setvar",
        "setvar",
    ];
    const FROMS: [&str; 6] = [
        "+15017122661",
        "Bank ID",
        "O'Neil & Co",
        "a@b@c",
        "&'@ .",
        "#;\"<\n>%",
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut whole, mut split, mut refused, mut plain) = (0, 0, 0, 0);
    for _ in 0..2000 {
        let text = random.text();
        let route = Route {
            account: "a".to_owned(),
            application: "b".to_owned(),
            data: "c".to_owned(),
            encoding: [Encoding::Rfc3986, Encoding::None][random.below(2)],
            ..route()
        };
        let message = message(
            random.pick(&["+12025550160", "x.-_", "."]),
            random.pick(&FROMS),
            &text,
        );
        let files = match encode(&message, &route, NOW_S, UNIQUE) {
            Ok(files) => files,
            Err(Unfit::TooLong { parts }) => {
                // A line's 1000 bytes hold at least 332 characters and a blank.
                assert!(parts > 16 && text.len() > 16 * 320, "{parts} {text:?}");
                refused += 1;
                continue;
            }
            Err(fault) => panic!("{fault:?} {text:?}"),
        };
        match files.len() {
            1 => whole += 1,
            2..=16 => split += 1,
            parts => panic!("{parts} parts"),
        }
        let mut arrived = Vec::new();
        for (at, file) in files.iter().enumerate() {
            assert_eq!(file.delay_s, u64::try_from(at).unwrap());
            let read = asterisk_reads(&file.bytes);
            let keys: Vec<&str> = read.iter().map(|(key, _)| key.as_str()).collect();
            assert_eq!(keys, KEYS, "{text:?}");
            let (to, from) = (message.to.as_str(), message.from.as_str());
            assert_eq!(
                read[0].1,
                format!("Local/{to}@dp_entry_channel_open").into_bytes()
            );
            assert_eq!(read[1].1, format!("\"\" <{from}>").into_bytes());
            assert_eq!(read[9].1, to.as_bytes());
            assert_eq!(variable(&read, "MESSAGE(to)"), to.as_bytes());
            assert_eq!(variable(&read, "MESSAGE(from)"), from.as_bytes());
            let body = variable(&read, "MESSAGE(body)");
            let body = match variable(&read, "MESSAGE_ENCODE").as_slice() {
                b"rfc3986" => percent_decode(&body),
                b"none" => {
                    assert_eq!(route.encoding, Encoding::None);
                    plain += 1;
                    body
                }
                other => panic!("{other:?}"),
            };
            assert!(
                std::str::from_utf8(&body).is_ok(),
                "a torn character in {text:?}"
            );
            arrived.extend_from_slice(&body);
        }
        assert_eq!(arrived, text.as_bytes(), "{text:?}");
    }
    // Each case occurred often enough to mean something.
    for count in [whole, split, refused, plain] {
        assert!(count >= 30, "{whole} {split} {refused} {plain}");
    }
}
