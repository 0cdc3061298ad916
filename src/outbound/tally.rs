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
use crate::proto::record::metrics::{self, Interface, Queue, VERDICTS};
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

/// Returns the figures of the queue and those of each interface for the status page.
pub fn outbound(config: &Config) -> (Option<Queue>, Vec<Interface>) {
    let mut interfaces = Vec::new();
    let Some(state) = State::of(config) else {
        return (None, interfaces);
    };
    let tallies = state.tallies();
    for outgoing in &config.outgoing {
        let index = &outgoing.account.interface;
        let Some(it) = Interface::of(index, &mut interfaces) else {
            continue;
        };
        let mut read = |verdict, fact| {
            let (count, last_s) = tallies.read(&name(index, verdict));
            it.set(fact, count);
            last_s
        };
        for (verdict, fact) in VERDICTS.iter().zip(metrics::FAILED) {
            read(verdict, fact);
        }
        if config.queue.reports {
            for (word, fact) in REPORTED.iter().zip(metrics::REPORTED) {
                read(word, fact);
            }
        }
        let last_s = read(SENT, metrics::SENT);
        if clock::is_sane(last_s) {
            it.set(metrics::LAST_SENT, last_s);
        }
    }
    (waiting(&state), interfaces)
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
