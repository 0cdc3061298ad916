//! Finds the preset's keys for `provider = NAME`.

use crate::proto::wire::ini::{self, Ini};
use crate::providers::PRESETS;

use super::keys::Section;
use super::lookup::{self, Preset, Table, key_bytes};
use super::nearest::Nearest;
use super::notes::Notes;

/// Returns the preset of a name, as INI text.
pub type Lookup = fn(&str) -> Option<&'static str>;

/// A preset that the configuration asks for: its name and its tree.
pub type Tree<'a> = (&'a [u8], Ini);

/// Returns the trees of every preset that the tables ask for. An unknown name is a fault.
pub fn trees<'a>(tables: [&Table<'a>; 2], lookup: Lookup, notes: &mut Notes) -> Vec<Tree<'a>> {
    let mut trees: Vec<Tree<'a>> = Vec::new();
    for table in tables {
        for (value, line) in table.values_of("provider") {
            if value.is_empty() {
                continue;
            }
            if !trees.iter().any(|(known, _)| *known == value) {
                let preset = str::from_utf8(value).ok().and_then(lookup);
                match preset.map(|text| ini::parse(text.as_bytes(), &|_| None)) {
                    Some(Ok(tree)) => trees.push((value, tree)),
                    _ => {
                        notes.fault(line, unknown(value));
                        continue;
                    }
                }
            }
            let tree = trees.iter().find(|(known, _)| *known == value);
            if tree.is_some_and(|(_, tree)| !has(tree, table.section())) {
                notes.fault(line, one_way(value, table.section()));
            }
        }
    }
    trees
}

fn has(tree: &Ini, section: Section) -> bool {
    let mut entries = tree.root.entries.iter();
    entries.any(|entry| key_bytes(&entry.key) == section.name().as_bytes())
}

fn one_way(value: &[u8], section: Section) -> String {
    let (name, section) = (String::from_utf8_lossy(value), section.name());
    format!(
        "provider: the preset \"{name}\" has nothing for [{section}]: take the line out there, or give \
         the keys yourself"
    )
}

/// Other names of providers, with the names of their presets today.
const OTHER_NAMES: [(&str, &str); 3] = [
    ("nexmo", "vonage"),
    ("thinq", "commio"),
    ("bird", "messagebird"),
];

fn unknown(value: &[u8]) -> String {
    let value = value.to_ascii_lowercase();
    let mut others = OTHER_NAMES.iter();
    let near = match others.find(|(other, _)| value.starts_with(other.as_bytes())) {
        Some((_, name)) => name,
        None => {
            let mut nearest = Nearest::to(&value);
            PRESETS.iter().for_each(|(name, _)| nearest.offer(name));
            nearest.name
        }
    };
    format!("provider names a preset that there is not; the nearest is \"{near}\"")
}

/// The presets in use.
pub struct Presets<'a> {
    list: Vec<(&'a [u8], [Table<'a>; 4])>,
}

impl<'a> Presets<'a> {
    /// Makes the tables of the presets. A test reads every preset, so there are no remarks on them.
    pub fn of(trees: &'a [Tree<'a>]) -> Presets<'a> {
        let mut list = Vec::new();
        for (name, tree) in trees {
            list.push((*name, lookup::tables(tree, &mut Notes::default())));
        }
        Presets { list }
    }

    /// Returns the preset of `provider` for an interface of a table.
    pub fn find(&self, table: &Table<'_>, index: &str) -> Option<Preset<'_>> {
        let (value, line) = table.value("provider", index)?;
        let (_, tables) = self.list.iter().find(|(name, _)| *name == value)?;
        let section: Section = table.section();
        let table = tables.iter().find(|table| table.section() == section)?;
        Some(Preset { table, line })
    }
}
