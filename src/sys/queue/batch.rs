//! Puts several messages into a folder together, from many threads at once, and renames messages there.

use std::fs::File;
use std::io::{self, Write};

use super::{Folder, Place, TMP};
use crate::sys::directory::Directory;
use crate::sys::sharing::SharedSync;

impl Folder {
    /// Puts messages in (states Q1 and Q2), all or none. Returns `Ok` once a power cut cannot take them
    /// back, or at once if nobody waits for the disk. After an error none is there, except those that the
    /// draining process has moved already.
    pub fn put_all(
        &self,
        messages: &[(String, Vec<u8>)],
        sync: Option<&SharedSync>,
    ) -> io::Result<()> {
        let root = self.made()?;
        let (tmp, new) = (root.open_in(TMP)?, root.open_in(Place::New.name())?);
        let (mut written, mut moved) = (0_usize, 0_usize);
        let result = put_all(messages, sync, [&tmp, &new], [&mut written, &mut moved]);
        let Err(error) = result else {
            return Ok(());
        };
        for (name, _) in messages.iter().take(written).skip(moved) {
            let _ = tmp.remove(name);
        }
        let is_gone = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
        let taken = |(name, _): &&(String, Vec<u8>)| new.remove(name).is_err_and(is_gone);
        let taken = messages.iter().take(moved).filter(taken).count();
        // The draining process has taken them all: they are on their way and must not come again.
        match taken == messages.len() && taken > 0 {
            true => Ok(()),
            false => Err(error),
        }
    }

    /// Renames a message, unsynced.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let new = self.place(Place::New)?;
        new.rename(from, &new, to)
    }

    /// Removes a message that is done with, unsynced. A missing message is no error.
    pub fn forget(&self, name: &str) -> io::Result<()> {
        match self.place(Place::New)?.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns the length of a message's file; 0 if unknown.
    pub fn bytes(&self, name: &str) -> u64 {
        let found = self.place(Place::New).and_then(|new| new.look(name));
        found.map_or(0, |found| found.len())
    }
}

/// Writes and moves all messages, and syncs the folder once; counts the written and the moved ones.
fn put_all(
    messages: &[(String, Vec<u8>)],
    sync: Option<&SharedSync>,
    [tmp, new]: [&Directory; 2],
    [written, moved]: [&mut usize; 2],
) -> io::Result<()> {
    for (name, bytes) in messages {
        let mut file = tmp.create(name)?;
        *written = written.saturating_add(1);
        file.write_all(bytes)?;
        sync.map_or(Ok(()), |_| File::sync_all(&file))?;
    }
    for (name, _) in messages {
        tmp.rename(name, new, name)?;
        *moved = moved.saturating_add(1);
    }
    sync.map_or(Ok(()), |sync| sync.sync(&|| new.sync()))
}
