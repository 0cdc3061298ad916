//! Counts how many system calls an SMS costs.
//!
//! The calls of the second of three SMS on one connection are counted, from its request to the next one,
//! without those of the log, which writes one line for each SMS in any case.

use std::fs;
use std::process::Command;

use crate::rig::{FORM, Http, Scratch, Tracer, Websmsd, binary, post};

fn check(conf: &str, expected: &str) {
    let websmsd = Websmsd::start(conf);
    let mut http = Http::connect(websmsd.address);
    let mut send = |id: &str| {
        let form = format!("To=%2B12025550160&From=1&Body=x&Id={id}");
        http.send(post("/", FORM, form));
        assert_eq!(http.answer().status, 200);
    };
    send("one");
    let tracer = Tracer::attach(websmsd.pid(), &websmsd.scratch, &["-e", "trace=all"]);
    send("two");
    send("three");
    let trace = tracer.detach();

    let is_request = |line: &str| line.contains("POST / HTTP");
    let thread = trace.lines().find(|line| is_request(line)).unwrap();
    let (thread, _) = thread.split_once(' ').unwrap();
    let is_counted = |line: &&str| {
        // A call that others interrupt has two lines. In debug builds `fcntl` comes from the standard
        // library. A lock makes a call only while another thread waits for it, which is not ours to say.
        let aside = [
            "<unfinished",
            "<detached",
            "ppoll([{fd=2,",
            "write(2,",
            "fcntl(",
            "futex",
        ];
        line.starts_with(thread) && !aside.iter().any(|aside| line.contains(aside))
    };
    let counted = trace.lines().filter(is_counted);
    let mut counted = counted.skip_while(|line| !is_request(line));
    let first = counted.next().unwrap();
    let between = counted.take_while(|line| !is_request(line));
    let names: Vec<&str> = std::iter::once(first)
        .chain(between)
        .map(|line| {
            let call = line.strip_prefix(thread).unwrap().trim_start();
            let call = call.strip_prefix("<... ").unwrap_or(call);
            call.split(['(', ' ']).next().unwrap()
        })
        .collect();
    assert_eq!(names.join(" "), expected, "{trace}");
}

#[test]
fn an_sms_costs_few_system_calls() {
    let spool = "statx openat write close renameat2";
    check(
        "[websmsd]\n[astqueue]\nsync = no\n",
        &format!("recvfrom {spool} sendto"),
    );
    // These are the folder of ids, its lock, and the file's length before and after.
    check(
        "[websmsd]\nkey_id = Id\n[astqueue]\nsync = no\n",
        &format!(
            "recvfrom openat2 geteuid fstat openat statx flock openat statx close {spool} \
             openat flock openat statx write close close close close sendto"
        ),
    );
}

/// A folder that is missing and need not be made costs one call, not a walk from the root.
#[test]
fn a_send_does_not_walk_to_a_folder_that_is_missing() {
    let scratch = Scratch::new();
    let (conf, trace) = (scratch.join("websms.conf"), scratch.join("trace"));
    // Nobody listens at this port.
    let text = format!(
        "[websms]\nhost = http://127.0.0.1:1\n[queue]\ndir = {}\n",
        scratch.join("state").display()
    );
    fs::create_dir(scratch.join("state")).unwrap();
    fs::write(&conf, text).unwrap();
    let ran = Command::new("strace")
        .args(["-f", "-e", "trace=openat,openat2", "-o"])
        .args([&trace, &binary()])
        .arg("-c")
        .arg(&conf)
        .args(["+12025550183", "+12025550160", "x"])
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(75), "{ran:?}");
    let trace = fs::read_to_string(trace).unwrap();
    let at_once = trace.matches("/state/queue\"").count();
    assert!(at_once > 0, "{trace}");
    assert_eq!(trace.matches(", \"queue\"").count(), 0, "{trace}");
}
