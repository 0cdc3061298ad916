//! `src/` → every breach of the house's rules: who imports whom, first lines, words, names.
//!
//! The rules stand in the crate's documentation (`src/lib.rs`). The sources are read as tokens, so
//! that a comment or a text cannot break a rule and a `use` tree cannot hide from one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "positions in files of this tree"
)]

use std::fs;
use std::path::Path;

/// What may stand beside the hidden files at the top level.
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

/// The parts of `std` that reach outside the process or wait.
const OUTSIDE: [&str; 6] = ["env", "fs", "io", "process", "thread", "time"];

/// Values of `std` that only name something outside: an address is no socket.
const PLAIN: [&str; 6] = [
    "std::net::AddrParseError",
    "std::net::IpAddr",
    "std::net::Ipv4Addr",
    "std::net::Ipv6Addr",
    "std::net::SocketAddr",
    "std::time::Duration",
];

/// Crates that reach outside the process.
const OUTSIDE_CRATES: [&str; 5] = ["rustix", "rustls", "signal_hook", "ureq", "webpki_roots"];

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
    }
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

/// Every file of a folder with this extension, as (path from the top level, content).
fn collect(root: &Path, folder: &str, extension: &str, files: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        return;
    };
    for entry in entries {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            // Build output and fuzzing corpora, where such folders exist.
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
    let tokens = tokens(source);
    let ignored = tokens.windows(3).any(|window| {
        matches!(window, [Token::Mark('#'), Token::Mark('['), Token::Word(word)] if word == "ignore")
    });
    ignored.then(|| format!("{path}: a test is switched off"))
}

/// A file of a test binary's folder that its `main.rs` does not name: its tests never run.
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
    // Put together here, so that this file does not contain them.
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

/// The module that a file holds, from the crate's root; `None` for a file of tests.
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

/// Why a module may not use a path.
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
    let pure = matches!(place, "limits" | "message" | "proto" | "config");
    (pure && reaches_outside(place, used)).then_some("reaches outside, this module is pure")
}

fn reaches_outside(place: &str, used: &str) -> bool {
    let mut names = used.split("::");
    let first = names.next().unwrap_or("");
    let second = names.next().unwrap_or("");
    if OUTSIDE_CRATES.contains(&first) {
        return true;
    }
    if first != "std" || PLAIN.contains(&used) {
        return false;
    }
    // An associated item of a plain value: `std::net::IpAddr::V4`.
    if PLAIN
        .iter()
        .any(|plain| used.starts_with(&format!("{plain}::")))
    {
        return false;
    }
    // A path is a name, too, but `proto` has none to give.
    if second == "path" {
        return place == "proto";
    }
    OUTSIDE.contains(&second) || second == "net" || second == "*"
}

// ---- Reading a source -----------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Joint,
    Mark(char),
}

/// A source without its comments, texts, numbers and lifetimes.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        at += match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => block_comment(rest),
            ['r', '"', ..] | ['r', '#', '"' | '#', ..] => raw_text(rest, 1),
            ['b', 'r', '"' | '#', ..] => raw_text(rest, 2),
            ['"', ..] => text(rest, '"'),
            ['\'', '\\', ..] | ['\'', _, '\'', ..] => text(rest, '\''),
            ['\'', ..] => 1 + word(&rest[1..]).len(),
            [':', ':', ..] => {
                tokens.push(Token::Joint);
                2
            }
            [c, ..] if c.is_alphanumeric() || *c == '_' => {
                let word = word(rest);
                let chars = word.chars().count();
                tokens.push(Token::Word(word));
                chars
            }
            [c, ..] => {
                if !c.is_whitespace() {
                    tokens.push(Token::Mark(*c));
                }
                1
            }
            [] => break,
        };
    }
    tokens
}

fn word(chars: &[char]) -> String {
    chars
        .iter()
        .take_while(|c| c.is_alphanumeric() || **c == '_')
        .collect()
}

fn block_comment(chars: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < chars.len() {
        match &chars[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn text(chars: &[char], end: char) -> usize {
    let mut at = 1;
    while at < chars.len() && chars[at] != end {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw_text(chars: &[char], start: usize) -> usize {
    let hashes = chars[start..].iter().take_while(|c| **c == '#').count();
    let mut at = start + hashes + 1;
    while at < chars.len() {
        let closes = chars[at] == '"'
            && chars[at + 1..]
                .iter()
                .take(hashes)
                .filter(|c| **c == '#')
                .count()
                == hashes;
        at += 1;
        if closes {
            break;
        }
    }
    at + hashes
}

/// Every path that a source uses, its own tests left out, with `self` and `super` resolved.
fn paths(source: &str, module: &[String]) -> Vec<String> {
    let tokens = without_tests(&tokens(source));
    let mut module = module.to_vec();
    let mut inner: Vec<usize> = Vec::new();
    let mut depth = 0_usize;
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at..] {
            [Token::Word(word), Token::Word(name), Token::Mark('{'), ..] if word == "mod" => {
                module.push(name.clone());
                inner.push(depth);
                at += 2;
                continue;
            }
            [Token::Word(word), ..] if word == "use" => {
                at += 1;
                let known = found.len();
                at = use_tree(&tokens, at, &mut Vec::new(), &mut found);
                found[known..]
                    .iter_mut()
                    .for_each(|path| resolve(path, &module));
                continue;
            }
            [Token::Word(_), Token::Joint, ..] => {
                let mut path = Vec::new();
                while let [Token::Word(word), ..] = &tokens[at..] {
                    path.push(word.clone());
                    at += 1;
                    match tokens.get(at) {
                        Some(Token::Joint) => at += 1,
                        _ => break,
                    }
                }
                resolve(&mut path, &module);
                found.push(path);
                continue;
            }
            [Token::Mark('{'), ..] => depth += 1,
            [Token::Mark('}'), ..] => {
                depth = depth.saturating_sub(1);
                if inner.last() == Some(&depth) {
                    inner.pop();
                    module.pop();
                }
            }
            _ => {}
        }
        at += 1;
    }
    found.into_iter().map(|path| path.join("::")).collect()
}

/// Reads one branch of a `use` and all below it; gives the position behind.
fn use_tree(
    tokens: &[Token],
    mut at: usize,
    prefix: &mut Vec<String>,
    found: &mut Vec<Vec<String>>,
) -> usize {
    let kept = prefix.len();
    loop {
        match tokens.get(at) {
            Some(Token::Word(word)) if word == "as" => at += 2,
            Some(Token::Word(word)) => {
                prefix.push(word.clone());
                at += 1;
                if tokens.get(at) != Some(&Token::Joint) {
                    found.push(prefix.clone());
                }
            }
            Some(Token::Mark('*')) => {
                prefix.push("*".to_owned());
                found.push(prefix.clone());
                at += 1;
            }
            Some(Token::Joint) => at += 1,
            Some(Token::Mark('{')) => {
                at += 1;
                while tokens
                    .get(at)
                    .is_some_and(|token| *token != Token::Mark('}'))
                {
                    at = use_tree(tokens, at, prefix, found);
                    if tokens.get(at) == Some(&Token::Mark(',')) {
                        at += 1;
                    }
                }
                at += 1;
            }
            _ => break,
        }
    }
    prefix.truncate(kept);
    at
}

/// `self::a`, `super::a` → `crate::…::a`.
fn resolve(path: &mut Vec<String>, module: &[String]) {
    let mut base = module.to_vec();
    let mut relative = false;
    while path
        .first()
        .is_some_and(|name| name == "self" || name == "super")
    {
        if path.remove(0) == "super" {
            base.pop();
        }
        relative = true;
    }
    if relative {
        base.insert(0, "crate".to_owned());
        base.append(path);
        *path = base;
    }
    if path.last().is_some_and(|name| name == "self") {
        path.pop();
    }
}

/// Drops what stands under `#[cfg(test)]`: a test may do what the code may not.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let marker = self::tokens("#[cfg(test)]");
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].starts_with(&marker) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let mut depth = 0_usize;
        while at < tokens.len() {
            match tokens[at] {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => depth -= 1,
                _ => {}
            }
            at += 1;
            let ends = matches!(tokens[at - 1], Token::Mark('}' | ';'));
            if depth == 0 && ends {
                break;
            }
        }
    }
    kept
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
    // No binary's folder, and none of tests.
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
    // proto is pure.
    check("src/proto/a.rs", "use std::fs;", 1);
    check("src/proto/a.rs", "use std::{fmt, fs::File, str};", 1);
    check("src/proto/a.rs", "use std::{fmt, io::{self, Read}};", 2);
    check("src/proto/a.rs", "fn f() { std::env::var(\"A\"); }", 1);
    check("src/proto/a.rs", "use std::time::Instant;", 1);
    check("src/proto/a.rs", "use std::time::Duration;", 0);
    check("src/proto/a.rs", "use std::thread::sleep as nap;", 1);
    check("src/proto/a.rs", "use std::net::TcpStream;", 1);
    check("src/proto/a.rs", "use std::net::{IpAddr, Ipv6Addr};", 0);
    check("src/proto/a.rs", "use std::net::{IpAddr, UdpSocket};", 1);
    check("src/proto/a.rs", "use std::*;", 1);
    check("src/proto/a.rs", "use rustix::fs::open;", 1);
    check("src/proto/a.rs", "use std::path::PathBuf;", 1);
    check(
        "src/proto/a.rs",
        "// use std::fs;\n/* std::fs /* x */ */ const A: &str = \"std::fs::x\";",
        0,
    );
    check(
        "src/proto/a.rs",
        "const A: char = '\"'; use std::fs; const B: char = '\"';",
        1,
    );
    check(
        "src/proto/a.rs",
        "const A: &str = r#\"a\" use std::fs;\"#; fn f<'a>(b: &'a u8) {}",
        0,
    );
    check(
        "src/proto/a.rs",
        "fn f() {}\n#[cfg(test)]\nmod tests { use std::fs; fn g() {} }",
        0,
    );
    check(
        "src/proto/a.rs",
        "#[cfg(test)]\nmod tests { fn g() {} }\nuse std::fs;",
        1,
    );
    check("src/proto/a/tests.rs", "use std::fs;", 0);
    // Who may import whom.
    check(
        "src/proto/a.rs",
        "use crate::limits; use crate::message::Text;",
        0,
    );
    check("src/proto/a.rs", "use crate::config::Config;", 1);
    check("src/proto/a.rs", "use crate::{limits, sys::clock};", 1);
    check("src/proto/a.rs", "use super::form;", 0);
    check("src/proto/a.rs", "use super::super::config;", 1);
    check("src/proto/a/b.rs", "use super::super::form;", 0);
    check(
        "src/proto/a/mod.rs",
        "use super::form; mod x { use super::super::form; }",
        0,
    );
    check(
        "src/proto/a.rs",
        "mod x { use super::super::super::sys; }",
        1,
    );
    check("src/limits.rs", "use std::time::Duration;", 0);
    check("src/limits.rs", "use crate::message;", 1);
    check("src/message.rs", "use crate::limits;", 0);
    check("src/message.rs", "use crate::proto::wire::form;", 1);
    check(
        "src/config.rs",
        "use crate::proto::webhook::access; use std::path::PathBuf;",
        0,
    );
    check(
        "src/config/keys.rs",
        "use crate::config::Note; use super::Note;",
        0,
    );
    check("src/config.rs", "use std::fs;", 1);
    check("src/config.rs", "use crate::sys::spool;", 1);
    check(
        "src/sys/spool.rs",
        "use std::fs; use crate::limits; use rustix::fs; use super::files;",
        0,
    );
    check("src/sys/spool.rs", "use crate::message::Message;", 1);
    check("src/sys/spool.rs", "use crate::config::Spool;", 1);
    check("src/sys/spool.rs", "use crate::proto::provider::Call;", 1);
    check(
        "src/sys/client.rs",
        "use crate::proto::provider::{Call, Reply, BodyEnd};",
        0,
    );
    check(
        "src/sys/client.rs",
        "use crate::proto::provider::{Account};",
        1,
    );
    check("src/sys/client.rs", "use crate::inbound;", 1);
    check(
        "src/inbound.rs",
        "use crate::{config, proto, sys}; use std::fs;",
        0,
    );
    check("src/inbound.rs", "use crate::outbound;", 1);
    check("src/outbound.rs", "use crate::daemon;", 1);
    check("src/daemon.rs", "use crate::inbound;", 0);
    check("src/helpers.rs", "use crate::inbound;", 1);
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
            concat!("#[test]\n#[ ", "ignore = \"slow\"]\nfn f() {}"),
            true,
        ),
        ("// #[ignored]\n#[ignored]", false),
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
