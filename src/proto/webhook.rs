//! A permit and its request → messages.
//!
//! Which bytes are parameters is decided in [`source`], which of them a key means in [`lookup`].
//! Here stands what makes them an SMS.
//!
//! Invariant: a [`Permit`] is used up, and of the request only what it covers is read.

mod lookup;
mod source;

use std::borrow::Cow;

use crate::limits::MESSAGES_MAX;
use crate::message::{BadMessage, Message, Number, Sender, Text};
use crate::proto::access::Permit;
use crate::proto::request::Request;
use crate::proto::verify::Coverage;
use lookup::{Places, Scope};
use source::Source;

pub use source::{Pair, distinct_pairs, form_pairs, json_pairs, parameter};

/// Which parameters of a webhook make an SMS, and what it is answered (one interface).
#[derive(Debug, Clone)]
pub struct Hook {
    /// The interface's index; empty where there is none.
    pub interface: String,
    /// Parameter names or JSON paths.
    pub key_to: Vec<u8>,
    /// The sender's.
    pub key_from: Vec<u8>,
    /// The text's.
    pub key_body: Vec<u8>,
    /// The provider's message id; empty: none.
    pub key_id: Vec<u8>,
    /// Only requests with this key and value are messages.
    pub accept_if: Option<(Vec<u8>, Vec<u8>)>,
    /// Path of the list whose elements are one message each; empty: none.
    pub each: Vec<u8>,
    /// Body of the answer to an accepted SMS.
    pub report_success: Vec<u8>,
    /// Its content type, settled by `config` from `report_type` or the look of the body.
    pub report_type: String,
    /// Status for requests that are no acceptable message.
    pub reject_status: u16,
}

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
}

/// Reads the messages of a request, body included. Pure; consumes the permit.
///
/// With `each`, to, from, text and id are sought in the element alone. `accept_if` is judged for
/// each element: by the element itself, and where it has no such key by what stands beside the
/// list, so that one delivery receipt among messages hides none of them.
pub fn read(permit: Permit, request: &Request<'_>, hook: &Hook) -> Result<Reading, BadWebhook> {
    let source = Source::read(permit.coverage(), request, hook)?;
    let places = Places::new(&source, hook)?;
    let charset = charset(request.header("content-type").unwrap_or_default());
    let accepted = |scope: Scope| match &hook.accept_if {
        Some((key, value)) => scope.find(key).map(|found| found == *value),
        None => Some(true),
    };
    // What a signature does not cover may still say that this is no message.
    let whole = Scope::Whole(&places);
    let is_message = accepted(whole).or_else(|| places.uncovered(hook));
    if is_message.is_none() && source.garbled {
        return Err(BadWebhook::Message(BadMessage::Missing { field: "to" }));
    }
    if hook.each.is_empty() {
        if is_message != Some(true) {
            return Ok(Reading::Filtered);
        }
        let item = item(whole, hook, charset);
        return match item.message {
            Ok(_) => Ok(Reading::Messages(vec![item])),
            Err(error) => Err(BadWebhook::Message(error)),
        };
    }
    let Some(elements) = places.list(&hook.each) else {
        return match is_message {
            Some(true) => Err(BadWebhook::NoList),
            _ => Ok(Reading::Filtered),
        };
    };
    if elements.len() > MESSAGES_MAX {
        return Err(BadWebhook::TooMuch("messages"));
    }
    let beside = accepted(Scope::Beside(&places)).or_else(|| places.uncovered(hook));
    let items: Vec<Item> = elements
        .into_iter()
        .map(|element| Scope::Element(&places, element))
        .filter(|element| accepted(*element).or(beside) == Some(true))
        .map(|element| item(element, hook, charset))
        .collect();
    match items.is_empty() {
        true => Ok(Reading::Filtered),
        false => Ok(Reading::Messages(items)),
    }
}

/// Whether a request names a destination, sender or text at all, at any place that its proof covers. A
/// GET that does not is somebody's look at the address and no message.
pub fn names_any(coverage: &Coverage, request: &Request<'_>, hook: &Hook) -> bool {
    let Ok(source) = Source::read(coverage, request, hook) else {
        return false;
    };
    let Ok(places) = Places::new(&source, hook) else {
        return false;
    };
    let whole = Scope::Whole(&places);
    [&hook.key_to, &hook.key_from, &hook.key_body]
        .into_iter()
        .any(|key| whole.find(key).is_some())
}

fn item(scope: Scope, hook: &Hook, charset: Option<&str>) -> Item {
    let field = |key: &[u8], field| scope.find(key).ok_or(BadMessage::Missing { field });
    let message = || {
        Ok(Message {
            to: Number::parse_inbound(&field(&hook.key_to, "to")?)?,
            from: Sender::parse_inbound(&field(&hook.key_from, "from")?)?,
            text: Text::parse_inbound(&field(&hook.key_body, "text")?, charset),
        })
    };
    Item {
        message: message(),
        id: scope
            .find(&hook.key_id)
            .map(Cow::into_owned)
            .filter(|id| !id.is_empty()),
    }
}

/// The `charset` parameter of a content type.
fn charset(content_type: &[u8]) -> Option<&str> {
    let mut parameters = content_type.split(|b| *b == b';').skip(1);
    let value = parameters.find_map(|parameter| {
        let (name, value) = parameter.trim_ascii().split_at_checked("charset=".len())?;
        name.eq_ignore_ascii_case(b"charset=").then_some(value)
    })?;
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    std::str::from_utf8(value.strip_suffix(b"\"").unwrap_or(value)).ok()
}

#[cfg(test)]
mod tests;
