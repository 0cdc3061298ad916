//! Reads the messages and delivery reports of a request that has a permit.
//!
//! `source` decides which parameters may be read, `lookup` which of them a key means, `shape` and `objects`
//! how many messages there are. `item` makes an SMS of them, `text` its text, and `report` reads delivery
//! reports.
//!
//! Invariant: a [`Permit`] is used up, and only the parts of the request that it covers are read.

mod item;
mod lookup;
mod objects;
mod report;
mod shape;
mod source;
mod text;
mod whole;

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::limits::MESSAGES_MAX;
use crate::message::BadMessage;
use crate::proto::grammar::{Condition, Conditions};
use crate::proto::webhook::access::Permit;
use crate::proto::webhook::interface::Webhook;
use crate::proto::webhook::proof::Coverage;
use crate::proto::wire::form::TooMuch;
use crate::proto::wire::request::Request;
pub use item::Item;
use item::Maker;
use lookup::{Place, Places, Scope};
pub use report::{Report, State};
use shape::{Level, Shape};
use source::Sources;
use text::charset;

/// The contents of a request that was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Messages, at least one item: a single one, or one for each element of a list, acceptable or not.
    /// Delivery reports that stand among them follow.
    Messages(Vec<Item>, Vec<Report>),
    /// No message (`accept_if`, `dlr_if`, an empty list). The request is acknowledged. It may hold delivery
    /// reports.
    Filtered(Vec<Report>),
}

/// The reason why a request holds no message. This is always the peer's fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadWebhook {
    /// There are more parameters, JSON values, levels, messages or parts than the limits allow; the answer
    /// is 413.
    TooMuch(&'static str),
    /// A parameter is missing or not acceptable; the answer is `reject_status`.
    Message(BadMessage),
    /// There is no list at the place that `each` names; the answer is `reject_status`.
    NoList,
    /// A parameter or the list is missing, perhaps because something that looks like JSON is malformed; the
    /// answer is `reject_status`.
    NoJson {
        /// The missing part: `to`, `from`, `text` or `list of messages`.
        missing: &'static str,
        /// The malformed part: `the body` or `a parameter`.
        place: &'static str,
        /// The byte at which it is malformed, counted from 1.
        at: usize,
    },
}

/// Shows facts and limits, never a value.
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

impl From<TooMuch> for BadWebhook {
    fn from(TooMuch(what): TooMuch) -> BadWebhook {
        BadWebhook::TooMuch(what)
    }
}

/// The name of the missing part if `each` finds nothing.
const LIST: &str = "list of messages";

impl BadWebhook {
    /// Adds malformed JSON to the fault if that may be the reason.
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

/// Reads the messages of a request, body included, by the rules of the permit's interface. Consumes the
/// permit.
///
/// With `each`, to, from, text and id are looked up in the element alone. `accept_if` is judged for each
/// element: by the element itself, or by the values beside the list if the element lacks the key, so that
/// one delivery receipt among messages hides none of them. A list at the top that holds several messages is
/// treated this way without `each`, too; a list elsewhere is refused.
///
/// A delivery report is never an SMS: `dlr_if` defines what a report is. Without it, a report is a request
/// that `accept_if` refuses and that has an id and a status. Each element of a list is judged by itself.
pub fn read(permit: Permit<'_>, request: &Request<'_>) -> Result<Reading, BadWebhook> {
    let interface = permit.interface();
    let is_element = matches!(permit.coverage(), Coverage::Element(_));
    let webhook = match &interface.polled {
        Some(polled) if is_element => polled,
        _ => &interface.webhook,
    };
    let source = Sources::read(permit.coverage(), request, webhook)?;
    let places = Places::new(&source, webhook)?;
    let charset = charset(request.header("Content-Type").unwrap_or_default());
    let body = source.malformed.map(|at| ("the body", at));
    let malformed = body.or(places.malformed.map(|at| ("a parameter", at)));
    let reading = messages(&source, &places, webhook, charset);
    let reading = reading.map_err(|bad| bad.because(malformed))?;
    match interface.gate.credentials.scheme.joins && !is_element {
        true => if_whole(reading),
        false => Ok(reading),
    }
}

/// Keeps the messages whose numbers cannot have been cut in another place than they were signed.
fn if_whole(reading: Reading) -> Result<Reading, BadWebhook> {
    let Reading::Messages(mut items, reports) = reading else {
        return Ok(reading);
    };
    for item in &mut items {
        let bad = item.message.as_ref().ok().map(whole::check);
        if let Some(Err(bad)) = bad {
            item.message = Err(bad);
        }
    }
    alone(items, reports)
}

fn messages(
    source: &Sources<'_>,
    places: &Places<'_>,
    webhook: &Webhook,
    charset: Option<&str>,
) -> Result<Reading, BadWebhook> {
    let whole = Scope::Whole(places);
    let maker = Maker::new(webhook, charset);
    let mut items = Vec::new();
    let Some(is_accepted) = holds(&webhook.accept_if, source, places) else {
        return Err(BadWebhook::Message(BadMessage::Missing { field: "to" }));
    };
    let dlr = &webhook.dlr;
    // Without `dlr_if`, a refused request is a report if it looks like one.
    let is_report = match dlr.only_if.is_empty() {
        true => !is_accepted,
        false => holds(&dlr.only_if, source, places) == Some(true),
    };
    let is_message = is_accepted && !is_report;
    let refused = || {
        let mut reports = Vec::new();
        if is_report {
            report::add_to(&mut reports, whole, dlr);
        }
        Ok(Reading::Filtered(reports))
    };
    let shape = match webhook.each.as_slice() {
        [] => whole.shape(webhook),
        each => match places.list(each) {
            Some(elements) => Shape::Several(elements, Level::Named),
            None if is_message => return Err(BadWebhook::NoList),
            None => return refused(),
        },
    };
    let (elements, level) = match shape {
        Shape::Several(elements, level) => (elements, level),
        _ if !is_message => return refused(),
        one => {
            maker.add_to(&mut items, whole, one);
            return alone(items, Vec::new());
        }
    };
    if matches!(level, Level::Named | Level::Top) && elements.len() > MESSAGES_MAX {
        return Err(BadWebhook::TooMuch("messages"));
    }
    let those = |conditions| accepted(conditions, &elements, level, places);
    let are_accepted = those(&webhook.accept_if).into_iter();
    let are_said = those(&dlr.only_if).into_iter();
    let mut reports = Vec::new();
    let judged = are_accepted.zip(are_said).enumerate();
    for (place, (nth, (accepted, said))) in elements.iter().zip(judged) {
        let element = Scope::Element(places, *place);
        let is_report = match dlr.only_if.is_empty() {
            true => !accepted,
            false => said,
        };
        if is_report {
            report::add_to(&mut reports, element, dlr);
        }
        if is_report || !accepted {
            continue;
        }
        match level {
            Level::Inside => return Err(BadWebhook::Message(BadMessage::Several)),
            Level::First if nth > 0 => {}
            Level::First => maker.add_to(&mut items, whole.of(*place), Shape::One),
            Level::Named | Level::Top => {
                maker.add_to(&mut items, element, element.shape(webhook));
            }
        }
    }
    match level {
        // Elements of a list that no key names are parts of a single report, if they are any.
        Level::Inside | Level::First if items.is_empty() => refused(),
        Level::First => alone(items, reports),
        _ if items.len() > MESSAGES_MAX => Err(BadWebhook::TooMuch("messages")),
        _ if items.is_empty() => Ok(Reading::Filtered(reports)),
        _ => Ok(Reading::Messages(items, reports)),
    }
}

/// Returns the result for one message, which may go to several destinations.
fn alone(items: Vec<Item>, reports: Vec<Report>) -> Result<Reading, BadWebhook> {
    match items.as_slice() {
        [
            Item {
                message: Err(bad), ..
            },
        ] => Err(BadWebhook::Message(bad.clone())),
        _ if items.len() > MESSAGES_MAX => Err(BadWebhook::TooMuch("messages")),
        _ => Ok(Reading::Messages(items, reports)),
    }
}

/// Whether all conditions hold for a whole request. Returns `None` if none fails, but one cannot be judged
/// because the body could not be read.
fn holds(conditions: &Conditions, source: &Sources<'_>, places: &Places<'_>) -> Option<bool> {
    let mut all = Some(true);
    for condition in conditions.iter() {
        match said(condition, Scope::Whole(places), places) {
            Some(true) => {}
            Some(false) => return Some(false),
            None if source.garbled => all = None,
            None => all = all.map(|all| all && condition.holds(b"")),
        }
    }
    all
}

/// Returns for which elements of a list all conditions hold. Each condition is judged by the element
/// itself, or by the values beside the list if the element lacks the key.
fn accepted(
    conditions: &Conditions,
    elements: &[Place<'_>],
    level: Level,
    places: &Places<'_>,
) -> Vec<bool> {
    let mut accepted = vec![true; elements.len()];
    for condition in conditions.iter() {
        let own = |place: &Place| says(condition, Scope::Element(places, *place));
        // Everything outside of a list that no key names counts as beside it.
        let beside = match level == Level::Named || elements.iter().any(|it| own(it).is_some()) {
            true => Scope::Beside(places),
            false => Scope::Whole(places),
        };
        let beside = said(condition, beside, places).unwrap_or(condition.holds(b""));
        for (accepted, place) in accepted.iter_mut().zip(elements) {
            *accepted = *accepted && own(place).unwrap_or(beside);
        }
    }
    accepted
}

/// Whether a condition holds within the scope; `None` if its key is missing there.
fn says(condition: &Condition, scope: Scope) -> Option<bool> {
    let found = scope.presence(&condition.key)?;
    Some(condition.holds(&found))
}

/// Whether a condition holds within the scope, or fails for parts that the signature does not cover; these
/// may still say that this is no message.
fn said(condition: &Condition, scope: Scope, places: &Places<'_>) -> Option<bool> {
    says(condition, scope).or_else(|| places.uncovered(condition))
}

/// Whether a request names a destination, sender or text at all, at any place that its proof covers. A GET
/// that does not is somebody's look at the address and no message.
pub fn names_any(coverage: &Coverage, request: &Request<'_>, webhook: &Webhook) -> bool {
    let Ok(source) = Sources::read(coverage, request, webhook) else {
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

#[cfg(test)]
mod tests;
