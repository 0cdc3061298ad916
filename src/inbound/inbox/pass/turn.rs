//! The turn of one SMS of the inbox: its call file is made and moved, its name changed, or it goes.

use std::io;

use super::super::read;
use super::{Entry, Pass, tell_dropped};
use crate::config::Config;
use crate::limits::QUEUE_FAILED_MAX;
use crate::proto::record::inbox::{self, Item, Kind, Step, id_text};
use crate::proto::webhook::callfile::{self, CallFile};
use crate::sys::cause::Cause;
use crate::sys::clock;
use crate::sys::log::{self, Clean, Level};
use crate::sys::queue::Place;
use crate::sys::spool::{File, Spool, SpoolFault, Step as Tried};

/// What becomes of an SMS after its turn.
pub(super) enum Then {
    /// It is there, and those behind it for its destination wait.
    Waits,
    /// It cannot be read now, and those behind it wait.
    Unread,
    /// Asterisk has it, though its file is still there.
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
    /// Another one for its destination comes first, or nothing can be moved now.
    pub is_held: bool,
}

impl Turn<'_, '_> {
    pub fn take(&self, entry: &mut Entry) -> Result<Then, SpoolFault> {
        if entry.is_over {
            return Ok(self.forget(entry));
        }
        match inbox::step(&entry.name, entry.has_call_file, self.marker) {
            Step::Wait | Step::Record => {
                self.record(entry);
                Ok(Then::Waits)
            }
            Step::Taken if entry.parts == entry.name.part => Ok(self.forget(entry)),
            Step::Taken => self.go_on(entry),
            Step::Deliver => self.deliver(entry),
        }
    }

    /// Asterisk has taken a part, and there may be another.
    fn go_on(&self, entry: &mut Entry) -> Result<Then, SpoolFault> {
        if entry.parts == 0 {
            match self.call_files(entry) {
                Ok(Some(files)) => entry.parts = files.len(),
                Ok(None) => return Ok(Then::Gone),
                Err(_) => return Ok(Then::Unread),
            }
        }
        if entry.name.part >= entry.parts {
            return Ok(self.forget(entry));
        }
        entry.name.part = entry.name.part.saturating_add(1);
        entry.name.marker = None;
        let then = self.deliver(entry);
        // It waits, and what was taken must be known after a death.
        self.rename(entry);
        then
    }

    /// Makes the call file of its next part and moves it.
    fn deliver(&self, entry: &mut Entry) -> Result<Then, SpoolFault> {
        let expire_s = self.config.queue.expire.as_secs();
        let now_s = clock::stamp_s();
        let is_old = now_s > 0 && entry.arrived_s > 0;
        if is_old && now_s.saturating_sub(entry.arrived_s) > expire_s {
            return Ok(self.give_up(entry, "older than expire, and Asterisk has not taken it"));
        }
        if self.is_held {
            return Ok(Then::Waits);
        }
        let files = match self.call_files(entry) {
            Ok(Some(files)) => files,
            Ok(None) => return Ok(Then::Gone),
            Err(_) => return Ok(Then::Unread),
        };
        entry.parts = files.len();
        let Some(file) = files.get(entry.name.part.saturating_sub(1)) else {
            // The configuration is another, and with it the text has fewer parts.
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
            // A death has left it. The name has been the same since the SMS came, and is nobody else's.
            let [File { name, .. }] = file;
            self.spool.discard(name);
            moved = self.spool.deliver(&file);
        }
        entry.is_unsynced = match moved {
            Ok(()) => false,
            // It is there all the same, and Asterisk may have taken it by now.
            Err(SpoolFault::Failed {
                step: Tried::Sync,
                folder,
                ..
            }) if folder == self.spool.outgoing() => true,
            Err(SpoolFault::Crowded { .. }) => return Ok(Then::Waits),
            Err(fault) => return Err(fault),
        };
        entry.has_call_file = true;
        if entry.name.marker.is_some() {
            let id = id_text(entry.name.id);
            let words = format_args!("inbox {id}: delivered again, for the spool was emptied");
            log::event(Level::Notice, words);
        }
        self.record(entry);
        Ok(Then::Waits)
    }

    /// All of its call files; `None`: it is gone, or no SMS. An error says to wait.
    fn call_files(&self, entry: &Entry) -> Result<Option<Vec<CallFile>>, Unmade> {
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

    /// Writes down that its call file is in the spool, once a power cut cannot take that back.
    fn record(&self, entry: &mut Entry) {
        entry.name.marker = Some(self.marker);
        if entry.file != entry.name {
            entry.is_unsynced = entry.is_unsynced && self.spool.settle().is_err();
        }
        if !entry.is_unsynced {
            self.rename(entry);
        }
    }

    /// One that cannot be renamed is renamed at the next look; its name here counts until then.
    fn rename(&self, entry: &mut Entry) {
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

    /// Asterisk has all of it.
    fn forget(&self, entry: &mut Entry) -> Then {
        let forgotten = self.pass.inbox.folder.forget(&entry.file.text());
        let Err(error) = forgotten else {
            return Then::Gone;
        };
        if !entry.is_over {
            let (id, words) = (id_text(entry.name.id), Cause(&error));
            let words =
                format_args!("inbox {id}: delivered, but its file cannot be removed: {words}");
            log::event(Level::Error, words);
        }
        entry.is_over = true;
        Then::Over
    }

    /// It goes to `failed/` with its reason.
    fn give_up(&self, entry: &mut Entry, reason: &str) -> Then {
        let folder = &self.pass.inbox.folder;
        entry.name.marker = None;
        self.rename(entry);
        let file = entry.file.text();
        let Ok(Ok((item, _))) = read(folder, Place::New, &file) else {
            return Then::Waits;
        };
        let reason = reason.to_owned();
        let item = Item { reason, ..item };
        let Ok(dropped) = folder.bury(&file, &item.encode(), QUEUE_FAILED_MAX) else {
            return Then::Waits;
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
        Then::Gone
    }
}

/// Its call files cannot be made now.
struct Unmade;
