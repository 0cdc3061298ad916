//! Filters, conditions, alternatives, and what a signature covers: what counts as a message, and which value counts.

use super::*;

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
