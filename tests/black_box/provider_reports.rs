//! Tests every preset that reads delivery reports through the real programs: the request for reports, and
//! the result of a report as the provider sends it.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use crate::providers::{Api, api, credentials, field, request};
use crate::rig::pbx::Pbx;
use crate::rig::{Decision, Itsp, Received, Script, Websmsd, websms};
use websms::providers::PRESETS;

/// The result of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Delivered,
    /// The SMS has failed, with these words.
    Failed(&'static str),
    /// There is no result yet.
    Interim,
}

use Told::{Delivered, Failed, Interim};

struct Row {
    name: &'static str,
    /// The parameters of the request beside the SMS; empty if the provider is set up in its portal.
    asks: &'static [(&'static str, &'static str)],
    /// The id in the provider's reports.
    id: &'static str,
    /// The reports, each from a file of the golden folder.
    reports: &'static [(&'static str, Told)],
}

const HOOK: &str = "https://sms.example.com/hook";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { name: "46elks", id: "sf1", asks: &[("whendelivered", HOOK)],
        reports: &[("report-sent", Interim), ("report", Delivered), ("report-failed", Failed("failed"))] },
    Row { name: "bandwidth", id: "1589228074636lm4k2je7j7jklbn2", asks: &[],
        reports: &[("report-sending", Interim), ("report", Delivered), ("report-failed", Failed("sender not registered (4774)"))] },
    Row { name: "clicksend", id: "BF7AD270-0DE2-418B-B606-71D527D9C1AE", asks: &[],
        reports: &[("report-sent", Interim), ("report", Delivered), ("report-failed", Failed("Failed: no route"))] },
    Row { name: "commio", id: "c1", asks: &[],
        reports: &[("report-enroute", Interim), ("report", Delivered), ("report-failed", Failed("sender not registered (600)"))] },
    Row { name: "didww", id: "5f9d1a60-0b7c-4f0e-9d58-0c1f8a0b7f5b", asks: &[],
        reports: &[("report", Interim), ("dlr-delivered", Delivered), ("report-failed", Failed("103")), ("dlr-failed", Failed("FAILED"))] },
    Row { name: "flowroute", id: "mdr2-ca82be46e6ba11e79d08862d092cf73d", asks: &[("data.attributes.dlr_callback", HOOK)],
        reports: &[("report-level-1", Interim), ("report", Delivered), ("report-failed", Failed("Rejected by the carrier"))] },
    Row { name: "gatewayapi", id: "1000001", asks: &[("callback_url", HOOK)],
        reports: &[("status-enroute", Interim), ("status", Delivered), ("status-failed", Failed("Unknown recipient"))] },
    Row { name: "infobip", id: "M", asks: &[("messages[0].webhooks.delivery.url", HOOK), ("messages[0].webhooks.contentType", "application/json")],
        reports: &[("report-pending", Interim), ("report", Delivered), ("report-failed", Failed("phone off or out of reach (EC_ABSENT_SUBSCRIBER)"))] },
    Row { name: "messagebird", id: "efa6405d518d4c0c88cce11f7db775fb", asks: &[("reportUrl", HOOK), ("reference", "websms")],
        reports: &[("report-sent", Interim), ("report", Delivered), ("report-failed", Failed("unknown subscriber"))] },
    Row { name: "plivo", id: "db3ce55a", asks: &[("url", HOOK), ("method", "POST")],
        reports: &[("report-sent", Interim), ("report", Delivered), ("report-failed", Failed("filtered as spam (030)")), ("report-part", Failed("recipient opted out (200)"))] },
    Row { name: "signalwire", id: "SM1", asks: &[("StatusCallback", HOOK)],
        reports: &[("report-initiated", Interim), ("report", Delivered), ("report-failed", Failed("Message filtered"))] },
    Row { name: "sinch", id: "b", asks: &[("delivery_report", "per_recipient_final"), ("callback_url", HOOK)],
        reports: &[("recipient-dispatched", Interim), ("recipient-report", Delivered), ("recipient-failed", Failed("refused by the network (408)")), ("summary-failed", Failed("no route (402)"))] },
    Row { name: "telnyx", id: "ac012cbf-5e09-46af-a69a-7c0e2d90993c", asks: &[("webhook_url", HOOK)],
        reports: &[("report-sent", Interim), ("report", Delivered), ("report-failed", Failed("sender not registered (40010)"))] },
    Row { name: "twilio", id: "SM1", asks: &[("StatusCallback", HOOK)],
        reports: &[("report-sent", Interim), ("report", Delivered), ("report-failed", Failed("sender not registered (30034)"))] },
    Row { name: "vonage", id: "0A0000001234567B", asks: &[("status-report-req", "1"), ("callback", HOOK)],
        reports: &[("report-buffered", Interim), ("report", Delivered), ("report-failed", Failed("filtered as spam (6)"))] },
    Row { name: "voxtelesys", id: "b3f1", asks: &[("status_callback.url", HOOK), ("status_callback.method", "POST")],
        reports: &[("report-sent", Interim), ("report-v2", Delivered), ("report-failed", Failed("Rejected by carrier, message too long"))] },
];

/// Returns a PBX with the preset, whose provider gives each SMS this id.
fn pbx(api: &'static Api, itsp: &Itsp) -> Pbx {
    let auth = match api.name {
        // A signed time cannot be stored in a file; signatures.rs tests these.
        "telnyx" | "messagebird" => "auth_method = none",
        _ => "auth_passwd = secret-1",
    };
    Pbx::new(&format!(
        "[websms]\n{}host = \"{}\"\n[websmsd]\nprovider = {}\n{auth}\npublic_url = \"https://sms.example.com\"\n\
         permit_addr = 127.0.0.1\nproxy_addr =\nurl_path = /hook\n[queue]\nreports = yes\n",
        credentials(api),
        itsp.url(),
        api.name
    ))
}

fn provider(api: &'static Api, answer: String) -> Itsp {
    let decide = move |request: &Received| match api.objection(request) {
        None => (api.accepts.0, answer.clone()),
        Some(objection) => (400, objection),
    };
    Itsp::start(vec![Script::Decide(Decision(Arc::new(decide)))])
}

fn deliver(websmsd: &Websmsd, name: &str, file: &str) {
    let mut http = websmsd.connect();
    http.send(request(name, file));
    assert_eq!(
        http.answer().status,
        200,
        "{name} {file}: {}",
        websmsd.log()
    );
}

/// Returns the lines of the log on SMS that were sent.
fn told(websmsd: &Websmsd) -> Vec<String> {
    let log = websmsd.log();
    let lines = log.lines().filter(|line| line.contains("DELIVERED"));
    lines.map(str::to_owned).collect()
}

fn check(row: &Row) {
    let (api, name) = (api(row.name), row.name);
    for (file, expected) in row.reports {
        let itsp = provider(api, api.accepts.1.replace(api.accepts.2, row.id));
        let pbx = pbx(api, &itsp);
        let ran = websms(
            &pbx.conf,
            &["-v", "--", "+12025550183", "+12025550160", "x"],
        );
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        for (key, value) in row.asks {
            let found = field(&itsp.request(), key).map(|(found, _)| found);
            assert_eq!(found.as_deref(), Some(*value), "{name} {key}");
        }
        let websmsd = pbx.websmsd();
        let sent = pbx.scratch.join("state/sent/sms");
        let before = fs::read_to_string(&sent).unwrap();
        deliver(&websmsd, name, file);
        deliver(&websmsd, name, file);
        let after = fs::read_to_string(&sent).unwrap();
        if *expected != Interim {
            crate::rig::wait_for("a line of the log", || !told(&websmsd).is_empty());
        }
        let told = told(&websmsd);
        match expected {
            Interim => assert_eq!((told.len(), after), (0, before), "{name} {file}: {told:?}"),
            Delivered => {
                assert_eq!(told.len(), 1, "{name} {file}: {}", websmsd.log());
                let end = format!(" interface= ref={}", row.id);
                assert!(
                    told[0].contains("out DELIVERED") && told[0].ends_with(&end),
                    "{told:?}"
                );
            }
            Failed(words) => {
                assert_eq!(told.len(), 1, "{name} {file}: {}", websmsd.log());
                let end = format!(" interface= ref={}: {words}", row.id);
                assert!(told[0].contains("out UNDELIVERED"), "{told:?}");
                assert!(told[0].ends_with(&end), "{name} {file}: {told:?}");
            }
        }
        // A report is never an SMS.
        assert!(
            crate::rig::call_files(&pbx.scratch.join("outgoing")).is_empty(),
            "{name} {file}"
        );
    }
}

/// Checks a part of the presets. A test for each would need a line for each; so these run side by side.
fn check_some(nth: usize) {
    for row in ROWS.iter().skip(nth).step_by(4) {
        check(row);
    }
}

#[test]
fn reports_of_presets_1() {
    check_some(0);
}

#[test]
fn reports_of_presets_2() {
    check_some(1);
}

#[test]
fn reports_of_presets_3() {
    check_some(2);
}

#[test]
fn reports_of_presets_4() {
    check_some(3);
}

#[test]
fn every_preset_that_reads_reports_has_a_row() {
    let reads = PRESETS
        .iter()
        .filter(|(_, text)| text.contains("\ndlr_id = "));
    let reads: BTreeSet<&str> = reads.map(|(name, _)| *name).collect();
    assert_eq!(reads, ROWS.iter().map(|row| row.name).collect());
    for (name, text) in PRESETS {
        let asks = text.contains("\ndlr_static = ");
        let row = ROWS.iter().find(|row| row.name == *name);
        assert_eq!(asks, row.is_some_and(|row| !row.asks.is_empty()), "{name}");
    }
}

#[test]
fn both_parts_of_a_long_text_count_at_vonage() {
    let api = api("vonage");
    let answer = r#"{"message-count":"2","messages":[
        {"to":"12025550183","message-id":"0A0000001234567B","status":"0"},
        {"to":"12025550183","message-id":"0A0000001234567C","status":"0"}]}"#;
    let itsp = provider(api, answer.to_owned());
    let pbx = pbx(api, &itsp);
    let ran = websms(
        &pbx.conf,
        &["-v", "--", "+12025550183", "+12025550160", "x"],
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let websmsd = pbx.websmsd();
    deliver(&websmsd, "vonage", "report");
    assert!(told(&websmsd).is_empty(), "{}", websmsd.log());
    deliver(&websmsd, "vonage", "report-part");
    websmsd.wait_for_log("ref=0A0000001234567B: recipient opted out (9)");
    assert_eq!(told(&websmsd).len(), 1);
}

/// An SMS that has an id of ours and a status of a failure is still an SMS, where it says that it is one.
#[test]
fn an_sms_shaped_like_a_report_arrives_and_one_shaped_like_an_sms_does_not() {
    let form = "application/x-www-form-urlencoded";
    let json = "application/json";
    let sms: &[(&str, &str, &str)] = &[
        (
            "telnyx",
            json,
            r#"{"data":{"event_type":"message.received","payload":{"id":"@ID@","text":"hi","from":{"phone_number":"+15017122661"},"to":[{"phone_number":"+12025550160","status":"delivery_failed"}],"errors":[{"code":"40010"}]}}}"#,
        ),
        (
            "bandwidth",
            json,
            r#"[{"type":"message-received","errorCode":4774,"status":"message-failed","to":"+12025550160","message":{"id":"@ID@","from":"+15017122661","text":"hi"}}]"#,
        ),
        (
            "flowroute",
            json,
            r#"{"data":{"type":"message","id":"@ID@","attributes":{"to":"12025550160","from":"15017122661","body":"hi","status":"failed","level":2}}}"#,
        ),
        (
            "sinch",
            json,
            r#"{"type":"mo_text","batch_id":"@ID@","id":"x","status":"Failed","code":402,"to":"12025550160","from":"15017122661","body":"hi"}"#,
        ),
        (
            "46elks",
            form,
            "direction=incoming&id=@ID@&status=failed&from=%2B15017122661&to=%2B12025550160&message=hi",
        ),
        (
            "commio",
            form,
            "type=sms&guid=@ID@&status=UNDELIV&error=600&from=5017122661&to=2025550160&message=hi",
        ),
        (
            "voxtelesys",
            json,
            r#"{"type":"mo","id":"@ID@","status":"failed","to":"+12025550160","from":"+15017122661","body":"hi"}"#,
        ),
    ];
    let reports: &[(&str, &str, &str)] = &[
        (
            "gatewayapi",
            json,
            r#"{"id":@ID@,"receiver":12025550160,"msisdn":15017122661,"message":"hi","status":"REJECTED"}"#,
        ),
        (
            "vonage",
            json,
            r#"{"messageId":"@ID@","to":"12025550160","msisdn":"15017122661","text":"hi","status":"failed","err-code":"6"}"#,
        ),
        (
            "infobip",
            json,
            r#"{"results":[{"messageId":"@ID@","to":"12025550160","from":"15017122661","text":"hi","status":{"groupName":"REJECTED"}}]}"#,
        ),
        (
            "clicksend",
            form,
            "message_id=@ID@&status_code=301&to=%2B12025550160&from=%2B15017122661&body=hi",
        ),
        (
            "telnyx",
            json,
            r#"{"data":{"event_type":"message.finalized","payload":{"id":"@ID@","text":"hi","from":{"phone_number":"+15017122661"},"to":[{"phone_number":"+12025550160","status":"delivery_failed"}]}}}"#,
        ),
        (
            "bandwidth",
            json,
            r#"[{"type":"message-failed","to":"+12025550160","message":{"id":"@ID@","from":"+15017122661","text":"hi"}}]"#,
        ),
        (
            "flowroute",
            json,
            r#"{"data":{"type":"delivery_receipt","id":"@ID@","attributes":{"to":"12025550160","from":"15017122661","body":"hi","status":"failed","level":2}}}"#,
        ),
        (
            "didww",
            json,
            r#"{"data":{"type":"dlr_event","id":"@ID@","attributes":{"status":"FAILED"}},"to":"12025550160","from":"15017122661","text":"aGk="}"#,
        ),
        (
            "sinch",
            json,
            r#"{"type":"recipient_delivery_report_sms","batch_id":"@ID@","status":"Failed","to":"12025550160","from":"15017122661","body":"hi"}"#,
        ),
    ];
    let run = |(name, content_type, body): (&str, &str, &str), is_sms: bool| {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        let api = api(name);
        let itsp = provider(api, api.accepts.1.replace(api.accepts.2, row.id));
        let pbx = pbx(api, &itsp);
        let conf = fs::read_to_string(&pbx.conf).unwrap();
        let conf = conf.replace("\nauth_passwd = secret-1\n", "\nauth_method = none\n");
        fs::write(&pbx.conf, conf).unwrap();
        let ran = websms(&pbx.conf, &["--", "+12025550183", "+12025550160", "x"]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let websmsd = pbx.websmsd();
        let answer = websmsd.post("/hook", content_type, body.replace("@ID@", row.id));
        assert_eq!(answer.status, 200, "{name}: {}", websmsd.log());
        if !is_sms {
            crate::rig::wait_for("a line of the log", || !told(&websmsd).is_empty());
        }
        let delivered = crate::rig::call_files(&pbx.scratch.join("outgoing")).len();
        let expected = if is_sms { (1, 0) } else { (0, 1) };
        assert_eq!(
            (delivered, told(&websmsd).len()),
            expected,
            "{name}: {}",
            websmsd.log()
        );
    };
    sms.iter().for_each(|row| run(*row, true));
    reports.iter().for_each(|row| run(*row, false));
}
