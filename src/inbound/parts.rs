//! Joins the parts of a long text that come as separate requests (spec §13).
//!
//! A part is put into a folder and synced before it is answered with 200. Its text is delivered when the
//! last part is there, or after `part_wait` with the parts that are there, by a separate thread. After a
//! start the wait begins anew.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Setup;
use super::deliver::deliver_text;
use super::inbox::{self, Source};
use crate::limits::{
    INBOX_STACK_BYTES, PART_RETRY_PAUSE, PARTS_BYTES_MAX, PARTS_GONE_WAIT, PARTS_HELD_MAX,
    PARTS_OF_SENDER_MAX,
};
use crate::message::{Message, Text};
use crate::proto::record::inbox::{Item, Kind};
use crate::proto::record::parts::{Name, Part, content, join};
use crate::proto::record::seen::digest;
use crate::sys::clock::{self, Deadline};
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
    is_known: bool,
    /// The texts, oldest first.
    texts: Vec<Incomplete>,
    /// Parts of texts that have gone lately, and until when each is remembered.
    gone: VecDeque<(Name, Deadline)>,
}

/// A text that lacks parts.
struct Incomplete {
    /// When the text goes with the parts that are there.
    due: Deadline,
    /// A number that stands for its sender.
    sender: u64,
    parts: Vec<(Name, usize)>,
}

/// The result of taking a part.
pub(super) enum Taken {
    /// The part waits for the others.
    Held,
    /// The part was there before.
    Known,
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
        let name = Name {
            text: part.text(interface, message),
            id,
            content: content(message.text.as_bytes()),
            number: part.number,
            total: part.total,
        };
        let mut state = self.state();
        self.know(&mut state, wait);
        state.gone.retain(|(_, until)| until.left().is_some());
        let is_same = |other: &Name| (other.text, other.number) == (name.text, name.number);
        let gone = state.gone.iter().map(|(other, _)| other);
        let held = state.texts.iter().flat_map(|text| &text.parts);
        let mut others = gone.chain(held.map(|(other, _)| other));
        if let Some(other) = others.find(|other| is_same(other)) {
            return Ok(match other.content == name.content {
                true => Taken::Known,
                false => Taken::Own,
            });
        }
        let is_of = |text: &Incomplete| text.parts.iter().any(|(it, _)| it.text == name.text);
        let place = state.texts.iter().position(is_of);
        if let Some(place) = place
            && let Some(text) = state.texts.get(place)
            && text.parts.len().saturating_add(1) == name.total
        {
            let said = message.text.to_utf8().into_owned();
            let message = self.whole(text, name.total, message, Some((name.number, said)))?;
            let mut text = state.texts.remove(place);
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
        match place.and_then(|place| state.texts.get_mut(place)) {
            Some(text) => text.parts.push((name, bytes)),
            None => state.texts.push(Incomplete {
                due: Deadline::after(wait),
                sender,
                parts: vec![(name, bytes)],
            }),
        }
        state.make_room(sender);
        self.changed.notify_all();
        Ok(Taken::Held)
    }

    /// Forgets a text that has gone, or lets one that is not safe wait.
    pub(super) fn settle(&self, whole: Whole, is_safe: bool) {
        let mut state = self.state();
        let mut text = whole.text;
        if !is_safe {
            // Drops the last part, which was never put in, unless the text went without a part.
            text.parts.retain(|(_, bytes)| *bytes > 0);
            drop(state);
            return self.put_back(text);
        }
        for (name, bytes) in text.parts {
            if bytes > 0 {
                let _ = self.folder.forget(&name.file());
            }
            if state.gone.len() >= PARTS_HELD_MAX {
                state.gone.pop_front();
            }
            state
                .gone
                .push_back((name, Deadline::after(PARTS_GONE_WAIT)));
        }
    }

    /// Lets a text that could not go wait a moment longer, before all others.
    fn put_back(&self, mut text: Incomplete) {
        text.due = Deadline::after(PART_RETRY_PAUSE);
        self.state().texts.insert(0, text);
        self.changed.notify_all();
    }

    /// Loads the parts that an earlier run has left.
    fn know(&self, state: &mut State, wait: Duration) {
        if state.is_known {
            return;
        }
        let Ok(files) = self.folder.list(Place::New) else {
            return;
        };
        state.is_known = true;
        for name in files.iter().filter_map(|file| Name::parse(file)) {
            let Ok(Ok((item, bytes))) = inbox::read(&self.folder, Place::New, &name.file()) else {
                continue;
            };
            let part = (name, usize::try_from(bytes).unwrap_or(usize::MAX));
            let is_of =
                |text: &&mut Incomplete| text.parts.iter().any(|(it, _)| it.text == name.text);
            match state.texts.iter_mut().find(is_of) {
                Some(text) => text.parts.push(part),
                None => state.texts.push(Incomplete {
                    due: Deadline::after(wait),
                    sender: sender(&item.message),
                    parts: vec![part],
                }),
            }
        }
    }

    /// Joins the parts of a text, with one that is not in the folder.
    fn whole(
        &self,
        text: &Incomplete,
        total: usize,
        like: &Message,
        last: Option<(usize, String)>,
    ) -> io::Result<Message> {
        let mut parts: Vec<(usize, String)> = last.into_iter().collect();
        for (name, _) in &text.parts {
            let read = inbox::read(&self.folder, Place::New, &name.file())?;
            // A part that cannot be understood counts as missing.
            if let Ok((item, _)) = read {
                parts.push((name.number, item.message.text.to_utf8().into_owned()));
            }
        }
        Ok(Message {
            text: Text::parse_inbound(join(&parts, total).as_bytes(), None),
            ..like.clone()
        })
    }

    /// Starts, once, the thread that delivers texts that have waited long enough.
    pub fn attend(self: &Arc<Parts>, source: Source) -> io::Result<()> {
        if self.is_attended.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let parts = Arc::clone(self);
        threads::spawn("parts", INBOX_STACK_BYTES, move || parts.watch(&source))
    }

    fn watch(&self, source: &Source) {
        let mut state = self.state();
        self.know(&mut state, source().part_wait());
        loop {
            let is_due = |text: &Incomplete| text.due.left().is_none();
            let Some(place) = state.texts.iter().position(is_due) else {
                let waits = state.texts.iter().filter_map(|text| text.due.left());
                state = match waits.min() {
                    Some(wait) => {
                        let woken = self.changed.wait_timeout(state, wait);
                        woken.unwrap_or_else(PoisonError::into_inner).0
                    }
                    None => (self.changed.wait(state)).unwrap_or_else(PoisonError::into_inner),
                };
                continue;
            };
            let text = state.texts.remove(place);
            drop(state);
            self.go(text, &source());
            state = self.state();
        }
    }

    /// Delivers a text with the parts that are there.
    fn go(&self, text: Incomplete, setup: &Setup) {
        let Some((name, _)) = text.parts.first().copied() else {
            return;
        };
        let item = match inbox::read(&self.folder, Place::New, &name.file()) {
            Ok(Ok((item, _))) => item,
            // The file was removed, or it is no part.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Ok(Err(_)) => return,
            // The file cannot be read now.
            Err(_) => return self.put_back(text),
        };
        match self.whole(&text, name.total, &item.message, None) {
            Ok(message) => {
                let is_safe = deliver_text(setup, &item.interface, name.id, &message);
                self.settle(Whole { message, text }, is_safe);
            }
            Err(_) => self.put_back(text),
        }
    }
}

impl State {
    /// Lets the oldest text go, of one sender or of all, if there are too many parts.
    fn make_room(&mut self, sender: u64) {
        let parts = |of: Option<u64>| {
            let texts = self.texts.iter();
            texts
                .filter(move |text| {
                    of.is_none_or(|of| of == text.sender) && text.due.left().is_some()
                })
                .flat_map(|text| &text.parts)
        };
        let bytes: usize = parts(None).map(|(_, bytes)| *bytes).sum();
        let of = if parts(Some(sender)).count() > PARTS_OF_SENDER_MAX {
            Some(sender)
        } else if parts(None).count() > PARTS_HELD_MAX || bytes > PARTS_BYTES_MAX {
            None
        } else {
            return;
        };
        let mut texts = self.texts.iter_mut();
        let oldest =
            texts.find(|text| of.is_none_or(|of| of == text.sender) && text.due.left().is_some());
        if let Some(text) = oldest {
            text.due = Deadline::after(Duration::ZERO);
        }
    }
}

fn sender(message: &Message) -> u64 {
    digest(&[message.from.as_str().as_bytes()])
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    /// Takes texts of these senders with so many parts of so many bytes each; checks which of them goes
    /// after the last came.
    fn check(texts: &[(u64, usize, usize)], expected: Option<usize>) {
        let wait = Duration::from_secs(60);
        let mut state = State::default();
        for (text, (sender, parts, bytes)) in (0..).zip(texts) {
            let name = |id: usize| Name {
                text,
                id: u64::try_from(id).unwrap_or(0),
                content: 0,
                number: 1,
                total: 16,
            };
            state.texts.push(Incomplete {
                due: Deadline::after(wait),
                sender: *sender,
                parts: (0..*parts).map(|id| (name(id), *bytes)).collect(),
            });
        }
        state.make_room(texts.last().map_or(0, |(sender, ..)| *sender));
        let gone = state
            .texts
            .iter()
            .position(|text| text.due.left().is_none());
        assert_eq!(gone, expected, "{texts:?}");
    }

    #[test]
    fn beyond_its_bounds_the_oldest_text_goes() {
        // Too many parts of one sender: the oldest text of that sender goes.
        let of_sender = PARTS_OF_SENDER_MAX;
        for (more, expected) in [(0, None), (1, Some(1)), (2, Some(1))] {
            let texts = [(7, 9, 1), (1, 9, 1), (1, of_sender - 9 + more, 1)];
            check(&texts, expected);
        }
        // Too many parts in all: the oldest text goes.
        let each = PARTS_HELD_MAX / 8;
        for (more, expected) in [(0, None), (1, Some(0))] {
            let mut texts: Vec<(u64, usize, usize)> =
                (0..8).map(|sender| (sender, each, 1)).collect();
            texts.push((9, more, 1));
            check(&texts, expected);
        }
        for (more, expected) in [(0, None), (1, Some(0))] {
            check(&[(1, 1, PARTS_BYTES_MAX - 1), (2, 1, 1 + more)], expected);
        }
    }
}
