//! Tests every preset through the real programs: outbound against a stub that refuses what the provider
//! refuses, inbound with webhooks as the provider sends them.
//!
//! `tests/golden/providers/NAME/` has the outgoing requests, byte for byte (`plain.out`, `emoji.out`; the
//! line ends of a head are LF there), and incoming requests with their expected results (`*.request`,
//! `*.answer`). No number, text or credential in there is real.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use crate::rig::{Decision, Itsp, Ran, Received, Scratch, Script, Websmsd, percent_decode, websms};
use websms::proto::wire::json;
use websms::providers::PRESETS;

/// The requirements of a provider's API and its answers.
pub struct Api {
    pub name: &'static str,
    /// The method and the target.
    call: &'static str,
    /// The header that proves the caller; empty if a field or a signature does.
    auth: &'static str,
    content_type: &'static str,
    /// Names, or paths of JSON, with the values that are required there.
    fields: &'static [(&'static str, Kind)],
    /// The answer to a request that meets the requirements, and the id in it.
    pub accepts: (u16, &'static str, &'static str),
    /// The answer to any other request.
    refuses: (u16, &'static str),
}

/// The requirement for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `+` and digits; any other form is refused.
    Plus,
    /// Digits without a `+`; any other form is refused.
    Digits,
    /// Ten digits.
    Ten,
    /// Digits that are no JSON string.
    Integer,
    /// A number in any form.
    Number,
    /// Any text that is not empty.
    Text,
    /// Exactly this text.
    Is(&'static str),
}

use Kind::{Digits, Integer, Is, Number, Plus, Ten, Text};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const JSON_API: &str = "application/vnd.api+json";
const MULTIPART: &str = "multipart/form-data; boundary=websms-0000000000000000";
const BASIC: &str = "Authorization: Basic dXNlci0xOnBhc3MtMQ==";
const BEARER: &str = "Authorization: Bearer pass-1";

#[rustfmt::skip]
const APIS: &[Api] = &[
    Api { name: "46elks", call: "POST /a1/sms", auth: BASIC, content_type: FORM,
        fields: &[("to", Plus), ("from", Text), ("message", Text)],
        accepts: (200, r#"{"status":"created","id":"s70df59406a1b4643b96f3f91e0bfb7b0","cost":3500}"#, "s70df59406a1b4643b96f3f91e0bfb7b0"),
        refuses: (403, "Invalid to-number") },
    Api { name: "android-sms-gateway", call: "POST /messages", auth: BASIC, content_type: JSON,
        fields: &[("phoneNumbers[0]", Plus), ("textMessage.text", Text)],
        accepts: (202, r#"{"id":"PyDmBQZZXYmyxMwED8Fzy","state":"Pending","isHashed":false,"isEncrypted":false,"recipients":[{"phoneNumber":"+12025550183","state":"Pending"}],"states":{}}"#, "PyDmBQZZXYmyxMwED8Fzy"),
        refuses: (400, r#"{"message":"Empty phone numbers list"}"#) },
    Api { name: "anveo", call: "POST /api/v1.asp", auth: "", content_type: FORM,
        fields: &[("apikey", Is("pass-1")), ("action", Is("sms")), ("destination", Digits), ("from", Digits), ("message", Text)],
        accepts: (200, "result=success^error=^parts=1^fee=0.004^smsid=a7f3", "a7f3"),
        refuses: (200, "result=error^error=invalid request^parts=^fee=^smsid=") },
    Api { name: "bandwidth", call: "POST /api/v2/users/acc-1/messages", auth: BASIC, content_type: JSON,
        fields: &[("to[0]", Plus), ("from", Plus), ("text", Text), ("applicationId", Is("extra-1"))],
        accepts: (202, r#"{"id":"1589228074636lm4k2je7j7jklbn2","to":["+12025550183"],"segmentCount":1}"#, "1589228074636lm4k2je7j7jklbn2"),
        refuses: (400, r#"{"type":"request-validation","description":"Your request could not be accepted"}"#) },
    Api { name: "bulkvs", call: "POST /api/v1.0/messageSend", auth: BASIC, content_type: JSON,
        fields: &[("To[0]", Number), ("From", Number), ("Message", Text)],
        accepts: (200, r#"{"RefId":"b2f1","From":"12025550160","MessageType":"SMS","Results":[{"To":"12025550183","Status":"SUCCESS"}]}"#, "b2f1"),
        refuses: (200, r#"{"RefId":"b2f2","Results":[{"To":"12025550183","Status":"FAILED"}]}"#) },
    Api { name: "callwithus", call: "POST /api/sms/", auth: "", content_type: FORM,
        fields: &[("key", Is("pass-1")), ("from", Number), ("to", Number), ("text", Text)],
        accepts: (200, "OK", "-"),
        refuses: (200, "-1000") },
    Api { name: "clickatell", call: "GET /messages/http/send", auth: "", content_type: "",
        fields: &[("apiKey", Is("pass-1")), ("to", Digits), ("from", Text), ("content", Text)],
        accepts: (202, r#"{"messages":[{"apiMessageId":"77fb29998253415fa5d66971d519d362","accepted":true,"to":"12025550183","error":null}],"error":null}"#, "77fb29998253415fa5d66971d519d362"),
        refuses: (200, r#"{"messages":[{"apiMessageId":null,"accepted":false,"error":{"code":108}}],"error":null}"#) },
    Api { name: "clicksend", call: "POST /v3/sms/send", auth: BASIC, content_type: JSON,
        fields: &[("messages[0].to", Plus), ("messages[0].from", Text), ("messages[0].body", Text)],
        accepts: (200, r#"{"http_code":200,"response_code":"SUCCESS","data":{"total_count":1,"messages":[{"to":"+12025550183","status":"SUCCESS","message_id":"BF7AD270-0DE2-418B-B606-71D527D9C1AE"}]}}"#, "BF7AD270-0DE2-418B-B606-71D527D9C1AE"),
        refuses: (200, r#"{"http_code":200,"response_code":"SUCCESS","data":{"messages":[{"status":"INVALID_RECIPIENT","message_id":"BF7AD270-0DE2-418B-B606-71D527D9C1AF"}]}}"#) },
    Api { name: "commio", call: "POST /account/acc-1/product/origination/sms/send", auth: BASIC, content_type: JSON,
        fields: &[("from_did", Ten), ("to_did", Ten), ("message", Text)],
        accepts: (200, r#"{"guid":"7c8b2d86-65d2-4ad5-9b2d-5d0c9c2b9a2e"}"#, "7c8b2d86-65d2-4ad5-9b2d-5d0c9c2b9a2e"),
        refuses: (400, r#"{"code":400,"message":"invalid"}"#) },
    Api { name: "didww", call: "POST /outbound_messages", auth: BASIC, content_type: JSON_API,
        fields: &[("data.type", Is("outbound_messages")), ("data.attributes.destination", Digits), ("data.attributes.source", Text), ("data.attributes.content", Text)],
        accepts: (202, r#"{"data":{"id":"5f9d1a60-0b7c-4f0e-9d58-0c1f8a0b7f5b","type":"outbound_messages"}}"#, "5f9d1a60-0b7c-4f0e-9d58-0c1f8a0b7f5b"),
        refuses: (400, r#"{"errors":[{"title":"has an invalid format","code":"100","status":"400"}]}"#) },
    Api { name: "flowroute", call: "POST /v2.2/messages", auth: BASIC, content_type: JSON_API,
        fields: &[("data.type", Is("message")), ("data.attributes.to", Number), ("data.attributes.from", Number), ("data.attributes.body", Text)],
        accepts: (202, r#"{"data":{"links":{"self":"https://api.flowroute.com/v2.2/messages/mdr2-39cadeace66e11e7aff806cd7f24ba2d"},"type":"message","id":"mdr2-39cadeace66e11e7aff806cd7f24ba2d"}}"#, "mdr2-39cadeace66e11e7aff806cd7f24ba2d"),
        refuses: (422, r#"{"errors":[{"status":422}]}"#) },
    Api { name: "gatewayapi", call: "POST /rest/mtsms", auth: "Authorization: Basic dXNlci0xOg==", content_type: JSON,
        fields: &[("recipients[0].msisdn", Integer), ("sender", Text), ("message", Text)],
        accepts: (200, r#"{"ids":[421332671,4421332672],"usage":{"countries":{"DK":2},"currency":"DKK","total_cost":0.12}}"#, "421332671"),
        refuses: (400, r#"{"code":"0x0215","message":"Bad request"}"#) },
    Api { name: "infobip", call: "POST /sms/3/messages", auth: "Authorization: App pass-1", content_type: JSON,
        fields: &[("messages[0].destinations[0].to", Digits), ("messages[0].sender", Text), ("messages[0].content.text", Text)],
        accepts: (200, r#"{"bulkId":"2034072219640523072","messages":[{"messageId":"2250be2d4219-3af1-78856-aabe-1362af1edfd2","status":{"groupId":1,"groupName":"PENDING","id":26},"destination":"12025550183"}]}"#, "2250be2d4219-3af1-78856-aabe-1362af1edfd2"),
        refuses: (200, r#"{"messages":[{"messageId":"2250be2d4219-3af1-78856-aabe-1362af1edfd3","status":{"groupId":5,"groupName":"REJECTED","id":51}}]}"#) },
    Api { name: "inteliquent", call: "POST /msgbroker/rest/publishMessages", auth: BEARER, content_type: JSON,
        fields: &[("to[0]", Number), ("from", Number), ("text", Text)],
        accepts: (200, r#"{"success":true,"result":{"referenceId":"r1"}}"#, "r1"),
        refuses: (200, r#"{"success":false,"reason":"Bad Request","detail":"Invalid TN"}"#) },
    Api { name: "messagebird", call: "POST /messages", auth: "Authorization: AccessKey pass-1", content_type: JSON,
        fields: &[("recipients[0]", Number), ("originator", Text), ("body", Text)],
        accepts: (201, r#"{"id":"efa6405d518d4c0c88cce11f7db775fb","href":"https://rest.messagebird.com/messages/efa6405d518d4c0c88cce11f7db775fb"}"#, "efa6405d518d4c0c88cce11f7db775fb"),
        refuses: (422, r#"{"errors":[{"code":9,"description":"no (correct) recipients found","parameter":"recipients"}]}"#) },
    Api { name: "ovh", call: "POST /1.0/sms/acc-1/jobs", auth: "X-Ovh-Consumer: extra-1", content_type: JSON,
        fields: &[("receivers[0]", Plus), ("sender", Text), ("message", Text), ("noStopClause", Is("true"))],
        accepts: (200, r#"{"totalCreditsRemoved":1,"invalidReceivers":[],"ids":[26929925],"validReceivers":["+12025550183"]}"#, "26929925"),
        refuses: (200, r#"{"totalCreditsRemoved":0,"invalidReceivers":["12025550183"],"ids":[],"validReceivers":[]}"#) },
    Api { name: "plivo", call: "POST /v1/Account/user-1/Message/", auth: BASIC, content_type: JSON,
        fields: &[("dst", Digits), ("src", Text), ("text", Text)],
        accepts: (202, r#"{"message":"message(s) queued","message_uuid":["db3ce55a-7f1d-11e1-8ea7-1231380bc196"],"api_id":"db342550-7f1d-11e1-8ea7-1231380bc196"}"#, "db3ce55a-7f1d-11e1-8ea7-1231380bc196"),
        refuses: (202, r#"{"message":"message(s) queued","message_uuid":[],"invalid_number":["12025550183"],"api_id":"db342550-7f1d-11e1-8ea7-1231380bc196"}"#) },
    Api { name: "questblue", call: "POST /smsv2", auth: BASIC, content_type: JSON,
        fields: &[("did", Ten), ("did_to", Ten), ("msg", Text)],
        accepts: (200, r#"{"data":[{"msg_id":"4711"}]}"#, "4711"),
        refuses: (400, "{}") },
    Api { name: "signalwire", call: "POST /api/laml/2010-04-01/Accounts/user-1/Messages", auth: BASIC, content_type: FORM,
        fields: &[("To", Plus), ("From", Text), ("Body", Text)],
        accepts: (201, r#"{"sid":"0a059168-ead0-41af-9d1f-343dae832527","status":"queued"}"#, "0a059168-ead0-41af-9d1f-343dae832527"),
        refuses: (400, r#"{"code":21211,"message":"invalid","status":400}"#) },
    Api { name: "sinch", call: "POST /xms/v1/acc-1/batches", auth: BEARER, content_type: JSON,
        fields: &[("to[0]", Number), ("from", Number), ("body", Text)],
        accepts: (201, r#"{"id":"01FC66621XXXXX119Z8PMV1QPQ","to":["12025550183"],"canceled":false}"#, "01FC66621XXXXX119Z8PMV1QPQ"),
        refuses: (400, r#"{"code":"syntax_invalid_parameter_format","text":"invalid"}"#) },
    Api { name: "sipgate", call: "POST /v2/sessions/sms", auth: BASIC, content_type: JSON,
        fields: &[("recipient", Number), ("smsId", Is("acc-1")), ("message", Text)],
        accepts: (204, "", "-"),
        refuses: (403, "") },
    Api { name: "siptrunk", call: "POST /", auth: BASIC, content_type: JSON_API,
        fields: &[("data.type", Is("message")), ("data.attributes.to", Number), ("data.attributes.from", Number), ("data.attributes.body", Text)],
        accepts: (202, "{}", "-"),
        refuses: (422, "{}") },
    Api { name: "skyetel", call: "POST /v1/out?from=12025550160", auth: BASIC, content_type: JSON,
        fields: &[("to", Number), ("text", Text)],
        accepts: (200, "", "-"),
        refuses: (400, "") },
    Api { name: "smsapi", call: "POST /sms.do", auth: BEARER, content_type: FORM,
        fields: &[("to", Number), ("from", Text), ("message", Text), ("format", Is("json")), ("encoding", Is("utf-8"))],
        accepts: (200, r#"{"count":1,"list":[{"id":"1460969715572091219","points":0.16,"number":"12025550183","error":null,"status":"QUEUE"}]}"#, "1460969715572091219"),
        refuses: (200, r#"{"error":13,"message":"No correct phone numbers"}"#) },
    Api { name: "telesign", call: "POST /v1/messaging", auth: BASIC, content_type: FORM,
        fields: &[("phone_number", Digits), ("message_type", Is("ARN")), ("message", Text)],
        accepts: (200, r#"{"reference_id":"0123456789ABCDEF0123456789ABCDEF","status":{"code":290,"description":"Message in progress"}}"#, "0123456789ABCDEF0123456789ABCDEF"),
        refuses: (400, r#"{"status":{"code":11000,"description":"Invalid value"}}"#) },
    Api { name: "telnyx", call: "POST /v2/messages", auth: BEARER, content_type: JSON,
        fields: &[("to", Plus), ("from", Plus), ("text", Text)],
        accepts: (200, r#"{"data":{"record_type":"message","id":"b0c7e8cb-6227-4c74-9f32-c7f80c30934b","to":[{"phone_number":"+12025550183","id":"other"}]}}"#, "b0c7e8cb-6227-4c74-9f32-c7f80c30934b"),
        refuses: (422, r#"{"errors":[{"code":"40310","title":"Invalid 'to' address","detail":"..."}]}"#) },
    Api { name: "textmagic", call: "POST /api/v2/messages", auth: "X-TM-Key: pass-1", content_type: FORM,
        fields: &[("phones", Number), ("from", Text), ("text", Text)],
        accepts: (201, r#"{"id":"49575710","href":"/api/v2/messages/49575710","type":"message","sessionId":"34436687","bulkId":null,"messageId":"49575711","scheduleId":null}"#, "49575711"),
        refuses: (400, r#"{"code":400,"message":"Validation Failed"}"#) },
    Api { name: "twilio", call: "POST /2010-04-01/Accounts/user-1/Messages.json", auth: BASIC, content_type: FORM,
        fields: &[("To", Plus), ("From", Text), ("Body", Text)],
        accepts: (201, r#"{"account_sid":"user-1","sid":"SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","status":"queued","error_code":null}"#, "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        refuses: (400, r#"{"code":21211,"message":"The 'To' number is not a valid phone number.","status":400}"#) },
    Api { name: "voipms", call: "POST /api/v1/rest.php", auth: "", content_type: MULTIPART,
        fields: &[("api_username", Is("user-1")), ("api_password", Is("pass-1")), ("method", Is("sendSMS")), ("did", Ten), ("dst", Ten), ("message", Text)],
        accepts: (200, r#"{"status":"success","sms":23434}"#, "23434"),
        refuses: (200, r#"{"status":"invalid_dst"}"#) },
    Api { name: "vonage", call: "POST /sms/json", auth: "", content_type: FORM,
        fields: &[("api_key", Is("user-1")), ("api_secret", Is("pass-1")), ("to", Digits), ("from", Text), ("text", Text), ("type", Text)],
        accepts: (200, r#"{"message-count":"1","messages":[{"to":"12025550183","message-id":"0A0000000123ABCD1","status":"0","remaining-balance":"3.14159265","network":"12345"}]}"#, "0A0000000123ABCD1"),
        refuses: (200, r#"{"message-count":"1","messages":[{"status":"4","error-text":"Bad Credentials"}]}"#) },
    Api { name: "voxtelesys", call: "POST /api/v2/sms", auth: BEARER, content_type: JSON,
        fields: &[("to", Plus), ("from", Plus), ("body", Text)],
        accepts: (200, r#"{"id":"6708f96b76b15fde200deaca","status":"queued"}"#, "6708f96b76b15fde200deaca"),
        refuses: (400, "{}") },
    Api { name: "zadarma", call: "POST /v1/sms/send/", auth: "Authorization: user-1:@SIGNATURE@", content_type: FORM,
        fields: &[("number", Digits), ("sender", Text), ("caller_id", Text), ("message", Text)],
        accepts: (200, r#"{"status":"success","messages":1,"cost":0.24,"currency":"USD"}"#, "-"),
        refuses: (200, r#"{"status":"success","messages":0,"cost":0,"currency":"USD","denied_numbers":[{"number":"12025550183","message":"Wrong number"}]}"#) },
];

// ---- The stub -------------------------------------------------------------------------------

impl Api {
    fn decide(&self, request: &Received) -> (u16, String) {
        match self.objection(request) {
            None => (self.accepts.0, self.accepts.1.to_owned()),
            Some(_) => (self.refuses.0, self.refuses.1.to_owned()),
        }
    }

    /// Returns the fault of a request.
    pub fn objection(&self, request: &Received) -> Option<String> {
        let target = match self.call.starts_with("GET ") {
            true => request.target.split('?').next().unwrap(),
            false => &request.target,
        };
        let call = format!("{} {target}", request.method);
        if call != self.call {
            return Some(call);
        }
        if let Some((name, value)) = self.auth.split_once(": ") {
            let text = request.text();
            let value = match value.split_once("@SIGNATURE@") {
                Some((user, _)) => user.to_owned() + &zadarma("pass-1", target, &text),
                None => value.to_owned(),
            };
            if request.header(name) != Some(value.as_str()) {
                return Some(name.to_owned());
            }
        }
        if request.header("Content-Type").unwrap_or_default() != self.content_type {
            return Some("Content-Type".to_owned());
        }
        let bad = |(name, kind): &&(&str, Kind)| !kind.suits(field(request, name));
        let bad = self.fields.iter().find(bad);
        bad.map(|(name, kind)| format!("{name} is not {kind:?}: {}", request.text()))
    }
}

impl Kind {
    /// Whether a value meets the requirement. `value` is the text, and whether it is a JSON string or no
    /// JSON at all.
    fn suits(self, value: Option<(String, bool)>) -> bool {
        let Some((value, is_text)) = value else {
            return false;
        };
        let digits = |text: &str| text.len() > 6 && text.bytes().all(|b| b.is_ascii_digit());
        match self {
            Plus => is_text && value.strip_prefix('+').is_some_and(digits),
            Digits => is_text && digits(&value),
            Ten => is_text && digits(&value) && value.len() == 10,
            Integer => !is_text && digits(&value),
            Number => is_text && digits(value.strip_prefix('+').unwrap_or(&value)),
            Text => is_text && !value.is_empty(),
            Is(expected) => value == expected,
        }
    }
}

pub fn field(request: &Received, name: &str) -> Option<(String, bool)> {
    if request.header("Content-Type") == Some(MULTIPART) {
        let text = request.text();
        let (_, value) = text.split_once(&format!("; name=\"{name}\"\r\n\r\n"))?;
        let (value, _) = value.split_once("\r\n--websms-")?;
        return Some((value.to_owned(), true));
    }
    if request.header("Content-Type").is_some_and(|t| t != FORM) {
        let value = json::parse(&request.body).ok()?;
        let value = value.at(&json::steps(name.as_bytes())?)?;
        let text = String::from_utf8(value.scalar()?).unwrap();
        return Some((text, value.text().starts_with(b"\"")));
    }
    let form = match request.method.as_str() {
        "GET" => request.target.split_once('?')?.1.to_owned(),
        _ => request.text(),
    };
    let value = form.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (percent_decode(key) == name).then_some(value)
    });
    Some((percent_decode(&value?.replace('+', " ")), true))
}

/// Computes the signature with openssl, so that a fault of ours is not repeated here.
fn zadarma(secret: &str, path: &str, query: &str) -> String {
    let md5 = openssl(&["dgst", "-md5", "-r"], query);
    let md5 = md5.split(' ').next().unwrap();
    let signed = format!("{path}{query}{md5}");
    let hmac = openssl(&["dgst", "-sha1", "-hmac", secret, "-r"], &signed);
    let hmac = hmac.split(' ').next().unwrap();
    openssl(&["base64", "-A"], hmac)
}

fn openssl(arguments: &[&str], input: &str) -> String {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut run = Command::new("openssl");
    run.args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = run.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

// ---- Out ------------------------------------------------------------------------------------

pub fn api(name: &str) -> &'static Api {
    APIS.iter().find(|api| api.name == name).unwrap()
}

/// Returns lines of `[websms]` with all settings that any provider asks for.
pub fn credentials(api: &Api) -> String {
    let mut lines = format!(
        "provider = {}\naccount = acc-1\nauth_extra = extra-1\n",
        api.name
    );
    if !["anveo", "callwithus", "clickatell"].contains(&api.name) {
        lines.push_str("auth_user = user-1\n");
    }
    if api.name != "gatewayapi" {
        lines.push_str("auth_passwd = pass-1\n");
    }
    lines
}

/// Sends one SMS to the stub, with more lines in `[websms]`.
fn send(api: &'static Api, text: &str, more: &str) -> (Ran, Received) {
    let decide = Decision(Arc::new(|request: &Received| api.decide(request)));
    let itsp = Itsp::start(vec![Script::Decide(decide)]);
    let (scratch, host) = (Scratch::new(), itsp.url());
    let lines = credentials(api);
    let conf = format!("[websms]\n{lines}host = \"{host}\"\n{more}\n[queue]\ndir =\n");
    let conf = scratch.file("websms.conf", conf);
    let ran = websms(&conf, &["-v", "--", "+12025550183", "+12025550160", text]);
    (ran, itsp.request())
}

/// Returns the host that a preset names, as the program shows it.
fn host(api: &Api) -> String {
    let scratch = Scratch::new();
    let conf = scratch.file("websms.conf", format!("[websms]\n{}", credentials(api)));
    let ran = websms(&conf, &["-n", "--", "+12025550183", "+12025550160", "x"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let mut lines = ran.stdout.lines();
    let host = lines.find_map(|line| line.strip_prefix("Host: "));
    host.unwrap().to_owned()
}

pub fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/providers")
        .join(name)
}

/// Returns a request as a file holds it: values that differ between runs are masked.
fn shown(request: &Received, host: &str) -> String {
    let mut text = format!("{} {}\n", request.method, request.target);
    for (name, value) in &request.headers {
        let value = match name.as_str() {
            "Host" => host,
            "X-Ovh-Timestamp" | "X-Ovh-Signature" => "*",
            "User-Agent" => "*",
            _ => value,
        };
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push('\n');
    text + &request.text()
}

/// Checks that both texts are sent as in the golden files and accepted, and that their id is found.
fn sends(name: &str) {
    let api = api(name);
    let host = host(api);
    for (file, text) in [("plain", "Hello & bye"), ("emoji", "Hi \u{1f600}")] {
        let (ran, request) = send(api, text, "");
        assert_eq!(api.objection(&request), None, "{name}");
        let golden = golden(name).join(format!("{file}.out"));
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(shown(&request, &host), expected, "{}", golden.display());
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let id = format!("ref={}:", api.accepts.2);
        assert!(ran.stderr.contains(&id), "{name}: {id} {}", ran.stderr);
    }
}

/// Checks that an SMS counts as refused if the provider refuses it, with any status.
fn is_refused(name: &str) {
    let api = api(name);
    let check = |more: &str| {
        let (ran, request) = send(api, "Hello", more);
        assert!(api.objection(&request).is_some(), "{name} takes {more}");
        // A failure that may be the account's fault is not blamed on the SMS, and here no queue holds it.
        let (code, word) = match api.refuses.0 {
            401..=403 => (75, "FAILED"),
            _ => (1, "REFUSED"),
        };
        assert_eq!(ran.code, Some(code), "{name} {more}: {}", ran.stderr);
        assert!(ran.stderr.contains(word), "{name}: {}", ran.stderr);
    };
    match name {
        "gatewayapi" => check("auth_user = wrong"),
        "ovh" => check("auth_extra = wrong"),
        _ => check("auth_passwd = wrong"),
    }
    // The text is missing, because its name is one that the provider does not know.
    check("key_body = nothing");
    for (_, kind) in api.fields {
        match kind {
            Plus => check("number_format = E164"),
            Digits | Ten | Integer => check("number_format = '+E164'"),
            Number | Text | Is(_) => {}
        }
    }
}

#[test]
fn an_http_200_can_be_a_refusal() {
    let names = [
        "vonage",
        "clicksend",
        "voipms",
        "bulkvs",
        "smsapi",
        "anveo",
        "callwithus",
        "inteliquent",
        "plivo",
        "zadarma",
    ];
    for name in names {
        assert!((200..300).contains(&api(name).refuses.0), "{name}");
        is_refused(name);
    }
}

#[test]
fn a_refusal_says_why() {
    for (name, why) in [("zadarma", "Wrong number"), ("inteliquent", "Invalid TN")] {
        let (ran, _) = send(api(name), "Hello", "key_body = nothing");
        assert!(ran.stderr.contains(why), "{name}: {}", ran.stderr);
    }
}

#[test]
fn a_text_that_the_provider_would_not_take_is_not_sent() {
    for (name, chars_max) in [
        ("bandwidth", 2048),
        ("clicksend", 1224),
        ("messagebird", 1377),
        ("signalwire", 1600),
        ("sinch", 2000),
        ("skyetel", 1024),
        ("textmagic", 918),
        ("twilio", 1600),
        ("vonage", 3200),
    ] {
        let (ran, _) = send(api(name), &"x".repeat(chars_max), "");
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let scratch = Scratch::new();
        let conf = format!("[websms]\n{}", credentials(api(name)));
        let conf = scratch.file("websms.conf", conf);
        let text = "x".repeat(chars_max + 1);
        let ran = websms(&conf, &["-n", "--", "+12025550183", "+12025550160", &text]);
        let words = format!("text_chars_max is {chars_max}");
        assert!(ran.stderr.contains(&words), "{name}: {}", ran.stderr);
    }
}

#[test]
fn vonage_is_told_of_characters_outside_gsm() {
    for (text, expected) in [("\u{e4}\u{20ac}", "text"), ("\u{2014}", "unicode")] {
        let (_, request) = send(api("vonage"), text, "");
        let kind = field(&request, "type").map(|(value, _)| value);
        assert_eq!(kind.as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn voipms_limit_of_a_day_is_no_refusal() {
    let answer = |_: &Received| (200, r#"{"status":"limit_reached"}"#.to_owned());
    let itsp = Itsp::start(vec![Script::Decide(Decision(Arc::new(answer)))]);
    let (scratch, host) = (Scratch::new(), itsp.url());
    let lines = credentials(api("voipms"));
    let conf = format!("[websms]\n{lines}host = \"{host}\"\n[queue]\ndir =\n");
    let conf = scratch.file("websms.conf", conf);
    let ran = websms(&conf, &["--", "+12025550183", "+12025550160", "Hello"]);
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
}

#[test]
fn ovh_is_signed() {
    let (_, request) = send(api("ovh"), "Hello", "");
    let header = |name: &str| request.header(name).unwrap().to_owned();
    assert_eq!(header("X-Ovh-Application"), "user-1");
    let (url, now) = (
        format!("http://{}{}", header("Host"), request.target),
        header("X-Ovh-Timestamp"),
    );
    let signed = format!("pass-1+extra-1+POST+{url}+{}+{now}", request.text());
    let sha1 = openssl(&["dgst", "-sha1", "-r"], &signed);
    let expected = format!("$1${}", sha1.split(' ').next().unwrap());
    assert_eq!(header("X-Ovh-Signature"), expected);
}

#[test]
fn vonage_can_be_signed() {
    let more = "auth_method = vonage\nauth_hash = md5hash";
    let (_, request) = send(api("vonage"), "a&b=c", more);
    let value = |name: &str| field(&request, name).map(|(value, _)| value);
    assert_eq!(value("api_secret"), None);
    let now = value("timestamp").unwrap();
    let signed = format!(
        "&api_key=user-1&from=12025550160&text=a_b_c&timestamp={now}&to=12025550183&type=textpass-1"
    );
    let md5 = openssl(&["dgst", "-md5", "-r"], &signed);
    assert_eq!(value("sig").as_deref(), md5.split(' ').next());
}

// ---- In -------------------------------------------------------------------------------------

#[test]
fn a_group_text_is_for_our_number() {
    let check = |name: &str, body: &str, own: &str, expected: &[&str]| {
        let websmsd = Websmsd::start(&format!(
            "[websmsd]\nprovider = {name}\nauth_method = none\npermit_addr = 127.0.0.1\n\
             proxy_addr =\n{own}\n"
        ));
        let answer = websmsd.post("/", "application/json", body);
        let files = websmsd.call_files();
        let mut to: Vec<String> = files.iter().map(|it| it.variable("MESSAGE(to)")).collect();
        to.sort_unstable();
        assert_eq!(to, expected, "{name} {own}");
        let status = if to.is_empty() { 422 } else { 200 };
        assert_eq!(answer.status, status, "{name} {own}");
        let again = websmsd.post("/", "application/json", body);
        assert_eq!(again.status, status, "{name} {own}");
        if name != "bulkvs" {
            assert_eq!(websmsd.call_files().len(), to.len(), "{name} {own}");
        }
        let kept = fs::read_dir(websmsd.scratch.join("state/rejected"));
        let kept = kept.map_or(0, |folder| folder.count());
        assert_eq!(kept, usize::from(to.is_empty()), "{name} {own}");
    };
    let telnyx = r#"{"data":{"event_type":"message.received","payload":{"id":"84cca175","text":"hi",
        "from":{"phone_number":"+15017122661"},"to":[{"phone_number":"+13035550100"},
        {"phone_number":"+12025550160"},{"phone_number":"+12025550161"}]}}}"#;
    let bulkvs = r#"{"From":"15017122661","To":["13035550100","12025550160","12025550161"],
        "Message":"hi"}"#;
    let inteliquent = r#"{"referenceId":"r1","from":"5017122661","text":"hi",
        "to":["3035550100","2025550160","2025550161"],"deliveryReceipt":false}"#;
    for (name, body) in [
        ("telnyx", telnyx),
        ("bulkvs", bulkvs),
        ("inteliquent", inteliquent),
    ] {
        check(name, body, "own_numbers = 12025550160", &["+12025550160"]);
        let both = ["+12025550160", "+12025550161"];
        check(
            name,
            body,
            "own_numbers = '12025550161,+1 202 555 0160'",
            &both,
        );
        check(name, body, "own_numbers = +12025550199", &[]);
        check(name, body, "", &["+13035550100"]);
    }
}

/// Starts a daemon with the preset.
fn daemon(name: &str) -> Websmsd {
    // A signed time cannot be stored in a file; signatures.rs tests these.
    let auth = match name {
        "telnyx" | "messagebird" => "auth_method = none",
        _ => "auth_passwd = secret-1",
    };
    Websmsd::start(&format!(
        "[websmsd]\nprovider = {name}\n{auth}\npublic_url = \"https://sms.example.com\"\n\
         permit_addr = 127.0.0.1\nproxy_addr =\n"
    ))
}

/// Returns the bytes of a `.request` file, with CRLF in the head and a length.
pub fn request(name: &str, file: &str) -> Vec<u8> {
    let path = golden(name).join(format!("{file}.request"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (head, body) = text.split_once("\n\n").unwrap();
    let body = body.strip_suffix('\n').unwrap_or(body);
    let body = match head.contains("multipart/form-data") {
        true => body.replace('\n', "\r\n"),
        false => body.to_owned(),
    };
    let mut lines = head.lines();
    let call = lines.next().unwrap();
    let mut request = format!("{call} HTTP/1.1\r\nHost: sms.example.com\r\n");
    lines.for_each(|line| request.push_str(&format!("{line}\r\n")));
    if !call.starts_with("GET ") {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    format!("{request}\r\n{body}").into_bytes()
}

/// Sends a request and says in words what came of it: status, type, body, an SMS a line.
pub fn came_to(websmsd: &Websmsd, name: &str, file: &str) -> String {
    let mut http = websmsd.connect();
    http.send(request(name, file));
    let answer = http.answer();
    let content_type = answer.header("Content-Type").unwrap_or("-");
    let mut text = format!("{} {content_type}\n{}\n", answer.status, answer.text());
    let mut messages: Vec<String> = websmsd
        .call_files()
        .iter()
        .map(|file| {
            let (to, from) = (file.variable("MESSAGE(to)"), file.variable("MESSAGE(from)"));
            format!("{to} < {from}: {}\n", file.body().replace('\n', "\\n"))
        })
        .collect();
    messages.sort();
    text.push_str(&messages.concat());
    text
}

/// Checks that every request of the provider's folder has the result in the file beside it. `again` at its
/// end means that a repeated request is delivered a second time, because it has no id.
fn receives(name: &str) {
    let mut files: Vec<String> = fs::read_dir(golden(name))
        .unwrap()
        .filter_map(|entry| {
            let file = entry.unwrap().file_name().into_string().unwrap();
            Some(file.strip_suffix(".request")?.to_owned())
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{name} has no request");
    for file in files {
        let websmsd = daemon(name);
        let path = golden(name).join(format!("{file}.answer"));
        let expected = fs::read_to_string(&path).unwrap_or_default();
        let (expected, again) = match expected.strip_suffix("again\n") {
            Some(expected) => (expected, 2),
            None => (expected.as_str(), 1),
        };
        assert_eq!(
            came_to(&websmsd, name, &file),
            expected,
            "{}",
            path.display()
        );
        let delivered = websmsd.call_files().len();
        came_to(&websmsd, name, &file);
        assert_eq!(
            websmsd.call_files().len(),
            delivered * again,
            "{}",
            path.display()
        );
    }
}

#[test]
fn infobips_messages_are_all_stored_or_none_is_acknowledged() {
    let websmsd = daemon("infobip");
    assert!(came_to(&websmsd, "infobip", "several").starts_with("200 "));
    assert_eq!(websmsd.call_files().len(), 2);
    // The spool cannot take the SMS.
    let websmsd = daemon("infobip");
    fs::remove_dir(websmsd.outgoing()).unwrap();
    fs::write(websmsd.outgoing(), "").unwrap();
    let mut http = websmsd.connect();
    http.send(request("infobip", "several"));
    assert_eq!(http.answer().status, 503);
}

#[test]
fn an_answer_to_46elks_is_empty_and_one_to_twilio_is_xml() {
    let answer = came_to(&daemon("46elks"), "46elks", "sms");
    assert_eq!(answer.lines().nth(1), Some(""), "{answer}");
    let answer = came_to(&daemon("twilio"), "twilio", "sms");
    let expected = "200 text/xml\n<Response></Response>\n";
    assert!(answer.starts_with(expected), "{answer}");
}

#[test]
fn a_preset_that_is_signed_asks_for_its_secret() {
    for name in [
        "zadarma",
        "twilio",
        "signalwire",
        "telnyx",
        "plivo",
        "messagebird",
    ] {
        let scratch = Scratch::new();
        let conf = format!("[websmsd]\nprovider = {name}\npublic_url = \"https://a.example\"\n");
        let ran = websms(&scratch.file("websms.conf", conf), &["--check"]);
        assert_eq!(ran.code, Some(2), "{name}: {}", ran.stdout);
        assert!(ran.stdout.contains("auth_passwd"), "{name}: {}", ran.stdout);
    }
}

#[test]
fn providers_are_listed_and_explained() {
    let scratch = Scratch::new();
    let conf = scratch.file(
        "websms.conf",
        "[websmsd]\nurl_path [a] = /a\nurl_path [b] = /b\npublic_url = 'https://sms.example.com'\n",
    );
    let ran = websms(&conf, &["--providers"]);
    assert_eq!(ran.stdout.lines().count(), PRESETS.len(), "{}", ran.stdout);
    let check = |arguments: &[&str], hook: &str| {
        let ran = websms(&conf, arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stdout.contains(hook), "{hook}: {}", ran.stdout);
    };
    check(&["--providers", "telnyx"], "https://sms.example.com/a,");
    check(
        &["-i", "b", "--providers", "telnyx"],
        "https://sms.example.com/b,",
    );
    let nowhere = websms(&scratch.join("none"), &["--providers", "telnyx"]);
    assert!(
        nowhere.stdout.contains("https://YOUR.HOST/YOUR-PATH"),
        "{}",
        nowhere.stdout
    );
    assert_eq!(websms(&conf, &["--providers", "nobody"]).code, Some(2));
}

#[test]
fn every_preset_is_tested() {
    let presets: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
    let apis: Vec<&str> = APIS.iter().map(|api| api.name).collect();
    assert_eq!(presets, apis);
    let source = include_str!("providers.rs");
    for (name, preset) in PRESETS {
        assert!(
            source.contains(&format!("    both(\"{name}\")"))
                || source.contains(&format!("    out(\"{name}\")"))
        );
        // provider_polls.rs tests the providers that are only polled.
        let receives = preset.contains("[websmsd]\n") && preset.contains("@HOOK@");
        assert_eq!(
            source.contains(&format!("    both(\"{name}\")")),
            receives,
            "{name}"
        );
    }
}

// ---- A line a provider ----------------------------------------------------------------------

fn out(name: &str) {
    sends(name);
    is_refused(name);
}

fn both(name: &str) {
    out(name);
    receives(name);
}

#[test]
fn provider_elks_46() {
    both("46elks");
}

#[test]
fn provider_android_sms_gateway() {
    out("android-sms-gateway");
}

#[test]
fn provider_anveo() {
    out("anveo");
}

#[test]
fn provider_bandwidth() {
    both("bandwidth");
}

#[test]
fn provider_bulkvs() {
    both("bulkvs");
}

#[test]
fn provider_callwithus() {
    out("callwithus");
}

#[test]
fn provider_clickatell() {
    both("clickatell");
}

#[test]
fn provider_clicksend() {
    both("clicksend");
}

#[test]
fn provider_commio() {
    both("commio");
}

#[test]
fn provider_didww() {
    both("didww");
}

#[test]
fn provider_flowroute() {
    both("flowroute");
}

#[test]
fn provider_gatewayapi() {
    both("gatewayapi");
}

#[test]
fn provider_infobip() {
    both("infobip");
}

#[test]
fn provider_inteliquent() {
    both("inteliquent");
}

#[test]
fn provider_messagebird() {
    both("messagebird");
}

#[test]
fn provider_ovh() {
    out("ovh");
}

#[test]
fn provider_plivo() {
    both("plivo");
}

#[test]
fn provider_questblue() {
    both("questblue");
}

#[test]
fn provider_signalwire() {
    both("signalwire");
}

#[test]
fn provider_sinch() {
    both("sinch");
}

#[test]
fn provider_sipgate() {
    out("sipgate");
}

#[test]
fn provider_siptrunk() {
    both("siptrunk");
}

#[test]
fn provider_skyetel() {
    both("skyetel");
}

#[test]
fn provider_smsapi() {
    both("smsapi");
}

#[test]
fn provider_telesign() {
    out("telesign");
}

#[test]
fn provider_telnyx() {
    both("telnyx");
}

#[test]
fn provider_textmagic() {
    out("textmagic");
}

#[test]
fn provider_twilio() {
    both("twilio");
}

#[test]
fn provider_voipms() {
    both("voipms");
}

#[test]
fn provider_vonage() {
    both("vonage");
}

#[test]
fn provider_voxtelesys() {
    both("voxtelesys");
}

#[test]
fn provider_zadarma() {
    both("zadarma");
}
