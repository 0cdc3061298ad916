//! Joins the parts of a long text that come as separate requests (spec §13).
//!
//! A part is put into a folder and synced before it is answered with 200. Its text is delivered when the
//! last part is there, or after `part_wait` with the parts that are there, by a separate thread. After a
//! start the wait begins anew.
//!
//! The folder is shared: `websmsd --poll` and `--replay` put parts in beside a daemon. So it is listed, under
//! its lock, before a part is judged, and whoever has the last part delivers. A part that another process left
//! is seen by the daemon with the next part, or at a look every [`PARTS_LOOK_PAUSE`]. Where no daemon runs,
//! such a command delivers the texts that have waited twice as long as `part_wait`.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::deliver::deliver_text;
use super::inbox;
use super::{CurrentSetup, Setup};
use crate::limits::{
    INBOX_STACK_BYTES, PART_RETRY_PAUSE, PARTS_BYTES_MAX, PARTS_GONE_WAIT, PARTS_HELD_MAX,
    PARTS_LOCK_WAIT, PARTS_LOOK_PAUSE, PARTS_OF_SENDER_MAX, QUEUE_FAILED_MAX,
};
use crate::message::{Message, Text};
use crate::proto::record::inbox::{Item, Kind, id_text};
use crate::proto::record::parts::{Part, PartName, content, join};
use crate::proto::record::seen::digest;
use crate::sys::clock::{self, Deadline};
use crate::sys::log::{self, Level};
use crate::sys::queue::{Folder, Place};
use crate::sys::sharing::SharedSync;
use crate::sys::threads;

/// Texts that lack parts. All connections and configurations share one.
pub struct Parts {
    folder: Folder,
    sync: SharedSync,
    state: Mutex<State>,
    changed: Condvar,
    is_attended: AtomicBool,
}

#[derive(Default)]
struct State {
    is_swept: bool,
    /// The texts, oldest first.
    texts: Vec<Incomplete>,
    /// Parts of texts that are being delivered; their files may still be there.
    going: Vec<PartName>,
    /// Parts of texts that have gone lately, and until when each is remembered, oldest first.
    gone: Vec<(PartName, Deadline)>,
}

/// A text that lacks parts.
struct Incomplete {
    /// When the text goes with the parts that are there.
    due: Deadline,
    /// A number that stands for its sender.
    sender: u64,
    parts: Vec<(PartName, usize)>,
}

/// The result of taking a part.
pub(super) enum Taken {
    /// The part waits for the others.
    Held,
    /// The part was there before.
    Known,
    /// The part came before, and its text, of this digest, is being delivered, so that it is not known yet
    /// whether it is safe.
    UnderWay(u64),
    /// The part is an SMS of its own.
    Own,
    /// The part completes its text.
    Whole(Whole),
}

/// A text that goes now.
pub(super) struct Whole {
    /// The message.
    pub message: Message,
    text: Incomplete,
}

impl Parts {
    /// Creates the collection for this folder, without touching the folder.
    pub fn new(folder: Folder) -> Parts {
        Parts {
            folder,
            sync: SharedSync::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
            is_attended: AtomicBool::new(false),
        }
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a part. The last one completes the text.
    pub(super) fn take(
        &self,
        part: &Part,
        interface: &str,
        message: &Message,
        id: u64,
        wait: Duration,
    ) -> io::Result<Taken> {
        let name = PartName {
            text: part.text(interface, message),
            id,
            content: content(message.text.as_bytes()),
            number: part.number,
            total: part.total,
        };
        let mut state = self.state();
        let _lock = self.folder.hold(PARTS_LOCK_WAIT)?;
        self.look(&mut state, wait);
        if let Some((content, is_under_way)) = state.content(&name) {
            return Ok(match (content == name.content, is_under_way) {
                (true, true) => Taken::UnderWay(name.text),
                (true, false) => Taken::Known,
                (false, _) => Taken::Own,
            });
        }
        let is_of = |text: &Incomplete| text.parts.iter().any(|(it, _)| it.text == name.text);
        let place = state.texts.iter().position(is_of);
        if let Some(place) = place
            && let Some(text) = state.texts.get(place)
            && text.parts.len().saturating_add(1) == name.total
        {
            let mut parts = vec![(name.number, message.text.to_utf8().into_owned())];
            self.gather(text, &mut parts)?;
            let message = joined(&parts, name.total, message);
            let mut text = state.start(place);
            state.going.push(name);
            text.parts.push((name, 0));
            return Ok(Taken::Whole(Whole { message, text }));
        }
        let item = Item {
            id,
            interface: interface.to_owned(),
            message: message.clone(),
            arrived_s: clock::stamp_s(),
            kind: Kind::Sms,
            reason: String::new(),
        };
        let file = (name.file(), item.encode());
        let bytes = file.1.len();
        self.folder.put_all(&[file], Some(&self.sync))?;
        let sender = sender(message);
        state.add((name, bytes), sender, wait);
        state.make_room(sender);
        self.changed.notify_all();
        Ok(Taken::Held)
    }

    /// Notes in the folder that a text has gone, in one step: after a death its parts are no text of their own,
    /// and its last part is known, whether it was recorded by then or not.
    pub(super) fn mark(&self, whole: &Whole) {
        let parts = &whole.text.parts;
        if let Some(last) = whole.last()
            && let Some((carrier, _)) = parts.iter().find(|(_, bytes)| *bytes > 0)
        {
            let _ = self.folder.rename(&carrier.file(), &last.gone_file());
        }
    }

    /// Forgets a text that has gone, or lets one that is not safe wait for so long: for its last part, which
    /// comes again.
    pub(super) fn settle(&self, whole: Whole, is_safe: bool, wait: Duration) {
        if !is_safe {
            return self.put_back(whole.text, wait.max(PART_RETRY_PAUSE));
        }
        let last = whole.last();
        let mut state = self.state();
        state.stop(&whole.text);
        for (name, bytes) in &whole.text.parts {
            if *bytes > 0 {
                let _ = self.folder.forget(&name.file());
            }
            state.forget(*name);
        }
        if let Some(last) = last {
            let _ = self.folder.forget(&last.gone_file());
        }
    }

    /// Lets a text that could not go wait longer, before all others.
    fn put_back(&self, mut text: Incomplete, wait: Duration) {
        let mut state = self.state();
        state.stop(&text);
        // Drops a last part, which was never put in.
        text.parts.retain(|(_, bytes)| *bytes > 0);
        text.due = Deadline::after(wait);
        // A part that came meanwhile has begun a text of its own.
        let is_of = |part: &(PartName, usize)| text.parts.iter().any(|it| it.0.text == part.0.text);
        let other = |other: &Incomplete| other.parts.iter().any(is_of);
        if let Some(place) = state.texts.iter().position(other) {
            let other = state.texts.remove(place);
            text.parts.extend(other.parts);
        }
        state.texts.insert(0, text);
        self.changed.notify_all();
    }

    /// Brings what is known of the folder up to date: an earlier run or another process may have left parts,
    /// or delivered some.
    fn look(&self, state: &mut State, wait: Duration) {
        let Ok(files) = self.folder.list(Place::New) else {
            return;
        };
        if !state.is_swept {
            state.is_swept = true;
            self.folder.sweep();
        }
        let (mut there, mut ended) = (Vec::new(), Vec::new());
        for file in &files {
            if let Some(name) = PartName::parse(file) {
                there.push(name);
            } else if let Some(last) = PartName::parse_gone(file) {
                ended.push(last);
            }
        }
        // Removes what a death has left of texts that have gone.
        for last in &ended {
            // This process removes the parts of a text itself if it delivers the text.
            if state.going.iter().any(|going| going.text == last.text) {
                continue;
            }
            there.retain(|name| {
                let is_of_it = name.text == last.text;
                if is_of_it {
                    self.end(state, *name, &name.file());
                }
                !is_of_it
            });
            self.end(state, *last, &last.gone_file());
        }
        for text in &mut state.texts {
            text.parts.retain(|(name, _)| there.contains(name));
        }
        state.texts.retain(|text| !text.parts.is_empty());
        let is_there = |name: &PartName| there.contains(name);
        state
            .gone
            .retain(|(name, until)| !until.is_over() || is_there(name));
        for name in &there {
            if state.gone.iter().any(|(gone, _)| gone == name) {
                // It could not be removed when its text had gone.
                let _ = self.folder.forget(&name.file());
            } else if !state.knows(name)
                && let Ok(Some((item, bytes))) = self.read(name)
            {
                let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
                let sender = sender(&item.message);
                state.add((*name, bytes), sender, wait);
                state.make_room(sender);
            }
        }
    }

    /// Removes the file of a part whose text has gone.
    fn end(&self, state: &mut State, name: PartName, file: &str) {
        let _ = self.folder.forget(file);
        state.forget(name);
    }

    /// Reads a part. `None`: it is not there any more, or it was no part and was set aside.
    fn read(&self, name: &PartName) -> io::Result<Option<(Item, u64)>> {
        match inbox::read(&self.folder, Place::New, &name.file()) {
            Ok(Ok(read)) => Ok(Some(read)),
            Ok(Err(why)) => {
                let moved = self.folder.set_aside(&name.file(), QUEUE_FAILED_MAX);
                let what = match moved {
                    Ok(_) => "set aside",
                    Err(_) => "left where it is",
                };
                let id = id_text(name.id);
                log::event(
                    Level::Error,
                    format_args!("part {id}: no SMS: {why}; {what}"),
                );
                Ok(None)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds the parts of a text that are in the folder. Returns the first of them.
    fn gather(
        &self,
        text: &Incomplete,
        parts: &mut Vec<(usize, String)>,
    ) -> io::Result<Option<Item>> {
        let mut first = None;
        for (name, _) in &text.parts {
            // A part that cannot be understood counts as missing.
            if let Some((item, _)) = self.read(name)? {
                parts.push((name.number, item.message.text.to_utf8().into_owned()));
                if first.is_none() {
                    first = Some(item);
                }
            }
        }
        Ok(first)
    }

    /// Starts, once, the thread that delivers texts that have waited long enough.
    pub fn attend(self: &Arc<Parts>, source: CurrentSetup) -> io::Result<()> {
        if self.is_attended.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let parts = Arc::clone(self);
        threads::spawn("parts", INBOX_STACK_BYTES, move || parts.watch(&source))
    }

    fn watch(&self, source: &CurrentSetup) {
        let mut state = self.state();
        loop {
            self.look(&mut state, source().part_wait());
            let is_due = |text: &Incomplete| text.due.is_over();
            let Some(place) = state.texts.iter().position(is_due) else {
                let waits = state.texts.iter().filter_map(|text| text.due.left());
                let wait = waits.fold(PARTS_LOOK_PAUSE, Duration::min);
                let woken = self.changed.wait_timeout(state, wait);
                state = woken.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            };
            let text = state.start(place);
            drop(state);
            self.go(text, &source());
            state = self.state();
        }
    }

    /// Delivers, where no daemon does, the texts whose last part came long ago.
    pub fn deliver_old(&self, setup: &Setup) {
        let wait = setup.part_wait().saturating_mul(2);
        if !clock::is_sane(clock::now_s()) {
            return;
        }
        let mut state = self.state();
        self.look(&mut state, wait);
        let is_old = |(name, _): &(PartName, usize)| {
            let age = self.folder.age(&name.file());
            age.is_some_and(|age| age > wait)
        };
        while let Some(place) = (state.texts.iter()).position(|text| text.parts.iter().all(is_old))
        {
            let text = state.start(place);
            drop(state);
            let is_gone = self.go(text, setup);
            state = self.state();
            if !is_gone {
                return;
            }
        }
    }

    /// Delivers a text with the parts that are there. Returns whether it has gone.
    fn go(&self, text: Incomplete, setup: &Setup) -> bool {
        let mut parts = Vec::new();
        let item = match self.gather(&text, &mut parts) {
            Ok(Some(first)) => first,
            // The files were removed, or they are no parts.
            Ok(None) => {
                self.state().stop(&text);
                return true;
            }
            // A file cannot be read now.
            Err(_) => {
                self.put_back(text, PART_RETRY_PAUSE);
                return false;
            }
        };
        let total = text.parts.first().map_or(0, |(name, _)| name.total);
        let message = joined(&parts, total, &item.message);
        let is_safe = deliver_text(setup, &item.interface, item.id, &message);
        let whole = Whole { message, text };
        if is_safe {
            self.mark(&whole);
        }
        self.settle(whole, is_safe, PART_RETRY_PAUSE);
        is_safe
    }
}

impl Whole {
    /// Returns whether this is the text with that digest.
    pub(super) fn is_text(&self, text: u64) -> bool {
        self.text.parts.iter().any(|(name, _)| name.text == text)
    }

    /// The part that completed it, which is in no file; of a text that lacks parts, the first one.
    fn last(&self) -> Option<PartName> {
        let parts = &self.text.parts;
        let last = parts.iter().find(|(_, bytes)| *bytes == 0);
        last.or(parts.first()).map(|(name, _)| *name)
    }
}

impl State {
    fn knows(&self, name: &PartName) -> bool {
        let mut texts = self.texts.iter();
        self.going.contains(name) || texts.any(|text| text.parts.iter().any(|it| it.0 == *name))
    }

    /// Returns the content of the same part if it came before, and whether its text is being delivered.
    fn content(&self, name: &PartName) -> Option<(u64, bool)> {
        let is_same = |other: &&PartName| (other.text, other.number) == (name.text, name.number);
        let gone = self.gone.iter().map(|(other, _)| other);
        let held = self.texts.iter().flat_map(|text| &text.parts);
        let mut known = gone.chain(held.map(|(other, _)| other));
        let known = known.find(is_same).map(|other| (other.content, false));
        let going = || self.going.iter().find(is_same);
        known.or_else(|| going().map(|other| (other.content, true)))
    }

    /// Adds a part that is in the folder.
    fn add(&mut self, part: (PartName, usize), sender: u64, wait: Duration) {
        let is_of = |it: &(PartName, usize)| it.0.text == part.0.text;
        match (self.texts.iter_mut()).find(|text| text.parts.iter().any(is_of)) {
            Some(text) => text.parts.push(part),
            None => self.texts.push(Incomplete {
                due: Deadline::after(wait),
                sender,
                parts: vec![part],
            }),
        }
    }

    /// Takes a text out to deliver it.
    fn start(&mut self, place: usize) -> Incomplete {
        let text = self.texts.remove(place);
        self.going.extend(text.parts.iter().map(|(name, _)| *name));
        text
    }

    /// Remembers for a while that a part's text has gone.
    fn forget(&mut self, name: PartName) {
        if self.gone.len() >= PARTS_HELD_MAX {
            self.gone.remove(0);
        }
        let until = Deadline::after(PARTS_GONE_WAIT);
        self.gone.push((name, until));
    }

    /// Notes that a text is not being delivered any more.
    fn stop(&mut self, text: &Incomplete) {
        let is_of = |name: &PartName| text.parts.iter().any(|(other, _)| other == name);
        self.going.retain(|name| !is_of(name));
    }

    /// Lets the oldest text go, of one sender or of all, if there are too many parts.
    fn make_room(&mut self, sender: u64) {
        let (mut parts, mut of_sender, mut bytes) = (0_usize, 0_usize, 0_usize);
        for text in self.texts.iter().filter(|text| !text.due.is_over()) {
            for (_, part_bytes) in &text.parts {
                parts = parts.saturating_add(1);
                of_sender = of_sender.saturating_add(usize::from(text.sender == sender));
                bytes = bytes.saturating_add(*part_bytes);
            }
        }
        let any_sender = of_sender <= PARTS_OF_SENDER_MAX;
        if any_sender && parts <= PARTS_HELD_MAX && bytes <= PARTS_BYTES_MAX {
            return;
        }
        let mut texts = self.texts.iter_mut();
        let oldest =
            texts.find(|text| (any_sender || text.sender == sender) && !text.due.is_over());
        if let Some(text) = oldest {
            text.due = Deadline::after(Duration::ZERO);
        }
    }
}

/// Joins the parts of a text to a message `like` one of them.
fn joined(parts: &[(usize, String)], total: usize, like: &Message) -> Message {
    Message {
        to: like.to.clone(),
        from: like.from.clone(),
        text: Text::parse_inbound(join(parts, total).as_bytes(), None),
    }
}

fn sender(message: &Message) -> u64 {
    digest(&[message.from.as_str().as_bytes()])
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
mod tests;
