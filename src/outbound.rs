//! Story 2: one message → provider → verdict → queue; and the queue's own pass.
//!
//! ```text
//! order ─ parse ─▶ message ─ count ─ encode ─▶ call ─ post ─▶ reply ─ judge ─▶ verdict ─▶ outcome
//!                     ▲                                                           │ later
//!                     └────────────────── pass ◀── queue ◀── put ─────────────────┘
//! ```

mod attempt;
mod flush;
mod listing;
mod notice;
mod pass;
pub mod queue;
mod quota;
mod schedule;
mod tally;

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};

use crate::config::{Config, First, Outgoing};
use crate::limits::QUEUEING_RESERVE;
use crate::message::{BadMessage, LogNumbers, Message, Number, Sender, Text};
use crate::proto::envelope::Item;
use crate::proto::provider::Verdict;
use crate::proto::{address, text};
use crate::sys::clock::Deadline;
use crate::sys::files;
use crate::sys::log::{self, Clean, Level};
use crate::sys::queue::Folder;

pub use attempt::connection;
pub use flush::{Flushed, flush};
pub use listing::{Look, listing};
pub use notice::spool_settings;
pub use pass::{Source, drain};
pub use tally::outbound;

use quota::Grant;

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

    fn level(self) -> Level {
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

/// Sends one message, or puts it into the queue; one log line says what became of it. `start` is
/// when the run began, from which the interface's `timeout` counts.
pub fn send(order: &Order<'_>, config: &Config, start: Instant) -> Outcome {
    let prepared = prepare(order, config);
    let outgoing = prepared.as_ref().ok().map(|(_, outgoing)| *outgoing);
    let id = files::unique();
    let outcome = match (prepared, &id) {
        (Ok((message, outgoing)), Ok(id)) => deliver(id, message, outgoing, config, start),
        (Ok(_), Err(_)) => Outcome::new(Status::Failed, "no randomness"),
        (Err(outcome), _) => outcome,
    };
    let interface = outgoing.map_or("", |outgoing| &outgoing.account.interface);
    log(&Event {
        id: id.as_deref().unwrap_or("-"),
        to: &address::reduce(order.to),
        from: &address::reduce(order.from),
        text: order.text,
        interface,
        outcome: &outcome,
        numbers: config.log_numbers,
    });
    outcome
}

/// The request that [`send`] would make, secrets masked.
pub fn preview(order: &Order<'_>, config: &Config) -> Result<Vec<u8>, Outcome> {
    let (message, outgoing) = prepare(order, config)?;
    attempt::preview(&message, outgoing)
}

/// First interface, those to try after it, the queue: all of it before `timeout` is over.
fn deliver(
    id: &str,
    message: Message,
    outgoing: &Outgoing,
    config: &Config,
    start: Instant,
) -> Outcome {
    let folder = queue::folder(config);
    let drained = folder.as_ref().filter(|folder| queue::is_drained(folder));
    let timeout = outgoing.client.timeout;
    let reserve = match drained {
        Some(_) => QUEUEING_RESERVE.min(timeout.checked_div(10).unwrap_or_default()),
        None => Duration::ZERO,
    };
    let spent = start.elapsed().saturating_add(reserve);
    let total = Deadline::after(timeout.saturating_sub(spent));
    let mut item = Item {
        id: id.to_owned(),
        interface: outgoing.account.interface.clone(),
        message,
        queued_s: queue::stamp_s(),
        tries: 0,
        unsure: 0,
        due_s: 0,
        reason: String::new(),
    };
    if let Some(folder) = drained {
        let wait = match config.queue.first {
            First::Queue => Some("websmsd sends it"),
            First::Send => queue::must_wait(folder, &item.message, &item.interface),
        };
        if let Some(wait) = wait {
            return hold(Some(folder), &item, wait, config);
        }
    }
    match try_each(&mut item, outgoing, config, &total) {
        Ok(why) => hold(folder.as_ref(), &item, &why, config),
        Err(outcome) => outcome,
    }
}

/// An interface and those after it, until one decides: why the message waits, or how the run ends.
fn try_each(
    item: &mut Item,
    outgoing: &Outgoing,
    config: &Config,
    total: &Deadline,
) -> Result<Cow<'static, str>, Outcome> {
    let chain = config.chain(outgoing);
    let mut first_reason = None;
    for (place, via) in chain.iter().enumerate() {
        let left = chain.len().saturating_sub(place);
        match quota::ask(config, via, total) {
            Grant::Granted => {}
            // It was not tried; the queue asks again at once and learns how long to wait.
            Grant::Later { reason, .. } => {
                first_reason.get_or_insert((reason.into(), 0));
                continue;
            }
            Grant::Refused { reason } if place == 0 => {
                return Err(Outcome::new(Status::Refused, reason));
            }
            // The first one may work again before its own limit is reached.
            Grant::Refused { .. } => continue,
        }
        item.tries = 1;
        let verdict = match attempt::attempt(&item.message, via, config, &total.share(left)) {
            Ok(verdict) => verdict,
            // A fault of the next interface does not hide why the first one failed.
            Err(_) if place > 0 => continue,
            Err(fault) => return Err(fault),
        };
        match verdict {
            Verdict::Later {
                reason,
                retry_after_s,
            } => {
                let retry_after = Duration::from_secs(retry_after_s.unwrap_or(0));
                let wait = config.queue.pause(retry_after);
                let (_, due_s) = first_reason.get_or_insert((reason.text(), queue::due_s(wait)));
                item.due_s = *due_s;
            }
            Verdict::Unsure { reason } => {
                item.interface.clone_from(&via.account.interface);
                item.unsure = 1;
                item.due_s = queue::due_s(config.queue.pause(Duration::ZERO));
                first_reason = Some((attempt::unsure(&reason).into(), item.due_s));
                break;
            }
            last => return Err(settle(last)),
        }
    }
    let (reason, _) = first_reason.unwrap_or_default();
    Ok(reason)
}

/// Puts a message into the queue, where there is one that somebody drains.
fn hold(folder: Option<&Folder>, item: &Item, why: &str, config: &Config) -> Outcome {
    let not_held = |what: &dyn fmt::Display| Outcome::new(Status::Failed, format!("{why}; {what}"));
    let Some(folder) = folder else {
        return not_held(&"there is no queue");
    };
    if !queue::is_drained(folder) {
        return not_held(&"no websmsd drains the queue");
    }
    let mut item = item.clone();
    item.set_reason(why);
    match queue::put(folder, &item, config.queue.messages_max) {
        Ok(()) => Outcome::new(Status::Queued, why.to_owned()),
        Err(fault) => not_held(&fault),
    }
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

/// A verdict → what the caller is told.
fn settle(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Sent { id, reason } => Outcome {
            status: Status::Sent,
            id,
            reason: reason.text(),
        },
        Verdict::Refused { reason } => Outcome::new(Status::Refused, reason.text()),
        Verdict::Later { reason, .. } => Outcome::new(Status::Failed, reason.text()),
        Verdict::Unsure { reason } => Outcome::new(Status::Failed, attempt::unsure(&reason)),
    }
}

/// What became of a message, for the log.
struct Event<'a> {
    id: &'a str,
    to: &'a [u8],
    from: &'a [u8],
    text: &'a [u8],
    interface: &'a str,
    outcome: &'a Outcome,
    numbers: LogNumbers,
}

/// Who, to whom, by which interface, with what end: never a text or a secret. The id is that of the
/// run, of the message in the queue, and of every later line on it.
fn log(event: &Event<'_>) {
    let text = Text::parse_outbound(event.text);
    let text = text
        .as_ref()
        .map_or_else(|_| Cow::Borrowed(""), Text::to_utf8);
    let (alphabet, segments) = text::segments(&text);
    let alphabet = match alphabet {
        text::Alphabet::Gsm => "GSM",
        text::Alphabet::Ucs2 => "UCS-2",
    };
    log::event(
        event.outcome.status.level(),
        format_args!(
            "out {word} {id} to={to} from={from} interface={interface} segments={segments} \
             ({alphabet}) ref={provider}: {reason}",
            word = event.outcome.status.word(),
            id = event.id,
            to = Clean(&event.numbers.show(event.to)),
            from = Clean(&event.numbers.show(event.from)),
            interface = event.interface,
            provider = event.outcome.id.as_deref().unwrap_or("-"),
            reason = event.outcome.reason,
        ),
    );
}
