//! Tests `sys::log` of a whole process: stderr without a syslog, many threads, no waiting.

use std::io::Read;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::rig::{self, Scratch};
use websms::sys::log::{self, Level, Stderr};

/// Returns a command that runs this test alone in a process of its own, with the socket's path in its
/// environment.
fn alone(name: &str, socket: &Path) -> Command {
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.args(["--exact", &format!("log::{name}"), "--nocapture"]);
    run.env("WEBSMS_TEST_SOCKET", socket);
    run
}

/// Returns the socket, in the process of its own.
fn socket() -> Option<&'static Path> {
    let path = PathBuf::from(std::env::var_os("WEBSMS_TEST_SOCKET")?);
    Some(Box::leak(path.into_boxed_path()))
}

#[test]
fn without_a_syslog_lines_go_to_stderr() {
    if let Some(socket) = socket() {
        log::event(Level::Info, format_args!("before"));
        log::open_at(socket, "websmsd", Stderr::Instead);
        log::event(Level::Error, format_args!("one\ntwo"));
        log::event(Level::Debug, format_args!("not shown"));
        log::open_at(socket, "websmsd", Stderr::Too);
        log::event(Level::Debug, format_args!("shown"));
        return;
    }
    let scratch = Scratch::new();
    let name = "without_a_syslog_lines_go_to_stderr";
    let ran = rig::finish(alone(name, &scratch.join("none")));
    assert_eq!(ran.code, Some(0));
    assert_eq!(
        ran.stderr,
        "websms: info: before\nwebsmsd: error: one\\x0atwo\nwebsmsd: debug: shown\n"
    );
}

#[test]
fn with_a_syslog_stderr_is_for_v_only() {
    if let Some(socket) = socket() {
        log::open_at(socket, "websmsd", Stderr::Instead);
        log::event(Level::Info, format_args!("quiet"));
        log::open_at(socket, "websmsd", Stderr::Too);
        log::event(Level::Debug, format_args!("loud"));
        return;
    }
    let scratch = Scratch::new();
    let syslog = UnixDatagram::bind(scratch.join("log")).unwrap();
    let name = "with_a_syslog_stderr_is_for_v_only";
    let ran = rig::finish(alone(name, &scratch.join("log")));
    assert_eq!(ran.stderr, "websmsd: debug: loud\n");
    for expected in ["quiet", "loud"] {
        let mut line = [0; 1024];
        let bytes = syslog.recv(&mut line).unwrap();
        let line = String::from_utf8_lossy(&line[..bytes]).into_owned();
        assert!(line.starts_with("<13"), "{line}");
        assert!(line.ends_with(expected), "{line}");
    }
}

#[test]
fn a_stderr_that_nobody_reads_holds_up_nothing() {
    if let Some(socket) = socket() {
        log::open_at(socket, "websmsd", Stderr::Too);
        // These are many times the bytes that a pipe holds.
        for _ in 0..2000 {
            log::event(Level::Info, format_args!("{}", "a".repeat(400)));
        }
        return;
    }
    let scratch = Scratch::new();
    let name = "a_stderr_that_nobody_reads_holds_up_nothing";
    let mut run = alone(name, &scratch.join("none"));
    run.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = run.spawn().unwrap();
    let status = rig::wait_for_exit(&mut child);
    assert!(status.success());
    // The lines that were written are complete.
    let mut text = String::new();
    child.stderr.unwrap().read_to_string(&mut text).unwrap();
    let whole = format!("websmsd: info: {}", "a".repeat(400));
    assert!(text.lines().count() > 10);
    assert!(text.lines().all(|line| line == whole));
}

#[test]
fn lines_of_many_threads_are_whole_and_none_is_missed_untold() {
    const THREADS: usize = 8;
    const LINES: usize = 500;
    if let Some(socket) = socket() {
        log::open_at(socket, "websmsd", Stderr::Instead);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..LINES {
                        log::event(Level::Info, format_args!("{} end", "a".repeat(300)));
                    }
                });
            }
        });
        // The queue is drained here, so that the count can be sent too: the other process reads all the
        // time.
        let told = rig::holds_within(rig::PATIENCE, || {
            log::event(Level::Notice, format_args!("last"));
            socket.with_extension("told").exists()
        });
        assert!(told);
        return;
    }
    let scratch = Scratch::new();
    let syslog = UnixDatagram::bind(scratch.join("log")).unwrap();
    syslog
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    let name = "lines_of_many_threads_are_whole_and_none_is_missed_untold";
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut lines, mut lost) = (0, 0);
            let mut line = [0; 1024];
            while !over.load(Ordering::Relaxed) {
                let Ok(bytes) = syslog.recv(&mut line) else {
                    continue;
                };
                let line = std::str::from_utf8(&line[..bytes]).unwrap();
                let words = line.split_once("]: ").expect(line).1;
                if words.ends_with(" end") {
                    assert_eq!(words.len(), 304);
                    lines += 1;
                } else if let Some(count) = words.strip_suffix(" lines of this log are lost") {
                    lost += count.parse::<usize>().unwrap();
                } else {
                    assert_eq!(words, "last");
                    std::fs::write(scratch.join("log.told"), "").unwrap();
                }
            }
            (lines, lost)
        });
        let ran = rig::finish(alone(name, &scratch.join("log")));
        over.store(true, Ordering::Relaxed);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let (lines, lost) = reader.join().unwrap();
        assert!(lines > 0);
        // A `last` may have been lost as well.
        assert!(lines <= THREADS * LINES && lines + lost >= THREADS * LINES);
    });
}

/// A fault that ends a start is an error in the log and shown to the caller, but only once on one stderr.
#[test]
fn an_error_at_the_start_is_told_once() {
    let scratch = Scratch::new();
    let conf = scratch.file(
        "websms.conf",
        "[websms]\nauth_method = x\n[websmsd]\npermit_addr =\n",
    );
    for more in [&[][..], &["-v"]] {
        let mut run = rig::daemon_command(rig::Called::Link, &scratch);
        run.arg("-c")
            .arg(&conf)
            .args(["-l", "127.0.0.1:0"])
            .args(more);
        let ran = rig::finish(run);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        let told = ran
            .stderr
            .matches("auth_method has a value that is not known");
        assert_eq!(told.count(), 1, "{}", ran.stderr);
    }
}
