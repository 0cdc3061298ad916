//! The remarks of `--check` for the status page, without reading the configuration again where it is unchanged:
//! the memory that a second configuration takes stays with the process.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::config::{Config, Intact, Note, Severity};
use crate::surroundings;

/// The inode of a file, the time of its last change in seconds and nanoseconds, and its length.
type Stamp = (u64, i64, i64, u64);

/// The remarks on a configuration from when it was read.
pub(super) struct Remarks {
    path: PathBuf,
    /// The stamp of the file, taken before it was read, so that a change during the reading is noticed. `None` if
    /// there was no such file.
    stamp: Option<Stamp>,
    notes: Vec<Note>,
}

impl Remarks {
    /// Reads a configuration. Returns it, or the faults; and all remarks.
    pub(super) fn read(path: &Path) -> (Option<Config>, Remarks) {
        let stamp = stamp(path);
        let reading = surroundings::load(path);
        let remarks = Remarks {
            path: path.to_owned(),
            stamp,
            notes: reading.notes,
        };
        (reading.config, remarks)
    }

    /// Returns the remarks in the order of the file.
    pub(super) fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Returns the warnings and faults that `--check` finds now, one per line.
    pub(super) fn now(&self, config: &Config) -> Vec<String> {
        let mut notes = match stamp(&self.path) {
            // A user who may not read the file again knows what was in it.
            found if found == self.stamp || File::open(&self.path).is_err() => self.notes.clone(),
            _ => surroundings::load(&self.path).notes,
        };
        notes.extend(surroundings::notes(&self.path, config, Intact::WHOLE));
        notes.retain(|note| note.severity != Severity::Fact);
        let mut told = Vec::new();
        for note in notes {
            told.push(match note.line {
                0 => note.text,
                line => format!("line {line}: {}", note.text),
            });
        }
        told
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = path.metadata().ok()?;
    Some((found.ino(), found.ctime(), found.ctime_nsec(), found.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    #[test]
    fn only_a_file_that_has_changed_is_read_again() {
        let path = std::env::temp_dir().join(format!("websms-remarks-{}", std::process::id()));
        fs::write(&path, "[astqueue]\nmaxretris = 1\n").unwrap();
        let (config, mut remarks) = Remarks::read(&path);
        let config = config.unwrap();
        let tells =
            |remarks: &Remarks, text| remarks.now(&config).iter().any(|it| it.contains(text));
        assert!(tells(&remarks, "maxretris"));
        // The remembered remarks are gone now. A file that was read again would bring the remark back.
        remarks.notes.clear();
        assert!(!tells(&remarks, "maxretris"));
        fs::write(&path, "[astqueue]\nwaittimes = 1000\n").unwrap();
        assert!(tells(&remarks, "waittimes"));
        // A file that is gone takes no remark with it.
        fs::remove_file(&path).unwrap();
        assert!(!tells(&remarks, "waittimes"));
    }
}
