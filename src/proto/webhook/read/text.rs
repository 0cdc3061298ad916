//! The text of a message: decoded, its captions joined, the links of an MMS behind it.

use alloc::borrow::Cow;
use alloc::vec;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::lookup::Scope;
use crate::limits::{MEDIA_LINK_BYTES_MAX, MEDIA_LINKS_MAX};
use crate::message::BadMessage;
use crate::proto::webhook::interface::{Decode, Media, Webhook};
use crate::proto::wire::form;

/// The text, and behind it the links of an MMS, which need not have one. Several captions of an MMS are
/// joined, and each caption and link begins a line.
pub(super) fn text(scope: Scope, webhook: &Webhook) -> Result<Vec<u8>, BadMessage> {
    let media = scope.all(&webhook.key_media, MEDIA_LINKS_MAX);
    let texts: Vec<Cow<[u8]>> = match scope.find(&webhook.key_body) {
        Some(text) => vec![text],
        None => scope.every(&webhook.key_caption),
    };
    if texts.is_empty() && media.iter().all(|link| link.is_empty()) {
        return Err(BadMessage::Missing { field: "text" });
    }
    let mut text = Vec::new();
    for part in &texts {
        add_line(&mut text, &decode(part, webhook.text_decode));
    }
    if webhook.media == Media::Link {
        let mut left = MEDIA_LINKS_MAX;
        for value in &media {
            add_links(&mut text, value, &mut left);
        }
    }
    Ok(text)
}

fn add_line(text: &mut Vec<u8>, line: &[u8]) {
    if !text.is_empty() && !line.is_empty() {
        text.push(b'\n');
    }
    text.extend_from_slice(line);
}

/// Adds the links of one value, of which some providers put several into one, divided by commas. A comma
/// behind which no link begins belongs to the link.
fn add_links(text: &mut Vec<u8>, value: &[u8], left: &mut usize) {
    let mut link_start = 0_usize;
    for end in 0..=value.len() {
        let behind = value.get(end.saturating_add(1)..).unwrap_or_default();
        let divides = || value.get(end) == Some(&b',') && has_scheme(behind.trim_ascii_start());
        if end < value.len() && !divides() {
            continue;
        }
        let link = value.get(link_start..end).unwrap_or_default().trim_ascii();
        link_start = end.saturating_add(1);
        if *left > 0 && is_link(link) {
            *left = left.saturating_sub(1);
            add_line(text, link);
        }
    }
}

/// Whether it can be followed. The layout of an MMS (`.smil`) says nothing to a reader.
fn is_link(link: &[u8]) -> bool {
    let path = link.split(|b| matches!(b, b'?' | b'#')).next();
    let path = path.unwrap_or_default().to_ascii_lowercase();
    has_scheme(link)
        && link.len() <= MEDIA_LINK_BYTES_MAX
        && link.iter().all(u8::is_ascii_graphic)
        && !path.ends_with(b".smil")
}

fn has_scheme(link: &[u8]) -> bool {
    let schemes: [&[u8]; 2] = [b"https://", b"http://"];
    schemes.iter().any(|scheme| {
        let start = link.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// A text that is not wholly in the encoding is what it is: some messages come without it.
fn decode(text: &[u8], from: Decode) -> Cow<'_, [u8]> {
    let decoded = match from {
        Decode::None => None,
        Decode::Percent => percent_decoded(text),
        Decode::Base64 => BASE64_STANDARD.decode(text.trim_ascii()).ok(),
    };
    decoded.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// `None` where nothing says that it is percent-encoded, or something says that it is not.
fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let whole = text.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => hex(text.get(at.saturating_add(1))) && hex(text.get(at.saturating_add(2))),
        byte => byte.is_ascii_graphic(),
    });
    let blanks = |byte: &u8| match byte {
        b'+' => b' ',
        byte => *byte,
    };
    // Without an escape every `+` is as likely one of the text.
    let is_encoded = whole && text.contains(&b'%');
    is_encoded.then(|| form::percent_decode(&text.iter().map(blanks).collect::<Vec<u8>>()))
}

/// The `charset` parameter of a content type.
pub(super) fn charset(content_type: &[u8]) -> Option<&str> {
    let mut parameters = content_type.split(|b| *b == b';').skip(1);
    let value = parameters.find_map(|parameter| {
        let (name, value) = parameter.trim_ascii().split_at_checked("charset=".len())?;
        name.eq_ignore_ascii_case(b"charset=").then_some(value)
    })?;
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    core::str::from_utf8(value.strip_suffix(b"\"").unwrap_or(value)).ok()
}
