//! Tests `long_bytes` and `text_chars_max` through the real programs: the parameters of a long text, and
//! the reports to caller, queue and provider of a text that is too long.

use std::fs;
use std::path::Path;

use crate::agi::ends_under_agi;
use crate::rig::{self, Called, Itsp, Ran, Scratch, Script, Websmsd, wait_for, websms};

const TO: &str = "+12025550183";
const BOTH: &str = "the text is 11 characters, text_chars_max is 10";
const TEN: &str = "\u{e9}23456789\u{1f600}";
const ELEVEN: &str = "\u{e9}23456789\u{1f600}x";

fn conf(scratch: &Scratch, websms: &str, queue: &str) -> std::path::PathBuf {
    let text = format!("[websms]\nauth_method = none\n{websms}\n[queue]\nretry = 1s\n{queue}\n");
    scratch.file("websms.conf", rig::spool_conf(scratch, &text))
}

fn send(conf: &Path, index: &str, text: &str) -> Ran {
    let index: &[&str] = if index.is_empty() {
        &[]
    } else {
        &["-i", index]
    };
    websms(conf, &[&["-v"], index, &["--", TO, "alice", text]].concat())
}

/// Starts a daemon on the existing configuration, with a folder of its own.
fn websmsd(conf: &Path) -> Websmsd {
    let scratch = Scratch::new();
    let mut run = rig::daemon_command(Called::Link, &scratch);
    run.arg("-c").arg(conf);
    run.args(["-l", "127.0.0.1:0", "-v"]);
    let websmsd = Websmsd::spawn(run, scratch);
    wait_for("a daemon that drains", || {
        let listed = websms(conf, &["--queue"]).stdout;
        listed.contains(" waiting, ") && !listed.contains("no websmsd drains")
    });
    websmsd
}

#[test]
fn a_text_of_too_many_characters_is_refused_before_it_is_sent_or_queued() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let websms_keys = format!("host = \"{}\"\ntext_chars_max = 10", itsp.url());
    let conf = conf(&scratch, &websms_keys, "first = yes");
    let _websmsd = websmsd(&conf);
    assert_eq!(send(&conf, "", TEN).code, Some(0));
    let refused = send(&conf, "", ELEVEN);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("out REFUSED"), "{}", refused.stderr);
    assert!(refused.stderr.contains(BOTH), "{}", refused.stderr);
    let shown = websms(&conf, &["-n", "--", TO, "alice", ELEVEN]);
    assert_eq!((shown.code, shown.stdout.as_str()), (Some(1), ""));
    assert!(shown.stderr.contains(BOTH), "{}", shown.stderr);
    wait_for("the short one", || !itsp.requests().is_empty());
    assert_eq!(itsp.request().form("Body"), TEN);
    let told = websms(&conf, &["--selftest"]).stdout;
    let words = "a text of more than 10 characters is refused";
    assert!(told.contains(words), "{told}");
}

#[test]
fn asterisk_hears_of_it_as_of_any_refusal() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let websms_keys = format!("host = \"{}\"\ntext_chars_max = 10", itsp.url());
    let conf = conf(&scratch, &websms_keys, "dir =");
    ends_under_agi(&conf, ELEVEN, 1, "REFUSED", BOTH);
    assert_eq!(itsp.requests(), []);
}

#[test]
fn a_fallback_that_takes_shorter_texts_only_is_passed_over() {
    let (first, second, third) = (
        Itsp::start(vec![Script::reply(503, "")]),
        Itsp::accepting(),
        Itsp::accepting(),
    );
    let scratch = Scratch::new();
    let hosts = format!(
        "host[a] = \"{}\"\nhost[b] = \"{}\"\nhost[c] = \"{}\"\nfallback[a] = b\nfallback[b] = c\n\
         text_chars_max[b] = 10",
        first.url(),
        second.url(),
        third.url()
    );
    let conf = conf(&scratch, &hosts, "dir =");
    let sent = send(&conf, "a", ELEVEN);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert!(sent.stderr.contains(BOTH), "{}", sent.stderr);
    assert!(sent.stderr.contains("interface=c"), "{}", sent.stderr);
    assert_eq!(send(&conf, "a", TEN).code, Some(0));
    let asked = [&first, &second, &third].map(|itsp| itsp.requests().len());
    assert_eq!(asked, [2, 1, 1]);
}

#[test]
fn the_queue_gives_up_what_has_become_too_long() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let host = format!("host = \"{}\"", itsp.url());
    let path = conf(&scratch, &host, "first = yes");
    let daemon = websmsd(&path);
    drop(daemon);
    // The folder counts as drained lately only after a flush.
    let flushed = websms(&path, &["--flush"]);
    assert_eq!(flushed.code, Some(0), "{}", flushed.stderr);
    let queued = send(&path, "", ELEVEN);
    assert!(queued.stderr.contains("out QUEUED"), "{}", queued.stderr);
    let path = conf(
        &scratch,
        &format!("{host}\ntext_chars_max = 10"),
        "first = yes",
    );
    let daemon = websmsd(&path);
    daemon.wait_for_log("out REFUSED");
    let failed = scratch.join("state/queue/failed");
    wait_for("failed/", || {
        fs::read_dir(&failed).map_or(0, Iterator::count) == 1
    });
    let name = fs::read_dir(&failed)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let item = fs::read_to_string(name).unwrap();
    assert!(item.contains(&format!("\nreason: {BOTH}\n")), "{item}");
    assert_eq!(itsp.requests(), []);
}

#[test]
fn in_the_queue_too_only_the_fallback_is_passed_over() {
    let first = Itsp::start(vec![
        Script::reply(503, ""),
        Script::reply(503, ""),
        Script::reply(200, ""),
    ]);
    let second = Itsp::accepting();
    let scratch = Scratch::new();
    let hosts = format!(
        "host[a] = \"{}\"\nhost[b] = \"{}\"\nfallback[a] = b\ntext_chars_max[b] = 10",
        first.url(),
        second.url()
    );
    let conf = conf(&scratch, &hosts, "first = yes");
    let daemon = websmsd(&conf);
    assert_eq!(send(&conf, "a", ELEVEN).code, Some(0));
    daemon.wait_for_log("out SENT");
    assert_eq!(first.requests().len(), 3);
    assert_eq!(second.requests(), []);
}

#[test]
fn a_long_text_is_sent_with_other_parameters_and_its_id_is_found() {
    let itsp = Itsp::start(vec![
        Script::reply(200, r#"{"sms":"S1","mms":"no"}"#),
        Script::reply(200, r#"{"sms":"no","mms":"M1"}"#),
    ]);
    let scratch = Scratch::new();
    let host = format!(
        "host = \"{}\"\nval_static = 'kind=sms,x=1'\nkey_message_id = sms\nlong_bytes = 10\n\
         long_static = 'kind=mms'\nlong_key_message_id = mms",
        itsp.url()
    );
    let conf = conf(&scratch, &host, "dir =");
    for (text, id, kind) in [
        ("\u{e9}23456789", "S1", "sms"),
        ("\u{e9}23456789x", "M1", "mms"),
    ] {
        let ran = send(&conf, "", text);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("ref={id}:")), "{}", ran.stderr);
        let shown = websms(&conf, &["-n", "--", TO, "alice", text]).stdout;
        assert!(shown.ends_with(&format!("&kind={kind}&x=1\n")), "{shown}");
    }
    let kinds = itsp.requests();
    let kinds: Vec<_> = kinds.iter().map(|request| request.form("kind")).collect();
    assert_eq!(kinds, ["sms", "mms"]);
}

#[test]
fn a_long_text_goes_to_voipms_as_an_mms() {
    let itsp = Itsp::start(vec![
        Script::reply(200, r#"{"status":"success","sms":23434}"#),
        Script::reply(200, r#"{"status":"success","mms":23435}"#),
    ]);
    let scratch = Scratch::new();
    let preset = format!(
        "provider = voipms\nauth_method = plain\nauth_user = me@example.com\nauth_passwd = pass-1\n\
         host = \"{}\"",
        itsp.url()
    );
    let text = format!("[websms]\n{preset}\n[queue]\ndir =\n");
    let conf = scratch.file("websms.conf", text);
    let check = |text: &str, id: &str| {
        let ran = websms(&conf, &["-v", "--", TO, "+12025550160", text]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stderr.contains(id), "{}", ran.stderr);
    };
    // These are 160 bytes in 80 characters, and 161.
    check(&"\u{e9}".repeat(80), "23434");
    check(&format!("{}x", "\u{e9}".repeat(80)), "23435");
    let methods = itsp.requests();
    let methods = methods.iter().map(|request| {
        let (_, method) = request
            .text()
            .split_once("name=\"method\"\r\n\r\n")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        method.split("\r\n").next().unwrap().to_owned()
    });
    assert_eq!(methods.collect::<Vec<_>>(), ["sendSMS", "sendMMS"]);
    // 2048 characters are taken, one more is not.
    let too_long = websms(&conf, &["--", TO, "+12025550160", &"x".repeat(2049)]);
    assert_eq!(too_long.code, Some(1), "{}", too_long.stderr);
    assert_eq!(itsp.requests().len(), 2);
}
