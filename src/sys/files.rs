//! Folders and small files as spec §5 wants them: modes, owners, `O_NOFOLLOW`, bounded reads.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Who owns a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id; `None`: as the system gives it.
    pub gid: Option<u32>,
}

/// Whether a symbolic link in the last place of a path is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// For our own files, which are never links.
    Refuse,
    /// For files that the operator names.
    Follow,
}

/// Why a file was not read.
#[derive(Debug)]
pub enum Unreadable {
    /// The system refused.
    Io(io::Error),
    /// A folder, a pipe, a device; or a link where links are refused.
    NotRegular,
    /// Longer than allowed; nothing of it is used.
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
}

impl fmt::Display for Unreadable {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unimplemented!()
    }
}

/// The owner of a folder, for what is made on its behalf.
pub fn owner_of(_path: &Path) -> io::Result<Owner> {
    unimplemented!()
}

/// Looks up `fileowner`: names in `/etc/passwd` and `/etc/group`, or numbers. Without a group it
/// is the user's own. `None`: nobody of that name.
pub fn owner_named(_user: &str, _group: Option<&str>) -> Option<Owner> {
    unimplemented!()
}

/// Makes a folder and its missing parents, 0700 whatever the umask. It may be there already. Made by
/// root, each takes `owner`, or where there is none the owner of the folder it stands in.
pub fn make_folder(_path: &Path, _owner: Option<Owner>) -> io::Result<()> {
    unimplemented!()
}

/// Creates a file that is not there yet, 0600 whatever the umask, for reading and writing. Made by
/// root it takes `owner`, or where there is none the owner of the folder it stands in.
pub fn create(_path: &Path, _owner: Option<Owner>) -> io::Result<File> {
    unimplemented!()
}

/// Reads a regular file of at most `bytes_max` bytes; never waits for a pipe.
pub fn read(_path: &Path, _bytes_max: usize, _links: Links) -> Result<Vec<u8>, Unreadable> {
    unimplemented!()
}

/// Makes the names in a folder durable. That a filesystem cannot is no error.
pub fn sync_folder(_path: &Path) -> io::Result<()> {
    unimplemented!()
}

/// Removes the regular files of a folder whose name `is_ours`, that belong to this user (or to
/// `owner`), and that are older than `age`. Nothing else is touched; what fails is left. Returns
/// how many went.
pub fn sweep(
    _folder: &Path,
    _owner: Option<Owner>,
    _age: Duration,
    _is_ours: &dyn Fn(&[u8]) -> bool,
) -> usize {
    unimplemented!()
}

/// 64 random bits of the operating system as 16 hex digits: an id for a file and the log.
pub fn unique() -> io::Result<String> {
    unimplemented!()
}
