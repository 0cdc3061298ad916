//! Story 2: one message → provider → verdict.
//!
//! ```text
//! order ─ parse ─▶ message ─ encode ─▶ call ─ post ─▶ reply ─ judge ─▶ verdict ─▶ outcome
//! ```

use std::borrow::Cow;

use crate::config::{self, Config, Outgoing};
use crate::message::{BadMessage, Message, Number, Sender, Text};
use crate::proto::provider::{self, Reason, Verdict};
use crate::proto::{address, text};
use crate::sys::client::{self, Failure};
use crate::sys::clock::{self, Deadline};
use crate::sys::log::{self, Clean, Level};

/// What the caller asks for, unchecked.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// TO.
    pub to: &'a [u8],
    /// FROM.
    pub from: &'a [u8],
    /// BODY.
    pub text: &'a [u8],
    /// INDEX; empty counts as absent.
    pub index: Option<&'a [u8]>,
}

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
            Status::Refused => "REFUSED",
            Status::Invalid | Status::Fault => "INVALID",
            Status::Ignored => "IGNORED",
            Status::Failed => "FAILED",
        }
    }

    /// The exit code: 75 is `EX_TEMPFAIL` of sysexits.h.
    pub fn exit_code(self) -> u8 {
        match self {
            Status::Sent | Status::Ignored => 0,
            Status::Refused | Status::Invalid => 1,
            Status::Fault => 2,
            Status::Failed => 75,
        }
    }

    fn level(self) -> Level {
        match self {
            Status::Sent | Status::Ignored => Level::Info,
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

/// Sends one message; one log line says what became of it. `deadline` bounds all of it, and is
/// made of the interface's `timeout` by the caller, who knows when the run began.
pub fn send(
    order: &Order<'_>,
    config: &Config,
    deadline: impl FnOnce(&Outgoing) -> Deadline,
) -> Outcome {
    let (message, outgoing) = match prepare(order, config) {
        Ok(prepared) => prepared,
        Err(outcome) => {
            log(order, None, &outcome);
            return outcome;
        }
    };
    let verdict = attempt(&message, outgoing, &deadline(outgoing));
    let outcome = verdict.map_or_else(|fault| fault, settle);
    log(order, Some(outgoing), &outcome);
    outcome
}

/// The request that [`send`] would make, secrets masked.
pub fn preview(order: &Order<'_>, config: &Config) -> Result<Vec<u8>, Outcome> {
    let (message, outgoing) = prepare(order, config)?;
    provider::preview(&message, &outgoing.account, clock::now_s())
        .map_err(|fault| bad_account(&fault))
}

/// An order → a message and its interface, or how the run ends without them.
fn prepare<'a>(order: &Order<'_>, config: &'a Config) -> Result<(Message, &'a Outgoing), Outcome> {
    if text::is_chatter(order.text) {
        let reason = "machine chatter (imdn or isComposing) is not sent";
        return Err(Outcome::new(Status::Ignored, reason));
    }
    let outgoing = config
        .outgoing(order.index)
        .map_err(|fault| Outcome::new(Status::Fault, fault.to_string()))?;
    let message =
        parse(order).map_err(|fault| Outcome::new(Status::Invalid, unacceptable(&fault)))?;
    Ok((message, outgoing))
}

fn parse(order: &Order<'_>) -> Result<Message, BadMessage> {
    Ok(Message {
        to: Number::parse_outbound(&address::reduce(order.to))?,
        from: Sender::parse_outbound(&address::reduce(order.from))?,
        text: Text::parse_outbound(order.text)?,
    })
}

fn unacceptable(fault: &BadMessage) -> String {
    match fault {
        BadMessage::Empty { field: "text" } => "text is empty; Asterisk hands over an empty one \
                                                for a SIP message above 1023 bytes"
            .to_owned(),
        fault => fault.to_string(),
    }
}

/// One try with one interface. What is no verdict is a fault of the configuration.
fn attempt(
    message: &Message,
    outgoing: &Outgoing,
    deadline: &Deadline,
) -> Result<Verdict, Outcome> {
    let account = &outgoing.account;
    let call =
        provider::encode(message, account, clock::now_s()).map_err(|fault| bad_account(&fault))?;
    match client::post(&call, &connection(&outgoing.client), deadline) {
        Ok(reply) => Ok(provider::judge(&reply, account, clock::now_s())),
        Err(Failure::Setup(phrase)) => Err(Outcome::new(Status::Fault, phrase)),
        Err(Failure::Unwritten(phrase)) => Ok(Verdict::Later {
            reason: Reason::Step(phrase),
            retry_after_s: None,
        }),
        Err(Failure::Unanswered(phrase)) => Ok(Verdict::Unsure {
            reason: Reason::Step(phrase),
        }),
    }
}

fn bad_account(fault: &provider::BadAccount) -> Outcome {
    Outcome::new(Status::Fault, fault.to_string())
}

/// A configuration's connection → the client's settings.
pub fn connection(client: &config::Client) -> client::Settings<'_> {
    client::Settings {
        proxy: client.proxy.as_deref(),
        trust: match &client.trust {
            config::Trust::Roots { ca_file } => client::Trust::Roots {
                ca_file: ca_file.as_deref(),
            },
            config::Trust::Anybody => client::Trust::Anybody,
        },
    }
}

/// A verdict that is final → what the caller is told.
fn settle(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Sent { id, reason } => Outcome {
            status: Status::Sent,
            id,
            reason: reason.text(),
        },
        Verdict::Refused { reason } => Outcome::new(Status::Refused, reason.text()),
        Verdict::Later { reason, .. } => Outcome::new(Status::Failed, reason.text()),
        Verdict::Unsure { reason } => {
            let reason = format!("it may have been sent: {}", reason.text());
            Outcome::new(Status::Failed, reason)
        }
    }
}

/// Who, to whom, by which interface, with what end: never a text or a secret.
fn log(order: &Order<'_>, outgoing: Option<&Outgoing>, outcome: &Outcome) {
    let interface = outgoing.map_or("", |outgoing| &outgoing.account.interface);
    let text = Text::parse_outbound(order.text);
    let text = text
        .as_ref()
        .map_or_else(|_| Cow::Borrowed(""), Text::to_utf8);
    let (alphabet, segments) = text::segments(&text);
    let alphabet = match alphabet {
        text::Alphabet::Gsm => "GSM",
        text::Alphabet::Ucs2 => "UCS-2",
    };
    log::event(
        outcome.status.level(),
        format_args!(
            "out {word} to={to} from={from} interface={interface} segments={segments} ({alphabet}) \
             id={id}: {reason}",
            word = outcome.status.word(),
            to = Clean(&address::reduce(order.to)),
            from = Clean(&address::reduce(order.from)),
            id = outcome.id.as_deref().unwrap_or("-"),
            reason = outcome.reason,
        ),
    );
}
