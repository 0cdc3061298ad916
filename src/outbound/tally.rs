//! Counts the tries over each interface, and reads the counts for the status page.
//!
//! There is a count for each interface and verdict ([`State::tallies`]), which includes both the SMS that
//! `websms` sends and those that `websmsd` sends from the queue. Without a `status_path` no file is
//! touched. A failure here never delays an SMS or makes it fail.

use super::hold;
use crate::config::Config;
use crate::proto::provider::{Blame, Verdict};
use crate::proto::record::envelope::QueueName;
use crate::proto::record::event;
use crate::proto::record::metrics::{Interface, Outbound, Queue};
use crate::proto::wire::form::rawurlencode;
use crate::state::State;
use crate::sys::cause::Cause;
use crate::sys::clock;
use crate::sys::events::{self, Mark};
use crate::sys::log::{self, Level};
use crate::sys::queue::Place;

const SENT: &str = "sent";
/// The results that a delivery report can give for an SMS that was taken.
const REPORTED: [&str; 2] = ["delivered", "undelivered"];
/// The other results of a try.
const FAILED: [&str; 3] = ["refused", "later", "unsure"];

/// Counts the result of one try, if the counts are shown anywhere.
pub fn count(config: &Config, interface: &str, verdict: &Verdict) {
    let (verdict, reason, mark) = match verdict {
        Verdict::Sent { .. } => (SENT, None, Mark::Works),
        Verdict::Refused { reason } => ("refused", Some(reason), Mark::Refuses),
        Verdict::Later { reason, blame, .. } => match blame {
            Blame::Message => ("later", Some(reason), Mark::Refuses),
            _ => ("later", Some(reason), Mark::Fails),
        },
        Verdict::Unsure { reason } => ("unsure", Some(reason), Mark::Fails),
    };
    add(config, interface, verdict);
    if let Some(reason) = reason
        && events::are_wanted()
    {
        let reason = reason.text();
        let record = event::Event {
            time_s: clock::now_s(),
            way: b"out",
            verdict: verdict.as_bytes(),
            interface: interface.as_bytes(),
            reason: reason.as_bytes(),
            ..event::Event::default()
        };
        events::record(mark, interface, &record.encode());
    }
}

/// Counts the result that a delivery report gave for an SMS.
pub fn count_report(config: &Config, interface: &str, has_failed: bool) {
    let [delivered, undelivered] = REPORTED;
    add(
        config,
        interface,
        if has_failed { undelivered } else { delivered },
    );
}

fn add(config: &Config, interface: &str, verdict: &str) {
    if config.rules.status.is_none() {
        return;
    }
    let Some(state) = State::of(config) else {
        return;
    };
    if let Err(error) = state.tallies().add(&name(interface, verdict)) {
        let words = Cause(&error);
        let words = format_args!("the status page will lack an SMS: {words}");
        log::event(Level::Debug, words);
    }
}

/// From now on what this process does is told to the daemon that shows it, if there can be one.
pub fn tell_daemon(config: &Config) {
    if config.rules.status.is_some()
        && let Some(state) = State::of(config)
    {
        events::tell(state.events());
    }
}

/// Returns the figures of outgoing SMS for the status page.
pub fn outbound(config: &Config) -> Outbound {
    let Some(state) = State::of(config) else {
        return Outbound::default();
    };
    let tallies = state.tallies();
    let interfaces = config.outgoing.iter().map(|outgoing| {
        let index = &outgoing.account.interface;
        let read = |verdict| tallies.read(&name(index, verdict));
        let (sent, last_s) = read(SENT);
        Interface {
            name: index.clone(),
            sent,
            last_s: Some(last_s).filter(|s| clock::is_sane(*s)).unwrap_or(0),
            failed: FAILED.map(|verdict| (verdict, read(verdict).0)).to_vec(),
            reported: config
                .queue
                .reports
                .then(|| REPORTED.map(|word| read(word).0)),
        }
    });
    Outbound {
        queue: waiting(&state),
        interfaces: interfaces.collect(),
    }
}

fn waiting(state: &State) -> Option<Queue> {
    let folder = state.queue();
    let names = folder.list(Place::New).ok()?;
    let failed = folder.list(Place::Failed).ok()?;
    let count = |names: &[String]| u64::try_from(names.len()).unwrap_or(u64::MAX);
    let oldest_s = match names.first() {
        None => Some(0),
        Some(first) => QueueName::parse(first).and_then(|name| {
            let queued_s = hold::read(&folder, &name).ok()?.queued_s;
            let now_s = hold::stamp_s();
            (queued_s > 0 && now_s > 0).then(|| now_s.saturating_sub(queued_s))
        }),
    };
    Some(Queue {
        waiting: count(&names),
        failed: count(&failed),
        oldest_s,
    })
}

fn name(interface: &str, verdict: &str) -> String {
    format!("interface-{}.{verdict}", rawurlencode(interface.as_bytes()))
}
