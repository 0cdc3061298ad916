//! Measures webhooks per second: `websmsd` against `php -S` and against a loop that only writes the files.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::rig::{self, Http, Scratch};
use super::{Daemon, Plan, Table, median, processor_s};

/// The length of one contestant's round.
const ROUND: Duration = Duration::from_secs(1);

const FORM: &str = "To=%2B12025550160&From=%2B15017122661&Body=Incoming+message%21";

/// Whether a file is on the disk before the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    Yes,
    No,
}

impl Sync {
    pub fn word(self) -> &'static str {
        if self == Sync::Yes { "yes" } else { "no" }
    }
}

pub fn measure(plan: &Plan, table: &mut Table) {
    let memory = Path::new("/dev/shm");
    let disk = std::env::current_dir().unwrap().join("target");

    table.heading("SMS in a second, 8 connections, `sync = no`, spool on a tmpfs");
    let mut rates = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..plan.rounds {
        rates[0].push(websmsd(memory, Sync::No, 8));
        rates[1].push(php(memory));
        rates[2].push(bare_loop(memory, Sync::No));
        rates[3].push(websmsd_with_ids(memory, Sync::No, 8));
    }
    let [ours, php, bare, ids] = rates.map(median);
    table.figure("`websmsd`", format!("{ours:.0}"));
    table.figure("`websmsd` with `key_id`", format!("{ids:.0}"));
    table.figure("`php -S`, a short script", format!("{php:.0}"));
    table.figure(
        "a bare loop that writes the same files, no HTTP",
        format!("{bare:.0}"),
    );
    let (times, share) = (ours / php, 100.0 * ours / bare);
    table.wanted(
        "against `php -S`",
        format!("{times:.1} ×"),
        "≥ 2.5 ×",
        times >= 2.5,
    );
    table.figure("against the bare loop", format!("{share:.0} %"));
    processor_time(plan, table, memory);

    table.heading("SMS in a second, `sync = yes`, spool on the disk");
    let mut rates = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..plan.rounds {
        rates[0].push(websmsd(&disk, Sync::Yes, 1));
        rates[1].push(bare_loop(&disk, Sync::Yes));
        rates[2].push(websmsd(&disk, Sync::Yes, 8));
    }
    let [one, bare, eight] = rates.map(median);
    table.figure("`websmsd`, 1 connection", format!("{one:.0}"));
    table.figure("`websmsd`, 8 connections", format!("{eight:.0}"));
    table.figure(
        "a bare loop that writes and syncs the same files",
        format!("{bare:.0}"),
    );
    let (share, shared) = (100.0 * one / bare, 100.0 * eight / bare);
    table.wanted(
        "1 connection against the loop",
        format!("{share:.0} %"),
        "≥ 80 %",
        share >= 80.0,
    );
    table.wanted(
        "8 against the loop",
        format!("{shared:.0} %"),
        "> 100 %",
        shared > 100.0,
    );

    table.heading("every 200 is a call file, all to one number");
    for (sync, folder) in [(Sync::No, memory), (Sync::Yes, disk.as_path())] {
        let (answered, files) = count(folder, sync);
        let figure = format!("{answered} answered 200, {files} call files");
        let what = format!("`sync = {}`, 8 connections", sync.word());
        table.wanted(&what, figure, "equal", answered == files && answered > 0);
    }
}

/// Compares the processor time of an SMS, which the load generator beside the program does not blur.
fn processor_time(plan: &Plan, table: &mut Table, memory: &Path) {
    let binary = plan.static_binary.as_ref().unwrap_or(&plan.binary);
    let mut times_us = [Vec::new(), Vec::new()];
    for _ in 0..plan.rounds {
        let daemon = Daemon::start(binary, memory, "[astqueue]\nsync = no\nmax = 1000000\n");
        let before_s = daemon.processor_s();
        wrk(daemon.address, 8, &[]);
        let taken_s = daemon.processor_s() - before_s;
        let files = names(&daemon.scratch.join("outgoing")).len();
        times_us[0].push(taken_s * 1e6 / files as f64);

        let thread = "/proc/thread-self/stat";
        let before_s = processor_s(thread);
        let start = Instant::now();
        let files = bare_loop(memory, Sync::No) * start.elapsed().as_secs_f64();
        times_us[1].push((processor_s(thread) - before_s) * 1e6 / files);
    }
    let [ours, bare] = times_us.map(median);
    let build = if plan.static_binary.is_some() {
        "static build"
    } else {
        "this machine's build"
    };
    table.figure(
        &format!("processor time of an SMS, {build}"),
        format!("{ours:.1} µs"),
    );
    table.figure("of a file of the bare loop", format!("{bare:.1} µs"));
    let times = ours / bare;
    let what = "processor time against the bare loop's";
    table.wanted(what, format!("{times:.1} ×"), "≤ 3.5 ×", times <= 3.5);
}

fn daemon(parent: &Path, sync: Sync) -> Daemon {
    daemon_with(parent, sync, "")
}

fn daemon_with(parent: &Path, sync: Sync, websmsd: &str) -> Daemon {
    let sync = sync.word();
    let conf = format!("[websmsd]\n{websmsd}\n[astqueue]\nsync = {sync}\nmax = 1000000\n");
    Daemon::start(&rig::binary(), parent, &conf)
}

fn websmsd(parent: &Path, sync: Sync, connections: usize) -> f64 {
    let daemon = daemon(parent, sync);
    wrk(daemon.address, connections, &[])
}

/// Measures with `key_id`: every SMS has an id that was never seen, which costs most.
fn websmsd_with_ids(parent: &Path, sync: Sync, connections: usize) -> f64 {
    let daemon = daemon_with(parent, sync, "key_id = Id");
    wrk(daemon.address, connections, &["ids"])
}

/// Measures `php -S` with its default of one worker, as the original was run.
fn php(parent: &Path) -> f64 {
    let scratch = spool(parent);
    let address = rig::deaf_address();
    let mut server = Command::new("php")
        .args(["-S", &address.to_string(), "tests/bench/receive.php"])
        .env("SPOOL", scratch.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    rig::wait_for("php -S", || std::net::TcpStream::connect(address).is_ok());
    let rate = wrk(address, 8, &[]);
    server.kill().unwrap();
    server.wait().unwrap();
    rate
}

fn spool(parent: &Path) -> Scratch {
    let scratch = Scratch::within(parent);
    scratch.folder("staging");
    scratch.folder("outgoing");
    scratch
}

/// Returns the answers per second; panics if one of them is no 200.
pub fn wrk(address: SocketAddr, connections: usize, script: &[&str]) -> f64 {
    let output = Command::new("wrk")
        .args([
            "-t",
            "1",
            "-c",
            &connections.to_string(),
            "-s",
            "tests/bench/post.lua",
        ])
        .args([
            "-d",
            &format!("{}s", ROUND.as_secs()),
            &format!("http://{address}/"),
            "--",
        ])
        .args(script)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = said.lines().last().unwrap_or("").split(' ').collect();
    let ["RATE", rate, "FAILED", "0"] = words.as_slice() else {
        panic!("wrk: {said}{}", String::from_utf8_lossy(&output.stderr));
    };
    rate.parse().unwrap()
}

/// Returns the files per second that are created, written and moved; with [`Sync::Yes`] file and folder are
/// synced.
pub fn bare_loop(parent: &Path, sync: Sync) -> f64 {
    let scratch = spool(parent);
    let (staging, outgoing) = (scratch.join("staging"), scratch.join("outgoing"));
    let folder = File::open(&outgoing).unwrap();
    let content = sample();
    let start = Instant::now();
    let mut count = 0_u64;
    while start.elapsed() < ROUND {
        let name = format!("+12025550160.1700000000.{count:016x}.call");
        let staged = staging.join(&name);
        let mut file = File::create_new(&staged).unwrap();
        file.write_all(&content).unwrap();
        if sync == Sync::Yes {
            file.sync_all().unwrap();
        }
        drop(file);
        fs::rename(&staged, outgoing.join(&name)).unwrap();
        if sync == Sync::Yes {
            folder.sync_all().unwrap();
        }
        count += 1;
    }
    count as f64 / start.elapsed().as_secs_f64()
}

/// Returns the bytes of a call file as `websmsd` writes it.
fn sample() -> Vec<u8> {
    let daemon = daemon(&std::env::temp_dir(), Sync::No);
    daemon.deliver(FORM);
    rig::call_files(&daemon.scratch.join("outgoing"))
        .remove(0)
        .bytes
}

/// Returns how many of many SMS to one number were answered 200, and how many files there are then.
fn count(parent: &Path, sync: Sync) -> (usize, usize) {
    const EACH: usize = 1000;
    let daemon = daemon(parent, sync);
    let senders: Vec<_> = (0..8)
        .map(|_| {
            let address = daemon.address;
            thread::spawn(move || {
                let mut http = Http::connect(address);
                let request = rig::post("/", rig::FORM, FORM);
                let answers = (0..EACH).map_while(|_| {
                    http.send(&request);
                    http.try_answer()
                });
                answers.filter(|answer| answer.status == 200).count()
            })
        })
        .collect();
    let answered = senders
        .into_iter()
        .map(|sender| sender.join().unwrap())
        .sum();
    (answered, names(&daemon.scratch.join("outgoing")).len())
}

fn names(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}
