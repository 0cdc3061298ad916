//! Delivers one request's messages into the inbox, or as call files into the spool, and logs the result.

use std::fmt;
use std::num::NonZeroU64;

use super::Setup;
use super::batch::{Batch, Unsafe};
use super::connection::Reply;
use super::duplicates::{Busy, Claim};
use super::id::Id;
use super::kept::Keeping;
use super::parts::{Taken, Whole};
use super::reports::Reports;
use super::source::{FromTo, InBrackets, Source};
use super::status::Counts;
use crate::message::{BadMessage, Message, Text};
use crate::proto::record::hook::{Event, environment};
use crate::proto::record::inbox::id_text;
use crate::proto::record::kept::{Items, Kept, Method};
use crate::proto::record::parts::Part;
use crate::proto::record::seen::{Known, Places, Print, Signature};
use crate::proto::webhook::callfile::{self, Route, Unfit};
use crate::proto::webhook::interface::Interface;
use crate::proto::webhook::proof::Coverage;
use crate::proto::webhook::{Item, Report};
use crate::proto::wire::request::Request;
use crate::proto::wire::response::Refusal;
use crate::sys::cause::Cause;
use crate::sys::clock;
use crate::sys::hook::{self, Run};
use crate::sys::lock::Share;
use crate::sys::log::{self, Clean, Level};

/// One request's messages on their way to the spool.
pub(super) struct Order<'a> {
    /// The configuration, and what was opened for it.
    pub setup: &'a Setup,
    /// The interface by which they came.
    pub interface: &'a Interface,
    /// The request's id.
    pub id: Id,
    /// The source of the messages.
    pub source: Source,
    /// Whether other requests may deliver remembered messages at the same time.
    pub share: Share,
    /// The request's signature, if it is remembered.
    pub signature: Option<Signature>,
}

/// The result for one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MessageResult {
    /// It is safe, in the inbox or the spool. Holds the id in its call files' names.
    Delivered(u64),
    /// It is a part of a text and waits for the others.
    Held,
    /// It was delivered before.
    Duplicate,
    /// It is not acceptable.
    Rejected(BadMessage),
    /// Its text needs more call files than are allowed.
    TooLong,
    /// Its destination has no place now. The messages beside it are delivered; the provider sends the whole
    /// request again.
    Crowded,
}

impl MessageResult {
    pub fn is_crowded(&self) -> bool {
        matches!(self, MessageResult::Crowded)
    }
}

/// The result for a request.
pub(super) struct RequestResult<'a> {
    /// Its answer.
    pub reply: Reply<'a>,
    /// The results of the messages; empty if all of them failed temporarily.
    pub results: Vec<MessageResult>,
}

impl<'a> Order<'a> {
    /// Delivers all messages that are acceptable and new, or none. If each has an id, by which it is
    /// recognised when it comes again, all but those of a crowded destination are delivered. Messages that
    /// are not acceptable are logged and do not stop the others.
    pub fn deliver(&self, items: &[Item], now_s: u64) -> RequestResult<'a> {
        let prints: Vec<Option<Print>> = items.iter().map(|item| self.print(item)).collect();
        let (known, claim) = match self.claim(&prints) {
            Ok(claimed) => claimed.unzip(),
            Err(Busy) => {
                self.log_later(Level::Warning, format_args!("its id is under way"));
                return self.later(Refusal::Busy);
            }
        };
        let mut known = known.into_iter().flatten();
        let mut batch = Batch::default();
        let mut wholes = Vec::new();
        let mut results = Vec::new();
        let mut resigned = Vec::new();
        let mut too_long = Vec::new();
        for ((item, print), place) in items.iter().zip(&prints).zip(0..) {
            let known = print.and_then(|print| known.next().map(|known| (print, known)));
            let result = match (&item.message, known) {
                (Err(bad), _) => {
                    self.reject(bad);
                    MessageResult::Rejected(bad.clone())
                }
                // A message equal to one of this request that was not delivered is not delivered either.
                (Ok(_), Some((print, Known::Same))) if too_long.contains(&print) => {
                    MessageResult::TooLong
                }
                (Ok(_), Some((print, known @ (Known::Same | Known::Resigned | Known::Recut)))) => {
                    // Its new signature must not come again either.
                    resigned.extend((known == Known::Resigned).then_some(print));
                    self.warn_of(known);
                    MessageResult::Duplicate
                }
                (Ok(message), known) => {
                    match self.take(item, message, (place, now_s), &mut batch, &mut wholes) {
                        Ok(result) => {
                            match known {
                                Some((print, _)) if result == MessageResult::TooLong => {
                                    too_long.push(print)
                                }
                                Some((_, known)) => self.warn_of(known),
                                None => {}
                            }
                            result
                        }
                        Err(Unencoded) => {
                            self.settle(wholes, |_| false);
                            return self.later(Refusal::Spool);
                        }
                    }
                }
            };
            batch.own(results.len());
            results.push(result);
        }
        let mut is_put = true;
        if !batch.is_empty() {
            let mut known_again = items.iter().zip(&prints);
            let has_id = |print: &Option<Print>| print.is_some_and(|print| print.id.is_some());
            let may_split = known_again.all(|(it, print)| it.message.is_err() || has_id(print));
            is_put = self.put(items, batch, &mut results, may_split);
        }
        let texts: Vec<(usize, Message)> = wholes
            .iter()
            .map(|(owner, whole)| (*owner, whole.message.clone()))
            .collect();
        if !is_put {
            self.settle(wholes, |_| false);
            return self.later(Refusal::Spool);
        }
        let is_crowded = |owner: usize| results.get(owner).is_some_and(MessageResult::is_crowded);
        for (_, whole) in wholes.iter().filter(|(owner, _)| !is_crowded(*owner)) {
            if let Some(parts) = &self.setup.parts {
                parts.mark(whole);
            }
        }
        let is_delivered = |result: &MessageResult| {
            matches!(result, MessageResult::Delivered(_) | MessageResult::Held)
        };
        let delivered = prints.iter().zip(&results);
        let delivered =
            delivered.filter_map(|(print, result)| print.filter(|_| is_delivered(result)));
        let mut safe: Vec<Print> = delivered.collect();
        match results.iter().any(MessageResult::is_crowded) {
            // The provider sends the whole request again: if its signature were recorded, the rest would be
            // lost.
            true => safe.iter_mut().for_each(|print| print.proof = None),
            false => safe.extend(resigned),
        }
        if let Some(claim) = claim
            && !safe.is_empty()
        {
            claim.record(&safe);
        }
        self.settle(wholes, |owner| !is_crowded(owner));
        self.tell(items, &results, &texts);
        RequestResult {
            reply: self.reply(&results),
            results,
        }
    }

    /// Makes all messages safe, or none; if the request may be split, all but those of crowded
    /// destinations, whose results it changes. Logs a failure. Returns whether the messages are safe.
    fn put(
        &self,
        items: &[Item],
        mut batch: Batch,
        results: &mut [MessageResult],
        may_split: bool,
    ) -> bool {
        loop {
            let Err(Unsafe { crowded, fault }) = batch.put(self.setup) else {
                return true;
            };
            let crowded = crowded.and_then(|place| batch.owners.get(place).copied());
            let to = crowded.and_then(|owner| items.get(owner)?.message.as_ref().ok());
            let to = to.map_or("", |message| message.to.as_str());
            let to = self.setup.config.log_numbers.show(to.as_bytes());
            let (to, whom) = (Clean(&to), if crowded.is_some() { " to " } else { "" });
            let words = format_args!("not delivered{whom}{to}: {fault}");
            self.log_later(Level::Error, words);
            let Some(owner) = crowded.filter(|_| may_split) else {
                return false;
            };
            if let Some(result) = results.get_mut(owner) {
                *result = MessageResult::Crowded;
            }
            batch.leave(owner);
            if batch.is_empty() {
                return false;
            }
        }
    }

    /// Claims the messages that are remembered, and returns what is known of each.
    fn claim(&self, prints: &[Option<Print>]) -> Result<Option<(Vec<Known>, Claim<'a>)>, Busy> {
        let prints: Vec<Print> = prints.iter().flatten().copied().collect();
        let places = self.signature.as_ref();
        let places = places.map_or(Places::All, Signature::places);
        match &self.setup.duplicates {
            Some(duplicates) if !prints.is_empty() => {
                duplicates.claim(&prints, places, self.share).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Returns what is remembered of a message that has an id or a signature, if duplicates are remembered
    /// at all.
    fn print(&self, item: &Item) -> Option<Print> {
        self.setup.duplicates.as_ref()?;
        let message = item.message.as_ref().ok()?;
        let (id, proof) = (item.id.as_deref(), self.proof());
        let is_remembered = id.is_some() || proof.is_some();
        is_remembered.then(|| Print::of(&self.interface.name, id, message, proof))
    }

    fn proof(&self) -> Option<NonZeroU64> {
        self.signature.as_ref().map(|signature| signature.proof)
    }

    /// Settles the texts that became whole: they have gone, or they wait on.
    fn settle(&self, wholes: Vec<(usize, Whole)>, is_safe: impl Fn(usize) -> bool) {
        for (owner, whole) in wholes {
            if let Some(parts) = &self.setup.parts {
                parts.settle(whole, is_safe(owner));
            }
        }
    }

    /// Adds a message to the batch; for a part, adds the text once it is whole.
    fn take(
        &self,
        item: &Item,
        message: &Message,
        (place, now_s): (u64, u64),
        batch: &mut Batch,
        wholes: &mut Vec<(usize, Whole)>,
    ) -> Result<MessageResult, Unencoded> {
        let (Some(parts), Some([reference, number, total])) = (&self.setup.parts, &item.part)
        else {
            return self.encode(message, place, now_s, batch);
        };
        let text = message.text.as_bytes();
        let Some(part) = Part::parse(reference, number, total, text) else {
            return self.encode(message, place, now_s, batch);
        };
        let (interface, id) = (&self.interface.name, self.id.number(place));
        let wait = self.interface.webhook.part_wait;
        match parts.take(&part, interface, message, id, wait) {
            Ok(Taken::Own) => self.encode(message, place, now_s, batch),
            Ok(Taken::Held) => Ok(MessageResult::Held),
            Ok(Taken::Known) => Ok(MessageResult::Duplicate),
            Ok(Taken::Whole(whole)) => {
                let pieces = pieces(&whole.message, &self.setup.config.route);
                wholes.push((usize::try_from(place).unwrap_or(usize::MAX), whole));
                let mut result = Err(Unencoded);
                for (piece, message) in (0..).zip(pieces) {
                    let added = self.encode(&message, piece_id(place, piece), now_s, batch)?;
                    result = result.or(Ok(added));
                }
                result
            }
            Err(error) => {
                let (folder, cause) = (parts.folder().root().display(), Cause(&error));
                let words = format_args!("a part cannot be kept in {folder}: {cause}");
                self.log_later(Level::Error, words);
                Err(Unencoded)
            }
        }
    }

    /// Adds a message to the batch.
    fn encode(
        &self,
        message: &Message,
        place: u64,
        now_s: u64,
        batch: &mut Batch,
    ) -> Result<MessageResult, Unencoded> {
        let Some(unique) = self.id.message(place) else {
            self.log_later(Level::Error, format_args!("no randomness"));
            return Err(Unencoded);
        };
        match batch.add(self.setup, &self.interface.name, unique, message, now_s) {
            Ok(()) => Ok(MessageResult::Delivered(unique)),
            Err(Unfit::TooLong { parts }) => {
                let words = format_args!("text needs {parts} call files");
                self.refuse(Refusal::TooLong, 413, words);
                Ok(MessageResult::TooLong)
            }
            Err(Unfit::Line { key }) => {
                self.log_later(Level::Error, format_args!("{key} fits no call file"));
                Err(Unencoded)
            }
        }
    }

    /// Chooses the answer. A message that has no place makes the provider send the whole request again.
    /// Otherwise a message that was delivered, now or before, makes the request a success; one that is not
    /// acceptable is kept, and so outweighs those that are too long.
    fn reply(&self, results: &[MessageResult]) -> Reply<'a> {
        let is_safe = |result: &MessageResult| {
            matches!(
                result,
                MessageResult::Delivered(_) | MessageResult::Held | MessageResult::Duplicate
            )
        };
        if results.iter().any(MessageResult::is_crowded) {
            self.count(Refusal::Spool);
            Reply::Refused(Refusal::Spool)
        } else if results.iter().any(is_safe) {
            Reply::Accepted(&self.interface.webhook)
        } else if results
            .iter()
            .all(|result| *result == MessageResult::TooLong)
        {
            Reply::Refused(Refusal::TooLong)
        } else {
            Reply::Rejected(&self.interface.webhook)
        }
    }

    /// Logs and counts the result of each message and runs its hook.
    fn tell(&self, items: &[Item], results: &[MessageResult], texts: &[(usize, Message)]) {
        for (place, (item, result)) in items.iter().zip(results).enumerate() {
            self.log_fate(item, result);
            if let (Some(status), Ok(message)) = (&self.setup.status, &item.message) {
                let counts = &status.counts;
                counts.settle(&self.interface.name, message, result, &self.id.text());
            }
            let mut whole = texts.iter().filter(|(owner, _)| *owner == place);
            let whole = whole.next().map(|(_, message)| message);
            if let Some(message) = whole.or(item.message.as_ref().ok()) {
                run_hook(self.setup, &self.interface.name, message, result);
            }
        }
    }

    fn warn_of(&self, known: Known) {
        let words = match known {
            Known::OtherContent => "an id comes again with other contents, delivered",
            Known::Recut => "a signature comes again with other contents, not delivered",
            Known::New | Known::Same | Known::Resigned => return,
        };
        self.log(Level::Warning, format_args!("{words}"));
    }

    fn log_fate(&self, item: &Item, result: &MessageResult) {
        let Ok(message) = &item.message else {
            return;
        };
        let unique;
        let end = match result {
            // The line begins with it.
            MessageResult::Delivered(id) if *id == self.id.number(0) => "",
            MessageResult::Delivered(id) => {
                unique = id_text(*id);
                &unique
            }
            MessageResult::Held => "a part, whose others are awaited",
            MessageResult::Duplicate => "delivered before",
            MessageResult::Rejected(_) | MessageResult::TooLong | MessageResult::Crowded => return,
        };
        let route = FromTo(message, self.setup.config.log_numbers);
        let verdict = self.source.verdict();
        let comma = if end.is_empty() { "" } else { ", " };
        match item.channel {
            Some(channel) => self.log(
                Level::Info,
                format_args!("{verdict}, {route}{comma}{end}, {channel}: dropped"),
            ),
            None => self.log(Level::Info, format_args!("{verdict}, {route}{comma}{end}")),
        }
    }

    /// Takes delivery reports. Returns whether there were any and they are wanted.
    pub fn take_reports(&self, reports: &[Report]) -> bool {
        let Some(known) = self.setup.reports.as_ref().filter(|_| !reports.is_empty()) else {
            return false;
        };
        Reports::take(known, &self.setup.config, self.interface, reports);
        true
    }

    /// Keeps a request of which `items` were refused.
    pub fn keep(&self, request: &Request<'_>, coverage: Coverage, items: Items, now_s: u64) {
        let Some(rejected) = &self.setup.rejected else {
            return;
        };
        let method = match request.method {
            "POST" => Method::Post,
            _ => Method::Get,
        };
        let address = match self.source {
            Source::Peer(peer, caller) => caller.map_or(Some(peer), |caller| caller.address()),
            Source::Poll => None,
        };
        let kept = Kept {
            time_s: if clock::is_sane(now_s) { now_s } else { 0 },
            address,
            interface: self.interface.name.clone(),
            coverage,
            proof: self.proof(),
            items,
            method,
            target: request.target.to_vec(),
            content_type: request.header("Content-Type").unwrap_or_default().to_vec(),
            body: request.body.to_vec(),
        };
        match rejected.keep(&kept) {
            Keeping::Done(name) => {
                self.note("KEPT", &name, format_args!("{}", self.id));
                self.log(Level::Notice, format_args!("kept as {name}"));
            }
            Keeping::Held(name) => self.log_beside(format_args!("kept as {name}")),
            Keeping::TooSoon => {
                self.log_beside(format_args!("not kept, after a burst only one a minute is"))
            }
            Keeping::Failed => {}
        }
    }

    fn log_beside(&self, words: fmt::Arguments<'_>) {
        let interface = InBrackets(&self.interface.name);
        log::beside_refusal(format_args!(
            "{} {}{interface}: {words}",
            self.id, self.source
        ));
    }

    pub fn reject(&self, bad: &dyn fmt::Display) {
        let status = self.interface.webhook.reject_status;
        self.refuse(Refusal::Rejected(status), status, format_args!("{bad}"));
    }

    pub fn refuse(&self, refusal: Refusal, status: u16, words: fmt::Arguments<'_>) {
        self.count(refusal);
        self.note("REJECTED", &self.id.text(), words);
        self.log_refusal(Level::Notice, Some(status), words);
    }

    /// Logs why a message must come again: a provider is told so by 503, and is asked again where it was asked.
    fn log_later(&self, level: Level, words: fmt::Arguments<'_>) {
        self.log_refusal(level, None, words);
    }

    /// Logs a refusal, with a limit per second, so that a provider that repeats itself cannot fill the log.
    fn log_refusal(&self, level: Level, status: Option<u16>, words: fmt::Arguments<'_>) {
        let (id, source) = (self.id, self.source);
        let interface = InBrackets(&self.interface.name);
        match source {
            Source::Peer(..) => {
                let status = status.unwrap_or(503);
                let line = format_args!("{id} {source}{interface}: {status}, {words}");
                log::refusal_at(level, line);
            }
            // Nobody gets an answer.
            Source::Poll if status.is_none() => {
                let line = format_args!("{id} {source}{interface}: {words}; to be asked for again");
                log::refusal_at(level, line);
            }
            Source::Poll => {
                let line = format_args!("{id} {source}{interface}: passed over, {words}");
                log::refusal_at(level, line);
            }
        }
    }

    /// Records an event for the status page, if there is one.
    fn note(&self, verdict: &str, id: &str, words: fmt::Arguments<'_>) {
        if self.setup.status.is_some() {
            Counts::note(verdict, &self.interface.name, id, &words.to_string());
        }
    }

    /// Returns the outcome if nothing was delivered that the provider must not send again. Logs and counts
    /// the reason.
    fn later(&self, why: Refusal) -> RequestResult<'a> {
        self.count(why);
        RequestResult {
            reply: Reply::Refused(Refusal::Spool),
            results: Vec::new(),
        }
    }

    fn count(&self, refusal: Refusal) {
        if let Some(status) = &self.setup.status {
            status.counts.refuse(refusal.reason());
        }
    }

    pub fn log(&self, level: Level, words: fmt::Arguments<'_>) {
        let interface = InBrackets(&self.interface.name);
        log::event(
            level,
            format_args!("{} {}{interface}: {words}", self.id, self.source),
        );
    }
}

/// Splits a text into as few messages as its call files allow.
fn pieces(message: &Message, route: &Route) -> Vec<Message> {
    let fits = !matches!(
        callfile::encode(message, route, 0, ""),
        Err(Unfit::TooLong { .. })
    );
    let text = message.text.to_utf8();
    let mut middle = text.len() / 2;
    while !text.is_char_boundary(middle) {
        middle = middle.saturating_add(1);
    }
    match text.split_at_checked(middle) {
        Some((first, second)) if !fits && !first.is_empty() && !second.is_empty() => {
            [first, second]
                .into_iter()
                .flat_map(|half| {
                    let text = Text::parse_inbound(half.as_bytes(), None);
                    pieces(
                        &Message {
                            text,
                            ..message.clone()
                        },
                        route,
                    )
                })
                .collect()
        }
        _ => vec![message.clone()],
    }
}

/// Returns the place of a text's piece among the ids of its request, which has fewer messages than this.
fn piece_id(place: u64, piece: u64) -> u64 {
    place.saturating_add(piece.saturating_mul(0x1_0000))
}

/// Delivers a text of which some parts are missing. Returns whether it is safe.
pub(super) fn deliver_text(setup: &Setup, interface: &str, id: u64, message: &Message) -> bool {
    let mut batch = Batch::default();
    for (piece, message) in (0..).zip(pieces(message, &setup.config.route)) {
        let id = id.wrapping_add(piece_id(0, piece));
        let added = batch.add(setup, interface, id, &message, clock::now_s());
        if added.is_err() {
            return false;
        }
    }
    let (put, unique) = (batch.put(setup), id_text(id));
    let route = FromTo(message, setup.config.log_numbers);
    if let Err(Unsafe { fault, .. }) = put {
        let words = format_args!("{unique} a text in parts {route} waits: {fault}");
        log::event(Level::Error, words);
        return false;
    }
    let words = format_args!("{unique} a text in parts {route}, not all of which came");
    log::event(Level::Notice, words);
    let result = MessageResult::Delivered(id);
    if let Some(status) = &setup.status {
        status.counts.settle(interface, message, &result, "");
    }
    run_hook(setup, interface, message, &result);
    true
}

/// Runs the operator's own program for a message that is safe.
fn run_hook(setup: &Setup, interface: &str, message: &Message, result: &MessageResult) {
    if let Some(program) = &setup.on_message
        && let MessageResult::Delivered(id) = result
    {
        let id = id_text(*id);
        hook::start(Run {
            label: format!("{id} {}", Event::Message.key()),
            program: program.clone(),
            environment: environment(Event::Message, &id, interface, message),
            input: message.text.as_bytes().to_vec(),
        });
    }
}

/// A message cannot be written as a call file; the reason was logged.
struct Unencoded;
