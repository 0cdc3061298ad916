//! Tests how `websmsd` polls a provider: a stub lists SMS as providers do, and fails as they do.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::rig::{
    CallFile, Called, Decision, Itsp, PATIENCE, Ran, Received, Scratch, Script, Websmsd,
    call_files, daemon_command, finish, holds_within, percent_decode, set_clock, spool_conf,
    wait_for, wait_for_exit,
};

// ---- A provider ------------------------------------------------------------------------------

/// One SMS in the provider's list.
#[derive(Debug, Clone)]
struct Sms {
    id: String,
    text: String,
}

/// The way in which it lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pages {
    One,
    Url,
    Number,
    Offset,
    Value,
}

/// The provider's list, oldest first, to which a test may add.
#[derive(Clone)]
struct Provider {
    list: Arc<Mutex<Vec<Sms>>>,
    pages: Pages,
    page_size: usize,
    newest_first: bool,
}

impl Provider {
    fn new(pages: Pages, page_size: usize, newest_first: bool) -> Provider {
        Provider {
            list: Arc::default(),
            pages,
            page_size,
            newest_first,
        }
    }

    fn add(&self, texts: impl IntoIterator<Item = usize>) {
        let mut list = self.list.lock().unwrap();
        list.extend(texts.into_iter().map(|nth| Sms {
            id: format!("id{nth}"),
            text: format!("text {nth}"),
        }));
    }

    fn answer(&self, request: &Received) -> (u16, String) {
        let target = &request.target;
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let parameter = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| *key == name)?;
            Some(percent_decode(found.1))
        };
        let number = |name: &str| parameter(name).map_or(0, |it| it.parse::<usize>().unwrap());
        let mut list = self.list.lock().unwrap().clone();
        if self.newest_first {
            list.reverse();
        }
        let start = match self.pages {
            Pages::One => 0,
            Pages::Url | Pages::Offset => number("offset"),
            Pages::Number => (number("page") - 1) * self.page_size,
            Pages::Value => number("after"),
        };
        let end = (start + self.page_size).min(list.len());
        let elements: Vec<String> = list[start.min(end)..end].iter().map(element).collect();
        let more = end < list.len();
        let next = match (self.pages, more) {
            (Pages::Url, true) => format!(r#""/list?offset={end}""#),
            (Pages::Value, true) => end.to_string(),
            _ => "null".to_owned(),
        };
        let body = format!(
            r#"{{"status":"ok","messages":[{}],"next":{next}}}"#,
            elements.join(",")
        );
        (200, body)
    }

    fn start(&self) -> Itsp {
        let provider = self.clone();
        let decide = move |request: &Received| provider.answer(request);
        Itsp::start(vec![Script::Decide(Decision(Arc::new(decide)))])
    }

    fn keys(&self) -> String {
        let pages = match self.pages {
            Pages::One => "poll_path = /list",
            Pages::Url => "poll_path = /list\npoll_next = next",
            Pages::Number => "poll_path = '/list?page={page}'",
            Pages::Offset => "poll_path = '/list?offset={offset}'",
            Pages::Value => "poll_path = '/list?after={next}'\npoll_page = next",
        };
        let order = if self.newest_first {
            "newest"
        } else {
            "oldest"
        };
        format!("{pages}\npoll_order = {order}\n")
    }
}

fn element(sms: &Sms) -> String {
    format!(
        r#"{{"id":"{}","direction":"inbound","to":"+12025550160","from":"+12025550183","body":"{}"}}"#,
        sms.id, sms.text
    )
}

/// The settings from which each of several interfaces is made, with an index of its own.
const PLACES: &str = "poll_each = messages\npoll_if = 'direction=inbound'\npoll_to = to\npoll_from = from\n\
                      poll_body = body\npoll_id = id\n";

fn conf(itsp: &Itsp, keys: &str) -> String {
    format!(
        "[websms]\nhost = {}\nauth_method = none\n[websmsd]\npoll = 10s\n{PLACES}{keys}\n",
        itsp.url()
    )
}

/// A place where `websmsd --poll` is run again and again.
struct Place {
    scratch: Scratch,
    conf: PathBuf,
}

impl Place {
    fn new(conf: &str) -> Place {
        let scratch = Scratch::new();
        let conf = scratch.file("websms.conf", spool_conf(&scratch, conf));
        Place { scratch, conf }
    }

    fn poll(&self) -> Ran {
        self.poll_with(&[])
    }

    fn poll_with(&self, options: &[&str]) -> Ran {
        let mut run = daemon_command(Called::Link, &self.scratch);
        run.arg("-c").arg(&self.conf).arg("--poll").args(options);
        run.arg("-v");
        finish(run)
    }

    #[track_caller]
    fn good(&self) -> Ran {
        let ran = self.poll();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran
    }

    fn call_files(&self) -> Vec<CallFile> {
        call_files(&self.scratch.join("outgoing"))
    }

    /// Returns the texts of all SMS that were delivered, sorted.
    fn texts(&self) -> Vec<String> {
        let mut texts: Vec<String> = self.call_files().iter().map(CallFile::body).collect();
        texts.sort_unstable();
        texts
    }

    fn state(&self) -> PathBuf {
        self.scratch.join("state")
    }
}

/// Returns the ids of call files in the order of the log.
fn delivered(log: &str) -> Vec<String> {
    let lines = log
        .lines()
        .filter(|line| line.contains(": delivered, from "));
    lines.map(id).collect()
}

/// Returns the id of the SMS in a line: its last part, or the word before "poll" in the first line of an answer.
pub fn id(line: &str) -> String {
    let last = line.rsplit(", ").next().unwrap().trim();
    let id = match last.contains(' ') {
        true => line.split(' ').find(|word| word.len() == 16).unwrap(),
        false => last,
    };
    id.to_owned()
}

/// Returns every file below a folder with its inode, its change time and its size.
fn written(folder: &Path) -> BTreeMap<PathBuf, (u64, i64, i64, u64)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let meta = path.symlink_metadata().unwrap();
        if meta.is_dir() {
            found.extend(written(&path));
        }
        found.insert(
            path,
            (meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.len()),
        );
    }
    found
}

// ---- What is delivered, and when ---------------------------------------------------------------

#[test]
fn what_is_there_is_noted_and_what_comes_is_delivered_once() {
    let provider = Provider::new(Pages::One, 100, true);
    provider.add(1..=3);
    let itsp = provider.start();
    let place = Place::new(&conf(&itsp, &provider.keys()));
    let first = place.good();
    assert!(
        first.stdout.contains("first poll: 3 SMS are there already"),
        "{first:?}"
    );
    assert_eq!(place.texts(), Vec::<String>::new());

    provider.add([4]);
    let second = place.good();
    assert!(second.stdout.contains("1 of them new"), "{second:?}");
    let files = place.call_files();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].body(), "text 4");
    assert_eq!(files[0].variable("MESSAGE(from)"), "+12025550183");
    assert_eq!(files[0].variable("MESSAGE(to)"), "+12025550160");
    // The log never holds a text, and nothing that the provider said.
    assert!(
        !second.stderr.contains("text 4") && !second.stdout.contains("text 4"),
        "{second:?}"
    );

    let before = written(&place.state());
    let requests = itsp.requests().len();
    for _ in 0..3 {
        place.good();
    }
    // Without new SMS there is one request per poll, and nothing is written.
    assert_eq!(itsp.requests().len(), requests + 3);
    assert_eq!(written(&place.state()), before);
    assert_eq!(place.texts(), ["text 4"]);
}

#[test]
fn pages_are_turned_and_the_oldest_sms_goes_first() {
    for pages in [
        Pages::One,
        Pages::Url,
        Pages::Number,
        Pages::Offset,
        Pages::Value,
    ] {
        for newest_first in [true, false] {
            let page_size = if pages == Pages::One { 100 } else { 3 };
            let provider = Provider::new(pages, page_size, newest_first);
            provider.add(1..=8);
            let itsp = provider.start();
            let place = Place::new(&conf(&itsp, &provider.keys()));
            place.good();
            assert_eq!(place.texts(), Vec::<String>::new(), "{pages:?}");
            provider.add(10..=19);
            let ran = place.good();
            let files = place.call_files();
            let text_of = |id: &String| {
                let file = files.iter().find(|it| it.name.contains(id.as_str()));
                file.unwrap_or_else(|| panic!("{id} {ran:?}")).body()
            };
            let texts: Vec<String> = delivered(&ran.stderr).iter().map(text_of).collect();
            let expected: Vec<String> = (10..=19).map(|nth| format!("text {nth}")).collect();
            assert_eq!(texts, expected, "{pages:?} {newest_first}");
            // A known SMS ends a list with the newest first.
            let requests = itsp.requests().len();
            place.good();
            let more = itsp.requests().len() - requests;
            assert!(more == 1 || !newest_first, "{pages:?} {more}");
            assert_eq!(place.texts().len(), 10, "{pages:?} {newest_first}");
        }
    }
}

#[test]
fn a_long_list_is_read_over_several_polls() {
    let provider = Provider::new(Pages::Offset, 2, true);
    provider.add(1..=50);
    let itsp = provider.start();
    let mut daemon = start_polling(Scratch::new(), &conf(&itsp, &provider.keys()));
    daemon.wait_for_log("the list is longer than one poll reads");
    assert_eq!(itsp.requests().len(), 20);
    daemon.wait_for_log("first poll: 50 SMS are there already");
    assert_eq!(itsp.requests().len(), 26);
    assert!(daemon.child.try_wait().unwrap().is_none());
}

#[test]
fn the_request_is_that_of_the_sending_interface() {
    let itsp = Itsp::start(vec![Script::reply(200, "[]")]);
    let conf = format!(
        "[websms]\nhost = {}/base\nauth_method = basic\nauth_user = me\nauth_passwd = pw\naccount = A\n\
         headers = 'X-Team: pbx | Content-Type: text/x'\n[websmsd]\npoll = 10s\npoll_id = id\n\
         poll_path = '/{{account}}/m?to={{number}}&from={{since}}&day={{since_date}}'\n\
         own_numbers = '+12025550160,+12025550161'\n",
        itsp.url()
    );
    let place = Place::new(&conf);
    place.good();
    let requests = itsp.requests();
    assert_eq!(requests.len(), 2);
    for (request, number) in requests.iter().zip(["%2B12025550160", "%2B12025550161"]) {
        assert_eq!(request.method, "GET");
        let start = format!("/base/A/m?to={number}&from=20");
        assert!(request.target.starts_with(&start), "{}", request.target);
        assert_eq!(request.header("Authorization"), Some("Basic bWU6cHc="));
        assert_eq!(request.header("X-Team"), Some("pbx"));
        assert_eq!(request.header("Content-Type"), None);
        assert!(request.body.is_empty());
    }

    // There are parameters of poll_static, and a password that must not stand in a URL.
    let conf = conf.replace(" | Content-Type: text/x", "").replace(
        "auth_method = basic",
        "auth_method = plain\nkey_user = u\nkey_secret = p\nformat = multipart",
    );
    let conf = conf.replace(
        "poll_id = id",
        "poll_id = id\npoll_static = 'method=getSMS,did={number}'",
    );
    let place = Place::new(&conf);
    place.good();
    let request = &itsp.requests()[2];
    assert_eq!(request.method, "POST");
    let body = request.text();
    for part in [
        "name=\"method\"\r\n\r\ngetSMS",
        "name=\"did\"\r\n\r\n+12025550160",
        "name=\"p\"\r\n\r\npw",
    ] {
        assert!(body.contains(part), "{body}");
    }
    assert!(!request.target.contains("pw"), "{}", request.target);
}

// ---- Faults ------------------------------------------------------------------------------------

#[test]
fn an_answer_that_cannot_be_used_is_told_and_nothing_is_lost() {
    let good = |elements: &[&str]| format!(r#"{{"messages":[{}]}}"#, elements.join(","));
    let sms = |nth: usize| {
        element(&Sms {
            id: format!("id{nth}"),
            text: format!("text {nth}"),
        })
    };
    let empty = good(&[]);
    // Checks the report on an answer, and the SMS of it that arrive.
    let check = |script: Script, told: &str, texts: &[&str]| {
        let itsp = Itsp::start(vec![
            Script::reply(200, &empty),
            script,
            Script::reply(200, good(&[&sms(7)])),
        ]);
        let place = Place::new(&conf(
            &itsp,
            "poll_path = /list\npoll_next = next\npoll_timeout = 5s\n",
        ));
        place.good();
        let ran = place.poll();
        assert_eq!(ran.code, Some(75), "{told}: {ran:?}");
        assert!(ran.stdout.contains(told), "{told}: {ran:?}");
        assert!(ran.stderr.contains(told), "{told}: {ran:?}");
        assert_eq!(place.texts(), texts, "{told}");
        assert!(!ran.stderr.contains("secret"), "{ran:?}");
        // The next poll works as usual.
        place.good();
        let mut all: Vec<&str> = texts.to_vec();
        all.push("text 7");
        all.sort_unstable();
        all.dedup();
        assert_eq!(place.texts(), all, "{told}");
    };
    let html = "<html><h1>Sorry</h1></html>";
    check(
        Script::reply(200, html),
        "the answer is no JSON, with provider answered 200",
        &[],
    );
    check(Script::reply(503, html), "provider answered 503", &[]);
    check(Script::reply(200, ""), "the answer is no JSON", &[]);
    check(
        Script::reply(302, ""),
        "redirects are refused, provider answered 302",
        &[],
    );
    check(
        Script::reply(404, r#"{"message":"not here"}"#),
        "provider answered 404: not here",
        &[],
    );
    check(
        Script::reply(200, r#"{"status":"ip_not_enabled"}"#),
        "no list where poll_each says, with provider answered 200: ip_not_enabled",
        &[],
    );
    // A value that may be an SMS is not shown.
    check(
        Script::reply(200, r#"{"message":"a secret"}"#),
        "no list where poll_each says, with provider answered 200",
        &[],
    );
    check(Script::reply(200, r#"{"messages":"none"}"#), "no list", &[]);
    check(
        Script::reply(200, r#"{"messages":{"id":1}}"#),
        "no list",
        &[],
    );
    check(
        Script::Close,
        "connection lost before an answer: 127.0.0.1:",
        &[],
    );
    check(Script::Reset, "connection lost before an answer", &[]);
    check(
        Script::Raw(b"SSH-2.0-x\r\n\r\n".to_vec()),
        "the answer is not HTTP",
        &[],
    );
    check(Script::Hang, "timeout while waiting for the answer", &[]);
    // Complete elements of a cut answer arrive, and once.
    let cut = format!(r#"{{"messages":[{},{},{{"id":"id3","#, sms(1), sms(2));
    check(
        Script::cut_body(&cut),
        "the answer was cut off",
        &["text 1", "text 2"],
    );
    // They also arrive from an answer of 100 MB, whose rest is not read.
    let mut long = format!(r#"{{"messages":[{},"#, sms(1)).into_bytes();
    long.resize(4 * 1024 * 1024, b' ');
    check(
        Script::reply(200, long),
        "the answer is longer than any that is read",
        &["text 1"],
    );
    // No other server is asked.
    let other = Itsp::accepting();
    let elsewhere = format!(
        r#"{{"messages":[{}],"next":"{}/list"}}"#,
        sms(1),
        other.url()
    );
    check(
        Script::reply(200, elsewhere),
        "the next page is on another host, refused",
        &["text 1"],
    );
    assert_eq!(other.connections(), 0);
    let same = format!(r#"{{"messages":[{}],"next":"/list"}}"#, sms(1));
    check(
        Script::reply(200, same),
        "the next page is the one before, refused",
        &["text 1"],
    );
}

#[test]
fn an_element_that_is_no_sms_is_kept_and_stops_none_of_the_others() {
    let itsp = Itsp::start(vec![
        Script::reply(200, r#"{"messages":[]}"#),
        Script::reply(
            200,
            r#"{"messages":[
                {"id":"n1","direction":"inbound","from":"+1","body":"no number"},
                {"id":"n2","direction":"inbound","to":"+12025550160","body":"no sender"},
                {"id":"n3","direction":"inbound","to":"+12025550160","from":"+1"},
                {"id":"n4","direction":"inbound","to":"+12025550160","from":"+1","body":"\x"},
                {"direction":"inbound","to":"+12025550160","from":"+1","body":"no id"},
                {"id":"s","direction":"outbound","to":"+12025550160","from":"+1","body":"sent by us"},
                7, "text", null, [], {},
                {"id":"d","direction":"inbound","to":"s","from":"+1","body":"an extension"},
                {"id":"l","direction":"inbound","to":"+12025550160","from":"+1\r\nx: y","body":"line\nend"},
                {"id":"g","direction":"inbound","to":"+12025550160","from":"+1","body":"good","date":"2999-01-01"}
            ]}"#,
        ),
    ]);
    let place = Place::new(&conf(&itsp, "poll_path = /list\n"));
    place.good();
    let ran = place.good();
    assert_eq!(place.texts(), ["good", "line\nend", "no id"]);
    let passed_over = ran.stderr.matches("passed over, element ").count();
    assert_eq!(passed_over, 5, "{ran:?}");
    for secret in ["no number", "an extension", "good"] {
        assert!(
            !ran.stderr.contains(secret) && !ran.stdout.contains(secret),
            "{ran:?}"
        );
    }
    let kept = fs::read_dir(place.state().join("rejected"))
        .unwrap()
        .count();
    assert_eq!(kept, 5, "{ran:?}");
    // Each is logged once, and an SMS without an id is delivered once.
    let again = place.good();
    assert!(!again.stderr.contains("passed over"), "{again:?}");
    assert_eq!(place.texts().len(), 3);
    assert!(
        again.stdout.contains("14 elements, 0 of them new"),
        "{again:?}"
    );
}

#[test]
fn an_id_that_comes_again_with_another_text_is_delivered_and_told() {
    let page = |text: &str| {
        let sms = Sms {
            id: "same".to_owned(),
            text: text.to_owned(),
        };
        Script::reply(200, format!(r#"{{"messages":[{}]}}"#, element(&sms)))
    };
    let empty = Script::reply(200, r#"{"messages":[]}"#);
    let itsp = Itsp::start(vec![
        empty,
        page("one"),
        page("two"),
        page("two"),
        page("one"),
    ]);
    let place = Place::new(&conf(&itsp, "poll_path = /list\n"));
    place.good();
    place.good();
    let ran = place.good();
    assert!(
        ran.stderr.contains("an id comes again with other contents"),
        "{ran:?}"
    );
    place.good();
    place.good();
    assert_eq!(place.texts(), ["one", "two"]);
}

#[test]
fn what_was_kept_of_a_list_can_be_delivered_later() {
    let element =
        r#"{"id":"k","direction":"inbound","to":"+12025550160","from":"+1","text":"renamed"}"#;
    let itsp = Itsp::start(vec![
        Script::reply(200, r#"{"messages":[]}"#),
        Script::reply(200, format!(r#"{{"messages":[{element}]}}"#)),
    ]);
    let place = Place::new(&conf(&itsp, "poll_path = /list\n"));
    place.good();
    place.good();
    let mut kept = fs::read_dir(place.state().join("rejected")).unwrap();
    let kept = kept.next().unwrap().unwrap().path();
    // The operator repairs the configuration.
    let text = fs::read_to_string(&place.conf).unwrap();
    place.scratch.file(
        "websms.conf",
        text.replace("poll_body = body", "poll_body = 'body|text'"),
    );
    let mut run = daemon_command(Called::Link, &place.scratch);
    run.arg("-c").arg(&place.conf).arg("--replay").arg(kept);
    let ran = finish(run);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(place.texts(), ["renamed"]);
    // The list still shows the SMS.
    place.good();
    assert_eq!(place.texts(), ["renamed"]);
}

#[test]
fn what_could_not_be_stored_is_asked_for_again() {
    let provider = Provider::new(Pages::Url, 2, true);
    let itsp = provider.start();
    let daemon = start_polling(Scratch::new(), &conf(&itsp, &provider.keys()));
    daemon.wait_for_log("first poll: 0 SMS");
    let outgoing = daemon.scratch.join("outgoing");
    fs::remove_dir(&outgoing).unwrap();
    provider.add(1..=5);
    daemon.wait_for_log("not all of it could be stored");
    // Nobody gets an answer, so the log names no status.
    let log = daemon.log();
    let words = log
        .lines()
        .find(|line| line.contains(" poll: not delivered: "));
    let words = words.unwrap_or_else(|| panic!("{log}"));
    assert!(
        words.ends_with("; to be asked for again") && !words.contains("503"),
        "{words}"
    );
    fs::create_dir(&outgoing).unwrap();
    wait_for("the SMS", || call_files(&outgoing).len() == 5);
    daemon.wait_for_log("poll: works again");
    let known = daemon.scratch.join("state/poll/interface-/known");
    let known = fs::read_to_string(known).unwrap();
    assert_eq!(known.matches("id ").count(), 5, "{known}");
    assert_eq!(delivered(&daemon.log()).len(), 5, "{}", daemon.log());
}

// ---- Providers of other manners -----------------------------------------------------------------

#[test]
fn what_is_shown_once_is_delivered_the_first_time_too_and_kept_until_it_is_stored() {
    let page = |texts: &[usize]| {
        let elements = texts.iter().map(|nth| {
            element(&Sms {
                id: format!("id{nth}"),
                text: format!("text {nth}"),
            })
        });
        let elements: Vec<String> = elements.collect();
        Script::reply(200, format!(r#"{{"messages":[{}]}}"#, elements.join(",")))
    };
    let itsp = Itsp::start(vec![page(&[1, 2]), page(&[3]), page(&[])]);
    let keys = "poll_path = /list\npoll_consumes = yes\npoll_order = oldest\n";
    let place = Place::new(&conf(&itsp, keys));
    place.good();
    assert_eq!(itsp.requests().len(), 3);
    assert_eq!(place.texts(), ["text 1", "text 2", "text 3"]);

    // A spool that is missing for a while loses none of them.
    let itsp = Itsp::start(vec![page(&[1, 2]), page(&[])]);
    let scratch = Scratch::new();
    let daemon = start_polling_with(scratch, &conf(&itsp, keys), |scratch| {
        fs::remove_dir(scratch.join("outgoing")).unwrap();
    });
    let mut daemon = daemon;
    daemon.wait_for_log("not all of it could be stored");
    assert_eq!(itsp.requests().len(), 1);
    // The end of the program loses none either.
    daemon.child.kill().unwrap();
    wait_for_exit(&mut daemon.child);
    let mut again = daemon_command(Called::Link, &daemon.scratch);
    again
        .arg("-c")
        .arg(daemon.scratch.join("websms.conf"))
        .arg("-v");
    daemon.child = spawn(again, &daemon.log);
    wait_for("another failure", || {
        daemon
            .log()
            .matches("not all of it could be stored")
            .count()
            == 2
    });
    assert_eq!(itsp.requests().len(), 1);
    daemon.scratch.folder("outgoing");
    wait_for("both SMS", || {
        call_files(&daemon.scratch.join("outgoing")).len() == 2
    });
    daemon.wait_for_log("poll: works again");
    assert_eq!(itsp.requests().len(), 2);
}

#[test]
fn a_provider_is_told_what_is_stored() {
    let list = Provider::new(Pages::One, 100, true);
    list.add([1]);
    let provider = list.clone();
    let decide = move |request: &Received| match request.method.as_str() {
        "PUT" => (200, String::new()),
        _ => provider.answer(request),
    };
    let itsp = Itsp::start(vec![Script::Decide(Decision(Arc::new(decide)))]);
    let keys = format!("{}poll_done = 'PUT /read/{{id}}'\n", list.keys());
    let place = Place::new(&conf(&itsp, &keys));
    place.good();
    list.add([2, 3]);
    place.good();
    place.good();
    let puts = itsp.requests().into_iter().filter(|it| it.method == "PUT");
    let puts: Vec<String> = puts.map(|it| it.target).collect();
    assert_eq!(puts, ["/read/id2", "/read/id3"]);
    assert_eq!(place.texts(), ["text 2", "text 3"]);
}

#[test]
fn an_only_number_needs_no_place_in_the_list() {
    let page = r#"[{"id":"a","from":"+12025550183","body":"hi"}]"#;
    let itsp = Itsp::start(vec![Script::reply(200, "[]"), Script::reply(200, page)]);
    let conf = format!(
        "[websms]\nhost = {}\nauth_method = none\n[websmsd]\npoll = 10s\npoll_path = /list\npoll_from = from\n\
         poll_body = body\npoll_id = id\nown_numbers = 12025550160\nnumber_format = +E164\n",
        itsp.url()
    );
    let place = Place::new(&conf);
    place.good();
    place.good();
    assert_eq!(
        place.call_files()[0].variable("MESSAGE(to)"),
        "+12025550160"
    );
}

#[test]
fn an_answer_that_says_none_is_no_fault() {
    let itsp = Itsp::start(vec![Script::reply(200, r#"{"status":"no_sms"}"#)]);
    let place = Place::new(&conf(
        &itsp,
        "poll_path = /list\npoll_empty = 'status=no_sms|no_mms'\n",
    ));
    let ran = place.good();
    assert!(ran.stdout.contains("0 elements"), "{ran:?}");
}

// ---- The daemon ---------------------------------------------------------------------------------

/// A daemon that must listen nowhere.
struct Polling {
    child: Child,
    scratch: Scratch,
    log: PathBuf,
}

fn start_polling(scratch: Scratch, conf: &str) -> Polling {
    start_polling_with(scratch, conf, |_| {})
}

fn start_polling_with(scratch: Scratch, conf: &str, prepare: impl Fn(&Scratch)) -> Polling {
    let conf = scratch.file("websms.conf", spool_conf(&scratch, conf));
    prepare(&scratch);
    let log = scratch.join("log");
    let mut run = daemon_command(Called::Link, &scratch);
    run.arg("-c").arg(conf).arg("-v");
    let child = spawn(run, &log);
    Polling {
        child,
        scratch,
        log,
    }
}

fn spawn(mut run: Command, log: &Path) -> Child {
    let file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .unwrap();
    run.stdout(Stdio::null()).stderr(file).spawn().unwrap()
}

impl Polling {
    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    #[track_caller]
    fn wait_for_log(&self, text: &str) {
        let logged = holds_within(PATIENCE * 2, || self.log().contains(text));
        assert!(logged, "no {text:?} in the log:\n{}", self.log());
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_daemon_whose_providers_are_asked_listens_nowhere() {
    let provider = Provider::new(Pages::One, 100, true);
    let itsp = provider.start();
    let daemon = start_polling(Scratch::new(), &conf(&itsp, &provider.keys()));
    daemon.wait_for_log("notice: listens nowhere");
    daemon.wait_for_log("first poll: 0 SMS");
    provider.add([1]);
    wait_for("the SMS", || {
        call_files(&daemon.scratch.join("outgoing")).len() == 1
    });
    daemon.wait_for_log(" poll: delivered, from +12025550183 to +12025550160\n");
    let log = daemon.log();
    assert!(!log.contains("listening on"), "{log}");
    let sockets = fs::read_dir(format!("/proc/{}/fd", daemon.child.id())).unwrap();
    let sockets = sockets
        .flatten()
        .filter_map(|fd| fs::read_link(fd.path()).ok());
    let listening = fs::read_to_string(format!("/proc/{}/net/tcp", daemon.child.id())).unwrap();
    for socket in sockets.filter(|it| it.to_string_lossy().starts_with("socket:[")) {
        let inode = socket.to_string_lossy()[8..]
            .trim_end_matches(']')
            .to_owned();
        let is_ours = |line: &&str| line.split_whitespace().nth(9) == Some(&inode);
        let state = listening
            .lines()
            .find(is_ours)
            .map(|line| line.split_whitespace().nth(3));
        assert_ne!(state, Some(Some("0A")), "{log}");
    }
}

#[test]
fn a_poll_and_a_webhook_deliver_once_and_figures_tell_of_it() {
    let provider = Provider::new(Pages::One, 100, true);
    let itsp = provider.start();
    let keys = format!(
        "{}key_to = to\nkey_from = from\nkey_body = body\nkey_id = id\npermit_addr = 127.0.0.1\n\
         proxy_addr =\nstatus_path = /status\n",
        provider.keys()
    );
    let daemon = Websmsd::start(&conf(&itsp, &keys));
    daemon.wait_for_log("first poll: 0 SMS");
    let webhook = |nth: usize| {
        let sms = Sms {
            id: format!("id{nth}"),
            text: format!("text {nth}"),
        };
        daemon.post("/", "application/json", element(&sms)).status
    };
    assert_eq!(webhook(1), 200);
    provider.add(1..=2);
    let most = Instant::now() + Duration::from_secs(60);
    while daemon.call_files().len() < 2 && Instant::now() < most {
        thread::sleep(Duration::from_millis(50));
    }
    daemon.wait_for_log("delivered before");
    assert_eq!(webhook(2), 200);
    let mut texts: Vec<String> = daemon.call_files().iter().map(CallFile::body).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["text 1", "text 2"]);
    let page = daemon.get("/status").text();
    for line in [
        "websms_polls_total{interface=\"\",result=\"failed\"} 0\n",
        "websms_poll_last_good_timestamp_seconds{interface=\"\"} 1",
        "websms_in_accepted_total 2\n",
        "websms_in_duplicates_total 2\n",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[test]
fn a_provider_that_asks_for_a_pause_gets_it() {
    let retry = Script::reply_with(429, &[("Retry-After", "3600")], "slow down");
    let good = Script::reply(200, r#"{"messages":[]}"#);
    let itsp = Itsp::start(vec![retry, good]);
    let daemon = start_polling(Scratch::new(), &conf(&itsp, "poll_path = /list\n"));
    daemon.wait_for_log("poll: provider answered 429; trying on");
    // The next poll would have been after 10 s.
    assert!(!holds_within(Duration::from_secs(12), || itsp
        .connections()
        > 1));

    let refused = Itsp::start(vec![Script::reply(401, r#"{"message":"no such account"}"#)]);
    let daemon = start_polling(Scratch::new(), &conf(&refused, "poll_path = /list\n"));
    daemon.wait_for_log(
        "error: poll: provider answered 401: no such account: the account is refused",
    );
    // The failure is logged once, however often the poll is repeated.
    wait_for("another try", || refused.connections() > 1);
    assert_eq!(daemon.log().matches("the account is refused").count(), 1);
}

#[test]
fn a_slow_provider_holds_up_nobody_but_itself() {
    let answer = |body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let slow = Itsp::start(vec![Script::Slow {
        pieces: vec![answer(r#"{"messages":[]}"#).into_bytes()],
        pause: Duration::from_secs(7),
    }]);
    let provider = Provider::new(Pages::One, 100, true);
    let itsp = provider.start();
    let conf = format!(
        "[websms]\nauth_method = none\nhost [slow] = {}\nhost [fast] = {}\n[websmsd]\n{PLACES}\
         poll_path = /list\npoll [slow] = 10s\npoll [fast] = 10s\n",
        slow.url(),
        itsp.url()
    );
    let daemon = start_polling(Scratch::new(), &conf);
    daemon.wait_for_log("poll [fast]: first poll: 0 SMS");
    daemon.wait_for_log("poll [slow]: first poll: 0 SMS");
    provider.add([1]);
    wait_for("the SMS", || {
        call_files(&daemon.scratch.join("outgoing")).len() == 1
    });
    daemon.wait_for_log(" poll [fast]: delivered, from ");
}

#[test]
fn an_interface_that_is_asked_takes_no_webhook_unless_the_file_says_who_may_deliver() {
    let provider = Provider::new(Pages::One, 100, true);
    let itsp = provider.start();
    let daemon = Websmsd::start(&conf(&itsp, &format!("{}proxy_addr =\n", provider.keys())));
    assert_eq!(daemon.post("/", "application/json", "{}").status, 403);
    daemon.wait_for_log("first poll: 0 SMS");
}

#[test]
fn a_new_configuration_begins_to_ask_and_ends() {
    let provider = Provider::new(Pages::One, 100, true);
    let itsp = provider.start();
    let daemon = Websmsd::start("[websmsd]\npermit_addr = 127.0.0.1\nproxy_addr =\n");
    let asks = spool_conf(&daemon.scratch, &conf(&itsp, &provider.keys()));
    let before = fs::read_to_string(daemon.scratch.join("websms.conf")).unwrap();
    daemon.scratch.file("websms.conf", asks);
    daemon.signal("HUP");
    daemon.wait_for_log("first poll: 0 SMS");
    daemon.scratch.file("websms.conf", before);
    daemon.signal("HUP");
    wait_for("two readings", || {
        daemon.log().matches("configuration read again").count() == 2
    });
    let asked = itsp.connections();
    assert!(!holds_within(Duration::from_secs(12), || itsp
        .connections()
        > asked));
}

#[test]
fn a_self_test_looks_at_the_list_and_takes_nothing_of_it() {
    let provider = Provider::new(Pages::One, 100, true);
    provider.add(1..=2);
    let itsp = provider.start();
    let place = Place::new(&conf(&itsp, &provider.keys()));
    let selftest = |place: &Place| {
        let mut run = daemon_command(Called::Link, &place.scratch);
        run.arg("-c").arg(&place.conf).arg("--selftest");
        finish(run).stdout
    };
    let report = selftest(&place);
    let line = "ok    poll: the provider lists 2 elements, 2 of them SMS, in ";
    assert!(report.contains(line), "{report}");
    assert!(
        !report.contains("access:") && !report.contains("sample:"),
        "{report}"
    );
    let ran = place.good();
    assert!(ran.stdout.contains("first poll: 2 SMS"), "{ran:?}");

    let refuses = Itsp::start(vec![Script::reply(401, r#"{"message":"who are you"}"#)]);
    let place = Place::new(&conf(&refuses, "poll_path = /list\n"));
    let report = selftest(&place);
    assert!(
        report.contains("FAIL  poll: provider answered 401: who are you"),
        "{report}"
    );
    let consumes = Place::new(&conf(&refuses, "poll_path = /list\npoll_consumes = yes\n"));
    let report = selftest(&consumes);
    assert!(report.contains("skip  poll: not asked"), "{report}");
    assert_eq!(refuses.connections(), 1);
}

#[test]
fn asking_nobody_is_told() {
    let itsp = Itsp::start(vec![Script::reply(200, "[]")]);
    let place = Place::new(&conf(&itsp, "poll_path = /list\n"));
    let ran = place.poll_with(&["-i", "other"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        ran.stdout.contains("none of this index; poll = 60s"),
        "{ran:?}"
    );
    assert_eq!(itsp.connections(), 0);
}

#[test]
fn nothing_is_asked_before_the_clock_is_set() {
    let itsp = Itsp::start(vec![Script::reply(200, "[]")]);
    let place = Place::new(&conf(&itsp, "poll_path = /list\npoll_each =\n"));
    let mut run = daemon_command(Called::Link, &place.scratch);
    run.arg("-c").arg(&place.conf).arg("--poll");
    set_clock(&mut run, "@1970-01-01 00:10:00");
    let ran = finish(run);
    assert_eq!(ran.code, Some(75), "{ran:?}");
    assert!(ran.stdout.contains("clock: it is not set"), "{ran:?}");
    assert_eq!(itsp.connections(), 0);
}

#[test]
fn a_folder_on_a_ram_disk_is_refused() {
    let memory = Scratch::within(Path::new("/dev/shm"));
    let itsp = Itsp::start(vec![Script::reply(200, "[]")]);
    let keys = format!(
        "poll_path = /list\n[queue]\ndir = {}\n",
        memory.path().display()
    );
    let place = Place::new(&conf(&itsp, &keys));
    let ran = place.poll();
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("that is on a RAM disk"), "{ran:?}");
}

// ---- Kills and a bad network ----------------------------------------------------------------------

/// A series of numbers that looks random and is equal each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        // These are the numbers of Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// SMS arrive while the poller is killed and restarted, the network fails and pages shift. Each is
/// delivered, and twice only if a kill came between its move into the spool and its record.
/// `WEBSMS_POLL_SMS` sets their number for a separate run.
#[test]
fn no_sms_is_lost_while_the_poller_is_killed() {
    check_kills("no");
}

#[test]
fn no_sms_of_the_inbox_is_lost_while_the_poller_is_killed() {
    check_kills("yes");
}

fn check_kills(inbox: &str) {
    let all: usize = std::env::var("WEBSMS_POLL_SMS").map_or(120, |it| it.parse().unwrap());
    let seed = 20_261_130;
    let provider = Provider::new(Pages::Url, 20, true);
    let answering = provider.clone();
    let chance = Mutex::new(Chance(seed));
    let is_calm = Arc::new(Mutex::new(false));
    let calm = Arc::clone(&is_calm);
    let faults = Arc::new(Mutex::new(BTreeMap::<&str, usize>::new()));
    let counted = Arc::clone(&faults);
    let decide = move |request: &Received| {
        let (status, body) = answering.answer(request);
        let is_calm = *calm.lock().unwrap();
        let kind = if is_calm {
            99
        } else {
            chance.lock().unwrap().below(12)
        };
        let (name, answer) = match kind {
            0 => ("503", (503, "sorry".to_owned())),
            1 => ("429", (429, "slow down".to_owned())),
            2 => ("html", (200, "<html></html>".to_owned())),
            // The JSON breaks off within an element.
            3 => ("cut", (200, body[..body.len() * 2 / 3].to_owned())),
            4 => ("slow", {
                thread::sleep(Duration::from_millis(700));
                (status, body)
            }),
            _ => ("good", (status, body)),
        };
        *counted.lock().unwrap().entry(name).or_default() += 1;
        answer
    };
    let itsp = Itsp::start(vec![Script::Decide(Decision(Arc::new(decide)))]);
    *is_calm.lock().unwrap() = true;
    let keys = format!(
        "{}poll_timeout = 20s\n[astqueue]\nmax = 100000\ninbox = {inbox}\ninbox_rate =\n",
        provider.keys()
    );
    let place = Place::new(&conf(&itsp, &keys));
    place.good();
    *is_calm.lock().unwrap() = false;

    let asterisk = Asterisk::start(&place);
    let arriving = provider.clone();
    let arrivals = thread::spawn(move || {
        let mut chance = Chance(seed + 1);
        let mut sent = 0;
        while sent < all {
            let burst = 1 + usize::try_from(chance.below(30)).unwrap();
            let burst = burst.min(all - sent);
            arriving.add(sent + 1..=sent + burst);
            sent += burst;
            thread::sleep(Duration::from_millis(chance.below(150)));
        }
    });
    let mut chance = Chance(seed + 2);
    let mut kills = 0;
    let log = place.scratch.join("log");
    while !arrivals.is_finished() || kills < 12 {
        let mut run = daemon_command(Called::Link, &place.scratch);
        run.arg("-c").arg(&place.conf).arg("-v");
        let child = spawn(run, &log);
        let mut daemon = Killed(child);
        thread::sleep(Duration::from_millis(20 + chance.below(400)));
        daemon.kill();
        kills += 1;
    }
    arrivals.join().unwrap();
    // The network works again; a poll may still have to be repeated.
    *is_calm.lock().unwrap() = true;
    for _ in 0..1 + all / 200 {
        place.good();
    }
    let texts = asterisk.texts(&place);
    let mut distinct = texts.clone();
    distinct.dedup();
    let twice = texts.len() - distinct.len();
    let faults = faults.lock().unwrap();
    eprintln!(
        "inbox = {inbox}: {all} SMS, {kills} kills, answers {faults:?}: {} delivered, {twice} twice",
        distinct.len()
    );
    assert_eq!(distinct.len(), all, "lost with seed {seed}");
    assert!(
        twice <= kills * 20,
        "{twice} twice with {kills} kills, seed {seed}"
    );
}

/// If the provider lists each SMS once, only SMS can be lost that were in an answer when the poller was
/// killed. They are counted.
#[test]
fn of_what_is_listed_once_a_kill_costs_at_most_what_was_just_answered() {
    check_kills_of_a_list_that_is_consumed("no");
}

#[test]
fn of_what_is_listed_once_a_kill_costs_no_more_with_an_inbox() {
    check_kills_of_a_list_that_is_consumed("yes");
}

fn check_kills_of_a_list_that_is_consumed(inbox: &str) {
    let all: usize = std::env::var("WEBSMS_POLL_SMS").map_or(120, |it| it.parse().unwrap());
    let waiting: Arc<Mutex<Vec<usize>>> = Arc::default();
    let shown: Arc<Mutex<Vec<Vec<usize>>>> = Arc::default();
    let (from, to) = (Arc::clone(&waiting), Arc::clone(&shown));
    let decide = move |_: &Received| {
        let mut from = from.lock().unwrap();
        let most = from.len().min(10);
        let page: Vec<usize> = from.drain(..most).collect();
        let elements: Vec<String> = page
            .iter()
            .map(|nth| {
                element(&Sms {
                    id: format!("id{nth}"),
                    text: format!("text {nth}"),
                })
            })
            .collect();
        to.lock().unwrap().push(page);
        (200, format!(r#"{{"messages":[{}]}}"#, elements.join(",")))
    };
    let itsp = Itsp::start(vec![Script::Decide(Decision(Arc::new(decide)))]);
    let keys = format!(
        "poll_path = /list\npoll_consumes = yes\npoll_order = oldest\n[astqueue]\nmax = 100000\n\
         inbox = {inbox}\ninbox_rate =\n"
    );
    let place = Place::new(&conf(&itsp, &keys));
    let asterisk = Asterisk::start(&place);
    let log = place.scratch.join("log");
    let mut chance = Chance(20_261_131);
    let mut kills = 0;
    let mut added = 0;
    while added < all {
        let burst = (1 + usize::try_from(chance.below(40)).unwrap()).min(all - added);
        waiting.lock().unwrap().extend(added + 1..=added + burst);
        added += burst;
        let mut run = daemon_command(Called::Link, &place.scratch);
        run.arg("-c").arg(&place.conf).arg("-v");
        let mut daemon = Killed(spawn(run, &log));
        thread::sleep(Duration::from_millis(20 + chance.below(120)));
        daemon.kill();
        kills += 1;
    }
    place.good();
    let texts = asterisk.texts(&place);
    let mut distinct = texts.clone();
    distinct.dedup();
    let lost = all - distinct.len();
    let is_here = |nth: &usize| distinct.contains(&format!("text {nth}"));
    let shown = shown.lock().unwrap();
    let struck = shown
        .iter()
        .filter(|page| !page.iter().all(is_here))
        .count();
    eprintln!(
        "inbox = {inbox}: {all} SMS listed once, {kills} kills: {lost} lost in {struck} answers, {} twice",
        texts.len() - distinct.len()
    );
    // A kill affects one answer, and nothing that was stored. SMS that were moved and not yet recorded come
    // twice.
    assert!(struck <= kills, "{struck} answers with {kills} kills");
    assert!(texts.len() - distinct.len() <= kills * 10);
}

/// A stand-in that takes call files as Asterisk does.
struct Asterisk {
    is_over: Arc<AtomicBool>,
    taking: thread::JoinHandle<Vec<String>>,
}

impl Asterisk {
    fn start(place: &Place) -> Asterisk {
        let outgoing = place.scratch.join("outgoing");
        let is_over = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&is_over);
        let taking = thread::spawn(move || {
            let mut texts = Vec::new();
            loop {
                let is_last = heard.load(Ordering::SeqCst);
                for file in call_files(&outgoing) {
                    fs::remove_file(&file.path).unwrap();
                    texts.push(file.body());
                }
                if is_last {
                    return texts;
                }
                thread::sleep(Duration::from_millis(2));
            }
        });
        Asterisk { is_over, taking }
    }

    /// All that it took, sorted, once a daemon has delivered what waits in the inbox.
    fn texts(self, place: &Place) -> Vec<String> {
        let mut run = daemon_command(Called::Link, &place.scratch);
        run.arg("-c").arg(&place.conf);
        let daemon = Killed(spawn(run, &place.scratch.join("log")));
        let inbox = place.state().join("inbox/new");
        wait_for("an empty inbox", || {
            fs::read_dir(&inbox).map_or(0, Iterator::count) == 0
        });
        drop(daemon);
        self.is_over.store(true, Ordering::SeqCst);
        let mut texts = self.taking.join().unwrap();
        texts.sort_unstable();
        texts
    }
}

/// A program that is killed with the value.
struct Killed(Child);

impl Killed {
    fn kill(&mut self) {
        let _ = self.0.kill();
        wait_for_exit(&mut self.0);
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
