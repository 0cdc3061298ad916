//! Tests that one id leads from a request to its call file and from an order to its verdict, and that
//! numbers are masked.

use crate::rig::{self, Answer, CallFile, FORM, Itsp, Scratch, Script, Websmsd, websms};

const SMS: &str = "To=%2B12025550160&From=%2B15017122661&Body=a+secret";

#[track_caller]
fn id(answer: &Answer) -> String {
    let id = answer.header("X-WebSMS-Id").unwrap().to_owned();
    assert_eq!(id.len(), 16, "{id}");
    assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    id
}

fn unique(file: &CallFile) -> &str {
    file.name.rsplit('.').nth(1).unwrap()
}

#[test]
fn an_answer_a_call_file_and_a_log_line_have_one_id() {
    let websmsd = Websmsd::start("[websmsd]\nkey_id = Id");
    let first = id(&websmsd.post("/", FORM, format!("{SMS}&Id=7")));
    websmsd.wait_for_log(&format!(
        "{first} 127.0.0.1: 200, from +15017122661 to +12025550160\n"
    ));
    assert_eq!(unique(&websmsd.call_file()), first);
    // A duplicate has an id, too, and no file.
    let second = id(&websmsd.post("/", FORM, format!("{SMS}&Id=7")));
    assert_ne!(first, second);
    websmsd.wait_for_log(&format!("{second} 127.0.0.1: 200, "));
    websmsd.call_file();
}

#[test]
fn a_sender_cannot_forge_a_log_line() {
    let websmsd = Websmsd::start("[websmsd]");
    let check = |from: &str, shown: &str| {
        let answer = websmsd.post("/", FORM, format!("To=1&From={from}&Body=x"));
        let id = id(&answer);
        websmsd.wait_for_log(&format!("{id} 127.0.0.1: 200, from {shown} to 1\n"));
    };
    check("AT%26T+Info", "\"AT&T Info\"");
    check("a+to+5,+b=1", "\"a to 5_ b_1\"");
    check("O'Hara@x", "O'Hara@x");
}

#[test]
fn refusals_have_an_id() {
    let websmsd = Websmsd::start("[websmsd]\nurl_path = /sms");
    let check = |target: &str, body: &str, status: u16| {
        let answer = websmsd.post(target, FORM, body);
        assert_eq!(answer.status, status);
        websmsd.wait_for_log(&format!("{} 127.0.0.1: {status}, ", id(&answer)));
    };
    check("/other", SMS, 404);
    check("/sms", "To=1", 422);
    check("/sms", &"x".repeat(70_000), 413);
    rig::remove_folder(&websmsd.outgoing());
    std::fs::write(websmsd.outgoing(), "").unwrap();
    check("/sms", SMS, 503);
    // On a kept-alive connection each request has an id.
    let mut http = websmsd.connect();
    http.send(rig::post("/sms", FORM, "To=1"));
    let first = id(&http.answer());
    http.send(rig::post("/sms", FORM, "To=1"));
    assert_ne!(id(&http.answer()), first);
    // This is no request.
    let mut http = websmsd.connect();
    http.send("nonsense\r\n\r\n");
    let answer = http.answer();
    assert_eq!(answer.status, 400);
    websmsd.wait_for_log(&format!("{} 127.0.0.1: 400, ", id(&answer)));
}

#[test]
fn several_messages_count_up_from_the_requests_id() {
    let websmsd =
        Websmsd::start("[websmsd]\neach = results\nkey_to = to\nkey_from = from\nkey_body = text");
    let body = r#"{"results":[{"to":"1","from":"2","text":"a"},{"to":"","from":"2","text":"b"},
                   {"to":"1","from":"2","text":"c"}]}"#;
    let first = id(&websmsd.post("/", "application/json", body));
    let number = u64::from_str_radix(&first, 16).unwrap();
    let third = format!("{:016x}", number.wrapping_add(2));
    let mut files: Vec<String> = websmsd
        .call_files()
        .iter()
        .map(|it| unique(it).to_owned())
        .collect();
    let mut expected = vec![first.clone(), third.clone()];
    files.sort();
    expected.sort();
    assert_eq!(files, expected);
    websmsd.wait_for_log(&format!("{first} 127.0.0.1: 200, from 2 to 1, {third}"));
}

#[test]
fn an_sms_sent_later_has_the_id_of_its_order() {
    let itsp = Itsp::start(vec![Script::reply(503, ""), Script::reply(200, "")]);
    let scratch = Scratch::new();
    let websmsd = Websmsd::start_as(
        rig::Called::Link,
        scratch,
        &format!(
            "[websms]\nhost = {}\nauth_method = none\nlog_numbers = masked\n[websmsd]\n[queue]\nretry = 1s\ndir = @DIR@/state",
            itsp.url()
        ),
        &[],
    );
    let conf = websmsd.scratch.join("websms.conf");
    rig::wait_for("a daemon that drains", || {
        let listed = websms(&conf, &["--queue"]).stdout;
        listed.contains(" waiting, ") && !listed.contains("no websmsd drains")
    });
    let ran = websms(
        &conf,
        &["-v", "--", "+12025550183", "+12025550160", "a secret"],
    );
    let line = ran
        .stderr
        .lines()
        .find(|line| line.contains("out QUEUED"))
        .unwrap();
    let id = line
        .split("out QUEUED ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    websmsd.wait_for_log(&format!("out SENT {id} to=...183 from=...160 "));
    assert!(line.contains(" to=...183 from=...160 "), "{line}");
    for log in [&ran.stderr, &websmsd.log()] {
        assert!(!log.contains("2025550") && !log.contains("secret"), "{log}");
    }
    // The key holds for incoming SMS as well.
    websmsd.post("/", FORM, SMS);
    websmsd.wait_for_log("200, from ...661 to ...160\n");
    assert!(!websmsd.log().contains("501712"), "{}", websmsd.log());
}
