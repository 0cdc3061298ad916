//! Tests the messages that requests give at different interfaces, with one row per case.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod numbers;
mod reports;
mod several;
mod text;

use super::*;
use crate::limits::{
    CONNECTION_STACK_BYTES, JSON_DEPTH_MAX, JSON_VALUES_MAX, MESSAGE_ID_BYTES_MAX,
    MULTIPART_PARTS_MAX, PARAMETERS_MAX,
};
use crate::proto::grammar::Conditions;
use crate::proto::webhook::interface::{Gate, Interface};
use crate::proto::webhook::proof::Coverage;
use crate::proto::webhook::verify::Credentials;
use crate::proto::wire::number::NumberFormat;
use crate::proto::wire::request::{Field, Version};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn webhook_of(to: &str, from: &str, body: &str) -> Webhook {
    Webhook {
        key_to: to.into(),
        key_from: from.into(),
        key_body: body.into(),
        ..Webhook::by_default()
    }
}

fn condition(key: &str, values: &[&str]) -> Conditions {
    format!("{key}={}", values.join("|")).as_str().into()
}

fn with(change: impl FnOnce(&mut Webhook)) -> Webhook {
    let mut webhook = Webhook::by_default();
    change(&mut webhook);
    webhook
}

fn read_as(
    coverage: Coverage,
    method: &str,
    target: &str,
    content_type: Option<&str>,
    body: &[u8],
    webhook: &Webhook,
) -> Result<Reading, BadWebhook> {
    let fields = content_type.map(|value| Field {
        name: "content-type",
        value: value.as_bytes(),
    });
    let request = Request {
        method,
        target: target.as_bytes(),
        version: Version::Http11,
        fields: fields.into_iter().collect(),
        body,
    };
    let interface = Interface {
        name: String::new(),
        gate: Gate {
            permit: None,
            paths: None,
            credentials: Credentials::none(),
            public_url: None,
            auth_age_s: None,
            key_echo: "".into(),
        },
        webhook: webhook.clone(),
        polled: None,
    };
    read(Permit::replayed(&interface, coverage), &request)
}

fn post(
    webhook: &Webhook,
    content_type: &str,
    body: impl AsRef<[u8]>,
) -> Result<Reading, BadWebhook> {
    let content_type = Some(content_type).filter(|value| !value.is_empty());
    let body = body.as_ref();
    read_as(Coverage::Whole, "POST", "/", content_type, body, webhook)
}

/// Returns `to from text` of every item, or `!field` if it is no SMS, with its id behind it.
fn shown(reading: Result<Reading, BadWebhook>) -> String {
    match reading {
        Err(BadWebhook::TooMuch(what)) => format!("too much: {what}"),
        Err(BadWebhook::Message(error)) => format!("bad: {error}"),
        Err(BadWebhook::NoList) => "no list".into(),
        Err(bad @ BadWebhook::NoJson { .. }) => format!("bad: {bad}"),
        Ok(Reading::Filtered(_)) => "filtered".into(),
        Ok(Reading::Messages(items, _)) => {
            let item = |item: Item| {
                let message = match item.message {
                    Ok(message) => {
                        let text = String::from_utf8(message.text.as_bytes().to_vec()).unwrap();
                        format!("{} {} {text}", message.to.as_str(), message.from.as_str())
                    }
                    Err(error) => format!("!{error}"),
                };
                let id = item
                    .id
                    .map(|id| format!("#{}", String::from_utf8(id).unwrap()));
                message + &id.unwrap_or_default()
            };
            items.into_iter().map(item).collect::<Vec<_>>().join("|")
        }
    }
}

#[test]
fn forms() {
    let check = |body: &[u8], expected: &str| {
        assert_eq!(
            shown(post(&Webhook::by_default(), FORM, body)),
            expected,
            "{}",
            body.escape_ascii()
        );
    };
    check(b"To=1&From=2&Body=x", "1 2 x");
    check(
        b"To=%2B12025550160&From=%2B15017122661&Body=Incoming+message%21",
        "+12025550160 +15017122661 Incoming message!",
    );
    check(b"To=1&From=2&Body=", "1 2 ");
    check(b"To=1&From=2&Body", "1 2 ");
    check(b"To=1&From=2&Body=x\r\n", "1 2 x\r\n");
    check(b"To=1&From=2", "bad: no text");
    check(b"From=2&Body=x", "bad: no to");
    check(b"To=1&Body=x", "bad: no from");
    check(b"", "bad: no to");
    check(b"to=1&from=2&body=x", "bad: no to");
    check(b"To=&From=2&Body=x", "bad: to is empty");
    check(b"To=1&From=+&Body=x", "1 anonymous x");
    check(b"To=1/2&From=2&Body=x", "bad: to holds byte 0x2f");
    check(
        b"To=s&From=2&Body=x",
        "bad: to is a special extension of Asterisk",
    );
    check(b"To=1&From=a%0ASet:b&Body=x", "1 a_Set_b x");
    check(b"To=1&From=2&Body=%E4%00%80", "1 2 ä\u{80}");
    check(b"To=1&To=3&From=2&Body=x", "3 2 x");
    check(b"To[]=1&To[]=3&From=2&Body=x", "1 2 x");
    check(b"To[1]=1&From=2&Body=x", "bad: no to");
    check(b"To[a]=1&From=2&Body=x", "bad: no to");
    check(b"To[]=1&To[][x]=3&From=2&Body=x", "bad: no to");
    check(b"To[To]=1&From=2&Body=x", "1 2 x");
    check(b"x[To]=1&x[y][From]=2&Body=x", "1 2 x");
    check(
        b"x[To]=1&y[To]=5&From=2&Body=x",
        &format!("bad: {}", BadMessage::Several),
    );
    check(b"To=1&x[To]=5&From=2&Body=x", "1 2 x");
    check(b"x[To]=5&To=1&From=2&Body=x", "1 2 x");
    check(b"x[To]=5&x[y][To][]=6&From=2&Body=x", "6 2 x");
}

#[test]
fn texts_that_look_like_json_are_texts() {
    let check = |body: &str, expected: &str| {
        assert_eq!(
            shown(post(&Webhook::by_default(), FORM, body)),
            expected,
            "{body}"
        );
    };
    let all = r#"{"To":"7","From":"8","Body":"y"}"#;
    check(&format!("To=1&From=2&Body={all}"), &format!("1 2 {all}"));
    check(&format!("Body={all}"), "bad: no to");
    check(&format!("To=1&Body={all}"), "bad: no from");
    check(&format!("x[Body]={all}"), "bad: no to");
    check(&format!("Body[]={all}"), "bad: no to");
    check(&format!("Body[x][y]={all}"), "bad: no to");
    check(
        &format!("To={all}&From=2&Body=x"),
        "bad: to holds byte 0x7b",
    );
    check("To=1&From=2&Body=null", "1 2 null");
    check("To=1&From=2&Body=1e5", "1 2 1e5");
    check("To=1&From=2&Body=true", "1 2 true");
    check("To=1&From=2&Body=\"q\"", "1 2 \"q\"");
    check(
        &format!("To=1&From=2&Body={}", "[".repeat(500)),
        &format!("1 2 {}", "[".repeat(500)),
    );
    // Any other field is searched inside, and the values in it are not parsed again.
    check(&format!("x={all}"), "7 8 y");
    check(&format!("x=+%0A{all}+"), "7 8 y");
    check(&format!("x=[[{all}]]"), "7 8 y");
    check(&format!("x[y][]={all}"), "7 8 y");
    check(&format!("From=2&x={all}"), "7 2 y");
    check(&format!("x={all}&From=2"), "7 2 y");
    check(&format!("x={all}&x[]=1"), "bad: no to");
    // Of two objects the one that has all three parts counts.
    check(&format!("x={all}&z={{\"To\":\"9\"}}"), "7 8 y");
    check(&format!("z={{\"To\":\"9\"}}&x={all}"), "7 8 y");
    check(
        r#"x={"To":"1","From":"2","Body":"{\"From\":\"9\"}"}"#,
        "1 2 {\"From\":\"9\"}",
    );
    check(r#"x={"To":"1","Body":"{\"From\":\"9\"}"}"#, "bad: no from");
    check(r#"x="{\"To\":\"1\"}"&From=2&Body=x"#, "bad: no to");
    check(r#"x={"To":"1","From":"2","Body":null}"#, "1 2 ");
    check(
        r#"x={"To":1,"From":20000000000000000000000,"Body":1.50}"#,
        "1 20000000000000000000000 1.50",
    );
    check(r#"x={"To":1,"From":2,"Body":true}"#, "1 2 true");
    check(r#"x={"To":["1","5"],"From":2,"Body":[]}"#, "bad: no text");
    check(r#"x={"To":["1","5"],"From":2,"Body":{}}"#, "bad: no text");
    // A second layer of percent-encoding, as one provider has it, is removed, but never from a text.
    check(
        "x=%257B%2522To%2522%253A%25221%2522%257D&From=2&Body=%257B",
        "1 2 %7B",
    );
    check(
        "Body=%257B%2522To%2522%253A%25221%2522%257D&From=2",
        "bad: no to",
    );
}

#[test]
fn json() {
    let check = |body: &str, expected: &str| {
        assert_eq!(
            shown(post(&Webhook::by_default(), JSON, body)),
            expected,
            "{body}"
        );
    };
    check(r#"{"To":"1","From":"2","Body":"x"}"#, "1 2 x");
    check(r#" {"To":"1","From":"2","Body":"x"} "#, "1 2 x");
    check(r#"[{"To":"1","From":"2","Body":"x"}]"#, "1 2 x");
    check(
        r#"{"a":[{"To":"1"},{"To":"3"}],"b":{"From":"2"},"Body":"x"}"#,
        "1 2 x",
    );
    check(
        r#"{"To":"1","a":{"To":"3"},"From":"2","Body":"x"}"#,
        "1 2 x",
    );
    check(
        r#"{"a":{"To":"3"},"To":{"x":"1"},"From":"2","Body":"x"}"#,
        "3 2 x",
    );
    check(r#"{"To":{"To":"1"},"From":"2","Body":"x"}"#, "1 2 x");
    check(r#"{"To":"1","To":"3","From":"2","Body":"x"}"#, "3 2 x");
    check(r#"{"To":["1","3"],"From":"2","Body":"x"}"#, "1 2 x");
    check(
        r#"{"To":4512345678901234,"From":4500,"Body":"x"}"#,
        "4512345678901234 4500 x",
    );
    check(r#"{"To":"1","From":"2","Body":null}"#, "1 2 ");
    check(r#"{"To":"1","From":"2","Body":""}"#, "1 2 ");
    check(r#"{"To":null,"From":"2","Body":"x"}"#, "bad: to is empty");
    check(r#"{"To":"1","From":"2"}"#, "bad: no text");
    check(
        r#"{"To":"1","From":"2","Body":"{\"From\":\"9\"}"}"#,
        "1 2 {\"From\":\"9\"}",
    );
    check(
        r#"{"To":"1","x":"{\"From\":\"9\"}","Body":"x"}"#,
        "bad: no from",
    );
    check(
        r#"{"To":"1","From":"2","Body":"\ud83d\ude00\u0000"}"#,
        "1 2 😀",
    );
    check("\"To\"", "bad: no to");
    check("[]", "bad: no to");
    check("", "bad: no to");
}

#[test]
fn what_is_no_json_is_said_with_its_byte() {
    let check = |webhook: &Webhook, content_type: &str, body: &str, expected: &str| {
        let reading = shown(post(webhook, content_type, body));
        assert_eq!(reading, expected, "{content_type}: {body}");
    };
    let usual = Webhook::by_default();
    let body = |what: &str, at: usize| format!("bad: no {what}: the body is no JSON at byte {at}");
    let cut = r#"{"To":"1","From":"2","Body":"x""#;
    for content_type in [JSON, FORM, "", "text/plain", "application/x+json"] {
        check(&usual, content_type, cut, &body("to", 32));
    }
    check(
        &usual,
        JSON,
        r#"{"To":"1","From":"2","Body":"say "hi""}"#,
        &body("to", 35),
    );
    check(&usual, JSON, "To=1&From=2&Body=x", &body("to", 1));
    check(
        &with(|webhook| webhook.each = b"[]".to_vec()),
        JSON,
        "[{]",
        &body("list of messages", 3),
    );
    // A form that begins like JSON is taken if it gives a message; otherwise the answer says that it is no
    // JSON.
    check(&usual, FORM, "{x=1&To=1&From=2&Body=y", "1 2 y");
    check(&usual, FORM, "{x=1&To=1&Body=y", &body("from", 2));
    // The malformed JSON stands in a parameter.
    let inside = "bad: no to: a parameter is no JSON at byte 28";
    check(
        &usual,
        FORM,
        r#"x={"To":1,"From":2,"Body":"a"&Body=b"#,
        inside,
    );
    check(
        &usual,
        FORM,
        r#"x={"To":1,"From":2,"Body":"a"&To=1&From=2&Body=b"#,
        "1 2 b",
    );
    check(
        &usual,
        FORM,
        "To=1&From=2&x={a",
        "bad: no text: a parameter is no JSON at byte 2",
    );
    // A text is not meant to be JSON, nor is a body with a type of its own, and a missing body is not
    // malformed.
    check(&usual, FORM, "From=2&Body={a", "bad: no to");
    check(&usual, "application/xml", "{", "bad: no to");
    check(&usual, "multipart/form-data; boundary=b", "{", "bad: no to");
    check(&usual, JSON, "", "bad: no to");
    // A fault of a parameter that is there has nothing to do with malformed JSON.
    check(&usual, FORM, "x={a&To=&From=2&Body=b", "bad: to is empty");
    // Parts that are not read are not looked at.
    let claims = Coverage::Claims(b"{}".to_vec());
    let reading = read_as(claims, "POST", "/", Some(JSON), b"{", &usual);
    assert_eq!(shown(reading), "bad: no to");
    let reading = read_as(Coverage::Whole, "GET", "/?To=1", Some(JSON), b"{", &usual);
    assert_eq!(shown(reading), "bad: no from");
}

#[test]
fn control_characters_in_json_are_texts_of_several_lines() {
    let check = |body: &str, expected: &str| {
        assert_eq!(
            shown(post(&Webhook::by_default(), JSON, body)),
            expected,
            "{body}"
        );
    };
    check(
        "{\"To\":\"1\",\"From\":\"2\",\"Body\":\"a\r\n\tb\"}",
        "1 2 a\r\n\tb",
    );
    check(
        "{\"To\":\"1\",\"From\":\"2\",\"Body\":\"a\0\u{1b}b\"}",
        "1 2 a\u{1b}b",
    );
    check(
        "{\"To\":\"1\\n\",\"From\":\"a\nb\",\"Body\":\"x\"}",
        "1 a_b x",
    );
    check(
        "{\"To\":\"1\n2\",\"From\":\"2\",\"Body\":\"x\"}",
        "bad: to holds byte 0x0a",
    );
    check(
        "{\"To\":\"1\",\"Fr\nom\":\"2\",\"Body\":\"x\"}",
        "bad: no from",
    );
}

#[test]
fn types() {
    let text = r#"{"To":"1","From":"2","Body":"x=1&y"}"#;
    let check = |content_type: &str, body: &str, expected: &str| {
        let got = shown(post(&Webhook::by_default(), content_type, body));
        assert_eq!(got, expected, "{content_type}: {body}");
    };
    let is_json = "1 2 x=1&y";
    for content_type in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.api+json",
        "application/problem+JSON;x",
        "",
        "text/plain",
        "TEXT/html; charset=x",
        FORM,
        "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
    ] {
        check(content_type, text, is_json);
        check(content_type, &format!("\u{feff}\r\n {text}\n"), is_json);
    }
    for content_type in [
        "application/xml",
        "application/jsonx",
        "multipart/form-data; boundary=b",
        "image/text/",
        "textual",
    ] {
        check(content_type, text, "bad: no to");
    }
    // A body that does not parse is a form if its type says so.
    check(FORM, "{x=1&To=1&From=2&Body=y", "1 2 y");
    check("text/plain", "To=1&From=2&Body=y", "bad: no to");
    check("", "To=1&From=2&Body=y", "bad: no to");
    let multipart = "--b\r\nContent-Disposition: form-data; name=To\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; \
        name=\"From\"\r\n\r\n2\r\n--b\r\nContent-Disposition: form-data; name=\"Body\"\r\n\r\n{\"From\":3}\r\n--b--\r\n";
    check(
        "multipart/form-data; boundary=b",
        multipart,
        "1 2 {\"From\":3}",
    );
    check("multipart/form-data; boundary=c", multipart, "bad: no to");
    check("multipart/form-data", multipart, "bad: no to");
}

#[test]
fn queries() {
    let check = |method: &str, target: &str, body: &str, expected: &str| {
        let got = read_as(
            Coverage::Whole,
            method,
            target,
            Some(FORM),
            body.as_bytes(),
            &Webhook::by_default(),
        );
        assert_eq!(shown(got), expected, "{method} {target} {body}");
    };
    check("GET", "/sms?To=1&From=2&Body=x+y", "", "1 2 x y");
    check("GET", "/sms?To=1&From=2&Body=x#&Body=y", "", "1 2 x");
    check("GET", "/sms", "", "bad: no to");
    check("GET", "/sms?From=2&Body=x", "To=1", "bad: no to");
    check("POST", "/sms?To=1", "From=2&Body=x", "1 2 x");
    check("POST", "/sms?To=9&From=2", "To=1&Body=x", "1 2 x");
    check("POST", "/sms?To=9&From=2&Body=x", "To=", "bad: to is empty");
    check("POST", "/sms?To=1&x[From]=2", "x[Body]=x", "1 2 x");
    check(
        "POST",
        "/sms?To=1&From=2",
        r#"{"Body":"x","a":{"From":"9"}}"#,
        "1 2 x",
    );
    check(
        "POST",
        "/sms?x={\"From\":\"8\"}&To=1",
        r#"{"Body":"x","a":{"From":"9"}}"#,
        "1 9 x",
    );
    check(
        "GET",
        "/sms?r=%7B%22To%22%3A1%2C%22From%22%3A2%2C%22Body%22%3A%22x%22%7D",
        "",
        "1 2 x",
    );
}

#[test]
fn paths() {
    let telnyx = r#"{"data":{"event_type":"message.received","payload":{"from":{"phone_number":"+2"},"to":[{"phone_number":"+1"},{"phone_number":"+3"}],"text":"x"}}}"#;
    let paths = webhook_of(
        "data.payload.to[0].phone_number",
        "data.payload.from.phone_number",
        "data.payload.text",
    );
    assert_eq!(shown(post(&paths, JSON, telnyx)), "+1 +2 x");
    let second = webhook_of(
        "data.payload.to[1].phone_number",
        "data.payload.from.phone_number",
        "text",
    );
    assert_eq!(shown(post(&second, JSON, telnyx)), "+3 +2 x");
    let none = webhook_of(
        "payload.to[0].phone_number",
        "data.payload.from.phone_number",
        "text",
    );
    assert_eq!(shown(post(&none, JSON, telnyx)), "bad: no to");
    let rooted = webhook_of("[0].to", "[0].message.from", "[0].message.text");
    let bandwidth = r#"[{"to":"+1","message":{"to":["+9"],"from":"+2","text":"x"}}]"#;
    assert_eq!(shown(post(&rooted, JSON, bandwidth)), "+1 +2 x");

    // The path leads through a form, and through JSON in one of its fields, but not through a text.
    let form = webhook_of("m[0][to]", "m[0][from]", "m[0].text");
    assert_eq!(
        shown(post(&form, FORM, "m[0][to]=1&m[0][from]=2&m[0][text]=x")),
        "1 2 x"
    );
    let inside = webhook_of("r.to", "r.from", "r.text");
    assert_eq!(
        shown(post(&inside, FORM, r#"r={"to":1,"from":2,"text":"{}"}"#)),
        "1 2 {}"
    );
    assert_eq!(
        shown(post(
            &inside,
            FORM,
            r#"r[to]=1&r[from]=2&r[text]={"from":9}"#
        )),
        "1 2 {\"from\":9}"
    );
    let deep = webhook_of("to", "from", "r.text");
    assert_eq!(
        shown(post(&deep, FORM, r#"to=1&r[text]={"from":9}"#)),
        "bad: no from"
    );
    assert_eq!(
        shown(post(&deep, FORM, r#"to=1&r[text][]={"from":9}"#)),
        "bad: no from"
    );
    assert_eq!(
        shown(post(&deep, FORM, r#"to=1&r[text]=x&r[s]={"from":9}"#)),
        "1 9 x"
    );
    // A member whose name looks like the path is its value.
    let named = webhook_of("a.to", "from", "text");
    assert_eq!(
        shown(post(
            &named,
            JSON,
            r#"{"a.to":1,"a":{"to":3},"from":2,"text":"x"}"#
        )),
        "1 2 x"
    );
    let broken = webhook_of("a[", "from", "text");
    assert_eq!(
        shown(post(&broken, JSON, r#"{"a":1,"from":2,"text":"x"}"#)),
        "bad: no to"
    );
    let empty = webhook_of("", "from", "text");
    assert_eq!(
        shown(post(&empty, JSON, r#"{"":1,"from":2,"text":"x"}"#)),
        "bad: no to"
    );
}

#[test]
fn charsets() {
    let check = |content_type: &str, body: &[u8], expected: &str| {
        let got = shown(post(&Webhook::by_default(), content_type, body));
        assert_eq!(got, expected, "{content_type}");
    };
    let form: &[u8] = b"To=1&From=2&Body=%80";
    check(FORM, form, "1 2 \u{80}");
    check(
        "application/x-www-form-urlencoded; charset=windows-1252",
        form,
        "1 2 €",
    );
    check(
        "application/x-www-form-urlencoded;CHARSET=\"Windows-1252\"",
        form,
        "1 2 €",
    );
    check(
        "application/x-www-form-urlencoded; x=y; charset=cp1252",
        form,
        "1 2 €",
    );
    check(
        "application/x-www-form-urlencoded; charset=ISO-8859-1",
        form,
        "1 2 \u{80}",
    );
    check(
        "application/x-www-form-urlencoded; charset=\"",
        form,
        "1 2 \u{80}",
    );
    check(
        "application/x-www-form-urlencoded; charset=windows-1252",
        "To=1&From=2&Body=€".as_bytes(),
        "1 2 €",
    );
    check(
        "application/json; charset=windows-1252",
        b"{\"To\":1,\"From\":2,\"Body\":\"\x80\"}",
        "1 2 €",
    );
    // The provider cuts texts by bytes.
    for content_type in [FORM, "application/x-www-form-urlencoded; charset=UTF-8"] {
        let cut = b"To=1&From=2&Body=%D0%9F%D1%80%D0";
        check(content_type, cut, "1 2 Пр\u{fffd}");
    }
    check(
        "application/json; charset=utf-8",
        b"{\"To\":1,\"From\":2,\"Body\":\"\xb8\xaa\xe0\xb8\xaa\"}",
        "1 2 \u{fffd}\u{fffd}ส",
    );
}

#[test]
fn ids() {
    let id = with(|webhook| webhook.key_id = "Id".into());
    assert_eq!(
        shown(post(&id, FORM, "To=1&From=2&Body=x&Id=a7")),
        "1 2 x#a7"
    );
    assert_eq!(shown(post(&id, FORM, "To=1&From=2&Body=x&Id=")), "1 2 x");
    assert_eq!(shown(post(&id, FORM, "To=1&From=2&Body=x")), "1 2 x");
    assert_eq!(
        shown(post(
            &id,
            JSON,
            r#"{"To":1,"From":2,"Body":"x","m":{"Id":70000000000000000001}}"#
        )),
        "1 2 x#70000000000000000001"
    );
    assert_eq!(
        shown(post(&id, FORM, r#"To=1&From=2&Body=x&Id={"To":"9"}"#)),
        r#"1 2 x#{"To":"9"}"#
    );
    assert_eq!(
        shown(post(&id, FORM, r#"From=2&Body=x&Id={"To":"9"}"#)),
        "bad: no to"
    );
}

#[test]
fn filters() {
    let accept =
        |key: &str, value: &str| with(|webhook| webhook.accept_if = condition(key, &[value]));
    let check = |webhook: &Webhook, content_type: &str, body: &str, expected: &str| {
        assert_eq!(shown(post(webhook, content_type, body)), expected, "{body}");
    };
    let event = accept("event", "SMS");
    check(&event, FORM, "event=SMS&To=1&From=2&Body=x", "1 2 x");
    check(&event, FORM, "event=SMS&To=1&From=2", "bad: no text");
    check(&event, FORM, "event=sms&To=1&From=2&Body=x", "filtered");
    check(&event, FORM, "event=NOTIFY_END", "filtered");
    check(&event, FORM, "event=&To=1&From=2&Body=x", "filtered");
    check(&event, FORM, "To=1&From=2&Body=x", "filtered");
    check(
        &event,
        FORM,
        r#"x={"event":"SMS"}&To=1&From=2&Body=x"#,
        "1 2 x",
    );
    check(
        &event,
        FORM,
        r#"To=1&From=2&Body={"event":"SMS"}"#,
        "filtered",
    );
    let path = accept("data.type", "in");
    check(
        &path,
        JSON,
        r#"{"data":{"type":"in","To":1,"From":2,"Body":"x"}}"#,
        "1 2 x",
    );
    check(
        &path,
        JSON,
        r#"{"data":{"type":"out","To":1,"From":2,"Body":"x"}}"#,
        "filtered",
    );
    let either = with(|webhook| webhook.accept_if = condition("type", &["sms", "mms"]));
    check(&either, FORM, "type=mms&To=1&From=2&Body=x", "1 2 x");
    check(&either, FORM, "type=sms|mms&To=1&From=2&Body=x", "filtered");
    check(&either, FORM, "To=1&From=2&Body=x", "filtered");
    // An empty value also matches a missing key.
    let absent = accept("receipt", "");
    check(&absent, JSON, r#"{"To":1,"From":2,"Body":"x"}"#, "1 2 x");
    check(
        &absent,
        JSON,
        r#"{"To":1,"From":2,"Body":"x","receipt":null}"#,
        "1 2 x",
    );
    check(
        &absent,
        JSON,
        r#"{"To":1,"From":2,"Body":"x","receipt":true}"#,
        "filtered",
    );
    check(
        &absent,
        JSON,
        r#"{"To":1,"From":2,"Body":"x","receipt":{"a":1}}"#,
        "filtered",
    );
    check(
        &absent,
        JSON,
        r#"{"To":1,"From":2,"Body":"x","receipt":[{}]}"#,
        "filtered",
    );
    let cut = "bad: no to: the body is no JSON at byte";
    let body = r#"{"To":1,"From":2,"Bo"#;
    check(&absent, JSON, body, &format!("{cut} 21"));
    let flag = accept("receipt", "false");
    check(
        &flag,
        JSON,
        r#"{"receipt":false,"To":1,"From":2,"Body":"x"}"#,
        "1 2 x",
    );
    check(
        &flag,
        JSON,
        r#"{"receipt":true,"To":1,"From":2,"Body":"x"}"#,
        "filtered",
    );
    // A body that cannot be read is no event of another kind.
    check(
        &path,
        JSON,
        r#"{"data":{"type":"in","To":1,"From":2,"Bo"#,
        &format!("{cut} 41"),
    );
    check(
        &event,
        "multipart/form-data; boundary=b",
        "--b\r\nx",
        "bad: no to",
    );
    check(&event, "application/xml", "<x/>", "bad: no to");
    check(&event, JSON, "{}", "filtered");
    check(&event, FORM, "", "filtered");
}

#[test]
fn lists() {
    let each = |path: &str| with(|webhook| webhook.each = path.into());
    let check = |webhook: &Webhook, content_type: &str, body: &str, expected: &str| {
        assert_eq!(shown(post(webhook, content_type, body)), expected, "{body}");
    };
    let two = r#"[{"To":1,"From":2,"Body":"x"},{"a":{"To":3,"From":4},"Body":"y"}]"#;
    let both = "1 2 x|3 4 y";
    check(
        &each("results"),
        JSON,
        &format!("{{\"n\":2,\"results\":{two}}}"),
        both,
    );
    check(
        &each("results[]"),
        JSON,
        &format!("{{\"n\":2,\"results\":{two}}}"),
        both,
    );
    check(
        &each("a.b[0]"),
        JSON,
        &format!("{{\"a\":{{\"b\":[{two}]}}}}"),
        both,
    );
    check(&each("[]"), JSON, two, both);
    check(&each("r"), FORM, &format!("r={two}"), both);
    check(&each("r.m"), FORM, &format!("r={{\"m\":{two}}}"), both);
    check(
        &each("m"),
        FORM,
        "m[0][To]=1&m[0][From]=2&m[0][Body]=x&m[1][To]=3&m[1][From]=4&m[1][Body]=y",
        both,
    );
    check(
        &each("m"),
        FORM,
        r#"m[]={"To":1,"From":2,"Body":"x"}&m[]={"To":3,"From":4,"Body":"y"}"#,
        both,
    );
    check(
        &each("m"),
        JSON,
        r#"{"m":{"To":1,"From":2,"Body":"x"}}"#,
        "1 2 x",
    );
    check(&each("m"), FORM, "m[To]=1&m[From]=2&m[Body]=x", "1 2 x");

    // All of a message stands in its element; an element that is no message stops no other.
    check(
        &each("m"),
        JSON,
        r#"{"To":9,"m":[{"From":2,"Body":"x"}]}"#,
        "!no to",
    );
    check(
        &each("m"),
        JSON,
        r#"{"m":[{"To":"/","From":2,"Body":"x"},{"To":1,"From":2,"Body":"y"},5,null,"z",[]]}"#,
        "!to holds byte 0x2f|1 2 y|!no to|!no to|!no to|!no to",
    );
    let id = with(|webhook| {
        webhook.each = b"m".to_vec();
        webhook.key_id = "id".into();
    });
    check(
        &id,
        JSON,
        r#"{"id":9,"m":[{"To":1,"From":2,"Body":"y","id":"a"},{"To":1,"From":2,"Body":"z"}]}"#,
        "1 2 y#a|1 2 z",
    );

    check(&each("m"), JSON, r#"{"m":[]}"#, "filtered");
    check(&each("m"), JSON, r#"{"m":"x"}"#, "no list");
    check(&each("m"), JSON, r#"{"m":null}"#, "no list");
    check(
        &each("m"),
        JSON,
        r#"{"To":1,"From":2,"Body":"x"}"#,
        "no list",
    );
    check(&each("m"), FORM, "m=x", "no list");
    check(&each("m["), JSON, r#"{"m":[]}"#, "no list");
    check(&each("[]"), JSON, "", "no list");
    check(&each("[]"), FORM, "To=1&From=2&Body=x", "no list");

    // A filter is judged by the element, otherwise by the values beside the list.
    let both = with(|webhook| {
        webhook.each = b"m".to_vec();
        webhook.accept_if = condition("type", &["in"]);
    });
    check(
        &both,
        JSON,
        r#"{"m":[{"type":"in","To":1,"From":2,"Body":"x"},{"type":"dlr"},{"To":3}]}"#,
        "1 2 x",
    );
    check(&both, JSON, r#"{"m":[{"type":"dlr"}]}"#, "filtered");
    check(
        &both,
        JSON,
        r#"{"type":"in","m":[{"type":"dlr"},{"To":1,"From":2,"Body":"x"}]}"#,
        "1 2 x",
    );
    check(
        &both,
        JSON,
        r#"{"type":"dlr","m":[{"To":1,"From":2,"Body":"x"}]}"#,
        "filtered",
    );
    check(&both, JSON, r#"{"type":"dlr"}"#, "filtered");
    check(&both, JSON, r#"{"type":"in"}"#, "no list");
    let open = "bad: no to: the body is no JSON at byte 2";
    check(&both, JSON, "{", open);
}

#[test]
fn coverage() {
    let check =
        |coverage: Coverage, target: &str, body: &str, webhook: &Webhook, expected: &str| {
            let got = read_as(
                coverage,
                "POST",
                target,
                Some(FORM),
                body.as_bytes(),
                webhook,
            );
            assert_eq!(shown(got), expected, "{target} {body}");
        };
    check(
        Coverage::Body,
        "/?To=9&From=9&Body=9",
        "To=1&From=2&Body=x",
        &Webhook::by_default(),
        "1 2 x",
    );
    check(
        Coverage::Body,
        "/?To=9",
        "From=2&Body=x",
        &Webhook::by_default(),
        "bad: no to",
    );

    let inside = || Coverage::Inside(b"result");
    let result = r#"result={"To":1,"From":2,"Body":"x"}"#;
    check(
        inside(),
        "/?To=9",
        &format!("{result}&From=9&x={{\"Body\":9}}"),
        &Webhook::by_default(),
        "1 2 x",
    );
    check(
        inside(),
        "/",
        &result.replace("\"From\":2,", ""),
        &Webhook::by_default(),
        "bad: no from",
    );
    check(
        inside(),
        "/?From=9",
        &format!("From=9&{}", result.replace("\"From\":2,", "")),
        &Webhook::by_default(),
        "bad: no from",
    );
    check(
        inside(),
        "/",
        "To=1&From=2&Body=x",
        &Webhook::by_default(),
        "bad: no to",
    );
    check(
        inside(),
        "/",
        "result=x&To=1&From=2&Body=x",
        &Webhook::by_default(),
        "bad: no to",
    );
    check(
        inside(),
        &format!("/?{result}"),
        "x=1",
        &Webhook::by_default(),
        "1 2 x",
    );
    let escaped = "result=%257B%2522To%2522%253A1%252C%2522From%2522%253A2%252C%2522Body%2522%253A%2522x%2522%257D";
    check(inside(), "/", escaped, &Webhook::by_default(), "1 2 x");
    let paths = webhook_of("result.To", "result.From", "result.Body");
    check(inside(), "/", result, &paths, "1 2 x");
    // Parts that are not covered can only say that this is no message.
    let event = with(|webhook| webhook.accept_if = condition("event", &["SMS"]));
    check(
        inside(),
        "/",
        &format!("event=SMS&{result}"),
        &event,
        "1 2 x",
    );
    check(
        inside(),
        "/",
        &format!("event=CALL&{result}"),
        &event,
        "filtered",
    );
    check(inside(), "/", result, &event, "filtered");
    let covered = r#"event=SMS&result={"event":"CALL","To":1,"From":2,"Body":"x"}"#;
    check(inside(), "/", covered, &event, "filtered");

    let claims = Coverage::Claims(br#"{"To":1,"From":2,"Body":"x"}"#.to_vec());
    check(
        claims,
        "/?To=9",
        "To=9&From=9&Body=9",
        &Webhook::by_default(),
        "1 2 x",
    );
    check(
        Coverage::Claims(b"{}".to_vec()),
        "/?To=9&From=9",
        "Body=9",
        &Webhook::by_default(),
        "bad: no to",
    );
    check(
        Coverage::Claims(b"x".to_vec()),
        "/?To=9&From=9",
        "Body=9",
        &Webhook::by_default(),
        "bad: no to",
    );
}

#[test]
fn limits() {
    let check = |content_type: &str, body: String, expected: &str| {
        let got = shown(post(&Webhook::by_default(), content_type, &body));
        assert_eq!(got, expected, "{body:.80}");
    };
    let many = |count: usize| {
        let fill = (3..count).map(|n| format!("&p{n}"));
        format!("To=1&From=2&Body=x{}", fill.collect::<String>())
    };
    check(FORM, many(PARAMETERS_MAX - 1), "1 2 x");
    check(FORM, many(PARAMETERS_MAX), "1 2 x");
    check(FORM, many(PARAMETERS_MAX + 1), "too much: parameters");
    let get = |count| {
        shown(read_as(
            Coverage::Whole,
            "GET",
            &format!("/?{}", many(count)),
            None,
            b"",
            &Webhook::by_default(),
        ))
    };
    assert_eq!(get(PARAMETERS_MAX), "1 2 x");
    assert_eq!(get(PARAMETERS_MAX + 1), "too much: parameters");

    let head = "--b\r\nContent-Disposition: form-data; name=";
    let parts = |count: usize, rest: &str| {
        let fill = (3..count).map(|n| format!("{head}p{n}{rest}\r\n\r\n\r\n"));
        let fill: String = fill.collect();
        format!("{head}To\r\n\r\n1\r\n{head}From\r\n\r\n2\r\n{head}Body\r\n\r\nx\r\n{fill}--b--")
    };
    let multipart = "multipart/form-data; boundary=b";
    check(multipart, parts(PARAMETERS_MAX, ""), "1 2 x");
    check(
        multipart,
        parts(PARAMETERS_MAX + 1, ""),
        "too much: parameters",
    );
    check(
        multipart,
        parts(MULTIPART_PARTS_MAX - 1, ";filename="),
        "1 2 x",
    );
    check(multipart, parts(MULTIPART_PARTS_MAX, ";filename="), "1 2 x");
    check(
        multipart,
        parts(MULTIPART_PARTS_MAX + 1, ";filename="),
        "too much: parts",
    );

    // Each pair with its own array makes three nodes: 2 * 999 + 1 + 3 of at most 4000.
    let arrays = |levels: &str, count: usize| {
        let fill = (0..count).map(|n| format!("&a[{n}]{levels}=x"));
        format!("To=1&From=2&Body=x{}", fill.collect::<String>())
    };
    check(FORM, arrays("[k]", 997), "1 2 x");
    check(FORM, arrays("[a][b][c]", 997), "1 2 x");
    check(
        FORM,
        arrays("[a][b][c][d]", 997),
        "too much: parameter arrays",
    );

    let wide = |values: usize| {
        format!(
            r#"{{"To":1,"From":2,"Body":"x","a":[{}]}}"#,
            vec!["0"; values - 5].join(",")
        )
    };
    let deep = |levels: usize| {
        format!(
            r#"{{"To":1,"From":2,"Body":"x","a":{}{}}}"#,
            "[".repeat(levels - 1),
            "]".repeat(levels - 1)
        )
    };
    for (content_type, before) in [(JSON, ""), (FORM, ""), ("", ""), (FORM, "q=")] {
        check(
            content_type,
            format!("{before}{}", wide(JSON_VALUES_MAX - 1)),
            "1 2 x",
        );
        check(
            content_type,
            format!("{before}{}", wide(JSON_VALUES_MAX)),
            "1 2 x",
        );
        check(
            content_type,
            format!("{before}{}", wide(JSON_VALUES_MAX + 1)),
            "too much: JSON values",
        );
        check(
            content_type,
            format!("{before}{}", deep(JSON_DEPTH_MAX - 1)),
            "1 2 x",
        );
        check(
            content_type,
            format!("{before}{}", deep(JSON_DEPTH_MAX)),
            "1 2 x",
        );
        check(
            content_type,
            format!("{before}{}", deep(JSON_DEPTH_MAX + 1)),
            "too much: JSON nesting",
        );
    }

    let each = with(|webhook| webhook.each = b"m".to_vec());
    let messages = |count: usize| {
        let list = vec![r#"{"To":1,"From":2,"Body":"x"}"#; count].join(",");
        match post(&each, JSON, format!("{{\"m\":[{list}]}}")) {
            Ok(Reading::Messages(items, _)) => Ok(items.len()),
            Ok(Reading::Filtered(_)) => Ok(0),
            Err(error) => Err(error),
        }
    };
    assert_eq!(messages(MESSAGES_MAX - 1), Ok(MESSAGES_MAX - 1));
    assert_eq!(messages(MESSAGES_MAX), Ok(MESSAGES_MAX));
    assert_eq!(
        messages(MESSAGES_MAX + 1),
        Err(BadWebhook::TooMuch("messages"))
    );
}

/// Reads the deepest form that is accepted, with the deepest JSON in it, on a stack as large as a
/// connection's.
#[test]
fn the_deepest_request_fits_the_stack() {
    let worker = || {
        let json = format!(
            "{}{{\"To\":\"1\",\"From\":\"2\"}}{}",
            "[".repeat(JSON_DEPTH_MAX - 1),
            "]".repeat(JSON_DEPTH_MAX - 1)
        );
        let levels = "[a]".repeat(64);
        let body = format!("x{levels}={json}&y{levels}=1&Body=x");
        assert_eq!(shown(post(&Webhook::by_default(), FORM, body)), "1 2 x");
        assert_eq!(
            shown(post(&Webhook::by_default(), JSON, &json)),
            "bad: no text"
        );
    };
    std::thread::Builder::new()
        .stack_size(CONNECTION_STACK_BYTES)
        .spawn(worker)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn the_first_alternative_that_is_there_counts() {
    fn check(content_type: &str, body: &str, expected: &str) {
        let webhook = Webhook {
            key_id: "id|data.uuid".into(),
            key_media: "m[].url|links".into(),
            key_caption: "v|title".into(),
            ..webhook_of("recipient|shortcode", "from|data.sender", "text|data.body")
        };
        assert_eq!(
            shown(post(&webhook, content_type, body)),
            expected,
            "{body}"
        );
    }
    check(FORM, "recipient=1&from=2&text=x&id=a", "1 2 x#a");
    check(FORM, "shortcode=1&from=2&text=x", "1 2 x");
    check(FORM, "shortcode=9&recipient=1&from=2&text=x", "1 2 x");
    // An empty value is a value.
    check(
        FORM,
        "shortcode=9&recipient=&from=2&text=x",
        "bad: to is empty",
    );
    check(FORM, "from=2&text=x", "bad: no to");
    check(FORM, "recipient%7Cshortcode=1&from=2&text=x", "bad: no to");
    // The first name counts at any depth, even before the second at the top.
    check(
        JSON,
        r#"{"shortcode":9,"a":{"recipient":1},"from":2,"text":"x"}"#,
        "1 2 x",
    );
    check(
        JSON,
        r#"{"shortcode":1,"data":{"sender":2,"body":"x","uuid":"a"}}"#,
        "1 2 x#a",
    );
    // A place that holds neither a scalar nor a list of scalars has no value, and the next name counts.
    check(
        JSON,
        r#"{"recipient":{"a":9},"shortcode":1,"from":2,"text":"x"}"#,
        "1 2 x",
    );
    check(FORM, "shortcode=1&from=2&title=x", "1 2 x");
    let links = r#"{"shortcode":1,"from":2,"text":"x","links":["https://a/1","https://a/2"]}"#;
    check(JSON, links, "1 2 x\nhttps://a/1\nhttps://a/2");
    let first = r#"{"shortcode":1,"from":2,"m":[{"url":"https://a/1"}],"links":["https://a/2"]}"#;
    check(JSON, first, "1 2 https://a/1");
    // The text of an SMS is never searched, whichever name it has.
    check(FORM, r#"from=2&text={"recipient":"9"}"#, "bad: no to");
    let inside = r#"{"from":2,"data":{"body":"{\"recipient\":9}"}}"#;
    check(JSON, inside, "bad: no to");
    // Several messages with different names are several all the same.
    let several =
        r#"{"m":[{"recipient":1,"from":2,"text":"x"},{"shortcode":3,"from":4,"text":"y"}]}"#;
    check(JSON, several, &format!("bad: {}", BadMessage::Several));
    let names = r#"{"m":[{"recipient":1},{"shortcode":3}],"from":2,"text":"x"}"#;
    check(JSON, names, "1 2 x");
    let top =
        r#"[{"recipient":1,"from":2,"text":"x"},{"shortcode":3,"data":{"sender":4,"body":"y"}}]"#;
    check(JSON, top, "1 2 x|3 4 y");
}

#[test]
fn all_conditions_must_hold() {
    fn check(conditions: &str, content_type: &str, body: &str, expected: &str) {
        let webhook = with(|webhook| webhook.accept_if = conditions.into());
        assert_eq!(
            shown(post(&webhook, content_type, body)),
            expected,
            "{body}"
        );
    }
    let sms = |more: &str| format!("To=1&From=2&Body=x{more}");
    let two = "type=sms|,status=";
    check(two, FORM, &sms(""), "1 2 x");
    check(two, FORM, &sms("&type=sms"), "1 2 x");
    check(two, FORM, &sms("&type=sms&status="), "1 2 x");
    check(two, FORM, &sms("&type=sms&status=sent"), "filtered");
    check(two, FORM, &sms("&status=sent"), "filtered");
    check(two, FORM, &sms("&type=dlr"), "filtered");
    check(two, FORM, &sms("&type=dlr&status=sent"), "filtered");
    check("type=a,kind=b", FORM, &sms("&type=a"), "filtered");
    check("type=a,kind=b", FORM, &sms("&kind=b"), "filtered");
    check("type=a,kind=b", FORM, &sms("&kind=b&type=a"), "1 2 x");
    check("type=a\\,b", FORM, &sms("&type=a,b"), "1 2 x");
    // Each condition is judged by the element, or by the values beside the list.
    let list = |beside: &str| {
        format!(
            r#"{{{beside}"m":[{{"To":1,"From":2,"Body":"x","type":"in"}},
            {{"To":3,"From":4,"Body":"y","type":"out"}},
            {{"To":5,"From":6,"Body":"z","kind":"dlr","type":"in"}},
            {{"To":7,"From":8,"Body":"w"}}]}}"#
        )
    };
    let each = |conditions: &str, beside: &str, expected: &str| {
        let webhook = with(|webhook| {
            webhook.accept_if = conditions.into();
            webhook.each = "m".into();
        });
        let body = list(beside);
        assert_eq!(
            shown(post(&webhook, JSON, &body)),
            expected,
            "{conditions} {beside}"
        );
    };
    each("type=in", "", "1 2 x|5 6 z");
    each("type=in,kind=", "", "1 2 x");
    each("type=in|,kind=", "", "1 2 x|7 8 w");
    each("type=in,kind=sms", r#""kind":"sms","#, "1 2 x");
    each("type=in,kind=sms|dlr", r#""kind":"sms","#, "1 2 x|5 6 z");
    each("type=in,kind=sms", r#""kind":"mms","#, "filtered");
    each("type=in,kind=dlr", r#""type":"in","#, "5 6 z");
    // A body that cannot be read is no message, unless another part already says that the request is none.
    let webhook = with(|webhook| webhook.accept_if = two.into());
    let garbled = |target: &str| {
        shown(read_as(
            Coverage::Whole,
            "POST",
            target,
            Some("image/png"),
            b"\x89PNG",
            &webhook,
        ))
    };
    assert_eq!(garbled("/"), "bad: no to");
    assert_eq!(garbled("/?type=sms"), "bad: no to");
    assert_eq!(garbled("/?type=dlr"), "filtered");
}
