//! Encodes a tree as JSON, byte for byte as PHP's `json_encode` with `JSON_INVALID_UTF8_SUBSTITUTE` does.

use alloc::string::{String, ToString};

use super::file::{Entry, Key, Map, Value};

/// Encodes the tree like PHP's `json_encode`: a map with the keys 0, 1, 2, … is a list, an empty one `[]`;
/// bytes that are not UTF-8 become U+FFFD. The result is ASCII only, so it can go to a terminal.
pub fn encode_json(root: &Map) -> String {
    let mut json = String::new();
    // The tree is at most two maps deep below the root: sections hold arrays, arrays hold text.
    encode_map(&mut json, root);
    json
}

fn encode_map(json: &mut String, map: &Map) {
    let is_list = map
        .entries
        .iter()
        .zip(0..)
        .all(|(entry, n)| entry.key == Key::Int(n));
    json.push(if is_list { '[' } else { '{' });
    for (n, Entry { key, value, .. }) in map.entries.iter().enumerate() {
        if n > 0 {
            json.push(',');
        }
        if !is_list {
            match key {
                Key::Int(number) => {
                    json.push('"');
                    json.push_str(&number.to_string());
                    json.push('"');
                }
                Key::Name(name) => encode_text(json, name),
            }
            json.push(':');
        }
        match value {
            Value::Scalar(text) => encode_text(json, text),
            Value::Map(map) => encode_map(json, map),
        }
    }
    json.push(if is_list { ']' } else { '}' });
}

fn encode_text(json: &mut String, text: &[u8]) {
    json.push('"');
    let mut rest = text;
    while !rest.is_empty() {
        let (c, bytes) = first_char(rest);
        encode_char(json, c);
        rest = rest.get(bytes..).unwrap_or_default();
    }
    json.push('"');
}

fn encode_char(json: &mut String, c: char) {
    let short = match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '/' => "\\/",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        ' '..='\u{7f}' => return json.push(c),
        _ => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                json.push_str("\\u");
                for shift in [12, 8, 4, 0] {
                    json.push(char::from_digit(u32::from(*unit >> shift) & 15, 16).unwrap_or('0'));
                }
            }
            return;
        }
    };
    json.push_str(short);
}

/// Returns the first character and its number of bytes. A wrong sequence becomes one U+FFFD for as many
/// bytes as PHP takes for it: the length that the first byte announces, without any bytes that could begin
/// a character of their own.
fn first_char(text: &[u8]) -> (char, usize) {
    let announced: usize = match text.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 1,
    };
    let sequence = text.get(..announced).unwrap_or(text);
    if let Some(c) = core::str::from_utf8(sequence)
        .ok()
        .and_then(|s| s.chars().next())
    {
        return (c, announced);
    }
    let begins = |b: &u8| matches!(b, 0..=0x7f | 0xc2..=0xf4);
    let cut = sequence.iter().skip(1).position(begins);
    let bytes = match cut {
        Some(kept) => kept.saturating_add(1),
        // The text ends here, or no byte in the sequence could begin a character.
        None => sequence.len(),
    };
    ('\u{fffd}', bytes)
}
