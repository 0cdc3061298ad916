//! Lists the queue, the inbox, and SMS that providers took and did not deliver: for a person, or as JSON for a
//! script. A list never contains a text.

use crate::config::Config;
use crate::inbound::inbox;
use crate::limits::{PAGE_FAILED_MAX, PAGE_WAITING_MAX};
use crate::outbound::{hold, sent};
use crate::proto::record::envelope::{Item, QueueName};
use crate::proto::record::event::span;
use crate::proto::record::sheet::{JOINED, Section, Shape, Sheet, Unit};
use crate::proto::wire::json;
use crate::state::State;
use crate::sys::cause::Cause;
use crate::sys::clock;
use crate::sys::queue::{Folder, Place};

/// The format of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// One line for each message, under a headline.
    Text,
    /// One JSON object with an array for each place.
    Json,
}

/// Lists all SMS that wait and all that were given up, in the queue and in the inbox, and all that were not
/// delivered. An error says why there is no queue.
pub fn listing(config: &Config, look: Look) -> Result<Vec<u8>, String> {
    let state = State::of(config).ok_or("[queue] dir is empty, so there is no queue")?;
    let (queue, inbox) = (state.queue(), state.inbox());
    let now_s = clock::now_s();
    let rows = |folder: &Folder, place, row: &dyn Fn(&str) -> Row| {
        let names = folder.list(place).map_err(|error| fault(folder, &error))?;
        Ok::<Vec<Row>, String>(names.iter().map(|name| row(name)).collect())
    };
    let queued = |place| {
        rows(&queue, place, &|name| {
            row(&queue, place, name, config, now_s)
        })
    };
    let kept = |place| rows(&inbox, place, &|name| inbox_row(&inbox, place, name, now_s));
    let lists = [
        ("waiting", "waits", queued(Place::New)?),
        ("failed", "failed", queued(Place::Failed)?),
        ("inbox", "inbox", kept(Place::New)?),
        ("inbox_failed", "inbox-failed", kept(Place::Failed)?),
        ("undelivered", "undelivered", lost(config, &queue, now_s)?),
    ];
    let drained = hold::is_drained(&queue).unwrap_or(false);
    Ok(match look {
        Look::Text => text(&lists, drained),
        Look::Json => object(&lists, drained),
    })
}

/// Returns the SMS that providers took and did not deliver.
fn lost(config: &Config, queue: &Folder, now_s: u64) -> Result<Vec<Row>, String> {
    let sent = sent::known(config).map_err(|error| fault(queue, &error))?;
    let mut rows = Vec::new();
    for record in sent.recent(now_s) {
        if record.failure().is_some()
            && let Some(item) = record.item()
        {
            rows.push(Row::of(item.id.clone(), Ok(Box::new(item)), None, now_s));
        }
    }
    Ok(rows)
}

fn fault(folder: &Folder, error: &std::io::Error) -> String {
    format!("{}: {}", folder.root().display(), Cause(error))
}

/// One list: its name in JSON, the first word of its lines, and its messages.
type List = (&'static str, &'static str, Vec<Row>);

/// One message.
struct Row {
    id: String,
    /// The message, or the reason why its file cannot be read.
    item: Result<Box<Item>, String>,
    /// The seconds since it was queued; `None` if not known.
    age_s: Option<u64>,
    /// The seconds until the next try, as far as the file tells; 0 if it waits for its turn only.
    next_s: u64,
    reason: String,
}

fn row(folder: &Folder, place: Place, name: &str, config: &Config, now_s: u64) -> Row {
    let parsed = QueueName::parse(name.strip_suffix(".bad").unwrap_or(name));
    let (id, item) = match (&parsed, name.ends_with(".bad")) {
        (Some(parsed), false) => {
            let item = hold::read_at(folder, place, parsed);
            (parsed.id.clone(), item.map_err(|why| why.to_string()))
        }
        (Some(parsed), true) => (parsed.id.clone(), Err("no message, set aside".to_owned())),
        (None, _) => ("-".to_owned(), Err("no message".to_owned())),
    };
    let good = item.as_ref().ok();
    let next_s = good.map_or(0, |item| item.due_s.saturating_sub(now_s));
    let unknown =
        good.filter(|item| place == Place::New && config.interface(&item.interface).is_none());
    let reason = unknown.map(|_| "its interface is not in the configuration");
    Row {
        next_s,
        ..Row::of(id, item, reason, now_s)
    }
}

fn inbox_row(folder: &Folder, place: Place, file: &str, now_s: u64) -> Row {
    let id = file.split('-').nth(1).unwrap_or("-").to_owned();
    let item = inbox::shown(folder, place, file).map(Box::new);
    Row::of(id, item, None, now_s)
}

impl Row {
    /// Makes a row from a message, with `reason` instead of the message's own if given.
    fn of(id: String, item: Result<Box<Item>, String>, reason: Option<&str>, now_s: u64) -> Row {
        let good = item.as_ref().ok().filter(|item| item.queued_s > 0);
        let age_s = good.map(|item| now_s.saturating_sub(item.queued_s));
        let reason = match (&item, reason) {
            (Err(why), _) => why.clone(),
            (_, Some(reason)) => reason.to_owned(),
            (Ok(item), None) => item.reason.clone(),
        };
        Row {
            id,
            item,
            age_s,
            next_s: 0,
            reason,
        }
    }
}

// ---- For the status page --------------------------------------------------------------------

const COLUMNS: &[(&str, &str)] = &[
    ("id", "Id"),
    ("since", "Since"),
    ("from", "From"),
    ("to", "To"),
    ("interface", "Interface"),
    ("tries", "Tries, next"),
    ("next", JOINED),
    ("reason", "Reason"),
    // Empty for the queue.
    ("place", "Place"),
];
const WAITING: Section = Section {
    key: "waiting",
    title: "What waits",
    hint: "websms --queue lists all, --show ID shows one, --flush tries all now.",
    shape: Shape::Table,
    columns: COLUMNS,
    rows_max: PAGE_WAITING_MAX,
};
const FAILED: Section = Section {
    key: "failed",
    title: "What was given up",
    hint: "websms --retry ID tries one again, --drop ID removes it.",
    shape: Shape::Table,
    columns: COLUMNS,
    rows_max: PAGE_FAILED_MAX,
};

/// Lists what waits, oldest first, and what was given up, newest first, on the status page.
pub fn sections(config: &Config, sheet: &mut Sheet) {
    let Some(state) = State::of(config) else {
        return;
    };
    let (queue, inbox) = (state.queue(), state.inbox());
    let now_s = clock::now_s();
    for (place, section) in [(Place::New, &WAITING), (Place::Failed, &FAILED)] {
        sheet.begin(section);
        for (folder, word) in [(&queue, "queue"), (&inbox, "inbox")] {
            let mut names = folder.list(place).unwrap_or_default();
            if place == Place::Failed {
                names.reverse();
            }
            for name in &names {
                if sheet.has_room() {
                    let row = match word {
                        "queue" => row(folder, place, name, config, now_s),
                        _ => inbox_row(folder, place, name, now_s),
                    };
                    row.write(word, config, now_s, sheet);
                }
            }
        }
        if place == Place::Failed {
            for row in lost(config, &queue, now_s).unwrap_or_default() {
                if sheet.has_room() {
                    row.write("undelivered", config, now_s, sheet);
                }
            }
        }
        sheet.end();
    }
}

impl Row {
    fn write(&self, place: &str, config: &Config, now_s: u64, sheet: &mut Sheet) {
        sheet.row("");
        sheet.id(&self.id);
        match &self.item {
            Err(_) => sheet.skip(5),
            Ok(item) => {
                sheet.number(Unit::Time, item.queued_s);
                for number in [item.message.from.as_str(), item.message.to.as_str()] {
                    sheet.text(&config.log_numbers.show(number.as_bytes()));
                }
                sheet.text(item.interface.as_bytes());
                match item.tries {
                    0 => sheet.skip(1),
                    tries => sheet.number(Unit::Count, u64::from(tries)),
                }
            }
        }
        let next_s = match self.next_s {
            0 => 0,
            next_s => now_s.saturating_add(next_s),
        };
        sheet.number(Unit::Time, next_s);
        sheet.reason(self.reason.as_bytes());
        match place {
            "queue" if sheet.is_page() => sheet.skip(1),
            place => sheet.text(place.as_bytes()),
        }
    }
}

fn text(lists: &[List; 5], drained: bool) -> Vec<u8> {
    let mut out = String::new();
    let by_whom = match drained {
        true => "",
        false => "; no websmsd drains the queue",
    };
    let [waiting, failed, inbox, given_up, lost] = lists.each_ref().map(|(_, _, rows)| rows.len());
    out.push_str(&format!("{waiting} waiting, {failed} failed"));
    if lost > 0 {
        out.push_str(&format!(", {lost} undelivered"));
    }
    out.push_str(by_whom);
    out.push('\n');
    if inbox > 0 || given_up > 0 {
        out.push_str(&format!("{inbox} in the inbox, {given_up} given up\n"));
    }
    for (_, word, rows) in lists {
        for row in rows {
            let (to, interface, tries) = match &row.item {
                Ok(item) => (
                    item.message.to.as_str(),
                    item.interface.as_str(),
                    item.tries,
                ),
                Err(_) => ("-", "", 0),
            };
            let age = row.age_s.map_or("-".to_owned(), span);
            let next = match (*word, row.next_s) {
                ("waits", 0) => "when its turn comes".to_owned(),
                ("waits", next_s) => format!("in {}", span(next_s)),
                _ => "never".to_owned(),
            };
            let tries = match word.starts_with("inbox") || *word == "undelivered" {
                true => String::new(),
                false => format!(" tries={tries} next={next}"),
            };
            let interface = if interface.is_empty() { "-" } else { interface };
            let line = format!(
                "{id} {word} to={to} interface={interface} age={age}{tries}: {reason}\n",
                id = row.id,
                reason = row.reason,
            );
            out.push_str(&line);
        }
    }
    out.into_bytes()
}

fn object(lists: &[List; 5], drained: bool) -> Vec<u8> {
    let mut out = b"{\"drained\":".to_vec();
    out.extend_from_slice(drained.to_string().as_bytes());
    for (name, _, rows) in lists {
        out.extend_from_slice(format!(",\"{name}\":[").as_bytes());
        for (n, row) in rows.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            member(&mut out, "{\"id\":", &row.id);
            if let Ok(item) = &row.item {
                member(&mut out, ",\"to\":", item.message.to.as_str());
                member(&mut out, ",\"from\":", item.message.from.as_str());
                member(&mut out, ",\"interface\":", &item.interface);
                let age = row
                    .age_s
                    .map_or("null".to_owned(), |age_s| age_s.to_string());
                let numbers = format!(
                    ",\"age_s\":{age},\"tries\":{},\"unsure\":{},\"next_s\":{}",
                    item.tries, item.unsure, row.next_s
                );
                out.extend_from_slice(numbers.as_bytes());
            }
            member(&mut out, ",\"reason\":", &row.reason);
            out.push(b'}');
        }
        out.push(b']');
    }
    out.extend_from_slice(b"}\n");
    out
}

fn member(out: &mut Vec<u8>, start: &str, text: &str) {
    out.extend_from_slice(start.as_bytes());
    json::write_string(text.as_bytes(), out);
}
