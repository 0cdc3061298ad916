//! Turns a verdict into the caller's view of it: one word, an exit code, a reason.

use std::borrow::Cow;

use crate::proto::provider::{Reason, Verdict};
use crate::sys::log::Level;

/// The end of a run of `websms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The result in one word.
    pub status: Status,
    /// The provider's id of the message, fit to be shown.
    pub id: Option<String>,
    /// The reason in one line: our own phrases, status numbers and interface names.
    pub reason: Cow<'static, str>,
}

/// The result for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The provider accepted it.
    Sent,
    /// The queue holds it safely, and some process drains the queue.
    Queued,
    /// The provider or a rule of ours refused it.
    Refused,
    /// The number or the text is not acceptable.
    Invalid,
    /// It is machine chatter and was not sent.
    Ignored,
    /// There is a usage or configuration fault.
    Fault,
    /// It failed temporarily, and nothing holds it.
    Failed,
}

impl Status {
    /// Returns the value of `WEBSMS_STATUS`.
    pub fn word(self) -> &'static str {
        match self {
            Status::Sent => "SENT",
            Status::Queued => "QUEUED",
            Status::Refused => "REFUSED",
            Status::Invalid | Status::Fault => "INVALID",
            Status::Ignored => "IGNORED",
            Status::Failed => "FAILED",
        }
    }

    /// Returns the exit code: 75 is `EX_TEMPFAIL` of sysexits.h.
    pub fn exit_code(self) -> u8 {
        match self {
            Status::Sent | Status::Queued | Status::Ignored => 0,
            Status::Refused | Status::Invalid => 1,
            Status::Fault => 2,
            Status::Failed => 75,
        }
    }

    /// Returns the level at which its line is logged.
    pub fn level(self) -> Level {
        match self {
            Status::Sent | Status::Queued | Status::Ignored => Level::Info,
            Status::Refused | Status::Invalid | Status::Failed => Level::Warning,
            Status::Fault => Level::Error,
        }
    }
}

impl Outcome {
    /// Returns an outcome without an id.
    pub fn new(status: Status, reason: impl Into<Cow<'static, str>>) -> Outcome {
        Outcome {
            status,
            id: None,
            reason: reason.into(),
        }
    }
}

/// Turns a verdict into the result for the caller.
pub fn settle(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Sent { id, reason, .. } => Outcome {
            status: Status::Sent,
            id,
            reason: reason.text(),
        },
        Verdict::Refused { reason } => Outcome::new(Status::Refused, reason.text()),
        Verdict::Later { reason, .. } => Outcome::new(Status::Failed, reason.text()),
        Verdict::Unsure { reason } => Outcome::new(Status::Failed, unsure(&reason)),
    }
}

/// The beginning of the reason for a message that may have been sent.
pub const MAYBE_SENT: &str = "it may have been sent";

/// Returns the reason for a message that may have been sent without a confirmation.
pub fn unsure(reason: &Reason) -> String {
    format!("{MAYBE_SENT}: {}", reason.text())
}
