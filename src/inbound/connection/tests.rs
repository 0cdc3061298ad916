//! Tests the answers to scripts of bytes, over a stream in memory that is cut anywhere.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::config;
use crate::inbound::Keeps;
use crate::inbound::buffer::Memory;
use crate::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX, READERS_MAX};
use crate::sys::listener::{Share, Slots};
use crate::sys::spool::{self, Spool, Sync};

/// A service with a spool of its own, which is removed with the value.
struct House {
    service: Service,
    folder: PathBuf,
}

impl House {
    fn new(websmsd: &str) -> House {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "websms-inbound-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        let reading = config::read(format!("[websmsd]\n{websmsd}\n").as_bytes(), &|_| None);
        let config = reading
            .config
            .unwrap_or_else(|| unreachable!("{:?}", reading.notes));
        let (outgoing, staging) = (folder.join("outgoing"), folder.join("staging"));
        std::fs::create_dir(&outgoing).unwrap();
        let spool = Spool::open(&spool::Settings {
            outgoing: &outgoing,
            staging: &staging,
            mode: 0o600,
            owner: None,
            sync: Sync::Never,
            files_max: 1000,
        })
        .unwrap();
        let service = Service::new(
            Setup {
                config: Arc::new(config),
                spool,
                inbox: None,
                keeps: Keeps::Spool,
                parts: None,
                duplicates: None,
                rejected: None,
                certificate: None,
                on_message: None,
                status: None,
                reports: None,
            },
            Slots::new(64),
        );
        House { service, folder }
    }

    /// Returns all answers to these pieces, each of which is one read, and how many pieces were read.
    fn answers_to(&self, pieces: &[&[u8]], end: End) -> (String, usize) {
        let mut script = Script {
            pieces: pieces
                .iter()
                .filter(|piece| !piece.is_empty())
                .map(|piece| piece.to_vec())
                .collect(),
            end,
            written: Vec::new(),
            finished: false,
        };
        let peer = [192, 0, 2, 1].into();
        let slot = self.service.slots.take(peer, Share::Limited).unwrap();
        serve(&self.service, &mut script, peer, &slot);
        let left = script.pieces.len();
        (
            String::from_utf8(script.written).unwrap(),
            pieces.len() - left,
        )
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The end of the stream, behind the last piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The peer sends no more.
    Eof,
    /// Nothing comes until the deadline.
    Silence,
}

struct Script {
    pieces: VecDeque<Vec<u8>>,
    end: End,
    written: Vec<u8>,
    finished: bool,
}

impl Stream for Script {
    fn read(&mut self, buffer: &mut [u8], _deadline: Deadline) -> io::Result<usize> {
        let Some(piece) = self.pieces.front_mut() else {
            return match self.end {
                End::Eof => Ok(0),
                End::Silence => Err(io::ErrorKind::TimedOut.into()),
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

/// Returns the statuses of answers in their order, each with `c` if it closes.
fn statuses(answers: &str) -> Vec<String> {
    answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| {
            let closes = answer.contains("\r\nConnection: close\r\n");
            format!("{}{}", &answer[..3], if closes { "c" } else { "" })
        })
        .collect()
}

/// Checks the statuses of the answers to `input` in one piece, in two at every place, and byte by byte.
fn check_with(websmsd: &str, input: &[u8], end: End, expected: &[&str]) {
    let house = House::new(websmsd);
    let shown = String::from_utf8_lossy(&input[..input.len().min(200)]);
    let (answers, _) = house.answers_to(&[input], end);
    assert_eq!(statuses(&answers), expected, "{shown}");
    for cut in (1..input.len()).step_by(input.len() / 100 + 1) {
        let (first, second) = input.split_at(cut);
        let (answers, _) = house.answers_to(&[first, second], end);
        assert_eq!(statuses(&answers), expected, "{shown} cut at {cut}");
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    let (answers, _) = house.answers_to(&bytes, end);
    assert_eq!(statuses(&answers), expected, "{shown} byte by byte");
}

const EMPTY: &str = "GET / HTTP/1.1\r\n\r\n";
const ECHO: &str = "GET /?e=1 HTTP/1.1\r\n\r\n";

fn check(input: &str, expected: &[&str]) {
    check_with("key_echo = e", input.as_bytes(), End::Eof, expected);
}

#[test]
fn silence() {
    let check = |input: &str, end: End, expected: &[&str]| {
        check_with("", input.as_bytes(), end, expected);
    };
    check("", End::Silence, &["408c"]);
    check("", End::Eof, &[]);
    check("\r\n", End::Silence, &["408c"]);
    check("\r\n", End::Eof, &[]);
    check("GET", End::Silence, &["408c"]);
    check("GET", End::Eof, &["400c"]);
    check(
        "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nx",
        End::Silence,
        &["408c"],
    );
    check(
        "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nx",
        End::Eof,
        &["400c"],
    );
    check(
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nx",
        End::Silence,
        &["408c"],
    );
    // Between two requests nobody waits for an answer.
    check(EMPTY, End::Silence, &["200"]);
    check(EMPTY, End::Eof, &["200"]);
    check(&[EMPTY, "\r\n"].concat(), End::Silence, &["200"]);
    check(&[EMPTY, "G"].concat(), End::Silence, &["200", "408c"]);
}

#[test]
fn connections_stay_open_for_more() {
    check(&EMPTY.repeat(3), &["200", "200", "200"]);
    check(
        &[EMPTY, "\r\n", ECHO, "\r\n", EMPTY].concat(),
        &["200", "200", "200"],
    );
    check("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n", &["200c"]);
    check(
        "GET / HTTP/1.1\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        &["200c"],
    );
    let kept = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    check(&kept.repeat(2), &["200", "200"]);
    let house = House::new("");
    let (answer, _) = house.answers_to(&[kept.as_bytes()], End::Eof);
    assert!(
        answer.contains("\r\nConnection: keep-alive\r\n"),
        "{answer}"
    );
}

#[test]
fn a_short_of_slots_closes_every_answer() {
    let house = House::new("");
    let take = || {
        house
            .service
            .slots
            .take([192, 0, 2, 1].into(), Share::Whole)
    };
    // A peer that asks has a slot, too.
    let mut taken: Vec<_> = (0..46).map(|_| take()).collect();
    let two = EMPTY.repeat(2);
    let (answers, _) = house.answers_to(&[two.as_bytes()], End::Eof);
    assert_eq!(statuses(&answers), ["200", "200"]);
    taken.push(take());
    let (answers, _) = house.answers_to(&[two.as_bytes()], End::Eof);
    assert_eq!(statuses(&answers), ["200c"]);
}

#[test]
fn malformed_requests_end_the_connection() {
    let behind = |request: &str| check(&[EMPTY, request, EMPTY].concat(), &["200", "400c"]);
    behind("GET / HTTP/1.1\n\n");
    behind("GET /\r\n\r\n");
    behind("GET / HTTP/2.0\r\n\r\n");
    behind("POST / HTTP/1.1\r\na: b\nc: d\r\n\r\n");
    behind("POST / HTTP/1.1\r\na: b\r\n c\r\n\r\n");
    behind("POST / HTTP/1.1\r\na: b\0\r\n\r\n");
    behind("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx");
    behind("POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx");
    behind("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    behind("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    behind("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    behind("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\n\n");
    behind("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n");
}

#[test]
fn limits() {
    let target = |bytes: usize| format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(bytes - 1));
    check(&target(4095), &["200"]);
    check(&target(4096), &["200"]);
    check(&target(4097), &["414c"]);
    let head = |bytes: usize| {
        let (start, end) = ("GET / HTTP/1.1\r\na: ", "\r\n\r\n");
        let fill = "x".repeat(bytes - start.len() - end.len());
        format!("{start}{fill}{end}")
    };
    check(&head(HEAD_BYTES_MAX - 1), &["200"]);
    check(&head(HEAD_BYTES_MAX), &["200"]);
    check(&head(HEAD_BYTES_MAX + 1), &["431c"]);
    let fields = |count: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count));
    check(&fields(63), &["200"]);
    check(&fields(64), &["200"]);
    check(&fields(65), &["431c"]);
    let announced = |bytes: usize| format!("PUT / HTTP/1.1\r\nContent-Length: {bytes}\r\n\r\n");
    let body = |bytes: usize| announced(bytes) + &"x".repeat(bytes);
    check(&body(BODY_BYTES_MAX - 1), &["405"]);
    check(&body(BODY_BYTES_MAX), &["405"]);
    check(&announced(BODY_BYTES_MAX + 1), &["413c"]);
    let chunked = |bytes: usize| {
        let body = "x".repeat(bytes);
        format!(
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{bytes:x}\r\n{body}\r\n0\r\n\r\n"
        )
    };
    check(&chunked(BODY_BYTES_MAX - 1), &["405"]);
    check(&chunked(BODY_BYTES_MAX), &["405"]);
    check(&chunked(BODY_BYTES_MAX + 1), &["413c"]);
    // These are the longest head and the longest body together, and a request behind them.
    let longest = head(HEAD_BYTES_MAX - 22)
        .replacen("GET", "PUT", 1)
        .replace("\r\n\r\n", "\r\nContent-Length:65536\r\n\r\n");
    check(
        &(longest + &"x".repeat(BODY_BYTES_MAX) + EMPTY),
        &["405", "200"],
    );
    let echo = |bytes: usize| format!("GET /?e={} HTTP/1.1\r\n\r\n", "x".repeat(bytes));
    check(&echo(255), &["200"]);
    check(&echo(256), &["200"]);
    check(&echo(257), &["400c"]);
}

#[test]
fn early_answers_close_where_a_body_is_unread() {
    let behind = |request: &str, expected: &[&str]| {
        check_with(
            "key_echo = e\nurl_path = /",
            [request, EMPTY].concat().as_bytes(),
            End::Eof,
            expected,
        );
    };
    behind("POST /x HTTP/1.1\r\n\r\n", &["404", "200"]);
    behind(
        "POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        &["404", "200"],
    );
    behind("POST /x HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", &["404c"]);
    behind(
        "POST /x HTTP/1.1\r\nContent-Length: 65537\r\n\r\nx",
        &["404c"],
    );
    behind(
        "POST /x HTTP/1.1\r\nContent-Encoding: gzip\r\n\r\n",
        &["404", "200"],
    );
    behind(
        "POST /?e=1 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
        &["200c"],
    );
    behind(
        "POST / HTTP/1.1\r\nContent-Encoding: gzip\r\n\r\n",
        &["415c"],
    );
    behind(
        "POST / HTTP/1.1\r\nContent-Length: 65537\r\nContent-Encoding: gzip\r\n\r\n",
        &["413c"],
    );
    behind(
        "PUT / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
        &["405", "200"],
    );
}

#[test]
fn continue_is_said_once_the_door_is_passed() {
    let house = House::new("url_path = /");
    let check = |pieces: &[&str], expected: &[&str]| {
        let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
        let (answers, _) = house.answers_to(&pieces, End::Silence);
        assert_eq!(statuses(&answers), expected, "{pieces:?}");
    };
    let head = |start: &str, end: &str| format!("{start}\r\nExpect: 100-continue\r\n{end}\r\n");
    let length = "Content-Length: 1\r\n";
    check(&[&head("PUT / HTTP/1.1", length), "x"], &["100", "405"]);
    check(&[&head("PUT / HTTP/1.1", length)], &["100", "408c"]);
    check(
        &[
            &head("PUT / HTTP/1.1", "Transfer-Encoding: chunked\r\n"),
            "0\r\n\r\n",
        ],
        &["100", "405"],
    );
    // The body is there already, or there is none, or the peer's version does not know the word.
    check(&[&(head("PUT / HTTP/1.1", length) + "x")], &["405"]);
    check(&[&head("PUT / HTTP/1.1", "")], &["405"]);
    check(&[&head("PUT / HTTP/1.0", length), "x"], &["405c"]);
    // A peer that is not served is not asked for more.
    check(&[&head("PUT /x HTTP/1.1", length)], &["404c"]);
    check(
        &[&head("PUT / HTTP/1.1", "Content-Length: 65537\r\n")],
        &["413c"],
    );
    check(
        &[&head(
            "PUT / HTTP/1.1",
            "Content-Length: 1\r\nContent-Encoding: br\r\n",
        )],
        &["415c"],
    );
    let house = House::new("permit_addr = 192.0.2.2");
    let head = head("PUT / HTTP/1.1", length);
    let (answers, _) = house.answers_to(&[head.as_bytes()], End::Silence);
    assert_eq!(statuses(&answers), ["403c"]);
}

#[test]
fn an_unread_body_is_never_the_next_request() {
    let house = House::new("url_path = /");
    // Bytes that are sent behind an early answer are taken and dropped, up to a bound.
    let request = b"POST /x HTTP/1.1\r\nContent-Length: 18\r\n\r\n";
    let (answers, taken) = house.answers_to(&[request, EMPTY.as_bytes()], End::Eof);
    assert_eq!((statuses(&answers), taken), (vec!["404c".to_owned()], 2));
    let flood = vec![b'x'; 2048];
    let mut pieces = vec![flood.as_slice(); 1000];
    pieces.insert(0, request);
    let (answers, taken) = house.answers_to(&pieces, End::Eof);
    assert_eq!(statuses(&answers), ["404c"]);
    assert_eq!(taken, 1 + LINGER_BYTES_MAX / 2048);
}

#[test]
fn echoes_and_reachability_checks() {
    let house = House::new("key_echo = zd_echo");
    let check = |request: &str, expected: &str| {
        let (answers, _) = house.answers_to(&[request.as_bytes()], End::Eof);
        let (head, body) = answers.split_once("\r\n\r\n").unwrap();
        assert_eq!(&head[9..12], "200", "{request}");
        assert_eq!(body, expected, "{request}");
        let nosniff = head.contains("nosniff");
        assert_eq!(nosniff, !expected.is_empty(), "{request}");
    };
    check("GET /?zd_echo=ab HTTP/1.1\r\n\r\n", "ab");
    check("POST /?zd_echo=ab HTTP/1.1\r\n\r\n", "ab");
    check(
        "GET /?x=1&zd%5Fecho=a%20%3Cb%3E+c HTTP/1.1\r\n\r\n",
        "a <b> c",
    );
    check("GET / HTTP/1.1\r\n\r\n", "");
    check("GET /any/path HTTP/1.1\r\n\r\n", "");
    check("GET /? HTTP/1.1\r\n\r\n", "");
    check("HEAD / HTTP/1.1\r\n\r\n", "");
    let (answers, _) = house.answers_to(&[b"HEAD /?zd_echo=ab HTTP/1.1\r\n\r\n"], End::Eof);
    assert!(answers.ends_with("Content-Length: 2\r\n\r\n"), "{answers}");
}

#[test]
fn credentials_come_behind_the_checks_that_are_not_signed() {
    let check = |input: &str, expected: &[&str]| {
        check_with(
            "auth_method = bearer\nauth_passwd = t\nkey_echo = e",
            input.as_bytes(),
            End::Eof,
            expected,
        );
    };
    check(EMPTY, &["200"]);
    check(ECHO, &["200"]);
    check("POST / HTTP/1.1\r\n\r\n", &["401"]);
    check("GET /?To=1 HTTP/1.1\r\n\r\n", &["401"]);
    check("HEAD /?To=1 HTTP/1.1\r\n\r\n", &["401"]);
    check("PUT / HTTP/1.1\r\n\r\n", &["401"]);
    check(
        "PUT / HTTP/1.1\r\nAuthorization: Bearer t\r\n\r\n",
        &["405"],
    );
    check(
        "HEAD /?To=1&From=2&Body=3 HTTP/1.1\r\nAuthorization: Bearer t\r\n\r\n",
        &["200"],
    );
}

#[test]
fn a_request_waits_until_fewer_are_taken_apart() {
    let house = House::new("");
    let request = "POST /?To=1&From=2&Body=3 HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let mut turns: Vec<_> = (1..READERS_MAX)
            .map(|_| house.service.readers.take())
            .collect();
        assert_eq!(
            statuses(&house.answers_to(&[request.as_bytes()], End::Eof).0),
            ["200"]
        );
        turns.push(house.service.readers.take());
        let asked = scope.spawn(|| {
            let answers = house.answers_to(&[request.as_bytes()], End::Eof).0;
            answered.store(1, Ordering::SeqCst);
            answers
        });
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert_eq!(answered.load(Ordering::SeqCst), 0);
        turns.pop();
        assert_eq!(statuses(&asked.join().unwrap()), ["200"]);
    });
}

#[test]
fn memory_that_is_used_up_is_a_503() {
    let mut house = House::new("");
    house.service.memory = Memory::new(2 * 1024, 2 * 1024);
    let long = |bytes: usize| format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "x".repeat(bytes));
    let answers = |input: &str| statuses(&house.answers_to(&[input.as_bytes()], End::Eof).0);
    assert_eq!(answers(&long(3000)), ["200"]);
    assert_eq!(answers(&long(5000)), ["503c"]);
    // A connection gives back the memory that it took.
    assert_eq!(answers(&long(3000)), ["200"]);
}
