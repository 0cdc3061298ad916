//! How many SMS an interface may send, what it sent, the time → granted or not; ⇄ its count's file.
//!
//! The file is readable with `cat`. All of it but the last line is synced: what had been sent then,
//! and how many may follow before it is synced again. The last line is the exact count; it has a
//! fixed length, is written over in place without a sync, and can be believed as long as the system
//! has not been started anew. After that all that might have followed counts as sent.
//!
//! A day is one of UTC. The time of a rate begins with the first SMS and is followed by the next one,
//! so that around its end twice as many can go within its length.
//!
//! Invariant: a crash or a power cut makes the count too high, never too low; and no clock that is
//! wrong, or set back, gives anything that was sent back.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::limits::QUOTA_AHEAD_MAX;
use crate::proto::record::fields::{self, BadField, Fields};

/// What the configuration says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// `rate`.
    pub rate: Option<Rate>,
    /// `limit`: SMS a day.
    pub limit: Option<u64>,
}

/// So many SMS in such a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many, 1 at least.
    pub count: u64,
    /// In which time.
    pub per: Per,
}

/// The time of a [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// `s`
    Second,
    /// `min`
    Minute,
    /// `h`
    Hour,
}

/// When and where the question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment<'a> {
    /// Seconds since 1970, be they right or not.
    pub now_s: u64,
    /// The day since 1970; `None`: the clock is not sane.
    pub day: Option<u64>,
    /// Tells one start of the system from another; `None`: nobody knows, and no exact count is
    /// believed.
    pub boot: Option<&'a str>,
}

/// Whether one more SMS may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It may, and has been counted.
    Granted,
    /// Not now.
    Rate {
        /// Until the rate allows the next one.
        wait_s: u64,
    },
    /// Not today.
    Limit,
}

/// What must be written before the answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// The whole file, synced.
    Whole(Vec<u8>),
    /// These bytes over the file's last ones, unsynced.
    End(Vec<u8>),
}

/// Why a file is no count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadQuota {
    /// Its first line is another: a later version, or no file of ours.
    Version,
    /// This line is missing, misplaced or says something else.
    Field(&'static str),
    /// Something stands behind the last line.
    Leftover,
}

impl fmt::Display for BadQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadQuota::Version => f.write_str("its first line is not of this version"),
            BadQuota::Field(name) => write!(f, "its line {name} is missing or wrong"),
            BadQuota::Leftover => f.write_str("something stands behind its last line"),
        }
    }
}

impl From<BadField> for BadQuota {
    fn from(BadField(name): BadField) -> BadQuota {
        BadQuota::Field(name)
    }
}

impl Settings {
    /// Whether nothing is to be counted.
    pub fn is_none(&self) -> bool {
        *self == Settings::default()
    }

    /// How many SMS may follow a sync: fewer where so many would be much of the limit.
    fn ahead(&self) -> u64 {
        self.limit
            .map_or(QUOTA_AHEAD_MAX, |limit| limit / 10)
            .clamp(1, QUOTA_AHEAD_MAX)
    }
}

impl Per {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Per::Second => "s",
            Per::Minute => "min",
            Per::Hour => "h",
        }
    }

    /// Its length, seconds.
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

/// Asks for one SMS. `file` is what the interface's file holds, `None` where there is none yet.
pub fn ask(
    file: Option<&[u8]>,
    interface: &str,
    settings: &Settings,
    moment: Moment<'_>,
) -> Result<(Answer, Change), BadQuota> {
    let before = file.map(Record::parse).transpose()?.unwrap_or_default();
    let is_exact = moment.boot.is_some_and(|boot| before.boot == boot);
    let (mut count, left) = match is_exact {
        true => (before.exact, before.left),
        false => (before.at_most(settings, moment), 0),
    };
    count.move_to(settings, moment);
    let answer = count.judge(settings, moment.now_s);
    let granted = answer == Answer::Granted;
    let mut after = Record {
        boot: moment.boot.unwrap_or_default().to_owned(),
        ..before
    };
    if granted && left == 0 {
        after.synced = count;
        after.ahead = match moment.boot {
            Some(_) => settings.ahead(),
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

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    /// The day since 1970; 0 until the clock was sane.
    day: u64,
    /// Of that day.
    sent: u64,
    /// When the time of the rate began.
    since_s: u64,
    /// In that time.
    burst: u64,
}

impl Count {
    /// What is over counts no more.
    fn move_to(&mut self, settings: &Settings, moment: Moment<'_>) {
        match moment.day {
            // What was sent before the clock was set was sent today, for all we know.
            Some(day) if self.day == 0 => self.day = day,
            Some(day) if day > self.day => (self.day, self.sent) = (day, 0),
            // A clock that was set back a little goes on to the day's true end; one that was far
            // ahead is not waited for.
            Some(day) if day.saturating_add(1) < self.day => self.day = day,
            Some(_) | None => {}
        }
        let per_s = settings.rate.map_or(0, |rate| rate.per.s());
        if moment.now_s < self.since_s {
            self.since_s = moment.now_s;
        }
        if moment.now_s >= self.since_s.saturating_add(per_s) {
            self.burst = 0;
        }
    }

    fn judge(&self, settings: &Settings, now_s: u64) -> Answer {
        if settings.limit.is_some_and(|limit| self.sent >= limit) {
            return Answer::Limit;
        }
        match settings.rate {
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

/// A file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Record {
    boot: String,
    synced: Count,
    /// How many may have followed what was synced.
    ahead: u64,
    exact: Count,
    /// How many of them may still follow.
    left: u64,
}

const VERSION: &[u8] = b"websms quota 1\n";

impl Record {
    /// After a start of the system: all that may have followed was sent, today and just now.
    fn at_most(&self, settings: &Settings, moment: Moment<'_>) -> Count {
        let mut count = self.synced;
        count.move_to(settings, moment);
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
            // For whoever reads it; a name that fits no line is left out.
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

    /// The last line.
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

    fn parse(file: &[u8]) -> Result<Record, BadQuota> {
        let mut fields = Fields {
            rest: file.strip_prefix(VERSION).ok_or(BadQuota::Version)?,
        };
        fields.value("interface")?;
        let boot = fields.text("boot")?.to_owned();
        let synced = Count {
            day: fields.number("day")?,
            sent: fields.number("sent")?,
            since_s: fields.number("since")?,
            burst: fields.number("burst")?,
        };
        let ahead = fields.number("ahead")?;
        let exact = fields.text("exact")?;
        if !fields.rest.is_empty() {
            return Err(BadQuota::Leftover);
        }
        let fixed = |number: &str| fields::number(number).filter(|_| number.len() == 20);
        let numbers: Option<Vec<u64>> = exact.split(' ').map(fixed).collect();
        let Some([day, sent, since_s, burst, left]) = numbers.as_deref() else {
            return Err(BadQuota::Field("exact"));
        };
        let exact = Count {
            day: *day,
            sent: *sent,
            since_s: *since_s,
            burst: *burst,
        };
        Ok(Record {
            boot,
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
