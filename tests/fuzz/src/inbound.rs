//! Runs whole connections through the whole inbound story, over a stream in memory that is cut anywhere.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use websms::inbound::{Counts, Keeps, Service, Setup, StatusData, serve};
use websms::sys::clock::Deadline;
use websms::sys::listener::{Share, Slots};
use websms::sys::log;
use websms::sys::spool::{self, Spool, Sync};
use websms::sys::stream::Stream;

use crate::pieces;
use crate::sms::config;

/// The input is three bytes of settings, then the peer's bytes. Wherever these are cut, the answers are
/// equal, they are HTTP, and the spool has as many call files as they promise.
pub fn inbound(bytes: &[u8]) {
    let [flags, seed, more, sent @ ..] = bytes else {
        return;
    };
    let house = &houses()[usize::from(flags & 3)];
    let silent = flags & 4 == 4;
    let whole = house.converse(&[sent], silent);
    for seed in [*seed, *more] {
        let cut = house.converse(&pieces(sent, seed), silent);
        assert_eq!(cut, whole);
    }
}

/// The result of one connection.
#[derive(Debug, PartialEq, Eq)]
struct ConnectionResult {
    statuses: Vec<u16>,
    call_files: usize,
}

struct House {
    service: Service,
    outgoing: PathBuf,
    staging: PathBuf,
}

fn houses() -> &'static [House] {
    static HOUSES: OnceLock<Vec<House>> = OnceLock::new();
    HOUSES.get_or_init(|| {
        let folder = Box::leak(Box::new(folder()));
        // The lines go to a syslog that nobody reads.
        let socket: &'static Path = Box::leak(Box::new(folder.join("log")));
        std::mem::forget(UnixDatagram::bind(socket).unwrap());
        log::open_at(socket, "fuzz", log::Stderr::Instead);
        let keys = "key_to=to\nkey_from=from\nkey_body=text\n";
        [
            format!("{keys}key_echo=echo\nreject_status=200\nstatus_path=/s\nstatus_addr=::/0,192.0.2.1\n"),
            format!("{keys}auth_method=basic\nauth_user=u\nauth_passwd=p\nurl_path=/sms\n"),
            format!("{keys}each=m\naccept_if=\"type=in\"\nreport_success=OK\n"),
            "key_to=to\nkey_from=from\nkey_body=text\nurl_path[a]=/a\nurl_path[b]=\"/b?c=d\"\n\
             permit_addr[a]=192.0.2.0/24\npermit_addr[b]=\"198.51.100.0/24,2001:db8::/32\"\n\
             proxy_addr=192.0.2.1\n"
                .to_owned(),
        ]
        .iter()
        .zip(0..)
        .map(|(keys, number)| House::new(&folder.join(format!("{number}")), keys))
        .collect()
    })
}

/// Returns the folder. It is left behind at the end, because the engine exits as it likes; the caller names
/// and clears the place.
fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("websms-fuzz-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    folder
}

impl House {
    fn new(folder: &Path, keys: &str) -> House {
        let (outgoing, staging) = (folder.join("outgoing"), folder.join("staging"));
        fs::create_dir_all(&outgoing).unwrap();
        let spool = Spool::open(&spool::Settings {
            outgoing: &outgoing,
            staging: &staging,
            mode: 0o600,
            owner: None,
            sync: Sync::Never,
            files_max: 100_000,
        })
        .unwrap();
        let conf = format!("[websmsd]\n{keys}[queue]\ndir=\n");
        let setup = Setup {
            config: Arc::new(config(&conf)),
            spool,
            inbox: None,
            keeps: Keeps::Spool,
            parts: None,
            duplicates: None,
            rejected: None,
            certificate: None,
            on_message: None,
            status: Some(StatusData {
                counts: Arc::new(Counts::default()),
                outbound: websms::outbound::outbound,
                lists: |_, _| (),
                remarks: Arc::new(|_| Vec::new()),
            }),
            reports: None,
        };
        House {
            service: Service::new(setup, Slots::new(64)),
            outgoing,
            staging,
        }
    }

    fn converse(&self, pieces: &[&[u8]], silent: bool) -> ConnectionResult {
        let mut script = Script {
            pieces: pieces
                .iter()
                .filter(|p| !p.is_empty())
                .map(|p| p.to_vec())
                .collect(),
            silent,
            written: Vec::new(),
            finished: false,
        };
        let peer = [192, 0, 2, 1].into();
        let slot = self.service.slots.take(peer, Share::Limited).unwrap();
        serve(&self.service, &mut script, peer, &slot);
        assert_eq!(fs::read_dir(&self.staging).unwrap().count(), 0, "staging");
        let mut call_files = 0;
        for file in fs::read_dir(&self.outgoing).unwrap() {
            let path = file.unwrap().path();
            check_call_file(&fs::read(&path).unwrap());
            fs::remove_file(path).unwrap();
            call_files += 1;
        }
        let statuses = statuses(&script.written);
        let accepted = statuses.iter().filter(|status| **status == 200).count();
        assert!(call_files == 0 || accepted > 0, "a call file without a 200");
        ConnectionResult {
            statuses,
            call_files,
        }
    }
}

/// Checks that the call file has the right number of lines, each with a key of ours.
fn check_call_file(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("a call file is UTF-8");
    let keys: Vec<&str> = text
        .lines()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(
        keys,
        [
            "Channel",
            "CallerID",
            "WaitTime",
            "MaxRetries",
            "RetryTime",
            "Context",
            "Extension",
            "Priority",
            "Archive",
            "setvar",
            "setvar",
            "setvar",
            "setvar"
        ]
    );
    assert!(text.lines().all(|line| line.len() <= 1022));
    assert!(text.contains("\nContext: default\n") && text.contains("@default\n"));
}

/// Returns the answers' statuses; panics if the bytes are no sequence of answers. `100 Continue` depends on
/// how much of a body had come, and is left out.
fn statuses(mut written: &[u8]) -> Vec<u16> {
    let mut statuses = Vec::new();
    let mut closed = false;
    while !written.is_empty() {
        assert!(!closed, "an answer behind the last one");
        let end = written
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .expect("a head");
        let head = std::str::from_utf8(&written[..end]).expect("a head is text");
        written = &written[end + 4..];
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap();
        assert!(
            !head.replace("\r\n", "").contains(char::is_control),
            "{head}"
        );
        let status: u16 = first.strip_prefix("HTTP/1.1 ").unwrap()[..3]
            .parse()
            .unwrap();
        if status == 100 {
            continue;
        }
        let mut length = None;
        for line in lines {
            let (name, value) = line.split_once(": ").expect("a field");
            if name == "Content-Length" {
                assert_eq!(length.replace(value.parse::<usize>().unwrap()), None);
            }
            closed |= name == "Connection" && value == "close";
        }
        // An answer to HEAD announces a body that it does not send; the next answer begins here.
        let length = length.expect("a length");
        if !written.starts_with(b"HTTP/1.1 ") {
            written = written.get(length..).unwrap_or_default();
        }
        // The cuts decide which fault of a head is seen first.
        statuses.push(match status {
            414 | 431 => 400,
            other => other,
        });
    }
    statuses
}

/// The peer's bytes, with a piece for each read; then its end, or silence.
struct Script {
    pieces: VecDeque<Vec<u8>>,
    silent: bool,
    written: Vec<u8>,
    finished: bool,
}

impl Stream for Script {
    fn read(&mut self, buffer: &mut [u8], _deadline: Deadline) -> io::Result<usize> {
        assert!(!buffer.is_empty(), "a read of nothing");
        let Some(piece) = self.pieces.front_mut() else {
            return match self.silent {
                true => Err(io::ErrorKind::TimedOut.into()),
                false => Ok(0),
            };
        };
        let read = piece.len().min(buffer.len());
        buffer[..read].copy_from_slice(&piece[..read]);
        piece.drain(..read);
        if piece.is_empty() {
            self.pieces.pop_front();
        }
        Ok(read)
    }

    fn write(&mut self, bytes: &[u8], _deadline: Deadline) -> io::Result<()> {
        assert!(!self.finished, "written behind the end");
        self.written.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self) {
        self.finished = true;
    }
}
