//! `websmsd`: resident memory at rest and under the worst that the limits allow; time to listening.

use std::path::Path;
use std::thread;
use std::time::Duration;

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
        row("idle", median((0..5).map(|_| idle(binary)).collect()), 1.5);
        row(
            "64 open connections",
            median((0..3).map(|_| open(binary)).collect()),
            6.0,
        );
        for (what, request) in worst_requests() {
            row(
                &format!("64 sending {what}, peak"),
                worst(binary, &request),
                8.0,
            );
        }
        let start = median(
            (0..plan.runs)
                .map(|_| daemon(binary).start.as_secs_f64() * 1e3)
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

fn daemon(binary: &Path) -> Daemon {
    Daemon::start(
        binary,
        &std::env::temp_dir(),
        "[astqueue]\nsync = no\nmax = 1000000\n",
    )
}

/// At rest after one SMS, so that what is made at first use is there.
fn idle(binary: &Path) -> f64 {
    let daemon = daemon(binary);
    daemon.deliver("To=12&From=34&Body=x");
    daemon.status("VmRSS")
}

/// With every place taken by a connection that has sent the start of a request.
fn open(binary: &Path) -> f64 {
    let daemon = daemon(binary);
    let held: Vec<Http> = (0..CONNECTIONS)
        .map(|_| {
            let mut http = Http::connect(daemon.address);
            http.send("POST / HTTP/1.1\r\nHost: a\r\n");
            http
        })
        .collect();
    rig::wait_for("64 threads", || {
        daemon.status("Threads") > CONNECTIONS as f64
    });
    thread::sleep(Duration::from_millis(50));
    let kib = daemon.status("VmRSS");
    drop(held);
    kib
}

/// Requests that the limits just allow, as (what it is, bytes).
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

/// The peak while every connection sends one request again and again.
fn worst(binary: &Path, request: &[u8]) -> f64 {
    let daemon = daemon(binary);
    let address = daemon.address;
    // All but the last byte first, so that all of them are in memory at the same time.
    let (most, last) = request.split_at(request.len() - 1);
    for _ in 0..3 {
        let mut held: Vec<Http> = (0..CONNECTIONS).map(|_| Http::connect(address)).collect();
        held.iter_mut().for_each(|http| http.send(most));
        held.iter_mut().for_each(|http| http.send(last));
        let answered = held.iter_mut().filter_map(Http::try_answer).count();
        assert!(answered > 0, "nobody was answered");
    }
    daemon.status("VmHWM")
}
