//! Gathers the contents of the page for people when somebody asks for it.
//!
//! A reader who has not given `status_auth` gets no number, reason, event or list. Numbers are shown as
//! `log_numbers` says.

use std::sync::{Mutex, PoisonError};

use super::super::Setup;
use super::Status;
use super::problems::problems;
use crate::config::Config;
use crate::limits::{CHECK_STACK_BYTES, KEPT_FILE_BYTES_MAX, PAGE_FAILED_MAX};
use crate::proto::record::event::Event;
use crate::proto::record::kept::{Items, Kept};
use crate::proto::record::metrics::Metrics;
use crate::proto::record::sheet::{Cell, More, Section, Shape, Sheet, View};
use crate::state::State;
use crate::sys::clock;
use crate::sys::events::{self, Held};
use crate::sys::threads;

/// Gathers all that this view may show.
pub(super) fn sheet(status: &Status, setup: &Setup, metrics: &Metrics, view: View) -> Sheet {
    let held = events::held();
    let mut sheet = Sheet {
        version: env!("CARGO_PKG_VERSION"),
        now_s: clock::now_s(),
        problems: problems(status, setup, metrics, &held, view),
        sections: Section::of_figures(metrics, &more(status, &held, view)),
        view,
    };
    if view == View::Whole {
        let config = &setup.config;
        sheet.sections.push(latest(config, &held));
        sheet.sections.extend((status.lists)(config));
        sheet.sections.extend(kept(config, &held));
    }
    sheet
}

/// Returns what is known of interfaces besides the figures.
fn more(status: &Status, held: &Held, view: View) -> Vec<More> {
    let mut all: Vec<More> = Vec::new();
    let mut of = |name: &str, fill: &mut dyn FnMut(&mut More)| {
        let at = all.iter().position(|it| it.name == name);
        let at = at.unwrap_or_else(|| {
            all.push(More {
                name: name.to_owned(),
                ..More::default()
            });
            all.len().saturating_sub(1)
        });
        all.get_mut(at).into_iter().for_each(fill);
    };
    for it in status.counts.received() {
        of(&it.interface, &mut |more| {
            more.received = Some((u64::from(it.count), it.last_s));
        });
    }
    for failures in &held.failures {
        if let Some(event) = Event::parse(&failures.last) {
            of(&failures.key, &mut |more| {
                more.failed_s = event.time_s;
                if view == View::Whole {
                    more.reason = String::from_utf8_lossy(event.reason).into_owned();
                }
            });
        }
    }
    all
}

const EVENTS: &[(&str, &str)] = &[
    ("time", "Time"),
    ("way", ""),
    ("from", "From"),
    ("to", "To"),
    ("interface", "Interface"),
    ("verdict", "Result"),
    ("id", "Id"),
    ("reason", "Reason"),
];

/// Returns the latest events, newest first.
fn latest(config: &Config, held: &Held) -> Section {
    let row = |bytes: &[u8]| {
        let event = Event::parse(bytes)?;
        let [from, to] = [event.from, event.to].map(|number| match number {
            [] => Cell::None,
            number => Cell::text(&config.log_numbers.show(number)),
        });
        // An SMS that was sent needs no reason.
        let reason = match event.verdict {
            b"SENT" | b"KEPT" => Cell::None,
            _ => Cell::reason(event.reason),
        };
        let cells = [
            Cell::time(event.time_s),
            Cell::text(event.way),
            from,
            to,
            Cell::text(event.interface),
            Cell::text(event.verdict),
            Cell::text(event.id),
            reason,
        ];
        Some(Vec::from(cells))
    };
    let rows = held.events.iter().rev();
    Section {
        key: "events",
        title: "Latest events",
        hint: "An id stands in every line of the log on its SMS.",
        shape: Shape::Table,
        columns: EVENTS,
        rows: rows.filter_map(|bytes| row(bytes)).collect(),
        left_out: 0,
    }
}

const KEPT: &[(&str, &str)] = &[
    ("id", "Id"),
    ("time", "Time"),
    ("interface", "Interface"),
    ("address", "Address"),
    ("refused", "Refused"),
    ("reason", "Reason"),
];

/// Returns the refused requests that are kept, newest first; `None` without a folder for them.
fn kept(config: &Config, held: &Held) -> Option<Section> {
    let folder = State::of(config)?.rejected();
    let mut names = folder.list().unwrap_or_default();
    names.reverse();
    let left_out = names.len().saturating_sub(PAGE_FAILED_MAX);
    names.truncate(PAGE_FAILED_MAX);
    let row = |name: &String| {
        let file = folder.read(name, KEPT_FILE_BYTES_MAX).ok();
        let kept = file.and_then(|file| Kept::parse(&file).ok());
        let Some(kept) = kept else {
            let mut row = vec![Cell::Text(name.clone())];
            row.resize_with(KEPT.len().saturating_sub(1), Cell::default);
            row.push(Cell::Reason("its file cannot be read".to_owned()));
            return row;
        };
        let refused = match &kept.items {
            Items::All => "all of it".to_owned(),
            Items::Some { places, of } => format!("{} of {of}", places.len()),
        };
        let address = kept.address.map(|address| address.to_string());
        Vec::from([
            Cell::Text(name.clone()),
            Cell::time(kept.time_s),
            Cell::text(kept.interface.as_bytes()),
            Cell::text(address.unwrap_or_default().as_bytes()),
            Cell::Text(refused),
            Cell::reason(reason_of(name, held)),
        ])
    };
    Some(Section {
        key: "kept",
        title: "Refused requests that are kept",
        hint: "websmsd --replay ID delivers one, once the configuration takes it.",
        shape: Shape::Table,
        columns: KEPT,
        rows: names.iter().map(row).collect(),
        left_out,
    })
}

/// Returns why a request is kept, if that is among the latest events.
fn reason_of<'a>(name: &str, held: &'a Held) -> &'a [u8] {
    let mut events = held.events.iter().filter_map(|bytes| Event::parse(bytes));
    let kept = |event: &Event| event.verdict == b"KEPT" && event.id == name.as_bytes();
    let Some(kept) = events.find(kept) else {
        return b"";
    };
    let refused = |event: &Event| event.verdict == b"REJECTED" && event.id == kept.reason;
    let mut events = held.events.iter().filter_map(|bytes| Event::parse(bytes));
    events.find(refused).map_or(b"", |event| event.reason)
}

/// Lets one page at a time read the configuration.
static CHECKS: Mutex<()> = Mutex::new(());

/// Returns the remarks of `--check`, one per line, if this user may read the file.
pub(super) fn remarks(status: &Status, config: &Config) -> Vec<String> {
    let _turn = CHECKS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut found = Vec::new();
    let mut check = || found = (status.remarks)(&status.path, config);
    let _ = threads::apart("check", CHECK_STACK_BYTES, &mut check);
    found
}
