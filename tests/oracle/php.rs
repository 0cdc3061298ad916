//! Runs real PHP 8.2: a server that shows how it reads a request, and its functions.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle");

/// A `php -S` on a port of its own, which ends when the value is dropped.
pub struct Server {
    php: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.php.kill().ok();
        self.php.wait().ok();
    }
}

impl Server {
    pub fn start() -> Server {
        Functions::start();
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            let php = Command::new("php")
                .args(["-n", "-d", "display_errors=0", "-S"])
                .arg(format!("127.0.0.1:{port}"))
                .arg(format!("{ORACLE}/parameters.php"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("this test needs php 8.2");
            let mut server = Server { php, port };
            let until = Instant::now() + Duration::from_secs(60);
            while Instant::now() < until && server.php.try_wait().unwrap().is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return server;
                }
                std::thread::yield_now();
            }
        }
        panic!("php -S does not listen");
    }

    /// Returns `$_GET` and `$_POST` as the script prints them.
    pub fn ask(&self, query: &[u8], content_type: Option<&[u8]>, body: &[u8]) -> (String, String) {
        let mut request = b"POST /sms?".to_vec();
        request.extend_from_slice(query);
        request.extend_from_slice(b" HTTP/1.1\r\nHost: x\r\n");
        if let Some(content_type) = content_type {
            request.extend_from_slice(b"Content-Type: ");
            request.extend_from_slice(content_type);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        request.extend_from_slice(body);
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(&request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer"));
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let (get, post) = body.trim_end().split_once('\n').unwrap();
        (get.to_owned(), post.to_owned())
    }
}

/// Calls PHP's functions, with one line in and one line out.
pub struct Functions {
    php: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Functions {
    fn drop(&mut self) {
        self.php.kill().ok();
        self.php.wait().ok();
    }
}

impl Functions {
    pub fn start() -> Functions {
        let mut php = Command::new("php")
            .arg("-n")
            .arg(format!("{ORACLE}/encode.php"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs php 8.2");
        let input = php.stdin.take().unwrap();
        let output = BufReader::new(php.stdout.take().unwrap());
        let mut functions = Functions { php, input, output };
        assert_eq!(
            functions.line("version\n"),
            "8.2",
            "this test needs php 8.2"
        );
        functions
    }

    pub fn call(&mut self, function: &str, words: &[&[u8]]) -> Vec<Vec<u8>> {
        let words: String = words
            .iter()
            .map(|word| format!(" x{}", hex(word)))
            .collect();
        let line = self.line(&format!("{function}{words}\n"));
        line.split_whitespace().map(unhex).collect()
    }

    fn line(&mut self, question: &str) -> String {
        self.input.write_all(question.as_bytes()).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(word: &str) -> Vec<u8> {
    let digits = word.strip_prefix('x').unwrap_or(word);
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}
