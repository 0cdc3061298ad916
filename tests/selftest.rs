//! `--selftest` against set-ups that are broken on purpose: each is named, with its remedy, and what
//! holds is said to hold.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that panics has failed, which is its job"
)]

mod rig;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rig::{Itsp, Ran, Scratch, Script, deaf_address};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use websms::proto::json;

/// Runs `websms --selftest` under a clock.
fn outbound_at(clock: &str, conf: &Path, more: &[&str]) -> Ran {
    let mut run = rig::command(&rig::binary());
    run.arg("-c").arg(conf).arg("--selftest").args(more);
    rig::set_clock(&mut run, clock);
    let ran = rig::finish(run);
    for secret in ["Secret+1", "aWQ6U2VjcmV0KzE="] {
        assert!(!ran.stdout.contains(secret), "{}", ran.stdout);
    }
    ran
}

fn outbound(conf: &Path, more: &[&str]) -> Ran {
    outbound_at("", conf, more)
}

fn conf(scratch: &Scratch, host: &str, more: &str) -> PathBuf {
    let text = format!(
        "[websms]\nhost = \"{host}\"\nauth_user = \"id\"\nauth_passwd = \"Secret+1\"\n{more}\n"
    );
    let text = rig::spool_conf(scratch, &text);
    scratch.file("websms.conf", text)
}

/// The step of that name has this finding, and says all of `words` on its line or in its remedy.
#[track_caller]
fn says(ran: &Ran, step: &str, words: &[&str]) {
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let found = lines.iter().enumerate().any(|(at, line)| {
        let remedy = lines
            .get(at + 1)
            .filter(|next| next.starts_with("      ->"));
        let whole = format!("{line}\n{}", remedy.unwrap_or(&""));
        line.starts_with(step) && words.iter().all(|word| whole.contains(word))
    });
    assert!(found, "{step} {words:?}\n{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_good_way_out_holds() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let more = "check_path = \"/account/{auth_user}\"\nnumber_format = E164";
    let ran = outbound(&conf(&scratch, &itsp.url(), more), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    says(&ran, "ok    clock", &[]);
    says(
        &ran,
        "ok    request",
        &["+15550123456 goes out as 15550123456"],
    );
    says(&ran, "ok    dns", &["127.0.0.1"]);
    says(&ran, "ok    tcp", &["takes connections"]);
    says(&ran, "skip  tls", &["http://"]);
    says(&ran, "ok    credentials", &["200"]);
    assert!(!ran.stdout.contains("FAIL"), "{}", ran.stdout);
    // One GET with the account's credentials, and nothing is posted.
    let asked = itsp.request();
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("GET", "/account/id")
    );
    assert_eq!(
        asked.header("Authorization"),
        Some("Basic aWQ6U2VjcmV0KzE=")
    );
    assert_eq!(asked.body, b"");
}

#[test]
fn without_a_known_call_the_credentials_are_not_checked() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let ran = outbound(&conf(&scratch, &itsp.url(), ""), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    says(
        &ran,
        "skip  credentials",
        &["not checked: no call is known that sends nothing"],
    );
    assert_eq!(itsp.requests(), []);
}

#[test]
fn a_wrong_password_is_named() {
    for status in [401, 403] {
        let itsp = Itsp::start(vec![Script::reply(status, "no")]);
        let scratch = Scratch::new();
        let ran = outbound(&conf(&scratch, &itsp.url(), "check_path = /me"), &[]);
        assert_eq!(ran.code, Some(1), "{}", ran.stdout);
        let status = status.to_string();
        says(
            &ran,
            "FAIL  credentials",
            &[&status, "wrong", "see auth_method, auth_user"],
        );
    }
}

#[test]
fn a_provider_that_is_down_is_named() {
    let scratch = Scratch::new();
    let host = format!("http://{}", deaf_address());
    let ran = outbound(&conf(&scratch, &host, "check_path = /me"), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  tcp",
        &["connection refused", "see that host is right"],
    );
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let ran = outbound(&conf(&scratch, &itsp.url(), "check_path = /me"), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(&ran, "FAIL  credentials", &["503", "try again later"]);
}

#[test]
fn a_name_that_is_not_found_is_named() {
    let scratch = Scratch::new();
    let ran = outbound(&conf(&scratch, "https://sms.invalid", ""), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  dns",
        &["sms.invalid: name resolution failed", "/etc/resolv.conf"],
    );
}

#[test]
fn a_proxy_that_is_down_is_named() {
    let scratch = Scratch::new();
    let more = format!("proxy = \"http://user:pw@{}\"", deaf_address());
    let ran = outbound(&conf(&scratch, "https://sms.invalid", &more), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  tcp",
        &["connection refused", "see that proxy is right"],
    );
    assert!(!ran.stdout.contains("user:pw"), "{}", ran.stdout);
}

// ---- Certificates ---------------------------------------------------------------------------

fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name)
}

/// An HTTPS server that shakes one hand.
fn https(certificate: &str) -> String {
    let chain: Vec<_> = CertificateDer::pem_file_iter(tls_file(certificate))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(tls_file("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(websms::sys::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = Stream::new(&mut connection, &mut socket);
        let _ = std::io::Read::read(&mut stream, &mut [0; 64]);
    });
    format!("https://{address}")
}

#[test]
fn each_fault_of_a_certificate_is_named() {
    let check = |certificate: &str, authority: &str, code: i32, step: &str, words: &[&str]| {
        let scratch = Scratch::new();
        let authority = match authority {
            "" => String::new(),
            name => format!("ca_file = \"{}\"", tls_file(name).display()),
        };
        let ran = outbound(&conf(&scratch, &https(certificate), &authority), &[]);
        assert_eq!(ran.code, Some(code), "{certificate}: {}", ran.stdout);
        says(&ran, step, words);
    };
    let (ok, bad) = ("ok    tls", "FAIL  tls");
    check(
        "good.pem",
        "ca.pem",
        0,
        ok,
        &["believed, for 2", "days more"],
    );
    check("good.pem", "", 1, bad, &["unknown issuer", "ca_file"]);
    check(
        "good.pem",
        "stranger.pem",
        1,
        bad,
        &["unknown issuer", "ca_file"],
    );
    check("expired.pem", "ca.pem", 1, bad, &["has expired", "clock"]);
    check("early.pem", "ca.pem", 1, bad, &["not valid yet", "clock"]);
    check("misnamed.pem", "ca.pem", 1, bad, &["another name", "host"]);
}

// ---- What concerns both ---------------------------------------------------------------------

#[test]
fn a_clock_in_1970_is_named() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp.url(), "check_path = /me");
    let ran = outbound_at("@1970-01-01 00:10:00", &conf, &[]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    says(
        &ran,
        "FAIL  clock",
        &["before this program was released", "ntpd"],
    );
}

#[test]
fn a_configuration_that_cannot_be_used_is_a_fault() {
    let scratch = Scratch::new();
    let ran = outbound(
        &conf(&scratch, "http://127.0.0.1", "auth_method = magic"),
        &[],
    );
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    says(&ran, "FAIL  configuration", &["line", "auth_method"]);
    let ran = outbound(&scratch.join("nothing.conf"), &[]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    says(&ran, "FAIL  configuration", &["cannot be read"]);
}

#[test]
fn an_index_selects_one_interface() {
    let (one, two) = (Itsp::accepting(), Itsp::start(vec![Script::reply(401, "")]));
    let scratch = Scratch::new();
    let text = format!(
        "[websms]\nhost [a] = \"{}\"\nhost [b] = \"{}\"\ncheck_path = /me\n",
        one.url(),
        two.url()
    );
    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &text));
    let ran = outbound(&conf, &["-i", "a"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let ran = outbound(&conf, &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(&ran, "ok    credentials [a]", &[]);
    says(&ran, "FAIL  credentials [b]", &["401"]);
    let ran = outbound(&conf, &["-i", "c"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    let json = outbound(&conf, &["--json"]);
    assert_eq!(json.code, Some(1), "{}", json.stdout);
    let object = json::parse(json.stdout.as_bytes()).unwrap();
    assert_eq!(object.child(b"ok").unwrap().text(), b"false");
    let steps = object.child(b"steps").unwrap();
    let member = |step: &json::Value<'_>, name: &str| {
        String::from_utf8(step.child(name.as_bytes()).unwrap().scalar().unwrap()).unwrap()
    };
    let mut failed = steps
        .entries()
        .filter(|step| member(step, "result") == "fail");
    let step = failed.next().unwrap();
    assert_eq!(member(&step, "interface"), "b");
    assert_eq!(member(&step, "name"), "credentials");
    assert_ne!(member(&step, "remedy"), "");
    assert!(failed.next().is_none(), "{}", json.stdout);
}

#[test]
fn a_queue_that_nobody_drains_is_told() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp.url(), "");
    let ran = outbound(&conf, &[]);
    says(
        &ran,
        "warn  queue",
        &["0 SMS wait", "no websmsd drains it", "start websmsd"],
    );
}
