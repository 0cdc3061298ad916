//! Lets peers do harm: everybody else is served, and nothing of them stays.
//!
//! The sockets are real, in a network namespace of its own, so that peers have addresses: loopback is
//! exempt from limits. The hostile peers come from one address, the good one from another.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use websms::limits::FIRST_BYTE_WAIT;

use crate::rig::{self, Called, FORM, Http, Scratch, Websmsd, post, wait_for};

const KEYS: &str = "[websmsd]\nkey_to=to\nkey_from=from\nkey_body=text\n";
/// The address of hostile peers: a connection to one's own address comes from it.
const BAD: [u8; 4] = [192, 0, 2, 1];
/// The address of the good peer.
const GOOD: [u8; 4] = [192, 0, 2, 2];

/// Runs a test of this file again, alone, where the two addresses exist. Returns true inside.
fn is_inside(test: &str) -> bool {
    if std::env::var_os("WEBSMS_OWN_NETWORK").is_some() {
        return true;
    }
    let script = "ip link set lo up && ip addr add 192.0.2.1/32 dev lo && \
                  ip addr add 192.0.2.2/32 dev lo && exec \"$@\"";
    let run = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--net",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("hostile::{test}"), "--nocapture"])
        .env("WEBSMS_OWN_NETWORK", "1")
        .output()
        .expect("unshare");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && said.contains("test result: ok. 1 passed"),
        "{test} in a network of its own: {}\n{said}{}",
        run.status,
        String::from_utf8_lossy(&run.stderr)
    );
    // Its counts are printed; its result is the result of this test.
    for line in said.lines().filter(|line| line.starts_with("-- ")) {
        println!("{line}");
    }
    false
}

fn start(more: &str) -> Websmsd {
    // The folder is in memory, so that the test does not wait for this machine's disk.
    let scratch = Scratch::within(Path::new("/dev/shm"));
    let conf = rig::spool_conf(&scratch, &format!("{KEYS}{more}"));
    let conf = scratch.file("websms.conf", conf);
    let mut run = rig::daemon_command(Called::Link, &scratch);
    run.arg("-c").arg(conf).args(["-l", "0.0.0.0:0"]).arg("-v");
    let websmsd = Websmsd::spawn(run, scratch);
    wait_for("its own threads", || {
        held(websmsd.pid()).threads == OWN_THREADS
    });
    websmsd
}

/// One thread waits for signals, one accepts, and two work on the queue.
const OWN_THREADS: usize = 4;

fn at(websmsd: &Websmsd, address: [u8; 4]) -> SocketAddr {
    SocketAddr::from((address, websmsd.address.port()))
}

fn sms() -> Vec<u8> {
    post("/", FORM, "to=%2B12025550160&from=Bank&text=hello")
}

/// The resources that a process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    threads: usize,
    files: usize,
    memory_kib: usize,
}

fn held(pid: u32) -> Held {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let number = |key: &str| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    Held {
        threads: number("Threads:"),
        files: fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count(),
        memory_kib: number("VmRSS:"),
    }
}

/// The longest wait of the good peer: for a busy machine, and for the kernel, which repeats the first
/// packet of a connection after one second and after three if the queue before `accept` was full.
const GOOD_WAIT: Duration = Duration::from_secs(8);

/// Sends one SMS as the good peer, which must be taken soon, and returns the time that it took. Empties the
/// spool afterwards, as Asterisk does.
fn good(websmsd: &Websmsd) -> Duration {
    let start = Instant::now();
    let mut http = Http::connect(at(websmsd, GOOD));
    let connected = start.elapsed();
    http.send(sms());
    assert_eq!(http.answer().status, 200);
    let took = start.elapsed();
    assert!(
        took < GOOD_WAIT,
        "{took:?}, of which {connected:?} to connect"
    );
    for file in websmsd.call_files() {
        let _ = fs::remove_file(file.path);
    }
    // Each connection keeps its port for a minute, and there are 28,000: no more than 15,000 are used a
    // minute.
    thread::sleep(Duration::from_millis(4));
    took
}

/// Opens a connection of a hostile peer; one that is turned away counts as well.
fn bad(address: SocketAddr) -> Option<TcpStream> {
    let stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(15)))
        .unwrap();
    stream
        .set_write_timeout(Some(Duration::from_secs(15)))
        .unwrap();
    Some(stream)
}

/// Reads to the end or the reset.
fn drain(mut stream: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    all
}

type Deed = (&'static str, fn(TcpStream));

/// The things that a hostile peer does with a connection.
const DEEDS: [Deed; 13] = [
    ("says nothing", |stream| {
        drain(stream);
    }),
    ("a byte at a time", |mut stream| {
        for byte in sms() {
            if stream.write_all(&[byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(250));
        }
    }),
    ("never a body", |mut stream| {
        let _ = stream.write_all(b"POST / HTTP/1.1\r\nContent-Length: 60000\r\n\r\n");
        drain(stream);
    }),
    ("half a large body", |mut stream| {
        half_a_body(&mut stream);
        drain(stream);
    }),
    ("half a head, then half-closed", |mut stream| {
        let _ = stream.write_all(b"POST / HTTP/1.1\r\nContent-Le");
        let _ = stream.shutdown(Shutdown::Write);
        drain(stream);
    }),
    ("reset in the head", |mut stream| reset(&mut stream, 20)),
    ("reset in the body", |mut stream| {
        reset(&mut stream, sms().len() - 5)
    }),
    ("reset instead of an answer", |mut stream| {
        reset(&mut stream, sms().len())
    }),
    ("pipelines and never reads", |mut stream| {
        let request = b"GET / HTTP/1.1\r\n\r\n".repeat(1000);
        while stream.write_all(&request).is_ok() {}
    }),
    ("pipelined rubbish", |mut stream| {
        let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n\x00\xff\x16\x03\x01rubbish\r\n\r\n");
        drain(stream);
    }),
    ("endless chunk extensions", |mut stream| {
        let _ = stream.write_all(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    }),
    ("an endless head", |mut stream| {
        let _ = stream.write_all(b"POST / HTTP/1.1\r\n");
        while stream.write_all(b"A: bbbbbbbbbbbbbbbbbbbbbbbb\r\n").is_ok() {}
    }),
    ("100-continue, then nothing", |mut stream| {
        let _ = stream
            .write_all(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 60000\r\n\r\n");
        drain(stream);
    }),
];

/// Sends more than half of the longest body, so that room for all of it is reserved.
fn half_a_body(stream: &mut TcpStream) {
    let _ = stream.write_all(b"POST / HTTP/1.1\r\nContent-Length: 60000\r\n\r\n");
    let _ = stream.write_all(&[b'x'; 33_000]);
}

/// Sends a whole request and the beginning of another one; closing with an answer unread resets.
fn reset(stream: &mut TcpStream, bytes: usize) {
    let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n");
    let _ = stream.write_all(&sms()[..bytes]);
    let mut one = [0];
    let _ = stream.read(&mut one);
}

/// Waits until nothing of the peers is left, and checks by how much memory has grown.
#[track_caller]
fn back_to(websmsd: &Websmsd, before: Held, growth_kib: usize) -> Held {
    let pid = websmsd.pid();
    // A few that were turned away stay open by design, until others come.
    wait_for("threads and files to come back", || {
        let now = held(pid);
        now.threads <= before.threads && now.files <= before.files + 8
    });
    let after = held(pid);
    let most = before.memory_kib + growth_kib;
    assert!(after.memory_kib <= most, "{before:?} {after:?}");
    after
}

/// Begins a request, which must come within 10 s; its first byte had to come within five.
fn begin(stream: &mut TcpStream) {
    let _ = stream.write_all(b"GET / HTTP/1.1\r\n");
}

/// Takes all connections that one peer gets, and does `deed` on each. Returns the connections.
fn taken_by_one(websmsd: &Websmsd, deed: fn(&mut TcpStream)) -> Vec<TcpStream> {
    let address = at(websmsd, BAD);
    let mut taken: Vec<TcpStream> = (0..20).filter_map(|_| bad(address)).collect();
    taken.iter_mut().for_each(deed);
    // All bytes have come and were read.
    rig::wait_for_rest(websmsd.pid());
    taken
}

#[test]
fn half_sent_bodies_of_one_peer_leave_memory_to_others() {
    if !is_inside("half_sent_bodies_of_one_peer_leave_memory_to_others") {
        return;
    }
    let websmsd = start("");
    let taken = taken_by_one(&websmsd, half_a_body);
    for _ in 0..5 {
        assert!(good(&websmsd) < FIRST_BYTE_WAIT);
    }
    // This is the longest, too.
    let body = format!("to=1&from=2&text=hello&more={}", "a".repeat(60_000));
    let mut http = Http::connect(at(&websmsd, GOOD));
    http.send(post("/", FORM, &body));
    assert_eq!(http.answer().status, 200);
    drop(taken);
}

#[test]
fn one_peer_leaves_half_of_few_connections_to_others() {
    if !is_inside("one_peer_leaves_half_of_few_connections_to_others") {
        return;
    }
    let websmsd = start("max_connections=8\n");
    let taken = taken_by_one(&websmsd, begin);
    assert_eq!(held(websmsd.pid()).threads, OWN_THREADS + 4);
    assert!(good(&websmsd) < FIRST_BYTE_WAIT);
    drop(taken);
}

#[test]
fn slow_every_deed_while_a_good_peer_is_served() {
    if !is_inside("slow_every_deed_while_a_good_peer_is_served") {
        return;
    }
    let websmsd = start("max_connections=64\n");
    good(&websmsd);
    let before = held(websmsd.pid());
    let address = at(&websmsd, BAD);
    let (peers, served) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (mut threads, mut memory_kib, mut longest) = (0, 0, Duration::ZERO);
    let done = AtomicUsize::new(0);
    thread::scope(|scope| {
        // There are ten times as many as slots, of all kinds, from one address.
        for number in 0..640 {
            let (peers, done) = (&peers, &done);
            scope.spawn(move || {
                if let Some(stream) = bad(address) {
                    peers.fetch_add(1, Ordering::Relaxed);
                    DEEDS[number % DEEDS.len()].1(stream);
                }
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        while done.load(Ordering::Relaxed) < 640 {
            longest = longest.max(good(&websmsd));
            served.fetch_add(1, Ordering::Relaxed);
            let now = held(websmsd.pid());
            threads = threads.max(now.threads);
            memory_kib = memory_kib.max(now.memory_kib);
        }
    });
    let after = back_to(&websmsd, before, 2048);
    println!(
        "-- hostile: {} peers of {} kinds at once, {} good requests served meanwhile, the \
         slowest in {longest:.1?}; threads {} at most, memory {} KiB before, {memory_kib} at most, {} after",
        peers.load(Ordering::Relaxed),
        DEEDS.len(),
        served.load(Ordering::Relaxed),
        threads,
        before.memory_kib,
        after.memory_kib,
    );
    // There are sixteen of one peer, one of the other, and threads that have given their slot back and end.
    assert!(threads <= before.threads + 32, "{threads}");
    assert!(memory_kib <= before.memory_kib + 4096, "{memory_kib}");
    assert!(peers.load(Ordering::Relaxed) > 100 && served.load(Ordering::Relaxed) > 20);
}

#[test]
fn slow_one_peer_has_sixteen_connections() {
    if !is_inside("slow_one_peer_has_sixteen_connections") {
        return;
    }
    let websmsd = start("max_connections=64\n");
    let status = |address| {
        let mut http = Http::connect(at(&websmsd, address));
        http.send(sms());
        http.answer().status
    };
    // One thread waits for signals, one accepts, and two work on the queue.
    let own = 4;
    wait_for("its own threads", || {
        self::held(websmsd.pid()).threads == own
    });
    let hold = || {
        let mut stream = bad(at(&websmsd, BAD))?;
        begin(&mut stream);
        Some(stream)
    };
    let mut held: Vec<TcpStream> = (0..15).filter_map(|_| hold()).collect();
    let threads = |least: usize| {
        wait_for("threads", || self::held(websmsd.pid()).threads >= least);
    };
    threads(own + 15);
    assert_eq!(status(BAD), 200, "the sixteenth");
    wait_for("its slot", || self::held(websmsd.pid()).threads <= own + 15);
    held.extend(hold());
    threads(own + 16);
    assert_eq!(status(BAD), 503, "the seventeenth");
    assert_eq!(status(GOOD), 200, "another");
    // This machine and proxies have no limit of their own.
    assert_eq!(status([127, 0, 0, 1]), 200);
    drop(held);
    wait_for("the peer's slots", || status(BAD) == 200);
}

/// Request smuggling needs two readings of one request: each of these is refused, and its connection
/// closed.
#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let websmsd = Websmsd::start(KEYS);
    let check = |fields: &str, body: &str| {
        let mut http = websmsd.connect();
        http.send(format!(
            "POST / HTTP/1.1\r\nHost: w\r\nContent-Type: {FORM}\r\n{fields}\r\n{body}\
             GET /smuggled HTTP/1.1\r\nHost: w\r\n\r\n"
        ));
        let answer = http.answer();
        assert_eq!(answer.status, 400, "{fields:?}");
        assert!(answer.closes(), "{fields:?}");
        assert!(http.try_answer().is_none(), "{fields:?}: a second answer");
    };
    let form = "to=1&from=2&text=a";
    let chunked = "12\r\nto=1&from=2&text=a\r\n0\r\n\r\n";
    check("Content-Length: 18\r\nContent-Length: 18\r\n", form);
    check("Content-Length: 18\r\nContent-Length: 0\r\n", form);
    check("Content-Length: 18, 18\r\n", form);
    check("Content-Length: +18\r\n", form);
    check("Content-Length: -18\r\n", form);
    check("Content-Length: 0x12\r\n", form);
    check("Content-Length: 1 8\r\n", form);
    check("Content-Length: \r\n", form);
    check(
        "Content-Length: 18\r\nTransfer-Encoding: chunked\r\n",
        chunked,
    );
    check(
        "Transfer-Encoding: chunked\r\nContent-Length: 18\r\n",
        chunked,
    );
    check("Transfer-Encoding: chunked, identity\r\n", chunked);
    check("Transfer-Encoding: identity, chunked\r\n", chunked);
    check("Transfer-Encoding: identity\r\n", chunked);
    check("Transfer-Encoding: Xchunked\r\n", chunked);
    check(
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        chunked,
    );
    check("Transfer-Encoding : chunked\r\n", chunked);
    check("Transfer-Encoding:\x0bchunked\r\n", chunked);
    check("Content-Length : 18\r\n", form);
    check("X: y\r\n Content-Length: 18\r\n", form);
    check("X: y\r\n\tz\r\nContent-Length: 18\r\n", form);
    check("X: y\nContent-Length: 18\r\n", form);
    check("X: y\rContent-Length: 18\r\n", form);
    check("Content-Length: 18\r\nX: \0\r\n", form);
    check(
        "Transfer-Encoding: chunked\r\n",
        "12\nto=1&from=2&text=a\n0\n\n",
    );
    check(
        "Transfer-Encoding: chunked\r\n",
        "+12\r\nto=1&from=2&text=a\r\n0\r\n\r\n",
    );
    check(
        "Transfer-Encoding: chunked\r\n",
        "0x12\r\nto=1&from=2&text=a\r\n0\r\n\r\n",
    );
    check(
        "Transfer-Encoding: chunked\r\n",
        "12\r\nto=1&from=2&text=aXX0\r\n\r\n",
    );
    check("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n");
    assert_eq!(websmsd.call_files().len(), 0);
    println!("-- hostile: 28 ambiguous requests refused");
}

/// Sets a flag however its scope ends: threads that wait for it would otherwise keep a failed test running
/// for ever.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Lets all kinds of peers come and go for a minute, or for `WEBSMS_SOAK_SECONDS`: nothing grows.
#[test]
fn slow_soak() {
    if !is_inside("slow_soak") {
        return;
    }
    let seconds = std::env::var("WEBSMS_SOAK_SECONDS").map_or(60, |text| text.parse().unwrap());
    let websmsd = start("max_connections=64\n");
    let before = held(websmsd.pid());
    let address = at(&websmsd, BAD);
    let over = AtomicBool::new(false);
    let ends = Ends(&over);
    let (peers, served) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let begun = Instant::now();
    let (mut early_kib, mut late_kib, mut longest) = (0, 0, Duration::ZERO);
    thread::scope(|scope| {
        for peer in 0..24 {
            let (over, peers) = (&over, &peers);
            scope.spawn(move || {
                let mut number = peer;
                while !over.load(Ordering::Relaxed) {
                    if let Some(stream) = bad(address) {
                        peers.fetch_add(1, Ordering::Relaxed);
                        DEEDS[number % DEEDS.len()].1(stream);
                    }
                    number += 5;
                }
            });
        }
        while begun.elapsed() < Duration::from_secs(seconds) {
            for _ in 0..20 {
                longest = longest.max(good(&websmsd));
                served.fetch_add(1, Ordering::Relaxed);
            }
            let kib = held(websmsd.pid()).memory_kib;
            match begun.elapsed().as_secs() * 2 < seconds {
                true => early_kib = early_kib.max(kib),
                false => late_kib = late_kib.max(kib),
            }
        }
        drop(ends);
    });
    let after = back_to(&websmsd, before, 3072);
    println!(
        "-- soak: {seconds} s, {} hostile connections, {} good requests, all served, the slowest in \
         {longest:.1?}; memory {} KiB at first, {early_kib} at most in the first half, {late_kib} in the second, {} at the end",
        peers.load(Ordering::Relaxed),
        served.load(Ordering::Relaxed),
        before.memory_kib,
        after.memory_kib,
    );
    assert!(late_kib <= early_kib + 1024, "{early_kib} {late_kib}");
}
