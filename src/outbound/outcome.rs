//! A verdict as the caller is told of it: one word, an exit code, a reason.

use std::borrow::Cow;

use crate::proto::provider::{Reason, Verdict};
use crate::sys::log::Level;

/// How a run of `websms` ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// In one word.
    pub status: Status,
    /// The provider's id of the message, fit to be shown.
    pub id: Option<String>,
    /// One line: our own phrases, status numbers and interface names.
    pub reason: Cow<'static, str>,
}

/// What the caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The provider accepted it.
    Sent,
    /// The queue holds it safely, and somebody drains the queue.
    Queued,
    /// Refused by the provider or by a rule of ours.
    Refused,
    /// Number or text not acceptable.
    Invalid,
    /// Machine chatter, not sent.
    Ignored,
    /// A usage or configuration fault.
    Fault,
    /// Failed for now, and nothing holds it.
    Failed,
}

impl Status {
    /// `WEBSMS_STATUS`.
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

    /// The exit code: 75 is `EX_TEMPFAIL` of sysexits.h.
    pub fn exit_code(self) -> u8 {
        match self {
            Status::Sent | Status::Queued | Status::Ignored => 0,
            Status::Refused | Status::Invalid => 1,
            Status::Fault => 2,
            Status::Failed => 75,
        }
    }

    /// How its line is logged.
    pub fn level(self) -> Level {
        match self {
            Status::Sent | Status::Queued | Status::Ignored => Level::Info,
            Status::Refused | Status::Invalid | Status::Failed => Level::Warning,
            Status::Fault => Level::Error,
        }
    }
}

impl Outcome {
    /// One without an id.
    pub fn new(status: Status, reason: impl Into<Cow<'static, str>>) -> Outcome {
        Outcome {
            status,
            id: None,
            reason: reason.into(),
        }
    }
}

/// A verdict → what the caller is told.
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

/// How the reason begins of a message that may have been sent.
pub const MAYBE_SENT: &str = "it may have been sent";

/// Why a message that may have been sent was not told to be.
pub fn unsure(reason: &Reason) -> String {
    format!("{MAYBE_SENT}: {}", reason.text())
}
