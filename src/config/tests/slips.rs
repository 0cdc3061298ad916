//! Values that are probably not what was meant, each with the remark on it.

use super::*;

#[test]
fn a_line_in_a_quotation_is_a_fault_where_it_would_give_something() {
    check_fault(
        "[websms]\nauth_user = u\nauth_passwd = 'a\nhost = https://h\npath = b'\n",
        3,
        "a quotation that begins here swallows the key host: close",
    );
    check_fault(
        "[websms]\nkey_user [x] = \"/a\n[websmsd]\nx = \"\n",
        2,
        "swallows the section [websmsd]",
    );
    check_fault(
        "[websms]\nval_static = 'a\n  permit_addr [x] = 1\n'\n",
        2,
        "swallows the key permit_addr",
    );
    // Under a key that is not known, too.
    check_fault(
        "[websms]\nnote = 'a\nhost = x'\n",
        2,
        "swallows the key host",
    );
    check_silence(
        "[websmsd]\nreport_success = '<Response>\n</Response>\nthe host\n[x]\nhosts = 1'\n",
        "swallows",
    );
}

/// Before this was a fault, such a file started `websmsd` without its `permit_addr`, open to all.
#[test]
fn no_second_section_takes_a_guard_away() {
    let check = |guard: &str, expected: &str| {
        let file =
            format!("[websmsd]\nkey_to = a\n{guard} = 192.0.2.1\n[queue]\n[websmsd]\nkey_to = b\n");
        check_fault(&file, 3, expected);
    };
    check("permit_addr", "permit_addr does not count here, so a door");
    check("remt_addr", "permit_addr does not count");
    check("permit_addr [a]", "permit_addr does not count");
    check("url_path", "url_path does not count");
    check("auth_method", "auth_method does not count");
    check("proxy_addr", "proxy_addr does not count");
    // A key that the later section gives as well is not lost, and a key that guards nothing may be lost.
    let given = "[websmsd]\npermit_addr = 192.0.2.1\n[websmsd]\nremt_addr = 192.0.2.2\n";
    check_silence(given, "does not count");
    check_warning(given, 3, "the name of this section is given twice");
    check_silence(
        "[websmsd]\nkey_to = a\n[websmsd]\nkey_to = b\n",
        "does not count",
    );
    check_silence(
        "[websms]\nauth_user = a\n[websms]\nauth_user = b\n",
        "does not count",
    );
}

/// Before this was a fault, such a line was ignored with a warning, and the door was open.
#[test]
fn no_guard_stands_without_its_equals_sign() {
    let check = |line: &str| {
        let words = "permit_addr does not count here";
        check_fault(&format!("[websmsd]\n{line}\n"), 2, words);
        check_fault(&format!("[websmsd]\n{line}"), 2, words);
    };
    check("permit_addr 192.0.2.1");
    check("remt_addr: 192.0.2.1");
    check("permit_addr");
    check("permit_addr\t192.0.2.1");
    check_fault(
        "[queue]\npermit_addr 192.0.2.1\n",
        2,
        "permit_addr does not count here",
    );
    let silent = |file: &str| check_silence(file, "does not count");
    silent("[websmsd]\n# permit_addr is a list\n#\n");
    silent("[websmsd]\n; permit_addr 192.0.2.1\n");
    silent("[websmsd]\npermit_addr is a list\npermit_addr = 192.0.2.1\n");
    silent("[websmsd]\nkey_to is permit_addr\n[queue]\nauth_method basic\n");
}

/// Before this was a fault, the other interfaces took requests without the credentials that were asked for.
#[test]
fn no_exception_takes_a_proof_away() {
    let check = |first: &str, second: &str, is_fault: bool| {
        let file = format!(
            "[websmsd]\npermit_addr [a] = 192.0.2.1\npermit_addr [b] = 192.0.2.2\n\
             auth_user = u\nauth_passwd = p\nauth_method {first}\nauth_method {second}\n"
        );
        let words = "auth_method is lost: it has values with an index or one without";
        match is_fault {
            true => check_fault(&file, 6, words),
            false => check_silence(&file, words),
        }
    };
    check("= basic", "[a] = none", true);
    check("= basic", "[a] = bearer", true);
    check("[a] = basic", "= none", true);
    check("= none", "[a] = basic", false);
    check("=", "[a] = basic", false);
    check("[a] = none", "= basic", false);
    check("[a] = basic", "[b] = none", false);
    check("= basic", "= none", false);
}

/// Before this was a fault, a line that was added at the end of a file, below `[queue]`, closed no door.
#[test]
fn no_guard_stands_outside_of_its_section() {
    let check = |file: &str, line: u32, name: &str| {
        check_fault(file, line, &format!("{name} does not count here"));
    };
    check(
        "[websmsd]\nkey_to = a\n[queue]\nmax = 9\npermit_addr = 192.0.2.1\n",
        5,
        "permit_addr",
    );
    check("[websms]\nremt_addr [a] = 192.0.2.1\n", 2, "permit_addr");
    check(
        "proxy_addr = 192.0.2.1\n[websmsd]\nkey_to = a\n",
        1,
        "proxy_addr",
    );
    check(
        "permit_addr [a] = 192.0.2.1\n[websmsd]\nkey_to = a\n",
        1,
        "permit_addr",
    );
    check("[websmds]\npermit_addr = 192.0.2.1\n", 2, "permit_addr");
    let silent = |file: &str| check_silence(file, "does not count");
    silent("[websmsd]\npermit_addr = 192.0.2.1\n[queue]\npermit_addr = 192.0.2.2\n");
    silent("[websms]\nauth_method = none\nurl_path = /a\n[websmsd]\nkey_to = a\n");
    silent("auth_method = none\n[queue]\nauth_user = a\n");
    silent("[websmsd]\npermit_addr = 192.0.2.1\n[old]\nremt_addr = 192.0.2.2\n");
}

#[test]
fn a_credential_that_is_computed_is_a_fault() {
    let fault = "auth_passwd holds one of & | ^ ~ ! ( ), with which";
    check_fault(
        "[websms]\nauth_user = u\nauth_passwd = p@ss^word\n",
        3,
        fault,
    );
    check_fault(
        "[websmsd]\npermit_addr [a] = 192.0.2.1\nauth_secret [a] = a|b\n",
        3,
        "auth_secret holds one of",
    );
    check_silence(
        "[websms]\nauth_user = u\nauth_passwd = \"p@ss^word\"\n",
        "holds one of",
    );
    check_warning("[websms]\npath = a|b\n", 2, "compute with numbers");
}

/// Before this was a fault, such a file started `websmsd` without its `permit_addr`, open to all.
#[test]
fn no_quotation_swallows_a_guard() {
    let permit = "swallows the key permit_addr";
    // Never closed: the rest of the file is ignored.
    check_fault(
        "[websmsd]\nreport_success = it's taken\npermit_addr = 1.2.3.4\n",
        2,
        permit,
    );
    check_fault(
        "[websmsd]\nkey_id = yes 'x\npermit_addr = 1.2.3.4\n",
        2,
        permit,
    );
    check_fault(
        "[websms]\npath = it's\n; a comment\n [websmsd]\npermit_addr = 1.2.3.4\n",
        2,
        "swallows the section [websmsd]",
    );
    // In a section or under a key that is not known, before the first section, and in a value that is set again.
    let open = "x = it's\n[websmsd]\npermit_addr = 1.2.3.4 ; it's";
    check_fault(open, 1, "swallows the section [websmsd]");
    check_fault(&format!("[other]\n{open}\n"), 2, "[websmsd]");
    check_fault(
        "[websmsd]\nreport_success = it's\npermit_addr = 1.2.3.4 ; it's\nreport_success = ok\n",
        2,
        permit,
    );
    // Within brackets, with the line ends of old Macs, and by a $ at the end of a line.
    check_fault(
        "[it's]\n[websmsd]\npermit_addr = 1.2.3.4 ; it's]\n",
        1,
        "swallows the section [websmsd]",
    );
    check_fault(
        "[websmsd]\rreport_success = it's\rpermit_addr = 1.2.3.4\r",
        2,
        permit,
    );
    check_fault(
        "[websmsd]\nreport_success = x$\npermit_addr = 1.2.3.4\n",
        2,
        "a second =",
    );
    // Nothing that counts is in what is swallowed.
    for text in [
        "[websmsd]\npermit_addr = 1.2.3.4\nreport_success = it's\n; the end\n",
        "[websmsd]\npermit_addr = 1.2.3.4\n; it's\n# it's\nkey_to = To\n",
    ] {
        check_silence(text, "swallows");
        assert!(config(text).rules.interfaces[0].gate.permit.is_some());
    }
}

#[test]
fn a_credential_with_a_variable_in_it_is_told() {
    let read = |text: &str| {
        let fig = |name: &[u8]| (name == b"FIG").then(|| b"fig".to_vec());
        let notes = read(text.as_bytes(), &fig).notes;
        let told = notes
            .iter()
            .filter(|note| note.text.contains("has a ${...} in it"));
        told.map(|note| note.line).collect::<Vec<_>>()
    };
    for (lines, expected) in [
        ("auth_user = u\nauth_passwd = a${FIG}b", vec![3]),
        ("auth_user = \"${FIG}\"\nauth_secret = \"p\"", vec![2]),
        ("auth_user = u\nauth_passwd = 'a${FIG}b'", vec![]),
        ("auth_user = u\nauth_passwd = \"a\\${FIG}b\"", vec![]),
        ("auth_user = u\nauth_passwd = p\npath = /${FIG}", vec![]),
        // It stands in the index.
        ("auth_user = u\nauth_passwd [${FIG}] = p", vec![]),
        // That there is no such variable is told in other words.
        ("auth_user = u\nauth_passwd = p${PLUM}", vec![]),
    ] {
        assert_eq!(read(&format!("[websms]\n{lines}\n")), expected, "{lines}");
    }
}

#[test]
fn a_typographic_quotation_mark_is_told() {
    let words = "typographic quotation mark";
    for value in ["“pw”", "”pw”", "„pw“", "‘pw’", "’pw’", "«pw»", "“"] {
        check_warning(
            &format!("[websms]\nauth_user = u\nauth_passwd = {value}\n"),
            3,
            words,
        );
        check_warning(&format!("[astqueue]\ncontext = {value}\n"), 2, words);
    }
    for value in [
        "the providers’",
        "pw”",
        "—",
        "\u{2017}x",
        "\u{2020}x",
        "\u{20ac}5",
    ] {
        check_silence(&format!("[websmsd]\nreport_success = {value}\n"), words);
    }
}

#[test]
fn a_placeholder_that_nothing_fills_is_told() {
    let words = "has a {name} in it that is not filled in";
    let told = |section: &str, line: &str| {
        check_warning(
            &format!("[{section}]\nauth_method = none\n{line}\n"),
            3,
            words,
        );
    };
    let silent = |section: &str, line: &str| {
        check_silence(&format!("[{section}]\n{line}\n"), words);
    };
    told("websms", "path = '/v1/{acount}/sms'");
    told("websms", "path = '/v1/{AccountSid}/sms'");
    told("websms", "path = '/v1/{{user-id}}'");
    told("websms", "headers = 'X-Key: {api.key}'");
    told("websms", "val_static = 'sender={From}'");
    told("websms", "val_static = 'url={hook}'");
    told("websms", "unicode_static = 'a={to},b={text}'");
    told("websms", "long_static = 'a={body}'");
    told("websms", "check_path = '/lookup/{to}'");
    told("websms", "dlr_static = 'callback={url}'");
    told("websmsd", "poll_path = '/sms?from={from}'");
    told("websmsd", "poll_static = 'a={sinse}'");
    told("websmsd", "poll_done = '/sms/{ID}'");
    silent(
        "websms",
        "account = a\nauth_user = u\nauth_passwd = p\nauth_extra = x\n\
         path = '/{account}/{auth_user}/{auth_passwd}/{auth_extra}/{to}/{from}'",
    );
    // In braces, but no name.
    for json in ["{\"a\":1}", "{}", "{ to }", "{1}", "{_}", "{", "{to", "a}"] {
        silent("websms", &format!("val_static = 'x={json}'"));
    }
    silent("websms", "dlr_static = 'callback={hook}'");
    silent(
        "websmsd",
        "poll_path = '/{account}?f={since}&p={page}&n={number}'",
    );
    silent("websmsd", "poll_done = 'PUT /v1/{id}/{today}'");
    // A brace is nothing special there.
    silent("websms", "response_check = '/{status}/'");
    silent("websmsd", "report_success = '{ok}'");
}

#[test]
fn what_is_still_the_samples_is_named() {
    for (section, line, named) in [
        (
            "websms",
            "host = https://api.example.com",
            "api.example.com",
        ),
        (
            "websms",
            "url_host = api.example.com:8443/v1",
            "api.example.com",
        ),
        ("websms", "auth_user = user\nauth_passwd = x", "user"),
        ("websms", "auth_secret = 'passwd'\nauth_user = x", "passwd"),
        (
            "websms",
            "auth_passwd = 'your token'\nauth_user = x",
            "your token",
        ),
        (
            "websmsd",
            "auth_passwd = 'your token'\nauth_method = bearer",
            "your token",
        ),
        ("websmsd", "permit_addr = 192.0.2.0/24", "192.0.2.0/24"),
        (
            "websmsd",
            "permit_addr = '1.1.1.1, 192.0.2.0/24'",
            "192.0.2.0/24",
        ),
        (
            "websmsd",
            "public_url = https://sms.example.com/x",
            "sms.example.com",
        ),
    ] {
        let words = format!("is still the sample's {named}: put in your own");
        check_warning(&format!("[{section}]\n{line}\n"), 2, &words);
    }
    for (section, line) in [
        ("websms", "host = https://api.examples.com"),
        ("websms", "host = https://myexample.com"),
        ("websms", "auth_user = user1\nauth_passwd = passwd2"),
        ("websmsd", "permit_addr = 192.0.2.0/25,192.0.2.7"),
        (
            "websmsd",
            "auth_method = basic\nauth_user = user\nauth_passwd = passwd",
        ),
    ] {
        check_silence(&format!("[{section}]\n{line}\n"), "the sample's");
    }
}
