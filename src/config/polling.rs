//! Reads `[websmsd] poll…`: how a provider is polled for the SMS that it received.

use std::time::Duration;

use crate::limits::{POLL_S_MAX, POLL_S_MIN, TIMEOUT_S_MAX};
use crate::message::Number;
use crate::proto::grammar::{Alternatives, Conditions};
use crate::proto::provider::poll::lister::{Done, Lister, Order, Paging};
use crate::proto::provider::poll::request::{PollPlaceholder, names};
use crate::proto::webhook::access::Rules;
use crate::proto::webhook::interface::{Dlr, Webhook};
use crate::proto::wire::form::Pair;

use super::incoming::{check_path, places};
use super::lists;
use super::lookup::{Reader, Table};
use super::notes::Notes;
use super::outgoing::Outgoing;
use super::preset::Presets;
use super::values::{self, Choices, Parsed};

/// An interface whose provider is polled.
#[derive(Debug, Clone)]
pub struct Polling {
    /// The name of the interface in `[websmsd]`.
    pub interface: String,
    /// The name of the interface in `[websms]` whose provider is polled.
    pub outgoing: String,
    /// The pause between polls (`poll`).
    pub every: Duration,
    /// The time limit of one request (`poll_timeout`).
    pub timeout: Duration,
    /// The request for the list, and how its pages and elements are found.
    pub lister: Lister,
}

/// Reads, for each interface of `rules` that has `poll`, how its list is requested; stores in the interface
/// how an element is read.
pub fn read(
    table: &Table<'_>,
    presets: &Presets<'_>,
    outgoing: &[Outgoing],
    rules: &mut Rules,
    notes: &mut Notes,
) -> Vec<Polling> {
    let mut polls = Vec::new();
    for interface in &mut rules.interfaces {
        let mut reader = Reader {
            table,
            index: &interface.name,
            preset: presets.find(table, &interface.name),
            notes,
        };
        let every = reader.read("poll", every);
        let Some(every) = every else {
            // A refused value asks for it all the same.
            if reader.raw("poll").is_empty() {
                check_way_in(&mut reader);
            }
            continue;
        };
        let mut named = outgoing.iter();
        let same = named.find(|it| it.account.interface == interface.name);
        let only = outgoing
            .first()
            .filter(|it| it.account.interface.is_empty());
        let Some(outgoing) = same.or(only) else {
            let text = "asks the provider of [websms], which has no interface of this index; give both the same";
            reader.fault("poll", text);
            continue;
        };
        let lister = lister(&mut reader, outgoing, &interface.webhook);
        interface.polled = Some(element(&mut reader, &interface.webhook, &lister));
        polls.push(Polling {
            interface: interface.name.clone(),
            outgoing: outgoing.account.interface.clone(),
            every,
            timeout: reader.read("poll_timeout", |value| {
                values::duration(value, TIMEOUT_S_MAX)
            }),
            lister,
        });
    }
    polls
}

/// Refuses `poll` without a folder: each restart would deliver the whole list again, or skip all of it.
pub fn refuse(table: &Table<'_>, notes: &mut Notes) {
    for (value, line) in table.values_of("poll") {
        if value.is_empty() {
            continue;
        }
        let text = "[websmsd] poll remembers in [queue] dir, which is empty, what was delivered; name a folder there";
        notes.fault(line, text.into());
    }
}

/// Refuses a preset without `poll` if its provider sends no webhooks.
fn check_way_in(reader: &mut Reader<'_, '_>) {
    let calls = reader.given("key_from") || reader.given("key_id");
    if reader.is_preset("poll_path") && !calls {
        let text = "is one whose SMS are received by asking for them alone; give poll, 60s say";
        reader.fault("provider", text);
    }
}

fn every(value: &[u8]) -> Parsed<Option<Duration>> {
    if value.is_empty() {
        return Ok(None);
    }
    let every = values::duration(value, POLL_S_MAX)?;
    match every.as_secs() >= POLL_S_MIN {
        true => Ok(Some(every)),
        false => Err(format!(
            "is shorter than {POLL_S_MIN}s; a provider would refuse that soon"
        )),
    }
}

const ORDERS: &Choices<Order> = &[("newest", Order::Newest), ("oldest", Order::Oldest)];

/// Reads how the list is asked for and read. It is a function of its own: inside the loop the compiler
/// would load all addresses of its texts first.
#[inline(never)]
fn lister(reader: &mut Reader<'_, '_>, outgoing: &Outgoing, webhook: &Webhook) -> Lister {
    let path = reader.read("poll_path", values::check_path);
    if reader.raw("poll_path").is_empty() {
        let text = "is not given, and no preset knows where this provider lists received SMS";
        reader.fault("poll_path", text);
    }
    let statics: Vec<Pair> = reader.read("poll_static", lists::statics);
    let mut asked = names(path.as_bytes());
    for (_, template) in &statics {
        asked.extend(names(template));
    }
    let done = reader.read("poll_done", done);
    let in_done = done.as_ref().map(|done: &Done| names(done.path.as_bytes()));
    let values = &outgoing.account.values;
    for name in asked.iter().chain(&in_done.unwrap_or_default()) {
        let (value, text) = match name {
            PollPlaceholder::Account => (
                &values.account,
                "has {account} in it, and [websms] gives no account",
            ),
            PollPlaceholder::User => (
                &values.auth_user,
                "has {auth_user} in it, and [websms] gives no auth_user",
            ),
            _ => continue,
        };
        if value.is_empty() {
            reader.fault("poll_path", text);
        }
    }
    let each = reader.bytes("poll_each");
    check_path(reader, "poll_each", &each, false);
    let numbers = webhook.own_numbers.iter().map(Number::as_str);
    Lister {
        numbers: match asked.contains(&PollPlaceholder::Number) {
            true => numbers.map(String::from).collect(),
            false => Vec::new(),
        },
        paging: paging(reader, &asked),
        path,
        statics,
        each,
        empty: conditions(reader, "poll_empty"),
        order: reader.choose("poll_order", ORDERS, Order::Newest),
        done,
        consumes: reader.read("poll_consumes", values::switch),
    }
}

fn conditions(reader: &mut Reader<'_, '_>, key: &'static str) -> Conditions {
    let conditions = reader.read(key, lists::conditions);
    for condition in conditions.iter() {
        check_path(reader, key, &condition.key, false);
    }
    conditions
}

fn paging(reader: &mut Reader<'_, '_>, asked: &[PollPlaceholder]) -> Paging {
    let next = places(reader, "poll_next", lists::alternatives);
    let page = reader.raw("poll_page");
    if !next.is_empty() {
        return Paging::Url(next);
    }
    if asked.contains(&PollPlaceholder::Next) {
        let value = places(reader, "poll_page", lists::alternatives);
        if matches!(page, b"" | b"0" | b"1") {
            let text =
                "is no path, but poll_path has {next} in it; name the value that it stands for";
            reader.fault("poll_page", text);
        }
        return Paging::Value(value);
    }
    let first = match page {
        b"0" => 0,
        b"1" => 1,
        _ => {
            reader.fault(
                "poll_page",
                "is neither 0 nor 1, and poll_path has no {next} in it",
            );
            1
        }
    };
    match (
        asked.contains(&PollPlaceholder::Page),
        asked.contains(&PollPlaceholder::Offset),
    ) {
        (true, _) => Paging::Page(first),
        (false, true) => Paging::Offset,
        (false, false) => Paging::None,
    }
}

/// Parses `METHOD PATH`, or a path alone; empty means none.
fn done(value: &[u8]) -> Parsed<Option<Done>> {
    const METHODS: [&str; 3] = ["POST", "PUT", "GET"];
    if value.is_empty() {
        return Ok(None);
    }
    let found = METHODS.iter().find_map(|method| {
        let rest = value.strip_prefix(method.as_bytes())?;
        Some((*method, rest.strip_prefix(b" ")?))
    });
    let (method, path) = found.unwrap_or(("POST", value));
    let path = values::check_path(path.trim_ascii());
    let path = path.map_err(|_| "is no path behind POST, PUT or GET; write PUT /read/{id}, say")?;
    Ok(Some(Done { method, path }))
}

/// Derives how an element of the list is read.
#[inline(never)]
fn element(reader: &mut Reader<'_, '_>, webhook: &Webhook, lister: &Lister) -> Webhook {
    let accept_if = conditions(reader, "poll_if");
    let mut place = |key, else_by: &Alternatives| match reader.given(key) {
        true => places(reader, key, lists::alternatives),
        false => else_by.clone(),
    };
    let element = Webhook {
        key_to: place("poll_to", &webhook.key_to),
        key_from: place("poll_from", &webhook.key_from),
        key_body: place("poll_body", &webhook.key_body),
        key_id: place("poll_id", &webhook.key_id),
        key_media: place("poll_media", &webhook.key_media),
        key_part_ref: webhook.key_part_ref.clone(),
        key_part_number: webhook.key_part_number.clone(),
        key_part_total: webhook.key_part_total.clone(),
        part_wait: webhook.part_wait,
        accept_if,
        own_numbers: webhook.own_numbers.clone(),
        to: match webhook.own_numbers.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        },
        number_format: webhook.number_format,
        text_decode: webhook.text_decode,
        media: webhook.media,
        reject_status: webhook.reject_status,
        // An element is no list, no delivery report and no MMS with a text elsewhere, and nobody is answered.
        each: Vec::new(),
        key_caption: Alternatives::default(),
        report_success: Vec::new(),
        report_type: String::new(),
        dlr: Dlr::default(),
    };
    if names_none(reader, "poll_id", "key_id") && !lister.consumes {
        let text = "is not given, and key_id neither, so an SMS would be delivered at every poll; name \
                    the place of its id";
        reader.fault("poll_id", text);
    }
    for (key, else_by, other) in [
        ("poll_to", "key_to", element.to.is_some()),
        ("poll_from", "key_from", false),
        ("poll_body", "key_body", false),
    ] {
        if names_none(reader, key, else_by) && !other {
            reader.fault(key, "is empty, but an SMS has one; give its place");
        }
    }
    element
}

/// Whether the key, or the one that replaces it if it is not given, is empty. A refused value does not
/// count as empty.
fn names_none(reader: &Reader<'_, '_>, key: &'static str, else_by: &'static str) -> bool {
    let named_by = if reader.given(key) { key } else { else_by };
    reader.raw(named_by).is_empty()
}
