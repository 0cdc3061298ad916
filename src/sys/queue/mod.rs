//! A durable folder of messages that wait: put, list, replace, bury, sweep; who drains it; news.
//!
//! One tree on one filesystem, `tmp/`, `new/` and `failed/`, in which a message is one file of one
//! name (what stands in it, and in the name, is the caller's):
//!
//! | state | `tmp/ID` | `new/ID` | `failed/ID` | meaning | after a crash |
//! |---|---|---|---|---|---|
//! | Q1 | + | − | − | being written, the caller owns it | swept when old |
//! | Q2 | − | + | − | **ours**: fsync file, rename, fsync folder was the instant | retried |
//! | Q3 | + | + | − | being replaced (a try is written down) | one try extra |
//! | Q4 | − | − | + | given up; the operator's | kept, bounded, oldest dropped |
//! | Q5 | + | − | + | being taken back: what it will say is written | given up as before |
//!
//! Beside them `lock`, held by the one process that drains; `flushed`, when `websms --flush` last did;
//! and `flush`, its request to a running `websmsd`.
//!
//! Invariant: to put a message in needs no lock; what stands in `new/` is whole.

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

/// Such a folder.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    is_ours: fn(&str) -> bool,
}

/// The right to send what is in the folder. One process has it at a time.
#[derive(Debug)]
pub struct Drain {
    lock: Lock,
}

/// Where a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It waits.
    New,
    /// It was given up.
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

/// Where a file is written.
const TMP: &str = "tmp";
/// Whose lock the one who drains has.
const LOCK: &str = "lock";
/// When a flush last was.
const FLUSHED: &str = "flushed";
/// What a request to flush is called.
const REQUEST: &str = "flush";
/// Behind the name of a file that cannot be read, in `failed/`.
const BAD: &str = ".bad";

impl Folder {
    /// `root`, an absolute path; `is_ours` knows the names of messages. Nothing is touched yet.
    pub fn new(root: &Path, is_ours: fn(&str) -> bool) -> Folder {
        Folder {
            root: root.to_owned(),
            is_ours,
        }
    }

    /// Where it is, for a person.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes what is missing of it.
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

    /// The names of all messages in a place, sorted. What has another name is left alone. A folder
    /// that is not there holds none.
    pub fn list(&self, place: Place) -> io::Result<Vec<String>> {
        let directory = match self.place(place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            directory => directory?,
        };
        let mut names = directory.names(&|name| match name.strip_suffix(BAD) {
            Some(stem) => place == Place::Failed && (self.is_ours)(stem),
            None => (self.is_ours)(name),
        })?;
        names.sort();
        Ok(names)
    }

    /// Whether a message waits.
    pub fn holds(&self, name: &str) -> bool {
        self.place(Place::New).is_ok_and(|new| new.has(name))
    }

    /// How long ago a message's file was written; `None`: not known, or the clock says that it will be.
    pub fn age(&self, name: &str) -> Option<Duration> {
        let file: Metadata = self.place(Place::New).ok()?.look(name).ok()?;
        file.modified().ok()?.elapsed().ok()
    }

    /// All of a message's file.
    pub fn read(&self, place: Place, name: &str, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
        let directory = self.place(place).map_err(Unreadable::Io)?;
        directory.read(name, bytes_max)
    }

    /// Puts a message in, Q1 → Q2: `Ok` once a power cut cannot take it back, or where its folder's
    /// sync failed and it could not be taken out again. After any other error it is not there.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = write(&self.made()?, name, bytes)?;
        match new.sync() {
            Ok(()) => Ok(()),
            // Whoever drains may have it by now: then it is sent, and must not be sent again.
            Err(error) => match new.remove(name) {
                Ok(()) => Err(error),
                Err(_) => Ok(()),
            },
        }
    }

    /// Writes a message's file anew, Q2 → Q3 → Q2, whole or not at all.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        write(&self.open()?, name, bytes)?.sync()
    }

    /// Takes out a message that is sent. That it was not there is no error.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.remove_at(Place::New, name)
    }

    /// Takes out a message of a place, or what stands there under its name. That it was not there is no
    /// error.
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

    /// Puts a message that was given up back in under a new name, Q4 → Q2. It says `bytes` before it
    /// moves, so that whoever drains never sees what it said in `failed/`.
    pub fn take_back(&self, failed: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        let root = self.made()?;
        let old = root.open_in(Place::Failed.name())?;
        let new = root.open_in(Place::New.name())?;
        write_to(&root, name, bytes, &old, failed)?;
        old.rename(failed, &new, name)?;
        // It is there now: what goes wrong behind this makes it no less so.
        let _ = new.sync();
        let _ = old.sync();
        Ok(())
    }

    /// Gives a message up, Q2 → Q4, with what its file shall say for the operator. Of those in
    /// `failed/` the oldest go, so that `failed_max` are left; their names.
    pub fn bury(&self, name: &str, bytes: &[u8], failed_max: usize) -> io::Result<Vec<String>> {
        // That it cannot be written anew does not keep it in the queue. Where it says so already it is left
        // alone: what is moved in is news, and whoever hears of news may come here again.
        let before = self.read(Place::New, name, bytes.len());
        if !before.is_ok_and(|before| before == bytes) {
            let _ = self.replace(name, bytes);
        }
        self.retire(name, name, failed_max)
    }

    /// Moves away what cannot be read, whatever it is, as `failed/NAME.bad`; who had to go for it.
    pub fn set_aside(&self, name: &str, failed_max: usize) -> io::Result<Vec<String>> {
        self.retire(name, &format!("{name}{BAD}"), failed_max)
    }

    fn retire(&self, name: &str, to: &str, failed_max: usize) -> io::Result<Vec<String>> {
        let root = self.open()?;
        let failed = root.make_in(Place::Failed.name())?;
        let new = root.open_in(Place::New.name())?;
        new.rename(name, &failed, to)?;
        // It is there now: what goes wrong behind this makes it no less so.
        let _ = failed.sync();
        let _ = new.sync();
        let names = self.list(Place::Failed).unwrap_or_default();
        let many = names.len().saturating_sub(failed_max);
        let oldest = names.into_iter().filter(|other| other != to).take(many);
        Ok(oldest
            .filter(|name| failed.remove_all(name).is_ok())
            .collect())
    }

    /// Removes our own old files that were never finished. Returns how many went.
    pub fn sweep(&self) -> usize {
        let tmp = self.open().and_then(|root| root.open_in(TMP));
        tmp.map_or(0, |tmp| tmp.sweep(None, SWEEP_AGE, &self.is_ours))
    }

    // ---- Who drains it -----------------------------------------------------------------------

    /// Takes the right to send, for as long as the value lives; `None` where another process has it.
    pub fn drain(&self) -> io::Result<Option<Drain>> {
        let root = self.made()?;
        // Who only asks has it for an instant.
        let deadline = Deadline::after(Duration::from_millis(100));
        match lock::file(&root, LOCK, Share::Alone, deadline) {
            Ok(lock) => Ok(Some(Drain { lock })),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether that right still is one: who removes the folder takes it away.
    pub fn is_valid(&self, drain: &Drain) -> bool {
        self.open().is_ok_and(|root| drain.lock.is_of(&root, LOCK))
    }

    /// Whether a process has that right; not known where the folder may not be used.
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

    /// Writes down that everything was tried now.
    pub fn stamp_flush(&self, now_s: u64) -> io::Result<()> {
        let root = self.open()?;
        let tmp = root.open_in(TMP)?;
        let _ = tmp.remove(FLUSHED);
        let mut file = tmp.create(FLUSHED)?;
        file.write_all(format!("{now_s}\n").as_bytes())?;
        tmp.rename(FLUSHED, &root, FLUSHED)
    }

    /// When that was, seconds since 1970; `None`: never.
    pub fn flushed_s(&self) -> Option<u64> {
        let stamp = self.open().ok()?.read(FLUSHED, 32).ok()?;
        std::str::from_utf8(&stamp).ok()?.trim_end().parse().ok()
    }

    /// Asks whoever drains to try everything now.
    pub fn request_flush(&self) -> io::Result<()> {
        match self.open()?.create(REQUEST) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether somebody asks for that.
    pub fn wants_flush(&self) -> bool {
        self.open().is_ok_and(|root| root.has(REQUEST))
    }

    /// Answers the request: everything had its try.
    pub fn end_flush(&self) -> io::Result<()> {
        self.open()?.remove(REQUEST)
    }

    // ---- News --------------------------------------------------------------------------------

    /// Begins to watch: no message that is put in from now on is missed by [`News::wait`].
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

/// Writes a message's file, Q1 → Q2 or Q3 → Q2; where it stands now, unsynced.
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
    // Of a name that is nobody else's a crash may have left one.
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
    /// Waits until a message was put in, a flush was asked for, the lock was removed, or the folders were,
    /// which are then made anew.
    pub fn wait(&mut self) -> io::Result<()> {
        self.watch.wait(&mut |_| {})?;
        self.queue.prepare()?;
        // The same folder is watched once; another one of its name is a new one.
        self.look()
    }

    /// Begins to watch anew, as soon as that can be done: after an error of [`News::wait`].
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
        // What goes from there may be the lock.
        self.watch.add(&self.queue.root, Watched::Changes)?;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
