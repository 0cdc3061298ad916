//! Locks between processes, with a bounded wait (`flock(2)`): given back when the process ends, however
//! it ends.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;

use crate::sys::clock::Deadline;
use crate::sys::files;
use crate::sys::user::Owner;

/// Between two looks whether a lock is free.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Who else may hold a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Others who share it.
    Shared,
    /// Nobody.
    Alone,
}

/// A lock, given back when it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Whether the file that was locked still stands at `path`; another one there has a lock of its own.
    pub fn is_of(&self, path: &Path) -> bool {
        let (ours, theirs) = (self.file.metadata(), fs::symlink_metadata(path));
        let id = |found: &fs::Metadata| (found.dev(), found.ino());
        matches!((ours, theirs), (Ok(ours), Ok(theirs)) if id(&ours) == id(&theirs))
    }
}

/// Takes the lock that a file stands for, `TimedOut` where it is not free in time. The file is made
/// where it is missing; made by root it takes `owner`.
pub fn file(
    path: &Path,
    owner: Option<Owner>,
    share: Share,
    deadline: Deadline,
) -> io::Result<Lock> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match open(path, flags, Mode::empty()) {
        Err(Errno::NOENT) => match files::create(path, owner) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                File::from(open(path, flags, Mode::empty())?)
            }
            created => created?,
        },
        opened => File::from(opened?),
    };
    take(file, share, deadline)
}

/// Takes a lock on an open file or folder, `TimedOut` where it is not free in time.
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
