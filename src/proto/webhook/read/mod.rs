//! A permit and its request → messages.
//!
//! Which bytes are parameters is decided in [`source`], which of them a key means in [`lookup`], what
//! becomes of a text in [`text`]. Here stands what makes them an SMS.
//!
//! Invariant: a [`Permit`] is used up, and of the request only what it covers is read.

mod lookup;
mod source;
mod text;

use std::borrow::Cow;
use std::fmt;

use crate::limits::MESSAGES_MAX;
use crate::message::{BadMessage, Message, Number, Sender, Text};
use crate::proto::webhook::access::Permit;
use crate::proto::webhook::interface::Webhook;
use crate::proto::webhook::verify::Coverage;
use crate::proto::wire::number;
use crate::proto::wire::request::Request;
use lookup::{Places, Scope};
use source::Source;
use text::{charset, text};

pub use source::{Pair, distinct_pairs, form_pairs, json_pairs, parameter};

/// What a request that was let in says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Messages, at least one item: one, or with `each` one an element, acceptable or not.
    Messages(Vec<Item>),
    /// No message (`accept_if`, an empty list): acknowledged, logged, nothing else.
    Filtered,
}

/// One element of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The SMS, or why it is none. Without `each` always the former.
    pub message: Result<Message, BadMessage>,
    /// The provider's id, not empty.
    pub id: Option<Vec<u8>>,
    /// The channel that was dropped from before the sender, or else the destination: `whatsapp`.
    pub channel: Option<&'static str>,
}

/// Why a request holds no message. The peer's fault, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadWebhook {
    /// More parameters, JSON values, nesting, messages or parts than the limits allow: 413.
    TooMuch(&'static str),
    /// A parameter that is missing or not acceptable: `reject_status`.
    Message(BadMessage),
    /// No list where `each` says: `reject_status`.
    NoList,
    /// One of the two, and the reason may be that something looks like JSON and is none: `reject_status`.
    NoJson {
        /// `to`, `from`, `text` or `list of messages`.
        missing: &'static str,
        /// `the body` or `a parameter`.
        place: &'static str,
        /// The byte at which it is none, counted from 1.
        at: usize,
    },
}

/// Facts and limits, never a value.
impl fmt::Display for BadWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadWebhook::TooMuch(what) => write!(f, "too many {what}"),
            BadWebhook::Message(bad) => bad.fmt(f),
            BadWebhook::NoList => write!(f, "no {LIST} where each says"),
            BadWebhook::NoJson { missing, place, at } => {
                write!(f, "no {missing}: {place} is no JSON at byte {at}")
            }
        }
    }
}

/// What is missing where `each` finds nothing.
const LIST: &str = "list of messages";

impl BadWebhook {
    /// Says why something is missing, where `malformed` JSON may be the reason.
    fn because(self, malformed: Option<(&'static str, usize)>) -> BadWebhook {
        let missing = match &self {
            BadWebhook::Message(BadMessage::Missing { field }) => field,
            BadWebhook::NoList => LIST,
            _ => return self,
        };
        match malformed {
            Some((place, at)) => BadWebhook::NoJson { missing, place, at },
            None => self,
        }
    }
}

/// Reads the messages of a request, body included, as the permit's interface says. Pure; consumes the permit.
///
/// With `each`, to, from, text and id are sought in the element alone. `accept_if` is judged for
/// each element: by the element itself, and where it has no such key by what stands beside the
/// list, so that one delivery receipt among messages hides none of them.
pub fn read(permit: Permit<'_>, request: &Request<'_>) -> Result<Reading, BadWebhook> {
    let webhook = &permit.interface().webhook;
    let source = Source::read(permit.coverage(), request, webhook)?;
    let places = Places::new(&source, webhook)?;
    let charset = charset(request.header("content-type").unwrap_or_default());
    let body = source.malformed.map(|at| ("the body", at));
    let malformed = body.or(places.malformed.map(|at| ("a parameter", at)));
    messages(&source, &places, webhook, charset).map_err(|bad| bad.because(malformed))
}

fn messages(
    source: &Source<'_>,
    places: &Places<'_>,
    webhook: &Webhook,
    charset: Option<&str>,
) -> Result<Reading, BadWebhook> {
    let accepted = |scope: Scope| match &webhook.accept_if {
        Some(condition) => scope
            .presence(&condition.key)
            .map(|found| condition.holds(&found)),
        None => Some(true),
    };
    let without_key = webhook.accept_if.as_ref().is_some_and(|c| c.holds(b""));
    // What a signature does not cover may still say that this is no message.
    let whole = Scope::Whole(places);
    let is_message = accepted(whole).or_else(|| places.uncovered(webhook));
    if is_message.is_none() && source.garbled {
        return Err(BadWebhook::Message(BadMessage::Missing { field: "to" }));
    }
    let is_message = is_message.unwrap_or(without_key);
    if webhook.each.is_empty() {
        if !is_message {
            return Ok(Reading::Filtered);
        }
        let item = item(whole, webhook, charset);
        return match item.message {
            Ok(_) => Ok(Reading::Messages(vec![item])),
            Err(error) => Err(BadWebhook::Message(error)),
        };
    }
    let Some(elements) = places.list(&webhook.each) else {
        return match is_message {
            true => Err(BadWebhook::NoList),
            false => Ok(Reading::Filtered),
        };
    };
    if elements.len() > MESSAGES_MAX {
        return Err(BadWebhook::TooMuch("messages"));
    }
    let beside = accepted(Scope::Beside(places)).or_else(|| places.uncovered(webhook));
    let items: Vec<Item> = elements
        .into_iter()
        .map(|element| Scope::Element(places, element))
        .filter(|element| accepted(*element).or(beside).unwrap_or(without_key))
        .map(|element| item(element, webhook, charset))
        .collect();
    match items.is_empty() {
        true => Ok(Reading::Filtered),
        false => Ok(Reading::Messages(items)),
    }
}

/// Whether a request names a destination, sender or text at all, at any place that its proof covers. A
/// GET that does not is somebody's look at the address and no message.
pub fn names_any(coverage: &Coverage, request: &Request<'_>, webhook: &Webhook) -> bool {
    let Ok(source) = Source::read(coverage, request, webhook) else {
        return false;
    };
    let Ok(places) = Places::new(&source, webhook) else {
        return false;
    };
    let whole = Scope::Whole(&places);
    [
        &webhook.key_to,
        &webhook.key_from,
        &webhook.key_body,
        &webhook.key_caption,
    ]
    .into_iter()
    .any(|key| whole.find(key).is_some())
}

fn item(scope: Scope, webhook: &Webhook, charset: Option<&str>) -> Item {
    let (message, channel) = match message(scope, webhook, charset) {
        Ok((message, channel)) => (Ok(message), channel),
        Err(bad) => (Err(bad), None),
    };
    let id = scope.find(&webhook.key_id).map(Cow::into_owned);
    Item {
        message,
        id: id.filter(|id| !id.is_empty()),
        channel,
    }
}

/// The SMS, and the channel that stood before one of its numbers.
fn message(
    scope: Scope,
    webhook: &Webhook,
    charset: Option<&str>,
) -> Result<(Message, Option<&'static str>), BadMessage> {
    let field = |key: &[u8], field| scope.find(key).ok_or(BadMessage::Missing { field });
    let (to, from) = (
        field(&webhook.key_to, "to")?,
        field(&webhook.key_from, "from")?,
    );
    let ((to, to_channel), (from, from_channel)) = (number::inbound(&to), number::inbound(&from));
    let (to, from) = (Number::parse_inbound(&to)?, Sender::parse_inbound(&from)?);
    let in_format = |raw: &str| number::format(raw, webhook.number_format).into_bytes();
    let message = Message {
        to: Number::parse_inbound(&in_format(to.as_str()))?,
        from: Sender::parse_inbound(&in_format(from.as_str()))?,
        text: Text::parse_inbound(&text(scope, webhook)?, charset),
    };
    Ok((message, from_channel.or(to_channel)))
}

#[cfg(test)]
mod tests;
