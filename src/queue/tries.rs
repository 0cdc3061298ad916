//! Remembers how often and why messages failed. Their files are updated only now and then: a flash disk
//! does not survive a write for each try, and a full one takes none.

use std::time::Duration;

use crate::limits::QUEUE_WRITE_PAUSE;
use crate::proto::record::envelope::{Item, QueueName};
use crate::proto::sorted::Sorted;
use crate::sys::clock::Deadline;

/// Facts about messages that their files do not have.
pub struct Tries(Sorted<QueueName, Known>);

struct Known {
    tries: u32,
    /// The number of those tries since it may have been sent, and the interface that it stays with.
    unsure: u32,
    interface: String,
    /// The number of those tries that the provider forbade for this message alone.
    forbidden: u32,
    reason: String,
    /// Whether the file could not be written and therefore has less.
    is_unwritten: bool,
    /// The time for which the file is not written only to update the tries.
    pause: Deadline,
}

impl Tries {
    pub fn new() -> Tries {
        Tries(Sorted::new())
    }

    /// Records the contents of a message's file, which was written so long ago.
    pub fn written(&mut self, name: &QueueName, item: &Item, age: Duration) {
        self.keep(name, item, QUEUE_WRITE_PAUSE.saturating_sub(age), false);
    }

    /// Records contents that a message's file should have, but that could not be written.
    pub fn unwritten(&mut self, name: &QueueName, item: &Item) {
        self.keep(name, item, Duration::ZERO, true);
    }

    /// Whether the last attempt to write its file failed.
    pub fn is_unwritten(&self, name: &QueueName) -> bool {
        self.0.get(name).is_some_and(|known| known.is_unwritten)
    }

    /// Whether anything is known about a message.
    pub fn holds(&self, name: &QueueName) -> bool {
        self.0.contains(name)
    }

    fn keep(&mut self, name: &QueueName, item: &Item, pause: Duration, is_unwritten: bool) {
        let known = Known {
            tries: item.tries,
            unsure: item.unsure,
            interface: item.interface.clone(),
            forbidden: item.forbidden,
            reason: item.reason.clone(),
            is_unwritten,
            pause: Deadline::after(pause),
        };
        self.0.insert(name.clone(), known);
    }

    /// Adds the known facts to the contents of a message's file.
    pub fn complete(&self, name: &QueueName, item: &mut Item) {
        let Some(known) = self.0.get(name) else {
            return;
        };
        if known.unsure > item.unsure {
            item.unsure = known.unsure;
            item.interface.clone_from(&known.interface);
        }
        if known.tries > item.tries {
            item.tries = known.tries;
            item.forbidden = known.forbidden;
            item.set_reason(&known.reason);
        }
    }

    /// Records a try that failed. Returns whether the file should be written: after the first try, and for
    /// a new reason.
    pub fn note(&mut self, name: &QueueName, item: &Item) -> bool {
        match self.0.get_mut(name) {
            Some(known) if known.reason == item.reason && !known.pause.is_over() => {
                known.tries = item.tries;
                known.forbidden = item.forbidden;
                item.tries <= 1
            }
            _ => true,
        }
    }

    /// Forgets messages that no longer wait.
    pub fn retain(&mut self, waits: impl Fn(&QueueName) -> bool) {
        self.0.retain(|name, _| waits(name));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Returns a queue file with these contents.
    fn item(tries: u32, unsure: u32, interface: &str, reason: &str) -> Item {
        let text = format!(
            "websms queue 1\nid: 0000000000000001\ninterface: {interface}\nto: 1\nfrom: 2\nqueued: 0\n\
             tries: {tries}\nunsure: {unsure}\ndue: 0\nreason: {reason}\ntext: 1\n\nx"
        );
        Item::parse(text.as_bytes()).unwrap()
    }

    fn completed(tries: &Tries, mut file: Item) -> (u32, u32, String, String) {
        tries.complete(&file.name(1), &mut file);
        (file.tries, file.unsure, file.interface, file.reason)
    }

    #[test]
    fn what_the_file_could_not_be_told_is_known_and_never_less_than_the_file() {
        let file = item(1, 0, "a", "old");
        let name = file.name(1);
        let mut tries = Tries::new();
        assert!(!tries.holds(&name) && !tries.is_unwritten(&name));
        tries.written(&name, &file, Duration::ZERO);
        assert!(tries.holds(&name) && !tries.is_unwritten(&name));
        tries.unwritten(&name, &item(3, 2, "b", "new"));
        assert!(tries.is_unwritten(&name));
        let known = (3, 2, "b".to_owned(), "new".to_owned());
        assert_eq!(completed(&tries, file.clone()), known);
        // A newer file by another process counts if it has more tries.
        let more = (4, 3, "c".to_owned(), "newer".to_owned());
        assert_eq!(completed(&tries, item(4, 3, "c", "newer")), more);
        tries.retain(|_| false);
        assert_eq!(completed(&tries, file).0, 1);
    }

    #[test]
    fn a_file_is_told_of_the_first_try_of_another_reason_and_once_an_hour() {
        let name = item(0, 0, "a", "").name(1);
        let mut tries = Tries::new();
        assert!(
            tries.note(&name, &item(1, 0, "a", "r")),
            "nothing is known of it"
        );
        let age = QUEUE_WRITE_PAUSE.saturating_sub(Duration::from_secs(60));
        tries.written(&name, &item(1, 0, "a", "r"), age);
        assert!(!tries.note(&name, &item(2, 0, "a", "r")));
        assert_eq!(completed(&tries, item(1, 0, "a", "r")).0, 2);
        assert!(tries.note(&name, &item(3, 0, "a", "another")));
        assert!(tries.note(&name, &item(1, 0, "a", "r")), "the first");
        tries.written(&name, &item(3, 0, "a", "r"), QUEUE_WRITE_PAUSE);
        assert!(tries.note(&name, &item(4, 0, "a", "r")), "an hour old");
    }
}
