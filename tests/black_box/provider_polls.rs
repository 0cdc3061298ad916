//! Tests every preset whose provider is polled: the request, and a list as its documents have it.
//!
//! The answers have the shape of the providers' own documents, libraries or samples; no number, text or id
//! in them is real.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::rig::{
    CallFile, Called, Decision, Itsp, Received, Scratch, Script, call_files, daemon_command,
    finish, spool_conf,
};
use websms::providers::PRESETS;

/// The request to a provider and its answers.
struct Row {
    name: &'static str,
    /// The method and the target, with dates as `D` and times as `T`, and the text that the body must hold.
    asks: (&'static str, &'static str),
    /// The header that proves the caller; empty if the body does.
    auth: &'static str,
    /// An empty list.
    empty: &'static str,
    /// A list, with the newest first if the preset says so.
    list: &'static str,
    /// The resulting SMS, the oldest first: to, from, text.
    sms: &'static [(&'static str, &'static str, &'static str)],
    /// The requests beyond the first for this list.
    more: &'static [&'static str],
}

const BASIC: &str = "Authorization: Basic dXNlci0xOnBhc3MtMQ==";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { name: "46elks",
        asks: ("GET /a1/sms?limit=100&to=%2B12025550160&end=DT00:00:00.000000", ""), auth: BASIC,
        empty: r#"{"data":[]}"#,
        list: r#"{"data":[{"id":"s2","created":"2026-11-30T09:52:07.302000","direction":"incoming","from":"+12025550183","to":"+12025550160","message":"two","cost":3500},
            {"id":"s3","created":"2026-11-30T09:50:07.302000","direction":"outgoing","from":"+12025550160","to":"+12025550183","message":"ours","status":"delivered","cost":3500},
            {"id":"s1","created":"2026-11-30T08:44:34.135000","direction":"incoming","from":"+12025550183","to":"+12025550160","message":"one","cost":3500}],"next":"2026-11-29T14:15:30.427000"}"#,
        sms: &[("+12025550160", "+12025550183", "one"), ("+12025550160", "+12025550183", "two")],
        more: &["GET /a1/sms?limit=100&to=%2B12025550160&end=DT00:00:00.000000&start=DT14%3A15%3A30.427000"] },
    Row { name: "android-sms-gateway",
        asks: ("GET /inbox?type=SMS&limit=100&offset=0&from=T", ""), auth: BASIC,
        empty: "[]",
        list: r#"[{"id":"text:-173","type":"SMS","sender":"+12025550183","recipient":null,"simNumber":1,"contentPreview":"from a shelf","createdAt":"2026-11-30T09:52:07.302+01:00","attachments":[]}]"#,
        sms: &[("+12025550160", "+12025550183", "from a shelf")],
        more: &["GET /inbox?type=SMS&limit=100&offset=1&from=T"] },
    Row { name: "clicksend",
        asks: ("GET /v3/sms/inbound?limit=100&page=1", ""), auth: BASIC,
        empty: r#"{"http_code":200,"response_code":"SUCCESS","data":{"total":0,"current_page":1,"last_page":1,"next_page_url":null,"data":[]}}"#,
        list: r#"{"http_code":200,"response_code":"SUCCESS","response_msg":"Here are your data.","data":{"total":1,"per_page":100,"current_page":1,"last_page":1,"next_page_url":null,"prev_page_url":null,"from":1,"to":1,"data":[{"timestamp":"1796007659","from":"+12025550183","body":"clicked","original_body":"asked","original_message_id":"E95D4447-B20D-43F1-B561-9757205AF6D9","to":"+12025550160","custom_string":"","message_id":"B24A0F57-F1DA-4F9C-B5A1-37A1AAB6C26C"}]}}"#,
        sms: &[("+12025550160", "+12025550183", "clicked")],
        more: &["GET /v3/sms/inbound?limit=100&page=2", "PUT /v3/sms/inbound-read/B24A0F57-F1DA-4F9C-B5A1-37A1AAB6C26C"] },
    Row { name: "flowroute",
        asks: ("GET /v2.2/messages?start_date=T&limit=100", ""), auth: BASIC,
        empty: r#"{"data":[],"links":{"self":"https://api.flowroute.com/v2.2/messages"}}"#,
        list: r#"{"data":[{"attributes":{"body":"routed","status":"delivered","direction":"inbound","amount_nanodollars":4000000,"message_encoding":0,"timestamp":"2026-11-30T09:52:07.30Z","to":"12025550160","amount_display":"$0.0040","from":"12025550183","is_mms":false,"message_type":"longcode"},"type":"message","id":"mdr2-1"},
            {"attributes":{"body":"ours","direction":"outbound","to":"12025550183","from":"12025550160"},"type":"message","id":"mdr2-2"}],"links":{"self":"x"}}"#,
        sms: &[("+12025550160", "+12025550183", "routed")], more: &[] },
    Row { name: "gatewayapi",
        asks: ("GET /rest/mosms?from=D&to=D&per_page=200&page=1", ""), auth: "Authorization: Basic dXNlci0xOg==",
        empty: r#"{"messages":[],"page":1,"pages":0,"per_page":200,"results":0}"#,
        list: r#"{"messages":[{"anonymized":null,"encoding":null,"message":"test","mosms_id":2398517,"msisdn":12025550183,"payload":null,"receiver":12025550160,"senttime":1796007659.0,"udh":null}],"page":1,"pages":1,"per_page":200,"results":1}"#,
        sms: &[("+12025550160", "+12025550183", "test")],
        more: &["GET /rest/mosms?from=D&to=D&per_page=200&page=2"] },
    Row { name: "infobip",
        asks: ("GET /sms/1/inbox/reports?limit=100", ""), auth: "Authorization: App pass-1",
        empty: r#"{"results":[],"messageCount":0,"pendingMessageCount":0}"#,
        list: r#"{"results":[{"messageId":"817790313235066447","from":"12025550183","to":"12025550160","text":"QUIZ once","cleanText":"once","keyword":"QUIZ","receivedAt":"2026-11-30T09:52:07.302+0000","smsCount":1,"price":{"pricePerMessage":0,"currency":"EUR"},"callbackData":""}],"messageCount":1,"pendingMessageCount":0}"#,
        sms: &[("+12025550160", "+12025550183", "QUIZ once")],
        more: &["GET /sms/1/inbox/reports?limit=100"] },
    Row { name: "messagebird",
        asks: ("GET /messages?direction=mo&type=sms&limit=100&from=T", ""), auth: "Authorization: AccessKey pass-1",
        empty: r#"{"offset":0,"limit":100,"count":0,"totalCount":0,"links":{"first":null,"previous":null,"next":null,"last":null},"items":[]}"#,
        list: r#"{"offset":0,"limit":100,"count":1,"totalCount":1,"links":{"first":"https://rest.messagebird.com/messages/?offset=0","previous":null,"next":null,"last":null},"items":[{"id":"7d8451f8","href":"x","direction":"mo","type":"sms","originator":"12025550183","body":"a bird","reference":null,"createdDatetime":"2026-11-30T09:52:07+00:00","recipients":{"totalCount":1,"items":[{"recipient":12025550160,"originator":null,"status":"received","statusDatetime":"2026-11-30T09:52:07+00:00"}]}}]}"#,
        sms: &[("+12025550160", "+12025550183", "a bird")], more: &[] },
    Row { name: "signalwire",
        asks: ("GET /api/laml/2010-04-01/Accounts/user-1/Messages?PageSize=100&To=%2B12025550160&DateSent%3E=T", ""), auth: BASIC,
        empty: r#"{"messages":[],"next_page_uri":null}"#,
        list: r#"{"uri":"/x","page":0,"page_size":100,"next_page_uri":null,"messages":[{"sid":"b","date_sent":"Mon, 30 Nov 2026 09:53:00 +0000","to":"+12025550160","from":"+12025550183","body":null,"status":"received","num_segments":1,"num_media":0,"direction":"inbound"},
            {"sid":"a","date_sent":"Mon, 30 Nov 2026 09:52:07 +0000","to":"+12025550160","from":"+12025550183","body":"a signal","status":"received","direction":"inbound"}]}"#,
        sms: &[("+12025550160", "+12025550183", "a signal"), ("+12025550160", "+12025550183", "")], more: &[] },
    Row { name: "sinch",
        asks: ("GET /xms/v1/acc-1/inbounds?page_size=100&page=0&start_date=T&to=12025550160", ""), auth: "Authorization: Bearer pass-1",
        empty: r#"{"count":0,"page":0,"page_size":0,"inbounds":[]}"#,
        list: r#"{"count":3,"page":0,"page_size":3,"inbounds":[{"type":"mo_binary","id":"c","from":"12025550183","to":"12025550160","body":"SGk=","udh":"01"},
            {"type":"mo_media","id":"b","from":"12025550183","to":"12025550160","body":{"subject":null,"message":"a picture","media":[{"url":"https://media.example/1.jpg","content_type":"image/jpeg","status":"Uploaded"}]},"received_at":"2026-11-30T09:53:00.000Z"},
            {"type":"mo_text","id":"a","from":"12025550183","to":"12025550160","body":"plain","operator_id":"310260","received_at":"2026-11-30T09:52:07.302Z"}]}"#,
        sms: &[("+12025550160", "+12025550183", "plain"), ("+12025550160", "+12025550183", "a picture\nhttps://media.example/1.jpg")],
        more: &["GET /xms/v1/acc-1/inbounds?page_size=100&page=1&start_date=T&to=12025550160"] },
    Row { name: "sipgate",
        asks: ("GET /v2/history?types=SMS&directions=INCOMING&limit=100&offset=0&from=T", ""), auth: BASIC,
        empty: r#"{"items":[],"totalCount":0}"#,
        list: r#"{"items":[{"id":"97BKT0","source":"+12025550183","target":"+12025550160","sourceAlias":"x","targetAlias":"y","type":"SMS","created":"2026-11-30T09:52:07Z","lastModified":"2026-11-30T09:52:07Z","direction":"INCOMING","incoming":true,"status":"NOPICKUP","connectionIds":["p0"],"read":false,"archived":false,"note":null,"endpoints":[],"starred":false,"labels":[],"smsContent":"gated","scheduled":null}],"totalCount":1}"#,
        sms: &[("+12025550160", "+12025550183", "gated")],
        more: &["GET /v2/history?types=SMS&directions=INCOMING&limit=100&offset=1&from=T"] },
    Row { name: "textmagic",
        asks: ("GET /api/v2/replies?limit=100&orderBy=id&direction=desc&page=1", ""), auth: "X-TM-Key: pass-1",
        empty: r#"{"page":1,"limit":100,"pageCount":0,"resources":[]}"#,
        list: r#"{"page":1,"limit":100,"pageCount":1,"resources":[{"id":1782221,"sender":"12025550183","receiver":"12025550160","messageTime":"2026-11-30T09:52:07+0000","text":"magic"}]}"#,
        sms: &[("+12025550160", "+12025550183", "magic")],
        more: &["GET /api/v2/replies?limit=100&orderBy=id&direction=desc&page=2"] },
    Row { name: "twilio",
        asks: ("GET /2010-04-01/Accounts/user-1/Messages.json?PageSize=100&To=%2B12025550160&DateSent%3E=T", ""), auth: BASIC,
        empty: r#"{"messages":[],"next_page_uri":null,"page":0}"#,
        list: r#"{"messages":[{"sid":"SM2","account_sid":"user-1","to":"+12025550160","from":"+12025550183","body":"two","direction":"inbound","date_sent":"Mon, 30 Nov 2026 09:53:00 +0000","num_media":"0","num_segments":"1","status":"received","error_code":null},
            {"sid":"SM9","to":"+12025550183","from":"+12025550160","body":"ours","direction":"outbound-api","status":"delivered"},
            {"sid":"SM1","to":"+12025550160","from":"+12025550183","body":"one","direction":"inbound","status":"received"}],
            "next_page_uri":"/2010-04-01/Accounts/user-1/Messages.json?PageSize=100&Page=1&PageToken=PASM1","first_page_uri":"/x","previous_page_uri":null,"page":0,"page_size":100}"#,
        sms: &[("+12025550160", "+12025550183", "one"), ("+12025550160", "+12025550183", "two")],
        more: &["GET /2010-04-01/Accounts/user-1/Messages.json?PageSize=100&Page=1&PageToken=PASM1"] },
    Row { name: "voipms",
        asks: ("POST /api/v1/rest.php", "name=\"did\"\r\n\r\n2025550160\r\n"), auth: "",
        empty: r#"{"status":"no_sms"}"#,
        list: r#"{"status":"success","sms":[{"id":"111120","date":"2026-11-30 04:53:00","type":"1","did":"2025550160","contact":"2025550183","message":"a picture","col_media1":"https://media.example/1.jpg","col_media2":""},
            {"id":"111119","date":"2026-11-30 04:52:07","type":"1","did":"2025550160","contact":"2025550183","message":"hello+john","carrier_status":"0","col_media1":"","media":[]}]}"#,
        sms: &[("+12025550160", "+12025550183", "hello+john"), ("+12025550160", "+12025550183", "a picture\nhttps://media.example/1.jpg")],
        more: &[] },
];

/// Returns a target without its dates and times.
fn timeless(target: &str) -> String {
    let mut out = String::new();
    let mut rest = target;
    while let Some(first) = rest.chars().next() {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_date = rest.get(..10).is_some_and(|day| {
            digits(&day[..4]) && &day[4..5] == "-" && digits(&day[5..7]) && digits(&day[8..])
        });
        // It has exactly the format that the program uses.
        let time = rest
            .get(10..24)
            .filter(|time| time.starts_with("T") && time.ends_with("Z"));
        match (is_date, time) {
            (true, Some(time)) if time.len() == 14 && time.contains("%3A") => {
                out.push('T');
                rest = &rest[24..];
            }
            (true, _) => {
                out.push('D');
                rest = &rest[10..];
            }
            _ => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

fn check(row: &Row) {
    let name = row.name;
    let preset = PRESETS.iter().find(|(known, _)| *known == name).unwrap().1;
    let consumes = preset.contains("poll_consumes = yes");
    // The list is shown from the second poll on, and its further pages are empty.
    let polls = std::sync::Mutex::new(0_usize);
    let (empty, list, first) = (row.empty, row.list, timeless(row.asks.0));
    let decide = move |request: &Received| {
        let call = format!("{} {}", request.method, timeless(&request.target));
        let is_first = call == first;
        let mut polls = polls.lock().unwrap();
        *polls += usize::from(is_first);
        let shows = is_first && (*polls == 2 || (*polls > 2 && !consumes));
        (200, if shows { list } else { empty }.to_owned())
    };
    let itsp = Itsp::start(vec![Script::Decide(Decision(Arc::new(decide)))]);
    let scratch = Scratch::new();
    let own = match preset.contains("{number}") || name == "android-sms-gateway" {
        true => "own_numbers = +12025550160\n",
        false => "",
    };
    let passwd = match name {
        "gatewayapi" => "",
        _ => "auth_passwd = pass-1\n",
    };
    let conf = format!(
        "[websms]\nprovider = {name}\nhost = {}\nauth_user = user-1\n{passwd}account = acc-1\n\
         [websmsd]\nprovider = {name}\npoll = 60s\n{own}",
        itsp.url()
    );
    let conf = scratch.file("websms.conf", spool_conf(&scratch, &conf));
    let poll = || {
        let mut run = daemon_command(Called::Link, &scratch);
        run.arg("-c").arg(&conf).args(["--poll", "-v"]);
        let ran = finish(run);
        assert_eq!(ran.code, Some(0), "{name}: {ran:?}");
        ran
    };
    poll();
    let before = itsp.requests();
    let request = &before[0];
    assert_eq!(
        format!("{} {}", request.method, timeless(&request.target)),
        timeless(row.asks.0),
        "{name}"
    );
    assert!(
        request.text().contains(row.asks.1),
        "{name}: {}",
        request.text()
    );
    if let Some((field, value)) = row.auth.split_once(": ") {
        assert_eq!(request.header(field), Some(value), "{name}");
    }
    // Without new SMS a poll costs the provider one request.
    assert_eq!(before.len(), 1, "{name}");

    let ran = poll();
    let files = call_files(&scratch.join("outgoing"));
    let lines = ran
        .stderr
        .lines()
        .filter(|line| line.contains(": delivered, from "));
    let file = |line: &str| -> &CallFile {
        let id = crate::poll::id(line);
        files.iter().find(|it| it.name.contains(&id)).unwrap()
    };
    let found: Vec<(String, String, String)> = lines
        .map(|line| {
            let file = file(line);
            let [to, from] = ["MESSAGE(to)", "MESSAGE(from)"].map(|it| file.variable(it));
            (to, from, file.body())
        })
        .collect();
    let expected: Vec<(String, String, String)> = row
        .sms
        .iter()
        .map(|(to, from, text)| ((*to).to_owned(), (*from).to_owned(), (*text).to_owned()))
        .collect();
    assert_eq!(found, expected, "{name}: {ran:?}");
    assert!(!ran.stderr.contains("passed over"), "{name}: {ran:?}");
    let more: Vec<String> = itsp.requests()[before.len() + 1..]
        .iter()
        .map(|it| format!("{} {}", it.method, timeless(&it.target)))
        .collect();
    let expected_more: Vec<String> = row.more.iter().map(|it| timeless(it)).collect();
    assert_eq!(more, expected_more, "{name}");

    // An unchanged list brings nothing new.
    poll();
    assert_eq!(
        call_files(&scratch.join("outgoing")).len(),
        expected.len(),
        "{name}"
    );
}

#[test]
fn polls_of_presets() {
    ROWS.iter().for_each(check);
}

#[test]
fn every_preset_that_is_asked_has_a_row() {
    let asked = PRESETS
        .iter()
        .filter(|(_, text)| text.contains("\npoll_path = "));
    let asked: BTreeSet<&str> = asked.map(|(name, _)| *name).collect();
    assert_eq!(asked, ROWS.iter().map(|row| row.name).collect());
}
