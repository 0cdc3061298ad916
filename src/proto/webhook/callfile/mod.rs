//! Encodes a message as Asterisk call files.
//!
//! Asterisk's quoting and line limit are handled here only. Its reader (`pbx_spool.c`) treats a line thus:
//! a line over 1022 bytes is skipped whole; `#` at the start or after a blank ends the line, and so does
//! `;` unless a backslash stands before it; blanks at the end are dropped, and those after the key's colon.
//! Everything else stays unchanged, UTF-8 too.
//!
//! Invariant: whatever a message holds, each of its files has the same lines in the same order, and
//! Asterisk reads in each line what was meant.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use crate::limits::{CALL_FILE_LINE_BYTES_MAX, CALL_FILE_PARTS_MAX, NUMBER_BYTES_MAX};
use crate::message::Message;
use crate::proto::wire::form::rawurlencode;

/// The settings for a call file (`[astqueue]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `Channel: Local/TO@channel_context`.
    pub channel_context: String,
    /// `Context:`.
    pub context: String,
    /// `Priority:`. If it is empty there is no such line, as for the following values.
    pub priority: String,
    /// `WaitTime:`, seconds.
    pub waittime: String,
    /// `MaxRetries:`.
    pub maxretries: String,
    /// `RetryTime:`, seconds.
    pub retrytime: String,
    /// `Archive: yes` or `no`.
    pub archive: Switch,
    /// `Account:`.
    pub account: String,
    /// `Application:`.
    pub application: String,
    /// `Data:`.
    pub data: String,
    /// The encoding of the text.
    pub encoding: Encoding,
}

/// A yes or no in a call file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// `yes`
    Yes,
    /// `no`
    No,
}

/// The encoding of the text (`message_encode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Percent-encoded; the dialplan decodes with `URIDECODE`.
    Rfc3986,
    /// Unchanged where the file format can carry it.
    None,
}

/// One file for the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFile {
    /// The file's name without a folder: `TO.SECONDS.UNIQUE.call`.
    pub name: String,
    /// The file's contents.
    pub bytes: Vec<u8>,
    /// The number of seconds that the modification time lies ahead of now; 0 for the first part.
    pub delay_s: u64,
}

/// The reason why a message has no call files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// The text needs more parts than are allowed; the answer is 413.
    TooLong {
        /// The number of parts needed.
        parts: usize,
    },
    /// Asterisk would not read a line as it is meant. This is the configuration's fault, which [`check`]
    /// finds beforehand.
    Line {
        /// The configuration key whose value the line holds, or `to` or `from`.
        key: &'static str,
    },
}

/// Encodes one message as call files, in the order in which they must arrive. `unique` is a 64-bit random
/// number in hexadecimal, the id in the log; part n > 1 gets its own name from it.
pub fn encode(
    message: &Message,
    route: &Route,
    now_s: u64,
    unique: &str,
) -> Result<Vec<CallFile>, Unfit> {
    let to = message.to.as_str();
    let head = head(route, to, message.from.as_str())?;
    let text = message.text.to_utf8();
    let bodies = bodies(&text, route.encoding)?;
    let seconds = now_s.to_string();
    let files = (1_u64..).zip(bodies).map(|(part, body)| {
        let tail = match part {
            1 => String::new(),
            _ => format!("-{part}"),
        };
        let encoding = body.encoding.name();
        let lines = [&head, BODY_KEY, &body.value, ENCODING_LINE, encoding, "\n"];
        CallFile {
            name: [to, ".", &seconds, ".", unique, &tail, ".call"].concat(),
            bytes: lines.concat().into_bytes(),
            delay_s: part.saturating_sub(1),
        }
    });
    Ok(files.collect())
}

/// Encodes a notice of ours. The dialplan can tell it from an SMS; it must never be sent out.
pub fn encode_notice(
    message: &Message,
    route: &Route,
    now_s: u64,
    unique: &str,
) -> Result<Vec<CallFile>, Unfit> {
    let mut files = encode(message, route, now_s, unique)?;
    for file in &mut files {
        file.bytes.extend_from_slice(b"setvar: WEBSMS_NOTICE=1\n");
    }
    Ok(files)
}

/// Whether every value of a route can stand in a call file beside the longest number. The error is the
/// configuration key at fault. A semicolon may stand after a backslash, as Asterisk wants it.
pub fn check(route: &Route) -> Result<(), &'static str> {
    let number = "0".repeat(NUMBER_BYTES_MAX);
    match head(route, &number, &number) {
        Err(Unfit::Line { key }) => Err(key),
        _ => Ok(()),
    }
}

/// Encodes the lines before the text, and checks that Asterisk reads them.
fn head(route: &Route, to: &str, from: &str) -> Result<String, Unfit> {
    let archive = match route.archive {
        Switch::Yes => "yes",
        Switch::No => "no",
    };
    let lines: [(&str, &str, &[&str], Empty); 14] = [
        (
            "channel_context",
            "Channel: Local/",
            &[to, "@", &route.channel_context],
            Empty::Kept,
        ),
        ("from", "CallerID: \"\" <", &[from, ">"], Empty::Kept),
        ("waittime", "WaitTime: ", &[&route.waittime], Empty::Left),
        (
            "maxretries",
            "MaxRetries: ",
            &[&route.maxretries],
            Empty::Left,
        ),
        ("retrytime", "RetryTime: ", &[&route.retrytime], Empty::Left),
        ("account", "Account: ", &[&route.account], Empty::Left),
        (
            "application",
            "Application: ",
            &[&route.application],
            Empty::Left,
        ),
        ("data", "Data: ", &[&route.data], Empty::Left),
        ("context", "Context: ", &[&route.context], Empty::Kept),
        ("to", "Extension: ", &[to], Empty::Kept),
        ("priority", "Priority: ", &[&route.priority], Empty::Left),
        ("archive", "Archive: ", &[archive], Empty::Kept),
        ("to", "setvar: MESSAGE(to)=", &[to], Empty::Kept),
        ("from", "setvar: MESSAGE(from)=", &[from], Empty::Kept),
    ];
    let mut head = String::with_capacity(HEAD_BYTES_USUAL);
    for (key, start, value, empty) in lines {
        if value == [""] && empty == Empty::Left {
            continue;
        }
        if !is_read_whole(start, value) {
            return Err(Unfit::Line { key });
        }
        head.push_str(start);
        value.iter().for_each(|piece| head.push_str(piece));
        head.push('\n');
    }
    Ok(head)
}

/// The usual length of the lines before the text.
const HEAD_BYTES_USUAL: usize = 512;

/// The treatment of a line whose value is empty.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    /// The line is written.
    Kept,
    /// The line is left out.
    Left,
}

/// Whether a line of a start of ours and the pieces of a value is short enough and no comment begins in it.
/// Blanks at its end may be dropped.
fn is_read_whole(start: &str, value: &[&str]) -> bool {
    let mut before = start.bytes().last().unwrap_or(b' ');
    let mut length = start.len();
    for piece in value {
        length = length.saturating_add(piece.len());
        for byte in piece.bytes() {
            let fits = match byte {
                b'\t' => true,
                b'#' => !matches!(before, b' ' | b'\t'),
                b';' => before == b'\\',
                _ => !byte.is_ascii_control(),
            };
            if !fits {
                return false;
            }
            before = byte;
        }
    }
    length <= CALL_FILE_LINE_BYTES_MAX
}

// ---- The text -------------------------------------------------------------------------------

const BODY_KEY: &str = "setvar: MESSAGE(body)=";

/// The end of the text's line, and the start of the one behind it.
const ENCODING_LINE: &str = "\nsetvar: MESSAGE_ENCODE=";

/// The room that a line has for the text.
const BODY_BYTES_MAX: usize = CALL_FILE_LINE_BYTES_MAX - BODY_KEY.len();

struct Body {
    value: String,
    encoding: Encoding,
}

impl Encoding {
    fn name(self) -> &'static str {
        match self {
            Encoding::Rfc3986 => "rfc3986",
            Encoding::None => "none",
        }
    }
}

/// Splits the text into as many lines as it needs.
fn bodies(text: &str, encoding: Encoding) -> Result<Vec<Body>, Unfit> {
    if let Some(body) = body(text, encoding) {
        return Ok(vec![body]);
    }
    let mut pieces = split(text, Cut::Graphemes);
    if pieces.len() > CALL_FILE_PARTS_MAX {
        // Piles of combining marks leave gaps, so that the text may need too many parts.
        pieces = split(text, Cut::Characters);
    }
    if pieces.len() > CALL_FILE_PARTS_MAX {
        return Err(Unfit::TooLong {
            parts: pieces.len(),
        });
    }
    // Every piece was measured to fit. If one did not, the message would be refused; no piece is ever left
    // out.
    let parts = pieces.len();
    let bodies: Option<Vec<Body>> = pieces
        .into_iter()
        .map(|piece| body(piece, encoding))
        .collect();
    bodies.ok_or(Unfit::TooLong { parts })
}

/// Encodes the text in one line, with the first encoding that fits.
fn body(text: &str, encoding: Encoding) -> Option<Body> {
    // No encoding is shorter than the text.
    if text.len() > BODY_BYTES_MAX {
        return None;
    }
    if encoding == Encoding::None && stands_as_it_is(text) {
        return Some(Body {
            value: text.to_owned(),
            encoding,
        });
    }
    let mut value = rawurlencode(text.as_bytes());
    if value.len() > BODY_BYTES_MAX {
        value = escape(text);
    }
    (value.len() <= BODY_BYTES_MAX).then_some(Body {
        value,
        encoding: Encoding::Rfc3986,
    })
}

/// Whether Asterisk reads a text unchanged. A blank at the start would survive, but this relies on no
/// version of Asterisk. An escaped semicolon would lose its backslash.
fn stands_as_it_is(text: &str) -> bool {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let bytes = text.as_bytes();
    !is_blank(bytes.first())
        && !is_blank(bytes.last())
        && !bytes.contains(&b';')
        && is_read_whole(BODY_KEY, &[text])
}

/// Percent-encodes only what the file format needs; `URIDECODE` decodes the result.
fn escape(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    let last = text.len().saturating_sub(1);
    for (at, c) in text.char_indices() {
        let is_outer_blank = c == ' ' && (at == 0 || at == last);
        if is_outer_blank || is_escaped(c) {
            value.push_str(&rawurlencode(c.encode_utf8(&mut [0; 4]).as_bytes()));
        } else {
            value.push(c);
        }
    }
    value
}

fn is_escaped(c: char) -> bool {
    c.is_ascii_control() || matches!(c, '%' | ';' | '#')
}

// ---- Splitting ------------------------------------------------------------------------------

/// The places where a text may be cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Not within a grapheme, which a reader sees as one character, unless it is too long for one line.
    Graphemes,
    /// Between any two characters.
    Characters,
}

/// Splits a text into pieces that each fit a line when escaped, each as long as possible.
fn split(text: &str, cut: Cut) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((piece, after)) = rest.split_at_checked(fitting(rest, cut)) {
        if piece.is_empty() {
            break;
        }
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Returns the bytes of the longest start of `text` that fits a line when escaped; 0 only for an empty
/// text.
fn fitting(text: &str, cut: Cut) -> usize {
    let mut cost = 0_usize;
    let mut flags = 0_usize;
    let (mut by_characters, mut by_graphemes) = (0, 0);
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let escaped = is_escaped(c) || (c == ' ' && at == 0);
        cost = cost.saturating_add(if escaped { 3 } else { c.len_utf8() });
        if cost > BODY_BYTES_MAX {
            break;
        }
        flags = match is_flag(c) {
            true => flags.saturating_add(1),
            false => 0,
        };
        let blank_at_end = if c == ' ' && at > 0 { 2 } else { 0 };
        if cost.saturating_add(blank_at_end) > BODY_BYTES_MAX {
            continue;
        }
        let end = at.saturating_add(c.len_utf8());
        by_characters = end;
        let next = characters.peek().map(|(_, next)| *next);
        if !next.is_some_and(|next| belong_together(c, next, flags)) {
            by_graphemes = end;
        }
    }
    match cut {
        Cut::Graphemes if by_graphemes > 0 => by_graphemes,
        _ => by_characters,
    }
}

/// Whether a cut between two characters would be seen, by the common cases of Unicode's grapheme clusters
/// (UAX 29). `flags` is the number of regional indicators that end with `before`; two make a flag.
fn belong_together(before: char, after: char, flags: usize) -> bool {
    const JOINER: char = '\u{200d}';
    matches!((before, after), ('\r', '\n'))
        || before == JOINER
        || after == JOINER
        || extends(after)
        || (is_flag(after) && flags % 2 == 1)
}

fn is_flag(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Whether a character extends the one before it: a combining mark of a common script, a variation
/// selector, a skin tone or a tag.
fn extends(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}'
        | '\u{483}'..='\u{489}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{93c}' | '\u{93e}'..='\u{94f}'
        | '\u{981}'..='\u{983}' | '\u{9bc}' | '\u{9be}'..='\u{9cd}'
        | '\u{bbe}'..='\u{bcd}' | '\u{c3e}'..='\u{c4d}'
        | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{3099}'..='\u{309a}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}'
        | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests;
