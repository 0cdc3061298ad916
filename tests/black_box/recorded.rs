//! Tests attacks with a recorded webhook: it is sent again, cut at other places where its signature does
//! not show them, or sent to another interface.
//!
//! Each test first sends the provider's request, and then the attacker's.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::thread;

use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::rig::{self, Called, FORM, Scratch, Websmsd, wait_for};
use crate::signatures::{
    JSON, JSON_SMS, Webhook, base64, digest_of, hex, now_s, sha1, sha256, token,
};

const URL: &str = "https://sms.example.com";

/// The way in which the three schemes without a separator sign a form at the path `/sms`. The number makes
/// a request differ from another if there is a nonce.
#[derive(Clone, Copy)]
struct Joining {
    method: &'static str,
    sign: fn(signed: &str, nonce: u32) -> Vec<(&'static str, String)>,
}

const JOINING: [Joining; 3] = [
    Joining {
        method: "twilio",
        sign: |signed, _| vec![("X-Twilio-Signature", by_twilio(signed))],
    },
    Joining {
        method: "signalwire",
        sign: |signed, _| vec![("X-SignalWire-Signature", by_twilio(signed))],
    },
    Joining {
        method: "plivo",
        sign: |signed, nonce| {
            let signed = format!("{URL}/sms?{signed}.{nonce}");
            vec![
                ("X-Plivo-Signature-V3", base64(sha256(b"secret", &signed))),
                ("X-Plivo-Signature-V3-Nonce", nonce.to_string()),
            ]
        },
    },
];

fn by_twilio(signed: &str) -> String {
    base64(sha1("secret", &format!("{URL}/sms{signed}")))
}

type Form<'a> = &'a [(&'a str, &'a str)];

/// Returns the signed text of a form: names and values, sorted, with nothing between.
fn joined(form: Form) -> String {
    let mut pairs = form.to_vec();
    pairs.sort_unstable();
    pairs
        .iter()
        .map(|(name, value)| format!("{name}{value}"))
        .collect()
}

fn encoded(form: Form) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|b| match b {
                b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
                b => format!("%{b:02X}"),
            })
            .collect()
    };
    let pairs = form.iter();
    let pairs = pairs.map(|(name, value)| format!("{}={}", escape(name), escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

impl Joining {
    /// Returns the request as the provider sends it.
    fn signed(self, form: Form, nonce: u32) -> Webhook {
        let mut webhook = Webhook::post("/sms", FORM, &encoded(form));
        webhook.fields = (self.sign)(&joined(form), nonce);
        webhook
    }

    fn conf(self, more: &str) -> String {
        format!(
            "[websmsd]\nauth_method = {}\nauth_passwd = secret\npublic_url = {URL}\n{more}\n",
            self.method
        )
    }
}

/// Returns the recorded request, cut at other places: the signature stays right.
#[track_caller]
fn cut(recorded: &Webhook, was: Form, becomes: Form) -> Webhook {
    assert_eq!(joined(was), joined(becomes));
    Webhook {
        body: encoded(becomes),
        ..recorded.clone()
    }
}

const SMS: Form = &[
    ("Body", "Hello"),
    ("From", "+15017122661"),
    ("MessageSid", "SM123"),
    ("NumMedia", "0"),
    ("To", "+12025550160"),
    ("ToCity", "Y"),
];

/// The SMS with another message id.
const OTHER_ID: Form = &[
    ("Body", "Hello"),
    ("From", "+15017122661"),
    ("MessageSid", "SM123NumMedia0"),
    ("To", "+12025550160"),
    ("ToCity", "Y"),
];

/// The SMS without a message id.
const NO_ID: Form = &[
    ("Body", "Hello"),
    ("From", "+15017122661MessageSidSM123NumMedia0"),
    ("To", "+12025550160"),
    ("ToCity", "Y"),
];

#[track_caller]
fn check(websmsd: &Websmsd, webhook: &Webhook, status: u16, delivered: usize) {
    assert_eq!(webhook.send(websmsd).status, status, "{}", websmsd.log());
    let files = websmsd.call_files().len();
    assert_eq!(files, delivered, "{}\n{}", webhook.body, websmsd.log());
}

#[test]
fn one_signature_delivers_once_however_it_is_cut() {
    for scheme in JOINING {
        for more in ["key_id = MessageSid", ""] {
            let websmsd = Websmsd::start(&scheme.conf(more));
            let sent = scheme.signed(SMS, 1);
            check(&websmsd, &sent, 200, 1);
            check(&websmsd, &sent, 200, 1);
            check(&websmsd, &cut(&sent, SMS, OTHER_ID), 200, 1);
            websmsd.wait_for_log("delivered before");
            check(&websmsd, &cut(&sent, SMS, NO_ID), 422, 1);
            // Another request has another signature.
            let next: Vec<(&str, &str)> = SMS
                .iter()
                .map(|(name, value)| {
                    (
                        *name,
                        if *name == "MessageSid" {
                            "SM124"
                        } else {
                            *value
                        },
                    )
                })
                .collect();
            check(&websmsd, &scheme.signed(&next, 2), 200, 2);
        }
    }
}

#[test]
fn a_text_that_its_sender_has_made_for_it_is_no_second_sms() {
    // The text of this SMS, cut otherwise, is an SMS of another sender to another number.
    let text = "HelloFrom+1666MessageSidSM666To+1999Zz";
    let was: Form = &[
        ("Body", text),
        ("From", "+15017122661"),
        ("MessageSid", "SM123"),
        ("To", "+12025550160"),
    ];
    let becomes: Form = &[
        ("Body", "Hello"),
        ("From", "+1666"),
        ("MessageSid", "SM666"),
        ("To", "+1999"),
        ("Zz", "From+15017122661MessageSidSM123To+12025550160"),
    ];
    for scheme in JOINING {
        let websmsd = Websmsd::start(&scheme.conf("key_id = MessageSid"));
        let sent = scheme.signed(was, 1);
        check(&websmsd, &sent, 200, 1);
        check(&websmsd, &cut(&sent, was, becomes), 200, 1);
        websmsd.wait_for_log("a signature comes again with other contents, not delivered");
        assert_eq!(websmsd.call_file().value("Extension"), "+12025550160");
    }
}

#[test]
fn one_that_has_not_arrived_goes_to_no_other_number() {
    let longer: Form = &[
        ("Body", "Hello"),
        ("From", "+15017122661"),
        ("MessageSid", "SM123"),
        ("NumMedia", "0"),
        ("To", "+12025550160ToCityY"),
    ];
    for scheme in JOINING {
        let websmsd = Websmsd::start(&scheme.conf("key_id = MessageSid"));
        let sent = scheme.signed(SMS, 1);
        check(&websmsd, &cut(&sent, SMS, longer), 422, 0);
        websmsd.wait_for_log("422, to is no whole number, as this auth_method demands");
        check(&websmsd, &cut(&sent, SMS, NO_ID), 422, 0);
        websmsd.wait_for_log("422, from is no whole number, as this auth_method demands");
        // A refused request is not remembered: the provider's own still arrives.
        check(&websmsd, &sent, 200, 1);
        // Short codes and names of senders are accepted.
        let named: Form = &[
            ("Body", "Hello"),
            ("From", "ACME"),
            ("MessageSid", "SM125"),
            ("To", "12345"),
        ];
        check(&websmsd, &scheme.signed(named, 2), 200, 2);
    }
    // If the proof shows where a number ends, it may be anything.
    let websmsd = Websmsd::start("[websmsd]\nauth_method = bearer\nauth_passwd = t");
    let named = Webhook::post("/", FORM, "To=alice&From=A+very+long+name&Body=x");
    check(&websmsd, &named.with("Authorization", "Bearer t"), 200, 1);
}

#[test]
fn a_provider_s_repetition_is_no_second_sms_and_none_that_is_cut_is() {
    // Plivo signs each with a new nonce, so only the id shows that it is a repetition.
    let scheme = JOINING[2];
    let websmsd = Websmsd::start(&scheme.conf("key_id = MessageSid"));
    check(&websmsd, &scheme.signed(SMS, 1), 200, 1);
    let again = scheme.signed(SMS, 2);
    check(&websmsd, &again, 200, 1);
    check(&websmsd, &cut(&again, SMS, OTHER_ID), 200, 1);
    let record = fs::read_to_string(websmsd.scratch.join("state/seen/ids")).unwrap();
    assert_eq!(record.lines().count(), 3, "{record}");
    // Sending it again and again adds nothing to the record.
    for _ in 0..3 {
        check(&websmsd, &again, 200, 1);
        check(&websmsd, &cut(&again, SMS, OTHER_ID), 200, 1);
    }
    let after = fs::read_to_string(websmsd.scratch.join("state/seen/ids")).unwrap();
    assert_eq!(after, record);
}

// ---- Schemes that sign no time, and those that do not sign the URL --------------------------------

/// Makes a request as the provider signs it; the number makes it differ from others.
type Signer = Box<dyn Fn(u32) -> Webhook>;

/// Returns schemes with which one request can be sent to either of two interfaces: method, secret,
/// requests.
fn schemes() -> Vec<(&'static str, String, Signer)> {
    schemes_of(0)
}

/// Returns the schemes; those that sign a time sign one of `age_s` ago.
fn schemes_of(age_s: u64) -> Vec<(&'static str, String, Signer)> {
    let json = |number: u32| JSON_SMS.replace("Hello", &format!("Hello {number}"));
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let public = format!("\"{}\"", base64(pair.public_key()));
    let secret = || "secret".to_owned();
    vec![
        (
            "telesign",
            format!("\"{}\"", base64("key")),
            Box::new(move |number| {
                let body = json(number);
                let signature = base64(sha256(b"key", &body));
                Webhook::post("/a", JSON, &body).with("Authorization", signature)
            }),
        ),
        (
            "gatewayapi",
            secret(),
            Box::new(move |number| {
                Webhook::post("/a", JSON, "{}").with("X-Gwapi-Signature", token(&json(number)))
            }),
        ),
        (
            "zadarma",
            secret(),
            Box::new(move |number| {
                let result = json(number);
                let signature = base64(hex(sha1("secret", &result)));
                let form = encoded(&[("event", "SMS"), ("result", &result)]);
                Webhook::post("/a", FORM, &form).with("Signature", signature)
            }),
        ),
        (
            "telnyx",
            public,
            Box::new(move |number| {
                let (body, time_s) = (json(number), now_s() - age_s);
                let signature = pair.sign(format!("{time_s}|{body}").as_bytes());
                Webhook::post("/a", JSON, &body)
                    .with("telnyx-timestamp", time_s.to_string())
                    .with("telnyx-signature-ed25519", base64(signature))
            }),
        ),
        (
            "sinch",
            secret(),
            Box::new(move |number| {
                let (body, time_s) = (json(number), now_s() - age_s);
                let signature = sha256(b"secret", &format!("{body}.01JHF.{time_s}"));
                Webhook::post("/a", JSON, &body)
                    .with("x-sinch-webhook-signature", base64(signature))
                    .with("x-sinch-webhook-signature-algorithm", "HmacSHA256")
                    .with("x-sinch-webhook-signature-nonce", "01JHF")
                    .with("x-sinch-webhook-signature-timestamp", time_s.to_string())
            }),
        ),
        (
            "vonage",
            secret(),
            Box::new(move |number| {
                let time = (now_s() - age_s).to_string();
                let text = format!("Hello {number}");
                let signed =
                    format!("&Body={text}&From=+15017122661&To=+12025550160&timestamp={time}");
                let sig = hex(sha256(b"secret", &signed));
                let form: Form = &[
                    ("Body", &text),
                    ("From", "+15017122661"),
                    ("To", "+12025550160"),
                    ("timestamp", &time),
                    ("sig", &sig),
                ];
                Webhook::post("/a", FORM, &encoded(form))
            }),
        ),
        (
            "vonage-jwt",
            secret(),
            Box::new(move |number| {
                let body = json(number);
                let claims = format!(
                    r#"{{"iat":{},"payload_hash":"{}"}}"#,
                    now_s() - age_s,
                    digest_of(&body)
                );
                Webhook::post("/a", JSON, &body)
                    .with("Authorization", format!("Bearer {}", token(&claims)))
            }),
        ),
    ]
}

fn two_interfaces(method: &str, secret: &str) -> Websmsd {
    Websmsd::start(&format!(
        "[websmsd]\nauth_method = {method}\nauth_passwd = {secret}\nurl_path[a] = /a\nurl_path[b] = /b\n"
    ))
}

#[test]
fn a_request_of_one_interface_is_not_good_at_another() {
    for (method, secret, signed) in schemes() {
        let websmsd = two_interfaces(method, &secret);
        let at_b = |webhook: &Webhook| Webhook {
            target: "/b".to_owned(),
            ..webhook.clone()
        };
        let (one, two) = (signed(1), signed(2));
        check(&websmsd, &one, 200, 1);
        check(&websmsd, &at_b(&one), 200, 1);
        check(&websmsd, &at_b(&two), 200, 2);
        check(&websmsd, &two, 200, 2);
    }
}

#[test]
fn one_signature_without_a_time_delivers_once() {
    for (method, secret, signed) in schemes() {
        let once = matches!(method, "telesign" | "gatewayapi");
        if !once {
            continue;
        }
        let websmsd = Websmsd::start(&format!(
            "[websmsd]\nauth_method = {method}\nauth_passwd = {secret}\n"
        ));
        check(&websmsd, &signed(1), 200, 1);
        check(&websmsd, &signed(1), 200, 1);
        check(&websmsd, &signed(2), 200, 2);
    }
}

const DAY_S: u64 = 86_400;

fn signs_a_time(method: &str) -> bool {
    matches!(method, "telnyx" | "sinch" | "vonage" | "vonage-jwt")
}

#[test]
fn an_old_signature_is_taken_where_auth_age_says_so_and_delivers_once() {
    for (method, secret, signed) in schemes_of(DAY_S) {
        if !signs_a_time(method) {
            continue;
        }
        let start = |more: &str| {
            Websmsd::start(&format!(
                "[websmsd]\nauth_method = {method}\nauth_passwd = {secret}\n{more}\n"
            ))
        };
        for age in ["", "auth_age = 300s", "auth_age = 23h"] {
            check(&start(age), &signed(1), 401, 0);
        }
        for age in ["auth_age = none", "auth_age = 'none'", "auth_age = 25h"] {
            let state = Scratch::new();
            let dir = state.path().display();
            let conf = format!("{age}\n[queue]\ndir = \"{dir}\"");
            let websmsd = start(&conf);
            let (one, two) = (signed(1), signed(2));
            check(&websmsd, &one, 200, 1);
            check(&websmsd, &one, 200, 1);
            check(&websmsd, &two, 200, 2);
            drop(websmsd);
            check(&start(&conf), &one, 200, 0);
        }
    }
}

#[test]
fn what_is_recent_needs_no_record() {
    // The provider's own repetitions of one signature have always had five minutes.
    for (method, secret, signed) in schemes() {
        if signs_a_time(method) {
            let conf = format!("[websmsd]\nauth_method = {method}\nauth_passwd = {secret}\n");
            let websmsd = Websmsd::start(&conf);
            check(&websmsd, &signed(1), 200, 1);
            assert!(!websmsd.scratch.join("state/seen").exists(), "{method}");
        }
    }
}

#[test]
fn presets_of_providers_that_repeat_what_they_signed_once_take_it() {
    let conf = |name: &str, more: &str| {
        let keys = "key_to = To\nkey_from = From\nkey_body = Body\naccept_if =";
        format!(
            "[websmsd]\nprovider = {name}\nauth_method = {name}\nauth_passwd = secret\n{keys}\n{more}"
        )
    };
    for (method, _, signed) in schemes_of(DAY_S) {
        if matches!(method, "sinch" | "vonage") {
            let (websmsd, one) = (Websmsd::start(&conf(method, "")), signed(1));
            check(&websmsd, &one, 200, 1);
            check(&websmsd, &one, 200, 1);
            // Nothing would be remembered over a restart.
            let websmsd = Websmsd::start(&conf(method, "[queue]\ndir =\n"));
            check(&websmsd, &signed(1), 401, 0);
        }
    }
}

#[test]
fn two_equal_sms_that_are_signed_alike_are_both_delivered() {
    // Zadarma signs neither an id nor a time: a sender who answers "yes" twice has written two SMS.
    let (method, secret, signed) = schemes().remove(2);
    assert_eq!(method, "zadarma");
    let websmsd = two_interfaces(method, &secret);
    check(&websmsd, &signed(1), 200, 1);
    check(&websmsd, &signed(1), 200, 2);
}

#[test]
fn a_signature_that_every_request_bears_is_none() {
    let websmsd = Websmsd::start(
        "[websmsd]\nauth_method = bearer\nauth_passwd = t\nurl_path[a] = /a\nurl_path[b] = /b\n",
    );
    let sms = Webhook::post("/a", FORM, "To=1&From=2&Body=x").with("Authorization", "Bearer t");
    for number in 1..4 {
        check(&websmsd, &sms, 200, number);
    }
    assert!(!websmsd.scratch.join("state/seen").exists());
}

#[test]
fn a_whole_public_url_is_good_at_one_interface_only() {
    let conf = "public_url = https://sms.example.com/sms\nurl_path[a] = /a\nurl_path[b] = /b\n";
    let websmsd = Websmsd::start(&format!(
        "[websmsd]\nauth_method = twilio\nauth_passwd = secret\n{conf}"
    ));
    let mut sent = JOINING[0].signed(SMS, 1);
    for target in ["/a", "/b", "/a"] {
        sent.target = target.to_owned();
        check(&websmsd, &sent, 200, 1);
    }
}

#[test]
fn vonage_takes_no_name_that_is_two() {
    let websmsd = Websmsd::start("[websmsd]\nauth_method = vonage\nauth_passwd = secret\n");
    let time = now_s().to_string();
    let signed = format!("&Body=x&From=1&To=2&keyword=HI&messageId=7&timestamp={time}");
    let sig = hex(sha256(b"secret", &signed));
    let start = format!("Body=x&From=1&To=2&timestamp={time}&sig={sig}");
    let of = |body: String| Webhook::post("/", FORM, &body);
    check(
        &websmsd,
        &of(format!("{start}&keyword=HI&messageId=7")),
        200,
        1,
    );
    for name in ["keyword%3DHI%26messageId=7", "keyword=HI%26messageId%3D7"] {
        check(&websmsd, &of(format!("{start}&{name}")), 401, 1);
    }
    // The same attack in JSON is refused, too.
    let json = format!(
        r#"{{"Body":"x","From":"1","To":"2","timestamp":"{time}","sig":"{sig}","keyword=HI&messageId":"7"}}"#
    );
    check(&websmsd, &Webhook::post("/", JSON, &json), 401, 1);
}

// ---- The record -------------------------------------------------------------------------------------

/// Starts a daemon whose state outlives it.
fn start_in(state: &Path, scheme: Joining) -> Websmsd {
    let state = state.display();
    Websmsd::start(&scheme.conf(&format!("[queue]\ndir = \"{state}\"")))
}

#[test]
fn a_signature_outlives_a_restart() {
    let state = Scratch::new();
    let scheme = JOINING[0];
    let sent = scheme.signed(SMS, 1);
    check(&start_in(state.path(), scheme), &sent, 200, 1);
    let after = start_in(state.path(), scheme);
    check(&after, &sent, 200, 0);
    check(&after, &cut(&sent, SMS, OTHER_ID), 200, 0);
    // The file holds neither the secret nor the signature.
    let record = fs::read_to_string(state.join("seen/ids")).unwrap();
    assert!(!record.contains("secret") && !record.contains(&sent.fields[0].1));
}

#[test]
fn what_was_not_delivered_is_not_remembered() {
    let scheme = JOINING[0];
    let websmsd = Websmsd::start(&scheme.conf(""));
    let sent = scheme.signed(SMS, 1);
    fs::rename(websmsd.outgoing(), websmsd.scratch.join("away")).unwrap();
    fs::write(websmsd.outgoing(), "").unwrap();
    assert_eq!(sent.send(&websmsd).status, 503);
    fs::remove_file(websmsd.outgoing()).unwrap();
    fs::rename(websmsd.scratch.join("away"), websmsd.outgoing()).unwrap();
    check(&websmsd, &sent, 200, 1);
}

#[test]
fn what_comes_again_because_a_part_of_it_had_no_place_is_not_lost() {
    // With ids the other part is delivered at once, and recognised when the whole request comes again.
    for (key_id, at_once) in [("", 0), ("key_id = Id", 1)] {
        let websmsd = Websmsd::start(&format!(
            "[websmsd]\nauth_method = telesign\nauth_passwd = \"{}\"\neach = list\n{key_id}\n\
             [astqueue]\nmax = 12\n",
            base64("key")
        ));
        // One of the two numbers has most of the places, until Asterisk takes its files.
        let crowd: Vec<_> = (0..6)
            .map(|id| format!("15550001.1795392000.{id:016x}.call"))
            .map(|name| websmsd.outgoing().join(name))
            .collect();
        crowd.iter().for_each(|path| fs::write(path, "").unwrap());
        let sms = |id: u32| format!(r#"{{"To":"1555000{id}","From":"2","Body":"x","Id":"{id}"}}"#);
        let body = format!(r#"{{"list":[{},{}]}}"#, sms(1), sms(2));
        let signature = base64(sha256(b"key", &body));
        let sent = Webhook::post("/", JSON, &body).with("Authorization", signature);
        assert_eq!(sent.send(&websmsd).status, 503, "{key_id}");
        crowd.iter().for_each(|path| fs::remove_file(path).unwrap());
        assert_eq!(websmsd.call_files().len(), at_once, "{key_id}");
        wait_for("a place", || sent.send(&websmsd).status == 200);
        check(&websmsd, &sent, 200, 2);
        assert_eq!(websmsd.log().matches("other contents").count(), 0);
    }
}

#[test]
fn of_many_at_once_one_is_delivered() {
    let scheme = JOINING[0];
    let websmsd = Websmsd::start(&scheme.conf("key_id = MessageSid"));
    let sent = scheme.signed(SMS, 1);
    let webhooks = [sent.clone(), cut(&sent, SMS, OTHER_ID)];
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for number in 0..8 {
            let (websmsd, start, webhook) = (&websmsd, &start, &webhooks[number % 2]);
            scope.spawn(move || {
                start.wait();
                assert_eq!(webhook.send(websmsd).status, 200);
            });
        }
    });
    assert_eq!(websmsd.call_files().len(), 1, "{}", websmsd.log());
}

#[test]
fn a_crash_between_call_file_and_record_doubles_one_and_loses_none() {
    let (state, scheme) = (Scratch::new(), JOINING[0]);
    let conf = scheme.conf(&format!("[queue]\ndir = \"{}\"", state.path().display()));
    let scratch = Scratch::new();
    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &conf));
    // A process that records takes a lock on the folder first, when the call file has been moved.
    let mut run = Command::new("strace");
    run.args(["-D", "-f", "-qq", "-o", "/dev/null", "-P"])
        .arg(state.join("seen"))
        .args(["-e", "inject=flock:signal=SIGKILL:when=1"])
        .arg(rig::binary())
        .args(["websmsd", "-l", "127.0.0.1:0", "-v", "-c"])
        .arg(conf);
    let mut websmsd = Websmsd::spawn(run, scratch);
    let sent = scheme.signed(SMS, 1);
    assert!(sent.try_send(&websmsd).is_none(), "{}", websmsd.log());
    websmsd.wait_for_exit();
    assert_eq!(websmsd.call_files().len(), 1);
    // The provider, which had no answer, sends again: that SMS is there twice, and then known.
    let after = start_in(state.path(), scheme);
    check(&after, &sent, 200, 1);
    check(&after, &cut(&sent, SMS, OTHER_ID), 200, 1);
}

#[test]
fn a_kept_request_that_was_replayed_is_not_delivered_again() {
    let (state, scheme) = (Scratch::new(), JOINING[0]);
    let sent = scheme.signed(SMS, 1);
    let conf = |key_body: &str| {
        let dir = state.path().display();
        scheme.conf(&format!("key_body = {key_body}\n[queue]\ndir = \"{dir}\""))
    };
    let wrong = Websmsd::start(&conf("Text"));
    check(&wrong, &sent, 422, 0);
    drop(wrong);
    let kept = fs::read_dir(state.join("rejected")).unwrap().next();
    let kept = kept.unwrap().unwrap().path();
    let text = fs::read_to_string(&kept).unwrap();
    assert!(!text.contains("\nsignature: -\n") && !text.contains(&sent.fields[0].1));
    let scratch = Scratch::new();
    let replay = scratch.file("replay.conf", rig::spool_conf(&scratch, &conf("Body")));
    for said in [": delivered, ", ": delivered before"] {
        let mut run = rig::daemon_command(Called::Link, &scratch);
        run.arg("--replay").arg(&kept).arg("-c").arg(&replay);
        let ran = rig::finish(run);
        assert!(ran.code == Some(0) && ran.stdout.contains(said), "{ran:?}");
    }
    assert_eq!(rig::call_files(&scratch.join("outgoing")).len(), 1);
    let right = Websmsd::start(&conf("Body"));
    check(&right, &sent, 200, 0);
    check(&right, &cut(&sent, SMS, OTHER_ID), 200, 0);
}
