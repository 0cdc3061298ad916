//! Makes the text of a message: decodes it, joins captions, and appends the links of an MMS.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::lookup::Scope;
use crate::limits::{ATTACHMENT_BYTES_MIN, MEDIA_LINK_BYTES_MAX, MEDIA_LINKS_MAX};
use crate::message::BadMessage;
use crate::proto::webhook::interface::{Decode, Media, Webhook};
use crate::proto::wire::form;

/// Returns the text with the links of an MMS behind it; an MMS may have links alone. Several captions of an
/// MMS are joined, and each caption and link begins a line.
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
        match attachment(scope, part) {
            Some(note) => add_line(&mut text, note.as_bytes()),
            None => add_line(&mut text, &decode(part, webhook.text_decode)),
        }
    }
    if webhook.media == Media::Link {
        let mut left = MEDIA_LINKS_MAX;
        for value in &media {
            add_links(&mut text, value, &mut left);
        }
    }
    Ok(text)
}

/// Whether there is a text, or a link of an MMS.
pub(super) fn has_text(scope: Scope, webhook: &Webhook) -> bool {
    scope.find(&webhook.key_body).is_some()
        || scope.find(&webhook.key_caption).is_some()
        || !scope.all(&webhook.key_media, 1).is_empty()
}

fn add_line(text: &mut Vec<u8>, line: &[u8]) {
    if !text.is_empty() && !line.is_empty() {
        text.push(b'\n');
    }
    text.extend_from_slice(line);
}

/// Adds the links of one value. Some providers put several into one value, separated by commas. A comma
/// belongs to the link unless another link begins behind it.
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

/// Whether a link can be followed. The layout of an MMS (`.smil`) is of no use to a reader.
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

/// Decodes a text. A text that is not wholly in the encoding is returned unchanged, because some messages
/// come without it.
fn decode(text: &[u8], from: Decode) -> Cow<'_, [u8]> {
    let decoded = match from {
        Decode::None => None,
        Decode::Percent => percent_decoded(text),
        Decode::Base64 => base64_decoded(text),
    };
    decoded.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Decodes a text that is base64. Returns `None` if it is not, and also if it might be but makes sense
/// unchanged: some messages come without the encoding, and `test` is valid base64, too.
fn base64_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let decoded = base64(text)?;
    let is_padded = text.trim_ascii_end().ends_with(b"=");
    let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let is_text = || core::str::from_utf8(&decoded).is_ok_and(|text| text.chars().all(is_plain));
    let is_likelier = || !reads_as_words(text) || reads_as_words(&decoded);
    (is_padded || (is_text() && is_likelier())).then_some(decoded)
}

/// Decodes a text that is wholly base64, in which a form may have turned `+` into blanks; `None` for any
/// other text.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let lines = |byte: &u8| !matches!(byte, b'\r' | b'\n');
    let text: Vec<u8> = text.iter().copied().filter(lines).collect();
    let with_blanks = |text: &[u8]| {
        let plus = |byte: &u8| if *byte == b' ' { b'+' } else { *byte };
        BASE64_STANDARD.decode(text.iter().map(plus).collect::<Vec<u8>>())
    };
    with_blanks(&text)
        .or_else(|_| with_blanks(text.trim_ascii()))
        .ok()
}

/// Whether each piece between blanks is a word of ASCII letters or a number, optionally with a full stop
/// behind it.
fn reads_as_words(text: &[u8]) -> bool {
    text.split(|b| *b == b' ').all(|piece| {
        let end = piece
            .iter()
            .rposition(|b| !matches!(b, b'.' | b',' | b'!' | b'?'));
        let word = piece.get(..end.map_or(0, |end| end.saturating_add(1)));
        let word = word.unwrap_or_default();
        let rest = word.get(1..).unwrap_or_default();
        let begins = word.first().is_none_or(u8::is_ascii_alphabetic);
        (begins && rest.iter().all(u8::is_ascii_lowercase))
            || word.iter().all(u8::is_ascii_uppercase)
            || word.iter().all(u8::is_ascii_digit)
    })
}

/// Returns the words that replace an attachment which a provider writes into the text of an MMS (spec
/// §8.4); `None` if the text is real.
fn attachment(scope: Scope, text: &[u8]) -> Option<String> {
    let is_mms = |kind: &Cow<[u8]>| kind.eq_ignore_ascii_case(b"mms");
    if text.len() <= ATTACHMENT_BYTES_MIN || !scope.find_name(b"type").is_some_and(|it| is_mms(&it))
    {
        return None;
    }
    // If a form turned + into blanks, the pieces have some 64 characters on average.
    text.split(|b| *b == b' ')
        .find(|piece| piece.len() > WORD_BYTES_MAX)?;
    let bytes = base64(text)?;
    let mut kinds = ATTACHMENTS.iter();
    let kind =
        kinds.find(|(at, start, _)| bytes.get(*at..).is_some_and(|it| it.starts_with(start)));
    let kind = kind.map_or("attachment", |(_, _, kind)| kind);
    Some(format!("[{kind}, {} bytes]", bytes.len()))
}

/// A length beyond that of any word in ordinary text.
const WORD_BYTES_MAX: usize = 50;

/// The first bytes of kinds of attachments, with the offset at which they stand.
const ATTACHMENTS: [(usize, &[u8], &str); 5] = [
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG", "image/png"),
    (0, b"GIF8", "image/gif"),
    (0, b"#!AMR", "audio/amr"),
    (4, b"ftyp", "video/mp4"),
];

/// Decodes a text that is percent-encoded. Returns `None` if nothing shows that it is, or something shows
/// that it is not.
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
    // Without an escape, a `+` probably belongs to the text.
    let is_encoded = whole && text.contains(&b'%');
    is_encoded.then(|| form::percent_decode(&text.iter().map(blanks).collect::<Vec<u8>>()))
}

/// Returns the `charset` parameter of a content type.
pub(super) fn charset(content_type: &[u8]) -> Option<&str> {
    let mut parameters = content_type.split(|b| *b == b';').skip(1);
    let value = parameters.find_map(|parameter| {
        let (name, value) = parameter.trim_ascii().split_at_checked("charset=".len())?;
        name.eq_ignore_ascii_case(b"charset=").then_some(value)
    })?;
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    core::str::from_utf8(value.strip_suffix(b"\"").unwrap_or(value)).ok()
}
