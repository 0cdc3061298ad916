//! One place of a request → its SMS: one, or one for each destination that is ours (spec §8.4).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::lookup::Scope;
use super::shape::Shape;
use super::text::text;
use crate::message::{BadMessage, Message, Number, Sender, Text};
use crate::proto::webhook::interface::Webhook;
use crate::proto::wire::number;

/// One element of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The SMS, or why it is none. Of a request that is one message always the former.
    pub message: Result<Message, BadMessage>,
    /// The provider's id, not empty.
    pub id: Option<Vec<u8>>,
    /// The channel that was dropped from before the sender, or else the destination: `whatsapp`.
    pub channel: Option<&'static str>,
}

/// Makes SMS of what is found, as an interface says.
pub(super) struct Maker<'a> {
    webhook: &'a Webhook,
    /// The request's charset.
    charset: Option<&'a str>,
    /// `own_numbers` as they are compared.
    own: Vec<String>,
}

/// A destination or a sender, and the channel that stood before it.
type Tagged<T> = (T, Option<&'static str>);

impl<'a> Maker<'a> {
    pub(super) fn new(webhook: &'a Webhook, charset: Option<&'a str>) -> Maker<'a> {
        let own = webhook.own_numbers.iter();
        Maker {
            webhook,
            charset,
            own: own.map(|it| compared(it.as_str(), webhook)).collect(),
        }
    }

    /// Adds the SMS of one place, or why it has none.
    pub(super) fn add_to(&self, items: &mut Vec<Item>, scope: Scope, shape: Shape) {
        let id = scope.find(&self.webhook.key_id).map(Cow::into_owned);
        let id = id.filter(|id| !id.is_empty());
        match self.messages(scope, shape) {
            Err(bad) => items.push(Item {
                message: Err(bad),
                id,
                channel: None,
            }),
            Ok(messages) => {
                let is_one = messages.len() < 2;
                for (message, channel) in messages {
                    // Of one SMS to several each must be known by itself when it comes again.
                    let to = [b"\0", message.to.as_str().as_bytes()].concat();
                    let own_id = |id: &Vec<u8>| match is_one {
                        true => id.clone(),
                        false => [id.as_slice(), &to].concat(),
                    };
                    items.push(Item {
                        id: id.as_ref().map(own_id),
                        message: Ok(message),
                        channel,
                    });
                }
            }
        }
    }

    /// At least one.
    fn messages(&self, scope: Scope, shape: Shape) -> Result<Vec<Tagged<Message>>, BadMessage> {
        let (key_to, key_from) = (&self.webhook.key_to, &self.webhook.key_from);
        let (is_list, raw) = match shape {
            Shape::One => scope.list(key_to),
            Shape::To(places) => {
                let found = |place| scope.inside(place).find(key_to);
                (true, places.into_iter().filter_map(found).collect())
            }
            Shape::Several(..) => return Err(BadMessage::Several),
        };
        let missing = |field| BadMessage::Missing { field };
        let first = raw.first().ok_or(missing("to"))?;
        let from = scope.find(key_from).ok_or(missing("from"))?;
        let destinations = match is_list && !self.own.is_empty() {
            true => self.ours(&raw),
            false => vec![self.destination(first)?],
        };
        if destinations.is_empty() {
            return Err(BadMessage::NotOurs);
        }
        let (from, from_channel) = number::inbound(&from);
        let from = Sender::parse_inbound(&from)?;
        let from = Sender::parse_inbound(self.in_format(from.as_str()).as_bytes())?;
        let text = Text::parse_inbound(&text(scope, self.webhook)?, self.charset);
        let message = |(to, to_channel): Tagged<Number>| {
            let message = Message {
                to,
                from: from.clone(),
                text: text.clone(),
            };
            (message, from_channel.or(to_channel))
        };
        Ok(destinations.into_iter().map(message).collect())
    }

    /// Those of several destinations that are ours, each once. One that is no number of anybody's is none.
    fn ours(&self, raw: &[Cow<'_, [u8]>]) -> Vec<Tagged<Number>> {
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
        ours
    }

    fn destination(&self, raw: &[u8]) -> Result<Tagged<Number>, BadMessage> {
        let (to, channel) = number::inbound(raw);
        let to = Number::parse_inbound(&to)?;
        let to = Number::parse_inbound(self.in_format(to.as_str()).as_bytes())?;
        Ok((to, channel))
    }

    fn in_format(&self, raw: &str) -> String {
        number::format(raw, self.webhook.number_format)
    }
}

/// A number as it is compared with another: in the interface's format, without a plus sign.
fn compared(number: &str, webhook: &Webhook) -> String {
    let number = number::format(number, webhook.number_format);
    number
        .strip_prefix('+')
        .map_or_else(|| number.clone(), String::from)
}
