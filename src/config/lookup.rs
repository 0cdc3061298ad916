//! Sections of an INI tree → the value of a key for an interface, and remarks on what is unknown.

use crate::limits::INDEX_BYTES_MAX;
use crate::proto::ini;

use super::keys::{self, Absent, Key, Scope, Section};
use super::values::{Parsed, shown};
use super::{Note, Severity};

/// Remarks as they come.
#[derive(Default)]
pub struct Notes {
    list: Vec<Note>,
}

impl Notes {
    /// It cannot be run so.
    pub fn fault(&mut self, line: u32, text: String) {
        self.push(line, Severity::Fault, text);
    }

    /// It can, but probably not as meant.
    pub fn warn(&mut self, line: u32, text: String) {
        self.push(line, Severity::Warning, text);
    }

    /// Faults so far.
    pub fn faults(&self) -> usize {
        let fault = |note: &&Note| note.severity == Severity::Fault;
        self.list.iter().filter(fault).count()
    }

    /// One remark stands once: a key without an index is read for every interface.
    fn push(&mut self, line: u32, severity: Severity, text: String) {
        let note = Note {
            line,
            severity,
            text,
        };
        if !self.list.contains(&note) {
            self.list.push(note);
        }
    }

    /// In file order, and whether one is a fault.
    pub fn finish(mut self) -> (Vec<Note>, bool) {
        self.list.sort_by_key(|note| note.line);
        let faulty = self.faults() > 0;
        (self.list, faulty)
    }
}

/// A known key, given.
struct Slot<'a> {
    key: &'static Key,
    /// The spelling in the file.
    name: &'static str,
    index: Option<String>,
    value: &'a [u8],
    line: u32,
}

/// The known keys of one section, in file order.
pub struct Table<'a> {
    section: Section,
    /// Line of the section's header; 0 without one.
    line: u32,
    slots: Vec<Slot<'a>>,
}

/// The tables of a file in the order of [`Section::ALL`]; unknown sections and keys are remarked on.
pub fn tables<'a>(root: &'a ini::Map, notes: &mut Notes) -> [Table<'a>; 4] {
    let mut tables = Section::ALL.map(|section| Table {
        section,
        line: 0,
        slots: Vec::new(),
    });
    for entry in &root.entries {
        let name = key_bytes(&entry.key);
        let table = tables
            .iter_mut()
            .find(|table| table.section.name().as_bytes() == name);
        match (&entry.value, table) {
            (ini::Value::Map(map), Some(table)) => {
                table.line = entry.line;
                table.fill(map, notes);
            }
            (ini::Value::Map(_), None) => {
                let near = keys::nearest(Section::ALL.iter().map(|s| s.name()), &name);
                let shown = shown(&name);
                let text = format!(
                    "section {shown} is not known and ignored with all its keys; nearest: [{near}]"
                );
                notes.warn(entry.line, text);
            }
            (ini::Value::Scalar(_), _) => {
                let text = format!(
                    "key {} stands before the first section and is ignored; move it below [websms] \
                     or the section it is meant for",
                    shown(&name)
                );
                notes.warn(entry.line, text);
            }
        }
    }
    tables
}

fn key_bytes(key: &ini::Key) -> Vec<u8> {
    match key {
        ini::Key::Int(number) => number.to_string().into_bytes(),
        ini::Key::Name(name) => name.clone(),
    }
}

impl<'a> Table<'a> {
    fn fill(&mut self, map: &'a ini::Map, notes: &mut Notes) {
        for entry in &map.entries {
            let name = key_bytes(&entry.key);
            let Some(key) = keys::find(self.section, &name) else {
                unknown(self.section, &name, entry.line, notes);
                continue;
            };
            let name = key
                .also
                .filter(|also| also.as_bytes() == name)
                .unwrap_or(key.name);
            let mut add = |index, value: &'a [u8], line| {
                self.slots.push(Slot {
                    key,
                    name,
                    index,
                    value,
                    line,
                });
            };
            match &entry.value {
                ini::Value::Scalar(value) => add(None, value, entry.line),
                ini::Value::Map(indexed) => {
                    if key.scope == Scope::Program {
                        let section = self.section.name();
                        let text = format!("[{section}] {name} takes no index; write {name} = ...");
                        notes.fault(entry.line, text);
                        continue;
                    }
                    for entry in &indexed.entries {
                        match (index_text(&entry.key), &entry.value) {
                            (Ok(index), ini::Value::Scalar(value)) => {
                                add(Some(index), value, entry.line);
                            }
                            (Err(text), _) => {
                                let section = self.section.name();
                                notes.fault(entry.line, format!("[{section}] {name}: {text}"));
                            }
                            // No INI text makes an array within an array.
                            (Ok(_), ini::Value::Map(_)) => {}
                        }
                    }
                }
            }
        }
        for key in keys::KEYS {
            if key.section == self.section && key.also.is_some() {
                self.settle(key, notes);
            }
        }
    }

    /// Where both spellings of a key are given, plays them through in file order as one key: the
    /// later holds, as in PHP's own assignments.
    fn settle(&mut self, key: &'static Key, notes: &mut Notes) {
        let mut given: Vec<usize> = (0..self.slots.len())
            .filter(|i| self.slots.get(*i).is_some_and(|slot| slot.key == key))
            .collect();
        let name = |i: &usize| self.slots.get(*i).map(|slot| slot.name);
        let first = given.first().and_then(name);
        if given.iter().all(|i| name(i) == first) {
            return;
        }
        given.sort_by_key(|i| self.slots.get(*i).map(|slot| slot.line));
        let mut lost = Vec::new();
        for (nth, earlier) in given.iter().enumerate() {
            let later = given.iter().skip(nth.saturating_add(1));
            for later in later {
                if let (Some(old), Some(new)) = (self.slots.get(*earlier), self.slots.get(*later))
                    && (old.index == new.index || old.index.is_none() || new.index.is_none())
                {
                    let section = self.section.name();
                    let text = format!(
                        "[{section}] {} is {} by another name, which line {} sets again; that one \
                         holds, take this one out",
                        old.name, new.name, new.line
                    );
                    notes.warn(old.line, text);
                    lost.push(*earlier);
                    break;
                }
            }
        }
        let mut i = 0_usize;
        self.slots.retain(|_| {
            let keep = !lost.contains(&i);
            i = i.saturating_add(1);
            keep
        });
    }

    /// The indices of one key, in file order.
    pub fn indices_of(&self, name: &str) -> Vec<String> {
        self.slots
            .iter()
            .filter(|slot| slot.key.name == name)
            .filter_map(|slot| slot.index.clone())
            .collect()
    }

    /// Every index of the section, in file order.
    pub fn indices(&self) -> Vec<String> {
        let mut indexed: Vec<(u32, &String)> = self
            .slots
            .iter()
            .filter_map(|slot| Some((slot.line, slot.index.as_ref()?)))
            .collect();
        indexed.sort_by_key(|(line, _)| *line);
        let mut names: Vec<String> = Vec::new();
        for (_, index) in indexed {
            if !names.contains(index) {
                names.push(index.clone());
            }
        }
        names
    }

    /// Remarks on values for indices that are no interface of `known`. A guard that guards nothing
    /// is a fault.
    pub fn check_indices(&self, known: &[String], notes: &mut Notes) {
        for slot in &self.slots {
            let Some(index) = slot.index.as_ref().filter(|index| !known.contains(index)) else {
                continue;
            };
            let name = slot.name;
            let section = self.section.name();
            let text = format!(
                "[{section}] {name} [{index}] belongs to no interface; those are the indices of \
                 permit_addr, or else of url_path"
            );
            match name.starts_with("auth_") || name == "provider" {
                true => notes.fault(slot.line, text),
                false => notes.warn(slot.line, text),
            }
        }
    }

    fn slot(&self, name: &str, index: &str) -> Option<&Slot<'a>> {
        let with = |wanted: Option<&str>| {
            self.slots
                .iter()
                .find(|slot| slot.key.name == name && slot.index.as_deref() == wanted)
        };
        Some(index)
            .filter(|index| !index.is_empty())
            .and_then(|index| with(Some(index)))
            .or_else(|| with(None))
    }

    /// Its section.
    pub fn section(&self) -> Section {
        self.section
    }

    /// Every value of a key and its line.
    pub fn values_of(&self, name: &str) -> impl Iterator<Item = (&'a [u8], u32)> {
        self.slots
            .iter()
            .filter(move |slot| slot.key.name == name)
            .map(|slot| (slot.value, slot.line))
    }

    /// The value of a key for an interface, without preset or default, and its line.
    pub fn value(&self, name: &str, index: &str) -> Option<(&'a [u8], u32)> {
        self.slot(name, index).map(|slot| (slot.value, slot.line))
    }

    /// Whether the file gives the key, with or without an index.
    pub fn gives(&self, name: &str) -> bool {
        self.slots.iter().any(|slot| slot.key.name == name)
    }
}

/// An index as the name of an interface.
fn index_text(key: &ini::Key) -> Parsed<String> {
    let name = match key {
        ini::Key::Int(number) => return Ok(number.to_string()),
        ini::Key::Name(name) => name,
    };
    if name.len() > INDEX_BYTES_MAX {
        let bytes = name.len();
        return Err(format!(
            "the index has {bytes} bytes, limit {INDEX_BYTES_MAX}"
        ));
    }
    super::values::text(name).map_err(|text| format!("the index {text}"))
}

fn unknown(section: Section, name: &[u8], line: u32, notes: &mut Notes) {
    let near = keys::nearest_key(section, name);
    let here = section.name();
    let shown = shown(name);
    if name.starts_with(b"#") {
        let text =
            format!("[{here}] {shown} is ignored as an unknown key; a comment begins with ;");
        notes.warn(line, text);
        return;
    }
    if keys::guards(section, near) {
        let text = format!(
            "[{here}] {shown} is not known; nearest: {near}, without which a door may stand open"
        );
        notes.fault(line, text);
        return;
    }
    let elsewhere = Section::ALL
        .iter()
        .find(|other| keys::find(**other, name).is_some());
    let remedy = match elsewhere {
        Some(other) => format!("it belongs below [{}]", other.name()),
        None => format!("nearest: {near}"),
    };
    notes.warn(
        line,
        format!("[{here}] {shown} is not known and ignored; {remedy}"),
    );
}

/// A preset and the line that asked for it.
#[derive(Clone, Copy)]
pub struct Preset<'a> {
    /// Its keys of this section.
    pub table: &'a Table<'a>,
    /// Line of `provider`.
    pub line: u32,
}

/// Reads the keys of one interface of one section.
pub struct Reader<'a, 'n> {
    /// The file's.
    pub table: &'a Table<'a>,
    /// The interface; empty: none.
    pub index: &'a str,
    /// What `provider` brings.
    pub preset: Option<Preset<'a>>,
    /// Where remarks go.
    pub notes: &'n mut Notes,
}

/// Where a value was found.
struct Found<'a> {
    value: &'a [u8],
    line: u32,
    /// As in the file, with its index.
    name: String,
}

impl<'a, 'n> Reader<'a, 'n> {
    /// For keys that take no index.
    pub fn once(table: &'a Table<'a>, notes: &'n mut Notes) -> Reader<'a, 'n> {
        Reader {
            table,
            index: "",
            preset: None,
            notes,
        }
    }

    /// The key for the index, the key without one, the preset, the default (spec §4).
    fn find(&self, name: &'static str) -> Option<Found<'a>> {
        if let Some(slot) = self.table.slot(name, self.index) {
            return Some(Found {
                value: slot.value,
                line: slot.line,
                name: match &slot.index {
                    Some(index) => format!("{} [{index}]", slot.name),
                    None => slot.name.into(),
                },
            });
        }
        if let Some(preset) = self.preset
            && let Some(slot) = preset.table.slot(name, "")
        {
            return Some(Found {
                value: slot.value,
                line: preset.line,
                name: format!("{name} of the provider's preset"),
            });
        }
        match keys::find(self.table.section, name.as_bytes())?.default {
            Absent::Value(value) => Some(Found {
                value: value.as_bytes(),
                line: self.table.line,
                name: name.into(),
            }),
            Absent::Unlike(_) => None,
        }
    }

    /// The value as it stands; empty where the key is not given and has no default.
    pub fn raw(&self, name: &'static str) -> &'a [u8] {
        self.find(name).map_or(b"", |found| found.value)
    }

    /// Whether file or preset give the key for this interface.
    pub fn given(&self, name: &str) -> bool {
        self.table.slot(name, self.index).is_some()
            || self
                .preset
                .is_some_and(|preset| preset.table.slot(name, "").is_some())
    }

    /// Whether the value that holds is the preset's.
    pub fn is_preset(&self, name: &str) -> bool {
        self.table.slot(name, self.index).is_none() && self.given(name)
    }

    /// The value, understood. `None` where it is not given and no value says the default, and
    /// after a fault, which is noted.
    pub fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&[u8]) -> Parsed<T>,
    ) -> Option<T> {
        match parse(self.find(name)?.value) {
            Ok(value) => Some(value),
            Err(text) => {
                self.fault(name, &text);
                None
            }
        }
    }

    /// The same where a value that is not understood is as good as none.
    pub fn read_or_warn<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&[u8]) -> Parsed<T>,
    ) -> Option<T> {
        match parse(self.find(name)?.value) {
            Ok(value) => Some(value),
            Err(text) => {
                self.warn(name, &format!("{text}; it is ignored"));
                None
            }
        }
    }

    /// A fault of a key, where it stands.
    pub fn fault(&mut self, name: &'static str, text: &str) {
        let (line, text) = self.place(name, text);
        self.notes.fault(line, text);
    }

    /// A warning about a key, where it stands.
    pub fn warn(&mut self, name: &'static str, text: &str) {
        let (line, text) = self.place(name, text);
        self.notes.warn(line, text);
    }

    fn place(&self, name: &'static str, text: &str) -> (u32, String) {
        let section = self.table.section.name();
        match self.find(name) {
            Some(found) => (found.line, format!("[{section}] {} {text}", found.name)),
            None => (self.table.line, format!("[{section}] {name} {text}")),
        }
    }

    /// Line of the key, or of the section.
    pub fn line(&self, name: &'static str) -> u32 {
        self.find(name).map_or(self.table.line, |found| found.line)
    }
}
