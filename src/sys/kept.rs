//! A folder of small files of ours: list, put, set aside, remove.
//!
//! A file's name is 16 hex digits, with `.bad` behind it where it was set aside and `.new` while it is
//! written. Anything else in the folder is left alone.
//!
//! Nothing is synced: what stands here helps an operator and is no promise to anybody.

use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::limits::SWEEP_AGE;
use crate::sys::files::{self, Links, Unreadable};
use crate::sys::user::Owner;

/// Such a folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    owner: Option<Owner>,
}

impl Folder {
    /// An absolute path. Nothing is touched yet. What root makes takes `owner`.
    pub fn new(path: &Path, owner: Option<Owner>) -> Folder {
        Folder {
            path: path.to_owned(),
            owner,
        }
    }

    /// Makes it where it is missing and sweeps it.
    pub fn prepare(&self) -> io::Result<()> {
        files::make_folder(&self.path, self.owner)?;
        let half_written = |name: &[u8]| name.strip_suffix(b".new").is_some_and(is_name);
        files::sweep(&self.path, self.owner, SWEEP_AGE, &half_written);
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a file is.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The names of all files, set aside or not, oldest first.
    pub fn list(&self) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let bytes = name.as_bytes();
            let stem = bytes.strip_suffix(b".bad").unwrap_or(bytes);
            if let (true, Some(name)) = (is_name(stem), name.to_str()) {
                let modified = entry.metadata().and_then(|it| it.modified());
                let modified = modified.unwrap_or(SystemTime::UNIX_EPOCH);
                found.push((modified, name.to_owned()));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, name)| name).collect())
    }

    /// Whether there is something of that name.
    pub fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.join(name)).is_ok()
    }

    /// All of a file.
    pub fn read(&self, name: &str, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
        files::read(&self.join(name), bytes_max, Links::Refuse)
    }

    /// Writes a file, whole or not at all, over one of the same name.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let (new, path) = (self.join(&format!("{name}.new")), self.join(name));
        // A crash may have left one.
        let _ = fs::remove_file(&new);
        // Somebody may have removed the folder.
        files::make_folder(&self.path, self.owner)?;
        let mut file = files::create(&new, self.owner)?;
        let put = file.write_all(bytes).and_then(|()| fs::rename(&new, &path));
        if put.is_err() {
            let _ = fs::remove_file(&new);
        }
        put
    }

    /// Gives a file that cannot be read another name; what had it goes.
    pub fn set_aside(&self, name: &str) -> io::Result<String> {
        let bad = format!("{name}.bad");
        fs::rename(self.join(name), self.join(&bad))?;
        Ok(bad)
    }

    /// Removes a file, or a folder in its place that is empty.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.join(name);
        fs::remove_file(&path).or_else(|error| fs::remove_dir(&path).map_err(|_| error))
    }
}

fn is_name(name: &[u8]) -> bool {
    let hex = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    name.len() == 16 && name.iter().all(hex)
}
