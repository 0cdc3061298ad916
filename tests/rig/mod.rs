//! Runs the real program between a stub provider and a spool, all on loopback.
//!
//! Every function waits for a condition and panics if it does not come; none sleeps for a fixed time and
//! hopes. Only `std` is used, so that a fault of ours cannot hide behind a crate that shares it.

#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that panics has failed, which is its job; each test file uses a part of this"
)]

mod http;
mod itsp;
pub mod pbx;
mod tracer;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

pub use http::{Answer, FORM, Http, post};
pub use itsp::{Decision, Itsp, Received, Script, deaf_address};
pub use tracer::{Tracer, is_file_call, wait_for_rest};

/// The time after which anything that has not happened fails its test. It is generous, because the machine
/// may be busy, or stand still for some seconds.
pub const PATIENCE: Duration = Duration::from_secs(60);

static BINARY: OnceLock<PathBuf> = OnceLock::new();

/// Sets the path of the program for an example or a bench, which Cargo does not do.
pub fn use_binary(path: PathBuf) {
    BINARY.set(path).expect("one program a run");
}

/// Returns the path of the real program. `WEBSMS_BINARY` may name another one, such as a static one of
/// `cross/build.sh`.
pub fn binary() -> PathBuf {
    match option_env!("CARGO_BIN_EXE_websms") {
        Some(path) => std::env::var_os("WEBSMS_BINARY").map_or_else(|| path.into(), PathBuf::from),
        None => BINARY.get().expect("a call of use_binary").clone(),
    }
}

/// Waits until `condition` holds; panics with `what` after [`PATIENCE`].
#[track_caller]
pub fn wait_for(what: &str, condition: impl FnMut() -> bool) {
    assert!(
        holds_within(PATIENCE, condition),
        "waited in vain for {what}"
    );
}

/// Whether `condition` comes to hold before `limit` is over.
pub fn holds_within(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        // The longer it takes, the rarer are the looks, because a look may cost as much as a program's run.
        let pause = start.elapsed() / 16;
        thread::sleep(pause.clamp(Duration::from_millis(3), Duration::from_millis(20)));
    }
}

// ---- Files ----------------------------------------------------------------------------------

/// A temporary folder (0700) that is removed with its contents.
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub fn new() -> Scratch {
        Scratch::within(&std::env::temp_dir())
    }

    /// Makes a folder within another, for a test that needs another filesystem.
    pub fn within(parent: &Path) -> Scratch {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("websms-test-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => {
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
                    return Scratch { path };
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => panic!("{}: {e}", path.display()),
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file that nobody else may read.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Makes a folder.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A test may have taken the write permission away from a folder in here.
        let _ = Command::new("chmod")
            .arg("-R")
            .arg("u+rwX")
            .arg(&self.path)
            .status();
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A call file in the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFile {
    pub name: String,
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

impl CallFile {
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).expect("a call file is UTF-8")
    }

    /// Returns the value of the only line `key: value`; panics if there are several or none.
    #[track_caller]
    pub fn value(&self, key: &str) -> String {
        let text = self.text();
        let mut found = text
            .lines()
            .filter_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        let value = found
            .next()
            .unwrap_or_else(|| panic!("no {key} in\n{text}"));
        assert_eq!(found.next(), None, "several {key} in\n{text}");
        value.to_owned()
    }

    /// Returns the value of the only `setvar: name=value`.
    #[track_caller]
    pub fn variable(&self, name: &str) -> String {
        let text = self.text();
        let start = format!("setvar: {name}=");
        let mut found = text.lines().filter_map(|line| line.strip_prefix(&start));
        let value = found
            .next()
            .unwrap_or_else(|| panic!("no {name} in\n{text}"));
        assert_eq!(found.next(), None, "several {name} in\n{text}");
        value.to_owned()
    }

    /// Returns `MESSAGE(body)`, decoded as a dialplan does it.
    #[track_caller]
    pub fn body(&self) -> String {
        let value = self.variable("MESSAGE(body)");
        if self.variable("MESSAGE_ENCODE") == "rfc3986" {
            percent_decode(&value)
        } else {
            value
        }
    }
}

/// Returns every call file of a folder in Asterisk's order: by modification time, then by name.
pub fn call_files(folder: &Path) -> Vec<CallFile> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        let time = path.metadata().unwrap().modified().unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        files.push((
            time,
            CallFile {
                name,
                bytes: fs::read(&path).unwrap(),
                path,
            },
        ));
    }
    files.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
    files.into_iter().map(|(_, file)| file).collect()
}

pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let pair = text
            .get(at + 1..at + 3)
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (bytes[at], pair) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).expect("a decoded text is UTF-8")
}

// ---- websms ---------------------------------------------------------------------------------

/// The results of a finished run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Whether stderr tells of this end of an SMS: in a line of the log, or, where a syslog has that line, in
    /// one for the person who sent it.
    pub fn tells(&self, word: &str, reason: &str) -> bool {
        let logged = format!("out {word} ");
        let (logged_reason, shown) = (format!(": {reason}"), format!(" {word}: {reason}"));
        let mut lines = self.stderr.lines();
        lines.any(|line| {
            line.contains(&logged) && line.contains(&logged_reason) || line.contains(&shown)
        })
    }
}

/// Returns a command for `websms` without any environment of this machine that could change its behaviour.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in ["AST_AGI_DIR", "WEBSMS_CONF", "WEBSMSD_PORT"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs `websms -c CONF ARGS…` to its end.
pub fn websms<A: AsRef<OsStr>>(conf: &Path, args: &[A]) -> Ran {
    let mut run = command(&binary());
    run.arg("-c").arg(conf).args(args);
    finish(run)
}

/// Copies a program that is to be run. A program that ends does it: a file that this process has open for
/// writing is open in the programs that other tests start meanwhile, and cannot be executed.
#[track_caller]
pub fn copy_program(from: &Path, to: &Path) {
    let mut cp = Command::new("cp");
    cp.arg(from).arg(to);
    assert_eq!(finish(cp).code, Some(0));
}

/// Runs a command to its end; panics and kills it after [`PATIENCE`].
#[track_caller]
pub fn finish(mut command: Command) -> Ran {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = drain(child.stdout.take().unwrap());
    let stderr = drain(child.stderr.take().unwrap());
    let status = wait_for_exit(&mut child);
    Ran {
        code: status.code(),
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    }
}

/// Waits for a child's end; panics and kills it after [`PATIENCE`].
#[track_caller]
pub fn wait_for_exit(child: &mut Child) -> ExitStatus {
    let mut status = None;
    let ended = holds_within(PATIENCE, || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    if !ended {
        let _ = child.kill();
        let _ = child.wait();
        panic!("process {} did not end", child.id());
    }
    status.unwrap()
}

fn drain(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

// ---- websmsd --------------------------------------------------------------------------------

/// The way in which the daemon's applet is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called {
    /// `websmsd …`, a link.
    Link,
    /// `websmsd.php …`, a link with the old program's name.
    PhpLink,
    /// `websms websmsd …`.
    FirstArgument,
}

/// A running `websmsd` with its own configuration and spool. It is killed with the value.
pub struct Websmsd {
    child: Child,
    pid: u32,
    /// The address on which it listens.
    pub address: SocketAddr,
    /// The folder with the configuration, the link and, as `outgoing` and `staging`, the spool.
    pub scratch: Scratch,
    log: Arc<Mutex<String>>,
}

impl Websmsd {
    /// Starts it on `conf`, to which the spool folders are added. `@DIR@` stands for the scratch folder.
    #[track_caller]
    pub fn start(conf: &str) -> Websmsd {
        Websmsd::start_as(Called::Link, Scratch::new(), conf, &[])
    }

    /// Starts it by another name, in a folder that the test has prepared, with more options.
    #[track_caller]
    pub fn start_as(called: Called, scratch: Scratch, conf: &str, options: &[&str]) -> Websmsd {
        let conf = spool_conf(&scratch, conf);
        let conf = scratch.file("websms.conf", conf);
        let mut run = daemon_command(called, &scratch);
        run.arg("-c")
            .arg(conf)
            .args(["-l", "127.0.0.1:0", "-v"])
            .args(options);
        Websmsd::spawn(run, scratch)
    }

    /// Starts any command that ends up as a daemon with `-v` and waits until it listens.
    #[track_caller]
    pub fn spawn(mut run: Command, scratch: Scratch) -> Websmsd {
        run.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = run.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let lines = BufReader::new(child.stderr.take().unwrap());
        let kept = Arc::clone(&log);
        thread::spawn(move || keep_lines(lines, &kept));
        let mut address = None;
        let listens = holds_within(PATIENCE, || {
            address = listening(&log.lock().unwrap());
            address.is_some() || child.try_wait().unwrap().is_some()
        });
        let Some(address) = address.or_else(|| listening(&log.lock().unwrap())) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!(
                "websmsd does not listen ({listens}):\n{}",
                log.lock().unwrap()
            );
        };
        Websmsd {
            pid: child.id(),
            child,
            address,
            scratch,
            log,
        }
    }

    /// Starts such a command where it sees no process of this machine: see [`alone`].
    #[track_caller]
    pub fn spawn_alone(run: &Command, scratch: Scratch) -> Websmsd {
        let mut websmsd = Websmsd::spawn(alone(run), scratch);
        // Between the two is the shell.
        websmsd.pid = child_of(child_of(websmsd.pid));
        websmsd
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn outgoing(&self) -> PathBuf {
        self.scratch.join("outgoing")
    }

    pub fn staging(&self) -> PathBuf {
        self.scratch.join("staging")
    }

    pub fn call_files(&self) -> Vec<CallFile> {
        call_files(&self.outgoing())
    }

    /// Returns the only call file; panics if there are several or none.
    #[track_caller]
    pub fn call_file(&self) -> CallFile {
        let mut files = self.call_files();
        assert_eq!(files.len(), 1, "{files:?}\n{}", self.log());
        files.remove(0)
    }

    /// Returns all that it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits for a text in the log.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        let logged = holds_within(PATIENCE, || self.log().contains(text));
        assert!(logged, "no {text:?} in the log:\n{}", self.log());
    }

    pub fn connect(&self) -> Http {
        Http::connect(self.address)
    }

    /// Sends one request on a connection of its own.
    #[track_caller]
    pub fn post(&self, target: &str, content_type: &str, body: impl AsRef<[u8]>) -> Answer {
        let mut http = self.connect();
        http.send(post(target, content_type, body));
        http.answer()
    }

    /// Sends a GET on a connection of its own.
    #[track_caller]
    pub fn get(&self, target: &str) -> Answer {
        let mut http = self.connect();
        http.send(format!("GET {target} HTTP/1.1\r\nHost: websms\r\n\r\n"));
        http.answer()
    }

    /// Sends a signal by its name, as in `kill -HUP`.
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end, which the test has caused.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        wait_for_exit(&mut self.child)
    }
}

impl Drop for Websmsd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("---- log of websmsd ----\n{}----", self.log());
        }
    }
}

/// Returns a command that runs another one, without its environment, where that sees only the processes that
/// it has started itself: this machine may have an Asterisk of its own, or another test.
pub fn alone(inner: &Command) -> Command {
    let mut run = command(Path::new("unshare"));
    if !is_root() {
        run.args(["--user", "--map-root-user"]);
    }
    run.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
    // The shell stays the first of these processes, so all of them end with it. `unshare` alone could not kill
    // a program that has become another user.
    run.args(["sh", "-c", "\"$@\"; exit $?", "sh"]);
    run.arg(inner.get_program()).args(inner.get_args());
    run
}

/// Returns a child of a process.
#[track_caller]
fn child_of(pid: u32) -> u32 {
    let is_child = |found: &u32| {
        let status = fs::read_to_string(format!("/proc/{found}/status")).unwrap_or_default();
        status.contains(&format!("\nPPid:\t{pid}\n"))
    };
    let names = fs::read_dir("/proc").unwrap().flatten();
    let mut pids = names.filter_map(|name| name.file_name().to_str()?.parse().ok());
    pids.find(is_child).expect("a child")
}

/// Returns a command for `websmsd` by the chosen name, without arguments.
pub fn daemon_command(called: Called, scratch: &Scratch) -> Command {
    let link = match called {
        Called::Link => "websmsd",
        Called::PhpLink => "websmsd.php",
        Called::FirstArgument => {
            let mut run = command(&binary());
            run.arg("websmsd");
            return run;
        }
    };
    let link = scratch.join(link);
    if !link.exists() {
        symlink(binary(), &link).unwrap();
    }
    command(&link)
}

/// Adds to `conf` the spool of `scratch` in `[astqueue]` and its folder `state` in `[queue]`, unless it
/// names them itself. Makes the folder that Asterisk would have made.
pub fn spool_conf(scratch: &Scratch, conf: &str) -> String {
    scratch.folder("outgoing");
    let folder = scratch.path().to_str().unwrap();
    let conf = conf.replace("@DIR@", folder);
    let spool = format!("outgoingdir = \"{folder}/outgoing\"\nstagingdir = \"{folder}/staging\"\n");
    let conf = with_keys(conf, "astqueue", "outgoingdir", &spool);
    let state = format!("dir = \"{folder}/state\"\n");
    with_keys(conf, "queue", "dir", &state)
}

/// Adds lines to a section unless it has one that begins with `key`.
fn with_keys(conf: String, section: &str, key: &str, lines: &str) -> String {
    let header = format!("[{section}]\n");
    let named = |line: &str| line.split('=').next().unwrap().trim() == key;
    if conf.lines().any(named) {
        conf
    } else if conf.contains(&header) {
        conf.replacen(&header, &format!("{header}{lines}"), 1)
    } else {
        format!("{conf}\n{header}{lines}")
    }
}

/// Returns the number of bytes that have come to a program's address unread (`/proc/net/tcp`).
pub fn unread_bytes(address: SocketAddr) -> u64 {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let port = format!(":{:04X}", address.port());
    let rows = table
        .lines()
        .map(|row| row.split_whitespace().collect::<Vec<_>>());
    let ours = rows.filter(|row| row.get(1).is_some_and(|local| local.ends_with(&port)));
    // The field is `tx_queue:rx_queue`; for a listening socket it is the number of connections not accepted
    // yet.
    let unread = ours.map(|row| row[4].split_once(':').unwrap().1.to_owned());
    unread
        .map(|bytes| u64::from_str_radix(&bytes, 16).unwrap())
        .sum()
}

/// Removes a folder with its contents in one step, so that a program which makes it again at once is not in
/// the way.
pub fn remove_folder(folder: &Path) {
    let aside = folder.with_extension("removed");
    fs::rename(folder, &aside).unwrap();
    // A program that has it open may still be making something in it.
    wait_for("an empty folder", || fs::remove_dir_all(&aside).is_ok());
}

/// Runs a command under a clock that is off (`+2h`) or starts at a time (`@1970-01-01 00:10:00`); an empty
/// one changes nothing. The change times of files cannot be set.
pub fn set_clock(run: &mut Command, clock: &str) {
    if !clock.is_empty() {
        run.env("LD_PRELOAD", libfaketime());
        run.env("FAKETIME", clock);
        run.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        run.env("NO_FAKE_STAT", "1");
    }
}

fn libfaketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    found
        .find(|path| path.exists())
        .expect("libfaketime, of the package faketime")
}

pub fn is_root() -> bool {
    Path::new("/proc/self").metadata().unwrap().uid() == 0
}

pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(pid.to_string())
        .status();
    assert!(status.unwrap().success(), "kill -{name} {pid}");
}

fn keep_lines(mut lines: impl BufRead, kept: &Mutex<String>) {
    let mut line = Vec::new();
    while lines
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        kept.lock()
            .unwrap()
            .push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
}

/// Returns the first address in the log after `listening on`.
fn listening(log: &str) -> Option<SocketAddr> {
    let line = log
        .lines()
        .find_map(|line| line.split_once("listening on ")?.1.into());
    line?
        .split_whitespace()
        .next()?
        .trim_end_matches([',', '.'])
        .parse()
        .ok()
}
