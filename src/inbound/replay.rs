//! Delivers a kept request after all, step by step.
//!
//! Address and credentials passed when it came and are not checked again; the file has the interface that
//! it belonged to and the coverage of its proof. Everything else is as for a new request, duplicates
//! included.

use super::connection::Reply;
use super::deliver::{MessageResult, Order, RequestResult};
use super::id::Id;
use super::source::Source;
use super::{Keeps, Setup};
use crate::proto::record::inbox::id_text;
use crate::proto::record::kept::{Items, Kept};
use crate::proto::record::seen::Signature;
use crate::proto::webhook::access::{Caller, Permit};
use crate::proto::webhook::{self, BadWebhook, Item, Reading};
use crate::sys::clock;
use crate::sys::lock::Share;
use crate::sys::log::{Clean, Quoted};

/// The result of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replayed {
    /// At least one message is in the inbox or the spool, now or since before.
    Delivered,
    /// The request still holds no acceptable message.
    NotAcceptable,
    /// The configuration does not have the interface that it was for.
    NoInterface,
    /// The spool or the record of ids cannot take it for now.
    Failed,
}

/// Runs a request through the inbound path. `say` gets one line for each step, without a text or secret.
pub fn replay(setup: &Setup, kept: &Kept, say: &mut dyn FnMut(&str)) -> Replayed {
    let mut interfaces = setup.config.rules.interfaces.iter();
    let Some(interface) = interfaces.find(|it| it.name == kept.interface) else {
        say("interface: not in this configuration");
        return Replayed::NoInterface;
    };
    let shown = Clean(kept.interface.as_bytes());
    say(&match kept.interface.is_empty() {
        true => "interface: the only one".to_owned(),
        false => format!("interface: {shown}"),
    });
    let source = match kept.address {
        Some(address) => Source::Peer(address, Some(Caller::Peer(address))),
        None => Source::Peer([0, 0, 0, 0].into(), Some(Caller::Unknown)),
    };
    let rules = &setup.config.rules;
    // If some of its messages were delivered, its signature was recorded with them.
    let proof = kept.proof.filter(|_| kept.items == Items::All);
    let order = Order {
        setup,
        interface,
        id: Id::draw(),
        source,
        share: Share::Alone,
        signature: proof.and_then(|proof| Signature::kept(rules, interface, proof)),
    };
    let request = kept.request();
    let permit = Permit::replayed(interface, kept.coverage.clone());
    let items = match webhook::read(permit, &request) {
        Ok(Reading::Messages(items, _)) => items,
        Ok(Reading::Filtered(_)) => {
            say("messages: none, by accept_if or an empty list");
            return Replayed::NotAcceptable;
        }
        Err(bad) => {
            say(&match bad {
                BadWebhook::Message(bad) => format!("messages: not acceptable: {bad}"),
                bad => format!("messages: {bad}"),
            });
            return Replayed::NotAcceptable;
        }
    };
    let count = items.len();
    let Some(numbered) = wanted(items, &kept.items) else {
        say(&format!(
            "messages: {count}, which is not how many there were: some of them have been delivered, \
             and which cannot be told"
        ));
        return Replayed::NotAcceptable;
    };
    let (numbers, items): (Vec<usize>, Vec<Item>) = numbered.into_iter().unzip();
    say(&format!("messages: {count}, {} to deliver", items.len()));
    let outcome = order.deliver(&items, clock::now_s());
    for ((number, item), result) in numbers.iter().zip(&items).zip(&outcome.results) {
        say(&format!(
            "message {number}: {}",
            told(item, result, setup.keeps)
        ));
    }
    match outcome {
        RequestResult {
            reply: Reply::Accepted(_),
            ..
        } => Replayed::Delivered,
        RequestResult { results, .. } if results.iter().any(MessageResult::is_crowded) => {
            Replayed::Failed
        }
        RequestResult { results, .. } if results.is_empty() => {
            say("not delivered: the inbox or spool cannot take it, or websmsd is busy with it");
            Replayed::Failed
        }
        RequestResult { .. } => Replayed::NotAcceptable,
    }
}

/// Returns the messages that were refused, with their places from 1. Returns `None` if the list has another
/// length now, so that a delivered message could be taken for a refused one.
fn wanted(items: Vec<Item>, which: &Items) -> Option<Vec<(usize, Item)>> {
    let count = items.len();
    let numbered = (1..).zip(items);
    match which {
        Items::All => Some(numbered.collect()),
        Items::Some { of, .. } if *of != count => None,
        Items::Some { places, .. } => Some(
            numbered
                .filter(|(place, _)| places.contains(place))
                .collect(),
        ),
    }
}

fn told(item: &Item, result: &MessageResult, keeps: Keeps) -> String {
    let result = match result {
        MessageResult::Delivered(unique) if keeps == Keeps::Inbox => {
            format!("in the inbox, {}", id_text(*unique))
        }
        MessageResult::Delivered(unique) => format!("delivered, {}", id_text(*unique)),
        MessageResult::Held => "a part, whose others are awaited".to_owned(),
        MessageResult::Duplicate => "delivered before".to_owned(),
        MessageResult::Rejected(bad) => return format!("not acceptable: {bad}"),
        MessageResult::TooLong => "text too long".to_owned(),
        MessageResult::Crowded => "not delivered, for too many wait for its number".to_owned(),
    };
    match &item.message {
        Ok(message) => {
            let (from, to) = (message.from.as_str(), message.to.as_str());
            let (from, to) = (Quoted(from.as_bytes()), Quoted(to.as_bytes()));
            format!("from {from} to {to}: {result}")
        }
        Err(_) => result,
    }
}
