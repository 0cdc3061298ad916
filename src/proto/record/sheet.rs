//! Writes the page for people and its JSON from one sequence of calls, so that neither says more than the
//! other.
//!
//! The caller gives the problems, then the head, then section by section its rows, and value by value what
//! stands in them. Nothing is held but the bytes that are written. The markup is that of [`super::page`].

use alloc::string::String;
use alloc::vec::Vec;

use super::event::push_decimal;
use super::page;
use crate::limits::{PAGE_ENTRIES_MAX, PAGE_TEXT_CHARS_MAX, PAGE_VALUE_CHARS_MAX};
use crate::proto::wire::accept::Form;
use crate::proto::wire::{date, json};

/// The content type of the JSON.
pub const JSON_TYPE: &str = "application/json";

/// The header fields of the JSON.
pub const FIELDS: &str = "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\
    Vary: Accept, Authorization\r\n";

/// The part of the page that a reader may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Figures and problems; the configuration has no `status_auth`.
    Figures,
    /// Figures and problems, because the reader has not given `status_auth`.
    SignedOut,
    /// Everything.
    Whole,
}

/// A list of rows of named values.
#[derive(Debug, PartialEq, Eq)]
pub struct Section {
    /// The section's name in JSON and as an anchor.
    pub key: &'static str,
    /// The section's heading.
    pub title: &'static str,
    /// A hint for its rows, which may be empty.
    pub hint: &'static str,
    /// The layout of its rows.
    pub shape: Shape,
    /// The columns' names in JSON, and their headings. A column without a heading is not on the page.
    pub columns: &'static [(&'static str, &'static str)],
    /// The greatest number of rows that are shown.
    pub rows_max: usize,
}

/// The layout of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One row, as pairs of name and value.
    Pairs,
    /// Pairs for each row, below a heading of their own: the first column.
    Cards,
    /// A table.
    Table,
}

/// The heading of a column that stands in the cell of the column before it. Its values are words of ours: a text
/// written from right to left would change places with its neighbour.
pub const JOINED: &str = "+";

/// The length of an id on the page.
const ID_CHARS: usize = 8;

/// Returns whether a column with this heading has cells of its own in a table.
fn has_cell(label: &str) -> bool {
    !label.is_empty() && label != JOINED
}

/// The meaning of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A time, seconds since 1970; 0 if there was none.
    Time,
    /// A length of time, seconds; 0 if there was none.
    Span,
}

/// The section that no caller began.
const NO_SECTION: Section = Section {
    key: "",
    title: "",
    hint: "",
    shape: Shape::Table,
    columns: &[],
    rows_max: 0,
};

/// The sheet so far.
pub struct Sheet {
    out: Vec<u8>,
    form: Form,
    now_s: u64,
    problems: usize,
    section: &'static Section,
    /// The rows of the section so far.
    rows: usize,
    /// The further rows that are not shown.
    left_out: usize,
    /// The columns of the row so far.
    column: usize,
    /// The empty cells before the next one in a table; those at the end of a row are left out.
    unsaid: usize,
}

impl Sheet {
    /// Begins a page or, for any other form, its JSON.
    pub fn new(form: Form, now_s: u64) -> Sheet {
        Sheet {
            out: Vec::new(),
            form,
            now_s,
            problems: 0,
            section: &NO_SECTION,
            rows: 0,
            left_out: 0,
            column: 0,
            unsaid: 0,
        }
    }

    /// Writes markup, which is ours.
    fn raw(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    fn many(&mut self, number: usize) {
        push_decimal(u64::try_from(number).unwrap_or(u64::MAX), &mut self.out);
    }

    /// Returns whether the sheet is written as the page for people.
    pub fn is_page(&self) -> bool {
        self.form == Form::Page
    }

    /// Writes a text that may come from anywhere, at most so many characters of it.
    fn escaped(&mut self, text: &str, chars_max: usize) {
        match self.is_page() {
            true => page::escape(text, chars_max, &mut self.out),
            false => json::write_string(
                page::cut(text, PAGE_TEXT_CHARS_MAX).0.as_bytes(),
                &mut self.out,
            ),
        }
    }

    /// Adds a problem with its remedy. Both, and the interface that it concerns, may come from anywhere.
    pub fn problem(&mut self, interface: &str, fact: &[&str], remedy: &[&str]) {
        if self.problems >= PAGE_ENTRIES_MAX {
            return;
        }
        let names = match (self.is_page(), interface) {
            (false, _) if self.problems > 0 => {
                [",{\"interface\":", ",\"text\":", ",\"remedy\":", "}"]
            }
            (false, _) => ["{\"interface\":", ",\"text\":", ",\"remedy\":", "}"],
            (true, "") => ["<li><b class=r>", "", page::REMEDY, ""],
            (true, _) => ["<li><b class=r><bdi>", "</bdi>: ", page::REMEDY, ""],
        };
        let [first, second, third, end] = names;
        let [fact, remedy] = [fact, remedy].map(<[&str]>::concat);
        self.raw(&[first]);
        if !self.is_page() || !interface.is_empty() {
            self.escaped(interface, PAGE_VALUE_CHARS_MAX);
        }
        self.raw(&[second]);
        self.escaped(&fact, PAGE_TEXT_CHARS_MAX);
        self.raw(&[third]);
        self.escaped(&remedy, PAGE_TEXT_CHARS_MAX);
        self.raw(&[end]);
        self.problems = self.problems.saturating_add(1);
    }

    /// Writes what stands before the first section, when all problems are known.
    pub fn head(&mut self, version: &str) {
        let problems = core::mem::replace(&mut self.out, Vec::with_capacity(16 * 1024));
        if self.is_page() {
            return self.page_head(version, &problems);
        }
        self.raw(&["{\"version\":"]);
        self.escaped(version, PAGE_VALUE_CHARS_MAX);
        self.raw(&[",\"time\":"]);
        push_decimal(self.now_s, &mut self.out);
        self.raw(&[match self.problems {
            0 => ",\"well\":true,\"problems\":[",
            _ => ",\"well\":false,\"problems\":[",
        }]);
        self.out.extend_from_slice(&problems);
        self.raw(&["]"]);
    }

    /// Begins a section.
    pub fn begin(&mut self, section: &'static Section) {
        self.section = section;
        (self.rows, self.left_out) = (0, 0);
        match self.is_page() {
            true => self.page_heading(section),
            false => self.raw(&[",\"", section.key, "\":"]),
        }
    }

    /// Whether the section may have one more row. If not, it is counted as left out.
    pub fn has_room(&mut self) -> bool {
        let is_full = self.rows >= self.section.rows_max;
        self.left_out = self.left_out.saturating_add(usize::from(is_full));
        !is_full
    }

    /// Begins a row. `name` is the heading of a card, and not used in other sections.
    pub fn row(&mut self, name: &str) {
        let [start, row, row_end, _] = self.marks();
        match (self.rows, self.is_page()) {
            (0, true) if self.section.shape == Shape::Table => self.page_columns(self.section),
            (0, _) => self.raw(&[start]),
            (_, true) => self.raw(&[row_end]),
            (_, false) => self.raw(&[row_end, ","]),
        }
        self.raw(&[row]);
        self.rows = self.rows.saturating_add(1);
        (self.column, self.unsaid) = (0, 0);
        if self.section.shape == Shape::Cards {
            self.text(name.as_bytes());
            if self.is_page() {
                let shown = if name.is_empty() { page::NO_NAME } else { name };
                self.escaped(shown, PAGE_VALUE_CHARS_MAX);
                self.raw(&[page::CARD]);
            }
        }
    }

    /// Ends a section.
    pub fn end(&mut self) {
        let [start, _, row_end, end] = self.marks();
        let is_page = self.is_page();
        match (self.rows, is_page) {
            (0, true) => self.raw(&[page::NO_ROWS]),
            (0, false) => self.raw(&[start, end]),
            _ => self.raw(&[row_end, end]),
        }
        if is_page {
            self.page_foot(
                self.left_out,
                if self.rows > 0 { self.section.hint } else { "" },
            );
        }
    }

    /// Returns the sheet. The page says what this reader does not see.
    pub fn finish(mut self, view: View) -> Vec<u8> {
        match self.is_page() {
            true => self.page_end(view),
            false => self.raw(&["}\n"]),
        }
        self.out
    }

    /// Returns what stands before all rows, before a row, after it, and after all rows.
    fn marks(&self) -> [&'static str; 4] {
        match (self.is_page(), self.section.shape) {
            (false, Shape::Pairs) => ["", "{", "}", ""],
            (false, _) => ["[", "{", "}", "]"],
            (true, Shape::Pairs) => page::PAIRS,
            (true, Shape::Cards) => page::CARDS,
            (true, Shape::Table) => page::TABLE,
        }
    }

    /// Returns the name of the next column in JSON.
    pub fn key(&self) -> &'static str {
        self.section
            .columns
            .get(self.column)
            .map_or("", |column| column.0)
    }

    /// Writes what stands before the value of the next column. Returns whether the value is shown.
    fn open(&mut self) -> bool {
        let Some((key, label)) = self.section.columns.get(self.column) else {
            return false;
        };
        if !self.is_page() {
            let comma = if self.column > 0 { ",\"" } else { "\"" };
            self.raw(&[comma, key, "\":"]);
        } else if !label.is_empty() {
            match self.section.shape {
                Shape::Table => {
                    let cells = self.unsaid.saturating_add(usize::from(has_cell(label)));
                    (0..cells).for_each(|_| self.raw(&["<td>"]));
                    self.raw(&[if cells == 0 { " " } else { "" }]);
                    self.unsaid = 0;
                }
                _ => self.raw(&["<dt>", label, "<dd>"]),
            }
        }
        self.column = self.column.saturating_add(1);
        !(self.is_page() && label.is_empty())
    }

    /// Passes over so many columns, whose values are not known.
    pub fn skip(&mut self, columns: usize) {
        for _ in 0..columns {
            match self.is_page() {
                true => {
                    let column = self.section.columns.get(self.column);
                    let is_shown = column.is_some_and(|(_, label)| has_cell(label));
                    self.unsaid = self.unsaid.saturating_add(usize::from(is_shown));
                    self.column = self.column.saturating_add(1);
                }
                false if self.open() => self.raw(&["null"]),
                false => {}
            }
        }
    }

    /// Writes a word, a telephone number or an id; an empty one is no value.
    pub fn text(&mut self, text: &[u8]) {
        self.value(text, PAGE_VALUE_CHARS_MAX);
    }

    /// Writes an id of 64 random bits. The page shows the half of it, which every command takes.
    pub fn id(&mut self, id: &str) {
        let shown = id.get(..ID_CHARS).filter(|_| self.is_page());
        self.text(shown.unwrap_or(id).as_bytes());
    }

    /// Writes a reason, which may be longer; an empty one is no value.
    pub fn reason(&mut self, text: &[u8]) {
        self.value(text, PAGE_TEXT_CHARS_MAX);
    }

    fn value(&mut self, text: &[u8], chars_max: usize) {
        if text.is_empty() {
            self.skip(1);
        } else if self.open() {
            self.escaped(&String::from_utf8_lossy(text), chars_max);
        }
    }

    /// Writes a number.
    pub fn number(&mut self, unit: Unit, number: u64) {
        if unit != Unit::Count && number == 0 {
            self.skip(1);
        } else if self.open() {
            match unit {
                Unit::Time if self.is_page() => self.page_time(number),
                Unit::Span if self.is_page() => self.raw(&[&super::event::span(number)]),
                _ => push_decimal(number, &mut self.out),
            }
        }
    }
}

// ---- The page --------------------------------------------------------------------------------

impl Sheet {
    /// Writes all that stands before the first section; `problems` is markup.
    fn page_head(&mut self, version: &str, problems: &[u8]) {
        self.raw(&["<!doctype html><html lang=en><meta charset=utf-8>\
             <meta name=viewport content=\"width=device-width\">\
             <meta http-equiv=refresh content=10><link rel=icon href=\"data:,\"><title>WebSMS: "]);
        self.verdict();
        let now = date::rfc3339(self.now_s);
        let (day, time) = now.split_once('T').unwrap_or_default();
        self.raw(&[
            "</title><style>",
            page::STYLE,
            "</style><header><h1>WebSMS</h1><p>Version ",
            version,
            ", ",
            day,
            " ",
            time.trim_end_matches('Z'),
            ". All times are UTC.</header><main>\
             <h2>Is all well?</h2>",
        ]);
        if self.problems == 0 {
            return self.raw(&["<p class=g>All is well."]);
        }
        self.raw(&["<p class=r>No: "]);
        self.verdict();
        self.raw(&[".<ul>"]);
        self.out.extend_from_slice(problems);
        self.raw(&["</ul>"]);
    }

    fn verdict(&mut self) {
        match self.problems {
            0 => self.raw(&["all is well"]),
            1 => self.raw(&["1 problem"]),
            several => {
                self.many(several);
                self.raw(&[" problems"]);
            }
        }
    }

    fn page_heading(&mut self, section: &Section) {
        self.raw(&["<h2 id=", section.key, ">", section.title, "</h2>"]);
    }

    fn page_columns(&mut self, section: &Section) {
        self.raw(&["<table aria-labelledby=", section.key, "><thead><tr>"]);
        for (_, label) in section.columns.iter().filter(|it| has_cell(it.1)) {
            self.raw(&["<th scope=col>", label]);
        }
        self.raw(&["<tbody>"]);
    }

    fn page_foot(&mut self, left_out: usize, hint: &str) {
        if left_out > 0 {
            self.raw(&["<p>And "]);
            self.many(left_out);
            self.raw(&[" more."]);
        }
        if !hint.is_empty() {
            self.raw(&["<p>", hint]);
        }
    }

    fn page_end(&mut self, view: View) {
        let note = match view {
            View::Whole => "The texts of SMS are never shown.",
            View::SignedOut => {
                "<a href=\"?details\">Sign in</a> to see numbers, reasons, events and lists."
            }
            View::Figures => {
                "Numbers, reasons, events and lists are shown when [websmsd] status_auth is set."
            }
        };
        self.raw(&["</main><footer><p>", note, "</footer>\n"]);
    }

    /// Writes `08:49:37`, with the day before it if that is not today.
    fn page_time(&mut self, time_s: u64) {
        let (then, now) = (date::rfc3339(time_s), date::day(self.now_s));
        let (day, time) = then.split_once('T').unwrap_or_default();
        if day != now {
            self.raw(&[day, " "]);
        }
        self.raw(&[time.trim_end_matches('Z')]);
    }
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
