//! The page's escaping, size, colours and structure.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::*;
use crate::limits::{EVENTS_MAX, PAGE_FAILED_MAX, PAGE_WAITING_MAX};
use crate::proto::record::metrics::{Inbound, Interface, Metrics, Outbound, Polls, Queue};
use crate::proto::record::sheet::{More, Problem};
use crate::proto::wire::response::REASONS;
use crate::proto::wire::{gzip, json};

const NOW_S: u64 = 1_700_000_000;

fn html(sheet: &Sheet) -> String {
    String::from_utf8(sheet.html()).unwrap()
}

fn text_of(text: &str) -> String {
    let mut page = Page(Vec::new(), NOW_S);
    page.text(text, PAGE_VALUE_CHARS_MAX);
    String::from_utf8(page.0).unwrap()
}

#[test]
fn what_comes_from_outside_is_escaped() {
    let check = |text: &str, expected: &str| assert_eq!(text_of(text), expected, "{text:?}");
    check("", "");
    check("+1 555 äß€😀 שלום", "+1 555 äß€😀 שלום");
    check(
        "<script>alert('x')</script>",
        "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;",
    );
    check("\"&amp;", "&quot;&amp;amp;");
    check(
        "a\0b\x1b\n\t\x7f\u{85}",
        "a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
    );
    for mark in [
        '\u{200e}',
        '\u{200f}',
        '\u{202a}',
        '\u{202e}',
        '\u{2066}',
        '\u{2069}',
        '\u{61c}',
        '\u{200b}',
        '\u{feff}',
        '\u{2028}',
        '\u{e0041}',
    ] {
        check(&format!("a{mark}b"), "a\u{fffd}b");
    }
    check("e\u{301}\u{323}x", "e\u{301}\u{323}x");
    let pile = "\u{301}".repeat(32);
    assert_eq!(pile.len(), 64);
    check(&format!("e{pile}x"), "e\u{301}\u{301}x");
}

#[test]
fn a_long_value_is_cut_and_shows_it() {
    for (chars, is_cut) in [
        (PAGE_VALUE_CHARS_MAX - 1, false),
        (PAGE_VALUE_CHARS_MAX, false),
        (PAGE_VALUE_CHARS_MAX + 1, true),
        (64 * 1024, true),
    ] {
        let shown = text_of(&"ä".repeat(chars));
        assert_eq!(shown.ends_with('…'), is_cut, "{chars}");
        assert!(shown.chars().count() <= PAGE_VALUE_CHARS_MAX + 1, "{chars}");
    }
}

/// Every place in a sheet that holds a text from outside, filled with `text`.
fn filled(text: &str) -> Sheet {
    let metrics = Metrics {
        polls: vec![Polls {
            name: text.to_owned(),
            ..Polls::default()
        }],
        ..Metrics::default()
    };
    let more = More {
        name: text.to_owned(),
        received: Some((1, NOW_S)),
        failed_s: NOW_S,
        reason: text.to_owned(),
    };
    let mut sections = Section::of_figures(&metrics, &[more]);
    sections.push(Section {
        key: "events",
        title: "Latest events",
        hint: "",
        shape: Shape::Table,
        columns: &[("a", "A"), ("b", "B")],
        rows: vec![vec![
            Cell::text(text.as_bytes()),
            Cell::reason(text.as_bytes()),
        ]],
        left_out: 0,
    });
    Sheet {
        version: "1",
        now_s: NOW_S,
        problems: vec![Problem {
            interface: text.to_owned(),
            text: text.to_owned(),
            remedy: text.to_owned(),
        }],
        sections,
        view: View::Whole,
    }
}

/// The markup of a page: all its tags, without the text between them.
fn tags(html: &str) -> Vec<String> {
    let tags = html.split('<').skip(1);
    tags.map(|tag| tag.split('>').next().unwrap_or("").to_owned())
        .collect()
}

#[test]
fn no_text_changes_the_markup_of_a_page_or_the_shape_of_its_json() {
    let plain = filled("x");
    let bytes = [b'<', b'>', b'"', b'\'', b'&', 0, 0xff, b'/', b'='];
    let raw = String::from_utf8_lossy(&bytes).into_owned();
    for text in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onclick='x",
        "</table></style><!--",
        "]]>&#60;b&#62;",
        "\u{202e}drowssap\u{202d}",
        "\u{301}\u{301}\u{301}\u{301}",
        "a\0b",
        &"<".repeat(64 * 1024),
        &raw,
    ] {
        let sheet = filled(text);
        assert_eq!(tags(&html(&sheet)), tags(&html(&plain)), "{text:.40?}");
        let found = sheet.json();
        let value = json::parse(&found).expect("JSON");
        assert!(value.is_object());
    }
    let found = plain.json();
    let value = json::parse(&found).unwrap();
    let at = |path: &[&[u8]]| value.at(path).and_then(|it| it.scalar());
    assert_eq!(at(&[b"problems", b"0", b"remedy"]), Some(b"x".to_vec()));
    assert_eq!(at(&[b"figures", b"accepted"]), Some(b"0".to_vec()));
    assert_eq!(at(&[b"interfaces", b"0", b"received"]), Some(b"1".to_vec()));
    assert_eq!(at(&[b"events", b"0", b"a"]), Some(b"x".to_vec()));
}

/// A busy system: 100 events, 3 interfaces, 20 SMS that wait, 10 that were given up.
fn busy() -> Sheet {
    let names = ["kiwi", "telnyx", "backup"];
    let metrics = Metrics {
        inbound: Inbound {
            accepted: 123_456,
            last_s: NOW_S - 5,
            duplicates: 1234,
            refused: REASONS.iter().map(|word| (*word, 321)).collect(),
            connections: 12,
            connections_max: 64,
            inbox: Some(queue()),
        },
        polls: vec![],
        outbound: Outbound {
            queue: Some(queue()),
            interfaces: names
                .iter()
                .map(|name| Interface {
                    name: (*name).to_owned(),
                    sent: 98_765,
                    last_s: NOW_S - 9,
                    failed: vec![("refused", 123), ("later", 456), ("unsure", 7)],
                    reported: Some([90_000, 321]),
                })
                .collect(),
        },
    };
    let more: Vec<More> = names
        .iter()
        .map(|name| More {
            name: (*name).to_owned(),
            received: Some((41_152, NOW_S - 100)),
            failed_s: NOW_S - 1000,
            reason: "503 Service Unavailable: try again later".to_owned(),
        })
        .collect();
    let mut sections = Section::of_figures(&metrics, &more);
    let event = |place: usize| {
        let sent = place.is_multiple_of(2);
        vec![
            Cell::Time(NOW_S - 60),
            Cell::text(if sent { b"out" } else { b"in" }),
            Cell::text(b"+15550001234"),
            Cell::text(b"+15550005678"),
            Cell::text(b"kiwi"),
            Cell::text(if sent { b"SENT" } else { b"RECEIVED" }),
            Cell::text(b"17d3c5a2b9e80f41"),
            Cell::None,
        ]
    };
    let waits = |_| {
        vec![
            Cell::text(b"17d3c5a2b9e80f41"),
            Cell::text(b"queue"),
            Cell::Time(NOW_S - 600),
            Cell::text(b"+15550001234"),
            Cell::text(b"+15550005678"),
            Cell::text(b"kiwi"),
            Cell::Count(3),
            Cell::Time(NOW_S + 60),
            Cell::reason(b"503 Service Unavailable"),
        ]
    };
    let table = |key, columns, rows| Section {
        key,
        title: "What waits or was given up",
        hint: "websms --queue lists all, websms --show ID shows one, websms --flush tries all now.",
        shape: Shape::Table,
        columns,
        rows,
        left_out: 7,
    };
    let nine = &[("a", "Interface"); 9];
    let eight = &[
        ("time", "Time"),
        ("way", ""),
        ("from", "From"),
        ("to", "To"),
        ("interface", "Interface"),
        ("verdict", "Result"),
        ("id", "Id"),
        ("reason", "Reason"),
    ];
    sections.push(table("events", eight, (0..EVENTS_MAX).map(event).collect()));
    sections.push(table(
        "waiting",
        nine,
        (0..PAGE_WAITING_MAX).map(waits).collect(),
    ));
    sections.push(table(
        "failed",
        nine,
        (0..PAGE_FAILED_MAX).map(waits).collect(),
    ));
    let problem = Problem {
        interface: "kiwi".to_owned(),
        text: "nothing was sent since 2023-11-14T22:13:20Z: 503 Service Unavailable".to_owned(),
        remedy: "websms --selftest walks the way to the provider and names the step that fails; \
                 websms --queue shows what waits"
            .to_owned(),
    };
    Sheet {
        version: "1.2.3",
        now_s: NOW_S,
        problems: vec![problem.clone(), problem],
        sections,
        view: View::Whole,
    }
}

fn queue() -> Queue {
    Queue {
        waiting: 20,
        failed: 10,
        oldest_s: Some(600),
    }
}

#[test]
fn a_busy_page_fits_into_15_kb() {
    let (page, head) = (busy().html(), 800);
    let packed = gzip::encode(&page);
    assert!(packed.len() + head <= 5 * 1024, "{} bytes", packed.len());
    // Without gzip it is longer, and each event costs less than 100 bytes.
    assert!(page.len() + head <= 19 * 1024, "{} bytes", page.len());
}

#[test]
fn the_policy_has_the_hash_of_the_style() {
    let digest = ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes());
    let hash = BASE64_STANDARD.encode(digest);
    assert!(FIELDS.contains(&format!("'sha256-{hash}'")), "{hash}");
    assert!(FIELDS.contains("default-src 'none'"));
    assert!(html(&busy()).contains(&format!("<style>{STYLE}</style>")));
}

// ---- Colours --------------------------------------------------------------------------------

/// The colour of a variable in a part of the style, as red, green and blue.
fn colour(css: &str, name: &str) -> [f64; 3] {
    let (_, rest) = css.split_once(&format!("--{name}:#")).unwrap();
    let digits: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    let digits = match digits.len() {
        3 => digits.chars().flat_map(|c| [c, c]).collect(),
        6 => digits,
        other => panic!("{other} digits"),
    };
    [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap()) / 255.0)
}

/// The contrast of two colours (WCAG 2.2).
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let linear = |c: f64| match c <= 0.04045 {
        true => c / 12.92,
        false => ((c + 0.055) / 1.055).powf(2.4),
    };
    let light = |[r, g, b]: [f64; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (a, b) = (light(a) + 0.05, light(b) + 0.05);
    a.max(b) / a.min(b)
}

#[test]
fn every_text_can_be_told_from_its_background() {
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 0.01);
    let (light, dark) = STYLE
        .split_once("@media(prefers-color-scheme:dark)")
        .unwrap();
    for (scheme, css) in [("light", light), ("dark", dark)] {
        for name in ["t", "m", "g", "r"] {
            let found = contrast(colour(css, name), colour(css, "b"));
            assert!(found >= 4.5, "{scheme} {name}: {found:.2}");
        }
    }
    // All colours are variables, so that these are all.
    let rest = STYLE.split("--").filter(|part| part.contains('#'));
    assert_eq!(rest.count(), 12);
}

// ---- Structure ------------------------------------------------------------------------------

#[test]
fn it_has_landmarks_headings_and_headers_and_no_script() {
    let page = html(&busy());
    let tags = tags(&page);
    let count = |name: &str| {
        tags.iter()
            .filter(|tag| tag.split(' ').next() == Some(name))
            .count()
    };
    for name in ["header", "main", "footer", "h1"] {
        assert_eq!(count(name), 1, "{name}");
    }
    assert_eq!(count("section"), count("h2"));
    assert_eq!(count("table"), count("thead"));
    assert_eq!(count("th"), page.matches("<th scope=col>").count());
    for name in ["script", "img", "iframe", "form", "object"] {
        assert_eq!(count(name), 0, "{name}");
    }
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("//"));
    for tag in tags.iter().filter(|tag| tag.starts_with("section ")) {
        let (_, id) = tag.split_once("aria-labelledby=").unwrap();
        assert!(page.contains(&format!("<h2 id={id}>")), "{tag}");
    }
}

#[test]
fn times_and_spans() {
    let check = |cell: Cell, expected: &str| {
        let mut page = Page(Vec::new(), NOW_S);
        page.cell(&cell);
        assert_eq!(String::from_utf8(page.0).unwrap(), expected);
    };
    check(Cell::Time(NOW_S), "22:13:20");
    check(Cell::Time(NOW_S - 86_400), "2023-11-13 22:13:20");
    check(Cell::Span(0), "0s");
    check(Cell::Span(59), "59s");
    check(Cell::Span(60), "1m0s");
    check(Cell::Span(86_399), "23h59m");
    check(Cell::Span(180_000), "2d2h");
    check(Cell::Count(u64::MAX), "18446744073709551615");
    check(Cell::None, "");
}

#[test]
fn the_heading_and_the_title_say_whether_all_is_well() {
    let mut sheet = Sheet::default();
    assert!(html(&sheet).contains("<title>WebSMS: all is well</title>"));
    assert!(
        String::from_utf8(sheet.json())
            .unwrap()
            .contains("\"well\":true")
    );
    for (count, expected) in [(1, "1 problem<"), (2, "2 problems<")] {
        sheet.problems.resize_with(count, Problem::default);
        assert!(
            html(&sheet).contains(&format!("WebSMS: {expected}/title>")),
            "{count}"
        );
    }
    for (view, expected) in [
        (View::Figures, "when [websmsd] status_auth is set"),
        (View::SignedOut, "href=\"?details\""),
        (View::Whole, "never shown"),
    ] {
        sheet.view = view;
        assert!(html(&sheet).contains(expected), "{expected}");
    }
}
