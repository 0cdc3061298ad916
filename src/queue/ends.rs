//! Ends a message: removes its file, moves it to `failed/` with its reason, or sets it aside.
//!
//! If the system refuses, the step is done at the next look at the folder, and until then the message is
//! not sent again. Its sender and the operator's program are told once it is in `failed/`.

use super::notice;
use crate::config::Config;
use crate::limits::QUEUE_FAILED_MAX;
use crate::outbound::hold::tell_dropped;
use crate::outbound::log;
use crate::outbound::outcome::Outcome;
use crate::proto::record::envelope::{Item, QueueName};
use crate::proto::record::hook::{self, Event};
use crate::proto::record::notice::Why;
use crate::proto::sorted::Sorted;
use crate::sys::hook::{Run, start};
use crate::sys::log::{self as syslog, Level};
use crate::sys::queue::Folder;

/// The ends of messages in a folder.
pub struct Ends<'a> {
    folder: &'a Folder,
    owed: Sorted<QueueName, Owed>,
}

/// A step that the system refused.
enum Owed {
    Remove,
    Bury(Box<GivenUp>),
    SetAside,
}

/// A message that will not be sent.
pub struct GivenUp {
    pub item: Box<Item>,
    /// The interface that was tried last.
    pub via: String,
    pub outcome: Outcome,
    pub why: Why,
}

impl<'a> Ends<'a> {
    pub fn new(folder: &'a Folder) -> Ends<'a> {
        Ends {
            folder,
            owed: Sorted::new(),
        }
    }

    /// Whether a message has ended, although its file is still there.
    pub fn holds(&self, name: &QueueName) -> bool {
        self.owed.contains(name)
    }

    /// Ends a message that was sent.
    pub fn remove(&mut self, name: &QueueName) {
        if self.folder.remove(&name.text()).is_err() {
            self.owe(name, Owed::Remove);
        }
    }

    /// Moves a message to `failed/` with its reason. Its sender may be told.
    pub fn give_up(&mut self, name: &QueueName, mut given_up: GivenUp, config: &Config) {
        given_up.item.set_reason(&given_up.outcome.reason);
        let is_buried = self.bury(name, &given_up, config);
        let GivenUp {
            item, via, outcome, ..
        } = &given_up;
        log::end_of(item, via, outcome, config.log_numbers);
        if !is_buried {
            self.owe(name, Owed::Bury(Box::new(given_up)));
        }
    }

    /// Sets aside a file that is no message.
    pub fn set_aside(&mut self, name: &QueueName, why: &str) {
        let is_done = self.put_aside(name);
        let what = match is_done {
            true => "set aside",
            false => "left where it is",
        };
        let words = format_args!("queue {}: no message: {why}; {what}", name.id);
        syslog::event(Level::Error, words);
        if !is_done {
            self.owed.insert(name.clone(), Owed::SetAside);
        }
    }

    /// Repeats the steps that the system refused, as far as possible now.
    pub fn catch_up(&mut self, config: &Config) {
        let owed = std::mem::take(&mut self.owed);
        let left = owed.iter().filter(|(name, owed)| !match owed {
            Owed::Remove => self.folder.remove(&name.text()).is_ok(),
            Owed::Bury(given_up) => self.bury(name, given_up, config),
            Owed::SetAside => self.put_aside(name),
        });
        let left: Vec<QueueName> = left.map(|(name, _)| name.clone()).collect();
        self.owed = owed;
        self.owed.retain(|name, _| left.contains(name));
    }

    /// Moves a message to `failed/`. Returns whether it is there, or gone for another reason.
    fn bury(&self, name: &QueueName, given_up: &GivenUp, config: &Config) -> bool {
        let GivenUp {
            item,
            via,
            outcome,
            why,
        } = given_up;
        let text = name.text();
        if !self.folder.holds(&text) {
            // Somebody has removed the file and needs no report.
            return true;
        }
        match self.folder.bury(&text, &item.encode(), QUEUE_FAILED_MAX) {
            Ok(dropped) => {
                tell_dropped(&dropped);
                notice::tell(config, item, *why);
                run_hook(config, item, via, Event::Failure(&outcome.reason));
                true
            }
            Err(_) => false,
        }
    }

    fn put_aside(&self, name: &QueueName) -> bool {
        let text = name.text();
        match self.folder.set_aside(&text, QUEUE_FAILED_MAX) {
            Ok(dropped) => {
                tell_dropped(&dropped);
                true
            }
            Err(_) => !self.folder.holds(&text),
        }
    }

    fn owe(&mut self, name: &QueueName, owed: Owed) {
        let what = match owed {
            Owed::Remove => "sent, but its file cannot be removed",
            _ => "given up, but its file cannot be moved to failed/",
        };
        let words = format_args!("queue {}: {what}; not sent again before a restart", name.id);
        syslog::event(Level::Error, words);
        self.owed.insert(name.clone(), owed);
    }
}

/// Runs the operator's own program for a message that will not be sent or that was not delivered.
pub fn run_hook(config: &Config, item: &Item, via: &str, event: Event<'_>) {
    if let Some(program) = &config.queue.on_failure {
        start(Run {
            label: format!("{} {}", item.id, event.key()),
            program: program.clone(),
            environment: hook::environment(event, &item.id, via, &item.message),
            input: item.message.text.as_bytes().to_vec(),
        });
    }
}
