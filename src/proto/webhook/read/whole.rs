//! Checks that the numbers of a message end where they ended when they were signed.
//!
//! A signature that joins names and values is the same for `To=+1202` beside `ToCity=Y` as for
//! `To=+1202ToCityY`, so that the border between them can be moved. But parameters are signed in the order
//! of their names: no name that follows `To` begins with a digit, so digits cannot be cut anywhere else.
//!
//! A sender may be a name instead. The longest that a network carries has 11 characters (3GPP TS 23.040),
//! and mostly no room for the name of another parameter. If there is room, or if the name is cut short, a
//! wrong name is shown and nothing else happens.

use crate::limits::SENDER_NAME_BYTES_MAX;
use crate::message::{BadMessage, Message};

/// Checks that the destination is a number, and the sender a number or a short name.
pub(super) fn check(message: &Message) -> Result<(), BadMessage> {
    let (to, from) = (message.to.as_str(), message.from.as_str());
    let is_name = from.len() <= SENDER_NAME_BYTES_MAX && !from.contains('+');
    if !is_number(to) {
        return Err(BadMessage::NotWhole { field: "to" });
    }
    if !is_number(from) && !is_name {
        return Err(BadMessage::NotWhole { field: "from" });
    }
    Ok(())
}

/// Whether a text is digits, optionally with a plus sign before them.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::message::{Number, Sender, Text};

    #[test]
    fn whole_numbers() {
        let check_row = |to: &str, from: &str, expected: Option<&'static str>| {
            let message = Message {
                to: Number::parse_inbound(to.as_bytes()).unwrap(),
                from: Sender::parse_inbound(from.as_bytes()).unwrap(),
                text: Text::parse_inbound(b"", None),
            };
            let found = check(&message).err().map(|bad| bad.field());
            assert_eq!(found, expected, "{to} {from}");
        };
        let (to, from) = (Some("to"), Some("from"));
        check_row("+12025550160", "+15017122661", None);
        check_row("12025550160", "15017122661", None);
        // These are short codes, and numbers that are longer than any real one.
        check_row("911", "12345", None);
        check_row(&"1".repeat(64), &"1".repeat(64), None);
        check_row("+1202ToCityY", "1", to);
        check_row("12025550160ToCity", "1", to);
        for bad in ["+", "alice", "+1+2", "1-2", "1.2", "1_2", "1a", "a1"] {
            check_row(bad, "1", to);
        }
        // These are names of senders, and a hidden sender.
        for name in ["ACME", "Acme & Co.", "4You", "A1", "12345678901", "", "a@b"] {
            check_row("1", name, None);
        }
        check_row("1", "ABCDEFGHIJK", None);
        check_row("1", "ABCDEFGHIJKL", from);
        check_row("1", "ACMEFromCityY", from);
        check_row("1", "+1501FromCity", from);
        for bad in ["+", "+1a", "1+1", "+1 2"] {
            check_row("1", bad, from);
        }
    }
}
