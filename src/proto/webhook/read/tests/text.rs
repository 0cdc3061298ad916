//! What becomes of a text: its encoding, captions, and the links of an MMS.

use super::*;
use crate::proto::webhook::interface::{Decode, Media};

#[test]
fn texts_in_an_encoding_of_their_own() {
    fn check(from: Decode, text: &str, expected: &str) {
        let webhook = with(|webhook| webhook.text_decode = from);
        let mut body = br#"{"To":1,"From":2,"Body":"#.to_vec();
        crate::proto::wire::json::write_string(text.as_bytes(), &mut body);
        body.push(b'}');
        let body = String::from_utf8(body).unwrap();
        assert_eq!(
            shown(post(&webhook, JSON, &body)),
            format!("1 2 {expected}"),
            "{text}"
        );
    }
    check(Decode::None, "a%20b+c", "a%20b+c");
    check(Decode::Percent, "a%20b+c%2B%C3%A9", "a b c+\u{e9}");
    check(Decode::Percent, "plain", "plain");
    check(Decode::Percent, "C%2B%2B", "C++");
    check(Decode::Percent, "a+b%21", "a b!");
    // Without an escape nothing says that it is encoded.
    check(Decode::Percent, "C++", "C++");
    check(Decode::Percent, "+46701234567", "+46701234567");
    check(Decode::Percent, "1+1=2", "1+1=2");
    // What cannot be the encoding of anything is the text itself.
    check(Decode::Percent, "50% off %20", "50% off %20");
    check(Decode::Percent, "100%", "100%");
    check(Decode::Percent, "100%2", "100%2");
    check(Decode::Percent, "%zz%20", "%zz%20");
    check(Decode::Percent, "1 + 1%20", "1 + 1%20");
    check(Decode::Percent, "\u{e9}%20", "\u{e9}%20");
    check(Decode::Base64, "SGVsbG8h", "Hello!");
    check(Decode::Base64, "SGVsbG8h\n", "Hello!");
    check(Decode::Base64, "SGVsbG8", "SGVsbG8");
    check(Decode::Base64, "no base64!", "no base64!");
    check(Decode::Base64, "", "");
}

#[test]
fn the_text_of_an_mms_may_have_another_name() {
    let webhook = with(|webhook| webhook.key_caption = "Caption".into());
    let check = |body: &str, expected: &str| {
        assert_eq!(shown(post(&webhook, FORM, body)), expected, "{body}");
    };
    check("To=1&From=2&Caption=x", "1 2 x");
    check("To=1&From=2&Caption=x&Body=y", "1 2 y");
    check("To=1&From=2&Caption=x&Body=", "1 2 ");
    check("To=1&From=2&Other=x", "bad: no text");
    // What looks like JSON names nobody else there either.
    let forged = "To=1&From=2&Caption={%22From%22:%223%22}";
    check(forged, "1 2 {\"From\":\"3\"}");
    check(&forged.replace("From=2&", ""), "bad: no from");
}

#[test]
fn all_texts_of_an_mms_are_joined() {
    let check = |key: &str, content_type: &str, body: &str, expected: &str| {
        let webhook = with(|webhook| webhook.key_caption = key.into());
        let all = shown(post(&webhook, content_type, body));
        assert_eq!(all, expected, "{key} {body}");
    };
    let parts =
        r#"{"To":1,"From":2,"m":[{"v":"x"},{"u":"https://a"},{"v":""},{"v":"y"},{"v":null}]}"#;
    check("v", JSON, parts, "1 2 x\ny");
    check("m[].v", JSON, parts, "1 2 x\ny");
    check("m[0].v", JSON, parts, "1 2 x");
    check("m[3].v", JSON, parts, "1 2 y");
    check("w", JSON, parts, "bad: no text");
    // One at the top is the only one, as for any key.
    let top = r#"{"To":1,"From":2,"v":"x","m":[{"v":"y"}]}"#;
    check("v", JSON, top, "1 2 x");
    let list = r#"{"To":1,"From":2,"v":["x","y"],"m":[{"v":"z"}]}"#;
    check("v", JSON, list, "1 2 x\ny");
    check("v[]", JSON, list, "1 2 x\ny");
    check("v[1]", JSON, list, "1 2 y");
    check("v", JSON, r#"{"To":1,"From":2,"v":[]}"#, "bad: no text");
    check(
        "v",
        JSON,
        r#"{"To":1,"From":2,"v":[{"v":"x"},{"v":"y"}]}"#,
        "1 2 x\ny",
    );
    check(
        "v",
        JSON,
        r#"{"To":1,"From":2,"m":[{"v":""},{"v":""}]}"#,
        "1 2 ",
    );
    let form = "To=1&From=2&m[0][v]=x&m[1][u]=y&m[2][v]=z&n[v][]=1&n[v][]=2";
    check("v", FORM, form, "1 2 x\nz\n1\n2");
    check("m[].v", FORM, form, "1 2 x\nz");
    check(
        "v",
        FORM,
        r#"To=1&From=2&m={"a":[{"v":"x"},{"v":"y"}]}"#,
        "1 2 x\ny",
    );
    // Each is decoded for itself, and links stand behind them all.
    let webhook = with(|webhook| {
        webhook.key_caption = "v".into();
        webhook.text_decode = Decode::Percent;
        webhook.key_media = "m[].u".into();
    });
    let parts = r#"{"To":1,"From":2,"m":[{"v":"a%20b"},{"u":"https://a"},{"v":"c++"}]}"#;
    let all = shown(post(&webhook, JSON, parts));
    assert_eq!(all, "1 2 a b\nc++\nhttps://a");
}

#[test]
fn several_links_in_one_value() {
    let check = |value: &str, expected: &str| {
        let webhook = with(|webhook| webhook.key_media = "m".into());
        let body = format!("To=1&From=2&Body=x&m={value}");
        let all = shown(post(&webhook, FORM, &body));
        assert_eq!(all, format!("1 2 x{expected}"), "{value}");
    };
    check("https://a/1", "\nhttps://a/1");
    check("https://a/1,https://a/2", "\nhttps://a/1\nhttps://a/2");
    check("https://a/1,+HTTP://a/2", "\nhttps://a/1\nHTTP://a/2");
    check(",https://a/1,,http://a/2", "\nhttps://a/1,\nhttp://a/2");
    check("x,https://a/1", "\nhttps://a/1");
    check(
        "https://a/1,https://a/x.smil,https://a/2",
        "\nhttps://a/1\nhttps://a/2",
    );
    // A link may have commas of its own.
    check("https://a/1,2,3", "\nhttps://a/1,2,3");
    check(
        "https://a/1,2,https://a/3,ftp://b",
        "\nhttps://a/1,2\nhttps://a/3,ftp://b",
    );
    // Ten of a message, however they are divided.
    let links = |count: usize| vec!["https://a"; count].join(",");
    for (given, kept) in [(9, 9), (10, 10), (11, 10)] {
        check(&links(given), &"\nhttps://a".repeat(kept));
        check(
            &format!("{}&m[]={}", links(5), links(given)),
            &"\nhttps://a".repeat(kept),
        );
    }
}

#[test]
fn media_are_links_behind_the_text() {
    fn check(key: &str, media: Media, content_type: &str, body: &str, expected: &str) {
        let webhook = with(|webhook| {
            webhook.key_media = key.into();
            webhook.media = media;
        });
        assert_eq!(
            shown(post(&webhook, content_type, body)),
            expected,
            "{body}"
        );
    }
    let link = |key: &str, content_type: &str, body: &str, expected: &str| {
        check(key, Media::Link, content_type, body, expected);
    };
    let twilio = "To=1&From=2&Body=x&NumMedia=2&MediaUrl0=https://a/0&MediaUrl1=https://a/1\
                  &MediaUrl3=https://a/3";
    let all = "1 2 x\nhttps://a/0\nhttps://a/1\nhttps://a/3";
    link("MediaUrl*", FORM, twilio, all);
    let from_bare = "To=1&From=2&Body=x&image=https://a/0&image2=https://a/2&image11=https://a/no";
    link("image*", FORM, from_bare, "1 2 x\nhttps://a/0\nhttps://a/2");
    check("MediaUrl*", Media::Drop, FORM, twilio, "1 2 x");
    link("", FORM, twilio, "1 2 x");
    let empty = "To=1&From=2&Body=&MediaUrl0=https://a/0";
    link("MediaUrl*", FORM, empty, "1 2 https://a/0");
    let without = "To=1&From=2&MediaUrl0=https://a/0";
    link("MediaUrl*", FORM, without, "1 2 https://a/0");
    check("MediaUrl*", Media::Drop, FORM, without, "1 2 ");
    link("MediaUrl*", FORM, "To=1&From=2", "bad: no text");
    link("MediaUrl*", FORM, "To=1&From=2&MediaUrl0=", "bad: no text");
    let objects = r#"{"To":1,"From":2,"Body":"x",
        "m":[{"url":"http://a/0","u":1},{"n":1},{"url":"HTTPS://a/1"}]}"#;
    link("m[].url", JSON, objects, "1 2 x\nhttp://a/0\nHTTPS://a/1");
    link("m[].no", JSON, objects, "1 2 x");
    link("no[].url", JSON, objects, "1 2 x");
    let strings = r#"{"To":1,"From":2,"Body":"x","d":{"m":["https://a/0","https://a/1"]}}"#;
    link("d.m[]", JSON, strings, "1 2 x\nhttps://a/0\nhttps://a/1");
    link("d.m", JSON, strings, "1 2 x\nhttps://a/0\nhttps://a/1");
    let one = r#"{"To":1,"From":2,"Body":"x","m":"https://a/0"}"#;
    link("m", JSON, one, "1 2 x\nhttps://a/0");
    link(
        "m",
        JSON,
        r#"{"To":1,"From":2,"Body":"x","m":null}"#,
        "1 2 x",
    );
    link("m", JSON, r#"{"To":1,"From":2,"m":null}"#, "bad: no text");
    // Only what can be followed.
    let no_links = [
        "ftp://a",
        "a",
        "",
        "https://a b",
        "https://a/x.smil",
        "https://a/x.SMIL?y",
    ];
    for no_link in no_links {
        let body = format!(r#"{{"To":1,"From":2,"Body":"x","m":["{no_link}"]}}"#);
        link("m", JSON, &body, "1 2 x");
    }
    let long = |bytes: usize| format!("https://a/{}", "x".repeat(bytes - 10));
    for (bytes, stays) in [(1023, true), (1024, true), (1025, false)] {
        let body = format!(r#"{{"To":1,"From":2,"Body":"","m":["{}"]}}"#, long(bytes));
        let expected = if stays { long(bytes) } else { String::new() };
        link("m", JSON, &body, &format!("1 2 {expected}"));
    }
    for (given, kept) in [(9, 9), (10, 10), (11, 10)] {
        let links = vec![r#""https://a""#; given].join(",");
        let body = format!(r#"{{"To":1,"From":2,"Body":"x","m":[{links}]}}"#);
        link(
            "m",
            JSON,
            &body,
            &format!("1 2 x{}", "\nhttps://a".repeat(kept)),
        );
    }
    // Each message has its own.
    let webhook = with(|webhook| {
        webhook.key_media = "m[]".into();
        webhook.each = "[]".into();
    });
    let two = r#"[{"To":1,"From":2,"Body":"x","m":["https://a"]},{"To":1,"From":2,"Body":"y"}]"#;
    assert_eq!(shown(post(&webhook, JSON, two)), "1 2 x\nhttps://a|1 2 y");
}
