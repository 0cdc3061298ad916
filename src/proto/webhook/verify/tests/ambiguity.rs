//! Checks that requests are refused whose signature is right and that could be read in another way.

use base64::Engine as _;

use super::golden::{FORM, JSON};
use super::*;
use crate::limits::NONCE_BYTES_MAX;
use crate::proto::wire::form;
use crate::proto::wire::mac::{self, Hash, hmac_sha2, hmac_sha256_base64, sha256_hex};

const URL: &str = "https://h";

/// Judges a POST that is signed as Twilio would sign it.
fn twilio(target: &str, content_type: &str, body: &str) -> Result<Coverage, Denied> {
    let url = format!("{URL}{target}");
    let credentials = with_secret("twilio", b"t");
    // It is signed with and without the parameters, so that the signature is never the reason for a
    // refusal.
    let signed = [form::pairs(body.as_bytes()), Vec::new()];
    let all = signed.map(|mut pairs| {
        pairs.sort_unstable();
        let signature = twilio::signature(b"t", url.as_bytes(), &pairs);
        let fields = [
            ("Content-Type", content_type),
            ("X-Twilio-Signature", signature.as_str()),
        ];
        let request = request("POST", target, &fields, body.as_bytes());
        check(&credentials, PublicUrl::parse(URL).as_ref(), &request, None)
    });
    all.into_iter()
        .find(Result::is_ok)
        .unwrap_or(Err(Denied::Wrong))
}

#[test]
fn twilio_reads_forms_and_digested_bodies_only() {
    let (yes, no) = (|| Ok(Coverage::Whole), || Err(Denied::Wrong));
    let digest = |body: &str| sha256_hex(body.as_bytes());
    let check = |target: &str, content_type, body, expected| {
        assert_eq!(
            twilio(target, content_type, body),
            expected,
            "{target} {body}"
        );
    };
    check("/", FORM, "To=1&From=2&Body=x", yes());
    check(
        "/",
        "Application/X-WWW-form-urlencoded; charset=x",
        "To=1",
        yes(),
    );
    check("/?To=3", FORM, "To=1", yes());
    check("/", FORM, "", yes());
    check("/", "", "", yes());

    // Two names may mean one parameter to a reader.
    check("/", FORM, "To=1&To=2", no());
    check("/", FORM, "To=1&To=1", no());
    check("/", FORM, "a.b=1&a_b=2", no());
    check("/", FORM, "To=1& To=2", no());
    check("/", FORM, "To=1&To%00x=2", no());
    check("/", FORM, "To[]=1", no());
    check("/", FORM, "To=1&=2", no());

    // These bodies are no forms, or are read as none.
    let json = r#"{"To":"1"}"#;
    check("/", FORM, json, no());
    check("/", JSON, json, no());
    check("/", "", "To=1", no());
    check("/", "text/plain", json, no());
    check("/", "multipart/form-data; boundary=x", "To=1", no());
    let good = digest(json);
    let target = |digest: &str| format!("/?a=b&bodySHA256={digest}");
    check(&target(&good), JSON, json, yes());
    check(&target(&good), FORM, json, yes());
    check(&target(&good.to_uppercase()), JSON, json, yes());
    check(&target(&digest("{}")), JSON, json, no());
    check(&target(""), JSON, json, no());
    check(
        &format!("{}&bodySHA256={good}", target(&good)),
        JSON,
        json,
        no(),
    );
    let wrong = digest("");
    check(
        &format!("{}&bodysha256={wrong}", target(&good)),
        JSON,
        json,
        no(),
    );
}

#[test]
fn twilio_has_one_header() {
    let signature = twilio::signature(b"t", b"https://h/", &[]);
    let judge = |scheme, fields: &[(&str, &str)]| {
        let credentials = with_secret(scheme, b"t");
        let request = request("GET", "/", fields, b"");
        check(&credentials, PublicUrl::parse(URL).as_ref(), &request, None).is_ok()
    };
    let own = ("X-SignalWire-Signature", signature.as_str());
    let twilio = ("X-Twilio-Signature", signature.as_str());
    let bad = |(name, _): (&'static str, _)| (name, "AAAA");
    assert!(judge("signalwire", &[own, twilio]));
    assert!(judge("signalwire", &[own, bad(twilio)]));
    assert!(!judge("signalwire", &[bad(own), twilio]));
    assert!(!judge("signalwire", &[own, own]));
    assert!(!judge("twilio", &[own]));
    assert!(judge("twilio", &[bad(own), twilio]));
}

/// Judges a request that is signed as Vonage would sign it; `sig` is not counted.
fn vonage(method: &str, target: &str, content_type: &str, body: &str) -> Result<Coverage, Denied> {
    let credentials = with_secret("vonage", b"s");
    let fields = [("Content-Type", content_type)];
    let request = request(method, target, &fields, body.as_bytes());
    check(&credentials, None, &request, Some(1000))
}

#[test]
fn vonage_covers_what_it_signs() {
    let sig = |pairs: &str| {
        let pairs = form::pairs(pairs.as_bytes());
        mac::of_parameters(Hash::Sha256, b"s", pairs)
    };
    let signed = |pairs: &str| format!("{pairs}&sig={}", sig(pairs));
    let no = Err(Denied::Wrong);
    let good = signed("to=1&timestamp=1000");
    assert_eq!(vonage("POST", "/", FORM, &good), Ok(Coverage::Body));
    assert_eq!(vonage("POST", "/?to=2", FORM, &good), Ok(Coverage::Body));
    let upper = good.replace(
        &sig("to=1&timestamp=1000"),
        &sig("to=1&timestamp=1000").to_uppercase(),
    );
    assert_eq!(vonage("POST", "/", FORM, &upper), Ok(Coverage::Body));
    assert_eq!(
        vonage("GET", &format!("/?{good}"), FORM, ""),
        Ok(Coverage::Whole)
    );
    // The body of a GET is not read.
    assert_eq!(
        vonage("GET", &format!("/?{good}"), FORM, "to=2"),
        Ok(Coverage::Whole)
    );
    assert_eq!(vonage("GET", &format!("/?{good}&to=2"), FORM, ""), no);
    assert_eq!(vonage("GET", &format!("/?{good}&own=2"), FORM, ""), no);
    assert_eq!(vonage("GET", "/", FORM, &good), no);
    assert_eq!(vonage("POST", &format!("/?{good}"), FORM, ""), no);

    for bad in [
        "to=1",
        "timestamp=1000&timestamp=1000",
        "to=1&to=2&timestamp=1000",
    ] {
        assert_eq!(vonage("POST", "/", FORM, &signed(bad)), no, "{bad}");
    }
    for time in [
        "",
        "x",
        "-1000",
        "+1000",
        "1000.0",
        " 1000",
        "1e3",
        "0000000001000",
    ] {
        let pairs = format!("timestamp={}", form::urlencode(time.as_bytes()));
        assert_eq!(vonage("POST", "/", FORM, &signed(&pairs)), no, "{time}");
    }
    assert_eq!(vonage("POST", "/", FORM, &format!("{good}&sig=1")), no);
    assert_eq!(
        vonage("POST", "/", "multipart/form-data; boundary=x", &good),
        no
    );

    let pairs = sig("to=1&timestamp=1000");
    let json = |more: &str| format!(r#"{{"to":1,"timestamp":"1000"{more},"sig":"{pairs}"}}"#);
    assert_eq!(vonage("POST", "/", JSON, &json("")), Ok(Coverage::Body));
    assert_eq!(vonage("POST", "/", FORM, &json("")), Ok(Coverage::Body));
    for more in [
        r#","to":1"#,
        r#","a":{}"#,
        r#","a":[]"#,
        r#","a":null"#,
        r#","t\u006f":1"#,
    ] {
        assert_eq!(vonage("POST", "/", JSON, &json(more)), no, "{more}");
    }
    assert_eq!(vonage("POST", "/", JSON, &format!("[{}]", json(""))), no);

    // This name would be signed like two parameters.
    let good = signed("keyword=HI&messageId=7&timestamp=1000");
    assert_eq!(vonage("POST", "/", FORM, &good), Ok(Coverage::Body));
    for (name, value) in [("keyword=HI&messageId", "7"), ("keyword", "HI&messageId=7")] {
        let cut = form::encode_pairs(&[(name.into(), value.into())]);
        let cut = String::from_utf8(cut).unwrap();
        let cut = good.replace("keyword=HI&messageId=7", &cut);
        assert_eq!(vonage("POST", "/", FORM, &cut), no, "{cut}");
        assert_eq!(vonage("GET", &format!("/?{cut}"), FORM, ""), no, "{cut}");
    }
    for name in ["a&b", "a=b", "&", "="] {
        let cut = form::encode_pairs(&[(name.into(), b"1".to_vec())]);
        let cut = signed(&format!(
            "{}&timestamp=1000",
            String::from_utf8(cut).unwrap()
        ));
        assert_eq!(vonage("POST", "/", FORM, &cut), no, "{cut}");
    }
}

#[test]
fn plivo_covers_query_and_form() {
    let judge = |target: &str, nonce: &str, content_type: &str, body: &str| {
        let pairs = |text: &str| form::pairs(text.as_bytes());
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let signed = plivo::signed(b"https://h/p", pairs(query), pairs(body));
        let parts: [&[u8]; 3] = [&signed, b".", nonce.as_bytes()];
        let signature = hmac_sha256_base64(b"t", &parts);
        let fields = [
            ("Content-Type", content_type),
            ("X-Plivo-Signature-V3", signature.as_str()),
            ("X-Plivo-Signature-V3-Nonce", nonce),
        ];
        let request = request("POST", target, &fields, body.as_bytes());
        let credentials = with_secret("plivo", b"t");
        check(&credentials, PublicUrl::parse(URL).as_ref(), &request, None).is_ok()
    };
    assert!(judge("/p", "1", FORM, "To=1&Text=a+%26b"));
    assert!(judge("/p?x=1&a=2", "1", FORM, "To=1&Text=a"));
    assert!(judge("/p?x=1", "1", FORM, ""));
    assert!(judge("/p", "1", FORM, ""));
    assert!(!judge("/q", "1", FORM, ""));
    assert!(!judge("/p?x=1&x=2", "1", FORM, ""));
    // These would be signed like several parameters.
    assert!(!judge("/p?x%26y=1", "1", FORM, ""));
    assert!(!judge("/p?x%3Dy=1", "1", FORM, ""));
    assert!(!judge("/p?x=1%26y%3D2", "1", FORM, ""));
    assert!(judge("/p?x=1%3D%3D", "1", FORM, ""));
    assert!(!judge("/p", "1", FORM, "To=1&To=2"));
    assert!(!judge("/p", "1", JSON, "To=1"));
    assert!(!judge("/p", "1", FORM, r#"{"To":1}"#));
    let longest = "7".repeat(NONCE_BYTES_MAX);
    assert!(judge("/p", &longest[1..], FORM, "To=1"));
    assert!(judge("/p", &longest, FORM, "To=1"));
    for bad in ["", ".", "1.2", "1 2", &format!("{longest}7")] {
        assert!(!judge("/p", bad, FORM, "To=1"), "{bad}");
    }
}

#[test]
fn sinch_cannot_hide_its_bodys_end() {
    let judge = |body: &str, nonce: &str, time: &str| {
        let parts = [body, nonce, time].join(".");
        let signature = hmac_sha256_base64(b"s", &[parts.as_bytes()]);
        let fields = [
            ("x-sinch-webhook-signature-algorithm", "HmacSHA256"),
            ("x-sinch-webhook-signature-nonce", nonce),
            ("x-sinch-webhook-signature-timestamp", time),
            ("x-sinch-webhook-signature", signature.as_str()),
        ];
        let request = request("POST", "/", &fields, body.as_bytes());
        let credentials = with_secret("sinch", b"s");
        check(&credentials, None, &request, Some(1000)).is_ok()
    };
    assert!(judge("a.b", "n", "1000"));
    assert!(!judge("a", "b.n", "1000"));
    assert!(!judge("a", "", "1000"));
    assert!(!judge("a", "n", "n.1000"));
    assert!(!judge("a", "n", "+1000"));
}

#[test]
fn zadarma_is_read_where_it_is_signed() {
    let judge = |target: &str, content_type: &str, body: &str| {
        let signature = zadarma::signature(b"s", b"signed");
        let fields = [
            ("Content-Type", content_type),
            ("Signature", signature.as_str()),
        ];
        let request = request("POST", target, &fields, body.as_bytes());
        let credentials = with_secret("zadarma", b"s");
        check(&credentials, None, &request, None).is_ok()
    };
    assert!(judge("/", FORM, "result=signed"));
    assert!(judge("/?result=other", FORM, "result=signed"));
    assert!(judge("/?result=signed", FORM, "a=b"));
    assert!(judge("/", FORM, "result=other&result=signed"));
    assert!(!judge("/?result=signed", FORM, "result=other"));
    assert!(!judge("/", FORM, "result=signed&result=other"));
    assert!(!judge("/", FORM, "result[]=signed"));
    assert!(!judge("/", FORM, ""));
    let part = "--x\r\nContent-Disposition: form-data; name=result\r\n\r\nsigned\r\n--x--";
    assert!(judge("/", "multipart/form-data; boundary=x", part));
}

#[test]
fn tokens_need_what_they_are_asked_for() {
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let token = |claims: &str| {
        let head = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
        let signed = format!("{head}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims));
        let tag = hmac_sha2(ring::hmac::HMAC_SHA256, b"s", &[signed.as_bytes()]);
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
    };
    let hash = sha256_hex(b"body");
    let judge = |scheme: &str, field: &str, value: String, body: &str| {
        let fields = [(field, value.as_str())];
        let request = request("POST", "/", &fields, body.as_bytes());
        let credentials = with_secret(scheme, b"s");
        check(
            &credentials,
            PublicUrl::parse(URL).as_ref(),
            &request,
            Some(1000),
        )
    };

    let vonage = |claims: &str, body: &str| {
        let value = format!("Bearer {}", token(&claims.replace("HASH", &hash)));
        judge("vonage-jwt", "Authorization", value, body)
    };
    let no = || Err(Denied::Wrong);
    let good = r#"{"iat":1000,"payload_hash":"HASH"}"#;
    assert_eq!(vonage(good, "body"), Ok(Coverage::Body));
    assert_eq!(vonage(good, "bodi"), no());
    assert_eq!(vonage(good, ""), no());
    assert_eq!(vonage(r#"{"iat":1000}"#, "body"), no());
    assert_eq!(vonage(r#"{"iat":1000}"#, ""), no());
    assert_eq!(vonage(r#"{"payload_hash":"HASH"}"#, "body"), no());
    assert_eq!(
        vonage(r#"{"iat":1000,"payload_hash":["HASH"]}"#, "body"),
        no()
    );
    for (iat_s, expected) in [
        (699, no()),
        (700, Ok(Coverage::Body)),
        (1300, Ok(Coverage::Body)),
        (1301, no()),
    ] {
        let claims = good.replacen("1000", &iat_s.to_string(), 1);
        assert_eq!(vonage(&claims, "body"), expected, "{iat_s}");
    }
    assert_eq!(
        vonage(r#"{"iat":1000,"exp":998,"payload_hash":"HASH"}"#, "body"),
        no()
    );

    let url_hash = sha256_hex(b"https://h/");
    let messagebird = |claims: &str, body: &str| {
        let claims = claims.replace("HASH", &hash).replace("URL", &url_hash);
        judge(
            "messagebird",
            "MessageBird-Signature-JWT",
            token(&claims),
            body,
        )
    };
    let good =
        r#"{"iss":"MessageBird","nbf":1000,"exp":1060,"url_hash":"URL","payload_hash":"HASH"}"#;
    assert_eq!(messagebird(good, "body"), Ok(Coverage::Whole));
    for part in [
        r#""iss":"MessageBird","#,
        r#""nbf":1000,"#,
        r#""exp":1060,"#,
        r#""url_hash":"URL","#,
        r#","payload_hash":"HASH""#,
    ] {
        assert!(good.contains(part));
        assert_eq!(messagebird(&good.replace(part, ""), "body"), no(), "{part}");
    }
    assert_eq!(
        messagebird(&good.replace("MessageBird", "Somebody"), "body"),
        no()
    );

    let gatewayapi = |claims: &str| judge("gatewayapi", "X-Gwapi-Signature", token(claims), "{}");
    let claims = |text: &str| Ok(Coverage::Claims(text.as_bytes().to_vec()));
    assert_eq!(gatewayapi(r#"{"id":1}"#), claims(r#"{"id":1}"#));
    assert_eq!(gatewayapi(r#"{"exp":999}"#), claims(r#"{"exp":999}"#));
    assert_eq!(gatewayapi(r#"{"exp":998}"#), no());
}
