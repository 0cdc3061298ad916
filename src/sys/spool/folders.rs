//! The two folders of the spool while they are open, and how one is known from another.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::Mode;
use rustix::io::Errno;

use super::fault::{SpoolFault, Step, failed};
use super::{File, is_missing, lock};
use crate::sys::directory::Directory;
use crate::sys::sharing::SharedSync;
use crate::sys::user::Owner;

/// The two open folders.
#[derive(Debug)]
pub(super) struct Folders {
    pub(super) outgoing: Directory,
    pub(super) staging: Directory,
    pub(super) identities: Identities,
    /// The shared sync of `outgoing`.
    pub(super) sync: SharedSync,
    /// Whether the first file that was made in `staging` had the mode that was asked for.
    pub(super) makes_mode: OnceLock<bool>,
}

/// The identities of the two folders.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identities {
    pub(super) staging: Identity,
    pub(super) outgoing: Identity,
}

/// A folder's path, and the step that fails without it.
pub(super) struct At<'a>(pub(super) &'a Path, pub(super) Step);

impl At<'_> {
    pub(super) fn named(&self) -> Result<Identity, SpoolFault> {
        let found = fs::metadata(self.0);
        let identity = found.map(|found| Identity::of(&found));
        identity.map_err(|error| failed(self.1, self.0, error))
    }

    pub(super) fn open(&self) -> Result<(Directory, Identity), SpoolFault> {
        let opened = Directory::open(self.0).and_then(|folder| {
            let identity = Identity::of(&folder.metadata()?);
            Ok((folder, identity))
        });
        opened.map_err(|error| failed(self.1, self.0, error))
    }
}

/// Distinguishes folders from each other, and a folder from itself after a change of owner.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) owner: Owner,
}

impl Identity {
    pub(super) fn is_folder_of(&self, other: &Identity) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    pub(super) fn of(found: &fs::Metadata) -> Identity {
        Identity {
            device: found.dev(),
            inode: found.ino(),
            owner: Owner {
                uid: found.uid(),
                gid: Some(found.gid()),
            },
        }
    }
}

impl Folders {
    /// Whether a file has its mode from the call that made it. The umask, a list of access rights or the
    /// kind of filesystem may be against it; they are the same for all files while the folders are open,
    /// so one is looked at.
    pub(super) fn makes_mode(&self, file: &fs::File, mode: Mode) -> bool {
        *self.makes_mode.get_or_init(|| {
            let found = file.metadata();
            found.is_ok_and(|found| Mode::from_raw_mode(found.mode() & 0o7777) == mode)
        })
    }

    /// Gives a staged file the time ahead that it asks for, counted from now. Asterisk knows whole seconds
    /// only and cuts what is beyond, so it is rounded up: else the second part of a text that comes at the
    /// end of a second were due at once, together with the first.
    pub(super) fn delay(&self, file: &File<'_>) -> io::Result<()> {
        if file.delay_s == 0 {
            return Ok(());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_err(io::Error::other)?;
        let begun = u64::from(now.subsec_nanos() > 0);
        let due_s = now.as_secs().saturating_add(begun);
        let due_s = due_s.saturating_add(file.delay_s);
        self.staging.set_modified(file.name, due_s)
    }

    pub(super) fn discard(&self, name: &str) {
        // Should it stay, it is swept when it is old; nobody reads it.
        let _ = self.staging.remove(name);
    }

    /// For filesystems (vfat, some of containers) that cannot refuse to replace. The lock keeps our own
    /// threads from each other; that another process takes a name of 64 random bits between the look and
    /// the move is left to chance.
    pub(super) fn move_by_looking(&self, name: &str) -> Result<(), Errno> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _lock = lock(&ONE_AT_A_TIME);
        let moved = match self.outgoing.look(name) {
            Ok(_) => return Err(Errno::EXIST),
            Err(error) if is_missing(&error) => self.staging.rename(name, &self.outgoing, name),
            Err(error) => Err(error),
        };
        moved.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}
