//! Makes a notice for the sender of an SMS that was given up. Also reads and writes the file of senders
//! that were told lately.
//!
//! A notice is delivered like an SMS that comes in: from the number that the SMS was sent to, to its
//! sender. It holds nothing of the SMS.
//!
//! The file is text: `websms notices 1`, then a line for each sender that was told lately, with the time in
//! seconds since 1970 and the number.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::limits::{NOTICE_PAUSE, NOTICES_MAX};
use crate::message::{BadMessage, Message, Number, Sender, Text};
use crate::proto::record::envelope::Item;
use crate::proto::record::fields;

/// The reason why an SMS was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The provider refused it, or a limit did.
    Refused,
    /// It waited too long.
    Expired,
    /// It may have been sent.
    Unsure,
}

impl Why {
    fn text(self) -> &'static str {
        match self {
            Why::Refused => "Your SMS to this number was refused and not sent.",
            Why::Expired => "Your SMS to this number could not be sent in time.",
            Why::Unsure => "It is not known whether your SMS to this number was sent.",
        }
    }
}

/// Makes the notice. The error says why the sender cannot have one: it is no number for which an SMS could
/// come in.
pub fn message(item: &Item, why: Why) -> Result<Message, BadMessage> {
    // One of its tries had no answer, and the outcome of the last one says nothing about that.
    let why = match item.unsure {
        0 => why,
        _ => Why::Unsure,
    };
    about(item, why.text())
}

/// Makes the notice of an SMS that a provider took and did not deliver; the SMS has the reason.
pub fn undelivered(item: &Item) -> Result<Message, BadMessage> {
    let to = item.message.to.as_str();
    let text = [
        "Your SMS to ",
        to,
        " was not delivered: ",
        &item.reason,
        ".",
    ]
    .concat();
    about(item, &text)
}

/// Makes a message from the number that the SMS was sent to, to its sender.
fn about(item: &Item, text: &str) -> Result<Message, BadMessage> {
    Ok(Message {
        to: Number::parse_inbound(item.message.from.as_str().as_bytes())?,
        from: Sender::parse_inbound(item.message.to.as_str().as_bytes())?,
        text: Text::parse_inbound(text.as_bytes(), None),
    })
}

/// The senders that were told lately.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The time in seconds since 1970, and the sender.
    senders: Vec<(u64, String)>,
}

/// The reason why a sender is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotNow {
    /// The sender was told a short while ago.
    Lately,
    /// Too many other senders were told a short while ago.
    Full,
}

impl core::fmt::Display for NotNow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            NotNow::Lately => {
                let minutes = NOTICE_PAUSE.as_secs() / 60;
                write!(f, "the sender had one within {minutes} minutes")
            }
            NotNow::Full => write!(f, "{NOTICES_MAX} senders had one lately"),
        }
    }
}

const VERSION: &str = "websms notices 1\n";

impl Told {
    /// Reads a file. Returns `None` if it is no such file.
    pub fn parse(file: &[u8]) -> Option<Told> {
        let lines = str::from_utf8(file).ok()?.strip_prefix(VERSION)?;
        let mut told = Told::default();
        for line in lines.split_inclusive('\n') {
            let (at_s, number) = line.strip_suffix('\n')?.split_once(' ')?;
            told.senders
                .push((fields::number(at_s)?, number.to_owned()));
        }
        Some(told)
    }

    /// Encodes the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut file = VERSION.to_owned();
        for (at_s, number) in &self.senders {
            file.push_str(&format!("{at_s} {number}\n"));
        }
        file.into_bytes()
    }

    /// Records that a sender is told now, if that is permitted.
    pub fn add(&mut self, sender: &Number, now_s: u64) -> Result<(), NotNow> {
        // A time far ahead was written under a wrong clock.
        let lately = |at_s: &u64| at_s.abs_diff(now_s) < NOTICE_PAUSE.as_secs();
        self.senders.retain(|(at_s, _)| lately(at_s));
        // Asterisk, which delivers the notice, ignores `-` as well.
        let mut senders = self.senders.iter();
        if senders.any(|(_, told)| sender.is_extension(told)) {
            return Err(NotNow::Lately);
        }
        if self.senders.len() >= NOTICES_MAX {
            return Err(NotNow::Full);
        }
        self.senders.push((now_s, sender.as_str().to_owned()));
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::limits::NOTICES_FILE_BYTES_MAX;

    fn number(text: &str) -> Number {
        Number::parse_inbound(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_notice_goes_back_without_the_text() {
        fn check(from: &str, unsure: u32, why: Why, expected: Option<&str>) {
            let item = Item {
                id: "0123456789abcdef".into(),
                interface: String::new(),
                message: Message {
                    to: Number::parse_outbound(b"+12025550183").unwrap(),
                    from: Sender::parse_outbound(from.as_bytes()).unwrap(),
                    text: Text::parse_outbound(b"a secret").unwrap(),
                },
                queued_s: 0,
                tries: 1,
                unsure,
                forbidden: 0,
                due_s: 0,
                spare_due_s: 0,
                reason: String::new(),
            };
            let notice = message(&item, why).ok();
            let text = notice.as_ref().map(|notice| notice.text.to_utf8());
            assert_eq!(text.as_deref(), expected, "{from}");
            if let Some(notice) = &notice {
                assert_eq!(notice.to.as_str(), from);
                assert_eq!(notice.from.as_str(), "+12025550183");
            }
        }
        let refused = Some("Your SMS to this number was refused and not sent.");
        let unsure = Some("It is not known whether your SMS to this number was sent.");
        check("+12025550160", 0, Why::Refused, refused);
        check("alice", 0, Why::Refused, refused);
        let expired = Some("Your SMS to this number could not be sent in time.");
        check("alice", 0, Why::Expired, expired);
        check("alice", 3, Why::Unsure, unsure);
        check("alice", 1, Why::Expired, unsure);
        check("alice", 1, Why::Refused, unsure);
        check("alice@pbx", 0, Why::Refused, None);
        check("alice b", 0, Why::Refused, None);
        for extension in [
            "s", "-s", "h-", "-i-", "failed", "fai-led", "_X.", "-_X.", "--",
        ] {
            check(extension, 0, Why::Refused, None);
        }
    }

    #[test]
    fn one_sender_is_told_once_in_ten_minutes() {
        let mut told = Told::default();
        assert_eq!(told.add(&number("+1"), 1000), Ok(()));
        assert_eq!(told.add(&number("+1"), 1000), Err(NotNow::Lately));
        assert_eq!(told.add(&number("-+1-"), 1000), Err(NotNow::Lately));
        assert_eq!(told.add(&number("+2"), 1001), Ok(()));
        assert_eq!(told.add(&number("+1"), 1599), Err(NotNow::Lately));
        assert_eq!(told.add(&number("+1"), 1600), Ok(()));
        assert_eq!(told.add(&number("+2"), 1600), Err(NotNow::Lately));
        // The clock is set back: a little, and far.
        assert_eq!(told.add(&number("+1"), 1001), Err(NotNow::Lately));
        assert_eq!(told.add(&number("+1"), 1000), Ok(()));
        assert_eq!(told.senders, [(1001, "+2".into()), (1000, "+1".into())]);
    }

    #[test]
    fn so_many_are_remembered_and_their_file_can_be_read() {
        let mut told = Told::default();
        for n in 0..NOTICES_MAX {
            let longest = format!("{n:064}");
            assert_eq!(told.add(&number(&longest), u64::MAX - 1), Ok(()));
        }
        let full = told.add(&number("+1"), u64::MAX - 1);
        assert_eq!(full, Err(NotNow::Full));
        let file = told.encode();
        assert!(file.len() <= NOTICES_FILE_BYTES_MAX, "{}", file.len());
        assert_eq!(Told::parse(&file), Some(told));
    }

    #[test]
    fn files() {
        fn check(file: &str, expected: Option<&[(u64, &str)]>) {
            let told = Told::parse(file.as_bytes()).map(|told| told.senders);
            let expected = expected.map(|senders| {
                let own = senders
                    .iter()
                    .map(|(at_s, number)| (*at_s, (*number).into()));
                own.collect::<Vec<(u64, String)>>()
            });
            assert_eq!(told, expected, "{file:?}");
        }
        check("websms notices 1\n", Some(&[]));
        check(
            "websms notices 1\n7 +1\n8 a\n",
            Some(&[(7, "+1"), (8, "a")]),
        );
        for bad in [
            "",
            "websms notices 2\n",
            "websms notices 1",
            "websms notices 1\n7 +1",
            "websms notices 1\n7\n",
            "websms notices 1\n\n",
            "websms notices 1\n+7 a\n",
        ] {
            check(bad, None);
        }
    }
}
