//! Provider's ids → which SMS have been delivered before (spec §8.6).
//!
//! An SMS with an id is claimed before it is delivered, and recorded when its call file has been
//! moved. A second request with an id that is claimed waits for the first, within the process by a
//! condition, and between processes (`websmsd --replay` beside the daemon) by a lock that the daemon
//! shares and a replay has alone.
//!
//! A crash between call file and record: the provider got no answer and sends again, so that one SMS
//! is delivered twice. None is lost.
//!
//! Invariant: what goes wrong with the file costs memory of past ids, never an SMS.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::limits::{DUPLICATE_WAIT, SEEN_MAX, SEEN_RETRY_WAIT, SEEN_TURN_WAIT};
use crate::proto::record::seen::{self, FILE_BYTES_MAX, Known, Print, Seen};
use crate::sys::cause::Cause;
use crate::sys::clock::Deadline;
use crate::sys::files;
use crate::sys::journal::{Journal, Stamp, Turn};
use crate::sys::lock::{Lock, Share};
use crate::sys::log::{self, Clean, Level};

/// What was delivered, and what is being delivered. One for all connections and configurations.
pub struct Duplicates {
    /// `None`: in memory only.
    journal: Option<Journal>,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    seen: Seen,
    /// Ids of what is under way.
    claimed: Vec<u64>,
    /// The file as it was read or written last.
    stamp: Option<Stamp>,
    /// Set where the file lacks records: when to try again to write all of it.
    owed: Option<Deadline>,
}

/// An id is under way elsewhere, for too long.
#[derive(Debug)]
pub struct Busy;

/// Some SMS under way. Dropped, others with the same ids may go on.
pub struct Claim<'a> {
    duplicates: &'a Duplicates,
    ids: Vec<u64>,
    _lock: Option<Lock>,
}

impl Duplicates {
    /// With their file; in memory where there is none, and while it cannot be used, which is logged.
    pub fn open(journal: Option<Journal>) -> Duplicates {
        let duplicates = Duplicates {
            journal,
            state: Mutex::default(),
            freed: Condvar::new(),
        };
        let mut state = duplicates.state();
        match duplicates.journal.as_ref().map(Journal::prepare) {
            Some(Err(error)) => duplicates.owe(&mut state, &error),
            Some(Ok(())) | None => duplicates.refresh(&mut state),
        }
        drop(state);
        duplicates
    }

    /// Whether it was opened with this file.
    pub fn is_of(&self, journal: Option<&Journal>) -> bool {
        self.journal.as_ref().map(Journal::path) == journal.map(Journal::path)
    }

    /// Claims SMS, in the order of one request, and says what is known of each; waits while one of
    /// their ids is claimed already. Of two that are the same the second is known.
    pub fn claim(&self, prints: &[Print], share: Share) -> Result<(Vec<Known>, Claim<'_>), Busy> {
        self.claim_before(Deadline::after(DUPLICATE_WAIT), prints, share)
    }

    fn claim_before(
        &self,
        deadline: Deadline,
        prints: &[Print],
        share: Share,
    ) -> Result<(Vec<Known>, Claim<'_>), Busy> {
        let lock = match self.journal.as_ref().map(|it| it.lock(share, deadline)) {
            Some(Err(error)) if error.kind() == io::ErrorKind::TimedOut => return Err(Busy),
            // A folder that cannot be written was logged; there is nobody to share it with.
            Some(Err(_)) | None => None,
            Some(Ok(lock)) => Some(lock),
        };
        let mut state = self.state();
        while prints.iter().any(|print| state.claimed.contains(&print.id)) {
            let left = deadline.left().ok_or(Busy)?;
            let woken = self.freed.wait_timeout(state, left);
            (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
        self.refresh(&mut state);
        let mut known = Vec::new();
        for (number, print) in prints.iter().enumerate() {
            let before = prints.get(..number).unwrap_or_default();
            let mut found = state.seen.find(*print);
            if before.contains(print) {
                found = Known::Same;
            } else if found == Known::New && before.iter().any(|other| other.id == print.id) {
                found = Known::OtherContent;
            }
            known.push(found);
        }
        let ids: Vec<u64> = prints.iter().map(|print| print.id).collect();
        state.claimed.extend(&ids);
        let claim = Claim {
            duplicates: self,
            ids,
            _lock: lock,
        };
        Ok((known, claim))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what another process has added.
    fn refresh(&self, state: &mut State) {
        let Some(journal) = &self.journal else {
            return;
        };
        if is_over(state.owed) == Some(false) {
            return;
        }
        match journal.stamp() {
            Ok(None) => return,
            Ok(stamp) if stamp == state.stamp => return,
            Ok(_) => {}
            Err(error) => return self.owe(state, &error),
        }
        let turn = journal.turn(Deadline::after(SEEN_TURN_WAIT));
        let read = turn.and_then(|turn| take_in(journal, &turn, state));
        if let Err(error) = read {
            self.owe(state, &error);
        }
    }

    /// Remembers `prints`, and writes them down.
    fn record(&self, prints: &[Print]) {
        let mut state = self.state();
        self.refresh(&mut state);
        for print in prints {
            state.seen.push(*print);
        }
        let Some(journal) = &self.journal else {
            return;
        };
        if is_over(state.owed) == Some(false) {
            return;
        }
        let turn = journal.turn(Deadline::after(SEEN_TURN_WAIT));
        let written = turn.and_then(|turn| write_down(journal, &turn, &mut state, prints));
        match written {
            Ok(()) if state.owed.take().is_some() => {
                let path = journal.path().as_os_str().as_encoded_bytes();
                log::event(
                    Level::Notice,
                    format_args!("{}: ids are written down again", Clean(path)),
                );
            }
            Ok(()) => {}
            Err(error) => self.owe(&mut state, &error),
        }
    }

    /// The file cannot be used for now: logged once.
    fn owe(&self, state: &mut State, error: &io::Error) {
        if state.owed.is_none()
            && let Some(journal) = &self.journal
        {
            complain(journal.path(), error);
        }
        state.owed = Some(Deadline::after(SEEN_RETRY_WAIT));
    }
}

impl Claim<'_> {
    /// These were delivered.
    pub fn record(self, prints: &[Print]) {
        self.duplicates.record(prints);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut state = self.duplicates.state();
        for id in &self.ids {
            let at = state.claimed.iter().position(|claimed| claimed == id);
            at.map(|at| state.claimed.swap_remove(at));
        }
        drop(state);
        self.duplicates.freed.notify_all();
    }
}

/// Whether a wait is over; `None`: there is none.
fn is_over(wait: Option<Deadline>) -> Option<bool> {
    wait.map(|wait| wait.left().is_none())
}

/// Reads the file. What is no file of ours is set aside; the records that it held go on in a new
/// one.
fn take_in(journal: &Journal, turn: &Turn, state: &mut State) -> io::Result<()> {
    let fault = match journal.read(turn, FILE_BYTES_MAX) {
        Ok(bytes) => {
            let lines = seen::parse(&bytes);
            state.seen.merge(&lines.prints);
            lines.fault.map(|fault| fault.to_string())
        }
        Err(files::Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(());
        }
        Err(files::Unreadable::Io(error)) => return Err(error),
        Err(unreadable) => Some(unreadable.to_string()),
    };
    if let Some(fault) = fault {
        let bad = journal.set_aside(turn)?;
        let [path, bad] = [journal.path(), &bad].map(|path| path.as_os_str().as_encoded_bytes());
        log::event(
            Level::Error,
            format_args!(
                "{}: {fault}; set aside as {}, {} ids kept",
                Clean(path),
                Clean(bad),
                state.seen.len()
            ),
        );
        journal.replace(turn, &state.seen.encode())?;
    }
    state.stamp = journal.stamp()?;
    Ok(())
}

/// Adds to the file what was just remembered, or writes all of it anew: where there is none, where
/// it lacks more than this, and where it is full of what has been forgotten.
fn write_down(
    journal: &Journal,
    turn: &Turn,
    state: &mut State,
    prints: &[Print],
) -> io::Result<()> {
    let lines = seen::encode_lines(prints);
    let bytes_max = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX);
    let added = u64::try_from(lines.len()).unwrap_or(u64::MAX);
    let mut found = journal.stamp()?;
    if found.is_some() && found != state.stamp {
        take_in(journal, turn, state)?;
        found = state.stamp;
    }
    let has_room = |stamp: Stamp| stamp.bytes.saturating_add(added) <= bytes_max;
    if state.owed.is_none() && found.is_some_and(has_room) {
        journal.append(turn, &lines)?;
    } else {
        journal.replace(turn, &state.seen.encode())?;
    }
    state.stamp = journal.stamp()?;
    Ok(())
}

fn complain(path: &Path, error: &io::Error) {
    let words: &dyn fmt::Display = match error.kind() {
        io::ErrorKind::TimedOut => &"another process holds it",
        _ => &Cause(error),
    };
    log::event(
        Level::Error,
        format_args!(
            "{}: {words}; the last {SEEN_MAX} ids are kept in memory only",
            Clean(path.as_os_str().as_encoded_bytes())
        ),
    );
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    const PRINT: Print = Print { id: 1, content: 2 };
    const OTHER: Print = Print { id: 1, content: 3 };

    /// What the second of two with one id is told, and whether it waited for the first to be
    /// recorded or given up.
    fn check(second: Print, recorded: &[Print], expected: Known) {
        let duplicates = Duplicates::open(None);
        let (known, claim) = duplicates.claim(&[PRINT], Share::Shared).unwrap();
        assert_eq!(known, [Known::New]);
        let (told, hear) = mpsc::channel();
        thread::scope(|scope| {
            let duplicates = &duplicates;
            scope.spawn(move || {
                let (known, _claim) = duplicates.claim(&[second], Share::Shared).unwrap();
                told.send(known).unwrap();
            });
            // Another id goes on meanwhile, and the second has had time enough to be wrong.
            let another = Print { id: 9, content: 2 };
            drop(duplicates.claim(&[another], Share::Shared).unwrap());
            let early = hear.recv_timeout(Duration::from_millis(100));
            assert!(early.is_err(), "{early:?}");
            match recorded {
                [] => drop(claim),
                recorded => claim.record(recorded),
            }
            assert_eq!(hear.recv().unwrap(), [expected]);
        });
        assert!(duplicates.state().claimed.is_empty());
    }

    #[test]
    fn the_second_waits_for_the_first() {
        check(PRINT, &[PRINT], Known::Same);
        check(OTHER, &[PRINT], Known::OtherContent);
        // The first failed, so the second is the first.
        check(PRINT, &[], Known::New);
    }

    #[test]
    fn but_not_for_ever() {
        let duplicates = Duplicates::open(None);
        let (_, claim) = duplicates.claim(&[PRINT], Share::Shared).unwrap();
        let deadline = Deadline::after(Duration::from_millis(50));
        let both = [Print { id: 5, content: 5 }, PRINT];
        let claimed = duplicates.claim_before(deadline, &both, Share::Shared);
        assert!(claimed.is_err() && deadline.left().is_none());
        // Who gave up holds nothing.
        drop(claim);
        assert!(duplicates.state().claimed.is_empty());
    }

    #[test]
    fn within_one_request_the_second_is_known() {
        let duplicates = Duplicates::open(None);
        let prints = [PRINT, PRINT, OTHER, OTHER];
        let (known, claim) = duplicates.claim(&prints, Share::Shared).unwrap();
        let expected = [Known::New, Known::Same, Known::OtherContent, Known::Same];
        assert_eq!(known, expected);
        drop(claim);
        assert!(duplicates.state().claimed.is_empty());
    }
}
