//! Manages a folder of our own small files: list, put, set aside, remove.
//!
//! A file's name is 16 hexadecimal digits, followed by `.bad` if it was set aside and by `.new` while it is
//! written. Anything else in the folder is left alone.
//!
//! Nothing is synced: these files help an operator, and no promise depends on them.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::limits::SWEEP_AGE;
use crate::sys::directory::Directory;
use crate::sys::files::Unreadable;

/// A folder of small files.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Returns the folder with this absolute path. Nothing is touched yet.
    pub fn new(path: &Path) -> Folder {
        Folder {
            path: path.to_owned(),
        }
    }

    /// Makes the folder if it is missing, and sweeps it.
    pub fn prepare(&self) -> io::Result<()> {
        let half_written = |name: &str| name.strip_suffix(".new").is_some_and(is_name);
        Directory::make(&self.path)?.sweep(None, SWEEP_AGE, &half_written);
        Ok(())
    }

    /// Returns the path of the folder, for a person.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of a file, for a person.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the names of all files, set aside or not, oldest first.
    pub fn list(&self) -> io::Result<Vec<String>> {
        let directory = self.open()?;
        let names = directory.names(&|name| is_name(name.strip_suffix(".bad").unwrap_or(name)))?;
        let mut found = Vec::new();
        for name in names {
            let modified = directory.look(&name).and_then(|it| it.modified());
            found.push((modified.unwrap_or(SystemTime::UNIX_EPOCH), name));
        }
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, name)| name).collect())
    }

    /// Whether there is an entry of that name.
    pub fn has(&self, name: &str) -> bool {
        self.open().is_ok_and(|directory| directory.has(name))
    }

    /// Whether a name is that of a kept file of ours that exists.
    pub fn has_id(&self, name: &str) -> bool {
        is_name(name) && self.has(name)
    }

    /// Returns the whole contents of a file.
    pub fn read(&self, name: &str, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
        let directory = self.open().map_err(Unreadable::Io)?;
        directory.read(name, bytes_max)
    }

    /// Writes a file, whole or not at all, and replaces one of the same name.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = format!("{name}.new");
        // The folder may have been removed.
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

    /// Renames a file that cannot be read, and replaces one that has the new name.
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
