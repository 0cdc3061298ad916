//! Delivers from the inbox into Asterisk's spool: one process at a time, one call file per destination at a
//! time.
//!
//! A pass knows each SMS of the folder by its name alone; it reads the text when it makes the call file.
//! [`inbox::step`] decides what is done with an SMS. Nothing is concluded from a spool that was not read whole,
//! and the marker is read after the spool.
//!
//! Invariant: an SMS never overtakes an older one for its destination.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::counts::Counts;
use super::{Happened, Inbox, Mail, read};
use crate::config::Config;
use crate::inbound::{CurrentSetup, kept_settings};
use crate::limits::{
    INBOX_CLOCK_SLIP, INBOX_LOOK_PAUSE, INBOX_RETRY_PAUSE, INBOX_RETRY_PAUSE_MAX,
    INBOX_STACK_BYTES, QUEUE_FAILED_MAX, QUEUE_TAKE_PAUSE,
};
use crate::proto::record::envelope;
use crate::proto::record::inbox::{InboxName, id_text};
use crate::proto::sorted::Sorted;
use crate::state::Keeping;
use crate::sys::cause::Cause;
use crate::sys::clock::{self, Deadline};
use crate::sys::log::{self, Clean, Level};
use crate::sys::queue::{Drain, Place};
use crate::sys::spool::{Spool, SpoolFault};
use crate::sys::threads;
use crate::sys::watch::{Watch, Watched};

mod turn;

use turn::{AfterTurn, Turn};

/// Delivers from the inbox for ever, as soon as no other process does.
pub fn deliver(inbox: &Arc<Inbox>, happened: &Mail, source: &CurrentSetup) -> ! {
    let Mail(happened) = happened;
    let outgoing = Arc::new(AtomicI32::new(-1));
    let watch = listen(inbox, &outgoing);
    let mut told = false;
    loop {
        let why = match inbox.folder.drain() {
            Ok(Some(drain)) => {
                let mut pass = Pass::new(inbox, Some((watch.as_deref(), &outgoing)));
                pass.run(&drain, source, happened)
            }
            Ok(None) => "another process delivers from it".to_owned(),
            Err(error) => Cause(&error).to_string(),
        };
        if !told {
            let root = inbox.folder.root().display();
            let words = format_args!("the inbox {root} waits: {why}; trying on");
            log::event(Level::Warning, words);
        }
        told = true;
        // Drops the events: the other process takes these SMS away, and this one would count them for ever.
        while let Some(news) = happened.wait(Duration::ZERO) {
            if let Happened::Put(name, ..) = news {
                inbox.counts().settle(&name);
            }
        }
        inbox.counts().is_known = false;
        thread::sleep(QUEUE_TAKE_PAUSE);
    }
}

/// Delivers what can be delivered now, unless another process has the right to; that one is told. Whatever goes
/// wrong, the SMS in the inbox are safe, and the next pass delivers them.
pub fn deliver_once(inbox: &Inbox, config: &Config) {
    let settings = kept_settings(config, Keeping::of(config));
    match (inbox.folder.drain(), Spool::open_or_wait(&settings, None)) {
        (Ok(Some(_drain)), Ok(spool)) => _ = Pass::new(inbox, None).round(config, &spool),
        _ => _ = inbox.folder.request_flush(),
    }
}

/// Starts the thread that reports news. Without it the folders are looked at every [`INBOX_LOOK_PAUSE`].
fn listen(inbox: &Arc<Inbox>, outgoing: &Arc<AtomicI32>) -> Option<Arc<Watch>> {
    let watch = Arc::new(Watch::new().ok()?);
    let (heard, inbox, outgoing) = (Arc::clone(&watch), Arc::clone(inbox), Arc::clone(outgoing));
    let run = move || {
        loop {
            let (mut spool, mut news) = (false, false);
            let waited = heard.wait(
                &mut |number| match number == outgoing.load(Ordering::Relaxed) {
                    true => spool = true,
                    false => news = true,
                },
            );
            if waited.is_err() {
                thread::sleep(QUEUE_TAKE_PAUSE);
            }
            if spool {
                inbox.sender.send(Happened::Spool);
            }
            if news {
                inbox.sender.send(Happened::News);
            }
        }
    };
    threads::spawn("inbox-news", INBOX_STACK_BYTES, run).ok()?;
    Some(watch)
}

/// The state of one SMS.
struct SmsState {
    /// The current name of its file.
    file: InboxName,
    /// The name that its file should have. It differs from `file` if the file could not be renamed.
    name: InboxName,
    arrived_s: u64,
    /// When it came, by a clock that never jumps; `None` if the system's clock was not sane when this process
    /// first saw it, or it had no date.
    came: Option<Instant>,
    bytes: u64,
    /// The number of its call files; 0 if unknown.
    parts: usize,
    /// Its call file was in the spool when the spool was last read, or was moved there since.
    has_call_file: bool,
    /// A power cut may take its call file back, so it is not recorded.
    is_unsynced: bool,
    /// Asterisk has all of it, but its file could not be removed.
    is_over: bool,
    /// Its file was there when the folder was last listed, or was put in since.
    is_here: bool,
}

/// One process's turn at the inbox.
struct Pass<'a> {
    inbox: &'a Inbox,
    watch: Option<(Option<&'a Watch>, &'a AtomicI32)>,
    /// The SMS by order and id.
    entries: Sorted<(u64, u64), SmsState>,
    /// The marker, read after the spool; `None` if it must be read.
    marker: Option<u64>,
    /// Destinations with a call file that belongs to no SMS of this inbox.
    strange: Sorted<u64>,
    /// Whether the folder must be listed.
    is_news: bool,
    /// When folder and spool are looked at, in case no event came.
    look_by: Deadline,
    /// The pause after a failure, and when it ends.
    pause: Option<(Duration, Deadline)>,
    /// The pause after a failure that concerns single SMS only.
    again: Option<Duration>,
}

impl<'a> Pass<'a> {
    fn new(inbox: &'a Inbox, watch: Option<(Option<&'a Watch>, &'a AtomicI32)>) -> Pass<'a> {
        inbox.folder.sweep();
        Pass {
            inbox,
            watch,
            entries: Sorted::new(),
            marker: None,
            strange: Sorted::new(),
            is_news: true,
            look_by: Deadline::after(INBOX_LOOK_PAUSE),
            pause: None,
            again: None,
        }
    }

    /// Delivers until it cannot go on, and returns the reason.
    fn run(
        &mut self,
        drain: &Drain,
        source: &CurrentSetup,
        happened: &threads::Receiver<Happened>,
    ) -> String {
        loop {
            if self.is_news && !self.inbox.folder.is_valid(drain) {
                return "its folder was removed".to_owned();
            }
            let setup = source();
            let wait = self.round(&setup.config, &setup.spool);
            // Nothing is delivered until the next round, so the spool's filesystem can be unmounted.
            setup.spool.rest();
            drop(setup);
            let mut heard = happened.wait(wait);
            while let Some(news) = heard {
                self.hear(news);
                heard = happened.wait(Duration::ZERO);
            }
            if self.look_by.is_over() {
                self.look_by = Deadline::after(INBOX_LOOK_PAUSE);
                (self.is_news, self.marker) = (true, None);
            }
        }
    }

    fn hear(&mut self, news: Happened) {
        match news {
            Happened::Put(name, arrived_s, bytes) => {
                // The knowledge of the spool may be out of date.
                if self.entries.is_empty() {
                    self.marker = None;
                }
                self.add(name, arrived_s, bytes, Some(Instant::now()));
                self.inbox.counts().settle(&name);
            }
            Happened::Spool => {
                self.marker = None;
                // Tries at once: there may be room again.
                if let Some((_, over)) = &mut self.pause {
                    *over = Deadline::after(Duration::ZERO);
                }
            }
            Happened::News => self.is_news = true,
            Happened::Reload => {
                (self.marker, self.pause) = (None, None);
            }
        }
    }

    fn add(&mut self, name: InboxName, arrived_s: u64, bytes: u64, came: Option<Instant>) {
        let entry = SmsState {
            file: name,
            name,
            arrived_s,
            came,
            bytes,
            parts: 0,
            has_call_file: false,
            is_unsynced: true,
            is_over: false,
            is_here: true,
        };
        self.entries.insert((name.order, name.id), entry);
    }

    /// Does all that can be done now. Returns how long the thread may wait after that.
    fn round(&mut self, config: &Config, spool: &Spool) -> Duration {
        if self.is_news {
            self.list();
        }
        let rests = self.pause.is_some_and(|(_, over)| !over.is_over());
        if !self.entries.is_empty() && !rests {
            let done = match self.marker {
                None => self.survey(spool),
                Some(marker) => Ok(marker),
            };
            let done = done.and_then(|marker| self.work(config, spool, marker));
            self.note(done);
        }
        let look = self.look_by.left().unwrap_or_default();
        let retry = self.pause.map(|(_, over)| over.left().unwrap_or_default());
        let retry = retry.or(self.again).filter(|_| !self.entries.is_empty());
        retry.map_or(look, |retry| retry.min(look))
    }

    /// Notes the result of a round. Logs the first failure of several, and the first success after them.
    fn note(&mut self, done: Result<(), SpoolFault>) {
        match (done, self.pause) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => {
                self.pause = None;
                log::event(Level::Notice, format_args!("SMS can be delivered again"));
            }
            (Err(fault), before) => {
                let pause = next_pause(before.map(|(pause, _)| pause));
                self.pause = Some((pause, Deadline::after(pause)));
                self.marker = None;
                if before.is_none() {
                    let words = format_args!("cannot deliver SMS, they wait in the inbox: {fault}");
                    log::event(Level::Error, words);
                }
            }
        }
    }

    // ---- What there is -------------------------------------------------------------------------

    /// Lists the folder and updates the entries.
    fn list(&mut self) {
        let folder = &self.inbox.folder;
        if let Some((Some(watch), _)) = self.watch {
            let _ = watch.add(folder.root(), Watched::Changes);
        }
        if folder.wants_flush() {
            let _ = folder.end_flush();
        }
        let names = match folder.list(Place::New) {
            Ok(names) => names,
            Err(error) => {
                let (root, words) = (folder.root().display(), Cause(&error));
                log::event(Level::Error, format_args!("the inbox {root}: {words}"));
                return;
            }
        };
        // The receiver reports these.
        let putting = self.inbox.counts().putting();
        self.is_news = false;
        for entry in self.entries.values_mut() {
            entry.is_here = false;
        }
        for name in names.iter().filter_map(|name| InboxName::parse(name)) {
            match self.entries.get_mut(&(name.order, name.id)) {
                Some(entry) => (entry.file, entry.is_here) = (name, true),
                None if putting.contains(&name.id) => {}
                None => self.take_up(name),
            }
        }
        let before = self.entries.len();
        drop_gone(&mut self.entries);
        if self.entries.len() < before {
            // A person dropped an SMS, and its call file may still be in the spool.
            self.marker = None;
        }
        self.stamp();
        self.count();
    }

    /// Dates the SMS that came while the clock was wrong. It may have been behind and sane, as that of a router
    /// that begins with the time of its last file, or ahead: an SMS is as old as it was when this process first
    /// saw it, and the time since then. The age of one without a date counts from now.
    fn stamp(&mut self) {
        let now_s = clock::stamp_s();
        if now_s == 0 {
            return;
        }
        let folder = &self.inbox.folder;
        for entry in self.entries.values_mut() {
            let age = entry.came.map_or(Duration::ZERO, |came| came.elapsed());
            let arrived_s = now_s.saturating_sub(age.as_secs());
            let is_dated = entry.arrived_s > 0;
            if is_dated && (entry.came.is_none() || !has_slipped(entry.arrived_s, arrived_s)) {
                continue;
            }
            entry.came = entry.came.or_else(|| Some(Instant::now()));
            entry.arrived_s = arrived_s;
            let file = entry.file.text();
            if let Ok(Ok((mut item, _))) = read(folder, Place::New, &file) {
                item.arrived_s = arrived_s;
                // If this fails, it is done after the next start, if the SMS has no date.
                let _ = folder.replace(&file, &item.encode());
            }
        }
    }

    /// Adds an SMS that is new to this pass: an earlier run or another process put it in.
    fn take_up(&mut self, name: InboxName) {
        match read(&self.inbox.folder, Place::New, &name.text()) {
            Ok(Ok((item, bytes))) => {
                self.add(name, item.arrived_s, bytes, came(item.arrived_s));
                self.marker = None;
            }
            Ok(Err(why)) => self.set_aside(&name, &why),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let (id, words) = (id_text(name.id), Cause(&error));
                log::event(
                    Level::Error,
                    format_args!("inbox {id}: cannot be read: {words}"),
                );
            }
        }
    }

    /// Updates the counts that limit what may be put in.
    fn count(&self) {
        let mut counts = self.inbox.counts();
        counts.begin();
        for (_, entry) in self.entries.iter() {
            counts.add(&entry.file, entry.bytes);
        }
        self.tell_oldest(&mut counts);
    }

    /// Reads the spool: notes which SMS have a call file there, and returns the marker. If another folder takes
    /// the spool's place meanwhile, reads that one.
    fn survey(&mut self, spool: &Spool) -> Result<u64, SpoolFault> {
        let mut watched = self.watch_spool(spool);
        loop {
            let found = self.read_spool(spool);
            let now = self.watch_spool(spool);
            if found.is_err() || now == watched {
                return found;
            }
            watched = now;
        }
    }

    /// Watches the spool. Returns the number of the watch, or −1 if there is none.
    fn watch_spool(&self, spool: &Spool) -> i32 {
        let Some((Some(watch), number)) = self.watch else {
            return -1;
        };
        let watched = watch
            .add(spool.outgoing(), Watched::Departures)
            .unwrap_or(-1);
        number.store(watched, Ordering::Relaxed);
        watched
    }

    fn read_spool(&mut self, spool: &Spool) -> Result<u64, SpoolFault> {
        let mut ours = Sorted::new();
        for ((_, id), _) in self.entries.iter() {
            ours.insert(*id, ());
        }
        let (mut there, mut strange) = (Sorted::new(), Sorted::new());
        let ground = spool.survey(&mut |to, id| match ours.contains(&id) {
            true => there.insert(id, ()),
            false => strange.insert(destination(to), ()),
        })?;
        let marker = spool.marker(ground)?;
        for entry in self.entries.values_mut() {
            entry.has_call_file = there.contains(&entry.name.id);
        }
        self.strange = strange;
        self.marker = Some(marker);
        Ok(marker)
    }

    // ---- What is done --------------------------------------------------------------------------

    /// Takes the turn of each SMS, oldest first.
    fn work(&mut self, config: &Config, spool: &Spool, marker: u64) -> Result<(), SpoolFault> {
        let mut entries = std::mem::take(&mut self.entries);
        let mut held = self.strange.clone();
        for (_, entry) in entries.iter().filter(|(_, entry)| entry.has_call_file) {
            held.insert(entry.name.destination, ());
        }
        let (mut done, mut again) = (Ok(()), false);
        for entry in entries.values_mut() {
            let turn = Turn {
                pass: self,
                config,
                spool,
                marker,
                is_held: held.contains(&entry.name.destination) || done.is_err(),
            };
            match turn.take(entry) {
                Ok(AfterTurn::Gone) => {
                    entry.is_here = false;
                    continue;
                }
                Ok(AfterTurn::Over) => {
                    again = true;
                    continue;
                }
                Ok(AfterTurn::Waits) => {}
                Ok(AfterTurn::Unread) => again = true,
                Err(fault) => done = Err(fault),
            }
            held.insert(entry.name.destination, ());
        }
        let mut counts = self.inbox.counts();
        for entry in entries.values_mut().filter(|it| !it.is_here) {
            counts.remove(entry.name.destination, entry.bytes);
        }
        drop_gone(&mut entries);
        self.entries = entries;
        self.again = again.then(|| next_pause(self.again));
        self.tell_oldest(&mut counts);
        done
    }

    fn tell_oldest(&self, counts: &mut Counts) {
        let first = self.entries.iter().next();
        counts.oldest_s = first.map_or(0, |(_, entry)| entry.arrived_s);
    }

    /// Moves a file that is no SMS away.
    fn set_aside(&self, name: &InboxName, why: &str) {
        let dropped = self.inbox.folder.set_aside(&name.text(), QUEUE_FAILED_MAX);
        let what = match &dropped {
            Ok(_) => "set aside",
            Err(_) => "left where it is",
        };
        let id = id_text(name.id);
        let words = format_args!("inbox {id}: no SMS: {why}; {what}");
        log::event(Level::Error, words);
        tell_dropped(&dropped.unwrap_or_default());
    }
}

/// Drops the SMS whose files are not there any more.
fn drop_gone(entries: &mut Sorted<(u64, u64), SmsState>) {
    entries.retain(|_, entry| entry.is_here);
}

/// Returns the pause after a failure, from the one after the failure before it.
fn next_pause(before: Option<Duration>) -> Duration {
    before.map_or(INBOX_RETRY_PAUSE, |before| {
        before.saturating_mul(2).min(INBOX_RETRY_PAUSE_MAX)
    })
}

/// Logs the SMS for which `failed/` had no room.
fn tell_dropped(names: &[String]) {
    for name in names {
        let words = format_args!(
            "inbox {}: dropped from failed/, which is full",
            Clean(name.as_bytes())
        );
        log::event(Level::Warning, words);
    }
}

/// Returns a number for a destination as the name of a call file spells it.
fn destination(to: &[u8]) -> u64 {
    let to = to.iter().filter(|byte| **byte != b'-');
    let to: String = to.map(|byte| char::from(*byte)).collect();
    envelope::destination(&to)
}

/// Returns whether the date of an SMS is so far from the right one that the clock was set in between.
fn has_slipped(dated_s: u64, right_s: u64) -> bool {
    dated_s.abs_diff(right_s) > INBOX_CLOCK_SLIP.as_secs()
}

/// Returns when an SMS of that date came, by a clock that never jumps.
fn came(arrived_s: u64) -> Option<Instant> {
    let now_s = clock::stamp_s();
    let age_s = now_s.saturating_sub(arrived_s);
    let is_known = now_s > 0 && arrived_s > 0;
    let came = Instant::now().checked_sub(Duration::from_secs(age_s));
    came.filter(|_| is_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_corrected_from_a_certain_difference_on() {
        let check = |dated_s, expected| assert_eq!(has_slipped(dated_s, 1000), expected);
        let slip_s = INBOX_CLOCK_SLIP.as_secs();
        check(1000 - slip_s + 1, false);
        check(1000 - slip_s, false);
        check(1000 - slip_s - 1, true);
        check(1000 + slip_s - 1, false);
        check(1000 + slip_s, false);
        check(1000 + slip_s + 1, true);
    }
}
