//! Tests with a syslog in a folder of its own: the lines that arrive, and the counts.

use super::*;
use std::path::PathBuf;

/// A syslog in a folder of its own.
struct Syslog {
    socket: UnixDatagram,
    folder: PathBuf,
}

impl Syslog {
    fn start(name: &str) -> Syslog {
        let folder = format!("websms-log-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        Syslog {
            socket: bind(&folder.join("log")),
            folder,
        }
    }

    fn path(&self) -> &'static Path {
        Box::leak(self.folder.join("log").into_boxed_path())
    }

    /// Returns the lines that have arrived.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = [0; 2 * LOG_LINE_BYTES_MAX];
        while let Ok(bytes) = self.socket.recv(&mut line) {
            lines.push(String::from_utf8(line.get(..bytes).unwrap().to_vec()).unwrap());
        }
        lines
    }

    fn restart(&mut self) {
        std::fs::remove_file(self.path()).unwrap();
        self.socket = bind(self.path());
    }
}

impl Drop for Syslog {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn bind(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

fn line(priority: u8, words: &str) -> String {
    format!("<{priority}>websmsd[{}]: {words}", std::process::id())
}

#[test]
fn the_null_device_is_known() {
    let check = |path: &str, expected: bool| {
        let file = fs::File::open(path).unwrap();
        assert_eq!(is_null(file.as_fd()), expected, "{path}");
    };
    check("/dev/null", true);
    check("/dev/zero", false);
    check("/proc/self/stat", false);
}

#[test]
fn what_comes_from_outside_is_escaped_and_cut() {
    fn check(raw: &[u8], expected: &str) {
        assert_eq!(Clean(raw).to_string(), expected);
    }
    check(b"", "");
    check(b"+1 (555) ~", "+1 (555) ~");
    check(b"a\\b", "a\\\\b");
    check(b"a\nb\r\t\0", "a\\x0ab\\x0d\\x09\\x00");
    check(b"\x1b[2J\x7f", "\\x1b[2J\\x7f");
    check("é".as_bytes(), "\\xc3\\xa9");
    check(b"\xff", "\\xff");
    check(b"\\...", "\\\\...");
    let a = |count| "a".repeat(count);
    check(a(79).as_bytes(), &a(79));
    check(a(80).as_bytes(), &a(80));
    check(a(81).as_bytes(), &(a(80) + "\\..."));
    check(&[0; 1000], &("\\x00".repeat(80) + "\\..."));
}

#[test]
fn a_value_beside_others_cannot_look_like_two() {
    fn check(raw: &[u8], expected: &str) {
        assert_eq!(Quoted(raw).to_string(), expected);
    }
    check(b"", "");
    check(b"+12025550160", "+12025550160");
    check(b"O'Hara@home-1.x", "O'Hara@home-1.x");
    check(b"a\nb\\", "a\\x0ab\\\\");
    check(b"AT&T Info", "\"AT&T Info\"");
    check(b"1 from=+666", "\"1 from=+666\"");
    check(b"a=b", "\"a=b\"");
    check(b"\"", "\"\\x22\"");
    check(b"1\" from=\"6", "\"1\\x22 from=\\x226\"");
    check(b" \\\n", "\" \\\\\\x0a\"");
    let a = |count| "a".repeat(count);
    for (count, mark) in [(78, ""), (79, ""), (80, "\\...")] {
        let shown = a(count.min(79));
        check(
            format!("={}", a(count)).as_bytes(),
            &format!("\"={shown}{mark}\""),
        );
    }
}

#[test]
fn an_event_is_one_line_of_bounded_length() {
    fn check(words: &str, expected: &str) {
        let line = Line::of(format_args!("{words}"));
        assert_eq!(line.as_str(), expected);
        assert!(line.as_str().len() <= LOG_LINE_BYTES_MAX);
    }
    check("plain é", "plain é");
    check("a\nb\0\u{85}\x1b", "a\\x0ab\\x00\\x85\\x1b");
    let a = |count| "a".repeat(count);
    let room = LOG_LINE_BYTES_MAX - CUT_MARK.len();
    check(&a(room - 1), &a(room - 1));
    check(&a(room), &a(room));
    check(&a(room + 1), &(a(room) + CUT_MARK));
    check(&a(9999), &(a(room) + CUT_MARK));
    check(&(a(room - 1) + "é"), &(a(room - 1) + CUT_MARK));
    check(&(a(room - 1) + "\n"), &(a(room - 1) + CUT_MARK));
    // Nothing follows the mark, even if it would fit.
    check(&(a(room - 1) + "éb"), &(a(room - 1) + CUT_MARK));
}

#[test]
fn every_level_has_its_priority_in_local0() {
    let syslog = Syslog::start("levels");
    let mut log = Log::new(syslog.path(), "websmsd", Stderr::Instead);
    let now = Instant::now();
    for (level, priority) in [
        (Level::Error, 131),
        (Level::Warning, 132),
        (Level::Notice, 133),
        (Level::Info, 134),
        (Level::Debug, 135),
    ] {
        log.event(level, "words", now);
        assert_eq!(syslog.lines(), [line(priority, "words")]);
    }
}

#[test]
fn the_longest_line_goes() {
    let syslog = Syslog::start("longest");
    let mut log = Log::new(syslog.path(), "websmsd", Stderr::Instead);
    let words = Line::of(format_args!("{}", "a".repeat(9999)));
    log.event(Level::Info, words.as_str(), Instant::now());
    assert_eq!(syslog.lines(), [line(134, words.as_str())]);
    assert_eq!(log.lost, 0);
}

#[test]
fn a_syslog_that_was_restarted_gets_the_next_line() {
    let mut syslog = Syslog::start("restart");
    let mut log = Log::new(syslog.path(), "websmsd", Stderr::Instead);
    log.connect(Instant::now());
    syslog.restart();
    log.event(Level::Info, "after", Instant::now());
    assert_eq!(syslog.lines(), [line(134, "after")]);
}

#[test]
fn a_syslog_that_comes_back_is_found_after_the_pause_and_hears_of_the_gap() {
    let mut syslog = Syslog::start("gap");
    let mut log = Log::new(syslog.path(), "websmsd", Stderr::Never);
    let start = Instant::now();
    log.connect(start);
    std::fs::remove_file(syslog.path()).unwrap();
    syslog.socket = UnixDatagram::unbound().unwrap();
    log.event(Level::Info, "nobody hears", start);
    syslog.socket = bind(syslog.path());
    log.event(
        Level::Info,
        "too early",
        start + LOG_LOOK_PAUSE - Duration::from_millis(1),
    );
    assert_eq!(syslog.lines(), [""; 0]);
    log.event(Level::Info, "after", start + LOG_LOOK_PAUSE);
    assert_eq!(
        syslog.lines(),
        [
            line(132, "2 lines of this log are lost"),
            line(134, "after"),
        ]
    );
}

#[test]
fn lines_that_cannot_go_are_counted_and_told() {
    let syslog = Syslog::start("full");
    let mut log = Log::new(syslog.path(), "websmsd", Stderr::Instead);
    let now = Instant::now();
    let mut sent = 0;
    // Nobody reads the socket; the loop must end without waiting.
    while log.lost < 3 {
        log.event(Level::Info, "words", now);
        sent += 1;
    }
    assert_eq!(syslog.lines().len(), sent - 3);
    log.event(Level::Info, "again", now);
    log.event(Level::Info, "more", now);
    assert_eq!(
        syslog.lines(),
        [
            line(132, "3 lines of this log are lost"),
            line(134, "again"),
            line(134, "more"),
        ]
    );
}

#[test]
fn ten_refusals_a_second_and_then_their_number() {
    let syslog = Syslog::start("refusals");
    let mut log = Log::new(syslog.path(), "websmsd", Stderr::Instead);
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let admitted =
        |log: &mut Log, ms, count: u32| (0..count).filter(|_| log.admits_refusal(at(ms))).count();
    assert_eq!(admitted(&mut log, 0, 9), 9);
    assert_eq!(admitted(&mut log, 100, 1), 1);
    assert_eq!(admitted(&mut log, 999, 5), 0);
    // Another event of the same second does not report the count; one of the next second does.
    log.event(Level::Info, "one", at(999));
    assert_eq!(syslog.lines(), [line(134, "one")]);
    log.event(Level::Info, "two", at(1000));
    let told = line(133, "5 more refusals in one second");
    assert_eq!(syslog.lines(), [told.clone(), line(134, "two")]);
    // A refusal of a later second reports it as well.
    assert_eq!(admitted(&mut log, 2000, 15), 10);
    assert_eq!(syslog.lines(), [""; 0]);
    assert_eq!(admitted(&mut log, 3000, 1), 1);
    assert_eq!(syslog.lines(), [told]);
}

#[test]
fn what_is_said_beside_a_refusal_takes_a_line_and_is_no_refusal() {
    let syslog = Syslog::start("beside");
    let mut log = Log::new(syslog.path(), "websmsd", Stderr::Instead);
    let now = Instant::now();
    for _ in 0..LOG_REFUSALS_PER_SECOND_MAX / 2 {
        assert!(log.admits_refusal(now));
        assert!(log.admits_line(now));
    }
    for _ in 0..3 {
        assert!(!log.admits_refusal(now));
        assert!(!log.admits_line(now));
    }
    log.event(Level::Info, "later", now + Duration::from_secs(1));
    let told = line(133, "3 more refusals in one second");
    assert_eq!(syslog.lines(), [told, line(134, "later")]);
}
