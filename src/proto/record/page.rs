//! The markup of the page for people: HTML without a script, for a browser, a small screen and a screen
//! reader. [`super::sheet`] says what stands in it.
//!
//! Tags that HTML makes optional are left out: 100 events must fit into 15 KB.
//!
//! Invariant: all text goes through [`escape`], which escapes what means something in HTML and replaces
//! control characters, marks of direction, invisible characters and piles of combining marks.

use alloc::vec::Vec;

/// The content type of the page.
pub const CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// The style. Colours: background, text, lesser text, good, bad. A name floats at the left of its value.
pub(super) const STYLE: &str = "\
:root{color-scheme:light dark;--b:#fff;--t:#222;--m:#555;--g:#162;--r:#a01}\
@media(prefers-color-scheme:dark){:root{--b:#111;--t:#eee;--m:#aaa;--g:#6d8;--r:#f99}}\
body{margin:auto;max-width:76em;padding:0 1em;background:var(--b);color:var(--t);font:1em/1.4 sans-serif}\
h1,h2,h3{margin:.7em 0 .1em}\
p,ul,dl,dd{margin:0;overflow-wrap:anywhere}dt,th{color:var(--m)}\
.g{color:var(--g)}.r{color:var(--r)}\
dl{columns:17em;column-gap:2em}dt{float:left;margin-right:1em}\
dd,tr{border-bottom:1px solid #8886}dd{text-align:right;break-inside:avoid}\
table{border-collapse:collapse}\
th,td{padding-right:.7em;vertical-align:top;text-align:left;font-weight:400;overflow-wrap:anywhere}\
@media(max-width:44em){thead{position:absolute;clip-path:inset(50%)}tr{display:flex;flex-wrap:wrap}}";

/// The header fields of the page: nothing is fetched or run, and nothing is stored on the way. The hash is
/// that of the style.
pub const FIELDS: &str = "Content-Security-Policy: default-src 'none'; \
    style-src 'sha256-oTDOiMy5n3XCKLzCIU2Snqn+W8ftyLXP5xS01IPemq4='; img-src data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
    Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
    Cache-Control: no-store\r\nVary: Accept, Authorization\r\n";

/// The markup before all rows, before a row, after it, and after all rows.
pub(super) const PAIRS: [&str; 4] = ["", "<dl>", "</dl>", ""];
/// The same of cards; a card's heading stands between the second and [`CARD`].
pub(super) const CARDS: [&str; 4] = ["", "<h3><bdi>", "</dl>", ""];
/// The same of a table. Its columns are announced by [`super::sheet::Sheet::row`].
pub(super) const TABLE: [&str; 4] = ["", "<tr>", "", "</table>"];
/// The markup between a card's heading and its pairs.
pub(super) const CARD: &str = "</bdi></h3><dl>";
/// The heading of a card without a name.
pub(super) const NO_NAME: &str = "(no index)";
/// The content of a section without rows.
pub(super) const NO_ROWS: &str = "<p>None.";
/// The markup between a problem and its remedy.
pub(super) const REMEDY: &str = "</b><br>What to do: ";

/// Appends a text that may come from anywhere, at most so many characters of it.
pub(super) fn escape(text: &str, chars_max: usize, out: &mut Vec<u8>) {
    let (shown, is_cut) = cut(text, chars_max);
    let mut combining = 0_u8;
    let mut bytes = [0; 4];
    for c in shown.chars() {
        combining = match is_combining(c) {
            true => combining.saturating_add(1),
            false => 0,
        };
        let text = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            _ if combining > COMBINING_MAX => "",
            c if is_unseen(c) => "\u{fffd}",
            c => c.encode_utf8(&mut bytes),
        };
        out.extend_from_slice(text.as_bytes());
    }
    if is_cut {
        out.extend_from_slice("…".as_bytes());
    }
}

/// The number of combining marks that may stand on one character; further ones would cover the lines above.
const COMBINING_MAX: u8 = 2;

fn is_combining(c: char) -> bool {
    matches!(u32::from(c),
        0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x610..=0x61a | 0x64b..=0x65f
        | 0xe31 | 0xe34..=0xe3a | 0xe47..=0xe4e | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff
        | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f | 0xe0100..=0xe01ef)
}

/// Whether a character is not seen, or changes how others are seen: controls, marks and overrides of
/// direction, joiners, separators of lines, tags.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
            | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe007f)
}

/// Returns at most so many characters of a text, and whether there are more.
pub(super) fn cut(text: &str, chars_max: usize) -> (&str, bool) {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => (text.get(..end).unwrap_or_default(), true),
        None => (text, false),
    }
}
