//! An HTTP client that sends exactly the bytes it is given, and reads the answers.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use super::PATIENCE;

/// Returns a POST as bytes, keep-alive.
pub fn post(target: &str, content_type: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut request = format!(
        "POST {target} HTTP/1.1\r\nHost: websms\r\nContent-Type: {content_type}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// The content type of a plain form.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// A client that sends exactly the bytes it is given.
pub struct Http {
    pub stream: TcpStream,
    unread: Vec<u8>,
}

/// One HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns a header's value; names are compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the server said that this answer is the connection's last.
    pub fn closes(&self) -> bool {
        self.header("Connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

impl Http {
    pub fn connect(address: SocketAddr) -> Http {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Http {
            stream,
            unread: Vec::new(),
        }
    }

    /// Writes bytes. A server that has closed meanwhile is no fault, because its answer shows it.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Closes the sending side: nothing more will be sent.
    pub fn finish_sending(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Returns the next answer, `100 Continue` included; panics if none comes.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        self.try_answer().expect("an answer")
    }

    /// Returns the answer to a HEAD: its length announces no body.
    #[track_caller]
    pub fn answer_to_head(&mut self) -> Answer {
        self.read_head().expect("an answer")
    }

    /// Returns the next answer, or `None` if the connection ends first.
    pub fn try_answer(&mut self) -> Option<Answer> {
        let mut answer = self.read_head()?;
        if answer.status >= 200 && answer.status != 204 && answer.status != 304 {
            let bytes = answer
                .header("Content-Length")
                .map(|value| value.parse().unwrap());
            match bytes {
                Some(bytes) => {
                    while self.unread.len() < bytes {
                        self.fill()?;
                    }
                    answer.body = self.unread.drain(..bytes).collect();
                }
                None => {
                    while self.fill().is_some() {}
                    answer.body = std::mem::take(&mut self.unread);
                }
            }
        }
        Some(answer)
    }

    fn read_head(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(end) = find(&self.unread, b"\r\n\r\n") {
                break end;
            }
            self.fill()?;
        };
        let head: Vec<u8> = self.unread.drain(..end + 4).collect();
        let head = String::from_utf8(head).expect("an answer's head is text");
        let (status_line, headers) = split_head(&head);
        let status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Answer {
            status,
            headers,
            body: Vec::new(),
        })
    }

    /// Whether the server ends the connection without another byte. Waits for it.
    #[track_caller]
    pub fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && self.fill().is_none() && self.unread.is_empty()
    }

    /// Reads some more; `None` at the end or a reset. Silence for [`PATIENCE`] panics.
    fn fill(&mut self) -> Option<()> {
        let mut chunk = [0; 16 * 1024];
        let read = loop {
            match self.stream.read(&mut chunk) {
                // A read with a time limit is interrupted whenever a program ends that a test has started.
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            Ok(0) => None,
            Ok(read) => {
                self.unread.extend_from_slice(&chunk[..read]);
                Some(())
            }
            Err(e) if is_timeout(&e) => panic!("no answer, and the connection stays open"),
            Err(_) => None,
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
    )
}

pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

pub(super) fn find_header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let mut found = headers
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.as_str())
}

/// Splits a head into its first line and its header fields.
pub(super) fn split_head(head: &str) -> (String, Vec<(String, String)>) {
    let mut lines = head.trim_end_matches("\r\n").split("\r\n");
    let first = lines.next().unwrap().to_owned();
    let headers = lines
        .map(|line| line.split_once(':').expect("a header field has a colon"))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    (first, headers)
}
