//! The marker beside the spool: a random number that changes when a restart has emptied the spool, or when the
//! spool is another folder than before.
//!
//! The marker stands in a file in `staging`, with the device and inode of its `outgoing`. The file is
//! unsynced: if a power cut removes or damages it, it is made anew, and then what was moved before is
//! looked for and delivered once more.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::name::CallFileName;
use super::{Spool, SpoolFault, Step, Sync, failed, is_missing};
use crate::sys::directory::Directory;
use crate::sys::files::{self, Unreadable};

/// The name of the marker's file.
const MARKER: &str = "websms.marker";
/// The name of the file while it is written.
const MARKER_NEW: &str = "websms.marker.new";
/// The text before the number.
const VERSION: &str = "websms marker 1 ";
/// The length of the file, bytes: 16 digits, two numbers and the text between them.
const MARKER_BYTES_MAX: usize = 128;

/// The identity of `outgoing` when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ground {
    device: u64,
    inode: u64,
}

impl Spool {
    /// Returns the path of the folder from which Asterisk takes call files.
    pub fn outgoing(&self) -> &Path {
        &self.outgoing
    }

    /// Reads `outgoing` whole and calls `see` with the destination and the id of each call file of ours.
    pub fn survey(&self, see: &mut dyn FnMut(&[u8], u64)) -> Result<Ground, SpoolFault> {
        let mut read = || {
            let outgoing = Directory::open(&self.outgoing)?;
            let found = outgoing.metadata()?;
            outgoing.each(&mut |name, is_folder| {
                if let Some(name) = CallFileName::parse(name).filter(|_| !is_folder) {
                    see(name.to, name.unique);
                }
                true
            })?;
            Ok(Ground {
                device: found.dev(),
                inode: found.ino(),
            })
        };
        read().map_err(|error| match is_missing(&error) {
            true => SpoolFault::Missing {
                folder: self.outgoing.clone(),
            },
            false => failed(Step::Look, &self.outgoing, error),
        })
    }

    /// Syncs the files that were moved, if deliveries wait for the disk.
    pub fn settle(&self) -> Result<(), SpoolFault> {
        match self.sync {
            Sync::Before => self.sync_outgoing(&*self.folders()?),
            Sync::Never => Ok(()),
        }
    }

    /// Removes a staged file whose name nobody else has.
    pub fn discard(&self, name: &str) {
        let staging = Directory::open(&self.staging);
        let _ = staging.and_then(|staging| staging.remove(name));
    }

    /// Returns the marker of an `outgoing`, and makes one if there is none.
    pub fn marker(&self, ground: Ground) -> Result<u64, SpoolFault> {
        let read_or_make = || {
            let staging = Directory::make(&self.staging)?;
            let found = match staging.read(MARKER, MARKER_BYTES_MAX) {
                Ok(file) => parse(&file, ground),
                Err(Unreadable::Io(error)) if !is_missing(&error) => return Err(error),
                Err(_) => None,
            };
            found.map_or_else(|| make(&staging, ground), Ok)
        };
        read_or_make().map_err(|error| failed(Step::Write, &self.staging, error))
    }
}

/// Removes the call files of one id from an `outgoing`; Asterisk drops a call whose file is gone.
pub fn withdraw(outgoing: &Path, id: u64) -> io::Result<()> {
    let outgoing = Directory::open(outgoing)?;
    let is_of =
        |name: &str| CallFileName::parse(name.as_bytes()).is_some_and(|name| name.unique == id);
    let names = outgoing.names(&is_of)?;
    names.iter().try_for_each(|name| outgoing.remove(name))
}

fn make(staging: &Directory, ground: Ground) -> io::Result<u64> {
    let marker = files::unique_number()?;
    // A file or folder in its place is no marker of this `outgoing`.
    let _ = staging.remove_all(MARKER_NEW);
    let mut file = staging.create(MARKER_NEW)?;
    let written = file.write_all(encode(marker, ground).as_bytes());
    if written.is_ok() && staging.rename(MARKER_NEW, staging, MARKER).is_err() {
        staging.remove_all(MARKER)?;
        staging.rename(MARKER_NEW, staging, MARKER)?;
    }
    written.map(|()| marker)
}

fn encode(marker: u64, ground: Ground) -> String {
    let mut line = VERSION.to_owned();
    let Ground { device, inode } = ground;
    let _ = writeln!(line, "{marker:016x} {device} {inode}");
    line
}

/// Returns the number, if the file is a marker and belongs to this `outgoing`.
fn parse(file: &[u8], ground: Ground) -> Option<u64> {
    let file = str::from_utf8(file).ok()?;
    let number = file.strip_prefix(VERSION)?.get(..16)?;
    let marker = u64::from_str_radix(number, 16).ok()?;
    (file == encode(marker, ground)).then_some(marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUND: Ground = Ground {
        device: 3,
        inode: 4,
    };

    #[test]
    fn a_marker_is_of_one_folder() {
        let file = encode(0xab, GROUND);
        assert_eq!(file, "websms marker 1 00000000000000ab 3 4\n");
        assert_eq!(parse(file.as_bytes(), GROUND), Some(0xab));
        for end in 0..file.len() {
            let cut = file.as_bytes().get(..end).unwrap_or_default();
            assert_eq!(parse(cut, GROUND), None, "{end}");
        }
        for (device, inode) in [(3, 5), (4, 4)] {
            let other = Ground { device, inode };
            assert_eq!(parse(file.as_bytes(), other), None);
        }
        let later = file.replace("marker 1", "marker 2");
        assert_eq!(parse(later.as_bytes(), GROUND), None);
    }
}
