//! Decides which message is sent next, or how long to wait, from the waiting messages, the interfaces and
//! the time.
//!
//! All times are milliseconds of one clock that never jumps; 0 is long ago.
//!
//! An interface is up until a try fails temporarily. Then it is down for a pause, after which one message
//! probes for all that wait for it. The probe is the message that was tried longest ago, so that a message
//! that alone makes the provider fail does not keep the others from it. Such a message has pauses of its
//! own, and the interface's pauses become longer only when another message fails too.
//!
//! A flush owes each message one try, even over an interface that is down, until a few in a row have failed
//! there.
//!
//! Invariant: at most one message is under way to a destination, the first to come of those whose interface
//! exists, and at most one over an interface.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::limits::FLUSH_FAILURES_MAX;
use crate::proto::record::envelope::QueueName;
use crate::proto::sorted::Sorted;

/// The settings of the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// For each interface the chain of interfaces to try: itself and those after it, in order, each with
    /// the number of characters that it takes.
    pub chains: Sorted<String, Vec<(String, usize)>>,
    /// The pauses between tries; the last repeats. Never empty.
    pub pauses_ms: Vec<u64>,
    /// The number of messages that may be under way at once.
    pub senders_max: usize,
}

/// A waiting message, as its file describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedMessage {
    /// The interface to try first.
    pub interface: String,
    /// The time before which it is not tried.
    pub due_ms: u64,
    /// The time before which it is not tried over the interfaces after the first.
    pub spare_due_ms: u64,
    /// The time at which it is given up; `None` while the clock is not sane.
    pub expires_ms: Option<u64>,
    /// The number of characters of its text. Interfaces after the first that take fewer do not try it.
    pub chars: usize,
    /// Whether it may have been sent, so that no other interface may try it.
    pub unsure: bool,
    /// Whether the provider forbade this message alone, so that its waiting says nothing about its
    /// interface.
    pub forbidden: bool,
    /// The number of earlier tries. Of messages that were not tried since, the one with the fewest tries
    /// probes first.
    pub tries: u32,
}

/// The next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Send this message over that interface and report the result.
    Send(QueueName, String),
    /// Give this message up, because it is too old.
    Expire(QueueName),
    /// Wait until then, or until there is news.
    Wait(Option<u64>),
}

/// The result of a try, for the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// It was sent or refused, so the provider answers.
    Done,
    /// It failed temporarily.
    Later {
        /// The wait that the provider asked for, in milliseconds; 0 if it asked for none.
        wait_ms: u64,
    },
    /// The provider answers, but forbids this message alone.
    Forbidden {
        /// The wait that the provider asked for, in milliseconds; 0 if it asked for none.
        wait_ms: u64,
    },
    /// It may have been sent.
    Unsure,
    /// It was not tried, because the interface's rate or limit is used up.
    Held {
        /// The milliseconds until the next message may go.
        wait_ms: u64,
    },
    /// It was not tried, for a reason that concerns no other message.
    Aside {
        /// The milliseconds until it may be tried.
        wait_ms: u64,
    },
}

/// All waiting messages and the states of the interfaces.
#[derive(Debug)]
pub struct Schedule {
    settings: Settings,
    waiting: Sorted<QueueName, Waiting>,
    interfaces: Sorted<String, State>,
    under_way: usize,
}

#[derive(Debug)]
struct Waiting {
    entry: QueuedMessage,
    /// The interface over which it is under way.
    via: Option<String>,
    tried_ms: u64,
    /// The number of its failures on an interface that worked for others.
    alone: usize,
    /// The time before which it is not tried over the interfaces after the first.
    spare_due_ms: u64,
    /// Whether a flush wants one try for it, due or not.
    owed: bool,
}

#[derive(Debug, Default)]
struct State {
    busy: bool,
    down: Option<Down>,
    /// The time before which the interface may not send.
    held_ms: u64,
    /// The number of failed tries since the last flush and the last success.
    failures: usize,
}

#[derive(Debug)]
struct Down {
    until_ms: u64,
    /// The index of the present pause.
    pause: usize,
    /// The message that failed last.
    failed: QueueName,
}

/// Whether and over which interface a message can go.
enum Way {
    Up(String),
    Probe(String),
    At(Option<u64>),
}

impl Schedule {
    /// Returns a schedule without messages, in which every interface is up.
    pub fn new(settings: Settings) -> Schedule {
        Schedule {
            settings,
            waiting: Sorted::new(),
            interfaces: Sorted::new(),
            under_way: 0,
        }
    }

    /// Applies new settings from the next try on. The states of the interfaces are kept.
    pub fn reconfigure(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Takes up a message. If it was tried elsewhere and must wait, its interface counts as down.
    pub fn add(&mut self, name: QueueName, entry: QueuedMessage, now_ms: u64) {
        if let Some(state) = state_of(&mut self.interfaces, &entry.interface)
            && entry.due_ms > now_ms
            && !entry.forbidden
            && state.down.is_none()
        {
            state.down = Some(Down {
                until_ms: entry.due_ms,
                pause: 0,
                failed: name.clone(),
            });
        }
        let waiting = Waiting {
            via: None,
            tried_ms: 0,
            alone: 0,
            // At that try the interfaces after its own were asked as well.
            spare_due_ms: entry.spare_due_ms.max(entry.due_ms),
            entry,
            owed: false,
        };
        self.waiting.insert(name, waiting);
    }

    /// Changes the time at which a message is too old.
    pub fn set_expiry(&mut self, name: &QueueName, expires_ms: Option<u64>) {
        if let Some(waiting) = self.waiting.get_mut(name) {
            waiting.entry.expires_ms = expires_ms;
        }
    }

    /// Changes the age at which messages are given up.
    pub fn move_expiry(&mut self, before: Duration, after: Duration) {
        let [before, after] =
            [before, after].map(|expire| u64::try_from(expire.as_millis()).unwrap_or(u64::MAX));
        for waiting in self.waiting.values_mut() {
            let expires_ms = waiting.entry.expires_ms;
            waiting.entry.expires_ms =
                expires_ms.map(|at_ms| at_ms.saturating_add(after).saturating_sub(before));
        }
    }

    /// Returns interfaces that do not exist, with the number of messages that wait for each.
    pub fn lost(&self) -> Sorted<String, usize> {
        let mut lost = Sorted::new();
        for (_, waiting) in self.waiting.iter() {
            let interface = &waiting.entry.interface;
            if !self.settings.chains.contains(interface) {
                let many: usize = lost.get(interface).copied().unwrap_or(0);
                lost.insert(interface.clone(), many.saturating_add(1));
            }
        }
        lost
    }

    /// Whether this message is known.
    pub fn holds(&self, name: &QueueName) -> bool {
        self.waiting.contains(name)
    }

    /// Forgets messages that are no longer in the folder: removing the file cancels the SMS.
    pub fn retain(&mut self, is_there: impl Fn(&QueueName) -> bool) {
        self.waiting
            .retain(|name, waiting| waiting.via.is_some() || is_there(name));
    }

    /// Returns the number of waiting messages.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no message waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether any message is under way.
    pub fn is_busy(&self) -> bool {
        self.under_way > 0
    }

    /// Makes every message due once, and forgets that interfaces were down.
    pub fn flush(&mut self) {
        for state in self.interfaces.values_mut() {
            state.down = None;
            state.failures = 0;
        }
        for waiting in self.waiting.values_mut() {
            waiting.entry.due_ms = 0;
            waiting.spare_due_ms = 0;
            waiting.owed = true;
        }
    }

    /// Returns the next step. A message that is to be sent is under way from here to [`Schedule::tried`].
    pub fn next(&mut self, now_ms: u64) -> Next {
        let under_way = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.via.is_some());
        let mut destinations: Sorted<u64> =
            under_way.map(|(name, _)| (name.destination, ())).collect();
        let mut wake_ms = None;
        let mut probe: Option<((u64, u32), QueueName, String)> = None;
        let mut chosen = None;
        let full = self.under_way >= self.settings.senders_max;
        for (name, waiting) in self.waiting.iter() {
            let first = !destinations.contains(&name.destination);
            // A message whose interface does not exist holds up no other.
            let has_way = self.settings.chains.contains(&waiting.entry.interface);
            if first && has_way {
                destinations.insert(name.destination, ());
            }
            if waiting.via.is_some() {
                continue;
            }
            match waiting.entry.expires_ms {
                Some(expires_ms) if expires_ms <= now_ms => return Next::Expire(name.clone()),
                expires_ms => wake_ms = earlier(wake_ms, expires_ms),
            }
            if !first || full || chosen.is_some() {
                continue;
            }
            match self.way(waiting, now_ms) {
                Way::Up(via) => chosen = Some((name.clone(), via)),
                Way::Probe(via) => {
                    let turn = (waiting.tried_ms, waiting.entry.tries);
                    let earliest = probe.as_ref().map(|(turn, ..)| *turn);
                    if earliest.is_none_or(|earliest| turn < earliest) {
                        probe = Some((turn, name.clone(), via));
                    }
                }
                Way::At(at_ms) => wake_ms = earlier(wake_ms, at_ms),
            }
        }
        let chosen = chosen.or_else(|| probe.map(|(_, name, via)| (name, via)));
        let Some((name, via)) = chosen else {
            return Next::Wait(wake_ms);
        };
        if let Some(waiting) = self.waiting.get_mut(&name) {
            waiting.via = Some(via.clone());
        }
        if let Some(state) = state_of(&mut self.interfaces, &via) {
            state.busy = true;
        }
        self.under_way = self.under_way.saturating_add(1);
        Next::Send(name, via)
    }

    /// Returns the interface over which a message can go now.
    fn way(&self, waiting: &Waiting, now_ms: u64) -> Way {
        let entry = &waiting.entry;
        let Some(chain) = self.settings.chains.get(&entry.interface) else {
            // Its interface is no longer configured: the message waits until it comes back.
            return Way::At(None);
        };
        let mut wake_ms = None;
        let length = if entry.unsure { 1 } else { chain.len() };
        for (place, (via, chars_max)) in chain.iter().enumerate().take(length) {
            let due_ms = match place {
                0 => entry.due_ms,
                _ => waiting.spare_due_ms,
            };
            // The first interface refuses such a text, and its sender is told.
            if place > 0 && entry.chars > *chars_max {
                continue;
            }
            let state = self.interfaces.get(via);
            let down = state.and_then(|state| state.down.as_ref());
            let until_ms = down.map_or(0, |down| down.until_ms);
            let held_ms = state.map_or(0, |state| state.held_ms);
            let failures = state.map_or(0, |state| state.failures);
            let at_ms = match waiting.owed && failures < FLUSH_FAILURES_MAX {
                true => held_ms,
                false => due_ms.max(until_ms).max(held_ms),
            };
            if at_ms > now_ms {
                wake_ms = earlier(wake_ms, Some(at_ms));
                continue;
            }
            match (state.is_some_and(|state| state.busy), down.is_some()) {
                (false, false) => return Way::Up(via.clone()),
                (false, true) => return Way::Probe(via.clone()),
                // The interface works, so the message waits its turn there.
                (true, false) => return Way::At(None),
                (true, true) => {}
            }
        }
        Way::At(wake_ms)
    }

    /// Records the result of a message that [`Schedule::next`] gave out. `jitter` is 0 to 200 and shortens
    /// a pause by so many thousandths, so that waiting messages do not come back all at once.
    pub fn tried(&mut self, name: &QueueName, tried: Tried, now_ms: u64, jitter: u64) {
        let Some(waiting) = self.waiting.get_mut(name) else {
            return;
        };
        let Some(via) = waiting.via.take() else {
            return;
        };
        self.under_way = self.under_way.saturating_sub(1);
        let Some(state) = state_of(&mut self.interfaces, &via) else {
            return;
        };
        state.busy = false;
        let pauses = &self.settings.pauses_ms;
        let wait_ms = match tried {
            Tried::Done => {
                state.down = None;
                state.failures = 0;
                self.waiting.remove(name);
                return;
            }
            Tried::Held { wait_ms } => {
                state.held_ms = now_ms.saturating_add(wait_ms);
                return;
            }
            Tried::Aside { wait_ms } => {
                let due_ms = now_ms.saturating_add(wait_ms);
                waiting.entry.due_ms = waiting.entry.due_ms.max(due_ms);
                waiting.spare_due_ms = waiting.spare_due_ms.max(due_ms);
                waiting.owed = false;
                return;
            }
            Tried::Forbidden { wait_ms } => {
                state.down = None;
                state.failures = 0;
                let pause_ms = pause_ms(pauses, waiting.alone, jitter);
                let due_ms = now_ms.saturating_add(pause_ms.max(wait_ms.min(longest(pauses))));
                waiting.alone = waiting.alone.saturating_add(1);
                waiting.entry.due_ms = due_ms;
                waiting.spare_due_ms = due_ms;
                waiting.tried_ms = now_ms;
                waiting.owed = false;
                return;
            }
            Tried::Later { wait_ms } => wait_ms,
            Tried::Unsure => {
                waiting.entry.unsure = true;
                waiting.entry.interface = via.clone();
                0
            }
        };
        let owed = core::mem::take(&mut waiting.owed) && state.failures < FLUSH_FAILURES_MAX;
        state.failures = state.failures.saturating_add(1);
        let is_another = state.down.as_ref().is_some_and(|down| down.failed != *name);
        let place = match &state.down {
            None => 0,
            Some(down) if is_another && !owed => down.pause.saturating_add(1),
            Some(down) => down.pause,
        };
        let asked_ms = wait_ms.min(longest(pauses));
        let until_ms = now_ms.saturating_add(pause_ms(pauses, place, jitter).max(asked_ms));
        let due_ms = match is_another && tried != Tried::Unsure {
            true => now_ms,
            // It failed although others, as far as is known, do not.
            false => {
                let alone = waiting.alone;
                waiting.alone = alone.saturating_add(1);
                now_ms.saturating_add(pause_ms(pauses, alone, jitter).max(asked_ms))
            }
        };
        state.down = Some(Down {
            until_ms,
            pause: place,
            failed: name.clone(),
        });
        waiting.tried_ms = now_ms;
        match waiting.entry.interface == via {
            true => waiting.entry.due_ms = due_ms,
            false => waiting.spare_due_ms = due_ms,
        }
    }

    /// Forgets a message that was given up.
    pub fn remove(&mut self, name: &QueueName) {
        self.waiting.remove(name);
    }
}

/// Returns the state of an interface; a new interface is up.
fn state_of<'a>(interfaces: &'a mut Sorted<String, State>, name: &String) -> Option<&'a mut State> {
    if !interfaces.contains(name) {
        interfaces.insert(name.clone(), State::default());
    }
    interfaces.get_mut(name)
}

fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Returns the pause after this many earlier failures, shortened by jitter.
pub fn pause_ms(pauses_ms: &[u64], place: usize, jitter: u64) -> u64 {
    let pause = pauses_ms.get(place).or_else(|| pauses_ms.last());
    let pause = pause.copied().unwrap_or(0);
    let off = pause.saturating_mul(jitter.min(JITTER_MAX)) / 1000;
    pause.saturating_sub(off)
}

/// The greatest jitter, in thousandths of a pause.
pub const JITTER_MAX: u64 = 200;

fn longest(pauses_ms: &[u64]) -> u64 {
    pauses_ms.iter().copied().max().unwrap_or(0)
}

/// Returns in how many milliseconds a message is due that was written with `due_s`, by the present clock.
/// The result never exceeds the longest pause, so that a clock that has jumped holds up nothing.
pub fn due_in_ms(due_s: u64, now_s: u64, pauses_ms: &[u64]) -> u64 {
    let wait_ms = due_s.saturating_sub(now_s).saturating_mul(1000);
    match wait_ms <= longest(pauses_ms) {
        true => wait_ms,
        false => 0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]
mod tests;
