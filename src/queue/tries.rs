//! How often and why messages failed, of which their files are told only now and then: a flash disk
//! does not outlive a write for each try, and a full one takes none.

use std::time::Duration;

use crate::limits::QUEUE_WRITE_PAUSE;
use crate::proto::record::envelope::{Item, Name};
use crate::proto::sorted::Sorted;
use crate::sys::clock::Deadline;

/// What is known of messages beyond their files.
pub struct Tries(Sorted<Name, Known>);

struct Known {
    tries: u32,
    /// Of these, those since it may have been sent, and the interface that it stays with.
    unsure: u32,
    interface: String,
    /// Of these, those that the provider forbade for this message alone.
    forbidden: u32,
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
            forbidden: item.forbidden,
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
            item.forbidden = known.forbidden;
            item.set_reason(&known.reason);
        }
    }

    /// Notes a try that failed. Whether the file should be told: of the first it is, and of another
    /// reason.
    pub fn note(&mut self, name: &Name, item: &Item) -> bool {
        match self.0.get_mut(name) {
            Some(known) if known.reason == item.reason && known.pause.left().is_some() => {
                known.tries = item.tries;
                known.forbidden = item.forbidden;
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A queue file that says so much.
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
        // What somebody else wrote since counts where it is more.
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
