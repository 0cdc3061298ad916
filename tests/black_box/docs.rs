//! Compares README and samples with the program: keys, limits, crates, dialplan, configurations.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::rig;
use websms::config::keys::{KEYS, Key};
use websms::limits;
use websms::proto::webhook::verify::{Covers, Needs, Once, SCHEMES, Scheme};
use websms::providers::PRESETS;

pub fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The part of a page between the line that begins with `<!-- NAME` and its end.
fn part_of(page: &str, name: &str) -> String {
    let text = read(page);
    let (_, rest) = text.split_once(&format!("<!-- {name}: ")).unwrap();
    let (part, _) = rest.split_once(&format!("<!-- end of {name} -->")).unwrap();
    part.to_owned()
}

/// The pages beside the README.
pub const PAGES: [&str; 13] = [
    "packaging/doc/contributing.md",
    "packaging/doc/docker.md",
    "packaging/doc/freepbx.md",
    "packaging/doc/limits.md",
    "packaging/doc/migration.md",
    "packaging/doc/operating.md",
    "packaging/doc/polling.md",
    "packaging/doc/proxies.md",
    "packaging/doc/reports.md",
    "packaging/doc/spec.md",
    "packaging/doc/tested.md",
    "packaging/doc/webhooks.md",
    "packaging/openwrt/README.md",
];

/// Returns the cells of a row in a Markdown table; none for any other line.
fn cells(line: &str) -> Vec<String> {
    let hidden = line.replace("\\|", "¦");
    let Some(row) = hidden
        .strip_prefix('|')
        .and_then(|row| row.strip_suffix('|'))
    else {
        return Vec::new();
    };
    row.split('|').map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn the_migration_page_has_every_key_of_the_php_in_both_spellings() {
    let page = part_of("packaging/doc/migration.md", "migration");
    let mut section = String::new();
    let mut documented = Vec::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### `[") {
            section = heading.split(']').next().unwrap().to_owned();
        }
        if let [key, also, default, php, _] = cells(line).as_slice()
            && key.starts_with('`')
        {
            assert!(["same", "later", "new"].contains(&php.as_str()), "{line}");
            documented.push(format!("[{section}] {key} {also} {default}").replace('`', ""));
        }
    }
    let row = |key: &Key| {
        let (section, also) = (key.section.name(), key.also.unwrap_or("-"));
        format!("[{section}] {} {also} {}", key.name, key.default_shown())
    };
    // Only later versions of the PHP program have a second spelling.
    let spelt_twice = KEYS.iter().filter(|key| key.also.is_some()).map(row);
    for key in spelt_twice {
        assert!(documented.contains(&key), "no row for {key}");
    }
    // Every row is one of the program's keys, and they stand in its order.
    let known: Vec<String> = KEYS.iter().map(row).collect();
    let places = documented.iter().map(|row| {
        let place = known.iter().position(|known| known == row);
        place.unwrap_or_else(|| panic!("no such key: {row}"))
    });
    assert!(places.is_sorted(), "{documented:#?}");
}

#[test]
fn the_manuals_have_every_option_of_the_help() {
    let websmsd = ["websmsd", "--help"];
    for (manual, arguments) in [("websms.1", &websmsd[1..]), ("websmsd.8", &websmsd[..])] {
        let mut run = rig::command(&rig::binary());
        run.args(arguments);
        let help = rig::finish(run).stdout;
        // In mdoc(7) `--check` is `Fl -check`.
        let words = help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        let options = words.filter_map(|word| word.strip_prefix('-'));
        let options: Vec<&str> = options.filter(|it| it.len() > 2).collect();
        assert!(options.contains(&"-selftest"), "{help}");
        let page = read(&format!("packaging/man/{manual}"));
        let macros = page.lines().filter(|line| line.starts_with('.'));
        let named: Vec<&str> = macros.flat_map(str::split_whitespace).collect();
        for option in options {
            assert!(named.contains(&option), "{manual}: -{option}");
        }
    }
}

/// Returns the text of websms.conf(5) between the heading of a section and the next.
fn manual_of(section: &str) -> String {
    let manual = read("packaging/man/websms.conf.5");
    let (_, rest) = manual.split_once(&format!(".Ss [{section}]\n")).unwrap();
    // The next heading of either kind ends it; `.Sx` only refers to one.
    let part = rest.split("\n.Ss ").next().unwrap();
    let part = part.split("\n.Sh ").next().unwrap();
    part.to_owned()
}

/// Text of the manual as it is read: without macros, escapes and the blanks before punctuation.
fn rendered(mdoc: &str) -> String {
    let macros = ["Pq", "Po", "Pc", "Li", "Cm", "Pa", "Ql", "Sy", "No", "Pf"];
    let words = mdoc.split_whitespace();
    let words = words.map(|word| word.trim_start_matches('.'));
    let words: Vec<&str> = words.filter(|word| !macros.contains(word)).collect();
    words.join(" ").replace(" ,", ",").replace(" .", ".")
}

/// Returns the text of the manual from the heading of a key to the next heading.
fn item_of<'a>(manual: &'a str, key: &str) -> Option<&'a str> {
    let items = manual.split("\n.It Cm ").skip(1);
    let mut items = items.filter(|item| {
        let mut heading = item.lines().next().unwrap().split_whitespace();
        heading.any(|word| word == key)
    });
    let item = items.next();
    assert!(items.next().is_none(), "{key} has two paragraphs");
    item
}

#[test]
fn the_manual_has_every_key_with_its_other_name_and_default() {
    let mut missing = Vec::new();
    for key in KEYS {
        let section = key.section.name();
        let manual = manual_of(section);
        let mut names = std::iter::once(key.name).chain(key.also);
        let items: Vec<_> = names.clone().map(|name| item_of(&manual, name)).collect();
        if items.contains(&None) || items[0] != items[items.len() - 1] {
            missing.push(format!("[{section}] {}", names.next().unwrap()));
            continue;
        }
        let (_, text) = items[0].unwrap().split_once('\n').unwrap();
        let default = key.default_shown().replace('`', "");
        if default == "-" {
            continue;
        }
        let text = rendered(text);
        let said = text.split("Default").skip(1);
        let mut said = said.map(|said| said.split(". ").next().unwrap());
        if !said.any(|said| said.contains(&default)) {
            missing.push(format!("[{section}] {} = {default}", key.name));
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// Returns the schemes that `auth_method` takes.
fn taken() -> impl Iterator<Item = &'static Scheme> {
    SCHEMES.iter().filter(|scheme| scheme.is_taken())
}

#[test]
fn the_manual_has_every_scheme_and_the_hashes_of_tokens() {
    let manual = manual_of("websmsd");
    let (_, rest) = manual.split_once("\n.It Cm auth_method , ").unwrap();
    let item = rest.split("\n.It ").next().unwrap();
    let literals = item.lines().filter_map(|line| line.strip_prefix(".Li "));
    let words = literals.flat_map(|line| line.split(|c: char| " ,:.".contains(c)));
    let documented: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut known: Vec<&str> = taken().map(|scheme| scheme.name).collect();
    let mut hashes: &[_] = &[];
    for scheme in taken() {
        if let Needs::PasswdAndHash(_, words) = scheme.needs {
            known.push(scheme.name);
            hashes = words;
        }
    }
    // These are the words for tokens; those of `vonage` stand with its side of `[websms]`.
    known.extend(hashes.iter().map(|(word, _)| *word));
    assert_eq!(documented, known);
}

#[test]
fn the_page_about_webhooks_has_every_scheme_and_what_it_needs() {
    let page = read("packaging/doc/webhooks.md");
    let rows = page.lines().map(cells).filter(|row| row.len() == 5);
    let rows = rows.filter(|row| row[0].starts_with('`') && row[0] != "`auth_method`");
    let rows: Vec<Vec<String>> = rows.collect();
    let names = rows.iter().flat_map(|row| row[0].split(", "));
    let names: Vec<String> = names.map(|name| name.replace('`', "")).collect();
    // `none` needs no row.
    let known: Vec<&str> = taken().skip(1).map(|scheme| scheme.name).collect();
    assert_eq!(names, known);
    for scheme in taken().skip(1) {
        let name = format!("`{}`", scheme.name);
        let row = rows.iter().find(|row| row[0].contains(&name)).unwrap();
        let needs_url = scheme.covers == Covers::Url;
        assert_eq!(row[3].contains("`public_url`"), needs_url, "{row:?}");
        match scheme.needs {
            Needs::Passwd(what) | Needs::Decoded(what, _) | Needs::PasswdAndHash(what, _) => {
                let mut words = row[2].split(", ").map(|words| words.replace("the ", ""));
                assert!(words.any(|words| what.contains(&words)), "{row:?}: {what}");
            }
            _ => assert!(row[3].contains("`auth_user`"), "{row:?}"),
        }
    }
}

#[test]
fn the_page_about_webhooks_says_of_every_scheme_what_a_recorded_request_can_do() {
    let page = read("packaging/doc/webhooks.md");
    let (_, rest) = page
        .split_once("## How recorded requests are handled\n")
        .unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let rows = section.lines().map(cells).filter(|row| row.len() == 2);
    let rows: Vec<Vec<String>> = rows.skip(2).collect();
    let names = rows.iter().flat_map(|row| row[0].split(", "));
    let mut names: Vec<String> = names.map(|name| name.replace('`', "")).collect();
    let mut known: Vec<&str> = taken().map(|scheme| scheme.name).collect();
    names.sort();
    known.sort();
    assert_eq!(names, known);
    // A signature that delivers once is accepted again after it has been forgotten.
    for scheme in taken() {
        let name = format!("`{}`", scheme.name);
        let mut of = rows.iter().filter(|row| row[0].contains(&name));
        let left = &of.next().unwrap()[1];
        let once = left.contains("4096 SMS ago") || left.starts_with("as `twilio`");
        assert_eq!(once, scheme.once() == Once::Everywhere, "{name}");
    }
}

/// Returns the links of a Markdown page to other files of this repository.
fn links(page: &str) -> Vec<String> {
    let folder = Path::new(page).parent().unwrap();
    let text = read(page);
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    // `[1001](+)` is a line of Asterisk's configuration.
    let targets = targets.filter(|target| *target != "+");
    let files = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    let files = files.map(|target| target.split('#').next().unwrap());
    files
        .map(|target| folder.join(target).display().to_string())
        .collect()
}

#[test]
fn every_page_can_be_reached_and_no_link_leads_nowhere() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reached = links("README.md");
    for page in PAGES {
        assert!(reached.iter().any(|link| link == page), "no link to {page}");
    }
    for page in PAGES.iter().chain(&["README.md"]) {
        for link in links(page) {
            assert!(top.join(&link).exists(), "{page}: {link}");
        }
    }
    let mut there: Vec<String> = fs::read_dir(top.join("packaging/doc"))
        .unwrap()
        .map(|entry| format!("packaging/doc/{}", entry.unwrap().file_name().display()))
        .collect();
    // A picture is no page, but the README shows it.
    there.retain(|file| file.ends_with(".md") || !reached.contains(file));
    there.sort();
    let known = PAGES
        .iter()
        .filter(|page| page.starts_with("packaging/doc/"));
    let mut known: Vec<String> = known.map(|page| (*page).to_owned()).collect();
    known.sort();
    assert_eq!(there, known);
}

#[test]
fn the_specification_has_every_key_with_its_other_name_and_default() {
    let mut section = String::new();
    let mut specified = Vec::new();
    for line in read(SPEC).lines() {
        if let Some(heading) = line.strip_prefix("### `[") {
            section = heading.split(']').next().unwrap().to_owned();
        }
        if let [key, also, default, _] = cells(line).as_slice() {
            specified.push(format!("[{section}] {key} {also} {default}").replace('`', ""));
        }
    }
    for key in KEYS {
        let (section, also) = (key.section.name(), key.also.unwrap_or("-"));
        let known = format!("[{section}] {} {also} {}", key.name, key.default_shown());
        assert!(specified.contains(&known), "{SPEC} has no {known}");
    }
}

const SPEC: &str = "packaging/doc/spec.md";

#[test]
fn every_section_of_the_specification_that_is_cited_exists() {
    let spec = read(SPEC);
    let headings = spec.lines().filter(|line| line.starts_with('#'));
    let sections: Vec<&str> = headings
        .filter_map(|line| line.split(' ').nth(1))
        .map(|number| number.trim_end_matches('.'))
        .collect();
    assert!(sections.contains(&"4") && sections.contains(&"6.5"));
    let mut cited = 0;
    for folder in ["src", "tests", "packaging"] {
        for path in text_files(folder) {
            for (line, number) in read(&path).lines().zip(1..) {
                for section in citations(line) {
                    assert!(sections.contains(&section), "{path}:{number}: §{section}");
                    cited += usize::from(path != SPEC);
                }
            }
        }
    }
    assert!(cited > 30, "{cited} citations found");
}

/// Returns every section of the specification that a line cites. `§6.5` after another document's name, as
/// in `RFC 9110 §5.6.2`, belongs to that document.
fn citations(line: &str) -> Vec<&str> {
    let mut parts = line.split('§');
    let mut before = parts.next().unwrap().to_owned();
    let mut found = Vec::new();
    for after in parts {
        let last = |name: &str| before.rfind(name);
        let is_ours = ["RFC ", "TS "].iter().all(|it| last(it) <= last("spec "));
        let end = after.find(|c: char| !(c.is_ascii_digit() || c == '.'));
        let number = after[..end.unwrap_or(after.len())].trim_end_matches('.');
        if is_ours && !number.is_empty() {
            found.push(number);
        }
        before.push_str(after);
    }
    found
}

#[test]
fn a_citation_is_told_from_another_documents() {
    for (line, expected) in [
        ("(spec §6.2 to §6.4).", &["6.2", "6.4"][..]),
        ("§13 says so", &["13"]),
        ("RFC 9112 §6.3, §11.2", &[]),
        ("3GPP TS 23.038 §6.2.1", &[]),
        ("RFC 9110 §5.1 and spec §8.3, §8.4", &["8.3", "8.4"]),
        ("ÜÖ§¿", &[]),
    ] {
        assert_eq!(citations(line), expected, "{line}");
    }
}

/// Returns the sources, scripts and pages below a folder, as paths from the top level.
fn text_files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in fs::read_dir(top.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().display());
        let is_folder = entry.file_type().unwrap().is_dir();
        match path.rsplit(['/', '.']).next() {
            // These are build output, and bytes that are no text.
            Some("target" | "corpus" | "golden") => {}
            _ if is_folder => found.extend(text_files(&path)),
            Some("rs" | "md" | "ini" | "conf" | "sh" | "py" | "toml") => found.push(path),
            _ => {}
        }
    }
    found
}

/// Returns the paths in backticks that begin with a folder of the top level.
fn named_paths(page: &str) -> Vec<String> {
    let text = read(page);
    let spans = text.split('`').skip(1).step_by(2);
    let tops = ["src/", "tests/", "packaging/", "cross/"];
    let paths = spans.filter(|span| tops.iter().any(|top| span.starts_with(top)));
    let paths = paths.filter_map(|span| span.split(' ').next());
    // NAME is a word that the reader chooses.
    paths
        .filter(|path| !path.contains("NAME"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_path_that_the_guide_names_exists() {
    let paths = named_paths("packaging/doc/contributing.md");
    assert!(paths.len() > 10, "{paths:?}");
    for path in paths {
        let there = Path::new(env!("CARGO_MANIFEST_DIR")).join(&path);
        assert!(there.exists(), "{path}");
    }
}

#[test]
fn the_readme_lists_every_preset() {
    let readme = read("README.md");
    let (_, rest) = readme.split_once("| both directions |").unwrap();
    let row = rest.lines().nth(2).unwrap();
    let listed = cells(row).join(",");
    let mut listed: Vec<&str> = listed.split(',').map(str::trim).collect();
    listed.sort_unstable();
    let known: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, known);
}

#[test]
fn the_page_about_limits_has_those_of_the_code() {
    let bytes = |bytes: usize| match bytes {
        _ if bytes.is_multiple_of(1024 * 1024) => format!("{} MiB", bytes / (1024 * 1024)),
        _ if bytes.is_multiple_of(1024) => format!("{} KiB", bytes / 1024),
        _ => format!("{bytes} bytes"),
    };
    let wait = |wait: Duration| format!("{} s", wait.as_secs());
    let expected = [
        ("number or sender", bytes(limits::NUMBER_BYTES_MAX)),
        ("head of a request", bytes(limits::HEAD_BYTES_MAX)),
        ("header fields", limits::HEADER_FIELDS_MAX.to_string()),
        ("request target", bytes(limits::TARGET_BYTES_MAX)),
        ("body", bytes(limits::BODY_BYTES_MAX)),
        ("parameters", limits::PARAMETERS_MAX.to_string()),
        ("JSON values", limits::JSON_VALUES_MAX.to_string()),
        ("JSON nesting", limits::JSON_DEPTH_MAX.to_string()),
        ("messages in one request", limits::MESSAGES_MAX.to_string()),
        (
            "files that one text is split into",
            limits::CALL_FILE_PARTS_MAX.to_string(),
        ),
        (
            "time for which the second and further of these do not count towards `max`",
            wait(limits::SPOOL_PART_WAIT),
        ),
        (
            "requests in memory, together",
            bytes(limits::REQUEST_MEMORY_BYTES_MAX),
        ),
        (
            "requests of one address in memory, beyond 2 KiB each",
            bytes(limits::REQUEST_MEMORY_PER_PEER_MAX),
        ),
        ("value of `key_echo`", bytes(limits::ECHO_BYTES_MAX)),
        ("wait for the first byte", wait(limits::FIRST_BYTE_WAIT)),
        ("wait for the whole request", wait(limits::REQUEST_WAIT)),
        ("wait for a TLS handshake", wait(limits::HANDSHAKE_WAIT)),
        ("wait for the answer to be taken", wait(limits::ANSWER_WAIT)),
        ("idle between requests", wait(limits::IDLE_WAIT)),
        ("connections", limits::CONNECTIONS_DEFAULT.to_string()),
        (
            "connections of one address (IPv6: of one /64), never more than half of all",
            limits::CONNECTIONS_PER_PEER_MAX.to_string(),
        ),
        (
            "answer of a provider to an SMS",
            bytes(limits::REPLY_BYTES_MAX),
        ),
        ("answer to a poll", bytes(limits::POLL_ANSWER_BYTES_MAX)),
        (
            "JSON values in an answer to a poll",
            limits::POLL_VALUES_MAX.to_string(),
        ),
        (
            "requests of one poll",
            limits::POLL_REQUESTS_MAX.to_string(),
        ),
        ("configuration file", bytes(limits::CONFIG_BYTES_MAX)),
        (
            "SMS of one interface that are remembered",
            limits::SEEN_MAX.to_string(),
        ),
        (
            "interfaces of which SMS are remembered",
            limits::SEEN_INTERFACES_MAX.to_string(),
        ),
        (
            "wait for another request with the same id",
            wait(limits::DUPLICATE_WAIT),
        ),
        (
            "refused requests that are kept, together",
            bytes(limits::KEPT_BYTES_MAX),
        ),
        (
            "pause between two of these, after a burst of a quarter of `keep_rejected`",
            wait(limits::KEPT_PAUSE),
        ),
        (
            "SMS in the inbox together",
            bytes(usize::try_from(limits::INBOX_BYTES_MAX).unwrap()),
        ),
        (
            "longest pause before an SMS that could not leave the inbox is tried again",
            wait(limits::INBOX_RETRY_PAUSE_MAX),
        ),
        (
            "SMS whose delivery reports are awaited, of three days",
            limits::SENT_MAX.to_string(),
        ),
        (
            "ids of the parts of one SMS",
            limits::SENT_PARTS_MAX.to_string(),
        ),
        (
            "final reports of unknown SMS, held for a minute",
            limits::EARLY_REPORTS_MAX.to_string(),
        ),
        ("hooks at once", limits::HOOKS_MAX.to_string()),
        ("hooks that wait", limits::HOOKS_WAITING_MAX.to_string()),
        ("a hook's time", wait(limits::HOOK_WAIT)),
    ];
    let stated: Vec<(String, String)> = part_of("packaging/doc/limits.md", "limits")
        .lines()
        .map(cells)
        .filter(|row| row.len() == 3 && !row[0].is_empty() && !row[0].starts_with("---"))
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let expected = expected.map(|(what, limit)| (what.to_owned(), limit));
    assert_eq!(stated, expected);
}

#[test]
fn every_crate_is_explained() {
    let (lock, manifest) = (read("Cargo.lock"), read("Cargo.toml"));
    let quoted = |line: &str, key: &str| {
        let (_, value) = line.split_once(&format!("{key} = \""))?;
        Some(value.split('"').next().unwrap().to_owned())
    };
    let mut locked: Vec<String> = lock
        .lines()
        .filter(|line| line.starts_with("name"))
        .filter_map(|line| quoted(line, "name"))
        .collect();
    locked.dedup();
    locked.retain(|name| name != "websms");

    let (_, rest) = manifest.split_once("[dependencies]\n").unwrap();
    let mut explained: Vec<String> = Vec::new();
    let mut comment = "";
    for line in rest.split("\n[").next().unwrap().lines() {
        if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            // One comment may cover two keys that follow each other.
            assert!(comment.starts_with("# "), "{name} is not explained");
            explained.push(quoted(line, "package").unwrap_or_else(|| name.to_owned()));
        } else {
            comment = line;
        }
    }
    // The lists have names from `->` to the colon.
    let text = rest.replace("\n#  ", "");
    for (_, list) in text.lines().filter_map(|line| line.split_once(" -> ")) {
        let (names, reason) = list.split_once(':').unwrap();
        assert!(!reason.is_empty(), "{names}");
        explained.extend(names.split_whitespace().map(str::to_owned));
    }
    explained.sort();
    locked.sort();
    assert_eq!(explained, locked);
}

#[test]
fn the_readme_is_short_and_names_this_version_and_the_compiler() {
    let readme = read("README.md");
    let lines = readme.lines().count();
    assert!(lines <= 250, "{lines} lines");
    for page in ["README.md", "packaging/openwrt/README.md"] {
        for name in read(page).split("websms_").skip(1) {
            let version = name.split('_').next().unwrap();
            assert_eq!(version, env!("CARGO_PKG_VERSION"), "{page}");
        }
    }
    let compiler = env!("CARGO_PKG_RUST_VERSION");
    assert!(readme.contains(&format!("Rust {compiler} or later")));
}

#[test]
fn the_licence_notices_name_what_is_locked() {
    let notices = read("packaging/notices");
    let lock = read("Cargo.lock");
    let mut named = Vec::new();
    for line in notices.lines().filter(|line| line.starts_with("  ")) {
        let works = line.split(": ").next().unwrap_or_default().trim();
        for work in works.split(", ") {
            let Some((name, version)) = work.split_once(' ') else {
                continue;
            };
            if version.starts_with(|it: char| it.is_ascii_digit()) {
                let locked = format!("name = \"{name}\"\nversion = \"{version}\"\n");
                assert!(lock.contains(&locked), "{work}: run packaging/notices.py");
                named.push(name);
            }
        }
    }
    let manifest = read("Cargo.toml");
    let (_, dependencies) = manifest.split_once("\n[dependencies]\n").unwrap();
    let dependencies = dependencies.split("\n[").next().unwrap();
    for line in dependencies.lines().filter(|line| !line.starts_with('#')) {
        let Some((key, value)) = line.split_once(" = ") else {
            continue;
        };
        let name = match value.split_once("package = \"") {
            Some((_, rest)) => rest.split('"').next().unwrap(),
            None => key,
        };
        assert!(named.contains(&name), "{name}: run packaging/notices.py");
    }
    for other in ["musl", "the standard library of Rust"] {
        assert!(notices.contains(&format!("  {other}: ")), "{other}");
    }
}
