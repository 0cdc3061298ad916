//! Tests `--show`, `--retry` and `--drop` with one SMS of the queue or of `failed/`, by its id.

use std::fs;

use crate::rig::pbx::{Pbx, item, now_s, texts};
use crate::rig::{Itsp, Ran, Script, deaf_address, wait_for, websms};

/// Returns a PBX with one SMS in `failed/` that the provider refused. The provider takes the next one.
fn given_up(text: &str) -> (Pbx, Itsp, String) {
    let refusal = Script::reply(400, r#"{"message":"No such number"}"#);
    let itsp = Itsp::start(vec![refusal, Script::reply(200, "")]);
    let pbx = Pbx::with(&itsp.url(), "");
    pbx.plant(0xabc, "+1", &item(0xabc, "+1", now_s(), text));
    assert_eq!(run(&pbx, &["--flush"]).code, Some(0));
    assert_eq!(pbx.names("failed").len(), 1);
    (pbx, itsp, "0000000000000abc".to_owned())
}

fn run(pbx: &Pbx, arguments: &[&str]) -> Ran {
    websms(&pbx.conf, arguments)
}

fn says(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, Some(code), "{}{}", ran.stdout, ran.stderr);
    let all = [ran.stdout.as_str(), ran.stderr.as_str()].concat();
    assert!(all.contains(words), "{words:?} in {all}");
}

#[test]
fn what_was_given_up_is_shown_with_its_reason_and_text() {
    let (pbx, _itsp, id) = given_up("two\nlines, \u{1b}[31mred\u{9b}\u{e9}");
    let ran = run(&pbx, &["--show", &id]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for line in [
        "id: 0000000000000abc\n",
        "\nstate: failed\n",
        "\nto: +1\n",
        "\nfrom: alice\n",
        "s ago\ntries: ",
        "\nreason: provider answered 400: No such number\n\n",
        "\n\ntwo\nlines, \\u{1b}[31mred\\u{9b}\u{e9}\n",
    ] {
        assert!(ran.stdout.contains(line), "{line:?} in {}", ran.stdout);
    }
    assert_eq!(pbx.names("failed").len(), 1, "it stays where it is");
}

#[test]
fn what_was_given_up_is_sent_after_all() {
    let (pbx, itsp, id) = given_up("again");
    says(
        &run(&pbx, &["--retry", &id]),
        0,
        "0000000000000abc waits for +1",
    );
    assert!(pbx.names("failed").is_empty());
    let file = pbx.files("new").remove(0);
    for line in ["\ntries: 0\n", "\nunsure: 0\n", "\nreason: \n"] {
        assert!(file.contains(line), "{line:?} in {file}");
    }
    let _websmsd = pbx.websmsd();
    pbx.wait_until_empty();
    assert_eq!(texts(&itsp.requests()), ["again", "again"]);
    assert!(pbx.names("failed").is_empty());
}

#[test]
fn a_running_daemon_hears_of_what_is_put_back() {
    let (pbx, itsp, _) = given_up("again");
    let websmsd = pbx.websmsd();
    says(&run(&pbx, &["--retry=all"]), 0, "waits for +1");
    wait_for("another try", || itsp.requests().len() == 2);
    websmsd.wait_for_log("out SENT 0000000000000abc");
}

#[test]
fn what_is_dropped_is_gone() {
    let (pbx, itsp, id) = given_up("x");
    says(
        &run(&pbx, &["--drop", &id]),
        0,
        "0000000000000abc dropped\n",
    );
    assert!(pbx.names("failed").is_empty());
    pbx.plant(0xdef, "+2", &item(0xdef, "+2", now_s(), "x"));
    says(
        &run(&pbx, &["--drop", "0000000000000de"]),
        0,
        "dropped; if it was being sent",
    );
    assert!(pbx.names("new").is_empty());
    assert_eq!(itsp.requests().len(), 1);
    for (order, to) in [(1, "+1"), (2, "+2")] {
        pbx.plant(order, to, &item(order, to, 1, "too old"));
    }
    assert_eq!(run(&pbx, &["--flush"]).code, Some(0));
    assert_eq!(pbx.names("failed").len(), 2);
    let ran = run(&pbx, &["--drop", "all"]);
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
    assert!(pbx.names("failed").is_empty());
    says(&run(&pbx, &["--drop", "all"]), 0, "");
}

#[test]
fn an_id_must_be_known_and_say_enough() {
    let pbx = Pbx::with(&format!("http://{}", deaf_address()), "");
    for order in [0x1, 0x2] {
        let to = format!("+{order}");
        pbx.plant(order, &to, &item(order, &to, now_s(), "x"));
    }
    for command in ["--show", "--retry", "--drop"] {
        says(
            &run(&pbx, &[command, "0"]),
            1,
            "2 SMS have an id that begins so",
        );
        for unknown in ["f", "", "00000000000000011", "../new", "ALL"] {
            says(
                &run(&pbx, &[command, unknown]),
                1,
                "no SMS has an id that begins so",
            );
        }
        says(&run(&pbx, &[command]), 2, "needs a value");
        says(&run(&pbx, &[command, "0", "1"]), 2, "stands alone");
    }
    says(&run(&pbx, &["--show", "all"]), 1, "no SMS has an id");
    says(
        &run(&pbx, &["--retry", "0000000000000001"]),
        0,
        "waits already",
    );
    assert_eq!(pbx.names("new").len(), 2);
    let none = Pbx::with(&format!("http://{}", deaf_address()), "dir =");
    says(&run(&none, &["--show", "0"]), 2, "there is no queue");
}

#[test]
fn a_full_queue_takes_nothing_back() {
    let itsp = Itsp::start(vec![Script::reply(400, "")]);
    let pbx = Pbx::with(&itsp.url(), "max = 1");
    pbx.plant(0xabc, "+1", &item(0xabc, "+1", now_s(), "x"));
    assert_eq!(run(&pbx, &["--flush"]).code, Some(0));
    pbx.plant(0xdef, "+2", &item(0xdef, "+2", now_s(), "x"));
    says(
        &run(&pbx, &["--retry", "all"]),
        75,
        "the queue holds 1 messages, its limit",
    );
    assert_eq!((pbx.names("new").len(), pbx.names("failed").len()), (1, 1));
}

#[test]
fn one_that_may_have_been_sent_says_so_when_it_is_put_back() {
    let pbx = Pbx::with(&format!("http://{}", deaf_address()), "");
    let text = item(0xabc, "+1", now_s(), "x").replace("unsure: 0", "unsure: 2");
    let path = pbx.plant(0xabc, "+1", &text);
    let failed = pbx.queue().join("failed");
    fs::create_dir_all(&failed).unwrap();
    fs::rename(&path, failed.join(path.file_name().unwrap())).unwrap();
    says(
        &run(&pbx, &["--retry", "0000"]),
        0,
        "it may have been sent before",
    );
}

#[test]
fn what_is_no_message_is_shown_as_a_file_and_can_be_dropped() {
    let pbx = Pbx::with(&format!("http://{}", deaf_address()), "");
    let path = pbx.plant(0xabc, "+1", "no message");
    let failed = pbx.queue().join("failed");
    fs::create_dir_all(&failed).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    fs::rename(&path, failed.join(format!("{name}.bad"))).unwrap();
    says(
        &run(&pbx, &["--show", "0000"]),
        0,
        "reason: no message; the file is ",
    );
    says(&run(&pbx, &["--retry", "0000"]), 0, "stays in failed/");
    says(&run(&pbx, &["--drop", "0000"]), 0, "dropped");
    assert!(pbx.names("failed").is_empty());
}
