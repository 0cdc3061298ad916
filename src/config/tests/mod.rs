//! Tests the settings and remarks that texts of `websms.conf` give, for every key and every rule.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::keys::{Absent, KEYS, Scope, Section, guards};
use super::*;
use crate::limits::RETRY_PAUSES_MAX;
use crate::proto::provider::Check;
use crate::proto::provider::sign::Auth;
use crate::proto::webhook::interface::Interface;
use crate::proto::webhook::verify::{Covers, Credentials, Needs, SCHEMES};
use crate::proto::wire::cidr::Cidr;
use crate::proto::wire::mac::Hash;

mod every_key;
mod faults;
mod reports;
mod slips;

fn preset(name: &str) -> Option<&'static str> {
    match name {
        "kiwi" => Some(
            "[websms]\nhost = https://kiwi.example\nkey_to = kiwi_to\nauth_method = bearer\n\
             [websmsd]\nkey_to = kiwi_in\npermit_addr = 192.0.2.0/24\nurl_path = /kiwi\n",
        ),
        "plum" => Some("[websms]\nhost = https://plum.example\n[websmsd]\nkey_to = plum_in\n"),
        _ => None,
    }
}

fn read_text(text: &str) -> Reading {
    read_with(text.as_bytes(), &|_| None, preset)
}

fn config(text: &str) -> Config {
    let reading = read_text(text);
    reading
        .config
        .unwrap_or_else(|| panic!("{text}\n{:?}", reading.notes))
}

/// Returns the lines and texts of the notes with one severity.
fn notes(text: &str, severity: Severity) -> Vec<(u32, String)> {
    let reading = read_text(text);
    let faulty = reading.notes.iter().any(|n| n.severity == Severity::Fault);
    assert_eq!(reading.config.is_none(), faulty, "{text}");
    let of = reading.notes.into_iter().filter(|n| n.severity == severity);
    of.map(|note| (note.line, note.text)).collect()
}

/// Checks that there is exactly one fault, on that line, with those words.
fn check_fault(text: &str, line: u32, words: &str) {
    let faults = notes(text, Severity::Fault);
    match faults.as_slice() {
        [(at, says)] => assert!(*at == line && says.contains(words), "{text}\n{faults:?}"),
        _ => panic!("{text}\n{faults:?}"),
    }
}

/// Checks that the configuration can be run, with a warning on that line with those words.
fn check_warning(text: &str, line: u32, words: &str) {
    assert_eq!(notes(text, Severity::Fault), [], "{text}");
    let warnings = notes(text, Severity::Warning);
    let hit = |(at, says): &(u32, String)| *at == line && says.contains(words);
    assert!(warnings.iter().any(hit), "{text}\n{warnings:?}");
}

/// Checks that there is no remark with those words.
fn check_silence(text: &str, words: &str) {
    let reading = read_text(text);
    let mut says = reading.notes.iter().map(|note| &note.text);
    assert!(
        says.all(|says| !says.contains(words)),
        "{text}\n{:?}",
        reading.notes
    );
}

fn show_auth(auth: &Auth) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match auth {
        Auth::None => "none".into(),
        Auth::Plain {
            key_user,
            key_secret,
            user,
            passwd,
        } => format!(
            "plain {}={} {}={}",
            text(key_user),
            text(user),
            text(key_secret),
            text(passwd)
        ),
        Auth::Basic { user, passwd } => format!("basic {} {}", text(user), text(passwd)),
        Auth::Bearer { token } => format!("bearer {}", text(token)),
        Auth::Header { name, value } => format!("header {name}: {value}"),
        Auth::Zadarma { user, secret } => format!("zadarma {user} {}", text(secret)),
        Auth::Vonage { user, secret, hash } => {
            format!("vonage {} {} {hash:?}", text(user), text(secret))
        }
        Auth::Ovh {
            user,
            secret,
            consumer,
        } => format!("ovh {user} {} {consumer}", text(secret)),
    }
}

fn show_check(check: Option<&Check>) -> String {
    match check {
        None => "none".into(),
        Some(Check::KeyValue(key, value)) => {
            format!(
                "{}={}",
                String::from_utf8_lossy(key),
                String::from_utf8_lossy(value)
            )
        }
        Some(Check::Regex(regex)) => format!("regex {regex}"),
    }
}

fn show_cidrs(list: &[Cidr]) -> String {
    let show = |cidr: &Cidr| {
        let address = std::net::IpAddr::V6(cidr.address.into()).to_canonical();
        format!("{address}/{}", cidr.prefix_bits)
    };
    match list {
        [] => "nobody".into(),
        list => list.iter().map(show).collect::<Vec<_>>().join(" "),
    }
}

// ---- Both spellings -------------------------------------------------------------------------

#[test]
fn a_path_that_nothing_has_is_told() {
    for path in ["data.to[", "data..to", "data.", "a[0", "a[]b"] {
        for key in ["key_to", "key_body", "key_id", "key_media"] {
            let text = format!("[websmsd]\npermit_addr = 1.1.1.1\n{key} = \"{path}\"\n");
            check_warning(&text, 3, "is no path");
        }
    }
    for path in ["To", "data.to", "data.to[0].number", "to[]"] {
        let text = format!("[websmsd]\nkey_to = \"{path}\"\n");
        check_silence(&text, "is no path");
    }
}

#[test]
fn a_wrong_list_of_names_or_conditions_is_a_fault_where_it_stands() {
    let check = |section: &str, line: &str, words: &str| {
        let text = format!("[{section}]\nauth_method = none\nurl_path = /\n{line}\n");
        check_fault(&text, 4, words);
    };
    for (key, remedy) in [
        ("key_to", "write a|b"),
        ("key_from", "write a|b"),
        ("key_body", "write a|b"),
        ("key_id", "write a|b"),
        ("key_echo", "write a|b"),
        ("key_media", "write a|b"),
    ] {
        check("websmsd", &format!("{key} = 'a||b'"), remedy);
    }
    check("websms", "key_message_id = 'id|'", "write a|b");
    check("websms", "key_reason = 'a|/b/'", "a regex stands alone");
    check(
        "websmsd",
        "accept_if = 'type=a,b'",
        "a comma of a value as \\,",
    );
    check("websmsd", "accept_if = 'type=a,type=b'", "write key=a|b");
    check("websmsd", "accept_if = 'a|b=c'", "key=a|b");
    for path in ["data.type[", "a..b"] {
        let text = format!("[websmsd]\npermit_addr = 1.1.1.1\naccept_if = 'a=b,{path}=c'\n");
        check_warning(&text, 3, "is no path");
    }
    check_silence(
        "[websmsd]\naccept_if = 'data.type=a,b[0].c=d'\n",
        "is no path",
    );
    check_warning("[websmsd]\nkey_id = 'a|b..c'\n", 2, "is no path");
}

#[test]
fn own_numbers_are_so_many() {
    let conf = |many: usize| {
        let numbers: Vec<String> = (0..many)
            .map(|n| (12_025_550_000 + n).to_string())
            .collect();
        format!(
            "[websmsd]\npermit_addr = 1.1.1.1\nown_numbers = '{}'\n",
            numbers.join(",")
        )
    };
    for many in [999, 1000] {
        check_silence(&conf(many), "own_numbers");
    }
    check_fault(&conf(1001), 3, "1001 numbers; at most 1000");
}

#[test]
fn a_long_auth_age_needs_a_folder() {
    let conf = |more: &str, dir: &str| format!("[websmsd]\npermit_addr = 1.1.1.1\n{more}\n{dir}");
    let sinch = "auth_method = sinch\nauth_passwd = p\nauth_age =";
    for age in ["", "none", "301s", "1d"] {
        check_fault(
            &conf(&format!("{sinch} {age}"), "[queue]\ndir =\n"),
            5,
            "[queue] dir",
        );
        check_silence(&conf(&format!("{sinch} {age}"), ""), "auth_age");
    }
    check_silence(
        &conf(&format!("{sinch} 300s"), "[queue]\ndir =\n"),
        "auth_age",
    );
    // A preset's age is shortened as far as necessary.
    let age = |dir: &str| {
        let preset = "provider = sinch\nauth_method = sinch\nauth_passwd = p";
        let reading = read(conf(preset, dir).as_bytes(), &|_| None);
        reading.config.unwrap().rules.interfaces[0].gate.auth_age_s
    };
    assert_eq!((age(""), age("[queue]\ndir =\n")), (None, Some(300)));
    for method in ["none", "bearer", "messagebird\npublic_url = https://h"] {
        let conf = conf(
            &format!("auth_age = 1h\nauth_passwd = p\nauth_method = {method}"),
            "",
        );
        check_warning(&conf, 3, "changes nothing");
    }
    let reading = read(
        b"[websmsd]\nprovider = vonage\npermit_addr = 1.1.1.1\n",
        &|_| None,
    );
    assert!(
        reading
            .notes
            .iter()
            .all(|note| !note.text.contains("auth_age"))
    );
}

#[test]
fn the_later_of_two_spellings_holds() {
    fn check(lines: &str, expected: &str) {
        let config = config(&format!("[websmsd]\n{lines}\n"));
        let show = |Interface { name, gate, .. }: &Interface| {
            let permit = gate.permit.as_deref().map_or("all".into(), show_cidrs);
            format!("{name}:{permit}")
        };
        let list: Vec<String> = config.rules.interfaces.iter().map(show).collect();
        assert_eq!(list.join(" "), expected, "{lines}");
    }
    check("permit_addr = 1.1.1.1\nremt_addr = 2.2.2.2", ":2.2.2.2/128");
    check("remt_addr = 2.2.2.2\npermit_addr = 1.1.1.1", ":1.1.1.1/128");
    check("permit_addr = 1.1.1.1\nremt_addr =", ":nobody");
    check(
        "permit_addr = 1.1.1.1\nremt_addr = 2.2.2.2\npermit_addr = 3.3.3.3",
        ":3.3.3.3/128",
    );
    check(
        "permit_addr [a] = 1.1.1.1\nremt_addr [a] = 2.2.2.2",
        "a:2.2.2.2/128",
    );
    check(
        "permit_addr [a] = 1.1.1.1\nremt_addr [b] = 2.2.2.2",
        "a:1.1.1.1/128 b:2.2.2.2/128",
    );
    // They are in file order, though the parser sees two arrays; a repeated index keeps its place.
    check(
        "remt_addr [a] = 1.1.1.1\npermit_addr [b] = 2.2.2.2\nremt_addr [c] = 3.3.3.3",
        "a:1.1.1.1/128 b:2.2.2.2/128 c:3.3.3.3/128",
    );
    check(
        "permit_addr [a] = 1.1.1.1\npermit_addr [b] = 2.2.2.2\npermit_addr [a] = 3.3.3.3",
        "a:3.3.3.3/128 b:2.2.2.2/128",
    );
    check(
        "permit_addr = 1.1.1.1\nremt_addr [b] = 2.2.2.2",
        "b:2.2.2.2/128",
    );
    check(
        "permit_addr [a] = 1.1.1.1\nremt_addr = 2.2.2.2",
        ":2.2.2.2/128",
    );
    check_warning(
        "[websmsd]\npermit_addr = 1.1.1.1\nremt_addr = 2.2.2.2\n",
        2,
        "line 3 sets again",
    );
    check_silence(
        "[websmsd]\npermit_addr [a] =\nremt_addr [b] =\n",
        "sets again",
    );
}

// ---- Interfaces, out ------------------------------------------------------------------------

#[test]
fn outbound_interfaces() {
    fn check(lines: &str, expected: &[&str]) {
        let config = config(&format!("[websms]\n{lines}\n"));
        let list: Vec<String> = config
            .outgoing
            .iter()
            .map(|o| {
                let to = String::from_utf8_lossy(&o.account.key_to);
                format!(
                    "{}:{}{} {to}",
                    o.account.interface, o.account.host, o.account.path
                )
            })
            .collect();
        assert_eq!(list, expected, "{lines}");
    }
    check("", &[":http://localhost/ To"]);
    check("host = https://h", &[":https://h/ To"]);
    check(
        "host [a] = https://a\nhost [b] = https://b\npath = /p",
        &["a:https://a/p To", "b:https://b/p To"],
    );
    check(
        "host[a]=https://a\nkey_to[b]=t\nhost[c]=https://c",
        &[
            "a:https://a/ To",
            "b:http://localhost/ t",
            "c:https://c/ To",
        ],
    );
    check(
        "host[]=https://a\nhost[]=https://b\npath[]=/a\npath[]=/b",
        &["0:https://a/a To", "1:https://b/b To"],
    );
    check(
        "host[2]=https://a\nhost[]=https://b",
        &["2:https://a/ To", "3:https://b/ To"],
    );
    check(
        "url_host [a] = https://a\npath [a] = /x",
        &["a:https://a/x To"],
    );
    // As in the PHP, an index replaces the value that was given without one.
    check(
        "host = https://h\nhost [a] = https://a\npath [b] = /b",
        &["a:https://a/ To", "b:http://localhost/b To"],
    );
    check("provider = plum", &[":https://plum.example/ To"]);
    check("provider = plum\nhost = https://own", &[":https://own/ To"]);
    check(
        "provider [a] = kiwi\nprovider [b] = plum\nauth_passwd = t\nkey_to [b] = own\nauth_user = u",
        &[
            "a:https://kiwi.example/ kiwi_to",
            "b:https://plum.example/ own",
        ],
    );
    check(
        "provider = kiwi\nauth_passwd = t\nkey_to [a] = own",
        &["a:https://kiwi.example/ own"],
    );
}

#[test]
fn index_selects() {
    fn check(lines: &str, index: Option<&str>, expected: Result<&str, &str>) {
        let config = config(&format!("[websms]\n{lines}\n"));
        let selected = config.outgoing(index.map(str::as_bytes));
        let selected = selected.map(|outgoing| outgoing.account.path.as_str());
        let selected = selected.map_err(|error| error.to_string());
        assert_eq!(
            selected,
            expected.map_err(str::to_string),
            "{lines} {index:?}"
        );
    }
    let two = "path [a] = /a\npath [b] = /b";
    check(two, Some("a"), Ok("/a"));
    check(two, Some("b"), Ok("/b"));
    check(two, None, Err("no interface is given, there are: a, b"));
    check(two, Some(""), Err("no interface is given, there are: a, b"));
    check(
        two,
        Some("c"),
        Err("no interface of that name, there are: a, b"),
    );
    check(
        two,
        Some("A"),
        Err("no interface of that name, there are: a, b"),
    );
    check(
        "path [a] = /a",
        None,
        Err("no interface is given, there are: a"),
    );
    check("path [a] = /a", Some("a"), Ok("/a"));
    check("path[] = /a\npath[] = /b", Some("1"), Ok("/b"));
    check(
        "path[] = /a\npath[] = /b",
        Some("01"),
        Err("no interface of that name, there are: 0, 1"),
    );
    check("path = /p", None, Ok("/p"));
    check(
        "path = /p",
        Some(" Bob"),
        Err(
            "an INDEX is given, but the configuration has no indices; is the text quoted, and does \
             every option stand before TO?",
        ),
    );
    check("path = /p", Some(""), Ok("/p"));
}

#[test]
fn indices_that_cannot_be() {
    let long = "i".repeat(64);
    assert_eq!(
        config(&format!("[websms]\nhost [{long}] = https://h\n")).outgoing[0]
            .account
            .interface,
        long
    );
    check_fault(
        &format!("[websms]\nhost [{long}i] = https://h\n"),
        2,
        "65 bytes, limit 64",
    );
    check_fault(
        "[websms]\nhost [a\tb] = https://h\n",
        2,
        "control character",
    );
}

#[test]
fn fallbacks() {
    fn check(lines: &str, expected: &[Option<&str>]) {
        let config = config(&format!("[websms]\nhost = https://h\n{lines}\n"));
        let list: Vec<_> = config
            .outgoing
            .iter()
            .map(|o| o.fallback.as_deref())
            .collect();
        assert_eq!(list, expected, "{lines}");
    }
    check("", &[None]);
    check("fallback [a] = b\npath [b] = /", &[Some("b"), None]);
    check(
        "fallback [a] = b\nfallback [b] = c\npath [c] = /",
        &[Some("b"), Some("c"), None],
    );
    check(
        "path[a] = /\npath[b] = /\npath[c] = /\nfallback = c",
        &[Some("c"), Some("c"), None],
    );
    check_fault("[websms]\nfallback = b\n", 2, "there is not");
    check_fault(
        "[websms]\nhost [a] = https://h\nfallback [a] = c\n",
        3,
        "there is not",
    );
    check_fault(
        "[websms]\nhost [a] = https://h\nfallback [a] = a\n",
        3,
        "back to it",
    );
    let two = notes(
        "[websms]\nhost = https://h\nfallback[a] = b\nfallback[b] = a\n",
        Severity::Fault,
    );
    assert_eq!(
        two.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
        [3, 4]
    );
    // An interface that leads into a circle is not on it.
    let lead = notes(
        "[websms]\nhost = https://h\nfallback[a] = b\nfallback[b] = c\nfallback[c] = b\n",
        Severity::Fault,
    );
    assert_eq!(
        lead.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
        [4, 5]
    );
}

// ---- Interfaces, in -------------------------------------------------------------------------

#[test]
fn inbound_interfaces() {
    fn check(lines: &str, expected: &[&str]) {
        let config = config(&format!("[websmsd]\n{lines}\n"));
        let show = |interface: &Interface| {
            let Interface {
                name,
                gate,
                webhook,
                polled: _,
            } = interface;
            let permit = gate.permit.as_deref().map_or("all".into(), show_cidrs);
            let paths = gate
                .paths
                .as_deref()
                .map_or(b"all".to_vec(), |p| p.join(&b' '));
            let to = webhook.key_to.as_bytes();
            let [paths, to] = [&paths, to].map(|it| String::from_utf8_lossy(it));
            format!("{name}:{permit} {paths} {to}")
        };
        let list: Vec<String> = config.rules.interfaces.iter().map(show).collect();
        assert_eq!(list, expected, "{lines}");
    }
    check("", &[":all all To"]);
    check(
        "permit_addr = 1.1.1.1\nurl_path = /p",
        &[":1.1.1.1/128 /p To"],
    );
    check(
        "permit_addr [b] = 1.1.1.1\npermit_addr [a] = 2.2.2.2\nurl_path = /p\nkey_to [a] = ta",
        &["b:1.1.1.1/128 /p To", "a:2.2.2.2/128 /p ta"],
    );
    // If permit_addr has indices, only those count, whatever url_path has.
    check(
        "url_path [c] = /c\nurl_path [a] = /a\npermit_addr [a] = 1.1.1.1\npermit_addr [b] = 2.2.2.2",
        &["a:1.1.1.1/128 /a To", "b:2.2.2.2/128 all To"],
    );
    check(
        "url_path [x] = /x\nurl_path [y] = /y\npermit_addr = 1.1.1.1",
        &["x:1.1.1.1/128 /x To", "y:1.1.1.1/128 /y To"],
    );
    check(
        "url_path [] = /x\nurl_path [] = /y",
        &["0:all /x To", "1:all /y To"],
    );
    check("key_to [a] = ta", &[":all all To"]);
    check("provider = kiwi", &[":192.0.2.0/120 /kiwi kiwi_in"]);
    check("provider = kiwi\npermit_addr =", &[":nobody /kiwi kiwi_in"]);
    check(
        "url_path [a] = /a\nurl_path [b] = /b\nprovider [a] = kiwi\nprovider [b] = plum",
        &["a:192.0.2.0/120 /a kiwi_in", "b:all /b plum_in"],
    );
}

#[test]
fn indices_of_no_interface() {
    let two = "[websmsd]\npermit_addr [a] = 1.1.1.1\nproxy_addr =\n";
    check_warning(
        &format!("{two}key_to [A] = x\n"),
        4,
        "belongs to no interface",
    );
    check_warning(
        &format!("{two}url_path [b] = /b\n"),
        4,
        "belongs to no interface",
    );
    check_warning("[websmsd]\nkey_to [a] = x\n", 2, "belongs to no interface");
    check_fault(
        &format!("{two}auth_method [b] = none\n"),
        4,
        "belongs to no interface",
    );
    check_fault(
        &format!("{two}auth_secret [b] = x\n"),
        4,
        "auth_secret [b] belongs",
    );
    check_fault(
        &format!("{two}provider [b] = plum\n"),
        4,
        "belongs to no interface",
    );
    check_silence(&format!("{two}key_to [a] = x\n"), "belongs to no interface");
}

// ---- Credentials ----------------------------------------------------------------------------

#[test]
fn outbound_credentials() {
    fn check(lines: &str, expected: Result<&str, (u32, &str)>) {
        let text = format!("[websms]\nhost = https://h\n{lines}\n");
        match expected {
            Ok(expected) => {
                let config = config(&text);
                assert_eq!(
                    show_auth(&config.outgoing[0].account.auth),
                    expected,
                    "{lines}"
                );
            }
            Err((line, words)) => check_fault(&text, line, words),
        }
    }
    check("", Ok("basic  "));
    check("auth_user =\nauth_passwd =", Ok("basic  "));
    check("auth_user = u\nauth_passwd = p", Ok("basic u p"));
    check("auth_user = u\nauth_secret = p", Ok("basic u p"));
    check("auth_user = u", Err((3, "without an auth_passwd")));
    check("auth_passwd = p", Err((3, "without an auth_user")));
    check(
        "auth_user = u\nauth_passwd =",
        Err((3, "without an auth_passwd")),
    );
    check("auth_method = none\nauth_user = u", Ok("none"));
    check("auth_method =\nauth_user = u", Ok("none"));
    check("auth_method = bearer", Err((3, "needs auth_passwd")));
    check(
        "auth_method = bearer\nauth_user = u",
        Err((3, "needs auth_passwd")),
    );
    check(
        "auth_method = bearer\nauth_passwd = \"a\nb\"",
        Err((4, "HTTP header")),
    );
    check(
        "auth_method = header\nauth_user = X-Key",
        Err((3, "needs auth_user")),
    );
    check(
        "auth_method = header\nauth_passwd = p",
        Err((3, "needs auth_user")),
    );
    check(
        "auth_method = header\nauth_user = \"X Key\"\nauth_passwd = p",
        Err((4, "no header name")),
    );
    check(
        "auth_method = header\nauth_user = Host\nauth_passwd = p",
        Err((4, "belongs to the connection")),
    );
    check(
        "auth_method = header\nauth_user = X-Key\nauth_passwd = \"p\nq\"",
        Err((5, "HTTP header")),
    );
    check(
        "auth_method = header\nauth_user = X-Key\nauth_passwd = p",
        Ok("header X-Key: p"),
    );
    check("auth_method = zadarma", Err((3, "needs auth_user")));
    check(
        "auth_method = zadarma\nauth_user = u",
        Err((3, "needs auth_user")),
    );
    check(
        "auth_method = zadarma\nauth_passwd = p",
        Err((3, "needs auth_user")),
    );
    check(
        "auth_method = zadarma\nauth_user = \"u\nv\"\nauth_passwd = p",
        Err((4, "HTTP header")),
    );
    check(
        "auth_method = zadarma\nauth_user = u\nauth_passwd = p\nformat = json",
        Err((3, "needs format form or query")),
    );
    check("auth_method = plain", Err((3, "key_secret")));
    check(
        "auth_method = plain\nauth_user = u\nauth_passwd = p",
        Err((3, "key_secret")),
    );
    check(
        "auth_method = plain\nkey_secret = k\nauth_passwd = p",
        Ok("plain = k=p"),
    );
    check(
        "auth_method = plain\nkey_secret = k\nauth_passwd = p\nauth_user = u",
        Err((3, "key_user")),
    );
    check(
        "auth_method = plain\nkey_secret = k\nauth_passwd = p\nkey_user = l",
        Err((3, "key_user")),
    );
    check("auth_method = basci", Err((3, "nearest is \"basic\"")));
    check(
        "format = json\nkey_to = \"a[\"",
        Err((3, "makes no request")),
    );
    let text = "format = json\nlong_bytes = 160\nlong_static";
    check(
        &format!("{text} = 'Body.a=1'"),
        Err((3, "makes no request")),
    );
    check(&format!("{text} = 'Body2.a=1'"), Ok("basic  "));
}

/// Returns the credentials of the first inbound interface.
fn credentials(text: &str) -> Credentials {
    config(text).rules.interfaces[0].gate.credentials.clone()
}

#[test]
fn what_is_for_long_texts_alone_needs_long_bytes() {
    let words = "is for texts of more than long_bytes";
    for key in ["long_static = 'a=1'", "long_key_message_id = mms"] {
        check_warning(&format!("[websms]\n{key}\n"), 2, words);
        check_silence(&format!("[websms]\n{key}\nlong_bytes = 9\n"), words);
        check_silence(&format!("[websms]\n{key}\nlong_bytes =\n"), words);
    }
}

#[test]
fn inbound_credentials() {
    fn check(lines: &str, expected: Result<[&str; 3], (u32, &str)>) {
        let text = format!("[websmsd]\n{lines}\n");
        match expected {
            Ok([scheme, user, secret]) => {
                let found = credentials(&text);
                assert_eq!(found.scheme.name, scheme, "{lines}");
                assert_eq!(found.user, user.as_bytes(), "{lines}");
                assert_eq!(found.secret, secret.as_bytes(), "{lines}");
            }
            Err((line, words)) => check_fault(&text, line, words),
        }
    }
    check("auth_user = u\nauth_passwd = p", Ok(["none", "", ""]));
    check(
        "auth_method = basic\nauth_user = u\nauth_secret = p",
        Ok(["basic", "u", "p"]),
    );
    check("auth_method = basic", Err((2, "needs auth_user")));
    check(
        "auth_method = basic\nauth_user = u",
        Err((2, "needs auth_user")),
    );
    check(
        "auth_method = basic\nauth_passwd = p",
        Err((2, "needs auth_user")),
    );
    check("auth_method = bearer", Err((2, "needs auth_passwd")));
    check(
        "auth_method = bearer\nauth_passwd =",
        Err((2, "needs auth_passwd")),
    );
    check(
        "auth_method = barer\nauth_passwd = x",
        Err((2, "nearest is \"bearer\"")),
    );
    let check_faults = |method: &str, what: &str, more: &str| {
        let text = format!("auth_method = {method}\n{more}");
        check(&text, Err((2, what)));
    };
    check_faults(
        "plivo-v2",
        "covers neither query nor body",
        "auth_passwd = p",
    );
    for scheme in SCHEMES {
        let name = scheme.name;
        match scheme.needs {
            Needs::Nothing | Needs::UserAndPasswd | Needs::Refused(_) => continue,
            Needs::Passwd(what) | Needs::Decoded(what, _) | Needs::PasswdAndHash(what, _) => {
                check_faults(
                    name,
                    &format!("is {name} and needs auth_passwd, {what}"),
                    "",
                );
                check_faults(name, "needs auth_passwd", "auth_user = u\nauth_passwd =");
            }
        }
        if scheme.covers == Covers::Url {
            check_faults(name, "give public_url", "auth_passwd = p");
            let bad = format!("auth_method = {name}\nauth_passwd = p\npublic_url = pbx");
            check(&bad, Err((4, "is no URL")));
        }
    }
    check(
        "auth_method = telnyx\nauth_passwd = p",
        Err((3, "is no public key")),
    );
    check(
        "auth_method = telesign\nauth_passwd = \"p!\"",
        Err((3, "is no base64")),
    );
    for method in ["messagebird", "gatewayapi", "vonage-jwt"] {
        let text = format!(
            "auth_method = {method}\nauth_passwd = p\nauth_hash = md5\npublic_url = https://h"
        );
        check(&text, Err((4, "of: sha256, sha384, sha512")));
    }
}

#[test]
fn inbound_signatures() {
    fn check(lines: &str, name: &str, secret: &[u8], hash: Hash) {
        let text = format!("[websmsd]\nauth_passwd = \"cHc=\"\npublic_url = https://h\n{lines}\n");
        let found = credentials(&text);
        assert_eq!(found.scheme.name, name, "{lines}");
        assert_eq!(found.secret, secret, "{lines}");
        assert_eq!(found.hash, hash, "{lines}");
    }
    for scheme in SCHEMES {
        let name = scheme.name;
        let lines = format!("auth_method = {name}");
        match scheme.needs {
            Needs::Passwd(_) => check(&lines, name, b"cHc=", Hash::Sha256),
            Needs::PasswdAndHash(_, words) => {
                check(&lines, name, b"cHc=", Hash::Sha256);
                for (word, hash) in words {
                    let lines = format!("{lines}\nauth_hash = {word}");
                    check(&lines, name, b"cHc=", *hash);
                }
            }
            Needs::Nothing | Needs::UserAndPasswd | Needs::Decoded(..) | Needs::Refused(_) => {}
        }
    }
    let mut key = [7; 32];
    key[31] = 8;
    let passwd = BASE64_STANDARD.encode(key);
    let telnyx = format!("auth_method = telnyx\nauth_passwd = \"{passwd}\"");
    check(&telnyx, "telnyx", &key, Hash::Sha256);
    check("auth_method = telesign", "telesign", b"pw", Hash::Sha256);
}

// ---- Unknown names --------------------------------------------------------------------------

#[test]
fn unknown_keys_and_sections() {
    check_warning("[websms]\nhots = x\n", 2, "nearest: host");
    check_warning("[websms]\npassword = x\n", 2, "nearest: auth_passwd");
    check_warning("[websms]\nwaittime = 1\n", 2, "belongs below [astqueue]");
    check_warning("[websmsd]\nlistn = x\n", 2, "nearest: listen");
    check_warning("[websmsd]\nlistn [a] = x\n", 2, "nearest: listen");
    check_warning("[websmsd]\ntimeout = 1\n", 2, "belongs below [websms]");
    check_warning("[astqueue]\nstaging_dir = x\n", 2, "nearest: stagingdir");
    check_warning("[queue]\nretries = x\n", 2, "nearest: retry");
    check_warning(
        "[websms]\n[websmd]\nreport_success = x\n",
        2,
        "nearest: [websmsd]",
    );
    check_warning("[0]\na = x\n", 1, "\"0\" is not known");
    check_warning("websms = x\n", 1, "before the first section");
}

#[test]
fn so_many_pauses_and_no_more() {
    let pauses = |count: usize| {
        let list = vec!["1s"; count].join(",");
        format!("[websmsd]\npermit_addr = 127.0.0.1\n[queue]\nretry = \"{list}\"\n")
    };
    let most = config(&pauses(RETRY_PAUSES_MAX));
    assert_eq!(most.queue.retry.len(), RETRY_PAUSES_MAX);
    check_fault(
        &pauses(RETRY_PAUSES_MAX + 1),
        4,
        "has 33 pauses; give 1 to 32",
    );
}

#[test]
fn words_that_have_become_something_else_are_told() {
    let is_1 = "is 1: that is what this word means";
    check_warning("[websms]\nkey_body = yes\n", 2, &format!("key_body {is_1}"));
    check_warning(
        "[websms]\nauth_user [a] = u\nauth_passwd [a] = On\n",
        3,
        is_1,
    );
    check_warning("[websms]\ntimeout = true\n", 2, is_1);
    check_warning(
        "[websmsd]\nresp_ack = yes\n",
        2,
        &format!("resp_ack {is_1}"),
    );
    check_warning(
        "[websms]\nhost = http://[::1]\nauth_method = none\nauth_user = none\n",
        4,
        "auth_user is empty: that is what this word means",
    );
    for meant in [
        "[websms]\ntls_verify = on\n[queue]\nfirst = yes\n",
        "[websms]\nkey_body = \"yes\"\nauth_user = \"\"\n",
        "[websms]\nkey_from = none\nauth_method = none\n",
        "[websms]\ntimeout = 1\n",
    ] {
        check_silence(meant, "this word means");
    }
    check_fault(
        "[websmsd]\npermit_adr = 1.2.3.4\n",
        2,
        "nearest: permit_addr",
    );
    check_fault(
        "[websmsd]\nPermit_Addr = 1.2.3.4\n",
        2,
        "nearest: permit_addr",
    );
    check_fault("[websmsd]\npermit = 1.2.3.4\n", 2, "nearest: permit_addr");
    check_fault(
        "[websmsd]\nremote_addr = 1.2.3.4\n",
        2,
        "nearest: remt_addr",
    );
    check_fault("[websmsd]\nauth_metod = basic\n", 2, "nearest: auth_method");
    check_fault("[websmsd]\nauth_pass = x\n", 2, "nearest: auth_passwd");
    check_fault("[websmsd]\nproxy-addr = x\n", 2, "nearest: proxy_addr");
    check_fault("[websmsd]\nproxy_hdr = x\n", 2, "nearest: proxy_addr");
    check_fault("[websmsd]\nurlpath = /x\n", 2, "nearest: url_path");
    check_fault("[websmsd]\npath = /x\n", 2, "nearest: url_path");
    // In the other sections such a name opens no door.
    check_warning("[websms]\nauth_metod = basic\n", 2, "nearest: auth_method");
    check_warning(
        "[websmsd]\n#permit_addr = 1.2.3.4\n",
        2,
        "a comment begins with ;",
    );
}

#[test]
fn every_typo_of_a_guard_is_a_fault() {
    for key in KEYS.iter().filter(|key| guards(key.section, key.name)) {
        for i in 0..key.name.len() {
            let mut typo = key.name.to_string();
            typo.remove(i);
            let faults = notes(&format!("[websmsd]\n{typo} = x\n"), Severity::Fault);
            assert!(!faults.is_empty(), "{typo}");
        }
    }
}

#[test]
fn what_counts_needs_a_folder() {
    check_fault(
        "[websms]\nrate = 20/min\n[queue]\ndir =\n",
        2,
        "rate counts SMS in [queue] dir",
    );
    check_fault(
        "[queue]\ndir =\n[websms]\nlimit [a] = 5/day\n",
        4,
        "limit counts SMS",
    );
    assert_eq!(
        notes("[websms]\nrate =\n[queue]\ndir =\n", Severity::Fault),
        []
    );
    assert_eq!(notes("[websms]\nlimit = 5/day\n", Severity::Fault), []);
}

// ---- Warnings -------------------------------------------------------------------------------

#[test]
fn doors_that_stand_open() {
    check_warning("[websmsd]\n", 1, "anyone can deliver SMS");
    check_warning("", 0, "anyone can deliver SMS");
    let of_a = "[websmsd] [a] neither permit_addr nor auth_method is set";
    check_warning("[websmsd]\nurl_path [a] = /a\n", 1, of_a);
    check_silence(
        "[websmsd]\npermit_addr = 1.2.3.x\n",
        "anyone can deliver SMS",
    );
    check_silence(
        "[websmsd]\npermit_addr = 1.2.3.4\n",
        "anyone can deliver SMS",
    );
    check_silence("[websmsd]\npermit_addr =\n", "anyone can deliver SMS");
    check_silence(
        "[websmsd]\nauth_method = bearer\nauth_passwd = x\n",
        "anyone can deliver SMS",
    );
    check_warning(
        "[websmsd]\nauth_method = none\n",
        1,
        "anyone can deliver SMS",
    );

    check_warning(
        "[websmsd]\npermit_addr = 1.2.3.4\n",
        2,
        "without a proxy_addr",
    );
    check_warning(
        "[websmsd]\npermit_addr [a] = 1.2.3.4\n",
        2,
        "without a proxy_addr",
    );
    check_silence(
        "[websmsd]\npermit_addr = 1.2.3.4\nproxy_addr =\n",
        "without a proxy_addr",
    );
    check_silence(
        "[websmsd]\npermit_addr = 1.2.3.4\nprox_addr = 10.0.0.1\n",
        "without a proxy_addr",
    );
    check_silence("[websmsd]\n", "without a proxy_addr");

    let status = |more: &str| format!("[websmsd]\nstatus_path = /status\n{more}");
    check_warning(
        &status("status_addr = 10.0.0.1\n"),
        3,
        "status_addr stands without a proxy_addr",
    );
    check_silence(
        &status("status_addr = 10.0.0.1\nproxy_addr =\n"),
        "without a proxy_addr",
    );
    check_silence(&status(""), "without a proxy_addr");

    check_warning("[astqueue]\nfilemode = 0666\n", 2, "everybody write");
    check_silence("[astqueue]\nfilemode = 0664\n", "everybody write");
}

#[test]
fn a_status_page_wants_a_path_of_its_own() {
    let taken = "the status page has it";
    let status = "[websmsd]\nstatus_path = /status\n";
    for paths in [
        "url_path = /status",
        "url_path = \"/sms,/status?a=b\"",
        "url_path [a] = /sms\nurl_path [b] = /status",
    ] {
        check_warning(&format!("{status}{paths}\n"), 2, taken);
    }
    for paths in ["", "url_path =", "url_path = \"/sms,/status/,/status2\""] {
        check_silence(&format!("{status}{paths}\n"), taken);
    }
    let useless = "so there is no status page";
    check_warning("[websmsd]\nstatus_addr = 10.0.0.1\n", 2, useless);
    check_silence(
        "[websmsd]\nstatus_path =\nstatus_addr = 10.0.0.1\n",
        useless,
    );
}

#[test]
fn secrets_on_the_way() {
    let creds = "auth_user = u\nauth_passwd = p\n";
    let over = |host: &str| format!("[websms]\nhost = {host}\n{creds}");
    check_warning(&over("http://api.example.com"), 2, "over http://");
    check_warning(&over("http://10.0.0.1:8080"), 2, "over http://");
    check_silence(&over("https://api.example.com"), "over http://");
    check_silence(&over("api.example.com"), "over http://");
    check_silence(&over("http://localhost:8080"), "over http://");
    check_silence(&over("http://127.1.2.3"), "over http://");
    check_silence(&over("http://[::1]:80"), "over http://");
    check_warning(&over("http://localhost.example.com"), 2, "over http://");
    check_silence("[websms]\nhost = http://api.example.com\n", "over http://");
    let with =
        |more: &str| format!("[websms]\nhost = http://a.example\nauth_method = none\n{more}\n");
    let filled = "auth_passwd = x\n";
    for more in [
        "path = \"/send?api_key=abc\"",
        "path = \"/send?to={to}&PASSWD=abc\"",
        &format!("{filled}path = \"/{{auth_passwd}}/send\""),
        &format!("{filled}unicode_static = \"a={{auth_passwd}}\""),
        "unicode_static = \"token=abc\"",
        "long_bytes = 160\nlong_static = \"token=abc\"",
    ] {
        check_warning(&with(more), 2, "over http://");
    }
    for more in [
        "path = \"/key/send?to=1&a=key\"",
        "unicode_static = \"type=unicode\"",
    ] {
        check_silence(&with(more), "over http://");
    }
    check_warning(
        "[websms]\nhost = http://h\nheaders = \"X-Api-Key: 1\"\n",
        2,
        "over http://",
    );
    check_warning(
        "[websms]\nhost = http://h\nval_static = \"token=1\"\n",
        2,
        "over http://",
    );
    check_silence(
        "[websms]\nhost = http://h\nval_static = \"lang=en\"\n",
        "over http://",
    );

    check_warning("[websms]\ntls_verify = no\n", 2, "tls_verify is off");
    check_silence("[websms]\ntls_verify = yes\n", "tls_verify");
}

#[test]
fn other_warnings() {
    check_warning(
        "[websms]\nnumber_format = E165\n",
        2,
        "number_format has a value",
    );
    check_warning(
        "[websms]\nval_unicode = UCS2\n",
        2,
        "val_unicode is neither",
    );
    check_warning(
        "[websms]\nhost = https://h\npath = sms\n",
        3,
        "begin it with /",
    );
    check_silence(
        "[websms]\nhost = https://h/\npath = sms\n",
        "begin it with /",
    );
    check_silence(
        "[websms]\nhost = https://h\npath = \"?a=b\"\n",
        "begin it with /",
    );
    check_warning("[websms]\nhost = https://h\n[websms]\npath = /x\n", 3, "");
    check_warning("[websms]\npath [a] = /x\n", 1, "this machine itself");
    check_silence(
        "[websms]\npath [a] = /x\nprovider = plum\n",
        "this machine itself",
    );
    check_warning(
        "[websms]\nauth_user = u\nauth_passwd = p\nheaders = \"authorization: x\"\n",
        4,
        "auth_method sets too",
    );
    check_silence(
        "[websms]\nheaders = \"Authorization: App x\"\n",
        "auth_method sets too",
    );
}

#[test]
fn call_file_lines() {
    fn check(key: &str, bytes_max: usize) {
        let text = |bytes: usize| format!("[astqueue]\n{key} = {}\n", "x".repeat(bytes));
        for bytes in [bytes_max - 1, bytes_max] {
            assert_eq!(notes(&text(bytes), Severity::Fault), [], "{key} {bytes}");
        }
        check_fault(&text(bytes_max + 1), 2, "cut or skip");
    }
    // These are the 1022 bytes of a line without its own text, and without the 64 of the number.
    check("channel_context", 1022 - "Channel: Local/@".len() - 64);
    check("context", 1022 - "Context: ".len());
    check("account", 1022 - "Account: ".len());
    check("application", 1022 - "Application: ".len());
    check("data", 1022 - "Data: ".len());
}

// ---- The whole file -------------------------------------------------------------------------

#[test]
fn what_is_no_configuration() {
    check_fault("[websms\n", 1, "");
    let fill = |bytes: usize| format!(";{}", "x".repeat(bytes.checked_sub(2).unwrap())) + "\n";
    for bytes in [CONFIG_BYTES_MAX - 1, CONFIG_BYTES_MAX] {
        assert!(read_text(&fill(bytes)).config.is_some());
    }
    check_fault(&fill(CONFIG_BYTES_MAX + 1), 0, "limit 262144");
}

#[test]
fn remarks_come_in_file_order_and_once() {
    let text = "[websms]\ntimeout = x\nhost [a] = https://a\nhost [b] = https://b\nfoo = 1\nformat = x\n[queue]\nmax = 0\n";
    let reading = read_text(text);
    let faults: Vec<u32> = notes(text, Severity::Fault)
        .iter()
        .map(|(line, _)| *line)
        .collect();
    assert_eq!(faults, [2, 6, 8]);
    assert!(reading.notes.is_sorted_by_key(|note| note.line));
}

#[test]
fn no_remark_holds_a_secret() {
    let secret = "Hunter2Secret";
    let lines = [
        "auth_method = S",
        "auth_user = S",
        "auth_passwd = S",
        "auth_method = header\nauth_user = \"S S\"\nauth_passwd = \"S\nS\"",
        "auth_method = bearer\nauth_passwd = \"S\nS\"",
        "host = https://u:S@h",
        "host = \"https://S S\"",
        "path = \"/S S\"",
        "headers = S",
        "headers = \"S S: 1\"",
        "headers = \"X: S\nS\"",
        "val_static = S",
        "response_check = S",
        "response_check = \"/S(/\"",
        "proxy = \"http://u:S@h/S\"",
        "proxy = \"S S\"",
        "fallback = S",
        "provider = S",
        "charset = S",
        "number_format = S",
        "format = S",
        "auth_passwd_S_ = S",
    ];
    for line in lines {
        for section in ["websms", "websmsd"] {
            let text = format!("[{section}]\n{}\n", line.replace('S', secret));
            for note in read_text(&text).notes {
                let named = note.text.replace("\"auth_passwd_Hunter2Secret_\"", "");
                assert!(!named.contains(secret), "{text}\n{}", note.text);
            }
        }
    }
}

#[test]
fn a_provider_is_known_by_other_names_too() {
    let check = |name: &str, expected: &str| {
        let text = format!("[websms]\nprovider = {name}\n");
        let notes = read(text.as_bytes(), &|_| None).notes;
        let fault =
            format!("provider names a preset that there is not; the nearest is \"{expected}\"");
        assert!(
            notes.iter().any(|note| note.text.ends_with(&fault)),
            "{notes:?}"
        );
    };
    check("nexmo", "vonage");
    check("Nexmo", "vonage");
    check("thinq", "commio");
    check("bird", "messagebird");
    check("bird.com", "messagebird");
    check("clicksend.com", "clicksend");
    check("voip.ms", "voipms");
    check("twillio", "twilio");
}

// ---- Polling ---------------------------------------------------------------------------------

const POLL: &str = "poll_path = /m\npoll_id = id";

#[test]
fn interfaces_that_are_asked() {
    /// Checks, for each interface: its name, which interface of `[websms]` polls for it if any, and who may
    /// deliver.
    fn check(lines: &str, expected: &[&str]) {
        let config = read(lines.as_bytes(), &|_| None).config.unwrap();
        let show = |interface: &Interface| {
            let poll = config
                .polls
                .iter()
                .find(|it| it.interface == interface.name);
            let by = poll.map_or("-".to_owned(), |it| format!("by \"{}\"", it.outgoing));
            assert_eq!(interface.polled.is_some(), poll.is_some());
            let permit = interface.gate.permit.as_deref();
            let permit = permit.map_or("all".into(), show_cidrs);
            format!("{} {by} {permit}", interface.name)
        };
        let shown: Vec<String> = config.rules.interfaces.iter().map(show).collect();
        assert_eq!(shown, expected, "{lines}");
    }
    let one = |lines: &str, expected: &[&str]| {
        check(&format!("[websmsd]\n{POLL}\n{lines}\n"), expected);
    };
    one("", &[" - all"]);
    one("poll = 60s", &[" by \"\" nobody"]);
    one(
        "poll = 60s\npermit_addr = 192.0.2.1",
        &[" by \"\" 192.0.2.1/128"],
    );
    one("poll = 60s\nurl_path = /x", &[" by \"\" all"]);
    one(
        "poll = 60s\nauth_method = bearer\nauth_passwd = x",
        &[" by \"\" all"],
    );
    // An index of poll makes an interface, even for an interface of [websms] without an index.
    one("poll [a] = 60s", &["a by \"\" nobody"]);
    one(
        "poll [a] = 60s\npoll [b] = 2m",
        &["a by \"\" nobody", "b by \"\" nobody"],
    );
    one(
        "permit_addr [a] = 192.0.2.1\npoll [b] = 60s",
        &["a - 192.0.2.1/128", "b by \"\" nobody"],
    );
    // If other interfaces have paths of their own, a polled one does not take all of theirs.
    one(
        "permit_addr = 192.0.2.1\nurl_path [a] = /a\npoll [b] = 60s",
        &["a - 192.0.2.1/128", "b by \"\" nobody"],
    );
    one(
        "poll = 60s\npermit_addr [a] = 192.0.2.1\npermit_addr [b] = 192.0.2.2",
        &["a by \"\" 192.0.2.1/128", "b by \"\" 192.0.2.2/128"],
    );
    check(
        &format!(
            "[websms]\nhost [a] = https://a\nhost [b] = https://b\n[websmsd]\n{POLL}\npoll [b] = 60s\n"
        ),
        &["b by \"b\" nobody"],
    );
    // A preset's auth_method does not count without a secret in the file.
    let twilio = "[websms]\nprovider = twilio\nauth_user = u\nauth_passwd = p\n[websmsd]\nprovider = twilio\npoll = 60s\n";
    check(twilio, &[" by \"\" nobody"]);
    check(
        &format!("{twilio}auth_passwd = p\npublic_url = https://h\n"),
        &[" by \"\" all"],
    );
}

#[test]
fn polls_that_cannot_be() {
    fn check(lines: &str, words: &str) {
        let reading = read(lines.as_bytes(), &|_| None);
        let faults: Vec<&Note> = reading
            .notes
            .iter()
            .filter(|note| note.severity == Severity::Fault)
            .collect();
        let says = |note: &&Note| note.text.contains(words);
        assert!(faults.iter().any(says), "{lines}\n{:?}", reading.notes);
    }
    let poll = format!("[websmsd]\npoll = 60s\n{POLL}\n");
    check(
        &format!("{poll}[queue]\ndir =\n"),
        "poll remembers in [queue] dir",
    );
    check(
        "[websmsd]\npoll = 60s\npoll_id = id\n",
        "poll_path is not given",
    );
    check(
        "[websmsd]\npoll = 60s\npoll_path = /m\n",
        "poll_id is not given",
    );
    check(
        &format!("[websms]\nhost [a] = https://a\n{poll}"),
        "poll asks the provider of [websms]",
    );
    check(
        &format!("{poll}poll_path = '/{{account}}/m'\n"),
        "[websms] gives no account",
    );
    check(
        &format!("{poll}poll_done = '/{{auth_user}}'\n"),
        "[websms] gives no auth_user",
    );
    check(
        &format!("{poll}poll_path = '/m?a={{next}}'\n"),
        "poll_path has {next} in it",
    );
    check(&format!("{poll}poll_page = next\n"), "is neither 0 nor 1");
    check(&format!("{poll}poll_from =\n"), "poll_from is empty");
    check("[websmsd]\npoll = 9s\n", "is shorter than 10s");
    for name in ["sipgate", "textmagic", "android-sms-gateway"] {
        let lines = format!("[websmsd]\nprovider = {name}\n");
        check(&lines, "received by asking for them alone; give poll");
    }
    // A list that is consumed needs no id, and a list of one number needs no place for the number.
    let reading = read_text("[websmsd]\npoll = 60s\npoll_path = /m\npoll_consumes = yes\n");
    assert!(reading.config.is_some(), "{:?}", reading.notes);
    let reading = read_text(&format!("{poll}own_numbers = +12025550160\npoll_to =\n"));
    assert!(reading.config.is_some(), "{:?}", reading.notes);
}

#[test]
fn a_preset_must_have_something_for_its_section() {
    for name in ["ovh", "telesign"] {
        let wanted = format!("the preset \"{name}\" has nothing for [websmsd]");
        for keys in [
            format!("[websmsd]\nprovider = {name}\n"),
            format!("[websms]\nprovider = {name}\n[websmsd]\nprovider = {name}\n"),
            format!("[websmsd]\nprovider [a] = {name}\npermit_addr [a] = 192.0.2.1\n"),
        ] {
            let reading = read(keys.as_bytes(), &|_| None);
            assert!(reading.config.is_none(), "{keys}");
            let says = |note: &Note| note.text.contains(&wanted);
            assert!(reading.notes.iter().any(says), "{keys} {:?}", reading.notes);
        }
    }
    let both = "[websms]\nprovider = telesign\nauth_user = u\nauth_passwd = p\n";
    assert!(read(both.as_bytes(), &|_| None).config.is_some());
}

#[test]
fn every_place_of_a_preset_is_a_path() {
    for (name, _) in providers::PRESETS {
        let text = format!("[websmsd]\nprovider = {name}\n");
        for note in read(text.as_bytes(), &|_| None).notes {
            assert!(!note.text.contains("is no path"), "{name}: {}", note.text);
        }
    }
    let wrong = "[websmsd]\nkey_media = 'a[.b'\n";
    check_warning(wrong, 2, "is no path");
    check_silence("[websmsd]\nkey_media = 'MediaUrl*'\n", "is no path");
    check_silence("[websmsd]\nkey_to = 'a[].b'\n", "is no path");
    check_warning("[websmsd]\nkey_from = 'a[].b'\n", 2, "is no path");
}

#[test]
fn every_preset_is_read_without_a_remark() {
    for (name, text) in providers::PRESETS {
        let tree = ini::parse(text.as_bytes(), &|_| None).unwrap();
        assert_eq!(tree.surprises, [], "{name}");
        let mut notes = Notes::default();
        let tables = lookup::tables(&tree, &mut notes);
        super::slips::check(&tables, &tree, &mut notes);
        assert_eq!(notes.finish(), [], "{name}");
    }
}

#[test]
fn the_packaged_sample_is_usable() {
    let sample = include_bytes!("../../../packaging/websms.conf");
    let reading = read(sample, &|_| None);
    // The remarks name only the settings that an operator has to fill in.
    let told = reading.notes.iter().map(|note| note.text.as_str());
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "[websms] host is still the sample's api.example.com: put in your own",
            "[websms] auth_user is still the sample's user: put in your own",
            "[websms] auth_passwd is still the sample's passwd: put in your own",
            "[websmsd] permit_addr is still the sample's 192.0.2.0/24: put in your own",
        ]
    );
    let config = reading.config.unwrap();
    assert_eq!(config.outgoing.len(), 1);
    assert_eq!(config.rules.interfaces.len(), 1);
}

/// Checks that the sample names every key, in the order of the table and in its section, with its default:
/// behind a `;` unless the sample uses it.
#[test]
fn the_packaged_sample_names_every_key() {
    let sample = include_str!("../../../packaging/websms.conf");
    let mut section = "";
    let mut named = Vec::new();
    for line in sample.lines() {
        let line = line.strip_prefix(';').unwrap_or(line);
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            section = name;
        } else if let Some((key, _)) = line.split_once('=')
            && !key.starts_with(' ')
        {
            named.push((section, key.trim_end()));
        }
    }
    let keys: Vec<_> = KEYS
        .iter()
        .map(|key| (key.section.name(), key.name))
        .collect();
    assert_eq!(named, keys);
}
