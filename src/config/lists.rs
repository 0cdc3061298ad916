//! Parses the text of a value that has several entries. An error is a sentence with the fact and the remedy.
//!
//! Invariant: as in [`super::values`], no error quotes a value that could be a secret.

use std::net::SocketAddr;
use std::time::Duration;

use crate::limits::{OWN_NUMBERS_MAX, RETRY_PAUSE_S_MAX, RETRY_PAUSES_MAX};
use crate::message::Number;
use crate::proto::grammar::{Alternatives, Conditions, entries, pair};
use crate::proto::wire::cidr::Cidr;
use crate::proto::wire::form::Pair;
use crate::proto::wire::number::inbound;

use super::values::{Parsed, duration, header_name, header_text, needed_name, no, number};

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
        let number = Number::parse_inbound(&inbound(entry).0);
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
fn address(value: &[u8]) -> Parsed<SocketAddr> {
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

/// Takes each of the entries between commas.
fn each(value: &[u8], take: &mut dyn FnMut(&[u8]) -> Parsed<()>) -> Parsed<()> {
    list(value, b',').into_iter().try_for_each(take)
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

/// Splits a value at each `divider`.
fn split(value: &[u8], divider: u8) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    for part in value.split(|byte| *byte == divider) {
        parts.push(part);
    }
    parts
}
