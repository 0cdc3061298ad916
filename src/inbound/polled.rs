//! Delivers the elements of a provider's list as SMS, as if each had come in by itself.
//!
//! The list is foreign input, as a webhook is: an element that is no SMS we can take is logged, kept and passed
//! over, and stops none of the others.

use super::Setup;
use super::deliver::{MessageResult, Order};
use super::id::Id;
use super::source::Source;
use crate::limits::{BODY_BYTES_MAX, MESSAGES_MAX};
use crate::proto::record::kept::Items;
use crate::proto::record::seen::{Print, digest};
use crate::proto::webhook::access::Permit;
use crate::proto::webhook::interface::Interface;
use crate::proto::webhook::proof::Coverage;
use crate::proto::webhook::{self, BadWebhook, Item, Reading};
use crate::proto::wire::json;
use crate::proto::wire::request::{Request, Version};
use crate::proto::wire::response::Refusal;
use crate::sys::clock;
use crate::sys::lock::Share;

/// The kind of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It holds at least one SMS; they are identified by their ids and contents.
    Sms,
    /// It holds no SMS that was received (`poll_if`).
    Other,
    /// It cannot be taken.
    Bad,
}

/// Returns the kind of an element and the digest that identifies it. An element without an SMS or an id is
/// identified by its own bytes.
pub fn read_element(interface: &Interface, element: &[u8]) -> (Kind, u64) {
    let own = digest(&[b"element", element]);
    match read(interface, element) {
        Ok(None) => (Kind::Other, own),
        Err(_) => (Kind::Bad, own),
        Ok(Some(items)) => {
            let mut sms = Vec::new();
            for item in &items {
                if let Ok(message) = &item.message {
                    let print = Print::of(&interface.name, item.id.as_deref(), message, None);
                    let id = print.id.map_or(own, std::num::NonZeroU64::get);
                    sms.extend_from_slice(&id.to_be_bytes());
                    sms.extend_from_slice(&print.content.to_be_bytes());
                }
            }
            (Kind::Sms, digest(&[b"sms", &sms]))
        }
    }
}

/// Reads the SMS of an element; `None` if it holds none that was received.
fn read(interface: &Interface, element: &[u8]) -> Result<Option<Vec<Item>>, BadWebhook> {
    if element.len() > BODY_BYTES_MAX {
        return Err(BadWebhook::TooMuch("bytes"));
    }
    // Malformed JSON would otherwise look like an element without a received SMS.
    if let Some(at) = json::malformed(element) {
        return Err(BadWebhook::NoJson {
            missing: "SMS",
            place: "the element",
            at,
        });
    }
    let permit = Permit::replayed(interface, Coverage::Element(element.to_vec()));
    match webhook::read(permit, &no_request())? {
        Reading::Messages(items, _) => Ok(Some(items)),
        Reading::Filtered(_) => Ok(None),
    }
}

/// Returns an empty request: all that is read stands in the element.
fn no_request() -> Request<'static> {
    Request {
        method: "GET",
        target: b"/",
        version: Version::Http11,
        fields: Default::default(),
        body: b"",
    }
}

/// Delivers elements in this order. Returns which of them are dealt with: safe now, delivered before, or
/// impossible to take. With `no_ids` an element without an id is an SMS of its own; otherwise its bytes
/// serve as its id.
pub fn deliver_elements(
    setup: &Setup,
    interface: &Interface,
    elements: &[&[u8]],
    no_ids: bool,
) -> Vec<bool> {
    let mut dealt_with = Vec::new();
    for some in elements.chunks(MESSAGES_MAX) {
        let order = Order {
            setup,
            interface,
            id: Id::draw(),
            source: Source::Poll,
            share: Share::Shared,
            signature: None,
        };
        let dealt = order.take_elements(some, no_ids);
        let is_safe = dealt.iter().all(|it| *it);
        dealt_with.extend(dealt);
        // Later SMS must not overtake one that could not be stored.
        if !is_safe {
            break;
        }
    }
    dealt_with.resize(elements.len(), false);
    dealt_with
}

impl Order<'_> {
    fn take_elements(&self, elements: &[&[u8]], no_ids: bool) -> Vec<bool> {
        let now_s = clock::now_s();
        let mut items: Vec<Item> = Vec::new();
        // The index of the element to which each item belongs.
        let mut owners = Vec::new();
        let mut dealt_with = vec![true; elements.len()];
        for (place, element) in elements.iter().enumerate() {
            match read(self.interface, element) {
                Ok(None) => {}
                Ok(Some(mut of_element)) => {
                    for item in &mut of_element {
                        if item.id.is_none() && !no_ids {
                            let own = digest(&[b"element", element]);
                            item.id = Some(format!("{own:016x}").into_bytes());
                        }
                        owners.push(place);
                    }
                    items.append(&mut of_element);
                }
                Err(bad) => self.keep_element(element, &bad, now_s),
            }
        }
        if items.is_empty() {
            return dealt_with;
        }
        let outcome = self.deliver(&items, now_s);
        for (nth, place) in owners.iter().enumerate() {
            let is_safe = match outcome.results.get(nth) {
                None | Some(MessageResult::Crowded) => false,
                Some(
                    MessageResult::Delivered(_) | MessageResult::Held | MessageResult::Duplicate,
                ) => true,
                Some(MessageResult::Rejected(_) | MessageResult::TooLong) => {
                    self.keep_bytes(elements.get(*place).copied().unwrap_or_default(), now_s);
                    true
                }
            };
            if let Some(dealt_with) = dealt_with.get_mut(*place) {
                *dealt_with = *dealt_with && is_safe;
            }
        }
        dealt_with
    }

    /// Keeps an element that cannot be taken, for the operator to look at.
    fn keep_element(&self, element: &[u8], bad: &BadWebhook, now_s: u64) {
        let own = digest(&[b"element", element]);
        let status = self.interface.webhook.reject_status;
        let words = format_args!("element {own:016x}: {bad}");
        self.refuse(Refusal::Rejected(status), status, words);
        self.keep_bytes(element, now_s);
    }

    fn keep_bytes(&self, element: &[u8], now_s: u64) {
        let most = element.get(..BODY_BYTES_MAX).unwrap_or(element);
        let coverage = Coverage::Element(most.to_vec());
        self.keep(&no_request(), coverage, Items::All, now_s);
    }
}
