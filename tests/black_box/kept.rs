//! Tests the files of refused webhooks, and their delivery by `websmsd --replay`.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::rig::{self, Called, FORM, Ran, Scratch, Websmsd, wait_for};

const NO_TEXT: &str = "To=%2B12025550160&From=%2B15017122661&Text=Hello";

fn folder(scratch: &Scratch) -> PathBuf {
    scratch.join("state/rejected")
}

/// Returns the names of kept files, in order.
fn kept(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Returns the text of the only kept file.
#[track_caller]
fn only(folder: &Path) -> String {
    let names = kept(folder);
    assert_eq!(names.len(), 1, "{names:?}");
    fs::read_to_string(folder.join(&names[0])).unwrap()
}

/// Writes a configuration within `scratch`, for a replay.
fn conf(scratch: &Scratch, conf: &str) -> PathBuf {
    scratch.file("replay.conf", rig::spool_conf(scratch, conf))
}

fn replay(scratch: &Scratch, conf: &Path, file: &Path) -> Ran {
    let mut run = rig::daemon_command(Called::Link, scratch);
    run.arg("--replay").arg(file).arg("-c").arg(conf);
    rig::finish(run)
}

#[track_caller]
fn check_replay(scratch: &Scratch, conf: &Path, file: &Path, code: i32, said: &str) {
    let ran = replay(scratch, conf, file);
    let all = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, Some(code), "{all}");
    assert!(all.contains(said), "{all}");
    assert!(!all.contains("Hello"), "{all}");
}

// ---- What is kept ---------------------------------------------------------------------------

#[test]
fn a_refused_request_is_kept_without_its_credentials() {
    let websmsd =
        Websmsd::start("[websmsd]\nauth_method = basic\nauth_user = u\nauth_passwd = secret");
    let mut http = websmsd.connect();
    http.send(format!(
        "POST /sms?a=b HTTP/1.1\r\nHost: websms\r\nContent-Type: {FORM}\r\nCookie: c=secret\r\n\
         Authorization: Basic dTpzZWNyZXQ=\r\nX-Signature: secret\r\nContent-Length: {}\r\n\r\n{}",
        NO_TEXT.len(),
        NO_TEXT
    ));
    assert_eq!(http.answer().status, 422);
    let folder = folder(&websmsd.scratch);
    let text = only(&folder);
    let (start, rest) = text.split_once("time: ").unwrap();
    let (time, rest) = rest.split_once('\n').unwrap();
    assert_eq!(start, "websms request 2\n");
    assert!(time.parse::<u64>().unwrap() > 1_700_000_000, "{time}");
    let expected = format!(
        "address: 127.0.0.1\ninterface: \ncoverage: whole\nsignature: -\nitems: all\nmethod: POST\n\
         target: /sms?a=b\ncontent-type: {FORM}\nclaims: 0\nbody: {}\n\n{NO_TEXT}",
        NO_TEXT.len()
    );
    assert_eq!(rest, expected);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join(&kept(&folder)[0])), 0o600);
    websmsd.wait_for_log(&format!("kept as {}", kept(&folder)[0]));
    assert!(!websmsd.log().contains("Hello"));
}

#[test]
fn only_what_passed_and_was_refused_is_kept() {
    let check = |conf: &str, request: &[u8], status: u16, files: usize| {
        let websmsd = Websmsd::start(conf);
        let mut http = websmsd.connect();
        http.send(request);
        assert_eq!(http.answer().status, status, "{conf}");
        let found = kept(&folder(&websmsd.scratch)).len();
        assert_eq!(found, files, "{conf} {}", String::from_utf8_lossy(request));
    };
    let form = |body: &str| rig::post("/", FORM, body);
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes();
    check("[websmsd]", &form(NO_TEXT), 422, 1);
    check("[websmsd]\nreject_status = 200", &form(NO_TEXT), 200, 1);
    check("[websmsd]\neach = list", &form(NO_TEXT), 422, 1);
    check("[websmsd]", &form(""), 422, 1);
    check("[websmsd]", &form("To=1&From=2&Body=x"), 200, 0);
    check("[websmsd]\naccept_if = \"a=b\"", &form(NO_TEXT), 200, 0);
    check("[websmsd]\npermit_addr =", &form(NO_TEXT), 403, 0);
    check("[websmsd]\nurl_path = /sms", &form(NO_TEXT), 404, 0);
    let bearer = "[websmsd]\nauth_method = bearer\nauth_passwd = x";
    check(bearer, &form(NO_TEXT), 401, 0);
    let long = format!("To=1&From=2&Body={}", "%01".repeat(10_000));
    check("[websmsd]", &form(&long), 413, 0);
    let many = "a=b&".repeat(1001);
    check("[websmsd]", &form(&many), 413, 0);
    check("[websmsd]\nkeep_rejected = 0", &form(NO_TEXT), 422, 0);
    check("[websmsd]\n[queue]\ndir =", &form(NO_TEXT), 422, 0);
    check("[websmsd]", &get("/?a=b"), 422, 0);
    check("[websmsd]", &get("/?Body=Hello"), 422, 1);
    check("[websmsd]", &get("/?From=1"), 422, 1);
    check("[websmsd]", &get("/"), 200, 0);
}

#[test]
fn of_a_burst_a_quarter_is_kept_and_the_same_replaces_itself() {
    let check = |conf: &str, files: usize| {
        let websmsd = Websmsd::start(&format!("[websmsd]\n{conf}"));
        let folder = folder(&websmsd.scratch);
        for number in 0..20 {
            // The request is kept once although it comes three times.
            for _ in 0..3 {
                let refused = websmsd.post("/", FORM, format!("To={number}"));
                assert_eq!(refused.status, 422);
            }
            assert_eq!(kept(&folder).len(), files.min(number + 1), "{conf}");
        }
        // With so many refusals in one second not each has a line.
        wait_for("a line", || {
            websmsd.post("/", FORM, "To=20");
            let line = "not kept, after a burst only one a minute is";
            websmsd.log().contains(line)
        });
    };
    check("", 8);
    check("keep_rejected = 40", 10);
    check("keep_rejected = 3", 1);
}

#[test]
fn one_that_repeats_itself_cannot_fill_the_log() {
    let websmsd = Websmsd::start("[websmsd]");
    let start = std::time::Instant::now();
    for _ in 0..200 {
        assert_eq!(websmsd.post("/", FORM, NO_TEXT).status, 422);
    }
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap();
    websmsd.wait_for_log("kept as");
    let lines = websmsd.log().lines().count();
    assert!(lines <= 12 * (seconds + 2), "{lines} in {seconds} s");
}

#[test]
fn what_an_operator_has_removed_is_kept_when_it_comes_again() {
    let websmsd = Websmsd::start("[websmsd]");
    let folder = folder(&websmsd.scratch);
    websmsd.post("/", FORM, NO_TEXT);
    let first = kept(&folder);
    fs::remove_file(folder.join(&first[0])).unwrap();
    websmsd.post("/", FORM, NO_TEXT);
    assert_eq!(kept(&folder), first);
}

#[test]
fn one_address_has_a_quarter_of_the_places() {
    let mut scratch = Scratch::new();
    let mut refuse = |address: &str, body: &str, files: usize| {
        // A start begins a new burst.
        let conf = "[websmsd]\nkeep_rejected = 4\nproxy_addr = 127.0.0.1";
        let state = std::mem::replace(&mut scratch, Scratch::new());
        let websmsd = Websmsd::start_as(Called::Link, state, conf, &[]);
        let mut http = websmsd.connect();
        http.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {address}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        assert_eq!(http.answer().status, 422);
        let folder = folder(&websmsd.scratch);
        let names = kept(&folder);
        assert_eq!(names.len(), files, "{}", websmsd.log());
        let text = |name: &String| fs::read_to_string(folder.join(name)).unwrap();
        assert!(names.iter().any(|name| text(name).ends_with(body)));
        // Names and times of files are copied, too.
        let copied = Command::new("cp")
            .arg("-a")
            .arg(websmsd.scratch.join("state"))
            .arg(scratch.join("state"))
            .status();
        assert!(copied.unwrap().success());
    };
    refuse("192.0.2.1", "To=1", 1);
    refuse("192.0.2.1", "To=2", 1);
    refuse("192.0.2.2", "To=3", 2);
    refuse("192.0.2.3", "To=4", 3);
    refuse("192.0.2.3", "To=5", 3);
    refuse("192.0.2.1", "To=6", 3);
}

#[test]
fn what_cannot_be_read_is_set_aside_and_holds_up_nothing() {
    let scratch = Scratch::new();
    let folder = scratch.folder("state/rejected");
    fs::write(folder.join("0000000000000001"), "nonsense").unwrap();
    fs::write(folder.join("0000000000000002"), "websms request 3\n").unwrap();
    fs::write(folder.join("0000000000000003"), vec![b'x'; 500_000]).unwrap();
    fs::create_dir(folder.join("0000000000000004")).unwrap();
    fs::write(folder.join("notes"), "not ours").unwrap();
    let websmsd = Websmsd::start_as(Called::Link, scratch, "[websmsd]", &[]);
    for number in 1..5 {
        websmsd.wait_for_log(&format!("set aside as 000000000000000{number}.bad"));
    }
    websmsd.wait_for_log("not of this version; set aside");
    websmsd.wait_for_log("longer than 458752 bytes; set aside");
    assert_eq!(websmsd.post("/", FORM, "To=1&From=2&Body=x").status, 200);
    assert_eq!(websmsd.post("/", FORM, NO_TEXT).status, 422);
    let names = kept(&folder);
    assert_eq!(names.len(), 6, "{names:?}");
    assert!(names.contains(&"notes".to_owned()));
}

#[test]
fn fewer_places_let_the_oldest_go_at_the_start() {
    let scratch = Scratch::new();
    let first = Websmsd::start("[websmsd]");
    first.post("/", FORM, NO_TEXT);
    let name = kept(&folder(&first.scratch)).remove(0);
    let folder = scratch.folder("state/rejected");
    fs::copy(self::folder(&first.scratch).join(&name), folder.join(&name)).unwrap();
    for number in 1..5 {
        fs::write(folder.join(format!("000000000000000{number}")), "x").unwrap();
    }
    let websmsd = Websmsd::start_as(Called::Link, scratch, "[websmsd]\nkeep_rejected = 3", &[]);
    assert_eq!(kept(&folder).len(), 3, "{}", websmsd.log());
}

#[test]
fn a_folder_that_cannot_be_used_changes_no_answer() {
    let scratch = Scratch::new();
    scratch.folder("state");
    scratch.file("state/rejected", "");
    let websmsd = Websmsd::start_as(Called::Link, scratch, "[websmsd]", &[]);
    websmsd.wait_for_log("refused requests are not kept");
    assert_eq!(websmsd.post("/", FORM, NO_TEXT).status, 422);
    assert_eq!(websmsd.post("/", FORM, "To=1&From=2&Body=x").status, 200);
    assert_eq!(websmsd.call_files().len(), 1);
    // The failure is not permanent: the obstacle is removed.
    let rejected = folder(&websmsd.scratch);
    fs::remove_file(&rejected).unwrap();
    wait_for("a kept one", || {
        websmsd.post("/", FORM, NO_TEXT);
        rejected.is_dir() && kept(&rejected).len() == 1
    });
    assert_eq!(
        websmsd
            .log()
            .matches("refused requests are not kept")
            .count(),
        1
    );
}

#[test]
fn a_disk_that_is_full_or_read_only_changes_no_answer() {
    // The name belongs to this target and body.
    let sample = Websmsd::start("[websmsd]");
    sample.post("/", FORM, NO_TEXT);
    let name = kept(&folder(&sample.scratch)).remove(0);
    let new = format!("{name}.new");
    for (place, inject, log) in [
        (&*new, "write:error=ENOSPC", "the disk is full; refused"),
        (
            &*new,
            "fchmod:error=EROFS",
            "the filesystem is read-only; refused",
        ),
        (
            "",
            "renameat,renameat2:error=EDQUOT",
            "the disk is full; refused",
        ),
    ] {
        let scratch = Scratch::new();
        let conf = conf(&scratch, "[websmsd]");
        let mut run = Command::new("strace");
        run.args(["-D", "-f", "-qq", "-o", "/dev/null", "-P"])
            .arg(match place {
                "" => folder(&scratch),
                place => folder(&scratch).join(place),
            })
            .args(["-e", &format!("inject={inject}")])
            .arg(rig::binary())
            .args(["websmsd", "-l", "127.0.0.1:0", "-v", "-c"])
            .arg(conf);
        let websmsd = Websmsd::spawn(run, scratch);
        assert_eq!(websmsd.post("/", FORM, NO_TEXT).status, 422);
        websmsd.wait_for_log(log);
        assert!(kept(&folder(&websmsd.scratch)).is_empty(), "{inject}");
        assert_eq!(websmsd.post("/", FORM, "To=1&From=2&Body=x").status, 200);
    }
}

#[test]
fn a_folder_that_is_removed_is_made_again() {
    let websmsd = Websmsd::start("[websmsd]");
    rig::remove_folder(&websmsd.scratch.join("state"));
    assert_eq!(websmsd.post("/", FORM, NO_TEXT).status, 422);
    only(&folder(&websmsd.scratch));
}

#[test]
fn what_root_makes_belongs_to_the_owner_of_outgoing() {
    // With another user's daemon all files belong to that user: the rows are equal, but not the expected
    // owner.
    let own = fs::metadata("/proc/self").unwrap();
    let scratch = Scratch::new();
    let outgoing = scratch.folder("outgoing");
    let (uid, gid) = match own.uid() {
        0 => (4242, 4343),
        uid => (uid, own.gid()),
    };
    chown(&outgoing, Some(uid), Some(gid)).unwrap();
    // Root becomes that user, who needs access to the folders.
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let conf_text = "[websmsd]\nkey_id = Id";
    let path = conf(&scratch, conf_text);
    chown(&path, Some(uid), Some(gid)).unwrap();
    let mut run = rig::daemon_command(Called::Link, &scratch);
    run.arg("-c").arg(path).args(["-l", "127.0.0.1:0", "-v"]);
    let websmsd = Websmsd::spawn(run, scratch);
    websmsd.post("/", FORM, NO_TEXT);
    websmsd.post("/", FORM, "To=1&From=2&Body=x&Id=1");
    let scratch = &websmsd.scratch;
    let kept = kept(&folder(scratch)).remove(0);
    let better = conf(scratch, "[websmsd]\nkey_id = Id\nkey_body = Text");
    chown(&better, Some(uid), Some(gid)).unwrap();
    check_replay(
        scratch,
        &better,
        &folder(scratch).join(&kept),
        0,
        "delivered, ",
    );
    let kept = format!("rejected/{kept}");
    for name in ["", "seen", "seen/ids", "seen/lock", "rejected", &kept] {
        let found = scratch.join("state").join(name).metadata().unwrap();
        assert_eq!((found.uid(), found.gid()), (uid, gid), "{name}");
        let mode = if found.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(found.permissions().mode() & 0o777, mode, "{name}");
    }
}

// ---- Replay ---------------------------------------------------------------------------------

#[test]
fn a_replay_delivers_what_a_better_configuration_understands() {
    let websmsd = Websmsd::start("[websmsd]\npermit_addr = 127.0.0.1\nproxy_addr =");
    websmsd.post("/", FORM, NO_TEXT);
    let scratch = &websmsd.scratch;
    let file = folder(scratch).join(&kept(&folder(scratch))[0]);
    // It is replayed by its id and by its path; then the configuration understands it, with rules that
    // nobody passes.
    let still = conf(scratch, "[websmsd]");
    let id = Path::new(file.file_name().unwrap());
    check_replay(scratch, &still, id, 1, "not acceptable: no text");
    check_replay(scratch, &still, Path::new("0123456789abcdef"), 2, "");
    check_replay(scratch, &still, &file, 1, "not acceptable: no text");
    let closed = "[websmsd]\nkey_body = Text\npermit_addr =\nurl_path =\nauth_method = bearer\n\
                  auth_passwd = x";
    let closed = conf(scratch, closed);
    check_replay(scratch, &closed, &file, 0, "delivered, ");
    assert_eq!(websmsd.call_file().body(), "Hello");
    // Without ids nothing is known about it.
    check_replay(scratch, &closed, &file, 0, "delivered, ");
    assert_eq!(websmsd.call_files().len(), 2);
}

#[test]
fn a_replay_knows_duplicates_and_the_running_daemon_knows_replays() {
    let ids = "[websmsd]\nkey_id = Id\nkey_body = Body";
    let websmsd = Websmsd::start(ids);
    websmsd.post("/", FORM, format!("{NO_TEXT}&Id=7"));
    let scratch = &websmsd.scratch;
    let file = folder(scratch).join(&kept(&folder(scratch))[0]);
    let better = conf(scratch, "[websmsd]\nkey_id = Id\nkey_body = Text");
    check_replay(scratch, &better, &file, 0, "delivered, ");
    check_replay(scratch, &better, &file, 0, "delivered before");
    let again = format!("{NO_TEXT}&Id=7").replace("Text", "Body");
    assert_eq!(websmsd.post("/", FORM, again).status, 200);
    websmsd.wait_for_log("delivered before");
    assert_eq!(websmsd.call_files().len(), 1);
}

#[test]
fn several_messages_of_which_nobody_told_are_refused_and_replayed() {
    const JSON: &str = "application/json";
    let list =
        r#"[{"To":"160","From":"2","Body":"secret"},{"To":"161","From":"2","Status":"sent"}]"#;
    // At the top each element is a message, and the second one, which is none, is kept.
    let websmsd = Websmsd::start("[websmsd]");
    assert_eq!(websmsd.post("/", JSON, list).status, 200);
    let file = websmsd.call_file();
    assert_eq!(
        (file.value("Extension").as_str(), file.body().as_str()),
        ("160", "secret")
    );
    websmsd.wait_for_log("422, no text");
    assert!(only(&folder(&websmsd.scratch)).contains("items: 2 of 2\n"));
    // Elsewhere the list is refused with the key that helps, and kept whole.
    let websmsd = Websmsd::start("[websmsd]");
    assert_eq!(
        websmsd.post("/", JSON, format!(r#"{{"m":{list}}}"#)).status,
        422
    );
    websmsd.wait_for_log("422, several messages, and neither each nor a path tells them apart");
    assert!(websmsd.call_files().is_empty());
    let scratch = &websmsd.scratch;
    assert!(only(&folder(scratch)).contains("items: all\n"));
    let file = folder(scratch).join(&kept(&folder(scratch))[0]);
    check_replay(
        scratch,
        &conf(scratch, "[websmsd]"),
        &file,
        1,
        "several messages",
    );
    let each = conf(scratch, "[websmsd]\neach = m");
    check_replay(scratch, &each, &file, 0, "from 2 to 160: delivered, ");
    let files = websmsd.call_files();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].body(), "secret");
}

#[test]
fn of_several_messages_those_that_were_refused_are_replayed() {
    let each = "[websmsd]\neach = list\nkey_to = to\nkey_from = from\nkey_body = text";
    let websmsd = Websmsd::start(each);
    let body = r#"{"list":[{"to":"1","from":"9","text":"a"},{"to":"2","from":"9","message":"Hello"},
                   {"to":"3","from":"9","text":"c"}]}"#;
    assert_eq!(websmsd.post("/", "application/json", body).status, 200);
    assert_eq!(websmsd.call_files().len(), 2);
    let scratch = &websmsd.scratch;
    let text = only(&folder(scratch));
    assert!(text.contains("\nitems: 2 of 3\n"), "{text}");
    let file = folder(scratch).join(&kept(&folder(scratch))[0]);
    let better = conf(scratch, &each.replace("text", "message"));
    check_replay(
        scratch,
        &better,
        &file,
        0,
        "message 2: from 9 to 2: delivered",
    );
    assert_eq!(websmsd.call_files().len(), 3);
    // If the list is read differently, it is unknown which messages were delivered.
    let other = conf(scratch, &format!("{each}\naccept_if = \"to=2\""));
    check_replay(scratch, &other, &file, 1, "which cannot be told");
    assert_eq!(websmsd.call_files().len(), 3);
}

#[test]
fn of_several_messages_one_that_is_too_long_is_kept() {
    let each = "[websmsd]\neach = list\nkey_to = to\nkey_from = from\nkey_body = text";
    let websmsd = Websmsd::start(each);
    let long = "a".repeat(17_000);
    let body = format!(
        r#"{{"list":[{{"to":"1","from":"9","text":"a"}},{{"to":"2","from":"9","text":"{long}"}}]}}"#
    );
    assert_eq!(websmsd.post("/", "application/json", &body).status, 200);
    assert_eq!(websmsd.call_files().len(), 1);
    let text = only(&folder(&websmsd.scratch));
    assert!(text.contains("\nitems: 2 of 2\n"), "{text}");
    assert!(text.contains(&long));
}

#[test]
fn beside_one_that_is_too_long_an_unacceptable_one_decides() {
    let websmsd = Websmsd::start("[websmsd]\neach = list\nreject_status = 200");
    let long = "a".repeat(17_000);
    let body = format!(
        r#"{{"list":[{{"To":"1","From":"9","Body":"{long}"}},{{"To":"a b","From":"9","Body":"x"}}]}}"#
    );
    assert_eq!(websmsd.post("/", "application/json", &body).status, 200);
    assert!(websmsd.call_files().is_empty());
    let text = only(&folder(&websmsd.scratch));
    assert!(text.contains("\nitems: all\n"), "{text}");
}

#[test]
fn a_kept_request_does_nothing_to_a_terminal_and_is_replayed_as_it_came() {
    let websmsd = Websmsd::start("[websmsd]");
    // These bytes clear the screen, set its title and overwrite a line; the last two are C1 characters and
    // bytes.
    let text = b"\x1b[2J\x1b]0;title\x07Hello\r\x08\x7f\t\\x1b \xc2\x9b31m \xe2\x82\xac";
    let head = "multipart/form-data; boundary=b; x=\u{9b}\t\u{85}";
    let part = |name: &str, value: &[u8]| {
        let start = format!("--b\r\nContent-Disposition: form-data; name={name}\r\n\r\n");
        [start.as_bytes(), value, b"\r\n"].concat()
    };
    let body = [
        part("To", b"1"),
        part("From", b"2"),
        part("Text", text),
        part("Raw", &(0..=255).collect::<Vec<u8>>()),
    ];
    let body = [body.concat(), "--b--\r\n".into()].concat();
    let target = b"/\xc2\x9b31m?a=\\x1b";
    let mut request = b"POST ".to_vec();
    request.extend_from_slice(target);
    let fields = format!(
        " HTTP/1.1\r\nHost: a\r\nContent-Type: {head}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    request.extend_from_slice(fields.as_bytes());
    request.extend_from_slice(&body);
    let mut http = websmsd.connect();
    http.send(&request);
    assert_eq!(http.answer().status, 422);
    let scratch = &websmsd.scratch;
    let file = only(&folder(scratch));
    let obeyed = |c: &char| c.is_control() && *c != '\n';
    assert_eq!(file.chars().find(obeyed), None, "{file}");
    assert!(
        file.contains("\ntarget: /\\xc2\\x9b31m?a=\\\\x1b\n"),
        "{file}"
    );
    let better = conf(scratch, "[websmsd]\nkey_body = Text");
    let kept = folder(scratch).join(&kept(&folder(scratch))[0]);
    check_replay(scratch, &better, &kept, 0, "delivered, ");
    assert_eq!(websmsd.call_file().body().as_bytes(), text);
}

#[test]
fn a_file_of_version_1_is_replayed_as_it_stands() {
    let scratch = Scratch::new();
    let conf = conf(&scratch, "[websmsd]\nkey_body = Text");
    // Version 2 would take this for an escape.
    let json = r#"{"To":"1","From":"2","Text":"\u001b \\x41 é"}"#;
    let file = scratch.file("request", written("whole", "", "", json));
    check_replay(&scratch, &conf, &file, 0, "delivered, ");
    let files = rig::call_files(&scratch.join("outgoing"));
    let texts: Vec<String> = files.iter().map(|file| file.body()).collect();
    assert_eq!(texts, ["\x1b \\x41 é"]);
}

/// Returns a kept request as an operator could write it.
fn written(coverage: &str, interface: &str, claims: &str, body: &str) -> String {
    format!(
        "websms request 1\ntime: 0\naddress: -\ninterface: {interface}\ncoverage: {coverage}\n\
         items: all\nmethod: POST\ntarget: /?To=1&From=2\ncontent-type: {FORM}\nclaims: {}\n\
         body: {}\n\n{claims}{body}",
        claims.len(),
        body.len()
    )
}

#[test]
fn a_replay_reads_what_the_proof_covered_and_nothing_else() {
    let scratch = Scratch::new();
    let conf = conf(&scratch, "[websmsd]");
    let check = |coverage: &str, claims: &str, body: &str, code: i32| {
        let file = scratch.file("request", written(coverage, "", claims, body));
        let ran = replay(&scratch, &conf, &file);
        assert_eq!(ran.code, Some(code), "{coverage} {claims} {body} {ran:?}");
    };
    check("whole", "", "Body=Hello", 0);
    check("body", "", "Body=Hello", 1);
    check("body", "", "Body=Hello&To=1&From=2", 0);
    check("inside result", "", "Body=Hello&To=1&From=2", 1);
    let result = "result=%7B%22To%22:%221%22,%22From%22:%222%22,%22Body%22:%22x%22%7D";
    check("inside result", "", result, 0);
    let claims = r#"{"To":"1","From":"2","Body":"x"}"#;
    check("claims", claims, "", 0);
    check("claims", "{}", "Body=Hello&To=1&From=2", 1);
}

#[test]
fn a_replay_tells_why_it_cannot() {
    let scratch = Scratch::new();
    let good = conf(&scratch, "[websmsd]");
    let check = |conf: &Path, request: &str, code: i32, said: &str| {
        let file = scratch.file("request", request);
        check_replay(&scratch, conf, &file, code, said);
        assert!(rig::call_files(&scratch.join("outgoing")).is_empty());
    };
    let request = written("whole", "", "", "Body=Hello");
    let none = scratch.join("none");
    check_replay(&scratch, &good, &none, 2, "does not exist");
    check_replay(&scratch, &good, scratch.path(), 2, "not a regular file");
    check(&good, "", 2, "not of this version");
    check(
        &good,
        &request.replace("request 1", "request 3"),
        2,
        "not of this version",
    );
    let raw = request
        .replace("request 1", "request 2")
        .replace("items: all", "signature: -\nitems: all")
        .replace("Hello", "\x1b[2J!");
    check(&good, &raw, 2, "not escaped as it was written");
    check(&good, &request[..request.len() - 1], 2, "it is cut");
    check(
        &good,
        &format!("{request}\n"),
        2,
        "something stands behind the body",
    );
    check(&good, &"x".repeat(500_000), 2, "longer than");
    check(&none, &request, 2, "does not exist");
    check(
        &good,
        &written("whole", "europe", "", "Body=Hello"),
        2,
        "not in this configuration",
    );
    let filtered = scratch.file(
        "filtered.conf",
        rig::spool_conf(&scratch, "[websmsd]\naccept_if = \"a=b\""),
    );
    check(&filtered, &request, 1, "messages: none");
    let no_spool =
        "[astqueue]\noutgoingdir = \"@DIR@/request/out\"\nstagingdir = \"@DIR@/staging\"";
    let no_spool = scratch.file("spool.conf", rig::spool_conf(&scratch, no_spool));
    check(&no_spool, &request, 75, "cannot look into");
    let missing = "[astqueue]\noutgoingdir = \"@DIR@/asterisk/outgoing\"\nstagingdir = \"@DIR@/asterisk/staging\"";
    let missing = scratch.file("missing.conf", rig::spool_conf(&scratch, missing));
    check(&missing, &request, 75, "asterisk/outgoing does not exist");
    assert!(!scratch.join("asterisk").exists());
    let full = scratch.file(
        "full.conf",
        rig::spool_conf(&scratch, "[astqueue]\nmax = 1"),
    );
    scratch.folder("outgoing");
    scratch.file("outgoing/a", "");
    let file = scratch.file("request", &request);
    check_replay(&scratch, &full, &file, 75, "not delivered");
    let mut run = rig::daemon_command(Called::Link, &scratch);
    run.arg("--replay");
    assert_eq!(rig::finish(run).code, Some(2));
}
