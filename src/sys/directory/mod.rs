//! Opens directories and works in them, always by their descriptors.
//!
//! A path is walked one directory at a time. A symbolic link on the way is followed only if root or this
//! process's user owns it, so that nobody else who may write to a folder on the way can lead the program
//! elsewhere. Whatever is renamed meanwhile, a descriptor stays with the directory that was opened.
//!
//! Invariant: root works in no directory that belongs to another user: opening one is refused.
//! Invariant: files and folders made here are 0600 or 0700 whatever the umask. The mode is set on the
//! descriptor and never through a name, which another user of the folder could have changed meanwhile. A
//! file is created only under an unused name, and one that is opened is a regular file and no link.

use std::fs::{File, Metadata};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{
    Access, AtFlags, CWD, FileType, Mode, OFlags, RawDir, RenameFlags, ResolveFlags, Timespec,
    Timestamps, UTIME_OMIT, accessat, fchmod, fstat, fsync, mkdirat, openat, openat2, readlinkat,
    renameat, renameat_with, statat, unlinkat, utimensat,
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

/// The treatment of a directory that a path names and that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    IsError,
    IsMade,
}

/// The flags for a directory on the way: it need not be readable, and is never a link.
const PASSING: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// The flags for reading or syncing a directory's names.
const READING: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// The flags for asking the system about a thing itself, whatever it is.
const LOOKING: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens a name in a directory. A file that this creates is 0600 at most.
fn open_at(place: BorrowedFd<'_>, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    openat(place, name, flags, OWN)
}

/// The mode of files that are nobody else's.
const OWN: Mode = Mode::RUSR.union(Mode::WUSR);

impl Directory {
    /// Opens a directory that exists.
    pub fn open(path: &Path) -> io::Result<Directory> {
        Directory::at(CWD, path.as_os_str().as_bytes(), Missing::IsError)
    }

    /// Opens a directory; makes it and its missing parents, 0700. A link's missing target is not made.
    pub fn make(path: &Path) -> io::Result<Directory> {
        Directory::at(CWD, path.as_os_str().as_bytes(), Missing::IsMade)
    }

    /// Opens a directory in this one.
    pub fn open_in(&self, name: &str) -> io::Result<Directory> {
        Directory::at(self.place.as_fd(), name.as_bytes(), Missing::IsError)
    }

    /// Opens a directory in this one; makes it, 0700, if it is missing.
    pub fn make_in(&self, name: &str) -> io::Result<Directory> {
        Directory::at(self.place.as_fd(), name.as_bytes(), Missing::IsMade)
    }

    fn at(start: BorrowedFd<'_>, path: &[u8], missing: Missing) -> io::Result<Directory> {
        // Mostly no link is on the way and nothing is missing, or it need not be made: then one call is enough.
        // If it fails otherwise (it exists since Linux 5.6), the walk finds the reason.
        let at_once = openat2(
            start,
            path,
            PASSING,
            Mode::empty(),
            ResolveFlags::NO_SYMLINKS,
        );
        let place = match at_once {
            Ok(place) => place,
            Err(Errno::NOENT) if missing == Missing::IsError => return Err(Errno::NOENT.into()),
            Err(_) => Walk::new(missing).along(start, path)?,
        };
        refuse_foreign(place.as_fd())?;
        Ok(Directory { place })
    }

    /// Returns the directory's metadata.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.look(".")
    }

    /// Opens the directory for reading, or for a lock.
    pub(super) fn readable(&self) -> io::Result<File> {
        let file = open_at(self.place.as_fd(), b".", READING)?;
        Ok(File::from(file))
    }

    /// Makes the names in the directory durable. A filesystem that cannot do this is no error.
    pub fn sync(&self) -> io::Result<()> {
        match fsync(self.readable()?) {
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Checks that this process may make something in the directory (`access(2)`).
    pub(super) fn check_writable(&self) -> Result<(), Errno> {
        let access = Access::WRITE_OK | Access::EXEC_OK;
        accessat(&self.place, ".", access, AtFlags::empty())
    }

    // ---- Its entries ---------------------------------------------------------------------------

    /// Calls `see` with each name but `.` and `..`, and whether it is a folder's, until `see` returns
    /// false.
    pub(super) fn each(&self, see: &mut dyn FnMut(&[u8], bool) -> bool) -> io::Result<()> {
        each(&self.readable()?, see)
    }

    /// Returns the names that are ours, in no particular order.
    pub fn names(&self, is_ours: &dyn Fn(&str) -> bool) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        self.each(&mut |name, _| {
            if let Ok(name) = str::from_utf8(name)
                && is_ours(name)
            {
                names.push(name.to_owned());
            }
            true
        })?;
        Ok(names)
    }

    /// Returns the metadata of an entry; for a link, those of the link itself.
    pub fn look(&self, name: &str) -> io::Result<Metadata> {
        let found = open_at(self.place.as_fd(), name.as_bytes(), LOOKING)?;
        File::from(found).metadata()
    }

    /// Whether there is an entry of that name.
    pub fn has(&self, name: &str) -> bool {
        self.look(name).is_ok()
    }

    /// Reads a regular file of at most `bytes_max` bytes.
    pub fn read(&self, name: &str, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
        files::read_open(self.regular(name, OFlags::RDONLY)?, bytes_max)
    }

    /// Opens a regular file that exists; never waits for a pipe.
    pub(super) fn regular(&self, name: &str, access: OFlags) -> Result<File, Unreadable> {
        self.regular_found(name, access).map(|(file, _)| file)
    }

    /// Opens a regular file like [`Self::regular`], and returns its metadata too.
    pub(super) fn regular_found(
        &self,
        name: &str,
        access: OFlags,
    ) -> Result<(File, Metadata), Unreadable> {
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match open_at(self.place.as_fd(), name.as_bytes(), flags) {
            Ok(file) => File::from(file),
            // This is a link, a folder, a pipe without a reader, or a socket.
            Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Err(Unreadable::NotRegular),
            Err(error) => return Err(Unreadable::Io(error.into())),
        };
        let found = file.metadata().map_err(Unreadable::Io)?;
        match found.is_file() {
            true => Ok((file, found)),
            false => Err(Unreadable::NotRegular),
        }
    }

    // ---- Making, moving, removing ------------------------------------------------------------

    /// Creates a file that does not exist yet, 0600 whatever the umask, for reading and writing.
    pub fn create(&self, name: &str) -> io::Result<File> {
        let file = self.create_raw(name, OWN)?;
        if let Err(error) = fchmod(&file, OWN) {
            let _ = self.remove(name);
            return Err(error.into());
        }
        Ok(file)
    }

    /// Creates a file that does not exist yet, with what the umask leaves of `mode`.
    pub(super) fn create_raw(&self, name: &str, mode: Mode) -> io::Result<File> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(openat(&self.place, name, flags, mode)?))
    }

    /// Sets the modification time of an entry, in seconds since 1970. A link is not followed.
    pub(super) fn set_modified(&self, name: &str, time_s: u64) -> io::Result<()> {
        let seconds = i64::try_from(time_s).map_err(io::Error::other)?;
        let times = Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
            last_modification: Timespec {
                tv_sec: seconds,
                tv_nsec: 0,
            },
        };
        Ok(utimensat(
            &self.place,
            name,
            &times,
            AtFlags::SYMLINK_NOFOLLOW,
        )?)
    }

    /// Moves an entry into a directory on the same filesystem, and replaces one that has the name there.
    pub fn rename(&self, from: &str, directory: &Directory, to: &str) -> io::Result<()> {
        Ok(renameat(&self.place, from, &directory.place, to)?)
    }

    /// Moves an entry into a directory on the same filesystem under the same name. Returns `EXIST` if the
    /// name is taken.
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
        Ok(unlink(
            self.place.as_fd(),
            name.as_bytes(),
            AtFlags::empty(),
        )?)
    }

    /// Removes an empty folder.
    pub fn remove_folder(&self, name: &str) -> io::Result<()> {
        Ok(unlink(
            self.place.as_fd(),
            name.as_bytes(),
            AtFlags::REMOVEDIR,
        )?)
    }

    /// Removes any entry of that name; a folder with its contents, down to [`TREE_DEPTH_MAX`] levels.
    pub fn remove_all(&self, name: &str) -> io::Result<()> {
        remove_tree(self.place.as_fd(), name.as_bytes(), TREE_DEPTH_MAX)
    }

    /// Removes the regular files whose name `is_ours`, that belong to this user (or to `owner`), and that
    /// were last touched longer than `age` ago. Nothing else is touched, and files that cannot be removed
    /// stay. While the clock is not sane, nothing is old. Returns the number of removed files.
    pub fn sweep(
        &self,
        owner: Option<Owner>,
        age: Duration,
        is_ours: &dyn Fn(&str) -> bool,
    ) -> usize {
        let now_s = clock::now_s();
        if !clock::is_sane(now_s) {
            return 0;
        }
        let mut many = 0_usize;
        for name in self.names(is_ours).unwrap_or_default() {
            let Ok(found) = self.look(&name) else {
                continue;
            };
            let uid = Some(found.uid());
            let is_own = uid == Some(geteuid().as_raw()) || uid == owner.map(|owner| owner.uid);
            // The modification time can be set to any value; the change time cannot.
            let touched_s = u64::try_from(found.mtime().max(found.ctime())).unwrap_or(0);
            let is_old = now_s.saturating_sub(touched_s) > age.as_secs();
            if found.is_file() && is_own && is_old && self.remove(&name).is_ok() {
                many = many.saturating_add(1);
            }
        }
        many
    }
}

/// Calls `see` as [`Directory::each`] does, for a directory that anybody may own.
pub(super) fn each(directory: &File, see: &mut dyn FnMut(&[u8], bool) -> bool) -> io::Result<()> {
    let mut buffer = [const { MaybeUninit::uninit() }; 2048];
    let mut entries = RawDir::new(directory, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        let mut kind = entry.file_type();
        // Some filesystems do not tell.
        if kind == FileType::Unknown {
            let found = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
            kind = FileType::from_raw_mode(found.st_mode);
        }
        let name = name.to_bytes();
        if !matches!(name, b"." | b"..") && !see(name, kind == FileType::Directory) {
            break;
        }
    }
    Ok(())
}

fn unlink(place: BorrowedFd<'_>, name: &[u8], flags: AtFlags) -> Result<(), Errno> {
    unlinkat(place, name, flags)
}

fn remove_tree(place: BorrowedFd<'_>, name: &[u8], depth_left: usize) -> io::Result<()> {
    match unlink(place, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) if depth_left > 0 => {}
        removed => return Ok(removed?),
    }
    let folder = File::from(open_at(place, name, READING)?);
    let mut names = Vec::new();
    each(&folder, &mut |name, _| {
        names.push(name.to_vec());
        true
    })?;
    for name in names {
        remove_tree(folder.as_fd(), &name, depth_left.saturating_sub(1))?;
    }
    Ok(unlink(place, name, AtFlags::REMOVEDIR)?)
}

// ---- Owners --------------------------------------------------------------------------------

/// The owners at a path.
#[derive(Debug)]
pub struct Place {
    /// The owner of the directory there; `None` if there is none.
    pub owner: Option<Owner>,
    /// The owner of it, or else of the nearest directory above it.
    pub nearest: Owner,
    stop: Option<Stop>,
}

impl Place {
    /// Looks up who owns the directory at a path.
    pub fn of(path: &Path) -> io::Result<Place> {
        let mut walk = Walk::new(Missing::IsError);
        let reached = walk.along(CWD, path.as_os_str().as_bytes());
        let (found, stop) = match (reached, walk.stop) {
            (Ok(reached), _) => (fstat(&reached)?, None),
            (Err(Errno::NOENT | Errno::NOTDIR), Some(stop)) => (fstat(&stop.place)?, Some(stop)),
            (Err(error), _) => return Err(error.into()),
        };
        let nearest = Owner {
            uid: found.st_uid,
            gid: Some(found.st_gid),
        };
        Ok(Place {
            owner: stop.is_none().then_some(nearest),
            nearest,
            stop,
        })
    }

    /// Makes, as root, the first directory that is missing on the path and gives it to `owner`, who can
    /// make those below it. Returns `None` if nothing is missing, and if root leaves it to others: a link's
    /// target, or a directory that is missing in one that is not root's alone.
    pub fn make_for(self, owner: Owner) -> Result<Option<Made>, Errno> {
        let Some(stop) = self.stop.filter(|stop| !stop.is_linked) else {
            return Ok(None);
        };
        let found = fstat(&stop.place)?;
        if found.st_uid != 0 || found.st_mode & 0o022 != 0 {
            return Ok(None);
        }
        let is_made = make(stop.place.as_fd(), &stop.name, Some(owner))?;
        Ok(is_made.then_some(Made(stop)))
    }
}

/// A directory that was made for another user, while it can still be removed.
#[derive(Debug)]
pub struct Made(Stop);

impl Made {
    /// Removes the directory again.
    pub fn undo(&self) {
        let Made(Stop { place, name, .. }) = self;
        let _ = unlink(place.as_fd(), name, AtFlags::REMOVEDIR);
    }
}

// ---- The walk ------------------------------------------------------------------------------

/// A walk along a path and along the links on it.
struct Walk {
    missing: Missing,
    links_left: usize,
    /// The place where it ended, if not at the end of the path.
    stop: Option<Stop>,
}

/// The place where a walk ended.
#[derive(Debug)]
struct Stop {
    place: OwnedFd,
    /// The name that could not be entered there.
    name: Vec<u8>,
    /// Whether a link led there.
    is_linked: bool,
}

impl Walk {
    fn new(missing: Missing) -> Walk {
        Walk {
            missing,
            links_left: LINKS_MAX,
            stop: None,
        }
    }

    fn along(&mut self, start: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd, Errno> {
        let mut place = match path.first() {
            Some(b'/') => open_at(CWD, b"/", PASSING)?,
            _ => open_at(start, b".", PASSING)?,
        };
        for name in path.split(|byte| *byte == b'/') {
            if name.is_empty() || name == b"." {
                continue;
            }
            match self.step(place.as_fd(), name) {
                Ok(next) => place = next,
                Err(error) => {
                    // The end of the link's own walk counts, because that is where this one ended.
                    self.stop.get_or_insert(Stop {
                        place,
                        name: name.to_vec(),
                        is_linked: false,
                    });
                    return Err(error);
                }
            }
        }
        Ok(place)
    }

    fn step(&mut self, place: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
        let mut opened = open_at(place, name, PASSING);
        if opened.as_ref().is_err_and(|error| *error == Errno::NOENT)
            && self.missing == Missing::IsMade
        {
            make(place, name, None)?;
            opened = open_at(place, name, PASSING);
        }
        match opened {
            Err(Errno::NOTDIR | Errno::LOOP) => self.follow(place, name),
            opened => opened,
        }
    }

    /// Follows a link, which is read from the very link whose owner was checked.
    fn follow(&mut self, place: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
        let link = open_at(place, name, LOOKING)?;
        let found = fstat(&link)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::Symlink {
            return Err(Errno::NOTDIR);
        }
        let is_trusted = found.st_uid == 0 || found.st_uid == geteuid().as_raw();
        let left = self.links_left.checked_sub(1).filter(|_| is_trusted);
        self.links_left = left.ok_or(Errno::LOOP)?;
        let target = readlinkat(&link, c"", Vec::new())?;
        let missing = std::mem::replace(&mut self.missing, Missing::IsError);
        let reached = self.along(place, target.to_bytes());
        self.missing = missing;
        if let Some(stop) = &mut self.stop {
            stop.is_linked = true;
        }
        reached
    }
}

/// Makes a directory and gives it to `owner`. Returns false if another process has made one meanwhile,
/// which stays unchanged.
fn make(place: BorrowedFd<'_>, name: &[u8], owner: Option<Owner>) -> Result<bool, Errno> {
    refuse_foreign(place)?;
    match mkdirat(place, name, Mode::RWXU) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(false),
        Err(error) => return Err(error),
    }
    let settled = settle(place, name, owner);
    if settled.is_err() {
        let _ = unlink(place, name, AtFlags::REMOVEDIR);
    }
    settled.map(|()| true)
}

fn settle(place: BorrowedFd<'_>, name: &[u8], owner: Option<Owner>) -> Result<(), Errno> {
    let made = open_at(place, name, READING)?;
    fchmod(&made, Mode::RWXU)?;
    match owner {
        Some(owner) => user::give(made.as_fd(), owner),
        None => Ok(()),
    }
}

/// Refuses to let root into another user's directory, because its owner could change it meanwhile.
fn refuse_foreign(directory: BorrowedFd<'_>) -> Result<(), Errno> {
    match geteuid().is_root() && fstat(directory)?.st_uid != 0 {
        true => Err(Errno::PERM),
        false => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
