//! The page for people and its JSON, as the real `websmsd` serves them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::rig::{
    Answer, Called, FORM, Itsp, Scratch, Script, Websmsd, binary, command, daemon_command, finish,
    set_clock, spool_conf, wait_for, websms,
};

const PAGE: &str = "[websmsd]\nstatus_path = /status\nstatus_auth = me:secret\n";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
/// me:secret
const RIGHT: &str = "Authorization: Basic bWU6c2VjcmV0\r\n";
/// me:wrong
const WRONG: &str = "Authorization: Basic bWU6d3Jvbmc=\r\n";

fn ask(websmsd: &Websmsd, target: &str, accept: &str, fields: &str) -> Answer {
    let mut http = websmsd.connect();
    http.send(format!(
        "GET {target} HTTP/1.1\r\nHost: websms\r\nAccept: {accept}\r\n{fields}\r\n"
    ));
    http.answer()
}

/// The whole page, with `status_auth`.
#[track_caller]
fn html(websmsd: &Websmsd) -> String {
    let answer = ask(websmsd, "/status", BROWSER, RIGHT);
    assert_eq!(answer.status, 200, "{}", websmsd.log());
    let kind = Some("text/html; charset=utf-8");
    assert_eq!(answer.header("Content-Type"), kind);
    answer.text()
}

#[track_caller]
fn json(websmsd: &Websmsd) -> String {
    let answer = ask(websmsd, "/status", "application/json", RIGHT);
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    answer.text()
}

/// A daemon that sends over the provider; its configuration begins with `conf`.
fn with(itsp: &Itsp, conf: &str) -> Websmsd {
    let scratch = Scratch::new();
    let conf = format!(
        "[queue]\ndir = {}\nretry = 60\n{conf}\n[websms]\nhost = http://{}\npath = /send\nkey_to = to\n\
         key_from = from\nkey_body = text\n",
        scratch.join("state").display(),
        itsp.address
    );
    Websmsd::start_as(Called::Link, scratch, &conf, &[])
}

fn send(websmsd: &Websmsd, to: &str, from: &str) {
    let conf = websmsd.scratch.join("websms.conf");
    websms(&conf, &["--", to, from, "the text"]);
}

/// Waits until `websmsd` drains its queue.
fn wait_for_queue(websmsd: &Websmsd) {
    let conf = websmsd.scratch.join("websms.conf");
    wait_for("a daemon that drains", || {
        !websms(&conf, &["--queue"]).stdout.contains("no websmsd")
    });
}

// ---- Forms ----------------------------------------------------------------------------------

#[test]
fn a_browser_gets_the_page_a_program_json_and_everybody_else_figures() {
    let websmsd = Websmsd::start(PAGE);
    let kind = |accept: &str| {
        let answer = ask(&websmsd, "/status", accept, "");
        assert_eq!(answer.status, 200);
        answer.header("Content-Type").unwrap().to_owned()
    };
    assert_eq!(kind(BROWSER), "text/html; charset=utf-8");
    assert_eq!(kind("application/json"), "application/json");
    for other in [
        "*/*",
        "text/plain",
        "",
        "image/png",
        "text/plain;version=0.0.4, */*;q=0.1",
    ] {
        assert_eq!(
            kind(other),
            "text/plain; version=0.0.4; charset=utf-8",
            "{other}"
        );
    }
    // The answer to a monitor has no field that it had not before.
    let names = |accept: &str| -> Vec<String> {
        let answer = ask(&websmsd, "/status", accept, RIGHT);
        answer
            .headers
            .iter()
            .map(|(name, _)| name.clone())
            .collect()
    };
    assert_eq!(
        names("*/*"),
        ["X-WebSMS-Id", "Content-Type", "Content-Length"]
    );
    let found = names(BROWSER);
    for name in [
        "Content-Security-Policy",
        "Cache-Control",
        "X-Content-Type-Options",
        "Vary",
    ] {
        assert!(found.iter().any(|it| it == name), "{name}");
    }
    assert!(!found.iter().any(|it| it == "Set-Cookie"));
}

/// The page's own test leaves 440 bytes of 15 KB for the head.
#[test]
fn a_page_is_sent_as_it_is_with_a_short_head() {
    let websmsd = Websmsd::start(PAGE);
    let mut http = websmsd.connect();
    http.send(format!(
        "GET /status HTTP/1.1\r\nHost: websms\r\nAccept: {BROWSER}\r\nAccept-Encoding: gzip, br\r\n\
         {RIGHT}\r\n"
    ));
    let answer = http.answer();
    assert!(answer.text().ends_with("</footer>\n"));
    let fields = answer.headers.iter();
    let bytes: usize = fields
        .map(|(name, value)| name.len() + value.len() + 4)
        .sum();
    let head = "HTTP/1.1 200 OK\r\n".len() + bytes + 2;
    assert!((300..=440).contains(&head), "{head}");
}

#[test]
fn head_has_the_length_and_no_body_and_other_methods_get_405() {
    let websmsd = Websmsd::start(PAGE);
    let mut http = websmsd.connect();
    http.send(format!(
        "HEAD /status HTTP/1.1\r\nHost: a\r\nAccept: {BROWSER}\r\n\r\n"
    ));
    let answer = http.answer_to_head();
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("Content-Length")
            .unwrap()
            .parse::<usize>()
            .unwrap()
            > 1000
    );
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        let mut http = websmsd.connect();
        http.send(format!(
            "{method} /status HTTP/1.1\r\nHost: a\r\nAccept: {BROWSER}\r\nContent-Length: 0\r\n{RIGHT}\r\n"
        ));
        assert_eq!(http.answer().status, 405, "{method}");
    }
}

// ---- Who sees what --------------------------------------------------------------------------

#[test]
fn without_status_auth_there_are_figures_and_problems_alone() {
    let itsp = Itsp::start(vec![Script::reply(500, "")]);
    let websmsd = with(&itsp, PAGE);
    wait_for_queue(&websmsd);
    send(&websmsd, "+15550001", "+15550002");
    let body = "To=15550003&From=15550004&Body=the+text";
    assert_eq!(websmsd.post("/", FORM, body).status, 200);
    assert_eq!(websmsd.post("/", FORM, "To=1").status, 422);
    let secrets = [
        "15550001",
        "15550002",
        "15550003",
        "15550004",
        "answered 500",
        "id=events",
        "id=waiting",
        "id=kept",
    ];
    wait_for("the events", || {
        let page = html(&websmsd);
        secrets.iter().all(|it| page.contains(it))
    });
    let texts = |answer: Answer| (answer.status, answer.text());
    for (target, fields, status) in [
        ("/status", "", 200),
        ("/status?details", "", 401),
        ("/status", WRONG, 401),
        ("/status", "Authorization: Bearer x\r\n", 401),
        ("/status?details", WRONG, 401),
    ] {
        for accept in [BROWSER, "application/json"] {
            let (found, text) = texts(ask(&websmsd, target, accept, fields));
            assert_eq!(found, status, "{target} {fields}");
            for secret in secrets {
                assert!(!text.contains(secret), "{target} {fields} {secret}");
            }
            assert!(!text.contains("\"events\"") && !text.contains("\"kept\""));
            // The problem is told, with what to do.
            assert!(text.contains("nothing was sent since"), "{text}");
            assert!(text.contains("websms --selftest"), "{text}");
        }
    }
    let asked = ask(&websmsd, "/status?details", BROWSER, "");
    assert_eq!(
        asked.header("WWW-Authenticate"),
        Some("Basic realm=\"websmsd\"")
    );
    // A monitor's figures need no credentials, and wrong ones do not hide them.
    assert_eq!(ask(&websmsd, "/status", "*/*", WRONG).status, 200);
    let refused = ask(&websmsd, "/status", "*/*", "").text();
    assert!(refused.contains("reason=\"credentials\"} 6\n"), "{refused}");
    let page = html(&websmsd) + &json(&websmsd);
    assert!(
        !page.contains("the text") && !page.contains("secret"),
        "{page}"
    );
}

#[test]
fn without_the_key_nobody_sees_more() {
    let websmsd = Websmsd::start("[websmsd]\nstatus_path = /status\n");
    let body = "To=15550003&From=15550004&Body=x";
    assert_eq!(websmsd.post("/", FORM, body).status, 200);
    for fields in ["", RIGHT, WRONG] {
        for target in ["/status", "/status?details"] {
            let answer = ask(&websmsd, target, BROWSER, fields);
            assert_eq!(answer.status, 200);
            let page = answer.text();
            assert!(!page.contains("15550003") && !page.contains("id=events"));
            assert!(page.contains("when [websmsd] status_auth is set"));
        }
    }
}

#[test]
fn a_stranger_and_an_undeclared_proxy_see_no_page() {
    let websmsd = Websmsd::start(&format!(
        "{PAGE}status_addr = 10.0.0.0/8\nurl_path = /sms\n"
    ));
    let other = ask(&websmsd, "/other", BROWSER, RIGHT);
    let page = ask(&websmsd, "/status", BROWSER, RIGHT);
    assert_eq!((page.status, page.text()), (other.status, other.text()));
    let websmsd = Websmsd::start(&format!("{PAGE}url_path = /sms\n"));
    for trace in [
        "Via: 1.1 x",
        "X-Forwarded-For: 127.0.0.1",
        "X-Real-IP: ::1",
        "Forwarded: for=x",
    ] {
        let answer = ask(&websmsd, "/status", BROWSER, &format!("{RIGHT}{trace}\r\n"));
        assert_eq!(answer.status, 404, "{trace}");
    }
}

#[test]
fn check_warns_of_credentials_in_plain_view() {
    let words = "status_auth goes over HTTP";
    let check = |more: &str, expected: bool| {
        let scratch = Scratch::new();
        let conf = scratch.file("websms.conf", format!("{PAGE}{more}"));
        let mut run = command(&binary());
        run.arg("websmsd").arg("--check").arg("-c").arg(conf);
        let ran = finish(run);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(said.contains(words), expected, "{more}: {said}");
        assert!(!said.contains("secret"), "{said}");
    };
    check("", false);
    check("status_addr = 127.0.0.1,::1\n", false);
    check("status_addr = 127.0.0.1,10.0.0.0/8\n", true);
    check(
        "status_addr = 0.0.0.0/0\ntls_cert = /x\ntls_key = /y\n",
        false,
    );
}

// ---- What it shows --------------------------------------------------------------------------

#[test]
fn both_programs_events_are_on_it_newest_first() {
    let itsp = Itsp::start(vec![Script::reply(200, ""), Script::reply(400, "")]);
    let websmsd = with(&itsp, PAGE);
    wait_for_queue(&websmsd);
    send(&websmsd, "+15550001", "+15550002");
    wait_for("the first", || html(&websmsd).contains("<td>SENT<td>"));
    send(&websmsd, "+15550005", "+15550006");
    wait_for("the second", || html(&websmsd).contains("<td>REFUSED<td>"));
    assert_eq!(websmsd.post("/", FORM, "To=7&From=8&Body=x").status, 200);
    let page = html(&websmsd);
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}: {page}"));
    assert!(at("<td>RECEIVED<td>") < at("<td>REFUSED<td>"));
    assert!(at("<td>REFUSED<td>") < at("<td>SENT<td>"));
    at("<td>+15550002<td>+15550001<td>");
    at("<td>8<td>7<td>");
    let json = json(&websmsd);
    for text in [
        "\"way\":\"out\",\"from\":\"+15550002\",\"to\":\"+15550001\"",
        "\"verdict\":\"REFUSED\"",
        "\"way\":\"in\",\"from\":\"8\",\"to\":\"7\"",
        "\"accepted\":1,",
    ] {
        assert!(json.contains(text), "{text}: {json}");
    }
}

#[test]
fn numbers_are_masked_as_in_the_log() {
    let itsp = Itsp::accepting();
    let websmsd = with(&itsp, PAGE);
    wait_for_queue(&websmsd);
    let conf = websmsd.scratch.join("websms.conf");
    let masked = fs::read_to_string(&conf).unwrap();
    let masked = masked.replace("[websms]\n", "[websms]\nlog_numbers = masked\n");
    fs::write(&conf, masked).unwrap();
    websmsd.signal("HUP");
    websmsd.wait_for_log("configuration read again");
    send(&websmsd, "+15550001", "+15550002");
    wait_for("the event", || html(&websmsd).contains("<td>SENT<td>"));
    for text in [html(&websmsd), json(&websmsd)] {
        assert!(text.contains("...001") && text.contains("...002"), "{text}");
        assert!(!text.contains("1555"), "{text}");
    }
}

#[test]
fn what_waits_what_was_given_up_and_what_is_kept_have_their_commands() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let websmsd = with(&itsp, PAGE);
    wait_for_queue(&websmsd);
    send(&websmsd, "+15550001", "+15550002");
    let page = html(&websmsd);
    assert!(
        page.contains("<td>+15550002<td>+15550001<td>") && page.contains("answered 503"),
        "{page}"
    );
    assert!(json(&websmsd).contains("\"place\":\"queue\""));
    // Of an id of 64 bits as much is shown as tells it from others.
    let (_, id) = page.split_once("id=waiting>").unwrap();
    let (_, id) = id.split_once("<tbody><tr><td>").unwrap();
    let (id, _) = id.split_once("<td>").unwrap();
    assert_eq!(id.len(), 8, "{page}");
    let conf = websmsd.scratch.join("websms.conf");
    let shown = websms(&conf, &["--show", id]).stdout;
    assert!(shown.contains("state: waits"), "{id}: {shown}");
    assert!(page.contains("--flush tries all now"));
    assert_eq!(websmsd.post("/", FORM, "To=1&From=2").status, 422);
    let page = html(&websmsd);
    assert!(page.contains("websmsd --replay ID"), "{page}");
    let kept = fs::read_dir(websmsd.scratch.join("state/rejected")).unwrap();
    let kept = kept.last().unwrap().unwrap().file_name();
    let row = format!("<td>{}<td>", kept.to_str().unwrap());
    let (_, rest) = page.split_once("id=kept>").unwrap();
    assert!(rest.contains(&row), "{rest}");
    assert!(rest.contains("all of it<td>no text"), "{rest}");
}

#[test]
fn a_hundred_events_are_held() {
    let websmsd = Websmsd::start(PAGE);
    for n in 0..105 {
        let body = format!("To=1&From=90{n:03}&Body=x");
        assert_eq!(websmsd.post("/", FORM, body).status, 200);
    }
    let page = html(&websmsd);
    assert_eq!(page.matches("<td>RECEIVED<td>").count(), 100);
    assert!(page.contains("90104") && page.contains("90005") && !page.contains("90004"));
}

// ---- What comes from outside ----------------------------------------------------------------

#[test]
fn what_strangers_write_changes_no_markup() {
    let pile = "\u{301}".repeat(32);
    let senders = ["<script>x</script>", "\"'&<>", "\u{202e}x\u{202d}", &pile];
    let reason = "<img src=x onerror=y>\"'\u{202e}\u{0}".to_owned() + &pile;
    let itsp = Itsp::start(vec![Script::reply(
        503,
        format!("{{\"message\":{reason:?}}}"),
    )]);
    let websmsd = with(&itsp, PAGE);
    wait_for_queue(&websmsd);
    let plain = html(&websmsd);
    let names = |page: &str| -> Vec<String> {
        let tags = page.split('<').skip(1);
        let names = tags.map(|tag| tag.split([' ', '>', '/']).next().unwrap().to_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names.dedup();
        names
    };
    send(&websmsd, "+15550001", "<script>x</script>");
    for sender in senders {
        let escaped: String = sender.bytes().map(|b| format!("%{b:02x}")).collect();
        let body = format!("To=1&From={escaped}&Body=x");
        websmsd.post("/?<script>", FORM, &body);
        websmsd.post("/", FORM, format!("To={escaped}&From={escaped}&Body=x"));
    }
    wait_for("the events", || html(&websmsd).contains("RECEIVED"));
    let page = html(&websmsd);
    let known = names(&plain);
    for name in names(&page) {
        let is_ours = [
            "ul", "li", "b", "br", "bdi", "table", "thead", "tbody", "tr", "th", "td",
        ];
        assert!(
            known.contains(&name) || is_ours.contains(&name.as_str()),
            "{name}"
        );
    }
    assert!(!page.contains("<script") && !page.contains("<img"));
    for unseen in ['\u{202e}', '\u{202d}', '\0'] {
        assert!(!page.contains(unseen), "{unseen:?}");
    }
    assert!(!page.contains("\u{301}\u{301}\u{301}"));
}

#[test]
fn an_interface_may_have_any_name() {
    let name = "<b>&\u{202e}".to_owned() + &"\u{301}".repeat(28);
    let long = "n".repeat(64);
    let conf = format!("{PAGE}[websms]\nhost[{name}] = a.example\nhost[{long}] = b.example\n");
    let websmsd = Websmsd::start(&conf);
    assert_eq!(websmsd.post("/", FORM, "To=1&From=2&Body=x").status, 200);
    let page = html(&websmsd);
    assert!(
        !page.contains("<b>&") && !page.contains('\u{202e}'),
        "{page}"
    );
    assert!(
        page.contains(&long) && !page.contains("\u{301}\u{301}\u{301}"),
        "{}",
        page.len()
    );
}

// ---- Problems -------------------------------------------------------------------------------

/// Whether page and JSON have a problem with this fact and this remedy.
fn tells(websmsd: &Websmsd, fact: &str, remedy: &str) -> bool {
    let (page, json) = (html(websmsd), json(websmsd));
    let in_page = page.split("<li>").any(|problem| {
        let parts = problem.split_once("What to do: ");
        parts.is_some_and(|(text, what)| text.contains(fact) && what.contains(remedy))
    });
    in_page && json.contains(fact) && json.contains(remedy) && json.contains("\"well\":false")
}

#[test]
fn nothing_is_wrong_where_all_is_well() {
    let folder = Scratch::new();
    let conf = format!("{PAGE}permit_addr = 127.0.0.1\nproxy_addr =\n");
    let websmsd = Websmsd::spawn_alone(&daemon_in(&folder, &conf), Scratch::new());
    assert!(
        html(&websmsd).contains("<p class=g>All is well."),
        "{}",
        json(&websmsd)
    );
    assert!(json(&websmsd).contains("\"well\":true,\"problems\":[]"));
}

#[test]
fn what_check_warns_of_is_a_problem() {
    let websmsd = Websmsd::start(PAGE);
    assert!(tells(
        &websmsd,
        "anyone can deliver SMS",
        "websmsd --check says the same"
    ));
    // What is in the file now counts.
    let conf = websmsd.scratch.join("websms.conf");
    let fixed = fs::read_to_string(&conf).unwrap();
    fs::write(
        &conf,
        fixed.replace(PAGE, &format!("{PAGE}permit_addr = 127.0.0.1\n")),
    )
    .unwrap();
    assert!(!tells(&websmsd, "anyone can deliver SMS", ""));
}

#[test]
fn a_spool_that_is_not_there_is_a_problem_until_it_is_back() {
    let websmsd = Websmsd::start(PAGE);
    let fact = "no SMS reaches asterisk";
    assert!(!tells(&websmsd, fact, ""));
    fs::remove_dir(websmsd.outgoing()).unwrap();
    wait_for("the problem", || {
        tells(&websmsd, fact, "see whether asterisk is installed")
    });
    fs::create_dir(websmsd.outgoing()).unwrap();
    assert!(!tells(&websmsd, fact, ""));
}

/// A daemon whose spool is a small filesystem in memory, and that filesystem's folder as others see it.
fn on_a_disk(size: &str) -> (Websmsd, PathBuf) {
    let scratch = Scratch::new();
    let disk = scratch.folder("disk");
    let conf = format!(
        "{PAGE}[astqueue]\noutgoingdir = \"{0}/outgoing\"\nstagingdir = \"{0}/staging\"\n",
        disk.display()
    );
    let conf = scratch.file("websms.conf", spool_conf(&scratch, &conf));
    let mut run = command(Path::new("unshare"));
    run.args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg(format!(
            "mount -t tmpfs -o {size} none \"$0\" && mkdir \"$0/outgoing\" && exec \"$@\""
        ))
        .arg(&disk)
        .arg(binary())
        .args(["websmsd", "-c"])
        .arg(&conf)
        .args(["-l", "127.0.0.1:0", "-v"]);
    let websmsd = Websmsd::spawn(run, scratch);
    let inside = PathBuf::from(format!("/proc/{}/root{}", websmsd.pid(), disk.display()));
    (websmsd, inside)
}

#[test]
fn a_full_disk_is_a_problem_until_there_is_room() {
    let remedy = "free space there; until then SMS are refused";
    let (websmsd, disk) = on_a_disk("size=4m");
    assert!(!tells(&websmsd, "is full", ""));
    fs::write(disk.join("filler"), vec![b'x'; 3_500_000]).unwrap();
    for key in ["outgoingdir", "stagingdir"] {
        let fact = format!("the filesystem of {key} is full: ");
        assert!(tells(&websmsd, &fact, remedy), "{}", html(&websmsd));
    }
    assert!(tells(&websmsd, " KiB are free", remedy));
    fs::remove_file(disk.join("filler")).unwrap();
    assert!(!tells(&websmsd, "is full", ""));
}

#[test]
fn a_disk_that_takes_no_more_files_is_a_problem() {
    let (websmsd, disk) = on_a_disk("size=4m,nr_inodes=8");
    let fact = "the filesystem of outgoingdir takes no more files";
    assert!(!tells(&websmsd, fact, ""));
    let files = (0..9).take_while(|n| fs::write(disk.join(n.to_string()), "").is_ok());
    assert!((1..9).contains(&files.count()));
    assert!(
        tells(&websmsd, fact, "free space there"),
        "{}",
        html(&websmsd)
    );
    fs::remove_file(disk.join("0")).unwrap();
    assert!(!tells(&websmsd, fact, ""));
}

#[test]
fn an_interface_that_fails_is_a_problem_until_it_sends() {
    let scripts = [503, 400, 503].map(|status| Script::reply(status, ""));
    let itsp = Itsp::start(scripts.to_vec());
    let websmsd = with(&itsp, PAGE);
    wait_for_queue(&websmsd);
    let fact = "nothing was sent since";
    send(&websmsd, "+1", "+2");
    wait_for("the problem", || {
        tells(&websmsd, fact, "websms --selftest names the step")
    });
    // A refusal is an answer: the provider works, and the SMS that waits goes after it.
    let conf = websmsd.scratch.join("websms.conf");
    websms(&conf, &["--drop", "all"]);
    websms(&conf, &["--flush"]);
    wait_for("no problem", || !tells(&websmsd, fact, ""));
    assert!(html(&websmsd).contains("<dt>Last error<dd>"));
}

#[test]
fn polls_that_fail_are_a_problem() {
    let itsp = Itsp::start(vec![Script::reply(500, "")]);
    let conf = format!(
        "{PAGE}poll = 10s\npoll_path = /list\npoll_each = sms\npoll_from = from\npoll_to = to\n\
         poll_body = text\npoll_id = id\n"
    );
    let websmsd = with(&itsp, &conf);
    wait_for("the problem", || {
        tells(&websmsd, "polls have failed since", "websmsd --poll")
    });
}

/// Returns the command of a daemon in a folder that outlives it.
fn daemon_in(folder: &Scratch, conf: &str) -> Command {
    let conf = folder.file("websms.conf", spool_conf(folder, conf));
    let mut run = daemon_command(Called::Link, folder);
    run.arg("-c").arg(conf).args(["-l", "127.0.0.1:0", "-v"]);
    run
}

/// Runs a daemon in such a folder under another clock.
fn run_in(folder: &Scratch, conf: &str, clock: &str) -> Websmsd {
    let mut run = daemon_in(folder, conf);
    set_clock(&mut run, clock);
    Websmsd::spawn(run, Scratch::new())
}

#[test]
fn sms_that_wait_for_long_are_a_problem() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let folder = Scratch::new();
    let conf = format!(
        "{PAGE}[astqueue]\ninbox = yes\n[queue]\nretry = 60\n[websms]\nhost = http://{}\npath = /\n\
         key_to = to\nkey_from = from\nkey_body = text\n",
        itsp.address
    );
    let queue = "the oldest SMS in the queue waits for";
    let inbox = "the oldest SMS in the inbox waits for";
    let websmsd = run_in(&folder, &conf, "");
    let file = folder.join("websms.conf");
    wait_for("a daemon that drains", || {
        !websms(&file, &["--queue"]).stdout.contains("no websmsd")
    });
    websms(&file, &["--", "+1", "+2", "x"]);
    assert_eq!(websmsd.post("/", FORM, "To=1&From=2&Body=x").status, 200);
    assert!(!tells(&websmsd, queue, "") && !tells(&websmsd, inbox, ""));
    drop(websmsd);
    let websmsd = run_in(&folder, &conf, "+20m");
    wait_for("the queue's problem", || {
        tells(&websmsd, queue, "websms --queue shows why")
    });
    wait_for("the inbox's problem", || {
        tells(&websmsd, inbox, "see whether asterisk runs")
    });
}

#[test]
fn a_clock_that_is_not_set_is_a_problem() {
    let folder = Scratch::new();
    let websmsd = run_in(&folder, PAGE, "@1970-01-01 00:10:00");
    assert!(tells(
        &websmsd,
        "the clock: it stands before",
        "ntpd, or chronyd"
    ));
}

#[test]
fn a_certificate_that_has_ended_is_a_problem() {
    let scratch = Scratch::new();
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    for (name, from) in [("cert.pem", "own-expired.pem"), ("key.pem", "server.key")] {
        scratch.file(name, fs::read(tests.join(from)).unwrap());
    }
    let conf = format!("{PAGE}tls_cert = @DIR@/cert.pem\ntls_key = @DIR@/key.pem\n");
    let websmsd = Websmsd::start_as(Called::Link, scratch, &conf, &[]);
    let mut curl = Command::new("curl");
    curl.args([
        "-sk",
        "--noproxy",
        "*",
        "--max-time",
        "20",
        "--compressed",
        "-u",
        "me:secret",
    ])
    .args(["-H", "Accept: application/json"])
    .arg(format!("https://{}/status", websmsd.address));
    let json = finish(curl).stdout;
    assert!(
        json.contains("the certificate of tls_cert has ended on"),
        "{json}"
    );
    assert!(json.contains("renew it and replace the files"), "{json}");
}

#[test]
fn a_configuration_that_needs_a_deep_stack_is_checked_for_the_page() {
    let deep = format!("/{}a{}/", "(".repeat(45), ")".repeat(45));
    let itsp = Itsp::accepting();
    let websmsd = with(&itsp, PAGE);
    let conf = websmsd.scratch.join("websms.conf");
    let whole = fs::read_to_string(&conf).unwrap();
    let more = format!("[websms]\nresponse_check = \"{deep}\"\n");
    fs::write(&conf, whole.replace("[websms]\n", &more)).unwrap();
    for _ in 0..3 {
        assert!(tells(&websmsd, "anyone can deliver SMS", ""));
    }
    assert!(
        !html(&websmsd).contains("does not compile"),
        "{}",
        json(&websmsd)
    );
}
