//! `websms --show`, `--retry` and `--drop`: one SMS of the queue, of the inbox or of what either has given
//! up, found by its id. `--show` also knows those whose delivery reports are awaited.

use crate::config::Config;
use crate::inbound::inbox::{self, Inbox, NotKept};
use crate::outbound::{hold, sent};
use crate::proto::record::envelope::{Item, QueueName};
use crate::proto::record::event::span;
use crate::proto::record::sent::{End, Record};
use crate::state::State;
use crate::sys::cause::Cause;
use crate::sys::clock;
use crate::sys::queue::{Folder, Place};
use crate::sys::spool;

/// The reason why a command did nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No SMS, or more than one, has an id with this beginning.
    NotFound(String),
    /// The queue is full.
    Full(String),
    /// There is no queue, or the system refused.
    Fault(String),
}

/// The word for all SMS of `failed/` that `--retry` and `--drop` accept instead of an id.
const ALL: &str = "all";

/// Returns one SMS with its reason and text. Control characters of the text are escaped, because a terminal
/// would obey them; only line ends and tabs stay.
pub fn show(config: &Config, id: &str) -> Result<String, Refusal> {
    let rooms = rooms(config)?;
    let [(_, queue), _] = &rooms;
    let sent = sent::known(config).map_err(|error| fault(queue, &error))?;
    let was_sent = |record: &&Record| !id.is_empty() && record.sms().id.starts_with(id);
    let sent: Vec<&Record> = sent.recent(clock::now_s()).filter(was_sent).collect();
    if let (Some((record, others)), true) = (sent.split_first(), find_all(&rooms, id)?.is_empty()) {
        return match record.item().filter(|_| others.is_empty()) {
            Some(item) => Ok(shown(&item, way(record), &reports(record))),
            None => Err(not_one(sent.len())),
        };
    }
    let found = find_one(&rooms, id)?;
    // An SMS that came back into the queue after a provider took it is shown as it is now.
    if sent.iter().any(|record| record.sms().id != found.id()) {
        return Err(not_one(sent.len().saturating_add(1)));
    }
    let Some(item) = found.read() else {
        return Ok(found.unreadable());
    };
    Ok(shown(&item, found.state(), ""))
}

/// Returns one word for the state of an SMS that a provider took.
fn way(record: &Record) -> &'static str {
    match record.failure() {
        Some(_) => "undelivered",
        None if record.is_delivered() => "delivered",
        None => "sent",
    }
}

/// Returns a line with the provider's ids, and one line per report.
fn reports(record: &Record) -> String {
    let mut out = ["ref: ", record.sms().references, "\n"].concat();
    for (at_s, reference, end) in record.ends() {
        let (word, reason) = match end {
            End::Delivered => ("delivered", ""),
            End::Failed(reason) => ("failed ", reason),
        };
        out.push_str(&format!("report: {at_s} {reference} {word}{reason}\n"));
    }
    out
}

/// Shows all that is known of an SMS, `more` on lines of its own, and its text if there is one.
fn shown(item: &Item, state: &str, more: &str) -> String {
    let interface = match item.interface.as_str() {
        "" => "-",
        interface => interface,
    };
    // Without a clock that was set, the stamp is 0.
    let age = match item.queued_s {
        0 => String::new(),
        queued_s => [", ", &span(clock::now_s().saturating_sub(queued_s)), " ago"].concat(),
    };
    let mut out = format!(
        "id: {id}\nstate: {state}\nto: {to}\nfrom: {from}\ninterface: {interface}\nqueued: {queued}{age}\n\
         tries: {tries}\nreason: {reason}\n{more}\n",
        id = item.id,
        to = item.message.to.as_str(),
        from = item.message.from.as_str(),
        queued = item.queued_s,
        tries = item.tries,
        reason = item.reason,
    );
    for c in item.message.text.to_utf8().chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out.push('\n');
    out
}

/// Puts an SMS of `failed/`, or all of them, into the queue as new ones. Returns one line for each.
pub fn retry(config: &Config, id: &str) -> Result<String, Refusal> {
    let mut lines = String::new();
    for found in chosen(&rooms(config)?, id)? {
        let line = match (found.place, found.room, found.read()) {
            (Place::New, Room::Queue, _) => "waits already, websms --flush tries it now".to_owned(),
            (Place::New, Room::Inbox, _) => "waits already for Asterisk".to_owned(),
            (Place::Failed, _, None) => "stays in failed/: its file cannot be read".to_owned(),
            (Place::Failed, Room::Queue, Some(item)) => retry_one(config, &found, *item)?,
            (Place::Failed, Room::Inbox, Some(item)) => redeliver(config, &found, &item)?,
        };
        lines.push_str(&[found.id(), " ", &line, "\n"].concat());
    }
    Ok(lines)
}

/// Puts an SMS back into the inbox. The process that delivers from it delivers the SMS, or else this one.
fn redeliver(config: &Config, found: &Found, item: &Item) -> Result<String, Refusal> {
    let inbox = Inbox::new(found.folder.clone());
    match inbox.take_back(&found.file, &config.spool) {
        Ok(()) => {}
        Err(fault @ NotKept::Io { .. }) => return Err(Refusal::Fault(fault.to_string())),
        Err(full) => return Err(Refusal::Full(full.to_string())),
    }
    inbox::deliver_once(&inbox, config);
    Ok(["waits for ", item.message.to.as_str()].concat())
}

fn retry_one(config: &Config, found: &Found, item: Item) -> Result<String, Refusal> {
    let mut words = ["waits for ", item.message.to.as_str()].concat();
    if item.unsure > 0 {
        words.push_str(", it may have been sent before");
    }
    if config.interface(&item.interface).is_none() {
        words.push_str(", its interface is not in the configuration");
    }
    let item = Item::new(item.id, item.interface, item.message, hold::stamp_s());
    match hold::take_back(&found.folder, &found.file, &item, config.queue.messages_max) {
        Ok(()) => Ok(words),
        Err(full @ hold::NotQueued::Full { .. }) => Err(Refusal::Full(full.to_string())),
        Err(fault) => Err(Refusal::Fault(fault.to_string())),
    }
}

/// Removes an SMS, whether it waits or was given up, or all of `failed/`. Returns one line for each.
pub fn drop(config: &Config, id: &str) -> Result<String, Refusal> {
    let mut lines = String::new();
    for found in chosen(&rooms(config)?, id)? {
        let removed = found.remove(config);
        removed.map_err(|error| fault(&found.folder, &error))?;
        let words = match found.place {
            Place::New => " dropped; if it was being sent just now, it may arrive\n",
            Place::Failed => " dropped\n",
        };
        lines.push_str(&[found.id(), words].concat());
    }
    Ok(lines)
}

// ---- Finding --------------------------------------------------------------------------------

/// The folder in which an SMS waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    /// The queue: the SMS is to be sent.
    Queue,
    /// The inbox: the SMS is for Asterisk.
    Inbox,
}

/// A file of the queue or of the inbox.
struct Found {
    room: Room,
    folder: Folder,
    place: Place,
    /// The file's name.
    file: String,
}

impl Found {
    /// Returns the id: the part of the file's name between its first two hyphens.
    fn id(&self) -> &str {
        self.file.split('-').nth(1).unwrap_or("-")
    }

    fn state(&self) -> &'static str {
        match (self.place, self.room) {
            (Place::New, Room::Queue) => "waits",
            (Place::New, Room::Inbox) => "inbox",
            (Place::Failed, _) => "failed",
        }
    }

    fn read(&self) -> Option<Box<Item>> {
        match self.room {
            Room::Queue => {
                hold::read_at(&self.folder, self.place, &QueueName::parse(&self.file)?).ok()
            }
            Room::Inbox => match inbox::shown(&self.folder, self.place, &self.file) {
                Ok(item) => Some(Box::new(item)),
                Err(_) => None,
            },
        }
    }

    fn unreadable(&self) -> String {
        let (id, state, root) = (self.id(), self.state(), self.folder.root().display());
        let file = &self.file;
        format!("id: {id}\nstate: {state}\nreason: no message; the file is {file} below {root}\n")
    }

    /// Removes the SMS. The process that delivers from the inbox may rename the file meanwhile, and may
    /// have moved its call file.
    fn remove(&self, config: &Config) -> std::io::Result<()> {
        self.folder.remove_at(self.place, &self.file)?;
        if (self.place, self.room) != (Place::New, Room::Inbox) {
            return Ok(());
        }
        for file in self.folder.list(self.place)? {
            if file.split('-').nth(1) == Some(self.id()) {
                self.folder.remove_at(self.place, &file)?;
            }
        }
        if let Ok(id) = u64::from_str_radix(self.id(), 16) {
            match spool::withdraw(&config.spool.outgoing, id) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.folder.request_flush()
    }
}

fn rooms(config: &Config) -> Result<[(Room, Folder); 2], Refusal> {
    let state = State::of(config);
    let state = state
        .ok_or_else(|| Refusal::Fault("[queue] dir is empty, so there is no queue".to_owned()))?;
    Ok([(Room::Queue, state.queue()), (Room::Inbox, state.inbox())])
}

fn chosen(rooms: &[(Room, Folder)], id: &str) -> Result<Vec<Found>, Refusal> {
    match id {
        ALL => list(rooms, Place::Failed),
        id => Ok(vec![find_one(rooms, id)?]),
    }
}

fn find_all(rooms: &[(Room, Folder)], id: &str) -> Result<Vec<Found>, Refusal> {
    let mut all = list(rooms, Place::New)?;
    all.extend(list(rooms, Place::Failed)?);
    all.retain(|found| !id.is_empty() && found.id().starts_with(id));
    Ok(all)
}

fn not_one(many: usize) -> Refusal {
    Refusal::NotFound(format!(
        "{many} SMS have an id that begins so; give more of it"
    ))
}

fn find_one(rooms: &[(Room, Folder)], id: &str) -> Result<Found, Refusal> {
    let mut all = find_all(rooms, id)?;
    match (all.pop(), all.len()) {
        (Some(found), 0) => Ok(found),
        (None, _) => Err(Refusal::NotFound(
            "no SMS has an id that begins so; websms --queue lists them".to_owned(),
        )),
        (Some(_), others) => Err(not_one(others.saturating_add(1))),
    }
}

fn list(rooms: &[(Room, Folder)], place: Place) -> Result<Vec<Found>, Refusal> {
    let mut all = Vec::new();
    for (room, folder) in rooms {
        let files = folder.list(place).map_err(|error| fault(folder, &error))?;
        all.extend(files.into_iter().map(|file| Found {
            room: *room,
            folder: folder.clone(),
            place,
            file,
        }));
    }
    Ok(all)
}

fn fault(folder: &Folder, error: &std::io::Error) -> Refusal {
    let root = folder.root().display();
    Refusal::Fault(format!("{root}: {}", Cause(error)))
}
