//! Counts the files in `outgoing`, and decides whether there is a place for more, in all and per destination.
//!
//! The folder is read from time to time; between two reads its files are counted in memory, so that the
//! cost of a delivery does not grow with the files that wait. A destination is the TO of our own names
//! without `-`, which Asterisk ignores when it looks for an extension. It gets a further place only while
//! it holds no more than a third of those still free, so that a number whose SMS nobody takes leaves room
//! for all others.
//!
//! The later parts of a text, 2 to 16, wait for the earlier ones by a time in the future. Until then they
//! do not count. Only memory knows when they were moved: the time of a file says nothing, for Asterisk sets
//! it itself when a call fails. But where the first part of a text waits, nobody takes the others either,
//! and they will count soon: a destination that has many of these gets no further place, so that long texts
//! to a number that nobody takes leave as much room as short ones.
//!
//! Invariant: the count is an upper bound. Asterisk only removes files, and files that others put into the
//! folder are seen at the next read.

use std::time::Instant;

use super::File;
use super::name::CallFileName;
use super::table::Table;
use crate::limits::{
    CALL_FILE_PARTS_MAX, SPOOL_COUNT_WAIT, SPOOL_FULL_WAIT, SPOOL_LATE_TEXTS_MAX, SPOOL_PART_WAIT,
    SPOOL_SHARES, SPOOL_TEXT_FILES_MIN,
};

/// The hash of a destination.
type Destination = u64;

/// A text that needs a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Want {
    /// The index of the text's first file among those that are delivered together.
    pub(super) file: usize,
    /// The destination; `None` if the name is not ours.
    destination: Option<Destination>,
    unique: u64,
    /// The number of later parts.
    later: u32,
}

/// The reason why there is no place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// All places are taken.
    Full,
    /// One destination has its share.
    Crowded {
        /// The index of the destination's file.
        file: usize,
        /// The number of files that wait for the destination.
        held: usize,
        /// The number of free places.
        free: usize,
    },
}

/// The counts of the files in the folder. All threads share one.
#[derive(Debug)]
pub(super) struct Places {
    seed: u64,
    start: Instant,
    /// When the folder was last read; `None` while it must be read, or if reading has failed.
    at: Option<Instant>,
    /// The number of files found then, including those that do not count.
    found: usize,
    /// Places taken since then: for files that were delivered, have failed or are under way.
    added: usize,
    /// An upper bound of the files that count.
    taken: usize,
    /// The files that count of each destination.
    held: Table,
    /// For each destination, the later parts that do not count and whose first part waits.
    behind: Table,
    /// The sum of `behind`.
    behind_sum: usize,
    /// The texts under way.
    pending: Vec<Want>,
    /// The texts whose later parts do not count: the number of these parts, and when they were moved.
    late: Table,
}

/// The factor of the second in an entry of `late`; the number of later parts is added to it.
const LATE_UNIT: u32 = 16;
const _: () = assert!(CALL_FILE_PARTS_MAX <= 16);

impl Places {
    /// Creates an empty count. `seed` is random.
    pub(super) fn new(seed: u64, now: Instant) -> Places {
        Places {
            seed,
            start: now,
            at: None,
            found: 0,
            added: 0,
            taken: 0,
            held: Table::default(),
            behind: Table::default(),
            behind_sum: 0,
            pending: Vec::new(),
            late: Table::default(),
        }
    }

    /// Returns the texts of these files. The parts of each text must be in order.
    pub(super) fn wanted(&self, files: &[File<'_>]) -> Vec<Want> {
        let mut wanted: Vec<Want> = Vec::new();
        for (file, name) in files.iter().map(|file| file.name).enumerate() {
            let name = CallFileName::parse(name.as_bytes());
            match (&name, wanted.last_mut()) {
                (Some(name), Some(text)) if name.is_later && name.unique == text.unique => {
                    text.later = text.later.saturating_add(1);
                }
                _ => wanted.push(Want {
                    file,
                    destination: name.as_ref().map(|name| self.destination(name.to)),
                    unique: name.map_or(0, |name| name.unique),
                    later: 0,
                }),
            }
        }
        wanted
    }

    fn destination(&self, to: &[u8]) -> Destination {
        // This is FNV-1a from a start that nobody knows; its lower bits are mixed with the upper ones.
        let mut hash = self.seed;
        for byte in to.iter().filter(|byte| **byte != b'-') {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash ^ hash >> 32
    }

    /// Whether the folder must be read before these texts are judged: the last read is old, or it leaves no
    /// place and may be out of date. Reading after a sixteenth as many deliveries costs each of them a
    /// fixed share.
    pub(super) fn needs_look(&self, wanted: &[Want], files_max: usize, now: Instant) -> bool {
        let Some(at) = self.at else {
            return true;
        };
        let age = now.saturating_duration_since(at);
        let is_earned = self.added.saturating_mul(16) >= self.found;
        age >= SPOOL_COUNT_WAIT
            || ((is_earned || age >= SPOOL_FULL_WAIT) && self.judge(wanted, files_max).is_err())
    }

    /// Begins a read of the folder. Each of its names follows, or as many as are enough.
    pub(super) fn begin_look(&mut self, now: Instant) {
        let limit_s = SPOOL_PART_WAIT.as_secs();
        let now_s = self.second(now);
        let mut late = Table::default();
        for (unique, moved) in self.late.entries() {
            if u64::from(now_s.saturating_sub(moved / LATE_UNIT)) <= limit_s {
                late.set(unique, moved);
            }
        }
        self.late = late;
        (self.held, self.behind) = (Table::default(), Table::default());
        (self.at, self.found, self.added) = (None, 0, 0);
        (self.taken, self.behind_sum) = (0, 0);
        let pending = std::mem::take(&mut self.pending);
        for want in &pending {
            self.add(want);
        }
        self.pending = pending;
    }

    /// Ends a read that has not failed.
    pub(super) fn end_look(&mut self, now: Instant) {
        self.at = Some(now);
    }

    /// Drops the counts, because the folder or the limit has changed.
    pub(super) fn forget(&mut self) {
        self.at = None;
    }

    /// Counts a file of the folder.
    pub(super) fn see(&mut self, name: &[u8]) {
        self.found = self.found.saturating_add(1);
        let Some(name) = CallFileName::parse(name) else {
            return self.count(None, 0);
        };
        let late = self.late.get(name.unique);
        if !name.is_later {
            self.count(Some(self.destination(name.to)), late % LATE_UNIT);
        } else if late == 0 {
            self.count(Some(self.destination(name.to)), 0);
        }
    }

    /// Whether the files seen so far leave no place, whatever else the folder holds.
    pub(super) fn is_full(&self, files_max: usize) -> bool {
        self.taken >= files_max
    }

    /// Whether these texts have a place, one after the other. If one place is free, all files of a request
    /// for a destination that holds none have places, so that a text that needs more than are left is
    /// delivered in the end.
    pub(super) fn judge(&self, wanted: &[Want], files_max: usize) -> Result<(), NoPlace> {
        if self.is_full(files_max) {
            return Err(NoPlace::Full);
        }
        for (place, want) in wanted.iter().enumerate() {
            let Some(key) = want.destination else {
                continue;
            };
            let held = self.held.get(key);
            if held == 0 {
                continue;
            }
            let (mut held, mut behind) = (size(held), size(self.behind.get(key)));
            for other in wanted.iter().take(place) {
                if other.destination == want.destination {
                    held = held.saturating_add(1);
                    behind = behind.saturating_add(size(other.later));
                }
            }
            let free = files_max.saturating_sub(self.taken.saturating_add(place));
            let whole = held.saturating_add(behind);
            let left = free.saturating_sub(self.behind_sum);
            let is_too_much = |held: usize, free: usize| held.saturating_mul(SPOOL_SHARES) > free;
            let (held, free) = match whole {
                SPOOL_TEXT_FILES_MIN.. if is_too_much(whole, left) => (whole, left),
                _ => (held, free),
            };
            if is_too_much(held, free) {
                let file = want.file;
                return Err(NoPlace::Crowded { file, held, free });
            }
        }
        Ok(())
    }

    /// Takes the places of these texts, which are now under way.
    pub(super) fn take(&mut self, wanted: &[Want]) {
        for want in wanted {
            self.add(want);
        }
        self.pending.extend_from_slice(wanted);
    }

    fn add(&mut self, want: &Want) {
        self.added = self.added.saturating_add(1);
        self.count(want.destination, want.later);
    }

    /// Counts a file, and the number of parts behind it that do not count.
    fn count(&mut self, destination: Option<Destination>, later: u32) {
        self.taken = self.taken.saturating_add(1);
        self.behind_sum = self.behind_sum.saturating_add(size(later));
        if let Some(key) = destination {
            self.held.add(key, 1);
            self.behind.add(key, later);
        }
    }

    /// Ends the delivery of these texts. Places of those that failed come back with the next read.
    pub(super) fn settle(&mut self, wanted: &[Want]) {
        for want in wanted {
            if let Some(place) = self.pending.iter().position(|other| other == want) {
                self.pending.swap_remove(place);
            }
        }
    }

    /// Remembers that the later parts of these texts are moved now.
    pub(super) fn remember(&mut self, wanted: &[Want], now: Instant) {
        let moved = self.second(now).saturating_mul(LATE_UNIT);
        for text in wanted.iter().filter(|text| text.later > 0) {
            if self.late.used < SPOOL_LATE_TEXTS_MAX || self.late.get(text.unique) > 0 {
                let later = text.later.min(LATE_UNIT.saturating_sub(1));
                self.late.set(text.unique, moved.saturating_add(later));
            }
        }
    }

    /// Returns the seconds since the start, from 1.
    fn second(&self, now: Instant) -> u32 {
        let since = now.saturating_duration_since(self.start);
        let since_s = since.as_secs().saturating_add(1);
        u32::try_from(since_s).unwrap_or(u32::MAX)
    }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod tests;
