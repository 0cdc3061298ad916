//! Decides whether one more SMS may be sent over an interface, and counts it first (`rate`, `limit`).
//!
//! Each interface has a count of its own ([`State::quota`]); [`crate::proto::record::quota`] defines the
//! format. The lock on the folder is held for the count alone, never while a provider is asked.
//!
//! Invariant: nothing is sent uncounted. An SMS that cannot be counted waits. A count that cannot be
//! understood is set aside with a log line and begins anew, so that a broken file costs at most one more
//! limit and never blocks for ever.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::config::{Config, Outgoing};
use crate::limits::{QUOTA_FILE_BYTES_MAX, QUOTA_PAUSE, QUOTA_TURN_WAIT};
use crate::proto::record::quota::{self, Answer, Change, Moment};
use crate::state::State;
use crate::sys::boot;
use crate::sys::cause::Cause;
use crate::sys::clock::{self, Deadline};
use crate::sys::journal::{Found, Journal, Turn};

/// The answer to whether one more SMS may be sent.
#[derive(Debug)]
pub enum Grant {
    /// It may be sent, and was counted.
    Granted,
    /// It may not be sent now: the rate is reached, or it cannot be counted.
    Later {
        /// The reason for the log and the caller.
        reason: String,
        /// The time after which it is worth asking again.
        wait: Duration,
    },
    /// The limit is reached.
    Refused {
        /// The reason for the log and the caller.
        reason: String,
    },
}

/// Asks for one SMS over an interface. Without a `rate` and a `limit` no file is touched.
pub fn ask(config: &Config, outgoing: &Outgoing, deadline: &Deadline) -> Grant {
    let settings = &outgoing.quota;
    if settings.is_none() {
        return Grant::Granted;
    }
    // A configuration with limits always has a folder.
    let answer = match State::of(config) {
        Some(state) => count(&state, outgoing, deadline),
        None => Err(io::ErrorKind::NotFound.into()),
    };
    match answer {
        Ok(Answer::Granted) => Grant::Granted,
        Ok(Answer::Rate { wait_s }) => {
            let rate = settings.rate.map(|rate| rate.to_string());
            let rate = rate.unwrap_or_default();
            Grant::Later {
                reason: format!("the interface's rate of {rate} is reached"),
                wait: Duration::from_secs(wait_s),
            }
        }
        Ok(Answer::Limit) => {
            let limit = settings.limit.unwrap_or_default();
            Grant::Refused {
                reason: format!("the interface's limit of {limit}/day is reached"),
            }
        }
        Err(error) => {
            let words: &dyn fmt::Display = match error.kind() {
                io::ErrorKind::TimedOut => &"another process holds the count",
                _ => &Cause(&error),
            };
            Grant::Later {
                reason: format!("it cannot be counted for the interface's rate or limit: {words}"),
                wait: QUOTA_PAUSE,
            }
        }
    }
}

fn count(state: &State, outgoing: &Outgoing, deadline: &Deadline) -> io::Result<Answer> {
    let interface = &outgoing.account.interface;
    let journal = state.quota(interface);
    let boot = boot::id();
    let wait = deadline.left().unwrap_or_default().min(QUOTA_TURN_WAIT);
    let turn = journal.turn(Deadline::after(wait))?;
    let now_s = clock::now_s();
    let moment = Moment {
        now_s,
        day: Some(now_s / 86_400).filter(|_| clock::is_sane(now_s)),
        boot: boot.as_deref(),
    };
    let ask = |file: Option<&[u8]>| quota::ask(file, interface, &outgoing.quota, moment);
    let fault = match journal.read(&turn, QUOTA_FILE_BYTES_MAX)? {
        Found::File(file) => match ask(Some(&file)) {
            Ok((answer, change)) => return write(&journal, &turn, answer, &change),
            Err(bad) => Some(bad.to_string()),
        },
        Found::Nothing => None,
        Found::Foreign(why) => Some(why),
    };
    if let Some(fault) = fault {
        let why = ["no count of SMS: ", &fault].concat();
        journal.give_up(&turn, &why, format_args!("the count begins anew"))?;
    }
    match ask(None) {
        Ok((answer, change)) => write(&journal, &turn, answer, &change),
        // A file that does not exist cannot be faulty.
        Err(_) => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn write(journal: &Journal, turn: &Turn, answer: Answer, change: &Change) -> io::Result<Answer> {
    match change {
        Change::None => {}
        Change::Whole(file) => journal.replace(turn, file)?,
        Change::End(end) => journal.write_end(turn, end)?,
    }
    Ok(answer)
}
