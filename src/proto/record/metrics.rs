//! Holds the figures of the status page and encodes them as the text that Prometheus reads (its exposition
//! format 0.0.4), or writes them on the page for people.
//!
//! Each figure has one place: in [`FIGURES`] or, for an interface, in [`INTERFACES`]. `# HELP` explains each
//! family to readers of the text; websmsd(8) has the whole table.
//!
//! Invariant: a label is a word of ours or the name of an interface, escaped, so that no name can begin a
//! line of its own.

use alloc::string::String;
use alloc::vec::Vec;

use super::event::push_decimal;
use super::sheet::{Section, Shape, Sheet, Unit};
use crate::limits::PAGE_ENTRIES_MAX;

/// The content type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The figures of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// The figures of the whole, in the order of the columns of [`FIGURES`]; `None` where one is not known.
    pub figures: [Option<u64>; FIGURES.columns.len()],
    /// The number of refused requests by reason, a word of [`crate::proto::wire::response::REASONS`].
    pub refused: Vec<(&'static str, u64)>,
    /// The figures of each interface.
    pub interfaces: Vec<Interface>,
}

/// The figures of one interface, counted since its counts began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// The name of the interface; empty if there are no indices.
    pub name: String,
    /// The figures, by the constants below; `None` where one is not known.
    facts: [Option<u64>; FACTS],
    /// The reason of the last failure; empty if it must not be shown.
    pub reason: String,
}

/// The present figures of the outbound queue, or of the inbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queue {
    /// The number of waiting SMS.
    pub waiting: u64,
    /// The number of SMS that were given up and are kept.
    pub failed: u64,
    /// The age of the oldest waiting SMS in seconds; `None` if its file or the clock does not tell.
    pub oldest_s: Option<u64>,
}

/// The number of SMS that the provider took.
pub const SENT: usize = 0;
/// The time of the last of them, seconds since 1970, as all times here.
pub const LAST_SENT: usize = 1;
/// The numbers of other tries, by each verdict of [`VERDICTS`].
pub const FAILED: [usize; 3] = [2, 3, 4];
/// The number of SMS that have arrived and the number that have failed, by delivery reports.
pub const REPORTED: [usize; 2] = [5, 6];
/// The time of the last failure.
pub const LAST_ERROR: usize = 7;
/// The number of SMS that came in.
pub const RECEIVED: usize = 8;
/// The time of the last of them.
pub const LAST_RECEIVED: usize = 9;
/// The number of polls that came to the list's end.
pub const POLLS: usize = 10;
/// The number of polls that did not.
pub const POLLS_FAILED: usize = 11;
/// The time of the last good poll.
pub const LAST_POLL: usize = 12;
/// When the first poll was that failed since a good one. It is not shown with the others.
pub const POLLS_FAILING: usize = 13;
/// When the first try was that failed since an SMS was sent. It is not shown with the others.
pub const FAILING: usize = 14;
const FACTS: usize = 15;

/// The verdicts of tries that ended otherwise than by `sent`.
pub const VERDICTS: [&str; 3] = ["refused", "later", "unsure"];

impl Interface {
    /// Returns the interface of this name in a list, to which it is added if it is missing.
    pub fn of<'a>(name: &str, all: &'a mut Vec<Interface>) -> Option<&'a mut Interface> {
        let at = all.iter().position(|it| it.name == name);
        let at = at.unwrap_or_else(|| {
            all.push(Interface {
                name: name.into(),
                ..Interface::default()
            });
            all.len().saturating_sub(1)
        });
        all.get_mut(at)
    }

    /// Returns a figure; 0 if it is not known.
    pub fn fact(&self, fact: usize) -> u64 {
        self.facts.get(fact).copied().flatten().unwrap_or(0)
    }

    /// Sets a figure.
    pub fn set(&mut self, fact: usize, value: u64) {
        if let Some(fact) = self.facts.get_mut(fact) {
            *fact = Some(value);
        }
    }

    /// Adds to a count.
    pub fn add(&mut self, fact: usize, more: u64) {
        self.set(fact, self.fact(fact).wrapping_add(more));
    }

    /// Takes the figures of another list that are not known here.
    pub fn merge(&mut self, other: &Interface) {
        for (fact, other) in self.facts.iter_mut().zip(&other.facts) {
            *fact = fact.or(*other);
        }
    }
}

// ---- For people ------------------------------------------------------------------------------

/// The figures of the whole.
pub const FIGURES: Section = Section {
    key: "figures",
    title: "Figures",
    hint: "",
    shape: Shape::Pairs,
    columns: &[
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
    ],
    rows_max: 1,
};

// The places of the figures of the whole, in the order of the columns of FIGURES.
const ACCEPTED: usize = 0;
const LAST_ACCEPTED: usize = 1;
const DUPLICATES: usize = 2;
const INBOX: usize = 3;
const INBOX_FAILED: usize = 4;
/// The place of the age of the oldest SMS in the inbox.
pub const INBOX_OLDEST: usize = 5;
const QUEUE: usize = 6;
const QUEUE_FAILED: usize = 7;
/// The place of the age of the oldest SMS in the queue.
pub const QUEUE_OLDEST: usize = 8;
const CONNECTIONS: usize = 9;
const CONNECTIONS_MAX: usize = 10;

const INTERFACES: Section = Section {
    key: "interfaces",
    title: "Interfaces",
    hint: "",
    shape: Shape::Cards,
    columns: &[
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
    ],
    rows_max: PAGE_ENTRIES_MAX,
};

const REFUSED: Section = Section {
    key: "refused",
    title: "Refused requests",
    hint: "",
    shape: Shape::Table,
    columns: &[("reason", "Reason"), ("count", "Number")],
    rows_max: PAGE_ENTRIES_MAX,
};

impl Metrics {
    /// Writes the figures of the whole, of each interface, and of refused requests if there were any.
    pub fn write(&self, sheet: &mut Sheet) {
        sheet.begin(&FIGURES);
        sheet.row("");
        facts(&self.figures, sheet);
        sheet.end();
        sheet.begin(&INTERFACES);
        for it in &self.interfaces {
            if sheet.has_room() {
                sheet.row(&it.name);
                let (sent, received) = it.facts.split_at(LAST_ERROR.saturating_add(1));
                facts(sent, sheet);
                sheet.reason(it.reason.as_bytes());
                facts(received, sheet);
            }
        }
        sheet.end();
        let mut has_begun = false;
        for (word, count) in &self.refused {
            if *count > 0 {
                if !has_begun {
                    sheet.begin(&REFUSED);
                }
                has_begun = true;
                sheet.row("");
                sheet.text(word.as_bytes());
                sheet.number(Unit::Count, *count);
            }
        }
        if has_begun {
            sheet.end();
        }
    }
}

/// Writes figures. The name of a column tells what its number means.
fn facts(facts: &[Option<u64>], sheet: &mut Sheet) {
    for fact in facts {
        let key = sheet.key();
        let unit = match key {
            _ if key.starts_with("last_") => Unit::Time,
            _ if key.ends_with("_oldest") => Unit::Span,
            _ => Unit::Count,
        };
        match fact {
            None => sheet.skip(1),
            Some(number) => sheet.number(unit, *number),
        }
    }
}

// ---- For Prometheus --------------------------------------------------------------------------

/// A family of samples: its name, its kind, its meaning, and its samples.
struct Family(&'static str, &'static str, &'static str, Samples);

enum Samples {
    /// The figure of the whole at this place in [`Metrics::figures`].
    Figure(usize),
    /// The refused requests.
    Refused,
    /// For each interface its figures at these places, each with the value of a label of this name.
    Each(&'static str, &'static [(usize, &'static str)]),
}

const GAUGE: &str = "gauge";
const COUNTER: &str = "counter";

const FAMILIES: &[Family] = &[
    Family(
        "in_accepted_total",
        COUNTER,
        "SMS put into the inbox or Asterisk's spool.",
        Samples::Figure(ACCEPTED),
    ),
    Family(
        "in_duplicates_total",
        COUNTER,
        "SMS that had been delivered before.",
        Samples::Figure(DUPLICATES),
    ),
    Family(
        "in_refused_total",
        COUNTER,
        "Requests and SMS refused.",
        Samples::Refused,
    ),
    Family(
        "in_last_accepted_timestamp_seconds",
        GAUGE,
        "When the last SMS came in.",
        Samples::Figure(LAST_ACCEPTED),
    ),
    Family(
        "connections",
        GAUGE,
        "Connections served now.",
        Samples::Figure(CONNECTIONS),
    ),
    Family(
        "connections_max",
        GAUGE,
        "Connections that may be.",
        Samples::Figure(CONNECTIONS_MAX),
    ),
    Family(
        "inbox_messages",
        GAUGE,
        "SMS that wait for Asterisk.",
        Samples::Figure(INBOX),
    ),
    Family(
        "inbox_failed_messages",
        GAUGE,
        "SMS that Asterisk has not taken in time.",
        Samples::Figure(INBOX_FAILED),
    ),
    Family(
        "inbox_oldest_age_seconds",
        GAUGE,
        "How long the oldest of them has waited.",
        Samples::Figure(INBOX_OLDEST),
    ),
    Family(
        "polls_total",
        COUNTER,
        "Polls, by what came of them.",
        Samples::Each("result", &[(POLLS, "good"), (POLLS_FAILED, "failed")]),
    ),
    Family(
        "poll_last_good_timestamp_seconds",
        GAUGE,
        "When the last good poll was.",
        Samples::Each("", &[(LAST_POLL, "")]),
    ),
    Family(
        "queue_messages",
        GAUGE,
        "SMS that wait to be sent.",
        Samples::Figure(QUEUE),
    ),
    Family(
        "queue_failed_messages",
        GAUGE,
        "SMS given up and kept.",
        Samples::Figure(QUEUE_FAILED),
    ),
    Family(
        "queue_oldest_age_seconds",
        GAUGE,
        "How long the oldest has waited.",
        Samples::Figure(QUEUE_OLDEST),
    ),
    Family(
        "out_sent_total",
        COUNTER,
        "SMS the provider took.",
        Samples::Each("", &[(SENT, "")]),
    ),
    Family(
        "out_failed_total",
        COUNTER,
        "Tries that ended otherwise.",
        Samples::Each(
            "verdict",
            &[
                (FAILED[0], VERDICTS[0]),
                (FAILED[1], VERDICTS[1]),
                (FAILED[2], VERDICTS[2]),
            ],
        ),
    ),
    Family(
        "out_delivered_total",
        COUNTER,
        "SMS that have arrived, by their delivery reports.",
        Samples::Each("", &[(REPORTED[0], "")]),
    ),
    Family(
        "out_undelivered_total",
        COUNTER,
        "SMS the provider took and did not deliver.",
        Samples::Each("", &[(REPORTED[1], "")]),
    ),
    Family(
        "out_last_sent_timestamp_seconds",
        GAUGE,
        "When the provider took the last SMS.",
        Samples::Each("", &[(LAST_SENT, "")]),
    ),
];

impl Metrics {
    /// Encodes the text for Prometheus.
    pub fn encode(&self) -> Vec<u8> {
        let mut page = Page(Vec::new(), "");
        for family in FAMILIES {
            match family.3 {
                Samples::Figure(at) => {
                    let figure = self.figures.get(at).copied().flatten();
                    page.sample(family, &[], figure);
                }
                Samples::Refused => {
                    page.family(family);
                    for (word, count) in &self.refused {
                        page.sample(family, &[("reason", word)], Some(*count));
                    }
                }
                Samples::Each(label, facts) => {
                    for it in &self.interfaces {
                        for (fact, word) in facts {
                            let labels = [("interface", it.name.as_str()), (label, *word)];
                            let fact = it.facts.get(*fact).copied().flatten();
                            page.sample(family, &labels, fact);
                        }
                    }
                }
            }
        }
        page.0
    }
}

/// The text so far, and the name of the last family.
struct Page(Vec<u8>, &'static str);

impl Page {
    /// Adds the two lines before a family's samples, unless they are there already.
    fn family(&mut self, family: &Family) {
        let Family(name, kind, help, _) = *family;
        if self.1 != name {
            let lines = [
                "# HELP websms_",
                name,
                " ",
                help,
                "\n# TYPE websms_",
                name,
                " ",
                kind,
                "\n",
            ];
            lines.iter().for_each(|part| self.push(part));
            self.1 = name;
        }
    }

    /// Adds a sample if its value is known; a time of 0 is not.
    fn sample(&mut self, family: &Family, labels: &[(&str, &str)], value: Option<u64>) {
        let Some(value) = value.filter(|value| *value > 0 || !family.0.contains("timestamp"))
        else {
            return;
        };
        self.family(family);
        self.push("websms_");
        self.push(family.0);
        let mut before = "{";
        for (label, text) in labels.iter().filter(|it| !it.0.is_empty()) {
            [before, label, "=\""]
                .iter()
                .for_each(|part| self.push(part));
            self.escaped(text);
            before = "\",";
        }
        self.push(if labels.is_empty() { " " } else { "\"} " });
        push_decimal(value, &mut self.0);
        self.push("\n");
    }

    /// Adds a label's value. Three bytes have a special meaning there and are escaped.
    fn escaped(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                b'\n' => self.push("\\n"),
                b'"' => self.push("\\\""),
                b'\\' => self.push("\\\\"),
                byte => self.0.push(byte),
            }
        }
    }

    fn push(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
