//! Makes the provider's words on a message that it did not accept fit for a log line (spec §6.9).
//!
//! Invariant: the result holds no configured secret, no twelve successive bytes of the SMS's text in any
//! encoding of secrets, no number if numbers are masked, and no character that could end or forge a field
//! of a log line.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::account::{Account, AnswerPlace, Reply};
use super::mask::{MASK, mask, other_secrets, secrets};
use crate::limits::{PROVIDER_REASON_BYTES_MAX, QUOTED_TEXT_BYTES_MAX};
use crate::message::{LogNumbers, Message};
use crate::proto::wire::json::{self, Value};

/// The names under which providers give a reason, the most telling name first.
const REASON_KEYS: [&[u8]; 9] = [
    b"message",
    b"detail",
    b"error_message",
    b"errorText",
    b"error-text",
    b"title",
    b"description",
    b"error",
    b"status",
];

/// The names from this index on only say how the request went.
const OUTCOME_KEYS: usize = 7;

/// The number of successive digits from which they may be a telephone number.
const NUMBER_DIGITS_MIN: usize = 7;

/// The data of an SMS that the provider's words must not show.
pub struct Private<'a> {
    /// The SMS that was not accepted.
    pub message: &'a Message,
    /// Whether telephone numbers may be shown.
    pub numbers: LogNumbers,
}

/// Returns the provider's words in an answer; for a redirect, the host that it names.
pub(super) fn said(reply: &Reply, account: &Account, private: &Private<'_>) -> String {
    let raw = match (&reply.location, reply.status) {
        (Some(location), 300..=399) => host(location).as_bytes().to_vec(),
        _ => words(&reply.body, &account.reason).unwrap_or_default(),
    };
    let text = private.message.text.as_bytes();
    shown(&raw, account, text, private.numbers)
}

/// Returns the provider's words in an answer that holds no list. If the answer is no error, only a word
/// that says how it went is shown, because values under other names may be an SMS.
pub fn said_of_list(reply: &Reply, account: &Account) -> String {
    let keys = match reply.status {
        200..=299 => REASON_KEYS.get(OUTCOME_KEYS..).unwrap_or_default(),
        _ => REASON_KEYS.as_slice(),
    };
    let answer = json::parse(&reply.body).ok();
    let said = answer.and_then(|answer| {
        keys.iter().find_map(|key| {
            let value = answer.child(key)?;
            let is_text = value.text().starts_with(b"\"");
            value.scalar().filter(|text| is_text && !text.is_empty())
        })
    });
    shown(&said.unwrap_or_default(), account, b"", LogNumbers::Masked)
}

/// Returns the host of a URL and its port, without credentials; empty if it names none.
pub fn host(url: &str) -> &str {
    let rest = url.split_once("//").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    authority.rsplit('@').next().unwrap_or("")
}

fn words(body: &[u8], place: &AnswerPlace) -> Option<Vec<u8>> {
    match place {
        AnswerPlace::Usual => {
            let answer = json::parse(body).ok()?;
            REASON_KEYS.iter().find_map(|key| usual(answer, key))
        }
        place => at_place(body, place),
    }
}

/// Returns the text of this name at the top of an answer, or in the first element of a list there.
fn usual(answer: Value<'_>, key: &[u8]) -> Option<Vec<u8>> {
    let text = |value: Value<'_>| {
        let value = value.child(key)?;
        let is_text = value.text().starts_with(b"\"");
        value.scalar().filter(|text| is_text && !text.is_empty())
    };
    let first = |list: Value<'_>| text(list.entries().next().filter(|_| list.is_array())?);
    text(answer)
        .or_else(|| first(answer))
        .or_else(|| answer.members_of().find_map(|(_, value)| first(value)))
}

/// Returns the value at the first key or path that a JSON answer has, or the match of a regex in any
/// answer: its first group, or the whole match. Returns `None` for the usual names, of which each caller
/// has its own.
pub(super) fn at_place(body: &[u8], place: &AnswerPlace) -> Option<Vec<u8>> {
    match place {
        AnswerPlace::Usual => None,
        AnswerPlace::Keys(keys) => {
            let answer = json::parse(body).ok()?;
            let mut keys = keys.iter();
            keys.find_map(|key| answer.find(key)?.first()?.scalar())
        }
        AnswerPlace::Regex(regex) => {
            let text = String::from_utf8_lossy(body);
            let groups = regex.captures(&text)?;
            let group = groups.get(1).or_else(|| groups.get(0))?;
            Some(group.as_str().as_bytes().to_vec())
        }
    }
}

/// Returns all values at the place: every element of a list of scalars, and for `a[].b` the value in each
/// element of the list. Their number is bounded by the size of an answer.
pub(super) fn all_at_place(body: &[u8], place: &AnswerPlace) -> Vec<Vec<u8>> {
    let AnswerPlace::Keys(keys) = place else {
        return at_place(body, place).into_iter().collect();
    };
    let Ok(answer) = json::parse(body) else {
        return Vec::new();
    };
    for key in keys.iter() {
        let found = all_at(answer, key);
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

fn all_at(answer: Value<'_>, key: &[u8]) -> Vec<Vec<u8>> {
    let (list, rest) = match key.windows(3).position(|three| three == b"[].") {
        Some(at) => (key.get(..at), key.get(at.saturating_add(3)..)),
        None => (Some(key), None),
    };
    let Some(found) = list.and_then(|list| answer.find(list)) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    if rest.is_none()
        && let Some(id) = found.scalar()
    {
        all.push(id);
    }
    for element in found.entries() {
        let value = match rest {
            Some(rest) => element.find(rest),
            // A list whose elements are not scalars is no list of ids.
            None => Some(element).filter(|_| found.first().is_some()),
        };
        if let Some(id) = value.and_then(|value| value.scalar()) {
            all.push(id);
        }
    }
    all
}

/// Returns the words of a delivery report on a failure, fit to be shown. The text of the SMS is no longer
/// known here.
pub fn reported(raw: &[u8], account: &Account, numbers: LogNumbers) -> String {
    shown(raw, account, b"", numbers)
}

/// Makes a provider's words fit to be shown. The order matters: secrets and texts are found in the original
/// words, which are cut only afterwards.
fn shown(raw: &[u8], account: &Account, text: &[u8], numbers: LogNumbers) -> String {
    let hidden = [secrets(account), other_secrets(account)].concat();
    let words = mask(raw, &hidden);
    let mut words = without_text(&words, text);
    if numbers == LogNumbers::Masked {
        words = without_numbers(&words);
    }
    let words = String::from_utf8_lossy(&words);
    let plain = |c: char| c.is_ascii_alphanumeric() || " .,:;()/_+'-*".contains(c);
    let words = words.trim().chars().take(PROVIDER_REASON_BYTES_MAX);
    words.map(|c| if plain(c) { c } else { '_' }).collect()
}

/// Removes pieces of the SMS's text that are long enough to tell something, whether plain, as in a URL, in
/// JSON or in base64.
fn without_text(words: &[u8], text: &[u8]) -> Vec<u8> {
    // Base64 makes four letters of three bytes, so that a piece can begin at three offsets within a group.
    let base64 = [0, 1, 2].map(|skipped| {
        let rest = text.get(skipped..).unwrap_or_default();
        BASE64_STANDARD.encode(rest)
    });
    let mut out = Vec::new();
    let mut rest = words;
    while let Some((first, behind)) = rest.split_first() {
        // Everything from here on is cut off later in any case.
        if out.len() > WORDS_BYTES_MAX {
            break;
        }
        let mut piece_bytes = longest_piece(rest, text);
        for base64 in &base64 {
            piece_bytes = piece_bytes.max(longest_piece(rest, base64.as_bytes()));
        }
        match piece_bytes {
            0 => {
                out.push(*first);
                rest = behind;
            }
            bytes => {
                out.extend_from_slice(MASK);
                rest = rest.get(bytes..).unwrap_or_default();
            }
        }
    }
    out
}

/// The number of bytes kept while masking. A character has at most four bytes, and later masking shortens
/// the words by masked digits alone, of which there are at most as many again.
const WORDS_BYTES_MAX: usize = 8 * PROVIDER_REASON_BYTES_MAX;

/// Returns how many bytes at the start of `words` spell a piece of `text`; 0 if the piece is short enough
/// to be shown.
fn longest_piece(words: &[u8], text: &[u8]) -> usize {
    let mut longest = 0;
    let mut there = text;
    while let Some((_, behind)) = there.split_first() {
        longest = piece(words, there).max(longest);
        there = behind;
    }
    longest
}

/// Returns how many bytes at the start of `words` spell the start of `text`; 0 if they are few enough to be
/// shown.
fn piece(words: &[u8], text: &[u8]) -> usize {
    let (mut words_left, mut text_left) = (words, text);
    while let Some((behind, text_behind)) = character(words_left, text_left) {
        (words_left, text_left) = (behind, text_behind);
    }
    match text.len().saturating_sub(text_left.len()) {
        0..=QUOTED_TEXT_BYTES_MAX => 0,
        _ => words.len().saturating_sub(words_left.len()),
    }
}

/// Returns the rest of both behind their next character, in any spelling that `words` may use; `None` if
/// the characters differ.
fn character<'w, 't>(words: &'w [u8], text: &'t [u8]) -> Option<(&'w [u8], &'t [u8])> {
    let (first, behind) = words.split_first()?;
    let (wanted, text_behind) = text.split_first()?;
    let spelt = match (first, behind.split_first()) {
        (b'%', _) => hex(behind, 2),
        (b'+', _) => Some((u32::from(b' '), behind)),
        (b'\\', Some((b'u', digits))) if *wanted != b'\\' => {
            let (code, behind) = hex(digits, 4)?;
            let mut letter = [0; 4];
            let letter = char::from_u32(code)?.encode_utf8(&mut letter);
            return Some((behind, text.strip_prefix(letter.as_bytes())?));
        }
        (b'\\', Some((escape, behind))) => {
            let byte = match escape {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                other => *other,
            };
            Some((u32::from(byte), behind))
        }
        _ => None,
    };
    if let Some((byte, behind)) = spelt
        && byte == u32::from(*wanted)
    {
        return Some((behind, text_behind));
    }
    (first == wanted).then_some((behind, text_behind))
}

/// Reads a number of so many hexadecimal digits and returns it with the bytes behind it.
fn hex(bytes: &[u8], digits: usize) -> Option<(u32, &[u8])> {
    let (digits, behind) = bytes.split_at_checked(digits)?;
    let number = digits.iter().try_fold(0_u32, |number, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(number.wrapping_shl(4) | digit)
    });
    Some((number?, behind))
}

/// Replaces each run of digits that may be a telephone number with `***`. Visual separators within a run do
/// not end it.
fn without_numbers(words: &[u8]) -> Vec<u8> {
    let is_in_run = |byte: &u8| byte.is_ascii_digit() || b" -.()".contains(byte);
    let mut out = Vec::new();
    let mut rest = words;
    while let Some((first, behind_first)) = rest.split_first() {
        let run = rest.iter().take_while(|byte| is_in_run(byte)).count();
        let (run, behind) = rest.split_at_checked(run).unwrap_or_default();
        let digits = run.iter().filter(|byte| byte.is_ascii_digit()).count();
        if digits >= NUMBER_DIGITS_MIN {
            let begun = run.iter().position(u8::is_ascii_digit).unwrap_or(0);
            let last = run.iter().rposition(u8::is_ascii_digit).unwrap_or(0);
            out.extend_from_slice(run.get(..begun).unwrap_or_default());
            out.extend_from_slice(MASK);
            out.extend_from_slice(run.get(last.saturating_add(1)..).unwrap_or_default());
            rest = behind;
        } else if run.is_empty() {
            out.push(*first);
            rest = behind_first;
        } else {
            out.extend_from_slice(run);
            rest = behind;
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::account::BodyEnd;
    use super::super::account::tests::account;
    use super::*;
    use crate::message::{Number, Sender, Text};

    const TEXT: &str = "Meet me at the old mill at nine";

    fn said_of(reply: &Reply, account: &Account, numbers: LogNumbers) -> String {
        let message = Message {
            to: Number::parse_outbound(b"+12025550183").unwrap(),
            from: Sender::parse_outbound(b"+12025550160").unwrap(),
            text: Text::parse_outbound(TEXT.as_bytes()).unwrap(),
        };
        let private = Private {
            message: &message,
            numbers,
        };
        said(reply, account, &private)
    }

    fn reply(status: u16, location: Option<&str>, body: &str) -> Reply {
        Reply {
            status,
            retry_after: None,
            location: location.map(str::to_owned),
            body: body.as_bytes().to_vec(),
            end: BodyEnd::Whole,
        }
    }

    fn check(body: &str, expected: &str) {
        let said = said_of(&reply(400, None, body), &account(), LogNumbers::Whole);
        assert_eq!(said, expected, "{body}");
    }

    #[test]
    fn the_usual_names_are_known() {
        check(r#"{"code":21211,"message":"Bad To"}"#, "Bad To");
        check(r#"{"status":"error","message":"m"}"#, "m");
        check(r#"{"message":7,"title":"t"}"#, "t");
        check(r#"{"message":"","detail":"d"}"#, "d");
        check(
            r#"{"errors":[{"code":"1","title":"t","detail":"d"},{"detail":"e"}]}"#,
            "d",
        );
        check(
            r#"{"messages":[{"status":"4","error-text":"Bad creds"}]}"#,
            "Bad creds",
        );
        check(r#"[{"description":"d"}]"#, "d");
        check(r#"{"error":{"message":"deeper"}}"#, "");
        check(r#"{"error":"e"}"#, "e");
        check("Internal error", "");
        check("", "");
    }

    #[test]
    fn a_key_and_a_regex_say_where() {
        let check = |place: AnswerPlace, body: &str, expected: &str| {
            let account = Account {
                reason: place,
                ..account()
            };
            let said = said_of(&reply(400, None, body), &account, LogNumbers::Whole);
            assert_eq!(said, expected, "{body}");
        };
        let key = |key: &str| AnswerPlace::Keys(key.into());
        check(key("a.b"), r#"{"a":{"b":"why"},"message":"no"}"#, "why");
        check(key("code"), r#"{"code":21211}"#, "21211");
        check(key("a"), r#"{"message":"no"}"#, "");
        check(key("a.b|code"), r#"{"code":21211}"#, "21211");
        check(key("code|a.b"), r#"{"a":{"b":"why"}}"#, "why");
        let regex = regex_lite::Regex::new(r"ERR: (.*)").unwrap();
        check(AnswerPlace::Regex(regex), "ERR: no credit", "no credit");
    }

    #[test]
    fn secrets_in_any_spelling_are_masked() {
        let account = Account {
            auth: super::super::sign::Auth::Basic {
                user: b"user+1".to_vec(),
                passwd: b"Pass/word\"2".to_vec(),
            },
            headers: vec![("X-Api-Key".to_owned(), "Key-In-A-Header".to_owned())],
            statics: vec![(b"api_token".to_vec(), b"StaticToken".to_vec())],
            ..account()
        };
        // This is the base64 of user+1:Pass/word"2, as in the Authorization header.
        for secret in [
            "user+1",
            "user%2B1",
            "Pass/word\\\"2",
            "Pass%2Fword%222",
            "dXNlcisxOlBhc3Mvd29yZCIy",
            "Key-In-A-Header",
            "StaticToken",
        ] {
            let body = format!(r#"{{"message":"no {secret} here"}}"#);
            let said = said_of(&reply(401, None, &body), &account, LogNumbers::Whole);
            assert_eq!(said, "no *** here", "{secret}");
        }
    }

    #[test]
    fn pieces_of_the_text_are_masked_from_twelve_bytes_on() {
        check(
            r#"{"message":"bad text: Meet me at "}"#,
            "bad text: Meet me at",
        );
        check(r#"{"message":"<Meet me at >"}"#, "_Meet me at _");
        check(r#"{"message":"<Meet me at t>"}"#, "_***_");
        check(
            r#"{"message":"spam: Meet me at the old mill at nine!"}"#,
            "spam: ***_",
        );
        check(r#"{"message":"at the old m, me at the old"}"#, "***,***");
    }

    #[test]
    fn the_text_is_masked_in_any_spelling() {
        fn check(text: &str, quoted: &str, expected: &str) {
            let said = shown(
                quoted.as_bytes(),
                &account(),
                text.as_bytes(),
                LogNumbers::Whole,
            );
            assert_eq!(said, expected, "{quoted}");
        }
        let pin = "My bank PIN is 4711";
        for quoted in [
            "My+bank+PIN+is+4711",
            "My%20bank%20PIN%20is%204711",
            "My%20bank+PIN is%204711",
            "%4D%79%20%62%61%6e%6b%20%50%49%4E%20%69%73%204711",
            "TXkgYmFuayBQSU4gaXMgNDcxMQ",
        ] {
            check(pin, &format!("bad: {quoted}."), "bad: ***.");
        }
        check(pin, "TXkgYmFuayBQSU4gaXMgNDcxMQ%3D%3D", "***");
        // These begin in the middle of a base64 group: the text stands behind "a=", "ab=" and "abc=".
        check(pin, "YT1NeSBiYW5rIFBJTiBpcyA0NzEx", "YT1N***");
        check(pin, "YWI9TXkgYmFuayBQSU4gaXMgNDcxMQ==", "YWI9***");
        check(pin, "YWJjPU15IGJhbmsgUElOIGlzIDQ3MTE=", "YWJjPU15***");
        let more = "Ann \"A\" told\n\u{444}\u{443}! 100% + \\u sure";
        for quoted in [
            r#"Ann \"A\" told\n\u0444\u0443! 100% + \\u sure"#,
            r#"Ann \"A\" told\n\u0444\u0443! 100% + \u sure"#,
            "Ann+%22A%22+told%0a%d1%84%D1%83%21+100%25+%2B+%5Cu+sure",
            more,
        ] {
            check(more, quoted, "***");
        }
        let arrows = "\u{2192}".repeat(14);
        check(&arrows, &r"\u2192".repeat(14), "***");
        check(&"<>".repeat(8), &"%3C%3e".repeat(8), "***");
        check(&"+".repeat(12), &"%2B".repeat(12), "***");
        check("%41%41%41%41", "%41%41%41%41", "***");
        check("%41%41%41%41", "%2541%2541%2541%2541", "***");
        // Eleven bytes of the text are few enough to be shown.
        check(
            "Meet me at the",
            "<Meet%20me%20at%20>",
            "_Meet_20me_20at_20_",
        );
        check("Meet me at the", "<Meet%20me%20at%20t>", "_***_");
        check("", "%20+\\u00%", "_20+_u00_");
    }

    #[test]
    fn numbers_are_masked_where_the_log_masks_them() {
        fn check(words: &str, expected: &str) {
            assert_eq!(
                without_numbers(words.as_bytes()),
                expected.as_bytes(),
                "{words}"
            );
        }
        check("to +12025550183 failed", "to +*** failed");
        check("to +1 (202) 555-0183.", "to +***.");
        check("code 21211", "code 21211");
        check("123456 x 1234567", "123456 x ***");
        check("1-2-3-4-5-6-7", "***");
        check("1234567, 7654321", "***, ***");
        check("\u{e9}1234567\u{e9}", "\u{e9}***\u{e9}");
        check("", "");
        let body = r#"{"message":"no +1-202-555-0183"}"#;
        let said = said_of(&reply(400, None, body), &account(), LogNumbers::Masked);
        assert_eq!(said, "no +***");
    }

    #[test]
    fn what_could_forge_a_line_is_replaced_and_the_rest_cut() {
        check(r#"{"message":"a\nb\u0000c\"d\u202e=<>"}"#, "a_b_c_d____");
        check(r#"{"message":"\u00e9\ud83d\ude00"}"#, "__");
        let long = |chars: usize| format!(r#"{{"message":"{}"}}"#, "x".repeat(chars));
        for (chars, kept) in [(119, 119), (120, 120), (121, 120), (9_000, 120)] {
            check(&long(chars), &"x".repeat(kept));
        }
        // A secret that lies across the cut is masked before the cut.
        let body = format!(r#"{{"message":"{}secret"}}"#, "y".repeat(117));
        check(&body, &format!("{}***", "y".repeat(117)));
    }

    #[test]
    fn a_redirect_names_its_host() {
        fn check(location: &str, expected: &str) {
            let reply = reply(301, Some(location), r#"{"message":"no"}"#);
            let said = said_of(&reply, &account(), LogNumbers::Whole);
            assert_eq!(said, expected, "{location}");
        }
        check("https://www.example.com/sms?key=secret", "www.example.com");
        check("//example.com:8443/", "example.com:8443");
        check("https://user:pw@example.com", "example.com");
        check("/elsewhere", "");
    }
}
