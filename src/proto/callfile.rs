//! A message → Asterisk call files.
//!
//! Asterisk's quoting and line limit live here only.

use crate::message::Message;

/// What the configuration says of a call file (`[astqueue]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `Channel: Local/TO@channel_context`.
    pub channel_context: String,
    /// `Context:`.
    pub context: String,
    /// `Priority:`; empty: no line. So for the other values.
    pub priority: String,
    /// `WaitTime:`, seconds.
    pub waittime: String,
    /// `MaxRetries:`.
    pub maxretries: String,
    /// `RetryTime:`, seconds.
    pub retrytime: String,
    /// `Archive: yes` or `no`.
    pub archive: Switch,
    /// `Account:`.
    pub account: String,
    /// `Application:`.
    pub application: String,
    /// `Data:`.
    pub data: String,
    /// How the text is written.
    pub encoding: Encoding,
}

/// A yes or a no of a call file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// `yes`
    Yes,
    /// `no`
    No,
}

/// `message_encode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Percent-encoded; the dialplan decodes with `URIDECODE`.
    Rfc3986,
    /// As it stands where the file format can carry it.
    None,
}

/// One file for the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFile {
    /// `TO.SECONDS.UNIQUE.call`, no folder.
    pub name: String,
    /// Its contents.
    pub bytes: Vec<u8>,
    /// Seconds that the modification time lies ahead of now: 0 for the first part.
    pub delay_s: u64,
}

/// Why a message has no call files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// The text needs more parts than are allowed: 413.
    TooLong {
        /// Parts needed.
        parts: usize,
    },
    /// A line that Asterisk would not read as it is meant; the configuration's fault if [`check`]
    /// was not asked.
    Line {
        /// Which line.
        key: &'static str,
    },
}

/// Call files for one message, in the order in which they must arrive. `unique` is a 64-bit random
/// number in hex, the id in the log; part n > 1 gets its own name from it.
pub fn encode(
    _message: &Message,
    _route: &Route,
    _now_s: u64,
    _unique: &str,
) -> Result<Vec<CallFile>, Unfit> {
    unimplemented!()
}

/// Whether every value of a route can stand in a call file, beside the longest number. The error is
/// the configuration key at fault.
pub fn check(_route: &Route) -> Result<(), &'static str> {
    unimplemented!()
}
