//! Manages a durable folder of waiting messages: put, list, replace, bury, sweep; the right to drain it;
//! news.
//!
//! The folder is one tree on one filesystem, `tmp/`, `new/` and `failed/`, in which a message is one file
//! of one name. The caller defines the contents and the name:
//!
//! | state | `tmp/ID` | `new/ID` | `failed/ID` | meaning | after a crash |
//! |---|---|---|---|---|---|
//! | Q1 | + | − | − | being written, the caller owns it | swept when old |
//! | Q2 | − | + | − | **ours**: fsync file, rename, fsync folder was the instant | retried |
//! | Q3 | + | + | − | being replaced (a try is written down) | one try extra |
//! | Q4 | − | − | + | given up; the operator's | kept, bounded, oldest dropped |
//! | Q5 | + | − | + | being taken back: what it will say is written | given up as before |
//!
//! There are three more files: `lock`, held by the one process that drains; `flushed`, with the time of the
//! last `websms --flush`; and `flush`, its request to a running `websmsd`.
//!
//! Invariant: putting a message in needs no lock, and files in `new/` are always complete.

mod batch;

use std::fs::Metadata;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::limits::{QUEUE_TAKE_PAUSE, SWEEP_AGE};
use crate::sys::clock::Deadline;
use crate::sys::directory::Directory;
use crate::sys::files::Unreadable;
use crate::sys::lock::{self, Lock, Share};
use crate::sys::watch::{Watch, Watched};

/// A durable folder of waiting messages.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    is_ours: fn(&str) -> bool,
}

/// The right to send the messages of the folder. One process has it at a time.
#[derive(Debug)]
pub struct Drain {
    lock: Lock,
}

/// The place of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The message waits.
    New,
    /// The message was given up.
    Failed,
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Place::New => "new",
            Place::Failed => "failed",
        }
    }
}

/// The folder in which files are written.
const TMP: &str = "tmp";
/// The file whose lock the draining process holds.
const LOCK: &str = "lock";
/// The file with the time of the last flush.
const FLUSHED: &str = "flushed";
/// The file that requests a flush.
const REQUEST: &str = "flush";
/// The end of the name of an unreadable file in `failed/`.
const BAD: &str = ".bad";

impl Folder {
    /// Returns the folder `root`, an absolute path; `is_ours` recognises names of messages. Nothing is
    /// touched yet.
    pub fn new(root: &Path, is_ours: fn(&str) -> bool) -> Folder {
        Folder {
            root: root.to_owned(),
            is_ours,
        }
    }

    /// Returns the path of the folder, for a person.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the missing parts of the folder.
    pub fn prepare(&self) -> io::Result<()> {
        self.made().map(drop)
    }

    fn made(&self) -> io::Result<Directory> {
        let root = Directory::make(&self.root)?;
        for name in [TMP, Place::New.name(), Place::Failed.name()] {
            root.make_in(name)?;
        }
        Ok(root)
    }

    fn open(&self) -> io::Result<Directory> {
        Directory::open(&self.root)
    }

    fn place(&self, place: Place) -> io::Result<Directory> {
        self.open()?.open_in(place.name())
    }

    /// Returns the names of all messages in a place, sorted. Files with other names are left alone. A
    /// folder that does not exist holds none.
    pub fn list(&self, place: Place) -> io::Result<Vec<String>> {
        let directory = match self.place(place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            directory => directory?,
        };
        let mut names = directory.names(&|name| match name.strip_suffix(BAD) {
            Some(stem) => place == Place::Failed && (self.is_ours)(stem),
            None => (self.is_ours)(name),
        })?;
        names.sort_unstable();
        Ok(names)
    }

    /// Whether a message waits.
    pub fn holds(&self, name: &str) -> bool {
        self.place(Place::New).is_ok_and(|new| new.has(name))
    }

    /// Returns how long ago a message's file was written; `None` if not known, or if that is in the future.
    pub fn age(&self, name: &str) -> Option<Duration> {
        let file: Metadata = self.place(Place::New).ok()?.look(name).ok()?;
        file.modified().ok()?.elapsed().ok()
    }

    /// Returns the whole contents of a message's file.
    pub fn read(&self, place: Place, name: &str, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
        let directory = self.place(place).map_err(Unreadable::Io)?;
        directory.read(name, bytes_max)
    }

    /// Puts a message in, Q1 → Q2. Returns `Ok` once a power cut cannot take it back, or if the folder
    /// could not be synced and the message could not be taken out again. After any other error it is not
    /// there.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = write(&self.made()?, name, bytes)?;
        match new.sync() {
            Ok(()) => Ok(()),
            // The draining process may have it by now: then it is sent, and must not be sent again.
            Err(error) => match new.remove(name) {
                Ok(()) => Err(error),
                Err(_) => Ok(()),
            },
        }
    }

    /// Replaces a message's file, Q2 → Q3 → Q2, whole or not at all.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        write(&self.open()?, name, bytes)?.sync()
    }

    /// Removes a message that was sent. A missing message is no error.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.remove_at(Place::New, name)
    }

    /// Removes a message of a place, or any entry under its name. A missing one is no error.
    pub fn remove_at(&self, place: Place, name: &str) -> io::Result<()> {
        let removed = self.place(place).and_then(|directory| {
            directory.remove_all(name)?;
            directory.sync()
        });
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Puts a message that was given up back in under a new name, Q4 → Q2. Its file is replaced with
    /// `bytes` before it moves, so that the draining process never sees the contents that it had in
    /// `failed/`.
    pub fn take_back(&self, failed: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        let root = self.made()?;
        let old = root.open_in(Place::Failed.name())?;
        let new = root.open_in(Place::New.name())?;
        write_to(&root, name, bytes, &old, failed)?;
        old.rename(failed, &new, name)?;
        // The message is there now, and later failures do not change that.
        let _ = new.sync();
        let _ = old.sync();
        Ok(())
    }

    /// Gives a message up, Q2 → Q4, with the contents that the operator is to see. Removes the oldest in
    /// `failed/`, so that `failed_max` are left, and returns their names.
    pub fn bury(&self, name: &str, bytes: &[u8], failed_max: usize) -> io::Result<Vec<String>> {
        // If the file cannot be replaced, it still leaves the queue. If it has these contents already it is
        // left alone: a moved-in file is news, and handling that news could lead here again.
        let before = self.read(Place::New, name, bytes.len());
        if !before.is_ok_and(|before| before == bytes) {
            let _ = self.replace(name, bytes);
        }
        self.retire(name, name, failed_max)
    }

    /// Moves away an unreadable entry, whatever it is, as `failed/NAME.bad`. Returns the names that had to
    /// be removed for it.
    pub fn set_aside(&self, name: &str, failed_max: usize) -> io::Result<Vec<String>> {
        self.retire(name, &format!("{name}{BAD}"), failed_max)
    }

    fn retire(&self, name: &str, to: &str, failed_max: usize) -> io::Result<Vec<String>> {
        let root = self.open()?;
        let failed = root.make_in(Place::Failed.name())?;
        let new = root.open_in(Place::New.name())?;
        new.rename(name, &failed, to)?;
        // It is there now, and later failures do not change that.
        let _ = failed.sync();
        let _ = new.sync();
        let names = self.list(Place::Failed).unwrap_or_default();
        let many = names.len().saturating_sub(failed_max);
        let oldest = names.into_iter().filter(|other| other != to).take(many);
        Ok(oldest
            .filter(|name| failed.remove_all(name).is_ok())
            .collect())
    }

    /// Removes our own old files that were never finished. Returns their number.
    pub fn sweep(&self) -> usize {
        let tmp = self.open().and_then(|root| root.open_in(TMP));
        tmp.map_or(0, |tmp| tmp.sweep(None, SWEEP_AGE, &self.is_ours))
    }

    // ---- The right to drain it -------------------------------------------------------------------

    /// Takes the right to send, for as long as the value lives; `None` if another process has it.
    pub fn drain(&self) -> io::Result<Option<Drain>> {
        // A process that only asks holds it for an instant.
        match self.hold(Duration::from_millis(100)) {
            Ok(drain) => Ok(Some(drain)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the same right, and waits for it up to `wait`: then `TimedOut`.
    pub fn hold(&self, wait: Duration) -> io::Result<Drain> {
        let lock = lock::file(&self.made()?, LOCK, Share::Alone, Deadline::after(wait))?;
        Ok(Drain { lock })
    }

    /// Whether the right is still valid: removing the folder ends it.
    pub fn is_valid(&self, drain: &Drain) -> bool {
        self.open().is_ok_and(|root| drain.lock.is_of(&root, LOCK))
    }

    /// Whether a process has the right. An error says that this is unknown, because the folder may not be
    /// used.
    pub fn is_drained(&self) -> io::Result<bool> {
        let deadline = Deadline::after(Duration::ZERO);
        let root = self.open();
        match root.and_then(|root| lock::file(&root, LOCK, Share::Shared, deadline)) {
            Ok(_) => Ok(false),
            Err(error) => match error.kind() {
                io::ErrorKind::TimedOut => Ok(true),
                io::ErrorKind::NotFound => Ok(false),
                _ => Err(error),
            },
        }
    }

    /// Records that everything was tried now.
    pub fn stamp_flush(&self, now_s: u64) -> io::Result<()> {
        let root = self.open()?;
        let tmp = root.open_in(TMP)?;
        let _ = tmp.remove(FLUSHED);
        let mut file = tmp.create(FLUSHED)?;
        file.write_all(format!("{now_s}\n").as_bytes())?;
        tmp.rename(FLUSHED, &root, FLUSHED)
    }

    /// Returns the time of the last flush, seconds since 1970; `None` if there was none.
    pub fn flushed_s(&self) -> Option<u64> {
        let stamp = self.open().ok()?.read(FLUSHED, 32).ok()?;
        std::str::from_utf8(&stamp).ok()?.trim_end().parse().ok()
    }

    /// Asks the draining process to try everything now.
    pub fn request_flush(&self) -> io::Result<()> {
        match self.open()?.create(REQUEST) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether a flush is requested.
    pub fn wants_flush(&self) -> bool {
        self.open().is_ok_and(|root| root.has(REQUEST))
    }

    /// Answers the request: everything was tried.
    pub fn end_flush(&self) -> io::Result<()> {
        self.open()?.remove(REQUEST)
    }

    // ---- News --------------------------------------------------------------------------------

    /// Begins to watch: [`News::wait`] misses no message that is put in from now on.
    pub fn news(&self) -> io::Result<News> {
        self.prepare()?;
        let news = News {
            queue: self.clone(),
            watch: Watch::new()?,
        };
        news.look()?;
        Ok(news)
    }
}

/// Writes a message's file for Q1 → Q2 or Q3 → Q2, unsynced. Returns the directory in which it is now.
fn write(root: &Directory, name: &str, bytes: &[u8]) -> io::Result<Directory> {
    let new = root.open_in(Place::New.name())?;
    write_to(root, name, bytes, &new, name)?;
    Ok(new)
}

/// Writes `bytes` aside under `name` and moves them into a directory.
fn write_to(
    root: &Directory,
    name: &str,
    bytes: &[u8],
    directory: &Directory,
    to: &str,
) -> io::Result<()> {
    let tmp = root.open_in(TMP)?;
    // A crash may have left a file of this name, which nobody else has.
    let _ = tmp.remove(name);
    let mut file = tmp.create(name)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| tmp.rename(name, directory, to));
    if written.is_err() {
        let _ = tmp.remove(name);
    }
    written
}

/// Reports changes of the folder.
#[derive(Debug)]
pub struct News {
    queue: Folder,
    watch: Watch,
}

impl News {
    /// Waits until a message was put in, a flush was requested, the lock was removed, or the folders were
    /// removed, which are then made again.
    pub fn wait(&mut self) -> io::Result<()> {
        self.watch.wait(&mut |_| {})?;
        self.queue.prepare()?;
        // A folder that is watched already is not watched twice; another folder of its name is a new one.
        self.look()
    }

    /// Begins to watch anew as soon as possible, after an error of [`News::wait`].
    pub fn again(&self) -> News {
        loop {
            thread::sleep(QUEUE_TAKE_PAUSE);
            if let Ok(news) = self.queue.news() {
                return news;
            }
        }
    }

    fn look(&self) -> io::Result<()> {
        let new = self.queue.root.join(Place::New.name());
        self.watch.add(&new, Watched::Arrivals)?;
        // A file that is removed from there may be the lock.
        self.watch.add(&self.queue.root, Watched::Changes)?;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
