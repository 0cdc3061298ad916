//! Counts events by the length of a file: one more byte for each event.
//!
//! Several processes add to the file without a lock, because appended bytes land behind those that are
//! there. The time of the last event is the file's own time. Nothing is synced: a power cut loses the last
//! half minute at most.

use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::limits::TALLY_BYTES_MAX;
use crate::sys::directory::Directory;

/// A folder of such files.
#[derive(Debug)]
pub struct Tallies {
    folder: PathBuf,
}

impl Tallies {
    /// Returns the folder. Nothing is touched yet.
    pub fn new(folder: &Path) -> Tallies {
        Tallies {
            folder: folder.to_owned(),
        }
    }

    /// Counts one more event. Makes the folder if it is missing.
    pub fn add(&self, name: &str) -> io::Result<()> {
        let directory = Directory::make(&self.folder)?;
        let append = || directory.regular(name, OFlags::WRONLY | OFlags::APPEND);
        let mut file = match append() {
            Ok(file) => file,
            // The file is opened again for appending, which alone cannot overwrite another process's byte.
            Err(_) => match directory.create(name) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => append()?,
            },
        };
        if file.seek(SeekFrom::End(0))? >= TALLY_BYTES_MAX {
            file.set_len(0)?;
        }
        file.write_all(b"\n")
    }

    /// Returns the number of events, and the time of the last one in seconds since 1970; 0 and 0 if nothing
    /// was counted.
    pub fn read(&self, name: &str) -> (u64, u64) {
        match Directory::open(&self.folder).and_then(|folder| folder.look(name)) {
            Ok(found) if found.is_file() => {
                (found.len(), u64::try_from(found.mtime()).unwrap_or(0))
            }
            _ => (0, 0),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::thread;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let path = std::env::temp_dir().join(format!("websms-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).unwrap();
            Scratch(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn none_is_lost_between_many() {
        let scratch = Scratch::new("tally-many");
        let folder = scratch.0.join("a/b");
        let tallies = Tallies::new(&folder);
        assert_eq!(tallies.read("x"), (0, 0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        tallies.add("x").unwrap();
                    }
                });
            }
        });
        let (count, at_s) = tallies.read("x");
        assert_eq!(count, 400);
        assert!(at_s > 1_700_000_000, "{at_s}");
        assert_eq!(tallies.read("y"), (0, 0));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("x"))), (0o700, 0o600));
    }

    #[test]
    fn a_full_one_begins_anew() {
        let scratch = Scratch::new("tally-full");
        let tallies = Tallies::new(&scratch.0);
        for (bytes, expected) in [
            (TALLY_BYTES_MAX - 1, TALLY_BYTES_MAX),
            (TALLY_BYTES_MAX, 1),
            (TALLY_BYTES_MAX + 1, 1),
        ] {
            let file = File::create(scratch.0.join("x")).unwrap();
            file.set_len(bytes).unwrap();
            tallies.add("x").unwrap();
            assert_eq!(tallies.read("x").0, expected, "{bytes}");
        }
    }

    #[test]
    fn what_is_no_file_is_left_alone() {
        let scratch = Scratch::new("tally-none");
        let tallies = Tallies::new(&scratch.0);
        fs::create_dir(scratch.0.join("folder")).unwrap();
        fs::write(scratch.0.join("other"), "secret").unwrap();
        std::os::unix::fs::symlink("other", scratch.0.join("link")).unwrap();
        for name in ["folder", "link"] {
            assert!(tallies.add(name).is_err(), "{name}");
            assert_eq!(tallies.read(name), (0, 0), "{name}");
        }
        assert_eq!(fs::read(scratch.0.join("other")).unwrap(), b"secret");
    }
}
