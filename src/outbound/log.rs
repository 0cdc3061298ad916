//! Logs the results of SMS: sender, destination, interface; never a text or a secret. The id is that of the
//! run, of the message in the queue, and of every later line on it.

use std::borrow::Cow;

use super::outcome::{Outcome, Status};
use crate::message::{LogNumbers, Text};
use crate::proto::record::envelope::Item;
use crate::proto::record::event;
use crate::proto::record::sent::Sms;
use crate::proto::wire::text;
use crate::sys::clock;
use crate::sys::events::{self, Mark};
use crate::sys::log::{self, Level, Quoted};

/// The end of a run, or of a message in the queue.
pub struct Event<'a> {
    pub id: &'a str,
    pub to: &'a [u8],
    pub from: &'a [u8],
    pub text: &'a [u8],
    /// The interface over which it was sent, or would have been sent.
    pub interface: &'a str,
    pub outcome: &'a Outcome,
    pub numbers: LogNumbers,
}

/// Logs an end.
pub fn end(event: &Event<'_>) {
    let mark = match event.outcome.status {
        Status::Sent => Mark::Works,
        _ => Mark::Neither,
    };
    note(mark, event);
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
            to = Quoted(&event.numbers.show(event.to)),
            from = Quoted(&event.numbers.show(event.from)),
            interface = Quoted(event.interface.as_bytes()),
            provider = Quoted(event.outcome.id.as_deref().unwrap_or("-").as_bytes()),
            reason = event.outcome.reason,
        ),
    );
}

/// Records an end for the status page.
fn note(mark: Mark, event: &Event<'_>) {
    if !events::are_wanted() {
        return;
    }
    let record = event::Event {
        time_s: clock::now_s(),
        way: b"out",
        verdict: event.outcome.status.word().as_bytes(),
        from: event.from,
        to: event.to,
        interface: event.interface.as_bytes(),
        id: event.id.as_bytes(),
        reason: event.outcome.reason.as_bytes(),
    };
    events::record(mark, event.interface, &record.encode());
}

/// Logs the end of a message that has been in the queue; `via` is the interface over which it was tried
/// last.
pub fn end_of(item: &Item, via: &str, outcome: &Outcome, numbers: LogNumbers) {
    end(&Event {
        id: &item.id,
        to: item.message.to.as_str().as_bytes(),
        from: item.message.from.as_str().as_bytes(),
        text: item.message.text.as_bytes(),
        interface: via,
        outcome,
        numbers,
    });
}

/// Logs the result of a delivery report on an SMS that a provider took: why it failed, or that it has
/// arrived.
pub fn reported(sms: &Sms<'_>, failure: Option<&str>, numbers: LogNumbers) {
    let (level, word, colon, reason) = match failure {
        Some(reason) => (Level::Warning, "UNDELIVERED", ": ", reason),
        None => (Level::Info, "DELIVERED", "", ""),
    };
    if events::are_wanted() {
        let record = event::Event {
            time_s: clock::now_s(),
            way: b"out",
            verdict: word.as_bytes(),
            from: sms.from.as_bytes(),
            to: sms.to.as_bytes(),
            interface: sms.interface.as_bytes(),
            id: sms.id.as_bytes(),
            reason: reason.as_bytes(),
        };
        events::record(Mark::Neither, "", &record.encode());
    }
    log::event(
        level,
        format_args!(
            "out {word} {id} to={to} from={from} interface={interface} ref={reference}{colon}{reason}",
            id = sms.id,
            to = Quoted(&numbers.show(sms.to.as_bytes())),
            from = Quoted(&numbers.show(sms.from.as_bytes())),
            interface = Quoted(sms.interface.as_bytes()),
            reference = Quoted(sms.reference().as_bytes()),
        ),
    );
}

/// Logs that a provider refuses the account, which only the operator can repair.
pub fn account_refused(via: &str, reason: &str) {
    log::event(
        Level::Error,
        format_args!(
            "interface={}: the account is refused: {reason}; its SMS wait, where there is a queue, \
             until that is mended or they expire",
            Quoted(via.as_bytes())
        ),
    );
}

/// Logs why an interface did not send a message that is not given up.
pub fn waits(item: &Item, via: &str, reason: &str, numbers: LogNumbers) {
    log::event(
        Level::Notice,
        format_args!(
            "out WAITS {id} to={to} interface={via} try={tries}: {reason}",
            id = item.id,
            to = Quoted(&numbers.show(item.message.to.as_str().as_bytes())),
            via = Quoted(via.as_bytes()),
            tries = item.tries
        ),
    );
}
