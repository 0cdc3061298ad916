//! Parses the text of one value. An error is a sentence with the fact and the remedy.
//!
//! Invariant: no error quotes a value that could be a secret. Addresses, numbers and choices are
//! quoted, escaped and cut; URLs, credentials, parameters and headers never are.

use std::path::PathBuf;
use std::time::Duration;

use crate::limits::{AUTH_AGE_S_MAX, CALL_FILE_NUMBER_MAX, QUOTA_MAX};
use crate::message::LogNumbers;
use crate::proto::grammar::pair;
use crate::proto::provider::{Charset, Format, Space};
use crate::proto::record::quota::{Per, Rate};
use crate::proto::webhook::callfile::Encoding;
use crate::proto::webhook::interface::{Decode, Media};
use crate::proto::wire::number::NumberFormat;

use super::nearest::Nearest;
use super::program::InboxUse;

/// A value, or a sentence on what is wrong with it.
pub type Parsed<T> = Result<T, String>;

/// Returns a value for messages: escaped, and cut if it is long.
pub fn shown(value: &[u8]) -> String {
    let mut shown = String::from("\"");
    for byte in value.iter().take(SHOWN_BYTES_MAX) {
        shown.extend(std::ascii::escape_default(*byte).map(char::from));
    }
    shown.push_str(match value.len() > SHOWN_BYTES_MAX {
        true => "...\"",
        false => "\"",
    });
    shown
}

/// Returns a fault that begins with the value.
pub(super) fn no(value: &[u8], text: &str) -> String {
    format!("{} {text}", shown(value))
}

/// The number of bytes of a value that messages show; the rest becomes an ellipsis.
const SHOWN_BYTES_MAX: usize = 40;

// ---- Text -----------------------------------------------------------------------------------

/// Parses the name of a parameter that every SMS needs.
pub fn needed_name(value: &[u8]) -> Parsed<Vec<u8>> {
    match value {
        [] => Err("is empty, but an SMS needs this parameter; give its name".into()),
        name => Ok(name.to_vec()),
    }
}

/// Parses UTF-8 without control characters.
pub fn text(value: &[u8]) -> Parsed<String> {
    let text = str::from_utf8(value).map_err(|_| "is not UTF-8; save the file as UTF-8")?;
    match text.chars().any(char::is_control) {
        true => Err("holds a control character (a line end or a tab, say); take it out".into()),
        false => Ok(text.into()),
    }
}

/// Parses a path that is joined to `host`; empty means none.
pub fn check_path(value: &[u8]) -> Parsed<String> {
    match value.first() {
        None | Some(b'/') if value.iter().all(|byte| matches!(byte, b'!'..=b'~')) => text(value),
        _ => Err("is no path; begin it with / and write other bytes as %HH".into()),
    }
}

/// Parses characters that any header field can carry: visible ASCII and blanks.
pub fn header_text(value: &[u8]) -> Parsed<String> {
    match value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        true => text(value),
        false => Err("goes into an HTTP header, which holds ASCII without control bytes".into()),
    }
}

/// Parses a dialplan context.
pub fn context(value: &[u8]) -> Parsed<String> {
    match text(value)? {
        name if name.is_empty() => Err("is empty; name a context of the dialplan".into()),
        name if name.bytes().any(|byte| b" ;#@&,".contains(&byte)) => {
            Err("holds a character that no context has (blank ; # @ & ,)".into())
        }
        name => Ok(name),
    }
}

/// Parses the name of a file or folder.
pub fn path(value: &[u8]) -> Parsed<PathBuf> {
    match text(value)? {
        path if path.is_empty() => Err("is empty; give a path".into()),
        path => Ok(path.into()),
    }
}

/// Parses the name of a file or folder; empty means none.
pub fn path_or_none(value: &[u8]) -> Parsed<Option<PathBuf>> {
    match value {
        [] => Ok(None),
        value => path(value).map(Some),
    }
}

/// Parses the absolute path of a program to run, without arguments; empty means none.
pub fn program(value: &[u8]) -> Parsed<Option<PathBuf>> {
    match path_or_none(value)? {
        Some(path) if !path.is_absolute() => {
            Err("is no absolute path; write /usr/local/bin/name, without arguments".into())
        }
        path => Ok(path),
    }
}

/// Parses `user` or `user:group`; empty means none.
pub fn owner(value: &[u8]) -> Parsed<Option<(String, Option<String>)>> {
    let text = text(value)?;
    if text.is_empty() {
        return Ok(None);
    }
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text.as_str(), None),
    };
    let fits = |name: &str| {
        let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'$');
        (1..=OWNER_BYTES_MAX).contains(&name.len())
            && name.bytes().all(letter)
            && !name.starts_with('-')
    };
    match fits(user) && group.is_none_or(fits) {
        true => Ok(Some((user.into(), group.map(Into::into)))),
        false => Err("is no owner; write user or user:group".into()),
    }
}

/// The greatest length of a user's or group's name in bytes; Linux permits 32.
const OWNER_BYTES_MAX: usize = 32;

/// `user:password` for the status page; empty: there is none.
pub fn status_auth(value: &[u8]) -> Parsed<Vec<u8>> {
    let is_plain = !value.iter().any(u8::is_ascii_control);
    match value {
        [] => Ok(Vec::new()),
        [b':', ..] | [.., b':'] => Err("has no user or no password; write user:password".into()),
        value if is_plain && value.contains(&b':') => Ok(value.to_vec()),
        _ => Err("is not user:password in one line".into()),
    }
}

// ---- Choices --------------------------------------------------------------------------------

/// Parses `1 yes true on`, or empty, `0 no false off`.
pub fn switch(value: &[u8]) -> Parsed<bool> {
    const WORDS: [(&str, bool); 9] = [
        ("1", true),
        ("yes", true),
        ("true", true),
        ("on", true),
        ("", false),
        ("0", false),
        ("no", false),
        ("false", false),
        ("off", false),
    ];
    let mut words = WORDS.iter();
    match words.find(|(word, _)| value.eq_ignore_ascii_case(word.as_bytes())) {
        Some((_, on)) => Ok(*on),
        None => Err(no(value, "is neither yes nor no; write one")),
    }
}

/// Words and their meanings.
pub type Choices<T> = [(&'static str, T)];

/// Returns the number of the word that is the value. The fault for an unknown word does not quote it,
/// because it may be a password in the wrong line.
pub fn chosen(value: &[u8], word: &dyn Fn(usize) -> Option<&'static str>) -> Parsed<usize> {
    let mut count = 0_usize;
    while let Some(word) = word(count) {
        if word.as_bytes() == value {
            return Ok(count);
        }
        count = count.saturating_add(1);
    }
    let mut nearest = Nearest::to(value);
    let mut all = String::new();
    for word in (0..count).filter_map(word).filter(|word| !word.is_empty()) {
        all.push_str(if all.is_empty() { "" } else { ", " });
        all.push_str(word);
        nearest.offer(word);
    }
    let near = nearest.name;
    Err(format!(
        "has a value that is not known; the nearest is \"{near}\", of: {all}"
    ))
}

/// The words of `format`.
pub const FORMATS: &Choices<Format> = &[
    ("form", Format::Form),
    ("json", Format::Json),
    ("query", Format::Query),
    ("multipart", Format::Multipart),
];

/// The words of `space`.
pub const SPACES: &Choices<Space> = &[("+", Space::Plus), ("%20", Space::Percent20)];

/// The words of `number_format`. An unknown one changes nothing, as in the PHP.
pub const NUMBER_FORMATS: &Choices<NumberFormat> = &[
    ("", NumberFormat::AsIs),
    ("omit+", NumberFormat::OmitPlus),
    ("no+", NumberFormat::Digits),
    ("E164", NumberFormat::Digits),
    ("E.164", NumberFormat::Digits),
    ("+E164", NumberFormat::Plus),
    ("NANP", NumberFormat::Nanp),
    ("+NANP", NumberFormat::PlusNanp),
];

/// Parses `charset`. An unknown one changes nothing, as in the PHP.
pub fn charset(value: &[u8]) -> Parsed<Charset> {
    match value {
        [] => Ok(Charset::AsIs),
        b"UCS-2" => Ok(Charset::Ucs2),
        value => match pair(value) {
            Some((key, value)) => Ok(Charset::Parameter(key, value)),
            None => Err("is neither UCS-2 nor key=value".into()),
        },
    }
}

/// The words of `text_decode`.
pub const TEXT_DECODES: &Choices<Decode> = &[
    ("none", Decode::None),
    ("", Decode::None),
    ("percent", Decode::Percent),
    ("base64", Decode::Base64),
];

/// The words of `log_numbers`.
pub const LOG_NUMBERS: &Choices<LogNumbers> =
    &[("whole", LogNumbers::Whole), ("masked", LogNumbers::Masked)];

/// The words of `media`.
pub const MEDIA: &Choices<Media> = &[("link", Media::Link), ("drop", Media::Drop)];

/// The words of `message_encode`.
pub const MESSAGE_ENCODES: &Choices<Encoding> = &[
    ("rfc3986", Encoding::Rfc3986),
    ("none", Encoding::None),
    ("", Encoding::None),
];

// ---- Numbers --------------------------------------------------------------------------------

/// Parses decimal digits within a range.
pub fn number(value: &[u8], min: u64, max: u64) -> Parsed<u64> {
    // `parse` alone would take `+5`.
    digits(value)
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| no(value, &format!("is no number from {min} to {max}")))
}

/// Parses a count within a range.
pub fn count(value: &[u8], min: u64, max: u64) -> Parsed<usize> {
    let number = number(value, min, max)?;
    usize::try_from(number).map_err(|_| "is too large for this machine".into())
}

fn digits(value: &[u8]) -> Option<u64> {
    match value.iter().all(u8::is_ascii_digit) {
        true => str::from_utf8(value).ok()?.parse().ok(),
        false => None,
    }
}

/// Parses a number that goes into a call file unchanged; empty means no line.
pub fn call_file_number(value: &[u8], min: u64) -> Parsed<String> {
    match value {
        [] => Ok(String::new()),
        value => Ok(number(value, min, CALL_FILE_NUMBER_MAX)?.to_string()),
    }
}

/// Parses an HTTP status for a request that is no acceptable message.
pub fn status(value: &[u8]) -> Parsed<u16> {
    digits(value)
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| matches!(status, 200..=299 | 400..=599))
        .ok_or_else(|| no(value, "is no status from 200 to 299 or 400 to 599"))
}

/// Parses octal permission bits.
pub fn mode(value: &[u8]) -> Parsed<u32> {
    let octal = (3..=4).contains(&value.len()) && value.iter().all(|b| matches!(b, b'0'..=b'7'));
    let digit = |mode: u32, digit: &u8| (mode << 3) | u32::from(digit & 7);
    match value.iter().fold(0, digit) {
        mode if octal && mode <= 0o777 && mode & 0o400 != 0 => Ok(mode),
        _ => Err(no(
            value,
            "is no octal mode from 0400 to 0777 that lets the owner read; 0644, say",
        )),
    }
}

/// Parses seconds, or a number with `s`, `m`, `h` or `d`.
pub fn duration(value: &[u8], max_s: u64) -> Parsed<Duration> {
    let (number, unit_s) = match value.split_last() {
        Some((b's', number)) => (number, 1),
        Some((b'm', number)) => (number, 60),
        Some((b'h', number)) => (number, 3600),
        Some((b'd', number)) => (number, 86_400),
        _ => (value, 1),
    };
    digits(number)
        .and_then(|number| number.checked_mul(unit_s))
        .filter(|seconds| (1..=max_s).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| {
            let text = format!("is no time from 1s to {max_s}s; write 30s, 10m, 1h or 2d, say");
            no(value, &text)
        })
}

/// Parses `auth_age` in seconds; empty or `none` means any age.
pub fn age(value: &[u8]) -> Parsed<Option<u64>> {
    match value {
        [] | b"none" => Ok(None),
        value => Ok(Some(duration(value, AUTH_AGE_S_MAX)?.as_secs())),
    }
}

/// Parses `inbox`.
pub fn inbox(value: &[u8]) -> Parsed<InboxUse> {
    if value.eq_ignore_ascii_case(b"auto") {
        return Ok(InboxUse::Auto);
    }
    match switch(value) {
        Ok(true) => Ok(InboxUse::Yes),
        Ok(false) => Ok(InboxUse::No),
        Err(_) => Err(no(value, "is not auto, yes or no")),
    }
}

/// Parses `rate`, as `20/min`; empty means none.
pub fn rate(value: &[u8]) -> Parsed<Option<Rate>> {
    if value.is_empty() {
        return Ok(None);
    }
    let per = |per: Per| {
        let count = value.strip_suffix(per.text().as_bytes())?;
        let count = count.strip_suffix(b"/")?;
        Some(Rate {
            count: quota_count(count)?,
            per,
        })
    };
    let found = [Per::Second, Per::Minute, Per::Hour]
        .into_iter()
        .find_map(per);
    found.map(Some).ok_or_else(|| {
        let text = format!("is no rate from 1 to {QUOTA_MAX}; write 20/min, 1/s or 100/h, say");
        no(value, &text)
    })
}

/// Parses `limit`, as `500/day`; empty means none.
pub fn limit(value: &[u8]) -> Parsed<Option<u64>> {
    if value.is_empty() {
        return Ok(None);
    }
    let count = value.strip_suffix(b"/day").and_then(quota_count);
    count.map(Some).ok_or_else(|| {
        let text = format!("is no limit from 1 to {QUOTA_MAX}; write 500/day, say");
        no(value, &text)
    })
}

fn quota_count(value: &[u8]) -> Option<u64> {
    digits(value).filter(|count| (1..=QUOTA_MAX).contains(count))
}

// ---- HTTP -----------------------------------------------------------------------------------

/// Parses a field name (RFC 9110 §5.1) that is not ours to set.
pub fn header_name(value: &[u8]) -> Parsed<String> {
    let letter = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    if value.is_empty() || !value.iter().all(letter) {
        return Err("is no header name".into());
    }
    let ours = OUR_HEADERS
        .iter()
        .any(|name| value.eq_ignore_ascii_case(name.as_bytes()));
    match ours {
        true => Err("is a header that belongs to the connection; take it out".into()),
        false => text(value),
    }
}

/// Fields that frame the request or ask for an answer that nobody here could read.
const OUR_HEADERS: [&str; 9] = [
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Expect",
    "Upgrade",
    "TE",
    "Trailer",
    "Accept-Encoding",
];

/// Parses a content type.
pub fn content_type(value: &[u8]) -> Parsed<String> {
    match value.contains(&b'/') {
        true => header_text(value),
        false => Err("is no content type; write text/xml, say".into()),
    }
}

/// Parses the CGI spelling of a request header; empty means none.
pub fn cgi_header(value: &[u8]) -> Parsed<String> {
    let header = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_';
    match value {
        [] => Ok(String::new()),
        [b'H', b'T', b'T', b'P', b'_', rest @ ..]
            if !rest.is_empty() && rest.iter().all(header) =>
        {
            text(value)
        }
        _ => Err(
            "is no header in CGI spelling; X-Forwarded-For is written HTTP_X_FORWARDED_FOR".into(),
        ),
    }
}
