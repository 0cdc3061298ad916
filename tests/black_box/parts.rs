//! Tests parts of long texts, which come as separate requests and become one text.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::rig::{self, CallFile, Called, FORM, Ran, Scratch, Websmsd, call_files, wait_for};

const KEYS: &str = "key_part_ref = ref\nkey_part_number = part\nkey_part_total = total\n";

/// A spool and a state folder that outlive a daemon.
struct Home {
    scratch: Scratch,
    conf: PathBuf,
}

impl Home {
    fn new(websmsd: &str, more: &str) -> Home {
        let scratch = Scratch::new();
        let conf = format!("[websmsd]\n{KEYS}{websmsd}\n{more}\n");
        let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &conf));
        Home { scratch, conf }
    }

    fn start(&self) -> Websmsd {
        let scratch = Scratch::new();
        let mut run = rig::daemon_command(Called::Link, &scratch);
        run.arg("-c").arg(&self.conf);
        run.args(["-l", "127.0.0.1:0", "-v"]);
        Websmsd::spawn(run, scratch)
    }

    fn files(&self) -> Vec<CallFile> {
        call_files(&self.scratch.join("outgoing"))
    }

    fn held(&self) -> usize {
        fs::read_dir(self.scratch.join("state/parts/new")).map_or(0, Iterator::count)
    }

    fn names(&self, place: &str) -> Vec<String> {
        let entries = fs::read_dir(self.scratch.join("state/parts").join(place)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    /// Takes the call files that come, and returns their text.
    #[track_caller]
    fn text(&self) -> String {
        wait_for("a text", || !self.files().is_empty());
        let files = self.files();
        files
            .iter()
            .for_each(|file| fs::remove_file(&file.path).unwrap());
        files.iter().map(CallFile::body).collect()
    }
}

fn send(websmsd: &Websmsd, reference: &str, number: usize, total: usize, text: &str) -> u16 {
    let body = format!("To=%2B1&From=Bank&Body={text}&ref={reference}&part={number}&total={total}");
    websmsd.post("/", FORM, body).status
}

#[test]
fn a_text_comes_when_its_last_part_is_there_in_whatever_order() {
    let home = Home::new("", "");
    let websmsd = home.start();
    for (number, text) in [(3, "c"), (1, "a")] {
        assert_eq!(send(&websmsd, "r", number, 3, text), 200);
    }
    // Another reference means another text.
    assert_eq!(send(&websmsd, "s", 2, 3, "x"), 200);
    websmsd.wait_for_log("200, from Bank to +1, a part, whose others are awaited");
    assert!(home.files().is_empty());
    assert_eq!(home.held(), 3);
    assert_eq!(send(&websmsd, "r", 2, 3, "b"), 200);
    assert_eq!(home.text(), "abc");
    assert_eq!(home.held(), 1);
    // A repeated part is acknowledged, before and after the text is complete.
    assert_eq!(send(&websmsd, "s", 2, 3, "x"), 200);
    assert_eq!(send(&websmsd, "r", 1, 3, "a"), 200);
    assert_eq!(home.held(), 1);
    assert!(home.files().is_empty());
    // A part with other contents is an SMS of its own.
    assert_eq!(send(&websmsd, "s", 2, 3, "other"), 200);
    assert_eq!(home.text(), "other");
    // A request that is no part is an SMS of its own, too.
    for (number, total) in [(0, 3), (4, 3), (1, 1), (1, 17)] {
        assert_eq!(send(&websmsd, "t", number, total, "own"), 200);
        assert_eq!(home.text(), "own", "{number} of {total}");
    }
    assert_eq!(send(&websmsd, "t", 1, 2, &"x".repeat(1601)), 200);
    assert_eq!(home.text(), "x".repeat(1601));
    assert_eq!(home.held(), 1);
}

#[test]
fn a_missing_part_is_shown_after_part_wait() {
    // A busy machine needs a while for two requests.
    let home = Home::new("part_wait = 5s", "");
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "r", 1, 3, "a"), 200);
    assert_eq!(send(&websmsd, "r", 3, 3, "c"), 200);
    assert_eq!(home.text(), "a[…]c");
    websmsd.wait_for_log("a text in parts from Bank to +1, not all of which came");
    wait_for("no parts", || home.held() == 0);
    // A part of a delivered text is acknowledged; a late one begins a text.
    assert_eq!(send(&websmsd, "r", 1, 3, "a"), 200);
    assert_eq!(home.held(), 0);
    assert_eq!(send(&websmsd, "r", 2, 3, "b"), 200);
    assert_eq!(home.text(), "[…]b[…]");
}

#[test]
fn parts_outlive_a_death_and_go_through_the_inbox() {
    let home = Home::new("", "[astqueue]\ninbox = yes\n");
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "r", 1, 3, "a"), 200);
    assert_eq!(send(&websmsd, "r", 2, 3, "b"), 200);
    drop(websmsd);
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "r", 2, 3, "b"), 200);
    assert_eq!(send(&websmsd, "r", 3, 3, "c"), 200);
    assert_eq!(home.text(), "abc");
    wait_for("an empty inbox", || {
        fs::read_dir(home.scratch.join("state/inbox/new"))
            .unwrap()
            .count()
            == 0
    });
    assert_eq!(home.held(), 0);
}

#[test]
fn a_text_too_long_for_its_call_files_comes_as_several() {
    let home = Home::new("", "[astqueue]\ninbox = yes\n");
    let websmsd = home.start();
    let part = "%C3%A9".repeat(800);
    for number in 1..=16 {
        assert_eq!(send(&websmsd, "r", number, 16, &part), 200);
    }
    let mut text = String::new();
    wait_for("all of it", || {
        for file in home.files() {
            text.push_str(&file.body());
            fs::remove_file(file.path).unwrap();
        }
        text.chars().count() == 16 * 800
    });
    assert!(text.chars().all(|c| c == 'é'));
}

#[test]
fn without_an_inbox_the_pieces_of_such_a_text_are_due_one_after_another() {
    let home = Home::new("part_wait = 1s", "[astqueue]\ninbox = no\n");
    let websmsd = home.start();
    // Once all parts come, and once the last one is missing.
    for (reference, sent) in [("r", 16), ("s", 15)] {
        let mut text = String::new();
        for number in 1..=sent {
            let letter = char::from(b'a' + u8::try_from(number).unwrap());
            let part = letter.to_string().repeat(1600);
            assert_eq!(send(&websmsd, reference, number, 16, &part), 200);
            text.push_str(&part);
        }
        text.push_str(if sent < 16 { "[…]" } else { "" });
        wait_for("no parts", || home.held() == 0);
        // They are sorted by the times at which Asterisk runs them.
        let files = home.files();
        let due = files
            .iter()
            .map(|file| file.path.metadata().unwrap().mtime());
        let due: Vec<i64> = due.collect();
        assert!(due.len() > 16 && due.is_sorted_by(|a, b| a < b), "{due:?}");
        assert_eq!(home.text(), text);
    }
}

#[test]
fn too_many_parts_let_the_oldest_text_go() {
    let home = Home::new("part_wait = 1h", "");
    let websmsd = home.start();
    for number in 0..64 {
        assert_eq!(
            send(&websmsd, &format!("r{number}"), 1, 2, &format!("m{number}")),
            200
        );
    }
    assert!(home.files().is_empty());
    assert_eq!(send(&websmsd, "last", 1, 2, "x"), 200);
    assert_eq!(home.text(), "m0[…]");
}

#[test]
fn a_part_that_cannot_be_kept_is_503() {
    let home = Home::new("", "");
    fs::create_dir_all(home.scratch.join("state")).unwrap();
    fs::write(home.scratch.join("state/parts"), "in the way").unwrap();
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "r", 1, 2, "a"), 503);
    websmsd.wait_for_log("503, a part cannot be kept in ");
    fs::remove_file(home.scratch.join("state/parts")).unwrap();
    assert_eq!(send(&websmsd, "r", 1, 2, "a"), 200);
    assert_eq!(send(&websmsd, "r", 2, 2, "b"), 200);
    assert_eq!(home.text(), "ab");
}

#[test]
fn without_a_folder_or_keys_nothing_changes() {
    for conf in [
        format!("[websmsd]\n{KEYS}\n[queue]\ndir =\n"),
        "[websmsd]\n".to_owned(),
    ] {
        let websmsd = Websmsd::start(&conf);
        assert_eq!(send(&websmsd, "r", 1, 2, "a"), 200);
        assert_eq!(websmsd.call_file().body(), "a");
    }
}

/// A request as a daemon keeps one that it refused.
fn kept(home: &Home, reference: &str, number: usize, total: usize, text: &str) -> PathBuf {
    let body = format!("To=%2B1&From=Bank&Body={text}&ref={reference}&part={number}&total={total}");
    let file = format!(
        "websms request 2\ntime: 0\naddress: -\ninterface: \ncoverage: whole\nsignature: -\nitems: all\n\
         method: POST\ntarget: /\ncontent-type: {FORM}\nclaims: 0\nbody: {}\n\n{body}",
        body.len()
    );
    home.scratch
        .file(&format!("{reference}-{number}.request"), file)
}

#[track_caller]
fn replay(home: &Home, file: PathBuf) -> Ran {
    let mut run = rig::daemon_command(Called::Link, &home.scratch);
    run.arg("--replay").arg(file).arg("-c").arg(&home.conf);
    let ran = rig::finish(run);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran
}

#[test]
fn parts_of_a_command_and_of_a_daemon_make_one_text() {
    let home = Home::new("part_wait = 1h", "");
    let websmsd = home.start();
    // The command has the last part.
    assert_eq!(send(&websmsd, "r", 1, 3, "a"), 200);
    assert_eq!(send(&websmsd, "r", 3, 3, "c"), 200);
    let ran = replay(&home, kept(&home, "r", 2, 3, "b"));
    assert!(ran.stdout.contains("delivered, "), "{ran:?}");
    assert_eq!(home.text(), "abc");
    assert_eq!(home.held(), 0);
    // The daemon has the last part.
    let ran = replay(&home, kept(&home, "s", 2, 3, "e"));
    assert!(
        ran.stdout.contains("a part, whose others are awaited"),
        "{ran:?}"
    );
    assert_eq!(send(&websmsd, "s", 1, 3, "d"), 200);
    assert!(home.files().is_empty());
    // The daemon knows the part that the command put in.
    assert_eq!(send(&websmsd, "s", 2, 3, "e"), 200);
    assert_eq!(home.held(), 2);
    assert_eq!(send(&websmsd, "s", 3, 3, "f"), 200);
    assert_eq!(home.text(), "def");
    assert_eq!(home.held(), 0);
}

#[test]
fn without_a_daemon_a_command_delivers_a_text_that_waited_twice_as_long() {
    let home = Home::new("part_wait = 20s", "");
    replay(&home, kept(&home, "r", 2, 3, "b"));
    assert_eq!(home.held(), 1);
    let age = |seconds: u64| {
        for entry in fs::read_dir(home.scratch.join("state/parts/new")).unwrap() {
            let part = fs::File::open(entry.unwrap().path()).unwrap();
            let written = SystemTime::now() - Duration::from_secs(seconds);
            part.set_modified(written).unwrap();
        }
    };
    age(30);
    replay(&home, kept(&home, "s", 1, 1, "own"));
    assert_eq!(home.text(), "own");
    assert_eq!(home.held(), 1);
    age(41);
    replay(&home, kept(&home, "r", 1, 3, "a"));
    // One of its parts is new, so the text waits on.
    assert_eq!(home.held(), 2);
    assert!(home.files().is_empty());
    age(41);
    replay(&home, kept(&home, "t", 1, 1, "own"));
    let mut texts: Vec<String> = home.files().iter().map(CallFile::body).collect();
    texts.sort();
    assert_eq!(texts, ["ab[…]", "own"]);
    assert_eq!(home.held(), 0);
}

#[test]
fn what_is_no_part_is_set_aside() {
    let home = Home::new("part_wait = 1h", "");
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "r", 1, 3, "a"), 200);
    assert_eq!(send(&websmsd, "r", 2, 3, "b"), 200);
    drop(websmsd);
    let conf = fs::read_to_string(&home.conf).unwrap();
    fs::write(&home.conf, conf.replace("part_wait = 1h", "part_wait = 5s")).unwrap();
    // One of two is cut, and something else stands under a name that a part might have.
    let new = home.scratch.join("state/parts/new");
    let mut names = home.names("new");
    let second = names.remove(1);
    fs::write(new.join(&second), "websms inbox 1\n").unwrap();
    let other = format!("0{}", &second[1..]);
    fs::create_dir(new.join(&other)).unwrap();
    let websmsd = home.start();
    websmsd.wait_for_log("no SMS: ");
    let text = home.text();
    assert!(text == "a[…][…]" || text == "[…]b[…]", "{text}");
    wait_for("no parts", || home.held() == 0);
    let mut aside = home.names("failed");
    aside.sort();
    let mut expected = [format!("{second}.bad"), format!("{other}.bad")];
    expected.sort();
    assert_eq!(aside, expected);
    // It is said once, and a new text comes.
    assert_eq!(send(&websmsd, "s", 1, 2, "c"), 200);
    assert_eq!(send(&websmsd, "s", 2, 2, "d"), 200);
    assert_eq!(home.text(), "cd");
    assert_eq!(websmsd.log().matches("set aside").count(), 2);
}
