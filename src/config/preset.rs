//! `provider = NAME` → the preset's keys.

use crate::proto::ini::{self, Ini};

use super::keys::{self, Section};
use super::lookup::{self, Notes, Preset, Table};
use super::values::text;

/// The preset of a name, as INI text.
pub type Lookup = fn(&str) -> Option<&'static str>;

/// The trees of every preset that the tables ask for. An unknown name is a fault.
pub fn trees(
    tables: [&Table<'_>; 2],
    lookup: Lookup,
    names: &[&str],
    notes: &mut Notes,
) -> Vec<(String, Ini)> {
    let mut trees: Vec<(String, Ini)> = Vec::new();
    for table in tables {
        for (value, line) in table.values_of("provider") {
            if value.is_empty() || trees.iter().any(|(known, _)| known.as_bytes() == value) {
                continue;
            }
            let tree = text(value)
                .ok()
                .and_then(|name| Some((lookup(&name)?, name)))
                .and_then(|(text, name)| {
                    Some((name, ini::parse(text.as_bytes(), &|_| None).ok()?))
                });
            match tree {
                Some(tree) => trees.push(tree),
                None => notes.fault(line, unknown(value, names)),
            }
        }
    }
    trees
}

fn unknown(value: &[u8], names: &[&str]) -> String {
    match keys::nearest(names.iter().copied(), value) {
        "" => "provider names a preset that there is not; take the key out".into(),
        near => format!("provider names a preset that there is not; the nearest is \"{near}\""),
    }
}

/// The presets in use.
pub struct Presets<'a> {
    list: Vec<(&'a str, [Table<'a>; 4])>,
}

impl<'a> Presets<'a> {
    /// Their tables. A test reads every preset, so nothing in them is left to be remarked on.
    pub fn of(trees: &'a [(String, Ini)]) -> Presets<'a> {
        let list = trees
            .iter()
            .map(|(name, tree)| {
                let mut notes = Notes::default();
                (name.as_str(), lookup::tables(&tree.root, &mut notes))
            })
            .collect();
        Presets { list }
    }

    /// What `provider` brings to an interface of a table.
    pub fn find(&self, table: &Table<'_>, index: &str) -> Option<Preset<'_>> {
        let (value, line) = table.value("provider", index)?;
        let (_, tables) = self
            .list
            .iter()
            .find(|(name, _)| name.as_bytes() == value)?;
        let section: Section = table.section();
        let table = tables.iter().find(|table| table.section() == section)?;
        Some(Preset { table, line })
    }
}
