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

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use crate::limits::{QUEUE_TAKE_PAUSE, SWEEP_AGE};
use crate::sys::clock::Deadline;
use crate::sys::files::{self, Links, Unreadable};
use crate::sys::lock::{self, Lock, Share};
use crate::sys::user::Owner;

/// Such a folder.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    owner: Option<Owner>,
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

/// What a request to flush is called.
const REQUEST: &str = "flush";
/// Behind the name of a file that cannot be read, in `failed/`.
const BAD: &str = ".bad";

impl Folder {
    /// `root`, an absolute path; `is_ours` knows the names of messages. What root makes takes `owner`.
    /// Nothing is touched yet.
    pub fn new(root: &Path, owner: Option<Owner>, is_ours: fn(&str) -> bool) -> Folder {
        Folder {
            root: root.to_owned(),
            owner,
            is_ours,
        }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes what is missing of it.
    pub fn prepare(&self) -> io::Result<()> {
        for folder in ["tmp", "new", "failed"] {
            files::make_folder(&self.root.join(folder), self.owner)?;
        }
        Ok(())
    }

    /// The names of all messages in a place, sorted. What has another name is left alone. A folder
    /// that is not there holds none.
    pub fn list(&self, place: Place) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.folder(place)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            if let Some(name) = name.to_str()
                && (self.is_ours)(name.strip_suffix(BAD).unwrap_or(name))
                && (place == Place::Failed || !name.ends_with(BAD))
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Whether a message waits.
    pub fn holds(&self, name: &str) -> bool {
        fs::symlink_metadata(self.folder(Place::New).join(name)).is_ok()
    }

    /// How long ago a message's file was written; `None`: not known, or the clock says that it will be.
    pub fn age(&self, name: &str) -> Option<Duration> {
        let file = fs::symlink_metadata(self.folder(Place::New).join(name)).ok()?;
        file.modified().ok()?.elapsed().ok()
    }

    /// All of a message's file.
    pub fn read(&self, place: Place, name: &str, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
        files::read(&self.folder(place).join(name), bytes_max, Links::Refuse)
    }

    /// Puts a message in, Q1 → Q2: `Ok` once a power cut cannot take it back, or where its folder's
    /// sync failed and it could not be taken out again. After any other error it is not there.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.prepare()?;
        self.write(name, bytes)?;
        match files::sync_folder(&self.folder(Place::New)) {
            Ok(()) => Ok(()),
            // Whoever drains may have it by now: then it is sent, and must not be sent again.
            Err(error) => match fs::remove_file(self.folder(Place::New).join(name)) {
                Ok(()) => Err(error),
                Err(_) => Ok(()),
            },
        }
    }

    /// Writes a message's file anew, Q2 → Q3 → Q2, whole or not at all.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write(name, bytes)?;
        files::sync_folder(&self.folder(Place::New))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write_to(&self.folder(Place::New).join(name), name, bytes)
    }

    /// Writes `bytes` aside under `name` and moves them to `path`.
    fn write_to(&self, path: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
        let tmp = self.root.join("tmp").join(name);
        // Of a name that is nobody else's a crash may have left one.
        let _ = fs::remove_file(&tmp);
        let mut file = files::create(&tmp, self.owner)?;
        let written = file
            .write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&tmp, path));
        if written.is_err() {
            let _ = fs::remove_file(&tmp);
        }
        written
    }

    /// Takes out a message that is sent. That it was not there is no error.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.remove_at(Place::New, name)
    }

    /// Takes out a message of a place, or what stands there under its name. That it was not there is no
    /// error.
    pub fn remove_at(&self, place: Place, name: &str) -> io::Result<()> {
        let path = self.folder(place).join(name);
        let removed = match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => fs::remove_dir_all(&path),
            removed => removed,
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => files::sync_folder(&self.folder(place)),
        }
    }

    /// Puts a message that was given up back in under a new name, Q4 → Q2. It says `bytes` before it
    /// moves, so that whoever drains never sees what it said in `failed/`.
    pub fn take_back(&self, failed: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.prepare()?;
        let (old, new) = (self.folder(Place::Failed), self.folder(Place::New));
        self.write_to(&old.join(failed), name, bytes)?;
        fs::rename(old.join(failed), new.join(name))?;
        // It is there now: what goes wrong behind this makes it no less so.
        let _ = files::sync_folder(&new);
        let _ = files::sync_folder(&old);
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
        files::make_folder(&self.folder(Place::Failed), self.owner)?;
        let (new, failed) = (self.folder(Place::New), self.folder(Place::Failed));
        fs::rename(new.join(name), failed.join(to))?;
        // It is there now: what goes wrong behind this makes it no less so.
        let _ = files::sync_folder(&failed);
        let _ = files::sync_folder(&new);
        let names = self.list(Place::Failed).unwrap_or_default();
        let many = names.len().saturating_sub(failed_max);
        let oldest = names.into_iter().filter(|other| other != to).take(many);
        Ok(oldest
            .filter(|name| {
                let path = failed.join(name);
                fs::remove_file(&path).is_ok() || fs::remove_dir_all(&path).is_ok()
            })
            .collect())
    }

    /// Removes our own old files that were never finished. Returns how many went.
    pub fn sweep(&self) -> usize {
        let is_ours = |name: &[u8]| std::str::from_utf8(name).is_ok_and(self.is_ours);
        files::sweep(&self.root.join("tmp"), self.owner, SWEEP_AGE, &is_ours)
    }

    fn folder(&self, place: Place) -> PathBuf {
        self.root.join(match place {
            Place::New => "new",
            Place::Failed => "failed",
        })
    }

    // ---- Who drains it -----------------------------------------------------------------------

    /// Takes the right to send, for as long as the value lives; `None` where another process has it.
    pub fn drain(&self) -> io::Result<Option<Drain>> {
        self.prepare()?;
        // Who only asks has it for an instant.
        let deadline = Deadline::after(Duration::from_millis(100));
        match self.lock(Share::Alone, deadline) {
            Ok(lock) => Ok(Some(Drain { lock })),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether that right still is one: who removes the folder takes it away.
    pub fn is_valid(&self, drain: &Drain) -> bool {
        drain.lock.is_of(&self.root.join("lock"))
    }

    /// Whether a process has that right; not known where the folder may not be used.
    pub fn is_drained(&self) -> io::Result<bool> {
        match self.lock(Share::Shared, Deadline::after(Duration::ZERO)) {
            Ok(_) => Ok(false),
            Err(error) => match error.kind() {
                io::ErrorKind::TimedOut => Ok(true),
                io::ErrorKind::NotFound => Ok(false),
                _ => Err(error),
            },
        }
    }

    fn lock(&self, share: Share, deadline: Deadline) -> io::Result<Lock> {
        lock::file(&self.root.join("lock"), self.owner, share, deadline)
    }

    /// Writes down that everything was tried now.
    pub fn stamp_flush(&self, now_s: u64) -> io::Result<()> {
        let path = self.root.join("flushed");
        let new = self.root.join("tmp").join("flushed");
        let _ = fs::remove_file(&new);
        let mut file = files::create(&new, self.owner)?;
        file.write_all(format!("{now_s}\n").as_bytes())?;
        fs::rename(new, path)
    }

    /// When that was, seconds since 1970; `None`: never.
    pub fn flushed_s(&self) -> Option<u64> {
        let stamp = files::read(&self.root.join("flushed"), 32, Links::Refuse).ok()?;
        std::str::from_utf8(&stamp).ok()?.trim_end().parse().ok()
    }

    /// Asks whoever drains to try everything now.
    pub fn request_flush(&self) -> io::Result<()> {
        match files::create(&self.root.join(REQUEST), self.owner) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether somebody asks for that.
    pub fn wants_flush(&self) -> bool {
        fs::symlink_metadata(self.root.join(REQUEST)).is_ok()
    }

    /// Answers the request: everything had its try.
    pub fn end_flush(&self) -> io::Result<()> {
        fs::remove_file(self.root.join(REQUEST))
    }

    // ---- News --------------------------------------------------------------------------------

    /// Begins to watch: no message that is put in from now on is missed by [`News::wait`].
    pub fn news(&self) -> io::Result<News> {
        self.prepare()?;
        let news = News {
            queue: self.clone(),
            notes: File::from(inotify::init(CreateFlags::CLOEXEC)?),
        };
        news.watch()?;
        Ok(news)
    }
}

/// Tells when the folder changes (`inotify(7)`), without looking at the disk again and again.
#[derive(Debug)]
pub struct News {
    queue: Folder,
    notes: File,
}

impl News {
    /// Waits until a message was put in, a flush was asked for, the lock was removed, or the folders were,
    /// which are then made anew.
    pub fn wait(&mut self) -> io::Result<()> {
        let mut notes = [0; 4096];
        while let Err(error) = self.notes.read(&mut notes) {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        self.queue.prepare()?;
        // The same folder is watched once; another one of its name is a new one.
        self.watch()
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

    fn watch(&self) -> io::Result<()> {
        let gone = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR;
        let new = self.queue.folder(Place::New);
        inotify::add_watch(&self.notes, &new, gone | WatchFlags::MOVED_TO)?;
        // What goes from there may be the lock.
        let any = WatchFlags::CREATE | WatchFlags::DELETE;
        inotify::add_watch(&self.notes, &self.queue.root, gone | any)?;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
