//! Tests that faults and their consequences are reported once.

use super::*;

/// Checks that a wrong value has its own fault, and that no remark calls the key missing.
#[test]
fn what_is_wrong_is_not_called_missing() {
    let check = |text: &str, line: u32| {
        let reading = read_text(text);
        let [fault] = reading.notes.as_slice() else {
            panic!("{text}\n{:?}", reading.notes);
        };
        let (severity, words) = (fault.severity, fault.text.as_str());
        assert_eq!((fault.line, severity), (line, Severity::Fault), "{text}");
        for words_of_absence in ["not given", "neither permit_addr", "without"] {
            assert!(!words.contains(words_of_absence), "{text}\n{words}");
        }
    };
    let sent = "[websmsd]\nproxy_addr =\n";
    check(&format!("{sent}permit_addr = 1.2.3.4/33\n"), 3);
    check(&format!("{sent}permit_addr [a] = 1.2.3.x\n"), 3);
    check(&format!("{sent}auth_method = bassic\n"), 3);
    check(
        &format!("{sent}auth_method = twilio\nauth_passwd = p\npublic_url = x y\n"),
        5,
    );
    let permitted = "[websmsd]\nproxy_addr =\npermit_addr = 1.2.3.4\n";
    check(&format!("{permitted}tls_cert = '\t'\ntls_key = /k\n"), 4);
    check(&format!("{permitted}tls_cert = /c\ntls_key = '\t'\n"), 5);
    check(&format!("{permitted}dlr_id = 'a||b'\ndlr_status = s\n"), 4);
    check(&format!("{permitted}dlr_id = i\ndlr_status = 'a||b'\n"), 5);
    let polled = "poll_path = /p\npoll_id = i\npoll = 60s\n";
    for (good, bad) in [
        ("poll = 60s", "poll = 60 seconds"),
        ("poll_path = /p", "poll_path = p"),
        ("poll_id = i", "poll_id = 'a||b'"),
        ("poll_id = i", "poll_id = i\npoll_to = 'a||b'"),
        ("poll_id = i", "poll_id = i\nkey_from = 'a||b'"),
    ] {
        let text = format!("{permitted}{}", polled.replace(good, bad));
        let line = text.lines().position(|line| bad.ends_with(line)).unwrap();
        check(&text, u32::try_from(line).unwrap() + 1);
    }
    // The SMS of this preset are only polled for.
    let asked = "[websms]\nhost = https://h\n[websmsd]\npermit_addr = 1.2.3.4\nproxy_addr =\nprovider = voipms\npoll = 1\n";
    let notes = read(asked.as_bytes(), &|_| None).notes;
    assert!(
        notes.iter().all(|note| !note.text.contains("give poll")),
        "{notes:?}"
    );
    for more in [
        "inbox = yes\n",
        "inbox = no\n[websms]\nrate = 1/s\n",
        "inbox = no\n[queue]\nreports = yes\n",
    ] {
        let dir = "dir = \"/a\tb\"\n";
        let text = match more.contains("[queue]") {
            true => format!("{permitted}[astqueue]\n{more}{dir}"),
            false => format!("{permitted}[astqueue]\n{more}[queue]\n{dir}"),
        };
        let line = text.lines().count();
        check(&text, u32::try_from(line).unwrap());
    }
    check(
        &format!(
            "{permitted}auth_age = 1d\nauth_method = sinch\nauth_passwd = p\n[queue]\ndir = \"\t\"\n"
        ),
        8,
    );
    check(&format!("{permitted}{polled}[queue]\ndir = \"\t\"\n"), 8);
    let both = "[astqueue]\noutgoingdir = \"\t\"\nstagingdir = \"\t\"\n";
    assert_eq!(notes_of(both), [2, 3]);
    // The address for delivery reports is wrong.
    let text = format!(
        "[websms]\ndlr_static = 'cb={{hook}}'\n{permitted}public_url = 'x y'\n[queue]\nreports = yes\n"
    );
    check(&text, 6);
    check(
        &format!("[queue]\nreports = yes\n{sent}dlr_id = i\ndlr_status = s\npermit_addr = x\n"),
        7,
    );
}

/// Returns the lines of all faults.
fn notes_of(text: &str) -> Vec<u32> {
    let faults = notes(text, Severity::Fault);
    faults.iter().map(|(line, _)| *line).collect()
}

#[test]
fn a_proxy_header_that_lets_nobody_in_is_told() {
    let words = "names a header that is no list of addresses";
    let text = |header: &str| format!("[websmsd]\nproxy_header = {header}\n");
    for header in [
        "HTTP_FORWARDED",
        "HTTP_X_FORWARDED",
        "HTTP_X_FORWARDED_HOST",
        "HTTP_X_FORWARDED_PROTO",
        "HTTP_X_FORWARED_FOR",
        "HTTP_X_FORWARDED_FOR_",
        "HTTP_VIA",
        "HTTP_HOST",
    ] {
        check_warning(&text(header), 2, words);
    }
    for header in [
        "",
        "HTTP_X_FORWARDED_FOR",
        "HTTP_X_ORIGINAL_FORWARDED_FOR",
        "HTTP_X_REAL_IP",
        "HTTP_CF_CONNECTING_IP",
        "HTTP_TRUE_CLIENT_IP",
        "HTTP_X_ENVOY_EXTERNAL_ADDRESS",
        "HTTP_X_OUR_OWN",
    ] {
        check_silence(&text(header), words);
    }
}
