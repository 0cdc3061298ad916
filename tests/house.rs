//! Reports every breach of the rules for `src/`: imports, the map, first lines, words, names.
//!
//! The crate's documentation (`src/lib.rs`) holds the rules. Sources are read line by line, as the
//! formatter writes them. The compiler checks that `limits`, `message` and `proto` touch no system
//! (`tests/pure`).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The entries of the top level beside hidden files.
const TOP_LEVEL: [&str; 8] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "cross",
    "packaging",
    "src",
    "tests",
];

/// Paths whose code reaches outside the process or waits.
const OUTSIDE: [&str; 12] = [
    "rustix::",
    "rustls::",
    "signal_hook::",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time",
    "ureq::",
];

/// Values of these that only name something outside: an address is no socket.
const PLAIN: [&str; 4] = [
    "std::net::IpAddr",
    "std::net::Ipv4Addr",
    "std::net::SocketAddr",
    "std::time::Duration",
];

/// The plain values of `proto` that `sys::client` carries.
const CARRIED: [&str; 3] = [
    "crate::proto::provider::BodyEnd",
    "crate::proto::provider::Call",
    "crate::proto::provider::Reply",
];

#[test]
fn the_tree_keeps_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(root, "src", "rs", &mut files);
    assert!(files.len() > 20, "src/ holds {} files only", files.len());
    let mut faults: Vec<String> = Vec::new();
    for (path, source) in &files {
        faults.extend(import_faults(path, source));
        faults.extend(debug_fault(path, source));
    }
    faults.extend(circle_faults(&files));
    let mut top = names_in(root, "src");
    top.retain(|name| name != "lib.rs");
    let rooms = names_in(root, "src/proto").into_iter();
    let rooms = rooms.filter_map(|name| Some(name.strip_suffix('/')?.to_owned()));
    let lib = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    faults.extend(map_faults(&lib, &top, &rooms.collect::<Vec<_>>()));
    let [own, pure] = ["Cargo.lock", "tests/pure/Cargo.lock"]
        .map(|path| fs::read_to_string(root.join(path)).unwrap());
    faults.extend(lock_faults(&own, &pure));
    collect(root, "tests", "rs", &mut files);
    for (path, source) in &files {
        faults.extend(first_line_fault(path, source));
        faults.extend(attribute_fault(path, source));
        faults.extend(stray_fault(path, &files));
    }
    for extension in ["conf", "ini", "sh", "toml", "md", "run", "php", "lua"] {
        for folder in ["src", "tests", "cross", "packaging"] {
            collect(root, folder, extension, &mut files);
        }
    }
    for (path, source) in &files {
        faults.extend(word_fault(path, source));
    }
    for entry in fs::read_dir(root).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        faults.extend(top_level_fault(&name));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Collects every file of a folder with this extension, as (path from the top level, content).
fn collect(root: &Path, folder: &str, extension: &str, files: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        return;
    };
    for entry in entries {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            // These are build output and fuzzing corpora, if such folders exist.
            if !name.ends_with("/target") && !name.ends_with("/corpus") {
                collect(root, &name, extension, files);
            }
        } else if name.ends_with(&format!(".{extension}")) {
            let bytes = fs::read(entry.path()).unwrap();
            files.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

// ---- The rules ------------------------------------------------------------------------------

fn first_line_fault(path: &str, source: &str) -> Option<String> {
    let line = source.lines().next().unwrap_or("");
    let says = line
        .strip_prefix("//! ")
        .is_some_and(|text| !text.trim().is_empty());
    (!says).then(|| format!("{path}:1: the first line does not say what the file does"))
}

fn attribute_fault(path: &str, source: &str) -> Option<String> {
    let ignored = source
        .lines()
        .any(|line| line.trim().starts_with("#[ignore"));
    ignored.then(|| format!("{path}: a test is switched off"))
}

/// Reports a file in a test binary's folder that its `main.rs` does not name, so that its tests never run.
fn stray_fault(path: &str, files: &[(String, String)]) -> Option<String> {
    let (folder, name) = path.rsplit_once('/')?;
    let main = format!("{folder}/main.rs");
    let (_, source) = files.iter().find(|(path, _)| *path == main)?;
    let line = format!("mod {};", name.strip_suffix(".rs")?);
    let named = name == "main.rs" || source.lines().any(|found| found == line);
    (folder.starts_with("tests/") && !named)
        .then(|| format!("{path}: {main} does not name it, so its tests never run"))
}

fn word_fault(path: &str, source: &str) -> Option<String> {
    // The words are put together here, so that this file does not contain them.
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("X", "XX"),
    ];
    let wordy = |c: char| c.is_ascii_alphanumeric() || c == '_';
    source
        .lines()
        .zip(1..)
        .find_map(|(line, number): (&str, usize)| {
            let word = line
                .split(|c| !wordy(c))
                .find(|word| words.contains(word))?;
            Some(format!("{path}:{number}: {word}"))
        })
}

/// Reports `{:?}` outside of tests: the binaries of `cross/` print nothing for it.
fn debug_fault(path: &str, source: &str) -> Option<String> {
    module_of(path)?;
    let number = code(source).position(|line| line.contains(":?}") || line.contains(":#?}"))?;
    Some(format!("{path}:{}: a Debug text", number.saturating_add(1)))
}

fn top_level_fault(name: &str) -> Option<String> {
    let known = TOP_LEVEL.contains(&name) || name == "target" || name.starts_with('.');
    (!known).then(|| format!("{name}: does not belong at the top level"))
}

fn import_faults(path: &str, source: &str) -> Vec<String> {
    let Some(module) = module_of(path) else {
        return Vec::new();
    };
    let mut faults: Vec<String> = paths(source, &module)
        .into_iter()
        .filter_map(|used| import_fault(&module, &used).map(|why| (used, why)))
        .map(|(used, why)| format!("{path}: {used}: {why}"))
        .collect();
    faults.dedup();
    faults
}

/// Returns the module that a file holds, from the crate's root; `None` for a file of tests.
fn module_of(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut names: Vec<String> = path.split('/').map(str::to_owned).collect();
    if names
        .last()
        .is_some_and(|name| name == "mod" || name == "lib")
    {
        names.pop();
    }
    (!names.iter().any(|name| name == "tests")).then_some(names)
}

/// Returns why a module may not use a path.
fn import_fault(module: &[String], used: &str) -> Option<&'static str> {
    let place = module.first().map_or("lib", String::as_str);
    let top = used
        .strip_prefix("crate::")
        .map(|rest| rest.split("::").next().unwrap_or(""));
    let allowed: &[&str] = match place {
        "limits" => &["limits"],
        "message" => &["limits", "message"],
        "proto" => &["limits", "message", "proto"],
        "config" => &["config", "limits", "message", "proto", "providers"],
        "providers" => &["providers"],
        "sys" => &["limits", "sys"],
        "state" => &["config", "limits", "message", "proto", "state", "sys"],
        "inbound" => &[
            "config", "inbound", "limits", "message", "proto", "state", "sys",
        ],
        "outbound" => &[
            "config", "limits", "message", "outbound", "proto", "state", "sys",
        ],
        "queue" => &[
            "config", "inbound", "limits", "message", "outbound", "proto", "queue", "state", "sys",
        ],
        "poll" => &[
            "config", "inbound", "limits", "message", "outbound", "poll", "proto", "state", "sys",
        ],
        "privileges" => &["config", "limits", "privileges", "sys"],
        "surroundings" => &[
            "config",
            "limits",
            "message",
            "outbound",
            "privileges",
            "proto",
            "state",
            "surroundings",
            "sys",
        ],
        "daemon" => &[
            "config",
            "daemon",
            "inbound",
            "limits",
            "message",
            "outbound",
            "poll",
            "privileges",
            "proto",
            "queue",
            "state",
            "surroundings",
            "sys",
        ],
        "lib" | "main" | "cli" => return None,
        _ => return Some("a module that the rules do not know"),
    };
    if top.is_some_and(|top| !allowed.contains(&top)) {
        let carried = module == ["sys", "client"] && CARRIED.contains(&used);
        return (!carried).then_some("may not be used here");
    }
    if let ("proto", Some(room)) = (place, module.get(1)) {
        let used = used.strip_prefix("crate::proto::");
        let used = used.and_then(|rest| rest.split("::").next());
        return used.and_then(|used| room_fault(room, used));
    }
    let is_in = |list: &[&str]| list.iter().any(|path| used.starts_with(path));
    let reaches = is_in(&OUTSIDE) && !is_in(&PLAIN);
    (place == "config" && reaches).then_some("reaches outside, this module is pure")
}

/// Returns why one room of `proto` may not use another.
fn room_fault(room: &str, used: &str) -> Option<&'static str> {
    let below: &[&str] = match room {
        "grammar" | "sorted" => &[],
        "wire" => &["sorted"],
        "webhook" | "provider" => &["grammar", "sorted", "wire"],
        "record" => &["grammar", "sorted", "wire", "webhook", "provider"],
        _ => return Some("a room that the rules do not know"),
    };
    (room != used && !below.contains(&used)).then_some("is in a room that is not below")
}

/// Reports files of `proto` that use each other, directly or over others. A page uses the modules that it
/// declares.
fn circle_faults(files: &[(String, String)]) -> Vec<String> {
    let modules: BTreeMap<String, &str> = files
        .iter()
        .filter(|(path, _)| path.starts_with("src/proto/"))
        .filter_map(|(path, source)| Some((module_of(path)?.join("::"), source.as_str())))
        .collect();
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, source) in &modules {
        let module: Vec<String> = name.split("::").map(str::to_owned).collect();
        let mut used = paths(source, &module);
        let declared = code(source).filter_map(|line| line.strip_suffix(';')?.split_once("mod "));
        used.extend(declared.map(|(_, child)| format!("crate::{name}::{child}")));
        for path in used {
            let mut path = path.strip_prefix("crate::").unwrap_or("");
            while let Some((parent, _)) = path.rsplit_once("::")
                && !modules.contains_key(path)
            {
                path = parent;
            }
            if let Some((used, _)) = modules.get_key_value(path).filter(|it| it.0 != name) {
                uses.entry(name).or_default().insert(used);
            }
        }
    }
    let reaches = |from: &str, to: &str| {
        let mut seen = vec![from];
        let mut at = 0;
        while let Some(module) = seen.get(at) {
            for next in uses.get(module).into_iter().flatten() {
                if !seen.contains(next) {
                    seen.push(next);
                }
            }
            at = at.saturating_add(1);
        }
        seen.contains(&to)
    };
    let direct = uses
        .iter()
        .flat_map(|(from, to)| to.iter().map(|to| (*from, *to)));
    direct
        .filter(|(from, to)| reaches(to, from))
        .map(|(from, to)| format!("{from} uses {to}, which uses it"))
        .collect()
}

/// Reports entries of the top level of `src/`, and of the rooms of `proto`, that are not in the map, and
/// the reverse.
fn map_faults(lib: &str, top: &[String], rooms: &[String]) -> Vec<String> {
    let (_, rest) = lib.split_once("```text\n").unwrap();
    let (map, _) = rest.split_once("```").unwrap();
    let words: Vec<&str> = map.split_whitespace().collect();
    let missing = top.iter().chain(rooms);
    let missing = missing.filter(|name| !words.contains(&name.as_str()));
    let missing = missing.map(|name| format!("{name} is not in the map of src/lib.rs"));
    let places = words
        .iter()
        .filter(|it| it.len() > 1 && (it.ends_with('/') || it.ends_with(".rs")));
    let gone = places.filter(|word| !top.iter().any(|name| name == *word));
    missing
        .chain(gone.map(|word| format!("{word} is in the map of src/lib.rs and not in src/")))
        .collect()
}

/// Reports crates whose version in the check of purity differs from the program's.
fn lock_faults(own: &str, pure: &str) -> Vec<String> {
    let packages = pure.split("[[package]]\n").skip(1);
    let heads = packages.filter_map(|package| package.split("source = ").next());
    let others = heads.filter(|head| !own.contains(head) && !head.contains("\"websms-pure\""));
    others
        .map(|head| format!("tests/pure/Cargo.lock: {head:?} is not in Cargo.lock"))
        .collect()
}

/// Returns the names in a folder, folders with a `/` behind them.
fn names_in(root: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root.join(folder)).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let slash = if entry.file_type().unwrap().is_dir() {
                "/"
            } else {
                ""
            };
            name + slash
        })
        .collect()
}

// ---- Reading a source -----------------------------------------------------------------------

/// Returns the lines of a source without comments and without its tests, which are last.
fn code(source: &str) -> impl Iterator<Item = &str> {
    let code = source.lines().take_while(|line| *line != "#[cfg(test)]");
    code.map(|line| line.split("//").next().unwrap_or(""))
}

/// Returns the paths that a source names from the crate's root, from `std` and from crates that reach
/// outside. `super` is resolved, and each name of a group in braces gives a path of its own.
fn paths(source: &str, module: &[String]) -> Vec<String> {
    let code: Vec<&str> = code(source).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    let outside = ["std", "rustix", "rustls", "signal_hook", "ureq"];
    for root in ["crate", "super"].into_iter().chain(outside) {
        for (at, _) in code.match_indices(&format!("{root}::")) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c == ':' || c == '_' || c.is_alphanumeric()) {
                continue;
            }
            let wordy = |c: char| c == ':' || c == '_' || c.is_alphanumeric();
            let path: String = code[at..].chars().take_while(|c| wordy(*c)).collect();
            let group = code[at..].strip_prefix(&format!("{path}{{"));
            let group = group.map_or("", |rest| rest.split('}').next().unwrap_or(""));
            let names = group.split(',').map(str::trim);
            let names = names.filter(|name| !name.is_empty() || group.is_empty());
            found.extend(names.map(|name| resolved(&format!("{path}{name}"), module)));
        }
    }
    found
}

/// Resolves `super::a` to `crate::…::a`.
fn resolved(path: &str, module: &[String]) -> String {
    let mut base = module;
    let mut rest = path;
    while let Some(above) = rest.strip_prefix("super::") {
        base = base.split_last().map_or(base, |(_, parents)| parents);
        rest = above;
    }
    let path = match rest == path {
        true => path.to_owned(),
        false => ["crate".to_owned(), base.join("::"), rest.to_owned()].join("::"),
    };
    path.trim_end_matches("::self").to_owned()
}

// ---- That it finds what it should -----------------------------------------------------------

#[test]
fn a_file_of_tests_that_nobody_names_is_found() {
    let check = |path: &str, faults: usize| {
        let main = "//! a\nmod rig;\nmod a;\n// mod b;\n";
        let files =
            ["tests/x/main.rs", "src/main.rs"].map(|path| (path.to_owned(), main.to_owned()));
        let found = stray_fault(path, &files);
        assert_eq!(found.iter().count(), faults, "{path}: {found:?}");
    };
    check("tests/x/a.rs", 0);
    check("tests/x/main.rs", 0);
    check("tests/x/b.rs", 1);
    // The first is no test binary's folder, the second is no folder of tests.
    check("tests/y/b.rs", 0);
    check("tests/b.rs", 0);
    check("src/b.rs", 0);
}

#[test]
fn a_forbidden_import_is_found() {
    let check = |path: &str, source: &str, faults: usize| {
        let found = import_faults(path, source);
        assert_eq!(found.len(), faults, "{path}: {source}: {found:?}");
    };
    check("src/limits.rs", "use crate::message;", 1);
    check("src/message/mod.rs", "use crate::limits;", 0);
    check("src/message/mod.rs", "use crate::proto::wire::form;", 1);
    let proto = "src/proto/webhook/a.rs";
    check(proto, "use crate::message::Text;", 0);
    check(proto, "use crate::config::Config;", 1);
    check(proto, "use crate::{limits, sys::clock};", 1);
    check(proto, "let a = crate::sys::clock::now();", 1);
    check(proto, "use super::super::super::config;", 1);
    check(
        proto,
        "// use crate::config;\nuse crate::limits; // crate::sys",
        0,
    );
    check(
        proto,
        "fn f() {}\n#[cfg(test)]\nmod tests { use crate::sys; }",
        0,
    );
    check("src/proto/a/tests.rs", "use crate::sys;", 0);
    // These are the rooms of proto.
    check(proto, "use crate::proto::wire::form;", 0);
    check(proto, "use crate::proto::sorted::Sorted;", 0);
    check(proto, "use crate::proto::grammar::Conditions;", 0);
    check("src/proto/grammar.rs", "use crate::proto::wire::form;", 1);
    check(proto, "use crate::proto::webhook::access;", 0);
    check(proto, "use super::super::wire::json;", 0);
    check(proto, "use crate::proto::provider::Call;", 1);
    check(
        proto,
        "use crate::proto::{\n    record::kept,\n    wire,\n};",
        1,
    );
    check("src/proto/provider/a.rs", "use super::super::webhook;", 1);
    check("src/proto/wire/a/b.rs", "use crate::proto::record;", 1);
    check("src/proto/record/a.rs", "use crate::proto::webhook;", 0);
    check("src/proto/attic/a.rs", "use crate::proto::wire;", 1);
    // config names paths outside, and does not touch them.
    let config = "src/config/a.rs";
    check(config, "use crate::proto::webhook::access;", 0);
    check(config, "use super::Note;\nuse std::path::PathBuf;", 0);
    check(config, "use std::net::{IpAddr, UdpSocket};", 1);
    check(config, "use std::time::{Duration, Instant};", 1);
    check(config, "fn f() { std::env::var(\"A\"); }", 1);
    check(config, "use crate::sys::spool;", 1);
    check(config, "use rustix::fs::open;", 1);
    check("src/sys/spool.rs", "use std::fs;\nuse crate::limits;", 0);
    check("src/sys/spool.rs", "use crate::message::Message;", 1);
    let carried = "use crate::proto::provider::{Call, Reply, BodyEnd};";
    check("src/sys/spool.rs", carried, 3);
    check("src/sys/client/mod.rs", carried, 0);
    check(
        "src/sys/client/mod.rs",
        "use crate::proto::provider::{Account};",
        1,
    );
    check("src/inbound/mod.rs", "use crate::{config, proto, sys};", 0);
    check("src/inbound/mod.rs", "use crate::outbound;", 1);
    check("src/outbound/mod.rs", "use crate::daemon;", 1);
    check("src/daemon/mod.rs", "use crate::inbound;", 0);
    check("src/helpers.rs", "use crate::inbound;", 1);
}

#[test]
fn a_circle_is_found() {
    let check = |sources: [&str; 3], expected: &[&str]| {
        let names = ["a/mod.rs", "a/b.rs", "a/c.rs"];
        let files = names.iter().zip(sources);
        let files = files.map(|(name, text)| (format!("src/proto/{name}"), text.to_owned()));
        assert_eq!(
            circle_faults(&files.collect::<Vec<_>>()),
            expected,
            "{sources:?}"
        );
    };
    let page = "mod b;\npub mod c;\n";
    check([page, "", "use super::b;"], &[]);
    let both = [
        "proto::a uses proto::a::b, which uses it",
        "proto::a::b uses proto::a, which uses it",
    ];
    check([page, "use super::Thing;", ""], &both);
    let two = [
        "proto::a::b uses proto::a::c, which uses it",
        "proto::a::c uses proto::a::b, which uses it",
    ];
    check(
        [
            page,
            "use crate::proto::a::c::{self, D};",
            "fn f() { super::b::f() }",
        ],
        &two,
    );
    check(
        [page, "", "#[cfg(test)]\nmod tests { use super::super::E; }"],
        &[],
    );
}

#[test]
fn a_hole_in_the_map_is_found() {
    let check = |map: &str, faults: usize| {
        let lib = format!("//! A\n//! ```text\n{map}\n//! ```\n");
        let [top, rooms] = [["a/", "b.rs"], ["c", "d"]].map(|names| names.map(str::to_owned));
        let found = map_faults(&lib, &top, &rooms);
        assert_eq!(found.len(), faults, "{map}: {found:?}");
    };
    check("//! a/ ── b.rs\n//!    c d", 0);
    check("//! a/ ── b.rs\n//!    c d e", 0);
    check("//! a/ ── b\n//!    c d", 1);
    check("//! a/ ── b.rs\n//!    c", 1);
    check("//! a/ ── b.rs e/\n//!    c d", 1);
}

#[test]
fn a_missing_first_line_is_found() {
    for (source, wanted) in [
        ("//! Bytes → a value.\nfn f() {}", false),
        ("//!\nfn f() {}", true),
        ("\n//! Bytes → a value.", true),
        ("use std::fmt;", true),
        ("// A comment.", true),
        ("", true),
    ] {
        assert_eq!(
            first_line_fault("a.rs", source).is_some(),
            wanted,
            "{source}"
        );
    }
}

#[test]
fn a_switched_off_test_is_found() {
    for (source, wanted) in [
        ("#[test]\nfn f() {}", false),
        (concat!("#[test]\n#[", "ignore]\nfn f() {}"), true),
        (
            concat!("#[test]\n    #[", "ignore = \"slow\"]\nfn f() {}"),
            true,
        ),
        ("// #[ignore]", false),
    ] {
        assert_eq!(
            attribute_fault("a.rs", source).is_some(),
            wanted,
            "{source}"
        );
    }
}

#[test]
fn a_word_of_the_unfinished_is_found() {
    for (source, wanted) in [
        ("fn f() {}", None),
        (concat!("a\n// TO", "DO: b"), Some(2)),
        (concat!("// FIX", "ME"), Some(1)),
        (concat!("a_TO", "DO_b TO", "DOS"), None),
    ] {
        let fault = word_fault("a.rs", source);
        let line = fault.map(|fault| fault.split(':').nth(1).unwrap().parse().unwrap());
        assert_eq!(line, wanted, "{source}");
    }
}

#[test]
fn a_debug_text_outside_of_tests_is_found() {
    for (path, source, wanted) in [
        ("src/a.rs", "f();\nformat!(\"{a:?}\");", Some(2)),
        ("src/a.rs", "format!(\"{:#?}\", a);", Some(1)),
        ("src/a.rs", "// {:?}\nformat!(\"{a}?\");", None),
        ("src/a.rs", "#[cfg(test)]\nformat!(\"{a:?}\");", None),
        ("src/a/tests.rs", "format!(\"{a:?}\");", None),
    ] {
        let fault = debug_fault(path, source);
        let line = fault.map(|fault| fault.split(':').nth(1).unwrap().parse().unwrap());
        assert_eq!(line, wanted, "{path}: {source}");
    }
}

#[test]
fn a_stranger_at_the_top_level_is_found() {
    for (name, wanted) in [
        ("src", false),
        ("README.md", false),
        (".ci", false),
        ("docs", true),
        ("notes.txt", true),
    ] {
        assert_eq!(top_level_fault(name).is_some(), wanted, "{name}");
    }
}
