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

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};

use crate::sys::clock::Deadline;
use crate::sys::files::{self, Links, Unreadable};
use crate::sys::lock::{self, Lock, Share};
use crate::sys::user::Owner;

/// Such a file.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    path: PathBuf,
    owner: Option<Owner>,
}

/// Tells whether the file is the one that was read, as long as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    /// Its length.
    pub bytes: u64,
}

/// The right to change the file.
#[derive(Debug)]
pub struct Turn {
    _lock: Lock,
}

impl Journal {
    /// `name` in `folder`, an absolute path. What root makes takes `owner`. Nothing is touched yet.
    pub fn new(folder: &Path, name: &str, owner: Option<Owner>) -> Journal {
        Journal {
            path: folder.join(name),
            folder: folder.to_owned(),
            owner,
        }
    }

    /// Makes the folder where it is missing.
    pub fn prepare(&self) -> io::Result<()> {
        files::make_folder(&self.folder, self.owner)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What stands there now; `None`: nothing.
    pub fn stamp(&self) -> io::Result<Option<Stamp>> {
        match fs::symlink_metadata(&self.path) {
            Ok(found) => Ok(Some(Stamp {
                device: found.dev(),
                inode: found.ino(),
                bytes: found.len(),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All of it.
    pub fn read(&self, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
        files::read(&self.path, bytes_max, Links::Refuse)
    }

    /// Waits for the right to change it; makes the folder where it is missing.
    pub fn turn(&self, deadline: Deadline) -> io::Result<Turn> {
        self.prepare()?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = File::from(open(&self.folder, flags, Mode::empty())?);
        lock::take(folder, Share::Alone, deadline).map(|_lock| Turn { _lock })
    }

    /// Waits for the lock beside the file, which means what its users agree on.
    pub fn lock(&self, share: Share, deadline: Deadline) -> io::Result<Lock> {
        lock::file(&self.folder.join("lock"), self.owner, share, deadline)
    }

    /// Adds lines at its end. After an error a part of them may stand there.
    pub fn append(&self, _turn: &Turn, lines: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(open(&self.path, flags, Mode::empty())?);
        file.write_all(lines)
    }

    /// Writes over the file's last bytes, unsynced: whatever the end of this process, they are there
    /// until the system's own.
    pub fn write_end(&self, _turn: &Turn, end: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(open(&self.path, flags, Mode::empty())?);
        let bytes = i64::try_from(end.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        file.seek(SeekFrom::End(bytes.saturating_neg()))?;
        file.write_all(end)
    }

    /// Puts a new file in its place, whole or not at all.
    pub fn replace(&self, _turn: &Turn, bytes: &[u8]) -> io::Result<()> {
        let new = self.beside("new");
        // A crash may have left one.
        let _ = fs::remove_file(&new);
        let mut file = files::create(&new, self.owner)?;
        let written = file
            .write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&new, &self.path));
        if let Err(error) = written {
            let _ = fs::remove_file(&new);
            return Err(error);
        }
        files::sync_folder(&self.folder)
    }

    /// Moves away what stands in its place, whatever it is; what was set aside before goes.
    pub fn set_aside(&self, _turn: &Turn) -> io::Result<PathBuf> {
        let bad = self.beside("bad");
        let _ = fs::remove_file(&bad).or_else(|_| fs::remove_dir(&bad));
        fs::rename(&self.path, &bad)?;
        Ok(bad)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.path.with_extension(ending)
    }
}
