//! Reports changes in folders (`inotify(7)`), without looking at the disk again and again.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

/// A list of watched folders.
#[derive(Debug)]
pub struct Watch {
    notes: File,
}

/// The changes of a folder that are reported. Its own removal always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// A file was moved into the folder.
    Arrivals,
    /// A file was made or removed in the folder.
    Changes,
    /// A file was removed from the folder, or moved out of it.
    Departures,
}

impl Watch {
    /// Creates a list without folders.
    pub fn new() -> io::Result<Watch> {
        let notes = File::from(inotify::init(CreateFlags::CLOEXEC)?);
        Ok(Watch { notes })
    }

    /// Watches a folder and returns its number, which is the same if the folder is watched already. The path is
    /// enough: a watch of the wrong folder could only wake us.
    pub fn add(&self, folder: &Path, watched: Watched) -> io::Result<i32> {
        let flags = match watched {
            Watched::Arrivals => WatchFlags::MOVED_TO,
            Watched::Changes => WatchFlags::CREATE | WatchFlags::DELETE,
            Watched::Departures => WatchFlags::DELETE | WatchFlags::MOVED_FROM,
        };
        let gone = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR;
        Ok(inotify::add_watch(&self.notes, folder, gone | flags)?)
    }

    /// Waits for news and calls `see` with the number of each changed folder.
    pub fn wait(&self, see: &mut dyn FnMut(i32)) -> io::Result<()> {
        let mut notes = [0; 4096];
        let bytes = loop {
            match (&self.notes).read(&mut notes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        let mut rest = notes.get(..bytes).unwrap_or_default();
        // A record has the number, three fields that do not matter, and the length of the name that follows.
        while let Some((head, after)) = rest.split_first_chunk::<16>() {
            let [a, b, c, d, .., e, f, g, h] = *head;
            see(i32::from_ne_bytes([a, b, c, d]));
            let name = usize::try_from(u32::from_ne_bytes([e, f, g, h])).unwrap_or(usize::MAX);
            rest = after.get(name..).unwrap_or_default();
        }
        Ok(())
    }
}
