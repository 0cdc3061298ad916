//! Counts and records incoming SMS, and gives the status page in its three forms.
//!
//! Nothing of the page is computed before somebody asks for it. The figures of the past are counted here
//! and stored nowhere else: a restart begins anew, and so does a configuration that brings the page back.
//! Refusals are counted where they are logged, one for one, whether or not the log has room for all of
//! them.

mod gather;
mod problems;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use problems::{CLOCK_FACT, CLOCK_REMEDY, PBX_SPOOL_REMEDY};

use super::deliver::MessageResult;
use super::inbox::Inbox;
use super::{Service, Setup};
use crate::config::Config;
use crate::message::Message;
use crate::proto::record::event::Event;
use crate::proto::record::inbox::id_text;
use crate::proto::record::metrics::{self, Interface, Metrics, Queue};
use crate::proto::record::page;
use crate::proto::record::sheet::{self, Sheet, View};
use crate::proto::webhook::access::Login;
use crate::proto::wire::accept::{self, Form};
use crate::proto::wire::request::Request;
use crate::proto::wire::response::{CHALLENGE, REASONS};
use crate::sys::clock;
use crate::sys::events::{self, Mark};

/// Returns the warnings and faults of `--check` on a configuration that runs.
pub type Remarks = Arc<dyn Fn(&Config) -> Vec<String> + Send + Sync>;

/// The data that a status page needs beside the configuration.
#[derive(Clone)]
pub struct StatusData {
    /// The counts of incoming SMS.
    pub counts: Arc<Counts>,
    /// Returns the figures of the queue, and those of each interface.
    pub outbound: fn(&Config) -> (Option<Queue>, Vec<Interface>),
    /// Writes lists of the SMS that wait and of those that were given up.
    pub lists: fn(&Config, &mut Sheet),
    /// Returns the warnings and faults of `--check`.
    pub remarks: Remarks,
}

/// Counts that wrap round. 32 bits: MIPS has no wider atomics.
#[derive(Debug, Default)]
pub struct Counts {
    accepted: AtomicU32,
    last_s: AtomicU32,
    duplicates: AtomicU32,
    /// A count for each word of [`REASONS`].
    refused: [AtomicU32; REASONS.len()],
    /// The counts of each interface that is polled or received something.
    interfaces: Mutex<Vec<Interface>>,
}

impl Counts {
    /// Counts a refusal under this word of [`REASONS`].
    pub fn refuse(&self, reason: &str) {
        let mut all = REASONS.iter().zip(&self.refused);
        if let Some((_, count)) = all.find(|(known, _)| **known == reason) {
            add_one(count);
        }
    }

    /// Counts a poll of an interface that has ended.
    pub fn poll(&self, interface: &str, is_good: bool) {
        let now_s = clock::now_s();
        let mut all = lock(&self.interfaces);
        if let Some(it) = Interface::of(interface, &mut all) {
            it.add(metrics::POLLS, u64::from(is_good));
            it.add(metrics::POLLS_FAILED, u64::from(!is_good));
            if is_good {
                it.set(metrics::LAST_POLL, now_s);
                it.set(metrics::POLLS_FAILING, 0);
            } else if it.fact(metrics::POLLS_FAILING) == 0 {
                it.set(metrics::POLLS_FAILING, now_s);
            }
        }
    }

    /// Counts the result of an SMS, and records it for the page. An SMS that is not acceptable is counted
    /// where it is logged.
    pub(super) fn settle(
        &self,
        interface: &str,
        message: &Message,
        result: &MessageResult,
        id: &str,
    ) {
        let now_s = clock::now_s();
        let (verdict, unique) = match result {
            MessageResult::Delivered(unique) => {
                add_one(&self.accepted);
                let sane_s = if clock::is_sane(now_s) { now_s } else { 0 };
                if sane_s > 0 {
                    let sane_s = u32::try_from(sane_s).unwrap_or(u32::MAX);
                    self.last_s.store(sane_s, Ordering::Relaxed);
                }
                self.receive(interface, sane_s);
                ("RECEIVED", Some(id_text(*unique)))
            }
            MessageResult::Duplicate => {
                add_one(&self.duplicates);
                ("DUPLICATE", None)
            }
            MessageResult::Held => ("PART", None),
            MessageResult::Rejected(_) | MessageResult::TooLong | MessageResult::Crowded => return,
        };
        let event = Event {
            time_s: now_s,
            way: b"in",
            verdict: verdict.as_bytes(),
            from: message.from.as_str().as_bytes(),
            to: message.to.as_str().as_bytes(),
            interface: interface.as_bytes(),
            id: unique.as_deref().unwrap_or(id).as_bytes(),
            reason: b"",
        };
        events::record(Mark::Neither, "", &event.encode());
    }

    fn receive(&self, interface: &str, now_s: u64) {
        let mut all = lock(&self.interfaces);
        if let Some(it) = Interface::of(interface, &mut all) {
            it.add(metrics::RECEIVED, 1);
            let last_s = it.fact(metrics::LAST_RECEIVED).max(now_s);
            it.set(metrics::LAST_RECEIVED, last_s);
        }
    }

    /// Records that a request was refused, or that it is kept under `id`.
    pub(super) fn note(verdict: &str, interface: &str, id: &str, reason: &str) {
        let event = Event {
            time_s: clock::now_s(),
            way: b"in",
            verdict: verdict.as_bytes(),
            interface: interface.as_bytes(),
            id: id.as_bytes(),
            reason: reason.as_bytes(),
            ..Event::default()
        };
        events::record(Mark::Neither, "", &event.encode());
    }
}

fn add_one(count: &AtomicU32) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn lock(all: &Mutex<Vec<Interface>>) -> MutexGuard<'_, Vec<Interface>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Service {
    /// Counts a refusal, if the counts are shown anywhere.
    pub fn count_refusal(&self, reason: &str) {
        if let Some(status) = &self.setup().status {
            status.counts.refuse(reason);
        }
    }
}

impl StatusData {
    /// Returns the figures, which also show how many connections there are and may be.
    fn metrics(&self, setup: &Setup, (connections, connections_max): (u64, u64)) -> Metrics {
        let counts = &self.counts;
        let read = |count: &AtomicU32| u64::from(count.load(Ordering::Relaxed));
        let refused = REASONS.iter().zip(&counts.refused);
        let (queue, mut interfaces) = (self.outbound)(&setup.config);
        let [inbox, queue] = [setup.keeper().map(Inbox::figures), queue].map(|queue| {
            let oldest_s = queue.and_then(|queue| queue.oldest_s);
            [
                queue.map(|queue| queue.waiting),
                queue.map(|queue| queue.failed),
                oldest_s,
            ]
        });
        for counted in lock(&counts.interfaces).iter() {
            if let Some(it) = Interface::of(&counted.name, &mut interfaces) {
                it.merge(counted);
            }
        }
        Metrics {
            figures: [
                Some(read(&counts.accepted)),
                Some(read(&counts.last_s)),
                Some(read(&counts.duplicates)),
                inbox[0],
                inbox[1],
                inbox[2],
                queue[0],
                queue[1],
                queue[2],
                Some(connections),
                Some(connections_max),
            ],
            refused: refused.map(|(word, count)| (*word, read(count))).collect(),
            interfaces,
        }
    }

    /// Returns the answer to a request of somebody who may read the figures. It is a function of its own,
    /// so that not every request takes up its stack.
    #[inline(never)]
    pub(super) fn answer(&self, setup: &Setup, request: &Request, connections: (u64, u64)) -> Page {
        let mut metrics = self.metrics(setup, connections);
        let form = accept::choose(&mut request.headers("Accept"));
        if form == Form::Figures {
            return Page {
                is_wrong: false,
                status: 200,
                body: metrics.encode(),
                content_type: metrics::CONTENT_TYPE,
                fields: [""; 3],
            };
        }
        let rules = setup.config.rules.status.as_ref();
        let login = rules.map_or(Login::Closed, |status| status.login(request));
        let asks = login == Login::Wrong || (login == Login::Absent && request.query() == DETAILS);
        let view = match login {
            Login::Closed => View::Figures,
            Login::Right => View::Whole,
            Login::Absent | Login::Wrong => View::SignedOut,
        };
        let body = gather::sheet(self, setup, &mut metrics, form, view);
        let (content_type, fields) = match form {
            Form::Json => (sheet::JSON_TYPE, sheet::FIELDS),
            _ => (page::CONTENT_TYPE, page::FIELDS),
        };
        Page {
            is_wrong: login == Login::Wrong,
            status: if asks { 401 } else { 200 },
            body,
            content_type,
            fields: [if asks { CHALLENGE } else { "" }, fields, ""],
        }
    }
}

/// The query with which a browser requests the prompt for `status_auth`.
const DETAILS: &[u8] = b"details";

/// The status page in one of its forms.
pub(super) struct Page {
    /// Whether the request gave a wrong `status_auth`.
    pub is_wrong: bool,
    pub status: u16,
    pub body: Vec<u8>,
    pub content_type: &'static str,
    pub fields: [&'static str; 3],
}
