//! Writes a [`Sheet`] as the page for people: HTML without a script, for a browser, a small screen and a
//! screen reader.
//!
//! Tags that HTML makes optional are left out: 100 events must fit into 15 KB.
//!
//! Invariant: all text goes through [`Page::text`], which escapes what means something in HTML and replaces
//! control characters, marks of direction, invisible characters and piles of combining marks.

use alloc::vec::Vec;

use super::event::push_decimal;
use super::sheet::{Cell, Section, Shape, Sheet, View, cut};
use crate::limits::{PAGE_TEXT_CHARS_MAX, PAGE_VALUE_CHARS_MAX};
use crate::proto::wire::date;

/// The content type of the page.
pub const CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// The style. Colours: background, text, lesser text, good, bad, lines.
pub(super) const STYLE: &str = "\
:root{color-scheme:light dark;--b:#fff;--t:#1c1e21;--m:#555b61;--g:#146c2e;--r:#a8071a;--l:#c9ced3}\
@media(prefers-color-scheme:dark){:root{--b:#14171a;--t:#e6e8ea;--m:#a5adb5;--g:#6fdc8c;--r:#ff9a94;--l:#3a4147}}\
body{margin:auto;max-width:76em;padding:.5em 1em;background:var(--b);color:var(--t);font:1em/1.4 system-ui,sans-serif}\
h1,h2,h3{margin:.8em 0 .2em;font-size:1.1em}h1{font-size:1.5em}\
p,ul,dl{margin:.2em 0}li,td,dd,h3{overflow-wrap:anywhere}a{color:inherit}.m,dt,th{color:var(--m)}\
.g{color:var(--g)}.r{color:var(--r)}\
.c{display:flex;flex-wrap:wrap;gap:0 2em}.c>*{flex:1 1 17em}\
dl{columns:17em}dl div{display:flex;justify-content:space-between;gap:1em;border-bottom:1px solid var(--l);break-inside:avoid}\
dd{margin:0;text-align:right}\
table{border-collapse:collapse;width:100%}tr{border-bottom:1px solid var(--l)}\
th,td{padding:.1em .7em .1em 0;vertical-align:top;text-align:left;font-weight:400}\
@media(max-width:44em){thead{position:absolute;clip-path:inset(50%)}tr{display:flex;flex-wrap:wrap}}";

/// The header fields of the page: nothing is fetched or run, and nothing is stored on the way. The hash is
/// that of the style.
pub const FIELDS: &str = "Content-Security-Policy: default-src 'none'; \
    style-src 'sha256-aApQkvA+5JV/In3qwqDY9VpFIj5Svf4azGO5XirmiLk='; img-src data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
    Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
    Cache-Control: no-store\r\nVary: Accept, Accept-Encoding, Authorization\r\n";

impl Sheet {
    /// Returns the sheet as a page.
    pub fn html(&self) -> Vec<u8> {
        let mut page = Page(Vec::with_capacity(16 * 1024), self.now_s);
        page.raw(&["<!doctype html><html lang=en><meta charset=utf-8>\
             <meta name=viewport content=\"width=device-width\">\
             <meta http-equiv=refresh content=10><link rel=icon href=\"data:,\"><title>WebSMS: "]);
        page.verdict(self.problems.len());
        page.raw(&[
            "</title><style>",
            STYLE,
            "</style><header><h1>WebSMS</h1><p class=m>",
        ]);
        page.raw(&["Version "]);
        page.text(self.version, PAGE_VALUE_CHARS_MAX);
        let now = date::rfc3339(self.now_s);
        let (day, time) = now.split_once('T').unwrap_or_default();
        let time = time.trim_end_matches('Z');
        page.raw(&[", ", day, " ", time, ". All times are UTC.</header><main>"]);
        page.problems(self);
        for section in &self.sections {
            page.section(section);
        }
        page.raw(&["</main><footer><p class=m>"]);
        page.raw(&[match self.view {
            View::Whole => "The texts of SMS are never shown.",
            View::SignedOut => {
                "<a href=\"?details\">Sign in</a> to see numbers, reasons, events and lists."
            }
            View::Figures => {
                "Numbers, reasons, events and lists are shown when [websmsd] status_auth is set."
            }
        }]);
        page.raw(&["</footer>\n"]);
        page.0
    }
}

/// The page so far, and now in seconds since 1970.
struct Page(Vec<u8>, u64);

impl Page {
    /// Writes markup, which is ours.
    fn raw(&mut self, parts: &[&str]) {
        for part in parts {
            self.0.extend_from_slice(part.as_bytes());
        }
    }

    fn number(&mut self, number: u64) {
        push_decimal(number, &mut self.0);
    }

    fn verdict(&mut self, problems: usize) {
        match problems {
            0 => self.raw(&["all is well"]),
            1 => self.raw(&["1 problem"]),
            several => {
                self.number(u64::try_from(several).unwrap_or(u64::MAX));
                self.raw(&[" problems"]);
            }
        }
    }

    fn problems(&mut self, sheet: &Sheet) {
        self.raw(&["<section aria-labelledby=problems><h2 id=problems>Is all well?</h2>"]);
        if sheet.problems.is_empty() {
            self.raw(&["<p class=g>All is well.</section>"]);
            return;
        }
        self.raw(&["<p class=r>No: "]);
        self.verdict(sheet.problems.len());
        self.raw(&[".<ul>"]);
        for problem in &sheet.problems {
            self.raw(&["<li><b class=r>"]);
            if !problem.interface.is_empty() {
                self.raw(&["<bdi>"]);
                self.text(&problem.interface, PAGE_VALUE_CHARS_MAX);
                self.raw(&["</bdi>: "]);
            }
            self.text(&problem.text, PAGE_TEXT_CHARS_MAX);
            self.raw(&["</b><br>What to do: "]);
            self.text(&problem.remedy, PAGE_TEXT_CHARS_MAX);
        }
        self.raw(&["</ul></section>"]);
    }

    fn section(&mut self, section: &Section) {
        let key = section.key;
        let start = [
            "<section aria-labelledby=",
            key,
            "><h2 id=",
            key,
            ">",
            section.title,
            "</h2>",
        ];
        self.raw(&start);
        if section.rows.is_empty() {
            self.raw(&["<p class=m>None."]);
        } else {
            match section.shape {
                Shape::Pairs => section.rows.iter().for_each(|row| self.pairs(section, row)),
                Shape::Cards => self.cards(section),
                Shape::Table => self.table(section),
            }
        }
        if section.left_out > 0 {
            self.raw(&["<p class=m>And "]);
            self.number(u64::try_from(section.left_out).unwrap_or(u64::MAX));
            self.raw(&[" more."]);
        }
        if !section.hint.is_empty() && !section.rows.is_empty() {
            self.raw(&["<p class=m>", section.hint]);
        }
        self.raw(&["</section>"]);
    }

    fn cards(&mut self, section: &Section) {
        self.raw(&["<div class=c>"]);
        for row in &section.rows {
            self.raw(&["<div><h3><bdi>"]);
            match row.first() {
                Some(Cell::None) | None => self.raw(&["(no index)"]),
                Some(name) => self.cell(name),
            }
            self.raw(&["</bdi></h3>"]);
            self.pairs(section, row);
            self.raw(&["</div>"]);
        }
        self.raw(&["</div>"]);
    }

    fn pairs(&mut self, section: &Section, row: &[Cell]) {
        self.raw(&["<dl>"]);
        for ((_, label), cell) in section.columns.iter().zip(row) {
            if !label.is_empty() && *cell != Cell::None {
                self.raw(&["<div><dt>", label, "<dd>"]);
                self.cell(cell);
                self.raw(&["</div>"]);
            }
        }
        self.raw(&["</dl>"]);
    }

    fn table(&mut self, section: &Section) {
        self.raw(&["<table aria-labelledby=", section.key, "><thead><tr>"]);
        for (_, label) in section.columns.iter().filter(|it| !it.1.is_empty()) {
            self.raw(&["<th scope=col>", label]);
        }
        self.raw(&["<tbody>"]);
        for row in &section.rows {
            self.raw(&["<tr>"]);
            let mut unsaid = 0;
            for ((_, label), cell) in section.columns.iter().zip(row) {
                match cell {
                    _ if label.is_empty() => {}
                    // Empty cells at the end of a row are left out.
                    Cell::None => unsaid = usize::saturating_add(unsaid, 1),
                    cell => {
                        (0..=unsaid).for_each(|_| self.raw(&["<td>"]));
                        self.cell(cell);
                        unsaid = 0;
                    }
                }
            }
        }
        self.raw(&["</table>"]);
    }

    fn cell(&mut self, cell: &Cell) {
        match cell {
            Cell::None => {}
            Cell::Text(text) => self.text(text, PAGE_VALUE_CHARS_MAX),
            Cell::Reason(text) => self.text(text, PAGE_TEXT_CHARS_MAX),
            Cell::Count(number) => self.number(*number),
            Cell::Time(time_s) => self.time(*time_s),
            Cell::Span(span_s) => self.span(*span_s),
        }
    }

    /// Writes `08:49:37`, with the day before it if that is not today.
    fn time(&mut self, time_s: u64) {
        let (then, now) = (date::rfc3339(time_s), date::day(self.1));
        let (day, time) = then.split_once('T').unwrap_or_default();
        if day != now {
            self.raw(&[day, " "]);
        }
        self.raw(&[time.trim_end_matches('Z')]);
    }

    /// Writes the two largest units of a length of time: `2d3h`, `5m12s`, `12s`.
    fn span(&mut self, span_s: u64) {
        let (days, hours) = (span_s / 86_400, span_s / 3600 % 24);
        let (minutes, seconds) = (span_s / 60 % 60, span_s % 60);
        let units = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")];
        let first = units.iter().position(|(number, _)| *number > 0);
        for (number, unit) in units.iter().skip(first.unwrap_or(3)).take(2) {
            self.number(*number);
            self.raw(&[unit]);
        }
    }

    /// Writes a text that may come from anywhere, at most so many characters of it.
    fn text(&mut self, text: &str, chars_max: usize) {
        let (shown, is_cut) = cut(text, chars_max);
        let mut combining = 0_u8;
        for c in shown.chars() {
            combining = match is_combining(c) {
                true => combining.saturating_add(1),
                false => 0,
            };
            match c {
                '&' => self.raw(&["&amp;"]),
                '<' => self.raw(&["&lt;"]),
                '>' => self.raw(&["&gt;"]),
                '"' => self.raw(&["&quot;"]),
                '\'' => self.raw(&["&#39;"]),
                _ if combining > COMBINING_MAX => {}
                c if is_unseen(c) => self.raw(&["\u{fffd}"]),
                c => {
                    let mut bytes = [0; 4];
                    let text = c.encode_utf8(&mut bytes);
                    self.0.extend_from_slice(text.as_bytes());
                }
            }
        }
        if is_cut {
            self.raw(&["…"]);
        }
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

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
mod tests;
