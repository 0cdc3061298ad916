//! What comes in, counted; and the status page.
//!
//! Counted here and told to nobody else: a restart begins anew, and so does a configuration that
//! brings the page back. Refusals are counted where they are logged, one for one, whether or not the
//! log has room for all of them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::deliver::Fate;
use super::inbox::Inbox;
use super::{Service, Setup};
use crate::config::Config;
use crate::proto::record::metrics::{Inbound, Metrics, Outbound, Polls};
use crate::proto::wire::response::REASONS;
use crate::sys::clock;

/// What a status page needs, beside the configuration.
#[derive(Clone)]
pub struct Status {
    /// What has come in.
    pub counts: Arc<Counts>,
    /// Tells what went out.
    pub outbound: fn(&Config) -> Outbound,
}

/// Counts that wrap round. 32 bits: MIPS has no wider atomics.
#[derive(Debug, Default)]
pub struct Counts {
    accepted: AtomicU32,
    last_s: AtomicU32,
    duplicates: AtomicU32,
    /// One a word of [`REASONS`].
    refused: [AtomicU32; REASONS.len()],
    /// The counts of each interface that is polled.
    polls: Mutex<Vec<Polls>>,
}

impl Counts {
    /// Something is refused, for this word of [`REASONS`].
    pub fn refuse(&self, reason: &str) {
        let mut all = REASONS.iter().zip(&self.refused);
        if let Some((_, count)) = all.find(|(known, _)| **known == reason) {
            add_one(count);
        }
    }

    /// Counts a poll of an interface that has ended.
    pub fn poll(&self, interface: &str, is_good: bool) {
        let now_s = clock::now_s();
        let mut polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        let at = polls.iter().position(|it| it.name == interface);
        let at = at.unwrap_or_else(|| {
            let name = interface.to_owned();
            polls.push(Polls {
                name,
                ..Polls::default()
            });
            polls.len().saturating_sub(1)
        });
        if let Some(polls) = polls.get_mut(at) {
            match is_good {
                true => {
                    polls.good = polls.good.wrapping_add(1);
                    polls.last_s = now_s;
                }
                false => polls.failed = polls.failed.wrapping_add(1),
            }
        }
    }

    /// What became of an SMS. That it is not acceptable is counted where it is logged.
    pub(super) fn settle(&self, fate: &Fate) {
        match fate {
            Fate::Delivered(_) => {
                add_one(&self.accepted);
                let now_s = clock::now_s();
                if clock::is_sane(now_s) {
                    let now_s = u32::try_from(now_s).unwrap_or(u32::MAX);
                    self.last_s.store(now_s, Ordering::Relaxed);
                }
            }
            Fate::Duplicate => add_one(&self.duplicates),
            Fate::Held | Fate::Rejected(_) | Fate::TooLong | Fate::Crowded => {}
        }
    }
}

fn add_one(count: &AtomicU32) {
    count.fetch_add(1, Ordering::Relaxed);
}

impl Service {
    /// Counts a refusal, where somebody wants to know.
    pub fn count_refusal(&self, reason: &str) {
        if let Some(status) = &self.setup().status {
            status.counts.refuse(reason);
        }
    }
}

impl Status {
    /// Returns the page, which also shows how many connections there are and may be.
    pub(super) fn page(
        &self,
        setup: &Setup,
        (connections, connections_max): (u64, u64),
    ) -> Vec<u8> {
        let counts = &self.counts;
        let read = |count: &AtomicU32| u64::from(count.load(Ordering::Relaxed));
        let refused = REASONS.iter().zip(&counts.refused);
        let metrics = Metrics {
            inbound: Inbound {
                accepted: read(&counts.accepted),
                last_s: read(&counts.last_s),
                duplicates: read(&counts.duplicates),
                refused: refused.map(|(word, count)| (*word, read(count))).collect(),
                connections,
                connections_max,
                inbox: setup.keeper().map(Inbox::figures),
            },
            polls: counts
                .polls
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            outbound: (self.outbound)(&setup.config),
        };
        metrics.encode()
    }
}
