//! How often and why messages failed, of which their files are told only now and then: a flash disk
//! does not outlive a write for each try.

use std::time::Duration;

use crate::limits::QUEUE_WRITE_PAUSE;
use crate::proto::envelope::{Item, Name};
use crate::proto::sorted::Sorted;
use crate::sys::clock::Deadline;

/// What is known of messages beyond their files.
pub struct Tries(Sorted<Name, Known>);

struct Known {
    tries: u32,
    /// Why the last failed; empty: the file has it.
    reason: String,
    /// As long as it lasts the file is not written for their sake.
    pause: Deadline,
}

impl Tries {
    pub fn new() -> Tries {
        Tries(Sorted::new())
    }

    /// A message's file says this, and has said it for so long.
    pub fn written(&mut self, name: &Name, tries: u32, age: Duration) {
        let known = Known {
            tries,
            reason: String::new(),
            pause: Deadline::after(QUEUE_WRITE_PAUSE.saturating_sub(age)),
        };
        self.0.insert(name.clone(), known);
    }

    /// Adds to what a message's file says.
    pub fn complete(&self, name: &Name, item: &mut Item) {
        if let Some(known) = self.0.get(name)
            && known.tries > item.tries
        {
            item.tries = known.tries;
            item.set_reason(&known.reason);
        }
    }

    /// Notes a try that failed. Whether the file should be told: of the first it is.
    pub fn note(&mut self, name: &Name, item: &Item) -> bool {
        match self.0.get_mut(name) {
            Some(known) if item.tries > 1 && known.pause.left().is_some() => {
                known.tries = item.tries;
                known.reason.clone_from(&item.reason);
                false
            }
            _ => true,
        }
    }

    /// Forgets those that wait no more.
    pub fn retain(&mut self, waits: impl Fn(&Name) -> bool) {
        self.0.retain(|name, _| waits(name));
    }
}
