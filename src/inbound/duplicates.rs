//! Remembers by provider's ids and signatures which SMS have been delivered before (spec §8.6).
//!
//! An SMS with an id or a signature that counts is claimed before it is delivered, and recorded when its
//! call file has been moved. A second request for a claimed SMS waits for the first: within the process by
//! a condition, and between processes (`websmsd --replay` beside the daemon) by a lock that the daemon
//! shares and a replay holds alone.
//!
//! A crash between call file and record: the provider got no answer and sends again, so that one SMS
//! is delivered twice. None is lost.
//!
//! Invariant: a fault of the file costs memory of past SMS, never an SMS.

use std::fmt;
use std::io;
use std::num::NonZeroU64;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::limits::{DUPLICATE_WAIT, SEEN_MAX, SEEN_RETRY_WAIT, SEEN_TURN_WAIT};
use crate::proto::record::seen::{self, FILE_BYTES_MAX, Format, Known, Places, Print, Seen};
use crate::sys::cause::Cause;
use crate::sys::clock::Deadline;
use crate::sys::files::Unreadable;
use crate::sys::journal::{End, Folder, Found, Journal, Stamp, Turn};
use crate::sys::lock::{Lock, Share};
use crate::sys::log::Level;

/// The SMS that were delivered, and those that are being delivered. All connections and configurations
/// share one.
pub struct Duplicates {
    /// The file; `None` if SMS are remembered in memory only.
    journal: Option<Journal>,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    seen: Seen,
    /// The ids and signatures of SMS under way.
    claimed: Vec<NonZeroU64>,
    /// The stamp of the file when it was last read or written.
    stamp: Option<Stamp>,
    /// If the file lacks records, the time at which writing all of it is tried again.
    owed: Option<Deadline>,
}

/// The error that an id or a signature has been under way elsewhere for too long.
#[derive(Debug)]
pub struct Busy;

/// Claimed SMS. When it is dropped, others with the same ids and signatures may go on.
pub struct Claim<'a> {
    duplicates: &'a Duplicates,
    marks: Vec<NonZeroU64>,
    /// The file's folder, if there is one.
    folder: Option<Folder>,
    _lock: Option<Lock>,
}

impl Duplicates {
    /// Opens the record with its file, or in memory if there is none or while it cannot be used, which is
    /// logged.
    pub fn open(journal: Option<Journal>) -> Duplicates {
        let duplicates = Duplicates {
            journal,
            state: Mutex::default(),
            freed: Condvar::new(),
        };
        let mut state = duplicates.state();
        match duplicates.journal.as_ref().map(Journal::make) {
            Some(Err(error)) => duplicates.owe(&mut state, &error),
            Some(Ok(folder)) => duplicates.refresh(&mut state, &folder),
            None => {}
        }
        drop(state);
        duplicates
    }

    /// Whether it was opened with this file.
    pub fn is_of(&self, journal: Option<&Journal>) -> bool {
        self.journal.as_ref() == journal
    }

    /// Claims SMS, in the order of one request, and returns what is known of each; waits while one of their
    /// ids or their signature is claimed elsewhere. The signature counts at `places`. Of two SMS that are
    /// the same, the second is known.
    pub fn claim(
        &self,
        prints: &[Print],
        places: Places<'_>,
        share: Share,
    ) -> Result<(Vec<Known>, Claim<'_>), Busy> {
        self.claim_before(Deadline::after(DUPLICATE_WAIT), prints, places, share)
    }

    fn claim_before(
        &self,
        deadline: Deadline,
        prints: &[Print],
        places: Places<'_>,
        share: Share,
    ) -> Result<(Vec<Known>, Claim<'_>), Busy> {
        let folder = self.journal.as_ref().map(Journal::open);
        let lock = match (&self.journal, &folder) {
            (Some(journal), Some(Ok(folder))) => match journal.lock(folder, share, deadline) {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(Busy),
                // A fault of the folder was logged; the file is then shared with nobody.
                lock => lock.ok(),
            },
            _ => None,
        };
        let mut marks: Vec<NonZeroU64> = Vec::new();
        for print in prints {
            print.mark(&mut marks);
        }
        let mut state = self.state();
        while marks.iter().any(|mark| state.claimed.contains(mark)) {
            let left = deadline.left().ok_or(Busy)?;
            let woken = self.freed.wait_timeout(state, left);
            (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
        let folder = match folder {
            Some(Ok(folder)) => {
                self.refresh(&mut state, &folder);
                Some(folder)
            }
            // A missing file is made when there is something to record.
            Some(Err(error)) if !is_missing(&error) && is_over(state.owed) != Some(false) => {
                self.owe(&mut state, &error);
                None
            }
            Some(Err(_)) | None => None,
        };
        let known = (0..).zip(prints).map(|(number, print)| {
            let found = state.seen.find(print, places);
            beside(prints.get(..number).unwrap_or_default(), print, found)
        });
        let known = known.collect();
        state.claimed.extend(&marks);
        let claim = Claim {
            duplicates: self,
            marks,
            folder,
            _lock: lock,
        };
        Ok((known, claim))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the records that another process has added.
    fn refresh(&self, state: &mut State, folder: &Folder) {
        let Some(journal) = &self.journal else {
            return;
        };
        if is_over(state.owed) == Some(false) {
            return;
        }
        match journal.stamp(folder) {
            Ok(None) => return,
            Ok(stamp) if stamp == state.stamp => return,
            Ok(_) => {}
            Err(error) => return self.owe(state, &error),
        }
        let turn = journal.turn_in(folder.clone(), Deadline::after(SEEN_TURN_WAIT));
        let read = turn.and_then(|turn| catch_up(journal, &turn, state));
        if let Err(error) = read {
            self.owe(state, &error);
        }
    }

    /// Remembers `prints` and records them in the file, in `folder` if one is open.
    fn record(&self, prints: &[Print], folder: Option<Folder>) {
        let mut state = self.state();
        let journal = self.journal.as_ref();
        let journal = journal.filter(|_| is_over(state.owed) != Some(false));
        let turn = journal.map(|journal| {
            let deadline = Deadline::after(SEEN_TURN_WAIT);
            let turn = match folder {
                Some(folder) => journal.turn_in(folder, deadline)?,
                None => journal.turn(deadline)?,
            };
            let end = catch_up(journal, &turn, &mut state)?;
            Ok((turn, end))
        });
        for print in prints {
            state.seen.push(print);
        }
        let (Some(journal), Some(turn)) = (journal, turn) else {
            return;
        };
        let written =
            turn.and_then(|(turn, end)| write_down(journal, &turn, end, &mut state, prints));
        match written {
            Ok(()) if state.owed.take().is_some() => {
                journal.log(Level::Notice, format_args!("ids are written down again"));
            }
            Ok(()) => {}
            Err(error) => self.owe(&mut state, &error),
        }
    }

    /// Notes that the file cannot be used for now, and logs it once.
    fn owe(&self, state: &mut State, error: &io::Error) {
        if state.owed.is_none()
            && let Some(journal) = &self.journal
        {
            complain(journal, error);
        }
        state.owed = Some(Deadline::after(SEEN_RETRY_WAIT));
    }
}

impl Claim<'_> {
    /// Records these SMS as delivered.
    pub fn record(mut self, prints: &[Print]) {
        let folder = self.folder.take();
        self.duplicates.record(prints, folder);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut state = self.duplicates.state();
        for mark in &self.marks {
            let at = state.claimed.iter().position(|claimed| claimed == mark);
            at.map(|at| state.claimed.swap_remove(at));
        }
        drop(state);
        self.duplicates.freed.notify_all();
    }
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// Whether a wait is over; `None` if there is none.
fn is_over(wait: Option<Deadline>) -> Option<bool> {
    wait.map(|wait| wait.is_over())
}

/// Returns what is known of an SMS that has others `before` it in its request; `found` is what the record
/// knew of it.
fn beside(before: &[Print], print: &Print, found: Known) -> Known {
    let twin = |other: &&Print| other.id.is_some() && other.id == print.id;
    let mut contents = before.iter().filter(twin).map(|other| other.content);
    match found {
        Known::Same | Known::Recut => found,
        _ if contents.clone().any(|content| content == print.content) => Known::Same,
        Known::New if contents.next().is_some() => Known::OtherContent,
        found => found,
    }
}

/// Reads the file if it has changed since it was last read or written. Returns its end, if there is a file: it
/// is opened once, to compare and to add lines.
fn catch_up(journal: &Journal, turn: &Turn, state: &mut State) -> io::Result<Option<End>> {
    match journal.end(turn) {
        Ok(end) if state.stamp == Some(end.stamp) => return Ok(Some(end)),
        Err(Unreadable::Io(error)) if is_missing(&error) => return Ok(None),
        Err(Unreadable::Io(error)) => return Err(error),
        Ok(_) | Err(_) => {}
    }
    take_in(journal, turn, state)?;
    Ok(journal.end(turn).ok())
}

/// Reads the file. A file that is not ours is set aside, and its records go on in a new one. A file of an older
/// version is written anew.
fn take_in(journal: &Journal, turn: &Turn, state: &mut State) -> io::Result<()> {
    let (mut seen, result) = match journal.read(turn, FILE_BYTES_MAX)? {
        Found::File(bytes) => {
            let (seen, result) = Seen::parse(&bytes);
            (seen, result.map_err(|fault| fault.to_string()))
        }
        Found::Nothing => return Ok(()),
        Found::Foreign(why) => (Seen::default(), Err(why)),
    };
    // Otherwise all that is remembered has been written, and a record missing from the file was forgotten.
    if state.owed.is_some() || result.is_err() {
        seen.merge(&state.seen);
    }
    state.seen = seen;
    if let Err(fault) = &result {
        let kept = state.seen.len();
        journal.give_up(turn, fault, format_args!("{kept} ids kept"))?;
    }
    if result != Ok(Format::Current) {
        journal.replace(turn, &state.seen.encode())?;
    }
    state.stamp = journal.stamp(&turn.folder)?;
    Ok(())
}

/// Appends what was just remembered to the file, or rewrites the file: if there is none, if it lacks more than
/// this, or if half of it has been forgotten.
fn write_down(
    journal: &Journal,
    turn: &Turn,
    end: Option<End>,
    state: &mut State,
    prints: &[Print],
) -> io::Result<()> {
    let lines = seen::encode_lines(prints);
    let bytes_max = u64::try_from(state.seen.file_bytes_max()).unwrap_or(u64::MAX);
    let added = u64::try_from(lines.len()).unwrap_or(u64::MAX);
    let has_room = |end: &End| end.stamp.bytes.saturating_add(added) <= bytes_max;
    match end.filter(has_room) {
        Some(end) if state.owed.is_none() => state.stamp = Some(end.append(&lines)?),
        _ => {
            journal.replace(turn, &state.seen.encode())?;
            state.stamp = journal.stamp(&turn.folder)?;
        }
    }
    Ok(())
}

fn complain(journal: &Journal, error: &io::Error) {
    let words: &dyn fmt::Display = match error.kind() {
        io::ErrorKind::TimedOut => &"another process holds it",
        _ => &Cause(error),
    };
    journal.log(
        Level::Error,
        format_args!("{words}; the last {SEEN_MAX} ids are kept in memory only"),
    );
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    const PRINT: Print = print(1, 2, 0);
    const OTHER: Print = print(1, 3, 0);

    /// Makes a print. 0 means no id, or no signature.
    const fn print(id: u64, content: u64, proof: u64) -> Print {
        Print {
            interface: 1,
            id: NonZeroU64::new(id),
            content,
            proof: NonZeroU64::new(proof),
        }
    }

    fn claim<'a>(duplicates: &'a Duplicates, prints: &[Print]) -> (Vec<Known>, Claim<'a>) {
        duplicates
            .claim(prints, Places::All, Share::Shared)
            .unwrap()
    }

    /// Checks what the second of two requests is told, and that it waited until the first was recorded or given
    /// up.
    fn check(first: Print, second: Print, recorded: &[Print], expected: Known) {
        let duplicates = Duplicates::open(None);
        let (known, under_way) = claim(&duplicates, &[first]);
        assert_eq!(known, [Known::New]);
        let (told, hear) = mpsc::channel();
        thread::scope(|scope| {
            let duplicates = &duplicates;
            scope.spawn(move || {
                let (known, _claim) = claim(duplicates, &[second]);
                told.send(known).unwrap();
            });
            // Another claim goes on meanwhile, and the second has had time enough to be wrong.
            drop(claim(duplicates, &[print(9, 2, 9)]));
            let early = hear.recv_timeout(Duration::from_millis(100));
            assert!(early.is_err(), "{early:?}");
            match recorded {
                [] => drop(under_way),
                recorded => under_way.record(recorded),
            }
            assert_eq!(hear.recv().unwrap(), [expected]);
        });
        assert!(duplicates.state().claimed.is_empty());
    }

    #[test]
    fn the_second_waits_for_the_first() {
        check(PRINT, PRINT, &[PRINT], Known::Same);
        check(PRINT, OTHER, &[PRINT], Known::OtherContent);
        // The first failed, so the second is the first.
        check(PRINT, PRINT, &[], Known::New);
        // One signature counts, whatever the id is.
        let signed = print(0, 2, 3);
        check(signed, signed, &[signed], Known::Same);
        check(signed, print(1, 2, 3), &[signed], Known::Same);
        check(
            print(1, 2, 3),
            print(4, 5, 3),
            &[print(1, 2, 3)],
            Known::Recut,
        );
        check(print(1, 2, 3), print(4, 5, 3), &[], Known::New);
        check(
            print(1, 2, 3),
            print(1, 2, 4),
            &[print(1, 2, 3)],
            Known::Resigned,
        );
    }

    #[test]
    fn but_not_for_ever() {
        let duplicates = Duplicates::open(None);
        let (_, under_way) = claim(&duplicates, &[PRINT]);
        let deadline = Deadline::after(Duration::from_millis(50));
        let both = [print(5, 5, 5), PRINT];
        let claimed = duplicates.claim_before(deadline, &both, Places::All, Share::Shared);
        assert!(claimed.is_err() && deadline.left().is_none());
        // A claim that was given up holds nothing.
        drop(under_way);
        assert!(duplicates.state().claimed.is_empty());
    }

    #[test]
    fn within_one_request_the_second_is_known() {
        let check = |prints: &[Print], expected: &[Known]| {
            let duplicates = Duplicates::open(None);
            duplicates.state().seen.push(&print(7, 7, 7));
            let (known, under_way) = claim(&duplicates, prints);
            assert_eq!(known, expected);
            drop(under_way);
            assert!(duplicates.state().claimed.is_empty());
        };
        let (new, same, other) = (Known::New, Known::Same, Known::OtherContent);
        check(&[PRINT, PRINT, OTHER, OTHER], &[new, same, other, same]);
        // All SMS of a request have its signature.
        let signed = |id: u64| print(id, 2, 3);
        check(
            &[signed(0), signed(0), signed(1), signed(1)],
            &[new, new, new, same],
        );
        check(&[print(7, 7, 7), print(7, 7, 7)], &[same, same]);
        check(&[print(1, 1, 7), print(1, 1, 7)], &[Known::Recut; 2]);
    }
}
