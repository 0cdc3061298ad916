//! Makes the SMS of one place in a request: one, or one for each destination that is ours (spec §8.4).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::lookup::Scope;
use super::shape::{Level, Shape};
use super::text::text;
use crate::message::{BadMessage, Message, Number, Sender, Text};
use crate::proto::webhook::interface::Webhook;
use crate::proto::wire::number;

/// One element of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The SMS, or why it is none. In a request that is one message this is never an error.
    pub message: Result<Message, BadMessage>,
    /// The provider's id, not empty.
    pub id: Option<Vec<u8>>,
    /// The channel, such as `whatsapp`, that was removed from before the sender, or else from before the
    /// destination.
    pub channel: Option<&'static str>,
    /// If the message is one of several parts, the provider's reference, part number and number of parts.
    pub part: Option<[Vec<u8>; 3]>,
}

/// Makes SMS from places, with the settings of an interface.
pub(super) struct Maker<'a> {
    webhook: &'a Webhook,
    /// The charset of the request.
    charset: Option<&'a str>,
    /// `own_numbers` in the form in which they are compared.
    own: Vec<String>,
}

/// A destination or a sender, and the channel that stood before it.
type Tagged<T> = (T, Option<&'static str>);

/// The parts of an SMS: destinations, sender and text.
type Parts = (Vec<Tagged<Number>>, Tagged<Sender>, Text);

impl<'a> Maker<'a> {
    pub(super) fn new(webhook: &'a Webhook, charset: Option<&'a str>) -> Maker<'a> {
        let own = webhook.own_numbers.iter();
        Maker {
            webhook,
            charset,
            own: own.map(|it| compared(it.as_str(), webhook)).collect(),
        }
    }

    /// Adds the SMS of one place, or the reason why it has none.
    pub(super) fn add_to<'p>(&self, items: &mut Vec<Item>, scope: Scope<'_, 'p>, shape: Shape<'p>) {
        let (scope, shape) = match shape {
            Shape::Several(objects, Level::First) => match objects.first() {
                Some(object) => (scope.of(*object), Shape::One),
                None => (scope, Shape::One),
            },
            shape => (scope, shape),
        };
        let id = scope.find(&self.webhook.key_id).map(Cow::into_owned);
        let id = id.filter(|id| !id.is_empty());
        let (destinations, (from, from_channel), text) = match self.parts(scope, shape) {
            Ok(parts) => parts,
            Err(bad) => {
                return items.push(Item {
                    message: Err(bad),
                    id,
                    channel: None,
                    part: None,
                });
            }
        };
        let part = self.part(scope);
        let is_one = destinations.len() < 2;
        for (to, channel) in destinations {
            let mut id = id.clone();
            // If one SMS goes to several, each needs an id of its own so that a repetition is recognised.
            if let (false, Some(id)) = (is_one, &mut id) {
                id.push(0);
                id.extend_from_slice(to.as_str().as_bytes());
            }
            items.push(Item {
                message: Ok(Message {
                    to,
                    from: from.clone(),
                    text: text.clone(),
                }),
                id,
                channel: from_channel.or(channel),
                part: part.clone(),
            });
        }
    }

    /// Returns reference, number and total of a part, if their keys are given and found.
    fn part(&self, scope: Scope) -> Option<[Vec<u8>; 3]> {
        if !self.webhook.has_parts() {
            return None;
        }
        let find = |key| scope.find(key).map(Cow::into_owned);
        Some([
            find(&self.webhook.key_part_ref)?,
            find(&self.webhook.key_part_number)?,
            find(&self.webhook.key_part_total)?,
        ])
    }

    /// Returns the destinations, at least one, the sender and the text.
    fn parts(&self, scope: Scope, shape: Shape) -> Result<Parts, BadMessage> {
        let (key_to, key_from) = (&self.webhook.key_to, &self.webhook.key_from);
        let (is_list, raw) = match shape {
            Shape::One => scope.list(key_to),
            Shape::To(places) => {
                let mut found = Vec::new();
                for place in places {
                    found.extend(scope.inside(place).find(key_to));
                }
                (true, found)
            }
            Shape::Several(..) => return Err(BadMessage::Several),
        };
        let missing = |field| BadMessage::Missing { field };
        let own = self.webhook.to.as_ref().map(|to| to.as_str().as_bytes());
        // The list may be there and empty.
        let named = raw.first().map(|it| &**it);
        let named = named.filter(|it| own.is_none() || !it.is_empty());
        let first = named.or(own).ok_or(missing("to"))?;
        let from = scope.find(key_from).ok_or(missing("from"))?;
        let destinations = match is_list && !self.own.is_empty() {
            true => self.ours(&raw)?,
            false => vec![self.destination(first)?],
        };
        let (from, channel) = number::inbound(&from);
        let from = Sender::parse_inbound(&from)?;
        let from = match self.reformatted(from.as_str()) {
            Some(other) => Sender::parse_inbound(other.as_bytes())?,
            None => from,
        };
        let text = Text::parse_inbound(&text(scope, self.webhook)?, self.charset);
        Ok((destinations, (from, channel), text))
    }

    /// Returns those of several destinations that are ours, each once. Destinations that are no numbers are
    /// skipped.
    fn ours(&self, raw: &[Cow<'_, [u8]>]) -> Result<Vec<Tagged<Number>>, BadMessage> {
        let mut ours: Vec<Tagged<Number>> = Vec::new();
        let mut found = Vec::new();
        for raw in raw {
            if let Ok((to, channel)) = self.destination(raw) {
                let number = compared(to.as_str(), self.webhook);
                if self.own.contains(&number) && !found.contains(&number) {
                    found.push(number);
                    ours.push((to, channel));
                }
            }
        }
        match ours.is_empty() {
            true => Err(BadMessage::NotOurs),
            false => Ok(ours),
        }
    }

    fn destination(&self, raw: &[u8]) -> Result<Tagged<Number>, BadMessage> {
        let (to, channel) = number::inbound(raw);
        let to = Number::parse_inbound(&to)?;
        let to = match self.reformatted(to.as_str()) {
            Some(other) => Number::parse_inbound(other.as_bytes())?,
            None => to,
        };
        Ok((to, channel))
    }

    /// Returns a number in the interface's format; `None` if it already has it.
    fn reformatted(&self, number: &str) -> Option<String> {
        let other = number::format(number, self.webhook.number_format);
        (other != number).then(|| other.into_owned())
    }
}

/// Returns a number in the form in which it is compared: in the interface's format, without a plus sign.
fn compared(number: &str, webhook: &Webhook) -> String {
    let number = number::format(number, webhook.number_format);
    number.trim_start_matches('+').into()
}
