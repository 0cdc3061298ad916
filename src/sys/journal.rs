//! A file of lines that grows at its end and is shared by processes.
//!
//! Three names in a folder of its own: `NAME`, `NAME.new` while it is written anew, `NAME.bad` where
//! something that could not be read was set aside, and `lock` for [`Journal::lock`].
//!
//! A line that was added survives the end of the process at once, and a power cut when the system
//! has written it (half a minute, mostly): a sync a line would wear a router's flash for nothing.
//! Written anew it is synced before it takes the old one's place.
//!
//! Invariant: whoever changes the file holds a [`Turn`], so no line is lost between two processes.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

use crate::sys::clock::Deadline;
use crate::sys::directory::Directory;
use crate::sys::files::{self, Unreadable};
use crate::sys::lock::{self, Lock, Share};
use crate::sys::log::{self, Clean, Level};

/// A file of lines that processes share.
#[derive(Debug, PartialEq, Eq)]
pub struct Journal {
    folder: PathBuf,
    name: &'static str,
}

/// Shows whether the file is the one that was read, with the same length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    /// The length of the file.
    pub bytes: u64,
}

/// The journal's folder, open: all operations apply to the folder that was there when it was opened.
#[derive(Debug, Clone)]
pub struct Folder(Arc<Directory>);

/// The right to change the file in one folder.
#[derive(Debug)]
pub struct Turn {
    /// The folder to which the right applies.
    pub folder: Folder,
    _lock: Lock,
}

/// What [`Journal::read`] found under the file's name.
#[derive(Debug)]
pub enum Found {
    /// There is nothing.
    Nothing,
    /// The contents of the file.
    File(Vec<u8>),
    /// It is no file, or one that is too long; with the reason why it is not read.
    Foreign(String),
}

/// The end of the file, valid while this process holds the [`Turn`].
#[derive(Debug)]
pub struct End {
    file: File,
    /// The stamp of the file at this end.
    pub stamp: Stamp,
}

impl End {
    /// Appends lines and returns the new stamp. After an error the file may contain a part of them.
    pub fn append(mut self, lines: &[u8]) -> io::Result<Stamp> {
        self.file.write_all(lines)?;
        let added = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        self.stamp.bytes = self.stamp.bytes.saturating_add(added);
        Ok(self.stamp)
    }
}

impl Stamp {
    /// Whether this stamp is of the same file, to which lines at most were appended since.
    pub fn is_of_same(self, before: Stamp) -> bool {
        (self.device, self.inode) == (before.device, before.inode) && self.bytes >= before.bytes
    }

    fn of(found: &Metadata) -> Stamp {
        Stamp {
            device: found.dev(),
            inode: found.ino(),
            bytes: found.len(),
        }
    }
}

impl Journal {
    /// Returns the journal `name` in `folder`, an absolute path. Nothing is touched yet.
    pub fn new(folder: &Path, name: &'static str) -> Journal {
        let folder = folder.to_owned();
        Journal { folder, name }
    }

    /// Opens the folder, and makes it if it is missing.
    pub fn make(&self) -> io::Result<Folder> {
        Directory::make(&self.folder).map(|it| Folder(Arc::new(it)))
    }

    /// Logs words behind the path of the file.
    pub fn log(&self, level: Level, words: fmt::Arguments<'_>) {
        let path = self.folder.join(self.name);
        let path = Clean(path.as_os_str().as_encoded_bytes());
        log::event(level, format_args!("{path}: {words}"));
    }

    /// Opens the folder, which must exist.
    pub fn open(&self) -> io::Result<Folder> {
        Directory::open(&self.folder).map(|it| Folder(Arc::new(it)))
    }

    /// Returns the stamp of the file in a folder; `None` if there is none.
    pub fn stamp(&self, folder: &Folder) -> io::Result<Option<Stamp>> {
        match folder.0.look(self.name) {
            Ok(found) => Ok(Some(Stamp::of(&found))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits for the right to change the file. Makes the folder if it is missing.
    pub fn turn(&self, deadline: Deadline) -> io::Result<Turn> {
        self.turn_in(self.make()?, deadline)
    }

    /// Waits for the right to change the file in a folder.
    pub fn turn_in(&self, folder: Folder, deadline: Deadline) -> io::Result<Turn> {
        let lock = lock::take(folder.0.readable()?, Share::Alone, deadline)?;
        Ok(Turn {
            folder,
            _lock: lock,
        })
    }

    /// Waits for the lock beside the file, which means what its users agree on.
    pub fn lock(&self, folder: &Folder, share: Share, deadline: Deadline) -> io::Result<Lock> {
        lock::file(&folder.0, "lock", share, deadline)
    }

    /// Reads the whole file.
    pub fn read(&self, turn: &Turn, bytes_max: usize) -> io::Result<Found> {
        match turn.folder.0.read(self.name, bytes_max) {
            Ok(bytes) => Ok(Found::File(bytes)),
            Err(Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Found::Nothing)
            }
            Err(Unreadable::Io(error)) => Err(error),
            Err(foreign) => Ok(Found::Foreign(foreign.to_string())),
        }
    }

    /// Returns the whole file; empty if there is none, or if it is no file that can be read.
    pub fn content(&self, turn: &Turn, bytes_max: usize) -> io::Result<Vec<u8>> {
        Ok(match self.read(turn, bytes_max)? {
            Found::File(bytes) => bytes,
            Found::Nothing | Found::Foreign(_) => Vec::new(),
        })
    }

    /// Returns the file without its first `from` bytes, at most `bytes_max` of it.
    pub fn read_from(&self, turn: &Turn, from: u64, bytes_max: usize) -> io::Result<Vec<u8>> {
        let mut file = turn.folder.0.regular(self.name, OFlags::RDONLY)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = files::read_rest(&file, 0, bytes_max)?;
        bytes.truncate(bytes_max);
        Ok(bytes)
    }

    /// Opens the file to append lines.
    pub fn end(&self, turn: &Turn) -> Result<End, Unreadable> {
        let flags = OFlags::WRONLY | OFlags::APPEND;
        let (file, found) = turn.folder.0.regular_found(self.name, flags)?;
        Ok(End {
            file,
            stamp: Stamp::of(&found),
        })
    }

    /// Overwrites the last bytes of the file, unsynced: they survive the end of this process, but not that
    /// of the system.
    pub fn write_end(&self, turn: &Turn, end: &[u8]) -> io::Result<()> {
        let mut file = turn.folder.0.regular(self.name, OFlags::WRONLY)?;
        let bytes = i64::try_from(end.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        file.seek(SeekFrom::End(bytes.saturating_neg()))?;
        file.write_all(end)
    }

    /// Replaces the file, whole or not at all.
    pub fn replace(&self, turn: &Turn, bytes: &[u8]) -> io::Result<()> {
        let (directory, new) = (&turn.folder.0, self.beside("new"));
        // A crash may have left one.
        let _ = directory.remove(&new);
        let mut file = directory.create(&new)?;
        let written = file
            .write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| directory.rename(&new, directory, self.name));
        if let Err(error) = written {
            let _ = directory.remove(&new);
            return Err(error);
        }
        directory.sync()
    }

    /// Moves away what has the file's name, whatever it is, and replaces what was set aside before. Returns
    /// the new path, for a person.
    fn set_aside(&self, turn: &Turn) -> io::Result<PathBuf> {
        let (directory, bad) = (&turn.folder.0, self.beside("bad"));
        let _ = directory
            .remove(&bad)
            .or_else(|_| directory.remove_folder(&bad));
        directory.rename(self.name, directory, &bad)?;
        Ok(self.folder.join(bad))
    }

    /// Sets aside a file that is not ours, as `set_aside` does, and logs why and what is lost by it.
    pub fn give_up(&self, turn: &Turn, why: &str, loss: fmt::Arguments<'_>) -> io::Result<()> {
        let bad = self.set_aside(turn)?;
        let bad = Clean(bad.as_os_str().as_encoded_bytes());
        self.log(
            Level::Error,
            format_args!("{why}; set aside as {bad}, {loss}"),
        );
        Ok(())
    }

    fn beside(&self, ending: &str) -> String {
        [self.name, ".", ending].concat()
    }
}
