//! Encodes members as a JSON object.

use alloc::vec;
use alloc::vec::Vec;

use super::path::{is_path, steps};
use super::value::parse;

/// A key is no path, or is a path through a value that another key has made a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPath;

/// The members in the form in which they are collected before they are written.
enum Tree<'a> {
    Text(&'a [u8]),
    /// A number, `true`, `false` or `null` as it is written.
    Literal(&'a [u8]),
    List(Vec<Tree<'a>>),
    Object(Vec<(&'a [u8], Tree<'a>)>),
}

/// Encodes a JSON object of these members, in their order. A key may be a path: `a.b[0].c`, `to[]`
/// (append). Numbers in brackets are indices of a list, which grows by one at a time; the members of one
/// element must be given one after another. Values are strings; bytes that are not UTF-8 are read as
/// ISO-8859-1. If a key ends in `:json`, which is no part of it, a value that is a JSON number, `true`,
/// `false` or `null` is written literally; any other value is a string all the same.
pub fn encode(members: &[(Vec<u8>, Vec<u8>)]) -> Result<Vec<u8>, BadPath> {
    let mut root = Tree::Object(Vec::new());
    for (key, value) in members {
        let literal = key.strip_suffix(LITERAL);
        let key = literal.unwrap_or(key);
        let mut path = match is_path(key) {
            true => steps(key).ok_or(BadPath)?,
            false => vec![key],
        };
        if key.ends_with(b"[]") {
            path.push(b"");
        }
        *root.place(&path)? = match literal.is_some() && is_literal(value) {
            true => Tree::Literal(value),
            false => Tree::Text(value),
        };
    }
    let mut out = Vec::new();
    root.write(&mut out);
    Ok(out)
}

/// The end of a key whose value may be no string.
const LITERAL: &[u8] = b":json";

fn is_literal(value: &[u8]) -> bool {
    let quoted = matches!(value.first(), Some(b'"' | b'{' | b'['));
    // Blanks and a byte order mark would be accepted by the parser, but must not be sent.
    !quoted && parse(value).is_ok_and(|parsed| parsed.text() == value)
}

impl<'a> Tree<'a> {
    /// Returns the place at the end of a path, and makes it if it is missing. An empty step appends.
    fn place(&mut self, path: &[&'a [u8]]) -> Result<&mut Tree<'a>, BadPath> {
        let mut tree = self;
        for (at, step) in path.iter().enumerate() {
            let next = path.get(at.saturating_add(1));
            let empty = || match next {
                None => Tree::Text(b""),
                Some(step) if number(step).is_some() || step.is_empty() => Tree::List(Vec::new()),
                Some(_) => Tree::Object(Vec::new()),
            };
            tree = match tree {
                Tree::Text(_) | Tree::Literal(_) => return Err(BadPath),
                Tree::List(list) => {
                    let place = match step.is_empty() {
                        true => list.len(),
                        false => number(step).ok_or(BadPath)?,
                    };
                    if place == list.len() {
                        list.push(empty());
                    }
                    list.get_mut(place).ok_or(BadPath)?
                }
                Tree::Object(members) => {
                    let known = members.iter().position(|(key, _)| key == step);
                    let place = known.unwrap_or(members.len());
                    if known.is_none() {
                        members.push((step, empty()));
                    }
                    members
                        .get_mut(place)
                        .map(|(_, tree)| tree)
                        .ok_or(BadPath)?
                }
            };
        }
        match tree {
            Tree::Text(_) | Tree::Literal(_) => Ok(tree),
            _ => Err(BadPath),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Tree::Text(text) => write_string(text, out),
            Tree::Literal(text) => out.extend_from_slice(text),
            Tree::List(list) => {
                out.push(b'[');
                for (at, tree) in list.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    tree.write(out);
                }
                out.push(b']');
            }
            Tree::Object(members) => {
                out.push(b'{');
                for (at, (key, tree)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    write_string(key, out);
                    out.push(b':');
                    tree.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

fn number(step: &[u8]) -> Option<usize> {
    let text = core::str::from_utf8(step).ok()?;
    text.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
    text.parse().ok()
}

/// Appends a JSON string. Bytes that are not UTF-8 are read as ISO-8859-1.
pub fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    match core::str::from_utf8(text) {
        Ok(_) => text.iter().for_each(|b| write_byte(*b, out)),
        Err(_) => {
            for b in text {
                match b.is_ascii() {
                    true => write_byte(*b, out),
                    false => {
                        let mut bytes = [0; 4];
                        out.extend_from_slice(char::from(*b).encode_utf8(&mut bytes).as_bytes());
                    }
                }
            }
        }
    }
    out.push(b'"');
}

/// Appends a byte of a UTF-8 string, escaped if JSON needs it.
fn write_byte(b: u8, out: &mut Vec<u8>) {
    match b {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', b]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        0..0x20 | 0x7f => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(b >> 4), digit(b & 0x0f)]);
        }
        _ => out.push(b),
    }
}
