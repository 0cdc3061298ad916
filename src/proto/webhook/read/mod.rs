//! A permit and its request → messages.
//!
//! Which bytes are parameters is decided in [`source`], which of them a key means in [`lookup`].
//! Here stands what makes them an SMS.
//!
//! Invariant: a [`Permit`] is used up, and of the request only what it covers is read.

mod lookup;
mod source;

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::limits::{MEDIA_LINK_BYTES_MAX, MEDIA_LINKS_MAX, MESSAGES_MAX};
use crate::message::{BadMessage, Message, Number, Sender, Text};
use crate::proto::webhook::access::Permit;
use crate::proto::webhook::interface::{Decode, Media, Webhook};
use crate::proto::webhook::verify::Coverage;
use crate::proto::wire::form;
use crate::proto::wire::number;
use crate::proto::wire::request::Request;
use lookup::{Places, Scope};
use source::Source;

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
    let accepted = |scope: Scope| match &webhook.accept_if {
        Some(condition) => scope
            .presence(&condition.key)
            .map(|found| condition.holds(&found)),
        None => Some(true),
    };
    let without_key = webhook.accept_if.as_ref().is_some_and(|c| c.holds(b""));
    // What a signature does not cover may still say that this is no message.
    let whole = Scope::Whole(&places);
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
    let beside = accepted(Scope::Beside(&places)).or_else(|| places.uncovered(webhook));
    let items: Vec<Item> = elements
        .into_iter()
        .map(|element| Scope::Element(&places, element))
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
    let field = |key: &[u8], field| scope.find(key).ok_or(BadMessage::Missing { field });
    let message = || {
        let to = Number::parse_inbound(&field(&webhook.key_to, "to")?)?;
        let from = Sender::parse_inbound(&field(&webhook.key_from, "from")?)?;
        let in_format = |raw: &str| number::format(raw, webhook.number_format).into_bytes();
        Ok(Message {
            to: Number::parse_inbound(&in_format(to.as_str()))?,
            from: Sender::parse_inbound(&in_format(from.as_str()))?,
            text: Text::parse_inbound(&text(scope, webhook)?, charset),
        })
    };
    Item {
        message: message(),
        id: scope
            .find(&webhook.key_id)
            .map(Cow::into_owned)
            .filter(|id| !id.is_empty()),
    }
}

/// The text, and behind it the links of an MMS, which need not have one.
fn text(scope: Scope, webhook: &Webhook) -> Result<Vec<u8>, BadMessage> {
    let media = scope.all(&webhook.key_media, MEDIA_LINKS_MAX);
    let text = scope.find(&webhook.key_body);
    let caption = text.or_else(|| scope.find(&webhook.key_caption));
    let mut text = match caption {
        Some(text) => decode(&text, webhook.text_decode),
        None if media.iter().any(|link| !link.is_empty()) => Vec::new(),
        None => return Err(BadMessage::Missing { field: "text" }),
    };
    let links = media.iter().filter(|link| is_link(link));
    for link in links.filter(|_| webhook.media == Media::Link) {
        if !text.is_empty() {
            text.push(b'\n');
        }
        text.extend_from_slice(link);
    }
    Ok(text)
}

/// What can be followed. The layout of an MMS (`.smil`) says nothing to a reader.
fn is_link(link: &[u8]) -> bool {
    let scheme = |name: &[u8]| {
        let start = link.get(..name.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let path = link.split(|b| matches!(b, b'?' | b'#')).next();
    let path = path.unwrap_or_default().to_ascii_lowercase();
    (scheme(b"https://") || scheme(b"http://"))
        && link.len() <= MEDIA_LINK_BYTES_MAX
        && link.iter().all(u8::is_ascii_graphic)
        && !path.ends_with(b".smil")
}

/// A text that is not wholly in the encoding is what it is: some messages come without it.
fn decode(text: &[u8], from: Decode) -> Vec<u8> {
    let decoded = match from {
        Decode::None => None,
        Decode::Percent => percent_decoded(text),
        Decode::Base64 => BASE64_STANDARD.decode(text.trim_ascii()).ok(),
    };
    decoded.unwrap_or_else(|| text.to_vec())
}

fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let whole = text.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => hex(text.get(at.saturating_add(1))) && hex(text.get(at.saturating_add(2))),
        byte => byte.is_ascii_graphic(),
    });
    let blanks = |byte: &u8| match byte {
        b'+' => b' ',
        byte => *byte,
    };
    whole.then(|| form::percent_decode(&text.iter().map(blanks).collect::<Vec<u8>>()))
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
