//! A PBX with waiting SMS: its configuration, its queue as files, its daemon.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Called, Decision, Itsp, Ran, Received, Scratch, Script, Websmsd, wait_for, websms};

/// A PBX: a configuration, its queue, and perhaps a daemon.
pub struct Pbx {
    pub scratch: Scratch,
    pub conf: PathBuf,
}

impl Pbx {
    pub fn new(conf: &str) -> Pbx {
        let scratch = Scratch::new();
        let conf = super::spool_conf(&scratch, conf);
        let conf = scratch.file("websms.conf", conf);
        Pbx { scratch, conf }
    }

    /// Makes a PBX with one interface at `url`.
    pub fn with(url: &str, more: &str) -> Pbx {
        Pbx::new(&one(url, more))
    }

    /// Starts its daemon, which outlives no test.
    pub fn websmsd(&self) -> Websmsd {
        self.websmsd_at("")
    }

    /// Starts its daemon under another clock.
    pub fn websmsd_at(&self, clock: &str) -> Websmsd {
        // The daemon has a folder of its own and works with ours.
        let scratch = Scratch::new();
        let mut run = super::daemon_command(Called::Link, &scratch);
        run.arg("-c")
            .arg(&self.conf)
            .args(["-l", "127.0.0.1:0", "-v"]);
        super::set_clock(&mut run, clock);
        let websmsd = Websmsd::spawn(run, scratch);
        // Once it listens it still has to take the queue.
        wait_for("a daemon that drains", || {
            let listed = websms(&self.conf, &["--queue"]).stdout;
            listed.contains(" waiting, ") && !listed.contains("no websmsd drains")
        });
        websmsd
    }

    pub fn send(&self, to: &str, text: &str) -> Ran {
        websms(&self.conf, &["-v", "--", to, "alice", text])
    }

    #[track_caller]
    pub fn queued(&self, to: &str, text: &str) -> Ran {
        let ran = self.send(to, text);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stderr.contains("QUEUED"), "{}", ran.stderr);
        ran
    }

    pub fn queue(&self) -> PathBuf {
        self.scratch.join("state").join("queue")
    }

    pub fn names(&self, place: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.queue().join(place)) else {
            return Vec::new();
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    pub fn files(&self, place: &str) -> Vec<String> {
        let read = |name: &String| fs::read(self.queue().join(place).join(name)).unwrap();
        let texts = self.names(place);
        texts
            .iter()
            .map(|name| String::from_utf8_lossy(&read(name)).into_owned())
            .collect()
    }

    #[track_caller]
    pub fn wait_until_empty(&self) {
        wait_for("an empty queue", || self.names("new").is_empty());
    }

    /// Writes a message as an earlier run would leave it.
    pub fn plant(&self, order: u64, to: &str, item: &str) -> PathBuf {
        let folder = self.queue().join("new");
        fs::create_dir_all(&folder).unwrap();
        let name = format!("{order:016x}-{order:016x}-{:016x}-{:016x}", hash(to), 0);
        let (aside, path) = (self.scratch.join(&name), folder.join(&name));
        fs::write(&aside, item).unwrap();
        // The programs do it this way, so that a running daemon notices it and never sees half of it.
        fs::rename(&aside, &path).unwrap();
        path
    }
}

/// Returns a hash. It only has to differ for different texts.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(7, |hash, byte| hash * 31 + u64::from(byte))
}

pub fn one(url: &str, more: &str) -> String {
    format!(
        "[websms]\nhost = \"{url}\"\nauth_method = none\n[websmsd]\npermit_addr = 127.0.0.1\n[queue]\nretry = 1s\n{more}\n"
    )
}

pub fn item(order: u64, to: &str, queued_s: u64, text: &str) -> String {
    format!(
        "websms queue 1\nid: {order:016x}\ninterface: \nto: {to}\nfrom: alice\nqueued: {queued_s}\n\
         tries: 1\nunsure: 0\ndue: 0\nreason: provider answered 503\ntext: {}\n\n{text}",
        text.len()
    )
}

pub fn now_s() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}

pub fn texts(requests: &[Received]) -> Vec<String> {
    requests
        .iter()
        .map(|request| request.form("Body"))
        .collect()
}

/// Runs a provider that takes all SMS but those to one number.
pub fn refusing_for_now(to: &'static str) -> Itsp {
    let script = move |request: &Received| match request.form("To") == to {
        true => (500, String::new()),
        false => (200, String::new()),
    };
    Itsp::start(vec![Script::Decide(Decision(Arc::new(script)))])
}
