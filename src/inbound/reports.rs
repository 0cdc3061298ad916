//! Applies delivery reports to the SMS that were sent (spec §14).
//!
//! The record of sent SMS is a file ([`State::sent`](crate::state::State::sent)) to which each sending process
//! adds a line; this module reads it when it has changed. A report that says something new adds a line, and the
//! end of an SMS is announced once. All other reports write nothing, however many come.
//!
//! A final report of an unknown id may have arrived before our own note of the SMS: it is held in memory and
//! looked up again, for a minute.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::config::Config;
use crate::limits::{
    CONNECTION_STACK_BYTES, EARLY_REPORT_PAUSE, EARLY_REPORT_WAIT, EARLY_REPORTS_MAX,
    SENT_FILE_BYTES_MAX, SENT_TURN_WAIT,
};
use crate::proto::provider;
use crate::proto::record::sent::{End, News, Record, Sent};
use crate::proto::webhook::access::tells_of;
use crate::proto::webhook::interface::Interface;
use crate::proto::webhook::{self, Report};
use crate::sys::cause::Cause;
use crate::sys::clock::{self, Deadline};
use crate::sys::journal::{Journal, Stamp, Turn};
use crate::sys::log::Level;
use crate::sys::threads;

/// Announces that an SMS has arrived or failed.
pub type Announce = fn(&Config, &Record);

/// SMS that were sent, and their reports. All connections and configurations share one.
pub struct Reports {
    journal: Journal,
    announce: Announce,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sent: Sent,
    /// The stamp of the file when it was last read or written.
    stamp: Option<Stamp>,
    /// Final reports of ids that are not known yet.
    early: Vec<Early>,
    /// The stamp of the file when all of these were last looked up.
    looked: Option<Stamp>,
    /// A thread looks these reports up again.
    is_watched: bool,
    /// The file cannot be used for now, which was logged.
    is_broken: bool,
}

/// A final report.
struct Early {
    /// The interface of `[websmsd]` that received it.
    incoming: String,
    reference: String,
    /// The reason why the SMS failed, fit to be shown; `None` if it has arrived.
    failure: Option<String>,
    until: Deadline,
}

impl Early {
    fn end(&self) -> End<'_> {
        self.failure.as_deref().map_or(End::Delivered, End::Failed)
    }
}

impl Reports {
    /// Creates the record for this file; nothing is read before the first report.
    pub fn new(journal: Journal, announce: Announce) -> Reports {
        Reports {
            journal,
            announce,
            state: Mutex::default(),
        }
    }

    /// Whether the record was made for this file.
    pub fn is_of(&self, journal: &Journal) -> bool {
        self.journal == *journal
    }

    /// Takes the reports that arrived at an interface.
    pub fn take(
        reports: &Arc<Reports>,
        config: &Arc<Config>,
        incoming: &Interface,
        told: &[Report],
    ) {
        let mut ended = Vec::new();
        for report in told {
            let Some(early) = final_one(config, incoming, report) else {
                continue;
            };
            let mut state = reports.state();
            reports.refresh(&mut state);
            reports.settle_early(&mut state, config, &mut ended);
            match reports.settle(&mut state, config, &early) {
                Known::Ended(record) => ended.push(record),
                Known::Yes => {}
                Known::No => reports.hold(&mut state, config, early),
            }
        }
        reports.tell(config, &ended);
    }

    fn tell(&self, config: &Config, ended: &[Record]) {
        for record in ended {
            (self.announce)(config, record);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- Reports that are too early -------------------------------------------------------------

    /// Keeps a report for a while.
    fn hold(self: &Arc<Self>, state: &mut State, config: &Arc<Config>, early: Early) {
        if state.early.len() >= EARLY_REPORTS_MAX {
            state.early.remove(0);
        }
        state.early.push(early);
        if state.is_watched {
            return;
        }
        let (this, config) = (Arc::clone(self), Arc::clone(config));
        let watch = move || {
            loop {
                thread::sleep(EARLY_REPORT_PAUSE);
                if !this.look_again(&config) {
                    return;
                }
            }
        };
        // Without a thread, the next report of any SMS looks these up again.
        state.is_watched = threads::spawn("reports", CONNECTION_STACK_BYTES, watch).is_ok();
    }

    /// Looks up the held reports again, unless the file is the one in which they were not found. Another report
    /// may have read a newer one.
    fn settle_early(&self, state: &mut State, config: &Config, ended: &mut Vec<Record>) {
        if state.stamp == state.looked {
            return;
        }
        // Settling one may read notes of those that were looked up before it.
        state.looked = state.stamp;
        for early in std::mem::take(&mut state.early) {
            match self.settle(state, config, &early) {
                Known::Ended(record) => ended.push(record),
                Known::Yes => {}
                Known::No => state.early.push(early),
            }
        }
    }

    /// Looks up the held reports again. Returns whether some are still held.
    fn look_again(&self, config: &Config) -> bool {
        let mut ended = Vec::new();
        let mut state = self.state();
        state.early.retain(|early| !early.until.is_over());
        self.refresh(&mut state);
        self.settle_early(&mut state, config, &mut ended);
        state.is_watched = !state.early.is_empty();
        let goes_on = state.is_watched;
        drop(state);
        self.tell(config, &ended);
        goes_on
    }

    // ---- What is known --------------------------------------------------------------------------

    /// Records a report if it says something new.
    fn settle(&self, state: &mut State, config: &Config, early: &Early) -> Known {
        let now_s = Some(clock::now_s()).filter(|now_s| clock::is_sane(*now_s));
        let (now_s, reference) = (now_s.unwrap_or(0), early.reference.as_str());
        let all = config.outgoing.iter();
        let mut names = all.map(|outgoing| outgoing.account.interface.as_str());
        let name = names.find(|name| {
            tells_of(&early.incoming, name) && state.sent.holds(name, reference, now_s)
        });
        let Some(name) = name else {
            return Known::No;
        };
        if !state.sent.is_news(name, reference, early.end()) {
            return Known::Yes;
        }
        let turn = self.journal.turn(Deadline::after(SENT_TURN_WAIT));
        let turn = turn.and_then(|turn| self.catch_up(&turn, state).map(|()| turn));
        // `None` means that another process was faster.
        let Some((news, record)) = state.sent.settle(now_s, name, reference, early.end()) else {
            return Known::Yes;
        };
        let line = record.last_line();
        let known = match news {
            News::Part => Known::Yes,
            News::Delivered | News::Undelivered => Known::Ended(record.clone()),
        };
        let written = turn.and_then(|turn| self.journal.end(&turn)?.append(line.as_bytes()));
        let written = written.map(|stamp| state.stamp = Some(stamp));
        self.complain(state, written);
        known
    }

    /// Reads the lines that others have added.
    fn refresh(&self, state: &mut State) {
        let read = self.journal.open().and_then(|folder| {
            if self.journal.stamp(&folder)? == state.stamp {
                return Ok(());
            }
            let turn = self
                .journal
                .turn_in(folder, Deadline::after(SENT_TURN_WAIT))?;
            self.catch_up(&turn, state)
        });
        match read {
            // No SMS has been sent yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (state.sent, state.stamp) = (Sent::default(), None);
            }
            read => self.complain(state, read),
        }
    }

    fn catch_up(&self, turn: &Turn, state: &mut State) -> io::Result<()> {
        let stamp = self.journal.stamp(&turn.folder)?;
        match (stamp, state.stamp) {
            (None, _) => state.sent = Sent::default(),
            (Some(now), Some(before)) if now == before => {}
            (Some(now), Some(before)) if now.is_of_same(before) => {
                let journal = &self.journal;
                let added = journal.read_from(turn, before.bytes, SENT_FILE_BYTES_MAX)?;
                state.sent.take_in(&added);
            }
            (Some(_), _) => {
                // The next sending process sets a file aside that is not ours.
                let file = self.journal.content(turn, SENT_FILE_BYTES_MAX)?;
                state.sent = Sent::parse(&file).unwrap_or_default();
            }
        }
        state.stamp = stamp;
        Ok(())
    }

    /// Logs once that the file cannot be used.
    fn complain(&self, state: &mut State, done: io::Result<()>) {
        let was_broken = state.is_broken;
        state.is_broken = done.is_err();
        if let Err(error) = done
            && !was_broken
        {
            let words = Cause(&error);
            self.journal.log(
                Level::Error,
                format_args!("{words}; what delivery reports say is kept in memory only"),
            );
        }
    }
}

/// Whether the SMS of a report is known.
enum Known {
    No,
    Yes,
    /// It is known, and this report was its end.
    Ended(Record),
}

/// Returns the report if it is final and its id could be that of an SMS of ours.
fn final_one(config: &Config, incoming: &Interface, report: &Report) -> Option<Early> {
    let failure = match &report.state {
        webhook::State::Interim => return None,
        webhook::State::Delivered => None,
        webhook::State::Failed(reason) => Some(reason),
    };
    (!report.id.is_empty()).then_some(())?;
    Some(Early {
        incoming: incoming.name.clone(),
        reference: report.id.clone(),
        failure: failure.map(|reason| words(config, incoming, reason)),
        until: Deadline::after(EARLY_REPORT_WAIT),
    })
}

/// Returns a reason as it may be shown: in words if `dlr_reasons` has them, followed by the code.
fn words(config: &Config, incoming: &Interface, reason: &[u8]) -> String {
    let mut outgoing = config.outgoing.iter();
    let outgoing = outgoing.find(|it| tells_of(&incoming.name, &it.account.interface));
    let shown = outgoing.map_or_else(String::new, |it| {
        provider::reported(reason, &it.account, config.log_numbers)
    });
    let mut known = incoming.webhook.dlr.words.iter();
    let said = without_zeros(reason.trim_ascii());
    match known.find(|(code, _)| without_zeros(code).eq_ignore_ascii_case(said)) {
        Some((_, words)) => {
            let words = String::from_utf8_lossy(words);
            [&words, " (", &shown, ")"].concat()
        }
        None => shown,
    }
}

/// Strips leading zeros, which some providers write before a code.
fn without_zeros(mut code: &[u8]) -> &[u8] {
    while let Some(rest) = code.strip_prefix(b"0") {
        code = rest;
    }
    code
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::config;

    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

    fn tell(_: &Config, record: &Record) {
        TOLD.lock().unwrap().push(record.last_line());
    }

    /// A folder, and a configuration whose reports are read.
    struct Home(PathBuf, Config);

    impl Home {
        fn new(test: &str) -> Home {
            let name = format!("websms-reports-{}-{test}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(folder.join("sent")).unwrap();
            let text = "[websms]\nhost = a\nauth_method = none\n[websmsd]\ndlr_id = id\n\
                        dlr_status = status\n";
            let read = config::read(text.as_bytes(), &|_| None);
            let config = read.config.unwrap_or_else(|| panic!("{:?}", read.notes));
            Home(folder, config)
        }

        fn reports(&self) -> Reports {
            Reports::new(Journal::new(&self.0.join("sent"), "sms"), tell)
        }

        fn early(&self, id: &str) -> Early {
            let incoming = self.1.rules.interfaces.first().unwrap();
            let report = Report {
                id: id.to_owned(),
                state: webhook::State::Failed(b"30034".to_vec()),
            };
            final_one(&self.1, incoming, &report).unwrap()
        }

        /// Writes down that SMS with these ids were sent.
        fn sent(&self, ids: &[&str]) {
            let lines = ids
                .iter()
                .map(|id| format!("\nsms\t0\tsms{id}\t\t1\t2\t{id}\n"));
            let file = ["websms sent 1\n", &lines.collect::<String>()].concat();
            fs::write(self.0.join("sent/sms"), file).unwrap();
        }
    }

    impl Drop for Home {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_report_that_is_too_early_is_held_for_a_minute() {
        let home = Home::new("minute");
        let Home(_, config) = &home;
        let reports = home.reports();
        let (kept, gone) = (home.early("A"), home.early("B"));
        for held in [&kept, &gone] {
            let left = held.until.left().unwrap();
            assert!(left <= Duration::from_secs(60) && left > Duration::from_secs(50));
        }
        let over = Deadline::after(Duration::ZERO);
        reports.state().early = vec![
            Early {
                until: over,
                ..gone
            },
            kept,
        ];
        // Before the note of either SMS: the one whose minute is over is forgotten.
        assert!(reports.look_again(config));
        assert_eq!(reports.state().early.len(), 1);
        // Now the notes of both come.
        home.sent(&["A", "B"]);
        assert!(!reports.look_again(config));
        let told = TOLD.lock().unwrap().join("");
        assert_eq!(told.matches("\tA\tfailed\t30034").count(), 1, "{told}");
        assert!(!told.contains("\tB\t"), "{told}");
    }

    #[test]
    fn it_is_found_although_another_report_has_read_the_note_first() {
        let home = Home::new("another");
        let Home(_, config) = &home;
        let reports = home.reports();
        reports.state().early = vec![home.early("C")];
        assert!(reports.look_again(config));
        home.sent(&["C", "D"]);
        reports.refresh(&mut reports.state());
        assert!(!reports.look_again(config));
        let told = TOLD.lock().unwrap().join("");
        assert_eq!(told.matches("\tC\tfailed\t30034").count(), 1, "{told}");
    }

    #[test]
    fn it_is_found_although_its_note_comes_while_others_are_looked_up() {
        let home = Home::new("meanwhile");
        let Home(_, config) = &home;
        let reports = home.reports();
        let (mut state, mut ended) = (reports.state(), Vec::new());
        state.early = vec![home.early("E"), home.early("F")];
        home.sent(&["F"]);
        reports.refresh(&mut state);
        home.sent(&["F", "E"]);
        reports.settle_early(&mut state, config, &mut ended);
        assert_eq!((ended.len(), state.early.len()), (1, 1));
        drop(state);
        assert!(!reports.look_again(config));
        let told = TOLD.lock().unwrap().join("");
        assert_eq!(told.matches("\tE\tfailed\t30034").count(), 1, "{told}");
    }
}
