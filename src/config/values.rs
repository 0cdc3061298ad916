//! Parses the text of one value. An error is a sentence with the fact and the remedy.
//!
//! Invariant: no error quotes a value that could be a secret. Addresses, numbers and choices are
//! quoted, escaped and cut; URLs, credentials, parameters and headers never are.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::limits::{
    AUTH_AGE_S_MAX, CALL_FILE_NUMBER_MAX, OWN_NUMBERS_MAX, QUOTA_MAX, RETRY_PAUSE_S_MAX,
    RETRY_PAUSES_MAX,
};
use crate::message::{LogNumbers, Number};
use crate::proto::grammar::{Alternatives, Conditions, entries, pair};
use crate::proto::provider::{Charset, Format, Space};
use crate::proto::record::quota::{Per, Rate};
use crate::proto::webhook::callfile::Encoding;
use crate::proto::webhook::interface::{Decode, Media};
use crate::proto::wire::cidr::Cidr;
use crate::proto::wire::form::Pair;
use crate::proto::wire::number::{self, NumberFormat};

use super::nearest::nearest;
use super::program::Inbox;

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
fn no(value: &[u8], text: &str) -> String {
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
    let mut words = Vec::new();
    let mut all = String::new();
    let mut nth = 0_usize;
    while let Some(word) = word(nth) {
        if word.as_bytes() == value {
            return Ok(nth);
        }
        if !word.is_empty() {
            all.push_str(if all.is_empty() { "" } else { ", " });
            all.push_str(word);
            words.push(word);
        }
        nth = nth.saturating_add(1);
    }
    let near = nearest(&words, value);
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

/// Parses `status_check`; empty means every 2xx.
pub fn statuses(value: &[u8]) -> Parsed<Vec<u16>> {
    let mut statuses = Vec::new();
    each(value, &mut |entry| {
        let status = number(entry, 100, 599)?;
        // The range fits.
        statuses.push(u16::try_from(status).unwrap_or_default());
        Ok(())
    })?;
    Ok(statuses)
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
pub fn inbox(value: &[u8]) -> Parsed<Inbox> {
    if value.eq_ignore_ascii_case(b"auto") {
        return Ok(Inbox::Auto);
    }
    match switch(value) {
        Ok(true) => Ok(Inbox::Yes),
        Ok(false) => Ok(Inbox::No),
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

/// Parses `[queue] retry`.
pub fn pauses(value: &[u8]) -> Parsed<Vec<Duration>> {
    let mut pauses = Vec::new();
    each(value, &mut |entry| {
        pauses.push(duration(entry, RETRY_PAUSE_S_MAX)?);
        Ok(())
    })?;
    match pauses.len() {
        1..=RETRY_PAUSES_MAX => Ok(pauses),
        given => Err(format!(
            "has {given} pauses; give 1 to {RETRY_PAUSES_MAX}, separated by commas"
        )),
    }
}

// ---- Lists ----------------------------------------------------------------------------------

/// Splits a value at each `divider`.
fn split(value: &[u8], divider: u8) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    for part in value.split(|byte| *byte == divider) {
        parts.push(part);
    }
    parts
}

/// Splits a value into entries without the blanks around them; empty ones are dropped.
fn list(value: &[u8], divider: u8) -> Vec<&[u8]> {
    let mut entries = split(value, divider);
    for entry in &mut entries {
        *entry = entry.trim_ascii();
    }
    entries.retain(|entry| !entry.is_empty());
    entries
}

/// Takes each of the entries between commas.
fn each(value: &[u8], take: &mut dyn FnMut(&[u8]) -> Parsed<()>) -> Parsed<()> {
    list(value, b',').into_iter().try_for_each(take)
}

/// Parses address blocks.
pub fn cidrs(value: &[u8]) -> Parsed<Vec<Cidr>> {
    let mut blocks = Vec::new();
    each(value, &mut |entry| {
        let text = str::from_utf8(entry).ok();
        blocks.push(text.and_then(Cidr::parse).ok_or_else(|| {
            let text = "is no address block; write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32, say";
            no(entry, text)
        })?);
        Ok(())
    })?;
    Ok(blocks)
}

/// Parses telephone numbers as a webhook may write them.
pub fn numbers(value: &[u8]) -> Parsed<Vec<Number>> {
    let mut numbers = Vec::new();
    each(value, &mut |entry| {
        let number = Number::parse_inbound(&number::inbound(entry).0);
        numbers.push(number.map_err(|_| no(entry, "is no number; write +12025550160, say"))?);
        Ok(())
    })?;
    match numbers.len() {
        0..=OWN_NUMBERS_MAX => Ok(numbers),
        given => Err(format!(
            "has {given} numbers; at most {OWN_NUMBERS_MAX} are compared"
        )),
    }
}

/// Parses request paths.
pub fn paths(value: &[u8]) -> Parsed<Vec<Vec<u8>>> {
    let mut paths = Vec::new();
    each(value, &mut |entry| match entry {
        // A target on the wire has neither, so such an entry would never match.
        [b'/', rest @ ..] if rest.iter().all(|byte| matches!(byte, b'!'..=b'~')) => {
            paths.push(entry.to_vec());
            Ok(())
        }
        _ => Err(
            "has an entry that no request can match: a path begins with / and is of ASCII without \
             blanks, other bytes as %HH"
                .into(),
        ),
    })?;
    Ok(paths)
}

/// Parses the path of the status page; empty means that there is none.
pub fn status_path(value: &[u8]) -> Parsed<Option<Vec<u8>>> {
    let mut paths = paths(value)?;
    let only = paths.pop();
    match &only {
        None => Ok(None),
        Some(path) if paths.is_empty() && !path.contains(&b'?') && !path.contains(&b'#') => {
            Ok(only)
        }
        _ => Err("is not one path without ? and #; write /status-5f2a90d1, say".into()),
    }
}

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

/// Parses addresses with ports.
pub fn addresses(value: &[u8]) -> Parsed<Vec<SocketAddr>> {
    let mut addresses = Vec::new();
    each(value, &mut |entry| {
        addresses.push(address(entry)?);
        Ok(())
    })?;
    Ok(addresses)
}

/// Parses `ADDR:PORT`, with IPv6 in brackets.
pub fn address(value: &[u8]) -> Parsed<SocketAddr> {
    let text = str::from_utf8(value).ok();
    text.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let text = "is no address with a port; write 0.0.0.0:80 or [::]:80, say";
        no(value, text)
    })
}

/// Parses `k=v,k=v`: the first `=` divides, `\,` is a comma, `\\` a backslash. A function of its own, because
/// several keys use it.
#[inline(never)]
pub fn statics(value: &[u8]) -> Parsed<Vec<Pair>> {
    let mut pairs = Vec::new();
    for entry in entries(value) {
        match pair(entry.trim_ascii()) {
            Some(pair) => pairs.push(pair),
            None => {
                let nth = pairs.len().saturating_add(1);
                return Err(format!(
                    "entry {nth} is no key=value; a comma in a value is \\,"
                ));
            }
        }
    }
    Ok(pairs)
}

/// Parses `accept_if`; empty means no condition.
pub fn conditions(value: &[u8]) -> Parsed<Conditions> {
    Ok(Conditions::parse(value)?)
}

/// Parses names or paths of an inbound parameter, `a|b`; empty means that it is not read.
pub fn alternatives(value: &[u8]) -> Parsed<Alternatives> {
    Ok(Alternatives::parse(value)?)
}

/// Parses names or paths of a parameter that every SMS needs, so they may not be empty.
pub fn needed_alternatives(value: &[u8]) -> Parsed<Alternatives> {
    alternatives(&needed_name(value)?)
}

// ---- HTTP -----------------------------------------------------------------------------------

/// Parses fields `Name: value`, separated by `|`.
pub fn headers(value: &[u8]) -> Parsed<Vec<(String, String)>> {
    let mut fields = Vec::new();
    for entry in list(value, b'|') {
        let nth = fields.len().saturating_add(1);
        match field(entry) {
            Ok(field) => fields.push(field),
            Err(text) => return Err(format!("entry {nth}{text}")),
        }
    }
    Ok(fields)
}

fn field(entry: &[u8]) -> Parsed<(String, String)> {
    let at = entry.iter().position(|byte| *byte == b':');
    let (name, value) = at
        .and_then(|at| entry.split_at_checked(at))
        .ok_or(" is no \"Name: value\"; entries stand between |")?;
    let name = header_name(name).map_err(|text| format!(": the name {text}"))?;
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    let value = header_text(value).map_err(|text| format!(": the value {text}"))?;
    Ok((name, value))
}

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
