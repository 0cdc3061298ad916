//! Decides whether an interface may send one more SMS, from its limits, its count and the time. Reads and
//! writes the count's file.
//!
//! The file is readable with `cat`. All of it but the last line is synced: the number of SMS sent so far,
//! and how many may follow before the next sync. The last line is the exact count. It has a fixed length,
//! is overwritten in place without a sync, and is trustworthy until the system starts anew. After that, all
//! SMS that might have followed count as sent.
//!
//! A day is one of UTC. The period of a rate begins with its first SMS, and the next SMS after its end
//! begins another one, so that twice as many SMS can go within one length of a period around its end.
//!
//! Invariant: a crash or a power cut makes the count too high, never too low. A clock that is wrong, or set
//! back, never makes SMS that were sent uncounted.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::limits::QUOTA_AHEAD_MAX;
use crate::proto::record::fields::{self, BadRecord, Fields};

/// The limits of an interface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// `rate`: the permitted rate.
    pub rate: Option<Rate>,
    /// `limit`: the permitted number of SMS per day.
    pub limit: Option<u64>,
}

/// A number of SMS per period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The number of SMS, at least 1.
    pub count: u64,
    /// The period.
    pub per: Per,
}

/// The period of a [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// `s`
    Second,
    /// `min`
    Minute,
    /// `h`
    Hour,
}

/// The time of a question, and the start of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment<'a> {
    /// Seconds since 1970, right or wrong.
    pub now_s: u64,
    /// The days since 1970; `None` if the clock is not sane.
    pub day: Option<u64>,
    /// A value that differs between starts of the system; `None` if it is not known, and then no exact
    /// count is trusted.
    pub boot: Option<&'a str>,
}

/// Whether one more SMS may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It may be sent, and has been counted.
    Granted,
    /// It may not be sent now.
    Rate {
        /// The seconds until the rate permits the next one.
        wait_s: u64,
    },
    /// It may not be sent today.
    Limit,
}

/// The change to the file that must be written before the answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing must be written.
    None,
    /// The whole file, to be synced.
    Whole(Vec<u8>),
    /// Bytes that overwrite the last ones of the file, unsynced.
    End(Vec<u8>),
}

impl Limits {
    /// Whether there are no limits, so that nothing is counted.
    pub fn is_none(&self) -> bool {
        *self == Limits::default()
    }

    /// Returns how many SMS may follow a sync. There are fewer if the usual number would be a large part of
    /// the limit.
    fn ahead(&self) -> u64 {
        self.limit
            .map_or(QUOTA_AHEAD_MAX, |limit| limit / 10)
            .clamp(1, QUOTA_AHEAD_MAX)
    }
}

impl Per {
    /// Returns the period as it is written.
    pub fn text(self) -> &'static str {
        match self {
            Per::Second => "s",
            Per::Minute => "min",
            Per::Hour => "h",
        }
    }

    /// Returns the length of the period in seconds.
    pub fn s(self) -> u64 {
        match self {
            Per::Second => 1,
            Per::Minute => 60,
            Per::Hour => 3600,
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per.text())
    }
}

/// Asks for one SMS. `file` is the contents of the interface's file, `None` if there is none yet.
pub fn ask(
    file: Option<&[u8]>,
    interface: &str,
    limits: &Limits,
    moment: Moment<'_>,
) -> Result<(Answer, Change), BadRecord> {
    let before = file.map(Record::parse).transpose()?.unwrap_or_default();
    let is_exact = moment.boot.is_some_and(|boot| before.boot == boot);
    let (mut count, left) = match is_exact {
        true => (before.exact, before.left),
        false => (before.at_most(limits, moment), 0),
    };
    count.move_to(limits, moment);
    let answer = count.judge(limits, moment.now_s);
    let granted = answer == Answer::Granted;
    let mut after = Record {
        boot: moment.boot.unwrap_or_default().to_owned(),
        ..before
    };
    if granted && left == 0 {
        after.synced = count;
        after.ahead = match moment.boot {
            Some(_) => limits.ahead(),
            None => 1,
        };
        after.left = after.ahead;
    } else if !granted && !is_exact {
        (after.synced, after.ahead, after.left) = (count, 0, 0);
    } else {
        after.left = left;
    }
    if granted {
        count.add(moment.now_s);
        after.left = after.left.saturating_sub(1);
    }
    let moved = count != before.exact || after.left != before.left;
    after.exact = count;
    let change = match (left == 0 && granted, is_exact, moved) {
        (true, ..) | (_, false, _) => Change::Whole(after.encode(interface)),
        (false, true, true) => Change::End(after.end()),
        (false, true, false) => Change::None,
    };
    Ok((answer, change))
}

/// The number of SMS that were sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    /// The days since 1970; 0 until the clock was sane.
    day: u64,
    /// The number of SMS sent on that day.
    sent: u64,
    /// The beginning of the present period of the rate.
    since_s: u64,
    /// The number of SMS sent in that period.
    burst: u64,
}

impl Count {
    /// Resets the counts of a day or period that is over.
    fn move_to(&mut self, limits: &Limits, moment: Moment<'_>) {
        match moment.day {
            // SMS sent before the clock was set count for today, because their day is unknown.
            Some(day) if self.day == 0 => self.day = day,
            Some(day) if day > self.day => (self.day, self.sent) = (day, 0),
            // A clock that was set back a little goes on to the day's true end; one that was far ahead is
            // not waited for.
            Some(day) if day.saturating_add(1) < self.day => self.day = day,
            Some(_) | None => {}
        }
        let per_s = limits.rate.map_or(0, |rate| rate.per.s());
        if moment.now_s < self.since_s {
            self.since_s = moment.now_s;
        }
        if moment.now_s >= self.since_s.saturating_add(per_s) {
            self.burst = 0;
        }
    }

    fn judge(&self, limits: &Limits, now_s: u64) -> Answer {
        if limits.limit.is_some_and(|limit| self.sent >= limit) {
            return Answer::Limit;
        }
        match limits.rate {
            Some(rate) if self.burst >= rate.count => {
                let end_s = self.since_s.saturating_add(rate.per.s());
                Answer::Rate {
                    wait_s: end_s.saturating_sub(now_s).max(1),
                }
            }
            Some(_) | None => Answer::Granted,
        }
    }

    fn add(&mut self, now_s: u64) {
        if self.burst == 0 {
            self.since_s = now_s;
        }
        self.sent = self.sent.saturating_add(1);
        self.burst = self.burst.saturating_add(1);
    }
}

/// The fields of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Record {
    boot: String,
    synced: Count,
    /// The number of SMS that may have followed what was synced.
    ahead: u64,
    exact: Count,
    /// The number of these that may still follow.
    left: u64,
}

const VERSION: &[u8] = b"websms quota 1\n";

impl Record {
    /// Returns the highest possible count after a start of the system: all SMS that may have followed were
    /// sent, today and just now.
    fn at_most(&self, limits: &Limits, moment: Moment<'_>) -> Count {
        let mut count = self.synced;
        count.move_to(limits, moment);
        if count.burst == 0 {
            count.since_s = moment.now_s;
        }
        count.sent = count.sent.saturating_add(self.ahead);
        count.burst = count.burst.saturating_add(self.ahead);
        count
    }

    fn encode(&self, interface: &str) -> Vec<u8> {
        let mut file = VERSION.to_vec();
        let synced = &self.synced;
        let numbers = [
            synced.day,
            synced.sent,
            synced.since_s,
            synced.burst,
            self.ahead,
        ];
        let [day, sent, since, burst, ahead] = numbers.map(|number| number.to_string());
        for (name, value) in [
            // The name is for human readers; one that fits no line is left out.
            ("interface", interface),
            ("boot", &self.boot),
            ("day", &day),
            ("sent", &sent),
            ("since", &since),
            ("burst", &burst),
            ("ahead", &ahead),
        ] {
            let start = file.len();
            if !fields::push(&mut file, name, value.as_bytes()) {
                file.truncate(start);
                let _ = fields::push(&mut file, name, b"");
            }
        }
        file.extend_from_slice(&self.end());
        file
    }

    /// Encodes the last line.
    fn end(&self) -> Vec<u8> {
        let Count {
            day,
            sent,
            since_s,
            burst,
        } = self.exact;
        let left = self.left;
        format!("exact: {day:020} {sent:020} {since_s:020} {burst:020} {left:020}\n").into_bytes()
    }

    fn parse(file: &[u8]) -> Result<Record, BadRecord> {
        let rest = file.strip_prefix(VERSION).ok_or(BadRecord::Version)?;
        let mut fields = Fields::new(rest);
        fields.value("interface");
        let boot = fields.text("boot");
        let synced = Count {
            day: fields.number("day"),
            sent: fields.number("sent"),
            since_s: fields.number("since"),
            burst: fields.number("burst"),
        };
        let ahead = fields.number("ahead");
        let exact = fields.text("exact");
        fields.end()?;
        if !fields.rest.is_empty() {
            return Err(BadRecord::Leftover("its last line"));
        }
        let fixed = |number: &str| fields::number(number).filter(|_| number.len() == 20);
        let numbers: Option<Vec<u64>> = exact.split(' ').map(fixed).collect();
        let Some([day, sent, since_s, burst, left]) = numbers.as_deref() else {
            return Err(BadRecord::Field("exact"));
        };
        let exact = Count {
            day: *day,
            sent: *sent,
            since_s: *since_s,
            burst: *burst,
        };
        Ok(Record {
            boot: boot.to_owned(),
            synced,
            ahead,
            exact,
            left: *left,
        })
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
mod tests;
