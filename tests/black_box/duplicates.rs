//! Checks that a repeated webhook is acknowledged and delivered once, whatever happens to the record.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::rig::{self, Called, FORM, Scratch, Websmsd, wait_for};

const IDS: &str = "[websmsd]\nkey_id = Id\nreport_success = ok\n";

fn sms(id: &str, text: &str) -> String {
    format!("To=%2B12025550160&From=%2B15017122661&Body={text}&Id={id}")
}

#[track_caller]
fn send(websmsd: &Websmsd, id: &str, text: &str) {
    let answer = websmsd.post("/", FORM, sms(id, text));
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
}

#[track_caller]
fn check_texts(websmsd: &Websmsd, expected: &[&str]) {
    let files = websmsd.call_files();
    let mut texts: Vec<String> = files.iter().map(rig::CallFile::body).collect();
    texts.sort();
    assert_eq!(texts, expected, "{}", websmsd.log());
}

/// Returns the configuration of a daemon whose state outlives it.
fn conf_in(state: &Scratch) -> String {
    let state = state.path().display();
    format!("{IDS}[queue]\ndir = \"{state}\"\n[astqueue]\nmax = 100000\n")
}

fn ids(state: &Path) -> PathBuf {
    state.join("seen/ids")
}

/// Starts the daemon under `strace`, which applies `inject` to system calls on `path` within its state
/// folder.
fn traced(state: &Scratch, path: &str, inject: &str) -> Websmsd {
    let scratch = Scratch::new();
    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &conf_in(state)));
    let mut run = Command::new("strace");
    run.args(["-D", "-f", "-qq", "-o", "/dev/null", "-P"])
        .arg(state.join(path))
        .args(["-e", &format!("inject={inject}")])
        .arg(rig::binary())
        .args(["websmsd", "-l", "127.0.0.1:0", "-v", "-c"])
        .arg(conf);
    Websmsd::spawn(run, scratch)
}

#[test]
fn the_same_again_is_acknowledged_and_not_delivered() {
    let websmsd = Websmsd::start(IDS);
    for _ in 0..3 {
        send(&websmsd, "a1", "x");
    }
    check_texts(&websmsd, &["x"]);
    websmsd.wait_for_log("delivered before");
    send(&websmsd, "a2", "x");
    check_texts(&websmsd, &["x", "x"]);
    let found = fs::metadata(ids(&websmsd.scratch.join("state"))).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    let record = fs::read_to_string(ids(&websmsd.scratch.join("state"))).unwrap();
    assert!(record.starts_with("websms seen 2\n"), "{record}");
    assert_eq!(record.lines().count(), 3, "{record}");
}

#[test]
fn the_same_id_with_other_contents_is_delivered_with_a_warning() {
    let websmsd = Websmsd::start(IDS);
    send(&websmsd, "a1", "x");
    assert!(!websmsd.log().contains("other contents"));
    send(&websmsd, "a1", "y");
    websmsd.wait_for_log("an id comes again with other contents");
    let other = sms("a1", "x").replace("2661", "2662");
    assert_eq!(websmsd.post("/", FORM, other).status, 200);
    check_texts(&websmsd, &["x", "x", "y"]);
    send(&websmsd, "a1", "y");
    check_texts(&websmsd, &["x", "x", "y"]);
}

#[test]
fn without_an_id_nothing_is_a_duplicate() {
    let websmsd = Websmsd::start(IDS);
    for _ in 0..2 {
        send(&websmsd, "", "x");
        let without = sms("", "x").replace("&Id=", "");
        assert_eq!(websmsd.post("/", FORM, without).status, 200);
    }
    check_texts(&websmsd, &["x"; 4]);
    let websmsd = Websmsd::start("[websmsd]\nreport_success = ok");
    send(&websmsd, "a1", "x");
    send(&websmsd, "a1", "x");
    check_texts(&websmsd, &["x"; 2]);
    assert!(!websmsd.scratch.join("state/seen").exists());
}

#[test]
fn every_interface_has_ids_of_its_own() {
    let websmsd = Websmsd::start("[websmsd]\nkey_id = Id\nurl_path[a] = /a\nurl_path[b] = /b\n");
    for target in ["/a", "/b", "/a", "/b"] {
        assert_eq!(websmsd.post(target, FORM, sms("1", "x")).status, 200);
    }
    check_texts(&websmsd, &["x"; 2]);
}

#[test]
fn every_message_of_a_request_counts_for_itself() {
    let conf = "[websmsd]\nkey_id = id\neach = list\nkey_to = to\nkey_from = from\nkey_body = text";
    let websmsd = Websmsd::start(conf);
    let send = |messages: &[(&str, &str)]| {
        let elements: Vec<String> = messages
            .iter()
            .map(|(id, text)| format!(r#"{{"id":"{id}","to":"1","from":"2","text":"{text}"}}"#))
            .collect();
        let body = format!(r#"{{"list":[{}]}}"#, elements.join(","));
        assert_eq!(websmsd.post("/", "application/json", body).status, 200);
    };
    send(&[("1", "a"), ("2", "b"), ("1", "a"), ("1", "c")]);
    check_texts(&websmsd, &["a", "b", "c"]);
    send(&[("2", "b"), ("3", "d"), ("1", "c")]);
    check_texts(&websmsd, &["a", "b", "c", "d"]);
    send(&[("2", "b")]);
    check_texts(&websmsd, &["a", "b", "c", "d"]);
}

#[test]
fn the_same_as_one_that_went_nowhere_is_no_duplicate() {
    let websmsd = Websmsd::start("[websmsd]\nkey_id = id\neach = list");
    let long = "x".repeat(20_000);
    let one = format!(r#"{{"id":"1","To":"1","From":"2","Body":"{long}"}}"#);
    for body in [
        format!(r#"{{"list":[{one}]}}"#),
        format!(r#"{{"list":[{one},{one}]}}"#),
    ] {
        assert_eq!(websmsd.post("/", "application/json", body).status, 413);
    }
    assert!(websmsd.call_files().is_empty());
    assert!(
        !websmsd.log().contains("delivered before"),
        "{}",
        websmsd.log()
    );
}

#[test]
fn what_was_not_delivered_is_not_recorded() {
    let websmsd = Websmsd::start(IDS);
    fs::remove_dir(websmsd.outgoing()).unwrap();
    fs::write(websmsd.outgoing(), "").unwrap();
    assert_eq!(websmsd.post("/", FORM, sms("1", "x")).status, 503);
    fs::remove_file(websmsd.outgoing()).unwrap();
    fs::create_dir(websmsd.outgoing()).unwrap();
    send(&websmsd, "1", "x");
    check_texts(&websmsd, &["x"]);
}

#[test]
fn ids_survive_a_restart() {
    let state = Scratch::new();
    let first = Websmsd::start(&conf_in(&state));
    send(&first, "1", "x");
    drop(first);
    let second = Websmsd::start(&conf_in(&state));
    send(&second, "1", "x");
    send(&second, "2", "y");
    check_texts(&second, &["y"]);
    drop(second);
    let third = Websmsd::start(&conf_in(&state));
    send(&third, "1", "x");
    send(&third, "2", "y");
    check_texts(&third, &[]);
}

#[test]
fn without_a_folder_ids_are_in_memory_and_survive_a_reload() {
    let websmsd = Websmsd::start(&format!("{IDS}[queue]\ndir =\n"));
    send(&websmsd, "1", "x");
    websmsd.signal("HUP");
    websmsd.wait_for_log("configuration read again");
    send(&websmsd, "1", "x");
    check_texts(&websmsd, &["x"]);
    assert!(!websmsd.scratch.join("state").exists());
}

#[test]
fn of_many_at_once_one_is_delivered() {
    const IDS_SENT: usize = 40;
    let websmsd = Websmsd::start(IDS);
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut http = websmsd.connect();
                for id in 0..IDS_SENT {
                    start.wait();
                    http.send(rig::post("/", FORM, sms(&id.to_string(), &id.to_string())));
                    assert_eq!(http.answer().status, 200);
                }
            });
        }
    });
    let texts: HashSet<String> = websmsd.call_files().iter().map(|it| it.body()).collect();
    assert_eq!(texts.len(), IDS_SENT);
    assert_eq!(websmsd.call_files().len(), IDS_SENT);
    let record = fs::read_to_string(ids(&websmsd.scratch.join("state"))).unwrap();
    assert_eq!(record.lines().count(), IDS_SENT + 1);
}

// ---- Between processes ----------------------------------------------------------------------

/// Holds a lock: on `seen/lock` like a replay that delivers, or on `seen` like a process that writes.
fn hold_lock(state: &Path, path: &str) -> Child {
    let held = state.join("held");
    let child = Command::new("flock")
        .arg(state.join(path))
        .args(["sh", "-c", "touch \"$0\"; read line"])
        .arg(&held)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("the lock", || held.exists());
    child
}

#[test]
fn a_delivery_waits_for_a_replay_but_not_for_ever() {
    let websmsd = Websmsd::start(IDS);
    send(&websmsd, "1", "a");
    let mut held = hold_lock(&websmsd.scratch.join("state"), "seen/lock");
    assert_eq!(websmsd.post("/", FORM, sms("2", "b")).status, 503);
    websmsd.wait_for_log("503, its id is under way");
    let mut http = websmsd.connect();
    http.send(rig::post("/", FORM, sms("3", "c")));
    // Closes its input, so that it ends.
    drop(held.stdin.take());
    held.wait().unwrap();
    assert_eq!(http.answer().status, 200);
    check_texts(&websmsd, &["a", "c"]);
}

#[test]
fn slow_a_record_that_another_process_holds_leaves_ids_in_memory() {
    let websmsd = Websmsd::start(&format!("{IDS}[astqueue]\nmax = 100000\n"));
    let state = websmsd.scratch.join("state");
    send(&websmsd, "1", "a");
    let mut held = hold_lock(&state, "seen");
    for _ in 0..2 {
        send(&websmsd, "2", "b");
    }
    websmsd.wait_for_log("another process holds it; the last 4096 ids");
    check_texts(&websmsd, &["a", "b"]);
    drop(held.stdin.take());
    held.wait().unwrap();
    wait_for("the record", || {
        send(&websmsd, &new_id(), "c");
        fs::read_to_string(ids(&state)).unwrap().lines().count() > 3
    });
    websmsd.wait_for_log("written down again");
}

/// Returns an id that was never sent.
fn new_id() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(100);
    COUNT.fetch_add(1, Ordering::Relaxed).to_string()
}

#[test]
fn a_folder_that_is_removed_is_made_again() {
    let websmsd = Websmsd::start(IDS);
    let state = websmsd.scratch.join("state");
    send(&websmsd, "1", "a");
    rig::remove_folder(&state);
    send(&websmsd, "1", "a");
    send(&websmsd, "2", "b");
    check_texts(&websmsd, &["a", "b"]);
    let record = fs::read_to_string(ids(&state)).unwrap();
    assert_eq!(record.lines().count(), 3, "{record}");
}

#[test]
fn what_another_process_delivers_is_known_here() {
    let state = Scratch::new();
    let [one, two] = [(); 2].map(|()| Websmsd::start(&conf_in(&state)));
    send(&one, "1", "x");
    send(&two, "1", "x");
    send(&two, "2", "y");
    send(&one, "2", "y");
    check_texts(&one, &["x"]);
    check_texts(&two, &["y"]);
}

// ---- Crashes and faults ---------------------------------------------------------------------

#[test]
fn a_crash_between_call_file_and_record_doubles_one_and_loses_none() {
    let state = Scratch::new();
    // A process that records takes a lock on the folder first, when the call file has been moved.
    let mut websmsd = traced(&state, "seen", "flock:signal=SIGKILL:when=1");
    let mut http = websmsd.connect();
    http.send(rig::post("/", FORM, sms("1", "x")));
    assert!(http.try_answer().is_none(), "{}", websmsd.log());
    websmsd.wait_for_exit();
    check_texts(&websmsd, &["x"]);
    assert!(!ids(state.path()).exists());
    // The provider, which had no answer, sends again: that SMS is there twice, and then known.
    let after = Websmsd::start(&conf_in(&state));
    for _ in 0..2 {
        send(&after, "1", "x");
    }
    check_texts(&after, &["x"]);
}

#[test]
fn a_crash_right_behind_the_answer_doubles_none() {
    let state = Scratch::new();
    for round in 0..5 {
        let mut websmsd = Websmsd::start(&conf_in(&state));
        let (last, next) = (round.to_string(), (round + 1).to_string());
        if round > 0 {
            send(&websmsd, &last, "x");
        }
        send(&websmsd, &next, "x");
        websmsd.signal("KILL");
        websmsd.wait_for_exit();
        check_texts(&websmsd, &["x"]);
    }
}

/// Checks a state folder whose record of ids is spoilt by `spoil`, from a good record of the ids 1 and 2.
#[track_caller]
fn check_spoilt(spoil: impl Fn(&Path), log: &str, known: &[&str]) {
    let state = Scratch::new();
    let before = Websmsd::start(&conf_in(&state));
    send(&before, "1", "1");
    send(&before, "2", "2");
    drop(before);
    spoil(&ids(state.path()));
    let texts: Vec<&str> = ["1", "2", "3"]
        .into_iter()
        .filter(|id| !known.contains(id))
        .collect();
    let websmsd = Websmsd::start(&conf_in(&state));
    websmsd.wait_for_log(log);
    for _ in 0..2 {
        for id in ["1", "2", "3"] {
            send(&websmsd, id, id);
        }
        check_texts(&websmsd, &texts);
    }
    drop(websmsd);
    // The unreadable file remains for the operator, and the new record is complete.
    assert!(state.join("seen/ids.bad").symlink_metadata().is_ok());
    let after = Websmsd::start(&conf_in(&state));
    for id in ["1", "2", "3"] {
        send(&after, id, id);
    }
    check_texts(&after, &[]);
    assert!(!after.log().contains("set aside"), "{}", after.log());
}

#[test]
fn a_record_that_cannot_be_read_is_set_aside() {
    let edit = |change: fn(String) -> String| {
        move |path: &Path| {
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, change(text)).unwrap();
        }
    };
    let cut = edit(|text| text[..text.len() - 1].to_owned());
    check_spoilt(cut, "its last line is cut; set aside as", &["1"]);
    let nonsense = edit(|text| text.replacen("2\n", "2\nnonsense\n", 1));
    check_spoilt(nonsense, "line 2 is no record; set aside as", &["1", "2"]);
    let later = edit(|text| text.replacen("seen 2", "seen 3", 1));
    check_spoilt(later, "not of this version; set aside as", &[]);
    check_spoilt(edit(|_| String::new()), "not of this version; set", &[]);
    let long = |path: &Path| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(32 * 1024 * 1024).unwrap();
    };
    check_spoilt(long, "longer than 31457294 bytes; set aside as", &[]);
    let folder = |path: &Path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    };
    check_spoilt(folder, "not a regular file; set aside as", &[]);
    let link = |path: &Path| {
        fs::rename(path, path.with_extension("elsewhere")).unwrap();
        symlink("ids.elsewhere", path).unwrap();
    };
    check_spoilt(link, "not a regular file; set aside as", &[]);
}

#[test]
fn a_folder_that_cannot_be_used_leaves_ids_in_memory() {
    let check = |spoil: &dyn Fn(&Path), log: &str| {
        let state = Scratch::new();
        spoil(state.path());
        let websmsd = Websmsd::start(&conf_in(&state));
        websmsd.wait_for_log(log);
        for id in ["1", "2", "1", "2"] {
            send(&websmsd, id, id);
        }
        check_texts(&websmsd, &["1", "2"]);
    };
    let file = |state: &Path| fs::write(state.join("seen"), "").unwrap();
    check(&file, "/seen/ids: ");
    let bad = |state: &Path| {
        fs::create_dir_all(state.join("seen/ids")).unwrap();
        fs::create_dir_all(state.join("seen/ids.bad/full")).unwrap();
    };
    check(&bad, "/seen/ids: ");
}

#[test]
fn a_disk_that_is_full_or_read_only_leaves_ids_in_memory() {
    let check = |before: &[&str], path: &str, inject: &str, log: &str| {
        let state = Scratch::new();
        if !before.is_empty() {
            let websmsd = Websmsd::start(&conf_in(&state));
            before.iter().for_each(|id| send(&websmsd, id, id));
        }
        let websmsd = traced(&state, path, inject);
        for id in ["0", "1", "2", "1", "2", "0"] {
            send(&websmsd, id, id);
        }
        let mut texts = vec!["0", "1", "2"];
        texts.retain(|text| !before.contains(text));
        check_texts(&websmsd, &texts);
        websmsd.wait_for_log(log);
        let complaints = websmsd.log().matches(log).count();
        assert_eq!(complaints, 1, "{}", websmsd.log());
    };
    let (full, read_only) = (
        "the disk is full; the last 4096 ids",
        "the filesystem is read-only; the last 4096 ids",
    );
    check(&["0"], "seen/ids", "write:error=ENOSPC", full);
    check(&[], "seen/ids.new", "write:error=ENOSPC", full);
    check(&[], "seen/ids.new", "fsync:error=EDQUOT", full);
    check(&[], "seen/ids.new", "fchmod:error=EROFS", read_only);
    check(&[], "seen", "renameat,renameat2:error=EROFS", read_only);
}

#[test]
fn slow_what_could_not_be_written_is_written_when_there_is_room_again() {
    let state = Scratch::new();
    // This applies to the system calls of one connection, because each has its own thread, which is counted
    // separately.
    let websmsd = traced(&state, "seen/ids.new", "write:error=ENOSPC:when=1");
    let mut http = websmsd.connect();
    let mut send_next = |id: usize| {
        http.send(rig::post("/", FORM, sms(&id.to_string(), "x")));
        assert_eq!(http.answer().status, 200);
    };
    send_next(1);
    websmsd.wait_for_log("the disk is full");
    let mut number = 2;
    wait_for("the next try", || {
        send_next(number);
        number += 1;
        ids(state.path()).exists()
    });
    websmsd.wait_for_log("written down again");
    drop(websmsd);
    let after = Websmsd::start(&conf_in(&state));
    for id in [1, 2, number / 2, number - 1] {
        send(&after, &id.to_string(), "x");
    }
    check_texts(&after, &[]);
}

#[test]
fn the_file_is_written_anew_when_it_has_twice_what_is_held() {
    let check = |records: usize, lines: usize| {
        let state = Scratch::new();
        fs::create_dir(state.join("seen")).unwrap();
        // The records belong to the interface without a name, and their lines have the greatest length.
        let mut file = "websms seen 2\n".to_owned();
        for id in 1..=records {
            file.push_str(&format!("05fe4057 {id:016x} 0000000000000000 {id:016x}\n"));
        }
        fs::write(ids(state.path()), file).unwrap();
        let websmsd = Websmsd::start(&conf_in(&state));
        send(&websmsd, "1", "x");
        send(&websmsd, "1", "x");
        check_texts(&websmsd, &["x"]);
        let record = fs::read_to_string(ids(state.path())).unwrap();
        assert_eq!(record.lines().count(), 1 + lines, "{records}");
        assert_eq!(websmsd.log().matches("set aside").count(), 0);
    };
    check(4095, 4096);
    check(4096, 4097);
    check(8191, 8192);
    check(8192, 4096);
}

#[test]
fn a_record_of_version_1_goes_on() {
    let state = Scratch::new();
    let before = Websmsd::start(&conf_in(&state));
    send(&before, "1", "x");
    drop(before);
    let record = fs::read_to_string(ids(state.path())).unwrap();
    let fields: Vec<&str> = record.split_whitespace().collect();
    let ["websms", "seen", "2", _, id, content, "-"] = fields[..] else {
        panic!("{record}");
    };
    fs::write(
        ids(state.path()),
        format!("websms seen 1\n{id} {content}\n"),
    )
    .unwrap();
    for _ in 0..2 {
        let websmsd = Websmsd::start(&conf_in(&state));
        send(&websmsd, "1", "x");
        check_texts(&websmsd, &[]);
        assert!(!websmsd.log().contains("set aside"), "{}", websmsd.log());
        let now = fs::read_to_string(ids(state.path())).unwrap();
        assert_eq!(now, format!("websms seen 2\n00000000 {id} {content} -\n"));
    }
}

#[test]
fn a_stranger_pushes_out_nothing_of_another_interface() {
    let websmsd = Websmsd::start(
        "[websmsd]\nkey_id = Id\nurl_path[open] = /open\nurl_path[main] = /main\n\
         [astqueue]\nmax = 100000\nsync = no\n",
    );
    assert_eq!(websmsd.post("/main", FORM, sms("1", "x")).status, 200);
    let mut http = websmsd.connect();
    for id in 0..5000 {
        http.send(rig::post("/open", FORM, sms(&id.to_string(), "y")));
        assert_eq!(http.answer().status, 200);
    }
    assert_eq!(websmsd.post("/main", FORM, sms("1", "x")).status, 200);
    let files = websmsd.call_files();
    assert_eq!(files.iter().filter(|file| file.body() == "x").count(), 1);
}

#[test]
fn the_daemon_s_links_share_one_record() {
    let state = Scratch::new();
    let one = Websmsd::start_as(Called::PhpLink, Scratch::new(), &conf_in(&state), &[]);
    send(&one, "1", "x");
    drop(one);
    let two = Websmsd::start_as(Called::FirstArgument, Scratch::new(), &conf_in(&state), &[]);
    send(&two, "1", "x");
    check_texts(&two, &[]);
}
