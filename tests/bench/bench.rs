//! Measures the real program and its yardsticks in turns, and prints a table of ratios. Run by
//! `tests/bench/run`.
//!
//! Every figure is the median of several rounds. Within a round the program and its yardsticks
//! follow each other, so that a slow minute of the machine meets all of them.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a measurement that panics has failed; what it prints is what it is for"
)]

#[path = "../rig/mod.rs"]
mod rig;

mod inbound;
mod inbox;
mod memory;
mod outbound;

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rig::Scratch;

/// The measurements, and their numbers of rounds.
pub struct Plan {
    /// The build that runs on this machine.
    pub binary: PathBuf,
    /// The static build, if there is one.
    pub static_binary: Option<PathBuf>,
    /// The rounds of measurements per second.
    pub rounds: usize,
    /// The rounds of measurements per run.
    pub runs: usize,
}

/// The table, with a row for each figure.
#[derive(Default)]
pub struct Table {
    rows: Vec<[String; 4]>,
    missed: usize,
}

impl Table {
    /// Adds a heading within the table.
    pub fn heading(&mut self, text: &str) {
        println!("{text} …");
        self.rows.push([
            format!("**{text}**"),
            String::new(),
            String::new(),
            String::new(),
        ]);
    }

    /// Adds a figure that only explains others.
    pub fn figure(&mut self, what: &str, figure: String) {
        println!("    {what}: {figure}");
        self.rows
            .push([what.to_owned(), figure, String::new(), String::new()]);
    }

    /// Adds a figure with its goal.
    pub fn wanted(&mut self, what: &str, figure: String, wanted: &str, reached: bool) {
        let verdict = if reached { "yes" } else { "NO" };
        println!("    {what}: {figure} (wanted: {wanted}) {verdict}");
        self.missed += usize::from(!reached);
        self.rows.push([
            what.to_owned(),
            figure,
            wanted.to_owned(),
            verdict.to_owned(),
        ]);
    }

    fn print(&self) {
        println!("\n| | measured | wanted | reached |\n|---|---|---|---|");
        for [what, figure, wanted, verdict] in &self.rows {
            println!("| {what} | {figure} | {wanted} | {verdict} |");
        }
    }
}

/// Returns the median.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A `websmsd` without `-v`, whose log is discarded. It is killed with the value.
pub struct Daemon {
    child: Child,
    /// The address on which it listens.
    pub address: SocketAddr,
    /// The folder with its configuration and its spool.
    pub scratch: Scratch,
    /// The time from before its start to the first connection that succeeded.
    pub start: Duration,
}

/// Returns the processor time of a process or thread, user and system, in seconds, from its `stat` file
/// (proc(5)). A tick is a hundredth of a second on every Linux with a C library.
pub fn processor_s(stat: &str) -> f64 {
    let stat = std::fs::read_to_string(stat).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / 100.0
}

impl Daemon {
    /// Starts a build of it with its spool below `parent`.
    pub fn start(binary: &Path, parent: &Path, conf: &str) -> Daemon {
        let scratch = Scratch::within(parent);
        let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, conf));
        let address = rig::deaf_address();
        let mut run = rig::command(binary);
        run.arg("websmsd")
            .arg("-c")
            .arg(conf)
            .args(["-l", &address.to_string()]);
        run.stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        let child = run.spawn().unwrap();
        while TcpStream::connect(address).is_err() {
            assert!(start.elapsed() < rig::PATIENCE, "websmsd does not listen");
            thread::sleep(Duration::from_micros(50));
        }
        Daemon {
            child,
            address,
            scratch,
            start: start.elapsed(),
        }
    }

    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the processor time that it has taken, user and system, in seconds.
    pub fn processor_s(&self) -> f64 {
        processor_s(&format!("/proc/{}/stat", self.child.id()))
    }

    /// Returns a number of `/proc/PID/status`; of memory in KiB.
    pub fn status(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap()
            .split_whitespace()
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Sends one request on a connection of its own, and checks the answer 200.
    pub fn deliver(&self, form: &str) {
        let mut http = rig::Http::connect(self.address);
        http.send(rig::post("/", rig::FORM, form));
        assert_eq!(http.answer().status, 200);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns an absolute path, because links to it are made in other folders.
fn absolute(path: &str) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [effort, part, binary, static_binary] = arguments.as_slice() else {
        println!("run by tests/bench/run");
        return ExitCode::from(2);
    };
    let quick = effort == "quick";
    let plan = Plan {
        binary: absolute(binary),
        static_binary: (!static_binary.is_empty()).then(|| absolute(static_binary)),
        rounds: if quick { 3 } else { 9 },
        runs: if quick { 9 } else { 31 },
    };
    rig::use_binary(plan.binary.clone());
    let mut table = Table::default();
    let is_wanted = |name| part.is_empty() || part == name;
    if is_wanted("inbound") {
        inbound::measure(&plan, &mut table);
    }
    if is_wanted("inbox") {
        inbox::measure(&plan, &mut table);
    }
    if is_wanted("memory") {
        memory::measure(&plan, &mut table);
    }
    if is_wanted("outbound") {
        outbound::measure(&plan, &mut table);
    }
    table.print();
    if table.missed > 0 {
        println!("\n{} figures missed what is wanted", table.missed);
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
