//! Makes a [`Config`] from an INI tree: every key typed, checked and with its default, aliases and
//! interfaces resolved, unknown keys reported.
//!
//! No file is read here: the caller passes the file's bytes.

use crate::limits::CONFIG_BYTES_MAX;
use crate::message::LogNumbers;
use crate::proto::webhook::{access, callfile};
use crate::proto::wire::ini::{self, Ini};
use crate::providers;

use lookup::Reader;
use notes::Notes;
use preset::{Lookup, Presets};

pub mod keys;

mod check;
mod incoming;
mod lists;
mod lookup;
mod nearest;
mod notes;
mod outgoing;
mod polling;
mod preset;
mod program;
mod reports;
mod slips;
mod url;
mod values;

pub use notes::{Note, Severity};
pub use outgoing::{Client, Outgoing, Trust};
pub use polling::Polling;
pub use program::{First, InboxUse, Listening, Notify, Queue, Spool, Sync, TlsFiles};

/// A configuration that can be run.
#[derive(Debug, Clone)]
pub struct Config {
    /// The outbound interfaces in file order: one without an index, or one for each index.
    pub outgoing: Vec<Outgoing>,
    /// The rules on who may deliver, with every inbound interface.
    pub rules: access::Rules,
    /// Interfaces whose provider is polled for SMS.
    pub polls: Vec<Polling>,
    /// The addresses and limits of `websmsd`.
    pub listening: Listening,
    /// The settings for the contents of call files.
    pub route: callfile::Route,
    /// The settings for the folders of call files.
    pub spool: Spool,
    /// The settings for the queue and for all our state.
    pub queue: Queue,
    /// The form of numbers in the log, for both programs.
    pub log_numbers: LogNumbers,
}

/// An INDEX that selects no outbound interface.
#[derive(Debug)]
pub struct NoInterface {
    /// The fact: no INDEX was given although the interfaces have indices, or it is none of them.
    fact: &'static str,
    /// The interfaces, in file order; empty if there are no indices.
    known: String,
}

impl std::fmt::Display for NoInterface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.fact)?;
        match self.known.as_str() {
            "" => Ok(()),
            known => write!(f, ", there are: {known}"),
        }
    }
}

impl Config {
    /// Returns the outbound interface that INDEX selects (spec §4). An empty INDEX counts as absent. If no
    /// key has an index, any other INDEX is a fault: it is mostly a piece of an unquoted text.
    pub fn outgoing(&self, index: Option<&[u8]>) -> Result<&Outgoing, NoInterface> {
        let index = index.filter(|index| !index.is_empty());
        let mut known = String::new();
        for outgoing in &self.outgoing {
            let name = &outgoing.account.interface;
            if index.unwrap_or_default() == name.as_bytes() {
                return Ok(outgoing);
            }
            if name.is_empty() {
                let fact = "an INDEX is given, but the configuration has no indices; is the text \
                            quoted, and does every option stand before TO?";
                return Err(NoInterface { fact, known });
            }
            known.push_str(if known.is_empty() { "" } else { ", " });
            known.push_str(name);
        }
        let fact = match index {
            None => "no interface is given",
            Some(_) => "no interface of that name",
        };
        Err(NoInterface { fact, known })
    }
}

impl Config {
    /// Returns an interface and those to try after it, in order. Each occurs once, because `fallback` makes
    /// no loops.
    pub fn chain<'a>(&'a self, first: &'a Outgoing) -> Vec<&'a Outgoing> {
        let mut chain = vec![first];
        let mut next = first.fallback.as_deref();
        while let Some(outgoing) = next.and_then(|name| self.interface(name)) {
            if chain.len() >= self.outgoing.len() {
                break;
            }
            chain.push(outgoing);
            next = outgoing.fallback.as_deref();
        }
        chain
    }

    /// Returns the outbound interface of exactly this name, which is empty if there are no indices.
    pub fn interface(&self, name: &str) -> Option<&Outgoing> {
        let mut all = self.outgoing.iter();
        all.find(|outgoing| outgoing.account.interface == name)
    }
}

/// The result of reading a file: the configuration unless there is a fault, and every remark in file order.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The configuration; `None` if a note is a fault.
    pub config: Option<Config>,
    /// If a note is a fault: a configuration that must not be run, but can be checked for other faults.
    pub draft: Option<(Config, Intact)>,
    /// Faults and warnings.
    pub notes: Vec<Note>,
}

/// Tells which parts of a configuration are as in the file. The others hold made-up values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intact {
    /// [`Config::outgoing`].
    pub outgoing: bool,
    /// [`Config::listening`].
    pub listening: bool,
    /// [`Config::spool`].
    pub spool: bool,
    /// [`Config::queue`].
    pub queue: bool,
}

impl Intact {
    /// All parts of a configuration without a fault.
    pub const WHOLE: Intact = Intact {
        outgoing: true,
        listening: true,
        spool: true,
        queue: true,
    };
}

/// Reads the bytes of a `websms.conf`; `variable` looks up `${name}`.
pub fn read(file: &[u8], variable: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Reading {
    read_with(file, variable, providers::preset)
}

/// Reads the bytes of a `websms.conf` with other presets.
fn read_with(file: &[u8], variable: &dyn Fn(&[u8]) -> Option<Vec<u8>>, preset: Lookup) -> Reading {
    let mut notes = Notes::default();
    let mut built = None;
    if file.len() > CONFIG_BYTES_MAX {
        let bytes = file.len();
        notes.fault(
            0,
            format!("the file has {bytes} bytes, limit {CONFIG_BYTES_MAX}"),
        );
    } else {
        match ini::parse(file, variable) {
            Err(bad) => notes.fault(bad.line, bad.text),
            Ok(tree) => built = Some(build(&tree, preset, &mut notes)),
        }
    }
    let (config, draft) = match notes.faults() {
        0 => (built.map(|(config, _)| config), None),
        _ => (None, built),
    };
    Reading {
        config,
        draft,
        notes: notes.finish(),
    }
}

/// Builds everything even if there are faults, so that all of them are reported at once. Made-up values
/// replace those that could not be read.
fn build(tree: &Ini, preset: Lookup, notes: &mut Notes) -> (Config, Intact) {
    for surprise in &tree.surprises {
        notes.warn(surprise.line, surprise.text.clone());
    }
    let tables = lookup::tables(tree, notes);
    slips::check(&tables, tree, notes);
    let [websms, websmsd, astqueue, queue] = tables;
    let trees = preset::trees([&websms, &websmsd], preset, notes);
    let presets = Presets::of(&trees);
    // A key in the wrong section may belong to any part.
    let are_placed = notes.faults() == 0;
    let mut faults = notes.faults();
    let mut is_sound = |notes: &Notes| {
        let before = std::mem::replace(&mut faults, notes.faults());
        are_placed && before == faults
    };
    let reports_line = Reader::once(&queue, notes).line("reports");
    let queue = program::queue(&mut Reader::once(&queue, notes));
    let queue_is_sound = is_sound(notes);
    let mut outgoing = outgoing::read(&websms, &presets, notes);
    if queue.dir.is_none() {
        outgoing::check_quotas(&websms, notes);
    }
    let outgoing_is_sound = is_sound(notes);
    let mut rules = incoming::read(&websmsd, &presets, notes);
    let polls = polling::read(&websmsd, &presets, &outgoing, &mut rules, notes);
    if queue.dir.is_none() {
        incoming::check_ages(&websmsd, &mut rules, notes);
        polling::refuse(&websmsd, notes);
    }
    // If an inbound interface has a fault, missing settings may only be wrong ones.
    let mut nowhere = Notes::default();
    let told = match is_sound(notes) {
        true => &mut *notes,
        false => &mut nowhere,
    };
    reports::ask(
        queue.reports.then_some(reports_line),
        &mut outgoing,
        &rules,
        told,
    );
    is_sound(notes);
    let listening = program::listening(&mut Reader::once(&websmsd, notes));
    let listening_is_sound = is_sound(notes);
    let spool = program::spool(&mut Reader::once(&astqueue, notes), &queue);
    let intact = Intact {
        outgoing: outgoing_is_sound,
        listening: listening_is_sound,
        spool: is_sound(notes),
        queue: queue_is_sound,
    };
    let config = Config {
        outgoing,
        rules,
        polls,
        listening,
        route: program::route(&mut Reader::once(&astqueue, notes)),
        spool,
        queue,
        log_numbers: program::log_numbers(&mut Reader::once(&websms, notes)),
    };
    (config, intact)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
