//! Tests which interfaces a file has, by its indices and by both spellings of a key.

use super::*;

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
