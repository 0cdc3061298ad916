//! Makes the environment of a hook from an SMS and the event.
//!
//! The environment does not hold the text: that goes to standard input alone, where no list of processes
//! shows it.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::message::Message;

/// The event for which a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// An SMS has come in and is in Asterisk's spool (`[websmsd] on_message`).
    Message,
    /// The queue has given up an SMS, for this reason (`[queue] on_failure`).
    Failure(&'a str),
    /// A provider took an SMS and did not deliver it, for this reason (also `on_failure`). Its text is no
    /// longer known.
    Undelivered(&'a str),
}

impl Event<'_> {
    /// Returns the key that names the program.
    pub fn key(self) -> &'static str {
        match self {
            Event::Message => "on_message",
            Event::Failure(_) | Event::Undelivered(_) => "on_failure",
        }
    }
}

/// Returns the environment. The names are always the same; `WEBSMS_REASON` is empty if nothing failed. `id`
/// is the id in the log.
pub fn environment(
    event: Event<'_>,
    id: &str,
    interface: &str,
    message: &Message,
) -> Vec<(&'static str, String)> {
    let (name, reason) = match event {
        Event::Message => ("message", ""),
        Event::Failure(reason) => ("failure", reason),
        Event::Undelivered(reason) => ("undelivered", reason),
    };
    let values = [
        ("WEBSMS_EVENT", name),
        ("WEBSMS_ID", id),
        ("WEBSMS_INTERFACE", interface),
        ("WEBSMS_TO", message.to.as_str()),
        ("WEBSMS_FROM", message.from.as_str()),
        ("WEBSMS_REASON", reason),
    ];
    values.map(|(name, value)| (name, value.to_owned())).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::message::{Number, Sender, Text};

    #[test]
    fn the_names_are_fixed_and_the_text_is_not_among_them() {
        let message = Message {
            to: Number::parse_outbound(b"+12025550160").unwrap(),
            from: Sender::parse_outbound(b"Bank").unwrap(),
            text: Text::parse_outbound(b"secret").unwrap(),
        };
        let check = |event: Event, expected: [&str; 6]| {
            let environment = environment(event, "00ab", "eu", &message);
            let (names, values): (Vec<_>, Vec<_>) = environment.into_iter().unzip();
            let names: Vec<&str> = names
                .iter()
                .filter_map(|it| it.strip_prefix("WEBSMS_"))
                .collect();
            assert_eq!(names, ["EVENT", "ID", "INTERFACE", "TO", "FROM", "REASON"]);
            assert_eq!(values, expected);
        };
        check(
            Event::Message,
            ["message", "00ab", "eu", "+12025550160", "Bank", ""],
        );
        check(
            Event::Failure("expired"),
            ["failure", "00ab", "eu", "+12025550160", "Bank", "expired"],
        );
        check(
            Event::Undelivered("30034"),
            ["undelivered", "00ab", "eu", "+12025550160", "Bank", "30034"],
        );
        assert_eq!(Event::Message.key(), "on_message");
        assert_eq!(Event::Failure("").key(), "on_failure");
        assert_eq!(Event::Undelivered("").key(), "on_failure");
    }
}
