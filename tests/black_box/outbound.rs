//! Tests `websms` by hand: the requests that reach the provider, and the result of each kind of answer.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::rig::{self, Itsp, PATIENCE, Ran, Scratch, Script, deaf_address, websms};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use websms::limits::{PEM_BYTES_MAX, REPLY_HEAD_BYTES_MAX};
use websms::proto::provider::Call;
use websms::sys::client::{self, Failure, Trust};
use websms::sys::clock::Deadline;

/// Writes a configuration for a provider, with `more` lines in `[websms]`.
fn conf(scratch: &Scratch, host: &str, more: &str) -> PathBuf {
    let text = format!(
        "[websms]\nhost = \"{host}\"\npath = \"/sms/send/\"\nauth_user = \"id\"\n\
         auth_passwd = \"Secret+1\"\n{more}\n[queue]\ndir = \"\"\n"
    );
    scratch.file("websms.conf", text)
}

pub const ORDER: [&str; 3] = ["+12025550183", "+12025550160", "Outgoing message!"];

/// Sends one message to a stub that plays `script`.
fn send(script: Script, more: &str) -> (Ran, Itsp, Duration) {
    let itsp = Itsp::start(vec![script]);
    let scratch = Scratch::new();
    let start = Instant::now();
    let ran = websms(&conf(&scratch, &itsp.url(), more), &ORDER);
    let took = start.elapsed();
    assert_eq!(ran.stdout, "", "websms is silent on stdout");
    assert!(!ran.stderr.contains("Secret+1"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("Outgoing"), "{}", ran.stderr);
    (ran, itsp, took)
}

// ---- What is sent ---------------------------------------------------------------------------

#[test]
fn a_form_goes_out_as_the_php_sends_it() {
    let (ran, itsp, _) = send(Script::reply(200, r#"{"status":"success"}"#), "");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let request = itsp.request();
    assert_eq!(request.method, "POST");
    assert_eq!(request.target, "/sms/send/");
    assert_eq!(
        request.text(),
        "Body=Outgoing+message%21&From=%2B12025550160&To=%2B12025550183"
    );
    let agent = concat!("websms/", env!("CARGO_PKG_VERSION"));
    let host = itsp.address.to_string();
    let expected = [
        ("Host", host.as_str()),
        ("Authorization", "Basic aWQ6U2VjcmV0KzE="),
        ("User-Agent", agent),
        ("Accept", "*/*"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", "62"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(request.headers, expected);
}

#[test]
fn addresses_are_reduced_and_texts_may_begin_with_a_dash() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp.url(), "number_format = \"omit+\"");
    let from = "\"Ann, B\" <sip:+12025550160@pbx;x=y>";
    for text in ["-n", "--help", "--", "-v"] {
        let ran = websms(&conf, &["sip:+12025550183@trunk", from, text]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    let ran = websms(&conf, &["--", "+12025550183", from, "x"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let bodies: Vec<String> = itsp.requests().iter().map(|r| r.text()).collect();
    let expected = ["-n", "--help", "--", "-v", "x"]
        .map(|text| format!("Body={text}&From=12025550160&To=12025550183"));
    assert_eq!(bodies, expected);
}

#[test]
fn alternatives_are_read_and_never_written() {
    let answer = r#"{"status":"success","mms":"77","detail":"why"}"#;
    let more = "key_to = 'to|dst'\nkey_message_id = 'sms|mms'\nkey_reason = 'title|detail'";
    let (ran, itsp, _) = send(Script::reply(200, answer), more);
    let body = itsp.request().text();
    assert!(body.contains("to%7Cdst=%2B12025550183"), "{body}");
    assert!(ran.stderr.contains("ref=77:"), "{}", ran.stderr);
    let (ran, ..) = send(Script::reply(400, answer), more);
    assert!(ran.stderr.contains("400: why"), "{}", ran.stderr);
}

#[test]
fn a_blank_is_written_as_the_provider_wants_it() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let signed = "auth_method = zadarma";
    for (more, wanted) in [
        ("space = %20", "Body=a%20b%2Bc&From=2&To=1"),
        ("space = +", "Body=a+b%2Bc&From=2&To=1"),
        ("format = query\nspace = %20", "Body=a%20b%2Bc&From=2&To=1"),
        (
            &format!("{signed}\nspace = %20"),
            "Body=a%20b%2Bc&From=2&To=1",
        ),
    ] {
        let ran = websms(&conf(&scratch, &itsp.url(), more), &["1", "2", "a b+c"]);
        assert_eq!(ran.code, Some(0), "{more}: {}", ran.stderr);
        let request = itsp.requests().pop().unwrap();
        let query = request
            .target
            .split_once('?')
            .map(|(_, query)| query.to_owned());
        assert_eq!(query.unwrap_or_else(|| request.text()), wanted, "{more}");
    }
}

#[test]
fn numbers_lose_their_separators() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp.url(), "number_format = \"+E164\"");
    for to in [
        "+1-202-555-0183",
        "1 (202) 555-0183",
        "tel:+1-202-555-0183;phone-context=x",
        "\u{202a}+12025550183\u{202c}",
        "0012025550183",
    ] {
        let ran = websms(&conf, &[to, "sip:+1.202.555.0160@pbx", "x"]);
        assert_eq!(ran.code, Some(0), "{to}: {}", ran.stderr);
    }
    let wanted = "Body=x&From=%2B12025550160&To=%2B12025550183";
    let bodies: Vec<String> = itsp.requests().iter().map(|r| r.text()).collect();
    assert_eq!(bodies, [wanted; 5]);
}

#[test]
fn long_requests_are_written_whole() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let text = "\u{1f600}".repeat(20_000);
    for format in ["form", "query", "json", "multipart"] {
        let conf = conf(&scratch, &itsp.url(), &format!("format = {format}"));
        let text = if format == "query" {
            &text[..8000]
        } else {
            &text
        };
        let ran = websms(&conf, &[ORDER[0], ORDER[1], text]);
        assert_eq!(ran.code, Some(0), "{format}: {}", ran.stderr);
    }
    let requests = itsp.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests[0].body.len() > 240_000);
    assert!(requests[1].target.len() > 24_000);
    assert!(requests[2].text().contains("\u{1f600}\u{1f600}"));
    assert!(requests[3].text().ends_with("--\r\n"));
}

#[test]
fn json_is_nested_where_keys_are_paths() {
    let more = "format = json\nkey_to = \"messages[0].destinations[0].to\"\n\
                key_from = \"messages[0].from\"\nkey_body = \"messages[0].text\"";
    let (ran, itsp, _) = send(Script::reply(200, "{}"), more);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let request = itsp.request();
    assert_eq!(request.header("Content-Type"), Some("application/json"));
    assert_eq!(
        request.text(),
        concat!(
            r#"{"messages":[{"destinations":[{"to":"+12025550183"}],"#,
            r#""from":"+12025550160","text":"Outgoing message!"}]}"#
        )
    );
}

#[test]
fn a_dry_run_shows_the_bytes_and_sends_nothing() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let more = "auth_method = none\nformat = query\nval_static = \"a=b c\"";
    let conf = conf(&scratch, &itsp.url(), more);
    let mut order = vec!["-n"];
    order.extend(ORDER);
    let shown = websms(&conf, &order);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert_eq!(itsp.connections(), 0);
    assert_eq!(websms(&conf, &ORDER).code, Some(0));
    let request = itsp.request();
    let mut sent = format!("{} {} HTTP/1.1\r\n", request.method, request.target);
    for (name, value) in &request.headers {
        sent.push_str(&format!("{name}: {value}\r\n"));
    }
    assert_eq!(shown.stdout, format!("{sent}\r\n"));
}

#[test]
fn a_dry_run_shows_no_secret() {
    let scratch = Scratch::new();
    let more = "headers = \"X-Team: blue|Accept: text/xml\"\nval_static = \"api_key=deadbeef\"";
    let conf = conf(&scratch, "https://api.example.com", more);
    let mut order = vec!["--dry-run"];
    order.extend(ORDER);
    let ran = websms(&conf, &order);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for secret in ["Secret", "aWQ6", "deadbeef", "blue"] {
        assert!(!ran.stdout.contains(secret), "{secret} in {}", ran.stdout);
    }
    assert!(
        ran.stdout.contains("Accept: text/xml\r\n"),
        "{}",
        ran.stdout
    );
}

// ---- Verdicts -------------------------------------------------------------------------------

#[track_caller]
fn check(script: Script, more: &str, code: i32, word: &str, reason: &str) {
    let (ran, _, _) = send(script.clone(), more);
    assert_eq!(ran.code, Some(code), "{script:?} {more}: {}", ran.stderr);
    assert!(ran.tells(word, reason), "{script:?}: {}", ran.stderr);
}

#[test]
fn statuses_and_checks_decide() {
    let checked = "response_check = \"status=success\"";
    let success = r#"{"status":"success"}"#;
    assert_eq!(send(Script::reply(201, "no JSON"), "").0.code, Some(0));
    assert_eq!(send(Script::reply(204, ""), "").0.code, Some(0));
    assert_eq!(send(Script::reply(200, success), checked).0.code, Some(0));
    let regex = "response_check = \"/^ok: [0-9]+$/i\"";
    assert_eq!(send(Script::reply(200, "OK: 17"), regex).0.code, Some(0));
    check(
        Script::reply(200, "ERR"),
        regex,
        1,
        "REFUSED",
        "provider answered 200, response_check",
    );
    check(
        Script::reply(200, r#"{"status":"error"}"#),
        checked,
        1,
        "REFUSED",
        "provider answered 200",
    );
    check(
        Script::reply(404, success),
        checked,
        1,
        "REFUSED",
        "provider answered 404: success",
    );
    // These are the account's fault or may pass: only a queue can hold such an SMS.
    for status in [401, 402, 403, 407] {
        check(
            Script::reply(status, success),
            checked,
            75,
            "FAILED",
            &format!("provider answered {status}: success; there is no queue"),
        );
    }
    check(
        Script::reply(
            400,
            r#"{"code":21211,"message":"Bad 'To' Secret+1 Outgoing message!"}"#,
        ),
        "",
        1,
        "REFUSED",
        "provider answered 400: Bad 'To' *** ***",
    );
    check(
        Script::reply(400, r#"{"why":{"words":"no"},"message":"other"}"#),
        "key_reason = why.words",
        1,
        "REFUSED",
        "provider answered 400: no",
    );
    check(
        Script::reply(400, "secret words"),
        "",
        1,
        "REFUSED",
        "provider answered 400",
    );
    check(
        Script::reply(503, success),
        checked,
        75,
        "FAILED",
        "provider answered 503",
    );
    check(
        Script::reply_with(429, &[("Retry-After", "5")], ""),
        "",
        75,
        "FAILED",
        "provider answered 429",
    );
    let later = "later_check = \"code=20429\"";
    check(
        Script::reply(400, r#"{"code":20429}"#),
        later,
        75,
        "FAILED",
        "provider answered 400, later",
    );
}

#[test]
fn redirects_are_refused_and_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Itsp::accepting();
        let script = Script::reply_with(status, &[("Location", &elsewhere.url())], "");
        let (ran, itsp, _) = send(script, "");
        assert_eq!(ran.code, Some(1), "{status}: {}", ran.stderr);
        let host = elsewhere.address;
        let why = format!("provider answered {status}, redirects are refused: {host}");
        assert!(ran.stderr.contains(&why), "{}", ran.stderr);
        assert_eq!(
            (itsp.connections(), elsewhere.connections()),
            (1, 0),
            "{status}"
        );
    }
}

#[test]
fn a_status_line_decides_whatever_becomes_of_the_rest() {
    let raw = |text: &str| Script::Raw(text.as_bytes().to_vec());
    assert_eq!(send(Script::cut_body("{}"), "").0.code, Some(0));
    assert_eq!(
        send(raw("HTTP/1.1 200 OK\r\nContent-Le"), "").0.code,
        Some(0)
    );
    assert_eq!(
        send(Script::ResetAfter(b"HTTP/1.1 202 OK\r\n".to_vec()), "")
            .0
            .code,
        Some(0)
    );
    check(
        raw("HTTP/1.1 404 No\r\nX"),
        "",
        1,
        "REFUSED",
        "provider answered 404",
    );
    check(
        raw("HTTP/1.1 503 No\r\n"),
        "",
        75,
        "FAILED",
        "provider answered 503",
    );
    let many = "X: y\r\n".repeat(4000);
    assert_eq!(
        send(raw(&format!("HTTP/1.1 200 OK\r\n{many}\r\n")), "")
            .0
            .code,
        Some(0)
    );
    let checked = "response_check = \"status=success\"";
    let doubt = "it may have been sent: provider answered 200, the answer was cut off";
    check(
        Script::cut_body(r#"{"status":"succ"#),
        checked,
        75,
        "FAILED",
        doubt,
    );
    let whole = Script::cut_body(r#"{"status":"success"}"#);
    assert_eq!(send(whole, checked).0.code, Some(0));
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(
        raw(&format!("{chunk}5\r\n{{\"sta")),
        checked,
        75,
        "FAILED",
        doubt,
    );
    let chunks = format!("{chunk}9\r\n{{\"status\"\r\nb\r\n:\"success\"}}\r\n0\r\n\r\n");
    assert_eq!(send(raw(&chunks), checked).0.code, Some(0));
}

#[test]
fn a_babbling_provider_does_no_harm() {
    let long = format!("HTTP/1.1 200 {}", "x".repeat(100_000));
    let check = |answer: &str, code: i32| {
        let (ran, _, _) = send(Script::Raw(answer.as_bytes().to_vec()), "");
        assert_eq!(ran.code, Some(code), "{answer:?}: {}", ran.stderr);
    };
    check("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 0);
    check("HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 404 No\r\n\r\n", 1);
    check("HTTP/1.0 200 OK\r\n\r\n{}", 0);
    check("HTTP/1.1 200\r\n\r\n", 0);
    check("HTTP/1.1 200 OK\n\n", 0);
    check("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0);
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        0,
    );
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        0,
    );
    check(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        0,
    );
    check(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        0,
    );
    check("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n{}", 0);
    check("HTTP/1.1 302 Found\r\nLocation: \x00\r\n\r\n", 1);
    check("HTTP/1.1 302 Found\r\n", 1);
    check("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\n\r\n", 75);
    check("HTTP/1.1 101 Switching Protocols\r\n\r\n", 1);
    check("HTTP/1.1 999 Odd\r\n\r\n", 1);
    check("HTTP/1.1 000 Odd\r\n\r\n", 75);
    check("HTTP/1.1 20 OK\r\n\r\n", 75);
    check("HTTP/2 200\r\n\r\n", 75);
    check("\r\n\r\n\r\n", 75);
    check(&long, 75);
    check(&"\0".repeat(100_000), 75);
}

#[test]
fn answers_beyond_the_limit_are_not_read() {
    // 64 KiB are judged: bytes at their end count, bytes behind them do not.
    for (before, code) in [(65_534, 0), (65_533, 0), (65_535, 1)] {
        let body = format!("{}OK{}", " ".repeat(before), " ".repeat(200_000));
        let (ran, _, _) = send(Script::reply(200, body), "response_check = \"/OK/\"");
        assert_eq!(ran.code, Some(code), "{before}: {}", ran.stderr);
    }
}

#[test]
fn heads_beyond_the_limit_are_not_read() {
    let check = |head_bytes: usize, code: i32| {
        let mut head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: \r\n\r\n".to_owned();
        let more = "x".repeat(head_bytes - head.len());
        head.insert_str(head.len() - 4, &more);
        let script = Script::Raw(format!("{head}OK").into_bytes());
        let (ran, _, _) = send(script, "response_check = \"/OK/\"");
        assert_eq!(ran.code, Some(code), "{head_bytes}: {}", ran.stderr);
    };
    check(REPLY_HEAD_BYTES_MAX, 0);
    // The status counts, but the bytes that the check would need are not read.
    check(REPLY_HEAD_BYTES_MAX + 1, 75);
}

#[test]
fn what_was_not_written_is_told_from_what_was_not_answered() {
    let doubt = "it may have been sent: ";
    let closed = format!("{doubt}connection lost before an answer");
    check(Script::Close, "", 75, "FAILED", &closed);
    check(Script::Reset, "", 75, "FAILED", &closed);
    let babble = Script::Raw(b"220 mail.example.com ESMTP\r\n".to_vec());
    check(
        babble,
        "",
        75,
        "FAILED",
        &format!("{doubt}the answer is not HTTP"),
    );
    let scratch = Scratch::new();
    let deaf = conf(&scratch, &format!("http://{}", deaf_address()), "");
    let ran = websms(&deaf, &ORDER);
    assert_eq!(ran.code, Some(75));
    assert!(ran.tells("FAILED", "connection refused"), "{}", ran.stderr);
    // With and without a syslog, and with -v.
    let loud = websms(&deaf, &[&["-v"][..], &ORDER[..]].concat());
    for ran in [ran, loud] {
        let told = ran.stderr.matches("connection refused").count();
        assert_eq!(told, 1, "{}", ran.stderr);
    }
    let nowhere = conf(&scratch, "http://name.invalid", "");
    let ran = websms(&nowhere, &ORDER);
    assert_eq!(ran.code, Some(75));
    assert!(
        ran.tells("FAILED", "name resolution failed: name.invalid"),
        "{}",
        ran.stderr
    );
    // The proxy is named without its credentials.
    let proxied = "proxy = \"http://user:hidden@127.0.0.1:1/\"";
    let proxied = conf(&scratch, "https://name.invalid:8443", proxied);
    let ran = websms(&proxied, &ORDER);
    assert_eq!(ran.code, Some(75));
    let reason = "connection refused: name.invalid:8443 through 127.0.0.1:1";
    assert!(ran.tells("FAILED", reason), "{}", ran.stderr);
    assert!(!ran.stderr.contains("hidden"), "{}", ran.stderr);
}

#[test]
fn the_timeout_holds_for_the_whole_run() {
    let limit = "timeout = 2";
    // Each byte comes in time, and all of them take 27 s.
    let dribble = Script::Slow {
        pieces: b"HTTP/1.1 200 A reason without an end, a byte at a time"
            .map(|byte| vec![byte])
            .to_vec(),
        pause: Duration::from_millis(500),
    };
    for script in [Script::Hang, dribble] {
        let (ran, _, took) = send(script, limit);
        assert_eq!(ran.code, Some(75));
        let phrase = "it may have been sent: timeout while waiting for the answer";
        assert!(ran.stderr.contains(phrase), "{}", ran.stderr);
        assert!(took >= Duration::from_secs(2), "{took:?}");
        assert!(took < Duration::from_secs(20), "{took:?}");
    }
}

#[test]
fn slow_a_long_timeout_ends_in_time() {
    // A socket's own timeout of 17 s ends up to two seconds late, whenever it began: it ends at one of the
    // kernel's marks, which are two seconds apart. A sleep ends in time, so it shows how late this machine
    // itself is.
    let wait = Duration::from_secs(17);
    let late = |number: u64| {
        thread::sleep(Duration::from_millis(400) * u32::try_from(number).unwrap());
        let begun = Instant::now();
        let sleeper = thread::spawn(move || {
            thread::sleep(wait);
            begun.elapsed()
        });
        let (ran, _, took) = send(Script::Hang, "timeout = 17");
        assert_eq!(ran.code, Some(75), "{}", ran.stderr);
        assert!(took >= wait - Duration::from_secs(1), "{took:?}");
        took.saturating_sub(sleeper.join().unwrap())
    };
    let mut late: Vec<Duration> = thread::scope(|scope| {
        let runs: Vec<_> = (0..5)
            .map(|number| scope.spawn(move || late(number)))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    late.sort();
    assert!(late[2] < Duration::from_millis(500), "{late:?}");
}

#[test]
fn a_request_that_nobody_reads_was_not_written() {
    let check = |script: Script, wait: Duration, phrase: &'static str| {
        let itsp = Itsp::start(vec![script]);
        let call = Call {
            method: "POST",
            url: itsp.url(),
            headers: Vec::new(),
            // This is more than any socket buffer holds.
            body: vec![b'x'; 64 << 20],
        };
        let settings = client::Settings {
            proxy: None,
            trust: Trust::Anybody,
        };
        let start = Instant::now();
        let deadline = Deadline::after(wait);
        let result = client::post(&call, &settings, &deadline);
        assert_eq!(result.unwrap_err(), Failure::Unwritten(phrase));
        start.elapsed()
    };
    let wait = Duration::from_secs(2);
    let took = check(
        Script::HangUnread,
        wait,
        "timeout while sending the request",
    );
    assert!(took >= wait && took < wait * 10, "{took:?}");
    let lost = "connection lost while sending the request";
    let took = check(Script::CloseUnread, PATIENCE, lost);
    assert!(took < PATIENCE, "{took:?}");
}

#[test]
fn bad_numbers_and_texts_are_not_sent() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp.url(), "");
    let check = |order: [&str; 3], code: i32, word: &str, reason: &str| {
        let ran = websms(&conf, &order);
        assert_eq!(ran.code, Some(code), "{order:?}: {}", ran.stderr);
        assert!(ran.tells(word, reason), "{order:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    };
    check(["1,2", "2", "x"], 1, "INVALID", "to");
    check(["", "2", "x"], 1, "INVALID", "to");
    check(["1", "a<b", "x"], 1, "INVALID", "from");
    check([&"1".repeat(65), "2", "x"], 1, "INVALID", "to");
    let unsent =
        "text is empty; Asterisk hands over an empty one for a SIP message above 1023 bytes";
    check(["1", "2", ""], 1, "INVALID", unsent);
    let imdn = "<?xml version=\"1.0\"?><imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"/>";
    check(["1", "2", imdn], 0, "IGNORED", "machine chatter");
    assert_eq!(itsp.connections(), 0);
    assert_eq!(websms(&conf, &[&"1".repeat(64), "2", "x"]).code, Some(0));
}

#[test]
fn a_number_cannot_forge_a_field_of_its_log_line() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp.url(), "");
    let check = |to: &str, from: &str, expected: &str| {
        let ran = websms(&conf, &[to, from, "x"]);
        let line = format!(" {expected} interface= segments=1");
        assert!(ran.stderr.contains("out INVALID "), "{}", ran.stderr);
        assert!(ran.stderr.contains(&line), "{}", ran.stderr);
    };
    let forged = "1 from=+666 interface=a";
    check(forged, "2", &format!("to=\"{forged}\" from=2"));
    check("1", "2=\"3\"", "to=1 from=\"2=\\x223\\x22\"");
    check("1,2", "AT&T Info", "to=1,2 from=\"AT&T Info\"");
    check("1\n2", "<2>", "to=1\\x0a2 from=2");
}

#[test]
fn an_index_without_interfaces_sends_nothing() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp.url(), "");
    // Asterisk has split the text at its comma, and options stand behind the text.
    for fourth in [" Bob", "-n", "--check", "-v"] {
        let ran = websms(&conf, &["+12025550183", "+12025550160", "Hello", fourth]);
        assert_eq!(ran.code, Some(2), "{fourth}: {}", ran.stderr);
        let why = "an INDEX is given, but the configuration has no indices";
        assert!(ran.tells("INVALID", why), "{fourth}: {}", ran.stderr);
    }
    let ran = websms(&conf, &["-i", "x", "+12025550183", "+12025550160", "Hello"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert_eq!(itsp.connections(), 0);
    let ran = websms(&conf, &["+12025550183", "+12025550160", "Hello", ""]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn configurations_that_cannot_be_used_are_faults() {
    let scratch = Scratch::new();
    let run = |text: &str, order: &[&str]| websms(&scratch.file("websms.conf", text), order);
    let fault = |text: &str| {
        let ran = run(text, &ORDER);
        assert_eq!(ran.code, Some(2), "{text}: {}", ran.stderr);
        assert!(ran.tells("INVALID", ""), "{}", ran.stderr);
    };
    fault("[websms]\nhost = a=b\n");
    fault("[websms]\nauth_method = magic\n");
    fault("[websms]\nhost = \"http://u:p@127.0.0.1\"\n");
    fault("[websms]\nhost = \"http://127.0.0.1\"\npath = \"/a b\"\n");
    fault("[websms]\nhost = \"https://127.0.0.1\"\nca_file = \"/nonexistent\"\n");
    fault("[websms]\nhost [a] = \"http://127.0.0.1\"\n");
    let ran = websms(Path::new("/nonexistent/websms.conf"), &ORDER);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    let itsp = Itsp::accepting();
    let two = format!(
        "[websms]\nhost [a] = \"{0}\"\nhost [b] = \"{0}\"\n",
        itsp.url()
    );
    let ran = run(&two, &ORDER);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("a, b"), "{}", ran.stderr);
    let ran = run(&two, &[ORDER[0], ORDER[1], ORDER[2], "c"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert_eq!(itsp.connections(), 0);
    let ran = run(&two, &[ORDER[0], ORDER[1], ORDER[2], "b"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn the_environment_names_no_proxy() {
    let itsp = Itsp::accepting();
    let proxy = Itsp::accepting();
    let scratch = Scratch::new();
    let mut run = rig::command(&rig::binary());
    run.arg("-c")
        .arg(conf(&scratch, &itsp.url(), ""))
        .args(ORDER);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "ALL_PROXY",
        "all_proxy",
        "HTTPS_PROXY",
    ] {
        run.env(name, proxy.url());
    }
    assert_eq!(rig::finish(run).code, Some(0));
    assert_eq!((itsp.connections(), proxy.connections()), (1, 0));
}

/// Returns the next connection; panics if none comes.
fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let mut accepted = None;
    rig::wait_for("a connection", || {
        accepted = listener.accept().ok();
        accepted.is_some()
    });
    let (socket, _) = accepted.unwrap();
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

// ---- A proxy --------------------------------------------------------------------------------

/// Runs a CONNECT proxy for one connection. Returns the request that it got, up to the empty line.
fn proxy(answer: &'static str) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://user:pw@{}", listener.local_addr().unwrap());
    let running = thread::spawn(move || {
        let mut client = accept(&listener);
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            asked.extend(byte);
        }
        client.write_all(answer.as_bytes()).unwrap();
        let asked = String::from_utf8(asked).unwrap();
        if answer.contains(" 200 ") {
            let target = asked.split(' ').nth(1).unwrap();
            let mut server = TcpStream::connect(target).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            let _ = std::io::copy(&mut server, &mut client);
        }
        asked
    });
    (url, running)
}

#[test]
fn a_proxy_is_asked_to_connect() {
    let (url, running) = proxy("HTTP/1.1 200 Connected\r\n\r\n");
    let (ran, itsp, _) = send(Script::reply(200, "{}"), &format!("proxy = \"{url}\""));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let asked = running.join().unwrap();
    let place = &itsp.address;
    let expected = format!(
        "CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nProxy-Connection: Keep-Alive\r\n\
         Proxy-Authorization: Basic dXNlcjpwdw==\r\n\r\n"
    );
    assert_eq!(asked, expected);
}

#[test]
fn the_answer_of_a_proxy_is_not_that_of_the_provider() {
    let check = |answer: &'static str, phrase: &str| {
        let (url, running) = proxy(answer);
        let (ran, itsp, _) = send(Script::reply(200, "{}"), &format!("proxy = \"{url}\""));
        running.join().unwrap();
        match phrase {
            "" => assert_eq!(ran.code, Some(0), "{answer}: {}", ran.stderr),
            _ => {
                assert_eq!(ran.code, Some(75), "{answer}: {}", ran.stderr);
                assert!(ran.tells("FAILED", phrase), "{answer}: {}", ran.stderr);
                assert_eq!(itsp.connections(), 0, "{answer}");
            }
        }
    };
    check("HTTP/1.0 200 OK\r\nVia: 1.0 p\r\nX: y\r\n\r\n", "");
    let refused = "the proxy refused the connection";
    check("HTTP/1.1 403 Forbidden\r\n\r\n", refused);
    check(
        "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\n\r\n",
        refused,
    );
    check("HTTP/1.1 204 None\r\n\r\n", refused);
    check("HTTP/1.1 100 Continue\r\n\r\n", refused);
    check("", refused);
    check("HTTP/1.1 20", refused);
    check("SSH-2.0-x\r\n\r\n", "the answer is not HTTP");
}

#[test]
fn a_proxy_may_speak_tls() {
    let (url, running) = https("good.pem");
    let scratch = Scratch::new();
    let ca_file = tls_file("ca.pem");
    let more = format!("ca_file = \"{}\"\nproxy = \"{url}\"", ca_file.display());
    // The proxy plays the provider too, which is not there.
    let ran = websms(&conf(&scratch, "http://192.0.2.9", &more), &ORDER);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let asked = running.join().unwrap();
    assert!(
        asked.starts_with("CONNECT 192.0.2.9:80 HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("\r\n\r\nPOST /sms/send/ HTTP/1.1\r\n"),
        "{asked}"
    );
}

// ---- TLS ------------------------------------------------------------------------------------

pub fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name)
}

/// Runs an HTTPS provider with one of the certificates of `tests/tls`, for one connection. Returns its URL
/// and, once joined, the request that it read; empty if the handshake failed. It agrees to be a proxy, too.
fn https(certificate: &str) -> (String, thread::JoinHandle<String>) {
    serve_https(certificate, read_one)
}

/// Runs an HTTPS provider like [`https`], until it has read a request.
pub fn https_until_read(certificate: &str) -> (String, thread::JoinHandle<String>) {
    serve_https(certificate, |listener, config| {
        loop {
            let request = read_one(listener, config);
            if !request.is_empty() {
                return request;
            }
        }
    })
}

fn serve_https(
    certificate: &str,
    serve: fn(&TcpListener, &Arc<ServerConfig>) -> String,
) -> (String, thread::JoinHandle<String>) {
    let chain: Vec<_> = CertificateDer::pem_file_iter(tls_file(certificate))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(tls_file("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let running = thread::spawn(move || serve(&listener, &Arc::new(config)));
    (format!("https://127.0.0.1:{port}"), running)
}

/// Reads the request of one connection and answers it; returns an empty one if the handshake failed.
fn read_one(listener: &TcpListener, config: &Arc<ServerConfig>) -> String {
    let mut socket = accept(listener);
    let mut connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut stream = Stream::new(&mut connection, &mut socket);
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.ends_with(b"To=%2B12025550183") {
        match stream.read(&mut buffer) {
            Ok(amount @ 1..) => request.extend_from_slice(&buffer[..amount]),
            _ => break,
        }
        if request.starts_with(b"CONNECT ") && request.ends_with(b"\r\n\r\n") {
            let agreed = b"HTTP/1.1 200 OK\r\n\r\n";
            stream
                .write_all(agreed)
                .and_then(|()| stream.flush())
                .unwrap();
        }
    }
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    let _ = stream.write_all(answer).and_then(|()| stream.flush());
    String::from_utf8(request).unwrap()
}

#[track_caller]
fn check_tls(certificate: &str, more: &str, expected: Result<(), &str>) {
    let (url, running) = https(certificate);
    let scratch = Scratch::new();
    let more = more.replace("@TLS@", tls_file("").to_str().unwrap());
    let ran = websms(&conf(&scratch, &url, &more), &ORDER);
    let request = running.join().unwrap();
    match expected {
        Ok(()) => {
            assert_eq!(ran.code, Some(0), "{certificate} {more}: {}", ran.stderr);
            assert!(request.contains("Authorization: Basic "), "{request}");
        }
        Err(phrase) => {
            assert_eq!(ran.code, Some(75), "{certificate} {more}: {}", ran.stderr);
            assert!(ran.tells("FAILED", phrase), "{certificate}: {}", ran.stderr);
            assert_eq!(request, "", "nothing is sent to a stranger");
        }
    }
}

#[test]
fn a_file_of_authorities_has_a_bound() {
    let scratch = Scratch::new();
    let pem = fs::read(tls_file("ca.pem")).unwrap();
    let most = usize::try_from(PEM_BYTES_MAX).unwrap();
    let padded = |bytes: usize| {
        let mut file = pem.clone();
        file.resize(bytes, b'\n');
        format!("ca_file = \"{}\"", scratch.file("ca.pem", file).display())
    };
    check_tls("good.pem", &padded(most), Ok(()));
    let ran = websms(
        &conf(&Scratch::new(), "https://127.0.0.1", &padded(most + 1)),
        &ORDER,
    );
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("ca_file cannot be read"),
        "{}",
        ran.stderr
    );
}

#[test]
fn certificates_are_checked() {
    let ours = "ca_file = \"@TLS@/ca.pem\"";
    check_tls("good.pem", ours, Ok(()));
    let unknown = Err("TLS certificate is of an unknown issuer");
    check_tls("good.pem", "", unknown);
    check_tls("good.pem", "ca_file = \"@TLS@/stranger.pem\"", unknown);
    check_tls("expired.pem", ours, Err("TLS certificate has expired"));
    check_tls("early.pem", ours, Err("TLS certificate is not valid yet"));
    check_tls(
        "misnamed.pem",
        ours,
        Err("TLS certificate is for another name"),
    );
}

#[test]
fn a_server_may_show_the_very_certificate_of_ca_file() {
    let by = |file: &str| format!("ca_file = \"@TLS@/{file}\"");
    check_tls("authority.pem", &by("authority.pem"), Ok(()));
    check_tls("own-twin.pem", &by("own-twin.pem"), Ok(()));
    // The certificate may not sign others, and its own time and name count.
    let authority = Err("TLS certificate is that of an authority, not of a server");
    check_tls("authority.pem", &by("ca.pem"), authority);
    check_tls("own-twin.pem", &by("authority.pem"), authority);
    check_tls(
        "own-expired.pem",
        &by("own-expired.pem"),
        Err("TLS certificate has expired"),
    );
    check_tls(
        "own-misnamed.pem",
        &by("own-misnamed.pem"),
        Err("TLS certificate is for another name"),
    );
}

#[test]
fn a_check_that_is_switched_off_is_off() {
    for certificate in ["good.pem", "expired.pem", "misnamed.pem"] {
        check_tls(certificate, "tls_verify = no", Ok(()));
    }
}

#[test]
fn tls_that_is_none_is_no_connection() {
    let scratch = Scratch::new();
    let check = |url: &str, timeout: &str, phrase: &str| {
        let url = url.replace("http:", "https:");
        let ran = websms(&conf(&scratch, &url, timeout), &ORDER);
        assert_eq!(ran.code, Some(75), "{}", ran.stderr);
        assert!(ran.tells("FAILED", phrase), "{}", ran.stderr);
    };
    let silent = Itsp::start(vec![Script::HangUnread]);
    check(&silent.url(), "timeout = 1", "timeout in the TLS handshake");
    let deaf = format!("http://{}", deaf_address());
    check(&deaf, "", "connection refused");
    // This server speaks HTTP where TLS is expected.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let plain = format!("http://{}", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let mut socket = accept(&listener);
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = socket.read_to_end(&mut Vec::new());
    });
    check(&plain, "", "TLS handshake failed");
    serving.join().unwrap();
}

#[test]
fn names_are_resolved_and_every_address_is_tried() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let url = format!("http://localhost:{}", itsp.address.port());
    let ran = websms(&conf(&scratch, &url, ""), &ORDER);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let expected = url.strip_prefix("http://");
    assert_eq!(itsp.request().header("Host"), expected);
}

#[test]
fn a_spool_with_which_websmsd_would_not_start_is_told() {
    let scratch = Scratch::new();
    let here = scratch.join("").display().to_string();
    let check = |spool: &str, code: i32, words: &str| {
        let text = format!("[astqueue]\n{}\n", spool.replace("@", &here));
        let ran = websms(&scratch.file("websms.conf", text), &["--check"]);
        assert_eq!(ran.code, Some(code), "{spool}: {}", ran.stdout);
        assert!(ran.stdout.contains(words), "{spool}: {}", ran.stdout);
    };
    for folder in ["out", "stage"] {
        fs::create_dir(scratch.join(folder)).unwrap();
    }
    std::os::unix::fs::symlink(scratch.join("out"), scratch.join("link")).unwrap();
    scratch.file("file", "");
    let good = "outgoingdir = \"@out\"\nstagingdir = \"@stage\"";
    check(good, 0, "");
    check(&format!("{good}\nfileowner = root:root"), 0, "");
    check(
        &format!("{good}\nfileowner = nosuch:root"),
        2,
        "fault: fileowner is not in /etc/passwd",
    );
    let one = "fault: outgoingdir and stagingdir are one folder";
    for staging in ["@link", "@out/../out"] {
        check(
            &format!("outgoingdir = \"@out\"\nstagingdir = \"{staging}\""),
            2,
            one,
        );
    }
    for outgoing in ["@file", "@file/out"] {
        check(
            &format!("outgoingdir = \"{outgoing}\"\nstagingdir = \"@stage\""),
            2,
            "fault: outgoingdir: a file stands where a folder should",
        );
    }
    check(
        &format!("{good}\n[queue]\ndir = \"@file/queue\""),
        0,
        "warning: [queue] dir: a file stands where a folder should",
    );
    // A name without a folder means the working folder.
    let ran = websms(
        &scratch.file("websms.conf", "[queue]\ndir = q\n"),
        &["--check"],
    );
    assert!(!ran.stdout.contains("may not write"), "{}", ran.stdout);
}

#[test]
fn a_queue_on_a_ram_disk_and_a_spool_on_two_filesystems_are_told() {
    let scratch = Scratch::new();
    let memory = Scratch::within(Path::new("/dev/shm"));
    let text = format!(
        "[astqueue]\noutgoingdir = \"{}\"\nstagingdir = \"{}\"\n[queue]\ndir = \"{}\"\n",
        scratch.folder("outgoing").display(),
        memory.folder("staging").display(),
        memory.join("not/there/yet").display(),
    );
    let ran = websms(&scratch.file("websms.conf", text), &["--check"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("fault: outgoingdir and stagingdir are on two"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("warning: [queue] dir is on a RAM disk"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_queue_folder_that_cannot_be_made_is_told() {
    let scratch = Scratch::new();
    let check = |dir: &str, told: bool| {
        let dir = scratch.join(dir);
        let conf = format!("[queue]\ndir = \"{}\"\n", dir.display());
        let conf = scratch.file("websms.conf", conf);
        let ran = websms(&conf, &["--check"]);
        let line = format!(
            "{}: warning: [queue] dir: a file stands where a folder should",
            conf.display()
        );
        assert_eq!(ran.stdout.contains(&line), told, "{}", ran.stdout);
        assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    };
    check("queue", false);
    check("not/there/yet", false);
    // Not even root can make a folder in a file.
    check("websms.conf/queue", true);
}

#[test]
fn https_goes_through_a_proxy() {
    let (proxy_url, proxying) = proxy("HTTP/1.1 200 Connected\r\n\r\n");
    check_tls(
        "good.pem",
        &format!("ca_file = \"@TLS@/ca.pem\"\nproxy = \"{proxy_url}\""),
        Ok(()),
    );
    assert!(proxying.join().unwrap().starts_with("CONNECT 127.0.0.1:"));
}

// ---- The configuration's report -------------------------------------------------------------

#[test]
fn check_reports_all_that_is_wrong_at_once() {
    let scratch = Scratch::new();
    let (outgoing, staging) = (scratch.folder("outgoing"), scratch.folder("staging"));
    let text = format!(
        "[websms]\nhost = \"http://127.0.0.1\"\nauth_user = u\nauth_passwd = Secret1\n\
         ca_file = \"/nonexistent\"\nnonsense = 1\n[websmsd]\npermit_addr = 127.0.0.1\n\
         proxy_addr =\n[astqueue]\noutgoingdir = \"{}\"\nstagingdir = \"{}\"\n\
         [queue]\ndir = \"\"\n",
        outgoing.display(),
        staging.display()
    );
    let conf = scratch.file("websms.conf", text.replace("ca_file", ";"));
    let ran = websms(&conf, &["--check"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let file = conf.display();
    assert!(
        ran.stdout.contains(&format!("{file}:6: warning: ")),
        "{}",
        ran.stdout
    );
    use std::os::unix::fs::PermissionsExt;
    let open = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let conf = scratch.file("websms.conf", text);
    open(&conf, 0o644);
    open(&outgoing, 0o777);
    let ran = websms(&conf, &["--check"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    let expected = [
        "fault: ca_file cannot be read",
        "warning: others may read this file",
        "warning: others may write to outgoingdir",
        ":6: warning: ",
    ];
    for words in expected {
        assert!(ran.stdout.contains(words), "{words} not in {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("Secret1"), "{}", ran.stdout);
    // A fault in the file hides none around it, and a faulty part gives no further reports.
    let text = fs::read_to_string(&conf).unwrap();
    let text = text.replace("[websms]\n", "[websms]\ntimeout = 0\n");
    let text = text.replace("outgoingdir = ", "retrytime = x\noutgoingdir = ");
    fs::write(&conf, &text).unwrap();
    let ran = websms(&conf, &["--check"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    for words in [
        ":2: fault: ",
        "others may read this",
        "write to outgoingdir",
    ] {
        assert!(ran.stdout.contains(words), "{words} not in {}", ran.stdout);
    }
    fs::write(&conf, text.replace("\noutgoingdir = ", "\noutgoingdir = x")).unwrap();
    let ran = websms(&conf, &["--check"]);
    assert!(ran.stdout.contains(" outgoingdir "), "{}", ran.stdout);
    assert!(
        !ran.stdout.contains("write to outgoingdir"),
        "{}",
        ran.stdout
    );
}

#[test]
fn an_sms_that_a_faulty_configuration_loses_is_in_the_log() {
    let scratch = Scratch::new();
    let conf = scratch.file("websms.conf", "[websms]\ntimeout = 0\n");
    let ran = websms(&conf, &["-v", "--", "+12025550183", "alice-160", "hello"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    // The configuration decides whether numbers are shown whole there.
    let line = "out INVALID - to=...183 from=...160 interface= segments=1";
    assert!(ran.stderr.contains(line), "{}", ran.stderr);
    assert!(!ran.stderr.contains("hello"), "{}", ran.stderr);
}
