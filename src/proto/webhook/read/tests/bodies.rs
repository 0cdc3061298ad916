//! Forms, JSON, types, queries, paths and character sets: how the parts of a message are found in a request.

use super::*;

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
