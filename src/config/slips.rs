//! Adds remarks on values that are probably mistakes: lines that a quotation swallowed, words and
//! credentials that PHP's syntax changed, typographic quotation marks, unknown placeholders, and values of
//! the sample.
//!
//! Invariant: no remark quotes a value unless it is the sample's.

use crate::proto::wire::ini::{Entry, Ini, Value};

use super::keys::{self, Key, Section};
use super::lookup::{Slot, Table, key_bytes};
use super::notes::{Notes, Severity};

/// Adds remarks on the values of the tables of a file.
pub fn check(tables: &[Table<'_>], tree: &Ini, notes: &mut Notes) {
    for (line, text) in &tree.swallowed {
        let mut lines = text.split(|byte| matches!(byte, b'\n' | b'\r'));
        if let Some(what) = lines.find_map(swallowed) {
            let text = [
                "a quotation that begins here swallows ",
                what[0],
                what[1],
                what[2],
                ": close the quotation mark, or write the value between marks of the other kind",
            ];
            notes.fault(*line, text.concat());
        }
    }
    if let Some(websmsd) = tables.iter().find(|it| it.section() == Section::Websmsd) {
        check_guards(websmsd, tree, notes);
    }
    for table in tables {
        for slot in table.slots() {
            check_slot(table.section(), slot, tree, notes);
        }
    }
}

/// Returns what a line would be outside of a quotation: text before its name, the name, text behind it.
fn swallowed(line: &[u8]) -> Option<[&'static str; 3]> {
    let line = line.trim_ascii();
    let is_section = |section: &Section| {
        let rest = line.strip_prefix(b"[");
        let rest = rest.and_then(|rest| rest.strip_prefix(section.name().as_bytes()));
        rest.is_some_and(|rest| rest.starts_with(b"]"))
    };
    if let Some(section) = Section::ALL.iter().find(|section| is_section(section)) {
        return Some(["the section [", section.name(), "]"]);
    }
    let end = line.iter().position(|byte| matches!(byte, b'=' | b'['))?;
    let name = line.get(..end)?.trim_ascii_end();
    let is_given = line.contains(&b'=');
    let mut sections = Section::ALL.iter();
    let key = sections.find_map(|section| keys::find(*section, name))?;
    is_given.then_some(["the key ", key.name, ""])
}

/// Adds a fault for each key that restricts who may deliver and that does not count where it stands: lost by
/// PHP's rules, or outside of `[websmsd]`. If that section gives it all the same, it is none.
fn check_guards(websmsd: &Table<'_>, tree: &Ini, notes: &mut Notes) {
    let mut check = |entry: &Entry, is_inside: bool| {
        let name = key_bytes(&entry.key);
        let key = keys::find(Section::Websmsd, &name);
        let Some(Key { name, .. }) = key.filter(|key| keys::guards(Section::Websmsd, key.name))
        else {
            return;
        };
        let why = if !websmsd.gives(name) {
            // A key that [websms] has too may be meant for that.
            if !is_inside && keys::find(Section::Websms, name.as_bytes()).is_some() {
                return;
            }
            " does not count here, so a door may stand open: write it as name = value below the one header \
             [websmsd]"
        } else if is_inside && *name == "auth_method" && is_mixed(websmsd, entry) {
            " is lost: it has values with an index or one without, so a door may stand open: give it with each \
             index"
        } else {
            return;
        };
        notes.fault(entry.line, ["[websmsd] ", name, why].concat());
    };
    let all = tree.root.entries.iter().map(|section| (section, false));
    for (section, is_lost) in all.chain(tree.lost.iter().map(|section| (section, true))) {
        let is_websmsd = key_bytes(&section.key) == b"websmsd";
        if is_websmsd && !is_lost {
            continue;
        }
        if !is_lost {
            check(section, false);
        }
        let inside = section.inside().iter();
        inside.for_each(|entry| check(entry, is_websmsd));
    }
}

/// Returns whether an `auth_method` that does not count asked for a proof, while the one that counts has indices
/// and the lost one had none, or the reverse: then some interfaces are left without that proof.
fn is_mixed(websmsd: &Table<'_>, lost: &Entry) -> bool {
    let asks = |entry: &Entry| !matches!(&entry.value, Value::Scalar(value) if matches!(value.as_slice(), b"" | b"none"));
    let is_indexed = matches!(lost.value, Value::Map(_));
    let is_single = websmsd.value("auth_method", "").is_some();
    is_single == is_indexed
        && if is_indexed {
            lost.inside().iter().any(asks)
        } else {
            asks(lost)
        }
}

fn check_slot(section: Section, slot: &Slot<'_>, tree: &Ini, notes: &mut Notes) {
    let mut remark = |severity, text: &[&str]| {
        let text = ["[", section.name(), "] ", slot.name, " ", &text.concat()];
        notes.push(slot.line, severity, text.concat());
    };
    let is_at = |lines: &[u32]| lines.binary_search(&slot.line).is_ok();
    let name = slot.key.name;
    let is_credential = matches!(name, "auth_user" | "auth_passwd" | "auth_extra");
    if is_credential && is_at(&tree.computed) {
        let text = "holds one of & | ^ ~ ! ( ), with which PHP's syntax computes a number: write it in \"...\"";
        remark(Severity::Fault, &[text]);
    }
    if is_credential && is_at(&tree.expanded) {
        let text = "has a ${...} in it, for which PHP's syntax puts in a variable of the environment: if it is \
                    meant as it stands, write it in '...'";
        remark(Severity::Warning, &[text]);
    }
    if is_at(&tree.words)
        && let Some(meaning) = word(slot, is_credential)
    {
        let text = ": that is what this word means in PHP's syntax; if it is meant as it stands, write it in \"...\"";
        remark(Severity::Warning, &["is ", meaning, text]);
    }
    if is_typographic(slot.value) {
        let text = "begins with a typographic quotation mark, which is a part of the value: write it in \"...\"";
        remark(Severity::Warning, &[text]);
    }
    if let Some(known) = placeholders(section, name)
        && has_unknown(slot.value, known)
    {
        let text = "has a {name} in it that is not filled in; known here: ";
        remark(Severity::Warning, &[text, known]);
    }
    let (texts, is_whole) = sample(section, name);
    let is_sample =
        |text: &&&str| slot.value == text.as_bytes() || !is_whole && holds(slot.value, text);
    if let Some(text) = texts.iter().find(is_sample) {
        remark(
            Severity::Warning,
            &["is still the sample's ", text, ": put in your own"],
        );
    }
}

/// Returns the word for a bare `on`, which is `1`, or `none`, which is empty. A switch is meant this way,
/// and mostly a key that was emptied, but not a credential.
fn word(slot: &Slot<'_>, is_credential: bool) -> Option<&'static str> {
    match slot.value {
        b"" if is_credential => Some("empty"),
        b"1" if !slot.key.is_switch() => Some("1"),
        _ => None,
    }
}

/// Whether a value begins with one of U+2018 to U+201F or with U+00AB.
fn is_typographic(value: &[u8]) -> bool {
    matches!(value, [0xe2, 0x80, 0x98..=0x9f, ..] | [0xc2, 0xab, ..])
}

/// Returns the placeholders that a key knows; `None` if a brace has no meaning there, or is checked
/// elsewhere.
fn placeholders(section: Section, key: &str) -> Option<&'static str> {
    let mut rows = PLACEHOLDERS.iter();
    let row = rows.find(|row| row.0 == section && row.1.split(' ').any(|name| name == key))?;
    Some(row.2)
}

/// Keys, and the placeholders that they know.
const PLACEHOLDERS: [(Section, &str, &str); 4] = [
    (
        Section::Websms,
        "path headers val_static unicode_static long_static",
        "{account} {auth_user} {auth_passwd} {auth_extra} {to} {from}",
    ),
    (
        Section::Websms,
        "check_path",
        "{account} {auth_user} {auth_passwd} {auth_extra}",
    ),
    (Section::Websms, "dlr_static", "{hook}"),
    (
        Section::Websmsd,
        "poll_path poll_static poll_done",
        "{since} {since_date} {today} {tomorrow} {account} {auth_user} {number} {page} {offset} {next} {id}",
    ),
];

/// Whether a name in braces is none of these. Text in braces that is no name, as in JSON, does not count.
fn has_unknown(value: &[u8], known: &str) -> bool {
    let mut rest = value;
    while let Some(at) = rest.iter().position(|byte| *byte == b'{') {
        let from = rest.get(at..).unwrap_or_default();
        let inside = from.get(1..).unwrap_or_default();
        let is_letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let bytes = inside.iter().take_while(|byte| is_letter(byte)).count();
        let name = from.get(..bytes.saturating_add(2)).unwrap_or_default();
        if inside.first().is_some_and(u8::is_ascii_alphabetic)
            && name.ends_with(b"}")
            && !known.split(' ').any(|known| known.as_bytes() == name)
        {
            return true;
        }
        rest = inside;
    }
    false
}

/// Returns the values of a key in the sample file, its comments and the guides, and whether they are whole.
fn sample(section: Section, key: &str) -> (&'static [&'static str], bool) {
    match (section, key) {
        (Section::Websms, "host") => (&["api.example.com"], false),
        (Section::Websmsd, "public_url") => (&["sms.example.com"], false),
        (Section::Websms, "auth_user") => (&["user"], true),
        (Section::Websms, "auth_passwd") => (&["passwd", "your token"], true),
        (Section::Websmsd, "auth_passwd") => (&["your token"], true),
        (Section::Websmsd, "permit_addr") => (&["192.0.2.0/24"], false),
        _ => (&[], true),
    }
}

/// Whether a value contains a text.
fn holds(value: &[u8], text: &str) -> bool {
    let mut parts = value.windows(text.len());
    parts.any(|part| part == text.as_bytes())
}
