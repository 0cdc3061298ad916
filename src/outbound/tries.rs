//! How often and why messages failed, of which their files are told only now and then: a flash disk
//! does not outlive a write for each try, and a full one takes none.

use std::time::Duration;

use crate::limits::QUEUE_WRITE_PAUSE;
use crate::proto::envelope::{Item, Name};
use crate::proto::sorted::Sorted;
use crate::sys::clock::Deadline;

/// What is known of messages beyond their files.
pub struct Tries(Sorted<Name, Known>);

struct Known {
    tries: u32,
    /// Of these, those since it may have been sent, and the interface that it stays with.
    unsure: u32,
    interface: String,
    reason: String,
    /// The file says less, for it could not be written.
    is_unwritten: bool,
    /// As long as it lasts the file is not written for the tries' sake.
    pause: Deadline,
}

impl Tries {
    pub fn new() -> Tries {
        Tries(Sorted::new())
    }

    /// A message's file says this, and has said it for so long.
    pub fn written(&mut self, name: &Name, item: &Item, age: Duration) {
        self.keep(name, item, QUEUE_WRITE_PAUSE.saturating_sub(age), false);
    }

    /// A message's file should say this, and cannot be written.
    pub fn unwritten(&mut self, name: &Name, item: &Item) {
        self.keep(name, item, Duration::ZERO, true);
    }

    /// Whether the last wish to write its file was in vain.
    pub fn is_unwritten(&self, name: &Name) -> bool {
        self.0.get(name).is_some_and(|known| known.is_unwritten)
    }

    /// Whether anything is known of it.
    pub fn holds(&self, name: &Name) -> bool {
        self.0.contains(name)
    }

    fn keep(&mut self, name: &Name, item: &Item, pause: Duration, is_unwritten: bool) {
        let known = Known {
            tries: item.tries,
            unsure: item.unsure,
            interface: item.interface.clone(),
            reason: item.reason.clone(),
            is_unwritten,
            pause: Deadline::after(pause),
        };
        self.0.insert(name.clone(), known);
    }

    /// Adds to what a message's file says.
    pub fn complete(&self, name: &Name, item: &mut Item) {
        let Some(known) = self.0.get(name) else {
            return;
        };
        if known.unsure > item.unsure {
            item.unsure = known.unsure;
            item.interface.clone_from(&known.interface);
        }
        if known.tries > item.tries {
            item.tries = known.tries;
            item.set_reason(&known.reason);
        }
    }

    /// Notes a try that failed. Whether the file should be told: of the first it is, and of another
    /// reason.
    pub fn note(&mut self, name: &Name, item: &Item) -> bool {
        match self.0.get_mut(name) {
            Some(known) if known.reason == item.reason && known.pause.left().is_some() => {
                known.tries = item.tries;
                item.tries <= 1
            }
            _ => true,
        }
    }

    /// Forgets those that wait no more.
    pub fn retain(&mut self, waits: impl Fn(&Name) -> bool) {
        self.0.retain(|name, _| waits(name));
    }
}
