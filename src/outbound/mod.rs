//! Story 2: an SMS goes out. One order becomes a message, a call to the provider and a verdict. If it
//! failed temporarily, it is put into the queue, which [`crate::queue`] works off.
//!
//! ```text
//! order ─ parse ─▶ message ─ count ─ encode ─▶ call ─ post ─▶ reply ─ judge ─▶ verdict ─▶ outcome
//!                                                                                 │ later
//!                                                                                 └─ hold ─▶ queue
//! ```

pub(crate) mod attempt;
pub(crate) mod hold;
pub(crate) mod log;
pub(crate) mod outcome;
pub(crate) mod quota;
pub(crate) mod sent;

mod tally;

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};

use crate::config::{Config, First, Outgoing};
use crate::limits::QUEUEING_RESERVE;
use crate::message::{BadMessage, LogNumbers, Message, Number, Sender, Text};
use crate::proto::provider::{Blame, Verdict};
use crate::proto::record::envelope::Item;
use crate::proto::wire::{address, number, text};
use crate::state::State;
use crate::sys::cause::Cause;
use crate::sys::clock::Deadline;
use crate::sys::files;
use crate::sys::queue::Folder;

pub use outcome::{Outcome, Status};
pub use tally::{count_report, outbound};

use quota::Grant;

/// The caller's order, unchecked.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The destination, TO.
    pub to: &'a [u8],
    /// The sender, FROM.
    pub from: &'a [u8],
    /// The text, BODY.
    pub text: &'a [u8],
    /// The interface, INDEX; an empty one counts as absent.
    pub index: Option<&'a [u8]>,
}

/// Sends one message, or puts it into the queue, and logs the result in one line. `start` is the beginning
/// of the run, from which the interface's `timeout` counts.
pub fn send(order: &Order<'_>, config: &Config, start: Instant) -> Outcome {
    tally::tell_daemon(config);
    let prepared = prepare(order, config);
    let outgoing = prepared.as_ref().ok().map(|(_, outgoing)| *outgoing);
    let mut via = outgoing.map_or("", |outgoing| &outgoing.account.interface);
    let id = files::unique();
    let outcome = match (prepared, &id) {
        (Ok((message, outgoing)), Ok(id)) => {
            let run = Run { id, config, start };
            let (outcome, last) = run.deliver(message, outgoing);
            via = last;
            outcome
        }
        (Ok(_), Err(_)) => Outcome::new(Status::Failed, "no randomness"),
        (Err(outcome), _) => outcome,
    };
    tell(
        order,
        id.as_deref().unwrap_or("-"),
        via,
        &outcome,
        config.log_numbers,
    );
    outcome
}

/// Logs that an order failed because no configuration could be used. Nothing says then how numbers are to
/// be logged.
pub fn tell_unsent(order: &Order<'_>, outcome: &Outcome) {
    tell(order, "-", "", outcome, LogNumbers::Masked);
}

fn tell(order: &Order<'_>, id: &str, interface: &str, outcome: &Outcome, numbers: LogNumbers) {
    log::end(&log::Event {
        id,
        to: &address::reduce(order.to),
        from: &address::reduce(order.from),
        text: order.text,
        interface,
        outcome,
        numbers,
    });
}

/// Returns the request that [`send`] would make, with masked secrets.
pub fn preview(order: &Order<'_>, config: &Config) -> Result<Vec<u8>, Outcome> {
    let (message, outgoing) = prepare(order, config)?;
    match outgoing.account.too_long(&message.text) {
        Some(reason) => Err(Outcome::new(Status::Refused, reason)),
        None => attempt::preview(&message, outgoing),
    }
}

/// One run of `websms`, whose time counts from `start`.
struct Run<'a> {
    id: &'a str,
    config: &'a Config,
    start: Instant,
}

impl<'a> Run<'a> {
    /// Tries the first interface, those after it, and the queue, all before `timeout` is over. Returns the
    /// interface that decided, too.
    fn deliver(&self, message: Message, outgoing: &'a Outgoing) -> (Outcome, &'a str) {
        let config = self.config;
        let interface = outgoing.account.interface.as_str();
        // This is checked before the message can wait for anything, so that its sender learns of it at
        // once.
        if let Some(reason) = outgoing.account.too_long(&message.text) {
            return (Outcome::new(Status::Refused, reason), interface);
        }
        let folder = State::of(config).map(|state| state.queue());
        let is_drained = |folder: &&Folder| hold::is_drained(folder).unwrap_or(false);
        let drained = folder.as_ref().filter(is_drained);
        let timeout = outgoing.client.timeout;
        let reserve = match drained {
            Some(_) => QUEUEING_RESERVE.min(timeout.checked_div(10).unwrap_or_default()),
            None => Duration::ZERO,
        };
        let spent = self.start.elapsed().saturating_add(reserve);
        let total = Deadline::after(timeout.saturating_sub(spent));
        let (id, interface_of) = (self.id.to_owned(), interface.to_owned());
        let mut item = Item::new(id, interface_of, message, hold::stamp_s());
        if let Some(folder) = drained {
            let wait = match config.queue.first {
                First::Queue => Some("first = yes"),
                First::Send => hold::must_wait(folder, &item.message, &item.interface),
            };
            if let Some(wait) = wait {
                return (hold(Some(folder), &item, wait, config), interface);
            }
        }
        match self.try_each(&mut item, outgoing, &total) {
            Ok((why, via)) => (hold(folder.as_ref(), &item, &why, config), via),
            Err(decided) => decided,
        }
    }

    /// Tries an interface and those after it until one decides. Returns why and for which interface the
    /// message waits, or how the run ends. Each of several interfaces that did not send it has its line in
    /// the log.
    fn try_each(
        &self,
        item: &mut Item,
        outgoing: &'a Outgoing,
        total: &Deadline,
    ) -> Result<(Cow<'static, str>, &'a str), (Outcome, &'a str)> {
        let config = self.config;
        let chain = config.chain(outgoing);
        let pass_over = |item: &Item, via: &str, reason: &str| {
            if chain.len() > 1 {
                log::waits(item, via, reason, config.log_numbers);
            }
        };
        let mut waits: Option<Waits> = None;
        for (place, via) in chain.iter().enumerate() {
            let left = chain.len().saturating_sub(place);
            let name = via.account.interface.as_str();
            let grant = match via.account.too_long(&item.message.text) {
                Some(reason) => Grant::Refused { reason },
                None => quota::ask(config, via, total),
            };
            match grant {
                Grant::Granted => {}
                // The message was not tried; the queue asks again at once and learns how long to wait.
                Grant::Later { reason, .. } => {
                    pass_over(item, name, &reason);
                    waits.get_or_insert((reason.into(), 0, name));
                    continue;
                }
                Grant::Refused { reason } if place == 0 => {
                    return Err((Outcome::new(Status::Refused, reason), name));
                }
                // The first interface may work again before its own limit is reached, and takes longer
                // texts.
                Grant::Refused { reason } => {
                    pass_over(item, name, &reason);
                    continue;
                }
            }
            item.tries = 1;
            let verdict = match attempt::attempt(item, via, config, &total.share(left)) {
                Ok(verdict) => verdict,
                // A fault of the next interface does not hide why the first one failed.
                Err(fault) if place > 0 => {
                    pass_over(item, name, &fault.reason);
                    continue;
                }
                Err(fault) => return Err((fault, name)),
            };
            match verdict {
                Verdict::Later {
                    reason,
                    retry_after_s,
                    blame,
                } => {
                    let reason = reason.text();
                    if blame == Blame::Account {
                        log::account_refused(name, &reason);
                    }
                    pass_over(item, name, &reason);
                    let retry_after = Duration::from_secs(retry_after_s.unwrap_or(0));
                    let due_s = hold::due_s(hold::stamp_s(), config.queue.pause(retry_after));
                    match place {
                        0 => item.due_s = due_s,
                        // Only the provider's own wait counts, because the queue has its own pauses.
                        _ if retry_after_s.is_some() => {
                            item.spare_due_s = item.spare_due_s.max(due_s);
                        }
                        _ => {}
                    }
                    waits.get_or_insert((reason, due_s, name));
                    if blame == Blame::Message {
                        // A fault of the message is the same over another interface.
                        item.forbidden = u32::from(place == 0);
                        break;
                    }
                }
                Verdict::Unsure { reason } => {
                    item.interface.clone_from(&via.account.interface);
                    item.unsure = 1;
                    item.due_s = hold::due_s(hold::stamp_s(), config.queue.pause(Duration::ZERO));
                    waits = Some((outcome::unsure(&reason).into(), item.due_s, name));
                    break;
                }
                last => return Err((outcome::settle(last), name)),
            }
        }
        let (reason, _, name) = waits.unwrap_or_default();
        Ok((reason, name))
    }
}

/// Why a message waits, the time before which it is not tried (seconds since 1970), and its interface.
type Waits<'a> = (Cow<'static, str>, u64, &'a str);

/// Puts a message into the queue, if there is one that some process drains.
fn hold(folder: Option<&Folder>, item: &Item, why: &str, config: &Config) -> Outcome {
    let not_held = |what: &dyn fmt::Display| Outcome::new(Status::Failed, format!("{why}; {what}"));
    let Some(folder) = folder else {
        return not_held(&"there is no queue");
    };
    match hold::is_drained(folder) {
        Ok(true) => {}
        Ok(false) => return not_held(&"no websmsd drains the queue"),
        Err(error) => {
            let words = Cause(&error);
            return not_held(&format_args!("the queue cannot be used: {words}"));
        }
    }
    let mut item = item.clone();
    item.set_reason(why);
    match hold::put(folder, &item, config.queue.messages_max) {
        Ok(()) => Outcome::new(Status::Queued, why.to_owned()),
        Err(fault) => not_held(&fault),
    }
}

/// Makes a message from an order and finds its interface, or returns how the run ends without them.
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
        to: Number::parse_outbound(&number::clean(&address::reduce(order.to)))?,
        from: Sender::parse_outbound(&number::clean(&address::reduce(order.from)))?,
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
