//! A message → Asterisk call files.
//!
//! Asterisk's quoting and line limit live here only. What its reader (`pbx_spool.c`) does to a line:
//! one over 1022 bytes is skipped whole; `#` at the start or after a blank ends it, `;` ends it
//! unless a backslash stands before; blanks at the end go, and those after the key's colon. All else
//! stays as it is, UTF-8 too.
//!
//! Invariant: whatever a message holds, each of its files has the same lines in the same order, and
//! Asterisk reads in each what was meant.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use crate::limits::{CALL_FILE_LINE_BYTES_MAX, CALL_FILE_PARTS_MAX, NUMBER_BYTES_MAX};
use crate::message::Message;
use crate::proto::wire::form::rawurlencode;

/// What the configuration says of a call file (`[astqueue]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `Channel: Local/TO@channel_context`.
    pub channel_context: String,
    /// `Context:`.
    pub context: String,
    /// `Priority:`; empty: no line. So for the other values.
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
    /// How the text is written.
    pub encoding: Encoding,
}

/// A yes or a no of a call file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// `yes`
    Yes,
    /// `no`
    No,
}

/// `message_encode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Percent-encoded; the dialplan decodes with `URIDECODE`.
    Rfc3986,
    /// As it stands where the file format can carry it.
    None,
}

/// One file for the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFile {
    /// `TO.SECONDS.UNIQUE.call`, no folder.
    pub name: String,
    /// Its contents.
    pub bytes: Vec<u8>,
    /// Seconds that the modification time lies ahead of now: 0 for the first part.
    pub delay_s: u64,
}

/// Why a message has no call files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// The text needs more parts than are allowed: 413.
    TooLong {
        /// Parts needed.
        parts: usize,
    },
    /// A line that Asterisk would not read as it is meant: the configuration's fault, which
    /// [`check`] finds beforehand.
    Line {
        /// The configuration key whose value it holds, or `to` or `from`.
        key: &'static str,
    },
}

/// Call files for one message, in the order in which they must arrive. `unique` is a 64-bit random
/// number in hex, the id in the log; part n > 1 gets its own name from it.
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
    let files = (1_u64..).zip(bodies).map(|(part, body)| {
        let tail = match part {
            1 => String::new(),
            _ => format!("-{part}"),
        };
        let (value, encoding) = (&body.value, body.encoding.name());
        CallFile {
            name: format!("{to}.{now_s}.{unique}{tail}.call"),
            bytes: format!("{head}{BODY_KEY}{value}\nsetvar: MESSAGE_ENCODE={encoding}\n")
                .into_bytes(),
            delay_s: part.saturating_sub(1),
        }
    });
    Ok(files.collect())
}

/// The same for a notice of ours, by which a dialplan knows it: it must never be sent out.
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

/// Whether every value of a route can stand in a call file, beside the longest number. The error is
/// the configuration key at fault. A semicolon may stand after a backslash, as Asterisk wants it.
pub fn check(route: &Route) -> Result<(), &'static str> {
    let number = "0".repeat(NUMBER_BYTES_MAX);
    match head(route, &number, &number) {
        Err(Unfit::Line { key }) => Err(key),
        _ => Ok(()),
    }
}

/// The lines before the text, and they are lines that Asterisk reads.
fn head(route: &Route, to: &str, from: &str) -> Result<String, Unfit> {
    let archive = match route.archive {
        Switch::Yes => "yes",
        Switch::No => "no",
    };
    let local = ["Local/", to, "@", &route.channel_context].concat();
    let caller = ["\"\" <", from, ">"].concat();
    let lines = [
        ("channel_context", "Channel: ", local.as_str(), Empty::Kept),
        ("from", "CallerID: ", &caller, Empty::Kept),
        ("waittime", "WaitTime: ", &route.waittime, Empty::Left),
        ("maxretries", "MaxRetries: ", &route.maxretries, Empty::Left),
        ("retrytime", "RetryTime: ", &route.retrytime, Empty::Left),
        ("account", "Account: ", &route.account, Empty::Left),
        (
            "application",
            "Application: ",
            &route.application,
            Empty::Left,
        ),
        ("data", "Data: ", &route.data, Empty::Left),
        ("context", "Context: ", &route.context, Empty::Kept),
        ("to", "Extension: ", to, Empty::Kept),
        ("priority", "Priority: ", &route.priority, Empty::Left),
        ("archive", "Archive: ", archive, Empty::Kept),
        ("to", "setvar: MESSAGE(to)=", to, Empty::Kept),
        ("from", "setvar: MESSAGE(from)=", from, Empty::Kept),
    ];
    let mut head = String::with_capacity(HEAD_BYTES_USUAL);
    for (key, start, value, empty) in lines {
        if value.is_empty() && empty == Empty::Left {
            continue;
        }
        let start_of_line = head.len();
        head.push_str(start);
        head.push_str(value);
        if !head.get(start_of_line..).is_some_and(is_read_whole) {
            return Err(Unfit::Line { key });
        }
        head.push('\n');
    }
    Ok(head)
}

/// What the lines before the text take with numbers and names as they usually are.
const HEAD_BYTES_USUAL: usize = 512;

/// What becomes of a line whose value is empty.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    /// It is written.
    Kept,
    /// It is left out.
    Left,
}

/// Whether a line is short enough and no comment begins in it. Blanks at its end may go.
fn is_read_whole(line: &str) -> bool {
    let mut before = b' ';
    line.len() <= CALL_FILE_LINE_BYTES_MAX
        && line.bytes().all(|byte| {
            let fits = match byte {
                b'\t' => true,
                b'#' => !matches!(before, b' ' | b'\t'),
                b';' => before == b'\\',
                _ => !byte.is_ascii_control(),
            };
            before = byte;
            fits
        })
}

// ---- The text -------------------------------------------------------------------------------

const BODY_KEY: &str = "setvar: MESSAGE(body)=";

/// What a line leaves for the text.
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

/// The text in as many lines as it needs.
fn bodies(text: &str, encoding: Encoding) -> Result<Vec<Body>, Unfit> {
    if let Some(body) = body(text, encoding) {
        return Ok(vec![body]);
    }
    let mut pieces = split(text, Cut::Graphemes);
    if pieces.len() > CALL_FILE_PARTS_MAX {
        // Heaps of combining marks leave gaps that the text may not have room for.
        pieces = split(text, Cut::Characters);
    }
    if pieces.len() > CALL_FILE_PARTS_MAX {
        return Err(Unfit::TooLong {
            parts: pieces.len(),
        });
    }
    // Every piece was measured to fit; one that did not would be refused, never left out.
    let parts = pieces.len();
    let bodies: Option<Vec<Body>> = pieces
        .into_iter()
        .map(|piece| body(piece, encoding))
        .collect();
    bodies.ok_or(Unfit::TooLong { parts })
}

/// The text in one line, with the first encoding that fits.
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

/// Whether Asterisk reads a text as it is. A blank at the start would stand where it reads it, but
/// that is left to no version. An escaped semicolon would come without its backslash.
fn stands_as_it_is(text: &str) -> bool {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let bytes = text.as_bytes();
    !is_blank(bytes.first())
        && !is_blank(bytes.last())
        && !bytes.contains(&b';')
        && is_read_whole(&[BODY_KEY, text].concat())
}

/// As little percent-encoding as the file format needs; `URIDECODE` undoes it like any other.
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

/// Where a text may be cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Not within what a reader sees as one character, unless that alone is too long.
    Graphemes,
    /// Between any two characters.
    Characters,
}

/// Pieces that each fit a line when escaped, each as long as can be.
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

/// Bytes of the longest start of `text` that fits a line when escaped; nought only of nothing.
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

/// Whether a cut between two characters would be seen: the common cases of Unicode's grapheme
/// clusters (UAX 29). `flags` regional indicators end with `before`; two make a flag.
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

/// Combining marks of the scripts most written, variation selectors, skin tones, tags.
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
