//! Delivers one request's messages into the inbox, or as call files into the spool, and logs the result.

mod tell;
mod text;

use std::num::NonZeroU64;

use super::Setup;
use super::batch::{Batch, Unsafe};
use super::connection::Reply;
use super::duplicates::{Busy, Claim};
use super::id::Id;
use super::kept::KeepResult;
use super::parts::{Taken, Whole};
use super::reports::Reports;
use super::source::Source;
use crate::message::{BadMessage, Message};
use crate::proto::record::kept::{Items, Kept, Method};
use crate::proto::record::parts::Part;
use crate::proto::record::seen::{Known, Places, Print, Signature};
use crate::proto::webhook::callfile::Unfit;
use crate::proto::webhook::interface::Interface;
use crate::proto::webhook::proof::Coverage;
use crate::proto::webhook::{Item, Report};
use crate::proto::wire::request::Request;
use crate::proto::wire::response::Refusal;
use crate::sys::cause::Cause;
use crate::sys::clock;
use crate::sys::lock::Share;
use crate::sys::log::{Clean, Level};
pub(super) use text::deliver_text;
use text::{add_pieces, piece_id};

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

/// The state of the messages of a request on their way into the spool.
#[derive(Default)]
struct Work<'p> {
    batch: Batch,
    /// The texts that became whole, and the places of their last parts among the messages.
    wholes: Vec<(usize, Whole)>,
    results: Vec<MessageResult>,
    /// The messages that were delivered before under another signature.
    resigned: Vec<&'p Print>,
    /// The messages that need too many call files.
    too_long: Vec<&'p Print>,
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
        let mut work = Work::default();
        let mut is_put = true;
        for (place, (item, print)) in (0..).zip(items.iter().zip(&prints)) {
            let known = print.as_ref().zip(print.and_then(|_| known.next()));
            match self.prepare(item, known, (place, now_s), &mut work) {
                Ok(result) => {
                    work.batch.own(work.results.len());
                    work.results.push(result);
                }
                Err(Unencoded) => {
                    is_put = false;
                    break;
                }
            }
        }
        let Work {
            batch,
            wholes,
            mut results,
            resigned,
            ..
        } = work;
        if is_put && !batch.is_empty() {
            let mut known_again = items.iter().zip(&prints);
            let has_id = |print: &Option<Print>| print.is_some_and(|print| print.id.is_some());
            let may_split = known_again.all(|(it, print)| it.message.is_err() || has_id(print));
            is_put = self.put(items, batch, &mut results, may_split);
        }
        if !is_put {
            self.settle(wholes, &[]);
            return self.later(Refusal::Spool);
        }
        for (owner, whole) in &wholes {
            if let Some(parts) = self
                .setup
                .parts
                .as_ref()
                .filter(|_| is_safe(&results, *owner))
            {
                parts.mark(whole);
            }
        }
        let mut safe: Vec<Print> = Vec::new();
        for (print, result) in prints.iter().zip(&results) {
            if let (Some(print), MessageResult::Delivered(_) | MessageResult::Held) =
                (print, result)
            {
                safe.push(*print);
            }
        }
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
        self.tell(items, &results, &wholes);
        self.settle(wholes, &results);
        RequestResult {
            reply: self.reply(&results),
            results,
        }
    }

    /// Adds a message to the batch unless it is not acceptable, or was delivered before by what is `known` of
    /// it.
    fn prepare<'p>(
        &self,
        item: &Item,
        known: Option<(&'p Print, Known)>,
        at: (u64, u64),
        work: &mut Work<'p>,
    ) -> Result<MessageResult, Unencoded> {
        let message = match &item.message {
            Ok(message) => message,
            Err(bad) => {
                self.reject(bad);
                return Ok(MessageResult::Rejected(bad.clone()));
            }
        };
        match known {
            // A message equal to one of this request that was not delivered is not delivered either.
            Some((print, Known::Same)) if work.too_long.contains(&print) => {
                return Ok(MessageResult::TooLong);
            }
            Some((print, known @ (Known::Same | Known::Resigned | Known::Recut))) => {
                // Its new signature must not come again either.
                work.resigned
                    .extend((known == Known::Resigned).then_some(print));
                self.warn_of(known);
                return Ok(MessageResult::Duplicate);
            }
            _ => {}
        }
        let result = self.take(item, message, at, work)?;
        match known {
            Some((print, _)) if result == MessageResult::TooLong => work.too_long.push(print),
            Some((_, known)) => self.warn_of(known),
            None => {}
        }
        Ok(result)
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

    /// Settles the texts that became whole: by the results of their messages they have gone, or they wait on.
    fn settle(&self, wholes: Vec<(usize, Whole)>, results: &[MessageResult]) {
        let wait = self.interface.webhook.part_wait;
        for (owner, whole) in wholes {
            if let Some(parts) = &self.setup.parts {
                parts.settle(whole, is_safe(results, owner), wait);
            }
        }
    }

    /// Adds a message to the batch; for a part, adds the text once it is whole.
    fn take(
        &self,
        item: &Item,
        message: &Message,
        (place, now_s): (u64, u64),
        work: &mut Work,
    ) -> Result<MessageResult, Unencoded> {
        let batch = &mut work.batch;
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
            // The same request holds it twice.
            Ok(Taken::UnderWay(text))
                if work.wholes.iter().any(|(_, whole)| whole.is_text(text)) =>
            {
                Ok(MessageResult::Duplicate)
            }
            Ok(Taken::UnderWay(_)) => {
                self.log_later(Level::Warning, format_args!("its text is under way"));
                Err(Unencoded)
            }
            Ok(Taken::Whole(whole)) => {
                let mut pieces = Vec::new();
                add_pieces(&whole.message, &self.setup.config.route, &mut pieces);
                let owner = usize::try_from(place).unwrap_or(usize::MAX);
                work.wholes.push((owner, whole));
                let (mut result, first) = (Err(Unencoded), batch.files.len());
                for (piece, message) in (0..).zip(pieces) {
                    let added = self.encode(&message, piece_id(place, piece), now_s, batch)?;
                    result = result.or(Ok(added));
                }
                batch.keep_order(first);
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
            KeepResult::Done(name) => {
                self.note("KEPT", &name, format_args!("{}", self.id));
                self.log(Level::Notice, format_args!("kept as {name}"));
            }
            KeepResult::Held(name) => self.log_beside(format_args!("kept as {name}")),
            KeepResult::TooSoon => {
                self.log_beside(format_args!("not kept, after a burst only one a minute is"))
            }
            KeepResult::Failed => {}
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
}

/// Returns whether the message at this place has a final result: it was delivered, or is refused in any case, and
/// the provider need not send it again.
fn is_safe(results: &[MessageResult], place: usize) -> bool {
    results
        .get(place)
        .is_some_and(|result| !result.is_crowded())
}

/// A message cannot be written as a call file; the reason was logged.
struct Unencoded;
