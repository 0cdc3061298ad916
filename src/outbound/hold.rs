//! Gives the stories access to the outbound queue: decides which messages wait, and puts them in.

use std::fmt;
use std::time::Duration;

use crate::limits::{FLUSH_AGE, QUEUE_FILE_BYTES_MAX, QUEUE_LOOKS_MAX};
use crate::message::Message;
use crate::proto::record::envelope::{self, Item, QueueName};
use crate::sys::cause::Cause;
use crate::sys::clock;
pub use crate::sys::clock::stamp_s;
use crate::sys::files::Unreadable;
use crate::sys::log::{self, Level};
use crate::sys::queue::{Folder, Place};

/// Whether a message that is put in will be sent: a `websmsd` drains the queue, or it is flushed daily.
pub fn is_drained(folder: &Folder) -> std::io::Result<bool> {
    Ok(folder.is_drained()? || is_flushed(folder, clock::now_s()))
}

/// Returns whether a flush has tried everything within [`FLUSH_AGE`]. While the clock is not sane, no flush is
/// too long ago. One that ran under such a clock counts as if it ran when this is first asked under a sane one.
fn is_flushed(folder: &Folder, now_s: u64) -> bool {
    let Some(flushed_s) = folder.flushed_s() else {
        return false;
    };
    match (clock::is_sane(now_s), clock::is_sane(flushed_s)) {
        (false, _) => true,
        (true, false) => {
            let _ = folder.stamp_flush(now_s);
            true
        }
        // A flush that lies ahead ran before the clock was set back. It may lie as far ahead as behind.
        (true, true) => now_s.abs_diff(flushed_s) <= FLUSH_AGE.as_secs(),
    }
}

/// Returns why a message is not tried now (spec §6.5): something waits for its destination, or something
/// failed temporarily on its interface.
pub fn must_wait(folder: &Folder, message: &Message, interface: &str) -> Option<&'static str> {
    let names = folder.list(Place::New).unwrap_or_default();
    let names: Vec<QueueName> = names
        .iter()
        .filter_map(|name| QueueName::parse(name))
        .collect();
    let destination = envelope::destination(message.to.as_str());
    if names.iter().any(|name| name.destination == destination) {
        return Some("an earlier SMS to this number waits");
    }
    let digest = envelope::interface(interface);
    let mut same = names.iter().filter(|name| name.interface == digest);
    // A message that the provider forbids says nothing about its interface.
    let failed =
        |name: &QueueName| read(folder, name).is_ok_and(|item| item.tries > item.forbidden);
    let looked = same.by_ref().take(QUEUE_LOOKS_MAX).any(failed);
    (looked || same.next().is_some()).then_some("an earlier SMS failed for now on this interface")
}

/// The reason why a message is not in the queue.
pub enum NotQueued {
    /// The queue is full.
    Full {
        /// The number of waiting messages.
        held: usize,
    },
    /// The system refused an operation.
    Io(std::io::Error),
}

impl fmt::Display for NotQueued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotQueued::Full { held } => write!(f, "the queue holds {held} messages, its limit"),
            NotQueued::Io(error) => {
                write!(f, "the queue cannot take it: {}", Cause(error))
            }
        }
    }
}

/// Puts a message in, behind all that are there.
pub fn put(folder: &Folder, item: &Item, messages_max: usize) -> Result<(), NotQueued> {
    let (name, bytes) = prepared(folder, item, messages_max)?;
    folder.put(&name, &bytes).map_err(NotQueued::Io)
}

/// Puts a message of `failed/` back in, behind all that are there. A crash leaves it in one of the two.
pub fn take_back(
    folder: &Folder,
    failed: &str,
    item: &Item,
    messages_max: usize,
) -> Result<(), NotQueued> {
    let (name, bytes) = prepared(folder, item, messages_max)?;
    let taken = folder.take_back(failed, &name, &bytes);
    taken.map_err(NotQueued::Io)
}

/// Returns the name and the bytes of a message that is to be the last one.
fn prepared(
    folder: &Folder,
    item: &Item,
    messages_max: usize,
) -> Result<(String, Vec<u8>), NotQueued> {
    let names = folder.list(Place::New).map_err(NotQueued::Io)?;
    if names.len() >= messages_max {
        return Err(NotQueued::Full { held: names.len() });
    }
    let last = names.last().and_then(|name| QueueName::parse(name));
    let after_last = last.map_or(0, |name| name.order.saturating_add(1));
    let bytes = item.encode();
    if bytes.len() > QUEUE_FILE_BYTES_MAX {
        return Err(NotQueued::Io(std::io::ErrorKind::FileTooLarge.into()));
    }
    let name = item.name(clock::now_us().max(after_last));
    Ok((name.text(), bytes))
}

/// The reason why a message's file could not be read.
#[derive(Debug)]
pub enum Unread {
    /// The system refused for now, and the file may be good.
    Io(std::io::Error),
    /// The file is no message, and never will be.
    Bad(String),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unread::Io(error) => write!(f, "{}", Cause(error)),
            Unread::Bad(words) => f.write_str(words),
        }
    }
}

/// Reads a message that waits.
pub fn read(folder: &Folder, name: &QueueName) -> Result<Box<Item>, Unread> {
    read_at(folder, Place::New, name)
}

/// Reads a message in the given place. It is in a box, because it goes through many hands.
pub fn read_at(folder: &Folder, place: Place, name: &QueueName) -> Result<Box<Item>, Unread> {
    match folder.read(place, &name.text(), QUEUE_FILE_BYTES_MAX) {
        Ok(bytes) => match Item::parse(&bytes) {
            Ok(item) => Ok(Box::new(item)),
            Err(bad) => Err(Unread::Bad(bad.to_string())),
        },
        Err(Unreadable::Io(error)) => Err(Unread::Io(error)),
        Err(never) => Err(Unread::Bad(never.to_string())),
    }
}

/// Logs the messages for which `failed/` had no room.
pub fn tell_dropped(names: &[String]) {
    for name in names {
        let id = QueueName::parse(name).map_or_else(|| "-".to_owned(), |name| name.id);
        let words = format_args!("queue {id}: dropped from failed/, which is full");
        log::event(Level::Warning, words);
    }
}

/// Returns the time of `now_s` plus `wait` for a file; 0 if `now_s` is 0, because the clock is not sane.
pub fn due_s(now_s: u64, wait: Duration) -> u64 {
    match now_s {
        0 => 0,
        now_s => {
            let begun = u64::from(wait.subsec_nanos() > 0);
            now_s.saturating_add(wait.as_secs()).saturating_add(begun)
        }
    }
}
