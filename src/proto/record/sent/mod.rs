//! Remembers SMS that a provider took and their delivery reports, as lines of a file (spec §14).
//!
//! The file is text: `websms sent 1`, then one line for each SMS, and one for each report that says
//! something new. A blank line stands before each, so that a line that was cut off damages no other. Fields
//! are separated by tabs, which no field can hold:
//!
//! ```text
//! sms  seconds-since-1970  our-id  interface  from  to  id-at-the-provider[,id-of-a-part…]
//! end  seconds-since-1970  interface  id-at-the-provider  delivered|failed  reason
//! ```
//!
//! Invariant: never more than [`SENT_MAX`] SMS and [`SENT_BYTES_MAX`] bytes of lines are held; the oldest
//! SMS go first. The state of an SMS only advances: no report on an id undoes a failure, and a report that
//! says nothing new adds no line.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::limits::{SENT_AGE, SENT_BYTES_MAX, SENT_MAX, SENT_PARTS_MAX};
use crate::message::{Message, Number, Sender, Text};
use crate::proto::record::envelope::Item;
use crate::proto::record::fields::number;
use crate::proto::record::seen::digest;

/// The number of SMS above [`SENT_MAX`] that are held while a file is read.
const SENT_DROPPED: usize = 1024;

/// The first line of the file.
const VERSION: &str = "websms sent 1\n";

/// The fields of an SMS's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sms<'a> {
    /// The time at which the provider took it, seconds since 1970; 0 if the clock was not sane.
    pub at_s: u64,
    /// The SMS's id in the log.
    pub id: &'a str,
    /// The interface of `[websms]` that sent it; empty if there are no indices.
    pub interface: &'a str,
    /// The sender.
    pub from: &'a str,
    /// The destination.
    pub to: &'a str,
    /// The provider's ids, separated by commas. The first of several is the one that the caller was told.
    pub references: &'a str,
}

/// The statement of a final report on an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End<'a> {
    /// The SMS has arrived.
    Delivered,
    /// The SMS has not arrived and will not; with the reason, fit to be shown.
    Failed(&'a str),
}

/// The change that a report made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// One of several ids has arrived, but not yet all of them.
    Part,
    /// The SMS has arrived, because all its ids have.
    Delivered,
    /// The SMS has failed, because one of its ids has.
    Undelivered,
}

impl Sms<'_> {
    /// Returns the provider's id of the whole SMS.
    pub fn reference(&self) -> &str {
        self.references.split(',').next().unwrap_or_default()
    }

    /// Encodes the SMS's line, which is added to the file.
    pub fn line(&self) -> String {
        let at_s = self.at_s.to_string();
        let references = self.references.split(',').take(SENT_PARTS_MAX);
        let references: Vec<&str> = references.collect();
        line(&[
            "sms",
            &at_s,
            self.id,
            self.interface,
            self.from,
            self.to,
            &references.join(","),
        ])
    }
}

/// Encodes the line of a report, which is added to the file.
fn end_line(at_s: u64, interface: &str, reference: &str, end: End<'_>) -> String {
    let (word, reason) = match end {
        End::Delivered => ("delivered", ""),
        End::Failed(reason) => ("failed", reason),
    };
    line(&["end", &at_s.to_string(), interface, reference, word, reason])
}

/// Joins fields to a line with a blank line before it. No field has a control byte; one that did would end
/// there.
fn line(fields: &[&str]) -> String {
    let mut line = String::from("\n");
    for (nth, field) in fields.iter().enumerate() {
        if nth > 0 {
            line.push('\t');
        }
        line.extend(field.chars().filter(|c| !c.is_control()));
    }
    line.push('\n');
    line
}

/// Encodes a file that holds nothing but these lines.
pub fn file(lines: &str) -> String {
    [VERSION, lines].concat()
}

/// An SMS and its reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    at_s: u64,
    /// The line of the SMS and the lines of its reports, each with its line end.
    lines: String,
    /// The digests of its ids.
    digests: Vec<u32>,
    /// A bit for each id that has arrived.
    delivered: u32,
    failed: bool,
}

impl Record {
    /// Reads a line without its end.
    fn parse(line: &str) -> Option<Record> {
        let sms = parse_sms(line)?;
        let references = sms.references.split(',').take(SENT_PARTS_MAX);
        let mut lines = String::with_capacity(line.len().saturating_add(1));
        lines.push_str(line);
        lines.push('\n');
        Some(Record {
            at_s: sms.at_s,
            digests: references.map(|it| short(sms.interface, it)).collect(),
            lines,
            delivered: 0,
            failed: false,
        })
    }

    /// Returns the SMS.
    pub fn sms(&self) -> Sms<'_> {
        let line = self.lines.lines().next();
        line.and_then(parse_sms).unwrap_or(Sms {
            at_s: 0,
            id: "",
            interface: "",
            from: "",
            to: "",
            references: "",
        })
    }

    /// Returns the SMS as a message of the queue, with the reason of its failure and without a text, which
    /// is not kept. Returns `None` if its line is damaged.
    pub fn item(&self) -> Option<Item> {
        let sms = self.sms();
        let message = Message {
            to: Number::parse_outbound(sms.to.as_bytes()).ok()?,
            from: Sender::parse_outbound(sms.from.as_bytes()).ok()?,
            text: Text::parse_inbound(b"", None),
        };
        let (id, interface) = (sms.id.to_owned(), sms.interface.to_owned());
        Some(Item {
            tries: 1,
            reason: self.failure().unwrap_or_default().to_owned(),
            ..Item::new(id, interface, message, sms.at_s)
        })
    }

    /// Returns its last line, which is added to the file.
    pub fn last_line(&self) -> String {
        ["\n", self.lines.lines().last().unwrap_or_default(), "\n"].concat()
    }

    /// Returns its reports in the order in which they came: the time, the id and the statement.
    pub fn ends(&self) -> impl Iterator<Item = (u64, &str, End<'_>)> {
        let lines = self.lines.lines().skip(1);
        lines.filter_map(|line| {
            let (at_s, _, reference, end) = parse_end(line)?;
            Some((at_s, reference, end))
        })
    }

    /// Returns the reason of its failure; `None` if it has not failed.
    pub fn failure(&self) -> Option<&str> {
        self.ends().find_map(|(_, _, end)| match end {
            End::Failed(reason) => Some(reason),
            End::Delivered => None,
        })
    }

    /// Whether all its ids have arrived.
    pub fn is_delivered(&self) -> bool {
        !self.failed && self.arrived() == self.digests.len()
    }

    fn arrived(&self) -> usize {
        usize::try_from(self.delivered.count_ones()).unwrap_or(usize::MAX)
    }

    /// Whether a report on its `nth` id says something new. A failure does even if the id has arrived,
    /// because parts of a long text may share an id.
    fn is_news(&self, nth: usize, end: End<'_>) -> bool {
        !self.failed && (end != End::Delivered || self.delivered & bit(nth) == 0)
    }

    /// Records a report on its `nth` id and returns the change.
    fn settle(&mut self, nth: usize, end: End<'_>) -> Option<News> {
        if !self.is_news(nth, end) {
            return None;
        }
        if let End::Failed(_) = end {
            self.failed = true;
            return Some(News::Undelivered);
        }
        self.delivered |= bit(nth);
        match self.is_delivered() {
            true => Some(News::Delivered),
            false => Some(News::Part),
        }
    }

    /// Whether the SMS is too old for a report.
    fn is_old(&self, now_s: u64) -> bool {
        now_s > 0 && self.at_s > 0 && now_s.saturating_sub(self.at_s) > SENT_AGE.as_secs()
    }
}

/// Returns the bit of the `nth` of at most [`SENT_PARTS_MAX`] ids.
fn bit(nth: usize) -> u32 {
    let nth = u32::try_from(nth).unwrap_or(u32::MAX);
    1_u32.checked_shl(nth).unwrap_or(0)
}

/// Returns the digest of an id, which is enough for a search.
fn short(interface: &str, reference: &str) -> u32 {
    let digest = digest(&[interface.as_bytes(), reference.as_bytes()]) >> 32;
    u32::try_from(digest).unwrap_or(u32::MAX)
}

fn parse_sms(line: &str) -> Option<Sms<'_>> {
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    (next()? == "sms").then_some(())?;
    let sms = Sms {
        at_s: number(next()?)?,
        id: next()?,
        interface: next()?,
        from: next()?,
        to: next()?,
        references: next()?,
    };
    let is_whole = next().is_none() && !sms.id.is_empty() && !sms.references.is_empty();
    is_whole.then_some(sms)
}

/// Reads the line of a report: the time, the interface, the id and the statement.
fn parse_end(line: &str) -> Option<(u64, &str, &str, End<'_>)> {
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    (next()? == "end").then_some(())?;
    let (at_s, interface, reference) = (number(next()?)?, next()?, next()?);
    let end = match (next()?, next()?) {
        ("delivered", _) => End::Delivered,
        ("failed", reason) => End::Failed(reason),
        _ => return None,
    };
    next()
        .is_none()
        .then_some((at_s, interface, reference, end))
}

/// All SMS that were sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sent {
    records: Vec<Record>,
    /// The number of bytes of all their lines.
    bytes: usize,
}

impl Sent {
    /// Reads a file. Returns `None` if it is not of this version. A line that is damaged, such as one that
    /// was cut, is skipped.
    pub fn parse(file: &[u8]) -> Option<Sent> {
        let lines = file.strip_prefix(VERSION.as_bytes())?;
        let mut sent = Sent::default();
        sent.take_in(lines);
        Some(sent)
    }

    /// Reads lines that were added to the file.
    pub fn take_in(&mut self, lines: &[u8]) {
        for line in lines.split(|byte| *byte == b'\n') {
            let Ok(line) = core::str::from_utf8(line) else {
                continue;
            };
            if let Some(record) = Record::parse(line) {
                self.bytes = self.bytes.saturating_add(record.lines.len());
                self.records.push(record);
                self.drop_oldest(SENT_DROPPED);
            } else if let Some((at_s, interface, reference, end)) = parse_end(line) {
                self.settle(at_s, interface, reference, end);
            }
        }
        self.drop_oldest(0);
    }

    /// Drops the oldest SMS once there are more than `spare` too many; each time, all others move up.
    fn drop_oldest(&mut self, spare: usize) {
        let is_many = self.records.len() > SENT_MAX.saturating_add(spare);
        if !is_many && self.bytes <= SENT_BYTES_MAX.saturating_mul(if spare > 0 { 2 } else { 1 }) {
            return;
        }
        let mut dropped = 0_usize;
        for record in &self.records {
            let left = self.records.len().saturating_sub(dropped);
            if left <= SENT_MAX && self.bytes <= SENT_BYTES_MAX {
                break;
            }
            self.bytes = self.bytes.saturating_sub(record.lines.len());
            dropped = dropped.saturating_add(1);
        }
        self.records.drain(..dropped);
    }

    /// Finds the SMS of an id that is not too old, the newest first.
    fn find(&self, interface: &str, reference: &str, now_s: u64) -> Option<(usize, usize)> {
        let sought = short(interface, reference);
        let mut records = self.records.iter().enumerate().rev();
        records.find_map(|(place, record)| {
            record.digests.iter().position(|it| *it == sought)?;
            let sms = record.sms();
            let mut references = sms.references.split(',').take(SENT_PARTS_MAX);
            let nth = references.position(|it| it == reference)?;
            let is_it = sms.interface == interface && !record.is_old(now_s);
            is_it.then_some((place, nth))
        })
    }

    /// Whether one of the interface's SMS has this id.
    pub fn holds(&self, interface: &str, reference: &str, now_s: u64) -> bool {
        self.find(interface, reference, now_s).is_some()
    }

    /// Whether a report on a known id says something new.
    pub fn is_news(&self, interface: &str, reference: &str, end: End<'_>) -> bool {
        let found = self.find(interface, reference, 0);
        let record = found.and_then(|(place, nth)| Some((self.records.get(place)?, nth)));
        record.is_some_and(|(record, nth)| record.is_news(nth, end))
    }

    /// Records a report on an id at `at_s`. Returns the change and the SMS.
    pub fn settle(
        &mut self,
        at_s: u64,
        interface: &str,
        reference: &str,
        end: End<'_>,
    ) -> Option<(News, &Record)> {
        let (place, nth) = self.find(interface, reference, at_s)?;
        let record = self.records.get_mut(place)?;
        let news = record.settle(nth, end)?;
        let line = end_line(at_s, interface, reference, end);
        let line = line.trim_start_matches('\n');
        record.lines.push_str(line);
        self.bytes = self.bytes.saturating_add(line.len());
        Some((news, self.records.get(place)?))
    }

    /// Encodes the file without SMS that are too old.
    pub fn encode(&self, now_s: u64) -> Vec<u8> {
        let mut file = VERSION.to_string();
        for record in self.recent(now_s) {
            file.push_str(&record.lines);
        }
        file.into_bytes()
    }

    /// Returns every SMS that is not too old, the oldest first.
    pub fn recent(&self, now_s: u64) -> impl Iterator<Item = &Record> {
        let records = self.records.iter();
        records.filter(move |record| !record.is_old(now_s))
    }
}

#[cfg(test)]
mod tests;
