//! The page's escaping, size, colours and structure.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::super::page::{STYLE, escape};
use super::*;
use crate::limits::{EVENTS_MAX, PAGE_FAILED_MAX, PAGE_WAITING_MAX};
use crate::proto::record::metrics::{FAILING, Interface, LAST_ERROR, Metrics, RECEIVED};
use crate::proto::wire::response::REASONS;

const NOW_S: u64 = 1_700_000_000;

fn string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn text_of(text: &str) -> String {
    let mut out = Vec::new();
    escape(text, PAGE_VALUE_CHARS_MAX, &mut out);
    string(out)
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
fn filled(form: Form, text: &str) -> String {
    let mut sheet = Sheet::new(form, NOW_S);
    for interface in [text, ""] {
        sheet.problem(interface, &[text, text], &[text]);
    }
    sheet.head("1");
    let mut metrics = Metrics::default();
    let it = Interface::of(text, &mut metrics.interfaces).unwrap();
    it.set(RECEIVED, 1);
    it.set(FAILING, NOW_S);
    it.set(LAST_ERROR, NOW_S);
    it.reason = text.to_owned();
    metrics.write(&mut sheet);
    sheet.begin(&TEXTS);
    for _ in 0..TEXTS.rows_max + 7 {
        if sheet.has_room() {
            sheet.row(text);
            sheet.text(text.as_bytes());
            sheet.skip(1);
            sheet.reason(text.as_bytes());
            // A value without a column is not written.
            sheet.text(text.as_bytes());
            sheet.skip(1);
        }
    }
    sheet.end();
    sheet.begin(&EMPTY);
    sheet.end();
    string(sheet.finish(View::Whole))
}

const TEXTS: Section = Section {
    key: "texts",
    title: "Texts",
    hint: "A hint.",
    shape: Shape::Table,
    columns: &[("a", "A"), ("b", "B"), ("c", "C")],
    rows_max: 2,
};
const EMPTY: Section = Section {
    key: "empty",
    title: "Nothing",
    hint: "No hint for nothing.",
    ..TEXTS
};

/// The markup of a page: all its tags, without the text between them.
fn tags(html: &str) -> Vec<String> {
    let tags = html.split('<').skip(1);
    tags.map(|tag| tag.split('>').next().unwrap_or("").to_owned())
        .collect()
}

#[test]
fn no_text_changes_the_markup_of_a_page_or_the_shape_of_its_json() {
    let plain = filled(Form::Page, "x");
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
        let found = filled(Form::Page, text);
        assert_eq!(tags(&found), tags(&plain), "{text:.40?}");
        let found = filled(Form::Json, text);
        let value = json::parse(found.as_bytes()).expect("JSON");
        assert!(value.is_object());
    }
    assert!(plain.contains("<td>x<td><td>x<tr>"), "{plain}");
    assert!(plain.contains("<p>And 7 more.<p>A hint."), "{plain}");
    assert!(plain.contains("<p>None.</main>"), "{plain}");
    let found = filled(Form::Json, "x");
    assert!(
        found.contains(",\"texts\":[{\"a\":\"x\",\"b\":null,\"c\":\"x\"},{\"a\""),
        "{found}"
    );
    assert!(found.contains(",\"empty\":[]"), "{found}");
    assert_eq!(
        json::malformed(found.trim_end().as_bytes()),
        None,
        "{found}"
    );
    let value = json::parse(found.as_bytes()).unwrap();
    let at = |path: &[&[u8]]| value.at(path).and_then(|it| it.scalar());
    assert_eq!(at(&[b"problems", b"0", b"remedy"]), Some(b"x".to_vec()));
    assert_eq!(at(&[b"interfaces", b"0", b"name"]), Some(b"x".to_vec()));
    assert_eq!(at(&[b"interfaces", b"0", b"received"]), Some(b"1".to_vec()));
    assert_eq!(at(&[b"texts", b"1", b"a"]), Some(b"x".to_vec()));
}

/// The page of a busy system: 100 events, 3 interfaces, 20 SMS that wait, 10 that were given up.
fn busy() -> String {
    let mut sheet = Sheet::new(Form::Page, NOW_S);
    for _ in 0..2 {
        let reason = "503 Service Unavailable";
        let fact = [
            "nothing was sent since ",
            "2023-11-14T22:13:20Z",
            ": ",
            reason,
        ];
        let remedy = "websms --selftest names the step that fails; websms --queue shows what waits";
        sheet.problem("kiwi", &fact, &[remedy]);
    }
    sheet.head("1.2.3");
    let mut metrics = Metrics {
        figures: [123_456, NOW_S - 5, 1234, 20, 10, 600, 20, 10, 600, 12, 64].map(Some),
        refused: REASONS.iter().map(|word| (*word, 321)).collect(),
        interfaces: Vec::new(),
    };
    for name in ["kiwi", "telnyx", "backup"] {
        let it = Interface::of(name, &mut metrics.interfaces).unwrap();
        let (then_s, error_s) = (NOW_S - 100, NOW_S - 1000);
        let facts = [
            98_765, then_s, 123, 456, 7, 90_000, 321, error_s, 41_152, then_s,
        ];
        for (fact, value) in facts.iter().enumerate() {
            it.set(fact, *value);
        }
        it.reason = "503 Service Unavailable: try again later".to_owned();
    }
    metrics.write(&mut sheet);
    const EVENTS: Section = Section {
        key: "events",
        title: "Latest events",
        hint: "Each line of the log on an SMS has its id.",
        shape: Shape::Table,
        columns: &[
            ("time", "Time"),
            ("way", ""),
            ("from", "From"),
            ("to", "To"),
            ("interface", "Interface, result"),
            ("verdict", JOINED),
            ("id", "Id"),
            ("reason", "Reason"),
        ],
        rows_max: EVENTS_MAX,
    };
    sheet.begin(&EVENTS);
    for place in 0..EVENTS_MAX {
        sheet.row("");
        sheet.number(Unit::Time, NOW_S - 60);
        sheet.text(b"out");
        sheet.text(b"+15550001234");
        sheet.text(b"+15550005678");
        sheet.text(b"kiwi");
        sheet.text([b"SENT".as_slice(), b"RECEIVED"][place % 2]);
        sheet.id("17d3c5a2b9e80f41");
        sheet.skip(1);
    }
    sheet.end();
    const WAITING: Section = Section {
        key: "waiting",
        title: "What was given up",
        hint: "websms --queue lists all, --show ID shows one, --flush tries all now.",
        shape: Shape::Table,
        columns: &[
            ("id", "Id"),
            ("since", "Since"),
            ("from", "From"),
            ("to", "To"),
            ("interface", "Interface"),
            ("tries", "Tries, next"),
            ("next", JOINED),
            ("reason", "Reason"),
            ("place", "Place"),
        ],
        rows_max: PAGE_WAITING_MAX,
    };
    for rows in [PAGE_WAITING_MAX, PAGE_FAILED_MAX] {
        sheet.begin(&WAITING);
        for _ in 0..rows {
            sheet.row("");
            sheet.id("17d3c5a2b9e80f41");
            sheet.number(Unit::Time, NOW_S - 600);
            sheet.text(b"+15550001234");
            sheet.text(b"+15550005678");
            sheet.text(b"kiwi");
            sheet.number(Unit::Count, 3);
            let next_s = if rows == PAGE_WAITING_MAX {
                NOW_S + 60
            } else {
                0
            };
            sheet.number(Unit::Time, next_s);
            sheet.reason(b"503 Service Unavailable");
        }
        sheet.end();
    }
    string(sheet.finish(View::Whole))
}

#[test]
fn a_busy_page_fits_into_15_kb() {
    // The head of the answer has at most 440 bytes.
    let (page, head) = (busy(), 440);
    assert!(page.len() + head <= 15 * 1024, "{} bytes", page.len());
}

#[test]
fn the_policy_has_the_hash_of_the_style() {
    let digest = ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes());
    let hash = BASE64_STANDARD.encode(digest);
    assert!(page::FIELDS.contains(&format!("'sha256-{hash}'")), "{hash}");
    assert!(page::FIELDS.contains("default-src 'none'"));
    assert!(busy().contains(&format!("<style>{STYLE}</style>")));
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
    assert_eq!(STYLE.matches(":#").count(), 10);
}

// ---- Structure ------------------------------------------------------------------------------

#[test]
fn it_has_landmarks_headings_and_headers_and_no_script() {
    let page = busy();
    let tags = tags(&page);
    let count = |name: &str| {
        tags.iter()
            .filter(|tag| tag.split(' ').next() == Some(name))
            .count()
    };
    for name in ["header", "main", "footer", "h1"] {
        assert_eq!(count(name), 1, "{name}");
    }
    assert_eq!((count("h2"), count("h3")), (7, 3));
    assert_eq!(count("table"), count("thead"));
    assert_eq!(count("th"), page.matches("<th scope=col>").count());
    for name in ["script", "img", "iframe", "form", "object"] {
        assert_eq!(count(name), 0, "{name}");
    }
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("//"));
    for tag in tags.iter().filter(|tag| tag.starts_with("table")) {
        let (_, id) = tag.split_once("aria-labelledby=").unwrap();
        assert!(page.contains(&format!("<h2 id={id}>")), "{tag}");
    }
}

#[test]
fn times_and_spans() {
    let check = |unit: Unit, number: u64, expected: &str| {
        let mut sheet = Sheet::new(Form::Page, NOW_S);
        sheet.begin(&TEXTS);
        sheet.row("");
        sheet.number(unit, number);
        let found = string(sheet.finish(View::Whole));
        let (_, found) = found.split_once("<tr>").unwrap();
        let (_, found) = found.split_once("<tr>").unwrap();
        let (found, _) = found.split_once("</main>").unwrap();
        assert_eq!(found, expected);
    };
    check(Unit::Time, NOW_S, "<td>22:13:20");
    check(Unit::Time, NOW_S - 86_400, "<td>2023-11-13 22:13:20");
    check(Unit::Time, 0, "");
    check(Unit::Span, 0, "");
    check(Unit::Span, 59, "<td>59s");
    check(Unit::Span, 180_000, "<td>2d2h");
    check(Unit::Count, 0, "<td>0");
    check(Unit::Count, u64::MAX, "<td>18446744073709551615");
}

#[test]
fn the_heading_and_the_title_say_whether_all_is_well() {
    let with = |problems: usize, form, view| {
        let mut sheet = Sheet::new(form, NOW_S);
        for _ in 0..problems {
            sheet.problem("", &["fact"], &["remedy"]);
        }
        sheet.head("1");
        string(sheet.finish(view))
    };
    for (problems, expected) in [(0, "all is well<"), (1, "1 problem<"), (2, "2 problems<")] {
        let found = with(problems, Form::Page, View::Whole);
        assert!(
            found.contains(&format!("WebSMS: {expected}/title>")),
            "{problems}"
        );
        let found = with(problems, Form::Json, View::Whole);
        let well = format!(",\"well\":{},", problems == 0);
        assert!(found.contains(&well), "{found}");
    }
    for (view, expected) in [
        (View::Figures, "when [websmsd] status_auth is set"),
        (View::SignedOut, "href=\"?details\""),
        (View::Whole, "never shown"),
    ] {
        let found = with(0, Form::Page, view);
        assert!(found.contains(expected), "{expected}");
    }
}

#[test]
fn of_too_many_problems_the_last_are_left_out() {
    let mut sheet = Sheet::new(Form::Page, NOW_S);
    for _ in 0..1000 {
        sheet.problem("", &["fact"], &["remedy"]);
    }
    sheet.head("1");
    let found = string(sheet.finish(View::Whole));
    assert_eq!(found.matches("<li>").count(), PAGE_ENTRIES_MAX);
    assert!(found.len() < PAGE_ENTRIES_MAX * PAGE_TEXT_CHARS_MAX);
}

#[test]
fn a_word_of_ours_may_stand_in_the_cell_before_it() {
    const JOINS: Section = Section {
        columns: &[
            ("a", "A"),
            ("b", "B"),
            ("c", JOINED),
            ("d", "D"),
            ("id", "Id"),
        ],
        ..TEXTS
    };
    let check = |[a, b, c, d]: [&str; 4], page: &str, json: &str| {
        for (form, expected) in [(Form::Page, page), (Form::Json, json)] {
            let mut sheet = Sheet::new(form, NOW_S);
            sheet.begin(&JOINS);
            sheet.row("");
            for text in [a, b, c, d] {
                sheet.text(text.as_bytes());
            }
            sheet.id("0123456789abcdef");
            sheet.end();
            let found = string(sheet.finish(View::Whole));
            assert!(found.contains(expected), "{found}");
        }
    };
    check(
        ["1", "2", "3", "4"],
        "<tr><td>1<td>2 3<td>4<td>01234567</table>",
        "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\",\"d\":\"4\",\"id\":\"0123456789abcdef\"}",
    );
    check(
        ["1", "2", "", "4"],
        "<tr><td>1<td>2<td>4<td>0",
        "\"c\":null,",
    );
    check(
        ["1", "", "3", "4"],
        "<tr><td>1<td>3<td>4<td>0",
        "\"b\":null,",
    );
    check(["1", "", "", "4"], "<tr><td>1<td><td>4<td>0", "\"c\":null,");
    check(["", "", "3", ""], "<tr><td><td>3<td><td>0", "\"d\":null,");
}
