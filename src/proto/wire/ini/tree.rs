//! Collects entries in an ordered map with the keys and the order of PHP's arrays.
//!
//! Each map has an index of its keys, so that a file of many keys takes no quadratic time.

use alloc::format;
use alloc::vec::Vec;

use super::file::{Entry, Key, Map, Value};
use crate::proto::sorted::Sorted;
use crate::proto::wire::form::integer;

/// The damage that an entry or a section did to an earlier one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Loss {
    /// Nothing was lost.
    None,
    /// A value of the given line, or an array or section last set there, was replaced.
    Replaced(u32),
    /// The array last set in the given line was replaced by one value.
    ArrayByScalar(u32),
    /// The value of the given line was replaced by an array.
    ScalarByArray(u32),
    /// No larger index is left, so nothing was added.
    AppendDropped,
}

/// The sections and entries so far.
#[derive(Default)]
pub(super) struct Tree {
    root: Map,
    root_index: Index,
    /// The key in `root` of the section that takes the entries now.
    section: Option<Key>,
    /// See [`super::file::Ini::lost`].
    lost: Vec<Entry>,
}

#[derive(Default)]
struct Index {
    slots: Sorted<Key, Slot>,
    /// The largest integer key.
    largest: Option<i64>,
}

struct Slot {
    place: usize,
    /// The index of keys of the array or section that stands there.
    inner: Option<Index>,
}

impl Tree {
    /// Returns the sections and entries, and what does not count (see [`super::file::Ini::lost`]).
    pub(super) fn finish(self) -> (Map, Vec<Entry>) {
        (self.root, self.lost)
    }

    /// Opens a section, which is empty even if there was one of this name.
    pub(super) fn open(&mut self, name: &[u8], line: u32) -> Loss {
        let key = key(name);
        self.section = Some(key.clone());
        let section = Value::Map(Map::default());
        let old = put(
            &mut self.root,
            &mut self.root_index,
            key.clone(),
            section,
            line,
        );
        match old {
            Some((line, Value::Map(map))) if !map.entries.is_empty() => {
                let value = Value::Map(map);
                self.lost.push(Entry { key, value, line });
                Loss::Replaced(line)
            }
            None | Some((_, Value::Map(_))) => Loss::None,
            Some((line, Value::Scalar(_))) => Loss::Replaced(line),
        }
    }

    /// Returns the map that takes the entries now. There always is one.
    fn current(&mut self) -> Option<(&mut Map, &mut Index)> {
        let (map, index) = (&mut self.root, &mut self.root_index);
        let Some(section) = &self.section else {
            return Some((map, index));
        };
        let (entry, index) = inner(map, index, section)?;
        match &mut entry.value {
            Value::Map(map) => Some((map, index)),
            Value::Scalar(_) => None,
        }
    }

    /// Sets `name = value`.
    pub(super) fn set(&mut self, name: &[u8], value: Vec<u8>, line: u32) -> Loss {
        let Some((map, index)) = self.current() else {
            return Loss::None;
        };
        match put(map, index, key(name), Value::Scalar(value), line) {
            None => Loss::None,
            Some((line, array @ Value::Map(_))) => {
                self.keep(key(name), array, line);
                Loss::ArrayByScalar(line)
            }
            Some((line, Value::Scalar(_))) => Loss::Replaced(line),
        }
    }

    /// Sets `name[at] = value`; an empty `at` appends.
    pub(super) fn set_in(&mut self, name: &[u8], at: &[u8], value: Vec<u8>, line: u32) -> Loss {
        let mut loss = Loss::None;
        let Some((map, index)) = self.current() else {
            return loss;
        };
        let name = array_key(name);
        if !index.slots.contains(&name) {
            put(map, index, name.clone(), Value::Map(Map::default()), line);
        }
        let Some((entry, index)) = inner(map, index, &name) else {
            return loss;
        };
        let mut scalar = None;
        if let Value::Scalar(_) = entry.value {
            loss = Loss::ScalarByArray(entry.line);
            let array = Value::Map(Map::default());
            scalar = Some((core::mem::replace(&mut entry.value, array), entry.line));
        }
        entry.line = line;
        let Value::Map(array) = &mut entry.value else {
            return loss;
        };
        let at = match (at, index.largest) {
            ([], None) => Key::Int(0),
            ([], Some(largest)) => match largest.checked_add(1) {
                Some(next) => Key::Int(next),
                None => return Loss::AppendDropped,
            },
            _ => key(at),
        };
        if let Some((line, _)) = put(array, index, at, Value::Scalar(value), line) {
            loss = Loss::Replaced(line);
        }
        if let Some((scalar, line)) = scalar {
            self.keep(name, scalar, line);
        }
        loss
    }

    /// Keeps the first of some words without a value, which may have been meant as a name.
    pub(super) fn keep_bare(&mut self, words: &[u8], line: u32) {
        let mut all = words.split(|byte| matches!(byte, b' ' | b':'));
        let name = key(all.next().unwrap_or_default());
        self.keep(name, Value::Scalar(Vec::new()), line);
    }

    /// Keeps an entry that does not count of the section that takes the entries now.
    fn keep(&mut self, key: Key, value: Value, line: u32) {
        if let Some(section) = &self.section {
            let entries = Vec::from([Entry { key, value, line }]);
            self.lost.push(Entry {
                key: section.clone(),
                value: Value::Map(Map { entries }),
                line,
            });
        }
    }
}

/// Returns the entry of a key, and the index of the keys that are or will be in it.
fn inner<'a>(
    map: &'a mut Map,
    index: &'a mut Index,
    key: &Key,
) -> Option<(&'a mut Entry, &'a mut Index)> {
    let slot = index.slots.get_mut(key)?;
    let entry = map.entries.get_mut(slot.place)?;
    Some((entry, slot.inner.get_or_insert_default()))
}

/// Sets a key, in its old place if it has one. Returns the earlier value with its line.
fn put(
    map: &mut Map,
    index: &mut Index,
    key: Key,
    value: Value,
    line: u32,
) -> Option<(u32, Value)> {
    if let Some(slot) = index.slots.get_mut(&key)
        && let Some(entry) = map.entries.get_mut(slot.place)
    {
        slot.inner = None;
        let old = core::mem::replace(&mut entry.value, value);
        return Some((core::mem::replace(&mut entry.line, line), old));
    }
    if let Key::Int(key) = key {
        index.largest = index.largest.max(Some(key));
    }
    let place = map.entries.len();
    index.slots.insert(key.clone(), Slot { place, inner: None });
    map.entries.push(Entry { key, value, line });
    None
}

/// Returns a name as a key: an integer if it is written exactly as PHP would print that integer.
fn key(name: &[u8]) -> Key {
    integer(name).map_or_else(|| Key::Name(name.to_vec()), Key::Int)
}

/// Returns the name of an array, `name[…]`, as a key. PHP is laxer here: it accepts white space around the
/// number, a `+`, and a leading `0` after a sign, which makes the number octal.
fn array_key(name: &[u8]) -> Key {
    lax_integer(name).map_or_else(|| Key::Name(name.to_vec()), Key::Int)
}

fn lax_integer(name: &[u8]) -> Option<i64> {
    let is_space = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
    if name.first() == Some(&b'0') && name.len() > 1 {
        return None;
    }
    let start = name.iter().position(|b| !is_space(b))?;
    let number = name.get(start..)?;
    let end = number.iter().rposition(|b| !is_space(b))?.checked_add(1)?;
    let (number, after) = number.split_at_checked(end)?;
    let (sign, digits) = match number {
        [b'-', digits @ ..] => ("-", digits),
        [b'+', digits @ ..] => ("", digits),
        digits => ("", digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // The decimal reading decides whether it is a number that fits.
    let digits = core::str::from_utf8(digits).ok()?;
    let decimal: i64 = format!("{sign}{digits}").parse().ok()?;
    if decimal == i64::MIN && !after.is_empty() {
        return None;
    }
    if !digits.starts_with('0') {
        return Some(decimal);
    }
    let octal = digits
        .bytes()
        .take_while(|b| (b'0'..=b'7').contains(b))
        .try_fold(0i64, |sum, b| {
            sum.checked_mul(8)?
                .checked_add(i64::from(b.wrapping_sub(b'0')))
        })?;
    Some(if sign == "-" {
        octal.wrapping_neg()
    } else {
        octal
    })
}

/// Whether a name is another key before `[` than it would be alone.
pub(super) fn reads_differently(name: &[u8]) -> bool {
    array_key(name) != key(name)
}
