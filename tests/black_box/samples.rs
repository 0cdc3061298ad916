//! Tests the program with the samples: dialplan, configurations of the pages and manuals.

use std::fs;

use crate::docs::{PAGES, read};
use crate::providers;
use crate::rig::{self, Called, FORM, Scratch, Websmsd};
use crate::signatures::{Webhook, base64, sha1};
use websms::providers::PRESETS;

/// The line of the dialplan that calls `websms`.
const AGI: &str = " same = n,AGI(websms,--,${QUOTE(${EXTEN})},${QUOTE(${MESSAGE(from)})},\
                   ${QUOTE(${MESSAGE(body)})})";

fn is_balanced(line: &str) -> bool {
    let pairs = [('(', ')'), ('{', '}'), ('[', ']')];
    let mut open = Vec::new();
    for c in line.chars() {
        if let Some((_, close)) = pairs.iter().find(|(start, _)| *start == c) {
            open.push(*close);
        } else if pairs.iter().any(|(_, close)| *close == c) && open.pop() != Some(c) {
            return false;
        }
    }
    open.is_empty() && line.matches('"').count().is_multiple_of(2)
}

/// Returns the faults of a dialplan: brackets, labels, and lines that are no entries.
fn dialplan_faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut labels: Vec<String> = Vec::new();
    let mut jumps: Vec<String> = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with(';'))
    {
        let context = line.starts_with('[') && line.ends_with(']');
        if !context && !line.starts_with("exten = ") && !line.starts_with(" same = n") {
            faults.push(format!("no line of a dialplan: {line}"));
        }
        if !is_balanced(line) {
            faults.push(format!("brackets or quotes: {line}"));
        }
        if let Some((label, _)) = line
            .strip_prefix(" same = n(")
            .and_then(|l| l.split_once(')'))
        {
            labels.push(label.to_owned());
        }
        if let Some((_, targets)) = line
            .split_once("GotoIf(")
            .and_then(|(_, l)| l.split_once('?'))
        {
            let targets = targets.trim_end_matches(')').split(':').map(str::to_owned);
            jumps.extend(targets.filter(|target| !target.is_empty()));
        }
    }
    jumps.retain(|jump| !labels.contains(jump));
    faults.extend(jumps.into_iter().map(|jump| format!("no label {jump}")));
    faults
}

#[test]
fn the_sample_dialplan_is_whole_and_calls_websms_as_documented() {
    let sample = read("packaging/asterisk/extensions.websms.conf");
    assert_eq!(dialplan_faults(&sample), Vec::<String>::new());
    let calls: Vec<&str> = sample
        .lines()
        .filter(|line| line.contains("AGI("))
        .collect();
    assert_eq!(calls, [AGI]);
    let readme = read("README.md");
    assert!(
        readme.lines().any(|line| line == AGI),
        "the README calls websms in another way"
    );
    for (key, context) in [("channel_context", "websms-open"), ("context", "websms-in")] {
        let section = format!("[{context}]");
        assert!(sample.lines().any(|line| line == section), "{context}");
        let names = |line: &str| {
            let pair = line.split_once('=');
            pair.is_some_and(|(k, v)| k.trim() == key && v.trim() == context)
        };
        assert!(readme.lines().any(names), "{key} = {context}");
    }
}

#[test]
fn a_broken_dialplan_is_found() {
    for (text, faults) in [
        ("[a]\nexten = _X.,1,Answer()\n same = n,Hangup()\n", 0),
        ("exten = _X.,1,Set(A=${B)\n", 1),
        ("exten = _X.,1,Set(A=\"b)\n", 1),
        (
            "exten = _X.,1,GotoIf($[1]?:there)\n same = n(there),Hangup()\n",
            0,
        ),
        ("exten = _X.,1,GotoIf($[1]?:nowhere)\n", 1),
        ("same = n,Hangup()\n", 1),
    ] {
        assert_eq!(dialplan_faults(text).len(), faults, "{text}");
    }
}

/// Every ```` ```ini ```` block of a page, its list's indent taken off.
fn configurations(page: &str) -> Vec<String> {
    let page = read(page);
    let blocks = page
        .split("```ini\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| {
            block
                .lines()
                .map(|line| line.trim_start().to_owned() + "\n")
                .collect()
        })
        .collect()
}

#[test]
fn the_configurations_of_the_pages_are_usable_and_every_key_of_them_is_known() {
    for page in PAGES {
        for conf in configurations(page) {
            let scratch = Scratch::new();
            let checked = rig::websms(&scratch.file("page.conf", &conf), &["--check"]);
            let said = checked.stdout + &checked.stderr;
            assert_eq!(checked.code, Some(0), "{page}: {conf}{said}");
            assert!(!said.contains("is not known"), "{page}: {conf}{said}");
        }
    }
}

const FORM_SMS: &str = "To=%2B12025550160&From=%2B15017122661&Body=Hello!";

/// Checks a configuration, then delivers one SMS with it into the contexts of the sample dialplan.
fn deliver_with(conf: &str, webhook: &Webhook) -> rig::CallFile {
    let scratch = Scratch::new();
    let file = scratch.file("checked.conf", conf);
    let checked = rig::websms(&file, &["--check"]);
    let said = checked.stdout + &checked.stderr;
    assert_eq!(checked.code, Some(0), "{said}");
    let daemon = Websmsd::start_as(Called::Link, scratch, conf, &[]);
    let answer = webhook.send(&daemon);
    assert_eq!(answer.status, 200, "{}", daemon.log());
    let file = daemon.call_file();
    assert_eq!(file.value("Channel"), "Local/+12025550160@websms-open");
    assert_eq!(file.value("Context"), "websms-in");
    assert_eq!(file.body(), "Hello!");
    file
}

/// The only configuration of a page.
fn configuration(page: &str) -> String {
    let found = configurations(page);
    assert_eq!(found.len(), 1, "{page}");
    found[0].clone()
}

#[test]
fn the_configuration_for_phones_that_are_away_works() {
    let conf = configuration("packaging/doc/operating.md");
    check_two_days(&deliver_with(&conf, &Webhook::post("/", FORM, FORM_SMS)));
}

#[test]
fn the_guide_of_the_readme_takes_the_webhook_that_it_shows() {
    let readme = read("README.md");
    // The guide's three lines for the shell sign and send this.
    let url = "http://sms.example.com:8080/sms";
    let signed = "BodyHello!From+15017122661To+12025550160";
    assert!(readme.contains(&format!("url={url} token='your token'")));
    assert!(readme.contains(&format!("${{url}}{signed}")));
    let signature = base64(sha1("your token", &format!("{url}{signed}")));
    let conf = configuration("README.md");
    let bare = Webhook::post("/sms", FORM, FORM_SMS);
    let signed = Webhook::post("/sms", FORM, FORM_SMS).with("X-Twilio-Signature", signature);
    check_two_days(&deliver_with(&conf, &signed));

    let daemon = Websmsd::start(&conf);
    assert_eq!(bare.send(&daemon).status, 401);
    assert_eq!(daemon.call_files().len(), 0);
}

/// The configurations of websms.conf(5) that are whole, with the name of the preset for their provider.
fn whole_examples() -> Vec<(&'static str, String)> {
    let manual = read("packaging/man/websms.conf.5");
    let blocks = manual.split("\n.Bd -literal\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("\n.Ed").next().unwrap());
    let whole = blocks.filter(|block| block.contains("[websms]") && block.contains("[websmsd]"));
    let named = whole.map(|block| {
        let mut presets = PRESETS.iter().filter(|(name, text)| {
            let host = text.lines().find(|line| line.starts_with("host = "));
            let host = host
                .unwrap()
                .trim_start_matches("host = ")
                .trim_matches('\'');
            block.contains(&format!("provider    = {name}")) || block.contains(host)
        });
        (
            presets.next().unwrap().0,
            format!("{}\n", block.replace("\\e", "\\")),
        )
    });
    named.collect()
}

#[test]
fn the_examples_of_the_manual_take_what_their_providers_send() {
    let examples = whole_examples();
    let names: Vec<&str> = examples.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["twilio", "zadarma"]);
    for (name, conf) in examples {
        let scratch = Scratch::new();
        let checked = rig::websms(&scratch.file("example.conf", &conf), &["--check"]);
        let said = checked.stdout + &checked.stderr;
        assert_eq!(checked.code, Some(0), "{name}: {said}");
        assert!(!said.contains("is not known"), "{name}: {said}");
        // The webhooks of the providers' documents are signed with this secret, and come from loopback.
        let lines = conf.lines().map(|line| match line.split_once('=') {
            Some((key, _)) if key.trim() == "permit_addr" => "permit_addr = 127.0.0.1\n".to_owned(),
            _ => format!("{}\n", line.replace("'secret'", "'secret-1'")),
        });
        let websmsd = Websmsd::start(&lines.collect::<String>());
        let answer = providers::golden(name).join("sms.answer");
        let expected = fs::read_to_string(answer).unwrap();
        let expected = expected.trim_end_matches("again\n");
        assert_eq!(
            providers::came_to(&websmsd, name, "sms"),
            expected,
            "{name}"
        );
    }
}

/// Asterisk is told to try for two days.
fn check_two_days(file: &rig::CallFile) {
    let number = |key: &str| file.value(key).parse::<u64>().unwrap();
    let tries_s = number("MaxRetries").checked_mul(number("RetryTime"));
    assert_eq!(tries_s, Some(2 * 86_400));
}

/// The lines of a context of the sample dialplan, comments and blank lines left out.
fn context(name: &str) -> Vec<String> {
    let sample = read("packaging/asterisk/extensions.websms.conf");
    let header = format!("[{name}]");
    let lines = sample.lines().skip_while(|line| *line != header).skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with(';') && !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_sample_never_sends_a_notice_out() {
    let out = context("websms-out");
    let ask = "exten = _[+0-9]X.,1,GotoIf($[\"${WEBSMS_NOTICE}\" = \"1\"]?done)";
    assert_eq!(out[0], ask);
    let of = |start: &str| out.iter().position(|line| line.starts_with(start));
    let (agi, done) = (of(" same = n,AGI("), of(" same = n(done),Hangup()"));
    assert!(agi.unwrap() < done.unwrap());
    assert_eq!(done, Some(out.len() - 1));
    for other in ["websms-open", "websms-in"] {
        let lines = context(other);
        assert!(lines.iter().all(|line| !line.contains("AGI(")), "{other}");
    }
}

#[test]
fn the_call_of_a_phone_that_is_away_is_never_answered() {
    // Asterisk tries again only a call that nobody answered.
    let open = context("websms-open");
    let at = |start: &str| {
        let found = open.iter().position(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("no {start} in {open:#?}"))
    };
    let asks =
        at(" same = n,GotoIf($[\"${DEVICE_STATE(PJSIP/${PHONE})}\" = \"UNAVAILABLE\"]?away)");
    let sends = at(" same = n,MessageSend(");
    let counts = at(" same = n(sent),GotoIf($[${SENT} = 0]?away)");
    let answers = at(" same = n(answer),Answer()");
    let away = at(" same = n(away),");
    assert!([asks, sends, counts, answers, away].is_sorted());
    assert_eq!(open[answers + 1], " same = n,Hangup()");
    let answering = open.iter().filter(|line| line.contains("Answer"));
    assert_eq!(answering.count(), 1);
    // The operator chooses which SMS are dropped, in the first line.
    let number = "exten = _[+.0-9a-zA-Z]!,1,";
    assert_eq!(open[0], format!("{number}Set(UNKNOWN=drop)"));
    at(" same = n,GotoIf($[\"${UNKNOWN}\" = \"keep\"]?:answer)");
    // Asterisk calls `failed` after every try that failed, and it is no number.
    let (nothing, failed) = (format!("{number}Hangup()"), "exten = failed,1,Hangup()");
    assert_eq!(context("websms-in")[..2], [nothing.as_str(), failed]);
}

#[test]
fn the_sample_configuration_works() {
    let sample = read("packaging/websms.conf");
    let nobody = "permit_addr = 192.0.2.0/24,2001:db8::/32";
    assert!(sample.contains(nobody));
    let file = deliver_with(
        &sample.replace(nobody, "permit_addr = 127.0.0.0/8"),
        &Webhook::post("/", FORM, FORM_SMS),
    );
    check_two_days(&file);
}
