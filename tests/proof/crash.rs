//! Kills a daemon again and again while its provider fails by turns: no SMS is lost, and none is sent twice
//! unless a positive answer was on its way when the daemon died.
//!
//! `WEBSMS_CRASH_SEED` repeats a run, `WEBSMS_CRASH_MESSAGES` makes it longer.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::rig::{self, Called, Scratch, Websmsd};

/// The kinds of failures of the provider, in turn.
const FAILURES: [&str; 5] = ["refused", "500", "429", "timeout", "reset"];
/// The number of requests of which one fails: a failure costs a pause of a second.
const FAILURE_EVERY: usize = 150;
/// The number of positive answers after which the daemon dies, or up to twice as many.
const KILL_EVERY: usize = 250;

/// The requests that the provider has seen.
#[derive(Default)]
struct Seen {
    /// For each text, the lives of the daemon in which it was accepted.
    accepted: Mutex<HashMap<String, Vec<usize>>>,
    yeses: AtomicUsize,
    requests: AtomicUsize,
    failures: [AtomicUsize; 5],
    over: AtomicBool,
}

/// Returns the next number of a small generator, so that a seed determines the whole run.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn listen(address: SocketAddr) -> TcpListener {
    let mut bound = None;
    rig::wait_for("the provider's port", || {
        bound = TcpListener::bind(address).ok();
        bound.is_some()
    });
    bound.unwrap()
}

/// Runs the provider until `over`.
fn provider(first: TcpListener, seen: &Arc<Seen>) {
    let address = first.local_addr().unwrap();
    let mut listener = Some(first);
    let mut turn = 0;
    while !seen.over.load(Ordering::SeqCst) {
        let open = listener.get_or_insert_with(|| listen(address));
        let Ok((stream, _)) = open.accept() else {
            continue;
        };
        let number = seen.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let failure = number.is_multiple_of(FAILURE_EVERY).then(|| {
            turn += 1;
            (turn - 1) % FAILURES.len()
        });
        if let Some(kind) = failure {
            seen.failures[kind].fetch_add(1, Ordering::SeqCst);
        }
        if failure == Some(0) {
            // Nobody listens for this long; the connection is closed before any of it was read.
            listener = None;
            drop(stream);
            thread::sleep(Duration::from_millis(300));
            continue;
        }
        let seen = Arc::clone(seen);
        thread::spawn(move || answer(stream, failure, &seen));
    }
}

fn answer(mut stream: TcpStream, failure: Option<usize>, seen: &Seen) {
    stream.set_read_timeout(Some(rig::PATIENCE)).unwrap();
    let mut request = Vec::new();
    let mut chunk = [0; 2048];
    let (life, text) = loop {
        let Ok(read @ 1..) = stream.read(&mut chunk) else {
            return;
        };
        request.extend_from_slice(&chunk[..read]);
        let whole = String::from_utf8_lossy(&request).into_owned();
        // The text comes first in the form, and its end shows that the request is complete.
        if let Some((head, form)) = whole.split_once("\r\n\r\n")
            && form.ends_with("&To=%2B1")
        {
            // A request may be read after the death of the daemon that wrote it, so it names its life.
            let path = head.strip_prefix("POST /").unwrap();
            let life: usize = path.split(' ').next().unwrap().parse().unwrap();
            let text = form.strip_prefix("Body=").unwrap();
            break (life, text.split('&').next().unwrap().to_owned());
        }
    };
    let reply = |status: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    };
    match failure.map(|kind| FAILURES[kind]) {
        None => {
            seen.accepted
                .lock()
                .unwrap()
                .entry(text)
                .or_default()
                .push(life);
            seen.yeses.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(reply("200 OK").as_bytes());
        }
        Some("500") => drop(stream.write_all(reply("500 No").as_bytes())),
        Some("429") => {
            let wait =
                reply("429 Slow").replace("\r\nConnection", "\r\nRetry-After: 1\r\nConnection");
            drop(stream.write_all(wait.as_bytes()));
        }
        // It is silent until the daemon has given up.
        Some("timeout") => drop(stream.read(&mut chunk)),
        // An unread byte makes the end a reset; the request was read whole.
        _ => {
            let _ = stream.write_all(b"H");
        }
    }
}

/// Puts message `number` into the queue as `websms` does: aside, then moved.
fn put(queue: &Path, number: usize) {
    let text = format!("m{number}");
    let item = format!(
        "websms queue 1\nid: {number:016x}\ninterface: \nto: +1\nfrom: alice\nqueued: 0\n\
         tries: 0\nunsure: 0\ndue: 0\nreason: \ntext: {}\n\n{text}",
        text.len()
    );
    let name = format!("{number:016x}-{number:016x}-{number:016x}-{:016x}", 0);
    let aside = queue.join("tmp").join(&name);
    fs::write(&aside, item).unwrap();
    fs::rename(aside, queue.join("new").join(name)).unwrap();
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn slow_no_sms_is_lost_by_failures_and_deaths() {
    let from = |name: &str, other: u64| std::env::var(name).map_or(other, |it| it.parse().unwrap());
    let messages = usize::try_from(from("WEBSMS_CRASH_MESSAGES", 2000)).unwrap();
    let seed = from("WEBSMS_CRASH_SEED", 20_261_125);
    println!("-- crash: seed {seed}, {messages} messages");
    let mut state = seed | 1;

    let scratch = Scratch::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let conf = format!(
        "[websms]\nhost = \"http://{address}\"\npath = /LIFE\nauth_method = none\ntimeout = 5\n\
         [queue]\nretry = 1s\nmax = 100000\n"
    );
    let conf = rig::spool_conf(&scratch, &conf);
    let queue = scratch.folder("state/queue");
    for place in ["tmp", "new", "failed"] {
        fs::create_dir_all(queue.join(place)).unwrap();
    }
    let seen = Arc::new(Seen::default());
    let serving = Arc::clone(&seen);
    let provider = thread::spawn(move || provider(listener, &serving));
    let start = |life: usize| {
        let own = Scratch::new();
        let conf = conf.replace("/LIFE", &format!("/{life}"));
        let conf = own.file("websms.conf", conf);
        let mut run = rig::daemon_command(Called::Link, &own);
        run.arg("-c").arg(conf).args(["-l", "127.0.0.1:0", "-v"]);
        Websmsd::spawn(run, own)
    };

    let mut websmsd = start(0);
    let (mut given, mut kills, mut last_yeses, mut moved) = (0, 0, 0, Instant::now());
    let mut next_kill = KILL_EVERY;
    while given < messages || count(&queue.join("new")) > 0 {
        // Some hundreds wait at any time.
        while given < messages && count(&queue.join("new")) < 400 {
            for _ in 0..100.min(messages - given) {
                given += 1;
                put(&queue, given);
            }
        }
        let yeses = seen.yeses.load(Ordering::SeqCst);
        if yeses > last_yeses {
            (last_yeses, moved) = (yeses, Instant::now());
        }
        assert!(
            moved.elapsed() < rig::PATIENCE,
            "nothing is sent any more:\n{}",
            websmsd.log()
        );
        if yeses >= next_kill {
            rig::signal(websmsd.pid(), "KILL");
            websmsd.wait_for_exit();
            kills += 1;
            next_kill =
                yeses + KILL_EVERY + usize::try_from(next(&mut state)).unwrap_or(7) % KILL_EVERY;
            websmsd = start(kills);
        }
        thread::sleep(Duration::from_millis(2));
    }
    drop(websmsd);
    seen.over.store(true, Ordering::SeqCst);
    let _ = TcpStream::connect(address);
    provider.join().unwrap();

    let accepted = seen.accepted.lock().unwrap();
    let failed = count(&queue.join("failed"));
    let (mut lost, mut doubled) = (Vec::new(), 0);
    for number in 1..=messages {
        let lives = accepted
            .get(&format!("m{number}"))
            .cloned()
            .unwrap_or_default();
        if lives.is_empty() {
            lost.push(number);
        }
        // Two positive answers to one daemon would be our fault.
        assert!(
            lives.windows(2).all(|two| two[0] < two[1]),
            "m{number} {lives:?}"
        );
        doubled += lives.len().saturating_sub(1);
    }
    for name in fs::read_dir(queue.join("failed")).unwrap() {
        let file = fs::read_to_string(name.unwrap().path()).unwrap();
        assert!(file.contains("reason: it may have been sent: "), "{file}");
        let text = file.rsplit("\n\nm").next().unwrap();
        lost.retain(|number| number.to_string() != text);
    }
    let failures: Vec<String> = FAILURES
        .iter()
        .zip(&seen.failures)
        .map(|(name, count)| format!("{} {name}", count.load(Ordering::SeqCst)))
        .collect();
    println!(
        "-- crash: {messages} SMS, {kills} times kill -9, {} requests, failures: {}; {} lost, {doubled} \
         doubled by a death, {failed} given up as unsure",
        seen.requests.load(Ordering::SeqCst),
        failures.join(", "),
        lost.len()
    );
    assert!(lost.is_empty(), "{lost:?}");
    assert!(doubled <= 4 * kills, "{doubled} doubles, {kills} deaths");
    assert!(kills >= messages / 1000, "{kills}");
}
