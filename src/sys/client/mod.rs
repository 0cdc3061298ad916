//! Makes a call to a provider and returns the reply, over ureq and rustls.
//!
//! There is one connection, one request and one answer, all before one deadline. No redirect is followed,
//! no connection is kept, no environment is read.
//!
//! Invariant: failures are reported in phrases of this folder only. A library's error text may quote an
//! address or a header, and those hold keys.

mod probe;
mod resolve;
mod tcp;
mod tls;

use rustls::ClientConfig;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, NextTimeout, Transport,
};
use ureq::{Agent, Body, Error, Proxy, ProxyProtocol, http::Response};

use crate::limits::{REPLY_BYTES_MAX, REPLY_HEAD_BYTES_MAX};
use crate::proto::provider::{BodyEnd, Call, Reply};
use crate::sys::clock::Deadline;

pub use probe::{Probe, probe};

/// The settings for reaching a provider.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// The URL of an HTTP proxy, `http://` or `https://`. The proxy is asked to CONNECT, whatever the URL's
    /// scheme.
    pub proxy: Option<&'a str>,
    /// The certificates that are trusted.
    pub trust: Trust<'a>,
}

/// The certificates that are trusted.
#[derive(Clone, Copy)]
pub enum Trust<'a> {
    /// The embedded roots, the system's bundle and this PEM file are trusted.
    Roots {
        /// One more PEM file.
        ca_file: Option<&'a Path>,
    },
    /// Every certificate is accepted.
    Anybody,
}

/// No status line came. Each variant has a fixed phrase that names the failed step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The call cannot be tried at all, which is the configuration's fault.
    Setup(&'static str),
    /// The request was not written whole, so the provider cannot have acted on it.
    Unwritten(&'static str),
    /// The request was written whole, so the provider may have acted on it.
    Unanswered(&'static str),
}

impl Failure {
    /// Returns the words that name the step.
    pub fn phrase(self) -> &'static str {
        match self {
            Failure::Setup(phrase) | Failure::Unwritten(phrase) | Failure::Unanswered(phrase) => {
                phrase
            }
        }
    }
}

/// Sends one request and reads one answer before `deadline`, which covers name resolution, connection, TLS,
/// writing and reading. Once a status line was read there is a reply, whatever happened to the rest.
pub fn post(call: &Call, settings: &Settings<'_>, deadline: &Deadline) -> Result<Reply, Failure> {
    fetch(call, settings, deadline, REPLY_BYTES_MAX)
}

/// Does what [`post`] does, with another limit for the answer's body, which is read to this length and no
/// further.
pub fn fetch(
    call: &Call,
    settings: &Settings<'_>,
    deadline: &Deadline,
    body_bytes_max: usize,
) -> Result<Reply, Failure> {
    let Some(left) = deadline.left() else {
        return Err(Failure::Unwritten("no time left to try"));
    };
    let proxy = settings.proxy.map(parse_proxy).transpose()?;
    let tls = match needs_tls(&call.url, settings) {
        true => Some(tls::settings(&settings.trust)?),
        false => None,
    };
    let progress = Arc::new(Progress::default());
    let config = Agent::config_builder()
        .timeout_global(Some(left))
        .proxy(proxy)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        .max_idle_connections_per_host(0)
        .user_agent("")
        .accept("")
        .accept_encoding("")
        .max_response_header_size(REPLY_HEAD_BYTES_MAX)
        .input_buffer_size(REPLY_HEAD_BYTES_MAX)
        .output_buffer_size(longest_line_bytes(call))
        .build();
    let connector = Way {
        tls,
        proxied: settings.proxy.is_some(),
        progress: Arc::clone(&progress),
    };
    let resolver = resolve::Names {
        progress: Arc::clone(&progress),
    };
    let agent = Agent::with_parts(config, connector, resolver);
    match send(&agent, call) {
        Ok(response) => Ok(read_reply(response, &progress, body_bytes_max)),
        Err(error) => match progress.status() {
            Some(status) => Ok(Reply {
                status,
                retry_after: None,
                location: None,
                body: Vec::new(),
                end: BodyEnd::Cut,
            }),
            None => Err(progress.failure(&error)),
        },
    }
}

/// Checks that a request to `url` can be made with these settings. [`Failure::Setup`] says what is wrong with
/// them, [`Failure::Unwritten`] what the system lacks for now.
pub fn check(url: &str, settings: &Settings<'_>) -> Result<(), Failure> {
    settings.proxy.map(parse_proxy).transpose()?;
    match tls::check(&settings.trust) {
        Err(Failure::Unwritten(_)) if !needs_tls(url, settings) => Ok(()),
        checked => checked,
    }
}

fn needs_tls(url: &str, settings: &Settings<'_>) -> bool {
    starts_with_https(url) || settings.proxy.is_some_and(starts_with_https)
}

fn send(agent: &Agent, call: &Call) -> Result<Response<Body>, Error> {
    if call.method == "GET" {
        let mut request = agent.get(&call.url);
        for (name, value) in call.fields() {
            request = request.header_raw(name, value.as_bytes());
        }
        request.call()
    } else {
        let mut request = match call.method {
            "PUT" => agent.put(&call.url),
            _ => agent.post(&call.url),
        };
        for (name, value) in call.fields() {
            request = request.header_raw(name, value.as_bytes());
        }
        request.send(&call.body[..])
    }
}

fn read_reply(response: Response<Body>, progress: &Progress, body_bytes_max: usize) -> Reply {
    let status = response.status().as_u16();
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let (retry_after, location) = (header("retry-after"), header("location"));
    let mut body = Vec::new();
    let mut reader = response
        .into_body()
        .into_reader()
        .take(u64::try_from(body_bytes_max).unwrap_or(u64::MAX));
    let read = reader.read_to_end(&mut body);
    let end = match read {
        Ok(_) if !progress.broken.load(Ordering::Relaxed) => BodyEnd::Whole,
        _ => BodyEnd::Cut,
    };
    Reply {
        status,
        retry_after,
        location,
        body,
        end,
    }
}

/// The URL may hold `user:password@`, so no message shows any of it.
fn parse_proxy(url: &str) -> Result<Proxy, Failure> {
    const FAULT: Failure = Failure::Setup("proxy is no http:// or https:// URL");
    let proxy = Proxy::new(url).map_err(|_| FAULT)?;
    match proxy.protocol() {
        ProxyProtocol::Http | ProxyProtocol::Https => Ok(proxy),
        _ => Err(FAULT),
    }
}

fn starts_with_https(url: &str) -> bool {
    url.get(..6)
        .is_some_and(|start| start.eq_ignore_ascii_case("https:"))
}

/// Returns the length of the longest of the request line and the headers. Each must fit the output buffer
/// whole.
fn longest_line_bytes(call: &Call) -> usize {
    const ROOM: usize = 64;
    const LEAST: usize = 4096;
    let fields = call.fields();
    let longest = fields
        .iter()
        .map(|(name, value)| name.len().saturating_add(value.len()))
        .max();
    longest
        .unwrap_or(0)
        .max(call.url.len())
        .saturating_add(ROOM)
        .max(LEAST)
}

// ---- Progress -------------------------------------------------------------------------------

/// The step that is being done, for the phrase of a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Step {
    Resolve = 0,
    Connect = 1,
    Handshake = 2,
    Write = 3,
    Read = 4,
}

impl Step {
    const ALL: [Step; 5] = [
        Step::Resolve,
        Step::Connect,
        Step::Handshake,
        Step::Write,
        Step::Read,
    ];

    fn timed_out(self) -> &'static str {
        match self {
            Step::Resolve => "timeout in name resolution",
            Step::Connect => "timeout while connecting",
            Step::Handshake => "timeout in the TLS handshake",
            Step::Write => "timeout while sending the request",
            Step::Read => "timeout while waiting for the answer",
        }
    }

    fn failed(self) -> &'static str {
        match self {
            Step::Resolve => "name resolution failed",
            Step::Connect => "connection failed",
            Step::Handshake => "TLS handshake failed",
            Step::Write => "connection lost while sending the request",
            Step::Read => "connection lost before an answer",
        }
    }
}

/// The progress of a connection, shared by its parts. ureq requires `Sync`, though one thread uses it.
#[derive(Default)]
struct Progress {
    step: AtomicU8,
    /// Whether reading has begun, so that the request was written whole.
    written: AtomicBool,
    /// The status in the answer's status line; 0 until it was seen.
    status: AtomicU16,
    /// Whether the connection broke while the answer was read.
    broken: AtomicBool,
}

/// ureq requires this; there is nothing to show.
impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

impl Progress {
    fn enter(&self, step: Step) {
        let place = Step::ALL.iter().position(|known| *known == step);
        let place = place.and_then(|place| u8::try_from(place).ok());
        self.step.store(place.unwrap_or(0), Ordering::Relaxed);
    }

    fn step(&self) -> Step {
        let place = usize::from(self.step.load(Ordering::Relaxed));
        Step::ALL.get(place).copied().unwrap_or(Step::Resolve)
    }

    fn status(&self) -> Option<u16> {
        match self.status.load(Ordering::Relaxed) {
            0 => None,
            status => Some(status),
        }
    }

    fn failure(&self, error: &Error) -> Failure {
        use std::io::ErrorKind::{ConnectionRefused, TimedOut, WouldBlock};
        let step = self.step();
        let phrase = match error {
            Error::BadUri(_) | Error::Http(_) | Error::InvalidProxyUrl => {
                return Failure::Setup("host and path make no valid URL");
            }
            Error::Tls(phrase) => phrase,
            Error::ConnectProxyFailed(_) => "the proxy refused the connection",
            Error::Timeout(_) => step.timed_out(),
            Error::Io(error) if matches!(error.kind(), TimedOut | WouldBlock) => step.timed_out(),
            Error::Io(error) if error.kind() == ConnectionRefused => "connection refused",
            Error::Protocol(_) | Error::LargeResponseHeader(..) => "the answer is not HTTP",
            _ => step.failed(),
        };
        if self.written.load(Ordering::Relaxed) {
            Failure::Unanswered(phrase)
        } else {
            Failure::Unwritten(phrase)
        }
    }
}

// ---- The connection -------------------------------------------------------------------------

/// A connector for TCP or a proxy's tunnel, with TLS over it, which records how far a request got. It is
/// one connector instead of a chain, because each link of a chain would wrap all those before it once more.
struct Way {
    /// The TLS settings; `None` if neither the provider nor the proxy is `https`.
    tls: Option<Arc<ClientConfig>>,
    proxied: bool,
    progress: Arc<Progress>,
}

/// ureq requires this; there is nothing to show.
impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Way")
    }
}

impl Connector<()> for Way {
    type Out = Recording;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _chained: Option<()>,
    ) -> Result<Option<Recording>, Error> {
        let inner = match ConnectProxyConnector::default().connect(details, None::<()>)? {
            Some(Either::B(tunnel)) => tunnel,
            Some(Either::A(())) | None => Box::new(tcp::TcpTransport::connect(details)?),
        };
        let inner = match details.needs_tls() && !inner.is_tls() {
            true => {
                self.progress.enter(Step::Handshake);
                let settings = self.tls.as_ref().ok_or(Error::TlsRequired)?;
                tls::connect(inner, settings, details)?
            }
            false => inner,
        };
        // The connection *to* a proxy comes this way too, with a configuration without that proxy. The
        // proxy sends what is read there, not the provider.
        let to_proxy = self.proxied && details.config.proxy().is_none();
        let progress = (!to_proxy).then(|| Arc::clone(&self.progress));
        Ok(Some(Recording { inner, progress }))
    }
}

/// The finished connection, which records how far the request got.
#[derive(Debug)]
struct Recording {
    inner: Box<dyn Transport>,
    progress: Option<Arc<Progress>>,
}

impl Transport for Recording {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if let Some(progress) = &self.progress {
            progress.enter(Step::Write);
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let Some(progress) = &self.progress else {
            return self.inner.await_input(timeout);
        };
        progress.enter(Step::Read);
        progress.written.store(true, Ordering::Relaxed);
        let read = self.inner.await_input(timeout);
        if read.is_err() {
            progress.broken.store(true, Ordering::Relaxed);
        }
        if progress.status().is_none()
            && let Some(status) = final_status(self.inner.buffers().input())
        {
            progress.status.store(status, Ordering::Relaxed);
        }
        read
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// Returns the status of the first complete status line that is not an interim one (RFC 9112 §4).
fn final_status(input: &[u8]) -> Option<u16> {
    let line = input.split(|byte| *byte == b'\n').next()?;
    if line.len() == input.len() {
        return None;
    }
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let (_minor, rest) = rest.split_first()?;
    let code = rest.strip_prefix(b" ")?.get(..3)?;
    if !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let status: u16 = std::str::from_utf8(code).ok()?.parse().ok()?;
    (200..=599).contains(&status).then_some(status)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_status_line_is_seen_once_it_is_whole() {
        fn check(input: &[u8], expected: Option<u16>) {
            assert_eq!(final_status(input), expected, "{input:?}");
        }
        check(b"HTTP/1.1 200 OK\r\n", Some(200));
        check(b"HTTP/1.0 503\n", Some(503));
        check(b"HTTP/1.1 429 Slow\r\nRetry-After: 5\r\n", Some(429));
        check(b"HTTP/1.1 200 OK\r", None);
        check(b"HTTP/1.1 100 Continue\r\n\r\n", None);
        check(b"HTTP/1.1 20\r\n", None);
        check(b"HTTP/1.1 2x0 OK\r\n", None);
        check(b"HTTP/1.1 +20 OK\r\n", None);
        check(b"HTTP/1.1 600 OK\r\n", None);
        check(b"HTTP/2 200 OK\r\n", None);
        check(b"SSH-2.0-x\r\n", None);
        check(b"", None);
        let whole = b"HTTP/1.1 200 OK\r\n";
        for end in 0..whole.len() {
            check(whole.get(..end).unwrap(), None);
        }
    }

    #[test]
    fn proxies_are_http_only() {
        fn check(url: &str, expected: bool) {
            assert_eq!(parse_proxy(url).is_ok(), expected, "{url}");
        }
        check("http://127.0.0.1:3128", true);
        check("https://proxy.example.com", true);
        check("http://user:pw@proxy.example.com:8080/", true);
        check("127.0.0.1:3128", true);
        check("socks5://127.0.0.1:1080", false);
        check("ftp://127.0.0.1", false);
        check("", false);
        check("http://", false);
    }

    #[test]
    fn steps_survive_their_number() {
        let progress = Progress::default();
        for step in Step::ALL {
            progress.enter(step);
            assert!(progress.step() == step);
        }
    }
}
