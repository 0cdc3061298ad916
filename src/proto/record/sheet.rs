//! Holds the contents of the page for people, as problems and sections of named values, and encodes them as
//! JSON.
//!
//! The page ([`super::page`]) and the JSON are written from one [`Sheet`], so that neither says more than the
//! other.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::event::push_decimal;
use super::metrics::{Inbound, Metrics, Queue};
use crate::limits::{PAGE_ENTRIES_MAX, PAGE_TEXT_CHARS_MAX};
use crate::proto::wire::json;

/// The content type of the JSON.
pub const JSON_TYPE: &str = "application/json";

/// The header fields of the JSON.
pub const FIELDS: &str = "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\
    Vary: Accept, Accept-Encoding, Authorization\r\n";

/// All contents of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The program's version.
    pub version: &'static str,
    /// The present time, seconds since 1970.
    pub now_s: u64,
    /// The problems.
    pub problems: Vec<Problem>,
    /// The figures, and for readers who may see them events and lists.
    pub sections: Vec<Section>,
    /// The part that the reader may see.
    pub view: View,
}

/// The part of the page that a reader may see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum View {
    /// Figures and problems; the configuration has no `status_auth`.
    #[default]
    Figures,
    /// Figures and problems, because the reader has not given `status_auth`.
    SignedOut,
    /// Everything.
    Whole,
}

/// A problem.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// The interface that it concerns; empty if it concerns all, or if there are no indices.
    pub interface: String,
    /// The fact.
    pub text: String,
    /// The remedy.
    pub remedy: String,
}

/// One list of named values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The section's name in JSON and as an anchor.
    pub key: &'static str,
    /// The section's heading.
    pub title: &'static str,
    /// A hint for its rows, which may be empty.
    pub hint: &'static str,
    /// The layout of its rows.
    pub shape: Shape,
    /// The columns' names in JSON, and their headings.
    pub columns: &'static [(&'static str, &'static str)],
    /// The rows, with one cell per column.
    pub rows: Vec<Vec<Cell>>,
    /// The number of further rows that are not shown.
    pub left_out: usize,
}

/// The layout of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One row, as pairs of name and value.
    Pairs,
    /// Pairs for each row, below a heading of their own: the first cell.
    Cards,
    /// A table.
    Table,
}

/// One value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cell {
    /// The value is not known, or there is none.
    #[default]
    None,
    /// A word, a telephone number or an id.
    Text(String),
    /// A reason: like a text, but it may be longer.
    Reason(String),
    /// A number of things.
    Count(u64),
    /// A time, seconds since 1970.
    Time(u64),
    /// A length of time, seconds.
    Span(u64),
}

impl Cell {
    /// Makes a cell of a text from outside; an empty text gives no value.
    pub fn text(text: &[u8]) -> Cell {
        match text {
            [] => Cell::None,
            text => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        }
    }

    /// Makes a cell of a reason; an empty reason gives no value.
    pub fn reason(text: &[u8]) -> Cell {
        match text {
            [] => Cell::None,
            text => Cell::Reason(String::from_utf8_lossy(text).into_owned()),
        }
    }

    /// Makes a cell of a time; 0 means that there was none.
    pub fn time(time_s: u64) -> Cell {
        match time_s {
            0 => Cell::None,
            time_s => Cell::Time(time_s),
        }
    }
}

// ---- Figures --------------------------------------------------------------------------------

/// The figures of an interface besides the counts of [`Metrics`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct More {
    /// The name of the interface.
    pub name: String,
    /// The number of SMS that came in over it, and the time of the last one.
    pub received: Option<(u64, u64)>,
    /// The time of its last failure; 0 if it never failed, as far as is known.
    pub failed_s: u64,
    /// The reason of that failure; empty if it must not be shown.
    pub reason: String,
}

const FIGURES: &[(&str, &str)] = &[
    ("accepted", "Received"),
    ("last_accepted", "Last received"),
    ("duplicates", "Received again"),
    ("inbox", "In the inbox"),
    ("inbox_failed", "Given up in the inbox"),
    ("inbox_oldest", "Oldest in the inbox"),
    ("queue", "In the queue"),
    ("queue_failed", "Given up in the queue"),
    ("queue_oldest", "Oldest in the queue"),
    ("connections", "Connections"),
    ("connections_max", "Connections at most"),
];

const INTERFACES: &[(&str, &str)] = &[
    ("name", ""),
    ("sent", "Sent"),
    ("last_sent", "Last sent"),
    ("refused", "Refused"),
    ("later", "Failed for now"),
    ("unsure", "Perhaps sent"),
    ("delivered", "Arrived"),
    ("undelivered", "Not arrived"),
    ("last_error", "Last error"),
    ("reason", "Reason"),
    ("received", "Received"),
    ("last_received", "Last received"),
    ("polls", "Good polls"),
    ("polls_failed", "Failed polls"),
    ("last_poll", "Last good poll"),
];

const REFUSED: &[(&str, &str)] = &[("reason", "Reason"), ("count", "Number")];

impl Section {
    /// Returns the sections that everybody may see.
    pub fn of_figures(metrics: &Metrics, more: &[More]) -> Vec<Section> {
        let section = |key, title, shape, columns, rows| Section {
            key,
            title,
            hint: "",
            shape,
            columns,
            rows,
            left_out: 0,
        };
        let refused = metrics.inbound.refused.iter();
        let refused = refused.filter(|(_, count)| *count > 0);
        let refused: Vec<Vec<Cell>> = refused
            .map(|(word, count)| vec![Cell::text(word.as_bytes()), Cell::Count(*count)])
            .collect();
        let mut sections = vec![
            section(
                "figures",
                "Figures",
                Shape::Pairs,
                FIGURES,
                vec![figures(&metrics.inbound, metrics.outbound.queue)],
            ),
            section(
                "interfaces",
                "Interfaces",
                Shape::Cards,
                INTERFACES,
                interfaces(metrics, more),
            ),
        ];
        if !refused.is_empty() {
            sections.push(section(
                "refused",
                "Refused requests",
                Shape::Table,
                REFUSED,
                refused,
            ));
        }
        sections
    }
}

fn figures(inbound: &Inbound, queue: Option<Queue>) -> Vec<Cell> {
    let mut row = vec![
        Cell::Count(inbound.accepted),
        Cell::time(inbound.last_s),
        Cell::Count(inbound.duplicates),
    ];
    for queue in [inbound.inbox, queue] {
        let [waiting, failed] = [
            queue.map(|queue| queue.waiting),
            queue.map(|queue| queue.failed),
        ];
        let oldest_s = queue.and_then(|queue| queue.oldest_s.filter(|_| queue.waiting > 0));
        row.extend([waiting, failed].map(count));
        row.push(oldest_s.map_or(Cell::None, Cell::Span));
    }
    row.push(Cell::Count(inbound.connections));
    row.push(Cell::Count(inbound.connections_max));
    row
}

fn count(count: Option<u64>) -> Cell {
    count.map_or(Cell::None, Cell::Count)
}

/// Returns one row for each known interface.
fn interfaces(metrics: &Metrics, more: &[More]) -> Vec<Vec<Cell>> {
    let outbound = metrics.outbound.interfaces.iter().map(|it| &it.name);
    let polled = metrics.polls.iter().map(|it| &it.name);
    let mut names: Vec<&String> = Vec::new();
    for name in outbound.chain(polled).chain(more.iter().map(|it| &it.name)) {
        if !names.contains(&name) && names.len() < PAGE_ENTRIES_MAX {
            names.push(name);
        }
    }
    let row = |name: &String| {
        let mut all = metrics.outbound.interfaces.iter();
        let out = all.find(|it| it.name == *name);
        let polls = metrics.polls.iter().find(|it| it.name == *name);
        let more = more.iter().find(|it| it.name == *name);
        let received = more.and_then(|it| it.received);
        let failed = |word| {
            let mut failed = out?.failed.iter();
            failed.find(|(verdict, _)| *verdict == word).map(|it| it.1)
        };
        let reported = out.and_then(|it| it.reported);
        vec![
            Cell::text(name.as_bytes()),
            count(out.map(|it| it.sent)),
            Cell::time(out.map_or(0, |it| it.last_s)),
            count(failed("refused")),
            count(failed("later")),
            count(failed("unsure")),
            count(reported.map(|[delivered, _]| delivered)),
            count(reported.map(|[_, undelivered]| undelivered)),
            Cell::time(more.map_or(0, |it| it.failed_s)),
            Cell::reason(more.map_or(b"", |it| it.reason.as_bytes())),
            count(received.map(|it| it.0)),
            Cell::time(received.map_or(0, |it| it.1)),
            count(polls.map(|it| it.good)),
            count(polls.map(|it| it.failed)),
            Cell::time(polls.map_or(0, |it| it.last_s)),
        ]
    };
    names.into_iter().map(row).collect()
}

// ---- JSON -----------------------------------------------------------------------------------

impl Sheet {
    /// Returns the sheet as one JSON object.
    pub fn json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4096);
        member(&mut out, "{\"version\":", self.version);
        out.extend_from_slice(b",\"time\":");
        push_decimal(self.now_s, &mut out);
        out.extend_from_slice(match self.problems.is_empty() {
            true => b",\"well\":true,\"problems\":[",
            false => b",\"well\":false,\"problems\":[",
        });
        for (place, problem) in self.problems.iter().enumerate() {
            comma(place, &mut out);
            member(&mut out, "{\"interface\":", &problem.interface);
            member(&mut out, ",\"text\":", &problem.text);
            member(&mut out, ",\"remedy\":", &problem.remedy);
            out.push(b'}');
        }
        out.push(b']');
        for section in &self.sections {
            out.push(b',');
            json::write_string(section.key.as_bytes(), &mut out);
            out.push(b':');
            let (start, end): (&[u8], &[u8]) = match section.shape {
                Shape::Pairs => (b"", b""),
                Shape::Cards | Shape::Table => (b"[", b"]"),
            };
            out.extend_from_slice(start);
            for (place, row) in section.rows.iter().enumerate() {
                comma(place, &mut out);
                object(section.columns, row, &mut out);
            }
            out.extend_from_slice(end);
        }
        out.extend_from_slice(b"}\n");
        out
    }
}

fn object(columns: &[(&str, &str)], row: &[Cell], out: &mut Vec<u8>) {
    out.push(b'{');
    for (place, ((key, _), cell)) in columns.iter().zip(row).enumerate() {
        comma(place, out);
        json::write_string(key.as_bytes(), out);
        out.push(b':');
        match cell {
            Cell::None => out.extend_from_slice(b"null"),
            Cell::Text(text) | Cell::Reason(text) => {
                json::write_string(cut(text, PAGE_TEXT_CHARS_MAX).0.as_bytes(), out);
            }
            Cell::Count(number) | Cell::Time(number) | Cell::Span(number) => {
                push_decimal(*number, out);
            }
        }
    }
    out.push(b'}');
}

fn comma(place: usize, out: &mut Vec<u8>) {
    if place > 0 {
        out.push(b',');
    }
}

fn member(out: &mut Vec<u8>, start: &str, text: &str) {
    out.extend_from_slice(start.as_bytes());
    json::write_string(cut(text, PAGE_TEXT_CHARS_MAX).0.as_bytes(), out);
}

/// Returns at most so many characters of a text, and whether there are more.
pub(super) fn cut(text: &str, chars_max: usize) -> (&str, bool) {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => (text.get(..end).unwrap_or_default(), true),
        None => (text, false),
    }
}
