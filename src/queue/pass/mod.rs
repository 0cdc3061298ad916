//! Sends the queue to the providers: one process drains it, one thread decides, and a few threads send.
//!
//! The schedule ([`crate::proto::record::schedule`]) decides what is sent next; this module carries it out
//! and writes down the results. A message's file is touched only for facts that must outlive this process:
//! that it failed at all, that it may have been sent, that it has ended.

mod settle;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::ends::Ends;
use super::schedule::{jitter, pauses_ms, settings};
use super::standing::Standing;
use super::tries::Tries;
use super::waker::Waker;
use crate::config::Config;
use crate::limits::{
    QUEUE_LOOK_PAUSE, QUEUE_READ_PAUSE, QUEUE_TAKE_PAUSE, QUOTA_PAUSE, SENDER_STACK_BYTES,
    UNSURE_TRIES_MAX,
};
use crate::outbound::attempt::attempt;
use crate::outbound::hold::{Unread, read, stamp_s};
use crate::outbound::log;
use crate::outbound::outcome::{Outcome, Status};
use crate::outbound::quota::{self, Grant};
use crate::proto::provider::Verdict;
use crate::proto::record::envelope::{Item, QueueName};
use crate::proto::record::notice::Why;
use crate::proto::record::schedule::{self, Next, QueuedMessage, Schedule, Tried};
use crate::proto::sorted::Sorted;
use crate::sys::cause::Cause;
use crate::sys::clock::Deadline;
use crate::sys::log::{self as syslog, Level};
use crate::sys::queue::{Drain, Folder, Place};
use crate::sys::threads;

/// Returns the current configuration.
pub type CurrentConfig = Arc<dyn Fn() -> Arc<Config> + Send + Sync>;

/// Drains the queue for ever, as soon as no other process does.
pub fn drain(folder: &Folder, source: &CurrentConfig, waker: &Waker) -> ! {
    let mut told = false;
    loop {
        let why = match folder.drain() {
            Ok(Some(drain)) => {
                let clock = system_clock();
                let pass = Pass::new(folder, drain, source, &clock);
                let sender = pass.sender.clone();
                waker.set(move || _ = sender.send(Happened::News));
                pass.run(Until::Never)
            }
            Ok(None) => "another process drains it".to_owned(),
            Err(error) => Cause(&error).to_string(),
        };
        if !told {
            let root = folder.root().display();
            let words = format_args!("the queue {root} waits: {why}; trying on");
            syslog::event(Level::Warning, words);
        }
        told = true;
        thread::sleep(QUEUE_TAKE_PAUSE);
    }
}

/// The time in the forms that a pass needs.
#[derive(Clone, Copy)]
struct Moment {
    /// Milliseconds of a clock that never jumps. Never 0, which means long ago.
    since_ms: u64,
    /// Seconds since 1970; 0 while the system's clock is not sane.
    stamp_s: u64,
}

type Clock<'a> = dyn Fn() -> Moment + 'a;

/// Returns a function that reads the system's clocks.
fn system_clock() -> impl Fn() -> Moment {
    let begun = Instant::now();
    move || Moment {
        since_ms: u64::try_from(begun.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(1),
        stamp_s: stamp_s(),
    }
}

/// Tries every message once.
pub(super) fn drain_once(folder: &Folder, drain: Drain, source: &CurrentConfig) {
    Pass::new(folder, drain, source, &system_clock()).run(Until::Tried);
}

/// The condition under which a pass ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Never,
    /// It ends when there is nothing that can be tried now.
    Tried,
}

/// An event that the deciding thread waits for.
enum Happened {
    /// The folder has changed.
    News,
    /// A try is over.
    Tried {
        name: QueueName,
        item: Box<Item>,
        via: String,
        verdict: Result<Verdict, Outcome>,
    },
}

struct Pass<'a> {
    folder: &'a Folder,
    drain: Drain,
    source: &'a CurrentConfig,
    config: Arc<Config>,
    schedule: Schedule,
    clock: &'a Clock<'a>,
    tries: Tries,
    /// Messages that came while the clock was not sane, and have no time yet.
    unstamped: Sorted<QueueName>,
    ends: Ends<'a>,
    standing: Standing,
    /// Interfaces that are not in the configuration although something waits for them, and that were
    /// logged.
    lost: Sorted<String, usize>,
    /// The time of the next look at the folder, in case no event comes.
    look_by: Deadline,
    /// Whether news was sent that the deciding thread has not handled yet.
    is_told: Arc<AtomicBool>,
    /// Whether a flush waits until everything was tried.
    flushing: bool,
    happened: threads::Receiver<Happened>,
    sender: threads::Sender<Happened>,
}

impl<'a> Pass<'a> {
    fn new(
        folder: &'a Folder,
        drain: Drain,
        source: &'a CurrentConfig,
        clock: &'a Clock,
    ) -> Pass<'a> {
        let (sender, happened) = threads::channel();
        let config = source();
        Pass {
            folder,
            drain,
            source,
            schedule: Schedule::new(settings(&config)),
            config,
            clock,
            tries: Tries::new(),
            unstamped: Sorted::new(),
            ends: Ends::new(folder),
            standing: Standing::default(),
            lost: Sorted::new(),
            look_by: Deadline::after(QUEUE_LOOK_PAUSE),
            is_told: Arc::default(),
            flushing: false,
            happened,
            sender,
        }
    }

    /// Returns why it could not go on; empty if it came to its end.
    fn run(mut self, until: Until) -> String {
        if until == Until::Never
            && let Err(error) = self.listen()
        {
            return Cause(&error).to_string();
        }
        self.folder.sweep();
        self.look();
        if until == Until::Tried {
            self.schedule.flush();
        }
        loop {
            self.reconfigure();
            let wake_ms = self.start_ready();
            if !self.schedule.is_busy() && self.flushing {
                self.flushing = false;
                let _ = self.folder.end_flush();
            }
            if !self.schedule.is_busy() && until == Until::Tried {
                return String::new();
            }
            if !self.schedule.is_busy() && !self.folder.is_valid(&self.drain) {
                return "its folder was removed".to_owned();
            }
            let wait_ms = wake_ms.map(|at_ms| at_ms.saturating_sub(self.now_ms()));
            let look = self.look_by.left().unwrap_or_default();
            let wait = wait_ms.map_or(look, Duration::from_millis);
            match self.happened.wait(wait.min(look)) {
                Some(Happened::News) => {
                    self.is_told.store(false, Ordering::SeqCst);
                    self.look();
                }
                Some(Happened::Tried {
                    name,
                    item,
                    via,
                    verdict,
                }) => self.settle(&name, item, &via, verdict),
                None => {}
            }
            if self.look_by.is_over() {
                self.look();
            }
        }
    }

    /// Starts the thread that reports news.
    fn listen(&self) -> std::io::Result<()> {
        let mut news = self.folder.news()?;
        let sender = self.sender.clone();
        let is_told = Arc::clone(&self.is_told);
        let run = move || {
            loop {
                if news.wait().is_err() {
                    // Changes until now were not reported, so that this counts as news, too.
                    news = news.again();
                }
                let is_new = !is_told.swap(true, Ordering::SeqCst);
                if is_new && !sender.send(Happened::News) {
                    return;
                }
            }
        };
        threads::spawn("queue-news", SENDER_STACK_BYTES, run)
    }

    /// Updates the schedule with the contents of the folder.
    fn look(&mut self) {
        self.ends.catch_up(&self.config);
        self.look_by = Deadline::after(QUEUE_LOOK_PAUSE);
        let names = match self.folder.list(Place::New) {
            Ok(names) => names,
            Err(error) => {
                let words = Cause(&error);
                let root = self.folder.root().display();
                syslog::event(Level::Error, format_args!("the queue {root}: {words}"));
                return;
            }
        };
        let names = names.iter().filter_map(|name| QueueName::parse(name));
        let names: Sorted<QueueName> = names.map(|name| (name, ())).collect();
        self.schedule.retain(|name| names.contains(name));
        self.tries.retain(|name| names.contains(name));
        self.standing.retain(|name| names.contains(name));
        self.unstamped.retain(|name, ()| names.contains(name));
        for (name, ()) in names.iter() {
            if !self.schedule.holds(name) && !self.ends.holds(name) {
                self.take_up(name.clone());
            }
        }
        self.tell_lost();
        if self.folder.wants_flush() && !self.flushing {
            self.flushing = true;
            self.schedule.flush();
        }
    }

    /// Takes up a message that this process does not know yet.
    fn take_up(&mut self, name: QueueName) {
        let item = match self.recall(&name) {
            Ok(item) => item,
            Err(why) => return self.unread(&name, &why),
        };
        if item.queued_s == 0 {
            self.unstamped.insert(name.clone(), ());
        }
        let now_ms = self.now_ms();
        let pauses = pauses_ms(&self.config);
        let now_s = self.stamp_s();
        let due_ms = |due_s: u64| {
            let wait_ms = match now_s {
                0 => 0,
                now_s => schedule::due_in_ms(due_s, now_s, &pauses),
            };
            match wait_ms {
                0 => 0,
                wait_ms => now_ms.saturating_add(wait_ms),
            }
        };
        let (due_ms, spare_due_ms) = (due_ms(item.due_s), due_ms(item.spare_due_s));
        // Another process wrote the file, for example one that only flushes, which lives too short to wait.
        if !self.tries.holds(&name) {
            let age = self.folder.age(&name.text()).unwrap_or_default();
            self.tries.written(&name, &item, age);
        }
        let entry = QueuedMessage {
            due_ms,
            spare_due_ms,
            expires_ms: self.expires_ms(&item),
            unsure: item.unsure > 0,
            forbidden: item.forbidden > 0,
            tries: item.tries,
            chars: item.message.text.chars(),
            interface: item.interface,
        };
        self.schedule.add(name, entry, now_ms);
    }

    /// Handles a file that could not be read: looks at it again later, or sets it aside if it is no
    /// message.
    fn unread(&mut self, name: &QueueName, why: &Unread) {
        match why {
            // Somebody has removed the file and does not want it sent.
            _ if !self.is_there(name) => {}
            Unread::Io(_) => {
                let words = format_args!("queue {}: cannot be read: {why}", name.id);
                syslog::event(Level::Error, words);
                self.look_by = Deadline::after(QUEUE_READ_PAUSE);
            }
            Unread::Bad(why) => self.ends.set_aside(name, why),
        }
    }

    /// Applies the current configuration, which may be a new one.
    fn reconfigure(&mut self) {
        let config = (self.source)();
        if !Arc::ptr_eq(&config, &self.config) {
            let [before, after] = [&self.config, &config].map(|config| config.queue.expire);
            self.schedule.reconfigure(settings(&config));
            self.schedule.move_expiry(before, after);
            self.config = config;
            self.tell_lost();
        }
        if !self.unstamped.is_empty() && self.stamp_s() != 0 {
            for (name, ()) in std::mem::take(&mut self.unstamped).iter() {
                self.stamp(name);
            }
        }
    }

    /// Logs messages that nobody would send, because their interface was renamed or removed.
    fn tell_lost(&mut self) {
        let lost = self.schedule.lost();
        for (interface, many) in lost.iter().filter(|(name, _)| !self.lost.contains(name)) {
            let words = format_args!(
                "queue: {many} SMS wait for interface \"{interface}\", which the configuration does not have"
            );
            syslog::event(Level::Warning, words);
        }
        self.lost = lost;
    }

    /// Starts to count a message's age, because the clock has become sane.
    fn stamp(&mut self, name: &QueueName) {
        let Ok(mut item) = self.recall(name) else {
            return;
        };
        item.queued_s = self.stamp_s();
        if self.write(name, &item) {
            let expires_ms = self.expires_ms(&item);
            self.schedule.set_expiry(name, expires_ms);
        }
    }

    /// Sends all messages that can be sent now. Returns when there will be more.
    fn start_ready(&mut self) -> Option<u64> {
        loop {
            match self.schedule.next(self.now_ms()) {
                Next::Send(name, via) => self.start(name, via),
                Next::Expire(name) => self.expire(&name),
                Next::Wait(wake_ms) => return wake_ms,
            }
        }
    }

    /// Reads a message's file, and adds what is known beyond it.
    fn recall(&self, name: &QueueName) -> Result<Box<Item>, Unread> {
        let mut item = read(self.folder, name)?;
        self.tries.complete(name, &mut item);
        Ok(item)
    }

    fn start(&mut self, name: QueueName, via: String) {
        let mut item = match self.recall(&name) {
            Ok(item) => item,
            Err(why) => {
                self.tried(&name, ASIDE);
                self.schedule.remove(&name);
                return self.unread(&name, &why);
            }
        };
        if item.unsure >= UNSURE_TRIES_MAX {
            // The last try was counted, but the process ended before its result was known.
            self.tried(&name, ASIDE);
            return self.doubt(&name, item, &via);
        }
        // This try could not be counted. Until it is, the provider must not be asked again.
        if self.tries.is_unwritten(&name) && item.unsure > 0 && !self.write(&name, &item) {
            return self.tried(&name, ASIDE);
        }
        let config = Arc::clone(&self.config);
        let Some(outgoing) = config.interface(&via) else {
            return self.tried(&name, ASIDE);
        };
        let deadline = Deadline::after(outgoing.client.timeout);
        let grant = match outgoing.account.too_long(&item.message.text) {
            Some(reason) => Grant::Refused { reason },
            None => quota::ask(&config, outgoing, &deadline),
        };
        match grant {
            Grant::Granted => {}
            Grant::Later { reason, wait } => return self.hold(&name, &item, &via, &reason, wait),
            Grant::Refused { reason } if via == item.interface => {
                let outcome = Outcome::new(Status::Refused, reason);
                self.give_up(&name, item, &via, outcome, Why::Refused);
                // The provider was not asked, so that nothing new is known about its interface.
                self.tried(&name, ASIDE);
                return self.schedule.remove(&name);
            }
            Grant::Refused { reason } => {
                return self.hold(&name, &item, &via, &reason, QUOTA_PAUSE);
            }
        }
        if item.unsure > 0 {
            // The try is counted before it is made, so that a crash cannot add an uncounted one.
            item.unsure = item.unsure.saturating_add(1);
            if !self.write(&name, &item) {
                item.unsure = item.unsure.saturating_sub(1);
                self.tries.unwritten(&name, &item);
                return self.tried(&name, ASIDE);
            }
        }
        let (sender, config) = (self.sender.clone(), Arc::clone(&config));
        let send_name = name.clone();
        let counted = (item.unsure > 0).then(|| item.clone());
        let run = move || {
            // The interface is looked up again, because a copy of all its settings would be large.
            let verdict = match config.interface(&via) {
                Some(outgoing) => {
                    let deadline = Deadline::after(outgoing.client.timeout);
                    attempt(&item, outgoing, &config, &deadline)
                }
                None => Err(Outcome::new(Status::Fault, "no such interface")),
            };
            sender.send(Happened::Tried {
                name: send_name,
                item,
                via,
                verdict,
            });
        };
        if threads::spawn("send", SENDER_STACK_BYTES, run).is_err() {
            if let Some(mut item) = counted {
                item.unsure = item.unsure.saturating_sub(1);
                self.write(&name, &item);
            }
            self.tried(&name, HELD);
        }
    }

    /// Lets a message wait because the interface may send no more for now.
    fn hold(&mut self, name: &QueueName, item: &Item, via: &str, reason: &str, wait: Duration) {
        self.log_try(item, via, reason);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.tried(name, Tried::Held { wait_ms });
    }

    fn is_there(&self, name: &QueueName) -> bool {
        self.folder.holds(&name.text())
    }

    fn tried(&mut self, name: &QueueName, tried: Tried) {
        let now_ms = self.now_ms();
        self.schedule.tried(name, tried, now_ms, jitter());
    }

    /// Returns when a message is too old, by this process's own clock; `None` while the system's clock is
    /// not sane.
    fn expires_ms(&self, item: &Item) -> Option<u64> {
        let now_s = self.stamp_s();
        if now_s == 0 || item.queued_s == 0 {
            return None;
        }
        let age_s = now_s.saturating_sub(item.queued_s);
        let left_s = self.config.queue.expire.as_secs().saturating_sub(age_s);
        Some(self.now_ms().saturating_add(left_s.saturating_mul(1000)))
    }

    fn now_ms(&self) -> u64 {
        (self.clock)().since_ms
    }

    fn stamp_s(&self) -> u64 {
        (self.clock)().stamp_s
    }

    fn log_try(&self, item: &Item, via: &str, reason: &str) {
        log::waits(item, via, reason, self.config.log_numbers);
    }

    fn log(&self, item: &Item, via: &str, outcome: &Outcome) {
        log::end_of(item, via, outcome, self.config.log_numbers);
    }
}

impl Drop for Pass<'_> {
    /// Ends the thread that reports news, because its next report reaches nobody.
    fn drop(&mut self) {
        self.is_told.store(false, Ordering::SeqCst);
    }
}

/// The message was not tried because of a limit of ours, and is tried after a while.
const HELD: Tried = Tried::Held { wait_ms: 5_000 };
/// The message was not tried, for a reason specific to it, which says nothing about the interface.
const ASIDE: Tried = Tried::Aside { wait_ms: 60_000 };

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
mod tests;
