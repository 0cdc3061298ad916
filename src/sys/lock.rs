//! Takes locks between processes, with a bounded wait (`flock(2)`). A lock is released when the process
//! ends, however it ends.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::sys::clock::Deadline;
use crate::sys::directory::Directory;
use crate::sys::files::Unreadable;

/// The pause between two checks whether a lock is free.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Whether others may hold a lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Others may share it.
    Shared,
    /// Nobody else may hold it.
    Alone,
}

/// A lock, which is released when it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Whether the file that was locked still stands in a directory. Another file of its name there has a
    /// lock of its own.
    pub fn is_of(&self, directory: &Directory, name: &str) -> bool {
        let (ours, theirs) = (self.file.metadata(), directory.look(name));
        let id = |found: &Metadata| (found.dev(), found.ino());
        matches!((ours, theirs), (Ok(ours), Ok(theirs)) if id(&ours) == id(&theirs))
    }
}

/// Takes the lock that a file in a directory represents; `TimedOut` if it is not free in time. Makes the
/// file if it is missing.
pub fn file(
    directory: &Directory,
    name: &str,
    share: Share,
    deadline: Deadline,
) -> io::Result<Lock> {
    let open = || directory.regular(name, OFlags::RDONLY);
    let file = match open() {
        Err(Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            match directory.create(name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open()?,
                created => created?,
            }
        }
        opened => opened?,
    };
    take(file, share, deadline)
}

/// Takes a lock on an open file or folder; `TimedOut` if it is not free in time.
pub fn take(file: File, share: Share, deadline: Deadline) -> io::Result<Lock> {
    let operation = match share {
        Share::Shared => FlockOperation::NonBlockingLockShared,
        Share::Alone => FlockOperation::NonBlockingLockExclusive,
    };
    loop {
        match flock(&file, operation) {
            Ok(()) => return Ok(Lock { file }),
            Err(Errno::WOULDBLOCK | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        match deadline.left() {
            Some(left) => std::thread::sleep(left.min(LOCK_PAUSE)),
            None => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
