//! `websms --show`, `--retry` and `--drop`: one SMS of the queue or of `failed/`, found by its id. `--show`
//! also knows those whose delivery reports are awaited.

use crate::config::Config;
use crate::outbound::{hold, sent};
use crate::proto::record::envelope::{Item, Name};
use crate::proto::record::sent::{End, Record};
use crate::state::State;
use crate::sys::cause::Cause;
use crate::sys::clock;
use crate::sys::queue::{Folder, Place};

/// Why a command came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No SMS, or more than one, has an id that begins so.
    NotFound(String),
    /// The queue is full.
    Full(String),
    /// There is no queue, or the system refuses.
    Fault(String),
}

/// What `--retry` and `--drop` work on besides one SMS.
const ALL: &str = "all";

/// One SMS, with its reason and text. Control characters of the text are escaped, since a terminal
/// would obey them; only line ends and tabs stay.
pub fn show(config: &Config, id: &str) -> Result<String, Refusal> {
    let folder = folder(config)?;
    let sent = sent::known(config).map_err(|error| fault(&folder, &error))?;
    let was_sent = |record: &&Record| !id.is_empty() && record.sms().id.starts_with(id);
    let sent: Vec<&Record> = sent.recent(clock::now_s()).filter(was_sent).collect();
    let found = match (find_all(&folder, id)?.as_slice(), sent.as_slice()) {
        ([], [record]) => return Ok(way(record)),
        ([], [_, _, ..]) => return Err(not_one(sent.len())),
        // One that came back into the queue after a provider took it is shown as it is now.
        ([found], others) if others.iter().any(|other| other.sms().id != found.id()) => {
            return Err(not_one(others.len().saturating_add(1)));
        }
        _ => find_one(&folder, id)?,
    };
    let Some(item) = found.read(&folder) else {
        return Ok(found.unreadable(&folder));
    };
    let interface = match item.interface.as_str() {
        "" => "-",
        interface => interface,
    };
    let mut out = format!(
        "id: {id}\nstate: {state}\nto: {to}\nfrom: {from}\ninterface: {interface}\nqueued: {queued}\n\
         tries: {tries}\nreason: {reason}\n\n",
        id = item.id,
        state = found.state(),
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
    Ok(out)
}

/// What is known of an SMS that a provider took: its delivery reports, and no text.
fn way(record: &Record) -> String {
    let sms = record.sms();
    let state = match record.failure() {
        Some(_) => "undelivered",
        None if record.is_delivered() => "delivered",
        None => "sent",
    };
    let interface = if sms.interface.is_empty() {
        "-"
    } else {
        sms.interface
    };
    let mut out = format!(
        "id: {id}\nstate: {state}\nto: {to}\nfrom: {from}\ninterface: {interface}\nsent: {at_s}\nref: {ids}\n\
         reason: {reason}\n",
        id = sms.id,
        to = sms.to,
        from = sms.from,
        at_s = sms.at_s,
        ids = sms.references,
        reason = record.failure().unwrap_or_default(),
    );
    for (at_s, reference, end) in record.ends() {
        let (word, reason) = match end {
            End::Delivered => ("delivered", ""),
            End::Failed(reason) => ("failed ", reason),
        };
        out.push_str(&format!("report: {at_s} {reference} {word}{reason}\n"));
    }
    out
}

/// Puts an SMS of `failed/` into the queue as a new one, or all of them; one line each.
pub fn retry(config: &Config, id: &str) -> Result<String, Refusal> {
    let folder = folder(config)?;
    let mut lines = String::new();
    for found in chosen(&folder, id)? {
        let line = match (found.place, found.read(&folder)) {
            (Place::New, _) => "waits already, websms --flush tries it now".to_owned(),
            (Place::Failed, None) => "stays in failed/: its file cannot be read".to_owned(),
            (Place::Failed, Some(item)) => retry_one(&folder, config, &found, item)?,
        };
        lines.push_str(&[found.id(), " ", &line, "\n"].concat());
    }
    Ok(lines)
}

fn retry_one(
    folder: &Folder,
    config: &Config,
    found: &Found,
    item: Item,
) -> Result<String, Refusal> {
    let mut words = ["waits for ", item.message.to.as_str()].concat();
    if item.unsure > 0 {
        words.push_str(", it may have been sent before");
    }
    if config.interface(&item.interface).is_none() {
        words.push_str(", its interface is not in the configuration");
    }
    let item = Item {
        queued_s: hold::stamp_s(),
        tries: 0,
        unsure: 0,
        forbidden: 0,
        due_s: 0,
        spare_due_s: 0,
        reason: String::new(),
        ..item
    };
    match hold::take_back(folder, &found.file, &item, config.queue.messages_max) {
        Ok(()) => Ok(words),
        Err(full @ hold::NotQueued::Full { .. }) => Err(Refusal::Full(full.to_string())),
        Err(fault) => Err(Refusal::Fault(fault.to_string())),
    }
}

/// Removes an SMS, whether it waits or was given up, or all of `failed/`; one line each.
pub fn drop(config: &Config, id: &str) -> Result<String, Refusal> {
    let folder = folder(config)?;
    let mut lines = String::new();
    for found in chosen(&folder, id)? {
        let removed = folder.remove_at(found.place, &found.file);
        removed.map_err(|error| fault(&folder, &error))?;
        let words = match found.place {
            Place::New => " dropped; if it was being sent just now, it may arrive\n",
            Place::Failed => " dropped\n",
        };
        lines.push_str(&[found.id(), words].concat());
    }
    Ok(lines)
}

// ---- Finding --------------------------------------------------------------------------------

/// A file of the queue.
struct Found {
    place: Place,
    /// The file's name.
    file: String,
    /// What it says; `None` for one that was set aside.
    name: Option<Name>,
}

impl Found {
    fn of(place: Place, file: String) -> Found {
        let name = Name::parse(&file);
        Found { place, file, name }
    }

    /// The id: what the file's name has between its first two hyphens.
    fn id(&self) -> &str {
        self.file.split('-').nth(1).unwrap_or("-")
    }

    fn state(&self) -> &'static str {
        match self.place {
            Place::New => "waits",
            Place::Failed => "failed",
        }
    }

    fn read(&self, folder: &Folder) -> Option<Item> {
        hold::read_at(folder, self.place, self.name.as_ref()?).ok()
    }

    fn unreadable(&self, folder: &Folder) -> String {
        let (id, state, root) = (self.id(), self.state(), folder.root().display());
        let file = &self.file;
        format!("id: {id}\nstate: {state}\nreason: no message; the file is {file} below {root}\n")
    }
}

fn folder(config: &Config) -> Result<Folder, Refusal> {
    State::of(config)
        .map(|state| state.queue())
        .ok_or_else(|| Refusal::Fault("[queue] dir is empty, so there is no queue".to_owned()))
}

fn chosen(folder: &Folder, id: &str) -> Result<Vec<Found>, Refusal> {
    match id {
        ALL => list(folder, Place::Failed),
        id => Ok(vec![find_one(folder, id)?]),
    }
}

fn find_all(folder: &Folder, id: &str) -> Result<Vec<Found>, Refusal> {
    let mut all = list(folder, Place::New)?;
    all.extend(list(folder, Place::Failed)?);
    all.retain(|found| !id.is_empty() && found.id().starts_with(id));
    Ok(all)
}

fn not_one(many: usize) -> Refusal {
    Refusal::NotFound(format!(
        "{many} SMS have an id that begins so; give more of it"
    ))
}

fn find_one(folder: &Folder, id: &str) -> Result<Found, Refusal> {
    let mut all = find_all(folder, id)?;
    match (all.pop(), all.len()) {
        (Some(found), 0) => Ok(found),
        (None, _) => Err(Refusal::NotFound(
            "no SMS has an id that begins so; websms --queue lists them".to_owned(),
        )),
        (Some(_), others) => Err(not_one(others.saturating_add(1))),
    }
}

fn list(folder: &Folder, place: Place) -> Result<Vec<Found>, Refusal> {
    let files = folder.list(place).map_err(|error| fault(folder, &error))?;
    let found = files.into_iter().map(|file| Found::of(place, file));
    Ok(found.collect())
}

fn fault(folder: &Folder, error: &std::io::Error) -> Refusal {
    let root = folder.root().display();
    Refusal::Fault(format!("{root}: {}", Cause(error)))
}
