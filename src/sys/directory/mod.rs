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

use std::fs::{File, Metadata};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{
    Access, AtFlags, CWD, FileType, Mode, OFlags, RawDir, RenameFlags, ResolveFlags, accessat,
    fchmod, fstat, fsync, mkdirat, openat, openat2, readlinkat, renameat, renameat_with, statat,
    unlinkat,
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

/// A thing itself, whatever it is, to ask the system about it.
const LOOKING: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What is created is 0600 at most.
fn open_at(place: BorrowedFd<'_>, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    openat(place, name, flags, OWN)
}

/// The mode of files that are nobody else's.
const OWN: Mode = Mode::RUSR.union(Mode::WUSR);

impl Directory {
    /// Opens one that is there.
    pub fn open(path: &Path) -> io::Result<Directory> {
        Directory::at(CWD, path.as_os_str().as_bytes(), Missing::IsError)
    }

    /// Opens one; makes it and its missing parents, 0700. What a link names is not made.
    pub fn make(path: &Path) -> io::Result<Directory> {
        Directory::at(CWD, path.as_os_str().as_bytes(), Missing::IsMade)
    }

    /// Opens one in this one.
    pub fn open_in(&self, name: &str) -> io::Result<Directory> {
        Directory::at(self.place.as_fd(), name.as_bytes(), Missing::IsError)
    }

    /// Opens one in this one; makes it, 0700.
    pub fn make_in(&self, name: &str) -> io::Result<Directory> {
        Directory::at(self.place.as_fd(), name.as_bytes(), Missing::IsMade)
    }

    fn at(start: BorrowedFd<'_>, path: &[u8], missing: Missing) -> io::Result<Directory> {
        // Mostly nothing is missing and no link stands on the way: then one call is enough. If it fails (it
        // is of Linux 5.6), the walk finds the reason.
        let at_once = openat2(
            start,
            path,
            PASSING,
            Mode::empty(),
            ResolveFlags::NO_SYMLINKS,
        );
        let place = match at_once {
            Ok(place) => place,
            Err(_) => Walk::new(missing).along(start, path)?,
        };
        refuse_foreign(place.as_fd())?;
        Ok(Directory { place })
    }

    /// What the system says of it.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.look(".")
    }

    /// Opens it for reading, or for a lock.
    pub(super) fn readable(&self) -> io::Result<File> {
        let file = open_at(self.place.as_fd(), b".", READING)?;
        Ok(File::from(file))
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

    /// Shows each name in it but `.` and `..`, and whether it is that of a folder, until `see` says false.
    pub(super) fn each(&self, see: &mut dyn FnMut(&[u8], bool) -> bool) -> io::Result<()> {
        each(&self.readable()?, see)
    }

    /// The names that are ours, in no order.
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

    /// What the system says of something in it; of a link that is the link.
    pub fn look(&self, name: &str) -> io::Result<Metadata> {
        let found = open_at(self.place.as_fd(), name.as_bytes(), LOOKING)?;
        File::from(found).metadata()
    }

    /// Whether there is something of that name.
    pub fn has(&self, name: &str) -> bool {
        self.look(name).is_ok()
    }

    /// Reads a regular file of at most `bytes_max` bytes.
    pub fn read(&self, name: &str, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
        files::read_open(self.regular(name, OFlags::RDONLY)?, bytes_max)
    }

    /// Opens a regular file that is there; never waits for a pipe.
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
            // A link, a folder, a pipe that nobody reads or a socket.
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

    /// Creates a file that is not there yet, 0600 whatever the umask, for reading and writing.
    pub fn create(&self, name: &str) -> io::Result<File> {
        let file = self.create_raw(name, OWN)?;
        if let Err(error) = fchmod(&file, OWN) {
            let _ = self.remove(name);
            return Err(error.into());
        }
        Ok(file)
    }

    /// Creates a file that is not there yet, with what the umask leaves of `mode`.
    pub(super) fn create_raw(&self, name: &str, mode: Mode) -> io::Result<File> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(openat(&self.place, name, flags, mode)?))
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
        Ok(unlink(
            self.place.as_fd(),
            name.as_bytes(),
            AtFlags::empty(),
        )?)
    }

    /// Removes a folder that is empty.
    pub fn remove_folder(&self, name: &str) -> io::Result<()> {
        Ok(unlink(
            self.place.as_fd(),
            name.as_bytes(),
            AtFlags::REMOVEDIR,
        )?)
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
            // The modification time can be set to anything; the change time cannot.
            let touched_s = u64::try_from(found.mtime().max(found.ctime())).unwrap_or(0);
            let is_old = now_s.saturating_sub(touched_s) > age.as_secs();
            if found.is_file() && is_own && is_old && self.remove(&name).is_ok() {
                many = many.saturating_add(1);
            }
        }
        many
    }
}

fn each(directory: &File, see: &mut dyn FnMut(&[u8], bool) -> bool) -> io::Result<()> {
    let mut buffer = [const { MaybeUninit::uninit() }; 2048];
    let mut entries = RawDir::new(directory, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        let mut kind = entry.file_type();
        // Some filesystems do not say.
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

// ---- Whose it is ----------------------------------------------------------------------------

/// What stands at a path.
#[derive(Debug)]
pub struct Place {
    /// Who owns the directory there; `None` where there is none.
    pub owner: Option<Owner>,
    /// Who owns it, or else the nearest directory above it.
    pub nearest: Owner,
    stop: Option<Stop>,
}

impl Place {
    /// Looks who owns the directory at a path.
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
    /// make what follows. `None` where nothing is missing, and where root leaves it to others: what a link
    /// names, and what is missing in a directory that is not root's alone.
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

/// A directory that was made for somebody, as long as it may have to go again.
#[derive(Debug)]
pub struct Made(Stop);

impl Made {
    /// Removes it again.
    pub fn undo(&self) {
        let Made(Stop { place, name, .. }) = self;
        let _ = unlink(place.as_fd(), name, AtFlags::REMOVEDIR);
    }
}

// ---- The way to it --------------------------------------------------------------------------

/// One walk along a path, with the links that it meets.
struct Walk {
    missing: Missing,
    links_left: usize,
    /// Where it ended, if not at the end of the path.
    stop: Option<Stop>,
}

/// Where a walk ended.
#[derive(Debug)]
struct Stop {
    place: OwnedFd,
    /// What could not be entered there.
    name: Vec<u8>,
    /// A link led there.
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
                    // That of a link's own way counts, since that is where it ended.
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

    /// Goes where a link leads: read from the very link whose owner was looked at.
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

/// Makes a directory and gives it to `owner`; false where another process has made one meanwhile, which is
/// left as it is.
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

/// Keeps root out of a directory of somebody else's, who could do in it what he likes meanwhile.
fn refuse_foreign(directory: BorrowedFd<'_>) -> Result<(), Errno> {
    match geteuid().is_root() && fstat(directory)?.st_uid != 0 {
        true => Err(Errno::PERM),
        false => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
