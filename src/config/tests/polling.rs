//! Tests which interfaces are polled.

use super::*;

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
