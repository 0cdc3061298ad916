//! Checks signatures made by the providers' own code, provider by provider.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::hmac::HMAC_SHA256;

use super::near::{Sample, Signed, Time};
use super::*;
use crate::proto::webhook::proof::seconds;
use crate::proto::wire::form::{self, Pair};
use crate::proto::wire::json::{self, Value};
use crate::proto::wire::mac::{self, Hash, PARAMETER_HASHES, hex, hmac_sha2, hmac_sha256_base64};

const GOLDEN: &[u8] = include_bytes!("../../../../../tests/golden/signatures.json");
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const JSON: &str = "application/json";

fn text(vector: &Value, name: &str) -> String {
    let found = vector
        .child(name.as_bytes())
        .and_then(|value| value.scalar());
    String::from_utf8(found.unwrap_or_else(|| panic!("no {name}"))).unwrap()
}

fn pairs(vector: &Value, name: &str) -> Vec<Pair> {
    let object = vector.child(name.as_bytes()).unwrap();
    object
        .members_of()
        .map(|(name, value)| (name, value.scalar().unwrap()))
        .collect()
}

/// Splits a URL into `public_url` and target.
fn split(url: &str) -> (String, String) {
    let authority = url.find("://").unwrap() + 3;
    let path = url[authority..].find('/').map(|at| at + authority);
    let path = path.unwrap_or(url.len());
    (url[..path].to_owned(), url[path..].to_owned())
}

fn sample(scheme: &str, secret: &[u8]) -> Sample {
    Sample {
        credentials: with_secret(scheme, secret),
        public_url: String::new(),
        method: "POST",
        target: "/in".to_owned(),
        content_type: JSON,
        fields: Vec::new(),
        body: Vec::new(),
        now_s: 1_700_000_000,
        coverage: Coverage::Body,
        url: Signed::No,
        all_of_body: Signed::Yes,
        time: Time::Always,
    }
}

#[test]
fn every_vector() {
    let golden = json::parse(GOLDEN).unwrap();
    let mut count = 0;
    for vector in golden.child(b"vectors").unwrap().entries() {
        count += 1;
        let name = text(&vector, "name");
        match text(&vector, "provider").as_str() {
            "twilio" => twilio(&vector),
            "vonage" => vonage(&vector),
            "plivo" => match name.as_str() {
                "v2" => plivo_v2(&vector),
                _ => plivo(&vector),
            },
            "sinch" => sinch(&vector),
            "messagebird" => match name.as_str() {
                "legacy with body" => messagebird_legacy(&vector),
                _ => messagebird(&vector),
            },
            "telesign" => telesign(&vector),
            "gatewayapi" => gatewayapi(&vector),
            "zadarma" => zadarma(&vector),
            "telnyx" => telnyx(&vector),
            "ovh" => {
                let signed = text(&vector, "string_to_sign");
                let digest = hex(&sha1_smol::Sha1::from(signed).digest().bytes());
                assert_eq!(format!("$1${digest}"), text(&vector, "expected"));
            }
            "android-sms-gateway" => {
                let [body, time] = ["body", "timestamp"].map(|name| text(&vector, name));
                let secret = text(&vector, "secret");
                let parts = [body.as_bytes(), time.as_bytes()];
                let found = hmac_sha2(HMAC_SHA256, secret.as_bytes(), &parts);
                assert_eq!(hex(found.as_ref()), text(&vector, "expected"));
            }
            other => panic!("{other}: {name}"),
        }
    }
    assert_eq!(count, 38);
}

fn twilio(vector: &Value) {
    let (public_url, target) = split(&text(vector, "url"));
    let params = pairs(vector, "params");
    let (content_type, body) = match vector.child(b"body") {
        Some(body) => (JSON, body.scalar().unwrap()),
        None => (FORM, form::encode_pairs(&params)),
    };
    let token = text(vector, "secret").into_bytes();
    let expected = text(vector, "expected");
    for (scheme, name) in [
        ("twilio", "X-Twilio-Signature"),
        ("signalwire", "X-SignalWire-Signature"),
        ("signalwire", "X-Twilio-Signature"),
    ] {
        Sample {
            public_url: public_url.clone(),
            target: target.clone(),
            content_type,
            fields: vec![(name, expected.clone())],
            body: body.clone(),
            coverage: Coverage::Whole,
            url: Signed::Yes,
            ..sample(scheme, &token)
        }
        .check();
    }
}

fn vonage(vector: &Value) {
    let word = text(vector, "algorithm");
    let mut hashes = PARAMETER_HASHES.iter();
    let (_, hash) = *hashes.find(|hash| hash.0 == word).unwrap();
    let secret = text(vector, "secret").into_bytes();
    let expected = text(vector, "expected");
    let mut params = pairs(vector, "params");
    let found = mac::of_parameters(hash, &secret, params.clone());
    assert_eq!(found, expected.to_lowercase());

    let time = params.iter().find(|(name, _)| name == b"timestamp");
    let signed_s = seconds(&time.unwrap().1).unwrap();
    params.push((b"sig".to_vec(), expected.clone().into_bytes()));
    let form = form::encode_pairs(&params);
    let mut object = vector.child(b"params").unwrap().text().to_vec();
    object.pop();
    object.extend_from_slice(format!(",\"sig\":\"{expected}\"}}").as_bytes());
    let mut base = Sample {
        now_s: signed_s,
        time: Time::Between(signed_s - 300, signed_s + 300),
        ..sample("vonage", &secret)
    };
    base.credentials.hash = hash;
    // Blanks between the tokens of JSON are ignored by a reader.
    object.retain(|b| *b != b'\n');
    Sample {
        content_type: FORM,
        body: form.clone(),
        ..base.clone()
    }
    .check();
    Sample {
        body: object,
        ..base.clone()
    }
    .check();
    Sample {
        method: "GET",
        target: format!("/?{}", String::from_utf8(form).unwrap()),
        content_type: FORM,
        coverage: Coverage::Whole,
        all_of_body: Signed::No,
        ..base
    }
    .check_query();
}

impl Sample {
    /// Checks that the request is accepted, and refused if a byte of the query differs. The path is not
    /// signed.
    fn check_query(&self) {
        assert_eq!(self.judge(), Ok(self.coverage.clone()));
        for at in self.target.find('?').unwrap() + 1..self.target.len() {
            let mut bytes = self.target.clone().into_bytes();
            bytes[at] ^= 1;
            let mut changed = self.clone();
            changed.target = String::from_utf8(bytes).unwrap();
            changed.refused(&changed.target);
        }
        assert_eq!(self.judge_at(None), Err(Denied::Clock));
    }
}

fn plivo(vector: &Value) {
    let url = text(vector, "url");
    let (url, query) = url.split_once('?').unwrap_or((&url, ""));
    let (public_url, path) = split(url);
    let mut params = pairs(vector, "params");
    params.extend(form::pairs(query.as_bytes()));
    let query = form::encode_pairs(&params);
    let token = text(vector, "secret").into_bytes();
    let signed = text(vector, "string_to_sign");
    let nonce = text(vector, "nonce");
    let expected = text(vector, "expected");
    assert_eq!(hmac_sha256_base64(&token, &[signed.as_bytes()]), expected);
    let sample = Sample {
        public_url,
        method: "GET",
        target: format!("{path}?{}", String::from_utf8(query).unwrap()),
        fields: vec![
            ("X-Plivo-Signature-V3", expected.clone()),
            ("X-Plivo-Signature-V3-Nonce", nonce),
        ],
        coverage: Coverage::Whole,
        url: Signed::Yes,
        all_of_body: Signed::No,
        ..sample("plivo", &token)
    };
    sample.check();
    // The header may list several, as while a token is being replaced.
    for list in [format!("AAAA,{expected}"), format!("{expected}, AAAA")] {
        let mut several = sample.clone();
        several.fields[0].1 = list;
        assert_eq!(several.judge(), Ok(Coverage::Whole));
    }
}

/// Checks that a right V2 signature is refused.
fn plivo_v2(vector: &Value) {
    let token = text(vector, "secret").into_bytes();
    let [url, nonce, expected] = ["url", "nonce", "expected"].map(|name| text(vector, name));
    let parts = [url.as_bytes(), nonce.as_bytes()];
    assert_eq!(hmac_sha256_base64(&token, &parts), expected);
    for (signature, nonce_name) in [
        ("X-Plivo-Signature-V2", "X-Plivo-Signature-V2-Nonce"),
        ("X-Plivo-Signature-V3", "X-Plivo-Signature-V3-Nonce"),
    ] {
        Sample {
            public_url: url.clone(),
            target: "/".to_owned(),
            content_type: FORM,
            fields: vec![(signature, expected.clone()), (nonce_name, nonce.clone())],
            body: b"From=1&To=2&Text=x".to_vec(),
            ..sample("plivo", &token)
        }
        .refused(signature);
    }
}

fn sinch(vector: &Value) {
    let timestamp = text(vector, "timestamp");
    let signed_s = seconds(timestamp.as_bytes()).unwrap();
    Sample {
        fields: vec![
            (
                "x-sinch-webhook-signature-algorithm",
                "HmacSHA256".to_owned(),
            ),
            ("x-sinch-webhook-signature-nonce", text(vector, "nonce")),
            ("x-sinch-webhook-signature-timestamp", timestamp),
            ("x-sinch-webhook-signature", text(vector, "expected")),
        ],
        body: text(vector, "body").into_bytes(),
        now_s: signed_s,
        time: Time::Between(signed_s - 300, signed_s + 300),
        ..sample("sinch", text(vector, "secret").as_bytes())
    }
    .check();
}

fn telnyx(vector: &Value) {
    let timestamp = text(vector, "timestamp");
    let signed_s = seconds(timestamp.as_bytes()).unwrap();
    let key = text(vector, "public_key_base64");
    let key = BASE64_STANDARD.decode(key).unwrap();
    Sample {
        fields: vec![
            ("telnyx-timestamp", timestamp),
            ("telnyx-signature-ed25519", text(vector, "expected")),
        ],
        body: text(vector, "body").into_bytes(),
        now_s: signed_s,
        time: Time::Between(signed_s - 300, signed_s + 300),
        ..sample("telnyx", &key)
    }
    .check();
}

fn messagebird(vector: &Value) {
    let (public_url, target) = split(&text(vector, "url"));
    let is_post = text(vector, "method") == "POST";
    assert_eq!(text(vector, "now"), "2021-07-05T12:00:00+02:00");
    let now_s = 1_625_479_200;
    let name = text(vector, "name");
    let mut sample = Sample {
        public_url,
        method: if is_post { "POST" } else { "GET" },
        target,
        fields: vec![("MessageBird-Signature-JWT", text(vector, "token"))],
        body: text(vector, "body").into_bytes(),
        now_s,
        coverage: Coverage::Whole,
        url: Signed::Yes,
        time: Time::Between(now_s - 1, now_s + 61),
        ..sample("messagebird", text(vector, "secret").as_bytes())
    };
    if name.starts_with("HS384") {
        sample.credentials.hash = Hash::Sha384;
    }
    match text(vector, "expected_valid").as_str() {
        "true" => {
            sample.check();
            // The token does not choose the algorithm.
            sample.credentials.hash = Hash::Sha512;
            sample.refused("another algorithm");
        }
        _ => sample.refused(&name),
    }
}

/// Checks the formula of the scheme before tokens, which is not offered.
fn messagebird_legacy(vector: &Value) {
    let digest = ring::digest::digest(&ring::digest::SHA256, text(vector, "body").as_bytes());
    let parts: [&[u8]; 5] = [
        &text(vector, "timestamp").into_bytes(),
        b"\n",
        &text(vector, "sorted_query").into_bytes(),
        b"\n",
        digest.as_ref(),
    ];
    let found = hmac_sha256_base64(text(vector, "secret").as_bytes(), &parts);
    assert_eq!(found, text(vector, "expected"));
}

/// Checks signatures of calls to the provider, which are signed with the key for webhooks.
fn telesign(vector: &Value) {
    let digits = text(vector, "secret_hex").into_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let key: Vec<u8> = digits.chunks(2).map(pair).collect();
    let signed = text(vector, "string_to_sign");
    let customer = text(vector, "customer_id");
    let signature = hmac_sha256_base64(&key, &[signed.as_bytes()]);
    assert_eq!(
        format!("TSA {customer}:{signature}"),
        text(vector, "expected")
    );

    let base = Sample {
        body: signed.into_bytes(),
        fields: vec![("Authorization", signature)],
        ..sample("telesign", &key)
    };
    base.check();
    let mut named = base.clone();
    named.fields[0].1 = text(vector, "expected");
    assert_eq!(named.judge(), Ok(Coverage::Body));
    named.body.push(b'x');
    named.refused("body");
    for wrong in ["TSA ", "TSA x", "TSA x:", ":", "TSA"] {
        named.fields[0].1 = wrong.to_owned();
        named.refused(wrong);
    }
}

fn gatewayapi(vector: &Value) {
    let token = text(vector, "token");
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(claims);
    Sample {
        fields: vec![("X-Gwapi-Signature", token.clone())],
        body: b"{\"message\":\"of somebody else\"}".to_vec(),
        coverage: Coverage::Claims(claims.unwrap()),
        all_of_body: Signed::No,
        ..sample("gatewayapi", text(vector, "secret").as_bytes())
    }
    .check();
}

/// Checks signatures of calls to the provider: another text is signed in the same way.
fn zadarma(vector: &Value) {
    let secret = text(vector, "secret").into_bytes();
    let (signed, expected) = match vector.child(b"form") {
        None => (text(vector, "string_to_sign"), text(vector, "signature")),
        Some(form) => {
            let values = form.members_of().map(|(_, value)| value.scalar().unwrap());
            let values: Vec<u8> = values.flatten().collect();
            (String::from_utf8(values).unwrap(), text(vector, "expected"))
        }
    };
    assert_eq!(zadarma::signature(&secret, signed.as_bytes()), expected);
    let mut body = b"event=SMS&result=".to_vec();
    body.extend_from_slice(form::urlencode(signed.as_bytes()).as_bytes());
    let sample = Sample {
        content_type: FORM,
        fields: vec![("Signature", expected)],
        coverage: Coverage::Inside(b"result"),
        all_of_body: Signed::No,
        body,
        ..sample("zadarma", &secret)
    };
    sample.check();
    for at in b"event=SMS&".len()..sample.body.len() {
        let mut changed = sample.clone();
        changed.body[at] ^= 1;
        changed.refused(&format!("body, byte {at}"));
    }
}
