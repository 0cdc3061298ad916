//! A scripted provider on loopback that accepts, refuses, babbles, hangs and resets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::PATIENCE;
use super::http::{find, find_header, split_head};

/// The stub's behaviour on one connection.
#[derive(Debug, Clone)]
pub enum Script {
    /// Reads the request, answers, closes.
    Reply {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Reads the request, answers by its contents, closes.
    Decide(Decision),
    /// Reads the request, writes these bytes, closes.
    Raw(Vec<u8>),
    /// Reads the request, writes these bytes a piece at a time with a pause before each, closes.
    Slow {
        pieces: Vec<Vec<u8>>,
        pause: Duration,
    },
    /// Accepts and reads nothing until the stub is dropped.
    HangUnread,
    /// Reads the request and says nothing until the stub is dropped.
    Hang,
    /// Reads the request, writes these bytes, then says nothing until the stub is dropped.
    HangAfter(Vec<u8>),
    /// Closes without reading.
    CloseUnread,
    /// Reads the request and closes without an answer.
    Close,
    /// Receives the whole request, then resets the connection without an answer.
    Reset,
    /// Receives the whole request, writes these bytes, then resets the connection.
    ResetAfter(Vec<u8>),
}

/// Decides by the request on the status and the body of the answer.
#[derive(Clone)]
pub struct Decision(pub Arc<Decide>);

type Decide = dyn Fn(&Received) -> (u16, String) + Send + Sync;

impl std::fmt::Debug for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decision")
    }
}

impl Script {
    /// Answers with this body and no header but its length.
    pub fn reply(status: u16, body: impl AsRef<[u8]>) -> Script {
        Script::Reply {
            status,
            headers: Vec::new(),
            body: body.as_ref().to_vec(),
        }
    }

    /// Answers with headers.
    pub fn reply_with(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Script {
        let headers = headers
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Script::Reply {
            status,
            headers,
            body: body.as_ref().to_vec(),
        }
    }

    /// Answers 200 and announces more body than it sends.
    pub fn cut_body(body: &str) -> Script {
        let length = body.len() + 100;
        Script::Raw(
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes(),
        )
    }
}

/// One request that the stub has read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// Returns a decoded parameter of a form; empty if it is missing.
    pub fn form(&self, name: &str) -> String {
        let text = self.text();
        let mut pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value);
        super::percent_decode(&value.replace('+', " "))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A provider on loopback that follows its script and remembers the requests.
pub struct Itsp {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Itsp {
    /// Starts a provider. Each connection gets the next script, in order; the last one repeats.
    pub fn start(scripts: Vec<Script>) -> Itsp {
        assert!(!scripts.is_empty(), "a stub needs a script");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let itsp = Itsp {
            address,
            requests: Arc::new(Mutex::new(Vec::new())),
            connections: Arc::new(AtomicUsize::new(0)),
            over: Arc::new(AtomicBool::new(false)),
        };
        let requests = Arc::clone(&itsp.requests);
        let connections = Arc::clone(&itsp.connections);
        let over = Arc::clone(&itsp.over);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let script = scripts[number.min(scripts.len() - 1)].clone();
                let (requests, over) = (Arc::clone(&requests), Arc::clone(&over));
                thread::spawn(move || play(stream.unwrap(), script, &requests, &over));
            }
        });
        itsp
    }

    /// Starts a provider that accepts everything.
    pub fn accepting() -> Itsp {
        Itsp::start(vec![Script::reply(200, r#"{"status":"success"}"#)])
    }

    /// Returns `http://127.0.0.1:PORT`, for `host`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns all complete requests so far.
    pub fn requests(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns the only request; panics if there are several or none.
    #[track_caller]
    pub fn request(&self) -> Received {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    /// Returns the number of connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Itsp {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then ends.
        let _ = TcpStream::connect(self.address);
    }
}

/// Returns an address on loopback where nobody listens. Its port is below the range from which the system
/// assigns ports, so that no other test gets it meanwhile.
pub fn deaf_address() -> SocketAddr {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    loop {
        // Another process begins elsewhere.
        let number = std::process::id() as usize * 16 + COUNT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + u16::try_from(number % 10_000).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

fn play(stream: TcpStream, script: Script, requests: &Mutex<Vec<Received>>, over: &AtomicBool) {
    let mut stream = stream;
    match script {
        Script::CloseUnread => return,
        Script::HangUnread => return hang(&stream, over),
        _ => {}
    }
    // Bytes that are unread when the socket is closed make the kernel send a reset.
    let left_unread = usize::from(matches!(script, Script::Reset | Script::ResetAfter(_)));
    let Some(request) = receive(&mut stream, left_unread) else {
        return;
    };
    let script = match script {
        Script::Decide(Decision(decide)) => {
            let (status, body) = decide(&request);
            Script::reply(status, body)
        }
        script => script,
    };
    requests.lock().unwrap().push(request);
    match script {
        Script::Reply {
            status,
            headers,
            body,
        } => {
            let mut answer = format!(
                "HTTP/1.1 {status} Scripted\r\nContent-Length: {}\r\nConnection: close\r\n",
                body.len()
            );
            for (name, value) in headers {
                answer.push_str(&format!("{name}: {value}\r\n"));
            }
            answer.push_str("\r\n");
            let _ = stream.write_all(&[answer.as_bytes(), &body].concat());
        }
        Script::Raw(bytes) | Script::ResetAfter(bytes) => {
            let _ = stream.write_all(&bytes);
        }
        Script::Slow { pieces, pause } => {
            for piece in pieces {
                thread::sleep(pause);
                if stream.write_all(&piece).is_err() {
                    return;
                }
            }
        }
        Script::HangAfter(bytes) => {
            let _ = stream.write_all(&bytes);
            hang(&stream, over);
        }
        Script::Hang => hang(&stream, over),
        Script::Close
        | Script::Reset
        | Script::CloseUnread
        | Script::HangUnread
        | Script::Decide(_) => {}
    }
}

/// Waits until the stub is dropped or the other end has gone.
fn hang(stream: &TcpStream, over: &AtomicBool) {
    while !over.load(Ordering::SeqCst) && !is_gone(stream) {
        thread::sleep(Duration::from_millis(3));
    }
}

/// Whether the other end has closed.
fn is_gone(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let gone = matches!(stream.peek(&mut [0]), Ok(0));
    stream.set_nonblocking(false).unwrap();
    gone
}

/// Waits for a whole request, then takes all of it but `left_unread` bytes from the socket.
fn receive(stream: &mut TcpStream, left_unread: usize) -> Option<Received> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut bytes = Vec::new();
    loop {
        if let Some((request, length)) = parse_request(&bytes) {
            assert_eq!(bytes.len(), length, "one request a connection");
            return Some(request);
        }
        let mut chunk = vec![0; 256 * 1024];
        let seen = stream.peek(&mut chunk).ok().filter(|seen| *seen > 0)?;
        let all = [&bytes, &chunk[..seen]].concat();
        let whole = parse_request(&all).is_some();
        // Peeking again at one and the same unread byte would spin, so at most the end is left.
        let taken = if whole {
            seen - left_unread
        } else {
            seen.saturating_sub(left_unread)
        };
        if taken > 0 {
            stream.read_exact(&mut chunk[..taken]).ok()?;
            bytes.extend_from_slice(&chunk[..taken]);
        }
        if whole {
            return parse_request(&all).map(|(request, _)| request);
        }
        if taken == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Returns a request and its length in bytes, once it is complete.
fn parse_request(bytes: &[u8]) -> Option<(Received, usize)> {
    let end = find(bytes, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let (request_line, headers) = split_head(&head);
    let length = find_header(&headers, "Content-Length").map_or(0, |v| v.parse().unwrap());
    let body = bytes.get(end..end + length)?.to_vec();
    let mut words = request_line.split(' ');
    let method = words.next().unwrap().to_owned();
    let target = words.next().unwrap().to_owned();
    Some((
        Received {
            method,
            target,
            headers,
            body,
        },
        end + length,
    ))
}
