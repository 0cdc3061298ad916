//! Tests HTTPS served by `websmsd` itself, with clients that others wrote and with hostile ones.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::rig::{self, Called, Scratch, Websmsd, finish, wait_for};

const KEYS: &str = "key_to=to\nkey_from=from\nkey_body=text\n";

fn given(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name)
}

/// Makes a folder with `cert.pem` and `key.pem`.
fn scratch(cert: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.file("cert.pem", fs::read(given(cert)).unwrap());
    scratch.file("key.pem", fs::read(given("server.key")).unwrap());
    scratch
}

fn conf(scratch: &Scratch, more: &str) -> String {
    let folder = scratch.path().display();
    format!("[websmsd]\ntls_cert=\"{folder}/cert.pem\"\ntls_key=\"{folder}/key.pem\"\n{KEYS}{more}")
}

fn start(more: &str) -> Websmsd {
    let scratch = scratch("good.pem");
    let conf = conf(&scratch, more);
    Websmsd::start_as(Called::Link, scratch, &conf, &[])
}

/// Runs curl and returns its exit code and the status.
fn curl(websmsd: &Websmsd, more: &[&str], text: &str) -> (Option<i32>, String) {
    let mut run = Command::new("curl");
    run.args([
        "-sS",
        "--noproxy",
        "*",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "--max-time",
        "15",
    ])
    .arg("--cacert")
    .arg(given("ca.pem"))
    .arg("--resolve")
    .arg(format!("localhost:{}:127.0.0.1", websmsd.address.port()))
    .args(["--data-urlencode", "to=+1", "--data-urlencode", "from=2"])
    .args(["--data-urlencode", &format!("text={text}")])
    .args(more)
    .arg(format!("https://localhost:{}/", websmsd.address.port()));
    let ran = finish(run);
    (ran.code, ran.stdout)
}

#[test]
fn both_versions_of_tls_and_no_older_one() {
    let websmsd = start("");
    let check = |options: &[&str], expected: (Option<i32>, &str)| {
        let before = websmsd.call_files().len();
        let (code, status) = curl(&websmsd, options, "\u{20ac}uro & more");
        assert_eq!(
            (code, status.as_str()),
            expected,
            "{options:?} {}",
            websmsd.log()
        );
        let delivered = websmsd.call_files().len() - before;
        assert_eq!(delivered, usize::from(code == Some(0)), "{options:?}");
    };
    check(&[], (Some(0), "200"));
    check(&["--tlsv1.2", "--tls-max", "1.2"], (Some(0), "200"));
    check(&["--tlsv1.3"], (Some(0), "200"));
    for (suite, expected) in [
        ("TLS_AES_256_GCM_SHA384", (Some(0), "200")),
        ("TLS_AES_128_GCM_SHA256", (Some(0), "200")),
        ("TLS_CHACHA20_POLY1305_SHA256", (Some(35), "000")),
    ] {
        check(&["--tlsv1.3", "--tls13-ciphers", suite], expected);
    }
    for suite in [
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
    ] {
        check(&["--tls-max", "1.2", "--ciphers", suite], (Some(0), "200"));
    }
    check(&["-H", "Expect: 100-continue"], (Some(0), "200"));
    check(&["-H", "Transfer-Encoding: chunked"], (Some(0), "200"));
    check(
        &[
            "--tlsv1.1",
            "--tls-max",
            "1.1",
            "--ciphers",
            "DEFAULT@SECLEVEL=0",
        ],
        (Some(35), "000"),
    );
    assert_eq!(websmsd.call_files()[0].body(), "\u{20ac}uro & more");
    // One text has many records, and one is as large as the limit allows.
    let long = "y".repeat(14_000);
    assert_eq!(curl(&websmsd, &[], &long).1, "200");
}

#[test]
fn openssl_gets_answers_in_a_pipeline() {
    let websmsd = start("");
    for version in ["-tls1_2", "-tls1_3"] {
        let mut client = Command::new("openssl")
            .args([
                "s_client",
                "-quiet",
                "-verify_return_error",
                version,
                "-CAfile",
            ])
            .arg(given("ca.pem"))
            .args([
                "-servername",
                "localhost",
                "-connect",
                &websmsd.address.to_string(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl");
        let get = "GET / HTTP/1.1\r\nHost: w\r\n\r\n";
        let last = "GET / HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n";
        let stdin = client.stdin.as_mut().unwrap();
        stdin
            .write_all([get, get, last].concat().as_bytes())
            .unwrap();
        let mut answers = String::new();
        client
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut answers)
            .unwrap();
        rig::wait_for_exit(&mut client);
        assert_eq!(
            answers.matches("HTTP/1.1 200 OK\r\n").count(),
            3,
            "{version} {answers}"
        );
    }
}

#[test]
fn what_is_no_tls_is_closed_without_a_word() {
    let websmsd = start("");
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: w\r\n\r\n"[..],
        b"\x16\x03\x01\xff\xff\0\0\0",
        &[0; 200],
    ] {
        let mut peer = TcpStream::connect(websmsd.address).unwrap();
        peer.set_read_timeout(Some(rig::PATIENCE)).unwrap();
        peer.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // The answer is an alert at most, perhaps followed by a reset.
        let _ = peer.read_to_end(&mut answer);
        assert!(
            answer.len() < 20 && !answer.starts_with(b"HTTP"),
            "{answer:?}"
        );
    }
    websmsd.wait_for_log("closed, TLS handshake: no TLS that we speak");
    assert_eq!(curl(&websmsd, &[], "x").1, "200");
}

#[test]
fn slow_who_stalls_in_the_handshake_is_closed_and_holds_up_nobody() {
    let websmsd = start("");
    let begun = Instant::now();
    let stalled: Vec<TcpStream> = (0..40)
        .map(|number| {
            let mut peer = TcpStream::connect(websmsd.address).unwrap();
            peer.set_read_timeout(Some(rig::PATIENCE)).unwrap();
            // The peer sends nothing, or the beginning of a record.
            let _ = peer.write_all(&b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"[..number % 12]);
            peer
        })
        .collect();
    assert_eq!(curl(&websmsd, &[], "x").1, "200");
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "{:?}",
        begun.elapsed()
    );
    for mut peer in stalled {
        let _ = peer.read_to_end(&mut Vec::new());
    }
    let took = begun.elapsed();
    assert!(
        took > Duration::from_secs(9) && took < rig::PATIENCE,
        "{took:?}"
    );
    assert!(websmsd.log().contains("closed, TLS handshake: too slow"));
}

#[test]
fn a_stranger_is_closed_unread() {
    let websmsd = start("permit_addr = 192.0.2.1\nproxy_addr =\n");
    assert_eq!(curl(&websmsd, &[], "x").1, "000");
    websmsd.wait_for_log("127.0.0.1: 403");
}

#[test]
fn a_renewed_certificate_is_served_and_a_bad_one_is_not() {
    let websmsd = start("");
    let put = |name: &str, bytes: Vec<u8>| {
        let new = websmsd.scratch.file("new", bytes);
        fs::rename(new, websmsd.scratch.join(name)).unwrap();
    };
    assert_eq!(curl(&websmsd, &[], "x").1, "200");
    // The renewal is half done: the key belongs to another certificate.
    put("key.pem", other_key(&websmsd.scratch));
    wait_for("a look at the files", || {
        assert_eq!(curl(&websmsd, &[], "x").1, "200");
        websmsd
            .log()
            .contains("certificate not taken, the one before stays: tls_key is not the key")
    });
    put("key.pem", fs::read(given("server.key")).unwrap());
    // The certificate has another name: curl no longer accepts it.
    put("cert.pem", fs::read(given("misnamed.pem")).unwrap());
    wait_for("the other certificate", || {
        curl(&websmsd, &[], "x").0 == Some(60)
    });
    assert!(websmsd.log().contains("certificate read again"));
}

fn other_key(scratch: &Scratch) -> Vec<u8> {
    let path = scratch.join("other.key");
    let made = Command::new("openssl")
        .args([
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-out",
        ])
        .arg(&path)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    fs::read(path).unwrap()
}

/// Checks that a daemon serves with a new key of a kind, written as `convert` does.
#[track_caller]
fn check_key(kind: &[&str], convert: &[&str]) {
    let scratch = Scratch::new();
    let (key, cert) = (scratch.join("key.pem"), scratch.join("cert.pem"));
    let openssl = |arguments: &[&str]| {
        let ran = Command::new("openssl")
            .args(arguments)
            .stderr(Stdio::null())
            .status();
        assert!(ran.unwrap().success(), "{arguments:?}");
    };
    let (key, cert) = (key.to_str().unwrap(), cert.to_str().unwrap());
    openssl(&[kind, &["-out", key]].concat());
    openssl(&[
        "req",
        "-x509",
        "-new",
        "-key",
        key,
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-days",
        "2",
        "-out",
        cert,
    ]);
    if !convert.is_empty() {
        openssl(&[convert, &["-in", key, "-out", &format!("{key}.new")]].concat());
        fs::rename(format!("{key}.new"), key).unwrap();
    }
    let ca = cert.to_owned();
    let conf = conf(&scratch, "");
    let websmsd = Websmsd::start_as(Called::Link, scratch, &conf, &[]);
    assert_eq!(
        curl(&websmsd, &["--cacert", &ca], "x").1,
        "200",
        "{kind:?} {convert:?}"
    );
}

fn rsa(bits: &str) -> [&str; 5] {
    ["genpkey", "-algorithm", "RSA", "-pkeyopt", bits]
}

#[test]
fn keys_of_every_kind() {
    let ec = |curve| ["genpkey", "-algorithm", "EC", "-pkeyopt", curve];
    check_key(&rsa("rsa_keygen_bits:2048"), &[]);
    check_key(&rsa("rsa_keygen_bits:2048"), &["rsa", "-traditional"]);
    check_key(&ec("ec_paramgen_curve:P-256"), &[]);
    check_key(&ec("ec_paramgen_curve:P-384"), &[]);
    check_key(&ec("ec_paramgen_curve:P-256"), &["ec"]);
}

/// OpenSSL looks for its primes for seconds.
#[test]
fn slow_a_long_key() {
    check_key(&rsa("rsa_keygen_bits:4096"), &[]);
}

#[test]
fn the_status_page_is_served_too_and_counts_who_speaks_no_tls() {
    let websmsd = start("status_path = /status\n");
    let mut stranger = TcpStream::connect(websmsd.address).unwrap();
    stranger.write_all(b"GET /status HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stranger.read_to_end(&mut answer);
    websmsd.wait_for_log("TLS handshake: no TLS that we speak");
    let mut run = Command::new("curl");
    run.args(["-sS", "--noproxy", "*", "--max-time", "15"])
        .arg("--cacert")
        .arg(given("ca.pem"))
        .arg("--resolve")
        .arg(format!("localhost:{}:127.0.0.1", websmsd.address.port()))
        .arg(format!(
            "https://localhost:{}/status",
            websmsd.address.port()
        ));
    let page = finish(run).stdout;
    let expected = "websms_in_refused_total{reason=\"handshake\"} 1\n";
    assert!(page.contains(expected), "{page}");
}

#[test]
fn what_cannot_be_served_is_a_fault_with_its_remedy() {
    let check = |cert: &str, key: &str, expected: &str| {
        let scratch = scratch("good.pem");
        scratch.file("other.key", other_key(&scratch));
        scratch.file("text", "no PEM");
        let folder = scratch.path().display();
        let conf = format!("[websmsd]\ntls_cert=\"{folder}/{cert}\"\ntls_key=\"{folder}/{key}\"\n");
        let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &conf));
        for option in [&["-l", "127.0.0.1:0"][..], &["--check"]] {
            let mut run = rig::daemon_command(Called::Link, &scratch);
            run.arg("-c").arg(&conf).args(option);
            let ran = finish(run);
            assert_eq!(ran.code, Some(2), "{expected}: {option:?}");
            let told = [ran.stdout, ran.stderr].concat();
            assert!(told.contains(expected), "{expected}: {told}");
        }
    };
    check("none", "key.pem", "none cannot be read: does not exist");
    check("cert.pem", "none", "none cannot be read: does not exist");
    check("text", "key.pem", "tls_cert holds no certificate");
    check("cert.pem", "text", "tls_key holds no private key");
    check("cert.pem", "cert.pem", "tls_key holds no private key");
    check(
        "cert.pem",
        "other.key",
        "tls_key is not the key of the certificate in tls_cert",
    );
}

#[test]
fn slow_reloads_under_load_lose_no_request() {
    for secure in [true, false] {
        let scratch = scratch("good.pem");
        let many = "[astqueue]\nmax = 1000000\nsync = no\n";
        let keys = |more: &str| match secure {
            true => conf(&scratch, more) + many,
            false => format!("[websmsd]\n{KEYS}{more}{many}"),
        };
        let (good, bad) = (keys(""), keys("auth_method = nonsense\n"));
        let websmsd = Websmsd::start_as(Called::Link, scratch, &good, &[]);
        let file = websmsd.scratch.join("websms.conf");
        let written = [&good, &bad].map(|conf| rig::spool_conf(&websmsd.scratch, conf));
        let over = AtomicBool::new(false);
        let scheme = if secure { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}/", websmsd.address.port());
        let resolve = format!("localhost:{}:127.0.0.1", websmsd.address.port());
        let ca = given("ca.pem");
        // Each curl makes 60 requests, on one connection if it is kept open.
        let client = || {
            let mut done = 0;
            while !over.load(Ordering::SeqCst) || done == 0 {
                let mut run = Command::new("curl");
                run.args(["-sS", "--noproxy", "*", "--fail", "--cacert"])
                    .arg(&ca);
                run.args(["--resolve", &resolve, "-o", "/dev/null"]);
                run.args([&format!("{url}?[1-60]"), "-d", "to=1&from=2&text=x"]);
                let ran = finish(run);
                assert_eq!(ran.code, Some(0), "{}", ran.stderr);
                done += 60;
            }
            done
        };
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..4).map(|_| scope.spawn(client)).collect();
            for number in 0..200 {
                let new = websmsd.scratch.file("new.conf", &written[number % 2]);
                fs::rename(new, &file).unwrap();
                rig::signal(websmsd.pid(), "HUP");
                // It makes so many a second, whether the server keeps up or not.
                std::thread::sleep(Duration::from_millis(10));
            }
            over.store(true, Ordering::SeqCst);
            let done: usize = clients
                .into_iter()
                .map(|client| client.join().unwrap())
                .sum();
            wait_for("every SMS", || websmsd.call_files().len() == done);
        });
        let log = websmsd.log();
        assert!(log.contains("configuration read again"), "{log}");
        assert!(log.contains("configuration not taken, the one before stays"));
    }
}

#[test]
fn https_begins_and_ends_with_a_reload() {
    let scratch = scratch("good.pem");
    let secure = conf(&scratch, "");
    let websmsd = Websmsd::start_as(Called::Link, scratch, &format!("[websmsd]\n{KEYS}"), &[]);
    assert_eq!(curl(&websmsd, &[], "x").1, "000");
    let secure = rig::spool_conf(&websmsd.scratch, &secure);
    websmsd.scratch.file("websms.conf", secure);
    rig::signal(websmsd.pid(), "HUP");
    websmsd.wait_for_log("configuration read again");
    assert_eq!(curl(&websmsd, &[], "x").1, "200");
}
