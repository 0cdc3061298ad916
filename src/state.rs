//! `[queue] dir`, the folder of all our state: what its subfolders are called and who works in which.
//!
//! | subfolder | what it holds | who writes it |
//! |---|---|---|
//! | `queue/` | SMS that wait to be sent, and those that were given up | `outbound`, `queue` |
//! | `quota/interface-NAME/` | how many SMS went over an interface (`rate`, `limit`) | `outbound` |
//! | `status/` | how often each interface was tried, for the status page | `outbound` |
//! | `events` | a socket: what happened in other processes, for the status page | `outbound` |
//! | `sent/` | SMS that a provider took, and what their delivery reports said | `outbound`, `inbound` |
//! | `notices/` | which senders were told lately that an SMS was given up | `queue` |
//! | `inbox/` | SMS that came in and wait for Asterisk, and those that were given up | `inbound` |
//! | `parts/` | parts of long texts that came in, whose other parts are awaited | `inbound` |
//! | `seen/` | the providers' ids of SMS that were delivered | `inbound` |
//! | `poll/interface-NAME/` | which elements of a provider's list were dealt with, or are not stored (`poll`) | `poll` |
//! | `rejected/` | requests that were refused, for `--replay` | `inbound` |
//!
//! No other module spells a path in this folder. The program works as the folder's owner
//! ([`crate::privileges`]), so all that stands in it belongs to one user.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::config::{Config, InboxUse};
use crate::proto::record::envelope::QueueName;
use crate::proto::record::{inbox, parts};
use crate::proto::wire::form::rawurlencode;
use crate::sys::files::{self, is_volatile, nearest};
use crate::sys::journal::Journal;
use crate::sys::kept;
use crate::sys::queue;
use crate::sys::tally::Tallies;

/// The state folder of a configuration. Nothing is opened or touched until one of its subfolders is used.
#[derive(Debug)]
pub struct State {
    dir: PathBuf,
}

impl State {
    /// Returns `None` if `[queue] dir` is empty: then nothing is queued, counted or kept.
    pub fn of(config: &Config) -> Option<State> {
        let dir = config.queue.dir.as_ref()?;
        Some(State {
            // The process may change its working folder later.
            dir: files::absolute(dir).unwrap_or_else(|_| dir.clone()),
        })
    }

    /// Returns the folder of SMS that wait to be sent, and of those that were given up.
    pub fn queue(&self) -> queue::Folder {
        let is_ours = |name: &str| QueueName::parse(name).is_some();
        queue::Folder::new(&self.dir.join("queue"), is_ours)
    }

    /// Returns the folder of SMS that came in and wait for Asterisk, and of those that were given up.
    pub fn inbox(&self) -> queue::Folder {
        let is_ours = |name: &str| inbox::InboxName::parse(name).is_some();
        queue::Folder::new(&self.dir.join("inbox"), is_ours)
    }

    /// Returns the folder of parts of long texts that wait for the other parts.
    pub fn parts(&self) -> queue::Folder {
        let is_ours = |name: &str| {
            let name = parts::PartName::parse(name).or_else(|| parts::PartName::parse_gone(name));
            name.is_some()
        };
        queue::Folder::new(&self.dir.join("parts"), is_ours)
    }

    /// Returns the count of the SMS that were sent over an interface.
    pub fn quota(&self, interface: &str) -> Journal {
        self.of_interface("quota", interface, "count")
    }

    /// Returns the counts of each interface's tries, by their results.
    pub fn tallies(&self) -> Tallies {
        Tallies::new(&self.dir.join("status"))
    }

    /// Returns the socket at which the daemon hears of events in other processes.
    pub fn events(&self) -> PathBuf {
        self.dir.join("events")
    }

    /// Returns the record of senders that were told lately that an SMS was given up.
    pub fn notices(&self) -> Journal {
        Journal::new(&self.dir.join("notices"), "told")
    }

    /// Returns the record of SMS that a provider took, and of their delivery reports.
    pub fn sent(&self) -> Journal {
        Journal::new(&self.dir.join("sent"), "sms")
    }

    /// Returns the record of the providers' ids of SMS that were delivered.
    pub fn seen(&self) -> Journal {
        Journal::new(&self.dir.join("seen"), "ids")
    }

    /// Returns the record of known elements in the list for which an interface's provider is polled.
    pub fn poll(&self, interface: &str) -> Journal {
        self.of_interface("poll", interface, "known")
    }

    /// Returns the record of elements that such a list showed once and that are not stored yet.
    pub fn poll_held(&self, interface: &str) -> Journal {
        self.of_interface("poll", interface, "held")
    }

    fn of_interface(&self, folder: &str, interface: &str, file: &'static str) -> Journal {
        let name = ["interface-", &rawurlencode(interface.as_bytes())].concat();
        Journal::new(&self.dir.join(folder).join(name), file)
    }

    /// Returns the folder of requests that were refused.
    pub fn rejected(&self) -> kept::Folder {
        kept::Folder::new(&self.dir.join("rejected"))
    }
}

/// The way in which an SMS is kept when its webhook is answered, and whether it outlives a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// Whether the SMS is kept in the inbox until Asterisk has it.
    pub inbox: bool,
    /// Whether a restart empties the filesystem of `outgoingdir`.
    pub spool_is_volatile: bool,
    /// Whether a restart empties the filesystem of `[queue] dir`, or there is no such folder.
    pub dir_is_volatile: bool,
}

impl Keeping {
    /// Checks the folders of a configuration, or the places where they will be made.
    pub fn of(config: &Config) -> Keeping {
        let spool = nearest(&config.spool.outgoing);
        let dir = config.queue.dir.as_deref();
        let dir = dir.and_then(nearest);
        let device = |path| fs::metadata(path).ok().map(|found| found.dev());
        let spool_is_volatile = spool.is_some_and(is_volatile);
        let dir_is_volatile = dir.is_none_or(is_volatile);
        let is_apart = dir.and_then(device) != spool.and_then(device);
        Keeping {
            inbox: match config.spool.inbox {
                InboxUse::Auto => spool_is_volatile && !dir_is_volatile && is_apart,
                InboxUse::Yes => config.queue.dir.is_some(),
                InboxUse::No => false,
            },
            spool_is_volatile,
            dir_is_volatile,
        }
    }

    /// Whether an SMS that was answered with 200 outlives a restart.
    pub fn outlives_restart(&self) -> bool {
        match self.inbox {
            true => !self.dir_is_volatile,
            false => !self.spool_is_volatile,
        }
    }
}
