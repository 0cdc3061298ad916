//! One request's messages → call files in the spool, and what the log says of it.

use std::fmt;
use std::net::IpAddr;

use super::{Reply, Setup};
use crate::message::BadMessage;
use crate::proto::access::Caller;
use crate::proto::callfile::{self, CallFile, Unfit};
use crate::proto::response::Refusal;
use crate::proto::webhook::{Hook, Item};
use crate::sys::files;
use crate::sys::log::{self, Clean, Level};
use crate::sys::spool::File;

/// One request's messages on their way to the spool.
pub(super) struct Order<'a> {
    /// Where they go.
    pub setup: &'a Setup,
    /// What the interface wants.
    pub hook: &'a Hook,
    /// The interface.
    pub gate: usize,
    /// Who sent them.
    pub source: Source,
}

impl Order<'_> {
    /// Delivers all that are acceptable, or none. Those that are not are logged and hold up nobody.
    pub fn deliver(&self, items: Vec<Item>, now_s: u64) -> Reply {
        let mut call_files = Vec::new();
        let mut delivered = Vec::new();
        let mut too_long = false;
        for item in &items {
            let message = match &item.message {
                Ok(message) => message,
                Err(bad) => {
                    self.reject(bad);
                    continue;
                }
            };
            let Ok(unique) = files::unique() else {
                self.log(Level::Error, format_args!("503, no randomness"));
                return Reply::Refused(Refusal::Spool);
            };
            match callfile::encode(message, &self.setup.config.route, now_s, &unique) {
                Ok(files) => {
                    call_files.extend(files);
                    delivered.push((message, unique));
                }
                Err(Unfit::TooLong { parts }) => {
                    self.refuse(format_args!("413, text needs {parts} call files"));
                    too_long = true;
                }
                Err(Unfit::Line { key }) => {
                    self.log(Level::Error, format_args!("503, {key} fits no call file"));
                    return Reply::Refused(Refusal::Spool);
                }
            }
        }
        if delivered.is_empty() {
            return match too_long {
                true => Reply::Refused(Refusal::TooLong),
                false => Reply::Rejected(self.gate),
            };
        }
        let files: Vec<File> = call_files.iter().map(spool_file).collect();
        if let Err(fault) = self.setup.spool.deliver(&files) {
            self.log(Level::Error, format_args!("503, not delivered: {fault}"));
            return Reply::Refused(Refusal::Spool);
        }
        for (message, unique) in delivered {
            let (from, to) = (message.from.as_str(), message.to.as_str());
            self.log(
                Level::Info,
                format_args!(
                    "200, from {} to {}, {unique}",
                    Clean(from.as_bytes()),
                    Clean(to.as_bytes())
                ),
            );
        }
        Reply::Accepted(self.gate)
    }

    pub fn reject(&self, bad: &BadMessage) {
        self.refuse(format_args!("{}, {bad}", self.hook.reject_status));
    }

    pub fn refuse(&self, words: fmt::Arguments<'_>) {
        let interface = Interface(&self.hook.interface);
        log::refusal(format_args!("{}{interface}: {words}", self.source));
    }

    pub fn log(&self, level: Level, words: fmt::Arguments<'_>) {
        let interface = Interface(&self.hook.interface);
        log::event(level, format_args!("{}{interface}: {words}", self.source));
    }
}

fn spool_file(file: &CallFile) -> File<'_> {
    File {
        name: &file.name,
        bytes: &file.bytes,
        delay_s: file.delay_s,
    }
}

/// Logs an answer that is a refusal.
pub(super) fn log_refusal(peer: IpAddr, caller: Option<Caller>, interface: &str, refusal: Refusal) {
    log::refusal(format_args!(
        "{}{}: {}, {}",
        Source(peer, caller),
        Interface(interface),
        refusal.status(),
        refusal.phrase()
    ));
}

/// Who sent it, for the log: `1.2.3.4`, or `1.2.3.4 by 172.16.0.1`.
pub(super) struct Source(pub IpAddr, pub Option<Caller>);

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Source(peer, caller) = self;
        match caller {
            Some(Caller::Forwarded(address)) => write!(f, "{address} by {peer}"),
            Some(Caller::Unknown) => write!(f, "unknown by {peer}"),
            Some(Caller::Peer(_) | Caller::Proxy(_)) | None => write!(f, "{peer}"),
        }
    }
}

/// The interface's name, for the log, where it has one.
struct Interface<'a>(&'a str);

impl fmt::Display for Interface<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            name => write!(f, " [{}]", Clean(name.as_bytes())),
        }
    }
}
