//! Tells the sender of an SMS that the queue gives up, or that a provider took and did not deliver, by a notice
//! that is delivered like an inbound SMS (`[queue] notify`).
//!
//! The notice is remembered before it is delivered ([`State::notices`]), so that a sender gets at most one
//! within its time. A failure costs the notice and is logged; the SMS stays in `failed/` all the same.

use std::io;

use crate::config::{Config, Notify};
use crate::inbound::inbox::{self, Inbox};
use crate::inbound::spool_settings;
use crate::limits::{NOTICES_FILE_BYTES_MAX, NOTICES_TURN_WAIT};
use crate::message::{BadMessage, Message, Number};
use crate::proto::record::envelope::Item;
use crate::proto::record::inbox::{Item as Waiting, Kind, id_text};
use crate::proto::record::notice::{self, Told, Why};
use crate::proto::webhook::callfile;
use crate::state::{Keeping, State};
use crate::sys::cause::Cause;
use crate::sys::clock::{self, Deadline};
use crate::sys::files;
use crate::sys::hook;
use crate::sys::log::{self, Level, Quoted};
use crate::sys::spool::{File, Spool};

/// Tells the sender, if the configuration asks for it and the environment does not forbid it
/// (`WEBSMS_HOOK=1`).
pub fn tell(config: &Config, item: &Item, why: Why) {
    tell_of(config, item, notice::message(item, why));
}

/// Tells the sender of an SMS that a provider took and did not deliver, with the reason; otherwise like
/// [`tell`].
pub fn tell_undelivered(config: &Config, item: &Item) {
    tell_of(config, item, notice::undelivered(item));
}

fn tell_of(config: &Config, item: &Item, message: Result<Message, BadMessage>) {
    if config.queue.notify == Notify::Nobody || hook::is_within() {
        return;
    }
    let [from, to] = [item.message.from.as_str(), item.message.to.as_str()];
    let [from, to] = [from, to].map(|number| config.log_numbers.show(number.as_bytes()));
    let [from, to] = [Quoted(&from), Quoted(&to)];
    let id = &item.id;
    match deliver(config, message) {
        Ok(unique) => log::event(
            Level::Info,
            format_args!("queue {id}: notice to={from} from={to}, {unique}"),
        ),
        Err(fault) => log::event(
            Level::Warning,
            format_args!("queue {id}: no notice to={from}: {fault}"),
        ),
    }
}

fn deliver(config: &Config, message: Result<Message, BadMessage>) -> Result<String, String> {
    let message = message.map_err(|_| "the sender is no number that an SMS can come in for")?;
    let keeping = Keeping::of(config);
    let now_s = clock::now_s();
    if keeping.inbox {
        let id = files::unique_number().map_err(|_| NO_RANDOMNESS)?;
        return keep(config, message, id, now_s);
    }
    let unique = files::unique().map_err(|_| NO_RANDOMNESS)?;
    let call_files = callfile::encode_notice(&message, &config.route, now_s, &unique)
        .map_err(|_| "it fits no call file")?;
    // A sender counts as told only if there is a spool.
    let spool = Spool::open(&spool_settings(&config.spool)).map_err(|fault| fault.to_string())?;
    remember(config, &message.to, now_s)?;
    let files: Vec<File> = call_files
        .iter()
        .map(|file| File {
            name: &file.name,
            bytes: &file.bytes,
            delay_s: file.delay_s,
        })
        .collect();
    spool.deliver(&files).map_err(|fault| fault.to_string())?;
    Ok(unique)
}

const NO_RANDOMNESS: &str = "no randomness";

/// Puts a notice into the inbox, and delivers it if no other process does.
fn keep(config: &Config, message: Message, id: u64, now_s: u64) -> Result<String, String> {
    let state = State::of(config).ok_or(NO_FOLDER)?;
    let inbox = Inbox::new(state.inbox());
    remember(config, &message.to, now_s)?;
    let item = Waiting {
        id,
        interface: String::new(),
        message,
        arrived_s: clock::stamp_s(),
        kind: Kind::Notice,
        reason: String::new(),
    };
    let put = inbox.put(&[item], &config.spool);
    put.map_err(|not| not.to_string())?;
    inbox::deliver_once(&inbox, config);
    Ok(id_text(id))
}

const NO_FOLDER: &str = "there is no folder";

/// Records that a sender is told, unless it was told lately.
fn remember(config: &Config, sender: &Number, now_s: u64) -> Result<(), String> {
    let state = State::of(config).ok_or(NO_FOLDER)?;
    let journal = state.notices();
    let said = |error: io::Error| {
        let words = Cause(&error);
        format!("it cannot be written down: {words}")
    };
    let turn = journal
        .turn(Deadline::after(NOTICES_TURN_WAIT))
        .map_err(said)?;
    let file = journal.content(&turn, NOTICES_FILE_BYTES_MAX);
    // A file that cannot be understood is ignored, because it only covers ten minutes.
    let mut told = Told::parse(&file.map_err(said)?).unwrap_or_default();
    told.add(sender, now_s).map_err(|why| why.to_string())?;
    journal.replace(&turn, &told.encode()).map_err(said)
}
