//! Tests attacks on Asterisk's spool through webhooks, and a missing spool: everybody else's SMS must
//! arrive.
//!
//! Nobody takes call files unless the test does.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::rig::{self, Answer, Called, FORM, Itsp, Scratch, Script, Websmsd, post, wait_for};

fn form(to: &str, text: &str) -> String {
    let to = to.replace('+', "%2B");
    format!("To={to}&From=%2B15017122661&Body={text}")
}

fn send(websmsd: &Websmsd, to: &str) -> Answer {
    websmsd.post("/", FORM, form(to, "Hello"))
}

/// Returns how many of so many SMS are taken. All others must get 503, so that they come again.
fn flood(websmsd: &Websmsd, to: &str, count: usize) -> usize {
    let mut http = websmsd.connect();
    let request = post("/", FORM, form(to, "x"));
    let answers = (0..count).map(|_| {
        http.send(&request);
        http.answer()
    });
    let taken = answers.filter(|answer| match answer.status {
        200 => true,
        503 => {
            assert!(answer.header("Retry-After").is_some());
            false
        }
        other => panic!("{other}"),
    });
    taken.count()
}

/// Returns a text of 16 parts.
fn long() -> String {
    "long+text+".repeat(1580)
}

// ---- Extensions that Asterisk runs by itself ------------------------------------------------

#[test]
fn no_sms_runs_an_extension_of_asterisk_s_own() {
    let websmsd = Websmsd::start("[websmsd]");
    for to in ["_X.", "-_X.", "_", "-", "---", "f-a-i-l-e-d"] {
        assert_eq!(send(&websmsd, to).status, 422, "{to}");
    }
    websmsd.wait_for_log("422, to begins with _, like a pattern of Asterisk");
    websmsd.wait_for_log("422, to has no character but -");
    let special = ["s", "h", "i", "t", "T", "e", "o", "a", "failed"];
    for extension in special {
        for to in ["@", "-@", "@-", "-@-"].map(|shape| shape.replace('@', extension)) {
            assert_eq!(send(&websmsd, &to).status, 422, "{to}");
        }
    }
    assert_eq!(websmsd.call_files().len(), 0);
    // --replay does not deliver them either; one of them was kept for it.
    let kept = fs::read_dir(websmsd.scratch.join("state/rejected")).unwrap();
    let kept = kept.map(|entry| entry.unwrap().path()).next().unwrap();
    let mut run = rig::daemon_command(Called::Link, &websmsd.scratch);
    run.arg("--replay").arg(kept).arg("-c");
    run.arg(websmsd.scratch.join("websms.conf"));
    let ran = rig::finish(run);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    assert!(ran.stdout.contains("not acceptable: to "), "{}", ran.stdout);
    assert_eq!(websmsd.call_files().len(), 0);
}

// ---- Numbers whose SMS nobody takes ---------------------------------------------------------

#[test]
fn a_thousand_sms_that_nobody_takes_leave_room_for_all_others() {
    let scratch = Scratch::new();
    let conf = "[websms]\nlog_numbers = masked\n[websmsd]\n[astqueue]\nsync = no\n";
    let websmsd = Websmsd::start_as(Called::Link, scratch, conf, &[]);
    assert_eq!(flood(&websmsd, "+12025550100", 1000), 251);
    assert_eq!(flood(&websmsd, "--+1202-555-0100-", 10), 0);
    websmsd.wait_for_log("503, not delivered to ...100: 251 call files for it wait in ");
    assert!(!websmsd.log().contains("+12025550100"));
    for number in ["+12025550101", "nobody", "x.y"] {
        assert!(flood(&websmsd, number, 300) > 100, "{number}");
    }
    for number in 200..230 {
        assert_eq!(send(&websmsd, &format!("+12025550{number}")).status, 200);
    }
    // A daemon that is started again finds the spool in this state.
    let conf = websmsd.scratch.join("websms.conf");
    let home = Scratch::new();
    let mut run = rig::daemon_command(Called::Link, &home);
    run.arg("-c").arg(conf).args(["-l", "127.0.0.1:0", "-v"]);
    let second = Websmsd::spawn(run, home);
    assert_eq!(flood(&second, "+12025550100", 10), 0);
    assert_eq!(send(&second, "+12025550300").status, 200);
    // The phone is reachable again.
    for file in websmsd.call_files() {
        if file.name.starts_with("+12025550100.") {
            fs::remove_file(file.path).unwrap();
        }
    }
    wait_for("a place", || send(&websmsd, "+12025550100").status == 200);
}

#[test]
fn a_crowded_number_holds_up_nobody_in_the_same_request() {
    let each = "[websmsd]\neach = list\nkey_to = to\nkey_from = from\nkey_body = text\n";
    let check = |keys: &str, expected: usize| {
        let conf = format!("{each}{keys}[astqueue]\nsync = no\nmax = 20\n");
        let websmsd = Websmsd::start(&conf);
        let message = |to: &str, id: usize| {
            format!("{{\"to\":\"{to}\",\"from\":\"+1\",\"text\":\"x\",\"id\":\"{id}\"}}")
        };
        let deliver = |messages: &[String]| {
            let body = format!("{{\"list\":[{}]}}", messages.join(","));
            websmsd.post("/", "application/json", body).status
        };
        let mut dead = (0..20).map(|id| deliver(&[message("dead", id)]));
        assert_eq!(dead.position(|status| status == 503), Some(6));
        let arrived = |to: &str| {
            let files = websmsd.call_files();
            let start = format!("{to}.");
            files
                .iter()
                .filter(|file| file.name.starts_with(&start))
                .count()
        };
        let both = [message("+2", 90), message("de-ad", 91), message("+3", 92)];
        for _ in 0..3 {
            assert_eq!(deliver(&both), 503, "{keys}");
        }
        let others = arrived("+2") + arrived("+3");
        assert_eq!((others, arrived("de-ad")), (expected, 0), "{keys}");
        // There is room, and each SMS is there once.
        for file in websmsd.call_files() {
            if file.name.starts_with("dead.") {
                fs::remove_file(file.path).unwrap();
            }
        }
        wait_for("a place", || deliver(&both) == 200);
        let all = ["+2", "+3", "de-ad"].map(arrived);
        assert_eq!(all, [1, 1, 1], "{keys}");
    };
    check("key_id = id\n", 2);
    // Without an id they would come again with each try.
    check("", 0);
}

// ---- Long texts -----------------------------------------------------------------------------

/// Ends a thread with the value, even if the test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Takes the files that are due, as Asterisk does, until the test is over.
fn take_due(outgoing: &Path, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        for entry in fs::read_dir(outgoing).unwrap() {
            let entry = entry.unwrap();
            let due = entry.metadata().and_then(|status| status.modified());
            if due.is_ok_and(|due| due <= SystemTime::now()) {
                let _ = fs::remove_file(entry.path());
            }
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn parts_that_wait_for_their_time_take_nobody_s_place() {
    let websmsd = Websmsd::start("[websmsd]\n[astqueue]\nsync = no\nmax = 40\n");
    let (over, text) = (AtomicBool::new(false), long());
    thread::scope(|scope| {
        let _over = Over(&over);
        scope.spawn(|| take_due(&websmsd.outgoing(), &over));
        let mut most = 0;
        for number in 0..40 {
            for to in [
                "+12025550100".to_owned(),
                format!("+1202555020{}", number % 10),
            ] {
                let sent = || websmsd.post("/", FORM, form(&to, &text)).status == 200;
                assert!(rig::holds_within(rig::PATIENCE, sent), "{to} {number}");
            }
            assert_eq!(send(&websmsd, &format!("short{number}")).status, 200);
            let waiting = fs::read_dir(websmsd.outgoing()).unwrap().count();
            most = most.max(waiting);
        }
        // Far more than `max` waited at once. The quicker the machine, the more it is, because the last part
        // of each text is due after 15 s.
        assert!(most > 80, "{most}");
    });
    // A new configuration does not forget which files are parts.
    websmsd.signal("HUP");
    websmsd.wait_for_log("configuration read again");
    assert_eq!(send(&websmsd, "+12025550300").status, 200);
}

#[test]
fn long_texts_that_nobody_takes_leave_room_for_all_others() {
    let websmsd = Websmsd::start("[websmsd]\n[astqueue]\nsync = no\nmax = 400\n");
    let text = long();
    let taken = (0..50).filter(|_| websmsd.post("/", FORM, form("dead", &text)).status == 200);
    let taken = taken.count();
    assert!((4..8).contains(&taken), "{taken}");
    // A daemon that is started again counts the parts at once, as if their time had come.
    let conf = websmsd.scratch.join("websms.conf");
    let home = Scratch::new();
    let mut run = rig::daemon_command(Called::Link, &home);
    run.arg("-c").arg(conf).args(["-l", "127.0.0.1:0", "-v"]);
    let second = Websmsd::spawn(run, home);
    assert_eq!(send(&second, "dead").status, 503);
    assert_eq!(send(&second, "+12025550300").status, 200);
}

// ---- A spool that is not there --------------------------------------------------------------

/// A configuration whose spool is in a folder that Asterisk has yet to make.
const NOT_THERE: &str = "[websmsd]\n[astqueue]\nsync = no\noutgoingdir = \"@DIR@/asterisk/outgoing\"\n\
                         stagingdir = \"@DIR@/asterisk/staging\"\n";

#[test]
fn slow_a_spool_that_is_not_there_is_awaited_and_never_made() {
    let websmsd = Websmsd::start(NOT_THERE);
    let spool = websmsd.scratch.join("asterisk");
    websmsd.wait_for_log("outgoingdir does not exist");
    let refused = || {
        let answer = send(&websmsd, "+12025550160");
        assert!(!spool.exists(), "{answer:?}");
        answer.status == 503 && answer.header("Retry-After").is_some()
    };
    assert!(refused());
    websmsd.wait_for_log("asterisk/outgoing does not exist: asterisk makes it");
    websmsd.signal("HUP");
    websmsd.wait_for_log("configuration read again");
    assert!(refused());
    // The folder is found without an SMS too, and everything is prepared.
    let outgoing = websmsd.scratch.folder("asterisk/outgoing");
    websmsd.wait_for_log("SMS can be delivered again");
    assert!(spool.join("staging").exists());
    assert_eq!(send(&websmsd, "+12025550160").status, 200);
    assert_eq!(fs::read_dir(&outgoing).unwrap().count(), 1);
    // It disappears and comes back; the next SMS finds it at once.
    rig::remove_folder(&spool);
    assert!(refused());
    websmsd.wait_for_log("cannot deliver SMS, webhooks get 503");
    websmsd.scratch.folder("asterisk/outgoing");
    assert_eq!(send(&websmsd, "+12025550160").status, 200);
}

/// A storage stick is removed, put in again, and replaced by another, in a mount namespace of the daemon.
#[test]
fn a_spool_goes_and_comes_with_its_filesystem() {
    let scratch = Scratch::new();
    let stick = scratch.folder("stick");
    let conf = NOT_THERE.replace("@DIR@", "@DIR@/stick");
    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &conf));
    let mut run = rig::command(Path::new("unshare"));
    run.args(["--user", "--map-root-user", "--mount"]);
    run.arg(rig::binary()).args(["websmsd", "-c"]).arg(&conf);
    run.args(["-l", "127.0.0.1:0", "-v"]);
    let websmsd = Websmsd::spawn(run, scratch);
    let inside = |script: &str| {
        let mut run = rig::command(Path::new("nsenter"));
        run.args(["--user", "--mount", "--preserve-credentials", "-t"]);
        run.arg(websmsd.pid().to_string());
        run.args(["sh", "-ec", script]).arg(&stick);
        let ran = rig::finish(run);
        assert_eq!(ran.code, Some(0), "{script}: {}{}", ran.stdout, ran.stderr);
        ran.stdout
    };
    let status = || send(&websmsd, "+12025550160").status;
    assert_eq!((status(), inside("ls \"$0\"").as_str()), (503, ""));
    inside("mount -t tmpfs none \"$0\"; mkdir -p \"$0/asterisk/outgoing\"");
    assert_eq!(status(), 200);
    assert_eq!(inside("ls \"$0/asterisk\""), "outgoing\nstaging\n");
    inside("umount \"$0\"");
    assert_eq!((status(), inside("ls \"$0\"").as_str()), (503, ""));
    inside("mount -t tmpfs none \"$0\"; mkdir -p \"$0/asterisk/outgoing\"");
    assert_eq!(status(), 200);
    // Another filesystem is mounted over it while it is in use.
    inside("mount -t tmpfs none \"$0\"");
    assert_eq!((status(), inside("ls \"$0\"").as_str()), (503, ""));
    inside("umount \"$0\"");
    assert_eq!(
        (
            status(),
            inside("ls \"$0/asterisk/outgoing\" | wc -l").trim()
        ),
        (200, "2")
    );
}

#[test]
fn a_spool_that_is_not_there_is_a_warning_of_check() {
    let scratch = Scratch::new();
    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, NOT_THERE));
    let check = |expected: &str| {
        let ran = rig::websms(&conf, &["--check"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stdout);
        assert_eq!(
            ran.stdout.matches("outgoingdir").count(),
            1,
            "{}",
            ran.stdout
        );
        assert!(ran.stdout.contains(expected), "{}", ran.stdout);
        assert!(!ran.stdout.contains("stagingdir"), "{}", ran.stdout);
    };
    check("warning: outgoingdir does not exist");
    assert!(!scratch.join("asterisk").exists());
    for applet in [&["--selftest"][..], &["--selftest", "--json"]] {
        let mut run = rig::daemon_command(Called::Link, &scratch);
        run.args(applet)
            .arg("-c")
            .arg(&conf)
            .args(["-l", "127.0.0.1:0"]);
        let ran = rig::finish(run);
        assert_eq!(ran.code, Some(1), "{}", ran.stdout);
        assert!(
            ran.stdout.contains("outgoing does not exist"),
            "{}",
            ran.stdout
        );
        assert!(!scratch.join("asterisk").exists());
    }
    // If the folder exists, stagingdir is made beside it, and on no other filesystem.
    scratch.folder("asterisk/outgoing");
    let ran = rig::websms(&conf, &["--check"]);
    assert!(!ran.stdout.contains("outgoingdir"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("stagingdir"), "{}", ran.stdout);
    let elsewhere = NOT_THERE.replace("@DIR@/asterisk/staging", "/dev/shm/not/there/staging");
    fs::write(&conf, rig::spool_conf(&scratch, &elsewhere)).unwrap();
    let ran = rig::websms(&conf, &["--check"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("are on two filesystems"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_notice_makes_no_spool_and_comes_when_there_is_one() {
    let itsp = Itsp::start(vec![Script::reply(400, "")]);
    let scratch = Scratch::new();
    let conf = format!(
        "[websms]\nhost = \"{}\"\nauth_method = none\n[queue]\nretry = 1s\nfirst = yes\nnotify = yes\n{NOT_THERE}",
        itsp.url()
    );
    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &conf));
    let flush = || {
        let ran = rig::websms(&conf, &["-v", "--flush"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stderr
    };
    let queue = || {
        let ran = rig::websms(
            &conf,
            &["-v", "--", "+12025550183", "+12025550160", "secret"],
        );
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    };
    flush();
    queue();
    let said = flush();
    assert!(said.contains("no notice to=+12025550160"), "{said}");
    assert!(said.contains("asterisk/outgoing does not exist"), "{said}");
    assert!(!scratch.join("asterisk").exists());
    // The sender does not count as told.
    let outgoing = scratch.folder("asterisk/outgoing");
    queue();
    flush();
    assert_eq!(rig::call_files(&outgoing).len(), 1);
}
