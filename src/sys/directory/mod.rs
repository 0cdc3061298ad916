//! An open directory, and what is done in it: always by its descriptor.
//!
//! A path is walked one directory at a time. A symbolic link on the way is followed only where root or
//! this process's user owns it, so that nobody else who may write to a folder on the way leads the program
//! elsewhere. Whatever is renamed meanwhile, a descriptor stays with the directory that was opened.
//!
//! Invariant: root works in no directory that belongs to somebody else: opening one is refused.
//! Invariant: what is made here is 0700 or 0600 whatever the umask, set on the descriptor and never through
//! a name, which another user of the folder could have changed meanwhile. A file is created only where
//! nothing stands, and one that is opened is a regular file and no link.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};
use std::time::Duration;

use rustix::fs::{
    Access, AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, accessat, fchmod, fstat, fsync,
    mkdirat, openat, readlinkat, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::limits::{LINKS_MAX, TREE_DEPTH_MAX};
use crate::sys::clock;
use crate::sys::files::{self, Unreadable};
use crate::sys::user::{self, Owner};

/// An open directory. It need not be readable.
#[derive(Debug)]
pub struct Directory {
    place: OwnedFd,
}

/// What becomes of a directory that a path names and that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    IsError,
    IsMade,
}

/// On the way: it need not be readable, and is never a link.
const PASSING: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// To read its names or to sync them.
const READING: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Directory {
    /// Opens one that is there.
    pub fn open(path: &Path) -> io::Result<Directory> {
        Directory::at(CWD, path, Missing::IsError)
    }

    /// Opens one; makes it and its missing parents, 0700. What a link names is not made.
    pub fn make(path: &Path) -> io::Result<Directory> {
        Directory::at(CWD, path, Missing::IsMade)
    }

    /// Opens one in this one.
    pub fn open_in(&self, name: &str) -> io::Result<Directory> {
        Directory::at(self.place.as_fd(), Path::new(name), Missing::IsError)
    }

    /// Opens one in this one; makes it, 0700.
    pub fn make_in(&self, name: &str) -> io::Result<Directory> {
        Directory::at(self.place.as_fd(), Path::new(name), Missing::IsMade)
    }

    fn at(start: BorrowedFd<'_>, path: &Path, missing: Missing) -> io::Result<Directory> {
        let place = Walk::new(missing).along(start, path)?;
        refuse_foreign(place.as_fd())?;
        Ok(Directory { place })
    }

    /// What the system says of it.
    pub fn metadata(&self) -> io::Result<Metadata> {
        File::from(self.place.try_clone()?).metadata()
    }

    /// Opens it for reading, or for a lock.
    pub(super) fn readable(&self) -> io::Result<File> {
        Ok(File::from(openat(
            &self.place,
            ".",
            READING,
            Mode::empty(),
        )?))
    }

    /// Makes the names in it durable. That a filesystem cannot is no error.
    pub fn sync(&self) -> io::Result<()> {
        match fsync(self.readable()?) {
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether this process may make something in it (`access(2)`).
    pub(super) fn check_writable(&self) -> Result<(), Errno> {
        let access = Access::WRITE_OK | Access::EXEC_OK;
        accessat(&self.place, ".", access, AtFlags::empty())
    }

    // ---- What stands in it -------------------------------------------------------------------

    /// All names in it but `.` and `..`.
    pub fn entries(&self) -> io::Result<Entries> {
        Ok(Entries {
            dir: Dir::new(self.readable()?)?,
        })
    }

    /// What the system says of something in it; of a link that is the link.
    pub fn look(&self, name: &str) -> io::Result<Metadata> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        File::from(openat(&self.place, name, flags, Mode::empty())?).metadata()
    }

    /// Whether there is something of that name.
    pub fn has(&self, name: &str) -> bool {
        statat(&self.place, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Reads a regular file of at most `bytes_max` bytes.
    pub fn read(&self, name: &str, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
        files::read_open(self.regular(name, OFlags::RDONLY)?, bytes_max)
    }

    /// Opens a regular file that is there; never waits for a pipe.
    pub(super) fn regular(&self, name: &str, access: OFlags) -> Result<File, Unreadable> {
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match openat(&self.place, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            // A link, a folder, a pipe that nobody reads or a socket.
            Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Err(Unreadable::NotRegular),
            Err(error) => return Err(Unreadable::Io(error.into())),
        };
        match file.metadata().map_err(Unreadable::Io)?.is_file() {
            true => Ok(file),
            false => Err(Unreadable::NotRegular),
        }
    }

    // ---- Making, moving, removing ------------------------------------------------------------

    /// Creates a file that is not there yet, 0600 whatever the umask, for reading and writing.
    pub fn create(&self, name: &str) -> io::Result<File> {
        let file = self.create_raw(name)?;
        if let Err(error) = fchmod(&file, Mode::RUSR | Mode::WUSR) {
            let _ = self.remove(name);
            return Err(error.into());
        }
        Ok(file)
    }

    /// Creates a file that is not there yet, readable for nobody else; its mode is the caller's to set.
    pub(super) fn create_raw(&self, name: &str) -> io::Result<File> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.place, name, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(File::from(file))
    }

    /// Moves something into a directory on the same filesystem; what has that name there goes.
    pub fn rename(&self, from: &str, directory: &Directory, to: &str) -> io::Result<()> {
        Ok(renameat(&self.place, from, &directory.place, to)?)
    }

    /// Moves something into a directory on the same filesystem under the same name; `EXIST` where that is
    /// taken.
    pub(super) fn rename_new(&self, name: &str, directory: &Directory) -> Result<(), Errno> {
        renameat_with(
            &self.place,
            name,
            &directory.place,
            name,
            RenameFlags::NOREPLACE,
        )
    }

    /// Removes a file or a link.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.place, name, AtFlags::empty())?)
    }

    /// Removes a folder that is empty.
    pub fn remove_folder(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.place, name, AtFlags::REMOVEDIR)?)
    }

    /// Removes whatever has that name; a folder with all it holds, as far as [`TREE_DEPTH_MAX`] goes.
    pub fn remove_all(&self, name: &str) -> io::Result<()> {
        remove_tree(self.place.as_fd(), name.as_bytes(), TREE_DEPTH_MAX)
    }

    /// Removes the regular files whose name `is_ours`, that belong to this user (or to `owner`), and that
    /// were last touched longer than `age` ago. Nothing else is touched; what fails is left; under an insane
    /// clock nothing is old. Returns how many went.
    pub fn sweep(
        &self,
        owner: Option<Owner>,
        age: Duration,
        is_ours: &dyn Fn(&[u8]) -> bool,
    ) -> usize {
        let now_s = clock::now_s();
        let Ok(entries) = self.entries() else {
            return 0;
        };
        if !clock::is_sane(now_s) {
            return 0;
        }
        let uids = [Some(geteuid().as_raw()), owner.map(|owner| owner.uid)];
        let is_old = |found: &Metadata| {
            // The modification time can be set to anything; the change time cannot.
            let touched_s = u64::try_from(found.mtime().max(found.ctime())).unwrap_or(0);
            found.is_file()
                && uids.contains(&Some(found.uid()))
                && now_s.saturating_sub(touched_s) > age.as_secs()
        };
        entries
            .flatten()
            .filter(|entry| is_ours(&entry.name))
            .filter_map(|entry| String::from_utf8(entry.name).ok())
            .filter(|name| self.look(name).is_ok_and(|found| is_old(&found)))
            .filter(|name| self.remove(name).is_ok())
            .count()
    }
}

/// Who owns the directory at a path; where it is not there, `None` and who owns the nearest of its
/// parents that is.
pub fn owner(path: &Path) -> io::Result<(Option<Owner>, Owner)> {
    let mut walk = Walk::new(Missing::IsError);
    let passed = walk.along(CWD, path);
    let is_missing = |error: &io::Error| {
        let error = Errno::from_io_error(error);
        matches!(error, Some(Errno::NOENT | Errno::NOTDIR))
    };
    let (place, is_there) = match (passed, walk.stopped) {
        (Ok(place), _) => (place, true),
        (Err(error), Some(place)) if is_missing(&error) => (place, false),
        (Err(error), _) => return Err(error),
    };
    let found = fstat(&place)?;
    let owner = Owner {
        uid: found.st_uid,
        gid: Some(found.st_gid),
    };
    Ok((Some(owner).filter(|_| is_there), owner))
}

/// A directory that was made for somebody, as long as it may have to go again.
#[derive(Debug)]
pub struct Made {
    place: OwnedFd,
    name: OsString,
}

impl Made {
    /// Removes it again.
    pub fn undo(&self) {
        let _ = unlinkat(&self.place, &self.name, AtFlags::REMOVEDIR);
    }
}

/// Makes, as root, the first missing directory on a path and gives it to `owner`, who can make what
/// follows. `None` where root leaves it to others: where the directory above is not root's alone, and
/// where there is nothing to make.
pub fn make_for(path: &Path, owner: Owner) -> io::Result<Option<Made>> {
    for folder in path.ancestors() {
        let (Some(above), Some(name)) = (folder.parent(), folder.file_name()) else {
            break;
        };
        let place = match Walk::new(Missing::IsError).along(CWD, above) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            place => place?,
        };
        let found = fstat(&place)?;
        if found.st_uid != 0 || found.st_mode & 0o022 != 0 {
            break;
        }
        if make(place.as_fd(), name, Some(owner))? {
            let name = name.to_owned();
            return Ok(Some(Made { place, name }));
        }
        break;
    }
    Ok(None)
}

/// One name in a directory.
#[derive(Debug)]
pub struct Entry {
    /// Any bytes but NUL and `/`.
    pub name: Vec<u8>,
    /// Not so of a link to one.
    pub is_folder: bool,
}

/// The names in a directory.
#[derive(Debug)]
pub struct Entries {
    dir: Dir,
}

impl Iterator for Entries {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<io::Result<Entry>> {
        loop {
            let entry = match self.dir.read()? {
                Ok(entry) => entry,
                Err(error) => return Some(Err(error.into())),
            };
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let mut kind = entry.file_type();
            // Some filesystems do not say.
            if kind == FileType::Unknown
                && let Ok(dir) = self.dir.fd()
                && let Ok(found) = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
            {
                kind = FileType::from_raw_mode(found.st_mode);
            }
            return Some(Ok(Entry {
                name: name.to_bytes().to_vec(),
                is_folder: kind == FileType::Directory,
            }));
        }
    }
}

fn remove_tree(place: BorrowedFd<'_>, name: &[u8], depth_left: usize) -> io::Result<()> {
    match unlinkat(place, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) if depth_left > 0 => {}
        removed => return Ok(removed?),
    }
    let folder = openat(place, name, READING, Mode::empty())?;
    let entries = Entries {
        dir: Dir::read_from(&folder)?,
    };
    for entry in entries {
        remove_tree(folder.as_fd(), &entry?.name, depth_left.saturating_sub(1))?;
    }
    Ok(unlinkat(place, name, AtFlags::REMOVEDIR)?)
}

// ---- The way to it --------------------------------------------------------------------------

/// One walk along a path, with the links that it meets.
struct Walk {
    missing: Missing,
    links_left: usize,
    /// The directory in which the way ended, where it did not come to its end.
    stopped: Option<OwnedFd>,
}

impl Walk {
    fn new(missing: Missing) -> Walk {
        Walk {
            missing,
            links_left: LINKS_MAX,
            stopped: None,
        }
    }

    fn along(&mut self, start: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
        let mut reached: Option<OwnedFd> = None;
        for component in path.components() {
            let here = reached.as_ref().map_or(start, |reached| reached.as_fd());
            let next = match component {
                Component::RootDir => openat(CWD, "/", PASSING, Mode::empty())?,
                Component::ParentDir => openat(here, "..", PASSING, Mode::empty())?,
                Component::Normal(name) => match self.step(here, name) {
                    Ok(next) => next,
                    Err(error) => {
                        // That of a link's own way counts, since that is where it ended.
                        if self.stopped.is_none() {
                            self.stopped = openat(here, ".", PASSING, Mode::empty()).ok();
                        }
                        return Err(error);
                    }
                },
                Component::CurDir | Component::Prefix(_) => continue,
            };
            reached = Some(next);
        }
        match reached {
            Some(reached) => Ok(reached),
            None => Ok(openat(start, ".", PASSING, Mode::empty())?),
        }
    }

    fn step(&mut self, place: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
        let mut opened = openat(place, name, PASSING, Mode::empty());
        if matches!(opened, Err(Errno::NOENT)) && self.missing == Missing::IsMade {
            make(place, name, None)?;
            opened = openat(place, name, PASSING, Mode::empty());
        }
        match opened {
            Err(Errno::NOTDIR | Errno::LOOP) => self.follow(place, name),
            opened => Ok(opened?),
        }
    }

    /// Goes where a link leads: read from the very link whose owner was looked at.
    fn follow(&mut self, place: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let link = File::from(openat(place, name, flags, Mode::empty())?);
        let found = link.metadata()?;
        if !found.is_symlink() {
            return Err(Errno::NOTDIR.into());
        }
        let is_trusted = [0, geteuid().as_raw()].contains(&found.uid());
        let left = self.links_left.checked_sub(1).filter(|_| is_trusted);
        self.links_left = left.ok_or(Errno::LOOP)?;
        let target = readlinkat(&link, "", Vec::new())?;
        let missing = std::mem::replace(&mut self.missing, Missing::IsError);
        let reached = self.along(place, Path::new(OsStr::from_bytes(target.to_bytes())));
        self.missing = missing;
        reached
    }
}

/// Makes a directory and gives it to `owner`; false where another process has made one meanwhile, which is
/// left as it is.
fn make(place: BorrowedFd<'_>, name: &OsStr, owner: Option<Owner>) -> io::Result<bool> {
    refuse_foreign(place)?;
    match mkdirat(place, name, Mode::RWXU) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    let settled = || {
        let made = File::from(openat(place, name, READING, Mode::empty())?);
        fchmod(&made, Mode::RWXU)?;
        owner.map_or(Ok(()), |owner| user::give(&made, owner))
    };
    settled().inspect_err(|_| _ = unlinkat(place, name, AtFlags::REMOVEDIR))?;
    Ok(true)
}

/// Keeps root out of a directory of somebody else's, who could do in it what he likes meanwhile.
fn refuse_foreign(directory: BorrowedFd<'_>) -> io::Result<()> {
    if geteuid().is_root() && fstat(directory)?.st_uid != 0 {
        let words = "it belongs to another user, so root does not work in it";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, words));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
