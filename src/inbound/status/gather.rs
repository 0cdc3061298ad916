//! Gathers the contents of the page for people when somebody asks for it.
//!
//! A reader who has not given `status_auth` gets no number, reason, event or list. Numbers are shown as
//! `log_numbers` says.

use std::sync::{Mutex, PoisonError};

use super::super::Setup;
use super::StatusData;
use super::problems::problems;
use crate::config::Config;
use crate::limits::{CHECK_STACK_BYTES, EVENTS_MAX, KEPT_FILE_BYTES_MAX, PAGE_FAILED_MAX};
use crate::proto::record::event::Event;
use crate::proto::record::kept::{Items, Kept};
use crate::proto::record::metrics::{FAILING, Interface, LAST_ERROR, Metrics};
use crate::proto::record::sheet::{JOINED, Section, Shape, Sheet, Unit, View};
use crate::proto::wire::accept::Form;
use crate::state::State;
use crate::sys::clock;
use crate::sys::events::{self, Held};
use crate::sys::threads;

/// Gathers all that this view may show, in this form.
pub(super) fn sheet(
    status: &StatusData,
    setup: &Setup,
    metrics: &mut Metrics,
    form: Form,
    view: View,
) -> Vec<u8> {
    // The check takes the most memory, so it ends before anything else of the page is there.
    let remarks = remarks(status, &setup.config);
    events::read(&mut |held| {
        for it in &held.failures {
            if let Some(last) = Event::parse(&it.last)
                && let Some(interface) = Interface::of(&it.key, &mut metrics.interfaces)
            {
                let first = it.first.as_deref().and_then(Event::parse);
                interface.set(FAILING, first.map_or(0, |event| event.time_s));
                interface.set(LAST_ERROR, last.time_s);
                if view == View::Whole {
                    interface.reason = String::from_utf8_lossy(last.reason).into_owned();
                }
            }
        }
    });
    let mut sheet = Sheet::new(form, clock::now_s());
    problems(setup, metrics, &remarks, &mut sheet);
    drop(remarks);
    sheet.head(env!("CARGO_PKG_VERSION"));
    metrics.write(&mut sheet);
    if view == View::Whole {
        let config = &setup.config;
        sheet.begin(&EVENTS);
        events::read(&mut |held| {
            for event in held.events.iter().rev() {
                if let Some(event) = Event::parse(event) {
                    row(config, &event, &mut sheet);
                }
            }
        });
        sheet.end();
        (status.lists)(config, &mut sheet);
        kept(config, &mut sheet);
    }
    sheet.finish(view)
}

const EVENTS: Section = Section {
    key: "events",
    title: "Latest events",
    hint: "Each line of the log on an SMS has its id.",
    shape: Shape::Table,
    columns: &[
        ("time", "Time"),
        ("way", ""),
        ("from", "From"),
        ("to", "To"),
        ("interface", "Interface, result"),
        ("verdict", JOINED),
        ("id", "Id"),
        ("reason", "Reason"),
    ],
    rows_max: EVENTS_MAX,
};

/// Writes an event.
fn row(config: &Config, event: &Event, sheet: &mut Sheet) {
    sheet.row("");
    sheet.number(Unit::Time, event.time_s);
    sheet.text(event.way);
    for number in [event.from, event.to] {
        match number {
            [] => sheet.skip(1),
            number => sheet.text(&config.log_numbers.show(number)),
        }
    }
    sheet.text(event.interface);
    sheet.text(event.verdict);
    sheet.id(&String::from_utf8_lossy(event.id));
    // An SMS that was sent needs no reason.
    sheet.reason(match event.verdict {
        b"SENT" | b"KEPT" => b"",
        _ => event.reason,
    });
}

const KEPT: Section = Section {
    key: "kept",
    title: "Refused requests that are kept",
    hint: "websmsd --replay ID delivers one, once the configuration takes it.",
    shape: Shape::Table,
    columns: &[
        ("id", "Id"),
        ("time", "Time"),
        ("interface", "Interface"),
        ("address", "Address"),
        ("refused", "Refused"),
        ("reason", "Reason"),
    ],
    rows_max: PAGE_FAILED_MAX,
};

/// Writes the refused requests that are kept, newest first, if there is a folder for them.
fn kept(config: &Config, sheet: &mut Sheet) {
    let Some(folder) = State::of(config).map(|state| state.rejected()) else {
        return;
    };
    sheet.begin(&KEPT);
    for name in folder.list().unwrap_or_default().iter().rev() {
        if !sheet.has_room() {
            continue;
        }
        sheet.row("");
        sheet.text(name.as_bytes());
        let file = folder.read(name, KEPT_FILE_BYTES_MAX).ok();
        let Some(kept) = file.and_then(|file| Kept::parse(&file).ok()) else {
            sheet.skip(4);
            sheet.reason(b"its file cannot be read");
            continue;
        };
        sheet.number(Unit::Time, kept.time_s);
        sheet.text(kept.interface.as_bytes());
        let address = kept.address.map(|address| address.to_string());
        sheet.text(address.unwrap_or_default().as_bytes());
        match &kept.items {
            Items::All => sheet.text(b"all of it"),
            Items::Some { places, of } => {
                sheet.text(format!("{} of {of}", places.len()).as_bytes());
            }
        }
        events::read(&mut |held| sheet.reason(reason_of(name, held)));
    }
    sheet.end();
}

/// Returns why a request is kept, if that is among the latest events.
fn reason_of<'a>(name: &str, held: &'a Held) -> &'a [u8] {
    let find = |verdict: &[u8], id: &[u8]| {
        for event in held.events.iter().rev() {
            match Event::parse(event) {
                Some(event) if event.verdict == verdict && event.id == id => return event.reason,
                _ => {}
            }
        }
        b"".as_slice()
    };
    match find(b"KEPT", name.as_bytes()) {
        b"" => b"",
        request => find(b"REJECTED", request),
    }
}

/// Lets one page at a time read the configuration.
static CHECKS: Mutex<()> = Mutex::new(());

/// Returns the remarks of `--check`, one per line, if this user may read the file.
fn remarks(status: &StatusData, config: &Config) -> Vec<String> {
    let _turn = CHECKS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut found = Vec::new();
    let mut check = || found = (status.remarks)(config);
    let _ = threads::apart("check", CHECK_STACK_BYTES, &mut check);
    found
}
