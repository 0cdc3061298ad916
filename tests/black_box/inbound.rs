//! Sends webhooks over real sockets, and checks statuses, call files and the state of the connection.
//!
//! There is a test for every row of the table of answers and every limit that a peer can meet. The effect
//! of an answer on the bytes behind it is tested in `src/inbound/connection/tests.rs`, cut at every place.

use std::fs;
use std::io::Read;
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use websms::limits::{FIRST_BYTE_WAIT, IDLE_WAIT, REQUEST_WAIT};

use crate::rig::{self, Answer, Called, FORM, Http, Scratch, Websmsd, post};

const SMS: &str = "To=%2B12025550160&From=%2B15017122661&Body=Incoming+message%21";

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: websms\r\n\r\n")
}

/// Returns a request with a method, more header lines and a body.
fn request(method: &str, target: &str, lines: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: websms\r\nContent-Type: {FORM}\r\n{lines}\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn ask(websmsd: &Websmsd, request: impl AsRef<[u8]>) -> Answer {
    let mut http = websmsd.connect();
    http.send(request);
    http.answer()
}

/// Checks the status of one request on a connection of its own, and whether the connection closes.
#[track_caller]
fn check(websmsd: &Websmsd, request: impl AsRef<[u8]>, status: u16, closes: bool) {
    let mut http = websmsd.connect();
    http.send(&request);
    let answer = http.answer();
    let shown = String::from_utf8_lossy(request.as_ref());
    let shown: String = shown.chars().take(200).collect();
    assert_eq!(
        (answer.status, answer.closes()),
        (status, closes),
        "{shown}"
    );
    if closes {
        assert!(http.is_closed(), "{shown}");
    } else {
        http.send(get("/"));
        assert!(http.try_answer().is_some(), "{shown}");
    }
}

// ---- The rows of the table ------------------------------------------------------------------

#[test]
fn an_sms_is_in_the_spool_when_200_is_said() {
    let websmsd = Websmsd::start("[websmsd]\nreport_success = <Response></Response>");
    let answer = ask(&websmsd, post("/", FORM, SMS));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), "<Response></Response>");
    assert_eq!(answer.header("Content-Type"), Some("text/xml"));
    assert_eq!(answer.header("Content-Length"), Some("21"));
    let file = websmsd.call_file();
    assert_eq!(file.value("Extension"), "+12025550160");
    assert_eq!(file.variable("MESSAGE(to)"), "+12025550160");
    assert_eq!(file.variable("MESSAGE(from)"), "+15017122661");
    assert_eq!(file.variable("MESSAGE(body)"), "Incoming%20message%21");
    assert!(rig::call_files(&websmsd.staging()).is_empty());
    websmsd.wait_for_log("from +15017122661 to +12025550160");
    let unique = file.name.rsplit('.').nth(1).unwrap();
    websmsd.wait_for_log(unique);
    assert!(!websmsd.log().contains("Incoming"), "{}", websmsd.log());
}

#[test]
fn a_get_delivers_and_a_head_never() {
    let websmsd = Websmsd::start("[websmsd]");
    let target = format!("/?{SMS}");
    let mut http = websmsd.connect();
    http.send(get(&target).replacen("GET", "HEAD", 1));
    let answer = http.answer_to_head();
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert!(websmsd.call_files().is_empty());
    http.send(get(&target));
    assert_eq!(http.answer().status, 200);
    assert_eq!(websmsd.call_file().body(), "Incoming message!");
}

#[test]
fn of_several_all_acceptable_ones_are_delivered() {
    let websmsd = Websmsd::start(
        "[websmsd]\neach = results\nkey_to = to\nkey_from = from\nkey_body = text\nreject_status = 421",
    );
    let send = |elements: &str| {
        let body = format!("{{\"results\":[{elements}]}}");
        ask(&websmsd, post("/", "application/json", body)).status
    };
    let good = |to: &str| format!(r#"{{"to":"{to}","from":"1","text":"x"}}"#);
    let bad = r#"{"to":"1 2 3","from":"1","text":"x"}"#;
    assert_eq!(
        send(&format!("{bad},{},{bad},{}", good("11"), good("22"))),
        200
    );
    let numbers: Vec<String> = websmsd
        .call_files()
        .iter()
        .map(|file| file.value("Extension"))
        .collect();
    assert_eq!(numbers.len(), 2);
    assert!(numbers.contains(&"11".to_owned()) && numbers.contains(&"22".to_owned()));
    assert_eq!(send(&format!("{bad},{bad}")), 421);
    // An empty list needs no answer but 200.
    assert_eq!(send(""), 200);
    assert_eq!(websmsd.call_files().len(), 2);
}

#[test]
fn a_filtered_event_is_acknowledged() {
    let websmsd = Websmsd::start("[websmsd]\naccept_if = \"event=SMS\"\nreport_success = ok");
    let answer = websmsd.post("/", FORM, format!("{SMS}&event=NOTIFY"));
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    assert!(websmsd.call_files().is_empty());
    assert_eq!(
        websmsd.post("/", FORM, format!("{SMS}&event=SMS")).status,
        200
    );
    assert_eq!(websmsd.call_files().len(), 1);
}

#[test]
fn several_conditions_and_names_of_one_key() {
    let websmsd = Websmsd::start(
        "[websmsd]\naccept_if = 'type=sms|,status='\nkey_to = 'recipient|To'\nkey_id = 'id|sid'\n\
         key_echo = 'zd_echo|challenge'\nreport_success = ok",
    );
    for event in ["status=sent", "type=sms&status=sent", "type=dlr"] {
        let answer = websmsd.post("/", FORM, format!("{SMS}&{event}"));
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    }
    assert!(websmsd.call_files().is_empty());
    let sms = format!("{SMS}&type=sms&sid=7");
    for more in ["", "&recipient=%2B12025550199"] {
        // Under another name of the same id, the second SMS differs by its destination.
        assert_eq!(websmsd.post("/", FORM, format!("{sms}{more}")).status, 200);
        assert_eq!(websmsd.post("/", FORM, format!("{sms}{more}")).status, 200);
    }
    let names = websmsd.call_files();
    assert_eq!(names.len(), 2, "{names:?}");
    for (query, expected) in [("zd_echo=a&challenge=b", "a"), ("challenge=b", "b")] {
        assert_eq!(websmsd.get(&format!("/?{query}")).text(), expected);
    }
}

#[test]
fn echo_and_reachability() {
    let websmsd =
        Websmsd::start("[websmsd]\nkey_echo = zd_echo\nauth_method = bearer\nauth_passwd = x");
    let answer = websmsd.get("/?zd_echo=%3Cscript%3E");
    assert_eq!((answer.status, answer.text().as_str()), (200, "<script>"));
    assert_eq!(answer.header("Content-Type"), Some("text/plain"));
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    assert_eq!(
        websmsd
            .get(&format!("/?zd_echo={}", "x".repeat(256)))
            .status,
        200
    );
    assert_eq!(
        websmsd
            .get(&format!("/?zd_echo={}", "x".repeat(257)))
            .status,
        400
    );
    let answer = websmsd.get("/");
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
}

#[test]
fn malformed_requests_are_400() {
    let websmsd = Websmsd::start("[websmsd]");
    for lines in [
        "a: b\nc: d",
        "a: b\r\n c",
        "a",
        "a : b",
        "a: \x01",
        "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 1, 1",
        "Content-Length: +1",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity",
        "Host: a",
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: websms\r\n{lines}\r\n\r\n");
        check(&websmsd, request, 400, true);
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    check(&websmsd, old, 400, true);
    check(
        &websmsd,
        "\x16\x03\x01\x02\0\x01\0\x01\x7c\x03\x03",
        400,
        true,
    );
    check(&websmsd, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, true);
    let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in [
        "1\nx",
        "1\r\nxy\r\n",
        "x\r\n",
        "1 \r\nx\r\n",
        "0\r\nbad trailer\r\n\r\n",
    ] {
        check(&websmsd, format!("{chunked}{body}"), 400, true);
    }
}

#[test]
fn credentials() {
    let websmsd = Websmsd::start("[websmsd]\nauth_method = basic\nauth_user = u\nauth_passwd = p");
    let send = |lines: &str| ask(&websmsd, request("POST", "/", lines, SMS));
    for lines in [
        "",
        "Authorization: Basic dTpx\r\n",
        "Authorization: Bearer p\r\n",
    ] {
        let answer = send(lines);
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.header("WWW-Authenticate"),
            Some("Basic realm=\"websmsd\"")
        );
    }
    assert!(websmsd.call_files().is_empty());
    assert_eq!(send("Authorization: Basic dTpw\r\n").status, 200);
    assert_eq!(websmsd.call_files().len(), 1);
    let log = websmsd.log();
    assert!(log.contains("401") && !log.contains("dTpx"), "{log}");

    let websmsd = Websmsd::start("[websmsd]\nauth_method = bearer\nauth_passwd = p");
    let send = |lines: &str| ask(&websmsd, request("POST", "/", lines, SMS));
    let answer = send("Authorization: Bearer q\r\n");
    assert_eq!(
        (answer.status, answer.header("WWW-Authenticate")),
        (401, None)
    );
    assert_eq!(send("Authorization: Bearer p\r\n").status, 200);
}

#[test]
fn strangers_are_turned_away_unread() {
    let websmsd = Websmsd::start("[websmsd]\npermit_addr = 192.0.2.0/24\nproxy_addr = 192.0.2.1");
    for request in [post("/", FORM, SMS), b"nonsense".to_vec(), b"".to_vec()] {
        check(&websmsd, request, 403, true);
    }
    assert!(websmsd.call_files().is_empty());
    websmsd.wait_for_log("127.0.0.1: 403");

    let websmsd = Websmsd::start("[websmsd]\npermit_addr = \"\"\nproxy_addr =");
    check(&websmsd, post("/", FORM, SMS), 403, true);
}

#[test]
fn who_stands_behind_a_proxy() {
    let websmsd = Websmsd::start("[websmsd]\npermit_addr = 192.0.2.0/24\nproxy_addr = 127.0.0.0/8");
    let send = |lines: &str| ask(&websmsd, request("POST", "/", lines, SMS)).status;
    assert_eq!(send("X-Forwarded-For: 192.0.2.7\r\n"), 200);
    websmsd.wait_for_log("192.0.2.7 by 127.0.0.1: 200");
    assert_eq!(
        send("x-forwarded-for: 203.0.113.1, 192.0.2.7:1234, 127.0.0.9\r\n"),
        200
    );
    assert_eq!(
        send("X-Forwarded-For: 203.0.113.1\r\nX-Forwarded-For: 192.0.2.7\r\n"),
        200
    );
    assert_eq!(send("X-Forwarded-For: ::ffff:192.0.2.7\r\n"), 200);
    // The log names the refused sender, not the proxy.
    assert_eq!(send("X-Forwarded-For: 192.0.2.7, 203.0.113.1\r\n"), 403);
    websmsd.wait_for_log("203.0.113.1 by 127.0.0.1: 403");
    assert_eq!(send("X-Forwarded-For: 192.0.2.7, unknown\r\n"), 403);
    websmsd.wait_for_log("unknown by 127.0.0.1: 403");
    assert_eq!(send("X_Forwarded_For: 192.0.2.7\r\n"), 403);
    assert_eq!(send(""), 403);
    assert_eq!(websmsd.call_files().len(), 4);

    let websmsd =
        Websmsd::start("[websmsd]\npermit_addr = 127.0.0.1\nproxy_addr = 127.0.0.1,192.0.2.7");
    let send = |lines: &str| ask(&websmsd, request("POST", "/", lines, SMS)).status;
    assert_eq!(send("X-Forwarded-For: 192.0.2.7\r\n"), 200);
    websmsd.wait_for_log("proxy 127.0.0.1 names nobody behind it");

    let websmsd =
        Websmsd::start("[websmsd]\nproxy_addr = 127.0.0.1\nproxy_header = HTTP_X_REAL_IP");
    let send = |lines: &str| ask(&websmsd, request("POST", "/", lines, SMS)).status;
    // Everybody may deliver, even an unknown sender.
    assert_eq!(send("X-Real-IP: nonsense\r\n"), 200);
    assert_eq!(send("X-Real-IP: 192.0.2.9\r\n"), 200);
    websmsd.wait_for_log("192.0.2.9 by 127.0.0.1: 200");
}

#[test]
fn paths() {
    let websmsd = Websmsd::start("[websmsd]\nurl_path = \"/sms,/hook?key=secret\"");
    let send = |target: &str| ask(&websmsd, request("POST", target, "", SMS)).status;
    assert_eq!(send("/sms"), 200);
    assert_eq!(send("/sms?a=b"), 200);
    assert_eq!(send("http://websms/sms"), 200);
    assert_eq!(send("/sms/"), 404);
    assert_eq!(send("/SMS"), 404);
    assert_eq!(send("/%73ms"), 404);
    assert_eq!(send("/hook"), 404);
    assert_eq!(send("/hook?key=secret"), 200);
    assert_eq!(send("/hook?key=secret2"), 404);
    rig::wait_for("a line for each refusal", || {
        websmsd.log().matches(": 404").count() == 5
    });
    // The log must not reveal a secret in a path.
    let log = websmsd.log();
    assert!(!log.contains("secret"), "{log}");
    check(&websmsd, get("/nowhere"), 404, false);
    check(&websmsd, post("/nowhere", FORM, SMS), 404, true);
}

#[test]
fn the_last_interface_that_matches_is_used() {
    let websmsd = Websmsd::start(
        "[websmsd]\nurl_path[one] = /a\nurl_path[two] = /b\nreport_success[one] = first\n\
         report_success[two] = second\nkey_to[two] = dest",
    );
    let send = |target: &str, body: &str| websmsd.post(target, FORM, body).text();
    assert_eq!(send("/a", SMS), "first");
    assert_eq!(send("/b", &SMS.replace("To=", "dest=")), "second");
    assert_eq!(websmsd.post("/c", FORM, SMS).status, 404);
    websmsd.wait_for_log("[two]");
}

#[test]
fn other_methods_are_405() {
    let websmsd = Websmsd::start("[websmsd]");
    for method in ["PUT", "PATCH", "DELETE", "OPTIONS", "post", "X"] {
        let answer = ask(&websmsd, request(method, "/", "", SMS));
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("Allow"), Some("GET, HEAD, POST"));
    }
    check(&websmsd, request("OPTIONS", "*", "", ""), 405, false);
    assert!(websmsd.call_files().is_empty());
}

#[test]
fn no_acceptable_message_is_reject_status() {
    let websmsd = Websmsd::start("[websmsd]");
    for body in [
        "",
        "a=b",
        "To=1&From=2",
        "To=1&Body=x",
        "From=1&Body=x",
        "To=&From=1&Body=x",
        "To=1%0ASetvar:x&From=1&Body=x",
        "To=../x&From=1&Body=x",
        "To=s&From=1&Body=x",
        "To[]=&From[]=1&Body=x",
    ] {
        check(&websmsd, post("/", FORM, body), 422, false);
    }
    assert!(websmsd.call_files().is_empty());
    let websmsd = Websmsd::start("[websmsd]\nreject_status = 200\nreport_success = {}");
    let answer = websmsd.post("/", FORM, "To=1&From=2");
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    assert!(websmsd.call_files().is_empty());
}

#[test]
fn compressed_bodies_are_415() {
    let websmsd = Websmsd::start("[websmsd]");
    let coded =
        |coding: &str| request("POST", "/", &format!("Content-Encoding: {coding}\r\n"), SMS);
    check(&websmsd, coded("gzip"), 415, true);
    check(&websmsd, coded("identity, br"), 415, true);
    check(&websmsd, coded("identity"), 200, false);
}

#[test]
fn a_text_of_several_lines_in_json_is_one_line_of_a_call_file() {
    let text = "one\nSetvar: A=1\r\n\tApplication: System\u{1b}";
    let body = format!("{{\"To\":\"1\",\"From\":\"2\nSetvar: A=1\",\"Body\":\"{text}\"}}");
    for encoding in ["rfc3986", "none"] {
        let conf = format!("[astqueue]\nmessage_encode = {encoding}\n[websmsd]");
        let websmsd = Websmsd::start(&conf);
        let answer = websmsd.post("/", "application/json", &body);
        assert_eq!(answer.status, 200, "{encoding}");
        let file = websmsd.call_file();
        assert_eq!(file.body(), text, "{encoding}");
        assert_eq!(file.variable("MESSAGE(from)"), "2_Setvar_ A_1");
        assert_eq!(file.text().lines().count(), 13, "{}", file.text());
    }
}

#[test]
fn json_that_is_none_is_logged_with_its_byte() {
    let websmsd = Websmsd::start("[websmsd]");
    let body = r#"{"To":"1","From":"2","Body":"x""#;
    let answer = websmsd.post("/", "application/json", body);
    assert_eq!(answer.status, 422);
    websmsd.wait_for_log("422, no to: the body is no JSON at byte 32");
    let answer = websmsd.post("/", FORM, "result={\"To\":1,&From=2&Body=x");
    assert_eq!(answer.status, 422);
    websmsd.wait_for_log("422, no to: a parameter is no JSON at byte 9");
}

// ---- Limits ---------------------------------------------------------------------------------

#[test]
fn bodies_have_a_limit() {
    let websmsd = Websmsd::start("[websmsd]\nreject_status = 421");
    let body = |bytes: usize| "x".repeat(bytes);
    check(&websmsd, post("/", FORM, body(65535)), 421, false);
    check(&websmsd, post("/", FORM, body(65536)), 421, false);
    check(&websmsd, post("/", FORM, body(65537)), 413, true);
    let chunked = |bytes: usize| {
        format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n{:x}\r\n{}\r\n0\r\n\r\n",
            bytes - 1,
            body(bytes - 1)
        )
    };
    check(&websmsd, chunked(65535), 421, false);
    check(&websmsd, chunked(65536), 421, false);
    check(&websmsd, chunked(65537), 413, true);
}

#[test]
fn heads_have_limits() {
    let websmsd = Websmsd::start("[websmsd]");
    let target = |bytes: usize| get(&format!("/{}", "x".repeat(bytes - 1)));
    check(&websmsd, target(4095), 200, false);
    check(&websmsd, target(4096), 200, false);
    check(&websmsd, target(4097), 414, true);
    let head = |bytes: usize| {
        let (start, end) = ("GET / HTTP/1.1\r\na: ", "\r\n\r\n");
        let fill = "x".repeat(bytes - start.len() - end.len());
        format!("{start}{fill}{end}")
    };
    check(&websmsd, head(16383), 200, false);
    check(&websmsd, head(16384), 200, false);
    check(&websmsd, head(16385), 431, true);
    let fields = |count: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count));
    check(&websmsd, fields(63), 200, false);
    check(&websmsd, fields(64), 200, false);
    check(&websmsd, fields(65), 431, true);
    let trailer = |bytes: usize| {
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: ";
        format!("{chunked}{}\r\n\r\n", "x".repeat(bytes))
    };
    check(&websmsd, trailer(16000), 422, false);
    check(&websmsd, trailer(16384), 431, true);
}

#[test]
fn contents_have_limits() {
    let websmsd =
        Websmsd::start("[websmsd]\nurl_path[form] = /form\nurl_path[list] = /list\neach[list] = l");
    let form = |count: usize| post("/form", FORM, format!("{SMS}{}", "&a=b".repeat(count - 3)));
    check(&websmsd, form(999), 200, false);
    check(&websmsd, form(1000), 200, false);
    check(&websmsd, form(1001), 413, true);
    let json = |json: String| post("/form", "application/json", json);
    let members = r#""To":"1","From":"2","Body":"3""#;
    // The object, its three members and the list are five values.
    let values = |count: usize| json(format!("{{{members},\"l\":[0{}]}}", ",0".repeat(count - 6)));
    check(&websmsd, values(1999), 200, false);
    check(&websmsd, values(2000), 200, false);
    check(&websmsd, values(2001), 413, true);
    let deep = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        json(format!("{{{members},\"l\":{open}{close}}}"))
    };
    check(&websmsd, deep(31), 200, false);
    check(&websmsd, deep(32), 200, false);
    check(&websmsd, deep(33), 413, true);
    check(&websmsd, json("[".repeat(60_000)), 413, true);
    let list = |count: usize| {
        let message = format!("{{{members}}}");
        let list = vec![message.as_str(); count].join(",");
        post("/list", "application/json", format!("{{\"l\":[{list}]}}"))
    };
    check(&websmsd, list(99), 200, false);
    check(&websmsd, list(100), 200, false);
    check(&websmsd, list(101), 413, true);
    assert_eq!(websmsd.call_files().len(), 6 + 199);
    let text = |bytes: usize| {
        post(
            "/form",
            FORM,
            format!("To=1&From=2&Body={}", "x".repeat(bytes)),
        )
    };
    check(&websmsd, text(15_000), 200, false);
    check(&websmsd, text(60_000), 413, true);
}

#[test]
fn slow_first_byte() {
    let websmsd = Websmsd::start("[websmsd]");
    let start = Instant::now();
    let mut http = websmsd.connect();
    assert_eq!(http.answer().status, 408);
    check_wait(start.elapsed(), FIRST_BYTE_WAIT);
    assert!(http.is_closed());
}

/// Checks that a wait was not shorter than its limit, nor longer than a busy machine makes it.
#[track_caller]
fn check_wait(waited: Duration, limit: Duration) {
    assert!(waited >= limit.mul_f32(0.98), "{waited:?}");
    assert!(waited < limit * 3, "{waited:?}");
}

#[test]
fn slow_idle() {
    let websmsd = Websmsd::start("[websmsd]");
    let mut http = websmsd.connect();
    // The wait begins with the answer, which this process may read late.
    let start = Instant::now();
    http.send(get("/"));
    assert_eq!(http.answer().status, 200);
    assert!(http.is_closed());
    check_wait(start.elapsed(), IDLE_WAIT);
}

/// Sends a byte every quarter of a second: each comes in time, but the whole does not.
fn check_trickle(websmsd: &Websmsd, start: &str, fill: &str) {
    let begin = Instant::now();
    let mut http = websmsd.connect();
    http.send(start);
    http.stream
        .set_read_timeout(Some(Duration::from_millis(250)))
        .unwrap();
    let mut answer = [0; 12];
    loop {
        http.send(fill);
        match http.stream.read(&mut answer) {
            Ok(read) => {
                assert_eq!(&answer[..read], b"HTTP/1.1 408");
                break;
            }
            // A read with a time limit is interrupted whenever a program ends that a test has started.
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => assert_eq!(e.kind(), std::io::ErrorKind::WouldBlock),
        }
        assert!(begin.elapsed() < rig::PATIENCE, "still waiting");
    }
    check_wait(begin.elapsed(), REQUEST_WAIT);
}

#[test]
fn slow_head() {
    let websmsd = Websmsd::start("[websmsd]");
    check_trickle(&websmsd, "POST / HTTP/1.1\r\na: ", "x");
}

#[test]
fn slow_body() {
    let websmsd = Websmsd::start("[websmsd]");
    check_trickle(
        &websmsd,
        "POST / HTTP/1.1\r\nContent-Length: 9999\r\n\r\n",
        "x",
    );
}

#[test]
fn slow_chunks() {
    let websmsd = Websmsd::start("[websmsd]");
    let start = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    check_trickle(&websmsd, start, "1\r\nx\r\n");
}

#[test]
fn beyond_the_slots_is_503_at_once() {
    let websmsd = Websmsd::start("[websmsd]\nmax_connections = 4");
    let start = Instant::now();
    let mut held: Vec<Http> = (0..4)
        .map(|_| {
            let mut http = websmsd.connect();
            http.send("GET / HTTP/1.1\r\n");
            http
        })
        .collect();
    // Connections are accepted in order, so the fifth finds that four are served.
    let mut http = websmsd.connect();
    let answer = http.answer();
    assert_eq!((answer.status, answer.closes()), (503, true));
    assert!(answer.header("Retry-After").is_some());
    // No slot became free meanwhile.
    assert!(start.elapsed() < REQUEST_WAIT);
    assert!(http.is_closed());
    // While three quarters are taken every answer closes; after that there is room again.
    let mut last = held.pop().unwrap();
    last.send("\r\n");
    assert!(last.answer().closes());
    assert!(last.is_closed());
    rig::wait_for("a free slot", || ask(&websmsd, get("/")).status == 200);
    drop(held);
    rig::wait_for("connections that stay open", || {
        !ask(&websmsd, get("/")).closes()
    });
}

#[test]
fn sixty_four_at_once() {
    let websmsd = Websmsd::start("[websmsd]");
    let mut held: Vec<Http> = Vec::new();
    for _ in 0..64 {
        let mut http = websmsd.connect();
        http.send("GET / HTTP/1.1\r\n");
        held.push(http);
    }
    assert_eq!(websmsd.connect().answer().status, 503);
    for mut http in held {
        http.send("\r\n");
        assert_eq!(http.answer().status, 200);
    }
}

#[test]
fn request_memory_has_a_limit() {
    let websmsd = Websmsd::start("[websmsd]\nreject_status = 421");
    let mut held: Vec<Http> = Vec::new();
    // There is room for fourteen. If all grow at once, none of them may get as much as it needs, so they come
    // in groups that fit; few of them, because the first may not wait for longer than `REQUEST_WAIT`.
    for group in [7, 6, 7] {
        for _ in 0..group {
            let mut http = websmsd.connect();
            http.send("POST / HTTP/1.1\r\nContent-Length: 65536\r\n\r\n");
            http.send("x".repeat(65535));
            held.push(http);
        }
        rig::wait_for("what was sent to be read", || {
            rig::unread_bytes(websmsd.address) == 0
        });
    }
    let statuses: Vec<u16> = held
        .iter_mut()
        .map(|http| {
            http.send("x");
            http.answer().status
        })
        .collect();
    let served = statuses.iter().filter(|status| **status == 421).count();
    let refused = statuses.iter().filter(|status| **status == 503).count();
    // On a machine that is busy the first ones wait for longer than a body may take.
    let late = statuses.iter().filter(|status| **status == 408).count();
    assert_eq!(served + refused + late, 20, "{statuses:?}");
    assert!(served + late >= 8, "{statuses:?}");
    assert!(refused >= 1, "{statuses:?}");
    drop(held);
    check(&websmsd, post("/", FORM, "x".repeat(65536)), 421, false);
}

#[test]
fn the_file_limit_lowers_the_connections() {
    let scratch = Scratch::new();
    let conf = rig::spool_conf(&scratch, "[websmsd]\nmax_connections = 1000");
    let conf = scratch.file("websms.conf", conf);
    let mut run = Command::new("sh");
    run.arg("-c")
        .arg("ulimit -n 62; exec \"$0\" websmsd -c \"$1\" -l 127.0.0.1:0 -v")
        .arg(rig::binary())
        .arg(conf);
    let websmsd = Websmsd::spawn(run, scratch);
    websmsd.wait_for_log("the file limit allows 10");
    let mut held: Vec<Http> = (0..60).map(|_| websmsd.connect()).collect();
    assert_eq!(held.pop().unwrap().answer().status, 503);
    drop(held);
    rig::wait_for("a free slot", || websmsd.post("/", FORM, SMS).status == 200);
    assert_eq!(websmsd.call_files().len(), 1);
}

#[test]
fn descriptors_that_run_out_are_waited_for() {
    let scratch = Scratch::new();
    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, "[websmsd]"));
    let mut run = Command::new("sh");
    run.arg("-c")
        .arg("ulimit -n 12; exec \"$0\" websmsd -c \"$1\" -l 127.0.0.1:0 -v")
        .arg(rig::binary())
        .arg(conf);
    let websmsd = Websmsd::spawn(run, scratch);
    let held: Vec<Http> = (0..40).map(|_| websmsd.connect()).collect();
    websmsd.wait_for_log("cannot accept connections: too many open files");
    drop(held);
    rig::wait_for("service", || {
        let mut http = websmsd.connect();
        http.send(get("/"));
        http.try_answer().is_some_and(|answer| answer.status == 200)
    });
}

// ---- The spool ------------------------------------------------------------------------------

#[test]
fn a_spool_that_takes_nothing_is_503() {
    let websmsd = Websmsd::start("[websmsd]");
    assert_eq!(websmsd.post("/", FORM, SMS).status, 200);
    let (folder, away) = (websmsd.staging(), websmsd.scratch.join("away"));
    fs::rename(&folder, &away).unwrap();
    fs::write(&folder, "no folder").unwrap();
    // For a second the folder that is open may still be used.
    let mut taken = 1;
    rig::wait_for("a look at the path", || {
        let status = websmsd.post("/", FORM, SMS).status;
        taken += usize::from(status == 200);
        status == 503
    });
    let mut http = websmsd.connect();
    http.send(post("/", FORM, SMS));
    let answer = http.answer();
    assert_eq!((answer.status, answer.closes()), (503, false));
    assert!(answer.header("Retry-After").is_some());
    let shown = folder.to_str().unwrap().to_owned();
    websmsd.wait_for_log(&shown);
    fs::remove_file(&folder).unwrap();
    fs::rename(&away, &folder).unwrap();
    http.send(post("/", FORM, SMS));
    assert_eq!(http.answer().status, 200);
    assert_eq!(websmsd.call_files().len(), taken + 1);
}

#[test]
fn a_full_spool_is_503() {
    let websmsd = Websmsd::start("[websmsd]\n[astqueue]\nmax = 2\n");
    let other = SMS.replace("160", "161");
    assert_eq!(websmsd.post("/", FORM, other).status, 200);
    assert_eq!(websmsd.post("/", FORM, SMS).status, 200);
    // Of several in a second ten are logged, and then their number.
    let start = Instant::now();
    rig::wait_for("503", || websmsd.post("/", FORM, SMS).status == 503);
    for _ in 0..100 {
        assert_eq!(websmsd.post("/", FORM, SMS).status, 503);
    }
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap();
    let told = websmsd.log().matches("503, not delivered").count();
    assert!(told <= 10 * (seconds + 2), "{told} in {seconds} s");
    for file in websmsd.call_files() {
        fs::remove_file(file.path).unwrap();
    }
    rig::wait_for("room", || websmsd.post("/", FORM, SMS).status == 200);
}

// ---- Connections ----------------------------------------------------------------------------

#[test]
fn requests_follow_each_other_on_one_connection() {
    let websmsd = Websmsd::start("[websmsd]");
    let mut http = websmsd.connect();
    for _ in 0..3 {
        http.send(post("/", FORM, SMS));
        assert_eq!(http.answer().status, 200);
    }
    // The requests are pipelined, with an empty line between them.
    let both = [post("/", FORM, SMS), b"\r\n".to_vec(), post("/", FORM, SMS)].concat();
    http.send(both);
    assert_eq!(http.answer().status, 200);
    assert_eq!(http.answer().status, 200);
    assert_eq!(websmsd.call_files().len(), 5);
    http.send(b"POST / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(http.answer().closes());
    assert!(http.is_closed());
}

#[test]
fn http_1_0() {
    let websmsd = Websmsd::start("[websmsd]");
    let length = SMS.len();
    let send = |lines: &str| {
        format!(
            "POST / HTTP/1.0\r\nContent-Type: {FORM}\r\n{lines}Content-Length: {length}\r\n\r\n{SMS}"
        )
    };
    check(&websmsd, send(""), 200, true);
    check(&websmsd, send("Connection: keep-alive\r\n"), 200, false);
    assert_eq!(websmsd.call_files().len(), 2);
}

#[test]
fn chunked_bodies() {
    let websmsd = Websmsd::start("[websmsd]");
    let mut http = websmsd.connect();
    http.send(format!(
        "POST / HTTP/1.1\r\nContent-Type: {FORM}\r\nTransfer-Encoding: Chunked\r\n\r\n"
    ));
    for piece in SMS.as_bytes().chunks(7) {
        http.send(format!("{:x};ext=1\r\n", piece.len()));
        http.send(piece);
        http.send("\r\n");
    }
    http.send("0\r\nTo: +666\r\n\r\n");
    assert_eq!(http.answer().status, 200);
    assert_eq!(websmsd.call_file().body(), "Incoming message!");
    assert_eq!(websmsd.call_file().value("Extension"), "+12025550160");
}

#[test]
fn expect_100() {
    let websmsd = Websmsd::start("[websmsd]\nurl_path = /sms");
    let mut http = websmsd.connect();
    let head = |path: &str| {
        let length = SMS.len();
        format!(
            "POST {path} HTTP/1.1\r\nContent-Type: {FORM}\r\nExpect: 100-continue\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    http.send(head("/sms"));
    assert_eq!(http.answer().status, 100);
    http.send(SMS);
    assert_eq!(http.answer().status, 200);
    http.send(head("/nowhere"));
    assert_eq!(http.answer().status, 404);
    assert!(http.is_closed());
}

#[test]
fn an_early_answer_arrives_though_more_was_sent() {
    let websmsd = Websmsd::start("[websmsd]\nurl_path = /sms");
    let mut http = websmsd.connect();
    http.send(format!(
        "POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n",
        200_000
    ));
    http.send("x".repeat(200_000));
    assert_eq!(http.answer().status, 404);
}

#[test]
fn a_peer_that_leaves_harms_nobody() {
    let websmsd = Websmsd::start("[websmsd]");
    for bytes in ["", "P", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"] {
        let http = websmsd.connect();
        let mut http = http;
        http.send(bytes);
        drop(http);
    }
    let stream = TcpStream::connect(websmsd.address).unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
    assert_eq!(websmsd.post("/", FORM, SMS).status, 200);
}

// ---- The log --------------------------------------------------------------------------------

#[test]
fn refusals_are_counted_where_they_are_many() {
    let websmsd = Websmsd::start("[websmsd]\npermit_addr = 192.0.2.1");
    for _ in 0..60 {
        assert_eq!(websmsd.connect().answer().status, 403);
    }
    rig::wait_for("a count", || {
        let _ = websmsd.connect().try_answer();
        websmsd.log().contains("more refusals")
    });
    let lines = websmsd.log().matches("403").count();
    assert!(lines <= 50, "{lines}");
}

// ---- Start and reload -----------------------------------------------------------------------

#[test]
fn a_new_configuration_is_taken_and_a_faulty_one_is_not() {
    let websmsd = Websmsd::start("[websmsd]\nreport_success = one");
    let mut http = websmsd.connect();
    let mut ask = || {
        http.send(post("/", FORM, SMS));
        http.answer().text()
    };
    assert_eq!(ask(), "one");
    let write = |conf: &str| {
        let conf = rig::spool_conf(&websmsd.scratch, conf);
        websmsd.scratch.file("websms.conf", conf);
        websmsd.signal("HUP");
    };
    write("[websmsd]\nreport_success = two");
    websmsd.wait_for_log("configuration read again");
    // The request comes on the same connection.
    assert_eq!(ask(), "two");
    write("[websmsd]\nauth_method = nonsense");
    websmsd.wait_for_log("the one before stays");
    assert_eq!(ask(), "two");
    write("[websmsd]\nreport_success = three\nlisten = 127.0.0.1:1");
    rig::wait_for("the third", || ask() == "three");
}

#[test]
fn what_only_a_restart_changes_is_told_as_long_as_it_differs() {
    let websmsd = Websmsd::start("[websmsd]");
    let count = |words: &str| websmsd.log().matches(words).count();
    let reload = |conf: &str, reloads: usize, told: usize| {
        let conf = rig::spool_conf(&websmsd.scratch, conf);
        websmsd.scratch.file("websms.conf", conf);
        websmsd.signal("HUP");
        rig::wait_for("a reload", || count("configuration read again") == reloads);
        assert_eq!(count("[queue] dir has changed"), told, "{}", websmsd.log());
    };
    reload("[websmsd]\n[queue]\ndir = \"\"\n", 1, 1);
    reload("[websmsd]\n[queue]\ndir = \"\"\n", 2, 2);
    reload("[websmsd]", 3, 2);
}

#[test]
fn an_address_that_is_taken_is_a_clear_fault() {
    let websmsd = Websmsd::start("[websmsd]");
    let scratch = Scratch::new();
    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, "[websmsd]"));
    let fault = |address: &str| {
        let mut run = rig::daemon_command(Called::Link, &scratch);
        run.arg("-c").arg(&conf).arg("-l").arg(address);
        let ran = rig::finish(run);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        assert!(
            ran.stderr.contains(&format!("cannot listen on {address}")),
            "{}",
            ran.stderr
        );
        ran.stderr
    };
    assert!(fault(&websmsd.address.to_string()).contains("in use"));
    assert!(fault("192.0.2.1:8080").contains("no such address"));
}

#[test]
fn several_addresses() {
    let scratch = Scratch::new();
    let websmsd = Websmsd::start_as(
        Called::Link,
        scratch,
        "[websmsd]\nlisten = 127.0.0.1:1",
        &["-l", "127.0.0.2:0", "-l", "[::1]:0"],
    );
    rig::wait_for("three listeners", || {
        websmsd.log().matches("listening on ").count() == 3
    });
    let log = websmsd.log();
    let addresses = log
        .lines()
        .filter_map(|line| line.split_once("listening on "));
    for (_, address) in addresses {
        let mut http = Http::connect(address.parse().unwrap());
        http.send(post("/", FORM, SMS));
        assert_eq!(http.answer().status, 200, "{address}");
    }
    assert_eq!(websmsd.call_files().len(), 3);
}
