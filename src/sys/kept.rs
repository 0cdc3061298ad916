//! A folder of small files of ours: list, put, set aside, remove.
//!
//! A file's name is 16 hex digits, with `.bad` behind it where it was set aside and `.new` while it is
//! written. Anything else in the folder is left alone.
//!
//! Nothing is synced: what stands here helps an operator and is no promise to anybody.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::limits::SWEEP_AGE;
use crate::sys::directory::Directory;
use crate::sys::files::Unreadable;

/// Such a folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// An absolute path. Nothing is touched yet.
    pub fn new(path: &Path) -> Folder {
        Folder {
            path: path.to_owned(),
        }
    }

    /// Makes it where it is missing and sweeps it.
    pub fn prepare(&self) -> io::Result<()> {
        let half_written = |name: &str| name.strip_suffix(".new").is_some_and(is_name);
        Directory::make(&self.path)?.sweep(None, SWEEP_AGE, &half_written);
        Ok(())
    }

    /// Where it is, for a person.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a file is, for a person.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The names of all files, set aside or not, oldest first.
    pub fn list(&self) -> io::Result<Vec<String>> {
        let directory = self.open()?;
        let names = directory.names(&|name| is_name(name.strip_suffix(".bad").unwrap_or(name)))?;
        let mut found = Vec::new();
        for name in names {
            let modified = directory.look(&name).and_then(|it| it.modified());
            found.push((modified.unwrap_or(SystemTime::UNIX_EPOCH), name));
        }
        found.sort();
        Ok(found.into_iter().map(|(_, name)| name).collect())
    }

    /// Whether there is something of that name.
    pub fn has(&self, name: &str) -> bool {
        self.open().is_ok_and(|directory| directory.has(name))
    }

    /// Whether a name is that of a kept file of ours that exists.
    pub fn has_id(&self, name: &str) -> bool {
        is_name(name) && self.has(name)
    }

    /// All of a file.
    pub fn read(&self, name: &str, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
        let directory = self.open().map_err(Unreadable::Io)?;
        directory.read(name, bytes_max)
    }

    /// Writes a file, whole or not at all, over one of the same name.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = format!("{name}.new");
        // Somebody may have removed the folder.
        let directory = Directory::make(&self.path)?;
        // A crash may have left one.
        let _ = directory.remove(&new);
        let mut file = directory.create(&new)?;
        let put = file.write_all(bytes);
        let put = put.and_then(|()| directory.rename(&new, &directory, name));
        if put.is_err() {
            let _ = directory.remove(&new);
        }
        put
    }

    /// Gives a file that cannot be read another name; what had it goes.
    pub fn set_aside(&self, name: &str) -> io::Result<String> {
        let (directory, bad) = (self.open()?, format!("{name}.bad"));
        directory.rename(name, &directory, &bad)?;
        Ok(bad)
    }

    /// Removes a file, or a folder in its place that is empty.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let directory = self.open()?;
        let removed = directory.remove(name);
        removed.or_else(|error| directory.remove_folder(name).map_err(|_| error))
    }

    fn open(&self) -> io::Result<Directory> {
        Directory::open(&self.path)
    }
}

fn is_name(name: &str) -> bool {
    let hex = |b| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    name.len() == 16 && name.bytes().all(hex)
}
