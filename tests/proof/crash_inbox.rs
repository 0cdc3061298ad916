//! Kills a daemon again and again, with a spool that restarts empty: no SMS of the inbox is lost, and none
//! comes twice unless a crash came between its move and the record of it.
//!
//! A stand-in takes call files as Asterisk does. `WEBSMS_CRASH_SEED` repeats a run, `WEBSMS_CRASH_INBOX`
//! and `WEBSMS_CRASH_PARTS` make it longer.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::rig::{self, Called, Scratch, Websmsd};

/// The number of clients, each of which sends one SMS after the other.
const CLIENTS: usize = 4;
/// The number of telephone numbers of each client.
const NUMBERS: usize = 12;
/// The number of SMS after which the daemon dies, or up to twice as many.
const KILL_EVERY: usize = 200;
/// The number of crashes of which one empties the spool.
const EMPTY_EVERY: usize = 8;

/// The SMS that the clients send.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Texts {
    /// Each text in one request.
    Short,
    /// Each text in one to five requests, of which every second text's come in reverse.
    InParts,
}

impl Texts {
    fn parts(self, number: usize) -> usize {
        match self {
            Texts::Short => 1,
            Texts::InParts => 1 + number % 5,
        }
    }

    /// The requests that a text is, as fields of a form.
    fn requests(self, number: usize) -> Vec<String> {
        let total = self.parts(number);
        if total == 1 {
            return vec![format!("Id={number}&Body=m{number}")];
        }
        let part = |part| {
            let place = format!("ref={number}&part={part}&total={total}");
            format!("Id={number}.{part}&{place}&Body=m{number}.{part}-")
        };
        let mut requests: Vec<String> = (1..=total).map(part).collect();
        if number % 2 == 1 {
            requests.reverse();
        }
        requests
    }

    /// The text that must arrive.
    fn text(self, number: usize) -> String {
        match self.parts(number) {
            1 => format!("m{number}"),
            total => (1..=total)
                .map(|part| format!("m{number}.{part}-"))
                .collect(),
        }
    }
}

#[derive(Default)]
struct World {
    /// The address on which the daemon listens.
    address: Mutex<Option<SocketAddr>>,
    acknowledged: AtomicUsize,
    /// The SMS of which a request got no answer, so that it was sent again.
    unanswered: Mutex<HashMap<usize, usize>>,
    /// The SMS that were taken, in order. It is locked while the daemon dies, so that nothing is taken
    /// then.
    taken: Mutex<Vec<usize>>,
    over: AtomicBool,
}

fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// The status of an answer; `None`: there is none.
fn post(address: SocketAddr, fields: &str, to: usize) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(rig::PATIENCE)).ok()?;
    let body = format!("To=%2B{to}&From=Bank&{fields}");
    let request = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer.get(9..12)?.parse().ok()
}

/// Sends every SMS of a client until it is acknowledged.
fn client(world: &World, client: usize, texts: Texts, messages: usize) {
    let numbers = (client..messages).step_by(CLIENTS);
    let requests = numbers.flat_map(|number| {
        let requests = texts.requests(number).into_iter();
        requests.map(move |fields| (number, fields))
    });
    for (number, fields) in requests {
        let to = 1000 * (client + 1) + (number / CLIENTS) % NUMBERS;
        loop {
            let address = *world.address.lock().unwrap();
            let answer = address.and_then(|address| post(address, &fields, to));
            match (address, answer) {
                (_, Some(200)) => break,
                (Some(_), None) => {
                    *world.unanswered.lock().unwrap().entry(number).or_default() += 1;
                }
                _ => {}
            }
            thread::sleep(Duration::from_millis(2));
        }
        world.acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

/// The number of an SMS and its text, in a call file or a file of inbox or parts.
fn read(path: &Path) -> Option<(usize, String)> {
    let file = fs::read_to_string(path).ok()?;
    let text = match file.split_once("setvar: MESSAGE(body)=") {
        Some((_, text)) => text.lines().next()?,
        None => file.rsplit_once("\n\n")?.1,
    };
    let number = text.strip_prefix('m')?.split('.').next()?;
    Some((number.parse().ok()?, text.to_owned()))
}

fn number_of(path: &Path) -> Option<usize> {
    read(path).map(|(number, _)| number)
}

fn paths(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Takes call files until all is over.
fn asterisk(world: &World, outgoing: &Path, texts: Texts) {
    while !world.over.load(Ordering::SeqCst) {
        let mut taken = world.taken.lock().unwrap();
        let found = paths(outgoing);
        for path in &found {
            let read = read(path);
            if fs::remove_file(path).is_ok() {
                let (number, text) = read.expect("a whole call file");
                assert_eq!(text, texts.text(number));
                taken.push(number);
            }
        }
        drop(taken);
        thread::sleep(Duration::from_millis(if found.is_empty() { 2 } else { 1 }));
    }
}

/// Returns the SMS in the inbox that were taken and come again, after an emptied spool or a crash before a
/// record. Those in `outgoing` count as taken, because they may be before the next daemon looks there.
fn comes_again(
    inbox: &Path,
    marker: Option<&str>,
    taken: &[usize],
    outgoing: &[usize],
) -> Vec<usize> {
    let is_recorded = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        marker.is_some_and(|marker| name.ends_with(marker))
    };
    let mut again: Vec<usize> = paths(inbox)
        .iter()
        .filter(|path| !is_recorded(path))
        .filter_map(|path| number_of(path))
        .collect();
    again.retain(|number| taken.contains(number) || outgoing.contains(number));
    again
}

fn from(name: &str, other: usize) -> usize {
    std::env::var(name).map_or(other, |it| it.parse().unwrap())
}

#[test]
fn slow_no_sms_of_the_inbox_is_lost_by_deaths_and_an_emptied_spool() {
    check(Texts::Short, from("WEBSMS_CRASH_INBOX", 2500));
}

#[test]
fn slow_no_part_of_a_text_is_lost_by_deaths_and_an_emptied_spool() {
    check(Texts::InParts, from("WEBSMS_CRASH_PARTS", 2500));
}

/// Sends so many requests, or a few more for a whole last text.
fn check(texts: Texts, requests: usize) {
    let seed = from("WEBSMS_CRASH_SEED", 20_261_130);
    let (mut messages, mut wanted) = (0, 0);
    while wanted < requests {
        wanted += texts.parts(messages);
        messages += 1;
    }
    println!("-- inbox: seed {seed}, {messages} SMS in {wanted} requests");
    let seed = u64::try_from(seed).unwrap();
    let mut state = seed | 1;

    let scratch = Scratch::new();
    let conf = "[websmsd]\nkey_id = Id\nkey_part_ref = ref\nkey_part_number = part\nkey_part_total = total\n\
                part_wait = 1h\n[astqueue]\ninbox = yes\ninbox_rate =\nmax = 1000\n";
    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, conf));
    let (outgoing, staging) = (scratch.join("outgoing"), scratch.join("staging"));
    let inbox = scratch.join("state/inbox/new");
    let start = || {
        let own = Scratch::new();
        let mut run = rig::daemon_command(Called::Link, &own);
        run.arg("-c").arg(&conf).args(["-l", "127.0.0.1:0"]);
        // A log of 20,000 lines would be kept in memory.
        run.arg("-v");
        Websmsd::spawn(run, own)
    };

    let world = Arc::new(World::default());
    let mut threads = Vec::new();
    for number in 0..CLIENTS {
        let world = Arc::clone(&world);
        threads.push(thread::spawn(move || {
            client(&world, number, texts, messages)
        }));
    }
    let taking = (Arc::clone(&world), outgoing.clone());
    let asterisk = thread::spawn(move || asterisk(&taking.0, &taking.1, texts));

    let mut websmsd = start();
    *world.address.lock().unwrap() = Some(websmsd.address);
    let (mut kills, mut emptied, mut next_kill) = (0, 0, KILL_EVERY);
    let (mut again, mut by_emptying) = (Vec::new(), 0);
    let (mut before, mut moved) = (0, Instant::now());
    loop {
        let acknowledged = world.acknowledged.load(Ordering::SeqCst);
        if acknowledged == wanted && paths(&inbox).is_empty() {
            break;
        }
        let now = acknowledged + world.taken.lock().unwrap().len();
        if now > before {
            (before, moved) = (now, Instant::now());
        }
        assert!(
            moved.elapsed() < rig::PATIENCE,
            "nothing is delivered any more:\n{}",
            websmsd.log()
        );
        if acknowledged >= next_kill && acknowledged < wanted {
            rig::signal(websmsd.pid(), "KILL");
            *world.address.lock().unwrap() = None;
            websmsd.wait_for_exit();
            kills += 1;
            let taken = world.taken.lock().unwrap();
            if kills % EMPTY_EVERY == 0 {
                emptied += 1;
                fs::remove_dir_all(&staging).unwrap();
                for path in paths(&outgoing) {
                    fs::remove_file(path).unwrap();
                }
                let all = comes_again(&inbox, None, &taken, &[]);
                by_emptying += all.len();
                again.extend(all);
            } else {
                let marker = fs::read_to_string(staging.join("websms.marker")).unwrap();
                let marker = marker.split(' ').nth(3).unwrap().to_owned();
                let left: Vec<usize> = paths(&outgoing)
                    .iter()
                    .filter_map(|path| number_of(path))
                    .collect();
                again.extend(comes_again(&inbox, Some(&marker), &taken, &left));
            }
            drop(taken);
            let more = usize::try_from(next(&mut state)).unwrap_or(7) % KILL_EVERY;
            next_kill = acknowledged + KILL_EVERY + more;
            websmsd = start();
            *world.address.lock().unwrap() = Some(websmsd.address);
        }
        thread::sleep(Duration::from_millis(2));
    }
    drop(websmsd);
    world.over.store(true, Ordering::SeqCst);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    asterisk.join().unwrap();

    let taken = world.taken.lock().unwrap();
    let unanswered = world.unanswered.lock().unwrap();
    let mut times = vec![0_usize; messages];
    let mut last = HashMap::new();
    for number in taken.iter().copied() {
        times[number] += 1;
        if times[number] == 1 {
            // For each number, they come in the order in which they were acknowledged.
            let client = number % CLIENTS;
            let to = (client, (number / CLIENTS) % NUMBERS);
            if let Some(before) = last.insert(to, number) {
                assert!(before < number, "m{number} came after m{before}");
            }
        }
    }
    let (mut lost, mut doubled, mut resent) = (Vec::new(), 0, 0);
    for (number, times) in times.iter().enumerate() {
        if *times == 0 {
            lost.push(number);
        }
        let twice = times.saturating_sub(1);
        let known = again.iter().filter(|other| **other == number).count();
        let sent = unanswered.get(&number).copied().unwrap_or(0);
        assert!(
            twice <= known + sent,
            "m{number} came {times} times, and no death lay between move and record"
        );
        doubled += twice.min(known);
        resent += twice.saturating_sub(known);
    }
    // Parts that are left belong to texts that came, at a death between the text's way into the inbox and
    // the end of its parts.
    let left = paths(&scratch.join("state/parts/new"));
    for path in &left {
        let number = number_of(path).unwrap();
        assert!(
            unanswered.contains_key(&number),
            "a part of m{number} is left"
        );
    }
    println!(
        "-- inbox: {messages} SMS in {wanted} requests, {kills} times kill -9, {emptied} of them with an emptied spool: {} lost; \
         {doubled} came twice: {by_emptying} had been taken and not forgotten when the spool was emptied, {} \
         moved and not recorded at a death; {resent} sent again by a client without an answer, and {} parts of \
         such are left",
        lost.len(),
        again.len() - by_emptying,
        left.len()
    );
    assert!(lost.is_empty(), "{lost:?}");
    assert!(kills >= wanted / 600, "{kills}");
}
