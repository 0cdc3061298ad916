//! Reads the parameters of a `multipart/form-data` body, as PHP's `rfc1867.c` does.

use alloc::vec::Vec;

use super::array::{Array, Filling, TooMuch};
use super::name::is_space;
use crate::limits::MULTIPART_PARTS_MAX;

/// The size of the buffer through which PHP reads lines; a longer line falls into pieces.
const LINE_BYTES_MAX: usize = 5120;
/// The length of the longest boundary that PHP takes.
const BOUNDARY_BYTES_MAX: usize = LINE_BYTES_MAX - 4;
/// PHP's `max_file_uploads`.
const FILES_MAX: usize = 20;

/// Parses the parameters of a body; `content_type` is the field's whole value. Files are no parameters. A
/// body that is not well formed gives the parameters up to the fault.
pub(super) fn parse(body: &[u8], content_type: &[u8]) -> Result<Array, TooMuch> {
    let mut filling = Filling::default();
    let Some(boundary) = boundary(content_type) else {
        return Ok(filling.root);
    };
    let delimiter = [b"--", boundary].concat();
    let mut body = Body {
        rest: body,
        line_bytes_max: LINE_BYTES_MAX.max(boundary.len().saturating_add(6)),
    };
    let mut parts = 0_usize;
    let mut files = Files::default();
    while !body.rest.is_empty() {
        if !body.skip_to(&delimiter) {
            break;
        }
        let Some(disposition) = body.disposition() else {
            continue;
        };
        parts = parts.saturating_add(1);
        if parts > MULTIPART_PARTS_MAX {
            return Err(TooMuch("parts"));
        }
        let part = Part::parse(&disposition);
        match (part.name, part.filename) {
            (Some(name), None) => {
                filling.count_parameter()?;
                filling.set(&name, body.value(&delimiter).to_vec())?;
            }
            (None, None) => break,
            (name, Some(filename)) => {
                if files.takes(&name.unwrap_or_default(), &filename) {
                    body.value(&delimiter);
                }
            }
        }
    }
    Ok(filling.root)
}

/// Returns the text behind the first `boundary` and its `=`. Small letters are looked for before any other
/// case.
fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    const WORD: &[u8] = b"boundary";
    let content_type = c_string(content_type);
    let words = || content_type.windows(WORD.len());
    let start = words()
        .position(|window| window == WORD)
        .or_else(|| words().position(|window| window.eq_ignore_ascii_case(WORD)))?;
    let behind = content_type.get(start..)?;
    let equals = behind.iter().position(|b| *b == b'=')?;
    let value = behind.get(equals.saturating_add(1)..)?;
    let boundary = match value.strip_prefix(b"\"") {
        Some(quoted) => quoted.get(..quoted.iter().position(|b| *b == b'"')?)?,
        None => value.split(|b| matches!(b, b',' | b';')).next()?,
    };
    (boundary.len() <= BOUNDARY_BYTES_MAX).then_some(boundary)
}

/// The part of a body that has not been read yet.
struct Body<'a> {
    rest: &'a [u8],
    line_bytes_max: usize,
}

impl<'a> Body<'a> {
    /// Returns the next line without its end, cut at a NUL; `None` if the rest has no line end.
    fn line(&mut self) -> Option<&'a [u8]> {
        let window = self.rest.get(..self.line_bytes_max).unwrap_or(self.rest);
        let (line, after) = match window.iter().position(|b| *b == b'\n') {
            Some(end) => {
                let line = window.get(..end)?;
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                (line, end.saturating_add(1))
            }
            None if window.len() == self.line_bytes_max => (window, window.len()),
            None => return None,
        };
        self.rest = self.rest.get(after..)?;
        Some(c_string(line))
    }

    /// Goes behind the next line that is exactly the delimiter.
    fn skip_to(&mut self, delimiter: &[u8]) -> bool {
        while let Some(line) = self.line() {
            if line == delimiter {
                return true;
            }
        }
        false
    }

    /// Reads the part's head and returns the value of its first Content-Disposition.
    fn disposition(&mut self) -> Option<Vec<u8>> {
        let mut found: Option<Vec<u8>> = None;
        // A folded line continues no header yet, Content-Disposition, or another header.
        let mut continued = Continued::Nothing;
        while let Some(line) = self.line().filter(|line| !line.is_empty()) {
            let folded = line.first().is_some_and(|b| is_space(*b));
            let colon = line.iter().position(|b| *b == b':').filter(|_| !folded);
            if let Some(colon) = colon {
                let (name, value) = line.split_at_checked(colon)?;
                let value = value.get(1..)?;
                if found.is_none() && name.eq_ignore_ascii_case(b"content-disposition") {
                    found = Some(skip_space(value).to_vec());
                    continued = Continued::Disposition;
                } else {
                    continued = Continued::Other;
                }
            } else if let (Continued::Disposition, Some(value)) = (&continued, &mut found) {
                value.extend_from_slice(line);
            }
        }
        found
    }

    /// Reads the value that begins here, up to the line end before the next delimiter.
    fn value(&mut self, delimiter: &[u8]) -> &'a [u8] {
        let body = self.rest;
        let end = ending(body, delimiter);
        let (value, rest) = match end.and_then(|end| body.split_at_checked(end)) {
            Some((value, rest)) => (value.strip_suffix(b"\r").unwrap_or(value), rest),
            None => (body, &b""[..]),
        };
        self.rest = rest;
        value
    }
}

enum Continued {
    Nothing,
    Disposition,
    Other,
}

/// Returns the offset of the LF before the delimiter, or of the LF before an incomplete delimiter at the
/// end of the body.
fn ending(body: &[u8], delimiter: &[u8]) -> Option<usize> {
    let mut from = 0_usize;
    loop {
        let rest = body.get(from..)?;
        let lf = rest.iter().position(|b| *b == b'\n')?;
        let after = rest.get(lf.saturating_add(1)..)?;
        let end = from.saturating_add(lf);
        if after.starts_with(delimiter) || delimiter.starts_with(after) {
            return Some(end);
        }
        from = end.saturating_add(1);
    }
}

/// The values in a part's Content-Disposition.
#[derive(Default)]
struct Part {
    name: Option<Vec<u8>>,
    filename: Option<Vec<u8>>,
}

impl Part {
    fn parse(disposition: &[u8]) -> Part {
        let mut part = Part::default();
        let mut rest = skip_space(disposition);
        while !rest.is_empty() {
            let mut pair = word(&mut rest, b';');
            rest = skip_space(rest);
            if !pair.contains(&b'=') {
                continue;
            }
            let key = word(&mut pair, b'=');
            if key.eq_ignore_ascii_case(b"name") {
                part.name = Some(unquoted(pair));
            } else if key.eq_ignore_ascii_case(b"filename") {
                part.filename = Some(unquoted(pair));
            }
        }
        part
    }
}

/// Removes from `line` the bytes before `stop`, and every `stop` that follows, and returns the former. A
/// `stop` inside quotes does not count.
fn word<'a>(line: &mut &'a [u8], stop: u8) -> &'a [u8] {
    let bytes = *line;
    let mut quote = None;
    let mut escaped = false;
    let mut end = bytes.len();
    for (at, b) in bytes.iter().enumerate() {
        let next = bytes.get(at.saturating_add(1));
        match quote {
            _ if escaped => escaped = false,
            Some(open) if *b == b'\\' && next == Some(&open) => escaped = true,
            Some(open) if *b == open => quote = None,
            Some(_) => {}
            None if *b == stop => {
                end = at;
                break;
            }
            None if matches!(b, b'"' | b'\'') => quote = Some(*b),
            None => {}
        }
    }
    let (taken, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    let stops = rest.iter().take_while(|b| **b == stop).count();
    *line = rest.get(stops..).unwrap_or_default();
    taken
}

/// Returns a parameter's value without quotes and their escapes.
fn unquoted(value: &[u8]) -> Vec<u8> {
    let value = skip_space(value);
    let (mut rest, quote) = match value {
        [quote @ (b'"' | b'\''), inner @ ..] => (inner, Some(quote)),
        _ => (
            value.split(|b| is_space(*b)).next().unwrap_or_default(),
            None,
        ),
    };
    let mut out = Vec::with_capacity(rest.len());
    while let [byte, tail @ ..] = rest {
        if Some(byte) == quote {
            break;
        }
        let taken;
        (taken, rest) = match tail {
            [escaped, behind @ ..]
                if *byte == b'\\' && (*escaped == b'\\' || Some(escaped) == quote) =>
            {
                (escaped, behind)
            }
            _ => (byte, tail),
        };
        out.push(*taken);
    }
    out
}

/// Decides which file parts PHP reads through to their end. It searches the text of the others line by line
/// for the next delimiter.
#[derive(Default)]
struct Files {
    read: usize,
    /// Whether a name with unbalanced brackets has occurred, which refuses all files that follow.
    refused: bool,
}

impl Files {
    fn takes(&mut self, name: &[u8], filename: &[u8]) -> bool {
        self.refused |= self.read >= FILES_MAX || !balanced(name);
        if self.refused || filename.is_empty() {
            return false;
        }
        self.read = self.read.saturating_add(1);
        true
    }
}

/// Whether every `]` closes a `[` and is followed by another or by nothing.
fn balanced(name: &[u8]) -> bool {
    let mut open = 0_usize;
    let mut bytes = name.iter().peekable();
    while let Some(b) = bytes.next() {
        match b {
            b'[' => open = open.saturating_add(1),
            b']' => {
                if bytes.peek().is_some_and(|next| **next != b'[') {
                    return false;
                }
                match open.checked_sub(1) {
                    Some(less) => open = less,
                    None => return false,
                }
            }
            _ => {}
        }
    }
    open == 0
}

fn skip_space(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|b| is_space(**b)).count();
    bytes.get(blanks..).unwrap_or_default()
}

/// Returns the bytes up to the first NUL.
fn c_string(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == 0).next().unwrap_or_default()
}
