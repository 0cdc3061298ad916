//! Runs the operator's programs with their input, without holding up the caller.
//!
//! A program gets no shell, no environment but the given one and `PATH`, and no output. A process runs
//! [`HOOKS_MAX`] at once; a thread exists only while one runs. Processes that a program leaves behind in
//! the background are its own; only a program that does not end in time is killed, with its process group.
//!
//! Invariant: only [`finish`] waits here, and a program's failure causes nothing but a log line.

use std::fmt;
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::limits::{HOOK_PAUSE_MAX, HOOK_STACK_BYTES, HOOK_WAIT, HOOKS_MAX, HOOKS_WAITING_MAX};
use crate::sys::cause::Cause;
use crate::sys::clock::Deadline;
use crate::sys::log::{self, Level};
use crate::sys::threads;

/// A run that is asked for.
pub struct Run {
    /// The beginning of its log lines.
    pub label: String,
    /// The absolute path of the program, which gets no arguments.
    pub program: PathBuf,
    /// The environment beside `PATH` and `WEBSMS_HOOK=1`.
    pub environment: Vec<(&'static str, String)>,
    /// The program's standard input.
    pub input: Vec<u8>,
}

/// Whether a hook started this process, so that it must start none itself.
pub fn is_within() -> bool {
    std::env::var_os(MARK).is_some_and(|value| value == "1")
}

const MARK: &str = "WEBSMS_HOOK";

/// Runs a program soon. If too many wait, it is dropped with a log line; within a hook none is run.
pub fn start(run: Run) {
    if is_within() {
        return;
    }
    let mut runs = lock();
    if runs.busy >= HOOKS_MAX {
        if runs.waiting.len() < HOOKS_WAITING_MAX {
            runs.waiting.push(run);
            return;
        }
        drop(runs);
        return log::event(
            Level::Warning,
            format_args!("{}: not run, {HOOKS_WAITING_MAX} others wait", run.label),
        );
    }
    runs.busy = runs.busy.saturating_add(1);
    drop(runs);
    let label = run.label.clone();
    let work = move || {
        let mut run = Some(run);
        while let Some(this) = run {
            this.log(&this.to_end());
            run = next();
        }
    };
    if threads::spawn("hook", HOOK_STACK_BYTES, work).is_err() {
        // A run that waits has a thread that will reach it; this one had none.
        let mut runs = lock();
        runs.busy = runs.busy.saturating_sub(1);
        drop(runs);
        IDLE.notify_all();
        log::event(Level::Warning, format_args!("{label}: not run, no thread"));
    }
}

/// Waits until all runs have ended: at most ([`HOOKS_WAITING_MAX`] / [`HOOKS_MAX`] + 1) × [`HOOK_WAIT`].
pub fn finish() {
    let mut runs = lock();
    while runs.busy > 0 {
        runs = IDLE.wait(runs).unwrap_or_else(PoisonError::into_inner);
    }
}

/// The runs of this process.
struct Runs {
    /// The number of threads, each with a run.
    busy: usize,
    waiting: Vec<Run>,
}

static RUNS: Mutex<Runs> = Mutex::new(Runs {
    busy: 0,
    waiting: Vec::new(),
});
static IDLE: Condvar = Condvar::new();

fn lock() -> MutexGuard<'static, Runs> {
    RUNS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the next run for this thread; without any, its place becomes free.
fn next() -> Option<Run> {
    let mut runs = lock();
    if runs.waiting.is_empty() {
        runs.busy = runs.busy.saturating_sub(1);
        IDLE.notify_all();
        return None;
    }
    Some(runs.waiting.remove(0))
}

/// The end of a run.
enum End {
    Ended(ExitStatus),
    Late,
    /// It could not be started, or its end could not be seen.
    Lost(io::Error),
}

impl Run {
    fn to_end(&self) -> End {
        let mut command = Command::new(&self.program);
        command.env_clear().env(MARK, "1").current_dir("/");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // The program gets a process group of its own, which can be killed as a whole.
        match command.process_group(0).spawn() {
            Ok(mut child) => attend(&mut child, &self.input).unwrap_or_else(End::Lost),
            Err(error) => End::Lost(error),
        }
    }

    fn log(&self, end: &End) {
        let level = match end {
            End::Ended(status) if status.success() => Level::Debug,
            _ => Level::Warning,
        };
        log::event(level, format_args!("{}: {end}", self.label));
    }
}

/// Feeds a program and waits for its end. Neither step blocks, because it may never read, and never end.
fn attend(child: &mut Child, input: &[u8]) -> io::Result<End> {
    let deadline = Deadline::after(HOOK_WAIT);
    let mut feed = child.stdin.take().map(|pipe| (pipe, input));
    if let Some((pipe, _)) = &feed {
        ioctl_fionbio(pipe, true)?;
    }
    let mut pause = Duration::from_millis(1);
    loop {
        feed = feed.and_then(|(pipe, rest)| fed(pipe, rest));
        if let Some(status) = child.try_wait()? {
            return Ok(End::Ended(status));
        }
        let Some(left) = deadline.left() else {
            // The program was not waited for yet, so the number is still its own.
            let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            if let Some(group) = group {
                kill_process_group(group, Signal::KILL)?;
            }
            child.wait()?;
            return Ok(End::Late);
        };
        pause = pause.saturating_mul(2).min(HOOK_PAUSE_MAX);
        rest(feed.as_ref().map(|(pipe, _)| pipe), pause.min(left));
    }
}

/// Writes as much as possible at once. Returns `None` if there is no more to write, or no reader.
fn fed(mut pipe: ChildStdin, rest: &[u8]) -> Option<(ChildStdin, &[u8])> {
    let mut rest = rest;
    while !rest.is_empty() {
        match pipe.write(rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Some((pipe, rest)),
            Err(_) => return None,
        }
    }
    None
}

/// Waits until there is room in the pipe, or for `pause`.
fn rest(pipe: Option<&ChildStdin>, pause: Duration) {
    match (pipe, Timespec::try_from(pause)) {
        (Some(pipe), Ok(pause)) => {
            let _ = poll(&mut [PollFd::new(pipe, PollFlags::OUT)], Some(&pause));
        }
        _ => thread::sleep(pause),
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Ended(status) => match (status.code(), status.signal()) {
                (Some(code), _) => write!(f, "ended with exit code {code}"),
                (None, signal) => write!(f, "ended by signal {}", signal.unwrap_or(0)),
            },
            End::Late => write!(f, "killed after {} s", HOOK_WAIT.as_secs()),
            End::Lost(error) => write!(f, "not run: {}", Cause(error)),
        }
    }
}
