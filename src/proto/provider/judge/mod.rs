//! Judges a provider's reply (spec §6.5).

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::account::{Account, AnswerPlace, Blame, BodyEnd, Cause, Check, Reason, Reply, Verdict};
use super::reason::{Private, all_at_place, said};
use crate::limits::{MESSAGE_ID_BYTES_MAX, SENT_PARTS_MAX};
use crate::proto::wire::date;
use crate::proto::wire::json::{self, BadJson};

/// The names under which providers give their message's id, the most telling name first. The first name
/// that the JSON answer has counts.
const ID_KEYS: [&[u8]; 9] = [
    b"sid",
    b"message_id",
    b"messageId",
    b"message-id",
    b"message_uuid",
    b"messageUuid",
    b"MessageID",
    b"uuid",
    b"id",
];

/// Judges an answer. The verdict on a message that was not accepted has the provider's words without
/// anything that is `private`. `now_s` is needed for a `Retry-After` that names a date.
pub fn judge(reply: &Reply, account: &Account, private: &Private<'_>, now_s: u64) -> Verdict {
    let status = reply.status;
    let reason = |cause| Reason {
        cause,
        said: said(reply, account, private),
    };
    let later = |cause, blame| Verdict::Later {
        reason: reason(cause),
        retry_after_s: retry_after_s(reply, now_s),
        blame,
    };
    let success = match account.status_check.as_slice() {
        [] => (200..300).contains(&status),
        list => list.contains(&status),
    };
    let id_place = match &account.long_message_id {
        Some(place) if account.is_long(&private.message.text) => place,
        _ => &account.message_id,
    };
    let sent = || {
        let (id, parts) = message_ids(&reply.body, id_place);
        Verdict::Sent {
            id,
            parts,
            reason: Cause::Status(status).into(),
        }
    };
    let accepted = account
        .response_check
        .as_ref()
        .map(|check| holds(check, reply));
    if success && accepted == Some(Held::Yes) {
        return sent();
    }
    let deferred = account
        .later_check
        .as_ref()
        .map(|check| holds(check, reply));
    if deferred == Some(Held::Yes) {
        return later(Cause::LaterCheck(status), Blame::Interface);
    }
    if success {
        return match (accepted, deferred) {
            (Some(Held::Unknown), _) | (_, Some(Held::Unknown)) => Verdict::Unsure {
                reason: reason(Cause::Cut(status)),
            },
            (None, _) => sent(),
            (Some(_), _) => Verdict::Refused {
                reason: reason(Cause::CheckFailed(status)),
            },
        };
    }
    let cause = match status {
        300..=399 => Cause::Redirect(status),
        _ => Cause::Status(status),
    };
    match status {
        408 | 425 | 429 | 500..=599 => later(cause, Blame::Interface),
        401 | 402 | 407 => later(cause, Blame::Account),
        403 => later(cause, Blame::Message),
        _ => Verdict::Refused {
            reason: reason(cause),
        },
    }
}

/// The result of a check of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Yes,
    No,
    /// The answer was cut, and the missing part could decide the check.
    Unknown,
}

fn holds(check: &Check, reply: &Reply) -> Held {
    let held = match check {
        Check::KeyValue(key, expected) => match json::parse(&reply.body) {
            Ok(answer) => {
                // JSON that is complete decides the check, whatever was cut off behind it.
                return match has(answer, key, expected) {
                    true => Held::Yes,
                    false => Held::No,
                };
            }
            // An answer with more values than are read here may still hold the check.
            Err(BadJson::TooManyValues | BadJson::TooDeep) => return Held::Unknown,
            Err(BadJson::Malformed { .. }) => false,
        },
        Check::Regex(pattern) => pattern.is_match(&String::from_utf8_lossy(&reply.body)),
    };
    match (held, reply.end) {
        (true, _) => Held::Yes,
        (false, BodyEnd::Whole) => Held::No,
        (false, BodyEnd::Cut) => Held::Unknown,
    }
}

/// Returns whether the key has the expected value in an answer. If its path goes through a list by `[]`, every
/// element of that list must have the value.
fn has(answer: json::Value, key: &[u8], expected: &[u8]) -> bool {
    let split = key.windows(3).position(|three| three == b"[].");
    let list = split.and_then(|at| {
        let (list, rest) = key.split_at_checked(at)?;
        Some((answer.at(&json::steps(list)?)?, rest.get(3..)?))
    });
    match (split, list) {
        (None, _) => answer
            .find(key)
            .and_then(|value| value.scalar())
            .is_some_and(|value| value == expected),
        (Some(_), Some((list, rest))) if list.is_array() => {
            let mut elements = list.entries();
            list.entries().next().is_some()
                && elements.all(|element| {
                    let path = json::steps(rest);
                    let value = path.and_then(|path| element.at(&path)?.scalar());
                    value.is_some_and(|value| value == expected)
                })
        }
        (Some(_), _) => false,
    }
}

/// Returns the provider's ids of the message that may be shown: the id of the whole, and those of further
/// parts.
fn message_ids(body: &[u8], place: &AnswerPlace) -> (Option<String>, Vec<String>) {
    let mut parts = Vec::new();
    let mut values = all_at_place(body, place);
    if let (AnswerPlace::Usual, Ok(answer)) = (place, json::parse(body)) {
        values.extend(ID_KEYS.iter().find_map(|key| answer.find(key)?.scalar()));
    }
    let mut id = None;
    for (nth, value) in values.into_iter().enumerate() {
        match message_id(value) {
            first if nth == 0 => id = first,
            Some(part) if parts.len() < SENT_PARTS_MAX.saturating_sub(1) => parts.push(part),
            _ => {}
        }
    }
    (id, parts)
}

/// Returns the id if it may be shown: 1 to 128 ASCII letters, digits and `._:@=+-`.
fn message_id(value: Vec<u8>) -> Option<String> {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:@=+-".contains(byte);
    let shown = (1..=MESSAGE_ID_BYTES_MAX).contains(&value.len()) && value.iter().all(fits);
    String::from_utf8(value).ok().filter(|_| shown)
}

/// Returns the wait that `Retry-After` asks for, given in seconds or as a date (RFC 9110 §10.2.3).
pub fn retry_after_s(reply: &Reply, now_s: u64) -> Option<u64> {
    let value = reply.retry_after.as_deref()?.trim_ascii();
    match value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number with more digits than fit is the provider's error; treating it as "never" would be ours.
        true => value.parse().ok(),
        false => Some(date::parse(value)?.saturating_sub(now_s)),
    }
}

impl Reason {
    /// Returns one line: our phrase and, behind a colon, the provider's words or the server.
    pub fn text(&self) -> Cow<'static, str> {
        let colon = if self.said.is_empty() { "" } else { ": " };
        let (status, more) = match self.cause {
            Cause::Step(phrase) if colon.is_empty() => return Cow::Borrowed(phrase),
            Cause::Step(phrase) => return Cow::Owned([phrase, colon, &self.said].concat()),
            Cause::Status(status) => (status, ""),
            Cause::Redirect(status) => (status, ", redirects are refused"),
            Cause::CheckFailed(status) => (status, ", response_check does not hold"),
            Cause::LaterCheck(status) => (status, ", later_check holds"),
            Cause::Cut(status) => (status, ", the answer was cut off"),
        };
        Cow::Owned(format!(
            "provider answered {status}{more}{colon}{}",
            self.said
        ))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
