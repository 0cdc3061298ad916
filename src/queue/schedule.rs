//! Makes the schedule's settings from a configuration.

use std::time::Duration;

use crate::config::{Config, Outgoing};
use crate::limits::SENDERS_MAX;
use crate::proto::record::schedule::{self, JITTER_MAX};

/// Returns the chains of interfaces, the pauses and the number of senders.
pub fn settings(config: &Config) -> schedule::Settings {
    let link = |outgoing: &&Outgoing| {
        let account = &outgoing.account;
        (account.interface.clone(), account.text_chars_max)
    };
    let chains = config.outgoing.iter().map(|outgoing| {
        let chain = config.chain(outgoing);
        let name = outgoing.account.interface.clone();
        (name, chain.iter().map(link).collect())
    });
    schedule::Settings {
        chains: chains.collect(),
        pauses_ms: pauses_ms(config),
        senders_max: SENDERS_MAX,
    }
}

/// Returns the pauses between tries in milliseconds.
pub fn pauses_ms(config: &Config) -> Vec<u64> {
    let ms = |pause: &Duration| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    config.queue.retry.iter().map(ms).collect()
}

/// Returns a jitter for the schedule. It need not be secret, only different each time, so the clock's last
/// digits are enough.
pub fn jitter() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ns = since.map_or(0, |since| u64::from(since.subsec_nanos()));
    (ns / 1000)
        .checked_rem(JITTER_MAX.saturating_add(1))
        .unwrap_or(0)
}
