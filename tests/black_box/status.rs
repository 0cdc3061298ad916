//! Tests the status page of the real `websmsd`: its contents, and who may read it.

use std::collections::BTreeMap;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::rig::{
    self, Answer, Called, FORM, Itsp, Scratch, Script, Websmsd, binary, post, wait_for, websms,
};

const PAGE: &str = "[websmsd]\nstatus_path = /status\n";

// ---- The format -----------------------------------------------------------------------------

/// Returns the samples of a page, by name and labels. Panics at everything that the exposition format 0.0.4
/// does not have, or only tolerates.
#[track_caller]
fn parse(page: &str) -> BTreeMap<String, u64> {
    let mut samples = BTreeMap::new();
    let mut kinds: BTreeMap<String, String> = BTreeMap::new();
    let mut lines = page
        .strip_suffix('\n')
        .expect("a last line end")
        .split('\n');
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty() && !help.contains('\\'), "{line}");
            let next = lines.next().unwrap();
            let kind = next.strip_prefix(&format!("# TYPE {name} ")).expect(next);
            assert!(["counter", "gauge"].contains(&kind), "{next}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{next}");
            let before = kinds.insert(name.to_owned(), kind.to_owned());
            assert_eq!(before, None, "{name} twice");
            kinds.insert("last".to_owned(), name.to_owned());
            continue;
        }
        let (place, value) = line.rsplit_once(' ').expect(line);
        let (name, labels) = place.split_once('{').unwrap_or((place, "}"));
        assert!(name.starts_with("websms_"), "{line}");
        assert!(
            name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{line}"
        );
        assert_eq!(kinds.get("last").map(String::as_str), Some(name), "{line}");
        check_labels(labels);
        assert!(value.bytes().all(|b| b.is_ascii_digit()), "{line}");
        let before = samples.insert(place.to_owned(), value.parse().unwrap());
        assert_eq!(before, None, "{place} twice");
    }
    samples
}

/// Checks every byte of `a="b",c="d"}`.
#[track_caller]
fn check_labels(labels: &str) {
    let mut rest = labels;
    while rest != "}" {
        let (name, after) = rest.split_once("=\"").expect(labels);
        assert!(name.bytes().all(|b| b.is_ascii_lowercase()), "{labels}");
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().expect(labels) {
                (_, '\\') => {
                    let (_, escaped) = chars.next().expect(labels);
                    assert!(['\\', '"', 'n'].contains(&escaped), "{labels}");
                }
                (end, '"') => break end,
                _ => {}
            }
        };
        rest = &after[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

#[track_caller]
fn page(websmsd: &Websmsd) -> BTreeMap<String, u64> {
    let answer = websmsd.get("/status");
    assert_eq!(answer.status, 200, "{}", websmsd.log());
    let kind = Some("text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.header("Content-Type"), kind);
    parse(&answer.text())
}

/// Returns the values of these samples; `None` for a missing one.
#[track_caller]
fn values(websmsd: &Websmsd, names: &[&str]) -> Vec<Option<u64>> {
    let page = page(websmsd);
    let value = |name: &&str| page.get(&format!("websms_{name}")).copied();
    names.iter().map(value).collect()
}

fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// Returns an answer without the parts that differ between answers.
fn plain(mut answer: Answer) -> Answer {
    answer.headers.retain(|(name, _)| name != "X-WebSMS-Id");
    answer
}

/// Returns the answer to any bytes.
fn ask(websmsd: &Websmsd, request: impl AsRef<[u8]>) -> Answer {
    let mut http = websmsd.connect();
    http.send(request);
    http.answer()
}

fn get_with(websmsd: &Websmsd, target: &str, fields: &str) -> Answer {
    let fields = fields.replace('\n', "\r\n");
    ask(
        websmsd,
        format!("GET {target} HTTP/1.1\r\nHost: websms\r\n{fields}\r\n"),
    )
}

// ---- What it tells --------------------------------------------------------------------------

#[test]
fn it_counts_what_comes_in_and_why_it_does_not() {
    let websmsd = Websmsd::start(&format!("{PAGE}key_id = Id\nurl_path = /sms\n"));
    let reason = |word: &str| format!("in_refused_total{{reason=\"{word}\"}}");
    assert_eq!(
        values(
            &websmsd,
            &[
                "in_accepted_total",
                "in_duplicates_total",
                "in_last_accepted_timestamp_seconds",
                &reason("message"),
                &reason("handshake"),
                "connections",
                "connections_max",
                "queue_messages",
                "queue_failed_messages",
                "queue_oldest_age_seconds",
            ]
        ),
        [
            Some(0),
            Some(0),
            None,
            Some(0),
            Some(0),
            Some(1),
            Some(64),
            Some(0),
            Some(0),
            Some(0)
        ]
    );
    let before_s = now_s();
    let sms = |body: &str| websmsd.post("/sms", FORM, body).status;
    assert_eq!(sms("To=1&From=2&Body=x&Id=7"), 200);
    assert_eq!(sms("To=1&From=2&Body=x&Id=7"), 200);
    assert_eq!(sms("To=1&From=2&Body=y"), 200);
    assert_eq!(sms("To=1&From=2"), 422);
    assert_eq!(
        sms(&format!("To=1&From=2&Body={}", "%01".repeat(9000))),
        413
    );
    assert_eq!(websmsd.get("/other").status, 404);
    assert_eq!(websmsd.get("/sms").status, 200);
    assert_eq!(ask(&websmsd, "BREW /sms HTTP/1.1\r\n\r\n").status, 405);
    assert_eq!(ask(&websmsd, "GET /sms\r\n\r\n").status, 400);
    let expected = [
        ("malformed", 1),
        ("length", 1),
        ("slow", 0),
        ("address", 0),
        ("path", 1),
        ("method", 1),
        ("credentials", 0),
        ("encoding", 0),
        ("message", 1),
        ("busy", 0),
        ("spool", 0),
        ("clock", 0),
        ("handshake", 0),
    ];
    for (word, count) in expected {
        let name = reason(word);
        assert_eq!(values(&websmsd, &[&name]), [Some(count)], "{word}");
    }
    let found = values(
        &websmsd,
        &[
            "in_accepted_total",
            "in_duplicates_total",
            "in_last_accepted_timestamp_seconds",
        ],
    );
    assert_eq!(found[..2], [Some(2), Some(1)]);
    let last_s = found[2].unwrap();
    assert!((before_s..=now_s()).contains(&last_s), "{last_s}");
    // The spool cannot be written.
    fs::remove_dir_all(websmsd.staging()).unwrap();
    fs::write(websmsd.staging(), "").unwrap();
    assert_eq!(sms("To=1&From=2&Body=z"), 503);
    assert_eq!(values(&websmsd, &[&reason("spool")]), [Some(1)]);
}

#[test]
fn several_sms_of_one_request_count_each() {
    let keys = "key_to=to\nkey_from=from\nkey_body=text\neach=m\n";
    let websmsd = Websmsd::start(&format!("{PAGE}{keys}"));
    let body =
        r#"{"m":[{"to":"1","from":"2","text":"a"},{"to":"1"},{"to":"1","from":"2","text":"b"}]}"#;
    assert_eq!(websmsd.post("/", "application/json", body).status, 200);
    let names = ["in_accepted_total", "in_refused_total{reason=\"message\"}"];
    assert_eq!(values(&websmsd, &names), [Some(2), Some(1)]);
}

#[test]
fn it_counts_what_websms_sends_and_what_the_queue_does() {
    let answers = [200, 200, 503, 200, 400];
    let itsp = Itsp::start(answers.map(|status| Script::reply(status, "")).to_vec());
    let scratch = Scratch::new();
    let conf = format!(
        "[websms]\nhost[a] = http://{}\nhost[b] = http://127.0.0.1:1\nfallback[b] = a\n\
         {PAGE}[queue]\nretry = 1s\n",
        itsp.address
    );
    let websmsd = Websmsd::start_as(Called::Link, scratch, &conf, &[]);
    let conf = websmsd.scratch.join("websms.conf");
    let send = |index: &str| websms(&conf, &["-v", "-i", index, "--", "+1", "2", "x"]);
    wait_for("a daemon that drains", || {
        !websms(&conf, &["--queue"]).stdout.contains("no websmsd")
    });
    let names = [
        "out_sent_total{interface=\"a\"}",
        "out_failed_total{interface=\"a\",verdict=\"later\"}",
        "out_failed_total{interface=\"a\",verdict=\"refused\"}",
        "out_failed_total{interface=\"b\",verdict=\"later\"}",
        "out_sent_total{interface=\"b\"}",
    ];
    let times = [
        "out_last_sent_timestamp_seconds{interface=\"a\"}",
        "out_last_sent_timestamp_seconds{interface=\"b\"}",
    ];
    assert_eq!(values(&websmsd, &names), [Some(0); 5]);
    assert_eq!(values(&websmsd, &times), [None; 2]);
    let before_s = now_s();
    assert_eq!(send("a").code, Some(0));
    assert_eq!(values(&websmsd, &names)[0], Some(1));
    // The first interface fails, the second sends.
    assert_eq!(send("b").code, Some(0));
    let expected = [2, 0, 0, 1, 0].map(Some);
    assert_eq!(values(&websmsd, &names), expected);
    // The SMS goes into the queue, and from there to the provider.
    let ran = send("a");
    assert!(ran.stderr.contains("QUEUED"), "{}", ran.stderr);
    wait_for("a second try", || values(&websmsd, &names)[0] == Some(3));
    wait_for("an empty queue", || {
        values(&websmsd, &["queue_messages"]) == [Some(0)]
    });
    assert_eq!(send("a").code, Some(1));
    let expected = [3, 1, 1, 1, 0].map(Some);
    assert_eq!(values(&websmsd, &names), expected);
    let times = values(&websmsd, &times);
    assert!(
        (before_s..=now_s()).contains(&times[0].unwrap()),
        "{times:?}"
    );
    assert_eq!(times[1], None);
}

#[test]
fn it_tells_what_waits_since_when_and_what_was_given_up() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let conf = format!(
        "[websms]\nhost = http://{}\n{PAGE}[queue]\nretry = 1h\n",
        itsp.address
    );
    let websmsd = Websmsd::start(&conf);
    let conf = websmsd.scratch.join("websms.conf");
    wait_for("a daemon that drains", || {
        !websms(&conf, &["--queue"]).stdout.contains("no websmsd")
    });
    for to in ["+1", "+2"] {
        assert_eq!(websms(&conf, &["--", to, "3", "x"]).code, Some(0));
    }
    let names = [
        "queue_messages",
        "queue_failed_messages",
        "queue_oldest_age_seconds",
    ];
    let found = values(&websmsd, &names);
    assert_eq!(found[..2], [Some(2), Some(0)]);
    assert!(found[2].unwrap() < 100, "{found:?}");
    // This simulates that the first came yesterday.
    let new = websmsd.scratch.join("state/queue/new");
    let mut files: Vec<_> = fs::read_dir(&new)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.sort();
    let text = fs::read_to_string(&files[0]).unwrap();
    let queued = text
        .lines()
        .find(|line| line.starts_with("queued: "))
        .unwrap();
    let older = |s: u64| text.replace(queued, &format!("queued: {s}"));
    fs::write(&files[0], older(now_s() - 86_400)).unwrap();
    let age_s = values(&websmsd, &names)[2].unwrap();
    assert!((86_400..86_500).contains(&age_s), "{age_s}");
    // An SMS that came before the clock was right, or cannot be read, shows no age.
    for content in [older(0), "no message".to_owned()] {
        fs::write(&files[0], content).unwrap();
        assert_eq!(values(&websmsd, &names), [Some(2), Some(0), None]);
    }
    let name = files[0].file_name().unwrap();
    let failed = websmsd.scratch.join("state/queue/failed").join(name);
    fs::rename(&files[0], failed).unwrap();
    assert_eq!(values(&websmsd, &names)[..2], [Some(1), Some(1)]);
}

#[test]
fn without_a_folder_it_tells_what_comes_in() {
    let websmsd = Websmsd::start(&format!("{PAGE}[queue]\ndir =\n"));
    let page = page(&websmsd);
    assert_eq!(page["websms_in_accepted_total"], 0);
    let knows = |start: &str| page.keys().any(|name| name.starts_with(start));
    assert!(!knows("websms_queue") && !knows("websms_out"), "{page:?}");
}

#[test]
fn no_interface_breaks_a_line() {
    let indices = [
        "a\"} 9",
        "b\\",
        "{c}",
        "ünï \u{202e}",
        "# TYPE d counter",
        "../../e",
        "f\u{2028}g",
        "%2e",
    ];
    let quoted = |index: &str| index.replace('\\', "\\\\").replace('"', "\\\"");
    let host = |index: &str| format!("host[\"{}\"] = http://127.0.0.1:1\n", quoted(index));
    let hosts = indices.map(host);
    let websmsd = Websmsd::start(&format!("[websms]\n{}{PAGE}", hosts.concat()));
    let conf = websmsd.scratch.join("websms.conf");
    for index in indices {
        let ran = websms(&conf, &["-v", "-i", index, "--", "+1", "2", "x"]);
        assert!(!ran.stderr.contains("no interface"), "{}", ran.stderr);
    }
    let page = page(&websmsd);
    let sent = |name: &&String| name.starts_with("websms_out_sent_total{");
    assert_eq!(page.keys().filter(sent).count(), indices.len());
    for escaped in ["a\\\"} 9", "b\\\\", "../../e"] {
        let name = format!("websms_out_sent_total{{interface=\"{escaped}\"}}");
        assert_eq!(page.get(&name), Some(&0), "{page:?}");
    }
    // Each has files of its own, in the one folder.
    let folder = fs::read_dir(websmsd.scratch.join("state/status")).unwrap();
    for entry in folder {
        let entry = entry.unwrap();
        assert!(entry.file_type().unwrap().is_file(), "{entry:?}");
    }
}

// ---- To whom --------------------------------------------------------------------------------

#[test]
fn a_monitor_that_may_deliver_nothing_reads_it_and_nothing_else() {
    let websmsd = Websmsd::start(&format!("{PAGE}permit_addr = 192.0.2.1\nproxy_addr =\n"));
    page(&websmsd);
    assert_eq!(websmsd.get("/status?x=y").status, 200);
    for target in [
        "/",
        "/status/",
        "/Status",
        "/%73tatus",
        "/status%3F",
        "//status",
    ] {
        assert_eq!(websmsd.get(target).status, 403, "{target}");
    }
    assert_eq!(websmsd.post("/", FORM, "To=1&From=2&Body=x").status, 403);
    let names = ["in_refused_total{reason=\"address\"}"];
    assert_eq!(values(&websmsd, &names), [Some(7)]);
}

#[test]
fn who_may_not_is_told_what_holds_for_any_path_that_nobody_has() {
    let check = |keys: &str, fields: &str, status: u16| {
        let websmsd = Websmsd::start(&format!("{PAGE}{keys}\n"));
        let found = get_with(&websmsd, "/status", fields);
        assert_eq!(found.status, status, "{keys} {fields}");
        let other = get_with(&websmsd, "/unknown", fields);
        if keys.contains("url_path") || status == 403 {
            assert_eq!(plain(found), plain(other), "{keys} {fields}");
        }
        let request = post("/status", FORM, "To=1&From=2&Body=x");
        let request = String::from_utf8(request).unwrap();
        let host = "Host: websms\r\n";
        let more = format!("{host}{}", fields.replace('\n', "\r\n"));
        let posted = ask(&websmsd, request.replacen(host, &more, 1));
        assert_eq!(posted.status, status, "{keys} {fields}");
        assert_eq!(websmsd.call_files(), []);
    };
    check("status_addr =\nurl_path = /sms", "", 404);
    check("status_addr =", "", 404);
    check("status_addr = 10.0.0.0/8,::/0\nurl_path = /sms", "", 404);
    check("status_addr = 10.0.0.1\npermit_addr = 192.0.2.1", "", 403);
    // Whatever url_path says, the page keeps its path.
    check(
        "status_addr = 10.0.0.1\nurl_path = \"/status,/sms\"",
        "",
        404,
    );
    // The proxy is not declared.
    for field in [
        "X-Forwarded-For: 127.0.0.1\n",
        "x-forwarded-for:\n",
        "Forwarded: for=127.0.0.1\n",
        "Via: 1.1 cache\n",
        "X-Real-IP: 127.0.0.1\n",
    ] {
        check("url_path = /sms", field, 404);
        check("permit_addr = 192.0.2.1\nproxy_addr =", field, 403);
    }
    check(
        "url_path = /sms\nproxy_header = HTTP_X_CALLER",
        "X-Caller: 127.0.0.1\n",
        404,
    );
    // The proxy is declared, and the caller that it names counts.
    let proxied = "url_path = /sms\nproxy_addr = 127.0.0.1\nstatus_addr = \"10.0.0.1,127.0.0.1\"";
    for field in [
        "X-Forwarded-For: 192.0.2.1\n",
        "X-Forwarded-For: 10.0.0.1, 192.0.2.1\n",
        "X-Forwarded-For: 127.0.0.1\n",
        "X-Forwarded-For: unknown\n",
        "X-Forwarded-For:\n",
        "Via: 1.1 cache\n",
        "Forwarded: for=10.0.0.1\n",
    ] {
        check(proxied, field, 404);
    }
    let websmsd = Websmsd::start(&format!("{PAGE}{proxied}\n"));
    for field in ["", "X-Forwarded-For: 10.0.0.1\nVia: 1.1 cache\n"] {
        assert_eq!(get_with(&websmsd, "/status", field).status, 200, "{field}");
    }
}

#[test]
fn it_is_read_and_nothing_else() {
    let websmsd = Websmsd::start(PAGE);
    let mut http = websmsd.connect();
    http.send("HEAD /status HTTP/1.1\r\n\r\n");
    let head = http.answer_to_head();
    assert_eq!(head.status, 200);
    let length: usize = head.header("Content-Length").unwrap().parse().unwrap();
    // The connection goes on, and the page is as long as its head says.
    http.send("GET /status HTTP/1.1\r\n\r\n");
    let page = http.answer();
    assert_eq!((page.status, page.body.len()), (200, length));
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
        let answer = ask(&websmsd, format!("{method} /status HTTP/1.1\r\n\r\n"));
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("Allow"), Some("GET, HEAD"), "{method}");
    }
    // A body is not read, and so ends the connection.
    let answer = websmsd.post("/status", FORM, "To=1&From=2&Body=x");
    assert_eq!((answer.status, answer.closes()), (405, true));
    let request = "GET /status HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
    let answer = ask(&websmsd, request);
    assert_eq!((answer.status, answer.closes()), (200, true));
    assert_eq!(websmsd.call_files(), []);
    let names = ["in_refused_total{reason=\"method\"}"];
    assert_eq!(values(&websmsd, &names), [Some(6)]);
}

// ---- When -----------------------------------------------------------------------------------

#[test]
fn there_is_none_where_nobody_asks_for_one() {
    let itsp = Itsp::start(vec![Script::reply(200, "")]);
    let conf = format!(
        "[websms]\nhost = http://{}\n[websmsd]\nurl_path = /sms\n",
        itsp.address
    );
    let websmsd = Websmsd::start(&conf);
    for target in ["/", "/status", "/metrics"] {
        assert_eq!(websmsd.get(target).status, 404, "{target}");
    }
    let conf = websmsd.scratch.join("websms.conf");
    assert_eq!(websms(&conf, &["--", "+1", "2", "x"]).code, Some(0));
    assert!(!websmsd.scratch.join("state/status").exists());
}

#[test]
fn a_reload_brings_it_moves_it_and_takes_it_away() {
    let scratch = Scratch::new();
    let with = |keys: &str| format!("[websmsd]\nurl_path = /sms\n{keys}\n");
    let websmsd = Websmsd::start_as(Called::Link, scratch, &with(""), &[]);
    let mut reloads = 0;
    let mut reload = |keys: &str| {
        let conf = rig::spool_conf(&websmsd.scratch, &with(keys));
        websmsd.scratch.file("websms.conf", conf);
        websmsd.signal("HUP");
        reloads += 1;
        wait_for("a reload", || {
            websmsd.log().matches("configuration read again").count() == reloads
        });
    };
    let deliver = || {
        let answer = websmsd.post("/sms", FORM, "To=1&From=2&Body=x");
        assert_eq!(answer.status, 200);
    };
    let accepted = |target: &str| {
        let answer = websmsd.get(target);
        let page = (answer.status == 200).then(|| parse(&answer.text()));
        page.map(|page| page["websms_in_accepted_total"])
    };
    deliver();
    assert_eq!(accepted("/status"), None);
    reload("status_path = /status");
    assert_eq!(accepted("/status"), Some(0));
    deliver();
    assert_eq!(accepted("/status"), Some(1));
    // The page moves, and the counts go on.
    reload("status_path = /elsewhere");
    assert_eq!(accepted("/status"), None);
    deliver();
    assert_eq!(accepted("/elsewhere"), Some(2));
    reload("status_path = /elsewhere\nstatus_addr = 10.0.0.1\npermit_addr = 192.0.2.1");
    // A peer that is turned away unread is counted, too.
    assert_eq!(websmsd.get("/elsewhere").status, 403);
    reload("status_path = /elsewhere");
    let page = parse(&websmsd.get("/elsewhere").text());
    assert_eq!(page["websms_in_refused_total{reason=\"address\"}"], 1);
    assert_eq!(page["websms_in_accepted_total"], 2);
    reload("");
    assert_eq!(accepted("/elsewhere"), None);
    deliver();
    reload("status_path = /status");
    assert_eq!(accepted("/status"), Some(0));
}

#[test]
fn check_tells_of_a_path_that_a_provider_has() {
    let scratch = Scratch::new();
    let check = |keys: &str, expected: &[&str]| {
        let conf = rig::spool_conf(&scratch, &format!("[websmsd]\n{keys}\n"));
        let conf = scratch.file("websms.conf", conf);
        let mut run = rig::command(&binary());
        run.arg("-c").arg(conf).arg("--check");
        let ran = rig::finish(run);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        for words in expected {
            assert!(said.contains(words), "{keys}: {said}");
        }
        assert_eq!(said.contains("status_"), !expected.is_empty(), "{said}");
    };
    check("status_path = /s\nurl_path = /sms", &[]);
    check(
        "status_path = /s\nurl_path = \"/sms,/s\"",
        &[
            ":2: ",
            "status_path is in url_path too: the status page has it",
        ],
    );
    check("status_addr = 10.0.0.1", &["stands without a status_path"]);
    check(
        "status_path = s",
        &["status_path has an entry that no request"],
    );
    check(
        "status_path = /s\nstatus_addr = ten",
        &["is no address block"],
    );
}
