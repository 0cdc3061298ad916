//! Delivery reports → what became of SMS that were sent (spec §14).
//!
//! What is known of them stands in a file ([`State::sent`](crate::state::State::sent)) to which whoever sends
//! adds a line; here it is read when it has changed. A report that says something new adds a line, and
//! whoever is told of the end of an SMS is told once. All others write nothing, however many come.
//!
//! A final report of an id that is not known may be faster than our own note of the SMS: it is held in memory
//! and looked up again, for a minute.

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
use crate::sys::log::{self, Clean, Level};
use crate::sys::threads;

/// Tells of an SMS that has arrived or failed.
pub type Tell = fn(&Config, &Record);

/// SMS that were sent, and what was told of them. One for all connections and configurations.
pub struct Reports {
    journal: Journal,
    tell: Tell,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sent: Sent,
    /// The file as it was read or written last.
    stamp: Option<Stamp>,
    /// Final reports of ids that are not known yet.
    early: Vec<Early>,
    /// A thread looks after those.
    is_watched: bool,
    /// The file cannot be used for now; told.
    is_broken: bool,
}

/// A final report.
struct Early {
    /// The interface of `[websmsd]` at which it came.
    incoming: String,
    reference: String,
    /// Why the SMS failed, fit to be shown; `None`: it has arrived.
    failure: Option<String>,
    until: Deadline,
}

impl Early {
    fn end(&self) -> End<'_> {
        self.failure.as_deref().map_or(End::Delivered, End::Failed)
    }
}

impl Reports {
    /// With their file; nothing is read before the first report.
    pub fn new(journal: Journal, tell: Tell) -> Reports {
        Reports {
            journal,
            tell,
            state: Mutex::default(),
        }
    }

    /// Whether it was made for this file.
    pub fn is_of(&self, journal: &Journal) -> bool {
        self.journal.path() == journal.path()
    }

    /// Takes in what arrived at an interface.
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
            (self.tell)(config, record);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- Reports that are too early -------------------------------------------------------------

    /// Keeps one for a while.
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
        // Without one, the next report of any SMS looks after it.
        state.is_watched = threads::spawn("reports", CONNECTION_STACK_BYTES, watch).is_ok();
    }

    /// Looks up again what is held; whether something still is.
    fn look_again(&self, config: &Config) -> bool {
        let mut ended = Vec::new();
        let mut state = self.state();
        state.early.retain(|early| early.until.left().is_some());
        let before = state.stamp;
        self.refresh(&mut state);
        if state.stamp != before {
            for early in std::mem::take(&mut state.early) {
                match self.settle(&mut state, config, &early) {
                    Known::Ended(record) => ended.push(record),
                    Known::Yes => {}
                    Known::No => state.early.push(early),
                }
            }
        }
        state.is_watched = !state.early.is_empty();
        let goes_on = state.is_watched;
        drop(state);
        self.tell(config, &ended);
        goes_on
    }

    // ---- What is known --------------------------------------------------------------------------

    /// Notes a report, where it says something new.
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
        // None: another process was faster.
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

    /// Takes in what others have added.
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
            // Nothing was sent yet.
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
                // Whoever sends next sets aside what is no such file.
                let file = self.journal.content(turn, SENT_FILE_BYTES_MAX)?;
                state.sent = Sent::parse(&file).unwrap_or_default();
            }
        }
        state.stamp = stamp;
        Ok(())
    }

    /// Logs that the file cannot be used, once.
    fn complain(&self, state: &mut State, done: io::Result<()>) {
        let was_broken = state.is_broken;
        state.is_broken = done.is_err();
        if let Err(error) = done
            && !was_broken
        {
            let words = format_args!(
                "{}: {}; what delivery reports say is kept in memory only",
                Clean(self.journal.path().as_os_str().as_encoded_bytes()),
                Cause(&error)
            );
            log::event(Level::Error, words);
        }
    }
}

/// Whether the SMS of a report is known.
enum Known {
    No,
    Yes,
    /// It is, and this report was its end.
    Ended(Record),
}

/// A report that is final and of an id that an SMS of ours could have.
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

/// A reason as it may be shown: in words where `dlr_reasons` has them, its code behind them.
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

/// Some providers write a code with zeros before it.
fn without_zeros(mut code: &[u8]) -> &[u8] {
    while let Some(rest) = code.strip_prefix(b"0") {
        code = rest;
    }
    code
}
