//! Tests delivery reports on SMS that a provider took, through the real programs: log, counts, hook and
//! phone.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::rig::{
    self, CallFile, Decision, FORM, Itsp, Received, Script, Websmsd, wait_for, websms,
};

use crate::rig::pbx::Pbx;

const JSON: &str = "application/json";
const ALICE: &str = "+12025550160";
const BOB: &str = "+12025550183";

/// Runs a provider that numbers the SMS that it takes: `M1`, `M2` and so on.
fn provider() -> Itsp {
    let count = AtomicUsize::new(0);
    let answer = move |_: &Received| {
        let n = count.fetch_add(1, Ordering::SeqCst) + 1;
        (200, format!(r#"{{"id":"M{n}"}}"#))
    };
    Itsp::start(vec![Script::Decide(Decision(Arc::new(answer)))])
}

/// Runs a provider whose texts have two parts: `M1` and `M1b`.
fn provider_of_parts() -> Itsp {
    let answer = |_: &Received| (200, r#"{"parts":[{"id":"M1"},{"id":"M1b"}]}"#.to_owned());
    Itsp::start(vec![Script::Decide(Decision(Arc::new(answer)))])
}

const READS: &str = "accept_if = 'status='\nurl_path = /in\npublic_url = 'https://sms.example.com'\n\
                     dlr_id = id\ndlr_status = status\ndlr_reason = code\ndlr_delivered = delivered\n\
                     dlr_failed = 'failed,rejected'\ndlr_final = 'last=1'\n\
                     dlr_reasons = '30034=sender not registered'\n";

/// Makes a PBX that asks for reports, with more lines for each section.
fn pbx(itsp: &Itsp, out: &str, hook: &str, queue: &str) -> Pbx {
    Pbx::new(&format!(
        "[websms]\nhost = \"{}\"\nauth_method = none\ndlr_static = 'callback={{hook}},report=1'\n{out}\n\
         [websmsd]\n{READS}{hook}\n[queue]\nreports = yes\n{queue}\n",
        itsp.url()
    ))
}

/// Sends an SMS from Alice to Bob. Returns its id in the log.
#[track_caller]
fn send(pbx: &Pbx) -> String {
    let ran = websms(&pbx.conf, &["-v", "--", BOB, ALICE, "a secret"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let line = ran.stderr.lines().find(|line| line.contains("out "));
    line.unwrap()
        .split(' ')
        .skip_while(|word| *word != "out")
        .nth(2)
        .unwrap()
        .to_owned()
}

#[track_caller]
fn report(websmsd: &Websmsd, body: &str) {
    let answer = websmsd.post("/in", FORM, body);
    assert_eq!(answer.status, 200, "{body}: {}", websmsd.log());
}

fn sent_file(pbx: &Pbx) -> String {
    fs::read_to_string(pbx.scratch.join("state/sent/sms")).unwrap_or_default()
}

fn notices(pbx: &Pbx) -> Vec<CallFile> {
    rig::call_files(&pbx.scratch.join("outgoing"))
}

#[test]
fn a_failure_is_told_to_log_hook_phone_and_counts() {
    let itsp = provider();
    let folder = rig::Scratch::new();
    let told = folder.join("told");
    let script = format!(
        "#!/bin/sh\n{{ echo \"$WEBSMS_EVENT $WEBSMS_ID $WEBSMS_INTERFACE $WEBSMS_TO $WEBSMS_FROM\"; \
         echo \"$WEBSMS_REASON\"; wc -c; }} > {0}.new; mv {0}.new {0}\n",
        told.display()
    );
    let source = folder.file("hook.txt", script);
    let hook = folder.join("hook");
    let mut install = std::process::Command::new("install");
    install.args(["-m", "700"]).arg(source).arg(&hook);
    assert_eq!(rig::finish(install).code, Some(0));
    let queue = format!("notify = yes\non_failure = \"{}\"", hook.display());
    let pbx = pbx(&itsp, "", "status_path = /status\n", &queue);
    let websmsd = pbx.websmsd();
    let id = send(&pbx);
    let asked = itsp.request();
    assert_eq!(asked.form("callback"), "https://sms.example.com/in");
    assert_eq!(asked.form("report"), "1");
    report(&websmsd, "id=M1&status=failed&code=30034");
    let line = format!(
        "out UNDELIVERED {id} to={BOB} from={ALICE} interface= ref=M1: sender not registered (30034)"
    );
    websmsd.wait_for_log(&line);
    wait_for("a hook", || told.exists());
    let hook_saw = fs::read_to_string(&told).unwrap();
    assert_eq!(
        hook_saw,
        format!("undelivered {id}  {BOB} {ALICE}\nsender not registered (30034)\n0\n")
    );
    wait_for("a notice", || notices(&pbx).len() == 1);
    let notice = &notices(&pbx)[0];
    assert_eq!(notice.variable("MESSAGE(to)"), ALICE);
    assert_eq!(notice.variable("MESSAGE(from)"), BOB);
    assert_eq!(notice.variable("WEBSMS_NOTICE"), "1");
    let text = "Your SMS to +12025550183 was not delivered: sender not registered (30034).";
    assert_eq!(notice.body(), text);
    let page = websmsd.get("/status").text();
    assert!(
        page.contains("websms_out_undelivered_total{interface=\"\"} 1\n"),
        "{page}"
    );
    assert!(
        page.contains("websms_out_delivered_total{interface=\"\"} 0\n"),
        "{page}"
    );
    // These are the list, the JSON and the whole history.
    let listed = websms(&pbx.conf, &["--queue"]).stdout;
    assert!(
        listed.starts_with("0 waiting, 0 failed, 1 undelivered\n"),
        "{listed}"
    );
    let line = format!("{id} undelivered to={BOB} interface=- age=");
    assert!(listed.contains(&line), "{listed}");
    assert!(
        listed.ends_with(": sender not registered (30034)\n"),
        "{listed}"
    );
    let json = websms(&pbx.conf, &["--queue", "--json"]).stdout;
    assert!(
        json.contains(&format!(
            "\"undelivered\":[{{\"id\":\"{id}\",\"to\":\"{BOB}\""
        )),
        "{json}"
    );
    let shown = websms(&pbx.conf, &["--show", &id]).stdout;
    for line in [
        "state: undelivered\n",
        "ref: M1\n",
        "reason: sender not registered (30034)\n",
        " M1 failed sender not registered (30034)\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    assert!(!websmsd.log().contains("secret") && !shown.contains("secret"));
    assert!(!sent_file(&pbx).contains("secret"), "{}", sent_file(&pbx));
}

#[test]
fn what_arrived_is_a_line_and_a_count() {
    let itsp = provider();
    let pbx = pbx(&itsp, "", "status_path = /status", "notify = yes");
    let websmsd = pbx.websmsd();
    let id = send(&pbx);
    report(&websmsd, "id=M1&status=Delivered");
    websmsd.wait_for_log(&format!(
        "out DELIVERED {id} to={BOB} from={ALICE} interface= ref=M1\n"
    ));
    let page = websmsd.get("/status").text();
    assert!(
        page.contains("websms_out_delivered_total{interface=\"\"} 1\n"),
        "{page}"
    );
    let listed = websms(&pbx.conf, &["--queue"]).stdout;
    assert_eq!(listed, "0 waiting, 0 failed\n");
    let shown = websms(&pbx.conf, &["--show", &id]).stdout;
    assert!(shown.contains("state: delivered\n"), "{shown}");
    assert!(notices(&pbx).is_empty());
    // In the other order, a failure after the arrival is never hidden, and is reported once.
    report(&websmsd, "id=M1&status=failed");
    report(&websmsd, "id=M1&status=failed");
    report(&websmsd, "id=M1&status=delivered");
    wait_for("a notice", || notices(&pbx).len() == 1);
    let log = websmsd.log();
    assert_eq!(log.matches("out UNDELIVERED").count(), 1, "{log}");
    assert_eq!(log.matches("out DELIVERED").count(), 1, "{log}");
}

#[test]
fn interim_repeated_unknown_and_strange_reports_write_nothing() {
    let itsp = provider();
    let pbx = pbx(&itsp, "", "", "notify = yes");
    let websmsd = pbx.websmsd();
    send(&pbx);
    let before = sent_file(&pbx);
    for body in [
        "id=M1&status=queued",
        "id=M1&status=sent&code=30034",
        "id=M1&status=nobody+ever+wrote+of+this",
        "id=&status=failed",
        "id=M2&status=failed",
        "id=m1&status=failed",
        "id=M1%0A&status=failed",
        "id[]=x&id[a][b]=M1&status[a]=failed",
        "status=failed",
        // A request with all parts of an SMS is a report, and no SMS.
        "id=M9&status=failed&To=1&From=2&Body=x",
        &format!("id={}&status=failed", "M".repeat(10_000)),
        &format!("id=M1&status={}", "x".repeat(10_000)),
    ] {
        report(&websmsd, body);
    }
    assert_eq!(sent_file(&pbx), before);
    report(&websmsd, "id=M1&status=rejected&code=1");
    websmsd.wait_for_log("out UNDELIVERED");
    let after = sent_file(&pbx);
    for _ in 0..3 {
        report(&websmsd, "id=M1&status=rejected&code=2");
        report(&websmsd, "id=M1&status=delivered");
        report(&websmsd, "id=M1&status=sent");
    }
    assert_eq!(sent_file(&pbx), after);
    let told = notices(&pbx);
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].body(),
        "Your SMS to +12025550183 was not delivered: 1."
    );
    assert_eq!(websmsd.log().matches("out UNDELIVERED").count(), 1);
}

#[test]
fn strangers_tell_nothing() {
    let itsp = provider();
    let hook = "auth_method = basic\nauth_user = itsp\nauth_passwd = 'pa ss'";
    let pbx = pbx(&itsp, "", hook, "notify = yes");
    let websmsd = pbx.websmsd();
    send(&pbx);
    assert_eq!(
        itsp.request().form("callback"),
        "https://itsp:pa%20ss@sms.example.com/in"
    );
    let before = sent_file(&pbx);
    let body = "id=M1&status=failed";
    assert_eq!(websmsd.post("/in", FORM, body).status, 401);
    assert_eq!(websmsd.post("/elsewhere", FORM, body).status, 404);
    assert_eq!(sent_file(&pbx), before);
    let request = format!(
        "POST /in HTTP/1.1\r\nHost: h\r\nContent-Type: {FORM}\r\nAuthorization: Basic aXRzcDpwYSBzcw==\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut http = websmsd.connect();
    http.send(request);
    assert_eq!(http.answer().status, 200);
    websmsd.wait_for_log("out UNDELIVERED");
    // The output of a dry run shows no password.
    let shown = websms(&pbx.conf, &["-n", "--", BOB, ALICE, "x"]).stdout;
    assert!(
        shown.contains("callback=https%3A%2F%2F***%3A***%40sms.example.com%2Fin"),
        "{shown}"
    );
}

#[test]
fn a_text_of_two_parts_has_arrived_when_both_have() {
    let itsp = provider_of_parts();
    let pbx = pbx(&itsp, "key_message_id = 'parts[].id'", "", "");
    let websmsd = pbx.websmsd();
    let id = send(&pbx);
    report(&websmsd, "id=M1b&status=delivered");
    report(&websmsd, "id=M1b&status=delivered");
    let shown = websms(&pbx.conf, &["--show", &id]).stdout;
    assert!(
        shown.contains("state: sent\n") && shown.contains("ref: M1,M1b\n"),
        "{shown}"
    );
    assert_eq!(websmsd.log().matches("out DELIVERED").count(), 0);
    report(&websmsd, "id=M1&status=delivered");
    websmsd.wait_for_log(&format!("out DELIVERED {id} "));
}

#[test]
fn a_restart_between_sending_and_report_loses_nothing() {
    let itsp = provider_of_parts();
    let pbx = pbx(&itsp, "key_message_id = 'parts[].id'", "", "notify = yes");
    let id = send(&pbx);
    let websmsd = pbx.websmsd();
    report(&websmsd, "id=M1&status=delivered");
    drop(websmsd);
    let websmsd = pbx.websmsd();
    report(&websmsd, "id=M1&status=delivered");
    report(&websmsd, "id=M1b&status=failed&code=30034");
    websmsd.wait_for_log(&format!("out UNDELIVERED {id} "));
    assert_eq!(notices(&pbx).len(), 1);
    drop(websmsd);
    // It is not reported twice either.
    let websmsd = pbx.websmsd();
    let before = sent_file(&pbx);
    report(&websmsd, "id=M1b&status=failed&code=30034");
    assert_eq!(sent_file(&pbx), before);
    assert!(!websmsd.log().contains("UNDELIVERED"), "{}", websmsd.log());
}

#[test]
fn a_report_may_be_faster_than_our_own_note() {
    let itsp = provider();
    let pbx = pbx(&itsp, "", "", "");
    let websmsd = pbx.websmsd();
    report(&websmsd, "id=M1&status=failed&code=7");
    report(&websmsd, "id=M2&status=delivered");
    let first = send(&pbx);
    websmsd.wait_for_log(&format!(
        "out UNDELIVERED {first} to={BOB} from={ALICE} interface= ref=M1: 7"
    ));
    let second = send(&pbx);
    websmsd.wait_for_log(&format!("out DELIVERED {second} "));
}

#[test]
fn what_the_queue_sends_is_remembered_as_well() {
    let itsp = provider();
    let pbx = pbx(&itsp, "", "", "first = yes");
    let websmsd = pbx.websmsd();
    let id = send(&pbx);
    websmsd.wait_for_log(&format!("out SENT {id} "));
    report(&websmsd, "id=M1&status=failed");
    websmsd.wait_for_log(&format!("out UNDELIVERED {id} "));
    let shown = websms(&pbx.conf, &["--show", &id]).stdout;
    assert!(shown.contains("state: undelivered\n"), "{shown}");
}

#[test]
fn an_interface_tells_of_its_own_sms_alone() {
    let (a, b) = (provider(), provider());
    let pbx = Pbx::new(&format!(
        "[websms]\nhost [a] = \"{}\"\nhost [b] = \"{}\"\nauth_method = none\n\
         dlr_static = 'callback={{hook}}'\n[websmsd]\n{}\nurl_path [a] = /a\nurl_path [b] = /b\n\
         [queue]\nreports = yes\n",
        a.url(),
        b.url(),
        READS.replace("url_path = /in\n", "")
    ));
    let websmsd = pbx.websmsd();
    for index in ["a", "b"] {
        let ran = websms(&pbx.conf, &["-i", index, "--", BOB, ALICE, "x"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
    assert_eq!(a.request().form("callback"), "https://sms.example.com/a");
    assert_eq!(b.request().form("callback"), "https://sms.example.com/b");
    // Both providers call their first SMS M1.
    let tell = |path: &str| websmsd.post(path, FORM, "id=M1&status=failed").status;
    assert_eq!(tell("/b"), 200);
    websmsd.wait_for_log("interface=b ref=M1: failed");
    assert!(!websmsd.log().contains("interface=a ref=M1: failed"));
    assert_eq!(tell("/a"), 200);
    websmsd.wait_for_log("interface=a ref=M1: failed");
}

#[test]
fn ten_thousand_interim_reports_write_nothing_and_many_unknown_ones_are_bounded() {
    let itsp = provider();
    let pbx = pbx(&itsp, "", "each = '[]'\n", "");
    let websmsd = pbx.websmsd();
    send(&pbx);
    let before = sent_file(&pbx);
    let batch = |status: &str, from: usize| -> String {
        let one = |n: usize| format!(r#"{{"id":"U{}","status":"{status}"}}"#, from + n);
        let all: Vec<String> = (0..100).map(one).collect();
        format!("[{}]", all.join(","))
    };
    let begun = Instant::now();
    for n in 0..100 {
        let body = batch("sent", n * 100).replacen("U", "M1\",\"x\":\"", 1);
        assert_eq!(websmsd.post("/in", JSON, body).status, 200);
    }
    let interim = begun.elapsed();
    for n in 0..100 {
        assert_eq!(
            websmsd.post("/in", JSON, batch("failed", n * 100)).status,
            200
        );
    }
    let unknown = begun.elapsed() - interim;
    eprintln!("10,000 interim {interim:?}, 10,000 unknown final {unknown:?}");
    assert_eq!(sent_file(&pbx), before);
    // The last 256 of them are held: the first ones are forgotten. All that are held for the SMS of the file
    // are found in one reading of it, and the last line comes last.
    let ids = ["U9743", "U9744", "U9999"];
    let line = |id: &str| format!("\nsms\t0\tlate{id}\t\t{ALICE}\t{BOB}\t{id}\n");
    let lines: String = ids.map(line).concat();
    let path = pbx.scratch.join("state/sent/sms");
    fs::write(&path, sent_file(&pbx) + &lines).unwrap();
    let told = |id: &str| {
        websmsd
            .log()
            .contains(&format!("out UNDELIVERED late{id} "))
    };
    for id in ["U9744", "U9999"] {
        wait_for(id, || told(id));
    }
    assert!(!told("U9743"));
}

#[test]
fn a_file_that_is_spoilt_or_cannot_be_written_costs_reports_and_no_sms() {
    let itsp = provider();
    let pbx = pbx(&itsp, "", "", "notify = yes");
    let websmsd = pbx.websmsd();
    let path: PathBuf = pbx.scratch.join("state/sent/sms");
    send(&pbx);
    // The file is cut in the middle of a line: lines that are added behind it are read.
    let cut = sent_file(&pbx);
    fs::write(&path, &cut[..cut.len() - 2]).unwrap();
    let second = send(&pbx);
    report(&websmsd, "id=M1&status=failed");
    report(&websmsd, "id=M2&status=failed&code=5");
    websmsd.wait_for_log(&format!("out UNDELIVERED {second} "));
    // The file is not ours: the next sending process that checks it sets it aside and begins a new one.
    fs::write(&path, vec![b'x'; 64 * 1024 - 1]).unwrap();
    report(&websmsd, "id=M2&status=failed");
    let ran = websms(&pbx.conf, &["-v", "--", BOB, ALICE, "x"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("set aside as"), "{}", ran.stderr);
    assert!(sent_file(&pbx).starts_with("websms sent 1\n"));
    report(&websmsd, "id=M3&status=delivered");
    websmsd.wait_for_log("out DELIVERED");
    // There is no file but something else in its place: the SMS is sent, and every report acknowledged.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let ran = websms(&pbx.conf, &["-v", "--", BOB, ALICE, "x"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("out SENT"), "{}", ran.stderr);
    report(&websmsd, "id=M4&status=failed");
}

#[test]
fn the_file_is_written_anew_where_half_of_it_is_old() {
    let itsp = provider();
    let pbx = pbx(&itsp, "", "", "");
    send(&pbx);
    let path: PathBuf = pbx.scratch.join("state/sent/sms");
    let now = sent_file(&pbx);
    let old = |n: usize| format!("\nsms\t1700000000\told{n}\t\t{ALICE}\t{BOB}\tO{n}\n");
    let old: String = (0..1200).map(old).collect();
    let step = 64 * 1024;
    let mut text = now.replacen('\n', &format!("\n{old}"), 1);
    let fill = step - 1 - text.len() % step;
    text.insert_str("websms sent 1\n".len(), &"\n".repeat(fill));
    fs::write(&path, text).unwrap();
    send(&pbx);
    let now = sent_file(&pbx);
    assert!(now.len() < 1000, "{}", now.len());
    assert!(
        now.contains("\tM1\n") && now.contains("\tM2\n") && !now.contains("old"),
        "{now}"
    );
}

#[test]
fn without_reports_nothing_is_asked_for_or_written() {
    let itsp = provider();
    let pbx = Pbx::new(&format!(
        "[websms]\nhost = \"{}\"\nauth_method = none\ndlr_static = 'callback={{hook}}'\n\
         [websmsd]\n{READS}",
        itsp.url()
    ));
    let websmsd = pbx.websmsd();
    send(&pbx);
    assert!(
        !itsp.request().text().contains("callback"),
        "{}",
        itsp.request().text()
    );
    assert_eq!(websmsd.post("/in", FORM, "id=M1&status=failed").status, 200);
    websmsd.wait_for_log("no message, acknowledged");
    assert!(!pbx.scratch.join("state/sent").exists());
}
