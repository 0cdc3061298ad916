//! The inbox: keeps each SMS that was answered with 200 until Asterisk has it (spec §13).
//!
//! This module puts an SMS in, which needs no lock: it is written aside, synced and moved, and the folder is
//! synced once for all that came together. After that 200 is sent. `pass` delivers, in one process at a time.
//! [`crate::proto::record::inbox`] defines what is done with an SMS, and what a crash leaves of it.
//!
//! Invariant: the count is an upper bound of what the folder holds.

mod counts;
mod pass;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use pass::{deliver, deliver_once};

use super::Keeps;
use crate::config;
use crate::limits::{INBOX_BYTES_MAX, INBOX_FILE_BYTES_MAX};
use crate::proto::record::envelope;
use crate::proto::record::inbox::{InboxName, Item, id_text};
use crate::proto::record::metrics::Queue;
use crate::proto::record::quota::Rate;
use crate::state::Keeping;
use crate::sys::cause::Cause;
use crate::sys::clock;
use crate::sys::files::Unreadable;
use crate::sys::queue::{Folder, Place};
use crate::sys::sharing::SharedSync;
use crate::sys::threads;
use counts::Counts;

/// The inbox folder and the counts of it. All threads and configurations share one.
pub struct Inbox {
    folder: Folder,
    counts: Mutex<Counts>,
    sync: SharedSync,
    sender: threads::Sender<Happened>,
    /// The receiver, until the delivering thread takes it.
    mail: Mutex<Option<Mail>>,
}

/// Events for the thread that delivers from the inbox.
pub struct Mail(threads::Receiver<Happened>);

/// An event that wakes the delivering thread.
enum Happened {
    /// This process put an SMS in.
    Put(InboxName, u64, u64),
    /// Asterisk has taken a call file, or the spool's folder was replaced.
    Spool,
    /// Another process asks for attention, or the inbox folder has changed.
    News,
    /// The configuration was reloaded.
    Reload,
}

/// The reason why an SMS is not in the inbox.
#[derive(Debug)]
pub enum NotKept {
    /// SMS came faster than `inbox_rate` allows.
    TooFast,
    /// The inbox is full.
    Full {
        /// The number of SMS in the inbox.
        items: usize,
    },
    /// One destination has more than its share.
    Crowded {
        /// The index of the SMS among those that were to be put in.
        item: usize,
        /// The number of SMS that wait for this destination.
        held: usize,
    },
    /// The system refused an operation.
    Io {
        /// The inbox folder.
        folder: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}

impl Inbox {
    /// Creates an inbox for this folder, without touching the folder.
    pub fn new(folder: Folder) -> Inbox {
        let (sender, happened) = threads::channel();
        Inbox {
            folder,
            counts: Mutex::default(),
            sync: SharedSync::default(),
            sender,
            mail: Mutex::new(Some(Mail(happened))),
        }
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Whether an earlier run has left something in the folder.
    pub fn is_left(&self) -> bool {
        let names = self.folder.list(Place::New);
        names.is_ok_and(|names| !names.is_empty())
    }

    /// Wakes the delivering thread after a reload.
    pub fn wake(&self) {
        self.sender.send(Happened::Reload);
    }

    /// Returns the figures for the status page.
    pub(super) fn figures(&self) -> Queue {
        let counts = self.counts();
        let (waiting, oldest_s) = (counts.items(), counts.oldest_s);
        drop(counts);
        let count = |many: usize| u64::try_from(many).unwrap_or(u64::MAX);
        let failed = self.folder.list(Place::Failed);
        let now_s = clock::stamp_s();
        Queue {
            waiting: count(waiting),
            failed: count(failed.map_or(0, |names| names.len())),
            oldest_s: match waiting {
                0 => Some(0),
                _ if now_s == 0 || oldest_s == 0 => None,
                _ => Some(now_s.saturating_sub(oldest_s)),
            },
        }
    }

    /// Puts SMS in, all or none, behind all that are there. Returns `Ok` once they are safe.
    pub fn put(&self, items: &[Item], spool: &config::Spool) -> Result<(), NotKept> {
        let (mut wanted, mut files) = (Vec::new(), Vec::new());
        for item in items {
            let bytes = item.encode();
            if bytes.len() > INBOX_FILE_BYTES_MAX {
                return Err(self.fault(io::ErrorKind::FileTooLarge.into()));
            }
            wanted.push((item.name(0), size(&bytes)));
            files.push((String::new(), bytes));
        }
        let names = self.reserve(wanted, spool, spool.inbox_rate)?;
        for ((name, _), (file, _)) in names.iter().zip(&mut files) {
            *file = name.text();
        }
        let sync = match spool.sync {
            config::Sync::Before => Some(&self.sync),
            config::Sync::Never => None,
        };
        let put = self.folder.put_all(&files, sync);
        let is_heard = self.lock_mail().is_none();
        let mut counts = self.counts();
        for ((name, bytes), item) in names.iter().zip(items) {
            match &put {
                Ok(()) if is_heard => {
                    let put = Happened::Put(*name, item.arrived_s, *bytes);
                    self.sender.send(put);
                }
                Ok(()) => counts.settle(name),
                Err(_) => {
                    counts.settle(name);
                    counts.remove(name.destination, *bytes);
                }
            }
        }
        put.map_err(|error| self.fault(error))
    }

    /// Puts an SMS from `failed/` back in as a new one, behind all that are there.
    pub fn take_back(&self, file: &str, spool: &config::Spool) -> Result<(), NotKept> {
        let read = read(&self.folder, Place::Failed, file).map_err(|error| self.fault(error))?;
        let Ok((mut item, _)) = read else {
            return Err(self.fault(io::ErrorKind::InvalidData.into()));
        };
        item.arrived_s = clock::stamp_s();
        item.reason.clear();
        let bytes = item.encode();
        let mut names = self.reserve(vec![(item.name(0), size(&bytes))], spool, None)?;
        for (name, _) in &mut names {
            name.part = InboxName::parse(file).map_or(1, |failed| failed.part);
            let taken = self.folder.take_back(file, &name.text(), &bytes);
            taken.map_err(|error| self.fault(error))?;
        }
        Ok(())
    }

    /// Reserves places for all of these SMS, or none, and returns them with their order numbers.
    fn reserve(
        &self,
        wanted: Vec<(InboxName, u64)>,
        spool: &config::Spool,
        rate: Option<Rate>,
    ) -> Result<Vec<(InboxName, u64)>, NotKept> {
        let mut counts = self.counts();
        self.know(&mut counts).map_err(|error| self.fault(error))?;
        counts.take(wanted, spool.files_max, rate)
    }

    /// Takes the receiver for the delivering thread; `None` if it is taken already.
    pub fn attend(&self) -> Option<Mail> {
        self.lock_mail().take()
    }

    fn lock_mail(&self) -> MutexGuard<'_, Option<Mail>> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, error: io::Error) -> NotKept {
        let folder = self.folder.root().to_owned();
        NotKept::Io { folder, error }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the folder, unless it has been counted.
    fn know(&self, counts: &mut Counts) -> io::Result<()> {
        if counts.is_known {
            return Ok(());
        }
        let texts = self.folder.list(Place::New)?;
        counts.begin();
        for text in texts {
            if let Some(name) = InboxName::parse(&text) {
                counts.add(&name, self.folder.bytes(&text));
            }
        }
        Ok(())
    }
}

/// Returns where an SMS is safe when its request is answered with 200.
pub fn keeps(keeping: Keeping) -> Keeps {
    match keeping.inbox {
        true => Keeps::Inbox,
        false => Keeps::Spool,
    }
}

fn size(file: &[u8]) -> u64 {
    u64::try_from(file.len()).unwrap_or(u64::MAX)
}

/// Reads an SMS of the folder. `Ok(Err(…))` says why the file is no SMS.
pub fn read(folder: &Folder, place: Place, name: &str) -> io::Result<Result<(Item, u64), String>> {
    Ok(match folder.read(place, name, INBOX_FILE_BYTES_MAX) {
        Ok(bytes) => match Item::parse(&bytes) {
            Ok(item) => Ok((item, size(&bytes))),
            Err(bad) => Err(bad.to_string()),
        },
        Err(Unreadable::Io(error)) => return Err(error),
        Err(never) => Err(never.to_string()),
    })
}

/// Reads an SMS of the folder in the form that the queue's commands show, with the reason why it waits or was
/// given up. An error says why the file is no SMS.
pub fn shown(folder: &Folder, place: Place, file: &str) -> Result<envelope::Item, String> {
    let Some(name) = InboxName::parse(file) else {
        return Err("no SMS, set aside".to_owned());
    };
    let read = read(folder, place, file);
    let (item, _) = read.map_err(|error| Cause(&error).to_string())??;
    let reason = match (place, name.marker) {
        (Place::New, None) => "waits for its turn in Asterisk's spool",
        (Place::New, Some(_)) => "in Asterisk's spool",
        (Place::Failed, _) => &item.reason,
    };
    let (reason, id) = (reason.to_owned(), id_text(item.id));
    Ok(envelope::Item {
        reason,
        ..envelope::Item::new(id, item.interface, item.message, item.arrived_s)
    })
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotKept::TooFast => f.write_str("more SMS came than inbox_rate allows"),
            NotKept::Full { items } => write!(
                f,
                "the inbox holds {items} SMS, and its limit is max or {INBOX_BYTES_MAX} bytes: see whether \
                 asterisk runs"
            ),
            NotKept::Crowded { held, .. } => write!(
                f,
                "{held} SMS for it wait in the inbox, more than a third of what is still free: see whether its \
                 phone is there and the dialplan has it"
            ),
            NotKept::Io { folder, error } => {
                let (folder, cause) = (folder.display(), Cause(error));
                write!(f, "the inbox {folder} cannot take it: {cause}")
            }
        }
    }
}
