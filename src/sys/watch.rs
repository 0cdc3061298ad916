//! Folders → news of what comes and goes in them (`inotify(7)`), without looking at the disk again and
//! again.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

/// A list of watched folders.
#[derive(Debug)]
pub struct Watch {
    notes: File,
}

/// What is told of a folder. That it goes itself always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// Something was moved into it.
    Arrivals,
    /// Something was made or removed in it.
    Changes,
    /// Something was removed, or moved out of it.
    Departures,
}

impl Watch {
    /// Nothing is watched yet.
    pub fn new() -> io::Result<Watch> {
        let notes = File::from(inotify::init(CreateFlags::CLOEXEC)?);
        Ok(Watch { notes })
    }

    /// Watches a folder; its number, which is the same where the same folder is watched already. By path: all
    /// that a watch of the wrong folder could do is to wake us.
    pub fn add(&self, folder: &Path, watched: Watched) -> io::Result<i32> {
        let flags = match watched {
            Watched::Arrivals => WatchFlags::MOVED_TO,
            Watched::Changes => WatchFlags::CREATE | WatchFlags::DELETE,
            Watched::Departures => WatchFlags::DELETE | WatchFlags::MOVED_FROM,
        };
        let gone = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR;
        Ok(inotify::add_watch(&self.notes, folder, gone | flags)?)
    }

    /// Waits for news and shows the number of the folder of each.
    pub fn wait(&self, see: &mut dyn FnMut(i32)) -> io::Result<()> {
        let mut notes = [0; 4096];
        let bytes = loop {
            match (&self.notes).read(&mut notes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        let mut rest = notes.get(..bytes).unwrap_or_default();
        // The number, three fields that do not matter, and how long a name follows.
        while let Some((head, after)) = rest.split_first_chunk::<16>() {
            let [a, b, c, d, .., e, f, g, h] = *head;
            see(i32::from_ne_bytes([a, b, c, d]));
            let name = usize::try_from(u32::from_ne_bytes([e, f, g, h])).unwrap_or(usize::MAX);
            rest = after.get(name..).unwrap_or_default();
        }
        Ok(())
    }
}
