//! Runs `strace` on a running program: shows its calls, and injects faults at chosen ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{PATIENCE, Scratch, drain, holds_within, signal, wait_for, wait_for_exit};

/// A running program under `strace`.
pub struct Tracer {
    child: Child,
    output: PathBuf,
}

impl Tracer {
    /// Attaches to all threads, present and future, once the program has nothing to do: then only the test
    /// can cause a fault, and not the end of the program's own start.
    #[track_caller]
    pub fn attach(pid: u32, scratch: &Scratch, options: &[&str]) -> Tracer {
        wait_for_rest(pid);
        let output = scratch.join("trace");
        let _ = fs::remove_file(&output);
        let mut child = Command::new("strace")
            .args(["-f", "-o"])
            .arg(&output)
            .args(options)
            .args(["-p", &pid.to_string()])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("strace");
        let said = drain(child.stderr.take().unwrap());
        let mut ended = false;
        let attached = holds_within(PATIENCE, || {
            ended = child.try_wait().unwrap().is_some();
            ended || is_traced(pid)
        });
        if ended || !attached {
            let _ = child.kill();
            let _ = child.wait();
            let tasks = tasks(pid);
            panic!(
                "strace does not attach (it may need root): {}; {tasks:?}",
                said.join().unwrap()
            );
        }
        Tracer { child, output }
    }

    /// Detaches and returns the trace.
    pub fn detach(mut self) -> String {
        signal(self.child.id(), "INT");
        wait_for_exit(&mut self.child);
        fs::read_to_string(&self.output).unwrap()
    }

    /// Returns the trace, once the program has died.
    pub fn after_death(mut self) -> String {
        wait_for_exit(&mut self.child);
        fs::read_to_string(&self.output).unwrap()
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until every thread sleeps and stays asleep: none has run between two looks.
#[track_caller]
pub fn wait_for_rest(pid: u32) {
    let mut before = BTreeMap::new();
    wait_for("the program to rest", || {
        let now = tasks(pid);
        let rests = !now.is_empty() && now == before && now.values().all(|task| task.sleeps);
        before = now;
        rests
    });
}

/// Whether every thread has a tracer. Threads of finished connections may still be ending.
fn is_traced(pid: u32) -> bool {
    let tasks = tasks(pid);
    !tasks.is_empty() && tasks.values().all(|task| task.traced)
}

/// The system's data on a thread (`proc_pid_status(5)`).
#[derive(Debug, PartialEq, Eq)]
struct Task {
    sleeps: bool,
    traced: bool,
    /// The number of times that it was put to sleep, by itself or not.
    switches: Vec<String>,
}

fn tasks(pid: u32) -> BTreeMap<PathBuf, Task> {
    let folder = format!("/proc/{pid}/task");
    let Ok(entries) = fs::read_dir(Path::new(&folder)) else {
        return BTreeMap::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter_map(|path| {
            let status = fs::read_to_string(path.join("status")).ok()?;
            let switches = status.lines().filter(|line| line.contains("ctxt_switches"));
            let task = Task {
                sleeps: status.contains("State:\tS"),
                traced: !status.contains("TracerPid:\t0\n"),
                switches: switches.map(str::to_owned).collect(),
            };
            Some((path, task))
        })
        .collect()
}

/// Whether a system call touches files: one that keeping an SMS needs, or one of `more`.
pub fn is_file_call(name: &str, more: &[&str]) -> bool {
    const CALLS: [&str; 16] = [
        "openat",
        "openat2",
        "write",
        "fchmod",
        "fsync",
        "fdatasync",
        "renameat2",
        "rename",
        "renameat",
        "unlink",
        "unlinkat",
        "getdents64",
        "statx",
        "newfstatat",
        "mkdirat",
        "getrandom",
    ];
    CALLS.contains(&name) || more.contains(&name)
}
