//! Measures resident memory of `websmsd` at rest and under the worst requests that the limits permit, by
//! HTTP and by HTTPS; and the time until it listens.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::rig::{self, Http};
use super::{Daemon, Plan, Table, median};

const CONNECTIONS: usize = 64;

pub fn measure(plan: &Plan, table: &mut Table) {
    let builds = [
        ("static musl build", plan.static_binary.as_deref()),
        ("glibc build", Some(plan.binary.as_path())),
    ];
    for (name, binary) in builds {
        let Some(binary) = binary else {
            table.heading(&format!("no {name} here"));
            continue;
        };
        // The figures are promised for the static build; the other is measured for comparison.
        let promised = name.starts_with("static");
        table.heading(&format!("resident memory of `websmsd`, {name}"));
        let mut row = |what: &str, kib: f64, limit_mb: f64| {
            let mb = kib * 1024.0 / 1e6;
            let figure = format!("{mb:.2} MB");
            if promised {
                table.wanted(what, figure, &format!("≤ {limit_mb} MB"), mb <= limit_mb);
            } else {
                table.figure(what, figure);
            }
        };
        for way in [Way::Plain, Way::Tls] {
            // These are the goals in MB: at rest, with 64 connections, and with 64 that send the worst
            // requests. TLS may add 32 KiB to each.
            let (name, rest_mb, open_mb, worst_mb) = match way {
                Way::Plain => ("", 1.5, 6.0, 8.0),
                Way::Tls => ("HTTPS ", 2.5, 8.0, 10.0),
            };
            let rest = median((0..5).map(|_| idle(binary, way)).collect());
            row(&format!("{name}idle"), rest, rest_mb);
            let held = median((0..3).map(|_| open(binary, way)).collect());
            let what = format!("64 open {name}connections, {}", each(held, rest));
            row(&what, held, open_mb);
            for (what, request) in worst_requests() {
                let peak = worst(binary, way, &request);
                let what = format!("64 {name}sending {what}, peak, {}", each(peak, rest));
                row(&what, peak, worst_mb);
            }
        }
        let with = |page| median((0..5).map(|_| busy(binary, page)).collect());
        let more = (with(PAGE) - with("")) * 1024.0 / 1e3;
        table.figure(
            "the status page with 100 events, read three times (64 kB wanted)",
            format!("{more:.0} kB more"),
        );
        let start = median(
            (0..plan.runs)
                .map(|_| daemon(binary, Way::Plain).start.as_secs_f64() * 1e3)
                .collect(),
        );
        let wanted = start <= 5.0;
        table.wanted(
            "from its start to listening",
            format!("{start:.1} ms"),
            "≤ 5 ms",
            wanted,
        );
    }
}

/// The protocol of a connection.
#[derive(Clone, Copy)]
enum Way {
    Plain,
    Tls,
}

/// Returns the memory that one of the connections adds to the daemon at rest.
fn each(kib: f64, rest: f64) -> String {
    format!("{:.0} KiB each", (kib - rest) / CONNECTIONS as f64)
}

fn given(name: &str) -> String {
    format!("{}/tests/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn daemon(binary: &Path, way: Way) -> Daemon {
    let tls = match way {
        Way::Plain => String::new(),
        Way::Tls => {
            let (cert, key) = (given("good.pem"), given("server.key"));
            format!("[websmsd]\ntls_cert = \"{cert}\"\ntls_key = \"{key}\"\n")
        }
    };
    Daemon::start(
        binary,
        &std::env::temp_dir(),
        &format!("{tls}[astqueue]\nsync = no\nmax = 1000000\n"),
    )
}

/// The client's end of a connection.
enum Peer {
    Plain(Http),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Peer {
    /// Connects, and over TLS completes the handshake.
    fn connect(address: SocketAddr, way: Way) -> Peer {
        let http = Http::connect(address);
        match way {
            Way::Plain => Peer::Plain(http),
            Way::Tls => {
                let pem = fs::read(given("ca.pem")).unwrap();
                let mut roots = RootCertStore::empty();
                roots
                    .add(CertificateDer::from_pem_slice(&pem).unwrap())
                    .unwrap();
                let settings = ClientConfig::builder()
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                let name = "localhost".try_into().unwrap();
                let mut client = ClientConnection::new(Arc::new(settings), name).unwrap();
                let mut stream = http.stream;
                while client.is_handshaking() {
                    client.complete_io(&mut stream).unwrap();
                }
                Peer::Tls(Box::new(StreamOwned::new(client, stream)))
            }
        }
    }

    /// Sends bytes. A server that has closed meanwhile is no fault, as with [`Http::send`].
    fn send(&mut self, bytes: &[u8]) {
        match self {
            Peer::Plain(http) => http.send(bytes),
            Peer::Tls(stream) => {
                let _ = stream.write_all(bytes).and_then(|()| stream.flush());
            }
        }
    }

    fn is_answered(&mut self) -> bool {
        match self {
            Peer::Plain(http) => http.try_answer().is_some(),
            Peer::Tls(stream) => stream.read(&mut [0; 1]).is_ok_and(|bytes| bytes > 0),
        }
    }
}

/// Measures at rest after one SMS, so that structures made at first use exist.
fn idle(binary: &Path, way: Way) -> f64 {
    let daemon = daemon(binary, way);
    let mut peer = Peer::connect(daemon.address, way);
    peer.send(&rig::post("/", rig::FORM, "To=12&From=34&Body=x"));
    assert!(peer.is_answered());
    drop(peer);
    daemon.status("VmRSS")
}

const PAGE: &str = "status_path = /status\nstatus_auth = me:secret\n";

/// Measures what is no file after 100 SMS, and after the page was read three times if there is one.
fn busy(binary: &Path, page: &str) -> f64 {
    let conf = format!("[websmsd]\n{page}[astqueue]\nsync = no\nmax = 1000000\n");
    let daemon = Daemon::start(binary, &std::env::temp_dir(), &conf);
    let ask = |request: Vec<u8>| {
        let mut peer = Http::connect(daemon.address);
        peer.send(request);
        assert!(peer.try_answer().is_some_and(|answer| answer.status == 200));
    };
    for number in 100..200 {
        let form = format!("To=12&From=15550{number}&Body=x");
        ask(rig::post("/", rig::FORM, form));
    }
    for _ in 0..if page.is_empty() { 0 } else { 3 } {
        let head = "GET /status HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\
             Authorization: Basic bWU6c2VjcmV0\r\n\r\n";
        ask(head.into());
    }
    rig::wait_for_rest(daemon.pid());
    daemon.status("RssAnon")
}

/// Measures with every place taken by a connection that has sent the start of a request.
fn open(binary: &Path, way: Way) -> f64 {
    let daemon = daemon(binary, way);
    let held: Vec<Peer> = (0..CONNECTIONS)
        .map(|_| {
            let mut peer = Peer::connect(daemon.address, way);
            peer.send(b"POST / HTTP/1.1\r\nHost: a\r\n");
            peer
        })
        .collect();
    rig::wait_for("64 threads", || {
        daemon.status("Threads") > CONNECTIONS as f64
    });
    rig::wait_for_rest(daemon.pid());
    let kib = daemon.status("VmRSS");
    drop(held);
    kib
}

/// Returns requests that the limits just permit, each with its name.
fn worst_requests() -> Vec<(&'static str, Vec<u8>)> {
    let pad = |text: String, end: &str| {
        let missing = 64 * 1024 - text.len() - end.len();
        format!("{text}{}{end}", " ".repeat(missing))
    };
    let numbers = vec!["0"; 1990].join(",");
    let lists = format!("[{}0{}", "[".repeat(30), "]".repeat(30));
    let strings = vec![format!("\"{}\"", "x".repeat(29)); 1990].join(",");
    let keys: String = (0..990).map(|n| format!("\"{n:050}\":0,")).collect();
    let form: String = (0..990)
        .map(|n| format!("&a[{n}][b]={}", "x".repeat(50)))
        .collect();
    let parts: String = (0..900)
        .map(|n| format!("--c\r\nContent-Disposition: form-data; name=\"a{n}\"\r\n\r\nx\r\n"))
        .collect();
    let tail = "\"To\":\"12\",\"From\":\"34\",\"Body\":\"x\"}";
    let sms = "To=12&From=34&Body=";
    let json = "application/json";
    [
        (
            "64 KiB of JSON numbers",
            json,
            pad(format!("{{\"a\":[{numbers}],"), tail),
        ),
        (
            "64 KiB of JSON texts",
            json,
            pad(format!("{{\"a\":[{strings}],"), tail),
        ),
        (
            "64 KiB of JSON keys",
            json,
            pad(format!("{{\"a\":{{{}\"b\":0}},", keys), tail),
        ),
        (
            "64 KiB of nested JSON",
            json,
            pad(format!("{{\"a\":{lists}],"), tail),
        ),
        (
            "a text of 64 KiB",
            rig::FORM,
            format!("{sms}{}", "x".repeat(64 * 1024 - sms.len())),
        ),
        (
            "a form of 990 fields",
            rig::FORM,
            format!("{sms}{}", &form[..form.len().min(64 * 1024 - sms.len())]),
        ),
        (
            "900 parts",
            "multipart/form-data; boundary=c",
            format!("{parts}--c--\r\n"),
        ),
    ]
    .into_iter()
    .map(|(what, content_type, body)| (what, rig::post("/", content_type, body)))
    .collect()
}

/// Measures the peak while every connection sends one request again and again.
fn worst(binary: &Path, way: Way, request: &[u8]) -> f64 {
    let daemon = daemon(binary, way);
    let address = daemon.address;
    // All but the last byte are sent first, so that all requests are in memory at the same time.
    let (most, last) = request.split_at(request.len() - 1);
    for _ in 0..3 {
        let mut held: Vec<Peer> = (0..CONNECTIONS)
            .map(|_| Peer::connect(address, way))
            .collect();
        held.iter_mut().for_each(|peer| peer.send(most));
        held.iter_mut().for_each(|peer| peer.send(last));
        let answered = held
            .iter_mut()
            .map(Peer::is_answered)
            .filter(|yes| *yes)
            .count();
        assert!(answered > 0, "nobody was answered");
    }
    daemon.status("VmHWM")
}
