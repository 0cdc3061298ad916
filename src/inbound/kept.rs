//! Keeps refused requests in files that can be replayed (spec §8.7).
//!
//! Only a request that passed every check of address, path and credentials is kept, so that a stranger
//! writes nothing to a disk. Even such requests are kept only in a burst, and then once a minute.
//!
//! Invariant: a failure here is logged and changes no answer.

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::limits::{KEPT_FILE_BYTES_MAX, KEPT_RETRY_WAIT};
use crate::proto::record::kept::{Allowance, Kept, KeptFile, Shelf};
use crate::sys::cause::Cause;
use crate::sys::clock::Deadline;
use crate::sys::kept::Folder;
use crate::sys::log::{self, Clean, Level};

/// The refused requests that are kept. All connections share one.
pub struct Rejected {
    folder: Folder,
    /// The value of `keep_rejected`.
    places: usize,
    opened: Instant,
    state: Mutex<State>,
}

/// The result for a request that was to be kept.
pub enum KeepResult {
    /// It was written to the file of this name.
    Done(String),
    /// It was in the file of this name before.
    Held(String),
    /// Too many were kept shortly before it.
    TooSoon,
    /// It was not kept; the reason was logged.
    Failed,
}

struct State {
    shelf: Shelf,
    /// Whether the earlier contents of the folder are on the shelf.
    is_read: bool,
    /// The number of requests that may still be written.
    allowance: Allowance,
    /// The time before which no write is tried, after a failed one, which was logged.
    failing: Option<Deadline>,
}

impl Rejected {
    /// Keeps at most `places` requests in `folder` and removes those beyond. Returns `None` if nothing is
    /// to be kept. A folder that cannot be used is logged, and tried again with later requests, once a
    /// second at most.
    pub fn open(folder: Folder, places: usize) -> Option<Rejected> {
        if places == 0 {
            return None;
        }
        let rejected = Rejected {
            folder,
            places,
            opened: Instant::now(),
            state: Mutex::new(State {
                shelf: Shelf::default(),
                is_read: false,
                allowance: Allowance::new(places),
                failing: None,
            }),
        };
        rejected.read(&mut rejected.state());
        Some(rejected)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the folder to fill the shelf. Returns whether it could be read.
    fn read(&self, state: &mut State) -> bool {
        let names = self.folder.prepare().and_then(|()| self.folder.list());
        let names = match names {
            Ok(names) => names,
            Err(error) => {
                self.fail(state, self.folder.path(), &error);
                return false;
            }
        };
        for name in names {
            state.shelf.push(self.look_at(name));
        }
        for name in state.shelf.shrink(self.places) {
            self.let_go(&name);
        }
        state.is_read = true;
        state.failing = None;
        true
    }

    /// Records a failed write; of several in a row the first is logged.
    fn fail(&self, state: &mut State, path: &Path, error: &io::Error) {
        if state.failing.is_none() {
            complain(path, error);
        }
        state.failing = Some(Deadline::after(KEPT_RETRY_WAIT));
    }

    /// Keeps a request, unless a burst of others and one a minute were kept before it.
    pub fn keep(&self, kept: &Kept) -> KeepResult {
        let (name, print) = (kept.name(), kept.print());
        let mut state = self.state();
        // A provider that repeats itself for days does not wear out the disk. But an operator may have
        // dealt with the file before the request came again.
        if state.shelf.holds(&name, print) && self.folder.has(&name) {
            return KeepResult::Held(name);
        }
        if state.failing.is_some_and(|wait| !wait.is_over()) {
            return KeepResult::Failed;
        }
        if !state.allowance.is_left(self.opened.elapsed()) {
            return KeepResult::TooSoon;
        }
        if !state.is_read && !self.read(&mut state) {
            return KeepResult::Failed;
        }
        let bytes = kept.encode();
        if let Err(error) = self.folder.put(&name, &bytes) {
            self.fail(&mut state, &self.folder.join(&name), &error);
            return KeepResult::Failed;
        }
        state.failing = None;
        state.allowance.spend();
        let entry = KeptFile {
            name: name.clone(),
            print: Some(print),
            address: kept.address,
            bytes: bytes.len(),
        };
        for gone in state.shelf.place(entry, self.places) {
            self.let_go(&gone);
        }
        KeepResult::Done(name)
    }

    /// Returns the entry of a file. A file that cannot be read is set aside and keeps a place until it is
    /// the oldest.
    fn look_at(&self, name: String) -> KeptFile {
        let read = self.folder.read(&name, KEPT_FILE_BYTES_MAX);
        let bytes = read.as_ref().map_or(0, Vec::len);
        let fault = match read {
            Ok(file) => match Kept::parse(&file) {
                Ok(kept) => {
                    return KeptFile {
                        name,
                        print: Some(kept.print()),
                        address: kept.address,
                        bytes,
                    };
                }
                Err(bad) => bad.to_string(),
            },
            Err(unreadable) => unreadable.to_string(),
        };
        let mut entry = KeptFile {
            name,
            print: None,
            address: None,
            bytes,
        };
        if entry.name.ends_with(".bad") {
            return entry;
        }
        let path = self.folder.join(&entry.name);
        match self.folder.set_aside(&entry.name) {
            Ok(bad) => {
                let path = path.as_os_str().as_encoded_bytes();
                log::event(
                    Level::Error,
                    format_args!("{}: {fault}; set aside as {bad}", Clean(path)),
                );
                entry.name = bad;
            }
            Err(error) => complain(&path, &error),
        }
        entry
    }

    fn let_go(&self, name: &str) {
        match self.folder.remove(name) {
            Ok(()) => log::event(
                Level::Info,
                format_args!("kept request {name} made room for newer ones"),
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => complain(&self.folder.join(name), &error),
        }
    }
}

fn complain(path: &Path, error: &io::Error) {
    let words = Cause(error);
    log::event(
        Level::Error,
        format_args!(
            "{}: {words}; refused requests are not kept",
            Clean(path.as_os_str().as_encoded_bytes())
        ),
    );
}
