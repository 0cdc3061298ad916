//! Tests webhooks that are signed as each provider signs them, and 401 for similar ones.
//!
//! The formulas are repeated here, so that a mistake in the program's own does not agree with itself.
//! `src/proto/webhook/verify/tests` tests a change of every byte; these tests go through configuration,
//! listener and spool.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, Key, sign};
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::rig::{self, Answer, Called, FORM, Scratch, Websmsd};

pub const JSON: &str = "application/json";
const FORM_SMS: &str = "Body=Hello+%26+%C3%A9&From=%2B15017122661&To=%2B12025550160";
/// The contents of the form for signatures, which do not depend on its encoding.
const SIGNED_SMS: &str = "BodyHello & éFrom+15017122661To+12025550160";
pub const JSON_SMS: &str = r#"{"To":"+12025550160","From":"+15017122661","Body":"Hello & é"}"#;

pub fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

pub fn sha1(key: &str, text: &str) -> Vec<u8> {
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    sign(&key, text.as_bytes()).as_ref().to_vec()
}

pub fn sha256(key: &[u8], text: &str) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, key), text.as_bytes())
        .as_ref()
        .to_vec()
}

pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

pub fn digest_of(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()))
}

pub fn token(claims: &str) -> String {
    let url = |text: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(text);
    let signed = format!(
        "{}.{}",
        url(br#"{"alg":"HS256","typ":"JWT"}"#),
        url(claims.as_bytes())
    );
    let tag = sha256(b"secret", &signed);
    format!("{signed}.{}", url(&tag))
}

/// A request that is to be signed, or is signed already.
#[derive(Clone)]
pub struct Webhook {
    pub method: &'static str,
    pub target: String,
    pub content_type: &'static str,
    pub fields: Vec<(&'static str, String)>,
    pub body: String,
}

impl Webhook {
    pub fn post(target: &str, content_type: &'static str, body: &str) -> Webhook {
        Webhook {
            method: "POST",
            target: target.to_owned(),
            content_type,
            fields: Vec::new(),
            body: body.to_owned(),
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Webhook {
        self.fields.push((name, value.into()));
        self
    }

    pub fn send(&self, websmsd: &Websmsd) -> Answer {
        self.try_send(websmsd).unwrap()
    }

    /// Sends the request. Returns `None` if the daemon dies before it has answered.
    pub fn try_send(&self, websmsd: &Websmsd) -> Option<Answer> {
        let fields: String = self
            .fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let mut http = websmsd.connect();
        http.send(format!(
            "{} {} HTTP/1.1\r\nHost: websms\r\nContent-Type: {}\r\n{fields}Content-Length: {}\r\n\r\n{}",
            self.method,
            self.target,
            self.content_type,
            self.body.len(),
            self.body
        ));
        http.try_answer()
    }

    /// Checks that it is delivered, and refused without any of the proof's fields, with one of them twice
    /// or with another last byte.
    #[track_caller]
    fn check(&self, websmsd: &Websmsd) {
        let refused = |changed: &Webhook, what: &str| {
            let answer = changed.send(websmsd);
            assert_eq!(answer.status, 401, "{what}");
            assert_eq!(answer.header("WWW-Authenticate"), None);
            assert!(websmsd.call_files().is_empty(), "{what}");
        };
        for at in 0..self.fields.len() {
            let name = self.fields[at].0;
            let mut missing = self.clone();
            missing.fields.remove(at);
            refused(&missing, name);
            let mut twice = self.clone();
            twice.fields.push(self.fields[at].clone());
            refused(&twice, name);
            let mut other = self.clone();
            let value = &mut other.fields[at].1;
            let last = value.pop().unwrap();
            value.push(if last == '1' { '2' } else { '1' });
            refused(&other, name);
        }
        assert_eq!(self.send(websmsd).status, 200);
        let file = websmsd.call_file();
        assert_eq!(file.value("Extension"), "+12025550160");
        assert_eq!(file.variable("MESSAGE(from)"), "+15017122661");
        assert_eq!(file.body(), "Hello & é");
    }

    #[track_caller]
    fn check_status(&self, websmsd: &Websmsd, status: u16) {
        let before = websmsd.call_files().len();
        assert_eq!(
            self.send(websmsd).status,
            status,
            "{} {}",
            self.target,
            self.body
        );
        let delivered = websmsd.call_files().len() - before;
        assert_eq!(delivered, usize::from(status == 200));
    }
}

/// Returns the request with another text in its body.
fn other_text(webhook: &Webhook) -> Webhook {
    let mut other = webhook.clone();
    other.body = other.body.replace("Hello", "Hallo");
    assert!(other.body != webhook.body);
    other
}

fn start(method: &str, more: &str) -> Websmsd {
    let secret = if more.contains("auth_passwd") {
        ""
    } else {
        "auth_passwd = secret\n"
    };
    Websmsd::start(&format!(
        "[websmsd]\nauth_method = {method}\n{secret}{more}"
    ))
}

#[test]
fn zadarma() {
    let websmsd = start(
        "zadarma",
        "accept_if = \"event=SMS\"\nkey_to = caller_did\nkey_from = caller_id\nkey_body = text",
    );
    let result = r#"{"caller_id":"+15017122661","caller_did":"+12025550160","text":"Hello & é"}"#;
    let signature = base64(hex(sha1("secret", result)));
    let body = |result: &str| {
        let result = result.replace('&', "%26").replace('+', "%2B");
        format!("event=SMS&result={result}")
    };
    let good = Webhook::post("/", FORM, &body(result)).with("Signature", signature);
    good.check(&websmsd);
    other_text(&good).check_status(&websmsd, 401);
    // Only the signed value is read.
    let mut more = good;
    more.body.push_str("&caller_id=666&text=other");
    more.check_status(&websmsd, 200);
    for file in websmsd.call_files() {
        assert_eq!(file.body(), "Hello & é");
    }
}

#[test]
fn twilio_behind_a_proxy_that_changes_the_path() {
    let websmsd = start("twilio", "public_url = https://sms.example.com/hook/in");
    let signed = |url: &str| base64(sha1("secret", &format!("{url}{SIGNED_SMS}")));
    let signature = signed("https://sms.example.com/hook/in?a=1");
    let good = Webhook::post("/sms?a=1", FORM, FORM_SMS).with("X-Twilio-Signature", signature);
    good.check(&websmsd);
    other_text(&good).check_status(&websmsd, 401);
    let mut other = good.clone();
    other.target = "/sms?a=2".to_owned();
    other.check_status(&websmsd, 401);
    let mut more = good.clone();
    more.body.push_str("&To=666");
    more.check_status(&websmsd, 401);
    // The provider may sign the port or not.
    let mut port = good;
    port.fields[0].1 = signed("https://sms.example.com:443/hook/in?a=1");
    port.check_status(&websmsd, 200);
    port.fields[0].1 = signed("https://sms.example.com/sms?a=1");
    port.check_status(&websmsd, 401);
}

#[test]
fn twilio_signs_a_url_with_or_without_its_user_and_password() {
    let websmsd = start(
        "twilio",
        "public_url = \"https://user:pass@sms.example.com/hook/in\"",
    );
    let signed = |url: &str| {
        let signature = base64(sha1("secret", &format!("{url}{SIGNED_SMS}")));
        Webhook::post("/sms", FORM, FORM_SMS).with("X-Twilio-Signature", signature)
    };
    signed("https://sms.example.com/hook/in").check(&websmsd);
    for (url, status) in [
        ("https://sms.example.com:443/hook/in", 200),
        ("https://user:pass@sms.example.com/hook/in", 200),
        ("https://user:pass@sms.example.com:443/hook/in", 200),
        ("https://user@sms.example.com/hook/in", 401),
        ("https://user:other@sms.example.com/hook/in", 401),
        ("https://user:pass@sms.example.com/hook/out", 401),
        ("https://sms.example.com/hook/out", 401),
    ] {
        signed(url).check_status(&websmsd, status);
    }
}

#[test]
fn twilio_says_by_which_channel_a_message_came() {
    let websmsd = start("twilio", "public_url = https://sms.example.com/hook/in");
    let check = |from: &str, to: &str, text: &str, (sender, log): (&str, &str)| {
        let signed = format!("https://sms.example.com/hook/inBody{text}From{from}To{to}");
        let form = format!("Body={text}&From={from}&To={to}").replace('+', "%2B");
        Webhook::post("/sms", FORM, &form)
            .with("X-Twilio-Signature", base64(sha1("secret", &signed)))
            .check_status(&websmsd, 200);
        let files = websmsd.call_files();
        let file = files.iter().find(|file| file.body() == text).unwrap();
        assert_eq!(file.value("Extension"), "+12025550160");
        assert_eq!(file.variable("MESSAGE(from)"), sender);
        websmsd.wait_for_log(log);
    };
    let plain = "whatsapp: dropped";
    check(
        "whatsapp:+15017122661",
        "whatsapp:+12025550160",
        "a",
        ("+15017122661", plain),
    );
    check("rcs:agent", "+12025550160", "b", ("agent", "rcs: dropped"));
    check("", "+12025550160", "c", ("anonymous", "from anonymous to"));
}

#[test]
fn twilio_with_a_body_that_is_no_form() {
    let websmsd = start("signalwire", "public_url = https://sms.example.com:8443");
    let digest = digest_of(JSON_SMS);
    let good = |target: &str| {
        let signed = format!("https://sms.example.com{target}");
        let signature = base64(sha1("secret", &signed));
        Webhook::post(target, JSON, JSON_SMS).with("X-SignalWire-Signature", signature)
    };
    good(&format!("/?bodySHA256={digest}")).check(&websmsd);
    good("/").check_status(&websmsd, 401);
    good("/?bodySHA256=").check_status(&websmsd, 401);
    other_text(&good(&format!("/?bodySHA256={digest}"))).check_status(&websmsd, 401);
}

#[test]
fn telnyx() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let key = base64(pair.public_key());
    let websmsd = start("telnyx", &format!("auth_passwd = \"{key}\""));
    let at = |time_s: u64| {
        let signature = pair.sign(format!("{time_s}|{JSON_SMS}").as_bytes());
        Webhook::post("/", JSON, JSON_SMS)
            .with("telnyx-timestamp", time_s.to_string())
            .with("telnyx-signature-ed25519", base64(signature))
    };
    at(now_s()).check(&websmsd);
    check_window(&websmsd, at);
    other_text(&at(now_s())).check_status(&websmsd, 401);
    // The query is not signed, so it is not read.
    let mut query = at(now_s());
    query.target = "/?Body=other&To=666".to_owned();
    query.check_status(&websmsd, 200);
    assert!(
        websmsd
            .call_files()
            .iter()
            .all(|file| file.body() == "Hello & é")
    );
}

/// Checks a recorded request, and one under a clock that is fast.
fn check_window(websmsd: &Websmsd, at: impl Fn(u64) -> Webhook) {
    at(now_s() - 330).check_status(websmsd, 401);
    at(now_s() + 330).check_status(websmsd, 401);
    at(now_s() - 270).check_status(websmsd, 200);
    at(now_s() + 270).check_status(websmsd, 200);
}

#[test]
fn vonage() {
    let websmsd = start("vonage", "key_to = to\nkey_from = msisdn\nkey_body = text");
    let at = |time_s: u64| {
        let signed =
            format!("&msisdn=+15017122661&text=Hello _ é&timestamp={time_s}&to=+12025550160");
        let sig = hex(sha256(b"secret", &signed));
        format!(
            "to=%2B12025550160&msisdn=%2B15017122661&text=Hello+%26+%C3%A9&timestamp={time_s}&sig={sig}"
        )
    };
    let post = |time_s: u64| Webhook::post("/", FORM, &at(time_s));
    post(now_s()).check(&websmsd);
    check_window(&websmsd, post);
    websmsd.wait_for_log("signature of another time");
    other_text(&post(now_s())).check_status(&websmsd, 401);
    let mut get = post(now_s());
    get.method = "GET";
    get.target = format!("/?{}", get.body);
    get.body.clear();
    get.check_status(&websmsd, 200);
    get.target.push_str("&text=other");
    get.check_status(&websmsd, 401);
    get.target = "/?text=other&to=1&msisdn=2".to_owned();
    get.check_status(&websmsd, 401);
}

#[test]
fn vonage_messages() {
    let websmsd = start("vonage-jwt", "");
    let at = |time_s: u64| {
        let digest = digest_of(JSON_SMS);
        let claims = format!(r#"{{"iat":{time_s},"payload_hash":"{digest}"}}"#);
        Webhook::post("/", JSON, JSON_SMS)
            .with("Authorization", format!("Bearer {}", token(&claims)))
    };
    at(now_s()).check(&websmsd);
    check_window(&websmsd, at);
    other_text(&at(now_s())).check_status(&websmsd, 401);
    let bare = token(&format!(r#"{{"iat":{}}}"#, now_s()));
    Webhook::post("/", JSON, JSON_SMS)
        .with("Authorization", format!("Bearer {bare}"))
        .check_status(&websmsd, 401);
}

#[test]
fn plivo() {
    let websmsd = start("plivo", "public_url = https://sms.example.com/");
    let signed = format!("https://sms.example.com/sms?a=1.{SIGNED_SMS}.123");
    let good = Webhook::post("/sms?a=1", FORM, FORM_SMS)
        .with("X-Plivo-Signature-V3", base64(sha256(b"secret", &signed)))
        .with("X-Plivo-Signature-V3-Nonce", "123");
    good.check(&websmsd);
    other_text(&good).check_status(&websmsd, 401);
    // The main account's signature stands in a header of its own, beside one of another token.
    let by = |nonce: &str, right: bool| {
        let signed = format!("https://sms.example.com/sms?{SIGNED_SMS}.{nonce}");
        let secret: &[u8] = if right { b"secret" } else { b"another" };
        base64(sha256(secret, &signed))
    };
    let (own, main) = ("X-Plivo-Signature-V3", "X-Plivo-Signature-Ma-V3");
    let with = |nonce: &'static str, proofs: &[(&'static str, bool)]| {
        let mut webhook = Webhook::post("/sms", FORM, FORM_SMS);
        for (header, right) in proofs {
            webhook = webhook.with(header, by(nonce, *right));
        }
        webhook.with("X-Plivo-Signature-V3-Nonce", nonce)
    };
    with("m1", &[(main, true)]).check(&start("plivo", "public_url = https://sms.example.com/"));
    with("m2", &[(own, false), (main, true)]).check_status(&websmsd, 200);
    with("m3", &[(own, true), (main, false)]).check_status(&websmsd, 200);
    for proofs in [
        [(own, false), (main, false)],
        [(main, true), (main, true)],
        [(main, false), (main, true)],
    ] {
        with("m4", &proofs).check_status(&websmsd, 401);
    }
    with("m4", &[(own, true), (main, true), (main, true)]).check_status(&websmsd, 401);
    other_text(&with("m5", &[(main, true)])).check_status(&websmsd, 401);
    let v2 = base64(sha256(b"secret", "https://sms.example.com/sms123"));
    Webhook::post("/sms", FORM, FORM_SMS)
        .with("X-Plivo-Signature-V2", v2)
        .with("X-Plivo-Signature-V2-Nonce", "123")
        .check_status(&websmsd, 401);
}

#[test]
fn messagebird() {
    let websmsd = start("messagebird", "public_url = https://sms.example.com");
    let at = |time_s: u64| {
        let (url, body) = (
            digest_of("https://sms.example.com/in?a"),
            digest_of(FORM_SMS),
        );
        let claims = format!(
            r#"{{"iss":"MessageBird","nbf":{time_s},"exp":{},"url_hash":"{url}","payload_hash":"{body}"}}"#,
            time_s + 60
        );
        Webhook::post("/in?a", FORM, FORM_SMS).with("MessageBird-Signature-JWT", token(&claims))
    };
    at(now_s()).check(&websmsd);
    websmsd.wait_for_log("signature missing or given twice");
    websmsd.wait_for_log("signature wrong");
    at(now_s() - 90).check_status(&websmsd, 401);
    at(now_s() + 30).check_status(&websmsd, 401);
    other_text(&at(now_s())).check_status(&websmsd, 401);
    let mut other = at(now_s());
    other.target = "/in?b".to_owned();
    other.check_status(&websmsd, 401);
}

#[test]
fn gatewayapi_says_it_in_the_token() {
    let websmsd = start("gatewayapi", "");
    let other = JSON_SMS.replace("Hello", "Other").replace("+1", "+4");
    Webhook::post("/?Body=other", JSON, &other)
        .with("X-Gwapi-Signature", token(JSON_SMS))
        .check(&websmsd);
    let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let claims = BASE64_URL_SAFE_NO_PAD.encode(JSON_SMS);
    Webhook::post("/", JSON, JSON_SMS)
        .with("X-Gwapi-Signature", format!("{none}.{claims}."))
        .check_status(&websmsd, 401);
}

#[test]
fn sinch() {
    let websmsd = start("sinch", "");
    let at = |time_s: u64| {
        let signature = base64(sha256(b"secret", &format!("{JSON_SMS}.01JHF.{time_s}")));
        Webhook::post("/", JSON, JSON_SMS)
            .with("x-sinch-webhook-signature", signature)
            .with("x-sinch-webhook-signature-algorithm", "HmacSHA256")
            .with("x-sinch-webhook-signature-nonce", "01JHF")
            .with("x-sinch-webhook-signature-timestamp", time_s.to_string())
    };
    at(now_s()).check(&websmsd);
    check_window(&websmsd, at);
    other_text(&at(now_s())).check_status(&websmsd, 401);
}

#[test]
fn telesign() {
    let websmsd = start("telesign", &format!("auth_passwd = \"{}\"", base64("key")));
    let signature = |body: &str| base64(sha256(b"key", body));
    let of =
        |body: &str, value: String| Webhook::post("/", JSON, body).with("Authorization", value);
    of(JSON_SMS, signature(JSON_SMS)).check(&websmsd);
    let next = JSON_SMS.replace("Hello", "Next");
    let value = format!("TSA customer:{}", signature(&next));
    of(&next, value).check_status(&websmsd, 200);
    other_text(&of(JSON_SMS, signature(JSON_SMS))).check_status(&websmsd, 401);
}

#[test]
fn a_secret_in_the_path_or_in_the_query() {
    let websmsd = Websmsd::start("[websmsd]\nurl_path = \"/sms/5b1c9a,/hook?key=5b1c9a\"");
    let at = |target: &str| Webhook::post(target, FORM, FORM_SMS);
    for good in ["/sms/5b1c9a", "/sms/5b1c9a?x", "/hook?key=5b1c9a"] {
        at(good).check_status(&websmsd, 200);
    }
    for bad in [
        "/sms/5b1c9b",
        "/sms/5b1c9",
        "/sms/5b1c9a/",
        "/sms/5b1c9%61",
        "/hook",
        "/hook?key=5b1c9b",
        "/hook?key=5b1c9a&",
        "/hook?key=%35b1c9a",
        "/hook?KEY=5b1c9a",
    ] {
        at(bad).check_status(&websmsd, 404);
    }
}

#[test]
fn without_a_clock_a_time_proves_nothing() {
    let scratch = Scratch::new();
    let conf = scratch.file(
        "websms.conf",
        rig::spool_conf(
            &scratch,
            "[websmsd]\nauth_method = sinch\nauth_passwd = secret",
        ),
    );
    // This is a router without a battery, shortly after its start.
    let mut run = rig::daemon_command(Called::Link, &scratch);
    rig::set_clock(&mut run, "@1970-01-12 13:46:40");
    run.arg("-c").arg(conf).args(["-l", "127.0.0.1:0", "-v"]);
    let websmsd = Websmsd::spawn(run, scratch);
    let good = base64(sha256(b"secret", &format!("{JSON_SMS}.n.1000000")));
    let signed = |signature: String| {
        Webhook::post("/", JSON, JSON_SMS)
            .with("x-sinch-webhook-signature", signature)
            .with("x-sinch-webhook-signature-algorithm", "HmacSHA256")
            .with("x-sinch-webhook-signature-nonce", "n")
            .with("x-sinch-webhook-signature-timestamp", "1000000")
    };
    let answer = signed(good).send(&websmsd);
    assert_eq!(answer.status, 503);
    assert!(answer.header("Retry-After").is_some());
    signed(base64("wrong")).check_status(&websmsd, 401);
    assert!(websmsd.call_files().is_empty());
    websmsd.wait_for_log("clock");
}
