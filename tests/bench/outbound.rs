//! Measures one outgoing SMS: `websms` against `php` with cURL and against `curl`, by HTTP and by HTTPS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::rig::Scratch;
use super::{Plan, Table, median};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{\"status\":\"success\"}";

pub fn measure(plan: &Plan, table: &mut Table) {
    let scratch = Scratch::new();
    let tls = certificate(&scratch);
    let ca = scratch.join("cert.pem");
    for (scheme, tls) in [("http", None), ("https", Some(tls))] {
        let host = if tls.is_some() {
            "localhost"
        } else {
            "127.0.0.1"
        };
        let url = format!("{scheme}://{host}:{}", stub(tls).port());
        let conf = format!(
            "[websms]\nhost = {url}\npath = /sms/send/\nauth_user = user\nauth_passwd = secret\n\
             response_check = \"status=success\"\nca_file = \"{}\"\n",
            ca.display()
        );
        let conf = scratch.file(&format!("{scheme}.conf"), conf);
        let url = format!("{url}/sms/send/");
        table.heading(&format!("one SMS out by {scheme}, the whole run"));
        // A router runs the static build, so that one is compared.
        let ours = plan.static_binary.as_ref().unwrap_or(&plan.binary);
        let mut runs = vec![
            ("`websms`", websms(ours, &conf)),
            ("`php` with cURL", php(&url, &ca)),
            ("`curl`", curl(&url, &ca)),
        ];
        if plan.static_binary.is_some() {
            runs.push(("`websms`, glibc build", websms(&plan.binary, &conf)));
        }
        compare(plan, table, scheme, &runs);
    }
}

fn compare(plan: &Plan, table: &mut Table, scheme: &str, runs: &[(&str, Vec<String>)]) {
    let mut times = vec![Vec::new(); runs.len()];
    for _ in 0..plan.runs {
        for (times, (_, words)) in times.iter_mut().zip(runs) {
            times.push(wall_ms(words));
        }
    }
    let times: Vec<f64> = times.into_iter().map(median).collect();
    let peaks: Vec<f64> = runs
        .iter()
        .map(|(_, words)| median((0..5).map(|_| peak_mb(words)).collect()))
        .collect();
    for (n, (name, _)) in runs.iter().enumerate() {
        table.figure(name, format!("{:.1} ms, {:.1} MB", times[n], peaks[n]));
    }
    let against_php = format!(
        "{:.1} %, {:.1} %",
        100.0 * times[0] / times[1],
        100.0 * peaks[0] / peaks[1]
    );
    let against_curl = format!("{:.0} %", 100.0 * times[0] / times[2]);
    if scheme == "http" {
        let reached = times[0] <= times[1] / 10.0 && peaks[0] <= peaks[1] / 10.0;
        table.wanted(
            "time and memory against `php`",
            against_php,
            "≤ 10 %",
            reached,
        );
        table.wanted(
            "time against `curl`",
            against_curl,
            "< 100 %",
            times[0] < times[2],
        );
    } else {
        table.figure("time and memory against `php`", against_php);
        table.figure("time against `curl`", against_curl);
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn websms(binary: &Path, conf: &Path) -> Vec<String> {
    let (binary, conf) = (binary.to_str().unwrap(), conf.to_str().unwrap());
    words(&[
        binary,
        "-c",
        conf,
        "--",
        "+12025550183",
        "+12025550160",
        "Hello",
    ])
}

fn php(url: &str, ca: &Path) -> Vec<String> {
    words(&["php", "tests/bench/send.php", url, ca.to_str().unwrap()])
}

fn curl(url: &str, ca: &Path) -> Vec<String> {
    let fields = "To=%2B12025550183&From=%2B12025550160&Body=Hello";
    words(&[
        "curl",
        "-sf",
        "--cacert",
        ca.to_str().unwrap(),
        "-u",
        "user:secret",
        "-d",
        fields,
        url,
    ])
}

fn command(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn wall_ms(words: &[String]) -> f64 {
    let mut command = command(words);
    let start = Instant::now();
    let status = command.status().unwrap();
    let ms = start.elapsed().as_secs_f64() * 1e3;
    assert!(status.success(), "{words:?}: {status}");
    ms
}

/// Returns the greatest resident memory by `time`, whose own 1 to 2 MB are its smallest result.
fn peak_mb(words: &[String]) -> f64 {
    let output = Command::new("/usr/bin/time")
        .arg("-f")
        .arg("%M")
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let kib: f64 = said.lines().last().unwrap().parse().unwrap();
    kib * 1024.0 / 1e6
}

/// Makes a certificate for `localhost`, with an authority of its own, and the settings of a server.
fn certificate(scratch: &Scratch) -> Arc<rustls::ServerConfig> {
    let (cert, key) = (scratch.join("cert.pem"), scratch.join("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args([
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let chain = CertificateDer::pem_file_iter(&cert)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// Runs a provider that accepts everything, as fast as it can.
fn stub(tls: Option<Arc<rustls::ServerConfig>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            match &tls {
                None => serve(&mut stream),
                Some(config) => {
                    let session = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
                    let mut stream = rustls::StreamOwned::new(session, stream);
                    serve(&mut stream);
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            }
        }
    });
    address
}

fn serve(stream: &mut (impl Read + Write)) {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&chunk[..read]),
        }
    }
    let _ = stream.write_all(ANSWER);
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}
