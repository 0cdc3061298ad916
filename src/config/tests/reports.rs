//! Tests `[queue] reports`: where reports go, what is requested, and which configurations are refused.

use super::*;

/// Returns what the first interface requests, or the fault found in it.
#[track_caller]
fn check(lines: &str, expected: Result<&str, &str>) {
    let text = format!("[queue]\nreports = yes\n{lines}");
    let reading = read_text(&text);
    let faults = reading
        .notes
        .iter()
        .filter(|it| it.severity == Severity::Fault);
    let faults: Vec<&str> = faults.map(|it| it.text.as_str()).collect();
    match (&reading.config, expected) {
        (Some(config), Ok(expected)) => {
            let asked = config.outgoing[0].account.dlr_statics.iter();
            let asked = asked.map(|(k, v)| [k.as_slice(), b"=", v].concat());
            let asked: Vec<Vec<u8>> = asked.collect();
            let asked = String::from_utf8(asked.join(&b' ')).unwrap();
            assert_eq!(asked, expected, "{text}");
        }
        (None, Err(expected)) => {
            assert_eq!(faults.len(), 1, "{text}\n{faults:?}");
            assert!(faults[0].contains(expected), "{text}\n{faults:?}");
        }
        _ => panic!("{text}\n{faults:?}"),
    }
}

const OUT: &str = "[websms]\nhost = http://localhost\ndlr_static = 'cb={hook},m=POST'\n";
const READS: &str = "dlr_id = id\ndlr_status = status\n";

#[test]
fn the_address_of_reports_is_the_interfaces() {
    let with = |websmsd: &str| format!("{OUT}[websmsd]\n{READS}{websmsd}");
    let at = |url: &str| format!("cb={url} m=POST");
    let check = |websmsd: &str, url: &str| check(&with(websmsd), Ok(&at(url)));
    check(
        "url_path = '/in,/b'\npublic_url = 'https://h'",
        "https://h/in",
    );
    check("url_path = /in\npublic_url = 'https://h/'", "https://h/in");
    check(
        "url_path = '/in?t=1'\npublic_url = 'https://h'",
        "https://h/in?t=1",
    );
    check(
        "url_path = /in\npublic_url = 'https://h/out/x'",
        "https://h/out/x",
    );
    check(
        "permit_addr = 192.0.2.1\npublic_url = 'https://h:8443'",
        "https://h:8443/",
    );
    check(
        "auth_method = basic\nauth_user = u\nauth_passwd = 'p@/s'\nurl_path = /in\npublic_url = 'https://h'",
        "https://u:p%40%2Fs@h/in",
    );
    check(
        "auth_method = bearer\nauth_passwd = p\nurl_path = /in\npublic_url = 'https://h'",
        "https://h/in",
    );
}

#[test]
fn an_interface_asks_at_its_own_index() {
    let out = |index: &str| {
        format!(
            "[websms]\nhost [{index}] = http://localhost\ndlr_static [{index}] = 'cb={{hook}}'\n"
        )
    };
    let two = format!(
        "[websmsd]\n{READS}url_path [a] = /a\nurl_path [b] = /b\npublic_url = 'https://h'\n"
    );
    check(&[&out("a"), two.as_str()].concat(), Ok("cb=https://h/a"));
    check(&[&out("b"), two.as_str()].concat(), Ok("cb=https://h/b"));
    // Interface c has no counterpart in [websmsd].
    check(
        &[&out("c"), two.as_str()].concat(),
        Err("[websms] c asks for delivery reports"),
    );
    // An interface of [websmsd] without an index reports for all; any reports for one of [websms] without an
    // index.
    let one = format!("[websmsd]\n{READS}url_path = /in\npublic_url = 'https://h'\n");
    check(&[&out("a"), one.as_str()].concat(), Ok("cb=https://h/in"));
    check(&format!("{OUT}{two}"), Ok("cb=https://h/a m=POST"));
}

#[test]
fn what_stands_against_reports() {
    let door = "url_path = /in\npublic_url = 'https://h'\n";
    let websmsd = format!("[websmsd]\n{READS}{door}");
    check(
        &format!("dir =\n{OUT}{websmsd}"),
        Err("kept in dir, which is empty"),
    );
    check(
        &format!("{OUT}[websmsd]\n{READS}public_url = 'https://h'\n"),
        Err("none of auth_method"),
    );
    check(
        &format!("{OUT}[websmsd]\n{READS}url_path = /in\n"),
        Err("has no public_url"),
    );
    for guard in [
        "permit_addr = 192.0.2.1",
        "auth_method = bearer\nauth_passwd = x",
        "url_path = /x",
    ] {
        let text = format!("[websms]\n[websmsd]\n{READS}{guard}\n");
        check(&text, Ok(""));
    }
    // An interface that requests no reports needs no address; one that reads none needs no guard.
    check(
        &format!("[websms]\n[websmsd]\n{READS}url_path = /in\n"),
        Ok(""),
    );
    check("[websms]\n[websmsd]\n", Ok(""));
    // Nobody can call an interface that is polled, or one that permits nobody.
    check(&format!("{OUT}[websmsd]\n{READS}permit_addr =\n"), Ok(""));
    check(
        &format!("[websms]\n[websmsd]\n{READS}"),
        Err("none of auth_method"),
    );
    check("[websms]\ndlr_static = 'a=b'\n[websmsd]\n", Ok("a=b"));
    check_warning(
        "[websmsd]\ndlr_id = id\n",
        2,
        "needs dlr_id and dlr_status both",
    );
    check_warning(
        "[websmsd]\ndlr_status = id\n",
        2,
        "needs dlr_id and dlr_status both",
    );
}

#[test]
fn without_reports_nothing_is_asked_for() {
    let text = format!("{OUT}[websmsd]\n{READS}");
    let config = config(&text);
    assert!(config.outgoing[0].account.dlr_statics.is_empty());
    assert!(!config.queue.reports);
}

#[test]
fn the_password_in_the_address_is_masked() {
    use crate::message::{Message, Number, Sender, Text};
    use crate::proto::provider;
    for lines in [
        "auth_method = basic\nauth_user = provider\nauth_passwd = 'pa@ss/w'\npublic_url = 'https://h'",
        "url_path = /\npublic_url = 'https://provider:pa%40ss%2Fw@h'",
    ] {
        let text = format!("[queue]\nreports = yes\n{OUT}[websmsd]\n{READS}{lines}\n");
        let config = config(&text);
        let account = &config.outgoing[0].account;
        let message = Message {
            to: Number::parse_outbound(b"+1").unwrap(),
            from: Sender::parse_outbound(b"+2").unwrap(),
            text: Text::parse_outbound(b"x").unwrap(),
        };
        let shown = provider::preview(&message, account, 0).unwrap();
        let shown = String::from_utf8(shown).unwrap();
        let expected = "cb=https%3A%2F%2F***%3A***%40h%2F&m=POST";
        assert!(shown.contains(expected), "{shown}");
        let said = b"to https://provider:pa%40ss%2Fw@h/";
        let said = provider::reported(said, account, config.log_numbers);
        assert_eq!(said, "to https://***:***_h/");
    }
}
