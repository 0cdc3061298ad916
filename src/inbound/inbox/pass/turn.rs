//! The turn of one SMS of the inbox: makes and moves its call file, renames its file, or removes it.

use std::io;

use super::super::read;
use super::{Pass, SmsState, tell_dropped};
use crate::config::Config;
use crate::limits::QUEUE_FAILED_MAX;
use crate::proto::record::inbox::{self, Kind, Step, id_text};
use crate::proto::webhook::callfile::{self, CallFile};
use crate::sys::cause::Cause;
use crate::sys::clock;
use crate::sys::log::{self, Clean, Level};
use crate::sys::queue::Place;
use crate::sys::spool::{File, Spool, SpoolFault, Step as Tried};

/// The state of an SMS after its turn.
pub(super) enum AfterTurn {
    /// It is in the inbox, and those behind it for its destination wait.
    Waits,
    /// It cannot be read now, and those behind it wait.
    Unread,
    /// Asterisk has it, but its file is still there.
    Over,
    /// It is no longer here.
    Gone,
}

/// The turn of one SMS.
pub(super) struct Turn<'p, 'a> {
    pub pass: &'p Pass<'a>,
    pub config: &'p Config,
    pub spool: &'p Spool,
    pub marker: u64,
    /// Another SMS for its destination comes first, or nothing can be moved now.
    pub is_held: bool,
}

impl Turn<'_, '_> {
    pub fn take(&self, entry: &mut SmsState) -> Result<AfterTurn, SpoolFault> {
        if entry.is_over {
            return Ok(self.forget(entry));
        }
        match inbox::step(&entry.name, entry.has_call_file, self.marker) {
            Step::Wait | Step::Record => {
                self.record(entry);
                Ok(AfterTurn::Waits)
            }
            Step::Taken if entry.parts == entry.name.part => Ok(self.forget(entry)),
            Step::Taken => self.go_on(entry),
            Step::Deliver => self.deliver(entry),
        }
    }

    /// Goes on to the next part, if there is one, after Asterisk has taken a part.
    fn go_on(&self, entry: &mut SmsState) -> Result<AfterTurn, SpoolFault> {
        if entry.parts == 0 {
            match self.call_files(entry) {
                Ok(Some(files)) => entry.parts = files.len(),
                Ok(None) => return Ok(AfterTurn::Gone),
                Err(_) => return Ok(AfterTurn::Unread),
            }
        }
        if entry.name.part >= entry.parts {
            return Ok(self.forget(entry));
        }
        entry.name.part = entry.name.part.saturating_add(1);
        entry.name.marker = None;
        let then = self.deliver(entry);
        // If the SMS waits, the name must record after a crash which part was taken.
        self.rename(entry);
        then
    }

    /// Makes the call file of the next part and moves it.
    fn deliver(&self, entry: &mut SmsState) -> Result<AfterTurn, SpoolFault> {
        let expire = self.config.queue.expire;
        let now_s = clock::stamp_s();
        let is_known = now_s > 0 && entry.arrived_s > 0;
        // The clock may have been set since it came: a router begins with the time of its last file.
        let may_be_old = entry.came.is_none_or(|came| came.elapsed() > expire);
        let age_s = now_s.saturating_sub(entry.arrived_s);
        if is_known && may_be_old && age_s > expire.as_secs() {
            return Ok(self.give_up(entry, "older than expire, and Asterisk has not taken it"));
        }
        if self.is_held {
            return Ok(AfterTurn::Waits);
        }
        let files = match self.call_files(entry) {
            Ok(Some(files)) => files,
            Ok(None) => return Ok(AfterTurn::Gone),
            Err(_) => return Ok(AfterTurn::Unread),
        };
        entry.parts = files.len();
        let Some(file) = files.get(entry.name.part.saturating_sub(1)) else {
            // The configuration has changed, and the text has fewer parts now.
            return Ok(self.forget(entry));
        };
        let file = [File {
            name: &file.name,
            bytes: &file.bytes,
            delay_s: 0,
        }];
        let mut moved = self.spool.deliver(&file);
        if let Err(SpoolFault::Failed { step, error, .. }) = &moved
            && (*step, error.kind()) == (Tried::Write, io::ErrorKind::AlreadyExists)
        {
            // A crash has left this file. The name is fixed since the SMS came, and nobody else has it.
            let [File { name, .. }] = file;
            self.spool.discard(name);
            moved = self.spool.deliver(&file);
        }
        entry.is_unsynced = match moved {
            Ok(()) => false,
            // The call file is there nevertheless, and Asterisk may have taken it by now.
            Err(SpoolFault::Failed {
                step: Tried::Sync,
                folder,
                ..
            }) if folder == self.spool.outgoing() => true,
            Err(SpoolFault::Crowded { .. }) => return Ok(AfterTurn::Waits),
            Err(fault) => return Err(fault),
        };
        entry.has_call_file = true;
        if entry.name.marker.is_some() {
            let id = id_text(entry.name.id);
            let words = format_args!("inbox {id}: delivered again, for the spool was emptied");
            log::event(Level::Notice, words);
        }
        self.record(entry);
        Ok(AfterTurn::Waits)
    }

    /// Returns all of its call files, or `None` if it is gone or no SMS. An error means to wait.
    fn call_files(&self, entry: &SmsState) -> Result<Option<Vec<CallFile>>, Unmade> {
        let folder = &self.pass.inbox.folder;
        let item = match read(folder, Place::New, &entry.file.text()) {
            Ok(Ok((item, _))) => item,
            Ok(Err(why)) => {
                self.pass.set_aside(&entry.file, &why);
                return Ok(None);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(_) => return Err(Unmade),
        };
        let (route, id) = (&self.config.route, id_text(item.id));
        let files = match item.kind {
            Kind::Sms => callfile::encode(&item.message, route, item.arrived_s, &id),
            Kind::Notice => callfile::encode_notice(&item.message, route, item.arrived_s, &id),
        };
        files.map(Some).map_err(|_| Unmade)
    }

    /// Records that its call file is in the spool, once a power cut cannot take that back.
    fn record(&self, entry: &mut SmsState) {
        entry.name.marker = Some(self.marker);
        if entry.file != entry.name {
            entry.is_unsynced = entry.is_unsynced && self.spool.settle().is_err();
        }
        if !entry.is_unsynced {
            self.rename(entry);
        }
    }

    /// Renames the file. If that fails, the next look tries again; until then the name in memory counts.
    fn rename(&self, entry: &mut SmsState) {
        if entry.file == entry.name {
            return;
        }
        let folder = &self.pass.inbox.folder;
        if folder
            .rename(&entry.file.text(), &entry.name.text())
            .is_ok()
        {
            entry.file = entry.name;
        }
    }

    /// Removes the SMS, because Asterisk has all of it.
    fn forget(&self, entry: &mut SmsState) -> AfterTurn {
        let forgotten = self.pass.inbox.folder.forget(&entry.file.text());
        let Err(error) = forgotten else {
            return AfterTurn::Gone;
        };
        if !entry.is_over {
            let (id, words) = (id_text(entry.name.id), Cause(&error));
            let words =
                format_args!("inbox {id}: delivered, but its file cannot be removed: {words}");
            log::event(Level::Error, words);
        }
        entry.is_over = true;
        AfterTurn::Over
    }

    /// Moves the SMS to `failed/` with the reason.
    fn give_up(&self, entry: &mut SmsState, reason: &str) -> AfterTurn {
        let folder = &self.pass.inbox.folder;
        entry.name.marker = None;
        self.rename(entry);
        let file = entry.file.text();
        let Ok(Ok((mut item, _))) = read(folder, Place::New, &file) else {
            return AfterTurn::Waits;
        };
        item.reason = reason.to_owned();
        let Ok(dropped) = folder.bury(&file, &item.encode(), QUEUE_FAILED_MAX) else {
            return AfterTurn::Waits;
        };
        tell_dropped(&dropped);
        let to = self
            .config
            .log_numbers
            .show(item.message.to.as_str().as_bytes());
        let (id, to, reason) = (id_text(item.id), Clean(&to), &item.reason);
        log::event(
            Level::Error,
            format_args!("inbox {id}: to={to} given up: {reason}"),
        );
        AfterTurn::Gone
    }
}

/// The error that its call files cannot be made now.
struct Unmade;
