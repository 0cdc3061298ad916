//! Looks up the value of a key for an interface in the sections of an INI tree, with remarks on unknown
//! names.

use crate::limits::INDEX_BYTES_MAX;
use crate::proto::wire::ini;

use super::keys::{self, Absent, Key, Scope, Section};
use super::nearest::Nearest;
use super::notes::{Notes, Severity};
use super::values::{self, Choices, Parsed, shown};

/// A known key that the file gives.
pub struct Slot<'a> {
    /// The row of the key.
    pub key: &'static Key,
    /// The spelling in the file.
    pub name: &'static str,
    index: Option<String>,
    /// The value as the file gives it.
    pub value: &'a [u8],
    /// The line of the key.
    pub line: u32,
}

/// The known keys of one section, in file order.
pub struct Table<'a> {
    section: Section,
    /// The line of the section's header; 0 without one.
    line: u32,
    slots: Vec<Slot<'a>>,
}

/// Returns the tables of a file in the order of [`Section::ALL`], with remarks on unknown sections and
/// keys.
pub fn tables<'a>(tree: &'a ini::Ini, notes: &mut Notes) -> [Table<'a>; 4] {
    let mut tables = Section::ALL.map(|section| Table {
        section,
        line: 0,
        slots: Vec::new(),
    });
    for entry in &tree.root.entries {
        let name = key_bytes(&entry.key);
        let ini::Value::Map(map) = &entry.value else {
            let text = format!(
                "key {} stands before the first section and is ignored; move it below [websms] \
                 or the section it is meant for",
                shown(&name)
            );
            notes.warn(entry.line, text);
            continue;
        };
        let mut all = tables.iter_mut();
        match all.find(|table| table.section.name().as_bytes() == name) {
            Some(table) => {
                table.line = entry.line;
                table.fill(map, notes);
            }
            None => {
                let mut nearest = Nearest::to(&name);
                let known = Section::ALL.into_iter().map(Section::name);
                known.for_each(|known| nearest.offer(known));
                let near = nearest.name;
                let shown = shown(&name);
                let text = format!(
                    "section {shown} is not known and ignored with all its keys; nearest: [{near}]"
                );
                notes.warn(entry.line, text);
            }
        }
    }
    tables
}

pub fn key_bytes(key: &ini::Key) -> Vec<u8> {
    match key {
        ini::Key::Int(number) => number.to_string().into_bytes(),
        ini::Key::Name(name) => name.clone(),
    }
}

impl<'a> Table<'a> {
    /// Fills the table. Outside of the loop that calls it, it makes the program smaller.
    #[inline(never)]
    fn fill(&mut self, map: &'a ini::Map, notes: &mut Notes) {
        let section = self.section.name();
        for entry in &map.entries {
            let name = key_bytes(&entry.key);
            let (values, indexed) = match &entry.value {
                ini::Value::Scalar(_) => (std::slice::from_ref(entry), false),
                ini::Value::Map(map) => (map.entries.as_slice(), true),
            };
            let Some(key) = keys::find(self.section, &name) else {
                unknown(self.section, &name, entry.line, notes);
                continue;
            };
            let name = key
                .also
                .filter(|also| also.as_bytes() == name)
                .unwrap_or(key.name);
            if indexed && key.scope == Scope::Program {
                let text = format!("[{section}] {name} takes no index; write {name} = ...");
                notes.fault(entry.line, text);
                continue;
            }
            for entry in values {
                let index = match indexed.then(|| index_text(&entry.key)).transpose() {
                    Ok(index) => index,
                    Err(text) => {
                        notes.fault(entry.line, format!("[{section}] {name}: {text}"));
                        continue;
                    }
                };
                // No INI text makes an array within an array.
                if let ini::Value::Scalar(value) = &entry.value {
                    self.slots.push(Slot {
                        key,
                        name,
                        index,
                        value,
                        line: entry.line,
                    });
                }
            }
        }
        for key in keys::KEYS {
            if key.section == self.section && key.also.is_some() {
                self.settle(key, notes);
            }
        }
    }

    /// Merges the two spellings of a key if both are given, in file order as for one key: the later value
    /// counts, as in PHP's own assignments.
    #[inline(never)]
    fn settle(&mut self, key: &'static Key, notes: &mut Notes) {
        let section = self.section.name();
        let given = self.by_line(&|slot| slot.key.name == key.name);
        if are_alike(&given) {
            return;
        }
        let mut lost = Vec::new();
        let mut rest = given.as_slice();
        while let Some(((nth, old), later)) = rest.split_first() {
            rest = later;
            let sets_again = |new: &&Slot<'_>| {
                old.index == new.index || old.index.is_none() || new.index.is_none()
            };
            if let Some(new) = later.iter().map(|(_, slot)| *slot).find(sets_again) {
                let text = format!(
                    "[{section}] {} is {} by another name, which line {} sets again; that one \
                     holds, take this one out",
                    old.name, new.name, new.line
                );
                notes.warn(old.line, text);
                lost.push(*nth);
            }
        }
        let mut nth = 0_usize;
        self.slots.retain(|_| {
            let keep = !lost.contains(&nth);
            nth = nth.saturating_add(1);
            keep
        });
    }

    /// Returns the wanted slots with their indices among all, by their lines: an array is at the place
    /// where it began, its values are where they are written.
    fn by_line(&self, wanted: &dyn Fn(&Slot<'_>) -> bool) -> Vec<(usize, &Slot<'a>)> {
        let mut found: Vec<(usize, &Slot<'a>)> = Vec::new();
        for (nth, slot) in self.slots.iter().enumerate() {
            if wanted(slot) {
                let at = found.partition_point(|(_, before)| before.line <= slot.line);
                found.insert(at, (nth, slot));
            }
        }
        found
    }

    /// Returns the indices of one key, in file order. A repeated index keeps its first place. If both
    /// spellings are mixed, which are two arrays for the parser, the lines decide.
    pub fn indices_of(&self, name: &str) -> Vec<String> {
        let of_key = |slot: &Slot<'_>| slot.key.name == name;
        let mut indices = Vec::new();
        let mut add = |slot: &Slot<'_>| indices.extend(slot.index.clone());
        let by_line = self.by_line(&of_key);
        match are_alike(&by_line) {
            true => self.slots.iter().filter(|it| of_key(it)).for_each(add),
            false => by_line.iter().for_each(|(_, slot)| add(slot)),
        }
        indices
    }

    /// Returns every index of the section, in file order.
    pub fn indices(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (_, slot) in self.by_line(&|slot| slot.index.is_some()) {
            if let Some(index) = slot.index.as_ref().filter(|index| !names.contains(index)) {
                names.push(index.clone());
            }
        }
        names
    }

    /// Adds remarks on values for indices that are no interface of `known`. Such a value of a key that
    /// restricts who may deliver is a fault.
    pub fn check_indices(&self, known: &[String], notes: &mut Notes) {
        for slot in &self.slots {
            let Some(index) = slot.index.as_ref().filter(|index| !known.contains(index)) else {
                continue;
            };
            let name = slot.name;
            let section = self.section.name();
            let text = format!(
                "[{section}] {name} [{index}] belongs to no interface; those are the indices of \
                 permit_addr, or else of url_path, and those of poll"
            );
            let severity = match name.starts_with("auth_") || name == "provider" {
                true => Severity::Fault,
                false => Severity::Warning,
            };
            notes.push(slot.line, severity, text);
        }
    }

    /// Returns the key for the index, or else the one without an index.
    fn slot(&self, name: &str, index: &str) -> Option<&Slot<'a>> {
        let mut without = None;
        for slot in self.slots.iter().filter(|slot| slot.key.name == name) {
            match &slot.index {
                Some(own) if own == index && !index.is_empty() => return Some(slot),
                None if without.is_none() => without = Some(slot),
                _ => {}
            }
        }
        without
    }

    /// Returns the section.
    pub fn section(&self) -> Section {
        self.section
    }

    /// Returns all keys that the file gives, in file order.
    pub fn slots(&self) -> &[Slot<'a>] {
        &self.slots
    }

    /// Returns every value of a key, and its line.
    pub fn values_of(&self, name: &str) -> impl Iterator<Item = (&'a [u8], u32)> {
        self.slots
            .iter()
            .filter(move |slot| slot.key.name == name)
            .map(|slot| (slot.value, slot.line))
    }

    /// Returns the value of a key for an interface, without preset or default, and its line.
    pub fn value(&self, name: &str, index: &str) -> Option<(&'a [u8], u32)> {
        self.slot(name, index).map(|slot| (slot.value, slot.line))
    }

    /// Whether the file gives the key, with or without an index.
    pub fn gives(&self, name: &str) -> bool {
        self.slots.iter().any(|slot| slot.key.name == name)
    }
}

/// Returns whether all slots spell their key in the same way.
fn are_alike(slots: &[(usize, &Slot<'_>)]) -> bool {
    let mut names = slots.iter().map(|(_, slot)| slot.name);
    let first = names.next();
    names.all(|name| Some(name) == first)
}

/// Returns an index as the name of an interface.
fn index_text(key: &ini::Key) -> Parsed<String> {
    let name = key_bytes(key);
    let bytes = name.len();
    if bytes > INDEX_BYTES_MAX {
        return Err(format!(
            "the index has {bytes} bytes, limit {INDEX_BYTES_MAX}"
        ));
    }
    values::text(&name).map_err(|text| format!("the index {text}"))
}

fn unknown(section: Section, name: &[u8], line: u32, notes: &mut Notes) {
    let near = keys::nearest_key(section, name);
    let here = section.name();
    let shown = shown(name);
    let mut all = Section::ALL.iter();
    let elsewhere = all.find(|other| keys::find(**other, name).is_some());
    let (severity, is, word, end) = match elsewhere {
        _ if name.starts_with(b"#") => {
            let is = "is ignored as an unknown key; a comment begins with ;";
            (Severity::Warning, is, "", "")
        }
        _ if keys::guards(section, near) => {
            let end = ", without which a door may stand open";
            (Severity::Fault, "is not known; nearest: ", near, end)
        }
        Some(other) => {
            let is = "is not known and ignored; it belongs below [";
            (Severity::Warning, is, other.name(), "]")
        }
        None => {
            let is = "is not known and ignored; nearest: ";
            (Severity::Warning, is, near, "")
        }
    };
    notes.push(line, severity, format!("[{here}] {shown} {is}{word}{end}"));
}

/// A preset, and the line that asked for it.
#[derive(Clone, Copy)]
pub struct Preset<'a> {
    /// The preset's keys of this section.
    pub table: &'a Table<'a>,
    /// The line of `provider`.
    pub line: u32,
}

/// Reads the keys of one interface of one section.
pub struct Reader<'a, 'n> {
    /// The table of the file.
    pub table: &'a Table<'a>,
    /// The interface's index; empty if it has none.
    pub index: &'a str,
    /// The preset of `provider`.
    pub preset: Option<Preset<'a>>,
    /// The remarks so far.
    pub notes: &'n mut Notes,
}

/// Keys whose values have no effect if they are not understood, as in the PHP.
const AS_GOOD_AS_NONE: [&str; 3] = ["number_format", "number_format_from", "charset"];

/// The value that counts, and its origin.
struct Found<'a> {
    value: &'a [u8],
    line: u32,
    origin: Origin<'a>,
}

/// The origin of a value.
enum Origin<'a> {
    /// The file, with the name in its spelling, and the index.
    File(&'static str, Option<&'a str>),
    Preset,
    Default,
}

impl<'a, 'n> Reader<'a, 'n> {
    /// Makes a reader for keys that take no index.
    pub fn once(table: &'a Table<'a>, notes: &'n mut Notes) -> Reader<'a, 'n> {
        Reader {
            table,
            index: "",
            preset: None,
            notes,
        }
    }

    /// Finds the key for the index, the key without one, the preset or the default, in this order
    /// (spec §4).
    fn find(&self, name: &'static str) -> Option<Found<'a>> {
        if let Some(slot) = self.table.slot(name, self.index) {
            return Some(Found {
                value: slot.value,
                line: slot.line,
                origin: Origin::File(slot.name, slot.index.as_deref()),
            });
        }
        if let Some(preset) = self.preset
            && let Some(slot) = preset.table.slot(name, "")
        {
            return Some(Found {
                value: slot.value,
                line: preset.line,
                origin: Origin::Preset,
            });
        }
        match keys::find(self.table.section, name.as_bytes())?.default {
            Absent::Value(value) => Some(Found {
                value: value.as_bytes(),
                line: self.table.line,
                origin: Origin::Default,
            }),
            Absent::Unlike(_) => None,
        }
    }

    /// Returns the value unchanged; `None` if the key is not given and its default is no value. The readers
    /// of all types share it.
    #[inline(never)]
    fn value(&self, name: &'static str) -> Option<&'a [u8]> {
        self.find(name).map(|found| found.value)
    }

    /// Returns the value unchanged; empty if the key is not given and has no default.
    pub fn raw(&self, name: &'static str) -> &'a [u8] {
        self.value(name).unwrap_or_default()
    }

    /// Returns a copy of the value.
    pub fn bytes(&self, name: &'static str) -> Vec<u8> {
        self.raw(name).to_vec()
    }

    /// Whether file or preset give the key for this interface.
    pub fn given(&self, name: &'static str) -> bool {
        let origin = self.find(name).map(|found| found.origin);
        matches!(origin, Some(Origin::File(..) | Origin::Preset))
    }

    /// Whether the file gives the key for this very index.
    pub fn is_own(&self, name: &'static str) -> bool {
        let origin = self.find(name).map(|found| found.origin);
        matches!(origin, Some(Origin::File(_, Some(_))))
    }

    /// Whether the value that counts comes from the preset.
    pub fn is_preset(&self, name: &'static str) -> bool {
        let origin = self.find(name).map(|found| found.origin);
        matches!(origin, Some(Origin::Preset))
    }

    /// Returns the parsed value. Returns the type's default if the key is not given and its default is no
    /// value, or if the value is refused.
    pub fn read<T: Default>(&mut self, name: &'static str, parse: fn(&[u8]) -> Parsed<T>) -> T {
        self.parsed(name, parse).unwrap_or_default()
    }

    /// Returns the parsed value, or this default instead of the type's.
    pub fn read_or<T>(
        &mut self,
        name: &'static str,
        parse: fn(&[u8]) -> Parsed<T>,
        default: T,
    ) -> T {
        self.parsed(name, parse).unwrap_or(default)
    }

    fn parsed<T>(&mut self, name: &'static str, parse: fn(&[u8]) -> Parsed<T>) -> Option<T> {
        match parse(self.value(name)?) {
            Ok(value) => Some(value),
            Err(text) => {
                self.refuse(name, text);
                None
            }
        }
    }

    /// Returns the meaning of a value that is one of a few words.
    pub fn choose<T: Copy>(&mut self, name: &'static str, choices: &Choices<T>, default: T) -> T {
        let word = |nth: usize| choices.get(nth).map(|choice| choice.0);
        let choice = self.chosen(name, &word).and_then(|nth| choices.get(nth));
        choice.map_or(default, |choice| choice.1)
    }

    /// Returns the number of the word that is the value; see [`values::chosen`].
    pub fn chosen(
        &mut self,
        name: &'static str,
        word: &dyn Fn(usize) -> Option<&'static str>,
    ) -> Option<usize> {
        let chosen = values::chosen(self.value(name)?, word);
        chosen.map_err(|text| self.refuse(name, text)).ok()
    }

    /// Adds the remark on a value that is not understood.
    fn refuse(&mut self, name: &'static str, text: String) {
        match AS_GOOD_AS_NONE.contains(&name) {
            true => self.warn(name, &format!("{text}; it is ignored")),
            false => self.fault(name, &text),
        }
    }

    /// Adds a fault of a key, at its line.
    pub fn fault(&mut self, name: &'static str, text: &str) {
        self.remark(name, Severity::Fault, text);
    }

    /// Adds a warning about a key, at its line.
    pub fn warn(&mut self, name: &'static str, text: &str) {
        self.remark(name, Severity::Warning, text);
    }

    fn remark(&mut self, name: &'static str, severity: Severity, text: &str) {
        let section = self.table.section.name();
        let (line, origin) = match self.find(name) {
            Some(found) => (found.line, found.origin),
            None => (self.table.line, Origin::Default),
        };
        let (name, before, index, after) = match origin {
            Origin::File(name, Some(index)) => (name, " [", index, "]"),
            Origin::File(name, None) => (name, "", "", ""),
            Origin::Preset => (name, " of the provider's preset", "", ""),
            Origin::Default => (name, "", "", ""),
        };
        let text = format!("[{section}] {name}{before}{index}{after} {text}");
        self.notes.push(line, severity, text);
    }

    /// A warning about several keys that this interface lacks, at the section's line.
    pub fn warn_of_section(&mut self, text: &str) {
        let section = self.table.section.name();
        let (before, after) = match self.index {
            "" => ("] ", ""),
            _ => ("] [", "] "),
        };
        let text = ["[", section, before, self.index, after, text].concat();
        self.notes.push(self.table.line, Severity::Warning, text);
    }

    /// Adds a warning about a key that this interface, which has an index, lacks.
    pub fn warn_of_index(&mut self, name: &'static str, text: &str) {
        self.warn(name, &["[", self.index, "] ", text].concat());
    }

    /// Returns the line of the key, or of the section.
    pub fn line(&self, name: &'static str) -> u32 {
        self.find(name).map_or(self.table.line, |found| found.line)
    }
}
