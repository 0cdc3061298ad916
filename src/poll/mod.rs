//! Story 4: where no provider can call us, we poll it. One thread polls for all interfaces; they take turns
//! page by page.
//!
//! ```text
//! schedule ─▶ request ─▶ page ─▶ elements ─ known? ─▶ held ─▶ inbound, oldest first ─▶ noted in a file
//!     ▲                    └─ next page ─┐
//!     └──────────────────────────────────┘
//! ```
//!
//! An SMS is noted only once it is safe: one that could not be stored is requested again. A poll that finds
//! nothing new writes nothing.

mod memory;
mod poller;

use std::time::{Duration, Instant};

use crate::inbound::{CurrentSetup, Setup};
use crate::limits::{POLL_CLOCK_PAUSE, POLL_THREAD_PAUSE, POLLS_AT_ONCE_MAX, SENDER_STACK_BYTES};
use crate::sys::clock;
use crate::sys::threads;
pub use poller::look;
use poller::{Poller, Stepped};

/// Polls for ever. `news` tells that the configuration has changed.
pub fn run(source: &CurrentSetup, news: &threads::Receiver<()>) -> ! {
    let begun = Instant::now();
    let mut pollers: Vec<Poller> = Vec::new();
    loop {
        let setup = source();
        match_up(&mut pollers, &setup, begun.elapsed());
        let wait = turn(&mut pollers, &setup, begun);
        // Releases the setup before waiting, so that a replaced one does not stay open.
        drop(setup);
        if !wait.is_zero() {
            news.wait(wait);
        }
    }
}

/// Makes a request for the interface that is due first. Returns how long none is due.
fn turn(pollers: &mut [Poller], setup: &Setup, begun: Instant) -> Duration {
    const IDLE: Duration = Duration::from_secs(3600);
    let Some(first) = pollers.iter_mut().min_by_key(|it| it.schedule.due()) else {
        return IDLE;
    };
    let wait = first.schedule.due().saturating_sub(begun.elapsed());
    if !wait.is_zero() {
        return wait;
    }
    if !clock::is_sane(clock::now_s()) {
        return POLL_CLOCK_PAUSE;
    }
    let mut step = || {
        first.step(setup, &|| begun.elapsed(), &mut |_| {});
    };
    if threads::apart("poll", SENDER_STACK_BYTES, &mut step).is_err() {
        return POLL_THREAD_PAUSE;
    }
    // Closes the spool's folders while nobody delivers, so that their filesystem can be unmounted.
    setup.spool.rest();
    Duration::ZERO
}

/// Makes exactly one poller for each interface that is polled.
fn match_up(pollers: &mut Vec<Poller>, setup: &Setup, now: Duration) {
    let polls = &setup.config.polls;
    pollers.retain(|it| polls.iter().any(|poll| poll.interface == it.name()));
    for poll in polls {
        match pollers.iter_mut().find(|it| it.name() == poll.interface) {
            Some(known) => known.schedule.every = poll.every,
            None => pollers.push(Poller::new(&poll.interface, poll.every, now)),
        }
    }
}

/// The result of polling once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Every list was read to its end.
    Good,
    /// At least one list was not read to its end.
    Failed,
    /// The configuration polls nobody, or not for this interface.
    Nobody,
}

/// Polls once, for the interface with this index or for all. `say` receives each step, without a text or a
/// secret.
pub fn once(setup: &Setup, index: Option<&str>, say: &mut dyn FnMut(&str)) -> Asked {
    if !clock::is_sane(clock::now_s()) {
        say("clock: it is not set, so nothing is asked; set it");
        return Asked::Failed;
    }
    let begun = Instant::now();
    let mut asked = Asked::Nobody;
    for poll in &setup.config.polls {
        if index.is_some_and(|index| index != poll.interface) {
            continue;
        }
        if asked == Asked::Nobody {
            asked = Asked::Good;
        }
        let mut poller = Poller::new(&poll.interface, poll.every, begun.elapsed());
        let mut polls = 1_usize;
        loop {
            match poller.step(setup, &|| begun.elapsed(), say) {
                Stepped::More => {}
                // Goes on at once, because no later poll would.
                Stepped::Enough if polls < POLLS_AT_ONCE_MAX => polls = polls.saturating_add(1),
                Stepped::Good => break,
                Stepped::Enough => {
                    say("failed: the list has no end");
                    asked = Asked::Failed;
                    break;
                }
                Stepped::Failed => {
                    asked = Asked::Failed;
                    break;
                }
            }
        }
    }
    if asked == Asked::Nobody {
        say(
            "poll: no interface of this configuration asks its provider, or none of this index; poll = 60s in [websmsd] does",
        );
    }
    asked
}
