//! Tests the messages that requests give at different interfaces, with one row per case.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod bodies;
mod filters;
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
